/*
 * test_session_linear.c
 *	  Unit tests of SLIST (core/regression/session_linear.h): weights against the formula over
 *	  Gauss and Jordan's inverse, which of them are kept, determinism, and what cannot be done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/regression/session_linear.h"
#include "mimic_env.h"
#include "mimic_linear.h"
#include "mimic_lists.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS 150
#define LENGTH 90 /* of the longest session */

/* Sessions in which items often come one after the other, and again. */
typedef struct crowd
{
	int32_t items;
	double *has; /* SESSIONS x items */
	reco_csr by_session;
	reco_ordered events;
} crowd;

static crowd
crowd_of(int32_t items, uint64_t seed)
{
	crowd c = {.items = items};
	int64_t n = 0;

	c.has = calloc((size_t) SESSIONS * items, sizeof(double));
	c.events.start = calloc(SESSIONS + 1, sizeof(int64_t));
	c.events.item = malloc(SESSIONS * LENGTH * sizeof(int32_t));
	for (int s = 0; s < SESSIONS; s++)
	{
		/* one has nothing, one is long */
		int length = s == 4 ? 0 : s == 7 ? LENGTH : 1 + (int) mimic_below(&seed, 7);
		int32_t item = (int32_t) mimic_below(&seed, items);

		for (int k = 0; k < length; k++)
		{
			/* the last item is in no session */
			c.events.item[n++] = item;
			c.has[(size_t) s * items + item] = 1;
			item = mimic_uniform(&seed) < 0.6
					   ? (item + 1) % (items > 1 ? items - 1 : 1)
					   : (int32_t) mimic_below(&seed, items > 1 ? items - 1 : 1);
		}
		c.events.start[s + 1] = n;
	}
	c.by_session = mimic_csr_of(c.has, SESSIONS, items, true);
	return c;
}

static void
crowd_free(crowd *c)
{
	free(c->has);
	free(c->events.start);
	free(c->events.item);
	mimic_csr_free(&c->by_session);
}

/* B by its definition. */
static double *
weights_of(const crowd *c, const reco_session_linear_params *p)
{
	int32_t n = c->items;
	double *g = calloc((size_t) n * n, sizeof(double));
	double *right = calloc((size_t) n * n, sizeof(double));
	double *b = calloc((size_t) n * n, sizeof(double));
	double *inverse;

	for (int s = 0; s < SESSIONS; s++)
	{
		const double *x = c->has + (size_t) s * n;
		double size = 0;

		for (int32_t i = 0; i < n; i++)
			size += x[i];
		for (int32_t i = 0; i < n; i++)
			for (int32_t j = 0; j < n; j++)
				if (x[i] * x[j] != 0)
				{
					g[i * n + j] += p->blend / (size * size);
					right[i * n + j] += p->blend / size;
				}
		for (int64_t e = c->events.start[s]; e < c->events.start[s + 1]; e++)
		{
			int32_t i = c->events.item[e];

			g[i * n + i] += 1 - p->blend;
			for (int64_t l = e + 1; l < c->events.start[s + 1] && l - e <= RECO_SESSION_STEPS; l++)
			{
				double w = p->gap_decay > 0 ? exp(-(double) (l - e - 1) / p->gap_decay) : 1;

				right[i * n + c->events.item[l]] += (1 - p->blend) * w;
			}
		}
	}
	for (int32_t i = 0; i < n; i++)
		g[i * n + i] += p->regularization;
	inverse = mimic_inverse(g, n);
	for (int32_t i = 0; i < n; i++)
		for (int32_t k = 0; k < n; k++)
			for (int32_t j = 0; j < n; j++)
				b[i * n + j] += inverse[i * n + k] * right[k * n + j];
	free(inverse);
	free(right);
	free(g);
	return b;
}

