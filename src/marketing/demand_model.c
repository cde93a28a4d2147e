/*
 * demand_model.c
 *	  The function behind a model's demand(): how many users will have each item, by what the model
 *	  says of each user and by what was.
 *
 * The source is read as it is now.  The model's algorithm, with the options of the active version,
 * is trained on what was before the latest horizon, and its scores are calibrated to probabilities
 * on what users took in that (core/scoring/purchases.h); then it is trained on all.  Each time an
 * item's expected users are the sum over users of how likely they take anything, from their own
 * periods (core/demand/activity.h), times how likely it is then this item.  How much that counts
 * beside the item's own periods is chosen by the latest horizon as well (core/demand/demand.h).
 *
 * Of a model that spends a budget of privacy, or begins with another's users, the periods alone say
 * it: to train it again is not for whoever asks.
 *
 * Cost: reading the source, two trainings, and the scores of all items for all users, of whom a
 * sample is taken where that is more than MOST_SCORES.  Memory: the source's rows twice, a
 * training, and 36 bytes a user.
 */
#include "marketing/demand.h"

#include "catalog/pg_type.h"
#include "core/base/rng.h"
#include "core/demand/activity.h"
#include "core/demand/periods.h"
#include "core/scoring/purchases.h"
#include "evaluation/split.h"
#include "fmgr.h"
#include "pg/rows.h"
#include "utils/memutils.h"

#include <math.h>

RECO_FUNCTION(reco_serve_demand);

/* Scores of users times items; of more the sums are those of a sample of users. */
#define MOST_SCORES 5e8

static const char *const what = "demand";

typedef struct Asked
{
	RecoDemand *demand;
	const RecoSpec *spec;
	/* by user of the data: how likely they take anything */
	double *chance;
	/* who are looked at, and their chances */
	int32 *user;
	double *of;
	/* what these took in the latest period */
	int64 *start;
	int32 *item;
	reco_calibration *calibration;
	double *before; /* by item, of the latest period and of what is to come */
	double *to_come;
	double active; /* users who are expected to take anything */
} Asked;

/* Users of a model, and who they are in the data; origin NULL: the same. */
typedef struct Trained
{
	RecoModel model;
	const int32 *origin;
} Trained;

static int32
origin_of(const Trained *trained, int32 user)
{
	return trained->origin ? trained->origin[user] : user;
}

static bool
profile_of(void *arg, int64 user, reco_profile *profile)
{
	const RecoModel *model = &((const Trained *) arg)->model;

	reco_model_profile(model, &model->by_user, (int32) user, profile);
	return true;
}

static void
fit(Asked *asked, const reco_interactions *x, RecoBudget *budget, RecoTrainingSet *set,
	Trained *trained)
{
	const RecoData *data = asked->demand->data;
	RecoTraining training;
	RecoTrained out;

	reco_training_set_init(set, x, data->values, budget);
	training = reco_training_of(asked->spec, set, budget, data->features);
	training.spec = reco_spec_resolve(asked->spec, &training);
	reco_training_threads(&training);
	reco_budget_require(budget, training.spec->algorithm->memory(&training), "training");
	reco_training_fit(&training, &out);
	trained->model = out.model;
	trained->model.by_user = training.by_user;
	trained->model.seen = x->seen ? &x->seen->by_user : NULL;
	reco_model_prepare(&trained->model, false, budget);
	reco_budget_threads(budget);
}

/* So many users at most, of n, the same ones each time; each is taken or not by itself. */
static bool
is_sampled(int32 user, double share)
{
	return share >= 1 || reco_rng_uniform(reco_rng_row(0, (uint64) user), 0) < share;
}

/* Those of the model's users who took something in the latest period, with what. */
static int64
take_buyers(Asked *asked, const Trained *trained, double share)
{
	const RecoDemand *d = asked->demand;
	int64 n = 0;
	int64 items = 0;

	asked->start[0] = 0;
	for (int32 u = 0; u < trained->model.users; u++)
	{
		int32 who = origin_of(trained, u);
		reco_taken taken = reco_taken_begin(d->rows, who);
		int32 last = -1;

		RECO_POLL_AT(u);
		if (!is_sampled(who, share))
			continue;
		for (int64 time; reco_taken_next(&taken, &time);)
		{
			RECO_POLL_EACH(items, 65536);
			if (taken.item == last || !reco_period_counts(d->params.end, time) ||
				reco_period_of(d->params.end, d->params.length, time) != 0)
				continue;
			last = taken.item;
			asked->item[items++] = taken.item;
		}
		if (items == asked->start[n])
			continue;
		asked->user[n++] = u;
		asked->start[n] = items;
	}
	return n;
}

