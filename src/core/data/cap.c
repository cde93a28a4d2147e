/*
 * cap.c
 *	  At most so many pairs of one user.
 *
 * A robot's or an importer's history says nothing about taste, and what brings pairs of
 * items together costs the square of its length.
 *
 * Cost: n log max.
 */
#include "core/data/triples.h"

/* Which of two pairs is the first to go; items differ, so this is a total order. */
static inline bool
worse(reco_kept a, reco_kept b)
{
	if (a.time != b.time)
		return a.time < b.time;
	if (a.value != b.value)
		return a.value < b.value;
	return a.item > b.item;
}

#define HEAP_ENTRY reco_kept
#define HEAP_WORSE(a, b) worse(a, b)
#include "core/base/heap.h"

/* Pairs between two polls: some milliseconds. */
#define POLL_PAIRS 65536

static inline reco_kept
pair_at(const int64_t *time, const float *sum, const int32_t *item, int64_t k)
{
	return (reco_kept){time ? time[k] : 0, sum ? sum[k] : 1, item[k]};
}

int64_t
reco_row_cap(const reco_env *env, int64_t max, int64_t n, int64_t *time, int32_t *item, float *sum,
			 float *latest, reco_kept *scratch)
{
	int32_t have = 0;
	int64_t to = 0;

	if (n <= max)
		return n;
	for (int64_t k = 0; k < n; k++)
	{
		if (env && k % POLL_PAIRS == POLL_PAIRS - 1 && env->poll(env->arg))
			return -1;
		heap_offer(scratch, &have, (int32_t) max, pair_at(time, sum, item, k));
	}
	for (int64_t k = 0; k < n; k++)
	{
		if (env && k % POLL_PAIRS == POLL_PAIRS - 1 && env->poll(env->arg))
			return -1;
		if (worse(pair_at(time, sum, item, k), scratch[0]))
			continue;
		item[to] = item[k];
		if (time)
			time[to] = time[k];
		if (sum)
			sum[to] = sum[k];
		if (latest)
			latest[to] = latest[k];
		to++;
	}
	return to;
}
