/*
 * pseudonym.c
 *	  reco.pseudonym(): a keyed hash in the place of an id; and models that have these alone.
 *
 * The first 128 bits of HMAC-SHA256 of the id's text, as a uuid.  Without the key nobody can tell
 * whose it is, nor try out ids; with another key every id is another, so that what was made with
 * one key knows nobody by the other.
 *
 * The key is what a file of the server's holds, by the setting reco.pseudonym_key_file: so it is in
 * no table, no model and no dump, nor in the base backup where the file is outside of the data
 * directory, and no role sees it.  It is no setting itself, because a setting that is in the
 * configuration is shown to everybody as long as the library is not loaded.  It is read once for
 * each statement.
 *
 * Ids are those of which equal ones have the same text, whatever the settings: integers, uuids,
 * and texts of a collation in which no two different ones are equal.
 *
 * Whoever can have pseudonyms made of ids can try out all ids.  So it takes EXECUTE on
 * reco.pseudonym(): of the caller; where a model makes them, of its owner, whom all others are
 * served for, since anybody may own a model.
 *
 * Each version has a hash of a constant by its key: of what was made with another key an error says
 * so, where else everybody would be unknown.
 *
 * Cost: a microsecond or two; and reading the file, for each statement.
 */
#include "store/ids/pseudonym.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

RECO_FUNCTION(reco_pseudonym);

/* A key that nobody can guess has at least so many bytes; what follows is not read. */
#define LEAST_KEY 16
#define MOST_KEY 1024

static char *key_file;

typedef struct Key
{
	size_t length;
	uint8 byte[MOST_KEY];
	pg_uuid_t check;
	TimestampTz statement; /* that read it; 0: there is none */
} Key;

static Key key;

/* Of whom this statement knows that they may make pseudonyms; InvalidOid: of nobody. */
static Oid may_make;
static TimestampTz may_statement;

static void
forget_key(const char *value, void *extra)
{
	key.statement = 0;
}

static void
forget_right(Datum arg, int cache, uint32 hash)
{
	may_make = InvalidOid;
}

void
reco_pseudonym_init(void)
{
	DefineCustomStringVariable(
		"reco.pseudonym_key_file", "Sets the file that holds the key of reco.pseudonym().",
		"A relative path is one from the data directory.", &key_file, "reco_pseudonym.key",
		PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, forget_key, NULL);
	CacheRegisterSyscacheCallback(PROCOID, forget_right, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget_right, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, forget_right, (Datum) 0);
}

static void
check_file(int file)
{
	const char *hint = "It is a file of the server's account, with mode 0600.";
	struct stat st;

	if (fstat(file, &st) != 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not stat the key file: %m")));
	if (!S_ISREG(st.st_mode))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("key file of reco.pseudonym() is not a regular file"),
						errhint("%s", hint)));
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR),
						errmsg("key file of reco.pseudonym() may be read by others"),
						errhint("%s", hint)));
}

static void
read_key(void)
{
	/* a pipe that nobody writes to is not waited for */
	int file = OpenTransientFile(key_file, O_RDONLY | O_NONBLOCK | O_NOCTTY | PG_BINARY);
	ssize_t bytes;

	key.length = 0;
	/* the path is for those who administer the server, who have it in the configuration */
	if (file < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open the key file of reco.pseudonym(): %m"),
				 errhint("Let whoever runs the server make it, readable by the server's account "
						 "alone, with 32 random bytes, and keep a copy elsewhere: setting "
						 "reco.pseudonym_key_file.")));
	check_file(file);
	while (key.length < MOST_KEY &&
		   (bytes = read(file, key.byte + key.length, MOST_KEY - key.length)) != 0)
	{
		if (bytes < 0 && errno != EINTR)
			ereport(ERROR, (errcode_for_file_access(),
							errmsg("could not read the key file of reco.pseudonym(): %m")));
		key.length += Max(bytes, 0);
	}
	CloseTransientFile(file);
	if (key.length < LEAST_KEY)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("key of reco.pseudonym() is too short"),
				 errhint("Make one of at least %d random bytes.", LEAST_KEY)));
}

/* One may make many, which spares most of the time that one takes. */
static pg_hmac_ctx *
begin_hash(void)
{
	pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);

	if (hmac == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return hmac;
}

static void
hash(pg_hmac_ctx *hmac, const void *data, size_t bytes, pg_uuid_t *to)
{
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	if (pg_hmac_init(hmac, key.byte, key.length) != 0 || pg_hmac_update(hmac, data, bytes) != 0 ||
		pg_hmac_final(hmac, digest, sizeof(digest)) != 0)
	{
		pg_hmac_free(hmac);
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not make a pseudonym")));
	}
	memcpy(to->data, digest, UUID_LEN);
}

static void
hash_one(const void *data, size_t bytes, pg_uuid_t *to)
{
	pg_hmac_ctx *hmac = begin_hash();

	hash(hmac, data, bytes, to);
	pg_hmac_free(hmac);
}

/* The key of this statement. */
static void
need_key(void)
{
	/* no text of an id has a byte of 0 */
	static const char constant[] = "\0key";
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (key.statement == statement && statement != 0)
		return;
	key.statement = 0;
	read_key();
	hash_one(constant, sizeof(constant), &key.check);
	key.statement = statement;
}

/* Whoever calls need not be let into the schema. */
static Oid
function_of_sql(void)
{
	Oid any[] = {ANYELEMENTOID};

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("pseudonym"),
						   PointerGetDatum(buildoidvector(any, lengthof(any))),
						   ObjectIdGetDatum(get_namespace_oid("reco", true)));
}

