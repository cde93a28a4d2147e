/*
 * due.h
 *	  Whether the last training of a model is as old as the next one asks.
 */
#ifndef RECO_LIFECYCLE_DUE_H
#define RECO_LIFECYCLE_DUE_H

#include "store/tables/definition.h"

/*
 * Whether the version is as old as the least interval between two, or there is none; any interval
 * will do, also one that no time can be added to.  Says when not.
 */
extern bool reco_is_due(const ModelRow *model, const VersionRow *last, Interval *min_interval);

#endif /* RECO_LIFECYCLE_DUE_H */
