/*
 * history.c
 *	  A user's interactions packed into a few bytes each.
 *
 * Layout: one byte for the kind of values, the count, then the differences of
 * consecutive item numbers minus one (the first as it is), all as variable-length
 * integers of seven bits a byte, low bits first; then the values: none when all
 * are 1, a byte each when all are whole numbers from 0 to 255, else a float each
 * in the machine's byte order.
 *
 * A difference takes one byte up to 127, so a history costs one to three bytes
 * an interaction where a pair of int and float takes eight.  The decoder takes
 * any bytes: the table they come from belongs to the model's owner.
 */
#include "core/data/history.h"

#include <string.h>

enum
{
	VALUES_ONE = 0,
	VALUES_BYTE = 1,
	VALUES_FLOAT = 2
};

#define VARINT_MAX 10

/* Interactions between two polls: some milliseconds. */
#define POLL_INTERACTIONS 1048576

static inline bool
stop_at_interaction(const reco_env *env, int64_t i)
{
	return i % POLL_INTERACTIONS == POLL_INTERACTIONS - 1 && env && env->poll(env->arg);
}

static size_t
put_varint(uint8_t *out, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t) (v | 0x80);
	out[n++] = (uint8_t) v;
	return n;
}

/* Reads one integer and moves *at past it; false at the end or beyond 63 bits. */
static bool
get_varint(const uint8_t *data, size_t size, size_t *at, uint64_t *v)
{
	*v = 0;
	for (int shift = 0; shift < 63; shift += 7)
	{
		uint8_t byte;

		if (*at >= size)
			return false;
		byte = data[(*at)++];
		*v |= (uint64_t) (byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* -1 to stop. */
static int
kind_of(const reco_env *env, const float *value, int64_t n)
{
	bool ones = true;

	if (value == NULL)
		return VALUES_ONE;
	for (int64_t i = 0; i < n; i++)
	{
		if (stop_at_interaction(env, i))
			return -1;
		if (!(value[i] >= 0 && value[i] <= 255 && value[i] == (float) (int) value[i]))
			return VALUES_FLOAT;
		ones = ones && value[i] == 1;
	}
	return ones ? VALUES_ONE : VALUES_BYTE;
}

size_t
reco_history_bound(int64_t n)
{
	return 1 + VARINT_MAX + (size_t) n * (5 + sizeof(float));
}

size_t
reco_history_encode(const reco_env *env, const int32_t *item, const float *value, int64_t n,
					uint8_t *out)
{
	int kind = kind_of(env, value, n);
	int64_t previous = -1;
	size_t at = 0;

	if (kind < 0)
		return 0;
	out[at++] = (uint8_t) kind;
	at += put_varint(out + at, (uint64_t) n);
	for (int64_t i = 0; i < n; i++)
	{
		if (stop_at_interaction(env, i))
			return 0;
		at += put_varint(out + at, (uint64_t) (item[i] - previous - 1));
		previous = item[i];
	}
	if (kind == VALUES_BYTE)
		for (int64_t i = 0; i < n; i++)
			out[at++] = (uint8_t) value[i];
	else if (kind == VALUES_FLOAT)
	{
		memcpy(out + at, value, (size_t) n * sizeof(float));
		at += (size_t) n * sizeof(float);
	}
	return at;
}

/* Reads the head; leaves *at at the first item. */
static int64_t
read_head(const uint8_t *data, size_t size, size_t *at)
{
	uint64_t n;

	*at = 1;
	if (size < 2 || data[0] > VALUES_FLOAT || !get_varint(data, size, at, &n))
		return -1;
	/* an item takes a byte at least, so a count cannot ask for more memory than that */
	if (n > size - *at)
		return -1;
	return (int64_t) n;
}

int64_t
reco_history_count(const uint8_t *data, size_t size)
{
	size_t at;

	return read_head(data, size, &at);
}

bool
reco_history_decode(const reco_env *env, const uint8_t *data, size_t size, int32_t items,
					int32_t *item, float *value)
{
	size_t at;
	int64_t n = read_head(data, size, &at);
	int64_t previous = -1;

	if (n < 0)
		return false;
	for (int64_t i = 0; i < n; i++)
	{
		uint64_t step;

		if (stop_at_interaction(env, i))
			return false;
		if (!get_varint(data, size, &at, &step) || step > INT32_MAX)
			return false;
		previous += (int64_t) step + 1;
		if (previous >= items)
			return false;
		item[i] = (int32_t) previous;
	}
	switch (data[0])
	{
		case VALUES_ONE:
			for (int64_t i = 0; i < n; i++)
				value[i] = 1;
			return at == size;
		case VALUES_BYTE:
			if (size - at != (size_t) n)
				return false;
			for (int64_t i = 0; i < n; i++)
				value[i] = data[at + i];
			return true;
		default:
			if (size - at != (size_t) n * sizeof(float))
				return false;
			if (n > 0)
				memcpy(value, data + at, (size_t) n * sizeof(float));
			for (int64_t i = 0; i < n; i++)
				if (!__builtin_isfinite(value[i]))
					return false;
			return true;
	}
}
