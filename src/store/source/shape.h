/*
 * shape.h
 *	  Whether a source's first column can be that of its users.
 */
#ifndef RECO_STORE_SOURCE_SHAPE_H
#define RECO_STORE_SOURCE_SHAPE_H

#include "pg/pg.h"

#include "nodes/parsenodes.h"

/* An error when it cannot; the query was analyzed and rewritten. */
extern void reco_shape_check(const Query *query);

#endif /* RECO_STORE_SOURCE_SHAPE_H */
