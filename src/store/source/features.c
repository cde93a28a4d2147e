/*
 * features.c
 *	  What is known about items: from rows to sparse terms and dense columns.
 *
 * What a column says is for its type to tell (values.c).  A NULL is a feature that the
 * item lacks.
 *
 * Terms of all fields are numbered in one sequence, field by field and in the
 * order of their bytes, so that nothing depends on the order of the rows.
 */
#include "store/source/features_state.h"

#include "access/detoast.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include <math.h>

const char *
features_role(const FeatureReader *reader)
{
	return reader->kind == &reco_the_users ? "user" : "item";
}

/* The id of a row in messages: it has the type of the query's column. */
char *
features_id_of(FeatureReader *reader, TupleTableSlot *slot)
{
	Oid out;
	bool varlena;

	getTypeOutputInfo(reader->id_type, &out, &varlena);
	return OidOutputFunctionCall(out, slot->tts_values[0]);
}

void
features_check_memory(FeatureReader *reader, Size more)
{
	reco_budget_require(reader->budget,
						id_dict_memory(reader->items) + id_dict_memory(reader->terms) +
							MemoryContextMemAllocated(reader->row, true) + more,
						reader->kind == &reco_the_users ? "reading users" : "reading items");
	reader->unchecked = 0;
}

/* Whether a type has numbers that no integer equals. */
static bool
is_number(Oid type)
{
	Oid base = getBaseType(type);

	return base == NUMERICOID || base == FLOAT8OID || base == FLOAT4OID;
}

static pg_attribute_noreturn() void no_integer(FeatureReader *reader, TupleTableSlot *slot)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s id %s is not of type %s", features_role(reader),
					features_id_of(reader, slot), format_type_be(reader->item_type->type)),
			 errhint("Let the query return ids of that type, or skip such rows with options => "
					 "reco.options(on_invalid => 'skip').")));
}

/*
 * The number of a row's item; -1: it is none of the model, or skipped.
 */
static int32
find_item(FeatureReader *reader, TupleTableSlot *slot)
{
	Datum id;

	if (!id_from_datum(reader->item_type, slot->tts_values[0], reader->id_type, &id))
	{
		/* an integer beyond the type is an item of elsewhere, a fraction a mistake */
		if (reader->options->on_invalid == ON_INVALID_ERROR && is_number(reader->id_type))
			no_integer(reader, slot);
		return -1;
	}
	if (!reader->join)
		return id_dict_find(reader->items, id);
	if (reader->excluded && id_dict_find(reader->excluded, id) >= 0)
		return -1;
	if (!id_fits(reader->item_type, id))
	{
		if (reader->options->on_invalid == ON_INVALID_ERROR)
			id_too_long(reader->item_type, id, features_role(reader), true);
		reader->skipped++;
		return -1;
	}
	if (reader->item_type->typlen == -1)
		reader->unchecked += toast_raw_datum_size(id);
	return id_dict_add(reader->items, id);
}

/* An item may be described once. */
static void
check_new(FeatureReader *reader, TupleTableSlot *slot, int32 item)
{
	if (item >= reader->seen_slots)
	{
		int32 slots = (int32) Min(item + (int64) item / 2 + 1024, PG_INT32_MAX);
		bool *seen = reco_budget_alloc(reader->budget, slots * sizeof(bool));

		memset(seen, 0, slots * sizeof(bool));
		if (reader->seen)
			memcpy(seen, reader->seen, reader->seen_slots * sizeof(bool));
		reco_budget_free(reader->budget, reader->seen);
		reader->seen = seen;
		reader->seen_slots = slots;
	}
	if (reader->seen[item])
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
						errmsg("%s \"%s\" appears more than once in %s", features_role(reader),
							   features_id_of(reader, slot), reader->kind->name),
						errhint("Group the query by the %s, or collect its attributes with "
								"array_agg().",
								features_role(reader))));
	reader->seen[item] = true;
}

static bool
receive(TupleTableSlot *slot, DestReceiver *receiver)
{
	FeatureReader *reader = (FeatureReader *) receiver;
	MemoryContext old;
	int32 item;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0])
		return true;
	if (++reader->rows % CHECK_ROWS == 0 ||
		MemoryContextMemAllocated(reader->row, false) > CHECK_BYTES)
		MemoryContextReset(reader->row);
	if (reader->rows % CHECK_ROWS == 0 || reader->unchecked > CHECK_BYTES)
		features_check_memory(reader, 0);
	old = MemoryContextSwitchTo(reader->row);
	item = find_item(reader, slot);
	if (item < 0)
	{
		MemoryContextSwitchTo(old);
		return true;
	}
	check_new(reader, slot, item);
	for (int c = 1; c < reader->columns; c++)
	{
		int f = reader->field[c];

		if (f >= 0 && !slot->tts_isnull[c])
			features_add(reader, slot, item, &reader->column[f], slot->tts_values[c]);
	}
	MemoryContextSwitchTo(old);
	return true;
}

