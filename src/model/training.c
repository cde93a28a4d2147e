/*
 * training.c
 *	  What algorithms train on: interactions as read, by user and by item, and the members of
 *	  those that are made of others; and the training itself.
 *
 * What values count where lists are made is decided here, for all trainings: when the first one
 * asks, and of the interactions of the set alone.
 *
 * The interactions by item are made when an algorithm first asks, one matrix for each plane of
 * values that it asks for, and stay until nobody is left who was expected
 * to ask.  They lie in the budget of the set, which may be another than that of a training:
 * then what they take is taken off the training's limit for as long as they are there.
 *
 * Cost: a transposition for each plane that is asked for (core/data/csr.h), and a few passes over
 * the values.
 */
#include "model/model.h"

#include "core/data/parts.h"

#include <math.h>

void
reco_training_set_init(RecoTrainingSet *set, const reco_interactions *x, reco_value_rule rule,
					   RecoBudget *budget)
{
	memset(set, 0, sizeof(*set));
	set->x = x;
	set->rule = rule;
	set->budget = budget;
}

float *
reco_values_of(const reco_value_rule *rule, float *value, int64 n, RecoBudget *budget,
			   const char *what)
{
	bool ones;
	float *out;

	if (rule->kind == RECO_VALUES_RAW)
		return value;
	if (!reco_values_are_ones(&budget->env, rule, value, n, &ones))
		reco_budget_check(budget, RECO_STOPPED, what);
	if (ones)
		return NULL;
	reco_budget_require(budget, ((Size) n + 1) * sizeof(float), what);
	out = reco_budget_alloc(budget, ((Size) n + 1) * sizeof(float));
	if (!reco_values_by(&budget->env, rule, value, n, out))
		reco_budget_check(budget, RECO_STOPPED, what);
	return out;
}

static void
make_rule(RecoTrainingSet *set)
{
	const reco_csr *a = &set->x->by_user;

	reco_budget_check(set->budget, reco_value_rule_choose(&set->budget->env, set->x, &set->rule),
					  "training");
	set->value = reco_values_of(&set->rule, a->value, a->start[a->rows], set->budget, "training");
	set->has_rule = true;
}

bool
reco_spec_needs_raw(const RecoSpec *spec)
{
	const RecoAlgorithm *algorithm = spec->algorithm;

	return spec->predicts_value || (algorithm->compares_values && algorithm->compares_values(spec));
}

/* Whether it does, or one that it is made of. */
static bool
needs_raw_somewhere(const RecoSpec *spec)
{
	bool needs = reco_spec_needs_raw(spec);

	for (int m = 0; m < spec->members && !needs && !spec->algorithm->replaced; m++)
		needs = needs_raw_somewhere(spec->member[m]);
	return needs;
}

/* All that share a history take the values in it as they are. */
static void
make_raw(RecoSpec *spec)
{
	spec->raw = true;
	for (int m = 0; m < spec->members; m++)
		make_raw(spec->member[m]);
}

/* What takes the place of another is decided on anew. */
void
reco_spec_find_raw(RecoSpec *spec)
{
	if (needs_raw_somewhere(spec))
		make_raw(spec);
}

/* Which values an algorithm trains on. */
static RecoPlane
plane_of(const RecoSpec *spec, RecoTrainingSet *set)
{
	if (spec->latest && set->x->latest)
		return RECO_PLANE_LATEST;
	if (spec->raw)
		return RECO_PLANE_SUMS;
	if (!set->has_rule)
		make_rule(set);
	return set->value == set->x->by_user.value ? RECO_PLANE_SUMS : RECO_PLANE_RULE;
}

/* Members ask by themselves, each by its own rule. */
void
reco_training_set_expect(RecoTrainingSet *set, const RecoSpec *spec)
{
	for (int m = 0; m < spec->members; m++)
		reco_training_set_expect(set, spec->member[m]);
	if (spec->members == 0 && (reco_spec_reads(spec) & RECO_READS_ITEMS))
		set->readers[plane_of(spec, set)]++;
}

/* How many simple algorithms there are in one. */
static int
leaves_of(const RecoSpec *spec)
{
	int n = spec->members == 0 ? 1 : 0;

	for (int m = 0; m < spec->members; m++)
		n += leaves_of(spec->member[m]);
	return n;
}

static reco_csr
by_user_of(const RecoSpec *spec, RecoTrainingSet *set)
{
	reco_csr by_user = set->x->by_user;
	RecoPlane plane = plane_of(spec, set);

	if (plane != RECO_PLANE_SUMS)
		by_user.value = plane == RECO_PLANE_LATEST ? set->x->latest : set->value;
	return by_user;
}

reco_value_rule
reco_training_rule(const RecoTraining *training)
{
	if (training->spec->raw)
		return (reco_value_rule){RECO_VALUES_RAW};
	return training->set->rule;
}

