/*
 * hybrid.c
 *	  reco.hybrid(): several algorithms, their scores brought to one scale and weighted, one's
 *	  candidates ranked by others, or each for the users whom it suits.
 *
 * Members are trained one after the other on the same interactions, each as by itself; what
 * they make are parts of the model's members.  core/scoring/score_hybrid.h says what the scores
 * are.
 *
 * Weights that are left open are found by a measurement (evaluation/choice.h); where there is none,
 * all members weigh the same.
 *
 * A version keeps one history a user, so members that count the sums of repeated values and
 * members that count the latest go together where no pair repeats.
 */
#include "model/hybrid_joint.h"
#include "model/hybrid_rules.h"

#include "pg/json.h"

typedef struct HybridParams
{
	const reco_nested *members;
	const reco_reals *weights;
	int combine; /* Combine */
	int normalization;
	int candidates;
	const char *rules;
} HybridParams;

typedef enum Combine
{
	WEIGHTED,
	CASCADE
} Combine;

static const char *const combines[] = {"weighted", "cascade", NULL};

/* In the order of reco_hybrid_scale. */
static const char *const normalizations[] = {"z-score", "min-max", "rank", "none", NULL};

static const char *const rules_example[] = {"[{\"max_history\": 5, \"use\": \"content\"}]", NULL};

/* So many may be ranked anew. */
#define MOST_CANDIDATES 100000

#define FIELD(name) offsetof(HybridParams, name)

static const reco_option hybrid_options[] = {
	{"members", RECO_OPTION_NESTED_LIST, FIELD(members), 0, 1, RECO_HYBRID_MEMBERS, NULL},
	{"weights", RECO_OPTION_REALS, FIELD(weights), 0, 0, 1e6, NULL, true},
	{"combine", RECO_OPTION_ENUM, FIELD(combine), WEIGHTED, 0, 0, combines},
	{"normalization", RECO_OPTION_ENUM, FIELD(normalization), RECO_HYBRID_Z_SCORE, 0, 0,
	 normalizations},
	{"candidates", RECO_OPTION_INT, FIELD(candidates), 100, 1, MOST_CANDIDATES, NULL},
	{"rules", RECO_OPTION_JSON, FIELD(rules), 0, 0, 0, rules_example},
	{NULL},
};

/*
 * Members that give what is known about items weights: it has one set of them.  What is chosen for
 * a member goes by what the others do.
 */
static int
count_features(const RecoSpec *spec)
{
	int n = spec->algorithm->weighs_features;

	if (spec->algorithm->replaced)
		return 0;
	for (int m = 0; m < spec->members; m++)
		n += count_features(spec->member[m]);
	return n;
}

static void
check_weights(const HybridParams *params)
{
	double sum = 0;

	if (params->weights == NULL)
		return;
	if (params->weights->n != params->members->n)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("algorithm \"hybrid\" has %d members but %d weights",
							   params->members->n, params->weights->n),
						errhint("Give each member a weight, or none: then they are found by what "
								"does best on a part of the data.")));
	for (int m = 0; m < params->weights->n; m++)
		sum += params->weights->value[m];
	if (!(sum > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("weights of algorithm \"hybrid\" must not all be 0"),
						errhint("Give at least one member a weight above 0, or none a weight: then "
								"they are found by what does best on a part of the data.")));
}

static void
hybrid_check(const void *value)
{
	const HybridParams *params = value;
	int features = 0;
	int rules;

	for (int m = 0; m < params->members->n; m++)
		features += count_features(params->members->value[m]);
	if (features > 1)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("only one member of algorithm \"hybrid\" may give what is known about items "
					"weights"),
			 errhint("Leave the others of these out, or give their fields weights in one "
					 "reco.content().")));
	check_weights(params);
	if (params->combine == CASCADE && params->members->n < 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a cascade of algorithm \"hybrid\" needs two members or more"),
						errdetail("The first proposes items, and the others rank them."),
						errhint("Add the members that rank, or use combine => 'weighted'.")));
	(void) reco_hybrid_rules(params->rules, params->members, &rules);
}

/*
 * Averages of predicted values are predictions, where every item has one that some member predicts.
 */
static bool
hybrid_predicts_value(const RecoSpec *spec)
{
	const HybridParams *params = spec->params;
	bool predicts = params->normalization == RECO_HYBRID_NONE && params->combine == WEIGHTED;

	for (int m = 0; m < params->members->n && predicts; m++)
		predicts = ((const RecoSpec *) params->members->value[m])->predicts_value;
	return predicts;
}

static void
hybrid_weigh(void *value, const double *weights)
{
	HybridParams *params = value;
	reco_reals *reals = palloc(sizeof(reco_reals));

	reals->n = params->members->n;
	reals->value = palloc((reals->n + 1) * sizeof(double));
	for (int m = 0; m < reals->n; m++)
		reals->value[m] = weights[m];
	params->weights = reals;
}

/* Where no measurement has found better ones. */
static void
hybrid_choose(const RecoTraining *training, void *value)
{
	const HybridParams *params = value;
	double weights[RECO_HYBRID_MEMBERS];

	for (int m = 0; m < params->members->n; m++)
		weights[m] = params->combine == CASCADE && m == 0 ? 0 : 1;
	hybrid_weigh(value, weights);
}

