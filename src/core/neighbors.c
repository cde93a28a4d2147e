/*
 * neighbors.c
 *	  The k nearest neighbors of every row, from a row-by-row sparse product.
 *
 * With rows ranked by falling length (pairs.h), row a runs through its columns,
 * and in each through the rows before it: their products add up in one array per
 * thread, whose busy part, the long rows, stays in the cache.  Each pair is so
 * met once, and offered to both lists.  A list is a heap under a lock of one
 * byte; what a list asks for is also kept in an array that may be read without
 * the lock, since it only rises and the heap decides anyway.  A list holds the k
 * best of a total order (similarity, then number), so it does not depend on the
 * order in which threads bring pairs.
 *
 * Memory: the matrix twice, rows x (12 bytes and more) per thread, and rows x k
 * list entries of 16 bytes.
 */
#include "core/neighbors.h"

#include "core/dispatch.h"
#include "core/pairs.h"
#include "core/sorting.h"
#include "core/team.h"
#include "core/work.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <sched.h>

/* Others that are scanned at a time. */
#define SCAN 1024
/* Entries added between two looks at the stop flag: about a millisecond. */
#define ENTRIES_PER_LOOK 1048576
/* Rows that a thread takes at a time, and lists that it sorts. */
#define ROWS_AT_A_TIME 4
#define LISTS_AT_A_TIME 64
/* of a weight that is counted in bits */
#define MAX_DIGITS 4
/* Noise of the log-likelihood ratio, a difference of large sums. */
#define LLR_NOISE 1e-8

typedef struct Entry
{
	double similarity;
	int32_t row;
} Entry;

static inline bool
worse(Entry a, Entry b)
{
	return a.similarity < b.similarity || (a.similarity == b.similarity && a.row > b.row);
}

#define HEAP_ENTRY Entry
#define HEAP_WORSE(a, b) worse(a, b)
#include "core/heap.h"

typedef struct Lists
{
	int k;
	Entry *entry; /* rows x k, heaps with the worst on top */
	int32_t *filled;
	double *floor; /* what a list asks for */
	double top;    /* no similarity is above it, whatever rounding says */
	char *locked;
} Lists;

/* One thread's sums. */
typedef struct Sums
{
	double *dot;    /* NULL: counts are the products */
	int32_t *count; /* NULL: not needed */
	int32_t *touched;
	int32_t touches;
	int32_t *string;  /* a row's columns by binary digit of their weights; or NULL */
	reco_pair *found; /* SCAN */
} Sums;

typedef struct Search
{
	const reco_env *env;
	const reco_kernels *kernels;
	reco_pairs pairs;
	Lists lists;
	Sums *sums; /* one a thread */
	int threads;
	int32_t longest; /* row */
	bool stop;
} Search;

/* Offers an entry to the list of the row of a rank. */
static void
offer(Lists *lists, int32_t rank, Entry entry)
{
	Entry *heap = lists->entry + (size_t) rank * (size_t) lists->k;
	int spins = 0;

	if (!(entry.similarity >= lists->floor[rank]))
		return;
	if (entry.similarity > lists->top)
		entry.similarity = lists->top;
	while (__atomic_test_and_set(&lists->locked[rank], __ATOMIC_ACQUIRE))
		if (++spins % 64 == 0)
			sched_yield();
	heap_offer(heap, &lists->filled[rank], lists->k, entry);
	if (lists->filled[rank] == lists->k)
		lists->floor[rank] = heap[0].similarity;
	__atomic_clear(&lists->locked[rank], __ATOMIC_RELEASE);
}

