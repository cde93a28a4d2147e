/*
 * test_topn.c
 *	  The n best scores, against sorting them all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/topn.h"
#include "mimic_env.h"

static int
compare(const void *a, const void *b)
{
	const reco_ranked *x = a;
	const reco_ranked *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->item < y->item ? -1 : 1;
}

static void
check(const float *score, int32_t items, const uint64_t *skip, int32_t n)
{
	reco_ranked *all = malloc((size_t) items * sizeof(reco_ranked) + 1);
	int32_t left = 0;
	int32_t wanted;
	reco_ranked *out;

	for (int32_t i = 0; i < items; i++)
		if (score[i] != -INFINITY && (skip == NULL || !reco_set_has(skip, i)))
			all[left++] = (reco_ranked){score[i], i};
	qsort(all, (size_t) left, sizeof(reco_ranked), compare);
	wanted = n < 0 ? 0 : n < left ? n : left;
	/* just as long as the list, so that ASan sees a write past it */
	out = malloc((size_t) wanted * sizeof(reco_ranked) + (wanted == 0));
	assert_int_equal(reco_top_n(NULL, score, items, skip, n, out), wanted);
	for (int32_t r = 0; r < wanted; r++)
	{
		assert_int_equal(out[r].item, all[r].item);
		/* the bits too: -0 stays -0 */
		assert_memory_equal(&out[r].score, &all[r].score, sizeof(float));
	}
	free(out);
	free(all);
}

enum
{
	RANDOM,
	FEW,
	EQUAL,
	RISING,
	FALLING,
	ZEROS,
	INFINITE,
	KINDS
};

static float
score_of(int kind, int32_t i, uint64_t *seed)
{
	switch (kind)
	{
		case RANDOM:
			return (float) (mimic_uniform(seed) - 0.5);
		case FEW:
			return (float) mimic_below(seed, 4);
		case EQUAL:
			return -3;
		case RISING:
			return (float) i;
		case FALLING:
			return (float) -i;
		case ZEROS:
			return mimic_below(seed, 2) ? -0.0f : 0.0f;
		default:
			return ((const float[]){INFINITY, -INFINITY, 0, 1e38f, -1e-45f})[mimic_below(seed, 5)];
	}
}

static void
check_all_n(const float *score, int32_t items, const uint64_t *skip)
{
	const int32_t some[] = {-1, 0, 1, 2, 3, 10, items / 2, items - 1, items, items + 1, INT32_MAX};

	for (size_t j = 0; j < sizeof(some) / sizeof(some[0]); j++)
		check(score, items, skip, some[j]);
}

static void
test_against_sort(void **state)
{
	static const int32_t sizes[] = {0, 1, 2, 3, 7, 63, 64, 65, 1000};
	uint64_t seed = 3;

	(void) state;
	for (int kind = 0; kind < KINDS; kind++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		{
			int32_t items = sizes[s];
			float *score = malloc((size_t) items * sizeof(float) + 1);
			uint64_t *skip = malloc(RECO_SET_BYTES(items) + 1);

			for (int32_t i = 0; i < items; i++)
				score[i] = score_of(kind, i, &seed);
			check_all_n(score, items, NULL);
			for (int share = 0; share <= 4; share++)
			{
				memset(skip, 0, RECO_SET_BYTES(items));
				for (int32_t i = 0; i < items; i++)
					if (mimic_below(&seed, 4) < share)
						reco_set_add(skip, i);
				check_all_n(score, items, skip);
			}
			free(score);
			free(skip);
		}
}

static void
test_many_random(void **state)
{
	uint64_t seed = 4;

	(void) state;
	for (int round = 0; round < 5000; round++)
	{
		float score[40];
		int32_t items = (int32_t) mimic_below(&seed, 41);
		uint64_t skip = mimic_bits(&seed) & mimic_bits(&seed);

		for (int32_t i = 0; i < items; i++)
			score[i] = score_of(round % KINDS, i, &seed);
		check(score, items, round % 3 ? &skip : NULL, (int32_t) mimic_below(&seed, 45));
	}
}

static void
test_set(void **state)
{
	uint64_t set[3] = {0};

	(void) state;
	assert_int_equal(RECO_SET_BYTES(0), 0);
	assert_int_equal(RECO_SET_BYTES(1), 8);
	assert_int_equal(RECO_SET_BYTES(64), 8);
	assert_int_equal(RECO_SET_BYTES(65), 16);
	/* more than an int32 of bits, were they counted in one */
	assert_true(RECO_SET_BYTES(INT32_MAX) == (size_t) 1 << 28);
	for (int32_t i = 0; i < 192; i += 7)
		reco_set_add(set, i);
	for (int32_t i = 0; i < 192; i++)
		assert_int_equal(reco_set_has(set, i), i % 7 == 0);
}

/* A list of very many is cut and sorted with looks at whether to stop, and stops at each. */
static void
test_polls(void **state)
{
	enum
	{
		ITEMS = 200000
	};
	float *score = malloc(ITEMS * sizeof(float));
	reco_ranked *out = malloc(ITEMS * sizeof(reco_ranked));
	mimic_env m;
	long polls;

	(void) state;
	for (int32_t i = 0; i < ITEMS; i++)
		score[i] = (float) (((int64_t) i * 7919) % ITEMS);
	mimic_env_init(&m);
	assert_int_equal(reco_top_n(&m.env, score, ITEMS, NULL, ITEMS, out), ITEMS);
	for (int32_t r = 1; r < ITEMS; r++)
		assert_true(reco_ranked_after(out[r], out[r - 1]));
	polls = m.polls;
	assert_true(polls >= 10);
	for (long k = 1; k <= polls; k++)
	{
		mimic_env_init(&m);
		m.stop_at = k;
		assert_int_equal(reco_top_n(&m.env, score, ITEMS, NULL, ITEMS, out), -1);
	}
	free(score);
	free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_sort),
		cmocka_unit_test(test_many_random),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_polls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
