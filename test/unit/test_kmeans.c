/*
 * test_kmeans.c
 *	  Unit tests of k-means (core/cluster/kmeans.h).
 *
 * Against a mimic that computes every distance in float8: where the iterations end, every row is
 * with the nearest center and every center is the mean of its rows; one Lloyd's run from the same
 * first centers ends in the same clusters.  Known clusters are found; rows that repeat, empty
 * clusters, fewer rows than clusters, numbers that cannot be taken; the silhouette against its
 * definition; determinism over threads and interruptions; every allocation failing and every poll
 * stopping in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/dispatch.h"
#include "core/cluster/kmeans_fit.h"
#include "mimic_env.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static reco_kmeans_rows
make_rows(int32_t n, int d)
{
	reco_kmeans_rows rows = {.rows = n, .d = d, .stride = (d + 15) / 16 * 16};
	size_t bytes = (size_t) n * (size_t) rows.stride * sizeof(float);
	float *x = aligned_alloc(RECO_ALIGN, bytes);

	memset(x, 0, bytes);
	rows.x = x;
	return rows;
}

static float *
row(const reco_kmeans_rows *rows, int32_t r)
{
	return (float *) rows->x + (size_t) r * (size_t) rows->stride;
}

/* Rows around `groups` points; spread 0: on them. */
static reco_kmeans_rows
grouped(uint64_t seed, int32_t n, int d, int groups, double spread)
{
	reco_kmeans_rows rows = make_rows(n, d);

	for (int32_t r = 0; r < n; r++)
	{
		uint64_t center = seed + (uint64_t) (r % groups);

		for (int f = 0; f < d; f++)
			row(&rows, r)[f] = (float) (4 * mimic_uniform(&center));
	}
	for (int32_t r = 0; r < n; r++)
		for (int f = 0; f < d; f++)
			row(&rows, r)[f] += (float) (spread * (mimic_uniform(&seed) - 0.5));
	return rows;
}

static double
squared(const float *x, const double *c, int d)
{
	double sum = 0;

	for (int f = 0; f < d; f++)
		sum += (x[f] - c[f]) * (x[f] - c[f]);
	return sum;
}

/* Whether clusters are what they must be at the end of the iterations. */
static void
check_fixed_point(const reco_kmeans_rows *rows, const reco_kmeans *made)
{
	double *mean = calloc((size_t) made->clusters * (size_t) rows->d, sizeof(double));
	int *size = calloc((size_t) made->clusters, sizeof(int));
	double inertia = 0;

	for (int32_t r = 0; r < rows->rows; r++)
	{
		int32_t own = made->cluster[r];
		double distance = squared(row(rows, r), made->center + (size_t) own * rows->d, rows->d);

		assert_true(own >= 0 && own < made->clusters);
		assert_true(fabs(made->distance[r] - distance) <= 1e-12 * (1 + distance));
		inertia += distance;
		size[own]++;
		for (int f = 0; f < rows->d; f++)
			mean[own * rows->d + f] += row(rows, r)[f];
		for (int c = 0; c < made->clusters; c++)
			assert_true(distance <=
						squared(row(rows, r), made->center + (size_t) c * rows->d, rows->d) *
								(1 + 1e-12) +
							DBL_MIN);
	}
	assert_true(fabs(made->inertia - inertia) <= 1e-10 * (1 + inertia));
	for (int c = 0; c < made->clusters; c++)
	{
		assert_true(size[c] > 0);
		assert_true(c == 0 || size[c] <= size[c - 1]);
		for (int f = 0; f < rows->d; f++)
			assert_true(fabs(mean[c * rows->d + f] / size[c] - made->center[c * rows->d + f]) <=
						1e-10);
	}
	free(mean);
	free(size);
}

static reco_kmeans
fit_with(const mimic_env *m, const reco_kmeans_rows *rows, int k, int restarts, uint64_t seed)
{
	reco_kmeans_params params = {k, restarts, 300, seed, NULL};
	reco_kmeans made;

	assert_int_equal(reco_kmeans_fit(&m->env, &params, rows, &made), RECO_OK);
	return made;
}

