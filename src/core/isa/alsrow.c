/*
 * alsrow.c
 *	  Single and mixed precision loops over the vectors of one row of als:
 *	  changes of basis, the element-wise parts of conjugate gradients, and the
 *	  residual in float8 that ends a half step.
 *
 * Sums of products are taken in the float4 lanes of a register, each of them short, and added
 * in float8: the operands are far from float4's range because rows with large
 * weights never come here.
 *
 * Cost: rotate 2 n_in n_out flops a row, the others a few flops an element.
 */
#include "core/isa/kernels.h"

/* In pairs: a chain of additions would take as long as the loop before it. */
static inline double
sum_lanes(vf v)
{
	double half[VW];

	for (int i = 0; i < VW; i++)
		half[i] = v[i];
#pragma GCC unroll 4
	for (int n = VW / 2; n > 0; n /= 2)
#pragma GCC unroll 8
		for (int i = 0; i < n; i++)
			half[i] += half[i + n];
	return half[0];
}

/* Four rows at a time share the loads of m. */
static inline __attribute__((always_inline)) void
rotate_rows(int group, float *out, int stride_out, const float *in, int stride_in, int n_in,
			const float *m, const float *initial)
{
	for (int c = 0; c < stride_out; c += VW)
	{
		vf acc[4];
		const float *mc = m + c;

		for (int g = 0; g < group; g++)
			acc[g] = initial ? *(const vf *) (initial + c) : (vf){0};
		for (int k = 0; k < n_in; k++)
		{
			vf mk = *(const vf *) (mc + (size_t) k * stride_out);

			for (int g = 0; g < group; g++)
				acc[g] += in[(size_t) g * stride_in + k] * mk;
		}
		for (int g = 0; g < group; g++)
			*(vf *) (out + (size_t) g * stride_out + c) = acc[g];
	}
}

/* One row: up to four vectors of the result and two halves of the input at once. */
static inline void
rotate_row(float *out, int stride_out, const float *in, int n_in, const float *m,
		   const float *initial)
{
	int c = 0;

	for (; c + 4 * VW <= stride_out; c += 4 * VW)
	{
		vf even[4];
		vf odd[4];
		int k = 0;

		for (int v = 0; v < 4; v++)
		{
			even[v] = initial ? *(const vf *) (initial + c + VW * v) : (vf){0};
			odd[v] = (vf){0};
		}
		for (; k + 2 <= n_in; k += 2)
		{
			const float *mk = m + (size_t) k * stride_out + c;

			for (int v = 0; v < 4; v++)
			{
				even[v] += in[k] * *(const vf *) (mk + VW * v);
				odd[v] += in[k + 1] * *(const vf *) (mk + stride_out + VW * v);
			}
		}
		if (k < n_in)
			for (int v = 0; v < 4; v++)
				even[v] += in[k] * *(const vf *) (m + (size_t) k * stride_out + c + VW * v);
		for (int v = 0; v < 4; v++)
			*(vf *) (out + c + VW * v) = even[v] + odd[v];
	}
	for (; c < stride_out; c += VW)
	{
		vf acc = initial ? *(const vf *) (initial + c) : (vf){0};

		for (int k = 0; k < n_in; k++)
			acc += in[k] * *(const vf *) (m + (size_t) k * stride_out + c);
		*(vf *) (out + c) = acc;
	}
}

void
RECO_NAME(reco_rotate)(float *out, int stride_out, const float *in, int stride_in, int64_t rows,
					   int n_in, const float *m, const float *initial)
{
	int64_t r = 0;

	for (; r + 4 <= rows; r += 4)
		rotate_rows(4, out + (size_t) r * stride_out, stride_out, in + (size_t) r * stride_in,
					stride_in, n_in, m, initial);
	for (; r < rows; r++)
		rotate_row(out + (size_t) r * stride_out, stride_out, in + (size_t) r * stride_in, n_in, m,
				   initial);
}

void
RECO_NAME(reco_cg_diagonal)(float *op, float *inverse, const float *base, const float *slope,
							const float *guess, float weight, int n)
{
	for (int i = 0; i < n; i++)
	{
		float o = base[i] + weight * slope[i];
		float m = o + weight * guess[i];

		op[i] = o;
		inverse[i] = m > 0 ? 1.0f / m : 0.0f;
	}
}

