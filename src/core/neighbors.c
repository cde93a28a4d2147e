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
 * the lists ask for, which may be some rows old: it only lets more pairs through.
 *
 * Memory: the matrix twice, rows x (20 bytes and more) per thread, and rows x k
 * list entries of 16 bytes.
 */
#include "core/neighbors.h"

#include "core/dispatch.h"
#include "core/neighbors_lists.h"
#include "core/pairs.h"
#include "core/sorting.h"
#include "core/team.h"
#include "core/work.h"

#include <omp.h>

/* Others that are scanned at a time. */
#define SCAN 1024
/* Rows that a thread takes at a time, with one look at what the lists ask for. */
#define ROWS_AT_A_TIME 8
/* Entries added between two looks at the stop flag: about a millisecond. */
#define ENTRIES_PER_LOOK 1048576
/* of a weight that is counted in bits */
#define MAX_DIGITS 4
/* Entries of a row whose bits are counted at a time: some milliseconds. */
#define BITS_AT_A_TIME 32768
/* Noise of the log-likelihood ratio, a difference of large sums. */
#define LLR_NOISE 1e-8

_Static_assert((int64_t) BITS_AT_A_TIME << (2 * MAX_DIGITS) <= INT32_MAX,
			   "what is counted in bits at a time fits the counters");

/* One thread's sums. */
typedef struct Sums
{
	double *dot;    /* NULL: counts are the products */
	int32_t *count; /* NULL: not needed */
	int32_t *touched;
	int32_t touches;
	int32_t *string;  /* a row's columns by binary digit of their weights; or NULL */
	double *floor;    /* what the lists asked of `of` and later rows */
	int32_t of;       /* least row number of those being taken */
	int32_t floors;   /* ranks in floor; 0: it is to be read anew */
	reco_pair *found; /* SCAN */
	double *mine;     /* SCAN, of found */
} Sums;

