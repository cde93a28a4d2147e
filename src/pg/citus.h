/*
 * citus.h
 *	  Tables whose rows Citus keeps on other servers.
 */
#ifndef RECO_PG_CITUS_H
#define RECO_PG_CITUS_H

#include "pg/pg.h"

#include "utils/rel.h"

/*
 * Whether a table that is open is distributed, or a reference table: what lies in its file here
 * is then not what a query of it gives.
 */
extern bool reco_citus_has(Relation table);

#endif /* RECO_PG_CITUS_H */
