/*
 * test_als_values.c
 *	  Alternating least squares on the values that shops have: quantities,
 *	  amounts, a few huge ones among small, and none above 0.
 *
 * Over products of shapes, values and parameters: the conjugate gradient solver
 * ends where Cholesky does; no iteration raises the objective; a stored user is
 * the fold-in of the same interactions; nobody is drawn anywhere by nothing; and
 * whatever the values are, the result is finite or an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mimic_als.h"

#include <math.h>
#include <string.h>

static double
uniform(void)
{
	return (mimic_random() + 0.5) / 16777216.0;
}

static double
normal(void)
{
	double r = sqrt(-2 * log(uniform()));

	return r * cos(6.283185307179586 * uniform());
}

enum
{
	ONES,
	STARS,
	LOG_1,
	LOG_2,
	LOG_3,
	CENTS,
	LOG_500,
	THIRD,
	SIGNED,
	VALUES
};

static const char *const value_names[] = {
	"1",     "1-5",       "log-normal 1", "log-normal 2", "log-normal 3",
	"cents", "about 500", "a third huge", "-2 to 4",
};

static double
draw(int values)
{
	switch (values)
	{
		case STARS:
			return 1 + mimic_random() % 5;
		case LOG_1:
			return exp(normal());
		case LOG_2:
			return exp(2 * normal());
		case LOG_3:
			return exp(3 * normal());
		case CENTS:
			return floor(3000 * exp(normal())) + 1;
		case LOG_500:
			return 500 * exp(normal());
		case THIRD:
			return mimic_random() % 3 == 0 ? 500 * exp(2.2 * normal()) : 1;
		case SIGNED:
			return (double) (mimic_random() % 7) - 2;
		default:
			return 1;
	}
}

/* Popular columns first, and groups of taste. */
static reco_csr
shop(int rows, int cols, double mean, int values)
{
	reco_csr m = mimic_csr(rows, cols, (int64_t) rows * cols, true);
	int64_t n = 0;
	double sum = 0;

	for (int c = 0; c < cols; c++)
		sum += pow(c + 1 + cols / 100.0, -0.8);
	for (int r = 0; r < rows; r++)
	{
		double active = mean * exp(normal() - 0.5);
		int group = (int) (mimic_random() % 4);

		for (int c = 0; c < cols; c++)
			if (uniform() <
					active * pow(c + 1 + cols / 100.0, -0.8) / sum * (c % 4 == group ? 2.5 : 0.5) ||
				c == r % cols)
			{
				m.col[n] = c;
				m.value[n++] = (float) draw(values);
			}
		m.start[r + 1] = n;
	}
	return m;
}

static double
last_loss(const reco_als_params *p, const reco_csr *m, const reco_csr *t)
{
	mimic_world w;
	reco_env env = mimic_als_env(&w, 1);
	reco_factors f;
	double loss[20];

	assert_int_equal(reco_als_fit(&env, p, m, t, NULL, NULL, NULL, loss, &f), RECO_OK);
	mimic_free_factors(&env, &f);
	assert_int_equal(w.live, 0);
	return loss[p->iterations - 1];
}

/*
 * Values of any tail: within 1 % of the exact solver's objective after as many
 * iterations.  From where they begin both may come into another valley, so it is
 * the mean over some beginnings that is compared with the highest of Cholesky's.
 */
