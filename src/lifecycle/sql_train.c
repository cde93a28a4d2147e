/*
 * sql_train.c
 *	  The steps of a training by SQL alone.
 *
 * See steps.h; tables and statements are in sql_work.c and sql_steps.c.
 *
 *	 read	the source's columns, no row
 *	 fit	the table of rows, then iterations: items from users, users from items; but for the
 *			last users
 *	 write	items, then the last users, who come in the order of their ids with what they have, and
 *			are written as they come; the objective is added up on the way
 *
 * Cost: two joins of all rows with factors in each iteration, by the executor.  Memory: ids,
 * factors and two numbers of each item, and of one user what they have.
 */
#include "lifecycle/sql_work.h"

#include "catalog/pg_type.h"
#include "core/als/als_loss.h"
#include "lifecycle/sql_rows.h"
#include "portability/instr_time.h"
#include "store/image/prior.h"
#include "store/source/resolve.h"
#include "store/source/source.h"
#include "store/tables/progress.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"

struct RecoSqlTraining
{
	RecoSqlWork work;
	const RecoSpec *spec; /* with nothing left open */
	reco_factors factors; /* those of users are not here */
	int32 *item_users;
	reco_als_loss loss;
	double *gram; /* of the items; NULL: not asked for */
	int64 room;   /* of item_users, while items arrive */
	/* while users are written */
	RecoRun *run;
	TableWriter *writer;
	int64 *bytes;
	int64 users;
	Datum last; /* the id before, in a memory context of its own */
	MemoryContext last_context;
	float *x; /* a user's factors, padded */
};

bool
reco_sql_asked(const RecoSpec *spec)
{
	for (int m = 0; m < spec->members; m++)
		if (reco_sql_asked(spec->member[m]))
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("engine => 'sql' is for the whole algorithm of a model, not for "
								   "a part of algorithm \"%s\"",
								   spec->algorithm->name)));
	return reco_als_by_sql(spec, NULL);
}

void
reco_sql_step_read(RecoRun *run)
{
	RecoQuery source = reco_definition_query(&run->definition, &reco_the_source);
	RecoQuery items = reco_definition_query(&run->definition, &reco_the_items);
	RecoData *data;

	source.stored = OidIsValid(run->version.schema);
	data = run->data = reco_source_columns(&source, &items, &run->options, &run->budget);
	reco_sql_rows_check(run);
	/* what rests on matrices finds empty ones */
	data->x.by_user.start = reco_budget_alloc(&run->budget, sizeof(int64));
	data->x.by_user.start[0] = 0;
	reco_training_set_init(&run->set, &data->x, data->values, &run->budget);
	run->set.has_rule = true;
	run->training.spec = run->spec;
	run->training.set = &run->set;
	run->training.budget = &run->budget;
	run->training.by_user = data->x.by_user;
}

/* A table of work is whoever's made it: what was true of its rows may be so no more. */
static pg_attribute_noreturn() void changed(const RecoSqlTraining *t)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("the rows of model \"%s\" were changed while it was trained", t->run->model),
			 errhint("Try again.")));
}

/* The id of a row, which is not null. */
static Datum
id_of(const RecoSqlTraining *t, TupleTableSlot *slot)
{
	if (slot->tts_isnull[0])
		changed(t);
	return slot->tts_values[0];
}

/* (item_id, users, entries) */
static void
take_item(void *arg, TupleTableSlot *slot)
{
	RecoSqlTraining *t = arg;
	RecoRun *run = t->run;
	Datum id = id_of(t, slot);
	int32 number;

	if (!id_fits(&run->data->item_type, id))
		id_too_long(&run->data->item_type, id, "item", false);
	number = id_dict_add(run->data->items, id);
	if (number >= t->room)
	{
		int64 room = Max(1024, 2 * t->room);
		int32 *grown = reco_budget_alloc(&run->budget, room * sizeof(int32));

		if (t->room > 0)
		{
			memcpy(grown, t->item_users, t->room * sizeof(int32));
			reco_budget_free(&run->budget, t->item_users);
		}
		t->item_users = grown;
		t->room = room;
	}
	t->item_users[number] = (int32) Min(DatumGetInt64(slot->tts_values[1]), (int64) PG_INT32_MAX);
}

