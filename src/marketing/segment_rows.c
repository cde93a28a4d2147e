/*
 * segment_rows.c
 *	  What users are compared by when they are shared out among segments.
 *
 * The model's own factors of users, those of its first member that has such; where no member has,
 * factors that are made of the stored histories on the spot: singular vectors of the matrix of
 * users and items with each entry divided by the root of how many its row and its column have, as
 * in Dhillon 2001, so that items which everybody has do not decide.  Either way a user's vector is
 * scaled to length 1: the direction is what a user likes, the length rather how much they buy.
 *
 * Or the columns of a query, each less its mean and divided by its standard deviation.
 */
#include "marketing/segment.h"

#include "catalog/pg_type.h"
#include "core/data/parts.h"
#include "core/svd/svd.h"
#include "executor/spi.h"
#include "store/image/users.h"
#include "store/source/events.h"
#include "store/source/query.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include <math.h>

/* Factors that are made of histories; the first, which all users share, is left out. */
#define HISTORY_FACTORS 32

static const char *const what = "segmenting";

/* Room for rows of d numbers, with zeros after them. */
static float *
make_rows(RecoSegments *run, int32 rows, int d)
{
	RecoBudget *budget = &run->budget;
	int stride = (int) TYPEALIGN(16, d);
	Size bytes = ((Size) rows + 1) * stride * sizeof(float);
	float *x;

	reco_budget_require(budget, bytes + ((Size) rows + 1) * 2 * sizeof(int32), what);
	x = reco_budget_alloc(budget, bytes);
	for (int32 r = 0; r < rows; r++)
	{
		memset(x + (Size) r * stride, 0, stride * sizeof(float));
		RECO_POLL_AT(r);
	}
	run->rows = (reco_kmeans_rows){x, rows, d, stride};
	run->id = reco_budget_alloc(budget, ((Size) rows + 1) * sizeof(int32));
	run->number = reco_budget_alloc(budget, ((Size) rows + 1) * sizeof(int32));
	return x;
}

/* Copies d numbers, scaled to length 1; zeros stay. */
static void
take_direction(float *to, const float *from, int d)
{
	double squares = 0;
	double scale;

	for (int f = 0; f < d; f++)
		squares += (double) from[f] * from[f];
	scale = squares > 0 ? 1 / sqrt(squares) : 0;
	for (int f = 0; f < d; f++)
		to[f] = (float) (from[f] * scale);
}

/* Rows of the users of the version who have something; from: by user. */
static void
take_users(RecoSegments *run, const float *from, int from_stride, int d)
{
	const reco_csr *histories = &run->users->histories;
	const int32 *number = run->users->number;
	int32 known = id_dict_count(run->users->ids);
	int32 rows = 0;
	float *x;
	int32 r = 0;

	for (int32 u = 0; u < histories->rows; u++)
		rows += histories->start[u + 1] > histories->start[u];
	x = make_rows(run, rows, d);
	/* users who were forgotten have a number, but no id, and no history */
	for (int32 place = 0; place < known; place++)
	{
		int32 u = number ? number[place] : place;

		RECO_POLL_EACH(place, 65536);
		if (histories->start[u + 1] == histories->start[u])
			continue;
		take_direction(x + (Size) r * run->rows.stride, from + (Size) u * from_stride, d);
		run->id[r] = place;
		run->number[r++] = u;
	}
	run->ids = run->users->ids;
}

/* The histories, with the values that the singular vectors are of. */
static float *
history_values(RecoSegments *run, const reco_csr *a)
{
	RecoBudget *budget = &run->budget;
	float *value = reco_budget_alloc(budget, (a->start[a->rows] + 1) * sizeof(float));
	int32 *have = reco_budget_alloc(budget, ((Size) a->cols + 1) * sizeof(int32));

	memset(have, 0, ((Size) a->cols + 1) * sizeof(int32));
	for (int64 e = 0; e < a->start[a->rows]; e++)
	{
		have[a->col[e]]++;
		RECO_POLL_AT(e);
	}
	for (int32 u = 0; u < a->rows; u++)
	{
		double n = (double) (a->start[u + 1] - a->start[u]);

		RECO_POLL_AT(u);
		for (int64 e = a->start[u]; e < a->start[u + 1]; e++)
			value[e] = (float) (1 / sqrt(n * have[a->col[e]]));
	}
	reco_budget_free(budget, have);
	return value;
}

