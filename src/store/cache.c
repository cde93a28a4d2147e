/*
 * cache.c
 *	  Model versions in the memory of a backend, ready to serve.
 *
 * Tables are the truth; a version never changes once it is active, so what was
 * read of it stays right.  Each call reads the model's one-row table under its
 * own snapshot and takes the version named there: a refresh, a rollback or an
 * old snapshot needs no invalidation.  The nonce, drawn when a version is
 * trained, tells apart versions of the same number in a schema that was dropped
 * and made again, or restored.
 *
 * Cost of a hit: one row read.  Memory: items x (stride + a few) floats for each
 * of at most MAX_SERVINGS versions.
 */
#include "store/cache.h"

#include "core/history.h"
#include "access/htup_details.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <math.h>

#define MAX_SERVINGS 4

static Serving *servings[MAX_SERVINGS];
static uint64 use_counter;

/* While the items of a version are read. */
typedef struct ItemLoad
{
	Serving *serving;
	Datum *id;
	bool *seen;
	int32 count;
} ItemLoad;

static void *
allocate(MemoryContext context, Size count, Size size)
{
	return MemoryContextAllocExtended(context, Max(count, 1) * size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* A matrix whose rows start on cache lines. */
static float *
allocate_matrix(MemoryContext context, Size rows, int stride)
{
	return (float *) TYPEALIGN(RECO_ALIGN,
							   allocate(context, rows * stride * sizeof(float) + RECO_ALIGN, 1));
}

static void
copy_factors(Oid schema, Datum value, int d, float *to)
{
	bool must_free;
	void *copy;
	const float *from = reco_factors_of(value, d, &must_free, &copy);

	if (from == NULL)
		reco_damaged(schema, psprintf("A row's factors are not %d numbers within range.", d));
	memcpy(to, from, d * sizeof(float));
	if (must_free)
		pfree(copy);
}

static bool
load_item(void *arg, TupleTableSlot *slot)
{
	ItemLoad *load = arg;
	Serving *serving = load->serving;
	RecoModel *model = &serving->model;
	int32 number = DatumGetInt32(slot->tts_values[COLUMN_LAST]);
	float bias = DatumGetFloat4(slot->tts_values[COLUMN_BIAS]);

	if (number < 0 || number >= model->items || load->seen[number] ||
		!(fabsf(bias) <= RECO_MAX_FACTOR))
		reco_damaged(serving->schema, "The rows of its items do not belong together.");
	load->seen[number] = true;
	load->count++;
	load->id[number] = datumCopy(slot->tts_values[COLUMN_ID], serving->item_type->typbyval,
								 serving->item_type->typlen);
	copy_factors(serving->schema, slot->tts_values[COLUMN_FACTORS], model->factors,
				 model->item + (Size) number * model->stride);
	model->item_bias[number] = bias;
	serving->interactions[number] = DatumGetInt32(slot->tts_values[COLUMN_INTERACTIONS]);
	return true;
}

static void
load_items(Serving *serving, ModelTable *table)
{
	ItemLoad load = {serving};
	int32 items = serving->model.items;

	load.id = allocate(CurrentMemoryContext, items, sizeof(Datum));
	load.seen = allocate(CurrentMemoryContext, items, sizeof(bool));
	reco_table_scan(table, serving->version, NULL, serving->item_type, GetActiveSnapshot(),
					load_item, &load);
	if (load.count != items)
		reco_damaged(serving->schema, psprintf("It has %d of its %d items.", load.count, items));
	serving->items = id_dict_create(serving->context, serving->item_type);
	for (int32 i = 0; i < items; i++)
		if (id_dict_add(serving->items, load.id[i]) != i)
			reco_damaged(serving->schema, "An item is there twice.");
	pfree(load.id);
	pfree(load.seen);
}

/*
 * The number of rows comes from a table that its owner may write to: no more
 * memory is taken for it than the rows' own table can account for.
 */
static void
check_size(ModelTable *table, int32 rows, int stride)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(table->heap);

	if ((uint64) rows > (uint64) blocks * MaxHeapTuplesPerPage ||
		(Size) rows * stride * sizeof(float) > reco_max_memory())
		reco_damaged(RelationGetNamespace(table->heap),
					 psprintf("Its table \"%s\" cannot hold %d rows.",
							  RelationGetRelationName(table->heap), rows));
}

/*
 * Reads a version into a context of its own, which becomes permanent only when
 * all went well.
 */
static Serving *
load(const ModelRow *row)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco model", ALLOCSET_DEFAULT_SIZES);
	Serving *serving = MemoryContextAllocZero(context, sizeof(Serving));
	RecoModel *model = &serving->model;
	VersionRow version;
	ModelTable items;
	ModelTable users;
	MemoryContext old;

	(void) reco_version_read(row->schema, row->active_version, GetActiveSnapshot(), false,
							 &version);
	if (version.algorithm == NULL || version.items < 0 || version.factors < 0 ||
		version.factors > RECO_ALS_MAX_FACTORS || !(fabs(version.mean) <= RECO_MAX_FACTOR) ||
		!(version.min_value <= version.max_value))
		reco_damaged(row->schema, psprintf("Its version %d is not complete.", row->active_version));
	serving->schema = row->schema;
	serving->version = row->active_version;
	serving->nonce = row->active_nonce;
	serving->context = context;

	old = MemoryContextSwitchTo(context);
	model->spec = reco_spec_parse(version.algorithm);
	reco_table_open(&items, row->schema, false, AccessShareLock, true);
	reco_table_open(&users, row->schema, true, AccessShareLock, true);
	serving->item_type = reco_table_id_type(&items);
	serving->user_type = reco_table_id_type(&users);
	reco_table_close(&users, AccessShareLock);
	MemoryContextSwitchTo(old);

	model->items = version.items;
	model->factors = version.factors;
	model->stride = TYPEALIGN(16, version.factors);
	model->mean = version.mean;
	model->min_value = version.min_value;
	model->max_value = version.max_value;
	if (!model->spec->algorithm->fits(model))
		reco_damaged(row->schema, "Its factors are not those of its algorithm.");
	check_size(&items, model->items, model->stride);
	model->item = allocate_matrix(context, model->items, model->stride);
	model->item_bias = allocate(context, model->items, sizeof(float));
	serving->interactions = allocate(context, model->items, sizeof(float));
	load_items(serving, &items);
	reco_table_close(&items, AccessShareLock);
	if (model->spec->algorithm->prepare)
		model->spec->algorithm->prepare(model, context);
	MemoryContextSetParent(context, CacheMemoryContext);
	return serving;
}

