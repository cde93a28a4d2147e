/*
 * als_basis.c
 *	  The common basis in which the rows of an ALS half step are solved by conjugate gradients.
 *
 * See als_cg.c for what it is.  Sums of squares over all columns go by ALS_BLOCKS blocks of
 * these, which are added up in order, so that they have the same bits for any number of threads.
 *
 * Cost: some 25 D^3 for the axes, and columns D^2 for the columns in their coordinates.
 */
#include "core/als/als_half.h"
#include "core/linear/eigen.h"
#include "core/linear/gram.h"

#include <math.h>
#include <string.h>

/* The columns that tell how entries lie: so many pieces of so many, or all where that is more. */
#define SPREAD_PIECES 16
#define SPREAD_COLUMNS 4096

/* Entries for each element of a D x D matrix from which on turned axes save more than they cost. */
#define TURN_ENTRIES 512

size_t
als_basis_bytes(int32_t columns, int ld)
{
	size_t vector = reco_room(ld * sizeof(float));

	return reco_room((size_t) columns * ld * sizeof(float)) +
		   3 * reco_room((size_t) ld * ld * sizeof(double)) + reco_room(ld * sizeof(double)) +
		   reco_eigen_bytes(ld) + 3 * reco_room((size_t) ld * ld * sizeof(float)) + 3 * vector +
		   reco_room((size_t) ALS_BLOCKS * (ld + 1) * sizeof(double)) +
		   reco_room((size_t) ALS_BLOCKS * ALS_TILE * ld * sizeof(float));
}

void
als_basis_layout(als_basis *b, void *slab, int32_t columns, int ld)
{
	char *at = slab;

	b->ld = ld;
	b->z = reco_take(&at, (size_t) columns * ld * sizeof(float));
	b->work = reco_take(&at, (size_t) ld * ld * sizeof(double));
	b->spread = reco_take(&at, (size_t) ld * ld * sizeof(double));
	b->product = reco_take(&at, (size_t) ld * ld * sizeof(double));
	b->eigen = reco_take(&at, ld * sizeof(double));
	b->lapack = reco_take(&at, reco_eigen_bytes(ld));
	b->to = reco_take(&at, (size_t) ld * ld * sizeof(float));
	b->start = reco_take(&at, (size_t) ld * ld * sizeof(float));
	b->back = reco_take(&at, (size_t) ld * ld * sizeof(float));
	b->base = reco_take(&at, ld * sizeof(float));
	b->slope = reco_take(&at, ld * sizeof(float));
	b->guess = reco_take(&at, ld * sizeof(float));
	b->partial = reco_take(&at, (size_t) ALS_BLOCKS * (ld + 1) * sizeof(double));
	b->rotated = reco_take(&at, (size_t) ALS_BLOCKS * ALS_TILE * ld * sizeof(float));
}

/* b->spread = the sum of y y' over the entries of some columns. */
static reco_status
sum_spread(const reco_env *env, const als_system *s, als_basis *b, int32_t columns,
		   const int64_t *column_start, void *scratch)
{
	int pieces = columns > SPREAD_PIECES * SPREAD_COLUMNS ? SPREAD_PIECES : 1;
	size_t n = (size_t) s->D * s->D;

	memset(b->spread, 0, n * sizeof(double));
	for (int p = 0; p < pieces; p++)
	{
		int64_t first = (int64_t) columns * p / pieces;
		reco_status status = reco_gram(env, s->k, s->y + (size_t) first * s->stride,
									   pieces > 1 ? SPREAD_COLUMNS : columns, s->d, s->biases,
									   s->stride, column_start + first, scratch, b->product, s->D);

		if (status != RECO_OK)
			return status;
		for (size_t i = 0; i < n; i++)
			b->spread[i] += b->product[i];
	}
	return RECO_OK;
}

/*
 * The rows of b->spread become the axes, in coordinates of the scaled eigenvectors in b->work, in
 * which it is diagonal.
 */
