/*
 * trend.h
 *	  What grows: items by the users of late against those before.
 */
#ifndef RECO_CORE_DATA_TREND_H
#define RECO_CORE_DATA_TREND_H

#include "core/data/triples.h"

/*
 * Two periods that follow each other, the later one ending with `last`, and what they
 * are counted into.
 */
typedef struct reco_trend
{
	bool any; /* false: no row has a time that counts, and nothing grows */
	int64_t last;
	uint64_t length; /* of each period */
	float *growth;   /* of each item; the caller's */
} reco_trend;

/*
 * Finds the periods.
 *
 * period > 0, in units of time: the later one ends with the latest time that is not
 * after `now`.  What is after it, such as a date in 2099, does not count.
 *
 * period 0: time is a number of unknown meaning, and each period is a tenth of its range.
 * Times that are farther from the middle of the rows than that is long do not count for
 * the range, the middle being all rows but the first and the last hundredth (at least
 * one row at each end).
 *
 * Cost: a pass over the rows; with period 0 at most nine.
 */
extern reco_status reco_trend_periods(const reco_triples *t, int64_t period, int64_t now,
									  reco_trend *trend);

/*
 * For each item the growth from one period to the next:
 *
 *	 growth = (recent - before) / sqrt(recent + before + 1)
 *
 * in standard deviations of what chance alone would make of it; 0 for an item that
 * nobody took in either.  recent and before are numbers of users, each of whom counts
 * once a period however many rows of an item there are.  Only rows with a value above 0
 * count.  The rows of user u are entry[start[u]] .. entry[start[u + 1] - 1].
 *
 * Cost: a pass over the rows, 16 bytes an item.
 */
extern reco_status reco_trend_count(const reco_env *env, reco_trend *trend, int32_t users,
									int32_t items, const int64_t *start, const reco_entry *entry,
									const int64_t *time);

#endif /* RECO_CORE_DATA_TREND_H */
