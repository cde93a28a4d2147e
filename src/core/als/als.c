/*
 * als.c
 *	  Matrix factorization by alternating least squares: training, and more items by a training.
 *
 * See als.h for the models and als_half.h for how the work is divided.  The
 * state of a training is the result itself (both sides' factors and biases);
 * everything else is scratch, allocated before the first iteration: one slab of
 * what a half step shares, one of its tiles, one slab for each thread.
 *
 * The loss of the implicit model counts all cells, not only the stored ones:
 *	 sum_all c (p - s)^2 = sum_stored [c (p - s)^2 - s^2] + sum_u x_u' Y'Y x_u
 * so that each user's part comes out of solving its row.
 */
#include "core/als/als_half.h"
#include "core/data/parts.h"
#include "core/linear/gram.h"
#include "core/base/team.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/*
 * From this size on the conjugate gradient solver reads packed factors (isa/alspass.c), unless rows
 * are to converge.
 */
#define PACKED_FROM (1024 * 1024)

/* Rows that are planned between two looks. */
#define PLANNED_ROWS 16

/* What one training holds. */
typedef struct als_fit
{
	const reco_env *env;
	const reco_als_params *params;
	reco_als_solver solver;
	const reco_csr *matrix[2]; /* by user, by item */
	const float *center;       /* of the users; NULL: 0 */
	const reco_als_base *base; /* NULL: all is trained */
	reco_factors *out;
	als_schedule schedule[2];
	als_basis basis;
	double *gram; /* d x d */
	char *gram_slab;
	char *thread_slab;
	size_t thread_room;
	char *tiles; /* NULL: there are none */
	int ld;      /* of the exact solver */
	int wide;    /* of the conjugate gradient solver */
	/* of the half step that runs */
	als_system system;
	als_tiled tiled;
	const reco_csr *rows;
	float *x;
	float *x_bias;
	bool converge;
	bool with_loss;
} als_fit;

/* The solver that RECO_ALS_AUTO stands for. */
static reco_als_solver
choose_solver(const reco_als_params *p, const reco_csr *by_user)
{
	double d = p->factors;
	double work = (double) by_user->start[by_user->rows] * d * d +
				  ((double) by_user->rows + by_user->cols) * d * d * d / 3;

	if (p->solver != RECO_ALS_AUTO)
		return p->solver;
	/* exactness is free when an iteration takes a few milliseconds */
	return work < 2e7 ? RECO_ALS_CHOLESKY : RECO_ALS_CG;
}

static int
system_order(const reco_als_params *p)
{
	return p->factors + (!p->implicit && p->biases ? 1 : 0);
}

/* Sizes of the scratch slabs. */
static size_t
shared_bytes(const reco_als_params *p, const reco_csr *by_user, int threads)
{
	int ld = (system_order(p) + 15) / 16 * 16;
	int wide = (system_order(p) + 31) / 32 * 32;
	int32_t columns = by_user->rows > by_user->cols ? by_user->rows : by_user->cols;

	return reco_room((size_t) p->factors * p->factors * sizeof(double)) +
		   reco_gram_bytes(ld, threads) +
		   (choose_solver(p, by_user) == RECO_ALS_CHOLESKY ? 0 : als_basis_bytes(columns, wide)) +
		   als_schedule_bytes(by_user->rows, threads) + als_schedule_bytes(by_user->cols, threads);
}

static size_t
thread_bytes(const reco_als_params *p)
{
	return reco_room(als_cg_bytes((system_order(p) + 31) / 32 * 32));
}

static size_t
side_bytes(const reco_als_params *p, int32_t rows)
{
	size_t stride = ((size_t) p->factors + 15) / 16 * 16;

	return reco_room((size_t) rows * stride * sizeof(float)) +
		   reco_room((size_t) rows * sizeof(float)) + 2 * RECO_ALIGN;
}

