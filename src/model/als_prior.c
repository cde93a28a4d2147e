/*
 * als_prior.c
 *	  Users as another model knows them: the centers of their factors.
 *
 * What the other model says was read with the data (store/image/prior.c), for all trainings on
 * it, or for users who are folded in; here each takes the rows of its own users.  The mathematics
 * is in core/als/als.c.
 */
#include "model/als_prior.h"

RecoPartType
reco_als_prior_part_type(const reco_als_params *params)
{
	return (RecoPartType){
		.name = "center",
		.side = RECO_OF_USERS,
		.width = reco_als_center_width(params),
		.padded = true,
		.kept = RECO_STORED_ONLY,
		.role = RECO_ROLE_CENTER,
	};
}

static const RecoPrior *
prior_of(const RecoTraining *training, const char *name, const reco_als_params *params)
{
	const RecoPrior *prior = reco_prior_of(training->set->priors, name);

	if (prior->factors != params->factors)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("prior \"%s\" has %d factors, where \"%s\" is to have %d", name,
						prior->factors, training->spec->algorithm->name, params->factors),
				 errhint("Give both as many: factors => %d here, or train \"%s\" with factors => "
						 "%d.",
						 prior->factors, name, params->factors)));
	return prior;
}

size_t
reco_als_prior_memory(const RecoTraining *training, const char *name, const reco_als_params *params)
{
	if (name == NULL)
		return 0;
	(void) prior_of(training, name, params);
	return ((size_t) training->by_user.rows + 1) * reco_als_center_stride(params) * sizeof(float);
}

void
reco_als_prior_center(const RecoSpec *spec, const reco_als_params *params, const RecoPrior *prior,
					  int32 user, float *to)
{
	int width = reco_als_center_width(params);
	const float *from = reco_prior_row(prior, user);

	memset(to, 0, reco_als_center_stride(params) * sizeof(float));
	memcpy(to, from, (width - 1) * sizeof(float));
	/* of ratings it says as much as there are: so is regularization by their number */
	if (spec->predicts_value)
		to[width - 1] = from[prior->factors + 1];
}

float *
reco_als_prior_centers(const RecoTraining *training, const char *name,
					   const reco_als_params *params)
{
	int stride = reco_als_center_stride(params);
	const int32 *origin = training->set->origin;
	const RecoPrior *prior;
	float *center;

	if (name == NULL)
		return NULL;
	prior = prior_of(training, name, params);
	center = reco_budget_alloc(training->budget, reco_als_prior_memory(training, name, params));
	for (int32 u = 0; u < training->by_user.rows; u++)
	{
		reco_als_prior_center(training->spec, params, prior, origin ? origin[u] : u,
							  center + (Size) u * stride);
		RECO_POLL_AT(u);
	}
	return center;
}
