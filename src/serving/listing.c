/*
 * listing.c
 *	  What a list of recommendations is made of.
 *
 * Filters work before the cut: what must not be shown never enters the list of
 * the best, so exactly n rows come back while n items are left.  Whether an item is
 * available is asked of those that would be taken, and of more where some are not.
 * Places go to the model first, then to what is to be explored, to what grows, and to
 * what is popular, and the source column says which.
 *
 * Cost: a search for the best by the model; one pass over the items for each other stage
 * that has places left.
 */
#include "serving/listing.h"

#include "catalog/pg_type.h"
#include "core/base/rng.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include <math.h>

/* Candidates of a diverse list, for each place in it. */
#define CANDIDATES 10
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
	return skip;
}

Listing
listing_begin(Request *request)
{
	Serving *serving = request->serving;
	Listing listing = {serving, reco_live_open(serving, &request->row)};

	listing.filters = reco_live_filters(listing.live, serving);
	listing.n = request_n(request, serving->model.items);
	listing.skip = listing_skip(request);
	listing.diversity = request_share(request, "diversity");
	listing.explore = request_share(request, "explore");
	listing.seed = (uint64) request_int64(request, "explore_seed", 0);
	read_boost(request, &listing);
	return listing;
}

void
listing_skip_seen(Listing *listing, const reco_profile *profile)
{
	for (int64 j = 0; j < profile->n; j++)
	{
		RECO_POLL_AT(j);
		reco_set_add(listing->skip, profile->item[j]);
	}
	for (int64 j = 0; j < profile->n_has; j++)
	{
		RECO_POLL_AT(j);
		reco_set_add(listing->skip, profile->has[j]);
	}
}

/*
 * The first of `list` that are available, at most most, moved to its front; those that
 * are not are skipped from now on.  Returns how many they are.
 */
static int32
keep_available(Listing *listing, reco_ranked *list, int32 n, int32 most)
{
	int32 *item = listing_alloc(((Size) n + 1) * sizeof(int32));
	bool *available = listing_alloc((Size) n + 1);
	int32 kept = 0;

	for (int32 r = 0; r < n; r++)
		item[r] = list[r].item;
	reco_live_filter(listing->live, listing->serving, item, n, available);
	for (int32 r = 0; r < n; r++)
	{
		RECO_POLL_AT(r);
		if (!available[r])
			reco_set_add(listing->skip, item[r]);
		else if (kept < most)
			list[kept++] = list[r];
	}
	pfree(available);
	pfree(item);
	return kept;
}

/*
 * The n best that are not skipped and are available, best first, by score or, where that
 * is NULL, by what a seat says of its user; they are skipped from now on.  As long
 * as some are not available, larger and larger batches are asked for.
 */
static int32
take_best(Listing *listing, const float *score, RecoSeat *seat, int32 n, reco_ranked *out)
{
	int32 items = listing->serving->model.items;
	int32 batch = n;
	int32 taken = 0;
	bool more = n > 0;

	while (more)
	{
		reco_ranked *list =
			listing->filters ? listing_alloc((Size) batch * sizeof(reco_ranked)) : out;
		int32 found = score ? reco_top_n(&reco_poll_env, score, items, listing->skip, batch, list)
							: reco_seat_top(seat->seat, listing->skip, batch, list);
		int32 kept = found;

		more = listing->filters && found == batch;
		if (listing->filters)
		{
			kept = keep_available(listing, list, found, n - taken);
			memcpy(out + taken, list, kept * sizeof(reco_ranked));
			pfree(list);
		}
		for (int32 r = taken; r < taken + kept; r++)
		{
			RECO_POLL_AT(r);
			reco_set_add(listing->skip, out[r].item);
		}
		taken += kept;
		more = more && taken < n;
		batch = (int32) Min((int64) batch * 4, items);
	}
	return taken;
}

static void
add_best(Listing *listing, const float *score, RecoSeat *seat, int32 most, const char *source)
{
	int32 left = Min(listing->n - listing->count, most);
	int32 count = take_best(listing, score, seat, left, listing->best + listing->count);

	for (int32 r = 0; r < count; r++)
		listing->source[listing->count++] = source;
}

void
listing_add(Listing *listing, const float *score, int32 most, const char *source)
{
	add_best(listing, score, NULL, most, source);
}

/* What the model says of all items, boosted; NULL: nothing is. */
static float *
boosted(const Listing *listing, RecoSeat *seat)
{
	int32 items = listing->serving->model.items;
	const float *boost = listing->boost;
	float *score;

	if (boost == NULL)
		return NULL;
	score = listing_alloc((Size) items * sizeof(float));
	reco_model_seat_check(seat, reco_seat_score(seat->seat, score));
	for (int32 i = 0; i < items; i++)
	{
		RECO_POLL_AT(i);
		score[i] = score[i] > 0 ? score[i] * boost[i] : score[i] / boost[i];
	}
	return score;
}

