/*
 * ingest_finish.c
 *	  From the rows that were read to matrices.
 *
 * Rows wait for what others say of them, dictionaries are put in order of their ids, rows are
 * merged, and users and items with too few are left out, in this order.
 *
 * Cost: that of core/data/triples_build.c, and n log n comparisons of ids.
 */
#include "store/source/ingest_state.h"

#include "core/data/trend.h"
#include "store/source/kind_reader.h"

#include "catalog/pg_type.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* As many rows are sorted by several threads. */
#define PARALLEL_ROWS 1000000

/* Drops who has fewer interactions than these, and counts them; gives the new numbers. */
static void
drop(Ingest *ingest, int32 min_user, int32 min_item, int32 *user_map, int32 *item_map)
{
	RecoData *data = ingest->data;
	reco_csr *a = &data->x.by_user;
	int32 users = a->rows;
	int32 items = a->cols;
	int64 interactions = a->start[users];

	reco_budget_check(ingest->budget,
					  reco_interactions_filter(&ingest->budget->env, &data->x, min_user, min_item,
											   user_map, item_map),
					  "reading the source");
	id_dict_keep(data->users, user_map);
	id_dict_keep(data->items, item_map);
	data->count[RECO_COUNT_USERS_DROPPED] += users - id_dict_count(data->users);
	data->count[RECO_COUNT_ITEMS_DROPPED] += items - id_dict_count(data->items);
	data->count[RECO_COUNT_INTERACTIONS_DROPPED] += interactions - a->start[a->rows];
}

/*
 * Drops users and items with too few interactions.  Gives the new numbers of users and of
 * items, NULL when they stay.
 */
static void
filter(Ingest *ingest, int32 **user_map, int32 **item_map)
{
	RecoData *data = ingest->data;
	RecoBudget *budget = ingest->budget;
	int32 users = data->x.by_user.rows;
	int32 items = data->x.by_user.cols;
	int32 min_user = ingest->options->min_user_interactions;
	int32 min_item = ingest->options->min_item_interactions;

	/* who has none left has to go */
	if (min_user <= 1 && min_item <= 1 && data->x.capped == 0 &&
		data->count[RECO_COUNT_WEIGHTLESS] == 0 && !ingest->waits)
		return;
	/* an item that is described may have no interactions, unless some are asked for */
	if (ingest->items_join && min_item <= 1)
		min_item = 0;
	if (ingest->user_features && min_user <= 1)
		min_user = 0;
	if (min_user > 1 && min_item > 1)
		reco_budget_require(budget,
							((Size) data->x.by_user.start[users] + 1) * sizeof(int32) +
								((Size) users + 2 * (Size) items + 2) * sizeof(int64),
							"reading the source");
	*user_map = reco_budget_alloc(budget, ((Size) users + 1) * sizeof(int32));
	*item_map = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int32));
	drop(ingest, min_user, min_item, *user_map, *item_map);
}

/* One map after another; first NULL: the numbers were what they are. */
static int32 *
compose(RecoBudget *budget, int32 *first, int32 n, int32 *second)
{
	if (first == NULL)
		return second;
	for (int32 k = 0; k < n; k++)
	{
		RECO_POLL_AT(k);
		if (first[k] >= 0)
			first[k] = second[first[k]];
	}
	reco_budget_free(budget, second);
	return first;
}

/*
 * Drops items that too few people are left of, when all other rules have had their say: what is
 * not in the model is in nothing that it tells.  Users who are left without any go, which takes
 * nobody from another item.
 */
static void
drop_rare(Ingest *ingest, int32 **user_map, int32 all_users, int32 **item_map, int32 all_items)
{
	RecoData *data = ingest->data;
	RecoBudget *budget = ingest->budget;
	int32 users = data->x.by_user.rows;
	int32 items = data->x.by_user.cols;
	int32 *user;
	int32 *item;

	if (ingest->options->min_users_per_item <= 1)
		return;
	user = reco_budget_alloc(budget, ((Size) users + 1) * sizeof(int32));
	item = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int32));
	drop(ingest, ingest->user_features ? 0 : 1, ingest->options->min_users_per_item, user, item);
	*user_map = compose(budget, *user_map, all_users, user);
	*item_map = compose(budget, *item_map, all_items, item);
}

