/*
 * test_folding.c
 *	  Users folded in together come out as each by themselves: whatever the number of threads,
 *however often the work is left, and whatever each takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/scoring/folding.h"
#include "core/scoring/score_factors.h"
#include "mimic_env.h"
#include "mimic_pruned.h"

#define USERS 97
#define MOST 9000

/* Users and what they have; a value says what the fold-in of a strange scorer takes. */
typedef struct crowd
{
	int32_t *item;
	float *value;
	reco_profile profile[USERS];
} crowd;

static crowd *
crowd_of(int32_t items, uint64_t *seed)
{
	crowd *c = calloc(1, sizeof(crowd));
	int32_t *item = c->item = malloc(((size_t) items * USERS + 1) * sizeof(int32_t));
	float *value = c->value = malloc(((size_t) items * USERS + 1) * sizeof(float));

	for (int u = 0; u < USERS; u++)
	{
		double share = u % 5 == 0 ? 0 : u % 5 == 1 ? 1 : mimic_uniform(seed);
		int64_t n = 0;

		for (int32_t i = 0; i < items; i++)
			if (mimic_uniform(seed) < share)
			{
				item[n] = i;
				value[n++] = (float) (1 + mimic_below(seed, 5));
			}
		c->profile[u] = (reco_profile){.n = n, .item = item, .value = value, .user = u + 1};
		item += n;
		value += n;
	}
	return c;
}

static void
crowd_free(crowd *c)
{
	free(c->item);
	free(c->value);
	free(c);
}

/* Users of a scorer that takes a lot for some, and has an error for one. */
#define STRIDE 24
static int32_t singular;
static atomic_int on_threads;
static atomic_int alone;
static atomic_int misaligned;

static size_t
taken_by(int32_t user)
{
	return user % 7 == 3 ? 200000 : 100 + (size_t) user * 8;
}

static reco_status
strange_fold_in(const reco_env *env, const reco_scorer *scorer, reco_profile *profile)
{
	float *factors = env->alloc(env->arg, STRIDE * sizeof(float));
	char *work = env->alloc(env->arg, taken_by(profile->user));
	float *second = work ? env->alloc(env->arg, 40) : NULL;

	(void) scorer;
	if (omp_in_parallel())
		on_threads++;
	else
		alone++;
	if (second && profile->user != singular)
	{
		misaligned += (uintptr_t) factors % RECO_ALIGN != 0;
		memset(work, profile->user, taken_by(profile->user));
		memset(second, 1, 40);
		for (int k = 0; k < STRIDE; k++)
			factors[k] = (float) (profile->user * 100 + k + (double) profile->n / 16);
		profile->factors = factors;
	}
	if (work)
		env->release(env->arg, work);
	if (second)
		env->release(env->arg, second);
	if (profile->factors)
		return RECO_OK;
	if (factors)
		env->release(env->arg, factors);
	/* what others may see of a profile that failed is what it was */
	profile->members = 77;
	return second ? RECO_SINGULAR : RECO_NO_MEMORY;
}

static const reco_scorer_type strange_type = {.name = "strange", .fold_in = strange_fold_in};
static const reco_scorer strange = {&strange_type, 100, -INFINITY, INFINITY};

static void
check_same(const reco_scorer *scorer, const reco_profile *given, const reco_profile *made,
		   int stride)
{
	reco_profile wanted = *given;
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(reco_scorer_fold_in(&m.env, scorer, &wanted), RECO_OK);
	assert_int_equal(made->n, given->n);
	assert_int_equal(made->members, given->members);
	assert_ptr_equal(made->item, given->item);
	assert_memory_equal(&made->bias, &wanted.bias, sizeof(float));
	assert_memory_equal(made->factors, wanted.factors, (size_t) stride * sizeof(float));
	reco_profile_free(&m.env, &wanted);
	assert_int_equal(m.live, 0);
}

/* Batches of several lengths, one after another, by one folding. */
static void
check_all(const reco_scorer *scorer, const crowd *c, int stride, int threads, bool due)
{
	static const int32_t batch[] = {USERS, 1, 13, 0, USERS, 64};
	mimic_env m;
	reco_folding *folding;

	mimic_env_init(&m);
	m.env.threads = threads;
	if (due)
		m.env.due = mimic_always_due;
	assert_int_equal(reco_folding_make(&m.env, scorer, &folding), RECO_OK);
	for (size_t b = 0; b < sizeof(batch) / sizeof(batch[0]); b++)
	{
		int32_t from = (int32_t) b % (USERS - batch[b] + 1);
		reco_profile *profile = malloc(((size_t) batch[b] + 1) * sizeof(reco_profile));

		memcpy(profile, c->profile + from, (size_t) batch[b] * sizeof(reco_profile));
		assert_int_equal(reco_folding_run(folding, profile, batch[b]), RECO_OK);
		for (int32_t u = 0; u < batch[b]; u++)
			check_same(scorer, &c->profile[from + u], &profile[u], stride);
		free(profile);
	}
	reco_folding_free(folding);
	assert_int_equal(m.live, 0);
}