static void
test_as_low_as_cholesky(void **state)
{
	enum
	{
		SEEDS = 3
	};
	static const int shapes[][4] = {{200, 60, 20, 8}, {50, 100, 24, 17}, {60, 40, 12, 33}};
	static const double alphas[] = {1, 10, 40, 1000};

	(void) state;
	for (int s = 0; s < 3; s++)
		for (int v = ONES; v <= THIRD; v++)
		{
			reco_csr m = shop(shapes[s][0], shapes[s][1], shapes[s][2], v);
			reco_csr t = mimic_transpose(&m);

			for (int a = 0; a < 4; a++)
			{
				reco_als_params p = {.implicit = true,
									 .factors = shapes[s][3],
									 .regularization = 0.01,
									 .alpha = alphas[a],
									 .weighted_regularization = (s + v + a) % 3 == 2,
									 .iterations = 4};
				double exact = 0;
				double cg = 0;

				for (p.seed = 0; p.seed < SEEDS; p.seed++)
				{
					p.solver = RECO_ALS_CHOLESKY;
					exact = fmax(exact, last_loss(&p, &m, &t));
					p.solver = RECO_ALS_CG;
					cg += last_loss(&p, &m, &t) / SEEDS;
				}
				if (!(cg <= 1.01 * exact))
					fail_msg("%d x %d, values %s, alpha %g: %.9g, by Cholesky %.9g", shapes[s][0],
							 shapes[s][1], value_names[v], alphas[a], cg, exact);
			}
			mimic_free_csr(&m);
			mimic_free_csr(&t);
		}
}

typedef struct watch
{
	const reco_als_params *p;
	const reco_csr *m;
	const reco_factors *f;
	mimic_model model;
	double before;
} watch;

/* What float4 does to an objective: a score is off by 2^-24 |x||y|, times its weight. */
static double
rounding(const watch *w)
{
	int d = w->model.d;
	double sum = 0;

	for (int u = 0; u < w->model.users; u++)
	{
		const double *x = w->model.user + u * (d + 1);
		int64_t e = w->m->start[u];

		for (int i = 0; i < w->model.items; i++)
		{
			const double *y = w->model.item + i * (d + 1);
			bool stored = e < w->m->start[u + 1] && w->m->col[e] == i;
			double v = stored ? fabs(w->m->value[e++]) : 0;
			double xx = w->p->implicit ? 0 : 1;
			double yy = xx;

			for (int c = 0; c <= d; c++)
			{
				xx += x[c] * x[c];
				yy += y[c] * y[c];
			}
			sum += (w->p->implicit ? 1 + w->p->alpha * v : stored) * xx * yy;
		}
	}
	return 4 * 0x1p-48 * sum;
}

static void
told(void *arg, int iteration, double loss)
{
	watch *w = arg;
	double now;

	mimic_copy(&w->model, w->f);
	now = mimic_loss(&w->model, w->p, w->m);
	if (iteration > 1 && !(now <= w->before * (1 + 1e-5) + rounding(w)))
		fail_msg(
			"solver %d implicit %d d %d lambda %g alpha %g weighted %d biases %d iteration %d: "
			"%.9g after %.9g",
			w->p->solver, w->p->implicit, w->p->factors, w->p->regularization, w->p->alpha,
			w->p->weighted_regularization, w->p->biases, iteration, now, w->before);
	if (!(fabs(loss - now) <= 1e-3 * now + 10 * rounding(w)))
		fail_msg(
			"solver %d implicit %d d %d lambda %g alpha %g weighted %d biases %d iteration %d: "
			"%.9g told, %.9g",
			w->p->solver, w->p->implicit, w->p->factors, w->p->regularization, w->p->alpha,
			w->p->weighted_regularization, w->p->biases, iteration, loss, now);
	w->before = now;
}

/* At the ends of the documented ranges, and between: what is told is so, and never rises. */
static void
test_never_rises(void **state)
{
	static const double lambdas[] = {1e-9, 1e-6, 1e-2, 10, 1e9};
	static const double alphas[] = {1e-9, 1, 40, 1e6};
	static const int factors[] = {8, 40};

	(void) state;
	for (int k = 0; k < 5 * 4 * 4; k++)
	{
		int values = (int[]){STARS, THIRD, SIGNED}[k % 3];
		reco_csr m = shop(k % 2 ? 24 : 12, k % 2 ? 15 : 30, 8, values);
		reco_csr t = mimic_transpose(&m);
		int model = k / 20;
		reco_als_params p = {.implicit = model < 2,
							 .factors = factors[k % 2],
							 .regularization = lambdas[k % 5],
							 .alpha = alphas[k / 5 % 4],
							 .weighted_regularization = model == 1,
							 .biases = model == 3,
							 .iterations = 6,
							 .seed = k};

		for (int solver = RECO_ALS_CHOLESKY; solver <= RECO_ALS_CG; solver++)
		{
			mimic_world w;
			reco_env env = mimic_als_env(&w, 1);
			reco_factors f;
			watch seen = {.p = &p, .m = &m, .f = &f};

			p.solver = solver;
			mimic_init(&seen.model, &p, &m);
			assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, told, &seen, NULL, &f), RECO_OK);
			mimic_free_factors(&env, &f);
			mimic_free(&seen.model);
			assert_int_equal(w.live, 0);
		}
		mimic_free_csr(&m);
		mimic_free_csr(&t);
	}
}

