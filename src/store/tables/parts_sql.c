/*
 * parts_sql.c
 *	  reco.part_vector() and reco.part_list(): a part of a row, for the views of a model;
 *	  reco.stored_parts() and reco.stored_history(): all that a row of a user holds.
 *
 * A part has a name in its algorithm's declaration; of a member of an algorithm made of others,
 * that member's number comes before it.  Anybody may call these with anything.
 *
 * Cost: that of what is returned; the algorithm is parsed once a query.
 */
#include "store/tables/parts.h"

#include "catalog/pg_type.h"
#include "core/data/history.h"
#include "funcapi.h"
#include "pg/rows.h"
#include "utils/builtins.h"

RECO_FUNCTION(reco_part_vector);
RECO_FUNCTION(reco_part_list);
RECO_FUNCTION(reco_stored_parts);
RECO_FUNCTION(reco_stored_history);

/* Where a part is in the rows of a side; kept between the rows of a query. */
typedef struct PartPlace
{
	MemoryContext context; /* of all this */
	Jsonb *algorithm;      /* of which this is said */
	text *side;
	text *name;
	const RecoPartType *type; /* NULL: there is no such part */
	int position;
} PartPlace;

static bool
same(const void *a, const void *b)
{
	return VARSIZE_ANY(a) == VARSIZE_ANY(b) && memcmp(a, b, VARSIZE_ANY(a)) == 0;
}

static RecoSide
side_of(const text *side)
{
	char *name = text_to_cstring(side);

	if (strcmp(name, "users") == 0)
		return RECO_OF_USERS;
	if (strcmp(name, "items") == 0)
		return RECO_OF_ITEMS;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unrecognized side \"%s\"", name),
			 errhint("Valid sides are \"users\" and \"items\".")));
}

static const PartPlace *
place_of(FunctionCallInfo fcinfo)
{
	PartPlace *place = fcinfo->flinfo->fn_extra;
	Jsonb *algorithm = PG_GETARG_JSONB_P(1);
	text *side = PG_GETARG_TEXT_PP(2);
	text *name = PG_GETARG_TEXT_PP(3);
	MemoryContext context;
	MemoryContext old;
	RecoMember *member;
	int members;

	if (place && same(place->algorithm, algorithm) && same(place->side, side) &&
		same(place->name, name))
		return place;
	fcinfo->flinfo->fn_extra = NULL;
	if (place)
		MemoryContextDelete(place->context);
	context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "reco part", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	place = palloc(sizeof(PartPlace));
	place->context = context;
	place->algorithm = (Jsonb *) pg_detoast_datum_copy((struct varlena *) algorithm);
	place->side = memcpy(palloc(VARSIZE_ANY(side)), side, VARSIZE_ANY(side));
	place->name = memcpy(palloc(VARSIZE_ANY(name)), name, VARSIZE_ANY(name));
	members = reco_members_make(reco_spec_parse(algorithm), &member);
	place->position =
		reco_part_position(member, members, side_of(side), text_to_cstring(name), &place->type);
	fcinfo->flinfo->fn_extra = place;
	MemoryContextSwitchTo(old);
	return place;
}

static pg_attribute_noreturn() void refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("array does not hold the parts of a row of that algorithm"),
			 errhint("Give the column \"parts\" of a row with the algorithm of its version.")));
}

/* The element of a part in the first argument; an error when it is not one. */
static const char *
element_of(FunctionCallInfo fcinfo, const PartPlace *place, Size *size)
{
	const char *data[RECO_MOST_STORED];
	Size sizes[RECO_MOST_STORED];
	int n = reco_parts_elements(PG_GETARG_ARRAYTYPE_P(0), RECO_MOST_STORED, data, sizes);

	if (n <= place->position || place->position >= RECO_MOST_STORED)
		refuse();
	*size = sizes[place->position];
	return data[place->position];
}

/* part_vector(parts bytea[], algorithm jsonb, side text, name text) returns real[] */
Datum
reco_part_vector(PG_FUNCTION_ARGS)
{
	const PartPlace *place = place_of(fcinfo);
	const char *data;
	Size size;
	Size element;
	int n;
	Datum *values;

	if (place->type == NULL || place->type->shape != RECO_VECTOR)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT4OID));
	data = element_of(fcinfo, place, &size);
	element = reco_element_size(place->type->element);
	if (size != place->type->width * element)
		refuse();
	n = (int) (size / element);
	values = palloc((Max(n, 1)) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		float single;
		double twice;

		RECO_POLL_AT(i + 1);
		if (place->type->element == RECO_FLOAT4)
			memcpy(&single, data + i * sizeof(float), sizeof(float));
		else
		{
			memcpy(&twice, data + i * sizeof(double), sizeof(double));
			single = (float) twice;
		}
		values[i] = Float4GetDatum(single);
	}
	PG_RETURN_ARRAYTYPE_P(
		construct_array(values, n, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
}

/* part_list(parts bytea[], algorithm jsonb, side text, name text) returns (number, weight) */
Datum
reco_part_list(PG_FUNCTION_ARGS)
{
	const PartPlace *place = place_of(fcinfo);
	RecoRows rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, FLOAT8OID}, 2);
	const char *data;
	Size size;
	Size element;
	Size n;

	if (place->type == NULL || place->type->shape != RECO_LIST)
		return (Datum) 0;
	data = element_of(fcinfo, place, &size);
	element = reco_element_size(place->type->element);
	n = size / (sizeof(int32) + element);
	if (size % (sizeof(int32) + element) != 0)
		refuse();
	for (Size k = 0; k < n; k++)
	{
		const char *weight = data + n * sizeof(int32) + k * element;
		int32 number;
		float single;
		double twice = 1;

		reco_poll();
		memcpy(&number, data + k * sizeof(int32), sizeof(int32));
		if (place->type->element == RECO_FLOAT8)
			memcpy(&twice, weight, sizeof(double));
		else if (place->type->element == RECO_FLOAT4)
		{
			memcpy(&single, weight, sizeof(float));
			twice = single;
		}
		reco_rows_add(&rows, (Datum[]){Int32GetDatum(number), Float8GetDatum(twice)},
					  (bool[]){false, false});
	}
	return (Datum) 0;
}

