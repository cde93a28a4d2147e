/*
 * test_evaluation.c
 *	  Measures of lists and of predictions, against their definitions: everything is sorted,
 *	  every place looked at.  The same bits by any number of threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ranking/auc.h"
#include "core/scoring/evaluation.h"
#include "core/ranking/pruned.h"
#include "core/scoring/score_factors.h"
#include "mimic_env.h"
#include "mimic_hash.h"
#include "mimic_pruned.h"

#define MAX_ITEMS 200

/* Users with what they have and what was hidden of them. */
typedef struct crowd
{
	int32_t users;
	int32_t items;
	int64_t *start;
	int32_t *col;
	bool again; /* what was hidden may be what they have */
	reco_csr hidden;
	int32_t measured;
	int32_t *user;
	float *worth; /* and truth: some are 0 or below */
	float *truth;
	reco_ranked *filler;
	const float *factors;
	int stride;
} crowd;

static int
by_rank(const void *a, const void *b)
{
	reco_ranked x = *(const reco_ranked *) a;
	reco_ranked y = *(const reco_ranked *) b;

	return reco_ranked_after(x, y) - reco_ranked_after(y, x);
}

static crowd
crowd_of(int32_t users, int32_t items, bool again, uint64_t *seed)
{
	size_t room = (size_t) users * (size_t) items + 1;
	crowd c = {
		.users = users, .items = items, .again = again, .hidden = {.rows = users, .cols = items}};

	c.start = calloc((size_t) users + 1, sizeof(int64_t));
	c.col = malloc(room * sizeof(int32_t));
	c.user = malloc((size_t) users * sizeof(int32_t));
	c.hidden.start = calloc((size_t) users + 1, sizeof(int64_t));
	c.hidden.col = malloc(room * sizeof(int32_t));
	c.worth = malloc(room * sizeof(float));
	c.truth = malloc(room * sizeof(float));
	c.filler = malloc(((size_t) items + 1) * sizeof(reco_ranked));
	for (int32_t u = 0; u < users; u++)
	{
		double has = mimic_uniform(seed) * 0.6;
		double hides = u % 3 == 0 ? 0 : mimic_uniform(seed) * 0.5;

		c.start[u + 1] = c.start[u];
		c.hidden.start[u + 1] = c.hidden.start[u];
		for (int32_t i = 0; i < items; i++)
		{
			bool own = mimic_uniform(seed) < has;

			if (own)
				c.col[c.start[u + 1]++] = i;
			if ((!own || again) && mimic_uniform(seed) < hides)
			{
				int64_t at = c.hidden.start[u + 1]++;

				c.hidden.col[at] = i;
				c.worth[at] = (float) mimic_below(seed, 4) - (u % 7 == 1 ? 3 : 1);
				c.truth[at] = (float) mimic_below(seed, 5);
			}
		}
		if (c.hidden.start[u + 1] > c.hidden.start[u])
			c.user[c.measured++] = u;
	}
	for (int32_t i = 0; i < items; i++)
		c.filler[i] = (reco_ranked){(float) mimic_below(seed, 6), i};
	qsort(c.filler, (size_t) items, sizeof(reco_ranked), by_rank);
	return c;
}

static void
crowd_free(crowd *c)
{
	free(c->start);
	free(c->col);
	free(c->user);
	free(c->hidden.start);
	free(c->hidden.col);
	free(c->worth);
	free(c->truth);
	free(c->filler);
}

static void
profile_of(void *arg, int64_t user, reco_profile *profile)
{
	const crowd *c = arg;

	*profile = (reco_profile){
		.factors = c->factors ? c->factors + (size_t) user * (size_t) c->stride : NULL,
		.bias = (float) user,
		.n = c->start[user + 1] - c->start[user],
		.item = c->col + c->start[user],
	};
}

