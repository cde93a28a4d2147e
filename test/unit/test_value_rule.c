/*
 * test_value_rule.c
 *	  What values count: the rule that is chosen, the cap that is found, and what they make of
 *	  values (core/data/value_rule.h).
 *
 * Which rule is right is found by sorting the values, and a cap by looking at each of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/value_rule.h"
#include "mimic_env.h"

/* How values are drawn. */
typedef enum drawn
{
	STARS,    /* 1 to 5, mostly 4 */
	HALVES,   /* .5 to 5 */
	COUNTS,   /* 1, 2, ... ever rarer */
	TENS,     /* 10, 20, ... 100 */
	THUMBS,   /* -1 and 1 */
	POINTS,   /* -10 to 10 by halves */
	MANY,     /* 20 or 21 different ones */
	AMOUNTS,  /* any number */
	TINY,     /* about 1e-30, and 0 */
	HUGE_ONES /* about 1e18, of either sign */
} drawn;

#define KINDS (HUGE_ONES + 1)

static float
draw(drawn kind, uint64_t *seed, int64_t more)
{
	switch (kind)
	{
		case STARS:
			return mimic_below(seed, 2) ? 4 : (float) (1 + mimic_below(seed, 5 + more));
		case HALVES:
			return mimic_below(seed, 3) ? 3.5f : (float) (1 + mimic_below(seed, 10 + more)) / 2;
		case COUNTS:
			return (float) (1 + mimic_below(seed, 1 + mimic_below(seed, 1 + mimic_below(seed, 6))));
		case TENS:
			return mimic_below(seed, 2) ? 70 : (float) (10 * (1 + mimic_below(seed, 10 + more)));
		case THUMBS:
			return mimic_below(seed, 3) ? 1 : -1;
		case POINTS:
			return (float) mimic_below(seed, 41) / 2 - 10;
		case MANY:
			return mimic_below(seed, 2) ? 2 : (float) mimic_below(seed, 20 + more);
		case AMOUNTS:
			return (float) (mimic_uniform(seed) * 50);
		case TINY:
			return mimic_below(seed, 4) ? 1e-30f * (float) mimic_below(seed, 3) : FLT_TRUE_MIN;
		default:
			return (float) (mimic_uniform(seed) - 0.5) * 1e18f;
	}
}

static int
by_value(const void *a, const void *b)
{
	float x = *(const float *) a;
	float y = *(const float *) b;

	return (x > y) - (x < y);
}

static int
by_size(const void *a, const void *b)
{
	float x = fabsf(*(const float *) a);
	float y = fabsf(*(const float *) b);

	return (x > y) - (x < y);
}

/* The rule of the header, word by word. */
static reco_value_rule_kind
choose_slowly(const float *value, const float *latest, int64_t n)
{
	float *sorted = malloc(((size_t) n + 1) * sizeof(float));
	int64_t differ = 0, repeated = 0, of_smallest = 0, most = 0;
	bool large = false;

	for (int64_t e = 0; e < n; e++)
	{
		sorted[e] = value[e];
		large = large || fabsf(value[e]) > 100;
		repeated += latest && latest[e] != value[e];
	}
	qsort(sorted, (size_t) n, sizeof(float), by_value);
	for (int64_t from = 0, to; from < n; from = to)
	{
		for (to = from; to < n && sorted[to] == sorted[from];)
			to++;
		differ++;
		if (sorted[from] > 0 && of_smallest == 0)
			of_smallest = to - from;
		if (sorted[from] > 0 && to - from > most)
			most = to - from;
	}
	free(sorted);
	return !large && differ <= 20 && most > of_smallest && 100 * repeated <= n ? RECO_VALUES_RAW
																			   : RECO_VALUES_BINARY;
}

/* 0.9 of those that are not 0 are not above it, and of any smaller one that is not so. */
static float
cap_slowly(const float *value, int64_t n)
{
	float *sorted = malloc(((size_t) n + 1) * sizeof(float));
	int64_t values = 0, k = 0;
	float cap = 1;

	for (int64_t e = 0; e < n; e++)
		if (value[e] != 0)
			sorted[values++] = fabsf(value[e]);
	qsort(sorted, (size_t) values, sizeof(float), by_size);
	while (k < values && 10 * (k + 1) < 9 * values)
		k++;
	if (values > 0)
		cap = sorted[k];
	free(sorted);
	return cap;
}

typedef struct data
{
	int64_t start[2];
	float *value;
	float *latest;
	reco_interactions x;
} data;

static void
make_data(data *d, drawn kind, int64_t n, int64_t repeats, uint64_t *seed)
{
	int64_t more = mimic_below(seed, 3);

	d->value = malloc(((size_t) n + 1) * sizeof(float));
	d->latest = repeats ? malloc(((size_t) n + 1) * sizeof(float)) : NULL;
	for (int64_t e = 0; e < n; e++)
	{
		d->value[e] = draw(kind, seed, more);
		if (d->latest)
			d->latest[e] = e % 3 == 0 && e / 3 < repeats ? d->value[e] - 1 : d->value[e];
	}
	d->start[0] = 0;
	d->start[1] = n;
	d->x = (reco_interactions){.by_user = {1, 1, d->start, NULL, d->value}, .latest = d->latest};
}

