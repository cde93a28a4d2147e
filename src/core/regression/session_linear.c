/*
 * session_linear.c
 *	  SLIST: a linear model between the items of sessions in closed form.
 *
 * See session_linear.h.  C is Y'Z of two sparse matrices with a row for each session and each
 * event, and is kept by rows (gram_rows.h).  G but for its diagonal is that of the sessions alone.
 * B is made TOGETHER rows at a time: these rows of the inverse stand side by side, so that each
 * element of C is met by all of them at once.
 *
 * Cost: C: the sum over sessions of n^2, and RECO_SESSION_STEPS at most for each event.  B: items /
 * TOGETHER passes over C, of TOGETHER multiply-adds an element.
 */
#include "core/regression/session_linear.h"

#include "core/base/dispatch.h"
#include "core/base/slab.h"
#include "core/base/team.h"
#include "core/base/work.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"
#include "core/regression/gram_rows.h"
#include "core/regression/precision.h"
#include "core/regression/weights.h"

#include <math.h>
#include <omp.h>

/* Rows of B that a thread makes at a time: as many as a cache line has numbers. */
#define TOGETHER 16
/* Elements of C between two looks at whether the main thread is wanted. */
#define STEP 262144

/* Y and Z. */
typedef struct Stack
{
	reco_csr y;
	reco_csr z;
	reco_csr y_by_col;
} Stack;

/* A thread's rows of B. */
typedef struct Rows
{
	int64_t first; /* -1: none */
	int32_t count;
	int32_t next; /* row of C */
	float *p;     /* items x TOGETHER: of the inverse; then a row of B */
	float *sum;   /* items x TOGETHER */
} Rows;

typedef struct Job
{
	const reco_kernels *kernels;
	int32_t items;
	reco_gram_rows c;
	reco_precision p;
	reco_weights weights;
	reco_work work;
	Rows *rows; /* a thread each */
} Job;

int
reco_session_steps(double decay)
{
	double steps = floor(-decay * log(RECO_SESSION_LEAST)) + 1;

	return decay > 0 && steps < RECO_SESSION_STEPS ? (int) steps : RECO_SESSION_STEPS;
}

double
reco_session_weight(double decay, int steps)
{
	return decay > 0 ? exp(-steps / decay) : 1;
}

static int32_t
longest(const reco_session_linear_params *params, int32_t items)
{
	return params->neighbors < items ? params->neighbors : items;
}

static size_t
block_room(int32_t items)
{
	return reco_room(((size_t) items + 1) * TOGETHER * sizeof(float));
}

static size_t
rows_bytes(int32_t items, int threads)
{
	return (size_t) threads * (reco_room(sizeof(Rows)) + 2 * block_room(items)) + RECO_ALIGN;
}

size_t
reco_session_linear_memory(const reco_session_linear_params *params, const reco_csr *by_session,
						   int64_t events, int threads)
{
	int32_t items = by_session->cols;
	int64_t most = (int64_t) items * longest(params, items);
	int64_t after = events * reco_session_steps(params->gap_decay);
	int64_t all = (int64_t) items * items;
	int64_t products = after;
	size_t pairs = (size_t) by_session->start[by_session->rows];
	size_t stack;
	size_t c;
	size_t making;
	size_t precision;

	for (int32_t u = 0; u < by_session->rows && products < all; u++)
	{
		int64_t n = by_session->start[u + 1] - by_session->start[u];

		products += n * n;
	}
	stack = ((size_t) by_session->rows + (size_t) events + 1) * 16 +
			(3 * pairs + 2 * (size_t) events + (size_t) after) * 8 + ((size_t) items + 1) * 8 +
			reco_parts_memory(items, (int64_t) pairs + events, threads);
	c = reco_gram_rows_memory(items, products, threads);
	precision = reco_precision_memory(items) + ((size_t) items + 1) * 8;
	making = reco_precision_make_memory(items, threads) + pairs * 12 + ((size_t) items + 1) * 8 +
			 reco_parts_memory(items, (int64_t) pairs, threads);
	if (making < reco_weights_memory(items, most) + rows_bytes(items, threads))
		making = reco_weights_memory(items, most) + rows_bytes(items, threads);
	if (precision + making < stack)
		making = stack - precision;
	return c + precision + making + reco_weights_lists_memory(items, most) + 32 * 128;
}

