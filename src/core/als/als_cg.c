/*
 * als_cg.c
 *	  Solving the rows of an ALS half step by conjugate gradients in a common
 *	  basis.
 *
 * The systems of a half step differ only in the row's own entries, so what they
 * share is taken out once: with the eigenvectors Q and eigenvalues e of
 * G + lambda0 I (implicit), or of the average y y' over all entries (explicit),
 * and S = diag(e)^-1/2, the unknown is written x = Q S u.  Then
 *
 *	 (E + w F + sum_j a_j z_j z_j') u = sum_j t_j z_j,	 z_j = S Q' y_j,
 *
 * with w = sum_j a_j and diagonal E (the identity in the implicit model) and F.
 * There is no d x d product in a step any more, and the operator is close to
 * the identity: a row's own entries add little to G in most directions.  What
 * they add is expected to be w times the average of z z' over all entries,
 * whose diagonal joins the preconditioner.  Where E is the identity and F is 0,
 * the axes of u are still free: they are turned to where that average is
 * diagonal (als_basis.c), so that all of it does.  One warm-started step here does
 * more than three of the plain method (Takacs, Pilaszy, Tikk 2011).
 *
 * A row ends when what is left to gain is a small part of its objective
 * (iterate), which holds for any values; where single weights stand out, that
 * takes a step for each that does.  Rows that as many steps as half of an exact
 * solution costs are not enough for, and those that float4 or packed factors
 * might raise the objective of (noise), are solved exactly, so that no half step
 * raises the objective.
 *
 * z may be packed to half its size (isa/alspass.c), but not where rows are to
 * converge, as users are in the end.  There a row is solved to float4 accuracy, its residual taken
 * in float8 in the original basis, and solved for once more, so that it equals the exact fold-in to
 * about 1e-6 of its length.
 *
 * Cost: D^3 and columns D^2 a half step; a row 3 D^2 + 6 n D, and 4 n D for
 * every step after the first.
 *
 * Sources: G. Takacs, I. Pilaszy, D. Tikk: Applications of the conjugate gradient
 * method for implicit feedback collaborative filtering. RecSys 2011.  G. Meurant,
 * P. Tichy: On computing quadrature-based bounds for the A-norm of the error in
 * conjugate gradients. Numerical Algorithms 62, 2013.
 */
#include "core/als/als_half.h"

#include <math.h>
#include <string.h>

/*
 * A step that begins with at most ALS_NEAR of the row's objective left to gain
 * is a row's last.
 */
#define ALS_NEAR 5e-3

/*
 * When a row is solved to convergence: what may be left in float4, in the squared
 * norm of the solution, and the squared relative error of x that may be left in
 * the end.
 */
#define ALS_CLOSE 1e-7
#define ALS_SAME 1e-12

/*
 * The squared size of a correction, relative to x, after which none is needed; that
 * which means that there is no point in another; and how many there are at most.
 */
#define ALS_SURE 1e-8
#define ALS_FAR 1e-4
#define ALS_ROUNDS 4

/*
 * Rounding of the passes, of packed factors and of float4, squared; and the part
 * of the objective that what it costs may reach.
 */
#define ALS_PACKED_NOISE 1.3e-6
#define ALS_FLOAT_NOISE 6e-14
#define ALS_NOISE 1e-3

/* The squared norm of a residual below which products lose digits in float4. */
#define ALS_TINY 1e-30

/* An objective that falls further than by this is not known from how far it fell. */
#define ALS_FALL 1e-5

/*
 * Entries times factors between two looks at the stop flag, and of a pass that looks.
 * Pieces of whole PASS_CHUNKs add up to the same bits as one (isa/alspass.c).
 */
#define PASS_WORK 4e6
#define PASS_LOOKS 1e5
#define PASS_CHUNK 256

size_t
als_cg_bytes(int ld)
{
	return 7 * reco_room(ld * sizeof(float)) + als_exact_bytes(ld);
}

void
als_cg_layout(als_cg *c, void *slab, int ld)
{
	char *at = slab;

	c->x = reco_take(&at, ld * sizeof(float));
	c->r = reco_take(&at, ld * sizeof(float));
	c->p = reco_take(&at, ld * sizeof(float));
	c->q = reco_take(&at, ld * sizeof(float));
	c->io = reco_take(&at, ld * sizeof(float));
	c->op = reco_take(&at, ld * sizeof(float));
	c->inverse = reco_take(&at, ld * sizeof(float));
	als_exact_layout(&c->exact, at, ld);
}

