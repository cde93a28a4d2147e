/*
 * test_engine.c
 *	  Passes over users: each is visited once, whatever the number of threads and however
 *	  often the work is left; lists are those of a sort of all scores.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <limits.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/csr.h"
#include "core/scoring/engine.h"
#include "core/ranking/pruned.h"
#include "core/scoring/score_factors.h"
#include "mimic_env.h"
#include "mimic_hash.h"
#include "mimic_pruned.h"

#define USERS 103
#define MAX_N 400

/* Users, what each has, and what a pass finds. */
typedef struct crowd
{
	int32_t items;
	int32_t n;
	int64_t start[USERS + 1];
	int32_t *col;
	const float *factors; /* USERS x stride, or NULL */
	int stride;
	reco_ranked *list; /* USERS x n */
	int32_t count[USERS];
	int32_t by_score[USERS];
	atomic_int visits[USERS];
	int64_t sunk; /* users */
	int64_t batch;
	int64_t fail_at; /* a user whose visit fails; -1: none */
	long wrong;
} crowd;

static bool
leaves_out(int64_t user)
{
	return user % 11 == 4;
}

static crowd *
crowd_of(int32_t items, int32_t n, uint64_t *seed)
{
	crowd *c = calloc(1, sizeof(crowd));

	c->items = items;
	c->n = n;
	c->fail_at = -1;
	c->col = malloc(USERS * (size_t) items * sizeof(int32_t) + 4);
	c->list = malloc(USERS * (size_t) n * sizeof(reco_ranked) + 1);
	for (int32_t u = 0; u < USERS; u++)
	{
		double share = u % 4 == 0 ? 0 : u % 4 == 1 ? 1 : mimic_uniform(seed);
		int64_t at = c->start[u];

		for (int32_t i = 0; i < items; i++)
			if (mimic_uniform(seed) < share)
				c->col[at++] = i;
		c->start[u + 1] = at;
	}
	return c;
}

static void
crowd_free(crowd *c)
{
	free(c->col);
	free(c->list);
	free(c);
}

static bool
profile_of(void *arg, int64_t user, reco_profile *profile)
{
	const crowd *c = arg;

	if (leaves_out(user))
		return false;
	*profile = (reco_profile){
		.factors = c->factors ? c->factors + (size_t) user * (size_t) c->stride : NULL,
		.bias = (float) user,
		.n = c->start[user + 1] - c->start[user],
		.item = c->col + c->start[user],
	};
	return true;
}

static reco_status
visit(void *arg, reco_worker *worker, int64_t user)
{
	crowd *c = arg;

	if (user == c->fail_at)
		return RECO_SINGULAR;
	c->visits[user]++;
	/* what a worker owns is its own, and what it left there stays */
	((int64_t *) worker->own)[worker->number]++;
	c->count[user] = reco_worker_list(worker, c->n, c->list + user * c->n, &c->by_score[user]);
	return c->count[user] < 0 ? RECO_STOPPED : RECO_OK;
}

static reco_status
sink(void *arg, int64_t from, int64_t to)
{
	crowd *c = arg;

	c->wrong += from != c->sunk || to <= from || omp_in_parallel();
	c->wrong += c->batch > 0 ? to - from > c->batch : to - from != USERS;
	for (int64_t u = 0; u < USERS; u++)
		c->wrong += c->visits[u] != (u < to && !leaves_out(u));
	c->sunk = to;
	return RECO_OK;
}

/* What a pass begins with. */
static reco_pass
pass_of(crowd *c, int64_t batch)
{
	memset(c->visits, 0, sizeof(c->visits));
	memset(c->count, 0xff, sizeof(c->count));
	c->sunk = 0;
	c->batch = batch;
	return (reco_pass){USERS, profile_of, visit, sink, batch, c};
}

static int
by_rank(const void *a, const void *b)
{
	reco_ranked x = *(const reco_ranked *) a;
	reco_ranked y = *(const reco_ranked *) b;

	return reco_ranked_after(x, y) - reco_ranked_after(y, x);
}

/* A user's list by sorting everything. */
static int32_t
slow_list(const crowd *c, const float *score, const reco_engine_options *options, int64_t user,
		  reco_ranked *out, int32_t *by_score)
{
	bool left_out[MAX_N] = {false};
	int32_t n = 0;
	int32_t all;

	for (int64_t e = c->start[user]; e < c->start[user + 1]; e++)
		left_out[c->col[e]] = true;
	for (int32_t i = 0; i < c->items; i++)
	{
		if (options->hidden && reco_set_has(options->hidden, i))
			left_out[i] = true;
		if (score && score[i] != -INFINITY && !left_out[i])
			out[n++] = (reco_ranked){score[i], i};
	}
	qsort(out, (size_t) n, sizeof(reco_ranked), by_rank);
	n = n < c->n ? n : c->n;
	all = n;
	for (int32_t r = 0; r < n; r++)
		left_out[out[r].item] = true;
	for (int32_t f = 0; options->filler && f < options->fillers && all < c->n; f++)
		if (!left_out[options->filler[f].item])
			out[all++] = options->filler[f];
	*by_score = n;
	return all;
}

