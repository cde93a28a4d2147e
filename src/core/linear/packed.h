/*
 * packed.h
 *	  A symmetric matrix in float8, its lower triangle row by row.
 */
#ifndef RECO_CORE_LINEAR_PACKED_H
#define RECO_CORE_LINEAR_PACKED_H

#include <stddef.h>
#include <stdint.h>

typedef struct reco_packed
{
	int32_t n;
	double *value; /* reco_packed_size(n) */
} reco_packed;

static inline size_t
reco_packed_size(int32_t n)
{
	return (size_t) n * ((size_t) n + 1) / 2;
}

/* The row up to the diagonal, row + 1 numbers. */
static inline double *
reco_packed_row(const reco_packed *a, int32_t row)
{
	return a->value + reco_packed_size(row);
}

static inline double
reco_packed_at(const reco_packed *a, int32_t i, int32_t j)
{
	return i >= j ? reco_packed_row(a, i)[j] : reco_packed_row(a, j)[i];
}

#endif /* RECO_CORE_LINEAR_PACKED_H */
