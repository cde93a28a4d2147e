/*
 * vector.c
 *	  Similarity of two vectors.
 *
 * Elements of every type are read in blocks of doubles, which hold a float or an
 * int32 exactly; only the cosine of floats, the common case, has a loop of its
 * own.  Within a block lanes are summed plainly, blocks are summed in twofold
 * precision, so the error does not grow with the length.
 *
 * Range: squares of floats and integers can neither overflow nor vanish in a
 * double.  Squares of doubles can.  The sums are made as they are and looked at:
 * when they are not within 2^-500 .. 2^500, they are made again with the vectors
 * scaled by powers of two, which changes nothing but exponents.
 *
 * Cosine: by Cauchy-Schwarz the rounding of a.b is a few eps |a| |b| whatever
 * cancels, an absolute error of 1e-14.  When less than 2^-7 of |a| |b| is left,
 * a.b is made once more in twofold precision, so that a small cosine has a small
 * error too.  All three sums go the same way through the same lanes: the cosine
 * of a vector with itself is sqrt(s * s) / s = 1, exactly.
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

#include <math.h>
#include <string.h>

/* Elements of a block: two blocks of doubles fit the first cache. */
#define BLOCK 512

/* Elements between two polls: about a millisecond; a multiple of BLOCK. */
#define POLL_ELEMENTS 1048576

/* Sums of squares within these bounds have lost nothing; so has their product. */
#define SAFE_MIN 0x1p-500
#define SAFE_MAX 0x1p500

/* What is left of a.b below which it is made again in twofold precision. */
#define CANCELLED 0x1p-7

/* Exponents by which to divide, and whatever else one sweep needs. */
typedef struct sweep
{
	const reco_vectors *v;
	const reco_kernels *k;
	int ea;
	int eb;
} sweep;

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

/* n elements from `first` on, divided by 2^exponent. */
static const reco_any_double *
block(reco_element type, const void *data, int64_t first, int n, int exponent, double *buffer)
{
	switch (type)
	{
		case RECO_DOUBLE:
			if (exponent == 0)
				return (const reco_any_double *) data + first;
			WIDEN(double);
			break;
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
	if (exponent != 0)
		for (int i = 0; i < n; i++)
			buffer[i] = ldexp(buffer[i], -exponent);
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
		const reco_any_double *x = block(type, a, at, m, 0, buffer);

		if (halted(&v, at))
			return -1;
		for (int i = 0; i < m; i++)
			if (!isfinite(x[i]))
				return at + i;
	}
	return -1;
}

/* The exponent of the largest element of one of the vectors. */
static reco_measured
largest_exponent(const reco_vectors *v, const void *a, int *exponent)
{
	double largest = 0;

	for (int64_t i = 0; i < v->n; i++)
	{
		double x = fabs(((const reco_any_double *) a)[i]);

		if (halted(v, i))
			return RECO_HALTED;
		if (!isfinite(x))
			return RECO_NOT_FINITE;
		if (x > largest)
			largest = x;
	}
	*exponent = largest > 0 ? ilogb(largest) : 0;
	return RECO_MEASURED;
}

/* sum[0 .. 4] about shift, the vectors scaled as the sweep says; see isa.h. */
static __attribute__((noinline)) reco_measured
moments(const sweep *w, const double *shift, double *sum)
{
	const reco_vectors *v = w->v;
	reco_sum total[5] = {{0, 0}};
	double a[BLOCK];
	double b[BLOCK];

	for (int64_t at = 0; at < v->n; at += BLOCK)
	{
		int m = block_length(v, at);
		double part[5];

		if (halted(v, at))
			return RECO_HALTED;
		w->k->moments(block(v->type, v->a, at, m, w->ea, a), block(v->type, v->b, at, m, w->eb, b),
					  m, shift, part);
		for (int i = 0; i < 5; i++)
			reco_sum_add(&total[i], part[i]);
	}
	for (int i = 0; i < 5; i++)
		sum[i] = reco_sum_value(total[i]);
	return RECO_MEASURED;
}

