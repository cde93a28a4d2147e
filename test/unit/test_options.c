/*
 * test_options.c
 *	  Named options: what is taken, what is refused, and what an error says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/options.h"

typedef struct params
{
	int before; /* neighbours that must stay as they are */
	int count;
	int wide;
	uint64_t seed;
	double rate;
	bool flag;
	int choice;
	int after;
} params;

static const char *const choices[] = {"auto", "cholesky", "cg", NULL};

#define MAX_SEED 9007199254740992.0
#define FIELD(name) offsetof(params, name)

static const reco_option table[] = {
	{"count", RECO_OPTION_INT, FIELD(count), 64, 1, 2048, NULL, false},
	{"wide", RECO_OPTION_INT, FIELD(wide), -5, INT32_MIN, INT32_MAX, NULL, false},
	{"seed", RECO_OPTION_SEED, FIELD(seed), 42, 0, MAX_SEED, NULL, false},
	{"rate", RECO_OPTION_REAL, FIELD(rate), 0.25, 1e-9, 1e9, NULL, false},
	{"flag", RECO_OPTION_BOOL, FIELD(flag), true, 0, 1, NULL, false},
	{"choice", RECO_OPTION_ENUM, FIELD(choice), 1, 0, 0, choices, false},
	{NULL, 0, 0, 0, 0, 0, NULL, false},
};

static const reco_option no_options[] = {{NULL, 0, 0, 0, 0, 0, NULL, false}};

#define OWNER "algorithm \"test\""

static const params defaults = {7, 64, -5, 42, 0.25, true, 1, 8};

static params
fresh(void)
{
	params p = {.before = 7, .after = 8};

	reco_options_init(table, &p);
	return p;
}

static void
assert_unchanged(const params *p)
{
	assert_int_equal(p->before, defaults.before);
	assert_int_equal(p->count, defaults.count);
	assert_int_equal(p->wide, defaults.wide);
	assert_int_equal(p->seed, defaults.seed);
	assert_true(p->rate == defaults.rate);
	assert_int_equal(p->flag, defaults.flag);
	assert_int_equal(p->choice, defaults.choice);
	assert_int_equal(p->after, defaults.after);
}

static reco_value
number(double v)
{
	return (reco_value){.kind = RECO_VALUE_NUMBER, .number = v};
}

static reco_value
string(const char *s)
{
	return (reco_value){.kind = RECO_VALUE_STRING, .string = s};
}

static reco_value
boolean(bool b)
{
	return (reco_value){.kind = RECO_VALUE_BOOL, .boolean = b};
}

/* Sets one option; what is refused must change nothing and say why. */
static bool
set(params *p, const char *name, reco_value value, reco_option_error *error)
{
	bool good;

	memset(error, 'x', sizeof(*error));
	*p = fresh();
	good = reco_options_set(table, p, OWNER, name, &value, error);
	assert_non_null(memchr(error->message, '\0', sizeof(error->message)));
	assert_non_null(memchr(error->hint, '\0', sizeof(error->hint)));
	if (!good)
	{
		assert_unchanged(p);
		assert_true(error->message[0] != '\0');
	}
	assert_int_equal(p->before, 7);
	assert_int_equal(p->after, 8);
	return good;
}

static void
accepts(const char *name, reco_value value, params *p)
{
	reco_option_error error;

	if (!set(p, name, value, &error))
		fail_msg("%s", error.message);
}

static void
refuses(const char *name, reco_value value, const char *message, const char *hint)
{
	params p;
	reco_option_error error;

	assert_false(set(&p, name, value, &error));
	assert_string_equal(error.message, message);
	assert_string_equal(error.hint, hint);
}

static void
test_defaults(void **state)
{
	params p = fresh();
	static const char *const names[] = {"count", "wide", "seed", "rate", "flag", "choice"};

	(void) state;
	assert_unchanged(&p);
	reco_options_init(no_options, &p);
	assert_unchanged(&p);
	/* NULL brings the default back */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		reco_option_error error;
		reco_value null = {.kind = RECO_VALUE_NULL};

		p = (params){7, 1, 1, 1, 1, false, 0, 8};
		assert_true(reco_options_set(table, &p, OWNER, names[i], &null, &error));
		assert_int_equal(p.count, i == 0 ? 64 : 1);
		assert_int_equal(p.wide, i == 1 ? -5 : 1);
		assert_int_equal(p.seed, i == 2 ? 42 : 1);
		assert_true(p.rate == (i == 3 ? 0.25 : 1));
		assert_int_equal(p.flag, i == 4);
		assert_int_equal(p.choice, i == 5);
	}
}

