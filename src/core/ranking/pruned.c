/*
 * pruned.c
 *	  The n best items for one user without scoring them all.
 *
 * The scan goes by falling norm and keeps the n best exact scores so far.  The
 * worst of them is the floor.  An item is scored only if an upper bound of its
 * score reaches the floor, and the scan ends where Cauchy-Schwarz shows that no
 * later item can.
 *
 * The bound.  Item q is s c + e with codes c in -127 .. 127, one scale s and a
 * rest of norm r = |e|; the user's p is t P + f with 16-bit P, so
 *
 *	  p.q = t s (P.c) + tP.e + f.q <= t s (P.c) + (1 + eta) |p| r + eta |p| |q|
 *
 * where |f| <= eta |p|: a component of f is at most 0.51 t, t = max |p_k| /
 * Pmax and max |p_k| <= |p|, and eta is 0.52 sqrt(d) over a Pmax that may be
 * 0.4 % more. P.c is summed up in integers without an error (Pmax is chosen so
 * that it fits).  Rounding, in units of u = 2^-24: the exact score's dot
 * product has at most d / 16 + 5 roundings on any way through its sum and so
 * is within (d / 16 + 5) u (1 + 1 %) |p| |q| of p.q; the bound itself rounds
 * |t s (P.c)| <= (1 + eta) |p| (|q| + r) five times and |p| times the error
 * three times, 11 u |p| (|q| + r) in all.  So each item carries
 *
 *	  error = (1 + eta) r + (eta + 1.01 (d / 16 + 16) u) (|q| + r)
 *
 * rounded up, and the base grows by 8 u (|base| + max |bias|) for the roundings
 * of bias and base, and by 2^-100 for all that falls below the normal numbers:
 * there are less than 4096 + 8 such losses, of 2^-149 each.  Rounding is
 * monotone, so a score is never above its bound, a float; a bound equal to the
 * floor is looked at because equal scores go by item number.
 *
 * Invariants:
 *	  - where a bound might overflow, or p or the items are not finite, or tiny,
 *		the plain scan answers; so it does when n is a good part of the items, or
 *		when pruning has let through a good part of them;
 *	  - at a poll nothing is held.
 *
 * Cost: d bytes an item up to the end of the scan, and random reads of the rows
 * that pass; those are a few times n for factors that have been trained.
 *
 * Source: falling norms and Cauchy-Schwarz as in Teflioudi, Gemulla: LEMP, 2016;
 * quantized bounds as in Li et al.: FEXIPRO, 2017.
 */
#include "core/ranking/pruned.h"

#include "core/base/dispatch.h"
#define HEAP_ENTRY reco_ranked
#define HEAP_WORSE(a, b) reco_ranked_after(a, b)
#include "core/base/heap.h"
#include "core/ranking/pruned_parts.h"
#include "core/ranking/score.h"

#define POLL_ITEMS 4096
#define PLAIN_ROWS 1024
/* Items that somebody else scores at a time. */
#define TOGETHER 16

typedef struct query
{
	const reco_env *env;
	const reco_pruned *h;
	const float *item;
	int stride;
	const float *p;
	const float *bias;
	float base;
	/* what is added by position, and its largest by block, and from a block on */
	const float *extra;
	const float *high;
	const float *later;
	float most;                     /* absolute */
	const reco_pruned_query *other; /* who scores; NULL: by p, item and bias */
	const uint64_t *skip;
	int32_t n;
	reco_ranked *out;
	int32_t have;
	int32_t scored;
	reco_code_query code;
	int16_t codes[RECO_PRUNED_MAX_D];
	int32_t bytes[RECO_PRUNED_MAX_D / 2];
} query;

static bool
stop(const query *q)
{
	return q->env && q->env->poll(q->env->arg);
}

