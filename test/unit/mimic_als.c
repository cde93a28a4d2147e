/*
 * mimic_als.c
 *	  Alternating least squares written for obviousness: see mimic_als.h.
 */
#include "mimic_als.h"

#include "core/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void
mimic_init(mimic_model *m, const reco_als_params *p, const reco_csr *by_user)
{
	float scale = (float) ((p->implicit ? 0.1 : 1.0) / sqrt(p->factors));
	int64_t n = by_user->start[by_user->rows];

	m->users = by_user->rows;
	m->items = by_user->cols;
	m->d = p->factors;
	m->user = calloc((size_t) m->users * (m->d + 1) + 1, sizeof(double));
	m->item = calloc((size_t) m->items * (m->d + 1) + 1, sizeof(double));
	for (int u = 0; u < m->users; u++)
		if (by_user->start[u + 1] > by_user->start[u])
			for (int c = 0; c < m->d; c++)
				m->user[u * (m->d + 1) + c] = scale * reco_rng_normal(reco_rng_row(p->seed, u), c);
	m->center = NULL;
	m->mean = 0;
	if (!p->implicit && n > 0)
	{
		for (int64_t j = 0; j < n; j++)
			m->mean += by_user->value ? by_user->value[j] : 1.0;
		m->mean /= (double) n;
	}
}

/* Component c of a user's center. */
static double
center_of(const mimic_model *m, int user, int c)
{
	return m->center ? m->center[user * m->center_stride + c] : 0;
}

/* What its weight, which comes last, adds to lambda. */
static double
center_lambda(const mimic_model *m, const reco_als_params *p, int user, int n)
{
	bool weighs = !p->implicit || p->weighted_regularization;

	return weighs ? p->regularization * center_of(m, user, n) : 0;
}

void
mimic_take_centers(mimic_model *m, const reco_als_params *p, const reco_csr *by_user,
				   const float *center)
{
	int n = m->d + (!p->implicit && p->biases ? 1 : 0);

	m->center = center;
	m->center_stride = (n + 1 + 15) / 16 * 16;
	for (int u = 0; u < m->users; u++)
	{
		bool any = false;

		for (int c = 0; c < n; c++)
			any = any || center_of(m, u, c) != 0;
		if (any && by_user->start[u + 1] > by_user->start[u])
			for (int c = 0; c < n; c++)
				m->user[u * (m->d + 1) + c] = center_of(m, u, c);
	}
}

void
mimic_free(mimic_model *m)
{
	free(m->user);
	free(m->item);
}

void
mimic_copy(mimic_model *m, const reco_factors *f)
{
	for (int u = 0; u < m->users; u++)
	{
		for (int c = 0; c < m->d; c++)
			m->user[u * (m->d + 1) + c] = f->user[(size_t) u * f->stride + c];
		m->user[u * (m->d + 1) + m->d] = f->user_bias ? f->user_bias[u] : 0;
	}
	for (int i = 0; i < m->items; i++)
	{
		for (int c = 0; c < m->d; c++)
			m->item[i * (m->d + 1) + c] = f->item[(size_t) i * f->stride + c];
		m->item[i * (m->d + 1) + m->d] = f->item_bias ? f->item_bias[i] : 0;
	}
	m->mean = f->mean;
}

/* lambda of a row */
static double
row_lambda(const reco_als_params *p, const reco_csr *r, int row)
{
	int64_t n = r->start[row + 1] - r->start[row];
	double sum = 0;

	if (!p->implicit)
		return p->regularization * (double) n;
	if (!p->weighted_regularization)
		return p->regularization;
	for (int64_t j = r->start[row]; j < r->start[row + 1]; j++)
		sum += fabs(r->value ? r->value[j] : 1.0);
	return p->regularization * (r->cols + p->alpha * sum);
}

/* Gaussian elimination with partial pivoting, in place. */
static void
eliminate(double *a, double *b, int n)
{
	for (int k = 0; k < n; k++)
	{
		int best = k;

		for (int i = k + 1; i < n; i++)
			if (fabs(a[i * n + k]) > fabs(a[best * n + k]))
				best = i;
		for (int j = 0; j < n; j++)
		{
			double swap = a[k * n + j];

			a[k * n + j] = a[best * n + j];
			a[best * n + j] = swap;
		}
		{
			double swap = b[k];

			b[k] = b[best];
			b[best] = swap;
		}
		for (int i = k + 1; i < n; i++)
		{
			double f = a[i * n + k] / a[k * n + k];

			for (int j = k; j < n; j++)
				a[i * n + j] -= f * a[k * n + j];
			b[i] -= f * b[k];
		}
	}
	for (int k = n - 1; k >= 0; k--)
	{
		for (int j = k + 1; j < n; j++)
			b[k] -= a[k * n + j] * b[j];
		b[k] /= a[k * n + k];
	}
}

