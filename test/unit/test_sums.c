/*
 * test_sums.c
 *	  The sums behind similarity aggregates against plain formulas in 113 bits, for
 *	  values of every kind; states combined in any split; sums of vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/similarity/sums.h"
#include "mimic_env.h"
#include "mimic_vector.h"

#define PARTS 9

static void
shuffled(const void *a, const void *b, void *to_a, void *to_b, int32_t n, uint64_t *seed)
{
	int32_t *order = malloc(((size_t) n + 1) * sizeof(int32_t));

	mimic_shuffle(seed, order, n);
	for (int32_t i = 0; i < n; i++)
	{
		set(to_a, i, get(a, order[i]));
		set(to_b, i, get(b, order[i]));
	}
	free(order);
}

/* Adds pairs to a random one of some states, and combines these in random order. */
#define SPLIT(type, add, combine, result)                                                          \
	do                                                                                             \
	{                                                                                              \
		type part[PARTS];                                                                          \
		int parts = 1 + (int) mimic_below(seed, PARTS);                                            \
                                                                                                   \
		memset(part, 0, sizeof(part));                                                             \
		for (int64_t i = 0; i < n; i++)                                                            \
			assert_true(add(&part[mimic_below(seed, parts)], get(a, i), get(b, i)));               \
		for (; parts > 1; parts--)                                                                 \
		{                                                                                          \
			int64_t into = mimic_below(seed, parts - 1);                                           \
                                                                                                   \
			combine(&part[into], &part[parts - 1]);                                                \
		}                                                                                          \
		(result) = part[0];                                                                        \
	} while (0)

static double worst_states[3];
static double worst_gap[3];
static long bits_differ[3];
static long bits_compared[3];

static void
note(int which, double serial, double split, double tolerance)
{
	bits_compared[which]++;
	bits_differ[which] += serial != split;
	if (which < 2)
		worst_gap[which] = fmax(worst_gap[which], fabs(serial - split));
	if (fabs(serial - split) > tolerance)
		fail_msg("%d: %.17g serially, %.17g in parts", which, serial, split);
}

static void
check_states(const void *a, const void *b, int64_t n, uint64_t *seed, int turns)
{
	truth t = mimic_truth(a, b, n);
	reco_cosine_sums pairs = {0};
	reco_pearson_sums pearson = {0};
	reco_sum dots = {0};
	double cosine = 0;
	double correlation = 0;
	double dot;
	bool has_cosine;
	bool has_correlation;

	for (int64_t i = 0; i < n; i++)
	{
		assert_true(reco_pair_add(&pairs, get(a, i), get(b, i)));
		assert_true(reco_pearson_add(&pearson, get(a, i), get(b, i)));
		assert_true(reco_sum_add_product(&dots, get(a, i), get(b, i)));
	}
	has_cosine = reco_pair_cosine(&pairs, &cosine);
	mimic_check_cosine(has_cosine ? RECO_MEASURED : RECO_UNDEFINED, cosine, t.xy, t.xx, t.yy, 5e-16,
					   &worst_states[0]);
	has_correlation = reco_pearson_value(&pearson, &correlation);
	if (n == 0 || t.constant_x || t.constant_y)
		assert_false(has_correlation);
	else
		mimic_check_cosine(has_correlation ? RECO_MEASURED : RECO_UNDEFINED, correlation, t.cxy,
						   t.cxx, t.cyy, 2e-15, &worst_states[1]);
	dot = reco_sum_value(&dots);
	assert_true(mimic_overflows(t.xy) != !isinf(dot) || wide_abs(t.xy) < 0x1p-90 * t.abs_xy);
	if (isfinite(dot))
		assert_true(wide_abs(dot - t.xy) <= mimic_product_error(&t));

	for (int trial = 0; trial < turns; trial++)
	{
		reco_cosine_sums pairs2;
		reco_pearson_sums pearson2;
		reco_sum dots2;
		double got = 0;

		SPLIT(reco_cosine_sums, reco_pair_add, reco_pair_combine, pairs2);
		assert_int_equal(reco_pair_cosine(&pairs2, &got), has_cosine);
		if (has_cosine)
			note(0, cosine, got, 2e-16 + 2e-16 * fabs(cosine));
		SPLIT(reco_pearson_sums, reco_pearson_add, reco_pearson_combine, pearson2);
		assert_int_equal(pearson2.n, n);
		assert_int_equal(reco_pearson_value(&pearson2, &got), has_correlation);
		if (has_correlation)
			note(1, correlation, got, 2e-15);
		SPLIT(reco_sum, reco_sum_add_product, reco_sum_combine, dots2);
		got = reco_sum_value(&dots2);
		if (isfinite(dot))
			note(2, dot, got, (double) (0x1p-52 * wide_abs(t.xy) + 0x1p-89 * t.abs_xy) + 0x1p-1074);
		else
			assert_false(isfinite(got));
	}
}

