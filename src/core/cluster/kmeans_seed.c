/*
 * kmeans_seed.c
 *	  The first centers of k-means: k-means++ with several candidates.
 *
 * A row is drawn by its squared distance to the nearest center so far.  Of some rows drawn so, that
 * is taken which leaves the least sum of these.  Distances are of products in float4; where little
 * is left of them they are computed in float8, so that a row that is equal to a center is never
 * drawn.
 *
 * Cost: see kmeans.h.
 */
#include "core/cluster/kmeans_fit.h"

#include "core/base/rng.h"

#include <math.h>
#include <string.h>

/* A squared distance must be so many times its error. */
#define CERTAIN 64

/* What the nearest center would be so far away with each candidate; sums by block. */
static void
try_candidates(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from, int64_t to)
{
	const reco_kmeans_rows *rows = &fit->rows;

	fit->k->rotate(scratch->score, fit->columns, kmeans_row(fit, from), rows->stride, to - from,
				   rows->d, fit->m, fit->initial);
	for (int64_t i = from; i < to; i++)
	{
		const float *score = scratch->score + (i - from) * fit->columns;
		double error = 2 * kmeans_error(fit, sqrt(fit->norm[i]));
		double *trial = fit->trial + i * KMEANS_CANDIDATES;

		for (int c = 0; c < fit->candidates; c++)
		{
			double distance = fit->norm[i] - 2 * (double) score[c];

			if (!(distance > CERTAIN * error))
				distance =
					kmeans_distance(kmeans_row(fit, i),
									fit->center + (size_t) (fit->clusters + c) * rows->d, rows->d);
			trial[c] = distance < fit->upper[i] ? distance : fit->upper[i];
			fit->total[block][c] += trial[c];
		}
	}
}

/* The candidates as centers, after those that there are: room is for them all. */
static void
place_candidates(kmeans_fit *fit)
{
	int d = fit->rows.d;

	fit->columns = 16;
	fit->largest = 0;
	memset(fit->m, 0, (size_t) d * 16 * sizeof(float));
	memset(fit->initial, 0, 16 * sizeof(float));
	for (int c = 0; c < fit->candidates; c++)
	{
		const float *x = kmeans_row(fit, fit->candidate[c]);
		double norm = fit->norm[fit->candidate[c]];

		for (int f = 0; f < d; f++)
		{
			fit->m[(size_t) f * 16 + c] = x[f];
			fit->center[(size_t) (fit->clusters + c) * d + f] = x[f];
		}
		fit->initial[c] = (float) (-norm / 2);
		fit->largest = fmax(fit->largest, sqrt(norm));
	}
	memset(fit->total, 0, sizeof(fit->total));
}

/* The candidate that leaves least becomes a center. */
static void
take_best(kmeans_fit *fit)
{
	int d = fit->rows.d;
	int best = 0;
	double least = INFINITY;

	for (int c = 0; c < fit->candidates; c++)
	{
		double total = 0;

		for (int b = 0; b < fit->blocks; b++)
			total += fit->total[b][c];
		if (total < least)
		{
			least = total;
			best = c;
		}
	}
	memmove(fit->center + (size_t) fit->clusters * d,
			fit->center + (size_t) (fit->clusters + best) * d, (size_t) d * sizeof(double));
	fit->candidate[0] = best;
	fit->clusters++;
}

/* Afterwards upper is what the chosen one leaves, and total[][0] its sums. */
static void
keep_trial(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from, int64_t to)
{
	(void) scratch;
	for (int64_t i = from; i < to; i++)
	{
		fit->upper[i] = fit->trial[i * KMEANS_CANDIDATES + fit->candidate[0]];
		fit->total[block][0] += fit->upper[i];
	}
}

/* The row at a place within the sum of all, or -1: nothing is left of that. */
static int32_t
row_at(const kmeans_fit *fit, double place)
{
	int block = 0;
	int32_t last = -1;

	while (block < fit->blocks - 1 && place >= fit->total[block][0])
		place -= fit->total[block++][0];
	/* rounding may leave the place behind the last row */
	for (; last < 0 && block >= 0; block--)
	{
		int64_t from = block * fit->block_rows;
		int64_t to = from + fit->block_rows;

		for (int64_t i = from; i < to && i < fit->rows.rows; i++)
		{
			if (!(fit->upper[i] > 0))
				continue;
			last = (int32_t) i;
			place -= fit->upper[i];
			if (place < 0)
				break;
		}
	}
	return last;
}

/* Draws rows, each by what is left of it; none where nothing is. */
static void
draw_candidates(kmeans_fit *fit, uint64_t key)
{
	int wanted = 2 + (int) log(fit->params->clusters);
	double total = 0;

	for (int b = 0; b < fit->blocks; b++)
		total += fit->total[b][0];
	fit->candidates = 0;
	if (!(total > 0))
		return;
	for (int c = 0; c < wanted && c < KMEANS_CANDIDATES; c++)
	{
		uint64_t number = (uint64_t) fit->clusters * KMEANS_CANDIDATES + (uint64_t) c;
		int32_t row = row_at(fit, reco_rng_uniform(key, number) * total);

		if (row >= 0)
			fit->candidate[fit->candidates++] = row;
	}
}

static void
begin(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from, int64_t to)
{
	(void) scratch;
	(void) block;
	for (int64_t i = from; i < to; i++)
		fit->upper[i] = INFINITY;
}

reco_status
kmeans_seed(kmeans_fit *fit, int restart)
{
	uint64_t key = reco_rng_row(fit->params->seed, (uint64_t) restart);
	reco_status status = kmeans_pass(fit, begin);

	fit->clusters = 0;
	fit->candidates = 1;
	fit->candidate[0] = (int32_t) (reco_rng_uniform(key, 0) * fit->rows.rows);
	while (status == RECO_OK && fit->candidates > 0)
	{
		place_candidates(fit);
		status = kmeans_pass(fit, try_candidates);
		if (status != RECO_OK)
			break;
		take_best(fit);
		if (fit->clusters == fit->params->clusters)
			break;
		memset(fit->total, 0, sizeof(fit->total));
		status = kmeans_pass(fit, keep_trial);
		if (status == RECO_OK)
			draw_candidates(fit, key);
	}
	return status;
}
