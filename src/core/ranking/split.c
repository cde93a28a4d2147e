/*
 * split.c
 *	  What is trained on, and what is hidden from the training to be found.
 *
 * Which pairs are hidden is said by split_choose.c, and what is to be found of users who are hidden
 * whole by split_next.c.  Users and items of whom then nothing is
 * trained on are not the training's: they get no number there, so that nothing it learns, not
 * even how many there are, is known from what is hidden.
 *
 * Cost: a few passes over the pairs.
 */
#include "core/ranking/split.h"

#include "core/data/sorting.h"

/* A split on its way. */
typedef struct splitting
{
	const reco_env *env;
	const reco_interactions *x;
	const reco_split_rule *rule;
	reco_split_counts *counts;
	bool *chosen;                /* by pair of x: it is not trained on */
	const reco_interactions *by; /* what pairs are hidden of: x, or what is seen */
	bool *picked;                /* by pair of that: it is hidden; of x, what is chosen */
	int64_t *until; /* by user of x: the last time before the cut; NULL: times do not matter */
	/* by user and by item of x: the number in the training part, or -1 */
	int32_t *user;
	int32_t *item;
	bool *item_trained;
	int32_t users; /* of the training part */
	int32_t items;
	int64_t repeated; /* rows of repeats that it has so far */
	/*
	 * What is hidden is taken from another matrix or from x, and of that are by pair whether it
	 * is, by user and item the numbers in the hidden part, or -1: they are not in it.
	 */
	const reco_interactions *from;
	bool *hidden;
	int32_t *to_user;
	int32_t *to_item;
	int32_t new_items; /* in it that are no items of the training part */
	int64_t done;
} splitting;

static inline bool
stops(splitting *s, int64_t steps)
{
	return stop_after(s->env, steps, &s->done);
}

/* The number in x of a user or item of what is hidden, or -1. */
static inline int32_t
user_in_x(const splitting *s, int32_t user)
{
	return s->rule->kind == RECO_SPLIT_GIVEN ? s->rule->test_user[user] : user;
}

static inline int32_t
item_in_x(const splitting *s, int32_t item)
{
	return s->rule->kind == RECO_SPLIT_GIVEN ? s->rule->test_item[item] : item;
}