/* The same sums 0 .. 2 of floats, about 0. */
static reco_measured
products_float(const sweep *w, double *sum)
{
	const reco_vectors *v = w->v;
	const reco_any_float *a = v->a;
	const reco_any_float *b = v->b;
	reco_sum total[3] = {{0, 0}};

	if (v->n <= BLOCK)
	{
		w->k->products_float(a, b, (int) v->n, sum);
		return RECO_MEASURED;
	}
	for (int64_t at = 0; at < v->n; at += BLOCK)
	{
		double part[3];

		if (halted(v, at))
			return RECO_HALTED;
		w->k->products_float(a + at, b + at, block_length(v, at), part);
		for (int i = 0; i < 3; i++)
			reco_sum_add(&total[i], part[i]);
	}
	for (int i = 0; i < 3; i++)
		sum[i] = reco_sum_value(total[i]);
	return RECO_MEASURED;
}

/* a.b in twofold precision. */
static __attribute__((noinline)) reco_measured
dot_exact(const sweep *w, double *result)
{
	const reco_vectors *v = w->v;
	reco_sum total = {0, 0};
	double a[BLOCK];
	double b[BLOCK];

	for (int64_t at = 0; at < v->n; at += BLOCK)
	{
		int m = block_length(v, at);

		if (halted(v, at))
			return RECO_HALTED;
		w->k->dot_exact(block(v->type, v->a, at, m, w->ea, a),
						block(v->type, v->b, at, m, w->eb, b), m, &total);
	}
	*result = reco_sum_value(total);
	return RECO_MEASURED;
}

/* x.y / (|x| |y|), where rounding may lead out of [-1, 1]. */
static inline double
ratio(double xy, double norms)
{
	double c = xy / norms;

	return c > 1 ? 1 : c < -1 ? -1 : c;
}

/*
 * Scales by the largest elements.  What vanishes then is less than 2^-1000 of
 * them and does not count.
 */
static reco_measured
scale(sweep *w)
{
	const reco_vectors *v = w->v;
	reco_measured status = largest_exponent(v, v->a, &w->ea);

	return status == RECO_MEASURED ? largest_exponent(v, v->b, &w->eb) : status;
}

reco_measured
reco_cosine(const reco_vectors *v, double *result)
{
	static const double zero[2] = {0, 0};
	sweep w = {v, kernels(), 0, 0};
	double sum[5];
	double norms;
	reco_measured status;

	if (v->type == RECO_FLOAT)
		status = products_float(&w, sum);
	else
		status = moments(&w, zero, sum);
	if (status != RECO_MEASURED)
		return status;
	if (!(safe(sum[1]) && safe(sum[2])))
	{
		if (v->type == RECO_FLOAT && !(isfinite(sum[1]) && isfinite(sum[2])))
			return RECO_NOT_FINITE;
		if (v->type != RECO_DOUBLE)
			return RECO_UNDEFINED; /* out of range is 0 then */
		if ((status = scale(&w)) != RECO_MEASURED ||
			(status = moments(&w, zero, sum)) != RECO_MEASURED)
			return status;
		if (sum[1] == 0 || sum[2] == 0)
			return RECO_UNDEFINED;
	}
	norms = sqrt(sum[1] * sum[2]);
	if (fabs(sum[0]) < CANCELLED * norms && (status = dot_exact(&w, &sum[0])) != RECO_MEASURED)
		return status;
	*result = ratio(sum[0], norms);
	return RECO_MEASURED;
}

/* Products of doubles one by one, each with its exponent. */
static reco_measured
dot_scaled(const reco_vectors *v, double *result)
{
	reco_dot_sums total = {{0, 0}, {0, 0}, {0, 0}};

	for (int64_t i = 0; i < v->n; i++)
	{
		if (halted(v, i))
			return RECO_HALTED;
		if (!reco_dot_add(&total, ((const reco_any_double *) v->a)[i],
						  ((const reco_any_double *) v->b)[i]))
			return RECO_NOT_FINITE;
	}
	*result = reco_dot_value(&total);
	return isfinite(*result) ? RECO_MEASURED : RECO_TOO_LARGE;
}

