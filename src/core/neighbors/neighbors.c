/*
 * neighbors.c
 *	  The k nearest neighbors of every row, from a row-by-row sparse product.
 *
 * With rows ranked by falling length (pairs.h), row a runs through its columns,
 * and in each through the rows before it: their products add up in one array per
 * thread, whose busy part, the long rows, stays in the cache.  Each pair is so
 * met once, and offered to both lists.  A list (neighbors_lists.h) holds the k best
 * of a total order (similarity, then number), so it does not depend on the order in
 * which threads bring pairs.  The kernels compare with a thread's own copy of what
 * the lists require, which may be some rows old: it only lets more pairs through.
 *
 * Memory: the matrix twice, rows x (20 bytes and more) per thread, and rows x k
 * list entries of 16 bytes.
 */
#include "core/neighbors/neighbors.h"

#include "core/base/dispatch.h"
#include "core/neighbors/neighbors_lists.h"
#include "core/neighbors/neighbors_sums.h"
#include "core/neighbors/pairs.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"
#include "core/base/team.h"
#include "core/base/work.h"

#include <omp.h>

/* Others that are scanned at a time. */
#define SCAN 1024
/* Found pairs whose lists are fetched before their turn. */
#define AHEAD 6
/* Rows that a thread compares at a time, with one copy of the thresholds. */
#define ROWS_AT_A_TIME 8

typedef struct Search
{
	const reco_env *env;
	Adding adding;
	reco_pairs pairs;
	Lists lists;
	int32_t *least; /* row number among each SCAN ranks */
	Sums *sums;     /* one a thread */
	int threads;
	reco_flag stop;
} Search;

/* s(a | b) of two ranks. */
static double
similarity(const reco_pairs *p, int32_t a, int32_t b, double dot, int32_t count)
{
	const reco_pair_formula *f = &p->formula;

	if (f->min_support > 1 && count < (int32_t) f->min_support)
		return 0;
	if (f->xlogx)
		return reco_pair_llr(f, f->u[a], f->u[b], p->length[a], p->length[b], count);
	return reco_pair_ratio(f, f->x[a], f->u[a], f->y[b], f->w[b], dot);
}

static void
offer_pair(Search *search, int32_t a, int32_t b, double dot, int32_t count)
{
	const reco_pairs *p = &search->pairs;
	double mine = similarity(p, a, b, dot, count);
	double theirs = p->formula.symmetric ? mine : similarity(p, b, a, dot, count);

	offer(&search->lists, a, (Entry){mine, p->row_of[b]});
	offer(&search->lists, b, (Entry){theirs, p->row_of[a]});
}

/* Offers the pairs whose sums were listed; the sums become 0 again. */
static void
offer_touched(Search *search, Sums *sums, int32_t a)
{
	for (int32_t t = 0; t < sums->touches; t++)
	{
		int32_t b = sums->touched[t];
		int32_t count = sums->sum[b];
		double dot = sums->dot ? sums->dot[b] : count;

		sums->sum[b] = 0;
		if (sums->dot)
			sums->dot[b] = 0;
		offer_pair(search, a, b, dot, count);
	}
	sums->touches = 0;
}

/* Reads what the lists of the first n ranks require of the rows that are being compared. */
static void
read_floors(const Search *search, Sums *sums, int32_t n)
{
	for (int32_t b = 0; b < n; b++)
		sums->floor[b] = required(&search->lists, b, sums->least);
	sums->floors = n;
}

/* The pairs of a row with the n rows from rank `from` that may enter a list. */
static int32_t
scan(Search *search, Sums *sums, int32_t a, int32_t from, int32_t n, double floor)
{
	const reco_pair_formula *f = &search->pairs.formula;
	const double *dot = sums->dot ? sums->dot + from : NULL;
	const int32_t *count = dot == NULL || f->min_support > 1 ? sums->sum + from : NULL;
	reco_pair_row row = {f->scale,
						 f->v,
						 f->shrinkage,
						 f->x[a],
						 f->y[a],
						 f->u[a],
						 f->w[a],
						 f->x + from,
						 f->y + from,
						 f->u + from,
						 f->w + from,
						 floor,
						 (int32_t) f->min_support,
						 f->symmetric};

	return search->adding.kernels->pair_scan(&row, dot, count, n, sums->floor + from, sums->found);
}

/*
 * What a row's list will require at least: the k-th best of the last rows before it.
 * They are the short ones, and where rows have little in common the most alike, so that
 * without it each row would enter the list as it comes, and leave it again.
 */
