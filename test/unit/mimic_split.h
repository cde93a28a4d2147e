/*
 * mimic_split.h
 *	  A split made the slow way, from the rows of a source (core/ranking/split.h).
 */
#ifndef RECO_MIMIC_SPLIT_H
#define RECO_MIMIC_SPLIT_H

#include "core/ranking/split.h"
#include "mimic_csr.h"

/* A pair as a part has it. */
typedef struct split_pair
{
	int32_t user;
	int32_t item;
	float sum;
	float latest;
	int64_t time;
	int64_t rows; /* that it is made of */
} split_pair;

typedef struct mimic_part
{
	int32_t users;
	int32_t items;
	int64_t pairs;
	split_pair *pair; /* by user and item */
} mimic_part;

/* The rows of a source, by user, item, time and value; without times and values where it has none.
 */
extern row *mimic_sorted(const source *s, const row *rows);

/*
 * Splits the rows of a source; test: of a given one, with its rows, or NULL.  The rule's matrix is
 * not looked at.  basket: how long one is; 0: each time is one.  gap: between
 * sessions, which end such baskets; 0: none do.
 */
extern void mimic_split(mimic_env *m, const source *s, const row *rows, const source *test,
						const row *test_rows, const reco_split_rule *rule, int64_t basket,
						int64_t gap, mimic_part *train, mimic_part *hidden,
						reco_split_counts *counts);

#endif /* RECO_MIMIC_SPLIT_H */
