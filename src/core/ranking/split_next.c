/*
 * split_next.c
 *	  What comes next in what hidden users did: a row of the hidden part for each time at which
 *	  something is to be found.
 *
 * What is at one time is found together, by what is before it: of rows of one time none is known
 * before the others.  What begins another session is not to be found: nothing of that is known.
 *
 * Rests on: the rows of repeats; pairs without are one row each.
 *
 * Cost: a sort of each hidden user's times, and for each case, of which a user has at most
 * RECO_MOST_CASES, a pass over the user's rows.
 */
#include "core/ranking/split.h"

#include "core/data/ordered.h"
#include "core/data/sorting.h"

/* The part on its way. */
typedef struct finding
{
	const reco_env *env;
	const reco_next_split *of;
	reco_split_counts *counts;
	int32_t *to_item; /* by item of x: 1 where it is unknown and was met, then the number, or -1 */
	int32_t new_items;
	int64_t rows; /* of hidden users, of items with a number */
	/* of one user: rows by item, time and value, their times in order, and events */
	reco_entry *entry;
	int64_t *time;
	reco_entry *none;
	int64_t *moment;
	reco_timed *event;
	/* filled in; NULL: only counted */
	reco_interactions *hidden;
	reco_cases *cases;
	int64_t pairs;
	int64_t done;
} finding;

static inline bool
stops(finding *f, int64_t steps)
{
	return stop_after(f->env, steps, &f->done);
}

static inline int64_t
rows_of(const reco_interactions *x, int32_t u)
{
	const int64_t *start = x->by_user.start;
	const int64_t *repeats = x->repeats.start;

	return start[u + 1] - start[u] + (repeats ? repeats[u + 1] - repeats[u] : 0);
}

static inline bool
is_hidden(const finding *f, int32_t u)
{
	return f->of->user[u] < 0;
}

/* A user's rows, by item and time, to entry and time; -1 to stop. */
static int64_t
take_rows(finding *f, int32_t u)
{
	const reco_interactions *x = f->of->x;
	const reco_csr *a = &x->by_user;
	const reco_repeats *repeats = &x->repeats;
	int64_t r = repeats->start ? repeats->start[u] : 0;
	int64_t end = repeats->start ? repeats->start[u + 1] : 0;
	int64_t n = 0;

	for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
	{
		int64_t first = r;

		for (; r < end && repeats->row[r].item == a->col[e]; r++)
		{
			f->entry[n] = repeats->row[r];
			f->time[n++] = repeats->time[r];
			if (stops(f, 1))
				return -1;
		}
		if (r == first)
		{
			f->entry[n] = (reco_entry){a->col[e], a->value ? a->value[e] : 1};
			f->time[n++] = x->time[e];
		}
		if (stops(f, 1))
			return -1;
	}
	return n;
}

/* The different times of the n rows, in order, to moment; -1 to stop. */
static int64_t
take_moments(finding *f, int64_t n)
{
	int64_t moments = 0;

	for (int64_t k = 0; k < n; k++)
	{
		f->none[k] = (reco_entry){0, 0};
		f->moment[k] = f->time[k];
		if (stops(f, 1))
			return -1;
	}
	if (!reco_row_sort(f->env, f->none, f->moment, n))
		return -1;
	for (int64_t k = 0; k < n; k++)
	{
		if (k == 0 || f->moment[k] != f->moment[moments - 1])
			f->moment[moments++] = f->moment[k];
		if (stops(f, 1))
			return -1;
	}
	return moments;
}

/* The pair of rows k .. k + n - 1, of one time, is to be found: it becomes one of the part. */
static bool
put_pair(finding *f, int64_t k, int64_t n)
{
	reco_interactions *hidden = f->hidden;
	float sum;
	float latest;

	if (!reco_row_pair(f->env, f->entry + k, f->time + k, n, &f->done, &sum, &latest))
		return false;
	hidden->by_user.col[f->pairs] = f->to_item[f->entry[k].item];
	if (hidden->by_user.value)
		hidden->by_user.value[f->pairs] = sum;
	if (hidden->latest)
		hidden->latest[f->pairs] = latest;
	f->pairs++;
	return true;
}

/* What is counted of a pair that is to be found; false: it is left out. */
static bool
count_pair(finding *f, int64_t k, bool *worth)
{
	int32_t item = f->entry[k].item;

	if (!f->of->item_trained[item])
	{
		f->counts->unknown++;
		f->to_item[item] = 1;
		if (!f->of->rule->keep_unknown)
			return false;
	}
	f->counts->hidden++;
	*worth = *worth || f->entry[k].value > 0;
	return true;
}

/*
 * Those pairs of time `at` among a user's n rows whose items the training part has, or those that
 * it has not; *known: how many rows are before.  -1 to stop, else how many pairs.
 */
