/*
 * similar.c
 *	  The functions behind a model's explain(), similar_items() and
 *	  similar_users().
 */
#include "api/listing.h"

#include "catalog/pg_type.h"
#include "core/score.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "store/live.h"
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
	RecoModel *model;
	RecoProfile profile;
	RecoRows rows;
	Datum user;
	int32 item;
	double *contribution;
	double baseline = 0;
	double size;
	Reason *reason;

	request_read(fcinfo, "explain", &request);
	serving = request.serving;
	model = &serving->model;
	rows = reco_rows_begin(fcinfo, (Oid[]){serving->item_type->type, FLOAT4OID, FLOAT4OID}, 3);
	item = request_one_item(&request, "item");
	if (item < 0 || !request_user(&request, &user))
		return (Datum) 0;
	/* what neighbors add comes through what they had in common when they were found */
	if (!(model->spec->algorithm->costly_fold_in
			  ? reco_serving_user(serving, user, &profile)
			  : reco_live_user(reco_live_open(serving, &request.row), serving, user, &profile)))
		return (Datum) 0;
	contribution = palloc0((profile.n + 1) * sizeof(double));
	if (!model->spec->algorithm->explain(model, &profile, item, contribution, &baseline))
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
		add_reason(&rows, &reason[j], id_dict_id(serving->items, reason[j].item), size);
	return (Datum) 0;
}

/* A row (rank, id, similarity). */
static void
add_similar(RecoRows *rows, int32 rank, int32 number, double similarity, IdDict *ids)
{
	Datum values[3] = {Int32GetDatum(rank), id_dict_id(ids, number), Float8GetDatum(similarity)};
	bool nulls[3] = {0};

	reco_rows_add(rows, values, nulls);
}

typedef struct Follower
{
	double similarity;
	int32 item;
} Follower;