static reco_status
turn(const reco_env *env, const als_system *s, als_basis *b)
{
	reco_product(s->D, b->work, b->spread, false, b->product);
	if (env->poll(env->arg))
		return RECO_STOPPED;
	reco_product(s->D, b->product, b->work, true, b->spread);
	if (env->poll(env->arg))
		return RECO_STOPPED;
	/* the eigenvalues are not wanted: guess is of all columns */
	return reco_eigen(env, s->D, b->spread, b->product, b->lapack);
}

/* Directions as rows: those in b->work, turned or not, to a matrix by rows, by columns, or both. */
static void
store_directions(als_basis *b, int n, bool turned, float *by_row, float *by_column)
{
	const double *from = b->work;

	if (turned)
	{
		reco_product(n, b->spread, b->work, false, b->product);
		from = b->product;
	}
	for (int c = 0; c < n; c++)
		for (int k = 0; k < n; k++)
		{
			float f = (float) from[(size_t) c * n + k];

			if (by_row)
				by_row[(size_t) c * b->ld + k] = f;
			by_column[(size_t) k * b->ld + c] = f;
		}
}

/*
 * The diagonals of the operator; b->work becomes Q S, b->eigen S.  Returns whether the operator
 * without entries is the identity, and stays it in turned coordinates.
 */
static bool
scale_directions(const als_system *s, als_basis *b, double shift)
{
	int n = s->D;
	double floor = (b->eigen[n - 1] > 0 ? b->eigen[n - 1] : 0) * 1e-9;
	bool identity = s->gram && s->lambda1 == 0;

	for (int c = 0; c < b->ld; c++)
		b->base[c] = b->slope[c] = 0;
	for (int c = 0; c < n; c++)
	{
		double e = (b->eigen[c] > floor ? b->eigen[c] : floor) + shift;
		double scale;

		if (!(e > 1e-30))
			e = 1e-30;
		scale = 1.0 / sqrt(e);
		b->base[c] = s->gram ? (float) (scale * scale * (b->eigen[c] + shift)) : 0;
		identity = identity && fabsf(b->base[c] - 1) < 1e-6f;
		if (s->gram && b->base[c] < 1e-9f)
			b->base[c] = 1e-9f;
		b->slope[c] = (float) (scale * scale * s->lambda1);
		b->eigen[c] = scale;
		for (int k = 0; k < n; k++)
			b->work[(size_t) c * n + k] *= scale;
	}
	return identity;
}

/*
 * From the matrix in b->work (D x D, leading dimension D) to Q, S and the three
 * transformations.  divisor: of the matrix; shift: added to the eigenvalues.
 */
static reco_status
decompose(const reco_env *env, const als_system *s, als_basis *b, double divisor, int32_t columns,
		  const int64_t *column_start, void *scratch)
{
	int n = s->D;
	double shift = s->gram ? s->lambda0 : s->lambda1;
	bool turned;
	reco_status status;

	for (size_t i = 0; i < (size_t) n * n; i++)
	{
		if (!isfinite(b->work[i]))
			return RECO_SINGULAR;
		b->work[i] /= divisor;
	}
	status = reco_eigen(env, n, b->work, b->eigen, b->lapack);
	if (status != RECO_OK)
		return status;

	/* rows of work are the eigenvectors now, eigenvalues ascend */
	b->least = s->gram ? (b->eigen[0] > 0 ? b->eigen[0] : 0) + shift : 0;
	b->largest = s->gram ? b->eigen[n - 1] + shift : 0;
	memset(b->to, 0, (size_t) b->ld * b->ld * sizeof(float));
	memset(b->start, 0, (size_t) b->ld * b->ld * sizeof(float));
	memset(b->back, 0, (size_t) b->ld * b->ld * sizeof(float));
	turned = scale_directions(s, b, shift) &&
			 (double) column_start[columns] >= (double) TURN_ENTRIES * n * n;
	if (turned)
	{
		status = sum_spread(env, s, b, columns, column_start, scratch);
		if (status == RECO_OK)
			status = turn(env, s, b);
		if (status != RECO_OK)
			return status;
	}
	store_directions(b, n, turned, b->back, b->to);
	if (env->poll(env->arg))
		return RECO_STOPPED;
	for (int c = 0; c < n; c++)
		for (int k = 0; k < n; k++)
			b->work[(size_t) c * n + k] /= b->eigen[c] * b->eigen[c];
	store_directions(b, n, turned, NULL, b->start);
	return env->poll(env->arg) ? RECO_STOPPED : RECO_OK;
}

