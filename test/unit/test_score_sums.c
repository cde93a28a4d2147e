/*
 * test_score_sums.c
 *	  Lists of items, lists of users and popularity as scorers, against their formulas item by
 *	  item over full tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/scoring/score_lists.h"
#include "core/scoring/score_popular.h"
#include "core/scoring/score_users.h"
#include "mimic_env.h"
#include "mimic_scorer.h"

#define ITEMS 210
#define OTHERS 40
#define USERS 6

/* What decides how sums become scores. */
typedef enum rule
{
	SUM,
	SIGNED,
	AVERAGED,
	BIASED,
	RULES
} rule;

/* A matrix as a full table, and as a kernel takes it. */
typedef struct table
{
	int32_t rows;
	float *cell; /* rows x ITEMS, 0: none */
	reco_csr csr;
} table;

static table
table_of(int32_t rows, double filled, bool negative, bool ones, uint64_t *seed)
{
	table t = {.rows = rows, .csr = {.rows = rows, .cols = ITEMS}};
	int64_t n = 0;

	t.cell = calloc((size_t) rows * ITEMS, sizeof(float));
	t.csr.start = calloc((size_t) rows + 1, sizeof(int64_t));
	t.csr.col = malloc((size_t) rows * ITEMS * sizeof(int32_t));
	t.csr.value = malloc((size_t) rows * ITEMS * sizeof(float));
	for (int32_t r = 0; r < rows; r++)
	{
		double share = r % 5 == 0 ? 0 : r % 7 == 1 ? 0.9 : filled;

		for (int32_t i = 0; i < ITEMS; i++)
			if (mimic_uniform(seed) < share)
			{
				/* few values, so that scores tie and parts cancel */
				float value = ones ? 1 : (float) (1 + mimic_below(seed, 4)) / 4;

				if (negative && mimic_below(seed, 2))
					value = -value;
				t.cell[r * ITEMS + i] = t.csr.value[n] = value;
				t.csr.col[n++] = i;
			}
		t.csr.start[r + 1] = n;
	}
	return t;
}

static void
table_free(table *t)
{
	free(t->cell);
	free(t->csr.start);
	free(t->csr.col);
	free(t->csr.value);
}

/* Users to be scored; the last has nothing. */
typedef struct crowd
{
	table has;
	int32_t neighbor[USERS][OTHERS];
	double similarity[USERS][OTHERS];
	reco_profile profile[USERS];
} crowd;

static crowd *
crowd_of(bool biases, uint64_t *seed)
{
	crowd *c = calloc(1, sizeof(crowd));

	c->has = table_of(USERS, 0.1, false, false, seed);
	for (int u = 0; u < USERS; u++)
	{
		int64_t from = c->has.csr.start[u];
		int32_t n = 0;

		for (int32_t v = u; v < OTHERS; v += 3)
		{
			c->neighbor[u][n] = (v * 7) % OTHERS;
			/* some say nothing */
			c->similarity[u][n] = n % 4 == 3 ? -0.25 * (n % 8) : (double) (n % 5 + 1) / 8;
			n++;
		}
		c->profile[u] = (reco_profile){.bias = biases ? (float) u / 8 : 0,
									   .n = c->has.csr.start[u + 1] - from,
									   .item = c->has.csr.col + from,
									   .value = u == 2 ? NULL : c->has.csr.value + from,
									   .neighbors = u == USERS - 1 ? 0 : n,
									   .neighbor = c->neighbor[u],
									   .similarity = c->similarity[u]};
	}
	return c;
}

static void
crowd_free(crowd *c)
{
	table_free(&c->has);
	free(c);
}

static float *
biases_of(rule rule, uint64_t *seed)
{
	float *bias = calloc(ITEMS + OTHERS, sizeof(float));

	for (int i = 0; i < ITEMS + OTHERS; i++)
		bias[i] = rule == BIASED ? (float) (mimic_below(seed, 9) - 4) / 8 : 0;
	return bias;
}

