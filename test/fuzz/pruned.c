/*
 * pruned.c
 *	  Fuzz target: the index of items, of any numbers, and damaged.
 *
 * Four bytes choose the shape: items, components, whether there are biases and damage,
 * and the length of the list.  The rest is the bits of numbers, over and over: items,
 * biases, the user.  A sound index gives what scoring all items gives, bit for bit;
 * one whose arrays were damaged gives some items all the same, and touches nothing
 * outside.
 */
#include "fuzz.h"

#include "core/ranking/pruned.h"
#include "core/ranking/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *
env_alloc(void *arg, size_t bytes)
{
	(void) arg;
	return aligned_alloc(RECO_ALIGN, (bytes + RECO_ALIGN - 1) / RECO_ALIGN * RECO_ALIGN);
}

static void
env_release(void *arg, void *memory)
{
	(void) arg;
	free(memory);
}

static bool
env_poll(void *arg)
{
	(void) arg;
	return false;
}

static reco_env env = {env_alloc, env_release, env_poll, env_poll, 1, NULL, NULL};

/* The next number of the input, which starts anew when it ends. */
static float
next(const uint8_t *data, size_t size, size_t *at)
{
	uint8_t bytes[4];
	float x;

	for (int b = 0; b < 4; b++)
		bytes[b] = size > 0 ? data[(*at)++ % size] : (uint8_t) b;
	memcpy(&x, bytes, sizeof(x));
	return x;
}

/* Scores are compared as they are only where none is NaN, as a model's never are. */
static bool
comparable(const float *score, int32_t items)
{
	for (int32_t i = 0; i < items; i++)
		if (isnan(score[i]))
			return false;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int32_t items;
	int d;
	int stride;
	int32_t n;
	bool biased;
	bool damaged;
	size_t at = 0;
	size_t bytes;
	float *item;
	float *user;
	float *bias;
	float *score;
	void *index;
	reco_ranked *out;
	reco_ranked *wanted;
	int32_t found;

	if (size < 4)
		return 0;
	items = 1 + data[0] * 3;
	d = 1 + data[1] % 40;
	biased = data[2] & 1;
	damaged = data[2] & 2;
	n = data[3] % 20;
	data += 4;
	size -= 4;
	stride = (d + 15) / 16 * 16;
	item = env_alloc(NULL, (size_t) items * (size_t) stride * sizeof(float));
	user = env_alloc(NULL, (size_t) stride * sizeof(float));
	bias = env_alloc(NULL, (size_t) items * sizeof(float));
	score = env_alloc(NULL, (size_t) items * sizeof(float));
	out = malloc((size_t) n * sizeof(reco_ranked) + 1);
	wanted = malloc((size_t) n * sizeof(reco_ranked) + 1);
	memset(item, 0, (size_t) items * (size_t) stride * sizeof(float));
	memset(user, 0, (size_t) stride * sizeof(float));
	for (int32_t i = 0; i < items; i++)
	{
		for (int k = 0; k < d; k++)
			item[(size_t) i * (size_t) stride + (size_t) k] = next(data, size, &at);
		bias[i] = next(data, size, &at);
	}
	for (int k = 0; k < d; k++)
		user[k] = next(data, size, &at);

	bytes = reco_pruned_size(items, d);
	index = env_alloc(NULL, bytes);
	REQUIRE(reco_pruned_build(&env, item, items, d, stride, biased ? bias : NULL, index) ==
			RECO_OK);
	REQUIRE(reco_pruned_valid(index, bytes, items, d));
	if (damaged)
		for (size_t b = sizeof(reco_pruned), k = 0; b < bytes && size > 0;
			 b += 1 + data[k++ % size])
			((uint8_t *) index)[b] ^= data[(k + 1) % size];
	reco_score(item, items, stride, user, biased ? bias : NULL, 0, score);
	found = reco_pruned_top(&env, index, item, stride, user, biased ? bias : NULL, 0, NULL, n, out);
	REQUIRE(found >= 0 && found <= n);
	for (int32_t r = 0; r < found; r++)
		REQUIRE(out[r].item >= 0 && out[r].item < items);
	if (!damaged && comparable(score, items))
	{
		REQUIRE(found == reco_top_n(NULL, score, items, NULL, n, wanted));
		REQUIRE(found == 0 || memcmp(out, wanted, (size_t) found * sizeof(reco_ranked)) == 0);
	}
	free(index);
	free(wanted);
	free(out);
	free(score);
	free(bias);
	free(user);
	free(item);
	return 0;
}
