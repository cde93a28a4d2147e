/*
 * live_queries.c
 *	  The definition's queries, kept by a backend to be asked when it serves.
 *
 * What is asked of each: live_user.c, live_available.c.
 *
 * With live => 'auto' the source is asked where its plan is cheap.  A source that
 * cannot be read any more leaves the trained history in its place, is reported once,
 * and asked again after a while.  That takes a subtransaction, which a parallel query
 * cannot have: there, as with live => 'on', errors of the source are the caller's.
 *
 * Queries may call functions that call reco again: what a backend keeps here is never
 * taken away while its query runs (the version itself stays until the transaction
 * ends), and a query that asks its own model is answered from the training.
 *
 * Cost: reading the model's one row.
 */
#include "serving/live_state.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pg/transaction.h"
#include "store/source/kind_reader.h"
#include "store/source/resolve.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <math.h>

#define MAX_LIVES 16

/* A query that failed is let be for so long, unless the definition changes. */
#define RETRY_AFTER_MS 60000

static RecoLive *lives[MAX_LIVES];
static uint64 use_counter;

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_jsonb(const Jsonb *a, const Jsonb *b)
{
	return a == NULL || b == NULL ? a == b
								  : VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

static bool
same_definition(const ModelRow *a, const ModelRow *b)
{
	return a->owner == b->owner && same_text(a->source, b->source) &&
		   same_text(a->items, b->items) && same_text(a->search_path, b->search_path) &&
		   same_text(a->items_search_path, b->items_search_path) &&
		   same_jsonb(a->options, b->options) && same_jsonb(a->resolved, b->resolved);
}

/* Whether an option of the definition has a value; it was checked when it was written. */
static bool
option_is(const Jsonb *options, const char *name, const char *value)
{
	JsonbValue found;

	return options && JB_ROOT_IS_OBJECT((Jsonb *) options) &&
		   getKeyJsonValueFromContainer((JsonbContainer *) &options->root, name, strlen(name),
										&found) &&
		   found.type == jbvString && found.val.string.len == strlen(value) &&
		   memcmp(found.val.string.val, value, found.val.string.len) == 0;
}

RecoLiveMode
reco_live_mode(const Jsonb *options)
{
	if (option_is(options, "live", "on"))
		return RECO_LIVE_ON;
	return option_is(options, "live", "off") ? RECO_LIVE_OFF : RECO_LIVE_AUTO;
}

RecoLookup
reco_live_lookup(const ModelRow *row, bool of_items)
{
	return (RecoLookup){reco_definition_query(row, of_items ? &reco_the_items : &reco_the_source)};
}

static char *
copy_text(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

static Jsonb *
copy_jsonb(const Jsonb *value)
{
	Jsonb *copy = value ? palloc(VARSIZE(value)) : NULL;

	if (value)
		memcpy(copy, value, VARSIZE(value));
	return copy;
}

/* The definition is live's once all of it was copied: memory may end in between. */
static void
define(RecoLive *live, const ModelRow *row)
{
	ModelRow kept = {.owner = row->owner};
	MemoryContext old;

	reco_lookup_forget(&live->source.lookup);
	reco_lookup_forget(&live->items.lookup);
	live->row = (ModelRow){0};
	MemoryContextReset(live->definition);
	old = MemoryContextSwitchTo(live->definition);
	live->source = live->items = (LiveQuery){{{NULL}}};
	live->items_described = false;
	live->mode = reco_live_mode(row->options);
	live->skip_invalid =
		live->mode == RECO_LIVE_AUTO || option_is(row->options, "on_invalid", "skip");
	kept.source = copy_text(row->source);
	kept.items = copy_text(row->items);
	kept.search_path = copy_text(row->search_path);
	kept.items_search_path = copy_text(row->items_search_path);
	kept.options = copy_jsonb(row->options);
	kept.resolved = copy_jsonb(row->resolved);
	live->source.lookup = reco_live_lookup(&kept, false);
	live->items.lookup = reco_live_lookup(&kept, true);
	live->row = kept;
	MemoryContextSwitchTo(old);
}

static void
forget(RecoLive **place)
{
	reco_lookup_forget(&(*place)->source.lookup);
	reco_lookup_forget(&(*place)->items.lookup);
	MemoryContextDelete((*place)->context);
	*place = NULL;
}

/* The place for another: an empty one, or the least recently used that is not busy. */
static RecoLive **
free_place(Oid schema)
{
	RecoLive **place = NULL;

	for (int i = 0; i < MAX_LIVES; i++)
		if (lives[i] && lives[i]->schema == schema && lives[i]->busy == 0)
			forget(&lives[i]);
	for (int i = 0; i < MAX_LIVES; i++)
	{
		if (lives[i] == NULL)
			return &lives[i];
		if (lives[i]->busy == 0 && (place == NULL || lives[i]->used < (*place)->used))
			place = &lives[i];
	}
	if (place == NULL)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("sources of more than %d models ask each other", MAX_LIVES)));
	forget(place);
	return place;
}

