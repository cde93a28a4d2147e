/*
 * profile.c
 *	  The function behind a model's user_profile(): what a user likes, by what is
 *	  known about the items they have.
 */
#include "pg/rows.h"
#include "serving/request.h"

#include "catalog/pg_type.h"
#include "core/scoring/score_content.h"
#include "fmgr.h"
#include "store/tables/terms.h"
#include "utils/lsyscache.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include <math.h>

RECO_FUNCTION(reco_serve_user_profile);

/* A row to be: a term, or a number (term -1). */
typedef struct Trait
{
	int field;
	int32 term;
	double weight;
	double number;
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

/*
 * The traits of a profile: a keyword's part in the profile of norm 1, the share of
 * the user's items that have an attribute, the mean of a number (without a weight).
 * An embedding has nothing to show.
 */
static int32
collect(const reco_content *content, const RecoFeatures *features,
		const reco_content_profile *profile, Trait *trait)
{
	int32 n = 0;

	for (int f = 0; f < content->fields; f++)
	{
		const reco_field *field = &content->field[f];
		int32 first;
		int32 last;

		if (!(profile->size[f] > 0) || field->kind == RECO_EMBEDDING)
			continue;
		if (field->kind == RECO_NUMBER)
		{
			trait[n++] = (Trait){
				f, -1, 0, profile->dense[field->from] * features->deviation[f] + features->mean[f]};
			continue;
		}
		last = reco_content_terms(profile, field, &first);
		for (int32 k = first; k < last; k++)
		{
			RECO_POLL_AT(k);
			trait[n++] =
				(Trait){f, profile->term[k],
						field->kind == RECO_KEYWORDS ? profile->weight[k] / profile->size[f]
													 : profile->weight[k]};
		}
	}
	qsort(trait, n, sizeof(Trait), compare_traits);
	return n;
}

static void
add_traits(RecoRows *rows, Serving *serving, const Trait *trait, int32 n)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco term", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TermTable terms;

	reco_terms_open(&terms, serving->schema, serving->version);
	for (int32 k = 0; k < n; k++)
	{
		bool is_number = trait[k].term < 0;
		Datum value = is_number ? CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(
									  float4out, Float4GetDatum((float4) trait[k].number))))
								: PointerGetDatum(reco_term_read(&terms, trait[k].term));
		Datum values[3] = {CStringGetTextDatum(serving->features->name[trait[k].field]), value,
						   Float8GetDatum(trait[k].weight)};
		bool nulls[3] = {false, false, is_number};

		reco_rows_add(rows, values, nulls);
		MemoryContextReset(context);
	}
	reco_terms_close(&terms);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

Datum
reco_serve_user_profile(PG_FUNCTION_ARGS)
{
	Request request;
	Serving *serving;
	reco_profile profile;
	RecoSeat *seat;
	const reco_content_profile *made;
	RecoRows rows;
	Trait *trait;
	Datum user;

	request_read(fcinfo, "user_profile", &request);
	serving = request.serving;
	rows = reco_rows_begin(fcinfo, (Oid[]){TEXTOID, TEXTOID, FLOAT8OID}, 3);
	if (serving->features == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("model \"%s\" knows nothing about its items",
							   get_namespace_name(serving->schema)),
						errhint("Profiles come from models that are made with items.")));
	if (!request_user(&request, &user) || !reco_serving_user(serving, user, &profile))
		return (Datum) 0;
	seat = reco_model_seat(reco_content_scorer_of(&serving->model));
	reco_model_seat_user(seat, &profile);
	made = reco_content_of_seat(seat->seat);
	trait =
		reco_budget_alloc(&seat->budget, ((Size) made->terms + RECO_MAX_FIELDS) * sizeof(Trait));
	add_traits(&rows, serving, trait,
			   collect(serving->model.content, serving->features, made, trait));
	return (Datum) 0;
}
