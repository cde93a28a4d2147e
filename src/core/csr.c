/*
 * csr.c
 *	  From triples in order of arrival to a merged sparse matrix.
 *
 * Two counting sorts, first by item and then, stably, by user, leave every
 * user's entries in item order with repeats side by side.  Repeats are put in
 * the order of (time, value) before they are added up, so the bits of a sum do
 * not depend on the order in which the rows arrived.
 *
 * Cost: O(rows + users + items); each pass writes one stream per item or user.
 * Memory: rows * (8 + 4 + 4 + 8) bytes for the triples (the last two only where
 * the source has values and times) and the like again while they are sorted;
 * chunks are released as they are read.
 */
#include "core/csr.h"

#include <string.h>

/* Rows between two polls: a few milliseconds. */
#define POLL_ROWS 1048576

/* One of the two intermediate orders. */
typedef struct sorted
{
	int64_t    *start;
	int32_t    *other;
	float	   *value;
	int64_t    *time;
} sorted;

static size_t
chunk_bytes(bool has_value, bool has_time)
{
	return sizeof(reco_chunk) + (has_value ? sizeof(float) * RECO_CHUNK_ROWS : 0) +
		   (has_time ? sizeof(int64_t) * RECO_CHUNK_ROWS : 0);
}

void
reco_triples_init(reco_triples *t, const reco_env *env, bool has_value, bool has_time)
{
	memset(t, 0, sizeof(*t));
	t->env = env;
	t->has_value = has_value;
	t->has_time = has_time;
	t->used = RECO_CHUNK_ROWS;
}

/*
 * Adds an empty chunk.
 */
bool
reco_triples_grow(reco_triples *t)
{
	reco_chunk *chunk;

	if (t->chunks == t->chunk_slots)
	{
		int64_t slots = t->chunk_slots == 0 ? 64 : t->chunk_slots * 2;
		reco_chunk **larger = t->env->alloc(t->env->arg, slots * sizeof(reco_chunk *));

		if (larger == NULL)
			return false;
		if (t->chunk != NULL)
		{
			memcpy(larger, t->chunk, t->chunks * sizeof(reco_chunk *));
			t->env->release(t->env->arg, t->chunk);
		}
		t->chunk = larger;
		t->chunk_slots = slots;
	}
	chunk = t->env->alloc(t->env->arg, chunk_bytes(t->has_value, t->has_time));
	if (chunk == NULL)
		return false;
	t->chunk[t->chunks++] = chunk;
	t->used = 0;
	return true;
}

void
reco_triples_free(reco_triples *t)
{
	for (int64_t c = 0; c < t->chunks; c++)
		if (t->chunk[c] != NULL)
			t->env->release(t->env->arg, t->chunk[c]);
	if (t->chunk != NULL)
		t->env->release(t->env->arg, t->chunk);
	t->chunk = NULL;
	t->chunks = t->chunk_slots = 0;
	t->used = RECO_CHUNK_ROWS;
}

/*
 * The most that reco_triples_build holds at one time beside the triples
 * themselves, in bytes.
 */
size_t
reco_triples_build_memory(int64_t rows, int32_t users, int32_t items, bool has_value, bool has_time)
{
	size_t entry = sizeof(int32_t) + (has_value ? sizeof(float) : 0) + (has_time ? sizeof(int64_t) : 0);

	/* both orders at once; the triples are gone by the time of the second */
	return (size_t) rows * entry * 2 + ((size_t) users + items + 2) * 2 * sizeof(int64_t);
}

static void
sorted_free(const reco_env *env, sorted *s)
{
	void *part[] = {s->start, s->other, s->value, s->time};

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (part[i] != NULL)
			env->release(env->arg, part[i]);
	memset(s, 0, sizeof(*s));
}

