/*
 * test_extend.c
 *	  Unit tests of items that join a model without a training: alternating least squares
 *	  (reco_als_extend), a singular value decomposition (reco_svd_extend), pairs (reco_bpr_extend).
 *
 * The first two against their formulas in plain loops, the last by what is learned of two groups of
 * users.  Known items keep their bits, users are what a fold-in makes of them, the same bits come
 *of any number of threads, however often they are left; every allocation fails and every poll stops
 * in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/bpr/bpr.h"
#include "core/svd/svd.h"
#include "mimic_als.h"
#include "mimic_env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OLD_ITEMS 26
#define ITEMS 30
#define USERS 40

/* A model's data, that of the one that it is made of, and which items of that it has. */
typedef struct world
{
	reco_csr old;
	reco_csr old_t;
	reco_csr m;
	reco_csr t;
	int32_t item[ITEMS];
} world;

static void
make_world(world *w, int values)
{
	int32_t next = 1; /* 0 is gone */

	w->old = mimic_random_csr(50, OLD_ITEMS, 0.25, values);
	w->old_t = mimic_transpose(&w->old);
	w->m = mimic_random_csr(USERS, ITEMS, 0.3, values);
	w->t = mimic_transpose(&w->m);
	for (int i = 0; i < ITEMS; i++)
		w->item[i] = i % 4 == 1 || next >= OLD_ITEMS ? -1 : next++;
}

static void
free_world(world *w)
{
	mimic_free_csr(&w->old);
	mimic_free_csr(&w->old_t);
	mimic_free_csr(&w->m);
	mimic_free_csr(&w->t);
}

static bool
has_entries(const reco_csr *a, int r)
{
	return a->start[r + 1] > a->start[r];
}

static double
worst(const double *a, const double *b, int n)
{
	double most = 0;
	double size = 1e-6;

	for (int k = 0; k < n; k++)
	{
		most = fmax(most, isfinite(a[k]) ? fabs(a[k] - b[k]) : INFINITY);
		size = fmax(size, fabs(b[k]));
	}
	return most / size;
}

/* Users with the known items, what is new with the users, and users again. */
static void
mimic_extend(mimic_model *mine, const reco_als_params *p, const world *w, const reco_factors *old)
{
	int width = p->factors + 1;
	double *known = calloc(ITEMS * (size_t) width, sizeof(double));

	mine->mean = old->mean;
	for (int i = 0; i < ITEMS; i++)
		for (int c = 0; c < width && w->item[i] >= 0 && has_entries(&w->t, i); c++)
			known[i * width + c] = c < p->factors   ? old->item[w->item[i] * old->stride + c]
								   : old->item_bias ? old->item_bias[w->item[i]]
													: 0;
	memcpy(mine->item, known, ITEMS * (size_t) width * sizeof(double));
	mimic_half_step(mine, p, &w->m, 0);
	mimic_half_step(mine, p, &w->t, 1);
	for (int i = 0; i < ITEMS; i++)
		if (w->item[i] >= 0)
			memcpy(mine->item + i * width, known + i * width, (size_t) width * sizeof(double));
	mimic_half_step(mine, p, &w->m, 0);
	free(known);
}

