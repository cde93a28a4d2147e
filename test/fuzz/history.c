/*
 * history.c
 *	  Fuzz target: the decoder of packed histories on any bytes.
 *
 * The first byte chooses how many items there are, the rest is the data.  What
 * the decoder accepts must be a history, and packing it again must give one
 * that unpacks to the same.
 */
#include "fuzz.h"

#include "core/data/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
round_trip(const int32_t *item, const float *value, int64_t n, int32_t items)
{
	uint8_t *packed = malloc(reco_history_bound(n));
	size_t size = reco_history_encode(NULL, item, value, n, packed);
	int32_t *item_again = malloc((size_t) n * sizeof(int32_t) + 1);
	float *value_again = malloc((size_t) n * sizeof(float) + 1);

	REQUIRE(size <= reco_history_bound(n));
	REQUIRE(reco_history_count(packed, size) == n);
	REQUIRE(reco_history_decode(NULL, packed, size, items, item_again, value_again));
	for (int64_t i = 0; i < n; i++)
		REQUIRE(item_again[i] == item[i] && value_again[i] == value[i]);
	free(packed);
	free(item_again);
	free(value_again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int32_t sizes[] = {0, 1, 100, 128, 20000, INT32_MAX};
	int32_t items;
	int64_t n;
	int32_t *item;
	float *value;

	if (size == 0)
		return 0;
	items = sizes[data[0] % (sizeof(sizes) / sizeof(sizes[0]))];
	data++;
	size--;
	n = reco_history_count(data, size);
	REQUIRE(n >= -1 && n <= (int64_t) size);
	if (n < 0)
		return 0;
	/* just as long as asked for */
	item = malloc((size_t) n * sizeof(int32_t) + (n == 0));
	value = malloc((size_t) n * sizeof(float) + (n == 0));
	if (reco_history_decode(NULL, data, size, items, item, value))
	{
		for (int64_t i = 0; i < n; i++)
		{
			REQUIRE(item[i] >= 0 && item[i] < items && isfinite(value[i]));
			REQUIRE(i == 0 || item[i] > item[i - 1]);
		}
		round_trip(item, value, n, items);
	}
	free(item);
	free(value);
	return 0;
}
