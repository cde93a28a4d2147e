/*
 * cancel.h
 *	  Rows that take back what others say: cancellations and returns.
 *
 * A row that cancels takes back as much as it is worth of the latest rows of the same user and item
 * that are not later than itself.  Rows of one time are taken back together: those that cancel come
 * after the others, so that a cancellation on the day of the purchase finds it.  What has nothing
 * to be taken back, such as a row that is not of a kind that counts as seen or has no value above
 * 0, is passed over.
 */
#ifndef RECO_CORE_DATA_CANCEL_H
#define RECO_CORE_DATA_CANCEL_H

#include "core/base/env.h"

/* A row of a source, its ids as numbers. */
typedef struct reco_deed
{
	int64_t time; /* INT64_MIN: not known, before all others */
	int32_t user;
	int32_t item;
	float value; /* what is learnt */
	float plain; /* what it is worth by itself; of one that cancels, how much it takes back */
	float left;  /* of plain, once others have taken back theirs */
	bool learnt;
	bool seen;
	bool cancels;
} reco_deed;

/* Differences of so much of a whole are rounding. */
#define RECO_CANCEL_ROUNDING 2e-6

typedef struct reco_cancelled
{
	int64_t whole;      /* rows that were taken back, and are gone */
	int64_t in_part;    /* that are worth less */
	int64_t cancelling; /* that take back, and are gone */
	int64_t unmatched;  /* of these, those that found less than they take back */
} reco_cancelled;

/*
 * Takes back what is to be taken back: of n rows those that are left come first, by user, item and
 * time, and their number is returned; -1 when poll asked for an end.  Adds to *counts.  The order
 * of the rows does not matter: of one time the first to be taken back are those of the largest
 * plain value, of those of one value the ones that teach most.
 * Cost: n log n.
 */
extern int64_t reco_cancel(const reco_env *env, reco_deed *row, int64_t n, reco_cancelled *counts);

#endif /* RECO_CORE_DATA_CANCEL_H */