static reco_sum_scorer
head_of(const reco_scorer_type *type, rule rule, const float *bias)
{
	return (reco_sum_scorer){.head = {type, ITEMS, -INFINITY, INFINITY},
							 .averaged = rule == AVERAGED || rule == BIASED,
							 .item_bias = rule == BIASED ? bias : NULL,
							 .mean = rule == BIASED ? 2.5 : 0};
}

static double
own_value(const reco_profile *profile, int64_t j)
{
	return profile->value ? profile->value[j] : 1;
}

/* One item's score; parts: by interaction of the profile for lists, by neighbor for users. */
static long double
formula(const reco_scorer *scorer, const table *t, const float *user_bias,
		const reco_profile *profile, int32_t item, long double *part)
{
	const reco_sum_scorer *s = (const reco_sum_scorer *) scorer;
	bool users = scorer->type == &reco_user_scorer_type;
	long double base = s->item_bias ? s->mean + profile->bias + s->item_bias[item] : 0;
	long double sum = 0;
	long double weight = 0;

	for (int64_t j = 0; j < (users ? profile->neighbors : profile->n); j++)
	{
		int32_t row = users ? profile->neighbor[j] : profile->item[j];
		long double cell = t->cell[row * ITEMS + item];
		long double w = users ? profile->similarity[j] : cell;
		long double x = users ? cell : own_value(profile, j);
		int32_t of = users ? item : row;

		part[j] = 0;
		if (cell == 0 || (users && w <= 0))
			continue;
		if (s->item_bias)
			x -= s->mean + s->item_bias[of] + (users ? user_bias[row] : profile->bias);
		part[j] = x * w;
		sum += x * w;
		weight += w;
	}
	for (int64_t j = 0; s->averaged && j < (users ? profile->neighbors : profile->n); j++)
		part[j] = weight > 0 ? part[j] / weight : 0;
	if (s->item_bias)
		return base + (weight > 0 ? sum / weight : 0);
	if (s->averaged)
		return weight > 0 ? sum / weight : -INFINITY;
	return sum != 0 ? sum : -INFINITY;
}

/* Scores by the formula, and parts that add up to them. */
static void
check_formula(const reco_scorer *scorer, const table *t, const float *user_bias, const crowd *c)
{
	const reco_sum_scorer *s = (const reco_sum_scorer *) scorer;
	bool users = scorer->type == &reco_user_scorer_type;
	long double wanted[ITEMS];
	long double part[ITEMS + OTHERS];
	double contribution[ITEMS];
	reco_seat *seat;
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(reco_seat_make(&m.env, scorer, &seat), RECO_OK);
	for (int u = 0; u < USERS; u++)
	{
		const reco_profile *profile = &c->profile[u];
		bool is_personal = s->item_bias ? profile->n > 0 : users && profile->neighbors > 0;

		if (users && s->item_bias)
			is_personal = is_personal || profile->neighbors > 0;
		for (int64_t j = 0; !users && !s->item_bias && j < profile->n; j++)
			is_personal = is_personal || profile->item[j] % 5 != 0;
		assert_int_equal(reco_seat_open(seat, profile), RECO_OK);
		assert_int_equal(reco_seat_is_personal(seat), is_personal);
		assert_int_equal(reco_seat_score_all(seat), RECO_OK);
		for (int32_t i = 0; i < ITEMS; i++)
		{
			double baseline;
			double sum;
			bool additive;

			wanted[i] = formula(scorer, t, user_bias, profile, i, part);
			assert_int_equal(reco_seat_explain(seat, i, contribution, &baseline, &additive),
							 RECO_OK);
			sum = baseline;
			for (int64_t j = 0; j < profile->n; j++)
			{
				sum += contribution[j];
				if (!users)
					assert_true(fabsl(contribution[j] - part[j]) < 1e-6);
			}
			/* neighbors who have nothing in common with the profile have nobody to tell of */
			if (additive && !users && !isinf(wanted[i]))
				assert_true(fabsl(sum - wanted[i]) < 1e-6);
		}
		mimic_check_scores(seat->score, wanted, ITEMS, 1e-5);
		reco_seat_close(seat);
	}
	reco_seat_free(&m.env, seat);
	assert_int_equal(m.live, 0);
}