static void
startup(DestReceiver *receiver, int operation, TupleDesc columns)
{
	const FeatureReader *reader = (FeatureReader *) receiver;

	reco_query_same(reader->kind, reader->planned, columns);
}

bool
features_is_available(Form_pg_attribute attribute)
{
	return attribute->atttypid == BOOLOID && strcmp(NameStr(attribute->attname), "available") == 0;
}

bool
features_say_available(TupleDesc columns)
{
	for (int c = 1; c < columns->natts; c++)
		if (features_is_available(TupleDescAttr(columns, c)))
			return true;
	return false;
}

bool
features_any(TupleDesc columns)
{
	for (int c = 1; c < columns->natts; c++)
		if (!features_is_available(TupleDescAttr(columns, c)))
			return true;
	return false;
}

FeatureReader *
features_begin(const RecoQueryKind *kind, TupleDesc columns, IdType *item_type, IdDict *items,
			   bool join, const RecoDataOptions *options, RecoBudget *budget)
{
	MemoryContext old = MemoryContextSwitchTo(budget->context);
	FeatureReader *reader = palloc0(sizeof(FeatureReader));
	RecoFeatures *out = palloc0(sizeof(RecoFeatures));

	if (columns->natts < 2 || columns->natts > RECO_MAX_FIELDS + 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have 2 to %d columns, not %d", kind->name_of,
							   RECO_MAX_FIELDS + 1, columns->natts),
						errhint("Its columns are %s.", kind->columns)));
	reader->kind = kind;
	reader->budget = budget;
	reader->out = out;
	reader->item_type = item_type;
	reader->items = items;
	reader->join = join;
	if (kind == &reco_the_items)
		reader->excluded = reco_data_excluded(options, item_type);
	reader->options = options;
	reader->columns = columns->natts;
	reader->planned = CreateTupleDescCopy(columns);
	reader->id_type = TupleDescAttr(columns, 0)->atttypid;
	id_type_init(&reader->term_type, TEXTOID, -1, C_COLLATION_OID, "term");
	reader->terms = id_dict_create(budget->context, &reader->term_type);
	id_dict_limit(reader->terms, budget, "reading items");
	for (int c = 1; c < columns->natts; c++)
	{
		Form_pg_attribute attribute = TupleDescAttr(columns, c);
		int f = out->content.fields;

		reader->field[c] = -1;
		if (kind == &reco_the_items && features_is_available(attribute))
			continue;
		reader->field[c] = f;
		out->name[f] = pstrdup(NameStr(attribute->attname));
		features_classify(&reader->column[f], attribute->atttypid);
		out->category[f] = reader->column[f].category;
		out->content.field[f].kind = reader->column[f].kind;
		out->content.field[f].weight = 1;
		out->content.fields++;
	}
	if (out->content.fields == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("items say nothing but what is available"),
						errhint("Its columns are the item's id and what is known about it.")));
	reco_triples_init(&reader->triples, &budget->env, true, false);
	reader->row = AllocSetContextCreate(budget->context, "reco row", ALLOCSET_DEFAULT_SIZES);
	reco_receiver_init(&reader->receiver, startup, receive);
	MemoryContextSwitchTo(old);
	return reader;
}

DestReceiver *
features_receiver(FeatureReader *reader)
{
	return &reader->receiver;
}

/* Rows of dropped items go; the others get their new numbers. */
static void
keep_rows(reco_csr *a, const int32 *map, int32 kept)
{
	int64 to = 0;

	for (int32 r = 0; r < a->rows; r++)
	{
		int64 from = a->start[r];
		int64 end = a->start[r + 1];

		if (map[r] < 0)
			continue;
		a->start[map[r]] = to;
		for (int64 e = from; e < end; e++, to++)
		{
			RECO_POLL_AT(e);
			a->col[to] = a->col[e];
			a->value[to] = a->value[e];
		}
		RECO_POLL_AT(r);
	}
	a->start[kept] = to;
	a->rows = kept;
}