void
mimic_half_step(mimic_model *m, const reco_als_params *p, const reco_csr *r, int side)
{
	int d = m->d;
	int w = d + 1;
	bool biases = !p->implicit && p->biases;
	int n = d + (biases ? 1 : 0);
	double *x = side == 0 ? m->user : m->item;
	double *y = side == 0 ? m->item : m->user;
	double *a = malloc((size_t) n * n * sizeof(double));
	double *b = malloc(n * sizeof(double));
	double *yj = malloc(w * sizeof(double));

	for (int row = 0; row < r->rows; row++)
	{
		memset(x + row * w, 0, w * sizeof(double));
		if (r->start[row + 1] == r->start[row])
			continue;
		memset(a, 0, (size_t) n * n * sizeof(double));
		memset(b, 0, n * sizeof(double));
		if (p->implicit)
			for (int j = 0; j < r->cols; j++)
				for (int s = 0; s < d; s++)
					for (int t = 0; t < d; t++)
						a[s * n + t] += y[j * w + s] * y[j * w + t];
		for (int64_t e = r->start[row]; e < r->start[row + 1]; e++)
		{
			int j = r->col[e];
			double v = r->value ? r->value[e] : 1.0;
			double weight = p->implicit ? p->alpha * fabs(v) : 1.0;
			double target = p->implicit ? (v > 0 ? 1.0 + p->alpha * v : 0.0)
										: v - m->mean - (biases ? y[j * w + d] : 0.0);

			memcpy(yj, y + j * w, d * sizeof(double));
			yj[d] = 1;
			for (int s = 0; s < n; s++)
			{
				for (int t = 0; t < n; t++)
					a[s * n + t] += weight * yj[s] * yj[t];
				b[s] += target * yj[s];
			}
		}
		for (int s = 0; s < n; s++)
		{
			double lambda = row_lambda(p, r, row) + (side == 0 ? center_lambda(m, p, row, n) : 0);

			a[s * n + s] += lambda;
			if (side == 0)
				b[s] += lambda * center_of(m, row, s);
		}
		eliminate(a, b, n);
		memcpy(x + row * w, b, n * sizeof(double));
	}
	free(a);
	free(b);
	free(yj);
}

static double
penalty(const mimic_model *m, const reco_als_params *p, int rows, int columns,
		const double *row_sum, const double *row_count, const double *x, bool centered)
{
	int n = m->d + (!p->implicit && p->biases ? 1 : 0);
	double sum = 0;

	for (int r = 0; r < rows; r++)
	{
		double lambda = p->regularization;

		if (!p->implicit)
			lambda *= row_count[r];
		else if (p->weighted_regularization)
			lambda *= columns + p->alpha * row_sum[r];
		/* who has nothing is no row of the objective */
		if (row_count[r] == 0)
			continue;
		if (centered)
			lambda += center_lambda(m, p, r, n);
		for (int c = 0; c <= m->d; c++)
			sum += lambda *
				   pow(x[r * (m->d + 1) + c] - (centered && c < n ? center_of(m, r, c) : 0), 2);
	}
	return sum;
}

double
mimic_loss(const mimic_model *m, const reco_als_params *p, const reco_csr *by_user)
{
	int w = m->d + 1;
	double loss = 0;
	double *sums = calloc((size_t) m->users + m->items + 1, sizeof(double));
	double *counts = calloc((size_t) m->users + m->items + 1, sizeof(double));

	for (int u = 0; u < m->users; u++)
	{
		int64_t e = by_user->start[u];

		for (int i = 0; i < m->items; i++)
		{
			bool stored = e < by_user->start[u + 1] && by_user->col[e] == i;
			double v = !stored ? 0 : by_user->value ? by_user->value[e] : 1.0;
			double s = 0;

			for (int c = 0; c < m->d; c++)
				s += m->user[u * w + c] * m->item[i * w + c];
			if (p->implicit)
				loss += (1 + p->alpha * fabs(v)) * pow((v > 0 ? 1.0 : 0.0) - s, 2);
			else if (stored)
				loss += pow(v - m->mean - m->user[u * w + m->d] - m->item[i * w + m->d] - s, 2);
			if (stored)
			{
				sums[u] += fabs(v);
				sums[m->users + i] += fabs(v);
				counts[u]++;
				counts[m->users + i]++;
				e++;
			}
		}
	}
	loss += penalty(m, p, m->users, m->items, sums, counts, m->user, m->center != NULL);
	loss += penalty(m, p, m->items, m->users, sums + m->users, counts + m->users, m->item, false);
	free(sums);
	free(counts);
	return loss;
}