/* -infinity, of dates as well, is none to count from. */
static void
set_reference(Ingest *ingest, int64 last)
{
	int64 unit = reco_events_unit(ingest->events.time_type);

	if (unit > 0 && last != PG_INT64_MIN && last >= MIN_TIMESTAMP / unit)
		ingest->data->reference_time = last * unit;
}

/*
 * The periods of which the growth is counted: weeks, or tenths of the time where that is a
 * number.
 *
 * The latest time that is not after now, which the later period ends with, is also the one
 * that ages are counted from: a source that is read again, at whatever time, gives the same
 * version, and no time is compared with a clock of another zone.  What has no zone is stored
 * as it is in UTC.
 */
static void
find_periods(Ingest *ingest, int32 items, reco_trend *trend)
{
	int64 unit = reco_events_unit(ingest->events.time_type);
	int64 period = unit > 0 ? 7 * USECS_PER_DAY / unit : 0;

	reco_budget_check(ingest->budget,
					  reco_trend_periods(&ingest->triples, period,
										 reco_events_now(ingest->events.time_type), trend),
					  "reading the source");
	trend->growth = reco_zeros(ingest->budget, items);
	ingest->triples.trend = trend;
	if (trend->any && !ingest->waits)
		set_reference(ingest, trend->last);
}

/*
 * What rows say of others, once all are read: the latest of them, whatever it says, is the one that
 * ages are counted from.
 */
static void
take_waiting(Ingest *ingest)
{
	static const char what[] = "reading the source";
	RecoData *data = ingest->data;
	reco_waited waited = {0};
	int64 latest = PG_INT64_MIN;

	if (!ingest->waits)
		return;
	if (ingest->known == NULL && data->has_time &&
		!reco_waiting_latest(&ingest->waiting, reco_events_now(ingest->events.time_type), &latest))
		reco_budget_check(ingest->budget, RECO_STOPPED, what);
	if (ingest->known == NULL)
		set_reference(ingest, latest);
	reco_budget_check(ingest->budget,
					  reco_waiting_finish(
						  &ingest->waiting,
						  reco_data_oldest(ingest->options, data->time_type, data->reference_time),
						  &ingest->triples, ingest->keeps_seen ? &ingest->seen : NULL, &waited),
					  what);
	data->count[RECO_COUNT_OUTSIDE] += waited.too_old;
	data->count[RECO_COUNT_WEIGHTLESS] += waited.not_learnt;
	data->count[RECO_COUNT_CANCELLED] = waited.cancelled.whole;
	data->count[RECO_COUNT_CANCELLED_IN_PART] = waited.cancelled.in_part;
	data->count[RECO_COUNT_CANCELLING] = waited.cancelled.cancelling;
	data->count[RECO_COUNT_UNMATCHED] = waited.cancelled.unmatched;
}

/* A matrix of rows that were read. */
static void
build_one(Ingest *ingest, reco_triples *triples, int32 users, int32 items, const int32 *user_rank,
		  const int32 *item_rank, reco_interactions *out)
{
	static const char what[] = "sorting the source's rows";
	RecoBudget *budget = ingest->budget;
	int threads = budget->env.threads;

	if (reco_triples_rows(triples) >= PARALLEL_ROWS)
		reco_budget_threads(budget);
	reco_budget_require(budget, reco_triples_build_memory(triples, users, items), what);
	reco_budget_check(budget, reco_triples_build(triples, users, items, user_rank, item_rank, out),
					  what);
	budget->env.threads = threads;
}

