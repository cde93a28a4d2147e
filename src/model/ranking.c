/*
 * ranking.c
 *	  From scores to a list.
 *
 * What the model says something about comes first; places that are left go to
 * the most popular of the rest, so that a list is as long as was asked for while
 * items remain.
 *
 * Cost: one pass over the scores, and one over the popularity when it is needed.
 */
#include "model/model.h"

/*
 * The n best items that are not in skip (which is changed) to out.  score NULL:
 * popularity alone; popularity NULL: no filling up.  *by_score receives how many
 * of those returned are in the list for their score.
 */
int32
reco_rank(const float *score, const float *popularity, int32 items, uint64 *skip, int32 n,
		  reco_ranked *out, int32 *by_score)
{
	int32 have = 0;

	if (score)
		have = reco_top_n(score, items, skip, n, out);
	*by_score = have;
	if (popularity == NULL || have >= n)
		return have;
	for (int32 r = 0; r < have; r++)
		reco_set_add(skip, out[r].item);
	return have + reco_top_n(popularity, items, skip, n - have, out + have);
}
