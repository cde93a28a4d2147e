/*
 * als_state.h
 *	  States of the aggregates that factorize, and their arguments.
 *
 * A group's state is one reco_normal (core/als/als_normal.h) in the aggregate's
 * memory, counted against reco.max_memory by the size of the aggregate's context
 * whenever it grows.  The functions here may be called by aggregates only.
 */
#ifndef RECO_SIMILARITY_ALS_STATE_H
#define RECO_SIMILARITY_ALS_STATE_H

#include "model/model.h"

#include "core/als/als_normal.h"
#include "fmgr.h"
#include "utils/array.h"

typedef struct AlsState
{
	reco_normal normal;
	Size gram_size; /* of the argument that normal.gram was taken from */
} AlsState;

/* An algorithm, which is parsed when its bytes change, not row by row. */
typedef struct AlsAlgorithm
{
	struct varlena *bytes; /* as parsed into params; NULL: none yet */
	reco_als_params params;
} AlsAlgorithm;

/*
 * What a call site keeps for the query, in flinfo->fn_extra.  Y'Y may be as
 * large as all the rest of a state: the first one that a call site meets is kept
 * for the whole query and shared by all groups that have the same.
 */
typedef struct AlsSite
{
	RecoBudget budget;
	AlsAlgorithm algorithm;
	/* the first gram that was met, d = 0: none yet; raw: as it came, or NULL */
	int gram_d;
	double *gram;
	double columns;
	ArrayType *raw;
} AlsSite;

/* The call site, whose memory is now `context`, or the aggregate's when NULL. */
extern AlsSite *reco_als_site(FunctionCallInfo fcinfo, MemoryContext context);
extern void reco_als_site_check(AlsSite *site, reco_status status);

/* The argument that is a state; NULL: it is null. */
extern AlsState *reco_als_state_of(FunctionCallInfo fcinfo, int argument);
extern AlsState *reco_als_state_new(AlsSite *site, const reco_als_params *params);
/* An empty state of the same equation. */
extern AlsState *reco_als_state_like(AlsSite *site, const AlsState *state);

/* Errors of a group whose rows do not fit together. */
extern void reco_als_check_lengths(int first, int this);
extern pg_attribute_noreturn() void reco_als_algorithms_differ(void);

/* The argument `factors`, which is not null: *d finite floats. */
extern const float *reco_als_factors_of(FunctionCallInfo fcinfo, int argument, int *d);
extern double reco_als_value_of(FunctionCallInfo fcinfo, int argument);

/*
 * memo->params from the argument `algorithm`, or (-1) the defaults of reco.als().  who: the
 * function, for messages; complete: options that are left open are an error.
 */
extern void reco_als_read_algorithm(FunctionCallInfo fcinfo, AlsAlgorithm *memo, int argument,
									const char *who, bool complete);

/*
 * The argument `gram` of an implicit row.  A group takes its first; of the others
 * only the shape is compared, without looking inside when the size is the same.
 */
extern void reco_als_read_gram(FunctionCallInfo fcinfo, AlsSite *site, AlsState *state,
							   int argument);
/* Gives a group its gram: the call site's when it is the same, else a copy. */
extern void reco_als_share_gram(FunctionCallInfo fcinfo, AlsSite *site, AlsState *state,
								const double *packed, double columns, ArrayType *raw);

#endif /* RECO_SIMILARITY_ALS_STATE_H */
