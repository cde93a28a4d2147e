/*
 * users.h
 *	  Users of a version, read when they are asked for.
 */
#ifndef RECO_STORE_IMAGE_USERS_H
#define RECO_STORE_IMAGE_USERS_H

#include "store/image/serving.h"

/* One of all users, by number, without neighbors: nothing is copied. */
extern reco_profile reco_serving_profile(const Serving *serving, int32 u);

/* The number of one of all users, or -1; and whose number it is: false, nobody's any more. */
extern int32 reco_users_find(const ServingUsers *all, Datum user);
extern bool reco_users_id(const ServingUsers *all, int32 number, Datum *id);

/*
 * Visits all users who have something: those of the version in the order of their ids, then
 * those that its layer adds.  What a profile holds is in `context`, which visit may reset.
 */
typedef void (*RecoUserVisitor)(void *arg, int32 number, Datum id, reco_profile *profile);

extern void reco_serving_each_user(Serving *serving, MemoryContext context, RecoUserVisitor visit,
								   void *arg);

/* The same, and those of the layer who have nothing any more. */
extern void reco_serving_each_row(Serving *serving, MemoryContext context, RecoUserVisitor visit,
								  void *arg);

/* The same of some, those who have a row, in the order of the dictionary. */
extern void reco_serving_some_rows(Serving *serving, MemoryContext context, const IdDict *users,
								   RecoUserVisitor visit, void *arg);

/*
 * A stored user: factors, bias, history and neighbors; false when the model has no such
 * user, or one who has nothing any more, of whom only the center is given.  In the current memory
 * context.
 */
extern bool reco_serving_user(Serving *serving, Datum user, reco_profile *profile);

/* Whether a user's row is of the version's layer, made by a fold-in. */
extern bool reco_serving_folded_in(Serving *serving, Datum user);

/* All users, in a context that the caller gives to the version when it takes them. */
extern ServingUsers *reco_users_load(const Serving *serving, MemoryContext context);

#endif /* RECO_STORE_IMAGE_USERS_H */
