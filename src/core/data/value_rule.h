/*
 * value_rule.h
 *	  What a value counts where lists are made: a function of one merged value.
 *
 * Stars are a scale that somebody chose from; quantities, amounts and counts of events are not:
 * that somebody bought a hundred screws says little more than that they bought screws.
 */
#ifndef RECO_CORE_DATA_VALUE_RULE_H
#define RECO_CORE_DATA_VALUE_RULE_H

#include "core/data/triples.h"

#include <math.h>

typedef enum reco_value_rule_kind
{
	RECO_VALUES_AUTO,   /* raw or binary, as the values are */
	RECO_VALUES_RAW,    /* v */
	RECO_VALUES_BINARY, /* sign(v) */
	RECO_VALUES_LOG,    /* sign(v) ln(1 + |v|) */
	RECO_VALUES_CAP     /* sign(v) min(|v|, cap) */
} reco_value_rule_kind;

typedef struct reco_value_rule
{
	reco_value_rule_kind kind;
	float cap; /* of RECO_VALUES_CAP; 0: a quantile of the values */
} reco_value_rule;

/* What is called a scale has at most so many different values, of at most this size. */
#define RECO_SCALE_VALUES 20
#define RECO_SCALE_LARGEST 100

/* One value by a rule that is chosen. */
static inline float
reco_value_by(const reco_value_rule *rule, float v)
{
	switch (rule->kind)
	{
		case RECO_VALUES_BINARY:
			return (float) (v > 0) - (float) (v < 0);
		case RECO_VALUES_LOG:
			return (float) copysign(log1p(fabs((double) v)), (double) v);
		case RECO_VALUES_CAP:
			return fabsf(v) <= rule->cap ? v : copysignf(rule->cap, v);
		default:
			return v;
	}
}

/*
 * Leaves nothing open in a rule.
 *
 *	 auto	raw where the values are a scale: of the pairs' sums at most RECO_SCALE_VALUES
 *			differ, none is larger than RECO_SCALE_LARGEST, some positive one is more frequent
 *			than the smallest positive one, and of at most 1 % of the pairs the sum is another
 *			than the latest value; else binary.
 *	 cap	the least cap that 0.9 of the pairs' values that are not 0 do not pass; 1 without any.
 *
 * Cost: one pass over the values, two for a cap; half a megabyte.
 */
extern reco_status reco_value_rule_choose(const reco_env *env, const reco_interactions *x,
										  reco_value_rule *rule);

/* value by the rule, in to, which may be value; NULL: ones.  False when poll asked for an end. */
extern bool reco_values_by(const reco_env *env, const reco_value_rule *rule, const float *value,
						   int64_t n, float *to);

/* Whether all come to 1.  False when poll asked for an end. */
extern bool reco_values_are_ones(const reco_env *env, const reco_value_rule *rule,
								 const float *value, int64_t n, bool *ones);

#endif /* RECO_CORE_DATA_VALUE_RULE_H */
