/*
 * filter.c
 *	  Users and items with too few interactions are dropped.
 *
 * Where users and items both have to have several, whoever goes takes entries from others, who may
 * go for that: each is looked at once when it goes, by lists of either side.
 *
 * Cost: two passes over the entries; with both minimums above 1 a transposition and two more.
 */
#include "core/data/triples.h"

#include "core/data/sorting.h"

#include <string.h>

/*
 * Turns flags into new numbers: those with 1 keep their order, the others get
 * -1.
 */
static int32_t
number_kept(int32_t *map, int32_t n)
{
	int32_t kept = 0;

	for (int32_t k = 0; k < n; k++)
		map[k] = map[k] > 0 ? kept++ : -1;
	return kept;
}

/*
 * Flags what stays.  A user who keeps an item is one of that item's kept users,
 * so looking once from either side leaves nobody without an entry, unless the minimum is 0.
 */
static reco_status
flag_kept(const reco_env *env, const reco_csr *a, int32_t min_user, int32_t min_item, int32_t *user,
		  int32_t *item)
{
	int64_t polled = 0;

	memset(item, 0, (size_t) a->cols * sizeof(int32_t));
	for (int64_t e = 0; e < a->start[a->rows]; e++)
	{
		item[a->col[e]]++;
		if (stop_at_entry(env, e, &polled))
			return RECO_STOPPED;
	}
	polled = 0;
	for (int32_t i = 0; i < a->cols; i++)
		item[i] = item[i] >= min_item ? 1 : 0;
	for (int32_t u = 0; u < a->rows; u++)
	{
		bool enough = a->start[u + 1] - a->start[u] >= min_user;

		user[u] = min_user == 0;
		for (int64_t e = a->start[u]; enough && e < a->start[u + 1]; e++)
		{
			if (stop_at_entry(env, e, &polled))
				return RECO_STOPPED;
			if (item[a->col[e]] > 0)
			{
				user[u] = 1;
				item[a->col[e]] = 2;
			}
		}
		if (stop_at_entry(env, a->start[u + 1], &polled))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < a->cols; i++)
		item[i] = item[i] == 2 || min_item == 0;
	return RECO_OK;
}

/* Users and items on their way out; rows of either side, and how many entries each still has. */
typedef struct peeling
{
	const reco_env *env;
	const reco_csr *side[2]; /* by user, by item */
	int32_t least[2];
	int32_t *left[2]; /* -1: it has gone */
	int64_t *gone;    /* two times the number, and one more for items; whose entries are to go */
	int64_t n;
	int64_t done;
} peeling;

static inline void
drop(peeling *p, int which, int32_t number)
{
	p->left[which][number] = -1;
	p->gone[p->n++] = (int64_t) number * 2 + which;
}

/* False to stop. */
static bool
peel(peeling *p)
{
	for (int which = 0; which < 2; which++)
		for (int32_t k = 0; k < p->side[which]->rows; k++)
		{
			if (p->left[which][k] < p->least[which])
				drop(p, which, k);
			if (stop_after(p->env, 1, &p->done))
				return false;
		}
	while (p->n > 0)
	{
		int64_t next = p->gone[--p->n];
		int which = (int) (next & 1);
		const reco_csr *a = p->side[which];

		for (int64_t e = a->start[next >> 1]; e < a->start[(next >> 1) + 1]; e++)
		{
			int32_t other = a->col[e];

			if (p->left[1 - which][other] >= 0 && --p->left[1 - which][other] < p->least[1 - which])
				drop(p, 1 - which, other);
			if (stop_after(p->env, 1, &p->done))
				return false;
		}
	}
	return true;
}

