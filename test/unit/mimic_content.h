/*
 * mimic_content.h
 *	  Catalogues for tests, and the formulas of core/content/content.h item by item.
 *
 * Everything is kept in full tables, a cell for every item and term, in long
 * double, so nothing is shared with the kernel's lists.
 */
#ifndef RECO_MIMIC_CONTENT_H
#define RECO_MIMIC_CONTENT_H

#include "core/content/content.h"
#include "mimic_env.h"

/* A field: as many terms or numbers of an item as size says. */
typedef struct mimic_field
{
	reco_field_kind kind;
	int32_t size;
	double weight;
	double filled; /* the share of items that have it */
	int style;     /* of its values: see fill_numbers */
} mimic_field;

typedef struct mimic_shape
{
	const char *name;
	int32_t items;
	int fields;
	mimic_field field[6];
} mimic_shape;

#define MIMIC_SHAPES 14

extern const mimic_shape mimic_shapes[MIMIC_SHAPES];

typedef struct mimic_catalogue
{
	const mimic_shape *shape;
	int32_t terms;
	int32_t columns;
	int32_t from[6]; /* of each field's terms or columns */
	/* as read: items x terms, 0 where an item has no such term; items x columns */
	float *count;
	float *number;
	/* as prepared */
	long double *weight;
	long double *dense;
	long double mean[6];
	long double deviation[6];
} mimic_catalogue;

extern void mimic_catalogue_make(mimic_catalogue *c, const mimic_shape *shape, uint64_t seed);
extern void mimic_catalogue_free(mimic_catalogue *c);

/* The same as the kernel takes it; what belongs to the kernel comes from m. */
extern bool mimic_content_make(mimic_env *m, const mimic_catalogue *c, reco_content *out);
extern void mimic_content_free(mimic_env *m, reco_content *content);

/* Whether an item has a field. */
extern bool mimic_has(const mimic_catalogue *c, int f, int32_t item);

/* The score, 0 where nothing is in common, and the interactions' parts. */
extern long double mimic_score(const mimic_catalogue *c, const reco_content_user *user,
							   int32_t item, long double *part);

#endif /* RECO_MIMIC_CONTENT_H */
