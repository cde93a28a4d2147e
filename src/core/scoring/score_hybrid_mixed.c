/*
 * score_hybrid_mixed.c
 *	  Hybrids of members that score few items and of members of factors, whose moments are known.
 *
 * The mean and the standard deviation of a member's scores follow from the moments of its items'
 * factors, so all items need not be scored; and the weighted sum of such members' scaled scores is
 * one inner product, of which ranking/joint.h finds the best.  What sparse members say of an item
 * comes to it as what it has besides: never less than what those without a score are given.
 *
 * Cost of a list: the sparse members' scores, and what joint.h takes; of all scores, those of the
 * members and a pass over them.
 */
#include "core/scoring/score_hybrid_mixed.h"

#include "core/base/dispatch.h"
#include "core/data/sorting.h"

#include <string.h>

/* Items whose means are made together. */
#define PIECE 256

static const reco_hybrid_user *
user_of(const reco_seat *seat)
{
	return seat->scratch;
}

/* The scores of a part that lie in lines, of n items from one on; *line: the next of its lines. */
static void
spread(const reco_hybrid_listed *p, const float *score, int32_t from, int32_t n, int32_t line,
	   float *out)
{
	for (int32_t k = 0; k < n; k++)
		out[k] = -INFINITY;
	for (; line < p->n / RECO_LINE && p->item[line] < (from + n) / RECO_LINE; line++)
		memcpy(out + (p->item[line] * RECO_LINE - from), score + (size_t) line * RECO_LINE,
			   RECO_LINE * sizeof(float));
}

reco_status
reco_hybrid_mixed_score(reco_seat *seat, float *out)
{
	const reco_hybrid_user *user = user_of(seat);
	const reco_kernels *kernels = reco_kernels_best();
	reco_hybrid_listed p = reco_hybrid_list(seat);
	reco_lines_part part[RECO_HYBRID_MEMBERS];
	_Alignas(RECO_ALIGN) float own[RECO_HYBRID_MEMBERS][PIECE];
	_Alignas(RECO_ALIGN) float mean[PIECE];
	int32_t items = seat->scorer->items;
	int32_t line = 0;
	int64_t done = 0;

	for (int32_t from = 0; from < items; from += PIECE)
	{
		int32_t some = items - from < PIECE ? items - from : PIECE;

		for (int k = 0; k < user->parts; k++)
		{
			const reco_hybrid_part *of = &user->part[k];

			part[k] = (reco_lines_part){own[k], of->shift, of->times, of->none};
			if (of->score)
				spread(&p, of->score, from, PIECE, line, own[k]);
			else
				memcpy(own[k], of->seat->score + from, (size_t) some * sizeof(float));
			for (int32_t i = some; i < PIECE; i++)
				own[k][i] = -INFINITY;
		}
		while (line < p.n / RECO_LINE && p.item[line] < (from + PIECE) / RECO_LINE)
			line++;
		kernels->lines_mean(part, user->parts, 0, PIECE, mean);
		memcpy(out + from, mean, (size_t) some * sizeof(float));
		if (stop_after(&seat->env, (int64_t) PIECE * (user->parts + 1), &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* What sparse parts add to the items that they score, above what the others are given. */
static reco_status
add_extras(reco_seat *seat, const reco_hybrid_listed *p)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	const reco_hybrid_user *user = user_of(seat);
	const reco_kernels *kernels = reco_kernels_best();
	reco_lines_part part[RECO_HYBRID_MEMBERS];
	int parts = 0;
	int64_t done = 0;

	for (int k = 0; k < user->parts; k++)
	{
		const reco_hybrid_part *of = &user->part[k];

		if (of->score)
			part[parts++] = (reco_lines_part){of->score, of->shift, of->times, of->none};
	}
	for (int32_t from = 0; from < p->n && parts > 0; from += PIECE)
	{
		_Alignas(RECO_ALIGN) float mean[PIECE];
		float none = 0;
		float extra[PIECE];
		int32_t item[PIECE];
		int32_t at[PIECE];
		int32_t some = p->n - from < PIECE ? p->n - from : PIECE;
		int32_t n = 0;
		int32_t hits;

		for (int k = 0; k < parts; k++)
			none += (float) part[k].none;
		kernels->lines_mean(part, parts, from, some, mean);
		hits = kernels->above(mean, some, none, at);
		for (int32_t k = 0; k < hits; k++)
		{
			extra[n] = mean[at[k]] - none;
			item[n++] = reco_hybrid_item_at(p, from + at[k]);
		}
		reco_joint_add(h->joint, p->joint, item, extra, n);
		if (stop_after(&seat->env, (int64_t) some * (parts + 1), &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
score_some(void *arg, const int32_t *item, int32_t n, float *score)
{
	return reco_seat_some(arg, item, n, score);
}

/* The user's side: what each member with moments adds, and the rest. */
static int32_t
search(reco_seat *seat, const reco_hybrid_listed *p, const uint64_t *skip, int32_t n,
	   reco_ranked *out)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	const reco_hybrid_user *user = user_of(seat);
	const float *factors[RECO_HYBRID_MEMBERS];
	double times[RECO_HYBRID_MEMBERS];
	reco_joint_query q = {.part = h->joint_part,
						  .factors = factors,
						  .times = times,
						  .score = score_some,
						  .arg = seat};

	for (int m = 0; m < h->members; m++)
	{
		if (!reco_hybrid_has_moments(h, m))
			continue;
		factors[q.parts] = NULL;
		times[q.parts] = 0;
		for (int k = 0; k < user->parts; k++)
			if (user->part[k].member == m)
			{
				const reco_seat *of = user->part[k].seat;
				double base =
					reco_factor_base((const reco_factor_scorer *) of->scorer, of->profile);

				factors[q.parts] = of->profile->factors;
				times[q.parts] = user->part[k].times;
				q.base += (base - user->part[k].shift) * times[q.parts];
				q.size += (fabs(base) + fabs(user->part[k].shift)) * times[q.parts];
			}
		q.parts++;
	}
	for (int k = 0; k < user->parts; k++)
		if (user->part[k].score)
		{
			q.base += user->part[k].none;
			q.size += fabs(user->part[k].none);
		}
	return reco_joint_top(&seat->env, h->joint, p->joint, &q, skip, n, out);
}

int32_t
reco_hybrid_mixed_top(reco_seat *seat, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	reco_hybrid_listed p = reco_hybrid_list(seat);
	int32_t have = -1;

	if (reco_hybrid_of_seat(seat)->joint == NULL || seat->scored)
		return RECO_PRUNED_NONE;
	if (add_extras(seat, &p) == RECO_OK)
		have = search(seat, &p, skip, n, out);
	reco_joint_clear(reco_hybrid_of_seat(seat)->joint, p.joint);
	return have;
}
