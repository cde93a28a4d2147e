/*
 * test_split_next.c
 *	  What comes next of users who are hidden whole (core/ranking/split.h), beside the same made
 *	  slowly from the rows, and the profiles of what is known before (core/scoring/prefixes.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/scoring/prefixes.h"
#include "mimic_split.h"

/* What a source comes to, by its rows, sorted by user, item, time and value. */
typedef struct expected
{
	const source *s;
	const row *all;
	const reco_split_rule *rule;
	int64_t *last; /* by user; INT64_MIN: nothing with a time */
	int64_t cut;
	int32_t *user; /* number in the training part, -1: hidden or nobody */
	int32_t *item; /* number in the training part, after the others; -1: none */
	int32_t users;
	int32_t items;   /* trained */
	int32_t all_new; /* and these with those that are hidden and unknown */
} expected;

static int
compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *) a;
	int64_t y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

static void
find_cut(expected *e)
{
	int64_t *sorted = malloc(((size_t) e->s->users + 1) * sizeof(int64_t));
	int64_t n = 0;
	int64_t held;
	int64_t least = INT64_MAX;

	for (int32_t u = 0; u < e->s->users; u++)
	{
		bool any = false;

		e->last[u] = INT64_MIN;
		for (int32_t r = 0; r < e->s->n; r++)
			if (e->all[r].user == u)
			{
				any = true;
				e->last[u] = e->all[r].time > e->last[u] ? e->all[r].time : e->last[u];
			}
		if (any)
			sorted[n++] = e->last[u];
		if (any && e->last[u] > INT64_MIN && e->last[u] < least)
			least = e->last[u];
	}
	qsort(sorted, (size_t) n, sizeof(int64_t), compare_times);
	held = (int64_t) floor(e->rule->fraction * (double) n + 0.5);
	held = held > n - 1 ? n - 1 : held;
	held = held < 1 ? 1 : held;
	e->cut = e->rule->has_cut ? e->rule->cut : n > 0 ? sorted[n - held] : 0;
	if (!e->rule->has_cut && e->cut < least)
		e->cut = least;
	if (e->cut == INT64_MIN)
		e->cut++;
	free(sorted);
}

static bool
is_hidden(const expected *e, int32_t u)
{
	return e->last[u] >= e->cut;
}

/* The place of the times of row r's user, from the last one, 0. */
static int32_t
times_after(const expected *e, int32_t r)
{
	int64_t at = e->all[r].time;
	int32_t n = 0;

	for (int64_t next = INT64_MIN; next != INT64_MAX; at = next)
	{
		next = INT64_MAX;
		for (int32_t k = 0; k < e->s->n; k++)
			if (e->all[k].user == e->all[r].user && e->all[k].time > at && e->all[k].time < next)
				next = e->all[k].time;
		n += next != INT64_MAX;
	}
	return n;
}

/* Whether row r is to be found. */
static bool
is_asked(const expected *e, int32_t r)
{
	bool earlier = false;

	for (int32_t k = 0; k < e->s->n && !earlier; k++)
		earlier = e->all[k].user == e->all[r].user && e->all[k].time < e->all[r].time;
	return is_hidden(e, e->all[r].user) && earlier && times_after(e, r) < RECO_MOST_CASES;
}

static void
number(expected *e)
{
	bool *trained = calloc((size_t) e->s->items + 1, sizeof(bool));
	bool *asked = calloc((size_t) e->s->items + 1, sizeof(bool));

	for (int32_t u = 0; u < e->s->users; u++)
		e->user[u] = -1;
	for (int32_t r = 0; r < e->s->n; r++)
	{
		if (is_hidden(e, e->all[r].user))
			asked[e->all[r].item] |= is_asked(e, r);
		else
		{
			trained[e->all[r].item] = true;
			if (r == 0 || e->all[r].user != e->all[r - 1].user)
				e->user[e->all[r].user] = e->users++;
		}
	}
	for (int32_t i = 0; i < e->s->items; i++)
		e->item[i] = trained[i] ? e->items++ : -1;
	e->all_new = e->items;
	for (int32_t i = 0; i < e->s->items; i++)
		if (!trained[i] && asked[i] && e->rule->keep_unknown)
			e->item[i] = e->all_new++;
	free(trained);
	free(asked);
}

