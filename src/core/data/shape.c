/*
 * shape.c
 *	  How large and how dense a matrix of interactions is.
 *
 * Sums are taken in the order of the entries, so equal matrices have equal shapes.
 */
#include "core/data/shape.h"

#include "core/data/sorting.h"

#include <math.h>
#include <string.h>

/* What a matrix without entries, or without values but 0, is taken for: all of it are ones. */
static double
mean_of(double sum, int64_t n)
{
	return n > 0 && sum > 0 ? sum / (double) n : 1;
}

reco_status
reco_shape_of(const reco_env *env, const reco_csr *by_user, reco_shape *shape)
{
	const reco_csr *a = by_user;
	int64_t entries = a->start[a->rows];
	bool *seen = env->alloc(env->arg, (size_t) a->cols + 1);
	double size = a->value ? 0 : (double) entries;
	double square = size;
	int64_t polled = 0;

	memset(shape, 0, sizeof(*shape));
	if (seen == NULL)
		return RECO_NO_MEMORY;
	memset(seen, 0, (size_t) a->cols + 1);
	shape->rows = a->rows;
	shape->cols = a->cols;
	shape->entries = entries;
	for (int64_t e = 0; e < entries; e++)
	{
		shape->items += !seen[a->col[e]];
		seen[a->col[e]] = true;
		if (a->value)
		{
			size += fabs((double) a->value[e]);
			square += (double) a->value[e] * a->value[e];
		}
		if (stop_at_entry(env, e, &polled))
		{
			release(env, seen);
			return RECO_STOPPED;
		}
	}
	release(env, seen);
	polled = 0;
	for (int32_t u = 0; u < a->rows; u++)
	{
		shape->users += a->start[u + 1] > a->start[u];
		if (stop_at_entry(env, u, &polled))
			return RECO_STOPPED;
	}
	shape->per_user = shape->users > 0 ? (double) entries / shape->users : 1;
	shape->per_item = shape->items > 0 ? (double) entries / shape->items : 1;
	shape->density = shape->items > 0 ? shape->per_user / shape->items : 1;
	shape->mean_size = mean_of(size, entries);
	shape->mean_square = mean_of(square, entries);
	shape->overlap = 1;
	return RECO_OK;
}
