/*
 * als_normal.c
 *	  The normal equations of one row of an ALS half step, built up row by row.
 *
 * See als_normal.h.  Rows that wait are added by the code path of als_exact.c:
 * tiles of ALS_TILE rows scaled by sqrt(a), their outer products summed up by
 * the syrk of the machine.  A group that has never been flushed is therefore
 * solved with the bits of reco_als_fold_in.
 *
 * Triangles are packed: half the memory and, between parallel workers, half the
 * bytes.  Unpacking costs d^2 / 2, little beside the 64 d^2 / 2 of a tile.
 */
#include "core/als/als_normal.h"

#include "core/als/als_half.h"
#include "core/als/als_waiting.h"

#include <math.h>
#include <string.h>

#define FIRST_ROOM 4

reco_status
reco_normal_init(reco_normal *q, const reco_als_params *params)
{
	memset(q, 0, sizeof(*q));
	if (params->factors < 1 || params->factors > RECO_NORMAL_MAX_FACTORS ||
		!isfinite(params->regularization) || !(params->regularization > 0) ||
		(params->implicit && !(isfinite(params->alpha) && params->alpha > 0)))
		return RECO_INVALID;
	q->magic = ALS_NORMAL_MAGIC;
	q->d = params->factors;
	q->implicit = params->implicit;
	q->weighted = params->implicit && params->weighted_regularization;
	q->regularization = params->regularization;
	q->alpha = params->implicit ? params->alpha : 1;
	return RECO_OK;
}

bool
reco_normal_valid(const reco_normal *q)
{
	return q->magic == ALS_NORMAL_MAGIC;
}

void
reco_normal_release(const reco_env *env, reco_normal *q)
{
	if (q->sums)
		env->release(env->arg, q->sums);
	if (q->waiting)
		env->release(env->arg, q->waiting);
	q->sums = NULL;
	q->waiting = NULL;
	q->n = 0;
	q->weight = 0;
	q->rows = q->room = 0;
}

static void
system_of(const reco_normal *q, als_system *s)
{
	reco_als_params params = {
		.implicit = q->implicit,
		.factors = q->d,
		.regularization = q->regularization,
		.alpha = q->alpha,
		.weighted_regularization = q->weighted,
	};

	als_system_init(s, &params, 0, 0, NULL, 0, NULL, NULL);
	if (q->weighted)
		s->lambda0 = q->regularization * q->columns;
}

/* e->a += packed, in the upper triangle */
static void
unpack(const als_system *s, als_exact *e, const double *packed)
{
	for (int i = 0; i < s->d; i++)
	{
		s->k->axpy(e->a + (size_t) i * s->ld + i, 1.0, packed, s->d - i);
		packed += s->d - i;
	}
}

/*
 * Adds the rows that wait to e->a and e->x.
 */
static reco_status
add_waiting(const reco_env *env, const als_system *s, als_exact *e, const reco_normal *q)
{
	const als_waiting_row *from = als_entries(q);
	const float *y = als_factors(q);

	for (int first = 0; first < q->rows; first += ALS_TILE)
	{
		int n = q->rows - first < ALS_TILE ? q->rows - first : ALS_TILE;

		if (env->poll(env->arg))
			return RECO_STOPPED;
		for (int k = 0; k < n; k++)
			e->scale[k] = sqrt(from[first + k].weight);
		s->k->gather(e->tile, s->ld, y + (size_t) first * q->d, q->d, NULL, e->scale, n, q->d,
					 false);
		for (int k = 0; k < n; k++)
			if (from[first + k].target != 0)
				s->k->axpy(e->x, from[first + k].target / e->scale[k], e->tile + (size_t) k * s->ld,
						   s->d);
		s->k->syrk(e->a, s->ld, e->tile, s->ld, s->d, n, false);
	}
	return RECO_OK;
}

/*
 * e->a and e->x become the whole system but its penalty.
 */
static reco_status
build(const reco_env *env, const als_system *s, als_exact *e, const reco_normal *q,
	  const double *gram)
{
	memset(e->a, 0, (size_t) s->ld * s->ld * sizeof(double));
	memset(e->x, 0, s->ld * sizeof(double));
	if (gram)
		unpack(s, e, gram);
	if (q->sums)
	{
		memcpy(e->x, q->sums, (size_t) q->d * sizeof(double));
		unpack(s, e, q->sums + q->d);
	}
	return add_waiting(env, s, e, q);
}

/*
 * Turns the rows that wait into sums.
 */
static reco_status
flush(const reco_env *env, reco_normal *q)
{
	als_system s;
	als_exact e;
	void *slab;
	double *to = q->sums;
	reco_status status;

	if (to == NULL && (to = env->alloc(env->arg, als_sums_count(q->d) * sizeof(double))) == NULL)
		return RECO_NO_MEMORY;
	if (q->sums == NULL)
		memset(to, 0, als_sums_count(q->d) * sizeof(double));
	q->sums = to;
	system_of(q, &s);
	slab = env->alloc(env->arg, als_exact_bytes(s.ld));
	if (slab == NULL)
		return RECO_NO_MEMORY;
	als_exact_layout(&e, slab, s.ld);
	memset(e.a, 0, (size_t) s.ld * s.ld * sizeof(double));
	memset(e.x, 0, s.ld * sizeof(double));
	status = add_waiting(env, &s, &e, q);
	if (status == RECO_OK)
	{
		s.k->axpy(to, 1.0, e.x, q->d);
		to += q->d;
		for (int i = 0; i < q->d; i++)
		{
			s.k->axpy(to, 1.0, e.a + (size_t) i * s.ld + i, q->d - i);
			to += q->d - i;
		}
		q->rows = 0;
	}
	env->release(env->arg, slab);
	return status;
}

