/*
 * test_allocate.c
 *	  Users for campaigns, against all allocations there are, and against the bound of its prices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/allocation/allocate.h"
#include "mimic_env.h"

#define MOST 4000

typedef struct problem
{
	reco_candidates c;
	int32_t user[MOST];
	int32_t campaign[MOST];
	double value[MOST];
	int64_t budget[50];
} problem;

/* Values out of `kinds` different ones, so that some are equal; 0: all different. */
static problem *
make_problem(uint64_t seed, int32_t users, int32_t campaigns, int64_t n, int kinds, int64_t budget)
{
	problem *p = malloc(sizeof(problem));
	uint64_t state = seed;

	for (int64_t i = 0; i < n; i++)
	{
		p->user[i] = (int32_t) mimic_below(&state, users);
		p->campaign[i] = (int32_t) mimic_below(&state, campaigns);
		p->value[i] = kinds ? (double) mimic_below(&state, kinds) - 1 : mimic_uniform(&state) - .1;
	}
	for (int32_t k = 0; k < campaigns; k++)
		p->budget[k] = mimic_below(&state, budget + 1);
	p->c = (reco_candidates){n, p->user, p->campaign, p->value, users, campaigns, p->budget};
	return p;
}

/* The highest value of a pair, or -1: it is no candidate. */
static double
value_of(const reco_candidates *c, int32_t u, int32_t k)
{
	double value = -1;

	for (int64_t i = 0; i < c->n; i++)
		if (c->user[i] == u && c->campaign[i] == k && c->value[i] > 0)
			value = fmax(value, c->value[i]);
	return value;
}

/* The best that users from u on come to: all ways are tried. */
static double
try_all(const reco_candidates *c, int32_t u, int64_t *left)
{
	double best;

	if (u == c->users)
		return 0;
	best = try_all(c, u + 1, left);
	for (int32_t k = 0; k < c->campaigns; k++)
	{
		double value = left[k] > 0 ? value_of(c, u, k) : -1;

		if (value <= 0)
			continue;
		left[k]--;
		best = fmax(best, value + try_all(c, u + 1, left));
		left[k]++;
	}
	return best;
}

/* What an allocation comes to; fails where it is none. */
static double
total_of(const reco_candidates *c, const int64_t *chosen)
{
	int64_t load[50] = {0};
	double total = 0;

	for (int32_t u = 0; u < c->users; u++)
	{
		int64_t i = chosen[u];

		if (i < 0)
			continue;
		assert_true(i < c->n && c->user[i] == u && c->value[i] > 0);
		assert_true(c->value[i] == value_of(c, u, c->campaign[i]));
		for (int64_t before = 0; before < i; before++)
			assert_false(c->user[before] == u && c->campaign[before] == c->campaign[i] &&
						 c->value[before] == c->value[i]);
		load[c->campaign[i]]++;
		total += c->value[i];
	}
	for (int32_t k = 0; k < c->campaigns; k++)
		assert_true(load[k] <= c->budget[k]);
	return total;
}

/* What no allocation is above, by prices. */
static double
bound_of(const reco_candidates *c, const double *price)
{
	double bound = 0;

	for (int32_t k = 0; k < c->campaigns; k++)
	{
		assert_true(price[k] >= 0);
		bound += price[k] * (double) c->budget[k];
	}
	for (int32_t u = 0; u < c->users; u++)
	{
		double most = 0;

		for (int32_t k = 0; k < c->campaigns; k++)
			most = fmax(most, value_of(c, u, k) - price[k]);
		bound += most;
	}
	return bound;
}

static void
all_ways(void **cmocka)
{
	(void) cmocka;
	for (uint64_t seed = 1; seed <= 400; seed++)
	{
		problem *p = make_problem(seed, 1 + seed % 7, 1 + seed % 3, seed % 19, seed % 4 ? 4 : 0, 3);
		int64_t chosen[7];
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(reco_allocate(&m.env, &p->c, chosen, NULL), RECO_OK);
		assert_true(fabs(total_of(&p->c, chosen) - try_all(&p->c, 0, p->budget)) < 1e-9);
		assert_int_equal(m.live, 0);
		free(p);
	}
}

