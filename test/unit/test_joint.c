/*
 * test_joint.c
 *	  The best items by sums of several inner products and of what some items have besides, against
 *	  scoring and ranking all of them: every bit must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/joint.h"
#include "core/ranking/score.h"
#include "mimic_env.h"
#include "mimic_pruned.h"

enum
{
	ITEMS = 2000,
	PARTS = 3
};

/* A sum of parts, and what is asked of it. */
typedef struct sum
{
	mimic_world part[PARTS];
	reco_joint_part of[PARTS];
	const float *factors[PARTS];
	double times[PARTS];
	float base[PARTS];
	double extra[ITEMS];
	float score[ITEMS];
	int asked; /* how many scores were */
} sum;

static void
score_all(sum *s)
{
	float own[PARTS][ITEMS];

	for (int k = 0; k < PARTS; k++)
		reco_score(s->part[k].item, ITEMS, s->part[k].stride, s->part[k].user, s->part[k].bias,
				   s->base[k], own[k]);
	for (int32_t i = 0; i < ITEMS; i++)
	{
		double all = s->extra[i];

		for (int k = 0; k < PARTS; k++)
			all += s->factors[k] ? own[k][i] * s->times[k] : 0;
		s->score[i] = (float) all;
	}
}

static reco_status
score_some(void *arg, const int32_t *item, int32_t n, float *score)
{
	sum *s = arg;

	for (int32_t k = 0; k < n; k++)
		score[k] = s->score[item[k]];
	s->asked += n;
	return RECO_OK;
}

static void *
build(sum *s, mimic_env *m)
{
	size_t bytes = reco_joint_size(ITEMS, s->of, PARTS);
	void *index = aligned_alloc(RECO_ALIGN, bytes);

	memset(index, 0x5a, bytes);
	assert_int_equal(reco_joint_build(&m->env, ITEMS, s->of, PARTS, index), RECO_OK);
	assert_int_equal(m->live, 0);
	assert_true(reco_joint_valid(index, bytes, ITEMS));
	assert_false(reco_joint_valid(index, bytes - 1, ITEMS));
	assert_false(reco_joint_valid(index, bytes, ITEMS + 64));
	return index;
}

/* Whether there was an answer; it is the right one. */
static bool
check(sum *s, mimic_env *m, const void *index, const uint64_t *skip, int32_t n)
{
	const reco_joint *joint = index;
	size_t bytes = reco_joint_scratch(ITEMS, joint->d);
	char *scratch = aligned_alloc(RECO_ALIGN, bytes);
	reco_ranked wanted[ITEMS], out[ITEMS];
	reco_joint_query q = {.part = s->of,
						  .parts = PARTS,
						  .factors = s->factors,
						  .times = s->times,
						  .score = score_some,
						  .arg = s};
	int32_t have;

	score_all(s);
	memset(scratch, 0, bytes);
	for (int32_t i = 0; i < ITEMS; i++)
		if (s->extra[i] > 0)
		{
			float extra = (float) s->extra[i];

			reco_joint_add(index, scratch, &i, &extra, 1);
		}
	for (int k = 0; k < PARTS; k++)
		if (s->factors[k])
		{
			q.base += s->base[k] * s->times[k];
			q.size += fabs(s->base[k]) * s->times[k];
		}
	have = reco_joint_top(&m->env, index, scratch, &q, skip, n, out);
	reco_joint_clear(index, scratch);
	for (size_t b = 0; b < bytes; b++)
		assert_true(scratch[b] == 0);
	free(scratch);
	if (have == RECO_PRUNED_NONE)
		return false;
	assert_int_equal(have, reco_top_n(NULL, s->score, ITEMS, skip, n, wanted));
	for (int32_t r = 0; r < have; r++)
		assert_true(out[r].item == wanted[r].item && out[r].score == wanted[r].score);
	return true;
}

static sum *
sum_of(const int *kind, int biased, uint64_t *seed)
{
	static const int d[PARTS] = {17, 32, 5};
	sum *s = calloc(1, sizeof(sum));

	for (int k = 0; k < PARTS; k++)
	{
		s->part[k] = mimic_world_of(ITEMS, d[k]);
		mimic_world_items(&s->part[k], kind[k], (biased >> k) & 1, seed);
		s->of[k] = (reco_joint_part){s->part[k].item, s->part[k].stride, d[k], s->part[k].bias,
									 exp(4 * mimic_uniform(seed) - 2)};
	}
	return s;
}

