/*
 * mechanism.c
 *	  Noise for sums to which each user adds the same to several of their elements.
 *
 * See mechanism.h.  Cost: some thousand exponentials to find rho, once.
 */
#include "core/privacy/mechanism.h"

#include <math.h>

/* The unit is 1 / 4096, or as much larger as lets the noise be drawn. */
#define FINEST_UNIT 4096
#define LAPLACE_MOST (UINT64_C(1) << 50)

/*
 * The logarithm of the bound of delta for an order alpha = 1 + exp(x):
 * exp((alpha - 1)(alpha rho - epsilon)) / (alpha - 1) (1 - 1 / alpha)^alpha
 */
static double
log_delta(double rho, double epsilon, double x)
{
	double a = exp(x);
	double alpha = 1 + a;

	return a * (alpha * rho - epsilon) - x + alpha * (x - log1p(a));
}

double
reco_zcdp_delta(double rho, double epsilon)
{
	const double golden = 0.6180339887498949;
	double low = -30;
	double high = 40;

	/* whatever order this ends at, its bound holds; one that is not finite is left for smaller */
	for (int k = 0; k < 70; k++)
	{
		double step = golden * (high - low);
		double below = log_delta(rho, epsilon, high - step);
		double above = log_delta(rho, epsilon, low + step);

		if (below < above || !isfinite(above))
			high = low + step;
		else
			low = high - step;
	}
	return fmin(exp(log_delta(rho, epsilon, low)), 1);
}

double
reco_zcdp_rho(double epsilon, double delta)
{
	/* of rho = epsilon there is no order in reach of it but for a delta near 1 */
	double low = 0;
	double high = epsilon + 1;

	for (int k = 0; k < 60; k++)
	{
		double rho = (low + high) / 2;

		if (reco_zcdp_delta(rho, epsilon) <= delta)
			low = rho;
		else
			high = rho;
	}
	return low * (1 - 1e-9);
}

static reco_status
init_laplace(const reco_privacy *privacy, int parts, reco_mechanism *m)
{
	m->s = privacy->epsilon * (uint64_t) parts;
	m->unit = FINEST_UNIT;
	for (;; m->unit /= 2)
	{
		m->t = (uint64_t) m->most * (uint64_t) m->unit * 100 * RECO_EPSILON_PARTS;
		if (m->t <= LAPLACE_MOST || m->unit == 1)
			break;
	}
	m->deviation = sqrt(2) * (double) m->t / ((double) m->s * (double) m->unit);
	return m->t <= LAPLACE_MOST ? RECO_OK : RECO_INVALID;
}

static reco_status
init_gaussian(const reco_privacy *privacy, int parts, reco_mechanism *m)
{
	double rho =
		reco_zcdp_rho((double) privacy->epsilon / RECO_EPSILON_PARTS, privacy->delta) * parts / 100;
	double variance = 0;

	if (!(rho > 0))
		return RECO_INVALID;
	for (m->unit = FINEST_UNIT;; m->unit /= 2)
	{
		/* rounded up, by more than the doubles may be off */
		variance =
			ceil((double) m->most * (double) m->unit * (double) m->unit / (2 * rho) * (1 + 1e-9)) +
			1;
		if (variance <= (double) RECO_GAUSSIAN_MOST || m->unit == 1)
			break;
	}
	if (!(variance <= (double) RECO_GAUSSIAN_MOST))
		return RECO_INVALID;
	m->variance = (uint64_t) variance;
	m->deviation = sqrt(variance) / (double) m->unit;
	return RECO_OK;
}

reco_status
reco_mechanism_init(const reco_privacy *privacy, int parts, int64_t most, reco_mechanism *out)
{
	*out = (reco_mechanism){.gaussian = privacy->delta > 0, .most = most, .limit = INT64_MAX};
	return out->gaussian ? init_gaussian(privacy, parts, out) : init_laplace(privacy, parts, out);
}

/* Whether so much in each of the entries stays within the norm. */
static bool
is_within(const reco_mechanism *m, int64_t share, int64_t entries)
{
	reco_wide mine = (reco_wide) share;
	reco_wide whole = (reco_wide) m->unit;

	if (m->gaussian)
		return mine * mine * (reco_wide) entries <= whole * whole * (reco_wide) m->most;
	return mine * (reco_wide) entries <= whole * (reco_wide) m->most;
}

int64_t
reco_mechanism_share(const reco_mechanism *m, int64_t entries)
{
	double part = (double) m->most / (double) entries;
	int64_t share;

	if (entries > m->limit)
		return 0;
	if (entries <= m->most)
		return m->unit;
	share = (int64_t) floor((double) m->unit * (m->gaussian ? sqrt(part) : part));
	while (!is_within(m, share, entries))
		share--;
	return share;
}

int64_t
reco_mechanism_threshold(reco_mechanism *m, double delta)
{
	double low = 0;
	double high = 40; /* of which nothing is left in a double */

	m->limit = m->most > RECO_LIMIT ? m->most : RECO_LIMIT;
	for (int k = 0; k < 60; k++)
	{
		double z = (low + high) / 2;

		if (erfc(z / sqrt(2)) / 2 <= delta / (double) m->limit)
			high = z;
		else
			low = z;
	}
	/* noise of x units is as likely as x - 1 of the continuous distribution; each adds at most 1 */
	return 1 +
		   (int64_t) ceil((high * (1 + 1e-9) * sqrt((double) m->variance) + 1) / (double) m->unit);
}

int64_t
reco_mechanism_noise(const reco_mechanism *m, reco_random *random)
{
	return m->gaussian ? reco_discrete_gaussian(random, m->variance)
					   : reco_discrete_laplace(random, m->s, m->t);
}
