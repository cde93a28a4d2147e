/*
 * slim.c
 *	  SLIM: a sparse linear model between items.
 *
 * See slim.h.  An item is solved by coordinate descent over an active set.  With r = G_j - G w, the
 * pull on each weight, a round takes the items outside of the set whose weight would gain most into
 * it, as many again as are in it; goes over the weights of the set, with the part of G that is
 * between them in a square of its own, until none changes much; and brings r up to date by the
 * rows of G whose weights have changed.  It ends when there is nothing to gain outside.
 *
 * Threads take an item each.  A thread's work comes in steps of less than some milliseconds
 * between which it can be left for a poll; where it is lies in its Solver.
 */
#include "core/regression/slim.h"

#include "core/base/dispatch.h"
#include "core/base/slab.h"
#include "core/base/team.h"
#include "core/base/work.h"
#include "core/data/sorting.h"
#include "core/regression/gram_rows.h"
#include "core/regression/weights.h"

#include <math.h>
#include <omp.h>

typedef struct Gain
{
	double gain;
	int32_t item;
} Gain;

static inline bool
gains_less(Gain a, Gain b)
{
	return a.gain < b.gain || (a.gain == b.gain && a.item > b.item);
}

#define HEAP_ENTRY Gain
#define HEAP_WORSE(a, b) gains_less(a, b)
#include "core/base/heap.h"

/* Of the largest pull: what is as good as nothing. */
#define TOLERANCE 1e-4
/* Items that a round takes in at least. */
#define FIRST_ROUND 32
#define MOST_ROUNDS 100
#define MOST_SWEEPS 1000
/* Entries of rows of G in a step. */
#define STEP 262144

/* What is not a place in the set: outside of it, and the item that is solved. */
#define OUTSIDE (-1)
#define ITSELF (-2)

typedef enum Phase
{
	SELECT,
	ADD,
	SWEEP,
	UPDATE,
	DONE
} Phase;

/* A thread's item. */
typedef struct Solver
{
	int32_t item; /* -1: none */
	Phase phase;
	int32_t next; /* of ADD and UPDATE: the place in the set that they go on with */
	int round;
	int sweep;
	double enough;  /* changes of a pull that are below it do not count */
	float *r;       /* items, with zeros up to a multiple of 16 */
	int32_t *place; /* items */
	int32_t n;      /* in the set */
	int32_t before; /* that were in it before the round */
	int32_t *active;
	Gain *gain;
	float *w;
	float *was;    /* w when r was last right */
	float *q;      /* r of the set */
	float *square; /* G of the set, rows of `stride` */
} Solver;

typedef struct Slim
{
	const reco_kernels *kernels;
	reco_gram_rows g;
	double l1; /* in the scale of G */
	double l2;
	bool positive;
	int32_t most; /* in a set */
	int32_t stride;
	reco_weights weights;
	reco_work work;
} Slim;

static int32_t
most_active(int32_t items)
{
	return items < RECO_SLIM_ACTIVE ? items : RECO_SLIM_ACTIVE;
}

static int32_t
longest(const reco_slim_params *params, int32_t items)
{
	int32_t most = most_active(items);

	return params->neighbors < most ? params->neighbors : most;
}

static int32_t
stride_of(int32_t most)
{
	return (most + 15) / 16 * 16;
}

/* A thread's part of the slab. */
static size_t
solver_bytes(int32_t items)
{
	int32_t most = most_active(items);
	size_t floats = reco_room((size_t) stride_of(most) * sizeof(float));

	return reco_room(sizeof(Solver)) + reco_room((size_t) reco_gram_width(items) * sizeof(float)) +
		   reco_room(((size_t) items + 1) * sizeof(int32_t)) +
		   reco_room(((size_t) most + 1) * sizeof(int32_t)) +
		   reco_room(((size_t) most + 1) * sizeof(Gain)) + 3 * floats +
		   reco_room((size_t) most * (size_t) stride_of(most) * sizeof(float));
}

