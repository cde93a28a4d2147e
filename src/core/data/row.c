/*
 * row.c
 *	  What one user has: the rules of a user.
 *
 * Repeated pairs are merged after a sort by (item, time, value), so the bits of a sum do not
 * depend on the order in which rows arrived.
 *
 * A cap is for robots and importers: their histories say nothing about taste, and what brings
 * pairs of items together costs the square of their length.
 *
 * Cost: n log n for the sort, n log max for the cap.
 */
#include "core/data/row.h"

#include "core/data/sorting.h"

#include <math.h>

/* Pairs of a cap between two polls: some milliseconds. */
#define CAP_POLL 65536

bool
reco_row_decay(const reco_env *env, const reco_decay *decay, reco_entry *entry, const int64_t *time,
			   int64_t n)
{
	int64_t polled = 0;

	if (decay->half_life == 0 || time == NULL)
		return true;
	for (int64_t k = 0; k < n; k++)
	{
		/* as unsigned numbers differences cannot overflow */
		double age = (double) ((uint64_t) decay->reference - (uint64_t) time[k]);

		if (time[k] == INT64_MIN)
			entry[k].value = 0;
		else if (time[k] < decay->reference)
			entry[k].value = (float) (entry[k].value * exp2(-age / decay->half_life));
		if (stop_at_entry(env, k, &polled))
			return false;
	}
	return true;
}

/* Entries of a user; time may be NULL. */
typedef struct Entries
{
	reco_entry *entry;
	int64_t *time;
} Entries;

static bool
before(const void *rows, int64_t a, int64_t b)
{
	const reco_entry *entry = ((const Entries *) rows)->entry;
	const int64_t *time = ((const Entries *) rows)->time;

	if (entry[a].item != entry[b].item)
		return entry[a].item < entry[b].item;
	if (time && time[a] != time[b])
		return time[a] < time[b];
	return entry[a].value < entry[b].value;
}

static void
swap_entries(void *rows, int64_t a, int64_t b)
{
	reco_entry *entry = ((Entries *) rows)->entry;
	int64_t *time = ((Entries *) rows)->time;
	reco_entry e = entry[a];

	entry[a] = entry[b];
	entry[b] = e;
	if (time)
	{
		int64_t t = time[a];

		time[a] = time[b];
		time[b] = t;
	}
}

bool
reco_row_sort(const reco_env *env, reco_entry *entry, int64_t *time, int64_t n)
{
	return sort_in_place(env, n, &(Entries){entry, time}, before, swap_entries);
}

bool
reco_row_repeats(const reco_env *env, const reco_entry *entry, int64_t n, bool *repeats)
{
	int64_t polled = 0;

	*repeats = false;
	for (int64_t k = 1; k < n && !*repeats; k++)
	{
		*repeats = entry[k].item == entry[k - 1].item;
		if (stop_at_entry(env, k, &polled))
			return false;
	}
	return true;
}

bool
reco_row_pair(const reco_env *env, const reco_entry *entry, const int64_t *time, int64_t n,
			  int64_t *done, float *sum, float *latest)
{
	double total = 0;
	double last = 0;
	int64_t last_count = 0;

	for (int64_t e = 0; e < n; e++)
	{
		total += entry[e].value;
		if (time == NULL || time[e] == time[n - 1])
		{
			last += entry[e].value;
			last_count++;
		}
		if (stop_after(env, 1, done))
			return false;
	}
	*sum = (float) total;
	*latest = (float) (last / (double) last_count);
	return true;
}

/* Rows to pairs; the latest time of each is in the beginning of time.  -1 to stop. */
static int64_t
merge(const reco_env *env, const reco_entry *entry, int64_t *time, int64_t n, const reco_row *out)
{
	int64_t to = 0;
	int64_t done = 0;

	for (int64_t k = 0, repeats; k < n; k += repeats, to++)
	{
		float sum, last;

		repeats = 1;
		while (k + repeats < n && entry[k + repeats].item == entry[k].item)
		{
			repeats++;
			if (stop_after(env, 1, &done))
				return -1;
		}
		if (!reco_row_pair(env, entry + k, time ? time + k : NULL, repeats, &done, &sum, &last))
			return -1;
		out->item[to] = entry[k].item;
		if (time)
			time[to] = time[k + repeats - 1];
		if (out->sum)
			out->sum[to] = sum;
		if (out->latest)
			out->latest[to] = last;
		if (out->all)
			out->all[to] = entry[k].item;
	}
	return to;
}

/* Which of two pairs is the first to go; items differ, so this is a total order. */
static inline bool
worse(reco_kept a, reco_kept b)
{
	if (a.time != b.time)
		return a.time < b.time;
	if (a.value != b.value)
		return a.value < b.value;
	return a.item > b.item;
}

#define HEAP_ENTRY reco_kept
#define HEAP_WORSE(a, b) worse(a, b)
#include "core/base/heap.h"

static inline reco_kept
pair_at(const reco_row *row, const int64_t *time, int64_t k)
{
	return (reco_kept){time ? time[k] : 0, row->sum ? row->sum[k] : 1, row->item[k]};
}

/* Keeps max of the pairs, in place.  -1 to stop. */
static int64_t
cap(const reco_env *env, int64_t max, int64_t *time, const reco_row *row)
{
	int32_t have = 0;
	int64_t to = 0;

	for (int64_t k = 0; k < row->pairs; k++)
	{
		if (k % CAP_POLL == CAP_POLL - 1 && env->poll(env->arg))
			return -1;
		heap_offer(row->kept, &have, (int32_t) max, pair_at(row, time, k));
	}
	for (int64_t k = 0; k < row->pairs; k++)
	{
		if (k % CAP_POLL == CAP_POLL - 1 && env->poll(env->arg))
			return -1;
		if (worse(pair_at(row, time, k), row->kept[0]))
			continue;
		row->item[to] = row->item[k];
		if (time)
			time[to] = time[k];
		if (row->sum)
			row->sum[to] = row->sum[k];
		if (row->latest)
			row->latest[to] = row->latest[k];
		to++;
	}
	return to;
}

int64_t
reco_row_reduce(const reco_env *env, const reco_row_rules *rules, const reco_entry *entry,
				int64_t *time, int64_t n, reco_row *out)
{
	out->pairs = merge(env, entry, time, n, out);
	if (out->pairs > 0 && reco_row_applies(rules, out->pairs))
		return cap(env, rules->max, time, out);
	return out->pairs;
}
