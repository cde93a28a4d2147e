/*
 * reading.h
 *	  A query of the caller's, and the columns that it has.
 */
#ifndef RECO_MARKETING_READING_H
#define RECO_MARKETING_READING_H

#include "store/source/query.h"

typedef struct RecoReading
{
	const RecoQueryKind *kind;
	char *text; /* as it can stand in parentheses, before a line feed */
	TupleDesc columns;
} RecoReading;

/* An error unless it is one plain SELECT, or the name of a table.  Needs an SPI connection. */
extern RecoReading reco_reading(const RecoQueryKind *kind, const char *text);

/* The place of a column by its name; -1, or an error, where there is none. */
extern int reco_reading_column(const RecoReading *reading, const char *name, bool required);

#endif /* RECO_MARKETING_READING_H */