/* Products of a user's interactions, as far as they matter. */
static int64_t
products_of(const reco_csr *by_user)
{
	int64_t all = (int64_t) by_user->cols * by_user->cols;
	int64_t n = 0;

	for (int32_t u = 0; u < by_user->rows && n < all; u++)
	{
		int64_t length = by_user->start[u + 1] - by_user->start[u];

		n += length * length;
	}
	return n;
}

size_t
reco_slim_memory(const reco_slim_params *params, const reco_csr *by_user, int threads)
{
	int32_t items = by_user->cols;
	int64_t most = (int64_t) items * longest(params, items);
	size_t solvers = (size_t) threads * solver_bytes(items) + RECO_ALIGN;
	size_t lists = reco_weights_memory(items, most);
	size_t gram = reco_gram_rows_memory(items, products_of(by_user), threads);
	size_t result = reco_weights_lists_memory(items, most);

	return (gram + solvers > result ? gram + solvers : result) + lists + 16 * 128;
}

static void
init_solver(char *slab, int32_t items)
{
	int32_t most = most_active(items);
	int32_t stride = stride_of(most);
	Solver *s = reco_take(&slab, sizeof(Solver));

	*s = (Solver){.item = -1};
	s->r = reco_take(&slab, (size_t) reco_gram_width(items) * sizeof(float));
	s->place = reco_take(&slab, ((size_t) items + 1) * sizeof(int32_t));
	s->active = reco_take(&slab, ((size_t) most + 1) * sizeof(int32_t));
	s->gain = reco_take(&slab, ((size_t) most + 1) * sizeof(Gain));
	s->w = reco_take(&slab, (size_t) stride * sizeof(float));
	s->was = reco_take(&slab, (size_t) stride * sizeof(float));
	s->q = reco_take(&slab, (size_t) stride * sizeof(float));
	s->square = reco_take(&slab, (size_t) most * (size_t) stride * sizeof(float));
	for (int32_t i = 0; i < items; i++)
		s->place[i] = OUTSIDE;
}

/* A new item: no weights yet. */
static void
begin(const Slim *slim, Solver *s, int32_t item)
{
	const reco_gram_rows *g = &slim->g;
	const float *row = reco_gram_row(g, item);
	int32_t n = g->length[item];
	float largest = 0;

	if (n < 0)
		memcpy(s->r, row, (size_t) reco_gram_width(g->items) * sizeof(float));
	else
	{
		memset(s->r, 0, (size_t) reco_gram_width(g->items) * sizeof(float));
		for (int32_t e = 0; e < n; e++)
			s->r[reco_gram_cols(g, item)[e]] = row[n + e];
	}
	s->r[item] = 0;
	for (int32_t i = 0; i < g->items; i++)
		largest = fmaxf(largest, fabsf(s->r[i]));
	s->item = item;
	s->place[item] = ITSELF;
	s->n = s->before = 0;
	s->round = 0;
	s->enough = TOLERANCE * largest;
	s->phase = SELECT;
}

/* How far a pull is beyond what l1 holds: above 0 where a weight of 0 would change. */
static inline double
beyond(const Slim *slim, double pull)
{
	return (slim->positive ? pull : fabs(pull)) - slim->l1;
}

/* Takes those outside whose weights would gain most into the set. */
static void
select_items(const Slim *slim, Solver *s)
{
	const reco_gram_rows *g = &slim->g;
	int32_t room = slim->most - s->n;
	int32_t wanted = s->n > FIRST_ROUND ? s->n : FIRST_ROUND;
	int32_t have = 0;

	if (wanted > room)
		wanted = room;
	for (int32_t i = 0; i < g->items && wanted > 0; i++)
	{
		double pull = beyond(slim, s->r[i]);

		if (pull > s->enough && s->place[i] == OUTSIDE)
			heap_offer(s->gain, &have, wanted,
					   (Gain){pull * pull / (g->diagonal[i] + slim->l2), i});
	}
	s->before = s->next = s->n;
	for (int32_t k = 0; k < have; k++)
	{
		s->place[s->gain[k].item] = s->n;
		s->active[s->n] = s->gain[k].item;
		s->w[s->n] = s->was[s->n] = 0;
		s->n++;
	}
	s->phase = have > 0 && s->round++ < MOST_ROUNDS ? ADD : DONE;
}

