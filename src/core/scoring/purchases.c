/*
 * purchases.c
 *	  How likely users are to take items, from scores.
 */
#include "core/scoring/purchases.h"

#include "core/inference/isotonic.h"

#include <math.h>
#include <string.h>

/* Probabilities are whole multiples of 1 / ONE. */
#define ONE_BITS 31
#define ONE ((double) (UINT32_C(1) << ONE_BITS))

/* Where the bin of -infinity is. */
#define NOTHING 127

/* What a thread has seen. */
typedef struct seen
{
	/* by half of the item, whether the user had it, and bin of the score */
	int64_t pairs[2][2][RECO_SCORE_BINS];
	int64_t taken[2][2][RECO_SCORE_BINS];
} seen;

typedef struct pass
{
	const reco_purchases *purchases;
	/* to calibrate */
	const int64_t *start;
	const int32_t *item;
	/* to add up */
	const double *chance;
	const reco_probabilities *by[2]; /* of items of a half */
	/* by item */
	const uint8_t *half;
} pass;

/* Bits of a float in the order of floats, without the last 16. */
static inline uint32_t
bin_of(float score)
{
	uint32_t bits;

	memcpy(&bits, &score, sizeof(bits));
	return (bits ^ (bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31)) >> 16;
}

static bool
profile_of(void *arg, int64_t k, reco_profile *profile)
{
	const reco_purchases *p = ((const pass *) arg)->purchases;

	return p->profile(p->arg, p->user[k], profile);
}

static reco_status
count_user(void *arg, reco_worker *worker, int64_t k)
{
	const pass *p = arg;
	const reco_profile *profile = worker->seat->profile;
	seen *of = worker->own;
	int32_t items = p->purchases->scorer->items;
	reco_status status = reco_seat_score_all(worker->seat);
	const float *score = worker->seat->score;

	if (status != RECO_OK)
		return status;
	for (int32_t i = 0; i < items; i++)
		of->pairs[p->half[i]][0][bin_of(score[i])]++;
	for (int64_t e = 0; e < profile->n; e++)
	{
		int32_t i = profile->item[e];
		uint32_t bin = bin_of(score[i]);

		of->pairs[p->half[i]][0][bin]--;
		of->pairs[p->half[i]][1][bin]++;
	}
	/* the user's items rise, and so do those that they took */
	for (int64_t t = p->start[k], e = 0; t < p->start[k + 1]; t++)
	{
		int32_t i = p->item[t];

		while (e < profile->n && profile->item[e] < i)
			e++;
		of->taken[p->half[i]][e < profile->n && profile->item[e] == i][bin_of(score[i])]++;
	}
	return RECO_OK;
}

static reco_status
add_user(void *arg, reco_worker *worker, int64_t k)
{
	const pass *p = arg;
	const reco_profile *profile = worker->seat->profile;
	int64_t *sum = worker->own;
	int32_t items = p->purchases->scorer->items;
	uint64_t chance = (uint64_t) (p->chance[k] * ONE);
	reco_status status = reco_seat_score_all(worker->seat);
	const float *score = worker->seat->score;

	if (status != RECO_OK)
		return status;
	for (int32_t i = 0; i < items; i++)
		sum[i] += (int64_t) (chance * p->by[p->half[i]]->of[0][bin_of(score[i])] >> ONE_BITS);
	for (int64_t e = 0; e < profile->n; e++)
	{
		int32_t i = profile->item[e];
		const reco_probabilities *by = p->by[p->half[i]];
		uint32_t bin = bin_of(score[i]);

		sum[i] += (int64_t) (chance * by->of[1][bin] >> ONE_BITS) -
				  (int64_t) (chance * by->of[0][bin] >> ONE_BITS);
	}
	return RECO_OK;
}

size_t
reco_purchases_bytes(const reco_scorer *scorer, int threads)
{
	size_t sums = (size_t) scorer->items * sizeof(int64_t);
	reco_engine_options options = {.scorer = scorer,
								   .own = sums > sizeof(seen) ? sums : sizeof(seen)};

	return reco_engine_bytes(&options, threads) + (size_t) scorer->items +
		   RECO_SCORE_BINS * (2 * sizeof(double) + sizeof(int32_t));
}

/* A pass over the users; on an error *engine is NULL. */
static reco_status
run(const reco_env *env, pass *p, size_t own,
	reco_status (*visit)(void *arg, reco_worker *worker, int64_t user), reco_engine **engine)
{
	int32_t items = p->purchases->scorer->items;
	reco_engine_options options = {.scorer = p->purchases->scorer, .own = own};
	reco_pass over = {p->purchases->users, profile_of, visit, NULL, 0, p};
	uint8_t *half = env->alloc(env->arg, (size_t) items + 1);
	reco_status status = half ? reco_engine_make(env, &options, engine) : RECO_NO_MEMORY;

	for (int32_t i = 0; i < items && status == RECO_OK; i++)
	{
		half[i] = (uint8_t) reco_half_of(i);
		if (i % 65536 == 0 && env->poll(env->arg))
			status = RECO_STOPPED;
	}
	p->half = half;
	if (status == RECO_OK)
		status = reco_engine_run(*engine, &over);
	if (half)
		env->release(env->arg, half);
	if (status == RECO_OK)
		return RECO_OK;
	reco_engine_free(*engine);
	*engine = NULL;
	return status;
}