reco_measured
reco_dot_product(const reco_vectors *v, double *result)
{
	sweep w = {v, kernels(), 0, 0};
	reco_measured status = dot_exact(&w, result);

	if (status != RECO_MEASURED)
		return status;
	if (v->type == RECO_DOUBLE && !(fabs(*result) >= SAFE_MIN && fabs(*result) <= SAFE_MAX))
		return dot_scaled(v, result);
	return isfinite(*result) ? RECO_MEASURED : RECO_NOT_FINITE;
}

/* The difference of two doubles, halved when it would overflow otherwise. */
static inline double
difference(double x, double y, int *exponent)
{
	double d = x - y;

	*exponent = 0;
	if (isfinite(d))
		return d;
	*exponent = 1;
	return 0.5 * x - 0.5 * y;
}

/* The distance of doubles whose squares are out of range, scaled by the largest. */
static reco_measured
euclidean_scaled(const reco_vectors *v, double *result)
{
	const reco_any_double *a = v->a;
	const reco_any_double *b = v->b;
	int largest = INT32_MIN;
	reco_sum total = {0, 0};
	int e;

	for (int64_t i = 0; i < v->n; i++)
	{
		double d = difference(a[i], b[i], &e);

		if (halted(v, i))
			return RECO_HALTED;
		if (!isfinite(d))
			return RECO_NOT_FINITE;
		if (d != 0 && ilogb(d) + e > largest)
			largest = ilogb(d) + e;
	}
	*result = 0;
	if (largest == INT32_MIN)
		return RECO_MEASURED;
	for (int64_t i = 0; i < v->n; i++)
	{
		double d = difference(a[i], b[i], &e);

		if (halted(v, i))
			return RECO_HALTED;
		d = ldexp(d, e - largest);
		reco_sum_add(&total, d * d);
	}
	*result = ldexp(sqrt(reco_sum_value(total)), largest);
	return isfinite(*result) ? RECO_MEASURED : RECO_TOO_LARGE;
}

reco_measured
reco_euclidean(const reco_vectors *v, double *result)
{
	const reco_kernels *k = kernels();
	reco_sum total = {0, 0};
	double a[BLOCK];
	double b[BLOCK];
	double square;

	for (int64_t at = 0; at < v->n; at += BLOCK)
	{
		int m = block_length(v, at);

		if (halted(v, at))
			return RECO_HALTED;
		reco_sum_add(&total, k->distance(block(v->type, v->a, at, m, 0, a),
										 block(v->type, v->b, at, m, 0, b), m));
	}
	square = reco_sum_value(total);
	if (v->type == RECO_DOUBLE && !safe(square))
		return euclidean_scaled(v, result);
	*result = sqrt(square);
	return isfinite(square) ? RECO_MEASURED : RECO_NOT_FINITE;
}

reco_measured
reco_pearson(const reco_vectors *v, double *result)
{
	sweep w = {v, kernels(), 0, 0};
	double buffer[2];
	double first[2];
	double shift[2];
	double sum[5];
	reco_measured status;

	if (v->n == 0)
		return RECO_UNDEFINED;
	/* about the first elements, and when the squares are out of range, scaled */
	for (int scaled = 0;; scaled++)
	{
		first[0] = *block(v->type, v->a, 0, 1, w.ea, &buffer[0]);
		first[1] = *block(v->type, v->b, 0, 1, w.eb, &buffer[1]);
		if ((status = moments(&w, first, sum)) != RECO_MEASURED)
			return status;
		if (scaled || v->type != RECO_DOUBLE || (safe(sum[1]) && safe(sum[2])))
			break;
		if ((status = scale(&w)) != RECO_MEASURED)
			return status;
		/* a difference must not overflow either */
		w.ea++;
		w.eb++;
	}
	if (!(isfinite(sum[1]) && isfinite(sum[2])))
		return RECO_NOT_FINITE;
	if (sum[1] == 0 || sum[2] == 0)
		return RECO_UNDEFINED;
	for (int i = 0; i < 2; i++)
		shift[i] = first[i] + sum[3 + i] / (double) v->n;
	if ((status = moments(&w, shift, sum)) != RECO_MEASURED)
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
