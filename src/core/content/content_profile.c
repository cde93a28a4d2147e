/*
 * content_profile.c
 *	  A user's profile by what is known about the items they have.
 *
 * The sparse part is added up in an array with a place for each term and a set of the terms
 * that there are, so that sums run in the order of the interactions; then it is moved to lists
 * in order of term.  See content.h.
 *
 * Cost: the terms and dense columns of the user's items, and a bit of every other term.
 */
#include "core/content/content_parts.h"
#include "core/data/topn.h"

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

/* The arrays of a profile, one after another. */
static size_t
lay_out(const reco_content *c, char *memory, reco_content_profile *p)
{
	size_t terms = (size_t) c->by_item.cols;
	size_t sum = 0;
	size_t weight = sum + terms * sizeof(double);
	size_t dense = weight + terms * sizeof(double);
	size_t mark = dense + ((size_t) c->stride + 1) * sizeof(double);
	size_t term = mark + RECO_SET_BYTES(terms);

	if (memory)
	{
		p->sum = (double *) (memory + sum);
		p->weight = (double *) (memory + weight);
		p->dense = (double *) (memory + dense);
		p->mark = (uint64_t *) (memory + mark);
		p->term = (int32_t *) (memory + term);
	}
	return (term + terms * sizeof(int32_t) + 7) / 8 * 8;
}

size_t
reco_content_profile_bytes(const reco_content *c)
{
	return lay_out(c, NULL, NULL);
}

/* The sums of a user's terms, in order of interaction, and of columns; false to stop. */
static bool
add_up(const reco_env *env, const reco_content *c, const reco_content_user *user,
	   reco_content_profile *p)
{
	int64_t done = 0;

	for (int64_t j = 0; j < user->n; j++)
	{
		double x = value_of(user, j);

		if (stop_after(env, 1, &done))
			return false;
		for (int f = 0; f < c->fields && x > 0; f++)
		{
			int64_t from;
			int64_t end;

			if (stop_after(env, steps_of(&c->field[f], 0), &done))
				return false;
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
					return false;
				reco_set_add(p->mark, c->by_item.col[e]);
				p->sum[c->by_item.col[e]] += x * c->by_item.value[e];
			}
		}
	}
	return true;
}

/* Moves the sums to the lists of terms and weights; false to stop. */
static bool
collect_terms(const reco_env *env, const reco_content *c, reco_content_profile *p)
{
	int32_t words = (int32_t) (RECO_SET_BYTES(c->by_item.cols) / sizeof(uint64_t));
	int64_t done = 0;

	for (int32_t w = 0; w < words; w++)
	{
		int32_t before = p->terms;

		for (; p->mark[w] != 0; p->mark[w] &= p->mark[w] - 1)
		{
			int32_t term = w * 64 + __builtin_ctzll(p->mark[w]);

			p->term[p->terms] = term;
			p->weight[p->terms++] = p->sum[term];
			p->sum[term] = 0;
		}
		if (stop_after(env, 1 + p->terms - before, &done))
			return false;
	}
	return true;
}

reco_status
reco_content_profile_fill(const reco_env *env, const reco_content *c, const reco_content_user *user,
						  void *memory, reco_content_profile *p)
{
	memset(p, 0, sizeof(*p));
	(void) lay_out(c, memory, p);
	if (!add_up(env, c, user, p) || !collect_terms(env, c, p) || !finish_sparse(env, c, p))
	{
		reco_content_profile_clear(c, p);
		return RECO_STOPPED;
	}
	for (int f = 0; f < c->fields; f++)
		if (!sparse(&c->field[f]))
			finish_dense(c, f, p);
	return RECO_OK;
}

void
reco_content_profile_clear(const reco_content *c, reco_content_profile *p)
{
	int32_t words = (int32_t) (RECO_SET_BYTES(c->by_item.cols) / sizeof(uint64_t));

	/* marks are left where it was stopped while terms were added up */
	for (int32_t w = 0; w < words; w++)
		for (; p->mark[w] != 0; p->mark[w] &= p->mark[w] - 1)
			p->sum[w * 64 + __builtin_ctzll(p->mark[w])] = 0;
	memset(p->term, 0, (size_t) p->terms * sizeof(int32_t));
	memset(p->weight, 0, (size_t) p->terms * sizeof(double));
	memset(p->dense, 0, ((size_t) c->stride + 1) * sizeof(double));
	memset(p, 0, sizeof(*p));
}

reco_status
reco_content_profile_make(const reco_env *env, const reco_content *c, const reco_content_user *user,
						  reco_content_profile *p)
{
	void *memory = zeroed(env, reco_content_profile_bytes(c));
	reco_status status;

	if (memory == NULL)
	{
		memset(p, 0, sizeof(*p));
		return RECO_NO_MEMORY;
	}
	status = reco_content_profile_fill(env, c, user, memory, p);
	if (status != RECO_OK)
		release(env, memory);
	return status;
}

void
reco_content_profile_free(const reco_env *env, reco_content_profile *p)
{
	release(env, p->sum);
	memset(p, 0, sizeof(*p));
}

int32_t
reco_content_terms(const reco_content_profile *p, const reco_field *f, int32_t *from)
{
	*from = (int32_t) lower_bound(p->term, 0, p->terms, f->from);
	return (int32_t) lower_bound(p->term, *from, p->terms, f->to);
}
