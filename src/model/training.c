/*
 * training.c
 *	  What algorithms train on: interactions as read, by user and by item, and the members of
 *	  those that are made of others.
 *
 * The interactions by item are made when an algorithm first asks, one matrix for the sums and
 * one for the latest values where these differ, and stay until nobody is left who was expected
 * to ask.  They lie in the budget of the set, which may be another than that of a training:
 * then what they take is taken off the training's limit for as long as they are there.
 *
 * Cost: a transposition for each rule that is asked for (core/data/csr.h).
 */
#include "model/model.h"

#include "core/data/parts.h"

#include <math.h>

void
reco_training_set_init(RecoTrainingSet *set, const reco_interactions *x, RecoBudget *budget)
{
	memset(set, 0, sizeof(*set));
	set->x = x;
	set->budget = budget;
}

/* Which values an algorithm trains on: 0 the sums, 1 the latest. */
static int
plane_of(const RecoSpec *spec, const RecoTrainingSet *set)
{
	return spec->latest && set->x->latest ? 1 : 0;
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
by_user_of(const RecoSpec *spec, const RecoTrainingSet *set)
{
	reco_csr by_user = set->x->by_user;

	by_user.value = reco_spec_values(spec, by_user.value, set->x->latest);
	return by_user;
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
	int plane = plane_of(training->spec, set);
	size_t before = set->budget->used;

	if (--set->readers[plane] > 0)
		return;
	reco_csr_free(&set->budget->env, &set->by_item[plane]);
	count_elsewhere(training, before);
}

size_t
reco_training_by_item_memory(const RecoTraining *training)
{
	const RecoTrainingSet *set = training->set;
	const reco_csr *a = &training->by_user;
	int64 entries = a->start[a->rows];

	if (set->by_item[plane_of(training->spec, set)].start)
		return 0;
	return (size_t) entries * (a->value ? 8 : 4) + ((size_t) a->cols + 1) * 8 +
		   reco_parts_memory(a->cols, entries, training->budget->env.threads);
}

/* What simple algorithms take without the matrices by item, which are counted once. */
static size_t
take_members(const RecoTraining *training, size_t by_item[2])
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
	size_t by_item[2] = {0, 0};
	size_t bytes = take_members(training, by_item);

	return bytes + by_item[0] + by_item[1];
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
