/*
 * rows.c
 *	  Rows of a set-returning function.
 *
 * The functions behind a model's wrappers return record: the wrapper's column
 * list says what of.  Anybody may call them with any list, so it is compared
 * with what will be returned before anything is.
 */
#include "pg/rows.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

RecoRows
reco_rows_begin(FunctionCallInfo fcinfo, const Oid *types, int n)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (info == NULL || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize) ||
		info->expectedDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function \"%s\" can only be called in FROM, with a column definition list",
						get_func_name(fcinfo->flinfo->fn_oid))));
	for (int i = 0; i < n; i++)
		if (info->expectedDesc->natts != n ||
			TupleDescAttr(info->expectedDesc, i)->atttypid != types[i])
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column definition list of function \"%s\" does not fit the model",
							get_func_name(fcinfo->flinfo->fn_oid)),
					 errhint("Call the functions in the model's own schema.")));
	old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	info->returnMode = SFRM_Materialize;
	info->setResult =
		tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	info->setDesc = CreateTupleDescCopy(info->expectedDesc);
	MemoryContextSwitchTo(old);
	return (RecoRows){info};
}

void
reco_rows_add(RecoRows *rows, Datum *values, bool *nulls)
{
	reco_poll();
	tuplestore_putvalues(rows->info->setResult, rows->info->setDesc, values, nulls);
}