/* Who and what the training knows, and under which numbers. */
static reco_status
number_trained(splitting *s)
{
	const reco_csr *a = &s->x->by_user;

	for (int32_t u = 0; u < a->rows; u++)
	{
		bool known = false;

		for (int64_t e = a->start[u]; e < a->start[u + 1]; e++)
		{
			if (!s->chosen[e])
			{
				s->item_trained[a->col[e]] = true;
				s->counts->trained++;
				known = true;
			}
			if (stops(s, 1))
				return RECO_STOPPED;
		}
		if (known && s->rule->origin)
			s->rule->origin[s->users] = u;
		s->user[u] = known ? s->users++ : -1;
		if (stops(s, 4))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < a->cols; i++)
	{
		s->item[i] = s->item_trained[i] || s->rule->keep_items ? s->items++ : -1;
		if (stops(s, 2))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Whether x has a pair of what is given. */
static bool
is_trained(const splitting *s, int32_t user, int32_t item)
{
	const reco_csr *a = &s->by->by_user;

	return user >= 0 && item >= 0 &&
		   reco_find(a->col, a->start[user], a->start[user + 1], item) >= 0;
}

/* The first of a user's rows of repeats, of which only a part is hidden. */
static inline int64_t
first_row(const splitting *s, int32_t u)
{
	const int64_t *start = s->from->repeats.start;

	return s->rule->kind == RECO_SPLIT_LAST_BASKET && start ? start[u] : 0;
}

/*
 * What pair e of user u has in the hidden part: of all its rows, or of the last basket.  *r: its
 * first row, which goes on.  False to stop.
 */
static bool
hidden_value(splitting *s, int32_t u, int64_t e, int64_t *r, float *sum, float *latest)
{
	const reco_interactions *from = s->from;
	const reco_repeats *repeats = &from->repeats;
	bool rows = s->rule->kind == RECO_SPLIT_LAST_BASKET && repeats->start;
	int64_t end = rows ? repeats->start[u + 1] : 0;
	int64_t first = *r;

	*sum = from->by_user.value ? from->by_user.value[e] : 1;
	*latest = from->latest ? from->latest[e] : *sum;
	for (; *r < end && repeats->row[*r].item == from->by_user.col[e]; (*r)++)
	{
		first += repeats->time[*r] <= s->until[u];
		if (stops(s, 1))
			return false;
	}
	return *r == first || !s->hidden[e] ||
		   reco_row_pair(s->env, repeats->row + first, repeats->time + first, *r - first, &s->done,
						 sum, latest);
}

/*
 * What is hidden of a user, and what of that the training does not know: to_user and to_item
 * become 1 of unknown ones for now.
 */
static bool
look_at_user(splitting *s, int32_t u)
{
	const reco_csr *h = &s->from->by_user;
	int32_t user = user_in_x(s, u);
	bool user_known = user >= 0 && s->user[user] >= 0;
	bool worth = false;
	int64_t r = first_row(s, u);

	for (int64_t e = h->start[u]; e < h->start[u + 1]; e++)
	{
		int32_t item = item_in_x(s, h->col[e]);
		bool item_known = item >= 0 && s->item_trained[item];
		bool given = s->rule->kind == RECO_SPLIT_GIVEN;
		float sum;
		float latest;

		if (stops(s, 2))
			return false;
		if (s->rule->kind == RECO_SPLIT_LAST_BASKET)
			s->hidden[e] = s->from->time[e] > s->until[u];
		else
			s->hidden[e] = given ? !is_trained(s, user, item) : s->picked[e];
		s->counts->in_both += given && !s->hidden[e];
		if (!hidden_value(s, u, e, &r, &sum, &latest))
			return false;
		if (!s->hidden[e])
			continue;
		if (!user_known || !item_known)
		{
			s->counts->unknown++;
			if (!user_known)
				s->to_user[u] = 1;
			if (!item_known)
				s->to_item[h->col[e]] = 1;
			if (!s->rule->keep_unknown)
				continue;
		}
		s->counts->hidden++;
		worth = worth || sum > 0;
	}
	s->counts->users += worth;
	return !stops(s, 4);
}

/* Numbers in the hidden part: those of the training part, and after them who is not in it. */
static reco_status
number_hidden(splitting *s)
{
	const reco_csr *h = &s->from->by_user;
	bool keep = s->rule->keep_unknown;

	for (int32_t u = 0; u < h->rows; u++)
		if (!look_at_user(s, u))
			return RECO_STOPPED;
	for (int32_t u = 0; u < h->rows; u++)
	{
		int32_t user = user_in_x(s, u);
		bool unknown = s->to_user[u] != 0;

		s->to_user[u] = user >= 0 ? s->user[user] : -1;
		if (unknown && keep)
			s->to_user[u] = s->users + s->counts->unknown_users;
		s->counts->unknown_users += unknown;
		if (stops(s, 2))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < h->cols; i++)
	{
		int32_t item = item_in_x(s, i);
		bool unknown = s->to_item[i] != 0;

		s->to_item[i] = item >= 0 && (keep || !unknown) ? s->item[item] : -1;
		if (unknown && keep && s->to_item[i] < 0)
			s->to_item[i] = s->items + s->new_items++;
		s->counts->unknown_items += unknown;
		if (stops(s, 2))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static bool
part_alloc(const reco_env *env, const reco_interactions *x, int32_t users, int32_t items,
		   int64_t entries, reco_interactions *out)
{
	reco_csr *a = &out->by_user;
	size_t n = (size_t) entries + 1;

	out->session_gap = x->session_gap;
	out->basket = x->basket;
	out->unit = x->unit;
	a->rows = users;
	a->cols = items;
	a->start = env->alloc(env->arg, ((size_t) users + 1) * sizeof(int64_t));
	a->col = env->alloc(env->arg, n * sizeof(int32_t));
	if (x->by_user.value)
		a->value = env->alloc(env->arg, n * sizeof(float));
	if (x->latest)
		out->latest = env->alloc(env->arg, n * sizeof(float));
	if (x->time)
		out->time = env->alloc(env->arg, n * sizeof(int64_t));
	return a->start && a->col && (a->value || !x->by_user.value) && (out->latest || !x->latest) &&
		   (out->time || !x->time);
}

/* Room for the rows of repeats that the training part has, where it is to have them. */
static bool
repeats_alloc(const splitting *s, reco_repeats *out)
{
	const reco_repeats *from = &s->x->repeats;
	size_t n;

	if (!s->rule->keep_repeats || from->start == NULL)
		return true;
	n = (size_t) from->start[s->x->by_user.rows] + 1;
	out->start = s->env->alloc(s->env->arg, ((size_t) s->users + 1) * sizeof(int64_t));
	out->row = s->env->alloc(s->env->arg, n * sizeof(reco_entry));
	if (from->time)
		out->time = s->env->alloc(s->env->arg, n * sizeof(int64_t));
	return out->start && out->row && (out->time || !from->time);
}

/* Interaction e of x becomes the one at *to with an item's number, and *to goes on. */
static inline void
take(const reco_interactions *x, int64_t e, int32_t item, reco_interactions *part, int64_t *to)
{
	part->by_user.col[*to] = item;
	if (x->by_user.value)
		part->by_user.value[*to] = x->by_user.value[e];
	if (x->latest)
		part->latest[*to] = x->latest[e];
	if (x->time)
		part->time[*to] = x->time[e];
	(*to)++;
}

/*
 * How many of the rows r .. end - 1 of a pair are before the cut, or of the time at which the pair
 * begins; -1 to stop.
 */
static int64_t
rows_before(splitting *s, int64_t r, int64_t end, int64_t until)
{
	const int64_t *time = s->x->repeats.time;
	int64_t n = 0;

	while (r + n < end && (time[r + n] <= until || time[r + n] == time[r]))
	{
		n++;
		if (stops(s, 1))
			return -1;
	}
	return n;
}

/* The n rows from r on are those of a pair that the training part has, where it keeps them. */
static reco_status
keep_rows(splitting *s, int64_t r, int64_t n, reco_interactions *train)
{
	const reco_repeats *from = &s->x->repeats;
	reco_repeats *to = &train->repeats;

	for (int64_t k = r; to->start && n > 1 && k < r + n; k++)
	{
		to->row[s->repeated] = (reco_entry){s->item[from->row[k].item], from->row[k].value};
		if (from->time)
			to->time[s->repeated] = from->time[k];
		s->repeated++;
		if (stops(s, 1))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/*
 * The rows r .. end - 1 of a pair of the training part: what becomes of interaction `at` there
 * (train NULL: it is only counted) by those of them that are trained on.
 */
static reco_status
take_rows(splitting *s, int32_t u, int64_t r, int64_t end, reco_interactions *train, int64_t at)
{
	const reco_repeats *repeats = &s->x->repeats;
	int64_t n = s->until ? rows_before(s, r, end, s->until[u]) : end - r;

	if (n < 0)
		return RECO_STOPPED;
	/* what comes later is in the hidden part, or nowhere */
	if (s->rule->kind != RECO_SPLIT_LAST_BASKET)
		s->counts->rows_left_out += end - r - n;
	if (train == NULL)
		return RECO_OK;
	if (keep_rows(s, r, n, train) != RECO_OK)
		return RECO_STOPPED;
	if (r + n == end)
		return RECO_OK;
	train->time[at] = repeats->time[r + n - 1];
	return reco_row_pair(s->env, repeats->row + r, repeats->time + r, n, &s->done,
						 &train->by_user.value[at], &train->latest[at])
			   ? RECO_OK
			   : RECO_STOPPED;
}

/* A user's part of the training, from *to on; train NULL: rows are only counted. */
static reco_status
train_user(splitting *s, int32_t u, reco_interactions *train, int64_t *to)
{
	const reco_csr *a = &s->x->by_user;
	const reco_repeats *repeats = &s->x->repeats;
	bool rows = repeats->start && (s->until || (train && train->repeats.start));
	int64_t r = rows ? repeats->start[u] : 0;
	int64_t end = rows ? repeats->start[u + 1] : 0;
	reco_status status = RECO_OK;

	for (int64_t e = a->start[u]; e < a->start[u + 1] && status == RECO_OK; e++)
	{
		int64_t first = r;

		for (; r < end && repeats->row[r].item == a->col[e] && status == RECO_OK; r++)
			if (stops(s, 1))
				status = RECO_STOPPED;
		if (status == RECO_OK && stops(s, 4))
			status = RECO_STOPPED;
		if (s->chosen[e] || status != RECO_OK)
			continue;
		if (train)
			take(s->x, e, s->item[a->col[e]], train, to);
		if (r > first)
			status = take_rows(s, u, first, r, train, *to - 1);
	}
	return status;
}

static reco_status
make_train(splitting *s, reco_interactions *train)
{
	const reco_csr *a = &s->x->by_user;
	int64_t to = 0;
	reco_status status = RECO_OK;

	for (int32_t u = 0; u < a->rows && status == RECO_OK; u++)
	{
		if (train && s->user[u] >= 0)
			train->by_user.start[s->user[u]] = to;
		if (train && s->user[u] >= 0 && train->repeats.start)
			train->repeats.start[s->user[u]] = s->repeated;
		status = train_user(s, u, train, &to);
		if (status == RECO_OK && stops(s, 8))
			status = RECO_STOPPED;
	}
	if (train)
		train->by_user.start[s->users] = to;
	if (train && train->repeats.start)
		train->repeats.start[s->users] = s->repeated;
	return status;
}

/* Of a user those hidden pairs whose items the training part has, or those that it has not. */
static bool
hide_user(splitting *s, int32_t u, bool in_train, reco_interactions *hidden, int64_t *to)
{
	const reco_csr *h = &s->from->by_user;
	int64_t r = first_row(s, u);

	for (int64_t e = h->start[u]; e < h->start[u + 1]; e++)
	{
		int32_t item = s->to_item[h->col[e]];
		float sum;
		float latest = 0;

		if (!hidden_value(s, u, e, &r, &sum, &latest))
			return false;
		if (s->hidden[e] && item >= 0 && (item < s->items) == in_train)
		{
			take(s->from, e, item, hidden, to);
			if (hidden->by_user.value)
				hidden->by_user.value[*to - 1] = sum;
			if (hidden->latest)
				hidden->latest[*to - 1] = latest;
		}
		if (stops(s, 2))
			return false;
	}
	return !stops(s, 8);
}

/* Users in the order of their numbers: those that the training part has, then the others. */
static reco_status
make_hidden(splitting *s, reco_interactions *hidden)
{
	const reco_csr *h = &s->from->by_user;
	reco_csr *out = &hidden->by_user;
	int64_t to = 0;
	int32_t next = 0;

	for (int pass = 0; pass < 2; pass++)
		for (int32_t u = 0; u < h->rows; u++)
		{
			int32_t user = s->to_user[u];

			if (user < 0 || (user >= s->users) != (pass == 1))
				continue;
			for (; next <= user; next++)
				out->start[next] = to;
			if (!hide_user(s, u, true, hidden, &to) ||
				(s->new_items > 0 && !hide_user(s, u, false, hidden, &to)))
				return RECO_STOPPED;
		}
	for (; next <= out->rows; next++)
		out->start[next] = to;
	return RECO_OK;
}

/* What is seen of the training part, where that is not what is learnt from. */
static reco_status
make_seen(splitting *s, reco_interactions *train)
{
	if (s->x->seen == NULL)
		return RECO_OK;
	return reco_split_seen(s->env, s->x->seen, s->by == s->x->seen ? s->picked : NULL, s->user,
						   s->users, s->item, s->items, train);
}

static reco_status
make_parts(splitting *s, reco_interactions *train, reco_interactions *hidden)
{
	int32_t new_users = s->rule->keep_unknown ? s->counts->unknown_users : 0;
	reco_status status;

	if (train == NULL)
		return make_train(s, NULL);
	if (!part_alloc(s->env, s->x, s->users, s->items, s->counts->trained, train) ||
		!repeats_alloc(s, &train->repeats) ||
		!part_alloc(s->env, s->from, s->users + new_users, s->items + s->new_items,
					s->counts->hidden, hidden))
		return RECO_NO_MEMORY;
	status = make_train(s, train);
	if (status == RECO_OK)
		status = make_seen(s, train);
	return status == RECO_OK ? make_hidden(s, hidden) : status;
}

static reco_status
find_hidden(splitting *s, reco_interactions *train, reco_interactions *hidden)
{
	reco_status status = number_hidden(s);

	return status == RECO_OK ? make_parts(s, train, hidden) : status;
}

/* Users who are hidden have no number in the training part. */
static reco_status
find_next(splitting *s, reco_interactions *train, reco_interactions *hidden)
{
	reco_next_split next = {s->x, s->rule, s->user, s->item, s->item_trained, s->items};
	reco_status status = RECO_OK;

	if (train && (!part_alloc(s->env, s->x, s->users, s->items, s->counts->trained, train) ||
				  !repeats_alloc(s, &train->repeats)))
		return RECO_NO_MEMORY;
	if (train)
		status = make_train(s, train);
	if (train && status == RECO_OK)
		status = make_seen(s, train);
	return status == RECO_OK ? reco_split_next(s->env, &next, hidden, s->counts) : status;
}

/* What a split is made with. */
static bool
splitting_alloc(splitting *s)
{
	const reco_env *env = s->env;
	const reco_csr *a = &s->x->by_user;
	const reco_csr *h = &s->from->by_user;

	s->chosen = env->alloc(env->arg, (size_t) a->start[a->rows] + 1);
	s->picked = s->chosen;
	if (s->by != s->x)
		s->picked = env->alloc(env->arg, (size_t) s->by->by_user.start[a->rows] + 1);
	s->user = env->alloc(env->arg, ((size_t) a->rows + 1) * sizeof(int32_t));
	s->item = env->alloc(env->arg, ((size_t) a->cols + 1) * sizeof(int32_t));
	s->item_trained = zeroed(env, (size_t) a->cols + 1);
	s->to_user = zeroed(env, ((size_t) h->rows + 1) * sizeof(int32_t));
	s->to_item = zeroed(env, ((size_t) h->cols + 1) * sizeof(int32_t));
	s->hidden = s->from == s->by && s->rule->kind != RECO_SPLIT_LAST_BASKET
					? s->picked
					: env->alloc(env->arg, (size_t) h->start[h->rows] + 1);
	if (s->rule->kind == RECO_SPLIT_LAST || s->rule->kind == RECO_SPLIT_TIME ||
		s->rule->kind == RECO_SPLIT_LAST_BASKET)
	{
		s->until = env->alloc(env->arg, ((size_t) a->rows + 1) * sizeof(int64_t));
		if (s->until == NULL)
			return false;
	}
	return s->chosen && s->picked && s->user && s->item && s->item_trained && s->to_user &&
		   s->to_item && s->hidden;
}

static void
splitting_free(splitting *s)
{
	if (s->hidden != s->picked)
		release(s->env, s->hidden);
	if (s->picked != s->chosen)
		release(s->env, s->picked);
	release(s->env, s->chosen);
	release(s->env, s->until);
	release(s->env, s->user);
	release(s->env, s->item);
	release(s->env, s->item_trained);
	release(s->env, s->to_user);
	release(s->env, s->to_item);
}

reco_status
reco_split(const reco_env *env, const reco_interactions *x, const reco_split_rule *rule,
		   reco_interactions *train, reco_interactions *hidden, reco_split_counts *counts)
{
	splitting s = {.env = env, .x = x, .rule = rule, .counts = counts};
	reco_status status = RECO_NO_MEMORY;

	memset(counts, 0, sizeof(*counts));
	if (train)
	{
		memset(train, 0, sizeof(*train));
		memset(hidden, 0, sizeof(*hidden));
	}
	s.by = x->seen && rule->kind != RECO_SPLIT_NEXT_ITEM ? x->seen : x;
	s.from = rule->kind == RECO_SPLIT_GIVEN ? rule->test : s.by;
	if (splitting_alloc(&s))
		status = reco_split_choose(env, s.by, rule, s.picked, s.until, counts);
	if (status == RECO_OK && s.by != x)
		status = reco_split_leave_out(env, x, s.picked, s.until, s.chosen);
	if (status == RECO_OK)
		status = number_trained(&s);
	if (status == RECO_OK && rule->kind == RECO_SPLIT_NEXT_ITEM)
		status = find_next(&s, train, hidden);
	else if (status == RECO_OK)
		status = find_hidden(&s, train, hidden);
	splitting_free(&s);
	if (status != RECO_OK && train)
	{
		reco_interactions_free(env, train);
		reco_interactions_free(env, hidden);
	}
	return status;
}