/* z and the average of its squares over all entries */
static void
rotate_block(const als_system *s, als_basis *b, const int64_t *column_start, int block,
			 int64_t first, int64_t last)
{
	int ld = b->ld;
	double *sum = b->partial + (size_t) block * (ld + 1);

	for (int64_t tile = first; tile < last; tile += ALS_TILE)
	{
		int n = last - tile < ALS_TILE ? (int) (last - tile) : ALS_TILE;
		float *z = b->packed ? b->rotated + (size_t) block * ALS_TILE * ld
							 : (float *) b->z + (size_t) tile * ld;

		s->k->rotate(z, ld, s->y + (size_t) tile * s->stride, s->stride, n, s->d, b->to,
					 s->biases ? b->to + (size_t) s->d * ld : NULL);
		for (int r = 0; r < n; r++)
		{
			float w = (float) (column_start[tile + r + 1] - column_start[tile + r]);
			const float *y = s->y + (size_t) (tile + r) * s->stride;
			float part[16] = {s->biases ? 1.0f : 0.0f};
			double square = 0;

			for (int c = 0; c < s->stride; c += 16)
				for (int i = 0; i < 16; i++)
					part[i] += y[c + i] * y[c + i];
			for (int i = 0; i < 16; i++)
				square += part[i];
			if (!(square <= sum[ld]))
				sum[ld] = square;
			for (int c = 0; c < ld; c++)
				sum[c] += w * (z[(size_t) r * ld + c] * z[(size_t) r * ld + c]);
		}
		if (b->packed)
			s->k->als_pack((uint32_t *) b->z + (size_t) tile * (ld / 2), z, (int64_t) n * ld);
	}
}

reco_status
als_basis_make(const reco_env *env, const als_system *s, als_basis *b, int32_t columns,
			   const int64_t *column_start, bool packed, void *scratch)
{
	double entries = (double) column_start[columns];
	int64_t size = ((int64_t) columns + ALS_BLOCKS - 1) / ALS_BLOCKS;
	int64_t step = (int64_t) (2e7 / ((double) b->ld * b->ld)) + 1;
	reco_status status;

	b->packed = packed;
	if (s->gram)
		memcpy(b->work, s->gram, (size_t) s->d * s->d * sizeof(double));
	status = decompose(env, s, b, s->gram || entries == 0 ? 1.0 : entries, columns, column_start,
					   scratch);
	if (status != RECO_OK)
		return status;

	memset(b->partial, 0, (size_t) ALS_BLOCKS * (b->ld + 1) * sizeof(double));
	for (int64_t at = 0; at < size; at += step)
	{
#pragma omp parallel for schedule(dynamic, 1) num_threads(env->threads)
		for (int block = 0; block < ALS_BLOCKS; block++)
		{
			int64_t end = (block + 1) * size < columns ? (block + 1) * size : columns;
			int64_t first = block * size + at;
			int64_t last = first + step < end ? first + step : end;

			if (first < last)
				rotate_block(s, b, column_start, block, first, last);
		}
		if (env->poll(env->arg))
			return RECO_STOPPED;
	}
	for (int c = 0; c < b->ld; c++)
	{
		double sum = 0;

		for (int block = 0; block < ALS_BLOCKS; block++)
			sum += b->partial[(size_t) block * (b->ld + 1) + c];
		b->guess[c] = entries > 0 ? (float) (sum / entries) : 0;
	}
	b->longest = b->leverage = 0;
	for (int c = 0; c < b->ld; c++)
		b->leverage += b->guess[c];
	for (int block = 0; block < ALS_BLOCKS; block++)
		b->longest = fmax(b->longest, b->partial[(size_t) block * (b->ld + 1) + b->ld]);
	return RECO_OK;
}
