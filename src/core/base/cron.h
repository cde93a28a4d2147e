/*
 * cron.h
 *	  When a schedule of cron's is due.
 */
#ifndef RECO_CORE_BASE_CRON_H
#define RECO_CORE_BASE_CRON_H

#include <stdbool.h>
#include <stdint.h>

/* Sets of numbers, a bit each. */
typedef struct reco_cron
{
	uint64_t minute;  /* 0 - 59 */
	uint64_t hour;    /* 0 - 23 */
	uint64_t day;     /* 1 - 31 */
	uint64_t month;   /* 1 - 12 */
	uint64_t weekday; /* 0 - 6, from Sunday */
	bool every_day;   /* its field begins with an asterisk */
	bool every_weekday;
	bool last_day; /* of the month, written $ */
	int seconds;   /* not 0: every so many seconds, and nothing of the above */
} reco_cron;

/*
 * Takes a schedule apart, as pg_cron does: minute, hour, day, month and weekday, each a list of
 * numbers, names, ranges and steps; @hourly and the like; "30 seconds".  False when it is
 * none, or one that has no times, such as @reboot.
 */
extern bool reco_cron_parse(const char *text, reco_cron *out);

/*
 * Whether it is due on a day.  As with cron, a day of the month and one of the week are
 * alternatives where both are given.
 */
extern bool reco_cron_on(const reco_cron *cron, int month, int day, int weekday, bool last_day);

/* The first minute of a day, from 0 to 1439, from `from` on; -1: none. */
extern int reco_cron_minute(const reco_cron *cron, int from);

#endif /* RECO_CORE_BASE_CRON_H */
