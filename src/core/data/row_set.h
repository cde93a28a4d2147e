/*
 * row_set.h
 *	  The items of one row, put in order by way of a bitmap.
 */
#ifndef RECO_CORE_DATA_ROW_SET_H
#define RECO_CORE_DATA_ROW_SET_H

#include "core/data/row.h"
#include "core/data/sorting.h"

/*
 * The items of one row: a bit each, a summary bit for each word of them, and
 * each item's value, and its time where times are kept.
 */
typedef struct row_set
{
	uint64_t *bits;
	uint64_t *summary;
	float *value;
	int64_t *time; /* NULL: not kept */
	int64_t summary_words;
} row_set;

static inline void
row_set_free(const reco_env *env, row_set *set)
{
	release(env, set->bits);
	release(env, set->summary);
	release(env, set->value);
	release(env, set->time);
}

/* False when memory is exhausted: then too it is to be freed. */
static inline bool
row_set_alloc(const reco_env *env, row_set *set, int32_t items, bool times)
{
	size_t words = (size_t) items / 64 + 1;

	set->summary_words = (int64_t) (words / 64 + 1);
	set->bits = zeroed(env, words * sizeof(uint64_t));
	set->summary = zeroed(env, (size_t) set->summary_words * sizeof(uint64_t));
	set->value = env->alloc(env->arg, ((size_t) items + 1) * sizeof(float));
	if (times)
		set->time = env->alloc(env->arg, ((size_t) items + 1) * sizeof(int64_t));
	return set->bits != NULL && set->summary != NULL && set->value != NULL && (!times || set->time);
}

/* Puts a row into the set; *repeats: an item is there twice.  False to stop. */
static inline bool
row_set_fill(const reco_env *env, row_set *set, const reco_entry *e, const int64_t *time, int64_t n,
			 bool *repeats)
{
	uint64_t repeated = 0;
	int64_t polled = 0;

	for (int64_t k = 0; k < n; k++)
	{
		int32_t item = e[k].item;
		uint64_t *word = &set->bits[item >> 6];
		uint64_t bit = UINT64_C(1) << (item & 63);

		repeated |= *word & bit;
		*word |= bit;
		set->summary[item >> 12] |= UINT64_C(1) << ((item >> 6) & 63);
		set->value[item] = e[k].value;
		if (set->time)
			set->time[item] = time[k];
		if (stop_at_entry(env, k, &polled))
			return false;
	}
	*repeats = repeated != 0;
	return true;
}

/* Takes the items out in order, leaving the set empty.  False to stop. */
static inline bool
row_set_drain(const reco_env *env, row_set *set, int32_t *col, float *value, int64_t *time)
{
	int64_t n = 0;
	int64_t polled = 0;

	for (int64_t s = 0; s < set->summary_words; s++)
	{
		if (stop_at_entry(env, n, &polled))
			return false;
		for (uint64_t words = set->summary[s]; words; words &= words - 1)
		{
			int64_t w = s * 64 + __builtin_ctzll(words);

			for (uint64_t bits = set->bits[w]; bits; bits &= bits - 1)
			{
				int32_t item = (int32_t) (w * 64 + __builtin_ctzll(bits));

				col[n] = item;
				if (value)
					value[n] = set->value[item];
				if (time)
					time[n] = set->time[item];
				n++;
			}
			set->bits[w] = 0;
		}
		set->summary[s] = 0;
	}
	return true;
}

#endif /* RECO_CORE_DATA_ROW_SET_H */
