/*
 * kmeans_lloyd.c
 *	  Lloyd's iterations with the bounds of Hamerly 2010 ("Making k-means even faster").
 *
 * Of each row an upper bound of the distance to its own center is kept, and a lower bound of that
 * to all others; both follow the centers as these move.  While the upper one is below the lower,
 * or below half of the distance from its center to the next, the row stays where it is.  Sums of a
 * cluster's rows are kept up as rows come and go, and made anew in the end, until nothing changes
 * by them either: rounding of the sums does not decide.
 *
 * Cost: see kmeans.h.
 */
#include "core/cluster/kmeans_fit.h"

#include <math.h>
#include <string.h>

/* Bounds are kept apart by more than what float8 loses of them. */
#define LOOSE (1 + 1e-12)
/* Of so many centers or fewer the distances from each other are computed. */
#define FEW 200
/* From so many on, the distance to the own center may spare those to all. */
#define MANY 48

/* Centers as the products take them. */
static void
place_centers(kmeans_fit *fit)
{
	int d = fit->rows.d;

	fit->columns = (fit->clusters + 15) / 16 * 16;
	fit->largest = 0;
	memset(fit->m, 0, (size_t) d * fit->columns * sizeof(float));
	memset(fit->initial, 0, fit->columns * sizeof(float));
	for (int c = 0; c < fit->clusters; c++)
	{
		const double *center = fit->center + (size_t) c * d;
		double norm = 0;

		for (int f = 0; f < d; f++)
		{
			fit->m[(size_t) f * fit->columns + c] = (float) center[f];
			norm += center[f] * center[f];
		}
		fit->initial[c] = (float) (-norm / 2);
		fit->largest = fmax(fit->largest, sqrt(norm));
	}
}

static double
center_distance(const kmeans_fit *fit, int a, int b)
{
	const double *x = fit->center + (size_t) a * fit->rows.d;
	const double *y = fit->center + (size_t) b * fit->rows.d;
	double sum = 0;

	for (int f = 0; f < fit->rows.d; f++)
		sum += (x[f] - y[f]) * (x[f] - y[f]);
	return sqrt(sum);
}

