/*
 * serve.c
 *	  The functions behind a model's recommend(), recommend_for(), rerank(),
 *	  predict() and popular().
 *
 * Filters work before the cut: what must not be shown never enters the list of
 * the best, so exactly n rows come back while n items are left.  A user of whom
 * nothing is known gets the most popular items under the same filters, and the
 * source column says so.
 */
#include "api/api.h"
#include "api/request.h"

#include "catalog/pg_type.h"
#include "core/rng.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/acl.h"
#include "miscadmin.h"
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

/* A list to be made. */
typedef struct Listing
{
	Serving *serving;
	uint64 *skip; /* items that must not be in it */
	int32 n;
	double diversity;
	double explore;
	uint64 seed;  /* of what is explored */
	float *boost; /* by item, factors of scores; NULL: none */
	reco_ranked *best;
	const char **source; /* of each */
	int32 count;
} Listing;

/* Candidates of a diverse list, for each place in it. */
#define CANDIDATES 10
/* Growth that chance would not make, in standard deviations. */
#define TRENDING 1
/* The share of items, by popularity, that need no exploring. */
#define KNOWN_SHARE 0.2

static void *
huge_zero(Size bytes)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, Max(bytes, 1),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static void
skip_item(void *arg, int32 number, Datum id)
{
	if (number >= 0)
		reco_set_add(((Listing *) arg)->skip, number);
}

typedef struct Among
{
	uint64 *set;
	Size words;
} Among;

static uint64 *
among_set(Among *among)
{
	if (among->set == NULL)
		among->set = huge_zero(among->words * sizeof(uint64));
	return among->set;
}

static void
allow_item(void *arg, int32 number, Datum id)
{
	if (number >= 0)
		reco_set_add(among_set(arg), number);
}

/* The items to be boosted, in order, and by how much. */
typedef struct Boost
{
	float *by_item;
	float *factor; /* NULL: 2 for all */
	int factors;
	int n;
} Boost;

static void
boost_item(void *arg, int32 number, Datum id)
{
	Boost *boost = arg;
	float factor = boost->factor && boost->n < boost->factors ? boost->factor[boost->n] : 2;

	boost->n++;
	if (number >= 0)
		boost->by_item[number] = factor;
}

static void
read_boost(Request *request, Listing *listing)
{
	int32 items = request->serving->model.items;
	Boost boost = {NULL};

	if (!request_has(request, "boost") && !request_has(request, "boost_by"))
		return;
	boost.by_item = huge_zero((Size) items * sizeof(float));
	boost.factor = request_numbers(request, "boost_by", &boost.factors);
	for (int k = 0; k < boost.factors; k++)
		if (!(boost.factor[k] > 0 && boost.factor[k] <= 1e6))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("boost_by must be numbers above 0 and at most 1000000")));
	for (int32 i = 0; i < items; i++)
		boost.by_item[i] = 1;
	if (request_items(request, "boost", boost_item, &boost))
		listing->boost = boost.by_item;
	else
		pfree(boost.by_item);
	if (boost.factor && boost.n != boost.factors)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("boost has %d items but %d factors", boost.n, boost.factors)));
}

static Listing
listing_begin(Request *request)
{
	Serving *serving = request->serving;
	Size words = RECO_SET_BYTES(serving->model.items) / 8;
	Listing listing = {serving};
	Among among = {NULL, words};

	listing.n = request_n(request, serving->model.items);
	if (request_items(request, "among", allow_item, &among))
	{
		/* an empty array allows nothing */
		listing.skip = among_set(&among);
		for (Size w = 0; w < words; w++)
			listing.skip[w] = ~listing.skip[w];
	}
	else
		listing.skip = huge_zero(words * 8);
	request_items(request, "exclude", skip_item, &listing);
	listing.diversity = request_share(request, "diversity");
	listing.explore = request_share(request, "explore");
	listing.seed = (uint64) request_number(request, "explore_seed", 0);
	read_boost(request, &listing);
	return listing;
}

static void
listing_skip_seen(Listing *listing, const RecoProfile *profile)
{
	for (int64 j = 0; j < profile->n; j++)
		reco_set_add(listing->skip, profile->item[j]);
}

/* Gives the places that are left, at most `most` of them, to the best of the rest. */
static void
add_stage(Listing *listing, const float *score, int32 most, const char *source)
{
	int32 left = Min(listing->n - listing->count, most);
	reco_ranked *out = listing->best + listing->count;
	int32 count = reco_top_n(score, listing->serving->model.items, listing->skip, left, out);

	for (int32 r = 0; r < count; r++)
	{
		reco_set_add(listing->skip, out[r].item);
		listing->source[listing->count++] = source;
	}
}

