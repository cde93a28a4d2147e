/*
 * score_hybrid.c
 *	  Scorers made of others: a weighted mean of their scores, brought to one scale.
 *
 * What members come to for a user is found once (score_hybrid_user.h); here are the means of
 * that, and what is asked of members one after the other.
 *
 * Cost: for each user, the members' scores of all items and two passes over them, with ranks a
 * sort; then an item costs the members.  Of sparse members, the same of the lines of items that one
 * of them scores; of members of factors whose moments are known, what score_hybrid_mixed.c says. Of
 * a cascade, the first member's list, and as many scores of each other one.  Memory of a seat:
 * those of the members, with ranks 16 bytes an item more, of a cascade, and where members are
 * sparse, 4 and 4 for each member.
 */
#include "core/scoring/score_hybrid.h"
#include "core/scoring/score_hybrid_mixed.h"

#include "core/base/dispatch.h"
#include "core/data/sorting.h"
#define HEAP_ENTRY reco_ranked
#define HEAP_WORSE(a, b) reco_ranked_after(a, b)
#include "core/base/heap.h"

#include <string.h>

/* Items at a time whose scores are asked for one by one. */
#define SOME 128

/* And whose means are made together. */
#define PIECE 1024

static reco_hybrid_user *
user_of(const reco_seat *seat)
{
	return seat->scratch;
}

static bool
is_scaled(const reco_seat *seat)
{
	return reco_hybrid_of_seat(seat)->scale != RECO_HYBRID_NONE;
}

static size_t
hybrid_scratch(const reco_scorer *scorer)
{
	return reco_hybrid_user_bytes((const reco_hybrid_scorer *) scorer);
}

static reco_status
hybrid_open(reco_seat *seat)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	const reco_profile *whole = seat->profile;
	bool stored = whole->members == 0 && whole->user > 0 && h->stored;
	reco_hybrid_user *user = user_of(seat);
	reco_profile *own = user->profile;
	reco_status status = RECO_OK;

	if (whole->members != h->members && !stored)
		return RECO_INVALID;
	user->asked = reco_hybrid_asked(h, whole);
	for (int m = 0; m < h->members && status == RECO_OK; m++)
	{
		reco_seat *of = reco_hybrid_member_seat(seat, m);

		if (!reco_hybrid_has(user->asked, m))
			continue;
		if (stored)
		{
			own[m] = (reco_profile){
				.n = whole->n, .item = whole->item, .value = whole->value, .user = whole->user};
			h->stored(h->arg, m, whole, &own[m]);
		}
		status = reco_seat_open(reco_seat_place(&seat->env, h->member[m].scorer, of),
								stored ? &own[m] : &whole->member[m]);
	}
	return status;
}

static void
hybrid_close(reco_seat *seat)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	uint32_t scored = 0;

	for (int m = 0; m < h->members; m++)
	{
		reco_seat *of = reco_hybrid_member_seat(seat, m);

		/* where open did not come to it there is none */
		if (!reco_hybrid_has(user_of(seat)->asked, m) || of->scorer == NULL)
			continue;
		scored |= of->scored ? UINT32_C(1) << m : 0;
		reco_seat_close(of);
	}
	reco_hybrid_user_clear(seat, scored);
}

static bool
hybrid_is_personal(const reco_seat *seat)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);

	for (int m = 0; m < h->members; m++)
		if (reco_hybrid_has(user_of(seat)->asked, m) &&
			reco_seat_is_personal(reco_hybrid_member_seat(seat, m)))
			return true;
	return false;
}

/* Members whose scores were not needed before give them for all. */
static reco_status
score_parts(reco_seat *seat)
{
	reco_hybrid_user *user = user_of(seat);
	reco_status status = RECO_OK;

	for (int k = 0; k < user->parts && status == RECO_OK; k++)
		if (user->part[k].score == NULL)
			status = reco_seat_score_all(user->part[k].seat);
	return status;
}

/* The mean at one place of the parts' scores. */
static inline float
mean_at(const reco_hybrid_user *user, bool scaled, const float *const *score, int32_t at)
{
	float x[RECO_HYBRID_MEMBERS];

	for (int k = 0; k < user->parts; k++)
		x[k] = score[k][at];
	return reco_hybrid_mean(user, scaled, x);
}

