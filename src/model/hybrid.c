/*
 * hybrid.c
 *	  reco.hybrid(): several algorithms, their scores brought to one scale and weighted.
 *
 * Members are trained one after the other on the same interactions, each as by itself; what
 * they make are parts of the model's members.  core/scoring/score_hybrid.h says what the scores
 * are.
 *
 * A version keeps one history a user, so members that count the sums of repeated values and
 * members that count the latest go together where no pair repeats.
 */
#include "model/model.h"

#include "core/scoring/score_hybrid.h"
#include "pg/json.h"

typedef struct HybridParams
{
	const reco_nested *members;
	const reco_reals *weights;
	int normalization;
} HybridParams;

/* In the order of reco_hybrid_scale. */
static const char *const normalizations[] = {"z-score", "min-max", "rank", NULL};

#define FIELD(name) offsetof(HybridParams, name)

static const reco_option hybrid_options[] = {
	{"members", RECO_OPTION_NESTED_LIST, FIELD(members), 0, 1, RECO_HYBRID_MEMBERS, NULL},
	{"weights", RECO_OPTION_REALS, FIELD(weights), 0, 0, 1e6, NULL},
	{"normalization", RECO_OPTION_ENUM, FIELD(normalization), RECO_HYBRID_Z_SCORE, 0, 0,
	 normalizations},
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
hybrid_check(const void *value)
{
	const HybridParams *params = value;
	int features = 0;
	double sum = 0;

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
	if (params->weights == NULL)
		return;
	if (params->weights->n != params->members->n)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("algorithm \"hybrid\" has %d members but %d weights",
							   params->members->n, params->weights->n),
						errhint("Give each member a weight, or none: then all weigh the same.")));
	for (int m = 0; m < params->weights->n; m++)
		sum += params->weights->value[m];
	if (!(sum > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("weights of algorithm \"hybrid\" must not all be 0"),
						errhint("Give at least one member a weight above 0, or none a weight: then "
								"all weigh the same.")));
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
reco_hybrid_of(const RecoSpec *first, const RecoSpec *second)
{
	char *members[2] = {JsonbToCString(NULL, &reco_spec_jsonb(first)->root, 0),
						JsonbToCString(NULL, &reco_spec_jsonb(second)->root, 0)};

	return reco_spec_parse(
		reco_json_of(psprintf("{\"algorithm\": \"%s\", \"members\": [%s, %s]}",
							  reco_algorithm_hybrid.name, members[0], members[1])));
}

/* All are its members'. */
static const RecoPartType *
hybrid_parts(const RecoSpec *spec, int *n)
{
	*n = 0;
	return NULL;
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
	scorer->head = reco_scorer_head(&reco_hybrid_scorer_type, model, false);
	scorer->scale = (reco_hybrid_scale) params->normalization;
	scorer->members = member->members;
	scorer->member = of;
	scorer->stored = stored_profile;
	scorer->arg = member;
	return &scorer->head;
}

const RecoAlgorithm reco_algorithm_hybrid = {
	.name = "hybrid",
	.source = "model",
	.options = hybrid_options,
	.params_size = sizeof(HybridParams),
	.check = hybrid_check,
	.memory = hybrid_memory,
	.fit = hybrid_fit,
	.parts = hybrid_parts,
	.scorer = hybrid_scorer,
};