static void
test_als(void **state)
{
	uint64_t seed = 1;

	(void) state;
	for (int implicit = 0; implicit <= 1; implicit++)
	{
		int d = implicit ? 20 : 7;
		mimic_world w = mimic_world_of(60, d);
		crowd *c = crowd_of(60, &seed);
		reco_als_scorer scorer = {0};
		double *gram = malloc((size_t) (d * d) * sizeof(double));
		float *center = calloc((size_t) d + 2, sizeof(float));
		mimic_env m;

		mimic_env_init(&m);
		mimic_world_items(&w, RANDOM, true, &seed);
		scorer.factor =
			(reco_factor_scorer){.head = {&reco_als_scorer_type, 60, -INFINITY, INFINITY},
								 .factors = d,
								 .stride = w.stride,
								 .item = w.item,
								 .item_bias = implicit ? NULL : w.bias,
								 .mean = implicit ? 0 : 3.25};
		scorer.params = (reco_als_params){.implicit = implicit,
										  .factors = d,
										  .regularization = 0.1,
										  .alpha = 2,
										  .biases = !implicit,
										  .iterations = 1};
		assert_int_equal(reco_als_gram(&m.env, w.item, 60, d, w.stride, gram), RECO_OK);
		scorer.gram = implicit ? gram : NULL;
		for (int k = 0; k < d + 2; k++)
			center[k] = (float) k / 8;
		for (int u = 0; u < USERS; u += 2)
			c->profile[u].center = center;
		for (int threads = 1; threads <= 4; threads++)
			check_all(&scorer.factor.head, c, w.stride, threads, threads == 3);
		free(center);
		free(gram);
		crowd_free(c);
		mimic_world_free(&w);
	}
}

static void
test_strange(void **state)
{
	uint64_t seed = 2;
	crowd *c = crowd_of(100, &seed);

	(void) state;
	singular = 0;
	for (int threads = 1; threads <= 4; threads++)
	{
		on_threads = alone = 0;
		check_all(&strange, c, STRIDE, threads, threads == 2);
		/* those who take a lot do not fit where others do; and somebody did */
		assert_int_equal(misaligned, 0);
		assert_true(threads == 1 ? on_threads == 0 : on_threads > USERS && alone > USERS / 7);
	}
	crowd_free(c);
}

/* Who has very many interactions is not for a thread, and where all are such nobody is. */
static void
test_many(void **state)
{
	int32_t *item = calloc(MOST, sizeof(int32_t));
	reco_profile profile[3];
	mimic_env m;
	reco_folding *folding;

	(void) state;
	singular = 0;
	for (int32_t few = 0; few <= 1; few++)
	{
		mimic_env_init(&m);
		m.env.threads = 2;
		on_threads = alone = 0;
		for (int u = 0; u < 3; u++)
			profile[u] = (reco_profile){.n = u == 1 && few ? 5 : MOST, .item = item, .user = u + 1};
		assert_int_equal(reco_folding_make(&m.env, &strange, &folding), RECO_OK);
		assert_int_equal(reco_folding_run(folding, profile, 3), RECO_OK);
		assert_int_equal(on_threads, few);
		for (int u = 0; u < 3; u++)
			assert_true(profile[u].factors[0] ==
						(float) ((u + 1) * 100 + (double) profile[u].n / 16));
		reco_folding_free(folding);
		assert_int_equal(m.live, 0);
	}
	free(item);
}

/* An error is the user's; nothing is left behind, and the folding can go on. */
static void
test_errors(void **state)
{
	uint64_t seed = 3;
	crowd *c = crowd_of(30, &seed);
	reco_profile profile[USERS];
	mimic_env m;
	reco_folding *folding;
	long allocations = 1;

	(void) state;
	for (int threads = 1; threads <= 3; threads++)
	{
		mimic_env_init(&m);
		m.env.threads = threads;
		assert_int_equal(reco_folding_make(&m.env, &strange, &folding), RECO_OK);
		for (singular = 0; singular <= USERS; singular += 32)
		{
			memcpy(profile, c->profile, sizeof(profile));
			assert_int_equal(reco_folding_run(folding, profile, USERS),
							 singular > 0 ? RECO_SINGULAR : RECO_OK);
		}
		reco_folding_free(folding);
		assert_int_equal(m.live, 0);
		singular = 0;
		for (long at = 1; at <= allocations; at++)
		{
			reco_status status;

			mimic_env_init(&m);
			m.env.threads = threads;
			m.fail_at = at;
			status = reco_folding_make(&m.env, &strange, &folding);
			memcpy(profile, c->profile, sizeof(profile));
			if (status == RECO_OK)
				status = reco_folding_run(folding, profile, USERS);
			/* without arenas there is the main thread */
			assert_true(status == RECO_NO_MEMORY || status == RECO_OK);
			for (int u = 0; status == RECO_OK && u < USERS; u++)
				assert_true(profile[u].factors[1] ==
							(float) ((u + 1) * 100 + 1 + (double) profile[u].n / 16));
			reco_folding_free(folding);
			assert_int_equal(m.live, 0);
			allocations = m.allocations < 60 ? m.allocations : 60;
		}
		for (long at = 1; at <= 12; at++)
		{
			reco_status status;

			mimic_env_init(&m);
			m.env.threads = threads;
			m.stop_at = at;
			memcpy(profile, c->profile, sizeof(profile));
			assert_int_equal(reco_folding_make(&m.env, &strange, &folding), RECO_OK);
			status = reco_folding_run(folding, profile, USERS);
			assert_int_equal(status, m.polls >= at ? RECO_STOPPED : RECO_OK);
			assert_true(m.polls > 0);
			reco_folding_free(folding);
			assert_int_equal(m.live, 0);
		}
	}
	crowd_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_als),
		cmocka_unit_test(test_strange),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
