/*
 * sums.c
 *	  Sums of products of any size; cosine and Pearson of pairs that come one by one, in
 *	  any order and on any number of workers.
 *
 * Range: while all factors are 0 or between 2^-200 and 2^200 in magnitude and the sum's
 * exponent is 0, a product is added as it is, on a path without a call.  Any other is
 * added by mantissa and exponent, and the first one 2^800 above the sum's exponent moves
 * that; what vanishes by it is less than 2^-700 of the largest product.
 *
 * Pearson: sums of products of the differences from the means, updated with the means
 * (Youngs and Cramer), all taken from the first pair: a mean of 1e15 with differences of
 * 1 loses nothing, and every difference of a constant is 0, exactly.
 *
 * Cost: constant memory; 25 (cosine) to 40 (Pearson) operations a pair.
 * Source: Youngs, Cramer, "Some results relevant to choice of sum and sum-of-product
 * algorithms", Technometrics 13 (1971); Ogita, Rump, Oishi, "Accurate sum and dot
 * product", SIAM J. Sci. Comput. 26 (2005), algorithm 4.4 (Sum2).
 */
#include "core/similarity/sums.h"

#include <math.h>

/* Factors that are multiplied as they are. */
#define NEAR_MIN 0x1p-200
#define NEAR_MAX 0x1p200

/* Terms of a sum are below 2^ROOM of its scale. */
#define ROOM 800

/*
 * Beyond LARGE a difference could overflow, and the mean of differences below SMALL would be
 * rounded like a denormal number: they are divided by a power of two.
 */
#define LARGE 0x1p1020
#define SHIFT_LARGE 4
#define SMALL 0x1p-900
#define SHIFT_SMALL (-128)

static inline bool
near(double x)
{
	double a = fabs(x);

	return (a >= NEAR_MIN && a <= NEAR_MAX) || a == 0;
}

static void
rescale(reco_sum *s, int exponent)
{
	s->sum = ldexp(s->sum, s->exponent - exponent);
	s->error = ldexp(s->error, s->exponent - exponent);
	s->exponent = exponent;
}

static inline bool
empty(const reco_sum *s)
{
	return s->sum == 0 && s->error == 0;
}

void
reco_sum_add_scaled(reco_sum *s, double x, double y, double w, int e)
{
	int ex;
	int ey;
	double p = frexp(x, &ex) * frexp(y, &ey) * w;

	if (p == 0)
		return;
	e += ex + ey;
	if (empty(s) || e > s->exponent + ROOM)
		rescale(s, e >= -ROOM && e <= ROOM ? 0 : e & ~1);
	reco_sum_add(s, ldexp(p, e - s->exponent));
}

bool
reco_sum_add_product(reco_sum *s, double x, double y)
{
	if (near(x) && near(y) && s->exponent == 0)
		reco_sum_add(s, x * y);
	else if (isfinite(x) && isfinite(y))
		reco_sum_add_scaled(s, x, y, 1, 0);
	else
		return false;
	return true;
}

void
reco_sum_combine(reco_sum *into, const reco_sum *from)
{
	reco_sum other = *from;
	double e;

	if (empty(&other))
		return;
	if (empty(into) || other.exponent > into->exponent)
		rescale(into, other.exponent);
	rescale(&other, into->exponent);
	into->sum = reco_two_sum(into->sum, other.sum, &e);
	into->error += e + other.error;
}

double
reco_sum_value(const reco_sum *s)
{
	return ldexp(s->sum + s->error, s->exponent);
}

double
reco_sum_root(const reco_sum *s)
{
	return ldexp(sqrt(s->sum + s->error), s->exponent / 2);
}

/* Adds (x, y), times 2^ex and 2^ey, with weight w. */
static inline void
add(reco_cosine_sums *s, double x, int ex, double y, int ey, double w)
{
	if (near(x) && near(y) && (ex | ey | s->xy.exponent | s->xx.exponent | s->yy.exponent) == 0)
	{
		reco_sum_add(&s->xy, x * y * w);
		reco_sum_add(&s->xx, x * x * w);
		reco_sum_add(&s->yy, y * y * w);
		return;
	}
	reco_sum_add_scaled(&s->xy, x, y, w, ex + ey);
	reco_sum_add_scaled(&s->xx, x, x, w, 2 * ex);
	reco_sum_add_scaled(&s->yy, y, y, w, 2 * ey);
}

