/*
 * test_pairs.c
 *	  The inner loops of the search of neighbors at every instruction set level
 *	  that this machine has, against plain loops; and what a rating owes to its
 *	  user and its item (core/data/baseline.h) against its equations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/baseline.h"
#include "core/base/dispatch.h"
#include "mimic_neighbors.h"

static const char *const levels[] = {"base", "v3", "v4"};

#define LEVELS 3
#define MOST 1024

/* A row and the statistics of MOST others. */
typedef struct side
{
	reco_pair_row row;
	double x[MOST], y[MOST], u[MOST], w[MOST];
	double dot[MOST];
	int32_t count[MOST];
	double floor[MOST];
} side;

static void
fill(side *s, int kind, uint64_t *seed)
{
	bool symmetric = kind % 2;

	for (int b = 0; b < MOST; b++)
	{
		double n = (double) (1 + mimic_below(seed, 30));

		/* as the norms of cosine, or the counts of the set measures */
		s->x[b] = kind < 4 ? 0 : sqrt(n);
		s->y[b] = kind < 4 ? 0 : symmetric ? s->x[b] : n;
		s->u[b] = kind < 4 ? n : 0;
		s->w[b] = kind < 4 ? symmetric ? n : n / 3 : 0;
		s->count[b] = (int32_t) mimic_below(seed, 6);
		s->dot[b] = s->count[b] == 0 ? 0 : 4 * mimic_uniform(seed) - 1;
		s->floor[b] = mimic_uniform(seed) < 0.3 ? 0x1p-1074 : mimic_uniform(seed);
		/* registers full of those that have nothing in common */
		if (b / 20 % 3 == 1)
			s->dot[b] = s->count[b] = 0;
	}
	s->row = (reco_pair_row){
		.scale = kind % 3 ? 1 : 2.5,
		.v = kind < 4 ? 1 - kind / 2 * 0.4 : 0,
		.shrinkage = kind % 3 ? 0 : 1.5,
		.x = s->x[0],
		.y = s->y[0],
		.u = s->u[0],
		.w = s->w[0],
		.xs = s->x,
		.ys = s->y,
		.us = s->u,
		.ws = s->w,
		.floor = s->floor[0],
		.min_support = 1 + kind % 3,
		.symmetric = symmetric,
	};
}

static void
check_scan(const reco_kernels *k, const side *s, int32_t n, bool has_dot, bool has_count)
{
	reco_pair *out = malloc(((size_t) n + 1) * sizeof(reco_pair));
	int32_t at = 0;
	int32_t found = k->pair_scan(&s->row, has_dot ? s->dot : NULL, has_count ? s->count : NULL, n,
								 s->floor, out);

	for (int32_t b = 0; b < n; b++)
	{
		double d = has_dot ? s->dot[b] : s->count[b];
		double rest = s->row.shrinkage - s->row.v * d;
		double mine = s->row.scale * d / (s->row.x * s->y[b] + s->row.u + s->w[b] + rest);
		double theirs = s->row.symmetric
							? mine
							: s->row.scale * d / (s->x[b] * s->row.y + s->u[b] + s->row.w + rest);
		bool supported = !has_count || s->count[b] >= s->row.min_support;
		/* by a hair: products may be fused with sums */
		bool may = supported &&
				   (mine >= s->row.floor * (1 - 1e-12) || theirs >= s->floor[b] * (1 - 1e-12));
		bool must = supported &&
					(mine >= s->row.floor * (1 + 1e-12) || theirs >= s->floor[b] * (1 + 1e-12));

		if (at < found && out[at].other == b)
		{
			if (!may)
				fail_msg("%s: %d of %d is no pair", k->name, b, n);
			assert_true(fabs(out[at].mine - mine) <= 1e-14 * fabs(mine));
			assert_true(fabs(out[at].theirs - theirs) <= 1e-14 * fabs(theirs));
			at++;
		}
		else if (must)
			fail_msg("%s: %d of %d is missing", k->name, b, n);
	}
	assert_int_equal(at, found);
	free(out);
}