static void
test_fixed_point(void **state)
{
	static const struct
	{
		int32_t n;
		int d;
		int k;
		double spread;
	} of[] = {{1, 1, 1, 1},     {40, 1, 3, 1},     {500, 2, 7, 2},  {2000, 17, 12, 3},
			  {700, 64, 60, 4}, {1500, 5, 250, 4}, {300, 33, 1, 2}, {257, 16, 16, 1}};

	(void) state;
	for (size_t t = 0; t < sizeof(of) / sizeof(of[0]); t++)
	{
		mimic_env m;
		reco_kmeans_rows rows = grouped(17 + t, of[t].n, of[t].d, 11, of[t].spread);
		reco_kmeans made;

		mimic_env_init(&m);
		made = fit_with(&m, &rows, of[t].k, 2, t);
		assert_int_equal(made.clusters, of[t].k);
		check_fixed_point(&rows, &made);
		reco_kmeans_free(&m.env, &made);
		assert_int_equal(m.live, 0);
		free((void *) rows.x);
	}
}

/* Lloyd's iterations as they are written, from centers that are rows. */
static double
mimic_lloyd(const reco_kmeans_rows *rows, double *center, int k, int32_t *cluster)
{
	double *sum = malloc((size_t) k * (size_t) rows->d * sizeof(double));
	int *size = malloc((size_t) k * sizeof(int));
	bool changed = true;
	double inertia = 0;

	for (int32_t r = 0; r < rows->rows; r++)
		cluster[r] = -1;
	while (changed)
	{
		changed = false;
		inertia = 0;
		memset(sum, 0, (size_t) k * (size_t) rows->d * sizeof(double));
		memset(size, 0, (size_t) k * sizeof(int));
		for (int32_t r = 0; r < rows->rows; r++)
		{
			double least = INFINITY;
			int32_t best = -1;

			for (int c = 0; c < k; c++)
			{
				double distance = squared(row(rows, r), center + (size_t) c * rows->d, rows->d);

				if (distance < least)
				{
					least = distance;
					best = c;
				}
			}
			changed = changed || best != cluster[r];
			cluster[r] = best;
			inertia += least;
			size[best]++;
			for (int f = 0; f < rows->d; f++)
				sum[best * rows->d + f] += row(rows, r)[f];
		}
		for (int c = 0; c < k; c++)
			for (int f = 0; f < rows->d && size[c] > 0; f++)
				center[c * rows->d + f] = sum[c * rows->d + f] / size[c];
	}
	free(sum);
	free(size);
	return inertia;
}

/* From the same first centers, which are rows, the same clusters. */
static void
check_against_mimic(uint64_t seed, int k)
{
	mimic_env m;
	reco_kmeans_rows rows = grouped(seed, 1200, 20, 13, 5);
	double *first = malloc((size_t) k * (size_t) rows.d * sizeof(double));
	reco_kmeans_params params = {k, 1, 300, seed, first};
	int32_t *cluster = malloc((size_t) rows.rows * sizeof(int32_t));
	int32_t *other = malloc((size_t) k * sizeof(int32_t));
	reco_kmeans made;
	double inertia;

	for (int c = 0; c < k; c++)
	{
		other[c] = -1;
		for (int f = 0; f < rows.d; f++)
			first[c * rows.d + f] = row(&rows, c * 7)[f];
	}
	mimic_env_init(&m);
	assert_int_equal(reco_kmeans_fit(&m.env, &params, &rows, &made), RECO_OK);
	assert_int_equal(made.clusters, k);
	inertia = mimic_lloyd(&rows, first, k, cluster);
	assert_true(fabs(made.inertia - inertia) <= 1e-9 * inertia);
	for (int32_t r = 0; r < rows.rows; r++)
	{
		if (other[cluster[r]] < 0)
			other[cluster[r]] = made.cluster[r];
		assert_int_equal(other[cluster[r]], made.cluster[r]);
	}
	reco_kmeans_free(&m.env, &made);
	free(other);
	free(first);
	free(cluster);
	free((void *) rows.x);
}

static void
test_against_mimic(void **state)
{
	const char *levels[] = {"base", "v3", "v4"};
	char *level = mimic_level();

	(void) state;
	for (int l = 0; l < 3; l++)
	{
		if (reco_kernels_named(levels[l]) == NULL)
			continue;
		setenv("RECO_ISA", levels[l], 1);
		for (uint64_t seed = 1; seed <= 6; seed++)
			check_against_mimic(seed, seed % 2 ? 9 : 70);
	}
	mimic_level_back(level);
}

