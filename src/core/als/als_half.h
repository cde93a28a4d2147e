/*
 * als_half.h
 *	  One half step of alternating least squares, as its parts see it.
 *
 * als.c plans and runs whole trainings, als_fold_in.c solves a row by itself, als_run.c spreads
 * the rows of a half step over threads, and als_exact.c and als_cg.c each solve one row.  The
 * system of row r is
 *
 *	 (G + lambda0 I + sum_j a_j (y_j y_j' + lambda1 I)) x = sum_j t_j y_j
 *
 * which covers every regularization of als.h: plain implicit (lambda, 0),
 * weighted implicit (lambda columns, lambda), explicit (0, lambda).  A row with
 * a center c of weight m has (lambda0 + (sum_j a_j + m) lambda1) in both places,
 * times c on the right.  With biases y_j has a constant 1 as component d, and component d of x is
 * the bias; D is d + 1 then, else d.
 */
#ifndef RECO_CORE_ALS_ALS_HALF_H
#define RECO_CORE_ALS_ALS_HALF_H

#include "core/als/als.h"
#include "core/base/dispatch.h"
#include "core/base/slab.h"

/* Rows of factors that are turned to double and summed up at a time. */
#define ALS_TILE 64

/* Entries that are only looked at, between two looks at the stop flag. */
#define ALS_LOOK 65536

/* A weight above this makes single precision unsafe: the row is solved exactly. */
#define ALS_LARGE_WEIGHT 1e7

typedef struct als_system
{
	const reco_kernels *k;
	reco_als_weights weights;
	double alpha; /* as weights.alpha, weights.mean */
	double mean;
	const float *y; /* columns x stride */
	int stride;
	bool biases; /* weights.bias are the columns' */
	int d;
	int D;
	int ld; /* D rounded up to 16 */
	double lambda0;
	double lambda1;
	const double *gram; /* d x d, or NULL */
	bool improve;       /* x and bias hold a solution that is to be improved on */
} als_system;

/* The objective of a row at the solution that was reached. */
typedef struct als_objective
{
	double loss;    /* the row's part of the objective, its penalty included */
	double penalty; /* lambda_r |x - c|^2 */
} als_objective;

extern void als_system_init(als_system *s, const reco_als_params *params, int32_t columns,
							double mean, const float *y, int stride, const float *y_bias,
							const double *gram);

/* A value's weight and target in float8; v is a residual in the explicit model. */
static inline void
als_value(bool implicit, double alpha, double v, double *a, double *t)
{
	*a = implicit ? alpha * (v < 0 ? -v : v) : 1.0;
	*t = !implicit ? v : v > 0 ? 1.0 + *a : 0.0;
}

/* The same of a row's entry. */
static inline void
als_entry(const als_system *s, const reco_als_row *row, int64_t j, double *a, double *t)
{
	double v = row->value ? row->value[j] : 1.0;

	if (!s->weights.implicit)
		v = v - s->mean - (s->biases ? s->weights.bias[row->idx[j]] : 0.0);
	als_value(s->weights.implicit, s->alpha, v, a, t);
}

/* Whether a row is drawn to anything but 0. */
static inline bool
als_has_center(const als_system *s, const reco_als_row *row)
{
	for (int k = 0; row->center && k < s->D; k++)
		if (row->center[k] != 0)
			return true;
	return false;
}

/* lambda_r of a row whose entries weigh so much. */
static inline double
als_lambda(const als_system *s, const reco_als_row *row, double weight)
{
	return s->lambda0 + s->lambda1 * (weight + (row->center ? row->center[s->D] : 0));
}

/* |x - c|^2 of a solution of D numbers */
static inline double
als_distance(const als_system *s, const reco_als_row *row, const double *x)
{
	double sum = 0;

	if (row->center == NULL)
		return s->k->dot(x, x, s->D);
	for (int k = 0; k < s->D; k++)
		sum += (x[k] - row->center[k]) * (x[k] - row->center[k]);
	return sum;
}

/* als_begin.c: the factors that a training begins with; of users whose centers are known, there. */
extern reco_status als_begin(const reco_env *env, const reco_als_params *p, const reco_csr *by_user,
							 const float *center, reco_factors *f);

/* als_fold_in.c: whether parameters are such as als.h says. */
extern bool als_valid_params(const reco_als_params *p);

