/*
 * kmeans.c
 *	  K-means of rows from a file: seconds, the inertia, and iterations.
 *
 * usage: kmeans FILE ROWS DIMENSIONS CLUSTERS RESTARTS SEED THREADS
 *
 * Built and run by segments.sh.  FILE has float4 numbers in the machine's order, row by row.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#include "core/cluster/kmeans.h"

int
main(int argc, char **argv)
{
	reco_env env = bench_env(1);
	reco_kmeans_rows rows = {0};
	reco_kmeans_params params = {0};
	reco_kmeans made;
	float *x;
	FILE *file;
	double start;

	if (argc != 8 || (file = fopen(argv[1], "rb")) == NULL)
		return 2;
	rows.rows = atoi(argv[2]);
	rows.d = atoi(argv[3]);
	rows.stride = (rows.d + 15) / 16 * 16;
	params.clusters = atoi(argv[4]);
	params.restarts = atoi(argv[5]);
	params.seed = (uint64_t) atoi(argv[6]);
	params.iterations = 300;
	env.threads = atoi(argv[7]);
	x = bench_take(NULL, (size_t) rows.rows * (size_t) rows.stride * sizeof(float));
	memset(x, 0, (size_t) rows.rows * (size_t) rows.stride * sizeof(float));
	for (int32_t r = 0; r < rows.rows; r++)
		if (fread(x + (size_t) r * (size_t) rows.stride, sizeof(float), (size_t) rows.d, file) !=
			(size_t) rows.d)
			return 2;
	rows.x = x;
	start = bench_now();
	if (reco_kmeans_fit(&env, &params, &rows, &made) != RECO_OK)
		return 1;
	printf("%.4f %.8g %d\n", bench_now() - start, made.inertia, made.iterations);
	return 0;
}