/* What the model itself says. */
static void
add_model(Listing *listing, const RecoProfile *profile)
{
	RecoModel *model = &listing->serving->model;
	const RecoAlgorithm *algorithm = model->spec->algorithm;
	float *score = huge_zero((Size) model->items * sizeof(float));
	int32 places = listing->n - (int32) floor(listing->explore * listing->n);

	algorithm->score(model, profile, score);
	for (int32 i = 0; listing->boost && i < model->items; i++)
		score[i] = score[i] > 0 ? score[i] * listing->boost[i] : score[i] / listing->boost[i];
	if (listing->diversity > 0)
	{
		int32 m = (int32) Min((int64) CANDIDATES * places, model->items);
		reco_ranked *candidate = huge_zero(((Size) m + 1) * sizeof(reco_ranked));

		m = reco_top_n(score, model->items, listing->skip, m, candidate);
		reco_diversify(model, listing->diversity, candidate, m, places);
		for (int32 r = 0; r < m && r < places; r++)
		{
			listing->best[listing->count] = candidate[r];
			listing->source[listing->count++] = algorithm->source;
			reco_set_add(listing->skip, candidate[r].item);
		}
		pfree(candidate);
	}
	else
		add_stage(listing, score, places, algorithm->source);
	pfree(score);
}

/*
 * Seldom seen items, drawn by the seed: what the model cannot know before somebody has
 * been shown it.  Scores are those of chance, 0.
 */
static void
add_explored(Listing *listing)
{
	Serving *serving = listing->serving;
	int32 items = serving->model.items;
	int32 known = (int32) (KNOWN_SHARE * items);
	int32 most = (int32) floor(listing->explore * listing->n);
	float *draw = huge_zero((Size) items * sizeof(float));
	int32 from = listing->count;
	uint64 key = reco_rng_row(listing->seed, 0);

	for (int32 r = 0; r < items; r++)
		draw[serving->popular[r]] =
			r < known ? -INFINITY : (float) reco_rng_uniform(key, serving->popular[r]);
	add_stage(listing, draw, most, "explore");
	for (int32 r = from; r < listing->count; r++)
		listing->best[r].score = 0;
	pfree(draw);
}

static void
add_trending(Listing *listing)
{
	Serving *serving = listing->serving;
	int32 items = serving->model.items;
	float *trend = huge_zero((Size) items * sizeof(float));

	for (int32 i = 0; i < items; i++)
		trend[i] = serving->trend[i] >= TRENDING ? serving->trend[i] : -INFINITY;
	add_stage(listing, trend, listing->n, "trending");
	pfree(trend);
}

static void
add_popular(Listing *listing)
{
	Serving *serving = listing->serving;

	for (int32 r = 0; r < serving->model.items && listing->count < listing->n; r++)
	{
		int32 item = serving->popular[r];

		if (reco_set_has(listing->skip, item))
			continue;
		listing->best[listing->count] = (reco_ranked){serving->interactions[item], item};
		listing->source[listing->count++] = "popular";
		reco_set_add(listing->skip, item);
	}
}

/*
 * The best by the model, as far as the profile says something (NULL: nothing); places
 * that are left go to what grows, and then to what is popular.
 */
static void
listing_fill(Listing *listing, const RecoProfile *profile, const char *fallback)
{
	RecoModel *model = &listing->serving->model;
	bool none = strcmp(fallback, "none") == 0;
	bool popular = strcmp(fallback, "popular") == 0;

	if (!none && !popular && strcmp(fallback, "auto") != 0 && strcmp(fallback, "trending") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for fallback: \"%s\"", fallback),
				 errhint("Valid values are: \"auto\", \"trending\", \"popular\", \"none\".")));
	if (listing->n == 0)
		return;
	listing->best = huge_zero(listing->n * sizeof(reco_ranked));
	listing->source = huge_zero(listing->n * sizeof(char *));
	if (profile && model->spec->algorithm->knows(model, profile))
		add_model(listing, profile);
	if (listing->explore > 0)
		add_explored(listing);
	if (!none && !popular && listing->count < listing->n)
		add_trending(listing);
	if (!none)
		add_popular(listing);
}

/*
 * Returns the list as rows of (rank, item, score [, source]); as_text: the item
 * in its text form.
 */
static void
listing_return(FunctionCallInfo fcinfo, Listing *listing, bool with_source, bool as_text)
{
	Serving *serving = listing->serving;
	Oid types[] = {INT4OID, as_text ? TEXTOID : serving->item_type->type, FLOAT4OID, TEXTOID};
	RecoRows rows = reco_rows_begin(fcinfo, types, with_source ? 4 : 3);
	Datum values[4];
	bool nulls[4] = {0};

	for (int32 r = 0; r < listing->count; r++)
	{
		Datum id = id_dict_id(serving->items, listing->best[r].item);

		values[0] = Int32GetDatum(r + 1);
		values[1] = as_text ? CStringGetTextDatum(id_to_text(serving->item_type, id)) : id;
		values[2] = Float4GetDatum(listing->best[r].score);
		if (with_source)
			values[3] = CStringGetTextDatum(listing->source[r]);
		reco_rows_add(&rows, values, nulls);
	}
}