bool
reco_pair_add(reco_cosine_sums *s, double x, double y)
{
	if (!isfinite(x) || !isfinite(y))
		return false;
	add(s, x, 0, y, 0, 1);
	return true;
}

void
reco_pair_combine(reco_cosine_sums *into, const reco_cosine_sums *from)
{
	reco_sum_combine(&into->xy, &from->xy);
	reco_sum_combine(&into->xx, &from->xx);
	reco_sum_combine(&into->yy, &from->yy);
}

bool
reco_pair_cosine(const reco_cosine_sums *s, double *result)
{
	int exy;
	int exx;
	int eyy;
	double xy = frexp(s->xy.sum + s->xy.error, &exy);
	double xx = frexp(s->xx.sum + s->xx.error, &exx);
	double yy = frexp(s->yy.sum + s->yy.error, &eyy);
	double c;

	if (!(xx > 0 && yy > 0))
		return false;
	exx += eyy + s->xx.exponent + s->yy.exponent;
	if (exx % 2 != 0)
	{
		xx *= 2;
		exx--;
	}
	c = ldexp(xy / sqrt(xx * yy), exy + s->xy.exponent - exx / 2);
	*result = c > 1 ? 1 : c < -1 ? -1 : c;
	return true;
}

/* x - first, divided by 2^e, which it has room for. */
static inline double
difference(double x, double first, int e)
{
	return e > 0 ? ldexp(x, -e) - ldexp(first, -e) : e < 0 ? ldexp(x - first, -e) : x - first;
}

static void
set_scale(int32_t *e, double *mean, int to)
{
	*mean = ldexp(*mean, *e - to);
	*e = to;
}

/* Makes room for x - first, and for a mean of such differences. */
static void
fit(int32_t *e, double *mean, double x, double first)
{
	double d = fabs(x - first);

	if (fabs(x) > LARGE || fabs(first) > LARGE)
		set_scale(e, mean, SHIFT_LARGE);
	else if (*mean == 0 && d < SMALL)
		set_scale(e, mean, SHIFT_SMALL);
	else if (*e < 0 && d >= NEAR_MIN)
		set_scale(e, mean, 0);
}

bool
reco_pearson_add(reco_pearson_sums *s, double x, double y)
{
	double n;
	double dx;
	double dy;

	if (s->n == 0 && isfinite(x) && isfinite(y))
	{
		s->first_x = x;
		s->first_y = y;
	}
	dx = x - s->first_x;
	dy = y - s->first_y;
	if (!(near(dx) && near(dy) && (s->ex | s->ey) == 0))
	{
		if (!isfinite(x) || !isfinite(y))
			return false;
		fit(&s->ex, &s->mean_x, x, s->first_x);
		fit(&s->ey, &s->mean_y, y, s->first_y);
		dx = difference(x, s->first_x, s->ex);
		dy = difference(y, s->first_y, s->ey);
	}
	n = (double) ++s->n;
	dx -= s->mean_x;
	dy -= s->mean_y;
	s->mean_x += dx / n;
	s->mean_y += dy / n;
	add(&s->about, dx, s->ex, dy, s->ey, (n - 1) / n);
	return true;
}

/* From mean to mean, of which both are brought to one scale. */
static double
distance(int32_t *e, double *mean, double first, int e2, double mean2, double first2)
{
	fit(e, mean, first2, first);
	if (mean2 != 0 && e2 > *e)
		set_scale(e, mean, e2);
	set_scale(&e2, &mean2, *e);
	return difference(first2, first, *e) + (mean2 - *mean);
}

void
reco_pearson_combine(reco_pearson_sums *into, const reco_pearson_sums *from)
{
	double n = (double) into->n;
	double part = (double) from->n / (n + (double) from->n);
	double dx;
	double dy;

	if (from->n == 0)
		return;
	if (into->n == 0)
	{
		*into = *from;
		return;
	}
	dx = distance(&into->ex, &into->mean_x, into->first_x, from->ex, from->mean_x, from->first_x);
	dy = distance(&into->ey, &into->mean_y, into->first_y, from->ey, from->mean_y, from->first_y);
	into->n += from->n;
	into->mean_x += dx * part;
	into->mean_y += dy * part;
	reco_pair_combine(&into->about, &from->about);
	add(&into->about, dx, into->ex, dy, into->ey, n * part);
}

bool
reco_pearson_value(const reco_pearson_sums *s, double *result)
{
	return reco_pair_cosine(&s->about, result);
}
