/*
 * score_hybrid_scale.c
 *	  Scores of one user brought to a scale that several scorers share.
 *
 * Sums are by lanes (isa/scale.c), which makes them the same everywhere.  Places come of a radix
 * sort of the scores' bits.
 */
#include "core/scoring/score_hybrid_scale.h"

#include "core/base/dispatch.h"
#include "core/base/slab.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Scores between two polls: at most a millisecond. */
#define PIECE 65536

/* Bits of a digit, and digits of a score. */
#define DIGIT_BITS 11
#define DIGITS 3
#define VALUES (1 << DIGIT_BITS)

static inline bool
is_number(float x)
{
	return fabsf(x) <= FLT_MAX;
}

/* Of the scores that are numbers. */
typedef struct range
{
	int32_t n;
	double sum;
	float least;
	float most;
} range;

/* Leaves every score a number or -infinity.  False: stopped. */
static bool
find_range(const reco_env *env, float *score, int32_t n, range *out)
{
	const reco_kernels *kernels = reco_kernels_best();
	_Alignas(RECO_ALIGN) reco_lines_range r = {.n = {0}};
	int32_t whole = n - n % RECO_LINE;

	for (int j = 0; j < RECO_LINE; j++)
	{
		r.least[j] = INFINITY;
		r.most[j] = -INFINITY;
	}
	for (int32_t at = 0; at < whole; at += PIECE)
	{
		kernels->lines_range(score + at, whole - at < PIECE ? whole - at : PIECE, &r);
		if (whole - at > PIECE && env->poll(env->arg))
			return false;
	}
	for (int32_t i = whole; i < n; i++)
	{
		bool is = is_number(score[i]);
		int j = i % RECO_LINE;

		r.sum[j] += is ? score[i] : 0;
		r.n[j] += is;
		r.least[j] = is && score[i] < r.least[j] ? score[i] : r.least[j];
		r.most[j] = is && score[i] > r.most[j] ? score[i] : r.most[j];
		score[i] = is ? score[i] : -INFINITY;
	}
	*out = (range){.least = INFINITY, .most = -INFINITY};
	for (int j = 0; j < RECO_LINE; j++)
	{
		out->sum += r.sum[j];
		out->n += r.n[j];
		out->least = r.least[j] < out->least ? r.least[j] : out->least;
		out->most = r.most[j] > out->most ? r.most[j] : out->most;
	}
	return true;
}

/* A score with its place in the array, and bits that are ordered as scores are. */
typedef struct keyed
{
	uint32_t key;
	int32_t at;
} keyed;

static inline uint32_t
key_of(float x)
{
	uint32_t bits;

	x += 0.0f; /* -0 is 0 */
	memcpy(&bits, &x, sizeof(bits));
	return bits & UINT32_C(0x80000000) ? ~bits : bits | UINT32_C(0x80000000);
}

static inline uint32_t
digit_of(uint32_t key, int digit)
{
	return (key >> (digit * DIGIT_BITS)) & (VALUES - 1);
}

size_t
reco_scale_room(reco_hybrid_scale scale, int32_t n)
{
	if (scale != RECO_HYBRID_RANK)
		return 0;
	return 2 * reco_room((size_t) n * sizeof(keyed)) +
		   reco_room((size_t) DIGITS * VALUES * sizeof(int32_t));
}

/* The keys of the scores that are numbers, of which none other is above -infinity; -1: stopped. */
static int32_t
make_keys(const reco_env *env, const float *score, int32_t n, int32_t *place, keyed *a)
{
	const reco_kernels *kernels = reco_kernels_best();
	int32_t have = 0;

	for (int32_t from = 0; from < n; from += PIECE)
	{
		int32_t some = n - from < PIECE ? n - from : PIECE;
		int32_t whole = some - some % 16;
		int32_t found = kernels->above(score + from, whole, -INFINITY, place);

		for (int32_t i = whole; i < some; i++)
			if (is_number(score[from + i]))
				place[found++] = i;
		for (int32_t k = 0; k < found; k++)
			a[have++] = (keyed){key_of(score[from + place[k]]), from + place[k]};
		if (some == PIECE && env->poll(env->arg))
			return -1;
	}
	return have;
}

