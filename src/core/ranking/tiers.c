/*
 * tiers.c
 *	  The n best of sums over a user's rows without adding up whole rows.
 *
 * Items lie in the order of falling bounds, the sums of their weights above 0: with values of at
 * most `most`, no score is above most times its bound.  They come in tiers, each as long as all
 * before it.  Tier by tier the user's rows are added up in float; the n-th best sum so far is the
 * floor, and the walk ends at the rank from which on bounds are below it.  What comes near the
 * floor is a candidate.  At the end those candidates that may still be in the list are scored as
 * whoever adds up whole rows does: over the rows that the item is in, in double.
 *
 * An entry is a float whose last 13 bits are the item's place in its tier, so that adding it up is
 * one load, one store and an addition, in an array of 32 kB.  Where a row has a good part of a
 * tier's items, that part of it is an array with all of them instead.
 *
 * How near.  The bits of an entry are the nearest with that end to those of its weight, off by
 * 2^12 at most: within 2^-11 of a normal weight, and within 2^-137 of any other.  A sum of at most
 * m terms x w rounds m + 1 times, of 2^-24 each.  So all sums are within
 *
 *	 error = most largest (2^-11 + (m + 2) 2^-24) + ...
 *
 * of the score, where `largest` is the largest sum of absolute weights; what is small is covered
 * by a hundredth more, and by what falls below the normal numbers, most m 2^-130 + 2^-100.  The
 * n-th best score is at least the floor less the error, and an item's sum at least its score less
 * the error, so candidates are those that are not below the floor by twice the error.
 *
 * Invariants:
 *	  - scores of 0 and below are not told apart from none: where the floor is not well above 0,
 *		where values are below 0, or where numbers might overflow, there is no answer;
 *	  - an index that was damaged in a file gives wrong lists, and no access outside of it;
 *	  - the scratch is zeros again.
 *
 * Cost: of a user's rows the entries of items up to the end of the walk, half of all or less where
 * similarities fall with what little is known, at about a third of what adding up whole rows
 * takes for each; and for each candidate, a few more than n, the rows that it is in.
 *
 * Source: bounds and an early end as in Turtle, Flood: MaxScore, 1995; parts by impact as in Anh,
 * Moffat 2006.
 */
#include "core/ranking/tiers.h"

#include "core/base/dispatch.h"
#define HEAP_ENTRY reco_ranked
#define HEAP_WORSE(a, b) reco_ranked_after(a, b)
#include "core/base/heap.h"
#include "core/ranking/tiers_parts.h"

#include <math.h>
#include <string.h>

/* Places in a list that are worth it, and candidates that are kept. */
#define MOST_N 256
#define CANDIDATES 1024

/* Rows that are looked up together, so that memory comes while others are added up. */
#define GROUP 32
#define AHEAD 512 /* bytes of each */

/* Places looked at together. */
#define STRIP 256

typedef struct query
{
	const reco_env *env;
	const reco_kernels *kernels;
	const reco_tiers *h;
	tier_parts in;
	const reco_tiers_user *user;
	const uint64_t *skip;
	int32_t n;
	reco_ranked *out; /* the n best sums so far, then the list */
	int32_t have;
	float *sum;   /* PLACES, zeros between tiers */
	float *value; /* by row: the user's; zeros */
	double most;
	double error;
	int32_t candidates;
	reco_ranked candidate[CANDIDATES];
} query;

size_t
reco_tiers_scratch(int32_t items)
{
	return (PLACES + (size_t) lines_of(items) * LINE) * sizeof(float);
}

/* What a sum must reach so that its item may be in the list. */
static float
floor_of(const query *q)
{
	double floor = q->have == q->n ? (double) q->out[0].score - 2 * q->error : 0;

	return floor > 0 ? (float) floor : 0;
}