static void
check_lists(const reco_neighbors *lists, int neighbors, const double *b, int32_t n)
{
	for (int32_t i = 0; i < n; i++)
	{
		int64_t from = lists->start[i];
		int64_t length = lists->start[i + 1] - from;
		bool *kept = calloc((size_t) n, sizeof(bool));
		double largest = 0;

		for (int32_t j = 0; j < n; j++)
			largest = fmax(largest, fabs(b[i * n + j]));
		assert_true(length <= neighbors);
		for (int64_t e = from; e < from + length; e++)
		{
			int32_t j = lists->row[e];

			assert_true(j >= 0 && j < n && !kept[j]);
			kept[j] = true;
			/* what is left out of the long tail of a decay is a thousandth at most */
			if (!(fabs(lists->similarity[e] - b[i * n + j]) <= 1e-3 * largest))
				fail_msg("weight %d %d: %.8g, not %.8g of %.8g", i, j, lists->similarity[e],
						 b[i * n + j], largest);
			if (e > from)
				assert_true(fabs(lists->similarity[e]) <= fabs(lists->similarity[e - 1]));
		}
		for (int32_t j = 0; j < n; j++)
			if (!kept[j])
				assert_true(fabs(b[i * n + j]) <=
							(length == neighbors ? fabs(lists->similarity[from + length - 1]) : 0) +
								1e-3 * largest);
		free(kept);
	}
}

static void
test_weights(void **state)
{
	static const int32_t sizes[] = {1, 2, 50, 205};
	static const reco_session_linear_params params[] = {
		{0.4, 10, 1, 10000}, {0, 1, 3, 7}, {1, 2, 0, 10000}, {0.7, 5, 0, 20}};

	(void) state;
	for (int s = 0; s < 4; s++)
		for (int k = 0; k < 4; k++)
		{
			crowd c = crowd_of(sizes[s], 3 + s);
			double *b = weights_of(&c, &params[k]);
			reco_neighbors first;

			for (int threads = 1; threads <= 3; threads++)
			{
				mimic_env m;
				reco_neighbors lists;

				mimic_env_init(&m);
				m.env.threads = threads;
				assert_int_equal(reco_session_linear_fit(&m.env, &params[k], &c.by_session,
														 &c.events, NULL, NULL, &lists),
								 RECO_OK);
				assert_true(m.peak <= reco_session_linear_memory(&params[k], &c.by_session,
																 c.events.start[SESSIONS],
																 threads));
				check_lists(&lists, params[k].neighbors, b, c.items);
				if (threads == 1)
					first = lists;
				else
				{
					mimic_same_lists(&first, &lists);
					reco_neighbors_free(&m.env, &lists);
					assert_int_equal(m.live, 0);
				}
				if (threads == 3)
					reco_neighbors_free(&m.env, &first);
			}
			free(b);
			crowd_free(&c);
		}
}

static void
test_steps(void **state)
{
	(void) state;
	assert_int_equal(reco_session_steps(0), RECO_SESSION_STEPS);
	assert_int_equal(reco_session_steps(0.1), 1);
	assert_int_equal(reco_session_steps(1), 10);
	assert_int_equal(reco_session_steps(1000), RECO_SESSION_STEPS);
	assert_true(reco_session_weight(0, 0) == 1 && reco_session_weight(0, 9) == 1);
	assert_true(fabs(reco_session_weight(2, 3) - exp(-1.5)) < 1e-15);
}

typedef struct fitting
{
	const reco_session_linear_params *params;
	const crowd *c;
} fitting;

static reco_status
fit_once(const reco_env *env, void *arg, reco_neighbors *lists)
{
	const fitting *f = arg;

	return reco_session_linear_fit(env, f->params, &f->c->by_session, &f->c->events, NULL, NULL,
								   lists);
}

/* Every poll stops and every allocation fails in turn. */
static void
test_refusals(void **state)
{
	static const reco_session_linear_params invalid[] = {
		{-1, 10, 1, 5}, {2, 10, 1, 5}, {0.5, 0, 1, 5}, {0.5, 10, -1, 5}, {0.5, 10, 1, 0}};
	crowd c = crowd_of(60, 8);
	reco_session_linear_params params = {0.4, 10, 1, 5};
	reco_neighbors lists;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	m.env.threads = 2;
	mimic_list_ends(&m, fit_once, &(fitting){&params, &c}, 20, 20);
	for (int k = 0; k < 5; k++)
		assert_int_equal(reco_session_linear_fit(&m.env, &invalid[k], &c.by_session, &c.events,
												 NULL, NULL, &lists),
						 RECO_INVALID);
	assert_int_equal(m.live, 0);
	crowd_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
