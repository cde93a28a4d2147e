/*
 * score_content.c
 *	  Scorers of what is known about items: content.c in a seat.
 *
 * A user's profile is made when the seat is opened.  The scratch holds it, and two sums for each
 * item.
 *
 * Cost of opening: the terms and columns of the user's items; of a list, the lengths of the
 * profile's terms' lists, and items x dense columns.
 */
#include "core/scoring/score_content.h"

#include "core/scoring/similar.h"
#include "core/data/sorting.h"

#include <math.h>

/* Scratch: this, the profile's arrays, two doubles an item. */
typedef struct scratch
{
	reco_content_profile profile;
	bool summed; /* the sums are not zeros */
} scratch;

static const reco_content *
content_of(const reco_scorer *scorer)
{
	return ((const reco_content_scorer *) scorer)->content;
}

static size_t
content_scratch(const reco_scorer *scorer)
{
	return sizeof(scratch) + reco_content_profile_bytes(content_of(scorer)) +
		   2 * (size_t) scorer->items * sizeof(double);
}

static double *
sums_of(const reco_seat *seat)
{
	return (double *) ((char *) seat->scratch + sizeof(scratch) +
					   reco_content_profile_bytes(content_of(seat->scorer)));
}

const reco_content_profile *
reco_content_of_seat(const reco_seat *seat)
{
	return &((const scratch *) seat->scratch)->profile;
}

static reco_content_user
user_of(const reco_profile *profile)
{
	return (reco_content_user){profile->n, profile->item, profile->value};
}

static reco_status
content_open(reco_seat *seat)
{
	scratch *s = seat->scratch;
	reco_content_user user = user_of(seat->profile);

	return reco_content_profile_fill(&seat->env, content_of(seat->scorer), &user, s + 1,
									 &s->profile);
}

static void
content_close(reco_seat *seat)
{
	scratch *s = seat->scratch;

	if (s->profile.sum)
		reco_content_profile_clear(content_of(seat->scorer), &s->profile);
	if (s->summed)
		memset(sums_of(seat), 0, 2 * (size_t) seat->scorer->items * sizeof(double));
	s->summed = false;
}

static bool
content_is_personal(const reco_seat *seat)
{
	return reco_content_is_personal(content_of(seat->scorer), reco_content_of_seat(seat));
}

static reco_status
content_score(reco_seat *seat, float *score)
{
	((scratch *) seat->scratch)->summed = true;
	return reco_content_score(&seat->env, content_of(seat->scorer), reco_content_of_seat(seat),
							  sums_of(seat), score);
}

static reco_status
content_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	int64_t done = 0;
	double one;

	for (int32_t k = 0; k < n; k++)
	{
		if (stop_after(&seat->env, 1024, &done) ||
			reco_content_score_one(&seat->env, content_of(seat->scorer), reco_content_of_seat(seat),
								   item[k], &one) != RECO_OK)
			return RECO_STOPPED;
		score[k] = (float) one;
	}
	return RECO_OK;
}

static reco_status
content_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline,
				bool *additive)
{
	reco_content_user user = user_of(seat->profile);

	(void) baseline;
	*additive = true;
	return reco_content_explain(&seat->env, content_of(seat->scorer), &user,
								reco_content_of_seat(seat), item, contribution);
}

static double
content_alike(const reco_scorer *scorer, int32_t a, int32_t b)
{
	float score = (float) reco_content_alike(content_of(scorer), a, b);

	return isinf(score) ? 0 : score;
}

/* The best of an open seat whose user has just that item, in the order of float8. */
static reco_status
similar_in(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *best, reco_similar *out,
		   int32_t *count)
{
	int32_t have = reco_seat_top(seat, skip, n, best);

	if (have < 0)
		return RECO_STOPPED;
	for (int32_t r = 0; r < have; r++)
	{
		out[r].item = best[r].item;
		if (seat->env.poll(seat->env.arg) ||
			reco_content_score_one(&seat->env, content_of(seat->scorer), reco_content_of_seat(seat),
								   best[r].item, &out[r].similarity) != RECO_OK)
			return RECO_STOPPED;
	}
	*count = have;
	return reco_similar_sort(&seat->env, out, have) ? RECO_OK : RECO_STOPPED;
}

static reco_status
content_similar(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
				reco_similar *out, int32_t *count)
{
	reco_profile profile = {.n = 1, .item = &item};
	uint64_t *skip = zeroed(env, RECO_SET_BYTES(scorer->items) + 8);
	reco_ranked *best = env->alloc(env->arg, ((size_t) n + 1) * sizeof(reco_ranked));
	reco_seat *seat;
	reco_status status = reco_seat_make(env, scorer, &seat);

	if (skip == NULL || best == NULL)
		status = RECO_NO_MEMORY;
	if (status == RECO_OK)
		status = reco_seat_open(seat, &profile);
	if (status == RECO_OK)
	{
		reco_set_add(skip, item);
		status = similar_in(seat, skip, n, best, out, count);
	}
	if (status != RECO_OK)
		*count = 0;
	reco_seat_free(env, seat);
	release(env, best);
	release(env, skip);
	return status;
}

const reco_scorer_type reco_content_scorer_type = {
	.name = "content",
	.scratch = content_scratch,
	.open = content_open,
	.close = content_close,
	.is_personal = content_is_personal,
	.score = content_score,
	.score_some = content_some,
	.explain = content_explain,
	.alike = content_alike,
	.similar = content_similar,
};
