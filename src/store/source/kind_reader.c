/*
 * kind_reader.c
 *	  The kinds of rows, as they are read.
 *
 * A kind is compared as the text that its type writes, so that it may be an enum, a number or a
 * boolean as well.  Texts are compared where they lie; of other types that are passed by value,
 * such as enums, those that were met last are remembered.
 *
 * Cost: a comparison of short texts a row where kinds follow each other, a binary search
 * otherwise.  A text that is longer than any name is not unpacked.
 */
#include "store/source/kind_reader.h"

#include "access/detoast.h"
#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"

/* Values of kinds that are remembered with what they are; a power of two. */
#define MEMORY 64

typedef struct Unknown
{
	char *name;
	int64 rows;
} Unknown;

struct RecoKindReader
{
	const RecoKinds *kinds;
	int longest; /* bytes of a name */
	bool is_text;
	bool by_value;
	bool collect;
	FmgrInfo output;
	int last; /* the kind of the row before */
	/* by value: which kinds they are */
	struct
	{
		bool used;
		Datum value;
		int kind;
	} memory[MEMORY];
	int64 *rows; /* of each kind */
	Unknown unknown[RECO_KINDS_TOLD];
	int unknowns;
	int64 others; /* rows of further unknown kinds */
	MemoryContext context;
};

RecoKindReader *
reco_kinds_reader(const RecoDataOptions *options, const RecoEvents *events, bool collect)
{
	const RecoKinds *kinds = options->kinds;
	RecoKindReader *reader;
	bool varlena;
	Oid output;

	if (kinds == NULL && OidIsValid(events->kind_type))
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("source has 5 columns, but the options do not say what its kinds weigh"),
			 errdetail("The fifth column is the kind of a row."),
			 errhint("Give options => reco.options(kind_weights => '{\"view\": 1, \"buy\": 8}'), "
					 "seen_kinds or cancel_kinds, or leave the column out.")));
	if (kinds == NULL)
		return NULL;
	if (!OidIsValid(events->kind_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s needs kinds, which the source does not have",
						kinds->weighs    ? "kind_weights"
						: kinds->by_kind ? "seen_kinds"
										 : "cancel_kinds"),
				 errhint("A source's columns are user, item, value, time, kind: SELECT user_id, "
						 "item_id, 1, created_at, kind FROM ...")));
	reader = palloc0(sizeof(RecoKindReader));
	reader->kinds = kinds;
	reader->collect = collect;
	reader->context = CurrentMemoryContext;
	reader->rows = palloc0((kinds->n + 1) * sizeof(int64));
	for (int k = 0; k < kinds->n; k++)
		reader->longest = Max(reader->longest, kinds->length[k]);
	reader->is_text = events->kind_type == TEXTOID || events->kind_type == VARCHAROID ||
					  events->kind_type == BPCHAROID;
	reader->by_value = get_typbyval(events->kind_type);
	getTypeOutputInfo(events->kind_type, &output, &varlena);
	fmgr_info(output, &reader->output);
	return reader;
}

static void
note_unknown(RecoKindReader *reader, const char *name, int length)
{
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	char *shown = reco_kind_text(name, length);
	int u = 0;

	while (u < reader->unknowns && strcmp(reader->unknown[u].name, shown) != 0)
		u++;
	if (u < RECO_KINDS_TOLD && u == reader->unknowns)
		reader->unknown[reader->unknowns++] = (Unknown){pstrdup(shown), 0};
	if (u < RECO_KINDS_TOLD)
		reader->unknown[u].rows++;
	else
		reader->others++;
	pfree(shown);
	MemoryContextSwitchTo(old);
}

static int
order_unknown(const void *a, const void *b)
{
	const Unknown *x = a;
	const Unknown *y = b;

	if (x->rows != y->rows)
		return x->rows > y->rows ? -1 : 1;
	return strcmp(x->name, y->name);
}

static pg_attribute_noreturn() void refuse_unknown(RecoKindReader *reader)
{
	StringInfoData rows;
	const Unknown *first = &reader->unknown[0];

	qsort(reader->unknown, reader->unknowns, sizeof(Unknown), order_unknown);
	initStringInfo(&rows);
	for (int u = 0; u < reader->unknowns; u++)
		appendStringInfo(&rows, "%s" INT64_FORMAT " of \"%s\"", u ? ", " : "",
						 reader->unknown[u].rows, reader->unknown[u].name);
	if (reader->others > 0)
		appendStringInfo(&rows, ", " INT64_FORMAT " of others", reader->others);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("kind \"%s\" has no weight in kind_weights", first->name),
			 errdetail("Rows of kinds without one: %s.  Kinds with one: %s.", rows.data,
					   reco_kinds_text(reader->kinds)),
			 errhint("Give it one, as in {\"%s\": 0}, which leaves its rows out, or skip such "
					 "rows with options => reco.options(on_invalid => 'skip').",
					 first->name)));
}

/* Which kind a text is; RECO_KIND_UNKNOWN. */
static int
kind_of_text(RecoKindReader *reader, const char *name, int length)
{
	const RecoKinds *kinds = reader->kinds;

	if (kinds->n > 0 && reco_kinds_compare(kinds, reader->last, name, length) == 0)
		return reader->last;
	return reco_kinds_find(kinds, name, length);
}

