/*
 * score_hybrid_user.c
 *	  What the members of a hybrid come to for the user in its seat.
 *
 * Scales follow from the scores of all items, so whatever is asked of a user first has each
 * member score everything, once.  Where members are sparse, that is what one of them scores, and of
 * a cascade what the first one proposes: then scores are kept for these items alone.  Members of
 * factors need not score everything where the moments of these are known.
 * Without a scale nothing needs to be known before.
 *
 * The scratch holds the members' seats, which are open as long as it is, each with the scores of
 * all items; behind them room to sort these for ranks, and for what a cascade proposes.
 */
#include "core/scoring/score_hybrid_user.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"

static reco_hybrid_user *
user_of(const reco_seat *seat)
{
	return seat->scratch;
}

uint32_t
reco_hybrid_asked(const reco_hybrid_scorer *h, const reco_profile *profile)
{
	uint32_t asked = h->candidates > 0 ? 1 : 0;

	for (int r = 0; r < h->rules; r++)
		if (reco_hybrid_is_about(&h->rule[r], profile))
			return h->rule[r].members;
	for (int m = 0; m < h->members; m++)
		if (h->member[m].weight > 0)
			asked |= UINT32_C(1) << m;
	return asked;
}

static size_t
member_bytes(const reco_hybrid_scorer *h, int member)
{
	return reco_hybrid_is_asked(h, member) ? reco_room(reco_seat_bytes(h->member[member].scorer))
										   : 0;
}

/* Where a member's seat is, or with their number what is behind them. */
static size_t
place_of(const reco_hybrid_scorer *h, int member)
{
	size_t bytes = reco_room(sizeof(reco_hybrid_user));

	for (int m = 0; m < member; m++)
		bytes += member_bytes(h, m);
	return bytes;
}

reco_seat *
reco_hybrid_member_seat(const reco_seat *seat, int member)
{
	return (reco_seat *) ((char *) seat->scratch + place_of(reco_hybrid_of_seat(seat), member));
}

/* Whether nothing but what sparse members score has a score. */
bool
reco_hybrid_is_sparse(const reco_scorer *scorer)
{
	const reco_hybrid_scorer *h = (const reco_hybrid_scorer *) scorer;
	bool sparse = h->candidates == 0;

	for (int m = 0; m < h->members && sparse; m++)
		sparse = !reco_hybrid_is_asked(h, m) || reco_scorer_is_sparse(h->member[m].scorer);
	return sparse;
}

/* Whether sparse members' scores are kept by lines. */
static bool
is_by_line(const reco_hybrid_scorer *h)
{
	return reco_hybrid_is_mixed(h) || reco_hybrid_is_sparse(&h->head);
}

static bool
has_list(const reco_hybrid_scorer *h)
{
	return h->candidates > 0 || is_by_line(h);
}

static int32_t
most_proposed(const reco_hybrid_scorer *h)
{
	return h->candidates < h->head.items ? h->candidates : h->head.items;
}

/* Of the scores of what is listed: all items, and the rest of a cache line. */
static size_t
places_of(const reco_hybrid_scorer *h)
{
	return reco_room((size_t) h->head.items * sizeof(float)) / sizeof(float);
}

static size_t
mark_bytes(const reco_hybrid_scorer *h)
{
	return reco_line_groups(h->head.items) * sizeof(uint64_t);
}

static size_t
set_bytes(const reco_hybrid_scorer *h)
{
	return RECO_SET_BYTES(h->head.items) + sizeof(uint64_t);
}