/* What comes after an event, merged by item, in order; returns how many there are. */
static int32_t
later_items(const reco_ordered *events, int64_t at, int64_t end, const double *weight, int steps,
			int32_t *col, float *value)
{
	int32_t n = 0;

	for (int64_t e = at + 1; e < end && e - at <= steps; e++)
	{
		int32_t item = events->item[e];
		float w = (float) weight[e - at - 1];
		int32_t k = n;

		while (k > 0 && col[k - 1] > item)
			k--;
		if (k > 0 && col[k - 1] == item)
		{
			value[k - 1] += w;
			continue;
		}
		for (int32_t m = n; m > k; m--)
		{
			col[m] = col[m - 1];
			value[m] = value[m - 1];
		}
		col[k] = item;
		value[k] = w;
		n++;
	}
	return n;
}

static bool
alloc_csr(const reco_env *env, int64_t rows, int32_t cols, int64_t entries, reco_csr *out)
{
	*out = (reco_csr){.rows = (int32_t) rows, .cols = cols};
	out->start = env->alloc(env->arg, ((size_t) rows + 1) * sizeof(int64_t));
	out->col = env->alloc(env->arg, ((size_t) entries + 1) * sizeof(int32_t));
	out->value = env->alloc(env->arg, ((size_t) entries + 1) * sizeof(float));
	return out->start && out->col && out->value;
}

/* The rows of sessions. */
static reco_status
stack_sessions(const reco_env *env, const reco_csr *x, double blend, Stack *s)
{
	int64_t polled = 0;

	s->y.start[0] = s->z.start[0] = 0;
	for (int32_t u = 0; u < x->rows; u++)
	{
		float share = (float) (blend / (double) (x->start[u + 1] - x->start[u]));

		for (int64_t e = x->start[u]; e < x->start[u + 1]; e++)
		{
			s->y.col[e] = s->z.col[e] = x->col[e];
			s->y.value[e] = share;
			s->z.value[e] = 1;
			if (stop_at_entry(env, e, &polled))
				return RECO_STOPPED;
		}
		s->y.start[u + 1] = s->z.start[u + 1] = x->start[u + 1];
	}
	return RECO_OK;
}

/* The rows of events, behind those. */
static reco_status
stack_events(const reco_env *env, const reco_ordered *events, int32_t sessions, double blend,
			 double decay, Stack *s)
{
	double weight[RECO_SESSION_STEPS];
	int steps = reco_session_steps(decay);
	int64_t done = 0;
	int64_t y = s->y.start[sessions];
	int64_t z = s->z.start[sessions];
	int64_t row = sessions;

	for (int k = 0; k < steps; k++)
		weight[k] = reco_session_weight(decay, k);
	for (int32_t u = 0; u < sessions; u++)
		for (int64_t e = events->start[u]; e < events->start[u + 1]; e++)
		{
			s->y.col[y] = events->item[e];
			s->y.value[y++] = (float) (1 - blend);
			z += later_items(events, e, events->start[u + 1], weight, steps, s->z.col + z,
							 s->z.value + z);
			row++;
			s->y.start[row] = y;
			s->z.start[row] = z;
			if (stop_after(env, 4 * steps, &done))
				return RECO_STOPPED;
		}
	return RECO_OK;
}

