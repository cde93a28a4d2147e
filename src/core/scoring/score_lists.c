/*
 * score_lists.c
 *	  Scorers of lists of items: item_knn, rp3beta and other models whose weights are between
 *	  items.
 *
 * Scores are added up by interaction: its row has the items that it speaks for or against.
 * score_sums.h says how sums become scores.
 *
 * Cost of a list: the lengths of the rows of the user's items, less with an index, which is of use
 * where sums are scores (tiers.h); of one score, a binary search in
 * each of those rows.
 */
#include "core/scoring/score_lists.h"

#include "core/data/ordered.h"
#include "core/data/sorting.h"

#include <math.h>

/* What a search in a row takes, in steps of a plain loop. */
#define SEARCH_STEPS 16

static const reco_list_scorer *
lists_of(const reco_scorer *scorer)
{
	return (const reco_list_scorer *) scorer;
}

/* What an interaction counts. */
static inline double
value_of(const reco_list_scorer *l, const reco_profile *profile, int64_t j)
{
	double value = profile->value ? profile->value[j] : 1;

	return value - reco_sum_baseline(&l->sums, profile->bias, profile->item[j]);
}

/* What speaks: an item, how much it counts, and its place in the profile. */
typedef struct voice
{
	int32_t item;
	double x;
	int64_t j;
} voice;

/* How many speak: interactions, or the last events of the last session. */
static int64_t
voices_of(const reco_list_scorer *l, const reco_profile *profile)
{
	int64_t last = profile->events - 1;
	int64_t n = 0;

	if (l->back == NULL)
		return profile->n;
	while (n < l->backs && n <= last &&
		   (n == 0 || !reco_begins_session(profile->moment, last - n + 1)))
		n++;
	return n;
}

static inline voice
voice_at(const reco_list_scorer *l, const reco_profile *profile, int64_t k)
{
	if (l->back == NULL)
		return (voice){profile->item[k], value_of(l, profile, k), k};
	return (voice){profile->event[profile->events - 1 - k], l->back[k], -1};
}

