/*
 * test_sequence.c
 *	  Sequential rules (core/sessions/sequence.h) against all pairs of a user's events, and scores
 *	  by the last events (core/scoring/score_lists.h) against their formula.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/scoring/score_lists.h"
#include "core/sessions/sequence.h"
#include "mimic_csr.h"
#include "mimic_scorer.h"

/* The weights of all rules, items x items. */
static double *
mimic_rules(const reco_ordered *o, int32_t users, int32_t items, const reco_sequence_params *p)
{
	double *w = calloc((size_t) items * (size_t) items + 1, sizeof(double));

	for (int32_t u = 0; u < users; u++)
		for (int64_t e = o->start[u]; e < o->start[u + 1]; e++)
			for (int64_t d = 1; d <= p->steps && e + d < o->start[u + 1]; d++)
				w[(size_t) o->item[e] * items + o->item[e + d]] += pow((double) d, -p->exponent);
	return w;
}

/* Whether a rule is no heavier than another, up to rounding. */
static bool
no_heavier(double a, double b)
{
	return a <= b * (1 + 1e-12);
}

static void
check_rules(const reco_neighbors *n, const double *w, int32_t items, int32_t kept)
{
	for (int32_t i = 0; i < items; i++)
	{
		const double *row = w + (size_t) i * items;
		int64_t size = n->start[i + 1] - n->start[i];
		int32_t rules = 0;
		bool *listed = calloc((size_t) items, 1);

		for (int64_t e = n->start[i]; e < n->start[i + 1]; e++)
		{
			assert_false(listed[n->row[e]]);
			listed[n->row[e]] = true;
			assert_true(fabs(n->similarity[e] - row[n->row[e]]) <= 1e-12 * row[n->row[e]]);
			if (e > n->start[i])
				assert_true(
					n->similarity[e] < n->similarity[e - 1] ||
					(n->similarity[e] == n->similarity[e - 1] && n->row[e] > n->row[e - 1]));
		}
		for (int32_t k = 0; k < items; k++)
		{
			rules += row[k] > 0;
			if (row[k] > 0 && !listed[k])
				assert_true(no_heavier(row[k], n->similarity[n->start[i + 1] - 1]));
		}
		assert_int_equal(size, rules < kept ? rules : kept);
		free(listed);
	}
}

static void
test_rules(void **state)
{
	static const reco_sequence_params params[] = {
		{1, 1, 100000}, {4, 2, 100000}, {3, 0, 2}, {RECO_SEQUENCE_STEPS, 10, 5}};

	(void) state;
	for (int i = 0; i < SOURCES; i++)
	{
		const source *s = &sources[i];
		row *rows = make_rows(s, (uint64_t) i);
		building b = {.keep_time = true, .keep_repeats = true};
		reco_interactions x;
		reco_ordered o;
		mimic_env m;

		if (s->items > 3000)
		{
			free(rows);
			continue;
		}
		mimic_env_init(&m);
		assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
		assert_int_equal(reco_ordered_make(&m.env, &x, false, &o), RECO_OK);
		for (size_t p = 0; p < sizeof(params) / sizeof(params[0]); p++)
		{
			double *w = mimic_rules(&o, s->users, s->items, &params[p]);
			size_t before = m.bytes;
			reco_neighbors n;

			m.peak = m.bytes;
			assert_int_equal(reco_sequence_find(&m.env, &o, s->users, s->items, &params[p], &n),
							 RECO_OK);
			assert_true(m.peak - before <=
						reco_sequence_memory(o.start[s->users], s->items, &params[p]));
			check_rules(&n, w, s->items, params[p].neighbors);
			reco_neighbors_free(&m.env, &n);
			assert_int_equal(m.bytes, before);
			free(w);
		}
		reco_ordered_free(&m.env, &o);
		free_matrix(&m, &x);
		free(rows);
	}
}