/* With an index of the rows everything is as without. */
static void
check_index(reco_list_scorer l, const crowd *c)
{
	mimic_env m;
	reco_tiers *index;

	mimic_env_init(&m);
	assert_int_equal(reco_tiers_build(&m.env, &l.followers, &index), RECO_OK);
	assert_non_null(index);
	l.index = index;
	mimic_check_scorer(&l.sums.head, c->profile, USERS);
	m.env.release(m.env.arg, index);
	assert_int_equal(m.live, 0);
}

static void
test_lists(void **state)
{
	uint64_t seed = 1;

	(void) state;
	for (rule rule = 0; rule < RULES; rule++)
	{
		table t = table_of(ITEMS, 0.08, rule == SIGNED, false, &seed);
		float *bias = biases_of(rule, &seed);
		crowd *c = crowd_of(rule == BIASED, &seed);
		reco_list_scorer l = {.sums = head_of(&reco_list_scorer_type, rule, bias),
							  .followers = t.csr};

		check_formula(&l.sums.head, &t, NULL, c);
		mimic_check_scorer(&l.sums.head, c->profile, USERS);
		check_index(l, c);
		for (int32_t a = 0; a < ITEMS; a += 11)
			for (int32_t b = 0; b < ITEMS; b++)
				assert_true(reco_scorer_alike(&l.sums.head, a, b) ==
							fmaxf(t.cell[a * ITEMS + b], t.cell[b * ITEMS + a]));
		crowd_free(c);
		free(bias);
		table_free(&t);
	}
}

/* The stored list of an item, in its order. */
static void
test_similar(void **state)
{
	uint64_t seed = 2;
	table t = table_of(ITEMS, 0.3, false, false, &seed);
	double *similarity = malloc((size_t) t.csr.start[ITEMS] * sizeof(double));
	reco_list_scorer l = {.sums = head_of(&reco_list_scorer_type, SUM, NULL), .followers = t.csr};
	reco_similar out[ITEMS];
	int32_t count;
	mimic_env m;

	(void) state;
	mimic_env_init(&m);
	count = 7;
	assert_int_equal(reco_scorer_similar(&m.env, &l.sums.head, 1, ITEMS, out, &count), RECO_OK);
	assert_int_equal(count, 0);
	for (int64_t e = 0; e < t.csr.start[ITEMS]; e++)
		similarity[e] = (double) e / 3;
	l.similar = (reco_neighbors){ITEMS, t.csr.start, t.csr.col, similarity};
	for (int32_t i = 0; i < ITEMS; i++)
		for (int32_t n = 0; n <= ITEMS; n += 35)
		{
			int64_t from = t.csr.start[i];
			int64_t have = t.csr.start[i + 1] - from;

			assert_int_equal(reco_scorer_similar(&m.env, &l.sums.head, i, n, out, &count), RECO_OK);
			assert_int_equal(count, have < n ? have : n);
			for (int32_t k = 0; k < count; k++)
				assert_true(out[k].item == t.csr.col[from + k] &&
							out[k].similarity == similarity[from + k]);
		}
	assert_int_equal(m.live, 0);
	free(similarity);
	table_free(&t);
}

static void
test_users(void **state)
{
	uint64_t seed = 3;

	(void) state;
	for (rule rule = 0; rule < RULES; rule++)
		for (int ones = 0; ones <= 1; ones++)
		{
			table t = table_of(OTHERS, 0.2, rule == SIGNED && !ones, ones, &seed);
			float *bias = biases_of(rule, &seed);
			crowd *c = crowd_of(rule == BIASED, &seed);
			reco_user_scorer u = {.sums = head_of(&reco_user_scorer_type, rule, bias),
								  .by_user = t.csr,
								  .bias = rule == BIASED ? bias + ITEMS : NULL};

			if (ones)
				u.by_user.value = NULL;
			check_formula(&u.sums.head, &t, bias + ITEMS, c);
			mimic_check_scorer(&u.sums.head, c->profile, USERS);
			assert_true(reco_scorer_alike(&u.sums.head, 1, 2) == 0);
			crowd_free(c);
			free(bias);
			table_free(&t);
		}
}