static void
test_pair_scan(void **state)
{
	side *s = malloc(sizeof(side));
	uint64_t seed = 1;

	(void) state;
	for (int l = 0; l < LEVELS; l++)
	{
		const reco_kernels *k = reco_kernels_named(levels[l]);

		for (int kind = 0; k && kind < 12; kind++)
		{
			fill(s, kind, &seed);
			for (int32_t n = 0; n < 70; n++)
			{
				/* not on a cache line, and nothing to read after the last */
				check_scan(k, s, n, true, kind % 3 > 0);
				check_scan(k, s, n, false, true);
			}
			check_scan(k, s, MOST, true, kind % 3 > 0);
			check_scan(k, s, MOST, false, true);
		}
	}
	free(s);
}

/* The digits of a string at bit b, as a number. */
static int32_t
digits_at(const uint64_t *bits, int digits, int width, int32_t string, int b)
{
	size_t block = (size_t) string * (size_t) width + (size_t) (b / RECO_BIT_BLOCK);
	int32_t number = 0;

	for (int g = 0; g < digits; g++)
	{
		const uint64_t *word = bits + (block * (size_t) digits + (size_t) g) * RECO_BIT_WORDS;

		number += (int32_t) (word[b % RECO_BIT_BLOCK / 64] >> (b % 64) & 1) << g;
	}
	return number;
}

static void
check_bits(const reco_kernels *k, int digits, int width, int blocks, const int32_t *string,
		   int32_t n, int32_t strings, const uint64_t *bits)
{
	/* all of it counts 1; parts of it 1, 4 and 8 */
	reco_bit_term term[] = {{string, n, 0},
							{string, n / 3, 0},
							{string + n / 3, n / 2 - n / 3, 2},
							{string + n / 2, n - n / 2, 3}};
	int all = blocks * RECO_BIT_BLOCK;
	int32_t *count = malloc((size_t) all * sizeof(int32_t));
	int32_t *wanted = malloc((size_t) all * sizeof(int32_t));

	for (int several = 0; several < 2; several++)
	{
		for (int b = 0; b < all; b++)
		{
			wanted[b] = count[b] = several ? -b : b;
			for (int32_t s = 0; s < n; s++)
				wanted[b] += digits_at(bits, digits, width, string[s], b)
							 << (!several || s < n / 3 ? 0
								 : s < n / 2           ? 2
													   : 3);
		}
		k->bit_sums(bits, digits, width, term + several, several ? 3 : 1, blocks, strings, count);
		assert_memory_equal(count, wanted, (size_t) all * sizeof(int32_t));
	}
	free(count);
	free(wanted);
}

/* The last string is empty, the first has all bits, so that sums reach n. */
static uint64_t *
draw_strings(int32_t strings, size_t words, int density, uint64_t *seed)
{
	size_t all = (size_t) (strings + 1) * words;
	uint64_t *bits = aligned_alloc(RECO_ALIGN, all * sizeof(uint64_t));

	for (size_t w = 0; w < all; w++)
	{
		bits[w] = w / words == (size_t) strings ? 0 : mimic_bits(seed);
		for (int d = 1; d < density; d++)
			bits[w] &= mimic_bits(seed);
	}
	memset(bits, 0xff, words * sizeof(uint64_t));
	return bits;
}

static void
check_lengths(const reco_kernels *k, int digits, int width, int blocks, int density, uint64_t *seed)
{
	static const int32_t sizes[] = {0,  1,  2,  7,  8,  9,  15,  16,  17,  31,
									32, 33, 40, 63, 64, 65, 100, 255, 256, 300};
	const int32_t strings = 40;
	uint64_t *bits =
		draw_strings(strings, (size_t) (width * digits) * RECO_BIT_WORDS, density, seed);
	int32_t string[5000];

	/* counting one by one takes its time */
	for (int i = 0; i<(int) (sizeof(sizes) / sizeof(sizes[0])); i += blocks> 2 ? 4 : 1)
	{
		for (int32_t s = 0; s < sizes[i]; s++)
			string[s] = (int32_t) mimic_below(seed, strings);
		check_bits(k, digits, width, blocks, string, sizes[i], strings, bits);
		for (int32_t s = 0; s < sizes[i]; s++)
			string[s] = 0;
		check_bits(k, digits, width, blocks, string, sizes[i], strings, bits);
	}
	for (int32_t s = 0; s < 5000; s++)
		string[s] = s % 3 ? 0 : (int32_t) mimic_below(seed, strings);
	if (blocks <= 2)
		check_bits(k, digits, width, blocks, string, 5000, strings, bits);
	free(bits);
}

