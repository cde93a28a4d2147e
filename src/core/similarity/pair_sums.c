/*
 * pair_sums.c
 *	  The sums behind similarity aggregates: pairs come one by one, in any order
 *	  and on any number of workers.
 *
 * All sums are twofold (sums.h), so a parallel plan gives the serial result to within a rounding.
 *
 * Range: while all x and y are 0 or between 2^-200 and 2^200 in magnitude, sums
 * are of the values as they are (ex = ey = 0), on a path without a call.  The
 * first value beyond divides what has been summed by a power of two such that
 * the largest is about 1.  A cosine has no scale, and what vanishes by that is
 * less than 2^-500 of it.
 *
 * Pearson sums are about the first pair.  That is one of the pairs, so its square
 * distance from the mean is at most n times the variance, and what cancels in
 * sum d^2 - (sum d)^2 / n is at most a factor n, for which a twofold sum has room
 * whatever the data: a mean of 1e15 with differences of 1 included.  Two states
 * are combined after moving the second one to the first one's centre.
 *
 * Cost: constant memory; 40 (cosine) to 100 (Pearson) operations a pair.
 */
#include "core/similarity/vector.h"

#include <math.h>

/* The exponents of values that are summed as they are. */
#define NEAR 200
#define NEAR_MIN 0x1p-200
#define NEAR_MAX 0x1p200

/* Products beyond 2^900 or below its inverse are summed apart, at this distance. */
#define FAR_MIN 0x1p-900
#define FAR_MAX 0x1p900
#define FAR_SHIFT 1200

static inline bool
near(double x)
{
	double a = fabs(x);

	return (a >= NEAR_MIN && a <= NEAR_MAX) || a == 0;
}

static void
sum_scale(reco_sum *s, int exponent)
{
	s->sum = ldexp(s->sum, exponent);
	s->error = ldexp(s->error, exponent);
}

/* The exponent to divide by, for values of exponent e after others by `now`. */
static int
wanted_exponent(int e, int now, bool any)
{
	if (any && e <= now + NEAR)
		return now;
	return e >= -NEAR && e <= NEAR ? 0 : e;
}

/* Changes the scale of x, or of y, to be divided by 2^exponent. */
static void
rescale_x(reco_pair_sums *s, int exponent)
{
	sum_scale(&s->xx, 2 * (s->ex - exponent));
	sum_scale(&s->xy, s->ex - exponent);
	s->ex = exponent;
}

static void
rescale_y(reco_pair_sums *s, int exponent)
{
	sum_scale(&s->yy, 2 * (s->ey - exponent));
	sum_scale(&s->xy, s->ey - exponent);
	s->ey = exponent;
}

/* Makes room for x 2^e_x and y 2^e_y. */
static void
fit(reco_pair_sums *s, double x, int e_x, double y, int e_y)
{
	if (x != 0)
		rescale_x(s, wanted_exponent(ilogb(x) + e_x, s->ex, s->xx.sum != 0));
	if (y != 0)
		rescale_y(s, wanted_exponent(ilogb(y) + e_y, s->ey, s->yy.sum != 0));
}

static inline void
add(reco_pair_sums *s, double x, double y)
{
	reco_sum_add_product(&s->xy, x, y);
	/* of a sum of squares, which cannot cancel, the product's rounding is harmless */
	reco_sum_add(&s->xx, x * x);
	reco_sum_add(&s->yy, y * y);
}

static __attribute__((noinline)) bool
add_far(reco_pair_sums *s, double x, double y)
{
	if (!isfinite(x) || !isfinite(y))
		return false;
	fit(s, x, 0, y, 0);
	add(s, ldexp(x, -s->ex), ldexp(y, -s->ey));
	return true;
}

bool
reco_pair_add(reco_pair_sums *s, double x, double y)
{
	if (!(near(x) && near(y) && (s->ex | s->ey) == 0))
		return add_far(s, x, y);
	add(s, x, y);
	return true;
}

void
reco_pair_combine(reco_pair_sums *into, const reco_pair_sums *from)
{
	reco_pair_sums other = *from;

	/* one scale: the larger one, of those that have a value */
	if (into->xx.sum == 0 || (other.xx.sum != 0 && other.ex > into->ex))
		rescale_x(into, other.ex);
	rescale_x(&other, into->ex);
	if (into->yy.sum == 0 || (other.yy.sum != 0 && other.ey > into->ey))
		rescale_y(into, other.ey);
	rescale_y(&other, into->ey);
	reco_sum_combine(&into->xy, other.xy);
	reco_sum_combine(&into->xx, other.xx);
	reco_sum_combine(&into->yy, other.yy);
}

