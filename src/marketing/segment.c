/*
 * segment.c
 *	  reco.segment(): segments of a model's users, written to the model's tables.
 *
 * Users are rows of numbers (segment_rows.c), which k-means shares out among segments
 * (core/cluster/kmeans.h); what is common in each is told beside (segment_profile.c), and of each
 *user what the source says of recency, frequency and money (segment_rfm.c).  As with materialized
 *lists, what is made stays until it is made again, whatever version is the active one by then, and
 *says of which version it was made: whoever writes to a segment's users goes on with the same ones.
 *It replaces what was there in one transaction; readers see the old or the new.
 *
 * Memory: the rows, and some 100 bytes for each.  Cost: that of k-means, and a row a user.
 */
#include "marketing/segment.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "store/source/query.h"
#include "store/tables/lock.h"
#include "store/tables/progress.h"
#include "store/tables/statement.h"
#include "store/tables/terms.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include <math.h>

RECO_FUNCTION(reco_segment);

/* How many segments are tried where nobody says how many. */
#define LEAST_TRIED 2
#define MOST_TRIED 12
/* Parts of a name, and the bytes of each. */
#define NAME_PARTS 3
#define NAME_BYTES 40
/* Of a given feature, in standard deviations: a segment's mean that is worth naming. */
#define NAMED_DEVIATION 0.5

static const char *const what = "segmenting";

static int64
check_between(int64 value, const char *name, int64 least, int64 most)
{
	if (value < least || value > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is out of range", name),
				 errhint("It must be a whole number from " INT64_FORMAT " to " INT64_FORMAT ".",
						 least, most)));
	return value;
}

static void
read_arguments(FunctionCallInfo fcinfo, reco_kmeans_params *params)
{
	if (!PG_ARGISNULL(1))
		params->clusters =
			(int) check_between(PG_GETARG_INT32(1), "k", 1, RECO_KMEANS_MAX_CLUSTERS);
	reco_require_argument(fcinfo, 3, "restarts");
	params->restarts = (int) check_between(PG_GETARG_INT32(3), "restarts", 1, 1000);
	reco_require_argument(fcinfo, 4, "iterations");
	params->iterations = (int) check_between(PG_GETARG_INT32(4), "iterations", 1, 10000);
	reco_require_argument(fcinfo, 5, "seed");
	params->seed =
		(uint64) check_between(PG_GETARG_INT64(5), "seed", 0, INT64CONST(9007199254740992));
}

static void
fit(RecoSegments *run, int clusters, reco_kmeans *out, double *silhouette)
{
	RecoBudget *budget = &run->budget;
	reco_kmeans_params params = run->params;

	/* there are no more segments than users */
	params.clusters = Min(clusters, run->rows.rows);
	reco_budget_require(budget, reco_kmeans_memory(&params, &run->rows, budget->env.threads), what);
	reco_budget_check(budget, reco_kmeans_fit(&budget->env, &params, &run->rows, out), what);
	reco_budget_check(budget, reco_kmeans_silhouette(&budget->env, &run->rows, out, silhouette),
					  what);
}

/* As many segments as have the largest silhouette; the fewest of equal ones. */
static void
choose(RecoSegments *run)
{
	for (int k = LEAST_TRIED; k <= MOST_TRIED && (k <= run->rows.rows || k == LEAST_TRIED); k++)
	{
		reco_kmeans made;
		double silhouette;

		reco_progress_iteration(k - LEAST_TRIED, MOST_TRIED - LEAST_TRIED + 1, NAN);
		fit(run, k, &made, &silhouette);
		if (k > LEAST_TRIED && !(silhouette > run->silhouette))
		{
			reco_kmeans_free(&run->budget.env, &made);
			continue;
		}
		reco_kmeans_free(&run->budget.env, &run->made);
		run->made = made;
		run->silhouette = silhouette;
	}
}

