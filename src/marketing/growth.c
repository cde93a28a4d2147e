/*
 * growth.c
 *	  The function behind a model's growth(): which items grow, in windows of one's own.
 *
 * The list is of all items of the source as it is now, those that came after the training, too.
 *
 * Cost: reading the source, and that of core/demand/growth.h, on one thread.
 */
#include "marketing/windows.h"

#include "catalog/pg_type.h"
#include "core/demand/growth.h"
#include "fmgr.h"
#include "pg/rows.h"

#include <math.h>

RECO_FUNCTION(reco_serve_growth);

#define COLUMNS 7

static const char *const what = "growth";

typedef struct Growth
{
	RecoBudget budget;
	RecoDataOptions options;
	RecoData *data;
	const reco_interactions *rows;
	reco_growth_params params;
	reco_growth *item;
	uint64 *skip;  /* a set of items that are not told */
	uint64 *named; /* those that among or exclude names */
	int32 n;       /* that are told */
	reco_ranked *best;
} Growth;

static void
name_item(void *arg, int32 number, const Datum *id)
{
	Growth *g = arg;
	int32 item = id ? id_dict_find(g->data->items, *id) : -1;

	if (item >= 0)
		reco_set_add(g->named, item);
}

/* Of all items those stay that among names, and that exclude does not. */
static void
filter(Growth *g, Request *request, const char *option, bool told)
{
	Size words = RECO_SET_BYTES(g->data->x.by_user.cols) / sizeof(uint64);

	memset(g->named, 0, words * sizeof(uint64));
	if (!request_items(request, option, name_item, g))
		return;
	for (Size w = 0; w < words; w++)
		g->skip[w] |= told ? ~g->named[w] : g->named[w];
}

static void
find(Growth *g, Request *request)
{
	const reco_interactions *x = g->rows;
	int32 items = x->by_user.cols;
	Size room = (Size) items + 1;
	float *low;

	reco_budget_require(&g->budget,
						room * (sizeof(reco_growth) + sizeof(reco_ranked) + sizeof(float)) +
							2 * RECO_SET_BYTES(room),
						what);
	g->item = reco_budget_alloc(&g->budget, room * sizeof(reco_growth));
	g->best = reco_budget_alloc(&g->budget, room * sizeof(reco_ranked));
	low = reco_budget_alloc(&g->budget, room * sizeof(float));
	g->skip = reco_budget_alloc(&g->budget, RECO_SET_BYTES(room));
	g->named = reco_budget_alloc(&g->budget, RECO_SET_BYTES(room));
	memset(g->skip, 0, RECO_SET_BYTES(room));
	reco_budget_check(&g->budget, reco_growth_find(&g->budget.env, x, &g->params, g->item), what);
	filter(g, request, "among", true);
	filter(g, request, "exclude", false);
	for (int32 i = 0; i < items; i++)
	{
		RECO_POLL_AT(i);
		low[i] = (float) g->item[i].low;
		if (isnan(low[i]))
		{
			low[i] = 0;
			reco_set_add(g->skip, i);
		}
	}
	g->n = reco_top_n(&reco_poll_env, low, items, g->skip, Min(g->n, items), g->best);
}

static void
return_items(const Growth *g, RecoRows *rows)
{
	for (int32 k = 0; k < g->n; k++)
	{
		const reco_growth *item = &g->item[g->best[k].item];
		Datum values[COLUMNS] = {
			Int32GetDatum(k + 1),         id_dict_id(g->data->items, g->best[k].item),
			Int32GetDatum(item->recent),  Int32GetDatum(item->baseline),
			Float8GetDatum(item->growth), Float8GetDatum(item->low),
			Float8GetDatum(item->high),
		};

		RECO_POLL_EACH(k, RECO_SEARCHES);
		reco_rows_add(rows, values, (bool[COLUMNS]){0});
	}
}

Datum
reco_serve_growth(PG_FUNCTION_ARGS)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco growth", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Growth g = {{{0}}};
	Request request;
	RecoRows rows;
	int64 recent;
	int64 baseline;

	request_read(fcinfo, "growth", &request);
	rows = reco_rows_begin(fcinfo,
						   (Oid[]){INT4OID, request.serving->item_type->type, INT4OID, INT4OID,
								   FLOAT8OID, FLOAT8OID, FLOAT8OID},
						   COLUMNS);
	g.n = request_n(&request, PG_INT32_MAX);
	recent = reco_window_option(&request, "recent");
	baseline = reco_window_option(&request, "baseline");
	if (baseline < recent)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("baseline must not be shorter than recent"),
						errhint("It is the time before the recent one that growth is told "
								"against, as in recent => '7 days', baseline => '28 days'.")));
	g.params.share = reco_window_coverage(request_number(&request, "coverage", 0.95),
										  "It is the probability that the growth is between "
										  "\"low\" and \"high\".");
	reco_budget_init(&g.budget, context);
	g.data = reco_read_model(&request, RECO_FEATURES_NONE, &g.budget, &g.options);
	g.params.recent = reco_window_units(g.data, recent, "recent", what);
	g.params.baseline = reco_window_units(g.data, baseline, "baseline", what);
	g.rows = reco_window_rows(g.data, &g.options);
	g.params.end = reco_window_end(g.data, g.rows, what);
	find(&g, &request);
	return_items(&g, &rows);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