/* What the model itself says. */
static void
add_model(Listing *listing, RecoSeat *seat, int32 places)
{
	const RecoModel *model = &listing->serving->model;
	const char *source = model->spec->algorithm->source;
	float *score = boosted(listing, seat);

	if (listing->diversity > 0)
	{
		int32 m = (int32) Min((int64) CANDIDATES * places, model->items);
		reco_ranked *candidate = listing_alloc(((Size) m + 1) * sizeof(reco_ranked));

		m = take_best(listing, score, seat, m, candidate);
		reco_model_seat_check(seat, reco_diversify(&seat->budget.env, seat->seat->scorer,
												   listing->diversity, candidate, m, places));
		for (int32 r = 0; r < m && r < places; r++)
		{
			listing->best[listing->count] = candidate[r];
			listing->source[listing->count++] = source;
		}
		for (int32 r = places; r < m; r++)
			reco_set_remove(listing->skip, candidate[r].item);
		pfree(candidate);
	}
	else
		add_best(listing, score, seat, places, source);
	if (score)
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
	float *draw = listing_alloc((Size) items * sizeof(float));
	int32 from = listing->count;
	uint64 key = reco_rng_row(listing->seed, 0);

	for (int32 r = 0; r < items; r++)
	{
		RECO_POLL_AT(r);
		draw[serving->popular[r]] =
			r < known ? -INFINITY : (float) reco_rng_uniform(key, serving->popular[r]);
	}
	listing_add(listing, draw, most, "explore");
	for (int32 r = from; r < listing->count; r++)
		listing->best[r].score = 0;
	pfree(draw);
}

/* What is known about items, for whom the model itself has nothing more to say. */
static void
add_content(Listing *listing, const reco_profile *profile)
{
	const RecoModel *model = &listing->serving->model;
	RecoSeat *seat;

	if (model->content == NULL || profile == NULL || profile->n == 0 ||
		reco_spec_needs(model->spec, RECO_NEEDS_CONTENT))
		return;
	seat = reco_model_seat(reco_content_scorer_of(model));
	reco_model_seat_user(seat, profile);
	if (reco_seat_knows(seat->seat))
		add_best(listing, NULL, seat, listing->n, "content");
	reco_model_seat_end(seat);
}

static void
add_trending(Listing *listing)
{
	Serving *serving = listing->serving;
	int32 items = serving->model.items;
	float *trend = listing_alloc((Size) items * sizeof(float));

	for (int32 i = 0; i < items; i++)
	{
		RECO_POLL_AT(i);
		trend[i] = serving->trend[i] >= TRENDING ? serving->trend[i] : -INFINITY;
	}
	listing_add(listing, trend, listing->n, "trending");
	pfree(trend);
}

static void
add_popular(Listing *listing)
{
	Serving *serving = listing->serving;
	int32 items = serving->model.items;
	int32 batch = listing->n - listing->count;
	int32 r = 0;

	while (listing->count < listing->n && r < items)
	{
		reco_ranked *list = listing_alloc((Size) batch * sizeof(reco_ranked));
		int32 found = 0;

		for (; r < items && found < batch; r++)
		{
			RECO_POLL_AT(r);
			if (!reco_set_has(listing->skip, serving->popular[r]))
				list[found++] =
					(reco_ranked){serving->interactions[serving->popular[r]], serving->popular[r]};
		}
		if (listing->filters)
			found = keep_available(listing, list, found, listing->n - listing->count);
		for (int32 k = 0; k < found; k++)
		{
			RECO_POLL_AT(k);
			listing->best[listing->count] = list[k];
			listing->source[listing->count++] = "popular";
			reco_set_add(listing->skip, list[k].item);
		}
		pfree(list);
		batch = (int32) Min((int64) batch * 4, items);
	}
}

/*
 * The best by the model, as far as the profile says something (NULL: nothing); places
 * that are left go to what grows, and then to what is popular.
 */
void
listing_fill(Listing *listing, const reco_profile *profile, const char *fallback)
{
	RecoSeat *seat = NULL;
	bool none = strcmp(fallback, "none") == 0;
	bool known;
	bool popular = strcmp(fallback, "popular") == 0;

	if (!none && !popular && strcmp(fallback, "auto") != 0 && strcmp(fallback, "trending") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for fallback: \"%s\"", fallback),
				 errhint("Valid values are: \"auto\", \"trending\", \"popular\", \"none\".")));
	if (listing->n == 0)
		return;
	listing->best = listing_alloc(listing->n * sizeof(reco_ranked));
	listing->source = listing_alloc(listing->n * sizeof(char *));
	if (profile)
	{
		seat = reco_model_seat(reco_serving_scorer(listing->serving));
		reco_model_seat_user(seat, profile);
	}
	known = profile && reco_seat_knows(seat->seat);
	if (known)
		add_model(listing, seat, listing->n - (int32) floor(listing->explore * listing->n));
	if (listing->explore > 0)
	{
		add_explored(listing);
		/* places for which there was nothing to explore */
		if (known && listing->count < listing->n)
			add_model(listing, seat, listing->n - listing->count);
	}
	if (seat)
		reco_model_seat_end(seat);
	if (strcmp(fallback, "auto") == 0 && listing->count < listing->n)
		add_content(listing, profile);
	if (!none && !popular && listing->count < listing->n)
		add_trending(listing);
	if (!none)
		add_popular(listing);
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
	RecoRows rows = reco_rows_begin(fcinfo, types, with_source ? 4 : 3);
	Datum values[4];
	bool nulls[4] = {0};
	MemoryContext row =
		AllocSetContextCreate(CurrentMemoryContext, "reco row", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(row);

	for (int32 r = 0; r < listing->count; r++)
	{
		Datum id = id_dict_id(serving->items, listing->best[r].item);

		values[0] = Int32GetDatum(r + 1);
		values[1] = as_text ? CStringGetTextDatum(id_to_text(serving->item_type, id)) : id;
		values[2] = Float4GetDatum(listing->best[r].score);
		if (with_source)
			values[3] = CStringGetTextDatum(listing->source[r]);
		reco_rows_add(&rows, values, nulls);
		reco_poll();
		if (r % 256 == 255)
			MemoryContextReset(row);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row);
}