/* What is learnt from, and what is seen. */
static void
build(Ingest *ingest, int32 users, int32 items, const int32 *user_rank, const int32 *item_rank)
{
	RecoData *data = ingest->data;

	ingest->triples.rules =
		reco_data_row_rules(ingest->options, data->time_type, data->reference_time);
	data->decay = ingest->triples.rules.decay;
	build_one(ingest, &ingest->triples, users, items, user_rank, item_rank, &data->x);
	if (!ingest->keeps_seen)
		return;
	data->x.seen = reco_budget_alloc(ingest->budget, sizeof(reco_interactions));
	memset(data->x.seen, 0, sizeof(reco_interactions));
	build_one(ingest, &ingest->seen, users, items, user_rank, item_rank, data->x.seen);
}

RecoData *
ingest_finish(Ingest *ingest)
{
	RecoData *data = ingest->data;
	RecoBudget *budget = ingest->budget;
	int32 users = id_dict_count(ingest->users);
	int32 items = id_dict_count(ingest->known ? ingest->known : data->items);
	int32 *user_rank;
	int32 *item_rank;
	int32 *user_map = NULL;
	int32 *item_map = NULL;
	reco_trend trend = {0};

	Assert(ingest->rows_ahead == 0);
	data->kinds = reco_kinds_finish(ingest->events.kinds);
	ingest_check_memory(ingest);
	/* each user once, and not each row */
	data->users = id_dict_stored(ingest->users, &data->user_type, budget, "reading the source");
	take_waiting(ingest);
	if (data->has_time && !ingest->kind->ranked && ingest->known == NULL)
		find_periods(ingest, items, &trend);
	user_rank = reco_budget_alloc(budget, ((Size) users + 1) * sizeof(int32));
	item_rank = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int32));
	id_dict_sort(data->users, user_rank);
	if (ingest->known == NULL)
		id_dict_sort(data->items, item_rank);
	for (int32 i = 0; ingest->known && i < items; i++)
	{
		RECO_POLL_AT(i);
		item_rank[i] = i;
	}
	build(ingest, users, items, user_rank, item_rank);
	MemoryContextDelete(ingest->row_context);
	if (!ingest->kind->ranked)
		data->x.session_gap = reco_data_session_gap(ingest->options, data->time_type);
	data->x.basket = reco_data_basket(ingest->options, data->time_type);
	data->x.unit = reco_events_unit(data->time_type);
	if (data->x.seen)
		data->x.seen->basket = data->x.basket;
	data->count[RECO_COUNT_MERGED] = data->x.merged;
	data->count[RECO_COUNT_INTERACTIONS_CAPPED] = data->x.capped;
	data->count[RECO_COUNT_USERS_CAPPED] = data->x.capped_users;
	if (ingest->known == NULL)
	{
		filter(ingest, &user_map, &item_map);
		drop_rare(ingest, &user_map, users, &item_map, items);
	}
	reco_data_find_longest(data);
	if (ingest->features)
		data->features =
			features_finish(ingest->features, item_rank, items, item_map,
							id_dict_count(data->items), &data->count[RECO_COUNT_ITEMS_INVALID]);
	if (ingest->user_features)
		data->user_features =
			features_finish(ingest->user_features, user_rank, users, user_map,
							id_dict_count(data->users), &data->count[RECO_COUNT_USERS_INVALID]);
	if (ingest->users_context)
		MemoryContextDelete(ingest->users_context);
	reco_budget_free(budget, user_map);
	reco_budget_free(budget, user_rank);
	data->trend = trend.growth;
	if (trend.growth && item_map)
	{
		data->trend = reco_zeros(budget, id_dict_count(data->items));
		for (int32 i = 0; i < items; i++)
			if (item_map[i] >= 0)
				data->trend[item_map[i]] = trend.growth[i];
		reco_budget_free(budget, trend.growth);
	}
	reco_budget_free(budget, item_rank);
	reco_budget_free(budget, item_map);
	return data;
}
