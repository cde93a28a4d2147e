/*
 * isa.h
 *	  The inner loops that are compiled once per instruction set level.
 *
 * Each file src/core/isa/x.c is compiled with -DRECO_ISA=base, v3 or v4 (and
 * the flags of that level); RECO_NAME gives every external name its level.
 * table.c collects one level's functions in a reco_kernels, and dispatch.c
 * picks the table that suits the machine.  The loops are written once, with the
 * compiler's vector extensions; only the width and a few shuffles differ.
 *
 * All functions here are pure arithmetic on memory of the caller: no
 * allocation, no errors, no threads.  Rows of float matrices start at multiples
 * of RECO_ALIGN bytes: their strides are multiples of 16 and their padding is 0.
 */
#ifndef RECO_CORE_ISA_ISA_H
#define RECO_CORE_ISA_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECO_PASTE_(a, b) a##_##b
#define RECO_PASTE(a, b) RECO_PASTE_(a, b)
#ifdef RECO_ISA
#define RECO_NAME(f) RECO_PASTE(f, RECO_ISA)
#endif

/*
 * How an entry's value becomes its weight a and target t (see als.h).  bias,
 * when not NULL, is subtracted by column.
 */
typedef struct reco_als_weights
{
	bool implicit;
	float alpha;       /* implicit */
	float mean;        /* explicit */
	const float *bias; /* explicit, by column; or NULL */
} reco_als_weights;

/* A row's entries. */
typedef struct reco_als_row
{
	int64_t n;
	const int32_t *idx;
	const float *value; /* NULL: all ones */
	/* what the solution is drawn to, and then the weight of that; NULL: 0.  Passes do not look. */
	const float *center;
} reco_als_row;

/* Elements of an array that may begin at any address. */
typedef float reco_any_float __attribute__((aligned(1), may_alias));
typedef double reco_any_double __attribute__((aligned(1), may_alias));

/* What a pass over a row's entries sums up besides the vector. */
typedef struct reco_als_sums
{
	double weight;    /* sum of a */
	double largest;   /* max of a */
	double loss;      /* sum of c p^2 - 2 t s + a s^2, s = z.p */
	double pull;      /* sum of (t - a s)^2 */
	double curvature; /* sum of a s^2 */
} reco_als_sums;

typedef enum reco_als_pass
{
	RECO_PASS_RESIDUAL, /* out += sum (t - a s) z; weight, largest, loss, pull */
	RECO_PASS_PRODUCT,  /* out += sum a s z; curvature */
	RECO_PASS_CURVATURE /* curvature only */
} reco_als_pass;

/* One row's side of the similarity formula (neighbors.h), and the others'. */
typedef struct reco_pair_row
{
	double scale;
	double v;
	double shrinkage;
	double x, y, u, w;               /* of the row */
	const double *xs, *ys, *us, *ws; /* of the others */
	double floor;                    /* what the row's own list asks for, above 0 */
	int32_t min_support;
	bool symmetric;
} reco_pair_row;

typedef struct reco_pair
{
	double mine;   /* s(row | other) */
	double theirs; /* s(other | row) */
	int32_t other;
} reco_pair;

/*
 * Strings of bits come in blocks of this many bits: a cache line; and up to so many
 * strings side by side, one a binary digit.
 */
#define RECO_BIT_BLOCK 512
#define RECO_BIT_WORDS 8
#define RECO_BIT_DIGITS 4

/* Strings of bits whose digit g counts 2^(shift + g) each. */
typedef struct reco_bit_term
{
	const int32_t *string; /* n numbers of strings */
	int32_t n;
	int shift;
} reco_bit_term;

/* Scores of sparse scorers come in lines of this many items (scorer.h). */
#define RECO_LINE 8

/* What numbers of lines come to, by lanes; on a cache line. */
typedef struct reco_lines_range
{
	double sum[RECO_LINE];
	int32_t n[RECO_LINE];
	float least[RECO_LINE];
	float most[RECO_LINE];
} reco_lines_range;

