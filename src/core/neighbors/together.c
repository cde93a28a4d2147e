/*
 * together.c
 *	  Which pairs of items meet in baskets more often than others.
 *
 * Pairs are counted as neighbors are (neighbors.c): each item with those that are in more
 * baskets.  What a thread finds goes to a buffer of its own, unless it is after the worst of the n
 * best so far, which the main thread alone changes, between two parallel regions.  A region ends
 * when a buffer is full, and goes on after the main thread has emptied it.  The n best
 * of a total order do not depend on the order in which pairs come.
 */
#include "core/neighbors/together.h"

#include "core/base/dispatch.h"
#include "core/base/work.h"
#include "core/data/sorting.h"
#include "core/neighbors/neighbors_sums.h"

#include <math.h>
#include <omp.h>

#define HEAP_ENTRY reco_together_pair
#define HEAP_WORSE(a, b) reco_together_after(&(a), &(b))
#include "core/base/heap.h"

/* Pairs that a thread finds, beside those of one item, before its buffer is emptied. */
#define BUFFER 16384
/* Room for pairs to begin with. */
#define FIRST_PAIRS 4096
/* Pairs put into the heap between two polls: some milliseconds. */
#define PAIRS_PER_POLL 32768
/* Items that a thread counts at a time. */
#define ITEMS_AT_A_TIME 8

/* One thread's. */
typedef struct Finder
{
	Sums sums;
	int64_t from; /* ranks that it has taken and not counted yet */
	int64_t to;
	int32_t pairs;
	reco_together_pair *pair; /* items + BUFFER */
} Finder;

typedef struct Search
{
	const reco_env *env;
	Adding adding;
	reco_pairs pairs;
	reco_together_measure measure;
	int32_t min_support;
	Finder *finder;
	reco_flag stop;
	/* the best: a heap of up to n, in room for `slots` */
	int32_t n;
	int32_t slots;
	int32_t have;
	reco_together_pair *best;
} Search;

double
reco_together_xlogx(int64_t x)
{
	return x > 0 ? (double) x * log((double) x) : 0;
}

static inline double
x_log_x(const double *xlogx, int64_t x)
{
	return xlogx ? xlogx[x] : reco_together_xlogx(x);
}

/* The sum in the order of reco_pair_llr: the same bits. */
double
reco_together_llr(const double *xlogx, int32_t n, int32_t n_a, int32_t n_b, int32_t c)
{
	double u_a = -x_log_x(xlogx, n_a) - x_log_x(xlogx, n - n_a);
	double u_b = -x_log_x(xlogx, n_b) - x_log_x(xlogx, n - n_b);
	double s;

	if ((int64_t) c * n <= (int64_t) n_a * n_b)
		return 0;
	s = x_log_x(xlogx, n) + (u_a + u_b) + x_log_x(xlogx, c) +
		(x_log_x(xlogx, n_a - c) + x_log_x(xlogx, n_b - c)) +
		x_log_x(xlogx, (int64_t) n - n_a - n_b + c);
	return 2 * s > RECO_LLR_NOISE ? 2 * s : 0;
}

/* Takes a pair into the buffer unless it cannot be among the best. */
static inline void
take_pair(const Search *search, Finder *finder, int32_t a, int32_t b, int32_t count)
{
	const reco_pairs *p = &search->pairs;
	reco_together_pair pair = {.a = p->row_of[a], .b = p->row_of[b], .count = count};

	if (search->measure == RECO_TOGETHER_LLR)
		pair.score = reco_pair_llr(&p->formula, p->formula.u[a], p->formula.u[b], p->length[a],
								   p->length[b], count);
	else
		pair.score =
			reco_together_ratio(search->measure, p->columns, p->length[a], p->length[b], count);
	if (pair.a > pair.b)
	{
		int32_t other = pair.a;

		pair.a = pair.b;
		pair.b = other;
	}
	if (search->have < search->n || reco_together_after(&search->best[0], &pair))
		finder->pair[finder->pairs++] = pair;
}

