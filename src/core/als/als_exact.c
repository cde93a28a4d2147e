/*
 * als_exact.c
 *	  Solving one row of an ALS half step exactly, in float8.
 *
 * The row's factors are gathered in tiles of ALS_TILE rows scaled by sqrt(a),
 * whose outer products are added to the system; a Cholesky factorization
 * solves it.  A system that is singular to working precision (no or a tiny
 * regularization, repeated columns) gets a ridge that grows from 1e-12 of its
 * largest diagonal element until it can be factored, and a few steps of the
 * proximal point method then take back most of what that does to the solution,
 * which is always finite.
 *
 * Cost n D^2 + D^3 / 3, and n D more when the loss is wanted.  Fold-in and the
 * solver RECO_ALS_CHOLESKY share this code, so they agree bit for bit.
 */
#include "core/als/als_half.h"

#include <math.h>
#include <string.h>

size_t
als_exact_bytes(int ld)
{
	size_t row = reco_room(ld * sizeof(double));

	return reco_room((size_t) ld * ld * sizeof(double)) + ALS_TILE * row + 2 * row +
		   reco_room(ALS_TILE * sizeof(double));
}

void
als_exact_layout(als_exact *e, void *slab, int ld)
{
	char *at = slab;

	e->a = reco_take(&at, (size_t) ld * ld * sizeof(double));
	e->tile = reco_take(&at, (size_t) ALS_TILE * ld * sizeof(double));
	e->x = reco_take(&at, ld * sizeof(double));
	e->r = reco_take(&at, ld * sizeof(double));
	e->scale = reco_take(&at, ALS_TILE * sizeof(double));
}

void
als_system_init(als_system *s, const reco_als_params *params, int32_t columns, double mean,
				const float *y, int stride, const float *y_bias, const double *gram)
{
	memset(s, 0, sizeof(*s));
	s->k = reco_kernels_best();
	s->weights.implicit = params->implicit;
	s->weights.alpha = (float) params->alpha;
	s->weights.mean = (float) mean;
	s->weights.bias = y_bias;
	s->alpha = params->alpha;
	s->mean = mean;
	s->y = y;
	s->stride = stride;
	s->biases = !params->implicit && params->biases && y_bias != NULL;
	if (!s->biases)
		s->weights.bias = NULL;
	s->d = params->factors;
	s->D = s->d + (s->biases ? 1 : 0);
	s->ld = (s->D + 15) / 16 * 16;
	s->gram = params->implicit ? gram : NULL;
	if (!params->implicit)
		s->lambda1 = params->regularization;
	else if (params->weighted_regularization)
	{
		s->lambda0 = params->regularization * columns;
		s->lambda1 = params->regularization;
	}
	else
		s->lambda0 = params->regularization;
}

/* e->a and e->x become the system, e->lambda its lambda_r. */
static bool
build(const reco_env *env, const als_system *s, als_exact *e, const reco_als_row *row)
{
	double weight = 0;

	memset(e->a, 0, (size_t) s->ld * s->ld * sizeof(double));
	memset(e->x, 0, s->ld * sizeof(double));
	if (s->gram)
		for (int i = 0; i < s->d; i++)
			memcpy(e->a + (size_t) i * s->ld, s->gram + (size_t) i * s->d, s->d * sizeof(double));

	for (int64_t first = 0; first < row->n; first += ALS_TILE)
	{
		int n = row->n - first < ALS_TILE ? (int) (row->n - first) : ALS_TILE;
		double target[ALS_TILE];

		if (env->stopping(env->arg))
			return false;
		for (int k = 0; k < n; k++)
		{
			double a;

			als_entry(s, row, first + k, &a, &target[k]);
			weight += a;
			e->scale[k] = sqrt(a);
			target[k] = a > 0 ? target[k] / e->scale[k] : 0;
		}
		s->k->gather(e->tile, s->ld, s->y, s->stride, row->idx + first, e->scale, n, s->d,
					 s->biases);
		for (int k = 0; k < n; k++)
			if (target[k] != 0)
				s->k->axpy(e->x, target[k], e->tile + (size_t) k * s->ld, s->D);
		s->k->syrk(e->a, s->ld, e->tile, s->ld, s->D, n, false);
	}
	e->lambda = als_lambda(s, row, weight);
	for (int i = 0; row->center && i < s->D; i++)
		e->x[i] += e->lambda * row->center[i];
	return true;
}

bool
als_exact_attempt(const als_system *s, als_exact *e, double lambda, double *ridge)
{
	double largest = 0;

	for (int i = 0; i < s->D; i++)
	{
		double *a = e->a + (size_t) i * s->ld + i;

		*a += lambda;
		if (*a > largest)
			largest = *a;
	}
	for (int i = 0; i < s->D; i++)
		e->a[(size_t) i * s->ld + i] += *ridge * largest;
	if (s->k->potrf(e->a, s->ld, s->D, 1e-14))
	{
		s->k->potrs(e->a, s->ld, s->D, e->x);
		return true;
	}
	if (largest == 0)
	{
		/* every factor is 0, and so is the least-norm solution */
		memset(e->x, 0, s->ld * sizeof(double));
		memset(e->a, 0, (size_t) s->ld * s->ld * sizeof(double));
		for (int i = 0; i < s->D; i++)
			e->a[(size_t) i * s->ld + i] = 1;
		return true;
	}
	*ridge = *ridge == 0 ? 1e-12 : *ridge * 100;
	return false;
}