static void
test_int(void **state)
{
	static const double bad[] = {0,          2049,    -1,       1.5,       -0.0,        1e300,
								 64.0000001, DBL_MIN, INFINITY, -INFINITY, 4294967297.0};
	params p;
	reco_option_error error;

	(void) state;
	accepts("count", number(1), &p);
	assert_int_equal(p.count, 1);
	accepts("count", number(2048), &p);
	assert_int_equal(p.count, 2048);
	accepts("wide", number(INT32_MIN), &p);
	assert_int_equal(p.wide, INT32_MIN);
	accepts("wide", number(INT32_MAX), &p);
	assert_int_equal(p.wide, INT32_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(set(&p, "count", number(bad[i]), &error));
	assert_false(set(&p, "count", number(NAN), &error));
	assert_false(set(&p, "wide", number(INT32_MAX + 1.0), &error));
	assert_false(set(&p, "wide", number(INT32_MIN - 1.0), &error));
	refuses("count", number(0), "value 0 is out of range for option \"count\" of " OWNER,
			"It must be a whole number from 1 to 2048.");
	refuses("count", number(4294967297.0),
			"value 4294967297 is out of range for option \"count\" of " OWNER,
			"It must be a whole number from 1 to 2048.");
	refuses("count", number(2.5), "value 2.5 is out of range for option \"count\" of " OWNER,
			"It must be a whole number from 1 to 2048.");
	refuses("count", string("64"), "option \"count\" of " OWNER " must be a number",
			"It must be a whole number from 1 to 2048.");
	refuses("count", boolean(true), "option \"count\" of " OWNER " must be a number",
			"It must be a whole number from 1 to 2048.");
	refuses("count",
			(reco_value){.kind = RECO_VALUE_OTHER, .number = 64, .boolean = true, .string = "64"},
			"option \"count\" of " OWNER " must be a number",
			"It must be a whole number from 1 to 2048.");
}

static void
test_seed(void **state)
{
	params p;
	reco_option_error error;

	(void) state;
	accepts("seed", number(0), &p);
	assert_int_equal(p.seed, 0);
	accepts("seed", number(MAX_SEED), &p);
	assert_true(p.seed == UINT64_C(1) << 53);
	accepts("seed", number(MAX_SEED - 1), &p);
	assert_true(p.seed == (UINT64_C(1) << 53) - 1);
	assert_false(set(&p, "seed", number(MAX_SEED + 2), &error));
	assert_false(set(&p, "seed", number(-1), &error));
	assert_false(set(&p, "seed", number(0.5), &error));
	assert_false(set(&p, "seed", number(NAN), &error));
	refuses("seed", number(-1), "value -1 is out of range for option \"seed\" of " OWNER,
			"It must be a whole number from 0 to 9007199254740992.");
}

static void
test_real(void **state)
{
	params p;
	reco_option_error error;

	(void) state;
	accepts("rate", number(1e-9), &p);
	assert_true(p.rate == 1e-9);
	accepts("rate", number(1e9), &p);
	assert_true(p.rate == 1e9);
	accepts("rate", number(0.1), &p);
	assert_true(p.rate == 0.1);
	assert_false(set(&p, "rate", number(nextafter(1e-9, 0)), &error));
	assert_false(set(&p, "rate", number(nextafter(1e9, INFINITY)), &error));
	assert_false(set(&p, "rate", number(0), &error));
	assert_false(set(&p, "rate", number(NAN), &error));
	assert_false(set(&p, "rate", number(-NAN), &error));
	assert_false(set(&p, "rate", number(INFINITY), &error));
	refuses("rate", number(NAN), "value NaN is out of range for option \"rate\" of " OWNER,
			"It must be a number from 1e-09 to 1000000000.");
	refuses("rate", number(0), "value 0 is out of range for option \"rate\" of " OWNER,
			"It must be a number from 1e-09 to 1000000000.");
	refuses("rate", string("1"), "option \"rate\" of " OWNER " must be a number",
			"It must be a number from 1e-09 to 1000000000.");
}

static void
test_bool(void **state)
{
	params p;

	(void) state;
	accepts("flag", boolean(false), &p);
	assert_false(p.flag);
	accepts("flag", boolean(true), &p);
	assert_true(p.flag);
	refuses("flag", number(1), "option \"flag\" of " OWNER " must be a boolean",
			"Valid values are: true, false.");
	refuses("flag", string("true"), "option \"flag\" of " OWNER " must be a boolean",
			"Valid values are: true, false.");
}

static void
test_enum(void **state)
{
	static const char hint[] = "Valid values are: \"auto\", \"cholesky\", \"cg\".";
	params p;

	(void) state;
	for (int i = 0; choices[i]; i++)
	{
		accepts("choice", string(choices[i]), &p);
		assert_int_equal(p.choice, i);
	}
	refuses("choice", string("lu"), "invalid value for option \"choice\" of " OWNER ": \"lu\"",
			hint);
	refuses("choice", string("CG"), "invalid value for option \"choice\" of " OWNER ": \"CG\"",
			hint);
	refuses("choice", string(""), "invalid value for option \"choice\" of " OWNER ": \"\"", hint);
	refuses("choice", string("cg "), "invalid value for option \"choice\" of " OWNER ": \"cg \"",
			hint);
	refuses("choice", number(1), "option \"choice\" of " OWNER " must be a string", hint);
	refuses("choice", boolean(true), "option \"choice\" of " OWNER " must be a string", hint);
}

typedef struct texts
{
	const char *name;
	const char *other;
} texts;

static void
test_text(void **state)
{
	static const char *const fallback[] = {"ndcg@10", NULL};
	static const reco_option options[] = {
		{"name", RECO_OPTION_TEXT, offsetof(texts, name), 0, 0, 0, fallback, false},
		{"other", RECO_OPTION_TEXT, offsetof(texts, other), 0, 0, 0, NULL, false},
		{NULL, 0, 0, 0, 0, 0, NULL, false},
	};
	const reco_value null = {.kind = RECO_VALUE_NULL};
	reco_value one = number(1);
	reco_value text = string("rmse");
	reco_option_error error;
	texts t;

	(void) state;
	reco_options_init(options, &t);
	assert_string_equal(t.name, "ndcg@10");
	assert_null(t.other);
	assert_true(reco_options_set(options, &t, OWNER, "name", &text, &error));
	assert_true(reco_options_set(options, &t, OWNER, "other", &text, &error));
	assert_string_equal(t.name, "rmse");
	assert_string_equal(t.other, "rmse");
	assert_false(reco_options_set(options, &t, OWNER, "name", &one, &error));
	assert_string_equal(error.message, "option \"name\" of algorithm \"test\" must be a string");
	assert_string_equal(t.name, "rmse");
	assert_true(reco_options_set(options, &t, OWNER, "name", &null, &error));
	assert_true(reco_options_set(options, &t, OWNER, "other", &null, &error));
	assert_string_equal(t.name, "ndcg@10");
	assert_null(t.other);
}

static void
test_unrecognized(void **state)
{
	static const char hint[] = "Valid options are: count, wide, seed, rate, flag, choice.";
	reco_option_error error;
	params p = fresh();
	reco_value one = number(1);

	(void) state;
	refuses("Count", one, "unrecognized option \"Count\" of " OWNER, hint);
	refuses("coun", one, "unrecognized option \"coun\" of " OWNER, hint);
	refuses("counts", one, "unrecognized option \"counts\" of " OWNER, hint);
	refuses("", one, "unrecognized option \"\" of " OWNER, hint);
	/* even with a null */
	refuses("none", (reco_value){.kind = RECO_VALUE_NULL}, "unrecognized option \"none\" of " OWNER,
			hint);
	assert_false(reco_options_set(no_options, &p, OWNER, "count", &one, &error));
	assert_string_equal(error.message, "unrecognized option \"count\" of " OWNER);
	assert_string_equal(error.hint, "It takes no options.");
	assert_unchanged(&p);
}

/* Numbers by name, which are kept by reference. */
static void
test_weights(void **state)
{
	static const char *const example[] = {"{\"title\": 1, \"tags\": 0.5}", NULL};
	static const reco_option weights[] = {
		{"weights", RECO_OPTION_WEIGHTS, 0, 0, 0, 1e6, example, false},
		{NULL, 0, 0, 0, 0, 0, NULL, false},
	};
	static const char hint[] =
		"It must be an object of numbers from 0 to 1000000, such as {\"title\": 1, \"tags\": 0.5}.";
	static const double bad[] = {-1, 1e6 + 1, NAN, INFINITY};
	const char *names[] = {"title", "tags"};
	double numbers[] = {0, 1e6};
	reco_weights given = {2, names, numbers};
	reco_value value = {.kind = RECO_VALUE_WEIGHTS, .weights = &given};
	reco_value null = {.kind = RECO_VALUE_NULL};
	reco_value one = number(1);
	const reco_weights *target = &given;
	reco_option_error error;

	(void) state;
	reco_options_init(weights, &target);
	assert_null(target);
	assert_true(reco_options_set(weights, &target, OWNER, "weights", &value, &error));
	assert_ptr_equal(target, &given);
	assert_true(reco_options_set(weights, &target, OWNER, "weights", &null, &error));
	assert_null(target);
	assert_false(reco_options_set(weights, &target, OWNER, "weights", &one, &error));
	assert_string_equal(error.message,
						"option \"weights\" of " OWNER " must be an object of numbers");
	assert_string_equal(error.hint, hint);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		numbers[1] = bad[i];
		assert_false(reco_options_set(weights, &target, OWNER, "weights", &value, &error));
		assert_string_equal(error.message,
							"weight of \"tags\" is out of range for option \"weights\" of " OWNER);
		assert_string_equal(error.hint, hint);
		assert_null(target);
	}
	/* where a number is asked for, weights are none */
	refuses("count", value, "option \"count\" of " OWNER " must be a number",
			"It must be a whole number from 1 to 2048.");
}

