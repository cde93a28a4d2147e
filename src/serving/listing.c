/*
 * listing.c
 *	  What a list of recommendations is made of.
 *
 * A list is filled by stages (core/scoring/stages.h): listing_recommend says which, in their
 * order.  Places go to the model first, then to what is to be explored, to content, to what
 * grows, and to what is popular, and the source column says which.  What must not be shown, and
 * what is not available now, is kept out of all of them by one set and one question.
 *
 * Cost: a search for the best by the model; one pass over the items for each other stage
 * that has places left, which makes what it needs when it is asked.
 */
#include "serving/listing.h"

#include "catalog/pg_type.h"
#include "core/base/rng.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include <math.h>

/* Ids of a list that memory is asked for before they are read: a usual length. */
#define IDS_AHEAD 16
/* Growth that chance would not make, in standard deviations. */
#define TRENDING 1
/* The share of items, by popularity, that need no exploring. */
#define KNOWN_SHARE 0.2

void *
listing_alloc(Size bytes)
{
	return reco_call_alloc(1, Max(bytes, 1));
}

static void
skip_item(void *arg, int32 number, const Datum *id)
{
	if (number >= 0)
		reco_set_add(arg, number);
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
boost_item(void *arg, int32 number, const Datum *id)
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
	boost.by_item = listing_alloc((Size) items * sizeof(float));
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

uint64 *
listing_skip(Request *request)
{
	Size words = RECO_SET_BYTES(request->serving->model.items) / 8;
	uint64 *skip = listing_alloc(words * 8);

	/* an empty array allows nothing */
	if (request_items(request, "among", skip_item, skip))
		for (Size w = 0; w < words; w++)
			skip[w] = ~skip[w];
	request_items(request, "exclude", skip_item, skip);
	for (int32 i = 0; request->serving->withholds && i < request->serving->model.items; i++)
	{
		RECO_POLL_AT(i);
		if (reco_serving_withholds(request->serving, i))
			reco_set_add(skip, i);
	}
	return skip;
}

Listing
listing_open(Request *request)
{
	Serving *serving = request->serving;
	Listing listing = {serving, reco_live_open(serving, &request->row)};

	listing.filters = reco_live_filters(listing.live, serving);
	listing.list.n = request_n(request, serving->model.items);
	listing.skip = listing_skip(request);
	return listing;
}

Listing
listing_begin(Request *request)
{
	Listing listing = listing_open(request);

	listing.diversity = request_share(request, "diversity");
	listing.explore = request_share(request, "explore");
	listing.seed = (uint64) request_int64(request, "explore_seed", 0);
	read_boost(request, &listing);
	return listing;
}

void
listing_skip_seen(Listing *listing, const reco_profile *profile)
{
	int64 n;
	const int32 *seen = reco_profile_seen(profile, &n);

	for (int64 j = 0; j < n; j++)
	{
		RECO_POLL_AT(j);
		reco_set_add(listing->skip, seen[j]);
	}
}

static reco_status
ask_available(void *arg, const int32_t *item, int32_t n, bool *available)
{
	const Listing *listing = arg;

	reco_live_filter(listing->live, listing->serving, item, n, available);
	return RECO_OK;
}

void
listing_fill(Listing *listing, const reco_stage *stage, int stages)
{
	reco_list *list = &listing->list;
	reco_filters filters = {listing->serving->model.items, listing->skip,
							listing->filters ? ask_available : NULL, listing};
	RecoBudget budget;

	list->best = listing_alloc((Size) list->n * sizeof(reco_ranked));
	list->source = listing_alloc((Size) list->n * sizeof(char *));
	reco_call_budget(&budget);
	reco_call_check(&budget, reco_list_fill(&budget.env, stage, stages, &filters, list));
}

/* Candidates by what a scorer says of a user. */
typedef struct ByScorer
{
	const reco_scorer *scorer;
	const reco_profile *profile;
	const float *boost; /* by item; NULL: none */
	RecoSeat *seat;     /* NULL: not asked yet */
	float *score;       /* of all items, boosted */
} ByScorer;

static void
open_by_scorer(ByScorer *by)
{
	int32 items = by->scorer->items;

	by->seat = reco_model_seat(by->scorer);
	reco_model_seat_user(by->seat, by->profile);
	if (by->boost == NULL || !reco_seat_is_personal(by->seat->seat))
		return;
	by->score = listing_alloc((Size) items * sizeof(float));
	reco_model_seat_check(by->seat, reco_seat_score(by->seat->seat, by->score));
	for (int32 i = 0; i < items; i++)
	{
		float score = by->score[i];

		RECO_POLL_AT(i);
		by->score[i] = score > 0 ? score * by->boost[i] : score / by->boost[i];
	}
}

static reco_status
best_by_scorer(void *arg, const uint64_t *skip, int32_t n, reco_ranked *out, int32_t *found)
{
	ByScorer *by = arg;

	if (by->seat == NULL)
		open_by_scorer(by);
	if (by->score)
		*found = reco_top_n(&reco_poll_env, by->score, by->scorer->items, skip, n, out);
	else if (reco_seat_is_personal(by->seat->seat))
		*found = reco_seat_top(by->seat->seat, skip, n, out);
	else
		*found = 0;
	return *found < 0 ? RECO_STOPPED : RECO_OK;
}

static void
close_by_scorer(ByScorer *by)
{
	if (by->seat)
		reco_model_seat_end(by->seat);
	if (by->score)
		pfree(by->score);
}

/*
 * Seldom seen items, drawn by a seed: what the model cannot know before somebody has been shown
 * it.
 */
typedef struct Exploration
{
	const Serving *serving;
	uint64 seed;
	float *draw; /* by item; NULL: not drawn yet */
} Exploration;

static void
draw_items(Exploration *of)
{
	int32 items = of->serving->model.items;
	int32 known = (int32) (KNOWN_SHARE * items);
	uint64 key = reco_rng_row(of->seed, 0);

	of->draw = listing_alloc((Size) items * sizeof(float));
	for (int32 r = 0; r < items; r++)
	{
		int32 item = of->serving->popular[r];

		RECO_POLL_AT(r);
		of->draw[item] = r < known ? -INFINITY : (float) reco_rng_uniform(key, item);
	}
}

/* Scores are those of chance, 0. */
static reco_status
best_to_explore(void *arg, const uint64_t *skip, int32_t n, reco_ranked *out, int32_t *found)
{
	Exploration *of = arg;

	if (of->draw == NULL)
		draw_items(of);
	*found = reco_top_n(&reco_poll_env, of->draw, of->serving->model.items, skip, n, out);
	for (int32 r = 0; r < *found; r++)
		out[r].score = 0;
	return *found < 0 ? RECO_STOPPED : RECO_OK;
}

static void
close_exploration(Exploration *of)
{
	if (of->draw)
		pfree(of->draw);
}

reco_by_score
listing_trending(const Serving *serving, float least)
{
	return (reco_by_score){reco_poll_env, serving->trend, serving->model.items, least};
}

/* What takes the places that the model leaves, from the least to the most. */
typedef enum Fallback
{
	FALLBACK_NONE,
	FALLBACK_POPULAR,
	FALLBACK_TRENDING, /* and then what is popular */
	FALLBACK_AUTO      /* and before these content */
} Fallback;

static Fallback
fallback_of(const char *name)
{
	static const char *const names[] = {"none", "popular", "trending", "auto"};

	for (int k = 0; k < lengthof(names); k++)
		if (strcmp(name, names[k]) == 0)
			return (Fallback) k;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for fallback: \"%s\"", name),
					errhint("Valid values are: \"auto\", \"trending\", \"popular\", \"none\".")));
	return FALLBACK_NONE; /* not reached */
}

