/*
 * als.h
 *	  Matrix factorization by alternating least squares.
 *
 * One half step solves, for each row r of a sparse matrix, the normal
 * equations
 *
 *	 (G + lambda_r I + sum_j a_j y_j y_j') x = sum_j t_j y_j
 *
 * where y_j are the factors of the row's columns.  Two models share it:
 *
 *	 implicit (Hu, Koren, Volinsky 2008): G = Y'Y, a = alpha |v|,
 *		t = 1 + alpha v for v > 0, else 0 (the preference of a negative or
 *		zero value is 0, with confidence 1 + alpha |v|);
 *		lambda_r = regularization, or with weighted_regularization (Rendle et
 *		al. 2021) regularization * (columns + alpha * sum_j |v_j|);
 *	 explicit (ALS-WR, Zhou et al. 2008) with biases solved jointly: y_j
 *		carries a constant 1 as its last component, G = 0, a = 1,
 *		t = v - mean - bias_j, lambda_r = regularization * n_r.
 *
 * A user may have a center c_r, what is known about them from elsewhere, with the weight m_r that
 * this has: the penalty is then lambda_r |x - c_r|^2 in place of lambda_r |x|^2, and the right hand
 * side has lambda_r c_r beside the sum.  m_r counts in lambda_r as interactions of that weight
 * together do: explicit, lambda_r = regularization * (n_r + m_r).  Items have none.  Users who have
 * one begin there, which is where the first items are solved from; without interactions that is all
 * that is known about them.
 *
 * An iteration solves the items, then the users; the user half step comes last
 * so that a stored user equals the fold-in of the same interactions.  The last
 * user half step is solved to convergence whatever the solver.
 *
 * The result has the same bits for any number of threads: rows are independent
 * and every sum across rows is taken over fixed blocks in a fixed order.
 */
#ifndef RECO_CORE_ALS_ALS_H
#define RECO_CORE_ALS_ALS_H

#include "core/data/csr.h"
#include "core/base/env.h"

#define RECO_ALS_MAX_FACTORS 1024

/* Of alpha and regularization, which are as well above 0. */
#define RECO_ALS_LEAST 1e-9
#define RECO_ALS_MOST_ALPHA 1e6
#define RECO_ALS_MOST_REGULARIZATION 1e9

typedef enum reco_als_solver
{
	RECO_ALS_AUTO = 0,
	RECO_ALS_CHOLESKY, /* exact, float8: n d^2 + d^3/3 a row */
	RECO_ALS_CG        /* some warm-started conjugate gradient steps, float4: n d a step */
} reco_als_solver;

typedef struct reco_als_params
{
	bool implicit;                /* else explicit ratings */
	int factors;                  /* d, 1 .. RECO_ALS_MAX_FACTORS */
	double regularization;        /* > 0 */
	double alpha;                 /* implicit only; > 0 */
	bool weighted_regularization; /* implicit only */
	bool biases;                  /* explicit only */
	int iterations;               /* >= 1 */
	reco_als_solver solver;
	uint64_t seed;
	int32_t
		tile; /* columns of a tile (als_tiled.c); 0: some megabytes of them, where it is worth it */
} reco_als_params;

/*
 * A factorization.  Row r of a side is factors + (size_t) r * stride; its
 * components d .. stride - 1 are 0.  score = mean + user_bias + item_bias + p.q
 * with absent biases (NULL) and mean 0 in the implicit model.
 */
typedef struct reco_factors
{
	int32_t users;
	int32_t items;
	int factors;      /* d */
	int stride;       /* d rounded up to a multiple of 16 */
	float *user;      /* users x stride */
	float *item;      /* items x stride */
	float *user_bias; /* users, or NULL */
	float *item_bias; /* items, or NULL */
	double mean;      /* of all values; 0 in the implicit model */
} reco_factors;

/*
 * Told after each iteration, on the calling thread; may not return, like poll.
 * loss: the implicit objective of the file header / the sum of squared errors
 * plus penalties of the explicit one, after that iteration; NaN when it was not
 * computed.
 */
typedef void (*reco_als_progress)(void *arg, int iteration, double loss);

/*
 * Upper bound of what reco_als_fit allocates, result included, in bytes.
 */
