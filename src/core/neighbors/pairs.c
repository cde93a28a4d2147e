/*
 * pairs.c
 *	  A sparse matrix made ready for the search of neighbors: rows in order of
 *	  length, weights, and the statistics of the similarity formula.
 *
 * When every weight is 1 none are kept; when they are small integers, a byte each;
 * else they are float4, or float8 for centered values (pairs_weights.c).
 *
 * Cost: a few passes over the entries, shared out among threads.
 */
#include "core/neighbors/pairs.h"
#include "core/neighbors/pairs_build.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"

bool
reco_pair_weighted(const reco_neighbors_params *params, const reco_csr *a)
{
	if (reco_measure_of_sets(params->measure))
		return false;
	return a->value != NULL || params->weighting != RECO_WEIGHTING_NONE ||
		   params->measure == RECO_WALK || centered(params);
}

/*
 * Whether the weights are small integers, and a sum of their products with any other
 * row fits an int32.  Where common columns are counted too the sums are kept apart,
 * which is for floats only.
 */
static bool
has_integers(const reco_neighbors_params *params, const reco_csr *a, const reco_pair_sums *s)
{
	return reco_pair_weighted(params, a) && !centered(params) &&
		   params->weighting == RECO_WEIGHTING_NONE && params->measure != RECO_WALK &&
		   params->min_support <= 1 && s->whole &&
		   s->largest * s->largest * s->longest <= INT32_MAX;
}

/* Ranks rows by falling length, ties by number: a counting sort. */
static reco_status
rank_rows(const reco_env *env, const int32_t *length, reco_pairs *p, int32_t *rank)
{
	int64_t *place;
	int64_t polled = 0;
	int32_t longest = 0;
	bool stopped = false;

	for (int32_t r = 0; r < p->rows; r++)
		longest = length[r] > longest ? length[r] : longest;
	place = zeroed(env, ((size_t) longest + 2) * sizeof(int64_t));
	if (place == NULL)
		return RECO_NO_MEMORY;
	for (int32_t r = 0; r < p->rows; r++)
	{
		place[longest - length[r] + 1]++;
		if (stop_at_entry(env, r, &polled))
		{
			env->release(env->arg, place);
			return RECO_STOPPED;
		}
	}
	polled = 0;
	counts_to_places(place, longest + 1);
	for (int32_t r = 0; r < p->rows && !stopped; r++)
	{
		rank[r] = (int32_t) place[longest - length[r]]++;
		p->row_of[rank[r]] = r;
		p->length[rank[r]] = length[r];
		stopped = stop_at_entry(env, r, &polled);
	}
	env->release(env->arg, place);
	return stopped ? RECO_STOPPED : RECO_OK;
}

/* The matrix on its way into the two sparse forms. */
typedef struct Filling
{
	const reco_neighbors_params *params;
	const reco_csr *a;
	const double *weight;
	reco_pairs *p;
} Filling;

static void
count_step(void *arg, int32_t *place, reco_cursor *at)
{
	const Filling *f = arg;
	const reco_csr *a = f->a;
	int32_t r = f->p->row_of[at->row];
	int64_t from = a->start[r] + at->entry;
	int64_t to = reco_cursor_end(at, from, a->start[r + 1]);

	for (int64_t e = from; e < to; e++)
		place[a->col[e]] += counts(f->params, value_of(a, e));
}

/* Writes an entry in both forms: `at` of the rows, `to` of the columns. */
static inline void
fill_entry(const Filling *f, int64_t e, int32_t k, int64_t at, int64_t to)
{
	reco_pairs *p = f->p;

	if (p->rank16)
		p->rank16[to] = (uint16_t) k;
	else
		p->rank32[to] = k;
	if (p->integer)
		p->row_integer[at] = p->integer[to] = (uint8_t) f->a->value[e];
	else if (p->centered)
		p->row_centered[at] = p->centered[to] = f->weight[e];
	else if (p->weight)
		p->row_weight[at] = p->weight[to] = (float) f->weight[e];
}

static void
fill_step(void *arg, int32_t *place, reco_cursor *at)
{
	const Filling *f = arg;
	const reco_csr *a = f->a;
	reco_pairs *p = f->p;
	int32_t k = (int32_t) at->row;
	int64_t from = a->start[p->row_of[k]] + at->entry;
	int64_t to = reco_cursor_end(at, from, a->start[p->row_of[k] + 1]);
	int64_t out = p->row_start[k] + at->written;

	for (int64_t e = from; e < to; e++)
	{
		int32_t c = a->col[e];

		if (!counts(f->params, value_of(a, e)))
			continue;
		fill_entry(f, e, k, out, p->column_start[c] + place[c]);
		p->column[out] = c;
		p->place[out++] = place[c]++;
	}
	at->written = out - p->row_start[k];
}

