/*
 * als_normal.h
 *	  The normal equations of one row of an ALS half step, built up row by row.
 *
 * What als.h solves for a row of a matrix in memory, this solves for rows that
 * arrive one at a time, in any order and on several machines: an equation holds
 *
 *	 n, w = sum_j a_j, b = sum_j t_j y_j, A = sum_j a_j y_j y_j'
 *
 * which are sums, so two of them merge by addition, and x solves
 * (G + A + lambda I) x = b with G and lambda as in als.h.  The explicit model
 * has no biases here: a bias is a factor whose other side is the constant 1, so
 * whoever wants one appends 1 to y and subtracts the other side's bias (and the
 * mean) from the value, and gets the very system of als.h.
 *
 * With alpha out of the way (explicit, value 0) A alone is a Gram matrix.
 *
 * State: rows wait in single precision, as they came, until there are d of them
 * (64 when d is less), for a block of rows is added to A many times faster than
 * one at a time, and a short group never needs A.  At most
 * 4 d (d + 3) + max(64, d) (4 d + 16) bytes.
 *
 * Cost: d^2 / 2 multiply-adds a row, d^3 / 6 a solution.  The same rows in the
 * same order give the same bits; another order, or another division into parts
 * that are merged, differs by the rounding of sums in float8.
 */
#ifndef RECO_CORE_ALS_ALS_NORMAL_H
#define RECO_CORE_ALS_ALS_NORMAL_H

#include "core/als/als.h"

/* A constant 1 may stand beside the most factors that a model may have. */
#define RECO_NORMAL_MAX_FACTORS (RECO_ALS_MAX_FACTORS + 1)

typedef struct reco_normal
{
	uint32_t magic;
	int d;
	bool implicit;
	bool weighted; /* implicit: weighted_regularization */
	bool products; /* of products of factors alone, which is no equation: the caller's to say */
	double regularization;
	double alpha;
	double columns;     /* rows behind gram; asked for when weighted */
	const double *gram; /* Y'Y, packed; implicit only; the caller's, may be shared */
	int64_t n;
	double weight;
	double *sums; /* b, then A packed; NULL: all zero */
	void *waiting;
	int rows; /* in waiting */
	int room;
} reco_normal;

/* Elements of an upper triangle, packed row by row. */
static inline size_t
reco_normal_packed(int d)
{
	return (size_t) d * ((size_t) d + 1) / 2;
}

/*
 * An equation without rows.  Of params it takes factors, which may be
 * RECO_NORMAL_MAX_FACTORS, implicit, regularization, alpha and
 * weighted_regularization.  RECO_INVALID.
 */
extern reco_status reco_normal_init(reco_normal *q, const reco_als_params *params);

/* Whether q points to an equation: whatever else begins with another word. */
extern bool reco_normal_valid(const reco_normal *q);

/* Frees what was allocated through env; not gram. */
extern void reco_normal_release(const reco_env *env, reco_normal *q);

/*
 * Adds a row: d factors and a value (in the explicit model a residual).
 * RECO_INVALID when its weight is not finite, RECO_NO_MEMORY, RECO_STOPPED; the
 * equation is then as before, or as before this row's block.
 */
extern reco_status reco_normal_add(const reco_env *env, reco_normal *q, const float *y,
								   double value);

/*
 * Adds all of `from` to `into`, but gram and columns, which are the caller's to
 * keep the same.  RECO_INVALID when other parameters differ.
 * After another error `into` holds a part of `from`: release it.
 */
extern reco_status reco_normal_merge(const reco_env *env, reco_normal *into,
									 const reco_normal *from);

/*
 * Turns all rows that wait into sums, and makes these where there were none: what is then written
 * as bytes holds no single row, but that of an equation of one.  RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_normal_close(const reco_env *env, reco_normal *q);

/*
 * The solution, rounded to d floats; q is not altered.  Zeros without rows.
 * RECO_INVALID without the gram (or, when weighted, the columns) that the
 * implicit model needs, RECO_SINGULAR, RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_normal_solve(const reco_env *env, const reco_normal *q, float *x);

/* A in full storage, d x d; q is not altered. */
extern reco_status reco_normal_matrix(const reco_env *env, const reco_normal *q, double *a);

/*
 * As bytes, gram included, for another process on a machine of the same byte order.  They end with
 * the version of this format and a check sum of all before: read refuses all else with
 * RECO_INVALID.  The gram that it makes, when there is one, is allocated through env and the
 * caller's.
 */
extern size_t reco_normal_bytes(const reco_normal *q);
extern void reco_normal_write(const reco_normal *q, void *bytes);
/* What the last bytes of such a text are, made anew: for who makes bytes of another content. */
#define RECO_NORMAL_TAIL 16
extern void reco_normal_seal(void *bytes, size_t size);
extern reco_status reco_normal_read(const reco_env *env, const void *bytes, size_t size,
									reco_normal *q);

#endif /* RECO_CORE_ALS_ALS_NORMAL_H */
