/*
 * history.h
 *	  A user's interactions packed into a few bytes each.
 */
#ifndef RECO_CORE_DATA_HISTORY_H
#define RECO_CORE_DATA_HISTORY_H

#include "core/base/env.h"

/* Bytes that reco_history_encode may write for n interactions. */
extern size_t reco_history_bound(int64_t n);

/*
 * Packs n interactions; item strictly increasing and not negative; value NULL
 * when all are 1.  Returns the bytes written to out, or 0 when poll asked for an end; env
 * NULL: no polls.
 */
extern size_t reco_history_encode(const reco_env *env, const int32_t *item, const float *value,
								  int64_t n, uint8_t *out);

/* The number of interactions that data claims to hold, or -1 if it is damaged. */
extern int64_t reco_history_count(const uint8_t *data, size_t size);

/*
 * Unpacks into item and value (each reco_history_count long).  False when the
 * data is damaged, also when an item is not below items: any bytes are safe; and when
 * poll asked for an end; env NULL: no polls.
 */
extern bool reco_history_decode(const reco_env *env, const uint8_t *data, size_t size,
								int32_t items, int32_t *item, float *value);

#endif /* RECO_CORE_DATA_HISTORY_H */