/* Scores everything; -1 to stop. */
static int32_t
plain(query *q)
{
	float score[PLAIN_ROWS];

	q->have = 0;
	for (int32_t first = 0; first < q->h->items;)
	{
		int32_t left = q->h->items - first;
		int32_t rows = left < PLAIN_ROWS ? left : PLAIN_ROWS;

		reco_score(q->item + (size_t) first * (size_t) q->stride, rows, q->stride, q->p,
				   q->bias ? q->bias + first : NULL, q->base, score);
		for (int32_t i = 0; i < rows; i++)
		{
			if (q->have == q->n && !(score[i] > q->out[0].score))
				continue;
			if (score[i] == -INFINITY || (q->skip && reco_set_has(q->skip, first + i)))
				continue;
			heap_offer(q->out, &q->have, q->n, (reco_ranked){score[i], first + i});
		}
		first += rows;
		if (first % POLL_ITEMS == 0 && stop(q))
			return -1;
	}
	return heap_sort(q->env, q->out, q->have) ? q->have : -1;
}

/* Component k of P, in the places where the kernels look for it. */
static inline void
put_code(query *q, int k, int32_t c)
{
	int8_t *byte = (int8_t *) &q->bytes[k / 4 * 2] + k % 4;
	int32_t high = (c + 128) >> 8;

	/* of each four the 1st, 3rd, 2nd, 4th */
	q->codes[(k & ~3) | ((k & 1) << 1) | ((k >> 1) & 1)] = (int16_t) c;
	byte[0] = (int8_t) high;
	byte[4] = (int8_t) (c - 256 * high);
	q->code.sum += c;
}

/* Makes P and the numbers of the bound; false when they might not bound. */
static bool
prepare(query *q)
{
	const reco_pruned *h = q->h;
	double norm = norm_of(q->p, h->d);
	double around = fabs((double) q->base) + (double) q->most;
	float most = 0;
	float inverse;

	for (int k = 0; k < h->d; k++)
		most = fmaxf(most, fabsf(q->p[k]));
	/* a NaN anywhere fails a comparison */
	if (!(norm * (double) h->largest <= LIMIT) || !(around <= LIMIT) || !(norm <= 1e30) ||
		!(most >= 0x1p-90f))
		return false;
	inverse = (float) most_code(h->d) / most;
	q->code = (reco_code_query){.p = q->codes,
								.bytes = q->bytes,
								.quads = quads_of(h->d),
								.unit = most / (float) most_code(h->d),
								.norm = round_up(norm),
								.base = round_up((double) q->base + 0x1p-21 * around + 0x1p-100)};
	for (int k = 0; k < 4 * quads_of(h->d); k++)
		put_code(q, k, (int32_t) (k < h->d ? (q->p[k] * inverse + 0x1.8p23f) - 0x1.8p23f : 0));
	return true;
}

static float
floor_of(const query *q)
{
	return q->have == q->n ? q->out[0].score : -INFINITY;
}

/* The scores of some items; -1 to stop. */
static int
score_some(query *q, const int32_t *item, int32_t n, float *score)
{
	q->scored += n;
	if (q->other)
		return q->other->score(q->other->arg, item, n, score) == RECO_OK ? 1 : -1;
	for (int32_t j = 0; j < n; j++)
		reco_score(q->item + (size_t) item[j] * (size_t) q->stride, 1, q->stride, q->p,
				   q->bias ? q->bias + item[j] : NULL, q->base, &score[j]);
	return 1;
}

/* Scores those of a block's items that may be good enough; -1 to stop. */
static int
rescore(query *q, const int32_t *item, reco_code_hit *hit, int32_t hits)
{
	size_t stride = (size_t) q->stride;
	int32_t together = q->other ? TOGETHER : 1;
	int32_t left = 0;

	for (int32_t j = 0; j < hits; j++)
	{
		int32_t i = item[hit[j].at];

		/* a number out of range is a place without an item */
		if ((uint32_t) i >= (uint32_t) q->h->items || (q->skip && reco_set_has(q->skip, i)))
			continue;
		hit[left++] = (reco_code_hit){hit[j].bound, i};
		for (size_t k = 0; k < stride && k < 128; k += RECO_ALIGN / sizeof(float))
			__builtin_prefetch(q->item + (size_t) i * stride + k);
	}
	for (int32_t j = 0; j < left;)
	{
		int32_t some[TOGETHER];
		float score[TOGETHER];
		int32_t n = 0;

		/* the floor may have risen */
		for (; j < left && n < together; j++)
			if (!(hit[j].bound < floor_of(q)))
				some[n++] = hit[j].at;
		if (n > 0 && score_some(q, some, n, score) < 0)
			return -1;
		for (int32_t k = 0; k < n; k++)
			heap_offer(q->out, &q->have, q->n, (reco_ranked){score[k], some[k]});
	}
	return 1;
}

