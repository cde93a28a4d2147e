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
 * whose diagonal joins the preconditioner.  One warm-started step here does
 * more than three of the plain method (Takacs, Pilaszy, Tikk 2011).
 *
 * z may be packed to half its size (isa/alspass.c): the last iteration never
 * is.  There a user's row is solved to float4 accuracy, its residual taken in
 * float8 in the original basis, and solved for once more, so that it equals the
 * exact fold-in to about 1e-7.
 *
 * Cost: D^3 and columns D^2 a half step; a row 3 D^2 + 6 n D, and 4 n D for
 * every step after the first.
 */
#include "core/als_half.h"

#include <math.h>
#include <string.h>

/*
 * Steps of a row that is not solved to convergence: one when the residual, in
 * the norm of the solution, is below ALS_NEAR, else up to ALS_STEPS.
 */
#define ALS_STEPS 3
#define ALS_NEAR 0.05

/* Multiply-adds between two looks at the stop flag. */
#define PASS_WORK 2e7

extern void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
					double *w, double *work, const int *lwork, int *iwork, const int *liwork,
					int *info);

static size_t
lapack_doubles(int n)
{
	return 1 + 6 * (size_t) n + 2 * (size_t) n * n;
}

size_t
als_basis_bytes(int32_t columns, int ld)
{
	size_t vector = als_room(ld * sizeof(float));

	return als_room((size_t) columns * ld * sizeof(float)) +
		   als_room((size_t) ld * ld * sizeof(double)) + als_room(ld * sizeof(double)) +
		   als_room(lapack_doubles(ld) * sizeof(double)) +
		   als_room((3 + 5 * (size_t) ld) * sizeof(int)) +
		   3 * als_room((size_t) ld * ld * sizeof(float)) + 3 * vector +
		   als_room((size_t) ALS_BLOCKS * ld * sizeof(double)) +
		   als_room((size_t) ALS_BLOCKS * ALS_TILE * ld * sizeof(float));
}

void
als_basis_layout(als_basis *b, void *slab, int32_t columns, int ld)
{
	char *at = slab;

	b->ld = ld;
	b->z = als_take(&at, (size_t) columns * ld * sizeof(float));
	b->work = als_take(&at, (size_t) ld * ld * sizeof(double));
	b->eigen = als_take(&at, ld * sizeof(double));
	b->lapack = als_take(&at, lapack_doubles(ld) * sizeof(double));
	b->ilapack = als_take(&at, (3 + 5 * (size_t) ld) * sizeof(int));
	b->to = als_take(&at, (size_t) ld * ld * sizeof(float));
	b->start = als_take(&at, (size_t) ld * ld * sizeof(float));
	b->back = als_take(&at, (size_t) ld * ld * sizeof(float));
	b->base = als_take(&at, ld * sizeof(float));
	b->slope = als_take(&at, ld * sizeof(float));
	b->guess = als_take(&at, ld * sizeof(float));
	b->partial = als_take(&at, (size_t) ALS_BLOCKS * ld * sizeof(double));
	b->rotated = als_take(&at, (size_t) ALS_BLOCKS * ALS_TILE * ld * sizeof(float));
}

/*
 * From the matrix in b->work (D x D, leading dimension D) to Q, S and the three
 * transformations.  divisor: of the matrix; shift: added to the eigenvalues.
 */
