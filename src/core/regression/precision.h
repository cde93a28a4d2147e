/*
 * precision.h
 *	  (Y'Y + D)^-1 for a sparse Y and a diagonal D: what linear models between items in closed form
 *	  are made of.
 *
 * Y'Y + D is scaled to a diagonal of ones before it is inverted in float4: with s_i its diagonal
 * element to the power of -1/2 and M minus the inverse of the scaled matrix, element i, j of the
 * inverse is -s_i M_ij s_j.  Without rounding the scale makes no difference; with it the error
 * depends on how alike columns are, not on how large they are.
 */
#ifndef RECO_CORE_REGRESSION_PRECISION_H
#define RECO_CORE_REGRESSION_PRECISION_H

#include "core/data/csr.h"
#include "core/linear/inverse.h"
#include "core/linear/packed.h"

typedef struct reco_precision
{
	int32_t items;
	double *scale;    /* s */
	reco_symmetric m; /* M */
} reco_precision;

/* Called on the calling thread after each step of an inversion. */
typedef void (*reco_precision_progress)(void *arg, int32_t step, int32_t steps);

/* Bytes of it, and what making it takes beside. */
extern size_t reco_precision_memory(int32_t items);
extern size_t reco_precision_make_memory(int32_t items, int threads);

/*
 * y_by_col: the transpose of Y; diagonal: D, above 0, items.  progress may be NULL.
 * Cost: that of reco_inverse, and of the lower half of Y'Y (reco_cross).  RECO_SINGULAR as
 * reco_inverse says; that, RECO_NO_MEMORY and RECO_STOPPED leave what free takes back.
 */
extern reco_status reco_precision_make(const reco_env *env, const reco_csr *y,
									   const reco_csr *y_by_col, const double *diagonal,
									   reco_precision_progress progress, void *arg,
									   reco_precision *out);
/*
 * The same of a matrix that is there already, in the place of Y'Y: it need not be one, so
 * RECO_SINGULAR also where it has too small an eigenvalue, which a larger D makes up for.
 */
extern reco_status reco_precision_of(const reco_env *env, const reco_packed *gram,
									 const double *diagonal, reco_precision_progress progress,
									 void *arg, reco_precision *out);
extern void reco_precision_free(const reco_env *env, reco_precision *p);

#endif /* RECO_CORE_REGRESSION_PRECISION_H */
