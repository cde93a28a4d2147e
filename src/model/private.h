/*
 * private.h
 *	  What reco.private() is of: counts, or products of items.  For private*.c only.
 */
#ifndef RECO_MODEL_PRIVATE_H
#define RECO_MODEL_PRIVATE_H

#include "core/privacy/mechanism.h"
#include "model/model.h"

typedef struct PrivateParams
{
	RecoSpec *member;
	double epsilon;
	double delta;
	int max_items;
	double budget;
	int item_ids; /* PrivateItems */
} PrivateParams;

/* Whether which items there are is known to everybody, or known by who is there. */
typedef enum PrivateItems
{
	PRIVATE_ITEMS_KNOWN,
	PRIVATE_ITEMS_THRESHOLD
} PrivateItems;

/*
 * What is to be kept by the noise, epsilon rounded down: it is never too little.  And the part of
 * delta that is for which items there are, half of it; 0: they are known.
 */
extern reco_privacy private_privacy(const PrivateParams *params);
extern double private_unseen(const PrivateParams *params);

/* The server's generator for keys, in the caller's context. */
extern reco_random *private_random(void);
/* An error where it had no bits. */
extern void private_random_done(reco_random *random);

/* Raises the error of a kernel with noise. */
extern void private_check_status(RecoBudget *budget, reco_status status);

/* private_gram.c: of an algorithm that is made of products of items. */

/* Whether it is such; an error where its options ask for more than these. */
extern bool private_is_gram(const RecoSpec *spec);
extern size_t private_gram_memory(const RecoTraining *training);
extern void private_gram_fit(const RecoTraining *training, RecoMember *member, RecoTrained *out);

#endif /* RECO_MODEL_PRIVATE_H */