/* How far each center is from the next, and which two have moved most. */
static reco_status
measure_centers(kmeans_fit *fit)
{
	fit->most[0] = fit->most[1] = 0;
	fit->most_of = -1;
	for (int a = 0; a < fit->clusters; a++)
	{
		if (fit->moved[a] > fit->most[0])
		{
			fit->most[1] = fit->most[0];
			fit->most[0] = fit->moved[a];
			fit->most_of = a;
		}
		else if (fit->moved[a] > fit->most[1])
			fit->most[1] = fit->moved[a];
		fit->half[a] = fit->clusters > FEW ? 0 : INFINITY;
	}
	for (int a = 0; a < fit->clusters && fit->clusters <= FEW; a++)
	{
		for (int b = 0; b < a; b++)
		{
			double half = center_distance(fit, a, b) / 2;

			fit->half[a] = fmin(fit->half[a], half);
			fit->half[b] = fmin(fit->half[b], half);
		}
		if (fit->env->poll(fit->env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Adds a row to the sums of a cluster, or takes it away. */
static void
change_sums(kmeans_fit *fit, int block, int32_t cluster, const float *x, int sign)
{
	size_t at = (size_t) block * fit->clusters + (size_t) cluster;
	double *sum = fit->sum + at * fit->rows.d;

	fit->count[at] += sign;
	if (sign > 0)
		for (int f = 0; f < fit->rows.d; f++)
			sum[f] += x[f];
	else
		for (int f = 0; f < fit->rows.d; f++)
			sum[f] -= x[f];
}

/* Of all centers the nearest by float8; the bounds become what they are. */
static int32_t
nearest_exactly(kmeans_fit *fit, int64_t i)
{
	const float *x = kmeans_row(fit, i);
	double best = INFINITY;
	double second = INFINITY;
	int32_t nearest = 0;

	for (int c = 0; c < fit->clusters; c++)
	{
		double distance = kmeans_distance(x, fit->center + (size_t) c * fit->rows.d, fit->rows.d);

		if (distance < best)
		{
			second = best;
			best = distance;
			nearest = c;
		}
		else if (distance < second)
			second = distance;
	}
	fit->upper[i] = sqrt(best) * LOOSE;
	fit->lower[i] = sqrt(second) / LOOSE;
	return nearest;
}

/* The nearest by the scores in float4, unless these leave a doubt. */
static int32_t
nearest(kmeans_fit *fit, int64_t i, const float *score)
{
	double error = kmeans_error(fit, sqrt(fit->norm[i]));
	float best = -INFINITY;
	float second = -INFINITY;
	int32_t found = 0;
	double upper;
	double lower;

	for (int c = 0; c < fit->clusters; c++)
		if (score[c] > best)
		{
			second = best;
			best = score[c];
			found = c;
		}
		else if (score[c] > second)
			second = score[c];
	if (!((double) best - second > 2 * error))
		return nearest_exactly(fit, i);
	upper = fit->norm[i] * LOOSE - 2 * (double) best + 2 * error;
	lower = fit->norm[i] / LOOSE - 2 * (double) second - 2 * error;
	fit->upper[i] = sqrt(fmax(upper, 0)) * LOOSE;
	fit->lower[i] = sqrt(fmax(lower, 0)) / LOOSE;
	return found;
}

/* Whether a row certainly stays where it is, now that the centers have moved. */
static bool
stays(kmeans_fit *fit, int64_t i)
{
	int32_t own = fit->cluster[i];
	double others;
	double floor;

	if (own < 0)
		return false;
	others = fit->most[fit->most_of == own];
	fit->upper[i] = (fit->upper[i] + fit->moved[own]) * LOOSE;
	fit->lower[i] = fmax(fit->lower[i] / LOOSE - others * LOOSE, 0);
	floor = fmax(fit->lower[i], fit->half[own] / LOOSE);
	if (fit->upper[i] < floor)
		return true;
	if (fit->clusters < MANY)
		return false;
	fit->upper[i] = sqrt(kmeans_distance(kmeans_row(fit, i),
										 fit->center + (size_t) own * fit->rows.d, fit->rows.d)) *
					LOOSE;
	return fit->upper[i] < floor;
}

static void
assign(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from, int64_t to)
{
	const reco_kmeans_rows *rows = &fit->rows;
	const float *x = kmeans_row(fit, from);
	int n = 0;

	for (int64_t i = from; i < to; i++)
		if (!stays(fit, i))
			scratch->which[n++] = (int32_t) i;
	if (n == 0)
		return;
	if (n < to - from)
	{
		x = scratch->row;
		for (int k = 0; k < n; k++)
			memcpy(scratch->row + (size_t) k * rows->stride, kmeans_row(fit, scratch->which[k]),
				   rows->stride * sizeof(float));
	}
	fit->k->rotate(scratch->score, fit->columns, x, rows->stride, n, rows->d, fit->m, fit->initial);
	for (int k = 0; k < n; k++)
	{
		int32_t i = scratch->which[k];
		int32_t before = fit->cluster[i];
		int32_t now = nearest(fit, i, scratch->score + (size_t) k * fit->columns);

		if (now == before)
			continue;
		fit->cluster[i] = now;
		fit->changes[block]++;
		change_sums(fit, block, now, kmeans_row(fit, i), 1);
		if (before >= 0)
			change_sums(fit, block, before, kmeans_row(fit, i), -1);
	}
}

/* For sums from nothing. */
static void
add_up(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from, int64_t to)
{
	(void) scratch;
	for (int64_t i = from; i < to; i++)
		change_sums(fit, block, fit->cluster[i], kmeans_row(fit, i), 1);
}

static reco_status
clear_sums(kmeans_fit *fit)
{
	size_t n = (size_t) fit->clusters;

	for (int b = 0; b < fit->blocks; b++)
	{
		memset(fit->sum + b * n * fit->rows.d, 0, n * fit->rows.d * sizeof(double));
		memset(fit->count + b * n, 0, n * sizeof(int64_t));
		if (fit->env->poll(fit->env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Centers from the sums; how far they moved, and how many rows each has. */
static reco_status
move_centers(kmeans_fit *fit)
{
	int d = fit->rows.d;

	for (int c = 0; c < fit->clusters; c++)
	{
		double *center = fit->center + (size_t) c * d;
		double squares = 0;

		fit->size[c] = 0;
		fit->moved[c] = 0;
		for (int b = 0; b < fit->blocks; b++)
			fit->size[c] += fit->count[(size_t) b * fit->clusters + c];
		if (fit->size[c] == 0)
			continue;
		for (int f = 0; f < d; f++)
		{
			double mean = 0;

			for (int b = 0; b < fit->blocks; b++)
				mean += fit->sum[((size_t) b * fit->clusters + c) * d + f];
			mean /= (double) fit->size[c];
			squares += (mean - center[f]) * (mean - center[f]);
			center[f] = mean;
		}
		fit->moved[c] = sqrt(squares);
		if (fit->env->poll(fit->env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* The row that is farthest from its center, of those that are not alone there; -1: all are on it.
 */
static int32_t
farthest(kmeans_fit *fit)
{
	double most = 0;
	int32_t found = -1;

	for (int32_t i = 0; i < fit->rows.rows; i++)
	{
		int32_t own = fit->cluster[i];
		double distance;

		if (fit->size[own] < 2)
			continue;
		distance = kmeans_distance(kmeans_row(fit, i), fit->center + (size_t) own * fit->rows.d,
								   fit->rows.d);
		if (distance > most)
		{
			most = distance;
			found = i;
		}
		if (i % 4096 == 0 && fit->env->poll(fit->env->arg))
			return -2;
	}
	return found;
}

/*
 * Clusters without rows take the farthest ones; *filled: there were some.  Those for which there
 * is no row any more stay empty.
 */
static reco_status
fill_empty(kmeans_fit *fit, bool *filled)
{
	int d = fit->rows.d;

	for (int c = 0; c < fit->clusters; c++)
	{
		int32_t row;
		int32_t own;

		if (fit->size[c] > 0)
			continue;
		row = farthest(fit);
		if (row == -2)
			return RECO_STOPPED;
		if (row < 0)
			return RECO_OK;
		own = fit->cluster[row];
		change_sums(fit, (int) (row / fit->block_rows), c, kmeans_row(fit, row), 1);
		change_sums(fit, (int) (row / fit->block_rows), own, kmeans_row(fit, row), -1);
		for (int f = 0; f < d; f++)
			fit->center[(size_t) c * d + f] = kmeans_row(fit, row)[f];
		fit->cluster[row] = c;
		fit->size[c] = 1;
		fit->size[own]--;
		*filled = true;
	}
	return RECO_OK;
}

/* Bounds that say nothing. */
static void
forget_bounds(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from, int64_t to)
{
	(void) scratch;
	(void) block;
	for (int64_t i = from; i < to; i++)
	{
		fit->upper[i] = INFINITY;
		fit->lower[i] = 0;
	}
}

static void
forget_rows(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from, int64_t to)
{
	for (int64_t i = from; i < to; i++)
		fit->cluster[i] = -1;
	forget_bounds(fit, scratch, block, from, to);
}

/* Centers by the rows that they have now, none without one. */
static reco_status
update(kmeans_fit *fit)
{
	bool filled = false;
	reco_status status = move_centers(fit);

	if (status == RECO_OK)
		status = fill_empty(fit, &filled);
	if (status == RECO_OK && filled)
	{
		/* the clusters that gave a row have another mean */
		status = move_centers(fit);
		if (status == RECO_OK)
			status = kmeans_pass(fit, forget_bounds);
	}
	return status;
}

/* From an assignment, which made so many changes, to the next centers. */
static reco_status
go_on(kmeans_fit *fit, bool fresh)
{
	reco_status status = RECO_OK;

	if (fresh)
		status = clear_sums(fit);
	if (status == RECO_OK && fresh)
		status = kmeans_pass(fit, add_up);
	return status == RECO_OK ? update(fit) : status;
}

reco_status
kmeans_lloyd(kmeans_fit *fit, int *iterations)
{
	reco_status status = clear_sums(fit);
	bool fresh = false; /* the sums were made from nothing since a row changed */

	memset(fit->moved, 0, fit->clusters * sizeof(double));
	if (status == RECO_OK)
		status = kmeans_pass(fit, forget_rows);
	for (*iterations = 0; status == RECO_OK; (*iterations)++)
	{
		int64_t changes = 0;

		memset(fit->changes, 0, sizeof(fit->changes));
		place_centers(fit);
		status = measure_centers(fit);
		if (status == RECO_OK)
			status = kmeans_pass(fit, assign);
		for (int b = 0; b < fit->blocks; b++)
			changes += fit->changes[b];
		if (status != RECO_OK || (changes == 0 && fresh) || *iterations >= fit->params->iterations)
			break;
		fresh = changes == 0;
		status = go_on(fit, fresh);
	}
	return status;
}
