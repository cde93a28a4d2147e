/*
 * cancel.c
 *	  Rows that take back what others say: cancellations and returns.
 *
 * The rows of a pair lie in order of time, what cannot be taken back before all others: so what
 * can be is a stack, whose top is the latest, and a row that cancels takes from it.
 *
 * Cost: a sort (sorting.h), and a pass in which a row is put on the stack and taken from it once.
 */
#include "core/data/cancel.h"

#include "core/data/sorting.h"

/* What is done with a row of a pair, in this order. */
static inline int
can_be_taken(const reco_deed *row)
{
	return row->cancels || (row->seen && row->plain > 0);
}

#define ORDER(a, b)                                                                                \
	if ((a) != (b))                                                                                \
	return (a) < (b)

/* A total order but for rows that are the same. */
static bool
before(const void *rows, int64_t left, int64_t right)
{
	const reco_deed *a = (const reco_deed *) rows + left;
	const reco_deed *b = (const reco_deed *) rows + right;

	ORDER(a->user, b->user);
	ORDER(a->item, b->item);
	ORDER(can_be_taken(a), can_be_taken(b));
	ORDER(a->time, b->time);
	ORDER(a->cancels, b->cancels);
	ORDER(a->plain, b->plain);
	ORDER(a->value, b->value);
	ORDER(a->learnt, b->learnt);
	return a->seen < b->seen;
}

static void
swap_deeds(void *rows, int64_t a, int64_t b)
{
	reco_deed *row = rows;
	reco_deed r = row[a];

	row[a] = row[b];
	row[b] = r;
}

/* Takes back from the stack row[bottom] to row[top - 1]; where its top is then.  -1 to stop. */
static int64_t
take_back(const reco_env *env, reco_deed *row, int64_t bottom, int64_t top, float amount,
		  int64_t *done, reco_cancelled *counts)
{
	double left = amount;

	while (top > bottom && left > amount * RECO_CANCEL_ROUNDING)
	{
		reco_deed *last = &row[top - 1];
		double rest = last->left - left;

		if (stop_after(env, 1, done))
			return -1;
		if (rest > last->plain * RECO_CANCEL_ROUNDING)
		{
			counts->in_part += last->left == last->plain;
			last->left = (float) rest;
			left = 0;
			break;
		}
		counts->in_part -= last->left != last->plain;
		counts->whole++;
		left = rest < 0 ? -rest : 0;
		top--;
	}
	counts->unmatched += left > amount * RECO_CANCEL_ROUNDING;
	return top;
}

/* What is left of a row is worth that much of what it was. */
static bool
set_values(const reco_env *env, reco_deed *row, int64_t n, int64_t *done)
{
	for (int64_t k = 0; k < n; k++)
	{
		if (row[k].left != row[k].plain)
		{
			row[k].value = (float) (row[k].value * ((double) row[k].left / row[k].plain));
			row[k].plain = row[k].left;
		}
		if (stop_after(env, 1, done))
			return false;
	}
	return true;
}

int64_t
reco_cancel(const reco_env *env, reco_deed *row, int64_t n, reco_cancelled *counts)
{
	int64_t bottom = 0; /* of the stack of this pair */
	int64_t to = 0;
	int64_t done = 0;

	if (!sort_in_place(env, n, row, before, swap_deeds))
		return -1;
	for (int64_t k = 0; k < n; k++)
	{
		const reco_deed *r = &row[k];

		if (stop_after(env, 1, &done))
			return -1;
		if (k == 0 || r->item != row[k - 1].item || r->user != row[k - 1].user)
			bottom = to;
		if (r->cancels)
		{
			counts->cancelling++;
			to = take_back(env, row, bottom, to, r->plain, &done, counts);
			if (to < 0)
				return -1;
			continue;
		}
		/* to <= k, and row[k - 1] is compared with before row[k] is written over */
		row[to] = *r;
		row[to].left = row[to].plain;
		to++;
		if (!can_be_taken(&row[to - 1]))
			bottom = to;
	}
	return set_values(env, row, to, &done) ? to : -1;
}
