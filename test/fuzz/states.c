/*
 * states.c
 *	  Fuzz target: the states of aggregates as they go from one process to another.
 *
 * Input: a byte for the aggregate; a byte of flags (whether the head that each state
 * of this aggregate begins with is put before it, whether the states come as short
 * varlenas, and with the highest bit that no check sum is put behind those that end in
 * one); two bytes, the length of the first state; the first state, and
 * the second.  Each is read; what was read is written again, which must give the
 * same bytes, and both are combined, written and finished.
 */
#include "server/server.h"

#include "core/als/als_normal.h"
#include "similarity/similarity.h"

#include "catalog/pg_type.h"
#include "port/pg_bswap.h"

typedef struct Aggregate
{
	PGFunction serial;
	PGFunction deserial;
	PGFunction combine;
	PGFunction final;
	PGFunction other_final; /* or NULL */
	uint32 kind;            /* 0: no head is put before it */
} Aggregate;

#define DECLARE(name) extern Datum name(PG_FUNCTION_ARGS)

DECLARE(reco_cosine_serial);
DECLARE(reco_cosine_deserial);
DECLARE(reco_cosine_combine);
DECLARE(reco_cosine_final);
DECLARE(reco_dot_serial);
DECLARE(reco_dot_deserial);
DECLARE(reco_dot_combine_states);
DECLARE(reco_dot_final);
DECLARE(reco_pearson_serial);
DECLARE(reco_pearson_deserial);
DECLARE(reco_pearson_combine_states);
DECLARE(reco_pearson_final);
DECLARE(reco_jaccard_serial);
DECLARE(reco_jaccard_deserial);
DECLARE(reco_jaccard_combine);
DECLARE(reco_jaccard_final);
DECLARE(reco_vector_serial);
DECLARE(reco_vector_deserial);
DECLARE(reco_vector_combine_states);
DECLARE(reco_vector_sum);
DECLARE(reco_vector_avg);
DECLARE(reco_top_n_serial);
DECLARE(reco_top_n_deserial);
DECLARE(reco_top_n_combine);
DECLARE(reco_top_n_final);
DECLARE(reco_als_agg_serialize);
DECLARE(reco_als_agg_deserialize);
DECLARE(reco_als_agg_combine);
DECLARE(reco_als_agg_final);
DECLARE(reco_gram_agg_final);

static const Aggregate aggregates[] = {
	{reco_cosine_serial, reco_cosine_deserial, reco_cosine_combine, reco_cosine_final, NULL,
	 RECO_STATE_COSINE},
	{reco_dot_serial, reco_dot_deserial, reco_dot_combine_states, reco_dot_final, NULL,
	 RECO_STATE_DOT},
	{reco_pearson_serial, reco_pearson_deserial, reco_pearson_combine_states, reco_pearson_final,
	 NULL, RECO_STATE_PEARSON},
	{reco_jaccard_serial, reco_jaccard_deserial, reco_jaccard_combine, reco_jaccard_final, NULL,
	 RECO_STATE_JACCARD},
	{reco_vector_serial, reco_vector_deserial, reco_vector_combine_states, reco_vector_sum,
	 reco_vector_avg, RECO_STATE_VECTOR},
	{reco_top_n_serial, reco_top_n_deserial, reco_top_n_combine, reco_top_n_final, NULL,
	 RECO_STATE_TOP_N},
	{reco_als_agg_serialize, reco_als_agg_deserialize, reco_als_agg_combine, reco_als_agg_final,
	 reco_gram_agg_final, 0},
};

/* One call of a function by an aggregate, perhaps with a call site that lasts. */
typedef struct Call
{
	PGFunction function;
	FmgrInfo *site;
	NullableDatum argument[2];
	NullableDatum result;
} Call;

static void
make_call(void *arg)
{
	LOCAL_FCINFO(fcinfo, 2);
	Call *call = arg;

	InitFunctionCallInfoData(*fcinfo, call->site, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0] = call->argument[0];
	fcinfo->args[1] = call->argument[1];
	call->result.value = call->function(fcinfo);
	call->result.isnull = fcinfo->isnull;
}

/* NULL when it is an error or the answer is. */
static void *
pointer_of(FmgrInfo *site, PGFunction function, void *a, void *b)
{
	Call call = {function,
				 site,
				 {{PointerGetDatum(a), a == NULL}, {PointerGetDatum(b), b == NULL}},
				 {0, true}};

	if (!server_try(make_call, &call) || call.result.isnull)
		return NULL;
	return DatumGetPointer(call.result.value);
}

/* Some results are numbers: only whether the call comes back. */
static void
finish(FmgrInfo *site, PGFunction function, void *state)
{
	Call call = {function, site, {{PointerGetDatum(state), state == NULL}, {0, true}}, {0, true}};

	if (function != NULL)
		(void) server_try(make_call, &call);
}

static struct varlena *
state_bytes(const Aggregate *aggregate, uint8_t flags, const uint8_t *data, size_t size)
{
	uint8_t bytes[4096 + 4 + RECO_NORMAL_TAIL];
	size_t head = (flags & 1) && aggregate->kind != 0 ? 4 : 0;
	uint32 kind = pg_hton32(aggregate->kind);

	size = Min(size, 4096);
	memcpy(bytes, &kind, 4);
	if (size > 0)
		memcpy(bytes + head, data, size);
	if (aggregate->kind == 0 && !(flags & 128))
	{
		size += RECO_NORMAL_TAIL;
		reco_normal_seal(bytes, size);
	}
	return server_varlena(bytes, head + size, flags & 2);
}

/* What was read, and is written, is what came. */
static void *
read_state(const Aggregate *aggregate, FmgrInfo *site, struct varlena *bytes)
{
	void *state = pointer_of(site, aggregate->deserial, bytes, NULL);
	struct varlena *again;

	if (state == NULL)
		return NULL;
	again = pointer_of(site, aggregate->serial, state, NULL);
	REQUIRE(again != NULL && VARSIZE_ANY_EXHDR(again) == VARSIZE_ANY_EXHDR(bytes) &&
			memcmp(VARDATA_ANY(again), VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)) == 0);
	return state;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const Oid types[] = {INT4OID, TEXTOID, VARCHAROID};
	const Aggregate *aggregate;
	FmgrInfo site = {0};
	size_t length;
	void *state[2];
	void *combined;

	if (size < 4)
		return 0;
	aggregate = &aggregates[data[0] % lengthof(aggregates)];
	server_argument_type = types[data[1] / 4 % lengthof(types)];
	length = Min((size_t) data[2] + 256 * data[3], size - 4);
	state[0] = read_state(aggregate, &site, state_bytes(aggregate, data[1], data + 4, length));
	state[1] = read_state(aggregate, &site,
						  state_bytes(aggregate, data[1], data + 4 + length, size - 4 - length));
	finish(&site, aggregate->final, state[0]);
	combined = pointer_of(&site, aggregate->combine, NULL, state[0]);
	if (combined != NULL)
		combined = pointer_of(&site, aggregate->combine, combined, state[1]);
	if (combined != NULL)
	{
		struct varlena *bytes = pointer_of(&site, aggregate->serial, combined, NULL);

		if (bytes != NULL)
			(void) pointer_of(&site, aggregate->deserial, bytes, NULL);
		finish(&site, aggregate->final, combined);
		finish(&site, aggregate->other_final, combined);
	}
	server_reset();
	return 0;
}
