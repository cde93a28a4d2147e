/*
 * dispatch.h
 *	  The choice of an instruction set level at run time.
 */
#ifndef RECO_CORE_BASE_DISPATCH_H
#define RECO_CORE_BASE_DISPATCH_H

#include "core/isa/isa.h"

/*
 * The table of the level named ("base", "v3", "v4"), or NULL when there is none
 * or this machine cannot run it.
 */
extern const reco_kernels *reco_kernels_named(const char *name);

/*
 * The best table for this machine; the environment variable RECO_ISA may name a
 * lower one (for tests and for comparing machines).
 */
extern const reco_kernels *reco_kernels_best(void);

#endif /* RECO_CORE_BASE_DISPATCH_H */
