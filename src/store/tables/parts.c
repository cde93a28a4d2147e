/*
 * parts.c
 *	  The parts of a version in its tables.
 *
 * Loops over what algorithms declare (model/part.h): no part is known by name.  Tables are the
 * owner's, so what is read is checked: the shape of the array, the length of each element,
 * numbers within the rows that they point to, all else finite and of at most RECO_MAX_FACTOR.
 * A value longer than a row can have is not unpacked.
 *
 * Cost: a copy of what is stored.
 */
#include "store/tables/parts.h"

#include "access/detoast.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include <math.h>

/* What a row's array holds, not copied. */
typedef struct Elements
{
	ArrayType *array; /* to be freed unless it is what was stored */
	Datum stored;
	const char *data[RECO_MOST_STORED];
	Size size[RECO_MOST_STORED];
} Elements;

/* A part while its rows are read. */
typedef struct Loading
{
	const RecoPartType *type;
	RecoPart *part; /* to be filled */
	int element;    /* its place in a row; in model_part, its number */
	int32 rows;
	int32 limit; /* of a list: rows that it may point to */
	bool skipped;
	/* of a list: each row's */
	int32 *length;
	int32 **number;
	void **weight;
} Loading;

struct RecoPartsLoad
{
	Oid schema;
	RecoModel *model;
	RecoBudget *budget;
	MemoryContext scratch;
	Size most; /* bytes of a row's array */
	int parts;
	Loading loading[RECO_MOST_STORED];
};

/* Parts of terms and of the model lie in one table. */
static RecoSide
table_of(RecoSide side)
{
	return side == RECO_OF_TERMS ? RECO_OF_MODEL : side;
}

static Size
vector_bytes(const RecoPartType *type)
{
	return type->width * reco_element_size(type->element);
}

static Size
entry_bytes(const RecoPartType *type)
{
	return sizeof(int32) + reco_element_size(type->element);
}

/* The most that a part takes in a row. */
static Size
most_bytes(const RecoModel *model, const RecoPartType *type)
{
	if (type->repeats)
		return MaxAllocSize;
	return type->shape == RECO_VECTOR ? vector_bytes(type)
									  : reco_model_rows(model, type, type->of) * entry_bytes(type);
}

static pg_attribute_noreturn() void unreadable(Oid schema)
{
	reco_damaged(schema, "A row's parts are not those of its algorithm.");
}

/* Visits the stored parts of a table, in their order. */
#define EACH_STORED(model, table, m, p, type)                                                      \
	for (int m = 0; m < (model)->members; m++)                                                     \
		for (int p = 0; p < (model)->member[m].parts; p++)                                         \
			if (((type) = &(model)->member[m].type[p]),                                            \
				table_of((type)->side) == (table) && reco_part_stored(type))

static Size
element_size(const RecoPartType *type, const RecoPart *part, int32 row)
{
	if (type->shape == RECO_VECTOR)
		return vector_bytes(type);
	return part->start ? (part->start[row + 1] - part->start[row]) * entry_bytes(type) : 0;
}

static void
put_element(const RecoPartType *type, const RecoPart *part, int32 row, char *to)
{
	Size size = reco_element_size(type->element);

	if (type->shape == RECO_VECTOR)
		memcpy(to, (const char *) part->data + (Size) row * part->stride * size,
			   type->width * size);
	else if (part->start)
	{
		int64 from = part->start[row];
		Size n = part->start[row + 1] - from;

		memcpy(to, part->number + from, n * sizeof(int32));
		if (size > 0)
			memcpy(to + n * sizeof(int32), (const char *) part->data + from * size, n * size);
	}
}

