/*
 * triples_build.c
 *	  From triples in order of arrival to a merged sparse matrix.
 *
 * One counting sort brings the rows of each user together; each user's row is
 * then put in item order by way of a bitmap of the items, which costs a few
 * machine words a row instead of a comparison sort.  Only a row in which a pair
 * repeats is sorted by (item, time, value), so the bits of a sum do not depend
 * on the order in which the rows arrived.
 *
 * Cost: O(rows + users + items) with one scattered write a row.
 * Memory: rows * (8 + 4 + 8) bytes for the triples (the last two only where the
 * source has values and times), then rows * 8 (+ 8 with times) while they are
 * sorted and rows * 8 for the result; chunks are released as they are read.  Times that are
 * kept stay where they were sorted, moved together.  Rows of repeats that are kept are moved
 * together likewise, their times in an array of their own, and copied in the end: 16 bytes
 * each.
 */
#include "core/data/triples.h"
#include "core/data/sorting.h"
#include "core/data/trend.h"

#include <string.h>

/* A row's entry on its way to its place. */
typedef reco_entry entry;

/* The rows of each user together, in order of arrival. */
typedef struct grouped
{
	int64_t *start;
	entry *entry;
	int64_t *time; /* NULL without times */
} grouped;

/*
 * The items of one row: a bit each, a summary bit for each word of them, and
 * each item's value, and its time where times are kept.
 */
typedef struct row_set
{
	uint64_t *bits;
	uint64_t *summary;
	float *value;
	int64_t *time; /* NULL: not kept */
	int64_t summary_words;
} row_set;

static int
rows_in_chunk(const reco_triples *t, int64_t c)
{
	return c == t->chunks - 1 ? t->used : RECO_CHUNK_ROWS;
}

static bool
poll_at_chunk(const reco_triples *t, int64_t c)
{
	return c % (POLL_ROWS / RECO_CHUNK_ROWS) == 0 && t->env->poll(t->env->arg);
}

static void
grouped_free(const reco_env *env, grouped *g)
{
	release(env, g->start);
	release(env, g->entry);
	release(env, g->time);
	memset(g, 0, sizeof(*g));
}

/*
 * Brings the rows of each user together; each chunk is released once it is read.
 */
static reco_status
group_by_user(reco_triples *t, int32_t users, const int32_t *user_rank, const int32_t *item_rank,
			  grouped *out)
{
	const reco_env *env = t->env;
	size_t rows = (size_t) reco_triples_rows(t);

	out->start = zeroed(env, ((size_t) users + 1) * sizeof(int64_t));
	out->entry = env->alloc(env->arg, (rows + 1) * sizeof(entry));
	if (t->has_time)
		out->time = env->alloc(env->arg, (rows + 1) * sizeof(int64_t));
	if (out->start == NULL || out->entry == NULL || (t->has_time && out->time == NULL))
		return RECO_NO_MEMORY;
	for (int64_t c = 0; c < t->chunks; c++)
	{
		const int32_t *user = t->chunk[c]->user;
		int n = rows_in_chunk(t, c);

		for (int i = 0; i < n; i++)
			out->start[user_rank[user[i]] + 1]++;
		if (poll_at_chunk(t, c))
			return RECO_STOPPED;
	}
	counts_to_places(out->start, users);
	for (int64_t c = 0; c < t->chunks; c++)
	{
		reco_chunk *chunk = t->chunk[c];
		const float *value = reco_chunk_value(t, chunk);
		const int64_t *time = reco_chunk_time(t, chunk);
		int n = rows_in_chunk(t, c);

		for (int i = 0; i < n; i++)
		{
			int64_t at = out->start[user_rank[chunk->user[i]]]++;

			out->entry[at] = (entry){item_rank[chunk->item[i]], value ? value[i] : 1};
			if (time)
				out->time[at] = time[i];
		}
		env->release(env->arg, chunk);
		t->chunk[c] = NULL;
		if (poll_at_chunk(t, c))
			return RECO_STOPPED;
	}
	ends_to_starts(out->start, users);
	return RECO_OK;
}