static int64_t
place_in(const int32_t *item, int64_t n, int32_t wanted)
{
	for (int64_t j = 0; j < n; j++)
		if (item[j] == wanted)
			return j;
	return -1;
}

/* All items, but the user's own unless they may come again, in the order of the list. */
static int32_t
whole_list(const crowd *c, int32_t u, const float *score, int32_t *out)
{
	const int32_t *own = c->col + c->start[u];
	int64_t n_own = c->again ? 0 : c->start[u + 1] - c->start[u];
	reco_ranked ranked[MAX_ITEMS];
	int32_t n = 0;

	for (int32_t i = 0; score && i < c->items; i++)
		if (score[i] != -INFINITY && place_in(own, n_own, i) < 0)
			ranked[n++] = (reco_ranked){score[i], i};
	qsort(ranked, (size_t) n, sizeof(reco_ranked), by_rank);
	for (int32_t r = 0; r < n; r++)
		out[r] = ranked[r].item;
	for (int32_t f = 0; f < c->items; f++)
		if (place_in(own, n_own, c->filler[f].item) < 0 && place_in(out, n, c->filler[f].item) < 0)
			out[n++] = c->filler[f].item;
	return n;
}

typedef struct slow_sums
{
	long users;
	double precision;
	double recall;
	double repeated; /* recall of what they have, of so many users, */
	long repeated_users;
	double new; /* and of what they have not */
	long new_users;
	double ndcg;
	double hit;
	long predicted_users;
	long predicted;
	long unpredicted;
	double squared;
	double absolute;
	bool shown[MAX_ITEMS];
} slow_sums;

static void
slow_predictions(const reco_evaluation *e, int32_t u, const float *score, slow_sums *s)
{
	long before = s->predicted;

	for (int64_t k = e->hidden.start[u]; e->predicts && k < e->hidden.start[u + 1]; k++)
	{
		double truth = e->truth ? e->truth[k] : 1;
		double guess = fmin(fmax(score[e->hidden.col[k]], e->scorer->least), e->scorer->most);

		if (score[e->hidden.col[k]] == -INFINITY)
		{
			s->unpredicted++;
			continue;
		}
		s->squared += (guess - truth) * (guess - truth);
		s->absolute += fabs(guess - truth);
		s->predicted++;
	}
	s->predicted_users += s->predicted > before;
}

/* By the definitions, for lists of k. */
static slow_sums
slow(const crowd *c, const reco_evaluation *e, int32_t k)
{
	slow_sums s = {0};
	float score[MAX_ITEMS];
	int32_t list[MAX_ITEMS];
	mimic_env m;
	reco_seat *seat;

	mimic_env_init(&m);
	assert_int_equal(reco_seat_make(&m.env, e->scorer, &seat), RECO_OK);
	for (int32_t u = 0; u < c->users; u++)
	{
		int64_t from = e->hidden.start[u];
		int64_t n_hidden = e->hidden.start[u + 1] - from;
		reco_profile profile;
		int32_t relevant = 0;
		int32_t hits = 0;
		int32_t relevant_own = 0;
		int32_t hits_own = 0;
		int64_t n_own = u < c->users - e->strangers ? c->start[u + 1] - c->start[u] : 0;
		const int32_t *own = c->col + c->start[u];
		double gain = 0;
		double ideal = 0;
		int32_t n;

		if (n_hidden == 0)
			continue;
		if (u < c->users - e->strangers)
		{
			profile_of((void *) c, u, &profile);
			assert_int_equal(reco_seat_open(seat, &profile), RECO_OK);
			assert_int_equal(reco_seat_score(seat, score), RECO_OK);
			n = whole_list(c, u, reco_seat_is_personal(seat) ? score : NULL, list);
			reco_seat_close(seat);
			slow_predictions(e, u, score, &s);
		}
		else
		{
			/* they have nothing of their own */
			for (n = 0; n < c->items && !e->misses; n++)
				list[n] = c->filler[n].item;
			s.unpredicted += e->predicts ? n_hidden : 0;
		}
		for (int64_t j = 0; j < n_hidden; j++)
			if (e->worth == NULL || e->worth[from + j] > 0)
			{
				relevant++;
				relevant_own += place_in(own, n_own, e->hidden.col[from + j]) >= 0;
			}
		if (relevant == 0)
			continue;
		for (int32_t r = 0; r < k; r++)
		{
			int64_t at = r < n ? place_in(e->hidden.col + from, n_hidden, list[r]) : -1;

			if (r < n)
				s.shown[list[r]] = true;
			if (r < relevant)
				ideal += log(2) / log(r + 2);
			if (at < 0 || (e->worth && !(e->worth[from + at] > 0)))
				continue;
			hits++;
			hits_own += place_in(own, n_own, list[r]) >= 0;
			gain += log(2) / log(r + 2);
		}
		s.users++;
		s.precision += (double) hits / k;
		s.recall += (double) hits / relevant;
		if (relevant_own > 0)
		{
			s.repeated_users++;
			s.repeated += (double) hits_own / relevant_own;
		}
		if (relevant > relevant_own)
		{
			s.new_users++;
			s.new += (double) (hits - hits_own) / (relevant - relevant_own);
		}
		s.ndcg += gain / ideal;
		s.hit += hits > 0;
	}
	reco_seat_free(&m.env, seat);
	return s;
}

