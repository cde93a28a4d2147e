/*
 * test_stages.c
 *	  Lists made of stages, against taking one item after the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/scoring/stages.h"
#include "mimic_env.h"

#define ITEMS 70
#define STAGES 5

/* What a round of the test has to choose from. */
typedef struct world
{
	mimic_env m;
	uint64_t seed;
	int32_t items;
	int32_t n;
	float score[STAGES][ITEMS]; /* of each stage; -infinity: none */
	int32_t order[STAGES][ITEMS];
	reco_by_score by_score[STAGES];
	reco_by_order by_order[STAGES];
	reco_by_similarity by_similarity[STAGES];
	bool wanted[ITEMS];
	bool available[ITEMS];
	bool ask;
	int asked[ITEMS]; /* whether an item is available: how often */
	uint64_t skip[2];
	reco_stage stage[STAGES];
	reco_ranked best[ITEMS];
	const char *source[ITEMS];
	reco_list list;
} world;

/* A scorer whose similar items and likenesses come from a table. */
typedef struct table_scorer
{
	reco_scorer head;
	float similarity[ITEMS]; /* to the one item that is asked about; -infinity: none */
} table_scorer;

static int
compare_similar(const void *a, const void *b)
{
	return reco_similar_after(*(const reco_similar *) a, *(const reco_similar *) b) ? 1 : -1;
}

static reco_status
table_similar(const reco_env *env, const reco_scorer *scorer, int32_t item, int32_t n,
			  reco_similar *out, int32_t *count)
{
	const table_scorer *table = (const table_scorer *) scorer;
	reco_similar all[ITEMS];
	int32_t have = 0;

	(void) item;
	for (int32_t i = 0; i < scorer->items; i++)
		if (table->similarity[i] != -INFINITY)
			all[have++] = (reco_similar){table->similarity[i], i};
	qsort(all, (size_t) have, sizeof(reco_similar), compare_similar);
	*count = have < n ? have : n;
	memcpy(out, all, (size_t) *count * sizeof(reco_similar));
	return env->poll(env->arg) ? RECO_STOPPED : RECO_OK;
}

static double
table_alike(const reco_scorer *scorer, int32_t a, int32_t b)
{
	(void) scorer;
	return a % 7 == b % 7 ? 0.75 : a % 3 == b % 3 ? 0.25 : 0;
}

static const reco_scorer_type table_type = {
	.name = "table",
	.alike = table_alike,
	.similar = table_similar,
};

static reco_status
ask(void *arg, const int32_t *item, int32_t n, bool *available)
{
	world *w = arg;

	for (int32_t k = 0; k < n; k++)
	{
		w->asked[item[k]]++;
		available[k] = w->available[item[k]];
	}
	return w->m.env.poll(w->m.env.arg) ? RECO_STOPPED : RECO_OK;
}

/* Scores of few values and of many, and of none; an order in which they play no part. */
static void
make_stage(world *w, int s, table_scorer *table)
{
	static const char *const names[STAGES] = {"a", "b", "c", "d", "e"};
	int values = mimic_below(&w->seed, 2) ? 4 : 1000;
	reco_stage *stage = &w->stage[s];

	for (int32_t i = 0; i < w->items; i++)
	{
		w->order[s][i] = i;
		w->score[s][i] =
			mimic_below(&w->seed, 3) == 0 ? -INFINITY : (float) mimic_below(&w->seed, values) - 2;
	}
	mimic_shuffle(&w->seed, w->order[s], w->items);
	*table = (table_scorer){{.type = &table_type, .items = w->items}, {0}};
	memcpy(table->similarity, w->score[s], sizeof(w->score[s]));
	*stage = (reco_stage){.source = names[s], .quota = (int32_t) mimic_below(&w->seed, w->n + 3)};
	switch (mimic_below(&w->seed, 3))
	{
		case 0:
			w->by_score[s] = (reco_by_score){w->m.env, w->score[s], w->items,
											 mimic_below(&w->seed, 2) ? 0 : -INFINITY};
			stage->candidates = reco_best_by_score;
			stage->arg = &w->by_score[s];
			break;
		case 1:
			w->by_order[s] = (reco_by_order){w->m.env, w->order[s], w->score[s], w->items};
			stage->candidates = reco_best_by_order;
			stage->arg = &w->by_order[s];
			break;
		default:
			w->by_similarity[s] = (reco_by_similarity){.env = w->m.env, .scorer = &table->head};
			stage->candidates = reco_best_by_similarity;
			stage->arg = &w->by_similarity[s];
	}
	/* a stage that comes twice goes on where it was */
	if (s > 0 && mimic_below(&w->seed, 4) == 0)
	{
		stage->candidates = w->stage[s - 1].candidates;
		stage->arg = w->stage[s - 1].arg;
	}
	if (mimic_below(&w->seed, 4) == 0)
	{
		stage->diversity = mimic_uniform(&w->seed);
		stage->alike = &table->head;
	}
}