reco_status
reco_normal_close(const reco_env *env, reco_normal *q)
{
	reco_status status = flush(env, q);

	if (status == RECO_OK && q->waiting)
	{
		env->release(env->arg, q->waiting);
		q->waiting = NULL;
		q->room = 0;
	}
	return status;
}

/*
 * Makes room for one more row: twice as much, or by a flush.
 */
static reco_status
make_room(const reco_env *env, reco_normal *q)
{
	int room = q->room ? 2 * q->room : FIRST_ROOM;
	reco_normal grown = *q;

	if (q->room >= als_most_room(q->d))
		return flush(env, q);
	if (room > als_most_room(q->d))
		room = als_most_room(q->d);
	grown.room = room;
	grown.waiting = env->alloc(env->arg, room * als_row_bytes(q->d));
	if (grown.waiting == NULL)
		return RECO_NO_MEMORY;
	if (q->waiting)
	{
		memcpy(als_entries(&grown), als_entries(q), q->rows * sizeof(als_waiting_row));
		memcpy(als_factors(&grown), als_factors(q), (size_t) q->rows * q->d * sizeof(float));
		env->release(env->arg, q->waiting);
	}
	*q = grown;
	return RECO_OK;
}

static reco_status
append(const reco_env *env, reco_normal *q, const float *y, als_waiting_row e)
{
	if (q->rows == q->room)
	{
		reco_status status = make_room(env, q);

		if (status != RECO_OK)
			return status;
	}
	als_entries(q)[q->rows] = e;
	memcpy(als_factors(q) + (size_t) q->rows * q->d, y, (size_t) q->d * sizeof(float));
	q->rows++;
	return RECO_OK;
}

reco_status
reco_normal_add(const reco_env *env, reco_normal *q, const float *y, double value)
{
	als_waiting_row e;

	als_value(q->implicit, q->alpha, value, &e.weight, &e.target);
	if (!isfinite(e.weight) || !isfinite(e.target))
		return RECO_INVALID;
	/* an implicit 0 is a row like any other, but adds to nothing */
	if (e.weight > 0)
	{
		reco_status status = append(env, q, y, e);

		if (status != RECO_OK)
			return status;
	}
	q->n++;
	q->weight += e.weight;
	return RECO_OK;
}

reco_status
reco_normal_merge(const reco_env *env, reco_normal *into, const reco_normal *from)
{
	size_t count = als_sums_count(from->d);

	if (into->d != from->d || into->implicit != from->implicit ||
		into->weighted != from->weighted || into->regularization != from->regularization ||
		into->alpha != from->alpha || into->products != from->products)
		return RECO_INVALID;
	if (from->sums && into->sums == NULL)
	{
		into->sums = env->alloc(env->arg, count * sizeof(double));
		if (into->sums == NULL)
			return RECO_NO_MEMORY;
		memcpy(into->sums, from->sums, count * sizeof(double));
	}
	else if (from->sums)
		for (size_t i = 0; i < count; i++)
			into->sums[i] += from->sums[i];
	for (int r = 0; r < from->rows; r++)
	{
		reco_status status =
			append(env, into, als_factors(from) + (size_t) r * from->d, als_entries(from)[r]);

		if (status != RECO_OK)
			return status;
	}
	into->n += from->n;
	into->weight += from->weight;
	return RECO_OK;
}

reco_status
reco_normal_solve(const reco_env *env, const reco_normal *q, float *x)
{
	als_system s;
	als_exact e;
	void *slab;
	double ridge = 0;
	reco_status status = RECO_OK;
	bool solved = false;

	memset(x, 0, (size_t) q->d * sizeof(float));
	if (q->n == 0)
		return RECO_OK;
	if (q->implicit && (q->gram == NULL || (q->weighted && !(q->columns > 0))))
		return RECO_INVALID;
	system_of(q, &s);
	slab = env->alloc(env->arg, als_exact_bytes(s.ld));
	if (slab == NULL)
		return RECO_NO_MEMORY;
	als_exact_layout(&e, slab, s.ld);
	for (int attempt = 0; attempt < ALS_ATTEMPTS && !solved && status == RECO_OK; attempt++)
	{
		status = build(env, &s, &e, q, q->gram);
		if (status == RECO_OK)
			solved = als_exact_attempt(&s, &e, s.lambda0 + s.lambda1 * q->weight, &ridge);
	}
	if (status == RECO_OK && !(solved && als_store(&s, e.x, x, NULL)))
		status = RECO_SINGULAR;
	env->release(env->arg, slab);
	return status;
}

reco_status
reco_normal_matrix(const reco_env *env, const reco_normal *q, double *a)
{
	als_system s;
	als_exact e;
	void *slab;
	reco_status status;

	system_of(q, &s);
	slab = env->alloc(env->arg, als_exact_bytes(s.ld));
	if (slab == NULL)
		return RECO_NO_MEMORY;
	als_exact_layout(&e, slab, s.ld);
	status = build(env, &s, &e, q, NULL);
	if (status == RECO_OK)
		for (int i = 0; i < q->d; i++)
			for (int j = i; j < q->d; j++)
				a[(size_t) i * q->d + j] = a[(size_t) j * q->d + i] = e.a[(size_t) i * s.ld + j];
	env->release(env->arg, slab);
	return status;
}
