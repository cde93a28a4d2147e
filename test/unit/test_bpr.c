/*
 * test_bpr.c
 *	  Unit tests of factors that rank pairs of items (core/bpr/bpr.h), and of the scorer over them
 *	  (core/scoring/score_bpr.h).
 *
 * The inner loops against plain ones at each instruction set level; a sample against its formula,
 * its step against the loss's derivative by differences; what is drawn; what is learned of two
 * groups of users; new users as stored ones; determinism over threads and interruptions; every
 * allocation failing and every poll stopping in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/dispatch.h"
#include "core/bpr/bpr_parts.h"
#include "core/isa/bpr.h"
#include "core/scoring/score_bpr.h"
#include "mimic_als.h"
#include "mimic_scorer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const reco_bpr_params ordinary = {
	.loss = RECO_BPR,
	.factors = 6,
	.iterations = 8,
	.learning_rate = 0.05,
	.regularization = 0.01,
	.max_sampled = 10,
	.popularity = 0,
	.biases = true,
	.seed = 42,
};

static float
small(void)
{
	return (float) ((double) mimic_random() / (1 << 24) - 0.5);
}

static float *
random_rows(int rows, int factors, int stride)
{
	float *x = aligned_alloc(RECO_ALIGN, (size_t) rows * stride * sizeof(float));

	for (int k = 0; k < rows * stride; k++)
		x[k] = k % stride < factors ? small() : 0;
	return x;
}

static void
check_loops(const reco_bpr_loops *loops)
{
	for (int stride = 16; stride <= 80; stride += 16)
	{
		float *x = random_rows(3, stride, stride);
		float *before = random_rows(3, stride, stride);
		double margin = 0;

		memcpy(before, x, (size_t) 3 * stride * sizeof(float));
		for (int k = 0; k < stride; k++)
			margin += (double) x[k] * ((double) x[stride + k] - x[2 * stride + k]);
		assert_true(fabs(loops->margin(x, x + stride, x + 2 * stride, stride) - margin) <= 1e-5);
		loops->move(x, x + stride, x + 2 * stride, stride, 0.3f, 0.9f);
		for (int k = 0; k < stride; k++)
		{
			double p = before[k];
			double a = before[stride + k];
			double b = before[2 * stride + k];

			assert_true(fabs(x[k] - (0.9 * p + 0.3 * (a - b))) <= 1e-6);
			assert_true(fabs(x[stride + k] - (0.9 * a + 0.3 * p)) <= 1e-6);
			assert_true(fabs(x[2 * stride + k] - (0.9 * b - 0.3 * p)) <= 1e-6);
		}
		loops->move_user(before, before + stride, before + 2 * stride, stride, 0.3f, 0.9f);
		for (int k = 0; k < stride; k++)
			assert_true(fabs(before[k] - x[k]) <= 1e-6);
		free(x);
		free(before);
	}
}

static void
test_loops(void **state)
{
	reco_bpr_loops base = {reco_bpr_margin_base, reco_bpr_move_base, reco_bpr_move_user_base};
	reco_bpr_loops best = reco_bpr_loops_best();

	(void) state;
	check_loops(&base);
	check_loops(&best);
#ifdef __x86_64__
	if (reco_kernels_named("v3"))
	{
		reco_bpr_loops v3 = {reco_bpr_margin_v3, reco_bpr_move_v3, reco_bpr_move_user_v3};

		check_loops(&v3);
	}
#endif
}

enum
{
	ITEMS = 40,
	FACTORS = 6,
	STRIDE = 16
};

/* A model of random numbers; scores are about as large as the margin of WARP. */
static reco_bpr
random_model(void)
{
	reco_bpr m = {.items = ITEMS, .factors = FACTORS, .stride = STRIDE};

	m.item = random_rows(ITEMS, FACTORS, STRIDE);
	m.bias = malloc(ITEMS * sizeof(float));
	for (int i = 0; i < ITEMS; i++)
		m.bias[i] = 2 * small();
	return m;
}

static double
score_of(const reco_bpr *m, const double *p, int i)
{
	double sum = m->bias[i];

	for (int f = 0; f < FACTORS; f++)
		sum += p[f] * m->item[i * STRIDE + f];
	return sum;
}

/* The loss of a sample at p, by its definition; weight: WARP's. */
static double
loss_at(reco_bpr_loss loss, const reco_bpr *m, const double *p, int i, int j, double weight)
{
	double x = score_of(m, p, i) - score_of(m, p, j);

	return loss == RECO_BPR ? log(1 + exp(-x)) : weight * fmax(0, 1 - x);
}

