/*
 * mimic_als_fit.c
 *	  What any training by alternating least squares must be, with centers of users and without:
 *	  what the mimic makes, and the same bits on any number of threads.
 */
#include "mimic_als.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Largest difference, relative to the largest number. */
static double
difference(const double *a, const double *b, int n)
{
	double worst = 0;
	double size = 1e-6;

	for (int i = 0; i < n; i++)
	{
		if (!(fabs(a[i] - b[i]) <= worst))
			worst = fabs(a[i] - b[i]);
		if (fabs(b[i]) > size)
			size = fabs(b[i]);
	}
	return worst / size;
}

static void
begin(mimic_model *m, const reco_als_params *p, const reco_csr *by_user, const float *center)
{
	mimic_init(m, p, by_user);
	if (center)
		mimic_take_centers(m, p, by_user, center);
}

/*
 * What float4 leaves uncertain of a loss: by the interactions, and where users have centers by the
 * terms of the penalty that cancel out there.
 */
static double
noise(const reco_als_params *p, const reco_csr *m, const float *center)
{
	int width = reco_als_center_width(p);
	double sum = 1e-6 * (double) (1 + m->start[m->rows]);

	for (int u = 0; center && u < m->rows; u++)
	{
		const float *c = center + (size_t) u * (size_t) reco_als_center_stride(p);
		double square = 0;

		for (int k = 0; k < width - 1; k++)
			square += (double) c[k] * c[k];
		sum += 1e-7 * p->regularization * (1 + (double) c[width - 1]) * square;
	}
	return sum;
}

/* The loss is told of each iteration, and does not grow. */
static void
check_loss(const mimic_model *mine, const reco_als_params *p, const reco_csr *m,
		   const float *center, const double *loss)
{
	double expected = mimic_loss(mine, p, m);
	double last = loss[p->iterations - 1];
	double more = noise(p, m, center);

	if (!(fabs(last - expected) <= 2e-5 * fabs(expected) + 1e-6))
		fail_msg("solver %d implicit %d d %d: loss %.9g for %.9g", p->solver, p->implicit,
				 p->factors, last, expected);
	for (int i = 1; i < p->iterations; i++)
		if (!(loss[i] <= loss[i - 1] * (1 + 1e-4) + more))
			fail_msg("solver %d implicit %d d %d weighted %d biases %d n %d: %.9g %.9g", p->solver,
					 p->implicit, p->factors, p->weighted_regularization, p->biases,
					 (int) m->start[m->rows], loss[i - 1], loss[i]);
}

/* The exact solver follows the mimic all the way. */
static void
check_way(const mimic_model *mine, const reco_als_params *p, const reco_csr *m, const reco_csr *t,
		  const float *center, const double *loss)
{
	mimic_model exact;
	double expected;

	begin(&exact, p, m, center);
	for (int i = 0; i < p->iterations; i++)
	{
		mimic_half_step(&exact, p, t, 1);
		mimic_half_step(&exact, p, m, 0);
	}
	expected = mimic_loss(&exact, p, m);
	if (!(fabs(loss[p->iterations - 1] - expected) <= 1e-3 * expected + 1e-6))
		fail_msg("implicit %d d %d: loss %.9g for %.9g", p->implicit, p->factors,
				 loss[p->iterations - 1], expected);
	assert_true(center == NULL ||
				difference(mine->user, exact.user, m->rows * (p->factors + 1)) < 1e-3);
	mimic_free(&exact);
}

