/*
 * kmeans_fit.h
 *	  What the files of k-means share: a fit under way, and passes over its rows.
 */
#ifndef RECO_CORE_CLUSTER_KMEANS_FIT_H
#define RECO_CORE_CLUSTER_KMEANS_FIT_H

#include "core/cluster/kmeans.h"

#include "core/isa/isa.h"

/* Rows that are worked on at a time. */
#define KMEANS_PIECE 256
/* Sums over rows are sums of so many blocks', each in the order of its rows. */
#define KMEANS_BLOCKS 32
/* Candidates for a center: 2 + ln k of them. */
#define KMEANS_CANDIDATES 8

/* What a thread computes in. */
typedef struct kmeans_scratch
{
	float *row;     /* KMEANS_PIECE x stride: rows that are not beside one another */
	float *score;   /* KMEANS_PIECE x wide */
	int32_t *which; /* KMEANS_PIECE: which rows */
} kmeans_scratch;

typedef struct kmeans_fit
{
	const reco_env *env;
	const reco_kernels *k;
	const reco_kmeans_params *params;
	reco_kmeans_rows rows;
	bool several;            /* threads are worth it */
	int clusters;            /* centers so far */
	int wide;                /* most clusters, rounded up to a multiple of 16 */
	double *norm;            /* rows: squared */
	kmeans_scratch *scratch; /* one a thread; NULL: of a pass that needs none */
	const reco_kmeans *made; /* what a pass looks at that was made before */

	/* blocks of rows */
	int blocks;
	int64_t block_rows;
	int64_t next[KMEANS_BLOCKS]; /* where a pass goes on */
	int64_t changes[KMEANS_BLOCKS];
	double total[KMEANS_BLOCKS][KMEANS_CANDIDATES];
	double *sum;    /* blocks x clusters x d */
	int64_t *count; /* blocks x clusters */

	/* centers as products in float4 take them */
	float *m;       /* d x wide */
	float *initial; /* wide: -|c|^2 / 2 */
	int columns;    /* of m */
	double largest; /* of |c| */

	/* Lloyd's iterations */
	double *center;   /* clusters x d */
	double *moved;    /* clusters: how far, of late */
	double *half;     /* clusters: of the distance to the nearest other center */
	double most[2];   /* the largest two of moved, */
	int most_of;      /* and whose the first is */
	int64_t *size;    /* clusters */
	int32_t *cluster; /* rows; -1: none yet */
	double *upper;    /* rows: at most so far from their own center; k-means++: squared, nearest */
	double *lower;    /* rows: at least so far from any other */

	/* k-means++ */
	int candidates;
	int32_t candidate[KMEANS_CANDIDATES]; /* rows */
	double *trial; /* rows x KMEANS_CANDIDATES: what upper would be with each */
} kmeans_fit;

/* kmeans.c */

/*
 * Calls piece for all rows, up to KMEANS_PIECE at a time, those of a block one after the other;
 * blocks on any thread.
 */
typedef void (*kmeans_work)(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from,
							int64_t to);
extern reco_status kmeans_pass(kmeans_fit *fit, kmeans_work work);

/* The squared distance of a row to a center, in float8. */
extern double kmeans_distance(const float *x, const double *c, int d);

static inline const float *
kmeans_row(const kmeans_fit *fit, int64_t i)
{
	return fit->rows.x + (size_t) i * (size_t) fit->rows.stride;
}

/*
 * At most how wrong x.c - |c|^2 / 2 is in float4, for any order of the sum: the rounding of c, of
 * products and sums, and underflow.
 */
static inline double
kmeans_error(const kmeans_fit *fit, double norm)
{
	double terms = fit->rows.d + 8;

	return terms * 0x1p-23 * (norm + fit->largest) * fit->largest + terms * 0x1p-125;
}

/* kmeans_seed.c: draws the centers of a restart, fit->clusters of them. */
extern reco_status kmeans_seed(kmeans_fit *fit, int restart);

/* kmeans_lloyd.c: from these to the end of the iterations; *iterations: how many. */
extern reco_status kmeans_lloyd(kmeans_fit *fit, int *iterations);

#endif /* RECO_CORE_CLUSTER_KMEANS_FIT_H */
