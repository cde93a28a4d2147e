/*
 * hybrid_rules.h
 *	  Which members of a hybrid score which users, as it is written.
 */
#ifndef RECO_MODEL_HYBRID_RULES_H
#define RECO_MODEL_HYBRID_RULES_H

#include "core/scoring/score_hybrid.h"
#include "model/model.h"

/*
 * The rules in a text, an array of JSON; NULL: there are none.  palloc'd; *n receives how many.  An
 * error, with a hint, where one is not what a rule can be.
 */
extern reco_hybrid_rule *reco_hybrid_rules(const char *text, const reco_nested *members, int *n);

#endif /* RECO_MODEL_HYBRID_RULES_H */
