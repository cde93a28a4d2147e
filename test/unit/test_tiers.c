/*
 * test_tiers.c
 *	  The n best of sums over rows from the index, against adding up whole rows and ranking all:
 *	  every bit must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/tiers.h"
#include "mimic_env.h"

static const char *const levels[] = {"base", "v3", "v4"};

/* What weights are like. */
typedef enum kind
{
	FALLING, /* with the item's number, as popularity does: the walk ends early */
	ANY,
	SIGNED,
	FEW,      /* two values: scores tie */
	CLOSE,    /* differ in their last bits */
	TINY,     /* some are no normal numbers */
	LARGE,    /* sums are near the end of float */
	NEGATIVE, /* nothing speaks for anything */
	KINDS
} kind;

static float
weight_of(kind kind, int32_t item, int32_t items, uint64_t *seed)
{
	float x = 0.01f + (float) mimic_uniform(seed);

	switch (kind)
	{
		case FALLING:
			return x * expf(-6 * (float) item / (float) items);
		case SIGNED:
			return mimic_below(seed, 3) ? x : -x;
		case FEW:
			return mimic_below(seed, 2) ? 0.5f : 0.25f;
		case CLOSE:
			return 1 + (float) mimic_below(seed, 4) * 0x1p-23f;
		case TINY:
			return mimic_below(seed, 2) ? x * 1e-41f : x * 1e-38f;
		case LARGE:
			return x * 1e34f;
		case NEGATIVE:
			return -x;
		default:
			return x;
	}
}

typedef struct world
{
	reco_csr rows;
	reco_tiers *index;
	void *scratch;
	mimic_env *m;
} world;

/* share: of the entries of a row; of one in `full` rows nearly all are there. */
static reco_csr
rows_of(kind kind, int32_t items, double share, int32_t full, uint64_t *seed)
{
	reco_csr a = {items, items, calloc((size_t) items + 1, sizeof(int64_t)), NULL, NULL};
	int64_t n = 0;
	int64_t room = 0;

	for (int32_t j = 0; j < items; j++)
	{
		double filled = j % full == 1 ? 0.9 : j % 7 == 3 ? 0 : share;

		for (int32_t i = 0; i < items; i++)
		{
			if (mimic_uniform(seed) >= filled)
				continue;
			if (n == room)
			{
				room = 2 * room + 1000;
				a.col = realloc(a.col, (size_t) room * sizeof(int32_t));
				a.value = realloc(a.value, (size_t) room * sizeof(float));
			}
			a.col[n] = i;
			a.value[n++] = weight_of(kind, i, items, seed);
		}
		a.start[j + 1] = n;
	}
	return a;
}

static void
rows_free(reco_csr *a)
{
	free(a->start);
	free(a->col);
	free(a->value);
}

static bool
is_clean(const void *scratch, int32_t items)
{
	for (size_t k = 0; k < reco_tiers_scratch(items); k++)
		if (((const char *) scratch)[k] != 0)
			return false;
	return true;
}

static world
world_of(kind kind, int32_t items, double share, int32_t full, uint64_t *seed)
{
	world w = {.rows = rows_of(kind, items, share, full, seed)};
	size_t bytes = reco_tiers_scratch(items);

	w.m = malloc(sizeof(mimic_env));
	mimic_env_init(w.m);
	assert_int_equal(reco_tiers_build(&w.m->env, &w.rows, &w.index), RECO_OK);
	assert_non_null(w.index);
	assert_int_equal(w.m->live, 1);
	assert_true(reco_tiers_valid(w.index, (size_t) w.index->bytes, items));
	w.scratch = aligned_alloc(RECO_ALIGN, (bytes + RECO_ALIGN - 1) / RECO_ALIGN * RECO_ALIGN);
	memset(w.scratch, 0, bytes);
	return w;
}

static void
world_free(world *w)
{
	w->m->env.release(w->m->env.arg, w->index);
	assert_int_equal(w->m->live, 0);
	rows_free(&w->rows);
	free(w->scratch);
	free(w->m);
}

/* A user who has each row with that probability. */
typedef struct user
{
	reco_tiers_user is;
	int32_t *row;
	float *value;
} user;

