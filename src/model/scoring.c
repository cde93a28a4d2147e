/*
 * scoring.c
 *	  Scorers and seats (core/scoring/scorer.h) inside a backend: memory, errors, and what is made
 * of a model before it serves.
 */
#include "model/model.h"

#include <math.h>

reco_scorer
reco_scorer_head(const reco_scorer_type *type, const RecoModel *model, bool clipped)
{
	return (reco_scorer){type, model->items, clipped ? model->min_value : -INFINITY,
						 clipped ? model->max_value : INFINITY};
}

void
reco_model_prepare(RecoModel *model, bool serving, RecoBudget *budget)
{
	for (int m = 0; m < model->members; m++)
	{
		RecoMember *member = &model->member[m];

		if (member->spec->algorithm->prepare)
			member->spec->algorithm->prepare(model, member, serving, budget);
	}
}

void
reco_model_prepare_users(RecoModel *model, RecoBudget *budget)
{
	for (int m = 0; m < model->members; m++)
	{
		RecoMember *member = &model->member[m];

		if (member->spec->algorithm->prepare_users)
			member->spec->algorithm->prepare_users(model, member, &model->by_user, member->part,
												   budget);
	}
}

void
reco_model_index(RecoModel *model, RecoBudget *budget)
{
	if (model->spec->algorithm->index)
		model->spec->algorithm->index(model, &model->member[0], budget);
}

reco_scorer *
reco_model_scorer(const RecoModel *model)
{
	return model->spec->algorithm->scorer(model, &model->member[0]);
}

RecoSeat *
reco_model_seat(const reco_scorer *scorer)
{
	RecoSeat *seat = palloc0(sizeof(RecoSeat));

	reco_budget_init(&seat->budget, CurrentMemoryContext);
	reco_model_seat_check(seat, reco_seat_make_for_lists(&seat->budget.env, scorer, &seat->seat));
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
