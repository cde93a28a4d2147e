/*
 * parts.c
 *	  Measurements on one part of the data that is hidden, or on several, each in its turn.
 *
 * By time these are a rolling origin: cuts earlier and later than the first, all that begins
 * after each being what is to be found; so is it with what each user had last.  What is hidden by
 * two cuts is found of the same users, which errors go by (core/ranking/scores.h).  So are the
 * cases of a user, where what comes next is to be found.
 *
 * Cost: that of one part (measure.c), as often as there are parts.  Memory: the hidden and the
 * training parts of all, one training at a time.
 */
#include "core/data/sorting.h"
#include "evaluation/measure.h"

/* How many users of the data are measured, in whatever part. */
static int32
count_users(RecoMeasurement *e)
{
	int32 users = e->data->x.by_user.rows;
	bool *seen = reco_budget_alloc(e->budget, (Size) users + 1);
	int32 n = 0;

	memset(seen, 0, (Size) users);
	for (const RecoMeasurement *part = e; part; part = part->next)
		for (int32 u = 0; u < part->users; u++)
		{
			n += !seen[part->who[u]];
			seen[part->who[u]] = true;
		}
	reco_budget_free(e->budget, seen);
	return n;
}

/* Part p of a split, 0 the one that speaks for it. */
static RecoSplit *
split_of(const RecoSplit *all, int p)
{
	RecoSplit *split = palloc(sizeof(RecoSplit));

	*split = *all;
	split->parts = 1;
	if (split->rule.kind == RECO_SPLIT_RANDOM)
		split->rule.seed += (uint64) p;
	else
		split->rule.fraction *= 1 + (p % 2 == 1 ? -0.5 : 0.5) * ((p + 1) / 2);
	return split;
}

/* Users of whom nothing is trained on there are none. */
static bool
split_part(RecoMeasurement *part, RecoSplit *split)
{
	if (!reco_part_split(part, split))
		return false;
	part->who = reco_budget_alloc(part->budget, ((Size) part->users + 1) * sizeof(int32));
	for (int32 u = 0; u < part->users; u++)
		part->who[u] = part->origin[part->user[u]];
	return true;
}

/* Users are those whose cases are measured. */
static bool
split_cases(RecoMeasurement *e, const RecoSplit *split)
{
	if (!reco_part_split(e, split))
		return false;
	e->who = reco_budget_alloc(e->budget, ((Size) e->users + 1) * sizeof(int32));
	for (int32 u = 0; u < e->users; u++)
	{
		e->who[u] = e->cases.origin[e->cases.user[e->user[u]]];
		RECO_POLL_AT(u);
	}
	e->measured = count_users(e);
	return true;
}

bool
reco_measure_split(RecoMeasurement *e, const RecoSplit *split)
{
	RecoMeasurement asked = *e;
	RecoMeasurement *last = e;

	if (split->parts <= 1 && split->rule.kind == RECO_SPLIT_NEXT_ITEM)
		return split_cases(e, split);
	if (split->parts <= 1)
		return reco_part_split(e, split);
	if (!split_part(e, split_of(split, 0)))
		return false;
	for (int p = 1; p < split->parts; p++)
	{
		RecoMeasurement *part = palloc(sizeof(RecoMeasurement));

		*part = asked;
		if (split_part(part, split_of(split, p)))
			last = last->next = part;
	}
	e->split = split;
	e->measured = count_users(e);
	return true;
}

void
reco_measure_expect(RecoMeasurement *e, const RecoSpec *spec)
{
	for (; e; e = e->next)
		reco_training_set_expect(&e->set, spec);
}

/* Scores of the parts as one; those are released. */
static RecoScores *
pool(RecoMeasurement *e, List *parts)
{
	int n = list_length(parts);
	RecoScores *first = linitial(parts);
	RecoScores *all;
	const reco_scores **kept;
	const int32 **who;
	const RecoMeasurement *part = e;
	int64 places = 0;

	if (n == 1 && e->who == NULL)
		return first;
	all = reco_budget_alloc(e->budget, sizeof(RecoScores));
	kept = palloc(n * sizeof(*kept));
	who = palloc(n * sizeof(*who));
	*all = *first;
	all->train_seconds = all->measure_seconds = 0;
	for (int p = 0; p < n; p++, part = part->next)
	{
		RecoScores *scores = list_nth(parts, p);

		kept[p] = &scores->kept;
		places += scores->kept.places;
		who[p] = part->who;
		all->weighed = all->weighed || scores->weighed;
		all->train_seconds += scores->train_seconds;
		all->measure_seconds += scores->measure_seconds;
	}
	reco_budget_require(e->budget,
						2 * reco_scores_bytes(&first->kept.columns, e->measured) +
							reco_scores_said_bytes(places),
						"an evaluation");
	reco_budget_check(e->budget, reco_scores_pool(&e->budget->env, kept, who, n, &all->kept),
					  "an evaluation");
	for (int p = 0; p < n; p++)
		reco_scores_release(e, list_nth(parts, p));
	return all;
}

RecoScores *
reco_measure_one(RecoMeasurement *e, const RecoSpec *spec)
{
	List *parts = NIL;

	for (RecoMeasurement *part = e; part; part = part->next)
		parts = lappend(parts, reco_part_measure(part, spec));
	return pool(e, parts);
}

List *
reco_measure_baselines(RecoMeasurement *e)
{
	List *parts[2] = {NIL, NIL};

	for (RecoMeasurement *part = e; part; part = part->next)
	{
		List *two = reco_part_baselines(part);

		parts[0] = lappend(parts[0], linitial(two));
		parts[1] = lappend(parts[1], lsecond(two));
	}
	return list_make2(pool(e, parts[0]), pool(e, parts[1]));
}
