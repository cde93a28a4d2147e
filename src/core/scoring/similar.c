/*
 * similar.c
 *	  The rows of a matrix that are most similar to one of them.
 *
 * Cosines in float4 choose the rows, cosines in float8 put those into their order.
 */
#include "core/scoring/similar.h"

#include "core/ranking/score.h"
#include "core/data/sorting.h"
#include "core/similarity/vector.h"

#include <math.h>

#define HEAP_ENTRY reco_similar
#define HEAP_WORSE(a, b) reco_similar_after(a, b)
#include "core/base/heap.h"

/* Rows between two polls. */
#define POLL_SIMILAR 4096

double
reco_row_cosine(const float *x, const float *y, int d)
{
	reco_vectors v = {RECO_FLOAT, d, x, y, NULL};
	double cosine;

	return reco_cosine(&v, &cosine) == RECO_MEASURED ? cosine : 0;
}

bool
reco_similar_sort(const reco_env *env, reco_similar *similar, int32_t n)
{
	int32_t have = 0;

	while (have < n)
	{
		heap_offer(similar, &have, n, similar[have]);
		if (have % HEAP_POLL == 0 && env->poll(env->arg))
			return false;
	}
	return heap_sort(env, similar, n);
}

/* Cosines in float4; rows of zeros, and self, are put into skip. */
static reco_status
float_cosines(const reco_env *env, const float *matrix, int32_t rows, int stride, int32_t self,
			  float *score, uint64_t *skip)
{
	const float *x = matrix + (size_t) self * (size_t) stride;
	double own;
	float norm;

	reco_score(x, 1, stride, x, NULL, 0, &norm);
	own = sqrt(norm);
	reco_set_add(skip, self);
	for (int32_t i = 0; i < rows; i++)
	{
		const float *y = matrix + (size_t) i * (size_t) stride;
		double cosine;

		if (i % POLL_SIMILAR == 0 && env->poll(env->arg))
			return RECO_STOPPED;
		reco_score(y, 1, stride, x, NULL, 0, &score[i]);
		reco_score(y, 1, stride, y, NULL, 0, &norm);
		if (!(norm > 0) || !(own > 0))
		{
			reco_set_add(skip, i);
			continue;
		}
		cosine = score[i] / (own * sqrt(norm));
		score[i] = (float) (cosine > 1 ? 1 : cosine < -1 ? -1 : cosine);
	}
	return RECO_OK;
}

reco_status
reco_similar_rows(const reco_env *env, const float *matrix, int32_t rows, int d, int stride,
				  int32_t self, int32_t n, reco_similar *out, int32_t *count)
{
	const float *x = matrix + (size_t) self * (size_t) stride;
	float *score = env->alloc(env->arg, ((size_t) rows + 1) * sizeof(float));
	uint64_t *skip = zeroed(env, RECO_SET_BYTES(rows) + 8);
	reco_ranked *best = env->alloc(env->arg, ((size_t) n + 1) * sizeof(reco_ranked));
	reco_status status = score && skip && best ? RECO_OK : RECO_NO_MEMORY;
	int32_t have = 0;

	if (status == RECO_OK)
		status = float_cosines(env, matrix, rows, stride, self, score, skip);
	if (status == RECO_OK)
		have = reco_top_n(env, score, rows, skip, n, best);
	for (int32_t r = 0; r < have; r++)
	{
		const float *y = matrix + (size_t) best[r].item * (size_t) stride;

		if (r % POLL_SIMILAR == 0 && env->poll(env->arg))
		{
			have = -1;
			break;
		}
		out[r] = (reco_similar){reco_row_cosine(x, y, d), best[r].item};
	}
	if (status == RECO_OK && (have < 0 || !reco_similar_sort(env, out, have)))
		status = RECO_STOPPED;
	*count = status == RECO_OK ? have : 0;
	release(env, score);
	release(env, skip);
	release(env, best);
	return status;
}
