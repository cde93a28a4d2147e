/*
 * test_neighbors.c
 *	  The search of neighbors against similarities computed pair by pair: every
 *	  measure, weighting, support and shrinkage, on shapes that take every path of
 *	  the search; the same bits for one row alone and for any number of threads;
 *	  lists turned round; every allocation failing and every way of stopping.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mimic_neighbors.h"

/* A mimic_env that also counts the looks at the stop flag. */
typedef struct world
{
	mimic_env m;
	long looks;
	long stop_look; /* the look that is told to stop; 0: none */
} world;

static bool
count_look(void *arg)
{
	world *w = arg;

	return __atomic_add_fetch(&w->looks, 1, __ATOMIC_RELAXED) == w->stop_look;
}

static void
world_init(world *w, int threads)
{
	memset(w, 0, sizeof(*w));
	mimic_env_init(&w->m);
	w->m.env.stopping = count_look;
	w->m.env.threads = threads;
}

/* Small ones, for everything. */
static const mimic_shape small[] = {
	{"nothing", 0, 0, 1, 1},     {"no rows", 0, 5, 1, 1},    {"no columns", 5, 0, 1, 1},
	{"one cell", 1, 1, 1, 1},    {"one row", 1, 40, 0.8, 1}, {"one column", 40, 1, 0.8, 1},
	{"two rows", 2, 9, 0.7, 1},  {"all empty", 12, 9, 0, 1}, {"mostly empty", 50, 30, 0.02, 1},
	{"even", 45, 33, 0.2, 1},    {"dense", 40, 25, 0.9, 1},  {"wide", 25, 300, 0.1, 2},
	{"skewed", 120, 60, 0.1, 4},
};

#define COUNT(array) ((int) (sizeof(array) / sizeof((array)[0])))

static void
tell(const char *name, const reco_neighbors_params *p, int32_t row, const char *what)
{
	fail_msg("%s, measure %d weighting %d k %d support %d shrinkage %g, row %d: %s", name,
			 p->measure, p->weighting, p->neighbors, p->min_support, p->shrinkage, row, what);
}

static bool
exact(reco_measure measure)
{
	return measure >= RECO_JACCARD && measure <= RECO_LIFT && measure != RECO_LLR;
}

/* One row's list against the similarities of all pairs. */
static void
check_list(const char *name, mimic_stats *s, const reco_neighbors *found, int32_t row,
		   mimic_pair *pairs, bool *listed)
{
	const reco_neighbors_params *p = s->params;
	int64_t from = found->start[row];
	int64_t n = found->start[row + 1] - from;
	int64_t sure = 0;
	int64_t possible = 0;

	mimic_row(s, row, pairs);
	memset(listed, 0, (size_t) found->rows * sizeof(bool));
	for (int64_t k = from; k < from + n; k++)
	{
		int32_t b = found->row[k];
		double x = found->similarity[k];

		if (b < 0 || b >= found->rows || b == row || listed[b])
			tell(name, p, row, "an impossible neighbor");
		listed[b] = true;
		if (!(x > 0) || pairs[b].common < p->min_support || pairs[b].common == 0)
			tell(name, p, row, "no neighbor");
		if (!(fabs(x - pairs[b].similarity) <= pairs[b].slack))
			fail_msg(
				"%s, measure %d weighting %d support %d shrinkage %g: s(%d, %d) = %.17g instead "
				"of %.17g (%g)",
				name, p->measure, p->weighting, p->min_support, p->shrinkage, row, b, x,
				pairs[b].similarity, pairs[b].slack);
		if (k > from && (x > found->similarity[k - 1] ||
						 (x == found->similarity[k - 1] && b < found->row[k - 1])))
			tell(name, p, row, "not in order");
		if (p->measure <= RECO_PEARSON && x > 1)
			tell(name, p, row, "a cosine above 1");
	}
	for (int32_t b = 0; b < found->rows; b++)
	{
		double x = pairs[b].similarity - pairs[b].slack;

		sure += x > 0;
		possible += pairs[b].similarity + pairs[b].slack > 0;
		if (listed[b] || x <= 0)
			continue;
		if (n < p->neighbors || x > found->similarity[from + n - 1])
			tell(name, p, row, "a neighbor is missing");
		if (exact(p->measure) && s->n[b] == s->n[found->row[from + n - 1]] &&
			pairs[b].common == pairs[found->row[from + n - 1]].common &&
			b < found->row[from + n - 1])
			tell(name, p, row, "a tie went to the later one");
	}
	if (n < (sure < p->neighbors ? sure : p->neighbors) ||
		n > (possible < p->neighbors ? possible : p->neighbors))
		tell(name, p, row, "wrong number of neighbors");
}

