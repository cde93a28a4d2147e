/*
 * normal.h
 *	  The normal and the chi-squared distribution, as tests and intervals ask for them.
 */
#ifndef RECO_CORE_INFERENCE_NORMAL_H
#define RECO_CORE_INFERENCE_NORMAL_H

/* The share p, 0 < p < 1, of a standard normal distribution lies below this. */
extern double reco_normal_quantile(double p);

/* How likely a chi-squared variable of so many degrees of freedom, at least 1, is x or more. */
extern double reco_chi_squared_tail(double x, int degrees);

/*
 * Pearson's test of whether n counts, at least two, are split as their shares, above 0: how
 * likely a split at least as lopsided is by chance.  1 where all counts are 0.
 */
extern double reco_split_tail(const double *count, const double *share, int n);

#endif /* RECO_CORE_INFERENCE_NORMAL_H */