static double
clamped(double xy, double xx, double yy)
{
	double c = xy / sqrt(xx * yy);

	return c > 1 ? 1 : c < -1 ? -1 : c;
}

bool
reco_pair_cosine(const reco_pair_sums *s, double *result)
{
	double xx = reco_sum_value(s->xx);
	double yy = reco_sum_value(s->yy);

	if (!(xx > 0 && yy > 0))
		return false;
	*result = clamped(reco_sum_value(s->xy), xx, yy);
	return true;
}

/*
 * a - b as sum and error, times 2^-exponent; *exponent is 1 where it could overflow,
 * or, by a rounding, a difference that two_sum takes on the way.
 */
static reco_sum
difference(double a, double b, int *exponent)
{
	reco_sum d;

	*exponent = 0;
	if (fabs(a) > 0x1p1022 || fabs(b) > 0x1p1022)
	{
		*exponent = 1;
		a *= 0.5;
		b *= 0.5;
	}
	d.sum = reco_two_sum(a, -b, &d.error);
	return d;
}

static void
pearson_rescale(reco_pearson_sums *s, int ex, int ey)
{
	sum_scale(&s->x, s->about.ex - ex);
	sum_scale(&s->y, s->about.ey - ey);
	rescale_x(&s->about, ex);
	rescale_y(&s->about, ey);
}

/* fit, with the sums of x and y. */
static void
pearson_fit(reco_pearson_sums *s, double x, int e_x, double y, int e_y)
{
	int ex = s->about.ex;
	int ey = s->about.ey;

	fit(&s->about, x, e_x, y, e_y);
	sum_scale(&s->x, ex - s->about.ex);
	sum_scale(&s->y, ey - s->about.ey);
}

/*
 * The largest of: the exponents e1 and e2 of two sums, those that are not 0,
 * and that of their centres' distance d 2^e_d.
 */
static int
common_exponent(reco_sum sum1, int e1, reco_sum sum2, int e2, double d, int e_d)
{
	int e = INT32_MIN;

	if (sum1.sum != 0)
		e = e1;
	if (sum2.sum != 0 && e2 > e)
		e = e2;
	if (d != 0)
	{
		e_d = wanted_exponent(ilogb(d) + e_d, 0, false);
		if (e_d > e)
			e = e_d;
	}
	return e == INT32_MIN ? 0 : e;
}

static inline void
pearson_add_difference(reco_pearson_sums *s, double x, double y)
{
	reco_sum_add_product(&s->about.xy, x, y);
	reco_sum_add_product(&s->about.xx, x, x);
	reco_sum_add_product(&s->about.yy, y, y);
	reco_sum_add(&s->x, x);
	reco_sum_add(&s->y, y);
	s->n++;
}

bool
reco_pearson_add(reco_pearson_sums *s, double x, double y)
{
	double dx;
	double dy;

	if (s->n == 0)
	{
		if (!isfinite(x) || !isfinite(y))
			return false;
		s->first_x = x;
		s->first_y = y;
	}
	dx = x - s->first_x;
	dy = y - s->first_y;
	if (!(near(dx) && near(dy) && (s->about.ex | s->about.ey) == 0))
	{
		int e_x;
		int e_y;

		if (!isfinite(x) || !isfinite(y))
			return false;
		dx = difference(x, s->first_x, &e_x).sum;
		dy = difference(y, s->first_y, &e_y).sum;
		pearson_fit(s, dx, e_x, dy, e_y);
		dx = ldexp(dx, e_x - s->about.ex);
		dy = ldexp(dy, e_y - s->about.ey);
	}
	pearson_add_difference(s, dx, dy);
	return true;
}

/* into += a * b, each a twofold number, and a whole number n */
static void
add_twofold_product(reco_sum *into, reco_sum a, reco_sum b, double n)
{
	reco_sum p;

	a.sum = reco_two_sum(a.sum, a.error, &a.error);
	b.sum = reco_two_sum(b.sum, b.error, &b.error);
	p.sum = reco_two_product(a.sum, b.sum, &p.error);
	p.error += a.sum * b.error + a.error * b.sum;
	p.sum = reco_two_sum(p.sum, p.error, &p.error);
	/* times n, which is below 2^53 */
	reco_sum_add_product(into, p.sum, n);
	reco_sum_add(into, p.error * n);
}

