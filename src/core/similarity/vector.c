/*
 * vector.c
 *	  Similarity of two vectors.
 *
 * Elements of every type are read in blocks of doubles, which hold a float or an
 * int32 exactly; only products of floats, the common case, have a loop of their
 * own.  Within a block lanes are summed plainly, blocks in twice the precision, so
 * the error does not grow with the length: a few eps |a| |b| whatever cancels.
 * The sums of a cosine go the same way through the same lanes: of a vector with
 * itself it is sqrt(s * s) / s = 1, exactly.
 *
 * Pair by pair (sums.h) it is done once more for doubles whose squares are not
 * within 2^-500 .. 2^500 in sum, which squares of floats and integers always are,
 * and for a product of vectors of which little is left.
 *
 * Pearson: about the first elements, then about the means so found; what is left
 * of the sums is subtracted (the corrected two-pass algorithm).  The first pass
 * gives exactly 0 for a constant vector, however its mean is rounded.
 *
 * Cost: one pass over the vectors, two for Pearson; no memory.
 * Source: Chan, Golub, LeVeque, "Algorithms for computing the sample variance",
 * The American Statistician 37 (1983), equation 1.7.
 */
#include "core/similarity/vector.h"

#include "core/base/dispatch.h"
#include "core/similarity/sums.h"

#include <math.h>
#include <string.h>

/* Elements of a block: two blocks of doubles fit the first cache. */
#define BLOCK 512

/* Elements between two polls: about a millisecond; a multiple of BLOCK. */
#define POLL_ELEMENTS 1048576

/* Sums of squares within these bounds have lost nothing; so has their product. */
#define SAFE_MIN 0x1p-500
#define SAFE_MAX 0x1p500

/* What is left of a.b below which it is made again pair by pair. */
#define CANCELLED 0x1p-10

static const reco_kernels *
kernels(void)
{
	/* the answer is always the same, so it does not matter who asks first */
	static const reco_kernels *best;

	if (best == NULL)
		best = reco_kernels_best();
	return best;
}

static inline bool
safe(double sum)
{
	return sum >= SAFE_MIN && sum <= SAFE_MAX;
}

static inline bool
halted(const reco_vectors *v, int64_t at)
{
	return at > 0 && at % POLL_ELEMENTS == 0 && v->env && v->env->poll(v->env->arg);
}

#define WIDEN(ctype)                                                                               \
	do                                                                                             \
	{                                                                                              \
		for (int i = 0; i < n; i++)                                                                \
		{                                                                                          \
			ctype element;                                                                         \
                                                                                                   \
			memcpy(&element, (const char *) data + (size_t) (first + i) * sizeof(ctype),           \
				   sizeof(ctype));                                                                 \
			buffer[i] = (double) element;                                                          \
		}                                                                                          \
	} while (0)

/* n elements from `first` on. */
static const reco_any_double *
block(reco_element type, const void *data, int64_t first, int n, double *buffer)
{
	switch (type)
	{
		case RECO_DOUBLE:
			return (const reco_any_double *) data + first;
		case RECO_FLOAT:
			WIDEN(float);
			break;
		case RECO_INT16:
			WIDEN(int16_t);
			break;
		case RECO_INT32:
			WIDEN(int32_t);
			break;
		case RECO_INT64:
			WIDEN(int64_t);
			break;
	}
	return buffer;
}

static inline int
block_length(const reco_vectors *v, int64_t at)
{
	return (int) (v->n - at < BLOCK ? v->n - at : BLOCK);
}

int64_t
reco_first_not_finite(const reco_env *env, reco_element type, const void *a, int64_t n)
{
	double buffer[BLOCK];
	reco_vectors v = {type, n, a, a, env};

	if (type != RECO_FLOAT && type != RECO_DOUBLE)
		return -1;
	for (int64_t at = 0; at < n; at += BLOCK)
	{
		int m = block_length(&v, at);
		const reco_any_double *x = block(type, a, at, m, buffer);

		if (halted(&v, at))
			return -1;
		for (int i = 0; i < m; i++)
			if (!isfinite(x[i]))
				return at + i;
	}
	return -1;
}

