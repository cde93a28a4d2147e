/*
 * scorer.c
 *	  Seats, and what all families of scorers have in common: the methods' defaults, and lists
 *	  that are diverse.
 *
 * Cost of a default list: the scores of all items, and one pass over them.
 */
#include "core/scoring/scorer.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"

#include <math.h>

static size_t
scratch_of(const reco_scorer *scorer)
{
	return scorer->type->scratch ? scorer->type->scratch(scorer) : 0;
}

static size_t
scores_bytes(const reco_scorer *scorer)
{
	return reco_room((size_t) scorer->items * sizeof(float));
}

size_t
reco_seat_bytes(const reco_scorer *scorer)
{
	return reco_room(sizeof(reco_seat)) + scores_bytes(scorer) + scratch_of(scorer);
}

/* In one block: the seat, its scores, where there are some, and its scratch. */
static reco_seat *
place(const reco_env *env, const reco_scorer *scorer, bool scores, void *memory)
{
	reco_seat *seat = memory;
	char *at = (char *) memory + reco_room(sizeof(reco_seat));

	*seat = (reco_seat){.env = *env, .scorer = scorer, .score = scores ? (float *) at : NULL};
	seat->env.threads = 1;
	if (scratch_of(scorer) > 0)
		seat->scratch = at + (scores ? scores_bytes(scorer) : 0);
	return seat;
}

reco_seat *
reco_seat_place(const reco_env *env, const reco_scorer *scorer, void *memory)
{
	return place(env, scorer, true, memory);
}

static reco_status
make(const reco_env *env, const reco_scorer *scorer, bool scores, reco_seat **out)
{
	size_t bytes =
		scores ? reco_seat_bytes(scorer) : reco_room(sizeof(reco_seat)) + scratch_of(scorer);
	void *memory = env->alloc(env->arg, bytes);

	*out = memory ? place(env, scorer, scores, memory) : NULL;
	if (*out == NULL)
		return RECO_NO_MEMORY;
	if ((*out)->scratch)
		memset((*out)->scratch, 0, scratch_of(scorer));
	return RECO_OK;
}

reco_status
reco_seat_make(const reco_env *env, const reco_scorer *scorer, reco_seat **out)
{
	return make(env, scorer, true, out);
}

reco_status
reco_seat_make_for_lists(const reco_env *env, const reco_scorer *scorer, reco_seat **out)
{
	return make(env, scorer, !(scorer->type->has_index && scorer->type->has_index(scorer)), out);
}

void
reco_seat_free(const reco_env *env, reco_seat *seat)
{
	if (seat && seat->apart)
		release(env, seat->score);
	release(env, seat);
}

static void *
refuse(void *arg, size_t bytes)
{
	(void) arg;
	(void) bytes;
	return NULL;
}

void
reco_seat_for_thread(reco_seat *seat)
{
	seat->env.alloc = refuse;
	seat->env.poll = seat->env.stopping;
}

reco_status
reco_seat_open(reco_seat *seat, const reco_profile *profile)
{
	reco_status status = RECO_OK;

	seat->profile = profile;
	if (seat->scorer->type->open)
		status = seat->scorer->type->open(seat);
	if (status != RECO_OK)
		reco_seat_close(seat);
	return status;
}

void
reco_seat_close(reco_seat *seat)
{
	if (seat->profile && seat->scorer->type->close)
		seat->scorer->type->close(seat);
	seat->profile = NULL;
	seat->scored = false;
}

bool
reco_seat_is_personal(const reco_seat *seat)
{
	return seat->scorer->type->is_personal == NULL || seat->scorer->type->is_personal(seat);
}

reco_status
reco_seat_score(reco_seat *seat, float *score)
{
	return seat->scorer->type->score(seat, score);
}

reco_status
reco_seat_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	return seat->scorer->type->score_some(seat, item, n, score);
}

reco_status
reco_seat_score_all(reco_seat *seat)
{
	reco_status status = RECO_OK;

	if (seat->score == NULL)
	{
		seat->score = seat->env.alloc(seat->env.arg, scores_bytes(seat->scorer));
		seat->apart = seat->score != NULL;
		if (!seat->apart)
			return RECO_NO_MEMORY;
	}
	if (!seat->scored)
		status = seat->scorer->type->score(seat, seat->score);
	seat->scored = status == RECO_OK;
	return status;
}

int32_t
reco_seat_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	if (seat->scorer->type->top)
		return seat->scorer->type->top(seat, skip, n, out);
	if (reco_seat_score_all(seat) != RECO_OK)
		return -1;
	return reco_top_n(&seat->env, seat->score, seat->scorer->items, skip, n, out);
}

