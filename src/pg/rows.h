/*
 * rows.h
 *	  Rows of a set-returning function.
 */
#ifndef RECO_PG_ROWS_H
#define RECO_PG_ROWS_H

#include "pg/pg.h"

#include "fmgr.h"
#include "nodes/execnodes.h"

/* The columns that the caller expects must be of the given types, exactly. */
typedef struct RecoRows
{
	ReturnSetInfo *info;
} RecoRows;

extern RecoRows reco_rows_begin(FunctionCallInfo fcinfo, const Oid *types, int n);
extern void reco_rows_add(RecoRows *rows, Datum *values, bool *nulls);

#endif /* RECO_PG_ROWS_H */
