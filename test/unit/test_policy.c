/*
 * test_policy.c
 *	  What another policy would have got: against sums over users one by one, what is refused, and
 *	  how often intervals hold what it gets, on simulated logs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/inference/policy.h"
#include "mimic_env.h"

#define Z 1.959963984540054

static void
assert_near(double a, double b, double within)
{
	if (!(fabs(a - b) <= within))
		fail_msg("%.17g is not %.17g", a, b);
}

static void
add_shown(reco_policy_log *log, double *sum, double reward, double weight, double predicted,
		  double of_other)
{
	double gain = weight * reward;

	sum[RECO_POLICY_N] += 1;
	sum[RECO_POLICY_R] += reward;
	sum[RECO_POLICY_W] += weight;
	sum[RECO_POLICY_WR] += gain;
	sum[RECO_POLICY_D] += of_other + weight * (reward - predicted);
	log->weights_squared += weight * weight;
	log->gains += fabs(gain);
	log->gains_squared += gain * gain;
}

static void
add_user(reco_policy_log *log, const double *sum)
{
	log->users++;
	for (int a = 0; a < RECO_POLICY_SUMS; a++)
	{
		log->sum[a] += sum[a];
		for (int b = 0; b < RECO_POLICY_SUMS; b++)
			log->product[a][b] += sum[a] * sum[b];
	}
}

/* ---- sums ---- */

/* Four users with 1, 2, 3, 4 shown: x / y and its variance, user by user. */
static void
test_estimates(void **state)
{
	double user[4][RECO_POLICY_SUMS];
	reco_policy_log log;
	reco_policy_answer answer;
	static const int pair[4][2] = {{RECO_POLICY_R, RECO_POLICY_N},
								   {RECO_POLICY_WR, RECO_POLICY_N},
								   {RECO_POLICY_WR, RECO_POLICY_W},
								   {RECO_POLICY_D, RECO_POLICY_N}};
	const reco_measured *got[4] = {&answer.logged, &answer.weighted, &answer.normalized,
								   &answer.robust};
	uint64_t seed = 4;

	(void) state;
	memset(user, 0, sizeof(user));
	memset(&log, 0, sizeof(log));
	for (int u = 0; u < 4; u++)
	{
		for (int k = 0; k <= u; k++)
			add_shown(&log, user[u], mimic_uniform(&seed) - 0.5, mimic_uniform(&seed) * 3, 0.1,
					  0.2);
		add_user(&log, user[u]);
	}
	reco_policy_estimate(&log, Z, &answer);
	for (int e = 0; e < 4; e++)
	{
		double x = 0;
		double y = 0;
		double squares = 0;

		for (int u = 0; u < 4; u++)
		{
			x += user[u][pair[e][0]];
			y += user[u][pair[e][1]];
		}
		for (int u = 0; u < 4; u++)
			squares += pow(user[u][pair[e][0]] - x / y * user[u][pair[e][1]], 2);
		assert_near(got[e]->value, x / y, 1e-14);
		assert_near(got[e]->variance, squares / (y * y) * 4 / 3, 1e-14);
		assert_near(got[e]->high, x / y + Z * sqrt(squares * 4 / 3) / y, 1e-14);
	}
}

/* ---- a shop ---- */

#define ITEMS 30
#define PLACES 5
#define TYPES 2
#define RUNS 2000

/* Users of the second type come twice as often; clicks are by type and item. */
static const double type_share[TYPES] = {0.6, 0.4};
static const int pages[TYPES] = {2, 4};

static double
chance_of(int type, int item)
{
	return 0.03 + 0.004 * ((item * 7 + type * 11) % ITEMS);
}

static int
logged_item(int type, int place)
{
	return (place * 3 + type) % ITEMS;
}

/* Two items are those of the logged policy. */
static int
other_item(int type, int place)
{
	return place < 2 ? logged_item(type, place) : (place * 5 + 1 + type) % ITEMS;
}

/* What the other policy gets of each place. */
static double
truth(void)
{
	double got = 0;
	double shown = 0;

	for (int t = 0; t < TYPES; t++)
		for (int k = 0; k < PLACES; k++)
		{
			got += type_share[t] * pages[t] * chance_of(t, other_item(t, k));
			shown += type_share[t] * pages[t];
		}
	return got / shown;
}

