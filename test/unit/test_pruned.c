/*
 * test_pruned.c
 *	  The n best items from the index, against scoring and ranking all of them:
 *	  every bit must be the same.
 *
 * Blocks of memory are just as long as they must be, so that ASan sees a step
 * past them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/dispatch.h"
#include "core/ranking/pruned.h"
#include "core/ranking/score.h"
#include "mimic_env.h"
#include "mimic_pruned.h"

/* What comes first fills a block: with more, ties would make the plain scan answer. */
#define BLOCK RECO_CODE_BLOCK

static const char *const levels[] = {"base", "v3", "v4"};

static void
build(mimic_world *w)
{
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(
		reco_pruned_build(&m.env, w->item, w->items, w->d, w->stride, w->bias, w->index), RECO_OK);
	assert_int_equal(m.live, 0);
	assert_true(reco_pruned_valid(w->index, w->bytes, w->items, w->d));
}

/* reco_pruned_top against reco_score and reco_top_n */
static void
check(const mimic_world *w, const void *index, float base, const uint64_t *skip, int32_t n)
{
	reco_ranked *all = malloc((size_t) w->items * sizeof(reco_ranked) + 1);
	int32_t wanted;
	reco_ranked *out;
	mimic_env m;

	mimic_env_init(&m);
	reco_score(w->item, w->items, w->stride, w->user, w->bias, base, w->score);
	wanted = reco_top_n(NULL, w->score, w->items, skip, n, all);
	out = malloc((size_t) wanted * sizeof(reco_ranked) + (wanted == 0));
	assert_int_equal(
		reco_pruned_top(&m.env, index, w->item, w->stride, w->user, w->bias, base, skip, n, out),
		wanted);
	if (wanted > 0)
		assert_memory_equal(out, all, (size_t) wanted * sizeof(reco_ranked));
	assert_int_equal(m.allocations, 0);
	free(out);
	free(all);
}

static void
check_all_n(const mimic_world *w, float base, const uint64_t *skip)
{
	const int32_t some[] = {-1, 0, 1, 2, 3, 10, w->items / 8, w->items / 4 - 1, w->items + 5};

	for (size_t j = 0; j < sizeof(some) / sizeof(some[0]); j++)
		check(w, w->index, base, skip, some[j]);
}

static void
check_skips(const mimic_world *w, float base, uint64_t *seed)
{
	uint64_t *skip = malloc(RECO_SET_BYTES(w->items) + 1);

	check_all_n(w, base, NULL);
	for (int share = 0; share <= 4; share++)
	{
		memset(skip, 0, RECO_SET_BYTES(w->items));
		for (int32_t i = 0; i < w->items; i++)
			if (mimic_below(seed, 4) < share)
				reco_set_add(skip, i);
		check_all_n(w, base, skip);
	}
	/* all but few, then the best */
	memset(skip, 0, RECO_SET_BYTES(w->items));
	for (int32_t i = 0; i < w->items; i++)
		if (i % 97 != 5)
			reco_set_add(skip, i);
	check_all_n(w, base, skip);
	reco_score(w->item, w->items, w->stride, w->user, w->bias, base, w->score);
	memset(skip, 0, RECO_SET_BYTES(w->items));
	for (int32_t i = 0; i < w->items; i++)
		if (w->score[i] > base)
			reco_set_add(skip, i);
	check_all_n(w, base, skip);
	free(skip);
}

/* A world of a kind, asked by several users. */
static void
check_world(int kind, int32_t items, int d, bool biased, uint64_t *seed)
{
	static const float bases[] = {0, -0.0f, -3.25f, 1e6f};
	mimic_world w = mimic_world_of(items, d);

	mimic_world_items(&w, kind, biased, seed);
	build(&w);
	for (int32_t user = 0; user < 3; user++)
	{
		mimic_world_user(&w, kind, user, seed);
		check_skips(&w, bases[mimic_below(seed, 4)], seed);
	}
	memset(w.user, 0, (size_t) w.stride * sizeof(float));
	check_all_n(&w, -1, NULL);
	mimic_world_free(&w);
}

static void
test_kinds(void **state)
{
	uint64_t seed = 11;

	(void) state;
	for (int kind = 0; kind < KINDS; kind++)
		for (int biased = 0; biased < 2; biased++)
		{
			check_world(kind, 700, 17, biased, &seed);
			check_world(kind, 1500, 64, biased, &seed);
		}
}

static void
test_sizes(void **state)
{
	static const int32_t sizes[] = {0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 500};
	uint64_t seed = 12;

	(void) state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (int d = 1; d <= 70; d += d < 5 ? 1 : 13)
			check_world(d % 2 ? SKEWED : RANDOM, sizes[s], d, d % 3 == 0, &seed);
}

