/*
 * factors.c
 *	  What algorithms whose scores are inner products of factors share.
 */
#include "model/factors.h"

#include "core/linear/selftest.h"
#include "core/ranking/pruned.h"

/* Interactions times factors. */
#define WORK_WORTH_THREADS 4e6

bool
factor_worth_threads(const RecoTraining *training, int factors)
{
	double work = (double) training->by_user.start[training->by_user.rows] * factors;

	return work >= WORK_WORTH_THREADS;
}

/* Once a session: a library that computes wrong would train a wrong model in silence. */
void
factor_check_library(RecoBudget *budget)
{
	static bool checked;
	reco_status status;

	if (checked)
		return;
	status = reco_selftest(&budget->env, NULL);
	if (status == RECO_INVALID)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the linear algebra library computes wrong results on this processor"),
				 errdetail("The eigenvectors of a known matrix do not give the matrix again."),
				 errhint("Start the server with another OPENBLAS_CORETYPE in its environment, for "
						 "example Haswell, or build reco with another OpenBLAS.")));
	reco_budget_check(budget, status, "training");
	checked = true;
}

static bool
index_valid(const void *bytes, Size size, const RecoModel *model, const RecoMember *member)
{
	return reco_pruned_valid(bytes, size, model->items, member->type[FACTOR_ITEM].width);
}

void
factor_parts(RecoPartType *type, int factors)
{
	RecoPartType vector = {
		.name = "factors",
		.width = factors,
		.padded = true,
		.role = RECO_ROLE_FACTORS,
	};

	type[FACTOR_ITEM] = type[FACTOR_USER] = vector;
	type[FACTOR_ITEM].side = RECO_OF_ITEMS;
	type[FACTOR_USER].side = RECO_OF_USERS;
	type[FACTOR_INDEX] = (RecoPartType){
		.name = "index",
		.side = RECO_OF_ITEMS,
		.shape = RECO_BYTES,
		.kept = RECO_DERIVED_MAYBE,
		.valid = index_valid,
	};
}

void
factor_index(RecoModel *model, RecoMember *member, const float *bias, RecoBudget *budget)
{
	int factors = member->type[FACTOR_ITEM].width;
	const RecoPart *item = &member->part[FACTOR_ITEM];
	Size size = reco_pruned_size(model->items, factors);
	void *index = size > 0 ? budget->env.alloc(budget->env.arg, size) : NULL;
	reco_status status;

	if (index == NULL)
		return;
	status = reco_pruned_build(&budget->env, item->data, model->items, factors, item->stride, bias,
							   index);
	if (status == RECO_OK)
		member->part[FACTOR_INDEX] = (RecoPart){.data = index, .size = size};
	else
		reco_budget_free(budget, index);
}

reco_factor_scorer
factor_scorer_of(const reco_scorer_type *type, const RecoModel *model, const RecoMember *member,
				 const float *bias, bool clipped)
{
	const RecoPart *item = &member->part[FACTOR_ITEM];

	return (reco_factor_scorer){
		.head = reco_scorer_head(type, model, clipped),
		.factors = member->type[FACTOR_ITEM].width,
		.stride = item->stride,
		.item = item->data,
		.item_bias = bias,
		.index = member->part[FACTOR_INDEX].data,
	};
}
