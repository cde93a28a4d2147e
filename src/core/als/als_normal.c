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

#include <math.h>
#include <string.h>

#define MAGIC UINT32_C(0x51454e41)
#define MAX_ROWS (INT64_C(1) << 48) /* of an equation in bytes: they can be added up */
#define FIRST_ROOM 4

/* A row that waits: its weight and target; the factors follow all of these. */
typedef struct entry
{
	double weight;
	double target;
} entry;

static inline entry *
entries(const reco_normal *q)
{
	return q->waiting;
}

/* Behind the entries; NULL when nothing waits. */
static inline float *
factors(const reco_normal *q)
{
	return q->waiting ? (float *) (entries(q) + q->room) : NULL;
}

static inline int
most_room(int d)
{
	return d > ALS_TILE ? d : ALS_TILE;
}

static inline size_t
row_bytes(int d)
{
	return sizeof(entry) + (size_t) d * sizeof(float);
}

static inline size_t
sums_count(int d)
{
	return (size_t) d + reco_normal_packed(d);
}

reco_status
reco_normal_init(reco_normal *q, const reco_als_params *params)
{
	memset(q, 0, sizeof(*q));
	if (params->factors < 1 || params->factors > RECO_NORMAL_MAX_FACTORS ||
		!isfinite(params->regularization) || !(params->regularization > 0) ||
		(params->implicit && !(isfinite(params->alpha) && params->alpha > 0)))
		return RECO_INVALID;
	q->magic = MAGIC;
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
	return q->magic == MAGIC;
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
	const entry *from = entries(q);
	const float *y = factors(q);

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

	if (to == NULL && (to = env->alloc(env->arg, sums_count(q->d) * sizeof(double))) == NULL)
		return RECO_NO_MEMORY;
	if (q->sums == NULL)
		memset(to, 0, sums_count(q->d) * sizeof(double));
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

	if (q->room >= most_room(q->d))
		return flush(env, q);
	if (room > most_room(q->d))
		room = most_room(q->d);
	grown.room = room;
	grown.waiting = env->alloc(env->arg, room * row_bytes(q->d));
	if (grown.waiting == NULL)
		return RECO_NO_MEMORY;
	if (q->waiting)
	{
		memcpy(entries(&grown), entries(q), q->rows * sizeof(entry));
		memcpy(factors(&grown), factors(q), (size_t) q->rows * q->d * sizeof(float));
		env->release(env->arg, q->waiting);
	}
	*q = grown;
	return RECO_OK;
}

static reco_status
append(const reco_env *env, reco_normal *q, const float *y, entry e)
{
	if (q->rows == q->room)
	{
		reco_status status = make_room(env, q);

		if (status != RECO_OK)
			return status;
	}
	entries(q)[q->rows] = e;
	memcpy(factors(q) + (size_t) q->rows * q->d, y, (size_t) q->d * sizeof(float));
	q->rows++;
	return RECO_OK;
}

