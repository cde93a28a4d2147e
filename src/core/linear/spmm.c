/*
 * spmm.c
 *	  A sparse matrix times a block of dense columns.
 *
 * The entries are cut into pieces of one size, whatever rows they belong to, so that threads
 * share the work evenly and none is long without a look around, however skewed the rows are.  A row
 * inside of a piece is summed up there; one that crosses an end leaves a part in float8
 * in each of its pieces, and these are added in order afterwards.
 *
 * Cost: 2 entries columns flops; it is bound by reading a dense row for each entry.
 * Scratch: 16 bytes a column for each piece.
 */
#include "core/linear/spmm.h"

#include "core/base/dispatch.h"
#include "core/isa/spmm.h"
#include "core/base/work.h"

#include <string.h>

/* Multiply-adds of a piece: half a millisecond. */
#define PIECE_WORK 2097152
/* Pieces between two polls, for each thread. */
#define ROUND 64
/* Entries whose sum is taken in float4. */
#define CHUNK 256
/* Multiply-adds on the calling thread between two polls: 16 MB are read. */
#define POLL_WORK 4194304

typedef void (*spmm_sum)(float *out, const float *y, int stride, const int32_t *idx,
						 const float *value, float scale, int n, int64_t known);

typedef struct spmm_job
{
	spmm_sum sum;
	const reco_csr *a;
	float scale;
	const float *y;
	int stride;
	float shift;
	const float *minus;
	float *out;
	int64_t entries;
	int64_t size;   /* of a piece */
	int64_t pieces; /* at least one */
	double *head;   /* pieces x stride: of the row that began before the piece */
	double *tail;   /* of the row that goes on after it */
} spmm_job;

static spmm_sum
best_sum(void)
{
#ifdef __x86_64__
	const char *level = reco_kernels_best()->name;

	if (strcmp(level, "v4") == 0)
		return reco_spmm_sum_v4;
	if (strcmp(level, "v3") == 0)
		return reco_spmm_sum_v3;
#endif
	return reco_spmm_sum_base;
}

static int64_t
piece_size(int stride)
{
	return PIECE_WORK / stride;
}

static int64_t
piece_count(const reco_csr *a, int stride)
{
	int64_t size = piece_size(stride);
	int64_t n = (a->start[a->rows] + size - 1) / size;

	return n > 0 ? n : 1;
}

size_t
reco_spmm_bytes(const reco_csr *a, int stride)
{
	return 2 * (size_t) piece_count(a, stride) * stride * sizeof(double);
}

/* The sum over entries from .. to - 1, to float8. */
static void
sum_entries(const spmm_job *job, int64_t from, int64_t to, double *sum)
{
	float part[RECO_SPMM_MAX] __attribute__((aligned(RECO_ALIGN)));

	memset(sum, 0, job->stride * sizeof(double));
	for (int64_t e = from; e < to; e += CHUNK)
	{
		job->sum(part, job->y, job->stride, job->a->col + e,
				 job->a->value ? job->a->value + e : NULL, job->scale,
				 to - e < CHUNK ? (int) (to - e) : CHUNK, job->entries - e);
		for (int c = 0; c < job->stride; c++)
			sum[c] += part[c];
	}
}

static void
finish_row(const spmm_job *job, int32_t r, const double *sum)
{
	float *out = job->out + (size_t) r * job->stride;

	for (int c = 0; c < job->stride; c++)
		out[c] = (float) sum[c];
	if (job->minus)
		for (int c = 0; c < job->stride; c++)
			out[c] -= job->shift * job->minus[(size_t) r * job->stride + c];
}

static void
whole_row(const spmm_job *job, int32_t r)
{
	const reco_csr *a = job->a;
	int64_t from = a->start[r];
	int64_t n = a->start[r + 1] - from;
	float *out = job->out + (size_t) r * job->stride;

	if (n <= CHUNK)
	{
		job->sum(out, job->y, job->stride, a->col + from, a->value ? a->value + from : NULL,
				 job->scale, (int) n, job->entries - from);
		if (job->minus)
			for (int c = 0; c < job->stride; c++)
				out[c] -= job->shift * job->minus[(size_t) r * job->stride + c];
	}
	else
	{
		double sum[RECO_SPMM_MAX];

		sum_entries(job, from, from + n, sum);
		finish_row(job, r, sum);
	}
}

