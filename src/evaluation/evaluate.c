/*
 * evaluate.c
 *	  reco.evaluate(): what would the algorithms have recommended?
 *
 * Source, items and test are the caller's own texts and run as the caller.
 */
#include "evaluation/compare.h"

#include "fmgr.h"
#include "pg/rows.h"

RECO_FUNCTION(reco_evaluate);

static void
add_row(void *arg, Datum *values, bool *nulls)
{
	reco_rows_add(arg, values, nulls);
}

Datum
reco_evaluate(PG_FUNCTION_ARGS)
{
	RecoRows rows = reco_rows_begin(fcinfo, reco_report_types, RECO_REPORT_COLUMNS);
	RecoComparison comparison = {
		.trial = reco_trial_make(CurrentMemoryContext),
		.add = add_row,
		.arg = &rows,
	};
	RecoCompared compared;

	reco_comparison_arguments(fcinfo, 0, &comparison);
	reco_trial_read(comparison.trial, comparison.specs, false);
	compared = reco_compare(&comparison);
	reco_compared_report(&comparison, &compared);
	MemoryContextDelete(comparison.trial->context);
	return (Datum) 0;
}
