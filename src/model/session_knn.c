/*
 * session_knn.c
 *	  reco.session_knn(): what came in sessions like this one.
 *
 * A training keeps what each session did, how old it is, and what an item counts by its rarity.
 * Neighbors are found when a session is scored, stored ones as well: core/scoring/score_sessions.c,
 * in an index that is derived of all sessions.
 */
#include "core/scoring/score_sessions.h"

#include "model/model.h"

#include <math.h>

typedef struct SessionParams
{
	int neighbors;
	int sample;
	int weighting;
	int normalized;
	double place_decay;
	double age_decay;
	double distance_decay;
	double latest_decay;
	double idf;
} SessionParams;

enum
{
	WEIGHTING_EXPONENTIAL,
	WEIGHTING_LINEAR
};

static const char *const weightings[] = {"exponential", "linear", NULL};

#define FIELD(name) offsetof(SessionParams, name)

static const reco_option session_options[] = {
	{"neighbors", RECO_OPTION_INT, FIELD(neighbors), 500, 1, 10000, NULL},
	{"sample", RECO_OPTION_INT, FIELD(sample), 5000, 1, 100000, NULL},
	{"weighting", RECO_OPTION_ENUM, FIELD(weighting), WEIGHTING_EXPONENTIAL, 0, 0, weightings},
	{"normalized", RECO_OPTION_BOOL, FIELD(normalized), true, 0, 1, NULL},
	{"place_decay", RECO_OPTION_REAL, FIELD(place_decay), 2.5, 0, 1000, NULL},
	{"age_decay", RECO_OPTION_REAL, FIELD(age_decay), 1, 0, 1000, NULL},
	{"distance_decay", RECO_OPTION_REAL, FIELD(distance_decay), 6, 0, 1000, NULL},
	{"latest_decay", RECO_OPTION_REAL, FIELD(latest_decay), 10, 0, 1000, NULL},
	{"idf", RECO_OPTION_REAL, FIELD(idf), 2, 0, 1000, NULL},
	{NULL},
};

enum
{
	SESSION_EVENTS,
	SESSION_AGE,    /* of a user's sessions: how many are newer; none: they came later */
	SESSION_WEIGHT, /* of an item */
	SESSION_ROWS,   /* reco_sessions: by_session, */
	SESSION_INDEX,  /* by_item */
	SESSION_ROW,    /* and row of each user's last session */
	SESSION_PARTS
};

static const RecoPartType *
session_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0(SESSION_PARTS * sizeof(RecoPartType));

	type[SESSION_EVENTS] = reco_events_part_type();
	/* lists of the first items of sessions */
	type[SESSION_AGE] = (RecoPartType){.name = "age",
									   .side = RECO_OF_USERS,
									   .shape = RECO_LIST,
									   .of = RECO_OF_ITEMS,
									   .element = RECO_FLOAT8,
									   .repeats = true};
	type[SESSION_WEIGHT] = (RecoPartType){.name = "weight", .side = RECO_OF_ITEMS, .width = 1};
	type[SESSION_ROWS] = (RecoPartType){.name = "sessions",
										.side = RECO_OF_MODEL,
										.shape = RECO_LIST,
										.of = RECO_OF_ITEMS,
										.element = RECO_FLOAT4,
										.kept = RECO_DERIVED,
										.of_all_users = true,
										.counted = true};
	type[SESSION_INDEX] = (RecoPartType){.name = "index",
										 .side = RECO_OF_ITEMS,
										 .shape = RECO_LIST,
										 .of = RECO_OF_USERS,
										 .element = RECO_NOTHING,
										 .kept = RECO_DERIVED,
										 .of_all_users = true};
	type[SESSION_ROW] = (RecoPartType){.name = "row",
									   .side = RECO_OF_USERS,
									   .element = RECO_FLOAT8,
									   .width = 1,
									   .kept = RECO_DERIVED};
	*n = SESSION_PARTS;
	return type;
}

static size_t
session_memory(const RecoTraining *training)
{
	const reco_repeats *repeats = &training->set->x->repeats;
	const reco_csr *a = &training->by_user;
	int64 events = a->start[a->rows] + (repeats->start ? repeats->start[a->rows] : 0);
	int64 sessions =
		training->set->x->session_gap > 0 ? Min(events + a->rows, INT32_MAX - 2) : a->rows;

	return reco_training_events_memory(training, true) +
		   Max((Size) sessions * (sizeof(double) + sizeof(int32) + 3 * sizeof(int64)),
			   reco_sessions_memory(events, (int32) sessions, a->cols)) +
		   ((Size) a->cols + 1) * (sizeof(float) + 2 * sizeof(int32));
}

/* The sessions of all users. */
typedef struct RecoSessions
{
	int32 n;
	int32 *first; /* users + 1: each user's first */
	reco_ordered events;
} RecoSessions;

static RecoSessions
sessions_of(const reco_ordered *events, int32 users, RecoBudget *budget, const char *what)
{
	RecoSessions of;

	of.first = reco_budget_alloc(budget, ((Size) users + 1) * sizeof(int32));
	of.events = reco_sessions_of(budget, events, users, false, of.first, &of.n, what);
	return of;
}

