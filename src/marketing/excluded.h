/*
 * excluded.h
 *	  Users whom an audience leaves out, whatever they like.
 */
#ifndef RECO_MARKETING_EXCLUDED_H
#define RECO_MARKETING_EXCLUDED_H

#include "serving/request.h"

/*
 * The set of users, by number, in the option "exclude_users", and of those who were shown as much
 * as the options "exposures", "frequency_cap" and "within" allow; NULL: nobody is left out.  Loads
 * all users.  Reads exposures as the caller.
 */
extern uint64 *reco_excluded_users(Request *request);

#endif /* RECO_MARKETING_EXCLUDED_H */
