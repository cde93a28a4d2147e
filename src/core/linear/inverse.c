/*
 * inverse.c
 *	  Inverse of a large symmetric positive definite matrix, in float4.
 *
 * See inverse.h.  A step takes the block of the diagonal in float8 (its Cholesky factor, then
 * one solution for each column), makes V D^-1 of the tiles beside it, and updates all others,
 * each of the three shared out among threads.  The tiles of V and V D^-1 are packed once a step
 * for all products that they are factors of.
 *
 * Cost: n^3 flops in products of tiles, 2 n^2 RECO_TILE for V D^-1, 3 n RECO_TILE^2 for the blocks
 * of the diagonal; the matrix is read and written once a step.
 */
#include "core/linear/inverse.h"

#include "core/base/dispatch.h"
#include "core/base/slab.h"
#include "core/data/parts.h"
#include "core/data/sorting.h"

#include <math.h>
#include <string.h>

#define LEAST_PIVOT 1e-6

/* Columns of a block's inverse that a thread takes at a time. */
#define COLUMNS 12

typedef struct sweep
{
	const reco_kernels *kernels;
	void (*pack)(float *out, const float *tile, bool transposed, bool left);
	void (*update)(float *c, const float *left, const float *right);
	reco_symmetric *a;
	int32_t k;        /* the block of the step */
	double *factor;   /* of D */
	double *inverse;  /* of D */
	float *minus;     /* -D^-1, packed as a right factor */
	float *right;     /* V, packed; a tile each block */
	float *left;      /* V D^-1, packed */
	double *diagonal; /* of the matrix as it was given */
} sweep;

static void
choose_kernels(sweep *s)
{
	s->kernels = reco_kernels_best();
	s->pack = reco_tile_pack_base;
	s->update = reco_tile_update_base;
#ifdef __x86_64__
	if (strcmp(s->kernels->name, "v4") == 0)
	{
		s->pack = reco_tile_pack_v4;
		s->update = reco_tile_update_v4;
	}
	else if (strcmp(s->kernels->name, "v3") == 0)
	{
		s->pack = reco_tile_pack_v3;
		s->update = reco_tile_update_v3;
	}
#endif
}

static int32_t
blocks_of(int32_t n)
{
	return n / RECO_TILE + (n % RECO_TILE > 0);
}

static size_t
tiles_of(int32_t blocks)
{
	return (size_t) blocks * ((size_t) blocks + 1) / 2;
}

size_t
reco_symmetric_memory(int32_t n)
{
	return (tiles_of(blocks_of(n)) * RECO_TILE_SIZE + 1) * sizeof(float) + RECO_ALIGN;
}

/* What the slab of a sweep has. */
static size_t
slab_bytes(int32_t blocks)
{
	size_t rows = (size_t) blocks * RECO_TILE;

	return 2 * reco_room(RECO_TILE_SIZE * sizeof(double)) +
		   reco_room(RECO_TILE_SIZE * sizeof(float)) +
		   2 * reco_room(rows * RECO_TILE * sizeof(float)) + reco_room(rows * sizeof(double));
}

size_t
reco_inverse_memory(int32_t n)
{
	return slab_bytes(blocks_of(n)) + RECO_ALIGN;
}

static void
zero_tiles(void *arg, int64_t from, int64_t to)
{
	const reco_symmetric *a = arg;

	memset(a->tile + (size_t) from * RECO_TILE_SIZE, 0,
		   (size_t) (to - from) * RECO_TILE_SIZE * sizeof(float));
}

reco_status
reco_symmetric_zeros(const reco_env *env, int32_t n, reco_symmetric *out)
{
	reco_status status;

	*out = (reco_symmetric){.n = n, .blocks = blocks_of(n)};
	out->tile = env->alloc(env->arg, (tiles_of(out->blocks) * RECO_TILE_SIZE + 1) * sizeof(float));
	if (out->tile == NULL)
		return RECO_NO_MEMORY;
	status = reco_share(env, (int64_t) tiles_of(out->blocks), 1, zero_tiles, out);
	if (status != RECO_OK)
		reco_symmetric_free(env, out);
	return status;
}

void
reco_symmetric_free(const reco_env *env, reco_symmetric *a)
{
	release(env, a->tile);
	*a = (reco_symmetric){0};
}

void
reco_symmetric_rows(const reco_symmetric *a, int32_t first, int32_t rows, float *out, size_t ld)
{
	int32_t block = first / RECO_TILE;
	int32_t at = first % RECO_TILE;

	for (int32_t j = 0; j < a->blocks; j++)
	{
		int32_t begin = j * RECO_TILE;
		int32_t n = a->n - begin < RECO_TILE ? a->n - begin : RECO_TILE;
		const float *tile =
			j <= block ? reco_symmetric_tile(a, block, j) : reco_symmetric_tile(a, j, block);

		for (int32_t r = 0; j <= block && r < rows; r++)
			memcpy(out + (size_t) r * ld + begin, tile + (size_t) (at + r) * RECO_TILE,
				   (size_t) n * sizeof(float));
		for (int32_t c = 0; j > block && c < n; c++)
			for (int32_t r = 0; r < rows; r++)
				out[(size_t) r * ld + (size_t) (begin + c)] = tile[(size_t) c * RECO_TILE + at + r];
	}
}

/* Rows after the last are those of the identity; notes the diagonal. */
static void
begin(sweep *s)
{
	const reco_symmetric *a = s->a;

	for (int32_t r = 0; r < a->blocks * RECO_TILE; r++)
	{
		if (r >= a->n)
			*reco_symmetric_at(a, r, r) = 1;
		s->diagonal[r] = *reco_symmetric_at(a, r, r);
	}
}

