/*
 * model.h
 *	  What an algorithm is to the rest of reco.
 *
 * An algorithm is one RecoAlgorithm: its options, how it trains, and the scorer of what it
 * trained.  Everything else - sources, tables, serving, evaluation - works
 * through this interface and knows no algorithm by name.
 */
#ifndef RECO_MODEL_MODEL_H
#define RECO_MODEL_MODEL_H

#include "core/als/als.h"
#include "core/content/content.h"
#include "core/data/shape.h"
#include "core/data/triples.h"
#include "core/data/value_rule.h"
#include "core/neighbors/neighbors.h"
#include "core/neighbors/neighbors_index.h"
#include "core/base/options.h"
#include "core/scoring/scorer.h"
#include "model/part.h"
#include "nodes/pg_list.h"
#include "pg/pg.h"
#include "utils/jsonb.h"

typedef struct RecoAlgorithm RecoAlgorithm;

/* Whether an algorithm looks at what is known about items. */
typedef enum RecoFeatureUse
{
	RECO_FEATURES_NONE,
	RECO_FEATURES_OPTIONAL, /* where it is given */
	RECO_FEATURES_REQUIRED
} RecoFeatureUse;

/* A validated reco.algorithm value. */
struct RecoSpec
{
	const RecoAlgorithm *algorithm;
	void *params; /* the algorithm's own struct */
	/* ratings to be predicted, not confidences: decides how repeats merge */
	bool predicts_value;
	/* of a pair that repeats the latest value counts, not the sum; of a composite, as first member
	 */
	bool latest;
	/* values are taken as they are, whatever the rule: it or one with whom it shares a history
	 * predicts or compares them */
	bool raw;
	bool needs_users; /* as RecoAlgorithm has it, or one of its members */
	RecoFeatureUse features;
	/* the algorithms among its options, in their order: what a composite one is made of */
	int members;
	struct RecoSpec **member;
};

/* So many levels of algorithms may lie in one another. */
#define RECO_MAX_NESTING 4
/* And so many altogether: what a row of the tables and an image hold is bounded by it. */
#define RECO_MAX_MEMBERS 16

/*
 * Which of the two values of an interaction an algorithm takes: the latest, NULL where no pair
 * repeats, or the sum.
 */
static inline float *
reco_spec_values(const RecoSpec *spec, float *sum, float *latest)
{
	return spec->latest && latest ? latest : sum;
}

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

/* What another model says of the users of the data: its factors, and biases where it has them. */
typedef struct RecoPrior
{
	const char *model;
	int32 version; /* that was its active one */
	int factors;
	/* by user of the data: factors, bias, interactions; zeros of one whom it does not know */
	float *row;
} RecoPrior;

#define RECO_PRIOR_WIDTH(factors) ((factors) + 2)

typedef struct RecoPriors
{
	int n;
	RecoPrior *prior;
} RecoPriors;

static inline const float *
reco_prior_row(const RecoPrior *prior, int32 user)
{
	return prior->row + (Size) user * RECO_PRIOR_WIDTH(prior->factors);
}

/* What interactions count for an algorithm, in three planes beside one another. */
typedef enum RecoPlane
{
	RECO_PLANE_SUMS,   /* of a pair's values */
	RECO_PLANE_LATEST, /* of a pair's values */
	RECO_PLANE_RULE,   /* the sums by the rule, where that leaves them others */
	RECO_PLANES
} RecoPlane;

/*
 * Interactions as they were read, for all who train on them: members of a composite, or the
 * algorithms of an evaluation.  What is made of them is made once, when it is first asked for,
 * and is released when nobody is left who was expected to ask (training.c).
 */