static void
add_counts(int64_t *to, const int64_t *from)
{
	for (int b = 0; b < RECO_SCORE_BINS; b++)
		to[b] += from[b];
}

/* Everything into the first thread's. */
static seen *
add_threads(reco_engine *engine)
{
	seen *all = reco_engine_worker(engine, 0)->own;

	for (int t = 1; t < reco_engine_threads(engine); t++)
	{
		const seen *of = reco_engine_worker(engine, t)->own;

		for (int k = 0; k < 4; k++)
		{
			add_counts(all->pairs[k / 2][k % 2], of->pairs[k / 2][k % 2]);
			add_counts(all->taken[k / 2][k % 2], of->taken[k / 2][k % 2]);
		}
	}
	return all;
}

static uint32_t
whole(double probability)
{
	return (uint32_t) (probability * ONE);
}

/* A bin that nothing fell into has the probability of the one below, the lowest of the one above.
 */
static void
spread(const int64_t *pairs, const double *mean, uint32_t *out)
{
	uint32_t at = 0;
	int32_t next = 0;

	for (int b = NOTHING + 1; b < RECO_SCORE_BINS && next == 0; b++)
		if (pairs[b] > 0)
		{
			at = whole(mean[0]);
			next = 1;
		}
	for (int b = NOTHING + 1, m = 0; b < RECO_SCORE_BINS; b++)
	{
		if (pairs[b] > 0)
			at = whole(mean[m++]);
		out[b] = at;
	}
}

static void
calibrate(const int64_t *pairs, const int64_t *taken, double *mean, double *weight, int32_t *size,
		  uint32_t *out)
{
	int32_t n = 0;

	memset(out, 0, RECO_SCORE_BINS * sizeof(uint32_t));
	for (int b = NOTHING + 1; b < RECO_SCORE_BINS; b++)
		if (pairs[b] > 0)
		{
			mean[n] = (double) taken[b] / (double) pairs[b];
			weight[n++] = (double) pairs[b];
		}
	reco_isotonic(mean, weight, size, n);
	spread(pairs, mean, out);
	if (pairs[NOTHING] > 0)
		out[NOTHING] = whole((double) taken[NOTHING] / (double) pairs[NOTHING]);
}

reco_status
reco_purchases_calibrate(const reco_env *env, const reco_purchases *purchases, const int64_t *start,
						 const int32_t *item, reco_calibration *out)
{
	pass p = {.purchases = purchases, .start = start, .item = item};
	reco_engine *engine = NULL;
	reco_status status = run(env, &p, sizeof(seen), count_user, &engine);
	size_t bytes = RECO_SCORE_BINS * (2 * sizeof(double) + sizeof(int32_t));
	double *mean = status == RECO_OK ? env->alloc(env->arg, bytes) : NULL;

	if (mean)
	{
		seen *all = add_threads(engine);
		double *weight = mean + RECO_SCORE_BINS;
		int32_t *size = (int32_t *) (weight + RECO_SCORE_BINS);

		for (int had = 0; had < 2; had++)
		{
			for (int half = 0; half < 2; half++)
				calibrate(all->pairs[half][had], all->taken[half][had], mean, weight, size,
						  out->half[half].of[had]);
			add_counts(all->pairs[0][had], all->pairs[1][had]);
			add_counts(all->taken[0][had], all->taken[1][had]);
			calibrate(all->pairs[0][had], all->taken[0][had], mean, weight, size, out->all.of[had]);
		}
		env->release(env->arg, mean);
	}
	else if (status == RECO_OK)
		status = RECO_NO_MEMORY;
	reco_engine_free(engine);
	return status;
}

reco_status
reco_purchases_expect(const reco_env *env, const reco_purchases *purchases, const double *chance,
					  const reco_calibration *calibration, bool across, double *expected)
{
	const reco_probabilities *all = &calibration->all;
	pass p = {
		.purchases = purchases,
		.chance = chance,
		.by = {across ? &calibration->half[1] : all, across ? &calibration->half[0] : all},
	};
	int32_t items = purchases->scorer->items;
	reco_engine *engine = NULL;
	reco_status status = run(env, &p, (size_t) items * sizeof(int64_t), add_user, &engine);

	if (status != RECO_OK)
		return status;
	for (int32_t i = 0; i < items; i++)
	{
		int64_t sum = 0;

		for (int t = 0; t < reco_engine_threads(engine); t++)
			sum += ((const int64_t *) reco_engine_worker(engine, t)->own)[i];
		expected[i] = (double) sum / ONE;
	}
	reco_engine_free(engine);
	return RECO_OK;
}
