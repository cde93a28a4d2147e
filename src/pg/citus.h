/*
 * citus.h
 *	  Tables whose rows Citus keeps on other servers.
 */
#ifndef RECO_PG_CITUS_H
#define RECO_PG_CITUS_H

#include "pg/pg.h"

/*
 * Whether a table is distributed, or a reference table: what lies in its file here is then not what
 * a query of it gives.  Each such table has a trigger for TRUNCATE, so one without triggers is
 * none.
 */
extern bool reco_citus_has(Oid table);

#endif /* RECO_PG_CITUS_H */
