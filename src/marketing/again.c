/*
 * again.c
 *	  The function behind a model's buy_again(): what a user is due to buy again, and when.
 *
 * What a user bought is read live where the source answers cheaply, else it is what the model holds
 * of it, with its times; what is known of items is that of the training (core/sessions/again.h).
 * The expected day is the day of the last purchase and so many of the user's intervals between
 * baskets, drawn to everybody's, as baskets are expected until the next.
 *
 * Cost: that of one user's rows, and a sort of them.
 */
#include "serving/listing.h"

#include "catalog/pg_type.h"
#include "core/sessions/again.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

RECO_FUNCTION(reco_serve_buy_again);

#define COLUMNS 6

/* What a model says of buying again. */
typedef struct Again
{
	Serving *serving;
	const reco_again_item *known; /* by item */
	double interval;              /* everybody's */
	/* a user's events up to the time that is asked for */
	reco_baskets of;
	const double *time;
	double mean; /* interval of the user's */
} Again;

/* Takes what the model, or one that it is made of, has; an error where it has nothing. */
static void
find_model(Again *again, const Request *request)
{
	const RecoModel *model = &again->serving->model;

	if (again->serving->untimed)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("model \"%s\" does not know when its interactions were", request->row.name),
				 errhint("What is bought again is told by times: give the model a source with a "
						 "fourth column, the time, with CALL reco.alter_model(source => ...), and "
						 "refresh it.")));
	for (int m = 0; m < model->members; m++)
	{
		const RecoPart *known =
			reco_member_role(&model->member[m], RECO_OF_ITEMS, RECO_ROLE_AGAIN, NULL);
		const RecoPart *interval =
			reco_member_role(&model->member[m], RECO_OF_MODEL, RECO_ROLE_INTERVAL, NULL);

		if (known && interval)
		{
			again->known = known->data;
			again->interval = *(const double *) interval->data;
			return;
		}
	}
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("model \"%s\" does not know what is bought again", request->row.name),
					errhint("Models of reco.repeat() do, and hybrids with it.")));
}

/* The profile itself, or of its members the first, that has times; NULL: none has. */
static const reco_profile *
timed(const reco_profile *profile)
{
	if (profile->time)
		return profile;
	for (int m = 0; m < profile->members; m++)
	{
		const reco_profile *of = timed(&profile->member[m]);

		if (of)
			return of;
	}
	return NULL;
}

/* The option "at" as events have their times; infinite without it. */
static double
read_at(Request *request)
{
	char *text = request_string(request, "at", "");
	Datum at;

	if (text[0] == '\0')
		return INFINITY;
	at = DirectFunctionCall3(timestamptz_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
							 Int32GetDatum(-1));
	return reco_event_time(DatumGetTimestampTz(at), 1);
}

/* What the user had at that time; false where that is nothing. */
static bool
take_user(Again *again, Request *request, RecoLive *live)
{
	double at = read_at(request);
	const reco_profile *of;
	reco_profile profile;
	ServedUser user;

	if (!request_user(request, &user) || !reco_live_user(live, again->serving, &user, &profile))
		return false;
	of = timed(&profile);
	if (of == NULL)
		return false;
	/* in order of time, but for baskets of a day: what is later comes last */
	again->of = (reco_baskets){of->events, of->event, of->moment};
	while (again->of.events > 0 && of->time[again->of.events - 1] > at)
		again->of.events--;
	again->time = of->time;
	again->mean = reco_again_interval_of(&again->of, again->time, again->interval);
	return again->of.events > 0;
}

/* The time of an event as a timestamp; false where that is none. */
static bool
as_timestamp(double time, Datum *out)
{
	if (!reco_is_time(time))
		return false;
	*out = TimestampTzGetDatum((TimestampTz) rint(time));
	return true;
}

static void
return_items(RecoRows *rows, const Again *again, const Listing *listing, const reco_again *item,
			 const int32 *place)
{
	for (int32 k = 0; k < listing->list.count; k++)
	{
		const reco_again *i = &item[place[listing->list.best[k].item]];
		double last = again->time[i->last];
		Datum values[COLUMNS] = {Int32GetDatum(k + 1), id_dict_id(again->serving->items, i->item),
								 Float4GetDatum((float) i->score), Int32GetDatum(i->baskets)};
		bool nulls[COLUMNS] = {0};

		nulls[4] = !as_timestamp(last, &values[4]);
		nulls[5] = nulls[4] || !(again->mean > 0) ||
				   !as_timestamp(last + again->mean * i->due, &values[5]);
		reco_rows_add(rows, values, nulls);
	}
}

Datum
reco_serve_buy_again(PG_FUNCTION_ARGS)
{
	Request request;
	RecoRows rows;
	Listing listing;
	Again again = {0};
	reco_by_order by = {.env = reco_poll_env};
	RecoBudget budget;
	reco_again *item;
	int32 *order;
	int32 *place;
	float *score;

	request_read(fcinfo, "buy_again", &request);
	again.serving = request.serving;
	rows = reco_rows_begin(fcinfo,
						   (Oid[]){INT4OID, again.serving->item_type->type, FLOAT4OID, INT4OID,
								   TIMESTAMPTZOID, TIMESTAMPTZOID},
						   COLUMNS);
	find_model(&again, &request);
	listing = listing_open(&request);
	if (listing.list.n == 0 || !take_user(&again, &request, listing.live))
		return (Datum) 0;
	item = reco_call_alloc(again.of.events, sizeof(reco_again));
	reco_call_budget(&budget);
	reco_call_check(&budget,
					reco_again_items(&budget.env, &again.of, again.known, item, &by.items));
	order = reco_call_alloc(by.items, sizeof(int32));
	place = reco_call_alloc(again.serving->model.items, sizeof(int32));
	score = reco_call_alloc(again.serving->model.items, sizeof(float));
	for (int32 k = 0; k < by.items; k++)
	{
		RECO_POLL_AT(k);
		order[k] = item[k].item;
		place[item[k].item] = k;
		score[item[k].item] = (float) item[k].score;
	}
	by.order = order;
	by.score = score;
	listing_fill(&listing, &(reco_stage){reco_best_by_order, &by, "again", listing.list.n}, 1);
	return_items(&rows, &again, &listing, item, place);
	return (Datum) 0;
}