static void
test_dimensions(void **state)
{
	uint64_t seed = 13;

	(void) state;
	for (int d = 1; d <= 70; d++)
		check_world(d % 2 ? SKEWED : CLUSTERED, 300, d, d % 3 == 0, &seed);
	for (int kind = 0; kind < KINDS; kind++)
		check_world(kind, 300, 1024, kind % 2, &seed);
	check_world(SKEWED, 200, RECO_PRUNED_MAX_D, false, &seed);
	check_world(RANDOM, 200, RECO_PRUNED_MAX_D - 1, true, &seed);
}

/* Sums as near to the end of int32 as can be; for one user the best come last. */
static void
test_extreme_codes(void **state)
{
	static const int dimensions[] = {1, 4, 64, 515, 516, 517, 1024, 1025, 4096};

	(void) state;
	for (size_t s = 0; s < sizeof(dimensions) / sizeof(dimensions[0]); s++)
	{
		mimic_world w = mimic_world_of(300, dimensions[s]);

		for (int32_t i = 0; i < w.items; i++)
			for (int k = 0; k < w.d; k++)
				w.item[(size_t) i * (size_t) w.stride + (size_t) k] = i < BLOCK && k % 2 ? -1 : 1;
		build(&w);
		for (int sign = -1; sign <= 1; sign += 2)
		{
			for (int k = 0; k < w.d; k++)
				w.user[k] = (float) sign;
			check_all_n(&w, 0, NULL);
			check_all_n(&w, -7, NULL);
		}
		mimic_world_free(&w);
	}
}

/* Scores that differ in their last bits only, where a bound without slack fails. */
static void
test_near_ties(void **state)
{
	uint64_t seed = 14;

	(void) state;
	for (int round = 0; round < 60; round++)
	{
		mimic_world w = mimic_world_of(2000, 1 + (int) mimic_below(&seed, 64));
		float base = round % 3 ? 0 : (float) (1000 * mimic_normal(&seed));

		mimic_world_user(&w, RANDOM, 0, &seed);
		for (int32_t i = 0; i < w.items; i++)
			for (int k = 0; k < w.d; k++)
			{
				float *x = &w.item[(size_t) i * (size_t) w.stride + (size_t) k];

				/* in the direction of the user, so that Cauchy-Schwarz is tight */
				*x = w.user[k] * (1 + (float) mimic_below(&seed, 4) * 0x1p-23f);
			}
		if (round % 2)
		{
			w.bias = malloc((size_t) w.items * sizeof(float));
			for (int32_t i = 0; i < w.items; i++)
				w.bias[i] = (float) mimic_below(&seed, 3) * 0x1p-22f;
		}
		build(&w);
		check_all_n(&w, base, NULL);
		check(&w, w.index, base, NULL, 100);
		/* exactly representable: error is 0 but for rounding */
		for (int32_t i = 0; i < w.items; i++)
			for (int k = 0; k < w.d; k++)
				w.item[(size_t) i * (size_t) w.stride + (size_t) k] =
					(float) (mimic_below(&seed, 2) ? 127 : -127);
		build(&w);
		check_all_n(&w, base, NULL);
		mimic_world_free(&w);
	}
}

/* The best come last and owe it to components of p too small to have a code. */
static void
test_small_components(void **state)
{
	(void) state;
	for (int d = 2; d <= 1024; d *= 2)
	{
		mimic_world w = mimic_world_of(300, d);

		for (int k = 0; k < d; k++)
			w.user[k] = k ? 1e-5f : 1;
		for (int32_t i = 0; i < w.items; i++)
			for (int k = 0; k < d; k++)
				w.item[(size_t) i * (size_t) w.stride + (size_t) k] =
					i < BLOCK && k % 4 == 3 ? -127 : 127;
		build(&w);
		check_all_n(&w, 0, NULL);
		mimic_world_free(&w);
	}
}

/*
 * Products of 3/4 of the smallest number, which all become 1: 64 of them beat one
 * of 60, from longer rows, though their true sum is 48.  Then a user too small.
 */