/* The lists of all rows, or of about `sample` of them. */
static void
check_find(const char *name, const reco_csr *a, const reco_neighbors_params *p, int threads,
		   int32_t sample)
{
	world w;
	reco_neighbors found;
	mimic_stats s;
	mimic_pair *pairs = malloc(((size_t) a->rows + 1) * sizeof(mimic_pair));
	bool *listed = malloc(((size_t) a->rows + 1) * sizeof(bool));
	int32_t step = sample > 0 && a->rows > sample ? a->rows / sample : 1;

	world_init(&w, threads);
	assert_int_equal(reco_neighbors_find(&w.m.env, p, a, &found), RECO_OK);
	if (w.m.peak > reco_neighbors_memory(p, a->rows, a->cols, a->start[a->rows], threads))
		tell(name, p, -1, "took more memory than was said");
	assert_int_equal(found.rows, a->rows);
	assert_int_equal(found.start[0], 0);
	mimic_stats_init(&s, p, a);
	for (int32_t r = 0; r < a->rows; r += step)
		check_list(name, &s, &found, r, pairs, listed);
	mimic_stats_free(&s);
	free(pairs);
	free(listed);
	reco_neighbors_free(&w.m.env, &found);
	assert_int_equal(w.m.live, 0);
}

static void
test_every_measure(void **state)
{
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);

	(void) state;
	assert_true(n <= MIMIC_VARIANTS);
	for (int i = 0; i < COUNT(small); i++)
		for (int values = MIMIC_ONES; values <= MIMIC_SIGNED; values++)
		{
			reco_csr a = mimic_matrix(&small[i], (mimic_values) values, (uint64_t) i);

			for (int v = 0; v < n; v++)
			{
				reco_neighbors_params p = variant[v];

				check_find(small[i].name, &a, &p, 1, 0);
				p.neighbors = 3;
				check_find(small[i].name, &a, &p, 1, 0);
				p.min_support = 3;
				p.shrinkage = 2.5;
				check_find(small[i].name, &a, &p, 1, 0);
				p.neighbors = 1;
				check_find(small[i].name, &a, &p, 1, 0);
				p.neighbors = 1000;
				p.min_support = 0;
				p.shrinkage = 1e6;
				check_find(small[i].name, &a, &p, 1, 0);
			}
			mimic_matrix_free(&a);
		}
}

/* Values whose squares and powers are beyond a float. */
static void
test_size_of_values(void **state)
{
	static const mimic_shape shape = {"even", 45, 33, 0.2, 1};
	static const float sizes[] = {1e9f, 1e17f, 1e-9f};
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);

	(void) state;
	for (int i = 0; i < COUNT(sizes); i++)
	{
		reco_csr a = mimic_matrix(&shape, MIMIC_RATINGS, 1);

		for (int64_t e = 0; e < a.start[a.rows]; e++)
			a.value[e] *= sizes[i];
		for (int v = 0; v < n; v++)
		{
			variant[v].walk_alpha *= 5;
			check_find("large values", &a, &variant[v], 1, 0);
			variant[v].walk_alpha *= 4;
			if (variant[v].measure == RECO_WALK)
				check_find("large values, large alpha", &a, &variant[v], 1, 0);
			variant[v].walk_alpha /= 20;
		}
		mimic_matrix_free(&a);
	}
}

/*
 * Every measure on every domain of values, in shapes that take every path: few rows;
 * 512 and more that are dense, which are counted in bits where the values allow it; a
 * few long rows and columns among many short ones.
 */
