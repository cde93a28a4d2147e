/*
 * kernels.h
 *	  Names and vector types shared by the files of one instruction set level.
 *	  What the functions do is said in isa.h, at the members of reco_kernels.
 */
#ifndef RECO_CORE_ISA_KERNELS_H
#define RECO_CORE_ISA_KERNELS_H

#include "core/isa/isa.h"

#define RECO_STRING_(x) #x
#define RECO_STRING(x) RECO_STRING_(x)
#define RECO_LEVEL RECO_STRING(RECO_ISA)

/* never passed between objects of different levels, so the ABI note is moot */
#pragma GCC diagnostic ignored "-Wpsabi"

/* The level's registers: VW floats (vf, vi) or VD doubles (vd). */
#if defined(__AVX512F__)
#define VW 16
#elif defined(__AVX__)
#define VW 8
#else
#define VW 4
#endif
#define VD (VW / 2)

typedef float vf __attribute__((vector_size(4 * VW), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * VW), may_alias));
typedef double vd __attribute__((vector_size(4 * VW), may_alias));
/* as many floats as a register holds doubles */
typedef float vh __attribute__((vector_size(2 * VW), may_alias, aligned(4)));
typedef float v4f __attribute__((vector_size(16), may_alias));

extern int32_t RECO_NAME(reco_pair_scan)(const reco_pair_row *row, const double *dot,
										 const int32_t *count, int32_t n, const double *floor,
										 reco_pair *out);
extern void RECO_NAME(reco_bit_sums)(const uint64_t *bits, int digits, int width,
									 const reco_bit_term *term, int terms, int blocks,
									 int32_t empty, int32_t *count);
extern void RECO_NAME(reco_syrk)(double *c, int ldc, const double *t, int ldt, int n, int rows,
								 bool subtract);
extern bool RECO_NAME(reco_potrf)(double *a, int lda, int n, double tolerance);
extern void RECO_NAME(reco_potrs)(const double *u, int lda, int n, double *x);
extern void RECO_NAME(reco_gather)(double *tile, int ldt, const float *y, int stride,
								   const int32_t *idx, const double *scale, int rows, int d,
								   bool one);
extern void RECO_NAME(reco_axpy)(double *y, double a, const double *x, int n);
extern double RECO_NAME(reco_dot)(const double *x, const double *y, int n);
extern void RECO_NAME(reco_rotate)(float *out, int stride_out, const float *in, int stride_in,
								   int64_t rows, int n_in, const float *m, const float *initial);
extern void RECO_NAME(reco_als_pass)(reco_als_pass kind, const void *z, int stride, bool packed,
									 const reco_als_weights *w, const reco_als_row *row,
									 const float *p, float *out, reco_als_sums *sums);

extern void RECO_NAME(reco_als_pack)(uint32_t *out, const float *in, int64_t n);

extern void RECO_NAME(reco_cg_diagonal)(float *op, float *inverse, const float *base,
										const float *slope, const float *guess, float weight,
										int n);
extern double RECO_NAME(reco_cg_scale)(float *out, const float *diagonal, const float *in, int n);
extern double RECO_NAME(reco_cg_bound)(const float *op, const float *inverse, const float *r, int n,
									   double *least);
extern void RECO_NAME(reco_cg_add)(float *y, float a, const float *x, int n);
extern void RECO_NAME(reco_als_residual)(double *r, double *score, const float *y, int stride,
										 int d, const int32_t *idx, const double *a,
										 const double *t, int rows, const double *x, bool one);

extern void RECO_NAME(reco_products_float)(const reco_any_float *a, const reco_any_float *b, int n,
										   double *sum);
extern void RECO_NAME(reco_moments)(const reco_any_double *a, const reco_any_double *b, int n,
									const double *shift, double *sum);
extern double RECO_NAME(reco_distance)(const reco_any_double *a, const reco_any_double *b, int n);

extern int32_t RECO_NAME(reco_above)(const float *x, int32_t n, float floor, int32_t *at);
extern void RECO_NAME(reco_lines_take)(double *sum, const int32_t *line, int32_t n, float *score);
extern void RECO_NAME(reco_lines_range)(float *score, int32_t n, reco_lines_range *range);
extern void RECO_NAME(reco_lines_squares)(const float *score, int32_t n, double mean, double *sum);
extern void RECO_NAME(reco_lines_mean)(const reco_lines_part *part, int parts, int32_t at,
									   int32_t n, float *out);
extern int32_t RECO_NAME(reco_code_scan)(const reco_code_query *q, const int8_t *code,
										 const float *scale, const float *error, const float *bias,
										 float floor, reco_code_hit *hit);

#endif /* RECO_CORE_ISA_KERNELS_H */