static void
assert_close(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-10 * (1 + fabs(expected))))
		fail_msg("%.15g instead of %.15g", value, expected);
}

#define METRICS                                                                                    \
	(RECO_METRIC_BIT(RECO_METRIC_PRECISION) | RECO_METRIC_BIT(RECO_METRIC_RECALL) |                \
	 RECO_METRIC_BIT(RECO_METRIC_NDCG) | RECO_METRIC_BIT(RECO_METRIC_NDCG_GRADED) |                \
	 RECO_METRIC_BIT(RECO_METRIC_HIT_RATE) | RECO_METRIC_BIT(RECO_METRIC_COVERAGE) |               \
	 RECO_METRIC_BIT(RECO_METRIC_GINI) | RECO_METRICS_OF_REPEATS | RECO_METRICS_OF_VALUES)

static double
sum_of(const reco_scores *s, reco_metric metric, int c)
{
	return s->sum[(s->columns.first[metric] + c) * RECO_ACTIVITIES];
}

static int32_t
count_of(const reco_scores *s, reco_metric metric, int c)
{
	return s->count[(s->columns.first[metric] + c) * RECO_ACTIVITIES];
}

static void
check_against_slow(const crowd *c, const reco_evaluation *e, const reco_scores *scores)
{
	for (int k = 0; k < scores->columns.cutoffs; k++)
	{
		slow_sums s = slow(c, e, scores->columns.cutoff[k]);
		int32_t shown = 0;

		for (int32_t i = 0; i < c->items; i++)
			shown += s.shown[i];
		assert_int_equal(scores->listed, s.users);
		assert_int_equal(count_of(scores, RECO_METRIC_NDCG, k), s.users);
		assert_close(sum_of(scores, RECO_METRIC_PRECISION, k), s.precision);
		assert_close(sum_of(scores, RECO_METRIC_RECALL, k), s.recall);
		assert_int_equal(count_of(scores, RECO_METRIC_RECALL_REPEATED, k), s.repeated_users);
		assert_close(sum_of(scores, RECO_METRIC_RECALL_REPEATED, k), s.repeated);
		assert_int_equal(count_of(scores, RECO_METRIC_RECALL_NEW, k), s.new_users);
		assert_close(sum_of(scores, RECO_METRIC_RECALL_NEW, k), s.new);
		assert_close(sum_of(scores, RECO_METRIC_NDCG, k), s.ndcg);
		assert_close(sum_of(scores, RECO_METRIC_HIT_RATE, k), s.hit);
		assert_close(scores->shown[k][0] * c->items, shown);
		assert_close(sum_of(scores, RECO_METRIC_RMSE, 0), (double) s.predicted);
		assert_int_equal(count_of(scores, RECO_METRIC_RMSE, 0), s.predicted_users);
		assert_int_equal(scores->unpredicted, s.unpredicted);
		assert_close(sum_of(scores, RECO_METRIC_RMSE, 1), s.squared);
		assert_close(sum_of(scores, RECO_METRIC_RMSE, 2), s.absolute);
	}
}

