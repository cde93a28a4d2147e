/*
 * bpr.c
 *	  Factors that rank what users have before what they have not, by stochastic gradient descent.
 *
 * See bpr.h for the method, bpr_step.c for a sample.  An iteration deals items into blocks, sorts
 * the interactions into cells by that, and passes over the cells diagonal by diagonal: those of
 * one diagonal have neither users nor items in common.  Within a cell interactions are drawn with
 * replacement; rows are asked for some samples before they are needed.
 *
 * Memory: the result, and 8 bytes for each interaction.
 */
#include "core/bpr/bpr_parts.h"

#include "core/base/team.h"
#include "core/base/work.h"
#include "core/data/sorting.h"

#include <math.h>
#include <string.h>

/* Blocks of a side: at least, as far as there are users and items; at most. */
#define LEAST_BLOCKS 16
#define MOST_BLOCKS 256
/* Users and items that a block has at least. */
#define LEAST_OF_BLOCK 32
/* Multiply-adds of a cell: a few milliseconds. */
#define CELL_WORK 2e6
/* How many samples ahead rows are asked for. */
#define AHEAD 8
/* Multiply-adds between two looks whether to stop. */
#define LOOK_WORK 131072
/* One sample in so many is looked at for the loss. */
#define LOSS_SHARE 16
#define INITIAL_DEVIATION 0.1f
/* Rows of random numbers: of users, of items, then those of iterations. */
#define USER_ROW (UINT64_C(1) << 61)
#define ITEM_ROW (USER_ROW + (UINT64_C(1) << 40))
#define DEAL_ROW (ITEM_ROW + (UINT64_C(1) << 40))

typedef struct bpr_fit
{
	const reco_env *env;
	const reco_bpr_params *params;
	const reco_csr *by_user;
	reco_bpr_loops loops;
	reco_bpr *out;
	int blocks;
	int iteration;
	float rate;          /* of its steps */
	int32_t *first_user; /* blocks + 1 */
	/* of this iteration */
	uint16_t *block_of;  /* items */
	int32_t *first_item; /* blocks + 1 */
	int32_t *dealt;      /* items, by block */
	double *chance;      /* along dealt, summed up within each block; NULL: evenly */
	double *weight;      /* items: n^popularity; NULL likewise */
	int64_t *cell;       /* blocks^2: where a cell's interactions begin, */
	int64_t *end;        /* and where they end */
	int32_t *user;       /* interactions, by cell */
	int32_t *item;
	double *loss;    /* by cell: sums, */
	int32_t *judged; /* and of how many samples */
	int64_t *drawn;  /* by cell: samples so far */
	reco_flag stop;
} bpr_fit;

static int
rounded(int factors)
{
	return (factors + 15) / 16 * 16;
}

static int
blocks_of(const reco_bpr_params *params, const reco_csr *a)
{
	double work = (double) a->start[a->rows] * rounded(params->factors);
	double blocks = fmin(fmax(sqrt(work / CELL_WORK), LEAST_BLOCKS), MOST_BLOCKS);

	blocks = fmin(blocks, fmin(a->rows, a->cols) / LEAST_OF_BLOCK);
	return blocks < 1 ? 1 : (int) blocks;
}

static size_t
factor_bytes(int32_t rows, int stride)
{
	return ((size_t) rows + 1) * (size_t) stride * sizeof(float);
}

size_t
reco_bpr_memory(const reco_bpr_params *params, const reco_csr *by_user)
{
	int stride = rounded(params->factors);
	size_t items = (size_t) by_user->cols + 1;
	size_t cells = (size_t) blocks_of(params, by_user) + 1;

	cells *= cells;
	return factor_bytes(by_user->rows, stride) + factor_bytes(by_user->cols, stride) +
		   items * (sizeof(float) + sizeof(uint16_t) + sizeof(int32_t) + 3 * sizeof(double)) +
		   ((size_t) by_user->start[by_user->rows] + 1) * 2 * sizeof(int32_t) +
		   cells * (3 * sizeof(int64_t) + sizeof(double) + sizeof(int32_t)) + 64 * 1024;
}