/* Many users and campaigns, where budgets bind a little, much, and not at all. */
static void
prices_bound_it(void **cmocka)
{
	(void) cmocka;
	for (uint64_t seed = 1; seed <= 24; seed++)
	{
		int32_t campaigns = seed % 3 ? 12 : 50;
		problem *p =
			make_problem(seed, 600, campaigns, MOST, seed % 2 ? 0 : 9, (int64_t) (seed % 5) * 12);
		int64_t chosen[600];
		double price[50];
		double total;
		mimic_env m;

		mimic_env_init(&m);
		assert_int_equal(reco_allocate(&m.env, &p->c, chosen, price), RECO_OK);
		total = total_of(&p->c, chosen);
		assert_true(fabs(total - bound_of(&p->c, price)) <= 1e-9 * (1 + total));
		free(p);
	}
}

static void
order_does_not_matter(void **cmocka)
{
	problem *p = make_problem(5, 300, 9, 2000, 5, 20);
	problem *q = malloc(sizeof(problem));
	int32_t order[2000];
	int64_t of_p[300], of_q[300];
	uint64_t state = 9;
	mimic_env m;

	(void) cmocka;
	mimic_env_init(&m);
	*q = *p;
	q->c.user = q->user;
	q->c.campaign = q->campaign;
	q->c.value = q->value;
	mimic_shuffle(&state, order, 2000);
	for (int i = 0; i < 2000; i++)
	{
		q->user[i] = p->user[order[i]];
		q->campaign[i] = p->campaign[order[i]];
		q->value[i] = p->value[order[i]];
	}
	assert_int_equal(reco_allocate(&m.env, &p->c, of_p, NULL), RECO_OK);
	assert_int_equal(reco_allocate(&m.env, &q->c, of_q, NULL), RECO_OK);
	for (int u = 0; u < 300; u++)
	{
		assert_int_equal(of_p[u] < 0, of_q[u] < 0);
		if (of_p[u] >= 0)
			assert_int_equal(p->campaign[of_p[u]], q->campaign[of_q[u]]);
	}
	free(p);
	free(q);
}

static void
memory_and_polls(void **cmocka)
{
	problem *p = make_problem(7, 500, 10, 3000, 0, 10);
	int64_t chosen[600];
	mimic_env m;
	long allocations, polls;

	(void) cmocka;
	mimic_env_init(&m);
	assert_int_equal(reco_allocate(&m.env, &p->c, chosen, NULL), RECO_OK);
	allocations = m.allocations;
	for (long at = 1; at <= allocations; at++)
	{
		mimic_env_init(&m);
		m.fail_at = at;
		assert_int_equal(reco_allocate(&m.env, &p->c, chosen, NULL), RECO_NO_MEMORY);
		assert_int_equal(m.live, 0);
	}
	free(p);
	/* enough work for some polls */
	p = make_problem(8, 600, 50, MOST, 0, 3);
	mimic_env_init(&m);
	assert_int_equal(reco_allocate(&m.env, &p->c, chosen, NULL), RECO_OK);
	polls = m.polls;
	assert_true(polls > 0);
	for (long at = 1; at <= polls; at++)
	{
		mimic_env_init(&m);
		m.stop_at = at;
		assert_int_equal(reco_allocate(&m.env, &p->c, chosen, NULL), RECO_STOPPED);
		assert_int_equal(m.live, 0);
	}
	free(p);
}

/* Nobody, nothing, no places. */
static void
empty(void **cmocka)
{
	int32_t user[2] = {0, 0}, campaign[2] = {0, 0};
	double value[2] = {-1, 0};
	int64_t budget[1] = {5};
	int64_t chosen[1];
	reco_candidates c = {0, user, campaign, value, 0, 0, budget};
	mimic_env m;

	(void) cmocka;
	mimic_env_init(&m);
	assert_int_equal(reco_allocate(&m.env, &c, chosen, NULL), RECO_OK);
	c = (reco_candidates){2, user, campaign, value, 1, 1, budget};
	assert_int_equal(reco_allocate(&m.env, &c, chosen, NULL), RECO_OK);
	assert_int_equal(chosen[0], -1);
	value[1] = 2;
	budget[0] = 0;
	assert_int_equal(reco_allocate(&m.env, &c, chosen, NULL), RECO_OK);
	assert_int_equal(chosen[0], -1);
	budget[0] = 1;
	assert_int_equal(reco_allocate(&m.env, &c, chosen, NULL), RECO_OK);
	assert_int_equal(chosen[0], 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_ways),
		cmocka_unit_test(prices_bound_it),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(memory_and_polls),
		cmocka_unit_test(empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