/* What a neighbor adds is shared out among what both have, so the parts add up to the score. */
static void
test_users_explain(void **state)
{
	uint64_t seed = 4;

	(void) state;
	for (rule rule = 0; rule < RULES; rule++)
	{
		table t = table_of(OTHERS, 0.5, rule == SIGNED, false, &seed);
		float *bias = biases_of(rule, &seed);
		crowd *c = crowd_of(rule == BIASED, &seed);
		reco_user_scorer u = {.sums = head_of(&reco_user_scorer_type, rule, bias),
							  .by_user = t.csr,
							  .bias = rule == BIASED ? bias + ITEMS : NULL};
		const reco_profile *profile = &c->profile[1];
		double part[ITEMS];
		reco_seat *seat;
		mimic_env m;
		int told = 0;

		mimic_env_init(&m);
		assert_int_equal(reco_seat_make(&m.env, &u.sums.head, &seat), RECO_OK);
		assert_int_equal(reco_seat_open(seat, profile), RECO_OK);
		assert_true(profile->n > ITEMS / 2);
		assert_int_equal(reco_seat_score_all(seat), RECO_OK);
		for (int32_t i = 0; i < ITEMS; i++)
		{
			double sum;
			bool additive;

			assert_int_equal(reco_seat_explain(seat, i, part, &sum, &additive), RECO_OK);
			for (int64_t j = 0; j < profile->n; j++)
				sum += part[j];
			told += additive;
			if (additive && !isinf(seat->score[i]))
				assert_true(fabs(sum - seat->score[i]) < 1e-5);
			else
				assert_true(fabs(sum) < 1e-9);
			/* each allocation fails, each poll stops */
			m.fail_at = m.allocations + 1;
			assert_int_equal(reco_seat_explain(seat, i, part, &sum, &additive), RECO_NO_MEMORY);
			assert_false(additive);
			m.fail_at = 0;
		}
		assert_true(told > ITEMS / 2);
		reco_seat_free(&m.env, seat);
		assert_int_equal(m.live, 0);
		crowd_free(c);
		free(bias);
		table_free(&t);
	}
}