static void
take_histories(RecoSegments *run)
{
	RecoBudget *budget = &run->budget;
	reco_csr a = run->users->histories;
	reco_csr by_item;
	reco_svd svd;
	reco_svd_params params = {0, 10, 4, run->params.seed};
	int64 n = a.start[a.rows];

	params.factors = (int) Min(HISTORY_FACTORS + 1, Min(a.rows, a.cols));
	if (params.factors < 2 || n == 0)
	{
		/* one user or one item: there is nothing to compare */
		float zero = 0;

		take_users(run, &zero, 0, 1);
		run->made_of = pstrdup("histories");
		return;
	}
	reco_budget_require(budget,
						(Size) n * (2 * sizeof(float) + sizeof(int32)) +
							((Size) a.cols + 1) * (sizeof(int64) + sizeof(int32)) +
							reco_parts_memory(a.cols, n, budget->env.threads) +
							reco_svd_memory(&params, &a, budget->env.threads),
						what);
	a.value = history_values(run, &a);
	reco_budget_check(budget, reco_csr_transpose(&budget->env, &a, a.value, &by_item), what);
	reco_budget_check(budget, reco_svd_fit(&budget->env, &params, &a, &by_item, NULL, NULL, &svd),
					  what);
	reco_csr_free(&budget->env, &by_item);
	reco_budget_free(budget, a.value);
	take_users(run, svd.user + 1, svd.stride, svd.factors - 1);
	reco_svd_free(&budget->env, &svd);
	run->made_of = psprintf("histories: %d factors", params.factors - 1);
}

/* Whether factors say anything about anybody. */
static bool
are_zeros(const RecoPart *part, int d)
{
	for (int32 u = 0; u < part->rows; u++)
	{
		const float *x = reco_part_floats(part, u);

		RECO_POLL_EACH(u, 65536);
		for (int f = 0; f < d; f++)
			if (x[f] != 0)
				return false;
	}
	return true;
}

void
reco_segment_users(RecoSegments *run)
{
	const RecoModel *model = &run->serving->model;

	for (int m = 0; m < model->members; m++)
	{
		const RecoPartType *type;
		const RecoPart *part =
			reco_member_role(&model->member[m], RECO_OF_USERS, RECO_ROLE_FACTORS, &type);

		if (part == NULL || type->shape != RECO_VECTOR ||
			type->width > RECO_KMEANS_MAX_DIMENSIONS || are_zeros(part, type->width))
			continue;
		take_users(run, part->data, part->stride, type->width);
		run->made_of =
			psprintf("%d factors of %s", type->width, model->member[m].spec->algorithm->name);
		return;
	}
	take_histories(run);
}

static const RecoQueryKind the_features = {"features", "features",
										   "the id of a user and then numbers"};

/* Rows of the query as they come. */
typedef struct FeatureRows
{
	RecoSegments *run;
	IdDict *ids;
	int d;
	Oid *type; /* d: base types */
	double *value;
	int64 slots; /* rows that there is room for */
	int64 skipped;
} FeatureRows;

/* Users are of the model's type, or texts, such as reco.rfm() makes of any. */
static void
check_user(Form_pg_attribute user, const IdType *of_model)
{
	Oid base = getBaseType(user->atttypid);
	IdType type;

	if (base == TEXTOID || base == VARCHAROID || base == BPCHAROID || base == NAMEOID ||
		of_model->base == TEXTOID)
		return;
	id_type_init(&type, user->atttypid, user->atttypmod, user->attcollation, "user");
	id_type_require_comparable(&type, "features", of_model, "the model", "user");
}

