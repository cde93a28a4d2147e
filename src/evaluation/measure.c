/*
 * measure.c
 *	  What an algorithm would have recommended, against what was hidden from it.
 *
 * Hides a part of the interactions, trains on the rest and measures, over all items of the
 * training part that the user does not have there, what of the hidden part is found; where an
 * algorithm predicts values, also how far off they are.
 *
 * Hidden interactions with a value of 0 or below count where values are predicted, but
 * are nothing that a list should find.  A user of whom nothing is hidden is not measured.
 *
 * Cost: a training, and a list for every user, which core/scoring/engine.h shares out among
 * threads.  Memory: the two parts, a training, and 4 bytes a user and number that is measured,
 * until the scores are released.
 */
#include "evaluation/measure.h"

#include "core/ranking/diversity.h"
#include "core/scoring/evaluation.h"
#include "evaluation/weigh.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#include <math.h>

/* Users times items: from about a millisecond of lists on. */
#define WORK_WORTH_THREADS 1e6

/*
 * So many scores are looked at for auc, and so many users of items in lists for diversity, and
 * more with the interactions of the training part; in both at least those of a few users.
 */
#define SAMPLED_STEPS 5e5
#define SAMPLED_STEPS_EACH 0.2
#define FEWEST_SAMPLED 50

void
reco_measurement_want(RecoMeasurement *e, const RecoMetric *metric)
{
	int c = 0;

	e->metrics |= RECO_METRIC_BIT(metric->kind);
	if (metric->k == 0)
		return;
	while (c < e->cutoffs && e->cutoff[c] != metric->k)
		c++;
	if (c == RECO_MAX_CUTOFFS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are metrics of more than %d lengths of lists", RECO_MAX_CUTOFFS),
				 errhint("Ask for fewer cutoffs in one call.")));
	e->cutoff[c] = metric->k;
	e->cutoffs = Max(e->cutoffs, c + 1);
}

static RecoPopularity
popularity_of(RecoMeasurement *e, const int32 *users, int32 items)
{
	RecoPopularity p = {reco_budget_alloc(e->budget, ((Size) items + 1) * sizeof(reco_ranked)),
						reco_budget_alloc(e->budget, ((Size) items + 1) * sizeof(float))};

	for (int32 i = 0; i < items; i++)
	{
		p.users[i] = (float) users[i];
		RECO_POLL_AT(i);
	}
	(void) reco_top_n(&reco_poll_env, p.users, items, NULL, items, p.ranked);
	return p;
}

/* Where what is rated is not what somebody has: items by how many users rated them. */
static RecoPopularity
popularity_of_rated(RecoMeasurement *e, const reco_csr *a)
{
	int32 *users = reco_budget_alloc(e->budget, ((Size) a->cols + 1) * sizeof(int32));
	RecoPopularity p;

	memset(users, 0, ((Size) a->cols + 1) * sizeof(int32));
	for (int64 k = 0; k < a->start[a->rows]; k++)
	{
		users[a->col[k]]++;
		RECO_POLL_AT(k);
	}
	p = popularity_of(e, users, a->cols);
	reco_budget_free(e->budget, users);
	return p;
}

/* Items by how many users of the training part have them. */
static void
rank_by_users(RecoMeasurement *e)
{
	const reco_csr *a = &e->train.by_user;
	Size items = (Size) a->cols + 1;
	double squares = 0;

	e->have = reco_budget_alloc(e->budget, items * sizeof(int32));
	e->information = reco_budget_alloc(e->budget, items * sizeof(double));
	reco_budget_check(
		e->budget,
		reco_readers(&e->budget->env, a, a->cols, e->have, e->information, &e->have_users),
		"an evaluation");
	for (int32 i = 0; i < a->cols; i++)
	{
		squares += (double) e->have[i] * e->have[i];
		RECO_POLL_AT(i);
	}
	e->readers = squares / Max(a->start[a->rows], 1);
	e->by_have = popularity_of(e, e->have, a->cols);
	e->by_rated = a->value ? popularity_of_rated(e, a) : e->by_have;
}

/* Takes so many of the n numbers, all where there are fewer, by their hashes. */
static void
sample(RecoMeasurement *e, int32 row, const int32 *number, int32 n, int32 wanted, bool *taken)
{
	uint64 *scratch = reco_budget_alloc(e->budget, ((Size) n + 1) * sizeof(uint64));

	reco_budget_check(e->budget,
					  reco_hold_out(&e->budget->env, 0, row, number, n, wanted, scratch, taken),
					  "an evaluation");
	reco_budget_free(e->budget, scratch);
}

