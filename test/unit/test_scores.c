/*
 * test_scores.c
 *	  Means over users, their standard errors and paired differences, against their definitions;
 *	  what lists show together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/shown.h"
#include "mimic_env.h"

#define MOST 200

static void
assert_close(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-6 * (1e-3 + fabs(expected))))
		fail_msg("%.15g instead of %.15g", value, expected);
}

static void
assert_exact(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-12))
		fail_msg("%.15g instead of %.15g", value, expected);
}

static reco_columns
columns_of(unsigned metrics, const int32_t *cutoff, int cutoffs)
{
	reco_columns columns;

	reco_columns_of(metrics, cutoff, cutoffs, &columns);
	return columns;
}

static reco_scores
scores_of(mimic_env *m, unsigned metrics, int32_t users, const uint8_t *activity)
{
	const int32_t k = 10;
	reco_columns columns = columns_of(metrics, &k, 1);
	reco_scores scores;
	size_t before = m->peak;

	assert_int_equal(reco_scores_make(&m->env, &columns, users, activity, &scores), RECO_OK);
	assert_true(m->peak - before <= reco_scores_bytes(&columns, users));
	return scores;
}

static reco_estimate
estimate(const reco_scores *scores, reco_metric metric, reco_activity activity)
{
	reco_estimate e;
	double value;

	assert_true(reco_scores_estimate(scores, metric, 10, activity, &e));
	assert_true(reco_scores_value(scores, metric, 10, activity, &value));
	assert_true(value == e.value);
	return e;
}

static reco_estimate
difference(const reco_scores *a, const reco_scores *b, reco_metric metric)
{
	reco_estimate e;

	assert_true(reco_scores_difference(a, b, metric, 10, RECO_ACTIVITY_ALL, &e));
	return e;
}

/* Who has nothing to be found is in no mean; who was shown nothing counts as 0. */
static void
test_who_is_in_the_mean(void **state)
{
	const unsigned precision = RECO_METRIC_BIT(RECO_METRIC_PRECISION);
	mimic_env m;
	reco_scores s;
	reco_estimate e;

	(void) state;
	mimic_env_init(&m);
	s = scores_of(&m, precision, 3, NULL);
	reco_scores_add(&s, 0, (double[]){0.5});
	reco_scores_add(&s, 1, (double[]){NAN});
	reco_scores_add(&s, 2, (double[]){0});
	e = estimate(&s, RECO_METRIC_PRECISION, RECO_ACTIVITY_ALL);
	assert_exact(e.value, 0.25);
	assert_int_equal(e.users, 2);
	/* the sample deviation of 0.5 and 0 by the root of 2 */
	assert_exact(e.error, 0.25);
	reco_scores_free(&m.env, &s);

	/* of one the deviation cannot be told; of nobody nothing can */
	s = scores_of(&m, precision, 2, NULL);
	reco_scores_add(&s, 0, (double[]){NAN});
	assert_false(reco_scores_estimate(&s, RECO_METRIC_PRECISION, 10, RECO_ACTIVITY_ALL, &e));
	reco_scores_add(&s, 1, (double[]){0.1});
	e = estimate(&s, RECO_METRIC_PRECISION, RECO_ACTIVITY_ALL);
	assert_true(e.value == 0.1);
	assert_true(isnan(e.error));
	/* neither another length nor what was not asked for */
	assert_false(reco_scores_estimate(&s, RECO_METRIC_PRECISION, 5, RECO_ACTIVITY_ALL, &e));
	assert_false(reco_scores_estimate(&s, RECO_METRIC_NDCG, 10, RECO_ACTIVITY_ALL, &e));
	assert_false(reco_scores_estimate(&s, RECO_METRIC_RMSE, 0, RECO_ACTIVITY_ALL, &e));
	assert_false(reco_scores_estimate(&s, RECO_METRIC_GINI, 10, RECO_ACTIVITY_ALL, &e));
	reco_scores_free(&m.env, &s);
	assert_int_equal(m.live, 0);
}