/* The place of an item in a stage's order, or -1: it is no candidate. */
static int32_t
place_of(const world *w, const reco_stage *stage, int32_t item, float *score)
{
	int32_t place = 0;

	for (int s = 0; s < STAGES; s++)
	{
		const float *of = w->score[s];
		float least = stage->arg == &w->by_score[s] ? w->by_score[s].least : -INFINITY;

		if (stage->arg == &w->by_order[s])
		{
			*score = of[item];
			while (w->order[s][place] != item)
				place++;
			return place;
		}
		if (stage->arg != &w->by_score[s] && stage->arg != &w->by_similarity[s])
			continue;
		*score = of[item];
		if (of[item] == -INFINITY || of[item] < least)
			return -1;
		for (int32_t i = 0; i < w->items; i++)
			place += of[i] > of[item] || (of[i] == of[item] && i < item);
		return place;
	}
	return -1;
}

/* The best item that is neither taken nor filtered out; .item -1: there is none. */
static reco_ranked
next_best(const world *w, const reco_stage *stage, const bool *taken)
{
	reco_ranked best = {0, -1};
	int32_t first = INT32_MAX;

	for (int32_t i = 0; i < w->items; i++)
	{
		float score = 0;
		int32_t place = place_of(w, stage, i, &score);

		if (place < 0 || place >= first || taken[i] || !w->wanted[i] ||
			(w->ask && !w->available[i]))
			continue;
		first = place;
		best = (reco_ranked){score, i};
	}
	return best;
}

/* One place after the other. */
static void
mimic_fill(world *w, reco_list *list)
{
	bool taken[ITEMS] = {false};

	for (int s = 0; s < STAGES; s++)
	{
		const reco_stage *stage = &w->stage[s];
		int32_t places =
			stage->quota < list->n - list->count ? stage->quota : list->n - list->count;
		int32_t most = stage->diversity > 0 ? 10 * places : places;
		reco_ranked some[ITEMS];
		int32_t have = 0;

		while (have < most && have < w->items)
		{
			reco_ranked next = next_best(w, stage, taken);

			if (next.item < 0)
				break;
			taken[next.item] = true;
			some[have++] = next;
		}
		if (stage->diversity > 0)
			assert_int_equal(
				reco_diversify(&w->m.env, stage->alike, stage->diversity, some, have, places),
				RECO_OK);
		for (int32_t r = 0; r < have; r++)
			if (r < places)
			{
				list->best[list->count] = some[r];
				list->source[list->count++] = stage->source;
			}
			else
				taken[some[r].item] = false;
	}
}

static void
make_world(world *w, table_scorer *table, int round)
{
	memset(w, 0, sizeof(*w));
	mimic_env_init(&w->m);
	w->seed = (uint64_t) round;
	w->items = 1 + (int32_t) mimic_below(&w->seed, ITEMS);
	w->n = (int32_t) mimic_below(&w->seed, w->items + 1);
	w->ask = round % 2;
	for (int32_t i = 0; i < w->items; i++)
	{
		w->wanted[i] = mimic_below(&w->seed, 5) > 0;
		/* from nearly all to nearly none */
		w->available[i] = mimic_below(&w->seed, 10) > round % 10;
	}
	for (int s = 0; s < STAGES; s++)
		make_stage(w, s, &table[s]);
}

