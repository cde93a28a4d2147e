/*
 * svd_gram.h
 *	  Factors of items by the eigenvectors of products of items that have noise in them.
 *
 * Where X'X is known with noise of a deviation s in each element, and X is not: as svd.h, with the
 * eigenvectors of X'X as V.  Of n items the noise alone has eigenvalues up to 2 s sqrt(n) (Wigner
 * 1958), so a factor is taken where its eigenvalue is clearly above that.  Even then its vector is
 * only partly that of X'X: of an eigenvalue e = t + s^2 n / t, t being what it would be without
 * noise, the squared cosine between the two is 1 - s^2 n / t^2 (Benaych-Georges, Nadakuditi 2011).
 * Its products are multiplied with that, so that what the noise has turned around counts less.
 *
 * All of it is made of the products, but for the users' factors, each of which is made of these
 * and of the user's own row.
 *
 * Cost: that of reco_svd_fit for a full matrix of n x n, which takes 8 n^2 bytes; and a product of
 * the users' rows.
 */
#ifndef RECO_CORE_SVD_SVD_GRAM_H
#define RECO_CORE_SVD_SVD_GRAM_H

#include "core/linear/packed.h"
#include "core/svd/svd.h"

/* Products of some items, gram->n of them, in order of their numbers. */
typedef struct reco_svd_products
{
	const reco_packed *gram;
	const int32_t *item;
	double noise; /* the deviation of an element */
} reco_svd_products;

/* Upper bound of what reco_svd_gram allocates, result included; n items have products. */
extern size_t reco_svd_gram_memory(const reco_svd_params *params, int32_t n,
								   const reco_csr *by_user, int threads);

/*
 * As reco_svd_fit: out->items are all columns of by_user, of which those without products are 0.
 * out->singular are the roots of the eigenvalues without noise; the residual is not known, and is
 * NaN.
 */
extern reco_status reco_svd_gram(const reco_env *env, const reco_svd_params *params,
								 const reco_svd_products *products, const reco_csr *by_user,
								 reco_svd_progress progress, void *progress_arg, reco_svd *out);

#endif /* RECO_CORE_SVD_SVD_GRAM_H */
