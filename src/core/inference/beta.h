/*
 * beta.h
 *	  The beta distribution, as intervals of rates and of counts ask for it.
 */
#ifndef RECO_CORE_INFERENCE_BETA_H
#define RECO_CORE_INFERENCE_BETA_H

/*
 * I_x(a, b), a and b above 0: how likely a Beta(a, b) variable is at most x.  By its continued
 * fraction, DLMF 8.17.22.
 */
extern double reco_beta_below(double x, double a, double b);

/* The share p, 0 <= p <= 1, of a Beta(a, b) distribution lies below this. */
extern double reco_beta_quantile(double p, double a, double b);

#endif /* RECO_CORE_INFERENCE_BETA_H */
