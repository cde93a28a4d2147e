/*
 * live_explain.c
 *	  Whether and how the queries of a definition are read when serving, in words.
 *
 * Everything is looked at anew, so what a failure left behind in a backend plays no
 * part.  The plans are those that serving would use, with their costs.
 */
#include "store/source/features.h"
#include "serving/live.h"

#include "pg/transaction.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"

typedef struct Report
{
	const ModelRow *row;
	void (*line)(void *arg, const char *line);
	void *arg;
	RecoLiveMode mode;
	RecoLookup lookup; /* of an attempt */
	IdType *type[2];   /* of items, users */
	Datum some[2];     /* an id of the active version */
	bool has[2];
	bool running; /* in an attempt, the rows */
} Report;

static void tell(Report *to, const char *format, ...) pg_attribute_printf(2, 3);

static void
tell(Report *to, const char *format, ...)
{
	StringInfoData text;

	initStringInfo(&text);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, format);
		needed = appendStringInfoVA(&text, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	to->line(to->arg, text.data);
}

/* A text of several lines. */
static void
tell_lines(Report *to, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		if (line[0] != '\0')
			tell(to, "%s", line);
}

typedef struct FirstId
{
	const IdType *type;
	Datum *id;
	bool *found;
} FirstId;

static bool
take_id(void *arg, TupleTableSlot *slot)
{
	FirstId *first = arg;

	*first->id = datumCopy(slot->tts_values[COLUMN_ID], first->type->typbyval, first->type->typlen);
	*first->found = true;
	return false;
}

/* An id as the source has them. */
static void
take_nobody(Report *to)
{
	IdType *asked = id_type_asked(to->type[true]);

	to->has[true] =
		id_from_text(asked, pstrdup(asked->integer ? "0" : "00000000-0000-0000-0000-000000000000"),
					 &to->some[true]);
}

static void
read_ids(Report *to)
{
	for (int is_user = 0; is_user <= 1; is_user++)
	{
		ModelTable table;
		FirstId first = {NULL, &to->some[is_user], &to->has[is_user]};

		reco_table_open(&table, to->row->schema, is_user, AccessShareLock);
		reco_check_policies(table.heap);
		first.type = to->type[is_user] = reco_table_id_type(&table);
		if (is_user)
			reco_model_user_type(to->row, to->type[is_user]);
		reco_table_scan(&table, to->row->active_version, NULL, GetActiveSnapshot(), take_id,
						&first);
		reco_table_close(&table);
		/* nobody's will do where whose they are is not to be told */
		if (to->type[is_user]->pseudonyms)
			take_nobody(to);
	}
}

#define USERS_FROM "live => '%s': what users have is read from the "

static bool
take_one(TupleTableSlot *slot, DestReceiver *receiver)
{
	return false;
}

static void
take_columns(DestReceiver *receiver, int operation, TupleDesc columns)
{
}

/* What can be planned may not be had: a server may be away, a right be missing. */
static void
run_once(Report *to, Oid type, Datum argument)
{
	DestReceiver receiver;

	to->running = true;
	reco_receiver_init(&receiver, take_columns, take_one);
	reco_lookup_run(&to->lookup, type, argument, &receiver);
}

/* Callers who are not the owner may be served otherwise. */
static void
tell_others(Report *to)
{
	const RecoCode *code = &to->lookup.code;

	if (OidIsValid(code->unset))
		tell(to,
			 "other roles are served from the training, since function %s has no search_path of "
			 "its own",
			 format_procedure(code->unset));
	else if (code->any)
		tell(to, "other roles are served from the training where they have temporary objects, "
				 "since the source calls functions");
}

/* What the model has been made for may have grown in the source. */
static void
tell_wider(Report *to, TupleDesc columns)
{
	for (int is_user = 1; is_user >= 0; is_user--)
	{
		const IdType *type = to->type[is_user];
		Form_pg_attribute column = TupleDescAttr(columns, is_user ? 0 : 1);

		if (id_type_widens(type, column->atttypid, column->atttypmod, column->attcollation))
			tell(to,
				 "Hint: The source's %ss are of type %s, the model's of type %s: "
				 "CALL reco.upgrade_model() before the next refresh.",
				 is_user ? "user" : "item",
				 format_type_with_typemod(column->atttypid, column->atttypmod),
				 format_type_with_typemod(type->type, type->typmod));
	}
}