/* The items and how many users each has, in the order of their ids. */
static void
read_items(RecoSqlTraining *t)
{
	RecoRun *run = t->run;
	int32 *by_arrival;
	int32 *rank;
	int32 n;

	reco_sql_work_items(&t->work, take_item, t);
	n = id_dict_count(run->data->items);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("source of model \"%s\" has no interactions to train on", run->model),
				 errhint("Look at what the source returns for the model's owner.")));
	by_arrival = t->item_users;
	rank = reco_budget_alloc(&run->budget, n * sizeof(int32));
	t->item_users = reco_budget_alloc(&run->budget, n * sizeof(int32));
	id_dict_sort(run->data->items, rank);
	for (int32 i = 0; i < n; i++)
		t->item_users[rank[i]] = by_arrival[i];
	reco_budget_free(&run->budget, rank);
	reco_budget_free(&run->budget, by_arrival);
}

/* Memory of the items, all of it before the first half step. */
static void
make_factors(RecoSqlTraining *t)
{
	RecoBudget *budget = &t->run->budget;
	const reco_als_params *params = &t->work.params;
	reco_factors *f = &t->factors;
	Size floats;

	f->items = id_dict_count(t->run->data->items);
	f->factors = params->factors;
	f->stride = TYPEALIGN(16, params->factors);
	f->mean = params->implicit ? 0 : t->work.mean;
	floats = (Size) f->items * f->stride;
	reco_budget_require(budget,
						(floats + f->items) * sizeof(float) + 2 * sizeof(double) * (Size) f->items +
							2 * sizeof(double) * params->factors * params->factors,
						"training");
	f->item = reco_budget_alloc(budget, (floats + 1) * sizeof(float));
	memset(f->item, 0, (floats + 1) * sizeof(float));
	if (t->work.biases)
		f->item_bias = reco_zeros(budget, f->items);
	if (params->implicit)
		t->gram = reco_budget_alloc(budget, sizeof(double) * params->factors * params->factors);
	t->x = reco_zeros(budget, f->stride);
}

/* (item_id, x) */
static void
take_item_factors(void *arg, TupleTableSlot *slot)
{
	RecoSqlTraining *t = arg;
	int32 number = id_dict_find(t->run->data->items, id_of(t, slot));
	int d = t->work.params.factors;
	const float *x;

	if (slot->tts_isnull[1])
		return;
	if (number < 0)
		changed(t);
	x = reco_sql_floats(slot->tts_values[1], d + t->work.biases);
	memcpy(t->factors.item + (Size) number * t->factors.stride, x, d * sizeof(float));
	if (t->work.biases)
		t->factors.item_bias[number] = x[d];
}

/* From users' factors to the table of items', and their gram for the step that follows. */
static void
item_step(RecoSqlTraining *t)
{
	RecoBudget *budget = &t->run->budget;
	reco_factors *f = &t->factors;

	reco_sql_work_user_gram(&t->work);
	reco_sql_work_item_step(&t->work, take_item_factors, t);
	reco_sql_work_write_items(&t->work, t->run->data->items, f);
	if (t->gram == NULL)
		return;
	reco_budget_check(
		budget, reco_als_gram(&budget->env, f->item, f->items, f->factors, f->stride, t->gram),
		"training");
	reco_sql_work_set_gram(&t->work, t->gram, f->items);
}

/* What is left open, by what the rows are like. */
static const RecoSpec *
choose(RecoSqlTraining *t, reco_shape *shape)
{
	double users = Max(t->work.users, 1);
	int32 items = id_dict_count(t->run->data->items);

	shape->rows = shape->users = (int32) Min(users, PG_INT32_MAX);
	shape->cols = shape->items = items;
	shape->per_user = Max(shape->entries / users, 1);
	shape->per_item = Max((double) shape->entries / items, 1);
	shape->density = Min(shape->entries / (users * items), 1);
	return reco_als_chosen(t->run->spec, shape);
}

