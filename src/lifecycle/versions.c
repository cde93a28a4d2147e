/*
 * versions.c
 *	  The life of a model version in its tables.
 *
 * A version is written whole and made active by one row, in one transaction:
 * readers see the old version or the new one.  Old versions go by DELETE, never
 * by TRUNCATE or DROP, so that no reader waits and old snapshots keep theirs.
 *
 * Everything is done as the model's owner (statement.c says why), on tables that were
 * opened and checked.
 */
#include "lifecycle/versions.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "core/data/history.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "lifecycle/schema.h"
#include "store/tables/changes.h"
#include "store/tables/parts.h"
#include "store/tables/statement.h"
#include "store/tables/terms.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

void
reco_definition_touch(Oid schema)
{
	(void) reco_statement(schema, "UPDATE ONLY %s.model SET next_version = next_version", NULL, 0,
						  NULL);
}

void
reco_definition_insert(Oid schema, const ModelRow *definition)
{
	RecoRunAs owner = reco_run_as(definition->owner);
	RecoIdentity before;
	RecoArgument argument[] = {
		reco_text_argument(definition->source),   reco_jsonb_argument(definition->algorithm),
		reco_jsonb_argument(definition->options), reco_text_argument(definition->search_path),
		reco_text_argument(definition->items),    reco_jsonb_argument(definition->resolved),
		reco_text_argument(definition->users),    reco_text_argument(definition->pseudonyms_of),
	};

	reco_become(&owner, &before);
	(void) reco_statement(
		schema,
		"INSERT INTO %s.model (definition, source, algorithm, options, search_path, active_version,"
		" active_nonce, next_version, created_at, items, items_search_path, resolved, users,"
		" users_search_path, pseudonyms_of)"
		" VALUES (1, $1, $2::reco.algorithm, $3::reco.data_options, $4, 0, 0, 1, "
		"clock_timestamp(), $5, $4, $6, $7, $4, $8)",
		argument, lengthof(argument), NULL);
	reco_return(&before);
}

void
reco_definition_update(const ModelRow *model, const ModelRow *change)
{
	RecoRunAs owner = reco_run_as(model->owner);
	RecoIdentity before;
	RecoArgument argument[] = {
		reco_text_argument(change->source),
		reco_jsonb_argument(change->algorithm),
		reco_jsonb_argument(change->options),
		reco_text_argument(change->source ? change->search_path : NULL),
		reco_text_argument(change->items),
		reco_text_argument(change->items ? change->search_path : NULL),
		reco_jsonb_argument(change->resolved),
		reco_text_argument(change->users),
		reco_text_argument(change->users ? change->search_path : NULL),
	};

	reco_become(&owner, &before);
	reco_statement_one(model->schema,
					   "UPDATE ONLY %s.model SET source = coalesce($1, source),"
					   " algorithm = coalesce($2::reco.algorithm, algorithm),"
					   " options = coalesce($3::reco.data_options, options),"
					   " search_path = coalesce($4, search_path), items = coalesce($5, items),"
					   " items_search_path = coalesce($6, items_search_path),"
					   " users = coalesce($8, users),"
					   " users_search_path = coalesce($9, users_search_path),"
					   " resolved = coalesce(resolved || $7, $7, resolved)",
					   argument, lengthof(argument));
	reco_return(&before);
}

void
reco_definition_add_resolved(Oid schema, Oid owner_role, Jsonb *missing)
{
	RecoRunAs owner = reco_run_as(owner_role);
	RecoIdentity before;
	RecoArgument argument = reco_jsonb_argument(missing);

	reco_become(&owner, &before);
	reco_statement_one(schema, "UPDATE ONLY %s.model SET resolved = coalesce(resolved || $1, $1)",
					   &argument, 1);
	reco_return(&before);
}