static void
make_segments(RecoSegments *run)
{
	if (run->rows.rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND), errmsg("there are no users to segment"),
				 run->feature ? errhint("The query of features returns none.")
							  : errhint("No user of the active version has any interaction.")));
	if (run->params.clusters > 0)
		fit(run, run->params.clusters, &run->made, &run->silhouette);
	else
		choose(run);
}

/* The text of a keyword, palloc'd. */
static char *
keyword_text(TermTable *terms, int32 number)
{
	return text_to_cstring(reco_term_read(terms, number));
}

static void
add_to_name(StringInfo name, int *parts, const char *text, const char *prefix)
{
	int length = pg_mbcliplen(text, (int) strlen(text), NAME_BYTES);

	/* two fields may have the same keyword */
	if (*parts >= NAME_PARTS || strstr(name->data, text))
		return;
	appendStringInfo(name, "%s%s%.*s", *parts ? ", " : "", prefix, length, text);
	(*parts)++;
}

/* The given features whose mean is farthest from that of all, by deviations. */
static void
name_by_features(const RecoSegments *run, int c, StringInfo name, int *parts)
{
	bool *named = palloc0(run->rows.d * sizeof(bool));

	for (int round = 0; round < NAME_PARTS; round++)
	{
		int best = -1;

		for (int f = 0; f < run->rows.d; f++)
		{
			double z = fabs(run->made.center[(Size) c * run->rows.d + f]);

			if (!named[f] && z >= NAMED_DEVIATION &&
				(best < 0 || z > fabs(run->made.center[(Size) c * run->rows.d + best])))
				best = f;
		}
		if (best < 0)
			return;
		named[best] = true;
		add_to_name(name, parts, run->feature[best],
					run->made.center[(Size) c * run->rows.d + best] > 0 ? "high " : "low ");
	}
}

/* What stands out: given features, else keywords, else items. */
static char *
name_of(const RecoSegments *run, int c, const RecoSegment *segment, TermTable *terms)
{
	StringInfoData name;
	int parts = 0;

	initStringInfo(&name);
	if (run->made.clusters == 1)
		return "everybody";
	if (run->feature)
		name_by_features(run, c, &name, &parts);
	for (int k = 0; !run->feature && k < segment->keywords; k++)
		add_to_name(&name, &parts, keyword_text(terms, segment->keyword[k].number), "");
	for (int k = 0; !run->feature && segment->keywords == 0 && k < segment->items; k++)
		add_to_name(&name, &parts,
					id_to_message(run->serving->item_type,
								  id_dict_id(run->serving->items, segment->item[k].number)),
					"");
	return parts > 0 ? name.data : "average";
}

