/*
 * periods.h
 *	  Rows of users in the periods that a time to come is told from.
 *
 * A row counts where its value is above 0, so a return is no purchase, and its time is known and
 * not after the end.
 */
#ifndef RECO_CORE_DEMAND_PERIODS_H
#define RECO_CORE_DEMAND_PERIODS_H

#include "core/data/triples.h"

/* Whether a time counts, and how many whole periods there are between it and the end. */
static inline bool
reco_period_counts(int64_t end, int64_t time)
{
	return time != INT64_MIN && time <= end;
}

static inline int64_t
reco_period_of(int64_t end, int64_t length, int64_t time)
{
	/* two times may be further from each other than a signed number tells */
	uint64_t periods = ((uint64_t) end - (uint64_t) time) / (uint64_t) length;

	return periods > INT64_MAX ? INT64_MAX : (int64_t) periods;
}

/* Where one is among a user's rows. */
typedef struct reco_taken
{
	const reco_interactions *x;
	int64_t pair;
	int64_t pairs; /* the end of these */
	int64_t row;   /* of pairs that have several */
	int64_t rows;
	int32_t item;
} reco_taken;

static inline reco_taken
reco_taken_begin(const reco_interactions *x, int32_t user)
{
	const int64_t *repeats = x->repeats.start;

	return (reco_taken){x,
						x->by_user.start[user],
						x->by_user.start[user + 1],
						repeats ? repeats[user] : 0,
						repeats ? repeats[user + 1] : 0,
						-1};
}

/*
 * The next row whose value is above 0: its item and *time; false: there is none.  Rows of an item
 * come together, in order of time.
 */
static inline bool
reco_taken_next(reco_taken *t, int64_t *time)
{
	const reco_interactions *x = t->x;

	for (;;)
	{
		float value;

		if (t->row < t->rows && x->repeats.row[t->row].item == t->item)
		{
			value = x->repeats.row[t->row].value;
			*time = x->repeats.time ? x->repeats.time[t->row] : INT64_MIN;
			t->row++;
		}
		else if (t->pair < t->pairs)
		{
			t->item = x->by_user.col[t->pair];
			value = x->by_user.value ? x->by_user.value[t->pair] : 1;
			*time = x->time ? x->time[t->pair] : INT64_MIN;
			t->pair++;
			if (t->row < t->rows && x->repeats.row[t->row].item == t->item)
				continue;
		}
		else
			return false;
		if (value > 0)
			return true;
	}
}

#endif /* RECO_CORE_DEMAND_PERIODS_H */
