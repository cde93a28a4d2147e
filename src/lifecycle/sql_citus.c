/*
 * sql_citus.c
 *	  Tables of work that Citus keeps on its servers.
 *
 * Rows and the factors of users are distributed by the column shard, alike, so that a user's
 * factors are made where the rows are and stay there.  What shards add up of an item goes from
 * there to the table item_sums, distributed by item, and is solved where it comes to lie: nobody
 * but that server sees all of an item.  The items' factors are a query in front of a statement,
 * which Citus runs here and hands to each server once.
 *
 * Citus tells of itself whether a statement would fetch rows (sql_run.c has the settings), once
 * tables lie as they should.  Statements hold their parameters as text: where a plan of one that
 * has others is explained, be it by auto_explain, Citus leaves its sessions with the other servers
 * in a transaction that has failed.
 *
 * Cost: of each item at most 4d(d + 3) bytes from each shard in an iteration, from server to
 * server, and 4d from here to every one.
 */
#include "lifecycle/sql_work.h"

#include "catalog/namespace.h"
#include "pg/citus.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

bool
reco_sql_citus_has(const char *schema)
{
	static const char *const tables[] = {"rows", "user_factors", "item_factors", "item_sums"};
	Oid oid = get_namespace_oid(schema, false);

	for (int t = 0; t < lengthof(tables); t++)
	{
		Oid table = get_relname_relid(tables[t], oid);

		if (OidIsValid(table) && reco_citus_has(table))
			return true;
	}
	return false;
}

/* How a table lies, as Citus has it. */
typedef struct Lies
{
	MemoryContext context;
	char *column; /* that it is distributed by; NULL: by none */
	int32 group;  /* of tables that lie alike */
} Lies;

static void
take_lies(void *arg, TupleTableSlot *slot)
{
	Lies *lies = arg;

	if (slot->tts_isnull[0])
		return;
	lies->column = MemoryContextStrdup(lies->context, TextDatumGetCString(slot->tts_values[0]));
	lies->group = DatumGetInt32(slot->tts_values[1]);
}

/* Distributed by a hash of that column, and like another table, or an error. */
static Lies
require(const RecoSqlWork *work, const char *table, const char *column, const Lies *like)
{
	Lies lies = {.context = CurrentMemoryContext};
	char *with = like ? psprintf(", colocate_with => %s", quote_literal_cstr(work->rows)) : "";

	reco_sql_select(
		work,
		psprintf(
			"SELECT pg_catalog.column_to_column_name(p.logicalrelid, p.partkey), p.colocationid"
			" FROM pg_catalog.pg_dist_partition AS p WHERE p.partmethod = 'h' AND"
			" p.logicalrelid = pg_catalog.to_regclass(%s)",
			quote_literal_cstr(table)),
		NULL, take_lies, &lies);
	if (lies.column == NULL || strcmp(lies.column, column) != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("table %s must be distributed by column \"%s\"", table, column),
						errhint("Make it so with SELECT create_distributed_table(%s, '%s'%s).",
								quote_literal_cstr(table), column, with)));
	if (like && lies.group != like->group)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("table %s must be colocated with table %s", table, work->rows),
						errhint("Make it so with SELECT alter_distributed_table(%s%s).",
								quote_literal_cstr(table), with)));
	return lies;
}

void
reco_sql_citus_check(const RecoSqlWork *work)
{
	Lies rows;

	if (!work->citus)
		return;
	rows = require(work, work->rows, "shard", NULL);
	(void) require(work, work->user_factors, "shard", &rows);
	(void) require(work, work->item_sums, "item_id", NULL);
}

/* A Gram matrix as a constant, to the last bit. */
static char *
gram_text(Datum gram)
{
	ArrayType *array = DatumGetArrayTypeP(gram);
	const double *g = (const double *) ARR_DATA_PTR(array);
	int order = ARR_DIMS(array)[0];
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < order; i++)
		for (int j = 0; j < order; j++)
			appendStringInfo(&text, "%s%.17g%s",
							 j > 0   ? ","
							 : i > 0 ? ",{"
									 : "'{{",
							 g[i * order + j], j < order - 1 ? "" : "}");
	appendStringInfoString(&text, "}'::pg_catalog.float8[]");
	return text.data;
}

const char *
reco_sql_the_algorithm(const RecoSqlWork *work)
{
	return work->citus ? work->algorithm : "$1";
}

const char *
reco_sql_the_gram(const RecoSqlWork *work)
{
	if (!work->citus)
		return "$2";
	return work->has_gram ? gram_text(work->gram) : "NULL::pg_catalog.float8[]";
}

const char *
reco_sql_with_items(const RecoSqlWork *work)
{
	if (!work->citus)
		return "";
	return psprintf("WITH items AS MATERIALIZED (SELECT i.item_id, i.number, i.factors, i.bias"
					" FROM %s AS i) ",
					work->items);
}

char *
reco_sql_citus_sums(const RecoSqlWork *work, const char *sums)
{
	(void) reco_sql_run(work, psprintf("TRUNCATE %s", work->item_sums));
	(void) reco_sql_run(work, psprintf("INSERT INTO %s (item_id, sums) %s", work->item_sums, sums));
	return psprintf("SELECT s.item_id, reco.als_solve(s.sums, %s) FROM %s AS s GROUP BY s.item_id",
					reco_sql_the_gram(work), work->item_sums);
}