static void
check_sample(reco_bpr_loss loss)
{
	reco_bpr_params params = ordinary;
	reco_bpr m = random_model();
	reco_bpr_loops loops = reco_bpr_loops_best();
	reco_bpr_urn urn = {ITEMS, NULL, NULL};
	int32_t has[] = {3, 8, 9, 20, 31};
	int learned = 0;

	params.loss = loss;
	for (uint64_t number = 0; number < 300; number++)
	{
		float *row = random_rows(1, FACTORS, STRIDE);
		int32_t i = has[number % 5];
		reco_bpr_sample s = reco_bpr_take(&loops, &params, &m, &urn, row, i, 5, has, 77, number);
		double p[FACTORS];

		for (int f = 0; f < FACTORS; f++)
			p[f] = row[f];
		if (s.weight > 0)
		{
			learned++;
			assert_true(s.i == i && s.j != i && reco_find(has, 0, 5, s.j) < 0);
			if (loss == RECO_BPR)
				assert_true(fabs(s.weight -
								 1 / (1 + exp(score_of(&m, p, i) - score_of(&m, p, s.j)))) <= 1e-5);
			else
			{
				/* one of ln floor((items - 1) / trial), in tenths */
				bool one = false;

				for (int trial = 1; trial <= params.max_sampled; trial++)
					one = one || fabs(10 * s.weight - log(floor((ITEMS - 1.0) / trial))) <= 1e-5;
				assert_true(one);
				assert_true(score_of(&m, p, i) - score_of(&m, p, s.j) < 1);
				assert_true(fabs(s.loss - loss_at(loss, &m, p, i, s.j, s.weight)) <= 1e-5);
			}
			/* the step is the weight times what the loss falls by */
			for (int f = 0; f < FACTORS; f++)
			{
				double moved[FACTORS];
				double slope = 0;

				for (int side = -1; side <= 1; side += 2)
				{
					memcpy(moved, p, sizeof(p));
					moved[f] += side * 1e-4;
					slope += side * loss_at(loss, &m, moved, i, s.j, s.weight) / 2e-4;
				}
				assert_true(fabs(slope + s.weight * (m.item[i * STRIDE + f] -
													 m.item[s.j * STRIDE + f])) <= 1e-3);
			}
		}
		free(row);
	}
	assert_true(learned > 100);
	free(m.item);
	free(m.bias);
}

static void
test_samples(void **state)
{
	(void) state;
	check_sample(RECO_BPR);
	check_sample(RECO_WARP);
}

/* Shares of draws are those that were asked for. */
static void
test_draws(void **state)
{
	static const double share[] = {0.1, 0, 0.4, 0.5};
	static const double chance[] = {0.1, 0.1, 0.5, 1};
	static const int32_t item[] = {7, 1, 5, 3};
	int count[2][8] = {{0}};

	(void) state;
	for (uint64_t k = 0; k < 40000; k++)
	{
		uint32_t bits = (uint32_t) reco_rng_bits(5, k);
		reco_bpr_urn even = {4, item, NULL};
		reco_bpr_urn uneven = {4, item, chance};

		count[0][reco_bpr_draw(&even, bits)]++;
		count[1][reco_bpr_draw(&uneven, bits)]++;
	}
	for (int k = 0; k < 4; k++)
	{
		assert_true(abs(count[0][item[k]] - 10000) < 400);
		assert_true(fabs(count[1][item[k]] - 40000 * share[k]) < 400);
	}
	assert_int_equal(count[1][1], 0);
	assert_true(reco_bpr_draw(&(reco_bpr_urn){4, item, chance}, UINT32_MAX) == 3);
	assert_true(reco_bpr_draw(&(reco_bpr_urn){1, NULL, NULL}, UINT32_MAX) == 0);
}

/* Even users have of the even items, odd ones of the odd; values of 0 and below are none. */
static reco_csr
groups(int users, int items, bool values)
{
	reco_csr m = mimic_csr(users, items, (int64_t) users * items, values);
	int64_t n = 0;

	for (int u = 0; u < users; u++)
	{
		for (int i = 0; i < items; i++)
			if (i % 2 == u % 2 ? mimic_random() % 4 == 0 : values && mimic_random() % 4 == 0)
			{
				if (values)
					m.value[n] = i % 2 == u % 2 ? 1 + i % 3 : -(float) (i % 3);
				m.col[n++] = i;
			}
		m.start[u + 1] = n;
	}
	return m;
}

