/*
 * content_profile.c
 *	  A user's profile by what is known about the items they have.
 *
 * The sparse part is collected interaction by interaction and sorted by term, so that
 * sums run in the order of the interactions; see content.h.
 *
 * Cost: n log n in the terms of the user's items, their dense columns, and 40 bytes a term
 * while it is made.
 */
#include "core/content_parts.h"

#include <stdlib.h>

/* Parts sorted between two polls. */
#define PARTS_PER_POLL 16384

typedef struct Part
{
	int32_t term;
	int32_t place; /* of the interaction: keeps sums in one order */
	double weight;
} Part;

static int
compare_parts(const void *a, const void *b)
{
	const Part *x = a;
	const Part *y = b;

	if (x->term != y->term)
		return x->term > y->term ? 1 : -1;
	return (x->place > y->place) - (x->place < y->place);
}

/*
 * Sorts n parts, of which other is a second copy's room: blocks that are merged, with polls
 * in between.  Returns which of the two holds them, or NULL to stop.
 */
static Part *
sort_parts(const reco_env *env, Part *part, Part *other, int64_t n)
{
	for (int64_t from = 0; from < n; from += PARTS_PER_POLL)
	{
		int64_t left = n - from;

		qsort(part + from, (size_t) (left < PARTS_PER_POLL ? left : PARTS_PER_POLL), sizeof(Part),
			  compare_parts);
		if (left > PARTS_PER_POLL && env->poll(env->arg))
			return NULL;
	}
	for (int64_t size = PARTS_PER_POLL; size < n; size *= 2)
	{
		Part *sorted = other;

		for (int64_t from = 0; from < n; from += 2 * size)
		{
			int64_t middle = from + size < n ? from + size : n;
			int64_t end = middle + size < n ? middle + size : n;
			int64_t a = from;
			int64_t b = middle;

			for (int64_t to = from; to < end; to++)
			{
				bool first = a < middle && (b == end || compare_parts(&part[a], &part[b]) < 0);

				sorted[to] = first ? part[a++] : part[b++];
				if (to % POLL_STEPS == POLL_STEPS - 1 && env->poll(env->arg))
					return NULL;
			}
		}
		other = part;
		part = sorted;
	}
	return part;
}

/* Adds up the sorted parts of equal terms; false to stop. */
static bool
merge_parts(const reco_env *env, const Part *part, int64_t n, reco_content_profile *p)
{
	int64_t done = 0;

	for (int64_t k = 0; k < n; k++)
	{
		if (stop_after(env, 1, &done))
			return false;
		if (p->terms > 0 && p->term[p->terms - 1] == part[k].term)
			p->weight[p->terms - 1] += part[k].weight;
		else
		{
			p->term[p->terms] = part[k].term;
			p->weight[p->terms++] = part[k].weight;
		}
	}
	return true;
}

/* The size of each sparse field, and the shares of attributes; false to stop. */
static bool
finish_sparse(const reco_env *env, const reco_content *c, reco_content_profile *p)
{
	int32_t k = 0;
	int64_t done = 0;

	for (int f = 0; f < c->fields; f++)
	{
		const reco_field *field = &c->field[f];

		for (; sparse(field) && k < p->terms && p->term[k] < field->to; k++)
		{
			if (stop_after(env, 1, &done))
				return false;
			if (field->kind == RECO_ATTRIBUTES && p->amount[f] > 0)
				p->weight[k] /= p->amount[f];
			p->size[f] +=
				field->kind == RECO_ATTRIBUTES ? p->weight[k] : p->weight[k] * p->weight[k];
		}
		if (field->kind == RECO_KEYWORDS)
			p->size[f] = sqrt(p->size[f]);
	}
	return true;
}

static void
add_dense(const reco_content *c, int f, int32_t item, double x, reco_content_profile *p)
{
	const reco_field *field = &c->field[f];
	const float *from = dense_of(c, item);

	if (!has_dense(c, field, item))
		return;
	p->amount[f] += x;
	for (int32_t k = field->from; k < field->to; k++)
		p->dense[k] += x * from[k];
}