/* Whether nothing draws the solution of a row away from 0, which it is then exactly. */
extern reco_status als_no_target(const reco_env *env, const als_system *s, const reco_als_row *row,
								 bool *none);

/* als_exact.c: memory of one thread, laid out in a slab of als_exact_bytes. */
typedef struct als_exact
{
	double *a;     /* ld x ld: the system, then its factor */
	double *tile;  /* ALS_TILE x ld */
	double *x;     /* ld: right-hand side, then solution */
	double *r;     /* ld */
	double *scale; /* ALS_TILE */
	double lambda; /* of the last system that was solved */
	double ridge;  /* likewise, relative to its largest diagonal */
} als_exact;

extern size_t als_exact_bytes(int ld);
extern void als_exact_layout(als_exact *e, void *slab, int ld);

/* How often a system is tried, each time but the first with a larger ridge. */
#define ALS_ATTEMPTS 8

/*
 * Adds lambda and *ridge to the diagonal of e->a, factors it and solves for e->x
 * in place.  False: *ridge has grown, and both are to be built anew.
 */
extern bool als_exact_attempt(const als_system *s, als_exact *e, double lambda, double *ridge);

/*
 * Solves a row in float8 into e->x, leaving the Cholesky factor in e->a and
 * lambda_r in e->lambda.  RECO_STOPPED, RECO_SINGULAR.
 */
extern reco_status als_exact_solve(const reco_env *env, const als_system *s, als_exact *e,
								   const reco_als_row *row);

/*
 * The whole of it: solve, round to x and bias, with the objective there (NULL:
 * not wanted).  The same arithmetic whoever calls, but that a system with `improve`
 * set that needs a ridge keeps what x and bias hold when that is better.
 */
extern reco_status als_exact_row(const reco_env *env, const als_system *s, als_exact *e,
								 const reco_als_row *row, float *x, float *bias,
								 als_objective *reached);

/*
 * e->r = right-hand side - A e->x in float8; and the objective at e->x (NULL: not wanted).
 */
extern reco_status als_exact_residual(const reco_env *env, const als_system *s, als_exact *e,
									  const reco_als_row *row, als_objective *reached);

/* Stores a float8 solution; false when it does not fit in a float4. */
extern bool als_store(const als_system *s, const double *solution, float *x, float *bias);

/*
 * als_basis.c: what the rows of a half step share; als_cg.c: one thread's memory.
 */
typedef struct als_basis
{
	int ld;          /* D rounded up to a multiple of 32 */
	bool packed;     /* z holds words of reco_kernels.als_pack */
	void *z;         /* columns x ld: rotated and scaled factors */
	double *work;    /* ld x ld: eigenvectors */
	double *spread;  /* ld x ld: sum of y y' over entries, then how the axes turn */
	double *product; /* ld x ld */
	double *eigen;   /* ld */
	void *lapack;    /* scratch of reco_eigen */
	float *to;       /* ld x ld: y -> z */
	float *start;    /* ld x ld: x -> its coordinates */
	float *back;     /* ld x ld: coordinates -> x */
	float *base;     /* ld: diagonal of the operator, without weights */
	float *slope;    /* ld: and for each unit of weight */
	float *guess;    /* ld: expected diagonal of sum a z z' for a unit */
	double *partial; /* ALS_BLOCKS x (ld + 1): sums of squares by block, most of a row */
	float *rotated;  /* ALS_BLOCKS x ALS_TILE x ld */
	double least;    /* what all rows' matrices have in common: its eigenvalues */
	double largest;
	double longest;  /* the largest |y|^2 */
	double leverage; /* sum of guess: the average |z|^2 of the entries */
} als_basis;

/* The most passes of a row that are made by tiles: the first one, and one for each step. */
#define ALS_TILED_PASSES 6

/* Passes of a row that tiles have made beforehand (als_tiled.c). */
typedef struct als_given
{
	float *p;     /* ld: what the pass that comes next multiplies by */
	float *sum;   /* ld: what the first pass gives */
	size_t room;  /* and so many floats further what each other one does */
	int passes;   /* that are made */
	bool plans;   /* the row is left as it is: to know p and kind is all that is wanted */
	bool planned; /* they are known: another pass is to be made */
	reco_als_pass kind;
	reco_als_sums sums; /* of the first */
	double curvature[ALS_TILED_PASSES];
} als_given;