/* Flags what stays where both minimums are above 1: those who have enough of each other. */
static reco_status
flag_core(const reco_env *env, const reco_csr *a, int32_t min_user, int32_t min_item, int32_t *user,
		  int32_t *item)
{
	reco_csr by_item = {0};
	peeling p = {
		.env = env, .side = {a, &by_item}, .least = {min_user, min_item}, .left = {user, item}};
	reco_status status = reco_csr_transpose(env, a, NULL, &by_item);

	if (status != RECO_OK)
		return status;
	p.gone = env->alloc(env->arg, ((size_t) a->rows + (size_t) a->cols + 1) * sizeof(int64_t));
	status = p.gone ? RECO_OK : RECO_NO_MEMORY;
	for (int which = 0; which < 2 && status == RECO_OK; which++)
		for (int32_t k = 0; k < p.side[which]->rows; k++)
			p.left[which][k] = (int32_t) (p.side[which]->start[k + 1] - p.side[which]->start[k]);
	if (status == RECO_OK && !peel(&p))
		status = RECO_STOPPED;
	release(env, p.gone);
	reco_csr_free(env, &by_item);
	return status;
}

/* What user u has of repeats becomes what the new number has, from *to on.  False to stop. */
static bool
filter_repeats(const reco_env *env, reco_repeats *repeats, int32_t u, int32_t number,
			   const int32_t *item_map, int64_t *to)
{
	int64_t polled = 0;
	int64_t from, end;

	if (repeats->start == NULL)
		return true;
	from = repeats->start[u];
	end = repeats->start[u + 1];
	repeats->start[number] = *to;
	for (int64_t r = from; r < end; r++)
	{
		reco_entry row = repeats->row[r];

		if (stop_at_entry(env, r - from, &polled))
			return false;
		if (item_map[row.item] < 0)
			continue;
		row.item = item_map[row.item];
		repeats->row[*to] = row;
		if (repeats->time)
			repeats->time[*to] = repeats->time[r];
		(*to)++;
	}
	return true;
}

/* Users and items get their new numbers, and those without one go. */
static reco_status
renumber(const reco_env *env, reco_interactions *x, const int32_t *user_map, int32_t users,
		 const int32_t *item_map, int32_t items)
{
	reco_csr *a = &x->by_user;
	int64_t to = 0;
	int64_t repeated = 0;
	int64_t polled = 0;

	for (int32_t u = 0; u < a->rows; u++)
	{
		int64_t from = a->start[u];
		int64_t end = a->start[u + 1];

		if (user_map[u] < 0)
			continue;
		/* user_map[u] <= u: the place is behind what is still to be read */
		a->start[user_map[u]] = to;
		if (!filter_repeats(env, &x->repeats, u, user_map[u], item_map, &repeated))
			return RECO_STOPPED;
		for (int64_t e = from; e < end; e++)
		{
			if (stop_at_entry(env, e, &polled))
				return RECO_STOPPED;
			if (item_map[a->col[e]] < 0)
				continue;
			a->col[to] = item_map[a->col[e]];
			if (a->value)
				a->value[to] = a->value[e];
			if (x->latest)
				x->latest[to] = x->latest[e];
			if (x->time)
				x->time[to] = x->time[e];
			to++;
		}
		/* half moved, the matrix is of no use any more: the caller gives it up */
		if (stop_at_entry(env, end, &polled))
			return RECO_STOPPED;
	}
	a->start[users] = to;
	if (x->repeats.start)
		x->repeats.start[users] = repeated;
	a->rows = users;
	a->cols = items;
	return RECO_OK;
}

reco_status
reco_interactions_filter(const reco_env *env, reco_interactions *x, int32_t min_user,
						 int32_t min_item, int32_t *user_map, int32_t *item_map)
{
	int32_t users;
	int32_t items;
	reco_status status = min_user > 1 && min_item > 1
							 ? flag_core(env, &x->by_user, min_user, min_item, user_map, item_map)
							 : flag_kept(env, &x->by_user, min_user, min_item, user_map, item_map);

	if (status != RECO_OK)
		return status;
	users = number_kept(user_map, x->by_user.rows);
	items = number_kept(item_map, x->by_user.cols);
	status = renumber(env, x, user_map, users, item_map, items);
	if (status == RECO_OK && x->seen != NULL)
		status = renumber(env, x->seen, user_map, users, item_map, items);
	return status;
}
