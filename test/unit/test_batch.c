/*
 * test_batch.c
 *	  The lists of many users, against a score and a ranking for each: every bit
 *	  must be the same, with an index and without, by any number of threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/batch.h"
#include "core/ranking/pruned.h"
#include "core/ranking/score.h"
#include "mimic_env.h"
#include "mimic_pruned.h"

#define USERS 40

/* Users, and what each has: none, a few, nearly all. */
typedef struct crowd
{
	float *user;
	float base[USERS];
	reco_csr seen;
} crowd;

static crowd
crowd_of(mimic_world *w, int kind, uint64_t *seed)
{
	crowd c;

	c.user = aligned_alloc(RECO_ALIGN, USERS * (size_t) w->stride * sizeof(float) + RECO_ALIGN);
	c.seen = (reco_csr){.rows = USERS, .cols = w->items};
	c.seen.start = calloc(USERS + 1, sizeof(int64_t));
	c.seen.col = malloc(USERS * (size_t) w->items * sizeof(int32_t) + 4);
	for (int32_t u = 0; u < USERS; u++)
	{
		double share = u % 4 == 0 ? 0 : u % 4 == 1 ? 1 : mimic_uniform(seed);
		int64_t at = c.seen.start[u];

		mimic_world_user(w, kind, u % 3, seed);
		memcpy(c.user + (size_t) u * (size_t) w->stride, w->user,
			   (size_t) w->stride * sizeof(float));
		c.base[u] = (float) mimic_below(seed, 5);
		for (int32_t i = 0; i < w->items; i++)
			if (mimic_uniform(seed) < share)
				c.seen.col[at++] = i;
		c.seen.start[u + 1] = at;
	}
	return c;
}

static void
crowd_free(crowd *c)
{
	free(c->user);
	free(c->seen.start);
	free(c->seen.col);
}

static void
check(const mimic_world *w, const crowd *c, const void *index, const uint64_t *hidden, int threads,
	  int32_t n)
{
	reco_batch_items items = {w->items, w->stride, w->item, w->bias, index, hidden};
	reco_ranked *out = malloc(USERS * (size_t) n * sizeof(reco_ranked) + 1);
	reco_ranked *wanted = malloc((size_t) n * sizeof(reco_ranked) + 1);
	uint64_t *skip = malloc(RECO_SET_BYTES(w->items) + 8);
	int32_t count[USERS];
	mimic_env m;

	mimic_env_init(&m);
	m.env.threads = threads;
	assert_int_equal(reco_batch_top(&m.env, &items, c->user, c->base, &c->seen, n, out, count),
					 RECO_OK);
	assert_int_equal(m.live, 0);
	for (int32_t u = 0; u < USERS; u++)
	{
		int32_t k;

		memset(skip, 0, RECO_SET_BYTES(w->items));
		if (hidden)
			memcpy(skip, hidden, RECO_SET_BYTES(w->items));
		for (int64_t e = c->seen.start[u]; e < c->seen.start[u + 1]; e++)
			reco_set_add(skip, c->seen.col[e]);
		reco_score(w->item, w->items, w->stride, c->user + (size_t) u * (size_t) w->stride, w->bias,
				   c->base[u], w->score);
		k = reco_top_n(NULL, w->score, w->items, skip, n, wanted);
		assert_int_equal(count[u], k);
		if (k > 0)
			assert_memory_equal(out + (size_t) u * (size_t) n, wanted,
								(size_t) k * sizeof(reco_ranked));
	}
	free(skip);
	free(wanted);
	free(out);
}

static void
test_lists(void **state)
{
	uint64_t seed = 5;
	const int kinds[] = {RANDOM, SKEWED, FEW_VALUES, ZEROS, TOO_HUGE};

	(void) state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (int biased = 0; biased <= 1; biased++)
		{
			mimic_world w = mimic_world_of(k == 0 ? 7 : 700, 20);
			uint64_t *hidden = calloc(1, RECO_SET_BYTES(w.items) + 8);
			crowd c;
			mimic_env m;

			for (int32_t i = 0; i < w.items; i++)
				if (mimic_uniform(&seed) < 0.3)
					reco_set_add(hidden, i);
			mimic_env_init(&m);
			mimic_world_items(&w, kinds[k], biased, &seed);
			assert_int_equal(
				reco_pruned_build(&m.env, w.item, w.items, w.d, w.stride, w.bias, w.index),
				RECO_OK);
			c = crowd_of(&w, kinds[k], &seed);
			for (int threads = 1; threads <= 3; threads++)
				for (int32_t n = 0; n <= 20; n += 10)
				{
					check(&w, &c, NULL, NULL, threads, n);
					check(&w, &c, w.index, NULL, threads, n);
					check(&w, &c, NULL, hidden, threads, n);
					check(&w, &c, w.index, hidden, threads, n);
				}
			crowd_free(&c);
			free(hidden);
			mimic_world_free(&w);
		}
}

static void
test_fails_and_stops(void **state)
{
	uint64_t seed = 6;
	mimic_world w = mimic_world_of(300, 8);
	reco_batch_items items;
	reco_ranked out[USERS * 3];
	int32_t count[USERS];
	crowd c;
	mimic_env m;
	long allocations;

	(void) state;
	mimic_world_items(&w, RANDOM, false, &seed);
	c = crowd_of(&w, RANDOM, &seed);
	items = (reco_batch_items){w.items, w.stride, w.item, w.bias, NULL, NULL};
	mimic_env_init(&m);
	assert_int_equal(reco_batch_top(&m.env, &items, c.user, c.base, &c.seen, 3, out, count),
					 RECO_OK);
	allocations = m.allocations;
	for (long at = 1; at <= allocations; at++)
	{
		mimic_env_init(&m);
		m.fail_at = at;
		assert_int_equal(reco_batch_top(&m.env, &items, c.user, c.base, &c.seen, 3, out, count),
						 RECO_NO_MEMORY);
		assert_int_equal(m.live, 0);
	}
	mimic_env_init(&m);
	m.stop_at = 1;
	assert_int_equal(reco_batch_top(&m.env, &items, c.user, c.base, &c.seen, 3, out, count),
					 RECO_STOPPED);
	assert_int_equal(m.live, 0);
	crowd_free(&c);
	mimic_world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_fails_and_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