/* A pass in pieces, with a look at the stop flag before them; a short one has none. */
static bool
pass(const reco_env *env, const als_system *s, const als_basis *b, reco_als_pass kind,
	 const reco_als_row *row, const float *p, float *out, reco_als_sums *sums)
{
	int64_t step = (int64_t) (PASS_WORK / b->ld) / PASS_CHUNK * PASS_CHUNK;
	bool looks = (double) row->n * b->ld >= PASS_LOOKS;

	for (int64_t first = 0; first < row->n; first += step)
	{
		reco_als_row piece = {row->n - first < step ? row->n - first : step, row->idx + first,
							  row->value ? row->value + first : NULL, NULL};

		if (looks && env->stopping(env->arg))
			return false;
		s->k->als_pass(kind, b->z, b->ld, b->packed, &s->weights, &piece, p, out, sums);
	}
	return true;
}

/* The squared norm of the solution that goes with the preconditioner. */
static double
norm(const als_cg *c, int ld)
{
	double sum = 0;

	for (int i = 0; i < ld; i++)
		if (c->inverse[i] > 0)
			sum += (double) c->x[i] * c->x[i] / c->inverse[i];
	return sum;
}

void
als_cg_start(const als_system *s, const als_basis *b, const float *x, const float *bias, float *out)
{
	s->k->rotate(out, b->ld, x, s->stride, 1, s->d, b->start, NULL);
	if (s->biases)
		s->k->cg_add(out, *bias, b->start + (size_t) s->d * b->ld, b->ld);
}

/* The first pass, of a row from its start on: c->x, c->r and *sums.  False to stop. */
static bool
first_pass(const reco_env *env, const als_system *s, const als_basis *b, als_cg *c,
		   const reco_als_row *row, const float *x, const float *bias, reco_als_sums *sums)
{
	als_cg_start(s, b, x, bias, c->x);
	if (c->given)
	{
		memcpy(c->r, c->given->sum, b->ld * sizeof(float));
		*sums = c->given->sums;
		return true;
	}
	memset(c->r, 0, b->ld * sizeof(float));
	return pass(env, s, b, RECO_PASS_RESIDUAL, row, c->x, c->r, sums);
}

/*
 * The pass of a step: what c->p gives along itself to *curvature, and unless the step is the last
 * what it gives to c->q.  False to stop, or where to plan the pass was all that is wanted.
 */
static bool
step_pass(const reco_env *env, const als_system *s, const als_basis *b, als_cg *c,
		  const reco_als_row *row, int step, bool last, double *curvature)
{
	reco_als_pass kind = last ? RECO_PASS_CURVATURE : RECO_PASS_PRODUCT;
	als_given *given = c->given;
	reco_als_sums sums = {0};

	if (given && step < given->passes)
	{
		*curvature += given->curvature[step];
		if (!last)
			s->k->cg_add(c->q, 1.0f, given->sum + step * given->room, b->ld);
		return true;
	}
	if (given && given->plans)
	{
		memcpy(given->p, c->p, b->ld * sizeof(float));
		given->kind = kind;
		given->planned = true;
		return false;
	}
	if (!pass(env, s, b, kind, row, c->p, c->q, &sums))
		return false;
	*curvature += sums.curvature;
	return true;
}

/*
 * Conjugate gradients for A u = r + A c->x: c->r holds the residual, c->op and
 * c->inverse the diagonals.  A step that begins with at most `enough`, or `near`
 * of the objective, to gain is the last.  *gain is how much the objective fell.
 *
 * What is left to gain, r'A^-1 r, is at most r'op^-1 r, for A - op is positive,
 * and then bounded by the Gauss-Radau quadrature that the steps carry along
 * (Meurant and Tichy 2013): with steps alpha, preconditioned residuals rho and mu
 * below all eigenvalues it is at most most * rho, where most begins at 1 / mu and
 * becomes (most - alpha) / (mu (most - alpha) + next rho / rho).
 *
 * RECO_SINGULAR: not there after `steps` steps, or out of float4's range.
 */