static void
recommend(FunctionCallInfo fcinfo, Request *request, bool include_seen, const char *fallback,
		  bool as_text)
{
	Listing listing = listing_begin(request);
	RecoProfile profile;
	Datum user;
	bool known = false;

	/* no user, no rows; an unknown user gets the fallback */
	if (!request->has_subject)
		listing.n = 0;
	else
		known = request_user(request, &user) && reco_serving_user(request->serving, user, &profile);
	if (known && !include_seen)
		listing_skip_seen(&listing, &profile);
	listing_fill(&listing, known ? &profile : NULL, fallback);
	listing_return(fcinfo, &listing, true, as_text);
}

Datum
reco_serve_recommend(PG_FUNCTION_ARGS)
{
	Request request;

	request_read(fcinfo, &request);
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
	Oid schema;
	AclResult result;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be null")));
	schema = reco_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	result = reco_schema_aclcheck(schema, GetUserId(), ACL_USAGE);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(schema));
	request.serving = reco_serving_open(schema);
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

/* One item of a basket. */
typedef struct Entry
{
	int32 item;
	int place; /* in the basket */
	float weight;
} Entry;

static int
compare_entries(const void *a, const void *b)
{
	const Entry *x = a;
	const Entry *y = b;

	if (x->item != y->item)
		return x->item > y->item ? 1 : -1;
	return (x->place > y->place) - (x->place < y->place);
}

/*
 * The basket as a profile: unknown items are left out, repeats add up (of
 * ratings, the last one counts).
 */
static void
basket_profile(Request *request, RecoProfile *profile)
{
	Serving *serving = request->serving;
	RecoModel *model = &serving->model;
	bool rated = model->spec->predicts_value;
	ArrayType *array;
	Oid element;
	int16 typlen;
	bool typbyval;
	char typalign;
	Datum *ids;
	bool *nulls;
	int n;
	int weights;
	float *weight = request_numbers(request, "weights", &weights);
	Entry *entry;
	int64 known = 0;

	element = get_element_type(getBaseType(request->subject_type));
	if (!OidIsValid(element))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("basket must be an array")));
	array = DatumGetArrayTypeP(request->subject);
	get_typlenbyvalalign(element, &typlen, &typbyval, &typalign);
	deconstruct_array(array, element, typlen, typbyval, typalign, &ids, &nulls, &n);
	if (weight && weights != n)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("basket has %d items but %d weights", n, weights)));
	entry = palloc((n + 1) * sizeof(Entry));
	for (int i = 0; i < n; i++)
	{
		Datum id;
		int32 number;

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("\"basket\" must not contain nulls")));
		if (weight && !(fabsf(weight[i]) <= 1e18f))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("weight %d of the basket is out of range", i + 1)));
		if (!id_from_datum(serving->item_type, ids[i], element, &id) ||
			(number = id_dict_find(serving->items, id)) < 0)
			continue;
		/* without weights: bought once, or liked as much as can be */
		entry[known++] = (Entry){number, i, weight ? weight[i] : rated ? model->max_value : 1};
	}
	qsort(entry, known, sizeof(Entry), compare_entries);
	memset(profile, 0, sizeof(*profile));
	profile->factors = palloc0((model->stride + 16) * sizeof(float));
	profile->item = palloc((known + 1) * sizeof(int32));
	profile->value = palloc((known + 1) * sizeof(float));
	for (int64 i = 0; i < known; i++)
		if (profile->n > 0 && profile->item[profile->n - 1] == entry[i].item)
			profile->value[profile->n - 1] =
				rated ? entry[i].weight : profile->value[profile->n - 1] + entry[i].weight;
		else
		{
			profile->item[profile->n] = entry[i].item;
			profile->value[profile->n++] = entry[i].weight;
		}
}

Datum
reco_serve_recommend_for(PG_FUNCTION_ARGS)
{
	Request request;
	Listing listing;
	RecoProfile profile;

	request_read(fcinfo, &request);
	listing = listing_begin(&request);
	if (request.has_subject)
	{
		basket_profile(&request, &profile);
		listing_skip_seen(&listing, &profile);
		if (profile.n > 0)
			listing.serving->model.spec->algorithm->fold_in(&listing.serving->model, &profile);
		listing_fill(&listing, profile.n > 0 ? &profile : NULL, "auto");
	}
	listing_return(fcinfo, &listing, true, false);
	return (Datum) 0;
}