static void
check_columns(FeatureRows *rows, TupleDesc columns)
{
	RecoSegments *run = rows->run;
	RecoBudget *budget = &run->budget;

	check_user(TupleDescAttr(columns, 0), id_type_asked(run->serving->user_type));
	rows->d = columns->natts - 1;
	if (rows->d < 1 || rows->d > RECO_KMEANS_MAX_DIMENSIONS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("features must have 2 to %d columns, not %d",
							   RECO_KMEANS_MAX_DIMENSIONS + 1, columns->natts),
						errhint("It is a query of the ids of users and then of numbers.")));
	rows->type = reco_budget_alloc(budget, rows->d * sizeof(Oid));
	run->feature = reco_budget_alloc(budget, rows->d * sizeof(char *));
	for (int f = 0; f < rows->d; f++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, f + 1);

		rows->type[f] = getBaseType(column->atttypid);
		run->feature[f] = MemoryContextStrdup(budget->context, NameStr(column->attname));
		switch (rows->type[f])
		{
			case BOOLOID:
			case INT2OID:
			case INT4OID:
			case INT8OID:
			case FLOAT4OID:
			case FLOAT8OID:
			case NUMERICOID:
				break;
			default:
				ereport(ERROR,
						(errcode(ERRCODE_DATATYPE_MISMATCH),
						 errmsg("column \"%s\" of features is of type %s, which is no number",
								run->feature[f], format_type_be(column->atttypid)),
						 errhint("Make numbers of it in the query: extract(epoch FROM ...) of a "
								 "time, one boolean for each of a few texts.")));
		}
	}
}

static double
number_of(Oid type, Datum value)
{
	return type == BOOLOID ? DatumGetBool(value) : reco_event_number(type, value);
}

static void
make_room(FeatureRows *rows, int32 row)
{
	RecoBudget *budget = &rows->run->budget;
	Size before = (Size) rows->slots * rows->d * sizeof(double);
	double *value;

	if (row < rows->slots)
		return;
	rows->slots = rows->slots * 2 + 1024;
	reco_budget_require(budget, (Size) rows->slots * rows->d * sizeof(double), what);
	value = reco_budget_alloc(budget, (Size) rows->slots * rows->d * sizeof(double));
	if (before > 0)
		reco_copy(value, rows->value, before);
	reco_budget_free(budget, rows->value);
	rows->value = value;
}

static void
take_row(FeatureRows *rows, HeapTuple tuple, TupleDesc desc)
{
	RecoSegments *run = rows->run;
	IdType *type = run->serving->user_type;
	int32 row = id_dict_count(rows->ids);
	bool isnull;
	Datum id = SPI_getbinval(tuple, desc, 1, &isnull);

	if (isnull || !id_from_datum(type, id, SPI_gettypeid(desc, 1), &id))
	{
		rows->skipped++;
		return;
	}
	if (!id_fits(type, id))
		id_too_long(type, id, "user", false);
	if (id_dict_add(rows->ids, id) != row)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
						errmsg("features have user \"%s\" more than once", id_to_message(type, id)),
						errhint("Give one row for each user, with GROUP BY for example.")));
	make_room(rows, row);
	for (int f = 0; f < rows->d; f++)
	{
		Datum value = SPI_getbinval(tuple, desc, f + 2, &isnull);
		double number = isnull ? NAN : number_of(rows->type[f], value);

		if (!isnull && !isfinite(number))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("column \"%s\" of features is %s for user \"%s\"", run->feature[f],
							isnan(number) ? "NaN" : "infinite", id_to_message(type, id)),
					 errhint("NULL stands for what is not known; leave out users whose numbers "
							 "are none.")));
		run->missing += isnull;
		rows->value[(Size) row * rows->d + f] = number;
	}
}