static void
sessions_free(RecoSessions *of, RecoBudget *budget)
{
	reco_budget_free(budget, of->first);
	reco_budget_free(budget, of->events.start);
}

/* A session, and when it ended. */
typedef struct Last
{
	int64 time;
	int32 session;
} Last;

static int
compare_last(const void *a, const void *b)
{
	const Last *x = a;
	const Last *y = b;

	reco_poll();
	if (x->time != y->time)
		return x->time > y->time ? -1 : 1;
	return (x->session < y->session) - (x->session > y->session);
}

/* How many sessions ended after each did, of one time those of larger numbers. */
static double *
ages_of(const RecoTraining *training, const reco_ordered *of, int32 sessions)
{
	Last *last = reco_budget_alloc(training->budget, ((Size) sessions + 1) * sizeof(Last));
	double *age = reco_budget_alloc(training->budget, ((Size) sessions + 1) * sizeof(double));

	for (int32 s = 0; s < sessions; s++)
	{
		int64 end = of->start[s + 1];

		last[s] = (Last){end > of->start[s] ? of->time[end - 1] : PG_INT64_MIN, s};
		RECO_POLL_AT(s);
	}
	qsort(last, sessions, sizeof(Last), compare_last);
	for (int32 r = 0; r < sessions; r++)
		age[last[r].session] = r;
	reco_budget_free(training->budget, last);
	return age;
}

/* The ages as lists of each user's sessions, of which those without events are none. */
static RecoPart
ages_part(const RecoTraining *training, const reco_ordered *events)
{
	RecoBudget *budget = training->budget;
	int32 users = training->by_user.rows;
	RecoSessions of = sessions_of(events, users, budget, "training");
	double *age = ages_of(training, &of.events, of.n);
	RecoPart part = {.rows = users, .data = age};
	int64 to = 0;

	part.start = reco_budget_alloc(budget, ((Size) users + 1) * sizeof(int64));
	part.number = reco_budget_alloc(budget, ((Size) of.n + 1) * sizeof(int32));
	for (int32 u = 0; u < users; u++)
	{
		part.start[u] = to;
		for (int32 s = of.first[u]; s < of.first[u + 1]; s++)
		{
			RECO_POLL_AT(s);
			if (of.events.start[s] == of.events.start[s + 1])
				continue;
			part.number[to] = events->item[of.events.start[s]];
			age[to++] = age[s];
		}
		RECO_POLL_AT(u);
	}
	part.start[users] = to;
	sessions_free(&of, budget);
	return part;
}

/* 1 + idf ln(sessions / sessions that have it). */
static float *
weights_of(const RecoTraining *training, const reco_ordered *events, double idf)
{
	RecoBudget *budget = training->budget;
	int32 items = training->by_user.cols;
	/* in integers: a float beyond 2^24 does not become larger by 1 */
	int32 *count = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int32));
	int32 *met = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int32));
	float *weight = reco_zeros(budget, items);
	int32 n;
	reco_ordered of =
		reco_sessions_of(budget, events, training->by_user.rows, false, NULL, &n, "training");

	memset(count, 0, ((Size) items + 1) * sizeof(int32));
	memset(met, 0, ((Size) items + 1) * sizeof(int32));
	for (int32 s = 0; s < n; s++)
	{
		RECO_POLL_AT(s);
		for (int64 e = of.start[s]; e < of.start[s + 1]; e++)
		{
			count[of.item[e]] += met[of.item[e]] != s + 1;
			met[of.item[e]] = s + 1;
			RECO_POLL_AT(e);
		}
	}
	for (int32 i = 0; i < items; i++)
	{
		weight[i] = (float) (1 + idf * log((double) n / Max(count[i], 1)));
		RECO_POLL_AT(i);
	}
	reco_budget_free(budget, of.start);
	reco_budget_free(budget, met);
	reco_budget_free(budget, count);
	return weight;
}

static void
session_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out)
{
	const SessionParams *params = training->spec->params;
	const reco_csr *a = &training->by_user;
	reco_ordered events = reco_training_events(training, true);

	member->part[SESSION_EVENTS] = reco_events_part(&events, a->rows);
	member->part[SESSION_AGE] = ages_part(training, &events);
	reco_budget_free(training->budget, events.time);
	member->part[SESSION_WEIGHT] = reco_vector_part(&member->type[SESSION_WEIGHT], a->cols,
													weights_of(training, &events, params->idf));
}

/* The ages of all sessions; one that is in no list came later. */
static double *
listed_ages(const RecoSessions *of, const RecoPart *ages, int32 users, RecoBudget *budget)
{
	double *age = reco_budget_alloc(budget, ((Size) of->n + 1) * sizeof(double));

	for (int32 u = 0; u < users; u++)
	{
		int64 next = ages->start[u];

		for (int32 s = of->first[u]; s < of->first[u + 1]; s++)
		{
			RECO_POLL_AT(s);
			age[s] = next < ages->start[u + 1] ? ((const double *) ages->data)[next++] : 0;
		}
		RECO_POLL_AT(u);
	}
	return age;
}

