/*
 * audience.c
 *	  The function behind a model's audience(): whom to tell about an item.
 *
 * Scores of different users are compared here, which a model does not promise to
 * make sense: they are the scores that recommend() shows.  For several items a
 * user's score is the mean of what the model says about them.  Who is left out (excluded.c) is so
 * before the best are chosen, so that there are as many as were asked for.
 *
 * Cost: all users times the items, by core/scoring/engine.h on one thread, as everything that
 * serves; the users' image is mapped.  Memory: a score a user, and one user's row.
 */
#include "marketing/excluded.h"
#include "pg/rows.h"

#include "core/scoring/engine.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include <math.h>

RECO_FUNCTION(reco_serve_audience);

/* The items asked for: known ones, each once; and the set of them. */
static int32 *
items_of(Request *request, int32 *n, uint64 **set)
{
	int asked;
	int32 *item = request_subject_items(request, "for_items", &asked);

	*set = reco_call_alloc(1, RECO_SET_BYTES(request->serving->model.items));
	*n = 0;
	for (int k = 0; k < asked; k++)
	{
		RECO_POLL_AT(k);
		if (item[k] < 0 || reco_set_has(*set, item[k]))
			continue;
		reco_set_add(*set, item[k]);
		item[(*n)++] = item[k];
	}
	return item;
}

typedef struct Audience
{
	Serving *serving;
	const int32 *item;
	int32 items;
	const uint64 *buyers_of; /* a set of items: who has one is left out; NULL: nobody is */
	const uint64 *excluded;  /* users who are left out; NULL: nobody is */
	float *score;            /* by user; -infinity: not to be told */
	/* of users who are read from their table: the one in scratch */
	reco_profile *one;
	int32 number;
	MemoryContext scratch;
	RecoBudget budget;
	reco_engine *engine;
} Audience;

/* Whether the user has one of the items. */
static bool
has_any(const reco_profile *profile, const uint64 *set)
{
	int64 n;
	const int32 *seen = reco_profile_seen(profile, &n);

	for (int64 e = 0; set && e < n; e++)
		if (reco_set_has(set, seen[e]))
			return true;
	return false;
}

static bool
profile_of(void *arg, int64 u, reco_profile *profile)
{
	const Audience *audience = arg;
	int32 number = audience->one ? audience->number : (int32) u;
	Datum id;

	if (audience->excluded && reco_set_has(audience->excluded, number))
		return false;
	*profile = audience->one ? *audience->one : reco_serving_profile(audience->serving, number);
	/* who has nothing any more is nobody to be told, unless features have given them factors */
	if (audience->one == NULL && !reco_users_id(audience->serving->all, number, &id))
		return false;
	return (profile->n > 0 || profile->factors) && !has_any(profile, audience->buyers_of);
}

/* The mean of a user's scores; none where the model says nothing about any item. */
static reco_status
score_user(void *arg, reco_worker *worker, int64 u)
{
	const Audience *audience = arg;
	float *of_item = worker->own;
	double sum = 0;
	int32 known = 0;
	reco_status status = RECO_OK;

	if (!reco_seat_is_personal(worker->seat))
		return RECO_OK;
	status = reco_seat_some(worker->seat, audience->item, audience->items, of_item);
	for (int32 k = 0; status == RECO_OK && k < audience->items; k++)
	{
		if (of_item[k] == -INFINITY)
			continue;
		sum += of_item[k];
		known++;
	}
	if (known > 0)
		audience->score[audience->one ? audience->number : u] = (float) (sum / known);
	return status;
}

static void
run(Audience *audience, int32 users)
{
	reco_pass pass = {users, profile_of, score_user, NULL, 0, audience};

	reco_budget_check(&audience->budget, reco_engine_run(audience->engine, &pass), "the model");
}

/* The profile is in the scratch memory. */
static void
visit_user(void *arg, int32 number, Datum id, reco_profile *profile)
{
	Audience *audience = arg;

	audience->one = profile;
	audience->number = number;
	run(audience, 1);
	MemoryContextReset(audience->scratch);
}

/* From the image; where users have neighbors, which are not in it, from their table. */
static void
score_users(Audience *audience)
{
	Serving *serving = audience->serving;
	reco_engine_options options = {
		.scorer = reco_serving_scorer(serving),
		.own = (Size) audience->items * sizeof(float),
	};

	for (int32 u = 0; u < serving->users; u++)
	{
		audience->score[u] = -INFINITY;
		RECO_POLL_AT(u);
	}
	reco_budget_init(&audience->budget, CurrentMemoryContext);
	reco_budget_check(&audience->budget,
					  reco_engine_make(&audience->budget.env, &options, &audience->engine),
					  "the model");
	audience->scratch =
		AllocSetContextCreate(CurrentMemoryContext, "reco audience", ALLOCSET_DEFAULT_SIZES);
	if (serving->model.spec->needs_users)
		reco_serving_each_user(serving, audience->scratch, visit_user, audience);
	else
		run(audience, serving->users);
}

Datum
reco_serve_audience(PG_FUNCTION_ARGS)
{
	Request request;
	Serving *serving;
	RecoRows rows;
	int32 *item;
	int32 items;
	int32 n;
	bool exclude;
	const ServingUsers *all;
	uint64 *set;
	const uint64 *excluded;
	Audience audience = {0};
	reco_ranked *best;

	request_read(fcinfo, "audience", &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, serving->user_type->type, FLOAT4OID}, 3);
	n = request_n(&request, serving->users);
	exclude = request_bool(&request, "exclude_buyers", true);
	excluded = reco_excluded_users(&request);
	if (!request.has_subject || n == 0)
		return (Datum) 0;
	item = items_of(&request, &items, &set);
	if (items == 0)
		return (Datum) 0;
	all = reco_serving_load_users(serving);
	best = reco_call_alloc(n, sizeof(reco_ranked));
	audience.serving = serving;
	audience.item = item;
	audience.items = items;
	audience.buyers_of = exclude ? set : NULL;
	audience.excluded = excluded;
	audience.score = reco_call_alloc(serving->users, sizeof(float));
	score_users(&audience);
	n = reco_top_n(&reco_poll_env, audience.score, serving->users, NULL, n, best);
	for (int32 r = 0; r < n; r++)
	{
		Datum values[3] = {Int32GetDatum(r + 1), (Datum) 0, Float4GetDatum(best[r].score)};
		bool nulls[3] = {0};

		if (reco_users_id(all, best[r].item, &values[1]))
			reco_rows_add(&rows, values, nulls);
	}
	return (Datum) 0;
}