static void
row_set_free(const reco_env *env, row_set *set)
{
	release(env, set->bits);
	release(env, set->summary);
	release(env, set->value);
	release(env, set->time);
}

static bool
row_set_alloc(const reco_env *env, row_set *set, int32_t items, bool times)
{
	size_t words = (size_t) items / 64 + 1;

	set->summary_words = (int64_t) (words / 64 + 1);
	set->bits = zeroed(env, words * sizeof(uint64_t));
	set->summary = zeroed(env, (size_t) set->summary_words * sizeof(uint64_t));
	set->value = env->alloc(env->arg, ((size_t) items + 1) * sizeof(float));
	if (times)
		set->time = env->alloc(env->arg, ((size_t) items + 1) * sizeof(int64_t));
	if (set->bits != NULL && set->summary != NULL && set->value != NULL && (!times || set->time))
		return true;
	row_set_free(env, set);
	return false;
}

/* Puts a row into the set; *repeats: an item is there twice.  False to stop. */
static inline bool
row_set_fill(const reco_env *env, row_set *set, const entry *e, const int64_t *time, int64_t n,
			 bool *repeats)
{
	uint64_t repeated = 0;
	int64_t polled = 0;

	for (int64_t k = 0; k < n; k++)
	{
		int32_t item = e[k].item;
		uint64_t *word = &set->bits[item >> 6];
		uint64_t bit = UINT64_C(1) << (item & 63);

		repeated |= *word & bit;
		*word |= bit;
		set->summary[item >> 12] |= UINT64_C(1) << ((item >> 6) & 63);
		set->value[item] = e[k].value;
		if (set->time)
			set->time[item] = time[k];
		if (stop_at_entry(env, k, &polled))
			return false;
	}
	*repeats = repeated != 0;
	return true;
}

/* Takes the items out in order, leaving the set empty; returns their number, -1 to stop. */
static inline int64_t
row_set_drain(const reco_env *env, row_set *set, int32_t *col, float *value, int64_t *time)
{
	int64_t n = 0;
	int64_t polled = 0;

	for (int64_t s = 0; s < set->summary_words; s++)
	{
		if (stop_at_entry(env, n, &polled))
			return -1;
		for (uint64_t words = set->summary[s]; words; words &= words - 1)
		{
			int64_t w = s * 64 + __builtin_ctzll(words);

			for (uint64_t bits = set->bits[w]; bits; bits &= bits - 1)
			{
				int32_t item = (int32_t) (w * 64 + __builtin_ctzll(bits));

				col[n] = item;
				if (value)
					value[n] = set->value[item];
				if (time)
					time[n] = set->time[item];
				n++;
			}
			set->bits[w] = 0;
		}
		set->summary[s] = 0;
	}
	return n;
}

/*
 * From the first repeated pair on, sums and latest values are kept apart: makes
 * the arrays for both and fills in the entries that are there already.
 */
static reco_status
start_repeats(const reco_env *env, reco_interactions *out, int64_t rows, int64_t so_far)
{
	reco_csr *a = &out->by_user;
	bool ones = a->value == NULL;
	int64_t polled = 0;

	if (out->latest != NULL)
		return RECO_OK;
	if (ones)
		a->value = env->alloc(env->arg, ((size_t) rows + 1) * sizeof(float));
	out->latest = env->alloc(env->arg, ((size_t) rows + 1) * sizeof(float));
	if (a->value == NULL || out->latest == NULL)
		return RECO_NO_MEMORY;
	for (int64_t e = 0; e < so_far; e++)
	{
		if (stop_at_entry(env, e, &polled))
			return RECO_STOPPED;
		if (ones)
			a->value[e] = 1;
		out->latest[e] = a->value[e];
	}
	return RECO_OK;
}

/* What rows are made with. */
typedef struct maker
{
	const reco_env *env;
	grouped *g;
	row_set set;
	const reco_row_rules *rules;
	reco_kept *kept;
	reco_interactions *out;
	bool keep_repeats;
	int64_t repeated; /* rows kept in out->repeats, whose rows are g->entry's first */
} maker;

