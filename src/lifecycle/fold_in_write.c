/*
 * fold_in_write.c
 *	  What reco.fold_in() writes: the rows of users who have changed, as the version's layer.
 *
 * Cost: a fold-in, on threads, and a row for each of them; where there are priors and new users, a
 * pass over the users of these.
 */
#include "lifecycle/fold_in.h"
#include "lifecycle/track.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "core/scoring/folding.h"
#include "pg/transaction.h"
#include "store/image/cache.h"
#include "store/image/prior.h"
#include "store/tables/changes.h"
#include "store/tables/progress.h"
#include "store/tables/statement.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <math.h>

void
reco_fold_in_take(const RecoFoldIn *fold, int32 user, reco_profile *profile)
{
	const reco_csr *a = &fold->run->data->x.by_user;
	int64 from = a->start[user];

	profile->n = a->start[user + 1] - from;
	profile->item = a->col + from;
	profile->value = fold->value ? fold->value + from : NULL;
	if (fold->run->data->x.seen)
	{
		const reco_csr *seen = &fold->run->data->x.seen->by_user;

		profile->has = seen->col + seen->start[user];
		profile->n_has = seen->start[user + 1] - seen->start[user];
	}
	if (fold->events.start)
	{
		from = fold->events.start[user];
		profile->events = fold->events.start[user + 1] - from;
		profile->event = fold->events.item + from;
		profile->moment = fold->events.moment + from;
		profile->time = fold->time + from;
	}
}

typedef struct Asking
{
	const RecoFoldIn *fold;
	const VersionRow *version;
} Asking;

static void
ask_priors(void *arg)
{
	const Asking *asking = arg;
	RecoRun *run = asking->fold->run;

	reco_priors_read_again(list_make1(unconstify(RecoSpec *, asking->fold->serving->model.spec)),
						   run->model, asking->version->priors, asking->version->finished_at,
						   run->data, &run->budget);
}

/* Whether an error says that a prior is not there as it was, or may not be read. */
static bool
is_of_prior(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT ||
		   error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		   error->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		   error->sqlerrcode == ERRCODE_DATA_CORRUPTED;
}

/* For users who are new, as the model's owner; where that cannot be, they go without. */
void
reco_fold_in_priors(RecoFoldIn *fold)
{
	RecoRun *run = fold->run;
	RecoRunAs owner = reco_run_as(run->definition.owner);
	RecoIdentity before;
	VersionRow version;
	Asking asking = {fold, &version};
	ErrorData *error;

	if (fold->added == 0 || reco_spec_priors(fold->serving->model.spec) == NIL)
		return;
	reco_version_read(run->version.schema, run->version.number, GetActiveSnapshot(), &version);
	if (version.priors == NULL)
		reco_damaged(run->version.schema, "A version does not tell its priors.");
	reco_become(&owner, &before);
	error = reco_try(ask_priors, &asking);
	reco_return(&before);
	if (error == NULL)
		return;
	if (!is_of_prior(error))
		ReThrowError(error);
	run->data->priors = NULL;
	fold->no_prior = error->message;
}

/* What a stored user's factors are drawn to, of members too. */
static void
take_center(const RecoFoldIn *fold, Datum id, reco_profile *profile)
{
	reco_profile stored;

	(void) reco_serving_user(fold->serving, id, &stored);
	profile->center = stored.center;
	profile->members = stored.members;
	profile->member = stored.member;
}

/* What the priors of a member, or of its own members, say of a user who is new. */
static void
take_prior(const RecoFoldIn *fold, const RecoMember *of, int32 user, reco_profile *profile)
{
	const RecoAlgorithm *algorithm = of->spec->algorithm;
	const RecoPriors *priors = fold->run->data->priors;
	const char *name = algorithm->prior ? algorithm->prior(of->spec) : NULL;
	reco_profile *member;

	if (name)
		profile->center = algorithm->center(of->spec, reco_prior_of(priors, name), user);
	if (of->members == 0)
		return;
	member = palloc0(of->members * sizeof(reco_profile));
	for (int m = 0; m < of->members; m++)
		take_prior(fold, of->member[m], user, &member[m]);
	profile->members = of->members;
	profile->member = member;
}

/*
 * What is known of a user who changed before they are folded in, in the current memory context:
 * what a live look-up begins with (live_user.c).
 */