static Datum
real_array(const RecoSegmentTrait *trait, int n, bool lift)
{
	Datum value[SEGMENT_TRAITS];

	for (int k = 0; k < n; k++)
		value[k] = Float4GetDatum(lift ? trait[k].lift : trait[k].share);
	return PointerGetDatum(
		construct_array(value, n, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
}

static Datum
item_array(const RecoSegments *run, const RecoSegment *segment)
{
	const IdType *type = run->serving->item_type;
	Datum value[SEGMENT_TRAITS];

	for (int k = 0; k < segment->items; k++)
		value[k] = id_dict_id(run->serving->items, segment->item[k].number);
	return PointerGetDatum(construct_array(value, segment->items, type->type, type->typlen,
										   type->typbyval, type->typalign));
}

static Datum
keyword_array(const RecoSegment *segment, TermTable *terms)
{
	Datum value[SEGMENT_TRAITS];

	for (int k = 0; k < segment->keywords; k++)
		value[k] = PointerGetDatum(reco_term_read(terms, segment->keyword[k].number));
	return PointerGetDatum(
		construct_array(value, segment->keywords, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Means by name; of columns of one name the last. */
static Datum
means(const RecoSegments *run, const RecoSegment *segment)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (int f = 0; run->feature && f < run->rows.d; f++)
	{
		appendStringInfoString(&text, f ? ", " : "");
		escape_json(&text, run->feature[f]);
		appendStringInfo(&text, ": %.6g", segment->mean[f]);
	}
	appendStringInfoChar(&text, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
}

/* A table of ids of the types that the version has. */
static Relation
open_table(const RecoSegments *run, RecoTable which, int column, Oid type)
{
	Relation table = reco_open(run->serving->schema, which, RowExclusiveLock);

	reco_check_writable(table);
	if (TupleDescAttr(RelationGetDescr(table), column)->atttypid != type)
		reco_table_damaged(
			run->serving->schema,
			psprintf("The ids of its table \"%s\" were altered.", RelationGetRelationName(table)));
	return table;
}

static void
write_rfm(const RecoUserRfm *rfm, Datum *row)
{
	row[SEGMENT_RECENCY] = Float8GetDatum(rfm->recency);
	row[SEGMENT_FREQUENCY] = Int64GetDatum(rfm->frequency);
	row[SEGMENT_MONETARY] = Float8GetDatum(rfm->monetary);
	row[SEGMENT_R] = Int32GetDatum(rfm->score[0]);
	row[SEGMENT_F] = Int32GetDatum(rfm->score[1]);
	row[SEGMENT_M] = Int32GetDatum(rfm->score[2]);
}

static void
write_users(const RecoSegments *run)
{
	const RecoUserRfm unknown = {.recency = NAN};
	const IdType *type = run->serving->user_type;
	Relation table = open_table(run, RECO_TABLE_SEGMENT, SEGMENT_USER, type->type);
	TableWriter *writer = reco_writer_begin(table);

	for (int32 r = 0; r < run->rows.rows; r++)
	{
		MemoryContext context;
		Datum *row = reco_writer_row(writer, &context);

		RECO_POLL_EACH(r, RECO_SEARCHES);
		row[SEGMENT_USER] = id_dict_id(run->ids, run->id[r]);
		/* of a given id as the owner, whose code the checks are */
		if (run->feature)
			id_check_domain(type, row[SEGMENT_USER]);
		row[SEGMENT_SEGMENT] = Int32GetDatum(run->made.cluster[r] + 1);
		row[SEGMENT_DISTANCE] = Float8GetDatum(sqrt(run->made.distance[r]));
		write_rfm(run->rfm ? &run->rfm[r] : &unknown, row);
	}
	reco_writer_end(writer);
	table_close(table, NoLock);
}

static void
write_profile(const RecoSegments *run, int c, const RecoSegment *segment, TermTable *terms,
			  Datum *row)
{
	row[PROFILE_SEGMENT] = Int32GetDatum(c + 1);
	row[PROFILE_VERSION] = Int32GetDatum(run->serving->version);
	row[PROFILE_MADE_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	row[PROFILE_MADE_OF] = CStringGetTextDatum(run->made_of);
	row[PROFILE_SILHOUETTE] = Float8GetDatum(run->silhouette);
	row[PROFILE_NAME] = CStringGetTextDatum(name_of(run, c, segment, terms));
	row[PROFILE_USERS] = Int32GetDatum(segment->users);
	row[PROFILE_SHARE] = Float8GetDatum((double) segment->users / run->rows.rows);
	row[PROFILE_ITEMS] = item_array(run, segment);
	row[PROFILE_ITEM_SHARES] = real_array(segment->item, segment->items, false);
	row[PROFILE_ITEM_LIFTS] = real_array(segment->item, segment->items, true);
	row[PROFILE_KEYWORDS] = keyword_array(segment, terms);
	row[PROFILE_KEYWORD_SHARES] = real_array(segment->keyword, segment->keywords, false);
	row[PROFILE_KEYWORD_LIFTS] = real_array(segment->keyword, segment->keywords, true);
	row[PROFILE_MEANS] = means(run, segment);
}

static void
write_profiles(const RecoSegments *run, const RecoSegment *segment)
{
	Relation table = open_table(run, RECO_TABLE_SEGMENT_PROFILE, PROFILE_ITEMS,
								id_array_type(run->serving->item_type));
	TableWriter *writer = reco_writer_begin(table);
	bool has_terms = run->serving->features != NULL;
	TermTable terms;

	if (has_terms)
		reco_terms_open(&terms, run->serving->schema, run->serving->version);
	for (int c = 0; c < run->made.clusters; c++)
	{
		MemoryContext context;
		Datum *row = reco_writer_row(writer, &context);
		MemoryContext old = MemoryContextSwitchTo(context);

		reco_poll();
		write_profile(run, c, &segment[c], &terms, row);
		MemoryContextSwitchTo(old);
	}
	if (has_terms)
		reco_terms_close(&terms);
	reco_writer_end(writer);
	table_close(table, NoLock);
}

/* In the place of those that were there. */
static void
write_segments(const RecoSegments *run, const ModelRow *model, const RecoSegment *segment)
{
	RecoRunAs owner = reco_run_as(model->owner);
	RecoIdentity before;

	reco_become(&owner, &before);
	SPI_connect();
	(void) reco_statement(model->schema, "DELETE FROM ONLY %s.model_segment", NULL, 0, NULL);
	(void) reco_statement(model->schema, "DELETE FROM ONLY %s.model_segment_profile", NULL, 0,
						  NULL);
	SPI_finish();
	CommandCounterIncrement();
	write_users(run);
	write_profiles(run, segment);
	CommandCounterIncrement();
	reco_return(&before);
}

/* Everything from the lock on. */
static void
segment_users(RecoSegments *run, const ModelRow *model, const char *features, bool rfm)
{
	ModelRow current;

	run->serving = reco_serving_open(model->schema, NULL, &current);
	/* segments by another key would be of nobody */
	if (run->serving->user_type->pseudonyms)
		id_pseudonyms_check(run->serving->user_type->pseudonyms);
	run->users = reco_serving_load_users(run->serving);
	reco_progress_begin(model->schema);
	reco_progress_phase(model->active_version, "segmenting");
	reco_budget_init(&run->budget, CurrentMemoryContext);
	reco_budget_threads(&run->budget);
	if (features)
		reco_segment_features(run, features);
	else
		reco_segment_users(run);
	make_segments(run);
	if (rfm)
		reco_segment_rfm(run, &current);
	write_segments(run, model, reco_segment_profiles(run));
}

static void
tell(const RecoSegments *run, const char *model)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "They were made of %s", run->made_of);
	if (!isnan(run->silhouette))
		appendStringInfo(&detail, "; the silhouette is %.3f", run->silhouette);
	if (run->missing > 0)
		appendStringInfo(
			&detail, "; values that are NULL, and count as the mean of their column: " INT64_FORMAT,
			run->missing);
	ereport(
		NOTICE,
		(errmsg("model \"%s\": %d segments of %d users", model, run->made.clusters, run->rows.rows),
		 errdetail_internal("%s.", detail.data),
		 run->made.clusters < run->params.clusters ? errhint("There are no more users who differ.")
												   : 0));
}

Datum
reco_segment(PG_FUNCTION_ARGS)
{
	RecoSegments run = {0};
	ModelRow model;
	Oid schema;

	PreventCommandIfReadOnly("CALL reco.segment()");
	reco_require_argument(fcinfo, 0, "model name");
	read_arguments(fcinfo, &run.params);
	schema = reco_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	reco_model_read(schema, RECO_LATEST_SNAPSHOT, &model);
	reco_model_check_owner(&model);
	/* one at a time, and none beside a training */
	(void) reco_training_lock(schema, false, false);
	PushActiveSnapshot(GetTransactionSnapshot());
	reco_model_read(schema, GetActiveSnapshot(), &model);
	PG_TRY();
	{
		segment_users(&run, &model, reco_text_or_null(fcinfo, 2),
					  PG_ARGISNULL(6) || PG_GETARG_BOOL(6));
	}
	PG_FINALLY();
	{
		reco_progress_end();
	}
	PG_END_TRY();
	PopActiveSnapshot();
	tell(&run, model.name);
	PG_RETURN_VOID();
}