static void
expect(const source *s, const row *all, const reco_split_rule *rule, expected *e)
{
	*e = (expected){.s = s, .all = all, .rule = rule};
	e->last = malloc(((size_t) s->users + 1) * sizeof(int64_t));
	e->user = malloc(((size_t) s->users + 1) * sizeof(int32_t));
	e->item = malloc(((size_t) s->items + 1) * sizeof(int32_t));
	find_cut(e);
	number(e);
}

static void
expected_free(expected *e)
{
	free(e->last);
	free(e->user);
	free(e->item);
}

/* What is known of a case: the events, and the merged values. */
static void
check_known(mimic_env *m, const expected *e, const reco_cases *cases, int32_t c)
{
	static const reco_scorer_type nothing = {.name = "nothing"};
	reco_scorer scorer = {&nothing, e->items, -INFINITY, INFINITY};
	reco_prefixes p = {.cases = cases, .scorer = &scorer, .rule = {RECO_VALUES_RAW}};
	reco_profile profile = {0};
	int32_t user = cases->origin[cases->user[c]];
	int64_t k = -1;
	int64_t events = 0;
	double sum = 0;

	assert_int_equal(reco_prefixes_open(&m->env, &p, &c, 1), RECO_OK);
	reco_prefixes_profile(&p, c, &profile);
	for (int32_t r = 0; r < e->s->n; r++)
	{
		int32_t item = e->item[e->all[r].item];

		if (e->all[r].user != user || e->all[r].time >= cases->at[c] || item < 0 ||
			item >= e->items)
			continue;
		events++;
		if (k < 0 || profile.item[k] != item)
		{
			assert_true(k < 0 || profile.value[k] == (float) sum);
			sum = 0;
			k++;
			assert_true(k < profile.n && profile.item[k] == item);
		}
		sum += e->all[r].value;
	}
	assert_int_equal(profile.n, k + 1);
	assert_true(k < 0 || profile.value[k] == (float) sum);
	assert_int_equal(cases->known[c], events);
	assert_int_equal(profile.events, events);
	for (int64_t t = 1; t < events; t++)
		assert_true(profile.moment[t] == profile.moment[t - 1]
						? profile.event[t] >= profile.event[t - 1]
						: profile.moment[t] == profile.moment[t - 1] + 1);
	reco_prefixes_close(&m->env, &p);
}

/* Row r is in its case, with the others of its pair and time. */
static void
check_found(const expected *e, const reco_cases *cases, const reco_interactions *hidden, int32_t r,
			int64_t *pairs)
{
	const row *of = &e->all[r];
	int32_t item = e->item[of->item];
	bool first =
		r == 0 || of[-1].user != of->user || of[-1].item != of->item || of[-1].time != of->time;
	double sum = 0;

	if (!is_asked(e, r) || item < 0 || (item >= e->items && !e->rule->keep_unknown) || !first)
		return;
	for (int32_t k = r; k < e->s->n && e->all[k].user == of->user && e->all[k].item == of->item &&
						e->all[k].time == of->time;
		 k++)
		sum += e->all[k].value;
	for (int32_t c = 0; c < cases->cases; c++)
	{
		int64_t at;

		if (cases->origin[cases->user[c]] != of->user || cases->at[c] != of->time)
			continue;
		at = reco_find(hidden->by_user.col, hidden->by_user.start[c], hidden->by_user.start[c + 1],
					   item);
		assert_true(at >= 0);
		assert_true((hidden->by_user.value ? hidden->by_user.value[at] : 1) == (float) sum);
		(*pairs)++;
		return;
	}
	fail_msg("%s: row %d is in no case", e->s->name, r);
}

