/*
 * listing.h
 *	  What a list of recommendations is made of.
 */
#ifndef RECO_SERVING_LISTING_H
#define RECO_SERVING_LISTING_H

#include "core/scoring/stages.h"
#include "pg/rows.h"
#include "serving/request.h"
#include "serving/live.h"

/* A list to be made. */
typedef struct Listing
{
	Serving *serving;
	RecoLive *live;
	bool filters; /* items are asked whether they are available */
	uint64 *skip; /* items that must not be in it */
	double diversity;
	double explore;
	uint64 seed;  /* of what is explored */
	float *boost; /* by item, factors of scores; NULL: none */
	reco_list list;
} Listing;

/* With the options n, among and exclude of a request. */
extern Listing listing_open(Request *request);

/* With diversity, explore and boosts as well. */
extern Listing listing_begin(Request *request);

/* The items that must not be shown, by the options among and exclude: a set. */
extern uint64 *listing_skip(Request *request);

/* The items of a profile are not shown. */
extern void listing_skip_seen(Listing *listing, const reco_profile *profile);

/* Gives the places to stages, one after the other. */
extern void listing_fill(Listing *listing, const reco_stage *stage, int stages);

/* All stages of a recommendation; profile NULL: nothing is known of the user. */
extern void listing_recommend(Listing *listing, const reco_profile *profile, const char *fallback);

/* What grew by `least` or more, as candidates. */
extern reco_by_score listing_trending(const Serving *serving, float least);

/* Rows of (rank, item, score [, source]); as_text: the item in its text form. */
extern void listing_return(FunctionCallInfo fcinfo, Listing *listing, bool with_source,
						   bool as_text);

/* Items in the order of a list: the best first, equal ones by number. */
extern void listing_sort(reco_ranked *ranked, Size n);

/* Zeroed memory of any size. */
extern void *listing_alloc(Size bytes);

#endif /* RECO_SERVING_LISTING_H */
