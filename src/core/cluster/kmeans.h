/*
 * kmeans.h
 *	  Rows shared out among clusters by k-means.
 *
 * Rows x_i are assigned to centers c_j so that the sum of squared distances |x_i - c_a(i)|^2, the
 * inertia, is small: centers are drawn by k-means++ (Arthur, Vassilvitskii 2007), of several
 * candidates the one that leaves the least (as in their section 7), and then Lloyd's iterations
 * follow until no row changes its center.  Distances that cannot matter are left out by the bounds
 * of Hamerly 2010.
 *
 * Decisions are those of squared distances in float8: what is computed in float4 comes with a
 * bound of its error, and where that leaves a doubt it is computed again.  A row goes to the center
 * with the lower number where two are equally near.  A center that loses its last row takes the row
 * that is farthest from its own.  Where there are fewer distinct rows than clusters, there are as
 * many clusters as these.
 *
 * The same rows and seed give the same bits on one kind of processor, for any number of threads.
 *
 * Cost: a restart draws centers by (2 + ln k) k rows d multiply-adds; an iteration takes
 * rows k d at most, and a tenth of that or less once centers move little.
 */
#ifndef RECO_CORE_CLUSTER_KMEANS_H
#define RECO_CORE_CLUSTER_KMEANS_H

#include "core/base/env.h"

#define RECO_KMEANS_MAX_CLUSTERS 1000
#define RECO_KMEANS_MAX_DIMENSIONS 1024
/* The largest number of a row. */
#define RECO_KMEANS_LARGEST 1e16f

typedef struct reco_kmeans_params
{
	int clusters;   /* 1 .. RECO_KMEANS_MAX_CLUSTERS */
	int restarts;   /* >= 1: the best of so many, by the inertia */
	int iterations; /* >= 1: at most, of each */
	uint64_t seed;
	const double *first; /* clusters x d: centers to begin with; NULL: they are drawn */
} reco_kmeans_params;

/* Row r is x + (size_t) r * stride: d numbers and then zeros, on a cache line. */
typedef struct reco_kmeans_rows
{
	const float *x;
	int32_t rows; /* at least 1 */
	int d;
	int stride; /* d rounded up to a multiple of 16 */
} reco_kmeans_rows;

typedef struct reco_kmeans
{
	int clusters;     /* that there are: none is empty; by falling size, ties by their first rows */
	double *center;   /* clusters x d */
	int32_t *cluster; /* rows */
	double *distance; /* rows: squared, to the center of its own */
	double inertia;
	int iterations; /* of the best restart */
} reco_kmeans;

/* Upper bound of what reco_kmeans_fit allocates, result included, in bytes. */
extern size_t reco_kmeans_memory(const reco_kmeans_params *params, const reco_kmeans_rows *rows,
								 int threads);

/*
 * out's arrays are allocated through env and belong to the caller (on failure nothing is left
 * allocated).
 * Errors: RECO_INVALID (params, or a number that is not finite or too large), RECO_NO_MEMORY,
 * RECO_STOPPED.
 */
extern reco_status reco_kmeans_fit(const reco_env *env, const reco_kmeans_params *params,
								   const reco_kmeans_rows *rows, reco_kmeans *out);

/*
 * The simplified silhouette (Hruschka, de Castro, Campello 2004): the mean over rows of
 * (b - a) / max(a, b), where a is the distance to the center of the row's own cluster and b that to
 * the nearest other center; 0 for a row that is alone in its cluster, or where both are 0.  NaN
 * where there is one cluster.
 */
extern reco_status reco_kmeans_silhouette(const reco_env *env, const reco_kmeans_rows *rows,
										  const reco_kmeans *clusters, double *silhouette);

extern void reco_kmeans_free(const reco_env *env, reco_kmeans *clusters);

#endif /* RECO_CORE_CLUSTER_KMEANS_H */
