/*
 * windows.h
 *	  Lengths of time before and after the latest time of a source, and whose rows count in them.
 */
#ifndef RECO_MARKETING_WINDOWS_H
#define RECO_MARKETING_WINDOWS_H

#include "serving/request.h"
#include "store/source/data.h"
#include "utils/timestamp.h"

/* Microseconds, days of 24 hours; an error where it has months, or is not longer than 0. */
extern int64 reco_window_length(const Interval *window, const char *name);
/* The same of an option of a request, an interval in text form. */
extern int64 reco_window_option(Request *request, const char *name);

/*
 * A length in units of the source's times.  An error where the source has no times, or such as no
 * interval can be compared with; what: who asks, "demand".
 */
extern int64 reco_window_units(const RecoData *data, int64 microseconds, const char *name,
							   const char *what);
/* What users took: what counts as seen where the options say which kinds do, else what is learnt.
 */
extern const reco_interactions *reco_window_rows(const RecoData *data,
												 const RecoDataOptions *options);

/*
 * The latest time that is not after the source's reference time of a row that counts, in units of
 * its times; an error where there is none.  So returns that come in when nothing is sold any more
 * are no time of selling nothing.
 */
extern int64 reco_window_end(const RecoData *data, const reco_interactions *rows, const char *what);

/* A share, within 0 and 1, with what it is of as a HINT. */
extern double reco_window_coverage(double coverage, const char *hint);

/*
 * model_rows.c: the source of a model as it is now, read as a training of the active version would,
 * with what is known about items for an algorithm that looks at it.  Needs no SPI connection.
 */
extern RecoData *reco_read_model(Request *request, RecoFeatureUse use, RecoBudget *budget,
								 RecoDataOptions *options);

#endif /* RECO_MARKETING_WINDOWS_H */