/* G between the k-th of the set and those before it, into the square. */
static void
add_item(const Slim *slim, Solver *s, int32_t k)
{
	const reco_gram_rows *g = &slim->g;
	int32_t item = s->active[k];
	const float *data = reco_gram_row(g, item);
	const int32_t *col = reco_gram_cols(g, item);
	int32_t n = g->length[item];
	size_t stride = (size_t) slim->stride;
	float *row = s->square + (size_t) k * stride;

	memset(row, 0, stride * sizeof(float));
	if (n < 0)
		for (int32_t m = 0; m <= k; m++)
			row[m] = data[s->active[m]];
	else
		for (int32_t e = 0; e < n; e++)
		{
			int32_t at = s->place[col[e]];

			if (at >= 0 && at <= k)
				row[at] = data[n + e];
		}
	for (int32_t m = 0; m < k; m++)
		s->square[(size_t) m * stride + (size_t) k] = row[m];
}

/* The square's rows and columns of what came in. */
static void
add_items(const Slim *slim, Solver *s)
{
	int64_t done = 0;

	for (; s->next < s->n && done < STEP; s->next++)
	{
		int32_t n = slim->g.length[s->active[s->next]];

		add_item(slim, s, s->next);
		done += slim->stride / 16 + (n < 0 ? 2 * s->next : n + s->next);
	}
	if (s->next < s->n)
		return;
	memset(s->q, 0, (size_t) slim->stride * sizeof(float));
	for (int32_t k = 0; k < s->n; k++)
		s->q[k] = s->r[s->active[k]];
	s->sweep = 0;
	s->phase = SWEEP;
}

/* The best weight of a coordinate, all others as they are. */
static inline float
best_weight(const Slim *slim, double pull, double diagonal)
{
	double x = fabs(pull) - slim->l1;

	if (x <= 0 || (slim->positive && pull < 0))
		return 0;
	return (float) (copysign(x, pull) / (diagonal + slim->l2));
}

/* Once over the weights of the set. */
static void
sweep_weights(const Slim *slim, Solver *s)
{
	int32_t width = stride_of(s->n);
	bool moved = false;

	for (int32_t k = 0; k < s->n; k++)
	{
		const float *row = s->square + (size_t) k * (size_t) slim->stride;
		float w = best_weight(slim, s->q[k] + (double) row[k] * s->w[k], row[k]);
		float change = w - s->w[k];

		if (change == 0)
			continue;
		s->w[k] = w;
		slim->kernels->cg_add(s->q, -change, row, width);
		moved = moved || fabs(change) * (row[k] + slim->l2) > s->enough;
	}
	if (!moved || ++s->sweep == MOST_SWEEPS)
	{
		s->next = 0;
		s->phase = UPDATE;
	}
}

/* r by the weights that have changed. */
static void
update_pulls(const Slim *slim, Solver *s)
{
	const reco_gram_rows *g = &slim->g;
	int32_t width = reco_gram_width(g->items);
	int64_t done = 0;

	for (; s->next < s->n && done < STEP; s->next++)
	{
		int32_t item = s->active[s->next];
		const float *data = reco_gram_row(g, item);
		const int32_t *col = reco_gram_cols(g, item);
		int32_t n = g->length[item];
		float change = s->w[s->next] - s->was[s->next];

		if (change == 0)
			continue;
		s->was[s->next] = s->w[s->next];
		if (n < 0)
			slim->kernels->cg_add(s->r, -change, data, width);
		else
			for (int32_t e = 0; e < n; e++)
				s->r[col[e]] -= change * data[n + e];
		done += n < 0 ? width / 16 : n;
	}
	if (s->next == s->n)
		s->phase = SELECT;
}

