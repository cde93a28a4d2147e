/*
 * als_bytes.c
 *	  The normal equations of als_normal.h as bytes.
 *
 * Triangles stay packed: between parallel workers half the bytes.
 */
#include "core/als/als_waiting.h"

#include <math.h>
#include <string.h>

#define MAX_ROWS (INT64_C(1) << 48) /* they can be added up */

/*
 * Bytes: this, then gram, b and A, entries, factors, each only when present, then the tail.
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
	FLAG_PRODUCTS = 16,
	FLAGS = 31
};

/* Of the bytes; another has another number. */
#define VERSION 1

/* Behind all else.  A check against accidents on the way, not against whoever makes bytes. */
typedef struct tail
{
	uint64_t version;
	uint64_t check;
} tail;

static uint64_t
check_of(const void *bytes, size_t size)
{
	uint64_t check = size;

	for (size_t i = 0; i < size; i += sizeof(uint64_t))
	{
		uint64_t word = 0;

		memcpy(&word, (const char *) bytes + i, size - i < sizeof(word) ? size - i : sizeof(word));
		check = (check ^ word) * UINT64_C(0x9E3779B97F4A7C15);
		check ^= check >> 32;
	}
	return check;
}

void
reco_normal_seal(void *bytes, size_t size)
{
	tail t = {VERSION, 0};
	char *to = (char *) bytes + size - sizeof(t);

	memcpy(to, &t, sizeof(t));
	t.check = check_of(bytes, size - sizeof(t.check));
	memcpy(to, &t, sizeof(t));
}

static bool
is_sealed(const void *bytes, size_t size)
{
	tail t;

	memcpy(&t, (const char *) bytes + size - sizeof(t), sizeof(t));
	return t.version == VERSION && t.check == check_of(bytes, size - sizeof(t.check));
}

static size_t
size_of(const head *h)
{
	return sizeof(head) + (h->flags & FLAG_GRAM ? reco_normal_packed(h->d) * sizeof(double) : 0) +
		   (h->flags & FLAG_SUMS ? als_sums_count(h->d) * sizeof(double) : 0) +
		   (size_t) h->rows * als_row_bytes(h->d) + sizeof(tail);
}

static head
head_of(const reco_normal *q)
{
	return (head){
		.magic = ALS_NORMAL_MAGIC,
		.d = q->d,
		.n = q->n,
		.weight = q->weight,
		.regularization = q->regularization,
		.alpha = q->alpha,
		.columns = q->columns,
		.rows = q->rows,
		.flags = (q->implicit ? FLAG_IMPLICIT : 0) | (q->weighted ? FLAG_WEIGHTED : 0) |
				 (q->gram ? FLAG_GRAM : 0) | (q->sums ? FLAG_SUMS : 0) |
				 (q->products ? FLAG_PRODUCTS : 0),
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
		to = put(to, q->sums, als_sums_count(q->d) * sizeof(double));
	if (q->rows > 0)
	{
		to = put(to, als_entries(q), q->rows * sizeof(als_waiting_row));
		(void) put(to, als_factors(q), (size_t) q->rows * q->d * sizeof(float));
	}
	reco_normal_seal(bytes, size_of(&h));
}

/* No sum of finite numbers is made of these, but bytes may come from anywhere. */
static bool
sound(const reco_normal *q)
{
	bool finite = true;

	for (size_t i = 0; q->gram && i < reco_normal_packed(q->d); i++)
		finite &= isfinite(q->gram[i]) != 0;
	for (size_t i = 0; q->sums && i < als_sums_count(q->d); i++)
		finite &= isfinite(q->sums[i]) != 0;
	for (int r = 0; r < q->rows; r++)
		finite &= isfinite(als_entries(q)[r].weight) && als_entries(q)[r].weight > 0 &&
				  isfinite(als_entries(q)[r].target);
	for (size_t i = 0; i < (size_t) q->rows * q->d; i++)
		finite &= isfinite(als_factors(q)[i]) != 0;
	return finite;
}

static bool
head_valid(const head *h, size_t size)
{
	bool implicit = h->flags & FLAG_IMPLICIT;

	return h->magic == ALS_NORMAL_MAGIC && h->d >= 1 && h->d <= RECO_NORMAL_MAX_FACTORS &&
		   (h->flags & ~(uint32_t) FLAGS) == 0 && h->rows >= 0 && h->rows <= als_most_room(h->d) &&
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
	size_t sums = als_sums_count(h->d) * sizeof(double);

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
		if ((q->waiting = env->alloc(env->arg, h->rows * als_row_bytes(h->d))) == NULL)
			return RECO_NO_MEMORY;
		q->rows = q->room = h->rows;
		memcpy(q->waiting, from, h->rows * als_row_bytes(h->d));
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
	if (size < sizeof(h) + sizeof(tail))
		return RECO_INVALID;
	memcpy(&h, bytes, sizeof(h));
	if (!head_valid(&h, size) || !is_sealed(bytes, size))
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
	q->products = h.flags & FLAG_PRODUCTS;
	return RECO_OK;
}