/* sum[0 .. 4] about shift; see isa.h. */
static __attribute__((noinline)) reco_measured
moments(const reco_vectors *v, const double *shift, double *sum)
{
	const reco_kernels *k = kernels();
	reco_sum total[5] = {{0}};
	double a[BLOCK];
	double b[BLOCK];

	for (int64_t at = 0; at < v->n; at += BLOCK)
	{
		int m = block_length(v, at);
		double part[5];

		if (halted(v, at))
			return RECO_HALTED;
		k->moments(block(v->type, v->a, at, m, a), block(v->type, v->b, at, m, b), m, shift, part);
		for (int i = 0; i < 5; i++)
			reco_sum_add(&total[i], part[i]);
	}
	for (int i = 0; i < 5; i++)
		sum[i] = total[i].sum + total[i].error;
	return RECO_MEASURED;
}

/* sum = {a.b, a.a, b.b} and, but for floats, two more. */
static reco_measured
products(const reco_vectors *v, double *sum)
{
	static const double zero[2] = {0, 0};
	const reco_any_float *a = v->a;
	const reco_any_float *b = v->b;
	reco_sum total[3] = {{0}};

	if (v->type != RECO_FLOAT)
		return moments(v, zero, sum);
	if (v->n <= BLOCK)
	{
		kernels()->products_float(a, b, (int) v->n, sum);
		return RECO_MEASURED;
	}
	for (int64_t at = 0; at < v->n; at += BLOCK)
	{
		double part[3];

		if (halted(v, at))
			return RECO_HALTED;
		kernels()->products_float(a + at, b + at, block_length(v, at), part);
		for (int i = 0; i < 3; i++)
			reco_sum_add(&total[i], part[i]);
	}
	for (int i = 0; i < 3; i++)
		sum[i] = total[i].sum + total[i].error;
	return RECO_MEASURED;
}

typedef enum measure
{
	COSINE,
	DOT_PRODUCT,
	EUCLIDEAN,
	PEARSON
} measure;

/* Adds a pair of elements; false: one is not finite. */
static inline bool
add_pair(reco_pearson_sums *s, measure what, double x, double y)
{
	double d = x - y;
	int e = 0;

	if (what == COSINE)
		return reco_pair_add(&s->about, x, y);
	if (what == DOT_PRODUCT)
		return reco_sum_add_product(&s->about.xy, x, y);
	if (what == PEARSON)
		return reco_pearson_add(s, x, y);
	if (!isfinite(d))
	{
		d = 0.5 * x - 0.5 * y;
		e = 2;
	}
	if (!isfinite(d))
		return false;
	reco_sum_add_scaled(&s->about.xx, d, d, 1, e);
	return true;
}

/* Any measure, whatever the elements. */
static __attribute__((noinline)) reco_measured
pair_by_pair(const reco_vectors *v, measure what, double *result)
{
	reco_pearson_sums s = {0};
	double a[BLOCK];
	double b[BLOCK];

	for (int64_t at = 0; at < v->n; at += BLOCK)
	{
		int m = block_length(v, at);
		const reco_any_double *x = block(v->type, v->a, at, m, a);
		const reco_any_double *y = block(v->type, v->b, at, m, b);

		/* a pair takes up to a hundred times as long here as in a kernel */
		if (halted(v, 16 * at))
			return RECO_HALTED;
		for (int i = 0; i < m; i++)
			if (!add_pair(&s, what, x[i], y[i]))
				return RECO_NOT_FINITE;
	}
	if (what == COSINE || what == PEARSON)
		return reco_pair_cosine(&s.about, result) ? RECO_MEASURED : RECO_UNDEFINED;
	*result = what == DOT_PRODUCT ? reco_sum_value(&s.about.xy) : reco_sum_root(&s.about.xx);
	return isfinite(*result) ? RECO_MEASURED : RECO_TOO_LARGE;
}

/* x.y / (|x| |y|), where rounding may lead out of [-1, 1]. */
static inline double
ratio(double xy, double norms)
{
	double c = xy / norms;

	return c > 1 ? 1 : c < -1 ? -1 : c;
}

