/*
 * ridge_rows.c
 *	  The features of items as rows of numbers, for a ridge regression.
 *
 * Terms come first, then numbers; each field is scaled so that the weighted mean of |x|^2 in it
 * is 1.  What no item with interactions has is left out.
 *
 * Cost: some passes over the features, and a transposition.
 */
#include "core/content/ridge_parts.h"

/* The numbers of an item in a dense field, NULL: it has none. */
static const float *
numbers_in(const ridge *g, const reco_field *f, int32_t i)
{
	return sparse(f) || !has_dense(g->content, f, i) ? NULL : dense_of(g->content, i);
}

/*
 * What a field's features are multiplied by; and which columns items with interactions have, for
 * known.
 */
static reco_status
scale_field(ridge *g, const reco_field *f, bool *known, double *scale)
{
	const reco_content *c = g->content;
	double squares = 0;
	double total = 0;
	int64_t done = 0;

	for (int32_t i = 0; i < c->items; i++)
	{
		int64_t from = 0;
		int64_t end = sparse(f) ? terms_of(c, f, i, &from) : 0;
		const float *x = numbers_in(g, f, i);
		double square = 0;

		if (stop_after(g->env, steps_of(f, end - from), &done))
			return RECO_STOPPED;
		if (!has_interactions(g, i))
			continue;
		for (int64_t e = from; e < end; e++)
		{
			double value = c->by_item.value[e];

			known[c->by_item.col[e]] = known[c->by_item.col[e]] || value != 0;
			square += value * value;
		}
		for (int32_t k = f->from; x && k < f->to; k++)
		{
			known[c->by_item.cols + k] = true;
			square += (double) x[k] * x[k];
		}
		squares += weight_of(g, i) * square;
		total += weight_of(g, i);
	}
	*scale = squares > 0 && total > 0 ? sqrt(total / squares) : 0;
	return RECO_OK;
}

static void
add_entry(reco_csr *a, int64_t *to, int32_t column, double value)
{
	a->col[*to] = column;
	a->value[(*to)++] = (float) value;
}

/* The rows of A; fields are in the order of their terms, and of their numbers. */
static reco_status
fill_rows(ridge *g, const bool *known, const double *scale)
{
	const reco_content *c = g->content;
	int64_t to = 0;
	int64_t done = 0;

	for (int32_t i = 0; i < c->items; i++)
	{
		int field = 0;
		int64_t from = to;

		g->a.start[i] = to;
		for (int64_t e = c->by_item.start[i]; e < c->by_item.start[i + 1]; e++)
		{
			int32_t t = c->by_item.col[e];

			while (field < c->fields && (!sparse(&c->field[field]) || t >= c->field[field].to))
				field++;
			if (known[t] && field < c->fields && scale[field] > 0)
				add_entry(&g->a, &to, t, c->by_item.value[e] * scale[field]);
			if (stop_after(g->env, 2, &done))
				return RECO_STOPPED;
		}
		for (int f = 0; f < c->fields; f++)
		{
			const float *x = scale[f] > 0 ? numbers_in(g, &c->field[f], i) : NULL;

			for (int32_t k = c->field[f].from; x && k < c->field[f].to; k++)
				if (known[c->by_item.cols + k])
					add_entry(&g->a, &to, c->by_item.cols + k, x[k] * scale[f]);
			if (stop_after(g->env, steps_of(&c->field[f], 0), &done))
				return RECO_STOPPED;
		}
		if (stop_after(g->env, to - from, &done))
			return RECO_STOPPED;
	}
	g->a.start[c->items] = to;
	return RECO_OK;
}

reco_status
ridge_make_matrix(ridge *g)
{
	const reco_content *c = g->content;
	const reco_env *env = g->env;
	double scale[RECO_MAX_FIELDS] = {0};
	int64_t entries = ridge_entries(c);
	bool *known = zeroed(env, (size_t) g->columns + 1);
	reco_status status = known ? RECO_OK : RECO_NO_MEMORY;

	for (int f = 0; f < c->fields && status == RECO_OK; f++)
		status = scale_field(g, &c->field[f], known, &scale[f]);
	g->a = (reco_csr){.rows = c->items, .cols = g->columns};
	if (status == RECO_OK)
	{
		g->a.start = env->alloc(env->arg, ((size_t) c->items + 1) * sizeof(int64_t));
		g->a.col = env->alloc(env->arg, ((size_t) entries + 1) * sizeof(int32_t));
		g->a.value = env->alloc(env->arg, ((size_t) entries + 1) * sizeof(float));
		status = g->a.start && g->a.col && g->a.value ? fill_rows(g, known, scale) : RECO_NO_MEMORY;
	}
	release(env, known);
	return status == RECO_OK ? reco_csr_transpose(env, &g->a, g->a.value, &g->at) : status;
}

reco_status
ridge_weigh(ridge *g, bool leave_out)
{
	double total = 0;
	int64_t done = 0;

	for (int32_t i = 0; i < g->a.rows; i++)
	{
		bool in = has_interactions(g, i) && g->a.start[i + 1] > g->a.start[i] &&
				  !(leave_out && g->held[i]);

		g->weight[i] = in ? (float) weight_of(g, i) : 0;
		total += g->weight[i];
		if (stop_after(g->env, 4, &done))
			return RECO_STOPPED;
	}
	for (int32_t i = 0; i < g->a.rows && total > 0; i++)
		g->weight[i] = (float) (g->weight[i] / total);
	for (int32_t k = 0; k < g->columns; k++)
	{
		double sum = 0;
		double square = 0;

		for (int64_t e = g->at.start[k]; e < g->at.start[k + 1]; e++)
		{
			double x = g->at.value[e];

			sum += g->weight[g->at.col[e]] * x;
			square += g->weight[g->at.col[e]] * x * x;
			if (stop_after(g->env, 1, &done))
				return RECO_STOPPED;
		}
		g->center[k] = sum;
		g->diagonal[k] = (float) (square > sum * sum ? square - sum * sum : 0);
		if (stop_after(g->env, 4, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}
