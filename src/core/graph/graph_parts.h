/*
 * graph_parts.h
 *	  What the files of this room share.
 */
#ifndef RECO_CORE_GRAPH_GRAPH_PARTS_H
#define RECO_CORE_GRAPH_GRAPH_PARTS_H

#include "core/graph/graph.h"

/* What the lists are made of. */
typedef struct reco_graph_lists
{
	const reco_graph_params *params;
	const reco_csr *by_user; /* normalized */
	const reco_csr *by_item;
	const reco_svd *svd;  /* NULL: the entries themselves, to a power */
	const double *square; /* the svd's stride: singular values squared, zeros after them */
	double slope;         /* what an entry is multiplied by */
	const double *scale;  /* items: n^beta, in parts of the largest; NULL: ones */
} reco_graph_lists;

extern size_t reco_graph_lists_memory(const reco_graph_params *params, int32_t items, int threads);

/* Row j of out, whose arrays are the caller's: the items that j speaks for. */
extern reco_status reco_graph_lists_make(const reco_env *env, const reco_graph_lists *from,
										 reco_csr *out);

#endif /* RECO_CORE_GRAPH_GRAPH_PARTS_H */
