/*
 * score_hybrid.c
 *	  Scorers made of others: a weighted mean of their scores, brought to one scale.
 *
 * Scales follow from the scores of all items, so whatever is asked of a user first has each
 * member score everything, once.  A seat's scratch holds the members' seats, which are open as
 * long as it is, each with the scores of all items.
 *
 * Cost: for each user, the members' scores of all items and two passes over them, with ranks a
 * sort; then an item costs the members.  Memory of a seat: those of the members, with ranks 8
 * bytes an item more.
 */
#include "core/scoring/score_hybrid.h"

#include "core/base/slab.h"
#include "core/data/sorting.h"

#include <math.h>

/* What a member adds to the scores of the user in the seat. */
typedef struct part
{
	bool counts;
	double share; /* of the mean */
	double shift; /* scaled: (score - shift) / scale */
	double scale;
	double least; /* scaled, of items without a score */
} part;

/* The scratch: this, the members' seats, with ranks room to sort all items. */
typedef struct state
{
	bool filled;   /* scores and room for sorting are not zeros */
	bool measured; /* parts are known, and the members' scores there */
	part part[RECO_HYBRID_MEMBERS];
	reco_profile profile[RECO_HYBRID_MEMBERS]; /* of a stored user */
} state;

static const reco_hybrid_scorer *
hybrid_of(const reco_scorer *scorer)
{
	return (const reco_hybrid_scorer *) scorer;
}

static bool
is_asked(const reco_hybrid_member *member)
{
	return member->weight > 0;
}

static size_t
member_bytes(const reco_hybrid_member *member)
{
	return is_asked(member) ? reco_room(reco_seat_bytes(member->scorer)) : 0;
}

static size_t
sorting_bytes(const reco_hybrid_scorer *h)
{
	return h->scale == RECO_HYBRID_RANK ? (size_t) h->head.items * sizeof(reco_ranked) : 0;
}

/* Where the first members have theirs. */
static size_t
place_of(const reco_hybrid_scorer *h, int member)
{
	size_t bytes = reco_room(sizeof(state));

	for (int m = 0; m < member; m++)
		bytes += member_bytes(&h->member[m]);
	return bytes;
}

static size_t
hybrid_scratch(const reco_scorer *scorer)
{
	const reco_hybrid_scorer *h = hybrid_of(scorer);

	return place_of(h, h->members) + sorting_bytes(h);
}

static reco_seat *
seat_of(const reco_seat *seat, int member)
{
	return (reco_seat *) ((char *) seat->scratch + place_of(hybrid_of(seat->scorer), member));
}

static reco_status
hybrid_open(reco_seat *seat)
{
	const reco_hybrid_scorer *h = hybrid_of(seat->scorer);
	const reco_profile *whole = seat->profile;
	bool stored = whole->members == 0 && whole->user > 0 && h->stored;
	reco_profile *own = ((state *) seat->scratch)->profile;
	reco_status status = RECO_OK;

	if (whole->members != h->members && !stored)
		return RECO_INVALID;
	for (int m = 0; m < h->members && status == RECO_OK; m++)
	{
		if (!is_asked(&h->member[m]))
			continue;
		if (stored)
		{
			own[m] = (reco_profile){
				.n = whole->n, .item = whole->item, .value = whole->value, .user = whole->user};
			h->stored(h->arg, m, whole, &own[m]);
		}
		status = reco_seat_open(reco_seat_place(&seat->env, h->member[m].scorer, seat_of(seat, m)),
								stored ? &own[m] : &whole->member[m]);
	}
	return status;
}

static void
hybrid_close(reco_seat *seat)
{
	const reco_hybrid_scorer *h = hybrid_of(seat->scorer);
	state *s = seat->scratch;

	for (int m = 0; m < h->members; m++)
	{
		reco_seat *of = seat_of(seat, m);

		/* a member's place is zeros where open did not come to it */
		if (!is_asked(&h->member[m]) || of->scorer == NULL)
			continue;
		reco_seat_close(of);
		if (s->filled)
			memset(of->score, 0, (size_t) h->head.items * sizeof(float));
		memset(of, 0, sizeof(*of));
	}
	if (s->filled)
		memset(seat_of(seat, h->members), 0, sorting_bytes(h));
	memset(s, 0, sizeof(*s));
}

static bool
hybrid_is_personal(const reco_seat *seat)
{
	const reco_hybrid_scorer *h = hybrid_of(seat->scorer);

	for (int m = 0; m < h->members; m++)
		if (is_asked(&h->member[m]) && reco_seat_is_personal(seat_of(seat, m)))
			return true;
	return false;
}