/* The place for a new version: an empty one, or the least recently used. */
static Serving **
free_place(void)
{
	Serving **place = &servings[0];

	for (int i = 0; i < MAX_SERVINGS; i++)
	{
		if (servings[i] == NULL)
			return &servings[i];
		if (servings[i]->used < (*place)->used)
			place = &servings[i];
	}
	MemoryContextDelete((*place)->context);
	*place = NULL;
	return place;
}

/* The rights to a cached version are the rights to its tables, asked each time. */
static void
check_rights(Oid schema)
{
	ModelTable table;

	for (int is_user = 0; is_user <= 1; is_user++)
	{
		reco_table_open(&table, schema, is_user, AccessShareLock, true);
		reco_table_close(&table, AccessShareLock);
	}
}

Serving *
reco_serving_open(Oid schema)
{
	ModelRow row;
	Serving *serving = NULL;

	reco_model_read(schema, GetActiveSnapshot(), &row);
	if (row.active_version == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("model \"%s\" has not been trained yet", row.name),
						errhint("Train it with CALL reco.refresh().")));
	for (int i = 0; i < MAX_SERVINGS && serving == NULL; i++)
		if (servings[i] && servings[i]->schema == schema &&
			servings[i]->version == row.active_version && servings[i]->nonce == row.active_nonce)
			serving = servings[i];
	if (serving)
		check_rights(schema);
	else
	{
		Serving **place;

		serving = load(&row);
		place = free_place();
		*place = serving;
	}
	serving->used = ++use_counter;
	return serving;
}