/* s(a | b) of two ranks. */
static double
similarity(const reco_pairs *p, int32_t a, int32_t b, double dot, int32_t count)
{
	const reco_pair_formula *f = &p->formula;

	if (f->min_support > 1 && count < (int32_t) f->min_support)
		return 0;
	if (f->xlogx)
	{
		/* in an order that gives (b, a) the same bits: ties go by number */
		double s = f->llr_all + (f->u[a] + f->u[b]) + f->xlogx[count] +
				   (f->xlogx[p->length[a] - count] + f->xlogx[p->length[b] - count]) +
				   f->xlogx[p->columns - p->length[a] - p->length[b] + count];

		return count > 0 && 2 * s > LLR_NOISE ? 2 * s : 0;
	}
	return f->scale * dot / (f->x[a] * f->y[b] + f->u[a] + f->w[b] + (f->shrinkage - f->v * dot));
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

/*
 * Adds the products of an entry of weight `weight` with the first n of its
 * column.  Specialized by the constants it is called with.
 */
static inline __attribute__((always_inline)) void
add_column(Sums *sums, const reco_pairs *p, int64_t from, int32_t n, double weight, bool narrow,
		   bool dots, bool counts, bool touch, bool centered)
{
	const uint16_t *rank16 = narrow ? p->rank16 + from : NULL;
	const int32_t *rank32 = narrow ? NULL : p->rank32 + from;
	const float *weight32 = dots && !centered ? p->weight + from : NULL;
	const double *weight64 = centered ? p->centered + from : NULL;
	double *dot = sums->dot;
	int32_t *count = sums->count;

	for (int32_t k = 0; k < n; k++)
	{
		int32_t b = narrow ? rank16[k] : rank32[k];

		if (touch && count[b] == 0)
			sums->touched[sums->touches++] = b;
		if (counts)
			count[b]++;
		if (dots)
			dot[b] += weight * (centered ? weight64[k] : (double) weight32[k]);
	}
}

static inline __attribute__((always_inline)) void
add_dots(Sums *sums, const reco_pairs *p, int64_t from, int32_t n, double weight, bool touch,
		 bool centered)
{
	bool narrow = p->rank16 != NULL;

	/* touching goes by the counts, so they are kept there */
	if (touch)
		narrow ? add_column(sums, p, from, n, weight, true, true, true, true, centered)
			   : add_column(sums, p, from, n, weight, false, true, true, true, centered);
	else if (p->formula.min_support > 1)
		narrow ? add_column(sums, p, from, n, weight, true, true, true, false, centered)
			   : add_column(sums, p, from, n, weight, false, true, true, false, centered);
	else
		narrow ? add_column(sums, p, from, n, weight, true, true, false, false, centered)
			   : add_column(sums, p, from, n, weight, false, true, false, false, centered);
}

/* Adds what entry e of a row has in common with the n entries from `from`. */
static void
add(Sums *sums, const reco_pairs *p, int64_t e, int64_t from, int32_t n, bool touch)
{
	bool narrow = p->rank16 != NULL;

	if (sums->dot && p->centered)
		add_dots(sums, p, from, n, p->row_centered[e], touch, true);
	else if (sums->dot)
		add_dots(sums, p, from, n, p->row_weight[e], touch, false);
	else if (touch)
		narrow ? add_column(sums, p, from, n, 1, true, false, true, true, false)
			   : add_column(sums, p, from, n, 1, false, false, true, true, false);
	else
		narrow ? add_column(sums, p, from, n, 1, true, false, true, false, false)
			   : add_column(sums, p, from, n, 1, false, false, true, false, false);
}

/* Takes the sums of the ranks that were touched, which become 0 again. */
static void
take_touched(Search *search, Sums *sums, int32_t a)
{
	for (int32_t t = 0; t < sums->touches; t++)
	{
		int32_t b = sums->touched[t];
		int32_t count = sums->count[b];
		double dot = sums->dot ? sums->dot[b] : count;

		sums->count[b] = 0;
		if (sums->dot)
			sums->dot[b] = 0;
		offer_pair(search, a, b, dot, count);
	}
	sums->touches = 0;
}

static void
take_range(Search *search, Sums *sums, int32_t a)
{
	const reco_pairs *p = &search->pairs;
	const reco_pair_formula *f = &p->formula;
	bool counts = sums->dot == NULL || f->min_support > 1;

	for (int32_t from = 0; from < a; from += SCAN)
	{
		int32_t n = a - from < SCAN ? a - from : SCAN;
		double *dot = sums->dot ? sums->dot + from : NULL;
		int32_t *count = counts ? sums->count + from : NULL;

		if (f->xlogx)
		{
			for (int32_t b = 0; b < n; b++)
				if (count[b] > 0)
					offer_pair(search, a, from + b, count[b], count[b]);
		}
		else
		{
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
								 search->lists.floor[a],
								 (int32_t) f->min_support,
								 f->symmetric};
			int32_t found = search->kernels->pair_scan(&row, dot, count, n,
													   search->lists.floor + from, sums->found);

			for (int32_t k = 0; k < found; k++)
			{
				reco_pair pair = sums->found[k];
				int32_t b = from + pair.other;

				offer(&search->lists, a, (Entry){pair.mine, p->row_of[b]});
				offer(&search->lists, b, (Entry){pair.theirs, p->row_of[a]});
			}
		}
		if (dot)
			memset(dot, 0, (size_t) n * sizeof(double));
		if (count)
			memset(count, 0, (size_t) n * sizeof(int32_t));
	}
}