/* What is said of a user's items, and what came of them. */
static void
said_of(const crowd *c, const reco_evaluation *e, int32_t u, reco_seat *seat, float *said,
		float *seen)
{
	const int32_t *hidden = e->hidden.col + e->hidden.start[u];
	int64_t n_hidden = e->hidden.start[u + 1] - e->hidden.start[u];
	const float *worth = e->worth ? e->worth + e->hidden.start[u] : NULL;
	float score[MAX_ITEMS];
	int32_t list[MAX_ITEMS];
	reco_profile profile;
	int32_t n = 0;
	bool wants = false;

	for (int64_t k = 0; k < n_hidden; k++)
		wants = wants || worth == NULL || worth[k] > 0;
	profile_of((void *) c, u, &profile);
	assert_int_equal(reco_seat_open(seat, &profile), RECO_OK);
	assert_int_equal(reco_seat_score(seat, score), RECO_OK);
	if (e->predicts)
		for (int64_t j = 0; j < RECO_SAID_EACH && j < n_hidden; j++)
		{
			int64_t k = n_hidden < RECO_SAID_EACH ? j : j * n_hidden / RECO_SAID_EACH;

			if (score[hidden[k]] == -INFINITY)
				continue;
			said[j] = fminf(fmaxf(score[hidden[k]], e->scorer->least), e->scorer->most);
			seen[j] = e->truth ? e->truth[e->hidden.start[u] + k] : 1;
		}
	else if (wants && reco_seat_is_personal(seat))
	{
		for (int32_t i = 0; i < c->items; i++)
			n += score[i] != -INFINITY &&
				 (c->again || place_in(c->col + c->start[u], c->start[u + 1] - c->start[u], i) < 0);
		(void) whole_list(c, u, score, list);
		for (int32_t r = 0; r < n && r < RECO_SAID_EACH; r++)
		{
			int64_t at = place_in(hidden, n_hidden, list[r]);

			said[r] = score[list[r]];
			seen[r] = at >= 0 && (worth == NULL || worth[at] > 0);
		}
	}
	reco_seat_close(seat);
}

static void
check_said(const crowd *c, const reco_evaluation *e, const reco_scores *scores)
{
	mimic_env m;
	reco_seat *seat;

	mimic_env_init(&m);
	assert_int_equal(reco_seat_make(&m.env, e->scorer, &seat), RECO_OK);
	assert_int_equal(scores->places, e->users * RECO_SAID_EACH);
	for (int32_t at = 0; at < e->users; at++)
	{
		float said[RECO_SAID_EACH];
		float seen[RECO_SAID_EACH];

		for (int j = 0; j < RECO_SAID_EACH; j++)
			said[j] = seen[j] = NAN;
		if (e->user[at] < c->users - e->strangers)
			said_of(c, e, e->user[at], seat, said, seen);
		for (int j = 0; j < RECO_SAID_EACH; j++)
		{
			float s = scores->said[at * RECO_SAID_EACH + j];
			float t = scores->seen[at * RECO_SAID_EACH + j];

			assert_true(isnan(said[j]) ? isnan(s) : s == said[j]);
			assert_true(isnan(seen[j]) ? isnan(t) : t == seen[j]);
		}
	}
	reco_seat_free(&m.env, seat);
}

