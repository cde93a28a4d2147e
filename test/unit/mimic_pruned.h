/*
 * mimic_pruned.h
 *	  Items and users of many kinds, for pruned.h under test.
 */
#ifndef RECO_MIMIC_PRUNED_H
#define RECO_MIMIC_PRUNED_H

#include "core/base/env.h"

/* Items, a user, room for scores and an index. */
typedef struct mimic_world
{
	int32_t items;
	int d;
	int stride;
	float *item;
	float *bias;
	float *user; /* one, stride long */
	float *score;
	void *index;
	size_t bytes;
} mimic_world;

enum
{
	RANDOM,
	SKEWED,
	CLUSTERED,
	FEW_VALUES,
	DUPLICATES,
	ZEROS,
	SOME_ZEROS,
	EQUAL_ROWS,
	NEGATIVE_ZEROS,
	HUGE_VALUES,
	TOO_HUGE,
	DENORMAL,
	SMALL,
	MIXED,
	ONE_COMPONENT,
	KINDS
};

extern double mimic_normal(uint64_t *seed);

/* A world without values, and with room for an index; and its end. */
extern mimic_world mimic_world_of(int32_t items, int d);
extern void mimic_world_free(mimic_world *w);

/* Items of a kind, with biases or without. */
extern void mimic_world_items(mimic_world *w, int kind, bool biased, uint64_t *seed);

/* User 0 is random, 1 of the kind, and 2 like an item. */
extern void mimic_world_user(mimic_world *w, int kind, int32_t number, uint64_t *seed);

#endif /* RECO_MIMIC_PRUNED_H */
