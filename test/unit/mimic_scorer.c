/*
 * mimic_scorer.c
 *	  What must hold for the seats of any scorer, whatever its scores are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mimic_scorer.h"

/* What a seat says of a profile, by itself. */
typedef struct answers
{
	float *score;
	int32_t n; /* of the list */
	reco_ranked *best;
	bool is_personal;
} answers;

/* Some items are not wanted. */
static void
skip_of(const reco_scorer *scorer, uint64_t *skip)
{
	memset(skip, 0, RECO_SET_BYTES(scorer->items) + 8);
	for (int32_t i = 0; i < scorer->items; i += 3)
		reco_set_add(skip, i);
}

static answers
answers_room(const reco_scorer *scorer)
{
	return (answers){.score = malloc(((size_t) scorer->items + 1) * sizeof(float)),
					 .best = malloc(((size_t) scorer->items + 1) * sizeof(reco_ranked))};
}

static void
answers_free(answers *a)
{
	free(a->score);
	free(a->best);
}

static bool
same(const answers *a, const answers *b, int32_t items)
{
	return memcmp(a->score, b->score, (size_t) items * sizeof(float)) == 0 && a->n == b->n &&
		   memcmp(a->best, b->best, (size_t) a->n * sizeof(reco_ranked)) == 0 &&
		   a->is_personal == b->is_personal;
}

/* order 0: scores first; 1: the list first.  False: something did not come out. */
static bool
ask(reco_seat *seat, const reco_profile *profile, int order, const uint64_t *skip, int32_t n,
	answers *out)
{
	bool fine = reco_seat_open(seat, profile) == RECO_OK;

	out->n = 0;
	for (int k = 0; k < 2 && fine; k++)
		if ((k == 0) == (order == 0))
			fine = reco_seat_score(seat, out->score) == RECO_OK;
		else
			fine = (out->n = reco_seat_top(seat, skip, n, out->best)) >= 0;
	out->is_personal = fine && reco_seat_is_personal(seat);
	reco_seat_close(seat);
	return fine;
}

static bool
is_clean(const reco_seat *seat)
{
	size_t bytes = seat->scorer->type->scratch ? seat->scorer->type->scratch(seat->scorer) : 0;

	for (size_t k = 0; k < bytes; k++)
		if (((const char *) seat->scratch)[k] != 0)
			return false;
	return seat->profile == NULL && !seat->scored;
}

/* The list of n from the scores, and items one by one, twice, backwards and a few. */
static void
check_ways(reco_seat *seat, const reco_profile *profile, const answers *first)
{
	const reco_scorer *scorer = seat->scorer;
	int32_t items = scorer->items;
	int32_t *item = malloc(((size_t) items * 2 + 1) * sizeof(int32_t));
	float *score = malloc(((size_t) items * 2 + 1) * sizeof(float));
	uint64_t *skip = malloc(RECO_SET_BYTES(items) + 8);
	reco_ranked *wanted = malloc(((size_t) items + 1) * sizeof(reco_ranked));
	reco_ranked *best = malloc(((size_t) items + 1) * sizeof(reco_ranked));

	skip_of(scorer, skip);
	for (int32_t k = 0; k < 2 * items; k++)
		item[k] = k < items ? items - 1 - k : k - items;
	for (int from_all = 0; from_all <= 1; from_all++)
	{
		assert_int_equal(reco_seat_open(seat, profile), RECO_OK);
		if (from_all)
			assert_int_equal(reco_seat_score_all(seat), RECO_OK);
		for (int32_t n = 1; n <= 2 * items; n = n < 3 ? n + 1 : n * 3)
		{
			assert_int_equal(reco_seat_some(seat, item, n, score), RECO_OK);
			for (int32_t k = 0; k < n; k++)
				assert_memory_equal(&score[k], &first->score[item[k]], sizeof(float));
		}
		for (int32_t n = 0; n <= items; n = n < 2 ? n + 1 : n * 4)
			for (int with = 0; with <= 1; with++)
			{
				int32_t have = reco_top_n(NULL, first->score, items, with ? skip : NULL, n, wanted);

				assert_int_equal(reco_seat_top(seat, with ? skip : NULL, n, best), have);
				for (int32_t r = 0; r < have; r++)
				{
					assert_memory_equal(&best[r].score, &wanted[r].score, sizeof(float));
					assert_int_equal(best[r].item, wanted[r].item);
				}
			}
		reco_seat_close(seat);
		assert_true(is_clean(seat));
	}
	free(item);
	free(score);
	free(skip);
	free(wanted);
	free(best);
}

/* Stops at every poll there is. */
static void
check_stops(mimic_env *m, reco_seat *seat, const reco_profile *profile, const answers *first)
{
	answers now = answers_room(seat->scorer);
	uint64_t *skip = malloc(RECO_SET_BYTES(seat->scorer->items) + 8);
	bool stopped = true;

	skip_of(seat->scorer, skip);
	for (long at = 1; stopped; at++)
	{
		m->polls = 0;
		m->stop_at = at;
		stopped = !ask(seat, profile, (int) (at % 2), skip, first->n, &now);
		m->stop_at = 0;
		assert_true(is_clean(seat));
		assert_true(ask(seat, profile, 0, skip, first->n, &now));
		assert_true(same(&now, first, seat->scorer->items));
	}
	answers_free(&now);
	free(skip);
}