/* To the bit. */
static void
assert_same(const reco_scores *a, const reco_scores *b)
{
	size_t n = (size_t) a->columns.n;

	assert_int_equal(a->listed, b->listed);
	assert_int_equal(a->unpredicted, b->unpredicted);
	assert_memory_equal(a->value, b->value, n * (size_t) a->users * sizeof(float));
	assert_memory_equal(a->sum, b->sum, n * RECO_ACTIVITIES * sizeof(double));
	assert_memory_equal(a->count, b->count, n * RECO_ACTIVITIES * sizeof(int32_t));
	assert_memory_equal(a->shown, b->shown, 2 * (size_t) a->columns.cutoffs * sizeof(*a->shown));
	assert_memory_equal(a->said, b->said, (size_t) a->places * sizeof(float));
	assert_memory_equal(a->seen, b->seen, (size_t) a->places * sizeof(float));
}

static void
check(const crowd *c, const reco_evaluation *e, const int32_t *cutoff, int cutoffs)
{
	reco_columns columns;
	reco_scores first;
	mimic_env m;

	reco_columns_of(METRICS, cutoff, cutoffs, &columns);
	mimic_env_init(&m);
	for (int threads = 1; threads <= 4; threads *= 2)
	{
		reco_scores scores;
		mimic_env own;

		assert_int_equal(reco_scores_make(&m.env, &columns, e->users, NULL, &scores), RECO_OK);
		assert_int_equal(reco_scores_keep_said(&m.env, &scores, e->users * RECO_SAID_EACH),
						 RECO_OK);
		mimic_env_init(&own);
		own.env.threads = threads;
		assert_int_equal(reco_evaluation_run(&own.env, e, &scores), RECO_OK);
		assert_int_equal(own.live, 0);
		assert_true(own.peak <= reco_evaluation_bytes(e, &columns, threads));
		if (threads == 1)
			first = scores;
		else
		{
			assert_same(&scores, &first);
			reco_scores_free(&m.env, &scores);
		}
	}
	check_against_slow(c, e, &first);
	check_said(c, e, &first);
	reco_scores_free(&m.env, &first);
	assert_int_equal(m.live, 0);
	assert_int_equal(mimic_hash_errors(), 0);
}

static void
check_kinds(crowd *c, const reco_scorer *scorer)
{
	const int32_t cutoffs[] = {10, 1, 300, 5};

	for (int kind = 0; kind < 32; kind++)
	{
		reco_evaluation e = {.scorer = scorer,
							 .profile = profile_of,
							 .arg = c,
							 .users = c->measured,
							 .user = c->user,
							 .hidden = c->hidden,
							 .worth = kind & 1 ? c->worth : NULL,
							 .predicts = kind & 2,
							 .truth = kind & 4 ? c->truth : NULL,
							 .filler = c->filler,
							 .fillers = c->items,
							 .strangers = kind & 16 ? c->users / 4 : 0,
							 .misses = kind & 2,
							 .repeats = c->again};

		check(c, &e, cutoffs, kind & 8 ? 1 : 4);
	}
}

static void
test_hash(void **state)
{
	uint64_t seed = 3;

	(void) state;
	for (int32_t items = 1; items <= MAX_ITEMS; items = items * 5 + 1)
		for (int again = 0; again <= 1; again++)
		{
			reco_scorer scorer = mimic_hash_scorer(items);
			crowd c = crowd_of(90, items, again, &seed);

			check_kinds(&c, &scorer);
			crowd_free(&c);
		}
}

