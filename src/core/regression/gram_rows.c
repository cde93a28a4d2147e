/*
 * gram_rows.c
 *	  Products of the columns of sparse matrices with each other, kept by rows.
 *
 * A row has as many entries as there are items that its item shares a user with; room is made for
 * as many as its users have interactions, but no more than a dense row takes, which is known
 * before. What stays unused of it is never touched.
 *
 * Cost: the sum over rows of (entries in Y) (entries in Z), and a look at each element.
 */
#include "core/regression/gram_rows.h"

#include "core/data/parts.h"
#include "core/data/sorting.h"
#include "core/linear/cross.h"

#include <math.h>
#include <string.h>

typedef struct Making
{
	const reco_csr *z;
	const reco_csr *y_by_col;
	reco_gram_rows *g;
	double *square; /* of each item's values, then of the largest on */
} Making;

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Floats of a row with room for n entries, on cache lines. */
static int64_t
room_of(int64_t n, int32_t items)
{
	int64_t width = reco_gram_width(items);

	return least((2 * n + 15) / 16 * 16, width);
}

size_t
reco_gram_rows_memory(int32_t items, int64_t products, int threads)
{
	int64_t all = (int64_t) items * reco_gram_width(items);
	size_t rows = (size_t) items + 1;

	return (size_t) least(2 * products + 16 * (int64_t) items, all) * sizeof(float) + rows * 24 +
		   6 * 128 + reco_cross_memory(items, threads);
}

void
reco_gram_rows_free(const reco_env *env, reco_gram_rows *g)
{
	release(env, g->start);
	release(env, g->length);
	release(env, g->data);
	release(env, g->diagonal);
	*g = (reco_gram_rows){0};
}

/* Room of rows, to start[i + 1]; squares of values. */
static void
measure(void *arg, int64_t from, int64_t to)
{
	Making *m = arg;
	const reco_csr *a = m->y_by_col;

	for (int64_t i = from; i < to; i++)
	{
		int64_t n = 0;
		double square = 0;

		for (int64_t e = a->start[i]; e < a->start[i + 1]; e++)
		{
			n += m->z->start[a->col[e] + 1] - m->z->start[a->col[e]];
			square += a->value ? (double) a->value[e] * a->value[e] : 1;
		}
		m->g->start[i + 1] = room_of(n, a->rows);
		m->square[i] = square;
	}
}

static void
take_row(void *arg, int32_t row, const double *sum)
{
	Making *m = arg;
	reco_gram_rows *g = m->g;
	int32_t width = reco_gram_width(g->items);
	float *data = g->data + g->start[row];
	int32_t *col = (int32_t *) (void *) data;
	int32_t n = 0;

	for (int32_t c = 0; c < g->items; c++)
		n += (float) (sum[c] * g->scale) != 0;
	g->diagonal[row] = (float) (sum[row] * g->scale);
	g->length[row] = 2 * (int64_t) n > width ? -1 : n;
	if (g->length[row] < 0)
	{
		for (int32_t c = 0; c < g->items; c++)
			data[c] = (float) (sum[c] * g->scale);
		memset(data + g->items, 0, (size_t) (width - g->items) * sizeof(float));
		return;
	}
	data += n;
	for (int32_t c = 0; c < g->items; c++)
	{
		float value = (float) (sum[c] * g->scale);

		if (value != 0)
		{
			*col++ = c;
			*data++ = value;
		}
	}
}

static reco_status
fill(const reco_env *env, Making *m)
{
	reco_gram_rows *g = m->g;
	reco_status status = reco_share(env, g->items, 1, measure, m);
	double largest = 0;

	if (status != RECO_OK)
		return status;
	for (int32_t i = 0; i < g->items; i++)
	{
		g->start[i + 1] += g->start[i];
		largest = fmax(largest, m->square[i]);
	}
	/* a power of 2, so that nothing is rounded */
	g->scale = largest > 0 ? ldexp(1, -ilogb(largest)) : 1;
	g->data = env->alloc(env->arg, ((size_t) g->start[g->items] + 1) * sizeof(float));
	if (g->data == NULL)
		return RECO_NO_MEMORY;
	return reco_cross(env, m->y_by_col, m->z, false, take_row, m);
}

reco_status
reco_gram_rows_make(const reco_env *env, const reco_csr *z, const reco_csr *y_by_col,
					reco_gram_rows *out)
{
	size_t items = (size_t) y_by_col->rows + 1;
	Making m = {z, y_by_col, out, NULL};
	reco_status status = RECO_NO_MEMORY;

	*out = (reco_gram_rows){.items = y_by_col->rows};
	out->start = zeroed(env, items * sizeof(int64_t));
	out->length = zeroed(env, items * sizeof(int32_t));
	out->diagonal = zeroed(env, items * sizeof(float));
	m.square = env->alloc(env->arg, items * sizeof(double));
	if (out->start && out->length && out->diagonal && m.square)
		status = fill(env, &m);
	release(env, m.square);
	return status;
}
