/*
 * load.c
 *	  A version of a model, read from its tables.
 *
 * Everything that is read is checked: the tables are the owner's.
 *
 * Cost: one pass over the version's items.  Memory: the version's, and its lists and terms
 * twice while they are joined; all that is held counts against reco.max_memory, row by row.
 */
#include "store/image/load.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "common/hashfn.h"
#include "core/data/history.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "store/tables/parts.h"
#include "store/tables/terms.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <float.h>
#include <math.h>

/* While the items of a version are read. */
typedef struct ItemLoad
{
	Serving *serving;
	ModelTable *table;
	RecoBudget *budget;
	MemoryContext context; /* of what goes when all is read */
	Datum *id;
	bool *seen;
	int32 count;
	RecoPartsLoad *parts;
	/* each item's terms; NULL: the algorithm looks at no features */
	int32 *term_counts;
	int32 **term;
	float **term_weight;
} ItemLoad;

void *
serving_alloc(MemoryContext context, Size count, Size size)
{
	return reco_serving_alloc(context, count, size);
}

/* While a version is read, which asking for fewer rows would not make smaller. */
static void *
load_alloc(RecoBudget *budget, MemoryContext context, Size count, Size size)
{
	reco_budget_require(budget, Max(count, 1) * size, "serving");
	return serving_alloc(context, count, size);
}

/* Numbers whose rows begin on cache lines. */
static float *
load_alloc_rows(RecoBudget *budget, MemoryContext context, Size rows, int stride)
{
	return (float *) TYPEALIGN(
		RECO_ALIGN, load_alloc(budget, context, rows * stride * sizeof(float) + RECO_ALIGN, 1));
}

bool
serving_check_layer(const Serving *serving)
{
	ModelTable table;
	bool same;

	reco_layer_open(&table, serving->schema, AccessShareLock);
	reco_check_policies(table.heap);
	same = reco_table_id_is(&table, serving->user_type);
	reco_table_close(&table);
	return same;
}

/*
 * The number of rows comes from a table that its owner may write to: no more
 * memory is taken for it than the rows' own table can account for.
 */
void
serving_check_size(ModelTable *table, int32 rows)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(table->heap);

	if ((uint64) rows > (uint64) blocks * MaxHeapTuplesPerPage)
		reco_damaged(RelationGetNamespace(table->heap),
					 psprintf("Its table \"%s\" cannot hold %d rows.",
							  RelationGetRelationName(table->heap), rows));
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
	Datum stored = slot->tts_values[COLUMN_CONTENT];
	int32 terms = load->serving->features->terms;
	struct varlena *features = reco_unpack(stored, VARHDRSZ + reco_history_bound(terms));
	const uint8 *data = features ? (const uint8 *) VARDATA_ANY(features) : NULL;
	Size size = features ? VARSIZE_ANY_EXHDR(features) : 0;
	int64 n = features == NULL ? -1 : size == 0 ? 0 : reco_history_count(data, size);

	if (n < 0 || n > terms)
		reco_damaged(load->serving->schema, "An item's features are not readable.");
	load->term[number] = load_alloc(load->budget, load->context, n, sizeof(int32));
	load->term_weight[number] = load_alloc(load->budget, load->context, n, sizeof(float));
	if (n > 0 && !reco_history_decode(&reco_poll_env, data, size, terms, load->term[number],
									  load->term_weight[number]))
		reco_damaged(load->serving->schema, "An item's features are not readable.");
	for (int64 k = 0; k < n; k++)
	{
		RECO_POLL_AT(k + 1);
		if (!(load->term_weight[number][k] >= 0 && load->term_weight[number][k] <= 1))
			reco_damaged(load->serving->schema, "An item's features are not readable.");
	}
	load->term_counts[number] = (int32) n;
	if ((Pointer) features != DatumGetPointer(stored))
		pfree(features);
}

static void
load_numbers(ItemLoad *load, TupleTableSlot *slot, int32 number)
{
	const Serving *serving = load->serving;
	const reco_content *content = &serving->features->content;
	float *to = content->dense + (Size) number * content->stride;

	if (!reco_numbers_of(slot->tts_values[COLUMN_NUMBERS], reco_content_numbers(content), to))
		reco_damaged(serving->schema, "An item's numbers are not readable.");
	check_embeddings(serving, to);
}

