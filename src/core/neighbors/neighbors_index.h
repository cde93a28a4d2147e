/*
 * neighbors_index.h
 *	  The nearest rows of a row that is not in the matrix, from an index of its columns.
 *
 * The index is the transpose of the matrix, with what the formula of neighbors.h needs to know
 * of each row, made once.  A search adds up the products with the rows of the new row's columns
 * only.  What depends on all rows - means of columns, how many rows have a column, the mean
 * length - is that of the matrix, to which the new row adds nothing: so a row of the matrix, as
 * if it were new, has the list that reco_neighbors_find gave it, to the bit where sums are
 * exact or in the same order.
 */
#ifndef RECO_CORE_NEIGHBORS_NEIGHBORS_INDEX_H
#define RECO_CORE_NEIGHBORS_NEIGHBORS_INDEX_H

#include "core/neighbors/measure.h"

/* Only read by searches.  Numbers of rows may be any: those beyond the matrix are passed over. */
typedef struct reco_row_index
{
	reco_csr by_column; /* values: weights, where they depend on no mean; NULL: ones */
	double *numbers;    /* reco_row_index_numbers */
} reco_row_index;

/* How many numbers there are besides the matrix. */
static inline size_t
reco_row_index_numbers(int32_t rows, int32_t columns)
{
	return 3 + 3 * (size_t) rows + (size_t) columns;
}

/*
 * Allocates through env; on failure nothing is left.
 * Cost: some passes over the entries.  Memory: 4 bytes an entry, 4 more with weights, 24 a row
 * and 16 a column; while it is made up to 12 more an entry and 44 a row.
 * Errors: RECO_INVALID, RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_row_index_build(const reco_env *env, const reco_neighbors_params *params,
										const reco_csr *by_row, reco_row_index *out);
extern void reco_row_index_free(const reco_env *env, reco_row_index *index);

/*
 * The list of a new row, a matrix of one.  own: a row that is not looked at, or -1.  params are
 * those of the index.  The result has one row; its arrays belong to the caller (nothing is left
 * allocated on failure).
 * Cost: the entries of the new row's columns; where these are many, beside that a light step a
 * row of the matrix and 12 bytes for each, else 32 bytes an entry.
 * Errors: RECO_INVALID, RECO_NO_MEMORY, RECO_STOPPED.
 */
extern reco_status reco_row_index_find(const reco_env *env, const reco_neighbors_params *params,
									   const reco_row_index *index, const reco_csr *row,
									   int32_t own, reco_neighbors *out);

/* For neighbors_index.c and neighbors_query.c: what the numbers are. */
typedef struct reco_row_numbers
{
	double *mean_length;
	double *largest;
	double *y; /* of the formula; of the log-likelihood ratio a row's length */
	double *w; /* of the log-likelihood ratio u */
	double *mean;
	double *column; /* its mean, sum or, by number, x log x */
} reco_row_numbers;

static inline reco_row_numbers
reco_row_numbers_of(const reco_row_index *index)
{
	double *at = index->numbers;
	size_t rows = (size_t) index->by_column.cols;

	return (reco_row_numbers){
		at, at + 1, at + 2, at + 2 + rows, at + 2 + 2 * rows, at + 2 + 3 * rows};
}

#endif /* RECO_CORE_NEIGHBORS_NEIGHBORS_INDEX_H */