typedef struct RecoTrainingSet
{
	/* sums, the latest values where a pair repeats, and times where somebody reads them */
	const reco_interactions *x;
	RecoBudget *budget; /* holds what is made */
	reco_value_rule rule;
	bool has_rule;                 /* rule has nothing open, and value is made */
	float *value;                  /* RECO_PLANE_RULE; NULL: ones */
	reco_csr by_item[RECO_PLANES]; /* start NULL: not made */
	int readers[RECO_PLANES];      /* trainings that are expected to ask for it */
	const RecoPriors *priors;      /* what was read of other models; NULL: nothing */
	const int32 *origin;           /* by user: which of the data they know it as; NULL: the same */
	double overlap;                /* of core/data/overlap.h; 0: nobody has asked yet */
} RecoTrainingSet;

/*
 * A version that another one is made of without a training (reco.fold_in): what it knows of items
 * stays.
 */
typedef struct RecoBase
{
	const struct RecoModel *model; /* of the same spec, prepared for serving */
	const int32 *item;             /* by item of the data: its number there; -1: it is new */
	int32 fresh;                   /* how many are */
} RecoBase;

/* What an algorithm is given to train on: reco_training_of. */
typedef struct RecoTraining
{
	const RecoSpec *spec;
	RecoBudget *budget;
	RecoTrainingSet *set;
	reco_csr by_user;            /* values after the algorithm's rules; arrays of the set */
	RecoFeatures *features;      /* NULL: none were given */
	RecoFeatures *user_features; /* of users; NULL likewise, and in an evaluation */
	/* which of the simple algorithms of a composite this one is, or the first of, from 1 */
	int member;
	int members;
	bool trial; /* for `candidates`: the data is a part of it, to choose by */
	bool next;  /* for `candidates`: it is chosen by what comes next in a session */
	/*
	 * What fit goes on from, where the algorithm has factors: items that are known keep theirs.
	 * NULL: nothing, and whoever has no factors trains as ever.
	 */
	const RecoBase *base;
	const RecoMember *base_member; /* of the base's model, this one's */
	/*
	 * Called after each iteration, and when a member of several begins, with iteration 0; may be
	 * NULL.
	 */
	void (*progress)(void *arg, int member, int members, int iteration, int iterations,
					 double loss);
	void *progress_arg;
} RecoTraining;

/*
 * A trained model in memory.  Arrays belong to whoever made it (the training's budget, or
 * the serving cache).
 */
typedef struct RecoModel
{
	const RecoSpec *spec;
	int32 users;
	int32 items;
	int32 terms;     /* of what is known about the items */
	float min_value; /* the values seen in training: the scale of ratings */
	float max_value;
	int members;
	RecoMember *member;    /* 0: the model itself */
	reco_content *content; /* what is known about the items; NULL: nothing */
	/* what all users have, for an algorithm that looks at others when it scores */
	reco_csr by_user;
	const reco_csr *seen;      /* in an evaluation: what counts as seen; NULL: the same */
	const float *interactions; /* of a loaded model's items, by how many users; else NULL */
} RecoModel;

/* The result of training. */
typedef struct RecoTrained
{
	RecoModel model;
} RecoTrained;

/* What fit reads besides the interactions by user. */
enum
{
	RECO_READS_ITEMS = 1, /* the interactions by item: reco_training_by_item */
	RECO_READS_TIMES = 2, /* of each interaction: training->set->x->time, NULL without times */
	RECO_READS_EVENTS =
		4 /* what users did, in order and before it is merged: reco_training_events */
};

/*
 * Members that are NULL: what the comment says, and of an algorithm that is made of others
 * whatever one of these says.
 */
