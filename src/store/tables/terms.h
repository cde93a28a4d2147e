/*
 * terms.h
 *	  The fields and terms of a version whose algorithm looks at features.
 */
#ifndef RECO_STORE_TABLES_TERMS_H
#define RECO_STORE_TABLES_TERMS_H

#include "model/model.h"
#include "store/tables/tables.h"

/* The fields as they are recorded with a version, palloc'd. */
extern Jsonb *reco_fields_describe(const RecoFeatures *features);

/*
 * The fields of a version, checked; names, means and deviations too.  NULL when
 * they are not readable.  palloc'd.
 */
extern RecoFeatures *reco_fields_read(Jsonb *fields);

/* Writes all terms, through SPI, as the current user. */
extern void reco_terms_write(Oid schema, int32 version, const RecoFeatures *features);

#endif /* RECO_STORE_TABLES_TERMS_H */