/* What there is no prediction for is left out, and counted. */
static void
test_unknown(void **state)
{
	mimic_env m;
	reco_scores s;
	reco_estimate e;

	(void) state;
	mimic_env_init(&m);
	s = scores_of(&m, RECO_METRICS_OF_VALUES, 3, NULL);
	assert_int_equal(s.columns.n, 3);
	/* off by 0.5, off by 1, and nothing to compare with */
	reco_scores_add(&s, 0, (double[]){1, 0.25, 0.5});
	reco_scores_add(&s, 1, (double[]){1, 1, 1});
	reco_scores_add(&s, 2, (double[]){NAN, NAN, NAN});
	e = estimate(&s, RECO_METRIC_RMSE, RECO_ACTIVITY_ALL);
	assert_exact(e.value, 0.790569415042095);
	assert_int_equal(e.users, 2);
	e = estimate(&s, RECO_METRIC_MAE, RECO_ACTIVITY_ALL);
	assert_exact(e.value, 0.75);
	assert_int_equal(e.users, 2);
	reco_scores_free(&m.env, &s);
	assert_int_equal(m.live, 0);
}

/* Numbers of users: of a mean, and of how many values are predicted and how far off. */
typedef struct crowd
{
	int32_t users;
	uint8_t activity[MOST];
	double x[MOST];
	double n[MOST];
	double squared[MOST];
	double absolute[MOST];
} crowd;

static reco_scores
score(mimic_env *m, const crowd *c)
{
	reco_scores s = scores_of(m, RECO_METRIC_BIT(RECO_METRIC_MAP) | RECO_METRICS_OF_VALUES,
							  c->users, c->activity);

	for (int32_t u = 0; u < c->users; u++)
		reco_scores_add(&s, u, (double[]){c->x[u], c->n[u], c->squared[u], c->absolute[u]});
	return s;
}

static crowd
crowd_of(uint64_t *seed, const crowd *like)
{
	crowd c = {.users = like ? like->users : 2 + (int32_t) mimic_below(seed, MOST - 2)};

	for (int32_t u = 0; u < c.users; u++)
	{
		bool listed = mimic_below(seed, 5) > 0;

		c.activity[u] = like ? like->activity[u] : (uint8_t) (1 + mimic_below(seed, 4));
		c.x[u] = (like ? !isnan(like->x[u]) : listed) ? (float) mimic_uniform(seed) : (double) NAN;
		c.n[u] = like ? like->n[u] : 1 + mimic_below(seed, 6);
		c.squared[u] = (float) (c.n[u] * mimic_uniform(seed));
		c.absolute[u] = (float) (c.n[u] * mimic_uniform(seed));
	}
	return c;
}

/* The textbook's sample deviation by the root of n, of a, or of a - b. */
static reco_estimate
slow_mean(const crowd *a, const crowd *b, int activity)
{
	reco_estimate e = {0, 0, 0};

	for (int32_t u = 0; u < a->users; u++)
		if (!isnan(a->x[u]) && (activity == 0 || a->activity[u] == activity))
		{
			e.value += a->x[u] - (b ? b->x[u] : 0);
			e.users++;
		}
	e.value /= e.users;
	for (int32_t u = 0; u < a->users; u++)
		if (!isnan(a->x[u]) && (activity == 0 || a->activity[u] == activity))
			e.error += pow(a->x[u] - (b ? b->x[u] : 0) - e.value, 2);
	e.error = sqrt(e.error / (e.users - 1) / e.users);
	return e;
}

/* A ratio of sums over users, who are its clusters; the root of one where it is an rmse. */
static void
slow_ratio(const crowd *a, const double *over, bool root, double *value, double *by)
{
	double sum = 0;
	double n = 0;

	for (int32_t u = 0; u < a->users; u++)
	{
		sum += over[u];
		n += a->n[u];
	}
	*value = root ? sqrt(sum / n) : sum / n;
	for (int32_t u = 0; u < a->users; u++)
		by[u] = (over[u] - sum / n * a->n[u]) / n / (root ? 2 * *value : 1);
}