static void
test_learned(void **state)
{
	(void) state;
	for (int kind = 0; kind < 6; kind++)
	{
		reco_csr m = groups(120, 70, kind >= 4);
		reco_bpr_params params = ordinary;
		mimic_world w;
		reco_env env = mimic_als_env(&w, 2);
		reco_bpr b;
		int right = 0;
		int all = 0;

		params.iterations = 60;
		params.learning_rate = 0.1;
		params.loss = kind % 2 ? RECO_WARP : RECO_BPR;
		params.popularity = kind == 2 || kind == 3 ? 0.75 : 0;
		assert_int_equal(reco_bpr_fit(&env, &params, &m, NULL, NULL, &b), RECO_OK);
		assert_true(w.peak <= reco_bpr_memory(&params, &m));
		/* what they have not, of their own kind and of the other */
		for (int u = 0; u < 120; u++)
			for (int i = u % 2; i < 70; i += 2)
				for (int j = 1 - u % 2; j < 70; j += 2)
				{
					double x = b.bias[i] - b.bias[j];

					for (int f = 0; f < b.factors; f++)
						x += b.user[u * b.stride + f] *
							 (b.item[i * b.stride + f] - b.item[j * b.stride + f]);
					if (reco_find(m.col, m.start[u], m.start[u + 1], i) >= 0)
						continue;
					right += x > 0;
					all++;
				}
		assert_true(right > (params.loss == RECO_WARP ? 0.85 : 0.95) * all);
		reco_bpr_free(&env, &b);
		assert_int_equal(w.live, 0);
		mimic_free_csr(&m);
	}
}

/* What holds for every scorer; new users are as stored ones, in every bit; nothing is explained. */
static void
test_scorer(void **state)
{
	(void) state;
	for (int kind = 0; kind < 4; kind++)
	{
		reco_csr m = mimic_random_csr(50, 90, 0.1, kind % 3);
		reco_bpr_params params = ordinary;
		mimic_world w;
		reco_env env = mimic_als_env(&w, 2);
		reco_profile profile[50];
		reco_bpr_scorer scorer;
		reco_seat *seat;
		reco_bpr b;

		params.loss = kind == 1 ? RECO_WARP : RECO_BPR;
		params.popularity = kind == 3 ? 1 : 0;
		assert_int_equal(reco_bpr_fit(&env, &params, &m, NULL, NULL, &b), RECO_OK);
		scorer = (reco_bpr_scorer){
			.factor = {.head = {&reco_bpr_scorer_type, 90, -INFINITY, INFINITY},
					   .factors = b.factors,
					   .stride = b.stride,
					   .item = b.item,
					   .item_bias = b.bias},
			.params = params,
			.chance = b.chance,
		};
		for (int u = 0; u < 50; u++)
			profile[u] = (reco_profile){.factors = b.user + (size_t) u * b.stride,
										.n = m.start[u + 1] - m.start[u],
										.item = m.col + m.start[u],
										.value = m.value ? m.value + m.start[u] : NULL};
		mimic_check_scorer(&scorer.factor.head, profile, 50);
		assert_int_equal(reco_seat_make(&env, &scorer.factor.head, &seat), RECO_OK);
		for (int u = 0; u < 50; u++)
		{
			reco_profile one = profile[u];
			double part[90];
			double baseline;
			bool additive = true;

			assert_int_equal(reco_scorer_fold_in(&env, &scorer.factor.head, &one), RECO_OK);
			assert_memory_equal(one.factors, profile[u].factors, (size_t) b.stride * sizeof(float));
			assert_int_equal(reco_seat_open(seat, &one), RECO_OK);
			assert_int_equal(reco_seat_explain(seat, 3, part, &baseline, &additive), RECO_OK);
			assert_false(additive);
			reco_seat_close(seat);
			reco_profile_free(&env, &one);
		}
		reco_seat_free(&env, seat);
		reco_bpr_free(&env, &b);
		assert_int_equal(w.live, 0);
		mimic_free_csr(&m);
	}
}

static void
test_threads(void **state)
{
	reco_csr m = mimic_random_csr(900, 700, 0.05, 1);

	(void) state;
	for (int kind = 0; kind < 3; kind++)
	{
		reco_bpr_params params = ordinary;
		reco_bpr b[4];
		mimic_world w[4];
		reco_env env[4];

		params.loss = kind == 1 ? RECO_WARP : RECO_BPR;
		params.popularity = kind == 2 ? 0.5 : 0;
		params.iterations = 2;
		for (int i = 0; i < 4; i++)
		{
			env[i] = mimic_als_env(&w[i], i == 3 ? 2 : 1 << i);
			if (i == 3)
				env[i].due = mimic_always_due;
			assert_int_equal(reco_bpr_fit(&env[i], &params, &m, NULL, NULL, &b[i]), RECO_OK);
			assert_memory_equal(b[i].item, b[0].item, (size_t) 700 * b[0].stride * sizeof(float));
			assert_memory_equal(b[i].user, b[0].user, (size_t) 900 * b[0].stride * sizeof(float));
			assert_memory_equal(b[i].bias, b[0].bias, 700 * sizeof(float));
		}
		assert_true(w[3].polls > w[1].polls);
		for (int i = 0; i < 4; i++)
			reco_bpr_free(&env[i], &b[i]);
	}
	mimic_free_csr(&m);
}

