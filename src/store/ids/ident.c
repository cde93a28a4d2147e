/*
 * ident.c
 *	  Types of ids: which can be, and how ids are read, shown and compared.
 *
 * Ids are told apart by the hash and equality functions of their type's default
 * operator classes, under the column's collation, exactly as a hash join would:
 * '1' and '01' are two text ids, 1.0 and 1.00 are one numeric.
 */
#include "store/ids/ident.h"

#include "access/detoast.h"
#include "access/nbtree.h"
#include "access/toast_internals.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

/*
 * Whether reading and writing values of a type runs no code of whoever made it: a
 * domain's checks would run with the caller's rights.  (An id's own domain is left out:
 * its base type is what is read.)
 */
static bool
is_plain(Oid type)
{
	Oid element = get_element_type(type);

	if (OidIsValid(element))
		return is_plain(element);
	switch (get_typtype(type))
	{
		case TYPTYPE_BASE:
		case TYPTYPE_ENUM:
			return true;
		case TYPTYPE_RANGE:
			return is_plain(get_range_subtype(type));
		case TYPTYPE_MULTIRANGE:
			return is_plain(get_multirange_range(type));
		default:
			return false;
	}
}

/*
 * Whether equal ids of a type are the same bytes, as its operator class says.  That of bpchar says
 * so for columns that pad to one length, but ids of several lengths meet here.
 */
static bool
same_image(const TypeCacheEntry *cache, Oid collation)
{
	Oid function = get_opfamily_proc(cache->btree_opf, cache->btree_opintype, cache->btree_opintype,
									 BTEQUALIMAGE_PROC);

	return OidIsValid(function) && cache->btree_opintype != BPCHAROID &&
		   DatumGetBool(
			   OidFunctionCall1Coll(function, collation, ObjectIdGetDatum(cache->btree_opintype)));
}

bool
id_type_find(IdType *type, Oid typid, int32 typmod, Oid collation)
{
	TypeCacheEntry *cache;
	Oid in;
	Oid out;
	bool varlena;

	memset(type, 0, sizeof(*type));
	type->type = typid;
	type->typmod = typmod;
	type->collation = collation;
	type->base = getBaseType(typid);
	type->integer = type->base == INT2OID || type->base == INT4OID || type->base == INT8OID;
	get_typlenbyvalalign(type->base, &type->typlen, &type->typbyval, &type->typalign);
	type->typstorage = get_typstorage(type->base);

	cache = lookup_type_cache(type->base, TYPECACHE_HASH_PROC | TYPECACHE_EQ_OPR |
											  TYPECACHE_CMP_PROC | TYPECACHE_BTREE_OPFAMILY);
	/* float ids would make NaN and -0 users of their own: a mistake in the column order */
	if (!is_plain(type->base) || !OidIsValid(cache->hash_proc) || !OidIsValid(cache->eq_opr) ||
		!OidIsValid(cache->cmp_proc) || type->base == FLOAT4OID || type->base == FLOAT8OID ||
		type->base == BOOLOID)
		return false;
	/* its hash function knows of no collation */
	if (type->base == NAMEOID && OidIsValid(collation) && !get_collation_isdeterministic(collation))
		return false;
	type->folds = !type->typbyval && !same_image(cache, collation);
	type->image = !type->typbyval && !type->folds && (type->typlen == -1 || type->typlen > 0);
	fmgr_info(cache->hash_proc, &type->hash);
	fmgr_info(get_opcode(cache->eq_opr), &type->equal);
	fmgr_info(cache->cmp_proc, &type->compare);
	getTypeInputInfo(type->base, &in, &type->typioparam);
	fmgr_info(in, &type->input);
	getTypeOutputInfo(type->base, &out, &varlena);
	fmgr_info(out, &type->output);
	return true;
}

