/*
 * score.c
 *	  Scores of many items for one user: the choice of the loop.
 */
#include "core/score.h"

#include "core/dispatch.h"
#include "core/isa/score.h"

#include <string.h>

void
reco_score(const float *item, int32_t items, int stride, const float *x, const float *bias,
		   float base, float *score)
{
#ifdef __x86_64__
	const char *level = reco_kernels_best()->name;

	if (strcmp(level, "v4") == 0)
	{
		reco_score_rows_v4(item, items, stride, x, bias, base, score);
		return;
	}
	if (strcmp(level, "v3") == 0)
	{
		reco_score_rows_v3(item, items, stride, x, bias, base, score);
		return;
	}
#endif
	reco_score_rows_base(item, items, stride, x, bias, base, score);
}
