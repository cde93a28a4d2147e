/*
 * json.c
 *	  Reading and writing small objects of JSON.
 *
 * Cost: a search among the keys of an object, or a pass over an array.
 */
#include "pg/json.h"

#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include <math.h>

static bool
find(const JsonbContainer *object, const char *key, JsonbValue *value)
{
	return object && JsonContainerIsObject(object) &&
		   getKeyJsonValueFromContainer(unconstify(JsonbContainer *, object), key,
										(int) strlen(key), value) != NULL;
}

double
reco_json_number(const JsonbContainer *object, const char *key)
{
	JsonbValue value;

	if (!find(object, key, &value) || value.type != jbvNumeric)
		return NAN;
	return DatumGetFloat8(
		DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value.val.numeric)));
}

char *
reco_json_text(const JsonbContainer *object, const char *key)
{
	JsonbValue value;

	if (!find(object, key, &value) || value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

JsonbContainer *
reco_json_container(const JsonbContainer *object, const char *key)
{
	JsonbValue value;

	return find(object, key, &value) && value.type == jbvBinary ? value.val.binary.data : NULL;
}

List *
reco_json_objects(JsonbContainer *array)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue item;
	List *objects = NIL;
	int64 n = 0;

	if (array == NULL || !JsonContainerIsArray(array))
		return NIL;
	iterator = JsonbIteratorInit(array);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		RECO_POLL_EACH(n++, 4096);
		if (token == WJB_ELEM && item.type == jbvBinary &&
			JsonContainerIsObject(item.val.binary.data))
			objects = lappend(objects, item.val.binary.data);
	}
	return objects;
}

void
reco_json_key(StringInfo text, const char *key)
{
	appendStringInfoString(text, text->len > 0 ? ", " : "{");
	escape_json(text, key);
	appendStringInfoString(text, ": ");
}

void
reco_json_add_number(StringInfo text, const char *key, double value)
{
	char number[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (!isfinite(value))
		return;
	reco_json_key(text, key);
	double_to_shortest_decimal_buf(value, number);
	appendStringInfoString(text, number);
}

void
reco_json_add_text(StringInfo text, const char *key, const char *value)
{
	if (value == NULL)
		return;
	reco_json_key(text, key);
	escape_json(text, value);
}

void
reco_json_add(StringInfo text, const char *key, const char *value)
{
	reco_json_key(text, key);
	appendStringInfoString(text, value);
}

char *
reco_json_end(StringInfo text)
{
	appendStringInfoString(text, text->len > 0 ? "}" : "{}");
	return text->data;
}

Jsonb *
reco_json_of(const char *text)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(unconstify(char *, text))));
}
