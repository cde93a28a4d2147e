/*
 * init.c
 *	  Loading the library: the one file that may call every room.
 */
#include "pg/pg.h"

#include "fmgr.h"
#include "serving/live.h"
#include "store/ids/pseudonym.h"
#include "store/image/cache.h"
#include "store/image/image.h"
#include "store/tables/layout.h"
#include "store/tables/rights.h"
#include "store/tables/statement.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	reco_settings_init();
	reco_pseudonym_init();
	reco_faults_init();
	MarkGUCPrefixReserved("reco");
	reco_layout_init();
	reco_image_init();
	reco_cache_init();
	reco_live_init();
	reco_rights_init();
	reco_statement_init();
}