static void
check(mimic_env *m, const source *s, const row *all, const reco_interactions *x,
	  reco_split_rule rule)
{
	reco_cases cases;
	reco_interactions train, hidden;
	reco_split_counts counts, only;
	expected e;
	int64_t pairs = 0;
	size_t whole = m->bytes;

	rule.cases = &cases;
	expect(s, all, &rule, &e);
	assert_int_equal(reco_split(&m->env, x, &rule, &train, &hidden, &counts), RECO_OK);
	assert_int_equal(counts.cut, e.cut);
	assert_int_equal(train.by_user.rows, e.users);
	assert_int_equal(train.by_user.cols, e.items);
	assert_int_equal(hidden.by_user.cols, e.all_new);
	assert_int_equal(hidden.by_user.rows, cases.cases);
	assert_int_equal(counts.cases, cases.cases);
	for (int32_t r = 0; r < s->n; r++)
		check_found(&e, &cases, &hidden, r, &pairs);
	assert_int_equal(hidden.by_user.start[cases.cases], pairs);
	assert_int_equal(counts.hidden, pairs);
	for (int32_t c = 0; c < cases.cases; c++)
	{
		assert_true(hidden.by_user.start[c + 1] > hidden.by_user.start[c]);
		assert_true(c == 0 || cases.user[c] > cases.user[c - 1] ||
					(cases.user[c] == cases.user[c - 1] && cases.at[c] > cases.at[c - 1]));
		check_known(m, &e, &cases, c);
	}
	rule.cases = NULL;
	assert_int_equal(reco_split(&m->env, x, &rule, NULL, NULL, &only), RECO_OK);
	assert_memory_equal(&only, &counts, sizeof(counts));
	reco_cases_free(&m->env, &cases);
	free_matrix(m, &train);
	free_matrix(m, &hidden);
	assert_int_equal(m->bytes, whole);
	expected_free(&e);
}

static void
test_sources(void **state)
{
	static const source few[] = {
		{"few", 12, 9, 150, true, true, 20, false, 1},
		{"one time", 12, 9, 90, true, true, 1, false, 1},
		{"skewed", 9, 30, 160, true, true, 60, false, 3},
		{"long", 2, 12, 260, false, true, 250, true, 1},
		{"sparse", 40, 40, 80, false, true, 6, true, 1},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++)
		for (int way = 0; way < 4; way++)
		{
			const source *s = &few[i];
			row *rows = make_rows(s, (uint64_t) (4 * i) + (uint64_t) way);
			row *all = mimic_sorted(s, rows);
			building b = {.keep_time = true, .keep_repeats = true};
			reco_split_rule rule = {RECO_SPLIT_NEXT_ITEM, .fraction = way == 1 ? 0.6 : 0.3};
			reco_interactions x;
			mimic_env m;

			rule.keep_unknown = way % 2 == 1;
			rule.has_cut = way == 3;
			rule.cut = 1;
			mimic_env_init(&m);
			assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
			check(&m, s, all, &x, rule);
			free_matrix(&m, &x);
			assert_int_equal(m.live, 0);
			free(rows);
			free(all);
		}
}

/* Whatever ends it, nothing is left. */
static void
check_ends(const source *s, bool stop)
{
	row *rows = make_rows(s, 1);
	building b = {.keep_time = true, .keep_repeats = true};
	reco_cases cases;
	reco_split_rule rule = {RECO_SPLIT_NEXT_ITEM, .fraction = 0.5, .keep_unknown = true,
							.cases = &cases};
	reco_status status = RECO_STOPPED;
	reco_interactions x, train, hidden;
	reco_split_counts counts;
	long live;
	mimic_env m;

	mimic_env_init(&m);
	assert_int_equal(build_matrix_with(&m, s, rows, NULL, &b, &x), RECO_OK);
	live = m.live;
	for (long n = 1; status != RECO_OK; n++)
	{
		m.allocations = m.polls = 0;
		m.fail_at = stop ? 0 : n;
		m.stop_at = stop ? n : 0;
		status = reco_split(&m.env, &x, &rule, &train, &hidden, &counts);
		assert_true(status == RECO_OK || status == (stop ? RECO_STOPPED : RECO_NO_MEMORY));
		if (status != RECO_OK)
			assert_int_equal(m.live, live);
		assert_true(status != RECO_OK || n > 3);
	}
	reco_cases_free(&m.env, &cases);
	free_matrix(&m, &train);
	free_matrix(&m, &hidden);
	free_matrix(&m, &x);
	assert_int_equal(m.live, 0);
	free(rows);
}

static void
test_ends(void **state)
{
	static const source s = {"ends", 30, 30, 400, true, true, 50, false, 1};
	static const source large = {"large", 3, 20000, 50000, true, true, 30, false, 1};

	(void) state;
	check_ends(&s, false);
	check_ends(&large, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