/* Levels, digits, blocks, fewer than strings have and more than are counted together, densities. */
static void
test_bit_sums(void **state)
{
	static const int shapes[][2] = {{1, 1}, {2, 2}, {8, 8}, {9, 9}, {9, 2}, {11, 10}};
	uint64_t seed = 2;

	(void) state;
	for (int l = 0; l < LEVELS; l++)
	{
		const reco_kernels *k = reco_kernels_named(levels[l]);

		for (int digits = 1; k && digits <= RECO_BIT_DIGITS; digits++)
			for (int i = 0; i < (int) (sizeof(shapes) / sizeof(shapes[0])); i++)
				for (int density = 1; density <= 5; density += 4)
					check_lengths(k, digits, shapes[i][0], shapes[i][1], density, &seed);
	}
}

static void
test_baseline(void **state)
{
	static const mimic_shape shapes[] = {
		{"nothing", 0, 0, 1, 1},          {"no rows", 0, 5, 1, 1},  {"no columns", 5, 0, 1, 1},
		{"one cell", 1, 1, 1, 1},         {"even", 45, 33, 0.2, 1}, {"skewed", 120, 60, 0.1, 4},
		{"mostly empty", 50, 30, 0.02, 1}};

	(void) state;
	for (int i = 0; i < (int) (sizeof(shapes) / sizeof(shapes[0])); i++)
		for (int values = MIMIC_ONES; values <= MIMIC_SIGNED; values++)
		{
			reco_csr a = mimic_matrix(&shapes[i], (mimic_values) values, (uint64_t) i);
			float user[121];
			float item[61];
			double user_wanted[121];
			double item_wanted[61];
			double mean;
			double mean_wanted;
			mimic_env m;

			mimic_env_init(&m);
			assert_int_equal(reco_baseline_fit(&m.env, &a, &mean, user, item), RECO_OK);
			mimic_baseline(&a, &mean_wanted, user_wanted, item_wanted);
			assert_true(fabs(mean - mean_wanted) < 1e-12);
			for (int32_t u = 0; u < a.rows; u++)
			{
				int64_t from = a.start[u];
				float again;

				assert_int_equal(reco_baseline_user(&m.env, mean, item, a.start[u + 1] - from,
													a.col + from, a.value ? a.value + from : NULL,
													&again),
								 RECO_OK);
				assert_true(fabs(user[u] - user_wanted[u]) < 1e-5);
				assert_memory_equal(&user[u], &again, sizeof(float));
			}
			for (int32_t c = 0; c < a.cols; c++)
				assert_true(fabs(item[c] - item_wanted[c]) < 1e-5);
			assert_int_equal(m.live, 0);
			for (long n = 1; n <= 2; n++)
			{
				mimic_env_init(&m);
				m.fail_at = n;
				assert_int_equal(reco_baseline_fit(&m.env, &a, &mean, user, item), RECO_NO_MEMORY);
				assert_int_equal(m.live, 0);
			}
			mimic_matrix_free(&a);
		}
}

/* A polling loop over more entries than go by without one. */
static void
test_baseline_stops(void **state)
{
	static const mimic_shape shape = {"long rows", 3, 400000, 0.95, 1};
	reco_csr a = mimic_matrix(&shape, MIMIC_RATINGS, 1);
	float *item = malloc((size_t) a.cols * sizeof(float));
	float user[3];
	double mean;
	reco_status status;
	long n = 1;

	(void) state;
	for (;; n++)
	{
		mimic_env m;

		mimic_env_init(&m);
		m.stop_at = n;
		status = reco_baseline_fit(&m.env, &a, &mean, user, item);
		assert_int_equal(m.live, 0);
		if (status == RECO_OK)
			break;
		assert_int_equal(status, RECO_STOPPED);
	}
	/* one for the mean and two a sweep */
	assert_int_equal(n - 1, 21);
	free(item);
	mimic_matrix_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair_scan),
		cmocka_unit_test(test_bit_sums),
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_baseline_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
