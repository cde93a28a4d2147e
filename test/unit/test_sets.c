/*
 * test_sets.c
 *	  Members of sets sorted and counted, against looking at all pairs; which
 *	  characters are in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/similarity/sets.h"
#include "core/similarity/words.h"
#include "mimic_env.h"

/* ---- sets ---- */

static int
by_key_and_item(const void *a, const void *b)
{
	const reco_member *x = a;
	const reco_member *y = b;

	return x->key != y->key     ? x->key < y->key ? -1 : 1
		   : x->item != y->item ? x->item < y->item ? -1 : 1
								: 0;
}

static uint64_t
any_key(int how, uint64_t *seed)
{
	uint64_t bits = mimic_bits(seed);

	return how == 0   ? bits
		   : how == 1 ? bits % 10
		   : how == 2 ? bits % 1000
		   : how == 3 ? bits & 0xFF00FF0000000000
		   : how == 4 ? 42
					  : bits | 0xFFFFFFFFFFFF0000;
}

static void
test_sets(void **state)
{
	uint64_t seed = 11;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (int trial = 0; trial < 3000; trial++)
	{
		int how = trial % 6;
		reco_member *list[2];
		int64_t n[2];
		reco_overlap wanted = {0, 0, 0};
		reco_overlap got;

		for (int s = 0; s < 2; s++)
		{
			n[s] = trial % 3 ? mimic_below(&seed, 60) : mimic_below(&seed, 500);
			list[s] = malloc((size_t) n[s] * sizeof(reco_member));

			reco_member *mimicked = malloc((size_t) n[s] * sizeof(reco_member));
			reco_member *scratch =
				n[s] > RECO_SORT_SMALL ? malloc((size_t) n[s] * sizeof(reco_member)) : NULL;

			for (int64_t i = 0; i < n[s]; i++)
				list[s][i] = (reco_member){any_key(how, &seed), (uint32_t) i};
			if (n[s] > 0)
				memcpy(mimicked, list[s], (size_t) n[s] * sizeof(reco_member));
			/* items rise, so a stable sort sorts by them as well */
			qsort(mimicked, (size_t) n[s], sizeof(reco_member), by_key_and_item);
			assert_int_equal(reco_sort_members(list[s], scratch, n[s], &m.env), RECO_OK);
			for (int64_t i = 0; i < n[s]; i++)
				assert_true(list[s][i].key == mimicked[i].key &&
							list[s][i].item == mimicked[i].item);
			free(mimicked);
			free(scratch);
		}
		for (int s = 0; s < 2; s++)
			for (int64_t i = 0; i < n[s]; i++)
			{
				bool first = true;
				bool common = false;

				for (int64_t j = 0; j < i; j++)
					first = first && list[s][j].key != list[s][i].key;
				for (int64_t j = 0; j < n[1 - s]; j++)
					common = common || list[1 - s][j].key == list[s][i].key;
				if (s == 0)
					wanted.a += first;
				else
					wanted.b += first;
				wanted.both += s == 0 && first && common;
			}
		assert_int_equal(reco_overlap_count(list[0], n[0], list[1], n[1], &m.env, &got), RECO_OK);
		assert_int_equal(got.a, wanted.a);
		assert_int_equal(got.b, wanted.b);
		assert_int_equal(got.both, wanted.both);
		free(list[0]);
		free(list[1]);
	}
}

static void
test_sets_stop(void **state)
{
	int64_t n = 600000;
	reco_member *list = malloc((size_t) n * sizeof(reco_member));
	reco_member *scratch = malloc((size_t) n * sizeof(reco_member));
	uint64_t seed = 12;
	reco_overlap got;
	long stop;

	(void) state;
	for (stop = 1;; stop++)
	{
		mimic_env m;
		reco_status status;

		mimic_env_init(&m);
		m.stop_at = stop;
		for (int64_t i = 0; i < n; i++)
			list[i] = (reco_member){mimic_bits(&seed), (uint32_t) i};
		status = reco_sort_members(list, scratch, n, &m.env);
		if (status == RECO_OK)
			break;
		assert_int_equal(status, RECO_STOPPED);
	}
	/* 2 in the pass that counts and in each of 8 that sort */
	assert_int_equal(stop - 1, 18);
	for (int64_t i = 1; i < n; i++)
		assert_true(list[i - 1].key <= list[i].key);
	for (stop = 1;; stop++)
	{
		mimic_env m;
		reco_status status;

		mimic_env_init(&m);
		m.stop_at = stop;
		status = reco_overlap_count(list, n, list, n, &m.env, &got);
		if (status == RECO_OK)
			break;
		assert_int_equal(status, RECO_STOPPED);
	}
	assert_int_equal(stop - 1, 2);
	assert_int_equal(got.both, got.a);
	assert_int_equal(got.b, got.a);
	free(list);
	free(scratch);
}

/* ---- words ---- */

static void
test_words(void **state)
{
	static const uint32_t in[] = {
		'0',    '9',     'a',     'z',     'A',     'Z',     0xAA,    0xB2,   0xB5,   0xC0,
		0xFF,   0x131,   0x301,   0x3B1,   0x416,   0x5D0,   0x627,   0x660,  0x905,  0x93F,
		0x94D,  0xE01,   0xE31,   0x10D0,  0x1100,  0x1E9E,  0x2070,  0x2160, 0x3005, 0x3042,
		0x30A2, 0x30FC,  0x3105,  0x4E00,  0x9FFF,  0xAC00,  0xD7A3,  0xF900, 0xFF10, 0xFF21,
		0xFF66, 0x10400, 0x1D400, 0x20000, 0x2A700, 0x30000, 0x10FFFF};
	static const uint32_t out[] = {
		0,      ' ',    '\t',   '\n',    '!',     '/',     ':',    '@',    '[',    '_',    '`',
		'{',    '~',    0x7F,   0x80,    0xA0,    0xA9,    0xAB,   0xB7,   0xD7,   0xF7,   0x37E,
		0x589,  0x60C,  0x964,  0x1680,  0x2003,  0x200B,  0x200D, 0x2019, 0x2026, 0x20AC, 0x2122,
		0x2190, 0x2200, 0x2500, 0x2603,  0x3000,  0x3001,  0x300C, 0x30FB, 0xD800, 0xFE0F, 0xFEFF,
		0xFF01, 0xFF0C, 0xFFFD, 0x1F600, 0x1F1E6, 0xE0020, 0xE0100};
	int32_t ascii = 0;

	(void) state;
	for (int i = 0; i < (int) (sizeof(in) / sizeof(in[0])); i++)
		if (!reco_in_word(in[i]))
			fail_msg("U+%04X is in words", in[i]);
	for (int i = 0; i < (int) (sizeof(out) / sizeof(out[0])); i++)
		if (reco_in_word(out[i]))
			fail_msg("U+%04X is in no word", out[i]);
	for (uint32_t c = 0; c < 0x80; c++)
		ascii += reco_in_word(c);
	assert_int_equal(ascii, 62);
	/* any number will do */
	(void) reco_in_word(UINT32_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_sets_stop),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
