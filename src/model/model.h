/*
 * model.h
 *	  What an algorithm is to the rest of reco.
 *
 * An algorithm is one RecoAlgorithm: its options, how it trains, and how it
 * scores.  Everything else - sources, tables, serving, evaluation - works
 * through this interface and knows no algorithm by name.
 */
#ifndef RECO_MODEL_MODEL_H
#define RECO_MODEL_MODEL_H

#include "core/als.h"
#include "core/csr.h"
#include "core/options.h"
#include "pg/pg.h"
#include "utils/jsonb.h"

/* The largest factor or bias; what tables hold beyond it is not a model's. */
#define RECO_MAX_FACTOR 1e17f

typedef struct RecoAlgorithm RecoAlgorithm;

/* A validated reco.algorithm value. */
typedef struct RecoSpec
{
	const RecoAlgorithm *algorithm;
	void *params; /* the algorithm's own struct */
} RecoSpec;

/* What an algorithm is given to train on. */
typedef struct RecoTraining
{
	const RecoSpec *spec;
	RecoBudget *budget;
	reco_csr by_user; /* values after the algorithm's rule for repeats */
	/* told after each iteration; may be NULL */
	void (*progress)(void *arg, int iteration, int iterations, double loss);
	void *progress_arg;
} RecoTraining;

/*
 * A trained model in memory: what scoring needs.  Arrays belong to whoever made
 * it (the training's budget, or the serving cache).
 */
typedef struct RecoModel
{
	const RecoSpec *spec;
	int32 items;
	int factors;
	int stride;
	float *item;      /* items x stride */
	float *item_bias; /* items */
	double mean;
	float min_value; /* the values seen in training: the scale of ratings */
	float max_value;
	double *gram; /* factors x factors where the algorithm folds in with it */
} RecoModel;

/* The result of training: the model and its users. */
typedef struct RecoTrained
{
	RecoModel model;
	int32 users;
	float *user;      /* users x stride */
	float *user_bias; /* users */
	float *loss;      /* one an iteration; may be NULL */
	int losses;
} RecoTrained;

/* A user at serving time. */
typedef struct RecoProfile
{
	float *factors; /* stride floats, zeros after the model's factors */
	float bias;
	int64 n; /* interactions, items in rising order */
	int32 *item;
	float *value;
} RecoProfile;

struct RecoAlgorithm
{
	const char *name;
	const reco_option *options;
	size_t params_size;
	const char *source; /* how recommend() names lists of this algorithm */
	/* ratings to be predicted, not confidences: decides how repeats merge */
	bool predicts_value;

	/* bytes that fit will take from the budget, result included */
	size_t (*memory)(const RecoTraining *training);
	void (*fit)(const RecoTraining *training, RecoTrained *out);

	/* scores of all items / of one, with the same bits */
	void (*score)(const RecoModel *model, const RecoProfile *profile, float *score);
	float (*score_one)(const RecoModel *model, const RecoProfile *profile, int32 item);
	/* a score as predict shows it */
	float (*predict)(const RecoModel *model, float score);
	/* profile->item and value to profile->factors (given, stride floats) and bias */
	void (*fold_in)(const RecoModel *model, RecoProfile *profile);
	/* whether a profile says anything about taste; otherwise the fallback serves */
	bool (*knows)(const RecoModel *model, const RecoProfile *profile);
	/*
	 * Splits the score of an item among the interactions of a profile:
	 * baseline + sum of contribution = score.  False: nothing to tell.
	 */
	bool (*explain)(const RecoModel *model, const RecoProfile *profile, int32 item,
					double *contribution, double *baseline);
	/* whether the model has the shape that its parameters ask for; it may come from altered tables
	 */
	bool (*fits)(const RecoModel *model);
	/* fills model->gram from the items, in the given context; may be NULL */
	void (*prepare)(RecoModel *model, MemoryContext context);
};

/* algorithm.c */
extern const RecoAlgorithm *reco_algorithm_find(const char *name);
extern RecoSpec *reco_spec_parse(Jsonb *value);
extern char *reco_spec_describe(const RecoSpec *spec);
extern void reco_options_parse(const reco_option *table, void *target, const char *owner,
							   Jsonb *value, const char *skip_key);

/* als.c, popular.c */
extern const RecoAlgorithm reco_algorithm_ials;
extern const RecoAlgorithm reco_algorithm_als;
extern const RecoAlgorithm reco_algorithm_popular;

#endif /* RECO_MODEL_MODEL_H */
