/*
 * together.c
 *	  reco.bought_together(): which items meet in baskets, of any query.
 *
 * The query is the caller's own text and runs as the caller.  A row that repeats counts once, and
 * one with a NULL is left out (store/source/baskets.h); pairs are counted by
 * core/neighbors/together.h.
 *
 * Cost: reading the rows; core/neighbors/together.h has that of the pairs; an item's text is made
 * once.
 */
#include "marketing/together.h"

#include "evaluation/arguments.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "pg/rows.h"
#include "store/source/source.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

RECO_FUNCTION(reco_bought_together);

/* Arguments, in their order. */
enum
{
	ARG_SOURCE,
	ARG_MIN_SUPPORT,
	ARG_MEASURE,
	ARG_N
};

#define COLUMNS 11

reco_together_measure
reco_together_measure_named(const char *name)
{
	static const char *const names[] = {
		[RECO_TOGETHER_COUNT] = "support",
		[RECO_TOGETHER_CONFIDENCE] = "confidence",
		[RECO_TOGETHER_LIFT] = "lift",
		[RECO_TOGETHER_LLR] = "llr",
	};

	for (int m = 0; m < lengthof(names); m++)
		if (strcmp(name, names[m]) == 0)
			return (reco_together_measure) m;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unrecognized measure \"%s\"", name),
			 errhint("Valid values are \"support\", \"confidence\", \"lift\" and \"llr\".")));
}

void
reco_together_check_support(int64 support)
{
	if (support < 1 || support > PG_INT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("min_support must be a number of baskets from 1 on"),
						errhint("It is a count, not a share: NULL is a thousandth of the baskets, "
								"and 2 or more.")));
}

typedef struct Together
{
	RecoBudget budget;
	RecoBaskets *of;
	reco_together_measure measure;
	int32 n;
	reco_together found;
	Datum *text;               /* by item; 0: not made yet */
	MemoryContext row_context; /* what the making of one leaves behind */
	double *xlogx;             /* by count; NULL: not worth it */
} Together;

/* Of a pair, when its log-likelihood ratio is worked out. */
#define LOGARITHMS 9

static void
tell(int64 nulls)
{
	if (nulls > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " row without a basket or an item is left out",
							   INT64_FORMAT " rows without a basket or an item are left out",
							   (unsigned long) nulls, nulls)));
}

static void
read_baskets(FunctionCallInfo fcinfo, Together *t)
{
	RecoQuery query = {&reco_the_baskets,
					   reco_read_source_argument(fcinfo, ARG_SOURCE, &reco_the_baskets)};

	SPI_connect();
	t->of = reco_read_baskets(&query, &t->budget);
	SPI_finish();
}

static void
find_pairs(FunctionCallInfo fcinfo, Together *t)
{
	static const char what[] = "counting pairs";
	const reco_env *env = &t->budget.env;
	const reco_csr *by_basket = &t->of->by_basket;
	int32 support = reco_together_support(by_basket->rows);
	reco_csr by_item;

	if (!PG_ARGISNULL(ARG_MIN_SUPPORT))
		support = PG_GETARG_INT32(ARG_MIN_SUPPORT);
	if (reco_together_are_few(by_basket))
	{
		reco_budget_check(&t->budget,
						  reco_together_few(env, by_basket, t->measure, support, t->n, &t->found),
						  what);
		return;
	}
	reco_budget_threads(&t->budget);
	reco_budget_check(&t->budget, reco_csr_transpose(env, by_basket, NULL, &by_item), what);
	reco_budget_check(
		&t->budget, reco_together_find(env, &by_item, t->measure, support, t->n, &t->found), what);
	reco_csr_free(env, &by_item);
}

