/*
 * content_parts.h
 *	  What content.c and content_profile.c share.
 */
#ifndef RECO_CORE_CONTENT_CONTENT_PARTS_H
#define RECO_CORE_CONTENT_CONTENT_PARTS_H

#include "core/content/content.h"
#include "core/data/sorting.h"

#include <math.h>

static inline bool
sparse(const reco_field *f)
{
	return f->kind == RECO_KEYWORDS || f->kind == RECO_ATTRIBUTES;
}

static inline const float *
dense_of(const reco_content *c, int32_t item)
{
	return c->dense + (size_t) item * (size_t) c->stride;
}

static inline double
value_of(const reco_content_user *user, int64_t j)
{
	double x = user->value ? user->value[j] : 1;

	return x > 0 ? x : 0;
}

/* The first place from low on whose term is at least `term`, in rising order; or high. */
static inline int64_t
lower_bound(const int32_t *term_at, int64_t low, int64_t high, int32_t term)
{
	while (low < high)
	{
		int64_t middle = low + (high - low) / 2;

		if (term_at[middle] < term)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* An item's entries of a field: *from .. the returned end. */
static inline int64_t
terms_of(const reco_content *c, const reco_field *f, int32_t item, int64_t *from)
{
	int64_t end = c->by_item.start[item + 1];

	*from = lower_bound(c->by_item.col, c->by_item.start[item], end, f->from);
	return lower_bound(c->by_item.col, *from, end, f->to);
}

/* What a look at an item takes, about. */
static inline int64_t
steps_of(const reco_field *f, int64_t terms)
{
	return 8 + (sparse(f) ? terms : f->to - f->from);
}

static inline bool
has_dense(const reco_content *c, const reco_field *f, int32_t item)
{
	const float *x = dense_of(c, item);

	if (f->kind == RECO_NUMBER)
		return !isnan(x[f->from]);
	for (int32_t k = f->from; k < f->to; k++)
		if (x[k] != 0)
			return true;
	return false;
}

#endif /* RECO_CORE_CONTENT_CONTENT_PARTS_H */