static void
check_lists(crowd *c, const reco_engine_options *options)
{
	reco_ranked wanted[MAX_N * 2];
	float score[MAX_N * 2];
	mimic_env m;
	reco_seat *seat;

	mimic_env_init(&m);
	assert_int_equal(reco_seat_make(&m.env, options->scorer, &seat), RECO_OK);
	assert_int_equal(c->wrong, 0);
	assert_int_equal(c->sunk, USERS);
	assert_int_equal(mimic_hash_errors(), 0);
	for (int64_t u = 0; u < USERS; u++)
	{
		reco_profile profile;
		int32_t by_score;
		int32_t n;

		assert_int_equal(c->visits[u], !leaves_out(u));
		if (!profile_of(c, u, &profile))
			continue;
		assert_int_equal(reco_seat_open(seat, &profile), RECO_OK);
		assert_int_equal(reco_seat_score(seat, score), RECO_OK);
		n = slow_list(c, reco_seat_is_personal(seat) ? score : NULL, options, u, wanted, &by_score);
		reco_seat_close(seat);
		assert_int_equal(c->count[u], n);
		assert_int_equal(c->by_score[u], by_score);
		if (n > 0)
			assert_memory_equal(c->list + u * c->n, wanted, (size_t) n * sizeof(reco_ranked));
	}
	(void) mimic_hash_errors();
	reco_seat_free(&m.env, seat);
}

/* All numbers of threads and sizes of batches on one engine each. */
static void
check_passes(crowd *c, const reco_engine_options *options)
{
	for (int threads = 1; threads <= 4; threads *= 2)
	{
		reco_engine *engine;
		mimic_env m;
		int64_t visits = 0;
		int64_t passes = 0;

		mimic_env_init(&m);
		m.env.threads = threads;
		assert_int_equal(reco_engine_make(&m.env, options, &engine), RECO_OK);
		assert_true(m.bytes <= reco_engine_bytes(options, threads));
		for (int64_t batch = 0; batch <= 20; batch += 20)
		{
			reco_pass pass = pass_of(c, batch);
			long allocations = m.allocations;

			assert_int_equal(reco_engine_run(engine, &pass), RECO_OK);
			assert_int_equal(m.allocations, allocations);
			passes++;
			check_lists(c, options);
		}
		for (int t = 0; t < reco_engine_threads(engine); t++)
			for (int k = 0; k < threads; k++)
			{
				int64_t own = ((int64_t *) reco_engine_worker(engine, t)->own)[k];

				visits += own;
				assert_true(k == t || own == 0);
			}
		for (int64_t u = 0; u < USERS; u++)
			visits -= passes * !leaves_out(u);
		assert_int_equal(visits, 0);
		reco_engine_free(engine);
		assert_int_equal(m.live, 0);
	}
}

static reco_ranked *
filler_of(int32_t items, uint64_t *seed)
{
	reco_ranked *filler = malloc((size_t) items * sizeof(reco_ranked));

	for (int32_t i = 0; i < items; i++)
		filler[i] = (reco_ranked){(float) mimic_below(seed, 9), i};
	qsort(filler, (size_t) items, sizeof(reco_ranked), by_rank);
	return filler;
}

static uint64_t *
hidden_of(int32_t items, uint64_t *seed)
{
	uint64_t *hidden = calloc(1, RECO_SET_BYTES(items) + 8);

	for (int32_t i = 0; i < items; i++)
		if (mimic_uniform(seed) < 0.3)
			reco_set_add(hidden, i);
	return hidden;
}

static void
test_hash(void **state)
{
	uint64_t seed = 5;
	const int32_t catalogues[] = {7, 130};
	const int32_t lengths[] = {0, 10, 200};

	(void) state;
	for (int s = 0; s < 2; s++)
		for (int l = 0; l < 3; l++)
			for (int kind = 0; kind < 4; kind++)
			{
				int32_t items = catalogues[s];
				reco_scorer scorer = mimic_hash_scorer(items);
				reco_ranked *filler = filler_of(items, &seed);
				uint64_t *hidden = hidden_of(items, &seed);
				crowd *c = crowd_of(items, lengths[l], &seed);
				reco_engine_options options = {
					&scorer, kind & 1 ? hidden : NULL, kind & 2 ? filler : NULL,
					items,   4 * sizeof(int64_t),      false};

				check_passes(c, &options);
				crowd_free(c);
				free(hidden);
				free(filler);
			}
}

