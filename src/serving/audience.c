/*
 * audience.c
 *	  The function behind a model's audience(): whom to tell about an item.
 *
 * Scores of different users are compared here, which a model does not promise to
 * make sense: they are the scores that recommend() shows.  For several items a
 * user's score is the mean of what the model says about them.
 *
 * Cost: all users times the items; the users' image is mapped.  Memory: a score a user,
 * and one user's row.
 */
#include "pg/rows.h"
#include "serving/request.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include <math.h>

RECO_FUNCTION(reco_serve_audience);

/* The items asked for: known ones, each once. */
static int32 *
items_of(Request *request, int32 *n)
{
	Serving *serving = request->serving;
	Oid element = get_element_type(getBaseType(request->subject_type));
	uint64 *seen = reco_call_alloc(1, RECO_SET_BYTES(serving->model.items));
	Datum *ids = &request->subject;
	bool *nulls = NULL;
	int count = 1;
	int32 *item;
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "reco item", ALLOCSET_SMALL_SIZES);

	if (OidIsValid(element))
	{
		int16 typlen;
		bool typbyval;
		char typalign;

		if (!OidIsValid(get_element_type(serving->item_type->base)))
			reco_check_flat(DatumGetArrayTypeP(request->subject), "for_items");
		get_typlenbyvalalign(element, &typlen, &typbyval, &typalign);
		deconstruct_array(DatumGetArrayTypeP(request->subject), element, typlen, typbyval, typalign,
						  &ids, &nulls, &count);
	}
	item = palloc((count + 1) * sizeof(int32));
	*n = 0;
	for (int k = 0; k < count; k++)
	{
		Datum id;
		int32 number = -1;
		MemoryContext old;

		reco_poll();
		if (nulls && nulls[k])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("\"for_items\" must not contain nulls")));
		old = MemoryContextSwitchTo(scratch);
		if (id_from_datum(serving->item_type, ids[k],
						  OidIsValid(element) ? element : request->subject_type, &id))
			number = id_dict_find(serving->items, id);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
		if (number < 0 || reco_set_has(seen, number))
			continue;
		reco_set_add(seen, number);
		item[(*n)++] = number;
	}
	MemoryContextDelete(scratch);
	return item;
}

/* Whether the user has one of the items. */
static bool
has_any(const reco_profile *profile, const int32 *item, int32 n)
{
	for (int32 k = 0; k < n; k++)
	{
		RECO_POLL_EACH(k, RECO_SEARCHES);
		if (reco_find(profile->item, 0, profile->n, item[k]) >= 0)
			return true;
	}
	return false;
}

typedef struct Audience
{
	Serving *serving;
	const int32 *item;
	int32 items;
	bool exclude;
	float *of_item; /* one user's scores */
	RecoSeat *seat;
	float *score; /* by user */
	MemoryContext scratch;
	int32 visited;
} Audience;

/* The mean of a user's scores; -infinity where the model says nothing about any. */
static float
score_user(const Audience *audience, const reco_profile *profile)
{
	RecoSeat *seat = audience->seat;
	double sum = 0;
	int32 known = 0;

	reco_model_seat_user(seat, profile);
	if (!reco_seat_knows(seat->seat))
		return -INFINITY;
	reco_model_seat_check(
		seat, reco_seat_some(seat->seat, audience->item, audience->items, audience->of_item));
	for (int32 k = 0; k < audience->items; k++)
	{
		RECO_POLL_AT(k);
		if (audience->of_item[k] == -INFINITY)
			continue;
		sum += audience->of_item[k];
		known++;
	}
	return known > 0 ? (float) (sum / known) : -INFINITY;
}

static void
judge(Audience *audience, int32 u, const reco_profile *profile)
{
	audience->score[u] = audience->exclude && has_any(profile, audience->item, audience->items)
							 ? -INFINITY
							 : score_user(audience, profile);
	/* at each: what a user costs depends on the items and on the model */
	reco_poll();
}

/* The profile is in the scratch memory. */
static void
visit_user(void *arg, Datum id, reco_profile *profile)
{
	Audience *audience = arg;

	if (audience->visited < audience->serving->users)
		judge(audience, audience->visited++, profile);
	reco_seat_close(audience->seat->seat);
	MemoryContextReset(audience->scratch);
}

/* From the image; where users have neighbors, which are not in it, from their table. */
static void
score_users(Audience *audience)
{
	Serving *serving = audience->serving;

	audience->scratch =
		AllocSetContextCreate(CurrentMemoryContext, "reco audience", ALLOCSET_DEFAULT_SIZES);
	audience->seat = reco_model_seat(reco_serving_scorer(serving));
	if (reco_spec_needs(serving->model.spec, RECO_NEEDS_USERS))
	{
		for (int32 u = 0; u < serving->users; u++)
			audience->score[u] = -INFINITY;
		reco_serving_each_user(serving, audience->scratch, visit_user, audience);
		return;
	}
	for (int32 u = 0; u < serving->users; u++)
	{
		reco_profile profile = reco_serving_profile(serving, u);

		judge(audience, u, &profile);
	}
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
	float *score;
	reco_ranked *best;

	request_read(fcinfo, "audience", &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, serving->user_type->type, FLOAT4OID}, 3);
	n = request_n(&request, serving->users);
	exclude = request_bool(&request, "exclude_buyers", true);
	if (!request.has_subject || n == 0)
		return (Datum) 0;
	item = items_of(&request, &items);
	if (items == 0)
		return (Datum) 0;
	all = reco_serving_load_users(serving);
	score = reco_call_alloc(serving->users, sizeof(float));
	best = reco_call_alloc(n, sizeof(reco_ranked));
	score_users(&(Audience){serving, item, items, exclude, reco_call_alloc(items, sizeof(float)),
							NULL, score});
	n = reco_top_n(&reco_poll_env, score, serving->users, NULL, n, best);
	for (int32 r = 0; r < n; r++)
	{
		Datum values[3] = {Int32GetDatum(r + 1), id_dict_id(all->ids, best[r].item),
						   Float4GetDatum(best[r].score)};
		bool nulls[3] = {0};

		reco_rows_add(&rows, values, nulls);
	}
	return (Datum) 0;
}
