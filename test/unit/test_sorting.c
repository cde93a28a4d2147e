/*
 * test_sorting.c
 *	  The sort in place (core/data/sorting.h), by the rows of a user: beside the C library's, on
 *	  orders that are hard for sorts by halves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/row.h"
#include "mimic_env.h"

typedef struct whole
{
	reco_entry entry;
	int64_t time;
} whole;

static bool timed;

static int
compare(const void *a, const void *b)
{
	const whole *x = a;
	const whole *y = b;

	if (x->entry.item != y->entry.item)
		return x->entry.item < y->entry.item ? -1 : 1;
	if (timed && x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->entry.value > y->entry.value) - (x->entry.value < y->entry.value);
}

enum
{
	RANDOM,
	FEW, /* different rows */
	ONE, /* row, again and again */
	RISING,
	FALLING,
	PIPES,  /* up and down */
	SAWS,   /* up again and again */
	KILLER, /* whose median of three is nearly the least each time */
	FAR,    /* items of all numbers, also below 0 */
	HEAPS,  /* nearly all in the part of the least */
	SHAPES
};

static int64_t
key_of(int shape, int64_t k, int64_t n, uint64_t *state)
{
	switch (shape)
	{
		case RANDOM:
			return mimic_below(state, n);
		case FEW:
			return mimic_below(state, 3);
		case ONE:
			return 7;
		case RISING:
			return k;
		case FALLING:
			return n - k;
		case PIPES:
			return k < n / 2 ? k : n - k;
		case SAWS:
			return k % 17;
		case FAR:
			return 3 * (int64_t) (int32_t) mimic_bits(state);
		case HEAPS:
			return k == n / 2 ? 3 * (int64_t) INT32_MAX : mimic_below(state, n);
		default:
			return k < n / 2 ? (k % 2 == 0 ? k : n / 2 + k) : 2 * (k - n / 2) + 1;
	}
}

static void
make(int shape, int64_t n, uint64_t *state, reco_entry *entry, int64_t *time, whole *wanted)
{
	for (int64_t k = 0; k < n; k++)
	{
		int64_t key = key_of(shape, k, n, state);

		entry[k] = (reco_entry){(int32_t) (key / 3), (float) mimic_below(state, 4)};
		time[k] = (key % 3 + 3) % 3;
		wanted[k] = (whole){entry[k], time[k]};
	}
	qsort(wanted, (size_t) n, sizeof(whole), compare);
}

static void
test_orders(void **state)
{
	static const int64_t sizes[] = {0,  1,  2,  3,   11,  12,   13,    14,    25,   31,
									32, 33, 64, 100, 511, 1000, 20000, 65535, 65536};
	uint64_t seed = 1;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (int shape = 0; shape < 2 * SHAPES; shape++)
		{
			int64_t n = sizes[s];
			reco_entry *entry = malloc(((size_t) n + 1) * sizeof(reco_entry));
			int64_t *time = malloc(((size_t) n + 1) * sizeof(int64_t));
			whole *wanted = malloc(((size_t) n + 1) * sizeof(whole));

			timed = shape >= SHAPES;
			make(shape % SHAPES, n, &seed, entry, time, wanted);
			assert_true(reco_row_sort(&m.env, entry, timed ? time : NULL, n));
			for (int64_t k = 0; k < n; k++)
			{
				assert_int_equal(entry[k].item, wanted[k].entry.item);
				assert_true(entry[k].value == wanted[k].entry.value);
				assert_true(!timed || time[k] == wanted[k].time);
			}
			free(wanted);
			free(time);
			free(entry);
		}
	assert_int_equal(m.allocations, 0);
}

/* Polls grow as n log n do, whatever the order; a poll that asks for an end gets it. */
static void
test_polls(void **state)
{
	int64_t n = 1000000;
	reco_entry *entry = malloc((size_t) n * sizeof(reco_entry));
	int64_t *time = malloc((size_t) n * sizeof(int64_t));
	whole *wanted = malloc((size_t) n * sizeof(whole));
	uint64_t seed = 2;

	(void) state;
	timed = true;
	for (int shape = 0; shape < SHAPES; shape++)
	{
		mimic_env m;
		long polls;

		mimic_env_init(&m);
		make(shape, n, &seed, entry, time, wanted);
		assert_true(reco_row_sort(&m.env, entry, time, n));
		for (int64_t k = 0; k < n; k++)
			if (entry[k].item != wanted[k].entry.item)
				fail_msg("row %ld of shape %d differs", (long) k, shape);
		polls = m.polls;
		assert_true(polls >= 1 && polls <= 1000);
		m.polls = 0;
		m.stop_at = polls / 2 + 1;
		make(shape, n, &seed, entry, time, wanted);
		assert_false(reco_row_sort(&m.env, entry, time, n));
	}
	free(wanted);
	free(time);
	free(entry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_polls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