/*
 * The products of a row with the head, from strings of bits: digit d of its own weights
 * times digit g of the others' counts 2^(d + g).
 */
static void
count_head(Search *search, Sums *sums, int32_t a)
{
	const reco_pairs *p = &search->pairs;
	size_t plane = ((size_t) p->columns + 1) * (size_t) p->head / 64;
	const int32_t *column = p->column + p->row_start[a];
	const float *weight = p->row_weight ? p->row_weight + p->row_start[a] : NULL;
	int32_t n = (int32_t) (p->row_start[a + 1] - p->row_start[a]);
	reco_bit_term term[MAX_DIGITS * MAX_DIGITS];
	int terms = 0;

	for (int d = 0; d < p->digits; d++)
	{
		const int32_t *string = column;
		int32_t strings = n;

		if (weight)
		{
			int32_t *list = sums->string + (size_t) d * (size_t) search->longest;

			strings = 0;
			for (int32_t e = 0; e < n; e++)
				if (((int) weight[e] >> d) & 1)
					list[strings++] = column[e];
			string = list;
		}
		for (int g = 0; g < p->digits && strings > 0; g++)
			term[terms++] = (reco_bit_term){p->bits + (size_t) g * plane, string, strings, d + g};
	}
	search->kernels->bit_sums(term, terms, p->head / 64, p->columns, sums->count);
	if (sums->dot == NULL)
		return;
	for (int32_t b = 0; b < p->head; b++)
	{
		if (b < a)
			sums->dot[b] = sums->count[b];
		sums->count[b] = 0;
	}
}

/*
 * All pairs of a row with the rows before it, or, when whole, with all others.
 */
static void
visit_row(Search *search, Sums *sums, int32_t a, bool whole)
{
	const reco_pairs *p = &search->pairs;
	int64_t work = 0;
	int64_t since = ENTRIES_PER_LOOK;
	bool touch;

	for (int64_t e = p->row_start[a]; e < p->row_start[a + 1]; e++)
		work += p->place[e];
	/* a touched pair costs some ten times a scanned one */
	touch = whole || work < a / 8;
	if (!touch && p->head > 0)
		count_head(search, sums, a);
	for (int64_t e = p->row_start[a]; e < p->row_start[a + 1]; e++)
	{
		int64_t from = p->column_start[p->column[e]];
		int32_t n = whole ? (int32_t) (p->column_start[p->column[e] + 1] - from) : p->place[e];

		if (since >= ENTRIES_PER_LOOK)
		{
			since = 0;
			if (search->stop || search->env->stopping(search->env->arg))
			{
				search->stop = true;
				return;
			}
		}
		since += n + 1;
		if (!touch && p->head > 0)
		{
			from += p->head_size[p->column[e]];
			n -= p->head_size[p->column[e]];
		}
		add(sums, p, e, from, n, touch);
	}
	if (!touch)
	{
		take_range(search, sums, a);
		/* the bits were counted past a */
		if (a < p->head && sums->dot == NULL)
			memset(sums->count + a, 0, (size_t) (p->head - a) * sizeof(int32_t));
	}
	else if (whole)
	{
		for (int32_t t = 0; t < sums->touches; t++)
		{
			int32_t b = sums->touched[t];
			double dot = sums->dot ? sums->dot[b] : sums->count[b];

			if (b != a)
				offer(&search->lists, 0,
					  (Entry){similarity(p, a, b, dot, sums->count[b]), p->row_of[b]});
		}
	}
	else
		take_touched(search, sums, a);
}

