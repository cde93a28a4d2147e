/*
 * template.h
 *	  The SQL of a model, from the files under sql/model, and of the sample shop.
 */
#ifndef RECO_STORE_TABLES_TEMPLATE_H
#define RECO_STORE_TABLES_TEMPLATE_H

#include "pg/pg.h"

/* The blocks of each file, which empty lines part there; NULL ends them. */
extern const char *const reco_tables_sql[];
extern const char *const reco_views_sql[];
extern const char *const reco_functions_sql[];
extern const char *const reco_wider_sql[];

/* Likewise those of sql/sample, without placeholders. */
extern const char *const reco_shop_sql[];
extern const char *const reco_exports_sql[];

/* What they create: the names of tables and views, and of functions, as literals of name[]. */
extern const char reco_model_relations[];
extern const char reco_model_functions[];

/* The names in one of these: a list of strings. */
extern List *reco_names_in(const char *literal);

/* What stands in the files for something of a model. */
typedef struct RecoPlaceholder
{
	const char *name; /* with its braces; NULL ends an array of them */
	const char *text; /* SQL: identifiers and literals are quoted */
} RecoPlaceholder;

/* A block with its placeholders filled in.  One that is not known stays, which is no SQL. */
extern char *reco_fill(const char *block, const RecoPlaceholder *placeholders);

/* Executes SQL through SPI. */
extern void reco_run(const char *sql);

/* Fills in and executes blocks, one by one. */
extern void reco_run_blocks(const char *const *blocks, const RecoPlaceholder *placeholders);

#endif /* RECO_STORE_TABLES_TEMPLATE_H */
