/*
 * graph.c
 *	  reco.graph(): filters on the graph of users and items.
 *
 * The mathematics is in core/graph/graph.h, scoring in core/scoring/score_graph.c; here are the
 * options and the memory.
 */
#include "model/factors.h"

#include "core/graph/graph.h"
#include "core/scoring/score_graph.h"

#include <math.h>

typedef struct GraphParams
{
	int filter;
	int factors;
	int neighbors;
	double alpha;
	double beta;
	int degree;
	double phi;
	double power;
	double residual;
	int oversampling;
	int power_iterations;
	uint64_t seed;
} GraphParams;

/* In the order of reco_graph_filter. */
static const char *const filters[] = {"gfcf", "turbo", "chebyshev", NULL};

#define FIELD(name) offsetof(GraphParams, name)

static const reco_option graph_options[] = {
	{"filter", RECO_OPTION_ENUM, FIELD(filter), RECO_GRAPH_CHEBYSHEV, 0, 0, filters},
	{"factors", RECO_OPTION_INT, FIELD(factors), 256, 1, RECO_GRAPH_MAX_FACTORS, NULL},
	{"neighbors", RECO_OPTION_INT, FIELD(neighbors), 0, 1, 10000, NULL, true},
	{"alpha", RECO_OPTION_REAL, FIELD(alpha), 0, 0, 10, NULL, true},
	{"beta", RECO_OPTION_REAL, FIELD(beta), 0.3, 0, 1, NULL},
	{"degree", RECO_OPTION_INT, FIELD(degree), 8, 1, RECO_GRAPH_MAX_DEGREE, NULL},
	{"phi", RECO_OPTION_REAL, FIELD(phi), 1.5, 0.01, 100, NULL},
	{"power", RECO_OPTION_REAL, FIELD(power), 0.7, 0.01, 100, NULL},
	{"residual", RECO_OPTION_REAL, FIELD(residual), 1.5, 0, 100, NULL},
	{"oversampling", RECO_OPTION_INT, FIELD(oversampling), 10, 0, RECO_SVD_MAX_OVERSAMPLING, NULL},
	{"power_iterations", RECO_OPTION_INT, FIELD(power_iterations), 4, 0, 1000, NULL},
	{"seed", RECO_OPTION_SEED, FIELD(seed), 42, 0, FACTOR_MAX_SEED, NULL},
	{NULL},
};

/* From such a share of all pairs on there are interactions enough for what is common to many. */
#define DENSE 0.004

/* Those after the first are there where the filter has factors. */
enum
{
	GRAPH_LISTS,
	GRAPH_ITEM,
	GRAPH_INWARD,
	GRAPH_WEIGHT,
	GRAPH_PARTS
};

static const GraphParams *
params_of(const RecoSpec *spec)
{
	return spec->params;
}

static reco_graph_params
kernel_params(const RecoSpec *spec)
{
	const GraphParams *params = params_of(spec);

	return (reco_graph_params){
		.filter = (reco_graph_filter) params->filter,
		.factors = params->factors,
		.neighbors = params->neighbors,
		.alpha = params->alpha,
		.beta = params->beta,
		.degree = params->degree,
		.phi = params->phi,
		.power = params->power,
		.residual = params->residual,
		.oversampling = params->oversampling,
		.power_iterations = params->power_iterations,
		.seed = params->seed,
	};
}

static int
blocks_of(const RecoSpec *spec)
{
	return reco_graph_blocks((reco_graph_filter) params_of(spec)->filter);
}

static const RecoPartType *
graph_parts(const RecoSpec *spec, int *n)
{
	int blocks = blocks_of(spec);
	int width = blocks * params_of(spec)->factors;
	RecoPartType *type = palloc0(GRAPH_PARTS * sizeof(RecoPartType));

	/* row j: the items that j speaks for, by number */
	type[GRAPH_LISTS] = (RecoPartType){
		.name = "lists",
		.side = RECO_OF_ITEMS,
		.shape = RECO_LIST,
		.of = RECO_OF_ITEMS,
		.element = RECO_FLOAT4,
	};
	type[GRAPH_ITEM] =
		(RecoPartType){.name = "factors", .side = RECO_OF_ITEMS, .width = width, .padded = true};
	type[GRAPH_INWARD] = (RecoPartType){.name = "inward", .side = RECO_OF_ITEMS, .width = blocks};
	type[GRAPH_WEIGHT] =
		(RecoPartType){.name = "weight", .side = RECO_OF_MODEL, .rows = 1, .width = width};
	*n = blocks > 0 ? GRAPH_PARTS : GRAPH_LISTS + 1;
	return type;
}