static void
tell_source(void *arg)
{
	Report *to = arg;
	const IdType *type = id_type_asked(to->type[true]);
	RecoLookup *lookup = &to->lookup;
	bool cheap;
	char *plan;
	char *hint;
	TupleDesc columns = reco_lookup_prepare(lookup, type, RECO_ASK_ONE, NULL);

	reco_live_check_definition(columns, to->type[true], to->type[false], to->row);
	columns = CreateTupleDescCopy(columns);
	reco_lookup_plan(lookup);
	cheap = lookup->cost <= reco_live_limit(lookup);
	plan = reco_lookup_explain(lookup, type->base, to->has[true] ? &to->some[true] : NULL, &hint);
	if (to->has[true] && (to->mode == RECO_LIVE_ON || reco_live_is_cheap(lookup)))
		run_once(to, type->base, to->some[true]);
	if (to->mode == RECO_LIVE_ON)
		tell(to, USERS_FROM "source; its plan costs %.2f", "on", lookup->cost);
	else if (lookup->unfit)
		tell(to, USERS_FROM "training, since the source %s", "auto", lookup->unfit);
	else if (cheap)
		tell(to, USERS_FROM "source, since its plan costs %.2f, not more than %.2f", "auto",
			 lookup->cost, reco_live_limit(lookup));
	else
		tell(to, USERS_FROM "training, since the source's plan costs %.2f, more than %.2f", "auto",
			 lookup->cost, reco_live_limit(lookup));
	tell_lines(to, plan);
	if (hint && !cheap)
		tell(to, "Hint: %s", hint);
	tell_others(to);
	tell_wider(to, columns);
}

static void
tell_items(void *arg)
{
	Report *to = arg;
	const IdType *type = to->type[false];
	RecoLookup *lookup = &to->lookup;
	Datum ids = (Datum) 0;
	char *plan;
	char *hint;

	if (!features_say_available(reco_lookup_describe(lookup)))
		return;
	(void) reco_lookup_prepare(lookup, type, RECO_ASK_WHICH, RECO_LIVE_AVAILABLE);
	reco_lookup_plan(lookup);
	if (to->has[false])
		ids = PointerGetDatum(construct_array(&to->some[false], 1, type->base, type->typlen,
											  type->typbyval, type->typalign));
	if (to->has[false])
		run_once(to, get_array_type(type->base), ids);
	tell(to, "items that are not available now are not shown; asking for some costs %.2f",
		 lookup->cost);
	plan = reco_lookup_explain(lookup, get_array_type(type->base), to->has[false] ? &ids : NULL,
							   &hint);
	tell_lines(to, plan);
	if (hint && lookup->cost > reco_live_limit(lookup))
		tell(to, "Hint: %s", hint);
}

static ErrorData *
attempt(Report *to, bool of_items, void (*work)(void *arg))
{
	ErrorData *error;

	to->lookup = reco_live_lookup(to->row, of_items);
	to->running = false;
	error = reco_try(work, to);
	reco_lookup_forget(&to->lookup);
	return error;
}

void
reco_live_explain(const ModelRow *row, void (*line)(void *arg, const char *line), void *arg)
{
	Report to = {row, line, arg, reco_live_mode(row->options)};
	ErrorData *error;

	read_ids(&to);
	if (to.mode == RECO_LIVE_OFF)
		tell(&to, USERS_FROM "training", "off");
	else if (row->source == NULL || row->search_path == NULL)
		tell(&to, USERS_FROM "training, since there is no source",
			 to.mode == RECO_LIVE_ON ? "on" : "auto");
	else if ((error = attempt(&to, false, tell_source)) != NULL)
	{
		if (!reco_live_forgives(error->sqlerrcode, false))
			ReThrowError(error);
		if (to.mode == RECO_LIVE_ON || !reco_live_forgives(error->sqlerrcode, to.running))
			tell(&to, "live => '%s': calls fail, since the source cannot be read: %s",
				 to.mode == RECO_LIVE_ON ? "on" : "auto", error->message);
		else
			tell(&to, USERS_FROM "training, since the source cannot be read: %s", "auto",
				 error->message);
	}
	if (row->items == NULL || row->search_path == NULL)
		return;
	error = attempt(&to, true, tell_items);
	if (error == NULL)
		return;
	if (!reco_live_forgives(error->sqlerrcode, false))
		ReThrowError(error);
	if (to.mode == RECO_LIVE_ON || !reco_live_forgives(error->sqlerrcode, to.running))
		tell(&to, "what is available is not known, and calls fail, since items cannot be read: %s",
			 error->message);
	else
		tell(&to, "what is available is not known, since items cannot be read: %s", error->message);
}
