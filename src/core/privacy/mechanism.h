/*
 * mechanism.h
 *	  Noise for sums to which each user adds the same to several of their elements.
 *
 * A user with `entries` elements, of which each would get 1, adds a share to each such that all
 * that they add has at most the norm of what `most` elements of 1 have: the L1 norm where noise
 * is of a Laplace distribution, the L2 norm where it is Gaussian.  So that norm is what one user
 * more or less changes in all sums together, whatever that user has.  Shares, sums and noise are
 * whole numbers of units of 1 / unit; shares are rounded down.
 *
 *	 Laplace	scale most / epsilon						epsilon-differential privacy
 *	 Gaussian	variance most / (2 rho)						rho-zero-concentrated differential
 *														privacy, and so of any (epsilon, delta)
 *														of which reco_zcdp_delta(rho, epsilon)
 *														is at most delta
 *
 * Noise of several such sums that are told one after the other adds up: epsilons, or rhos.
 *
 * Sources: Dwork, McSherry, Nissim, Smith 2006 (Laplace); Bun, Steinke 2016 (concentrated privacy);
 * Canonne, Kamath, Steinke 2020, theorem 4 and proposition 12 (of the discrete Gaussian, and of
 * delta); Dwork, Talwar, Thakurta, Zhang 2014, "Analyze Gauss", and McSherry, Mironov 2009 (noise
 * on X'X, by rows of a bounded norm).  The bound of Balle and Wang 2018, which is tight, is of the
 * continuous distribution, which cannot be drawn exactly; it would allow up to a sixth less noise.
 */
#ifndef RECO_CORE_PRIVACY_MECHANISM_H
#define RECO_CORE_PRIVACY_MECHANISM_H

#include "core/privacy/gaussian.h"

/* Epsilons are whole numbers of thousandths. */
#define RECO_EPSILON_PARTS 1000

/* What is to be kept: delta 0 takes noise of a Laplace distribution. */
typedef struct reco_privacy
{
	uint64_t epsilon; /* in thousandths, from 1 to 10^8 */
	double delta;     /* below 1 */
} reco_privacy;

typedef struct reco_mechanism
{
	bool gaussian;
	int64_t most; /* elements */
	/* who has more of them adds nothing; reco_mechanism_threshold sets it */
	int64_t limit;
	int64_t unit; /* a power of 2 */
	/* the noise: exp(-|y| s / t), or its variance in units */
	uint64_t s;
	uint64_t t;
	uint64_t variance;
	double deviation; /* of the noise, as a count */
} reco_mechanism;

/* The least delta known of which rho-zero-concentrated privacy is (epsilon, delta)-private. */
extern double reco_zcdp_delta(double rho, double epsilon);

/* The largest rho for (epsilon, delta), rounded down; delta above 0 and below 1. */
extern double reco_zcdp_rho(double epsilon, double delta);

/*
 * For a part of what is to be kept, `parts` hundredths of it; most from 1 to 2^26.
 * RECO_INVALID: the noise would be larger than can be drawn.
 */
extern reco_status reco_mechanism_init(const reco_privacy *privacy, int parts, int64_t most,
									   reco_mechanism *out);

/* What a user with so many elements adds to each, in units: 0 to m->unit; 0 beyond m->limit. */
extern int64_t reco_mechanism_share(const reco_mechanism *m, int64_t entries);

/*
 * Which elements there are may itself be known by who is there: then only those are told whose sum
 * with noise is this or more, in whole ones.  For elements that one user alone has the probability
 * that any of them is told is at most delta, whatever that user has.  Gaussian noise only.  From
 * then on a user counts who has up to RECO_LIMIT elements, or `most` where that is more: of others
 * there would be no bound.
 *
 * Source: Korolova, Kenthapadi, Mishra, Ntoulas 2009, and with Gaussian noise Gopi, Gulhane,
 * Kulkarni, Shen, Shokouhi, Yekhanin 2020, "Differentially private set union"; the tail of the
 * discrete Gaussian of Canonne, Kamath, Steinke 2020, proposition 25.
 */
#define RECO_LIMIT 4096

extern int64_t reco_mechanism_threshold(reco_mechanism *m, double delta);

/* In units. */
extern int64_t reco_mechanism_noise(const reco_mechanism *m, reco_random *random);

#endif /* RECO_CORE_PRIVACY_MECHANISM_H */