/* Makes room for the rows of repeats of a user, whose rows begin at `from`, and those after. */
static reco_status
start_kept(maker *m, int64_t from)
{
	reco_repeats *repeats = &m->out->repeats;
	int32_t users = m->out->by_user.rows;
	size_t left = (size_t) (m->g->start[users] - from);

	if (repeats->start != NULL)
		return RECO_OK;
	repeats->start = zeroed(m->env, ((size_t) users + 1) * sizeof(int64_t));
	if (m->g->time)
		repeats->time = m->env->alloc(m->env->arg, (left + 1) * sizeof(int64_t));
	return repeats->start && (repeats->time || !m->g->time) ? RECO_OK : RECO_NO_MEMORY;
}

/* Whether another of the n sorted rows has the item of row k. */
static inline bool
has_repeat(const reco_entry *entry, int64_t n, int64_t k)
{
	return (k > 0 && entry[k - 1].item == entry[k].item) ||
		   (k + 1 < n && entry[k + 1].item == entry[k].item);
}

/* The times of a user's repeats, before the rules of users move them.  False to stop. */
static bool
keep_repeat_times(maker *m, int64_t from, int64_t n)
{
	const reco_entry *entry = m->g->entry + from;
	int64_t at = m->repeated;
	int64_t polled = 0;

	for (int64_t k = 0; k < n && m->g->time; k++)
	{
		if (has_repeat(entry, n, k))
			m->out->repeats.time[at++] = m->g->time[from + k];
		if (stop_at_entry(m->env, k, &polled))
			return false;
	}
	return true;
}

/* Their rows, of the items that the rules have left.  False to stop. */
static bool
keep_repeat_rows(maker *m, int64_t from, int64_t n, const int32_t *item, int64_t kept)
{
	reco_entry *entry = m->g->entry;
	int64_t *time = m->out->repeats.time;
	int64_t at = m->repeated;
	int64_t next = 0;
	int64_t polled = 0;
	int32_t last = -1;

	for (int64_t k = 0; k < n; k++)
	{
		reco_entry row = entry[from + k];
		bool repeats = row.item == last || (k + 1 < n && entry[from + k + 1].item == row.item);

		/* a row goes to where it was or before that, perhaps over one that was looked at */
		last = row.item;
		while (next < kept && item[next] < row.item)
			next++;
		if (repeats && next < kept && item[next] == row.item)
		{
			entry[m->repeated] = row;
			if (time)
				time[m->repeated] = time[at];
			m->repeated++;
		}
		at += repeats;
		if (stop_at_entry(m->env, k, &polled))
			return false;
	}
	return true;
}

/* As memcpy, of any length.  False to stop. */
static bool
copy_rows(const reco_env *env, void *to, const void *from, size_t bytes)
{
	for (size_t at = 0, piece; at < bytes; at += piece)
	{
		piece = bytes - at < 8 * POLL_ROWS ? bytes - at : 8 * POLL_ROWS;
		memcpy((char *) to + at, (const char *) from + at, piece);
		if (env->poll(env->arg))
			return false;
	}
	return true;
}

/* What is kept of repeats, in arrays of its length. */
static reco_status
finish_kept(maker *m)
{
	const reco_env *env = m->env;
	reco_repeats *repeats = &m->out->repeats;
	size_t n = (size_t) m->repeated;
	int64_t *time = repeats->time;

	if (repeats->start == NULL)
		return RECO_OK;
	repeats->row = env->alloc(env->arg, (n + 1) * sizeof(reco_entry));
	if (repeats->row == NULL)
		return RECO_NO_MEMORY;
	if (!copy_rows(env, repeats->row, m->g->entry, n * sizeof(reco_entry)))
		return RECO_STOPPED;
	release(env, m->g->entry);
	m->g->entry = NULL;
	if (time == NULL)
		return RECO_OK;
	repeats->time = env->alloc(env->arg, (n + 1) * sizeof(int64_t));
	if (repeats->time == NULL || !copy_rows(env, repeats->time, time, n * sizeof(int64_t)))
	{
		bool stopped = repeats->time != NULL;

		release(env, time);
		return stopped ? RECO_STOPPED : RECO_NO_MEMORY;
	}
	release(env, time);
	return RECO_OK;
}

