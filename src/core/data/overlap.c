/*
 * overlap.c
 *	  Whether users agree with each other more than chance and popularity explain.
 *
 * Some users are drawn; for each item there is a list of those among them who have it.  The
 * interactions of every user then count, along these lists, what the user has in common with
 * each of the drawn.
 */
#include "core/data/overlap.h"

#include "core/base/rng.h"
#include "core/data/sorting.h"

#include <math.h>

#define SEED 42

/* Steps for the drawn users together, and for each entry of the matrix. */
#define STEPS 3e7
#define STEPS_ENTRY 8

typedef struct Sample
{
	int32_t users;  /* drawn */
	int32_t *user;  /* their numbers */
	int64_t *start; /* items + 1: the lists of items */
	int32_t *drawn; /* places in user */
	int64_t *count; /* users of each item */
	int32_t *common;
	int32_t *touched;
	double share; /* of users who are drawn */
	bool thin;    /* these are compared with each other, not with all */
	int64_t steps;
	int64_t polled;
} Sample;

/* By the number, so that it is the same whenever it is asked. */
static bool
is_drawn(const Sample *s, int32_t user)
{
	return reco_rng_uniform(reco_rng_row(SEED, (uint64_t) user), 0) < s->share;
}

static void
sample_free(const reco_env *env, Sample *s)
{
	release(env, s->user);
	release(env, s->start);
	release(env, s->drawn);
	release(env, s->count);
	release(env, s->common);
	release(env, s->touched);
}

