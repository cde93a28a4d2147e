/*
 * triples_build.c
 *	  From triples in order of arrival to a merged sparse matrix.
 *
 * The rows of each user are brought together (triples_group.c); each user's row is
 * then put in item order by way of a bitmap of the items, which costs a few
 * machine words a row instead of a comparison sort.  Only a row in which a pair
 * repeats is sorted by (item, time, value), so the bits of a sum do not depend
 * on the order in which the rows arrived.  Threads do the bitmaps, each row where the rows before
 * it would end if no pair repeated; then rows that were left are made in turn, and the others
 * move up to them.
 *
 * Cost: O(rows + users + items).
 * Memory: rows * (8 + 4 + 8) bytes for the triples (the last two only where the
 * source has values and times), then rows * 8 (+ 8 with times) while they are
 * sorted and rows * 8 for the result; the chunks are gone when that begins.  Times that are
 * kept stay where they were sorted, moved together.  Rows of repeats that are kept are moved
 * together likewise, their times in an array of their own, and copied in the end: 16 bytes
 * each.
 */
#include "core/data/triples.h"
#include "core/data/parts.h"
#include "core/data/row_set.h"
#include "core/data/sorting.h"
#include "core/data/trend.h"
#include "core/data/triples_group.h"

#include <omp.h>
#include <string.h>

/* Users whose bitmaps are made between two looks at the threads, and the longest row of one. */
#define SHARE_USERS 32
#define SHARE_ROWS 16384

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
	reco_grouped *g;
	row_set *set; /* of each thread */
	const reco_row_rules *rules;
	reco_kept *kept;
	reco_interactions *out;
	bool keep_repeats;
	bool keep_time;
	bool ones;        /* there are no values */
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

/* Merges a row into the result from `to` on, by way of a sort. */
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
	if (m->keep_time)
		memmove(m->g->time + *to, m->g->time + from, (size_t) kept * sizeof(int64_t));
	*to += kept;
	return RECO_OK;
}

/*
 * By way of the bitmap: puts the rows of a user in item order at their places in g.  *repeats: a
 * pair does, and times are where they were.  False to stop; never in a short row.
 */
static bool
order_row(maker *m, row_set *set, int64_t from, int64_t n, bool *repeats)
{
	reco_csr *a = &m->out->by_user;
	int64_t *time = m->keep_time ? m->g->time + from : NULL;

	return row_set_fill(m->env, set, m->g->entry + from, time, n, repeats) &&
		   row_set_drain(m->env, set, a->col + from, a->value ? a->value + from : NULL,
						 *repeats ? NULL : time);
}

/* In the place of where a user's entries begin: how they are still to be made. */
enum
{
	ORDERED,
	TO_ORDER, /* too many for a thread, which cannot poll */
	TO_SORT   /* pairs repeat, or the bitmap would have more words than there are rows */
};

/* Any thread: orders the rows of users, short ones, and says how the others are to be made. */
static void
order_users(void *arg, int64_t first, int64_t end)
{
	maker *m = arg;
	row_set *set = &m->set[omp_get_thread_num()];

	for (int64_t u = first; u < end; u++)
	{
		int64_t from = m->g->start[u];
		int64_t n = m->g->start[u + 1] - from;
		bool sorts = reco_row_applies(m->rules, n) || n * 16 < set->summary_words;

		if (!sorts && n <= SHARE_ROWS)
			(void) order_row(m, set, from, n, &sorts);
		m->out->by_user.start[u] = sorts ? TO_SORT : n > SHARE_ROWS ? TO_ORDER : ORDERED;
	}
}

