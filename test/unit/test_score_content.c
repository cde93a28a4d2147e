/*
 * test_score_content.c
 *	  What is known about items as a scorer: seats against profiles made by themselves, and the
 *	  formulas of content.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/scoring/score_content.h"
#include "mimic_content.h"
#include "mimic_scorer.h"

#define USERS 5

typedef struct world
{
	mimic_env m;
	mimic_catalogue c;
	reco_content content;
	float *idf;
	reco_content_scorer scorer;
	int32_t *item[USERS];
	float *value[USERS];
	reco_profile profile[USERS];
} world;

/* Nothing, one item, a few, many with values of either sign. */
static void
make_users(world *w, uint64_t *seed)
{
	int32_t items = w->content.items;

	for (int u = 0; u < USERS; u++)
	{
		int64_t n = 0;

		w->item[u] = malloc((size_t) items * sizeof(int32_t));
		w->value[u] = malloc((size_t) items * sizeof(float));
		for (int32_t i = 0; i < items; i++)
			if ((u == 1 && n == 0) || (u > 1 && mimic_below(seed, items) < u * u * 2))
			{
				w->item[u][n] = i;
				w->value[u][n++] = (float) (mimic_below(seed, 7) - (u == 4 ? 2 : 0)) / 2;
			}
		w->profile[u] = (reco_profile){
			.n = n, .item = w->item[u], .value = u == 2 || u == 1 ? NULL : w->value[u]};
	}
}

static world *
world_of(int s)
{
	world *w = calloc(1, sizeof(world));
	double mean[RECO_MAX_FIELDS];
	double deviation[RECO_MAX_FIELDS];
	uint64_t seed = (uint64_t) s;

	mimic_env_init(&w->m);
	mimic_catalogue_make(&w->c, &mimic_shapes[s], seed);
	assert_true(mimic_content_make(&w->m, &w->c, &w->content));
	w->idf = malloc(((size_t) w->c.terms + 1) * sizeof(float));
	assert_int_equal(reco_content_prepare(&w->m.env, &w->content, w->idf, mean, deviation),
					 RECO_OK);
	w->scorer = (reco_content_scorer){
		{&reco_content_scorer_type, w->content.items, -INFINITY, INFINITY}, &w->content};
	make_users(w, &seed);
	return w;
}

static void
world_free(world *w)
{
	for (int u = 0; u < USERS; u++)
	{
		free(w->item[u]);
		free(w->value[u]);
	}
	mimic_content_free(&w->m, &w->content);
	mimic_catalogue_free(&w->c);
	free(w->idf);
	assert_int_equal(w->m.live, 0);
	free(w);
}

/* The scores, and what an interaction has in them. */
static void
check_formula(world *w)
{
	reco_seat *seat;
	double *contribution = malloc(((size_t) w->content.items + 1) * sizeof(double));
	long double *part = malloc(((size_t) w->content.items + 1) * sizeof(long double));

	assert_int_equal(reco_seat_make(&w->m.env, &w->scorer.head, &seat), RECO_OK);
	for (int u = 0; u < USERS; u++)
	{
		const reco_profile *profile = &w->profile[u];
		reco_content_user user = {profile->n, profile->item, profile->value};
		reco_content_profile made;
		bool any = false;

		assert_int_equal(reco_seat_open(seat, profile), RECO_OK);
		assert_int_equal(reco_seat_score_all(seat), RECO_OK);
		assert_int_equal(reco_content_profile_make(&w->m.env, &w->content, &user, &made), RECO_OK);
		assert_int_equal(reco_content_of_seat(seat)->terms, made.terms);
		assert_memory_equal(reco_content_of_seat(seat)->size, made.size, sizeof(made.size));
		assert_int_equal(reco_seat_is_personal(seat), reco_content_is_personal(&w->content, &made));
		reco_content_profile_free(&w->m.env, &made);
		for (int32_t i = 0; i < w->content.items; i++)
		{
			long double wanted = mimic_score(&w->c, &user, i, part);
			double sum;
			bool additive;

			any = any || wanted != 0;
			assert_int_equal(isinf(seat->score[i]) != 0, wanted == 0);
			if (wanted != 0)
				assert_true(fabsl(seat->score[i] - wanted) < 3e-6);
			assert_int_equal(reco_seat_explain(seat, i, contribution, &sum, &additive), RECO_OK);
			assert_true(additive && sum == 0);
			for (int64_t j = 0; j < profile->n; j++)
				sum += contribution[j];
			assert_true(fabsl(sum - wanted) < 5e-6);
		}
		assert_true(reco_seat_is_personal(seat) || !any);
		reco_seat_close(seat);
	}
	reco_seat_free(&w->m.env, seat);
	free(contribution);
	free(part);
}

/* Whoever has just that item: the same bits, in the order of float8. */
static void
check_similar(world *w)
{
	int32_t items = w->content.items;
	reco_similar *found = malloc(((size_t) items + 1) * sizeof(reco_similar));

	for (int32_t a = 0; a<items; a += items> 40 ? 17 : 1)
	{
		reco_content_user user = {1, &a, NULL};
		reco_content_profile made;
		int32_t count;
		int32_t others = 0;

		assert_int_equal(reco_content_profile_make(&w->m.env, &w->content, &user, &made), RECO_OK);
		assert_int_equal(reco_scorer_similar(&w->m.env, &w->scorer.head, a, items, found, &count),
						 RECO_OK);
		for (int32_t b = 0; b < items; b++)
		{
			double wanted;
			double alike = reco_content_alike(&w->content, a, b);
			int32_t at = 0;

			assert_int_equal(reco_content_score_one(&w->m.env, &w->content, &made, b, &wanted),
							 RECO_OK);
			assert_memory_equal(&alike, &wanted, sizeof(double));
			assert_true(reco_scorer_alike(&w->scorer.head, a, b) ==
						(isinf(wanted) ? 0 : (float) wanted));
			if (b == a || isinf(wanted))
				continue;
			others++;
			while (at < count && found[at].item != b)
				at++;
			assert_true(at < count && found[at].similarity == wanted);
		}
		assert_int_equal(count, others);
		for (int32_t r = 1; r < count; r++)
			assert_true(reco_similar_after(found[r], found[r - 1]));
		reco_content_profile_free(&w->m.env, &made);
	}
	free(found);
}

static void
test_shapes(void **state)
{
	(void) state;
	for (int s = 0; s < MIMIC_SHAPES; s++)
		if (mimic_shapes[s].items <= 1000)
		{
			world *w = world_of(s);

			check_formula(w);
			mimic_check_scorer(&w->scorer.head, w->profile, USERS);
			check_similar(w);
			world_free(w);
		}
}

/* Each allocation fails once, each poll stops once: nothing is left, and nothing found. */
static void
test_fails_and_stops(void **state)
{
	world *w = world_of(0);
	reco_similar *found = malloc(((size_t) w->content.items + 1) * sizeof(reco_similar));
	int failed = 0;

	(void) state;
	for (int stop = 0; stop <= 1; stop++)
		for (long at = 1; at < 30; at++)
		{
			mimic_env m;
			int32_t count;
			reco_status status;

			mimic_env_init(&m);
			if (stop)
				m.stop_at = at;
			else
				m.fail_at = at;
			status = reco_scorer_similar(&m.env, &w->scorer.head, 0, 5, found, &count);
			assert_int_equal(m.live, 0);
			if (status == RECO_OK)
				continue;
			failed++;
			assert_int_equal(status, stop ? RECO_STOPPED : RECO_NO_MEMORY);
			assert_int_equal(count, 0);
		}
	assert_true(failed >= 5);
	free(found);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_fails_and_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