static int64_t
find_pairs(finding *f, int64_t n, int64_t at, bool in_train, int64_t *known, bool *worth)
{
	int64_t pairs = 0;

	*known = 0;
	for (int64_t k = 0, same; k < n; k += same)
	{
		int32_t item = f->entry[k].item;
		bool kept;

		same = 1;
		*known += f->time[k] < at && f->of->item[item] >= 0;
		if (stops(f, 1))
			return -1;
		if (f->time[k] != at)
			continue;
		while (k + same < n && f->entry[k + same].item == item && f->time[k + same] == at)
			same++;
		if (stops(f, same))
			return -1;
		kept = f->hidden ? f->to_item[item] >= 0 && (f->to_item[item] < f->of->items) == in_train
						 : count_pair(f, k, worth);
		if (kept && f->hidden && !put_pair(f, k, same))
			return -1;
		pairs += kept;
	}
	return pairs;
}

/* What is to be found at a time of a user, the number-th who is hidden.  False to stop. */
static bool
find_case(finding *f, int32_t number, int64_t n, int64_t at, bool *worth)
{
	reco_cases *cases = f->cases;
	int64_t known;
	int64_t pairs = find_pairs(f, n, at, true, &known, worth);

	if (pairs >= 0 && f->hidden && f->new_items > 0)
	{
		int64_t others = find_pairs(f, n, at, false, &known, worth);

		pairs = others < 0 ? -1 : pairs + others;
	}
	if (pairs < 0)
		return false;
	if (pairs == 0)
		return true;
	if (cases)
	{
		cases->user[cases->cases] = number;
		cases->at[cases->cases] = at;
		cases->known[cases->cases] = known;
		f->hidden->by_user.start[++cases->cases] = f->pairs;
	}
	else
		f->counts->cases++;
	return true;
}

/* What is known of a user, from *to on.  False to stop. */
static bool
put_user(finding *f, int32_t number, int64_t n, int64_t *to)
{
	reco_cases *cases = f->cases;
	int64_t from = *to;

	for (int64_t k = 0; k < n; k++)
	{
		int32_t item = f->of->item[f->entry[k].item];

		if (stops(f, 1))
			return false;
		if (item < 0)
			continue;
		cases->row[*to] = (reco_entry){item, f->entry[k].value};
		cases->time[*to] = f->time[k];
		f->event[*to - from] = (reco_timed){f->time[k], item};
		(*to)++;
	}
	cases->start[number + 1] = *to;
	return reco_ordered_user(f->env, f->event, *to - from, NULL, 0, f->of->x->session_gap,
							 cases->event + from, cases->moment + from) >= 0 &&
		   reco_ordered_baskets(f->env, f->event, *to - from, f->of->x->basket,
								cases->moment + from);
}

