/*
 * gram.c
 *	  Gram matrices of the columns of a block of rows in float4.
 *
 * They are summed up by BLOCKS or fewer blocks of consecutive rows, which are added in their
 * order, so that threads make no difference.  Blocks go on together, by some milliseconds'
 * worth of rows for each between two looks at whether the main thread is wanted.
 */
#include "core/linear/gram.h"

#include "core/base/slab.h"
#include "core/base/work.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Rows that are turned to double and summed up at a time. */
#define TILE 64

#define BLOCKS 16

/* Multiply-adds of a block between two looks. */
#define STEP_WORK 2e7

/* Blocks of a Gram matrix: fewer when each is large. */
static int
block_count(int ld)
{
	return ld <= 256 ? BLOCKS : 4;
}

size_t
reco_gram_bytes(int ld, int threads)
{
	return block_count(ld) * reco_room((size_t) ld * ld * sizeof(double)) +
		   (size_t) threads * reco_room((size_t) TILE * ld * sizeof(double));
}

/* Adds rows first .. last - 1 to a. */
static void
add_rows(const reco_kernels *k, double *a, int ld, double *tile, const float *y, int d, bool one,
		 int stride, const int64_t *start, int64_t first, int64_t last)
{
	for (int64_t r = first; r < last; r += TILE)
	{
		int n = last - r < TILE ? (int) (last - r) : TILE;
		double scale[TILE];

		if (start)
			for (int i = 0; i < n; i++)
				scale[i] = sqrt((double) (start[r + i + 1] - start[r + i]));
		k->gather(tile, ld, y + (size_t) r * stride, stride, NULL, start ? scale : NULL, n, d, one);
		k->syrk(a, ld, tile, ld, d + (one ? 1 : 0), n, false);
	}
}

reco_status
reco_gram(const reco_env *env, const reco_kernels *k, const float *y, int32_t rows, int d, bool one,
		  int stride, const int64_t *start, void *scratch, double *gram, int ldg)
{
	int D = d + (one ? 1 : 0);
	int ld = (D + 15) / 16 * 16;
	int blocks = block_count(ld);
	size_t block_room = reco_room((size_t) ld * ld * sizeof(double));
	char *tiles = (char *) scratch + blocks * block_room;
	size_t tile_room = reco_room((size_t) TILE * ld * sizeof(double));
	int64_t size = (((int64_t) rows + blocks - 1) / blocks + TILE - 1) / TILE * TILE;
	int64_t step = (int64_t) (STEP_WORK / ((double) ld * ld)) / TILE * TILE;

	if (step < TILE)
		step = TILE;
	memset(scratch, 0, blocks * block_room);
	for (int64_t at = 0; at < size; at += step)
	{
		reco_work work = reco_work_of(blocks, 1);

		do
		{
#pragma omp parallel num_threads(env->threads)
			for (int64_t b, next; reco_work_take(&work, &b, &next);)
			{
				int64_t end = next * size < rows ? next * size : rows;
				int64_t first = b * size + at;
				int64_t last = first + step < end ? first + step : end;

				add_rows(k, (double *) ((char *) scratch + b * block_room), ld,
						 (double *) (tiles + omp_get_thread_num() * tile_room), y, d, one, stride,
						 start, first, last);
				if (reco_work_pause(env))
					break;
			}
			if (env->poll(env->arg))
				return RECO_STOPPED;
		} while (reco_work_left(&work));
	}
	for (int i = 0; i < D; i++)
		for (int j = i; j < D; j++)
		{
			double sum = 0;

			for (int b = 0; b < blocks; b++)
				sum += ((double *) ((char *) scratch + b * block_room))[(size_t) i * ld + j];
			gram[(size_t) i * ldg + j] = gram[(size_t) j * ldg + i] = sum;
		}
	return RECO_OK;
}
