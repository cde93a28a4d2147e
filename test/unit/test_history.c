/*
 * test_history.c
 *	  Packed histories: round trips, and bytes that somebody damaged.
 *
 * Buffers are malloc'd to the byte, so that ASan sees any access beyond them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/history.h"
#include "mimic_env.h"

/* Packs into memory of exactly the size that was needed. */
static uint8_t *
encode(const int32_t *item, const float *value, int64_t n, size_t *size)
{
	size_t bound = reco_history_bound(n);
	uint8_t *buffer = malloc(bound);
	uint8_t *exact;

	*size = reco_history_encode(NULL, item, value, n, buffer);
	assert_true(*size <= bound);
	exact = malloc(*size);
	memcpy(exact, buffer, *size);
	free(buffer);
	return exact;
}

static void
round_trip(const int32_t *item, const float *value, int64_t n, int32_t items)
{
	size_t size;
	uint8_t *data = encode(item, value, n, &size);
	int32_t *item_out = malloc((size_t) n * sizeof(int32_t) + 1);
	float *value_out = malloc((size_t) n * sizeof(float) + 1);

	assert_int_equal(reco_history_count(data, size), n);
	assert_true(reco_history_decode(NULL, data, size, items, item_out, value_out));
	for (int64_t i = 0; i < n; i++)
	{
		assert_int_equal(item_out[i], item[i]);
		assert_true(value_out[i] == (value ? value[i] : 1));
	}
	/* an item that is not below items makes it damaged */
	if (n > 0)
		assert_false(reco_history_decode(NULL, data, size, item[n - 1], item_out, value_out));
	free(data);
	free(item_out);
	free(value_out);
}

static void
test_round_trips(void **state)
{
	uint64_t seed = 1;

	(void) state;
	for (int round = 0; round < 2000; round++)
	{
		int64_t n = mimic_below(&seed, round % 20 == 0 ? 3000 : 40);
		int64_t gap = INT64_C(1) << mimic_below(&seed, 16);
		int kind = (int) mimic_below(&seed, 5);
		int32_t *item = malloc((size_t) n * sizeof(int32_t) + 1);
		float *value = malloc((size_t) n * sizeof(float) + 1);
		int64_t last = -1;

		for (int64_t i = 0; i < n; i++)
		{
			last += 1 + mimic_below(&seed, gap);
			item[i] = (int32_t) last;
			value[i] = kind == 0   ? 1
					   : kind == 1 ? (float) mimic_below(&seed, 256)
					   : kind == 2 ? (float) (mimic_uniform(&seed) - 0.5)
					   : kind == 3 ? (float) (1e30 * (mimic_uniform(&seed) - 0.5))
								   : (float) mimic_below(&seed, 258);
		}
		round_trip(item, kind == 0 && round % 2 ? NULL : value, n, (int32_t) (last + 1));
		free(item);
		free(value);
	}
}

static void
test_boundaries(void **state)
{
	static const int32_t far[] = {0, 127, 128, 16383, 16384, 2097151, INT32_MAX - 1};
	static const int32_t steps[] = {127, 255, 256, 16640, 33024, 2130176, 4227328};
	static const float values[] = {0, 1, 254, 255, 256, -1, 0.5, 1e38, 1e-45, -3e38, 255.5};

	(void) state;
	round_trip(NULL, NULL, 0, 0);
	round_trip((int32_t[]){0}, NULL, 1, 1);
	round_trip((int32_t[]){INT32_MAX - 1}, NULL, 1, INT32_MAX);
	round_trip(far, NULL, 7, INT32_MAX);
	round_trip(steps, NULL, 7, INT32_MAX);
	for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++)
		round_trip((int32_t[]){3}, &values[v], 1, 4);
	round_trip(far, values, 7, INT32_MAX);
	round_trip(far, values + 4, 7, INT32_MAX);
}

static void
test_sizes(void **state)
{
	int32_t item[100];
	float value[100];
	size_t size;

	(void) state;
	for (int i = 0; i < 100; i++)
	{
		item[i] = i * 128;
		value[i] = 1;
	}
	item[0] = 127;
	free(encode(item, NULL, 100, &size));
	assert_int_equal(size, 2 + 100);
	free(encode(item, value, 100, &size)); /* all 1: no values are stored */
	assert_int_equal(size, 2 + 100);
	value[50] = 255;
	free(encode(item, value, 100, &size)); /* whole numbers: a byte each */
	assert_int_equal(size, 2 + 200);
	value[50] = 256;
	free(encode(item, value, 100, &size)); /* else a float each */
	assert_int_equal(size, 2 + 500);
	free(encode(item, NULL, 0, &size));
	assert_int_equal(size, 2);
}

/*
 * Decodes bytes of which nothing is known into buffers of just the size that
 * they ask for.  What is accepted must be a history.
 */
