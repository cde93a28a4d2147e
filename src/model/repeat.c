/*
 * repeat.c
 *	  reco.repeat(): what a user has again and again, and what others had last.
 *
 * A training counts in how many newest baskets an item is, and how often items come again; all else
 * is what the user did, which is kept with the user: core/scoring/score_repeat.h.  For what users
 * are due to buy again that has times, and items have rates: core/sessions/again.h.  Neighbors are
 * found when a user is scored, stored ones as well, in an index that is derived of all users.
 */
#include "core/scoring/score_repeat.h"
#include "core/sessions/again.h"

#include "model/model.h"

#include <math.h>

typedef struct RepeatParams
{
	double decay;
	double popularity;
	int item_rates;
	double shrinkage;
	int neighbors;
	double own_weight;
	double neighbor_decay;
	int groups;
	double group_decay;
	int normalized;
} RepeatParams;

#define FIELD(name) offsetof(RepeatParams, name)

#define MOST_POPULARITY 1000
/* What an item that is in newest baskets as often as such items are gets by that, in the mean. */
#define POPULAR_PART 0.03

static const reco_option repeat_options[] = {
	{"decay", RECO_OPTION_REAL, FIELD(decay), 0.9, 0, 1, NULL},
	{"popularity", RECO_OPTION_REAL, FIELD(popularity), 0, 0, MOST_POPULARITY, NULL, true},
	{"item_rates", RECO_OPTION_BOOL, FIELD(item_rates), true, 0, 1, NULL},
	{"shrinkage", RECO_OPTION_REAL, FIELD(shrinkage), 20, 0, 1000000, NULL},
	{"neighbors", RECO_OPTION_INT, FIELD(neighbors), 0, 0, 10000, NULL},
	{"own_weight", RECO_OPTION_REAL, FIELD(own_weight), 0.015, 0, 1, NULL},
	{"neighbor_decay", RECO_OPTION_REAL, FIELD(neighbor_decay), 0.7, 0, 1, NULL},
	{"groups", RECO_OPTION_INT, FIELD(groups), 1, 1, 1000, NULL},
	{"group_decay", RECO_OPTION_REAL, FIELD(group_decay), 0.9, 0, 1, NULL},
	{"normalized", RECO_OPTION_BOOL, FIELD(normalized), true, 0, 1, NULL},
	{NULL},
};

/* Those after the share are there where the options ask for them. */
enum
{
	REPEAT_EVENTS,
	REPEAT_TIMES, /* of these */
	REPEAT_INTERVAL,
	REPEAT_AGAIN,
	REPEAT_SHARE, /* of the users, who have an item in their newest basket */
	REPEAT_RATE,  /* of an item */
	REPEAT_PARTS
};

/* reco_repeat_index, after the others */
enum
{
	INDEX_USERS, /* by_user, */
	INDEX_ITEMS, /* by_item, */
	INDEX_SQUARE /* and square */
};

static int
first_of_index(const RepeatParams *params)
{
	return params->item_rates ? REPEAT_PARTS : REPEAT_RATE;
}