static void
test_groups(void **state)
{
	mimic_env m;
	reco_kmeans_rows rows = grouped(5, 900, 12, 6, 0.5);
	reco_kmeans made;
	double right;
	double wrong;

	(void) state;
	mimic_env_init(&m);
	made = fit_with(&m, &rows, 6, 10, 3);
	for (int32_t r = 0; r < rows.rows; r++)
		assert_int_equal(made.cluster[r], made.cluster[r % 6]);
	/* of equal size: by their first rows */
	for (int c = 0; c < 6; c++)
		assert_int_equal(made.cluster[c], c);
	assert_int_equal(reco_kmeans_silhouette(&m.env, &rows, &made, &right), RECO_OK);
	reco_kmeans_free(&m.env, &made);
	made = fit_with(&m, &rows, 9, 10, 3);
	assert_int_equal(reco_kmeans_silhouette(&m.env, &rows, &made, &wrong), RECO_OK);
	assert_true(right > 0.8 && right > wrong);
	reco_kmeans_free(&m.env, &made);
	free((void *) rows.x);
}

static void
test_silhouette(void **state)
{
	mimic_env m;
	reco_kmeans_rows rows = grouped(8, 300, 3, 4, 3);
	reco_kmeans made;
	double silhouette;
	double sum = 0;

	(void) state;
	mimic_env_init(&m);
	made = fit_with(&m, &rows, 40, 1, 4);
	for (int32_t r = 0; r < rows.rows; r++)
	{
		double a = 0;
		double b = INFINITY;
		int size = 0;

		for (int32_t s = 0; s < rows.rows; s++)
			size += made.cluster[s] == made.cluster[r];
		for (int c = 0; c < made.clusters; c++)
		{
			double distance = sqrt(squared(row(&rows, r), made.center + c * rows.d, rows.d));

			if (c == made.cluster[r])
				a = distance;
			else if (distance < b)
				b = distance;
		}
		sum += size == 1 ? 0 : (b - a) / fmax(a, b);
	}
	assert_int_equal(reco_kmeans_silhouette(&m.env, &rows, &made, &silhouette), RECO_OK);
	assert_true(fabs(silhouette - sum / rows.rows) <= 1e-12);
	reco_kmeans_free(&m.env, &made);
	made = fit_with(&m, &rows, 1, 1, 4);
	assert_int_equal(reco_kmeans_silhouette(&m.env, &rows, &made, &silhouette), RECO_OK);
	assert_true(isnan(silhouette));
	reco_kmeans_free(&m.env, &made);
	free((void *) rows.x);
}

/* As many clusters as there are distinct rows, whatever is asked for; tiny and huge ones as well.
 */
static void
test_repeats(void **state)
{
	static const float scales[] = {1, 1e-30f, 1e15f, 1e-40f};

	(void) state;
	for (int t = 0; t < 4; t++)
		for (int distinct = 1; distinct <= 8; distinct++)
		{
			mimic_env m;
			reco_kmeans_rows rows = grouped(3, 600, 5, distinct, 0);
			reco_kmeans made;

			for (int32_t r = 0; r < rows.rows; r++)
				for (int f = 0; f < rows.d; f++)
					row(&rows, r)[f] *= scales[t];
			mimic_env_init(&m);
			made = fit_with(&m, &rows, 20, 3, 1);
			assert_int_equal(made.clusters, distinct);
			for (int32_t r = 0; r < rows.rows; r++)
				assert_int_equal(made.cluster[r], made.cluster[r % distinct]);
			reco_kmeans_free(&m.env, &made);
			/* fewer: none is empty */
			made = fit_with(&m, &rows, 5, 1, 1);
			assert_int_equal(made.clusters, distinct < 5 ? distinct : 5);
			reco_kmeans_free(&m.env, &made);
			free((void *) rows.x);
		}
}

/* Centers to which no row goes take the farthest rows, and centers that are the same as others. */
static void
test_empty(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 100; seed++)
	{
		mimic_env m;
		reco_kmeans_rows rows = make_rows(40, 2);
		uint64_t random = seed;
		double first[24];
		reco_kmeans_params params = {12, 1, 300, seed, first};
		reco_kmeans made;

		/* on a coarse grid, where centers meet rows and each other */
		for (int32_t r = 0; r < rows.rows; r++)
			for (int f = 0; f < 2; f++)
				row(&rows, r)[f] = (float) mimic_below(&random, 5);
		for (int c = 0; c < 24; c++)
			first[c] = seed % 2 ? 100 + c / 2 : (double) (mimic_below(&random, 3) + 1);
		mimic_env_init(&m);
		assert_int_equal(reco_kmeans_fit(&m.env, &params, &rows, &made), RECO_OK);
		assert_int_equal(made.clusters, 12);
		check_fixed_point(&rows, &made);
		reco_kmeans_free(&m.env, &made);
		free((void *) rows.x);
	}
}