extern size_t reco_als_memory(const reco_als_params *params, const reco_csr *by_user, int threads);

/* Numbers of a center: factors, the bias where there are biases, and the weight last. */
static inline int
reco_als_center_width(const reco_als_params *params)
{
	return params->factors + (!params->implicit && params->biases ? 1 : 0) + 1;
}

/* From one center to the next. */

static inline int
reco_als_center_stride(const reco_als_params *params)
{
	return (reco_als_center_width(params) + 15) / 16 * 16;
}

/*
 * Trains.  by_item is the transpose of by_user.  center: one a user, zeros behind its numbers and
 * for users who have none; NULL: nobody has one.  A user without interactions is left at 0:
 * reco_als_take_centers.  out's arrays are allocated
 * through env and belong to the caller (on failure nothing is left allocated).
 * loss, when not NULL, receives `iterations` values; computing the implicit
 * loss costs about n d + d^2 a row for the user side only, so it can be told at
 * every iteration.
 * Errors: RECO_INVALID (params), RECO_NO_MEMORY, RECO_STOPPED, RECO_SINGULAR.
 */
extern reco_status reco_als_fit(const reco_env *env, const reco_als_params *params,
								const reco_csr *by_user, const reco_csr *by_item,
								const float *center, reco_als_progress progress, void *progress_arg,
								double *loss, reco_factors *out);

/* A factorization that another one is made of. */
typedef struct reco_als_base
{
	const reco_factors *f; /* of its items; what it has of users is not looked at */
	const int32_t *item;   /* by item of the new one: its row there; -1: it is new */
} reco_als_base;

/*
 * More items without a training: those that the base knows keep their factors and biases, and the
 * mean stays.  Users are solved with these alone, the items that are new with the users, and all
 * users once more with all items, each to convergence: a half step of all users more than what a
 * fold-in of everybody takes.  Items without interactions are left at 0.  Memory and errors as of
 * reco_als_fit.
 */
extern reco_status reco_als_extend(const reco_env *env, const reco_als_params *params,
								   const reco_csr *by_user, const reco_csr *by_item,
								   const float *center, const reco_als_base *base,
								   reco_factors *out);

/*
 * Where the training puts a user before its first iteration: d floats by the seed and the user's
 * number.  Who trains elsewhere begins alike and ends alike.
 */
extern void reco_als_begin(const reco_als_params *params, int64_t user, float *x);

/*
 * After the training: users without interactions who have a center that is not 0 are put there.
 * Before it they are not, since the other users' items are none of theirs.  RECO_STOPPED.
 */
extern reco_status reco_als_take_centers(const reco_env *env, const reco_als_params *params,
										 const reco_csr *by_user, const float *center,
										 reco_factors *f);

/*
 * What fold-in and explanation need of one side, made once from its factors.
 * gram: Y'Y, d x d, float8, full storage (NULL in the explicit model).
 */
extern reco_status reco_als_gram(const reco_env *env, const float *y, int32_t rows, int d,
								 int stride, double *gram);

/*
 * One new user (or item, with the roles swapped) from n interactions with rows
 * idx of y: exact solve in float8, the same arithmetic as the solver
 * RECO_ALS_CHOLESKY in training.  mean and y_bias as in reco_factors (y_bias
 * NULL without biases); columns: the number of rows of y, for
 * weighted_regularization.  center: the user's, NULL: 0.
 * x receives d floats, *bias the bias (0 without).  n = 0 gives the center.
 * When contribution is not NULL it receives n values for target row `target` of
 * y: contribution[j] = y_target' (A^-1) y_j t_j, whose sum is x.y_target (+ the
 * user's bias) up to rounding; with a center there is *from_center beside it,
 * y_target' (A^-1) lambda c.
 * Cost n d^2 + d^3/3.
 */
extern reco_status reco_als_fold_in(const reco_env *env, const reco_als_params *params,
									const float *y, int stride, const float *y_bias,
									int32_t columns, double mean, const double *gram, int64_t n,
									const int32_t *idx, const float *value, const float *center,
									float *x, float *bias, int32_t target, double *contribution,
									double *from_center);

#endif /* RECO_CORE_ALS_ALS_H */