/*
 * Merges a row into the result from `to` on, by way of a sort; by the bitmap was found
 * whether it repeats.
 */
static reco_status
make_sorted(maker *m, int64_t from, int64_t n, int64_t *to)
{
	reco_interactions *out = m->out;
	reco_csr *a = &out->by_user;
	reco_entry *entry = m->g->entry + from;
	int64_t *time = m->g->time ? m->g->time + from : NULL;
	reco_row row = {.kept = m->kept};
	int64_t kept;
	bool repeats;
	reco_status status = RECO_OK;

	if (!reco_row_sort(m->env, entry, time, n) || !reco_row_repeats(m->env, entry, n, &repeats))
		return RECO_STOPPED;
	if (repeats)
		status = start_repeats(m->env, out, m->g->start[a->rows], *to);
	repeats = repeats && m->keep_repeats;
	if (status == RECO_OK && repeats)
		status = start_kept(m, from);
	if (status != RECO_OK)
		return status;
	if (repeats && !keep_repeat_times(m, from, n))
		return RECO_STOPPED;
	row.item = a->col + *to;
	row.sum = a->value ? a->value + *to : NULL;
	row.latest = out->latest ? out->latest + *to : NULL;
	kept = reco_row_reduce(m->env, m->rules, entry, time, n, &row);
	if (kept < 0)
		return RECO_STOPPED;
	if (repeats && !keep_repeat_rows(m, from, n, row.item, kept))
		return RECO_STOPPED;
	out->capped += row.pairs - kept;
	out->capped_users += row.pairs > kept;
	out->merged += n - row.pairs;
	if (m->set.time)
		memmove(m->g->time + *to, m->g->time + from, (size_t) kept * sizeof(int64_t));
	*to += kept;
	return RECO_OK;
}

/* The same by way of the bitmap; *repeats: the row does, and nothing was done. */
static reco_status
make_by_bitmap(maker *m, int64_t from, int64_t n, int64_t *to, bool *repeats)
{
	reco_csr *a = &m->out->by_user;
	int64_t *time = m->set.time ? m->g->time : NULL;
	int64_t items;

	if (!row_set_fill(m->env, &m->set, m->g->entry + from, time ? time + from : NULL, n, repeats))
		return RECO_STOPPED;
	/* a row goes to where it was or before that */
	items =
		row_set_drain(m->env, &m->set, a->col + *to, a->value && !*repeats ? a->value + *to : NULL,
					  time && !*repeats ? time + *to : NULL);
	if (items < 0)
		return RECO_STOPPED;
	if (*repeats)
		return RECO_OK;
	if (m->out->latest)
		memcpy(m->out->latest + *to, a->value + *to, (size_t) items * sizeof(float));
	*to += items;
	return RECO_OK;
}

/*
 * Sorts and merges every row of g into the result.
 */
static reco_status
make_rows(maker *m)
{
	reco_csr *a = &m->out->by_user;
	int64_t to = 0;
	int64_t polled = 0;

	for (int32_t u = 0; u < a->rows; u++)
	{
		int64_t from = m->g->start[u];
		int64_t n = m->g->start[u + 1] - from;
		bool sorted = reco_row_applies(m->rules, n) || n * 16 < m->set.summary_words;
		reco_status status = RECO_OK;

		a->start[u] = to;
		if (m->out->repeats.start)
			m->out->repeats.start[u] = m->repeated;
		if (!sorted)
			status = make_by_bitmap(m, from, n, &to, &sorted);
		if (status == RECO_OK && sorted)
			status = make_sorted(m, from, n, &to);
		if (status != RECO_OK)
			return status;
		if (stop_at_entry(m->env, from + n, &polled))
			return RECO_STOPPED;
	}
	a->start[a->rows] = to;
	if (m->out->repeats.start)
		m->out->repeats.start[a->rows] = m->repeated;
	return RECO_OK;
}

