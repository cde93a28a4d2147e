/*
 * ab_query.h
 *	  What users of an experiment were shown and did, added up.
 */
#ifndef RECO_MARKETING_AB_QUERY_H
#define RECO_MARKETING_AB_QUERY_H

#include "pg/pg.h"

#include "utils/timestamp.h"

typedef struct RecoAbAsked
{
	char *exposures;
	char *outcomes;
	char *experiment; /* NULL: whatever it is */
	Interval *within; /* NULL: no limit */
	bool by_version;
} RecoAbAsked;

/*
 * Of the users of a model, and when total is not set of those who were shown one version of it:
 * what all of them were shown (kind NULL), or what they did of one kind.
 */
typedef struct RecoAbGroup
{
	char *model; /* NULL: users who were shown more than one */
	bool total;
	bool no_version; /* not known */
	int64 version;
	char *kind;
	/* users, and the sums of what was shown to each, and of its square */
	double users;
	double shown;
	double shown_squared;
	/*
	 * what was shown and followed by an outcome of this item: a sum, that of the squares, and
	 * that of the products with what was shown
	 */
	double acts;
	double acts_squared;
	double acts_shown;
	double actors; /* users who did anything of the kind afterwards */
	double value;
	double value_squared;
} RecoAbGroup;

typedef struct RecoAbGroups
{
	int n;
	RecoAbGroup *group;
	double skipped;  /* rows of exposures with a NULL */
	bool has_values; /* outcomes have a column of values */
} RecoAbGroups;

/* Reads both queries as the caller, into a context.  Needs an SPI connection. */
extern void reco_ab_read(MemoryContext context, const RecoAbAsked *asked, RecoAbGroups *groups);

#endif /* RECO_MARKETING_AB_QUERY_H */