static void
test_invalid(void **state)
{
	mimic_env m;
	reco_kmeans_rows rows = grouped(3, 100, 3, 4, 1);
	reco_kmeans_params good = {3, 1, 10, 0, NULL};
	reco_kmeans made;
	static const float bad[] = {NAN, INFINITY, -INFINITY, 2e16f};

	(void) state;
	mimic_env_init(&m);
	for (int b = 0; b < 4; b++)
	{
		float before = row(&rows, 99)[2];

		row(&rows, 99)[2] = bad[b];
		assert_int_equal(reco_kmeans_fit(&m.env, &good, &rows, &made), RECO_INVALID);
		row(&rows, 99)[2] = before;
	}
	for (int b = 0; b < 4; b++)
	{
		reco_kmeans_params params = good;

		if (b == 0)
			params.clusters = 0;
		else if (b == 1)
			params.clusters = RECO_KMEANS_MAX_CLUSTERS + 1;
		else if (b == 2)
			params.restarts = 0;
		else
			params.iterations = 0;
		assert_int_equal(reco_kmeans_fit(&m.env, &params, &rows, &made), RECO_INVALID);
	}
	assert_int_equal(m.live, 0);
	free((void *) rows.x);
}

static void
assert_same(const reco_kmeans *a, const reco_kmeans *b, const reco_kmeans_rows *rows)
{
	assert_int_equal(a->clusters, b->clusters);
	assert_memory_equal(a->center, b->center,
						(size_t) a->clusters * (size_t) rows->d * sizeof(double));
	assert_memory_equal(a->cluster, b->cluster, (size_t) rows->rows * sizeof(int32_t));
	assert_memory_equal(a->distance, b->distance, (size_t) rows->rows * sizeof(double));
	assert_true(a->inertia == b->inertia);
}

static void
test_threads(void **state)
{
	mimic_env m;
	reco_kmeans_rows rows = grouped(9, 9000, 18, 20, 5);
	reco_kmeans one;

	(void) state;
	mimic_env_init(&m);
	one = fit_with(&m, &rows, 24, 2, 7);
	for (int threads = 1; threads <= 5; threads++)
		for (int due = 0; due < 2; due++)
		{
			mimic_env other;
			reco_kmeans made;
			double expected;
			double silhouette;

			mimic_env_init(&other);
			other.env.threads = threads;
			if (due)
				other.env.due = mimic_always_due;
			made = fit_with(&other, &rows, 24, 2, 7);
			assert_same(&one, &made, &rows);
			assert_int_equal(reco_kmeans_silhouette(&m.env, &rows, &one, &expected), RECO_OK);
			assert_int_equal(reco_kmeans_silhouette(&other.env, &rows, &made, &silhouette),
							 RECO_OK);
			assert_true(expected == silhouette);
			assert_true(other.peak <= reco_kmeans_memory(&(reco_kmeans_params){24, 2, 300, 7, NULL},
														 &rows, threads));
			reco_kmeans_free(&other.env, &made);
		}
	reco_kmeans_free(&m.env, &one);
	free((void *) rows.x);
}

static void
test_failures(void **state)
{
	reco_kmeans_rows rows = grouped(9, 600, 6, 5, 5);
	reco_kmeans_params params = {7, 2, 300, 7, NULL};
	reco_kmeans made;
	mimic_env m;
	long polls;

	(void) state;
	mimic_env_init(&m);
	made = fit_with(&m, &rows, 7, 2, 7);
	polls = m.polls;
	reco_kmeans_free(&m.env, &made);
	for (long n = 1; n <= m.allocations; n++)
	{
		mimic_env other;

		mimic_env_init(&other);
		other.fail_at = n;
		assert_int_equal(reco_kmeans_fit(&other.env, &params, &rows, &made), RECO_NO_MEMORY);
		assert_int_equal(other.live, 0);
	}
	for (long n = 1; n <= polls; n++)
	{
		mimic_env other;

		mimic_env_init(&other);
		other.stop_at = n;
		assert_int_equal(reco_kmeans_fit(&other.env, &params, &rows, &made), RECO_STOPPED);
		assert_int_equal(other.live, 0);
	}
	free((void *) rows.x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed_point), cmocka_unit_test(test_against_mimic),
		cmocka_unit_test(test_groups),      cmocka_unit_test(test_silhouette),
		cmocka_unit_test(test_repeats),     cmocka_unit_test(test_empty),
		cmocka_unit_test(test_invalid),     cmocka_unit_test(test_threads),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
