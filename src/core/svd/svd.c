/*
 * svd.c
 *	  Truncated singular value decomposition of a sparse matrix, by random projection.
 *
 * See svd.h for the method.  The block that is iterated on, q, is on the items' side; its
 * image A q on the users' side is neither orthonormalized nor summed up but at the end.
 * A block is orthonormalized by the eigenvectors of its Gram matrix, which also turn it
 * towards the singular vectors: its columns come out by falling length, so that rounding
 * in a column is relative to the column, not to the largest.  Where that
 * leaves too much of rounding, and at the end, Cholesky's factor of another Gram matrix
 * follows (CholeskyQR), in the order of the columns, which drops a column that the
 * others before it make up.
 *
 * Values are taken times a power of 2 that brings the largest to about 1, so that nothing
 * on the way leaves the range of float4.
 */
#include "core/svd/svd.h"

#include "core/base/dispatch.h"
#include "core/base/rng.h"
#include "core/base/slab.h"
#include "core/base/team.h"
#include "core/base/work.h"
#include "core/linear/eigen.h"
#include "core/linear/gram.h"
#include "core/linear/spmm.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Of squares: what is left of a direction below which it is worth another look. */
#define UNSURE 1e-8
/* Of a column, squared: below it there is nothing that could be told from rounding. */
#define VANISHED 1e-20
/* Of a column, squared: what the columns before it must leave. */
#define DEPENDENT 1e-6
/* Of a column, squared: what they leave when once is enough. */
#define WELL 0.1
#define MOST_ROUNDS 4
/* How much smaller than the largest entry one may be that decides on the sign. */
#define SIGN_TIE 0.999f
/* Multiply-adds of a piece of a rotation; elements between two polls on one thread. */
#define PIECE_WORK 1e6
#define POLL_ELEMENTS 1048576

typedef struct svd_fit
{
	const reco_env *env;
	const reco_kernels *k;
	const reco_svd_params *params;
	const reco_csr *by_user;
	const reco_csr *by_item;
	int l;      /* columns of the block */
	int stride; /* l rounded up to a multiple of 16 */
	float scale;
	double squares;  /* of all values */
	float *q;        /* items x stride */
	float *z;        /* items x stride */
	float *y;        /* users x stride */
	double *gram;    /* l x l; after an eigen decomposition its rows are the vectors */
	double *factor;  /* l x l: row j is column j of Cholesky's factor */
	double *inverse; /* l x l: row j is column j of its inverse */
	double *value;   /* l: eigenvalues, ascending */
	float *m;        /* l x stride, or the result's if that is more: of a rotation */
	void *gram_scratch;
	void *eigen_scratch;
	void *product_scratch;
} svd_fit;

static int
block_width(const reco_svd_params *p, int32_t users, int32_t items)
{
	int l = p->factors + p->oversampling;

	if (l > users)
		l = users;
	return l < items ? l : items;
}

static int
rounded(int columns)
{
	return (columns + 15) / 16 * 16;
}

static size_t
block_bytes(int32_t rows, int stride)
{
	/* at least one element, so that NULL always means exhausted */
	return reco_room(((size_t) rows * stride + 1) * sizeof(float));
}

static size_t
square_bytes(int l)
{
	return reco_room((size_t) l * l * sizeof(double));
}

static size_t
rotation_bytes(const reco_svd_params *p, int l)
{
	int most = l > p->factors ? l : p->factors;

	return reco_room((size_t) l * rounded(most) * sizeof(float));
}

/* All but the blocks: the products with A and with its transpose are of the same size. */
static size_t
scratch_bytes(const reco_svd_params *p, int l, int64_t entries, int threads)
{
	int stride = rounded(l);
	reco_csr a = {.start = &entries};

	return 3 * square_bytes(l) + reco_room(l * sizeof(double)) + rotation_bytes(p, l) +
		   reco_room(reco_gram_bytes(stride, threads)) + reco_eigen_bytes(l) +
		   reco_room(l > 0 ? reco_spmm_bytes(&a, stride) : 0);
}

size_t
reco_svd_memory_of(const reco_svd_params *params, int32_t users, int32_t items, int64_t entries,
				   int threads)
{
	int l = block_width(params, users, items);
	int stride = rounded(l);
	int wide = rounded(params->factors);

	return 2 * block_bytes(items, stride) + block_bytes(users, stride) + block_bytes(items, wide) +
		   block_bytes(users, wide) + reco_room(params->factors * sizeof(double)) +
		   scratch_bytes(params, l, entries, threads) + 4096;
}

