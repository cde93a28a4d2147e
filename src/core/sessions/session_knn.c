/*
 * session_knn.c
 *	  Sessions as their neighbors are looked for: the newest first, with an index by item.
 *
 * A counting sort by age puts the sessions into order.  Turned round, their rows are lists of
 * sessions by item, which begin with the newest; turned round once more, rows in the order of the
 * items.
 *
 * Cost: three passes over the events.
 */
#include "core/sessions/session_knn.h"

#include "core/data/parts.h"
#include "core/data/sorting.h"

size_t
reco_sessions_memory(int64_t events, int32_t users, int32_t items)
{
	size_t entries = (size_t) events + 2;

	/* three matrices at one time, and what a transposition takes */
	return 3 * entries * (sizeof(int32_t) + sizeof(float)) +
		   ((size_t) users + 2) * (4 * sizeof(int64_t) + sizeof(double)) +
		   ((size_t) items + 2) * (3 * sizeof(int64_t) + sizeof(int32_t)) +
		   reco_parts_memory(users > items ? users : items, events, 1);
}

static inline int32_t
age_of(double age, int32_t users)
{
	return age >= users ? users - 1 : age > 0 ? (int32_t) age : 0;
}

/* The users in order, the newest first, and the place of each. */
static reco_status
order_users(const reco_env *env, const double *age, int32_t users, int32_t *order, double *row)
{
	int64_t *start = zeroed(env, ((size_t) users + 2) * sizeof(int64_t));
	reco_status status = start ? RECO_OK : RECO_NO_MEMORY;
	int64_t done = 0;

	for (int32_t u = 0; u < users && status == RECO_OK; u++)
	{
		start[age_of(age[u], users) + 1]++;
		if (stop_after(env, 2, &done))
			status = RECO_STOPPED;
	}
	if (status == RECO_OK)
		counts_to_places(start, users);
	for (int32_t u = users - 1; u >= 0 && status == RECO_OK; u--)
	{
		int64_t at = start[age_of(age[u], users)]++;

		order[at] = u;
		row[u] = (double) at;
		if (stop_after(env, 4, &done))
			status = RECO_STOPPED;
	}
	release(env, start);
	return status;
}

/* Rows of the sessions' items, in the order in which these came last; `last` is zeros again. */
static reco_status
fill_sessions(const reco_env *env, const reco_ordered *o, const int32_t *order, int32_t *last,
			  reco_csr *out)
{
	int64_t to = 0;
	int64_t done = 0;

	for (int32_t r = 0; r < out->rows; r++)
	{
		int64_t from = o->start[order[r]];
		int64_t end = o->start[order[r] + 1];

		out->start[r] = to;
		/* the last event on an item is the first that is met */
		for (int64_t e = end - 1; e >= from; e--)
		{
			int32_t item = o->item[e];
			int64_t place = e - from + 1;

			if (last[item] == 0)
			{
				last[item] = 1;
				out->col[to] = item;
				out->value[to++] =
					place < (int64_t) RECO_LAST_MOMENT ? (float) place : RECO_LAST_MOMENT;
			}
			if (stop_after(env, 4, &done))
				return RECO_STOPPED;
		}
		for (int64_t k = out->start[r]; k < to; k++)
			last[out->col[k]] = 0;
		if (stop_after(env, to - out->start[r] + 4, &done))
			return RECO_STOPPED;
	}
	out->start[out->rows] = to;
	return RECO_OK;
}

/* Leaves each list its first entries, in place, and no values. */
static reco_status
cut_lists(const reco_env *env, reco_csr *a, int32_t most)
{
	int64_t to = 0;
	int64_t from = 0;
	int64_t done = 0;

	for (int32_t i = 0; i < a->rows; i++)
	{
		int64_t end = a->start[i + 1];

		a->start[i] = to;
		for (int64_t e = from; e < end && e < from + most; e++)
		{
			a->col[to++] = a->col[e];
			if (stop_after(env, 1, &done))
				return RECO_STOPPED;
		}
		from = end;
		if (stop_after(env, 2, &done))
			return RECO_STOPPED;
	}
	a->start[a->rows] = to;
	release(env, a->value);
	a->value = NULL;
	return RECO_OK;
}