static bool
load_item(void *arg, TupleTableSlot *slot)
{
	ItemLoad *load = arg;
	Serving *serving = load->serving;
	RecoModel *model = &serving->model;
	int32 number = DatumGetInt32(slot->tts_values[COLUMN_NUMBER]);

	if (number < 0 || number >= model->items || load->seen[number])
		reco_damaged(serving->schema, "The rows of its items do not belong together.");
	load->seen[number] = true;
	load->count++;
	load->id[number] = datumCopy(slot->tts_values[COLUMN_ID], serving->item_type->typbyval,
								 serving->item_type->typlen);
	reco_parts_load_row(load->parts, slot->tts_values[COLUMN_PARTS], number);
	serving->trend[number] = DatumGetFloat4(slot->tts_values[COLUMN_TREND]);
	if (!(fabsf(serving->trend[number]) <= RECO_MAX_FACTOR))
		reco_damaged(serving->schema, "The rows of its items do not belong together.");
	serving->interactions[number] = DatumGetInt32(slot->tts_values[COLUMN_INTERACTIONS]);
	if (load->term_counts)
	{
		load_terms(load, slot, number);
		load_numbers(load, slot, number);
	}
	return true;
}

/* The features in one piece, and what is made from them. */
static void
join_terms(ItemLoad *load)
{
	RecoBudget *budget = load->budget;
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
		reco_poll();
		memcpy(a->col + a->start[i], load->term[i], load->term_counts[i] * sizeof(int32));
		memcpy(a->value + a->start[i], load->term_weight[i], load->term_counts[i] * sizeof(float));
	}
	content->items = model->items;
}

/*
 * Reads the items in a context of its own, so that what reading leaves behind goes
 * with it.
 */