/*
 * Steps of the factored system towards the solution of the one without a ridge:
 * each makes the objective smaller, and what it is that a ridge keeps small.
 */
static reco_status
take_back_ridge(const reco_env *env, const als_system *s, als_exact *e, const reco_als_row *row)
{
	for (int step = 0; step < ALS_ATTEMPTS; step++)
	{
		reco_status status = als_exact_residual(env, s, e, row, NULL);

		if (status != RECO_OK)
			return status;
		s->k->potrs(e->a, s->ld, s->D, e->r);
		s->k->axpy(e->x, 1.0, e->r, s->D);
	}
	return RECO_OK;
}

reco_status
als_exact_solve(const reco_env *env, const als_system *s, als_exact *e, const reco_als_row *row)
{
	e->ridge = 0;
	for (int attempt = 0; attempt < ALS_ATTEMPTS; attempt++)
	{
		if (!build(env, s, e, row))
			return RECO_STOPPED;
		if (als_exact_attempt(s, e, e->lambda, &e->ridge))
			return e->ridge > 0 ? take_back_ridge(env, s, e, row) : RECO_OK;
	}
	return RECO_SINGULAR;
}

bool
als_store(const als_system *s, const double *solution, float *x, float *bias)
{
	bool finite = true;

	for (int c = 0; c < s->d; c++)
	{
		x[c] = (float) solution[c];
		finite &= isfinite(x[c]) != 0;
	}
	if (bias)
	{
		*bias = s->biases ? (float) solution[s->d] : 0;
		finite &= isfinite(*bias) != 0;
	}
	return finite;
}

/* x'Gx, with G of the implicit model */
static double
quadratic(const als_system *s, const double *x)
{
	double sum = 0;

	if (s->gram)
		for (int i = 0; i < s->d; i++)
			sum += x[i] * s->k->dot(s->gram + (size_t) i * s->d, x, s->d);
	return sum;
}

reco_status
als_exact_residual(const reco_env *env, const als_system *s, als_exact *e, const reco_als_row *row,
				   als_objective *reached)
{
	double weight = 0;
	double loss = 0;
	double lambda;

	memset(e->r, 0, s->ld * sizeof(double));
	for (int64_t first = 0; first < row->n; first += ALS_TILE)
	{
		int n = row->n - first < ALS_TILE ? (int) (row->n - first) : ALS_TILE;
		double a[ALS_TILE];
		double t[ALS_TILE];
		double score[ALS_TILE];

		if (env->stopping(env->arg))
			return RECO_STOPPED;
		for (int k = 0; k < n; k++)
			als_entry(s, row, first + k, &a[k], &t[k]);
		s->k->als_residual(e->r, score, s->y, s->stride, s->d, row->idx + first, a, t, n, e->x,
						   s->biases);
		for (int k = 0; k < n; k++)
		{
			double miss = (s->weights.implicit ? (t[k] > 0 ? 1.0 : 0.0) : t[k]) - score[k];

			weight += a[k];
			/* c (p - s)^2 - s^2; the s^2 of all cells is x'Gx */
			loss += s->weights.implicit ? (1.0 + a[k]) * miss * miss - score[k] * score[k]
										: miss * miss;
		}
	}
	lambda = als_lambda(s, row, weight);
	if (s->gram)
		for (int i = 0; i < s->d; i++)
			e->r[i] -= s->k->dot(s->gram + (size_t) i * s->d, e->x, s->d);
	s->k->axpy(e->r, -lambda, e->x, s->D);
	for (int i = 0; row->center && i < s->D; i++)
		e->r[i] += lambda * row->center[i];
	if (reached)
	{
		reached->penalty = lambda * als_distance(s, row, e->x);
		reached->loss = loss + quadratic(s, e->x) + reached->penalty;
	}
	return RECO_OK;
}

/*
 * A ridge moves the minimum: of the solution in e->x and of what is stored,
 * stores whichever has the lower objective.
 */
static reco_status
lower_row(const reco_env *env, const als_system *s, als_exact *e, const reco_als_row *row, float *x,
		  float *bias, als_objective *reached)
{
	double *solution = e->tile; /* not in use now */
	als_objective is;
	als_objective was;
	reco_status status = als_exact_residual(env, s, e, row, &is);

	memcpy(solution, e->x, s->ld * sizeof(double));
	for (int c = 0; c < s->d; c++)
		e->x[c] = x[c];
	if (s->biases)
		e->x[s->d] = *bias;
	if (status == RECO_OK)
		status = als_exact_residual(env, s, e, row, &was);
	if (status != RECO_OK)
		return status;
	if (reached)
		*reached = is.loss < was.loss ? is : was;
	return !(is.loss < was.loss) || als_store(s, solution, x, bias) ? RECO_OK : RECO_SINGULAR;
}

reco_status
als_exact_row(const reco_env *env, const als_system *s, als_exact *e, const reco_als_row *row,
			  float *x, float *bias, als_objective *reached)
{
	reco_status status = als_exact_solve(env, s, e, row);

	if (status != RECO_OK)
		return status;
	if (s->improve && e->ridge > 0)
		return lower_row(env, s, e, row, x, bias, reached);
	if (!als_store(s, e->x, x, bias))
		return RECO_SINGULAR;
	if (reached)
		return als_exact_residual(env, s, e, row, reached);
	return RECO_OK;
}