static void
finish_dense(const reco_content *c, int f, reco_content_profile *p)
{
	const reco_field *field = &c->field[f];

	if (field->kind == RECO_NUMBER)
	{
		p->size[f] = p->amount[f];
		if (p->amount[f] > 0)
			p->dense[field->from] /= p->amount[f];
		return;
	}
	for (int32_t k = field->from; k < field->to; k++)
		p->size[f] += p->dense[k] * p->dense[k];
	p->size[f] = sqrt(p->size[f]);
}

/* The parts of a user's terms, in order of interaction, and sums of columns; -1 to stop. */
static int64_t
collect_parts(const reco_env *env, const reco_content *c, const reco_content_user *user, Part *part,
			  reco_content_profile *p)
{
	int64_t n = 0;
	int64_t done = 0;

	for (int64_t j = 0; j < user->n; j++)
	{
		double x = value_of(user, j);

		if (stop_after(env, 1, &done))
			return -1;
		for (int f = 0; f < c->fields && x > 0; f++)
		{
			int64_t from;
			int64_t end;

			if (stop_after(env, steps_of(&c->field[f], 0), &done))
				return -1;
			if (!sparse(&c->field[f]))
			{
				add_dense(c, f, user->item[j], x, p);
				continue;
			}
			end = terms_of(c, &c->field[f], user->item[j], &from);
			if (end > from)
				p->amount[f] += x;
			for (int64_t e = from; e < end; e++)
			{
				if (stop_after(env, 1, &done))
					return -1;
				part[n++] = (Part){c->by_item.col[e], (int32_t) j, x * c->by_item.value[e]};
			}
		}
	}
	return n;
}

reco_status
reco_content_profile_make(const reco_env *env, const reco_content *c, const reco_content_user *user,
						  reco_content_profile *p)
{
	size_t room = 1;
	int64_t n;
	int64_t done = 0;
	Part *part;
	Part *other = NULL;
	Part *sorted;
	bool made;

	memset(p, 0, sizeof(*p));
	for (int64_t j = 0; j < user->n; j++)
	{
		if (stop_after(env, 4, &done))
			return RECO_STOPPED;
		room += (size_t) (c->by_item.start[user->item[j] + 1] - c->by_item.start[user->item[j]]);
	}
	part = env->alloc(env->arg, room * sizeof(Part));
	if (room > PARTS_PER_POLL)
		other = env->alloc(env->arg, room * sizeof(Part));
	p->term = env->alloc(env->arg, room * sizeof(int32_t));
	p->weight = env->alloc(env->arg, room * sizeof(double));
	p->dense = zeroed(env, ((size_t) c->stride + 1) * sizeof(double));
	if (!part || (room > PARTS_PER_POLL && !other) || !p->term || !p->weight || !p->dense)
	{
		release(env, part);
		release(env, other);
		reco_content_profile_free(env, p);
		return RECO_NO_MEMORY;
	}
	n = collect_parts(env, c, user, part, p);
	sorted = n < 0 ? NULL : sort_parts(env, part, other, n);
	made = sorted && merge_parts(env, sorted, n, p) && finish_sparse(env, c, p);
	release(env, part);
	release(env, other);
	if (!made)
	{
		reco_content_profile_free(env, p);
		return RECO_STOPPED;
	}
	for (int f = 0; f < c->fields; f++)
		if (!sparse(&c->field[f]))
			finish_dense(c, f, p);
	return RECO_OK;
}

void
reco_content_profile_free(const reco_env *env, reco_content_profile *p)
{
	release(env, p->term);
	release(env, p->weight);
	release(env, p->dense);
	memset(p, 0, sizeof(*p));
}

int32_t
reco_content_terms(const reco_content_profile *p, const reco_field *f, int32_t *from)
{
	*from = (int32_t) lower_bound(p->term, 0, p->terms, f->from);
	return (int32_t) lower_bound(p->term, *from, p->terms, f->to);
}
