/*
 * mimic_pruned.c
 *	  Items and users of many kinds, for pruned.h under test.
 */
#include "mimic_pruned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/pruned.h"
#include "mimic_env.h"

mimic_world
mimic_world_of(int32_t items, int d)
{
	mimic_world w = {.items = items, .d = d, .stride = (d + 15) / 16 * 16};
	size_t floats = (size_t) items * (size_t) w.stride;

	w.item = calloc(floats + 1, sizeof(float));
	w.user = calloc((size_t) w.stride, sizeof(float));
	w.score = calloc((size_t) items + 1, sizeof(float));
	w.bytes = reco_pruned_size(items, d);
	w.index = aligned_alloc(RECO_ALIGN, w.bytes);
	memset(w.index, 0x5a, w.bytes);
	return w;
}

void
mimic_world_free(mimic_world *w)
{
	free(w->item);
	free(w->bias);
	free(w->user);
	free(w->score);
	free(w->index);
}

double
mimic_normal(uint64_t *seed)
{
	double u = mimic_uniform(seed) + 0x1p-54;

	return sqrt(-2 * log(u)) * cos(6.283185307179586 * mimic_uniform(seed));
}

static double
length_of(int kind, uint64_t *seed)
{
	switch (kind)
	{
		case SKEWED:
		case CLUSTERED:
			return exp(2 * mimic_normal(seed));
		case HUGE_VALUES:
			return 1e17;
		case TOO_HUGE:
			return 1e30;
		case DENORMAL:
			return 1e-41;
		case SMALL:
			return 1e-25;
		case MIXED:
			return pow(10, 60 * mimic_uniform(seed) - 43);
		default:
			return 1;
	}
}

static float
value_of(int kind, int k, uint64_t *seed)
{
	switch (kind)
	{
		case FEW_VALUES:
			return (float) (mimic_below(seed, 3) - 1);
		case ZEROS:
			return 0;
		case NEGATIVE_ZEROS:
			return mimic_below(seed, 2) ? -0.0f : 0.0f;
		case ONE_COMPONENT:
			return k == 0 ? (float) mimic_normal(seed) : 0;
		default:
			return (float) mimic_normal(seed);
	}
}

/* A row; the first five may serve as cluster centers. */
static void
make_row(int kind, const mimic_world *w, int32_t i, float *row, uint64_t *seed)
{
	double length = length_of(kind, seed);
	const float *like = NULL;

	if ((kind == CLUSTERED && i >= 5) || (kind == EQUAL_ROWS && i > 0))
		like = w->item + (kind == CLUSTERED ? i % 5 : 0) * (size_t) w->stride;
	if (kind == DUPLICATES && i > 0 && mimic_below(seed, 4))
		like = w->item + (size_t) mimic_below(seed, i) * (size_t) w->stride;
	for (int k = 0; k < w->d; k++)
	{
		if (kind == SOME_ZEROS && i % 3 == 0)
			row[k] = 0;
		else if (kind == CLUSTERED && like)
			row[k] = (float) (length * (like[k] + 0.1 * mimic_normal(seed)));
		else if (like)
			row[k] = like[k];
		else
			row[k] = (float) (length * value_of(kind, k, seed));
	}
}

void
mimic_world_items(mimic_world *w, int kind, bool biased, uint64_t *seed)
{
	if (biased)
	{
		w->bias = malloc((size_t) w->items * sizeof(float) + 1);
		for (int32_t i = 0; i < w->items; i++)
			w->bias[i] = kind == ZEROS ? (float) mimic_below(seed, 3) - 1
									   : (float) (mimic_normal(seed) * length_of(kind, seed));
	}
	for (int32_t i = 0; i < w->items; i++)
		make_row(kind, w, i, w->item + (size_t) i * (size_t) w->stride, seed);
}

void
mimic_world_user(mimic_world *w, int kind, int32_t number, uint64_t *seed)
{
	/* the last user likes what an item is like */
	if (number == 2 && w->items > 0)
		memcpy(w->user, w->item + (size_t) mimic_below(seed, w->items) * (size_t) w->stride,
			   (size_t) w->d * sizeof(float));
	else
		for (int k = 0; k < w->d; k++)
			w->user[k] = (float) (mimic_normal(seed) * length_of(number ? kind : RANDOM, seed));
}
