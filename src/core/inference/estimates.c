/*
 * estimates.c
 *	  Rates and means of users with their intervals, and two of them compared.
 *
 * Wilson 1927; Newcombe 1998, "Interval estimation for the difference between independent
 * proportions", method 10; Donner and Zou 2012, "Closed-form confidence intervals for functions
 * of the normal mean and standard deviation" (of a ratio); the effective number of trials is
 * that of surveys (Korn and Graubard 1998, Kish).
 *
 * Cost: some operations; sums are the caller's.
 */
#include "core/inference/estimates.h"

#include <math.h>

static const reco_measured unknown = {NAN, NAN, NAN, NAN};

static void
normal_interval(reco_measured *m, double z)
{
	double half = z * sqrt(m->variance);

	m->low = m->value - half;
	m->high = m->value + half;
}

/* What users differ by, never below 0. */
static double
squares(const reco_ratio_sums *s, double value)
{
	double sum = s->xx - 2 * value * s->xy + value * value * s->yy;

	return sum > 0 ? sum : 0;
}

reco_measured
reco_ratio_measured(const reco_ratio_sums *sums, double z)
{
	reco_measured m = unknown;
	double differ;

	if (!(sums->y > 0))
		return unknown;
	m.value = sums->x / sums->y;
	differ = squares(sums, m.value);
	if (sums->users > 1 && differ > 0)
	{
		m.variance = differ / (sums->y * sums->y) * sums->users / (sums->users - 1);
		normal_interval(&m, z);
	}
	return m;
}

void
reco_wilson(double rate, double n, double z, double *low, double *high)
{
	double square = z * z / n;
	double middle = (rate + square / 2) / (1 + square);
	double half = z * sqrt(rate * (1 - rate) / n + square / (4 * n)) / (1 + square);

	*low = rate > 0 ? fmax(middle - half, 0) : 0;
	*high = rate < 1 ? fmin(middle + half, 1) : 1;
}

reco_measured
reco_rate_measured(const reco_ratio_sums *sums, double z)
{
	reco_measured m = unknown;
	double trials = sums->users;
	double chance;

	if (!(sums->y > 0))
		return unknown;
	m.value = fmin(sums->x / sums->y, 1);
	m.variance = squares(sums, m.value) / (sums->y * sums->y);
	chance = m.value * (1 - m.value);
	if (chance > 0)
		trials = m.variance > chance / sums->y ? chance / m.variance : sums->y;
	reco_wilson(m.value, trials, z, &m.low, &m.high);
	return m;
}

reco_measured
reco_mean_measured(const reco_ratio_sums *sums, double z)
{
	reco_ratio_sums s = *sums;

	s.y = s.users;
	s.xy = s.x;
	s.yy = s.users;
	return reco_ratio_measured(&s, z);
}

reco_measured
reco_difference(const reco_measured *a, const reco_measured *b)
{
	reco_measured m;

	m.value = a->value - b->value;
	m.variance = a->variance + b->variance;
	m.low = m.value - hypot(a->value - a->low, b->high - b->value);
	m.high = m.value + hypot(a->high - a->value, b->value - b->low);
	return m;
}

/*
 * With a' = low (2 a - low) and b' = high (2 b - high) the lower limit is
 * (a b - root) / b', root = sqrt((a b)^2 - a' b'), which is a' / (a b + root): that holds
 * where b' is 0, too.  The upper one has no end where b may be 0, nor the lower one where b may
 * be less.
 */
reco_measured
reco_quotient(const reco_measured *a, const reco_measured *b)
{
	reco_measured m = unknown;
	double product = a->value * b->value;
	double al = a->low * (2 * a->value - a->low);
	double bh = b->high * (2 * b->value - b->high);
	double ah = a->high * (2 * a->value - a->high);
	double bl = b->low * (2 * b->value - b->low);
	double below;

	if (!(b->value > 0 && a->value >= 0))
		return unknown;
	m.value = a->value / b->value;
	if (isnan(al + bh + ah + bl))
		return m;
	below = product + sqrt(fmax(product * product - al * bh, 0));
	m.low = below > 0 ? al / below : 0;
	m.high = bl > 0 ? (product + sqrt(fmax(product * product - ah * bl, 0))) / bl : INFINITY;
	if (b->low < 0)
		m.low = -INFINITY;
	return m;
}

double
reco_users_needed(double variance_a, double variance_b, double difference, double z, double z_power)
{
	return (z + z_power) * (z + z_power) * (variance_a + variance_b) / (difference * difference);
}