/* A real family: lists by an index, without, and of users who are zeros. */
static void
test_factors(void **state)
{
	uint64_t seed = 6;
	const int kinds[] = {RANDOM, SKEWED, FEW_VALUES, ZEROS, HUGE_VALUES};

	(void) state;
	for (int k = 0; k < 5; k++)
	{
		mimic_world w = mimic_world_of(k == 0 ? 7 : 200, 20);
		float *user = aligned_alloc(RECO_ALIGN, (USERS + 1) * (size_t) w.stride * sizeof(float));
		reco_als_scorer scorer = {.params.implicit = true};
		uint64_t *hidden = hidden_of(w.items, &seed);
		reco_ranked *filler = filler_of(w.items, &seed);
		crowd *c = crowd_of(w.items, 10, &seed);
		mimic_env m;

		mimic_env_init(&m);
		mimic_world_items(&w, kinds[k], true, &seed);
		assert_int_equal(reco_pruned_build(&m.env, w.item, w.items, w.d, w.stride, w.bias, w.index),
						 RECO_OK);
		for (int32_t u = 0; u < USERS; u++)
		{
			mimic_world_user(&w, kinds[k], u % 3, &seed);
			memcpy(user + (size_t) u * (size_t) w.stride, w.user,
				   (size_t) w.stride * sizeof(float));
		}
		c->factors = user;
		c->stride = w.stride;
		scorer.factor = (reco_factor_scorer){{&reco_als_scorer_type, w.items, -INFINITY, INFINITY},
											 w.d,
											 w.stride,
											 w.item,
											 w.bias,
											 0,
											 NULL,
											 NULL};
		for (int indexed = 0; indexed <= 1; indexed++)
			for (int hide = 0; hide <= 1; hide++)
			{
				reco_engine_options options = {&scorer.factor.head,
											   hide ? hidden : NULL,
											   filler,
											   w.items,
											   4 * sizeof(int64_t),
											   false};

				scorer.factor.index = indexed ? w.index : NULL;
				check_passes(c, &options);
			}
		free(user);
		free(filler);
		free(hidden);
		crowd_free(c);
		mimic_world_free(&w);
	}
}

/* However often the main thread is wanted, the work is done. */
static void
test_due(void **state)
{
	uint64_t seed = 7;
	reco_scorer scorer = mimic_hash_scorer(50);
	crowd *c = crowd_of(50, 10, &seed);
	reco_engine_options options = {&scorer, NULL, NULL, 0, 4 * sizeof(int64_t), false};

	(void) state;
	for (int threads = 1; threads <= 4; threads *= 2)
	{
		reco_pass pass = pass_of(c, 0);
		reco_engine *engine;
		mimic_env m;

		mimic_env_init(&m);
		m.env.threads = threads;
		m.env.due = mimic_always_due;
		assert_int_equal(reco_engine_make(&m.env, &options, &engine), RECO_OK);
		assert_int_equal(reco_engine_run(engine, &pass), RECO_OK);
		check_lists(c, &options);
		/* a region that is left after a piece of each thread */
		assert_true(m.polls >= USERS / (threads * 8));
		reco_engine_free(engine);
	}
	crowd_free(c);
}

/* An end is asked for at each poll; the engine can be used again. */
static void
test_stops(void **state)
{
	uint64_t seed = 8;
	reco_scorer scorer = mimic_hash_scorer(50);
	uint64_t *hidden = hidden_of(50, &seed);
	crowd *c = crowd_of(50, 10, &seed);
	reco_engine_options options = {&scorer, hidden, NULL, 0, 4 * sizeof(int64_t), false};

	(void) state;
	for (int threads = 1; threads <= 3; threads++)
	{
		reco_engine *engine;
		mimic_env m;
		long at = 0;
		reco_status status;

		mimic_env_init(&m);
		m.env.threads = threads;
		assert_int_equal(reco_engine_make(&m.env, &options, &engine), RECO_OK);
		do
		{
			reco_pass pass = pass_of(c, 20);

			m.polls = 0;
			m.stop_at = ++at;
			status = reco_engine_run(engine, &pass);
			assert_true(status == RECO_STOPPED || (status == RECO_OK && m.polls < at));
			assert_true(status == RECO_OK || m.polls == at);
			m.stop_at = 0;
			pass = pass_of(c, 20);
			assert_int_equal(reco_engine_run(engine, &pass), RECO_OK);
			check_lists(c, &options);
		} while (status == RECO_STOPPED);
		/* a poll a batch at least */
		assert_true(at > 6);
		reco_engine_free(engine);
		assert_int_equal(m.live, 0);
	}
	crowd_free(c);
	free(hidden);
}

static atomic_long looks;
static long stop_from;