static bool
sorted_alloc(const reco_env *env, sorted *s, int32_t keys, int64_t rows, bool has_value, bool has_time)
{
	memset(s, 0, sizeof(*s));
	s->start = env->alloc(env->arg, ((size_t) keys + 1) * sizeof(int64_t));
	s->other = env->alloc(env->arg, ((size_t) rows + 1) * sizeof(int32_t));
	if (has_value)
		s->value = env->alloc(env->arg, ((size_t) rows + 1) * sizeof(float));
	if (has_time)
		s->time = env->alloc(env->arg, ((size_t) rows + 1) * sizeof(int64_t));
	if (s->start == NULL || s->other == NULL || (has_value && s->value == NULL) ||
		(has_time && s->time == NULL))
	{
		sorted_free(env, s);
		return false;
	}
	memset(s->start, 0, ((size_t) keys + 1) * sizeof(int64_t));
	return true;
}

/*
 * Counts in start[k + 1] become the place where the next entry of key k goes:
 * start[k].  The scatter then leaves start[k] at the end of key k, which is
 * where key k + 1 begins: shift back with ends_to_starts.
 */
static void
counts_to_places(int64_t *start, int32_t keys)
{
	int64_t at = 0;

	for (int32_t k = 0; k < keys; k++)
	{
		int64_t n = start[k + 1];

		start[k] = at;
		at += n;
	}
	start[keys] = at;
}

static void
ends_to_starts(int64_t *start, int32_t keys)
{
	memmove(start + 1, start, (size_t) keys * sizeof(int64_t));
	start[0] = 0;
}

static int
rows_in_chunk(const reco_triples *t, int64_t c)
{
	return c == t->chunks - 1 ? t->used : RECO_CHUNK_ROWS;
}

/*
 * First sort: chunks to item order; each chunk is released once it is read.
 */