/* The Cholesky factor of the block of the diagonal; whether it has one. */
static bool
factor_block(sweep *s)
{
	const float *tile = reco_symmetric_tile(s->a, s->k, s->k);
	const double *diagonal = s->diagonal + (size_t) s->k * RECO_TILE;

	for (int i = 0; i < RECO_TILE; i++)
		for (int j = 0; j <= i; j++)
			s->factor[j * RECO_TILE + i] = tile[i * RECO_TILE + j];
	if (!s->kernels->potrf(s->factor, RECO_TILE, RECO_TILE, 0))
		return false;
	for (int i = 0; i < RECO_TILE; i++)
	{
		double u = s->factor[i * RECO_TILE + i];

		if (!(u * u > LEAST_PIVOT * diagonal[i]) || !isfinite(u))
			return false;
	}
	return true;
}

static void
invert_columns(void *arg, int64_t from, int64_t to)
{
	sweep *s = arg;

	for (int64_t c = from; c < to; c++)
	{
		double *x = s->inverse + c * RECO_TILE;

		memset(x, 0, RECO_TILE * sizeof(double));
		x[c] = 1;
		s->kernels->potrs(s->factor, RECO_TILE, RECO_TILE, x);
	}
}

/* The block becomes minus its inverse, whose two halves are made equal. */
static void
place_inverse(sweep *s)
{
	float *tile = reco_symmetric_tile(s->a, s->k, s->k);

	for (int i = 0; i < RECO_TILE; i++)
		for (int j = 0; j <= i; j++)
			tile[i * RECO_TILE + j] = tile[j * RECO_TILE + i] =
				(float) (-0.5 * (s->inverse[i * RECO_TILE + j] + s->inverse[j * RECO_TILE + i]));
	s->pack(s->minus, tile, false, false);
}

/* V D^-1 of blocks other than the step's. */
static void
make_panel(void *arg, int64_t from, int64_t to)
{
	sweep *s = arg;

	for (int64_t i = from; i < to; i++)
	{
		bool below = i > s->k;
		float *right = s->right + (size_t) i * RECO_TILE_SIZE;
		float *left = s->left + (size_t) i * RECO_TILE_SIZE;
		float *tile = below ? reco_symmetric_tile(s->a, (int32_t) i, s->k)
							: reco_symmetric_tile(s->a, s->k, (int32_t) i);
		float product[RECO_TILE_SIZE] __attribute__((aligned(RECO_ALIGN)));

		if (i == s->k)
			continue;
		memset(product, 0, sizeof(product));
		s->pack(right, tile, !below, false);
		s->pack(left, tile, !below, true);
		s->update(product, left, s->minus);
		s->pack(left, product, false, true);
		for (int r = 0; r < RECO_TILE; r++)
			for (int c = 0; c < RECO_TILE; c++)
				tile[below ? r * RECO_TILE + c : c * RECO_TILE + r] = product[r * RECO_TILE + c];
	}
}

/* Tiles of the triangle, one after the other; those of the step's block are done. */
static void
update_tiles(void *arg, int64_t from, int64_t to)
{
	sweep *s = arg;
	int64_t i = (int64_t) ((sqrt(8.0 * (double) from + 1) - 1) / 2);

	/* the root may be off by a rounding */
	while (i * (i + 1) / 2 > from)
		i--;
	while ((i + 1) * (i + 2) / 2 <= from)
		i++;
	for (int64_t t = from; t < to; t++)
	{
		int64_t j = t - i * (i + 1) / 2;

		if (i != s->k && j != s->k)
			s->update(s->a->tile + (size_t) t * RECO_TILE_SIZE,
					  s->left + (size_t) i * RECO_TILE_SIZE,
					  s->right + (size_t) j * RECO_TILE_SIZE);
		if (j == i)
			i++;
	}
}

static reco_status
step(const reco_env *env, sweep *s)
{
	reco_status status;

	if (!factor_block(s))
		return RECO_SINGULAR;
	status = reco_share(env, RECO_TILE, COLUMNS, invert_columns, s);
	if (status == RECO_OK)
	{
		place_inverse(s);
		status = reco_share(env, s->a->blocks, 1, make_panel, s);
	}
	if (status == RECO_OK)
		status = reco_share(env, (int64_t) tiles_of(s->a->blocks), 1, update_tiles, s);
	return status;
}

reco_status
reco_inverse(const reco_env *env, reco_symmetric *a, void (*progress)(void *arg, int32_t step),
			 void *arg)
{
	size_t rows = (size_t) a->blocks * RECO_TILE;
	char *slab = env->alloc(env->arg, slab_bytes(a->blocks));
	char *at = slab;
	sweep s = {.a = a};
	reco_status status = RECO_OK;

	if (slab == NULL)
		return RECO_NO_MEMORY;
	choose_kernels(&s);
	s.factor = reco_take(&at, RECO_TILE_SIZE * sizeof(double));
	s.inverse = reco_take(&at, RECO_TILE_SIZE * sizeof(double));
	s.minus = reco_take(&at, RECO_TILE_SIZE * sizeof(float));
	s.right = reco_take(&at, rows * RECO_TILE * sizeof(float));
	s.left = reco_take(&at, rows * RECO_TILE * sizeof(float));
	s.diagonal = reco_take(&at, rows * sizeof(double));
	begin(&s);
	for (s.k = 0; s.k < a->blocks && status == RECO_OK; s.k++)
	{
		status = step(env, &s);
		if (status == RECO_OK && progress)
			progress(arg, s.k + 1);
	}
	release(env, slab);
	return status;
}
