/*
 * score_hybrid_mixed.c
 *	  Hybrids of members of factors, whose moments are known, and of others.
 *
 * The mean and the standard deviation of a member's scores follow from the moments of its items'
 * factors, so all items need not be scored; and the weighted sum of such members' scaled scores is
 * one inner product, of which ranking/joint.h finds the best.  What other members say of an item
 * comes to it as what it has besides: never less than what those without a score are given.
 *
 * Cost of a list: the scores of sparse members, those of all items by others that have no moments,
 * and what joint.h takes; of all scores, those of the members and a pass over them.
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

/* Parts of some kind, whose means are made piece by piece. */
typedef struct walk
{
	reco_hybrid_listed listed;
	int32_t line; /* the next of those that are listed */
	int parts;
	const reco_hybrid_part *part[RECO_HYBRID_MEMBERS];
	_Alignas(RECO_ALIGN) float score[RECO_HYBRID_MEMBERS][PIECE];
	_Alignas(RECO_ALIGN) float mean[PIECE];
} walk;

/* The scores of a part that lie in lines, of a piece. */
static void
spread(const walk *w, const float *score, int32_t from, float *out)
{
	for (int32_t k = 0; k < PIECE; k++)
		out[k] = -INFINITY;
	for (int32_t l = w->line;
		 l < w->listed.n / RECO_LINE && w->listed.item[l] < (from + PIECE) / RECO_LINE; l++)
		memcpy(out + (w->listed.item[l] * RECO_LINE - from), score + (size_t) l * RECO_LINE,
			   RECO_LINE * sizeof(float));
}

/* The means of the items from one on; -infinity behind the last. */
static void
step(walk *w, int32_t items, int32_t from)
{
	reco_lines_part part[RECO_HYBRID_MEMBERS];
	int32_t some = items - from < PIECE ? items - from : PIECE;

	for (int k = 0; k < w->parts; k++)
	{
		const reco_hybrid_part *of = w->part[k];

		part[k] = (reco_lines_part){w->score[k], of->shift, of->times, of->none};
		if (of->listed)
			spread(w, of->score, from, w->score[k]);
		else
			memcpy(w->score[k], (of->score ? of->score : of->seat->score) + from,
				   (size_t) some * sizeof(float));
		for (int32_t i = some; i < PIECE; i++)
			w->score[k][i] = -INFINITY;
	}
	while (w->line < w->listed.n / RECO_LINE &&
		   w->listed.item[w->line] < (from + PIECE) / RECO_LINE)
		w->line++;
	reco_kernels_best()->lines_mean(part, w->parts, 0, PIECE, w->mean);
}

reco_status
reco_hybrid_mixed_score(reco_seat *seat, float *out)
{
	const reco_hybrid_user *user = user_of(seat);
	int32_t items = seat->scorer->items;
	walk w = {.listed = reco_hybrid_list(seat), .parts = user->parts};
	int64_t done = 0;

	for (int k = 0; k < user->parts; k++)
		w.part[k] = &user->part[k];
	for (int32_t from = 0; from < items; from += PIECE)
	{
		int32_t some = items - from < PIECE ? items - from : PIECE;

		step(&w, items, from);
		memcpy(out + from, w.mean, (size_t) some * sizeof(float));
		if (stop_after(&seat->env, (int64_t) PIECE * (user->parts + 1), &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Adds what is above `none`, of a piece of items, or of lines that are listed. */
static void
add_piece(reco_seat *seat, const walk *w, bool by_line, int32_t from, int32_t n, float none)
{
	float extra[PIECE];
	int32_t item[PIECE];
	int32_t at[PIECE];
	int32_t hits = reco_kernels_best()->above(w->mean, n, none, at);

	for (int32_t k = 0; k < hits; k++)
	{
		extra[k] = w->mean[at[k]] - none;
		item[k] = by_line ? reco_hybrid_item_at(&w->listed, from + at[k]) : from + at[k];
	}
	reco_joint_add(reco_hybrid_of_seat(seat)->joint, w->listed.joint, item, extra, hits);
}

/* What parts without moments add to items, above the least that they give any. */
static reco_status
add_extras(reco_seat *seat)
{
	const reco_hybrid_user *user = user_of(seat);
	walk w = {.listed = reco_hybrid_list(seat)};
	reco_lines_part part[RECO_HYBRID_MEMBERS];
	bool by_line = true;
	float none = 0;
	int32_t end;
	int64_t done = 0;

	for (int k = 0; k < user->parts; k++)
	{
		const reco_hybrid_part *of = &user->part[k];

		if (of->score == NULL)
			continue;
		by_line = by_line && of->listed;
		none += (float) of->none;
		part[w.parts] = (reco_lines_part){of->score, of->shift, of->times, of->none};
		w.part[w.parts++] = of;
	}
	end = w.parts == 0 ? 0 : by_line ? w.listed.n : seat->scorer->items;
	for (int32_t from = 0; from < end; from += PIECE)
	{
		int32_t some = by_line && end - from < PIECE ? end - from : PIECE;

		if (by_line)
			reco_kernels_best()->lines_mean(part, w.parts, from, some, w.mean);
		else
			step(&w, end, from);
		add_piece(seat, &w, by_line, from, some, none);
		if (stop_after(&seat->env, (int64_t) some * (w.parts + 1), &done))
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
	if (add_extras(seat) == RECO_OK)
		have = search(seat, &p, skip, n, out);
	reco_joint_clear(reco_hybrid_of_seat(seat)->joint, p.joint);
	return have;
}
