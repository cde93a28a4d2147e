/*
 * prior.h
 *	  What other models say of the users of a source.
 */
#ifndef RECO_STORE_IMAGE_PRIOR_H
#define RECO_STORE_IMAGE_PRIOR_H

#include "model/model.h"
#include "store/source/data.h"

/*
 * For algorithms that begin with the users of other models, all that specs name: as the current
 * user, who needs SELECT on these, with the active snapshot.  self: the model that is trained,
 * which cannot be one of them; NULL: none.
 */

/* An error where one cannot be read: before a source is, which takes longer. */
extern void reco_priors_check(const List *specs, const char *self);

/* Gives the data what their active versions say of its users, from the budget. */
extern void reco_priors_read(const List *specs, const char *self, RecoData *data,
							 RecoBudget *budget);

/*
 * The same for users who come to a version that was trained with a record of these, as below, and
 * ended then: an error where another version of a prior is active, of which factors mean something
 * else.
 */
extern void reco_priors_read_again(const List *specs, const char *self, Jsonb *record,
								   TimestampTz trained, RecoData *data, RecoBudget *budget);

/* {"books": 3}: which versions these were; NULL: there are none. */
extern Jsonb *reco_priors_record(const RecoPriors *priors);

#endif /* RECO_STORE_IMAGE_PRIOR_H */