static reco_status
make_matrices(const reco_env *env, const reco_ordered *events, const double *age, int32_t *order,
			  int32_t *last, reco_csr *rows, int32_t sample, reco_sessions *out)
{
	reco_status status = order_users(env, age, rows->rows, order, out->row);

	if (status == RECO_OK)
		status = fill_sessions(env, events, order, last, rows);
	if (status == RECO_OK)
		status = reco_csr_transpose(env, rows, rows->value, &out->by_item);
	if (status != RECO_OK)
		return status;
	reco_csr_free(env, rows);
	status = reco_csr_transpose(env, &out->by_item, out->by_item.value, &out->by_session);
	return status == RECO_OK ? cut_lists(env, &out->by_item, sample) : status;
}

reco_status
reco_sessions_build(const reco_env *env, const reco_ordered *events, const double *age,
					int32_t users, int32_t items, int32_t sample, reco_sessions *out)
{
	size_t n = (size_t) events->start[users] + 1;
	reco_env one = *env;
	int32_t *order = env->alloc(env->arg, ((size_t) users + 1) * sizeof(int32_t));
	int32_t *last = zeroed(env, ((size_t) items + 1) * sizeof(int32_t));
	reco_csr rows = {users, items, env->alloc(env->arg, ((size_t) users + 1) * sizeof(int64_t)),
					 env->alloc(env->arg, n * sizeof(int32_t)),
					 env->alloc(env->arg, n * sizeof(float))};
	reco_status status = RECO_NO_MEMORY;

	memset(out, 0, sizeof(*out));
	one.threads = 1;
	out->row = env->alloc(env->arg, ((size_t) users + 1) * sizeof(double));
	if (order && last && rows.start && rows.col && rows.value && out->row)
		status = make_matrices(&one, events, age, order, last, &rows, sample, out);
	release(env, order);
	release(env, last);
	reco_csr_free(env, &rows);
	if (status != RECO_OK)
		reco_sessions_free(env, out);
	return status;
}

/* Turned round twice, rows rise. */
reco_status
reco_sessions_items(const reco_env *env, const reco_ordered *events, int32_t sessions,
					int32_t items, reco_csr *out)
{
	size_t n = (size_t) events->start[sessions] + 1;
	reco_env one = *env;
	int32_t *order = env->alloc(env->arg, ((size_t) sessions + 1) * sizeof(int32_t));
	int32_t *last = zeroed(env, ((size_t) items + 1) * sizeof(int32_t));
	reco_csr rows = {
		sessions, items, env->alloc(env->arg, ((size_t) sessions + 1) * sizeof(int64_t)),
		env->alloc(env->arg, n * sizeof(int32_t)), env->alloc(env->arg, n * sizeof(float))};
	reco_csr turned = {0};
	reco_status status = RECO_NO_MEMORY;

	memset(out, 0, sizeof(*out));
	one.threads = 1;
	if (order && last && rows.start && rows.col && rows.value)
	{
		for (int32_t r = 0; r < sessions; r++)
			order[r] = r;
		status = fill_sessions(&one, events, order, last, &rows);
	}
	if (status == RECO_OK)
		status = reco_csr_transpose(&one, &rows, NULL, &turned);
	reco_csr_free(env, &rows);
	if (status == RECO_OK)
		status = reco_csr_transpose(&one, &turned, NULL, out);
	reco_csr_free(env, &turned);
	release(env, order);
	release(env, last);
	return status;
}

void
reco_sessions_free(const reco_env *env, reco_sessions *sessions)
{
	reco_csr_free(env, &sessions->by_session);
	reco_csr_free(env, &sessions->by_item);
	release(env, sessions->row);
	memset(sessions, 0, sizeof(*sessions));
}