/* The rank in first .. end from which on no score reaches the n-th best. */
static int32_t
cut_of(const query *q, int32_t first, int32_t end)
{
	double least = q->have == q->n ? (double) q->out[0].score - q->error : 0;

	while (first < end)
	{
		int32_t middle = first + (end - first) / 2;

		if (q->most * (double) q->in.bound[middle] < least)
			end = middle;
		else
			first = middle + 1;
	}
	return first;
}

/* Adds the first `places` places of a part of a row, x times. */
static void
add_part(const query *q, uint32_t part, int32_t places, float x)
{
	const uint32_t *word;
	uint32_t bits;

	if (part & DENSE)
	{
		uint32_t line = part & ~DENSE;
		int32_t lines = lines_of(places);

		if (line <= q->h->lines && (uint32_t) lines <= q->h->lines - line)
			q->kernels->cg_add(q->sum, x, q->in.dense + (size_t) line * LINE, lines * LINE);
		return;
	}
	if (part >= q->h->words)
		return;
	word = q->in.word + part;
	while ((bits = *word++) % PLACES < (uint32_t) places)
	{
		float weight;

		memcpy(&weight, &bits, sizeof(weight));
		q->sum[bits % PLACES] += x * weight;
	}
}

/* Has a part's memory come; `next` is where the next row's begins, a hint of its length. */
static inline void
fetch(const query *q, uint32_t part, uint32_t next)
{
	bool dense = part & DENSE;
	const char *memory = dense ? (const char *) (q->in.dense + (size_t) (part & ~DENSE) * LINE)
							   : (const char *) (q->in.word + part);
	uint32_t bytes = dense || (next & DENSE) ? AHEAD : (next - part + 1) * sizeof(uint32_t);

	for (uint32_t at = 0; at < bytes && at < AHEAD; at += RECO_ALIGN)
		__builtin_prefetch(memory + at);
}

/* Adds up the user's rows in the first places of a tier.  False: stopped. */
static bool
add_rows(const query *q, int32_t tier, int32_t places)
{
	const uint32_t *part = q->in.part + (size_t) tier * (size_t) q->h->items;
	const reco_tiers_user *user = q->user;

	for (int64_t from = 0; from < user->n; from += GROUP)
	{
		int64_t n = user->n - from < GROUP ? user->n - from : GROUP;
		uint32_t group[GROUP];

		for (int64_t j = 0; j < n; j++)
		{
			const uint32_t *at = part + user->row[from + j];

			group[j] = at[0];
			fetch(q, at[0], at[1]);
		}
		for (int64_t j = 0; j < n; j++)
			add_part(q, group[j], places, user->value ? user->value[from + j] : 1);
		if (q->env->poll(q->env->arg))
			return false;
	}
	return true;
}

/* Leaves only candidates that reach the floor; false: that does not make room. */
static bool
fewer_candidates(query *q)
{
	float floor = floor_of(q);
	int32_t left = 0;

	for (int32_t k = 0; k < q->candidates; k++)
		if (q->candidate[k].score >= floor)
			q->candidate[left++] = q->candidate[k];
	q->candidates = left;
	return left <= CANDIDATES / 2;
}

/* Takes what reaches the floor in the first places of a tier, and makes them zeros.  False: there
 * are too many. */
static bool
take(query *q, int32_t first, int32_t places)
{
	int32_t hit[STRIP];
	bool fine = true;

	places = lines_of(places) * LINE;
	for (int32_t from = 0; from < places; from += STRIP)
	{
		int32_t n = places - from < STRIP ? places - from : STRIP;
		int32_t hits = q->kernels->above(q->sum + from, n, floor_of(q), hit);

		for (int32_t k = 0; k < hits && fine; k++)
		{
			int32_t rank = first + from + hit[k];
			reco_ranked found = {q->sum[from + hit[k]], rank < q->h->items ? q->in.item[rank] : -1};

			if ((uint32_t) found.item >= (uint32_t) q->h->items ||
				(q->skip && reco_set_has(q->skip, found.item)))
				continue;
			fine = q->candidates < CANDIDATES || fewer_candidates(q);
			if (fine)
				q->candidate[q->candidates++] = found;
			heap_offer(q->out, &q->have, q->n, found);
		}
		memset(q->sum + from, 0, (size_t) n * sizeof(float));
	}
	return fine;
}