static user
user_of(int32_t rows, double share, uint64_t *seed)
{
	user u = {.row = malloc(((size_t) rows + 1) * sizeof(int32_t)),
			  .value = malloc(((size_t) rows + 1) * sizeof(float))};

	for (int32_t j = 0; j < rows; j++)
		if (mimic_uniform(seed) < share)
		{
			u.value[u.is.n] = (float) (1 + mimic_below(seed, 10)) / 2;
			u.row[u.is.n++] = j;
		}
	u.is.row = u.row;
	return u;
}

static void
user_free(user *u)
{
	free(u->row);
	free(u->value);
}

/* The scores: -infinity where nothing speaks for or against an item. */
static void
slow_scores(const reco_csr *rows, const reco_tiers_user *u, float *score)
{
	double *sum = calloc((size_t) rows->cols, sizeof(double));

	for (int64_t j = 0; j < u->n; j++)
		for (int64_t e = rows->start[u->row[j]]; e < rows->start[u->row[j] + 1]; e++)
			sum[rows->col[e]] += (u->value ? (double) u->value[j] : 1) * (double) rows->value[e];
	for (int32_t i = 0; i < rows->cols; i++)
		score[i] = sum[i] != 0 ? (float) sum[i] : -INFINITY;
	free(sum);
}

/* True: there was an answer, and it is right. */
static bool
check(world *w, const reco_tiers_user *u, const uint64_t *skip, int32_t n)
{
	int32_t items = w->rows.cols;
	float *score = malloc((size_t) items * sizeof(float));
	reco_ranked *wanted = malloc(((size_t) items + 1) * sizeof(reco_ranked));
	reco_ranked *out = malloc((size_t) (n > 0 ? n : 0) * sizeof(reco_ranked) + 1);
	long allocations = w->m->allocations;
	int32_t have = reco_tiers_top(&w->m->env, w->index, w->scratch, u, skip, n, out);

	assert_int_equal(w->m->allocations, allocations);
	assert_true(is_clean(w->scratch, items));
	if (have != RECO_TIERS_NONE)
	{
		slow_scores(&w->rows, u, score);
		assert_int_equal(have, reco_top_n(NULL, score, items, skip, n, wanted));
		if (have > 0)
			assert_memory_equal(out, wanted, (size_t) have * sizeof(reco_ranked));
	}
	free(score);
	free(wanted);
	free(out);
	return have != RECO_TIERS_NONE;
}

/* Several users, lists and filters.  Returns how many of the checks were answered. */
static int
check_world(world *w, uint64_t *seed)
{
	static const double shares[] = {0, 0.005, 0.02, 0.2, 1};
	int32_t items = w->rows.cols;
	uint64_t *skip = malloc(RECO_SET_BYTES(items) + 8);
	int answers = 0;

	for (size_t s = 0; s < sizeof(shares) / sizeof(shares[0]); s++)
	{
		user u = user_of(items, shares[s], seed);

		for (int with = 0; with < 3; with++)
		{
			int32_t some[] = {0, 1, 2, 10, 100, items / 4, items};

			memset(skip, 0, RECO_SET_BYTES(items));
			for (int64_t j = 0; with == 1 && j < u.is.n; j++)
				reco_set_add(skip, u.row[j]);
			for (int32_t i = 0; with == 2 && i < items; i++)
				if (i % 97 != 5)
					reco_set_add(skip, i);
			for (size_t k = 0; k < sizeof(some) / sizeof(some[0]); k++)
			{
				u.is.value = k % 2 ? u.value : NULL;
				answers += check(w, &u.is, with ? skip : NULL, some[k]) && some[k] > 0;
			}
		}
		user_free(&u);
	}
	free(skip);
	return answers;
}

static void
test_kinds(void **state)
{
	uint64_t seed = 1;

	(void) state;
	for (kind kind = 0; kind < KINDS; kind++)
	{
		world w = world_of(kind, 1100, 0.05, 40, &seed);
		int answers = check_world(&w, &seed);

		/* where it must be of use, and where it cannot be */
		if (kind == FALLING || kind == ANY || kind == SIGNED || kind == LARGE)
			assert_true(answers > 20);
		if (kind == NEGATIVE)
			assert_int_equal(answers, 0);
		world_free(&w);
	}
}