/* A part of a mean: (score - shift) times, and what is added where there is no number. */
typedef struct reco_lines_part
{
	const float *score;
	double shift;
	double times;
	double none;
} reco_lines_part;

/* Codes come in blocks of this many items (pruned.h). */
#define RECO_CODE_BLOCK 64

/* The largest number that is two signed bytes with its opposite. */
#define RECO_CODE_MOST (256 * 127 + 127)

/* What the bounds of one query are made of (pruned.c). */
typedef struct reco_code_query
{
	const int16_t *p; /* d rounded up to 4: of each four the 1st, 3rd, 2nd, 4th */
	/*
	 * the same in their order as 256 high + low: of each four the high bytes, then the low ones;
	 * NULL: products of bytes are not to be used
	 */
	const int32_t *bytes;
	int32_t sum; /* of p */
	int quads;   /* how many fours */
	float unit;  /* p's true components are about unit p */
	float norm;
	float base;
} reco_code_query;

/* An item of a block that may be good enough. */
typedef struct reco_code_hit
{
	float bound;
	int32_t at; /* in the block */
} reco_code_hit;

typedef struct reco_kernels
{
	const char *name;

	/*
	 * Pairs of a row with n others of which either similarity reaches what its
	 * list asks for (row->floor, floor[]), to out (n long); returns how many.
	 * dot NULL: the counts are the products; count NULL: no support is asked for.
	 */
	int32_t (*pair_scan)(const reco_pair_row *row, const double *dot, const int32_t *count,
						 int32_t n, const double *floor, reco_pair *out);

	/*
	 * count[b] += the sum over terms and digits g of 2^(shift + g) times how many of the
	 * term's strings have bit b in that digit, for the first `blocks` blocks of bits.
	 * Block k of digit g of a string, of `width` blocks, is the RECO_BIT_WORDS words from
	 *	  bits + RECO_BIT_WORDS ((string width + k) digits + g)
	 * on, on a cache line; `empty`, the last string, has no bit set.  Sums are below 2^31.
	 */
	void (*bit_sums)(const uint64_t *bits, int digits, int width, const reco_bit_term *term,
					 int terms, int blocks, int32_t empty, int32_t *count);

	/*
	 * C[i][j] += sum_k T[k][i] T[k][j] (or -=) for j >= i, k < rows, i, j < n.
	 * T has ldt >= n rounded up to 16 columns, the extra ones 0; C is as wide
	 * and as high: elements past n and below the diagonal may be written.
	 */
	void (*syrk)(double *c, int ldc, const double *t, int ldt, int n, int rows, bool subtract);

	/*
	 * Upper Cholesky factor A = U'U in place (upper triangle, row-major), A as
	 * C above, n <= 1040.  False when a pivot is not above `tolerance` times
	 * its diagonal element.
	 */
	bool (*potrf)(double *a, int lda, int n, double tolerance);

	/* x = (U'U)^-1 x */
	void (*potrs)(const double *u, int lda, int n, double *x);

	/*
	 * tile[k] = y[idx[k]] scaled by scale[k] (NULL: 1), as double, for k < rows;
	 * columns d .. ldt - 1 get 0, but column d gets 1 (scaled) when `one`.
	 * idx NULL: consecutive rows of y.
	 */
	void (*gather)(double *tile, int ldt, const float *y, int stride, const int32_t *idx,
				   const double *scale, int rows, int d, bool one);

	/* y += a x, and x.y, of n doubles */
	void (*axpy)(double *y, double a, const double *x, int n);
	double (*dot)(const double *x, const double *y, int n);

	/*
	 * out[r] = initial + in[r] M for `rows` rows, M n_in x stride_out,
	 * row-major; initial NULL: 0.  in is not out.
	 */
	void (*rotate)(float *out, int stride_out, const float *in, int stride_in, int64_t rows,
				   int n_in, const float *m, const float *initial);

	/*
	 * One pass over a row's entries; z has rows of `stride` floats, or, when
	 * packed (stride a multiple of 32 then), of stride / 2 words by als_pack.
	 */
	void (*als_pass)(reco_als_pass kind, const void *z, int stride, bool packed,
					 const reco_als_weights *w, const reco_als_row *row, const float *p, float *out,
					 reco_als_sums *sums);

	/* Packs n floats, a multiple of 32, into n / 2 words. */
	void (*als_pack)(uint32_t *out, const float *in, int64_t n);

	/*
	 * Element-wise parts of conjugate gradients, n a multiple of 16:
	 * op = base + weight slope, inverse = 1 / (op + weight guess) or 0;
	 */
	void (*cg_diagonal)(float *op, float *inverse, const float *base, const float *slope,
						const float *guess, float weight, int n);
	/* out = diagonal in, and returns out.in */
	double (*cg_scale)(float *out, const float *diagonal, const float *in, int n);
	/*
	 * Sum of r^2 / op where op > 0; *least = the least of op inverse there, at most 1.
	 */
	double (*cg_bound)(const float *op, const float *inverse, const float *r, int n, double *least);
	/* y += a x */
	void (*cg_add)(float *y, float a, const float *x, int n);

	/*
	 * For each of `rows` entries: score = y.x, r += (t - a score) y, in float8;
	 * y has d components, and a last one of 1 when `one`.
	 */
	void (*als_residual)(double *r, double *score, const float *y, int stride, int d,
						 const int32_t *idx, const double *a, const double *t, int rows,
						 const double *x, bool one);

	/* sum = {a.b, a.a, b.b} */
	void (*products_float)(const reco_any_float *a, const reco_any_float *b, int n, double *sum);
	/* with x = a - shift[0], y = b - shift[1]: sum = {x.y, x.x, y.y, sum x, sum y} */
	void (*moments)(const reco_any_double *a, const reco_any_double *b, int n, const double *shift,
					double *sum);
	/* sum of (a - b)^2 */
	double (*distance)(const reco_any_double *a, const reco_any_double *b, int n);

	/*
	 * The places, rising, of those of n numbers, a multiple of 16, that are above floor, to at (n
	 * long); returns how many.  x is on a cache line.
	 */
	int32_t (*above)(const float *x, int32_t n, float floor, int32_t *at);

	/*
	 * Lines of RECO_LINE numbers, on multiples of their size but for out; n counts numbers, a
	 * multiple of RECO_LINE, but for take, where it counts lines.
	 *
	 * take: of the lines of sum that are named, sums as scores, -infinity where they are 0; the
	 * sums become zeros.
	 */
	void (*lines_take)(double *sum, const int32_t *line, int32_t n, float *score);
	/* range: adds those that are finite; the others become -infinity */
	void (*lines_range)(float *score, int32_t n, reco_lines_range *range);
	/* sum[lane] += (score - mean)^2 of those that are finite */
	void (*lines_squares)(const float *score, int32_t n, double mean, double *sum);
	/*
	 * out[i] = the sum over parts, in their order, of what each adds for its score[at + i];
	 * -infinity where none of them is finite
	 */
	void (*lines_mean)(const reco_lines_part *part, int parts, int32_t at, int32_t n, float *out);

	/*
	 * The items of a block whose bound
	 *	  scale (unit (code . p)) + (norm error + (bias + base))
	 * reaches floor, to hit (RECO_CODE_BLOCK long), in order; returns how many.
	 * code holds four codes of each item after each other, then the next four;
	 * bias NULL: 0.  No sum of products may leave the range of int32.
	 */
	int32_t (*code_scan)(const reco_code_query *q, const int8_t *code, const float *scale,
						 const float *error, const float *bias, float floor, reco_code_hit *hit);
} reco_kernels;

extern const reco_kernels reco_kernels_base;
#ifdef __x86_64__
extern const reco_kernels reco_kernels_v3;
extern const reco_kernels reco_kernels_v4;
#endif

#endif /* RECO_CORE_ISA_ISA_H */
