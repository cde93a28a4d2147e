/*
 * assign.c
 *	  reco.assign(): which of several models gets a user.
 *
 * Each model gets a hash: the first eight bytes of the SHA-256 of the experiment, the user and the
 * model, in UTF-8, with line feeds between.  core/inference/assignment.h says who of them gets
 * the user.  So the answer is the same on every machine and version of the server, and an
 * application can work it out by itself.
 *
 * A user is hashed by their text.  Types whose text depends on settings of the session are
 * refused, but for times, which have a form of their own here.
 *
 * Cost: a SHA-256 for each model, about a microsecond.
 */
#include "marketing/arms.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "core/inference/assignment.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

RECO_FUNCTION(reco_assign);

/* How the users of a call become text. */
typedef struct UserText
{
	Oid type; /* without domains */
	FmgrInfo out;
} UserText;

static void
refuse_type(Oid type)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("users of type %s cannot be assigned", format_type_be(type)),
			 errdetail("Their text depends on settings of the session, so they could come to "
					   "another model in another session."),
			 errhint("Cast them to text in a form that does not, or take another id.")));
}

static UserText *
user_text_of(FunctionCallInfo fcinfo, int argument)
{
	UserText *how = fcinfo->flinfo->fn_extra;
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, argument);
	Oid out;
	bool varlena;
	char category;
	bool preferred;

	if (how)
		return how;
	if (!OidIsValid(type))
		elog(ERROR, "could not determine the type of the user");
	how = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(UserText));
	how->type = getBaseType(type);
	switch (how->type)
	{
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			break;
		case FLOAT4OID:
		case FLOAT8OID:
		case BYTEAOID:
			refuse_type(type);
			break;
		default:
			getTypeOutputInfo(how->type, &out, &varlena);
			get_type_category_preferred(how->type, &category, &preferred);
			/* points and the like are made of float8, though they say otherwise */
			if (func_volatile(out) != PROVOLATILE_IMMUTABLE || category == TYPCATEGORY_GEOMETRIC)
				refuse_type(type);
			fmgr_info_cxt(out, &how->out, fcinfo->flinfo->fn_mcxt);
	}
	fcinfo->flinfo->fn_extra = how;
	return how;
}

/* A user as text: equal ones have equal texts, whatever zeros or blanks follow them. */
static char *
user_text(UserText *how, Datum user)
{
	char *text;
	int utc = 0;

	switch (how->type)
	{
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			text = palloc(MAXDATELEN + 1);
			JsonEncodeDateTime(text, user, how->type, how->type == TIMESTAMPTZOID ? &utc : NULL);
			return text;
		case NUMERICOID:
			user = DirectFunctionCall1(numeric_trim_scale, user);
			break;
	}
	text = OutputFunctionCall(&how->out, user);
	if (how->type == BPCHAROID)
		for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
			text[n - 1] = '\0';
	return text;
}

static uint64
hash_of(const char *experiment, const char *user, const char *model)
{
	char *text = psprintf("%s\n%s\n%s", experiment, user, model);
	int length = (int) strlen(text);
	char *utf8 = pg_server_to_any(text, length, PG_UTF8);
	bytea *bytes;
	bytea *digest;
	uint64 hash = 0;

	if (utf8 != text)
		length = (int) strlen(utf8);
	bytes = cstring_to_text_with_len(utf8, length);
	digest = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes)));
	for (int k = 0; k < 8; k++)
		hash = hash << 8 | (unsigned char) VARDATA_ANY(digest)[k];
	pfree(digest);
	pfree(bytes);
	if (utf8 != text)
		pfree(utf8);
	pfree(text);
	return hash;
}

Datum
reco_assign(PG_FUNCTION_ARGS)
{
	char *experiment = reco_text_of(fcinfo, 0, "experiment");
	RecoArms arms;
	UserText *how;
	char *user;
	uint64 hash[RECO_MAX_ARMS];

	reco_require_argument(fcinfo, 2, "models");
	reco_arms_read(fcinfo, 2, 3, &arms);
	how = user_text_of(fcinfo, 1);
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	user = user_text(how, PG_GETARG_DATUM(1));
	for (int k = 0; k < arms.n; k++)
		hash[k] = hash_of(experiment, user, arms.model[k]);
	PG_RETURN_TEXT_P(cstring_to_text(arms.model[reco_assignment(hash, arms.weight, arms.n)]));
}