/* Of a cascade they decide less. */
static bool
hybrid_unweighed(const RecoSpec *spec)
{
	const HybridParams *params = spec->params;

	return params->weights == NULL && params->combine == WEIGHTED && params->members->n > 1;
}

static size_t
hybrid_memory(const RecoTraining *training)
{
	return reco_training_members_memory(training);
}

/* Whether some simple algorithm counts repeated values in another way. */
static bool
counts_otherwise(const RecoSpec *spec, bool latest)
{
	bool otherwise = spec->members == 0 && spec->latest != latest;

	for (int m = 0; m < spec->members && !otherwise; m++)
		otherwise = counts_otherwise(spec->member[m], latest);
	return otherwise;
}

static void
hybrid_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	if (training->set->x->latest && counts_otherwise(training->spec, training->spec->latest))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("members of algorithm \"hybrid\" count repeated interactions in different "
						"ways"),
				 errdetail("Some add up the values of a user and an item that are in several rows, "
						   "others take the latest."),
				 errhint("Give each user and item one row in the source (GROUP BY), or use members "
						 "that do the same.")));
	for (int m = 0; m < member->members; m++)
	{
		RecoTraining one = reco_training_member(training, m);

		reco_member_fit(&one, member->member[m], out);
	}
}

RecoSpec *
reco_hybrid_of(const RecoSpec *first, const RecoSpec *second, bool values)
{
	char *members[2] = {JsonbToCString(NULL, &reco_spec_jsonb(first)->root, 0),
						JsonbToCString(NULL, &reco_spec_jsonb(second)->root, 0)};

	return reco_spec_parse(reco_json_of(
		psprintf("{\"algorithm\": \"%s\", \"members\": [%s, %s], \"normalization\": \"%s\"}",
				 reco_algorithm_hybrid.name, members[0], members[1],
				 normalizations[values ? RECO_HYBRID_NONE : RECO_HYBRID_Z_SCORE])));
}

/* But for what is made of its members' factors, all are its members'. */
static const RecoPartType *
hybrid_parts(const RecoSpec *spec, int *n)
{
	const HybridParams *params = spec->params;

	*n = 0;
	return params->combine == WEIGHTED && params->normalization == RECO_HYBRID_Z_SCORE
			   ? hybrid_joint_parts(spec, n)
			   : NULL;
}

static void
hybrid_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	hybrid_joint_prepare(model, member, budget);
}

/* On any thread. */
static void
stored_profile(const void *arg, int m, const reco_profile *whole, reco_profile *out)
{
	const RecoMember *member = ((const RecoMember *) arg)->member[m];

	reco_part_profile(member, member->part, whole->user - 1, out);
}

static reco_scorer *
hybrid_scorer(const RecoModel *model, const RecoMember *member)
{
	const HybridParams *params = member->spec->params;
	reco_hybrid_scorer *scorer = palloc0(sizeof(reco_hybrid_scorer));
	reco_hybrid_member *of = palloc0((member->members + 1) * sizeof(reco_hybrid_member));

	for (int m = 0; m < member->members; m++)
	{
		const RecoMember *one = member->member[m];

		of[m].scorer = one->spec->algorithm->scorer(model, one);
		of[m].weight = params->weights ? params->weights->value[m] : 1;
		of[m].latest = one->spec->members == 0 && one->spec->latest;
	}
	scorer->head = reco_scorer_head(&reco_hybrid_scorer_type, model, member->spec->predicts_value);
	scorer->scale = (reco_hybrid_scale) params->normalization;
	scorer->members = member->members;
	scorer->member = of;
	scorer->candidates = params->combine == CASCADE ? params->candidates : 0;
	scorer->rule = reco_hybrid_rules(params->rules, params->members, &scorer->rules);
	scorer->stored = stored_profile;
	scorer->arg = member;
	hybrid_joint_give(member, scorer);
	return &scorer->head;
}

/* Of a cascade the first proposes: more than an index of lists is of use for. */
static void
hybrid_index(RecoModel *model, RecoMember *member, RecoBudget *budget)
{
	const HybridParams *params = member->spec->params;
	RecoMember *first = member->member[0];

	if (params->combine == WEIGHTED)
		hybrid_joint_index(model, member, (const reco_hybrid_scorer *) hybrid_scorer(model, member),
						   budget);
	else if (hybrid_factors(first->spec) > 0)
		first->spec->algorithm->index(model, first, budget);
}

const RecoAlgorithm reco_algorithm_hybrid = {
	.name = "hybrid",
	.source = "model",
	.options = hybrid_options,
	.params_size = sizeof(HybridParams),
	.check = hybrid_check,
	.predicts_value = hybrid_predicts_value,
	.choose = hybrid_choose,
	.unweighed = hybrid_unweighed,
	.weigh = hybrid_weigh,
	.memory = hybrid_memory,
	.fit = hybrid_fit,
	.parts = hybrid_parts,
	.prepare = hybrid_prepare,
	.index = hybrid_index,
	.scorer = hybrid_scorer,
};
