/*
 * mimic_linear.c
 *	  Dense linear algebra written for obviousness, to compare with.
 */
#include "mimic_linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double *
mimic_inverse(const double *a, int32_t n)
{
	double *left = malloc((size_t) n * n * sizeof(double));
	double *right = calloc((size_t) n * n, sizeof(double));

	memcpy(left, a, (size_t) n * n * sizeof(double));
	for (int32_t i = 0; i < n; i++)
		right[(size_t) i * n + i] = 1;
	for (int32_t k = 0; k < n; k++)
	{
		int32_t best = k;

		for (int32_t i = k; i < n; i++)
			if (fabs(left[(size_t) i * n + k]) > fabs(left[(size_t) best * n + k]))
				best = i;
		for (int32_t j = 0; j < n; j++)
		{
			double l = left[(size_t) k * n + j];
			double r = right[(size_t) k * n + j];

			left[(size_t) k * n + j] = left[(size_t) best * n + j];
			left[(size_t) best * n + j] = l;
			right[(size_t) k * n + j] = right[(size_t) best * n + j];
			right[(size_t) best * n + j] = r;
		}
		for (int32_t j = n - 1; j >= 0; j--)
			right[(size_t) k * n + j] /= left[(size_t) k * n + k];
		for (int32_t j = n - 1; j >= k; j--)
			left[(size_t) k * n + j] /= left[(size_t) k * n + k];
		for (int32_t i = 0; i < n; i++)
		{
			double f = left[(size_t) i * n + k];

			for (int32_t j = 0; i != k && f != 0 && j < n; j++)
			{
				left[(size_t) i * n + j] -= f * left[(size_t) k * n + j];
				right[(size_t) i * n + j] -= f * right[(size_t) k * n + j];
			}
		}
	}
	free(left);
	return right;
}

double *
mimic_gram(const double *x, int32_t rows, int32_t cols)
{
	double *g = calloc((size_t) cols * cols + 1, sizeof(double));

	for (int32_t r = 0; r < rows; r++)
		for (int32_t i = 0; i < cols; i++)
			for (int32_t j = 0; j < cols; j++)
				g[(size_t) i * cols + j] += x[(size_t) r * cols + i] * x[(size_t) r * cols + j];
	return g;
}

reco_csr
mimic_csr_of(const double *cell, int32_t rows, int32_t cols, bool ones)
{
	size_t most = (size_t) rows * cols + 1;
	reco_csr a = {.rows = rows, .cols = cols};
	int64_t n = 0;

	a.start = calloc((size_t) rows + 1, sizeof(int64_t));
	a.col = malloc(most * sizeof(int32_t));
	a.value = ones ? NULL : malloc(most * sizeof(float));
	for (int32_t r = 0; r < rows; r++)
	{
		for (int32_t c = 0; c < cols; c++)
			if (cell[(size_t) r * cols + c] != 0)
			{
				a.col[n] = c;
				if (!ones)
					a.value[n] = (float) cell[(size_t) r * cols + c];
				n++;
			}
		a.start[r + 1] = n;
	}
	return a;
}

void
mimic_csr_free(reco_csr *a)
{
	free(a->start);
	free(a->col);
	free(a->value);
}