/* The scores that are numbers, in rising order, to one of the two arrays; NULL: stopped. */
static const keyed *
sort(const reco_env *env, const float *score, int32_t n, keyed *a, keyed *b, int32_t *count)
{
	int32_t have = make_keys(env, score, n, (int32_t *) b, a);

	if (have < 0)
		return NULL;
	memset(count, 0, (size_t) DIGITS * VALUES * sizeof(int32_t));
	for (int32_t k = 0; k < have; k++)
	{
		for (int d = 0; d < DIGITS; d++)
			count[d * VALUES + (int) digit_of(a[k].key, d)]++;
		if ((k + 1) % PIECE == 0 && env->poll(env->arg))
			return NULL;
	}
	for (int d = 0; d < DIGITS; d++)
	{
		int32_t *place = &count[d * VALUES];
		int32_t at = 0;
		keyed *swap = a;

		for (int v = 0; v < VALUES; v++)
		{
			int32_t here = place[v];

			place[v] = at;
			at += here;
		}
		for (int32_t k = 0; k < have; k++)
		{
			b[place[digit_of(a[k].key, d)]++] = a[k];
			if ((k + 1) % PIECE == 0 && env->poll(env->arg))
				return NULL;
		}
		a = b;
		b = swap;
	}
	return a;
}

/* Scores become places from the worst, from 1; n of them are numbers. */
static reco_status
make_ranks(const reco_env *env, float *score, int32_t all, int32_t n, void *room)
{
	keyed *a = room;
	keyed *b = (keyed *) ((char *) room + reco_room((size_t) all * sizeof(keyed)));
	int32_t *count = (int32_t *) ((char *) room + 2 * reco_room((size_t) all * sizeof(keyed)));
	const keyed *sorted = sort(env, score, all, a, b, count);

	if (sorted == NULL)
		return RECO_STOPPED;
	for (int32_t from = 0, to; from < n; from = to)
	{
		to = from;
		while (to < n && sorted[to].key == sorted[from].key)
			if (++to % PIECE == 0 && env->poll(env->arg))
				return RECO_STOPPED;
		for (int32_t k = from; k < to; k++)
			score[sorted[k].at] = (float) ((from + 1 + to) / 2.0);
	}
	return RECO_OK;
}

/* The mean is out->shift. */
static reco_status
find_deviation(const reco_env *env, const float *score, int32_t n, const range *r,
			   reco_scaling *out)
{
	const reco_kernels *kernels = reco_kernels_best();
	_Alignas(RECO_ALIGN) double squares[RECO_LINE] = {0};
	int32_t whole = n - n % RECO_LINE;
	double sum = 0;

	for (int32_t at = 0; at < whole; at += PIECE)
	{
		kernels->lines_squares(score + at, whole - at < PIECE ? whole - at : PIECE, out->shift,
							   squares);
		if (whole - at > PIECE && env->poll(env->arg))
			return RECO_STOPPED;
	}
	for (int32_t i = whole; i < n; i++)
	{
		double away = is_number(score[i]) ? score[i] - out->shift : 0;

		squares[i % RECO_LINE] += away * away;
	}
	for (int j = 0; j < RECO_LINE; j++)
		sum += squares[j];
	out->scale = sqrt(sum / r->n);
	out->least = (r->least - out->shift) / out->scale;
	return RECO_OK;
}

reco_status
reco_scale_find(const reco_env *env, reco_hybrid_scale scale, float *score, int32_t n, void *room,
				reco_scaling *out)
{
	range r;

	if (!find_range(env, score, n, &r))
		return RECO_STOPPED;
	*out = (reco_scaling){.n = r.n, .tells = r.n > 0 && r.least < r.most, .scale = 1};
	if (r.n == 0 || scale == RECO_HYBRID_NONE)
		return RECO_OK;
	if (scale == RECO_HYBRID_RANK)
	{
		out->scale = r.n;
		return make_ranks(env, score, n, r.n, room);
	}
	out->shift = r.least;
	if (!out->tells)
		return RECO_OK;
	out->scale = (double) r.most - r.least;
	if (scale == RECO_HYBRID_MIN_MAX)
		return RECO_OK;
	out->shift = r.sum / r.n;
	return find_deviation(env, score, n, &r, out);
}