static void
free_data(data *d)
{
	free(d->value);
	free(d->latest);
}

static void
check_choice(const data *d, int64_t n)
{
	reco_value_rule rule = {RECO_VALUES_AUTO, 0};
	reco_value_rule cap = {RECO_VALUES_CAP, 0};
	reco_value_rule given = {RECO_VALUES_CAP, 7};
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(reco_value_rule_choose(&m.env, &d->x, &rule), RECO_OK);
	assert_int_equal(rule.kind, choose_slowly(d->value, d->latest, n));
	assert_int_equal(reco_value_rule_choose(&m.env, &d->x, &cap), RECO_OK);
	assert_int_equal(cap.kind, RECO_VALUES_CAP);
	assert_true(cap.cap == cap_slowly(d->value, n));
	assert_int_equal(reco_value_rule_choose(&m.env, &d->x, &given), RECO_OK);
	assert_true(given.cap == 7);
	assert_int_equal(m.live, 0);
	assert_true(m.peak <= 1024 * 1024);
}

static void
test_choice(void **state)
{
	static const int64_t sizes[] = {0, 1, 2, 3, 5, 10, 99, 100, 101, 1000, 20000};
	uint64_t seed = 7;
	int scales = 0;
	int others = 0;

	(void) state;
	for (int kind = 0; kind < KINDS; kind++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
			for (int times = 0; times < (sizes[s] < 1000 ? 40 : 4); times++)
			{
				int64_t n = sizes[s];
				data d;

				make_data(&d, (drawn) kind, n, times % 4 == 3 ? n / 100 + times % 8 / 4 : 0, &seed);
				check_choice(&d, n);
				*(choose_slowly(d.value, d.latest, n) == RECO_VALUES_RAW ? &scales : &others) += 1;
				free_data(&d);
			}
	/* both answers come, and not by accident */
	assert_true(scales > 300);
	assert_true(others > 300);
}

/* Values in tables of shops and of stars. */
static void
test_known(void **state)
{
	static const struct
	{
		const char *name;
		float value[12];
		int n;
		reco_value_rule_kind kind;
	} known[] = {
		{"stars", {5, 4, 4, 3, 1, 4, 2}, 7, RECO_VALUES_RAW},
		{"half stars", {4.5f, 4, 4, 3.5f, .5f, 4}, 6, RECO_VALUES_RAW},
		{"stars, and 0 for none", {0, 0, 0, 0, 8, 8, 1}, 7, RECO_VALUES_RAW},
		{"quantities", {1, 1, 2, 1, 12, 6}, 6, RECO_VALUES_BINARY},
		{"views are 1, orders 5", {1, 1, 1, 5}, 4, RECO_VALUES_BINARY},
		{"likes", {1, 1, -1}, 3, RECO_VALUES_BINARY},
		{"one value", {3, 3, 3}, 3, RECO_VALUES_BINARY},
		{"each once", {1, 2, 3}, 3, RECO_VALUES_BINARY},
		{"prices", {999, 5, 5, 1}, 4, RECO_VALUES_BINARY},
		{"nothing positive", {-2, -2, 0}, 3, RECO_VALUES_BINARY},
	};

	(void) state;
	for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
	{
		int64_t start[2] = {0, known[k].n};
		float value[12];
		reco_interactions x = {.by_user = {1, 1, start, NULL, value}};
		reco_value_rule rule = {RECO_VALUES_AUTO, 0};
		mimic_env m;

		memcpy(value, known[k].value, sizeof(value));
		mimic_env_init(&m);
		assert_int_equal(reco_value_rule_choose(&m.env, &x, &rule), RECO_OK);
		if (rule.kind != known[k].kind)
			fail_msg("%s", known[k].name);
	}
}

/* Without values every pair counts 1. */
static void
test_ones(void **state)
{
	int64_t start[2] = {0, 5};
	reco_interactions x = {.by_user = {1, 1, start, NULL, NULL}};
	reco_value_rule rule = {RECO_VALUES_AUTO, 0};
	reco_value_rule cap = {RECO_VALUES_CAP, 0};
	reco_value_rule low = {RECO_VALUES_CAP, .5f};
	reco_value_rule log = {RECO_VALUES_LOG, 0};
	float out[5];
	bool ones;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(reco_value_rule_choose(&m.env, &x, &rule), RECO_OK);
	assert_int_equal(rule.kind, RECO_VALUES_BINARY);
	assert_int_equal(reco_value_rule_choose(&m.env, &x, &cap), RECO_OK);
	assert_true(cap.cap == 1);
	assert_true(reco_values_are_ones(&m.env, &rule, NULL, 5, &ones) && ones);
	assert_true(reco_values_are_ones(&m.env, &cap, NULL, 5, &ones) && ones);
	assert_true(reco_values_are_ones(&m.env, &low, NULL, 5, &ones) && !ones);
	assert_true(reco_values_are_ones(&m.env, &log, NULL, 5, &ones) && !ones);
	assert_true(reco_values_by(&m.env, &log, NULL, 5, out));
	assert_true(out[0] == (float) log1p(1) && out[4] == out[0]);
}

static void
test_values(void **state)
{
	static const float v[] = {-3, -.5f, 0, FLT_TRUE_MIN, 1e-30f, .5f, 1, 2.5f, 7, 1e18f, -1e18f};
	static const float sign[] = {-1, -1, 0, 1, 1, 1, 1, 1, 1, 1, -1};
	static const float capped[] = {-2.5f, -.5f, 0,    FLT_TRUE_MIN, 1e-30f, .5f,
								   1,     2.5f, 2.5f, 2.5f,         -2.5f};
	enum
	{
		N = sizeof(v) / sizeof(v[0])
	};
	float out[N];
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (int kind = RECO_VALUES_RAW; kind <= RECO_VALUES_CAP; kind++)
	{
		reco_value_rule rule = {(reco_value_rule_kind) kind, 2.5f};
		bool ones;

		assert_true(reco_values_by(&m.env, &rule, v, N, out));
		for (int k = 0; k < N; k++)
		{
			double log = v[k] < 0 ? -log1p(-v[k]) : log1p(v[k]);
			float expected = kind == RECO_VALUES_RAW      ? v[k]
							 : kind == RECO_VALUES_BINARY ? sign[k]
							 : kind == RECO_VALUES_LOG    ? (float) log
														  : capped[k];

			assert_true(out[k] == expected && !(out[k] == 0 && signbit(out[k])));
			/* one at a time as all at once, and no sign is lost */
			assert_true(reco_value_by(&rule, v[k]) == out[k]);
			assert_true((out[k] > 0) - (out[k] < 0) == (v[k] > 0) - (v[k] < 0));
		}
		assert_true(reco_values_are_ones(&m.env, &rule, v, N, &ones) && !ones);
		assert_true(reco_values_are_ones(&m.env, &rule, v + 3, 7, &ones));
		assert_int_equal(ones, kind == RECO_VALUES_BINARY);
	}
}

/* At every poll and every allocation there is a way out. */
static void
test_way_out(void **state)
{
	uint64_t seed = 3;
	int64_t n = 2000000;
	float *out = malloc((size_t) n * sizeof(float));
	data d;

	(void) state;
	make_data(&d, STARS, n, 0, &seed);
	for (int kind = RECO_VALUES_AUTO; kind <= RECO_VALUES_CAP; kind++)
	{
		reco_value_rule rule = {(reco_value_rule_kind) kind, 0};
		bool asked = kind == RECO_VALUES_AUTO || kind == RECO_VALUES_CAP;
		mimic_env m;

		mimic_env_init(&m);
		m.stop_at = 3;
		assert_int_equal(reco_value_rule_choose(&m.env, &d.x, &rule),
						 asked ? RECO_STOPPED : RECO_OK);
		assert_int_equal(m.live, 0);
		rule = (reco_value_rule){(reco_value_rule_kind) kind, 5};
		mimic_env_init(&m);
		m.stop_at = 3;
		assert_false(reco_values_by(&m.env, &rule, d.value, n, out));
		/* a poll at least every few milliseconds */
		assert_int_equal(m.polls, 3);
	}
	for (int64_t e = 0; e < n; e++)
		d.value[e] = 1;
	for (int kind = RECO_VALUES_RAW; kind <= RECO_VALUES_BINARY; kind++)
	{
		reco_value_rule rule = {(reco_value_rule_kind) kind, 0};
		bool ones;
		mimic_env m;

		mimic_env_init(&m);
		m.stop_at = 3;
		assert_false(reco_values_are_ones(&m.env, &rule, d.value, n, &ones));
		mimic_env_init(&m);
		assert_true(reco_values_are_ones(&m.env, &rule, d.value, n, &ones) && ones);
		assert_true(m.polls >= 5);
	}
	{
		reco_value_rule rule = {RECO_VALUES_CAP, 0};
		mimic_env m;

		mimic_env_init(&m);
		m.fail_at = 1;
		assert_int_equal(reco_value_rule_choose(&m.env, &d.x, &rule), RECO_NO_MEMORY);
		assert_int_equal(m.live, 0);
	}
	free(out);
	free_data(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice), cmocka_unit_test(test_known),   cmocka_unit_test(test_ones),
		cmocka_unit_test(test_values), cmocka_unit_test(test_way_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