static void
test_states(void **state)
{
	uint64_t seed = 7;

	(void) state;
	for (kind of_a = 0; of_a < KINDS; of_a++)
		for (kind of_b = 0; of_b < KINDS; of_b++)
			for (int l = 0; l < LENGTHS; l++)
			{
				int64_t n = lengths[l];
				void *memory[4];
				double *v[4];

				for (int i = 0; i < 4; i++)
					v[i] = mimic_vector(n, &memory[i]);
				for (int64_t i = 0; i < n; i++)
				{
					set(v[0], i, mimic_element(of_a, &seed));
					set(v[1], i, of_a == of_b && l % 2 ? get(v[0], i) : mimic_element(of_b, &seed));
				}
				check_states(v[0], v[1], n, &seed, n < 600 ? 4 : 1);
				/* values of one kind come after all those of another */
				for (int64_t i = n / 2; i < n; i++)
				{
					set(v[0], i, mimic_element(of_b, &seed));
					set(v[1], i, mimic_element((kind) (((int) of_a + i) % KINDS), &seed));
				}
				check_states(v[0], v[1], n, &seed, n < 600 ? 4 : 1);
				shuffled(v[0], v[1], v[2], v[3], (int32_t) n, &seed);
				check_states(v[2], v[3], n, &seed, 1);
				for (int i = 0; i < 4; i++)
					free(memory[i]);
			}
	print_message("worst of states: cosine %.2g, Pearson %.2g\n", worst_states[0], worst_states[1]);
	print_message("split, farthest off: cosine %.2g, Pearson %.2g\n", worst_gap[0], worst_gap[1]);
	print_message("split, other bits: cosine %ld of %ld, Pearson %ld of %ld, product %ld of %ld\n",
				  bits_differ[0], bits_compared[0], bits_differ[1], bits_compared[1],
				  bits_differ[2], bits_compared[2]);
}

/* What is not finite changes nothing. */
static void
test_states_not_finite(void **state)
{
	static const double bad[] = {INFINITY, -INFINITY, NAN};
	uint64_t seed = 8;

	(void) state;
	for (kind of = 0; of < KINDS; of++)
		for (int before = 0; before < 4; before++)
			for (int i = 0; i < 6; i++)
			{
				reco_cosine_sums pairs = {0}, pairs_was;
				reco_pearson_sums pearson = {0}, pearson_was;
				reco_sum dots = {0}, dots_was;
				double x = i % 2 ? bad[i / 2] : mimic_element(of, &seed);
				double y = i % 2 && before < 2 ? mimic_element(of, &seed) : bad[i / 2];

				for (int b = 0; b < before; b++)
				{
					double p = mimic_element(of, &seed);
					double q = mimic_element(of, &seed);

					assert_true(reco_pair_add(&pairs, p, q));
					assert_true(reco_pearson_add(&pearson, p, q));
					assert_true(reco_sum_add_product(&dots, p, q));
				}
				memcpy(&pairs_was, &pairs, sizeof(pairs));
				memcpy(&pearson_was, &pearson, sizeof(pearson));
				memcpy(&dots_was, &dots, sizeof(dots));
				assert_false(reco_pair_add(&pairs, x, y));
				assert_false(reco_pearson_add(&pearson, x, y));
				assert_false(reco_sum_add_product(&dots, x, y));
				assert_memory_equal(&pairs, &pairs_was, sizeof(pairs));
				assert_memory_equal(&pearson, &pearson_was, sizeof(pearson));
				assert_memory_equal(&dots, &dots_was, sizeof(dots));
			}
}

/*
 * States full of any finite numbers, as damaged bytes might make them: no
 * undefined behaviour, and a result, if there is one, in its range.
 */
static double
any_finite(uint64_t *seed)
{
	for (;;)
	{
		uint64_t bits = mimic_bits(seed);
		double x;

		memcpy(&x, &bits, sizeof(x));
		if (mimic_uniform(seed) < 0.2)
			x = 0;
		if (isfinite(x))
			return x;
	}
}

static reco_sum
any_sum(uint64_t *seed)
{
	double sum = any_finite(seed);

	return (reco_sum){sum, any_finite(seed), 2 * (int32_t) mimic_below(seed, 2201) - 2200};
}

