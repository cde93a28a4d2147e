/*
 * split_choose.c
 *	  Which pairs are hidden.
 *
 * Rests on: the rows of repeats, of which the first tells when a pair begins; all others begin
 * with the one row that they have.
 *
 * Cost: a pass over the pairs, and a selection: of each user's, or by time of all.
 */
#include "core/ranking/split.h"

#include "core/base/rng.h"
#include "core/data/ordered.h"
#include "core/data/sorting.h"

#include <math.h>

/* At most so many are left to be sorted by insertion. */
#define FEW 24

/*
 * The number of rank `rank`, from 0 in rising order, of n; changes x.  By the highest byte
 * that they differ in: those that share it with the one that is looked for are moved to the
 * front, and so on with the next byte.  False to stop.
 */
static bool
select_number(const reco_env *env, uint64_t *x, int64_t n, int64_t rank, uint64_t *out)
{
	int64_t done = 0;

	for (int shift = 56; n > FEW && shift >= 0; shift -= 8)
	{
		int64_t count[256] = {0};
		int64_t kept = 0;
		uint64_t digit = 0;

		for (int64_t e = 0; e < n; e++)
		{
			if (stop_after(env, 1, &done))
				return false;
			count[(x[e] >> shift) & 0xFF]++;
		}
		while (rank >= count[digit])
			rank -= count[digit++];
		for (int64_t e = 0; e < n; e++)
		{
			if (stop_after(env, 1, &done))
				return false;
			if (((x[e] >> shift) & 0xFF) == digit)
				x[kept++] = x[e];
		}
		n = kept;
	}
	/* more than a few are all the same */
	for (int64_t e = 1; e < n && n <= FEW; e++)
	{
		uint64_t number = x[e];
		int64_t at = e;

		for (; at > 0 && x[at - 1] > number; at--)
			x[at] = x[at - 1];
		x[at] = number;
	}
	*out = x[rank];
	return true;
}

reco_status
reco_hold_out(const reco_env *env, uint64_t seed, int32_t row, const int32_t *col, int64_t n,
			  int64_t held, uint64_t *scratch, bool *out)
{
	uint64_t key = reco_rng_mix(seed + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t) row + 1));
	uint64_t limit;
	int64_t done = 0;

	if (held <= 0 || held >= n)
	{
		memset(out, held >= n, (size_t) n);
		return RECO_OK;
	}
	/* the mix is a bijection and columns differ, so no two hashes are equal */
	for (int64_t e = 0; e < n; e++)
	{
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
		scratch[e] = reco_rng_mix(key + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t) col[e] + 1));
	}
	if (!select_number(env, scratch, n, held, &limit))
		return RECO_STOPPED;
	for (int64_t e = 0; e < n; e++)
	{
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
		out[e] = reco_rng_mix(key + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t) col[e] + 1)) < limit;
	}
	return RECO_OK;
}

/* How many of a user's n pairs are hidden. */
static int64_t
hidden_of(double fraction, int64_t n)
{
	int64_t held = (int64_t) floor(fraction * (double) n + 0.5);

	held = held < n - 1 ? held : n - 1;
	return held > 0 ? held : 0;
}

/* The pairs of the user who has most; -1 to stop. */
static int64_t
longest_row(const reco_env *env, const reco_csr *a)
{
	int64_t longest = 0;
	int64_t done = 0;

	for (int32_t u = 0; u < a->rows; u++)
	{
		if (a->start[u + 1] - a->start[u] > longest)
			longest = a->start[u + 1] - a->start[u];
		if (stop_after(env, 1, &done))
			return -1;
	}
	return longest;
}