void
mimic_compare_fit(const reco_als_params *p, const reco_csr *m, const reco_csr *t,
				  const float *center)
{
	mimic_world w;
	reco_env env = mimic_als_env(&w, 2);
	int n = m->rows * (p->factors + 1);
	reco_factors f;
	mimic_model mine;
	mimic_model exact;
	double loss[20];

	assert_int_equal(reco_als_fit(&env, p, m, t, center, NULL, NULL, loss, &f), RECO_OK);
	assert_true(w.peak <= reco_als_memory(p, m, 2));
	begin(&mine, p, m, center);
	mimic_copy(&mine, &f);
	check_loss(&mine, p, m, center, loss);

	/* users are the exact solution for the items */
	begin(&exact, p, m, center);
	mimic_copy(&exact, &f);
	mimic_half_step(&exact, p, m, 0);
	if (!(difference(mine.user, exact.user, n) < 1e-5))
		fail_msg("solver %d implicit %d d %d alpha %g lambda %g weighted %d biases %d rows %d cols "
				 "%d: %g",
				 p->solver, p->implicit, p->factors, p->alpha, p->regularization,
				 p->weighted_regularization, p->biases, m->rows, m->cols,
				 difference(mine.user, exact.user, n));
	if (p->solver == RECO_ALS_CHOLESKY)
		check_way(&mine, p, m, t, center, loss);
	for (int i = p->factors; i < f.stride; i++)
		for (int r = 0; r < m->rows; r++)
			assert_true(f.user[(size_t) r * f.stride + i] == 0);
	mimic_free(&mine);
	mimic_free(&exact);
	mimic_free_factors(&env, &f);
	assert_int_equal(w.live, 0);
}

void
mimic_compare_shapes(int rounds, double regularization, mimic_centers centers)
{
	static const int factors[] = {1, 2, 5, 15, 16, 17, 32, 33, 48, 64, 70};

	for (int k = 0; k < rounds; k++)
	{
		int rows = 1 + (int) (mimic_random() % 60);
		int cols = 1 + (int) (mimic_random() % 60);
		reco_csr m = mimic_random_csr(rows, cols, 0.02 + (k % 5) * 0.12, k % 3);
		reco_csr t = mimic_transpose(&m);
		reco_als_params p = {
			.implicit = k % 2 == 0,
			.factors = factors[k % 11],
			.regularization = k % 4 < 2 ? 0.1 : regularization,
			.alpha = k % 8 < 4 ? 1 : 10,
			.weighted_regularization = k % 6 == 2,
			.biases = k % 4 == 1,
			.iterations = 1 + k % 4,
			.seed = k,
			.tile = k % 3 == 0 ? 1 + k % 20 : 0,
		};
		float *center = centers ? centers(&p, rows) : NULL;

		for (int solver = RECO_ALS_AUTO; solver <= RECO_ALS_CG; solver++)
		{
			p.solver = solver;
			mimic_compare_fit(&p, &m, &t, center);
		}
		free(center);
		mimic_free_csr(&m);
		mimic_free_csr(&t);
	}
}

void
mimic_compare_threads(int rows, int cols, double density, mimic_centers centers)
{
	reco_csr m = mimic_random_csr(rows, cols, density, 1);
	reco_csr t = mimic_transpose(&m);

	for (int k = 0; k < 8; k++)
	{
		reco_als_params p = {.implicit = k % 4 < 2,
							 .factors = 24,
							 .regularization = 0.1,
							 .alpha = 1,
							 .biases = k % 4 == 3,
							 .iterations = 2,
							 .solver = 1 + k % 2,
							 .seed = 42,
							 .tile = k < 4 ? 0 : 50};
		float *center = centers ? centers(&p, rows) : NULL;
		reco_factors f[3];
		double loss[3][2];
		mimic_world w[3];
		reco_env env[3];

		for (int i = 0; i < 3; i++)
		{
			size_t stride;

			env[i] = mimic_als_env(&w[i], 1 << i);
			if (i == 1)
				env[i].due = mimic_always_due;
			assert_int_equal(reco_als_fit(&env[i], &p, &m, &t, center, NULL, NULL, loss[i], &f[i]),
							 RECO_OK);
			stride = (size_t) f[0].stride;
			assert_memory_equal(f[i].user, f[0].user, (size_t) rows * stride * sizeof(float));
			assert_memory_equal(f[i].item, f[0].item, (size_t) cols * stride * sizeof(float));
			assert_memory_equal(loss[i], loss[0], sizeof(loss[0]));
		}
		/* left at every look, it polls more often */
		assert_true(w[1].polls > w[2].polls);
		for (int i = 0; i < 3; i++)
		{
			mimic_free_factors(&env[i], &f[i]);
			assert_int_equal(w[i].live, 0);
		}
		free(center);
	}
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}