/* What the tiles of one half step take. */
static size_t
tiled_bytes(const reco_als_params *p, const reco_csr *by_user)
{
	int wide = (system_order(p) + 31) / 32 * 32;
	int64_t entries = by_user->start[by_user->rows];
	size_t users = als_tiled_bytes(by_user->rows, entries, by_user->cols, wide, p->tile);
	size_t items = als_tiled_bytes(by_user->cols, entries, by_user->rows, wide, p->tile);

	return choose_solver(p, by_user) == RECO_ALS_CHOLESKY ? 0 : users > items ? users : items;
}

size_t
reco_als_memory(const reco_als_params *params, const reco_csr *by_user, int threads)
{
	return side_bytes(params, by_user->rows) + side_bytes(params, by_user->cols) +
		   shared_bytes(params, by_user, threads) + tiled_bytes(params, by_user) +
		   (size_t) threads * thread_bytes(params) + 4096;
}

static void
release(const reco_env *env, void *p)
{
	if (p)
		env->release(env->arg, p);
}

static void
release_factors(const reco_env *env, reco_factors *f)
{
	release(env, f->user);
	release(env, f->item);
	release(env, f->user_bias);
	release(env, f->item_bias);
	f->user = f->item = f->user_bias = f->item_bias = NULL;
}

static bool
alloc_factors(const reco_env *env, const reco_als_params *p, const reco_csr *by_user,
			  reco_factors *f)
{
	memset(f, 0, sizeof(*f));
	f->users = by_user->rows;
	f->items = by_user->cols;
	f->factors = p->factors;
	f->stride = (p->factors + 15) / 16 * 16;
	/* at least one element, so that NULL always means exhausted */
	f->user = env->alloc(env->arg, ((size_t) f->users * f->stride + 1) * sizeof(float));
	f->item = env->alloc(env->arg, ((size_t) f->items * f->stride + 1) * sizeof(float));
	if (!p->implicit && p->biases)
	{
		f->user_bias = env->alloc(env->arg, ((size_t) f->users + 1) * sizeof(float));
		f->item_bias = env->alloc(env->arg, ((size_t) f->items + 1) * sizeof(float));
		if (!f->user_bias || !f->item_bias)
			return false;
	}
	return f->user != NULL && f->item != NULL;
}

/* The mean of all values, summed up in order. */
static reco_status
mean_value(const reco_env *env, const reco_csr *m, double *mean)
{
	int64_t n = m->start[m->rows];
	double sum = 0;

	*mean = n > 0 ? 1.0 : 0.0;
	if (m->value == NULL || n == 0)
		return RECO_OK;
	for (int64_t first = 0; first < n; first += 4000000)
	{
		int64_t last = first + 4000000 < n ? first + 4000000 : n;

		for (int64_t j = first; j < last; j++)
			sum += m->value[j];
		if (env->poll(env->arg))
			return RECO_STOPPED;
	}
	*mean = sum / (double) n;
	return RECO_OK;
}

static reco_als_row
row_of(const als_fit *fit, int32_t r)
{
	const reco_csr *m = fit->rows;
	reco_als_row row = {m->start[r + 1] - m->start[r], m->col + m->start[r],
						m->value ? m->value + m->start[r] : NULL, NULL};

	if (fit->center && fit->rows == fit->matrix[0])
		row.center = fit->center + (size_t) r * reco_als_center_stride(fit->params);
	return row;
}

/* With conjugate gradients.  next: see als_row_solver. */
static reco_status
solve_cg(const reco_env *env, als_fit *fit, int thread, int32_t r, int32_t next, als_given *given,
		 als_objective *reached)
{
	const reco_csr *m = fit->rows;
	reco_als_row row = row_of(fit, r);
	als_cg c;

	als_cg_layout(&c, fit->thread_slab + (size_t) thread * fit->thread_room, fit->wide);
	c.next_n = 0;
	c.given = given;
	if (next >= 0)
	{
		int64_t n = m->start[next + 1] - m->start[next];

		c.next = m->col + m->start[next];
		c.next_n = n < ALS_AHEAD ? (int) n : ALS_AHEAD;
		__builtin_prefetch(fit->x + (size_t) next * fit->out->stride);
	}
	return als_cg_row(env, &fit->system, &fit->basis, &c, &row, fit->converge,
					  fit->x + (size_t) r * fit->out->stride, fit->x_bias ? fit->x_bias + r : NULL,
					  reached);
}

