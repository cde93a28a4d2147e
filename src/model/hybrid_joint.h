/*
 * hybrid_joint.h
 *	  What a hybrid makes of its members' factors, so that it need not score all items.
 */
#ifndef RECO_MODEL_HYBRID_JOINT_H
#define RECO_MODEL_HYBRID_JOINT_H

#include "core/scoring/score_hybrid.h"
#include "model/model.h"

/* How many factors a member's items have; 0: its scores are no products of such. */
extern int hybrid_factors(const RecoSpec *spec);

/* The parts of a hybrid that scales by mean and standard deviation. */
extern const RecoPartType *hybrid_joint_parts(const RecoSpec *spec, int *n);

/* Makes the moments of its members' factors. */
extern void hybrid_joint_prepare(const RecoModel *model, RecoMember *member, RecoBudget *budget);

/* Gives a scorer's members their moments, and it the index, where these are there. */
extern void hybrid_joint_give(const RecoMember *member, reco_hybrid_scorer *scorer);

/* Makes the index, where it can be had, for a scorer that was given moments. */
extern void hybrid_joint_index(RecoModel *model, RecoMember *member,
							   const reco_hybrid_scorer *scorer, RecoBudget *budget);

#endif /* RECO_MODEL_HYBRID_JOINT_H */