static void
check_als(const reco_als_params *p, const world *w)
{
	mimic_world surroundings;
	reco_env env = mimic_als_env(&surroundings, 2);
	reco_factors old;
	reco_factors f;
	reco_als_base base = {&old, w->item};
	mimic_model mine;
	mimic_model expected;
	int n = p->factors + 1;

	assert_int_equal(reco_als_fit(&env, p, &w->old, &w->old_t, NULL, NULL, NULL, NULL, &old),
					 RECO_OK);
	surroundings.peak = surroundings.bytes;
	size_t before = surroundings.bytes;
	assert_int_equal(reco_als_extend(&env, p, &w->m, &w->t, NULL, &base, &f), RECO_OK);
	assert_true(surroundings.peak - before <= reco_als_memory(p, &w->m, 2));
	mimic_init(&mine, p, &w->m);
	mimic_copy(&mine, &f);
	mimic_init(&expected, p, &w->m);
	mimic_extend(&expected, p, w, &old);
	assert_true(f.mean == old.mean);
	if (!(worst(mine.item, expected.item, ITEMS * n) < 1e-4) ||
		!(worst(mine.user, expected.user, USERS * n) < 1e-4))
		fail_msg("solver %d implicit %d weighted %d biases %d d %d: items %g users %g", p->solver,
				 p->implicit, p->weighted_regularization, p->biases, p->factors,
				 worst(mine.item, expected.item, ITEMS * n),
				 worst(mine.user, expected.user, USERS * n));
	for (int i = 0; i < ITEMS; i++)
		if (w->item[i] >= 0 && has_entries(&w->t, i))
		{
			assert_memory_equal(f.item + (size_t) i * f.stride,
								old.item + (size_t) w->item[i] * old.stride,
								(size_t) f.stride * sizeof(float));
			assert_true(f.item_bias == NULL || f.item_bias[i] == old.item_bias[w->item[i]]);
		}
	mimic_free(&mine);
	mimic_free(&expected);
	mimic_free_factors(&env, &f);
	mimic_free_factors(&env, &old);
	assert_int_equal(surroundings.live, 0);
}

static reco_als_params
als_params(int round)
{
	return (reco_als_params){
		.implicit = round % 4 < 2,
		.weighted_regularization = round % 4 == 1,
		.biases = round % 4 == 2,
		.factors = 1 + (round * 5) % 20,
		.regularization = round % 3 ? 0.1 : 2,
		.alpha = 1 + round % 5,
		.iterations = 3,
		.solver = 1 + (round / 4) % 2,
		.seed = 7,
	};
}

static void
test_als(void **state)
{
	(void) state;
	for (int round = 0; round < 48; round++)
	{
		reco_als_params p = als_params(round);
		world w;

		make_world(&w, round % 3);
		check_als(&p, &w);
		free_world(&w);
	}
}

/* Drawn to their centers users are folded in, so that a new item knows of them. */
static void
test_als_centers(void **state)
{
	mimic_world surroundings;
	reco_env env = mimic_als_env(&surroundings, 2);
	reco_als_params p = als_params(0);
	float *center;
	double *gram;
	reco_factors old;
	reco_factors f;
	world w;

	(void) state;
	p.factors = 5;
	p.solver = RECO_ALS_CHOLESKY;
	make_world(&w, 1);
	center = calloc((size_t) USERS * reco_als_center_stride(&p), sizeof(float));
	gram = calloc(25, sizeof(double));
	for (int u = 0; u < USERS; u++)
		for (int c = 0; c < 5; c++)
			center[u * reco_als_center_stride(&p) + c] = (float) (u % 7) - 3;
	assert_int_equal(reco_als_fit(&env, &p, &w.old, &w.old_t, NULL, NULL, NULL, NULL, &old),
					 RECO_OK);
	assert_int_equal(
		reco_als_extend(&env, &p, &w.m, &w.t, center, &(reco_als_base){&old, w.item}, &f), RECO_OK);
	assert_int_equal(reco_als_gram(&env, f.item, ITEMS, 5, f.stride, gram), RECO_OK);
	for (int u = 0; u < USERS; u++)
	{
		int64_t from = w.m.start[u];
		float x[5];
		float bias;

		if (!has_entries(&w.m, u))
			continue;
		assert_int_equal(reco_als_fold_in(&env, &p, f.item, f.stride, NULL, ITEMS, 0, gram,
										  w.m.start[u + 1] - from, w.m.col + from, w.m.value + from,
										  center + u * reco_als_center_stride(&p), x, &bias, 0,
										  NULL, NULL),
						 RECO_OK);
		assert_memory_equal(x, f.user + (size_t) u * f.stride, sizeof(x));
	}
	mimic_free_factors(&env, &f);
	mimic_free_factors(&env, &old);
	free(center);
	free(gram);
	free_world(&w);
}

/* A row of V in double: P' a / s^2. */
static void
check_svd_item(const world *w, const reco_svd *f, const double *p, const double *square, int i)
{
	for (int k = 0; k < f->factors; k++)
	{
		double x = 0;

		for (int64_t e = w->t.start[i]; e < w->t.start[i + 1]; e++)
			x += p[w->t.col[e] * f->factors + k] * (w->t.value ? w->t.value[e] : 1);
		x = square[k] > 0 ? x / square[k] : 0;
		assert_true(fabs(x - f->item[i * f->stride + k]) < 1e-4 * (1 + fabs(x)));
	}
}