static void
iterate(RecoSqlTraining *t)
{
	RecoRun *run = t->run;
	int iterations = t->work.params.iterations;

	for (int i = 1; i <= iterations; i++)
	{
		item_step(t);
		/* those of the last are written as they come */
		if (i < iterations)
			reco_sql_work_user_step(&t->work);
		run->progress(run->progress_arg, 1, 1, i, iterations, NAN);
	}
}

static void
check_range(const RecoRun *run)
{
	const RecoMember *member = run->trained.model.member;

	for (int p = 0; p < member->parts; p++)
		if (!reco_part_fits(&member->type[p], &member->part[p]))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("training ended with numbers out of range in \"%s\"",
								   member->type[p].name),
							errhint("Scale the source's values, or take their logarithm; a larger "
									"\"regularization\" makes factors smaller.")));
}

void
reco_sql_step_fit(RecoRun *run)
{
	RecoSqlTraining *t = MemoryContextAllocZero(run->context, sizeof(RecoSqlTraining));
	RecoQuery source = reco_definition_query(&run->definition, &reco_the_source);
	RecoModel *model = &run->trained.model;
	reco_shape shape;

	run->sql = t;
	t->run = run;
	memset(&run->trained, 0, sizeof(run->trained));
	source.stored = true;
	reco_progress_phase(run->version.number, "reading");
	reco_sql_work_init(&t->work, run);
	reco_sql_work_rows(&t->work, &source);
	shape = reco_sql_work_shape(&t->work);
	read_items(t);
	if (reco_spec_is_open(run->spec))
		t->work.users = reco_sql_work_count_users(&t->work);
	t->spec = choose(t, &shape);
	reco_sql_work_algorithm(&t->work, t->spec);
	run->interactions = t->work.interactions;
	run->set.rule = t->work.rule;
	run->training.spec = t->spec;
	reco_progress_rows(run->data->rows_read);
	make_factors(t);
	reco_progress_phase(run->version.number, "training");
	reco_sql_work_begin(&t->work);
	iterate(t);
	reco_als_model(t->spec, &run->budget, &t->factors, model);
	check_range(run);
}

/* Ids come rising; the same again is a user whose rows lie in two shards. */
static void
check_order(RecoSqlTraining *t, Datum id)
{
	IdType *type = &t->run->data->user_type;
	int32 order =
		t->users == 0
			? -1
			: DatumGetInt32(FunctionCall2Coll(&type->compare, type->collation, t->last, id));

	if (order == 0)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
						errmsg("user \"%s\" has rows in several shards", id_to_message(type, id)),
						errhint("Give all rows of a user the same shard.")));
	if (order > 0)
		ereport(ERROR,
				(errcode(ERRCODE_COLLATION_MISMATCH),
				 errmsg("users of the tables of work are not in the order of the source's"),
				 errhint("Give their ids the collation that they have in the source, such as "
						 "\"C\", here and at the shards.")));
	if (!id_fits(type, id))
		id_too_long(type, id, "user", false);
	if (t->users >= RECO_FAULT_IDS(PG_INT32_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("model \"%s\" has more than %d users", t->run->model,
						RECO_FAULT_IDS(PG_INT32_MAX)),
				 errhint("Leave users out of the tables of work, or of the source: those whose "
						 "rows are old, say.")));
	MemoryContextReset(t->last_context);
	if (type->typbyval)
		t->last = id;
	else
	{
		MemoryContext old = MemoryContextSwitchTo(t->last_context);

		t->last = datumCopy(id, type->typbyval, type->typlen);
		MemoryContextSwitchTo(old);
	}
}

typedef struct Entry
{
	int32 item;
	float value;
} Entry;

static int
by_item(const void *a, const void *b)
{
	int32 x = ((const Entry *) a)->item;
	int32 y = ((const Entry *) b)->item;

	return (x > y) - (x < y);
}

