/*
 * expose.c
 *	  A list to be shown and logged: a model's expose().
 *
 * The list is that of recommend(), and when it is to explore, some places at its end are drawn
 * from all other items that could be in it, each as likely as any other.  So the propensity of an
 * item, how likely it was to be in the list, is known: 1 before those places, and in k of them
 * k / (items that were left).
 *
 * Cost: that of recommend(); with places to be drawn a pass over the items, and where items say
 * what is available a look-up of all that are left.
 */
#include "serving/listing.h"

#include "catalog/pg_type.h"
#include "core/base/rng.h"
#include "utils/builtins.h"

#include <math.h>

RECO_FUNCTION(reco_serve_expose);

#define COLUMNS 7

/* What is drawn after a list. */
typedef struct Drawn
{
	int32 n;
	int32 left; /* that it was drawn from */
	reco_ranked *best;
} Drawn;

/* The items that are neither skipped nor in the list; those that are not available are skipped. */
static int32
find_left(Listing *listing)
{
	int32 items = listing->serving->model.items;
	int32 *item = listing_alloc((Size) items * sizeof(int32));
	int32 n = 0;
	int32 left = 0;

	for (int32 i = 0; i < items; i++)
	{
		RECO_POLL_AT(i);
		if (!reco_set_has(listing->skip, i))
			item[n++] = i;
	}
	left = n;
	if (listing->filters && n > 0)
	{
		bool *available = listing_alloc((Size) n * sizeof(bool));

		reco_live_filter(listing->live, listing->serving, item, n, available);
		for (int32 k = 0; k < n; k++)
		{
			RECO_POLL_AT(k);
			if (available[k])
				continue;
			reco_set_add(listing->skip, item[k]);
			left--;
		}
		pfree(available);
	}
	pfree(item);
	return left;
}

static void
draw(Listing *listing, int32 n, Drawn *drawn)
{
	int32 items = listing->serving->model.items;
	uint64 key = reco_rng_row(listing->seed, 0);
	float *score;

	if (n <= 0)
		return;
	drawn->left = find_left(listing);
	drawn->best = listing_alloc((Size) n * sizeof(reco_ranked));
	score = listing_alloc((Size) items * sizeof(float));
	for (int32 i = 0; i < items; i++)
	{
		RECO_POLL_AT(i);
		score[i] = (float) reco_rng_uniform(key, i);
	}
	drawn->n = reco_top_n(&reco_poll_env, score, items, listing->skip, n, drawn->best);
	if (drawn->n < 0)
		drawn->n = 0;
	pfree(score);
}

static void
add_row(RecoRows *rows, Request *request, int32 rank, const reco_ranked *item, const char *source,
		double propensity)
{
	Datum values[COLUMNS] = {CStringGetTextDatum(request->row.name),
							 Int32GetDatum(request->row.active_version),
							 Int32GetDatum(rank),
							 id_dict_id(request->serving->items, item->item),
							 Float4GetDatum(item->score),
							 CStringGetTextDatum(source),
							 Float8GetDatum(propensity)};
	bool nulls[COLUMNS] = {0};

	reco_rows_add(rows, values, nulls);
}

Datum
reco_serve_expose(PG_FUNCTION_ARGS)
{
	Request request;
	Listing listing;
	reco_profile profile;
	Drawn drawn = {0};
	ServedUser user;
	bool known;
	int32 places;
	RecoRows rows;

	request_read(fcinfo, "expose", &request);
	rows = reco_rows_begin(fcinfo,
						   (Oid[]){TEXTOID, INT4OID, INT4OID, request.serving->item_type->type,
								   FLOAT4OID, TEXTOID, FLOAT8OID},
						   COLUMNS);
	listing = listing_begin(&request);
	if (!request.has_subject)
		return (Datum) 0;
	places = (int32) floor(listing.explore * listing.list.n);
	listing.list.n -= places;
	listing.explore = 0;
	known = request_user(&request, &user) &&
			reco_live_user(listing.live, request.serving, &user, &profile);
	if (known && !request_bool(&request, "include_seen", false))
		listing_skip_seen(&listing, &profile);
	listing_recommend(&listing, known ? &profile : NULL,
					  request_string(&request, "fallback", "auto"));
	draw(&listing, places, &drawn);
	for (int32 r = 0; r < listing.list.count; r++)
		add_row(&rows, &request, r + 1, &listing.list.best[r], listing.list.source[r], 1);
	for (int32 r = 0; r < drawn.n; r++)
	{
		drawn.best[r].score = 0;
		add_row(&rows, &request, listing.list.count + r + 1, &drawn.best[r], "explore",
				(double) drawn.n / drawn.left);
	}
	return (Datum) 0;
}
