/*
 * ordered.c
 *	  What users did, in order of time.
 *
 * Rests on what a matrix keeps besides its pairs: the time of each, and the rows of those that
 * repeat.
 *
 * Cost: a sort of each user's events (sorting.h).
 */
#include "core/data/ordered.h"

#include "core/data/sorting.h"

static bool
before(const void *rows, int64_t a, int64_t b)
{
	const reco_timed *event = rows;

	if (event[a].time != event[b].time)
		return event[a].time < event[b].time;
	return event[a].item < event[b].item;
}

static void
swap_events(void *rows, int64_t a, int64_t b)
{
	reco_timed *event = rows;
	reco_timed e = event[a];

	event[a] = event[b];
	event[b] = e;
}

int64_t
reco_ordered_user(const reco_env *env, reco_timed *event, int64_t n, const int32_t *kept,
				  int64_t n_kept, int64_t gap, int32_t *item, float *moment)
{
	int64_t left = 0;
	int64_t done = 0;
	float at = 0;

	for (int64_t k = 0; kept && k < n; k++)
	{
		if (reco_find(kept, 0, n_kept, event[k].item) >= 0)
			event[left++] = event[k];
		if (stop_after(env, 16, &done))
			return -1;
	}
	n = kept ? left : n;
	if (!sort_in_place(env, n, event, before, swap_events))
		return -1;
	for (int64_t k = 0; k < n; k++)
	{
		if (k > 0 && event[k].time != event[k - 1].time && at < RECO_LAST_MOMENT)
			at += reco_is_gap(event[k - 1].time, event[k].time, gap) ? 2 : 1;
		at = at < RECO_LAST_MOMENT ? at : RECO_LAST_MOMENT;
		item[k] = event[k].item;
		moment[k] = at;
		if (stop_after(env, 1, &done))
			return -1;
	}
	return n;
}

bool
reco_ordered_baskets(const reco_env *env, const reco_timed *event, int64_t n, int64_t basket,
					 float *moment)
{
	int64_t done = 0;
	float before = n > 0 ? moment[0] : 0;
	float at = before;

	for (int64_t k = 1; basket > 1 && k < n; k++)
	{
		float step = moment[k] - before;

		if (step <= 1)
			step =
				reco_basket_of(event[k].time, basket) != reco_basket_of(event[k - 1].time, basket);
		before = moment[k];
		at = at + step < RECO_LAST_MOMENT ? at + step : RECO_LAST_MOMENT;
		moment[k] = at;
		if (stop_after(env, 2, &done))
			return false;
	}
	return true;
}

/* The rows of a user's pairs, and those of pairs that repeat: at least as many as events. */
static inline int64_t
most_of_user(const reco_interactions *x, int32_t u)
{
	const int64_t *start = x->by_user.start;
	const int64_t *repeats = x->repeats.start;

	return start[u + 1] - start[u] + (repeats ? repeats[u + 1] - repeats[u] : 0);
}

int64_t
reco_ordered_rows(const reco_env *env, const reco_interactions *x, int32_t u, reco_timed *event)
{
	const reco_csr *a = &x->by_user;
	const reco_repeats *repeats = &x->repeats;
	int64_t r = repeats->start ? repeats->start[u] : 0;
	int64_t end = repeats->start ? repeats->start[u + 1] : 0;
	int64_t n = 0;
	int64_t done = 0;

	for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
	{
		int64_t first = r;

		for (; r < end && repeats->row[r].item == a->col[e]; r++)
		{
			event[n++] = (reco_timed){repeats->time ? repeats->time[r] : 0, a->col[e]};
			if (stop_after(env, 1, &done))
				return -1;
		}
		if (r == first)
			event[n++] = (reco_timed){x->time ? x->time[e] : 0, a->col[e]};
		if (stop_after(env, 1, &done))
			return -1;
	}
	return n;
}

int64_t
reco_ordered_longest(const reco_env *env, const reco_interactions *x)
{
	int64_t most = 0;
	int64_t done = 0;

	for (int32_t u = 0; u < x->by_user.rows; u++)
	{
		most = most_of_user(x, u) > most ? most_of_user(x, u) : most;
		if (stop_after(env, 1, &done))
			return -1;
	}
	return most;
}

static size_t
most_events(const reco_interactions *x)
{
	int32_t users = x->by_user.rows;

	return (size_t) x->by_user.start[users] +
		   (x->repeats.start ? (size_t) x->repeats.start[users] : 0);
}

size_t
reco_ordered_memory(const reco_env *env, const reco_interactions *x, bool times)
{
	int64_t longest = reco_ordered_longest(env, x);

	if (longest < 0)
		return 0;
	return ((size_t) x->by_user.rows + 1) * sizeof(int64_t) +
		   (most_events(x) + 2) *
			   (sizeof(int32_t) + sizeof(float) + (times ? sizeof(int64_t) : 0)) +
		   ((size_t) longest + 1) * sizeof(reco_timed);
}

