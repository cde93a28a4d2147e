/*
 * neighbors_query.c
 *	  The nearest rows of a new row, from an index of columns (neighbors_index.h).
 *
 * The new row runs through its columns, and in each through the rows that have it: their products
 * add up in a sum for each row.  Where few rows are met, their sums are in a hash table, which
 * costs nothing for the others; where many, each row of the matrix has a place, and all are
 * compared with the list's worst by the kernel of the search among all rows (isa/pairs.c).  Sums
 * are added up in the order of columns either way.
 *
 * An index may come from a file: a number of a row leads to its place or, when it is beyond the
 * matrix, to one behind all others.
 */
#include "core/neighbors/neighbors_index.h"

#include "core/base/dispatch.h"
#include "core/data/sorting.h"
#include "core/neighbors/neighbors_lists.h"
#include "core/neighbors/pairs_build.h"

/* Rows that are compared at a time. */
#define SCAN 1024
/* Entries to one row of the matrix below which a hash table is cheaper than a place for each. */
#define FEW 8
/* Entries of a column that are added between two polls. */
#define ENTRIES_AT_A_TIME 65536

/* What an entry of the index adds. */
typedef enum Adds
{
	ADDS_ONE,
	ADDS_VALUE,
	ADDS_LESS_ROW,   /* its value less the row's mean */
	ADDS_LESS_COLUMN /* its value less the column's */
} Adds;

typedef struct Query
{
	const reco_env *env;
	const reco_neighbors_params *params;
	const reco_row_index *index;
	reco_row_numbers numbers;
	uint32_t rows;
	int32_t own;

	/* the new row: its columns that count */
	int32_t n;
	int32_t *column;
	double *factor;
	int32_t length;
	reco_pair_part part;
	reco_pair_formula formula;

	/* sums by row, or by slot of the table; dot NULL: the counts are the products */
	Adds adds;
	double *dot;
	int32_t *count;   /* common columns; NULL: not asked for */
	bool members;     /* of them only those with a value */
	int32_t *slot_of; /* the table: slots by hash, -1: none; NULL: each row has a place */
	int32_t *row_of;  /* by slot */
	int32_t slots;
	int bits;
	Lists list;
} Query;

/* Entries of the index under the new row's columns. */
static int64_t
entries_of(const Query *q)
{
	const int64_t *start = q->index->by_column.start;
	int64_t entries = 0;

	for (int32_t j = 0; j < q->n; j++)
		entries += start[q->column[j] + 1] - start[q->column[j]];
	return entries;
}

