/*
 * pruned_build.c
 *	  The index of items' factors for pruned.c: its layout and how it is made.
 *
 * Norms are sorted as the bits of floats, by a stable radix sort, so equal ones
 * stay in the order of item numbers.  Codes are row / (largest / 127), rounded;
 * any codes would be right, as what they miss is measured from the codes and the
 * scale themselves, in double.
 *
 * Invariants:
 *	  - the same items give the same bytes;
 *	  - the header is written before the index is complete: only RECO_OK makes it
 *		one.
 *
 * Cost: three passes over the items and three over 8 bytes an item.
 */
#include "core/ranking/pruned_parts.h"

#include "core/base/slab.h"

#include <string.h>

#define MAGIC UINT64_C(0x314e55525043455a) /* changes with the layout */

/* A header for the shape; its check, and what depends on values, is not set. */
static reco_pruned
layout(int32_t items, int d)
{
	uint64_t blocks = (uint64_t) blocks_of(items);
	uint64_t by_position = blocks * BLOCK * sizeof(float);
	reco_pruned h;

	memset(&h, 0, sizeof(h));
	h.magic = MAGIC;
	h.items = items;
	h.d = d;
	reco_place(&h.bytes, sizeof(h));
	h.item_at = reco_place(&h.bytes, by_position);
	h.code_at = reco_place(&h.bytes, by_position * (uint64_t) quads_of(d));
	h.scale_at = reco_place(&h.bytes, by_position);
	h.error_at = reco_place(&h.bytes, by_position);
	h.bias_at = reco_place(&h.bytes, by_position);
	h.reach_at = reco_place(&h.bytes, blocks * sizeof(float));
	h.high_at = reco_place(&h.bytes, blocks * sizeof(float));
	h.later_at = reco_place(&h.bytes, blocks * sizeof(float));
	return h;
}

/* Of the header without its check. */
static uint64_t
checksum(reco_pruned h)
{
	h.check = 0;
	return reco_checksum(&h, sizeof(h));
}

static bool
in_range(int32_t items, int d)
{
	return items >= 0 && d >= 1 && d <= RECO_PRUNED_MAX_D;
}

size_t
reco_pruned_size(int32_t items, int d)
{
	return in_range(items, d) ? (size_t) layout(items, d).bytes : 0;
}

bool
reco_pruned_valid(const void *index, size_t bytes, int32_t items, int d)
{
	reco_pruned h;
	reco_pruned wanted;

	if (!in_range(items, d) || bytes < sizeof(h))
		return false;
	memcpy(&h, index, sizeof(h));
	wanted = layout(items, d);
	wanted.biased = h.biased;
	wanted.largest = h.largest;
	wanted.most_bias = h.most_bias;
	wanted.check = checksum(wanted);
	return bytes >= wanted.bytes && memcmp(&h, &wanted, sizeof(h)) == 0;
}

/* Polls when enough work has been done since it was last done. */
static bool
stop_after(const reco_env *env, int64_t work, int64_t *done)
{
	*done += work;
	if (*done < 2 * 1048576)
		return false;
	*done = 0;
	return env->poll(env->arg);
}

typedef struct sorting
{
	uint32_t *key; /* falls with the norm */
	int32_t *item;
	uint32_t *other_key;
	int32_t *other_item;
} sorting;

/* Where rows come from; the room is one row's. */
typedef struct source
{
	reco_pruned_row row;
	const void *arg;
	float *room;
} source;

static inline const float *
row_of(const source *from, int32_t item)
{
	return from->row(from->arg, item, from->room);
}