/* All of whom something was hidden, or a sample of these. */
static void
choose_users(RecoMeasurement *e)
{
	const reco_csr *hidden = &e->hidden.by_user;
	int32 n = 0;

	e->user = reco_budget_alloc(e->budget, ((Size) hidden->rows + 1) * sizeof(int32));
	for (int32 u = 0; u < hidden->rows; u++)
	{
		if (hidden->start[u + 1] > hidden->start[u])
			e->user[n++] = u;
		RECO_POLL_AT(u);
	}
	if (e->most_users > 0 && n > e->most_users)
	{
		bool *taken = reco_budget_alloc(e->budget, (Size) n * sizeof(bool));
		int32 kept = 0;

		sample(e, 0, e->user, n, e->most_users, taken);
		for (int32 u = 0; u < n; u++)
			if (taken[u])
				e->user[kept++] = e->user[u];
		n = kept;
		reco_budget_free(e->budget, taken);
	}
	e->users = n;
}

/* Of the users who are measured those for whom diversity and auc are, too. */
static void
choose_sampled(RecoMeasurement *e)
{
	const reco_csr *train = &e->train.by_user;
	double places = 1;
	double steps = SAMPLED_STEPS + SAMPLED_STEPS_EACH * train->start[train->rows];
	double wanted[2] = {steps, steps};
	bool *taken = reco_budget_alloc(e->budget, (Size) e->users + 1);

	for (int c = 0; c < e->cutoffs; c++)
		places = Max(places, Min(e->cutoff[c], Min(RECO_DIVERSITY_MOST, train->cols)));
	wanted[0] /= places * Max(e->readers, 1);
	wanted[1] /= Max(train->cols, 1);
	e->sampled = reco_budget_alloc(e->budget, (Size) e->users + 1);
	memset(e->sampled, 0, (Size) e->users);
	for (int kind = 0; kind < 2; kind++)
	{
		double n = Min(Max(wanted[kind], FEWEST_SAMPLED), e->users);

		sample(e, 1 + kind, e->user, e->users, (int32) n, taken);
		for (int32 u = 0; u < e->users; u++)
			if (taken[u])
				e->sampled[u] |= kind == 0 ? RECO_SAMPLED_LIST : RECO_SAMPLED_AUC;
	}
	reco_budget_free(e->budget, taken);
}

/* How many interactions of the training part a user has, or before a case. */
static int64
training_count(const RecoMeasurement *e, int32 user)
{
	const reco_csr *a = &e->train.by_user;

	if (e->cases.cases > 0)
		return Min(e->cases.known[user], a->cols);
	return user < a->rows ? a->start[user + 1] - a->start[user] : 0;
}

/*
 * Thirds of the users by their interactions in the training part, those with as many as each
 * other in the same: light up to the count of the last user of the first third, middle up to
 * that of the second.
 */
static void
choose_activities(RecoMeasurement *e)
{
	int32 most = e->train.by_user.cols;
	int32 *users = reco_budget_alloc(e->budget, ((Size) most + 1) * sizeof(int32));
	int64 before = 0;
	int64 known = 0;
	int64 light = 0; /* counts up to these */
	int64 middle = 0;

	memset(users, 0, ((Size) most + 1) * sizeof(int32));
	for (int32 u = 0; u < e->users; u++)
	{
		int64 n = training_count(e, e->user[u]);

		users[n]++;
		known += n > 0;
		RECO_POLL_AT(u);
	}
	for (int32 n = 1; n <= most; n++)
	{
		light = 3 * before < known ? n : light;
		middle = 3 * before < 2 * known ? n : middle;
		before += users[n];
		RECO_POLL_AT(n);
	}
	e->activity = reco_budget_alloc(e->budget, (Size) e->users + 1);
	for (int32 u = 0; u < e->users; u++)
	{
		int64 n = training_count(e, e->user[u]);

		e->activity[u] = n == 0        ? RECO_ACTIVITY_NEW
						 : n <= light  ? RECO_ACTIVITY_LIGHT
						 : n <= middle ? RECO_ACTIVITY_MIDDLE
									   : RECO_ACTIVITY_HEAVY;
		RECO_POLL_AT(u);
	}
	reco_budget_free(e->budget, users);
}

/* Who the users of the training part are: of the data, and to what was read beside it. */
static void
find_origin(RecoMeasurement *e)
{
	const int32 *before = e->data->origin;
	int32 users = e->train.by_user.rows;
	int32 *known = e->origin;

	e->set.priors = e->data->priors;
	if (e->data->priors == NULL)
		return;
	if (before)
		known = reco_budget_alloc(e->budget, ((Size) users + 1) * sizeof(int32));
	for (int32 u = 0; before && u < users; u++)
	{
		known[u] = before[e->origin[u]];
		RECO_POLL_AT(u);
	}
	e->set.origin = known;
}

