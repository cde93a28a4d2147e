/*
 * scoring.c
 *	  Scorers and seats (core/scoring/scorer.h) inside a backend: memory, errors, and what is made
 *of a model before it serves.
 */
#include "model/model.h"

#include "core/ranking/pruned.h"

#include <math.h>

reco_scorer
reco_scorer_head(const reco_scorer_type *type, const RecoModel *model, bool clipped)
{
	return (reco_scorer){type, model->items, clipped ? model->min_value : -INFINITY,
						 clipped ? model->max_value : INFINITY};
}

void
reco_model_index(RecoModel *model, RecoBudget *budget)
{
	Size size =
		reco_spec_inner_product(model->spec) ? reco_pruned_size(model->items, model->factors) : 0;
	void *index = size > 0 ? budget->env.alloc(budget->env.arg, size) : NULL;
	reco_status status;

	if (index == NULL)
		return;
	status = reco_pruned_build(&budget->env, model->item, model->items, model->factors,
							   model->stride, model->item_bias, index);
	if (status == RECO_OK)
		model->index = index;
	else
		reco_budget_free(budget, index);
}

/*
 * Where the lists say what speaks for an item, what is similar to an item is whom it speaks for:
 * the lists the other way round.
 */
static void
make_similar(RecoModel *model, RecoBudget *budget)
{
	if (model->spec->algorithm->own_lists(model))
	{
		model->similar = model->neighbors;
		return;
	}
	reco_budget_check(budget,
					  reco_neighbors_reverse(&budget->env, &model->neighbors, &model->similar),
					  "the model");
	reco_neighbors_free(&budget->env, &model->neighbors);
	model->neighbors = (reco_neighbors){0};
}

void
reco_model_prepare_serving(RecoModel *model, RecoBudget *budget)
{
	reco_model_index(model, budget);
	if (reco_spec_needs(model->spec, RECO_NEEDS_LISTS))
		make_similar(model, budget);
}

RecoSeat *
reco_model_seat(const reco_scorer *scorer)
{
	RecoSeat *seat = palloc0(sizeof(RecoSeat));

	reco_budget_init(&seat->budget, CurrentMemoryContext);
	reco_model_seat_check(seat, reco_seat_make(&seat->budget.env, scorer, &seat->seat));
	return seat;
}

void
reco_model_seat_user(RecoSeat *seat, const reco_profile *profile)
{
	reco_seat_close(seat->seat);
	reco_model_seat_check(seat, reco_seat_open(seat->seat, profile));
}

void
reco_model_seat_end(RecoSeat *seat)
{
	reco_seat_free(&seat->budget.env, seat->seat);
	pfree(seat);
}

void
reco_model_seat_check(RecoSeat *seat, reco_status status)
{
	reco_budget_check(&seat->budget, status, "the model");
}

float
reco_model_seat_one(RecoSeat *seat, int32 item)
{
	float score;

	reco_model_seat_check(seat, reco_seat_some(seat->seat, &item, 1, &score));
	return score;
}