static void
load_items(Serving *serving, ModelTable *table, RecoBudget *budget)
{
	MemoryContext context =
		AllocSetContextCreate(serving->context, "reco items", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ItemLoad load = {serving, table, budget, context};
	RecoModel *model = &serving->model;
	int32 items = model->items;

	load.id = load_alloc(budget, context, items, sizeof(Datum));
	load.seen = load_alloc(budget, context, items, sizeof(bool));
	load.parts = reco_parts_load(serving->schema, model, RECO_OF_ITEMS, false, budget, context);
	if (serving->features)
	{
		load.term_counts = load_alloc(budget, context, items, sizeof(int32));
		load.term = load_alloc(budget, context, items, sizeof(int32 *));
		load.term_weight = load_alloc(budget, context, items, sizeof(float *));
		serving->features->content.dense =
			load_alloc_rows(budget, serving->context, items, serving->features->content.stride);
	}
	reco_table_scan(table, serving->version, NULL, GetActiveSnapshot(), load_item, &load);
	if (load.count != items)
		reco_damaged(serving->schema, psprintf("It has %d of its %d items.", load.count, items));
	serving->items = id_dict_create(serving->context, serving->item_type);
	id_dict_limit(serving->items, budget, "serving");
	for (int32 i = 0; i < items; i++)
	{
		if (i % 4096 == 0)
			reco_poll();
		if (id_dict_add(serving->items, load.id[i]) != i)
			reco_damaged(serving->schema, "An item is there twice.");
	}
	id_dict_limit(serving->items, NULL, NULL);
	reco_parts_load_end(load.parts);
	reco_parts_load_others(serving->schema, serving->version, model, budget, context);
	if (serving->features)
		join_terms(&load);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* A hash of what says what the arrays of a version mean. */
static uint64
add_to_hash(const void *data, Size bytes, uint64 hash)
{
	return DatumGetUInt64(hash_any_extended(data, bytes, hash));
}

static uint64
meaning_of(const RecoModel *model, const VersionRow *version, const RecoDataOptions *options)
{
	const char *algorithm = reco_spec_describe(model->spec);
	uint64 hash = add_to_hash(algorithm, strlen(algorithm),
							  (version->fields != NULL) + 2 * reco_data_keeps_seen(options));

	if (version->fields)
		hash = add_to_hash(VARDATA_ANY(version->fields), VARSIZE_ANY_EXHDR(version->fields), hash);
	/* what a later library declares in its place means something else */
	for (int m = 0; m < model->members; m++)
		for (int p = 0; p < model->member[m].parts; p++)
		{
			const RecoPartType *type = &model->member[m].type[p];
			int shape[] = {type->side, type->shape, type->element, type->width,
						   type->of,   type->kept,  type->padded,  type->rows};

			hash = add_to_hash(type->name, strlen(type->name), hash);
			hash = add_to_hash(shape, sizeof(shape), hash);
		}
	return hash;
}

/* By which key it has pseudonyms of its users. */
static void
check_key(Serving *serving, const VersionRow *version)
{
	IdPseudonyms *by = serving->user_type->pseudonyms;

	if ((by == NULL) != (version->key == NULL))
		reco_damaged(serving->schema, "A version does not tell whether its users are pseudonyms.");
	if (by == NULL)
		return;
	by->version = serving->version;
	by->check = *version->key;
}

/*
 * Makes a serving in a context of its own, with all that is not in an image.
 */
Serving *
reco_serving_describe(const ModelRow *row, VersionRow *version)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco model", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Serving *serving = palloc0(sizeof(Serving));
	RecoModel *model = &serving->model;
	ModelTable items;
	ModelTable users;

	reco_version_read(row->schema, row->active_version, GetActiveSnapshot(), version);
	if (version->algorithm == NULL || version->items < 0 || version->users < 0 ||
		version->added_users < 0 || version->added_users > PG_INT32_MAX - version->users ||
		version->forgotten_users < 0 || !(fabsf(version->min_value) <= FLT_MAX) ||
		!(fabsf(version->max_value) <= FLT_MAX) || !(version->min_value <= version->max_value))
		reco_damaged(row->schema, psprintf("Its version %d is not complete.", row->active_version));
	serving->schema = row->schema;
	serving->version = row->active_version;
	serving->nonce = row->active_nonce;
	serving->epoch = row->active_epoch;
	serving->context = context;
	model->spec = reco_spec_parse(version->algorithm);
	if (reco_spec_is_replaced(model->spec))
		reco_damaged(row->schema,
					 psprintf("The algorithm of its version %d is none that is trained.",
							  row->active_version));
	if (reco_spec_is_open(model->spec))
		reco_damaged(row->schema, psprintf("The algorithm of its version %d leaves options open.",
										   row->active_version));
	reco_data_options_parse(version->options, &serving->options);
	reco_table_open(&items, row->schema, false, AccessShareLock);
	reco_check_policies(items.heap);
	reco_table_open(&users, row->schema, true, AccessShareLock);
	reco_check_policies(users.heap);
	serving->item_type = reco_table_id_type(&items);
	serving->user_type = reco_table_id_type(&users);
	reco_model_user_type(row, serving->user_type);
	reco_table_close(&users);
	reco_table_close(&items);
	check_key(serving, version);
	if (serving->epoch && !serving_check_layer(serving))
		reco_damaged(row->schema, "The ids of its users are of two types.");
	if (version->fields || model->spec->features == RECO_FEATURES_REQUIRED)
	{
		serving->features = reco_fields_read(version->fields);
		if (serving->features == NULL)
			reco_damaged(row->schema, "The fields of its features are not readable.");
		serving->features->content.stride =
			TYPEALIGN(16, reco_content_numbers(&serving->features->content));
		reco_terms_check(row->schema, serving->features->terms);
		model->content = &serving->features->content;
	}
	serving->added = serving->epoch ? version->added_users : 0;
	serving->users = version->users + serving->added;
	serving->forgotten = serving->epoch ? version->forgotten_users : 0;
	if (serving->forgotten > serving->users)
		reco_damaged(row->schema, psprintf("Its version %d is not complete.", row->active_version));
	serving->available = version->available;
	serving->withholds = (version->forgotten_users > 0 || reco_spec_is_private(model->spec)) &&
						 serving->options.min_users_per_item > 1;
	serving->untimed = version->untimed;
	serving->reference_time = version->reference_time;
	model->items = version->items;
	model->users = serving->users;
	model->terms = serving->features ? serving->features->terms : 0;
	model->min_value = version->min_value;
	model->max_value = version->max_value;
	model->members = reco_members_make(model->spec, &model->member);
	serving->hash = meaning_of(model, version, &serving->options);
	MemoryContextSwitchTo(old);
	return serving;
}

static int
compare_popular(const void *a, const void *b, void *arg)
{
	const float *interactions = arg;
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;
	static uint32 compared;

	if (++compared % 65536 == 0)
		reco_poll();
	if (interactions[x] != interactions[y])
		return interactions[x] > interactions[y] ? -1 : 1;
	return (x > y) - (x < y);
}

static const int32 *
popular_order(const Serving *serving)
{
	int32 items = serving->model.items;
	int32 *order = serving_alloc(serving->context, items, sizeof(int32));

	for (int32 i = 0; i < items; i++)
	{
		RECO_POLL_AT(i);
		order[i] = i;
	}
	qsort_arg(order, items, sizeof(int32), compare_popular, serving->interactions);
	return order;
}

Serving *
reco_serving_load(const ModelRow *row)
{
	VersionRow version;
	Serving *serving = reco_serving_describe(row, &version);
	MemoryContext context = serving->context;
	RecoModel *model = &serving->model;
	RecoBudget budget;
	ModelTable items;

	reco_table_open(&items, row->schema, false, AccessShareLock);
	reco_check_policies(items.heap);
	reco_table_require_id(&items, serving->item_type);
	serving_check_size(&items, model->items);
	reco_budget_init(&budget, context);
	budget.held = true;
	serving->interactions = load_alloc(&budget, context, model->items, sizeof(float));
	serving->trend = load_alloc(&budget, context, model->items, sizeof(float));
	load_items(serving, &items, &budget);
	reco_table_close(&items);
	model->interactions = serving->interactions;
	reco_model_prepare(model, true, &budget);
	if (model->content && model->content->by_term.start == NULL)
		reco_budget_check(&budget, reco_content_index(&budget.env, model->content), "the model");
	reco_model_index(model, &budget);
	serving->popular = popular_order(serving);
	return serving;
}
