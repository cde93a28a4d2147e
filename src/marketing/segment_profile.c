/*
 * segment_profile.c
 *	  What the users of a segment have more of than all users.
 *
 * An item's share is that of the users who have it; a keyword's the mean, over users, of the share
 * of what they have that has it, so that nobody counts more than once.  Lift is the share in the
 * segment over that of all users.  What stands out is in the order of how certain it is that the
 * share is larger, so that a rare item, which a few have by chance, does not win however large its
 * lift.  Of an item that is the log-likelihood ratio (Dunning 1993),
 *
 *	 2 (o ln(o / e) + (n - o) ln((n - o) / (n - e))),
 *
 * n users of whom o have it, e expected; of a keyword Welch's t of the two means, squared, where
 * at least a few users have it.  What is below LEAST, a chance of one in a thousand, is left out.
 *
 * Cost: twice the interactions, times the terms of an item, and a pass over items and terms for
 * each segment.
 */
#include "marketing/segment.h"

#include "core/data/topn.h"

#include <math.h>

#define LEAST 10.83
/* A share that is so little larger does not stand out, however certain. */
#define LEAST_LIFT 1.1

static const char *const what = "segmenting";

/* Users of a segment who must have a keyword. */
#define LEAST_USERS 5

/* Sums over users: of shares, of their squares, and how many have the thing. */
typedef struct Sum
{
	double share;
	double squares;
	double users;
} Sum;

/* One kind of things: items, or terms. */
typedef struct Things
{
	int32 n;
	bool are_items;
	Sum *all;     /* over all users */
	Sum *segment; /* over those of a segment */
	float *score;
} Things;

typedef struct Profiles
{
	RecoSegments *run;
	const reco_csr *terms; /* of the items; NULL: nothing is known about them */
	int64 *start;          /* segments + 1: where their rows begin, */
	int32 *row;            /* of these */
	Things items;
	Things keywords;
	double *own;    /* terms: of one user */
	int32 *touched; /* terms: which */
	double known;   /* users with a history */
} Profiles;

static void
make_things(RecoBudget *budget, Things *things, int32 n, bool are_items)
{
	Size bytes = ((Size) n + 1) * sizeof(Sum);

	reco_budget_require(budget, 2 * bytes + ((Size) n + 1) * sizeof(float), what);
	things->n = n;
	things->are_items = are_items;
	things->all = reco_budget_alloc(budget, bytes);
	things->segment = reco_budget_alloc(budget, bytes);
	things->score = reco_budget_alloc(budget, ((Size) n + 1) * sizeof(float));
	for (int32 t = 0; t < n; t++)
	{
		RECO_POLL_AT(t);
		things->all[t] = things->segment[t] = (Sum){0};
	}
}

/* The rows of each segment, in their order. */
static void
sort_rows(Profiles *p)
{
	RecoSegments *run = p->run;
	const int32 *cluster = run->made.cluster;
	int n = run->made.clusters;

	reco_budget_require(&run->budget, ((Size) run->rows.rows + 1) * sizeof(int32), what);
	p->start = reco_budget_alloc(&run->budget, ((Size) n + 2) * sizeof(int64));
	p->row = reco_budget_alloc(&run->budget, ((Size) run->rows.rows + 1) * sizeof(int32));
	memset(p->start, 0, ((Size) n + 2) * sizeof(int64));
	for (int32 r = 0; r < run->rows.rows; r++)
	{
		RECO_POLL_AT(r);
		p->start[cluster[r] + 2]++;
	}
	for (int c = 0; c < n; c++)
		p->start[c + 2] += p->start[c + 1];
	for (int32 r = 0; r < run->rows.rows; r++)
	{
		RECO_POLL_AT(r);
		p->row[p->start[cluster[r] + 1]++] = r;
	}
}

static void
add_keywords(const Profiles *p, int64 from, int64 to, Sum *sum)
{
	const int32 *item = p->run->users->histories.col;
	int32 touched = 0;

	for (int64 e = from; e < to; e++)
	{
		RECO_POLL_AT(e);
		for (int64 t = p->terms->start[item[e]]; t < p->terms->start[item[e] + 1]; t++)
		{
			int32 term = p->terms->col[t];

			if (p->own[term] == 0)
				p->touched[touched++] = term;
			p->own[term] += 1;
		}
	}
	for (int32 k = 0; k < touched; k++)
	{
		double share = p->own[p->touched[k]] / (double) (to - from);

		sum[p->touched[k]].share += share;
		sum[p->touched[k]].squares += share * share;
		sum[p->touched[k]].users += 1;
		p->own[p->touched[k]] = 0;
	}
}

/* Adds what a user has; false: nothing. */
static bool
add_user(const Profiles *p, int32 number, Sum *items, Sum *keywords)
{
	const reco_csr *a = &p->run->users->histories;

	if (number < 0 || a->start[number] == a->start[number + 1])
		return false;
	for (int64 e = a->start[number]; e < a->start[number + 1]; e++)
	{
		RECO_POLL_AT(e);
		items[a->col[e]].share += 1;
		items[a->col[e]].users += 1;
	}
	if (p->terms)
		add_keywords(p, a->start[number], a->start[number + 1], keywords);
	return true;
}