typedef struct als_cg
{
	float *x; /* ld each */
	float *r;
	float *p;
	float *q;
	float *io;
	float *op;
	float *inverse;
	const int32_t *next; /* columns whose factors will be wanted soon */
	int next_n;
	als_given *given; /* NULL: nothing is; not of a row that is to converge */
	als_exact exact;
} als_cg;

#define ALS_AHEAD 16

#define ALS_BLOCKS 16

extern size_t als_basis_bytes(int32_t columns, int ld);
extern void als_basis_layout(als_basis *b, void *slab, int32_t columns, int ld);
/* scratch: of reco_gram */
extern reco_status als_basis_make(const reco_env *env, const als_system *s, als_basis *b,
								  int32_t columns, const int64_t *column_start, bool packed,
								  void *scratch);
extern size_t als_cg_bytes(int ld);
extern void als_cg_layout(als_cg *c, void *slab, int ld);

/*
 * Brings x and bias near the minimum of the row's objective by a few conjugate
 * gradient steps, or, when `converge`, to float4 accuracy of the solution; a row
 * that float4 or a few steps are not enough for is solved exactly.
 */
extern reco_status als_cg_row(const reco_env *env, const als_system *s, const als_basis *b,
							  als_cg *c, const reco_als_row *row, bool converge, float *x,
							  float *bias, als_objective *reached);

/* The start of a row: its solution in the coordinates of the basis. */
extern void als_cg_start(const als_system *s, const als_basis *b, const float *x, const float *bias,
						 float *out);

/*
 * als_run.c: the rows of a matrix, longest first, in units of similar work.
 */
typedef struct als_schedule
{
	int32_t *order;         /* rows with entries, by falling length */
	int32_t *unit;          /* units + 1: where each begins in order */
	als_objective *reached; /* by unit */
	int32_t units;
	int32_t longs;  /* how many of order are long: these are the first */
	int32_t *left;  /* threads: a unit whose row was left, or -1 */
	int64_t long_n; /* from so many entries on a row is left when the main thread is wanted */
} als_schedule;

/*
 * env: whose `stopping` is looked at; where it says so, x and bias are as they were.
 * next: the row that this thread will probably solve next, or -1
 */
typedef reco_status (*als_row_solver)(const reco_env *env, void *arg, int thread, int32_t row,
									  int32_t next, als_objective *reached);

extern size_t als_schedule_bytes(int32_t rows, int threads);
/* known: rows of 0 or more there are left out; NULL: none is. */
extern reco_status als_schedule_layout(const reco_env *env, als_schedule *sch, void *slab,
									   const reco_csr *m, const int32_t *known, double entry_cost,
									   double row_cost);

/*
 * Calls solve for every row of m, that of the schedule, that has entries.  Sums what was
 * reached in a fixed order into *sum.
 */
extern reco_status als_run(const reco_env *env, const als_schedule *sch, const reco_csr *m,
						   als_row_solver solve, void *arg, als_objective *sum);

/*
 * als_tiled.c: long rows whose columns are more than a cache holds.
 */
typedef struct als_tiled
{
	int32_t rows;    /* the first of the schedule; 0: there are no tiles */
	int32_t columns; /* of a tile */
	int ld;
	int32_t *place; /* of each row of the matrix: its number among these, or -1 */
	int64_t *at;    /* the others by this number: where the next tile begins in the row */
	als_given *given;
} als_tiled;

/*
 * Upper bound for a matrix of so many rows and entries; 0: columns that have no tiles.  tile: as in
 * reco_als_params.
 */
extern size_t als_tiled_bytes(int32_t rows, int64_t entries, int32_t columns, int ld, int32_t tile);

/*
 * Lays out in a slab of als_tiled_bytes what is needed for the rows of m, which are those of the
 * schedule; out->rows is 0 where that is not worth it.  Sums are for the caller to clear.
 */
extern void als_tiled_init(const als_schedule *sch, const reco_csr *m, const als_basis *b,
						   int32_t tile, char *slab, als_tiled *out);

/* Makes the pass that rows have planned, tile by tile. */
extern reco_status als_tiled_pass(const reco_env *env, const als_system *s, const als_basis *b,
								  const reco_csr *m, als_tiled *t, const als_schedule *sch);

/* What is known beforehand of a row; NULL: nothing. */
static inline als_given *
als_tiled_given(const als_tiled *t, int32_t row)
{
	return t->rows > 0 && t->place[row] >= 0 ? &t->given[t->place[row]] : NULL;
}

#endif /* RECO_CORE_ALS_ALS_HALF_H */