static void
graph_choose(const RecoTraining *training, void *value)
{
	GraphParams *params = value;
	reco_shape shape = reco_training_shape(training, false);
	bool turbo = params->filter == RECO_GRAPH_TURBO;
	bool dense = shape.density >= DENSE;

	if (params->neighbors == INT_MIN)
		params->neighbors = turbo ? 1000 : 500;
	if (isnan(params->alpha))
		params->alpha = turbo ? 0.6 : params->filter == RECO_GRAPH_GFCF ? 0.3 : dense ? 1 : 0.4;
}

static bool
graph_parallel(const RecoTraining *training)
{
	return factor_worth_threads(training, params_of(training->spec)->factors);
}

static size_t
graph_memory(const RecoTraining *training)
{
	reco_graph_params params = kernel_params(training->spec);

	return reco_training_by_item_memory(training) +
		   reco_graph_memory(&params, &training->by_user, training->budget->env.threads);
}

static void
iterated(void *arg, int iteration)
{
	const RecoTraining *training = arg;
	reco_graph_params params = kernel_params(training->spec);

	reco_training_report(training, iteration, reco_graph_iterations(&params), NAN);
}

static void
graph_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	RecoBudget *budget = training->budget;
	reco_graph_params params = kernel_params(training->spec);
	reco_graph graph;

	factor_check_library(budget);
	reco_budget_check(budget,
					  reco_graph_fit(&budget->env, &params, &training->by_user,
									 reco_training_by_item(training), iterated,
									 unconstify(RecoTraining *, training), &graph),
					  "training");
	reco_training_by_item_done(training);
	member->part[GRAPH_LISTS] = reco_csr_part(&graph.lists);
	if (graph.blocks == 0)
		return;
	member->part[GRAPH_ITEM] = reco_vector_part(&member->type[GRAPH_ITEM], graph.items, graph.item);
	member->part[GRAPH_INWARD] =
		reco_vector_part(&member->type[GRAPH_INWARD], graph.items, graph.inward);
	member->part[GRAPH_WEIGHT] = reco_vector_part(&member->type[GRAPH_WEIGHT], 1, graph.weight);
	member->losses = 1;
	member->loss = reco_zeros(budget, 1);
	member->loss[0] = (float) graph.residual;
}

static reco_scorer *
graph_scorer(const RecoModel *model, const RecoMember *member)
{
	reco_graph_scorer *scorer = palloc0(sizeof(reco_graph_scorer));

	scorer->lists.sums.head = reco_scorer_head(&reco_graph_scorer_type, model, false);
	scorer->lists.followers = reco_part_csr(&member->part[GRAPH_LISTS], model->items);
	if (member->parts > GRAPH_ITEM)
	{
		scorer->blocks = member->type[GRAPH_INWARD].width;
		scorer->width = member->type[GRAPH_ITEM].width;
		scorer->stride = member->part[GRAPH_ITEM].stride;
		scorer->item = member->part[GRAPH_ITEM].data;
		scorer->inward = member->part[GRAPH_INWARD].data;
		scorer->weight = member->part[GRAPH_WEIGHT].data;
	}
	return &scorer->lists.sums.head;
}

static List *
graph_candidates(const RecoTraining *training, bool portfolio)
{
	static const int factors[] = {32, 64, 128, 256, 512};
	static const double betas[] = {0, 0.2, 0.3, 0.4};
	List *grid = NIL;

	if (portfolio)
		return NIL;
	for (int f = 0; f < lengthof(factors); f++)
	{
		grid = lappend(grid, psprintf("{\"filter\": \"gfcf\", \"factors\": %d}", factors[f]));
		for (int b = 0; b < lengthof(betas); b++)
			grid = lappend(grid, psprintf("{\"factors\": %d, \"beta\": %g}", factors[f], betas[b]));
	}
	return lappend(grid, pstrdup("{\"filter\": \"turbo\"}"));
}

const RecoAlgorithm reco_algorithm_graph = {
	.name = "graph",
	.negative = "counts against the item",
	.source = "model",
	.reads = reco_reads_items,
	.options = graph_options,
	.choose = graph_choose,
	.candidates = graph_candidates,
	.params_size = sizeof(GraphParams),
	.parallel = graph_parallel,
	.memory = graph_memory,
	.fit = graph_fit,
	.parts = graph_parts,
	.scorer = graph_scorer,
};
