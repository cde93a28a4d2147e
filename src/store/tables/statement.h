/*
 * statement.h
 *	  Statements that write to the tables of a model.
 */
#ifndef RECO_STORE_TABLES_STATEMENT_H
#define RECO_STORE_TABLES_STATEMENT_H

#include "store/tables/layout.h"

#include "utils/jsonb.h"

typedef struct RecoArgument
{
	Oid type;
	Datum value;
	bool isnull;
} RecoArgument;

extern RecoArgument reco_int4_argument(int32 value);
extern RecoArgument reco_int8_argument(int64 value);
extern RecoArgument reco_float8_argument(double value);
extern RecoArgument reco_text_argument(const char *value); /* NULL: a null */
extern RecoArgument reco_jsonb_argument(Jsonb *value);     /* NULL: a null */

extern void reco_statement_init(void);

/*
 * Opens and checks all tables that a training writes to, as the model's owner; with the
 * lock for writing, RowExclusiveLock, they stay what they are.
 */
extern void reco_lock_tables(Oid schema, LOCKMODE lock);

/*
 * Runs a statement as the current user, who must be the model's owner, through SPI.
 * Tables of the model are written as %s.NAME; they are opened and checked first.  Returns
 * how many rows it changed or found; *value receives the first column of the first row
 * that UPDATE ... RETURNING returns, an int4.
 */
extern uint64 reco_statement(Oid schema, const char *template, const RecoArgument *argument, int n,
							 int32 *value);

/* The same, which must change exactly one row.  Returns the value, or 0. */
extern int32 reco_statement_one(Oid schema, const char *template, const RecoArgument *argument,
								int n);

#endif /* RECO_STORE_TABLES_STATEMENT_H */
