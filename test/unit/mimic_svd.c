/*
 * mimic_svd.c
 *	  One-sided Jacobi: pairs of columns are turned against each other until all are
 *	  orthogonal (Hestenes 1958); their lengths are the singular values then.
 */
#include "mimic_svd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double *
mimic_dense(const reco_csr *m)
{
	double *a = calloc((size_t) m->rows * m->cols + 1, sizeof(double));

	for (int r = 0; r < m->rows; r++)
		for (int64_t e = m->start[r]; e < m->start[r + 1]; e++)
			a[(size_t) r * m->cols + m->col[e]] = m->value ? m->value[e] : 1;
	return a;
}

static double
column_product(const double *a, int rows, int cols, int i, int j)
{
	double sum = 0;

	for (int r = 0; r < rows; r++)
		sum += a[(size_t) r * cols + i] * a[(size_t) r * cols + j];
	return sum;
}

/* Makes columns i and j orthogonal; false: they were. */
static int
rotate_pair(double *a, int rows, int cols, int i, int j)
{
	double p = column_product(a, rows, cols, i, i);
	double q = column_product(a, rows, cols, j, j);
	double pq = column_product(a, rows, cols, i, j);
	double zeta;
	double t;
	double c;

	if (fabs(pq) <= 1e-15 * sqrt(p * q) || pq == 0)
		return 0;
	zeta = (q - p) / (2 * pq);
	t = (zeta < 0 ? -1 : 1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
	c = 1 / sqrt(1 + t * t);
	for (int r = 0; r < rows; r++)
	{
		double x = a[(size_t) r * cols + i];
		double y = a[(size_t) r * cols + j];

		a[(size_t) r * cols + i] = c * (x - t * y);
		a[(size_t) r * cols + j] = c * (t * x + y);
	}
	return 1;
}

void
mimic_svd(double *a, int rows, int cols, double *singular)
{
	for (int sweep = 0, moved = 1; sweep < 60 && moved; sweep++)
	{
		moved = 0;
		for (int i = 0; i < cols; i++)
			for (int j = i + 1; j < cols; j++)
				moved |= rotate_pair(a, rows, cols, i, j);
	}
	for (int i = 0; i < cols; i++)
		singular[i] = sqrt(column_product(a, rows, cols, i, i));
	for (int i = 0; i < cols; i++)
		for (int j = i + 1; j < cols; j++)
			if (singular[j] > singular[i])
			{
				double s = singular[i];

				singular[i] = singular[j];
				singular[j] = s;
				for (int r = 0; r < rows; r++)
				{
					double x = a[(size_t) r * cols + i];

					a[(size_t) r * cols + i] = a[(size_t) r * cols + j];
					a[(size_t) r * cols + j] = x;
				}
			}
}
