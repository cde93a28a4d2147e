/*
 * layer.h
 *	  All rows of a version's users, those of its layer among them.  For users.c.
 */
#ifndef RECO_STORE_IMAGE_LAYER_H
#define RECO_STORE_IMAGE_LAYER_H

#include "store/image/serving.h"

/*
 * Visits them by the active snapshot, until visit returns false: the version's in the order of
 * their ids, each as the layer has it where it does, then those that the layer adds, in the
 * order of their numbers.  table is what the row comes from.
 */
typedef bool (*LayerVisitor)(void *arg, ModelTable *table, bool in_layer, TupleTableSlot *slot);

extern void reco_layer_scan(const Serving *serving, LayerVisitor visit, void *arg);

/* An error unless the tables can hold as many users as the version says. */
extern void reco_layer_check(const Serving *serving);

#endif /* RECO_STORE_IMAGE_LAYER_H */