void
id_type_init(IdType *type, Oid typid, int32 typmod, Oid collation, const char *role)
{
	const char *columns =
		strcmp(role, "basket") == 0 ? "basket, item" : "user, item [, value [, time [, kind]]]";

	if (!id_type_find(type, typid, typmod, collation))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type %s cannot identify %ss", format_type_be(typid), role),
				 type->base == FLOAT4OID || type->base == FLOAT8OID
					 ? errhint("Cast the column of whole numbers to bigint, and that of others to "
							   "numeric. The source's columns are %s, in this order.",
							   columns)
					 : errhint("The source's columns are %s, in this order. Ids may be integers, "
							   "numeric, uuid, text, date and the like.",
							   columns)));
}

Oid
id_array_type(const IdType *type)
{
	Oid array = get_array_type(type->type);

	if (!OidIsValid(array))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("ids of type %s cannot be kept in lists", format_type_be(type->type)),
				 errhint("Make texts of such ids in the source, with array_to_string() for "
						 "example.")));
	return array;
}

void
id_check_domain(const IdType *type, Datum id)
{
	int32 typmod = -1;
	Oid function;

	if (type->type == type->base)
		return;
	(void) getBaseTypeAndTypmod(type->type, &typmod);
	if (typmod >= 0 && find_typmod_coercion_function(type->base, &function) == COERCION_PATH_FUNC)
		id = OidFunctionCall3(function, id, Int32GetDatum(typmod), BoolGetDatum(false));
	domain_check(id, false, type->type, NULL, CurrentMemoryContext);
}

char *
id_to_text(IdType *type, Datum id)
{
	return OutputFunctionCall(&type->output, id);
}

/* Bytes of an id that a message shows. */
#define SHOWN 60

char *
id_to_message(IdType *type, Datum id)
{
	char *text = id_to_text(type, id);
	int length = (int) strlen(text);

	if (length <= SHOWN)
		return text;
	return psprintf("%.*s...", pg_mbcliplen(text, length, SHOWN), text);
}

/*
 * What an entry of a btree may take: a third of a page.  (BTMaxItemSize, whose form differs
 * between versions.)
 */
#define MAX_ENTRY                                                                                  \
	(MAXALIGN_DOWN((BLCKSZ - MAXALIGN(SizeOfPageHeaderData + 3 * sizeof(ItemIdData)) -             \
					MAXALIGN(sizeof(BTPageOpaqueData))) /                                          \
				   3) -                                                                            \
	 MAXALIGN(sizeof(ItemPointerData)))

/* In front of it in the entry: the head, and the number of a version or of lists. */
#define BEFORE_ID (MAXALIGN(sizeof(IndexTupleData)) + sizeof(int32))

static bool
bytes_fit(const IdType *type, Size bytes)
{
	return MAXALIGN(att_align_nominal(BEFORE_ID, type->typalign) + bytes) <= MAX_ENTRY;
}

bool
id_fits(const IdType *type, Datum id)
{
	struct varlena *whole;
	Datum packed = (Datum) 0;

	if (type->typbyval)
		return true;
	if (type->typlen != -1)
		return bytes_fit(type, datumGetSize(id, false, type->typlen));
	if (bytes_fit(type, toast_raw_datum_size(id)))
		return true;
	/* as index_form_tuple() makes an entry of it */
	whole = PG_DETOAST_DATUM(id);
	if (type->typstorage == TYPSTORAGE_EXTENDED || type->typstorage == TYPSTORAGE_MAIN)
		packed = toast_compress_datum(PointerGetDatum(whole), InvalidCompressionMethod);
	return DatumGetPointer(packed) && bytes_fit(type, VARSIZE(DatumGetPointer(packed)));
}

