/*
 * steps.c
 *	  The steps of a training: read, fit and write; choose and measure are in choose.c.
 *
 * What they rest on: the source (store/source), an algorithm (model), measures (evaluation)
 * and the tables of versions (versions.c).  train.c calls them in order, and keeps locks,
 * transactions and what is undone.
 *
 * Cost: that of the source's query, of the algorithm, of a second training where something
 * is measured, and of writing a row for each user and item.
 */
#include "lifecycle/steps.h"

#include "portability/instr_time.h"
#include "store/image/prior.h"
#include "store/source/resolve.h"
#include "store/source/source.h"
#include "store/tables/changes.h"
#include "store/tables/progress.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

/* A step that takes longer is told to the client when it ends. */
#define LONG_SECONDS 10

static double
seconds_since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

static void
tell_long(const RecoRun *run, const char *what, double seconds)
{
	if (seconds >= LONG_SECONDS)
		ereport(NOTICE, (errmsg("model \"%s\": %s in %.0f s", run->model, what, seconds)));
}

void
reco_run_check_model(const RecoRun *run)
{
	AcceptInvalidationMessages();
	if (OidIsValid(run->version.schema) && !OidIsValid(reco_model_table(run->version.schema)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("model \"%s\" was dropped while it was trained", run->model)));
}

/*
 * The ids of a model keep their types: its tables and functions are made of
 * them.
 */
static void
check_id_types(const RecoRun *run)
{
	for (int is_user = 0; is_user <= 1; is_user++)
	{
		const IdType *now = is_user ? &run->data->user_type : &run->data->item_type;
		ModelTable table;
		IdType *made;

		reco_table_open(&table, run->version.schema, is_user, AccessShareLock);
		reco_check_policies(table.heap);
		made = reco_table_id_type(&table);
		if (is_user)
			reco_model_user_type(&run->definition, made);
		reco_table_close(&table);
		id_type_require(made, now, is_user ? "user" : "item", run->model);
	}
}

void
reco_run_tell_policies(const RecoRun *run)
{
	if (run->data->row_security)
		ereport(
			NOTICE,
			(errmsg("row-level security decided which rows of the source of model \"%s\" were read",
					run->model)));
}

/*
 * What a training may tell of one user is bounded for each, and so for all of them; by what was
 * written before.  Rules that leave an item out for its number of users tell that number, and so
 * does a measurement.
 */
static void
check_private(RecoRun *run)
{
	RecoPrivacySpent budget = {0};
	RecoPrivacySpent now = reco_spec_spends(run->spec, &budget);
	RecoPrivacySpent spent = {0};

	if (now.epsilon == 0)
		return;
	if (run->options.min_item_interactions > 1 || run->options.min_users_per_item > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options min_item_interactions and min_users_per_item do not go with "
						"algorithm \"private\""),
				 errdetail("Whether an item is there would tell how many users have it.")));
	if (run->options.max_age > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option max_age does not go with algorithm \"private\""),
				 errdetail("It counts from the latest row, so one user would decide which rows of "
						   "all others count."),
				 errhint("Give a time that depends on no row: reco.options(since => ...).")));
	if (run->options.half_life > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option half_life does not go with algorithm \"private\""),
				 errdetail("It counts from the latest row, so one user could have all others' rows "
						   "fade away."),
				 errhint("Leave it out: what is counted is who has an item.")));
	if (run->guard)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a guard does not go with algorithm \"private\""),
						errdetail("A measurement would tell more than its noise lets through.")));
	if (run->options.value == RECO_VALUES_CAP && run->options.value_cap == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a cap that is chosen by the data does not go with algorithm "
							   "\"private\""),
						errhint("Give value_cap as well.")));
	/* what values are like is told of the version, and so is not looked at */
	if (reco_data_value_rule(&run->options).kind == RECO_VALUES_AUTO)
		run->options.value = RECO_VALUES_BINARY;
	run->options.measure = false;
	if (OidIsValid(run->version.schema))
		spent = reco_versions_spent(run->version.schema, GetActiveSnapshot());
	if (spent.delta + now.delta > budget.delta * (1 + 1e-9))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("privacy budget of model \"%s\" is spent", run->model),
				 errdetail("Its trainings have spent a delta of %g, this one would take %g, and "
						   "there may be %g: as many times as epsilon is within its budget.",
						   spent.delta, now.delta, budget.delta),
				 errhint("The active version goes on serving. A larger delta or budget, by "
						 "reco.alter_model(), lets more be known of each user.")));
	if (spent.epsilon + now.epsilon > budget.epsilon * (1 + 1e-9))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("privacy budget of model \"%s\" is spent", run->model),
				 errdetail("Its trainings have spent an epsilon of %g, this one would take %g, and "
						   "the budget is %g.",
						   spent.epsilon, now.epsilon, budget.epsilon),
				 errhint("The active version goes on serving. A larger budget, by "
						 "reco.alter_model(), lets more be known of each user.")));
}

