/*
 * mimic_lists.h
 *	  What is tested of every kernel that makes a list for each item.
 */
#ifndef RECO_MIMIC_LISTS_H
#define RECO_MIMIC_LISTS_H

#include "core/neighbors/neighbors.h"
#include "mimic_env.h"

/* Asserts that two are the same in every bit. */
extern void mimic_same_lists(const reco_neighbors *a, const reco_neighbors *b);

/* Makes lists, with what arg points to. */
typedef reco_status (*mimic_list_fit)(const reco_env *env, void *arg, reco_neighbors *lists);

/*
 * Every poll stops it and every allocation fails in turn, and nothing is left; there are more of
 * both than given.  m has nothing allocated, and afterwards neither stops nor fails.
 */
extern void mimic_list_ends(mimic_env *m, mimic_list_fit fit, void *arg, long polls,
							long allocations);

#endif /* RECO_MIMIC_LISTS_H */