static void
test_states_damaged(void **state)
{
	uint64_t seed = 9;

	(void) state;
	for (int trial = 0; trial < 20000; trial++)
	{
		reco_pearson_sums p[2];
		reco_sum d[2];
		double got = 0;

		for (int i = 0; i < 2; i++)
		{
			p[i] = (reco_pearson_sums){
				.n = mimic_uniform(&seed) < 0.3 ? mimic_below(&seed, 5)
												: (int64_t) (mimic_bits(&seed) >> 2),
				.first_x = any_finite(&seed),
				.first_y = any_finite(&seed),
				.mean_x = any_finite(&seed),
				.mean_y = any_finite(&seed),
				.ex = (int32_t) mimic_below(&seed, 133) - 128,
				.ey = (int32_t) mimic_below(&seed, 133) - 128,
				.about = {any_sum(&seed), any_sum(&seed), any_sum(&seed)},
			};
			d[i] = any_sum(&seed);
		}
		if (reco_pair_cosine(&p[0].about, &got))
			assert_true(isnan(got) || fabs(got) <= 1);
		if (reco_pearson_value(&p[0], &got))
			assert_true(isnan(got) || fabs(got) <= 1);
		reco_pearson_add(&p[1], any_finite(&seed), any_finite(&seed));
		reco_pearson_combine(&p[0], &p[1]);
		reco_pair_add(&p[0].about, any_finite(&seed), any_finite(&seed));
		reco_pair_combine(&p[0].about, &p[1].about);
		if (reco_pearson_value(&p[0], &got))
			assert_true(isnan(got) || fabs(got) <= 1);
		reco_sum_add_product(&d[0], any_finite(&seed), any_finite(&seed));
		reco_sum_combine(&d[0], &d[1]);
		(void) reco_sum_value(&d[0]);
	}
}

static void
test_vector_sums(void **state)
{
	uint64_t seed = 10;

	(void) state;
	for (int trial = 0; trial < 300; trial++)
	{
		int64_t n = mimic_below(&seed, 40);
		int rows = (int) mimic_below(&seed, 200);
		size_t room = (size_t) n + 1;
		float *x = malloc((size_t) n * sizeof(float) + 1);
		double *part = calloc(2 * PARTS * room, sizeof(double));
		wide *sum = calloc(room, sizeof(wide));
		wide *size = calloc(room, sizeof(wide));
		/* at an odd address */
		reco_any_float *odd = (reco_any_float *) (void *) ((char *) x + 1);

		for (int r = 0; r < rows; r++)
		{
			size_t p = (size_t) mimic_below(&seed, PARTS);

			for (int64_t i = 0; i < n; i++)
			{
				odd[i] = trial % 3 == 0   ? (float) mimic_element(SKEWED, &seed)
						 : trial % 3 == 1 ? (float) (3e38 * mimic_element(UNIFORM, &seed))
										  : (float) ldexp(mimic_element(UNIFORM, &seed),
														  (int) mimic_below(&seed, 240) - 140);
				sum[i] += odd[i];
				size[i] += wide_abs(odd[i]);
			}
			reco_vector_add(NULL, part + 2 * p * room, part + (2 * p + 1) * room, odd, n);
		}
		for (size_t p = PARTS - 1; p > 0; p--)
		{
			size_t into = (size_t) mimic_below(&seed, (int64_t) p);

			reco_vector_combine(NULL, part + 2 * into * room, part + (2 * into + 1) * room,
								part + 2 * p * room, part + (2 * p + 1) * room, n);
		}
		for (int64_t i = 0; i < n; i++)
			assert_true(wide_abs((wide) part[i] + part[room + (size_t) i] - sum[i]) <=
						0x1p-92 * size[i]);
		free(x);
		free(part);
		free(sum);
		free(size);
	}
}
/* Every poll of a long vector that is looked through or added to another can end that. */
static void
test_sums_halt(void **state)
{
	int64_t n = 3 * 1048576 + 5;
	float *x = calloc((size_t) n, sizeof(float));
	double *sum = calloc(4 * (size_t) n, sizeof(double));

	(void) state;
	x[n - 1] = INFINITY;
	for (int stop = 0; stop <= 3; stop++)
	{
		mimic_env e;

		mimic_env_init(&e);
		e.stop_at = stop;
		assert_int_equal(reco_first_not_finite(&e.env, RECO_FLOAT, x, n), stop ? -1 : n - 1);
		assert_int_equal(e.polls, stop ? stop : 3);
		mimic_env_init(&e);
		e.stop_at = stop;
		assert_int_equal(reco_vector_add(&e.env, sum, sum + n, x, n), stop == 0);
		assert_int_equal(e.polls, stop ? stop : 3);
		mimic_env_init(&e);
		e.stop_at = stop;
		assert_int_equal(reco_vector_combine(&e.env, sum, sum + n, sum + 2 * n, sum + 3 * n, n),
						 stop == 0);
		assert_int_equal(e.polls, stop ? stop : 3);
	}
	free(x);
	free(sum);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),         cmocka_unit_test(test_states_not_finite),
		cmocka_unit_test(test_states_damaged), cmocka_unit_test(test_vector_sums),
		cmocka_unit_test(test_sums_halt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
