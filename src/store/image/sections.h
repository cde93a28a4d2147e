/*
 * sections.h
 *	  The arrays of a version that lie in its images, one after the other.  For image.c.
 *
 * One list says what is written and what must be there when a file is mapped: where an array's
 * address is kept, and how long it is.
 */
#ifndef RECO_STORE_IMAGE_SECTIONS_H
#define RECO_STORE_IMAGE_SECTIONS_H

#include "store/image/serving.h"

#define RECO_MOST_SECTIONS 160

typedef struct RecoSection
{
	void **place; /* of its address */
	Size bytes;   /* its length, or that of an entry */
	/* the entries are counted by the last of these, a section before it; NULL: there is one */
	int64 *const *start;
	int32 rows;
	const Size
		*starts;   /* their bytes, where they are counted; NULL: there are as many as rows says */
	Size *size;    /* where its length is kept; NULL: it follows from the above */
	bool checked;  /* has a checksum: it says where to look */
	bool optional; /* may be missing */
} RecoSection;

typedef struct RecoSections
{
	int n;
	void *ids; /* a frozen dictionary */
	Size ids_size;
	RecoSection section[RECO_MOST_SECTIONS];
} RecoSections;

/*
 * The sections of a serving that was described, or loaded; of its users.  They keep pointers to
 * both and into out.
 */
extern void reco_sections_items(Serving *serving, RecoSections *out);
extern void reco_sections_users(const Serving *serving, ServingUsers *users, RecoSections *out);

/* The length of a section whose start is in its place. */
extern Size reco_section_bytes(const RecoSection *section);

/* After they were mapped: whether dictionaries and blocks are what they must be. */
extern bool reco_sections_take_items(Serving *serving, const RecoSections *sections);
extern bool reco_sections_take_users(const Serving *serving, ServingUsers *users,
									 const RecoSections *sections, MemoryContext context);

/* Gives a copy of a model members whose parts are their own and not there; these, by member. */
extern RecoPart **reco_users_parts(RecoModel *copy, MemoryContext context);
/* All users, whose arrays are not there yet; and what a model has of them. */
extern ServingUsers *reco_users_make(const Serving *serving, MemoryContext context);
extern void reco_users_give(RecoModel *model, const ServingUsers *users);

#endif /* RECO_STORE_IMAGE_SECTIONS_H */
