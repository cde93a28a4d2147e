/*
 * pseudonym.h
 *	  Ids of a model that are pseudonyms of those of its source.
 */
#ifndef RECO_STORE_IDS_PSEUDONYM_H
#define RECO_STORE_IDS_PSEUDONYM_H

#include "store/ids/ident.h"

/* The setting of the key's file, once. */
extern void reco_pseudonym_init(void);

/*
 * An error unless there is a key, the role may make pseudonyms, and where a version has some
 * already the key is the one that they were made with.  To be asked early.
 */
extern void id_pseudonyms_check(const IdPseudonyms *by);

/*
 * Types of ids that have the same pseudonyms have one name, which a model remembers: 'bigint',
 * 'text' or 'uuid'; NULL: there are none.
 */
extern const char *id_pseudonyms_of(Oid type, Oid collation);

/* The type of pseudonyms of ids of a type, made as others are; an error where these can have none.
 */
extern IdType *id_type_of_pseudonyms(const IdType *asked, const IdPseudonyms *like);

/* The same of such a name; NULL: it is none. */
extern IdType *id_type_of_pseudonyms_of(const char *name, const IdPseudonyms *like);

/*
 * The ids of a dictionary as a model has them, under the same numbers; the dictionary itself where
 * that is the same.  Of a model that is being made type->pseudonyms->check tells the key from here
 * on.
 */
extern IdDict *id_dict_stored(IdDict *asked, const IdType *type, RecoBudget *budget,
							  const char *what);

#endif /* RECO_STORE_IDS_PSEUDONYM_H */
