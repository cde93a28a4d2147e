/*
 * limits.c
 *	  What this machine can do at most: products of matrices, and the memory's bandwidth.
 *
 * usage: limits THREADS
 *
 * Prints the rate of sgemm in GFLOP/s (matrices of 1536, OpenBLAS on one thread, THREADS such
 * products at once, best of five), and that of reading and adding 512 MB in GB/s.
 */
#include <cblas.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#define SIDE 1536
#define FLOATS (128 << 20)

int
main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	double best = 0;
	double fastest = 0;
	float total = 0;
	float *memory = malloc(FLOATS * sizeof(float));

	if (threads < 1 || !memory)
		return 1;
	omp_set_num_threads(threads);
#pragma omp parallel for
	for (long i = 0; i < FLOATS; i++)
		memory[i] = (float) (i & 7);
	for (int run = 0; run < 5; run++)
	{
		double begin = omp_get_wtime();

#pragma omp parallel
		{
			/* three matrices of a thread's own */
			float *own = memory + (size_t) omp_get_thread_num() * 3 * SIDE * SIDE;

			cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, own, SIDE,
						own + SIDE * SIDE, SIDE, 0, own + 2 * SIDE * SIDE, SIDE);
		}
		begin = 2e-9 * SIDE * SIDE * SIDE * threads / (omp_get_wtime() - begin);
		if (begin > best)
			best = begin;
	}
	for (int run = 0; run < 5; run++)
	{
		double begin = omp_get_wtime();

#pragma omp parallel for simd reduction(+ : total)
		for (long i = 0; i < FLOATS; i++)
			total += memory[i];
		begin = 1e-9 * FLOATS * sizeof(float) / (omp_get_wtime() - begin);
		if (begin > fastest)
			fastest = begin;
	}
	printf("%.0f %.1f %g\n", best, fastest, (double) total);
	return 0;
}
