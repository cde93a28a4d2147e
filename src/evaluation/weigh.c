/*
 * weigh.c
 *	  Weights that were left open, found by what is hidden.
 *
 * Of algorithms in one another the inner ones come first: the outer ones' lists follow from
 * theirs.
 *
 * Cost: of each that is made of others, what core/scoring/stacking.h says.
 */
#include "evaluation/weigh.h"

typedef struct Weighing
{
	const reco_stacking *by;
	float *latest;
	const RecoModel *model;
	RecoBudget *budget;
	bool found;
} Weighing;

static const RecoSpec *
weighed(Weighing *w, const RecoMember *member)
{
	const RecoSpec *spec = member->spec;
	RecoBudget *budget = w->budget;
	reco_stacking stacking = *w->by;
	reco_stacked stacked;

	stacking.scorer = (const reco_hybrid_scorer *) spec->algorithm->scorer(w->model, member);
	stacking.predicts = spec->predicts_value;
	stacking.truth = reco_spec_values(spec, stacking.hidden.value, w->latest);
	reco_budget_require(budget, reco_stacking_bytes(&stacking, budget->env.threads), "weights");
	reco_budget_check(budget, reco_stack(&budget->env, &stacking, &stacked), "weights");
	elog(DEBUG1, "weights by %d users: %.6g with equal ones, %.6g with others", stacked.users,
		 stacked.equal, stacked.best);
	w->found = w->found || stacked.found;
	return reco_spec_weighed(spec, stacked.weight);
}

typedef struct Members
{
	const RecoMember *of;
	int member;
} Members;

static const RecoSpec *
next_member(void *arg, const RecoSpec *spec)
{
	Members *members = arg;

	return members->of->member[members->member++]->spec;
}

static void
weigh(Weighing *w, const RecoSpec *asked, RecoMember *member)
{
	Members members = {member, 0};

	if (!reco_spec_is_unweighed(asked))
		return;
	for (int m = 0; m < asked->members; m++)
		weigh(w, asked->member[m], member->member[m]);
	member->spec = reco_spec_with(member->spec, next_member, &members);
	if (asked->algorithm->unweighed && asked->algorithm->unweighed(asked))
		member->spec = weighed(w, member);
}

bool
reco_weigh(const reco_stacking *by, float *latest, const RecoSpec *asked, RecoModel *model,
		   RecoBudget *budget)
{
	Weighing w = {by, latest, model, budget, false};

	weigh(&w, asked, &model->member[0]);
	model->spec = model->member[0].spec;
	return w.found;
}