/* What goes wrong with a log. */
typedef enum fault
{
	NONE,
	NOT_EXPLORED, /* the first half of the items is never drawn */
	TOO_SURE,     /* propensities are told half of what they are */
	UNCLICKED
} fault;

/* A page: all places but the last `explored` are the policy's, those are drawn from all others. */
static void
show_page(reco_policy_log *log, double *sum, int type, double taste, int explored, fault fault,
		  uint64_t *seed)
{
	bool shown[ITEMS] = {false};
	int left = fault == NOT_EXPLORED ? ITEMS / 2 : ITEMS;

	for (int k = 0; k < PLACES - explored; k++)
		left -= fault != NOT_EXPLORED || logged_item(type, k) >= ITEMS / 2;
	for (int k = 0; k < PLACES; k++)
	{
		bool drawn = k >= PLACES - explored;
		int item = logged_item(type, k);
		double propensity = drawn ? (double) explored / left : 1;
		double wanted = 0;

		while (drawn && (shown[item = (int) mimic_below(seed, ITEMS)] ||
						 (fault == NOT_EXPLORED && item < ITEMS / 2)))
			;
		shown[item] = true;
		for (int p = 0; p < PLACES; p++)
			if (other_item(type, p) == item)
				wanted = 1;
		add_shown(log, sum,
				  fault != UNCLICKED && mimic_uniform(seed) < chance_of(type, item) * taste,
				  wanted / (fault == TOO_SURE ? propensity / 2 : propensity), 0.09, 0.09);
	}
}

static reco_policy_answer
simulate(int users, int explored, fault fault, uint64_t *seed)
{
	reco_policy_log log;
	reco_policy_answer answer;

	memset(&log, 0, sizeof(log));
	for (int u = 0; u < users; u++)
	{
		double sum[RECO_POLICY_SUMS] = {0};
		int type = mimic_uniform(seed) >= type_share[0];
		double taste = mimic_below(seed, 2) ? 1.5 : 0.5;

		for (int page = 0; page < pages[type]; page++)
			show_page(&log, sum, type, taste, explored, fault, seed);
		add_user(&log, sum);
	}
	reco_policy_estimate(&log, Z, &answer);
	return answer;
}

static void
test_verdicts(void **state)
{
	uint64_t seed = 9;

	(void) state;
	assert_int_equal(simulate(2000, 2, NONE, &seed).verdict, RECO_POLICY_TOLD);
	assert_int_equal(simulate(2000, 2, NOT_EXPLORED, &seed).verdict, RECO_POLICY_NOT_SHOWN);
	assert_int_equal(simulate(2000, 0, NONE, &seed).verdict, RECO_POLICY_NOT_SHOWN);
	assert_int_equal(simulate(2000, 2, TOO_SURE, &seed).verdict, RECO_POLICY_NOT_LIKELY);
	assert_int_equal(simulate(50, 1, NONE, &seed).verdict, RECO_POLICY_TOO_FEW);
	assert_int_equal(simulate(2000, 2, UNCLICKED, &seed).verdict, RECO_POLICY_TOO_FEW);
	assert_int_equal(simulate(0, 2, NONE, &seed).verdict, RECO_POLICY_TOO_FEW);
}

static int
holds(const reco_measured *m, double value)
{
	return m->low <= value && value <= m->high;
}

static void
test_coverage(void **state)
{
	double other = truth();
	double logged = 0;
	double normalized = 0;
	int held[3] = {0};
	int told = 0;
	uint64_t seed = 31;

	(void) state;
	for (int run = 0; run < RUNS; run++)
	{
		reco_policy_answer answer = simulate(1000, 2, NONE, &seed);

		told += answer.verdict == RECO_POLICY_TOLD;
		held[0] += holds(&answer.weighted, other);
		held[1] += holds(&answer.normalized, other);
		held[2] += holds(&answer.robust, other);
		logged += answer.logged.value / RUNS;
		normalized += answer.normalized.value / RUNS;
	}
	/* what was logged is something else than what is asked for */
	assert_true(fabs(logged - other) > 20 * fabs(normalized - other));
	assert_true(told > 0.99 * RUNS);
	for (int e = 0; e < 3; e++)
		if (held[e] < 0.94 * RUNS || held[e] > 0.96 * RUNS)
			fail_msg("estimate %d: held in %d of %d runs", e, held[e], RUNS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_estimates),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_coverage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
