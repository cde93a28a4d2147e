/*
 * estimates.h
 *	  Rates and means of users with their intervals, and two of them compared.
 *
 * The unit is the user, who is what was drawn: all that was shown to one goes together, so that
 * showing the same more often makes no interval narrower.
 */
#ifndef RECO_CORE_INFERENCE_ESTIMATES_H
#define RECO_CORE_INFERENCE_ESTIMATES_H

#include <stdbool.h>

/* Sums over users of x and y, and of their products. */
typedef struct reco_ratio_sums
{
	double users;
	double x;
	double y;
	double xx;
	double xy;
	double yy;
} reco_ratio_sums;

typedef struct reco_measured
{
	double value;
	double variance; /* of the value; NAN: it cannot be told */
	/* the interval; NAN: it cannot be told; infinite: it has no end there */
	double low;
	double high;
} reco_measured;

/*
 * Sum of x / sum of y, with the variance of the delta method, users independent:
 * sum (x - value y)^2 / (sum of y)^2.  The interval is normal: value -/+ z x its root.  All
 * NAN without a y; variance and interval are NAN where no users differ, as of one.
 */
extern reco_measured reco_ratio_measured(const reco_ratio_sums *sums, double z);

/*
 * The same of a rate, x of y, from 0 to 1: the interval is Wilson's, of as many trials as would
 * give that variance if they were independent, at most y; where the rate is 0 or 1, of as many as
 * there are users.  With one trial a user it is Wilson's own.
 */
extern reco_measured reco_rate_measured(const reco_ratio_sums *sums, double z);

/* The mean of users' x, with the variance of a sample; only users, x and xx are read. */
extern reco_measured reco_mean_measured(const reco_ratio_sums *sums, double z);

/* Wilson's score interval of a rate seen in n trials, n above 0. */
extern void reco_wilson(double rate, double n, double z, double *low, double *high);

/*
 * a - b and a / b of two independent ones, with intervals made of theirs (MOVER: Newcombe 1998,
 * Donner and Zou 2012): of two of Wilson's the difference is Newcombe's method 10, of two normal
 * ones the ratio is Fieller's.  The ratio is NAN where b is not above 0 or a is below 0.
 */
extern reco_measured reco_difference(const reco_measured *a, const reco_measured *b);
extern reco_measured reco_quotient(const reco_measured *a, const reco_measured *b);

/* The users in each of two groups that it takes to find a difference, by variances of one user. */
extern double reco_users_needed(double variance_a, double variance_b, double difference, double z,
								double z_power);

#endif /* RECO_CORE_INFERENCE_ESTIMATES_H */