/* Numbers, one algorithm, and several, which are kept by reference. */
static void
test_lists(void **state)
{
	typedef struct held
	{
		const reco_reals *reals;
		void *one;
		const reco_nested *some;
	} held;
	static const reco_option lists[] = {
		{"reals", RECO_OPTION_REALS, offsetof(held, reals), 0, 0, 10, NULL, false},
		{"one", RECO_OPTION_NESTED, offsetof(held, one), 0, 1, 1, NULL, false},
		{"some", RECO_OPTION_NESTED_LIST, offsetof(held, some), 0, 2, 3, NULL, false},
		{NULL, 0, 0, 0, 0, 0, NULL, false},
	};
	static const reco_option optional[] = {
		{"one", RECO_OPTION_NESTED, offsetof(held, one), 0, 0, 1, NULL, false},
		{"some", RECO_OPTION_NESTED_LIST, offsetof(held, some), 0, 0, 3, NULL, false},
		{NULL, 0, 0, 0, 0, 0, NULL, false},
	};
	static const double bad[] = {-1, 10.5, NAN, INFINITY};
	double numbers[] = {0, 10, 3};
	void *nested[] = {numbers, numbers + 1, numbers + 2, numbers};
	reco_reals reals = {3, numbers};
	reco_nested some = {2, nested};
	reco_value value[] = {{.kind = RECO_VALUE_REALS, .reals = &reals},
						  {.kind = RECO_VALUE_NESTED, .nested = numbers},
						  {.kind = RECO_VALUE_NESTED_LIST, .list = &some}};
	static const char *const must[] = {"option \"reals\" of " OWNER " must be an array of numbers",
									   "option \"one\" of " OWNER " must be an algorithm",
									   "option \"some\" of " OWNER
									   " must be an array of algorithms"};
	static const char many[] = "It must be an array of 2 to 3 algorithms, such as "
							   "ARRAY[reco.ials(), reco.item_knn()].";
	held h = {&reals, numbers, &some};
	reco_option_error error;

	(void) state;
	reco_options_init(lists, &h);
	assert_true(h.reals == NULL && h.one == NULL && h.some == NULL);
	assert_true(reco_options_complete(optional, &h, OWNER, &error));
	assert_false(reco_options_complete(lists, &h, OWNER, &error));
	assert_string_equal(error.message, OWNER " lacks option \"one\"");
	assert_string_equal(error.hint,
						"It must be an algorithm, made with a function such as reco.ials().");
	/* each kind where it belongs, and nowhere else */
	for (int option = 0; option < 3; option++)
		for (int kind = 0; kind < 3; kind++)
			if (reco_options_set(lists, &h, OWNER, lists[option].name, &value[kind], &error))
				assert_int_equal(option, kind);
			else
			{
				assert_int_not_equal(option, kind);
				assert_string_equal(error.message, must[option]);
				assert_true(error.hint[0] != '\0');
			}
	assert_true(h.reals == &reals && h.one == numbers && h.some == &some);
	assert_true(reco_options_complete(lists, &h, OWNER, &error));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		numbers[2] = bad[i];
		assert_false(reco_options_set(lists, &h, OWNER, "reals", &value[0], &error));
		assert_string_equal(error.message,
							"number 3 is out of range for option \"reals\" of " OWNER);
		assert_string_equal(error.hint,
							"It must be an array of numbers from 0 to 10, such as [1, 0.5].");
	}
	for (some.n = 0; some.n <= 4; some.n++)
		if (!reco_options_set(lists, &h, OWNER, "some", &value[2], &error))
		{
			char message[100];

			assert_true(some.n < 2 || some.n > 3);
			snprintf(message, sizeof(message),
					 "option \"some\" of " OWNER " cannot be an array of length %d", some.n);
			assert_string_equal(error.message, message);
			assert_string_equal(error.hint, many);
		}
		else
			assert_true(some.n == 2 || some.n == 3);
	for (int option = 0; option < 3; option++)
	{
		reco_value null = {.kind = RECO_VALUE_NULL};

		assert_true(reco_options_set(lists, &h, OWNER, lists[option].name, &null, &error));
	}
	assert_true(h.reals == NULL && h.one == NULL && h.some == NULL);
	h.one = numbers;
	assert_false(reco_options_complete(lists, &h, OWNER, &error));
	assert_string_equal(error.message, OWNER " lacks option \"some\"");
	assert_string_equal(error.hint, many);
}

