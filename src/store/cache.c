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
#include "store/terms.h"
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
	ModelTable *table;
	Datum *id;
	bool *seen;
	int32 count;
	/* each item's list of neighbors; NULL: the algorithm has none */
	int32 *lengths;
	int32 **neighbor;
	double **similarity;
	/* each item's terms; NULL: the algorithm looks at no features */
	int32 *term_counts;
	int32 **term;
	float **term_weight;
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
copy_factors(Oid schema, Datum value, int d, bool nan_ok, float *to)
{
	bool must_free;
	void *copy;
	const float *from = reco_factors_of(value, d, nan_ok, &must_free, &copy);

	if (from == NULL)
		reco_damaged(schema, psprintf("A row's factors are not %d numbers within range.", d));
	memcpy(to, from, d * sizeof(float));
	if (must_free)
		pfree(copy);
}

/* A number that an item lacks is NaN; those of an embedding cannot be. */
static void
check_embeddings(const Serving *serving, const float *dense)
{
	const reco_content *content = serving->model.content;

	for (int f = 0; content && f < content->fields; f++)
		for (int32 k = content->field[f].from;
			 content->field[f].kind == RECO_EMBEDDING && k < content->field[f].to; k++)
			if (isnan(dense[k]))
				reco_damaged(serving->schema, "An item's embedding is not readable.");
}

static void
load_terms(ItemLoad *load, TupleTableSlot *slot, int32 number)
{
	bytea *features = DatumGetByteaPP(slot->tts_values[COLUMN_CONTENT]);
	const uint8 *data = (const uint8 *) VARDATA_ANY(features);
	Size size = VARSIZE_ANY_EXHDR(features);
	int64 n = size == 0 ? 0 : reco_history_count(data, size);

	load->term[number] = palloc(Max(n, 1) * sizeof(int32));
	load->term_weight[number] = palloc(Max(n, 1) * sizeof(float));
	if (n < 0 || n > load->serving->features->terms ||
		(n > 0 && !reco_history_decode(data, size, load->serving->features->terms,
									   load->term[number], load->term_weight[number])))
		reco_damaged(load->serving->schema, "An item's features are not readable.");
	for (int64 k = 0; k < n; k++)
		if (!(fabsf(load->term_weight[number][k]) <= RECO_MAX_FACTOR))
			reco_damaged(load->serving->schema, "An item's features are not readable.");
	load->term_counts[number] = (int32) n;
}

static bool
load_item(void *arg, TupleTableSlot *slot)
{
	ItemLoad *load = arg;
	Serving *serving = load->serving;
	RecoModel *model = &serving->model;
	int32 number = DatumGetInt32(slot->tts_values[COLUMN_NUMBER]);
	float bias = DatumGetFloat4(slot->tts_values[COLUMN_BIAS]);

	if (number < 0 || number >= model->items || load->seen[number] ||
		!(fabsf(bias) <= RECO_MAX_FACTOR))
		reco_damaged(serving->schema, "The rows of its items do not belong together.");
	load->seen[number] = true;
	load->count++;
	load->id[number] = datumCopy(slot->tts_values[COLUMN_ID], serving->item_type->typbyval,
								 serving->item_type->typlen);
	copy_factors(serving->schema, slot->tts_values[COLUMN_FACTORS], model->factors,
				 serving->features != NULL, model->item + (Size) number * model->stride);
	check_embeddings(serving, model->item + (Size) number * model->stride);
	model->item_bias[number] = bias;
	serving->interactions[number] = DatumGetInt32(slot->tts_values[COLUMN_INTERACTIONS]);
	if (load->lengths)
		load->lengths[number] = reco_neighbors_of(
			load->table, slot, model->items, &load->neighbor[number], &load->similarity[number]);
	if (load->term_counts)
		load_terms(load, slot, number);
	return true;
}

