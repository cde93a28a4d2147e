/*
 * shown.c
 *	  Which items lists show, and how evenly.
 *
 * Cost: a count for each place of a list and each length that it lies in; at the end, for each
 * length and group, a pass over the items and one over how often one was shown at most.
 * Memory: 4 bytes an item, length and group.
 */
#include "core/ranking/shown.h"

#include "core/data/sorting.h"

/* Counts altogether, above which there are fewer groups; and how many there are at least. */
#define MANY_COUNTS (16 * 1024 * 1024)
#define FEWEST_GROUPS 4

int
reco_shown_groups(int32_t items, int cutoffs)
{
	int64_t one = (int64_t) items * cutoffs + 1;
	int64_t groups = MANY_COUNTS / one;

	return groups > RECO_SHOWN_GROUPS ? RECO_SHOWN_GROUPS
		   : groups < FEWEST_GROUPS   ? FEWEST_GROUPS
									  : (int) groups;
}

size_t
reco_shown_bytes(int32_t items, int cutoffs, int32_t users)
{
	size_t counts = (size_t) items * (size_t) cutoffs * (size_t) reco_shown_groups(items, cutoffs);

	return (counts + (size_t) items + 2) * sizeof(int32_t) +
		   ((size_t) users + 1) * sizeof(int32_t) + 3 * RECO_ALIGN;
}

reco_status
reco_shown_make(const reco_env *env, const reco_columns *columns, int32_t items, reco_shown *shown)
{
	int groups = reco_shown_groups(items, columns->cutoffs);
	size_t counts = (size_t) items * (size_t) columns->cutoffs * (size_t) groups;

	*shown = (reco_shown){items, groups, columns, NULL};
	shown->count = env->alloc(env->arg, (counts + 1) * sizeof(int32_t));
	if (shown->count == NULL)
		return RECO_NO_MEMORY;
	for (size_t from = 0, n; from < counts; from += n)
	{
		n = counts - from < POLL_ROWS ? counts - from : POLL_ROWS;
		memset(shown->count + from, 0, n * sizeof(int32_t));
		if (env->poll(env->arg))
		{
			reco_shown_free(env, shown);
			return RECO_STOPPED;
		}
	}
	return RECO_OK;
}

void
reco_shown_free(const reco_env *env, reco_shown *shown)
{
	release(env, shown->count);
	shown->count = NULL;
}

/* Of lists of a length, by a group. */
static inline int32_t *
counts_of(const reco_shown *shown, int group, int c)
{
	return shown->count +
		   ((size_t) group * (size_t) shown->columns->cutoffs + (size_t) c) * (size_t) shown->items;
}

void
reco_shown_add(reco_shown *shown, int32_t user, const reco_ranked *list, int32_t n)
{
	for (int c = 0; c < shown->columns->cutoffs; c++)
	{
		int32_t *count = counts_of(shown, user % shown->groups, c);

		for (int32_t r = 0; r < n && r < shown->columns->cutoff[c]; r++)
			count[list[r].item]++;
	}
}

/* times: how often each item was shown; have: users + 1 zeros, which it leaves as such. */
static void
measure(const int32_t *times, int32_t items, int32_t *have, double *coverage, double *gini)
{
	int32_t most = 0;
	double before = 0; /* items that were shown less often */
	double weighted = 0;
	double all = 0;

	for (int32_t i = 0; i < items; i++)
	{
		have[times[i]]++;
		most = times[i] > most ? times[i] : most;
	}
	*coverage = items > 0 ? (double) (items - have[0]) / items : 0;
	/* in the order of counts x: the sum of (2 rank - items - 1) x, over items times that of x */
	for (int32_t x = 0; x <= most; x++)
	{
		double n = have[x];

		weighted += n * x * (2 * before + n - items);
		all += n * x;
		before += n;
		have[x] = 0;
	}
	*gini = all > 0 ? weighted / (all * items) : 0;
}

reco_status
reco_shown_finish(const reco_env *env, const reco_shown *shown, reco_scores *scores)
{
	int cutoffs = shown->columns->cutoffs;
	int32_t *times = zeroed(env, ((size_t) shown->items + 1) * sizeof(int32_t));
	int32_t *have = zeroed(env, ((size_t) scores->users + 1) * sizeof(int32_t));
	reco_status status = times && have ? RECO_OK : RECO_NO_MEMORY;
	int64_t done = 0;

	scores->groups = shown->groups;
	for (int c = 0; c < cutoffs && status == RECO_OK; c++)
	{
		memset(times, 0, (size_t) shown->items * sizeof(int32_t));
		for (int g = 0; g < shown->groups && status == RECO_OK; g++)
		{
			const int32_t *count = counts_of(shown, g, c);

			for (int32_t i = 0; i < shown->items; i++)
				times[i] += count[i];
			if (stop_after(env, shown->items, &done))
				status = RECO_STOPPED;
		}
		/* of all, and then without each group */
		for (int g = 0; g <= shown->groups && status == RECO_OK; g++)
		{
			const int32_t *count = counts_of(shown, g > 0 ? g - 1 : 0, c);

			for (int32_t i = 0; g > 0 && i < shown->items; i++)
				times[i] -= count[i];
			measure(times, shown->items, have, &scores->shown[c][g],
					&scores->shown[cutoffs + c][g]);
			for (int32_t i = 0; g > 0 && i < shown->items; i++)
				times[i] += count[i];
			if (stop_after(env, 4 * (int64_t) shown->items, &done))
				status = RECO_STOPPED;
		}
	}
	release(env, times);
	release(env, have);
	return status;
}