/* All pairs.  Long rows first: what the lists ask for rises early. */
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
			for (int64_t k = from; k < to && !search->stop; k++)
				visit_row(search, &search->sums[omp_get_thread_num()], (int32_t) k, false);
			if (search->stop || reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg) || search->stop)
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Sorts the heap of a rank and puts it at its place. */
static void
lay_out(Lists *lists, int32_t k, reco_neighbors *out, int64_t at)
{
	Entry *heap = lists->entry + (size_t) k * (size_t) lists->k;

	(void) heap_sort(NULL, heap, lists->filled[k]);
	for (int32_t n = 0; n < lists->filled[k]; n++)
	{
		out->row[at + n] = heap[n].row;
		out->similarity[at + n] = heap[n].similarity;
	}
}

/* Sorts the heaps and lays them out by row. */
static reco_status
collect(Search *search, int32_t only, reco_neighbors *out)
{
	const reco_env *env = search->env;
	const reco_pairs *p = &search->pairs;
	Lists *lists = &search->lists;
	int32_t count = only >= 0 ? 1 : p->rows;
	reco_work work = reco_work_of(count, LISTS_AT_A_TIME);
	int64_t total = 0;

	*out = (reco_neighbors){.rows = p->rows};
	out->start = zeroed(env, ((size_t) p->rows + 2) * sizeof(int64_t));
	if (out->start == NULL)
		return RECO_NO_MEMORY;
	for (int32_t k = 0; k < count; k++)
		out->start[(only >= 0 ? only : p->row_of[k]) + 1] = lists->filled[k];
	for (int32_t r = 0; r < p->rows; r++)
		out->start[r + 1] += out->start[r];
	total = out->start[p->rows];
	out->row = env->alloc(env->arg, ((size_t) total + 1) * sizeof(int32_t));
	out->similarity = env->alloc(env->arg, ((size_t) total + 1) * sizeof(double));
	if (out->row == NULL || out->similarity == NULL)
	{
		reco_neighbors_free(env, out);
		return RECO_NO_MEMORY;
	}
	do
	{
#pragma omp parallel num_threads(search->threads)
		for (int64_t from, to; reco_work_take(&work, &from, &to);)
		{
			for (int64_t k = from; k < to; k++)
				lay_out(lists, (int32_t) k, out, out->start[only >= 0 ? only : p->row_of[k]]);
			if (reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg))
		{
			reco_neighbors_free(env, out);
			return RECO_STOPPED;
		}
	} while (reco_work_left(&work));
	return RECO_OK;
}

static void
free_search(Search *search)
{
	const reco_env *env = search->env;

	for (int t = 0; search->sums && t < search->threads; t++)
	{
		release(env, search->sums[t].dot);
		release(env, search->sums[t].count);
		release(env, search->sums[t].touched);
		release(env, search->sums[t].string);
		release(env, search->sums[t].found);
	}
	release(env, search->sums);
	release(env, search->lists.entry);
	release(env, search->lists.filled);
	release(env, search->lists.floor);
	release(env, search->lists.locked);
	reco_pairs_free(env, &search->pairs);
}