struct RecoAlgorithm
{
	const char *name;
	const reco_option *options;
	size_t params_size;
	/* how recommend() names lists of this algorithm; NULL: as its first member's */
	const char *source;
	/* what a negative value does, where it is no rating; NULL: members say it */
	const char *negative;
	bool comes_again; /* of what it lists users have most already: it is measured by that, too */
	bool comes_next;  /* what it lists comes next in a session: it is measured by that */
	/* another takes its place before a training (evaluation/choice.h): options are all it has */
	bool replaced;
	/* what its members leave open its fit fills in, in copies of their parameters, and no data
	 * does */
	bool fills_members;
	/* a model of it is one of its only member's, trained in another way: it has no parts itself */
	bool wraps;
	bool
		weighs_features; /* gives what is known about items weights, of which a model has one set */
	/* RecoSpec.predicts_value; NULL: false, whatever members do */
	bool (*predicts_value)(const RecoSpec *spec);
	/* scores with what all users have, and with what prepare_users makes; NULL: no */
	bool (*needs_users)(const RecoSpec *spec);
	/* whether it compares values with their mean, which takes them as they are; NULL: no */
	bool (*compares_values)(const RecoSpec *spec);
	/* RecoSpec.features; NULL: none */
	RecoFeatureUse (*features)(const RecoSpec *spec);
	/* whether it looks at what is known about users; NULL: no */
	bool (*user_features)(const RecoSpec *spec);
	/* the name of another model whose users it begins with (RecoPriors); NULL, or returns it: none
	 */
	const char *(*prior)(const RecoSpec *spec);
	/* What that says of a user of the data, as a part with RECO_ROLE_CENTER has it; palloc'd. */
	const float *(*center)(const RecoSpec *spec, const RecoPrior *prior, int32 user);
	/* RECO_READS_...; NULL: nothing */
	unsigned (*reads)(const RecoSpec *spec);
	/* an error when options do not go together, as far as they are given; may be NULL */
	void (*check)(const void *params);
	/*
	 * Fills in what was left open, by the data; NULL: nothing can be.  What decides
	 * predicts_value, features, reads or parts cannot be left open.
	 */
	void (*choose)(const RecoTraining *training, void *params);
	/*
	 * Whether it is made of others whose weights were left open, which a measurement can find
	 * (evaluation/choice.h); NULL: no.  And gives its parameters such, one for each member.
	 */
	bool (*unweighed)(const RecoSpec *spec);
	void (*weigh)(void *params, const double *weights);
	/*
	 * What is worth trying, as texts of JSON objects of options: all that reco.tune() tries, or
	 * of a portfolio the few that reco.auto() does; NIL: nothing.  Numbers may follow the data,
	 * but how many there are, and what each is about, may not, so that the one that was chosen
	 * on a part of the data (`trial`) can be found again for all of it.  May be NULL: nothing.
	 */
	List *(*candidates)(const RecoTraining *training, bool portfolio);

	/* whether fit is long enough for threads; NULL: it uses none */
	bool (*parallel)(const RecoTraining *training);
	/* bytes that fit will take from the budget, result included */
	size_t (*memory)(const RecoTraining *training);
	/* Fills the parts of the member, whose arrays are of the budget, and what else is in out. */
	void (*fit)(const RecoTraining *training, RecoMember *member, RecoTrained *out);

	/* The parts of such a model beside its members': *n of them, static or palloc'd. */
	const RecoPartType *(*parts)(const RecoSpec *spec, int *n);
	/*
	 * Makes the derived parts that scoring needs and, when serving, those that fold-in and lists
	 * of similar items need, in the budget's context; may be NULL.
	 */
	void (*prepare)(RecoModel *model, RecoMember *member, bool serving, RecoBudget *budget);
	/*
	 * Makes derived parts of what all users have, in the budget's context, in part, which are
	 * the member's where its parts of users are; may be NULL.
	 */
	void (*prepare_users)(const RecoModel *model, const RecoMember *member,
						  const reco_csr *histories, RecoPart *part, RecoBudget *budget);
	/*
	 * An index that spares scoring all items, where memory allows it: a derived part as well.
	 * Lists are the same without.  May be NULL.
	 */
	void (*index)(RecoModel *model, RecoMember *member, RecoBudget *budget);
	/* The scorer of a prepared member, which points into it; palloc'd. */
	reco_scorer *(*scorer)(const RecoModel *model, const RecoMember *member);
};