typedef struct fitting
{
	reco_bpr_params params;
	reco_csr m;
} fitting;

static reco_status
fit_once(const reco_env *env, void *arg)
{
	const fitting *f = arg;
	reco_bpr b;
	reco_status status = reco_bpr_fit(env, &f->params, &f->m, NULL, NULL, &b);

	if (status == RECO_OK)
		reco_bpr_free(env, &b);
	return status;
}

static void
test_interrupted(void **state)
{
	fitting f = {ordinary, mimic_random_csr(70, 80, 0.1, 1)};

	(void) state;
	f.params.iterations = 2;
	mimic_fit_ends(fit_once, &f);
	f.params.popularity = 1;
	mimic_fit_ends(fit_once, &f);
	mimic_free_csr(&f.m);
}

static void
count_progress(void *arg, int iteration, double loss)
{
	int *count = arg;

	assert_int_equal(iteration, ++*count);
	assert_true(isfinite(loss) && loss >= 0);
}

static void
test_edges(void **state)
{
	reco_csr m = mimic_random_csr(20, 10, 0.5, 1);
	mimic_world w;
	reco_env env = mimic_als_env(&w, 2);
	reco_bpr_params good = ordinary;
	reco_bpr b;
	int count = 0;

	(void) state;
	for (int k = 0; k < 8; k++)
	{
		reco_bpr_params bad = ordinary;

		bad.factors = k == 0 ? 0 : k == 1 ? RECO_BPR_MAX_FACTORS + 1 : bad.factors;
		bad.iterations = k == 2 ? 0 : bad.iterations;
		bad.learning_rate = k == 3 ? 0 : k == 4 ? NAN : bad.learning_rate;
		bad.regularization = k == 5 ? 2 : bad.regularization;
		bad.max_sampled = k == 6 ? 0 : bad.max_sampled;
		bad.popularity = k == 7 ? -1 : bad.popularity;
		assert_int_equal(reco_bpr_fit(&env, &bad, &m, NULL, NULL, &b), RECO_INVALID);
	}
	assert_int_equal(reco_bpr_fit(&env, &good, &m, count_progress, &count, &b), RECO_OK);
	assert_int_equal(count, good.iterations);
	reco_bpr_free(&env, &b);
	/* steps without bounds */
	good.loss = RECO_WARP;
	good.learning_rate = 1;
	good.regularization = 0;
	good.iterations = 2000;
	{
		reco_status status = reco_bpr_fit(&env, &good, &m, NULL, NULL, &b);

		assert_true(status == RECO_OK || status == RECO_SINGULAR);
		if (status == RECO_OK)
			reco_bpr_free(&env, &b);
	}
	/* all items of everybody, no values above 0, no entries, no users, no items; one item */
	for (int k = 0; k < 24; k++)
	{
		int kind = k / 4;
		reco_csr odd = mimic_random_csr(kind == 3 ? 0 : 20,
										kind == 4   ? 0
										: kind == 5 ? 1
													: 10,
										kind == 2   ? 0
										: kind == 1 ? 0.5
													: 1,
										1);
		reco_bpr_params params = ordinary;

		for (int64_t e = 0; kind == 1 && e < odd.start[odd.rows]; e++)
			odd.value[e] = -(float) (e % 2);
		params.loss = k % 2 ? RECO_WARP : RECO_BPR;
		params.popularity = k % 4 >= 2 ? 1 : 0;
		assert_int_equal(reco_bpr_fit(&env, &params, &odd, NULL, NULL, &b), RECO_OK);
		for (int64_t e = 0; e < (int64_t) b.users * b.stride && kind != 0 && kind != 5; e++)
			assert_true(b.user[e] == 0);
		reco_bpr_free(&env, &b);
		mimic_free_csr(&odd);
	}
	assert_int_equal(w.live, 0);
	mimic_free_csr(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loops),       cmocka_unit_test(test_samples),
		cmocka_unit_test(test_draws),       cmocka_unit_test(test_learned),
		cmocka_unit_test(test_scorer),      cmocka_unit_test(test_threads),
		cmocka_unit_test(test_interrupted), cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
