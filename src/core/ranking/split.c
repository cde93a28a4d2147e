/*
 * split.c
 *	  A part of every user's interactions is hidden.
 *
 * Cost: two passes over the users, and that of reco_hold_out for each.
 */
#include "core/ranking/split.h"

#include "core/data/sorting.h"
#include "core/ranking/metrics.h"

#include <math.h>

/* How many of a user's n interactions are hidden. */
static int64_t
hidden_of(double fraction, int64_t n)
{
	int64_t held = (int64_t) floor(fraction * (double) n + 0.5);

	held = held < n - 1 ? held : n - 1;
	return held > 0 ? held : 0;
}

static bool
part_alloc(const reco_env *env, const reco_interactions *x, int64_t entries, reco_interactions *out)
{
	reco_csr *a = &out->by_user;
	size_t n = (size_t) entries + 1;

	a->rows = x->by_user.rows;
	a->cols = x->by_user.cols;
	a->start = env->alloc(env->arg, ((size_t) a->rows + 1) * sizeof(int64_t));
	a->col = env->alloc(env->arg, n * sizeof(int32_t));
	if (x->by_user.value)
		a->value = env->alloc(env->arg, n * sizeof(float));
	if (x->latest)
		out->latest = env->alloc(env->arg, n * sizeof(float));
	if (x->time)
		out->time = env->alloc(env->arg, n * sizeof(int64_t));
	return a->start && a->col && (a->value || !x->by_user.value) && (out->latest || !x->latest) &&
		   (out->time || !x->time);
}

/* Interaction e of x becomes the one at *to, and *to goes on. */
static inline void
take(const reco_interactions *x, int64_t e, reco_interactions *part, int64_t *to)
{
	part->by_user.col[*to] = x->by_user.col[e];
	if (x->by_user.value)
		part->by_user.value[*to] = x->by_user.value[e];
	if (x->latest)
		part->latest[*to] = x->latest[e];
	if (x->time)
		part->time[*to] = x->time[e];
	(*to)++;
}

/* held and scratch: room for the longest user. */
static reco_status
share_out(const reco_env *env, const reco_interactions *x, double fraction, uint64_t seed,
		  bool *held, uint64_t *scratch, reco_interactions *train, reco_interactions *hidden)
{
	const reco_csr *a = &x->by_user;
	int64_t trained = 0;
	int64_t tested = 0;
	int64_t done = 0;

	for (int32_t u = 0; u < a->rows; u++)
	{
		int64_t from = a->start[u];
		int64_t n = a->start[u + 1] - from;

		train->by_user.start[u] = trained;
		hidden->by_user.start[u] = tested;
		if (reco_hold_out(env, seed, u, a->col + from, n, hidden_of(fraction, n), scratch, held) !=
			RECO_OK)
			return RECO_STOPPED;
		for (int64_t k = 0; k < n; k++)
		{
			if (held[k])
				take(x, from + k, hidden, &tested);
			else
				take(x, from + k, train, &trained);
			if (stop_after(env, 4, &done))
				return RECO_STOPPED;
		}
		if (stop_after(env, 8, &done))
			return RECO_STOPPED;
	}
	train->by_user.start[a->rows] = trained;
	hidden->by_user.start[a->rows] = tested;
	return RECO_OK;
}

reco_status
reco_split(const reco_env *env, const reco_interactions *x, double fraction, uint64_t seed,
		   reco_interactions *train, reco_interactions *hidden)
{
	const reco_csr *a = &x->by_user;
	int64_t entries = a->start[a->rows];
	int64_t longest = 0;
	int64_t tested = 0;
	int64_t done = 0;
	reco_status status = RECO_NO_MEMORY;
	bool *held;
	uint64_t *scratch;

	memset(train, 0, sizeof(*train));
	memset(hidden, 0, sizeof(*hidden));
	for (int32_t u = 0; u < a->rows; u++)
	{
		int64_t n = a->start[u + 1] - a->start[u];

		longest = n > longest ? n : longest;
		tested += hidden_of(fraction, n);
		if (stop_after(env, 8, &done))
			return RECO_STOPPED;
	}
	held = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(bool));
	scratch = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(uint64_t));
	if (held && scratch && part_alloc(env, x, entries - tested, train) &&
		part_alloc(env, x, tested, hidden))
		status = share_out(env, x, fraction, seed, held, scratch, train, hidden);
	release(env, held);
	release(env, scratch);
	if (status != RECO_OK)
	{
		reco_interactions_free(env, train);
		reco_interactions_free(env, hidden);
	}
	return status;
}
