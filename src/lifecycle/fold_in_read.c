/*
 * fold_in_read.c
 *	  What reco.fold_in() reads of a source: of all users, or of those who are named.
 *
 * Cost: the source's query, or a look-up for each user who is named.
 */
#include "lifecycle/fold_in_read.h"

#include "serving/live.h"

/*
 * Whether asking for many users is asking for each by an index: then ten, as many as a plan
 * expects, cost several times as much as one.  A scan of a table costs no more for ten, but each of
 * its rows is compared with all ids.
 */
static bool
answers_by_user(RecoLookup *lookup, const IdType *type)
{
	double of_one;

	(void) reco_lookup_prepare(lookup, type, RECO_ASK_ONE, NULL);
	reco_lookup_plan(lookup);
	if (!reco_live_is_cheap(lookup))
		return false;
	of_one = lookup->cost;
	reco_lookup_forget(lookup);
	(void) reco_lookup_prepare(lookup, type, RECO_ASK_ANY, NULL);
	reco_lookup_plan(lookup);
	return lookup->cost >= 3 * of_one;
}

/* Of those who are asked for, where the source answers by user; else NULL. */
static RecoData *
read_asked(RecoRun *run, const RecoQuery *source, const RecoKnown *known, IdDict *asked,
		   unsigned keep)
{
	RecoLookup lookup = {.query = *source};
	RecoData *data = NULL;

	PG_TRY();
	{
		if (answers_by_user(&lookup, known->user_type))
			data = reco_read_users(&lookup, asked, known, keep, &run->options, &run->budget);
	}
	PG_FINALLY();
	{
		reco_lookup_forget(&lookup);
	}
	PG_END_TRY();
	return data;
}

RecoData *
reco_fold_in_read(RecoRun *run, const RecoSpec *spec, const RecoQuery *source,
				  const RecoKnown *known, IdDict *asked)
{
	unsigned keep = reco_data_keep(spec, &run->options);
	RecoData *data = asked ? read_asked(run, source, known, asked, keep) : NULL;

	return data ? data : reco_read_interactions(source, known, keep, &run->options, &run->budget);
}
