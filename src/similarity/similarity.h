/*
 * similarity.h
 *	  What the similarity functions and aggregates share.
 */
#ifndef RECO_SIMILARITY_SIMILARITY_H
#define RECO_SIMILARITY_SIMILARITY_H

#include "pg/pg.h"
#include "core/similarity/sums.h"
#include "core/similarity/vector.h"
#include "lib/stringinfo.h"
#include "tsearch/ts_type.h"

/*
 * A one-dimensional array without nulls, read where it lies: inline arrays are
 * not copied, short headers and all, so the data begins at any address.
 */
typedef struct RecoArray
{
	Oid type; /* of the elements */
	int n;
	const char *data;
	void *copy; /* what detoasting made, or NULL */
} RecoArray;

/* arrays.c */
extern void reco_array_get(RecoArray *array, Datum datum);
extern void reco_array_free(RecoArray *array);
extern void reco_require_length(int a, int b);
extern void reco_value_not_finite(double value) pg_attribute_noreturn();
extern void reco_element_not_finite(double value, int64 index) pg_attribute_noreturn();

/*
 * Memory that a function needs for long arguments: an error when it is, with what else the
 * call holds, more than reco.max_memory allows, else a plain allocation.
 */
extern void reco_argument_require(size_t bytes);
extern void *reco_argument_alloc(size_t bytes);

/* keywords.c: lexeme i of a against lexeme j of b, in the order of a tsvector. */
extern int reco_compare_lexemes(TSVector a, int i, TSVector b, int j);

/* states.c: the states of aggregates. */

/* Before a state that may be large grows: all groups together may hold reco.max_memory. */
extern void reco_state_require(MemoryContext context, size_t bytes);
extern void *reco_state_new(FunctionCallInfo fcinfo, size_t bytes);
extern MemoryContext reco_state_context(FunctionCallInfo fcinfo);

/*
 * Serialized states begin with the kind of state and the version of its format;
 * reading checks that, the length and that the numbers can be.
 */
typedef enum RecoStateKind
{
	RECO_STATE_COSINE = 0x52430101,
	RECO_STATE_DOT = 0x52430201,
	RECO_STATE_PEARSON = 0x52430301,
	RECO_STATE_JACCARD = 0x52430401,
	RECO_STATE_VECTOR = 0x52430501,
	RECO_STATE_TOP_N = 0x52430601
} RecoStateKind;

/* More rows than there can be, and few enough to be added up without overflow. */
#define RECO_STATE_MAX_ROWS (INT64CONST(1) << 48)

extern void reco_state_begin(StringInfo to, RecoStateKind kind);
extern void reco_state_send_sum(StringInfo to, const reco_sum *sum);
extern void reco_state_open(StringInfo from, bytea *state, RecoStateKind kind);
extern double reco_state_read_double(StringInfo from);
extern reco_sum reco_state_read_sum(StringInfo from);
extern int64 reco_state_read_count(StringInfo from, int64 min, int64 max);
extern void reco_state_invalid(void) pg_attribute_noreturn();

#endif /* RECO_SIMILARITY_SIMILARITY_H */
