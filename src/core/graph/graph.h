/*
 * graph.h
 *	  Collaborative filtering by filters on the graph of users and items.
 *
 * With n_u and n_i the sums of |x| over the interactions of a user and of an item, N of users x
 * items has x_ui / sqrt(n_u n_i), and N'N, whose eigenvalues are within 0 and 1, says how items
 * are connected.  A filter is a function p of these eigenvalues; a user's scores are their row of
 * interactions times it:
 *
 *	 gfcf		x (N'N + alpha D^-1/2 V V' D^1/2)
 *	 chebyshev	x D^-beta (p(N'N) + alpha V V') D^beta
 *	 turbo		x (M'M)^(power, of each entry),  M = x_ui n_u^-alpha n_i^(alpha - 1)
 *
 * where D has the n_i, and V the `factors` leading right singular vectors of N.  p is the
 * polynomial of degree `degree` in Chebyshev's basis, over the graph's Laplacian 1 - 2 N'N, which
 * approximates a response that falls from 1 to 0, flat in the middle: 1/2 + |y|^phi / 2 below 0,
 * 1/2 - y^phi / 2 above.
 *
 * What is kept.  Such a matrix has no zeros to speak of.  Its part within the span of V is kept as
 * factors, exactly: of p(N'N) that is V p(S^2) V'.  On what is left the eigenvalues are small, and
 * there p is as good as a line through 0: a slope times the residual R = N'N - V S^2 V'.  Of that
 * each item keeps what speaks most for it, its `neighbors` largest entries above 0 among those
 * items with which it has a user in common.  As this leaves some out, what is kept may count
 * `residual` times as much.  So
 *
 *	 score_i = sum over j of x_j (w_ji + sum over f of weight_f inward_j item_jf item_if)
 *
 * with w in lists, where gfcf has two blocks of factors, one for either of its terms, and turbo
 * none at all.
 *
 * Sources: Shen et al. 2021 (GF-CF), Park, Shin, Shin 2024 (Turbo-CF), Kim, Sung, Han, Lee 2025
 * (ChebyCF), whose published scores take 2 degree products with N for each user.
 *
 * The same matrix and seed give the same bits for any number of threads.
 *
 * Cost: that of the decomposition (core/svd/svd.h), and for the lists the sum over users of
 * n^2 entries and `factors` multiply-adds for each pair of items with a user in common.
 */
#ifndef RECO_CORE_GRAPH_GRAPH_H
#define RECO_CORE_GRAPH_GRAPH_H

#include "core/data/csr.h"
#include "core/svd/svd.h"

#define RECO_GRAPH_MAX_FACTORS RECO_SVD_MAX_FACTORS
#define RECO_GRAPH_MAX_DEGREE 64
#define RECO_GRAPH_MAX_BLOCKS 2
/* The largest number of a model of a graph: what is beyond is brought back to it. */
#define RECO_GRAPH_LARGEST 1e16

typedef enum reco_graph_filter
{
	RECO_GRAPH_GFCF,
	RECO_GRAPH_TURBO,
	RECO_GRAPH_CHEBYSHEV
} reco_graph_filter;

typedef struct reco_graph_params
{
	reco_graph_filter filter;
	int factors;   /* 1 .. RECO_GRAPH_MAX_FACTORS; turbo does not look at it */
	int neighbors; /* >= 1 */
	double alpha;
	double beta;     /* of chebyshev */
	int degree;      /* of chebyshev: 1 .. RECO_GRAPH_MAX_DEGREE */
	double phi;      /* of chebyshev, above 0 */
	double power;    /* of turbo, above 0 */
	double residual; /* not of turbo */
	int oversampling;
	int power_iterations;
	uint64_t seed;
} reco_graph_params;

/* Row i of the factors is item + (size_t) i * stride; what is past the width is 0. */
typedef struct reco_graph
{
	int32_t items;
	int blocks;      /* of factors: 0 .. RECO_GRAPH_MAX_BLOCKS */
	int width;       /* blocks times factors, block after block */
	int stride;      /* width rounded up to a multiple of 16 */
	float *item;     /* items x stride */
	float *inward;   /* items x blocks */
	float *weight;   /* width */
	reco_csr lists;  /* row j: the items that j speaks for */
	double residual; /* the sum of squares that the factors leave of N */
} reco_graph;

/* Called after each iteration of the decomposition and at the end; may not return. */
typedef void (*reco_graph_progress)(void *arg, int iteration);

/* How often. */
extern int reco_graph_iterations(const reco_graph_params *params);

extern int reco_graph_blocks(reco_graph_filter filter);

/* The response p of the Chebyshev filter to an eigenvalue of N'N. */
extern double reco_graph_response(const reco_graph_params *params, double eigenvalue);

/* Upper bound of what reco_graph_fit allocates, result included, in bytes. */
extern size_t reco_graph_memory(const reco_graph_params *params, const reco_csr *by_user,
								int threads);

/*
 * by_item is the transpose of by_user.  out's arrays are allocated through env and belong to the
 * caller (on failure nothing is left allocated).
 * Errors: RECO_INVALID (params, or a value that is not finite), RECO_NO_MEMORY, RECO_STOPPED,
 * RECO_SINGULAR (no convergence of LAPACK).
 */
extern reco_status reco_graph_fit(const reco_env *env, const reco_graph_params *params,
								  const reco_csr *by_user, const reco_csr *by_item,
								  reco_graph_progress progress, void *progress_arg,
								  reco_graph *out);

extern void reco_graph_free(const reco_env *env, reco_graph *graph);

#endif /* RECO_CORE_GRAPH_GRAPH_H */