static double
slow_error(const double *by, const double *other, int32_t n)
{
	double squares = 0;

	for (int32_t u = 0; u < n; u++)
		squares += pow(by[u] - (other ? other[u] : 0), 2);
	return sqrt(squares * n / (n - 1));
}

static void
check_values(const crowd *a, const crowd *b, const reco_scores *s, const reco_scores *t)
{
	for (int root = 0; root <= 1; root++)
	{
		reco_metric metric = root ? RECO_METRIC_RMSE : RECO_METRIC_MAE;
		double by[MOST];
		double other[MOST];
		double value;
		double value_b;

		slow_ratio(a, root ? a->squared : a->absolute, root, &value, by);
		slow_ratio(b, root ? b->squared : b->absolute, root, &value_b, other);
		assert_close(estimate(s, metric, RECO_ACTIVITY_ALL).value, value);
		assert_close(estimate(s, metric, RECO_ACTIVITY_ALL).error, slow_error(by, NULL, a->users));
		assert_close(difference(s, t, metric).value, value - value_b);
		assert_close(difference(s, t, metric).error, slow_error(by, other, a->users));
		assert_int_equal(difference(s, t, metric).users, a->users);
	}
}

static void
test_errors(void **state)
{
	uint64_t seed = 6;

	(void) state;
	for (int round = 0; round < 300; round++)
	{
		crowd a = crowd_of(&seed, NULL);
		crowd b = crowd_of(&seed, &a);
		mimic_env m;
		reco_scores s;
		reco_scores t;

		mimic_env_init(&m);
		s = score(&m, &a);
		t = score(&m, &b);
		for (int activity = 0; activity < RECO_ACTIVITIES; activity++)
		{
			reco_estimate e = slow_mean(&a, NULL, activity);
			reco_estimate got;

			assert_int_equal(
				reco_scores_estimate(&s, RECO_METRIC_MAP, 10, (reco_activity) activity, &got),
				e.users > 0);
			if (e.users == 0)
				continue;
			assert_close(got.value, e.value);
			assert_int_equal(got.users, e.users);
			if (e.users > 1)
				assert_close(got.error, e.error);
			assert_true(reco_scores_difference(&s, &t, RECO_METRIC_MAP, 10,
											   (reco_activity) activity, &got));
			e = slow_mean(&a, &b, activity);
			assert_close(got.value, e.value);
			if (e.users > 1)
				assert_close(got.error, e.error);
		}
		check_values(&a, &b, &s, &t);
		/* from itself it does not differ at all */
		assert_true(difference(&s, &s, RECO_METRIC_RMSE).value == 0);
		assert_true(difference(&s, &s, RECO_METRIC_MAP).error == 0 ||
					estimate(&s, RECO_METRIC_MAP, RECO_ACTIVITY_ALL).users < 2);
		reco_scores_free(&m.env, &s);
		reco_scores_free(&m.env, &t);
		assert_int_equal(m.live, 0);
	}
}

/* All alike: no error, however the float of it is rounded. */
static void
test_alike(void **state)
{
	mimic_env m;
	reco_scores s;

	(void) state;
	mimic_env_init(&m);
	s = scores_of(&m, RECO_METRIC_BIT(RECO_METRIC_PRECISION), 1000, NULL);
	for (int32_t u = 0; u < 1000; u++)
		reco_scores_add(&s, u, (double[]){0.1});
	assert_exact(estimate(&s, RECO_METRIC_PRECISION, RECO_ACTIVITY_ALL).value, 0.1);
	assert_true(estimate(&s, RECO_METRIC_PRECISION, RECO_ACTIVITY_ALL).error == 0);
	reco_scores_free(&m.env, &s);
}

static int
by_number(const void *a, const void *b)
{
	return *(const int *) a - *(const int *) b;
}

