/*
 * neighbors_sums.c
 *	  The sums of products of one row with all others.
 *
 * Products with the head, the ranks that are kept as strings of bits (pairs.h), are
 * counted in bit slices; the others are added entry by entry, as int32 where weights
 * are integers, else as float8.
 *
 * Cost: of the head, digits^2 strings a column and block of ranks before the row; of
 * the others, one addition a product.
 */
#include "core/neighbors/neighbors_sums.h"

#include "core/data/sorting.h"

/* Entries added between two looks at the stop flag: about a millisecond. */
#define ENTRIES_PER_LOOK 1048576
/* Entries whose columns are fetched before their turn. */
#define AHEAD 8
/* of a weight that is counted in bits */
#define MAX_DIGITS RECO_BIT_DIGITS
/* Entries of a row whose bits are counted at a time: some milliseconds. */
#define BITS_AT_A_TIME 32768

_Static_assert((int64_t) BITS_AT_A_TIME << (2 * MAX_DIGITS) <= INT32_MAX,
			   "what is counted in bits at a time fits the counters");

typedef enum Weights
{
	NONE,
	INTEGERS,
	FLOATS,
	DOUBLES
} Weights;

static Weights
weights_of(const reco_pairs *p)
{
	if (p->integer)
		return INTEGERS;
	if (p->centered)
		return DOUBLES;
	return p->weight ? FLOATS : NONE;
}

bool
reco_sums_init(const reco_env *env, const reco_pairs *p, Sums *sums)
{
	size_t rows = (size_t) p->rows + 1;
	bool dots = p->weight || p->centered;
	bool strings = p->head > 0 && p->integer;

	sums->strings = p->rows > 0 && p->length[0] < BITS_AT_A_TIME ? p->length[0] : BITS_AT_A_TIME;
	if (dots)
		sums->dot = zeroed(env, rows * sizeof(double));
	sums->sum = zeroed(env, rows * sizeof(int32_t));
	sums->touched = env->alloc(env->arg, rows * sizeof(int32_t));
	if (strings)
		sums->string =
			env->alloc(env->arg, MAX_DIGITS * ((size_t) sums->strings + 1) * sizeof(int32_t));
	return (!dots || sums->dot) && sums->sum && sums->touched && (!strings || sums->string);
}

void
reco_sums_free(const reco_env *env, Sums *sums)
{
	release(env, sums->dot);
	release(env, sums->sum);
	release(env, sums->touched);
	release(env, sums->string);
}

size_t
reco_sums_memory(int32_t rows, int32_t columns)
{
	size_t strings = columns < BITS_AT_A_TIME ? (size_t) columns : BITS_AT_A_TIME;

	return ((size_t) rows + 1) * (8 + 4 + 4) + MAX_DIGITS * 4 * (strings + 1);
}

/*
 * Adds the products of an entry e of a row with n entries of its column.  Specialized by
 * the constants it is called with; supports: common columns are counted as well.
 */
static inline __attribute__((always_inline)) void
add_column(Sums *sums, const reco_pairs *p, int64_t e, int64_t from, int32_t n, bool narrow,
		   Weights weights, bool supports, bool touch)
{
	const uint16_t *rank16 = narrow ? p->rank16 + from : NULL;
	const int32_t *rank32 = narrow ? NULL : p->rank32 + from;
	const uint8_t *integer = weights == INTEGERS ? p->integer + from : NULL;
	const float *weight = weights == FLOATS ? p->weight + from : NULL;
	const double *centered = weights == DOUBLES ? p->centered + from : NULL;
	int32_t times = weights == INTEGERS ? p->row_integer[e] : 1;
	double factor = weights == FLOATS    ? (double) p->row_weight[e]
					: weights == DOUBLES ? p->row_centered[e]
										 : 1;
	double *dot = sums->dot;
	int32_t *sum = sums->sum;

	for (int32_t k = 0; k < n; k++)
	{
		int32_t b = narrow ? rank16[k] : rank32[k];
		int32_t add = weights == INTEGERS ? times * integer[k] : 1;

		/* a product of 0 leaves the sum as it was, and would be listed again */
		if (touch && sum[b] == 0 && add != 0)
			sums->touched[sums->touches++] = b;
		if (weights == NONE || weights == INTEGERS || supports)
			sum[b] += add;
		if (weights == FLOATS)
			dot[b] += factor * (double) weight[k];
		if (weights == DOUBLES)
			dot[b] += factor * centered[k];
	}
}

static inline __attribute__((always_inline)) void
add_narrow(Sums *sums, const reco_pairs *p, int64_t e, int64_t from, int32_t n, Weights weights,
		   bool supports, bool touch)
{
	if (p->rank16)
		add_column(sums, p, e, from, n, true, weights, supports, touch);
	else
		add_column(sums, p, e, from, n, false, weights, supports, touch);
}

static inline __attribute__((always_inline)) void
add_weights(Sums *sums, const reco_pairs *p, int64_t e, int64_t from, int32_t n, Weights weights,
			bool touch)
{
	switch (weights)
	{
		case NONE:
			add_narrow(sums, p, e, from, n, NONE, false, touch);
			break;
		case INTEGERS:
			add_narrow(sums, p, e, from, n, INTEGERS, false, touch);
			break;
		case FLOATS:
			/* touching goes by the counts, so they are kept there */
			if (touch || p->formula.min_support > 1)
				add_narrow(sums, p, e, from, n, FLOATS, true, touch);
			else
				add_narrow(sums, p, e, from, n, FLOATS, false, false);
			break;
		case DOUBLES:
			if (touch || p->formula.min_support > 1)
				add_narrow(sums, p, e, from, n, DOUBLES, true, touch);
			else
				add_narrow(sums, p, e, from, n, DOUBLES, false, false);
			break;
	}
}

