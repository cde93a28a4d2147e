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

/* 16 floats or 8 doubles: one AVX-512 register, two of AVX2, four of SSE */
typedef float v16f __attribute__((vector_size(64), may_alias));
typedef double v8d __attribute__((vector_size(64), may_alias));
typedef float v8f __attribute__((vector_size(32), may_alias));
typedef float v4f __attribute__((vector_size(16), may_alias));

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

#endif /* RECO_CORE_ISA_KERNELS_H */
