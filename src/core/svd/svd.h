/*
 * svd.h
 *	  Truncated singular value decomposition of a sparse matrix, by random projection.
 *
 * A of users x items is approximated by U S V', with `factors` singular triplets: V minimizes
 * the sum of squares of A - A V V' over all cells, absent ones being 0.  The factors of an
 * item are its row of V, those of a user are the user's row of A V = U S, so that the score
 *
 *	 p.q = (row of A) V (row of V)
 *
 * is that of PureSVD (Cremonesi, Koren, Turrin 2010), and new users are folded in by
 * the same product.
 *
 * Method: Halko, Martinsson, Tropp 2011, algorithms 4.4 and 5.1, on A': the range of
 * A' (A A')^i of a Gaussian block of factors + oversampling columns, orthonormalized after each
 * of power_iterations iterations, then the exact decomposition of A within it.  An iteration
 * takes A'A - shift, with the dynamic shift of Feng, Yu, Xie, Tang 2024 ("dashSVD"): half of
 * what the square of the block's smallest singular value is known to reach.  It takes away
 * more of what is outside the range for the same products.
 *
 * Blocks are in float4, sums over them and all that is of the size of a block's width in
 * float8.  Singular values are as exact as the iterations make them, to about 1e-6 of the
 * largest.  Below RECO_SVD_NOISE of the root of the sum of their squares they
 * cannot be told from rounding: that factor is 0, as is one beyond min(users, items).
 *
 * Sign: in each column of V the first entry whose size is within a thousandth of the
 * largest is positive.
 *
 * The same matrix and seed give the same bits on one kind of processor, for any number of
 * threads.
 *
 * Cost: 2 (power_iterations + 1) products of A, each 2 entries l flops and as many reads,
 * l = factors + oversampling; for an iteration 3 items l^2, and at the end
 * 2 users l^2.
 */
#ifndef RECO_CORE_SVD_SVD_H
#define RECO_CORE_SVD_SVD_H

#include "core/data/csr.h"
#include "core/base/env.h"

#define RECO_SVD_MAX_FACTORS 1024
#define RECO_SVD_MAX_OVERSAMPLING 200
#define RECO_SVD_NOISE 1e-6

typedef struct reco_svd_params
{
	int factors;          /* 1 .. RECO_SVD_MAX_FACTORS */
	int oversampling;     /* 0 .. RECO_SVD_MAX_OVERSAMPLING */
	int power_iterations; /* >= 0 */
	uint64_t seed;
} reco_svd_params;

/* Row r of a side is factors + (size_t) r * stride; what is past the factors is 0. */
typedef struct reco_svd
{
	int32_t users;
	int32_t items;
	int factors;
	int stride;       /* factors rounded up to a multiple of 16 */
	int rank;         /* factors that are not 0: the first ones */
	float *user;      /* users x stride: A V */
	float *item;      /* items x stride: V */
	double *singular; /* factors, falling */
	double residual;  /* the sum of squares of A - A V V' over all cells */
} reco_svd;

/* Called after each iteration and at the end, power_iterations + 1 times; may not return. */
typedef void (*reco_svd_progress)(void *arg, int iteration);

/* Upper bound of what reco_svd_fit allocates, result included, in bytes. */
extern size_t reco_svd_memory(const reco_svd_params *params, const reco_csr *by_user, int threads);

/*
 * by_item is the transpose of by_user.  out's arrays are allocated through env and belong to
 * the caller (on failure nothing is left allocated).  A user's factors are not finite where
 * they do not fit in a float4.
 * Errors: RECO_INVALID (params, or a value that is not finite), RECO_NO_MEMORY,
 * RECO_STOPPED, RECO_SINGULAR (no convergence of LAPACK).
 */
extern reco_status reco_svd_fit(const reco_env *env, const reco_svd_params *params,
								const reco_csr *by_user, const reco_csr *by_item,
								reco_svd_progress progress, void *progress_arg, reco_svd *out);

/*
 * More items without a training: V has the rows of the items that are known, by `item` the number
 * of each in V, and -1 of one that is new.  With P = A V, of these alone, whose columns have the
 * lengths s, a new item gets its column of A, in the directions of the users: P' a / s^2
 * (Berry, Dumais, O'Brien 1995, "folding in").  Users are then A times all.  V is not quite
 * orthonormal any more.  Errors as of reco_svd_fit; residual and singular are not told.
 */
extern reco_status reco_svd_extend(const reco_env *env, const reco_svd_params *params,
								   const reco_csr *by_user, const reco_csr *by_item, const float *v,
								   const int32_t *item, reco_svd *out);

extern void reco_svd_free(const reco_env *env, reco_svd *svd);

#endif /* RECO_CORE_SVD_SVD_H */