static reco_status
sort_by_item(reco_triples *t, int32_t items, const int32_t *user_rank, const int32_t *item_rank,
			 sorted *out)
{
	const reco_env *env = t->env;

	if (!sorted_alloc(env, out, items, reco_triples_rows(t), t->has_value, t->has_time))
		return RECO_NO_MEMORY;
	for (int64_t c = 0; c < t->chunks; c++)
	{
		const int32_t *item = t->chunk[c]->item;
		int n = rows_in_chunk(t, c);

		for (int i = 0; i < n; i++)
			out->start[item_rank[item[i]] + 1]++;
		if (c % (POLL_ROWS / RECO_CHUNK_ROWS) == 0 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	counts_to_places(out->start, items);
	for (int64_t c = 0; c < t->chunks; c++)
	{
		reco_chunk *chunk = t->chunk[c];
		const float *value = reco_chunk_value(t, chunk);
		const int64_t *time = reco_chunk_time(t, chunk);
		int n = rows_in_chunk(t, c);

		for (int i = 0; i < n; i++)
		{
			int64_t at = out->start[item_rank[chunk->item[i]]]++;

			out->other[at] = user_rank[chunk->user[i]];
			if (value)
				out->value[at] = value[i];
			if (time)
				out->time[at] = time[i];
		}
		env->release(env->arg, chunk);
		t->chunk[c] = NULL;
		if (c % (POLL_ROWS / RECO_CHUNK_ROWS) == 0 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	ends_to_starts(out->start, items);
	return RECO_OK;
}

/*
 * Transposes in (keys_in rows) to out (keys_out rows), stably.
 */
static reco_status
transpose(const reco_env *env, const sorted *in, int32_t keys_in, int32_t keys_out, sorted *out)
{
	int64_t rows = in->start[keys_in];
	int64_t polled = 0;

	if (!sorted_alloc(env, out, keys_out, rows, in->value != NULL, in->time != NULL))
		return RECO_NO_MEMORY;
	for (int64_t e = 0; e < rows; e++)
		out->start[in->other[e] + 1]++;
	counts_to_places(out->start, keys_out);
	for (int32_t k = 0; k < keys_in; k++)
	{
		for (int64_t e = in->start[k]; e < in->start[k + 1]; e++)
		{
			int64_t at = out->start[in->other[e]]++;

			out->other[at] = k;
			if (in->value)
				out->value[at] = in->value[e];
			if (in->time)
				out->time[at] = in->time[e];
		}
		if (in->start[k + 1] - polled >= POLL_ROWS)
		{
			polled = in->start[k + 1];
			if (env->poll(env->arg))
				return RECO_STOPPED;
		}
	}
	ends_to_starts(out->start, keys_out);
	return RECO_OK;
}

static bool
before(const sorted *s, int64_t a, int64_t b)
{
	if (s->time && s->time[a] != s->time[b])
		return s->time[a] < s->time[b];
	return s->value && s->value[a] < s->value[b];
}

static void
swap_entries(sorted *s, int64_t a, int64_t b)
{
	if (s->value)
	{
		float v = s->value[a];

		s->value[a] = s->value[b];
		s->value[b] = v;
	}
	if (s->time)
	{
		int64_t v = s->time[a];

		s->time[a] = s->time[b];
		s->time[b] = v;
	}
}

/*
 * Heap sort of the repeats of one pair by (time, value): O(n log n) even for a
 * pair that repeats a million times.
 */
static void
sort_repeats(sorted *s, int64_t from, int64_t n)
{
	for (int64_t phase = n / 2 + n - 1; phase > 0; phase--)
	{
		int64_t root = phase >= n ? phase - n : 0;
		int64_t end = phase >= n ? n : phase;

		if (phase < n)
			swap_entries(s, from, from + end);
		for (int64_t child; (child = 2 * root + 1) < end; root = child)
		{
			if (child + 1 < end && before(s, from + child, from + child + 1))
				child++;
			if (!before(s, from + root, from + child))
				break;
			swap_entries(s, from + root, from + child);
		}
	}
}

/*
 * Sum and latest value of the repeats from .. from + n - 1 of one pair.
 */
static void
merge_repeats(sorted *s, int64_t from, int64_t n, float *sum, float *latest)
{
	double total = 0;
	double last = 0;
	int64_t last_count = 0;

	if (n > 1)
		sort_repeats(s, from, n);
	for (int64_t e = from; e < from + n; e++)
	{
		double v = s->value ? s->value[e] : 1;

		total += v;
		if (s->time == NULL || s->time[e] == s->time[from + n - 1])
		{
			last += v;
			last_count++;
		}
	}
	*sum = (float) total;
	*latest = (float) (last / last_count);
}

/*
 * Merges the repeats of every row of s, in place.  s->value is there when
 * needed; latest is NULL when no pair repeats.
 */
static reco_status
merge_rows(const reco_env *env, sorted *s, int32_t users, float *latest)
{
	int64_t to = 0;
	int64_t polled = 0;

	for (int32_t u = 0; u < users; u++)
	{
		int64_t from = s->start[u];
		int64_t end = s->start[u + 1];

		s->start[u] = to;
		while (from < end)
		{
			int64_t n = 1;
			float sum, last;

			while (from + n < end && s->other[from + n] == s->other[from])
				n++;
			merge_repeats(s, from, n, &sum, &last);
			s->other[to] = s->other[from];
			s->value[to] = sum;
			latest[to] = last;
			to++;
			from += n;
		}
		if (end - polled >= POLL_ROWS)
		{
			polled = end;
			if (env->poll(env->arg))
				return RECO_STOPPED;
		}
	}
	s->start[users] = to;
	return RECO_OK;
}

static bool
has_repeats(const sorted *s, int32_t users)
{
	for (int32_t u = 0; u < users; u++)
		for (int64_t e = s->start[u] + 1; e < s->start[u + 1]; e++)
			if (s->other[e] == s->other[e - 1])
				return true;
	return false;
}

static bool
all_ones(const float *value, int64_t n)
{
	for (int64_t e = 0; e < n; e++)
		if (value[e] != 1)
			return false;
	return true;
}

/*
 * Hands the user order s over as the result.
 */
static reco_status
finish(const reco_env *env, sorted *s, int32_t users, int32_t items, reco_interactions *out)
{
	int64_t rows = s->start[users];

	if (has_repeats(s, users))
	{
		reco_status status;

		out->latest = env->alloc(env->arg, (size_t) rows * sizeof(float));
		if (out->latest == NULL)
			return RECO_NO_MEMORY;
		if (s->value == NULL)
		{
			s->value = env->alloc(env->arg, (size_t) rows * sizeof(float));
			if (s->value == NULL)
				return RECO_NO_MEMORY;
			for (int64_t e = 0; e < rows; e++)
				s->value[e] = 1;
		}
		status = merge_rows(env, s, users, out->latest);
		if (status != RECO_OK)
			return status;
		out->merged = rows - s->start[users];
	}
	else if (s->value && all_ones(s->value, rows))
	{
		env->release(env->arg, s->value);
		s->value = NULL;
	}
	if (s->time)
		env->release(env->arg, s->time);
	out->by_user = (reco_csr) {users, items, s->start, s->other, s->value};
	memset(s, 0, sizeof(*s));
	return RECO_OK;
}

reco_status
reco_triples_build(reco_triples *t, int32_t users, int32_t items, const int32_t *user_rank,
				   const int32_t *item_rank, reco_interactions *out)
{
	const reco_env *env = t->env;
	sorted by_item = {0};
	sorted by_user = {0};
	reco_status status;

	memset(out, 0, sizeof(*out));
	status = sort_by_item(t, items, user_rank, item_rank, &by_item);
	reco_triples_free(t);
	if (status == RECO_OK)
		status = transpose(env, &by_item, items, users, &by_user);
	sorted_free(env, &by_item);
	if (status == RECO_OK)
		status = finish(env, &by_user, users, items, out);
	sorted_free(env, &by_user);
	if (status != RECO_OK && out->latest != NULL)
	{
		env->release(env->arg, out->latest);
		out->latest = NULL;
	}
	return status;
}

/*
 * Turns counts into new numbers: those with at least min keep their order, the
 * others get -1.
 */
static int32_t
number_kept(int32_t *map, int32_t n, int32_t min)
{
	int32_t kept = 0;

	for (int32_t k = 0; k < n; k++)
		map[k] = map[k] >= min ? kept++ : -1;
	return kept;
}

reco_status
reco_interactions_filter(const reco_env *env, reco_interactions *x, int32_t min_user,
						 int32_t min_item, int32_t *user_map, int32_t *item_map)
{
	reco_csr *a = &x->by_user;
	int64_t to = 0;
	int32_t items;
	int32_t users;

	memset(item_map, 0, (size_t) a->cols * sizeof(int32_t));
	for (int64_t e = 0; e < a->start[a->rows]; e++)
		item_map[a->col[e]]++;
	for (int32_t u = 0; u < a->rows; u++)
	{
		int64_t n = a->start[u + 1] - a->start[u];

		user_map[u] = n > INT32_MAX ? INT32_MAX : (int32_t) n;
	}
	users = number_kept(user_map, a->rows, min_user);
	items = number_kept(item_map, a->cols, min_item);
	if (env->poll(env->arg))
		return RECO_STOPPED;
	for (int32_t u = 0; u < a->rows; u++)
	{
		int64_t from = a->start[u];
		int64_t end = a->start[u + 1];

		if (user_map[u] < 0)
			continue;
		/* user_map[u] <= u: the place is behind what is still to be read */
		a->start[user_map[u]] = to;
		for (int64_t e = from; e < end; e++)
		{
			if (item_map[a->col[e]] < 0)
				continue;
			a->col[to] = item_map[a->col[e]];
			if (a->value)
				a->value[to] = a->value[e];
			if (x->latest)
				x->latest[to] = x->latest[e];
			to++;
		}
	}
	a->start[users] = to;
	a->rows = users;
	a->cols = items;
	return RECO_OK;
}

reco_status
reco_csr_transpose(const reco_env *env, const reco_csr *a, const float *value, reco_csr *out)
{
	sorted in = {a->start, a->col, (float *) value, NULL};
	sorted result = {0};
	reco_status status = transpose(env, &in, a->rows, a->cols, &result);

	if (status != RECO_OK)
	{
		sorted_free(env, &result);
		return status;
	}
	*out = (reco_csr) {a->cols, a->rows, result.start, result.other, result.value};
	return RECO_OK;
}

void
reco_csr_free(const reco_env *env, reco_csr *a)
{
	void *part[] = {a->start, a->col, a->value};

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (part[i] != NULL)
			env->release(env->arg, part[i]);
	memset(a, 0, sizeof(*a));
}