static void
test_long_names(void **state)
{
	static reco_option many[200];
	static char names[200][40];
	char *name = malloc(100001);
	reco_option_error error;
	reco_value text;
	params p = fresh();

	(void) state;
	memset(name, 'n', 100000);
	name[100000] = '\0';
	text = string(name);
	/* names, owners and values of any length are cut, never overrun */
	assert_false(reco_options_set(table, &p, name, name, &text, &error));
	assert_true(strlen(error.message) < sizeof(error.message));
	assert_true(strstr(error.message, "unrecognized option \"nnnnn") == error.message);
	assert_false(reco_options_set(table, &p, name, "choice", &text, &error));
	assert_true(strlen(error.message) < sizeof(error.message));
	assert_false(reco_options_set(table, &p, name, "count", &text, &error));
	assert_false(reco_options_set(table, &p, name, "flag", &text, &error));
	assert_unchanged(&p);
	/* more options than the hint has room for */
	for (int i = 0; i < 199; i++)
	{
		memset(names[i], 'a' + i % 26, 39);
		many[i] = (reco_option){names[i], RECO_OPTION_INT, FIELD(count), 1, 0, 9, NULL, false};
	}
	assert_false(reco_options_set(many, &p, OWNER, name, &text, &error));
	assert_true(strlen(error.hint) < sizeof(error.hint));
	assert_true(strstr(error.hint, "Valid options are: aaaa") == error.hint);
	free(name);
}

