/*
 * prefixes.h
 *	  Users as they were before what is to be found of them: profiles of those whom a scorer was
 *	  not trained on, as a basket has one.
 *
 *	 reco_prefixes_open(env, &p, user, n)		main thread: those of n cases, in place of others
 *	 reco_prefixes_profile(&p, user, &profile)	any thread
 *	 reco_prefixes_close(env, &p)				main thread
 */
#ifndef RECO_CORE_SCORING_PREFIXES_H
#define RECO_CORE_SCORING_PREFIXES_H

#include "core/data/value_rule.h"
#include "core/ranking/split.h"
#include "core/scoring/scorer.h"

typedef struct reco_prefixes
{
	/* to be filled in */
	const reco_cases *cases;
	const reco_scorer *scorer;
	bool latest;          /* of repeats the latest value counts, not the sum */
	reco_value_rule rule; /* what values count; nothing in it is open */

	/* those that are open */
	int64_t n;
	const int32_t *user;
	reco_profile *profile;
} reco_prefixes;

/* So many cases at a time take no more than some megabytes. */
extern int64_t reco_prefixes_batch(const reco_cases *cases);
extern size_t reco_prefixes_bytes(const reco_cases *cases);

/*
 * user: n rows of the hidden part, which must stay, rising.  Cost: a pass over what is known of
 * each, and the scorer's fold-in.  On an error none is open.
 * Errors: RECO_NO_MEMORY, RECO_STOPPED, RECO_SINGULAR, RECO_INVALID.
 */
extern reco_status reco_prefixes_open(const reco_env *env, reco_prefixes *prefixes,
									  const int32_t *user, int64_t n);
extern void reco_prefixes_profile(const reco_prefixes *prefixes, int32_t user,
								  reco_profile *profile);
extern void reco_prefixes_close(const reco_env *env, reco_prefixes *prefixes);

#endif /* RECO_CORE_SCORING_PREFIXES_H */