/* Gini's coefficient by its definition over sorted counts. */
static double
slow_gini(const int *count, int n)
{
	int sorted[MOST];
	double weighted = 0;
	double all = 0;

	memcpy(sorted, count, (size_t) n * sizeof(int));
	qsort(sorted, (size_t) n, sizeof(int), by_number);
	for (int i = 0; i < n; i++)
	{
		weighted += (2.0 * (i + 1) - n - 1) * sorted[i];
		all += sorted[i];
	}
	return all > 0 ? weighted / (n * all) : 0;
}

/* Lists u1: a b c, u2: a c d, u3: a b e of six items. */
static void
test_shown_by_hand(void **state)
{
	const int32_t cutoff[] = {1, 2, 3};
	const unsigned metrics =
		RECO_METRIC_BIT(RECO_METRIC_COVERAGE) | RECO_METRIC_BIT(RECO_METRIC_GINI);
	const reco_ranked lists[3][3] = {
		{{3, 0}, {2, 1}, {1, 2}}, {{3, 0}, {2, 2}, {1, 3}}, {{3, 0}, {2, 1}, {1, 4}}};
	reco_columns columns = columns_of(metrics, cutoff, 3);
	mimic_env m;
	reco_shown shown;
	reco_scores s;
	reco_estimate e;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_scores_make(&m.env, &columns, 3, NULL, &s), RECO_OK);
	assert_int_equal(reco_shown_make(&m.env, &columns, 6, &shown), RECO_OK);
	for (int32_t u = 0; u < 3; u++)
		reco_shown_add(&shown, u, lists[u], 3);
	s.listed = 3;
	assert_int_equal(reco_shown_finish(&m.env, &shown, &s), RECO_OK);
	for (int c = 0; c < 3; c++)
	{
		assert_true(reco_scores_estimate(&s, RECO_METRIC_COVERAGE, c + 1, RECO_ACTIVITY_ALL, &e));
		assert_exact(e.value, (double[]){1, 3, 5}[c] / 6);
		assert_int_equal(e.users, 3);
		assert_true(isnan(e.error));
	}
	assert_true(reco_scores_estimate(&s, RECO_METRIC_GINI, 1, RECO_ACTIVITY_ALL, &e));
	assert_exact(e.value, 5 / 6.0);
	assert_true(reco_scores_estimate(&s, RECO_METRIC_GINI, 3, RECO_ACTIVITY_ALL, &e));
	assert_exact(e.value, slow_gini((int[]){3, 2, 2, 1, 1, 0}, 6));
	assert_false(reco_scores_estimate(&s, RECO_METRIC_GINI, 3, RECO_ACTIVITY_LIGHT, &e));
	reco_shown_free(&m.env, &shown);
	reco_scores_free(&m.env, &s);
	assert_int_equal(m.live, 0);
}

/* The delete-a-group jackknife, by counting everything anew without each group. */
static void
check_jackknife(const int *number, int32_t users, const int32_t (*list)[5], int32_t items,
				const reco_scores *s)
{
	reco_estimate e;
	double replicate[RECO_SHOWN_GROUPS];
	double mean = 0;
	double squares = 0;

	for (int g = -1; g < RECO_SHOWN_GROUPS; g++)
	{
		int count[MOST] = {0};
		double gini;

		for (int32_t u = 0; u < users; u++)
			for (int r = 0; r < 4 && number[u] % RECO_SHOWN_GROUPS != g; r++)
				count[list[u][r]]++;
		gini = slow_gini(count, items);
		if (g >= 0)
			replicate[g] = gini;
		else
		{
			assert_true(reco_scores_estimate(s, RECO_METRIC_GINI, 4, RECO_ACTIVITY_ALL, &e));
			assert_exact(e.value, gini);
		}
	}
	for (int g = 0; g < RECO_SHOWN_GROUPS; g++)
		mean += replicate[g] / RECO_SHOWN_GROUPS;
	for (int g = 0; g < RECO_SHOWN_GROUPS; g++)
		squares += pow(replicate[g] - mean, 2);
	assert_exact(e.error, sqrt(squares * (RECO_SHOWN_GROUPS - 1) / RECO_SHOWN_GROUPS));
	/* from itself it differs by nothing */
	assert_true(reco_scores_difference(s, s, RECO_METRIC_GINI, 4, RECO_ACTIVITY_ALL, &e));
	assert_true(e.value == 0 && e.error == 0);
}

