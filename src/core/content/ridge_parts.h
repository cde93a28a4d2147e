/*
 * ridge_parts.h
 *	  What ridge.c and ridge_rows.c share.
 */
#ifndef RECO_CORE_CONTENT_RIDGE_PARTS_H
#define RECO_CORE_CONTENT_RIDGE_PARTS_H

#include "core/content/content_parts.h"
#include "core/content/ridge.h"

#define BLOCK RECO_RIDGE_BLOCK

typedef struct ridge
{
	const reco_env *env;
	const reco_content *content;
	const int64_t *start; /* of interactions */
	int32_t columns;      /* of A */
	reco_csr a;           /* items x columns */
	reco_csr at;
	bool *held;      /* items: left out to choose lambda */
	float *weight;   /* items: w_i / W of those that are learned from, else 0 */
	double *center;  /* columns */
	float *diagonal; /* columns: of the system, without lambda */
	void *scratch;   /* of products: the larger one's */
	/* of a block of y: rows of BLOCK floats */
	float *y; /* items: centered and scaled */
	float *v; /* items: A p */
	float *b; /* columns */
	float *r;
	float *p;
	float *q;
	double mean[BLOCK];
	double scale[BLOCK];
	double most[BLOCK];
} ridge;

static inline int
ridge_numbers(const reco_content *c)
{
	return c->dense ? reco_content_numbers(c) : 0;
}

/* The most entries that A can have. */
static inline int64_t
ridge_entries(const reco_content *c)
{
	return c->by_item.start[c->items] + (int64_t) c->items * ridge_numbers(c);
}

static inline bool
has_interactions(const ridge *g, int32_t i)
{
	return g->start[i + 1] > g->start[i];
}

static inline double
weight_of(const ridge *g, int32_t i)
{
	double n = (double) (g->start[i + 1] - g->start[i]);

	return n / (n + RECO_RIDGE_SHRINKAGE);
}

/* Makes A and its transpose; what there is of them is the caller's, also on an error. */
extern reco_status ridge_make_matrix(ridge *g);

/*
 * Who is learned from: items with interactions and features, but for those that are left out.
 * Fills weight, center and diagonal.
 */
extern reco_status ridge_weigh(ridge *g, bool leave_out);

#endif /* RECO_CORE_CONTENT_RIDGE_PARTS_H */