/* All pairs of an item, by rank, with those before it; its sums become 0 again. */
static void
count_item(Search *search, Finder *finder, int32_t a)
{
	const reco_pairs *p = &search->pairs;
	Sums *sums = &finder->sums;
	int64_t work = 0;
	int32_t end;
	bool touch;

	/* who is in too few baskets meets nobody often enough, nor does who is in fewer */
	if (p->length[a] < search->min_support)
		return;
	for (int64_t e = p->row_start[a]; e < p->row_start[a + 1]; e++)
		work += p->place[e];
	touch = work < a / 8;
	end = reco_sums_add(&search->adding, sums, a, touch);
	if (end < 0)
		return;
	for (int32_t t = 0; touch && t < sums->touches; t++)
	{
		int32_t b = sums->touched[t];

		if (sums->sum[b] >= search->min_support)
			take_pair(search, finder, a, b, sums->sum[b]);
		sums->sum[b] = 0;
	}
	sums->touches = 0;
	if (touch)
		return;
	for (int32_t b = 0; b < a; b++)
		if (sums->sum[b] >= search->min_support)
			take_pair(search, finder, a, b, sums->sum[b]);
	memset(sums->sum, 0, (size_t) end * sizeof(int32_t));
}

/* Counts items until none is left, the buffer may be too small for another, or a poll is due. */
static void
count_items(Search *search, Finder *finder, reco_work *work)
{
	while (!reco_flag_up(&search->stop) && finder->pairs <= BUFFER)
	{
		if (finder->from >= finder->to && !reco_work_take(work, &finder->from, &finder->to))
			return;
		count_item(search, finder, (int32_t) finder->from++);
		if (reco_work_pause(search->env))
			return;
	}
}

/* Twice the room for the best, or as much as they may be. */
static reco_status
grow(Search *search)
{
	const reco_env *env = search->env;
	int32_t slots = search->slots < search->n / 2 ? search->slots * 2 : search->n;
	reco_together_pair *more = env->alloc(env->arg, (size_t) slots * sizeof(reco_together_pair));

	if (more == NULL)
		return RECO_NO_MEMORY;
	memcpy(more, search->best, (size_t) search->have * sizeof(reco_together_pair));
	env->release(env->arg, search->best);
	search->best = more;
	search->slots = slots;
	return RECO_OK;
}

/* Puts what a thread found among the best. */
static reco_status
empty_buffer(Search *search, Finder *finder)
{
	for (int32_t k = 0; k < finder->pairs; k++)
	{
		if (search->have == search->slots && search->slots < search->n && grow(search) != RECO_OK)
			return RECO_NO_MEMORY;
		heap_offer(search->best, &search->have, search->n, finder->pair[k]);
		if (k % PAIRS_PER_POLL == PAIRS_PER_POLL - 1 && search->env->poll(search->env->arg))
			return RECO_STOPPED;
	}
	finder->pairs = 0;
	return RECO_OK;
}

static reco_status
count_all(Search *search)
{
	const reco_env *env = search->env;
	reco_work work = reco_work_of(search->pairs.rows, ITEMS_AT_A_TIME);
	reco_status status = RECO_OK;
	bool left = reco_work_left(&work);

	reco_team_prepare(env->threads);
	while (left && status == RECO_OK)
	{
#pragma omp parallel num_threads(env->threads)
		count_items(search, &search->finder[omp_get_thread_num()], &work);
		left = reco_work_left(&work);
		for (int t = 0; t < env->threads && status == RECO_OK; t++)
		{
			left = left || search->finder[t].from < search->finder[t].to;
			status = empty_buffer(search, &search->finder[t]);
		}
		if (status == RECO_OK && (env->poll(env->arg) || reco_flag_up(&search->stop)))
			status = RECO_STOPPED;
	}
	return status;
}