static void
sum_free(sum *s)
{
	for (int k = 0; k < PARTS; k++)
		mimic_world_free(&s->part[k]);
	free(s);
}

/* Users of a sum, with and without extras, some of whom lack a part. */
static int
check_users(sum *s, const int *kind, uint64_t *seed)
{
	uint64_t skip[RECO_SET_BYTES(ITEMS) / 8];
	mimic_env m;
	void *index;
	int answers = 0;

	mimic_env_init(&m);
	index = build(s, &m);
	for (int32_t user = 0; user < 6; user++)
	{
		memset(skip, 0, sizeof(skip));
		for (int k = 0; k < PARTS; k++)
		{
			mimic_world_user(&s->part[k], kind[k], user % 3, seed);
			s->factors[k] = user == 4 && k == 1 ? NULL : s->part[k].user;
			s->times[k] = mimic_uniform(seed);
			s->base[k] = user == 5 ? 1000 : (float) mimic_normal(seed);
		}
		for (int32_t i = 0; i < ITEMS; i++)
		{
			s->extra[i] = user > 1 && mimic_below(seed, 9) == 0 ? mimic_uniform(seed) * user : 0;
			if (mimic_below(seed, 7) == 0)
				reco_set_add(skip, i);
		}
		for (int32_t n = 1; n < ITEMS; n *= 7)
			answers += check(s, &m, index, user % 2 ? skip : NULL, n);
	}
	free(index);
	assert_int_equal(m.live, 0);
	return answers;
}

/* What is usual is answered, mostly with few scores. */
static void
test_usual(void **state)
{
	uint64_t seed = 3;
	int answers = 0;

	(void) state;
	for (int biased = 0; biased < 8; biased++)
	{
		static const int kind[PARTS] = {SKEWED, SKEWED, SKEWED};
		sum *s = sum_of(kind, biased, &seed);

		answers += check_users(s, kind, &seed);
		assert_true(s->asked < 6 * 4 * ITEMS / 4);
		sum_free(s);
	}
	assert_true(answers > 100);
}

/* Whatever numbers there are. */
static void
test_kinds(void **state)
{
	uint64_t seed = 4;

	(void) state;
	for (int kind = 0; kind < KINDS; kind++)
	{
		const int same[PARTS] = {kind, kind, kind};
		const int mixed[PARTS] = {SKEWED, kind, RANDOM};
		sum *s = sum_of(same, kind % 8, &seed);

		(void) check_users(s, same, &seed);
		sum_free(s);
		s = sum_of(mixed, kind % 8, &seed);
		(void) check_users(s, mixed, &seed);
		sum_free(s);
	}
}

/* A building and a search that are stopped, or have no memory. */
static void
test_ends(void **state)
{
	static const int kind[PARTS] = {SKEWED, RANDOM, SKEWED};
	uint64_t seed = 5;
	sum *s = sum_of(kind, 5, &seed);
	size_t bytes = reco_joint_size(ITEMS, s->of, PARTS);
	void *index = aligned_alloc(RECO_ALIGN, bytes);
	reco_joint_part large = s->of[0];
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	m.fail_at = 1;
	assert_int_equal(reco_joint_build(&m.env, ITEMS, s->of, PARTS, index), RECO_NO_MEMORY);
	large.d = RECO_PRUNED_MAX_D;
	assert_int_equal(reco_joint_size(ITEMS, &large, 1), 0);
	large.bias = NULL;
	assert_true(reco_joint_size(ITEMS, &large, 1) > 0);
	assert_int_equal(reco_joint_size(0, s->of, PARTS), 0);
	free(index);
	/* of other parts: there is no answer */
	mimic_env_init(&m);
	index = build(s, &m);
	for (int k = 0; k < PARTS; k++)
		s->factors[k] = s->part[k].user;
	s->of[0].d--;
	assert_false(check(s, &m, index, NULL, 3));
	free(index);
	sum_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