/* A times the rows of V that are asked for. */
static double *
times(const world *w, const reco_svd *f, bool known_only)
{
	double *p = calloc((size_t) USERS * f->factors, sizeof(double));

	for (int u = 0; u < USERS; u++)
		for (int64_t e = w->m.start[u]; e < w->m.start[u + 1]; e++)
			for (int k = 0; k < f->factors && (!known_only || w->item[w->m.col[e]] >= 0); k++)
				p[u * f->factors + k] += (double) f->item[w->m.col[e] * f->stride + k] *
										 (w->m.value ? w->m.value[e] : 1);
	return p;
}

static void
test_svd(void **state)
{
	mimic_world surroundings;
	reco_env env = mimic_als_env(&surroundings, 2);

	(void) state;
	for (int round = 0; round < 12; round++)
	{
		reco_svd_params params = {
			.factors = 1 + 3 * round, .oversampling = 5, .power_iterations = 4, .seed = 3};
		double square[64] = {0};
		reco_svd old;
		reco_svd f;
		world w;
		double *p;

		make_world(&w, round % 3);
		assert_int_equal(reco_svd_fit(&env, &params, &w.old, &w.old_t, NULL, NULL, &old), RECO_OK);
		assert_int_equal(reco_svd_extend(&env, &params, &w.m, &w.t, old.item, w.item, &f), RECO_OK);
		p = times(&w, &f, true);
		for (int u = 0; u < USERS; u++)
			for (int k = 0; k < f.factors; k++)
				square[k] += p[u * f.factors + k] * p[u * f.factors + k];
		for (int i = 0; i < ITEMS; i++)
			if (w.item[i] < 0)
				check_svd_item(&w, &f, p, square, i);
			else if (has_entries(&w.t, i))
				assert_memory_equal(f.item + i * f.stride, old.item + w.item[i] * old.stride,
									(size_t) f.stride * sizeof(float));
		free(p);
		p = times(&w, &f, false);
		for (int u = 0; u < USERS; u++)
			for (int k = 0; k < f.factors; k++)
				assert_true(fabs(p[u * f.factors + k] - f.user[u * f.stride + k]) <
							1e-4 * (1 + fabs(p[u * f.factors + k])));
		free(p);
		reco_svd_free(&env, &f);
		reco_svd_free(&env, &old);
		free_world(&w);
	}
	assert_int_equal(surroundings.live, 0);
}

static reco_bpr_params
bpr_params(int round)
{
	return (reco_bpr_params){
		.loss = round % 2 ? RECO_WARP : RECO_BPR,
		.factors = 8,
		.iterations = 60,
		.learning_rate = round % 2 ? 0.1 : 0.2,
		.regularization = 0.01,
		.max_sampled = 10,
		.popularity = round / 2 % 2,
		.biases = round / 4 % 2 == 0,
		.seed = 42,
	};
}

/* Two groups of users, each with half of the items; two of each half are new later. */
static void
make_groups(world *w)
{
	reco_csr *old = &w->old;
	reco_csr *m = &w->m;
	int64_t at = 0;
	int64_t old_at = 0;
	int32_t next = 0;

	memset(w, 0, sizeof(*w));
	*old = mimic_csr(USERS, ITEMS - 4, USERS * ITEMS, false);
	*m = mimic_csr(USERS, ITEMS, USERS * ITEMS, false);
	for (int i = 0; i < ITEMS; i++)
		w->item[i] = i % 15 < 2 ? -1 : next++;
	for (int u = 0; u < USERS; u++)
	{
		old->start[u] = old_at;
		m->start[u] = at;
		for (int i = u % 2 * 15; i < u % 2 * 15 + 15; i++)
		{
			if (mimic_random() % 3 == 0)
				continue;
			m->col[at++] = i;
			if (w->item[i] >= 0)
				old->col[old_at++] = w->item[i];
		}
	}
	old->start[USERS] = old_at;
	m->start[USERS] = at;
	w->t = mimic_transpose(m);
	w->old_t = mimic_transpose(old);
}