static void
begin_profile(const RecoFoldIn *fold, const RecoChange *change, reco_profile *profile)
{
	*profile = (reco_profile){0};
	if (change->number < fold->serving->users && reco_spec_priors(fold->serving->model.spec))
		take_center(fold, change->id, profile);
	else if (fold->run->data->priors)
		take_prior(fold, &fold->serving->model.member[0], change->user, profile);
	if (change->user < 0)
		return;
	if (change->number < fold->serving->users)
		profile->user = change->number + 1;
	reco_fold_in_take(fold, change->user, profile);
}

static pg_attribute_noreturn() void refuse_profile(const RecoFoldIn *fold, const RecoChange *change)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("what model \"%s\" makes of user \"%s\" is out of range",
						   fold->run->model, id_to_message(fold->serving->user_type, change->id)),
					errhint("Correct the values of that user in the source.")));
}

/* Of users who have a row in the layer, it goes: of so many by one statement. */
#define BATCH_USERS 65536

static void
delete_rows(const RecoFoldIn *fold)
{
	Datum *number = MemoryContextAlloc(fold->scratch, BATCH_USERS * sizeof(Datum));
	RecoArgument argument[2];

	argument[0] = reco_int4_argument(fold->serving->version);
	/* an old snapshot fails here, and not at rows that it cannot see */
	(void) reco_statement(fold->run->version.schema,
						  "SELECT version FROM ONLY %s.model_version WHERE version = $1 FOR UPDATE",
						  argument, 1, NULL);
	for (int32 from = 0; from < fold->changes; from += BATCH_USERS)
	{
		int32 n = Min(fold->changes - from, BATCH_USERS);
		ArrayType *numbers;

		for (int32 k = 0; k < n; k++)
			number[k] = Int32GetDatum(fold->change[from + k].number);
		numbers = construct_array(number, n, INT4OID, sizeof(int32), true, TYPALIGN_INT);
		argument[1] = (RecoArgument){INT4ARRAYOID, PointerGetDatum(numbers), false};
		(void) reco_statement(fold->run->version.schema,
							  "DELETE FROM ONLY %s.model_user_layer AS l"
							  " WHERE l.version = $1 AND l.number = ANY ($2)",
							  argument, lengthof(argument), NULL);
		pfree(numbers);
		if (fold->changes - from <= BATCH_USERS)
			break;
	}
	MemoryContextReset(fold->scratch);
}

/* How many are folded in together, or so many bytes of what is read of them. */
#define FOLDED_USERS 4096
#define FOLDED_BYTES (32 * 1024 * 1024)
/* Fewer changes are not worth threads. */
#define MANY_CHANGES 64

/* Rows of changes from `from` on, of which those who have something are folded in first. */
static int32
write_batch(RecoFoldIn *fold, reco_folding *folding, TableWriter *writer, int32 from)
{
	RecoRun *run = fold->run;
	Serving *serving = fold->serving;
	int32 most = Min(fold->changes - from, FOLDED_USERS);
	reco_profile *profile = palloc(most * sizeof(reco_profile));
	reco_profile *has = palloc(most * sizeof(reco_profile));
	int32 n = 0;
	int32 read = 0;
	int32 folded = 0;

	for (; read < most && MemoryContextMemAllocated(fold->scratch, true) < FOLDED_BYTES; read++)
	{
		reco_poll();
		begin_profile(fold, &fold->change[from + read], &profile[read]);
		if (fold->change[from + read].user >= 0)
			has[n++] = profile[read];
	}
	reco_budget_check(&run->budget, reco_folding_run(folding, has, n), "the model");
	for (int32 k = 0; k < read; k++)
	{
		const RecoChange *change = &fold->change[from + k];

		reco_poll();
		if (!reco_version_add_user(writer, serving->version, change->number, change->id,
								   &serving->model,
								   change->user >= 0 ? &has[folded++] : &profile[k]))
			refuse_profile(fold, change);
	}
	reco_progress_iteration(from + read, fold->changes, NAN);
	return from + read;
}

static void
write_rows(RecoFoldIn *fold, const reco_scorer *scorer)
{
	RecoRun *run = fold->run;
	reco_env env = run->budget.env;
	reco_folding *folding;
	MemoryContext old;
	ModelTable table;
	TableWriter *writer;

	reco_layer_open(&table, run->version.schema, RowExclusiveLock);
	reco_check_writable(table.heap);
	reco_table_require_id(&table, fold->serving->user_type);
	if (fold->changes >= MANY_CHANGES)
		reco_budget_threads(&run->budget);
	env.threads = fold->changes >= MANY_CHANGES ? run->budget.env.threads : 1;
	reco_budget_check(&run->budget, reco_folding_make(&env, scorer, &folding), "the model");
	writer = reco_writer_begin(table.heap);
	old = MemoryContextSwitchTo(fold->scratch);
	for (int32 from = 0; from < fold->changes;)
	{
		from = write_batch(fold, folding, writer, from);
		MemoryContextReset(fold->scratch);
	}
	MemoryContextSwitchTo(old);
	reco_folding_free(folding);
	reco_writer_end(writer);
	reco_table_close(&table);
}

