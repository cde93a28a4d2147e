/*
 * user.h
 *	  One user in the tables of a model.
 */
#ifndef RECO_LIFECYCLE_USER_H
#define RECO_LIFECYCLE_USER_H

#include "store/tables/definition.h"
#include "store/tables/tables.h"

typedef struct RecoUser
{
	Oid schema;
	IdType *type;
	Datum id;
	Datum asked;       /* as the source has it */
	const char *equal; /* the operator of the ids' own equality, as it is written */
} RecoUser;

/* The operator of the equality of ids of a type, as it is written. */
extern const char *reco_user_equality(const IdType *type);

/*
 * Whom an argument means, in the types of the model; false: nobody whom it can know.  Of a model
 * with pseudonyms the role must have the right to make them, and all versions must have been made
 * by the key that there is: who is not found is in none then.
 */
extern bool reco_user_of(const ModelRow *model, Oid role, Datum given, Oid given_type,
						 RecoUser *user);

/* Whether a table of the model has a column user_id, and whether one of versions. */
extern bool reco_user_has_table(Oid schema, RecoTable which, bool *by_version);

/* The user's number in a version, its layer included; false: it does not know the user. */
extern bool reco_user_number(const RecoUser *user, int32 version, int32 *number);

/* Opens the users of versions, or of their layers. */
extern void reco_user_open(const RecoUser *user, bool in_layer, ModelTable *table);

#endif /* RECO_LIFECYCLE_USER_H */
