/*
 * score_graph.h
 *	  Scorers of filters on the graph of users and items: lists of items, and inner products.
 */
#ifndef RECO_CORE_SCORING_SCORE_GRAPH_H
#define RECO_CORE_SCORING_SCORE_GRAPH_H

#include "core/scoring/score_lists.h"

/*
 * score_i = sum over a user's items j of
 *	 x_j (w_ji + sum over blocks b and factors f of weight_bf inward_jb item_jbf item_ibf)
 *
 * so that whoever is scored is known by their interactions alone.
 */
typedef struct reco_graph_scorer
{
	reco_list_scorer lists; /* .sums.head.type: &reco_graph_scorer_type */
	int blocks;             /* of equal width; 0: there are lists only */
	int width;              /* of all of them */
	int stride;
	const float *item;   /* items x stride, zeros after the width */
	const float *inward; /* items x blocks */
	const float *weight; /* width */
} reco_graph_scorer;

extern const reco_scorer_type reco_graph_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_GRAPH_H */