static void
test_domains(void **state)
{
	static const mimic_shape shapes[] = {
		{"sparse", 60, 30, 0.1, 1},
		{"dense", 513, 16, 0.6, 1},
		{"skewed", 600, 20, 0.25, 3},
	};
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);
	int trial = 0;

	(void) state;
	for (int i = 0; i < COUNT(shapes); i++)
		for (int domain = 0; domain < MIMIC_DOMAINS; domain++)
		{
			reco_csr a = mimic_matrix(&shapes[i], MIMIC_ONES, (uint64_t) i);
			char name[64];

			mimic_domain_fill(domain, &a, (uint64_t) i);
			snprintf(name, sizeof(name), "%s, %s", shapes[i].name, mimic_domain_name(domain));
			for (int v = (i + domain) % 2; v < n; v += 2, trial++)
			{
				reco_neighbors_params p = variant[v];

				p.neighbors = trial % 11 ? 10 : 5000;
				p.min_support = trial % 5 ? 1 : 2;
				p.shrinkage = trial % 7 ? 0 : 3;
				check_find(name, &a, &p, trial % 16 ? 1 : 2, 4);
			}
			mimic_matrix_free(&a);
		}
}

/*
 * Long rows that are scanned and short ones that are touched; without weights,
 * the first 512, 1024, 2048 or 4096 as bits.  By turns at each instruction set level
 * (what this machine has not is the best that it has), unless one is asked for.
 */
static void
test_head(void **state)
{
	static const mimic_shape shapes[] = {
		{"512 in the head", 513, 120, 0.08, 1},  {"512 of 700", 700, 100, 0.05, 3},
		{"1024 in the head", 1300, 60, 0.02, 2}, {"2048 in the head", 2300, 40, 0.3, 2},
		{"4096 in the head", 4200, 24, 0.5, 1},  {"no head", 511, 60, 0.3, 1},
		{"short columns", 900, 800, 0.008, 1},
	};
	static const char *const levels[] = {"base", "v3", "v4"};
	const char *asked = getenv("RECO_ISA");
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);

	(void) state;
	for (int i = 0; i < COUNT(shapes); i++)
		for (int values = MIMIC_ONES; values <= MIMIC_SIGNED; values++)
		{
			reco_csr a = mimic_matrix(&shapes[i], (mimic_values) values, (uint64_t) i);

			for (int v = (i + values) % 8; v < n; v += 8)
			{
				reco_neighbors_params p = variant[v];

				/* lists of all rows, where that is not most of the work */
				p.neighbors = v % 2 ? 20 : a.rows < 2000 || (a.rows < 4000 && v < 4) ? 5000 : 100;
				p.min_support = 1 + v % 3;
				p.shrinkage = v % 4 ? 0 : 3;
				if (!asked)
					setenv("RECO_ISA", levels[v / 4 % 3], 1);
				check_find(shapes[i].name, &a, &p, 2, 8);
			}
			mimic_matrix_free(&a);
		}
	if (!asked)
		unsetenv("RECO_ISA");
}

/*
 * More rows than 16 bits can number.  Most have one entry or two; some thousand
 * also share a few columns, so that they are scanned.
 */
static reco_csr
many_rows(mimic_values values)
{
	int32_t rows = 66000;
	int32_t cols = 30000;
	reco_csr a = {rows, cols, NULL, NULL, NULL};
	uint64_t seed = 5;
	int64_t n = 0;

	a.start = malloc(((size_t) rows + 1) * sizeof(int64_t));
	a.col = malloc((size_t) rows * 6 * sizeof(int32_t));
	a.value = values == MIMIC_ONES ? NULL : malloc((size_t) rows * 6 * sizeof(float));
	for (int32_t r = 0; r < rows; r++)
	{
		int32_t last = -1;

		a.start[r] = n;
		for (int32_t c = 0; c < (r % 40 == 7 ? 5 : 0); c++)
			if (mimic_below(&seed, 4) > 0)
				a.col[n++] = last = c;
		a.col[n++] = last = last + 1 + (int32_t) mimic_below(&seed, cols - last - 1);
		for (int64_t e = a.start[r]; a.value && e < n; e++)
			a.value[e] = (float) (1 + mimic_below(&seed, 5));
	}
	a.start[rows] = n;
	return a;
}

static void
test_many_rows(void **state)
{
	(void) state;
	for (int values = MIMIC_ONES; values <= MIMIC_RATINGS; values++)
	{
		reco_csr a = many_rows((mimic_values) values);
		reco_neighbors_params p = mimic_params;

		p.neighbors = 10;
		check_find("many rows", &a, &p, 2, 25);
		p.min_support = 2;
		check_find("many rows", &a, &p, 2, 25);
		p.measure = RECO_LLR;
		check_find("many rows", &a, &p, 1, 25);
		p.measure = RECO_WALK;
		p.min_support = 1;
		check_find("many rows", &a, &p, 1, 25);
		mimic_matrix_free(&a);
	}
}