static void
test_shown_errors(void **state)
{
	const int32_t cutoff[] = {4, 2, 5};
	uint64_t seed = 9;

	(void) state;
	for (int round = 0; round < 20; round++)
	{
		int32_t users = 40 + (int32_t) mimic_below(&seed, 100);
		int32_t items = 5 + (int32_t) mimic_below(&seed, 60);
		int number[MOST];
		int32_t list[MOST][5];
		reco_columns columns =
			columns_of(RECO_METRIC_BIT(RECO_METRIC_GINI), cutoff, 1 + (int) mimic_below(&seed, 3));
		mimic_env m;
		reco_shown shown;
		reco_scores s;

		mimic_env_init(&m);
		assert_int_equal(reco_scores_make(&m.env, &columns, users, NULL, &s), RECO_OK);
		mimic_env_init(&m);
		assert_int_equal(reco_shown_make(&m.env, &columns, items, &shown), RECO_OK);
		for (int32_t u = 0, next = 0; u < users; u++)
		{
			reco_ranked ranked[5];
			number[u] = next;
			next += 1 + (int32_t) mimic_below(&seed, 3);
			/* different ones, some more often than others */
			for (int r = 0; r < 5;)
			{
				int before = 0;

				list[u][r] = (int32_t) mimic_below(&seed, 1 + mimic_below(&seed, items));
				while (list[u][before] != list[u][r])
					before++;
				ranked[r] = (reco_ranked){(float) -r, list[u][r]};
				r += before == r;
			}
			reco_shown_add(&shown, number[u], ranked, 5);
		}
		s.listed = users;
		assert_int_equal(reco_shown_finish(&m.env, &shown, &s), RECO_OK);
		assert_true(m.peak <= reco_shown_bytes(items, columns.cutoffs, users));
		check_jackknife(number, users, (const int32_t(*)[5]) list, items, &s);
		reco_shown_free(&m.env, &shown);
		reco_scores_free(&m.env, &s);
	}
}

/* Parts of other users than each other, by hand. */
static void
test_pool_by_hand(void **state)
{
	const unsigned metrics =
		RECO_METRIC_BIT(RECO_METRIC_PRECISION) | RECO_METRIC_BIT(RECO_METRIC_RMSE);
	static const int32_t of_a[] = {1, 3, 4};
	static const int32_t of_b[] = {3, 7};
	mimic_env m;
	reco_scores a, b, all;
	reco_estimate e;

	(void) state;
	mimic_env_init(&m);
	a = scores_of(&m, metrics, 3, NULL);
	b = scores_of(&m, metrics, 2, NULL);
	reco_scores_add(&a, 0, (double[]){0.1, 1, 4, 2});
	reco_scores_add(&a, 1, (double[]){0.2, 2, 1, 1});
	reco_scores_add(&a, 2, (double[]){NAN, NAN, NAN, NAN});
	reco_scores_add(&b, 0, (double[]){0.6, 1, 1, 1});
	reco_scores_add(&b, 1, (double[]){0.3, NAN, NAN, NAN});
	assert_int_equal(reco_scores_pool(&m.env, (const reco_scores *[]){&a, &b},
									  (const int32_t *[]){of_a, of_b}, 2, &all),
					 RECO_OK);
	assert_int_equal(all.users, 4);
	e = estimate(&all, RECO_METRIC_PRECISION, RECO_ACTIVITY_ALL);
	assert_close(e.value, (0.1 + 0.2 + 0.6 + 0.3) / 4);
	assert_int_equal(e.users, 3);
	/* of user 1 it is 0.2 less than the mean, of user 3 on both parts 0.2 more, of user 7 as much
	 */
	assert_close(e.error, sqrt((0.2 * 0.2 + 0.2 * 0.2) / 16 * 3 / 2));
	e = estimate(&all, RECO_METRIC_RMSE, RECO_ACTIVITY_ALL);
	assert_close(e.value, sqrt(6.0 / 4));
	assert_int_equal(e.users, 2);
	reco_scores_free(&m.env, &a);
	reco_scores_free(&m.env, &b);
	reco_scores_free(&m.env, &all);
	assert_int_equal(m.live, 0);
}