/* The text of an item, made when it is asked for first. */
static Datum
id_of(Together *t, int32 item)
{
	IdType *type = &t->of->item_type;
	Datum id = id_dict_id(t->of->items, item);

	if (type->base == TEXTOID || type->base == VARCHAROID)
		return id;
	if (t->text[item] == (Datum) 0)
	{
		MemoryContext old = MemoryContextSwitchTo(t->row_context);
		Datum text = CStringGetTextDatum(id_to_text(type, id));
		Size size = VARSIZE(DatumGetPointer(text));

		t->text[item] = PointerGetDatum(
			memcpy(reco_budget_alloc(&t->budget, size), DatumGetPointer(text), size));
		MemoryContextSwitchTo(old);
		MemoryContextReset(t->row_context);
	}
	return t->text[item];
}

static void
begin_texts(Together *t)
{
	Size bytes = ((Size) t->of->by_basket.cols + 1) * sizeof(Datum);

	t->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "reco pair", ALLOCSET_DEFAULT_SIZES);
	t->text = reco_budget_alloc(&t->budget, bytes);
	memset(t->text, 0, bytes);
}

/* Logarithms of all that counts may be, where more are asked for than that. */
static void
begin_llr(Together *t)
{
	int32 baskets = t->of->by_basket.rows;

	if (t->found.pairs < baskets / LOGARITHMS)
		return;
	t->xlogx = reco_budget_alloc(&t->budget, ((Size) baskets + 1) * sizeof(double));
	for (int32 x = 0; x <= baskets; x++)
	{
		RECO_POLL_AT(x + 1);
		t->xlogx[x] = reco_together_xlogx(x);
	}
}

static void
return_pairs(Together *t, RecoRows *rows)
{
	int32 baskets = t->of->by_basket.rows;

	begin_texts(t);
	begin_llr(t);
	for (int32 k = 0; k < t->found.pairs; k++)
	{
		const reco_together_pair *pair = &t->found.pair[k];
		int32 n_a = t->found.baskets[pair->a];
		int32 n_b = t->found.baskets[pair->b];
		double c = pair->count;
		Datum values[COLUMNS] = {
			Int32GetDatum(k + 1),
			id_of(t, pair->a),
			id_of(t, pair->b),
			Int32GetDatum(n_a),
			Int32GetDatum(n_b),
			Int32GetDatum(pair->count),
			Float8GetDatum(c / baskets),
			Float8GetDatum(c / n_a),
			Float8GetDatum(c / n_b),
			Float8GetDatum(reco_together_ratio(RECO_TOGETHER_LIFT, baskets, n_a, n_b, c)),
			Float8GetDatum(reco_together_llr(t->xlogx, baskets, n_a, n_b, pair->count))};

		reco_rows_add(rows, values, (bool[COLUMNS]){0});
	}
}

/* How many pairs are asked for. */
static int32
read_n(FunctionCallInfo fcinfo)
{
	int32 n = PG_ARGISNULL(ARG_N) ? PG_INT32_MAX : PG_GETARG_INT32(ARG_N);

	if (n < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("n must not be negative"),
						errhint("NULL is all pairs.")));
	return n;
}

Datum
reco_bought_together(PG_FUNCTION_ARGS)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco bought together", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Together t = {.measure = RECO_TOGETHER_LIFT};
	RecoRows rows;

	reco_require_argument(fcinfo, ARG_SOURCE, "source");
	rows = reco_rows_begin(fcinfo,
						   (Oid[]){INT4OID, TEXTOID, TEXTOID, INT4OID, INT4OID, INT4OID, FLOAT8OID,
								   FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID},
						   COLUMNS);
	t.measure = reco_together_measure_named(reco_text_of(fcinfo, ARG_MEASURE, "measure"));
	t.n = read_n(fcinfo);
	if (!PG_ARGISNULL(ARG_MIN_SUPPORT))
		reco_together_check_support(PG_GETARG_INT32(ARG_MIN_SUPPORT));
	reco_budget_init(&t.budget, context);
	read_baskets(fcinfo, &t);
	MemoryContextSwitchTo(context);
	if (t.n > 0)
	{
		find_pairs(fcinfo, &t);
		return_pairs(&t, &rows);
	}
	tell(t.of->nulls);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
