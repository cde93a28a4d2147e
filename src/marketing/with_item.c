/*
 * with_item.c
 *	  The function behind a model's bought_together(): what is in baskets with an item.
 *
 * A basket is what the model knows of one: all that a user has; or, of models that hold what users
 * did in order, what came at one time or on one day (basket_by), or in one session (session_gap).
 * What was left out of the training is in no basket.
 *
 * Cost: a pass over all that users have or did, from the version's file of users, about a
 * nanosecond each.  Memory: three numbers for each item.
 */
#include "marketing/together.h"

#include "serving/listing.h"

#include "catalog/pg_type.h"
#include "core/data/ordered.h"
#include "fmgr.h"
#include "utils/builtins.h"

RECO_FUNCTION(reco_serve_bought_together);

typedef enum Basket
{
	BASKET_USER,
	BASKET_ORDER,
	BASKET_SESSION
} Basket;

#define COLUMNS 10

/* Interactions of users between two polls: about a millisecond. */
#define POLL_COUNTED 262144

/* What is counted, and how. */
typedef struct Counting
{
	Serving *serving;
	const RecoMember *ordered; /* holds what users did in order; NULL: nobody does */
	Basket basket;
	reco_meetings meetings;
} Counting;

/* Of the model and those it is made of the first that holds what users did in order. */
static const RecoMember *
ordered_member(const RecoModel *model)
{
	for (int m = 0; m < model->members; m++)
		if (reco_member_role(&model->member[m], RECO_OF_USERS, RECO_ROLE_EVENTS, NULL))
			return &model->member[m];
	return NULL;
}

static reco_profile
ordered_of(const Counting *counting, int32 u)
{
	reco_profile profile = {0};

	reco_part_profile(counting->ordered, counting->ordered->part, u, &profile);
	return profile;
}

/* Whether most of what users did came with something else at the same time. */
static bool
has_orders(const Counting *counting)
{
	int64 events = 0;
	int64 together = 0;

	for (int32 u = 0; u < counting->serving->users; u++)
	{
		reco_profile of = ordered_of(counting, u);

		RECO_POLL_EACH(u, RECO_SEARCHES);
		for (int64 e = 0; e < of.events; e++)
		{
			RECO_POLL_AT(e + 1);
			together += (e > 0 && of.moment[e] == of.moment[e - 1]) ||
						(e + 1 < of.events && of.moment[e] == of.moment[e + 1]);
		}
		events += of.events;
	}
	return together > events / 2;
}

/* What baskets are: what is asked for, else by what the model holds. */
static Basket
basket_of(Request *request, const Counting *counting)
{
	char *asked = request_string(request, "basket", "");

	if (strcmp(asked, "user") == 0)
		return BASKET_USER;
	if (strcmp(asked, "order") != 0 && strcmp(asked, "session") != 0 && asked[0])
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unrecognized basket \"%s\"", asked),
						errhint("Valid values are \"user\", \"order\" and \"session\".")));
	if (asked[0] && counting->ordered == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the model does not hold what users did in order"),
				 errhint("Models of reco.repeat() do; reco.bought_together() counts the baskets of "
						 "any query.")));
	if (asked[0])
		return asked[0] == 'o' ? BASKET_ORDER : BASKET_SESSION;
	if (counting->ordered == NULL)
		return BASKET_USER;
	if (counting->serving->options.session_gap)
		return BASKET_SESSION;
	return has_orders(counting) ? BASKET_ORDER : BASKET_USER;
}

/* Whether event e, not the first, is in another basket than the one before. */
static bool
begins_basket(Basket basket, const reco_profile *of, int64 e)
{
	return basket == BASKET_ORDER ? of->moment[e] != of->moment[e - 1]
								  : reco_begins_session(of->moment, e);
}

static void
count_basket(Counting *counting, const int32 *item, int64 n)
{
	if (!reco_meetings_add(&counting->meetings, item, n))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many baskets"),
						errdetail("At most %d are counted.", counting->meetings.most),
						errhint("With basket => 'user' a user is one basket; "
								"reco.bought_together() counts the baskets of any query.")));
}

static void
count_user(Counting *counting, int32 u)
{
	reco_profile of;
	int64 from = 0;

	if (counting->basket == BASKET_USER)
	{
		of = reco_serving_profile(counting->serving, u);
		count_basket(counting, of.item, of.n);
		return;
	}
	of = ordered_of(counting, u);
	for (int64 e = 1; e <= of.events; e++)
		if (e == of.events || begins_basket(counting->basket, &of, e))
		{
			RECO_POLL_AT(e);
			count_basket(counting, of.event + from, e - from);
			from = e;
		}
}