/* Runs the query as its writer. */
static void
read_features(FeatureRows *rows, const char *query)
{
	SPIPlanPtr plan;
	Portal portal;
	MemoryContext row;

	SPI_connect();
	row = AllocSetContextCreate(CurrentMemoryContext, "reco row", ALLOCSET_DEFAULT_SIZES);
	plan = SPI_prepare(reco_query_text(&the_features, query), 0, NULL);
	check_columns(rows, reco_query_check(&the_features, plan));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, 1000);
		if (SPI_processed == 0)
			break;
		for (uint64 r = 0; r < SPI_processed; r++)
		{
			MemoryContext old = MemoryContextSwitchTo(row);

			take_row(rows, SPI_tuptable->vals[r], SPI_tuptable->tupdesc);
			MemoryContextSwitchTo(old);
			MemoryContextReset(row);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

/*
 * Mean and standard deviation of a column, of those that are not NULL.  Values are taken times a
 * scale, so that no square leaves float8.
 */
static void
measure_column(FeatureRows *rows, int f)
{
	RecoSegments *run = rows->run;
	int32 n = id_dict_count(rows->ids);
	double largest = 0;
	double sum = 0;
	double squares = 0;
	int32 known = 0;

	for (int32 r = 0; r < n; r++)
	{
		double value = rows->value[(Size) r * rows->d + f];

		RECO_POLL_AT(r);
		if (isnan(value))
			continue;
		known++;
		largest = Max(largest, fabs(value));
	}
	for (int32 r = 0; r < n && largest > 0; r++)
	{
		double value = rows->value[(Size) r * rows->d + f];

		RECO_POLL_AT(r);
		sum += isnan(value) ? 0 : value / largest;
	}
	run->mean[f] = known > 0 ? sum / known : 0;
	for (int32 r = 0; r < n && largest > 0; r++)
	{
		double value = rows->value[(Size) r * rows->d + f];

		RECO_POLL_AT(r);
		if (!isnan(value))
			squares += (value / largest - run->mean[f]) * (value / largest - run->mean[f]);
	}
	run->mean[f] *= largest;
	/* what rounding leaves of a constant is none */
	run->deviation[f] = known > 0 ? sqrt(squares / known) : 0;
	run->deviation[f] = run->deviation[f] > 1e-12 ? run->deviation[f] * largest : 0;
}

/* Rows in the order of the ids, each column standardized; what is missing is the mean. */
static void
standardize(FeatureRows *rows)
{
	RecoSegments *run = rows->run;
	int32 n = id_dict_count(rows->ids);
	int32 *rank = reco_budget_alloc(&run->budget, ((Size) n + 1) * sizeof(int32));
	float *x = make_rows(run, n, rows->d);

	run->mean = reco_budget_alloc(&run->budget, rows->d * sizeof(double));
	run->deviation = reco_budget_alloc(&run->budget, rows->d * sizeof(double));
	id_dict_sort(rows->ids, rank);
	for (int f = 0; f < rows->d; f++)
		measure_column(rows, f);
	for (int32 r = 0; r < n; r++)
	{
		float *to = x + (Size) rank[r] * run->rows.stride;

		RECO_POLL_EACH(r, 65536);
		for (int f = 0; f < rows->d; f++)
		{
			double value = rows->value[(Size) r * rows->d + f];

			if (!isnan(value) && run->deviation[f] > 0)
				to[f] = (float) (value / run->deviation[f] - run->mean[f] / run->deviation[f]);
		}
	}
	reco_budget_free(&run->budget, rank);
	reco_budget_free(&run->budget, rows->value);
	run->ids = rows->ids;
	for (int32 r = 0; r < n; r++)
	{
		RECO_POLL_EACH(r, RECO_SEARCHES);
		run->id[r] = r;
		run->number[r] = reco_users_find(run->users, id_dict_id(rows->ids, r));
	}
}

void
reco_segment_features(RecoSegments *run, const char *features)
{
	FeatureRows rows = {run};
	StringInfoData text;

	rows.ids = id_dict_create(CurrentMemoryContext, run->serving->user_type);
	id_dict_limit(rows.ids, &run->budget, what);
	read_features(&rows, features);
	standardize(&rows);
	initStringInfo(&text);
	for (int f = 0; f < rows.d; f++)
		appendStringInfo(&text, "%s%s", f ? ", " : "", run->feature[f]);
	run->made_of = text.data;
}