/* The parts' scores, as the means are made of them. */
static void
scores_of(const reco_hybrid_user *user, const float **score)
{
	for (int k = 0; k < user->parts; k++)
		score[k] = user->part[k].score ? user->part[k].score : user->part[k].seat->score;
}

/* Of n places from one on, which are a multiple of RECO_LINE. */
static void
mean_of_piece(const reco_seat *seat, int32_t from, int32_t n, float *out)
{
	const reco_hybrid_user *user = user_of(seat);
	const float *score[RECO_HYBRID_MEMBERS];
	reco_lines_part part[RECO_HYBRID_MEMBERS];
	bool scaled = is_scaled(seat);
	int32_t whole = scaled ? n - n % RECO_LINE : 0;

	scores_of(user, score);
	for (int k = 0; k < user->parts; k++)
		part[k] = (reco_lines_part){score[k], user->part[k].shift, user->part[k].times,
									user->part[k].none};
	if (whole > 0)
		reco_kernels_best()->lines_mean(part, user->parts, from, whole, out);
	for (int32_t i = whole; i < n; i++)
		out[i] = mean_at(user, scaled, score, from + i);
}

/* Of places 0 .. n - 1. */
static reco_status
mean_of_all(reco_seat *seat, int32_t n, float *out)
{
	int64_t done = 0;

	for (int32_t from = 0; from < n; from += PIECE)
	{
		int32_t some = n - from < PIECE ? n - from : PIECE;

		mean_of_piece(seat, from, some, out + from);
		if (stop_after(&seat->env, (int64_t) some * (user_of(seat)->parts + 1), &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* What is listed, by the places of the items; all others have no score. */
static reco_status
score_listed(reco_seat *seat, float *out)
{
	reco_hybrid_listed p = reco_hybrid_list(seat);
	int32_t items = seat->scorer->items;
	float mean[PIECE];
	int64_t done = 0;

	for (int32_t i = 0; i < items; i++)
	{
		out[i] = -INFINITY;
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	for (int32_t from = 0; from < p.n; from += PIECE)
	{
		int32_t some = p.n - from < PIECE ? p.n - from : PIECE;

		mean_of_piece(seat, from, some, mean);
		for (int32_t k = 0; k < some; k++)
		{
			int32_t item = reco_hybrid_item_at(&p, from + k);

			if (item < items)
				out[item] = mean[k];
		}
		if (stop_after(&seat->env, (int64_t) some * (user_of(seat)->parts + 1), &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
hybrid_score(reco_seat *seat, float *score)
{
	reco_status status = reco_hybrid_measure(seat);

	if (status == RECO_OK && user_of(seat)->listed && !user_of(seat)->mixed)
		return score_listed(seat, score);
	user_of(seat)->whole = true;
	if (status == RECO_OK)
		status = score_parts(seat);
	if (status == RECO_OK && user_of(seat)->mixed)
		return reco_hybrid_mixed_score(seat, score);
	return status == RECO_OK ? mean_of_all(seat, seat->scorer->items, score) : status;
}

/* The parts' scores of up to SOME items: x[k * parts + p] of item[k]. */
static reco_status
some_of(reco_seat *seat, const reco_hybrid_listed *listed, const int32_t *item, int32_t n, float *x)
{
	const reco_hybrid_user *user = user_of(seat);
	int32_t at[SOME];
	float own[SOME];
	reco_status status = RECO_OK;

	for (int32_t k = 0; k < n; k++)
		at[k] = user->listed ? reco_hybrid_place(listed, item[k]) : -1;
	for (int p = 0; p < user->parts && status == RECO_OK; p++)
	{
		const reco_hybrid_part *part = &user->part[p];

		if (part->score == NULL)
			status = reco_seat_some(part->seat, item, n, own);
		for (int32_t k = 0; k < n && status == RECO_OK; k++)
			x[k * user->parts + p] = part->score == NULL ? own[k]
									 : !part->listed     ? part->score[item[k]]
									 : at[k] < 0         ? -INFINITY
														 : part->score[at[k]];
	}
	return status;
}

static reco_status
hybrid_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	const reco_hybrid_user *user = user_of(seat);
	reco_status status = reco_hybrid_measure(seat);
	bool scaled = is_scaled(seat);
	reco_hybrid_listed proposed = {0};
	float x[SOME * RECO_HYBRID_MEMBERS];
	int64_t done = 0;

	if (status == RECO_OK && user->listed)
		proposed = reco_hybrid_list(seat);
	for (int32_t from = 0; from < n && status == RECO_OK; from += SOME)
	{
		int32_t some = n - from < SOME ? n - from : SOME;

		status = some_of(seat, &proposed, item + from, some, x);
		for (int32_t k = 0; k < some && status == RECO_OK; k++)
			score[from + k] = reco_hybrid_mean(user, scaled, x + k * user->parts);
		if (status == RECO_OK && stop_after(&seat->env, some * (user->parts + 1), &done))
			status = RECO_STOPPED;
	}
	return status;
}

/* The n best of what is listed, by their means, or by the scores that one member gives them. */
static int32_t
top_of_listed(reco_seat *seat, const float *score, const uint64_t *skip, int32_t n,
			  reco_ranked *out)
{
	const reco_kernels *kernels = reco_kernels_best();
	reco_hybrid_listed p = reco_hybrid_list(seat);
	_Alignas(RECO_ALIGN) float mean[PIECE];
	int32_t at[PIECE];
	int32_t have = 0;
	int64_t done = 0;

	for (int32_t from = 0; from < p.n && n > 0; from += PIECE)
	{
		int32_t some = p.n - from < PIECE ? p.n - from : PIECE;
		int32_t end = (some + 15) / 16 * 16;
		int32_t hits;

		if (score)
			memcpy(mean, score + from, (size_t) some * sizeof(float));
		else
			mean_of_piece(seat, from, some, mean);
		for (int32_t k = some; k < end; k++)
			mean[k] = -INFINITY;
		/* items rise: one that ties with the worst comes after it */
		hits = kernels->above(mean, end, have == n ? out[0].score : -INFINITY, at);
		for (int32_t k = 0; k < hits; k++)
		{
			reco_ranked r = {mean[at[k]], reco_hybrid_item_at(&p, from + at[k])};

			if ((have < n || r.score > out[0].score) && !(skip && reco_set_has(skip, r.item)))
				heap_offer(out, &have, n, r);
		}
		if (stop_after(&seat->env, (int64_t) some * (user_of(seat)->parts + 1), &done))
			return -1;
	}
	return heap_sort(&seat->env, out, have) ? have : -1;
}

/* Of what is listed without a look at all items. */
static int32_t
hybrid_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	int32_t have = RECO_PRUNED_NONE;

	if (reco_hybrid_measure(seat) != RECO_OK)
		return -1;
	if (user_of(seat)->mixed)
		have = reco_hybrid_mixed_top(seat, skip, n, out);
	else if (user_of(seat)->listed)
		have = top_of_listed(seat, NULL, skip, n, out);
	if (have != RECO_PRUNED_NONE)
		return have;
	if (reco_seat_score_all(seat) != RECO_OK)
		return -1;
	return reco_top_n(&seat->env, seat->score, seat->scorer->items, skip, n, out);
}

/* Of sparse members. */
static reco_status
hybrid_mark(reco_seat *seat, uint16_t *line)
{
	reco_status status = reco_hybrid_measure(seat);
	reco_hybrid_listed p = {0};
	int32_t lines = (seat->scorer->items + RECO_LINE - 1) / RECO_LINE;
	int64_t done = 0;

	if (status == RECO_OK)
		p = reco_hybrid_list(seat);
	for (int32_t l = 0; l < p.n / RECO_LINE; l++)
	{
		if (p.item[l] < lines)
			line[p.item[l]] = 1;
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	return status;
}

static reco_status
hybrid_take(reco_seat *seat, const int32_t *line, int32_t n, float *score)
{
	reco_hybrid_listed p = reco_hybrid_list(seat);
	int32_t own = 0;
	int64_t done = 0;
	reco_status status;

	/* not the scores of all */
	seat->scored = false;
	status = mean_of_all(seat, p.n, seat->score);
	for (int32_t l = 0; l < n && status == RECO_OK; l++)
	{
		float *to = score + (size_t) l * RECO_LINE;
		bool has = own < p.n / RECO_LINE && p.item[own] == line[l];

		for (int k = 0; k < RECO_LINE; k++)
			to[k] = has ? seat->score[own * RECO_LINE + k] : -INFINITY;
		own += has;
		if (stop_after(&seat->env, RECO_LINE, &done))
			status = RECO_STOPPED;
	}
	return status;
}

reco_status
reco_hybrid_scaled(reco_seat *seat, const int32_t *item, int32_t n, double *scaled)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	const reco_hybrid_user *user = user_of(seat);
	reco_hybrid_listed listed = {0};
	float x[SOME * RECO_HYBRID_MEMBERS];
	reco_status status = reco_hybrid_measure(seat);

	if (status == RECO_OK && user->listed)
		listed = reco_hybrid_list(seat);
	for (int64_t k = 0; k < (int64_t) n * h->members; k++)
		scaled[k] = NAN;
	for (int32_t from = 0; from < n && status == RECO_OK; from += SOME)
	{
		int32_t some = n - from < SOME ? n - from : SOME;

		status = some_of(seat, &listed, item + from, some, x);
		for (int32_t k = 0; k < some && status == RECO_OK; k++)
			for (int p = 0; p < user->parts; p++)
			{
				const reco_hybrid_part *part = &user->part[p];
				float own = x[k * user->parts + p];
				double *to = &scaled[(int64_t) (from + k) * h->members + part->member];

				if (reco_hybrid_scored(own))
					*to = (own - part->shift) * part->times / part->share;
				else if (h->scale != RECO_HYBRID_NONE)
					*to = part->none / part->share;
			}
	}
	return status;
}

int32_t
reco_hybrid_member_top(reco_seat *seat, int member, const uint64_t *skip, int32_t n,
					   reco_ranked *out)
{
	const reco_hybrid_user *user = user_of(seat);

	if (reco_hybrid_measure(seat) != RECO_OK)
		return -1;
	for (int p = 0; p < user->parts; p++)
		if (user->part[p].member == member)
		{
			const float *score = user->part[p].score;

			/* scaled, they are in the same order */
			if (user->part[p].listed && user->by_line)
				return top_of_listed(seat, score, skip, n, out);
			if (score == NULL || user->part[p].listed)
				return reco_seat_top(user->part[p].seat, skip, n, out);
			return reco_top_n(&seat->env, score, seat->scorer->items, skip, n, out);
		}
	return 0;
}

/* Adds what a member says of an item that it scores; own: room for its contributions. */
static reco_status
add_parts(reco_seat *seat, const reco_hybrid_part *p, int32_t item, double *own,
		  double *contribution, double *baseline, bool *additive)
{
	double base;
	int64_t done = 0;
	reco_status status = reco_seat_explain(p->seat, item, own, &base, additive);

	if (status != RECO_OK || !*additive)
		return status;
	*baseline += (base - p->shift) * p->times;
	for (int64_t j = 0; j < seat->profile->n; j++)
	{
		contribution[j] += own[j] * p->times;
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Without a scale the mean is of the parts that score the item. */
static void
divide(double weight, int64_t n, double *contribution, double *baseline)
{
	*baseline /= weight;
	for (int64_t j = 0; j < n; j++)
		contribution[j] /= weight;
}

static reco_status
hybrid_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline,
			   bool *additive)
{
	const reco_profile *profile = seat->profile;
	const reco_hybrid_user *user = user_of(seat);
	bool linear = reco_hybrid_of_seat(seat)->scale != RECO_HYBRID_RANK;
	reco_hybrid_listed proposed = {0};
	float x[RECO_HYBRID_MEMBERS];
	double weight = 0;
	double *own;
	reco_status status = reco_hybrid_measure(seat);

	if (status == RECO_OK && user->listed)
		proposed = reco_hybrid_list(seat);
	if (status == RECO_OK)
		status = some_of(seat, &proposed, &item, 1, x);
	if (status != RECO_OK || !linear || reco_hybrid_mean(user, is_scaled(seat), x) == -INFINITY)
		return status;
	own = seat->env.alloc(seat->env.arg, ((size_t) profile->n + 1) * sizeof(double));
	if (own == NULL)
		return RECO_NO_MEMORY;
	*additive = true;
	for (int k = 0; k < user->parts && status == RECO_OK && *additive; k++)
	{
		const reco_hybrid_part *p = &user->part[k];

		if (p->seat->profile->n != profile->n)
			*additive = false;
		else if (reco_hybrid_scored(x[k]))
		{
			status = add_parts(seat, p, item, own, contribution, baseline, additive);
			weight += p->share;
		}
		else
			*baseline += p->none;
	}
	release(&seat->env, own);
	if (status == RECO_OK && *additive && !is_scaled(seat))
		divide(weight, profile->n, contribution, baseline);
	if (status != RECO_OK || !*additive)
	{
		*additive = false;
		*baseline = 0;
		memset(contribution, 0, (size_t) profile->n * sizeof(double));
	}
	return status;
}

static double
hybrid_alike(const reco_scorer *scorer, int32_t a, int32_t b)
{
	const reco_hybrid_scorer *h = (const reco_hybrid_scorer *) scorer;

	for (int m = 0; m < h->members; m++)
		if (reco_hybrid_is_asked(h, m) && h->member[m].scorer->type->alike)
			return reco_scorer_alike(h->member[m].scorer, a, b);
	return 0;
}

static reco_status
hybrid_similar(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
			   reco_similar *out, int32_t *count)
{
	const reco_hybrid_scorer *h = (const reco_hybrid_scorer *) scorer;
	reco_status status = RECO_OK;

	for (int m = 0; m < h->members && status == RECO_OK && *count == 0; m++)
		if (reco_hybrid_is_asked(h, m))
			status = reco_scorer_similar(env, h->member[m].scorer, item, n, out, count);
	return status;
}

static reco_status
hybrid_fold_in(const reco_env *env, const reco_scorer *scorer, reco_profile *profile)
{
	const reco_hybrid_scorer *h = (const reco_hybrid_scorer *) scorer;
	const reco_profile *stored = profile->members == h->members ? profile->member : NULL;
	reco_profile *member = zeroed(env, (size_t) h->members * sizeof(reco_profile));
	reco_status status = member ? RECO_OK : RECO_NO_MEMORY;

	for (int m = 0; m < h->members && status == RECO_OK; m++)
	{
		const float *latest = profile->latest ? profile->latest : profile->value;

		member[m] = (reco_profile){
			.n = profile->n,
			.item = profile->item,
			.value = h->member[m].latest ? latest : profile->value,
			.latest = profile->latest,
			.has = profile->has,
			.n_has = profile->n_has,
			.events = profile->events,
			.event = profile->event,
			.moment = profile->moment,
			.time = profile->time,
			.center = stored ? stored[m].center : NULL,
			.members = stored ? stored[m].members : 0,
			.member = stored ? stored[m].member : NULL,
			.user = profile->user,
		};
		if (!reco_hybrid_is_asked(h, m))
			member[m].members = 0;
		else
			status = reco_scorer_fold_in(env, h->member[m].scorer, &member[m]);
	}
	profile->members = member ? h->members : 0;
	profile->member = member;
	if (status != RECO_OK)
		reco_profile_free(env, profile);
	return status;
}

const reco_scorer_type reco_hybrid_scorer_type = {
	.name = "hybrid",
	.scratch = hybrid_scratch,
	.open = hybrid_open,
	.close = hybrid_close,
	.is_personal = hybrid_is_personal,
	.score = hybrid_score,
	.score_some = hybrid_some,
	.top = hybrid_top,
	.is_sparse = reco_hybrid_is_sparse,
	.mark = hybrid_mark,
	.take = hybrid_take,
	.explain = hybrid_explain,
	.alike = hybrid_alike,
	.similar = hybrid_similar,
	.fold_in = hybrid_fold_in,
};