static reco_status
allocate(Search *search)
{
	const reco_env *env = search->env;
	size_t buffer = ((size_t) search->pairs.rows + BUFFER + 1) * sizeof(reco_together_pair);

	search->finder = zeroed(env, (size_t) env->threads * sizeof(Finder));
	for (int t = 0; search->finder && t < env->threads; t++)
	{
		search->finder[t].pair = env->alloc(env->arg, buffer);
		if (!reco_sums_init(env, &search->pairs, &search->finder[t].sums) ||
			search->finder[t].pair == NULL)
			return RECO_NO_MEMORY;
	}
	search->slots = search->n < FIRST_PAIRS ? search->n : FIRST_PAIRS;
	search->best = env->alloc(env->arg, (size_t) search->slots * sizeof(reco_together_pair));
	return search->finder && search->best ? RECO_OK : RECO_NO_MEMORY;
}

static void
free_search(Search *search)
{
	const reco_env *env = search->env;

	for (int t = 0; search->finder && t < env->threads; t++)
	{
		reco_sums_free(env, &search->finder[t].sums);
		release(env, search->finder[t].pair);
	}
	release(env, search->finder);
	reco_pairs_free(env, &search->pairs);
}

/* How many baskets hold each item. */
static reco_status
take_lengths(const Search *search, reco_together *out)
{
	const reco_env *env = search->env;
	const reco_pairs *p = &search->pairs;
	int64_t polled = 0;

	out->baskets = env->alloc(env->arg, ((size_t) p->rows + 1) * sizeof(int32_t));
	if (out->baskets == NULL)
		return RECO_NO_MEMORY;
	for (int32_t k = 0; k < p->rows; k++)
	{
		out->baskets[p->row_of[k]] = p->length[k];
		if (stop_at_entry(env, k, &polled))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

reco_status
reco_together_find(const reco_env *env, const reco_csr *by_item, reco_together_measure measure,
				   int32_t min_support, int32_t n, reco_together *out)
{
	/* of sets: no weights are made, and logarithms where they are asked for */
	reco_neighbors_params params = {
		.measure = measure == RECO_TOGETHER_LLR ? RECO_LLR : RECO_CONDITIONAL, .neighbors = 1};
	Search search = {.env = env, .measure = measure, .n = n};
	reco_status status;

	*out = (reco_together){0};
	if (n < 1 || env->threads < 1)
		return RECO_INVALID;
	search.min_support = min_support > 1 ? min_support : 1;
	search.adding = (Adding){env, reco_kernels_best(), &search.pairs, &search.stop};
	status = reco_pairs_build(env, &params, by_item, &search.pairs);
	if (status == RECO_OK)
		status = allocate(&search);
	if (status == RECO_OK)
		status = count_all(&search);
	if (status == RECO_OK)
		status = take_lengths(&search, out);
	if (status == RECO_OK && !heap_sort(env, search.best, search.have))
		status = RECO_STOPPED;
	free_search(&search);
	out->pairs = search.have;
	out->pair = search.best;
	if (status != RECO_OK)
		reco_together_free(env, out);
	return status;
}

bool
reco_meetings_add(reco_meetings *meetings, const int32_t *item, int64_t n)
{
	int32_t basket;
	bool with = false;

	if (n == 0)
		return true;
	if (meetings->baskets >= meetings->most)
		return false;
	basket = ++meetings->baskets;
	for (int64_t k = 0; k < n && !with; k++)
		with = item[k] == meetings->item;
	for (int64_t k = 0; k < n; k++)
	{
		int32_t i = item[k];

		if (meetings->last[i] == basket)
			continue;
		meetings->last[i] = basket;
		meetings->have[i]++;
		meetings->both[i] += with;
	}
	return true;
}

void
reco_together_free(const reco_env *env, reco_together *together)
{
	release(env, together->baskets);
	release(env, together->pair);
	*together = (reco_together){0};
}
