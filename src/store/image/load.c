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
#include "store/tables/terms.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

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
	/* each item's list of neighbors; NULL: the algorithm has none */
	int32 *lengths;
	int32 **neighbor;
	double **similarity;
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

/* A matrix whose rows start on cache lines. */
float *
serving_alloc_matrix(MemoryContext context, Size rows, int stride)
{
	return (float *) TYPEALIGN(
		RECO_ALIGN, serving_alloc(context, rows * stride * sizeof(float) + RECO_ALIGN, 1));
}

/* The same while a version is read, which asking for fewer rows would not make smaller. */
static void *
load_alloc(RecoBudget *budget, MemoryContext context, Size count, Size size)
{
	reco_budget_require(budget, Max(count, 1) * size, "serving");
	return serving_alloc(context, count, size);
}

float *
serving_load_matrix(RecoBudget *budget, MemoryContext context, Size rows, int stride)
{
	reco_budget_require(budget, rows * stride * sizeof(float) + RECO_ALIGN, "serving");
	return serving_alloc_matrix(context, rows, stride);
}

void
serving_copy_factors(Oid schema, Datum value, int d, bool nan_ok, float *to)
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

	serving_copy_factors(serving->schema, slot->tts_values[COLUMN_NUMBERS],
						 reco_content_numbers(content), true, to);
	check_embeddings(serving, to);
}

/* What a row's list of neighbors takes: unpacked, and then without what is around it. */
static Size
list_bytes(TupleTableSlot *slot, int32 items)
{
	Size bytes = toast_raw_datum_size(slot->tts_values[COLUMN_NEIGHBORS]) +
				 toast_raw_datum_size(slot->tts_values[COLUMN_SIMILARITIES]);

	/* a longer one is not unpacked */
	return 2 * Min(bytes, ((Size) items + 16) * (sizeof(int32) + sizeof(double)));
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
	reco_budget_require(load->budget, load->lengths ? list_bytes(slot, model->items) : 0,
						"serving");
	load->id[number] = datumCopy(slot->tts_values[COLUMN_ID], serving->item_type->typbyval,
								 serving->item_type->typlen);
	serving_copy_factors(serving->schema, slot->tts_values[COLUMN_FACTORS], model->factors, false,
						 model->item + (Size) number * model->stride);
	model->item_bias[number] = bias;
	serving->trend[number] = DatumGetFloat4(slot->tts_values[COLUMN_TREND]);
	if (!(fabsf(serving->trend[number]) <= RECO_MAX_FACTOR))
		reco_damaged(serving->schema, "The rows of its items do not belong together.");
	serving->interactions[number] = DatumGetInt32(slot->tts_values[COLUMN_INTERACTIONS]);
	if (load->lengths)
		load->lengths[number] = reco_neighbors_of(
			load->table, slot, model->items, &load->neighbor[number], &load->similarity[number]);
	if (load->term_counts)
	{
		load_terms(load, slot, number);
		load_numbers(load, slot, number);
	}
	return true;
}

/* The lists in one piece. */
static void
join_lists(ItemLoad *load, reco_neighbors *out)
{
	RecoBudget *budget = load->budget;
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
		reco_poll();
		memcpy(out->row + out->start[i], load->neighbor[i], load->lengths[i] * sizeof(int32));
		memcpy(out->similarity + out->start[i], load->similarity[i],
			   load->lengths[i] * sizeof(double));
	}
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
	if (reco_spec_needs(model->spec, RECO_NEEDS_LISTS))
	{
		load.lengths = load_alloc(budget, context, items, sizeof(int32));
		load.neighbor = load_alloc(budget, context, items, sizeof(int32 *));
		load.similarity = load_alloc(budget, context, items, sizeof(double *));
	}
	if (serving->features)
	{
		load.term_counts = load_alloc(budget, context, items, sizeof(int32));
		load.term = load_alloc(budget, context, items, sizeof(int32 *));
		load.term_weight = load_alloc(budget, context, items, sizeof(float *));
		serving->features->content.dense =
			serving_load_matrix(budget, serving->context, items, serving->features->content.stride);
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
	if (load.lengths)
		join_lists(&load, &model->neighbors);
	if (serving->features)
		join_terms(&load);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* A hash of what says what the arrays of a version mean. */
static uint64
meaning_of(const RecoSpec *spec, const VersionRow *version)
{
	const char *algorithm = reco_spec_describe(spec);
	uint64 hash = DatumGetUInt64(hash_any_extended((const unsigned char *) algorithm,
												   strlen(algorithm), version->fields != NULL));

	if (version->fields)
		hash =
			DatumGetUInt64(hash_any_extended((const unsigned char *) VARDATA_ANY(version->fields),
											 VARSIZE_ANY_EXHDR(version->fields), hash));
	return hash;
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
		version->factors < 0 || version->factors > RECO_ALS_MAX_FACTORS ||
		!(fabs(version->mean) <= RECO_MAX_FACTOR) || !(version->min_value <= version->max_value))
		reco_damaged(row->schema, psprintf("Its version %d is not complete.", row->active_version));
	serving->schema = row->schema;
	serving->version = row->active_version;
	serving->nonce = row->active_nonce;
	serving->context = context;
	model->spec = reco_spec_parse(version->algorithm);
	reco_table_open(&items, row->schema, false, AccessShareLock);
	reco_check_policies(items.heap);
	reco_table_open(&users, row->schema, true, AccessShareLock);
	reco_check_policies(users.heap);
	serving->item_type = reco_table_id_type(&items);
	serving->user_type = reco_table_id_type(&users);
	reco_table_close(&users);
	reco_table_close(&items);
	if (version->fields || reco_spec_needs(model->spec, RECO_NEEDS_CONTENT))
	{
		serving->features = reco_fields_read(version->fields);
		if (serving->features == NULL)
			reco_damaged(row->schema, "The fields of its features are not readable.");
		serving->features->content.stride =
			TYPEALIGN(16, reco_content_numbers(&serving->features->content));
		reco_terms_check(row->schema, serving->features->terms);
		model->content = &serving->features->content;
	}
	serving->users = version->users;
	serving->available = version->available;
	serving->untimed = version->untimed;
	serving->reference_time = version->reference_time;
	model->items = version->items;
	model->factors = version->factors;
	model->stride = TYPEALIGN(16, version->factors);
	model->mean = version->mean;
	model->min_value = version->min_value;
	model->max_value = version->max_value;
	serving->hash = meaning_of(model->spec, version);
	if (!model->spec->algorithm->fits(model))
		reco_damaged(row->schema, "Its factors are not those of its algorithm.");
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
	model->item = serving_load_matrix(&budget, context, model->items, model->stride);
	model->item_bias = load_alloc(&budget, context, model->items, sizeof(float));
	serving->interactions = load_alloc(&budget, context, model->items, sizeof(float));
	serving->trend = load_alloc(&budget, context, model->items, sizeof(float));
	load_items(serving, &items, &budget);
	reco_table_close(&items);
	if (model->spec->algorithm->prepare)
		model->spec->algorithm->prepare(model, &budget);
	if (model->content && model->content->by_term.start == NULL)
		reco_budget_check(&budget, reco_content_index(&budget.env, model->content), "the model");
	reco_model_prepare_serving(model, &budget);
	serving->popular = popular_order(serving);
	return serving;
}
