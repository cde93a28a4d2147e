/*
 * shape.h
 *	  How large and how dense a matrix of interactions is: what defaults go by.
 */
#ifndef RECO_CORE_DATA_SHAPE_H
#define RECO_CORE_DATA_SHAPE_H

#include "core/data/csr.h"

/*
 * Rows and columns without an entry count only where it says so: an item that is known but has
 * no interactions, as in the training part of a split, tells nothing.
 */
typedef struct reco_shape
{
	int32_t rows; /* with those without an entry */
	int32_t cols;
	int32_t users; /* rows with an entry */
	int32_t items; /* columns with an entry */
	int64_t entries;
	double per_user; /* entries; at least 1 */
	double per_item;
	double density;     /* entries / (users items), above 0 and at most 1 */
	double mean_size;   /* of |value|; above 0: 1 where there are no values but 0 */
	double mean_square; /* of values; above 0 likewise */
	double overlap;     /* of overlap.h; reco_shape_of leaves it 1 */
} reco_shape;

/*
 * How sure it is that there is more to learn than what is popular: from 0, nothing, to 1,
 * certainly.
 */
static inline double
reco_shape_structure(const reco_shape *shape)
{
	double t = (shape->overlap - 1.05) / 0.2;

	return t > 0 ? t < 1 ? t : 1 : 0;
}

/*
 * Cost: a pass over the entries; a byte a column while it runs.
 */
extern reco_status reco_shape_of(const reco_env *env, const reco_csr *by_user, reco_shape *shape);

#endif /* RECO_CORE_DATA_SHAPE_H */