static double
log_ratio(double observed, double expected)
{
	return observed > 0 ? observed * log(observed / expected) : 0;
}

/* Of n users of whom some have an item, which a share of all has. */
static double
item_score(double have, double n, double share)
{
	double expected = n * share;
	double others = Max(n - have, 0);

	return 2 * (log_ratio(have, expected) + log_ratio(others, n - expected));
}

static double
variance_of_mean(const Sum *sum, double n)
{
	double mean = sum->share / n;

	return Max(sum->squares / n - mean * mean, 0) / n;
}

static double
keyword_score(const Sum *sum, double n, const Sum *all, double all_n)
{
	double difference = sum->share / n - all->share / all_n;
	double variance = variance_of_mean(sum, n) + variance_of_mean(all, all_n);

	if (sum->users < LEAST_USERS)
		return 0;
	return variance > 0 ? difference * difference / variance : 0;
}

/* How certain it is that the share in a segment of n users is larger; -infinity: not enough. */
static float
score_of(const Profiles *p, const Things *things, double n, int32 t)
{
	const Sum *sum = &things->segment[t];
	const Sum *all = &things->all[t];
	double score;

	if (!(sum->share / n > LEAST_LIFT * all->share / p->known))
		return -INFINITY;
	score = things->are_items ? item_score(sum->users, n, all->users / p->known)
							  : keyword_score(sum, n, all, p->known);
	return score >= LEAST ? (float) score : -INFINITY;
}

/* The things of a segment of n users that stand out; their sums are zeros again. */
static int
stand_out(const Profiles *p, Things *things, double n, RecoSegmentTrait *trait)
{
	reco_ranked best[SEGMENT_TRAITS];
	int found;

	for (int32 t = 0; t < things->n; t++)
	{
		RECO_POLL_EACH(t, 65536);
		things->score[t] = things == &p->items && reco_serving_withholds(p->run->serving, t)
							   ? -INFINITY
							   : score_of(p, things, n, t);
	}
	found = reco_top_n(&reco_poll_env, things->score, things->n, NULL, SEGMENT_TRAITS, best);
	for (int k = 0; k < found; k++)
	{
		int32 t = best[k].item;
		double share = things->segment[t].share / n;

		trait[k] = (RecoSegmentTrait){t, (float) share,
									  (float) (share / (things->all[t].share / p->known))};
	}
	for (int32 t = 0; t < things->n; t++)
	{
		RECO_POLL_AT(t);
		things->segment[t] = (Sum){0};
	}
	return found;
}

/* Means of the given features, in their own units. */
static void
add_means(const Profiles *p, int c, RecoSegment *segment)
{
	RecoSegments *run = p->run;

	segment->mean = reco_budget_alloc(&run->budget, run->rows.d * sizeof(double));
	for (int f = 0; f < run->rows.d; f++)
		segment->mean[f] =
			run->mean[f] + run->deviation[f] * run->made.center[(Size) c * run->rows.d + f];
}

static void
make_room(Profiles *p)
{
	RecoBudget *budget = &p->run->budget;
	const RecoModel *model = &p->run->serving->model;
	int32 terms = p->terms ? model->terms : 0;

	make_things(budget, &p->items, model->items, true);
	make_things(budget, &p->keywords, terms, false);
	reco_budget_require(budget, ((Size) terms + 1) * (sizeof(double) + sizeof(int32)), what);
	p->own = reco_budget_alloc(budget, ((Size) terms + 1) * sizeof(double));
	p->touched = reco_budget_alloc(budget, ((Size) terms + 1) * sizeof(int32));
	memset(p->own, 0, ((Size) terms + 1) * sizeof(double));
	sort_rows(p);
}

RecoSegment *
reco_segment_profiles(RecoSegments *run)
{
	const reco_content *content = run->serving->features ? run->serving->model.content : NULL;
	RecoSegment *segment =
		reco_budget_alloc(&run->budget, ((Size) run->made.clusters + 1) * sizeof(RecoSegment));
	Profiles p = {run};

	p.terms = content && content->by_item.start ? &content->by_item : NULL;
	make_room(&p);
	for (int32 r = 0; r < run->rows.rows; r++)
		p.known += add_user(&p, run->number[r], p.items.all, p.keywords.all);
	for (int c = 0; c < run->made.clusters; c++)
	{
		RecoSegment *s = &segment[c];
		double n = 0;

		*s = (RecoSegment){.users = (int32) (p.start[c + 1] - p.start[c])};
		for (int64 k = p.start[c]; k < p.start[c + 1]; k++)
			n += add_user(&p, run->number[p.row[k]], p.items.segment, p.keywords.segment);
		if (n > 0)
		{
			s->items = stand_out(&p, &p.items, n, s->item);
			s->keywords = stand_out(&p, &p.keywords, n, s->keyword);
		}
		if (run->feature)
			add_means(&p, c, s);
	}
	return segment;
}