/* Whether what is known about items says something that the model itself has not said. */
static bool
has_content(const RecoModel *model, const reco_profile *profile)
{
	return model->content && profile && profile->n > 0 &&
		   model->spec->features == RECO_FEATURES_NONE;
}

void
listing_recommend(Listing *listing, const reco_profile *profile, const char *fallback)
{
	Serving *serving = listing->serving;
	const RecoModel *model = &serving->model;
	Fallback last = fallback_of(fallback);
	int32 n = listing->list.n;
	int32 explored = (int32) floor(listing->explore * n);
	bool content = last >= FALLBACK_AUTO && has_content(model, profile);
	const reco_scorer *scorer = profile ? reco_serving_scorer(serving) : NULL;
	const char *source = reco_spec_source(model->spec);
	ByScorer by_model = {scorer, profile, listing->boost};
	ByScorer by_content = {content ? reco_content_scorer_of(model) : NULL, profile};
	Exploration exploration = {serving, listing->seed};
	reco_by_score by_trend = listing_trending(serving, TRENDING);
	reco_by_order by_popularity = {reco_poll_env, serving->popular, serving->interactions,
								   model->items};
	const reco_stage stages[] = {
		{best_by_scorer, &by_model, source, profile ? n - explored : 0, listing->diversity, scorer},
		{best_to_explore, &exploration, "explore", explored},
		/* places for which there was nothing to explore */
		{best_by_scorer, &by_model, source, profile && explored > 0 ? n : 0, listing->diversity,
		 scorer},
		{best_by_scorer, &by_content, "content", content ? n : 0},
		{reco_best_by_score, &by_trend, "trending", last >= FALLBACK_TRENDING ? n : 0},
		{reco_best_by_order, &by_popularity, "popular", last >= FALLBACK_POPULAR ? n : 0},
	};

	listing_fill(listing, stages, lengthof(stages));
	close_exploration(&exploration);
	close_by_scorer(&by_content);
	close_by_scorer(&by_model);
}