reco_status
reco_normal_add(const reco_env *env, reco_normal *q, const float *y, double value)
{
	entry e;

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
	size_t count = sums_count(from->d);

	if (into->d != from->d || into->implicit != from->implicit ||
		into->weighted != from->weighted || into->regularization != from->regularization ||
		into->alpha != from->alpha)
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
			append(env, into, factors(from) + (size_t) r * from->d, entries(from)[r]);

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

/*
 * Bytes: this, then gram, b and A, entries, factors, each only when present.
 */
typedef struct head
{
	uint32_t magic;
	int32_t d;
	int64_t n;
	double weight;
	double regularization;
	double alpha;
	double columns;
	int32_t rows;
	uint32_t flags;
} head;

enum
{
	FLAG_IMPLICIT = 1,
	FLAG_WEIGHTED = 2,
	FLAG_GRAM = 4,
	FLAG_SUMS = 8,
	FLAGS = 15
};

static size_t
size_of(const head *h)
{
	return sizeof(head) + (h->flags & FLAG_GRAM ? reco_normal_packed(h->d) * sizeof(double) : 0) +
		   (h->flags & FLAG_SUMS ? sums_count(h->d) * sizeof(double) : 0) +
		   (size_t) h->rows * row_bytes(h->d);
}

static head
head_of(const reco_normal *q)
{
	return (head){
		.magic = MAGIC,
		.d = q->d,
		.n = q->n,
		.weight = q->weight,
		.regularization = q->regularization,
		.alpha = q->alpha,
		.columns = q->columns,
		.rows = q->rows,
		.flags = (q->implicit ? FLAG_IMPLICIT : 0) | (q->weighted ? FLAG_WEIGHTED : 0) |
				 (q->gram ? FLAG_GRAM : 0) | (q->sums ? FLAG_SUMS : 0),
	};
}

size_t
reco_normal_bytes(const reco_normal *q)
{
	head h = head_of(q);

	return size_of(&h);
}

static char *
put(char *to, const void *from, size_t bytes)
{
	if (bytes > 0)
		memcpy(to, from, bytes);
	return to + bytes;
}

void
reco_normal_write(const reco_normal *q, void *bytes)
{
	head h = head_of(q);
	char *to = put(bytes, &h, sizeof(h));

	if (q->gram)
		to = put(to, q->gram, reco_normal_packed(q->d) * sizeof(double));
	if (q->sums)
		to = put(to, q->sums, sums_count(q->d) * sizeof(double));
	if (q->rows > 0)
	{
		to = put(to, entries(q), q->rows * sizeof(entry));
		(void) put(to, factors(q), (size_t) q->rows * q->d * sizeof(float));
	}
}

/* No sum of finite numbers is made of these, but bytes may come from anywhere. */
static bool
sound(const reco_normal *q)
{
	bool finite = true;

	for (size_t i = 0; q->gram && i < reco_normal_packed(q->d); i++)
		finite &= isfinite(q->gram[i]) != 0;
	for (size_t i = 0; q->sums && i < sums_count(q->d); i++)
		finite &= isfinite(q->sums[i]) != 0;
	for (int r = 0; r < q->rows; r++)
		finite &= isfinite(entries(q)[r].weight) && entries(q)[r].weight > 0 &&
				  isfinite(entries(q)[r].target);
	for (size_t i = 0; i < (size_t) q->rows * q->d; i++)
		finite &= isfinite(factors(q)[i]) != 0;
	return finite;
}

static bool
head_valid(const head *h, size_t size)
{
	bool implicit = h->flags & FLAG_IMPLICIT;

	return h->magic == MAGIC && h->d >= 1 && h->d <= RECO_NORMAL_MAX_FACTORS &&
		   (h->flags & ~(uint32_t) FLAGS) == 0 && h->rows >= 0 && h->rows <= most_room(h->d) &&
		   h->n >= h->rows && h->n <= MAX_ROWS && isfinite(h->weight) && h->weight >= 0 &&
		   isfinite(h->columns) && h->columns >= 0 &&
		   (implicit || (h->alpha == 1 && !(h->flags & (FLAG_GRAM | FLAG_WEIGHTED)))) &&
		   size == size_of(h);
}

/* Copies what a valid head promises. */
static reco_status
read_arrays(const reco_env *env, const head *h, const char *from, reco_normal *q, double **gram)
{
	size_t triangle = reco_normal_packed(h->d) * sizeof(double);
	size_t sums = sums_count(h->d) * sizeof(double);

	if (h->flags & FLAG_GRAM)
	{
		if ((*gram = env->alloc(env->arg, triangle)) == NULL)
			return RECO_NO_MEMORY;
		q->gram = memcpy(*gram, from, triangle);
		from += triangle;
	}
	if (h->flags & FLAG_SUMS)
	{
		if ((q->sums = env->alloc(env->arg, sums)) == NULL)
			return RECO_NO_MEMORY;
		memcpy(q->sums, from, sums);
		from += sums;
	}
	if (h->rows > 0)
	{
		if ((q->waiting = env->alloc(env->arg, h->rows * row_bytes(h->d))) == NULL)
			return RECO_NO_MEMORY;
		q->rows = q->room = h->rows;
		memcpy(q->waiting, from, h->rows * row_bytes(h->d));
	}
	return sound(q) ? RECO_OK : RECO_INVALID;
}

reco_status
reco_normal_read(const reco_env *env, const void *bytes, size_t size, reco_normal *q)
{
	head h;
	double *gram = NULL;
	reco_status status;

	memset(q, 0, sizeof(*q));
	if (size < sizeof(h))
		return RECO_INVALID;
	memcpy(&h, bytes, sizeof(h));
	if (!head_valid(&h, size))
		return RECO_INVALID;
	status = reco_normal_init(q, &(reco_als_params){
									 .implicit = h.flags & FLAG_IMPLICIT,
									 .factors = h.d,
									 .regularization = h.regularization,
									 .alpha = h.alpha,
									 .weighted_regularization = h.flags & FLAG_WEIGHTED,
								 });
	if (status == RECO_OK)
		status = read_arrays(env, &h, (const char *) bytes + sizeof(h), q, &gram);
	if (status != RECO_OK)
	{
		reco_normal_release(env, q);
		if (gram)
			env->release(env->arg, gram);
		memset(q, 0, sizeof(*q));
		return status;
	}
	q->n = h.n;
	q->weight = h.weight;
	q->columns = h.columns;
	return RECO_OK;
}