static bool
decompose(const als_system *s, als_basis *b, double divisor)
{
	int n = s->D;
	int lwork = (int) lapack_doubles(n);
	int liwork = 3 + 5 * n;
	int info;
	double shift = s->gram ? s->lambda0 : s->lambda1;
	double floor;

	for (size_t i = 0; i < (size_t) n * n; i++)
	{
		if (!isfinite(b->work[i]))
			return false;
		b->work[i] /= divisor;
	}
	dsyevd_("V", "U", &n, b->work, &n, b->eigen, b->lapack, &lwork, b->ilapack, &liwork, &info);
	if (info != 0)
		return false;

	/* rows of work are the eigenvectors now, eigenvalues ascend */
	floor = (b->eigen[n - 1] > 0 ? b->eigen[n - 1] : 0) * 1e-9;
	memset(b->to, 0, (size_t) b->ld * b->ld * sizeof(float));
	memset(b->start, 0, (size_t) b->ld * b->ld * sizeof(float));
	memset(b->back, 0, (size_t) b->ld * b->ld * sizeof(float));
	for (int c = 0; c < b->ld; c++)
		b->base[c] = b->slope[c] = 0;
	for (int c = 0; c < n; c++)
	{
		const double *q = b->work + (size_t) c * n;
		double e = (b->eigen[c] > floor ? b->eigen[c] : floor) + shift;
		double scale;

		if (!(e > 1e-30))
			e = 1e-30;
		scale = 1.0 / sqrt(e);
		b->base[c] = s->gram ? (float) (scale * scale * (b->eigen[c] + shift)) : 0;
		if (s->gram && b->base[c] < 1e-9f)
			b->base[c] = 1e-9f;
		b->slope[c] = (float) (scale * scale * s->lambda1);
		for (int k = 0; k < n; k++)
		{
			b->to[(size_t) k * b->ld + c] = b->back[(size_t) c * b->ld + k] =
				(float) (q[k] * scale);
			b->start[(size_t) k * b->ld + c] = (float) (q[k] / scale);
		}
	}
	return true;
}

/* z and the average of its squares over all entries */
static void
rotate_block(const als_system *s, als_basis *b, const int64_t *column_start, int block,
			 int64_t first, int64_t last)
{
	double *sum = b->partial + (size_t) block * b->ld;
	int ld = b->ld;

	for (int64_t tile = first; tile < last; tile += ALS_TILE)
	{
		int n = last - tile < ALS_TILE ? (int) (last - tile) : ALS_TILE;
		float *z = b->packed ? b->rotated + (size_t) block * ALS_TILE * ld
							 : (float *) b->z + (size_t) tile * ld;

		s->k->rotate(z, ld, s->y + (size_t) tile * s->stride, s->stride, n, s->d, b->to,
					 s->biases ? b->to + (size_t) s->d * ld : NULL);
		for (int r = 0; r < n; r++)
		{
			float w = (float) (column_start[tile + r + 1] - column_start[tile + r]);

			for (int c = 0; c < ld; c++)
				sum[c] += w * (z[(size_t) r * ld + c] * z[(size_t) r * ld + c]);
		}
		if (b->packed)
			s->k->als_pack((uint32_t *) b->z + (size_t) tile * (ld / 2), z, (int64_t) n * ld);
	}
}

reco_status
als_basis_make(const reco_env *env, const als_system *s, als_basis *b, int32_t columns,
			   const int64_t *column_start, bool packed)
{
	double entries = (double) column_start[columns];
	int64_t size = ((int64_t) columns + ALS_BLOCKS - 1) / ALS_BLOCKS;
	int64_t step = (int64_t) (2e7 / ((double) b->ld * b->ld)) + 1;

	b->packed = packed;
	if (s->gram)
		memcpy(b->work, s->gram, (size_t) s->d * s->d * sizeof(double));
	if (!decompose(s, b, s->gram || entries == 0 ? 1.0 : entries))
		return RECO_SINGULAR;
	if (env->poll(env->arg))
		return RECO_STOPPED;

	memset(b->partial, 0, (size_t) ALS_BLOCKS * b->ld * sizeof(double));
	for (int64_t at = 0; at < size; at += step)
	{
#pragma omp parallel for schedule(dynamic, 1) num_threads(env->threads)
		for (int block = 0; block < ALS_BLOCKS; block++)
		{
			int64_t end = (block + 1) * size < columns ? (block + 1) * size : columns;
			int64_t first = block * size + at;
			int64_t last = first + step < end ? first + step : end;

			if (first < last)
				rotate_block(s, b, column_start, block, first, last);
		}
		if (env->poll(env->arg))
			return RECO_STOPPED;
	}
	for (int c = 0; c < b->ld; c++)
	{
		double sum = 0;

		for (int block = 0; block < ALS_BLOCKS; block++)
			sum += b->partial[(size_t) block * b->ld + c];
		b->guess[c] = entries > 0 ? (float) (sum / entries) : 0;
	}
	return RECO_OK;
}

