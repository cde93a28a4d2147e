/*
 * api.h
 *	  Helpers of the SQL-callable functions.
 */
#ifndef RECO_API_API_H
#define RECO_API_API_H

#include "model/model.h"
#include "store/tables/definition.h"
#include "store/source/source.h"
#include "datatype/timestamp.h"
#include "utils/snapmgr.h"

/*
 * The snapshot that a procedure reads a model by: with all that this transaction has
 * done.  The active one may lack what a function did before its CALL (in servers
 * before 14.13, 15.8 and 16.4).
 */
#define RECO_LATEST_SNAPSHOT GetTransactionSnapshot()

/* algorithms.c: the options of reco.options(). */
extern void reco_data_options_parse(Jsonb *value, RecoDataOptions *options);

/* algorithms.c: an algorithm as jsonb in a text, or an error that says how one is written. */
extern Jsonb *reco_algorithm_from_text(const char *text);

/* algorithms.c: a table as a source names it; an error when there is none. */
extern char *reco_table_source(Oid table);

/* What reco.refresh() is told; NULL where nothing is. */
typedef struct RecoRefresh
{
	const char *model;
	const char *if_running;
	const Interval *min_interval;
	const char *guard;
} RecoRefresh;

/* models.c: a refresh, called from a procedure. */
extern Datum reco_refresh_model(FunctionCallInfo fcinfo, const RecoRefresh *how);

/*
 * schedule.c: takes away the job that refreshes a model, as far as the caller may.  identity:
 * when the model was made; 0: any.
 */
extern void reco_schedule_forget(const char *model, int64 identity);

/* The scheduled refresh of a model that another role owns now, as a job of that role. */
extern void reco_schedule_move(const char *model, int64 identity, Oid from, Oid to);

/*
 * manage.c: the model that a procedure's first argument names, which the caller must own.
 * InvalidOid when there is none and missing_ok.
 */
extern Oid reco_owned_model(FunctionCallInfo fcinfo, bool missing_ok, ModelRow *row);

/*
 * rows.c: rows of a set-returning function.  The columns that the caller
 * expects must be of the given types, exactly.
 */
typedef struct RecoRows
{
	ReturnSetInfo *info;
} RecoRows;

extern RecoRows reco_rows_begin(FunctionCallInfo fcinfo, const Oid *types, int n);
extern void reco_rows_add(RecoRows *rows, Datum *values, bool *nulls);

#endif /* RECO_API_API_H */