Datum
reco_parts_form(const RecoModel *model, RecoSide side, int32 row, MemoryContext context,
				int64 *bytes)
{
	const RecoPartType *type;
	Size size = 0;
	int n = 0;
	Size head;
	ArrayType *array;
	char *at;

	EACH_STORED(model, side, m, p, type)
	{
		size += INTALIGN(VARHDRSZ + element_size(type, &model->member[m].part[p], row));
		n++;
	}
	head = n > 0 ? ARR_OVERHEAD_NONULLS(1) : ARR_OVERHEAD_NONULLS(0);
	array = MemoryContextAllocZero(context, head + size);
	SET_VARSIZE(array, head + size);
	array->elemtype = BYTEAOID;
	array->ndim = n > 0 ? 1 : 0;
	if (n > 0)
	{
		ARR_DIMS(array)[0] = n;
		ARR_LBOUND(array)[0] = 1;
	}
	at = (char *) array + head;
	EACH_STORED(model, side, m, p, type)
	{
		const RecoPart *part = &model->member[m].part[p];
		Size length = VARHDRSZ + element_size(type, part, row);

		SET_VARSIZE(at, length);
		put_element(type, part, row, VARDATA(at));
		at += INTALIGN(length);
	}
	*bytes += size;
	return PointerGetDatum(array);
}

/* The profiles of a member and of those that it is made of, in the order of the model's. */
static void
profiles_of(const RecoMember *first, const RecoMember *member, const reco_profile *profile,
			const reco_profile **of)
{
	static const reco_profile nothing;

	of[member - first] = profile;
	for (int m = 0; m < member->members; m++)
		profiles_of(first, member->member[m], m < profile->members ? &profile->member[m] : &nothing,
					of);
}

bool
reco_parts_of_profile(const RecoModel *model, const reco_profile *profile, MemoryContext context,
					  Datum *out)
{
	RecoModel row = *model;
	const reco_profile **of =
		MemoryContextAlloc(context, (model->members + 1) * sizeof(reco_profile *));
	const RecoPartType *type;
	bool fits = true;
	int64 bytes = 0;

	row.member = MemoryContextAllocZero(context, (model->members + 1) * sizeof(RecoMember));
	for (int m = 0; m < model->members; m++)
	{
		row.member[m] = model->member[m];
		row.member[m].part =
			MemoryContextAllocZero(context, (model->member[m].parts + 1) * sizeof(RecoPart));
	}
	profiles_of(model->member, model->member, profile, of);
	EACH_STORED(model, RECO_OF_USERS, m, p, type)
	{
		row.member[m].part[p] = reco_profile_part(type, of[m], context);
		fits = fits && reco_part_fits(type, &row.member[m].part[p]);
	}
	*out = reco_parts_form(&row, RECO_OF_USERS, 0, context, &bytes);
	return fits;
}

void
reco_parts_write(Oid schema, int32 version, const RecoModel *model, int64 *bytes)
{
	Relation table = reco_open(schema, RECO_TABLE_PART, RowExclusiveLock);
	const RecoPartType *type;
	TableWriter *writer;
	MemoryContext batch;
	int number = 0;

	reco_check_writable(table);
	writer = reco_writer_begin(table);
	EACH_STORED(model, RECO_OF_MODEL, m, p, type)
	{
		const RecoPart *part = &model->member[m].part[p];

		for (int32 r = 0; r < reco_model_rows(model, type, type->side); r++)
		{
			Datum *row = reco_writer_row(writer, &batch);
			Size length = VARHDRSZ + element_size(type, part, r);
			bytea *content = MemoryContextAlloc(batch, length);

			SET_VARSIZE(content, length);
			put_element(type, part, r, VARDATA(content));
			row[PART_VERSION] = Int32GetDatum(version);
			row[PART_PART] = Int32GetDatum(number);
			row[PART_NUMBER] = Int32GetDatum(r);
			row[PART_CONTENT] = PointerGetDatum(content);
			*bytes += length;
		}
		number++;
	}
	reco_writer_end(writer);
	table_close(table, NoLock);
}

