/*
 * hybrid_rules.c
 *	  Which members of a hybrid score which users, as it is written.
 *
 *	 [{"max_history": 5, "use": "content"}, {"known": false, "use": ["item_knn", 3]}]
 *
 * A rule is about users of at least min_history and at most max_history interactions, and of all,
 * of known ones or of others; "use" names members by their algorithm or their place, from 1.
 */
#include "model/hybrid_rules.h"

#include "mb/pg_wchar.h"
#include "pg/json.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include <math.h>

#define MOST_RULES 32

/* A rule as it is read, for its errors. */
typedef struct Reading
{
	const reco_nested *members;
	int number; /* of the rule, from 1 */
	reco_hybrid_rule *rule;
	bool bounded; /* something says whom it is about */
} Reading;

static const char *
name_of(const reco_nested *members, int m)
{
	return ((const RecoSpec *) members->value[m])->algorithm->name;
}

/* "1 ials, 2 content" */
static char *
list_members(const reco_nested *members)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int m = 0; m < members->n; m++)
		appendStringInfo(&text, "%s%d %s", m ? ", " : "", m + 1, name_of(members, m));
	return text.data;
}

static pg_attribute_noreturn() void bad_use(const Reading *r, const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("rule %d of algorithm \"hybrid\" %s", r->number, what),
			 errdetail("Its members are: %s.", list_members(r->members)), errhint("%s", hint)));
}

/* A member by its name or by its place. */
static int
member_of(const Reading *r, const JsonbValue *value)
{
	int found = -1;

	if (value->type == jbvNumeric)
	{
		double place = DatumGetFloat8(
			DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));

		if (!(place >= 1 && place <= r->members->n) || place != floor(place))
			bad_use(r, "uses a place where no member is",
					"Give the place of a member, from 1, or the name of its algorithm.");
		return (int) place - 1;
	}
	if (value->type != jbvString)
		bad_use(r, "uses something that names no member",
				"Give the name of a member's algorithm, its place, or an array of these.");
	for (int m = 0; m < r->members->n; m++)
		if (strlen(name_of(r->members, m)) == (size_t) value->val.string.len &&
			memcmp(name_of(r->members, m), value->val.string.val, value->val.string.len) == 0)
		{
			if (found >= 0)
				bad_use(r,
						psprintf("uses \"%s\", of which there are several", name_of(r->members, m)),
						"Give the place of the one that is meant, from 1.");
			found = m;
		}
	if (found < 0)
		bad_use(r,
				psprintf("uses \"%.*s\", which is none of its members",
						 pg_mbcliplen(value->val.string.val, value->val.string.len, 60),
						 value->val.string.val),
				"Give the name of a member's algorithm, or its place, from 1.");
	return found;
}

static void
read_use(Reading *r, const JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue item;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
	{
		r->rule->members |= UINT32_C(1) << member_of(r, value);
		return;
	}
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			r->rule->members |= UINT32_C(1) << member_of(r, &item);
}

static int64
read_count(const Reading *r, const char *key, const JsonbValue *value)
{
	double count = value->type == jbvNumeric
					   ? DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
															NumericGetDatum(value->val.numeric)))
					   : -1;

	if (!(count >= 0 && count <= INT_MAX) || count != floor(count))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of rule %d of algorithm \"hybrid\" must be a whole number "
							   "from 0 to %d",
							   key, r->number, INT_MAX),
						errhint("It is a number of interactions, such as {\"max_history\": 5, "
								"\"use\": \"content\"}.")));
	return (int64) count;
}

static void
read_key(Reading *r, const char *key, const JsonbValue *value)
{
	if (strcmp(key, "use") == 0)
		read_use(r, value);
	else if (strcmp(key, "min_history") == 0)
		r->rule->least = read_count(r, key, value);
	else if (strcmp(key, "max_history") == 0)
		r->rule->most = read_count(r, key, value);
	else if (strcmp(key, "known") == 0)
	{
		if (value->type != jbvBool)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"known\" of rule %d of algorithm \"hybrid\" must be a boolean",
								   r->number),
							errhint("true is about users of the training, false about others.")));
		r->rule->known = value->val.boolean;
	}
	else
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unrecognized key \"%.*s\" in rule %d of algorithm \"hybrid\"",
							   pg_mbcliplen(key, (int) strlen(key), 60), key, r->number),
						errhint("Valid keys are: min_history, max_history, known, use.")));
	r->bounded = r->bounded || strcmp(key, "use") != 0;
}

static void
read_rule(Reading *r, JsonbContainer *object)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue item;
	char *key = NULL;

	*r->rule = (reco_hybrid_rule){.most = PG_INT64_MAX, .known = -1};
	r->bounded = false;
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
		if (token == WJB_KEY)
			key = pnstrdup(item.val.string.val, item.val.string.len);
		else if (token == WJB_VALUE)
			read_key(r, key, &item);
	if (r->rule->members == 0)
		bad_use(r, "uses no member",
				"Say who scores these users, as in {\"max_history\": 5, \"use\": \"content\"}.");
	if (r->rule->least > r->rule->most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("rule %d of algorithm \"hybrid\" is about nobody", r->number),
						errdetail("Its \"min_history\" is more than its \"max_history\"."),
						errhint("Exchange the two.")));
}

reco_hybrid_rule *
reco_hybrid_rules(const char *text, const reco_nested *members, int *n)
{
	Jsonb *whole = text ? reco_json_of(text) : NULL;
	int count = whole ? JB_ROOT_COUNT(whole) : 0;
	List *objects = whole ? reco_json_objects(&whole->root) : NIL;
	reco_hybrid_rule *rules;
	ListCell *cell;
	Reading r = {.members = members};

	*n = count;
	if (whole == NULL)
		return NULL;
	if (count == 0 || count > MOST_RULES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"rules\" of algorithm \"hybrid\" cannot be an array of "
							   "length %d",
							   count),
						errhint("Give 1 to %d rules, or none: then all members score all users.",
								MOST_RULES)));
	if (list_length(objects) != count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"rules\" of algorithm \"hybrid\" must be an array of objects"),
				 errhint("Such as [{\"max_history\": 5, \"use\": \"content\"}].")));
	rules = palloc(count * sizeof(reco_hybrid_rule));
	foreach (cell, objects)
	{
		if (r.number > 0 && !r.bounded)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("rule %d of algorithm \"hybrid\" is never come to", r.number + 1),
					 errdetail("The one before it is about all users."),
					 errhint("Give that one a \"min_history\", a \"max_history\" or "
							 "\"known\", or let it be the last.")));
		r.rule = &rules[r.number++];
		read_rule(&r, lfirst(cell));
	}
	return rules;
}
