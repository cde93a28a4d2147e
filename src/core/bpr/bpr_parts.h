/*
 * bpr_parts.h
 *	  What training and folding in share: drawing items, and the step of a sample.
 */
#ifndef RECO_CORE_BPR_BPR_PARTS_H
#define RECO_CORE_BPR_BPR_PARTS_H

#include "core/bpr/bpr.h"

#include "core/base/rng.h"

/* WARP's largest weight. */
#define RECO_WARP_MOST 10.0

/* The loops of the machine's level: core/isa/bpr.h. */
typedef struct reco_bpr_loops
{
	float (*margin)(const float *p, const float *a, const float *b, int stride);
	void (*move)(float *p, float *a, float *b, int stride, float step, float keep);
	void (*move_user)(float *p, const float *a, const float *b, int stride, float step, float keep);
} reco_bpr_loops;

extern reco_bpr_loops reco_bpr_loops_best(void);

/* What items are drawn from: n of them by number, or 0 .. n - 1. */
typedef struct reco_bpr_urn
{
	int32_t n;
	const int32_t *item;  /* NULL: the numbers themselves */
	const double *chance; /* n, rising: of each and those before; NULL: all alike */
} reco_bpr_urn;

/* From 32 random bits. */
static inline int32_t
reco_bpr_draw(const reco_bpr_urn *urn, uint32_t bits)
{
	int32_t at = (int32_t) (((uint64_t) bits * (uint32_t) urn->n) >> 32);

	if (urn->chance)
	{
		double wanted = bits * 0x1p-32 * urn->chance[urn->n - 1];
		int32_t low = 0;
		int32_t high = urn->n - 1;

		while (low < high)
		{
			int32_t middle = low + (high - low) / 2;

			if (urn->chance[middle] > wanted)
				high = middle;
			else
				low = middle + 1;
		}
		at = low;
	}
	return urn->item ? urn->item[at] : at;
}

/* A sample of a user with items i and j; weight 0: there is nothing to learn from it. */
typedef struct reco_bpr_sample
{
	int32_t i;
	int32_t j;
	float weight; /* what the step is multiplied by */
	float loss;
} reco_bpr_sample;

/*
 * What a sample of (p, i) comes to, with the random bits of its number.  has: the user's items,
 * rising.
 */
extern reco_bpr_sample reco_bpr_take(const reco_bpr_loops *loops, const reco_bpr_params *params,
									 const reco_bpr *model, const reco_bpr_urn *urn, const float *p,
									 int32_t i, int64_t n, const int32_t *has, uint64_t key,
									 uint64_t number);

/* Whether a pair is an interaction. */
static inline bool
reco_bpr_counts(const reco_csr *a, int64_t e)
{
	return a->value == NULL || a->value[e] > 0;
}

/*
 * weight: of each item n^popularity, to some scale; chance: what goes to it and those before,
 * summed up to 1.  RECO_STOPPED.
 */
extern reco_status reco_bpr_weigh(const reco_env *env, const reco_bpr_params *params,
								  const reco_csr *a, double *weight, double *chance);

/* Whether all are in range. */
extern bool reco_bpr_valid(const reco_bpr_params *params);

/* What it adds to the loss. */
extern float reco_bpr_loss_of(const reco_bpr_params *params, const reco_bpr_sample *sample);

/* Multiply-adds of a sample, and of the fold-in of a user with n interactions: at most. */
extern int64_t reco_bpr_sample_work(const reco_bpr_params *params, const reco_bpr *model);
extern int64_t reco_bpr_fold_in_work(const reco_bpr_params *params, const reco_bpr *model,
									 int64_t n);

/* Multiply-adds that a thread may do without leaving; what takes more is the main thread's. */
#define RECO_BPR_LONG 20000000

/*
 * All users by the items of a model: user has a row of its stride for each.  Team prepared by the
 * caller.  RECO_STOPPED.
 */
extern reco_status reco_bpr_fold_in_all(const reco_env *env, const reco_bpr_params *params,
										const reco_csr *by_user, const reco_bpr *model,
										float *user);

/* RECO_SINGULAR: numbers of items are not such as a model may have.  RECO_STOPPED. */
extern reco_status reco_bpr_check(const reco_env *env, const reco_bpr *model);

#endif /* RECO_CORE_BPR_BPR_PARTS_H */