int
reco_parts_elements(ArrayType *array, int most, const char **data, Size *size)
{
	const char *at = ARR_DATA_PTR(array);
	const char *end = (const char *) array + VARSIZE(array);
	int n;

	if (ARR_NDIM(array) < 0 || ARR_NDIM(array) > 1 || ARR_HASNULL(array) ||
		ARR_ELEMTYPE(array) != BYTEAOID || at > end)
		return -1;
	n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	for (int i = 0; i < n && i < most; i++)
	{
		if (end - at < VARHDRSZ || !VARATT_IS_4B_U(at) || VARSIZE(at) < VARHDRSZ ||
			VARSIZE(at) > (Size) (end - at))
			return -1;
		data[i] = VARDATA(at);
		size[i] = VARSIZE(at) - VARHDRSZ;
		at += Min((Size) (end - at), INTALIGN(VARSIZE(at)));
	}
	return n;
}

/* An array of n bytea; an error when it is none. */
static void
open_elements(Oid schema, Datum stored, Size most, int n, Elements *out)
{
	struct varlena *packed = reco_unpack(stored, most);

	if (packed == NULL)
		unreadable(schema);
	out->stored = stored;
	out->array = DatumGetArrayTypeP(PointerGetDatum(packed));
	if (reco_parts_elements(out->array, n, out->data, out->size) != n)
		unreadable(schema);
}

static void
close_elements(Elements *elements)
{
	if ((Pointer) elements->array != DatumGetPointer(elements->stored))
		pfree(elements->array);
}

/* Checked by what is copied: numbers that are not stored aligned may not be read in place. */
static bool
all_fit(RecoElement element, const void *numbers, Size n)
{
	RecoPart part = {1, .stride = (int) n, .data = unconstify(void *, numbers)};
	RecoPartType type = {.shape = RECO_VECTOR, .element = element};

	return reco_part_fits(&type, &part);
}

static bool
get_vector(const RecoPartType *type, const char *data, Size size, void *to)
{
	if (size != vector_bytes(type))
		return false;
	memcpy(to, data, size);
	return all_fit(type->element, to, type->width);
}

/* How many entries an element has; -1: it is no list of rows below limit. */
static int64
entries_of(const RecoPartType *type, int32 limit, Size size)
{
	Size n = size / entry_bytes(type);

	return size % entry_bytes(type) != 0 || (n > (Size) limit && !type->repeats) ? -1 : (int64) n;
}

static bool
get_list(const RecoPartType *type, int32 limit, const char *data, Size n, int32 *number,
		 void *weight)
{
	Size size = reco_element_size(type->element);

	memcpy(number, data, n * sizeof(int32));
	if (size > 0)
		memcpy(weight, data + n * sizeof(int32), n * size);
	for (Size k = 0; k < n; k++)
	{
		RECO_POLL_AT(k + 1);
		if (number[k] < 0 || number[k] >= limit)
			return false;
	}
	return all_fit(type->element, weight, n);
}

static void *
scratch_alloc(RecoPartsLoad *load, Size count, Size size)
{
	reco_budget_require(load->budget, Max(count, 1) * size, "serving");
	return reco_serving_alloc(load->scratch, count, size);
}

/* A vector's rows begin on cache lines. */
static void *
vector_alloc(RecoBudget *budget, const RecoPartType *type, int32 rows)
{
	Size bytes = (Size) rows * reco_part_stride(type) * reco_element_size(type->element);

	reco_budget_require(budget, bytes + RECO_ALIGN, "serving");
	return (void *) TYPEALIGN(RECO_ALIGN,
							  reco_serving_alloc(budget->context, bytes + RECO_ALIGN, 1));
}

static void
begin_part(RecoPartsLoad *load, const RecoPartType *type, RecoPart *part, bool only_mapped)
{
	Loading *loading = &load->loading[load->parts];

	*loading = (Loading){
		.type = type,
		.part = part,
		.element = load->parts++,
		.rows = reco_model_rows(load->model, type, type->side),
		.limit = reco_model_rows(load->model, type, type->of),
		.skipped = only_mapped && !reco_part_mapped(type),
	};
	if (loading->skipped)
		return;
	*part = (RecoPart){.rows = loading->rows};
	if (type->shape == RECO_VECTOR)
	{
		part->stride = reco_part_stride(type);
		part->data = vector_alloc(load->budget, type, loading->rows);
		return;
	}
	loading->length = scratch_alloc(load, loading->rows, sizeof(int32));
	loading->number = scratch_alloc(load, loading->rows, sizeof(int32 *));
	loading->weight = scratch_alloc(load, loading->rows, sizeof(void *));
}