reco_status
reco_seat_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline,
				  bool *additive)
{
	*additive = false;
	*baseline = 0;
	memset(contribution, 0, (size_t) seat->profile->n * sizeof(double));
	return seat->scorer->type->explain
			   ? seat->scorer->type->explain(seat, item, contribution, baseline, additive)
			   : RECO_OK;
}

double
reco_scorer_alike(const reco_scorer *scorer, int32_t a, int32_t b)
{
	return scorer->type->alike ? scorer->type->alike(scorer, a, b) : 0;
}

reco_status
reco_scorer_similar(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
					reco_similar *out, int32_t *count)
{
	*count = 0;
	return scorer->type->similar && n > 0 ? scorer->type->similar(env, scorer, item, n, out, count)
										  : RECO_OK;
}

reco_status
reco_scorer_fold_in(const reco_env *env, const reco_scorer *scorer, reco_profile *profile)
{
	profile->factors = NULL;
	profile->bias = 0;
	profile->neighbors = 0;
	profile->neighbor = NULL;
	profile->similarity = NULL;
	return scorer->type->fold_in ? scorer->type->fold_in(env, scorer, profile) : RECO_OK;
}

void
reco_profile_free(const reco_env *env, reco_profile *profile)
{
	for (int m = 0; m < profile->members; m++)
		reco_profile_free(env, (reco_profile *) &profile->member[m]);
	release(env, (void *) profile->member);
	release(env, (void *) profile->factors);
	release(env, (void *) profile->neighbor);
	release(env, (void *) profile->similarity);
	profile->factors = NULL;
	profile->neighbors = 0;
	profile->neighbor = NULL;
	profile->similarity = NULL;
	profile->members = 0;
	profile->member = NULL;
}

const reco_profile *
reco_profile_ordered(const reco_profile *profile)
{
	const reco_profile *found = profile->event ? profile : NULL;

	for (int m = 0; m < profile->members && found == NULL; m++)
		found = reco_profile_ordered(&profile->member[m]);
	return found;
}

/* The place of the candidate from `selected` on that is to be taken next; -1: stopped. */
static int32_t
most_marginal(const reco_env *env, const reco_ranked *candidate, const double *likeness,
			  double diversity, double best, double range, int32_t selected, int32_t m)
{
	int32_t next = selected;
	double most = -INFINITY;
	int64_t done = 0;

	for (int32_t k = selected; k < m; k++)
	{
		double relevance = range > 0 ? 1 - (best - candidate[k].score) / range : 1;
		double marginal = (1 - diversity) * relevance - diversity * likeness[k];

		if (marginal > most)
		{
			most = marginal;
			next = k;
		}
		if (stop_after(env, 4, &done))
			return -1;
	}
	return next;
}

reco_status
reco_diversify(const reco_env *env, const reco_scorer *scorer, double diversity,
			   reco_ranked *candidate, int32_t m, int32_t n)
{
	double *likeness = zeroed(env, ((size_t) m + 1) * sizeof(double));
	double best = m > 0 ? candidate[0].score : 0;
	double range = m > 0 ? best - candidate[m - 1].score : 0;
	reco_status status = likeness ? RECO_OK : RECO_NO_MEMORY;

	for (int32_t selected = 0; selected < n && selected < m && status == RECO_OK; selected++)
	{
		int32_t next = most_marginal(env, candidate, likeness, diversity, best, range, selected, m);
		reco_ranked chosen;
		double chosen_likeness;

		if (next < 0 || env->poll(env->arg))
		{
			status = RECO_STOPPED;
			break;
		}
		chosen = candidate[next];
		chosen_likeness = likeness[next];
		/* the others keep their order, so that ties go by score */
		memmove(&candidate[selected + 1], &candidate[selected],
				(size_t) (next - selected) * sizeof(reco_ranked));
		memmove(&likeness[selected + 1], &likeness[selected],
				(size_t) (next - selected) * sizeof(double));
		candidate[selected] = chosen;
		likeness[selected] = chosen_likeness;
		for (int32_t k = selected + 1; k < m && status == RECO_OK; k++)
		{
			double like = reco_scorer_alike(scorer, chosen.item, candidate[k].item);

			if (selected == 0 || like > likeness[k])
				likeness[k] = like;
			if (env->poll(env->arg))
				status = RECO_STOPPED;
		}
	}
	release(env, likeness);
	return status;
}