/* Made for the owner; without a key, or the right, nothing is read. */
static void
parse_pseudonyms(RecoRun *run)
{
	IdPseudonyms *like;

	if (!run->options.pseudonyms)
		return;
	if (run->by_sql)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("option pseudonyms does not go with engine => 'sql'"),
						errdetail("Its tables of work have the ids of the source."),
						errhint("Let the source call reco.pseudonym().")));
	like = palloc0(sizeof(IdPseudonyms));
	like->role = run->definition.owner;
	run->options.like = like;
	id_pseudonyms_check(like);
}

void
reco_run_parse(RecoRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	run->version.owner = reco_run_as(run->definition.owner);
	run->spec = reco_spec_parse(run->definition.algorithm);
	if (run->guard && !reco_spec_is_replaced(run->spec))
		reco_guard_check(run->guard, run->spec);
	reco_data_options_parse(run->definition.options, &run->options);
	reco_data_check_values(&run->options, run->spec);
	check_private(run);
	run->by_sql = reco_sql_asked(run->spec);
	parse_pseudonyms(run);
	MemoryContextSwitchTo(old);
}

/* What is not: queries of a new model, of an older version's, or written by hand. */
static void
resolve(RecoRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	Jsonb *missing = reco_resolve_missing(&run->definition);

	if (missing)
		reco_resolved_add(&run->definition, missing);
	if (missing && OidIsValid(run->version.schema))
		reco_definition_add_resolved(run->version.schema, run->definition.owner, missing);
	MemoryContextSwitchTo(old);
}

/* Interactions that say no, or nothing. */
static void
count_signs(const reco_csr *a, int64 *count)
{
	for (int64 e = 0; a->value && e < a->start[a->rows]; e++)
	{
		count[RECO_COUNT_NEGATIVE] += a->value[e] < 0;
		count[RECO_COUNT_ZERO] += a->value[e] == 0;
		RECO_POLL_AT(e);
	}
}

void
reco_run_prepare(RecoRun *run, const RecoSpec *spec)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	RecoTraining *training = &run->training;
	RecoData *data = run->data;

	reco_training_set_expect(&run->set, spec);
	*training = reco_training_of(spec, &run->set, &run->budget, data->features);
	training->user_features = data->user_features;
	if (run->made_of.number)
	{
		training->base = &run->made_of.base;
		training->base_member = &run->made_of.base.model->member[0];
	}
	count_signs(&training->by_user, data->count);
	spec = training->spec = reco_spec_resolve(spec, training);
	training->progress = run->progress;
	training->progress_arg = run->progress_arg;
	reco_training_threads(training);
	reco_budget_require(&run->budget, spec->algorithm->memory(training), "training");
	MemoryContextSwitchTo(old);
}

/* What other models say of its users, before the source is read (check) or after. */
static void
read_priors(RecoRun *run, bool check)
{
	List *specs = list_make1(run->spec);
	RecoIdentity before;

	if (reco_spec_priors(run->spec) == NIL)
		return;
	reco_become(&run->version.owner, &before);
	if (check)
		reco_priors_check(specs, run->model);
	else if (run->made_of.number)
		reco_priors_read_again(specs, run->model, run->made_of.row.priors,
							   run->made_of.row.finished_at, run->data, &run->budget);
	else
		reco_priors_read(specs, run->model, run->data, &run->budget);
	reco_return(&before);
}

static void
read_source(RecoRun *run, unsigned keep)
{
	RecoFeatureUse features = run->spec->features;
	bool by_users = reco_spec_user_features(run->spec) && run->definition.users != NULL;
	RecoQuery source = reco_definition_query(&run->definition, &reco_the_source);
	RecoQuery items = reco_definition_query(&run->definition, &reco_the_items);
	RecoQuery users = reco_definition_query(&run->definition, &reco_the_users);

	source.stored = OidIsValid(run->version.schema);
	run->data = reco_read_source(&source, &items, features, by_users ? &users : NULL, keep,
								 &run->options, &run->budget);
	read_priors(run, false);
	reco_training_set_init(&run->set, &run->data->x, run->data->values, &run->budget);
	run->set.priors = run->data->priors;
}

/* Until here the version knows what users have. */
static void
note_snapshot(RecoRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	run->read_by = reco_changes_snapshot();
	MemoryContextSwitchTo(old);
}

