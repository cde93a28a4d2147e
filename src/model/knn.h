/*
 * knn.h
 *	  What the neighborhood models share.
 */
#ifndef RECO_MODEL_KNN_H
#define RECO_MODEL_KNN_H

#include "core/neighbors/neighbors_choose.h"
#include "core/scoring/score_sums.h"
#include "model/model.h"

typedef struct KnnParams
{
	int similarity;
	int weighting;
	int neighbors;
	double shrinkage;
	int min_support;
	bool normalize;
	bool biases;
	double k1;
	double b;
	double exponent;
	double tversky_alpha;
	double tversky_beta;
	double alpha; /* rp3beta, as well as */
	double beta;
	int walk_normalize;
} KnnParams;

extern const reco_option knn_options[];

extern const KnnParams *knn_params(const RecoSpec *spec);
extern reco_neighbors_params knn_kernel_params(const KnnParams *params);
extern void knn_check(const void *params);
/* What is left open of options of a use. */
/* RecoAlgorithm.candidates: each of n kinds of lists, written as options, of some lengths. */
extern List *knn_candidates(const char *const *kind, int n, bool portfolio);
extern void knn_choose(const RecoTraining *training, reco_neighbors_use use, KnnParams *params);
extern bool knn_predicts_value(const RecoSpec *spec);
extern bool knn_compares_values(const RecoSpec *spec);

/* Options, memory and training on rows, users or items, that are compared. */
extern bool knn_parallel(const RecoTraining *training);
extern size_t knn_memory(const RecoTraining *training, bool of_users);
extern reco_neighbors knn_find(const RecoTraining *training, const reco_neighbors_params *params,
							   bool of_users);

/* The parts of biases, where there are any: their declaration, and how many; training. */
extern int knn_bias_parts(const RecoSpec *spec, RecoPartType *type);
extern void knn_fit_biases(const RecoTraining *training, RecoMember *member, int first);

/* How a model's sums become scores; first: of the parts of biases. */
extern reco_sum_scorer knn_sums(const RecoModel *model, const RecoMember *member, int first,
								const reco_scorer_type *type);

#endif /* RECO_MODEL_KNN_H */