size_t
als_cg_bytes(int ld)
{
	return 7 * als_room(ld * sizeof(float)) + als_exact_bytes(ld);
}

void
als_cg_layout(als_cg *c, void *slab, int ld)
{
	char *at = slab;

	c->x = als_take(&at, ld * sizeof(float));
	c->r = als_take(&at, ld * sizeof(float));
	c->p = als_take(&at, ld * sizeof(float));
	c->q = als_take(&at, ld * sizeof(float));
	c->io = als_take(&at, ld * sizeof(float));
	c->op = als_take(&at, ld * sizeof(float));
	c->inverse = als_take(&at, ld * sizeof(float));
	als_exact_layout(&c->exact, at, ld);
}

/* A pass in pieces, with a look at the stop flag between them. */
static bool
pass(const reco_env *env, const als_system *s, const als_basis *b, reco_als_pass kind,
	 const reco_als_row *row, const float *p, float *out, reco_als_sums *sums)
{
	int64_t step = (int64_t) (PASS_WORK / b->ld);

	for (int64_t first = 0; first < row->n; first += step)
	{
		reco_als_row piece = {row->n - first < step ? row->n - first : step, row->idx + first,
							  row->value ? row->value + first : NULL};

		if (first > 0 && env->stopping(env->arg))
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

/*
 * Conjugate gradients for A u = r + A c->x: c->r holds the residual, c->op and
 * c->inverse the diagonals.  Ends after `steps` steps or when the
 * preconditioned residual is below `tolerance` times `size`, the squared norm of
 * the solution; a step that starts below `near` is the last.  *gain is how much
 * the objective fell.
 */
static reco_status
iterate(const reco_env *env, const als_system *s, const als_basis *b, als_cg *c,
		const reco_als_row *row, int steps, double tolerance, double near, double size,
		double *gain)
{
	const reco_kernels *k = s->k;
	int ld = b->ld;
	double rho = k->cg_scale(c->p, c->inverse, c->r, ld);

	for (int step = 1; step <= steps; step++)
	{
		bool last = step == steps || rho <= near * near * size;
		reco_als_sums sums = {0};
		double curvature;
		double next;
		double alpha;

		if (!(rho > 1e-60))
			break;
		curvature = k->cg_scale(c->q, c->op, c->p, ld);
		if (!pass(env, s, b, last ? RECO_PASS_CURVATURE : RECO_PASS_PRODUCT, row, c->p, c->q,
				  &sums))
			return RECO_STOPPED;
		curvature += sums.curvature;
		if (!(curvature > 0) || !isfinite(curvature))
			break;
		alpha = rho / curvature;
		*gain += alpha * rho;
		k->cg_add(c->x, (float) alpha, c->p, ld);
		if (last)
			break;
		k->cg_add(c->r, (float) -alpha, c->q, ld);
		/* q is free now: the preconditioned residual */
		next = k->cg_scale(c->q, c->inverse, c->r, ld);
		if (next <= tolerance * tolerance * size)
			break;
		k->cg_add(c->q, (float) (next / rho), c->p, ld);
		memcpy(c->p, c->q, ld * sizeof(float));
		rho = next;
	}
	return RECO_OK;
}

/*
 * A float8 residual at the solution found, and one more float4 solve for the
 * correction: what is left is rounding of the result itself.
 */
static reco_status
refine(const reco_env *env, const als_system *s, const als_basis *b, als_cg *c,
	   const reco_als_row *row, double size, als_told *told)
{
	als_exact *e = &c->exact;
	double before = 0;
	double after = 0;
	double gain = 0;
	reco_status status = als_exact_residual(env, s, e, row, told);

	if (status != RECO_OK)
		return status;
	memset(c->x, 0, b->ld * sizeof(float));
	memset(c->io, 0, b->ld * sizeof(float));
	for (int k = 0; k < s->D; k++)
		c->io[k] = (float) e->r[k];
	s->k->rotate(c->r, b->ld, c->io, b->ld, 1, s->D, b->to, NULL);
	status = iterate(env, s, b, c, row, 30, 1e-7, 0, size, &gain);
	if (status != RECO_OK)
		return status;
	s->k->rotate(c->io, b->ld, c->x, b->ld, 1, b->ld, b->back, NULL);
	for (int k = 0; k < s->D; k++)
	{
		before += e->x[k] * e->x[k];
		after += (double) c->io[k] * c->io[k];
	}
	/* a correction as large as the solution means that float4 was not enough */
	if (!(after <= 1e-4 * before))
		return RECO_SINGULAR;
	for (int k = 0; k < s->D; k++)
		e->x[k] += c->io[k];
	return RECO_OK;
}

reco_status
als_cg_row(const reco_env *env, const als_system *s, const als_basis *b, als_cg *c,
		   const reco_als_row *row, bool converge, float *x, float *bias, als_told *told)
{
	int ld = b->ld;
	reco_als_sums sums = {0};
	double own;
	double gain = 0;
	double size;
	reco_status status;

	memset(c->r, 0, ld * sizeof(float));
	s->k->rotate(c->x, ld, x, s->stride, 1, s->d, b->start, NULL);
	if (s->biases)
		s->k->cg_add(c->x, *bias, b->start + (size_t) s->d * ld, ld);
	if (!pass(env, s, b, RECO_PASS_RESIDUAL, row, c->x, c->r, &sums))
		return RECO_STOPPED;
	if (!(sums.largest < ALS_LARGE_WEIGHT))
		return als_exact_row(env, s, &c->exact, row, x, bias, told);
	for (int i = 0; i < c->next_n; i++)
	{
		size_t bytes = (size_t) ld * (b->packed ? 2 : 4);
		const char *z = (const char *) b->z + c->next[i] * bytes;

		for (size_t at = 0; at < bytes && at < 256; at += 64)
			__builtin_prefetch(z + at);
	}
	s->k->cg_diagonal(c->op, c->inverse, b->base, b->slope, b->guess, (float) sums.weight, ld);
	own = s->k->cg_scale(c->q, c->op, c->x, ld);
	s->k->cg_add(c->r, -1.0f, c->q, ld);
	size = norm(c, ld);
	status = iterate(env, s, b, c, row, converge ? 60 : ALS_STEPS, converge ? 3e-4 : 0,
					 converge ? 0 : ALS_NEAR, size, &gain);
	if (converge)
		size = norm(c, ld);
	if (status != RECO_OK)
		return status;

	s->k->rotate(c->io, ld, c->x, ld, 1, ld, b->back, NULL);
	for (int k = 0; k < ld; k++)
		c->exact.x[k] = c->io[k];
	if (converge)
	{
		status = refine(env, s, b, c, row, size, told);
		if (status == RECO_SINGULAR)
			return als_exact_row(env, s, &c->exact, row, x, bias, told);
		if (status != RECO_OK)
			return status;
	}
	else if (told)
	{
		told->penalty =
			(s->lambda0 + s->lambda1 * sums.weight) * s->k->dot(c->exact.x, c->exact.x, s->D);
		told->loss = sums.loss + own - gain;
		if (told->loss < 0)
			told->loss = 0; /* rounding of large terms that cancel */
	}
	if (!als_store(s, c->exact.x, x, bias))
		return als_exact_row(env, s, &c->exact, row, x, bias, told);
	return RECO_OK;
}