/* The room behind the seats, from `memory` on; NULL: how large it is. */
static size_t
rooms(const reco_hybrid_scorer *h, char *memory, reco_hybrid_listed *out)
{
	char *at = memory;
	reco_hybrid_listed p = {.each = places_of(h)};

	at += reco_room(reco_scale_room(h->scale, (int32_t) places_of(h)));
	if (h->candidates > 0)
	{
		p.set = reco_take((void *) &at, set_bytes(h));
		p.ranked = reco_take((void *) &at, (size_t) most_proposed(h) * sizeof(reco_ranked));
	}
	if (is_by_line(h))
		p.mark = reco_take((void *) &at, mark_bytes(h));
	if (has_list(h))
	{
		p.item = reco_take((void *) &at, (p.each + 1) * sizeof(int32_t));
		p.score = reco_take((void *) &at, (size_t) h->members * p.each * sizeof(float));
	}
	if (h->joint)
		p.joint = reco_take((void *) &at, reco_joint_scratch(h->head.items, h->joint->d));
	if (out)
		*out = p;
	return (size_t) (at - memory);
}

size_t
reco_hybrid_user_bytes(const reco_hybrid_scorer *h)
{
	return place_of(h, h->members) + rooms(h, NULL, NULL);
}

reco_hybrid_listed
reco_hybrid_list(const reco_seat *seat)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_hybrid_listed p;

	(void) rooms(h, (char *) reco_hybrid_member_seat(seat, h->members), &p);
	p.n = user_of(seat)->n;
	p.by_line = user_of(seat)->by_line;
	return p;
}

/* What is in the scores' rooms is as much as was touched. */
static void
clear_rooms(reco_seat *seat)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_hybrid_listed p = reco_hybrid_list(seat);
	size_t touched = (size_t) user_of(seat)->touched;
	int32_t used = user_of(seat)->listed ? user_of(seat)->n : (int32_t) places_of(h);

	memset(reco_hybrid_member_seat(seat, h->members), 0, reco_scale_room(h->scale, used));
	if (!has_list(h))
		return;
	memset(p.item, 0, (touched + 1) * sizeof(int32_t));
	for (int m = 0; m < h->members; m++)
		memset(p.score + (size_t) m * p.each, 0, touched * sizeof(float));
	if (p.mark)
		memset(p.mark, 0, mark_bytes(h));
	if (h->candidates == 0)
		return;
	memset(p.set, 0, set_bytes(h));
	memset(p.ranked, 0, (size_t) most_proposed(h) * sizeof(reco_ranked));
}

void
reco_hybrid_user_clear(reco_seat *seat, uint32_t scored)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_hybrid_user *user = user_of(seat);
	size_t items = (size_t) h->head.items;

	for (int m = 0; m < h->members; m++)
	{
		reco_seat *of = reco_hybrid_member_seat(seat, m);

		/* a member's place is zeros where open did not come to it */
		if (!reco_hybrid_is_asked(h, m) || of->scorer == NULL)
			continue;
		if (reco_hybrid_has(scored, m) || user->whole ||
			(user->filled && (!user->listed || h->candidates > 0)))
			memset(of->score, 0, items * sizeof(float));
		memset(of, 0, sizeof(*of));
	}
	if (user->filled)
		clear_rooms(seat);
	/* for whom this is a member: means of what is listed are there */
	memset(seat->score, 0, (size_t) user->touched * sizeof(float));
	memset(user, 0, sizeof(*user));
}

/* By which it counts for the user; nobody asked may have one. */
static double
weight_of(const reco_hybrid_scorer *h, uint32_t asked, int member)
{
	bool any = false;

	for (int m = 0; m < h->members && !any; m++)
		any = reco_hybrid_has(asked, m) && h->member[m].weight > 0;
	if (!any)
		return 1;
	return h->member[member].weight > 0 ? h->member[member].weight : 0;
}

/* Weights become shares of the mean. */
static void
share_out(reco_hybrid_user *user, bool scaled)
{
	double weights = 0;

	for (int k = 0; k < user->parts; k++)
		weights += user->part[k].share;
	for (int k = 0; k < user->parts; k++)
	{
		reco_hybrid_part *p = &user->part[k];

		p->share /= scaled ? weights : 1;
		p->times *= p->share;
		p->none *= p->share;
	}
}

