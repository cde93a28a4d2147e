/*
 * serve.c
 *	  The functions behind a model's recommend(), recommend_for(), rerank(),
 *	  predict(), popular() and trending().
 */
#include "serving/listing.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "store/source/confine.h"
#include "store/source/source.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include <math.h>

RECO_FUNCTION(reco_serve_recommend);
RECO_FUNCTION(reco_serve_recommend_for);
RECO_FUNCTION(reco_serve_rerank);
RECO_FUNCTION(reco_serve_predict);
RECO_FUNCTION(reco_serve_popular);
RECO_FUNCTION(reco_serve_trending);
RECO_FUNCTION(reco_recommend);

static void
recommend(FunctionCallInfo fcinfo, Request *request, bool include_seen, const char *fallback,
		  bool as_text)
{
	Listing listing = listing_begin(request);
	reco_profile profile = {0};
	ServedUser user;
	bool known = false;

	/* no user, no rows; an unknown user gets the fallback */
	if (!request->has_subject)
		listing.list.n = 0;
	else
		known = request_user(request, &user) &&
				reco_live_user(listing.live, request->serving, &user, &profile);
	if (!include_seen)
		listing_skip_seen(&listing, &profile);
	listing_recommend(&listing, known ? &profile : NULL, fallback);
	listing_return(fcinfo, &listing, true, as_text);
}

Datum
reco_serve_recommend(PG_FUNCTION_ARGS)
{
	Request request;

	request_read(fcinfo, "recommend", &request);
	recommend(fcinfo, &request, request_bool(&request, "include_seen", false),
			  request_string(&request, "fallback", "auto"), false);
	return (Datum) 0;
}

/*
 * reco.recommend(model, for_user, n, include_seen, fallback): ids as text.
 */
Datum
reco_recommend(PG_FUNCTION_ARGS)
{
	Request request = {0};
	JsonbParseState *state = NULL;
	JsonbValue value;

	reco_require_argument(fcinfo, 0, "model");
	request.serving = reco_serving_open(reco_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0))),
										"recommend", &request.row);
	request.has_subject = !PG_ARGISNULL(1);
	request.subject = request.has_subject ? PG_GETARG_DATUM(1) : (Datum) 0;
	request.subject_type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (!PG_ARGISNULL(2))
	{
		value.type = jbvString;
		value.val.string.val = "n";
		value.val.string.len = 1;
		pushJsonbValue(&state, WJB_KEY, &value);
		value.type = jbvNumeric;
		value.val.numeric = DatumGetNumeric(DirectFunctionCall1(int4_numeric, PG_GETARG_DATUM(2)));
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	request.options = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	recommend(fcinfo, &request, !PG_ARGISNULL(3) && PG_GETARG_BOOL(3),
			  PG_ARGISNULL(4) ? "auto" : text_to_cstring(PG_GETARG_TEXT_PP(4)), true);
	return (Datum) 0;
}

/*
 * Entries of a basket, merged as the rows of a user are: time is their place in it.
 */
static void
merge_basket(const Serving *serving, reco_entry *entry, int64 *place, int64 n,
			 reco_profile *profile)
{
	const RecoSpec *spec = serving->model.spec;
	reco_row_rules none = {0};
	bool ordered = (reco_spec_reads(spec) & RECO_READS_EVENTS) != 0;
	reco_timed *event = ordered ? palloc((n + 1) * sizeof(reco_timed)) : NULL;
	int64 events = n;
	reco_row row = {0};
	float *value;

	for (int64 k = 0; event && k < n; k++)
	{
		RECO_POLL_AT(k);
		event[k] = (reco_timed){place[k], entry[k].item};
	}
	row.item = palloc((n + 1) * sizeof(int32));
	row.sum = palloc((n + 1) * sizeof(float));
	if (spec->latest)
		row.latest = palloc((n + 1) * sizeof(float));
	(void) reco_row_sort(&reco_poll_env, entry, place, n);
	n = reco_row_reduce(&reco_poll_env, &none, entry, place, n, &row);
	value = reco_spec_values(spec, row.sum, row.latest);
	reco_data_values(&serving->options, value, n);
	*profile = (reco_profile){.n = n, .item = row.item, .value = value};
	if (event)
	{
		int32 *item = palloc((events + 1) * sizeof(int32));
		float *moment = palloc((events + 1) * sizeof(float));

		profile->events =
			reco_ordered_user(&reco_poll_env, event, events, NULL, 0, 0, item, moment);
		profile->event = item;
		profile->moment = moment;
	}
}

/*
 * The basket as a profile: unknown items are left out, repeats add up (of
 * ratings, the last one counts).
 */