void
id_too_long(IdType *type, Datum id, const char *role, bool may_skip)
{
	Size bytes =
		type->typlen == -1 ? toast_raw_datum_size(id) : datumGetSize(id, false, type->typlen);

	ereport(
		ERROR,
		(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
		 errmsg("%s \"%s\" is too long for an index", role, id_to_message(type, id)),
		 errdetail("It takes %zu bytes; an entry of an index takes at most %d.", bytes,
				   (int) MAX_ENTRY),
		 may_skip
			 ? errhint("Use something shorter, such as a hash of it, leave the row out, or skip "
					   "such rows with options => reco.options(on_invalid => 'skip').")
			 : errhint("Leave it out.")));
}

bool
id_from_int64(IdType *type, int64 value, Datum *id)
{
	if (type->pseudonyms)
		return id_from_int64(id_type_asked(type), value, id) && id_stored(type, *id, id);
	switch (type->base)
	{
		case INT2OID:
			*id = Int16GetDatum((int16) value);
			return value >= PG_INT16_MIN && value <= PG_INT16_MAX;
		case INT4OID:
			*id = Int32GetDatum((int32) value);
			return value >= PG_INT32_MIN && value <= PG_INT32_MAX;
		case INT8OID:
			*id = Int64GetDatum(value);
			return true;
		default:
			return id_from_text(type, psprintf(INT64_FORMAT, value), id);
	}
}

bool
id_from_text(IdType *type, char *text, Datum *id)
{
	if (type->pseudonyms)
		return id_from_text(id_type_asked(type), text, id) && id_stored(type, *id, id);
	if (type->integer)
	{
		/* as int8, so that a number too large for the column is unknown, not an error */
		int64 value = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(text)));

		return id_from_int64(type, value, id);
	}
	*id = InputFunctionCall(&type->input, text, type->typioparam, -1);
	return true;
}

/* Whether values of the two base types are the same bytes. */
static bool
same_bytes(Oid a, Oid b)
{
	if (a == b)
		return true;
	return (a == TEXTOID || a == VARCHAROID) && (b == TEXTOID || b == VARCHAROID);
}

/* A number with a fraction, or beyond all integers, equals no integer. */
static bool
integer_from_number(Datum number, Oid base, int64 *integer)
{
	Datum exact = base == NUMERICOID  ? number
				  : base == FLOAT8OID ? DirectFunctionCall1(float8_numeric, number)
									  : DirectFunctionCall1(float4_numeric, number);
	Datum least = DirectFunctionCall1(int8_numeric, Int64GetDatum(PG_INT64_MIN));
	Datum most = DirectFunctionCall1(int8_numeric, Int64GetDatum(PG_INT64_MAX));

	/* NaN is above all others */
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, exact, least)) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, exact, most)) ||
		!DatumGetBool(DirectFunctionCall2(
			numeric_eq, exact, DirectFunctionCall2(numeric_trunc, exact, Int32GetDatum(0)))))
		return false;
	*integer = DatumGetInt64(DirectFunctionCall1(numeric_int8, exact));
	return true;
}

bool
id_from_datum(IdType *type, Datum value, Oid value_type, Datum *id)
{
	/* a look into the catalogs' cache a row is felt */
	Oid base = same_bytes(value_type, type->base) ? value_type : getBaseType(value_type);
	Oid out;
	int64 integer;
	bool varlena;

	if (type->pseudonyms)
		return id_from_datum(id_type_asked(type), value, value_type, id) &&
			   id_stored(type, *id, id);
	if (same_bytes(base, type->base))
	{
		*id = value;
		return true;
	}
	if (type->integer && base == INT8OID)
		return id_from_int64(type, DatumGetInt64(value), id);
	if (type->integer && base == INT4OID)
		return id_from_int64(type, DatumGetInt32(value), id);
	if (type->integer && base == INT2OID)
		return id_from_int64(type, DatumGetInt16(value), id);
	if (type->integer && (base == NUMERICOID || base == FLOAT8OID || base == FLOAT4OID))
		return integer_from_number(value, base, &integer) && id_from_int64(type, integer, id);
	getTypeOutputInfo(base, &out, &varlena);
	return id_from_text(type, OidOutputFunctionCall(out, value), id);
}