static double
first_floor(Search *search, Sums *sums, int32_t a)
{
	const Lists *lists = &search->lists;
	double *mine = sums->mine;
	int32_t from = a - SCAN;
	int32_t n = 0;
	int32_t found;
	double floor;

	if (from < SCAN || lists->k > SCAN)
		return 0;
	floor = required(lists, a, 0);
	found = scan(search, sums, a, from, SCAN, floor);
	for (int32_t k = 0; k < found; k++)
		if (sums->found[k].mine >= floor)
			mine[n++] = sums->found[k].mine;
	if (n < lists->k)
		return 0;
	floor = reco_kth_largest(mine, n, lists->k);
	return floor < lists->top ? floor : lists->top;
}

/* All rows before a row; their sums become 0 again. */
static void
offer_range(Search *search, Sums *sums, int32_t a)
{
	const reco_pairs *p = &search->pairs;
	double first = 0;

	if (sums->floors < a)
		read_floors(search, sums, a + ROWS_AT_A_TIME < p->rows ? a + ROWS_AT_A_TIME : p->rows);
	first = first_floor(search, sums, a);
	for (int32_t from = 0; from < a; from += SCAN)
	{
		double floor = required(&search->lists, a, search->least[from / SCAN]);
		int32_t n = a - from < SCAN ? a - from : SCAN;
		int32_t found = scan(search, sums, a, from, n, floor > first ? floor : first);

		for (int32_t k = 0; k < found; k++)
		{
			reco_pair pair = sums->found[k];
			int32_t b = from + pair.other;

			if (k + AHEAD < found)
				offer_ahead(&search->lists, from + sums->found[k + AHEAD].other);
			if (pair.mine >= first)
				offer(&search->lists, a, (Entry){pair.mine, p->row_of[b]});
			offer(&search->lists, b, (Entry){pair.theirs, p->row_of[a]});
		}
	}
	if (sums->dot)
		memset(sums->dot, 0, (size_t) a * sizeof(double));
	if (sums->dot == NULL || p->formula.min_support > 1)
		memset(sums->sum, 0, (size_t) a * sizeof(int32_t));
}

/* The same for the log-likelihood ratio, whose formula is another. */
static void
offer_range_llr(Search *search, Sums *sums, int32_t a)
{
	for (int32_t b = 0; b < a; b++)
		if (sums->sum[b] > 0)
		{
			offer_pair(search, a, b, sums->sum[b], sums->sum[b]);
			sums->sum[b] = 0;
		}
}

/* All pairs of a row with the rows before it. */
static void
visit_row(Search *search, Sums *sums, int32_t a)
{
	const reco_pairs *p = &search->pairs;
	int64_t work = 0;
	int32_t end;
	bool touch;

	for (int64_t e = p->row_start[a]; e < p->row_start[a + 1]; e++)
		work += p->place[e];
	/* a touched pair costs some ten times a scanned one */
	touch = work < a / 8;
	end = reco_sums_add(&search->adding, sums, a, touch);
	if (end < 0)
		return;
	if (touch)
		offer_touched(search, sums, a);
	else
	{
		p->formula.xlogx ? offer_range_llr(search, sums, a) : offer_range(search, sums, a);
		memset(sums->sum + a, 0, (size_t) (end - a) * sizeof(int32_t));
	}
}

/* Ranks from .. to - 1. */
static void
visit_rows(Search *search, Sums *sums, int32_t from, int32_t to)
{
	const reco_pairs *p = &search->pairs;

	sums->floors = 0;
	sums->least = p->row_of[from];
	for (int32_t k = from + 1; k < to; k++)
		sums->least = p->row_of[k] < sums->least ? p->row_of[k] : sums->least;
	for (int32_t k = from; k < to && !reco_flag_up(&search->stop); k++)
		visit_row(search, sums, k);
}

