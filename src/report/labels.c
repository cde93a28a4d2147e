/*
 * labels.c
 *	  Titles and categories of items, from a model's query of items.
 *
 * The query runs as the model's owner; a report has what it says only for callers who may read
 * the model's own table of items.  A column of text called "title" or "name", or by such a word at
 * its end, is the title; else the one that tells the most items apart.  Of the others whose
 * values are few, the one whose number of values is nearest to what colors can tell is the
 * category: a text, a text to a "|", an enum, or the first of an array.
 *
 * Cost: a run of the query for at most some ten thousand items; of each text its beginning is
 * kept.
 */
#include "report/report.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include <ctype.h>
#include <math.h>

#define MOST_COLUMNS 16
#define TEXT_BYTES 600

/* Values of a category: as many as a reader can tell apart. */
#define BEST_CATEGORIES 9
#define MOST_CATEGORIES 60

typedef struct LabelColumn
{
	int number; /* of the query, from 0 */
	char *name;
	Oid type; /* base type */
	Oid output;
	bool is_text;
	bool is_array; /* of texts */
	HTAB *values;  /* distinct ones, of all rows */
} LabelColumn;

typedef struct LabelValue
{
	char key[NAMEDATALEN]; /* its beginning */
	int32 rows;
	int32 number; /* by falling rows */
} LabelValue;

/* What a row says, text by text; NULL: nothing. */
typedef struct LabelRow
{
	int32 item; /* key */
	char *text[MOST_COLUMNS];
} LabelRow;

typedef struct LabelReader
{
	DestReceiver receiver; /* first */
	Report *report;
	MemoryContext context;
	MemoryContext scratch;
	HTAB *rows;
	LabelColumn column[MOST_COLUMNS];
	int columns;
	Oid id_type;
} LabelReader;

static HTAB *
make_table(MemoryContext context, Size key, Size entry, bool by_text)
{
	HASHCTL control = {.keysize = key, .entrysize = entry, .hcxt = context};

	return hash_create("reco report", 256, &control,
					   HASH_ELEM | HASH_CONTEXT | (by_text ? HASH_STRINGS : HASH_BLOBS));
}

/* Texts, enums, and arrays of texts. */
static void
find_columns(LabelReader *reader, TupleDesc columns)
{
	reader->columns = 0;
	for (int c = 1; c < columns->natts && reader->columns < MOST_COLUMNS; c++)
	{
		Form_pg_attribute attribute = TupleDescAttr(columns, c);
		Oid type = getBaseType(attribute->atttypid);
		LabelColumn *column = &reader->column[reader->columns];
		char category;
		bool preferred;
		bool varlena;

		get_type_category_preferred(type, &category, &preferred);
		*column = (LabelColumn){c, pstrdup(NameStr(attribute->attname)), type};
		column->is_text = category == TYPCATEGORY_STRING;
		column->is_array = type == TEXTARRAYOID;
		if (!column->is_text && !column->is_array && category != TYPCATEGORY_ENUM)
			continue;
		getTypeOutputInfo(type, &column->output, &varlena);
		column->values = make_table(reader->context, NAMEDATALEN, sizeof(LabelValue), true);
		reader->columns++;
	}
}

static void
start_rows(DestReceiver *receiver, int operation, TupleDesc columns)
{
	LabelReader *reader = (LabelReader *) receiver;
	MemoryContext old = MemoryContextSwitchTo(reader->context);

	reader->id_type = TupleDescAttr(columns, 0)->atttypid;
	find_columns(reader, columns);
	MemoryContextSwitchTo(old);
}

/* The beginning of a text without spaces around it; NULL: nothing is left. */
static char *
clip(char *text)
{
	size_t length;

	while (isspace((unsigned char) *text))
		text++;
	length = strlen(text);
	if (length > TEXT_BYTES)
		length = (size_t) pg_mbcliplen(text, (int) Min(length, PG_INT32_MAX), TEXT_BYTES);
	while (length > 0 && isspace((unsigned char) text[length - 1]))
		length--;
	return length > 0 ? pnstrdup(text, length) : NULL;
}

static char *
first_of_array(Datum value)
{
	ArrayType *array = DatumGetArrayTypeP(value);
	ArrayIterator iterator = array_create_iterator(array, 0, NULL);
	Datum element;
	bool isnull;
	char *first = NULL;

	if (array_iterate(iterator, &element, &isnull) && !isnull)
		first = clip(TextDatumGetCString(element));
	return first;
}

