/*
 * knn.h
 *	  What the neighborhood models share.
 */
#ifndef RECO_MODEL_KNN_H
#define RECO_MODEL_KNN_H

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
	double alpha; /* rp3beta */
	double beta;
} KnnParams;

/* The parts of the weighted mean that a score may be, by item. */
typedef struct KnnSums
{
	double *sum;
	double *weight; /* NULL: the score is the sum */
} KnnSums;

extern const reco_option knn_options[];

extern const KnnParams *knn_params(const RecoModel *model);
extern reco_neighbors_params knn_kernel_params(const KnnParams *params);
extern void knn_check(const void *params);
extern bool knn_predicts_value(const void *params);

/* Options, memory and training on rows, users or items, that are compared. */
extern bool knn_parallel(const RecoTraining *training);
extern size_t knn_memory(const RecoTraining *training, bool of_users);
extern reco_neighbors knn_find(const RecoTraining *training, const reco_neighbors_params *params,
							   bool of_users);
/* Everything of *out that is not a list of neighbors. */
extern void knn_begin_fit(const RecoTraining *training, RecoTrained *out);

/* mean + b_u + b_i where the model has biases, else 0. */
extern double knn_baseline(const RecoModel *model, double user_bias, int32 item);
extern float knn_final(const RecoModel *model, double user_bias, int32 item, double sum,
					   double weight);
/*
 * Scores of n of the items by way of those of all, which is less work where n is a good part
 * of them; false where it is not.  The bits are the same.
 */
extern bool knn_score_by_all(const RecoModel *model, const RecoProfile *profile, const int32 *item,
							 int32 n, float *score);
extern float knn_predict(const RecoModel *model, float score);
extern bool knn_fits(const RecoModel *model);

#endif /* RECO_MODEL_KNN_H */