static void
count_baskets(Request *request, Counting *counting)
{
	Serving *serving = counting->serving;
	reco_meetings *meetings = &counting->meetings;
	int64 counted = 0;

	(void) reco_serving_load_users(serving);
	counting->ordered = ordered_member(&serving->model);
	counting->basket = basket_of(request, counting);
	meetings->most = RECO_FAULT_IDS(PG_INT32_MAX);
	meetings->have = reco_call_alloc(serving->model.items, sizeof(int32));
	meetings->both = reco_call_alloc(serving->model.items, sizeof(int32));
	meetings->last = reco_call_alloc(serving->model.items, sizeof(int32));
	for (int32 u = 0; u < serving->users; u++)
	{
		count_user(counting, u);
		counted += serving->all->histories.start[u + 1] - serving->all->histories.start[u] + 1;
		if (counted > POLL_COUNTED)
		{
			counted = 0;
			reco_poll();
		}
	}
}

/* An item that was met. */
static int
compare_met(const void *a, const void *b)
{
	const reco_together_pair *x = a;
	const reco_together_pair *y = b;

	reco_poll();
	return reco_together_after(x, y) ? 1 : -1;
}

/* Those that met the item often enough, in the order of the measure. */
static reco_together_pair *
items_met(Request *request, const reco_meetings *meetings, int32 *n)
{
	int32 items = request->serving->model.items;
	char *name = request_string(request, "measure", "lift");
	reco_together_measure measure = reco_together_measure_named(name);
	int64 support = reco_together_support(meetings->baskets);
	reco_together_pair *met = reco_call_alloc(items, sizeof(reco_together_pair));

	if (request_has(request, "min_support"))
	{
		support = request_int64(request, "min_support", 1);
		reco_together_check_support(support);
	}
	/* of those with the item the share that has another is in the order of counts */
	if (measure == RECO_TOGETHER_CONFIDENCE)
		measure = RECO_TOGETHER_COUNT;
	*n = 0;
	for (int32 i = 0; i < items; i++)
	{
		RECO_POLL_EACH(i, RECO_SEARCHES);
		if (i != meetings->item && meetings->both[i] >= support)
			met[(*n)++] = (reco_together_pair){
				reco_together_score(measure, meetings->baskets, meetings->have[meetings->item],
									meetings->have[i], meetings->both[i]),
				i, i, meetings->both[i]};
	}
	qsort(met, *n, sizeof(reco_together_pair), compare_met);
	return met;
}

static void
return_items(RecoRows *rows, const Listing *listing, const reco_meetings *meetings)
{
	double baskets = meetings->baskets;
	int32 n_for = meetings->have[meetings->item];

	for (int32 k = 0; k < listing->list.count; k++)
	{
		int32 i = listing->list.best[k].item;
		int32 n_i = meetings->have[i];
		double c = meetings->both[i];
		Datum values[COLUMNS] = {
			Int32GetDatum(k + 1),
			id_dict_id(listing->serving->items, i),
			Int32GetDatum(n_for),
			Int32GetDatum(n_i),
			Int32GetDatum(meetings->both[i]),
			Float8GetDatum(c / baskets),
			Float8GetDatum(c / n_for),
			Float8GetDatum(c / n_i),
			Float8GetDatum(reco_together_ratio(RECO_TOGETHER_LIFT, baskets, n_for, n_i, c)),
			Float8GetDatum(
				reco_together_llr(NULL, meetings->baskets, n_for, n_i, meetings->both[i]))};

		reco_rows_add(rows, values, (bool[COLUMNS]){0});
	}
}

Datum
reco_serve_bought_together(PG_FUNCTION_ARGS)
{
	Request request;
	RecoRows rows;
	Listing listing;
	Counting counting = {0};
	reco_by_order by = {.env = reco_poll_env};
	reco_together_pair *met;
	int32 *order;
	float *score;
	Datum item;

	request_read(fcinfo, "bought_together", &request);
	rows = reco_rows_begin(fcinfo,
						   (Oid[]){INT4OID, request.serving->item_type->type, INT4OID, INT4OID,
								   INT4OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID},
						   COLUMNS);
	if (request_n(&request, request.serving->model.items) == 0 || !request_item(&request, &item) ||
		(counting.meetings.item = reco_serving_item(request.serving, item)) < 0)
		return (Datum) 0;
	counting.serving = request.serving;
	count_baskets(&request, &counting);
	met = items_met(&request, &counting.meetings, &by.items);
	listing = listing_open(&request);
	order = reco_call_alloc(by.items, sizeof(int32));
	score = reco_call_alloc(request.serving->model.items, sizeof(float));
	for (int32 k = 0; k < by.items; k++)
	{
		order[k] = met[k].a;
		score[met[k].a] = (float) met[k].score;
		RECO_POLL_AT(k);
	}
	by.order = order;
	by.score = score;
	listing_fill(&listing, &(reco_stage){reco_best_by_order, &by, "together", listing.list.n}, 1);
	return_items(&rows, &listing, &counting.meetings);
	return (Datum) 0;
}