static void
need_right(Oid role)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	Oid function;

	if (may_make == role && may_statement == statement)
		return;
	function = function_of_sql();
	if (!OidIsValid(function) || reco_function_aclcheck(function, role, ACL_EXECUTE) != ACLCHECK_OK)
	{
		char *name = GetUserNameFromId(role, true);

		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("role \"%s\" must not make pseudonyms", name ? name : ""),
						errdetail("Whoever may can try out ids, and so tell whose they are."),
						errhint("GRANT EXECUTE ON FUNCTION reco.pseudonym lets the owner of a "
								"model with pseudonyms make them.")));
	}
	may_make = role;
	may_statement = statement;
}

/* An error where equal ids of a type may have different texts. */
static void
check_type(Oid type, Oid collation)
{
	if (id_pseudonyms_of(type, collation))
		return;
	if (id_pseudonyms_of(type, InvalidOid) == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("a pseudonym cannot be made of type %s", format_type_be(type)),
						errdetail("Equal ids may have different texts."),
						errhint("Ids are integers, text or uuid: cast them to text in one form.")));
	ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_COLLATION),
					errmsg("a pseudonym cannot be made by collation \"%s\"",
						   get_collation_name(collation)),
					errdetail("Equal ids may have different texts."),
					errhint("Bring them to one form, and name another collation: "
							"reco.pseudonym(lower(email) COLLATE \"C\").")));
}

/* pseudonym(id anyelement) returns uuid */
Datum
reco_pseudonym(PG_FUNCTION_ARGS)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	pg_uuid_t *pseudonym = palloc(sizeof(pg_uuid_t));
	Oid out;
	bool varlena;
	char *text;

	check_type(type, PG_GET_COLLATION());
	getTypeOutputInfo(getBaseType(type), &out, &varlena);
	text = OidOutputFunctionCall(out, PG_GETARG_DATUM(0));
	need_key();
	hash_one(text, strlen(text), pseudonym);
	PG_RETURN_UUID_P(pseudonym);
}

void
id_pseudonyms_check(const IdPseudonyms *by)
{
	need_right(by->role);
	need_key();
	if (by->version != 0 && memcmp(&by->check, &key.check, sizeof(key.check)) != 0)
	{
		const char *name = OidIsValid(by->schema) ? get_namespace_name(by->schema) : NULL;

		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("version %d of model \"%s\" has pseudonyms by another key",
							   by->version, name ? name : ""),
						errhint("Give the server the key file that it was trained with (setting "
								"reco.pseudonym_key_file), or train it by the new one with CALL "
								"reco.refresh().")));
	}
}

bool
id_stored(const IdType *type, Datum asked, Datum *id)
{
	*id = asked;
	if (type->pseudonyms)
	{
		pg_uuid_t *pseudonym = palloc(sizeof(pg_uuid_t));
		char *text;

		id_pseudonyms_check(type->pseudonyms);
		text = id_to_text(id_type_asked(type), asked);
		hash_one(text, strlen(text), pseudonym);
		pfree(text);
		*id = UUIDPGetDatum(pseudonym);
	}
	return true;
}

const char *
id_pseudonyms_of(Oid type, Oid collation)
{
	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return "bigint";
		case UUIDOID:
			return "uuid";
		case TEXTOID:
		case VARCHAROID:
			if (!OidIsValid(collation) || get_collation_isdeterministic(collation))
				return "text";
			return NULL;
		default:
			return NULL;
	}
}

IdType *
id_type_of_pseudonyms(const IdType *asked, const IdPseudonyms *like)
{
	IdType *type = palloc(sizeof(IdType));

	check_type(asked->type, asked->collation);
	id_type_init(type, UUIDOID, -1, InvalidOid, "user");
	type->pseudonyms = palloc(sizeof(IdPseudonyms));
	*type->pseudonyms = *like;
	type->pseudonyms->asked = *asked;
	return type;
}

IdType *
id_type_of_pseudonyms_of(const char *name, const IdPseudonyms *like)
{
	Oid base = strcmp(name, "bigint") == 0 ? INT8OID
			   : strcmp(name, "text") == 0 ? TEXTOID
			   : strcmp(name, "uuid") == 0 ? UUIDOID
										   : InvalidOid;
	IdType asked;

	if (!OidIsValid(base))
		return NULL;
	id_type_init(&asked, base, -1, get_typcollation(base), "user");
	return id_type_of_pseudonyms(&asked, like);
}

/* What an entry of a dictionary of uuids takes. */
#define STORED_BYTES 96

IdDict *
id_dict_stored(IdDict *asked, const IdType *type, RecoBudget *budget, const char *what)
{
	int32 n = id_dict_count(asked);
	IdType *given = id_type_asked(type);
	MemoryContext scratch;
	pg_hmac_ctx *hmac;
	IdDict *stored;

	if (type->pseudonyms == NULL)
		return asked;
	reco_budget_require(budget, (Size) n * STORED_BYTES, what);
	stored = id_dict_create(budget->context, type);
	id_dict_limit(stored, budget, what);
	scratch = AllocSetContextCreate(CurrentMemoryContext, "reco id", ALLOCSET_SMALL_SIZES);
	id_pseudonyms_check(type->pseudonyms);
	type->pseudonyms->check = key.check;
	hmac = begin_hash();
	for (int32 k = 0; k < n; k++)
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);
		pg_uuid_t pseudonym;
		char *text;

		RECO_POLL_EACH(k, 1024);
		text = id_to_text(given, id_dict_id(asked, k));
		hash(hmac, text, strlen(text), &pseudonym);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
		if (id_dict_add(stored, UUIDPGetDatum(&pseudonym)) != k)
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION), errmsg("two users have the same pseudonym"),
					 errhint("Train the model by another key.")));
	}
	pg_hmac_free(hmac);
	MemoryContextDelete(scratch);
	return stored;
}
