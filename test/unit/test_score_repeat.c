/*
 * test_score_repeat.c
 *	  What a user has again and again (core/scoring/score_repeat.h) and users by their baskets
 *	  (core/sessions/repeat.h), against their formulas.
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
	float rate[ITEMS];
	reco_profile profile[USERS];
	/* all of them */
	int64_t start[USERS + 1];
	int32_t all_item[USERS * BASKETS * SIZE * 2];
	float all_moment[USERS * BASKETS * SIZE * 2];
} world;

static world *
world_of(void)
{
	world *w = calloc(1, sizeof(world));
	uint64_t seed = 5;

	for (int32_t i = 0; i < ITEMS; i++)
	{
		w->share[i] = i % 4 == 0 ? 0 : (float) mimic_uniform(&seed);
		w->rate[i] = i % 5 == 0 ? 0 : (float) (2 * mimic_uniform(&seed));
	}
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

/* The events of all users, one after the other. */
static reco_ordered
events_of(world *w)
{
	for (int32_t u = 0; u < USERS; u++)
	{
		int64_t n = w->profile[u].events;

		for (int64_t e = 0; e < n; e++)
		{
			w->all_item[w->start[u] + e] = w->event[u][e];
			w->all_moment[w->start[u] + e] = w->moment[u][e];
		}
		w->start[u + 1] = w->start[u] + n;
	}
	return (reco_ordered){w->start, w->all_item, w->all_moment, NULL};
}

/*
 * What the first n baskets of a user have of each item, normalized or as their vector, group by
 * group: the sizes of groups rise by one at most.
 */
static void
user_vector(const world *w, const reco_repeat_weights *p, int32_t u, int32_t n, bool normalized,
			long double *x)
{
	int32_t groups = n < p->groups ? n : p->groups;
	int32_t b = 0;
	long double all = 0;

	for (int32_t i = 0; i < ITEMS; i++)
		x[i] = 0;
	for (int32_t k = 0; k < groups; k++)
	{
		int32_t size = (n - b) / (groups - k);

		for (int32_t end = b + size; b < end; b++)
		{
			long double part =
				powl(p->decay, n - 1 - b) * powl(p->group_decay, groups - 1 - k) / size / groups;

			all += part;
			for (int32_t i = 0; i < ITEMS; i++)
				x[i] += w->has[u][b][i] ? part : 0;
		}
	}
	assert_int_equal(b, n);
	for (int32_t i = 0; i < ITEMS && n > 0; i++)
		x[i] *= normalized ? 1 / all : powl(p->group_decay, p->groups - groups);
}

static long double
square(long double x)
{
	return x * x;
}

/* The mean of the vectors of the nearest users; nobody is nearest twice. */
static void
mean_of_nearest(const world *w, const reco_repeat_scorer *r, int32_t u, int32_t self,
				long double *mean)
{
	static long double x[USERS][ITEMS];
	bool taken[USERS] = {false};
	int32_t found = 0;

	for (int32_t v = 0; v < USERS; v++)
	{
		user_vector(w, &r->vector, v, w->baskets[v], false, x[v]);
		for (int32_t i = 0; i < ITEMS; i++)
			x[v][i] = (float) x[v][i];
	}
	for (int32_t i = 0; i < ITEMS; i++)
		mean[i] = 0;
	for (int32_t k = 0; k < r->neighbors; k++)
	{
		long double least = INFINITY;
		int32_t nearest = -1;

		for (int32_t v = 0; v < USERS; v++)
		{
			long double distance = 0;
			long double length = 0;

			for (int32_t i = 0; i < ITEMS; i++)
			{
				distance += square(x[u][i] - x[v][i]);
				length += x[v][i];
			}
			if (v == self || taken[v] || length == 0 || distance >= least)
				continue;
			least = distance;
			nearest = v;
		}
		if (nearest < 0)
			break;
		taken[nearest] = true;
		found++;
		for (int32_t i = 0; i < ITEMS; i++)
			mean[i] += x[nearest][i];
	}
	for (int32_t i = 0; i < ITEMS; i++)
		mean[i] /= found > 0 ? found : 1;
}

/* Scores, and of these what the user's own part is. */
static void
formula(const world *w, const reco_repeat_scorer *r, int32_t u, int32_t self, long double *score,
		long double *own)
{
	long double mean[ITEMS] = {0};
	long double own_weight = r->neighbors > 0 ? r->own_weight : 1;

	user_vector(w, &r->weights, u, w->baskets[u], r->normalized, own);
	if (r->neighbors > 0 && w->baskets[u] > 0)
		mean_of_nearest(w, r, u, self, mean);
	for (int32_t i = 0; i < ITEMS; i++)
	{
		own[i] *= own_weight * (r->rate ? r->rate[i] : 1);
		score[i] = own[i] + own_weight * r->popularity * w->share[i] + (1 - own_weight) * mean[i];
	}
}

/* A user's seat: scores, and their parts. */
static void
check_user(const world *w, const reco_repeat_scorer *r, reco_seat *seat, int32_t u, bool stored)
{
	reco_profile p = w->profile[u];
	long double wanted[ITEMS];
	long double own[ITEMS];

	p.user = stored ? u + 1 : 0;
	formula(w, r, u, stored ? u : -1, wanted, own);
	assert_int_equal(reco_seat_open(seat, &p), RECO_OK);
	assert_int_equal(reco_seat_is_personal(seat), u < USERS - 1);
	assert_int_equal(reco_seat_score_all(seat), RECO_OK);
	for (int32_t i = 0; i < ITEMS; i++)
	{
		double contribution[ITEMS];
		double sum = 0;
		double baseline;
		bool additive;

		assert_int_equal(seat->score[i] == -INFINITY, wanted[i] == 0);
		assert_int_equal(reco_seat_explain(seat, i, contribution, &baseline, &additive), RECO_OK);
		assert_int_equal(additive, wanted[i] > 0);
		for (int64_t j = 0; j < p.n; j++)
		{
			assert_true(contribution[j] >= 0);
			assert_true(contribution[j] == 0 || p.item[j] == i || r->neighbors > 0);
			assert_true(p.item[j] != i || contribution[j] >= (double) own[i] * (1 - 1e-6));
			sum += contribution[j];
		}
		if (wanted[i] == 0)
			continue;
		assert_true(fabsl(seat->score[i] - wanted[i]) <= 1e-6L * wanted[i]);
		assert_true(baseline >= 0 && fabsl(sum + baseline - wanted[i]) <= 1e-6L);
	}
	reco_seat_close(seat);
}

static void
test_formula(void **state)
{
	static const struct
	{
		reco_repeat_weights weights;
		bool normalized;
		double neighbor_decay;
		double own_weight;
		double popularity;
		bool rates;
		int32_t neighbors;
	} settings[] = {
		{{0.9, 1, 1}, true, 0, 1, 8, false, 0},
		{{1, 0.5, 1}, true, 0, 0.3, 0, true, 0},
		{{0, 0, 1}, true, 0, 1, 1, false, 0},
		{{0.3, 0.7, 3}, true, 0, 1, 0.01, true, 0},
		{{0.3, 0.7, 4}, false, 0, 1, 0, false, 0},
		{{0.9, 0, 4}, true, 0, 1, 0, false, 0},
		{{0.9, 0.7, 3}, false, 0.9, 0.7, 0, false, 4},
		{{0.9, 0.8, 1000}, true, 0.7, 0.1, 1, true, 4},
		{{1, 1, 2}, false, 1, 0, 0, false, 1},
		{{0.5, 0.5, 2}, true, 0.3, 1, 0, false, 3},
		{{0.9, 0.9, 2}, false, 0.9, 0.5, 0.1, true, 10000},
		{{0, 0, 5}, false, 0, 0.5, 0, false, 3},
	};
	world *w = world_of();
	reco_ordered events = events_of(w);
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (size_t s = 0; s < sizeof(settings) / sizeof(settings[0]); s++)
	{
		reco_repeat_scorer r = {{&reco_repeat_scorer_type, ITEMS, -INFINITY, INFINITY},
								settings[s].weights,
								settings[s].normalized,
								settings[s].own_weight,
								settings[s].popularity,
								w->share,
								settings[s].rates ? w->rate : NULL,
								settings[s].neighbors,
								settings[s].weights,
								{{0}, {0}, NULL}};
		reco_seat *seat;

		if (r.neighbors > 0)
			assert_int_equal(
				reco_repeat_index_build(&m.env, &r.weights, &events, USERS, ITEMS, &r.index),
				RECO_OK);
		assert_int_equal(reco_seat_make(&m.env, &r.head, &seat), RECO_OK);
		for (int32_t u = 0; u < USERS; u++)
		{
			check_user(w, &r, seat, u, true);
			check_user(w, &r, seat, u, false);
		}
		reco_seat_free(&m.env, seat);
		mimic_check_scorer(&r.head, w->profile, USERS);
		reco_repeat_index_free(&m.env, &r.index);
	}
	assert_int_equal(m.live, 0);
	free(w);
}

/* How often items come again, counted from the definition. */
static void
test_rates(void **state)
{
	static const reco_repeat_weights weights[] = {{0.9, 1, 1}, {0, 0.5, 2}, {1, 0.6, 3}};
	static const double shrinkages[] = {0, 1, 20};
	world *w = world_of();
	reco_ordered events = events_of(w);
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (int k = 0; k < 9; k++)
	{
		long double before[ITEMS] = {0};
		long double again[ITEMS] = {0};
		long double all_before = 0;
		long double all_again = 0;
		float rate[ITEMS];

		for (int32_t u = 0; u < USERS; u++)
		{
			int32_t last = w->baskets[u] - 1;
			long double x[ITEMS];

			if (last < 1)
				continue;
			user_vector(w, &weights[k / 3], u, last, true, x);
			for (int32_t i = 0; i < ITEMS; i++)
			{
				before[i] += x[i];
				again[i] += x[i] > 0 && w->has[u][last][i];
			}
		}
		for (int32_t i = 0; i < ITEMS; i++)
		{
			all_before += before[i];
			all_again += again[i];
		}
		assert_true(all_again > 0);
		assert_int_equal(reco_repeat_rates(&m.env, &weights[k / 3], &events, USERS, ITEMS,
										   shrinkages[k % 3], rate),
						 RECO_OK);
		for (int32_t i = 0; i < ITEMS; i++)
		{
			long double mean = all_again / all_before;
			long double among = before[i] + shrinkages[k % 3];
			long double wanted =
				among > 0 ? (again[i] + shrinkages[k % 3] * mean) / among / mean : 1;

			assert_true(fabsl(rate[i] - wanted) <= 1e-6L * (1 + wanted));
		}
	}
	/* nothing came again */
	for (int32_t u = 0; u <= USERS; u++)
		w->start[u] = u < USERS - 1 ? u : USERS - 1;
	{
		float rate[ITEMS];

		assert_int_equal(reco_repeat_rates(&m.env, &weights[0], &events, USERS, ITEMS, 20, rate),
						 RECO_OK);
		for (int32_t i = 0; i < ITEMS; i++)
			assert_true(rate[i] == 1);
	}
	assert_int_equal(m.live, 0);
	free(w);
}

/* An allocation that fails leaves nothing, a poll that asks for an end neither; memory is bounded.
 */
static void
test_failures(void **state)
{
	static const reco_repeat_weights weights = {0.9, 0.7, 3};
	world *w = world_of();
	reco_ordered events = events_of(w);
	bool whole = false;
	mimic_env m;

	(void) state;
	for (long fail = 1; !whole; fail++)
	{
		reco_repeat_index index;
		reco_status status;

		mimic_env_init(&m);
		m.fail_at = fail;
		status = reco_repeat_index_build(&m.env, &weights, &events, USERS, ITEMS, &index);
		whole = status == RECO_OK;
		assert_true(whole || status == RECO_NO_MEMORY);
		assert_true(m.peak <= reco_repeat_index_memory(events.start[USERS], USERS, ITEMS));
		reco_repeat_index_free(&m.env, &index);
		assert_int_equal(m.live, 0);
		assert_true(fail < 100);
	}
	for (long fail = 1; fail <= 3; fail++)
	{
		float rate[ITEMS];

		mimic_env_init(&m);
		m.fail_at = fail;
		assert_int_equal(reco_repeat_rates(&m.env, &weights, &events, USERS, ITEMS, 20, rate),
						 RECO_NO_MEMORY);
		assert_int_equal(m.live, 0);
	}
	free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formula),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