static const RecoPartType *
repeat_parts(const RecoSpec *spec, int *n)
{
	const RepeatParams *params = spec->params;
	RecoPartType *type = palloc0((REPEAT_PARTS + INDEX_SQUARE + 1) * sizeof(RecoPartType));
	RecoPartType *index = &type[first_of_index(params)];

	type[REPEAT_EVENTS] = reco_events_part_type();
	type[REPEAT_TIMES] = reco_times_part_type();
	type[REPEAT_INTERVAL] = (RecoPartType){.name = "interval",
										   .side = RECO_OF_MODEL,
										   .rows = 1,
										   .width = 1,
										   .element = RECO_FLOAT8,
										   .role = RECO_ROLE_INTERVAL};
	type[REPEAT_AGAIN] = (RecoPartType){
		.name = "again", .side = RECO_OF_ITEMS, .width = RECO_AGAIN_WIDTH, .role = RECO_ROLE_AGAIN};
	type[REPEAT_SHARE] = (RecoPartType){.name = "share", .side = RECO_OF_ITEMS, .width = 1};
	if (params->item_rates)
		type[REPEAT_RATE] = (RecoPartType){.name = "rate", .side = RECO_OF_ITEMS, .width = 1};
	*n = first_of_index(params);
	if (params->neighbors == 0)
		return type;
	index[INDEX_USERS] = (RecoPartType){.name = "vectors",
										.side = RECO_OF_USERS,
										.shape = RECO_LIST,
										.of = RECO_OF_ITEMS,
										.kept = RECO_DERIVED};
	index[INDEX_ITEMS] = (RecoPartType){.name = "index",
										.side = RECO_OF_ITEMS,
										.shape = RECO_LIST,
										.of = RECO_OF_USERS,
										.kept = RECO_DERIVED,
										.of_all_users = true};
	index[INDEX_SQUARE] = (RecoPartType){.name = "square",
										 .side = RECO_OF_USERS,
										 .element = RECO_FLOAT8,
										 .width = 1,
										 .kept = RECO_DERIVED};
	*n += INDEX_SQUARE + 1;
	return type;
}

static bool
repeat_needs_users(const RecoSpec *spec)
{
	return ((const RepeatParams *) spec->params)->neighbors > 0;
}

/* Of what a user has, and of the vectors that users are compared by. */
static reco_repeat_weights
weights_of(const RepeatParams *params, double decay)
{
	return (reco_repeat_weights){decay, params->group_decay, params->groups};
}

/* Counts the items of those of a user's pairs that are in the newest basket. */
static void
count_pairs(const RecoTraining *training, int32 user, int32 *count)
{
	const reco_interactions *x = training->set->x;
	const reco_csr *a = &training->by_user;
	int64 newest = PG_INT64_MIN;

	for (int64 e = a->start[user]; x->time && e < a->start[user + 1]; e++)
	{
		newest = Max(newest, x->time[e]);
		RECO_POLL_AT(e + 1);
	}
	for (int64 e = a->start[user]; e < a->start[user + 1]; e++)
	{
		count[a->col[e]] += x->time == NULL || reco_basket_of(x->time[e], x->basket) ==
												   reco_basket_of(newest, x->basket);
		RECO_POLL_AT(e + 1);
	}
}

/*
 * Popularity so that what others had last weighs as much beside what a user has as it does where
 * baskets are small: shares grow with what is in a basket, and with what everybody buys.
 */
static void
repeat_choose(const RecoTraining *training, void *to)
{
	RepeatParams *params = to;
	int32 users = training->by_user.rows;
	int32 items = training->by_user.cols;
	int32 *count;
	double sum = 0;
	double squares = 0;

	if (!isnan(params->popularity))
		return;
	count = reco_budget_alloc(training->budget, ((Size) items + 1) * sizeof(int32));
	memset(count, 0, ((Size) items + 1) * sizeof(int32));
	for (int32 u = 0; u < users; u++)
	{
		count_pairs(training, u, count);
		RECO_POLL_AT(u + 1);
	}
	for (int32 i = 0; i < items; i++)
	{
		sum += count[i];
		squares += (double) count[i] * count[i];
		RECO_POLL_AT(i + 1);
	}
	reco_budget_free(training->budget, count);
	params->popularity = Min(POPULAR_PART * users * sum / Max(squares, 1), MOST_POPULARITY);
}

static size_t
repeat_memory(const RecoTraining *training)
{
	const RepeatParams *params = training->spec->params;
	Size items = (Size) training->by_user.cols + 1;
	Size bytes = items * (sizeof(float) + 2 * sizeof(int32));

	if (params->item_rates)
		bytes = items * (2 * sizeof(float) + sizeof(reco_repeat_sum) + 2 * sizeof(double));
	bytes = Max(bytes, items * sizeof(float) + reco_again_memory(training->by_user.cols));
	return reco_training_events_memory(training, true) + bytes + items * sizeof(reco_again_item);
}