/* The lists in one piece. */
static void
join_lists(ItemLoad *load, RecoBudget *budget, reco_neighbors *out)
{
	int32 items = load->serving->model.items;

	out->rows = items;
	out->start = reco_budget_alloc(budget, ((Size) items + 1) * sizeof(int64));
	out->start[0] = 0;
	for (int32 i = 0; i < items; i++)
		out->start[i + 1] = out->start[i] + load->lengths[i];
	out->row = reco_budget_alloc(budget, ((Size) out->start[items] + 1) * sizeof(int32));
	out->similarity = reco_budget_alloc(budget, ((Size) out->start[items] + 1) * sizeof(double));
	for (int32 i = 0; i < items; i++)
	{
		memcpy(out->row + out->start[i], load->neighbor[i], load->lengths[i] * sizeof(int32));
		memcpy(out->similarity + out->start[i], load->similarity[i],
			   load->lengths[i] * sizeof(double));
	}
}

/* The features in one piece, and what is made from them. */
static void
join_terms(ItemLoad *load, RecoBudget *budget)
{
	Serving *serving = load->serving;
	RecoModel *model = &serving->model;
	reco_content *content = &serving->features->content;
	reco_csr *a = &content->by_item;

	*a = (reco_csr){model->items, serving->features->terms};
	a->start = reco_budget_alloc(budget, ((Size) model->items + 1) * sizeof(int64));
	a->start[0] = 0;
	for (int32 i = 0; i < model->items; i++)
		a->start[i + 1] = a->start[i] + load->term_counts[i];
	a->col = reco_budget_alloc(budget, ((Size) a->start[model->items] + 1) * sizeof(int32));
	a->value = reco_budget_alloc(budget, ((Size) a->start[model->items] + 1) * sizeof(float));
	for (int32 i = 0; i < model->items; i++)
	{
		memcpy(a->col + a->start[i], load->term[i], load->term_counts[i] * sizeof(int32));
		memcpy(a->value + a->start[i], load->term_weight[i], load->term_counts[i] * sizeof(float));
	}
	content->items = model->items;
	content->stride = model->stride;
	content->dense = model->item;
	model->content = content;
}

/*
 * Reads the items in a context of its own, so that what reading leaves behind goes
 * with it.
 */
static void
load_items(Serving *serving, ModelTable *table, RecoBudget *budget)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco items", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ItemLoad load = {serving, table};
	RecoModel *model = &serving->model;
	int32 items = model->items;

	load.id = allocate(context, items, sizeof(Datum));
	load.seen = allocate(context, items, sizeof(bool));
	if (model->spec->algorithm->own_lists)
	{
		load.lengths = allocate(context, items, sizeof(int32));
		load.neighbor = allocate(context, items, sizeof(int32 *));
		load.similarity = allocate(context, items, sizeof(double *));
	}
	if (serving->features)
	{
		load.term_counts = allocate(context, items, sizeof(int32));
		load.term = allocate(context, items, sizeof(int32 *));
		load.term_weight = allocate(context, items, sizeof(float *));
	}
	reco_table_scan(table, serving->version, COLUMN_ID, NULL, GetActiveSnapshot(), load_item,
					&load);
	if (load.count != items)
		reco_damaged(serving->schema, psprintf("It has %d of its %d items.", load.count, items));
	serving->items = id_dict_create(serving->context, serving->item_type);
	for (int32 i = 0; i < items; i++)
		if (id_dict_add(serving->items, load.id[i]) != i)
			reco_damaged(serving->schema, "An item is there twice.");
	if (load.lengths)
		join_lists(&load, budget, &model->neighbors);
	if (serving->features)
		join_terms(&load, budget);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
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

static int
user_factors(const RecoModel *model)
{
	return model->spec->algorithm->items_only ? 0 : model->factors;
}

typedef struct OneUser
{
	Serving *serving;
	ModelTable *table;
	RecoProfile *profile;
	bool found;
} OneUser;

/* The history of a row; false when it is damaged. */
static bool
decode_history(TupleTableSlot *slot, int32 items, RecoProfile *profile)
{
	bytea *history = DatumGetByteaPP(slot->tts_values[COLUMN_CONTENT]);
	const uint8 *data = (const uint8 *) VARDATA_ANY(history);
	Size size = VARSIZE_ANY_EXHDR(history);

	profile->n = reco_history_count(data, size);
	if (profile->n < 0 || profile->n > items)
		return false;
	profile->item = palloc(Max(profile->n, 1) * sizeof(int32));
	profile->value = palloc(Max(profile->n, 1) * sizeof(float));
	return reco_history_decode(data, size, items, profile->item, profile->value);
}

