/*
 * csr.c
 *	  Sparse matrices in compressed rows: transposing.
 *
 * Cost: O(entries + rows + columns) each; the transpose, by several threads, scatters
 * its entries over one stream a column.
 */
#include "core/data/csr.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"

#include <string.h>

/* A transposition. */
typedef struct Transposition
{
	const reco_csr *a;
	const float *value;
	reco_csr *out;
} Transposition;

static void
count_step(void *arg, int32_t *place, reco_cursor *at)
{
	const reco_csr *a = ((const Transposition *) arg)->a;
	int64_t from = a->start[at->row] + at->entry;
	int64_t to = reco_cursor_end(at, from, a->start[at->row + 1]);

	for (int64_t e = from; e < to; e++)
		place[a->col[e]]++;
}

static void
write_step(void *arg, int32_t *place, reco_cursor *at)
{
	const Transposition *t = arg;
	const reco_csr *a = t->a;
	int32_t r = (int32_t) at->row;
	int64_t from = a->start[r] + at->entry;
	int64_t to = reco_cursor_end(at, from, a->start[r + 1]);

	for (int64_t e = from; e < to; e++)
	{
		int64_t out = t->out->start[a->col[e]] + place[a->col[e]]++;

		t->out->col[out] = r;
		if (t->value)
			t->out->value[out] = t->value[e];
	}
}

static reco_status
transpose(const reco_env *env, Transposition *t)
{
	reco_parts parts;
	reco_status status = reco_parts_init(env, t->a->rows, t->a->start, t->a->cols, &parts);

	if (status != RECO_OK)
		return status;
	status = reco_parts_run(&parts, count_step, t);
	if (status == RECO_OK)
		status = reco_parts_places(&parts, t->out->start);
	if (status == RECO_OK)
		status = reco_parts_run(&parts, write_step, t);
	reco_parts_free(&parts);
	return status;
}

reco_status
reco_csr_transpose(const reco_env *env, const reco_csr *a, const float *value, reco_csr *out)
{
	size_t entries = (size_t) a->start[a->rows];
	reco_status status = RECO_NO_MEMORY;

	*out = (reco_csr){.rows = a->cols, .cols = a->rows};
	out->start = env->alloc(env->arg, ((size_t) a->cols + 1) * sizeof(int64_t));
	out->col = env->alloc(env->arg, (entries + 1) * sizeof(int32_t));
	if (value)
		out->value = env->alloc(env->arg, (entries + 1) * sizeof(float));
	if (out->start != NULL && out->col != NULL && (!value || out->value != NULL))
		status = transpose(env, &(Transposition){a, value, out});
	if (status != RECO_OK)
		reco_csr_free(env, out);
	return status;
}

void
reco_csr_free(const reco_env *env, reco_csr *a)
{
	release(env, a->start);
	release(env, a->col);
	release(env, a->value);
	memset(a, 0, sizeof(*a));
}