static void
test_underflow(void **state)
{
	uint64_t seed = 23;
	mimic_world w = mimic_world_of(300, 64);

	(void) state;
	for (int k = 0; k < w.d; k++)
		w.user[k] = 0x1p-89f;
	for (int32_t i = 0; i < w.items; i++)
		for (int k = 0; k < w.d; k++)
			w.item[i * w.stride + k] = i >= BLOCK ? 0x0.cp-60f : k == 0 ? 60 * 0x1p-60f : 0;
	build(&w);
	check_all_n(&w, 0, NULL);
	mimic_world_items(&w, RANDOM, false, &seed);
	build(&w);
	for (int number = 0; number < 20; number++)
	{
		mimic_world_user(&w, DENORMAL, 1, &seed);
		check_all_n(&w, 0, NULL);
	}
	mimic_world_free(&w);
}

static void
test_not_finite(void **state)
{
	static const float odd[] = {INFINITY, -INFINITY, 0x1.fffffep127f, -0x1.fffffep127f, 2e38f};
	uint64_t seed = 15;

	(void) state;
	for (size_t s = 0; s < sizeof(odd) / sizeof(odd[0]); s++)
	{
		mimic_world w = mimic_world_of(400, 20);

		/* an odd factor, where the user's component is not 0: no score is NaN */
		mimic_world_items(&w, RANDOM, true, &seed);
		w.item[7 * (size_t) w.stride + 3] = odd[s];
		build(&w);
		mimic_world_user(&w, RANDOM, 0, &seed);
		w.user[3] = 1.5f;
		check_all_n(&w, 0, NULL);
		/* an odd bias */
		w.item[7 * (size_t) w.stride + 3] = 1;
		w.bias[9] = odd[s];
		build(&w);
		check_all_n(&w, -3, NULL);
		/* an odd base */
		w.bias[9] = 1;
		build(&w);
		check_all_n(&w, odd[s], NULL);
		/* an odd user */
		for (int32_t i = 0; i < w.items; i++)
			w.item[(size_t) i * (size_t) w.stride + 2] = (float) (i % 3) + 1;
		build(&w);
		w.user[2] = odd[s];
		check_all_n(&w, 2, NULL);
		/* NaN in the items must not break the building, nor the header */
		w.item[5] = NAN;
		build(&w);
		mimic_world_free(&w);
	}
}

/* Larger worlds, where most is pruned, with the bounds of every level. */
static void
test_many_blocks(void **state)
{
	char *old = mimic_level();
	uint64_t seed = 16;

	(void) state;
	for (int round = 0; round < 2 * (DUPLICATES + 1); round++)
	{
		mimic_world w = mimic_world_of(20000, 12);

		mimic_world_items(&w, round / 2, round % 2, &seed);
		build(&w);
		for (int user = 0; user < 6; user++)
		{
			mimic_world_user(&w, RANDOM, user % 3, &seed);
			setenv("RECO_ISA", levels[(user + round) % 3], 1);
			check(&w, w.index, 0, NULL, 10);
			check(&w, w.index, -5, NULL, 200);
		}
		mimic_world_free(&w);
	}
	mimic_level_back(old);
}

/* The index means the same elsewhere. */
static void
test_relocated(void **state)
{
	uint64_t seed = 17;
	mimic_world w = mimic_world_of(1100, 33);
	void *copy = aligned_alloc(RECO_ALIGN, w.bytes);

	(void) state;
	mimic_world_items(&w, SKEWED, true, &seed);
	build(&w);
	memcpy(copy, w.index, w.bytes);
	memset(w.index, 0xff, w.bytes);
	mimic_world_user(&w, RANDOM, 0, &seed);
	check(&w, copy, 0, NULL, 10);
	/* the same items give the same bytes */
	build(&w);
	assert_memory_equal(copy, w.index, w.bytes);
	free(copy);
	mimic_world_free(&w);
}

static void
test_valid(void **state)
{
	uint64_t seed = 18;
	mimic_world w = mimic_world_of(130, 10);
	unsigned char *byte = w.index;

	(void) state;
	mimic_world_items(&w, RANDOM, true, &seed);
	build(&w);
	assert_true(reco_pruned_valid(w.index, w.bytes + 1, 130, 10));
	assert_false(reco_pruned_valid(w.index, w.bytes - 1, 130, 10));
	assert_false(reco_pruned_valid(w.index, sizeof(reco_pruned) - 1, 130, 10));
	assert_false(reco_pruned_valid(NULL, 0, 130, 10));
	assert_false(reco_pruned_valid(w.index, w.bytes, 129, 10));
	assert_false(reco_pruned_valid(w.index, w.bytes, 130, 9));
	assert_false(reco_pruned_valid(w.index, w.bytes, -1, 10));
	assert_false(reco_pruned_valid(w.index, w.bytes, 130, 0));
	assert_false(reco_pruned_valid(w.index, w.bytes, 130, RECO_PRUNED_MAX_D + 1));
	for (size_t bit = 0; bit < sizeof(reco_pruned) * 8; bit++)
	{
		byte[bit / 8] ^= (unsigned char) (1 << bit % 8);
		assert_false(reco_pruned_valid(w.index, w.bytes, 130, 10));
		byte[bit / 8] ^= (unsigned char) (1 << bit % 8);
	}
	assert_true(reco_pruned_valid(w.index, w.bytes, 130, 10));
	assert_int_equal(w.bytes % RECO_ALIGN, 0);
	assert_int_equal(reco_pruned_size(-1, 10), 0);
	assert_int_equal(reco_pruned_size(10, 0), 0);
	assert_int_equal(reco_pruned_size(10, RECO_PRUNED_MAX_D + 1), 0);
	assert_true(reco_pruned_size(INT32_MAX, 1024) > (size_t) INT32_MAX * 1024);
	mimic_world_free(&w);
}

