/*
 * precision.c
 *	  (Y'Y + D)^-1 for a sparse Y and a diagonal D.  See precision.h.
 */
#include "core/regression/precision.h"

#include "core/data/parts.h"
#include "core/data/sorting.h"
#include "core/linear/cross.h"

#include <math.h>

typedef struct Making
{
	const reco_csr *y_by_col; /* or */
	const reco_packed *gram;
	const double *diagonal;
	reco_precision *p;
	reco_precision_progress progress;
	void *arg;
} Making;

size_t
reco_precision_memory(int32_t items)
{
	return reco_symmetric_memory(items) + ((size_t) items + 1) * sizeof(double);
}

size_t
reco_precision_make_memory(int32_t items, int threads)
{
	size_t cross = reco_cross_memory(items, threads);
	size_t inverse = reco_inverse_memory(items);

	return cross > inverse ? cross : inverse;
}

static void
scale_items(void *arg, int64_t from, int64_t to)
{
	const Making *m = arg;
	const reco_csr *a = m->y_by_col;

	for (int64_t i = from; i < to; i++)
	{
		double sum = m->diagonal[i];

		for (int64_t k = a->start[i]; k < a->start[i + 1]; k++)
			sum += a->value ? (double) a->value[k] * a->value[k] : 1;
		m->p->scale[i] = 1 / sqrt(sum);
	}
}

/* A row of Y'Y, up to the diagonal, into the matrix. */
static void
place_row(void *arg, int32_t row, const double *sum)
{
	const Making *m = arg;
	const double *scale = m->p->scale;

	for (int32_t first = 0; first <= row; first += RECO_TILE)
	{
		int32_t n = row + 1 - first < RECO_TILE ? row + 1 - first : RECO_TILE;
		float *to = reco_symmetric_at(&m->p->m, row, first);

		for (int32_t c = 0; c < n; c++)
			to[c] = (float) (sum[first + c] * scale[row] * scale[first + c]);
	}
	*reco_symmetric_at(&m->p->m, row, row) = 1;
}

static void
inverted(void *arg, int32_t step)
{
	const Making *m = arg;

	if (m->progress)
		m->progress(m->arg, step, m->p->m.blocks);
}

reco_status
reco_precision_make(const reco_env *env, const reco_csr *y, const reco_csr *y_by_col,
					const double *diagonal, reco_precision_progress progress, void *arg,
					reco_precision *out)
{
	int32_t items = y_by_col->rows;
	Making m = {y_by_col, NULL, diagonal, out, progress, arg};
	reco_status status;

	*out = (reco_precision){.items = items};
	out->scale = env->alloc(env->arg, ((size_t) items + 1) * sizeof(double));
	if (out->scale == NULL)
		return RECO_NO_MEMORY;
	status = reco_share(env, items, 1, scale_items, &m);
	if (status == RECO_OK)
		status = reco_symmetric_zeros(env, items, &out->m);
	if (status == RECO_OK)
		status = reco_cross(env, y_by_col, y, true, place_row, &m);
	if (status == RECO_OK)
		status = reco_inverse(env, &out->m, inverted, &m);
	return status;
}

/* Rows of a matrix that is there, whose diagonal scale_items could not take from columns. */
static void
place_rows(void *arg, int64_t from, int64_t to)
{
	const Making *m = arg;

	for (int64_t row = from; row < to; row++)
		place_row(arg, (int32_t) row, reco_packed_row(m->gram, (int32_t) row));
}

reco_status
reco_precision_of(const reco_env *env, const reco_packed *gram, const double *diagonal,
				  reco_precision_progress progress, void *arg, reco_precision *out)
{
	Making m = {NULL, gram, diagonal, out, progress, arg};
	reco_status status;

	*out = (reco_precision){.items = gram->n};
	out->scale = env->alloc(env->arg, ((size_t) gram->n + 1) * sizeof(double));
	if (out->scale == NULL)
		return RECO_NO_MEMORY;
	for (int32_t i = 0; i < gram->n; i++)
	{
		double sum = reco_packed_row(gram, i)[i] + diagonal[i];

		if (!(sum > 0))
			return RECO_SINGULAR;
		out->scale[i] = 1 / sqrt(sum);
	}
	status = reco_symmetric_zeros(env, gram->n, &out->m);
	if (status == RECO_OK)
		status = reco_share(env, gram->n, 1, place_rows, &m);
	if (status == RECO_OK)
		status = reco_inverse(env, &out->m, inverted, &m);
	return status;
}

void
reco_precision_free(const reco_env *env, reco_precision *p)
{
	release(env, p->scale);
	reco_symmetric_free(env, &p->m);
	*p = (reco_precision){0};
}