void
reco_pearson_combine(reco_pearson_sums *into, const reco_pearson_sums *from)
{
	reco_pearson_sums other = *from;
	reco_sum dx;
	reco_sum dy;
	int e_x;
	int e_y;
	double n = (double) from->n;

	if (from->n == 0)
		return;
	if (into->n == 0)
	{
		*into = *from;
		return;
	}
	/* both at one scale, which has room for the distance of the centres */
	dx = difference(other.first_x, into->first_x, &e_x);
	dy = difference(other.first_y, into->first_y, &e_y);
	pearson_rescale(into,
					common_exponent(into->about.xx, into->about.ex, other.about.xx, other.about.ex,
									dx.sum, e_x),
					common_exponent(into->about.yy, into->about.ey, other.about.yy, other.about.ey,
									dy.sum, e_y));
	pearson_rescale(&other, into->about.ex, into->about.ey);
	sum_scale(&dx, e_x - into->about.ex);
	sum_scale(&dy, e_y - into->about.ey);

	/* (x + dx)(y + dy) summed, and likewise the squares, then x + dx */
	add_twofold_product(&other.about.xy, dx, other.y, 1);
	add_twofold_product(&other.about.xy, dy, other.x, 1);
	add_twofold_product(&other.about.xy, dx, dy, n);
	add_twofold_product(&other.about.xx, dx, other.x, 2);
	add_twofold_product(&other.about.xx, dx, dx, n);
	add_twofold_product(&other.about.yy, dy, other.y, 2);
	add_twofold_product(&other.about.yy, dy, dy, n);
	add_twofold_product(&other.x, dx, (reco_sum){1, 0}, n);
	add_twofold_product(&other.y, dy, (reco_sum){1, 0}, n);

	reco_sum_combine(&into->about.xy, other.about.xy);
	reco_sum_combine(&into->about.xx, other.about.xx);
	reco_sum_combine(&into->about.yy, other.about.yy);
	reco_sum_combine(&into->x, other.x);
	reco_sum_combine(&into->y, other.y);
	into->n += other.n;
}

/* a - b c / n */
static double
centred(reco_sum a, reco_sum b, reco_sum c, double n)
{
	reco_sum product = {0, 0};
	double q;
	double rest;

	add_twofold_product(&product, b, c, 1);
	/* the quotient and what it leaves, then subtracted one after the other */
	q = reco_sum_value(product) / n;
	reco_sum_add_product(&product, -q, n);
	rest = reco_sum_value(product) / n;
	reco_sum_add(&a, -q);
	reco_sum_add(&a, -rest);
	return reco_sum_value(a);
}

bool
reco_pearson_value(const reco_pearson_sums *s, double *result)
{
	double n = (double) s->n;
	double xx;
	double yy;

	/* a constant is its own centre: every difference is 0, exactly */
	if (s->n == 0 || s->about.xx.sum == 0 || s->about.yy.sum == 0)
		return false;
	xx = centred(s->about.xx, s->x, s->x, n);
	yy = centred(s->about.yy, s->y, s->y, n);
	if (!(xx > 0 && yy > 0))
		return false;
	*result = clamped(centred(s->about.xy, s->x, s->y, n), xx, yy);
	return true;
}

bool
reco_dot_add(reco_dot_sums *s, double x, double y)
{
	double product = fabs(x * y);
	double p;
	double low;
	int ex;
	int ey;
	reco_sum *to;

	if (product >= FAR_MIN && product <= FAR_MAX && near(x) && near(y))
	{
		reco_sum_add_product(&s->middle, x, y);
		return true;
	}
	if (!isfinite(x) || !isfinite(y))
		return false;
	if (x == 0 || y == 0)
		return true;
	p = reco_two_product(frexp(x, &ex), frexp(y, &ey), &low);
	ex += ey;
	to = &s->middle;
	if (ex > 900)
	{
		to = &s->large;
		ex -= FAR_SHIFT;
	}
	else if (ex < -900)
	{
		to = &s->small;
		ex += FAR_SHIFT;
	}
	reco_sum_add(to, ldexp(p, ex));
	reco_sum_add(to, ldexp(low, ex));
	return true;
}

void
reco_dot_combine(reco_dot_sums *into, const reco_dot_sums *from)
{
	reco_sum_combine(&into->middle, from->middle);
	reco_sum_combine(&into->large, from->large);
	reco_sum_combine(&into->small, from->small);
}

double
reco_dot_value(const reco_dot_sums *s)
{
	reco_sum total = s->middle;
	reco_sum part;

	if (reco_sum_value(s->large) != 0)
	{
		sum_scale(&total, -FAR_SHIFT);
		reco_sum_combine(&total, s->large);
		return ldexp(reco_sum_value(total), FAR_SHIFT);
	}
	/* alone, the small ones are rounded once only */
	if (reco_sum_value(total) == 0)
		return ldexp(reco_sum_value(s->small), -FAR_SHIFT);
	part = s->small;
	sum_scale(&part, -FAR_SHIFT);
	reco_sum_combine(&total, part);
	return reco_sum_value(total);
}
