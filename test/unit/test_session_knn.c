/*
 * test_session_knn.c
 *	  Sessions and their index (core/sessions/session_knn.h), and scores by similar sessions
 *	  (core/scoring/score_sessions.h), against all sessions looked at one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/scoring/score_sessions.h"
#include "mimic_env.h"
#include "mimic_scorer.h"

#define USERS 150
#define ITEMS 70
#define MOST 9 /* events of a session */

typedef struct world
{
	int64_t start[USERS + 1];
	int32_t item[USERS * MOST];
	float moment[USERS * MOST];
	double age[USERS];
	float weight[ITEMS];
	double decay[RECO_SESSION_DECAYS];
	reco_ordered events;
	reco_session_scorer k;
} world;

static world *
world_of(mimic_env *m, const reco_session_params *params)
{
	world *w = calloc(1, sizeof(world));
	uint64_t seed = 11;
	int64_t n = 0;

	for (int32_t u = 0; u < USERS; u++)
	{
		int64_t size = u % 13 == 5 ? 0 : 1 + mimic_below(&seed, MOST);

		w->start[u] = n;
		w->age[u] = u % 10 == 0 ? 3 : (double) mimic_below(&seed, USERS);
		for (int64_t e = 0; e < size; e++, n++)
		{
			/* some often, and the last never */
			w->item[n] = (int32_t) (mimic_uniform(&seed) * mimic_uniform(&seed) * (ITEMS - 1));
			w->moment[n] = (float) e;
		}
	}
	w->start[USERS] = n;
	for (int32_t i = 0; i < ITEMS; i++)
		w->weight[i] = (float) (1 + mimic_uniform(&seed));
	w->events = (reco_ordered){w->start, w->item, w->moment, NULL};
	w->k =
		(reco_session_scorer){.sums.head = {&reco_session_scorer_type, ITEMS, -INFINITY, INFINITY},
							  .params = *params,
							  .users = USERS,
							  .weight = w->weight,
							  .decay = w->decay};
	reco_session_decays(params, w->decay);
	assert_int_equal(reco_sessions_build(&m->env, &w->events, w->age, USERS, ITEMS, params->sample,
										 &w->k.sessions),
					 RECO_OK);
	return w;
}

static void
world_free(mimic_env *m, world *w)
{
	reco_sessions_free(&m->env, &w->k.sessions);
	assert_int_equal(m->live, 0);
	free(w);
}

/* The place of the last event of a list on an item, from 1; 0: there is none. */
static int64_t
last_place(const int32_t *event, int64_t n, int32_t item)
{
	int64_t place = 0;

	for (int64_t e = 0; e < n; e++)
		if (event[e] == item)
			place = e + 1;
	return place;
}

/* Users, the newest first. */
static void
order_of(const world *w, int32_t *order)
{
	for (int32_t u = 0; u < USERS; u++)
	{
		int32_t before = 0;

		for (int32_t v = 0; v < USERS; v++)
			before += w->age[v] < w->age[u] || (w->age[v] == w->age[u] && v > u);
		order[before] = u;
	}
}

static void
test_index(void **state)
{
	static const reco_session_params params = {.neighbors = 10, .sample = 4};
	int32_t order[USERS];
	mimic_env m;
	world *w;
	const reco_sessions *s;

	(void) state;
	mimic_env_init(&m);
	w = world_of(&m, &params);
	s = &w->k.sessions;
	assert_true(m.peak <= reco_sessions_memory(w->start[USERS], USERS, ITEMS));
	order_of(w, order);
	for (int32_t r = 0; r < USERS; r++)
	{
		const int32_t *event = w->item + w->start[order[r]];
		int64_t n = w->start[order[r] + 1] - w->start[order[r]];
		int64_t e = s->by_session.start[r];

		assert_true(s->row[order[r]] == r);
		for (int32_t i = 0; i < ITEMS; i++)
		{
			int64_t place = last_place(event, n, i);

			if (place == 0)
				continue;
			assert_true(e < s->by_session.start[r + 1] && s->by_session.col[e] == i &&
						s->by_session.value[e] == (float) place);
			e++;
		}
		assert_int_equal(e, s->by_session.start[r + 1]);
	}
	assert_null(s->by_item.value);
	for (int32_t i = 0; i < ITEMS; i++)
	{
		int64_t e = s->by_item.start[i];

		for (int32_t r = 0; r < USERS && e < s->by_item.start[i] + params.sample; r++)
			if (reco_find(s->by_session.col, s->by_session.start[r], s->by_session.start[r + 1],
						  i) >= 0)
				assert_int_equal(s->by_item.col[e++], r);
		assert_int_equal(e, s->by_item.start[i + 1]);
	}
	world_free(&m, w);
}

