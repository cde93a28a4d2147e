/*
 * cron.c
 *	  When a schedule of cron's is due.
 *
 * Only what is needed to say when the next run will be; pg_cron itself decides when it is.
 */
#include "core/base/cron.h"

#include <stddef.h>
#include <string.h>

typedef struct field
{
	int low;
	int high;
	const char *names; /* of three letters each, the first one for low; NULL: none */
} field;

static const field fields[] = {
	{0, 59, NULL},
	{0, 23, NULL},
	{1, 31, NULL},
	{1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{0, 7, "sunmontuewedthufrisat"},
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* The number of a name at *at, or -1. */
static int
take_name(const char **at, const field *f)
{
	for (int k = 0; f->names && f->names[3 * k]; k++)
	{
		const char *name = f->names + 3 * k;

		if (lower((*at)[0]) == name[0] && lower((*at)[1]) == name[1] && lower((*at)[2]) == name[2])
		{
			*at += 3;
			return f->low + k;
		}
	}
	return -1;
}

/* A number, of at most so many that they cannot overflow; -1: there is none. */
static int
take_number(const char **at)
{
	int number = 0;
	int digits = 0;

	while (**at >= '0' && **at <= '9' && digits++ < 6)
		number = number * 10 + *(*at)++ - '0';
	return digits == 0 || (**at >= '0' && **at <= '9') ? -1 : number;
}

static int
take_value(const char **at, const field *f)
{
	int number = take_name(at, f);

	if (number < 0)
		number = take_number(at);
	return number >= f->low && number <= f->high ? number : -1;
}

/* One of a list: a number, a range, or an asterisk, each with a step. */
static bool
take_range(const char **at, const field *f, uint64_t *set)
{
	int from = f->low;
	int to = f->high;
	int step = 1;

	if (**at == '*')
		(*at)++;
	else
	{
		from = to = take_value(at, f);
		if (from < 0)
			return false;
		if (**at == '-')
		{
			(*at)++;
			to = take_value(at, f);
			if (to < from)
				return false;
		}
		else if (**at == '/')
			to = f->high;
	}
	if (**at == '/')
	{
		(*at)++;
		step = take_number(at);
		if (step <= 0)
			return false;
	}
	for (int k = from; k <= to; k += step)
		*set |= UINT64_C(1) << k;
	return true;
}

static bool
take_field(const char **at, const field *f, uint64_t *set)
{
	*set = 0;
	for (;;)
	{
		if (!take_range(at, f, set))
			return false;
		if (**at != ',')
			break;
		(*at)++;
	}
	if (**at != '\0' && !is_space(**at))
		return false;
	while (is_space(**at))
		(*at)++;
	return true;
}

/* "30 seconds", "1 second". */
static bool
take_seconds(const char *at, reco_cron *out)
{
	int seconds = take_number(&at);

	if (seconds < 1 || seconds > 59 || !is_space(*at))
		return false;
	while (is_space(*at))
		at++;
	if (strncmp(at, "second", 6) != 0)
		return false;
	at += at[6] == 's' ? 7 : 6;
	while (is_space(*at))
		at++;
	out->seconds = seconds;
	return *at == '\0';
}

bool
reco_cron_parse(const char *text, reco_cron *out)
{
	static const char *const words[][2] = {
		{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
		{"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
		{"@hourly", "0 * * * *"},
	};
	const char *at = text;

	memset(out, 0, sizeof(*out));
	while (is_space(*at))
		at++;
	if (take_seconds(at, out))
		return true;
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
		if (strcmp(at, words[w][0]) == 0)
			at = words[w][1];
	if (!take_field(&at, &fields[0], &out->minute) || !take_field(&at, &fields[1], &out->hour))
		return false;
	out->every_day = *at == '*';
	if (*at == '$' && is_space(at[1]))
	{
		out->last_day = true;
		at++;
		while (is_space(*at))
			at++;
	}
	else if (!take_field(&at, &fields[2], &out->day))
		return false;
	if (!take_field(&at, &fields[3], &out->month))
		return false;
	out->every_weekday = *at == '*';
	if (!take_field(&at, &fields[4], &out->weekday))
		return false;
	/* Sunday is 0 and 7 */
	out->weekday |= out->weekday >> 7 & 1;
	return *at == '\0';
}

bool
reco_cron_on(const reco_cron *cron, int month, int day, int weekday, bool last_day)
{
	bool by_day = cron->last_day ? last_day : cron->day >> day & 1;
	bool by_weekday = cron->weekday >> weekday & 1;

	if (!(cron->month >> month & 1))
		return false;
	return cron->every_day || cron->every_weekday ? by_day && by_weekday : by_day || by_weekday;
}

int
reco_cron_minute(const reco_cron *cron, int from)
{
	for (int m = from; m < 24 * 60; m++)
		if (cron->hour >> (m / 60) & 1 && cron->minute >> (m % 60) & 1)
			return m;
	return -1;
}
