/*
 * mimic_hash.c
 *	  A scorer that can be understood at a glance: a score is a hash of the user and the item,
 *	  one of few values, so that there are ties; some items it says nothing about.
 *
 * Its seats keep a mark while they are open, and errors are counted, for a test's assertions
 * may fail on the main thread only.
 */
#include "mimic_hash.h"

#include <math.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_long errors;

long
mimic_hash_errors(void)
{
	return atomic_exchange(&errors, 0);
}

float
mimic_hash_score(int64_t user, int32_t item)
{
	uint64_t seed = (uint64_t) user * 1000003 + (uint64_t) item;
	int64_t value = mimic_below(&seed, 8);

	return value == 7 ? -INFINITY : (float) value - 2;
}

bool
mimic_hash_is_personal(int64_t user)
{
	return user % 5 != 3;
}

static int64_t
user_of(const reco_seat *seat)
{
	return (int64_t) seat->profile->bias;
}

static size_t
hash_scratch(const reco_scorer *scorer)
{
	(void) scorer;
	return sizeof(int64_t);
}

static reco_status
hash_open(reco_seat *seat)
{
	errors += *(int64_t *) seat->scratch != 0;
	*(int64_t *) seat->scratch = 1;
	return RECO_OK;
}

static void
hash_close(reco_seat *seat)
{
	errors += *(int64_t *) seat->scratch != 1;
	*(int64_t *) seat->scratch = 0;
}

static bool
hash_is_personal(const reco_seat *seat)
{
	return mimic_hash_is_personal(user_of(seat));
}

static reco_status
hash_some(reco_seat *seat, const int32_t *item, int32_t n, float *score)
{
	errors += *(int64_t *) seat->scratch != 1;
	for (int32_t k = 0; k < n; k++)
		score[k] = mimic_hash_score(user_of(seat), item ? item[k] : k);
	return seat->env.poll(seat->env.arg) ? RECO_STOPPED : RECO_OK;
}

static reco_status
hash_score(reco_seat *seat, float *score)
{
	return hash_some(seat, NULL, seat->scorer->items, score);
}

static const reco_scorer_type hash_type = {
	.name = "hash",
	.scratch = hash_scratch,
	.open = hash_open,
	.close = hash_close,
	.is_personal = hash_is_personal,
	.score = hash_score,
	.score_some = hash_some,
};

reco_scorer
mimic_hash_scorer(int32_t items)
{
	return (reco_scorer){&hash_type, items, -1, 4};
}
