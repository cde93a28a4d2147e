/*
 * reading.h
 *	  A query of the caller's, and the columns that it has.
 */
#ifndef RECO_MARKETING_READING_H
#define RECO_MARKETING_READING_H

#include "store/source/query.h"
#include "utils/timestamp.h"

typedef struct RecoReading
{
	const RecoQueryKind *kind;
	char *text; /* as it can stand in parentheses, before a line feed */
	TupleDesc columns;
} RecoReading;

/* An error unless it is one plain SELECT, or the name of a table.  Needs an SPI connection. */
extern RecoReading reco_reading(const RecoQueryKind *kind, const char *text);

/* The place of a column by its name; -1, or an error, where there is none; an error of two. */
extern int reco_reading_column(const RecoReading *reading, const char *name, bool required);

/*
 * SQL of the numbers of a column of a type, as float8 or numeric: NaN where they are not from -1e18
 * to 1e18, and nothing nearer to 0 than 1e-30 but 0, so that neither sums nor products of a few are
 * out of the range of float8.  NULL: the type is none of numbers.
 */
extern char *reco_reading_number(const char *column, Oid type, bool numeric);

/*
 * SQL of the times of a column of a type, as timestamptz: infinite where no such can be, as of
 * dates of the year 300000.  NULL: the type is none of times.
 */
extern char *reco_reading_time(const char *column, Oid type);

/* About how many days an interval is; more than so many are longer than there are times. */
#define RECO_EVER_DAYS (4000 * 365.25)
extern double reco_reading_days(const Interval *interval);

#endif /* RECO_MARKETING_READING_H */