/* Errors leave nothing allocated but the lists of similar items, which are kept. */
static reco_status
fill(world *w)
{
	reco_filters filters = {w->items, w->skip, w->ask ? ask : NULL, w};
	reco_status status;

	memset(w->skip, 0, sizeof(w->skip));
	memset(w->asked, 0, sizeof(w->asked));
	for (int32_t i = 0; i < w->items; i++)
		if (!w->wanted[i])
			reco_set_add(w->skip, i);
	w->list = (reco_list){w->n, 0, w->best, w->source};
	status = reco_list_fill(&w->m.env, w->stage, STAGES, &filters, &w->list);
	for (int s = 0; s < STAGES; s++)
		if (w->by_similarity[s].scorer)
			reco_by_similarity_free(&w->by_similarity[s]);
	assert_int_equal(w->m.live, 0);
	return status;
}

static void
test_against_mimic(void **state)
{
	(void) state;
	for (int round = 0; round < 4000; round++)
	{
		world w;
		table_scorer table[STAGES];
		reco_ranked best[ITEMS];
		const char *source[ITEMS];
		reco_list wanted;

		make_world(&w, table, round);
		assert_int_equal(fill(&w), RECO_OK);
		wanted = (reco_list){w.n, 0, best, source};
		mimic_fill(&w, &wanted);
		assert_int_equal(w.list.count, wanted.count);
		for (int32_t r = 0; r < wanted.count; r++)
		{
			assert_int_equal(w.best[r].item, best[r].item);
			assert_memory_equal(&w.best[r].score, &best[r].score, sizeof(float));
			assert_string_equal(w.source[r], source[r]);
			assert_true(reco_set_has(w.skip, best[r].item));
		}
		/* what is not available is asked about once, and nothing that must not be shown */
		for (int32_t i = 0; i < w.items; i++)
			assert_true(w.wanted[i] ? w.available[i] || w.asked[i] <= 1 : w.asked[i] == 0);
	}
}

/* Every allocation fails once, and every poll asks once for an end. */
static void
test_errors(void **state)
{
	long failed = 0;
	long stopped = 0;

	(void) state;
	for (int round = 0; round < 100; round++)
	{
		table_scorer table[STAGES];
		world w;
		long allocations;
		long polls;

		make_world(&w, table, round);
		assert_int_equal(fill(&w), RECO_OK);
		allocations = w.m.allocations;
		polls = w.m.polls;
		for (long k = 1; k <= allocations + polls; k++)
		{
			make_world(&w, table, round);
			w.m.fail_at = k <= allocations ? k : 0;
			w.m.stop_at = k <= allocations ? 0 : k - allocations;
			assert_int_equal(fill(&w), k <= allocations ? RECO_NO_MEMORY : RECO_STOPPED);
		}
		failed += allocations;
		stopped += polls;
	}
	assert_true(failed > 100 && stopped > 100);
}

/* An order of very many items is gone through with looks at whether to stop. */
static void
test_polls(void **state)
{
	int32_t items = 1000000;
	int32_t *order = malloc((size_t) items * sizeof(int32_t));
	float *score = malloc((size_t) items * sizeof(float));
	uint64_t *skip = malloc(RECO_SET_BYTES(items));
	mimic_env m;
	reco_by_order by;
	reco_by_score rest;
	reco_ranked out;
	int32_t found;

	(void) state;
	mimic_env_init(&m);
	for (int32_t i = 0; i < items; i++)
	{
		order[i] = items - 1 - i;
		score[i] = (float) i;
	}
	memset(skip, 0xff, RECO_SET_BYTES(items));
	reco_set_remove(skip, 5);
	by = (reco_by_order){m.env, order, score, items};
	assert_int_equal(reco_best_by_order(&by, skip, 1, &out, &found), RECO_OK);
	assert_int_equal(found, 1);
	assert_int_equal(out.item, 5);
	assert_true(m.polls >= 3);
	m.stop_at = m.polls + 1;
	assert_int_equal(reco_best_by_order(&by, skip, 1, &out, &found), RECO_STOPPED);
	m.stop_at = m.polls + 1;
	rest = (reco_by_score){m.env, score, items, 5};
	assert_int_equal(reco_best_by_score(&rest, skip, 1, &out, &found), RECO_STOPPED);
	m.stop_at = 0;
	assert_int_equal(reco_best_by_score(&rest, skip, 1, &out, &found), RECO_OK);
	assert_int_equal(found, 1);
	rest.least = 6;
	assert_int_equal(reco_best_by_score(&rest, skip, 1, &out, &found), RECO_OK);
	assert_int_equal(found, 0);
	free(order);
	free(score);
	free(skip);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_mimic),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_polls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
