/*
 * kinds.h
 *	  Kinds of events: what each weighs, whether it counts as seen, and whether it takes back
 *	  what others say.
 *
 * What is learnt from and what a list leaves out are two questions: a view teaches and may be
 * recommended, an impression teaches nothing, a purchase is not recommended again.
 */
#ifndef RECO_STORE_SOURCE_KINDS_H
#define RECO_STORE_SOURCE_KINDS_H

#include "pg/pg.h"

#include "core/base/options.h"

/* What the options say of kinds.  Names in the order of length, then of bytes. */
typedef struct RecoKinds
{
	int n;
	const char **name;
	int *length;
	double *weight;
	bool *weighed; /* it was given a weight */
	bool *seen;
	bool *cancels;
	bool weighs;  /* weights were given, and a kind that has none is an error */
	bool by_kind; /* kinds that count as seen were given: others do not */
	/* what is seen may be other than what is learnt from */
	bool differs;
} RecoKinds;

#define RECO_KIND_UNKNOWN (-1)

/* What kinds are by the options of these names; NULL: all the same.  palloc'd. */
extern RecoKinds *reco_kinds_make(const reco_weights *weights, const reco_texts *seen,
								  const reco_texts *cancel);

/* The place of a name; RECO_KIND_UNKNOWN: it is none of them. */
extern int reco_kinds_find(const RecoKinds *kinds, const char *name, int length);

static inline int
reco_kinds_compare(const RecoKinds *kinds, int k, const char *name, int length)
{
	if (kinds->length[k] != length)
		return kinds->length[k] < length ? -1 : 1;
	return memcmp(kinds->name[k], name, length);
}

/* So many names are told, by so many bytes. */
#define RECO_KINDS_TOLD 10
#define RECO_KIND_BYTES 63

/* For messages: as much of a name as is shown, and the names that have weights. */
extern char *reco_kind_text(const char *name, int length);
extern char *reco_kinds_text(const RecoKinds *kinds);

#endif /* RECO_STORE_SOURCE_KINDS_H */