typedef struct UserLoad
{
	Serving *serving;
	IdDict *ids;
	float *user;
	int32 slots;
} UserLoad;

static bool
load_user(void *arg, TupleTableSlot *slot)
{
	UserLoad *load = arg;
	RecoModel *model = &load->serving->model;
	int32 users = id_dict_count(load->ids);

	if (users == load->slots || id_dict_add(load->ids, slot->tts_values[COLUMN_ID]) != users)
		reco_damaged(load->serving->schema, "The rows of its users do not belong together.");
	copy_factors(load->serving->schema, slot->tts_values[COLUMN_FACTORS], model->factors,
				 load->user + (Size) users * model->stride);
	return true;
}

void
reco_serving_load_users(Serving *serving)
{
	UserLoad load = {serving};
	ModelTable table;
	VersionRow version;
	MemoryContext context;

	if (serving->user)
		return;
	(void) reco_version_read(serving->schema, serving->version, GetActiveSnapshot(), false,
							 &version);
	if (version.users < 0)
		reco_damaged(serving->schema,
					 psprintf("Its version %d is not complete.", serving->version));
	context = AllocSetContextCreate(CurrentMemoryContext, "reco users", ALLOCSET_DEFAULT_SIZES);
	reco_table_open(&table, serving->schema, true, AccessShareLock, true);
	check_size(&table, version.users, serving->model.stride);
	load.slots = version.users;
	load.user = allocate_matrix(context, load.slots, serving->model.stride);
	load.ids = id_dict_create(context, serving->user_type);
	reco_table_scan(&table, serving->version, NULL, serving->user_type, GetActiveSnapshot(),
					load_user, &load);
	reco_table_close(&table, AccessShareLock);
	MemoryContextSetParent(context, serving->context);
	serving->users = id_dict_count(load.ids);
	serving->user_ids = load.ids;
	serving->user = load.user;
}

typedef struct OneUser
{
	Serving *serving;
	RecoProfile *profile;
	bool found;
} OneUser;

static bool
read_user(void *arg, TupleTableSlot *slot)
{
	OneUser *one = arg;
	Serving *serving = one->serving;
	RecoModel *model = &serving->model;
	RecoProfile *profile = one->profile;
	bytea *history = DatumGetByteaPP(slot->tts_values[COLUMN_LAST]);
	const uint8 *data = (const uint8 *) VARDATA_ANY(history);
	Size size = VARSIZE_ANY_EXHDR(history);

	one->found = true;
	profile->bias = DatumGetFloat4(slot->tts_values[COLUMN_BIAS]);
	profile->factors = allocate_matrix(CurrentMemoryContext, 1, model->stride + 16);
	copy_factors(serving->schema, slot->tts_values[COLUMN_FACTORS], model->factors,
				 profile->factors);
	profile->n = reco_history_count(data, size);
	if (profile->n < 0 || profile->n > model->items || !(fabsf(profile->bias) <= RECO_MAX_FACTOR))
		reco_damaged(serving->schema, "A user's history is not readable.");
	profile->item = palloc(Max(profile->n, 1) * sizeof(int32));
	profile->value = palloc(Max(profile->n, 1) * sizeof(float));
	if (!reco_history_decode(data, size, model->items, profile->item, profile->value))
		reco_damaged(serving->schema, "A user's history is not readable.");
	return false;
}

bool
reco_serving_user(Serving *serving, Datum user, RecoProfile *profile)
{
	OneUser one = {serving, profile, false};
	ModelTable table;

	memset(profile, 0, sizeof(*profile));
	reco_table_open(&table, serving->schema, true, AccessShareLock, true);
	reco_table_scan(&table, serving->version, &user, serving->user_type, GetActiveSnapshot(),
					read_user, &one);
	reco_table_close(&table, AccessShareLock);
	return one.found;
}