/* The rows of a user that were put in order at `from` move to `to`. */
static void
move_row(maker *m, int64_t from, int64_t n, int64_t to)
{
	reco_csr *a = &m->out->by_user;

	if (from != to)
	{
		memmove(a->col + to, a->col + from, (size_t) n * sizeof(int32_t));
		if (m->keep_time)
			memmove(m->g->time + to, m->g->time + from, (size_t) n * sizeof(int64_t));
		if (!m->ones)
			memmove(a->value + to, a->value + from, (size_t) n * sizeof(float));
	}
	if (m->ones && a->value)
		for (int64_t e = to; e < to + n; e++)
			a->value[e] = 1;
	if (m->out->latest)
		memcpy(m->out->latest + to, a->value + to, (size_t) n * sizeof(float));
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
	reco_status status = reco_share(m->env, a->rows, SHARE_USERS, order_users, m);

	if (status != RECO_OK)
		return status;
	for (int32_t u = 0; u < a->rows; u++)
	{
		int64_t from = m->g->start[u];
		int64_t n = m->g->start[u + 1] - from;
		bool sorts = a->start[u] == TO_SORT;

		if (a->start[u] == TO_ORDER && !order_row(m, m->set, from, n, &sorts))
			return RECO_STOPPED;
		a->start[u] = to;
		if (m->out->repeats.start)
			m->out->repeats.start[u] = m->repeated;
		if (sorts)
			status = make_sorted(m, from, n, &to);
		else
		{
			move_row(m, from, n, to);
			to += n;
		}
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
most_kept(const reco_grouped *g, int32_t users, const reco_row_rules *rules)
{
	int64_t most = 0;

	for (int32_t u = 0; u < users; u++)
	{
		int64_t n = reco_row_kept(rules, g->start[u + 1] - g->start[u]);

		most = n > most ? n : most;
	}
	return most;
}

static void
maker_free(maker *m)
{
	for (int t = 0; m->set && t < m->env->threads; t++)
		row_set_free(m->env, &m->set[t]);
	release(m->env, m->set);
	release(m->env, m->kept);
}

static bool
maker_alloc(maker *m, int32_t items, size_t kept)
{
	const reco_env *env = m->env;

	if (kept > 0)
		m->kept = env->alloc(env->arg, kept * sizeof(reco_kept));
	m->set = zeroed(env, (size_t) env->threads * sizeof(row_set));
	if ((kept > 0 && m->kept == NULL) || m->set == NULL)
		return false;
	for (int t = 0; t < env->threads; t++)
		if (!row_set_alloc(env, &m->set[t], items, m->keep_time))
			return false;
	return true;
}

static reco_status
make_matrix(const reco_triples *t, reco_grouped *g, int32_t users, int32_t items,
			reco_interactions *out)
{
	const reco_env *env = t->env;
	reco_csr *a = &out->by_user;
	size_t rows = (size_t) g->start[users];
	maker m = {.env = env,
			   .g = g,
			   .rules = &t->rules,
			   .out = out,
			   .keep_repeats = t->keep_repeats,
			   .keep_time = t->keep_time && g->time,
			   .ones = !t->has_value};
	reco_status status = RECO_NO_MEMORY;

	a->rows = users;
	a->cols = items;
	a->start = env->alloc(env->arg, ((size_t) users + 1) * sizeof(int64_t));
	a->col = env->alloc(env->arg, (rows + 1) * sizeof(int32_t));
	if (t->has_value)
		a->value = env->alloc(env->arg, (rows + 1) * sizeof(float));
	if (a->start != NULL && a->col != NULL && (!t->has_value || a->value != NULL) &&
		maker_alloc(&m, items, (size_t) most_kept(g, users, &t->rules)))
		status = make_rows(&m);
	if (status == RECO_OK)
		status = finish_kept(&m);
	if (status == RECO_OK && t->keep_time)
	{
		out->time = g->time;
		g->time = NULL;
	}
	maker_free(&m);
	if (status == RECO_OK && a->value && !out->latest)
		status = drop_ones(env, a);
	return status;
}

reco_status
reco_triples_build(reco_triples *t, int32_t users, int32_t items, const int32_t *user_rank,
				   const int32_t *item_rank, reco_interactions *out)
{
	const reco_env *env = t->env;
	reco_grouped by_user = {0};
	reco_status status;

	memset(out, 0, sizeof(*out));
	status = reco_triples_group(t, users, user_rank, item_rank, &by_user);
	if (status == RECO_OK && t->trend && t->has_time)
		status = reco_trend_count(env, t->trend, users, items, by_user.start, by_user.entry,
								  by_user.time);
	/* what grows is counted before anything fades */
	if (status == RECO_OK &&
		!reco_row_decay(env, &t->rules.decay, by_user.entry, by_user.time, by_user.start[users]))
		status = RECO_STOPPED;
	if (status == RECO_OK)
		status = make_matrix(t, &by_user, users, items, out);
	reco_grouped_free(env, &by_user);
	if (status != RECO_OK)
		reco_interactions_free(env, out);
	return status;
}

/*
 * The most that reco_triples_build holds at one time beside the triples
 * themselves, in bytes.
 */
size_t
reco_triples_build_memory(const reco_triples *t, int32_t users, int32_t items)
{
	size_t rows = (size_t) reco_triples_rows(t);
	size_t sorting = sizeof(reco_entry) + (t->has_time ? sizeof(int64_t) : 0);
	size_t result = sizeof(int32_t) + 2 * sizeof(float); /* sums and latest values */
	size_t by_item = (size_t) t->env->threads *
					 (sizeof(float) + 1 + (t->has_time && t->keep_time ? sizeof(int64_t) : 0));
	size_t kept = (size_t) reco_row_kept(&t->rules, (int64_t) rows);

	/* times of repeats, and an array of what is kept in the place of one for all rows */
	if (t->keep_repeats)
		result += sizeof(reco_entry) + (t->has_time ? sizeof(int64_t) : 0);
	/* four counts of an item's users, before the result is made */
	if (t->trend != NULL)
		by_item += 4 * sizeof(int32_t);
	/* the triples are gone by the time the result is made */
	return reco_triples_group_memory(t, users) + rows * (sorting + result) +
		   ((size_t) users + 2) * (t->keep_repeats ? 3 : 2) * sizeof(int64_t) +
		   ((size_t) items + 1) * by_item + kept * sizeof(reco_kept);
}
