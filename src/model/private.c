/*
 * private.c
 *	  reco.private(): an algorithm whose model tells little about any one user.
 *
 * Of a training without one user anything that is told of items comes about at most exp(epsilon)
 * times as often, and as rarely, but for a probability of delta.  That takes a bound of what one
 * user changes, which is there for counts of items and of pairs of items, whatever the user has:
 *
 *	 popular, delta 0	each user counts for at most max_items items, chosen by that user's own
 *						items alone, so that a user more or less changes max_items counts by 1;
 *						noise of a discrete Laplace distribution of scale max_items / epsilon is
 *						added to each (Dwork et al. 2006)
 *	 popular, delta		all of a user's items count, less where they are more than max_items, and
 *						the noise is Gaussian (core/privacy/mechanism.h)
 *	 ease, item_knn, svd	private_gram.c
 *
 * Counts below 0 become 0.  Which items there are is known to everybody (item_ids => 'known'), or
 * only those are told of whose count with its noise passes a threshold, which takes half of delta
 * (core/privacy/mechanism.h): the others have a count of 0, and as the version's
 * min_users_per_item is the threshold, nothing tells of them.  Other algorithms are refused.
 *
 * The noise comes from the server's generator for keys, and has no seed: whoever could draw it
 * again could take it off.  So the same rows do not make the same version twice.
 *
 * Cost: that of counting, some random words for each item, and a sort of each user's items where
 * they are too many.
 */
#include "model/private.h"

#include "core/base/rng.h"
#include "core/privacy/noisy_gram.h"

#include <float.h>
#include <math.h>

#define FIELD(name) offsetof(PrivateParams, name)

/* A larger delta would let a model tell of some user all there is, one in so many. */
#define MOST_DELTA 0.001

static const char *const item_ids[] = {
	[PRIVATE_ITEMS_KNOWN] = "known",
	[PRIVATE_ITEMS_THRESHOLD] = "threshold",
	NULL,
};

static const reco_option private_options[] = {
	{"member", RECO_OPTION_NESTED, FIELD(member), 0, 1, 0, NULL},
	{"epsilon", RECO_OPTION_REAL, FIELD(epsilon), 2, 1.0 / RECO_EPSILON_PARTS, 100, NULL},
	{"delta", RECO_OPTION_REAL, FIELD(delta), 0, 0, MOST_DELTA, NULL},
	{"max_items", RECO_OPTION_INT, FIELD(max_items), 20, 1, 10000, NULL},
	{"budget", RECO_OPTION_REAL, FIELD(budget), 10, 1.0 / RECO_EPSILON_PARTS, 1e6, NULL},
	{"item_ids", RECO_OPTION_ENUM, FIELD(item_ids), 0, 0, 0, item_ids, true},
	{NULL},
};

double
private_unseen(const PrivateParams *params)
{
	return params->item_ids == PRIVATE_ITEMS_THRESHOLD ? params->delta / 2 : 0;
}

reco_privacy
private_privacy(const PrivateParams *params)
{
	return (reco_privacy){
		.epsilon = (uint64) floor(params->epsilon * RECO_EPSILON_PARTS * (1 + 1e-12)),
		.delta = params->delta - private_unseen(params),
	};
}

/* By what is asked for alone: a threshold takes a delta. */
static void
private_choose(const RecoTraining *training, void *value)
{
	PrivateParams *params = value;

	if (params->item_ids == INT_MIN)
		params->item_ids = params->delta > 0 ? PRIVATE_ITEMS_THRESHOLD : PRIVATE_ITEMS_KNOWN;
}