/* All pairs.  Long rows first: what the lists require rises early. */
static reco_status
visit_all(Search *search)
{
	const reco_env *env = search->env;
	reco_work work = reco_work_of(search->pairs.rows, ROWS_AT_A_TIME);

	while (reco_work_left(&work))
	{
#pragma omp parallel num_threads(search->threads)
		for (int64_t from, to; reco_work_take(&work, &from, &to);)
		{
			visit_rows(search, &search->sums[omp_get_thread_num()], (int32_t) from, (int32_t) to);
			if (reco_flag_up(&search->stop) || reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg) || reco_flag_up(&search->stop))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

static void
free_search(Search *search)
{
	const reco_env *env = search->env;

	for (int t = 0; search->sums && t < search->threads; t++)
	{
		reco_sums_free(env, &search->sums[t]);
		release(env, search->sums[t].floor);
		release(env, search->sums[t].found);
		release(env, search->sums[t].mine);
	}
	release(env, search->sums);
	release(env, search->least);
	reco_lists_free(env, &search->lists);
	reco_pairs_free(env, &search->pairs);
}

static reco_status
fill_least(Search *search)
{
	const reco_pairs *p = &search->pairs;
	int64_t polled = 0;

	search->least =
		search->env->alloc(search->env->arg, ((size_t) p->rows / SCAN + 1) * sizeof(int32_t));
	if (search->least == NULL)
		return RECO_NO_MEMORY;
	for (int32_t k = 0; k < p->rows; k++)
	{
		int32_t *least = &search->least[k / SCAN];

		if (k % SCAN == 0 || p->row_of[k] < *least)
			*least = p->row_of[k];
		if (stop_at_entry(search->env, k, &polled))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Sums for each thread, and the lists. */
static reco_status
allocate(Search *search)
{
	const reco_env *env = search->env;
	const reco_pairs *p = &search->pairs;
	size_t rows = (size_t) p->rows + 1;
	reco_status status = reco_lists_init(env, p->rows, &search->lists);

	if (status == RECO_OK)
		status = fill_least(search);
	if (status != RECO_OK)
		return status;
	search->sums = zeroed(env, (size_t) search->threads * sizeof(Sums));
	for (int t = 0; search->sums && t < search->threads; t++)
	{
		Sums *s = &search->sums[t];

		if (!reco_sums_init(env, p, s))
			return RECO_NO_MEMORY;
		s->floor = env->alloc(env->arg, rows * sizeof(double));
		s->found = env->alloc(env->arg, SCAN * sizeof(reco_pair));
		s->mine = env->alloc(env->arg, SCAN * sizeof(double));
		if (!s->floor || !s->found || !s->mine)
			return RECO_NO_MEMORY;
	}
	return search->sums ? RECO_OK : RECO_NO_MEMORY;
}

reco_status
reco_neighbors_find(const reco_env *env, const reco_neighbors_params *params,
					const reco_csr *by_row, reco_neighbors *out)
{
	reco_env alone = *env;
	Search search = {.env = env};
	reco_status status;
	int32_t partners = by_row->rows > 1 ? by_row->rows - 1 : 1;

	if (!reco_neighbors_params_valid(params))
		return RECO_INVALID;
	alone.threads = 1;
	if (env->threads < 1)
		search.env = &alone;
	search.threads = search.env->threads;
	search.adding = (Adding){env, reco_kernels_best(), &search.pairs, &search.stop};
	search.lists.k = params->neighbors < partners ? params->neighbors : partners;
	search.lists.top = reco_measure_top(params);
	status = reco_pairs_build(search.env, params, by_row, &search.pairs);
	if (status == RECO_OK)
		status = allocate(&search);
	if (status == RECO_OK)
	{
		reco_team_prepare(search.threads);
		status = visit_all(&search);
	}
	if (status == RECO_OK)
		status = reco_lists_collect(env, &search.lists, &search.pairs, search.threads, out);
	free_search(&search);
	return status;
}

size_t
reco_neighbors_memory(const reco_neighbors_params *params, int32_t rows, int32_t columns,
					  int64_t entries, int threads)
{
	size_t r = (size_t) rows + 1;
	size_t c = (size_t) columns + 1;
	size_t e = (size_t) entries + 1;
	size_t k = params->neighbors < rows ? (size_t) params->neighbors : r;
	/* pairs.c: the two forms with weights, sums and statistics; where weights are integers */
	/* or there are none, the bits: at most 16 bytes an entry */
	size_t pairs = e * (4 + 4 + 4 + 8 + 8 + 8) + r * (8 + 8 + 4 + 4 + 4 + 8 + 8 + 4 + 32) +
				   c * (8 + 4 + 8 + 4 + 8);
	size_t lists = r * (k * sizeof(Entry) + 4 + sizeof(Threshold) + 1) + (r / SCAN + 1) * 4;
	size_t sums = (size_t) threads *
				  (reco_sums_memory(rows, columns) + r * 8 + SCAN * (sizeof(reco_pair) + 8));
	size_t result = r * 8 + r * k * 12;

	return pairs + lists + sums + result + reco_parts_memory(columns, entries, threads) + 4096 * 8;
}
