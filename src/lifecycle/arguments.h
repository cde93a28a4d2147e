/*
 * arguments.h
 *	  Arguments of the procedures of a model's life.
 */
#ifndef RECO_LIFECYCLE_ARGUMENTS_H
#define RECO_LIFECYCLE_ARGUMENTS_H

#include "store/tables/definition.h"

#include "fmgr.h"

/* One that may be null. */
extern Jsonb *reco_jsonb_or_null(FunctionCallInfo fcinfo, int number);

/* An algorithm that is a text: that of a value, or an error that says how one is made. */
extern Jsonb *reco_algorithm_in_text(FunctionCallInfo fcinfo, int number);

/*
 * The model that a procedure's first argument names, which the caller must own.  InvalidOid
 * when there is none and missing_ok.
 */
extern Oid reco_owned_model(FunctionCallInfo fcinfo, bool missing_ok, ModelRow *row);

#endif /* RECO_LIFECYCLE_ARGUMENTS_H */