/* What was read can be trained on, and written. */
static void
check_interactions(const RecoRun *run)
{
	if (id_dict_count(run->data->users) == 0 || id_dict_count(run->data->items) == 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("source of model \"%s\" has no interactions to train on", run->model),
			 errdetail_internal("%s.", reco_data_rows(run->data)),
			 run->data->rows_read == 0
				 ? errhint("Look at what the source returns for the model's owner.")
				 : errhint("Lower the minimums of reco.options(), or correct the rows that were "
						   "skipped.")));
	reco_version_check_lengths(run->data, run->model);
	reco_data_tell_order(run->data, run->spec);
}

void
reco_step_read(RecoRun *run)
{
	bool exists = OidIsValid(run->version.schema);
	unsigned keep = reco_data_keep(run->spec, &run->options);
	instr_time start;

	INSTR_TIME_SET_CURRENT(start);
	if (run->guard || run->options.measure || reco_spec_is_chosen(run->spec))
		keep |= RECO_KEEP_TIMES | RECO_KEEP_REPEATS;
	reco_progress_phase(run->version.number, "reading");
	if (run->spec->features == RECO_FEATURES_REQUIRED && run->definition.items == NULL)
		reco_features_missing(run->spec);
	read_priors(run, true);
	resolve(run);
	note_snapshot(run);
	if (run->by_sql)
		reco_sql_step_read(run);
	else
		read_source(run, keep);
	reco_progress_rows(run->data->rows_read);
	if (!run->by_sql)
		check_interactions(run);
	if (exists)
	{
		reco_run_check_model(run);
		check_id_types(run);
	}
	/* of a model that is there the tables are locked, and whoever drops it waits */
	if (!exists && !run->by_sql && !reco_spec_is_chosen(run->spec))
		reco_run_prepare(run, run->spec);
	run->read_seconds = seconds_since(start);
	tell_long(run, "read", run->read_seconds);
}

/* Rows, and columns, without entries. */
static void
count_cold(RecoRun *run)
{
	const reco_csr *a = &run->training.by_user;
	bool *seen = MemoryContextAllocExtended(CurrentMemoryContext, (Size) a->cols + 1,
											MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	run->cold_users = 0;
	run->cold_items = a->cols;
	for (int32 u = 0; u < a->rows; u++)
	{
		run->cold_users += a->start[u + 1] == a->start[u];
		RECO_POLL_AT(u);
	}
	for (int64 e = 0; e < a->start[a->rows]; e++)
	{
		run->cold_items -= !seen[a->col[e]];
		seen[a->col[e]] = true;
		RECO_POLL_AT(e);
	}
	pfree(seen);
}

void
reco_step_fit(RecoRun *run)
{
	instr_time start;
	MemoryContext old = MemoryContextSwitchTo(run->context);

	INSTR_TIME_SET_CURRENT(start);
	reco_progress_phase(run->version.number, "training");
	if (run->by_sql)
		reco_sql_step_fit(run);
	else
	{
		reco_training_fit(&run->training, &run->trained);
		run->interactions = run->training.by_user.start[run->training.by_user.rows];
		count_cold(run);
	}
	run->train_seconds = seconds_since(start);
	tell_long(run, "trained", run->train_seconds);
	MemoryContextSwitchTo(old);
}

void
reco_step_write(RecoRun *run, const ModelRow *now)
{
	reco_value_rule rule = reco_training_rule(&run->training);
	RecoVersionResult result = {
		.data = run->data,
		.options = reco_data_options_record(run->definition.options, &rule,
											reco_spec_threshold(run->training.spec)),
		.by_user = &run->training.by_user,
		.seen = run->data->x.seen ? &run->data->x.seen->by_user : NULL,
		.cold_items = run->cold_items,
		.cold_users = run->cold_users,
		.interactions = run->interactions,
		.trained = &run->trained,
		.read_seconds = run->read_seconds,
		.train_seconds = run->train_seconds,
		.metrics = run->made_of.number ? run->made_of.row.metrics : run->metrics,
		.calibration = run->metrics ? run->worth.calibration : NULL,
		.made_of = run->made_of.number,
		.drift = run->made_of.number ? reco_run_drift(run) : 0,
		.choice = reco_run_choice(run),
		.priors = reco_priors_record(run->data->priors),
		.keep_versions = run->options.keep_versions,
		.key = run->data->user_type.pseudonyms ? &run->data->user_type.pseudonyms->check : NULL,
	};

	check_id_types(run);
	if (run->guard)
		run->verdict = reco_guard_judge(run->guard, run->metrics, now);
	result.verdict = run->verdict;
	if (run->by_sql)
		reco_sql_result(run, &result);
	reco_progress_phase(run->version.number, "writing");
	result.read_by = run->read_by;
	reco_version_finish(&run->version, &result);
	if (run->by_sql)
		reco_sql_end(run);
}
