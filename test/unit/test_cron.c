/*
 * test_cron.c
 *	  When a schedule of cron's is due.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdint.h>
#include <string.h>

#include "core/base/cron.h"

static uint64_t
bits(int from, int to, int step)
{
	uint64_t set = 0;

	for (int k = from; k <= to; k += step)
		set |= UINT64_C(1) << k;
	return set;
}

static void
test_fields(void **state)
{
	reco_cron c;

	(void) state;
	assert_true(reco_cron_parse("15 3 * * *", &c));
	assert_true(c.minute == bits(15, 15, 1) && c.hour == bits(3, 3, 1) && c.day == bits(1, 31, 1) &&
				c.month == bits(1, 12, 1) && c.every_day && c.every_weekday);
	assert_true(reco_cron_parse(" */20\t0-23/6,5 1,15-17 feb,JUN-aug mon-fri ", &c));
	assert_true(c.minute == bits(0, 59, 20));
	assert_true(c.hour == (bits(0, 23, 6) | bits(5, 5, 1)));
	assert_true(c.day == (bits(1, 1, 1) | bits(15, 17, 1)));
	assert_true(c.month == (bits(2, 2, 1) | bits(6, 8, 1)));
	assert_true(c.weekday == bits(1, 5, 1) && !c.every_day && !c.every_weekday);
	assert_true(reco_cron_parse("0 0 * * 7", &c) && (c.weekday & 1) == 1);
	assert_true(reco_cron_parse("0 0 * * 5-7", &c) && (c.weekday & 127) == (bits(5, 6, 1) | 1));
	assert_true(reco_cron_parse("7/10 0 * * *", &c) && c.minute == bits(7, 59, 10));
	assert_true(reco_cron_parse("0 12 $ * *", &c) && c.last_day && !c.every_day);
	assert_true(reco_cron_parse("@weekly", &c) && c.weekday == 1 && c.hour == 1 && c.minute == 1);
	assert_true(reco_cron_parse("@hourly", &c) && c.hour == bits(0, 23, 1) && c.minute == 1);
	assert_true(reco_cron_parse("30 seconds", &c) && c.seconds == 30);
	assert_true(reco_cron_parse("1 second", &c) && c.seconds == 1);
}

static void
test_what_is_none(void **state)
{
	static const char *const none[] = {"",
									   " ",
									   "now and then",
									   "* * * *",
									   "* * * * * *",
									   "60 * * * *",
									   "* 24 * * *",
									   "* * 0 * *",
									   "* * 32 * *",
									   "* * * 0 *",
									   "* * * 13 *",
									   "* * * * 8",
									   "5-3 * * * *",
									   "*/0 * * * *",
									   "*/ * * * *",
									   "1, * * * *",
									   "1- * * * *",
									   "99999999999999999999 * * * *",
									   "* * * jan-xyz *",
									   "* * * ja *",
									   "@reboot",
									   "60 seconds",
									   "0 seconds",
									   "5 secondss",
									   "5  second x",
									   "-1 * * * *"};
	reco_cron c;

	(void) state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (reco_cron_parse(none[i], &c))
			fail_msg("\"%s\" is a schedule", none[i]);
}

static void
test_days(void **state)
{
	reco_cron c;

	(void) state;
	/* both given: either */
	assert_true(reco_cron_parse("0 0 13 * 5", &c));
	assert_true(reco_cron_on(&c, 1, 13, 2, false) && reco_cron_on(&c, 1, 14, 5, false));
	assert_false(reco_cron_on(&c, 1, 14, 2, false));
	/* one of them an asterisk: the other */
	assert_true(reco_cron_parse("0 0 13 * *", &c));
	assert_true(reco_cron_on(&c, 1, 13, 2, false));
	assert_false(reco_cron_on(&c, 1, 14, 5, false));
	assert_true(reco_cron_parse("0 0 */2 * 5", &c));
	assert_true(reco_cron_on(&c, 1, 13, 5, false));
	assert_false(reco_cron_on(&c, 1, 14, 5, false) || reco_cron_on(&c, 1, 13, 4, false));
	assert_true(reco_cron_parse("0 0 * 2 *", &c));
	assert_true(reco_cron_on(&c, 2, 1, 0, false));
	assert_false(reco_cron_on(&c, 3, 1, 0, false));
	assert_true(reco_cron_parse("0 0 $ * *", &c));
	assert_true(reco_cron_on(&c, 2, 29, 0, true));
	assert_false(reco_cron_on(&c, 2, 28, 0, false));
}

static void
test_minutes(void **state)
{
	reco_cron c;

	(void) state;
	assert_true(reco_cron_parse("15,45 3,20 * * *", &c));
	assert_int_equal(reco_cron_minute(&c, 0), 3 * 60 + 15);
	assert_int_equal(reco_cron_minute(&c, 3 * 60 + 15), 3 * 60 + 15);
	assert_int_equal(reco_cron_minute(&c, 3 * 60 + 16), 3 * 60 + 45);
	assert_int_equal(reco_cron_minute(&c, 3 * 60 + 46), 20 * 60 + 15);
	assert_int_equal(reco_cron_minute(&c, 20 * 60 + 46), -1);
}

/* Whatever bytes there are, nothing is read beyond them. */
static void
test_any_bytes(void **state)
{
	static const char alphabet[] = "0123456789*/,-$@ janfri\tSUNsecond\x80";
	uint64_t seed = 42;
	reco_cron c;

	(void) state;
	for (int i = 0; i < 200000; i++)
	{
		char text[24];
		int n = (int) ((seed = seed * UINT64_C(6364136223846793005) + 1) >> 33) % 20;

		for (int k = 0; k < n; k++)
			text[k] = alphabet[((seed = seed * UINT64_C(6364136223846793005) + 1) >> 33) %
							   (sizeof(alphabet) - 1)];
		text[n] = '\0';
		if (reco_cron_parse(text, &c) && c.seconds == 0)
			assert_true(c.minute && c.hour && c.month && c.weekday && (c.day || c.last_day));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),    cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_days),      cmocka_unit_test(test_minutes),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