/* Numbers that are not stored aligned. */
static double
number_at(RecoElement element, const char *data, Size at)
{
	float single;
	double twice;

	if (element == RECO_NOTHING)
		return 1;
	if (element == RECO_FLOAT8)
	{
		memcpy(&twice, data + at * sizeof(double), sizeof(double));
		return twice;
	}
	memcpy(&single, data + at * sizeof(float), sizeof(float));
	return single;
}

static void
add_part(RecoRows *rows, const char *name, const RecoPartType *type, const char *data, Size size)
{
	static const char *const sides[] = {"users", "items", "terms", "model"};
	bool is_list = type->shape == RECO_LIST;
	Size entry = reco_element_size(type->element) + (is_list ? sizeof(int32) : 0);
	Size n = size / entry;
	Datum values[5] = {CStringGetTextDatum(name)};
	bool nulls[5] = {false, !is_list, false, !is_list, false};

	if (size % entry != 0)
		refuse();
	if (is_list)
		values[1] = CStringGetTextDatum(sides[type->of]);
	for (Size k = 0; k < n; k++)
	{
		int32 number = 0;

		reco_poll();
		if (is_list)
			memcpy(&number, data + k * sizeof(int32), sizeof(int32));
		values[2] = Int32GetDatum((int32) k + 1);
		values[3] = Int32GetDatum(number);
		values[4] =
			Float8GetDatum(number_at(type->element, is_list ? data + n * sizeof(int32) : data, k));
		reco_rows_add(rows, values, nulls);
	}
}

/* stored_parts(parts bytea[], algorithm jsonb) returns (part, points_to, place, number, weight) */
Datum
reco_stored_parts(PG_FUNCTION_ARGS)
{
	RecoRows rows =
		reco_rows_begin(fcinfo, (Oid[]){TEXTOID, TEXTOID, INT4OID, INT4OID, FLOAT8OID}, 5);
	const char *data[RECO_MOST_STORED];
	Size size[RECO_MOST_STORED];
	int n = reco_parts_elements(PG_GETARG_ARRAYTYPE_P(0), RECO_MOST_STORED, data, size);
	RecoMember *member;
	int members = reco_members_make(reco_spec_parse(PG_GETARG_JSONB_P(1)), &member);
	int at = 0;

	for (int m = 0; m < members; m++)
		for (int p = 0; p < member[m].parts; p++)
		{
			const RecoPartType *type = &member[m].type[p];

			if (type->side != RECO_OF_USERS || !reco_part_stored(type))
				continue;
			if (at >= n || at >= RECO_MOST_STORED)
				refuse();
			add_part(&rows, m == 0 ? type->name : psprintf("%d.%s", m, type->name), type, data[at],
					 size[at]);
			at++;
		}
	return (Datum) 0;
}

/* stored_history(history bytea) returns (number, value) */
Datum
reco_stored_history(PG_FUNCTION_ARGS)
{
	RecoRows rows = reco_rows_begin(fcinfo, (Oid[]){INT4OID, FLOAT4OID}, 2);
	bytea *history = PG_GETARG_BYTEA_PP(0);
	const uint8 *data = (const uint8 *) VARDATA_ANY(history);
	Size size = VARSIZE_ANY_EXHDR(history);
	int64 n = reco_history_count(data, size);
	int32 *item = n < 0 ? NULL : reco_row_alloc(n, sizeof(int32));
	float *value = n < 0 ? NULL : reco_row_alloc(n, sizeof(float));

	if (n < 0 || !reco_history_decode(&reco_poll_env, data, size, PG_INT32_MAX, item, value))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("value is not a stored history"),
						errhint("Give the column \"history\" of a table of users.")));
	for (int64 k = 0; k < n; k++)
	{
		reco_poll();
		reco_rows_add(&rows, (Datum[]){Int32GetDatum(item[k]), Float4GetDatum(value[k])},
					  (bool[]){false, false});
	}
	return (Datum) 0;
}
