/*
 * mimic_rows.h
 *	  Rows of users as a source has them, with their times.
 */
#ifndef RECO_MIMIC_ROWS_H
#define RECO_MIMIC_ROWS_H

#include "core/data/triples.h"

typedef struct mimic_row
{
	int64_t time;
	int32_t item;
	float value;
} mimic_row;

typedef struct mimic_rows
{
	reco_interactions x;
	int32_t users; /* that have been added */
	int64_t *start;
	int64_t *rows;
	int32_t *item;
	float *sum;
	reco_entry *row;
	int64_t *time;   /* of rows, */
	int64_t *latest; /* and of pairs */
} mimic_rows;

/* Room for n rows of so many users. */
extern mimic_rows *mimic_rows_new(int32_t users, int32_t items, int64_t n);

/*
 * The next user's n rows, which are put in order.  Of every other user those of pairs that do not
 * repeat are in the pair alone.
 */
extern void mimic_rows_user(mimic_rows *e, mimic_row *of, int64_t n);
extern void mimic_rows_free(mimic_rows *e);

/* Whether a user has a row of the item, or of any where that is -1, above 0 and within (from, to].
 */
extern bool mimic_rows_has(const mimic_rows *e, int32_t user, int32_t item, int64_t from,
						   int64_t to);

#endif /* RECO_MIMIC_ROWS_H */