/* The item's list; the solver is free again. */
static void
finish(Slim *slim, Solver *s)
{
	reco_weights_fill(&slim->weights, s->item, s->w, s->active, s->n);
	for (int32_t k = 0; k < s->n; k++)
		s->place[s->active[k]] = OUTSIDE;
	s->place[s->item] = OUTSIDE;
	s->item = -1;
}

static void
step(Slim *slim, Solver *s)
{
	switch (s->phase)
	{
		case SELECT:
			select_items(slim, s);
			break;
		case ADD:
			add_items(slim, s);
			break;
		case SWEEP:
			sweep_weights(slim, s);
			break;
		case UPDATE:
			update_pulls(slim, s);
			break;
		case DONE:
			finish(slim, s);
			break;
	}
}

static void
run(const reco_env *env, Slim *slim, Solver *s)
{
	for (int64_t from, to;;)
	{
		if (s->item < 0)
		{
			if (!reco_work_take(&slim->work, &from, &to))
				break;
			begin(slim, s, (int32_t) from);
		}
		step(slim, s);
		if (reco_work_pause(env))
			break;
	}
}

static inline Solver *
solver_of(char *slab, int32_t items, int thread)
{
	return (Solver *) (slab + (size_t) thread * solver_bytes(items));
}

/* All items, by the threads. */
static reco_status
solve(const reco_env *env, Slim *slim, char *slab, reco_slim_progress progress, void *arg)
{
	int32_t items = slim->g.items;
	bool left = items > 0;

	for (int t = 0; t < env->threads; t++)
		init_solver(slab + (size_t) t * solver_bytes(items), items);
	slim->work = reco_work_of(items, 1);
	reco_team_prepare(env->threads);
	while (left)
	{
#pragma omp parallel num_threads(env->threads)
		run(env, slim, solver_of(slab, items, omp_get_thread_num()));
		left = reco_work_left(&slim->work);
		for (int t = 0; t < env->threads; t++)
			left = left || solver_of(slab, items, t)->item >= 0;
		if (env->poll(env->arg))
			return RECO_STOPPED;
		if (progress)
			progress(arg, slim->work.next < items ? (int32_t) slim->work.next : items, items);
	}
	return RECO_OK;
}

static bool
valid(const reco_slim_params *params)
{
	return params->neighbors >= 1 && params->l1 >= 0 && isfinite(params->l1) && params->l2 > 0 &&
		   isfinite(params->l2);
}

reco_status
reco_slim_fit(const reco_env *env, const reco_slim_params *params, const reco_csr *by_user,
			  const reco_csr *by_item, reco_slim_progress progress, void *arg, reco_neighbors *out)
{
	int32_t items = by_item->rows;
	Slim slim = {.kernels = reco_kernels_best(),
				 .positive = params->positive,
				 .most = most_active(items),
				 .stride = stride_of(most_active(items))};
	char *slab = NULL;
	reco_status status;

	*out = (reco_neighbors){0};
	if (!valid(params))
		return RECO_INVALID;
	status = reco_gram_rows_make(env, by_user, by_item, &slim.g);
	slim.l1 = params->l1 * slim.g.scale;
	slim.l2 = params->l2 * slim.g.scale;
	if (status == RECO_OK)
		status = reco_weights_init(env, items, NULL, longest(params, items), &slim.weights);
	if (status == RECO_OK)
	{
		slab = env->alloc(env->arg, (size_t) env->threads * solver_bytes(items));
		status = slab ? solve(env, &slim, slab, progress, arg) : RECO_NO_MEMORY;
	}
	release(env, slab);
	reco_gram_rows_free(env, &slim.g);
	if (status == RECO_OK)
		status = reco_weights_lists(env, &slim.weights, out);
	if (status != RECO_OK)
		reco_neighbors_free(env, out);
	reco_weights_free(env, &slim.weights);
	return status;
}