static reco_status
choose_random(const reco_env *env, const reco_interactions *x, const reco_split_rule *rule,
			  int64_t longest, bool *hidden)
{
	const reco_csr *a = &x->by_user;
	uint64_t *scratch = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(uint64_t));
	reco_status status = scratch ? RECO_OK : RECO_NO_MEMORY;
	int64_t done = 0;

	for (int32_t u = 0; u < a->rows && status == RECO_OK; u++)
	{
		int64_t from = a->start[u];
		int64_t n = a->start[u + 1] - from;

		status = reco_hold_out(env, rule->seed, u, a->col + from, n, hidden_of(rule->fraction, n),
							   scratch, hidden + from);
		if (status == RECO_OK && stop_after(env, n + 8, &done))
			status = RECO_STOPPED;
	}
	release(env, scratch);
	return status;
}

bool
reco_first_times(const reco_env *env, const reco_interactions *x, int32_t u, int64_t *first,
				 int64_t *done)
{
	const reco_repeats *repeats = &x->repeats;
	int64_t from = x->by_user.start[u];
	int64_t n = x->by_user.start[u + 1] - from;
	int64_t r = repeats->start ? repeats->start[u] : 0;
	int64_t end = repeats->start ? repeats->start[u + 1] : 0;

	for (int64_t k = 0; k < n; k++)
	{
		int32_t item = x->by_user.col[from + k];

		first[k] = x->time[from + k];
		if (r < end && repeats->row[r].item == item)
			first[k] = repeats->time[r];
		for (; r < end && repeats->row[r].item == item; r++)
			if (stop_after(env, 1, done))
				return false;
		if (stop_after(env, 1, done))
			return false;
	}
	return !stop_after(env, 4, done);
}

/* Numbers whose order is that of times. */
static inline uint64_t
key_of(int64_t time)
{
	return (uint64_t) time ^ (UINT64_C(1) << 63);
}

/* The time before a cut; before the first there is none, and nothing begins. */
static inline int64_t
before_cut(int64_t cut)
{
	return cut > INT64_MIN ? cut - 1 : cut;
}

/* Hides the last `held` of a user's n pairs.  key: n numbers.  False to stop. */
static bool
hide_last(const reco_env *env, const int64_t *first, uint64_t *key, int64_t n, int64_t held,
		  bool *hidden, int64_t *until, int64_t *done)
{
	uint64_t limit;
	int64_t later = 0;

	memset(hidden, 0, (size_t) n);
	*until = INT64_MAX;
	if (held == 0)
		return true;
	for (int64_t k = 0; k < n; k++)
	{
		key[k] = key_of(first[k]);
		if (stop_after(env, 1, done))
			return false;
	}
	if (!select_number(env, key, n, n - held, &limit))
		return false;
	for (int64_t k = 0; k < n; k++)
	{
		hidden[k] = key_of(first[k]) > limit;
		later += hidden[k];
		if (stop_after(env, 2, done))
			return false;
	}
	for (int64_t k = n - 1; later < held; k--)
	{
		if (key_of(first[k]) == limit)
		{
			hidden[k] = true;
			later++;
		}
		if (stop_after(env, 1, done))
			return false;
	}
	*until = before_cut((int64_t) (limit ^ (UINT64_C(1) << 63)));
	return true;
}

static reco_status
choose_last(const reco_env *env, const reco_interactions *x, const reco_split_rule *rule,
			int64_t longest, bool *hidden, int64_t *until)
{
	const reco_csr *a = &x->by_user;
	int64_t *first = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(int64_t));
	uint64_t *key = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(uint64_t));
	reco_status status = first && key ? RECO_OK : RECO_NO_MEMORY;
	int64_t done = 0;

	for (int32_t u = 0; u < a->rows && status == RECO_OK; u++)
	{
		int64_t from = a->start[u];
		int64_t n = a->start[u + 1] - from;
		int64_t held = rule->one ? n > 1 : hidden_of(rule->fraction, n);

		if (!reco_first_times(env, x, u, first, &done) ||
			!hide_last(env, first, key, n, held, hidden + from, &until[u], &done))
			status = RECO_STOPPED;
	}
	release(env, first);
	release(env, key);
	return status;
}