/* Counts a value of what may be a category. */
static void
count_value(LabelColumn *column, const char *text)
{
	char key[NAMEDATALEN] = "";
	LabelValue *value;
	size_t length = strcspn(text, "|");
	bool found;

	/* so many that it is none: no need to know how many */
	if (hash_get_num_entries(column->values) > 100000)
		return;
	if (length >= NAMEDATALEN)
		length = (size_t) pg_mbcliplen(text, (int) length, NAMEDATALEN - 1);
	memcpy(key, text, length);
	value = hash_search(column->values, key, HASH_ENTER, &found);
	value->rows = found ? value->rows + 1 : 1;
	value->number = -1;
}

static bool
take_row(TupleTableSlot *slot, DestReceiver *receiver)
{
	LabelReader *reader = (LabelReader *) receiver;
	const Serving *serving = reader->report->request.serving;
	MemoryContext old;
	LabelRow *row;
	Datum id;
	int32 item;
	bool found;

	reco_poll();
	slot_getallattrs(slot);
	if (slot->tts_isnull[0] ||
		!id_from_datum(serving->item_type, slot->tts_values[0], reader->id_type, &id) ||
		(item = id_dict_find(serving->items, id)) < 0)
		return true;
	row = hash_search(reader->rows, &item, HASH_ENTER, &found);
	if (!found)
		memset(row->text, 0, sizeof(row->text));
	for (int c = 0; c < reader->columns; c++)
	{
		LabelColumn *column = &reader->column[c];
		Datum value = slot->tts_values[column->number];
		char *text;

		if (slot->tts_isnull[column->number])
			continue;
		old = MemoryContextSwitchTo(reader->scratch);
		text = column->is_array ? first_of_array(value)
								: clip(OidOutputFunctionCall(column->output, value));
		if (text)
			count_value(column, text);
		/* of an item that has several rows the least text counts, in whatever order they come */
		if (text && (row->text[c] == NULL || strcmp(text, row->text[c]) < 0))
			row->text[c] = MemoryContextStrdup(reader->context, text);
		MemoryContextSwitchTo(old);
	}
	MemoryContextReset(reader->scratch);
	return true;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name);
	size_t m = strlen(end);

	return n >= m && pg_strcasecmp(name + n - m, end) == 0;
}

static int
title_rank(const LabelColumn *column)
{
	static const char *const names[] = {"title", "name", "label", "description"};

	for (int k = 0; k < lengthof(names); k++)
		if (pg_strcasecmp(column->name, names[k]) == 0)
			return 2 * lengthof(names) - k;
	for (int k = 0; k < lengthof(names); k++)
		if (ends_with(column->name, names[k]))
			return lengthof(names) - k;
	return 0;
}

/* Which column is the title; -1: none. */
static int
find_title(const LabelReader *reader)
{
	int best = -1;
	int rank = 0;
	long rows = hash_get_num_entries(reader->rows);

	for (int c = 0; c < reader->columns; c++)
		if (reader->column[c].is_text && title_rank(&reader->column[c]) > rank)
		{
			best = c;
			rank = title_rank(&reader->column[c]);
		}
	for (int c = 0; c < reader->columns && rank == 0; c++)
	{
		long values = hash_get_num_entries(reader->column[c].values);

		if (reader->column[c].is_text && 2 * values > rows &&
			(best < 0 || values > hash_get_num_entries(reader->column[best].values)))
			best = c;
	}
	return best;
}

/* Which column is the category; -1: none. */
static int
find_category(const LabelReader *reader, int title)
{
	int best = -1;
	double distance = INFINITY;
	long rows = hash_get_num_entries(reader->rows);

	for (int c = 0; c < reader->columns; c++)
	{
		long values = hash_get_num_entries(reader->column[c].values);
		double from = fabs(log((double) Max(values, 1) / BEST_CATEGORIES));

		if (c == title || values < 2 || values > MOST_CATEGORIES || 2 * values > Max(rows, 4) ||
			!(from < distance))
			continue;
		best = c;
		distance = from;
	}
	return best;
}

static int
by_rows(const void *a, const void *b)
{
	const LabelValue *x = *(LabelValue *const *) a;
	const LabelValue *y = *(LabelValue *const *) b;

	return x->rows != y->rows ? (x->rows < y->rows ? 1 : -1) : strcmp(x->key, y->key);
}

