/*
 * trend.c
 *	  What grows: items by their interactions of late against those before.
 *
 * Counts of rare events have the variance of their mean, so a difference of two
 * counts has that of their sum: growth is told from noise without a threshold on
 * the number of interactions.
 *
 * Cost: two passes over the rows.
 */
#include "core/trend.h"

#include "core/sorting.h"

#include <math.h>

/* The earliest and the latest time; false when no row has one. */
static bool
time_range(const reco_triples *t, int64_t *first, int64_t *last)
{
	bool any = false;

	for (int64_t c = 0; c < t->chunks; c++)
	{
		const int64_t *time = reco_chunk_time(t, t->chunk[c]);
		int rows = c == t->chunks - 1 ? t->used : RECO_CHUNK_ROWS;

		for (int k = 0; k < rows; k++)
		{
			/* an unknown time is the smallest number */
			if (time[k] == INT64_MIN)
				continue;
			if (!any || time[k] < *first)
				*first = time[k];
			if (!any || time[k] > *last)
				*last = time[k];
			any = true;
		}
		if (t->env->poll(t->env->arg))
			return false;
	}
	return any;
}

reco_status
reco_trend(const reco_triples *t, int64_t period, int32_t items, float *trend)
{
	int32_t *count = zeroed(t->env, ((size_t) items + 1) * 2 * sizeof(int32_t));
	int64_t first = 0;
	int64_t last = 0;
	reco_status status = RECO_OK;

	if (count == NULL)
		return RECO_NO_MEMORY;
	if (t->has_time && time_range(t, &first, &last))
	{
		/* as unsigned numbers differences cannot overflow */
		uint64_t span = (uint64_t) last - (uint64_t) first;
		uint64_t length = period > 0 ? (uint64_t) period : span / 10 + 1;

		for (int64_t c = 0; c < t->chunks && status == RECO_OK; c++)
		{
			const reco_chunk *chunk = t->chunk[c];
			const int64_t *time = reco_chunk_time(t, t->chunk[c]);
			const float *value = reco_chunk_value(t, t->chunk[c]);
			int rows = c == t->chunks - 1 ? t->used : RECO_CHUNK_ROWS;

			for (int k = 0; k < rows; k++)
			{
				uint64_t age = (uint64_t) last - (uint64_t) time[k];

				if (time[k] == INT64_MIN || (value && !(value[k] > 0)) || age / length > 1)
					continue;
				count[2 * (size_t) chunk->item[k] + age / length]++;
			}
			if (t->env->poll(t->env->arg))
				status = RECO_STOPPED;
		}
	}
	for (int32_t i = 0; i < items; i++)
	{
		double recent = count[2 * (size_t) i];
		double before = count[2 * (size_t) i + 1];

		trend[i] = (float) ((recent - before) / sqrt(recent + before + 1));
	}
	t->env->release(t->env->arg, count);
	return status;
}