/* One user's events, where baskets are cut by sessions, too; event NULL: they are not. */
typedef struct moments
{
	reco_timed *event;
	int32_t *item;
	float *moment;
} moments;

static reco_status
moments_make(const reco_env *env, const reco_interactions *x, moments *m)
{
	int64_t longest;

	*m = (moments){NULL};
	if (x->basket <= 1 || x->session_gap <= 0)
		return RECO_OK;
	longest = reco_ordered_longest(env, x);
	if (longest < 0)
		return RECO_STOPPED;
	m->event = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(reco_timed));
	m->item = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(int32_t));
	m->moment = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(float));
	return m->event && m->item && m->moment ? RECO_OK : RECO_NO_MEMORY;
}

static void
moments_free(const reco_env *env, moments *m)
{
	release(env, m->event);
	release(env, m->item);
	release(env, m->moment);
}

/* When the last basket of a user begins, as an algorithm has baskets; likewise. */
static bool
last_moment(const reco_env *env, const reco_interactions *x, int32_t u, const moments *m,
			int64_t *begin, int64_t *done)
{
	int64_t n = reco_ordered_rows(env, x, u, m->event);

	if (n >= 0)
		n = reco_ordered_user(env, m->event, n, NULL, 0, x->session_gap, m->item, m->moment);
	if (n < 0 || !reco_ordered_baskets(env, m->event, n, x->basket, m->moment))
		return false;
	*begin = INT64_MIN;
	for (int64_t k = n - 1; k > 0 && *begin == INT64_MIN; k--)
	{
		if (m->moment[k - 1] != m->moment[n - 1])
			*begin = m->event[k].time;
		if (stop_after(env, 1, done))
			return false;
	}
	return true;
}

/* When the last basket of a user begins; INT64_MIN: nothing is before it.  False to stop. */
static bool
last_basket(const reco_env *env, const reco_interactions *x, int32_t u, const int64_t *first,
			int64_t *begin, int64_t *done)
{
	int64_t from = x->by_user.start[u];
	int64_t n = x->by_user.start[u + 1] - from;
	int64_t basket = x->basket > 1 ? x->basket : 1;
	int64_t last = INT64_MIN;
	int64_t earliest = INT64_MAX;

	for (int64_t k = 0; k < n; k++)
	{
		last = x->time[from + k] > last ? x->time[from + k] : last;
		earliest = first[k] < earliest ? first[k] : earliest;
		if (stop_after(env, 1, done))
			return false;
	}
	*begin = last;
	/* what is not known has a basket of its own */
	if (last > INT64_MIN && (__builtin_mul_overflow(reco_basket_of(last, basket), basket, begin) ||
							 *begin == INT64_MIN))
		*begin = INT64_MIN + 1;
	if (earliest >= *begin)
		*begin = INT64_MIN;
	return true;
}

static reco_status
choose_last_basket(const reco_env *env, const reco_interactions *x, int64_t longest, bool *hidden,
				   int64_t *until)
{
	const reco_csr *a = &x->by_user;
	int64_t *first = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(int64_t));
	moments m;
	reco_status status = moments_make(env, x, &m);
	int64_t done = 0;

	if (first == NULL && status == RECO_OK)
		status = RECO_NO_MEMORY;
	for (int32_t u = 0; u < a->rows && status == RECO_OK; u++)
	{
		int64_t n = a->start[u + 1] - a->start[u];
		int64_t begin = INT64_MIN;

		if (!reco_first_times(env, x, u, first, &done) ||
			!(m.event ? last_moment(env, x, u, &m, &begin, &done)
					  : last_basket(env, x, u, first, &begin, &done)))
			status = RECO_STOPPED;
		until[u] = begin > INT64_MIN ? before_cut(begin) : INT64_MAX;
		for (int64_t k = 0; k < n && status == RECO_OK; k++)
		{
			hidden[a->start[u] + k] = begin > INT64_MIN && first[k] >= begin;
			if (stop_after(env, 1, &done))
				status = RECO_STOPPED;
		}
	}
	moments_free(env, &m);
	release(env, first);
	return status;
}