static void
basket_profile(Request *request, reco_profile *profile)
{
	RecoModel *model = &request->serving->model;
	bool rated = model->spec->latest;
	int32 *item;
	int n;
	int weights;
	float *weight = request_numbers(request, "weights", &weights);
	reco_entry *entry;
	int64 *place;
	int64 known = 0;

	if (!OidIsValid(get_element_type(getBaseType(request->subject_type))))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("basket must be an array")));
	item = request_subject_items(request, "basket", &n);
	if (weight && weights != n)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("basket has %d items but %d weights", n, weights)));
	entry = palloc((n + 1) * sizeof(reco_entry));
	place = palloc((n + 1) * sizeof(int64));
	for (int i = 0; i < n; i++)
	{
		RECO_POLL_AT(i);
		if (weight && !(fabsf(weight[i]) <= (float) RECO_MAX_VALUE))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("weight %d of the basket is out of range", i + 1),
							errhint("Weights must be finite, and from -1e18 to 1e18.")));
		if (item[i] < 0)
			continue;
		/* without weights: bought once, or liked as much as can be */
		place[known] = i;
		entry[known++] = (reco_entry){item[i], weight ? weight[i] : rated ? model->max_value : 1};
	}
	merge_basket(request->serving, entry, place, known, profile);
}

/* The basket as a user that the model was not trained on. */
static void
fold_in(Serving *serving, reco_profile *profile)
{
	RecoBudget budget;

	reco_budget_init(&budget, CurrentMemoryContext);
	reco_budget_check(&budget,
					  reco_scorer_fold_in(&budget.env, reco_serving_scorer(serving), profile),
					  "the model");
}

Datum
reco_serve_recommend_for(PG_FUNCTION_ARGS)
{
	Request request;
	Listing listing;
	reco_profile profile;

	request_read(fcinfo, "recommend_for", &request);
	listing = listing_begin(&request);
	if (request.has_subject)
	{
		basket_profile(&request, &profile);
		if (!request_bool(&request, "include_basket", false))
			listing_skip_seen(&listing, &profile);
		if (profile.n > 0)
			fold_in(listing.serving, &profile);
		listing_recommend(&listing, profile.n > 0 ? &profile : NULL,
						  request_string(&request, "fallback", "auto"));
	}
	listing_return(fcinfo, &listing, true, false);
	return (Datum) 0;
}

/* What rerank() was given: known items, each once, and the others, in their order. */
typedef struct Reranking
{
	Serving *serving;
	uint64 *skip; /* items that are in the list already, or must not be */
	int slots;
	int known;
	int32 *item;
	IdDict *unknown;
	bool *shown;      /* which of these are available */
	IdDict *among;    /* unknown ones to choose from; NULL: all */
	IdDict *excluded; /* unknown ones that must not be in the list */
} Reranking;

static void
add_unknown(void *arg, int32 number, const Datum *id)
{
	if (number < 0 && id)
		(void) id_dict_add(arg, *id);
}

static void
rerank_item(void *arg, int32 number, const Datum *id)
{
	Reranking *list = arg;

	if (number < 0)
	{
		if (id && (list->among == NULL || id_dict_find(list->among, *id) >= 0) &&
			id_dict_find(list->excluded, *id) < 0)
			(void) id_dict_add(list->unknown, *id);
		return;
	}
	if (reco_set_has(list->skip, number))
		return;
	if (list->known == list->slots)
	{
		list->slots *= 2;
		list->item = repalloc_huge(list->item, list->slots * sizeof(int32));
	}
	reco_set_add(list->skip, number);
	list->item[list->known++] = number;
}

/* The items of a request that its filters let through. */
static Reranking
rerank_begin(Request *request, RecoLive *live)
{
	Serving *serving = request->serving;
	Reranking list = {serving, listing_skip(request), 64};
	bool *available;
	int kept = 0;

	list.item = palloc(list.slots * sizeof(int32));
	list.unknown = id_dict_create(CurrentMemoryContext, serving->item_type);
	list.excluded = id_dict_create(CurrentMemoryContext, serving->item_type);
	request_items(request, "exclude", add_unknown, list.excluded);
	if (request_has(request, "among"))
	{
		list.among = id_dict_create(CurrentMemoryContext, serving->item_type);
		request_items(request, "among", add_unknown, list.among);
	}
	request_items(request, "items", rerank_item, &list);
	available = listing_alloc((Size) list.known);
	reco_live_filter(live, serving, list.item, list.known, available);
	for (int k = 0; k < list.known; k++)
	{
		RECO_POLL_AT(k);
		if (available[k])
			list.item[kept++] = list.item[k];
	}
	list.known = kept;
	list.shown = listing_alloc((Size) id_dict_count(list.unknown));
	reco_live_filter_ids(live, serving, list.unknown, list.shown);
	return list;
}

/* The known items by score, best first; seat NULL: by how many have them. */
static reco_ranked *
rank_items(const Serving *serving, RecoSeat *seat, const Reranking *list)
{
	reco_ranked *rank = reco_call_alloc(list->known, sizeof(reco_ranked));
	float *score = reco_call_alloc(list->known, sizeof(float));

	if (seat)
		reco_model_seat_check(seat, reco_seat_some(seat->seat, list->item, list->known, score));
	for (int i = 0; i < list->known; i++)
	{
		RECO_POLL_AT(i);
		rank[i] =
			(reco_ranked){seat ? score[i] : serving->interactions[list->item[i]], list->item[i]};
	}
	pfree(score);
	listing_sort(rank, list->known);
	return rank;
}

