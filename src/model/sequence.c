/*
 * sequence.c
 *	  reco.sequence(): what comes after the last items.
 *
 * An item's list holds what followed it in the order of users' events.  Scores are sums over the
 * lists of the last items that a user, a session or a basket has: core/scoring/score_lists.c.
 */
#include "core/sessions/sequence.h"

#include "model/item_lists.h"

typedef struct SequenceParams
{
	int steps;
	double exponent;
	int neighbors;
	int last_items;
} SequenceParams;

#define FIELD(name) offsetof(SequenceParams, name)

static const reco_option sequence_options[] = {
	{"steps", RECO_OPTION_INT, FIELD(steps), 4, 1, RECO_SEQUENCE_STEPS, NULL},
	{"exponent", RECO_OPTION_REAL, FIELD(exponent), 1, 0, 10, NULL},
	{"neighbors", RECO_OPTION_INT, FIELD(neighbors), 200, 1, 10000, NULL},
	{"last_items", RECO_OPTION_INT, FIELD(last_items), 5, 1, RECO_SEQUENCE_STEPS, NULL},
	{NULL},
};

/* After the parts of lists of items. */
#define SEQUENCE_EVENTS ITEM_LIST_PARTS

static const RecoPartType *
sequence_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0((ITEM_LIST_PARTS + 1) * sizeof(RecoPartType));

	item_list_parts(type);
	type[SEQUENCE_EVENTS] = reco_events_part_type();
	*n = ITEM_LIST_PARTS + 1;
	return type;
}

static reco_sequence_params
kernel_params(const SequenceParams *params)
{
	return (reco_sequence_params){params->steps, params->exponent, params->neighbors};
}

static size_t
sequence_memory(const RecoTraining *training)
{
	reco_sequence_params params = kernel_params(training->spec->params);
	const reco_repeats *repeats = &training->set->x->repeats;
	const reco_csr *a = &training->by_user;
	int64 events = a->start[a->rows] + (repeats->start ? repeats->start[a->rows] : 0);

	return reco_training_events_memory(training, false) +
		   reco_sequence_memory(events, a->cols, &params);
}

static void
sequence_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	reco_sequence_params params = kernel_params(training->spec->params);
	RecoBudget *budget = training->budget;
	int32 users = training->by_user.rows;
	reco_ordered events = reco_training_events(training, false);
	int32 n;
	reco_ordered sessions = reco_sessions_of(budget, &events, users, false, NULL, &n, "training");
	reco_neighbors lists;

	reco_budget_check(
		budget,
		reco_sequence_find(&budget->env, &sessions, n, training->by_user.cols, &params, &lists),
		"training");
	reco_budget_free(budget, sessions.start);
	member->part[SEQUENCE_EVENTS] = reco_events_part(&events, users);
	member->part[ITEM_LISTS] = reco_lists_part(&lists);
}

/* That an item comes after itself makes it no item that is like it. */
static void
make_similar(RecoMember *member, RecoBudget *budget)
{
	reco_neighbors lists = reco_part_lists(&member->part[ITEM_LISTS]);
	Size entries = lists.start[lists.rows];
	reco_neighbors out = {lists.rows};
	int64 to = 0;

	out.start = reco_budget_alloc(budget, ((Size) lists.rows + 1) * sizeof(int64));
	out.row = reco_budget_alloc(budget, (entries + 1) * sizeof(int32));
	out.similarity = reco_budget_alloc(budget, (entries + 1) * sizeof(double));
	for (int32 i = 0; i < lists.rows; i++)
	{
		out.start[i] = to;
		for (int64 e = lists.start[i]; e < lists.start[i + 1]; e++)
		{
			RECO_POLL_AT(e);
			if (lists.row[e] == i)
				continue;
			out.row[to] = lists.row[e];
			out.similarity[to++] = lists.similarity[e];
		}
	}
	out.start[lists.rows] = to;
	member->part[ITEM_SIMILAR] = reco_lists_part(&out);
}

static void
sequence_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	/* the lists are of the given item */
	item_lists_followers(model, member, true, budget);
	if (serving)
		make_similar(member, budget);
}

static reco_scorer *
sequence_scorer(const RecoModel *model, const RecoMember *member)
{
	const SequenceParams *params = member->spec->params;
	reco_sum_scorer sums = {.head = reco_scorer_head(&reco_list_scorer_type, model, false)};
	reco_list_scorer *scorer = (reco_list_scorer *) item_lists_scorer(model, member, sums);
	float *back = palloc(params->last_items * sizeof(float));

	reco_sequence_weights(params->exponent, params->last_items, back);
	scorer->back = back;
	scorer->backs = params->last_items;
	return &scorer->sums.head;
}

static List *
sequence_candidates(const RecoTraining *training, bool portfolio)
{
	static const int steps[] = {1, 4, 10};
	static const int last[] = {1, 5};
	List *grid = NIL;

	if (portfolio && training->next)
		return list_make1(pstrdup("{}"));
	for (int s = 0; s < lengthof(steps) && !portfolio; s++)
		for (int exponent = 1; exponent <= 2; exponent++)
			for (int l = 0; l < lengthof(last); l++)
				grid =
					lappend(grid, psprintf("{\"steps\": %d, \"exponent\": %d, \"last_items\": %d}",
										   steps[s], exponent, last[l]));
	return grid;
}

const RecoAlgorithm reco_algorithm_sequence = {
	.name = "sequence",
	.negative = "counts as any other",
	.source = "model",
	.comes_next = true,
	.options = sequence_options,
	.params_size = sizeof(SequenceParams),
	.reads = reco_reads_events,
	.candidates = sequence_candidates,
	.memory = sequence_memory,
	.fit = sequence_fit,
	.parts = sequence_parts,
	.prepare = sequence_prepare,
	.scorer = sequence_scorer,
};