/* Of the times that are known the first.  False to stop. */
static bool
least_time(const reco_env *env, const int64_t *first, int64_t n, int64_t *least)
{
	int64_t polled = 0;

	*least = INT64_MAX;
	for (int64_t e = 0; e < n; e++)
	{
		if (first[e] != INT64_MIN && first[e] < *least)
			*least = first[e];
		if (stop_at_entry(env, e, &polled))
			return false;
	}
	return true;
}

/* The cut by which a fraction of all pairs is hidden. */
static reco_status
find_cut(const reco_env *env, const reco_interactions *x, double fraction, int64_t *cut)
{
	const reco_csr *a = &x->by_user;
	int64_t n = a->start[a->rows];
	int64_t held = hidden_of(fraction, n);
	int64_t *first = env->alloc(env->arg, ((size_t) n + 1) * sizeof(int64_t));
	uint64_t *key = (uint64_t *) first;
	reco_status status = first ? RECO_OK : RECO_NO_MEMORY;
	uint64_t limit = 0;
	int64_t least = INT64_MAX;
	int64_t done = 0;

	for (int32_t u = 0; u < a->rows && status == RECO_OK; u++)
		if (!reco_first_times(env, x, u, first + a->start[u], &done))
			status = RECO_STOPPED;
	if (status == RECO_OK && !least_time(env, first, n, &least))
		status = RECO_STOPPED;
	for (int64_t e = 0; e < n && status == RECO_OK; e++)
	{
		key[e] = key_of(first[e]);
		if (stop_after(env, 1, &done))
			status = RECO_STOPPED;
	}
	held = held > 0 ? held : 1;
	if (status == RECO_OK && n > 0 && !select_number(env, key, n, n - held, &limit))
		status = RECO_STOPPED;
	*cut = (int64_t) (limit ^ (UINT64_C(1) << 63));
	*cut = *cut > least ? *cut : least;
	release(env, first);
	return status;
}

static reco_status
choose_time(const reco_env *env, const reco_interactions *x, const reco_split_rule *rule,
			int64_t longest, bool *hidden, int64_t *until, reco_split_counts *counts)
{
	const reco_csr *a = &x->by_user;
	int64_t *first;
	int64_t at = rule->cut;
	int64_t done = 0;
	reco_status status = rule->has_cut ? RECO_OK : find_cut(env, x, rule->fraction, &at);

	if (status != RECO_OK)
		return status;
	at = at > INT64_MIN ? at : INT64_MIN + 1;
	counts->has_cut = true;
	counts->cut = at;
	first = env->alloc(env->arg, ((size_t) longest + 1) * sizeof(int64_t));
	if (first == NULL)
		return RECO_NO_MEMORY;
	for (int32_t u = 0; u < a->rows && status == RECO_OK; u++)
	{
		int64_t n = a->start[u + 1] - a->start[u];

		if (!reco_first_times(env, x, u, first, &done))
			status = RECO_STOPPED;
		for (int64_t k = 0; k < n && status == RECO_OK; k++)
		{
			hidden[a->start[u] + k] = first[k] >= at;
			if (stop_after(env, 1, &done))
				status = RECO_STOPPED;
		}
		until[u] = before_cut(at);
	}
	release(env, first);
	return status;
}

/* When a user ended; where there is nothing, or nothing with a time, INT64_MIN.  False to stop. */
static bool
last_time(const reco_env *env, const reco_interactions *x, int32_t u, int64_t *last, int64_t *done)
{
	*last = INT64_MIN;
	for (int64_t e = x->by_user.start[u]; e < x->by_user.start[u + 1]; e++)
	{
		*last = x->time[e] > *last ? x->time[e] : *last;
		if (stop_after(env, 1, done))
			return false;
	}
	return !stop_after(env, 4, done);
}