static int
compare_followers(const void *a, const void *b)
{
	const Follower *x = a;
	const Follower *y = b;

	reco_poll();
	if (x->similarity != y->similarity)
		return x->similarity > y->similarity ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

/*
 * The n rows of a matrix most like row `self` by cosine: found in float4, listed in the
 * order of their similarity in float8.  Rows of zeros are like nothing.  Returns how many.
 */
static int32
most_similar(const RecoModel *model, const float *matrix, int32 count, int32 self, int32 n,
			 Follower *found)
{
	const float *x = matrix + (Size) self * model->stride;
	float *score = reco_call_alloc(count, sizeof(float));
	uint64 *skip = reco_call_alloc(1, RECO_SET_BYTES(count) + 8);
	reco_ranked *best = reco_call_alloc(n, sizeof(reco_ranked));
	double own;
	float norm;

	reco_score(x, 1, model->stride, x, NULL, 0, &norm);
	own = sqrt(norm);
	if (own == 0)
		return 0;
	reco_set_add(skip, self);
	for (int32 i = 0; i < count; i++)
	{
		const float *y = matrix + (Size) i * model->stride;

		if (i % 4096 == 0)
			reco_poll();
		reco_score(y, 1, model->stride, x, NULL, 0, &score[i]);
		reco_score(y, 1, model->stride, y, NULL, 0, &norm);
		if (norm > 0)
			score[i] = (float) Min(Max(score[i] / (own * sqrt(norm)), -1.0), 1.0);
		else
			reco_set_add(skip, i);
	}
	n = reco_top_n(&reco_poll_env, score, count, skip, n, best);
	for (int32 r = 0; r < n; r++)
	{
		reco_poll();
		found[r] =
			(Follower){reco_model_cosine(model, x, matrix + (Size) best[r].item * model->stride),
					   best[r].item};
	}
	qsort(found, n, sizeof(Follower), compare_followers);
	pfree(score);
	pfree(skip);
	pfree(best);
	return n;
}

/* s(follower | item) as it is stored, in float8.  Leaves the row in the memory context. */
static double
stored_similarity(Serving *serving, int32 follower, int32 item)
{
	int32 *neighbor = NULL;
	double *similarity = NULL;
	int32 count = reco_serving_item_neighbors(serving, follower, &neighbor, &similarity);
	double found = 0;

	reco_poll();
	for (int32 k = 0; k < count; k++)
		if (neighbor[k] == item)
			found = similarity[k];
	return found;
}

/*
 * Where the lists say what speaks for an item, what is similar to an item is
 * whom it speaks for.  Followers are kept in float4: those that may be among the
 * first n are read.
 */
static int32
followers_of(Serving *serving, int32 item, int32 n, Follower *found)
{
	const reco_csr *f = &serving->model.followers;
	int64 from = f->start[item];
	int32 count = (int32) (f->start[item + 1] - from);
	Follower *follower = reco_call_alloc(count, sizeof(Follower));
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "reco item", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	int32 near;

	for (int32 k = 0; k < count; k++)
	{
		RECO_POLL_AT(k);
		follower[k] = (Follower){f->value[from + k], f->col[from + k]};
	}
	qsort(follower, count, sizeof(Follower), compare_followers);
	near = Min(n, count);
	while (near < count && follower[near].similarity == follower[n - 1].similarity)
	{
		RECO_POLL_AT(near);
		near++;
	}
	old = MemoryContextSwitchTo(scratch);
	for (int32 k = 0; k < near; k++)
	{
		follower[k].similarity = stored_similarity(serving, follower[k].item, item);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	qsort(follower, near, sizeof(Follower), compare_followers);
	n = Min(n, near);
	memcpy(found, follower, n * sizeof(Follower));
	pfree(follower);
	return n;
}

/*
 * By what is known about items: those that suit whoever has just this one.
 */
static int32
similar_content(Serving *serving, int32 item, int32 n, Follower *found)
{
	RecoModel *model = &serving->model;
	RecoProfile profile = {.n = 1, .item = &item};
	float *score = reco_call_alloc(model->items, sizeof(float));
	uint64 *skip = reco_call_alloc(1, RECO_SET_BYTES(model->items) + 8);
	reco_ranked *best = reco_call_alloc(n, sizeof(reco_ranked));

	RecoBudget budget;
	reco_content_profile made;

	model->spec->algorithm->score(model, &profile, score);
	reco_set_add(skip, item);
	n = reco_top_n(&reco_poll_env, score, model->items, skip, n, best);
	/* once more in float8 */
	reco_budget_init(&budget, CurrentMemoryContext);
	reco_budget_check(&budget,
					  reco_content_profile_make(&budget.env, model->content,
												&(reco_content_user){1, &item, NULL}, &made),
					  "the model");
	for (int32 r = 0; r < n; r++)
	{
		reco_poll();
		found[r].item = best[r].item;
		reco_budget_check(&budget,
						  reco_content_score_one(&budget.env, model->content, &made, best[r].item,
												 &found[r].similarity),
						  "the model");
	}
	qsort(found, n, sizeof(Follower), compare_followers);
	reco_content_profile_free(&budget.env, &made);
	pfree(score);
	pfree(skip);
	pfree(best);
	return n;
}

/* The first n of the list of an item that is stored. */
static int32
own_list(Serving *serving, int32 item, int32 n, Follower *found)
{
	int32 *neighbor = NULL;
	double *similarity = NULL;
	int32 count = Min(reco_serving_item_neighbors(serving, item, &neighbor, &similarity), n);

	for (int32 k = 0; k < count; k++)
		found[k] = (Follower){similarity[k], neighbor[k]};
	return count;
}

/* The n items most similar to one, the most similar first.  Returns how many there are. */
static int32
similar_to_item(Serving *serving, int32 item, int32 n, Follower *found)
{
	const RecoModel *model = &serving->model;
	const RecoAlgorithm *algorithm = model->spec->algorithm;

	if (algorithm->needs_features)
		return similar_content(serving, item, n, found);
	if (algorithm->own_lists)
		return algorithm->own_lists(model) ? own_list(serving, item, n, found)
										   : followers_of(serving, item, n, found);
	return model->factors > 0 ? most_similar(model, model->item, model->items, item, n, found) : 0;
}

/* Those of n items that may be shown, moved to the front.  Returns how many they are. */
static int32
keep_shown(RecoLive *live, Serving *serving, const uint64 *skip, Follower *found, int32 n)
{
	int32 *item = reco_call_alloc(n, sizeof(int32));
	bool *available = reco_call_alloc(n, sizeof(bool));
	int32 kept = 0;

	for (int32 k = 0; k < n; k++)
	{
		RECO_POLL_AT(k);
		if (!reco_set_has(skip, found[k].item))
			found[kept++] = found[k];
	}
	n = kept;
	kept = 0;
	for (int32 k = 0; k < n; k++)
		item[k] = found[k].item;
	reco_live_filter(live, serving, item, n, available);
	for (int32 k = 0; k < n; k++)
	{
		RECO_POLL_AT(k);
		if (available[k])
			found[kept++] = found[k];
	}
	pfree(available);
	pfree(item);
	return kept;
}

/*
 * The n most similar ones that may be shown: as long as those are too few, of a list
 * twice as long.
 */
static int32
similar_shown(Request *request, int32 item, int32 n, Follower **found)
{
	Serving *serving = request->serving;
	RecoLive *live = reco_live_open(serving, &request->row);
	const uint64 *skip = listing_skip(request);
	bool filters = reco_live_filters(live, serving) || request_has(request, "among") ||
				   request_has(request, "exclude");
	int32 items = serving->model.items;

	for (int32 most = n;; most = most > items / 2 ? items : 2 * most)
	{
		int32 count;
		int32 kept;

		*found = reco_call_alloc(most, sizeof(Follower));
		count = kept = similar_to_item(serving, item, most, *found);
		if (filters)
			kept = keep_shown(live, serving, skip, *found, count);
		if (kept >= n || count < most || most == items)
			return Min(kept, n);
		pfree(*found);
	}
}

Datum
reco_serve_similar_items(PG_FUNCTION_ARGS)
{
	Request request;
	Serving *serving;
	RecoRows rows;
	Datum item;
	int32 number;
	int32 n;

	request_read(fcinfo, "similar_items", &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, serving->item_type->type, FLOAT8OID}, 3);
	n = request_n(&request, serving->model.items);
	if (n > 0 && request_item(&request, &item) &&
		(number = id_dict_find(serving->items, item)) >= 0)
	{
		Follower *found;
		int32 count = similar_shown(&request, number, n, &found);

		for (int32 k = 0; k < count; k++)
			add_similar(&rows, k + 1, found[k].item, found[k].similarity, serving->items);
	}
	return (Datum) 0;
}

Datum
reco_serve_similar_users(PG_FUNCTION_ARGS)
{
	Request request;
	Serving *serving;
	RecoProfile profile;
	RecoRows rows;
	const ServingUsers *all;
	Datum user;
	int32 number;
	int32 n;

	request_read(fcinfo, "similar_users", &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, serving->user_type->type, FLOAT8OID}, 3);
	n = request_n(&request, serving->users);
	if (n == 0 || !request_user(&request, &user) || !reco_serving_user(serving, user, &profile) ||
		(profile.neighbors == 0 &&
		 (serving->model.factors == 0 || serving->model.spec->algorithm->items_only)))
		return (Datum) 0;
	all = reco_serving_load_users(serving);
	if (profile.neighbors > 0)
		for (int32 k = 0; k < profile.neighbors && k < n; k++)
			add_similar(&rows, k + 1, profile.neighbor[k], profile.similarity[k], all->ids);
	else if ((number = id_dict_find(all->ids, user)) >= 0)
	{
		Follower *found = reco_call_alloc(n, sizeof(Follower));
		int32 count = most_similar(&serving->model, all->factors, serving->users, number, n, found);

		for (int32 k = 0; k < count; k++)
			add_similar(&rows, k + 1, found[k].item, found[k].similarity, all->ids);
	}
	return (Datum) 0;
}
