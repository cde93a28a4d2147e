/*
 * fold_in_read.c
 *	  What reco.fold_in() reads of a source: of all users, or of those who are named.
 *
 * Cost: the source's query, where it answers by user for those alone who are named; else what it
 * takes to find their rows among all, which is most of reading a table, in parallel workers.
 */
#include "lifecycle/fold_in_read.h"

#include "serving/live.h"

/* So many users, or a larger share of all, and rows one by one cost more than a look at all. */
#define FEW_USERS 1000
#define FEW_USERS_SHARE 32

/* Of a larger share of all users, taking out their rows costs more than it spares. */
#define MANY_USERS_SHARE 3

/*
 * Whether asking for these by an index is less than a look at all rows: few are, and each cheap.
 * Then ten, as many as a plan expects, cost several times as much as one, where a scan of a table
 * costs as much for one as for ten.
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

/* Of those who are asked for; NULL: that is no less than everybody. */
static RecoData *
read_asked(RecoRun *run, const RecoQuery *source, const RecoKnown *known, IdDict *asked,
		   int32 users, unsigned keep)
{
	const IdType *type = id_type_asked(known->user_type);
	RecoLookup lookup = {.query = *source};
	RecoData *data = NULL;

	if (id_dict_count(asked) > FEW_USERS && id_dict_count(asked) > users / MANY_USERS_SHARE)
		return NULL;
	PG_TRY();
	{
		if (!answers_by_user(&lookup, type, id_dict_count(asked), users))
		{
			reco_lookup_forget(&lookup);
			(void) reco_lookup_prepare(&lookup, type, RECO_ASK_MANY, NULL);
		}
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
