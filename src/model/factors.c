/*
 * factors.c
 *	  What algorithms whose scores are inner products of factors share.
 */
#include "model/factors.h"

#include "core/linear/selftest.h"

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

bool
factor_inner_product(const RecoSpec *spec)
{
	return true;
}

reco_factor_scorer
factor_scorer_of(const reco_scorer_type *type, const RecoModel *model, bool clipped)
{
	return (reco_factor_scorer){
		.head = reco_scorer_head(type, model, clipped),
		.factors = model->factors,
		.stride = model->stride,
		.item = model->item,
		.item_bias = model->item_bias,
		.mean = model->mean,
		.index = model->index,
	};
}
