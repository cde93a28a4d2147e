/*
 * profile.c
 *	  The function behind a model's user_profile(): what is known about a user, and why.
 *
 * Rows of one shape, so that a page or an analyst can show them as they are: an aspect, a feature
 * of it, its value as text, how much, and the items that it comes from.
 *
 *	 activity	how much the user did, from when to when
 *	 rfm		recency, frequency and monetary value, of the last reco.segment()
 *	 segment	the segment that it found
 *	 likes		what is known about the items that the user has (core/content)
 *	 history	the items that count most
 *	 freshness	from where this is, and what has changed since the training
 *
 * The user's rows are read live, as for a recommendation; segments are as they were stored.
 *
 * Cost: that of recommend()'s look-up, three index probes, and the terms of the user's items.
 */
#include "pg/rows.h"
#include "serving/listing.h"

#include "catalog/pg_type.h"
#include "core/data/ordered.h"
#include "core/scoring/score_content.h"
#include "fmgr.h"
#include "store/tables/segments.h"
#include "store/tables/terms.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include <math.h>

RECO_FUNCTION(reco_serve_user_profile);

#define COLUMNS 5

/* Items that a like comes from. */
#define REASONS 3

typedef struct Profile
{
	Serving *serving;
	RecoRows rows;
	int32 n; /* rows of a feature, and of the history, at most */
	ServedUser user;
	reco_profile now;
	RecoActivity activity;
	MemoryContext scratch; /* of a row */
} Profile;

static Datum
items_array(const Profile *profile, const int32 *item, int32 n)
{
	const IdType *type = profile->serving->item_type;
	Datum *id = palloc(((Size) n + 1) * sizeof(Datum));

	for (int32 k = 0; k < n; k++)
		id[k] = id_dict_id(profile->serving->items, item[k]);
	return PointerGetDatum(
		construct_array(id, n, type->type, type->typlen, type->typbyval, type->typalign));
}