/* A number above the last, and never one again that was rolled back. */
static int64
next_epoch(int64 epoch)
{
	uint32 step;

	if (!pg_strong_random(&step, sizeof(step)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	return epoch + 1 + step;
}

/*
 * How far users have moved from where the training left them: of a thousand of the layer, chosen by
 * their numbers, the length of all differences by that of what they had.
 */
#define DRIFT                                                                                      \
	"(SELECT sqrt(sum(reco.euclidean_distance(p.now, p.before) ^ 2)"                               \
	" / nullif(sum(reco.dot_product(p.before, p.before)), 0)) FROM ("                              \
	"SELECT reco.part_vector(l.parts, v.algorithm, 'users', 'factors') AS now,"                    \
	" reco.part_vector(u.parts, v.algorithm, 'users', 'factors') AS before FROM ("                 \
	"SELECT number, parts FROM ONLY %s.model_user_layer WHERE version = $1 AND interactions > 0"   \
	" ORDER BY hashint4(number), number LIMIT 1000) AS l"                                          \
	" JOIN ONLY %s.model_user AS u ON u.version = $1 AND u.number = l.number OFFSET 0) AS p)"

/*
 * Gives the version its new layer, of which the rows are written.  An error when it is not that
 * version any more.
 */
static void
set_layer(const RecoVersion *version, int64 epoch, int32 added, int64 more)
{
	RecoArgument argument[] = {
		reco_int4_argument(version->number),
		reco_int8_argument(version->nonce),
		reco_int8_argument(epoch),
		reco_int4_argument(added),
		reco_int8_argument(more),
	};

	CommandCounterIncrement();
	/* under this lock versions are made active, with the epoch that they have */
	reco_definition_touch(version->schema);
	if (reco_statement(version->schema,
					   "UPDATE ONLY %s.model_version AS v SET epoch = $3, added_users = $4,"
					   " folded_in_at = clock_timestamp(), folded_in_users ="
					   " (SELECT count(*) FROM ONLY %s.model_user_layer AS l WHERE l.version = $1),"
					   " folded_in_interactions = coalesce(folded_in_interactions, 0) + $5,"
					   " drift = " DRIFT " WHERE version = $1 AND nonce = $2 AND status = 'ready'",
					   argument, lengthof(argument), NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("version %d was altered while users were folded into it", version->number),
				 errhint("Try again.")));
	(void) reco_statement(version->schema,
						  "UPDATE ONLY %s.model SET active_epoch = $3"
						  " WHERE active_version = $1 AND active_nonce = $2",
						  argument, 3, NULL);
}

/*
 * The model may have been dropped or given away since the source was read, and another version
 * made the active one: the layer is of that which it was made for.
 */
void
reco_fold_in_write(RecoFoldIn *fold)
{
	RecoRun *run = fold->run;
	const reco_scorer *scorer = reco_serving_scorer(fold->serving);
	RecoIdentity before;
	ModelRow now;

	reco_model_read(run->version.schema, GetActiveSnapshot(), &now);
	reco_model_check_owner(&now);
	run->version.owner = reco_run_as(now.owner);
	reco_version_lock(&run->version);
	reco_progress_phase(run->version.number, "folding in");
	reco_become(&run->version.owner, &before);
	delete_rows(fold);
	write_rows(fold, scorer);
	set_layer(&run->version, next_epoch(fold->serving->epoch), fold->serving->added + fold->added,
			  fold->more);
	reco_return(&before);
}

void
reco_fold_in_done(RecoFoldIn *fold)
{
	RecoRun *run = fold->run;
	RecoIdentity before;
	ModelRow now;

	reco_model_read(run->version.schema, GetActiveSnapshot(), &now);
	reco_model_check_owner(&now);
	run->version.owner = reco_run_as(now.owner);
	reco_become(&run->version.owner, &before);
	reco_changes_done(run->version.schema, fold->seen);
	/* until all triggers are there again, and once afterwards */
	if (!fold->tracked)
		reco_track_note_all(&now);
	reco_return(&before);
}
