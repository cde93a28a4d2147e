/*
 * als_subspace.c
 *	  Solving one row of an ALS half step block by block: iALS++.
 *
 * The unknowns are cut into blocks of ALS_BLOCK; each block in turn is solved
 * exactly with the others held fixed, which is one Gauss-Seidel sweep of block
 * Newton steps (Rendle, Krichene, Zhang, Koren 2021, "iALS++").  The paper
 * sweeps all rows for one block, then all for the next; rows do not depend on
 * each other, so sweeping the blocks of one row is the same computation, and
 * the scores s_j = x.y_j need to be kept for one row only.
 *
 * Cost: n D b + n D + D^2 a row, b the block; float8 throughout.
 */
#include "core/als/als_half.h"

#include <math.h>
#include <string.h>

#define ALS_BLOCK 32

size_t
als_subspace_bytes(int ld, int64_t longest)
{
	return als_room(ld * sizeof(double)) + als_room(((size_t) longest + 1) * sizeof(double)) +
		   als_exact_bytes(ld);
}

void
als_subspace_layout(als_subspace *w, void *slab, int ld, int64_t longest)
{
	char *at = slab;

	w->x = als_take(&at, ld * sizeof(double));
	w->score = als_take(&at, ((size_t) longest + 1) * sizeof(double));
	als_exact_layout(&w->exact, at, ld);
}

/* Gathers columns from .. to - 1 of the rows of entries first .. first + n - 1. */
static void
gather_columns(const als_system *s, double *tile, int ldt, const reco_als_row *row, int64_t first,
			   int n, int from, int to, const double *scale)
{
	bool one = s->biases && to == s->D;

	s->k->gather(tile, ldt, s->y + from, s->stride, row->idx + first, scale, n,
				 to - from - (one ? 1 : 0), one);
}

/*
 * One block: its system in w->exact.a, the negative gradient in w->exact.r, the
 * solution added to w->x and the scores.
 */
static reco_status
solve_block(const reco_env *env, const als_system *s, als_subspace *w, const reco_als_row *row,
			double lambda, int from, int to)
{
	als_exact *e = &w->exact;
	int b = to - from;
	int ld = (b + 15) / 16 * 16;

	memset(e->a, 0, (size_t) ld * ld * sizeof(double));
	memset(e->r, 0, ld * sizeof(double));
	for (int i = 0; i < b; i++)
	{
		double *a = e->a + (size_t) i * ld;

		if (s->gram && from + i < s->d)
		{
			const double *g = s->gram + (size_t) (from + i) * s->d;

			memcpy(a, g + from, b * sizeof(double));
			e->r[i] = -s->k->dot(g, w->x, s->d);
		}
		e->r[i] -= lambda * w->x[from + i];
	}
	for (int64_t first = 0; first < row->n; first += ALS_TILE)
	{
		int n = row->n - first < ALS_TILE ? (int) (row->n - first) : ALS_TILE;
		double f[ALS_TILE];

		if (env->stopping(env->arg))
			return RECO_STOPPED;
		for (int k = 0; k < n; k++)
		{
			double a;
			double t;

			als_entry(s, row, first + k, &a, &t);
			e->scale[k] = sqrt(a);
			f[k] = a > 0 ? (t - a * w->score[first + k]) / e->scale[k] : 0;
		}
		gather_columns(s, e->tile, ld, row, first, n, from, to, e->scale);
		for (int k = 0; k < n; k++)
			s->k->axpy(e->r, f[k], e->tile + (size_t) k * ld, b);
		s->k->syrk(e->a, ld, e->tile, ld, b, n, false);
	}
	for (int i = 0; i < b; i++)
		e->a[(size_t) i * ld + i] += lambda;
	/* a step along a direction that is not sure to be there might lead upwards */
	if (!s->k->potrf(e->a, ld, b, 1e-11))
		return RECO_SINGULAR;
	s->k->potrs(e->a, ld, b, e->r);
	s->k->axpy(w->x + from, 1.0, e->r, b);
	return RECO_OK;
}

/* scores += columns from .. to - 1 times delta; false when asked to stop */
static bool
update_scores(const reco_env *env, const als_system *s, als_subspace *w, const reco_als_row *row,
			  int from, int to, const double *delta)
{
	als_exact *e = &w->exact;
	int b = to - from;
	int ld = (b + 15) / 16 * 16;

	for (int64_t first = 0; first < row->n; first += ALS_TILE)
	{
		int n = row->n - first < ALS_TILE ? (int) (row->n - first) : ALS_TILE;

		if (env->stopping(env->arg))
			return false;
		gather_columns(s, e->tile, ld, row, first, n, from, to, NULL);
		for (int k = 0; k < n; k++)
			w->score[first + k] += s->k->dot(e->tile + (size_t) k * ld, delta, b);
	}
	return true;
}

reco_status
als_subspace_row(const reco_env *env, const als_system *s, als_subspace *w, const reco_als_row *row,
				 float *x, float *bias, als_told *told)
{
	als_exact *e = &w->exact;
	double weight = 0;
	double largest = 0;
	double lambda;
	reco_status status;

	for (int64_t j = 0; j < row->n; j++)
	{
		double a;
		double t;

		if (j % ALS_LOOK == ALS_LOOK - 1 && env->stopping(env->arg))
			return RECO_STOPPED;
		als_entry(s, row, j, &a, &t);
		weight += a;
		if (a > largest)
			largest = a;
	}
	if (s->D <= ALS_BLOCK || !(largest < ALS_LARGE_WEIGHT))
		return als_exact_row(env, s, e, row, x, bias, told);
	lambda = s->lambda0 + s->lambda1 * weight;

	memset(w->x, 0, s->ld * sizeof(double));
	for (int c = 0; c < s->d; c++)
		w->x[c] = x[c];
	if (s->biases)
		w->x[s->d] = *bias;
	memset(w->score, 0, row->n * sizeof(double));
	if (!update_scores(env, s, w, row, 0, s->D, w->x))
		return RECO_STOPPED;
	for (int from = 0; from < s->D; from += ALS_BLOCK)
	{
		int to = s->D - from < ALS_BLOCK ? s->D : from + ALS_BLOCK;

		status = solve_block(env, s, w, row, lambda, from, to);
		if (status == RECO_SINGULAR)
			return als_exact_row(env, s, e, row, x, bias, told);
		if (status != RECO_OK)
			return status;
		if (to < s->D && !update_scores(env, s, w, row, from, to, e->r))
			return RECO_STOPPED;
	}
	if (!als_store(s, w->x, x, bias))
		return als_exact_row(env, s, e, row, x, bias, told);
	if (told)
	{
		memcpy(e->x, w->x, s->ld * sizeof(double));
		return als_exact_residual(env, s, e, row, told);
	}
	return RECO_OK;
}