static void
test_factors(void **state)
{
	uint64_t seed = 4;

	(void) state;
	for (int explicit = 0; explicit <= 1; explicit ++)
	{
		mimic_world w = mimic_world_of(150, 12);
		crowd c = crowd_of(70, w.items, false, &seed);
		float *user =
			aligned_alloc(RECO_ALIGN, (size_t) (c.users + 1) * (size_t) w.stride * sizeof(float));
		reco_als_scorer scorer = {.params.implicit = !explicit};
		mimic_env m;

		mimic_env_init(&m);
		mimic_world_items(&w, explicit ? RANDOM : SKEWED, explicit, &seed);
		assert_int_equal(reco_pruned_build(&m.env, w.item, w.items, w.d, w.stride, w.bias, w.index),
						 RECO_OK);
		for (int32_t u = 0; u < c.users; u++)
		{
			mimic_world_user(&w, u % 9 == 1 ? ZEROS : RANDOM, u % 2, &seed);
			memcpy(user + (size_t) u * (size_t) w.stride, w.user,
				   (size_t) w.stride * sizeof(float));
		}
		c.factors = user;
		c.stride = w.stride;
		if (!explicit)
			w.bias = calloc((size_t) w.items + 16, sizeof(float));
		scorer.factor =
			(reco_factor_scorer){{&reco_als_scorer_type, w.items, 0, explicit ? 4 : INFINITY},
								 w.d,
								 w.stride,
								 w.item,
								 w.bias,
								 explicit ? 2.5 : 0,
								 explicit ? w.index : NULL,
								 NULL};
		check_kinds(&c, &scorer.factor.head);
		free(user);
		crowd_free(&c);
		mimic_world_free(&w);
	}
}

/* Of those who are sampled, and of nobody else. */
static void
check_sampled(const crowd *c, const reco_evaluation *e, const float *value, reco_metric metric,
			  int32_t at, double expected)
{
	int sample = metric == RECO_METRIC_AUC ? RECO_SAMPLED_AUC : RECO_SAMPLED_LIST;
	int32_t u = e->user[at];
	bool wants = false;

	for (int64_t k = e->hidden.start[u]; k < e->hidden.start[u + 1]; k++)
		wants = wants || e->worth[k] > 0;
	if (!wants || !(e->sampled[at] & sample) || isnan(expected))
		assert_true(isnan(value[at]));
	else if (!(fabs(value[at] - expected) < 1e-5))
		fail_msg("user %d of %d, metric %d: %.8g instead of %.8g", u, c->users, metric, value[at],
				 expected);
}

static double
expected_auc(const crowd *c, const reco_evaluation *e, int32_t u)
{
	float score[MAX_ITEMS];
	float sorted[MAX_ITEMS];
	int32_t wanted[MAX_ITEMS];
	int64_t n = 0;
	bool known = u < c->users - e->strangers;
	double auc;
	mimic_env m;
	reco_seat *seat;
	reco_profile profile;

	mimic_env_init(&m);
	for (int64_t k = e->hidden.start[u]; k < e->hidden.start[u + 1]; k++)
		if (e->worth[k] > 0)
			wanted[n++] = e->hidden.col[k];
	profile_of((void *) c, u, &profile);
	assert_int_equal(reco_seat_make(&m.env, e->scorer, &seat), RECO_OK);
	assert_int_equal(reco_seat_open(seat, &profile), RECO_OK);
	assert_int_equal(reco_seat_score(seat, score), RECO_OK);
	assert_int_equal(reco_auc(&m.env, known && reco_seat_is_personal(seat) ? score : e->fallback,
							  c->items, profile.item, known ? profile.n : 0, wanted, n, sorted,
							  &auc),
					 RECO_OK);
	reco_seat_free(&m.env, seat);
	return e->misses && !known ? 0 : auc;
}