/* The largest difference between stored users and their fold-in, relative to the user. */
static double
worst_fold_in(const reco_env *env, const reco_als_params *p, const reco_csr *m,
			  const reco_factors *f)
{
	double gram[64 * 64];
	double worst = 0;

	assert_int_equal(reco_als_gram(env, f->item, m->cols, p->factors, f->stride, gram), RECO_OK);
	for (int u = 0; u < m->rows; u++)
	{
		const float *stored = f->user + (size_t) u * f->stride;
		float x[64];
		float bias;
		double size = 0;
		double off = 0;

		assert_int_equal(reco_als_fold_in(env, p, f->item, f->stride, f->item_bias, m->cols,
										  f->mean, gram, m->start[u + 1] - m->start[u],
										  m->col + m->start[u], m->value + m->start[u], NULL, x,
										  &bias, -1, NULL, NULL),
						 RECO_OK);
		for (int c = 0; c < p->factors; c++)
		{
			size += (double) x[c] * x[c];
			off += pow((double) x[c] - stored[c], 2);
		}
		if (f->user_bias)
		{
			size += (double) bias * bias;
			off += pow((double) bias - f->user_bias[u], 2);
		}
		assert_true(isfinite(off) && (size > 0 || off == 0));
		if (off > worst * worst * size)
			worst = sqrt(off / size);
	}
	return worst;
}

static void
test_stored_is_fold_in(void **state)
{
	static const double lambdas[] = {1e-9, 1e-2, 1, 1e3};
	static const double alphas[] = {1e-3, 1, 1000, 1e6};

	(void) state;
	for (int k = 0; k < 4 * 4 * VALUES; k++)
	{
		int values = k / 16;
		reco_csr m = shop(24, 20, 8, values);
		reco_csr t = mimic_transpose(&m);
		reco_als_params p = {.implicit = k % 7 > 0,
							 .factors = k % 2 ? 6 : 33,
							 .regularization = lambdas[k % 4],
							 .alpha = alphas[k / 4 % 4],
							 .weighted_regularization = k % 5 == 1,
							 .biases = k % 2,
							 .iterations = 2,
							 .seed = k};

		for (int solver = RECO_ALS_CHOLESKY; solver <= RECO_ALS_CG; solver++)
		{
			mimic_world w;
			reco_env env = mimic_als_env(&w, 1);
			reco_factors f;
			double worst;

			p.solver = solver;
			assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, NULL, &f), RECO_OK);
			worst = worst_fold_in(&env, &p, &m, &f);
			if (!(worst <= (solver == RECO_ALS_CHOLESKY ? 0 : 1e-5)))
				fail_msg("solver %d values %s implicit %d d %d lambda %g alpha %g: %g", solver,
						 value_names[values], p.implicit, p.factors, p.regularization, p.alpha,
						 worst);
			mimic_free_factors(&env, &f);
			assert_int_equal(w.live, 0);
		}
		mimic_free_csr(&m);
		mimic_free_csr(&t);
	}
}