/* C. */
static reco_status
make_right_side(const reco_env *env, const reco_session_linear_params *params, const reco_csr *x,
				const reco_ordered *events, reco_gram_rows *c)
{
	int64_t n = events->start[x->rows];
	int64_t rows = x->rows + n;
	int64_t pairs = x->start[x->rows];
	Stack s = {0};
	reco_status status = RECO_NO_MEMORY;

	if (alloc_csr(env, rows, x->cols, pairs + n, &s.y) &&
		alloc_csr(env, rows, x->cols, pairs + n * reco_session_steps(params->gap_decay), &s.z))
		status = stack_sessions(env, x, params->blend, &s);
	if (status == RECO_OK)
		status = stack_events(env, events, x->rows, params->blend, params->gap_decay, &s);
	if (status == RECO_OK)
		status = reco_csr_transpose(env, &s.y, s.y.value, &s.y_by_col);
	if (status == RECO_OK)
		status = reco_gram_rows_make(env, &s.z, &s.y_by_col, c);
	reco_csr_free(env, &s.y_by_col);
	reco_csr_free(env, &s.z);
	reco_csr_free(env, &s.y);
	return status;
}

/* The inverse. */
static reco_status
make_left_side(const reco_env *env, const reco_session_linear_params *params,
			   const reco_csr *by_session, const reco_ordered *events,
			   void (*progress)(void *arg, int32_t step, int32_t steps), void *arg,
			   reco_precision *p)
{
	reco_csr x = *by_session;
	reco_csr by_item = {0};
	double *diagonal = env->alloc(env->arg, ((size_t) x.cols + 1) * sizeof(double));
	reco_status status = RECO_NO_MEMORY;
	int64_t polled = 0;

	x.value = env->alloc(env->arg, ((size_t) x.start[x.rows] + 1) * sizeof(float));
	if (diagonal && x.value)
	{
		for (int32_t i = 0; i < x.cols; i++)
			diagonal[i] = params->regularization;
		for (int64_t e = 0; e < events->start[x.rows]; e++)
			diagonal[events->item[e]] += 1 - params->blend;
		status = RECO_OK;
	}
	for (int32_t u = 0; u < x.rows && status == RECO_OK; u++)
	{
		for (int64_t e = x.start[u]; e < x.start[u + 1]; e++)
			x.value[e] = (float) (sqrt(params->blend) / (double) (x.start[u + 1] - x.start[u]));
		if (stop_at_entry(env, x.start[u + 1], &polled))
			status = RECO_STOPPED;
	}
	if (status == RECO_OK)
		status = reco_csr_transpose(env, &x, x.value, &by_item);
	if (status == RECO_OK)
		status = reco_precision_make(env, &x, &by_item, diagonal, progress, arg, p);
	reco_csr_free(env, &by_item);
	release(env, x.value);
	release(env, diagonal);
	return status;
}

/* Rows of the inverse side by side, and sums of 0. */
static void
begin(const Job *job, Rows *r, int64_t from, int64_t to)
{
	const double *scale = job->p.scale;

	r->first = from;
	r->count = (int32_t) (to - from);
	r->next = 0;
	reco_symmetric_rows(&job->p.m, (int32_t) from, r->count, r->sum, (size_t) job->items);
	memset(r->p, 0, block_room(job->items));
	for (int32_t b = 0; b < r->count; b++)
		for (int32_t k = 0; k < job->items; k++)
			r->p[(size_t) k * TOGETHER + (size_t) b] =
				(float) (-scale[from + b] * r->sum[(size_t) b * (size_t) job->items + (size_t) k] *
						 scale[k] / job->c.scale);
	memset(r->sum, 0, block_room(job->items));
}

/* Adds some rows of C; whether that was all. */
static bool
add_rows(const Job *job, Rows *r)
{
	const reco_gram_rows *c = &job->c;
	int64_t done = 0;

	for (; r->next < job->items && done < STEP; r->next++)
	{
		const float *data = reco_gram_row(c, r->next);
		const int32_t *col = reco_gram_cols(c, r->next);
		const float *p = r->p + (size_t) r->next * TOGETHER;
		int32_t n = c->length[r->next];
		int32_t width = n < 0 ? job->items : n;

		for (int32_t e = 0; e < width; e++)
			job->kernels->cg_add(r->sum + (size_t) (n < 0 ? e : col[e]) * TOGETHER,
								 data[n < 0 ? e : n + e], p, TOGETHER);
		done += width + 1;
	}
	return r->next == job->items;
}