/* The weights of the new row, by the statistics of the matrix, and its part of the formula. */
static reco_status
weigh(Query *q, const reco_csr *row, double *weight, double *sum, int32_t *count, int32_t *place)
{
	const reco_env *env = q->env;
	const int64_t *start = q->index->by_column.start;
	int32_t n = (int32_t) row->start[1];
	reco_csr local = {1, n, row->start, place, row->value};
	double row_sum;
	double row_mean;
	double norm;
	reco_pair_sums s = {.row_sum = &row_sum,
						.row_mean = &row_mean,
						.column_sum = sum,
						.row_count = &q->length,
						.column_count = count,
						.mean_length = *q->numbers.mean_length,
						.largest = *q->numbers.largest,
						.whole = true};
	reco_status status;
	int64_t done = 0;

	for (int32_t j = 0; j < n; j++)
	{
		int32_t c = row->col[j];

		place[j] = j;
		sum[j] = q->numbers.column[c];
		count[j] = (int32_t) (start[c + 1] - start[c]);
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	status = reco_pair_weigh_one(env, q->params, &local, (int32_t) q->rows, &s, weight, &norm);
	if (status != RECO_OK)
		return status;
	q->formula.xlogx = NULL;
	status =
		reco_pair_formula_init(env, q->params, s.largest, q->index->by_column.rows, &q->formula);
	if (q->params->measure == RECO_LLR)
	{
		q->formula.xlogx = q->numbers.column;
		q->formula.llr_all = q->formula.xlogx[q->formula.columns];
	}
	q->part = reco_pair_part_of(q->params, &q->formula, q->length, norm, row_sum / s.largest);
	for (int32_t j = 0; j < n; j++)
		if (counts(q->params, value_of(row, j)))
		{
			q->column[q->n] = row->col[j];
			q->factor[q->n++] = reco_measure_of_sets(q->params->measure) ? 1 : weight[j];
		}
	return status;
}

/* The new row, made ready. */
static reco_status
prepare(Query *q, const reco_csr *row)
{
	const reco_env *env = q->env;
	size_t n = (size_t) row->start[1] + 1;
	double *weight = env->alloc(env->arg, 2 * n * sizeof(double));
	int32_t *count = env->alloc(env->arg, 2 * n * sizeof(int32_t));
	reco_status status = RECO_NO_MEMORY;

	q->column = env->alloc(env->arg, n * sizeof(int32_t));
	q->factor = env->alloc(env->arg, n * sizeof(double));
	if (weight && count && q->column && q->factor)
		status = weigh(q, row, weight, weight + n, count, count + n);
	release(env, weight);
	release(env, count);
	return status;
}

/* Room for the sums, all 0. */
static reco_status
allocate(Query *q)
{
	const reco_env *env = q->env;
	bool sets = reco_measure_of_sets(q->params->measure);
	bool ones = q->index->by_column.value == NULL;
	int64_t entries = entries_of(q);
	size_t places = (size_t) q->rows + 1;

	q->adds = q->params->measure == RECO_PEARSON           ? ADDS_LESS_ROW
			  : q->params->measure == RECO_ADJUSTED_COSINE ? ADDS_LESS_COLUMN
			  : ones                                       ? ADDS_ONE
														   : ADDS_VALUE;
	for (int32_t j = 0; j < q->n && ones; j++)
		ones = q->factor[j] == 1;
	q->members = (sets || q->params->measure == RECO_WALK) && q->index->by_column.value;
	if (entries < (int64_t) q->rows / FEW)
	{
		size_t slots;

		for (q->bits = 4; (INT64_C(1) << q->bits) < 2 * entries;)
			q->bits++;
		slots = (size_t) 1 << q->bits;
		places = (size_t) entries + 1;
		q->slot_of = env->alloc(env->arg, slots * sizeof(int32_t));
		q->row_of = env->alloc(env->arg, places * sizeof(int32_t));
		if (q->slot_of == NULL || q->row_of == NULL)
			return RECO_NO_MEMORY;
		memset(q->slot_of, -1, slots * sizeof(int32_t));
	}
	if (!sets && !ones)
		q->dot = zeroed(env, places * sizeof(double));
	if (sets || ones || q->formula.min_support > 1)
		q->count = zeroed(env, places * sizeof(int32_t));
	return (sets || ones || q->dot) && (!(sets || ones || q->formula.min_support > 1) || q->count)
			   ? RECO_OK
			   : RECO_NO_MEMORY;
}

/* The slot of a row, a new one when it has none. */
static inline int32_t
slot_of(Query *q, uint32_t row)
{
	uint32_t at = row * UINT32_C(2654435769) >> (32 - q->bits);

	for (; q->slot_of[at] >= 0; at = (at + 1) & ((UINT32_C(1) << q->bits) - 1))
		if (q->row_of[q->slot_of[at]] == (int32_t) row)
			return q->slot_of[at];
	q->row_of[q->slots] = (int32_t) row;
	q->slot_of[at] = q->slots;
	return q->slots++;
}

/* Adds the products with entries from .. to - 1.  Specialized by the constants that it is given. */
static inline __attribute__((always_inline)) void
add(Query *q, int64_t from, int64_t to, double factor, double mean, Adds adds, bool dots,
	bool counted, bool table)
{
	const reco_csr *a = &q->index->by_column;
	const int32_t *row = a->col;
	const float *value = a->value;
	const double *row_mean = q->numbers.mean;
	uint32_t rows = q->rows;
	bool members = q->members;
	double *dot = q->dot;
	int32_t *count = q->count;

	for (int64_t e = from; e < to; e++)
	{
		uint32_t b = (uint32_t) row[e] < rows ? (uint32_t) row[e] : rows;
		uint32_t at = table ? (uint32_t) slot_of(q, b) : b;

		if (dots)
		{
			double x = adds == ADDS_ONE ? 1 : value[e];

			if (adds == ADDS_LESS_ROW)
				x -= row_mean[b];
			if (adds == ADDS_LESS_COLUMN)
				x -= mean;
			dot[at] += factor * x;
		}
		if (counted)
			count[at] += !members || value[e] != 0;
	}
}

#define ADD(adds, dots, counted)                                                                   \
	(q->slot_of ? add(q, from, to, factor, mean, adds, dots, counted, true)                        \
				: add(q, from, to, factor, mean, adds, dots, counted, false))

static void
add_entries(Query *q, int64_t from, int64_t to, double factor, double mean)
{
	if (q->dot == NULL)
		ADD(ADDS_ONE, false, true);
	else if (q->count)
		switch (q->adds)
		{
			case ADDS_ONE:
				ADD(ADDS_ONE, true, true);
				break;
			case ADDS_VALUE:
				ADD(ADDS_VALUE, true, true);
				break;
			case ADDS_LESS_ROW:
				ADD(ADDS_LESS_ROW, true, true);
				break;
			case ADDS_LESS_COLUMN:
				ADD(ADDS_LESS_COLUMN, true, true);
				break;
		}
	else
		switch (q->adds)
		{
			case ADDS_ONE:
				ADD(ADDS_ONE, true, false);
				break;
			case ADDS_VALUE:
				ADD(ADDS_VALUE, true, false);
				break;
			case ADDS_LESS_ROW:
				ADD(ADDS_LESS_ROW, true, false);
				break;
			case ADDS_LESS_COLUMN:
				ADD(ADDS_LESS_COLUMN, true, false);
				break;
		}
}

static reco_status
add_all(Query *q)
{
	const reco_csr *a = &q->index->by_column;
	int64_t done = 0;

	for (int32_t j = 0; j < q->n; j++)
	{
		int32_t c = q->column[j];
		double mean = q->adds == ADDS_LESS_COLUMN ? q->numbers.column[c] : 0;

		/* of a column whose values are all equal the new row's weight is 0 as well */
		if (isnan(mean))
			mean = 0;
		for (int64_t from = a->start[c], to; from < a->start[c + 1]; from = to)
		{
			to = a->start[c + 1] - from < ENTRIES_AT_A_TIME ? a->start[c + 1]
															: from + ENTRIES_AT_A_TIME;
			add_entries(q, from, to, q->factor[j], mean);
			if (stop_after(q->env, to - from, &done))
				return RECO_STOPPED;
		}
		if (stop_after(q->env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Offers a row of the matrix by its sums. */
static inline void
offer_row(Query *q, int32_t b, double dot, int32_t count)
{
	const reco_pair_formula *f = &q->formula;
	double length = q->numbers.y[b];
	double s;

	if (b == q->own || (f->min_support > 1 && count < (int32_t) f->min_support))
		return;
	if (f->xlogx == NULL)
		s = reco_pair_ratio(f, q->part.x, q->part.u, q->numbers.y[b], q->numbers.w[b], dot);
	else if (length >= count && q->length + length - count <= f->columns)
		s = reco_pair_llr(f, q->part.u, q->numbers.w[b], q->length, (int32_t) length, count);
	else
		return; /* no such row was indexed */
	offer(&q->list, 0, (Entry){s, b});
}

/* The rows that the table has. */
static reco_status
offer_slots(Query *q)
{
	int64_t done = 0;

	for (int32_t k = 0; k < q->slots; k++)
	{
		if ((uint32_t) q->row_of[k] < q->rows)
			offer_row(q, q->row_of[k], q->dot ? q->dot[k] : q->count[k],
					  q->count ? q->count[k] : 0);
		if (stop_after(q->env, 4, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Rows from .. from + n - 1, those that may enter the list found by the kernel. */
static void
scan(Query *q, int32_t from, int32_t n, const double *floor, reco_pair *found)
{
	const reco_pair_formula *f = &q->formula;
	reco_row_numbers to = q->numbers;
	reco_pair_row row = {.scale = f->scale,
						 .v = f->v,
						 .shrinkage = f->shrinkage,
						 .x = q->part.x,
						 .u = q->part.u,
						 .xs = to.y + from,
						 .ys = to.y + from,
						 .us = to.w + from,
						 .ws = to.w + from,
						 .floor = required(&q->list, 0, from),
						 .min_support = (int32_t) f->min_support,
						 .symmetric = true};
	int32_t hits = reco_kernels_best()->pair_scan(
		&row, q->dot ? q->dot + from : NULL, q->count ? q->count + from : NULL, n, floor, found);

	for (int32_t k = 0; k < hits; k++)
		if (from + found[k].other != q->own)
			offer(&q->list, 0, (Entry){found[k].mine, from + found[k].other});
}

/* All rows of the matrix. */
static reco_status
offer_places(Query *q)
{
	const reco_env *env = q->env;
	double *floor = env->alloc(env->arg, SCAN * sizeof(double));
	reco_pair *found = env->alloc(env->arg, SCAN * sizeof(reco_pair));
	reco_status status = floor && found ? RECO_OK : RECO_NO_MEMORY;
	int32_t rows = (int32_t) q->rows;
	int64_t done = 0;

	/* only the new row has a list */
	for (int32_t k = 0; k < SCAN && status == RECO_OK; k++)
		floor[k] = INFINITY;
	for (int32_t from = 0, n; from < rows && status == RECO_OK; from += n)
	{
		n = rows - from < SCAN ? rows - from : SCAN;
		if (q->formula.xlogx == NULL)
			scan(q, from, n, floor, found);
		for (int32_t b = from; b < from + n && q->formula.xlogx; b++)
			if (q->count[b] > 0)
				offer_row(q, b, 0, q->count[b]);
		if (stop_after(env, n, &done))
			status = RECO_STOPPED;
	}
	release(env, floor);
	release(env, found);
	return status;
}

/* The list in its order. */
static reco_status
collect(Query *q, reco_neighbors *out)
{
	const reco_env *env = q->env;
	Entry *heap = q->list.entry;
	int32_t n = q->list.filled[0];

	if (!heap_sort(env, heap, n))
		return RECO_STOPPED;
	*out = (reco_neighbors){.rows = 1};
	out->start = env->alloc(env->arg, 2 * sizeof(int64_t));
	out->row = env->alloc(env->arg, ((size_t) n + 1) * sizeof(int32_t));
	out->similarity = env->alloc(env->arg, ((size_t) n + 1) * sizeof(double));
	if (!out->start || !out->row || !out->similarity)
	{
		reco_neighbors_free(env, out);
		return RECO_NO_MEMORY;
	}
	out->start[0] = 0;
	out->start[1] = n;
	for (int32_t k = 0; k < n; k++)
	{
		out->row[k] = heap[k].row;
		out->similarity[k] = heap[k].similarity;
	}
	return RECO_OK;
}

reco_status
reco_row_index_find(const reco_env *env, const reco_neighbors_params *params,
					const reco_row_index *index, const reco_csr *row, int32_t own,
					reco_neighbors *out)
{
	int32_t partners = index->by_column.cols > 1 ? index->by_column.cols : 1;
	Query q = {.env = env,
			   .params = params,
			   .index = index,
			   .numbers = reco_row_numbers_of(index),
			   .rows = (uint32_t) index->by_column.cols,
			   .own = own};
	reco_status status;

	*out = (reco_neighbors){0};
	if (!reco_neighbors_params_valid(params) || index->numbers == NULL)
		return RECO_INVALID;
	q.list.k = params->neighbors < partners ? params->neighbors : partners;
	q.list.top = reco_measure_top(params);
	status = reco_lists_init(env, 1, &q.list);
	if (status == RECO_OK)
		status = prepare(&q, row);
	/* values that are all 1 have no deviation from their mean */
	if (centered(params) && index->by_column.value == NULL)
		q.n = 0;
	if (status == RECO_OK)
		status = allocate(&q);
	if (status == RECO_OK)
		status = add_all(&q);
	if (status == RECO_OK)
		status = q.slot_of ? offer_slots(&q) : offer_places(&q);
	if (status == RECO_OK)
		status = collect(&q, out);
	release(env, q.column);
	release(env, q.factor);
	release(env, q.dot);
	release(env, q.count);
	release(env, q.slot_of);
	release(env, q.row_of);
	reco_lists_free(env, &q.list);
	return status;
}