/* Arrays full of rubbish give a wrong answer, but one of items' numbers. */
static void
test_rubbish(void **state)
{
	uint64_t seed = 19;
	mimic_world w = mimic_world_of(1000, 16);

	(void) state;
	mimic_world_items(&w, RANDOM, true, &seed);
	build(&w);
	mimic_world_user(&w, RANDOM, 0, &seed);
	for (int round = 0; round < 200; round++)
	{
		reco_ranked out[20];
		int32_t n;

		for (size_t i = sizeof(reco_pruned); i < w.bytes; i++)
			((unsigned char *) w.index)[i] = (unsigned char) mimic_bits(&seed);
		n = reco_pruned_top(NULL, w.index, w.item, w.stride, w.user, w.bias, 0, NULL, 20, out);
		assert_true(n >= 0 && n <= 20);
		for (int32_t r = 0; r < n; r++)
			assert_true(out[r].item >= 0 && out[r].item < w.items);
	}
	mimic_world_free(&w);
}

static void
test_build_fails(void **state)
{
	uint64_t seed = 20;
	mimic_world w = mimic_world_of(30000, 100);
	mimic_env m;
	reco_status status;
	long stops = 0;

	(void) state;
	mimic_world_items(&w, SKEWED, false, &seed);
	mimic_env_init(&m);
	m.fail_at = 1;
	assert_int_equal(reco_pruned_build(&m.env, w.item, w.items, w.d, w.stride, NULL, w.index),
					 RECO_NO_MEMORY);
	assert_int_equal(m.live, 0);
	do
	{
		mimic_env_init(&m);
		m.stop_at = ++stops;
		status = reco_pruned_build(&m.env, w.item, w.items, w.d, w.stride, NULL, w.index);
		assert_int_equal(m.live, 0);
		if (status != RECO_OK)
			assert_int_equal(status, RECO_STOPPED);
	} while (status != RECO_OK);
	assert_true(stops > 4);
	assert_int_equal(reco_pruned_build(&m.env, w.item, -1, 4, 16, NULL, w.index), RECO_INVALID);
	assert_int_equal(reco_pruned_build(&m.env, w.item, 1, 0, 16, NULL, w.index), RECO_INVALID);
	assert_int_equal(reco_pruned_build(&m.env, w.item, 1, 17, 16, NULL, w.index), RECO_INVALID);
	mimic_world_free(&w);
}

static void
test_query_stops(void **state)
{
	uint64_t seed = 21;
	mimic_world w = mimic_world_of(30000, 8);
	reco_ranked *out = malloc(30000 * sizeof(reco_ranked));

	(void) state;
	mimic_world_items(&w, EQUAL_ROWS, false, &seed);
	build(&w);
	mimic_world_user(&w, RANDOM, 0, &seed);
	for (int way = 0; way < 2; way++)
	{
		int32_t n = way ? 10 : 20000; /* pruned up to a point, and plain */
		mimic_env m;
		int32_t have;
		long stops = 0;

		do
		{
			mimic_env_init(&m);
			m.stop_at = ++stops;
			have =
				reco_pruned_top(&m.env, w.index, w.item, w.stride, w.user, NULL, 0, NULL, n, out);
			if (have != n)
				assert_int_equal(have, -1);
		} while (have != n);
		assert_true(stops > 30000 / 4096);
	}
	free(out);
	mimic_world_free(&w);
}

/* One block's worth of input for the kernel, and its bounds in double. */
typedef struct scan_case
{
	int8_t *code;
	int16_t *p;
	int32_t *bytes;
	int32_t sum;
	float scale[RECO_CODE_BLOCK];
	float error[RECO_CODE_BLOCK];
	float bias[RECO_CODE_BLOCK];
	double bound[RECO_CODE_BLOCK];
} scan_case;