static const reco_option open_table[] = {
	{"count", RECO_OPTION_INT, FIELD(count), 0, 1, 2048, NULL, true},
	{"rate", RECO_OPTION_REAL, FIELD(rate), 0, 0.5, 1000, NULL, true},
	{"choice", RECO_OPTION_ENUM, FIELD(choice), 0, 0, 0, choices, true},
	{"wide", RECO_OPTION_INT, FIELD(wide), -5, INT32_MIN, INT32_MAX, NULL, false},
	{NULL},
};

/* What is not given is open, whether nothing is said or null; a value that is given is not. */
static void
test_open(void **state)
{
	static const char *const names[] = {"count", "rate", "choice"};
	reco_value given[] = {number(3), number(2.5), string("cg")};
	reco_value null = {.kind = RECO_VALUE_NULL};
	reco_value least = number(INT32_MIN);
	reco_value nan = number(NAN);
	reco_option_error error;
	params p = {.before = 7, .after = 8};

	(void) state;
	reco_options_init(open_table, &p);
	assert_int_equal(p.before, 7);
	assert_int_equal(p.after, 8);
	assert_int_equal(p.wide, -5);
	for (int i = 0; i < 3; i++)
	{
		const reco_option *option = reco_option_find(open_table, names[i]);

		assert_true(reco_options_open(open_table, &p) == option);
		assert_true(reco_option_is_open(option, &p));
		assert_true(reco_options_set(open_table, &p, OWNER, names[i], &given[i], &error));
		assert_false(reco_option_is_open(option, &p));
	}
	assert_null(reco_options_open(open_table, &p));
	/* what stands for open cannot be written */
	assert_true(reco_options_set(open_table, &p, OWNER, "wide", &least, &error));
	assert_null(reco_options_open(open_table, &p));
	assert_false(reco_options_set(open_table, &p, OWNER, "count", &least, &error));
	assert_false(reco_options_set(open_table, &p, OWNER, "rate", &nan, &error));
	assert_null(reco_options_open(open_table, &p));
	for (int i = 2; i >= 0; i--)
	{
		assert_true(reco_options_set(open_table, &p, OWNER, names[i], &null, &error));
		assert_string_equal(reco_options_open(open_table, &p)->name, names[i]);
	}
}