RecoTraining
reco_training_of(const RecoSpec *spec, RecoTrainingSet *set, RecoBudget *budget,
				 RecoFeatures *features)
{
	return (RecoTraining){
		.spec = spec,
		.budget = budget,
		.set = set,
		.by_user = by_user_of(spec, set),
		.features = features,
		.member = 1,
		.members = leaves_of(spec),
	};
}

RecoTraining
reco_training_member(const RecoTraining *training, int member)
{
	RecoTraining one = *training;

	for (int m = 0; m < member; m++)
		one.member += leaves_of(training->spec->member[m]);
	one.spec = training->spec->member[member];
	if (training->base)
		one.base_member = training->base_member->member[member];
	one.by_user = by_user_of(one.spec, one.set);
	return one;
}

/* What the set's budget holds more than `before` is not the training's to take; or is again. */
static void
count_elsewhere(const RecoTraining *training, size_t before)
{
	RecoBudget *own = training->budget;
	size_t now = training->set->budget->used;

	if (own == training->set->budget)
		return;
	if (now > before)
		own->limit -= Min(own->limit, now - before);
	else
		own->limit += before - now;
}

const reco_csr *
reco_training_by_item(const RecoTraining *training)
{
	RecoTrainingSet *set = training->set;
	reco_csr *by_item = &set->by_item[plane_of(training->spec, set)];
	size_t before = set->budget->used;
	reco_env env = set->budget->env;

	if (by_item->start)
		return by_item;
	env.threads = training->budget->env.threads;
	reco_budget_require(training->budget, reco_training_by_item_memory(training), "training");
	reco_budget_check(
		set->budget, reco_csr_transpose(&env, &training->by_user, training->by_user.value, by_item),
		"training");
	count_elsewhere(training, before);
	return by_item;
}

void
reco_training_by_item_done(const RecoTraining *training)
{
	RecoTrainingSet *set = training->set;
	RecoPlane plane = plane_of(training->spec, set);
	size_t before = set->budget->used;

	if (--set->readers[plane] > 0)
		return;
	reco_csr_free(&set->budget->env, &set->by_item[plane]);
	count_elsewhere(training, before);
}

size_t
reco_training_by_item_memory(const RecoTraining *training)
{
	RecoTrainingSet *set = training->set;
	const reco_csr *a = &training->by_user;
	int64 entries = a->start[a->rows];

	if (set->by_item[plane_of(training->spec, set)].start)
		return 0;
	return (size_t) entries * (a->value ? 8 : 4) + ((size_t) a->cols + 1) * 8 +
		   reco_parts_memory(a->cols, entries, training->budget->env.threads);
}

reco_ordered
reco_training_events(const RecoTraining *training, bool times)
{
	reco_ordered events;

	reco_budget_check(training->budget,
					  reco_ordered_make(&training->budget->env, training->set->x, times, &events),
					  "training");
	return events;
}

reco_ordered
reco_sessions_of(RecoBudget *budget, const reco_ordered *events, int32 users, bool with_events,
				 int32 *first, int32 *sessions, const char *what)
{
	int32 most = RECO_FAULT_IDS(RECO_MOST_SESSIONS);
	int64 left = most - (with_events ? Min(events->start[users], most) : 0);
	reco_ordered out;
	reco_status status =
		reco_ordered_sessions(&budget->env, events, users, (int32) left, first, sessions, &out);

	if (status == RECO_INVALID)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 with_events ? errmsg("too many events and sessions") : errmsg("too many sessions"),
				 errdetail("The algorithm numbers at most %d of them.", most),
				 errhint("With a later \"since\" or a shorter \"max_age\" in reco.options() "
						 "there are fewer, with a longer \"session_gap\" fewer sessions.")));
	reco_budget_check(budget, status, what);
	return out;
}

size_t
reco_training_events_memory(const RecoTraining *training, bool times)
{
	const reco_interactions *x = training->set->x;
	int32 users = x->by_user.rows;
	size_t rows = (size_t) x->by_user.start[users] +
				  (x->repeats.start ? (size_t) x->repeats.start[users] : 0);

	/* and where sessions begin */
	return reco_ordered_memory(&training->budget->env, x, times) +
		   ((x->session_gap > 0 ? rows : 0) + (size_t) users + 2) * sizeof(int64);
}

const RecoPrior *
reco_prior_of(const RecoPriors *priors, const char *name)
{
	for (int p = 0; priors && p < priors->n; p++)
		if (strcmp(priors->prior[p].model, name) == 0)
			return &priors->prior[p];
	elog(ERROR, "model \"%s\" was not read", name);
}

