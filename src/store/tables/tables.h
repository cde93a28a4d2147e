/*
 * tables.h
 *	  Reading and writing the tables of users and items of a model.
 */
#ifndef RECO_STORE_TABLES_TABLES_H
#define RECO_STORE_TABLES_TABLES_H

#include "store/tables/definition.h"

#include "access/heapam.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "store/ids/ident.h"
#include "store/tables/layout.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/*
 * One of model_user and model_item, opened and checked (layout.h).
 */
typedef struct ModelTable
{
	Relation heap;
	Relation index; /* on (version, id); NULL until a scan needs it */
	bool is_user;
} ModelTable;

/* As reco_open; the lock stays.  Rights are asked for by the caller. */
extern void reco_table_open(ModelTable *table, Oid schema, bool is_user, LOCKMODE lock);
/* model_user_layer, likewise. */
extern void reco_layer_open(ModelTable *table, Oid schema, LOCKMODE lock);
extern void reco_table_close(ModelTable *table);
extern IdType *reco_table_id_type(const ModelTable *table);
/* Whether the ids of an opened table still are of a type: its owner may alter it. */
extern bool reco_table_id_is(const ModelTable *table, const IdType *type);
/* An error when they are not. */
extern void reco_table_require_id(const ModelTable *table, const IdType *type);

/*
 * To be asked when a row is not there: an error when that may be since the table was
 * rewritten after the snapshot was taken.
 */
extern void reco_table_require_unaltered(const ModelTable *table, Snapshot snapshot);
extern void reco_require_unaltered(Relation table, Snapshot snapshot);

/*
 * Visits rows of a version: all of them (key NULL), in the order of their ids, or
 * that whose COLUMN_ID is *key.  Returns false from visit to stop.  The slot is valid
 * during the visit only; all columns are deformed and none is NULL.
 */
typedef bool (*RowVisitor)(void *arg, TupleTableSlot *slot);

extern void reco_table_scan(ModelTable *table, int32 version, const Datum *key, Snapshot snapshot,
							RowVisitor visit, void *arg);

/*
 * The same of many keys, one after another: index and scan are opened once.  The slot of a visit is
 * valid until the next one.
 */
typedef struct TableProbe TableProbe;

extern TableProbe *reco_probe_begin(ModelTable *table, int32 version, Snapshot snapshot);
extern void reco_probe(TableProbe *probe, Datum key, RowVisitor visit, void *arg);
extern void reco_probe_end(TableProbe *probe);

/* The terms of a version, opened and checked; their texts are palloc'd. */
typedef struct TermTable
{
	Relation heap;
	Relation index;
	int32 version;
} TermTable;

extern void reco_terms_open(TermTable *table, Oid schema, int32 version);
extern text *reco_term_read(TermTable *table, int32 number);
extern void reco_terms_close(TermTable *table);

/*
 * An error unless the table of terms can hold n of them: their number comes from a
 * row that the model's owner may write to.
 */
extern void reco_terms_check(Oid schema, int32 n);

/*
 * A stored value of variable length as pg_detoast_datum_packed has it, or NULL when it has more
 * than so many bytes: a few bytes of a compressed value may be gigabytes.
 */
extern struct varlena *reco_unpack(Datum value, Size most);

/*
 * Memory for what is unpacked from a row, of any size: an error when the memory context holds
 * more than reco.max_memory with it.
 */
extern void *reco_row_alloc(Size count, Size size);

/*
 * The elements of a real[], which must be exactly n numbers, within range or NaN; false when it
 * is not.
 */
extern bool reco_numbers_of(Datum value, int n, float *to);

/* Visits the rows of a version in model_part, by part and number; columns may be NULL. */
extern void reco_others_scan(Oid schema, int32 version, RowVisitor visit, void *arg);

/*
 * Fast writer: batches of rows with their index entries, as COPY does.
 */
typedef struct TableWriter TableWriter;

extern TableWriter *reco_writer_begin(Relation heap);
/* Values of the next row; context is reset once the batch is written. */
extern Datum *reco_writer_row(TableWriter *writer, MemoryContext *context);
extern void reco_writer_end(TableWriter *writer);

#endif /* RECO_STORE_TABLES_TABLES_H */