/* The first row that begins at an entry, or after it. */
static int32_t
first_row(const reco_csr *a, int64_t entry)
{
	int32_t low = 0;
	int32_t high = a->rows;

	while (low < high)
	{
		int32_t middle = low + (high - low) / 2;

		if (a->start[middle] < entry)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
sum_piece(const spmm_job *job, int64_t p)
{
	const reco_csr *a = job->a;
	bool last = p == job->pieces - 1;
	int64_t from = p * job->size;
	int64_t to = last ? job->entries : from + job->size;
	int32_t r = first_row(a, from);

	if (a->start[r] > from)
		sum_entries(job, from, a->start[r] < to ? a->start[r] : to, job->head + p * job->stride);
	for (; r < a->rows && (last || a->start[r] < to); r++)
	{
		if (a->start[r + 1] == a->start[r])
			continue;
		if (a->start[r + 1] <= to)
			whole_row(job, r);
		else
			sum_entries(job, a->start[r], to, job->tail + p * job->stride);
	}
}

/* Rows that cross the end of a piece, from their parts. */
static reco_status
join_rows(const reco_env *env, const spmm_job *job)
{
	const reco_csr *a = job->a;

	for (int64_t p = 0; p + 1 < job->pieces; p++)
	{
		int64_t end = (p + 1) * job->size;
		/* the last row that begins before the end */
		int32_t r = first_row(a, end) - 1;
		double *sum = job->tail + p * job->stride;

		if (p % 1024 == 1023 && env->poll(env->arg))
			return RECO_STOPPED;
		/* it is joined where it begins */
		if (a->start[r + 1] <= end || a->start[r] < p * job->size)
			continue;
		for (int64_t q = p + 1; q * job->size < a->start[r + 1]; q++)
		{
			const double *head = job->head + q * job->stride;

			for (int c = 0; c < job->stride; c++)
				sum[c] += head[c];
			if ((q - p) % 1024 == 1023 && env->poll(env->arg))
				return RECO_STOPPED;
		}
		finish_row(job, r, sum);
	}
	return RECO_OK;
}

reco_status
reco_spmm(const reco_env *env, const reco_csr *a, float scale, const float *y, int stride,
		  float shift, const float *minus, void *scratch, float *out)
{
	int64_t pieces = piece_count(a, stride);
	spmm_job job = {.sum = best_sum(),
					.a = a,
					.scale = scale,
					.y = y,
					.stride = stride,
					.shift = shift,
					.minus = minus,
					.out = out,
					.entries = a->start[a->rows],
					.size = piece_size(stride),
					.pieces = pieces,
					.head = scratch,
					.tail = (double *) scratch + pieces * stride};
	reco_work work = reco_work_of(pieces, 1);

	do
	{
		int64_t limit = work.next + ROUND * env->threads;

#pragma omp parallel num_threads(env->threads)
		for (int64_t p, next; reco_work_take(&work, &p, &next);)
		{
			sum_piece(&job, p);
			if (next >= limit || reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg))
			return RECO_STOPPED;
	} while (reco_work_left(&work));
	return join_rows(env, &job);
}

reco_status
reco_spmm_row(const reco_env *env, float scale, const float *y, int stride, int64_t n,
			  const int32_t *idx, const float *value, float *out)
{
	spmm_sum loop = best_sum();
	double sum[RECO_SPMM_MAX] = {0};
	float part[RECO_SPMM_MAX] __attribute__((aligned(RECO_ALIGN)));
	int64_t done = 0;

	for (int64_t e = 0; e < n; e += CHUNK)
	{
		loop(part, y, stride, idx + e, value ? value + e : NULL, scale,
			 n - e < CHUNK ? (int) (n - e) : CHUNK, n - e);
		for (int c = 0; c < stride; c++)
			sum[c] += part[c];
		done += (int64_t) CHUNK * stride;
		if (done >= POLL_WORK)
		{
			done = 0;
			if (env->poll(env->arg))
				return RECO_STOPPED;
		}
	}
	for (int c = 0; c < stride; c++)
		out[c] = (float) sum[c];
	return RECO_OK;
}