/* What simple algorithms take without the matrices by item, which are counted once. */
static size_t
take_members(const RecoTraining *training, size_t by_item[RECO_PLANES])
{
	const RecoSpec *spec = training->spec;
	size_t bytes = 0;

	for (int m = 0; m < spec->members; m++)
	{
		RecoTraining one = reco_training_member(training, m);

		bytes += take_members(&one, by_item);
	}
	if (spec->members == 0)
	{
		size_t shared =
			reco_spec_reads(spec) & RECO_READS_ITEMS ? reco_training_by_item_memory(training) : 0;
		size_t all = spec->algorithm->memory(training);

		bytes = all - Min(all, shared);
		if (shared)
			by_item[plane_of(spec, training->set)] = shared;
	}
	return bytes;
}

size_t
reco_training_members_memory(const RecoTraining *training)
{
	size_t by_item[RECO_PLANES] = {0};
	size_t bytes = take_members(training, by_item);

	for (int p = 0; p < RECO_PLANES; p++)
		bytes += by_item[p];
	return bytes;
}

void
reco_training_report(const RecoTraining *training, int iteration, int iterations, double loss)
{
	if (training->progress)
		training->progress(training->progress_arg, training->member, training->members, iteration,
						   iterations, loss);
}

unsigned
reco_reads_items(const RecoSpec *spec)
{
	return RECO_READS_ITEMS;
}

bool
reco_needs_users(const RecoSpec *spec)
{
	return true;
}

unsigned
reco_reads_events(const RecoSpec *spec)
{
	return RECO_READS_EVENTS;
}

unsigned
reco_spec_reads(const RecoSpec *spec)
{
	unsigned reads = spec->algorithm->reads ? spec->algorithm->reads(spec) : 0;

	for (int m = 0; m < spec->members; m++)
		reads |= reco_spec_reads(spec->member[m]);
	return reads;
}

static bool
is_parallel(const RecoTraining *training)
{
	bool parallel =
		training->spec->algorithm->parallel && training->spec->algorithm->parallel(training);

	for (int m = 0; m < training->spec->members && !parallel; m++)
	{
		RecoTraining one = reco_training_member(training, m);

		parallel = is_parallel(&one);
	}
	return parallel;
}

void
reco_training_threads(const RecoTraining *training)
{
	if (is_parallel(training))
		reco_budget_threads(training->budget);
}

/* The smallest and the largest value of a matrix; 1 where it keeps none. */
static void
value_range(const reco_csr *a, float *min, float *max)
{
	*min = *max = a->value && a->start[a->rows] > 0 ? a->value[0] : 1;
	if (a->value)
		for (int64 e = 1; e < a->start[a->rows]; e++)
		{
			*min = Min(*min, a->value[e]);
			*max = Max(*max, a->value[e]);
			RECO_POLL_AT(e);
		}
}

/* n zeros. */
float *
reco_zeros(RecoBudget *budget, int32 n)
{
	float *memory = reco_budget_alloc(budget, ((Size) n + 1) * sizeof(float));

	memset(memory, 0, ((Size) n + 1) * sizeof(float));
	return memory;
}

/* An error that says of what, and from where to where the values were. */
static void
out_of_range(const RecoTraining *training, const char *what)
{
	float min;
	float max;

	value_range(&training->by_user, &min, &max);
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("training ended with numbers out of range in \"%s\"", what),
			 errdetail("A model holds numbers from %g to %g; the values that were trained on are "
					   "from %g to %g.",
					   -RECO_MAX_FACTOR, RECO_MAX_FACTOR, min, max),
			 errhint("Scale the source's values, or take their logarithm; a larger "
					 "\"regularization\", where the algorithm has one, makes factors smaller.")));
}

static bool
features_fit(const RecoFeatures *features)
{
	for (int f = 0; features && f < features->content.fields; f++)
		if (!(fabs(features->mean[f]) <= RECO_MAX_FACTOR) ||
			!(fabs(features->deviation[f]) <= RECO_MAX_FACTOR))
			return false;
	return true;
}

void
reco_member_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	if (training->members > 1 && training->spec->members == 0)
		reco_training_report(training, 0, 0, NAN);
	training->spec->algorithm->fit(training, member, out);
}

void
reco_training_fit(const RecoTraining *training, RecoTrained *out)
{
	RecoModel *model = &out->model;

	memset(out, 0, sizeof(*out));
	model->spec = training->spec;
	model->users = training->by_user.rows;
	model->items = training->by_user.cols;
	model->terms = training->features ? training->features->terms : 0;
	value_range(&training->by_user, &model->min_value, &model->max_value);
	model->members = reco_members_make(training->spec, &model->member);
	reco_member_fit(training, &model->member[0], out);
	for (int m = 0; m < model->members; m++)
		for (int p = 0; p < model->member[m].parts; p++)
			if (!reco_part_fits(&model->member[m].type[p], &model->member[m].part[p]))
				out_of_range(training, model->member[m].type[p].name);
	if (!features_fit(training->features))
		out_of_range(training, "items");
}
