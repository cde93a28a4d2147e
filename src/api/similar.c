/*
 * similar.c
 *	  The functions behind a model's explain(), similar_items() and
 *	  similar_users().
 */
#include "api/api.h"
#include "api/request.h"

#include "catalog/pg_type.h"
#include "core/score.h"
#include "fmgr.h"
#include "miscadmin.h"
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

	request_read(fcinfo, &request);
	serving = request.serving;
	model = &serving->model;
	rows = reco_rows_begin(fcinfo, (Oid[]){serving->item_type->type, FLOAT4OID, FLOAT4OID}, 3);
	item = request_one_item(&request, "item");
	if (item < 0 || !request_user(&request, &user) || !reco_serving_user(serving, user, &profile))
		return (Datum) 0;
	contribution = palloc0((profile.n + 1) * sizeof(double));
	if (!model->spec->algorithm->explain(model, &profile, item, contribution, &baseline))
		return (Datum) 0;
	reason = palloc((profile.n + 1) * sizeof(Reason));
	size = fabs(baseline);
	for (int64 j = 0; j < profile.n; j++)
	{
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

/*
 * The n rows of a matrix most like row `self` by cosine, as (rank, id,
 * similarity).  Rows of zeros are like nothing.
 */
static void
most_similar(RecoRows *rows, const RecoModel *model, const float *matrix, int32 count, int32 self,
			 IdDict *ids, int32 n)
{
	const float *x = matrix + (Size) self * model->stride;
	float *score = MemoryContextAllocHuge(CurrentMemoryContext, ((Size) count + 1) * sizeof(float));
	uint64 *skip = MemoryContextAllocExtended(CurrentMemoryContext, RECO_SET_BYTES(count) + 8,
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	reco_ranked *best =
		MemoryContextAllocHuge(CurrentMemoryContext, ((Size) n + 1) * sizeof(reco_ranked));
	double own;
	float norm;

	reco_score(x, 1, model->stride, x, NULL, 0, &norm);
	own = sqrt(norm);
	if (own == 0)
		return;
	reco_set_add(skip, self);
	for (int32 i = 0; i < count; i++)
	{
		const float *y = matrix + (Size) i * model->stride;

		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		reco_score(y, 1, model->stride, x, NULL, 0, &score[i]);
		reco_score(y, 1, model->stride, y, NULL, 0, &norm);
		if (norm > 0)
			score[i] = (float) Min(Max(score[i] / (own * sqrt(norm)), -1.0), 1.0);
		else
			reco_set_add(skip, i);
	}
	n = reco_top_n(score, count, skip, n, best);
	for (int32 r = 0; r < n; r++)
	{
		Datum values[3] = {Int32GetDatum(r + 1), id_dict_id(ids, best[r].item),
						   Float4GetDatum(best[r].score)};
		bool nulls[3] = {0};

		reco_rows_add(rows, values, nulls);
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

	request_read(fcinfo, &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, serving->item_type->type, FLOAT4OID}, 3);
	n = request_n(&request, serving->model.items);
	if (n > 0 && serving->model.factors > 0 && request_item(&request, &item) &&
		(number = id_dict_find(serving->items, item)) >= 0)
		most_similar(&rows, &serving->model, serving->model.item, serving->model.items, number,
					 serving->items, n);
	return (Datum) 0;
}

Datum
reco_serve_similar_users(PG_FUNCTION_ARGS)
{
	Request request;
	Serving *serving;
	RecoRows rows;
	Datum user;
	int32 number;
	int32 n;

	request_read(fcinfo, &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, serving->user_type->type, FLOAT4OID}, 3);
	if (serving->model.factors == 0 || !request_user(&request, &user))
		return (Datum) 0;
	reco_serving_load_users(serving);
	n = request_n(&request, serving->users);
	if (n > 0 && (number = id_dict_find(serving->user_ids, user)) >= 0)
		most_similar(&rows, &serving->model, serving->user, serving->users, number,
					 serving->user_ids, n);
	return (Datum) 0;
}