size_t
reco_svd_memory(const reco_svd_params *params, const reco_csr *by_user, int threads)
{
	return reco_svd_memory_of(params, by_user->rows, by_user->cols, by_user->start[by_user->rows],
							  threads);
}

static void
release(const reco_env *env, void *memory)
{
	if (memory)
		env->release(env->arg, memory);
}

void
reco_svd_free(const reco_env *env, reco_svd *svd)
{
	release(env, svd->user);
	release(env, svd->item);
	release(env, svd->singular);
	svd->user = svd->item = NULL;
	svd->singular = NULL;
}

/* The sum of squares of the values, and what to multiply them by. */
static reco_status
measure_values(svd_fit *fit)
{
	const reco_csr *a = fit->by_user;
	int64_t n = a->start[a->rows];
	float largest = 0;
	int exponent;

	fit->scale = 1;
	fit->squares = (double) n;
	if (a->value == NULL)
		return RECO_OK;
	fit->squares = 0;
	for (int64_t first = 0; first < n; first += POLL_ELEMENTS)
	{
		int64_t last = first + POLL_ELEMENTS < n ? first + POLL_ELEMENTS : n;

		for (int64_t e = first; e < last; e++)
		{
			float size = fabsf(a->value[e]);

			if (!(size <= FLT_MAX))
				return RECO_INVALID;
			largest = size > largest ? size : largest;
			fit->squares += (double) size * size;
		}
		if (fit->env->poll(fit->env->arg))
			return RECO_STOPPED;
	}
	frexpf(largest, &exponent);
	exponent = exponent < -126 ? -126 : exponent > 126 ? 126 : exponent;
	fit->scale = ldexpf(1, -exponent);
	return RECO_OK;
}

