/*
 * sample.c
 *	  reco.sample_shop(): a shop to play with, in a schema of its own.
 *
 * The SQL is embedded (sql/sample).  It runs as the caller, in a schema that it makes
 * itself and that comes first in its search_path, so that it meets nobody's objects but
 * its own; chance comes from a hash of names, so that the rows are the same everywhere.
 *
 * Cost: some seconds; 48,000 order lines, with exports 230,000 rows more.
 */
#include "pg/pg.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "store/tables/template.h"
#include "utils/builtins.h"
#include "utils/guc.h"

RECO_FUNCTION(reco_sample_shop);

/* Settings that say where names are looked for, and how numbers become text. */
static int
begin_settings(const char *schema)
{
	int level = NewGUCNestLevel();
	char *path = psprintf("%s, pg_temp", quote_identifier(schema));

	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	(void) set_config_option("standard_conforming_strings", "on", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

static void
run_blocks(const char *const *blocks)
{
	for (; *blocks; blocks++)
		reco_run(*blocks);
}

Datum
reco_sample_shop(PG_FUNCTION_ARGS)
{
	char *schema = reco_text_of(fcinfo, 0, "schema");
	bool exports = PG_ARGISNULL(1) ? false : PG_GETARG_BOOL(1);
	int level;

	if (*schema == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_SCHEMA_NAME), errmsg("schema must not be empty")));
	/* which a search_path takes for that of a role, whether quoted or not */
	if (strcmp(schema, "$user") == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_SCHEMA_NAME),
						errmsg("schema must not be named \"%s\"", schema),
						errdetail("A search_path takes it for the schema of the current user."),
						errhint("Give the shop another name, as in CALL "
								"reco.sample_shop('my_shop').")));
	truncate_identifier(schema, (int) strlen(schema), true);
	if (OidIsValid(get_namespace_oid(schema, true)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_SCHEMA), errmsg("schema \"%s\" already exists", schema),
				 errhint("Give the shop another name, as in CALL "
						 "reco.sample_shop('my_shop'), or drop that schema.")));
	SPI_connect();
	reco_run(psprintf("CREATE SCHEMA %s", quote_identifier(schema)));
	level = begin_settings(schema);
	run_blocks(reco_shop_sql);
	if (exports)
		run_blocks(reco_exports_sql);
	AtEOXact_GUC(false, level);
	SPI_finish();
	ereport(NOTICE,
			(errmsg("schema \"%s\" has a sample shop", schema),
			 errhint("SET search_path = %s, public; then see \\dt.", quote_identifier(schema))));
	PG_RETURN_VOID();
}