RecoLive *
reco_live_open(const Serving *serving, const ModelRow *row)
{
	RecoLive *live = NULL;

	for (int i = 0; i < MAX_LIVES && live == NULL; i++)
		if (lives[i] && lives[i]->schema == serving->schema &&
			lives[i]->version == serving->version && lives[i]->nonce == serving->nonce)
			live = lives[i];
	if (live == NULL)
	{
		RecoLive **place = free_place(serving->schema);
		MemoryContext context =
			AllocSetContextCreate(CacheMemoryContext, "reco live", ALLOCSET_SMALL_SIZES);

		live = MemoryContextAllocZero(context, sizeof(RecoLive));
		live->context = context;
		live->definition = AllocSetContextCreate(context, "reco definition", ALLOCSET_SMALL_SIZES);
		live->schema = serving->schema;
		live->version = serving->version;
		live->nonce = serving->nonce;
		live->available = serving->available;
		define(live, row);
		*place = live;
	}
	else if (live->busy == 0 && !same_definition(&live->row, row))
		define(live, row);
	live->used = ++use_counter;
	return live;
}

/* What failed in a transaction, or a part of it, that is undone may have been its own doing. */
static void
forget_failures(bool undone)
{
	for (int i = 0; i < MAX_LIVES; i++)
	{
		LiveQuery *query[] = {lives[i] ? &lives[i]->source : NULL,
							  lives[i] ? &lives[i]->items : NULL};

		/* what an attempt undoes is its own */
		for (int k = 0; lives[i] && lives[i]->busy == 0 && k < lengthof(query); k++)
		{
			if (undone && query[k]->failed_now)
				query[k]->failed_at = 0;
			if (!undone)
				query[k]->failed_now = false;
		}
	}
}

static void
transaction_ends(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		forget_failures(true);
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT)
		forget_failures(false);
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_failures(true);
}

void
reco_live_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}

bool
reco_live_forgives(int code, bool running)
{
	switch (ERRCODE_TO_CATEGORY(code))
	{
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_INVALID_SCHEMA_NAME:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_FDW_ERROR:
		case ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION:
			return code != ERRCODE_LOCK_NOT_AVAILABLE;
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INTERNAL_ERROR:
		case ERRCODE_SYSTEM_ERROR:
			return false;
		default:
			/* of the rows, when it runs: whoever reads them should know */
			return !running;
	}
}