/* Whether those of its scores are kept that are of what is listed. */
static bool
is_listed(const reco_seat *seat, int member)
{
	const reco_hybrid_user *user = user_of(seat);

	return user->listed &&
		   (!user->by_line ||
			reco_scorer_is_sparse(reco_hybrid_of_seat(seat)->member[member].scorer));
}

/* What a member's scores are, where they are kept; NULL: it is to be asked. */
static const float *
kept_scores(const reco_seat *seat, int member)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);

	if (user_of(seat)->by_line && reco_hybrid_has_moments(h, member))
		return NULL;
	if (is_listed(seat, member))
		return reco_hybrid_list(seat).score + (size_t) member * places_of(h);
	return h->scale == RECO_HYBRID_NONE ? NULL : reco_hybrid_member_seat(seat, member)->score;
}

static void
add_part(reco_seat *seat, int member, double weight, const reco_scaling *s)
{
	reco_hybrid_user *user = user_of(seat);

	user->part[user->parts++] = (reco_hybrid_part){
		.member = member,
		.share = weight,
		.times = 1 / s->scale,
		.shift = s->shift,
		.none = s->least,
		.listed = is_listed(seat, member),
		.score = kept_scores(seat, member),
		.seat = reco_hybrid_member_seat(seat, member),
	};
}

/* Members that tell items apart, or where there are none those that leave some without a score. */
static void
weighted_parts(reco_seat *seat, uint32_t known, const reco_scaling *scaling)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_hybrid_user *user = user_of(seat);

	for (int telling = 1; telling >= 0 && user->parts == 0; telling--)
		for (int m = 0; m < h->members; m++)
		{
			double weight = weight_of(h, user->asked, m);

			if (reco_hybrid_has(known, m) && weight > 0 &&
				(telling ? scaling[m].tells || h->scale == RECO_HYBRID_NONE
						 : scaling[m].n > 0 && scaling[m].n < h->head.items))
				add_part(seat, m, weight, &scaling[m]);
		}
}

/* How to scale what scores all items. */
static void
scale_by_moments(const reco_seat *seat, reco_scaling *out)
{
	double mean;
	double deviation;

	reco_factor_moments(seat, &mean, &deviation);
	*out = (reco_scaling){.n = seat->scorer->items, .tells = deviation > 0, .scale = 1};
	if (!out->tells)
		return;
	out->shift = mean;
	out->scale = deviation;
}

/* How to scale a member's scores of all items, which are kept. */
static reco_status
scale_whole(reco_seat *seat, int member, reco_scaling *out)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_seat *of = reco_hybrid_member_seat(seat, member);
	reco_status status;

	user_of(seat)->whole = true;
	status = reco_seat_score_all(of);
	/* of ranks they are the member's scores no more */
	if (h->scale == RECO_HYBRID_RANK)
		of->scored = false;
	if (status == RECO_OK)
		status = reco_scale_find(&seat->env, h->scale, of->score, h->head.items,
								 reco_hybrid_member_seat(seat, h->members), out);
	return status;
}

static reco_status
measure_all(reco_seat *seat)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_hybrid_user *user = user_of(seat);
	reco_scaling scaling[RECO_HYBRID_MEMBERS];
	uint32_t known = 0;

	for (int m = 0; m < h->members; m++)
	{
		reco_status status = RECO_OK;

		if (!reco_hybrid_has(user->asked, m) ||
			!reco_seat_is_personal(reco_hybrid_member_seat(seat, m)))
			continue;
		known |= UINT32_C(1) << m;
		scaling[m] = (reco_scaling){.scale = 1, .tells = true};
		if (h->scale != RECO_HYBRID_NONE)
			status = scale_whole(seat, m, &scaling[m]);
		if (status != RECO_OK)
			return status;
	}
	weighted_parts(seat, known, scaling);
	return RECO_OK;
}

/* The items of a set, rising, which is empty afterwards. */
static int32_t
empty_set(uint64_t *set, int32_t items, int32_t *item)
{
	int32_t n = 0;

	for (int32_t w = 0; w < (items + 63) / 64; w++)
	{
		for (; set[w]; set[w] &= set[w] - 1)
			item[n++] = w * 64 + __builtin_ctzll(set[w]);
	}
	return n;
}