reco_measured
reco_cosine(const reco_vectors *v, double *result)
{
	double sum[5];
	reco_measured status = products(v, sum);

	if (status != RECO_MEASURED)
		return status;
	if (!(safe(sum[1]) && safe(sum[2])))
	{
		if (v->type == RECO_DOUBLE)
			return pair_by_pair(v, COSINE, result);
		/* out of range is 0 then */
		return isfinite(sum[1]) && isfinite(sum[2]) ? RECO_UNDEFINED : RECO_NOT_FINITE;
	}
	*result = ratio(sum[0], sqrt(sum[1] * sum[2]));
	return RECO_MEASURED;
}

reco_measured
reco_dot_product(const reco_vectors *v, double *result)
{
	double sum[5];
	reco_measured status = products(v, sum);

	if (status != RECO_MEASURED)
		return status;
	*result = sum[0];
	if (safe(sum[1]) && safe(sum[2]) && fabs(sum[0]) >= CANCELLED * sqrt(sum[1] * sum[2]))
		return RECO_MEASURED;
	return pair_by_pair(v, DOT_PRODUCT, result);
}

reco_measured
reco_euclidean(const reco_vectors *v, double *result)
{
	const reco_kernels *k = kernels();
	reco_sum total = {0};
	double a[BLOCK];
	double b[BLOCK];
	double square;

	for (int64_t at = 0; at < v->n; at += BLOCK)
	{
		int m = block_length(v, at);

		if (halted(v, at))
			return RECO_HALTED;
		reco_sum_add(
			&total, k->distance(block(v->type, v->a, at, m, a), block(v->type, v->b, at, m, b), m));
	}
	square = total.sum + total.error;
	if (v->type == RECO_DOUBLE && !safe(square))
		return pair_by_pair(v, EUCLIDEAN, result);
	*result = sqrt(square);
	return isfinite(square) ? RECO_MEASURED : RECO_NOT_FINITE;
}

reco_measured
reco_pearson(const reco_vectors *v, double *result)
{
	double buffer[2];
	double first[2];
	double shift[2];
	double sum[5];
	reco_measured status;

	if (v->n == 0)
		return RECO_UNDEFINED;
	first[0] = *block(v->type, v->a, 0, 1, &buffer[0]);
	first[1] = *block(v->type, v->b, 0, 1, &buffer[1]);
	if ((status = moments(v, first, sum)) != RECO_MEASURED)
		return status;
	if (v->type == RECO_DOUBLE && !(safe(sum[1]) && safe(sum[2])))
		return pair_by_pair(v, PEARSON, result);
	if (!(isfinite(sum[1]) && isfinite(sum[2])))
		return RECO_NOT_FINITE;
	if (sum[1] == 0 || sum[2] == 0)
		return RECO_UNDEFINED;
	for (int i = 0; i < 2; i++)
		shift[i] = first[i] + sum[3 + i] / (double) v->n;
	if ((status = moments(v, shift, sum)) != RECO_MEASURED)
		return status;
	for (int i = 0; i < 2; i++)
		sum[1 + i] -= sum[3 + i] * sum[3 + i] / (double) v->n;
	*result = ratio(sum[0] - sum[3] * sum[4] / (double) v->n, sqrt(sum[1] * sum[2]));
	return RECO_MEASURED;
}

/* The end of the piece that begins at `from`; false to stop before it. */
static inline bool
next_piece(const reco_env *env, int64_t from, int64_t n, int64_t *end)
{
	*end = n - from < POLL_ELEMENTS ? n : from + POLL_ELEMENTS;
	return from == 0 || !env->poll(env->arg);
}

bool
reco_vector_add(const reco_env *env, double *sum, double *error, const reco_any_float *x, int64_t n)
{
	for (int64_t i = 0, end; i < n;)
	{
		if (!next_piece(env, i, n, &end))
			return false;
		for (; i < end; i++)
		{
			double e;

			sum[i] = reco_two_sum(sum[i], x[i], &e);
			error[i] += e;
		}
	}
	return true;
}

bool
reco_vector_combine(const reco_env *env, double *sum, double *error, const double *sum2,
					const double *error2, int64_t n)
{
	for (int64_t i = 0, end; i < n;)
	{
		if (!next_piece(env, i, n, &end))
			return false;
		for (; i < end; i++)
		{
			double e;

			sum[i] = reco_two_sum(sum[i], sum2[i], &e);
			error[i] += e + error2[i];
		}
	}
	return true;
}
