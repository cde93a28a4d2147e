/*
 * terms.c
 *	  The fields and terms of a version whose algorithm looks at features.
 *
 * A version records its fields as JSON: name, kind, the range of its terms or dense
 * columns, its weight, and what a number was standardized by.  Terms are rows of
 * model_term.  Both are the owner's, so what is read is checked.
 */
#include "store/tables/terms.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "store/tables/statement.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/snapmgr.h"

#include <math.h>

/* Terms that are inserted by one statement: their number, and bytes of text. */
#define BATCH 50000
#define BATCH_BYTES (64 * 1024 * 1024)

static const char *const kinds[] = {"keywords", "attributes", "embedding", "number"};

Jsonb *
reco_fields_describe(const RecoFeatures *features)
{
	const reco_content *content = &features->content;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int f = 0; f < content->fields; f++)
	{
		const reco_field *field = &content->field[f];

		appendStringInfo(&text, "%s{\"name\": ", f ? ", " : "");
		escape_json(&text, features->name[f]);
		appendStringInfo(&text,
						 ", \"kind\": \"%s\", \"from\": %d, \"to\": %d, \"weight\": %s, "
						 "\"mean\": %s, \"deviation\": %s}",
						 kinds[field->kind], field->from, field->to,
						 float8out_internal(field->weight), float8out_internal(features->mean[f]),
						 float8out_internal(features->deviation[f]));
	}
	appendStringInfoChar(&text, ']');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data)));
}

static bool
read_number(JsonbContainer *object, const char *key, double *number)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(object, key, strlen(key), &value) == NULL ||
		value.type != jbvNumeric)
		return false;
	*number = DatumGetFloat8(
		DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value.val.numeric)));
	return fabs(*number) <= RECO_MAX_FACTOR;
}

static char *
read_string(JsonbContainer *object, const char *key)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(object, key, strlen(key), &value) == NULL ||
		value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static bool
read_field(JsonbContainer *object, RecoFeatures *out, int f)
{
	reco_field *field = &out->content.field[f];
	char *kind = read_string(object, "kind");
	double from;
	double to;
	int k = 0;

	out->name[f] = read_string(object, "name");
	if (out->name[f] == NULL || kind == NULL)
		return false;
	while (k < lengthof(kinds) && strcmp(kinds[k], kind) != 0)
		k++;
	if (k == lengthof(kinds) || !read_number(object, "from", &from) ||
		!read_number(object, "to", &to) || !read_number(object, "weight", &field->weight) ||
		!read_number(object, "mean", &out->mean[f]) ||
		!read_number(object, "deviation", &out->deviation[f]))
		return false;
	field->kind = (reco_field_kind) k;
	if (!(from >= 0 && from <= to && to <= PG_INT32_MAX && field->weight >= 0))
		return false;
	field->from = (int32) from;
	field->to = (int32) to;
	if (field->kind == RECO_EMBEDDING || field->kind == RECO_NUMBER)
		return field->to <= RECO_MAX_DENSE &&
			   (field->kind != RECO_NUMBER || field->to == field->from + 1);
	/* a term is of one field, and fields follow each other */
	if (field->from < field->to)
	{
		if (field->from < out->terms)
			return false;
		out->terms = field->to;
	}
	return true;
}

RecoFeatures *
reco_fields_read(Jsonb *fields)
{
	RecoFeatures *out = palloc0(sizeof(RecoFeatures));
	int n;

	if (fields == NULL || !JB_ROOT_IS_ARRAY(fields) || JB_ROOT_IS_SCALAR(fields))
		return NULL;
	n = JB_ROOT_COUNT(fields);
	if (n < 1 || n > RECO_MAX_FIELDS)
		return NULL;
	out->content.fields = n;
	for (int f = 0; f < n; f++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(&fields->root, f);

		if (value == NULL || value->type != jbvBinary ||
			!JsonContainerIsObject(value->val.binary.data) ||
			!read_field(value->val.binary.data, out, f))
			return NULL;
	}
	return out;
}

/* Which field a term belongs to. */
static int
field_of(const RecoFeatures *features, int32 term)
{
	const reco_content *content = &features->content;

	for (int f = 0; f < content->fields; f++)
		if ((content->field[f].kind == RECO_KEYWORDS ||
			 content->field[f].kind == RECO_ATTRIBUTES) &&
			term >= content->field[f].from && term < content->field[f].to)
			return f;
	return -1;
}

/* How many terms, the first one being `from`, make a batch. */
static int32
batch_of(const RecoFeatures *features, int32 from)
{
	Size bytes = 0;
	int32 n = 0;

	while (n < BATCH && from + n < features->terms && bytes < BATCH_BYTES)
		bytes += strlen(features->term[from + n++]);
	return n;
}

static RecoArgument
array_argument(Oid type, ArrayType *array)
{
	return (RecoArgument){type, PointerGetDatum(array), false};
}

void
reco_terms_write(Oid schema, int32 version, const RecoFeatures *features)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco terms", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int32 n;

	for (int32 from = 0; from < features->terms; from += n)
	{
		Datum *column[4];
		RecoArgument argument[5] = {reco_int4_argument(version)};

		MemoryContextReset(context);
		n = batch_of(features, from);
		for (int c = 0; c < lengthof(column); c++)
			column[c] = palloc(n * sizeof(Datum));
		for (int32 k = 0; k < n; k++)
		{
			column[0][k] = Int32GetDatum(from + k);
			column[1][k] = Int32GetDatum(field_of(features, from + k));
			column[2][k] = CStringGetTextDatum(features->term[from + k]);
			column[3][k] = Float4GetDatum(features->idf[from + k]);
		}
		argument[1] =
			array_argument(INT4ARRAYOID, construct_array(column[0], n, INT4OID, sizeof(int32), true,
														 TYPALIGN_INT));
		argument[2] =
			array_argument(INT4ARRAYOID, construct_array(column[1], n, INT4OID, sizeof(int32), true,
														 TYPALIGN_INT));
		argument[3] = array_argument(
			TEXTARRAYOID, construct_array(column[2], n, TEXTOID, -1, false, TYPALIGN_INT));
		argument[4] =
			array_argument(FLOAT4ARRAYOID, construct_array(column[3], n, FLOAT4OID, sizeof(float4),
														   true, TYPALIGN_INT));
		(void) reco_statement(schema,
							  "INSERT INTO %s.model_term (version, number, field, term, weight)"
							  " SELECT $1, t.* FROM unnest($2, $3, $4, $5) t",
							  argument, lengthof(argument), NULL);
		reco_poll();
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