/* The ends of tiers and of lines, and what fits in no tier. */
static void
test_sizes(void **state)
{
	static const int32_t sizes[] = {1,   2,   15,  16,   17,   255,  256, 257,
									511, 512, 513, 1023, 1024, 1025, 2049};
	uint64_t seed = 2;

	(void) state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (int sparse = 0; sparse < 2; sparse++)
		{
			world w = world_of(s % 2 ? FALLING : ANY, sizes[s], sparse ? 0.01 : 0.3,
							   sparse ? 1000000 : 9, &seed);

			(void) check_world(&w, &seed);
			world_free(&w);
		}
}

/* Tiers of the largest size and after it, with the loops of every level. */
static void
test_many_items(void **state)
{
	char *old = mimic_level();
	uint64_t seed = 3;

	(void) state;
	for (int round = 0; round < 2; round++)
	{
		world w = world_of(round ? ANY : FALLING, 16500, 0.002, 400, &seed);

		for (size_t l = 0; l < sizeof(levels) / sizeof(levels[0]); l++)
		{
			setenv("RECO_ISA", levels[l], 1);
			for (int n = 0; n < 3; n++)
			{
				user u = user_of(16500, 0.01, &seed);

				assert_true(check(&w, &u.is, NULL, 10 + n * 100));
				user_free(&u);
			}
		}
		world_free(&w);
	}
	mimic_level_back(old);
}

/* Scores that differ by less than what sums in float can tell, and more ties than are kept. */
static void
test_near_ties(void **state)
{
	uint64_t seed = 4;
	int answers = 0;

	(void) state;
	for (int round = 0; round < 40; round++)
	{
		world w = world_of(round % 2 ? CLOSE : FEW, 300, 0.5, 5, &seed);
		user u = user_of(300, 0.3, &seed);

		for (int32_t n = 1; n < 70; n *= 3)
			answers += check(&w, &u.is, NULL, n);
		user_free(&u);
		world_free(&w);
	}
	assert_true(answers > 100);
	for (int round = 0; round < 2; round++)
	{
		world w = world_of(CLOSE, 2000, 1, 5, &seed);
		user u = user_of(2000, 0.05, &seed);

		/* all are as good as each other, but for what rounding says */
		assert_false(check(&w, &u.is, NULL, 10));
		user_free(&u);
		world_free(&w);
	}
}

/* Values that the index cannot take. */
static void
test_values(void **state)
{
	static const float odd[] = {-1, NAN, INFINITY, 3e38f, 1e38f, 0};
	uint64_t seed = 5;
	world w = world_of(FALLING, 600, 0.1, 20, &seed);
	user u = user_of(600, 0.2, &seed);

	(void) state;
	u.is.value = u.value;
	for (size_t k = 0; k < sizeof(odd) / sizeof(odd[0]); k++)
	{
		float before = u.value[3];

		u.value[3] = odd[k];
		assert_int_equal(check(&w, &u.is, NULL, 10), odd[k] == 0);
		u.value[3] = before;
	}
	assert_true(check(&w, &u.is, NULL, 10));
	user_free(&u);
	world_free(&w);
}

static reco_status
build(mimic_env *m, const reco_csr *rows, reco_tiers **index)
{
	reco_status status = reco_tiers_build(&m->env, rows, index);

	assert_int_equal(m->live, status == RECO_OK && *index);
	assert_true(status == RECO_OK || *index == NULL);
	return status;
}