static double
expected_diversity(const crowd *c, const reco_evaluation *e, int32_t u, int32_t k)
{
	int32_t list[MAX_ITEMS];
	double sum = 0;
	int pairs = 0;
	int32_t n;
	float score[MAX_ITEMS];
	mimic_env m;
	reco_seat *seat;
	reco_profile profile;

	mimic_env_init(&m);
	profile_of((void *) c, u, &profile);
	assert_int_equal(reco_seat_make(&m.env, e->scorer, &seat), RECO_OK);
	assert_int_equal(reco_seat_open(seat, &profile), RECO_OK);
	assert_int_equal(reco_seat_score(seat, score), RECO_OK);
	n = whole_list(c, u, reco_seat_is_personal(seat) ? score : NULL, list);
	reco_seat_free(&m.env, seat);
	if (u >= c->users - e->strangers)
		for (n = 0; n < c->items && !e->misses; n++)
			list[n] = c->filler[n].item;
	for (int32_t a = 0; a < n && a < k; a++)
		for (int32_t b = a + 1; b < n && b < k; b++, pairs++)
		{
			double have[3] = {0};

			for (int32_t v = 0; v < c->users; v++)
			{
				int64_t has = e->train->start[v + 1] - e->train->start[v];
				bool one = place_in(e->train->col + e->train->start[v], has, list[a]) >= 0;
				bool other = place_in(e->train->col + e->train->start[v], has, list[b]) >= 0;

				have[0] += one && other;
				have[1] += one;
				have[2] += other;
			}
			sum += have[0] > 0 ? have[0] / sqrt(have[1] * have[2]) : 0;
		}
	return pairs > 0 ? 1 - sum / pairs : (double) NAN;
}

/* What is measured of some users only. */
static void
test_samples(void **state)
{
	const int32_t cutoff[] = {6, 101};
	uint64_t seed = 6;
	reco_scorer scorer = mimic_hash_scorer(40);

	(void) state;
	for (int round = 0; round < 8; round++)
	{
		crowd c = crowd_of(60, 40, false, &seed);
		reco_csr train = {c.users, c.items, c.start, c.col, NULL};
		uint8_t sampled[60];
		int32_t have[40];
		float fallback[40];
		double information[40];
		reco_columns columns;
		reco_scores s;
		mimic_env m;
		mimic_env own;
		reco_evaluation e = {.scorer = &scorer,
							 .profile = profile_of,
							 .arg = &c,
							 .users = c.measured,
							 .user = c.user,
							 .hidden = c.hidden,
							 .worth = c.worth,
							 .strangers = round % 3 * 12,
							 .misses = round % 2,
							 .filler = c.filler,
							 .fillers = c.items,
							 .fallback = fallback,
							 .have = have,
							 .information = information,
							 .have_users = 60,
							 .sampled = sampled,
							 .train = &train};

		for (int32_t i = 0; i < c.items; i++)
		{
			have[i] = 0;
			fallback[c.filler[i].item] = c.filler[i].score;
			information[i] = i;
		}
		for (int64_t k = 0; k < train.start[c.users]; k++)
			have[train.col[k]]++;
		for (int32_t at = 0; at < c.measured; at++)
			sampled[at] = (uint8_t) mimic_below(&seed, 4);
		reco_columns_of(RECO_METRIC_BIT(RECO_METRIC_DIVERSITY) | RECO_METRIC_BIT(RECO_METRIC_AUC) |
							RECO_METRIC_BIT(RECO_METRIC_NOVELTY),
						cutoff, 2, &columns);
		mimic_env_init(&m);
		mimic_env_init(&own);
		own.env.threads = 1 + round % 2;
		assert_int_equal(reco_scores_make(&m.env, &columns, e.users, NULL, &s), RECO_OK);
		assert_int_equal(reco_evaluation_run(&own.env, &e, &s), RECO_OK);
		assert_int_equal(own.live, 0);
		assert_true(own.peak <= reco_evaluation_bytes(&e, &columns, own.env.threads));
		for (int32_t at = 0; at < e.users; at++)
		{
			check_sampled(&c, &e, s.value + columns.first[RECO_METRIC_AUC] * e.users,
						  RECO_METRIC_AUC, at, expected_auc(&c, &e, e.user[at]));
			check_sampled(&c, &e, s.value + columns.first[RECO_METRIC_DIVERSITY] * e.users,
						  RECO_METRIC_DIVERSITY, at,
						  expected_diversity(&c, &e, e.user[at], cutoff[0]));
			assert_true(isnan(s.value[(columns.first[RECO_METRIC_DIVERSITY] + 1) * e.users + at]));
		}
		reco_scores_free(&m.env, &s);
		crowd_free(&c);
	}
}