/*
 * Rows with more columns than are counted in bits at a time, the last of them past a
 * whole number of times; with weights of one binary digit and of three.
 */
static void
test_long_rows(void **state)
{
	static const int lengths[] = {40000, 32769, 32768, 32767};
	int32_t rows = 520;
	int32_t cols = 40000;

	(void) state;
	for (int most = 0; most <= 7; most += most < 1 ? 1 : 6)
	{
		reco_csr a = {rows, cols, NULL, NULL, NULL};
		reco_neighbors_params p = mimic_params;
		uint64_t seed = 9;
		int64_t n = 0;

		a.start = malloc(((size_t) rows + 1) * sizeof(int64_t));
		a.col = malloc((size_t) cols * 40 * sizeof(int32_t));
		for (int32_t r = 0; r < rows; r++)
		{
			int32_t length = r < 24 ? lengths[r % 4] : 500;

			a.start[r] = n;
			for (int32_t k = 0; k < length; k++)
				a.col[n++] = (int32_t) ((int64_t) k * cols / length);
		}
		a.start[rows] = n;
		a.value = most == 0 ? NULL : malloc((size_t) n * sizeof(float));
		for (int64_t e = 0; a.value && e < n; e++)
			a.value[e] = (float) mimic_below(&seed, most + 1);
		p.neighbors = 30;
		check_find("long rows", &a, &p, 2, 12);
		p.measure = RECO_JACCARD;
		check_find("long rows", &a, &p, 1, 4);
		mimic_matrix_free(&a);
	}
}

/*
 * A column that all rows have and little else: pairs are alike by the thousand, and are
 * better the later they come.  With lists of fewer and of more than are scanned at a time.
 */
static void
test_one_long_column(void **state)
{
	int32_t rows = 3100;
	reco_csr a = {rows, 64, NULL, NULL, NULL};

	(void) state;
	for (int values = MIMIC_ONES; values <= MIMIC_RATINGS; values++)
	{
		uint64_t seed = 3;
		int64_t n = 0;

		a.start = malloc(((size_t) rows + 1) * sizeof(int64_t));
		a.col = malloc((size_t) rows * 64 * sizeof(int32_t));
		for (int32_t r = 0; r < rows; r++)
		{
			a.start[r] = n;
			a.col[n++] = 0;
			for (int32_t c = 1; c < 64; c++)
				if (mimic_below(&seed, 1 + r % 97) == 0 && mimic_below(&seed, 6) == 0)
					a.col[n++] = c;
		}
		a.start[rows] = n;
		a.value = values == MIMIC_ONES ? NULL : malloc((size_t) n * sizeof(float));
		for (int64_t e = 0; a.value && e < n; e++)
			a.value[e] = (float) (1 + mimic_below(&seed, 5));
		for (int measure = values; measure <= RECO_WALK; measure += 2)
		{
			reco_neighbors_params p = mimic_params;

			p.measure = (reco_measure) measure;
			p.neighbors = measure == RECO_CONDITIONAL ? 1500 : 20;
			p.exponent = 0.9;
			check_find("one long column", &a, &p, 2, 2);
		}
		mimic_matrix_free(&a);
	}
}

/*
 * Two equal rows of 15s whose product is beyond an int32, and so is not added up as one,
 * and two whose product is the largest multiple of 225 below.
 */
static void
test_large_products(void **state)
{
	static const int32_t columns[] = {9544372, 9544371};

	(void) state;
	for (int i = 0; i < COUNT(columns); i++)
	{
		int64_t n = columns[i];
		int64_t start[] = {0, n, 2 * n};
		reco_csr a = {2, columns[i], start, malloc((size_t) (2 * n) * sizeof(int32_t)),
					  malloc((size_t) (2 * n) * sizeof(float))};
		reco_neighbors found;
		world w;

		for (int64_t e = 0; e < 2 * n; e++)
		{
			a.col[e] = (int32_t) (e % n);
			a.value[e] = 15;
		}
		world_init(&w, 2);
		assert_int_equal(reco_neighbors_find(&w.m.env, &mimic_params, &a, &found), RECO_OK);
		assert_int_equal(found.start[2], 2);
		assert_true(found.similarity[0] == 1 && found.similarity[1] == 1);
		reco_neighbors_free(&w.m.env, &found);
		assert_int_equal(w.m.live, 0);
		free(a.col);
		free(a.value);
	}
}

