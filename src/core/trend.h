/*
 * trend.h
 *	  What grows: items by their interactions of late against those before.
 */
#ifndef RECO_CORE_TREND_H
#define RECO_CORE_TREND_H

#include "core/csr.h"

/*
 * For each item (as the triples number them) the growth from one period to the
 * next, the last one ending with the latest time that there is:
 *
 *	 trend = (recent - before) / sqrt(recent + before + 1)
 *
 * in standard deviations of what chance alone would make of it; 0 for an item
 * without interactions in either.  Only rows with a value above 0 count.  period: in
 * units of time; 0: a tenth of the time from the first row to the last.
 * trend: items floats of the caller.
 */
extern reco_status reco_trend(const reco_triples *t, int64_t period, int32_t items, float *trend);

#endif /* RECO_CORE_TREND_H */
