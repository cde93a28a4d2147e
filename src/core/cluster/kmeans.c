/*
 * kmeans.c
 *	  K-means: restarts, and what they have in common.
 *
 * See kmeans.h for the method.  Rows lie in blocks of one size; a pass over all rows takes blocks
 *on any thread, but the rows of each in order, so that what is added up by block, and the blocks in
 * their order, has the same bits whoever did it.  A pass may be left within a block, for a poll.
 *
 * Memory: some 100 bytes a row while the first centers are drawn, and the result.
 */
#include "core/cluster/kmeans_fit.h"

#include "core/base/dispatch.h"
#include "core/base/slab.h"
#include "core/base/team.h"
#include "core/base/work.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Numbers of all rows from which on threads are worth their waking up. */
#define WORTH_THREADS 100000
/* Between two polls of simple loops. */
#define POLL_ROWS 1048576
#define COPY_BYTES ((size_t) 8 * 1024 * 1024)

double
kmeans_distance(const float *x, const double *c, int d)
{
	double sum[8] = {0};
	int f = 0;

	for (; f + 8 <= d; f += 8)
		for (int v = 0; v < 8; v++)
		{
			double difference = x[f + v] - c[f + v];

			sum[v] += difference * difference;
		}
	for (; f < d; f++)
		sum[f % 8] += (x[f] - c[f]) * (x[f] - c[f]);
	return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

static int64_t
block_end(const kmeans_fit *fit, int64_t block)
{
	int64_t end = (block + 1) * fit->block_rows;

	return end < fit->rows.rows ? end : fit->rows.rows;
}

static void
work_on(kmeans_fit *fit, kmeans_work work, int block)
{
	kmeans_scratch *scratch = fit->scratch ? &fit->scratch[omp_get_thread_num()] : NULL;
	int64_t end = block_end(fit, block);

	while (fit->next[block] < end)
	{
		int64_t from = fit->next[block];
		int64_t to = from + KMEANS_PIECE < end ? from + KMEANS_PIECE : end;

		work(fit, scratch, block, from, to);
		fit->next[block] = to;
		if (reco_work_pause(fit->env))
			break;
	}
}

reco_status
kmeans_pass(kmeans_fit *fit, kmeans_work work)
{
	const reco_env *env = fit->env;
	bool left = true;

	for (int b = 0; b < fit->blocks; b++)
		fit->next[b] = b * fit->block_rows;
	while (left)
	{
		reco_work blocks = reco_work_of(fit->blocks, 1);

#pragma omp parallel num_threads(env->threads) if (fit->several)
		for (int64_t b, to; reco_work_take(&blocks, &b, &to);)
			if (!env->stopping(env->arg))
				work_on(fit, work, (int) b);
		if (env->poll(env->arg))
			return RECO_STOPPED;
		left = false;
		for (int b = 0; b < fit->blocks && !left; b++)
			left = fit->next[b] < block_end(fit, b);
	}
	return RECO_OK;
}

static bool
worth_threads(const reco_env *env, const reco_kmeans_rows *rows)
{
	return env->threads > 1 && (double) rows->rows * rows->stride > WORTH_THREADS;
}

static int
rounded(int columns)
{
	return (columns + 15) / 16 * 16;
}

/* Where all that a fit needs lies, in a slab; NULL: only how long it is. */
static size_t
lay_out(kmeans_fit *fit, char *slab, int threads)
{
	char *at = slab;
	size_t rows = (size_t) fit->rows.rows;
	size_t d = (size_t) fit->rows.d;
	size_t clusters = (size_t) fit->params->clusters;
	size_t wide = (size_t) fit->wide;

	fit->norm = reco_take(&at, rows * sizeof(double));
	fit->upper = reco_take(&at, rows * sizeof(double));
	fit->lower = reco_take(&at, rows * sizeof(double));
	fit->cluster = reco_take(&at, rows * sizeof(int32_t));
	fit->trial = reco_take(&at, rows * KMEANS_CANDIDATES * sizeof(double));
	fit->sum = reco_take(&at, KMEANS_BLOCKS * clusters * d * sizeof(double));
	fit->count = reco_take(&at, KMEANS_BLOCKS * clusters * sizeof(int64_t));
	fit->center = reco_take(&at, (clusters + KMEANS_CANDIDATES) * d * sizeof(double));
	fit->m = reco_take(&at, d * wide * sizeof(float));
	fit->initial = reco_take(&at, wide * sizeof(float));
	fit->moved = reco_take(&at, clusters * sizeof(double));
	fit->half = reco_take(&at, clusters * sizeof(double));
	fit->size = reco_take(&at, clusters * sizeof(int64_t));
	fit->scratch = reco_take(&at, (size_t) threads * sizeof(kmeans_scratch));
	for (int t = 0; t < threads; t++)
	{
		kmeans_scratch scratch;

		scratch.row = reco_take(&at, KMEANS_PIECE * (size_t) fit->rows.stride * sizeof(float));
		scratch.score = reco_take(&at, KMEANS_PIECE * wide * sizeof(float));
		scratch.which = reco_take(&at, KMEANS_PIECE * sizeof(int32_t));
		if (slab)
			fit->scratch[t] = scratch;
	}
	return (size_t) (at - slab);
}

static kmeans_fit
fit_of(const reco_env *env, const reco_kmeans_params *params, const reco_kmeans_rows *rows)
{
	kmeans_fit fit = {.env = env, .params = params, .rows = *rows};

	fit.wide = rounded(params->clusters);
	fit.block_rows = (rows->rows + (int64_t) KMEANS_BLOCKS - 1) / KMEANS_BLOCKS;
	fit.block_rows = fit.block_rows < KMEANS_PIECE ? KMEANS_PIECE : fit.block_rows;
	fit.blocks = (int) ((rows->rows + fit.block_rows - 1) / fit.block_rows);
	return fit;
}

static size_t
result_bytes(const kmeans_fit *fit)
{
	return reco_room((size_t) fit->params->clusters * fit->rows.d * sizeof(double)) +
		   reco_room((size_t) fit->rows.rows * sizeof(int32_t)) +
		   reco_room((size_t) fit->rows.rows * sizeof(double));
}

size_t
reco_kmeans_memory(const reco_kmeans_params *params, const reco_kmeans_rows *rows, int threads)
{
	kmeans_fit fit = fit_of(NULL, params, rows);

	return lay_out(&fit, NULL, threads) + result_bytes(&fit) + 4096;
}

static void
release(const reco_env *env, void *memory)
{
	if (memory)
		env->release(env->arg, memory);
}

void
reco_kmeans_free(const reco_env *env, reco_kmeans *clusters)
{
	release(env, clusters->center);
	release(env, clusters->cluster);
	release(env, clusters->distance);
	clusters->center = clusters->distance = NULL;
	clusters->cluster = NULL;
}

/* Squared norms; changes[]: how many numbers cannot be taken. */
static void
measure_rows(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from, int64_t to)
{
	(void) scratch;
	for (int64_t i = from; i < to; i++)
	{
		const float *x = kmeans_row(fit, i);
		double norm = 0;

		for (int f = 0; f < fit->rows.d; f++)
		{
			if (!(fabsf(x[f]) <= RECO_KMEANS_LARGEST))
				fit->changes[block]++;
			norm += (double) x[f] * x[f];
		}
		fit->norm[i] = norm;
	}
}

/* Squared distances from the rows' own centers, to upper; their sums by block. */
static void
measure_distances(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from, int64_t to)
{
	(void) scratch;
	for (int64_t i = from; i < to; i++)
	{
		fit->upper[i] = kmeans_distance(
			kmeans_row(fit, i), fit->center + (size_t) fit->cluster[i] * fit->rows.d, fit->rows.d);
		fit->total[block][0] += fit->upper[i];
	}
}

/* As memcpy, some milliseconds between two polls. */
static reco_status
copy(const reco_env *env, void *to, const void *from, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += COPY_BYTES)
	{
		memcpy((char *) to + at, (const char *) from + at,
			   bytes - at < COPY_BYTES ? bytes - at : COPY_BYTES);
		if (env->poll(env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Keeps what a restart came to if it is the best so far. */
static reco_status
keep_best(kmeans_fit *fit, int restart, int iterations, reco_kmeans *out)
{
	double inertia = 0;
	reco_status status;

	memset(fit->total, 0, sizeof(fit->total));
	status = kmeans_pass(fit, measure_distances);
	for (int b = 0; b < fit->blocks; b++)
		inertia += fit->total[b][0];
	if (status != RECO_OK || (restart > 0 && !(inertia < out->inertia)))
		return status;
	out->inertia = inertia;
	out->iterations = iterations;
	out->clusters = fit->clusters;
	memcpy(out->center, fit->center, (size_t) fit->clusters * fit->rows.d * sizeof(double));
	status = copy(fit->env, out->cluster, fit->cluster, (size_t) fit->rows.rows * sizeof(int32_t));
	if (status == RECO_OK)
		status =
			copy(fit->env, out->distance, fit->upper, (size_t) fit->rows.rows * sizeof(double));
	return status;
}

/* Numbers the clusters by falling size, ties by their first rows, without those that are empty. */
static reco_status
number_clusters(kmeans_fit *fit, reco_kmeans *out)
{
	size_t width = (size_t) fit->rows.d * sizeof(double);
	int32_t order[RECO_KMEANS_MAX_CLUSTERS];
	int32_t rank[RECO_KMEANS_MAX_CLUSTERS];
	int64_t *size = fit->size;
	int n = 0;

	memset(size, 0, out->clusters * sizeof(int64_t));
	for (int32_t i = 0; i < fit->rows.rows; i++)
	{
		int32_t c = out->cluster[i];

		/* in the order of their first rows, */
		if (size[c]++ == 0)
			order[n++] = c;
		if (i % POLL_ROWS == 0 && fit->env->poll(fit->env->arg))
			return RECO_STOPPED;
	}
	/* which sorting by insertion keeps where sizes are equal */
	for (int a = 1; a < n; a++)
		for (int b = a; b > 0 && size[order[b]] > size[order[b - 1]]; b--)
		{
			int32_t other = order[b];

			order[b] = order[b - 1];
			order[b - 1] = other;
		}
	memcpy(fit->center, out->center, out->clusters * width);
	for (int c = 0; c < n; c++)
	{
		rank[order[c]] = c;
		memcpy(out->center + (size_t) c * fit->rows.d,
			   fit->center + (size_t) order[c] * fit->rows.d, width);
	}
	for (int32_t i = 0; i < fit->rows.rows; i++)
	{
		out->cluster[i] = rank[out->cluster[i]];
		if (i % POLL_ROWS == 0 && fit->env->poll(fit->env->arg))
			return RECO_STOPPED;
	}
	out->clusters = n;
	return RECO_OK;
}

/* The centers that a restart begins with. */
static reco_status
begin(kmeans_fit *fit, int restart)
{
	const reco_kmeans_params *params = fit->params;

	if (params->first == NULL)
		return kmeans_seed(fit, restart);
	fit->clusters = params->clusters;
	memcpy(fit->center, params->first,
		   (size_t) params->clusters * (size_t) fit->rows.d * sizeof(double));
	return RECO_OK;
}

static reco_status
run(kmeans_fit *fit, reco_kmeans *out)
{
	reco_status status = kmeans_pass(fit, measure_rows);
	int64_t unfit = 0;

	for (int b = 0; b < fit->blocks; b++)
		unfit += fit->changes[b];
	if (status == RECO_OK && unfit > 0)
		return RECO_INVALID;
	for (int r = 0; r < fit->params->restarts && status == RECO_OK; r++)
	{
		int iterations = 0;

		status = begin(fit, r);
		if (status == RECO_OK)
			status = kmeans_lloyd(fit, &iterations);
		if (status == RECO_OK)
			status = keep_best(fit, r, iterations, out);
		/* as good as can be */
		if (status == RECO_OK && !(out->inertia > 0))
			break;
	}
	return status == RECO_OK ? number_clusters(fit, out) : status;
}

static bool
are_valid(const reco_kmeans_params *params, const reco_kmeans_rows *rows)
{
	return params->clusters >= 1 && params->clusters <= RECO_KMEANS_MAX_CLUSTERS &&
		   params->restarts >= 1 && params->iterations >= 1 && rows->rows >= 1 && rows->d >= 1 &&
		   rows->d <= RECO_KMEANS_MAX_DIMENSIONS && rows->stride == rounded(rows->d);
}

reco_status
reco_kmeans_fit(const reco_env *env, const reco_kmeans_params *params, const reco_kmeans_rows *rows,
				reco_kmeans *out)
{
	kmeans_fit fit;
	char *slab = NULL;
	reco_status status = RECO_NO_MEMORY;

	*out = (reco_kmeans){0};
	if (!are_valid(params, rows))
		return RECO_INVALID;
	fit = fit_of(env, params, rows);
	fit.k = reco_kernels_best();
	fit.several = worth_threads(env, rows);
	if (fit.several)
		reco_team_prepare(env->threads);
	slab = env->alloc(env->arg, lay_out(&fit, NULL, env->threads));
	out->center = env->alloc(env->arg, (size_t) params->clusters * rows->d * sizeof(double));
	out->cluster = env->alloc(env->arg, (size_t) rows->rows * sizeof(int32_t));
	out->distance = env->alloc(env->arg, (size_t) rows->rows * sizeof(double));
	if (slab && out->center && out->cluster && out->distance)
	{
		(void) lay_out(&fit, slab, env->threads);
		status = run(&fit, out);
	}
	release(env, slab);
	if (status != RECO_OK)
		reco_kmeans_free(env, out);
	return status;
}

/* Sums of rows by block, to total. */
static void
add_silhouettes(kmeans_fit *fit, kmeans_scratch *scratch, int block, int64_t from, int64_t to)
{
	const reco_kmeans *clusters = fit->made;

	(void) scratch;
	for (int64_t i = from; i < to; i++)
	{
		const float *x = kmeans_row(fit, i);
		int32_t own = clusters->cluster[i];
		double near = INFINITY;
		double a = sqrt(clusters->distance[i]);

		if (fit->size[own] == 1)
			continue;
		for (int c = 0; c < clusters->clusters; c++)
		{
			double distance;

			if (c == own)
				continue;
			distance = kmeans_distance(x, clusters->center + (size_t) c * fit->rows.d, fit->rows.d);
			near = distance < near ? distance : near;
		}
		near = sqrt(near);
		if (fmax(a, near) > 0)
			fit->total[block][0] += (near - a) / fmax(a, near);
	}
}

reco_status
reco_kmeans_silhouette(const reco_env *env, const reco_kmeans_rows *rows,
					   const reco_kmeans *clusters, double *silhouette)
{
	reco_kmeans_params params = {.clusters = clusters->clusters};
	kmeans_fit fit = fit_of(env, &params, rows);
	int64_t size[RECO_KMEANS_MAX_CLUSTERS] = {0};
	double sum = 0;
	reco_status status;

	*silhouette = NAN;
	if (clusters->clusters < 2)
		return RECO_OK;
	for (int32_t i = 0; i < rows->rows; i++)
	{
		size[clusters->cluster[i]]++;
		if (i % POLL_ROWS == 0 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	fit.size = size;
	fit.made = clusters;
	fit.several = worth_threads(env, rows);
	if (fit.several)
		reco_team_prepare(env->threads);
	status = kmeans_pass(&fit, add_silhouettes);
	for (int b = 0; b < fit.blocks; b++)
		sum += fit.total[b][0];
	*silhouette = sum / rows->rows;
	return status;
}