/* What meets less often than by chance is no neighbor by the log-likelihood ratio. */
static void
test_avoided(void **state)
{
	/* A has columns 0 .. 499, B 400 .. 899 of 1000, C 400 .. 599: 250 are by chance */
	static const int32_t from[] = {0, 400, 400};
	static const int32_t to[] = {500, 900, 600};
	reco_csr a = {3, 1000, malloc(4 * sizeof(int64_t)), malloc(1200 * sizeof(int32_t)), NULL};
	reco_neighbors_params p = mimic_params;
	reco_neighbors found;
	int64_t n = 0;
	world w;

	(void) state;
	for (int r = 0; r < 3; r++)
	{
		a.start[r] = n;
		for (int32_t c = from[r]; c < to[r]; c++)
			a.col[n++] = c;
	}
	a.start[3] = n;
	p.measure = RECO_LLR;
	world_init(&w, 1);
	assert_int_equal(reco_neighbors_find(&w.m.env, &p, &a, &found), RECO_OK);
	/* A and C have 100 in common, as many as by chance; B has all 200 of C */
	assert_int_equal(found.start[1], 0);
	assert_int_equal(found.start[2], 1);
	assert_int_equal(found.start[3], 2);
	assert_int_equal(found.row[0], 2);
	assert_int_equal(found.row[1], 1);
	/* 2 (n log n of the cells and of all, less those of the margins) */
	assert_true(fabs(found.similarity[0] - 327.7932) < 1e-4);
	reco_neighbors_free(&w.m.env, &found);
	mimic_matrix_free(&a);
}

/* Any number of threads give the same lists. */
static void
assert_same_list(const reco_neighbors *x, const reco_neighbors *y, int32_t row, double tolerance)
{
	int64_t n = x->start[row + 1] - x->start[row];

	assert_int_equal(y->start[row + 1] - y->start[row], n);
	for (int64_t k = 0; k < n; k++)
	{
		double mine = x->similarity[x->start[row] + k];
		double other = y->similarity[y->start[row] + k];

		assert_int_equal(x->row[x->start[row] + k], y->row[y->start[row] + k]);
		if (!(fabs(mine - other) <= tolerance * mine))
			fail_msg("row %d: %.17g and %.17g", row, mine, other);
	}
}

static void
test_threads(void **state)
{
	static const mimic_shape shapes[] = {
		{"skewed", 400, 90, 0.1, 4}, {"head", 800, 50, 0.15, 2}, {"two rows", 2, 9, 0.7, 1}};
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);

	(void) state;
	for (int i = 0; i < COUNT(shapes); i++)
		for (int v = 0; v < n; v++)
		{
			reco_csr a = mimic_matrix(&shapes[i], (mimic_values) (v % 3), (uint64_t) v);
			reco_neighbors found[3];
			world w[3];

			variant[v].neighbors = v % 2 ? 1000 : 5;
			for (int t = 0; t < 3; t++)
			{
				world_init(&w[t], 1 << t);
				assert_int_equal(reco_neighbors_find(&w[t].m.env, &variant[v], &a, &found[t]),
								 RECO_OK);
			}
			for (int t = 1; t < 3; t++)
			{
				size_t entries = (size_t) found[0].start[a.rows];

				assert_memory_equal(found[t].start, found[0].start,
									((size_t) a.rows + 1) * sizeof(int64_t));
				if (entries == 0)
					continue;
				assert_memory_equal(found[t].row, found[0].row, entries * sizeof(int32_t));
				assert_memory_equal(found[t].similarity, found[0].similarity,
									entries * sizeof(double));
			}
			for (int t = 0; t < 3; t++)
			{
				reco_neighbors_free(&w[t].m.env, &found[t]);
				assert_int_equal(w[t].m.live, 0);
			}
			mimic_matrix_free(&a);
		}
}