/* The score of an item: over its rows, rising; of those that are not the user's, nothing. */
static float
score_of(const query *q, int32_t item)
{
	int64_t from = q->in.own[item];
	int64_t to = q->in.own[item + 1];
	double sum = 0;

	if (from < 0 || to > (int64_t) q->h->entries)
		return 0;
	for (int64_t e = from; e < to; e++)
	{
		uint32_t row = (uint32_t) q->in.row[e];

		if (row < (uint32_t) q->h->items)
			sum += (double) q->value[row] * (double) q->in.weight[e];
	}
	return (float) sum;
}

/* Makes the list of the candidates. */
static int32_t
finish(query *q)
{
	float floor = floor_of(q);

	if (q->have < q->n || !((double) q->out[0].score > 3 * q->error))
		return RECO_TIERS_NONE;
	for (int64_t j = 0; j < q->user->n; j++)
		q->value[q->user->row[j]] = q->user->value ? q->user->value[j] : 1;
	q->have = 0;
	for (int32_t k = 0; k < q->candidates; k++)
		if (q->candidate[k].score >= floor)
		{
			int32_t item = q->candidate[k].item;

			heap_offer(q->out, &q->have, q->n, (reco_ranked){score_of(q, item), item});
		}
	for (int64_t j = 0; j < q->user->n; j++)
		q->value[q->user->row[j]] = 0;
	return heap_sort(q->env, q->out, q->have) ? q->have : -1;
}

/* Makes the numbers of the bounds; false when they might not bound, or it does not pay. */
static bool
prepare(query *q)
{
	const reco_tiers *h = q->h;
	int64_t n = q->user->n;
	double terms = (double) (n < h->longest ? n : h->longest);

	if (q->n > MOST_N || q->n > h->items / 4 || n == 0 || h->words == 0 ||
		q->in.word[h->words - 1] % PLACES != NO_PLACE)
		return false;
	q->most = q->user->value ? 0 : 1;
	for (int64_t j = 0; q->user->value && j < n; j++)
	{
		double x = (double) q->user->value[j];

		/* a NaN fails a comparison */
		if (!(x >= 0))
			return false;
		q->most = x > q->most ? x : q->most;
	}
	q->error = 1.01 * q->most * (double) h->largest * (0x1p-11 + (terms + 2) * 0x1p-24) +
			   q->most * terms * 0x1p-130 + 0x1p-100;
	return q->most <= TIERS_LIMIT && q->most * (double) h->largest <= TIERS_LIMIT;
}

static int32_t
walk(query *q)
{
	int32_t tier = 0;

	for (int32_t first = 0, end; first < q->h->items; first = end, tier++)
	{
		int32_t cut;

		end = tier_end(first, q->h->items);
		cut = cut_of(q, first, end);
		if (cut == first)
			break;
		if (!add_rows(q, tier, cut - first))
		{
			memset(q->sum, 0, PLACES * sizeof(float));
			return -1;
		}
		if (!take(q, first, cut - first))
			return RECO_TIERS_NONE;
		if (cut < end)
			break;
	}
	return finish(q);
}

int32_t
reco_tiers_top(const reco_env *env, const reco_tiers *index, void *scratch,
			   const reco_tiers_user *user, const uint64_t *skip, int32_t n, reco_ranked *out)
{
	query q;

	q.env = env;
	q.kernels = reco_kernels_best();
	q.h = index;
	q.in = tier_parts_of(index);
	q.user = user;
	q.skip = skip;
	q.n = n;
	q.out = out;
	q.have = 0;
	q.sum = scratch;
	q.value = q.sum + PLACES;
	q.candidates = 0;
	if (n <= 0)
		return 0;
	return prepare(&q) ? walk(&q) : RECO_TIERS_NONE;
}