/*
 * How many users have each item in their newest basket: in integers, as a float beyond 2^24 does
 * not become larger by 1.
 */
static int32 *
count_newest(const RecoTraining *training, const reco_ordered *events)
{
	int32 users = training->by_user.rows;
	Size items = (Size) training->by_user.cols + 1;
	int32 *count = reco_budget_alloc(training->budget, items * sizeof(int32));
	int32 *last = reco_budget_alloc(training->budget, items * sizeof(int32));

	memset(count, 0, items * sizeof(int32));
	memset(last, 0, items * sizeof(int32));
	for (int32 u = 0; u < users; u++)
	{
		int64 from = events->start[u];
		int64 newest = events->start[u + 1] - 1;

		RECO_POLL_AT(u);
		for (int64 e = newest; e >= from && events->moment[e] == events->moment[newest]; e--)
		{
			int32 item = events->item[e];

			RECO_POLL_AT(e + 1);
			/* twice in a basket is once */
			count[item] += last[item] != u + 1;
			last[item] = u + 1;
		}
	}
	reco_budget_free(training->budget, last);
	return count;
}

/* What says which items users are due to buy again. */
static void
fit_again(const RecoTraining *training, reco_ordered *events, RecoMember *member)
{
	int32 users = training->by_user.rows;
	int32 items = training->by_user.cols;
	RecoBudget *budget = training->budget;
	double *time = reco_ordered_times(&budget->env, events, users, training->set->x->unit);
	reco_again_item *again =
		reco_budget_alloc(budget, ((Size) items + 1) * sizeof(reco_again_item));
	double *interval = reco_budget_alloc(budget, sizeof(double));

	reco_budget_check(budget, time ? RECO_OK : RECO_STOPPED, "training");
	reco_budget_check(budget, reco_again_learn(&budget->env, events, time, users, items, again),
					  "training");
	reco_budget_check(budget, reco_again_interval(&budget->env, events, time, users, interval),
					  "training");
	member->part[REPEAT_TIMES] =
		(RecoPart){.rows = users, .start = events->start, .number = events->item, .data = time};
	member->part[REPEAT_INTERVAL] = reco_vector_part(&member->type[REPEAT_INTERVAL], 1, interval);
	member->part[REPEAT_AGAIN] = reco_vector_part(&member->type[REPEAT_AGAIN], items, again);
}

static void
repeat_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	const RepeatParams *params = training->spec->params;
	reco_repeat_weights weights = weights_of(params, params->decay);
	int32 users = training->by_user.rows;
	int32 items = training->by_user.cols;
	reco_ordered events = reco_training_events(training, true);
	int32 *count = count_newest(training, &events);
	float *share = reco_zeros(training->budget, items);

	for (int32 i = 0; i < items; i++)
	{
		share[i] = (float) count[i] / (float) users;
		RECO_POLL_AT(i);
	}
	reco_budget_free(training->budget, count);
	member->part[REPEAT_EVENTS] = reco_events_part(&events, users);
	fit_again(training, &events, member);
	member->part[REPEAT_SHARE] = reco_vector_part(&member->type[REPEAT_SHARE], items, share);
	if (params->item_rates)
	{
		float *rate = reco_zeros(training->budget, items);

		reco_budget_check(training->budget,
						  reco_repeat_rates(&training->budget->env, &weights, &events, users, items,
											params->shrinkage, rate),
						  "training");
		member->part[REPEAT_RATE] = reco_vector_part(&member->type[REPEAT_RATE], items, rate);
	}
}

