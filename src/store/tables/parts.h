/*
 * parts.h
 *	  The parts of a version (model/part.h) in its tables.
 *
 * A row of model_user or model_item has those of its side as one bytea[], an element a part in
 * the order in which the members declare them; a row of model_part is one row of a part whose
 * rows are neither users nor items.  An element is, in the machine's order,
 *
 *	 a vector	its numbers
 *	 a list		its row numbers, int4, and then as many weights
 */
#ifndef RECO_STORE_TABLES_PARTS_H
#define RECO_STORE_TABLES_PARTS_H

#include "model/model.h"
#include "store/tables/tables.h"
#include "utils/array.h"

/* Parts that a row of a table has at most. */
#define RECO_MOST_STORED 64

/*
 * The first elements of an array, at most so many, in place.  Returns how many there are, or -1:
 * it is no list of bytea.
 */
extern int reco_parts_elements(ArrayType *array, int most, const char **data, Size *size);

/*
 * The column `parts` of a row.  *bytes grows by what the parts take.
 */
extern Datum reco_parts_form(const RecoModel *model, RecoSide side, int32 row,
							 MemoryContext context, int64 *bytes);

/*
 * The same for a user, of whom a profile is known.  False when it has numbers that reading would
 * refuse.
 */
extern bool reco_parts_of_profile(const RecoModel *model, const reco_profile *profile,
								  MemoryContext context, Datum *out);

/* Writes model_part, as its owner; the table is locked and checked. */
extern void reco_parts_write(Oid schema, int32 version, const RecoModel *model, int64 *bytes);

/*
 * Reading all rows of a side, in any order.  What is kept is of the budget's context, and its
 * memory counts as that of serving; what goes in the end is of `scratch`.  only_mapped: not what
 * images do without.
 */
typedef struct RecoPartsLoad RecoPartsLoad;

extern RecoPartsLoad *reco_parts_load(Oid schema, RecoModel *model, RecoSide side, bool only_mapped,
									  RecoBudget *budget, MemoryContext scratch);
/* number: from 0 to rows - 1, each once; for the caller to make sure of. */
extern void reco_parts_load_row(RecoPartsLoad *load, Datum stored, int32 number);
/* Gives the model what was read. */
extern void reco_parts_load_end(RecoPartsLoad *load);

/* What model_part has of a version: all rows, each once, or the model is damaged. */
extern void reco_parts_load_others(Oid schema, int32 version, RecoModel *model, RecoBudget *budget,
								   MemoryContext scratch);

/*
 * The parts of one user, copied to the current memory context: member m's at [m], with one row
 * each, and nothing for its other parts.
 */
extern RecoPart **reco_parts_user(Oid schema, const RecoModel *model, Datum stored);

/* Whether rows of users hold numbers of other users (parts_users.c). */
extern bool reco_parts_point_to_users(const RecoMember *member, int members);

/*
 * The column `parts` of a row of a user without one such number, in the current memory context;
 * false: it is not there.
 */
extern bool reco_parts_without_user(Oid schema, const RecoMember *member, int members, Datum stored,
									int32 number, Datum *out);

#endif /* RECO_STORE_TABLES_PARTS_H */