/* A seat for lists gives the same, and says so where memory fails. */
static void
check_for_lists(const reco_scorer *scorer, const reco_profile *profile, const answers *first)
{
	bool indexed = scorer->type->has_index && scorer->type->has_index(scorer);
	reco_seat *seat;
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(reco_seat_make_for_lists(&m.env, scorer, &seat), RECO_OK);
	assert_true(is_clean(seat));
	assert_true((seat->score == NULL) == indexed);
	check_ways(seat, profile, first);
	reco_seat_free(&m.env, seat);
	assert_int_equal(m.live, 0);
	if (!indexed)
		return;
	mimic_env_init(&m);
	m.fail_at = 2;
	assert_int_equal(reco_seat_make_for_lists(&m.env, scorer, &seat), RECO_OK);
	assert_int_equal(reco_seat_open(seat, profile), RECO_OK);
	assert_int_equal(reco_seat_score_all(seat), RECO_NO_MEMORY);
	reco_seat_close(seat);
	reco_seat_free(&m.env, seat);
	assert_int_equal(m.live, 0);
}

/* Two threads at once, each with a seat, one through the profiles from the end. */
static void
check_threads(const reco_scorer *scorer, const reco_profile *profile, int n, const answers *first)
{
	int32_t items = scorer->items;
	mimic_env m;
	reco_seat *seat[2];
	answers now[2];
	uint64_t *skip = malloc(RECO_SET_BYTES(items) + 8);
	int wrong = 0;

	mimic_env_init(&m);
	skip_of(scorer, skip);
	for (int t = 0; t < 2; t++)
	{
		assert_int_equal(reco_seat_make(&m.env, scorer, &seat[t]), RECO_OK);
		reco_seat_for_thread(seat[t]);
		now[t] = answers_room(scorer);
	}
#pragma omp parallel for num_threads(2) schedule(static, 1) reduction(+ : wrong)
	for (int t = 0; t < 2; t++)
		for (int round = 0; round < 3; round++)
			for (int k = 0; k < n; k++)
			{
				int u = t == 0 ? k : n - 1 - k;

				wrong += !ask(seat[t], &profile[u], (t + round) % 2, skip, first[u].n, &now[t]) ||
						 !same(&now[t], &first[u], items) || !is_clean(seat[t]);
			}
	assert_int_equal(wrong, 0);
	for (int t = 0; t < 2; t++)
	{
		reco_seat_free(&m.env, seat[t]);
		answers_free(&now[t]);
	}
	assert_int_equal(m.live, 0);
	assert_int_equal(m.polls, 0);
	free(skip);
}

void
mimic_check_scorer(const reco_scorer *scorer, const reco_profile *profile, int n)
{
	answers *first = calloc((size_t) n, sizeof(answers));
	uint64_t *skip = malloc(RECO_SET_BYTES(scorer->items) + 8);
	reco_seat *seat;
	mimic_env m;

	mimic_env_init(&m);
	m.fail_at = 1;
	assert_int_equal(reco_seat_make(&m.env, scorer, &seat), RECO_NO_MEMORY);
	assert_null(seat);
	mimic_env_init(&m);
	assert_int_equal(reco_seat_make(&m.env, scorer, &seat), RECO_OK);
	assert_true(m.bytes <= reco_seat_bytes(scorer));
	assert_true(is_clean(seat));
	skip_of(scorer, skip);
	for (int u = 0; u < n; u++)
	{
		first[u] = answers_room(scorer);
		assert_true(ask(seat, &profile[u], 0, skip, scorer->items / 2, &first[u]));
		assert_true(is_clean(seat));
		for (int32_t i = 0; i < scorer->items; i++)
			assert_false(isnan(first[u].score[i]));
		check_ways(seat, &profile[u], &first[u]);
		check_stops(&m, seat, &profile[u], &first[u]);
		check_for_lists(scorer, &profile[u], &first[u]);
	}
	reco_seat_close(seat);
	reco_seat_free(&m.env, seat);
	reco_seat_free(&m.env, NULL);
	assert_int_equal(m.live, 0);
	check_threads(scorer, profile, n, first);
	for (int u = 0; u < n; u++)
		answers_free(&first[u]);
	free(first);
	free(skip);
}

void
mimic_check_scores(const float *score, const long double *wanted, int32_t n, double tolerance)
{
	for (int32_t i = 0; i < n; i++)
		if (isinf(wanted[i]))
			assert_true(isinf(score[i]) && score[i] < 0);
		else if (!(fabsl(score[i] - wanted[i]) <= tolerance * fmaxl(1, fabsl(wanted[i]))))
			fail_msg("score %d is %g, not %g", i, (double) score[i], (double) wanted[i]);
}