/* Those of the model's users who may take something; *all and *these: the sums of their chances. */
static int64
take_active(Asked *asked, const Trained *trained, double share, double *all, double *these)
{
	int64 n = 0;

	*all = *these = 0;
	for (int32 u = 0; u < trained->model.users; u++)
	{
		int32 who = origin_of(trained, u);
		double chance = asked->chance[who];

		RECO_POLL_AT(u);
		*all += chance;
		if (!(chance > 0) || !is_sampled(who, share))
			continue;
		*these += chance;
		asked->of[n] = chance;
		asked->user[n++] = u;
	}
	return n;
}

/* The sums of what a model says, by item; of one that was made before the latest period also what
 * its scores mean. */
static void
ask(Asked *asked, Trained *trained, bool is_before, RecoBudget *budget, double *expected)
{
	RecoDemand *d = asked->demand;
	reco_scorer *scorer = reco_model_scorer(&trained->model);
	reco_purchases purchases = {
		.scorer = scorer, .profile = profile_of, .arg = trained, .user = asked->user};
	double pairs = (double) trained->model.users * trained->model.items;
	double share = pairs > MOST_SCORES ? MOST_SCORES / pairs : 1;
	reco_activity_found activity;
	double all;
	double these;

	reco_budget_require(budget, reco_purchases_bytes(scorer, budget->env.threads), what);
	if (is_before)
	{
		purchases.users = take_buyers(asked, trained, share);
		reco_budget_check(budget,
						  reco_purchases_calibrate(&budget->env, &purchases, asked->start,
												   asked->item, asked->calibration),
						  what);
	}
	reco_budget_check(budget,
					  reco_activity_find(&budget->env, d->rows,
										 d->params.end - (is_before ? d->params.length : 0),
										 d->params.length, asked->chance, &activity),
					  what);
	asked->active = activity.expected;
	purchases.users = take_active(asked, trained, share, &all, &these);
	reco_budget_check(budget,
					  reco_purchases_expect(&budget->env, &purchases, asked->of, asked->calibration,
											is_before, expected),
					  what);
	for (int32 i = 0; i < trained->model.items && these > 0; i++)
	{
		RECO_POLL_AT(i);
		expected[i] *= all / these;
	}
}

/* A training and its sums; what it took goes with its context. */
static void
train_and_ask(Asked *asked, const reco_interactions *x, const int32 *origin, bool is_before,
			  double *expected)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco demand model", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecoBudget budget;
	RecoTrainingSet set;
	Trained trained = {.origin = origin};

	reco_budget_init(&budget, context);
	budget.limit -= Min(budget.limit, asked->demand->budget.used);
	fit(asked, x, &budget, &set, &trained);
	ask(asked, &trained, is_before, &budget, expected);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static int64
most_rows(const reco_interactions *x)
{
	int32 users = x->by_user.rows;

	return x->by_user.start[users] + (x->repeats.start ? x->repeats.start[users] : 0);
}

static void
allocate(Asked *asked)
{
	RecoBudget *budget = &asked->demand->budget;
	Size users = (Size) asked->demand->rows->by_user.rows + 1;
	Size items = (Size) asked->demand->rows->by_user.cols + 1;
	Size rows = (Size) most_rows(asked->demand->rows) + 1;

	reco_budget_require(budget,
						users * (2 * sizeof(double) + sizeof(int32) + sizeof(int64)) +
							rows * sizeof(int32) + 2 * items * sizeof(double) +
							sizeof(reco_calibration),
						what);
	asked->chance = reco_budget_alloc(budget, users * sizeof(double));
	asked->of = reco_budget_alloc(budget, users * sizeof(double));
	asked->user = reco_budget_alloc(budget, users * sizeof(int32));
	asked->start = reco_budget_alloc(budget, (users + 1) * sizeof(int64));
	asked->item = reco_budget_alloc(budget, rows * sizeof(int32));
	asked->before = reco_budget_alloc(budget, items * sizeof(double));
	asked->to_come = reco_budget_alloc(budget, items * sizeof(double));
	asked->calibration = reco_budget_alloc(budget, sizeof(reco_calibration));
}

