/*
 * sql_rows.h
 *	  From a source's events to the table of rows of a training by SQL alone (sql_work.h).
 */
#ifndef RECO_LIFECYCLE_SQL_ROWS_H
#define RECO_LIFECYCLE_SQL_ROWS_H

#include "lifecycle/sql_run.h"

/* An error where an option asks for what SQL does not do. */
extern void reco_sql_rows_check(const RecoRun *run);

/* Makes the table of rows, one of each pair, by the options; sets what became of the others. */
extern void reco_sql_rows_make(RecoSqlWork *work, const RecoQuery *source);

/* a = b by the operator of the type's own, for people who look in pg_catalog alone. */
extern char *reco_sql_equals(const IdType *type, const char *a, const char *b);

/* A value by the rule. */
extern char *reco_sql_by_rule(const reco_value_rule *rule, const char *value);

#endif /* RECO_LIFECYCLE_SQL_ROWS_H */