/* Memory that fails and polls that ask for an end leave nothing behind. */
static void
test_ends(void **state)
{
	reco_sequence_params params = {4, 1, 3};
	int32_t item[1000];
	int64_t start[] = {0, 0, 1000};
	float moment[1000] = {0};
	reco_ordered o = {start, item, moment, NULL};
	reco_neighbors n;
	mimic_env m;

	(void) state;
	for (int k = 0; k < 1000; k++)
		item[k] = k * 7 % 5;
	mimic_env_init(&m);
	for (int fail = 1; fail <= 9; fail++)
	{
		m.allocations = 0;
		m.fail_at = fail;
		assert_int_equal(reco_sequence_find(&m.env, &o, 2, 5, &params, &n), RECO_NO_MEMORY);
		assert_int_equal(m.live, 0);
	}
}

#define ITEMS 60
#define BACKS 3

/* Scores, contributions and all that holds for any scorer. */
static void
test_scores(void **state)
{
	int64_t start[ITEMS + 1];
	int32_t col[ITEMS * 4];
	float value[ITEMS * 4];
	float back[BACKS];
	int32_t item[5] = {0, 3, 11, 12, 59};
	int32_t event[7] = {3, 59, 0, 12, 11, 0, 0};
	float moment[7] = {0, 0, 1, 2, 3, 4, 5};
	reco_list_scorer l = {.sums.head = {&reco_list_scorer_type, ITEMS, -INFINITY, INFINITY}};
	reco_profile profile = {.n = 5, .item = item, .events = 7, .event = event, .moment = moment};
	reco_profile few = profile;
	reco_profile none = {0};
	uint64_t seed = 3;
	int64_t n = 0;
	mimic_env m;

	(void) state;
	for (int32_t i = 0; i < ITEMS; i++)
	{
		start[i] = n;
		for (int32_t k = i % 7; k < ITEMS; k += 20)
		{
			col[n] = k;
			value[n++] = (float) (1 + mimic_below(&seed, 9)) / 4;
		}
	}
	start[ITEMS] = n;
	reco_sequence_weights(1, BACKS, back);
	l.followers = (reco_csr){ITEMS, ITEMS, start, col, value};
	l.back = back;
	l.backs = BACKS;
	few.events = 2;
	mimic_env_init(&m);
	for (int which = 0; which < 3; which++)
	{
		const reco_profile *p = which == 0 ? &profile : which == 1 ? &few : &none;
		double contribution[5];
		reco_seat *seat;

		assert_int_equal(reco_seat_make(&m.env, &l.sums.head, &seat), RECO_OK);
		assert_int_equal(reco_seat_open(seat, p), RECO_OK);
		assert_int_equal(reco_seat_is_personal(seat), which < 2);
		assert_int_equal(reco_seat_score_all(seat), RECO_OK);
		for (int32_t i = 0; i < ITEMS; i++)
		{
			double wanted = 0;
			double sum = 0;
			double baseline;
			bool additive;

			for (int64_t k = 0; k < BACKS && k < p->events; k++)
				wanted +=
					reco_csr_get(&l.followers, event[p->events - 1 - k], i) / (double) (k + 1);
			assert_int_equal(seat->score[i] == -INFINITY, wanted == 0);
			if (wanted == 0)
				continue;
			assert_true(fabs(seat->score[i] - wanted) <= 1e-6 * wanted);
			assert_int_equal(reco_seat_explain(seat, i, contribution, &baseline, &additive),
							 RECO_OK);
			assert_true(additive && baseline == 0);
			for (int64_t j = 0; j < p->n; j++)
				sum += contribution[j];
			assert_true(fabs(sum - wanted) <= 1e-6 * wanted);
		}
		reco_seat_close(seat);
		reco_seat_free(&m.env, seat);
		if (which < 2)
			mimic_check_scorer(&l.sums.head, p, 1);
	}
}

/* Items that nothing follows are many items all the same: between them it can be stopped. */
static void
test_idle_items(void **state)
{
	static int64_t start[] = {0, 0};
	const reco_ordered none = {.start = start};
	const reco_sequence_params params = {4, 1, 10};
	reco_neighbors lists;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	m.stop_at = 1;
	assert_int_equal(reco_sequence_find(&m.env, &none, 1, 100000, &params, &lists), RECO_STOPPED);
	assert_int_equal(m.live, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_idle_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