static void
make_scan_case(scan_case *c, int quads, uint64_t *seed)
{
	static const int from[] = {0, 2, 1, 3}; /* p's order within four */
	size_t codes = (size_t) quads * 4 * RECO_CODE_BLOCK;

	c->code = malloc(codes + 1);
	c->p = malloc((size_t) quads * 8 + 1);
	c->bytes = malloc((size_t) quads * 8 + 1);
	c->sum = 0;
	for (size_t i = 0; i < codes; i++)
		c->code[i] = (int8_t) (mimic_below(seed, 255) - 127);
	for (int k = 0; k < 4 * quads; k++)
	{
		/* the largest ones as well */
		int32_t p = mimic_below(seed, 8) == 0
						? RECO_CODE_MOST * (1 - 2 * (k & 1))
						: mimic_below(seed, 2 * RECO_CODE_MOST + 1) - RECO_CODE_MOST;
		int32_t high = (int32_t) floor((p + 128) / 256.0);

		c->p[k / 4 * 4 + from[k % 4]] = (int16_t) p;
		((int8_t *) c->bytes)[k / 4 * 8 + k % 4] = (int8_t) high;
		((int8_t *) c->bytes)[k / 4 * 8 + 4 + k % 4] = (int8_t) (p - 256 * high);
		c->sum += p;
	}
	for (int l = 0; l < RECO_CODE_BLOCK; l++)
	{
		int64_t dot = 0;

		for (int k = 0; k < 4 * quads; k++)
			dot += (int64_t) c->p[k / 4 * 4 + from[k % 4]] *
				   c->code[(size_t) (k / 4) * 4 * RECO_CODE_BLOCK + (size_t) (4 * l + k % 4)];
		c->scale[l] = (float) mimic_uniform(seed);
		c->error[l] = (float) mimic_uniform(seed);
		c->bias[l] = (float) mimic_normal(seed);
		c->bound[l] =
			c->scale[l] * (1e-6 * (double) dot) + (2.5 * c->error[l] + (c->bias[l] + 0.5));
	}
}

/* The kernel alone, at every level, against the sums in double. */
static void
test_code_scan(void **state)
{
	uint64_t seed = 22;

	(void) state;
	for (int quads = 0; quads < 20; quads++)
	{
		scan_case c;

		make_scan_case(&c, quads, &seed);
		/* with products of bytes, where the processor has them, and without */
		for (size_t v = 0; v < 2 * sizeof(levels) / sizeof(levels[0]); v++)
		{
			const reco_kernels *k = reco_kernels_named(levels[v / 2]);
			reco_code_query q = {c.p, v % 2 ? c.bytes : NULL, c.sum, quads, 1e-6f, 2.5f, 0.5f};
			reco_code_hit hit[RECO_CODE_BLOCK];
			int32_t n;

			if (k == NULL)
				continue;
			n = k->code_scan(&q, c.code, c.scale, c.error, c.bias, -INFINITY, hit);
			assert_int_equal(n, RECO_CODE_BLOCK);
			for (int l = 0; l < n; l++)
			{
				assert_int_equal(hit[l].at, l);
				assert_true(fabs(hit[l].bound - c.bound[l]) <= 1e-5 * (1 + fabs(c.bound[l])));
			}
			/* a bound equal to the floor counts */
			n = k->code_scan(&q, c.code, c.scale, c.error, c.bias, hit[5].bound, hit);
			assert_true(n > 0);
			for (int r = 1; r < n; r++)
				assert_true(hit[r].at > hit[r - 1].at);
			for (int r = 0; hit[r].at != 5; r++)
				assert_true(r + 1 < n);
			assert_int_equal(k->code_scan(&q, c.code, c.scale, c.error, c.bias, INFINITY, hit), 0);
			n = k->code_scan(&q, c.code, c.scale, c.error, NULL, -INFINITY, hit);
			assert_true(n == RECO_CODE_BLOCK && fabs(hit[3].bound + c.bias[3] - c.bound[3]) <=
													1e-5 * (1 + fabs(c.bound[3])));
		}
		free(c.code);
		free(c.p);
		free(c.bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code_scan),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_dimensions),
		cmocka_unit_test(test_extreme_codes),
		cmocka_unit_test(test_near_ties),
		cmocka_unit_test(test_small_components),
		cmocka_unit_test(test_underflow),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_many_blocks),
		cmocka_unit_test(test_relocated),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_rubbish),
		cmocka_unit_test(test_build_fails),
		cmocka_unit_test(test_query_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