/* The two sparse forms, entries that do not count left out. */
static reco_status
fill_entries(const reco_env *env, const reco_neighbors_params *params, const reco_csr *a,
			 const double *weight, reco_pairs *p)
{
	Filling filling = {params, a, weight, p};
	reco_parts parts;
	reco_status status;
	int64_t polled = 0;

	p->row_start[0] = 0;
	for (int32_t k = 0; k < p->rows; k++)
	{
		p->row_start[k + 1] = p->row_start[k] + p->length[k];
		if (stop_at_entry(env, k, &polled))
			return RECO_STOPPED;
	}
	status = reco_parts_init(env, p->rows, p->row_start, p->columns, &parts);
	if (status != RECO_OK)
		return status;
	status = reco_parts_run(&parts, count_step, &filling);
	if (status == RECO_OK)
		status = reco_parts_places(&parts, p->column_start);
	if (status == RECO_OK)
		status = reco_parts_run(&parts, fill_step, &filling);
	reco_parts_free(&parts);
	return status;
}

reco_status
reco_pair_formula_init(const reco_env *env, const reco_neighbors_params *params, double largest,
					   int32_t columns, reco_pair_formula *f)
{
	f->scale = params->measure == RECO_DICE ? 2 : params->measure == RECO_LIFT ? columns : 1;
	f->v = params->measure == RECO_JACCARD   ? 1
		   : params->measure == RECO_TVERSKY ? params->tversky_alpha + params->tversky_beta - 1
											 : 0;
	f->shrinkage = params->shrinkage;
	if (params->measure == RECO_WALK && largest > 0)
		f->shrinkage *= pow(largest, -params->walk_alpha);
	f->min_support = (uint32_t) (params->min_support > 1 ? params->min_support : 1);
	f->symmetric = reco_measure_symmetric(params);
	f->columns = columns;
	for (int32_t n = 0; f->xlogx && n <= columns; n++)
	{
		f->xlogx[n] = n > 0 ? n * log((double) n) : 0;
		if (n % ROWS_PER_POLL == 0 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	f->llr_all = f->xlogx ? f->xlogx[columns] : 0;
	return RECO_OK;
}

reco_pair_part
reco_pair_part_of(const reco_neighbors_params *params, const reco_pair_formula *f, double n,
				  double norm, double share)
{
	switch (params->measure)
	{
		case RECO_COSINE:
		case RECO_ADJUSTED_COSINE:
		case RECO_PEARSON:
			return (reco_pair_part){.x = norm, .y = norm};
		case RECO_ASYMMETRIC:
			return (reco_pair_part){.x = pow(norm, 2 * params->exponent),
									.y = pow(norm, 2 * (1 - params->exponent))};
		case RECO_JACCARD:
		case RECO_DICE:
			return (reco_pair_part){.u = n, .w = n};
		case RECO_TVERSKY:
			return (reco_pair_part){.u = params->tversky_alpha * n, .w = params->tversky_beta * n};
		case RECO_CONDITIONAL:
			/* the list of a is of what is likely given a: the roles change */
			return (reco_pair_part){.u = n};
		case RECO_LIFT:
			return (reco_pair_part){.x = n, .y = n};
		case RECO_LLR:
			return (reco_pair_part){.u = -f->xlogx[(int32_t) n] -
										 f->xlogx[f->columns - (int32_t) n]};
		case RECO_WALK:
			return (reco_pair_part){.x = n > 0 ? pow(share, params->walk_alpha) : 0,
									.y = pow(n, params->walk_beta)};
	}
	return (reco_pair_part){0};
}

/* The statistics of the formula, by rank; norm by original row. */
static reco_status
fill_formula(const reco_env *env, const reco_neighbors_params *params, const reco_pair_sums *s,
			 const double *norm, reco_pairs *p)
{
	reco_pair_formula *f = &p->formula;
	reco_status status = reco_pair_formula_init(env, params, s->largest, p->columns, f);

	for (int32_t k = 0; k < p->rows && status == RECO_OK; k++)
	{
		int32_t r = p->row_of[k];
		reco_pair_part part =
			reco_pair_part_of(params, f, s->row_count[r], norm ? norm[r] : sqrt(s->row_count[r]),
							  s->row_sum[r] / s->largest);

		if (k % ROWS_PER_POLL == 0 && env->poll(env->arg))
			status = RECO_STOPPED;
		f->x[k] = part.x;
		f->y[k] = part.y;
		f->u[k] = part.u;
		f->w[k] = part.w;
	}
	return status;
}

static reco_status
allocate(const reco_env *env, const reco_neighbors_params *params, bool has_weights, bool integers,
		 reco_pairs *p)
{
	size_t rows = (size_t) p->rows + 1;
	size_t entries = (size_t) p->entries + 1;
	reco_pair_formula *f = &p->formula;

	p->row_of = env->alloc(env->arg, rows * sizeof(int32_t));
	p->length = env->alloc(env->arg, rows * sizeof(int32_t));
	p->row_start = env->alloc(env->arg, rows * sizeof(int64_t));
	p->column_start = env->alloc(env->arg, ((size_t) p->columns + 1) * sizeof(int64_t));
	p->column = env->alloc(env->arg, entries * sizeof(int32_t));
	p->place = env->alloc(env->arg, entries * sizeof(int32_t));
	if (p->rows <= 65536)
		p->rank16 = env->alloc(env->arg, entries * sizeof(uint16_t));
	else
		p->rank32 = env->alloc(env->arg, entries * sizeof(int32_t));
	if (integers)
	{
		p->row_integer = env->alloc(env->arg, entries * sizeof(uint8_t));
		p->integer = env->alloc(env->arg, entries * sizeof(uint8_t));
	}
	else if (has_weights && centered(params))
	{
		p->row_centered = env->alloc(env->arg, entries * sizeof(double));
		p->centered = env->alloc(env->arg, entries * sizeof(double));
	}
	else if (has_weights)
	{
		p->row_weight = env->alloc(env->arg, entries * sizeof(float));
		p->weight = env->alloc(env->arg, entries * sizeof(float));
	}
	/* one block for the four statistics */
	f->x = env->alloc(env->arg, 4 * rows * sizeof(double));
	if (f->x)
	{
		f->y = f->x + rows;
		f->u = f->y + rows;
		f->w = f->u + rows;
	}
	if (params->measure == RECO_LLR)
		f->xlogx = env->alloc(env->arg, ((size_t) p->columns + 1) * sizeof(double));
	if (!p->row_of || !p->length || !p->row_start || !p->column_start || !p->column || !p->place ||
		(!p->rank16 && !p->rank32) ||
		(has_weights && (!p->row_weight || !p->weight) && (!p->row_centered || !p->centered) &&
		 (!p->row_integer || !p->integer)) ||
		!f->x || (params->measure == RECO_LLR && !f->xlogx))
		return RECO_NO_MEMORY;
	return RECO_OK;
}

reco_status
reco_pairs_build(const reco_env *env, const reco_neighbors_params *params, const reco_csr *by_row,
				 reco_pairs *p)
{
	bool has_weights = reco_pair_weighted(params, by_row);
	bool integers = false;
	reco_pair_sums s;
	double *weight = NULL;
	double *norm = NULL;
	int32_t *rank = NULL;
	reco_status status;

	*p = (reco_pairs){
		.rows = by_row->rows, .columns = by_row->cols, .entries = by_row->start[by_row->rows]};
	status = reco_pair_sums_compute(env, params, by_row, &s);
	if (status == RECO_OK)
	{
		integers = has_integers(params, by_row, &s);
		status = allocate(env, params, has_weights, integers, p);
	}
	rank = env->alloc(env->arg, ((size_t) p->rows + 1) * sizeof(int32_t));
	if (has_weights)
	{
		if (!integers)
			weight = env->alloc(env->arg, ((size_t) p->entries + 1) * sizeof(double));
		norm = env->alloc(env->arg, ((size_t) p->rows + 1) * sizeof(double));
	}
	if (status == RECO_OK && (!rank || (has_weights && ((!integers && !weight) || !norm))))
		status = RECO_NO_MEMORY;
	if (status == RECO_OK && has_weights)
		status = reco_pair_weights(env, params, by_row, &s, weight, norm);
	if (status == RECO_OK)
		status = rank_rows(env, s.row_count, p, rank);
	if (status == RECO_OK)
		status = fill_entries(env, params, by_row, weight, p);
	if (status == RECO_OK)
		status = reco_pair_bits(env, &s, p);
	if (status == RECO_OK)
		status = fill_formula(env, params, &s, norm, p);
	release(env, rank);
	release(env, norm);
	release(env, weight);
	reco_pair_sums_free(env, &s);
	if (status != RECO_OK)
		reco_pairs_free(env, p);
	return status;
}

void
reco_pairs_free(const reco_env *env, reco_pairs *p)
{
	release(env, p->row_of);
	release(env, p->length);
	release(env, p->row_start);
	release(env, p->column_start);
	release(env, p->column);
	release(env, p->place);
	release(env, p->rank16);
	release(env, p->rank32);
	release(env, p->row_weight);
	release(env, p->weight);
	release(env, p->row_integer);
	release(env, p->integer);
	release(env, p->row_centered);
	release(env, p->centered);
	release(env, p->bits);
	release(env, p->head_size);
	release(env, p->formula.x);
	release(env, p->formula.xlogx);
	memset(p, 0, sizeof(*p));
}