static bool
read_user(void *arg, TupleTableSlot *slot)
{
	OneUser *one = arg;
	Serving *serving = one->serving;
	RecoModel *model = &serving->model;
	RecoProfile *profile = one->profile;

	one->found = true;
	profile->bias = DatumGetFloat4(slot->tts_values[COLUMN_BIAS]);
	profile->factors = allocate_matrix(CurrentMemoryContext, 1, model->stride + 16);
	copy_factors(serving->schema, slot->tts_values[COLUMN_FACTORS], user_factors(model), false,
				 profile->factors);
	if (!decode_history(slot, model->items, profile) || !(fabsf(profile->bias) <= RECO_MAX_FACTOR))
		reco_damaged(serving->schema, "A user's history is not readable.");
	profile->neighbors = reco_neighbors_of(one->table, slot, serving->users, &profile->neighbor,
										   &profile->similarity);
	return false;
}

static bool
find_user(Serving *serving, int column, Datum key, RecoProfile *profile)
{
	ModelTable table;
	OneUser one = {serving, &table, profile, false};

	memset(profile, 0, sizeof(*profile));
	reco_table_open(&table, serving->schema, true, AccessShareLock, true);
	reco_table_scan(&table, serving->version, column, &key, GetActiveSnapshot(), read_user, &one);
	reco_table_close(&table, AccessShareLock);
	return one.found;
}

bool
reco_serving_user(Serving *serving, Datum user, RecoProfile *profile)
{
	return find_user(serving, COLUMN_ID, user, profile);
}

static bool
read_user_number(void *arg, int32 number, RecoProfile *profile)
{
	return find_user(arg, COLUMN_NUMBER, Int32GetDatum(number), profile);
}

typedef struct UserLoad
{
	Serving *serving;
	RecoBudget budget;
	IdDict *ids;
	float *user;
	float *bias;
	reco_csr histories;
	int64 slots; /* entries that there is room for */
	bool with_histories;
	MemoryContext row;
} UserLoad;

static void
append_history(UserLoad *load, TupleTableSlot *slot, int32 number)
{
	Serving *serving = load->serving;
	reco_csr *all = &load->histories;
	RecoProfile profile;
	MemoryContext old = MemoryContextSwitchTo(load->row);
	int64 at = all->start[number];

	if (DatumGetInt32(slot->tts_values[COLUMN_NUMBER]) != number ||
		!decode_history(slot, serving->model.items, &profile))
		reco_damaged(serving->schema, "The rows of its users do not belong together.");
	if (at + profile.n > load->slots)
	{
		int64 slots = (at + profile.n) * 3 / 2 + 65536;
		int32 *item = reco_budget_alloc(&load->budget, slots * sizeof(int32));
		float *value = reco_budget_alloc(&load->budget, slots * sizeof(float));

		memcpy(item, all->col, at * sizeof(int32));
		memcpy(value, all->value, at * sizeof(float));
		reco_budget_free(&load->budget, all->col);
		reco_budget_free(&load->budget, all->value);
		all->col = item;
		all->value = value;
		load->slots = slots;
	}
	memcpy(all->col + at, profile.item, profile.n * sizeof(int32));
	memcpy(all->value + at, profile.value, profile.n * sizeof(float));
	all->start[number + 1] = at + profile.n;
	load->bias[number] = DatumGetFloat4(slot->tts_values[COLUMN_BIAS]);
	MemoryContextSwitchTo(old);
	MemoryContextReset(load->row);
}

static bool
load_user(void *arg, TupleTableSlot *slot)
{
	UserLoad *load = arg;
	Serving *serving = load->serving;
	RecoModel *model = &serving->model;
	int32 users = id_dict_count(load->ids);

	if (users == serving->users || id_dict_add(load->ids, slot->tts_values[COLUMN_ID]) != users)
		reco_damaged(serving->schema, "The rows of its users do not belong together.");
	copy_factors(serving->schema, slot->tts_values[COLUMN_FACTORS], user_factors(model), false,
				 load->user + (Size) users * model->stride);
	if (load->with_histories)
		append_history(load, slot, users);
	return true;
}

/*
 * Loads all users, with what they have when with_histories.
 */
