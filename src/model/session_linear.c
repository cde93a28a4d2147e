/*
 * session_linear.c
 *	  reco.session_linear(): a linear model between the items of sessions in closed form.
 *
 * The mathematics is in core/regression/session_linear.h.  An item's list holds what speaks for
 * others, and itself, when it was among the last events: item_lists.h, with lists that are given.
 */
#include "core/regression/session_linear.h"

#include "core/sessions/session_knn.h"
#include "model/item_lists.h"

#include <math.h>

typedef struct SessionLinearParams
{
	double blend;
	double regularization;
	int neighbors;
	double gap_decay;
	double place_decay;
} SessionLinearParams;

#define FIELD(name) offsetof(SessionLinearParams, name)

static const reco_option session_linear_options[] = {
	{"blend", RECO_OPTION_REAL, FIELD(blend), 0.4, 0, 1, NULL},
	{"regularization", RECO_OPTION_REAL, FIELD(regularization), 10, 1e-9, 1e12, NULL},
	{"neighbors", RECO_OPTION_INT, FIELD(neighbors), 50, 1, 10000, NULL},
	{"gap_decay", RECO_OPTION_REAL, FIELD(gap_decay), 1, 0, 1000, NULL},
	{"place_decay", RECO_OPTION_REAL, FIELD(place_decay), 4, 0, 1000, NULL},
	{NULL},
};

/* After the parts of lists of items. */
#define SESSION_EVENTS ITEM_LIST_PARTS

static const RecoPartType *
session_linear_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0((ITEM_LIST_PARTS + 1) * sizeof(RecoPartType));

	item_list_parts(type);
	type[SESSION_EVENTS] = reco_events_part_type();
	*n = ITEM_LIST_PARTS + 1;
	return type;
}

static reco_session_linear_params
kernel_params(const RecoTraining *training)
{
	const SessionLinearParams *params = training->spec->params;

	return (reco_session_linear_params){params->blend, params->regularization, params->gap_decay,
										params->neighbors};
}

static bool
session_linear_parallel(const RecoTraining *training)
{
	return true;
}

/* What cut sessions can be no more than: a row for each user of as many items as there are rows. */
static reco_csr
most_of_sessions(const RecoTraining *training)
{
	const reco_repeats *repeats = &training->set->x->repeats;
	reco_csr a = training->by_user;

	if (training->set->x->session_gap == 0 || repeats->start == NULL)
		return a;
	a.start = reco_budget_alloc(training->budget, ((Size) a.rows + 1) * sizeof(int64));
	for (int32 u = 0; u <= a.rows; u++)
	{
		RECO_POLL_AT(u);
		a.start[u] = training->by_user.start[u] + repeats->start[u];
	}
	return a;
}

static size_t
session_linear_memory(const RecoTraining *training)
{
	reco_session_linear_params params = kernel_params(training);
	const reco_repeats *repeats = &training->set->x->repeats;
	const reco_csr *a = &training->by_user;
	int64 events = a->start[a->rows] + (repeats->start ? repeats->start[a->rows] : 0);
	reco_csr most = most_of_sessions(training);
	size_t linear =
		reco_session_linear_memory(&params, &most, events, training->budget->env.threads);

	if (most.start != a->start)
		reco_budget_free(training->budget, most.start);
	return reco_training_events_memory(training, false) +
		   (training->set->x->session_gap > 0
				? reco_sessions_memory(events, a->rows, a->cols) + (Size) events * 16
				: 0) +
		   linear;
}

static void
inverted(void *arg, int32_t step, int32_t steps)
{
	reco_training_report(arg, step, steps, NAN);
}

static void
session_linear_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	reco_session_linear_params params = kernel_params(training);
	RecoBudget *budget = training->budget;
	reco_ordered events = reco_training_events(training, false);
	int32 n;
	reco_ordered sessions =
		reco_sessions_of(budget, &events, training->by_user.rows, true, NULL, &n, "training");
	reco_csr items = training->by_user;
	reco_neighbors lists;

	if (n > items.rows)
		reco_budget_check(budget,
						  reco_sessions_items(&budget->env, &sessions, n, items.cols, &items),
						  "training");

	reco_budget_check(budget,
					  reco_session_linear_fit(&budget->env, &params, &items, &sessions, inverted,
											  unconstify(RecoTraining *, training), &lists),
					  "training");
	if (n > training->by_user.rows)
		reco_csr_free(&budget->env, &items);
	reco_budget_free(budget, sessions.start);
	member->part[SESSION_EVENTS] = reco_events_part(&events, training->by_user.rows);
	member->part[ITEM_LISTS] = reco_lists_part(&lists);
}

static void
session_linear_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	item_lists_followers(model, member, true, budget);
	if (serving)
		item_lists_similar(member, true, budget);
}

static reco_scorer *
session_linear_scorer(const RecoModel *model, const RecoMember *member)
{
	const SessionLinearParams *params = member->spec->params;
	reco_sum_scorer sums = {.head = reco_scorer_head(&reco_list_scorer_type, model, false)};
	reco_list_scorer *scorer = (reco_list_scorer *) item_lists_scorer(model, member, sums);
	int steps = reco_session_steps(params->place_decay);
	float *back = palloc(steps * sizeof(float));

	for (int k = 0; k < steps; k++)
		back[k] = (float) reco_session_weight(params->place_decay, k);
	scorer->back = back;
	scorer->backs = steps;
	return &scorer->sums.head;
}

/* Of more items the one inverse takes long: the time grows as their cube. */
#define PORTFOLIO_ITEMS 4096

static List *
session_linear_candidates(const RecoTraining *training, bool portfolio)
{
	static const double blends[] = {0.2, 0.4, 0.8};
	static const double regularizations[] = {3, 10, 30};
	List *grid = NIL;

	if (portfolio && training->next && training->by_user.cols <= PORTFOLIO_ITEMS)
		return list_make1(pstrdup("{}"));
	for (int b = 0; b < lengthof(blends) && !portfolio; b++)
		for (int r = 0; r < lengthof(regularizations); r++)
			grid = lappend(grid, psprintf("{\"blend\": %g, \"regularization\": %g}", blends[b],
										  regularizations[r]));
	return grid;
}

const RecoAlgorithm reco_algorithm_session_linear = {
	.name = "session_linear",
	.negative = "counts as any other",
	.source = "model",
	.comes_next = true,
	.options = session_linear_options,
	.params_size = sizeof(SessionLinearParams),
	.reads = reco_reads_events,
	.candidates = session_linear_candidates,
	.parallel = session_linear_parallel,
	.memory = session_linear_memory,
	.fit = session_linear_fit,
	.parts = session_linear_parts,
	.prepare = session_linear_prepare,
	.scorer = session_linear_scorer,
};