static void
private_check(const void *value)
{
	const PrivateParams *params = value;

	if (params->member && params->member->algorithm != &reco_algorithm_popular &&
		!private_is_gram(params->member))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("algorithm \"%s\" cannot be made private", params->member->algorithm->name),
				 errdetail("No bound is known of what one user changes in its model."),
				 errhint("Use reco.private(reco.popular()), or reco.private(reco.item_knn(), delta "
						 "=> 1e-6), or the same of reco.ease() or reco.svd().")));
	if (params->delta > 0 && params->delta < DBL_MIN)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("delta of algorithm \"private\" is too small"),
						errhint("Use 0, or 1e-300 and more.")));
	if (params->item_ids == PRIVATE_ITEMS_THRESHOLD && params->delta == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("item_ids of algorithm \"private\" cannot be \"threshold\" without "
							   "delta"),
						errhint("Give a delta, or item_ids => 'known'.")));
	if (params->epsilon > params->budget)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("epsilon of algorithm \"private\" is larger than its budget"),
						errhint("The budget is for all trainings of a model together.")));
}

bool
reco_spec_is_private(const RecoSpec *spec)
{
	return spec->algorithm == &reco_algorithm_private;
}

static bool
contains_private(const RecoSpec *spec)
{
	for (int m = 0; m < spec->members; m++)
		if (reco_spec_is_private(spec->member[m]) || contains_private(spec->member[m]))
			return true;
	return false;
}

RecoPrivacySpent
reco_spec_spends(const RecoSpec *spec, RecoPrivacySpent *budget)
{
	const PrivateParams *params = spec->params;
	RecoPrivacySpent spends = {0};

	if (contains_private(spec))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("algorithm \"private\" cannot be part of another in a model"),
						errhint("A model is private as a whole: reco.private(...).")));
	if (!reco_spec_is_private(spec))
		return spends;
	spends.epsilon = (double) private_privacy(params).epsilon / RECO_EPSILON_PARTS;
	spends.delta = params->delta;
	budget->epsilon = params->budget;
	/* as many times as the epsilon has room for */
	budget->delta = params->delta * (params->budget / spends.epsilon);
	return spends;
}

int32
reco_spec_threshold(const RecoSpec *spec)
{
	const PrivateParams *params = spec->params;
	reco_noisy_params noisy;
	reco_mechanism counts;
	reco_mechanism pairs;
	reco_status status;

	if (!reco_spec_is_private(spec) || private_unseen(params) == 0)
		return 0;
	noisy = (reco_noisy_params){.privacy = private_privacy(params), .most = params->max_items};
	status = private_is_gram(params->member)
				 ? reco_noisy_mechanisms(&noisy, &counts, &pairs)
				 : reco_mechanism_init(&noisy.privacy, 100, noisy.most, &counts);
	if (status != RECO_OK)
		return 0;
	return (int32) Min(reco_mechanism_threshold(&counts, private_unseen(params)),
					   RECO_MOST_USERS_PER_ITEM);
}

static size_t
private_memory(const RecoTraining *training)
{
	if (private_is_gram(training->spec->member[0]))
		return private_gram_memory(training);
	return reco_training_members_memory(training) + sizeof(reco_random) +
		   ((Size) training->by_user.cols + 1) * (sizeof(double) + sizeof(reco_ranked));
}

static int
compare_chosen(const void *a, const void *b)
{
	const reco_ranked *x = a;
	const reco_ranked *y = b;

	reco_poll();
	return reco_ranked_after(*x, *y) - reco_ranked_after(*y, *x);
}

/* A user's items that count, above 0, chosen by these items alone: by numbers drawn from them. */
static void
count_user(const reco_csr *a, int32 u, int most, reco_ranked *chosen, double *count)
{
	uint64 key = 0;
	int32 n = 0;

	for (int64 e = a->start[u]; e < a->start[u + 1]; e++)
	{
		RECO_POLL_AT(e + 1);
		if (a->value && !(a->value[e] > 0))
			continue;
		key ^= reco_rng_bits(reco_rng_row(0, 0), a->col[e]);
		chosen[n++].item = a->col[e];
	}
	if (n > most)
	{
		key = reco_rng_row(key, 1);
		for (int32 k = 0; k < n; k++)
		{
			RECO_POLL_AT(k + 1);
			chosen[k].score = (float) (reco_rng_bits(key, chosen[k].item) >> 40);
		}
		qsort(chosen, n, sizeof(reco_ranked), compare_chosen);
		n = most;
	}
	for (int32 k = 0; k < n; k++)
		count[chosen[k].item]++;
}