/*
 * Returns the list as rows of (rank, item, score [, source]); as_text: the item
 * in its text form.
 */
void
listing_return(FunctionCallInfo fcinfo, Listing *listing, bool with_source, bool as_text)
{
	Serving *serving = listing->serving;
	Oid types[] = {INT4OID, as_text ? TEXTOID : serving->item_type->type, FLOAT4OID, TEXTOID};
	RecoRows rows;
	Datum values[4];
	bool nulls[4] = {0};
	MemoryContext row;
	MemoryContext old;

	for (int32 r = 0; r < Min(listing->list.count, IDS_AHEAD); r++)
		id_dict_prefetch_id(serving->items, listing->list.best[r].item);
	rows = reco_rows_begin(fcinfo, types, with_source ? 4 : 3);
	row = AllocSetContextCreate(CurrentMemoryContext, "reco row", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(row);
	for (int32 r = 0; r < listing->list.count; r++)
	{
		Datum id = id_dict_id(serving->items, listing->list.best[r].item);

		values[0] = Int32GetDatum(r + 1);
		values[1] = as_text ? CStringGetTextDatum(id_to_text(serving->item_type, id)) : id;
		values[2] = Float4GetDatum(listing->list.best[r].score);
		if (with_source)
			values[3] = CStringGetTextDatum(listing->list.source[r]);
		reco_rows_add(&rows, values, nulls);
		reco_poll();
		if (r % 256 == 255)
			MemoryContextReset(row);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row);
}

static int
compare_ranked(const void *a, const void *b)
{
	const reco_ranked *x = a;
	const reco_ranked *y = b;

	reco_poll();
	return reco_ranked_after(*x, *y) - reco_ranked_after(*y, *x);
}

void
listing_sort(reco_ranked *ranked, Size n)
{
	qsort(ranked, n, sizeof(reco_ranked), compare_ranked);
}