/* algorithm.c */
extern const RecoAlgorithm *reco_algorithm_find(const char *name);
/* All of them, one after the other from 0; NULL: there are no more. */
extern const RecoAlgorithm *reco_algorithm_nth(int n);
extern RecoSpec *reco_spec_parse(Jsonb *value);
/* Whether a text is an object of JSON, or begins with the name of an algorithm. */
extern bool reco_algorithm_is_named(const char *text);
/* An algorithm as jsonb in a text, or an error that says how one is written. */
extern Jsonb *reco_algorithm_from_text(const char *text);
extern char *reco_spec_describe(const RecoSpec *spec);
/* The SQL that makes it, without what is a default: reco.ials(factors => 128). */
extern char *reco_spec_call(const RecoSpec *spec);
/* The value that reco_spec_parse makes an equal spec of; what is open is not in it. */
extern Jsonb *reco_spec_jsonb(const RecoSpec *spec);
/* The same without what is a default. */
extern Jsonb *reco_spec_given(const RecoSpec *spec);
/*
 * Names for algorithms that are compared, as short as tells them apart: with the options only in
 * which those of the same name differ; of equal ones the second has " #2" after it.  A list of
 * texts, in the same order.
 */
extern List *reco_specs_label(const List *specs);
extern void reco_options_parse(const reco_option *table, void *target, const char *owner,
							   Jsonb *value, const char *skip_key);

extern pg_attribute_noreturn() void reco_features_missing(const RecoSpec *spec);
/* Members of RecoAlgorithm that may be NULL, with what that means. */
extern unsigned reco_spec_reads(const RecoSpec *spec);

/* algorithm.c, for resolve.c */
extern void reco_spec_find_members(RecoSpec *spec);

/* resolve.c */

/* Whether it, or one of those that it is made of, is replaced before it is trained. */
extern bool reco_spec_is_replaced(const RecoSpec *spec);
/* Whether it gives what is known about items weights, or one of those that it is made of. */
extern bool reco_spec_weighs_features(const RecoSpec *spec);
/* Whether it looks at what is known about users, or one of those that it is made of. */
extern bool reco_spec_user_features(const RecoSpec *spec);
/* Whether it is about what comes again, or next; or all are that it is made of. */
extern bool reco_spec_comes_again(const RecoSpec *spec);
extern bool reco_spec_comes_next(const RecoSpec *spec);
/* The names of the models whose users it begins with, or one of those that it is made of. */
extern List *reco_spec_priors(const RecoSpec *spec);
/* Whether it, or one of those that it is made of, has weights that a measurement can find. */
extern bool reco_spec_is_unweighed(const RecoSpec *spec);
/* Whether it is found by a measurement what is trained: either of these. */
extern bool reco_spec_is_chosen(const RecoSpec *spec);
/* A copy with weights; or with those of another of the same form, of its members too. */
extern RecoSpec *reco_spec_weighed(const RecoSpec *spec, const double *weights);
extern RecoSpec *reco_spec_weighed_as(const RecoSpec *spec, const RecoSpec *as);
/* Whether an option is left open, of members too. */
extern bool reco_spec_is_open(const RecoSpec *spec);
/* An error when one is: for those who have no data to choose by.  what: as in "als_agg". */
extern void reco_spec_require_given(const RecoSpec *spec, const char *what);
/*
 * A spec with nothing left open, by the interactions and features of the training, each member
 * by its own rule; itself where nothing is.  fit is only ever called with such.
 */
extern const RecoSpec *reco_spec_resolve(const RecoSpec *spec, const RecoTraining *training);
/* A copy whose members are others; what is told of them is as it was. */
typedef const RecoSpec *(*RecoSpecChange)(void *arg, const RecoSpec *member);
extern RecoSpec *reco_spec_with(const RecoSpec *spec, RecoSpecChange change, void *arg);
/* For `choose` and `candidates`; overlap: whether that is asked for, which takes longer. */
extern reco_shape reco_training_shape(const RecoTraining *training, bool overlap);
/* How recommend() names lists of it. */
extern const char *reco_spec_source(const RecoSpec *spec);
/* An algorithm without options. */
extern RecoSpec *reco_spec_plain(const RecoAlgorithm *algorithm);
/*
 * RecoAlgorithm.candidates, parsed, with what they leave open, for the interactions and
 * features of the training, whatever its spec.
 */