/* A domain's checks are somebody's code: it runs as the model's owner, confined. */
static void
check_domain(const IdType *type, Datum id, Oid owner)
{
	RecoRunAs as = reco_run_as(owner);
	RecoIdentity before;
	RecoCode code;

	if (type->type == type->base)
		return;
	code = reco_code_of_type(type->type);
	reco_confine(psprintf("domain %s", format_type_be(type->type)), &code, owner, GetUserId());
	reco_become(&as, &before);
	id_check_domain(type, id);
	reco_return(&before);
}

Datum
reco_serve_rerank(PG_FUNCTION_ARGS)
{
	Request request;
	Reranking list;
	RecoLive *live;
	Serving *serving;
	reco_profile profile;
	reco_ranked *rank;
	RecoRows rows;
	ServedUser user;
	int32 place = 0;
	RecoSeat *seat = NULL;
	bool served = false;

	request_read(fcinfo, "rerank", &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, serving->item_type->type, FLOAT4OID}, 3);
	if (!request.has_subject)
		return (Datum) 0;
	live = reco_live_open(serving, &request.row);
	list = rerank_begin(&request, live);
	if (request_user(&request, &user) &&
		reco_live_user(reco_live_open(serving, &request.row), serving, &user, &profile))
	{
		seat = reco_model_seat(reco_serving_scorer(serving));
		reco_model_seat_user(seat, &profile);
		served = reco_seat_is_personal(seat->seat);
	}
	rank = rank_items(serving, served ? seat : NULL, &list);
	for (int i = 0; i < list.known; i++)
	{
		Datum values[3] = {Int32GetDatum(++place), id_dict_id(serving->items, rank[i].item),
						   Float4GetDatum(rank[i].score)};
		bool nulls[3] = {false, false, !served || rank[i].score == -INFINITY};

		reco_rows_add(&rows, values, nulls);
	}
	for (int i = 0; i < id_dict_count(list.unknown); i++)
	{
		Datum values[3] = {Int32GetDatum(place + 1), id_dict_id(list.unknown, i), (Datum) 0};
		bool nulls[3] = {false, false, true};

		if (!list.shown[i])
			continue;
		place++;
		check_domain(serving->item_type, values[1], request.row.owner);
		reco_rows_add(&rows, values, nulls);
	}
	return (Datum) 0;
}

Datum
reco_serve_predict(PG_FUNCTION_ARGS)
{
	Request request;
	reco_profile profile;
	RecoRows rows;
	ServedUser user;
	int32 item;

	request_read(fcinfo, "predict", &request);
	rows = reco_rows_begin(fcinfo, (Oid[]){FLOAT4OID}, 1);
	item = request_one_item(&request, "item");
	if (item >= 0 && request_user(&request, &user) &&
		reco_live_user(reco_live_open(request.serving, &request.row), request.serving, &user,
					   &profile))
	{
		const reco_scorer *scorer = reco_serving_scorer(request.serving);
		RecoSeat *seat = reco_model_seat(scorer);
		float score;
		Datum value;

		reco_model_seat_user(seat, &profile);
		if (!reco_seat_is_personal(seat->seat))
			return (Datum) 0;
		score = reco_model_seat_one(seat, item);
		if (score == -INFINITY)
			return (Datum) 0;
		value = Float4GetDatum(reco_scorer_predict(scorer, score));
		reco_rows_add(&rows, &value, &(bool){false});
	}
	return (Datum) 0;
}

Datum
reco_serve_popular(PG_FUNCTION_ARGS)
{
	Request request;
	Listing listing;

	request_read(fcinfo, "popular", &request);
	listing = listing_begin(&request);
	listing_recommend(&listing, NULL, "popular");
	listing_return(fcinfo, &listing, false, false);
	return (Datum) 0;
}

/* Items that did not grow are not in the list. */
Datum
reco_serve_trending(PG_FUNCTION_ARGS)
{
	Request request;
	Listing listing;
	reco_by_score trending;

	request_read(fcinfo, "trending", &request);
	if (request.serving->untimed)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("model \"%s\" does not know when its interactions were", request.row.name),
				 errhint("Trends come from sources with a fourth column, the time: give the model "
						 "one with CALL reco.alter_model(source => ...), and refresh it.")));
	listing = listing_begin(&request);
	/* above 0 */
	trending = listing_trending(request.serving, nextafterf(0, 1));
	listing_fill(&listing, &(reco_stage){reco_best_by_score, &trending, "trending", listing.list.n},
				 1);
	listing_return(fcinfo, &listing, false, false);
	return (Datum) 0;
}