/* Lists turned round, and RP3beta's end. */
static void
test_turned(void **state)
{
	(void) state;
	for (int i = 0; i < COUNT(small); i++)
		for (int v = 0; v < 8; v++)
		{
			reco_csr a = mimic_matrix(&small[i], v % 2 ? MIMIC_RATINGS : MIMIC_ONES, (uint64_t) v);
			reco_neighbors_params p = mimic_params;
			int k = v < 4 ? 4 : 1000;
			bool normalize = v / 2 % 2;
			world w;
			reco_neighbors lists;
			reco_neighbors turned;
			reco_neighbors wanted;

			world_init(&w, 1);
			p.measure = RECO_WALK;
			p.neighbors = k;
			assert_int_equal(reco_neighbors_find(&w.m.env, &p, &a, &lists), RECO_OK);

			mimic_walk_end(&lists, false, INT32_MAX, &wanted);
			assert_int_equal(reco_neighbors_reverse(&w.m.env, &lists, &turned), RECO_OK);
			for (int32_t r = 0; r < a.rows; r++)
				assert_same_list(&wanted, &turned, r, 0);
			reco_neighbors_free(&w.m.env, &turned);
			free(wanted.start);
			free(wanted.row);
			free(wanted.similarity);

			mimic_walk_end(&lists, normalize, k, &wanted);
			assert_int_equal(reco_neighbors_walk_end(&w.m.env, &lists, normalize, k, &turned),
							 RECO_OK);
			assert_null(lists.start);
			for (int32_t r = 0; r < a.rows; r++)
				assert_same_list(&wanted, &turned, r, 0);
			free(wanted.start);
			free(wanted.row);
			free(wanted.similarity);
			reco_neighbors_free(&w.m.env, &turned);
			assert_int_equal(w.m.live, 0);
			mimic_matrix_free(&a);
		}
}

/* A row that all others have in their lists: its own list is long, and sorted with polls. */
static void
test_long_list_turned(void **state)
{
	int32_t rows = 50000;
	reco_neighbors lists = {rows, malloc(((size_t) rows + 1) * sizeof(int64_t)),
							malloc((size_t) rows * sizeof(int32_t)),
							malloc((size_t) rows * sizeof(double))};
	reco_neighbors turned;
	world w;
	long polls;

	(void) state;
	for (int32_t r = 0; r < rows; r++)
	{
		lists.start[r] = r;
		lists.row[r] = 5;
		lists.similarity[r] = 1 + (r * INT64_C(7919)) % 1000;
	}
	lists.start[rows] = rows;
	world_init(&w, 1);
	assert_int_equal(reco_neighbors_reverse(&w.m.env, &lists, &turned), RECO_OK);
	assert_int_equal(turned.start[5], 0);
	assert_int_equal(turned.start[6], rows);
	for (int32_t k = 0; k < rows; k++)
	{
		/* 50 of each similarity, the lowest rows first */
		assert_true(turned.similarity[k] == 1000 - k / 50);
		assert_true(turned.similarity[k] == lists.similarity[turned.row[k]]);
		assert_true(k % 50 == 0 || turned.row[k] > turned.row[k - 1]);
	}
	reco_neighbors_free(&w.m.env, &turned);
	polls = w.m.polls;
	assert_true(polls >= 6);
	for (long n = 1; n <= polls; n++)
	{
		w.m.polls = 0;
		w.m.stop_at = n;
		assert_int_equal(reco_neighbors_reverse(&w.m.env, &lists, &turned), RECO_STOPPED);
		assert_int_equal(w.m.live, 0);
	}
	free(lists.start);
	free(lists.row);
	free(lists.similarity);
}

/*
 * Search, reversal and the walk's end, in which an allocation fails, a poll asks
 * for an end or a look does.  Whatever happens, nothing is left.
 */
static reco_status
whole_way(const reco_csr *a, const reco_neighbors_params *p, long fail_at, long stop_at,
		  long stop_look)
{
	world w;
	reco_neighbors lists;
	reco_neighbors turned;
	reco_status status;

	world_init(&w, 1);
	w.m.fail_at = fail_at;
	w.m.stop_at = stop_at;
	w.stop_look = stop_look;
	status = reco_neighbors_find(&w.m.env, p, a, &lists);
	if (status == RECO_OK)
	{
		status = reco_neighbors_reverse(&w.m.env, &lists, &turned);
		if (status == RECO_OK)
			reco_neighbors_free(&w.m.env, &turned);
		/* the lists are freed in any case */
		if (status == RECO_OK)
		{
			status = reco_neighbors_walk_end(&w.m.env, &lists, true, 5, &turned);
			if (status == RECO_OK)
				reco_neighbors_free(&w.m.env, &turned);
		}
		else
			reco_neighbors_free(&w.m.env, &lists);
	}
	assert_int_equal(w.m.live, 0);
	return status;
}