/* Zeros, some milliseconds between two polls. */
static reco_status
clear(const reco_env *env, float *block, int32_t rows, int stride)
{
	size_t n = (size_t) rows * stride;

	for (size_t at = 0; at < n; at += 4 * POLL_ELEMENTS)
	{
		size_t left = n - at;

		memset(block + at, 0,
			   (left < 4 * POLL_ELEMENTS ? left : 4 * POLL_ELEMENTS) * sizeof(float));
		if (env->poll(env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* The users' side begins at random; a user without entries is 0, and stays it. */
static reco_status
draw(svd_fit *fit)
{
	const reco_env *env = fit->env;
	reco_work work = reco_work_of(fit->by_user->rows, POLL_ELEMENTS / 16 / fit->stride + 1);

	do
	{
#pragma omp parallel num_threads(env->threads)
		for (int64_t from, to; reco_work_take(&work, &from, &to);)
		{
			for (int64_t r = from; r < to; r++)
			{
				uint64_t key = reco_rng_row(fit->params->seed, (uint64_t) r);
				float *y = fit->y + (size_t) r * fit->stride;

				int l = fit->by_user->start[r + 1] > fit->by_user->start[r] ? fit->l : 0;

				for (int c = 0; c < l; c++)
					y[c] = reco_rng_normal(key, (uint64_t) c);
				for (int c = l; c < fit->stride; c++)
					y[c] = 0;
			}
			if (reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg))
			return RECO_STOPPED;
	} while (reco_work_left(&work));
	return RECO_OK;
}

/* out = in m, of `rows` rows; m is l x stride. */
static reco_status
rotate(svd_fit *fit, const float *in, int32_t rows, float *out, int stride)
{
	const reco_env *env = fit->env;
	/* in fours, as the rows' bits may depend on which go together */
	int64_t step = (int64_t) (PIECE_WORK / ((double) fit->l * stride)) / 4 * 4 + 4;
	reco_work work = reco_work_of(rows, step);

	do
	{
#pragma omp parallel num_threads(env->threads)
		for (int64_t from, to; reco_work_take(&work, &from, &to);)
		{
			fit->k->rotate(out + from * stride, stride, in + from * fit->stride, fit->stride,
						   to - from, fit->l, fit->m, NULL);
			if (reco_work_pause(env))
				break;
		}
		if (env->poll(env->arg))
			return RECO_STOPPED;
	} while (reco_work_left(&work));
	return RECO_OK;
}

static reco_status
gram_of(svd_fit *fit, const float *block, int32_t rows)
{
	reco_status status = reco_gram(fit->env, fit->k, block, rows, fit->l, false, fit->stride, NULL,
								   fit->gram_scratch, fit->gram, fit->l);

	for (int i = 0; i < fit->l && status == RECO_OK; i++)
		if (!isfinite(fit->gram[(size_t) i * fit->l + i]))
			return RECO_SINGULAR;
	return status;
}

static void
swap_blocks(svd_fit *fit)
{
	float *z = fit->z;

	fit->z = fit->q;
	fit->q = z;
}

/*
 * q = z times the eigenvectors of its Gram matrix, each divided by its length; fit->value is
 * left to be the squared lengths.
 */
static reco_status
to_principal_axes(svd_fit *fit)
{
	int l = fit->l;
	reco_status status = gram_of(fit, fit->z, fit->by_item->rows);
	double largest;

	if (status == RECO_OK)
		status = reco_eigen(fit->env, l, fit->gram, fit->value, fit->eigen_scratch);
	if (status != RECO_OK)
		return status;
	largest = fit->value[l - 1];
	memset(fit->m, 0, (size_t) l * fit->stride * sizeof(float));
	for (int j = 0; j < l && largest > 0; j++)
	{
		const double *vector = fit->gram + (size_t) (l - 1 - j) * l;
		/* what is less than this is not known better */
		double length = sqrt(fmax(fit->value[l - 1 - j], 1e-14 * largest));

		for (int c = 0; c < l; c++)
			fit->m[(size_t) c * fit->stride + j] = (float) (vector[c] / length);
	}
	return rotate(fit, fit->z, fit->by_item->rows, fit->q, fit->stride);
}

/*
 * Cholesky's factor of the Gram matrix, its diagonal scaled to 1, and the inverse to fit->m,
 * scaled back.  *least: of the columns that stay, what those before leave of it, squared.
 */
static reco_status
invert(svd_fit *fit, double *least)
{
	int l = fit->l;

	*least = 1;
	memset(fit->m, 0, (size_t) l * fit->stride * sizeof(float));
	for (int j = 0; j < l; j++)
	{
		const double *g = fit->gram + (size_t) j * l;
		double *r = fit->factor + (size_t) j * l;
		double *x = fit->inverse + (size_t) j * l;
		double scale = g[j] > VANISHED ? 1 / sqrt(g[j]) : 0;
		double left;

		if (j % 4 == 3 && fit->env->poll(fit->env->arg))
			return RECO_STOPPED;
		memset(x, 0, l * sizeof(double));
		x[j] = scale;
		for (int i = 0; i < j; i++)
		{
			const double *ri = fit->factor + (size_t) i * l;

			/* a column that was dropped has nothing in common with any */
			r[i] = ri[i] > 0 ? (scale * g[i] * fit->inverse[(size_t) i * l + i] * ri[i] -
								fit->k->dot(ri, r, i)) /
								   ri[i]
							 : 0;
			fit->k->axpy(x, -r[i], fit->inverse + (size_t) i * l, i + 1);
		}
		left = scale > 0 ? 1 - fit->k->dot(r, r, j) : 0;
		r[j] = left > DEPENDENT ? sqrt(left) : 0;
		if (r[j] > 0)
			*least = fmin(*least, left);
		for (int i = 0; i <= j; i++)
		{
			x[i] = r[j] > 0 ? x[i] / r[j] : 0;
			fit->m[(size_t) i * fit->stride + j] = (float) x[i];
		}
	}
	return RECO_OK;
}

/* q = an orthonormal basis of what z spans; exactly: to the accuracy of float4. */
static reco_status
orthonormalize(svd_fit *fit, bool exactly)
{
	reco_status status = to_principal_axes(fit);
	bool again = exactly || !(fit->value[0] >= UNSURE * fit->value[fit->l - 1]);

	for (int round = 0; round < MOST_ROUNDS && again && status == RECO_OK; round++)
	{
		double least = 0;

		swap_blocks(fit);
		status = gram_of(fit, fit->z, fit->by_item->rows);
		if (status == RECO_OK)
			status = invert(fit, &least);
		if (status == RECO_OK)
			status = rotate(fit, fit->z, fit->by_item->rows, fit->q, fit->stride);
		again = least < WELL;
	}
	return status;
}

/* From a random block to the basis of a range that A is nearly contained in. */
static reco_status
find_range(svd_fit *fit, reco_svd_progress progress, void *progress_arg)
{
	const reco_env *env = fit->env;
	int iterations = fit->params->power_iterations;
	double shift = 0;
	reco_status status = draw(fit);

	/* products leave out items without entries */
	if (status == RECO_OK)
		status = clear(env, fit->z, fit->by_item->rows, fit->stride);
	if (status == RECO_OK)
		status = reco_spmm(env, fit->by_item, fit->scale, fit->y, fit->stride, 0, NULL,
						   fit->product_scratch, fit->z);
	if (status == RECO_OK)
		status = orthonormalize(fit, iterations == 0);
	for (int i = 1; i <= iterations && status == RECO_OK; i++)
	{
		double least;

		status = reco_spmm(env, fit->by_user, fit->scale, fit->q, fit->stride, 0, NULL,
						   fit->product_scratch, fit->y);
		if (status == RECO_OK)
			status = reco_spmm(env, fit->by_item, fit->scale, fit->y, fit->stride, (float) shift,
							   fit->q, fit->product_scratch, fit->z);
		if (status == RECO_OK)
			status = orthonormalize(fit, i == iterations);
		if (status != RECO_OK)
			break;
		/* the least length that A'A - shift leaves any vector of the block */
		least = fit->value[0] > 0 ? sqrt(fit->value[0]) : 0;
		if (least > shift)
			shift = (least + shift) / 2;
		if (progress)
			progress(progress_arg, i);
	}
	return status;
}

/* fit->m, l x stride, from the first `rank` eigenvectors, the largest first, times scale. */
static void
eigenvectors_to_m(svd_fit *fit, int rank, int stride, const float *sign, double scale)
{
	int l = fit->l;

	memset(fit->m, 0, (size_t) l * stride * sizeof(float));
	for (int j = 0; j < rank; j++)
		for (int c = 0; c < l; c++)
			fit->m[(size_t) c * stride + j] =
				(float) (fit->gram[(size_t) (l - 1 - j) * l + c] * sign[j] * scale);
}

/* The signs of the columns of item, which are then applied to it. */
static reco_status
settle_signs(const reco_env *env, reco_svd *out, float *sign)
{
	float largest[RECO_SVD_MAX_FACTORS] = {0};
	int32_t step = POLL_ELEMENTS / out->stride;

	memset(sign, 0, RECO_SVD_MAX_FACTORS * sizeof(float));
	for (int pass = 0; pass < 3; pass++)
		for (int32_t i = 0; i < out->items; i++)
		{
			float *v = out->item + (size_t) i * out->stride;

			if (i % step == step - 1 && env->poll(env->arg))
				return RECO_STOPPED;
			for (int j = 0; j < out->rank; j++)
				if (pass == 0)
					largest[j] = fmaxf(largest[j], fabsf(v[j]));
				else if (pass == 2)
					v[j] *= sign[j];
				else if (sign[j] == 0 && fabsf(v[j]) >= SIGN_TIE * largest[j])
					sign[j] = v[j] < 0 ? -1 : 1;
		}
	return RECO_OK;
}

/* The decomposition of A within the range of q. */
static reco_status
decompose(svd_fit *fit, reco_svd *out)
{
	const reco_env *env = fit->env;
	float sign[RECO_SVD_MAX_FACTORS];
	double unit = 1 / (double) fit->scale;
	double captured = 0;
	reco_status status = reco_spmm(env, fit->by_user, fit->scale, fit->q, fit->stride, 0, NULL,
								   fit->product_scratch, fit->y);

	if (status == RECO_OK)
		status = gram_of(fit, fit->y, fit->by_user->rows);
	if (status == RECO_OK)
		status = reco_eigen(env, fit->l, fit->gram, fit->value, fit->eigen_scratch);
	if (status != RECO_OK)
		return status;
	for (int j = 0; j < fit->l; j++)
		captured += fmax(fit->value[j], 0);
	for (int j = 0; j < fit->l && j < out->factors; j++)
	{
		double square = fit->value[fit->l - 1 - j];

		if (!(square > RECO_SVD_NOISE * RECO_SVD_NOISE * captured))
			break;
		out->singular[j] = sqrt(square) * unit;
		out->residual -= square * unit * unit;
		out->rank = j + 1;
	}
	out->residual = fmax(out->residual, 0);

	for (int j = 0; j < out->rank; j++)
		sign[j] = 1;
	eigenvectors_to_m(fit, out->rank, out->stride, sign, 1);
	status = rotate(fit, fit->q, out->items, out->item, out->stride);
	if (status == RECO_OK)
		status = settle_signs(env, out, sign);
	if (status != RECO_OK)
		return status;
	eigenvectors_to_m(fit, out->rank, out->stride, sign, unit);
	return rotate(fit, fit->y, out->users, out->user, out->stride);
}

static bool
valid_params(const reco_svd_params *p)
{
	return p->factors >= 1 && p->factors <= RECO_SVD_MAX_FACTORS && p->oversampling >= 0 &&
		   p->oversampling <= RECO_SVD_MAX_OVERSAMPLING && p->power_iterations >= 0;
}

static bool
alloc_all(svd_fit *fit, reco_svd *out, void **scratch)
{
	const reco_env *env = fit->env;
	int l = fit->l;
	char *at;

	out->user = env->alloc(env->arg, block_bytes(out->users, out->stride));
	out->item = env->alloc(env->arg, block_bytes(out->items, out->stride));
	out->singular = env->alloc(env->arg, out->factors * sizeof(double));
	fit->q = env->alloc(env->arg, block_bytes(out->items, fit->stride));
	fit->z = env->alloc(env->arg, block_bytes(out->items, fit->stride));
	fit->y = env->alloc(env->arg, block_bytes(out->users, fit->stride));
	*scratch = at = env->alloc(
		env->arg, scratch_bytes(fit->params, l, fit->by_user->start[out->users], env->threads));
	if (!out->user || !out->item || !out->singular || !fit->q || !fit->z || !fit->y || !at)
		return false;
	fit->gram = reco_take(&at, square_bytes(l));
	fit->factor = reco_take(&at, square_bytes(l));
	fit->inverse = reco_take(&at, square_bytes(l));
	fit->value = reco_take(&at, l * sizeof(double));
	fit->m = reco_take(&at, rotation_bytes(fit->params, l));
	fit->gram_scratch = reco_take(&at, reco_gram_bytes(fit->stride, env->threads));
	fit->eigen_scratch = reco_take(&at, reco_eigen_bytes(l));
	fit->product_scratch = at;
	return true;
}

reco_status
reco_svd_fit(const reco_env *env, const reco_svd_params *params, const reco_csr *by_user,
			 const reco_csr *by_item, reco_svd_progress progress, void *progress_arg, reco_svd *out)
{
	svd_fit fit = {.env = env,
				   .k = reco_kernels_best(),
				   .params = params,
				   .by_user = by_user,
				   .by_item = by_item};
	void *scratch = NULL;
	reco_status status;

	memset(out, 0, sizeof(*out));
	if (!valid_params(params) || env->threads < 1 || by_user->rows != by_item->cols ||
		by_user->cols != by_item->rows)
		return RECO_INVALID;
	reco_team_prepare(env->threads);
	out->users = by_user->rows;
	out->items = by_user->cols;
	out->factors = params->factors;
	out->stride = rounded(params->factors);
	fit.l = block_width(params, by_user->rows, by_user->cols);
	fit.stride = rounded(fit.l);

	status = measure_values(&fit);
	if (status != RECO_OK)
		return status;
	status = alloc_all(&fit, out, &scratch) ? RECO_OK : RECO_NO_MEMORY;
	if (status == RECO_OK)
		memset(out->singular, 0, out->factors * sizeof(double));
	out->residual = fit.squares;
	if (status == RECO_OK && fit.squares > 0)
	{
		status = find_range(&fit, progress, progress_arg);
		if (status == RECO_OK)
			status = decompose(&fit, out);
	}
	else if (status == RECO_OK)
	{
		status = clear(env, out->user, out->users, out->stride);
		if (status == RECO_OK)
			status = clear(env, out->item, out->items, out->stride);
	}
	if (status == RECO_OK && progress)
		progress(progress_arg, params->power_iterations + 1);
	release(env, scratch);
	release(env, fit.y);
	release(env, fit.z);
	release(env, fit.q);
	if (status != RECO_OK)
		reco_svd_free(env, out);
	return status;
}