static reco_status
solve_row(const reco_env *env, void *arg, int thread, int32_t r, int32_t next,
		  als_objective *reached)
{
	als_fit *fit = arg;
	reco_als_row row = row_of(fit, r);
	float *x = fit->x + (size_t) r * fit->out->stride;
	float *bias = fit->x_bias ? fit->x_bias + r : NULL;
	bool none;
	als_exact e;
	reco_status status = als_no_target(env, &fit->system, &row, &none);

	if (status != RECO_OK)
		return status;
	if (none)
	{
		memset(x, 0, (size_t) fit->out->stride * sizeof(float));
		if (bias)
			*bias = 0;
		return RECO_OK;
	}
	reached = fit->with_loss ? reached : NULL;
	if (fit->solver != RECO_ALS_CHOLESKY)
		return solve_cg(env, fit, thread, r, next, als_tiled_given(&fit->tiled, r), reached);
	als_exact_layout(&e, fit->thread_slab + (size_t) thread * fit->thread_room, fit->ld);
	return als_exact_row(env, &fit->system, &e, &row, x, bias, reached);
}

/* Any thread: where some rows with tiles begin. */
static void
start_rows(void *arg, int64_t from, int64_t end)
{
	als_fit *fit = arg;
	const int32_t *order = fit->schedule[fit->rows == fit->matrix[1]].order;

	for (int64_t k = from; k < end; k++)
	{
		als_given *given = &fit->tiled.given[k];

		als_cg_start(&fit->system, &fit->basis, fit->x + (size_t) order[k] * fit->out->stride,
					 fit->x_bias ? fit->x_bias + order[k] : NULL, given->p);
		for (int pass = 0; pass < ALS_TILED_PASSES; pass++)
			memset(given->sum + pass * given->room, 0, (size_t) fit->wide * sizeof(float));
	}
}

/* Any thread: in which direction they go on. */
static void
plan_rows(void *arg, int64_t from, int64_t end)
{
	als_fit *fit = arg;
	const int32_t *order = fit->schedule[fit->rows == fit->matrix[1]].order;

	for (int64_t k = from; k < end; k++)
	{
		als_given *given = &fit->tiled.given[k];

		given->plans = true;
		(void) solve_cg(fit->env, fit, omp_get_thread_num(), order[k], -1, given, NULL);
		given->plans = false;
	}
}

/* The passes of long rows that are made tile by tile, where the columns are in no cache. */
static reco_status
pass_tiles(als_fit *fit, int side)
{
	const reco_env *env = fit->env;
	const als_schedule *sch = &fit->schedule[side];
	als_tiled *t = &fit->tiled;
	reco_status status;

	t->rows = 0;
	if (fit->tiles == NULL || fit->converge)
		return RECO_OK;
	als_tiled_init(sch, fit->rows, &fit->basis, fit->params->tile, fit->tiles, t);
	if (t->rows == 0)
		return RECO_OK;
	status = reco_share(env, t->rows, PLANNED_ROWS, start_rows, fit);
	for (int k = 0; k < ALS_TILED_PASSES && status == RECO_OK; k++)
	{
		status = als_tiled_pass(env, &fit->system, &fit->basis, fit->rows, t, sch);
		if (status == RECO_OK && k + 1 < ALS_TILED_PASSES)
			status = reco_share(env, t->rows, PLANNED_ROWS, plan_rows, fit);
	}
	return status;
}

/*
 * Solves the rows of fit->matrix[side] (0: users) with the other side fixed;
 * last: in the last iteration.
 */
