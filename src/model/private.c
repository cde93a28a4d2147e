/*
 * private.c
 *	  reco.private(): an algorithm whose model tells little about any one user.
 *
 * Of a training without one user anything that is told of items comes about at most exp(epsilon)
 * times as often, and as rarely.  That takes a bound of what one user changes, which is there for
 * counts: each user counts for at most max_items items, chosen by that user's own items alone, so
 * that a user more or less changes max_items counts by 1; noise of a discrete Laplace distribution
 * of scale max_items / epsilon is added to each (Dwork et al. 2006), counts below 0 become 0.
 * Which items there are is taken as known.  Other algorithms are refused.
 *
 * The noise comes from the server's generator for keys, and has no seed: whoever could draw it
 *again could take it off.  So the same rows do not make the same version twice.
 *
 * Cost: that of counting, some random words for each item, and a sort of each user's items where
 * they are too many.
 */
#include "model/model.h"

#include "core/base/rng.h"
#include "core/privacy/laplace.h"

#include <math.h>

typedef struct PrivateParams
{
	RecoSpec *member;
	double epsilon;
	int max_items;
	double budget;
} PrivateParams;

#define FIELD(name) offsetof(PrivateParams, name)

/* Epsilon counts in thousandths. */
#define PARTS_OF_EPSILON 1000

static const reco_option private_options[] = {
	{"member", RECO_OPTION_NESTED, FIELD(member), 0, 1, 0, NULL},
	{"epsilon", RECO_OPTION_REAL, FIELD(epsilon), 2, 1.0 / PARTS_OF_EPSILON, 100, NULL},
	{"max_items", RECO_OPTION_INT, FIELD(max_items), 20, 1, 10000, NULL},
	{"budget", RECO_OPTION_REAL, FIELD(budget), 10, 1.0 / PARTS_OF_EPSILON, 1e6, NULL},
	{NULL},
};

/* Rounded down: the noise is never too little. */
static uint64
thousandths(double epsilon)
{
	return (uint64) floor(epsilon * PARTS_OF_EPSILON * (1 + 1e-12));
}

static void
private_check(const void *value)
{
	const PrivateParams *params = value;

	if (params->member && params->member->algorithm != &reco_algorithm_popular)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("algorithm \"%s\" cannot be made private", params->member->algorithm->name),
				 errdetail("No bound is known of what one user changes in its model."),
				 errhint("Use reco.private(reco.popular()).")));
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

double
reco_spec_epsilon(const RecoSpec *spec, double *budget)
{
	const PrivateParams *params = spec->params;

	if (contains_private(spec))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("algorithm \"private\" cannot be part of another in a model"),
						errhint("A model is private as a whole: reco.private(...).")));
	if (!reco_spec_is_private(spec))
		return 0;
	*budget = params->budget;
	return (double) thousandths(params->epsilon) / PARTS_OF_EPSILON;
}

static size_t
private_memory(const RecoTraining *training)
{
	const PrivateParams *params = training->spec->params;

	return reco_training_members_memory(training) +
		   ((Size) training->by_user.cols + 1) * (sizeof(int64) + sizeof(reco_ranked)) +
		   (Size) params->max_items * sizeof(reco_ranked);
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
count_user(const reco_csr *a, int32 u, int most, reco_ranked *chosen, int64 *count)
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

static void
private_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	const PrivateParams *params = training->spec->params;
	RecoTraining of_member = reco_training_member(training, 0);
	RecoBudget *budget = training->budget;
	const reco_csr *a = &training->by_user;
	reco_random *random = palloc0(sizeof(reco_random));
	reco_ranked *chosen = reco_budget_alloc(budget, ((Size) a->cols + 1) * sizeof(reco_ranked));
	int64 *count = reco_budget_alloc(budget, ((Size) a->cols + 1) * sizeof(int64));
	float *told;

	reco_member_fit(&of_member, member->member[0], out);
	/* what it has counted goes */
	told = member->member[0]->part[0].data;
	random->fill = fill_random;
	memset(count, 0, ((Size) a->cols + 1) * sizeof(int64));
	for (int32 u = 0; u < a->rows; u++)
	{
		RECO_POLL_AT(u);
		count_user(a, u, params->max_items, chosen, count);
	}
	for (int32 i = 0; i < a->cols; i++)
	{
		RECO_POLL_EACH(i, RECO_SEARCHES);
		count[i] += reco_discrete_laplace(random, thousandths(params->epsilon),
										  (uint64) params->max_items * PARTS_OF_EPSILON);
		told[i] = (float) Min(Max(count[i], 0), PG_INT32_MAX / 2);
	}
	if (random->failed)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	reco_budget_free(budget, count);
	reco_budget_free(budget, chosen);
	pfree(random);
}

static const float *
private_counts(const RecoMember *member)
{
	return member->member[0]->part[0].data;
}

static const RecoPartType *
private_parts(const RecoSpec *spec, int *n)
{
	*n = 0;
	return NULL;
}

static reco_scorer *
private_scorer(const RecoModel *model, const RecoMember *member)
{
	return member->member[0]->spec->algorithm->scorer(model, member->member[0]);
}

const RecoAlgorithm reco_algorithm_private = {
	.name = "private",
	.source = "popular",
	.options = private_options,
	.params_size = sizeof(PrivateParams),
	.check = private_check,
	.memory = private_memory,
	.fit = private_fit,
	.counts = private_counts,
	.parts = private_parts,
	.scorer = private_scorer,
};
