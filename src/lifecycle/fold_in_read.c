/*
 * fold_in_read.c
 *	  What reco.fold_in() reads of a source: of all users, or of those who are named.
 *
 * Cost: the source's query, or a look-up for each user who is named.
 */
#include "lifecycle/fold_in_read.h"

#include "serving/live.h"

/* So many users, or a larger share of all, and rows by an index cost as much as all rows. */
#define FEW_USERS 1000
#define FEW_USERS_SHARE 32

/*
 * Whether asking for these is less than reading all: few are, and each by an index.  Then ten, as
 * many as a plan expects, cost several times as much as one, where a scan of a table costs as much
 * for one as for ten.
 */
static bool
answers_by_user(RecoLookup *lookup, const IdType *type, int32 asked, int32 users)
{
	double of_one;

	if (asked > FEW_USERS && asked > users / FEW_USERS_SHARE)
		return false;
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
		   int32 users, unsigned keep)
{
	RecoLookup lookup = {.query = *source};
	RecoData *data = NULL;

	PG_TRY();
	{
		if (answers_by_user(&lookup, known->user_type, id_dict_count(asked), users))
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
reco_fold_in_read(RecoRun *run, const Serving *serving, const RecoQuery *source,
				  const RecoKnown *known, IdDict *asked)
{
	unsigned keep = reco_data_keep(serving->model.spec, &run->options);
	RecoData *data = asked ? read_asked(run, source, known, asked, serving->users, keep) : NULL;

	return data ? data : reco_read_interactions(source, known, keep, &run->options, &run->budget);
}