static reco_status
allocate(Search *search, bool sets, int32_t lists)
{
	const reco_env *env = search->env;
	size_t rows = (size_t) search->pairs.rows + 1;
	Lists *l = &search->lists;

	l->entry = env->alloc(env->arg, ((size_t) lists + 1) * (size_t) l->k * sizeof(Entry));
	l->filled = zeroed(env, rows * sizeof(int32_t));
	l->floor = env->alloc(env->arg, rows * sizeof(double));
	l->locked = zeroed(env, rows);
	search->sums = zeroed(env, (size_t) search->threads * sizeof(Sums));
	search->longest = search->pairs.rows > 0 ? search->pairs.length[0] : 0;
	if (!l->entry || !l->filled || !l->floor || !l->locked || !search->sums)
		return RECO_NO_MEMORY;
	for (size_t r = 0; r < rows; r++)
		l->floor[r] = DBL_TRUE_MIN;
	for (int t = 0; t < search->threads; t++)
	{
		Sums *s = &search->sums[t];

		if (!sets)
			s->dot = zeroed(env, rows * sizeof(double));
		s->count = zeroed(env, rows * sizeof(int32_t));
		s->touched = env->alloc(env->arg, rows * sizeof(int32_t));
		s->found = env->alloc(env->arg, SCAN * sizeof(reco_pair));
		if (search->pairs.digits > 1)
			s->string =
				env->alloc(env->arg, MAX_DIGITS * ((size_t) search->longest + 1) * sizeof(int32_t));
		if ((!sets && !s->dot) || !s->count || !s->touched || !s->found ||
			(search->pairs.digits > 1 && !s->string))
			return RECO_NO_MEMORY;
	}
	return RECO_OK;
}

static bool
valid(const reco_neighbors_params *p)
{
	return p->neighbors >= 1 && p->shrinkage >= 0 && isfinite(p->shrinkage) &&
		   p->min_support >= 0 && isfinite(p->exponent) && p->tversky_alpha >= 0 &&
		   p->tversky_beta >= 0 && p->k1 >= 0 && p->b >= 0 && p->b <= 1;
}

static bool
is_cosine(const reco_neighbors_params *p)
{
	return p->measure == RECO_COSINE || p->measure == RECO_ADJUSTED_COSINE ||
		   p->measure == RECO_PEARSON || (p->measure == RECO_ASYMMETRIC && p->exponent == 0.5);
}

reco_status
reco_neighbors_find(const reco_env *env, const reco_neighbors_params *params,
					const reco_csr *by_row, int32_t only, reco_neighbors *out)
{
	Search search = {.env = env, .kernels = reco_kernels_best()};
	reco_status status;
	int32_t partners = by_row->rows > 1 ? by_row->rows - 1 : 1;

	if (!valid(params))
		return RECO_INVALID;
	search.threads = only >= 0 || env->threads < 1 ? 1 : env->threads;
	search.lists.k = params->neighbors < partners ? params->neighbors : partners;
	search.lists.top = is_cosine(params) ? 1 : INFINITY;
	status = reco_pairs_build(env, params, by_row, &search.pairs);
	if (status == RECO_OK)
		status = allocate(&search, !search.pairs.weight && !search.pairs.centered,
						  only >= 0 ? 1 : by_row->rows);
	if (status == RECO_OK && only >= 0)
	{
		int32_t rank = 0;

		while (search.pairs.row_of[rank] != only)
			rank++;
		visit_row(&search, &search.sums[0], rank, true);
	}
	else if (status == RECO_OK)
	{
		reco_team_prepare(search.threads);
		status = visit_all(&search);
	}
	if (status == RECO_OK && search.stop)
		status = RECO_STOPPED;
	if (status == RECO_OK)
		status = collect(&search, only, out);
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
	/* pairs.c: the two forms with weights, sums and statistics; where there are no weights, */
	/* the bits: at most 8 bytes an entry */
	size_t pairs = e * (4 + 4 + 4 + 8 + 8 + 8) + r * (8 + 8 + 4 + 4 + 4 + 8 + 8 + 4 + 32) +
				   c * (8 + 4 + 8 + 4 + 8);
	size_t lists = r * (k * sizeof(Entry) + 4 + 8 + 1);
	size_t sums = (size_t) threads * (r * (8 + 4 + 4) + SCAN * sizeof(reco_pair));
	size_t result = r * 8 + r * k * 12;

	return pairs + lists + sums + result + 4096 * 8;
}

void
reco_neighbors_free(const reco_env *env, reco_neighbors *n)
{
	release(env, n->start);
	release(env, n->row);
	release(env, n->similarity);
	memset(n, 0, sizeof(*n));
}