/* The index of the users whose events are in `part`, and into it. */
static void
make_index(const RecoModel *model, const RecoMember *member, RecoPart *part, RecoBudget *budget)
{
	const RepeatParams *params = member->spec->params;
	reco_repeat_weights weights = weights_of(params, params->neighbor_decay);
	int first = first_of_index(params);
	const RecoPart *of = &part[REPEAT_EVENTS];
	reco_ordered events = {of->start, of->number, of->data};
	reco_repeat_index index;

	reco_budget_require(
		budget, reco_repeat_index_memory(of->start[model->users], model->users, model->items),
		"serving");
	reco_budget_check(budget,
					  reco_repeat_index_build(&budget->env, &weights, &events, model->users,
											  model->items, &index),
					  "serving");
	part[first + INDEX_USERS] = reco_csr_part(&index.by_user);
	part[first + INDEX_ITEMS] = reco_csr_part(&index.by_item);
	part[first + INDEX_SQUARE] =
		reco_vector_part(&member->type[first + INDEX_SQUARE], model->users, index.square);
}

/* Of a model that is not in tables; what is read from these is indexed with all users. */
static void
repeat_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	if (!serving && repeat_needs_users(member->spec) && member->part[REPEAT_EVENTS].start)
		make_index(model, member, member->part, budget);
}

static void
repeat_prepare_users(const RecoModel *model, const RecoMember *member, const reco_csr *histories,
					 RecoPart *part, RecoBudget *budget)
{
	if (repeat_needs_users(member->spec))
		make_index(model, member, part, budget);
}

static reco_scorer *
repeat_scorer(const RecoModel *model, const RecoMember *member)
{
	const RepeatParams *params = member->spec->params;
	reco_repeat_scorer *scorer = palloc0(sizeof(reco_repeat_scorer));

	scorer->head = reco_scorer_head(&reco_repeat_scorer_type, model, false);
	scorer->weights = weights_of(params, params->decay);
	scorer->normalized = params->normalized != 0;
	scorer->own_weight = params->own_weight;
	scorer->popularity = params->popularity;
	scorer->share = member->part[REPEAT_SHARE].data;
	if (params->item_rates)
		scorer->rate = member->part[REPEAT_RATE].data;
	if (params->neighbors > 0)
	{
		const RecoPart *index = &member->part[first_of_index(params)];

		scorer->neighbors = params->neighbors;
		scorer->vector = weights_of(params, params->neighbor_decay);
		scorer->index.by_user = reco_part_csr(&index[INDEX_USERS], model->items);
		scorer->index.by_item = reco_part_csr(&index[INDEX_ITEMS], model->users);
		scorer->index.square = index[INDEX_SQUARE].data;
	}
	return &scorer->head;
}

static List *
repeat_candidates(const RecoTraining *training, bool portfolio)
{
	static const double decays[] = {0.7, 0.9, 0.95, 1};
	static const double popularities[] = {1, 2, 4, 8, 16};
	static const double neighbor_decays[] = {0.6, 0.7, 0.8, 0.9};
	static const int neighbors[] = {100, 200, 400};
	List *grid = NIL;

	for (int d = 0; d < lengthof(decays) && !portfolio; d++)
		for (int p = 0; p < lengthof(popularities); p++)
			grid = lappend(
				grid, psprintf("{\"decay\": %g, \"popularity\": %g}", decays[d], popularities[p]));
	for (int d = 0; d < lengthof(neighbor_decays) && !portfolio; d++)
		for (int k = 0; k < lengthof(neighbors); k++)
			grid = lappend(grid, psprintf("{\"neighbors\": %d, \"neighbor_decay\": %g, "
										  "\"popularity\": 0}",
										  neighbors[k], neighbor_decays[d]));
	return grid;
}

const RecoAlgorithm reco_algorithm_repeat = {
	.name = "repeat",
	.negative = "counts as any other",
	.source = "model",
	.comes_again = true,
	.needs_users = repeat_needs_users,
	.options = repeat_options,
	.params_size = sizeof(RepeatParams),
	.reads = reco_reads_events,
	.choose = repeat_choose,
	.candidates = repeat_candidates,
	.memory = repeat_memory,
	.fit = repeat_fit,
	.parts = repeat_parts,
	.prepare = repeat_prepare,
	.prepare_users = repeat_prepare_users,
	.scorer = repeat_scorer,
};