void
reco_version_start(RecoVersion *version, const ModelRow *definition, const char *trained_by)
{
	RecoIdentity before;
	RecoArgument argument[5];

	if (!pg_strong_random(&version->nonce, sizeof(version->nonce)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	reco_become(&version->owner, &before);
	/* what cannot be written to is told before it is trained; to write is for later */
	reco_lock_tables(version->schema, AccessShareLock);
	/* the lock on the model is ours: whatever still runs in the table was killed */
	(void) reco_statement(
		version->schema,
		"UPDATE ONLY %s.model_version SET status = 'failed', message = 'interrupted'"
		" WHERE status = 'running'",
		NULL, 0, NULL);
	version->number = reco_statement_one(version->schema,
										 "UPDATE ONLY %s.model SET next_version = next_version + 1"
										 " RETURNING next_version - 1",
										 NULL, 0);
	argument[0] = reco_int4_argument(version->number);
	argument[1] = reco_int8_argument(version->nonce);
	argument[2] = reco_jsonb_argument(definition->algorithm);
	argument[3] = reco_jsonb_argument(definition->options);
	argument[4] = reco_text_argument(trained_by);
	(void) reco_statement(
		version->schema,
		"INSERT INTO %s.model_version (version, nonce, status, started_at, algorithm, options,"
		" trained_by) VALUES ($1, $2, 'running', clock_timestamp(), $3::reco.algorithm,"
		" $4::reco.data_options, $5)",
		argument, lengthof(argument), NULL);
	reco_return(&before);
}

void
reco_version_lock(const RecoVersion *version)
{
	RecoIdentity before;

	reco_become(&version->owner, &before);
	reco_lock_tables(version->schema, RowExclusiveLock);
	reco_return(&before);
}

void
reco_version_fail(const RecoVersion *version, const char *message)
{
	RecoIdentity before;
	RecoArgument argument[] = {reco_int4_argument(version->number), reco_text_argument(message)};

	reco_become(&version->owner, &before);
	(void) reco_statement(
		version->schema,
		"UPDATE ONLY %s.model_version SET status = 'failed', finished_at = clock_timestamp(),"
		" message = $2 WHERE version = $1",
		argument, lengthof(argument), NULL);
	reco_return(&before);
}

/* A one-dimensional array of n plain values of `size` bytes. */
static Datum
plain_array(Oid type, const void *values, Size size, int n, MemoryContext context)
{
	Size head = n > 0 ? ARR_OVERHEAD_NONULLS(1) : ARR_OVERHEAD_NONULLS(0);
	ArrayType *array = MemoryContextAllocZero(context, head + n * size);

	SET_VARSIZE(array, head + n * size);
	array->elemtype = type;
	array->ndim = n > 0 ? 1 : 0;
	if (n > 0)
	{
		ARR_DIMS(array)[0] = n;
		ARR_LBOUND(array)[0] = 1;
		memcpy(ARR_DATA_PTR(array), values, n * size);
	}
	return PointerGetDatum(array);
}

static Datum
float_array(const float *values, int n, MemoryContext context)
{
	return plain_array(FLOAT4OID, values, sizeof(float), n, context);
}

static int32
clamp_count(int64 count)
{
	return (int32) Min(count, PG_INT32_MAX);
}

/* Items, packed, that lists leave out for a user; empty where they are those of the history. */
static Datum
pack_seen(const reco_profile *profile, MemoryContext batch, int64 *bytes)
{
	bytea *seen =
		MemoryContextAllocHuge(batch, VARHDRSZ + reco_history_bound(Max(profile->n_has, 0)));
	Size size = profile->has ? reco_history_encode(&reco_poll_env, profile->has, NULL,
												   profile->n_has, (uint8 *) VARDATA(seen))
							 : 0;

	SET_VARSIZE(seen, VARHDRSZ + size);
	*bytes += size;
	return PointerGetDatum(seen);
}

/* The row of a user, but for its parts. */
static Datum *
add_user(TableWriter *writer, int32 version, int32 number, Datum id, const reco_profile *profile,
		 MemoryContext *batch, int64 *bytes)
{
	Datum *row = reco_writer_row(writer, batch);
	bytea *history = MemoryContextAllocHuge(*batch, VARHDRSZ + reco_history_bound(profile->n));
	Size size = reco_history_encode(&reco_poll_env, profile->item, profile->value, profile->n,
									(uint8 *) VARDATA(history));

	SET_VARSIZE(history, VARHDRSZ + size);
	row[COLUMN_VERSION] = Int32GetDatum(version);
	row[COLUMN_ID] = id;
	row[COLUMN_NUMBER] = Int32GetDatum(number);
	row[COLUMN_INTERACTIONS] = Int32GetDatum(clamp_count(profile->n));
	row[COLUMN_CONTENT] = PointerGetDatum(history);
	row[COLUMN_SEEN] = pack_seen(profile, *batch, bytes);
	*bytes += size;
	return row;
}

bool
reco_version_add_user(TableWriter *writer, int32 version, int32 number, Datum id,
					  const RecoModel *model, const reco_profile *profile)
{
	int64 bytes = 0;
	MemoryContext batch;
	Datum *row = add_user(writer, version, number, id, profile, &batch, &bytes);

	return reco_parts_of_profile(model, profile, batch, &row[COLUMN_PARTS]);
}

bool
reco_version_write_user(TableWriter *writer, int32 version, int32 number, Datum id,
						const IdType *type, const RecoModel *model, const reco_profile *profile,
						int64 *bytes)
{
	MemoryContext batch;
	Datum *row = add_user(writer, version, number, id, profile, &batch, bytes);
	MemoryContext old = MemoryContextSwitchTo(batch);
	bool fits;

	row[COLUMN_ID] = datumCopy(id, type->typbyval, type->typlen);
	fits = reco_parts_of_profile(model, profile, batch, &row[COLUMN_PARTS]);
	if (fits)
		*bytes += VARSIZE(DatumGetPointer(row[COLUMN_PARTS]));
	MemoryContextSwitchTo(old);
	return fits;
}

static void
write_users(const RecoVersion *version, const RecoVersionResult *result, int64 *bytes)
{
	const RecoModel *model = &result->trained->model;
	const reco_csr *a = result->by_user;
	ModelTable table;
	TableWriter *writer;
	MemoryContext batch;

	reco_table_open(&table, version->schema, true, RowExclusiveLock);
	reco_check_writable(table.heap);
	reco_table_require_id(&table, &result->data->user_type);
	writer = reco_writer_begin(table.heap);
	if (result->write_users)
		result->write_users(result->write_arg, writer, bytes);
	for (int32 u = 0; u < model->users && result->write_users == NULL; u++)
	{
		int64 from = a->start[u];
		reco_profile profile = {.n = a->start[u + 1] - from,
								.item = a->col + from,
								.value = a->value ? a->value + from : NULL};
		Datum *row;

		if (result->seen)
		{
			profile.has = result->seen->col + result->seen->start[u];
			profile.n_has = result->seen->start[u + 1] - result->seen->start[u];
		}
		row = add_user(writer, version->number, u, id_dict_id(result->data->users, u), &profile,
					   &batch, bytes);

		row[COLUMN_PARTS] = reco_parts_form(model, RECO_OF_USERS, u, batch, bytes);
	}
	reco_writer_end(writer);
	reco_table_close(&table);
}

/* An item's terms with their weights, packed as a history is. */
static bytea *
item_features(const reco_content *content, int32 item, MemoryContext context)
{
	int64 from = content ? content->by_item.start[item] : 0;
	int64 n = content ? content->by_item.start[item + 1] - from : 0;
	bytea *features = MemoryContextAllocHuge(context, VARHDRSZ + reco_history_bound(n));
	Size size =
		n == 0 ? 0
			   : reco_history_encode(&reco_poll_env, content->by_item.col + from,
									 content->by_item.value + from, n, (uint8 *) VARDATA(features));

	SET_VARSIZE(features, VARHDRSZ + size);
	return features;
}

static void
write_items(const RecoVersion *version, const RecoVersionResult *result, int64 *bytes)
{
	const RecoModel *model = &result->trained->model;
	const reco_content *content = result->data->features ? &result->data->features->content : NULL;
	int numbers = content ? reco_content_numbers(content) : 0;
	const reco_csr *a = result->by_user;
	int32 *count =
		MemoryContextAllocExtended(CurrentMemoryContext, ((Size) model->items + 1) * sizeof(int32),
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	ModelTable table;
	TableWriter *writer;
	MemoryContext batch;

	const float *told = model->member[0].told;

	/* popularity: a rating of any value counts, of other values those above 0 */
	for (int64 e = 0; e < a->start[a->rows]; e++)
	{
		if (a->value == NULL || a->value[e] > 0 || model->spec->latest)
			count[a->col[e]]++;
		RECO_POLL_AT(e);
	}
	reco_table_open(&table, version->schema, false, RowExclusiveLock);
	reco_check_writable(table.heap);
	reco_table_require_id(&table, &result->data->item_type);
	writer = reco_writer_begin(table.heap);
	for (int32 i = 0; i < model->items; i++)
	{
		Datum *row = reco_writer_row(writer, &batch);
		bytea *features = item_features(content, i, batch);

		row[COLUMN_VERSION] = Int32GetDatum(version->number);
		row[COLUMN_ID] = id_dict_id(result->data->items, i);
		row[COLUMN_NUMBER] = Int32GetDatum(i);
		row[COLUMN_INTERACTIONS] = Int32GetDatum(told                 ? (int32) told[i]
												 : result->item_users ? result->item_users[i]
																	  : count[i]);
		row[COLUMN_TREND] =
			Float4GetDatum(result->data->trend && told == NULL ? result->data->trend[i] : 0);
		row[COLUMN_CONTENT] = PointerGetDatum(features);
		row[COLUMN_NUMBERS] = float_array(
			numbers > 0 ? content->dense + (Size) i * content->stride : NULL, numbers, batch);
		*bytes += VARSIZE(features) + numbers * sizeof(float);
		row[COLUMN_PARTS] = reco_parts_form(model, RECO_OF_ITEMS, i, batch, bytes);
	}
	reco_writer_end(writer);
	reco_table_close(&table);
	pfree(count);
}

/* The objectives of the members that have one, by their number; NULL: none has. */
static Jsonb *
member_loss(const RecoModel *model)
{
	StringInfoData text;
	const char *separator = "{";

	initStringInfo(&text);
	for (int m = 1; m < model->members; m++)
	{
		const RecoMember *member = &model->member[m];

		if (member->losses == 0)
			continue;
		appendStringInfo(&text, "%s\"%d\": [", separator, m);
		for (int i = 0; i < member->losses; i++)
			appendStringInfo(&text, "%s%s", i ? ", " : "",
							 isfinite(member->loss[i]) ? float8out_internal(member->loss[i])
													   : "null");
		appendStringInfoChar(&text, ']');
		separator = ", ";
	}
	if (text.len == 0)
		return NULL;
	appendStringInfoChar(&text, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data)));
}

static void
record_version(const RecoVersion *version, const RecoVersionResult *result, int64 bytes,
			   double write_seconds)
{
	const RecoData *data = result->data;
	const RecoModel *model = &result->trained->model;
	const RecoMember *whole = &model->member[0];
	RecoPrivacySpent budget;
	RecoPrivacySpent spends = reco_spec_spends(model->spec, &budget);
	RecoArgument argument[] = {
		reco_int4_argument(version->number),
		reco_int8_argument(data->rows_read),
		reco_jsonb_argument(reco_data_skipped(data)),
		reco_int8_argument(data->count[RECO_COUNT_MERGED]),
		reco_int4_argument(model->users),
		reco_int4_argument(model->items),
		reco_int8_argument(result->interactions),
		reco_float8_argument(model->min_value),
		reco_float8_argument(model->max_value),
		{FLOAT4ARRAYOID, float_array(whole->loss, whole->losses, CurrentMemoryContext),
		 whole->losses == 0},
		reco_int8_argument(bytes),
		reco_float8_argument(result->read_seconds),
		reco_float8_argument(result->train_seconds),
		reco_float8_argument(write_seconds),
		reco_jsonb_argument(data->features ? reco_fields_describe(data->features) : NULL),
		reco_jsonb_argument(result->metrics),
		reco_text_argument(result->verdict.message),
		{BOOLOID, BoolGetDatum(data->row_security), false},
		{BOOLOID, BoolGetDatum(data->available), false},
		{BOOLOID, BoolGetDatum(data->has_time), false},
		{TIMESTAMPTZOID, TimestampTzGetDatum(data->reference_time),
		 data->reference_time == RECO_NO_REFERENCE_TIME},
		reco_jsonb_argument(member_loss(model)),
		reco_jsonb_argument(reco_spec_jsonb(model->spec)),
		reco_jsonb_argument(result->options),
		reco_jsonb_argument(result->choice),
		reco_int4_argument(result->cold_items),
		reco_int4_argument(result->cold_users),
		reco_jsonb_argument(result->priors),
		reco_float8_argument(spends.epsilon),
		reco_float8_argument(spends.delta),
		reco_jsonb_argument(result->calibration),
		{UUIDOID, UUIDPGetDatum(result->key), result->key == NULL},
	};

	reco_statement_one(
		version->schema,
		"UPDATE ONLY %s.model_version SET status = 'ready', finished_at = clock_timestamp(),"
		" rows_read = $2, rows_skipped = $3, rows_merged = $4, users = $5, items = $6,"
		" interactions = $7, min_value = $8::float4, max_value = $9::float4, loss = $10,"
		" bytes = $11, timings = jsonb_build_object('read', round($12::numeric, 3),"
		" 'train', round($13::numeric, 3), 'write', round($14::numeric, 3)), fields = $15,"
		" metrics = $16, message = $17, row_security = $18, available = $19, timed = $20,"
		" reference_time = $21, member_loss = $22, algorithm = $23::reco.algorithm,"
		" options = $24::reco.data_options, choice = $25, cold_items = $26, cold_users = $27,"
		" priors = $28, epsilon = nullif($29, 0),"
		" delta = CASE WHEN $29 > 0 THEN $30 END, calibration = $31, pseudonym_key = $32"
		" WHERE version = $1",
		argument, lengthof(argument));
}

/*
 * What it is made of, and how many interactions users have beyond those that the items were trained
 * on: by the version of whose training they are.
 */
static void
record_made_of(const RecoVersion *version, const RecoVersionResult *result)
{
	RecoArgument argument[] = {
		reco_int4_argument(version->number),
		reco_int4_argument(result->made_of),
		{FLOAT8OID, Float8GetDatum(result->drift), isnan(result->drift)},
	};

	if (result->made_of == 0)
		return;
	reco_statement_one(
		version->schema,
		"WITH RECURSIVE origin (made_of, interactions) AS ("
		"SELECT made_of, interactions FROM ONLY %s.model_version WHERE version = $2"
		" UNION SELECT v.made_of, v.interactions FROM origin AS o"
		" JOIN ONLY %s.model_version AS v ON v.version = o.made_of)"
		" UPDATE ONLY %s.model_version SET made_of = $2, drift = $3, folded_in_interactions ="
		" interactions - (SELECT max(interactions) FROM origin WHERE made_of IS NULL)"
		" WHERE version = $1",
		argument, lengthof(argument));
}

/*
 * Of a model whose last version has pseudonyms by another key, lists and segments are of nobody
 * whom anyone could find, or have forgotten: they go.
 */
static void
remove_other_pseudonyms(const RecoVersion *version, const RecoVersionResult *result)
{
	static const char changed[] =
		" WHERE $1 <> (SELECT pseudonym_key FROM ONLY %s.model_version"
		" WHERE pseudonym_key IS NOT NULL AND version < $2 ORDER BY version DESC LIMIT 1)";
	static const char *const tables[] = {"model_list", "model_segment", "model_segment_profile"};
	RecoArgument argument[] = {
		{UUIDOID, UUIDPGetDatum(result->key), false},
		reco_int4_argument(version->number),
	};
	uint64 rows = 0;

	if (result->key == NULL)
		return;
	for (int t = 0; t < lengthof(tables); t++)
		rows += reco_statement(version->schema,
							   psprintf("DELETE FROM ONLY %%s.%s%s", tables[t], changed), argument,
							   lengthof(argument), NULL);
	if (rows > 0)
		ereport(NOTICE,
				(errmsg("lists and segments of model \"%s\" were removed",
						get_namespace_name(version->schema)),
				 errdetail("They have pseudonyms by another key than version %d.", version->number),
				 errhint("Make them anew with CALL reco.materialize() and CALL "
						 "reco.segment().")));
}

void
reco_version_finish(const RecoVersion *version, const RecoVersionResult *result)
{
	RecoIdentity before;
	RecoArgument active[2];
	RecoArgument keep[2];
	int64 bytes = 0;
	instr_time start;
	instr_time end;

	INSTR_TIME_SET_CURRENT(start);
	reco_become(&version->owner, &before);
	write_items(version, result, &bytes);
	write_users(version, result, &bytes);
	reco_parts_write(version->schema, version->number, &result->trained->model, &bytes);
	if (result->data->features)
		reco_terms_write(version->schema, version->number, result->data->features);
	CommandCounterIncrement();
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	record_version(version, result, bytes, INSTR_TIME_GET_DOUBLE(end));
	record_made_of(version, result);
	active[0] = reco_int4_argument(version->number);
	active[1] = reco_int8_argument(version->nonce);
	reco_definition_touch(version->schema);
	if (!result->verdict.held_back)
		reco_statement_one(version->schema,
						   "UPDATE ONLY %s.model SET active_version = $1, active_nonce = $2,"
						   " active_epoch = 0",
						   active, 2);
	remove_other_pseudonyms(version, result);
	if (!result->verdict.held_back)
		reco_changes_done(version->schema, result->read_by);
	keep[0] = reco_int8_argument(result->keep_versions);
	keep[1] = reco_int4_argument(version->number);
	(void) reco_statement(
		version->schema,
		"WITH expired AS (UPDATE ONLY %s.model_version SET status = 'expired' WHERE version IN ("
		"SELECT version FROM ONLY %s.model_version WHERE status = 'ready' AND version <> $2"
		" AND version NOT IN (SELECT active_version FROM ONLY %s.model)"
		" ORDER BY version DESC OFFSET $1 - 1) RETURNING version),"
		" users AS (DELETE FROM ONLY %s.model_user u USING expired e WHERE u.version = e.version),"
		" parts AS (DELETE FROM ONLY %s.model_part p USING expired e WHERE p.version = e.version),"
		" layer AS (DELETE FROM ONLY %s.model_user_layer l USING expired e"
		" WHERE l.version = e.version),"
		" terms AS (DELETE FROM ONLY %s.model_term t USING expired e WHERE t.version = e.version)"
		" DELETE FROM ONLY %s.model_item i USING expired e WHERE i.version = e.version",
		keep, 2, NULL);
	reco_return(&before);
}

bool
reco_version_activate(const ModelRow *model, int32 number)
{
	RecoRunAs owner = reco_run_as(model->owner);
	RecoIdentity before;
	RecoArgument argument = reco_int4_argument(number);
	int32 version;
	bool found;

	reco_become(&owner, &before);
	/* versions expire under this lock: whether one is ready is asked after it is had */
	(void) reco_statement(model->schema, "SELECT definition FROM ONLY %s.model FOR UPDATE", NULL, 0,
						  NULL);
	found = reco_statement(
				model->schema,
				"UPDATE ONLY %s.model AS m SET active_version = v.version, active_nonce = v.nonce,"
				" active_epoch = coalesce(v.epoch, 0)"
				" FROM ONLY %s.model_version AS v WHERE v.version = $1 AND v.status = 'ready'"
				" RETURNING v.version",
				&argument, 1, &version) == 1 &&
			version == number;
	reco_return(&before);
	return found;
}