static bool
fill_random(void *arg, void *to, size_t bytes)
{
	return pg_strong_random(to, bytes);
}

reco_random *
private_random(void)
{
	reco_random *random = palloc0(sizeof(reco_random));

	random->fill = fill_random;
	return random;
}

void
private_random_done(reco_random *random)
{
	if (random->failed)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	pfree(random);
}

void
private_check_status(RecoBudget *budget, reco_status status)
{
	if (status == RECO_INVALID)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("noise of algorithm \"private\" would be too large"),
						errhint("Use a larger epsilon or delta, or smaller max_items.")));
	reco_budget_check(budget, status, "training");
}

/* Counts of a sample of each user's items, with noise of a Laplace distribution. */
static void
count_sampled(const RecoTraining *training, reco_random *random, double *count)
{
	const PrivateParams *params = training->spec->params;
	const reco_csr *a = &training->by_user;
	reco_ranked *chosen =
		reco_budget_alloc(training->budget, ((Size) a->cols + 1) * sizeof(reco_ranked));

	memset(count, 0, (Size) a->cols * sizeof(double));
	for (int32 u = 0; u < a->rows; u++)
	{
		RECO_POLL_AT(u);
		count_user(a, u, params->max_items, chosen, count);
	}
	for (int32 i = 0; i < a->cols; i++)
	{
		RECO_POLL_EACH(i, RECO_SEARCHES);
		count[i] += (double) reco_discrete_laplace(random, private_privacy(params).epsilon,
												   (uint64) params->max_items * RECO_EPSILON_PARTS);
	}
	reco_budget_free(training->budget, chosen);
}

static void
popular_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	const PrivateParams *params = training->spec->params;
	RecoTraining of_member = reco_training_member(training, 0);
	RecoBudget *budget = training->budget;
	const reco_csr *a = &training->by_user;
	reco_privacy privacy = private_privacy(params);
	reco_random *random = private_random();
	double *count = reco_budget_alloc(budget, ((Size) a->cols + 1) * sizeof(double));
	double unseen = private_unseen(params);
	reco_mechanism mechanism;
	float *told;

	reco_member_fit(&of_member, member, out);
	if (privacy.delta > 0)
	{
		private_check_status(budget,
							 reco_mechanism_init(&privacy, 100, params->max_items, &mechanism));
		private_check_status(
			budget, reco_noisy_counts(&budget->env, &mechanism, a,
									  unseen > 0 ? reco_mechanism_threshold(&mechanism, unseen) : 0,
									  random, count));
	}
	else
		count_sampled(training, random, count);
	private_random_done(random);
	/* what the member has counted goes */
	told = member->part[0].data;
	for (int32 i = 0; i < a->cols; i++)
	{
		RECO_POLL_AT(i);
		told[i] = (float) Min(Max(rint(count[i]), 0), PG_INT32_MAX / 2);
	}
	member->told = told;
	reco_budget_free(budget, count);
}

static void
private_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	if (private_is_gram(training->spec->member[0]))
		private_gram_fit(training, member, out);
	else
		popular_fit(training, member, out);
}

/* Of the member, whose parts the model has. */
static void
private_index(RecoModel *model, RecoMember *member, RecoBudget *budget)
{
	if (member->spec->algorithm->index)
		member->spec->algorithm->index(model, member, budget);
}

static reco_scorer *
private_scorer(const RecoModel *model, const RecoMember *member)
{
	return member->spec->algorithm->scorer(model, member);
}

const RecoAlgorithm reco_algorithm_private = {
	.name = "private",
	.fills_members = true,
	.wraps = true,
	.options = private_options,
	.params_size = sizeof(PrivateParams),
	.check = private_check,
	.choose = private_choose,
	.memory = private_memory,
	.fit = private_fit,
	.index = private_index,
	.scorer = private_scorer,
};
