/*
 * filter.c
 *	  Users and items with too few interactions are dropped.
 *
 * Cost: two passes over the entries.
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
	reco_status status = flag_kept(env, &x->by_user, min_user, min_item, user_map, item_map);

	if (status != RECO_OK)
		return status;
	users = number_kept(user_map, x->by_user.rows);
	items = number_kept(item_map, x->by_user.cols);
	status = renumber(env, x, user_map, users, item_map, items);
	if (status == RECO_OK && x->seen != NULL)
		status = renumber(env, x->seen, user_map, users, item_map, items);
	return status;
}