/* What a user has, by number; *value NULL: ones. */
static int64
take_entries(RecoSqlTraining *t, TupleTableSlot *slot, int32 **item, float **value)
{
	ArrayType *numbers = DatumGetArrayTypeP(slot->tts_values[2]);
	ArrayType *values = slot->tts_isnull[3] ? NULL : DatumGetArrayTypeP(slot->tts_values[3]);
	int64 n = ArrayGetNItems(ARR_NDIM(numbers), ARR_DIMS(numbers));
	const int32 *from = (const int32 *) ARR_DATA_PTR(numbers);
	Entry *entry;

	if (ARR_ELEMTYPE(numbers) != INT4OID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"number\" of the items' factors must be of type integer"),
						errdetail("It has type %s.", format_type_be(ARR_ELEMTYPE(numbers)))));
	if (array_contains_nulls(numbers) ||
		(values &&
		 (array_contains_nulls(values) || ArrayGetNItems(ARR_NDIM(values), ARR_DIMS(values)) != n)))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("rows of user \"%s\" have a null value",
							   id_to_message(&t->run->data->user_type, slot->tts_values[0]))));
	reco_version_check_length(t->run->data, slot->tts_values[0], n, t->run->model);
	entry = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(Entry));
	for (int64 k = 0; k < n; k++)
		entry[k] = (Entry){from[k], values ? ((const float *) ARR_DATA_PTR(values))[k] : 1};
	qsort(entry, n, sizeof(Entry), by_item);
	*item = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(int32));
	*value = values ? MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(float)) : NULL;
	for (int64 k = 0; k < n; k++)
	{
		if (entry[k].item < 0 || entry[k].item >= t->factors.items ||
			(k > 0 && entry[k].item == entry[k - 1].item))
			ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
							errmsg("user \"%s\" has several rows of one item",
								   id_to_message(&t->run->data->user_type, slot->tts_values[0])),
							errhint("The table of rows must have one of each pair.")));
		(*item)[k] = entry[k].item;
		if (*value)
			(*value)[k] = entry[k].value;
	}
	return n;
}

/* (user_id, x, numbers, values): a user's row is written. */
static void
take_user(void *arg, TupleTableSlot *slot)
{
	RecoSqlTraining *t = arg;
	RecoRun *run = t->run;
	const IdType *type = &run->data->user_type;
	int d = t->factors.factors;
	reco_profile profile = {.factors = t->x};
	const float *x;
	int32 *item;
	float *value;

	if (slot->tts_isnull[1])
		return;
	check_order(t, id_of(t, slot));
	x = reco_sql_floats(slot->tts_values[1], d + t->work.biases);
	memcpy(t->x, x, d * sizeof(float));
	profile.bias = t->work.biases ? x[d] : 0;
	profile.n = take_entries(t, slot, &item, &value);
	profile.item = item;
	profile.value = value;
	reco_als_loss_add(&t->loss, profile.n, item, value, t->x, profile.bias);
	if (!reco_version_write_user(t->writer, run->version.number, (int32) t->users,
								 slot->tts_values[0], type, &run->trained.model, &profile,
								 t->bytes))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("training ended with numbers out of range in \"%s\"", "factors"),
						errhint("Scale the source's values, or take their logarithm; a larger "
								"\"regularization\" makes factors smaller.")));
	t->users++;
}

static void
write_users(void *arg, TableWriter *writer, int64 *bytes)
{
	RecoSqlTraining *t = arg;
	RecoRun *run = t->run;
	RecoMember *member = &run->trained.model.member[0];
	reco_factors *f = &t->factors;

	t->writer = writer;
	t->bytes = bytes;
	t->last_context = AllocSetContextCreate(run->context, "reco last user", ALLOCSET_SMALL_SIZES);
	t->loss = (reco_als_loss){.params = &t->work.params,
							  .items = f->items,
							  .stride = f->stride,
							  .item = f->item,
							  .item_bias = f->item_bias,
							  .mean = f->mean,
							  .gram = t->gram};
	reco_budget_check(&run->budget, reco_als_loss_init(&run->budget.env, &t->loss), "training");
	reco_sql_work_users(&t->work, take_user, t);
	run->trained.model.users = (int32) t->users;
	member->losses = 1;
	member->loss = MemoryContextAlloc(run->context, sizeof(float));
	member->loss[0] = (float) reco_als_loss_total(&t->loss);
}

void
reco_sql_result(RecoRun *run, RecoVersionResult *result)
{
	result->item_users = run->sql->item_users;
	result->write_users = write_users;
	result->write_arg = run->sql;
}

void
reco_sql_end(RecoRun *run)
{
	reco_sql_work_end(&run->sql->work);
}
