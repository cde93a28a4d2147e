/*
 * features_state.h
 *	  A reader of the rows of a model's query `items`.  For features.c and values.c only.
 */
#ifndef RECO_STORE_SOURCE_FEATURES_STATE_H
#define RECO_STORE_SOURCE_FEATURES_STATE_H

#include "store/source/features.h"

/* In front of a term: the number of its field. */
#define FEATURE_PREFIX 2

typedef struct FeatureColumn
{
	reco_field_kind kind;
	bool category;
	bool varlena;
	Oid type;      /* base type */
	Oid element;   /* of an array of attributes */
	bool casts;    /* an embedding by a cast to real[] */
	FmgrInfo call; /* the cast, or the output of a category or an element */
	int16 typlen;
	bool typbyval;
	char typalign;
	/* dense: values of the rows that have one */
	int32 size; /* numbers in each; 0: none met yet */
	int64 n;
	int64 slots;
	int32 *item;
	float *value;
} FeatureColumn;

struct FeatureReader
{
	DestReceiver receiver; /* first, so that a receiver is a reader */
	const RecoQueryKind *kind;
	RecoBudget *budget;
	RecoFeatures *out;
	IdType *item_type;
	Oid id_type;
	IdDict *items;
	bool join;        /* items that are new join them */
	IdDict *excluded; /* but these; NULL: none is */
	IdType term_type;
	IdDict *terms;
	reco_triples triples;
	FeatureColumn column[RECO_MAX_FIELDS];
	TupleDesc planned;              /* the columns that were looked at */
	int columns;                    /* of the rows, id included */
	int field[RECO_MAX_FIELDS + 1]; /* of each column but the first; -1: none */
	int64 rows;
	bool *seen; /* by provisional number of the item */
	int32 seen_slots;
	MemoryContext row;
	const RecoDataOptions *options;
	Size unchecked; /* bytes of texts since memory was looked at */
	int64 skipped;  /* items whose id is too long, with on_invalid => 'skip' */
};
/* Memory is looked at after so many rows, or so many bytes of texts. */
#define CHECK_ROWS 1024
#define CHECK_BYTES (8 * 1024 * 1024)

/* An error when what is held, and so many bytes more, is more than there may be. */
extern void features_check_memory(FeatureReader *reader, Size more);

/* What the rows are about in messages: item or user. */
extern const char *features_role(const FeatureReader *reader);

/* The id of a row in messages. */
extern char *features_id_of(FeatureReader *reader, TupleTableSlot *slot);

/* What a column is, by its type. */
extern void features_classify(FeatureColumn *column, Oid type);

/* What an item has in a column: terms or numbers, in short memory. */
extern void features_add(FeatureReader *reader, TupleTableSlot *slot, int32 item,
						 FeatureColumn *column, Datum value);

#endif /* RECO_STORE_SOURCE_FEATURES_STATE_H */