/* Users of each item, and the sums of shares in the second and in the fourth power. */
static reco_status
count_items(const reco_env *env, const reco_csr *a, Sample *s, double *second, double *fourth)
{
	double n = fmax((double) a->start[a->rows], 1);
	int64_t polled = 0;

	s->count = zeroed(env, ((size_t) a->cols + 1) * sizeof(int64_t));
	if (s->count == NULL)
		return RECO_NO_MEMORY;
	for (int64_t e = 0; e < a->start[a->rows]; e++)
	{
		s->count[a->col[e]]++;
		if (stop_at_entry(env, e, &polled))
			return RECO_STOPPED;
	}
	*second = *fourth = 0;
	polled = 0;
	for (int32_t i = 0; i < a->cols; i++)
	{
		double p = (double) s->count[i] / n;

		*second += p * p;
		*fourth += p * p * p * p;
		if (stop_at_entry(env, i, &polled))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/*
 * Of whom the steps are below their share of all.  Where that would be too many steps, pairs of the
 * drawn are enough: then their number does not fall with that of the rows.
 */
static reco_status
draw_users(const reco_env *env, const reco_csr *a, Sample *s, double most)
{
	double all = 0;
	double steps = STEPS + STEPS_ENTRY * (double) a->start[a->rows];
	int64_t polled = 0;

	for (int32_t i = 0; i < a->cols; i++)
		all += (double) s->count[i] * (double) s->count[i];
	s->thin = steps > most && all > most;
	s->share = s->thin ? sqrt(most / all) : steps / all;
	s->user = env->alloc(env->arg, ((size_t) a->rows + 1) * sizeof(int32_t));
	if (s->user == NULL)
		return RECO_NO_MEMORY;
	for (int32_t u = 0; u < a->rows; u++)
	{
		if (a->start[u + 1] - a->start[u] > 1 && is_drawn(s, u))
			s->user[s->users++] = u;
		if (stop_at_entry(env, u, &polled))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* The lists of items. */
static reco_status
list_drawn(const reco_env *env, const reco_csr *a, Sample *s)
{
	int64_t entries = 0;
	int64_t polled = 0;

	for (int32_t k = 0; k < s->users; k++)
		entries += a->start[s->user[k] + 1] - a->start[s->user[k]];
	s->start = zeroed(env, ((size_t) a->cols + 2) * sizeof(int64_t));
	s->drawn = env->alloc(env->arg, ((size_t) entries + 1) * sizeof(int32_t));
	s->common = zeroed(env, ((size_t) s->users + 1) * sizeof(int32_t));
	s->touched = env->alloc(env->arg, ((size_t) s->users + 1) * sizeof(int32_t));
	if (!s->start || !s->drawn || !s->common || !s->touched)
		return RECO_NO_MEMORY;
	for (int pass = 0; pass < 2; pass++)
	{
		int64_t done = 0;

		polled = 0;
		for (int32_t k = 0; k < s->users; k++)
			for (int64_t e = a->start[s->user[k]]; e < a->start[s->user[k] + 1]; e++)
			{
				if (pass == 0)
					s->start[a->col[e] + 1]++;
				else
					s->drawn[s->start[a->col[e]]++] = k;
				if (stop_at_entry(env, done++, &polled))
					return RECO_STOPPED;
			}
		if (pass == 0)
			counts_to_places(s->start, a->cols);
		else
			ends_to_starts(s->start, a->cols);
	}
	return RECO_OK;
}

/* Adds the sum over the drawn u != v of c_uv (c_uv - 1) / (n_u n_v). */
static reco_status
add_overlaps(const reco_env *env, const reco_csr *a, Sample *s, int32_t v, double *found)
{
	int32_t touched = 0;
	double sum = 0;

	for (int64_t e = a->start[v]; e < a->start[v + 1]; e++)
	{
		int64_t from = s->start[a->col[e]];
		int64_t to = s->start[a->col[e] + 1];

		for (int64_t k = from; k < to; k++)
		{
			int32_t u = s->drawn[k];

			if (s->common[u]++ == 0)
				s->touched[touched++] = u;
		}
		s->steps += 1 + to - from;
		if (stop_at_entry(env, s->steps, &s->polled))
			return RECO_STOPPED;
	}
	for (int32_t t = 0; t < touched; t++)
	{
		int32_t k = s->touched[t];
		int32_t u = s->user[k];
		double c = s->common[k];

		if (u != v)
			sum += c * (c - 1) / (double) (a->start[u + 1] - a->start[u]);
		s->common[k] = 0;
	}
	s->steps += touched;
	*found += sum / (double) (a->start[v + 1] - a->start[v]);
	return RECO_OK;
}

static reco_status
sum_overlaps(const reco_env *env, const reco_csr *a, Sample *s, double q, double *excess)
{
	double found = 0;
	double others = 0; /* sum over all v, or all drawn, of n_v - 1 */
	double expected = 0;

	for (int32_t v = 0; v < a->rows; v++)
	{
		int64_t n = a->start[v + 1] - a->start[v];

		if (s->thin && !is_drawn(s, v))
			n = 0;
		if (n > 1 && add_overlaps(env, a, s, v, &found) != RECO_OK)
			return RECO_STOPPED;
		others += n > 1 ? (double) (n - 1) : 0;
		if (stop_at_entry(env, ++s->steps, &s->polled))
			return RECO_STOPPED;
	}
	for (int32_t k = 0; k < s->users; k++)
	{
		double n = (double) (a->start[s->user[k] + 1] - a->start[s->user[k]]);

		expected += (n - 1) * (others - (n - 1)) * q;
	}
	*excess = expected > 0 ? found / expected : 1;
	return RECO_OK;
}

reco_status
reco_overlap(const reco_env *env, const reco_csr *by_user, double most, double *excess)
{
	Sample s = {0};
	double second;
	double fourth;
	reco_status status = count_items(env, by_user, &s, &second, &fourth);

	if (status == RECO_OK)
		status = draw_users(env, by_user, &s, most);
	if (status == RECO_OK)
		status = list_drawn(env, by_user, &s);
	if (status == RECO_OK)
		status = sum_overlaps(env, by_user, &s, second * second - fourth, excess);
	sample_free(env, &s);
	return status;
}