/* A basket's neighbors are those that it would have had as a user of the training. */
static void
test_fold_in(void **state)
{
	uint64_t seed = 5;
	table t = table_of(OTHERS, 0.2, false, false, &seed);
	crowd *c = crowd_of(false, &seed);
	float *bias = biases_of(BIASED, &seed);
	mimic_env m;
	long allocations = 0;

	(void) state;
	for (rule rule = 0; rule < RULES; rule++)
	{
		reco_user_scorer u = {.sums = head_of(&reco_user_scorer_type, rule, bias),
							  .by_user = t.csr,
							  .bias = bias + ITEMS,
							  .params = {.measure = RECO_COSINE, .neighbors = 5, .min_support = 1}};
		mimic_env index;

		mimic_env_init(&index);
		assert_int_equal(reco_row_index_build(&index.env, &u.params, &u.by_user, &u.index),
						 RECO_OK);
		for (int k = 0; k < USERS; k++)
		{
			reco_profile profile = c->profile[k];
			double last = 2;

			mimic_env_init(&m);
			assert_int_equal(reco_scorer_fold_in(&m.env, &u.sums.head, &profile), RECO_OK);
			allocations = m.allocations;
			assert_true(profile.factors == NULL && profile.neighbors <= 5);
			assert_true((profile.bias != 0) == (rule == BIASED && profile.n > 0));
			for (int32_t n = 0; n < profile.neighbors; n++)
			{
				const float *cell = t.cell + profile.neighbor[n] * ITEMS;
				double dot = 0;
				double own = 0;
				double other = 0;

				for (int64_t j = 0; j < profile.n; j++)
				{
					dot += own_value(&profile, j) * cell[profile.item[j]];
					own += own_value(&profile, j) * own_value(&profile, j);
				}
				for (int32_t i = 0; i < ITEMS; i++)
					other += cell[i] * cell[i];
				assert_true(fabs(profile.similarity[n] - dot / sqrt(own * other)) < 1e-9);
				assert_true(profile.similarity[n] <= last);
				last = profile.similarity[n];
			}
			reco_profile_free(&m.env, &profile);
			assert_int_equal(m.live, 0);
		}
		for (long at = 1; at <= allocations; at++)
		{
			reco_profile profile = c->profile[1];

			mimic_env_init(&m);
			m.fail_at = at;
			assert_int_equal(reco_scorer_fold_in(&m.env, &u.sums.head, &profile), RECO_NO_MEMORY);
			assert_int_equal(m.live, 0);
		}
		/* a stored user is not their own neighbor */
		for (int32_t v = 0; v < OTHERS; v++)
		{
			int64_t from = t.csr.start[v];
			reco_profile profile = {.n = t.csr.start[v + 1] - from,
									.item = t.csr.col + from,
									.value = t.csr.value + from,
									.user = v + 1};

			mimic_env_init(&m);
			assert_int_equal(reco_scorer_fold_in(&m.env, &u.sums.head, &profile), RECO_OK);
			assert_int_equal(profile.neighbors > 0, profile.n > 0);
			for (int32_t n = 0; n < profile.neighbors; n++)
				assert_true(profile.neighbor[n] != v);
			reco_profile_free(&m.env, &profile);
			profile.user = 0;
			assert_int_equal(reco_scorer_fold_in(&m.env, &u.sums.head, &profile), RECO_OK);
			assert_true(profile.n == 0 || profile.neighbor[0] == v);
			reco_profile_free(&m.env, &profile);
			assert_int_equal(m.live, 0);
		}
		reco_row_index_free(&index.env, &u.index);
		assert_int_equal(index.live, 0);
	}
	free(bias);
	crowd_free(c);
	table_free(&t);
}

static void
test_popular(void **state)
{
	uint64_t seed = 6;
	crowd *c = crowd_of(false, &seed);
	float score[ITEMS];
	reco_ranked order[ITEMS];
	double part[ITEMS];
	double baseline;
	bool additive;
	reco_popular_scorer p = {{&reco_popular_scorer_type, ITEMS, -INFINITY, INFINITY}, score, NULL};
	reco_seat *seat;
	mimic_env m;

	(void) state;
	for (int i = 0; i < ITEMS; i++)
		score[i] = (float) mimic_below(&seed, 20);
	mimic_check_scorer(&p.head, c->profile, USERS);
	/* with the order known, the same */
	assert_int_equal(reco_top_n(NULL, score, ITEMS, NULL, ITEMS, order), ITEMS);
	p.order = order;
	mimic_check_scorer(&p.head, c->profile, USERS);
	mimic_env_init(&m);
	assert_int_equal(reco_seat_make(&m.env, &p.head, &seat), RECO_OK);
	assert_int_equal(reco_seat_open(seat, &c->profile[1]), RECO_OK);
	assert_true(reco_seat_is_personal(seat));
	assert_int_equal(reco_seat_explain(seat, 9, part, &baseline, &additive), RECO_OK);
	assert_true(additive && baseline == score[9]);
	for (int64_t j = 0; j < c->profile[1].n; j++)
		assert_true(part[j] == 0);
	reco_seat_free(&m.env, seat);
	crowd_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),   cmocka_unit_test(test_similar),
		cmocka_unit_test(test_users),   cmocka_unit_test(test_users_explain),
		cmocka_unit_test(test_fold_in), cmocka_unit_test(test_popular),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