/* The same part twice says no more than once, and a difference likewise. */
static void
test_pool_twice(void **state)
{
	const unsigned metrics = RECO_METRIC_BIT(RECO_METRIC_PRECISION) |
							 RECO_METRIC_BIT(RECO_METRIC_RMSE) |
							 RECO_METRIC_BIT(RECO_METRIC_COVERAGE);
	static const reco_metric kinds[] = {RECO_METRIC_PRECISION, RECO_METRIC_RMSE,
										RECO_METRIC_COVERAGE};
	int32_t user[50];
	uint64_t seed = 3;
	mimic_env m;
	reco_scores one[2], twice[2];

	(void) state;
	mimic_env_init(&m);
	for (int s = 0; s < 2; s++)
	{
		one[s] = scores_of(&m, metrics, 50, NULL);
		for (int32_t u = 0; u < 50; u++)
		{
			user[u] = 3 * u;
			reco_scores_add(&one[s], u,
							(double[]){(double) mimic_below(&seed, 100) / 100,
									   1 + (double) mimic_below(&seed, 4),
									   (double) mimic_below(&seed, 9), 1});
		}
		one[s].listed = 50;
		one[s].groups = RECO_SHOWN_GROUPS;
		for (int g = 0; g <= RECO_SHOWN_GROUPS; g++)
			one[s].shown[0][g] = (double) mimic_below(&seed, 100) / 100;
		assert_int_equal(reco_scores_pool(&m.env, (const reco_scores *[]){&one[s], &one[s]},
										  (const int32_t *[]){user, user}, 2, &twice[s]),
						 RECO_OK);
	}
	for (int k = 0; k < 3; k++)
	{
		reco_estimate x = estimate(&one[0], kinds[k], RECO_ACTIVITY_ALL);
		reco_estimate y = estimate(&twice[0], kinds[k], RECO_ACTIVITY_ALL);

		assert_close(y.value, x.value);
		assert_close(y.error, x.error);
		x = difference(&one[0], &one[1], kinds[k]);
		y = difference(&twice[0], &twice[1], kinds[k]);
		assert_close(y.value, x.value);
		assert_close(y.error, x.error);
	}
	for (int s = 0; s < 2; s++)
	{
		reco_scores_free(&m.env, &one[s]);
		reco_scores_free(&m.env, &twice[s]);
	}
	assert_int_equal(m.live, 0);
}

/* Whatever there is no memory for, nothing is left. */
static void
test_pool_memory(void **state)
{
	static const int32_t user[] = {0};
	reco_status status = RECO_NO_MEMORY;
	mimic_env m;
	reco_scores a, all;

	(void) state;
	mimic_env_init(&m);
	a = scores_of(&m, RECO_METRIC_BIT(RECO_METRIC_PRECISION), 1, NULL);
	reco_scores_add(&a, 0, (double[]){0.5});
	for (long n = 1; status == RECO_NO_MEMORY; n++)
	{
		long live = m.live;

		m.fail_at = m.allocations + n;
		status = reco_scores_pool(&m.env, (const reco_scores *[]){&a, &a},
								  (const int32_t *[]){user, user}, 2, &all);
		if (status == RECO_NO_MEMORY)
			assert_int_equal(m.live, live);
	}
	assert_int_equal(status, RECO_OK);
	reco_scores_free(&m.env, &all);
	reco_scores_free(&m.env, &a);
	assert_int_equal(m.live, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_in_the_mean),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_shown_by_hand),
		cmocka_unit_test(test_shown_errors),
		cmocka_unit_test(test_pool_by_hand),
		cmocka_unit_test(test_pool_twice),
		cmocka_unit_test(test_pool_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