static reco_status
iterate(const reco_env *env, const als_system *s, const als_basis *b, als_cg *c,
		const reco_als_row *row, int steps, double enough, double near, double objective,
		double *gain)
{
	const reco_kernels *k = s->k;
	int ld = b->ld;
	double mu;
	double left = k->cg_bound(c->op, c->inverse, c->r, ld, &mu);
	double rho = k->cg_scale(c->p, c->inverse, c->r, ld);
	double most = 1 / mu;

	if (!(mu > 0) || !isfinite(rho) || !isfinite(left))
		return RECO_SINGULAR;
	for (int step = 1; rho > ALS_TINY; step++)
	{
		bool last = left <= enough + near * (objective - *gain);
		double curvature;
		double next;
		double alpha;

		if (step > steps)
			return RECO_SINGULAR;
		curvature = k->cg_scale(c->q, c->op, c->p, ld);
		if (!step_pass(env, s, b, c, row, step, last, &curvature))
			return RECO_STOPPED;
		if (!(curvature > 0) || !isfinite(curvature))
			return RECO_SINGULAR;
		alpha = rho / curvature;
		*gain += alpha * rho;
		k->cg_add(c->x, (float) alpha, c->p, ld);
		if (last)
			return RECO_OK;
		k->cg_add(c->r, (float) -alpha, c->q, ld);
		/* q is free now: the preconditioned residual */
		next = k->cg_scale(c->q, c->inverse, c->r, ld);
		k->cg_add(c->q, (float) (next / rho), c->p, ld);
		memcpy(c->p, c->q, ld * sizeof(float));
		most = most - alpha > 1e-6 * most ? most - alpha : 1e-6 * most;
		most = most / (mu * most + next / rho);
		rho = next;
		left = most * rho;
	}
	/* products may have vanished: only what would be seen is sure */
	enough += near * (objective - *gain);
	return left <= enough && enough >= ALS_TINY ? RECO_OK : RECO_SINGULAR;
}

/*
 * Float8 residuals at the solution found, and a float4 solve of each for a correction.
 * A solve in float4 is off by some part of what it gives, about the same part each time:
 * where a correction is small, what is left after it is rounding of the result itself.
 * RECO_SINGULAR: float4 is not enough.
 */
static reco_status
refine(const reco_env *env, const als_system *s, const als_basis *b, als_cg *c,
	   const reco_als_row *row, double least, als_objective *reached)
{
	als_exact *e = &c->exact;

	for (int round = 0; round < ALS_ROUNDS; round++)
	{
		double before;
		double after = 0;
		double gain = 0;
		reco_status status = als_exact_residual(env, s, e, row, reached);

		if (status != RECO_OK)
			return status;
		before = s->k->dot(e->x, e->x, s->D);
		memset(c->x, 0, b->ld * sizeof(float));
		memset(c->io, 0, b->ld * sizeof(float));
		for (int k = 0; k < s->D; k++)
			c->io[k] = (float) e->r[k];
		s->k->rotate(c->r, b->ld, c->io, b->ld, 1, s->D, b->to, NULL);
		status = iterate(env, s, b, c, row, 30, ALS_SAME * least * before, 0, 0, &gain);
		if (status != RECO_OK)
			return status;
		s->k->rotate(c->io, b->ld, c->x, b->ld, 1, b->ld, b->back, NULL);
		for (int k = 0; k < s->D; k++)
			after += (double) c->io[k] * c->io[k];
		/* a correction as large as the solution means that float4 was not enough */
		if (!(after <= ALS_FAR * before))
			return RECO_SINGULAR;
		for (int k = 0; k < s->D; k++)
			e->x[k] += c->io[k];
		if (after <= ALS_SURE * before)
			return RECO_OK;
	}
	return RECO_SINGULAR;
}

/*
 * What rounding may cost a row's objective, about: errors of z, relative to |y|
 * or, when packed, to each component, move the scores and, by the pull of the
 * entries, the minimum.
 */
static double
noise(const als_system *s, const als_basis *b, als_cg *c, const reco_als_sums *sums, double least,
	  double square)
{
	double scores = square * (b->largest + sums->weight * (s->lambda1 + b->longest));
	double minimum = sums->pull * b->longest / least;
	double lost = ALS_FLOAT_NOISE * (scores + minimum);

	if (b->packed)
		lost += ALS_PACKED_NOISE * (sums->weight * s->k->cg_scale(c->q, b->guess, c->x, b->ld) +
									sums->pull * (s->gram ? b->leverage : s->D / sums->weight));
	return lost;
}

/* |x - c|^2 of a stored solution; e->x is written over */
static double
stored_distance(const als_system *s, als_exact *e, const reco_als_row *row, const float *x,
				const float *bias)
{
	for (int c = 0; c < s->d; c++)
		e->x[c] = x[c];
	if (s->biases)
		e->x[s->d] = *bias;
	return als_distance(s, row, e->x);
}

/* The diagonals of a row whose center has a weight. */
static void
weigh_center(const als_basis *b, als_cg *c, double weight, double more)
{
	for (int i = 0; more > 0 && i < b->ld; i++)
	{
		float m;

		c->op[i] += (float) more * b->slope[i];
		m = c->op[i] + (float) weight * b->guess[i];
		c->inverse[i] = m > 0 ? 1.0f / m : 0.0f;
	}
}