/* A row; weight NAN: none; of n items that it comes from, 0: none. */
static void
add(Profile *profile, const char *aspect, const char *feature, Datum value, double weight,
	const int32 *item, int32 n)
{
	MemoryContext old = MemoryContextSwitchTo(profile->scratch);
	Datum values[COLUMNS] = {CStringGetTextDatum(aspect), CStringGetTextDatum(feature), value,
							 Float8GetDatum(weight), (Datum) 0};
	bool nulls[COLUMNS] = {false, false, false, isnan(weight), n == 0};

	reco_poll();
	if (n > 0)
		values[4] = items_array(profile, item, n);
	reco_rows_add(&profile->rows, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(profile->scratch);
}

static void
add_text(Profile *profile, const char *aspect, const char *feature, const char *value,
		 double weight)
{
	MemoryContext old = MemoryContextSwitchTo(profile->scratch);
	Datum text = CStringGetTextDatum(value);

	MemoryContextSwitchTo(old);
	add(profile, aspect, feature, text, weight, NULL, 0);
}

static void
add_integer(Profile *profile, const char *aspect, const char *feature, int64 value, double weight)
{
	char text[MAXINT8LEN + 1];

	pg_lltoa(value, text);
	add_text(profile, aspect, feature, text, weight);
}

static char *
number_text(double value)
{
	return psprintf("%.15g", value);
}

/* A time as events have it; nothing where it is none. */
static void
add_time(Profile *profile, const char *aspect, const char *feature, double time)
{
	if (reco_is_time(time))
		add_text(profile, aspect, feature,
				 DatumGetCString(DirectFunctionCall1(
					 timestamptz_out, TimestampTzGetDatum((TimestampTz) rint(time)))),
				 NAN);
}

static void
add_activity(Profile *profile)
{
	const reco_profile *ordered = reco_profile_ordered(&profile->now);
	double first = profile->activity.first;
	double last = profile->activity.last;

	add_integer(profile, "activity", "items", profile->now.n, NAN);
	if (profile->activity.live)
		add_integer(profile, "activity", "events", profile->activity.rows, NAN);
	else if (ordered && ordered->events > 0)
	{
		add_integer(profile, "activity", "events", ordered->events, NAN);
		for (int64 e = 0; ordered->time && e < ordered->events; e++)
			if (reco_is_time(ordered->time[e]))
			{
				first = Min(first, ordered->time[e]);
				last = Max(last, ordered->time[e]);
			}
	}
	add_time(profile, "activity", "first", first);
	add_time(profile, "activity", "last", last);
}

static void
add_segment(Profile *profile)
{
	RecoUserSegment of;

	if (!reco_segment_of(profile->serving->schema, profile->serving->user_type, profile->user.id,
						 &of))
		return;
	if (of.score[0] > 0)
	{
		add_text(profile, "rfm", "recency", number_text(of.recency), of.score[0]);
		add_integer(profile, "rfm", "frequency", of.frequency, of.score[1]);
		add_text(profile, "rfm", "monetary", number_text(of.monetary), of.score[2]);
	}
	add_text(profile, "segment", "name", of.name, NAN);
	add_integer(profile, "segment", "number", of.segment, NAN);
	add_integer(profile, "segment", "size", of.users, of.share);
	add_text(profile, "segment", "distance", number_text(of.distance), NAN);
	add_text(profile, "segment", "made of", of.made_of, NAN);
}

/* A row to be: a term, or a number (term -1), and the items that say most of it. */
typedef struct Trait
{
	int field;
	int32 term;
	double weight;
	double number;
	int32 reasons;
	int32 reason[REASONS];
	double part[REASONS];
} Trait;

/* Fields in their order, in each the heaviest first. */
static int
compare_traits(const void *a, const void *b)
{
	const Trait *x = a;
	const Trait *y = b;

	reco_poll();
	if (x->field != y->field)
		return x->field > y->field ? 1 : -1;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return (x->term > y->term) - (x->term < y->term);
}

/* Keeps the items that add most to a trait; of equal ones those that came first. */
static void
add_reason(Trait *trait, int32 item, double part)
{
	int32 at = trait->reasons;

	while (at > 0 && part > trait->part[at - 1])
		at--;
	if (at == REASONS)
		return;
	if (trait->reasons < REASONS)
		trait->reasons++;
	for (int32 k = trait->reasons - 1; k > at; k--)
	{
		trait->part[k] = trait->part[k - 1];
		trait->reason[k] = trait->reason[k - 1];
	}
	trait->part[at] = part;
	trait->reason[at] = item;
}

static Trait *
find_trait(Trait *trait, int32 n, int32 term)
{
	int32 low = 0;
	int32 high = n;

	while (low < high)
	{
		int32 middle = low + (high - low) / 2;

		if (trait[middle].term < term)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && trait[low].term == term ? &trait[low] : NULL;
}

/* Which items the terms come from; traits by rising term. */
static void
find_reasons(const Profile *profile, const reco_content *content, Trait *trait, int32 n)
{
	const reco_csr *terms = &content->by_item;
	const reco_profile *now = &profile->now;

	for (int64 e = 0; terms->start && e < now->n; e++)
	{
		double value = now->value ? now->value[e] : 1;

		reco_poll();
		if (!(value > 0))
			continue;
		for (int64 k = terms->start[now->item[e]]; k < terms->start[now->item[e] + 1]; k++)
		{
			Trait *of = find_trait(trait, n, terms->col[k]);

			if (of)
				add_reason(of, now->item[e], value * (terms->value ? terms->value[k] : 1));
		}
	}
}

/*
 * The traits of a profile: a keyword's part in the profile of norm 1, the share of
 * the user's items that have an attribute, the mean of a number (without a weight).
 * An embedding has nothing to show.
 */
static int32
collect(const Profile *of, const reco_content *content, const reco_content_profile *profile,
		Trait *trait)
{
	const RecoFeatures *features = of->serving->features;
	int32 n = 0;

	for (int f = 0; f < content->fields; f++)
	{
		const reco_field *field = &content->field[f];
		int32 first;
		int32 last;

		if (!(profile->size[f] > 0) || field->kind == RECO_EMBEDDING || field->kind == RECO_NUMBER)
			continue;
		last = reco_content_terms(profile, field, &first);
		for (int32 k = first; k < last; k++)
		{
			RECO_POLL_AT(k);
			trait[n++] = (Trait){.field = f,
								 .term = profile->term[k],
								 .weight = field->kind == RECO_KEYWORDS
											   ? profile->weight[k] / profile->size[f]
											   : profile->weight[k]};
		}
	}
	find_reasons(of, content, trait, n);
	for (int f = 0; f < content->fields; f++)
		if (profile->size[f] > 0 && content->field[f].kind == RECO_NUMBER)
			trait[n++] =
				(Trait){.field = f,
						.term = -1,
						.number = profile->dense[content->field[f].from] * features->deviation[f] +
								  features->mean[f]};
	qsort(trait, n, sizeof(Trait), compare_traits);
	return n;
}

static void
add_traits(Profile *profile, const Trait *trait, int32 n)
{
	Serving *serving = profile->serving;
	TermTable terms;
	int field = -1;
	int32 of_field = 0;

	reco_terms_open(&terms, serving->schema, serving->version);
	for (int32 k = 0; k < n; k++)
	{
		bool is_number = trait[k].term < 0;
		MemoryContext old;
		Datum value;

		of_field = trait[k].field == field ? of_field + 1 : 1;
		field = trait[k].field;
		RECO_POLL_AT(k);
		if (of_field > profile->n)
			continue;
		old = MemoryContextSwitchTo(profile->scratch);
		value = is_number ? CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(
								float4out, Float4GetDatum((float4) trait[k].number))))
						  : PointerGetDatum(reco_term_read(&terms, trait[k].term));
		MemoryContextSwitchTo(old);
		add(profile, "likes", serving->features->name[field], value,
			is_number ? NAN : trait[k].weight, trait[k].reason, trait[k].reasons);
	}
	reco_terms_close(&terms);
}