/* Errors that are of the server, and no secret of who wrote the query. */
static bool
is_of_server(int code)
{
	switch (ERRCODE_TO_CATEGORY(code))
	{
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_TRANSACTION_ROLLBACK:
			return true;
		default:
			return code == ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

/* Whether a caller may know what an owner's query says and reads. */
static bool
may_know(const RecoLive *live)
{
	return has_privs_of_role(GetUserId(), live->row.owner);
}

/* What others than the owner are told of an error. */
static char *
state_of(const ErrorData *error)
{
	return psprintf("The error has SQLSTATE %s.", unpack_sql_state(error->sqlerrcode));
}

/*
 * An error of an owner's query, as one who may not read what the query reads may see it:
 * its message, detail and context hold the query's text and values.
 */
static pg_attribute_noreturn() void throw_plain(const RecoLive *live, const LiveQuery *query,
												ErrorData *error)
{
	const char *name = get_namespace_name(live->schema);

	ereport(LOG_SERVER_ONLY,
			(errcode(error->sqlerrcode),
			 errmsg("the %s of model \"%s\" could not be read: %s",
					query->lookup.query.kind->name_of, name ? name : "", error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0,
			 error->context ? errcontext("%s", error->context) : 0, errhidestmt(true)));
	if (!is_of_server(error->sqlerrcode))
		ereport(ERROR,
				(errcode(error->sqlerrcode),
				 errmsg("the %s of model \"%s\" could not be read",
						query->lookup.query.kind->name_of, name ? name : ""),
				 errdetail_internal("%s", state_of(error)),
				 errhint("reco.explain_source() tells more to the model's owner, and so does "
						 "the server's log.")));
	ereport(ERROR, (errcode(error->sqlerrcode), errmsg_internal("%s", error->message)));
}

static void
note_failure(RecoLive *live, LiveQuery *query, const ErrorData *error)
{
	bool of_source = query == &live->source;
	const char *name = get_namespace_name(live->schema);
	/* what is shown although it may not be there is worth a word to the client, too */
	bool warn = !of_source && (live->available || live->items_described);
	bool all = may_know(live);

	for (int as_warning = 0; as_warning <= (warn && !all); as_warning++)
		ereport(as_warning ? WARNING
				: !all     ? LOG_SERVER_ONLY
				: warn     ? WARNING
						   : LOG,
				(errcode(error->sqlerrcode),
				 of_source
					 ? errmsg("model \"%s\" serves from its trained history", name ? name : "")
					 : errmsg("model \"%s\" does not check what is available", name ? name : ""),
				 errdetail_internal("%s", as_warning ? state_of(error) : error->message),
				 errhint("reco.explain_source() tells more; it is tried again in a minute.")));
	reco_lookup_forget(&query->lookup);
	query->failed_at = GetCurrentTimestamp();
	query->failed_now = true;
	live->items_described = live->items_described && of_source;
}

bool
reco_live_attempt(RecoLive *live, LiveQuery *query, void (*work)(void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData *volatile error = NULL;
	bool know = may_know(live);

	live->busy++;
	query->running = false;
	PG_TRY();
	{
		if (live->mode != RECO_LIVE_ON && !IsInParallelMode())
			error = reco_try(work, arg);
		else
			work(arg);
	}
	PG_CATCH();
	{
		live->busy--;
		if (know)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		throw_plain(live, query, error);
	}
	PG_END_TRY();
	live->busy--;
	if (error == NULL)
		return true;
	if (!reco_live_forgives(error->sqlerrcode, query->running))
	{
		if (know)
			ReThrowError(error);
		throw_plain(live, query, error);
	}
	note_failure(live, query, error);
	FreeErrorData(error);
	return false;
}

bool
reco_live_may_ask(RecoLive *live, LiveQuery *query)
{
	if (query->lookup.query.text == NULL || live->busy > 0)
		return false;
	if (query->failed_at &&
		!TimestampDifferenceExceeds(query->failed_at, GetCurrentTimestamp(), RETRY_AFTER_MS))
		return false;
	query->failed_at = 0;
	return true;
}

double
reco_live_limit(const RecoLookup *lookup)
{
	double by_rows = RECO_LIVE_ROW_COST * Min(lookup->rows, RECO_LIVE_ROWS);

	return Max(RECO_LIVE_COST, by_rows);
}

bool
reco_live_is_cheap(const RecoLookup *lookup)
{
	return lookup->unfit == NULL && lookup->cost <= reco_live_limit(lookup);
}

static void
check_id(const Form_pg_attribute column, const IdType *type, const char *role)
{
	const IdType *asked = id_type_asked(type);

	if (!id_type_takes(type, column->atttypid, type->typmod, column->attcollation) &&
		!id_type_widens(type, column->atttypid, column->atttypmod, column->attcollation))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the source's %ss are of type %s, but the model was made for type %s", role,
						format_type_be(column->atttypid), format_type_be(asked->type)),
				 id_collations_detail(column->attcollation, asked->collation)));
}

void
reco_live_check(TupleDesc columns, const IdType *user_type, const IdType *item_type,
				const RecoDataOptions *options, RecoEvents *events)
{
	reco_events_columns(events, &reco_the_source, columns);
	check_id(TupleDescAttr(columns, 0), user_type, "user");
	check_id(TupleDescAttr(columns, 1), item_type, "item");
	events->kinds = reco_kinds_reader(options, events, false);
	reco_events_options(events, options);
}

void
reco_live_check_definition(TupleDesc columns, const IdType *user_type, const IdType *item_type,
						   const ModelRow *row)
{
	RecoEvents ignored;
	RecoDataOptions options;

	reco_data_options_parse(row->options, &options);
	reco_live_check(columns, user_type, item_type, &options, &ignored);
}
