/*
 * stages.c
 *	  A list as stages, which take its places one after the other, under filters.
 *
 * Filters work before the cut: what must not be in the list is in the set that candidates are
 * found without, so a list is full as long as candidates are left.  Whether an item is available
 * is asked of those that would be in the list, and of more where some are not.
 *
 * Memory: a batch, where there is something to ask; the candidates of a diverse stage.
 */
#include "core/scoring/stages.h"

#include "core/data/sorting.h"

/* Candidates of a diverse stage, for each of its places. */
#define DIVERSE_CANDIDATES 10
/* The second batch against the first, for often few are not available; each after it. */
#define SECOND 2
#define LARGER 4

/* What a batch needs so that its items can be asked about. */
typedef struct batch
{
	reco_ranked *best;
	int32_t *item;
	bool *available;
} batch;

static bool
batch_make(const reco_env *env, int32_t n, batch *b)
{
	b->best = env->alloc(env->arg, ((size_t) n + 1) * sizeof(reco_ranked));
	b->item = env->alloc(env->arg, ((size_t) n + 1) * sizeof(int32_t));
	b->available = env->alloc(env->arg, ((size_t) n + 1) * sizeof(bool));
	return b->best && b->item && b->available;
}

static void
batch_free(const reco_env *env, batch *b)
{
	release(env, b->best);
	release(env, b->item);
	release(env, b->available);
}

/*
 * Of a batch's n candidates the first that are available, at most most, to out; those that are
 * not are skipped from now on.
 */
static reco_status
keep_available(const reco_env *env, const reco_filters *filters, const batch *b, int32_t n,
			   int32_t most, reco_ranked *out, int32_t *kept)
{
	int64_t done = 0;
	reco_status status;

	*kept = 0;
	for (int32_t r = 0; r < n; r++)
		b->item[r] = b->best[r].item;
	status = filters->available(filters->arg, b->item, n, b->available);
	for (int32_t r = 0; r < n && status == RECO_OK; r++)
	{
		if (!b->available[r])
			reco_set_add(filters->skip, b->item[r]);
		else if (*kept < most)
			out[(*kept)++] = b->best[r];
		if (stop_after(env, 1, &done))
			status = RECO_STOPPED;
	}
	return status;
}

/* A stage's next candidates that pass the filters, at most most; *all: no more are left. */
static reco_status
take_batch(const reco_env *env, const reco_stage *stage, const reco_filters *filters, int32_t size,
		   int32_t most, reco_ranked *out, int32_t *count, bool *all)
{
	batch b;
	int32_t found = 0;
	reco_status status;

	if (filters->available == NULL)
	{
		*all = true;
		return stage->candidates(stage->arg, filters->skip, most, out, count);
	}
	status = batch_make(env, size, &b) ? RECO_OK : RECO_NO_MEMORY;
	if (status == RECO_OK)
		status = stage->candidates(stage->arg, filters->skip, size, b.best, &found);
	if (status == RECO_OK)
		status = keep_available(env, filters, &b, found, most, out, count);
	*all = found < size;
	batch_free(env, &b);
	return status;
}

/* A stage's n best that pass the filters, to out; they are skipped from now on. */
static reco_status
take(const reco_env *env, const reco_stage *stage, const reco_filters *filters, int32_t n,
	 reco_ranked *out, int32_t *filled)
{
	int32_t size = n;
	int32_t larger = SECOND;
	bool all = false;
	int64_t done = 0;

	*filled = 0;
	while (*filled < n && !all)
	{
		int32_t count = 0;
		reco_status status =
			take_batch(env, stage, filters, size, n - *filled, out + *filled, &count, &all);

		if (status != RECO_OK)
			return status;
		for (int32_t end = *filled + count; *filled < end; ++*filled)
		{
			reco_set_add(filters->skip, out[*filled].item);
			if (stop_after(env, 1, &done))
				return RECO_STOPPED;
		}
		size = size > filters->items / larger ? filters->items : size * larger;
		larger = LARGER;
	}
	return RECO_OK;
}