void
reco_bpr_free(const reco_env *env, reco_bpr *bpr)
{
	release(env, bpr->user);
	release(env, bpr->item);
	release(env, bpr->bias);
	release(env, bpr->chance);
	bpr->user = bpr->item = bpr->bias = NULL;
	bpr->chance = NULL;
}

static reco_status
draw_factors(const bpr_fit *fit, float *factor, int32_t rows, uint64_t first_row)
{
	int factors = fit->out->factors;
	int stride = fit->out->stride;
	float deviation = INITIAL_DEVIATION / sqrtf((float) factors);
	int64_t done = 0;

	for (int32_t r = 0; r < rows; r++)
	{
		uint64_t key = reco_rng_row(fit->params->seed, first_row + (uint64_t) r);
		float *x = factor + (size_t) r * (size_t) stride;

		for (int f = 0; f < stride; f++)
			x[f] = f < factors ? deviation * reco_rng_normal(key, (uint64_t) f) : 0;
		if (stop_after(fit->env, 4 * stride, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Ranges of users with about as many interactions each. */
static reco_status
cut_users(const bpr_fit *fit)
{
	const reco_csr *a = fit->by_user;
	int64_t done = 0;
	int b = 0;

	fit->first_user[0] = 0;
	for (int32_t u = 0; u < a->rows; u++)
	{
		while (b + 1 < fit->blocks &&
			   a->start[u] >= (int64_t) ((double) a->start[a->rows] / fit->blocks * (b + 1)))
			fit->first_user[++b] = u;
		if (stop_after(fit->env, 4, &done))
			return RECO_STOPPED;
	}
	while (b < fit->blocks)
		fit->first_user[++b] = a->rows;
	return RECO_OK;
}

/* Each item into a block, by the iteration. */
static reco_status
deal_items(bpr_fit *fit)
{
	int32_t items = fit->by_user->cols;
	uint64_t key = reco_rng_row(fit->params->seed, DEAL_ROW + (uint64_t) fit->iteration);
	int64_t done = 0;

	memset(fit->first_item, 0, ((size_t) fit->blocks + 1) * sizeof(int32_t));
	for (int32_t i = 0; i < items; i++)
	{
		uint32_t bits = (uint32_t) reco_rng_bits(key, (uint64_t) i);

		fit->block_of[i] = (uint16_t) (((uint64_t) bits * (uint32_t) fit->blocks) >> 32);
		fit->first_item[fit->block_of[i] + 1]++;
		if (stop_after(fit->env, 2, &done))
			return RECO_STOPPED;
	}
	for (int b = 0; b < fit->blocks; b++)
		fit->first_item[b + 1] += fit->first_item[b];
	for (int32_t i = 0; i < items; i++)
	{
		fit->dealt[fit->first_item[fit->block_of[i]]++] = i;
		if (stop_after(fit->env, 2, &done))
			return RECO_STOPPED;
	}
	memmove(fit->first_item + 1, fit->first_item, (size_t) fit->blocks * sizeof(int32_t));
	fit->first_item[0] = 0;
	for (int b = 0; b < fit->blocks && fit->chance; b++)
	{
		double sum = 0;

		for (int32_t k = fit->first_item[b]; k < fit->first_item[b + 1]; k++)
		{
			fit->chance[k] = sum += fit->weight[fit->dealt[k]];
			if (stop_after(fit->env, 2, &done))
				return RECO_STOPPED;
		}
	}
	return RECO_OK;
}

/* The interactions of a block of users into its cells; what does not count leaves room. */
static void
sort_block(bpr_fit *fit, int64_t b)
{
	const reco_csr *a = fit->by_user;
	int64_t *cell = fit->cell + b * fit->blocks;
	int64_t *end = fit->end + b * fit->blocks;
	int64_t at = a->start[fit->first_user[b]];
	int64_t last = a->start[fit->first_user[b + 1]];

	memset(end, 0, (size_t) fit->blocks * sizeof(int64_t));
	for (int64_t e = at; e < last; e++)
		end[fit->block_of[a->col[e]]] += reco_bpr_counts(a, e);
	for (int c = 0; c < fit->blocks; c++)
	{
		cell[c] = at;
		at += end[c];
		end[c] = cell[c];
	}
	for (int32_t u = fit->first_user[b]; u < fit->first_user[b + 1]; u++)
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
			if (reco_bpr_counts(a, e))
			{
				int64_t to = end[fit->block_of[a->col[e]]]++;

				fit->user[to] = u;
				fit->item[to] = a->col[e];
			}
}

static reco_status
sort_cells(bpr_fit *fit)
{
	const reco_env *env = fit->env;
	reco_work work = reco_work_of(fit->blocks, 1);

	do
	{
#pragma omp parallel num_threads(env->threads)
		for (int64_t b, next; reco_work_take(&work, &b, &next);)
		{
			sort_block(fit, b);
			if (reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg))
			return RECO_STOPPED;
	} while (reco_work_left(&work));
	return RECO_OK;
}

static inline float *
row_of(float *side, int32_t r, int stride)
{
	return side + (size_t) r * (size_t) stride;
}

static inline void
ask_for(const float *row)
{
	for (int k = 0; k < 4; k++)
		__builtin_prefetch((const char *) row + (ptrdiff_t) k * RECO_ALIGN, 1);
}

/* An interaction of a cell, and its user's and its items' rows before they are needed. */
static inline int64_t
draw(const bpr_fit *fit, const reco_bpr_urn *urn, int64_t first, int64_t n, uint64_t key,
	 uint64_t number)
{
	uint64_t bits = reco_rng_bits(key, number);
	int64_t at = first + (int64_t) (((bits >> 32) * (uint64_t) n) >> 32);
	int stride = fit->out->stride;

	ask_for(row_of(fit->out->user, fit->user[at], stride));
	ask_for(row_of(fit->out->item, fit->item[at], stride));
	if (urn->chance == NULL && fit->params->loss == RECO_BPR)
		ask_for(row_of(fit->out->item, reco_bpr_draw(urn, (uint32_t) bits), stride));
	return at;
}

/* One sample. */
static void
step(const bpr_fit *fit, const reco_bpr_urn *urn, int64_t at, uint64_t key, uint64_t number,
	 double *loss, int32_t *judged)
{
	const reco_csr *a = fit->by_user;
	const reco_bpr *out = fit->out;
	const reco_bpr_params *params = fit->params;
	int32_t u = fit->user[at];
	float *p = row_of(out->user, u, out->stride);
	float rate = fit->rate;
	float keep = (float) (1 - rate * params->regularization);
	reco_bpr_sample s =
		reco_bpr_take(&fit->loops, params, out, urn, p, fit->item[at],
					  a->start[u + 1] - a->start[u], a->col + a->start[u], key, number);

	if (number % LOSS_SHARE == 0 && s.j != s.i)
	{
		*loss += reco_bpr_loss_of(params, &s);
		(*judged)++;
	}
	if (!(s.weight > 0))
		return;
	fit->loops.move(p, row_of(out->item, s.i, out->stride), row_of(out->item, s.j, out->stride),
					out->stride, rate * s.weight, keep);
	if (!params->biases)
		return;
	out->bias[s.i] = keep * out->bias[s.i] + rate * s.weight;
	out->bias[s.j] = keep * out->bias[s.j] - rate * s.weight;
}

static bool
is_done(const bpr_fit *fit, int64_t number)
{
	return fit->drawn[number] == fit->end[number] - fit->cell[number];
}

/* As many samples of a cell as it has interactions; it may be left, to be gone on with. */
static void
descend(bpr_fit *fit, int64_t number)
{
	int32_t block = (int32_t) (number % fit->blocks);
	int32_t from = fit->first_item[block];
	reco_bpr_urn urn = {fit->first_item[block + 1] - from, fit->dealt + from,
						fit->chance ? fit->chance + from : NULL};
	int64_t cells = (int64_t) fit->blocks * fit->blocks;
	uint64_t key = reco_rng_row(fit->params->seed, (uint64_t) (fit->iteration * cells + number));
	int64_t first = fit->cell[number];
	int64_t n = fit->end[number] - first;
	int64_t look = LOOK_WORK / reco_bpr_sample_work(fit->params, fit->out) + 1;
	int64_t ahead[AHEAD];
	bool left = false;
	int64_t t = fit->drawn[number];

	for (int64_t k = t; k < t + AHEAD && k < n; k++)
		ahead[k % AHEAD] = draw(fit, &urn, first, n, key, (uint64_t) k);
	for (; t < n && !left; t++)
	{
		int64_t at = ahead[t % AHEAD];

		if (t + AHEAD < n)
			ahead[t % AHEAD] = draw(fit, &urn, first, n, key, (uint64_t) (t + AHEAD));
		step(fit, &urn, at, key, (uint64_t) t, &fit->loss[number], &fit->judged[number]);
		left = (t + 1) % look == 0 &&
			   (reco_team_stops(fit->env, &fit->stop) || reco_work_pause(fit->env));
	}
	fit->drawn[number] = t;
}

/* The cells of a diagonal, each with its own users and its own items. */
static reco_status
pass_diagonal(bpr_fit *fit, int diagonal)
{
	const reco_env *env = fit->env;
	bool left = true;

	while (left)
	{
		reco_work work = reco_work_of(fit->blocks, 1);

#pragma omp parallel num_threads(env->threads)
		for (int64_t b, next; reco_work_take(&work, &b, &next);)
		{
			int64_t number = b * fit->blocks + (b + diagonal) % fit->blocks;

			if (is_done(fit, number))
				continue;
			descend(fit, number);
			if (reco_flag_up(&fit->stop) || reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg) || reco_flag_up(&fit->stop))
			return RECO_STOPPED;
		left = false;
		for (int b = 0; b < fit->blocks && !left; b++)
			left = !is_done(fit, b * fit->blocks + (b + diagonal) % fit->blocks);
	}
	return RECO_OK;
}

static reco_status
iterate(bpr_fit *fit, reco_bpr_progress progress, void *progress_arg)
{
	int cells = fit->blocks * fit->blocks;
	reco_status status = RECO_OK;

	for (int t = 1; t <= fit->params->iterations && status == RECO_OK; t++)
	{
		double loss = 0;
		int64_t judged = 0;

		fit->iteration = t;
		fit->rate =
			(float) (fit->params->learning_rate * (1 - (t - 1.0) / fit->params->iterations));
		memset(fit->loss, 0, (size_t) cells * sizeof(double));
		memset(fit->judged, 0, (size_t) cells * sizeof(int32_t));
		memset(fit->drawn, 0, (size_t) cells * sizeof(int64_t));
		status = deal_items(fit);
		if (status == RECO_OK)
			status = sort_cells(fit);
		for (int d = 0; d < fit->blocks && status == RECO_OK; d++)
			status = pass_diagonal(fit, d);
		for (int c = 0; c < cells && status == RECO_OK; c++)
		{
			loss += fit->loss[c];
			judged += fit->judged[c];
		}
		if (status == RECO_OK && progress)
			progress(progress_arg, t, judged > 0 ? loss / (double) judged : 0);
	}
	return status;
}

static reco_status
allocate(bpr_fit *fit)
{
	const reco_env *env = fit->env;
	reco_bpr *out = fit->out;
	size_t items = (size_t) out->items + 1;
	size_t entries = (size_t) fit->by_user->start[fit->by_user->rows] + 1;
	size_t blocks = (size_t) fit->blocks + 1;
	bool popular = fit->params->popularity > 0;

	out->user = env->alloc(env->arg, factor_bytes(out->users, out->stride));
	out->item = env->alloc(env->arg, factor_bytes(out->items, out->stride));
	out->bias = zeroed(env, items * sizeof(float));
	out->chance = popular ? env->alloc(env->arg, items * sizeof(double)) : NULL;
	fit->weight = popular ? env->alloc(env->arg, items * sizeof(double)) : NULL;
	fit->chance = popular ? env->alloc(env->arg, items * sizeof(double)) : NULL;
	fit->first_user = env->alloc(env->arg, blocks * sizeof(int32_t));
	fit->first_item = env->alloc(env->arg, blocks * sizeof(int32_t));
	fit->block_of = env->alloc(env->arg, items * sizeof(uint16_t));
	fit->dealt = env->alloc(env->arg, items * sizeof(int32_t));
	fit->cell = env->alloc(env->arg, blocks * blocks * sizeof(int64_t));
	fit->end = env->alloc(env->arg, blocks * blocks * sizeof(int64_t));
	fit->loss = env->alloc(env->arg, blocks * blocks * sizeof(double));
	fit->judged = env->alloc(env->arg, blocks * blocks * sizeof(int32_t));
	fit->drawn = env->alloc(env->arg, blocks * blocks * sizeof(int64_t));
	fit->user = env->alloc(env->arg, entries * sizeof(int32_t));
	fit->item = env->alloc(env->arg, entries * sizeof(int32_t));
	return out->user && out->item && out->bias && fit->first_user && fit->first_item &&
				   fit->block_of && fit->dealt && fit->cell && fit->end && fit->loss &&
				   fit->judged && fit->drawn && fit->user && fit->item &&
				   (!popular || (out->chance && fit->weight && fit->chance))
			   ? RECO_OK
			   : RECO_NO_MEMORY;
}

static void
free_fit(bpr_fit *fit)
{
	void *all[] = {fit->weight, fit->chance, fit->first_user, fit->first_item, fit->block_of,
				   fit->dealt,  fit->cell,   fit->end,        fit->loss,       fit->judged,
				   fit->drawn,  fit->user,   fit->item};

	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		release(fit->env, all[k]);
}

static reco_status
run(bpr_fit *fit, reco_bpr_progress progress, void *progress_arg)
{
	reco_bpr *out = fit->out;
	reco_status status = allocate(fit);

	if (status == RECO_OK)
		status = draw_factors(fit, out->user, out->users, USER_ROW);
	if (status == RECO_OK)
		status = draw_factors(fit, out->item, out->items, ITEM_ROW);
	if (status == RECO_OK)
		status = cut_users(fit);
	if (status == RECO_OK && out->chance)
		status = reco_bpr_weigh(fit->env, fit->params, fit->by_user, fit->weight, out->chance);
	if (status == RECO_OK)
		status = iterate(fit, progress, progress_arg);
	if (status == RECO_OK)
		status = reco_bpr_check(fit->env, out);
	if (status == RECO_OK)
		status = reco_bpr_fold_in_all(fit->env, fit->params, fit->by_user, out, out->user);
	return status;
}

reco_status
reco_bpr_fit(const reco_env *env, const reco_bpr_params *params, const reco_csr *by_user,
			 reco_bpr_progress progress, void *progress_arg, reco_bpr *out)
{
	bpr_fit fit = {.env = env, .params = params, .by_user = by_user, .out = out};
	reco_status status;

	*out = (reco_bpr){.users = by_user->rows, .items = by_user->cols};
	if (!reco_bpr_valid(params) || env->threads < 1)
		return RECO_INVALID;
	out->factors = params->factors;
	out->stride = rounded(params->factors);
	fit.loops = reco_bpr_loops_best();
	fit.blocks = blocks_of(params, by_user);
	reco_team_prepare(env->threads);
	status = run(&fit, progress, progress_arg);
	free_fit(&fit);
	if (status != RECO_OK)
		reco_bpr_free(env, out);
	return status;
}