/* The terms' texts, and which of them are each field's. */
static void
finish_terms(FeatureReader *reader)
{
	RecoFeatures *out = reader->out;
	reco_content *content = &out->content;

	out->terms = id_dict_count(reader->terms);
	out->term = MemoryContextAllocExtended(
		reader->budget->context, ((Size) out->terms + 1) * sizeof(char *), MCXT_ALLOC_HUGE);
	for (int32 t = 0; t < out->terms; t++)
	{
		char *key = text_to_cstring(DatumGetTextPP(id_dict_id(reader->terms, t)));
		int f = (key[0] - '0') * 50 + (key[1] - '0');

		out->term[t] = key + FEATURE_PREFIX;
		if (content->field[f].to == 0)
			content->field[f].from = t;
		content->field[f].to = t + 1;
		RECO_POLL_EACH(t, RECO_SEARCHES);
	}
}

static void
finish_dense(FeatureReader *reader, const int32 *rank, const int32 *map, int32 kept)
{
	reco_content *content = &reader->out->content;
	int columns = 0;

	for (int f = 0; f < content->fields; f++)
		if (reader->column[f].kind == RECO_EMBEDDING || reader->column[f].kind == RECO_NUMBER)
		{
			content->field[f].from = columns;
			columns += reader->column[f].size;
			content->field[f].to = columns;
		}
	if (columns > RECO_MAX_DENSE)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s have %d numbers each, more than %d", reader->kind->name, columns,
							   RECO_MAX_DENSE)));
	content->stride = TYPEALIGN(16, columns);
	content->dense =
		reco_budget_alloc(reader->budget, ((Size) kept * content->stride + 1) * sizeof(float));
	for (int32 i = 0; i < kept; i++)
	{
		if (i % CHECK_ROWS == 0)
			reco_poll();
		memset(content->dense + (Size) i * content->stride, 0, content->stride * sizeof(float));
	}
	for (int f = 0; f < content->fields; f++)
	{
		FeatureColumn *column = &reader->column[f];
		int32 from = content->field[f].from;

		if (column->kind == RECO_NUMBER)
			for (int32 i = 0; i < kept; i++)
			{
				RECO_POLL_AT(i);
				content->dense[(Size) i * content->stride + from] = NAN;
			}
		for (int64 k = 0; k < column->n; k++)
		{
			int32 i = rank[column->item[k]];

			if (map)
				i = map[i];
			if (i >= 0)
				memcpy(content->dense + (Size) i * content->stride + from,
					   column->value + k * column->size, column->size * sizeof(float));
			/* as many as RECO_MAX_DENSE numbers each */
			RECO_POLL_EACH(k, 1024);
		}
		reco_budget_free(reader->budget, column->item);
		reco_budget_free(reader->budget, column->value);
	}
}

RecoFeatures *
features_finish(FeatureReader *reader, const int32 *rank, int32 items, const int32 *map, int32 kept,
				int64 *skipped)
{
	MemoryContext old = MemoryContextSwitchTo(reader->budget->context);
	RecoBudget *budget = reader->budget;
	int32 terms = id_dict_count(reader->terms);
	int32 *term_rank = reco_budget_alloc(budget, ((Size) terms + 1) * sizeof(int32));
	reco_interactions x;

	*skipped = reader->skipped;
	features_check_memory(reader, 0);
	/* the texts are copied once more, when the rows are sorted */
	reco_budget_require(budget,
						Max(reco_triples_build_memory(&reader->triples, items, terms),
							id_dict_memory(reader->terms)) +
							id_dict_memory(reader->items) + id_dict_memory(reader->terms),
						"reading items");
	id_dict_sort(reader->terms, term_rank);
	reco_budget_check(budget,
					  reco_triples_build(&reader->triples, items, terms, rank, term_rank, &x),
					  "reading items");
	reco_budget_free(budget, term_rank);
	reco_budget_free(budget, x.latest);
	if (x.by_user.value == NULL)
	{
		int64 entries = x.by_user.start[items];

		x.by_user.value = reco_budget_alloc(budget, (entries + 1) * sizeof(float));
		for (int64 e = 0; e < entries; e++)
		{
			x.by_user.value[e] = 1;
			RECO_POLL_AT(e);
		}
	}
	if (map)
		keep_rows(&x.by_user, map, kept);
	reader->out->content.items = kept;
	reader->out->content.by_item = x.by_user;
	finish_terms(reader);
	finish_dense(reader, rank, map, kept);
	reader->out->idf = reco_zeros(budget, reader->out->terms);
	reco_budget_check(budget,
					  reco_content_prepare(&budget->env, &reader->out->content, reader->out->idf,
										   reader->out->mean, reader->out->deviation),
					  "reading items");
	MemoryContextDelete(reader->row);
	MemoryContextSwitchTo(old);
	return reader->out;
}