/* 1: out has the answer; 0: this does not pay; -1: stop. */
static int
prune(query *q)
{
	parts in = parts_of(q->h);
	const reco_kernels *kernels = reco_kernels_best();
	size_t block_codes = (size_t) quads_of(q->h->d) * 4 * BLOCK;
	int32_t blocks = blocks_of(q->h->items);

	for (int32_t b = 0; b < blocks; b++)
	{
		size_t at = (size_t) b * BLOCK;
		float floor = floor_of(q);
		float most = q->code.norm * in.reach[b];
		reco_code_hit hit[BLOCK];
		int32_t hits = BLOCK;

		if (most + (q->later[b] + q->code.base) < floor)
			break;
		if (most + (q->high[b] + q->code.base) >= floor)
		{
			if (q->have == q->n)
				hits =
					kernels->code_scan(&q->code, in.code + (size_t) b * block_codes, in.scale + at,
									   in.error + at, q->extra ? q->extra + at : NULL, floor, hit);
			else
				for (int32_t l = 0; l < BLOCK; l++)
					hit[l] = (reco_code_hit){INFINITY, l};
			if (rescore(q, in.item + at, hit, hits) < 0)
				return -1;
			if (q->scored > q->h->items / 4)
				return 0;
		}
		if ((at + BLOCK) % POLL_ITEMS == 0 && stop(q))
			return -1;
	}
	return heap_sort(q->env, q->out, q->have) ? 1 : -1;
}

/* The rest of a query is made by prepare, or is a caller's own. */
static void
begin(query *q, const reco_env *env, const reco_pruned *h, const float *p, float base,
	  const uint64_t *skip, int32_t n, reco_ranked *out)
{
	q->env = env;
	q->h = h;
	q->item = NULL;
	q->stride = 0;
	q->p = p;
	q->bias = NULL;
	q->base = base;
	q->other = NULL;
	q->skip = skip;
	q->n = n;
	q->out = out;
	q->have = 0;
	q->scored = 0;
}

int32_t
reco_pruned_top(const reco_env *env, const void *index, const float *item, int stride,
				const float *p, const float *bias, float base, const uint64_t *skip, int32_t n,
				reco_ranked *out)
{
	const reco_pruned *h = index;
	parts in = parts_of(index);
	query q;
	int done = 0;

	begin(&q, env, h, p, base, skip, n, out);
	q.item = item;
	q.stride = stride;
	q.bias = bias;
	q.extra = h->biased ? in.bias : NULL;
	q.high = in.high;
	q.later = in.later;
	q.most = h->most_bias;
	if (n <= 0)
		return 0;
	if (n < h->items / 4 && h->biased == (bias != NULL) && prepare(&q))
		done = prune(&q);
	if (done < 0)
		return -1;
	return done ? q.have : plain(&q);
}

int32_t
reco_pruned_search(const reco_env *env, const void *index, const reco_pruned_query *other,
				   const uint64_t *skip, int32_t n, reco_ranked *out)
{
	const reco_pruned *h = index;
	query q;
	int done;

	begin(&q, env, h, other->p, other->base, skip, n, out);
	q.extra = other->extra;
	q.high = other->high;
	q.later = other->later;
	q.most = other->most;
	q.other = other;
	if (n <= 0)
		return 0;
	if (n >= h->items / 4 || h->biased || !prepare(&q))
		return RECO_PRUNED_NONE;
	done = prune(&q);
	return done > 0 ? q.have : done < 0 ? -1 : RECO_PRUNED_NONE;
}