static reco_status
half_step(als_fit *fit, int side, bool last, bool with_loss, als_objective *reached)
{
	const reco_env *env = fit->env;
	reco_factors *out = fit->out;
	const reco_csr *columns = fit->matrix[1 - side];
	const float *y = side == 0 ? out->item : out->user;
	const float *y_bias = side == 0 ? out->item_bias : out->user_bias;
	bool use_basis = fit->solver == RECO_ALS_CG;
	bool converge = use_basis && (fit->base || (last && side == 0));
	bool packed = !converge && (size_t) columns->rows * fit->wide * sizeof(float) >= PACKED_FROM;
	reco_status status;

	fit->rows = fit->matrix[side];
	fit->x = side == 0 ? out->user : out->item;
	fit->x_bias = side == 0 ? out->user_bias : out->item_bias;
	fit->converge = converge;
	fit->with_loss = with_loss;
	als_system_init(&fit->system, fit->params, columns->rows, out->mean, y, out->stride, y_bias,
					fit->gram);
	fit->system.improve = !(last && side == 0);
	if (fit->params->implicit)
		status = reco_gram(env, fit->system.k, y, columns->rows, out->factors, false, out->stride,
						   NULL, fit->gram_slab, fit->gram, out->factors);
	else if (use_basis)
		status =
			reco_gram(env, fit->system.k, y, columns->rows, out->factors, fit->system.biases,
					  out->stride, columns->start, fit->gram_slab, fit->basis.work, fit->system.D);
	else
		status = RECO_OK;
	if (status == RECO_OK && use_basis)
		status = als_basis_make(env, &fit->system, &fit->basis, columns->rows, columns->start,
								packed, fit->gram_slab);
	if (status == RECO_OK)
		status = pass_tiles(fit, side);
	if (status == RECO_OK)
		status = als_run(env, &fit->schedule[side], fit->rows, solve_row, fit, reached);
	return status;
}

/* Rough multiply-adds of an entry and of a row, for the schedule. */
static void
costs(const als_fit *fit, double *entry, double *row)
{
	double d = fit->ld;

	*entry = fit->solver == RECO_ALS_CHOLESKY ? d * d + 4 * d : 6 * d + 50;
	*row = fit->solver == RECO_ALS_CHOLESKY ? d * d * d / 3 + 4 * d * d : 4 * d * d + 1000;
}

static reco_status
run_iterations(als_fit *fit, reco_als_progress progress, void *progress_arg, double *loss)
{
	int iterations = fit->params->iterations;
	bool with_loss = loss != NULL || progress != NULL;

	for (int it = 0; it < iterations; it++)
	{
		als_objective items = {0, 0};
		als_objective users = {0, 0};
		bool last = it == iterations - 1;
		double total;
		reco_status status = half_step(fit, 1, last, with_loss, &items);

		if (status == RECO_OK)
			status = half_step(fit, 0, last, with_loss, &users);
		if (status != RECO_OK)
			return status;
		total = with_loss ? users.loss + items.penalty : NAN;
		if (loss)
			loss[it] = total;
		if (progress)
			progress(progress_arg, it + 1, total);
	}
	return RECO_OK;
}

/* Users are solved with the items that are known, the new ones with them, and all users again. */
static reco_status
run_extension(als_fit *fit)
{
	als_objective reached;
	reco_status status = half_step(fit, 0, true, false, &reached);

	if (status == RECO_OK)
		status = half_step(fit, 1, true, false, &reached);
	if (status == RECO_OK)
		status = half_step(fit, 0, true, false, &reached);
	return status;
}

/* Items are as the base has them, those that are new at 0. */
static reco_status
take_base(als_fit *fit)
{
	const reco_factors *from = fit->base->f;
	reco_factors *out = fit->out;
	int64_t step = 4000000 / out->stride + 1;

	out->mean = from->mean;
	for (int64_t i = 0; i < out->items; i++)
	{
		int64_t at = fit->base->item[i];

		if (i % step == step - 1 && fit->env->poll(fit->env->arg))
			return RECO_STOPPED;
		if (at < 0 || fit->matrix[1]->start[i + 1] == fit->matrix[1]->start[i])
			continue;
		memcpy(out->item + (size_t) i * out->stride, from->item + (size_t) at * from->stride,
			   (size_t) out->factors * sizeof(float));
		if (out->item_bias)
			out->item_bias[i] = from->item_bias[at];
	}
	return RECO_OK;
}

