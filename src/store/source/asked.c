/*
 * asked.c
 *	  Users whom a query names, as reco.materialize() and reco.fold_in() are given them.
 *
 * Cost: that of the query, and a look-up a row.  Memory: the ids.
 */
#include "store/source/asked.h"

#include "executor/spi.h"

static const RecoQueryKind the_users = {"users", "users", "the ids of users"};

static void
add_id(IdDict *ids, IdType *type, Datum value, Oid value_type)
{
	Datum id;

	if (!id_from_datum(type, value, value_type, &id))
		return;
	if (!id_fits(type, id))
		id_too_long(type, id, "user", false);
	(void) id_dict_add(ids, id);
}

IdDict *
reco_asked_users(const char *query, IdType *type)
{
	IdDict *ids = id_dict_create(CurrentMemoryContext, type);
	SPIPlanPtr plan;
	TupleDesc columns;
	Portal portal;

	SPI_connect();
	plan = SPI_prepare(reco_query_text(&the_users, query), 0, NULL);
	columns = reco_query_check(&the_users, plan);
	if (columns->natts != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("users must have 1 column, not %d", columns->natts),
						errhint("It is a query of the ids of users.")));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, 1000);
		if (SPI_processed == 0)
			break;
		for (uint64 r = 0; r < SPI_processed; r++)
		{
			bool isnull;
			Datum value = SPI_getbinval(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, 1, &isnull);

			if (!isnull)
				add_id(ids, type, value, SPI_gettypeid(SPI_tuptable->tupdesc, 1));
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	return ids;
}