static void
test_build(void **state)
{
	uint64_t seed = 6;
	reco_csr rows = rows_of(SIGNED, 1500, 0.1, 30, &seed);
	reco_tiers *first;
	reco_tiers *index;
	float value = rows.value[5];
	mimic_env m;
	long allocations;
	long polls;

	(void) state;
	mimic_env_init(&m);
	assert_int_equal(build(&m, &rows, &first), RECO_OK);
	allocations = m.allocations;
	polls = m.polls;
	assert_true(polls > 2);
	/* the same bytes; an error at each allocation and each poll */
	for (long at = 1; at <= allocations + polls; at++)
	{
		mimic_env own;

		mimic_env_init(&own);
		own.fail_at = at <= allocations ? at : 0;
		own.stop_at = at <= allocations ? 0 : at - allocations;
		assert_int_equal(build(&own, &rows, &index),
						 at <= allocations ? RECO_NO_MEMORY : RECO_STOPPED);
	}
	mimic_env_init(&m);
	assert_int_equal(build(&m, &rows, &index), RECO_OK);
	assert_memory_equal(first, index, index->bytes);
	assert_true(m.peak <= 3 * index->bytes);
	m.env.release(m.env.arg, index);
	m.env.release(m.env.arg, first);
	/* what can have none */
	for (int k = 0; k < 3; k++)
	{
		mimic_env_init(&m);
		rows.value[5] = k == 0 ? INFINITY : k == 1 ? NAN : 2e37f;
		assert_int_equal(build(&m, &rows, &index), RECO_OK);
		assert_null(index);
	}
	rows.value[5] = value;
	rows.cols++;
	mimic_env_init(&m);
	assert_int_equal(build(&m, &rows, &index), RECO_OK);
	assert_null(index);
	rows_free(&rows);
}

/* Stops at every poll there is. */
static void
test_stops(void **state)
{
	uint64_t seed = 7;
	world w = world_of(ANY, 3000, 0.05, 100, &seed);
	user u = user_of(3000, 0.2, &seed);
	reco_ranked out[10];
	int32_t have = -1;
	long at = 0;

	(void) state;
	while (have < 0)
	{
		w.m->polls = 0;
		w.m->stop_at = ++at;
		have = reco_tiers_top(&w.m->env, w.index, w.scratch, &u.is, NULL, 10, out);
		assert_true(have == -1 || have == 10);
		assert_true(is_clean(w.scratch, 3000));
	}
	assert_true(at > 10);
	w.m->stop_at = 0;
	assert_true(check(&w, &u.is, NULL, 10));
	user_free(&u);
	world_free(&w);
}

/* A damaged header is none; damage further on gives any list, within bounds. */
static void
test_damage(void **state)
{
	uint64_t seed = 8;
	world w = world_of(FALLING, 900, 0.05, 30, &seed);
	size_t bytes = (size_t) w.index->bytes;
	reco_tiers *copy = aligned_alloc(RECO_ALIGN, bytes);
	user u = user_of(900, 0.2, &seed);

	(void) state;
	memcpy(copy, w.index, bytes);
	assert_true(reco_tiers_valid(copy, bytes, 900));
	assert_true(reco_tiers_valid(copy, bytes + 5, 900));
	assert_false(reco_tiers_valid(copy, bytes - 1, 900));
	assert_false(reco_tiers_valid(copy, 20, 900));
	assert_false(reco_tiers_valid(copy, bytes, 901));
	for (size_t b = 0; b < sizeof(reco_tiers); b++)
	{
		((unsigned char *) copy)[b] ^= 0x41;
		assert_false(reco_tiers_valid(copy, bytes, 900));
		((unsigned char *) copy)[b] ^= 0x41;
	}
	for (int round = 0; round < 300; round++)
	{
		reco_ranked out[10];
		int32_t have;

		memcpy(copy, w.index, bytes);
		for (int k = 0; k < 1 + round; k++)
		{
			size_t at = sizeof(reco_tiers) +
						(size_t) mimic_below(&seed, (int64_t) (bytes - sizeof(reco_tiers)));

			((unsigned char *) copy)[at] = (unsigned char) mimic_bits(&seed);
		}
		have = reco_tiers_top(&w.m->env, copy, w.scratch, &u.is, NULL, 10, out);
		assert_true(have >= RECO_TIERS_NONE && have <= 10);
		for (int32_t r = 0; r < have; r++)
			assert_true(out[r].item >= 0 && out[r].item < 900);
		memset(w.scratch, 0, reco_tiers_scratch(900));
	}
	free(copy);
	user_free(&u);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),      cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many_items), cmocka_unit_test(test_near_ties),
		cmocka_unit_test(test_values),     cmocka_unit_test(test_build),
		cmocka_unit_test(test_stops),      cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
