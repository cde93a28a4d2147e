/*
 * hybrid_joint.c
 *	  What a hybrid makes of its members' factors, so that it need not score all items: the moments
 *	  of each member's, by which its scores are scaled, and one index of all of them.
 *
 * Cost: items times the squares of the factors for the moments, whenever a version is prepared;
 * memory of the index, a byte for each of all factors of an item, and 20.
 */
#include "model/hybrid_joint.h"

#include <math.h>

int
hybrid_factors(const RecoSpec *spec)
{
	const RecoPartType *type;
	int n = 0;

	if (spec->algorithm->replaced)
		return 0;
	if (spec->algorithm->wraps)
		return hybrid_factors(spec->member[0]);
	type = spec->algorithm->parts(spec, &n);
	for (int p = 0; p < n; p++)
		if (type[p].side == RECO_OF_ITEMS && type[p].role == RECO_ROLE_FACTORS)
			return type[p].width;
	return 0;
}

static bool
index_valid(const void *bytes, Size size, const RecoModel *model, const RecoMember *member)
{
	return reco_joint_valid(bytes, size, model->items);
}

const RecoPartType *
hybrid_joint_parts(const RecoSpec *spec, int *n)
{
	RecoPartType *type = palloc0((spec->members + 1) * sizeof(RecoPartType));

	*n = 0;
	for (int m = 0; m < spec->members; m++)
	{
		int factors = hybrid_factors(spec->member[m]);

		if (factors > 0)
			type[(*n)++] = (RecoPartType){
				.name = "moments",
				.side = RECO_OF_MODEL,
				.element = RECO_FLOAT8,
				.rows = 1,
				/* with a bias, which it may have */
				.width = (int) reco_factor_moments_size(factors, true),
				.kept = RECO_DERIVED,
			};
	}
	if (*n > 0)
		type[(*n)++] = (RecoPartType){
			.name = "index",
			.side = RECO_OF_ITEMS,
			.shape = RECO_BYTES,
			.kept = RECO_DERIVED_MAYBE,
			.valid = index_valid,
		};
	return type;
}

void
hybrid_joint_prepare(const RecoModel *model, RecoMember *member, RecoBudget *budget)
{
	int part = 0;

	for (int m = 0; m < member->members && member->parts > 0; m++)
	{
		const RecoMember *one = member->member[m];
		const RecoPartType *type = &member->type[part];
		const reco_factor_scorer *f;
		double *moments;

		if (hybrid_factors(one->spec) == 0)
			continue;
		f = (const reco_factor_scorer *) one->spec->algorithm->scorer(model, one);
		moments = reco_budget_alloc(budget, type->width * sizeof(double));
		memset(moments, 0, type->width * sizeof(double));
		reco_budget_check(budget,
						  reco_factor_moments_find(&budget->env, f->item, model->items, f->factors,
												   f->stride, f->item_bias, moments),
						  "the model");
		member->part[part++] = reco_vector_part(type, 1, moments);
	}
}

static void *
index_of(const RecoMember *member)
{
	return member->part[member->parts - 1].data;
}

void
hybrid_joint_give(const RecoMember *member, reco_hybrid_scorer *scorer)
{
	reco_joint_part *part = palloc0((member->members + 1) * sizeof(reco_joint_part));
	int parts = 0;

	for (int m = 0; m < member->members && member->parts > 0; m++)
	{
		reco_factor_scorer *f = (reco_factor_scorer *) scorer->member[m].scorer;
		double weight = scorer->member[m].weight;
		double square = 0;
		int d;

		if (hybrid_factors(member->member[m]->spec) == 0)
			continue;
		f->moments = member->part[parts].data;
		/* the mean square of an item's vector */
		d = f->factors + (f->item_bias ? 1 : 0);
		for (int k = 0; f->moments && k < d; k++)
			square += f->moments[d + (Size) k * d + k];
		part[parts++] = (reco_joint_part){
			.item = f->item,
			.stride = f->stride,
			.d = f->factors,
			.bias = f->item_bias,
			.scale = square > 0 ? (weight > 0 ? weight : 1) / sqrt(square) : 1,
		};
	}
	scorer->joint_part = part;
	scorer->joint_parts = parts;
	if (parts > 0 && reco_hybrid_is_mixed(scorer))
		scorer->joint = index_of(member);
}

void
hybrid_joint_index(RecoModel *model, RecoMember *member, const reco_hybrid_scorer *scorer,
				   RecoBudget *budget)
{
	Size size = scorer->joint_parts > 0 && reco_hybrid_is_mixed(scorer)
					? reco_joint_size(model->items, scorer->joint_part, scorer->joint_parts)
					: 0;
	void *index = size > 0 ? budget->env.alloc(budget->env.arg, size) : NULL;

	if (index == NULL)
		return;
	if (reco_joint_build(&budget->env, model->items, scorer->joint_part, scorer->joint_parts,
						 index) == RECO_OK)
		member->part[member->parts - 1] = (RecoPart){.data = index, .size = size};
	else
		reco_budget_free(budget, index);
}
