/*
 * explain_source.c
 *	  reco.explain_source(): how the queries of a model are read when serving.
 *
 * A plan shows values and structure of tables that its reader may have no rights on,
 * so only the model's owner gets to see it.
 */
#include "pg/rows.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "serving/live.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

RECO_FUNCTION(reco_explain_source);

static void
add_line(void *arg, const char *line)
{
	Datum value = CStringGetTextDatum(line);

	reco_rows_add(arg, &value, &(bool){false});
}

Datum
reco_explain_source(PG_FUNCTION_ARGS)
{
	RecoRows rows = reco_rows_begin(fcinfo, (Oid[]){TEXTOID}, 1);
	ModelRow row;

	reco_model_read(reco_model_schema(reco_text_of(fcinfo, 0, "model name")), GetActiveSnapshot(),
					&row);
	reco_model_check_owner(&row);
	reco_live_explain(&row, add_line, &rows);
	return (Datum) 0;
}