static void
add_likes(Profile *profile)
{
	Serving *serving = profile->serving;
	const reco_content_profile *made;
	RecoSeat *seat;
	Trait *trait;

	if (serving->features == NULL)
		return;
	seat = reco_model_seat(reco_content_scorer_of(&serving->model));
	reco_model_seat_user(seat, &profile->now);
	made = reco_content_of_seat(seat->seat);
	trait =
		reco_budget_alloc(&seat->budget, ((Size) made->terms + RECO_MAX_FIELDS) * sizeof(Trait));
	add_traits(profile, trait, collect(profile, serving->model.content, made, trait));
}

static void
add_history(Profile *profile)
{
	const reco_profile *now = &profile->now;
	reco_ranked *ranked = reco_call_alloc(now->n, sizeof(reco_ranked));

	for (int64 e = 0; e < now->n; e++)
	{
		RECO_POLL_AT(e);
		ranked[e] = (reco_ranked){.item = now->item[e], .score = now->value ? now->value[e] : 1};
	}
	listing_sort(ranked, now->n);
	for (int64 e = 0; e < Min(now->n, profile->n); e++)
	{
		MemoryContext old = MemoryContextSwitchTo(profile->scratch);
		Datum id = CStringGetTextDatum(id_to_text(
			profile->serving->item_type, id_dict_id(profile->serving->items, ranked[e].item)));

		MemoryContextSwitchTo(old);
		add(profile, "history", "item", id, ranked[e].score, &ranked[e].item, 1);
	}
}

/* Items of a that b has not, of both in rising order. */
static int32
difference(const reco_profile *a, const reco_profile *b, int32 *item)
{
	int64 e = 0;
	int32 n = 0;

	for (int64 k = 0; k < a->n; k++)
	{
		RECO_POLL_AT(k);
		while (e < b->n && b->item[e] < a->item[k])
			e++;
		if (e == b->n || b->item[e] != a->item[k])
			item[n++] = a->item[k];
	}
	return n;
}

static void
add_difference(Profile *profile, const char *feature, const reco_profile *a, const reco_profile *b)
{
	int32 *item = reco_call_alloc(a->n, sizeof(int32));
	int32 n = difference(a, b, item);
	Datum count = CStringGetTextDatum(psprintf("%d", n));

	if (n > 0)
		add(profile, "freshness", feature, count, NAN, item, Min(n, profile->n));
}

static void
add_freshness(Profile *profile)
{
	Serving *serving = profile->serving;
	VersionRow version;
	reco_profile stored;
	bool known = reco_serving_user(serving, profile->user.id, &stored);

	reco_version_read(serving->schema, serving->version, GetActiveSnapshot(), &version);
	add_integer(profile, "freshness", "version", serving->version, NAN);
	add_time(profile, "freshness", "trained at", (double) version.finished_at);
	add_text(profile, "freshness", "read",
			 profile->activity.live                              ? "live"
			 : reco_serving_folded_in(serving, profile->user.id) ? "folded in"
																 : "stored",
			 NAN);
	if (!known)
		stored = (reco_profile){0};
	add_difference(profile, "new items", &profile->now, &stored);
	add_difference(profile, "gone items", &stored, &profile->now);
}

Datum
reco_serve_user_profile(PG_FUNCTION_ARGS)
{
	Request request;
	Profile profile = {0};

	request_read(fcinfo, "user_profile", &request);
	profile.serving = request.serving;
	profile.rows = reco_rows_begin(
		fcinfo,
		(Oid[]){TEXTOID, TEXTOID, TEXTOID, FLOAT8OID, id_array_type(request.serving->item_type)},
		COLUMNS);
	profile.n = request_n(&request, PG_INT32_MAX);
	if (!request_user(&request, &profile.user) ||
		!reco_live_activity(reco_live_open(request.serving, &request.row), request.serving,
							&profile.user, &profile.now, &profile.activity))
		return (Datum) 0;
	profile.scratch =
		AllocSetContextCreate(CurrentMemoryContext, "reco row", ALLOCSET_DEFAULT_SIZES);
	add_activity(&profile);
	add_segment(&profile);
	add_likes(&profile);
	add_history(&profile);
	add_freshness(&profile);
	return (Datum) 0;
}