/* Why the model says nothing; NULL: it does. */
static const char *
why_alone(const RecoSpec *spec)
{
	if (reco_spec_is_private(spec))
		return "to train it again would spend its budget of privacy";
	if (reco_spec_priors(spec) != NIL)
		return "it begins with the users of another model";
	return NULL;
}

/* What is before the latest period; its users' numbers are new, its items' are not. */
static bool
split(Asked *asked, reco_interactions *train, int32 **origin)
{
	RecoDemand *d = asked->demand;
	RecoSplit split = {.rule = {.kind = RECO_SPLIT_TIME,
								.has_cut = true,
								.cut = d->params.end - d->params.length + 1,
								.keep_items = true,
								.keep_repeats = true}};
	reco_interactions hidden;
	reco_split_counts counts;

	*origin = reco_budget_alloc(&d->budget, ((Size) d->data->x.by_user.rows + 1) * sizeof(int32));
	split.rule.origin = *origin;
	reco_split_data(&split, d->data, &d->budget, train, &hidden, NULL, &counts);
	reco_interactions_free(&d->budget.env, &hidden);
	return counts.trained > 0;
}

static void
ask_model(Asked *asked)
{
	RecoDemand *d = asked->demand;
	reco_interactions train;
	int32 *origin;
	const char *name = asked->spec->algorithm->name;
	const char *alone = why_alone(asked->spec);

	if (alone)
	{
		d->model = psprintf("; %s has no part in it, as %s", name, alone);
		return;
	}
	/* too few periods are an error before anything is trained */
	reco_demand_run(d);
	reco_budget_free(&d->budget, d->found.item);
	allocate(asked);
	if (!split(asked, &train, &origin))
		return;
	train_and_ask(asked, &train, origin, true, asked->before);
	reco_interactions_free(&d->budget.env, &train);
	train_and_ask(asked, &d->data->x, NULL, false, asked->to_come);
	d->params.model_before = asked->before;
	d->params.model = asked->to_come;
}

/* What the model had to do with it. */
static void
describe(Asked *asked)
{
	RecoDemand *d = asked->demand;
	const char *name = asked->spec->algorithm->name;

	if (d->params.model == NULL)
		return;
	if (d->found.part > 0)
		d->model =
			psprintf("; of %d users %.0f are expected to come, and what %s says of them is "
					 "%g of the prior, whose weight is %g",
					 d->rows->by_user.rows, asked->active, name, d->found.part, d->found.strength);
	else
		d->model = psprintf("; of %d users %.0f are expected to come, and what %s says of them is "
							"no better than the periods alone",
							d->rows->by_user.rows, asked->active, name);
}

static void
return_items(const Asked *asked, RecoRows *rows)
{
	const RecoDemand *d = asked->demand;

	for (int32 i = 0; i < d->rows->by_user.cols; i++)
	{
		Datum values[DEMAND_COLUMNS + 2] = {id_dict_id(d->data->items, i)};
		bool nulls[DEMAND_COLUMNS + 2] = {0};

		RECO_POLL_EACH(i, RECO_SEARCHES);
		reco_demand_item_values(&d->found.item[i], values + 1);
		nulls[DEMAND_COLUMNS + 1] = d->params.model == NULL;
		if (d->params.model)
			values[DEMAND_COLUMNS + 1] = Float8GetDatum(d->params.model[i]);
		reco_rows_add(rows, values, nulls);
	}
}

Datum
reco_serve_demand(PG_FUNCTION_ARGS)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco demand", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecoDemand d = {{{0}}};
	Asked asked = {.demand = &d};
	Request request;
	RecoRows rows;
	int64 horizon;

	request_read(fcinfo, "demand", &request);
	rows = reco_rows_begin(fcinfo,
						   (Oid[]){request.serving->item_type->type, FLOAT8OID, INT4OID, INT4OID,
								   INT4OID, FLOAT8OID, INT4OID, INT4OID, FLOAT8OID},
						   DEMAND_COLUMNS + 2);
	horizon = reco_window_option(&request, "horizon");
	d.params.share =
		reco_window_coverage(request_number(&request, "coverage", 0.8), reco_demand_coverage);
	asked.spec = request.serving->model.spec;
	reco_budget_init(&d.budget, context);
	d.data = reco_read_model(&request, asked.spec->features, &d.budget, &d.options);
	reco_demand_periods(&d, horizon);
	ask_model(&asked);
	reco_demand_run(&d);
	describe(&asked);
	reco_demand_tell(&d);
	return_items(&asked, &rows);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