typedef struct Search
{
	const reco_env *env;
	const reco_env *looks; /* whose `stopping` is asked */
	const reco_kernels *kernels;
	reco_pairs pairs;
	Lists lists;
	int32_t *least; /* row number among each SCAN ranks */
	Sums *sums;     /* one a thread */
	int threads;
	int32_t strings; /* longest list of a row's columns that is counted at a time */
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
	{
		double s;

		/* no more often than by chance: the statistic would tell how much they avoid each other */
		if ((int64_t) count * p->columns <= (int64_t) p->length[a] * p->length[b])
			return 0;
		/* in an order that gives (b, a) the same bits: ties go by number */
		s = f->llr_all + (f->u[a] + f->u[b]) + f->xlogx[count] +
			(f->xlogx[p->length[a] - count] + f->xlogx[p->length[b] - count]) +
			f->xlogx[p->columns - p->length[a] - p->length[b] + count];

		return 2 * s > LLR_NOISE ? 2 * s : 0;
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

/* Reads what the lists of the first n ranks ask of the rows that are being taken. */
static void
read_floors(const Search *search, Sums *sums, int32_t n)
{
	for (int32_t b = 0; b < n; b++)
		sums->floor[b] = asks(&search->lists, b, sums->of);
	sums->floors = n;
}

/* The pairs of a row with the n rows from rank `from` that may enter a list. */
static int32_t
scan(Search *search, Sums *sums, int32_t a, int32_t from, int32_t n, double floor)
{
	const reco_pair_formula *f = &search->pairs.formula;
	const double *dot = sums->dot ? sums->dot + from : NULL;
	const int32_t *count = dot == NULL || f->min_support > 1 ? sums->count + from : NULL;
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

	return search->kernels->pair_scan(&row, dot, count, n, sums->floor + from, sums->found);
}

/*
 * What a row's list will ask for at least: the k-th best of the last rows before it.
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
	floor = asks(lists, a, 0);
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
take_range(Search *search, Sums *sums, int32_t a)
{
	const reco_pairs *p = &search->pairs;
	double first = 0;

	if (sums->floors < a)
		read_floors(search, sums, a + ROWS_AT_A_TIME < p->rows ? a + ROWS_AT_A_TIME : p->rows);
	first = first_floor(search, sums, a);
	for (int32_t from = 0; from < a; from += SCAN)
	{
		double floor = asks(&search->lists, a, search->least[from / SCAN]);
		int32_t n = a - from < SCAN ? a - from : SCAN;
		int32_t found = scan(search, sums, a, from, n, floor > first ? floor : first);

		for (int32_t k = 0; k < found; k++)
		{
			reco_pair pair = sums->found[k];
			int32_t b = from + pair.other;

			if (pair.mine >= first)
				offer(&search->lists, a, (Entry){pair.mine, p->row_of[b]});
			offer(&search->lists, b, (Entry){pair.theirs, p->row_of[a]});
		}
	}
	if (sums->dot)
		memset(sums->dot, 0, (size_t) a * sizeof(double));
	if (sums->dot == NULL || p->formula.min_support > 1)
		memset(sums->count, 0, (size_t) a * sizeof(int32_t));
}

/* The same for the log-likelihood ratio, whose formula is another. */
static void
take_range_llr(Search *search, Sums *sums, int32_t a)
{
	for (int32_t b = 0; b < a; b++)
		if (sums->count[b] > 0)
		{
			offer_pair(search, a, b, sums->count[b], sums->count[b]);
			sums->count[b] = 0;
		}
}

/* Adds the bits of n <= BITS_AT_A_TIME entries of a row to the counts. */
static void
count_bits(Search *search, Sums *sums, const int32_t *column, const float *weight, int32_t n)
{
	const reco_pairs *p = &search->pairs;
	size_t plane = ((size_t) p->columns + 1) * (size_t) p->head / 64;
	reco_bit_term term[MAX_DIGITS * MAX_DIGITS];
	int terms = 0;

	for (int d = 0; d < p->digits; d++)
	{
		const int32_t *string = column;
		int32_t strings = n;

		if (weight)
		{
			int32_t *list = sums->string + (size_t) d * (size_t) search->strings;

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
}

/*
 * The products of a row with the head, from strings of bits: digit d of its own weights
 * times digit g of the others' counts 2^(d + g).  False: stopped.
 */
static bool
count_head(Search *search, Sums *sums, int32_t a)
{
	const reco_pairs *p = &search->pairs;

	for (int64_t e = p->row_start[a], n; e < p->row_start[a + 1]; e += n)
	{
		n = p->row_start[a + 1] - e;
		n = n < BITS_AT_A_TIME ? n : BITS_AT_A_TIME;
		if (reco_team_stops(search->looks, &search->stop))
			return false;
		count_bits(search, sums, p->column + e, p->row_weight ? p->row_weight + e : NULL,
				   (int32_t) n);
		/* whole numbers, so nothing is rounded */
		for (int32_t b = 0; sums->dot && b < p->head; b++)
		{
			if (b < a)
				sums->dot[b] += sums->count[b];
			sums->count[b] = 0;
		}
	}
	return true;
}

/*
 * Adds up the products of a row with the rows before it or, when whole, with all; what
 * the head has already is left out.  False: stopped.
 */
static bool
add_row(Search *search, Sums *sums, int32_t a, bool whole, bool touch)
{
	const reco_pairs *p = &search->pairs;
	bool head = !touch && p->head > 0;
	int64_t since = 0;

	if (reco_team_stops(search->looks, &search->stop) || (head && !count_head(search, sums, a)))
		return false;
	for (int64_t e = p->row_start[a]; e < p->row_start[a + 1]; e++)
	{
		int64_t from = p->column_start[p->column[e]];
		int32_t n = whole ? (int32_t) (p->column_start[p->column[e] + 1] - from) : p->place[e];

		if (since >= ENTRIES_PER_LOOK)
		{
			since = 0;
			if (reco_team_stops(search->looks, &search->stop))
				return false;
		}
		since += n + 1;
		if (head)
		{
			from += p->head_size[p->column[e]];
			n -= p->head_size[p->column[e]];
		}
		add(sums, p, e, from, n, touch);
	}
	return true;
}

/* All pairs of a row with the rows before it. */
static void
visit_row(Search *search, Sums *sums, int32_t a)
{
	const reco_pairs *p = &search->pairs;
	int64_t work = 0;
	bool touch;

	for (int64_t e = p->row_start[a]; e < p->row_start[a + 1]; e++)
		work += p->place[e];
	/* a touched pair costs some ten times a scanned one */
	touch = work < a / 8;
	if (!add_row(search, sums, a, false, touch))
		return;
	if (touch)
		take_touched(search, sums, a);
	else
	{
		p->formula.xlogx ? take_range_llr(search, sums, a) : take_range(search, sums, a);
		/* the bits were counted past a */
		if (a < p->head && sums->dot == NULL)
			memset(sums->count + a, 0, (size_t) (p->head - a) * sizeof(int32_t));
	}
}

/* One row with all others, into the only list. */
static reco_status
visit_only(Search *search, int32_t row)
{
	const reco_pairs *p = &search->pairs;
	Sums *sums = &search->sums[0];
	int32_t a = 0;
	int64_t polled = 0;

	for (; p->row_of[a] != row; a++)
		if (stop_at(search->env, a, &polled))
			return RECO_STOPPED;
	polled = 0;
	if (!add_row(search, sums, a, true, true))
		return RECO_STOPPED;
	for (int32_t t = 0; t < sums->touches; t++)
	{
		int32_t b = sums->touched[t];
		double dot = sums->dot ? sums->dot[b] : sums->count[b];

		if (b != a)
			offer(&search->lists, 0,
				  (Entry){similarity(p, a, b, dot, sums->count[b]), p->row_of[b]});
		if (stop_at(search->env, t, &polled))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Ranks from .. to - 1. */
static void
visit_rows(Search *search, Sums *sums, int32_t from, int32_t to)
{
	const reco_pairs *p = &search->pairs;

	sums->floors = 0;
	sums->of = p->row_of[from];
	for (int32_t k = from + 1; k < to; k++)
		sums->of = p->row_of[k] < sums->of ? p->row_of[k] : sums->of;
	for (int32_t k = from; k < to && !reco_flag_up(&search->stop); k++)
		visit_row(search, sums, k);
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
		release(env, search->sums[t].dot);
		release(env, search->sums[t].count);
		release(env, search->sums[t].touched);
		release(env, search->sums[t].string);
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
		if (stop_at(search->env, k, &polled))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* Sums for each thread, and the lists. */
static reco_status
allocate(Search *search, bool all)
{
	const reco_env *env = search->env;
	const reco_pairs *p = &search->pairs;
	size_t rows = (size_t) p->rows + 1;
	bool sets = !p->weight && !p->centered;
	bool strings = p->head > 0 && p->row_weight;
	reco_status status = reco_lists_init(env, all ? p->rows : 1, &search->lists);

	if (status == RECO_OK && all)
		status = fill_least(search);
	if (status != RECO_OK)
		return status;
	search->sums = zeroed(env, (size_t) search->threads * sizeof(Sums));
	search->strings = p->rows > 0 ? p->length[0] : 0;
	if (search->strings > BITS_AT_A_TIME)
		search->strings = BITS_AT_A_TIME;
	for (int t = 0; search->sums && t < search->threads; t++)
	{
		Sums *s = &search->sums[t];

		if (!sets)
			s->dot = zeroed(env, rows * sizeof(double));
		s->count = zeroed(env, rows * sizeof(int32_t));
		s->touched = env->alloc(env->arg, rows * sizeof(int32_t));
		s->floor = all ? env->alloc(env->arg, rows * sizeof(double)) : NULL;
		s->found = env->alloc(env->arg, SCAN * sizeof(reco_pair));
		s->mine = env->alloc(env->arg, SCAN * sizeof(double));
		if (strings)
			s->string =
				env->alloc(env->arg, MAX_DIGITS * ((size_t) search->strings + 1) * sizeof(int32_t));
		if ((!sets && !s->dot) || !s->count || !s->touched || (all && !s->floor) || !s->found ||
			!s->mine || (strings && !s->string))
			return RECO_NO_MEMORY;
	}
	return search->sums ? RECO_OK : RECO_NO_MEMORY;
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
	reco_env polls = *env;
	Search search = {.env = env, .looks = only >= 0 ? &polls : env, .kernels = reco_kernels_best()};
	reco_status status;
	int32_t partners = by_row->rows > 1 ? by_row->rows - 1 : 1;

	if (!valid(params))
		return RECO_INVALID;
	/* one row is searched by the calling thread, which may poll */
	polls.stopping = env->poll;
	search.threads = only >= 0 || env->threads < 1 ? 1 : env->threads;
	search.lists.k = params->neighbors < partners ? params->neighbors : partners;
	search.lists.top = is_cosine(params) ? 1 : INFINITY;
	status = reco_pairs_build(env, params, by_row, &search.pairs);
	if (status == RECO_OK)
		status = allocate(&search, only < 0);
	if (status == RECO_OK && only >= 0)
		status = visit_only(&search, only);
	else if (status == RECO_OK)
	{
		reco_team_prepare(search.threads);
		status = visit_all(&search);
	}
	if (status == RECO_OK)
		status = reco_lists_collect(env, &search.lists, &search.pairs, search.threads, only, out);
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
	size_t lists = r * (k * sizeof(Entry) + 4 + sizeof(Asked) + 1) + (r / SCAN + 1) * 4;
	size_t strings = MAX_DIGITS * 4 * (c < BITS_AT_A_TIME ? c : BITS_AT_A_TIME + 1);
	size_t sums =
		(size_t) threads * (r * (8 + 4 + 4 + 8) + strings + SCAN * (sizeof(reco_pair) + 8));
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