bool
reco_part_split(RecoMeasurement *e, const RecoSplit *split)
{
	RecoSplit own = *split;
	int32 users = e->data->x.by_user.rows;

	e->split = split;
	own.rule.origin = e->origin = reco_budget_alloc(e->budget, ((Size) users + 1) * sizeof(int32));
	reco_split_data(&own, e->data, e->budget, &e->train, &e->hidden, &e->cases, &e->counts);
	reco_training_set_init(&e->set, &e->train, e->data->values, e->budget);
	find_origin(e);
	rank_by_users(e);
	choose_users(e);
	choose_sampled(e);
	choose_activities(e);
	e->measured = e->users;
	return e->counts.trained > 0 && e->counts.hidden > 0;
}

/* A user of a model that is not in tables.  On any thread. */
static void
training_user(void *arg, int64 u, reco_profile *profile)
{
	const RecoModel *model = arg;

	reco_model_profile(model, &model->by_user, (int32) u, profile);
}

/* Whether it is known what values the hidden interactions have. */
static bool
has_truth(const RecoMeasurement *e)
{
	return e->split->test == NULL || e->split->test->has_value || !e->data->has_value;
}

/* What can be measured of an algorithm. */
static reco_columns
columns_of(const RecoMeasurement *e, const RecoSpec *spec)
{
	unsigned metrics = e->metrics;
	reco_columns columns;

	if (!spec->predicts_value || !has_truth(e))
		metrics &= ~(unsigned) RECO_METRICS_OF_VALUES;
	/* lists are of new items: it would be recall again */
	if (!reco_split_repeats(e->split))
		metrics &= ~(unsigned) RECO_METRICS_OF_REPEATS;
	/* it would be ndcg again */
	if (e->hidden.by_user.value == NULL)
		metrics &= ~RECO_METRIC_BIT(RECO_METRIC_NDCG_GRADED);
	reco_columns_of(metrics, e->cutoff, e->cutoffs, &columns);
	return columns;
}

/* A trained model against what was hidden from it. */
static void
evaluate(RecoMeasurement *e, RecoModel *model, reco_value_rule rule, RecoBudget *budget,
		 RecoScores *scores)
{
	const RecoSpec *spec = model->spec;
	bool cases = e->split->rule.kind == RECO_SPLIT_NEXT_ITEM;
	reco_prefixes prefixes = {.cases = &e->cases, .latest = spec->latest, .rule = rule};
	const RecoPopularity *popular = spec->latest ? &e->by_rated : &e->by_have;
	reco_evaluation evaluation = {
		.profile = training_user,
		.arg = model,
		.users = e->users,
		.user = e->user,
		.hidden = e->hidden.by_user,
		.worth = e->hidden.by_user.value,
		.strangers = cases ? 0 : e->hidden.by_user.rows - e->train.by_user.rows,
		.misses = !cases && e->split->unknown == RECO_UNKNOWN_MISS,
		.prefixes = cases ? &prefixes : NULL,
		.repeats = reco_split_repeats(e->split),
		.predicts = spec->predicts_value,
		.truth = reco_spec_values(spec, e->hidden.by_user.value, e->hidden.latest),
		.filler = popular->ranked,
		.fillers = model->items,
		.fallback = popular->users,
		.have = e->have,
		.information = e->information,
		.have_users = e->have_users,
		.sampled = e->sampled,
		.train = &e->train.by_user,
	};
	Size memory;

	evaluation.scorer = reco_model_scorer(model);
	memory = reco_evaluation_bytes(&evaluation, &scores->kept.columns, budget->env.threads);
	reco_budget_require(budget, memory, "an evaluation");
	/* the index has what that leaves */
	budget->limit -= memory;
	reco_model_index(model, budget);
	budget->limit += memory;
	evaluation.scorer = prefixes.scorer = reco_model_scorer(model);
	reco_budget_check(budget, reco_evaluation_run(&budget->env, &evaluation, &scores->kept),
					  "an evaluation");
}

static RecoScores *
scores_make(RecoMeasurement *e, const RecoSpec *spec)
{
	RecoScores *scores = reco_budget_alloc(e->budget, sizeof(RecoScores));
	reco_columns columns = columns_of(e, spec);
	int64 places = e->said ? (int64) e->users * RECO_SAID_EACH : 0;

	memset(scores, 0, sizeof(*scores));
	scores->spec = spec;
	scores->label = reco_spec_describe(spec);
	reco_budget_require(e->budget,
						reco_scores_bytes(&columns, e->users) + reco_scores_said_bytes(places),
						"an evaluation");
	reco_budget_check(
		e->budget,
		reco_scores_make(&e->budget->env, &columns, e->users, e->activity, &scores->kept),
		"an evaluation");
	if (e->said)
		reco_budget_check(e->budget, reco_scores_keep_said(&e->budget->env, &scores->kept, places),
						  "an evaluation");
	return scores;
}