/* Where no values are measured, nobody counts as not predicted. */
static void
test_without_values(void **state)
{
	uint64_t seed = 6;
	reco_scorer scorer = mimic_hash_scorer(6);
	crowd c = crowd_of(90, 6, false, &seed);
	const int32_t cutoff = 3;
	reco_evaluation e = {.scorer = &scorer,
						 .profile = profile_of,
						 .arg = &c,
						 .users = c.measured,
						 .user = c.user,
						 .hidden = c.hidden,
						 .predicts = true,
						 .filler = c.filler,
						 .fillers = c.items,
						 .strangers = c.users / 4};

	(void) state;
	for (int values = 0; values <= 1; values++)
	{
		reco_columns columns;
		reco_scores scores;
		mimic_env m;

		reco_columns_of(values ? METRICS : METRICS & ~RECO_METRICS_OF_VALUES, &cutoff, 1, &columns);
		mimic_env_init(&m);
		assert_int_equal(reco_scores_make(&m.env, &columns, e.users, NULL, &scores), RECO_OK);
		assert_int_equal(reco_evaluation_run(&m.env, &e, &scores), RECO_OK);
		assert_int_equal(scores.unpredicted > 0, values);
		reco_scores_free(&m.env, &scores);
		assert_int_equal(m.live, 0);
	}
	crowd_free(&c);
}

/* More users than a batch, and memory and stops at any moment. */
static void
test_batches(void **state)
{
	uint64_t seed = 5;
	reco_scorer scorer = mimic_hash_scorer(6);
	crowd c = crowd_of(9000, 6, false, &seed);
	const int32_t cutoff = 3;
	reco_evaluation e = {.scorer = &scorer,
						 .profile = profile_of,
						 .arg = &c,
						 .users = c.measured,
						 .user = c.user,
						 .hidden = c.hidden,
						 .worth = c.worth,
						 .predicts = true,
						 .truth = c.truth,
						 .filler = c.filler,
						 .fillers = c.items};
	reco_columns columns;
	reco_scores scores;
	reco_status status = RECO_STOPPED;
	mimic_env m;
	mimic_env kept;
	long allocations;

	(void) state;
	check(&c, &e, &cutoff, 1);
	reco_columns_of(METRICS, &cutoff, 1, &columns);
	mimic_env_init(&kept);
	assert_int_equal(reco_scores_make(&kept.env, &columns, e.users, NULL, &scores), RECO_OK);
	mimic_env_init(&m);
	m.env.threads = 2;
	assert_int_equal(reco_evaluation_run(&m.env, &e, &scores), RECO_OK);
	allocations = m.allocations;
	for (long at = 1; at <= allocations; at++)
	{
		mimic_env_init(&m);
		m.env.threads = 2;
		m.fail_at = at;
		assert_int_equal(reco_evaluation_run(&m.env, &e, &scores), RECO_NO_MEMORY);
		assert_int_equal(m.live, 0);
	}
	for (long at = 1; status == RECO_STOPPED; at = at * 3 / 2 + 1)
	{
		mimic_env_init(&m);
		m.env.threads = 2;
		m.stop_at = at;
		status = reco_evaluation_run(&m.env, &e, &scores);
		assert_int_equal(status, m.polls >= at ? RECO_STOPPED : RECO_OK);
		assert_int_equal(m.live, 0);
	}
	reco_scores_free(&kept.env, &scores);
	crowd_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),    cmocka_unit_test(test_factors),
		cmocka_unit_test(test_samples), cmocka_unit_test(test_without_values),
		cmocka_unit_test(test_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
