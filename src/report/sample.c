/*
 * sample.c
 *	  Some users of a model, what they have, and the lists that they get.
 *
 * Users are taken evenly from the order of their ids in the active version, so that the same model
 * shows the same ones.  Their lists are those of the model's recommend(), by what the source
 * says of them now.
 *
 * Cost: a search in the table of users for each, and a list of REPORT_PLACES.
 */
#include "report/report.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "pg/json.h"
#include "store/source/query.h"
#include "store/tables/tables.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include <math.h>

static const char users_query[] =
	"SELECT user_id FROM ONLY %s.model_user WHERE version OPERATOR(pg_catalog.=) $1 "
	"AND number OPERATOR(pg_catalog.=) ANY ($2) ORDER BY number";

/* Numbers of users, evenly among those that the version was trained on. */
static Datum
numbers(const Serving *serving, int32 most, int32 *n)
{
	int32 trained = serving->users - serving->added;
	Datum *number;

	*n = Min(most, trained);
	number = palloc((*n + 1) * sizeof(Datum));
	for (int32 k = 0; k < *n; k++)
		number[k] = Int32GetDatum((int32) (((double) k + 0.5) * trained / *n));
	return PointerGetDatum(construct_array(number, *n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

Datum *
report_user_ids(const Report *report, int32 most, int32 *n)
{
	const Serving *serving = report->request.serving;
	const IdType *type = serving->user_type;
	Datum values[2] = {Int32GetDatum(serving->version)};
	Oid types[2] = {INT4OID, INT4ARRAYOID};
	MemoryContext old = CurrentMemoryContext;
	RecoRunAs owner = reco_run_as(report->request.row.owner);
	RecoIdentity before;
	ModelTable users;
	Datum *id;
	int32 found = 0;

	SPI_connect();
	values[1] = numbers(serving, most, n);
	reco_become(&owner, &before);
	reco_table_open(&users, report->request.row.schema, true, AccessShareLock);
	reco_check_policies(users.heap);
	reco_table_close(&users);
	if (SPI_execute_with_args(psprintf(users_query, quote_identifier(report->request.row.name)), 2,
							  types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the users of model \"%s\"", report->request.row.name);
	reco_return(&before);
	MemoryContextSwitchTo(old);
	id = reco_call_alloc(SPI_processed + 1, sizeof(Datum));
	for (uint64 k = 0; k < SPI_processed; k++)
	{
		bool isnull;
		Datum value = SPI_getbinval(SPI_tuptable->vals[k], SPI_tuptable->tupdesc, 1, &isnull);

		RECO_POLL_EACH(k, 1024);
		if (!isnull)
			id[found++] = datumCopy(value, type->typbyval, type->typlen);
	}
	SPI_finish();
	*n = found;
	return id;
}

/* What a user has: all, or evenly so many. */
static void
take_history(ReportUser *user, const reco_profile *profile)
{
	user->has = profile->n;
	user->n = (int32) Min(profile->n, REPORT_HISTORY);
	user->item = palloc((user->n + 1) * sizeof(int32));
	user->value = palloc((user->n + 1) * sizeof(float));
	for (int32 k = 0; k < user->n; k++)
	{
		int64 at = (int64) k * profile->n / user->n;

		user->item[k] = profile->item[at];
		user->value[k] = profile->value ? profile->value[at] : 1;
	}
}

/* The user's list, as recommend() makes it. */
static void
take_list(Report *report, ReportUser *user, const reco_profile *profile)
{
	Listing listing = listing_begin(&report->request);
	MemoryContext old;

	listing_skip_seen(&listing, profile);
	listing_recommend(&listing, profile, "auto");
	old = MemoryContextSwitchTo(report->context);
	user->places = listing.list.count;
	user->listed = palloc((user->places + 1) * sizeof(int32));
	user->source = palloc((user->places + 1) * sizeof(char *));
	for (int32 k = 0; k < user->places; k++)
	{
		user->listed[k] = listing.list.best[k].item;
		user->source[k] = listing.list.source[k];
	}
	MemoryContextSwitchTo(old);
}

static int
by_history(const void *a, const void *b)
{
	const ReportUser *x = a;
	const ReportUser *y = b;

	if (x->has != y->has)
		return x->has < y->has ? 1 : -1;
	return x->order - y->order;
}

void
report_read_users(Report *report)
{
	Serving *serving = report->request.serving;
	MemoryContext scratch;
	RecoLive *live;
	Datum *id;
	int32 n;

	if (serving == NULL || !report->may_users)
		return;
	id = report_user_ids(report, REPORT_USERS, &n);
	live = reco_live_open(serving, &report->request.row);
	report->request.options = reco_json_of(psprintf("{\"n\": %d}", REPORT_PLACES));
	report->user = palloc0((n + 1) * sizeof(ReportUser));
	scratch = AllocSetContextCreate(CurrentMemoryContext, "reco sample", ALLOCSET_DEFAULT_SIZES);
	for (int32 k = 0; k < n; k++)
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);
		ReportUser *user = &report->user[report->users];
		ServedUser served = reco_served_user(serving, id[k]);
		reco_profile profile = {0};

		reco_poll();
		if (reco_live_user(live, serving, &served, &profile) && profile.n > 0)
		{
			user->id = id[k];
			user->order = k;
			take_list(report, user, &profile);
			MemoryContextSwitchTo(report->context);
			take_history(user, &profile);
			report->users++;
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
	qsort(report->user, report->users, sizeof(ReportUser), by_history);
}

int
report_reasons(const Report *report, const ReportUser *user, int32 item, int n, int32 *because,
			   double *share)
{
	Serving *serving = report->request.serving;
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "reco reasons", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	RecoLive *live = reco_live_open(serving, &report->request.row);
	ServedUser served = reco_served_user(serving, user->id);
	reco_profile profile = {0};
	double baseline = 0;
	double size;
	double *contribution;
	bool additive = false;
	RecoSeat *seat;
	int found = 0;

	if (reco_live_user(live, serving, &served, &profile) && profile.n > 0)
	{
		contribution = reco_call_alloc(profile.n, sizeof(double));
		seat = reco_model_seat(reco_serving_scorer(serving));
		reco_model_seat_user(seat, &profile);
		reco_model_seat_check(
			seat, reco_seat_explain(seat->seat, item, contribution, &baseline, &additive));
		reco_model_seat_end(seat);
		size = fabs(baseline);
		for (int64 j = 0; j < profile.n; j++)
			size += fabs(contribution[j]);
		for (; additive && size > 0 && found < n; found++)
		{
			int64 best = 0;

			for (int64 j = 1; j < profile.n; j++)
				if (contribution[j] > contribution[best])
					best = j;
			if (!(contribution[best] > 0))
				break;
			because[found] = profile.item[best];
			share[found] = contribution[best] / size;
			contribution[best] = 0;
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return found;
}