/* Their lists. */
static void
finish(Job *job, Rows *r)
{
	for (int32_t b = 0; b < r->count; b++)
	{
		for (int32_t j = 0; j < job->items; j++)
			r->p[j] = r->sum[(size_t) j * TOGETHER + (size_t) b];
		reco_weights_fill(&job->weights, (int32_t) r->first + b, r->p, NULL, job->items);
	}
	r->first = -1;
}

static void
run(const reco_env *env, Job *job, Rows *r)
{
	for (int64_t from, to;;)
	{
		if (r->first < 0)
		{
			if (!reco_work_take(&job->work, &from, &to))
				break;
			begin(job, r, from, to);
		}
		if (add_rows(job, r))
			finish(job, r);
		if (reco_work_pause(env))
			break;
	}
}

/* B, by the threads. */
static reco_status
multiply(const reco_env *env, Job *job)
{
	char *slab = env->alloc(env->arg, rows_bytes(job->items, env->threads));
	char *at = slab;
	bool left = job->items > 0;
	reco_status status = RECO_OK;

	if (slab == NULL)
		return RECO_NO_MEMORY;
	job->rows = reco_take(&at, (size_t) env->threads * sizeof(Rows));
	for (int t = 0; t < env->threads; t++)
	{
		job->rows[t] = (Rows){.first = -1};
		job->rows[t].p = reco_take(&at, block_room(job->items));
		job->rows[t].sum = reco_take(&at, block_room(job->items));
	}
	job->work = reco_work_of(job->items, TOGETHER);
	reco_team_prepare(env->threads);
	while (left && status == RECO_OK)
	{
#pragma omp parallel num_threads(env->threads)
		run(env, job, &job->rows[omp_get_thread_num()]);
		left = reco_work_left(&job->work);
		for (int t = 0; t < env->threads; t++)
			left = left || job->rows[t].first >= 0;
		if (env->poll(env->arg))
			status = RECO_STOPPED;
	}
	release(env, slab);
	return status;
}

static bool
valid(const reco_session_linear_params *p, const reco_csr *by_session, const reco_ordered *events)
{
	return p->blend >= 0 && p->blend <= 1 && p->regularization > 0 && isfinite(p->regularization) &&
		   p->gap_decay >= 0 && isfinite(p->gap_decay) && p->neighbors >= 1 &&
		   events->start[by_session->rows] < INT32_MAX - by_session->rows;
}

reco_status
reco_session_linear_fit(const reco_env *env, const reco_session_linear_params *params,
						const reco_csr *by_session, const reco_ordered *events,
						void (*progress)(void *arg, int32_t step, int32_t steps), void *arg,
						reco_neighbors *out)
{
	int32_t items = by_session->cols;
	Job job = {.kernels = reco_kernels_best(), .items = items};
	reco_status status;

	*out = (reco_neighbors){0};
	if (!valid(params, by_session, events))
		return RECO_INVALID;
	status = make_right_side(env, params, by_session, events, &job.c);
	if (status == RECO_OK)
		status = make_left_side(env, params, by_session, events, progress, arg, &job.p);
	if (status == RECO_OK)
		status = reco_weights_init(env, items, NULL, longest(params, items), &job.weights);
	if (status == RECO_OK)
		status = multiply(env, &job);
	reco_gram_rows_free(env, &job.c);
	reco_precision_free(env, &job.p);
	if (status == RECO_OK)
		status = reco_weights_lists(env, &job.weights, out);
	if (status != RECO_OK)
		reco_neighbors_free(env, out);
	reco_weights_free(env, &job.weights);
	return status;
}
