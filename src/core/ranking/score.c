/*
 * score.c
 *	  Scores of many items for one user: the choice of the loop.
 */
#include "core/ranking/score.h"

#include "core/base/dispatch.h"
#include "core/isa/score.h"

#include <stdatomic.h>
#include <string.h>

typedef void (*score_rows)(const float *item, int32_t items, int stride, const float *x,
						   const float *bias, float base, float *score);

static score_rows
best_loop(void)
{
#ifdef __x86_64__
	const char *level = reco_kernels_best()->name;

	if (strcmp(level, "v4") == 0)
		return reco_score_rows_v4;
	if (strcmp(level, "v3") == 0)
		return reco_score_rows_v3;
#endif
	return reco_score_rows_base;
}

void
reco_score(const float *item, int32_t items, int stride, const float *x, const float *bias,
		   float base, float *score)
{
	/* the answer is always the same, so it does not matter which thread asks first */
	static _Atomic score_rows known;
	score_rows loop = atomic_load_explicit(&known, memory_order_relaxed);

	if (loop == NULL)
	{
		loop = best_loop();
		atomic_store_explicit(&known, loop, memory_order_relaxed);
	}
	loop(item, items, stride, x, bias, base, score);
}