enum
{
	FAIL,
	STOP,
	LOOK
};

static long
sweep(const reco_csr *a, const reco_neighbors_params *p, int how)
{
	long n = 1;
	reco_status status;

	while ((status = whole_way(a, p, how == FAIL ? n : 0, how == STOP ? n : 0,
							   how == LOOK ? n : 0)) != RECO_OK)
	{
		assert_int_equal(status, how == FAIL ? RECO_NO_MEMORY : RECO_STOPPED);
		n++;
	}
	return n - 1;
}

static void
test_ends_early(void **state)
{
	static const mimic_shape shapes[] = {
		{"nothing", 0, 0, 1, 1}, {"skewed", 50, 60, 0.1, 4}, {"head", 600, 16, 0.1, 2}};
	reco_neighbors_params variant[MIMIC_VARIANTS];
	int n = mimic_variants(variant);

	(void) state;
	for (int i = 0; i < COUNT(shapes); i++)
		for (int v = 0; v < n; v++)
		{
			reco_csr a = mimic_matrix(&shapes[i], (mimic_values) (v % 3), (uint64_t) v);

			variant[v].neighbors = 10;
			assert_true(sweep(&a, &variant[v], FAIL) > 15);
			assert_true(sweep(&a, &variant[v], STOP) >= 1);
			if (a.rows == 50)
				assert_true(sweep(&a, &variant[v], LOOK) > 10);
			mimic_matrix_free(&a);
		}
}

/* Long enough that every loop over the entries polls. */
static void
test_long_loops_poll(void **state)
{
	static const mimic_shape shape = {"long rows", 3, 280000, 0.95, 1};
	static const reco_measure measures[] = {RECO_COSINE, RECO_ADJUSTED_COSINE, RECO_LLR, RECO_WALK};

	(void) state;
	for (int v = 0; v < COUNT(measures); v++)
	{
		reco_csr a = mimic_matrix(&shape, MIMIC_RATINGS, 1);
		reco_neighbors_params p = mimic_params;
		long polls;

		p.measure = measures[v];
		polls = sweep(&a, &p, STOP);
		assert_true(polls >= 4);
		mimic_matrix_free(&a);
	}
}

static void
test_invalid(void **state)
{
	static const mimic_shape shape = {"even", 45, 33, 0.2, 1};
	reco_csr a = mimic_matrix(&shape, MIMIC_ONES, 1);
	reco_neighbors_params bad[10];
	world w;
	reco_neighbors out;

	(void) state;
	for (int i = 0; i < COUNT(bad); i++)
		bad[i] = mimic_params;
	bad[0].neighbors = 0;
	bad[1].shrinkage = -1;
	bad[2].shrinkage = NAN;
	bad[3].shrinkage = INFINITY;
	bad[4].min_support = -1;
	bad[5].exponent = NAN;
	bad[6].tversky_alpha = -0.1;
	bad[7].tversky_beta = NAN;
	bad[8].k1 = -1;
	bad[9].b = 1.1;
	world_init(&w, 1);
	for (int i = 0; i < COUNT(bad); i++)
		assert_int_equal(reco_neighbors_find(&w.m.env, &bad[i], &a, &out), RECO_INVALID);
	assert_int_equal(w.m.live, 0);
	mimic_matrix_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_measure),   cmocka_unit_test(test_size_of_values),
		cmocka_unit_test(test_domains),         cmocka_unit_test(test_head),
		cmocka_unit_test(test_many_rows),       cmocka_unit_test(test_long_rows),
		cmocka_unit_test(test_one_long_column), cmocka_unit_test(test_large_products),
		cmocka_unit_test(test_avoided),         cmocka_unit_test(test_threads),
		cmocka_unit_test(test_turned),          cmocka_unit_test(test_long_list_turned),
		cmocka_unit_test(test_ends_early),      cmocka_unit_test(test_long_loops_poll),
		cmocka_unit_test(test_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
