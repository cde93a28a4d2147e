/*
 * reliability.c
 *	  Whether what is said comes true: what came of the least that was said, of more, of the most.
 */
#include "core/ranking/reliability.h"

#include "core/data/sorting.h"

#include <math.h>

typedef struct pairs
{
	float *said;
	float *seen;
} pairs;

static bool
before(const void *rows, int64_t a, int64_t b)
{
	const pairs *p = rows;

	return p->said[a] != p->said[b] ? p->said[a] < p->said[b] : p->seen[a] < p->seen[b];
}

static void
swap(void *rows, int64_t a, int64_t b)
{
	pairs *p = rows;
	float said = p->said[a];
	float seen = p->seen[a];

	p->said[a] = p->said[b];
	p->said[b] = said;
	p->seen[a] = p->seen[b];
	p->seen[b] = seen;
}

/* Adds pairs from..to - 1 to a group that has some, or none. */
static void
add(reco_reliability *group, const pairs *p, int64_t from, int64_t to)
{
	double said = group->said * (double) group->pairs;
	double seen = group->seen * (double) group->pairs;

	for (int64_t k = from; k < to; k++)
	{
		said += p->said[k];
		seen += p->seen[k];
	}
	group->pairs += to - from;
	group->said = said / (double) group->pairs;
	group->seen = seen / (double) group->pairs;
}

reco_status
reco_reliability_of(const reco_env *env, float *said, float *seen, int64_t n, reco_reliability *out,
					int *groups)
{
	pairs p = {said, seen};
	int64_t wanted;
	int64_t from = 0;
	int64_t kept = 0;
	int64_t done = 0;

	*groups = 0;
	for (int64_t k = 0; k < n; k++)
	{
		if (isfinite(said[k]) && isfinite(seen[k]))
		{
			said[kept] = said[k];
			seen[kept++] = seen[k];
		}
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	if (!sort_in_place(env, kept, &p, before, swap))
		return RECO_STOPPED;
	wanted = kept / RECO_RELIABILITY_LEAST;
	wanted = wanted < RECO_RELIABILITY_GROUPS ? wanted : RECO_RELIABILITY_GROUPS;
	for (int64_t g = 1; g <= wanted; g++)
	{
		int64_t to = kept * g / wanted;

		/* what equals the last one goes with it */
		while (to < kept && to > from && said[to] == said[to - 1])
			to++;
		if (to - from < RECO_RELIABILITY_LEAST)
			continue;
		out[*groups] = (reco_reliability){0};
		add(&out[(*groups)++], &p, from, to);
		from = to;
		if (env->poll(env->arg))
			return RECO_STOPPED;
	}
	if (*groups > 0 && from < kept)
		add(&out[*groups - 1], &p, from, kept);
	return RECO_OK;
}