/* Adds the bits of entries from .. to - 1 of a row, in blocks of the head, to the sums. */
static void
count_bits(const Adding *adding, Sums *sums, int64_t from, int64_t to, int blocks)
{
	const reco_pairs *p = adding->pairs;
	const int32_t *column = p->column + from;
	const uint8_t *weight = p->row_integer ? p->row_integer + from : NULL;
	reco_bit_term term[MAX_DIGITS];
	int32_t n = (int32_t) (to - from);
	int terms = 0;

	for (int d = 0; d < p->digits; d++)
	{
		const int32_t *string = column;
		int32_t strings = n;

		if (weight)
		{
			int32_t *list = sums->string + (size_t) d * ((size_t) sums->strings + 1);

			strings = 0;
			for (int32_t e = 0; e < n; e++)
			{
				list[strings] = column[e];
				strings += (weight[e] >> d) & 1;
			}
			string = list;
		}
		if (strings > 0)
			term[terms++] = (reco_bit_term){string, strings, d};
	}
	adding->kernels->bit_sums(p->bits, p->digits, p->head / RECO_BIT_BLOCK, term, terms, blocks,
							  p->columns, sums->sum);
}

/*
 * The products of a row with the first blocks of the head: digit d of its own weights
 * times digit g of the others' counts 2^(d + g).  False: stopped.
 */
static bool
count_head(const Adding *adding, Sums *sums, int32_t a, int blocks)
{
	int64_t end = adding->pairs->row_start[a + 1];

	for (int64_t e = adding->pairs->row_start[a], to; e < end; e = to)
	{
		to = end - e < BITS_AT_A_TIME ? end : e + BITS_AT_A_TIME;
		if (reco_team_stops(adding->stopping, adding->stop))
			return false;
		count_bits(adding, sums, e, to, blocks);
	}
	return true;
}

/* Fetches where the ranks of entry e's column begin, and what says so of the one AHEAD of it. */
static inline __attribute__((always_inline)) void
fetch_column(const reco_pairs *p, int64_t e, bool head)
{
	int32_t then = p->column[e + AHEAD];
	int32_t c = p->column[e];
	int64_t from = p->column_start[c] + (head ? p->head_size[c] : 0);

	__builtin_prefetch(&p->column_start[then]);
	if (head)
		__builtin_prefetch(&p->head_size[then]);
	if (p->rank16)
		__builtin_prefetch(p->rank16 + from);
	else
		__builtin_prefetch(p->rank32 + from);
	if (p->integer)
		__builtin_prefetch(p->integer + from);
	else if (p->weight)
		__builtin_prefetch(p->weight + from);
	else if (p->centered)
		__builtin_prefetch(p->centered + from);
}

/* The products with the ranks behind the head.  False: stopped. */
static inline __attribute__((always_inline)) bool
add_entries(const Adding *adding, Sums *sums, int32_t a, Weights weights, bool touch, bool head)
{
	const reco_pairs *p = adding->pairs;
	int64_t end = p->row_start[a + 1];
	int64_t since = 0;

	for (int64_t e = p->row_start[a]; e < end; e++)
	{
		int32_t c = p->column[e];
		int64_t from = p->column_start[c];
		int32_t n = p->place[e];

		if (e + 2 * AHEAD < end)
			fetch_column(p, e + AHEAD, head);
		if (since >= ENTRIES_PER_LOOK)
		{
			since = 0;
			if (reco_team_stops(adding->stopping, adding->stop))
				return false;
		}
		since += n + 1;
		if (head)
		{
			from += p->head_size[c];
			n -= p->head_size[c];
		}
		add_weights(sums, p, e, from, n, weights, touch);
	}
	return true;
}

static bool
add_tail(const Adding *adding, Sums *sums, int32_t a, bool touch, bool head)
{
	/* one copy of the loops for each */
	switch (weights_of(adding->pairs))
	{
		case NONE:
			return touch ? add_entries(adding, sums, a, NONE, true, false)
						 : add_entries(adding, sums, a, NONE, false, head);
		case INTEGERS:
			return touch ? add_entries(adding, sums, a, INTEGERS, true, false)
						 : add_entries(adding, sums, a, INTEGERS, false, head);
		case FLOATS:
			return touch ? add_entries(adding, sums, a, FLOATS, true, false)
						 : add_entries(adding, sums, a, FLOATS, false, false);
		default:
			return touch ? add_entries(adding, sums, a, DOUBLES, true, false)
						 : add_entries(adding, sums, a, DOUBLES, false, false);
	}
}

int32_t
reco_sums_add(const Adding *adding, Sums *sums, int32_t a, bool touch)
{
	const reco_pairs *p = adding->pairs;
	bool head = !touch && p->head > 0;
	int32_t end = a;

	if (reco_team_stops(adding->stopping, adding->stop))
		return -1;
	if (head)
	{
		int32_t before = a < p->head ? a : p->head;
		int blocks = (before + RECO_BIT_BLOCK - 1) / RECO_BIT_BLOCK;

		if (!count_head(adding, sums, a, blocks))
			return -1;
		end = RECO_BIT_BLOCK * blocks > a ? RECO_BIT_BLOCK * blocks : a;
		/* of a row in the head, all others before it are there too */
		if (a <= p->head)
			return end;
	}
	return add_tail(adding, sums, a, touch, head) ? end : -1;
}