static double
score(const reco_bpr *b, int u, int i)
{
	double sum = b->bias[i];

	for (int k = 0; k < b->factors; k++)
		sum += (double) b->user[(size_t) u * b->stride + k] * b->item[(size_t) i * b->stride + k];
	return sum;
}

static void
check_groups(const world *w, const reco_bpr *old, const reco_bpr *b, const reco_bpr_params *p)
{
	mimic_world surroundings;
	reco_env env = mimic_als_env(&surroundings, 1);
	float *x = aligned_alloc(RECO_ALIGN, (size_t) b->stride * sizeof(float));
	int right = 0;

	for (int i = 0; i < ITEMS; i++)
	{
		if (w->item[i] >= 0)
		{
			assert_memory_equal(b->item + (size_t) i * b->stride,
								old->item + (size_t) w->item[i] * old->stride,
								(size_t) b->stride * sizeof(float));
			assert_true(b->bias[i] == old->bias[w->item[i]]);
			continue;
		}
		/* of one's own half before the new ones of the other */
		for (int u = 0; u < USERS; u++)
			right += (score(b, u, i) > score(b, u, (i + 15) % ITEMS)) == (u % 2 == i / 15);
	}
	assert_true(right > 4 * USERS * 95 / 100);
	for (int u = 0; u < USERS; u++)
	{
		int64_t from = w->m.start[u];

		assert_int_equal(
			reco_bpr_fold_in(&env, p, b, w->m.start[u + 1] - from, w->m.col + from, NULL, x),
			RECO_OK);
		assert_memory_equal(x, b->user + (size_t) u * b->stride,
							(size_t) b->stride * sizeof(float));
	}
	free(x);
}

static void
test_bpr(void **state)
{
	mimic_world surroundings;
	reco_env env = mimic_als_env(&surroundings, 2);

	(void) state;
	for (int round = 0; round < 8; round++)
	{
		reco_bpr_params p = bpr_params(round);
		reco_bpr old;
		reco_bpr b;
		world w;

		make_groups(&w);
		assert_int_equal(reco_bpr_fit(&env, &p, &w.old, NULL, NULL, &old), RECO_OK);
		surroundings.peak = surroundings.bytes;
		size_t before = surroundings.bytes;
		assert_int_equal(reco_bpr_extend(&env, &p, &w.m, &old, w.item, &b), RECO_OK);
		assert_true(surroundings.peak - before <= reco_bpr_extend_memory(&p, &w.m, old.items));
		check_groups(&w, &old, &b, &p);
		assert_int_equal(b.chance != NULL, p.popularity > 0);
		reco_bpr_free(&env, &b);
		reco_bpr_free(&env, &old);
		free_world(&w);
	}
	assert_int_equal(surroundings.live, 0);
}

/* What nobody has is at 0, and so is all that is new where nothing is known. */
static void
test_bpr_edges(void **state)
{
	mimic_world surroundings;
	reco_env env = mimic_als_env(&surroundings, 2);
	reco_bpr_params p = bpr_params(0);
	reco_bpr old;
	reco_bpr b;
	world w;

	(void) state;
	make_groups(&w);
	assert_int_equal(reco_bpr_fit(&env, &p, &w.old, NULL, NULL, &old), RECO_OK);
	for (int i = 0; i < ITEMS; i++)
		w.item[i] = -1;
	assert_int_equal(reco_bpr_extend(&env, &p, &w.m, &old, w.item, &b), RECO_OK);
	for (int k = 0; k < ITEMS * b.stride; k++)
		assert_true(b.item[k] == 0);
	reco_bpr_free(&env, &b);
	p.factors++;
	assert_int_equal(reco_bpr_extend(&env, &p, &w.m, &old, w.item, &b), RECO_INVALID);
	reco_bpr_free(&env, &old);
	free_world(&w);
	assert_int_equal(surroundings.live, 0);
}

/* Any of the three, of one world. */
typedef struct Extension
{
	int which;
	world w;
	reco_als_params als;
	reco_svd_params svd;
	reco_bpr_params bpr;
	reco_factors old_als;
	reco_svd old_svd;
	reco_bpr old_bpr;
	float *item; /* results are copied here, where it is given */
	float *user;
} Extension;

