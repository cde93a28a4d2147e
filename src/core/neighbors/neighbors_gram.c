/*
 * neighbors_gram.c
 *	  The k nearest neighbors of every row, by products that are known already.
 *
 * See neighbors_gram.h.  A thread takes a row and keeps its list as a heap.
 */
#include "core/neighbors/neighbors_gram.h"

#include "core/data/parts.h"
#include "core/data/sorting.h"
#include "core/neighbors/pairs_build.h"

#include <math.h>

typedef struct Entry
{
	double similarity;
	int32_t row;
} Entry;

#define HEAP_ENTRY Entry
#define HEAP_WORSE(a, b)                                                                           \
	((a).similarity < (b).similarity || ((a).similarity == (b).similarity && (a).row > (b).row))
#include "core/base/heap.h"

typedef struct Finding
{
	const reco_packed *gram;
	reco_pair_formula formula;
	double least;
	double top;
	int k;
	reco_pair_part *part;
	Entry *entry; /* rows x k */
	int32_t *have;
} Finding;

bool
reco_neighbors_gram_takes(const reco_neighbors_params *params)
{
	switch (params->measure)
	{
		case RECO_COSINE:
		case RECO_ASYMMETRIC:
		case RECO_JACCARD:
		case RECO_DICE:
		case RECO_TVERSKY:
		case RECO_CONDITIONAL:
			return params->weighting == RECO_WEIGHTING_NONE;
		default:
			return false;
	}
}

static int
length_of(const reco_neighbors_params *params, int32_t rows)
{
	return params->neighbors < rows ? params->neighbors : rows;
}

size_t
reco_neighbors_gram_memory(const reco_neighbors_params *params, int32_t rows)
{
	size_t lists = ((size_t) rows + 1) * (size_t) (length_of(params, rows) + 1);

	return lists * (sizeof(Entry) + sizeof(int32_t) + sizeof(double)) +
		   ((size_t) rows + 1) * (sizeof(reco_pair_part) + sizeof(int32_t) + sizeof(int64_t)) +
		   8 * 128;
}

/* Columns of a row. */
static double
count_of(const reco_packed *gram, int32_t row)
{
	return fmax(reco_packed_row(gram, row)[row], 1);
}

static void
find_rows(void *arg, int64_t from, int64_t to)
{
	Finding *f = arg;

	for (int32_t a = (int32_t) from; a < to; a++)
	{
		Entry *heap = f->entry + (size_t) a * (size_t) f->k;
		const reco_pair_part *mine = &f->part[a];
		double count = count_of(f->gram, a);

		for (int32_t b = 0; b < f->gram->n; b++)
		{
			const reco_pair_part *theirs = &f->part[b];
			double dot = fmin(reco_packed_at(f->gram, a, b), fmin(count, count_of(f->gram, b)));
			Entry entry = {0, b};

			if (b == a || !(dot >= f->least) || !(dot > 0))
				continue;
			entry.similarity = fmin(
				reco_pair_ratio(&f->formula, mine->x, mine->u, theirs->y, theirs->w, dot), f->top);
			heap_offer(heap, &f->have[a], f->k, entry);
		}
		heap_sort(NULL, heap, f->have[a]);
	}
}

static reco_status
collect(const reco_env *env, const Finding *f, reco_neighbors *out)
{
	size_t n = 0;

	for (int32_t a = 0; a < f->gram->n; a++)
		n += (size_t) f->have[a];
	*out = (reco_neighbors){.rows = f->gram->n};
	out->start = env->alloc(env->arg, ((size_t) f->gram->n + 1) * sizeof(int64_t));
	out->row = env->alloc(env->arg, (n + 1) * sizeof(int32_t));
	out->similarity = env->alloc(env->arg, (n + 1) * sizeof(double));
	if (!out->start || !out->row || !out->similarity)
		return RECO_NO_MEMORY;
	n = 0;
	for (int32_t a = 0; a < f->gram->n; a++)
	{
		out->start[a] = (int64_t) n;
		for (int32_t e = 0; e < f->have[a]; e++, n++)
		{
			out->row[n] = f->entry[(size_t) a * (size_t) f->k + (size_t) e].row;
			out->similarity[n] = f->entry[(size_t) a * (size_t) f->k + (size_t) e].similarity;
		}
		if (a % 256 == 0 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	out->start[f->gram->n] = (int64_t) n;
	return RECO_OK;
}

static reco_status
find(const reco_env *env, const reco_neighbors_params *params, Finding *f, reco_neighbors *out)
{
	reco_status status = reco_pair_formula_init(env, params, 1, 0, &f->formula);

	if (status != RECO_OK)
		return status;
	for (int32_t a = 0; a < f->gram->n; a++)
	{
		double n = count_of(f->gram, a);

		f->part[a] = reco_pair_part_of(params, &f->formula, n, sqrt(n), 0);
	}
	status = reco_share(env, f->gram->n, 1, find_rows, f);
	return status == RECO_OK ? collect(env, f, out) : status;
}

reco_status
reco_neighbors_gram(const reco_env *env, const reco_neighbors_params *params,
					const reco_packed *gram, double least, reco_neighbors *out)
{
	size_t rows = (size_t) gram->n + 1;
	Finding f = {
		.gram = gram,
		.least = fmax(least, params->min_support),
		.top = reco_measure_top(params),
		.k = length_of(params, gram->n),
	};
	reco_status status = RECO_NO_MEMORY;

	*out = (reco_neighbors){0};
	if (!reco_neighbors_params_valid(params) || !reco_neighbors_gram_takes(params))
		return RECO_INVALID;
	f.part = env->alloc(env->arg, rows * sizeof(reco_pair_part));
	f.have = zeroed(env, rows * sizeof(int32_t));
	f.entry = env->alloc(env->arg, rows * (size_t) (f.k + 1) * sizeof(Entry));
	if (f.part && f.have && f.entry)
		status = find(env, params, &f, out);
	release(env, f.part);
	release(env, f.have);
	release(env, f.entry);
	if (status != RECO_OK)
		reco_neighbors_free(env, out);
	return status;
}