/* What rerank() was given. */
typedef struct Reranking
{
	Serving *serving;
	uint64 *seen; /* items that are in the list already */
	RecoProfile *profile;
	int slots;
	int known;
	reco_ranked *rank;
	IdDict *unknown; /* items that the model does not know, in their order */
} Reranking;

static void
rerank_item(void *arg, int32 number, Datum id)
{
	Reranking *list = arg;
	RecoModel *model = &list->serving->model;

	if (number < 0)
	{
		(void) id_dict_add(list->unknown, id);
		return;
	}
	if (reco_set_has(list->seen, number))
		return;
	if (list->known == list->slots)
	{
		list->slots *= 2;
		list->rank = repalloc_huge(list->rank, list->slots * sizeof(reco_ranked));
	}
	reco_set_add(list->seen, number);
	list->rank[list->known++] = (reco_ranked){
		list->profile ? model->spec->algorithm->score_one(model, list->profile, number)
					  : list->serving->interactions[number],
		number};
}

static int
compare_ranked(const void *a, const void *b)
{
	const reco_ranked *x = a;
	const reco_ranked *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

Datum
reco_serve_rerank(PG_FUNCTION_ARGS)
{
	Request request;
	Reranking list = {0};
	RecoProfile profile;
	RecoRows rows;
	Datum user;

	request_read(fcinfo, &request);
	rows =
		reco_rows_begin(fcinfo, (Oid[]){INT4OID, request.serving->item_type->type, FLOAT4OID}, 3);
	if (!request.has_subject)
		return (Datum) 0;
	list.serving = request.serving;
	list.slots = 64;
	list.rank = palloc(list.slots * sizeof(reco_ranked));
	list.unknown = id_dict_create(CurrentMemoryContext, request.serving->item_type);
	list.seen = huge_zero(RECO_SET_BYTES(request.serving->model.items));
	if (request_user(&request, &user) && reco_serving_user(request.serving, user, &profile) &&
		request.serving->model.spec->algorithm->knows(&request.serving->model, &profile))
		list.profile = &profile;
	request_items(&request, "items", rerank_item, &list);
	qsort(list.rank, list.known, sizeof(reco_ranked), compare_ranked);
	for (int i = 0; i < list.known + id_dict_count(list.unknown); i++)
	{
		bool known = i < list.known;
		Datum values[3];
		bool nulls[3] = {false, false,
						 !known || list.profile == NULL || list.rank[i].score == -INFINITY};

		values[0] = Int32GetDatum(i + 1);
		values[1] = known ? id_dict_id(request.serving->items, list.rank[i].item)
						  : id_dict_id(list.unknown, i - list.known);
		values[2] = Float4GetDatum(known ? list.rank[i].score : 0);
		reco_rows_add(&rows, values, nulls);
	}
	return (Datum) 0;
}

Datum
reco_serve_predict(PG_FUNCTION_ARGS)
{
	Request request;
	RecoProfile profile;
	RecoRows rows;
	Datum user;
	int32 item;

	request_read(fcinfo, &request);
	rows = reco_rows_begin(fcinfo, (Oid[]){FLOAT4OID}, 1);
	item = request_one_item(&request, "item");
	if (item >= 0 && request_user(&request, &user) &&
		reco_serving_user(request.serving, user, &profile) &&
		request.serving->model.spec->algorithm->knows(&request.serving->model, &profile))
	{
		RecoModel *model = &request.serving->model;
		const RecoAlgorithm *algorithm = model->spec->algorithm;
		float score = algorithm->score_one(model, &profile, item);
		Datum value;

		if (score == -INFINITY)
			return (Datum) 0;
		value = Float4GetDatum(algorithm->predict(model, score));
		reco_rows_add(&rows, &value, &(bool){false});
	}
	return (Datum) 0;
}

Datum
reco_serve_popular(PG_FUNCTION_ARGS)
{
	Request request;
	Listing listing;

	request_read(fcinfo, &request);
	listing = listing_begin(&request);
	listing_fill(&listing, NULL, "popular");
	listing_return(fcinfo, &listing, false, false);
	return (Datum) 0;
}

/* Items that did not grow are not in the list. */
Datum
reco_serve_trending(PG_FUNCTION_ARGS)
{
	Request request;
	Listing listing;
	int32 items;

	request_read(fcinfo, &request);
	listing = listing_begin(&request);
	items = request.serving->model.items;
	for (int32 i = 0; i < items; i++)
		if (!(request.serving->trend[i] > 0))
			reco_set_add(listing.skip, i);
	listing.best = huge_zero((listing.n + 1) * sizeof(reco_ranked));
	listing.source = huge_zero((listing.n + 1) * sizeof(char *));
	add_stage(&listing, request.serving->trend, listing.n, "trending");
	listing_return(fcinfo, &listing, false, false);
	return (Datum) 0;
}
