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
#include "core/content.h"
#include "core/csr.h"
#include "core/neighbors.h"
#include "core/options.h"
#include "core/topn.h"
#include "pg/pg.h"
#include "utils/jsonb.h"

/*
 * The largest factor, bias, mean or similarity: d products of two factors, d up to 1024,
 * stay within float4.  What tables hold beyond it is not a model's.
 */
#define RECO_MAX_FACTOR 1e17f

typedef struct RecoAlgorithm RecoAlgorithm;

/* A validated reco.algorithm value. */
typedef struct RecoSpec
{
	const RecoAlgorithm *algorithm;
	void *params; /* the algorithm's own struct */
	/* ratings to be predicted, not confidences: decides how repeats merge */
	bool predicts_value;
} RecoSpec;

/*
 * What is known about the items: the query `items` of a model, read and prepared.
 */
typedef struct RecoFeatures
{
	reco_content content;
	char *name[RECO_MAX_FIELDS]; /* of the columns */
	bool category[RECO_MAX_FIELDS];
	int32 terms;
	char **term; /* terms */
	float *idf;  /* terms */
	double mean[RECO_MAX_FIELDS];
	double deviation[RECO_MAX_FIELDS];
} RecoFeatures;

/* What an algorithm is given to train on. */
typedef struct RecoTraining
{
	const RecoSpec *spec;
	RecoBudget *budget;
	reco_csr by_user;       /* values after the algorithm's rule for repeats */
	RecoFeatures *features; /* NULL: none were given */
	/* told after each iteration; may be NULL */
	void (*progress)(void *arg, int iteration, int iterations, double loss);
	void *progress_arg;
} RecoTraining;

typedef struct RecoProfile RecoProfile;
typedef void (*RecoUserVisitor)(void *arg, int32 k, const RecoProfile *profile);

/*
 * The users of a model for an algorithm that looks at others' interactions when
 * it scores: from the tables when serving, from memory in an evaluation.
 */
typedef struct RecoUsers
{
	/*
	 * Visits n users by number, in the order given, an error where one is missing; k is the place in
	 * it.  A profile is valid during its visit only, so that their memory is that of one.
	 */
	void (*visit)(void *arg, const int32 *number, int32 n, RecoUserVisitor visitor,
				  void *visitor_arg);
	/* all interactions and biases; what is returned stays the giver's */
	void (*all)(void *arg, reco_csr *by_user, float **bias);
	void *arg;
} RecoUsers;

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
	double *gram;      /* factors x factors where the algorithm folds in with it */
	const void *index; /* core/pruned.h, of inner products when serving; NULL: none */
	/* lists of similar items; start NULL: the algorithm has none */
	reco_neighbors neighbors;
	/* made from them: row j has the items whose score an interaction with j raises */
	reco_csr followers;
	reco_content *content; /* NULL: the algorithm looks at no features */
	RecoUsers users;
} RecoModel;

/* The result of training: the model and its users. */
typedef struct RecoTrained
{
	RecoModel model;
	int32 users;
	float *user;                   /* users x stride; NULL: users have no factors */
	float *user_bias;              /* users */
	reco_neighbors user_neighbors; /* start NULL: the algorithm has none */
	float *loss;                   /* one an iteration; may be NULL */
	int losses;
} RecoTrained;

/* A user at serving time. */
struct RecoProfile
{
	float *factors; /* stride floats, zeros after the model's factors */
	float bias;
	int64 n; /* interactions, items in rising order */
	int32 *item;
	float *value;
	int32 neighbors; /* similar users, by number */
	int32 *neighbor;
	double *similarity;
	/* all that the user has, where items are but the part that options let count; or NULL */
	const int32 *has;
	int64 n_has;
};

/* What an algorithm cannot score without, besides factors and biases. */
enum
{
	RECO_NEEDS_GRAM = 1,
	RECO_NEEDS_FOLLOWERS = 2,
	RECO_NEEDS_CONTENT = 4
};