/* Of the scores that are numbers. */
typedef struct range
{
	int32_t n;
	double mean;
	double least;
	double most;
} range;

/* Leaves every score a number or -infinity. */
static reco_status
measure_range(const reco_env *env, float *score, int32_t items, range *out)
{
	double sum = 0;
	int64_t done = 0;

	*out = (range){0, 0, INFINITY, -INFINITY};
	for (int32_t i = 0; i < items; i++)
	{
		if (isfinite(score[i]))
		{
			sum += score[i];
			out->n++;
			out->least = score[i] < out->least ? score[i] : out->least;
			out->most = score[i] > out->most ? score[i] : out->most;
		}
		else
			score[i] = -INFINITY;
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	out->mean = out->n > 0 ? sum / out->n : 0;
	return RECO_OK;
}

static reco_status
deviation_of(const reco_env *env, const float *score, int32_t items, const range *r, double *out)
{
	double squares = 0;
	int64_t done = 0;

	for (int32_t i = 0; i < items; i++)
	{
		double away = score[i] - r->mean;

		if (isfinite(score[i]))
			squares += away * away;
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	*out = sqrt(squares / r->n);
	return RECO_OK;
}

/* Scores become places from the worst, from 1. */
static reco_status
make_ranks(const reco_env *env, float *score, int32_t items, reco_ranked *sorted)
{
	int32_t n = reco_top_n(env, score, items, NULL, items, sorted);
	int64_t done = 0;

	if (n < 0)
		return RECO_STOPPED;
	for (int32_t from = 0, to; from < n; from = to)
	{
		to = from;
		while (to < n && sorted[to].score == sorted[from].score)
		{
			to++;
			if (stop_after(env, 1, &done))
				return RECO_STOPPED;
		}
		for (int32_t k = from; k < to; k++)
		{
			score[sorted[k].item] = (float) (n - (from + to - 1) / 2.0);
			if (stop_after(env, 1, &done))
				return RECO_STOPPED;
		}
	}
	return RECO_OK;
}

static reco_status
measure_member(reco_seat *seat, int member, part *p)
{
	const reco_hybrid_scorer *h = hybrid_of(seat->scorer);
	reco_seat *of = seat_of(seat, member);
	int32_t items = h->head.items;
	reco_status status;
	range r;

	*p = (part){0};
	if (!reco_seat_is_personal(of))
		return RECO_OK;
	status = reco_seat_score_all(of);
	if (status == RECO_OK)
		status = measure_range(&seat->env, of->score, items, &r);
	/* they say something where they differ */
	if (status != RECO_OK || r.n == 0 || r.least == r.most)
		return status;
	p->counts = true;
	switch (h->scale)
	{
		case RECO_HYBRID_Z_SCORE:
			p->shift = r.mean;
			status = deviation_of(&seat->env, of->score, items, &r, &p->scale);
			p->least = (r.least - p->shift) / p->scale;
			break;
		case RECO_HYBRID_MIN_MAX:
			p->shift = r.least;
			p->scale = r.most - r.least;
			break;
		case RECO_HYBRID_RANK:
			/* they are the member's scores no more */
			of->scored = false;
			p->scale = r.n;
			status = make_ranks(&seat->env, of->score, items, (void *) seat_of(seat, h->members));
			break;
	}
	return status;
}

/* Once for a user. */
static reco_status
measure(reco_seat *seat)
{
	const reco_hybrid_scorer *h = hybrid_of(seat->scorer);
	state *s = seat->scratch;
	reco_status status = RECO_OK;
	double weights = 0;

	if (s->measured)
		return RECO_OK;
	s->filled = true;
	for (int m = 0; m < h->members && status == RECO_OK; m++)
	{
		if (!is_asked(&h->member[m]))
			continue;
		status = measure_member(seat, m, &s->part[m]);
		if (s->part[m].counts)
			weights += h->member[m].weight;
	}
	for (int m = 0; m < h->members; m++)
		if (s->part[m].counts)
			s->part[m].share = h->member[m].weight / weights;
	s->measured = status == RECO_OK;
	return status;
}

/* Members that have a part, with their scores. */
typedef struct parts
{
	int n;
	const part *part[RECO_HYBRID_MEMBERS];
	const float *score[RECO_HYBRID_MEMBERS];
	reco_seat *seat[RECO_HYBRID_MEMBERS];
} parts;

static reco_status
parts_of(reco_seat *seat, parts *out)
{
	const reco_hybrid_scorer *h = hybrid_of(seat->scorer);
	const state *s = seat->scratch;
	reco_status status = measure(seat);

	out->n = 0;
	for (int m = 0; m < h->members && status == RECO_OK; m++)
		if (s->part[m].counts)
		{
			out->part[out->n] = &s->part[m];
			out->seat[out->n] = seat_of(seat, m);
			out->score[out->n] = out->seat[out->n]->score;
			out->n++;
		}
	return status;
}

static inline float
mean_of(const parts *p, int32_t item)
{
	double sum = 0;
	bool any = false;

	for (int k = 0; k < p->n; k++)
	{
		const part *of = p->part[k];
		float x = p->score[k][item];
		bool scored = x > -INFINITY;

		sum += of->share * (scored ? (x - of->shift) / of->scale : of->least);
		any = any || scored;
	}
	return any ? (float) sum : -INFINITY;
}

static reco_status
hybrid_score(reco_seat *seat, float *score)
{
	parts p;
	reco_status status = parts_of(seat, &p);
	int64_t done = 0;

	for (int32_t i = 0; i < seat->scorer->items && status == RECO_OK; i++)
	{
		score[i] = mean_of(&p, i);
		if (stop_after(&seat->env, p.n + 1, &done))
			status = RECO_STOPPED;
	}
	return status;
}

static reco_status
hybrid_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	parts p;
	reco_status status = parts_of(seat, &p);
	int64_t done = 0;

	for (int32_t k = 0; k < n && status == RECO_OK; k++)
	{
		score[k] = mean_of(&p, item[k]);
		if (stop_after(&seat->env, p.n + 1, &done))
			status = RECO_STOPPED;
	}
	return status;
}

/* Adds what a member says of an item that it scores; own: room for its contributions. */
static reco_status
add_parts(reco_seat *seat, const part *p, reco_seat *of, int32_t item, double *own,
		  double *contribution, double *baseline, bool *additive)
{
	double base;
	int64_t done = 0;
	reco_status status = reco_seat_explain(of, item, own, &base, additive);

	if (status != RECO_OK || !*additive)
		return status;
	*baseline += p->share * ((base - p->shift) / p->scale);
	for (int64_t j = 0; j < seat->profile->n; j++)
	{
		contribution[j] += p->share * (own[j] / p->scale);
		if (stop_after(&seat->env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
hybrid_explain(reco_seat *seat, int32_t item, double *contribution, double *baseline,
			   bool *additive)
{
	const reco_profile *profile = seat->profile;
	bool linear = hybrid_of(seat->scorer)->scale != RECO_HYBRID_RANK;
	double *own;
	parts p;
	reco_status status = parts_of(seat, &p);

	if (status != RECO_OK || !linear || mean_of(&p, item) == -INFINITY)
		return status;
	own = seat->env.alloc(seat->env.arg, ((size_t) profile->n + 1) * sizeof(double));
	if (own == NULL)
		return RECO_NO_MEMORY;
	*additive = true;
	for (int k = 0; k < p.n && status == RECO_OK && *additive; k++)
		if (p.seat[k]->profile->n != profile->n)
			*additive = false;
		else if (p.score[k][item] > -INFINITY)
			status =
				add_parts(seat, p.part[k], p.seat[k], item, own, contribution, baseline, additive);
		else
			*baseline += p.part[k]->share * p.part[k]->least;
	release(&seat->env, own);
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
	const reco_hybrid_scorer *h = hybrid_of(scorer);

	for (int m = 0; m < h->members; m++)
		if (is_asked(&h->member[m]) && h->member[m].scorer->type->alike)
			return reco_scorer_alike(h->member[m].scorer, a, b);
	return 0;
}

static reco_status
hybrid_similar(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
			   reco_similar *out, int32_t *count)
{
	const reco_hybrid_scorer *h = hybrid_of(scorer);
	reco_status status = RECO_OK;

	for (int m = 0; m < h->members && status == RECO_OK && *count == 0; m++)
		if (is_asked(&h->member[m]))
			status = reco_scorer_similar(env, h->member[m].scorer, item, n, out, count);
	return status;
}

static reco_status
hybrid_fold_in(const reco_env *env, const reco_scorer *scorer, reco_profile *profile)
{
	const reco_hybrid_scorer *h = hybrid_of(scorer);
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
			.user = profile->user,
		};
		if (is_asked(&h->member[m]))
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
	.explain = hybrid_explain,
	.alike = hybrid_alike,
	.similar = hybrid_similar,
	.fold_in = hybrid_fold_in,
};