RecoPartsLoad *
reco_parts_load(Oid schema, RecoModel *model, RecoSide side, bool only_mapped, RecoBudget *budget,
				MemoryContext scratch)
{
	RecoPartsLoad *load = MemoryContextAllocZero(scratch, sizeof(RecoPartsLoad));
	const RecoPartType *type;

	load->schema = schema;
	load->model = model;
	load->budget = budget;
	load->scratch = scratch;
	EACH_STORED(model, side, m, p, type)
	{
		if (load->parts == RECO_MOST_STORED)
			elog(ERROR, "an algorithm has too many parts");
		load->most += VARHDRSZ + sizeof(int32) + most_bytes(model, type);
		begin_part(load, type, &model->member[m].part[p], only_mapped);
	}
	load->most += ARR_OVERHEAD_NONULLS(MAXDIM);
	return load;
}

static void
load_element(RecoPartsLoad *load, Loading *loading, const char *data, Size size, int32 row)
{
	const RecoPartType *type = loading->type;
	Size element = reco_element_size(type->element);
	int64 n;

	if (type->shape == RECO_VECTOR)
	{
		char *to = (char *) loading->part->data + (Size) row * loading->part->stride * element;

		if (!get_vector(type, data, size, to))
			unreadable(load->schema);
		return;
	}
	n = entries_of(type, loading->limit, size);
	if (n < 0)
		unreadable(load->schema);
	loading->length[row] = (int32) n;
	loading->number[row] = scratch_alloc(load, n, sizeof(int32));
	loading->weight[row] = element ? scratch_alloc(load, n, element) : NULL;
	if (!get_list(type, loading->limit, data, n, loading->number[row], loading->weight[row]))
		unreadable(load->schema);
}

void
reco_parts_load_row(RecoPartsLoad *load, Datum stored, int32 number)
{
	Elements elements;
	MemoryContext old = MemoryContextSwitchTo(load->scratch);

	/* what a value takes when it is unpacked, and then what is around it */
	reco_budget_require(load->budget, Min(toast_raw_datum_size(stored), load->most), "serving");
	open_elements(load->schema, stored, load->most, load->parts, &elements);
	for (int p = 0; p < load->parts; p++)
		if (!load->loading[p].skipped)
			load_element(load, &load->loading[p], elements.data[p], elements.size[p], number);
	close_elements(&elements);
	MemoryContextSwitchTo(old);
}

/* The lists in one piece. */
static void
join_lists(RecoBudget *budget, Loading *loading)
{
	RecoPart *part = loading->part;
	Size size = reco_element_size(loading->type->element);
	int32 rows = loading->rows;

	part->start = reco_budget_alloc(budget, ((Size) rows + 1) * sizeof(int64));
	part->start[0] = 0;
	for (int32 r = 0; r < rows; r++)
		part->start[r + 1] = part->start[r] + loading->length[r];
	part->number = reco_budget_alloc(budget, ((Size) part->start[rows] + 1) * sizeof(int32));
	if (size > 0)
		part->data = reco_budget_alloc(budget, ((Size) part->start[rows] + 1) * size);
	for (int32 r = 0; r < rows; r++)
	{
		reco_poll();
		memcpy(part->number + part->start[r], loading->number[r],
			   loading->length[r] * sizeof(int32));
		if (size > 0)
			memcpy((char *) part->data + part->start[r] * size, loading->weight[r],
				   loading->length[r] * size);
	}
}

void
reco_parts_load_end(RecoPartsLoad *load)
{
	for (int p = 0; p < load->parts; p++)
		if (!load->loading[p].skipped && load->loading[p].type->shape == RECO_LIST)
			join_lists(load->budget, &load->loading[p]);
}

/* While model_part is read: rows come by part and number. */
typedef struct OthersLoad
{
	RecoPartsLoad *load;
	int part;
	int32 number; /* the next row of the part */
} OthersLoad;

