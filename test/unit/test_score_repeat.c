/*
 * test_score_repeat.c
 *	  What a user has again and again (core/scoring/score_repeat.h), against its formula.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/scoring/score_repeat.h"
#include "mimic_env.h"
#include "mimic_scorer.h"

#define USERS 20
#define ITEMS 90
#define BASKETS 6
#define SIZE 5 /* items of a basket at most, some twice */

typedef struct world
{
	bool has[USERS][BASKETS][ITEMS];
	int32_t baskets[USERS];
	int32_t event[USERS][BASKETS * SIZE * 2];
	float moment[USERS][BASKETS * SIZE * 2];
	int32_t item[USERS][ITEMS];
	float share[ITEMS];
	reco_profile profile[USERS];
} world;

static world *
world_of(void)
{
	world *w = calloc(1, sizeof(world));
	uint64_t seed = 5;

	for (int32_t i = 0; i < ITEMS; i++)
		w->share[i] = i % 4 == 0 ? 0 : (float) mimic_uniform(&seed);
	/* the last user has nothing */
	for (int32_t u = 0; u < USERS - 1; u++)
	{
		int64_t n = 0;
		int64_t items = 0;

		w->baskets[u] = 1 + (int32_t) mimic_below(&seed, BASKETS);
		for (int32_t b = 0; b < w->baskets[u]; b++)
		{
			for (int k = 0; k < SIZE; k++)
				w->has[u][b][mimic_below(&seed, k == 0 ? ITEMS : 8)] = true;
			for (int32_t i = 0; i < ITEMS; i++)
				for (int twice = 0; w->has[u][b][i] && twice <= i % 2; twice++)
				{
					w->event[u][n] = i;
					w->moment[u][n++] = (float) b;
				}
		}
		for (int32_t i = 0; i < ITEMS; i++)
			for (int32_t b = 0, met = 0; b < w->baskets[u] && !met; b++)
				if (w->has[u][b][i])
				{
					w->item[u][items++] = i;
					met = 1;
				}
		w->profile[u] = (reco_profile){.n = items,
									   .item = w->item[u],
									   .events = n,
									   .event = w->event[u],
									   .moment = w->moment[u]};
	}
	return w;
}

static long double
formula(const world *w, const reco_repeat_scorer *r, int32_t u, int32_t item, long double *own)
{
	long double all = 0;

	*own = 0;
	for (int32_t b = 0; b < w->baskets[u]; b++)
	{
		long double part = powl(r->decay, w->baskets[u] - 1 - b);

		all += part;
		*own += w->has[u][b][item] ? part : 0;
	}
	*own = all > 0 ? *own / all : 0;
	return *own + r->popularity * w->share[item];
}

static void
test_formula(void **state)
{
	static const double settings[][2] = {{0.9, 8}, {1, 0}, {0, 1}, {0.3, 0.01}};
	world *w = world_of();
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (size_t s = 0; s < sizeof(settings) / sizeof(settings[0]); s++)
	{
		reco_repeat_scorer r = {{&reco_repeat_scorer_type, ITEMS, -INFINITY, INFINITY},
								settings[s][0],
								settings[s][1],
								w->share};
		reco_seat *seat;

		assert_int_equal(reco_seat_make(&m.env, &r.head, &seat), RECO_OK);
		for (int32_t u = 0; u < USERS; u++)
		{
			const reco_profile *p = &w->profile[u];
			double contribution[ITEMS];

			assert_int_equal(reco_seat_open(seat, p), RECO_OK);
			assert_int_equal(reco_seat_is_personal(seat), u < USERS - 1);
			assert_int_equal(reco_seat_score_all(seat), RECO_OK);
			for (int32_t i = 0; i < ITEMS; i++)
			{
				long double own;
				long double wanted = formula(w, &r, u, i, &own);
				double sum = 0;
				double baseline;
				bool additive;

				assert_int_equal(seat->score[i] == -INFINITY, wanted == 0);
				assert_int_equal(reco_seat_explain(seat, i, contribution, &baseline, &additive),
								 RECO_OK);
				assert_int_equal(additive, wanted > 0);
				for (int64_t j = 0; j < p->n; j++)
				{
					sum += contribution[j];
					assert_true(contribution[j] == 0 || p->item[j] == i);
				}
				if (wanted == 0)
					continue;
				assert_true(fabsl(seat->score[i] - wanted) <= 1e-6L * wanted);
				assert_true(fabsl(sum - own) <= 1e-9L && fabsl(sum + baseline - wanted) <= 1e-9L);
			}
			reco_seat_close(seat);
		}
		reco_seat_free(&m.env, seat);
		mimic_check_scorer(&r.head, w->profile, USERS);
	}
	assert_int_equal(m.live, 0);
	free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formula),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