static reco_status
count_rows(finding *f, int64_t n)
{
	for (int64_t k = 0; k < n; k++)
	{
		f->rows += f->of->item[f->entry[k].item] >= 0;
		if (stops(f, 1))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static reco_status
find_user(finding *f, int32_t u, int32_t number, int64_t *to)
{
	int64_t n = take_rows(f, u);
	int64_t moments = n < 0 ? -1 : take_moments(f, n);
	int64_t first = moments - RECO_MOST_CASES > 1 ? moments - RECO_MOST_CASES : 1;
	bool worth = false;

	if (moments < 0)
		return RECO_STOPPED;
	if (f->cases)
	{
		f->cases->origin[number] = u;
		if (!put_user(f, number, n, to))
			return RECO_STOPPED;
	}
	else if (count_rows(f, n) != RECO_OK)
		return RECO_STOPPED;
	for (int64_t m = first; m < moments; m++)
		if (!reco_is_gap(f->moment[m - 1], f->moment[m], f->of->x->session_gap) &&
			!find_case(f, number, n, f->moment[m], &worth))
			return RECO_STOPPED;
	if (f->cases == NULL)
	{
		f->counts->cases_left_out += first - 1;
		f->counts->users += worth;
	}
	return RECO_OK;
}

static reco_status
find_all(finding *f)
{
	int32_t users = f->of->x->by_user.rows;
	int32_t number = 0;
	int64_t to = 0;

	for (int32_t u = 0; u < users; u++)
	{
		if (is_hidden(f, u) && rows_of(f->of->x, u) > 0 &&
			find_user(f, u, number++, &to) != RECO_OK)
			return RECO_STOPPED;
		if (stops(f, 2))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Numbers of what is to be found: those of the training part, and after them who is not in it. */
static reco_status
number_items(finding *f)
{
	bool keep = f->of->rule->keep_unknown;

	for (int32_t i = 0; i < f->of->x->by_user.cols; i++)
	{
		bool unknown = f->to_item[i] != 0;

		f->counts->unknown_items += unknown;
		f->to_item[i] = keep || !unknown ? f->of->item[i] : -1;
		if (unknown && keep && f->to_item[i] < 0)
			f->to_item[i] = f->of->items + f->new_items++;
		if (stops(f, 2))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static bool
scratch_alloc(finding *f)
{
	const reco_env *env = f->env;
	const reco_interactions *x = f->of->x;
	size_t longest = 1;

	for (int32_t u = 0; u < x->by_user.rows; u++)
		if (is_hidden(f, u) && (size_t) rows_of(x, u) > longest)
			longest = (size_t) rows_of(x, u);
	f->to_item = zeroed(env, ((size_t) x->by_user.cols + 1) * sizeof(int32_t));
	f->entry = env->alloc(env->arg, longest * sizeof(reco_entry));
	f->time = env->alloc(env->arg, longest * sizeof(int64_t));
	f->none = env->alloc(env->arg, longest * sizeof(reco_entry));
	f->moment = env->alloc(env->arg, longest * sizeof(int64_t));
	f->event = env->alloc(env->arg, longest * sizeof(reco_timed));
	return f->to_item && f->entry && f->time && f->none && f->moment && f->event;
}

static void
scratch_free(finding *f)
{
	release(f->env, f->to_item);
	release(f->env, f->entry);
	release(f->env, f->time);
	release(f->env, f->none);
	release(f->env, f->moment);
	release(f->env, f->event);
}

static bool
hidden_alloc(const finding *f, reco_interactions *out)
{
	const reco_env *env = f->env;
	size_t n = (size_t) f->counts->hidden + 1;
	reco_csr *a = &out->by_user;

	a->rows = (int32_t) f->counts->cases;
	a->cols = f->of->items + f->new_items;
	a->start = zeroed(env, ((size_t) a->rows + 1) * sizeof(int64_t));
	a->col = env->alloc(env->arg, n * sizeof(int32_t));
	if (f->of->x->by_user.value)
		a->value = env->alloc(env->arg, n * sizeof(float));
	if (f->of->x->latest)
		out->latest = env->alloc(env->arg, n * sizeof(float));
	return a->start && a->col && (a->value || !f->of->x->by_user.value) &&
		   (out->latest || !f->of->x->latest);
}

static bool
cases_alloc(const finding *f, reco_cases *out)
{
	const reco_env *env = f->env;
	size_t users = (size_t) f->counts->hidden_users + 1;
	size_t rows = (size_t) f->rows + 1;
	size_t cases = (size_t) f->counts->cases + 1;

	out->users = f->counts->hidden_users;
	out->origin = env->alloc(env->arg, users * sizeof(int32_t));
	out->start = zeroed(env, users * sizeof(int64_t));
	out->row = env->alloc(env->arg, rows * sizeof(reco_entry));
	out->time = env->alloc(env->arg, rows * sizeof(int64_t));
	out->event = env->alloc(env->arg, rows * sizeof(int32_t));
	out->moment = env->alloc(env->arg, rows * sizeof(float));
	out->user = env->alloc(env->arg, cases * sizeof(int32_t));
	out->at = env->alloc(env->arg, cases * sizeof(int64_t));
	out->known = env->alloc(env->arg, cases * sizeof(int64_t));
	return out->origin && out->start && out->row && out->time && out->event && out->moment &&
		   out->user && out->at && out->known;
}

void
reco_cases_free(const reco_env *env, reco_cases *cases)
{
	release(env, cases->origin);
	release(env, cases->start);
	release(env, cases->row);
	release(env, cases->time);
	release(env, cases->event);
	release(env, cases->moment);
	release(env, cases->user);
	release(env, cases->at);
	release(env, cases->known);
	memset(cases, 0, sizeof(*cases));
}

reco_status
reco_split_next(const reco_env *env, const reco_next_split *split, reco_interactions *hidden,
				reco_split_counts *counts)
{
	finding f = {.env = env, .of = split, .counts = counts};
	reco_status status = scratch_alloc(&f) ? RECO_OK : RECO_NO_MEMORY;

	if (hidden)
		memset(split->rule->cases, 0, sizeof(reco_cases));
	if (status == RECO_OK)
		status = find_all(&f);
	if (status == RECO_OK)
		status = number_items(&f);
	/* a row of the part is counted in 32 bits */
	if (status == RECO_OK && counts->cases >= INT32_MAX)
		status = RECO_INVALID;
	if (status == RECO_OK && hidden)
	{
		f.hidden = hidden;
		f.cases = split->rule->cases;
		status =
			hidden_alloc(&f, hidden) && cases_alloc(&f, f.cases) ? find_all(&f) : RECO_NO_MEMORY;
		if (status != RECO_OK)
			reco_cases_free(env, f.cases);
	}
	scratch_free(&f);
	return status;
}