static void
keep(const Extension *x, const float *item, const float *user, int stride)
{
	if (x->item == NULL)
		return;
	memcpy(x->item, item, (size_t) ITEMS * (size_t) stride * sizeof(float));
	memcpy(x->user, user, (size_t) USERS * (size_t) stride * sizeof(float));
}

static reco_status
extend_once(const reco_env *env, void *arg)
{
	Extension *x = arg;
	reco_factors f;
	reco_svd s;
	reco_bpr b;
	reco_status status;

	if (x->which < 2)
	{
		status = reco_als_extend(env, &x->als, &x->w.m, &x->w.t, NULL,
								 &(reco_als_base){&x->old_als, x->w.item}, &f);
		if (status != RECO_OK)
			return status;
		keep(x, f.item, f.user, f.stride);
		mimic_free_factors(env, &f);
		return RECO_OK;
	}
	if (x->which == 2)
	{
		status = reco_svd_extend(env, &x->svd, &x->w.m, &x->w.t, x->old_svd.item, x->w.item, &s);
		if (status != RECO_OK)
			return status;
		keep(x, s.item, s.user, s.stride);
		reco_svd_free(env, &s);
		return RECO_OK;
	}
	status = reco_bpr_extend(env, &x->bpr, &x->w.m, &x->old_bpr, x->w.item, &b);
	if (status != RECO_OK)
		return status;
	keep(x, b.item, b.user, b.stride);
	reco_bpr_free(env, &b);
	return RECO_OK;
}

static void
begin(Extension *x, const reco_env *env, int which)
{
	*x = (Extension){.which = which,
					 .als = als_params(4 * which),
					 .svd = {.factors = 9, .oversampling = 3, .power_iterations = 2, .seed = 3},
					 .bpr = bpr_params(2)};
	make_world(&x->w, 1);
	assert_int_equal(
		reco_als_fit(env, &x->als, &x->w.old, &x->w.old_t, NULL, NULL, NULL, NULL, &x->old_als),
		RECO_OK);
	assert_int_equal(reco_svd_fit(env, &x->svd, &x->w.old, &x->w.old_t, NULL, NULL, &x->old_svd),
					 RECO_OK);
	x->bpr.iterations = 5;
	assert_int_equal(reco_bpr_fit(env, &x->bpr, &x->w.old, NULL, NULL, &x->old_bpr), RECO_OK);
}

static void
end(Extension *x, const reco_env *env)
{
	mimic_free_factors(env, &x->old_als);
	reco_svd_free(env, &x->old_svd);
	reco_bpr_free(env, &x->old_bpr);
	free_world(&x->w);
}

static void
test_threads(void **state)
{
	mimic_world surroundings;

	(void) state;
	for (int which = 0; which < 4; which++)
	{
		reco_env env = mimic_als_env(&surroundings, 1);
		float item[2][ITEMS * 32] = {{0}};
		float user[2][USERS * 32] = {{0}};
		Extension x;

		begin(&x, &env, which);
		for (int threads = 1; threads <= 4; threads++)
		{
			env = mimic_als_env(&surroundings, threads);
			if (threads == 4)
				env.due = mimic_always_due;
			x.item = item[threads > 1];
			x.user = user[threads > 1];
			assert_int_equal(extend_once(&env, &x), RECO_OK);
			if (threads == 1)
				continue;
			assert_memory_equal(item[0], item[1], sizeof(item[0]));
			assert_memory_equal(user[0], user[1], sizeof(user[0]));
		}
		end(&x, &env);
	}
}

static void
test_ends(void **state)
{
	mimic_world surroundings;

	(void) state;
	for (int which = 0; which < 4; which++)
	{
		reco_env env = mimic_als_env(&surroundings, 2);
		Extension x;

		begin(&x, &env, which);
		mimic_fit_ends(extend_once, &x);
		end(&x, &env);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_als),       cmocka_unit_test(test_als_centers),
		cmocka_unit_test(test_svd),       cmocka_unit_test(test_bpr),
		cmocka_unit_test(test_bpr_edges), cmocka_unit_test(test_threads),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