static reco_status
list_gather(reco_seat *seat, const reco_sum_scratch *scratch)
{
	const reco_list_scorer *l = lists_of(seat->scorer);
	const reco_sum_scratch t = *scratch;
	const reco_csr *f = &l->followers;
	int64_t voices = voices_of(l, seat->profile);
	int64_t done = 0;

	for (int64_t k = 0; k < voices; k++)
	{
		voice v = voice_at(l, seat->profile, k);
		double x = v.x;
		int32_t row = v.item;

		for (int64_t from = f->start[row], end; from < f->start[row + 1]; from = end)
		{
			end = f->start[row + 1] - from < POLL_STEPS ? f->start[row + 1] : from + POLL_STEPS;
			for (int64_t e = from; e < end; e++)
				reco_sum_add(&t, f->col[e], x * f->value[e], f->value[e]);
			if (stop_after(&seat->env, end - from, &done))
				return RECO_STOPPED;
		}
		if (stop_after(&seat->env, 8, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static void
list_of_item(const reco_seat *seat, int32_t item, double *sum, double *weight)
{
	const reco_list_scorer *l = lists_of(seat->scorer);
	int64_t voices = voices_of(l, seat->profile);

	for (int64_t k = 0; k < voices; k++)
	{
		voice v = voice_at(l, seat->profile, k);
		double s = reco_csr_get(&l->followers, v.item, item);

		if (s == 0)
			continue;
		*sum += v.x * s;
		*weight += s;
	}
}

static void
list_rows(const reco_seat *seat, int64_t *rows, int64_t *entries)
{
	const reco_list_scorer *l = lists_of(seat->scorer);
	const int64_t *start = l->followers.start;

	*rows = voices_of(l, seat->profile);
	*entries = 0;
	for (int64_t k = 0; k < *rows; k++)
	{
		int32_t row = voice_at(l, seat->profile, k).item;

		*entries += start[row + 1] - start[row];
	}
}

static const reco_sum_methods methods = {list_gather, list_of_item, list_rows};

static reco_status
list_score(reco_seat *seat, float *score)
{
	return reco_sum_score(seat, &methods, score);
}

static reco_status
list_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	return reco_sum_some(seat, &methods, item, n, score);
}

/* The index is for what is had, without sums of weights, and says nothing of a score by a bias. */
static bool
uses_index(const reco_list_scorer *l)
{
	return l->index && !l->back && !l->sums.averaged && l->sums.item_bias == NULL;
}

/* Beside the sums the index's, where there is one. */
static size_t
list_scratch(const reco_scorer *scorer)
{
	return reco_sum_scratch_bytes(scorer) +
		   (uses_index(lists_of(scorer)) ? reco_tiers_scratch(scorer->items) : 0);
}

static int32_t
list_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	const reco_list_scorer *l = lists_of(seat->scorer);
	const reco_profile *profile = seat->profile;
	int32_t have = RECO_TIERS_NONE;

	if (uses_index(l) && !reco_sum_gathered(seat))
		have = reco_tiers_top(
			&seat->env, l->index, (char *) seat->scratch + reco_sum_scratch_bytes(seat->scorer),
			&(reco_tiers_user){profile->n, profile->item, profile->value}, skip, n, out);
	if (have != RECO_TIERS_NONE)
		return have;
	return reco_sum_top(seat, &methods, skip, n, out);
}

static reco_status
list_mark(reco_seat *seat, uint16_t *line)
{
	return reco_sum_mark(seat, &methods, line);
}

/* With biases any value tells something; without, one of whose item anything is said. */
static bool
list_is_personal(const reco_seat *seat)
{
	const reco_list_scorer *l = lists_of(seat->scorer);
	const int64_t *start = l->followers.start;
	int64_t voices = voices_of(l, seat->profile);
	int64_t done = 0;

	if (l->sums.item_bias)
		return seat->profile->n > 0;
	for (int64_t k = 0; k < voices; k++)
	{
		int32_t item = voice_at(l, seat->profile, k).item;

		if (start[item + 1] > start[item])
			return true;
		if (stop_after(&seat->env, 1, &done))
			return false;
	}
	return false;
}

static reco_status
list_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline, bool *additive)
{
	const reco_list_scorer *l = lists_of(seat->scorer);
	const reco_profile *profile = seat->profile;
	bool mean = l->sums.averaged || l->sums.item_bias;
	double weight = 0;
	bool any = false;
	int64_t voices = voices_of(l, profile);
	int64_t done = 0;

	*baseline = reco_sum_baseline(&l->sums, profile->bias, item);
	for (int64_t k = 0; k < voices; k++)
	{
		voice v = voice_at(l, profile, k);
		double s = reco_csr_get(&l->followers, v.item, item);
		int64_t j = l->back ? reco_find(profile->item, 0, profile->n, v.item) : v.j;

		if (j >= 0)
			contribution[j] += s * v.x;
		weight += s;
		any = any || s != 0;
		if (stop_after(&seat->env, SEARCH_STEPS, &done))
			return RECO_STOPPED;
	}
	for (int64_t j = 0; mean && j < profile->n; j++)
	{
		contribution[j] = weight > 0 ? contribution[j] / weight : 0;
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	*additive = any || *baseline != 0;
	return RECO_OK;
}

static double
list_alike(const reco_scorer *scorer, int32_t a, int32_t b)
{
	const reco_csr *f = &lists_of(scorer)->followers;
	double ab = reco_csr_get(f, a, b);
	double ba = reco_csr_get(f, b, a);

	return ab > ba ? ab : ba;
}

static reco_status
list_similar(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
			 reco_similar *out, int32_t *count)
{
	const reco_neighbors *s = &lists_of(scorer)->similar;
	int64_t done = 0;

	if (s->start == NULL)
		return RECO_OK;
	for (int64_t e = s->start[item]; e < s->start[item + 1] && *count < n; e++)
	{
		out[(*count)++] = (reco_similar){s->similarity[e], s->row[e]};
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

const reco_scorer_type reco_list_scorer_type = {
	.name = "lists",
	.scratch = list_scratch,
	.close = reco_sum_close,
	.is_personal = list_is_personal,
	.score = list_score,
	.score_some = list_some,
	.top = list_top,
	.is_sparse = reco_sum_is_sparse,
	.mark = list_mark,
	.take = reco_sum_take,
	.explain = list_explain,
	.alike = list_alike,
	.similar = list_similar,
	.fold_in = reco_sum_fold_in,
};
