/*
 * repeat.c
 *	  reco.repeat(): what a user has again and again, and what others had last.
 *
 * A training counts in how many newest baskets an item is; all else is what the user did, which is
 * kept with the user: core/scoring/score_repeat.h.  Events of one time are a basket.
 */
#include "core/scoring/score_repeat.h"

#include "model/model.h"

typedef struct RepeatParams
{
	double decay;
	double popularity;
} RepeatParams;

static const reco_option repeat_options[] = {
	{"decay", RECO_OPTION_REAL, offsetof(RepeatParams, decay), 0.9, 0, 1, NULL},
	{"popularity", RECO_OPTION_REAL, offsetof(RepeatParams, popularity), 8, 0, 1000, NULL},
	{NULL},
};

enum
{
	REPEAT_EVENTS,
	REPEAT_SHARE, /* of the users, who have an item in their newest basket */
	REPEAT_PARTS
};

static const RecoPartType *
repeat_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0(REPEAT_PARTS * sizeof(RecoPartType));

	type[REPEAT_EVENTS] = reco_events_part_type();
	type[REPEAT_SHARE] = (RecoPartType){.name = "share", .side = RECO_OF_ITEMS, .width = 1};
	*n = REPEAT_PARTS;
	return type;
}

static size_t
repeat_memory(const RecoTraining *training)
{
	return reco_training_events_memory(training, false) +
		   ((Size) training->by_user.cols + 1) * (sizeof(float) + sizeof(int32));
}

/*
 * How many users have each item in their newest basket: in integers, as a float beyond 2^24 does
 * not become larger by 1.
 */
static int32 *
count_newest(const RecoTraining *training, const reco_ordered *events)
{
	int32 users = training->by_user.rows;
	Size bytes = ((Size) training->by_user.cols + 1) * sizeof(int32);
	int32 *count = reco_budget_alloc(training->budget, bytes);

	memset(count, 0, bytes);
	for (int32 u = 0; u < users; u++)
	{
		int64 from = events->start[u];
		int64 last = events->start[u + 1] - 1;

		RECO_POLL_AT(u);
		for (int64 e = last; e >= from && events->moment[e] == events->moment[last]; e--)
		{
			RECO_POLL_AT(e + 1);
			if (e == last || events->item[e] != events->item[e + 1])
				count[events->item[e]]++;
		}
	}
	return count;
}

static void
repeat_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	int32 users = training->by_user.rows;
	int32 items = training->by_user.cols;
	reco_ordered events = reco_training_events(training, false);
	int32 *count = count_newest(training, &events);
	float *share = reco_zeros(training->budget, items);

	for (int32 i = 0; i < items; i++)
	{
		share[i] = (float) count[i] / (float) users;
		RECO_POLL_AT(i);
	}
	reco_budget_free(training->budget, count);
	member->part[REPEAT_EVENTS] = reco_events_part(&events, users);
	member->part[REPEAT_SHARE] = reco_vector_part(&member->type[REPEAT_SHARE], items, share);
}

static reco_scorer *
repeat_scorer(const RecoModel *model, const RecoMember *member)
{
	const RepeatParams *params = member->spec->params;
	reco_repeat_scorer *scorer = palloc0(sizeof(reco_repeat_scorer));

	scorer->head = reco_scorer_head(&reco_repeat_scorer_type, model, false);
	scorer->decay = params->decay;
	scorer->popularity = params->popularity;
	scorer->share = member->part[REPEAT_SHARE].data;
	return &scorer->head;
}

static List *
repeat_candidates(const RecoTraining *training, bool portfolio)
{
	static const double decays[] = {0.7, 0.9, 1};
	static const double popularities[] = {1, 4, 8, 16};
	List *grid = NIL;

	for (int d = 0; d < lengthof(decays) && !portfolio; d++)
		for (int p = 0; p < lengthof(popularities); p++)
			grid = lappend(
				grid, psprintf("{\"decay\": %g, \"popularity\": %g}", decays[d], popularities[p]));
	return grid;
}

const RecoAlgorithm reco_algorithm_repeat = {
	.name = "repeat",
	.negative = "counts as any other",
	.source = "model",
	.options = repeat_options,
	.params_size = sizeof(RepeatParams),
	.reads = reco_reads_events,
	.candidates = repeat_candidates,
	.memory = repeat_memory,
	.fit = repeat_fit,
	.parts = repeat_parts,
	.scorer = repeat_scorer,
};