/* From where factors begin to where they end. */
static reco_status
run_fit(als_fit *fit, reco_als_progress progress, void *progress_arg, double *loss)
{
	const reco_env *env = fit->env;
	reco_status status = als_begin(env, fit->params, fit->matrix[0], fit->center, fit->out);

	if (status == RECO_OK && fit->base)
		status = take_base(fit);
	else if (status == RECO_OK && !fit->params->implicit)
		status = mean_value(env, fit->matrix[0], &fit->out->mean);
	if (status == RECO_OK)
		status = fit->base ? run_extension(fit) : run_iterations(fit, progress, progress_arg, loss);
	return status;
}

/* fit has what is given: memory for the rest, and all of it. */
static reco_status
fit_all(als_fit *fit, reco_als_progress progress, void *progress_arg, double *loss)
{
	const reco_env *env = fit->env;
	const reco_als_params *params = fit->params;
	const reco_csr *by_user = fit->matrix[0];
	reco_factors *out = fit->out;
	char *slab = NULL;
	size_t tiles;
	char *at;
	double entry;
	double row;
	reco_status status = RECO_OK;

	memset(out, 0, sizeof(*out));
	if (!als_valid_params(params) || env->threads < 1 || by_user->rows != fit->matrix[1]->cols ||
		by_user->cols != fit->matrix[1]->rows)
		return RECO_INVALID;
	reco_team_prepare(env->threads);
	fit->solver = choose_solver(params, by_user);
	fit->ld = (system_order(params) + 15) / 16 * 16;
	fit->wide = (system_order(params) + 31) / 32 * 32;
	fit->thread_room = thread_bytes(params);
	tiles = fit->base ? 0 : tiled_bytes(params, by_user);
	if (!alloc_factors(env, params, by_user, out) ||
		(slab = env->alloc(env->arg, shared_bytes(params, by_user, env->threads))) == NULL ||
		(fit->thread_slab = env->alloc(env->arg, env->threads * fit->thread_room)) == NULL ||
		(tiles > 0 && (fit->tiles = env->alloc(env->arg, tiles)) == NULL))
		status = RECO_NO_MEMORY;
	else
	{
		at = slab;
		fit->gram =
			reco_take(&at, reco_room((size_t) params->factors * params->factors * sizeof(double)));
		fit->gram_slab = reco_take(&at, reco_gram_bytes(fit->ld, env->threads));
		costs(fit, &entry, &row);
		for (int side = 0; side < 2 && status == RECO_OK; side++)
			status = als_schedule_layout(
				env, &fit->schedule[side],
				reco_take(&at, als_schedule_bytes(fit->matrix[side]->rows, env->threads)),
				fit->matrix[side], side == 1 && fit->base ? fit->base->item : NULL, entry, row);
		if (fit->solver != RECO_ALS_CHOLESKY)
			als_basis_layout(&fit->basis, at, out->users > out->items ? out->users : out->items,
							 fit->wide);
		if (status == RECO_OK)
			status = run_fit(fit, progress, progress_arg, loss);
	}
	release(env, fit->thread_slab);
	release(env, fit->tiles);
	release(env, slab);
	if (status != RECO_OK)
		release_factors(env, out);
	return status;
}

reco_status
reco_als_fit(const reco_env *env, const reco_als_params *params, const reco_csr *by_user,
			 const reco_csr *by_item, const float *center, reco_als_progress progress,
			 void *progress_arg, double *loss, reco_factors *out)
{
	als_fit fit = {
		.env = env,
		.params = params,
		.matrix = {by_user, by_item},
		.center = center,
		.out = out,
	};

	return fit_all(&fit, progress, progress_arg, loss);
}

reco_status
reco_als_extend(const reco_env *env, const reco_als_params *params, const reco_csr *by_user,
				const reco_csr *by_item, const float *center, const reco_als_base *base,
				reco_factors *out)
{
	als_fit fit = {
		.env = env,
		.params = params,
		.matrix = {by_user, by_item},
		.center = center,
		.base = base,
		.out = out,
	};

	return fit_all(&fit, NULL, NULL, NULL);
}