/* Of each user the row of the last session. */
static double *
last_rows(const RecoSessions *of, const double *row, int32 users, RecoBudget *budget)
{
	double *last = reco_budget_alloc(budget, ((Size) users + 1) * sizeof(double));

	for (int32 u = 0; u < users; u++)
	{
		RECO_POLL_AT(u);
		last[u] = row[of->first[u + 1] - 1];
	}
	return last;
}

/* The index of the sessions of users whose events are in `part`, and into it. */
static void
make_index(const RecoModel *model, const RecoMember *member, RecoPart *part, RecoBudget *budget)
{
	const SessionParams *params = member->spec->params;
	int32 users = model->users;
	RecoPart *events = &part[SESSION_EVENTS];
	reco_ordered all = {events->start, events->number, events->data, NULL};
	RecoSessions of = sessions_of(&all, users, budget, "serving");
	double *age;
	reco_sessions sessions;

	reco_budget_require(budget,
						reco_sessions_memory(events->start[users], of.n, model->items) +
							((Size) of.n + users + 2) * sizeof(double),
						"serving");
	age = listed_ages(&of, &part[SESSION_AGE], users, budget);
	reco_budget_check(budget,
					  reco_sessions_build(&budget->env, &of.events, age, of.n, model->items,
										  params->sample, &sessions),
					  "serving");
	part[SESSION_ROWS] = reco_counted_part(&sessions.by_session);
	part[SESSION_INDEX] = reco_csr_part(&sessions.by_item);
	part[SESSION_ROW] = reco_vector_part(&member->type[SESSION_ROW], users,
										 last_rows(&of, sessions.row, users, budget));
	reco_budget_free(budget, sessions.row);
	reco_budget_free(budget, age);
	sessions_free(&of, budget);
}

/* Of a model that is not in tables; what is read from these is indexed with all users. */
static void
session_prepare(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget)
{
	if (!serving && member->part[SESSION_EVENTS].start)
		make_index(model, member, member->part, budget);
}

static void
session_prepare_users(const RecoModel *model, const RecoMember *member, const reco_csr *histories,
					  RecoPart *part, RecoBudget *budget)
{
	make_index(model, member, part, budget);
}

static reco_scorer *
session_scorer(const RecoModel *model, const RecoMember *member)
{
	const SessionParams *params = member->spec->params;
	reco_session_scorer *scorer = palloc0(sizeof(reco_session_scorer));

	scorer->sums.head = reco_scorer_head(&reco_session_scorer_type, model, false);
	scorer->params = (reco_session_params){
		.neighbors = params->neighbors,
		.sample = params->sample,
		.linear = params->weighting == WEIGHTING_LINEAR,
		.normalized = params->normalized != 0,
		.place = params->place_decay,
		.recency = params->age_decay,
		.distance = params->distance_decay,
		.latest = params->latest_decay,
	};
	scorer->sessions.by_session = reco_part_csr(&member->part[SESSION_ROWS], model->items);
	scorer->sessions.by_session.rows = reco_counted_rows(&member->part[SESSION_ROWS]);
	scorer->sessions.by_item =
		reco_part_csr(&member->part[SESSION_INDEX], scorer->sessions.by_session.rows);
	scorer->users = model->users;
	scorer->sessions.row = member->part[SESSION_ROW].data;
	scorer->weight = member->part[SESSION_WEIGHT].data;
	scorer->decay = palloc(RECO_SESSION_DECAYS * sizeof(double));
	reco_session_decays(&scorer->params, scorer->decay);
	return &scorer->sums.head;
}

static List *
session_candidates(const RecoTraining *training, bool portfolio)
{
	static const char *const kinds[] = {
		"{}",
		"{\"latest_decay\": 0, \"idf\": 0}",
		"{\"weighting\": \"linear\", \"normalized\": false, \"age_decay\": 0, \"distance_decay\": "
		"0, "
		"\"idf\": 1, \"neighbors\": 100}",
		"{\"age_decay\": 0.2}",
		"{\"age_decay\": 0}",
		"{\"place_decay\": 1}",
		"{\"place_decay\": 5, \"distance_decay\": 20}",
		"{\"idf\": 0.5}",
	};
	List *grid = NIL;

	if (portfolio && training->next)
		return list_make2(pstrdup(kinds[0]), pstrdup(kinds[2]));
	for (int k = 0; k < lengthof(kinds) && !portfolio; k++)
		grid = lappend(grid, pstrdup(kinds[k]));
	return grid;
}

const RecoAlgorithm reco_algorithm_session_knn = {
	.name = "session_knn",
	.negative = "counts as any other",
	.source = "model",
	.comes_next = true,
	.needs_users = reco_needs_users,
	.options = session_options,
	.params_size = sizeof(SessionParams),
	.reads = reco_reads_events,
	.candidates = session_candidates,
	.memory = session_memory,
	.fit = session_fit,
	.parts = session_parts,
	.prepare = session_prepare,
	.prepare_users = session_prepare_users,
	.scorer = session_scorer,
};