static bool
decode_any(const uint8_t *data, size_t size, int32_t items)
{
	int64_t n = reco_history_count(data, size);
	int32_t *item;
	float *value;
	bool good;

	assert_true(n >= -1 && n <= (int64_t) size);
	if (n < 0)
	{
		assert_false(reco_history_decode(NULL, data, size, items, NULL, NULL));
		return false;
	}
	item = malloc((size_t) n * sizeof(int32_t) + (n == 0));
	value = malloc((size_t) n * sizeof(float) + (n == 0));
	good = reco_history_decode(NULL, data, size, items, item, value);
	for (int64_t i = 0; good && i < n; i++)
	{
		assert_true(item[i] >= 0 && item[i] < items);
		assert_true(i == 0 || item[i] > item[i - 1]);
		assert_true(isfinite(value[i]));
	}
	free(item);
	free(value);
	return good;
}

static void
damage(const int32_t *item, const float *value, int64_t n, int32_t items)
{
	size_t size;
	uint8_t *data = encode(item, value, n, &size);

	for (size_t shorter = 0; shorter < size; shorter++)
	{
		uint8_t *part = malloc(shorter + (shorter == 0));

		memcpy(part, data, shorter);
		assert_false(decode_any(part, shorter, items));
		free(part);
	}
	for (size_t at = 0; at < size; at++)
	{
		uint8_t byte = data[at];

		for (int change = 1; change < 256; change++)
		{
			data[at] = (uint8_t) (byte ^ change);
			(void) decode_any(data, size, items);
		}
		data[at] = byte;
	}
	assert_true(decode_any(data, size, items));
	free(data);
	/* a byte too many */
	data = malloc(reco_history_bound(n) + 1);
	(void) reco_history_encode(NULL, item, value, n, data);
	data[size] = 0;
	assert_false(decode_any(data, size + 1, items));
	free(data);
}

static void
test_damage(void **state)
{
	int32_t item[60];
	float value[60];
	uint64_t seed = 5;

	(void) state;
	for (int i = 0; i < 60; i++)
		item[i] = i * 400 + (int32_t) mimic_below(&seed, 400);
	damage(NULL, NULL, 0, 24000);
	damage(item, NULL, 1, 24000);
	damage(item, NULL, 60, 24000);
	for (int i = 0; i < 60; i++)
		value[i] = (float) mimic_below(&seed, 256);
	damage(item, value, 60, 24000);
	for (int i = 0; i < 60; i++)
		value[i] = (float) mimic_uniform(&seed);
	damage(item, value, 60, 24000);
}

static void
test_random_bytes(void **state)
{
	uint64_t seed = 9;

	(void) state;
	for (int round = 0; round < 100000; round++)
	{
		size_t size = (size_t) mimic_below(&seed, 40);
		uint8_t *data = malloc(size + (size == 0));

		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t) mimic_bits(&seed);
		if (size > 2 && round % 2)
		{
			data[0] %= 3;
			data[1] %= 12;
		}
		(void) decode_any(data, size, round % 3 ? INT32_MAX : 300);
		free(data);
	}
}

static void
test_made_up(void **state)
{
	/* a count that no memory could hold, and integers of more bits than 63 */
	static const uint8_t huge[] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0};
	static const uint8_t endless[] = {0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
									  0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	/* steps that overflow 32 bits one by one or added up */
	static const uint8_t step[] = {0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f};
	static const uint8_t steps[] = {0,    2,    0xff, 0xff, 0xff, 0xff,
									0x07, 0xff, 0xff, 0xff, 0xff, 0x07};
	static const uint8_t kind[] = {3, 1, 0};
	/* NaN and infinity */
	static const uint8_t nan[] = {2, 1, 0, 0, 0, 0xc0, 0x7f};
	static const uint8_t infinite[] = {2, 1, 0, 0, 0, 0x80, 0x7f};

	(void) state;
	assert_int_equal(reco_history_count(huge, sizeof(huge)), -1);
	assert_int_equal(reco_history_count(endless, sizeof(endless)), -1);
	assert_int_equal(reco_history_count(kind, sizeof(kind)), -1);
	assert_int_equal(reco_history_count((uint8_t[]){0, 3, 0, 0}, 4), -1);
	assert_int_equal(reco_history_count(NULL, 0), -1);
	assert_false(decode_any(step, sizeof(step), INT32_MAX));
	assert_false(decode_any(steps, sizeof(steps), INT32_MAX));
	assert_false(decode_any(nan, sizeof(nan), INT32_MAX));
	assert_false(decode_any(infinite, sizeof(infinite), INT32_MAX));
	assert_false(decode_any((uint8_t[]){0, 1, 0}, 3, 0));
	assert_true(decode_any((uint8_t[]){0, 1, 0}, 3, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),  cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_sizes),        cmocka_unit_test(test_damage),
		cmocka_unit_test(test_random_bytes), cmocka_unit_test(test_made_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