struct RecoAlgorithm
{
	const char *name;
	const reco_option *options;
	size_t params_size;
	bool needs_features; /* trains on what is known about items */
	bool items_only;     /* users have no factors */
	/* fold_in looks at all users: a stored user keeps what the training found */
	bool costly_fold_in;
	bool inner_product; /* scores are mean + biases + p.q, with no more to them */
	unsigned needs;     /* RECO_NEEDS_... */
	const char *source; /* how recommend() names lists of this algorithm */
	/* whether RecoSpec.predicts_value; NULL: never */
	bool (*predicts_value)(const void *params);
	/* an error when options do not go together; may be NULL */
	void (*check)(const void *params);

	/* whether fit is long enough for threads; NULL: it uses none */
	bool (*parallel)(const RecoTraining *training);
	/* bytes that fit will take from the budget, result included */
	size_t (*memory)(const RecoTraining *training);
	void (*fit)(const RecoTraining *training, RecoTrained *out);

	/*
	 * Scores of all items / of n of them, with the same bits; -infinity: the profile
	 * says nothing about the item.
	 */
	void (*score)(const RecoModel *model, const RecoProfile *profile, float *score);
	void (*score_some)(const RecoModel *model, const RecoProfile *profile, const int32 *item,
					   int32 n, float *score);
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
	/*
	 * Makes what scoring needs besides what is stored (gram, followers), in the
	 * budget's context; may be NULL.
	 */
	void (*prepare)(RecoModel *model, RecoBudget *budget);
	/*
	 * Where the model has lists of similar items: whether an item's own list is
	 * what is similar to it, or the lists that it is in.
	 */
	bool (*own_lists)(const RecoModel *model);
};

/* algorithm.c */
extern const RecoAlgorithm *reco_algorithm_find(const char *name);
extern RecoSpec *reco_spec_parse(Jsonb *value);
extern char *reco_spec_describe(const RecoSpec *spec);
extern void reco_options_parse(const reco_option *table, void *target, const char *owner,
							   Jsonb *value, const char *skip_key);

extern pg_attribute_noreturn() void reco_features_missing(const RecoSpec *spec);
/*
 * As many threads for fit as reco.threads says, where it is long enough for them; before
 * its memory is estimated.
 */
extern void reco_training_threads(const RecoTraining *training);
/*
 * Trains, and makes sure that loading will accept what is stored: an error when a number is
 * beyond RECO_MAX_FACTOR or not finite.
 */
extern void reco_training_fit(const RecoTraining *training, RecoTrained *out);
extern void reco_value_range(const reco_csr *a, float *min, float *max);
extern float *reco_zeros(RecoBudget *budget, int32 n);

/* ranking.c */
extern float reco_score_one(const RecoModel *model, const RecoProfile *profile, int32 item);
extern double reco_model_cosine(const RecoModel *model, const float *x, const float *y);
extern int32 reco_rank(const float *score, const float *popularity, int32 items, uint64 *skip,
					   int32 n, reco_ranked *out, int32 *by_score);

extern void reco_model_index(RecoModel *model, RecoBudget *budget);
extern int32 reco_model_top(const RecoModel *model, const RecoProfile *profile, const uint64 *skip,
							int32 n, reco_ranked *out);

extern void reco_diversify(const RecoModel *model, double diversity, reco_ranked *candidate,
						   int32 m, int32 n);

/* als.c, knn.c, popular.c */
extern const RecoAlgorithm reco_algorithm_ials;
extern const RecoAlgorithm reco_algorithm_als;
extern const RecoAlgorithm reco_algorithm_item_knn;
extern const RecoAlgorithm reco_algorithm_user_knn;
extern const RecoAlgorithm reco_algorithm_rp3beta;
extern const RecoAlgorithm reco_algorithm_content;
extern const RecoAlgorithm reco_algorithm_popular;
extern bool reco_als_params_of(const RecoSpec *spec, reco_als_params *params);

#endif /* RECO_MODEL_MODEL_H */