/*
 * What a center c adds to a row: lambda c to the residual, and to the penalty at u, that of
 * lambda |x|^2, what makes it lambda |x - c|^2.  c->p is written over.  Returns |c|^2.
 */
static double
add_center(const als_system *s, const als_basis *b, als_cg *c, const reco_als_row *row,
		   double lambda, double *penalty)
{
	double square = 0;
	double product = 0;

	s->k->rotate(c->p, b->ld, row->center, s->ld, 1, s->D, b->to, NULL);
	for (int k = 0; k < s->D; k++)
		square += (double) row->center[k] * row->center[k];
	for (int k = 0; k < b->ld; k++)
		product += (double) c->p[k] * c->x[k];
	s->k->cg_add(c->r, (float) lambda, c->p, b->ld);
	*penalty += lambda * (square - 2 * product);
	return square;
}

/* A try in float4; RECO_SINGULAR: that is not enough. */
static reco_status
cg_attempt(const reco_env *env, const als_system *s, const als_basis *b, als_cg *c,
		   const reco_als_row *row, bool converge, float *x, float *bias, als_objective *reached)
{
	int ld = b->ld;
	reco_als_sums sums = {0};
	double own;
	double objective;
	double gain = 0;
	double square;
	double center = 0;
	double penalty;
	double lambda;
	double least;
	double lost;
	int steps;
	reco_status status;

	if (!first_pass(env, s, b, c, row, x, bias, &sums))
		return RECO_STOPPED;
	for (int i = 0; i < c->next_n; i++)
	{
		size_t bytes = (size_t) ld * (b->packed ? 2 : 4);
		const char *z = (const char *) b->z + c->next[i] * bytes;

		for (size_t at = 0; at < bytes && at < 256; at += 64)
			__builtin_prefetch(z + at);
	}
	if (!(sums.largest < ALS_LARGE_WEIGHT))
		return RECO_SINGULAR;
	s->k->cg_diagonal(c->op, c->inverse, b->base, b->slope, b->guess, (float) sums.weight, ld);
	if (row->center)
		weigh_center(b, c, sums.weight, row->center[s->D]);
	own = penalty = s->k->cg_scale(c->q, c->op, c->x, ld);
	s->k->cg_add(c->r, -1.0f, c->q, ld);
	lambda = als_lambda(s, row, sums.weight);
	if (row->center)
		center = add_center(s, b, c, row, lambda, &penalty);
	own += lambda * center;
	objective = sums.loss + penalty;
	if (!isfinite(objective) || objective < ALS_FALL * own)
		return RECO_SINGULAR;
	/* as many as cost half of an exact solution */
	steps = 3 + s->D / 8 + (int) (s->D * (double) s->D / 24.0 / (double) row->n);
	status =
		iterate(env, s, b, c, row, converge ? 60 : steps, converge ? ALS_CLOSE * norm(c, ld) : 0,
				converge ? 0 : ALS_NEAR, objective, &gain);
	if (status == RECO_OK && c->given && c->given->plans)
		status = RECO_STOPPED;
	if (status != RECO_OK)
		return status;

	s->k->rotate(c->io, ld, c->x, ld, 1, ld, b->back, NULL);
	for (int k = 0; k < ld; k++)
		c->exact.x[k] = c->io[k];
	square = s->k->dot(c->exact.x, c->exact.x, s->D);
	least = b->least + lambda - s->lambda0;
	lost = noise(s, b, c, &sums, least, square + center);
	if (!(lost <= ALS_NOISE * (objective - gain)) || objective - gain < ALS_FALL * objective)
		return RECO_SINGULAR;
	if (converge)
	{
		status = refine(env, s, b, c, row, least, reached);
		if (status != RECO_OK)
			return status;
	}
	else if (gain <= lost)
	{
		/* rounding would undo it: x stays */
		if (reached)
			*reached =
				(als_objective){objective, lambda * stored_distance(s, &c->exact, row, x, bias)};
		return RECO_OK;
	}
	else if (reached)
		*reached = (als_objective){objective - gain, lambda * als_distance(s, row, c->exact.x)};
	return als_store(s, c->exact.x, x, bias) ? RECO_OK : RECO_SINGULAR;
}

reco_status
als_cg_row(const reco_env *env, const als_system *s, const als_basis *b, als_cg *c,
		   const reco_als_row *row, bool converge, float *x, float *bias, als_objective *reached)
{
	reco_status status = cg_attempt(env, s, b, c, row, converge, x, bias, reached);

	if (status == RECO_SINGULAR && !(c->given && c->given->plans))
		return als_exact_row(env, s, &c->exact, row, x, bias, reached);
	return status;
}
