/*
 * sql_work.h
 *	  Tables and statements of a training by SQL alone (steps.h).
 *
 * A training works on three tables: rows (user_id, item_id, value), one of each pair, and the
 * factors of users and of items.  They are made in the model's schema, unlogged, and are gone with
 * the transaction; or whoever has the rows on several machines has made them there, in a schema of
 * their own, with a column shard by which rows and factors lie together.
 *
 * All runs as the model's owner.
 */
#ifndef RECO_LIFECYCLE_SQL_WORK_H
#define RECO_LIFECYCLE_SQL_WORK_H

#include "lifecycle/sql_run.h"

/* Tables of the model's own, for the time of a training. */
#define RECO_SQL_ROWS "model_work_rows"
#define RECO_SQL_USERS "model_work_users"
#define RECO_SQL_ITEMS "model_work_items"

/* The work of a run whose data has its columns. */
extern void reco_sql_work_init(RecoSqlWork *work, RecoRun *run);
/* sql_trust.c: an error unless the tables of a schema of work are the owner's to trust. */
extern void reco_sql_check_trust(const RecoSqlWork *work, const char *schema);

/* Makes the table of rows, or finds it. */
extern void reco_sql_work_rows(RecoSqlWork *work, const RecoQuery *source);
/* How the rows are, for what is left open. */
extern reco_shape reco_sql_work_shape(RecoSqlWork *work);
extern double reco_sql_work_count_users(RecoSqlWork *work);
/* The algorithm with nothing left open. */
extern void reco_sql_work_algorithm(RecoSqlWork *work, const RecoSpec *spec);
/* Visits items: (item_id, users, entries) in any order. */
extern void reco_sql_work_items(RecoSqlWork *work, RecoSqlTake take, void *arg);
/* Makes the tables of factors; users at where a training begins. */
extern void reco_sql_work_begin(RecoSqlWork *work);
/* Y'Y of the users becomes the gram of what follows. */
extern void reco_sql_work_user_gram(RecoSqlWork *work);
extern void reco_sql_work_set_gram(RecoSqlWork *work, const double *gram, double count);
/* Visits (item_id, x). */
extern void reco_sql_work_item_step(RecoSqlWork *work, RecoSqlTake take, void *arg);
/* The table of the items' factors anew: row i is of the item of number i. */
extern void reco_sql_work_write_items(RecoSqlWork *work, const IdDict *ids,
									  const reco_factors *factors);
/* The table of the users' factors anew. */
extern void reco_sql_work_user_step(RecoSqlWork *work);
/*
 * The last half step: visits (user_id, x, numbers of items, values) in the order of ids; values
 * NULL: ones.  As the owner already.
 */
extern void reco_sql_work_users(RecoSqlWork *work, RecoSqlTake take, void *arg);
extern void reco_sql_work_end(RecoSqlWork *work);

/*
 * Around what shards give each for itself, as the s of a FROM: made first and whole, so that what
 * is then done with it is done here, as planners that know nothing of sums want to be told.
 */
#define RECO_SQL_OF_SHARDS "(WITH g AS MATERIALIZED ("
#define RECO_SQL_AS_S ") SELECT * FROM g) AS s"

/* What a statement groups a table by beside an id: "r.shard, " where there are shards. */
extern const char *reco_sql_shard_of(const RecoSqlWork *work, const char *table);

/* The n numbers of a real[], which is not null. */
extern const float *reco_sql_floats(Datum array, int n);

/* Whether Citus has tables of work in a schema: sql_citus.c. */
extern bool reco_sql_citus_has(const char *schema);
/* An error unless the tables of work lie as statements take them to. */
extern void reco_sql_citus_check(const RecoSqlWork *work);
/* Sums of items, as `sums` selects them of each shard, to where they meet; a SELECT of factors. */
extern char *reco_sql_citus_sums(const RecoSqlWork *work, const char *sums);

/* Parameters in a statement, by number or as text. */
extern const char *reco_sql_the_algorithm(const RecoSqlWork *work);
extern const char *reco_sql_the_gram(const RecoSqlWork *work);
/* What stands in front of a statement that reads work->item_factors. */
extern const char *reco_sql_with_items(const RecoSqlWork *work);

#endif /* RECO_LIFECYCLE_SQL_WORK_H */
