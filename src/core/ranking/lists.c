/*
 * lists.c
 *	  How good lists are, wherever they come from.
 *
 * Each list is judged as an evaluation judges those of a model, in the order of users, so that
 * equal lists have equal numbers.
 *
 * Rests on: metrics.h, shown.h.  Cost: log n of each place of a list of n, and a search of each
 * item among what is wanted of its user.  Memory: a list of the longest length that is asked for,
 * and counts of items where coverage or gini are.
 */
#include "core/ranking/lists.h"

#include "core/data/sorting.h"
#include "core/ranking/shown.h"

#include <math.h>

/* An entry of a list. */
typedef struct place
{
	int64_t rank;
	int64_t entry;
} place;

#define HEAP_ENTRY place
#define HEAP_WORSE(a, b) ((a).rank > (b).rank || ((a).rank == (b).rank && (a).entry > (b).entry))
#include "core/base/heap.h"

typedef struct judging
{
	const reco_lists *in;
	reco_judge judge;
	reco_shown shown; /* count NULL: not asked for */
	/* of one user: the longest length that is asked for */
	place *place;
	reco_ranked *list;
	reco_ranked *best; /* the largest gains of one user */
	double *row;
} judging;

static bool
counts_shown(const reco_columns *columns)
{
	return columns->metrics &
		   (RECO_METRIC_BIT(RECO_METRIC_COVERAGE) | RECO_METRIC_BIT(RECO_METRIC_GINI));
}

static size_t
places(const reco_columns *columns)
{
	return (size_t) columns->largest + 1;
}

size_t
reco_lists_bytes(const reco_lists *lists, const reco_columns *columns)
{
	size_t bytes =
		places(columns) * (2 * sizeof(reco_ranked) + sizeof(place) + 2 * sizeof(double)) +
		((size_t) columns->n + 1) * sizeof(double) + 8 * RECO_ALIGN;

	if (counts_shown(columns))
		bytes += reco_shown_bytes(lists->items, columns->cutoffs, lists->users);
	return bytes;
}

static reco_status
make(const reco_env *env, const reco_columns *columns, judging *j)
{
	reco_status status = reco_judge_make(env, columns, &j->judge);

	j->judge.have = j->in->have;
	j->judge.users = j->in->have_users;
	j->judge.information = j->in->information;
	if (status == RECO_OK && counts_shown(columns))
		status = reco_shown_make(env, columns, j->in->items, &j->shown);
	if (status != RECO_OK)
		return status;
	j->place = env->alloc(env->arg, places(columns) * sizeof(place));
	j->list = env->alloc(env->arg, places(columns) * sizeof(reco_ranked));
	j->best = env->alloc(env->arg, places(columns) * sizeof(reco_ranked));
	j->row = env->alloc(env->arg, ((size_t) columns->n + 1) * sizeof(double));
	return j->place && j->list && j->best && j->row ? RECO_OK : RECO_NO_MEMORY;
}

/* The first places of a user's list to j->list; -1 when poll asked for an end. */
static int32_t
take_list(const reco_env *env, const judging *j, int32_t user, int32_t most)
{
	const reco_lists *in = j->in;
	int32_t row = in->row[user];
	int64_t from = row >= 0 ? in->list.start[row] : 0;
	int64_t to = row >= 0 ? in->list.start[row + 1] : 0;
	int64_t done = 0;
	int32_t n = 0;

	for (int64_t e = from; e < to; e++)
	{
		heap_offer(j->place, &n, most, (place){in->rank[e], e});
		if (stop_after(env, 1, &done))
			return -1;
	}
	if (!heap_sort(env, j->place, n))
		return -1;
	for (int32_t r = 0; r < n; r++)
		j->list[r] = (reco_ranked){0, in->item[in->list.col[j->place[r].entry]]};
	return n;
}

/* Returns how many steps it took, or -1 when poll asked for an end. */
static int64_t
judge_user(const reco_env *env, judging *j, int32_t user, reco_scores *scores)
{
	const reco_lists *in = j->in;
	const reco_columns *columns = &scores->columns;
	int64_t first = in->wanted_start[user];
	reco_wanted wanted = {in->wanted_start[user + 1] - first,
						  in->wanted + first,
						  in->gain ? in->gain + first : NULL,
						  j->best,
						  0,
						  NULL};
	int32_t number = in->number[user];
	int32_t n = take_list(env, j, user, columns->largest);

	if (n < 0)
		return -1;
	if (in->had && number < in->had->rows)
	{
		wanted.had = in->had->col + in->had->start[number];
		wanted.had_n = in->had->start[number + 1] - in->had->start[number];
	}
	if (wanted.gain && columns->first[RECO_METRIC_NDCG_GRADED] >= 0 &&
		reco_top_n(env, wanted.gain, (int32_t) wanted.n, NULL, columns->largest, j->best) < 0)
		return -1;
	for (int c = 0; c < columns->n; c++)
		j->row[c] = (double) NAN;
	reco_judge_list(&j->judge, j->list, n, &wanted, j->row);
	reco_scores_add(scores, user, j->row);
	scores->listed++;
	if (j->shown.count)
		reco_shown_add(&j->shown, number, j->list, n);
	return n + wanted.n + columns->n;
}

reco_status
reco_lists_judge(const reco_env *env, const reco_lists *lists, reco_scores *scores)
{
	judging j = {.in = lists};
	reco_status status = make(env, &scores->columns, &j);
	int64_t done = 0;

	for (int32_t u = 0; u < lists->users && status == RECO_OK; u++)
	{
		int64_t steps = judge_user(env, &j, u, scores);

		if (steps < 0 || stop_after(env, steps, &done))
			status = RECO_STOPPED;
	}
	if (status == RECO_OK && j.shown.count)
		status = reco_shown_finish(env, &j.shown, scores);
	release(env, j.row);
	release(env, j.best);
	release(env, j.list);
	release(env, j.place);
	reco_shown_free(env, &j.shown);
	reco_judge_free(env, &j.judge);
	return status;
}
