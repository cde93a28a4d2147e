/*
 * score_users.c
 *	  Scorers of similar users: what users like this one have.
 *
 * The k nearest neighbors were chosen first, and those of them who have an item count for it.
 * score_sums.h says how sums become scores.
 *
 * What a neighbor adds to a score comes through the items that both have: it is shared out
 * among them by the product of their values, evenly where that tells nothing.
 *
 * Cost of a list: the neighbors' interactions; of one score, a binary search in each; of a
 * fold-in, the interactions of all users with the profile's items (neighbors_index.h).
 */
#include "core/scoring/score_users.h"

#include "core/data/sorting.h"

#include <math.h>

/* What a search in a history takes, in steps of a plain loop. */
#define SEARCH_STEPS 16

static const reco_user_scorer *
users_of(const reco_scorer *scorer)
{
	return (const reco_user_scorer *) scorer;
}

/* What an interaction of a neighbor counts. */
static inline double
value_of(const reco_user_scorer *u, int32_t neighbor, int64_t e)
{
	double value = u->by_user.value ? u->by_user.value[e] : 1;

	return value - reco_sum_baseline(&u->sums, u->bias ? u->bias[neighbor] : 0, u->by_user.col[e]);
}

/* The place of an item in a user's row, or -1. */
static inline int64_t
place_of(const reco_user_scorer *u, int32_t user, int32_t item)
{
	return reco_find(u->by_user.col, u->by_user.start[user], u->by_user.start[user + 1], item);
}