/* Of a packed text that is longer than any name as much as is shown. */
static int
kind_of_varlena(RecoKindReader *reader, const RecoEvents *events, Datum value, char **name,
				int *length)
{
	struct varlena *packed = (struct varlena *) DatumGetPointer(value);
	text *plain;

	/* the padding of bpchar counts here, and is cut off there */
	if (toast_raw_datum_size(value) > (Size) reader->longest + VARHDRSZ &&
		toast_raw_datum_size(value) > RECO_KIND_BYTES + VARHDRSZ && events->kind_type != BPCHAROID)
	{
		plain = (text *) detoast_attr_slice(packed, 0, RECO_KIND_BYTES + MAX_MULTIBYTE_CHAR_LEN);
		*name = VARDATA_ANY(plain);
		*length = VARSIZE_ANY_EXHDR(plain);
		return RECO_KIND_UNKNOWN;
	}
	plain = DatumGetTextPP(value);
	*name = VARDATA_ANY(plain);
	*length = VARSIZE_ANY_EXHDR(plain);
	while (events->kind_type == BPCHAROID && *length > 0 && (*name)[*length - 1] == ' ')
		(*length)--;
	return kind_of_text(reader, *name, *length);
}

static int
kind_of(RecoKindReader *reader, const RecoEvents *events, Datum value, char **name, int *length)
{
	int place = reader->by_value ? (int) ((value * UINT64CONST(0x9e3779b97f4a7c15)) >> 58) : 0;
	int kind;

	*name = NULL;
	if (reader->is_text)
		return kind_of_varlena(reader, events, value, name, length);
	if (reader->by_value && reader->memory[place].used && reader->memory[place].value == value &&
		reader->memory[place].kind != RECO_KIND_UNKNOWN)
		return reader->memory[place].kind;
	*name = OutputFunctionCall(&reader->output, value);
	*length = strlen(*name);
	kind = kind_of_text(reader, *name, *length);
	if (reader->by_value)
	{
		reader->memory[place].used = true;
		reader->memory[place].value = value;
		reader->memory[place].kind = kind;
	}
	return kind;
}

/* A kind that has no weight: what becomes of its row. */
static RecoCount
take_unknown(const RecoEvents *events, TupleTableSlot *slot, RecoEvent *event, const char *name,
			 int length)
{
	RecoKindReader *reader = events->kinds;

	if (!reader->kinds->weighs)
	{
		event->seen = !reader->kinds->by_kind;
		return RECO_TAKEN;
	}
	if (!events->skip_invalid)
	{
		note_unknown(reader, name, length);
		if (!reader->collect)
			refuse_unknown(reader);
	}
	return RECO_COUNT_KIND;
}

RecoCount
reco_event_kind(const RecoEvents *events, TupleTableSlot *slot, RecoEvent *event)
{
	RecoKindReader *reader = events->kinds;
	const RecoKinds *kinds = reader->kinds;
	char *name;
	int length = 0;
	int kind;

	if (slot->tts_isnull[RECO_KIND_AT])
		return RECO_COUNT_NO_KIND;
	kind = kind_of(reader, events, slot->tts_values[RECO_KIND_AT], &name, &length);
	if (kind == RECO_KIND_UNKNOWN)
		return take_unknown(events, slot, event, name, length);
	reader->last = kind;
	reader->rows[kind]++;
	event->cancels = kinds->cancels[kind];
	event->seen = !event->cancels && (kinds->seen[kind] || !kinds->by_kind);
	event->learnt = !event->cancels && kinds->weight[kind] != 0;
	if (!event->learnt)
		return event->seen || event->cancels ? RECO_TAKEN : RECO_COUNT_WEIGHTLESS;
	event->value *= kinds->weight[kind];
	if (!(fabs(event->value) <= RECO_MAX_VALUE))
	{
		if (!events->skip_invalid)
			reco_event_invalid(slot, event->value);
		return RECO_COUNT_INVALID;
	}
	return RECO_TAKEN;
}

/* "3 of \"buy\", 5 of \"view\"": the first that have rows; NULL: none has. */
static char *
rows_of_kinds(const RecoKindReader *reader)
{
	const RecoKinds *kinds = reader->kinds;
	StringInfoData text;
	int told = 0;

	initStringInfo(&text);
	for (int k = 0; k < kinds->n && told < RECO_KINDS_TOLD; k++)
		if (reader->rows[k] > 0)
			appendStringInfo(&text, "%s" INT64_FORMAT " of \"%s\"", told++ ? ", " : "",
							 reader->rows[k], reco_kind_text(kinds->name[k], kinds->length[k]));
	return told > 0 ? text.data : NULL;
}

char *
reco_kinds_finish(RecoKindReader *reader)
{
	const RecoKinds *kinds = reader ? reader->kinds : NULL;

	if (reader == NULL)
		return NULL;
	if (reader->unknowns > 0)
		refuse_unknown(reader);
	for (int k = 0; k < kinds->n; k++)
		if ((kinds->seen[k] || kinds->cancels[k]) && reader->rows[k] == 0)
			ereport(NOTICE, (errmsg("no row of the source is of kind \"%s\", which %s has",
									reco_kind_text(kinds->name[k], kinds->length[k]),
									kinds->seen[k] ? "seen_kinds" : "cancel_kinds"),
							 errdetail("Kinds are compared as texts, letter by letter.")));
	return rows_of_kinds(reader);
}