/* To the next part that has rows. */
static void
skip_empty(OthersLoad *others)
{
	while (others->part < others->load->parts &&
		   others->number == others->load->loading[others->part].rows)
	{
		others->part++;
		others->number = 0;
	}
}

static bool
load_other(void *arg, TupleTableSlot *slot)
{
	OthersLoad *others = arg;
	RecoPartsLoad *load = others->load;
	Datum stored = slot->tts_values[PART_CONTENT];
	struct varlena *content;
	MemoryContext old = MemoryContextSwitchTo(load->scratch);

	skip_empty(others);
	if (others->part == load->parts || slot->tts_isnull[PART_PART] ||
		slot->tts_isnull[PART_NUMBER] || slot->tts_isnull[PART_CONTENT] ||
		DatumGetInt32(slot->tts_values[PART_PART]) != others->part ||
		DatumGetInt32(slot->tts_values[PART_NUMBER]) != others->number)
		unreadable(load->schema);
	reco_budget_require(load->budget, Min(toast_raw_datum_size(stored), load->most), "serving");
	content = reco_unpack(stored, load->most);
	if (content == NULL)
		unreadable(load->schema);
	load_element(load, &load->loading[others->part], VARDATA_ANY(content),
				 VARSIZE_ANY_EXHDR(content), others->number++);
	if ((Pointer) content != DatumGetPointer(stored))
		pfree(content);
	MemoryContextSwitchTo(old);
	return true;
}

void
reco_parts_load_others(Oid schema, int32 version, RecoModel *model, RecoBudget *budget,
					   MemoryContext scratch)
{
	OthersLoad others = {reco_parts_load(schema, model, RECO_OF_MODEL, false, budget, scratch)};

	if (others.load->parts == 0)
		return;
	reco_others_scan(schema, version, load_other, &others);
	skip_empty(&others);
	if (others.part != others.load->parts)
		unreadable(schema);
	reco_parts_load_end(others.load);
}

static void
copy_row(Oid schema, const RecoModel *model, const RecoPartType *type, const char *data, Size size,
		 RecoPart *part)
{
	Size element = reco_element_size(type->element);
	int32 limit = reco_model_rows(model, type, type->of);
	int64 n;

	part->rows = 1;
	if (type->shape == RECO_VECTOR)
	{
		Size bytes = reco_part_stride(type) * element + RECO_ALIGN;

		part->stride = reco_part_stride(type);
		part->data =
			(void *) TYPEALIGN(RECO_ALIGN, reco_serving_alloc(CurrentMemoryContext, bytes, 1));
		if (!get_vector(type, data, size, part->data))
			unreadable(schema);
		return;
	}
	n = entries_of(type, limit, size);
	if (n < 0)
		unreadable(schema);
	part->start = palloc(2 * sizeof(int64));
	part->start[0] = 0;
	part->start[1] = n;
	part->number = reco_row_alloc(n, sizeof(int32));
	part->data = element ? reco_row_alloc(n, element) : NULL;
	if (!get_list(type, limit, data, n, part->number, part->data))
		unreadable(schema);
}

RecoPart **
reco_parts_user(Oid schema, const RecoModel *model, Datum stored)
{
	RecoPart **part = palloc(model->members * sizeof(RecoPart *));
	const RecoPartType *type;
	Size most = ARR_OVERHEAD_NONULLS(MAXDIM);
	Elements elements;
	int n = 0;

	EACH_STORED(model, RECO_OF_USERS, m, p, type)
	{
		most += VARHDRSZ + sizeof(int32) + most_bytes(model, type);
		n++;
	}
	if (n > RECO_MOST_STORED)
		elog(ERROR, "an algorithm has too many parts");
	open_elements(schema, stored, most, n, &elements);
	for (int m = 0; m < model->members; m++)
		part[m] = palloc0((model->member[m].parts + 1) * sizeof(RecoPart));
	n = 0;
	EACH_STORED(model, RECO_OF_USERS, m, p, type)
	{
		copy_row(schema, model, type, elements.data[n], elements.size[n], &part[m][p]);
		n++;
	}
	close_elements(&elements);
	return part;
}