extern List *reco_spec_candidates(const RecoAlgorithm *algorithm, const RecoTraining *training,
								  bool portfolio);

/* training.c */

/*
 * x and budget are kept, and the budget's context must outlive the set.  rule: what values count
 * for algorithms that do not take them as they are.
 */
extern void reco_training_set_init(RecoTrainingSet *set, const reco_interactions *x,
								   reco_value_rule rule, RecoBudget *budget);
/* Whether a simple algorithm needs values as they are. */
extern bool reco_spec_needs_raw(const RecoSpec *spec);
/* Which members of a new spec take values as they are: sets raw. */
extern void reco_spec_find_raw(RecoSpec *spec);
/* The rule by which the values of a training were made. */
extern reco_value_rule reco_training_rule(const RecoTraining *training);
/*
 * Values along n interactions by a rule that is chosen; NULL: ones.  The given ones where it
 * changes none, or an array of the budget.
 */
extern float *reco_values_of(const reco_value_rule *rule, float *value, int64 n, RecoBudget *budget,
							 const char *what);
/* One training more is to come, of a spec. */
extern void reco_training_set_expect(RecoTrainingSet *set, const RecoSpec *spec);

extern RecoTraining reco_training_of(const RecoSpec *spec, RecoTrainingSet *set, RecoBudget *budget,
									 RecoFeatures *features);
/* The training of a member, by its own rule, from that of the whole. */
extern RecoTraining reco_training_member(const RecoTraining *training, int member);

/*
 * The interactions by item, with values by the algorithm's rule; it says that it reads them.
 * Each call is followed by one of done, after which fit reads them no more.
 */
extern const reco_csr *reco_training_by_item(const RecoTraining *training);
extern void reco_training_by_item_done(const RecoTraining *training);
/* The bytes that making them takes, themselves included; 0 where they are there already. */
extern size_t reco_training_by_item_memory(const RecoTraining *training);
/*
 * What users did, in the training's budget and the caller's to keep; it says that it reads
 * events.  And the bytes that making it takes, itself included.
 */
extern reco_ordered reco_training_events(const RecoTraining *training, bool times);
/*
 * The sessions of events, whose start is of the budget; first: see reco_ordered_sessions.  What is
 * numbered are sessions, with_events: and events besides; an error where there are too many.
 */
extern reco_ordered reco_sessions_of(RecoBudget *budget, const reco_ordered *events, int32 users,
									 bool with_events, int32 *first, int32 *sessions,
									 const char *what);
extern size_t reco_training_events_memory(const RecoTraining *training, bool times);

/* What was read of the model of that name. */
extern const RecoPrior *reco_prior_of(const RecoPriors *priors, const char *name);

/* For an algorithm that is made of others: what their fits take, with results, altogether. */
extern size_t reco_training_members_memory(const RecoTraining *training);

extern void reco_training_report(const RecoTraining *training, int iteration, int iterations,
								 double loss);

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
/*
 * For the fit of an algorithm that is made of others: trains one of these, by
 * reco_training_member.
 */
extern void reco_member_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out);
extern float *reco_zeros(RecoBudget *budget, int32 n);

/* For `reads` of an algorithm that reads the interactions by item; that reads events. */
extern unsigned reco_reads_items(const RecoSpec *spec);
extern unsigned reco_reads_events(const RecoSpec *spec);
/* For `needs_users`, where it does whatever the options are. */
extern bool reco_needs_users(const RecoSpec *spec);
/*
 * The members of a model of that algorithm with their declared parts, which are not there yet;
 * palloc'd.  Returns how many.
 */
extern int reco_members_make(const RecoSpec *spec, RecoMember **member);

/* How many rows of a side there are; of the model itself, as the declaration says. */
static inline int32
reco_model_rows(const RecoModel *model, const RecoPartType *type, RecoSide side)
{
	return side == RECO_OF_USERS   ? model->users
		   : side == RECO_OF_ITEMS ? model->items
		   : side == RECO_OF_TERMS ? model->terms
								   : type->rows;
}

