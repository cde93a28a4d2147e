/*
 * serving.h
 *	  A version of a model in the memory of a backend, ready to serve.
 */
#ifndef RECO_STORE_IMAGE_SERVING_H
#define RECO_STORE_IMAGE_SERVING_H

#include "model/model.h"
#include "store/source/data.h"
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
	IdDict *ids;   /* of those who are there, in the order of their numbers */
	int32 *number; /* of each of these; NULL: they are all there, and the places are the numbers */
	RecoPart **part; /* member m's at [m]: of users only */
	reco_csr histories;
	reco_csr seen; /* numbers only; start NULL: the histories say it */
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
	int64 epoch; /* of its layer; 0: it has none */
	uint64 hash; /* of all that says what its arrays mean: algorithm, parameters, fields */

	MemoryContext context;
	uint64 used;  /* for eviction */
	int pins;     /* calls that serve from it */
	Oid table;    /* model, whose changes are told of */
	bool expires; /* with the current transaction */
	RecoImage image[RECO_IMAGES];
	struct Serving *next_displaced; /* cache.c */
	RecoModel model;
	IdType *user_type;
	IdType *item_type;
	IdDict *items;
	float *interactions;  /* users who have each item */
	float *trend;         /* how much each item grew of late */
	const int32 *popular; /* items by falling interactions, ties by number */

	RecoFeatures *features;     /* NULL: the algorithm looks at none */
	int32 users;                /* with those that the layer adds */
	int32 added;                /* these: the last numbers */
	int32 forgotten;            /* of the users, numbers that nobody has any more */
	RecoDataOptions options;    /* by which its source was read */
	bool available;             /* items said what is available when it was trained */
	bool withholds;             /* some items may have too few users: reco_serving_withholds */
	bool untimed;               /* its source did not tell when interactions were */
	TimestampTz reference_time; /* that ages are counted from; RECO_NO_REFERENCE_TIME */

	/* loaded when they are asked for; NULL: not yet.  What is here is whole, and goes with
	 * the version. */
	ServingUsers *all;
	const reco_scorer *scorer; /* for reco_serving_scorer */
} Serving;

/* A user of a version. */
typedef struct ServedUser
{
	Datum id;     /* as the version has it */
	Datum asked;  /* as its source has it */
	bool is_told; /* that is known: else the source cannot be asked */
} ServedUser;

/* One who is read from the version's tables. */
static inline ServedUser
reco_served_user(const Serving *serving, Datum id)
{
	return (ServedUser){id, id, serving->user_type->pseudonyms == NULL};
}

/*
 * Whether an item has fewer users than min_users_per_item, since users were forgotten or by the
 * threshold of a private model: nothing is told of it.
 */
static inline bool
reco_serving_withholds(const Serving *serving, int32 item)
{
	return serving->withholds &&
		   serving->interactions[item] < (float) serving->options.min_users_per_item;
}

/* The number of an item of which something may be told; -1: there is no such. */
static inline int32
reco_serving_item(const Serving *serving, Datum id)
{
	int32 item = id_dict_find(serving->items, id);

	return item >= 0 && reco_serving_withholds(serving, item) ? -1 : item;
}

#endif /* RECO_STORE_IMAGE_SERVING_H */
