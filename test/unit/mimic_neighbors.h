/*
 * mimic_neighbors.h
 *	  Similarities by the formulas of neighbors.h, one pair at a time, and
 *	  matrices to try them on.
 */
#ifndef RECO_MIMIC_NEIGHBORS_H
#define RECO_MIMIC_NEIGHBORS_H

#include "core/neighbors/neighbors.h"
#include "mimic_env.h"

typedef enum mimic_values
{
	MIMIC_ONES,    /* no value array */
	MIMIC_RATINGS, /* 1 .. 5 */
	MIMIC_SIGNED   /* of either sign, some 0, some rows all alike */
} mimic_values;

typedef struct mimic_shape
{
	const char *name;
	int32_t rows;
	int32_t cols;
	double density;
	double skew; /* 1: even; more: a few long rows and columns have most */
} mimic_shape;

/* The options' defaults, all neighbors; and every measure with what goes along with it. */
#define MIMIC_VARIANTS 24

extern const reco_neighbors_params mimic_params;
extern int mimic_variants(reco_neighbors_params *out);

/* Arrays are malloc'd; mimic_matrix_free takes them back. */
extern reco_csr mimic_matrix(const mimic_shape *shape, mimic_values values, uint64_t seed);
extern void mimic_matrix_free(reco_csr *a);

/* What columns of values hold in practice, and what no one expects. */
#define MIMIC_DOMAINS 18

extern const char *mimic_domain_name(int domain);
/* Gives the entries of a matrix new values. */
extern void mimic_domain_fill(int domain, reco_csr *a, uint64_t seed);

/*
 * What the formulas need to know of each row and entry, and how far each weight
 * may be off, which is kept as a float where it is no value as it came.
 */
typedef struct mimic_stats
{
	const reco_neighbors_params *params;
	const reco_csr *a;
	long double *weight; /* by entry */
	long double *off;    /* by entry */
	bool *counts;        /* by entry */
	long double *norm;   /* by row */
	long double *off_norm;
	long double *sum;     /* by row, of |value| */
	int64_t *n;           /* by row */
	long double *dot;     /* scratch: the row's weights by column */
	long double *off_dot; /* scratch */
	bool *has;            /* scratch */
} mimic_stats;

/* A similarity, and how far off that of a kernel may be. */
typedef struct mimic_pair
{
	double similarity;
	double slack;
	int32_t common;
} mimic_pair;

extern void mimic_stats_init(mimic_stats *s, const reco_neighbors_params *params,
							 const reco_csr *a);
extern void mimic_stats_free(mimic_stats *s);

/* s(row | b) for all b (conditional: s(b | row), whose list is the row's). */
extern void mimic_row(mimic_stats *s, int32_t row, mimic_pair *out);

/* The last steps of RP3beta by plain loops over all pairs of rows and lists. */
extern void mimic_walk_end(const reco_neighbors *lists, bool normalize, int k, reco_neighbors *out);

/*
 * Biases in ten sweeps; arrays of rows and cols.
 */
extern void mimic_baseline(const reco_csr *by_user, double *mean, double *user_bias,
						   double *item_bias);

#endif /* RECO_MIMIC_NEIGHBORS_H */