static reco_status
user_gather(reco_seat *seat, const reco_sum_scratch *scratch)
{
	const reco_user_scorer *u = users_of(seat->scorer);
	const reco_sum_scratch t = *scratch;
	const int64_t *start = u->by_user.start;
	int64_t done = 0;

	for (int32_t k = 0; k < seat->profile->neighbors; k++)
	{
		double s = seat->profile->similarity[k];
		int32_t v = seat->profile->neighbor[k];

		for (int64_t from = start[v], end; s > 0 && from < start[v + 1]; from = end)
		{
			end = start[v + 1] - from < POLL_STEPS ? start[v + 1] : from + POLL_STEPS;
			for (int64_t e = from; e < end; e++)
				reco_sum_add(&t, u->by_user.col[e], s * value_of(u, v, e), s);
			if (stop_after(&seat->env, end - from, &done))
				return RECO_STOPPED;
		}
		if (stop_after(&seat->env, 8, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static void
user_of_item(const reco_seat *seat, int32_t item, double *sum, double *weight)
{
	const reco_user_scorer *u = users_of(seat->scorer);

	for (int32_t k = 0; k < seat->profile->neighbors; k++)
	{
		double s = seat->profile->similarity[k];
		int32_t v = seat->profile->neighbor[k];
		int64_t e = s > 0 ? place_of(u, v, item) : -1;

		if (e < 0)
			continue;
		*sum += s * value_of(u, v, e);
		*weight += s;
	}
}

static void
user_rows(const reco_seat *seat, int64_t *rows, int64_t *entries)
{
	const int64_t *start = users_of(seat->scorer)->by_user.start;

	*rows = seat->profile->neighbors;
	*entries = 0;
	for (int64_t k = 0; k < *rows; k++)
		*entries += start[seat->profile->neighbor[k] + 1] - start[seat->profile->neighbor[k]];
}

static const reco_sum_methods methods = {user_gather, user_of_item, user_rows};

static reco_status
user_score(reco_seat *seat, float *score)
{
	return reco_sum_score(seat, &methods, score);
}

static reco_status
user_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	return reco_sum_some(seat, &methods, item, n, score);
}

static int32_t
user_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	return reco_sum_top(seat, &methods, skip, n, out);
}

static reco_status
user_mark(reco_seat *seat, uint16_t *line)
{
	return reco_sum_mark(seat, &methods, line);
}

static bool
user_is_personal(const reco_seat *seat)
{
	return seat->profile->neighbors > 0 ||
		   (users_of(seat->scorer)->sums.item_bias && seat->profile->n > 0);
}

/* Adds a neighbor's part to the contributions; share: room for one each.  False: stopped. */
static bool
share_out(reco_seat *seat, int32_t v, double adds, double *share, double *contribution)
{
	const reco_user_scorer *u = users_of(seat->scorer);
	const reco_profile *profile = seat->profile;
	double all = 0;
	double common = 0;
	int64_t done = 0;

	for (int64_t j = 0; j < profile->n; j++)
	{
		int64_t theirs = place_of(u, v, profile->item[j]);

		share[j] = theirs < 0 ? -1
							  : fabs((profile->value ? profile->value[j] : 1) *
									 (u->by_user.value ? u->by_user.value[theirs] : 1));
		common += theirs >= 0;
		all += share[j] > 0 ? share[j] : 0;
		if (stop_after(&seat->env, SEARCH_STEPS, &done))
			return false;
	}
	for (int64_t j = 0; j < profile->n && common > 0; j++)
	{
		if (share[j] >= 0)
			contribution[j] += adds * (all > 0 ? share[j] / all : 1 / common);
		if (stop_after(&seat->env, 1, &done))
			return false;
	}
	return !seat->env.poll(seat->env.arg);
}

static reco_status
user_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline, bool *additive)
{
	const reco_user_scorer *u = users_of(seat->scorer);
	const reco_profile *profile = seat->profile;
	bool mean = u->sums.averaged || u->sums.item_bias;
	double *share = seat->env.alloc(seat->env.arg, ((size_t) profile->n + 1) * sizeof(double));
	double weight = 0;
	reco_status status = share ? RECO_OK : RECO_NO_MEMORY;
	int64_t done = 0;

	*baseline = reco_sum_baseline(&u->sums, profile->bias, item);
	for (int32_t k = 0; k < profile->neighbors && status == RECO_OK; k++)
	{
		double s = profile->similarity[k];
		int32_t v = profile->neighbor[k];
		int64_t e = s > 0 ? place_of(u, v, item) : -1;

		if (e < 0)
			continue;
		weight += s;
		if (!share_out(seat, v, s * value_of(u, v, e), share, contribution))
			status = RECO_STOPPED;
	}
	for (int64_t j = 0; mean && j < profile->n && status == RECO_OK; j++)
	{
		contribution[j] = weight > 0 ? contribution[j] / weight : 0;
		if (stop_after(&seat->env, 1, &done))
			status = RECO_STOPPED;
	}
	release(&seat->env, share);
	*additive = status == RECO_OK && (weight > 0 || *baseline != 0);
	return status;
}

/* The nearest of all users but, where the profile is a stored user's, that user. */
static reco_status
user_fold_in(const reco_env *env, const reco_scorer *scorer, reco_profile *profile)
{
	const reco_user_scorer *u = users_of(scorer);
	int64_t start[2] = {0, profile->n};
	reco_csr row = {1, u->by_user.cols, start, (int32_t *) profile->item, (float *) profile->value};
	reco_neighbors found;
	reco_status status =
		reco_row_index_find(env, &u->params, &u->index, &row, profile->user - 1, &found);

	if (status != RECO_OK)
		return status;
	profile->neighbors = (int32_t) found.start[1];
	profile->neighbor = found.row;
	profile->similarity = found.similarity;
	release(env, found.start);
	status = reco_sum_fold_in(env, scorer, profile);
	if (status != RECO_OK)
		reco_profile_free(env, profile);
	return status;
}

const reco_scorer_type reco_user_scorer_type = {
	.name = "users",
	.scratch = reco_sum_scratch_bytes,
	.close = reco_sum_close,
	.is_personal = user_is_personal,
	.score = user_score,
	.score_some = user_some,
	.top = user_top,
	.is_sparse = reco_sum_is_sparse,
	.mark = user_mark,
	.take = reco_sum_take,
	.explain = user_explain,
	.fold_in = user_fold_in,
};