/* A session of the training, as it is similar to another. */
typedef struct near
{
	int32_t user;
	int32_t row;
	double similarity;
	int64_t back;
} near;

static double
decay(double distance, double length)
{
	return length > 0 ? exp(-distance / length) : 1;
}

static int
compare_near(const void *a, const void *b)
{
	const near *x = a;
	const near *y = b;

	if (x->similarity != y->similarity)
		return x->similarity > y->similarity ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static double
place_weight(const reco_session_params *p, int64_t place, int64_t events)
{
	if (p->linear)
		return (float) ((double) place / (double) events);
	/* an item far back is one all the same */
	return (float) fmax(decay((double) (events - place), p->place), 1e-30);
}

static int32_t
distinct(const int32_t *event, int64_t n)
{
	int32_t count = 0;

	for (int32_t i = 0; i < ITEMS; i++)
		count += last_place(event, n, i) > 0;
	return count;
}

/* The neighbors of a session; own: whose it is, or -1. */
static int32_t
mimic_near(const world *w, const reco_profile *p, int32_t own, near *out)
{
	const reco_session_params *params = &w->k.params;
	int32_t order[USERS];
	int32_t n = 0;

	order_of(w, order);
	for (int32_t r = 0; r < USERS && n < params->sample; r++)
	{
		const int32_t *event = w->item + w->start[order[r]];
		int64_t size = w->start[order[r] + 1] - w->start[order[r]];
		near one = {order[r], r, 0, p->events};

		for (int32_t i = 0; i < ITEMS; i++)
		{
			int64_t place = last_place(p->event, p->events, i);

			if (place == 0 || last_place(event, size, i) == 0)
				continue;
			one.similarity += place_weight(params, place, p->events);
			if (p->events - place < one.back)
				one.back = p->events - place;
		}
		if (one.similarity == 0 || order[r] == own)
			continue;
		if (params->normalized)
			one.similarity /= sqrt((double) p->n * distinct(event, size));
		one.similarity *= decay(r, params->recency * USERS);
		out[n++] = one;
	}
	qsort(out, (size_t) n, sizeof(near), compare_near);
	return n < params->neighbors ? n : params->neighbors;
}

/* All scores; 0: none. */
static void
mimic_scores(const world *w, const reco_profile *p, int32_t own, long double *score)
{
	const reco_session_params *params = &w->k.params;
	near found[USERS];
	int32_t n = mimic_near(w, p, own, found);

	for (int32_t i = 0; i < ITEMS; i++)
		score[i] = 0;
	for (int32_t k = 0; k < n; k++)
	{
		const int32_t *event = w->item + w->start[found[k].user];
		int64_t size = w->start[found[k].user + 1] - w->start[found[k].user];
		double latest = params->linear ? fmax(1 - (double) found[k].back / 10, 0)
									   : decay((double) found[k].back, params->latest);
		int64_t last = 0;

		for (int32_t i = 0; i < ITEMS; i++)
			if (last_place(p->event, p->events, i) > 0 && last_place(event, size, i) > last)
				last = last_place(event, size, i);
		for (int32_t i = 0; i < ITEMS; i++)
		{
			int64_t place = last_place(event, size, i);

			if (place > 0)
				score[i] += found[k].similarity * latest * w->weight[i] *
							decay(fabs((double) (place - last)), params->distance);
		}
	}
	for (int32_t i = 0; i < ITEMS; i++)
		if (score[i] == 0)
			score[i] = -INFINITY;
}

/* Contributions add up to the score. */
static void
check_parts(reco_seat *seat, const reco_profile *p, const long double *wanted)
{
	double contribution[ITEMS];

	for (int32_t i = 0; i < ITEMS; i++)
	{
		double baseline;
		bool additive;
		long double sum = 0;

		assert_int_equal(reco_seat_explain(seat, i, contribution, &baseline, &additive), RECO_OK);
		assert_int_equal(additive, wanted[i] > -INFINITY);
		for (int64_t j = 0; j < p->n; j++)
			sum += contribution[j];
		if (additive)
			assert_true(fabsl(sum - wanted[i]) <= 1e-6L * wanted[i]);
	}
}

/* The items of a session, each once, rising. */
static int64_t
items_of(const int32_t *event, int64_t n, int32_t *item)
{
	int64_t count = 0;

	for (int32_t i = 0; i < ITEMS; i++)
		if (last_place(event, n, i) > 0)
			item[count++] = i;
	return count;
}

static void
check_scores(const reco_session_params *params)
{
	mimic_env m;
	world *w;
	reco_seat *seat;
	static reco_profile profile[USERS + 2];
	static int32_t item[USERS + 2][ITEMS];
	static int32_t never = ITEMS - 1;

	mimic_env_init(&m);
	w = world_of(&m, params);
	for (int32_t u = 0; u < USERS; u++)
	{
		int64_t n = w->start[u + 1] - w->start[u];

		/* stored ones, and baskets of the same */
		profile[u] = (reco_profile){.events = n,
									.event = w->item + w->start[u],
									.moment = w->moment,
									.item = item[u],
									.user = u % 2 ? u + 1 : 0};
		profile[u].n = items_of(profile[u].event, n, item[u]);
	}
	profile[USERS] = (reco_profile){.n = 1, .item = &never, .events = 1, .event = &never};
	profile[USERS + 1] = (reco_profile){0};
	assert_int_equal(reco_seat_make(&m.env, &w->k.sums.head, &seat), RECO_OK);
	for (int32_t u = 0; u < USERS + 2; u++)
	{
		long double wanted[ITEMS];

		mimic_scores(w, &profile[u], profile[u].user - 1, wanted);
		assert_int_equal(reco_seat_open(seat, &profile[u]), RECO_OK);
		assert_int_equal(reco_seat_score_all(seat), RECO_OK);
		mimic_check_scores(seat->score, wanted, ITEMS, 1e-5);
		check_parts(seat, &profile[u], wanted);
		reco_seat_close(seat);
	}
	reco_seat_free(&m.env, seat);
	mimic_check_scorer(&w->k.sums.head, profile + USERS - 6, 8);
	world_free(&m, w);
}

static void
test_scores(void **state)
{
	static const reco_session_params params[] = {
		{500, 5000, false, true, 2.5, 1, 6, 10},
		{3, 20, false, true, 2.5, 0.2, 6, 0},
		{5, 40, true, false, 0, 0, 0, 0},
		{1, 1, false, false, 0.01, 1000, 0.01, 0.01},
	};

	(void) state;
	for (size_t p = 0; p < sizeof(params) / sizeof(params[0]); p++)
		check_scores(&params[p]);
}

/* What is similar to an item is what comes with it alone. */
static void
test_similar(void **state)
{
	static const reco_session_params params = {50, 100, false, true, 2.5, 1, 6, 10};
	mimic_env m;
	world *w;

	(void) state;
	mimic_env_init(&m);
	w = world_of(&m, &params);
	for (int32_t i = 0; i < ITEMS; i++)
	{
		reco_profile p = {.n = 1, .item = &i, .events = 1, .event = &i};
		long double wanted[ITEMS];
		reco_similar out[ITEMS];
		int32_t scored = 0;
		int32_t n;

		mimic_scores(w, &p, -1, wanted);
		assert_int_equal(reco_scorer_similar(&m.env, &w->k.sums.head, i, ITEMS, out, &n), RECO_OK);
		for (int32_t k = 0; k < ITEMS; k++)
			scored += k != i && wanted[k] > -INFINITY;
		assert_int_equal(n, scored);
		for (int32_t k = 0; k < n; k++)
		{
			assert_true(out[k].item != i);
			assert_true(fabsl(out[k].similarity - wanted[out[k].item]) <=
						1e-5L * wanted[out[k].item]);
		}
	}
	world_free(&m, w);
}

/* Ages of any size, and memory that fails. */
static void
test_ends(void **state)
{
	static const int64_t start[] = {0, 1, 2, 3, 4};
	static const int32_t item[] = {0, 1, 0, 1};
	static const float moment[4];
	static const double age[] = {-1e300, NAN, 1e300, 2};
	reco_ordered o = {(int64_t *) start, (int32_t *) item, (float *) moment, NULL};
	reco_sessions s;
	mimic_env m;
	reco_status status = RECO_NO_MEMORY;

	(void) state;
	mimic_env_init(&m);
	for (int fail = 1; status == RECO_NO_MEMORY; fail++)
	{
		m.allocations = 0;
		m.fail_at = fail;
		status = reco_sessions_build(&m.env, &o, age, 4, 2, 10, &s);
		assert_true(status == RECO_OK || m.live == 0);
	}
	assert_int_equal(status, RECO_OK);
	assert_true(s.row[1] == 0 && s.row[0] == 1 && s.row[3] == 2 && s.row[2] == 3);
	reco_sessions_free(&m.env, &s);
}

/* A single score can be stopped, too, where sessions are long. */
static void
test_one_score(void **state)
{
	enum
	{
		SESSIONS = 20,
		LENGTH = 20000
	};
	static const float moment[1];
	static const int32_t item[1];
	const reco_profile profile = {
		.n = 1, .item = item, .events = 1, .event = item, .moment = moment};
	int64_t *start = calloc(SESSIONS + 1, sizeof(int64_t));
	reco_ordered o = {start, calloc(SESSIONS * LENGTH, sizeof(int32_t)),
					  calloc(SESSIONS * LENGTH, sizeof(float)), NULL};
	double age[SESSIONS] = {0};
	float *weight = calloc(LENGTH, sizeof(float));
	double decay[RECO_SESSION_DECAYS];
	reco_session_scorer k = {
		.sums.head = {&reco_session_scorer_type, LENGTH, -INFINITY, INFINITY},
		.params = {SESSIONS, SESSIONS, false, true, 2.5, 1, 6, 10},
		.users = SESSIONS,
		.weight = weight,
		.decay = decay,
	};
	reco_seat *seat;
	mimic_env m;
	float score;

	(void) state;
	mimic_env_init(&m);
	for (int32_t e = 0; e < SESSIONS * LENGTH; e++)
	{
		start[e / LENGTH + 1] = e + 1;
		o.item[e] = e % LENGTH;
	}
	reco_session_decays(&k.params, decay);
	assert_int_equal(reco_sessions_build(&m.env, &o, age, SESSIONS, LENGTH, SESSIONS, &k.sessions),
					 RECO_OK);
	assert_int_equal(reco_seat_make(&m.env, &k.sums.head, &seat), RECO_OK);
	assert_int_equal(reco_seat_open(seat, &profile), RECO_OK);
	m.polls = 0;
	m.stop_at = 1;
	assert_int_equal(reco_seat_some(seat, item, 1, &score), RECO_STOPPED);
	reco_seat_close(seat);
	reco_seat_free(&m.env, seat);
	reco_sessions_free(&m.env, &k.sessions);
	assert_int_equal(m.live, 0);
	free(start);
	free(o.item);
	free(o.moment);
	free(weight);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index),     cmocka_unit_test(test_scores),
		cmocka_unit_test(test_similar),   cmocka_unit_test(test_ends),
		cmocka_unit_test(test_one_score),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