double
RECO_NAME(reco_cg_scale)(float *out, const float *diagonal, const float *in, int n)
{
	vf sum = {0};

	for (int i = 0; i < n; i += VW)
	{
		vf v = *(const vf *) (in + i);
		vf o = *(const vf *) (diagonal + i) * v;

		*(vf *) (out + i) = o;
		sum += o * v;
	}
	return sum_lanes(sum);
}

double
RECO_NAME(reco_cg_bound)(const float *op, const float *inverse, const float *r, int n,
						 double *least)
{
	vf sum = {0};
	vf low = {0};

	low += 1;
	for (int i = 0; i < n; i += VW)
	{
		vf o = *(const vf *) (op + i);
		vf v = *(const vf *) (r + i);
		vi used = o > 0;
		vf part = o * *(const vf *) (inverse + i);
		vi lower = (part < low) & used;

		sum += (vf) ((vi) (v * v / o) & used);
		low = (vf) (((vi) part & lower) | ((vi) low & ~lower));
	}
	*least = low[0];
	for (int i = 1; i < VW; i++)
		*least = low[i] < *least ? low[i] : *least;
	return sum_lanes(sum);
}

void
RECO_NAME(reco_cg_add)(float *y, float a, const float *x, int n)
{
	for (int i = 0; i < n; i += VW)
		*(vf *) (y + i) += a * *(const vf *) (x + i);
}

static inline double
sum_doubles(vd v)
{
	double sum = v[0];

	for (int i = 1; i < VD; i++)
		sum += v[i];
	return sum;
}

static inline vd
widen(const float *p)
{
	return __builtin_convertvector(*(const vh *) p, vd);
}

/* Entries 0 .. group - 1; d is a constant or not, as for passes. */
static inline __attribute__((always_inline)) void
residual_group(int group, double *r, double *score, const float *y, int stride, int d,
			   const int32_t *idx, const double *a, const double *t, const double *x, bool one)
{
	const int whole = d & ~(VD - 1);
	const float *yk[4];
	vd acc[4];
	double f[4];

	for (int g = 0; g < group; g++)
	{
		yk[g] = y + (size_t) idx[g] * stride;
		acc[g] = (vd){0};
	}
	for (int c = 0; c < whole; c += VD)
		for (int g = 0; g < group; g++)
			acc[g] += widen(yk[g] + c) * *(const vd *) (x + c);
	for (int g = 0; g < group; g++)
	{
		double s = sum_doubles(acc[g]);

		for (int c = whole; c < d; c++)
			s += yk[g][c] * x[c];
		if (one)
			s += x[d];
		score[g] = s;
		f[g] = t[g] - a[g] * s;
	}
	for (int c = 0; c < whole; c += VD)
	{
		vd o = *(const vd *) (r + c);

		for (int g = 0; g < group; g++)
			o += f[g] * widen(yk[g] + c);
		*(vd *) (r + c) = o;
	}
	for (int c = whole; c < d; c++)
		for (int g = 0; g < group; g++)
			r[c] += f[g] * yk[g][c];
	if (one)
		for (int g = 0; g < group; g++)
			r[d] += f[g];
}

static inline __attribute__((always_inline)) void
residual_body(double *r, double *score, const float *y, int stride, int d, const int32_t *idx,
			  const double *a, const double *t, int rows, const double *x, bool one)
{
	int k = 0;

	for (; k + 4 <= rows; k += 4)
	{
		if (k + 16 <= rows)
			for (int g = 12; g < 16; g++)
				for (int c = 0; c < d; c += 16)
					__builtin_prefetch(y + (size_t) idx[k + g] * stride + c);
		residual_group(4, r, score + k, y, stride, d, idx + k, a + k, t + k, x, one);
	}
	for (; k < rows; k++)
		residual_group(1, r, score + k, y, stride, d, idx + k, a + k, t + k, x, one);
}

void
RECO_NAME(reco_als_residual)(double *r, double *score, const float *y, int stride, int d,
							 const int32_t *idx, const double *a, const double *t, int rows,
							 const double *x, bool one)
{
	if (d == 64 && !one)
		residual_body(r, score, y, stride, 64, idx, a, t, rows, x, false);
	else
		residual_body(r, score, y, stride, d, idx, a, t, rows, x, one);
}
