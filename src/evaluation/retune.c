/*
 * retune.c
 *	  How long a choice is kept, and what versions record of it.
 *
 * A choice holds for the algorithm that was asked for, the query of items, and data of about the
 * size that it was made on, which is why versions that keep it go on recording these.
 *
 * Cost: none to speak of.
 */
#include "evaluation/retune.h"

#include "common/hashfn.h"
#include "pg/json.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include <ctype.h>
#include <math.h>

/* By so much users, items or interactions may grow or shrink. */
#define MOST_CHANGE 0.25

/* The text of a query, so that another is told from it. */
static char *
hash_of(const char *text)
{
	uint64 hash;

	if (text == NULL)
		return NULL;
	hash = DatumGetUInt64(hash_any_extended((const unsigned char *) text, (int) strlen(text), 0));
	return psprintf("%08x%08x", (unsigned) (hash >> 32), (unsigned) hash);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_algorithm(JsonbContainer *recorded, const RecoSpec *asked)
{
	return recorded && compareJsonbContainers(recorded, &reco_spec_jsonb(asked)->root) == 0;
}

/* Says so when a size is another. */
static char *
size_changed(const JsonbContainer *shape, const char *what, double now)
{
	double then = reco_json_number(shape, what);

	/* nothing, when it is not known */
	if (fabs(now - then) <= MOST_CHANGE * then)
		return NULL;
	return isnan(then) ? psprintf("it is not known for how many %s it was chosen", what)
					   : psprintf("%s were %.0f and are %.0f", what, then, now);
}

/*
 * The time that time_text() wrote.  Who writes to a model's tables may have put anything there:
 * false, and no error, when it is none.
 */
static bool
read_time(const char *text, TimestampTz *at)
{
	struct pg_tm tm = {0};
	int micros = 0;
	int hours;
	int minutes = 0;
	int seconds = 0;
	int used = 0;
	char sign[2];
	int zone;

	if (sscanf(text, "%6d-%2d-%2d %2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
			   &tm.tm_min, &tm.tm_sec, &used) != 6)
		return false;
	text += used;
	if (*text == '.')
	{
		int unit = USECS_PER_SEC / 10;

		for (text++; isdigit((unsigned char) *text); text++, unit /= 10)
			micros += unit * (*text - '0');
	}
	if (sscanf(text, "%1[+-]%2d:%2d:%2d", sign, &hours, &minutes, &seconds) < 2)
		return false;
	zone = hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE + seconds;
	zone = sign[0] == '-' ? zone : -zone;
	if (tm.tm_year < 1 || tm.tm_mon < 1 || tm.tm_mon > MONTHS_PER_YEAR || tm.tm_mday < 1 ||
		tm.tm_mday > 31 || tm.tm_hour < 0 || tm.tm_hour > 24 || tm.tm_min < 0 || tm.tm_min > 59 ||
		tm.tm_sec < 0 || tm.tm_sec > 60)
		return false;
	return tm2timestamp(&tm, micros, &zone, at) == 0;
}

static bool
is_past(const char *at, const Interval *interval)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz then;

	if (!read_time(at, &then))
		return true;
	/* what lies far ahead has no later time */
	if (then > now)
		return false;
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(then),
												   PointerGetDatum(interval))) <= now;
}

char *
reco_choice_stale(const Jsonb *recorded, const RecoChoiceFor *now, const Interval *retune)
{
	const JsonbContainer *object = recorded ? &recorded->root : NULL;
	const JsonbContainer *shape = reco_json_container(object, "shape");
	char *at = reco_json_text(object, "at");
	char *changed;

	if (reco_json_container(object, "choices") == NULL)
		return pstrdup("none was chosen before");
	if (reco_json_text(object, "fallback"))
		return pstrdup("there was too little to choose by");
	if (!same_algorithm(reco_json_container(object, "asked"), now->asked))
		return pstrdup("the algorithm of the definition is another one");
	if (!same_text(reco_json_text(object, "items_query"), hash_of(now->items_query)))
		return pstrdup("the query of items is another one");
	changed = size_changed(shape, "users", now->users);
	changed = changed ? changed : size_changed(shape, "items", now->items);
	changed = changed ? changed : size_changed(shape, "interactions", (double) now->interactions);
	if (changed == NULL && retune && (at == NULL || is_past(at, retune)))
		changed =
			psprintf("%s have passed",
					 DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(retune))));
	return changed;
}

/* Now, with its offset. */
static char *
time_text(void)
{
	return pstrdup(timestamptz_to_str(GetCurrentTimestamp()));
}

Jsonb *
reco_choice_record(const RecoChoice *choice, const RecoChoiceFor *now, int32 version,
				   const char *why, Jsonb *metrics)
{
	StringInfoData shape;
	StringInfoData text;

	initStringInfo(&shape);
	initStringInfo(&text);
	reco_json_add_number(&shape, "users", now->users);
	reco_json_add_number(&shape, "items", now->items);
	reco_json_add_number(&shape, "interactions", (double) now->interactions);
	reco_json_add(&text, "asked", JsonbToCString(NULL, &reco_spec_jsonb(now->asked)->root, 0));
	reco_json_add_text(&text, "items_query", hash_of(now->items_query));
	reco_json_add_number(&text, "version", version);
	reco_json_add_text(&text, "at", time_text());
	reco_json_add_text(&text, "state", psprintf("chosen: %s", why));
	reco_json_add_text(&text, "fallback", choice->fallback ? "true" : NULL);
	reco_json_add(&text, "shape", reco_json_end(&shape));
	if (metrics)
		reco_json_add(&text, "worth", JsonbToCString(NULL, &metrics->root, 0));
	reco_json_add(&text, "choices", choice->choices);
	return reco_json_of(reco_json_end(&text));
}

Jsonb *
reco_choice_keep(const Jsonb *recorded)
{
	JsonbContainer *object = &unconstify(Jsonb *, recorded)->root;
	StringInfoData state;

	initStringInfo(&state);
	reco_json_add_text(&state, "state",
					   psprintf("kept from version %.0f", reco_json_number(object, "version")));
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(recorded),
											  JsonbPGetDatum(reco_json_of(reco_json_end(&state)))));
}

const JsonbContainer *
reco_choice_metrics(const Jsonb *recorded)
{
	return recorded ? reco_json_container(&recorded->root, "worth") : NULL;
}
