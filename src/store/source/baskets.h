/*
 * baskets.h
 *	  Baskets of items, from a query.
 */
#ifndef RECO_STORE_SOURCE_BASKETS_H
#define RECO_STORE_SOURCE_BASKETS_H

#include "core/data/csr.h"
#include "store/ids/ident.h"
#include "store/source/query.h"

#include "tcop/dest.h"

typedef struct RecoBaskets
{
	IdType basket_type;
	IdType item_type;
	IdDict *items;      /* in the order of their ids */
	reco_csr by_basket; /* baskets are in the order in which they came */
	int64 nulls;        /* rows without a basket or an item, which are left out */
} RecoBaskets;

/* Takes the rows of a query with such columns; what it is made into lives in the budget's context.
 */
typedef struct BasketReader BasketReader;

extern BasketReader *baskets_begin(const RecoQueryKind *kind, TupleDesc columns,
								   RecoBudget *budget);
extern DestReceiver *baskets_receiver(BasketReader *reader);
extern RecoBaskets *baskets_finish(BasketReader *reader);

#endif /* RECO_STORE_SOURCE_BASKETS_H */
