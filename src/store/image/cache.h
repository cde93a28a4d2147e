/*
 * cache.h
 *	  Model versions in the memory of a backend, ready to serve.
 */
#ifndef RECO_STORE_CACHE_H
#define RECO_STORE_CACHE_H

#include "model/model.h"
#include "store/tables/tables.h"

/* The two files of a version; that of the users is made when all are asked for. */
typedef enum RecoImageKind
{
	RECO_IMAGE_ITEMS,
	RECO_IMAGE_USERS,
	RECO_IMAGES
} RecoImageKind;

/* A mapped file; memory NULL: none. */
typedef struct RecoImage
{
	void *memory;
	Size bytes;
} RecoImage;

/* All users of a version, with what they have. */
typedef struct ServingUsers
{
	IdDict *ids;
	float *factors; /* users x stride */
	float *bias;
	reco_csr histories;
} ServingUsers;

/*
 * One version of a model.  Valid until the memory context is reset in which it was opened.
 */
typedef struct Serving
{
	/* key */
	Oid schema;
	int32 version;
	int64 nonce;
	uint64 hash; /* of all that says what its arrays mean: algorithm, parameters, fields */

	MemoryContext context;
	uint64 used; /* for eviction */
	int pins;    /* calls that serve from it */
	RecoImage image[RECO_IMAGES];
	struct Serving *next_displaced; /* cache.c */
	RecoModel model;
	IdType *user_type;
	IdType *item_type;
	IdDict *items;
	float *interactions;  /* users who have each item */
	float *trend;         /* how much each item grew of late */
	const int32 *popular; /* items by falling interactions, ties by number */

	RecoFeatures *features; /* NULL: the algorithm looks at none */
	int32 users;
	bool available; /* items said what is available when it was trained */
	bool untimed;   /* its source did not tell when interactions were */

	/* loaded when they are asked for; NULL: not yet.  What is here is whole, and goes with
	 * the version. */
	ServingUsers *all;
	const reco_scorer *scorer; /* for reco_serving_scorer */
} Serving;

/*
 * The version that is active in the caller's snapshot, and the row that says so, in the
 * current memory context.  The caller needs the right to call the model's function of that
 * name (NULL: to own the model).  An error when the model has not been trained.
 */
extern Serving *reco_serving_open(Oid schema, const char *function, ModelRow *row);

extern void reco_cache_init(void);

/* All users. */
extern const ServingUsers *reco_serving_load_users(Serving *serving);

/* What the version says of items; loads all users where the algorithm looks at them. */
extern const reco_scorer *reco_serving_scorer(Serving *serving);

/* One of all users, by number, without neighbors: nothing is copied. */
extern reco_profile reco_serving_profile(const Serving *serving, int32 u);

/*
 * Visits all users in the order of their ids.  What a profile holds is in `context`,
 * which visit may reset.
 */
extern void reco_serving_each_user(Serving *serving, MemoryContext context,
								   void (*visit)(void *arg, Datum id, reco_profile *profile),
								   void *arg);

/*
 * A stored user: factors, bias, history and neighbors; false when the model has no such
 * user.  In the current memory context.
 */
extern bool reco_serving_user(Serving *serving, Datum user, reco_profile *profile);

#endif /* RECO_STORE_CACHE_H */