/* Of a member, the part of that side with that role; NULL: it has none, or it is not there. */
extern RecoPart *reco_member_role(const RecoMember *member, RecoSide side, RecoRole role,
								  const RecoPartType **type);

/* A user of a model whose users are in memory; members find theirs when scored.  On any thread. */
extern void reco_model_profile(const RecoModel *model, const reco_csr *by_user, int32 u,
							   reco_profile *profile);

/* scoring.c */

/* clipped: predictions are kept within the values of the training. */
extern reco_scorer reco_scorer_head(const reco_scorer_type *type, const RecoModel *model,
									bool clipped);

/* All members' derived parts; serving: also those that only serving needs. */
extern void reco_model_prepare(RecoModel *model, bool serving, RecoBudget *budget);
/* Those of all users, which fold-in may need, of a model whose users are in memory. */
extern void reco_model_prepare_users(RecoModel *model, RecoBudget *budget);
/* The model's index, where memory allows it: members of a composite are scored whole. */
extern void reco_model_index(RecoModel *model, RecoBudget *budget);
/* The scorer of a prepared model. */
extern reco_scorer *reco_model_scorer(const RecoModel *model);

/* The scorer of what is known about a model's items, whatever its algorithm; palloc'd. */
extern reco_scorer *reco_content_scorer_of(const RecoModel *model);

/*
 * A seat whose errors are the query's, in the memory context that it was made in.  It is closed
 * and opened again for each user.
 */
typedef struct RecoSeat
{
	RecoBudget budget;
	reco_seat *seat;
} RecoSeat;

extern RecoSeat *reco_model_seat(const reco_scorer *scorer);
extern void reco_model_seat_user(RecoSeat *seat, const reco_profile *profile);
extern void reco_model_seat_end(RecoSeat *seat);
/* Raises the error that a method reported. */
extern void reco_model_seat_check(RecoSeat *seat, reco_status status);
extern float reco_model_seat_one(RecoSeat *seat, int32 item);

#define RECO_ALGORITHM(name) extern const RecoAlgorithm reco_algorithm_##name;
#include "model/algorithms.h"
#undef RECO_ALGORITHM

/* private.c */
extern bool reco_spec_is_private(const RecoSpec *spec);

/* What a training spends, or all of them together may; epsilon 0: it is not private. */
typedef struct RecoPrivacySpent
{
	double epsilon;
	double delta;
} RecoPrivacySpent;

/* Of a training of it, and of all of a model.  An error where only a part of it is private. */
extern RecoPrivacySpent reco_spec_spends(const RecoSpec *spec, RecoPrivacySpent *budget);

/*
 * Of a spec that tells of items by a threshold: the fewest users, with noise, of an item that is
 * told of; 0: it is no such.
 */
#define RECO_MOST_USERS_PER_ITEM 1000000
extern int32 reco_spec_threshold(const RecoSpec *spec);

/* hybrid.c */

/* The two as one, its weights left open; values: the mean of what they predict. */
extern RecoSpec *reco_hybrid_of(const RecoSpec *first, const RecoSpec *second, bool values);

/* als.c */
extern bool reco_als_params_of(const RecoSpec *spec, reco_als_params *params);
/*
 * Whether it asks for a training by SQL alone; *work: the schema of the tables for that, NULL:
 * the model's own.  Whoever measures it trains in memory, which comes to the same.
 */
extern bool reco_als_by_sql(const RecoSpec *spec, const char **work);
/* A copy with nothing left open, by a shape. */
extern RecoSpec *reco_als_chosen(const RecoSpec *spec, const reco_shape *shape);
/* A model of factors that were found elsewhere; those of users may be missing. */
extern void reco_als_model(const RecoSpec *spec, RecoBudget *budget, reco_factors *factors,
						   RecoModel *model);

#endif /* RECO_MODEL_MODEL_H */