static reco_status
order_all(const reco_env *env, const reco_interactions *x, reco_timed *scratch, reco_ordered *out)
{
	int64_t to = 0;
	int64_t done = 0;

	for (int32_t u = 0; u < x->by_user.rows; u++)
	{
		int64_t n = reco_ordered_rows(env, x, u, scratch);

		out->start[u] = to;
		if (n >= 0)
			n = reco_ordered_user(env, scratch, n, NULL, 0, x->session_gap, out->item + to,
								  out->moment + to);
		for (int64_t k = 0; out->time && k < n; k++)
			out->time[to + k] = scratch[k].time;
		if (n < 0 || !reco_ordered_baskets(env, scratch, n, x->basket, out->moment + to) ||
			stop_after(env, 8 * (n + 1), &done))
			return RECO_STOPPED;
		to += n;
	}
	out->start[x->by_user.rows] = to;
	return RECO_OK;
}

reco_status
reco_ordered_make(const reco_env *env, const reco_interactions *x, bool times, reco_ordered *out)
{
	size_t n = most_events(x) + 1;
	int64_t longest = reco_ordered_longest(env, x);
	reco_timed *scratch;
	reco_status status = RECO_NO_MEMORY;

	memset(out, 0, sizeof(*out));
	if (longest < 0)
		return RECO_STOPPED;
	scratch = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(reco_timed));
	out->start = env->alloc(env->arg, ((size_t) x->by_user.rows + 1) * sizeof(int64_t));
	out->item = env->alloc(env->arg, n * sizeof(int32_t));
	out->moment = env->alloc(env->arg, n * sizeof(float));
	out->time = times ? env->alloc(env->arg, n * sizeof(int64_t)) : NULL;
	if (scratch && out->start && out->item && out->moment && (out->time || !times))
		status = order_all(env, x, scratch, out);
	release(env, scratch);
	if (status != RECO_OK)
		reco_ordered_free(env, out);
	return status;
}

double *
reco_ordered_times(const reco_env *env, reco_ordered *ordered, int32_t users, int64_t unit)
{
	int64_t done = 0;

	_Static_assert(sizeof(double) == sizeof(int64_t), "one has the place of the other");
	for (int64_t e = 0; e < ordered->start[users]; e++)
	{
		double time = reco_event_time(ordered->time[e], unit);

		memcpy(&ordered->time[e], &time, sizeof(time));
		if (stop_after(env, 1, &done))
			return NULL;
	}
	return (double *) ordered->time;
}

void
reco_ordered_free(const reco_env *env, reco_ordered *ordered)
{
	release(env, ordered->start);
	release(env, ordered->item);
	release(env, ordered->moment);
	release(env, ordered->time);
	memset(ordered, 0, sizeof(*ordered));
}

/* Counts sessions, and with start says where they begin.  -1 to stop. */
static int64_t
find_sessions(const reco_env *env, const reco_ordered *o, int32_t users, int32_t *first,
			  int64_t *start)
{
	int64_t sessions = 0;
	int64_t done = 0;

	for (int32_t u = 0; u < users; u++)
	{
		if (start && first)
			first[u] = (int32_t) sessions;
		if (start)
			start[sessions] = o->start[u];
		sessions++;
		for (int64_t e = o->start[u] + 1; e < o->start[u + 1]; e++)
		{
			if (reco_begins_session(o->moment, e))
			{
				if (start)
					start[sessions] = e;
				sessions++;
			}
			if (stop_after(env, 1, &done))
				return -1;
		}
		if (stop_after(env, 2, &done))
			return -1;
	}
	if (start)
		start[sessions] = o->start[users];
	if (start && first)
		first[users] = (int32_t) sessions;
	return sessions;
}

reco_status
reco_ordered_sessions(const reco_env *env, const reco_ordered *ordered, int32_t users, int32_t most,
					  int32_t *first, int32_t *sessions, reco_ordered *out)
{
	int64_t n = find_sessions(env, ordered, users, NULL, NULL);

	*out = *ordered;
	out->start = NULL;
	if (n < 0)
		return RECO_STOPPED;
	if (n > most)
		return RECO_INVALID;
	out->start = env->alloc(env->arg, ((size_t) n + 1) * sizeof(int64_t));
	if (out->start == NULL)
		return RECO_NO_MEMORY;
	*sessions = (int32_t) n;
	if (find_sessions(env, ordered, users, first, out->start) >= 0)
		return RECO_OK;
	release(env, out->start);
	out->start = NULL;
	return RECO_STOPPED;
}