/* Makes the trained model ready to be asked, for cases by whom it does not know. */
static void
prepare(const RecoMeasurement *e, RecoModel *model, RecoBudget *budget)
{
	bool cases = e->split->rule.kind == RECO_SPLIT_NEXT_ITEM;

	reco_model_prepare(model, cases, budget);
	if (cases)
		reco_model_prepare_users(model, budget);
	if ((double) e->users * model->items >= WORK_WORTH_THREADS)
		reco_budget_threads(budget);
}

/* Lists as long as the longest that is measured; where none is, as most people look at. */
#define USUAL_CUTOFF 10

/* Finds the weights that a spec leaves open; true: better than equal ones. */
static bool
weigh(const RecoMeasurement *e, const RecoSpec *spec, RecoModel *model, RecoBudget *budget)
{
	reco_stacking by = {
		.profile = training_user,
		.arg = model,
		.users = e->users,
		.user = e->user,
		.hidden = e->hidden.by_user,
		.worth = e->hidden.by_user.value,
	};

	/* who is not in the training part comes last */
	while (by.users > 0 && e->user[by.users - 1] >= e->train.by_user.rows)
		by.users--;
	for (int c = 0; c < e->cutoffs; c++)
		by.cutoff = Max(by.cutoff, e->cutoff[c]);
	by.cutoff = by.cutoff > 0 ? by.cutoff : USUAL_CUTOFF;
	return reco_weigh(&by, e->hidden.latest, spec, model, budget);
}

/* But for the scores, its memory goes with its context. */
RecoScores *
reco_part_measure(RecoMeasurement *e, const RecoSpec *spec)
{
	RecoScores *scores = scores_make(e, spec);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco evaluation", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecoBudget budget;
	RecoTraining training = reco_training_of(spec, &e->set, &budget, e->data->features);
	RecoTrained trained;
	instr_time start;
	instr_time trained_at;
	instr_time end;

	INSTR_TIME_SET_CURRENT(start);
	reco_budget_init(&budget, context);
	budget.limit -= Min(budget.limit, e->budget->used);
	MemoryContextSwitchTo(old);
	spec = training.spec = scores->trained = reco_spec_resolve(spec, &training);
	MemoryContextSwitchTo(context);
	reco_training_threads(&training);
	reco_budget_require(&budget, spec->algorithm->memory(&training), "training");
	reco_training_fit(&training, &trained);
	INSTR_TIME_SET_CURRENT(trained_at);
	trained.model.by_user = training.by_user;
	trained.model.seen = e->train.seen ? &e->train.seen->by_user : NULL;
	prepare(e, &trained.model, &budget);
	/* users who are hidden whole find no weights: all are the same */
	if (e->weigh && e->cases.cases == 0 && reco_spec_is_unweighed(scores->spec))
	{
		scores->weighed = weigh(e, scores->spec, &trained.model, &budget);
		MemoryContextSwitchTo(old);
		scores->trained = reco_spec_parse(reco_spec_jsonb(trained.model.spec));
		MemoryContextSwitchTo(context);
	}
	evaluate(e, &trained.model, reco_training_rule(&training), &budget, scores);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, trained_at);
	INSTR_TIME_SUBTRACT(trained_at, start);
	scores->train_seconds = INSTR_TIME_GET_DOUBLE(trained_at);
	scores->measure_seconds = INSTR_TIME_GET_DOUBLE(end);
	elog(DEBUG1, "%s: %.3f s of training, %.3f s of measuring", reco_spec_describe(spec),
		 scores->train_seconds, scores->measure_seconds);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return scores;
}

bool
reco_error_is_of_algorithm(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION ||
		   ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_FEATURE_NOT_SUPPORTED ||
		   error->sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

void
reco_scores_release(RecoMeasurement *e, RecoScores *scores)
{
	reco_scores_free(&e->budget->env, &scores->kept);
	reco_budget_free(e->budget, scores);
}

bool
reco_scores_mean(const RecoScores *scores, const RecoMetric *metric, reco_activity activity,
				 reco_estimate *out)
{
	return reco_scores_estimate(&scores->kept, metric->kind, metric->k, activity, out);
}

bool
reco_scores_gain(const RecoScores *a, const RecoScores *b, const RecoMetric *metric,
				 reco_activity activity, reco_estimate *out)
{
	if (!reco_scores_difference(&a->kept, &b->kept, metric->kind, metric->k, activity, out))
		return false;
	if (!reco_metric_more_is_better(metric->kind))
		out->value = 0 - out->value;
	return true;
}