/* A member's scores of the items that are listed. */
static reco_status
scale_listed(reco_seat *seat, int member, reco_scaling *scaling)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_hybrid_listed p = reco_hybrid_list(seat);
	float *score = p.score + (size_t) member * p.each;
	reco_status status = reco_seat_some(reco_hybrid_member_seat(seat, member), p.item, p.n, score);

	if (status == RECO_OK)
		status = reco_scale_find(&seat->env, h->scale, score, p.n,
								 reco_hybrid_member_seat(seat, h->members), scaling);
	return status;
}

/* The lines that are marked, rising; the marks are zeros afterwards. */
static int32_t
marked_lines(const reco_hybrid_scorer *h, uint16_t *mark, int32_t *line)
{
	int32_t lines = (h->head.items + RECO_LINE - 1) / RECO_LINE;
	int32_t n = 0;

	for (int32_t l = 0; l < lines; l++)
	{
		/* without a branch: which of them it is cannot be foretold */
		line[n] = l;
		n += mark[l];
	}
	memset(mark, 0, mark_bytes(h));
	/* one that is none makes the scores whole cache lines */
	line[n] = lines;
	return n;
}

/* A sparse member's scores of the lines that are listed. */
static reco_status
take_lines(reco_seat *seat, int member, int32_t lines, reco_scaling *scaling)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_seat *of = reco_hybrid_member_seat(seat, member);
	reco_hybrid_listed p = reco_hybrid_list(seat);
	float *score = p.score + (size_t) member * p.each;
	reco_status status = of->scorer->type->take(of, p.item, lines, score);

	if (status != RECO_OK)
		return status;
	for (int32_t at = lines * RECO_LINE; at < p.n; at++)
		score[at] = -INFINITY;
	return reco_scale_find(&seat->env, h->scale, score, p.n,
						   reco_hybrid_member_seat(seat, h->members), scaling);
}

/*
 * Of sparse members: the lines of items that one of them scores are all there is.  Of members with
 * moments scores are asked for where they are needed; the others score all items.
 */
static reco_status
measure_lines(reco_seat *seat)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_hybrid_user *user = user_of(seat);
	reco_hybrid_listed p = reco_hybrid_list(seat);
	reco_scaling scaling[RECO_HYBRID_MEMBERS];
	uint32_t known = 0;
	reco_status status = RECO_OK;
	int32_t lines;

	user->by_line = true;
	/* until it is known how many there are */
	user->touched = (int32_t) p.each;
	for (int m = 0; m < h->members && status == RECO_OK; m++)
	{
		reco_seat *of = reco_hybrid_member_seat(seat, m);

		if (!reco_hybrid_has(user->asked, m) || !reco_seat_is_personal(of))
			continue;
		known |= UINT32_C(1) << m;
		if (reco_hybrid_has_moments(h, m))
			scale_by_moments(of, &scaling[m]);
		else if (is_listed(seat, m))
			status = of->scorer->type->mark(of, p.mark);
		else
			status = scale_whole(seat, m, &scaling[m]);
	}
	if (status != RECO_OK)
		return status;
	lines = marked_lines(h, p.mark, p.item);
	user->touched = user->n = (lines + 1) / 2 * 2 * RECO_LINE;
	for (int m = 0; m < h->members && status == RECO_OK; m++)
		if (reco_hybrid_has(known, m) && is_listed(seat, m))
			status = take_lines(seat, m, lines, &scaling[m]);
	if (status == RECO_OK)
		weighted_parts(seat, known, scaling);
	for (int k = 0; k < user->parts; k++)
		user->mixed = user->mixed || !user->part[k].listed;
	return status;
}