static bool
stopping(void *arg)
{
	(void) arg;
	return ++looks >= stop_from;
}

/* Threads that are told to stop, at each look, in the middle of a user as well. */
static void
test_stopping(void **state)
{
	uint64_t seed = 9;
	reco_scorer scorer = mimic_hash_scorer(50);
	crowd *c = crowd_of(50, 10, &seed);
	reco_engine_options options = {&scorer, NULL, NULL, 0, 4 * sizeof(int64_t), false};

	(void) state;
	for (int threads = 1; threads <= 3; threads++)
	{
		reco_engine *engine;
		mimic_env m;
		reco_status status = RECO_STOPPED;

		mimic_env_init(&m);
		m.env.threads = threads;
		m.env.stopping = stopping;
		assert_int_equal(reco_engine_make(&m.env, &options, &engine), RECO_OK);
		for (long at = 1; status == RECO_STOPPED; at += threads == 1 ? 1 : 17)
		{
			reco_pass pass = pass_of(c, 60);

			looks = 0;
			stop_from = at;
			status = reco_engine_run(engine, &pass);
			assert_true(status == RECO_STOPPED || (status == RECO_OK && looks < at));
			stop_from = LONG_MAX;
			pass = pass_of(c, 60);
			assert_int_equal(reco_engine_run(engine, &pass), RECO_OK);
			check_lists(c, &options);
		}
		assert_int_equal(status, RECO_OK);
		reco_engine_free(engine);
	}
	crowd_free(c);
}

static reco_status
failing_sink(void *arg, int64_t from, int64_t to)
{
	(void) sink(arg, from, to);
	return from > 0 ? RECO_INVALID : RECO_OK;
}

/* What a visit or a sink says is what the pass says; memory that is refused is told. */
static void
test_errors(void **state)
{
	uint64_t seed = 10;
	reco_scorer scorer = mimic_hash_scorer(50);
	crowd *c = crowd_of(50, 10, &seed);
	reco_engine_options options = {&scorer, NULL, NULL, 0, 4 * sizeof(int64_t), false};

	(void) state;
	for (int threads = 1; threads <= 3; threads++)
	{
		reco_engine *engine;
		reco_pass pass;
		mimic_env m;
		long allocations;

		mimic_env_init(&m);
		m.env.threads = threads;
		assert_int_equal(reco_engine_make(&m.env, &options, &engine), RECO_OK);
		allocations = m.allocations;
		for (c->fail_at = 0; c->fail_at < USERS; c->fail_at += 7)
		{
			pass = pass_of(c, 50);
			assert_int_equal(reco_engine_run(engine, &pass),
							 leaves_out(c->fail_at) ? RECO_OK : RECO_SINGULAR);
			assert_true(leaves_out(c->fail_at) || c->sunk <= c->fail_at);
		}
		c->fail_at = -1;
		pass = pass_of(c, 50);
		pass.sink = failing_sink;
		assert_int_equal(reco_engine_run(engine, &pass), RECO_INVALID);
		assert_int_equal(c->sunk, 100);
		pass = pass_of(c, 50);
		assert_int_equal(reco_engine_run(engine, &pass), RECO_OK);
		check_lists(c, &options);
		reco_engine_free(engine);
		for (long at = 1; at <= allocations; at++)
		{
			mimic_env_init(&m);
			m.env.threads = threads;
			m.fail_at = at;
			assert_int_equal(reco_engine_make(&m.env, &options, &engine), RECO_NO_MEMORY);
			assert_null(engine);
			assert_int_equal(m.live, 0);
		}
	}
	reco_engine_free(NULL);
	crowd_free(c);
}

/* Nobody, and nothing. */
static void
test_empty(void **state)
{
	uint64_t seed = 11;
	reco_scorer scorer = mimic_hash_scorer(0);
	crowd *c = crowd_of(0, 10, &seed);
	reco_engine_options options = {.scorer = &scorer, .own = 4 * sizeof(int64_t), false};
	reco_engine *engine;
	reco_pass pass;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	m.env.threads = 2;
	assert_int_equal(reco_engine_make(&m.env, &options, &engine), RECO_OK);
	pass = pass_of(c, 0);
	assert_int_equal(reco_engine_run(engine, &pass), RECO_OK);
	for (int64_t u = 0; u < USERS; u++)
		assert_int_equal(leaves_out(u) ? 0 : c->count[u], 0);
	pass.users = 0;
	c->sunk = 0;
	assert_int_equal(reco_engine_run(engine, &pass), RECO_OK);
	assert_int_equal(c->sunk, 0);
	reco_engine_free(engine);
	crowd_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),     cmocka_unit_test(test_factors),
		cmocka_unit_test(test_due),      cmocka_unit_test(test_stops),
		cmocka_unit_test(test_stopping), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