static void *
world_alloc(void *arg, size_t bytes)
{
	mimic_world *w = arg;
	char *p;

	if (++w->allocs == w->fail_at)
		return NULL;
	p = aligned_alloc(RECO_ALIGN, (bytes + 2 * RECO_ALIGN - 1) / RECO_ALIGN * RECO_ALIGN);
	memcpy(p, &bytes, sizeof(bytes));
	memset(p + RECO_ALIGN, 0x7f, bytes);
	w->live++;
	w->bytes += bytes;
	if (w->bytes > w->peak)
		w->peak = w->bytes;
	return p + RECO_ALIGN;
}

static void
world_release(void *arg, void *memory)
{
	mimic_world *w = arg;
	size_t bytes;

	memcpy(&bytes, (char *) memory - RECO_ALIGN, sizeof(bytes));
	w->live--;
	w->bytes -= bytes;
	free((char *) memory - RECO_ALIGN);
}

static bool
world_poll(void *arg)
{
	mimic_world *w = arg;

	return ++w->polls == w->stop_at || w->stop;
}

static bool
world_stopping(void *arg)
{
	return ((mimic_world *) arg)->stop;
}

reco_env
mimic_als_env(mimic_world *w, int threads)
{
	reco_env env = {world_alloc, world_release, world_poll, world_stopping, threads, w, NULL};

	memset(w, 0, sizeof(*w));
	return env;
}

void
mimic_fit_ends(mimic_fit fit, void *arg)
{
	for (int polls = 0; polls < 2; polls++)
	{
		reco_status expected = polls ? RECO_STOPPED : RECO_NO_MEMORY;
		reco_status status = expected;

		for (int n = 1; status == expected; n++)
		{
			mimic_world w;
			reco_env env = mimic_als_env(&w, 2);

			*(polls ? &w.stop_at : &w.fail_at) = n;
			status = fit(&env, arg);
			assert_int_equal(w.live, 0);
			assert_true(n < 2000);
			assert_true(n > 1 || status == expected);
		}
		assert_int_equal(status, RECO_OK);
	}
}

void
mimic_free_factors(const reco_env *env, reco_factors *f)
{
	env->release(env->arg, f->user);
	env->release(env->arg, f->item);
	if (f->user_bias)
		env->release(env->arg, f->user_bias);
	if (f->item_bias)
		env->release(env->arg, f->item_bias);
}

reco_csr
mimic_csr(int rows, int cols, int64_t n, bool values)
{
	reco_csr m = {rows, cols, calloc(rows + 1, sizeof(int64_t)), malloc((n + 1) * sizeof(int32_t)),
				  values ? malloc((n + 1) * sizeof(float)) : NULL};

	return m;
}

void
mimic_free_csr(reco_csr *m)
{
	free(m->start);
	free(m->col);
	free(m->value);
}

reco_csr
mimic_transpose(const reco_csr *m)
{
	int64_t n = m->start[m->rows];
	reco_csr t = mimic_csr(m->cols, m->rows, n, m->value != NULL);
	int64_t *at = calloc(m->cols + 1, sizeof(int64_t));

	for (int64_t j = 0; j < n; j++)
		t.start[m->col[j] + 1]++;
	for (int i = 0; i < m->cols; i++)
		t.start[i + 1] += t.start[i];
	memcpy(at, t.start, (m->cols + 1) * sizeof(int64_t));
	for (int r = 0; r < m->rows; r++)
		for (int64_t j = m->start[r]; j < m->start[r + 1]; j++)
		{
			int64_t k = at[m->col[j]]++;

			t.col[k] = r;
			if (t.value)
				t.value[k] = m->value[j];
		}
	free(at);
	return t;
}

static uint32_t random_state = 1;

uint32_t
mimic_random(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

reco_csr
mimic_random_csr(int rows, int cols, double density, int values)
{
	reco_csr m = mimic_csr(rows, cols, (int64_t) rows * cols, values > 0);
	int64_t n = 0;

	for (int r = 0; r < rows; r++)
	{
		for (int c = 0; c < cols; c++)
			if (mimic_random() % 1000 < density * 1000 && r % 7 != 5)
			{
				m.col[n] = c;
				if (values == 1)
					m.value[n] = (float) (mimic_random() % 10) / 2 + 0.5f;
				else if (values == 2)
					m.value[n] = (float) (mimic_random() % 7) - 2;
				n++;
			}
		m.start[r + 1] = n;
	}
	return m;
}