/* What the member proposes: its best without the user's own, and of these what is as good. */
static reco_status
propose(reco_seat *seat, reco_seat *of)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	const reco_profile *own = of->profile;
	reco_hybrid_listed p = reco_hybrid_list(seat);
	int32_t most = most_proposed(h);
	reco_status status;
	int64_t done = 0;
	int32_t n;

	for (int64_t j = 0; j < own->n; j++)
		reco_set_add(p.set, own->item[j]);
	n = reco_seat_top(of, p.set, most, p.ranked);
	if (n < 0)
		return RECO_STOPPED;
	user_of(seat)->touched = n + (int32_t) own->n;
	memset(p.set, 0, set_bytes(h));
	for (int32_t r = 0; r < n; r++)
		reco_set_add(p.set, p.ranked[r].item);
	status = reco_seat_some(of, own->item, (int32_t) own->n, p.score);
	for (int64_t j = 0; j < own->n && status == RECO_OK; j++)
	{
		reco_ranked mine = {p.score[j], own->item[j]};

		if (mine.score > -INFINITY && (n < most || !reco_ranked_after(mine, p.ranked[n - 1])))
			reco_set_add(p.set, mine.item);
		if (stop_after(&seat->env, 1, &done))
			status = RECO_STOPPED;
	}
	if (status == RECO_OK)
		user_of(seat)->n = empty_set(p.set, h->head.items, p.item);
	return status;
}

/* Of a cascade: who proposes, and who ranks. */
static reco_status
measure_cascade(reco_seat *seat)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_hybrid_user *user = user_of(seat);
	reco_scaling scaling[RECO_HYBRID_MEMBERS];
	uint32_t known = 0;
	int first = -1;

	for (int m = 0; m < h->members; m++)
	{
		reco_seat *of = reco_hybrid_member_seat(seat, m);
		reco_status status = RECO_OK;

		if (!reco_hybrid_has(user->asked, m) || !reco_seat_is_personal(of))
			continue;
		known |= UINT32_C(1) << m;
		if (first < 0)
			status = propose(seat, of);
		first = first < 0 ? m : first;
		if (status == RECO_OK)
			status = scale_listed(seat, m, &scaling[m]);
		if (status != RECO_OK)
			return status;
	}
	for (int round = 0; round < 2 && user->parts == 0 && user->n > 0; round++)
		for (int m = 0; m < h->members; m++)
		{
			double weight = round == 0 ? weight_of(h, user->asked, m) : m == first;

			if (reco_hybrid_has(known, m) && weight > 0 &&
				(round == 1 || scaling[m].tells ||
				 (h->scale == RECO_HYBRID_NONE && scaling[m].n > 0)))
				add_part(seat, m, weight, &scaling[m]);
		}
	return RECO_OK;
}

reco_status
reco_hybrid_measure(reco_seat *seat)
{
	const reco_hybrid_scorer *h = reco_hybrid_of_seat(seat);
	reco_hybrid_user *user = user_of(seat);
	reco_status status;
	bool cascade;

	if (user->measured)
		return RECO_OK;
	user->filled = true;
	user->parts = 0;
	/* what one member alone scores has no order to be given anew */
	cascade = h->candidates > 0 && (user->asked & (user->asked - 1)) != 0;
	user->listed = cascade || is_by_line(h);
	status = cascade        ? measure_cascade(seat)
			 : user->listed ? measure_lines(seat)
							: measure_all(seat);
	if (status == RECO_OK)
		share_out(user, h->scale != RECO_HYBRID_NONE);
	user->measured = status == RECO_OK;
	return status;
}

int32_t
reco_hybrid_place(const reco_hybrid_listed *p, int32_t item)
{
	int32_t wanted = p->by_line ? item / RECO_LINE : item;
	int32_t from = 0;
	int32_t end = p->by_line ? p->n / RECO_LINE : p->n;
	int32_t to = end;

	while (from < to)
	{
		int32_t middle = from + (to - from) / 2;

		if (p->item[middle] < wanted)
			from = middle + 1;
		else
			to = middle;
	}
	if (from >= end || p->item[from] != wanted)
		return -1;
	return p->by_line ? from * RECO_LINE + item % RECO_LINE : from;
}
