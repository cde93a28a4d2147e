/*
 * similar.c
 *	  The functions behind a model's explain(), similar_items() and
 *	  similar_users().
 */
#include "serving/listing.h"

#include "catalog/pg_type.h"
#include "core/scoring/similar.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "serving/live.h"
#include "utils/memutils.h"

#include <math.h>

RECO_FUNCTION(reco_serve_explain);
RECO_FUNCTION(reco_serve_similar_items);
RECO_FUNCTION(reco_serve_similar_users);

/* One interaction's part in a score. */
typedef struct Reason
{
	double contribution;
	int32 item;
} Reason;

static int
compare_reasons(const void *a, const void *b)
{
	const Reason *x = a;
	const Reason *y = b;

	reco_poll();
	if (fabs(x->contribution) != fabs(y->contribution))
		return fabs(x->contribution) > fabs(y->contribution) ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

static void
add_reason(RecoRows *rows, const Reason *reason, Datum item, double size)
{
	Datum values[3];
	bool nulls[3] = {reason->item < 0, false, size == 0};

	values[0] = item;
	values[1] = Float4GetDatum((float) reason->contribution);
	values[2] = Float4GetDatum(size == 0 ? 0 : (float) (fabs(reason->contribution) / size));
	reco_rows_add(rows, values, nulls);
}

/*
 * Rows (because_item, contribution, share), largest first.  What does not come
 * from the user's own items - the mean and the item's bias - is a first row
 * without an item.  The contributions add up to the score; a share is a part of
 * the sum of their sizes.
 */
Datum
reco_serve_explain(PG_FUNCTION_ARGS)
{
	Request request;
	Serving *serving;
	reco_profile profile;
	RecoRows rows;
	ServedUser user;
	int32 item;
	double *contribution;
	double baseline = 0;
	double size;
	Reason *reason;
	RecoSeat *seat;
	bool additive;

	request_read(fcinfo, "explain", &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){serving->item_type->type, FLOAT4OID, FLOAT4OID}, 3);
	item = request_one_item(&request, "item");
	if (item < 0 || !request_user(&request, &user))
		return (Datum) 0;
	if (!reco_live_user(reco_live_open(serving, &request.row), serving, &user, &profile))
		return (Datum) 0;
	contribution = palloc0((profile.n + 1) * sizeof(double));
	seat = reco_model_seat(reco_serving_scorer(serving));
	reco_model_seat_user(seat, &profile);
	reco_model_seat_check(seat,
						  reco_seat_explain(seat->seat, item, contribution, &baseline, &additive));
	if (!additive)
		return (Datum) 0;
	reason = palloc((profile.n + 1) * sizeof(Reason));
	size = fabs(baseline);
	for (int64 j = 0; j < profile.n; j++)
	{
		RECO_POLL_AT(j);
		reason[j] = (Reason){contribution[j], profile.item[j]};
		size += fabs(contribution[j]);
	}
	qsort(reason, profile.n, sizeof(Reason), compare_reasons);
	if (baseline != 0)
		add_reason(&rows, &(Reason){baseline, -1}, (Datum) 0, size);
	for (int64 j = 0; j < profile.n; j++)
		if (!reco_serving_withholds(serving, reason[j].item))
			add_reason(&rows, &reason[j], id_dict_id(serving->items, reason[j].item), size);
	return (Datum) 0;
}

/* A row (rank, id, similarity). */
static void
add_similar(RecoRows *rows, int32 rank, Datum id, double similarity)
{
	Datum values[3] = {Int32GetDatum(rank), id, Float8GetDatum(similarity)};
	bool nulls[3] = {0};

	reco_rows_add(rows, values, nulls);
}

/*
 * The most similar ones that may be shown, moved to the front of what was found.  Returns how
 * many they are.
 */
static int32
similar_shown(Request *request, reco_by_similarity *by)
{
	Listing listing = listing_open(request);
	const reco_list *list = &listing.list;
	uint64 *shown = listing_alloc(RECO_SET_BYTES(request->serving->model.items));
	int32 count = 0;

	listing_fill(&listing, &(reco_stage){reco_best_by_similarity, by, "similar", list->n}, 1);
	for (int32 k = 0; k < list->count; k++)
	{
		RECO_POLL_AT(k);
		reco_set_add(shown, list->best[k].item);
	}
	/* a list has no room for the whole of a similarity */
	for (int32 k = 0; k < by->count && count < list->count; k++)
	{
		RECO_POLL_AT(k);
		if (reco_set_has(shown, by->similar[k].item))
			by->similar[count++] = by->similar[k];
	}
	return count;
}

Datum
reco_serve_similar_items(PG_FUNCTION_ARGS)
{
	Request request;
	Serving *serving;
	RecoRows rows;
	Datum item;
	int32 number;

	request_read(fcinfo, "similar_items", &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, serving->item_type->type, FLOAT8OID}, 3);
	if (request_n(&request, serving->model.items) > 0 && request_item(&request, &item) &&
		(number = reco_serving_item(serving, item)) >= 0)
	{
		RecoBudget budget;
		reco_by_similarity by = {.scorer = reco_serving_scorer(serving), .item = number};
		int32 count;

		reco_call_budget(&budget);
		by.env = budget.env;
		count = similar_shown(&request, &by);
		for (int32 k = 0; k < count; k++)
			add_similar(&rows, k + 1, id_dict_id(serving->items, by.similar[k].item),
						by.similar[k].similarity);
	}
	return (Datum) 0;
}

/* The user's stored neighbors, without those who have nothing any more. */
static void
add_neighbors(RecoRows *rows, const Serving *serving, const reco_profile *profile, int32 n)
{
	const ServingUsers *all = serving->all;
	int32 rank = 0;

	for (int32 k = 0; k < profile->neighbors && rank < n; k++)
	{
		int32 v = profile->neighbor[k];
		Datum id;

		RECO_POLL_AT(k);
		if (all->histories.start[v + 1] > all->histories.start[v] && reco_users_id(all, v, &id))
			add_similar(rows, ++rank, id, profile->similarity[k]);
	}
}

Datum
reco_serve_similar_users(PG_FUNCTION_ARGS)
{
	Request request;
	Serving *serving;
	reco_profile profile;
	RecoRows rows;
	const ServingUsers *all;
	ServedUser user;
	int32 number;
	int32 n;

	request_read(fcinfo, "similar_users", &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, serving->user_type->type, FLOAT8OID}, 3);
	n = request_n(&request, serving->users);
	if (n == 0 || !request_user(&request, &user) ||
		!reco_serving_user(serving, user.id, &profile) ||
		(profile.neighbors == 0 && profile.factors == NULL))
		return (Datum) 0;
	all = reco_serving_load_users(serving);
	if (profile.neighbors > 0)
		add_neighbors(&rows, serving, &profile, n);
	else if ((number = reco_users_find(all, user.id)) >= 0)
	{
		reco_similar *found = reco_call_alloc(n, sizeof(reco_similar));
		const RecoPartType *type;
		const RecoPart *factors =
			reco_member_role(serving->model.member, RECO_OF_USERS, RECO_ROLE_FACTORS, &type);
		RecoBudget budget;
		int32 count;

		reco_budget_init(&budget, CurrentMemoryContext);
		reco_budget_check(&budget,
						  reco_similar_rows(&budget.env, factors->data, serving->users, type->width,
											factors->stride, number, n, found, &count),
						  "the model");
		for (int32 k = 0; k < count; k++)
		{
			Datum id;

			if (reco_users_id(all, found[k].item, &id))
				add_similar(&rows, k + 1, id, found[k].similarity);
		}
	}
	return (Datum) 0;
}
