/*
 * rights.h
 *	  Who may call the functions of a model.
 */
#ifndef RECO_STORE_TABLES_RIGHTS_H
#define RECO_STORE_TABLES_RIGHTS_H

#include "store/tables/definition.h"

/*
 * An error unless the current user may call the model's function of that name: has
 * USAGE on its schema and EXECUTE on the function.
 */
extern void reco_rights_check(const ModelRow *model, const char *function);
/* The same without an error. */
extern bool reco_rights_granted(const ModelRow *model, const char *function);

/*
 * An error unless the current user may read what a model's users have: for what is counted of
 * these, where a model tells everybody else counts with noise.
 */
extern void reco_rights_check_users(const ModelRow *model, const char *function);

/*
 * The functions of a name (NULL: of all names) in a model's schema that are the model's
 * own: its owner's, and calling what stands behind them.  A list of OIDs.
 */
extern List *reco_rights_functions(const ModelRow *model, const char *function);

extern void reco_rights_init(void);

#endif /* RECO_STORE_TABLES_RIGHTS_H */
