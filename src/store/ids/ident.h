/*
 * ident.h
 *	  Ids of any type, numbered.
 */
#ifndef RECO_STORE_IDS_IDENT_H
#define RECO_STORE_IDS_IDENT_H

#include "pg/pg.h"

#include "catalog/pg_type.h"
#include "utils/uuid.h"

struct IdPseudonyms;

/*
 * What has to be known of a type of ids.  Lives in the context it was made in.
 */
typedef struct IdType
{
	Oid type; /* as declared, perhaps a domain */
	int32 typmod;
	Oid collation;
	Oid base;     /* the domain's base type */
	bool integer; /* base is int2, int4 or int8 */
	bool folds;   /* equal ids may look different, as 1.0 and 1.00, or 'a' and 'A' */
	bool image;   /* ids are pointers to bytes, and equal where these are */
	char typstorage;
	int16 typlen;
	bool typbyval;
	char typalign;
	FmgrInfo hash; /* by the base type's own operator classes */
	FmgrInfo equal;
	FmgrInfo compare;
	FmgrInfo input;
	FmgrInfo output;
	Oid typioparam;
	/* the ids are pseudonyms of others (pseudonym.h); NULL: they are what they are */
	struct IdPseudonyms *pseudonyms;
} IdType;

/* What pseudonyms are of, by which key they are, and who must have the right to make them. */
typedef struct IdPseudonyms
{
	IdType asked; /* those that are given: of a source, or of all that it may have */
	Oid role;
	Oid schema;      /* of the model; InvalidOid: it is being made */
	int32 version;   /* of it, that has pseudonyms by a key; 0: whichever there is */
	pg_uuid_t check; /* what tells one key from another, and nothing of it: that of the key */
} IdPseudonyms;

/* The type that ids are given in. */
static inline IdType *
id_type_asked(const IdType *type)
{
	return type->pseudonyms ? &type->pseudonyms->asked : unconstify(IdType *, type);
}

/*
 * An id as it is given, of the type above, as the model has it: in the current memory context where
 * that is another one.  True.
 */
extern bool id_stored(const IdType *type, Datum asked, Datum *id);

/*
 * Fills *type; false when ids of this type cannot be hashed, compared and sorted, or are numbers
 * with a fraction.
 */
extern bool id_type_find(IdType *type, Oid typid, int32 typmod, Oid collation);
/*
 * Fills *type; an error when ids of this type cannot be hashed, compared and
 * sorted.  role: "user", "item" or "basket", for messages.
 */
extern void id_type_init(IdType *type, Oid typid, int32 typmod, Oid collation, const char *role);

/* The type of arrays of ids; an error where there is none, as of ids that are arrays themselves. */
extern Oid id_array_type(const IdType *type);

/*
 * An error, as in a cast, unless an id of the base type is one of the domain that the
 * type is.  Runs the domain's checks, as the current user.
 */
extern void id_check_domain(const IdType *type, Datum id);

/*
 * Whether a column of such a type takes all ids of an existing one, equal to themselves
 * and in the same order: a wider integer, a longer or unlimited text, the same without its
 * limits.  False where the types are the same.
 */
extern bool id_type_widens(const IdType *type, Oid typid, int32 typmod, Oid collation);

/*
 * Whether such a column of a source has the ids that a model was made for: those of its type, or
 * such as it has pseudonyms of.
 */
extern bool id_type_takes(const IdType *made, Oid typid, int32 typmod, Oid collation);

/* The detail of an error about types: of texts that are compared otherwise; 0: none. */
extern int id_collations_detail(Oid now, Oid made);

/* An error unless ids of a source, `now`, are of the type that a model was made for. */
extern void id_type_require(const IdType *made, const IdType *now, const char *role,
							const char *model);

/* The text form of an id, palloc'd; for messages, not more than its beginning. */
extern char *id_to_text(IdType *type, Datum id);
extern char *id_to_message(IdType *type, Datum id);

/*
 * Whether an id fits into the indexes of a model's tables.  Asked before it joins a
 * dictionary: what does not fit would fail after the training.
 */
extern bool id_fits(const IdType *type, Datum id);

/* An error that says so; may_skip: on_invalid may let it be. */
extern pg_attribute_noreturn() void id_too_long(IdType *type, Datum id, const char *role,
												bool may_skip);

/*
 * The one door for ids from outside: what a row of a source, an argument or a query calls somebody
 * becomes what a model calls them.
 *
 * Converts an id of another type; false when it cannot equal any id (of integers: a number out of
 * the type's range, or with a fraction).  Text that is not in the type's form is an error.
 */
extern bool id_from_datum(IdType *type, Datum value, Oid value_type, Datum *id);
extern bool id_from_text(IdType *type, char *text, Datum *id);
extern bool id_from_int64(IdType *type, int64 value, Datum *id);

/* An id of an integer type. */
static inline int64
id_to_int64(const IdType *type, Datum id)
{
	switch (type->base)
	{
		case INT2OID:
			return DatumGetInt16(id);
		case INT4OID:
			return DatumGetInt32(id);
		default:
			return DatumGetInt64(id);
	}
}

/*
 * A dictionary: ids to numbers 0, 1, 2 ... in order of arrival, by the type's
 * own equality.  Of ids that are equal it keeps the one with the least text, by its
 * bytes, so that what is shown does not depend on the order of the rows.
 */
typedef struct IdDict IdDict;

/* So many ids one holds. */
#define RECO_MOST_IDS RECO_FAULT_IDS(PG_INT32_MAX / 2)

extern IdDict *id_dict_create(MemoryContext parent, const IdType *type);
/*
 * From now on the dictionary asks a budget before it grows, for `what`; without one it asks
 * whether the context that it was made in may hold so much.
 */
extern void id_dict_limit(IdDict *dict, RecoBudget *budget, const char *what);
extern int32 id_dict_add(IdDict *dict, Datum id);
extern int32 id_dict_find(IdDict *dict, Datum id); /* -1: not there */
/* Has the processor fetch what one of these will look at, where ids are numbers. */
extern void id_dict_prefetch(const IdDict *dict, Datum id);
/* The same of id_dict_id. */
extern void id_dict_prefetch_id(const IdDict *dict, int32 number);
extern int32 id_dict_count(const IdDict *dict);
extern Datum id_dict_id(const IdDict *dict, int32 number);
extern size_t id_dict_memory(const IdDict *dict);

/*
 * Renumbers the ids in the order of their type; rank receives for each old
 * number the new one.  Afterwards no ids are added.
 */
extern void id_dict_sort(IdDict *dict, int32 *rank);

/* An error unless ids of two types can be the same; of, with_of: "the test", "the source". */
extern void id_type_require_comparable(const IdType *type, const char *of, const IdType *with,
									   const char *with_of, const char *role);
/* The numbers that the ids of a dictionary have in another one, or -1; from the budget. */
extern int32 *id_dict_numbers(IdDict *dict, const IdType *type, IdDict *in, const IdType *in_type,
							  RecoBudget *budget);

/* After sorting: keeps the ids whose map entry is not negative, in their order. */
extern void id_dict_keep(IdDict *dict, const int32 *map);

/*
 * The dictionary in one piece, palloc'd once the budget allows it, that holds no pointers; and a
 * dictionary that reads from such a piece, which must stay where it is (NULL: it is not one of this
 * type).
 */
extern const void *id_dict_freeze(IdDict *dict, RecoBudget *budget, Size *bytes);
extern IdDict *id_dict_frozen(MemoryContext parent, const IdType *type, const void *image,
							  Size bytes);

#endif /* RECO_STORE_IDS_IDENT_H */
