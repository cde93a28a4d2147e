/*
 * score_sums.c
 *	  Scores that are sums over neighbors: from sums to scores and lists.
 *
 * A user's sums are gathered once, into an array with a place for each item and a set of the
 * items that got anything.  A list looks at those only, unless there are biases, which give
 * every item a score; closing zeroes those only.
 *
 * Cost besides the gathering: of a list, the items that got anything, and a bit of every other;
 * of all scores, all items.  A few scores are looked for without gathering.
 */
#include "core/scoring/score_sums.h"

#include "core/data/baseline.h"
#include "core/data/sorting.h"

#include <float.h>
#include <math.h>

#define HEAP_ENTRY reco_ranked
#define HEAP_WORSE(a, b) reco_ranked_after(a, b)
#include "core/base/heap.h"

/* Fewer items than this, or than that share of all, are looked for one by one. */
#define FEW_ITEMS 16
#define FEW_SHARE 16
/* What a search in lists takes, in steps of a plain loop. */
#define SEARCH_STEPS 64

static const reco_sum_scorer *
sums_of(const reco_seat *seat)
{
	return (const reco_sum_scorer *) seat->scorer;
}

float
reco_sum_final(const reco_sum_scorer *s, double user_bias, int32_t item, double sum, double weight)
{
	if (s->item_bias)
		return (float) (reco_sum_baseline(s, user_bias, item) + (weight > 0 ? sum / weight : 0));
	if (s->averaged)
		return weight > 0 ? (float) (sum / weight) : -INFINITY;
	/* large values of a basket times large similarities: no infinite score */
	sum = sum > FLT_MAX ? FLT_MAX : sum < -FLT_MAX ? -FLT_MAX : sum;
	return sum != 0 ? (float) sum : -INFINITY;
}

/* A flag, the set, the sums, and the weights where they are needed. */
size_t
reco_sum_scratch_bytes(const reco_scorer *scorer)
{
	const reco_sum_scorer *s = (const reco_sum_scorer *) scorer;
	size_t items = (size_t) scorer->items;

	return sizeof(uint64_t) + RECO_SET_BYTES(items) +
		   items * sizeof(double) * (s->averaged || s->item_bias ? 2 : 1);
}

static reco_sum_scratch
scratch_of(const reco_seat *seat)
{
	const reco_sum_scorer *s = sums_of(seat);
	uint64_t *at = seat->scratch;
	size_t words = RECO_SET_BYTES(s->head.items) / sizeof(uint64_t);
	double *sum = (double *) (at + 1 + words);

	return (reco_sum_scratch){at[0] != 0, at + 1, sum,
							  s->averaged || s->item_bias ? sum + s->head.items : NULL};
}

void
reco_sum_close(reco_seat *seat)
{
	reco_sum_scratch t = scratch_of(seat);
	int32_t words = (int32_t) (RECO_SET_BYTES(seat->scorer->items) / sizeof(uint64_t));

	for (int32_t w = 0; w < words; w++)
	{
		for (uint64_t left = t.mark[w]; left != 0; left &= left - 1)
		{
			int32_t item = w * 64 + __builtin_ctzll(left);

			t.sum[item] = 0;
			if (t.weight)
				t.weight[item] = 0;
		}
		t.mark[w] = 0;
	}
	*(uint64_t *) seat->scratch = 0;
}

/* Once for a user. */
static reco_status
gather(reco_seat *seat, const reco_sum_methods *methods, reco_sum_scratch *t)
{
	reco_status status;

	*t = scratch_of(seat);
	if (t->gathered)
		return RECO_OK;
	status = methods->gather(seat, t);
	if (status == RECO_OK)
		*(uint64_t *) seat->scratch = 1;
	else
		reco_sum_close(seat);
	return status;
}

static inline float
final_of(const reco_seat *seat, const reco_sum_scratch *t, int32_t item)
{
	return reco_sum_final(sums_of(seat), seat->profile->bias, item, t->sum[item],
						  t->weight ? t->weight[item] : 0);
}

reco_status
reco_sum_score(reco_seat *seat, const reco_sum_methods *methods, float *score)
{
	reco_sum_scratch t;
	reco_status status = gather(seat, methods, &t);
	int64_t done = 0;

	for (int32_t i = 0; i < seat->scorer->items && status == RECO_OK; i++)
	{
		score[i] = final_of(seat, &t, i);
		if (stop_after(&seat->env, 1, &done))
			status = RECO_STOPPED;
	}
	return status;
}

reco_status
reco_sum_some(reco_seat *seat, const reco_sum_methods *methods, const int32_t *item, int32_t n,
			  float *score)
{
	const reco_sum_scorer *s = sums_of(seat);
	const reco_profile *profile = seat->profile;
	bool few = n < FEW_ITEMS || n < s->head.items / FEW_SHARE;
	reco_sum_scratch t = scratch_of(seat);
	int64_t done = 0;
	reco_status status = RECO_OK;

	if (!few)
		status = gather(seat, methods, &t);
	few = few && !t.gathered;
	for (int32_t k = 0; k < n && status == RECO_OK; k++)
	{
		double sum = 0;
		double weight = 0;

		if (few)
			methods->of_item(seat, item[k], &sum, &weight);
		score[k] = few ? reco_sum_final(s, profile->bias, item[k], sum, weight)
					   : final_of(seat, &t, item[k]);
		if (stop_after(&seat->env, few ? (profile->n + profile->neighbors) * SEARCH_STEPS : 1,
					   &done))
			status = RECO_STOPPED;
	}
	return status;
}

int32_t
reco_sum_top(reco_seat *seat, const reco_sum_methods *methods, const uint64_t *skip, int32_t n,
			 reco_ranked *out)
{
	reco_sum_scratch t;
	int32_t words = (int32_t) (RECO_SET_BYTES(seat->scorer->items) / sizeof(uint64_t));
	int32_t have = 0;
	int64_t done = 0;

	/* with biases, items without neighbors have scores as well */
	if (sums_of(seat)->item_bias)
	{
		if (reco_seat_score_all(seat) != RECO_OK)
			return -1;
		return reco_top_n(&seat->env, seat->score, seat->scorer->items, skip, n, out);
	}
	if (n <= 0)
		return 0;
	if (gather(seat, methods, &t) != RECO_OK)
		return -1;
	for (int32_t w = 0; w < words; w++)
	{
		for (uint64_t left = t.mark[w] & (skip ? ~skip[w] : ~UINT64_C(0)); left != 0;
			 left &= left - 1)
		{
			int32_t item = w * 64 + __builtin_ctzll(left);
			float score = final_of(seat, &t, item);

			/* items rise: one that ties with the worst comes after it */
			if (score == -INFINITY || (have == n && !(score > out[0].score)))
				continue;
			heap_offer(out, &have, n, (reco_ranked){score, item});
		}
		if (stop_after(&seat->env, 64, &done))
			return -1;
	}
	return heap_sort(&seat->env, out, have) ? have : -1;
}

reco_status
reco_sum_fold_in(const reco_env *env, const reco_scorer *scorer, reco_profile *profile)
{
	const reco_sum_scorer *s = (const reco_sum_scorer *) scorer;

	if (s->item_bias)
		return reco_baseline_user(env, s->mean, s->item_bias, profile->n, profile->item,
								  profile->value, &profile->bias);
	return RECO_OK;
}