/* The entries from `from` on that are 1, up to the first that is not. */
static int64_t
count_ones(const float *value, int64_t from, int64_t n)
{
	int64_t e = from;

	while (e < n && e - from < POLL_ROWS && value[e] == 1)
		e++;
	return e - from;
}

/* Leaves the values out when every one is 1. */
static reco_status
drop_ones(const reco_env *env, reco_csr *a)
{
	int64_t entries = a->start[a->rows];

	for (int64_t e = 0; e < entries;)
	{
		int64_t ones = count_ones(a->value, e, entries);

		e += ones;
		if (e < entries && ones < POLL_ROWS)
			return RECO_OK;
		if (env->poll(env->arg))
			return RECO_STOPPED;
	}
	env->release(env->arg, a->value);
	a->value = NULL;
	return RECO_OK;
}

/* How many reco_kept the rules take, whoever the user. */
static int64_t
most_kept(const grouped *g, int32_t users, const reco_row_rules *rules)
{
	int64_t most = 0;

	for (int32_t u = 0; u < users; u++)
	{
		int64_t n = reco_row_kept(rules, g->start[u + 1] - g->start[u]);

		most = n > most ? n : most;
	}
	return most;
}

static reco_status
make_matrix(const reco_triples *t, grouped *g, int32_t users, int32_t items, reco_interactions *out)
{
	const reco_env *env = t->env;
	reco_csr *a = &out->by_user;
	size_t rows = (size_t) g->start[users];
	size_t kept = (size_t) most_kept(g, users, &t->rules);
	maker m = {.env = env, .g = g, .rules = &t->rules, .out = out, .keep_repeats = t->keep_repeats};
	reco_status status = RECO_NO_MEMORY;

	a->rows = users;
	a->cols = items;
	a->start = env->alloc(env->arg, ((size_t) users + 1) * sizeof(int64_t));
	a->col = env->alloc(env->arg, (rows + 1) * sizeof(int32_t));
	if (t->has_value)
		a->value = env->alloc(env->arg, (rows + 1) * sizeof(float));
	if (kept > 0)
		m.kept = env->alloc(env->arg, kept * sizeof(reco_kept));
	if (a->start != NULL && a->col != NULL && (!t->has_value || a->value != NULL) &&
		(kept == 0 || m.kept != NULL) && row_set_alloc(env, &m.set, items, t->keep_time && g->time))
	{
		status = make_rows(&m);
		row_set_free(env, &m.set);
	}
	if (status == RECO_OK)
		status = finish_kept(&m);
	if (status == RECO_OK && t->keep_time)
	{
		out->time = g->time;
		g->time = NULL;
	}
	release(env, m.kept);
	if (status == RECO_OK && a->value && !out->latest)
		status = drop_ones(env, a);
	return status;
}

reco_status
reco_triples_build(reco_triples *t, int32_t users, int32_t items, const int32_t *user_rank,
				   const int32_t *item_rank, reco_interactions *out)
{
	const reco_env *env = t->env;
	grouped by_user = {0};
	reco_status status;

	memset(out, 0, sizeof(*out));
	status = group_by_user(t, users, user_rank, item_rank, &by_user);
	reco_triples_free(t);
	if (status == RECO_OK && t->trend && t->has_time)
		status = reco_trend_count(env, t->trend, users, items, by_user.start, by_user.entry,
								  by_user.time);
	/* what grows is counted before anything fades */
	if (status == RECO_OK &&
		!reco_row_decay(env, &t->rules.decay, by_user.entry, by_user.time, by_user.start[users]))
		status = RECO_STOPPED;
	if (status == RECO_OK)
		status = make_matrix(t, &by_user, users, items, out);
	grouped_free(env, &by_user);
	if (status != RECO_OK)
		reco_interactions_free(env, out);
	return status;
}