/* The cut by which a fraction of those who have anything is hidden. */
static reco_status
find_last_cut(const reco_env *env, const reco_interactions *x, double fraction, int64_t *last,
			  int64_t *cut)
{
	uint64_t *key = (uint64_t *) last;
	int64_t n = 0;
	int64_t held;
	uint64_t limit = 0;
	int64_t least;
	int64_t done = 0;

	for (int32_t u = 0; u < x->by_user.rows; u++)
	{
		if (!last_time(env, x, u, &last[n], &done))
			return RECO_STOPPED;
		n += x->by_user.start[u + 1] > x->by_user.start[u];
	}
	if (!least_time(env, last, n, &least))
		return RECO_STOPPED;
	for (int64_t k = 0; k < n; k++)
	{
		key[k] = key_of(last[k]);
		if (stop_after(env, 1, &done))
			return RECO_STOPPED;
	}
	held = hidden_of(fraction, n);
	held = held > 0 ? held : 1;
	if (n > 0 && !select_number(env, key, n, n - held, &limit))
		return RECO_STOPPED;
	*cut = (int64_t) (limit ^ (UINT64_C(1) << 63));
	*cut = *cut > least ? *cut : least;
	return RECO_OK;
}

static reco_status
choose_next(const reco_env *env, const reco_interactions *x, const reco_split_rule *rule,
			bool *hidden, reco_split_counts *counts)
{
	const reco_csr *a = &x->by_user;
	int64_t *last = env->alloc(env->arg, ((size_t) a->rows + 1) * sizeof(int64_t));
	int64_t at = rule->cut;
	int64_t done = 0;
	reco_status status = last ? RECO_OK : RECO_NO_MEMORY;

	if (status == RECO_OK && !rule->has_cut)
		status = find_last_cut(env, x, rule->fraction, last, &at);
	release(env, last);
	if (status != RECO_OK)
		return status;
	at = at > INT64_MIN ? at : INT64_MIN + 1;
	counts->has_cut = true;
	counts->cut = at;
	for (int32_t u = 0; u < a->rows; u++)
	{
		int64_t end;

		if (!last_time(env, x, u, &end, &done))
			return RECO_STOPPED;
		counts->hidden_users += end >= at;
		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
		{
			hidden[e] = end >= at;
			if (stop_after(env, 1, &done))
				return RECO_STOPPED;
		}
	}
	return RECO_OK;
}

reco_status
reco_split_choose(const reco_env *env, const reco_interactions *x, const reco_split_rule *rule,
				  bool *hidden, int64_t *until, reco_split_counts *counts)
{
	bool by_time = rule->kind != RECO_SPLIT_RANDOM && rule->kind != RECO_SPLIT_GIVEN;
	int64_t longest = longest_row(env, &x->by_user);

	if (longest < 0)
		return RECO_STOPPED;
	if (by_time && (x->time == NULL || (x->latest && x->repeats.start == NULL)))
		return RECO_INVALID;
	switch (rule->kind)
	{
		case RECO_SPLIT_RANDOM:
			return choose_random(env, x, rule, longest, hidden);
		case RECO_SPLIT_LAST:
			return choose_last(env, x, rule, longest, hidden, until);
		case RECO_SPLIT_TIME:
			return choose_time(env, x, rule, longest, hidden, until, counts);
		case RECO_SPLIT_LAST_BASKET:
			return choose_last_basket(env, x, longest, hidden, until);
		case RECO_SPLIT_NEXT_ITEM:
			return choose_next(env, x, rule, hidden, counts);
		case RECO_SPLIT_GIVEN:
			memset(hidden, 0, (size_t) x->by_user.start[x->by_user.rows]);
			return RECO_OK;
	}
	return RECO_INVALID;
}
