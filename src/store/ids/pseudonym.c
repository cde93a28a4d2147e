/*
 * pseudonym.c
 *	  reco.pseudonym(): a keyed hash in the place of an id.
 *
 * The first 128 bits of HMAC-SHA256 of the id's text, as a uuid.  Without the key nobody can tell
 * whose it is, nor try out ids; with another key every id is another, so that what was made with
 * one key knows nobody by the other.
 *
 * The key is what a file of the server's holds, by the setting reco.pseudonym_key_file: so it is in
 * no table, no model and no dump, nor in the base backup where the file is outside of the data
 * directory, and no role sees it.  It is no setting itself, because a setting that is in the
 * configuration is shown to everybody as long as the library is not loaded.  The function reads it
 * for whoever may execute that, once for each statement.
 *
 * Ids are those of which equal ones have the same text, whatever the settings: integers, uuids,
 * and texts of a collation in which no two different ones are equal.
 *
 * Cost: a microsecond or two; and reading the file, for each statement.
 */
#include "store/ids/ident.h"

#include "catalog/pg_type.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include <sys/stat.h>

RECO_FUNCTION(reco_pseudonym);

/* A key that nobody can guess has at least so many bytes; what follows is not read. */
#define LEAST_KEY 16
#define MOST_KEY 1024

static char *key_file;

void
reco_pseudonym_init(void)
{
	DefineCustomStringVariable(
		"reco.pseudonym_key_file", "Sets the file that holds the key of reco.pseudonym().",
		"A relative path is one from the data directory.", &key_file, "reco_pseudonym.key",
		PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

typedef struct Key
{
	size_t length;
	uint8 byte[MOST_KEY];
} Key;

static void
check_file(FILE *file)
{
	struct stat st;

	if (fstat(fileno(file), &st) != 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not stat the key file: %m")));
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR),
						errmsg("key file of reco.pseudonym() may be read by others"),
						errhint("It is a file of the server's account, with mode 0600.")));
}

static const Key *
read_key(MemoryContext context)
{
	FILE *file = AllocateFile(key_file, PG_BINARY_R);
	Key *key = MemoryContextAlloc(context, sizeof(Key));

	/* the path is for those who administer the server, who have it in the configuration */
	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open the key file of reco.pseudonym(): %m"),
				 errhint("Let whoever runs the server make it, readable by the server's account "
						 "alone, with 32 random bytes, and keep a copy elsewhere: setting "
						 "reco.pseudonym_key_file.")));
	check_file(file);
	key->length = fread(key->byte, 1, MOST_KEY, file);
	if (ferror(file))
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not read the key file of reco.pseudonym(): %m")));
	FreeFile(file);
	if (key->length < LEAST_KEY)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("key of reco.pseudonym() is too short"),
				 errhint("Make one of at least %d random bytes.", LEAST_KEY)));
	return key;
}

/* The text of an id that is the same for equal ones. */
static char *
text_of(Datum id, Oid type)
{
	Oid base = getBaseType(type);
	Oid out;
	bool varlena;

	switch (base)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case TEXTOID:
		case VARCHAROID:
		case UUIDOID:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("a pseudonym cannot be made of type %s", format_type_be(type)),
					 errdetail("Equal ids may have different texts."),
					 errhint("Ids are integers, text or uuid: cast them to text in one form.")));
	}
	getTypeOutputInfo(base, &out, &varlena);
	return OidOutputFunctionCall(out, id);
}

/* pseudonym(id anyelement) returns uuid */
Datum
reco_pseudonym(PG_FUNCTION_ARGS)
{
	char *text = text_of(PG_GETARG_DATUM(0), get_fn_expr_argtype(fcinfo->flinfo, 0));
	pg_uuid_t *pseudonym = palloc(sizeof(pg_uuid_t));
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	const Key *key;
	pg_hmac_ctx *hmac;
	bool made;

	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = unconstify(Key *, read_key(fcinfo->flinfo->fn_mcxt));
	key = fcinfo->flinfo->fn_extra;
	hmac = pg_hmac_create(PG_SHA256);
	made = hmac && pg_hmac_init(hmac, key->byte, key->length) == 0 &&
		   pg_hmac_update(hmac, (const uint8 *) text, strlen(text)) == 0 &&
		   pg_hmac_final(hmac, digest, sizeof(digest)) == 0;
	if (hmac)
		pg_hmac_free(hmac);
	if (!made)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not make a pseudonym")));
	memcpy(pseudonym->data, digest, UUID_LEN);
	PG_RETURN_UUID_P(pseudonym);
}
