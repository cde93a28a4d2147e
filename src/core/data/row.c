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
 * Cost: n log n at most for the sort, which is n where items are spread evenly, and n log max for
 * the cap.
 */
#include "core/data/row.h"

#include "core/data/sorting.h"

#include <math.h>

/* Users who are neither few rows nor many are sorted by parts, as many as this at most. */
#define PARTS 1024
#define PARTED_LEAST 32
#define PARTED_MOST 65535

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

static bool
sort_rows(const reco_env *env, reco_entry *entry, int64_t *time, int64_t n)
{
	return sort_in_place(env, n, &(Entries){entry, time}, before, swap_entries);
}

/* Parts of rows: those whose items are the same but for the last bits. */
typedef struct Parted
{
	uint32_t least; /* item */
	int shift;
	uint32_t parts;
	uint16_t next[PARTS]; /* the place of a part's next row */
	uint16_t end[PARTS];
} Parted;

static inline uint32_t
part_of(const Parted *p, const reco_entry *entry)
{
	return ((uint32_t) entry->item - p->least) >> p->shift;
}

/* Twice as many parts as rows where there may be; false when the rows are in order already. */
static bool
find_parts(Parted *p, const Entries *rows, int64_t n)
{
	uint32_t wanted = n < PARTS / 2 ? (uint32_t) (2 * n) : PARTS;
	int32_t least = rows->entry[0].item;
	int32_t most = least;
	bool sorted = true;
	uint32_t range;
	uint16_t at = 0;

	for (int64_t k = 1; k < n; k++)
	{
		int32_t item = rows->entry[k].item;

		sorted = sorted && !before(rows, k, k - 1);
		least = item < least ? item : least;
		most = item > most ? item : most;
	}
	if (sorted)
		return false;
	p->least = (uint32_t) least;
	range = (uint32_t) most - p->least;
	for (p->shift = 0; range >> p->shift >= wanted;)
		p->shift++;
	p->parts = (range >> p->shift) + 1;
	memset(p->end, 0, p->parts * sizeof(uint16_t));
	for (int64_t k = 0; k < n; k++)
		p->end[part_of(p, &rows->entry[k])]++;
	for (uint32_t k = 0; k < p->parts; k++)
	{
		p->next[k] = at;
		at = p->end[k] = (uint16_t) (at + p->end[k]);
	}
	return true;
}

/* Each row is swapped into its part, and the parts are sorted. */
static bool
sort_by_parts(const reco_env *env, Entries *rows, int64_t n)
{
	Parted p;
	int64_t from = 0;

	if (!find_parts(&p, rows, n))
		return true;
	for (uint32_t k = 0; k < p.parts; k++)
		while (p.next[k] < p.end[k])
		{
			uint32_t to = part_of(&p, &rows->entry[p.next[k]]);

			if (to != k)
				swap_entries(rows, p.next[k], p.next[to]);
			p.next[to]++;
		}
	for (uint32_t k = 0; k < p.parts; from = p.end[k++])
		if (p.end[k] - from > 1 &&
			!sort_rows(env, rows->entry + from, rows->time ? rows->time + from : NULL,
					   p.end[k] - from))
			return false;
	return true;
}

bool
reco_row_sort(const reco_env *env, reco_entry *entry, int64_t *time, int64_t n)
{
	if (n >= PARTED_LEAST && n <= PARTED_MOST)
		return sort_by_parts(env, &(Entries){entry, time}, n);
	return sort_rows(env, entry, time, n);
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
