/*
 * told.c
 *	  What a training tells whoever called it: what was read, how it was taken, what came of it.
 *
 * Cost: a pass over the rows of the model's items where not all of these are told of.
 */
#include "lifecycle/steps.h"

#include "utils/builtins.h"

/* For messages: the rule of values, where it changed some. */
static const char *
what_values_count(const RecoRun *run)
{
	const RecoTrainingSet *set = &run->set;
	reco_value_rule rule = reco_training_rule(&run->training);

	if (!run->data->has_value || rule.kind == RECO_VALUES_RAW ||
		(!run->by_sql && set->value == set->x->by_user.value))
		return "";
	return rule.kind == RECO_VALUES_BINARY ? " (counts once)"
		   : rule.kind == RECO_VALUES_LOG  ? " (its logarithm)"
										   : " (capped)";
}

/* For messages: which column of a source was taken as what; by its place what has no name. */
static char *
what_columns_are(const RecoRun *run)
{
	static const char *const roles[] = {"user", "item", "value", "time", "kind"};
	static const char *const places[] = {"first", "second", "third", "fourth", "fifth"};
	const RecoData *data = run->data;
	StringInfoData text;

	initStringInfo(&text);
	for (int c = 0; c < lengthof(roles) && data->column[c]; c++)
	{
		bool unnamed = strcmp(data->column[c], "?column?") == 0;

		appendStringInfo(&text, "%s%s = %s%s", c ? ", " : "", roles[c],
						 unnamed ? psprintf("the %s column", places[c])
								 : psprintf("\"%s\"", data->column[c]),
						 c == 2 ? what_values_count(run) : "");
	}
	return text.data;
}

/* What the simple algorithms of one do with a negative value, each once. */
static void
add_negative(const RecoSpec *spec, List **said)
{
	const char *does = spec->predicts_value ? "is a rating like others" : spec->algorithm->negative;
	ListCell *cell;

	for (int m = 0; m < spec->members; m++)
		add_negative(spec->member[m], said);
	foreach (cell, *said)
		if (does && strcmp(lfirst(cell), does) == 0)
			return;
	if (does && spec->members == 0)
		*said = lappend(*said, unconstify(char *, does));
}

/* For messages: what becomes of negative values, where there are any. */
static char *
what_negatives_are(const RecoRun *run)
{
	const char *separator = " A negative value ";
	List *said = NIL;
	ListCell *cell;
	StringInfoData text;

	initStringInfo(&text);
	if (run->data->count[RECO_COUNT_NEGATIVE] == 0)
		return text.data;
	add_negative(run->training.spec, &said);
	foreach (cell, said)
	{
		appendStringInfo(&text, "%s%s", separator, (char *) lfirst(cell));
		separator = ", or ";
	}
	appendStringInfoChar(&text, '.');
	return text.data;
}

/* For messages: items and users that only features tell something of, where there are any. */
static char *
how_many_are_cold(const RecoRun *run)
{
	const RecoModel *model = &run->trained.model;
	StringInfoData text;

	initStringInfo(&text);
	if (run->cold_items > 0)
		appendStringInfo(&text, " %d of the items (%.1f %%) without interactions.", run->cold_items,
						 100.0 * run->cold_items / model->items);
	if (run->cold_users > 0)
		appendStringInfo(&text, " %d of the users (%.1f %%) without interactions.", run->cold_users,
						 100.0 * run->cold_users / model->users);
	return text.data;
}

/* For messages: how many sessions those of users were cut into, where they were. */
static char *
how_many_sessions(const RecoRun *run)
{
	const RecoModel *model = &run->trained.model;
	const RecoPart *events = NULL;
	int64 sessions = 0;

	for (int m = 0; m < model->members; m++)
		for (int p = 0; p < model->member[m].parts; p++)
			if (model->member[m].type[p].role == RECO_ROLE_EVENTS)
				events = &model->member[m].part[p];
	if (run->data->x.session_gap == 0 || events == NULL || events->start == NULL)
		return pstrdup("");
	for (int32 u = 0; u < events->rows; u++)
	{
		sessions += events->start[u + 1] > events->start[u];
		for (int64 e = events->start[u] + 1; e < events->start[u + 1]; e++)
		{
			RECO_POLL_AT(e);
			sessions += reco_begins_session(events->data, e);
		}
		RECO_POLL_AT(u);
	}
	return psprintf(" " INT64_FORMAT " sessions, cut where more than %s pass.", sessions,
					reco_data_session_gap_text(&run->options));
}

/* For messages: of how many items a private model tells, where a threshold decides on that. */
static char *
how_many_are_told(const RecoRun *run)
{
	const RecoModel *model = &run->trained.model;
	const float *told = model->member[0].told;
	int32 least = reco_spec_threshold(model->spec);
	int32 n = 0;

	if (least == 0 || told == NULL)
		return "";
	for (int32 i = 0; i < model->items; i++)
	{
		n += told[i] >= (float) least;
		RECO_POLL_AT(i);
	}
	return psprintf(
		" %d of the items (%.1f %%) are told of, which have %d users with noise or more.", n,
		100.0 * n / model->items, least);
}

void
reco_run_tell_verdict(const RecoRun *run, const char *model)
{
	int32 number = run->version.number;
	const char *message = run->verdict.message;

	if (message == NULL)
		return;
	if (run->verdict.held_back)
		ereport(WARNING, (errmsg("model \"%s\" version %d is kept but not made the active one: %s",
								 model, number, message),
						  errhint("CALL reco.activate(%s, %d) makes it the active one.",
								  quote_literal_cstr(model), number)));
	else
		ereport(NOTICE, (errmsg("model \"%s\" version %d is made the active one: %s", model, number,
								message)));
}

/* One user, be it a robot, who decides what goes with what and how long a training takes. */
static void
tell_longest(const RecoRun *run)
{
	const RecoData *data = run->data;

	ereport(NOTICE,
			(errmsg("user \"%s\" of model \"%s\" has " INT64_FORMAT
					" interactions, more than half of all pairs of items that users combine",
					id_to_message(unconstify(IdType *, &data->user_type),
								  id_dict_id(data->users, data->longest_user)),
					run->model, data->longest),
			 errhint("If that is no person, leave it out of the source, or see "
					 "reco.options(max_user_interactions).")));
}

/* For messages: the version that it is made of, where it is not trained. */
static char *
what_it_is_made_of(const RecoRun *run)
{
	return run->made_of.number == 0 ? ""
									: psprintf(", made of version %d with %d items that are new",
											   run->made_of.number, run->made_of.base.fresh);
}

void
reco_run_tell(const RecoRun *run)
{
	ereport(NOTICE,
			(errmsg("model \"%s\" version %d%s: %d users, %d items, " INT64_FORMAT " interactions",
					run->model, run->version.number, what_it_is_made_of(run),
					run->trained.model.users, run->trained.model.items, run->interactions),
			 errdetail_internal(
				 "%s.%s%s%s%s%s Columns: %s.", reco_data_rows(run->data),
				 run->data->kinds ? psprintf(" Rows of kinds: %s.", run->data->kinds) : "",
				 what_negatives_are(run), how_many_are_cold(run), how_many_sessions(run),
				 how_many_are_told(run), what_columns_are(run))));
	reco_run_tell_worth(run);
	if (run->data->longest_rules)
		tell_longest(run);
	reco_run_tell_policies(run);
}