/* The keys of all items; also the largest norm and bias, which may be infinite. */
static reco_status
measure(const reco_env *env, const source *from, const float *bias, reco_pruned *h, sorting *s)
{
	int64_t done = 0;

	for (int32_t i = 0; i < h->items; i++)
	{
		float norm = round_up(norm_of(row_of(from, i), h->d));
		float b = bias ? fabsf(bias[i]) : 0;
		uint32_t bits;

		/* NaN counts as infinite */
		if (!(norm <= (float) LIMIT) || !(b <= (float) LIMIT))
			norm = h->largest = INFINITY;
		if (norm > h->largest)
			h->largest = norm;
		if (b > h->most_bias)
			h->most_bias = b;
		/* floats that are not negative are in the order of their bits */
		memcpy(&bits, &norm, sizeof(bits));
		s->key[i] = ~bits;
		s->item[i] = i;
		if (stop_after(env, h->d + 8, &done))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* One pass of a stable radix sort by eleven bits of the key. */
static reco_status
sort_pass(const reco_env *env, sorting *s, int32_t items, int shift)
{
	int32_t start[2048] = {0};
	int32_t at = 0;
	int64_t done = 0;

	for (int32_t i = 0; i < items; i++)
	{
		start[(s->key[i] >> shift) & 2047]++;
		if (stop_after(env, 2, &done))
			return RECO_STOPPED;
	}
	for (int b = 0; b < 2048; b++)
	{
		int32_t n = start[b];

		start[b] = at;
		at += n;
	}
	for (int32_t i = 0; i < items; i++)
	{
		int32_t to = start[(s->key[i] >> shift) & 2047]++;

		s->other_key[to] = s->key[i];
		s->other_item[to] = s->item[i];
		if (stop_after(env, 8, &done))
			return RECO_STOPPED;
	}
	*s = (sorting){s->other_key, s->other_item, s->key, s->item};
	return RECO_OK;
}

/*
 * Codes, scale and error of one row of d components, at its place in the block
 * (64 times four codes further for the next four components).
 */
static void
encode(const float *row, int d, int8_t *code, float *scale, float *error)
{
	double norm = norm_of(row, d);
	double rest = 0;
	float most = 0;
	float inverse;

	for (int k = 0; k < d; k++)
		most = fmaxf(most, fabsf(row[k]));
	*scale = most / 127;
	inverse = 127 / most;
	/* no codes for what might leave the normal numbers: all of it is error then */
	if (most < 0x1p-100f)
		*scale = inverse = 0;
	for (int k = 0; k < d; k++)
	{
		/* to the nearest by a number whose last bit is 1; any code would be right */
		float c = (row[k] * inverse + 0x1.8p23f) - 0x1.8p23f;
		double miss = row[k] - (double) *scale * c;

		code[(size_t) (k / 4) * 4 * BLOCK + k % 4] = (int8_t) c;
		rest += miss * miss;
	}
	rest = sqrt(rest) * (1 + 1e-12);
	*error = round_up((1 + eta_of(d)) * rest + (eta_of(d) + rounding_of(d)) * (norm + rest));
}

/* Everything by position, and then by block. */
static reco_status
fill(const reco_env *env, const source *from, const float *bias, const reco_pruned *h,
	 const int32_t *order, void *index)
{
	parts to = parts_of(index);
	size_t block_codes = (size_t) quads_of(h->d) * 4 * BLOCK;
	int32_t blocks = blocks_of(h->items);
	float later = -INFINITY;
	int64_t done = 0;

	for (int32_t b = 0; b < blocks; b++)
	{
		int8_t *codes = to.code + (size_t) b * block_codes;
		float high = -INFINITY;

		memset(codes, 0, block_codes);
		for (int l = 0; l < BLOCK; l++)
		{
			size_t at = (size_t) b * BLOCK + (size_t) l;
			int32_t i = at < (size_t) h->items ? order[at] : -1;
			const float *row;

			to.item[at] = i;
			to.scale[at] = to.error[at] = to.bias[at] = 0;
			if (i < 0)
				continue;
			row = row_of(from, i);
			encode(row, h->d, codes + 4 * l, &to.scale[at], &to.error[at]);
			if (bias)
				to.bias[at] = bias[i];
			high = fmaxf(high, to.bias[at]);
			if (l == 0)
				to.reach[b] = round_up(norm_of(row, h->d) * (1 + rounding_of(h->d)));
		}
		to.high[b] = high;
		if (stop_after(env, (int64_t) block_codes * 4, &done))
			return RECO_STOPPED;
	}
	for (int32_t b = blocks - 1; b >= 0; b--)
		to.later[b] = later = fmaxf(later, to.high[b]);
	return RECO_OK;
}

reco_status
reco_pruned_build_rows(const reco_env *env, reco_pruned_row row, const void *arg, int32_t items,
					   int d, const float *bias, void *index)
{
	reco_pruned h;
	reco_status status;
	size_t n = (size_t) (items > 0 ? items : 1);
	uint32_t *memory;
	sorting s;
	source from = {row, arg, NULL};

	if (!in_range(items, d))
		return RECO_INVALID;
	memory = env->alloc(env->arg, n * 16 + (size_t) d * sizeof(float));
	if (memory == NULL)
		return RECO_NO_MEMORY;
	s = (sorting){memory, (int32_t *) (memory + n), memory + 2 * n, (int32_t *) (memory + 3 * n)};
	from.room = (float *) (memory + 4 * n);
	h = layout(items, d);
	h.biased = bias != NULL;
	status = measure(env, &from, bias, &h, &s);
	for (int shift = 0; shift < 32 && status == RECO_OK; shift += 11)
		status = sort_pass(env, &s, items, shift);
	if (status == RECO_OK)
	{
		h.check = checksum(h);
		/* what fill leaves out is padding; without it everything is */
		memset(index, 0, h.item_at);
		memcpy(index, &h, sizeof(h));
		if (isfinite(h.largest))
		{
			memset((char *) index + h.reach_at, 0, h.bytes - h.reach_at);
			status = fill(env, &from, bias, &h, s.item, index);
		}
		else
			memset((char *) index + h.item_at, 0, h.bytes - h.item_at);
	}
	env->release(env->arg, memory);
	return status;
}

typedef struct matrix
{
	const float *item;
	size_t stride;
} matrix;

static const float *
row_of_matrix(const void *arg, int32_t item, float *room)
{
	const matrix *m = arg;

	(void) room;
	return m->item + (size_t) item * m->stride;
}

reco_status
reco_pruned_build(const reco_env *env, const float *item, int32_t items, int d, int stride,
				  const float *bias, void *index)
{
	matrix m = {item, (size_t) stride};

	if (stride < d)
		return RECO_INVALID;
	return reco_pruned_build_rows(env, row_of_matrix, &m, items, d, bias, index);
}
