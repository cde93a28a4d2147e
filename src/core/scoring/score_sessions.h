/*
 * score_sessions.h
 *	  Scorers of similar sessions: what came in sessions like this one.
 *
 * With s the session that is scored, the last one of who is scored, L its events, its items each
 * with the place p of its last event, and n a session of the training:
 *
 *	 weight of an item of s		w_p = exp((p - L) / place), or with `linear` p / L
 *	 candidates					the newest `sample` sessions that have an item of s
 *	 similarity					sum over common items of w_p / sqrt(|s| |n|) exp(-age / recency)
 *	 neighbors					the `neighbors` most similar, of equal ones the newest
 *	 score of i					sum over neighbors of
 *								similarity exp((m - L) / latest) exp(-d / distance) weight_i
 *
 * where m is the place in s of the last item that both have (linear: 1 - (L - m) / 10, at least 0),
 * d how far i is in n from the last item there that both have, and age the share of sessions that
 * are newer.  A decay of 0 is none; without `normalized` there is no root.
 *
 * Sources: Ludewig and Jannach 2018 (V-SKNN), Garg and others 2019 (STAN), Ludewig and others
 * 2021 (VSTAN).
 */
#ifndef RECO_CORE_SCORING_SCORE_SESSIONS_H
#define RECO_CORE_SCORING_SCORE_SESSIONS_H

#include "core/scoring/score_sums.h"
#include "core/sessions/session_knn.h"

/* Items of a session that are looked at: the last ones. */
#define RECO_SESSION_ITEMS 100

typedef struct reco_session_params
{
	int32_t neighbors;
	int32_t sample;
	bool linear;
	bool normalized;
	double place;
	double recency;
	double distance;
	double latest;
} reco_session_params;

/* Distances whose decay is looked up. */
#define RECO_SESSION_DECAYS 256

typedef struct reco_session_scorer
{
	reco_sum_scorer sums; /* .head.type: &reco_session_scorer_type; plain sums */
	reco_session_params params;
	reco_sessions sessions; /* row: of each of these users the row of their last session */
	int32_t users;
	const float *weight; /* of an item */
	double *decay;       /* RECO_SESSION_DECAYS, of distances: reco_session_decays */
} reco_session_scorer;

extern void reco_session_decays(const reco_session_params *params, double *decay);

extern const reco_scorer_type reco_session_scorer_type;

#endif /* RECO_CORE_SCORING_SCORE_SESSIONS_H */