static void
load_users(Serving *serving, bool with_histories)
{
	UserLoad load = {serving};
	ModelTable table;
	MemoryContext context;

	if (serving->user_ids && (!with_histories || serving->histories.start))
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "reco users", ALLOCSET_DEFAULT_SIZES);
	reco_budget_init(&load.budget, context);
	reco_table_open(&table, serving->schema, true, AccessShareLock, true);
	check_size(&table, serving->users, serving->model.stride);
	load.with_histories = with_histories;
	load.row = AllocSetContextCreate(context, "reco row", ALLOCSET_DEFAULT_SIZES);
	load.user = allocate_matrix(context, serving->users, serving->model.stride);
	load.ids = id_dict_create(context, serving->user_type);
	if (with_histories)
	{
		load.bias = reco_zeros(&load.budget, serving->users);
		load.histories = (reco_csr){serving->users, serving->model.items};
		load.histories.start =
			reco_budget_alloc(&load.budget, ((Size) serving->users + 1) * sizeof(int64));
		load.histories.start[0] = 0;
		load.histories.col = reco_budget_alloc(&load.budget, sizeof(int32));
		load.histories.value = reco_budget_alloc(&load.budget, sizeof(float));
	}
	reco_table_scan(&table, serving->version, COLUMN_ID, NULL, GetActiveSnapshot(), load_user,
					&load);
	reco_table_close(&table, AccessShareLock);
	if (id_dict_count(load.ids) != serving->users)
		reco_damaged(serving->schema, psprintf("It has %d of its %d users.",
											   id_dict_count(load.ids), serving->users));
	MemoryContextSetParent(context, serving->context);
	serving->user_ids = load.ids;
	serving->user = load.user;
	serving->user_bias = load.bias;
	serving->histories = load.histories;
}

void
reco_serving_load_users(Serving *serving)
{
	load_users(serving, false);
}

static void
all_users(void *arg, reco_csr *by_user, float **bias)
{
	Serving *serving = arg;

	load_users(serving, true);
	*by_user = serving->histories;
	*bias = serving->user_bias;
}

typedef struct OneItem
{
	Serving *serving;
	ModelTable *table;
	int32 n;
	int32 **neighbor;
	double **similarity;
} OneItem;

static bool
read_item_neighbors(void *arg, TupleTableSlot *slot)
{
	OneItem *one = arg;

	one->n = reco_neighbors_of(one->table, slot, one->serving->model.items, one->neighbor,
							   one->similarity);
	return false;
}

int32
reco_serving_item_neighbors(Serving *serving, int32 item, int32 **neighbor, double **similarity)
{
	ModelTable table;
	OneItem one = {serving, &table, 0, neighbor, similarity};
	Datum number = Int32GetDatum(item);

	reco_table_open(&table, serving->schema, false, AccessShareLock, true);
	reco_table_scan(&table, serving->version, COLUMN_NUMBER, &number, GetActiveSnapshot(),
					read_item_neighbors, &one);
	reco_table_close(&table, AccessShareLock);
	return one.n;
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
	RecoBudget budget;
	ModelTable items;
	ModelTable users;
	MemoryContext old;

	(void) reco_version_read(row->schema, row->active_version, GetActiveSnapshot(), false,
							 &version);
	if (version.algorithm == NULL || version.items < 0 || version.users < 0 ||
		version.factors < 0 || version.factors > RECO_ALS_MAX_FACTORS ||
		!(fabs(version.mean) <= RECO_MAX_FACTOR) || !(version.min_value <= version.max_value))
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
	if (model->spec->algorithm->needs_features)
	{
		serving->features = reco_fields_read(version.fields);
		if (serving->features == NULL)
			reco_damaged(row->schema, "The fields of its features are not readable.");
		model->content = &serving->features->content;
	}
	MemoryContextSwitchTo(old);

	serving->users = version.users;
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
	reco_budget_init(&budget, context);
	load_items(serving, &items, &budget);
	reco_table_close(&items, AccessShareLock);
	if (model->spec->algorithm->prepare)
		model->spec->algorithm->prepare(model, &budget);
	/* what is served is made from the lists; one item's are read when asked for */
	reco_neighbors_free(&budget.env, &model->neighbors);
	model->users = (RecoUsers){read_user_number, all_users, serving};
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
