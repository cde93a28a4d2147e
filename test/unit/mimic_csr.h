/*
 * mimic_csr.h
 *	  Interactions for tests: sources of many shapes, and the way from their rows
 *	  to a matrix.
 */
#ifndef RECO_MIMIC_CSR_H
#define RECO_MIMIC_CSR_H

#include "core/data/triples.h"
#include "mimic_env.h"

typedef struct row
{
	int32_t user;
	int32_t item;
	float value;
	int64_t time;
} row;

typedef struct source
{
	const char *name;
	int32_t users;
	int32_t items;
	int32_t n;
	bool has_value;
	bool has_time;
	int32_t distinct_times; /* how many different times there are */
	bool ones;              /* every value is 1 */
	double skew;            /* powers of a uniform number: 1 even, 4 most on the first */
} source;

#define SOURCES 20

extern const source sources[SOURCES];

extern row *make_rows(const source *s, uint64_t seed);

/*
 * Builds from the rows in the order given (NULL: as they are), handing out
 * provisional numbers in order of arrival as the ingest does; numbers of ids
 * that never come are handed out last.
 */
extern reco_status build_matrix(mimic_env *m, const source *s, const row *rows,
								const int32_t *order, reco_interactions *out);

/* The same with what is asked for beside: at most max_row pairs a user, times, rows of repeats, and
 * a trend. */
typedef struct building
{
	int64_t max_row;
	bool keep_time;
	bool keep_repeats;
	struct reco_trend *trend; /* NULL: none */
	int64_t period;
	int64_t now;
	size_t memory; /* the estimate of what it takes */
} building;

extern reco_status build_matrix_with(mimic_env *m, const source *s, const row *rows,
									 const int32_t *order, building *b, reco_interactions *out);
extern void free_matrix(mimic_env *m, reco_interactions *x);

#endif /* RECO_MIMIC_CSR_H */