/* Users and items without a value above 0 are 0, not nearly so. */
static void
test_nothing_wanted(void **state)
{
	static const int32_t col[] = {0, 0, 1, 2, 1};
	static const float value[] = {1, 1, 1, -1, 0};
	static const int64_t start[] = {0, 1, 3, 4, 5};
	reco_csr m = mimic_csr(4, 3, 5, true);
	reco_csr t;

	(void) state;
	memcpy(m.start, start, sizeof(start));
	memcpy(m.col, col, sizeof(col));
	memcpy(m.value, value, sizeof(value));
	t = mimic_transpose(&m);
	for (int k = 0; k < 8; k++)
	{
		reco_als_params p = {.implicit = true,
							 .factors = k < 4 ? 8 : 40,
							 .regularization = 0.01,
							 .alpha = 1,
							 .weighted_regularization = k % 2,
							 .iterations = 8,
							 .solver = 1 + k / 2 % 2,
							 .seed = 42};
		mimic_world w;
		reco_env env = mimic_als_env(&w, 1);
		reco_factors f;
		double gram[40 * 40];
		float x[40];
		float bias;
		double part[1] = {1};

		assert_int_equal(reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, NULL, &f), RECO_OK);
		for (int c = 0; c < f.stride; c++)
			assert_true(f.user[2 * f.stride + c] == 0 && f.user[3 * f.stride + c] == 0 &&
						f.item[2 * f.stride + c] == 0);
		assert_true(f.user[0] != 0 && f.user[f.stride] != 0);
		assert_int_equal(reco_als_gram(&env, f.item, 3, p.factors, f.stride, gram), RECO_OK);
		assert_int_equal(reco_als_fold_in(&env, &p, f.item, f.stride, NULL, 3, 0, gram, 1, col + 3,
										  value + 3, NULL, x, &bias, 0, part, NULL),
						 RECO_OK);
		for (int c = 0; c < p.factors; c++)
			assert_true(x[c] == 0);
		assert_true(part[0] == 0);
		mimic_free_factors(&env, &f);
		assert_int_equal(w.live, 0);
	}
	mimic_free_csr(&m);
	mimic_free_csr(&t);
}

/* Values up to float4's ends, weights beyond them: finite, or an error. */
static void
test_any_value(void **state)
{
	static const float odd[] = {1e30f, 3.4e38f, -3.4e38f, 1e-30f, 1e-45f, 1e15f, 0};
	static const double alphas[] = {1e-9, 1, 1e6};
	int fits = 0;

	(void) state;
	for (int k = 0; k < 7 * 3 * 4; k++)
	{
		bool all = k % 2;
		reco_csr m = shop(20, 14, 6, k % 3 ? STARS : SIGNED);
		reco_csr t;
		reco_als_params p = {.implicit = k / 21 < 2,
							 .factors = k % 5 ? 6 : 40,
							 .regularization = k % 4 == 3 ? 1e-9 : 0.01,
							 .alpha = alphas[k % 3],
							 .weighted_regularization = k / 21 == 1,
							 .biases = k / 21 == 3,
							 .iterations = 4,
							 .seed = k};

		for (int64_t e = 0; e < m.start[m.rows]; e++)
			if (all || e % 9 == 4)
				m.value[e] = odd[k % 7] * (float) (all ? 0.5 + uniform() / 2 : 1);
		t = mimic_transpose(&m);
		for (int solver = RECO_ALS_CHOLESKY; solver <= RECO_ALS_CG; solver++)
		{
			mimic_world w;
			reco_env env = mimic_als_env(&w, 1);
			reco_factors f;
			reco_status status;

			p.solver = solver;
			status = reco_als_fit(&env, &p, &m, &t, NULL, NULL, NULL, NULL, &f);
			assert_true(status == RECO_OK || status == RECO_SINGULAR);
			if (status == RECO_OK)
			{
				for (int64_t i = 0; i < (int64_t) f.users * f.stride; i++)
					assert_true(isfinite(f.user[i]));
				for (int64_t i = 0; i < (int64_t) f.items * f.stride; i++)
					assert_true(isfinite(f.item[i]));
				mimic_free_factors(&env, &f);
				fits++;
			}
			assert_int_equal(w.live, 0);
		}
		mimic_free_csr(&m);
		mimic_free_csr(&t);
	}
	assert_true(fits > 133); /* of 168 */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_low_as_cholesky), cmocka_unit_test(test_never_rises),
		cmocka_unit_test(test_stored_is_fold_in),  cmocka_unit_test(test_nothing_wanted),
		cmocka_unit_test(test_any_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
