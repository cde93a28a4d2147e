/*
 * diversity.c
 *	  How different the items of a list are from each other.
 *
 * Memory: the users of the items that are in any list, 4 bytes an item and 4 a user.
 */
#include "core/ranking/diversity.h"

#include "core/data/sorting.h"

#include <math.h>

typedef struct shelf
{
	const reco_env *env;
	const reco_csr *by_user;
	int32_t items;  /* that are in lists */
	int32_t *slot;  /* by item: which of these, from 0; -1: in no list */
	int64_t *start; /* items + 1 */
	int32_t *user;
	float *sum; /* by user; zeros between lists */
	int64_t done;
} shelf;

size_t
reco_diversity_bytes(const reco_csr *by_user)
{
	return ((size_t) by_user->cols + 2) * (sizeof(int32_t) + sizeof(int64_t)) +
		   ((size_t) by_user->start[by_user->rows] + (size_t) by_user->rows + 2) * sizeof(int32_t) +
		   4 * RECO_ALIGN;
}

static reco_status
find_items(shelf *s, const reco_lists *lists)
{
	int32_t cols = s->by_user->cols;

	s->slot = s->env->alloc(s->env->arg, ((size_t) cols + 1) * sizeof(int32_t));
	if (s->slot == NULL)
		return RECO_NO_MEMORY;
	for (int32_t i = 0; i < cols; i++)
		s->slot[i] = -1;
	for (int32_t l = 0; l < lists->lists; l++)
	{
		const int32_t *item = lists->item + (int64_t) l * lists->length;

		for (int32_t r = 0; r < lists->n[l]; r++)
			if (s->slot[item[r]] < 0)
				s->slot[item[r]] = s->items++;
		if (stop_after(s->env, lists->length, &s->done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Where the users of each item go, of whom there are `have`. */
static reco_status
make_room(shelf *s, const int32_t *have)
{
	s->start = zeroed(s->env, ((size_t) s->items + 1) * sizeof(int64_t));
	s->sum = zeroed(s->env, ((size_t) s->by_user->rows + 1) * sizeof(float));
	if (s->start == NULL || s->sum == NULL)
		return RECO_NO_MEMORY;
	for (int32_t i = 0; i < s->by_user->cols; i++)
		if (s->slot[i] >= 0)
			s->start[s->slot[i] + 1] = have[i];
	counts_to_places(s->start, s->items);
	s->user = s->env->alloc(s->env->arg, ((size_t) s->start[s->items] + 1) * sizeof(int32_t));
	return s->user ? RECO_OK : RECO_NO_MEMORY;
}

static reco_status
take_users(shelf *s)
{
	const reco_csr *a = s->by_user;

	for (int32_t u = 0; u < a->rows; u++)
		for (int64_t e = a->start[u], end; e < a->start[u + 1];)
		{
			int64_t from = e;

			end = piece_end(e, a->start[u + 1]);
			for (; e < end; e++)
			{
				int32_t slot = s->slot[a->col[e]];

				if (slot >= 0 && (a->value == NULL || a->value[e] > 0))
					s->user[s->start[slot]++] = u;
			}
			if (stop_after(s->env, end - from, &s->done))
				return RECO_STOPPED;
		}
	ends_to_starts(s->start, s->items);
	return RECO_OK;
}

/* Adds an item to the sum of those before; *product becomes its product with that. */
static reco_status
add(shelf *s, int32_t slot, float weight, double *product)
{
	double found = 0;

	for (int64_t k = s->start[slot], end; k < s->start[slot + 1];)
	{
		int64_t from = k;

		end = piece_end(k, s->start[slot + 1]);
		for (; k < end; k++)
		{
			float *sum = &s->sum[s->user[k]];

			found += *sum;
			*sum += weight;
		}
		if (stop_after(s->env, 2 * (end - from), &s->done))
			return RECO_STOPPED;
	}
	*product = found * weight;
	return RECO_OK;
}

static reco_status
take_away(shelf *s, int32_t slot)
{
	for (int64_t k = s->start[slot], end; k < s->start[slot + 1];)
	{
		int64_t from = k;

		end = piece_end(k, s->start[slot + 1]);
		for (; k < end; k++)
			s->sum[s->user[k]] = 0;
		if (stop_after(s->env, end - from, &s->done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* out: by cutoff. */
static reco_status
measure(shelf *s, const int32_t *item, int32_t n, const reco_columns *columns, double *out)
{
	double pairs = 0; /* the sum of their cosines */
	reco_status status = RECO_OK;

	for (int c = 0; c < columns->cutoffs; c++)
		out[c] = (double) NAN;
	for (int32_t r = 0; r < n && status == RECO_OK; r++)
	{
		int32_t slot = s->slot[item[r]];
		int64_t users = s->start[slot + 1] - s->start[slot];
		double product = 0;

		if (users > 0)
			status = add(s, slot, (float) (1 / sqrt((double) users)), &product);
		pairs += product;
		for (int c = 0; c < columns->cutoffs && r > 0; c++)
			if (r < columns->cutoff[c] && columns->cutoff[c] <= RECO_DIVERSITY_MOST)
				out[c] = 1 - pairs / ((double) r * (r + 1) / 2);
	}
	for (int32_t r = 0; r < n && status == RECO_OK; r++)
		status = take_away(s, s->slot[item[r]]);
	return status;
}

reco_status
reco_diversity(const reco_env *env, const reco_csr *by_user, const int32_t *have,
			   const reco_lists *lists, const reco_columns *columns, double *out)
{
	shelf s = {.env = env, .by_user = by_user};
	reco_status status = find_items(&s, lists);

	if (status == RECO_OK)
		status = make_room(&s, have);
	if (status == RECO_OK)
		status = take_users(&s);
	for (int32_t l = 0; l < lists->lists && status == RECO_OK; l++)
		status = measure(&s, lists->item + (int64_t) l * lists->length, lists->n[l], columns,
						 out + (int64_t) l * columns->cutoffs);
	release(env, s.slot);
	release(env, s.start);
	release(env, s.user);
	release(env, s.sum);
	return status;
}
