/*
 * gram_rows.h
 *	  Products of the columns of sparse matrices with each other, kept by rows.
 */
#ifndef RECO_CORE_REGRESSION_GRAM_ROWS_H
#define RECO_CORE_REGRESSION_GRAM_ROWS_H

#include "core/data/csr.h"

/*
 * G = Y'Z, times a power of 2 that makes the largest of Y'Y 1 to 2.  A row is dense, all its
 * numbers on a cache line with zeros up to a multiple of 16, or the columns of what is not 0, in
 * order, and then its values: whatever is shorter.
 */
typedef struct reco_gram_rows
{
	int32_t items;
	double scale;    /* that G was multiplied with */
	int64_t *start;  /* of rows in data */
	int32_t *length; /* entries of a row; -1: it is dense */
	float *data;
	float *diagonal;
} reco_gram_rows;

static inline const float *
reco_gram_row(const reco_gram_rows *g, int32_t i)
{
	return g->data + g->start[i];
}

/* Of a row that is not dense: its columns; its values lie behind them. */
static inline const int32_t *
reco_gram_cols(const reco_gram_rows *g, int32_t i)
{
	return (const int32_t *) (const void *) (g->data + g->start[i]);
}

/* The floats of a dense row. */
static inline int32_t
reco_gram_width(int32_t items)
{
	return (items + 15) / 16 * 16;
}

/* products: the sum over rows of (entries in Y) (entries in Z), or more. */
extern size_t reco_gram_rows_memory(int32_t items, int64_t products, int threads);

/*
 * Y'Z; y_by_col is the transpose of Y, and both have `items` columns.  Room is made for as many
 * products as there are.  RECO_NO_MEMORY and RECO_STOPPED leave what free takes back.
 */
extern reco_status reco_gram_rows_make(const reco_env *env, const reco_csr *z,
									   const reco_csr *y_by_col, reco_gram_rows *out);
extern void reco_gram_rows_free(const reco_env *env, reco_gram_rows *g);

#endif /* RECO_CORE_REGRESSION_GRAM_ROWS_H */
