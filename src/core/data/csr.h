/*
 * csr.h
 *	  Sparse matrices in compressed rows.
 */
#ifndef RECO_CORE_DATA_CSR_H
#define RECO_CORE_DATA_CSR_H

#include "core/base/env.h"

/*
 * A rows x cols matrix: the entries of row r are start[r] .. start[r + 1] - 1,
 * with strictly increasing column numbers.
 */
typedef struct reco_csr
{
	int32_t rows;
	int32_t cols;
	int64_t *start; /* rows + 1 */
	int32_t *col;   /* start[rows] */
	float *value;   /* start[rows]; NULL: every entry is 1 */
} reco_csr;

/* The place of key in a[low .. high - 1], which rises strictly, or -1. */
static inline int64_t
reco_find(const int32_t *a, int64_t low, int64_t high, int32_t key)
{
	while (low < high)
	{
		int64_t middle = low + (high - low) / 2;

		if (a[middle] == key)
			return middle;
		if (a[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* The value of an entry; 0 where there is none.  The matrix has values. */
static inline float
reco_csr_get(const reco_csr *a, int32_t row, int32_t col)
{
	int64_t at = reco_find(a->col, a->start[row], a->start[row + 1], col);

	return at < 0 ? 0 : a->value[at];
}

/*
 * The transpose of a; values may be any array along a's entries (a->value, or the
 * latest values), or NULL.  Allocates reco_parts_memory (parts.h) beside the result.
 */
extern reco_status reco_csr_transpose(const reco_env *env, const reco_csr *a, const float *value,
									  reco_csr *out);
extern void reco_csr_free(const reco_env *env, reco_csr *a);

#endif /* RECO_CORE_DATA_CSR_H */
