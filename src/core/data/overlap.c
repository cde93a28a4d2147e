/*
 * overlap.c
 *	  Whether users agree with each other more than chance and popularity explain.
 *
 * Some users are drawn; for each item there is a list of those among them who have it.  The
 * interactions of every user then count, along these lists, what the user has in common with
 * each of the drawn.  Users are shared out among threads; what each gives is added up in their
 * order, so that threads make no difference.
 */
#include "core/data/overlap.h"

#include "core/base/rng.h"
#include "core/base/team.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"

#include <math.h>
#include <omp.h>

#define SEED 42

/* Steps for the drawn users together, and for each entry of the matrix. */
#define STEPS 3e7
#define STEPS_ENTRY 8

/* Users that a thread takes at a time. */
#define SHARE_USERS 8

/* Users in common between two looks. */
#define LOOK_USERS 65536

typedef struct Sample
{
	const reco_env *env;
	const reco_csr *matrix;
	int32_t users;   /* drawn */
	int32_t *user;   /* their numbers */
	int64_t *start;  /* items + 1: the lists of items */
	int32_t *drawn;  /* places in user */
	int64_t *count;  /* users of each item */
	int threads;     /* no more than entries of the drawn are worth */
	int32_t *common; /* of each thread: users + 1, as of the next */
	int32_t *touched;
	double *found; /* of each row of the matrix */
	double share;  /* of users who are drawn */
	bool thin;     /* these are compared with each other, not with all */
	reco_flag stop;
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
	release(env, s->found);
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
	size_t room = (size_t) s->users + 1;
	int64_t entries = 0;
	int64_t polled = 0;

	for (int32_t k = 0; k < s->users; k++)
		entries += a->start[s->user[k] + 1] - a->start[s->user[k]];
	s->threads = env->threads;
	if (entries / (int64_t) room < s->threads)
		s->threads = entries < (int64_t) room ? 1 : (int) (entries / (int64_t) room);
	s->start = zeroed(env, ((size_t) a->cols + 2) * sizeof(int64_t));
	s->drawn = env->alloc(env->arg, ((size_t) entries + 1) * sizeof(int32_t));
	s->common = zeroed(env, s->threads * room * sizeof(int32_t));
	s->touched = env->alloc(env->arg, s->threads * room * sizeof(int32_t));
	s->found = zeroed(env, ((size_t) a->rows + 1) * sizeof(double));
	if (!s->start || !s->drawn || !s->common || !s->touched || !s->found)
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

/* The sum over the drawn u != v of c_uv (c_uv - 1) / (n_u n_v); any, when it is to stop. */
static double
overlaps_of(Sample *s, int32_t v, int32_t *common, int32_t *touched)
{
	const reco_csr *a = s->matrix;
	int32_t seen = 0;
	double sum = 0;

	for (int64_t e = a->start[v]; e < a->start[v + 1] && !reco_team_stops(s->env, &s->stop); e++)
		for (int64_t k = s->start[a->col[e]]; k < s->start[a->col[e] + 1]; k++)
		{
			int32_t u = s->drawn[k];

			if (common[u]++ == 0)
				touched[seen++] = u;
		}
	for (int32_t t = 0; t < seen; t++)
	{
		int32_t k = touched[t];
		int32_t u = s->user[k];
		double c = common[k];

		if (t % LOOK_USERS == LOOK_USERS - 1 && reco_team_stops(s->env, &s->stop))
			break;
		if (u != v)
			sum += c * (c - 1) / (double) (a->start[u + 1] - a->start[u]);
		common[k] = 0;
	}
	return sum / (double) (a->start[v + 1] - a->start[v]);
}

/* Users who are compared with the drawn. */
static bool
is_compared(const Sample *s, int32_t v)
{
	return s->matrix->start[v + 1] - s->matrix->start[v] > 1 && (!s->thin || is_drawn(s, v));
}

/* Any thread: what some users have in common with the drawn. */
static void
find_overlaps(void *arg, int64_t from, int64_t to)
{
	Sample *s = arg;
	size_t mine = (size_t) omp_get_thread_num() * ((size_t) s->users + 1);

	for (int64_t v = from; v < to; v++)
		if (is_compared(s, (int32_t) v))
			s->found[v] = overlaps_of(s, (int32_t) v, s->common + mine, s->touched + mine);
}

static reco_status
sum_overlaps(const reco_env *env, const reco_csr *a, Sample *s, double q, double *excess)
{
	double found = 0;
	double others = 0; /* sum over all v, or all drawn, of n_v - 1 */
	double expected = 0;
	int64_t polled = 0;
	reco_env team = *env;

	team.threads = s->threads;
	if (reco_share(&team, a->rows, SHARE_USERS, find_overlaps, s) != RECO_OK ||
		reco_flag_up(&s->stop))
		return RECO_STOPPED;
	for (int32_t v = 0; v < a->rows; v++)
	{
		found += s->found[v];
		others += is_compared(s, v) ? (double) (a->start[v + 1] - a->start[v] - 1) : 0;
		if (stop_at_entry(env, v, &polled))
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
	Sample s = {.env = env, .matrix = by_user};
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