/* Numbers the values of a column, the most frequent first. */
static void
number_values(Report *report, LabelColumn *column)
{
	int n = (int) hash_get_num_entries(column->values);
	LabelValue **value = palloc((n + 1) * sizeof(LabelValue *));
	HASH_SEQ_STATUS status;
	LabelValue *each;
	int k = 0;

	hash_seq_init(&status, column->values);
	while ((each = hash_seq_search(&status)) != NULL)
		value[k++] = each;
	qsort(value, n, sizeof(LabelValue *), by_rows);
	report->category = palloc((n + 1) * sizeof(char *));
	report->categories = n;
	for (k = 0; k < n; k++)
	{
		report->category[k] = value[k]->key;
		value[k]->number = k;
	}
	report->category_column = column->name;
}

static int32
category_of(LabelColumn *column, const char *text)
{
	char key[NAMEDATALEN] = "";
	size_t length = strcspn(text, "|");
	const LabelValue *value;

	if (length >= NAMEDATALEN)
		length = (size_t) pg_mbcliplen(text, (int) length, NAMEDATALEN - 1);
	memcpy(key, text, length);
	value = hash_search(column->values, key, HASH_FIND, NULL);
	return value ? value->number : -1;
}

static void
make_labels(LabelReader *reader)
{
	Report *report = reader->report;
	int title = find_title(reader);
	int category = find_category(reader, title);
	HASH_SEQ_STATUS status;
	const LabelRow *row;

	if (title >= 0)
		report->title_column = reader->column[title].name;
	if (category >= 0)
		number_values(report, &reader->column[category]);
	hash_seq_init(&status, reader->rows);
	while ((row = hash_seq_search(&status)) != NULL)
	{
		ReportLabel *label = hash_search(report->labels, &row->item, HASH_ENTER, NULL);

		label->title = title >= 0 ? row->text[title] : NULL;
		label->category = category >= 0 && row->text[category]
							  ? category_of(&reader->column[category], row->text[category])
							  : -1;
	}
}

static int
compare_items(const void *a, const void *b)
{
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;

	return (x > y) - (x < y);
}

/* The items of the map, the lists and the histories, each once; *n of them. */
static int32 *
wanted(const Report *report, int32 *n)
{
	int64 all = report->map.points;
	int32 *item;
	int32 k = 0;

	for (int32 u = 0; u < report->users; u++)
		all += report->user[u].n + report->user[u].places;
	item = reco_call_alloc(all + 1, sizeof(int32));
	for (int32 p = 0; p < report->map.points; p++)
		item[k++] = report->map.point[p].item;
	for (int32 u = 0; u < report->users; u++)
	{
		memcpy(item + k, report->user[u].item, report->user[u].n * sizeof(int32));
		k += report->user[u].n;
		memcpy(item + k, report->user[u].listed, report->user[u].places * sizeof(int32));
		k += report->user[u].places;
	}
	qsort(item, k, sizeof(int32), compare_items);
	*n = 0;
	for (int32 j = 0; j < k; j++)
		if (j == 0 || item[j] != item[*n - 1])
			item[(*n)++] = item[j];
	return item;
}

void
report_read_labels(Report *report)
{
	LabelReader reader = {.report = report, .context = report->context};
	const Serving *serving = report->request.serving;
	int32 *item;
	int32 n;

	report->labels = make_table(report->context, sizeof(int32), sizeof(ReportLabel), false);
	if (serving == NULL || report->request.row.items == NULL)
		return;
	item = wanted(report, &n);
	reader.scratch =
		AllocSetContextCreate(CurrentMemoryContext, "reco label", ALLOCSET_DEFAULT_SIZES);
	reader.rows = make_table(report->context, sizeof(int32), sizeof(LabelRow), false);
	reco_receiver_init(&reader.receiver, start_rows, take_row);
	if (reco_live_items(reco_live_open(serving, &report->request.row), serving,
						&report->request.row, item, n, &reader.receiver))
		make_labels(&reader);
	MemoryContextDelete(reader.scratch);
	pfree(item);
}

const ReportLabel *
report_label(const Report *report, int32 item)
{
	return hash_search(report->labels, &item, HASH_FIND, NULL);
}

const char *
report_item_text(const Report *report, int32 item)
{
	const Serving *serving = report->request.serving;
	const ReportLabel *label = report_label(report, item);

	if (label && label->title)
		return label->title;
	return id_to_text(serving->item_type, id_dict_id(serving->items, item));
}