/* The same, of more candidates those that differ; the others may be taken later. */
static reco_status
take_diverse(const reco_env *env, const reco_stage *stage, const reco_filters *filters, int32_t n,
			 reco_ranked *out, int32_t *filled)
{
	int32_t most =
		n > filters->items / DIVERSE_CANDIDATES ? filters->items : n * DIVERSE_CANDIDATES;
	reco_ranked *candidate = env->alloc(env->arg, ((size_t) most + 1) * sizeof(reco_ranked));
	int32_t found = 0;
	reco_status status = candidate ? RECO_OK : RECO_NO_MEMORY;

	*filled = 0;
	if (status == RECO_OK)
		status = take(env, stage, filters, most, candidate, &found);
	if (status == RECO_OK)
		status = reco_diversify(env, stage->alike, stage->diversity, candidate, found, n);
	if (status == RECO_OK)
	{
		*filled = found < n ? found : n;
		memcpy(out, candidate, (size_t) *filled * sizeof(reco_ranked));
		for (int32_t r = *filled; r < found; r++)
			reco_set_remove(filters->skip, candidate[r].item);
	}
	release(env, candidate);
	return status;
}

reco_status
reco_list_fill(const reco_env *env, const reco_stage *stage, int stages,
			   const reco_filters *filters, reco_list *list)
{
	reco_status status = RECO_OK;

	for (int s = 0; s < stages && status == RECO_OK; s++)
	{
		int32_t left = list->n - list->count;
		int32_t places = stage[s].quota < left ? stage[s].quota : left;
		int32_t filled = 0;

		if (places <= 0)
			continue;
		status = (stage[s].diversity > 0 ? take_diverse : take)(env, &stage[s], filters, places,
																list->best + list->count, &filled);
		for (int32_t r = 0; r < filled && status == RECO_OK; r++)
			list->source[list->count++] = stage[s].source;
	}
	return status;
}

reco_status
reco_best_by_score(void *arg, const uint64_t *skip, int32_t n, reco_ranked *out, int32_t *found)
{
	const reco_by_score *by = arg;
	int32_t have = reco_top_n(&by->env, by->score, by->items, skip, n, out);
	int64_t done = 0;

	if (have < 0)
		return RECO_STOPPED;
	while (have > 0 && !(out[have - 1].score >= by->least))
	{
		have--;
		if (stop_after(&by->env, 1, &done))
			return RECO_STOPPED;
	}
	*found = have;
	return RECO_OK;
}

reco_status
reco_best_by_order(void *arg, const uint64_t *skip, int32_t n, reco_ranked *out, int32_t *found)
{
	const reco_by_order *by = arg;
	int64_t done = 0;

	*found = 0;
	for (int32_t r = 0; r < by->items && *found < n; r++)
	{
		int32_t item = by->order[r];

		if (!reco_set_has(skip, item))
			out[(*found)++] = (reco_ranked){by->score[item], item};
		if (stop_after(&by->env, 1, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Makes the list of similar items anew, longer by `more`, and by as much as it was at least. */
static reco_status
find_similar(reco_by_similarity *by, int32_t more)
{
	int64_t most = (int64_t) by->most + (more > by->most ? more : by->most);

	reco_by_similarity_free(by);
	most = most < by->scorer->items ? most : by->scorer->items;
	by->similar = by->env.alloc(by->env.arg, ((size_t) most + 1) * sizeof(reco_similar));
	if (by->similar == NULL)
		return RECO_NO_MEMORY;
	by->most = (int32_t) most;
	return reco_scorer_similar(&by->env, by->scorer, by->item, by->most, by->similar, &by->count);
}

reco_status
reco_best_by_similarity(void *arg, const uint64_t *skip, int32_t n, reco_ranked *out,
						int32_t *found)
{
	reco_by_similarity *by = arg;
	int64_t done = 0;

	for (;;)
	{
		reco_status status;

		*found = 0;
		for (int32_t k = 0; k < by->count && *found < n; k++)
		{
			if (!reco_set_has(skip, by->similar[k].item))
				out[(*found)++] =
					(reco_ranked){(float) by->similar[k].similarity, by->similar[k].item};
			if (stop_after(&by->env, 1, &done))
				return RECO_STOPPED;
		}
		/* a list that is not full has all of them */
		if (*found == n || by->count < by->most || by->most >= by->scorer->items)
			return RECO_OK;
		status = find_similar(by, n - *found);
		if (status != RECO_OK)
			return status;
	}
}

void
reco_by_similarity_free(reco_by_similarity *by)
{
	release(&by->env, by->similar);
	by->similar = NULL;
	by->most = 0;
	by->count = 0;
}