/* What was chosen has four digits and is in range; what was given stays as it is. */
static void
test_chosen(void **state)
{
	static const double chosen[][2] = {{123.456789, 123.5}, {0.50004, 0.5}, {1e300, 1000},
									   {-1, 0.5},           {0, 0.5},       {INFINITY, 1000}};
	params asked = {0};

	(void) state;
	reco_options_init(open_table, &asked);
	for (int i = 0; i < 6; i++)
	{
		params p = asked;

		assert_false(reco_options_chosen(open_table, &asked, &p));
		p.rate = chosen[i][0];
		p.choice = 2;
		assert_false(reco_options_chosen(open_table, &asked, &p));
		p.count = 5;
		assert_true(reco_options_chosen(open_table, &asked, &p));
		assert_true(p.rate == chosen[i][1]);
	}
	asked.rate = 123.456789;
	asked.count = 5;
	asked.choice = 1;
	for (params p = asked; p.count == 5; p.count++)
	{
		assert_true(reco_options_chosen(open_table, &asked, &p));
		assert_true(p.rate == 123.456789);
	}
}

typedef struct several
{
	const char *json;
	const reco_reals *reals;
} several;

/* An array of JSON is kept as its text; numbers in an array may be left open. */
static void
test_several(void **state)
{
	static const char *const example[] = {"[{\"a\": 1}]", NULL};
	static const reco_option options[] = {
		{"rules", RECO_OPTION_JSON, offsetof(several, json), 0, 0, 0, example, false},
		{"weights", RECO_OPTION_REALS, offsetof(several, reals), 0, 0, 9, NULL, true},
		{NULL, 0, 0, 0, 0, 0, NULL, false},
	};
	double numbers[] = {1, 2};
	reco_reals reals = {2, numbers};
	reco_value null = {.kind = RECO_VALUE_NULL};
	reco_value json = {.kind = RECO_VALUE_JSON, .string = "[]"};
	reco_value text = string("[]");
	reco_value given = {.kind = RECO_VALUE_REALS, .reals = &reals};
	reco_option_error error;
	several s;
	several asked;

	(void) state;
	memset(&s, 1, sizeof(s));
	reco_options_init(options, &s);
	assert_true(s.json == NULL && s.reals == NULL);
	assert_string_equal(reco_options_open(options, &s)->name, "weights");
	asked = s;
	assert_false(reco_options_chosen(options, &asked, &s));
	assert_true(reco_options_set(options, &s, OWNER, "rules", &json, &error));
	assert_string_equal(s.json, "[]");
	assert_false(reco_options_set(options, &s, OWNER, "rules", &text, &error));
	assert_string_equal(error.message,
						"option \"rules\" of algorithm \"test\" must be a JSON array");
	assert_string_equal(error.hint, "It must be an array such as [{\"a\": 1}].");
	assert_string_equal(s.json, "[]");
	assert_true(reco_options_set(options, &s, OWNER, "weights", &given, &error));
	assert_null(reco_options_open(options, &s));
	assert_true(reco_options_chosen(options, &asked, &s));
	assert_true(s.reals == &reals && numbers[1] == 2);
	assert_true(reco_options_set(options, &s, OWNER, "rules", &null, &error));
	assert_true(reco_options_set(options, &s, OWNER, "weights", &null, &error));
	assert_true(s.json == NULL && s.reals == NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),     cmocka_unit_test(test_int),
		cmocka_unit_test(test_seed),         cmocka_unit_test(test_real),
		cmocka_unit_test(test_bool),         cmocka_unit_test(test_enum),
		cmocka_unit_test(test_weights),      cmocka_unit_test(test_text),
		cmocka_unit_test(test_unrecognized), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_long_names),   cmocka_unit_test(test_open),
		cmocka_unit_test(test_several),      cmocka_unit_test(test_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
