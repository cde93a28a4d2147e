/*
 * server.c
 *	  A stand-in for the server: the few of its functions that the files under test
 *	  call, each as plain as can be.
 *
 * Every allocation is one of malloc, so that a sanitizer sees a read or a write one
 * byte past its end, and is freed when the input at hand is done.  An error jumps
 * back to server_try.  Strings come from the server's own library for programs.  What
 * no input may reach is left undefined: the linker allows it, and a call ends the
 * program.
 */
#include "server.h"

#include "access/detoast.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/file_utils.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "storage/fd.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include <sys/mman.h>
#include <unistd.h>

/* More than any input needs; a request beyond it is "out of memory". */
#define MEMORY_LIMIT ((Size) 32 * 1024 * 1024)

MemoryContext CurrentMemoryContext;
MemoryContext TopMemoryContext;
MemoryContext TopTransactionContext;
MemoryContext CacheMemoryContext;
sigjmp_buf *PG_exception_stack;
ErrorContextCallback *error_context_stack;
volatile sig_atomic_t InterruptPending;
volatile sig_atomic_t QueryCancelPending;
volatile sig_atomic_t ProcDiePending;
int MyProcPid = 1;
Oid MyDatabaseId = 1;
int pg_file_create_mode;
object_access_hook_type object_access_hook;

Oid server_argument_type;
const uint8_t *server_file;
size_t server_file_size;
uint8_t *server_written;
size_t server_written_size;

/* Errors */

bool
errstart(int elevel, const char *domain)
{
	(void) domain;
	return elevel >= ERROR;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	(void) filename;
	(void) lineno;
	(void) funcname;
	pg_re_throw();
}

void
pg_re_throw(void)
{
	REQUIRE(PG_exception_stack != NULL);
	siglongjmp(*PG_exception_stack, 1);
}

#define SAYS_NOTHING(name)                                                                         \
	int name(const char *fmt, ...)                                                                 \
	{                                                                                              \
		(void) fmt;                                                                                \
		return 0;                                                                                  \
	}

SAYS_NOTHING(errmsg)
SAYS_NOTHING(errmsg_internal)
SAYS_NOTHING(errdetail)
SAYS_NOTHING(errhint)

int
errcode(int sqlerrcode)
{
	return sqlerrcode != 0;
}

int
errcode_for_file_access(void)
{
	return 0;
}

bool
server_try(void (*f)(void *), void *arg)
{
	volatile bool done = false;

	PG_TRY();
	{
		f(arg);
		done = true;
	}
	PG_CATCH();
	{
		done = false;
	}
	PG_END_TRY();
	return done;
}

void
ProcessInterrupts(void)
{
}

/* Memory */

typedef struct Block
{
	void *memory;
	Size size;
} Block;

static Block *blocks;
static Size n_blocks;
static Size room;
static Size allocated;

/* A context that is one in name. */
static struct MemoryContextData any_context;

static void
out_of_memory(void)
{
	ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

void *
MemoryContextAllocExtended(MemoryContext context, Size size, int flags)
{
	void *memory;

	(void) context;
	if (size > MEMORY_LIMIT - Min(allocated, MEMORY_LIMIT))
	{
		if ((flags & MCXT_ALLOC_NO_OOM) == 0)
			out_of_memory();
		return NULL;
	}
	if (n_blocks == room)
	{
		room = room ? 2 * room : 64;
		blocks = realloc(blocks, room * sizeof(Block));
	}
	memory = flags & MCXT_ALLOC_ZERO ? calloc(1, size) : malloc(size);
	REQUIRE(blocks != NULL && memory != NULL);
	blocks[n_blocks++] = (Block){memory, size};
	allocated += size;
	return memory;
}

static Block *
block_of(void *memory)
{
	for (Size i = n_blocks; i-- > 0;)
		if (blocks[i].memory == memory)
			return &blocks[i];
	abort();
}

void
pfree(void *memory)
{
	Block *block = block_of(memory);

	allocated -= block->size;
	*block = blocks[--n_blocks];
	free(memory);
}

void
server_reset(void)
{
	while (n_blocks > 0)
		pfree(blocks[n_blocks - 1].memory);
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, 0);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, MCXT_ALLOC_ZERO);
}

void *
MemoryContextAllocZeroAligned(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, MCXT_ALLOC_ZERO);
}

void *
MemoryContextAllocHuge(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, 0);
}

void *
palloc(Size size)
{
	return MemoryContextAllocExtended(NULL, size, 0);
}

void *
palloc0(Size size)
{
	return MemoryContextAllocExtended(NULL, size, MCXT_ALLOC_ZERO);
}

void *
repalloc(void *memory, Size size)
{
	void *larger = palloc(size);

	memcpy(larger, memory, Min(block_of(memory)->size, size));
	pfree(memory);
	return larger;
}

void *
repalloc_huge(void *memory, Size size)
{
	return repalloc(memory, size);
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size min, Size init, Size max)
{
	(void) parent;
	(void) name;
	(void) min;
	(void) init;
	(void) max;
	return &any_context;
}

void
MemoryContextDelete(MemoryContext context)
{
	(void) context;
}

void
MemoryContextSetParent(MemoryContext context, MemoryContext new_parent)
{
	(void) context;
	(void) new_parent;
}

Size
MemoryContextMemAllocated(MemoryContext context, bool recurse)
{
	(void) context;
	(void) recurse;
	return allocated;
}

/* Settings of reco's (src/init.c needs more of a server). */

size_t
reco_max_memory(void)
{
	return MEMORY_LIMIT;
}

int
reco_threads(void)
{
	return 1;
}

/* Calls */

int
AggCheckCallContext(FunctionCallInfo fcinfo, MemoryContext *context)
{
	(void) fcinfo;
	if (context)
		*context = &any_context;
	return AGG_CONTEXT_AGGREGATE;
}

Datum
DirectFunctionCall1Coll(PGFunction func, Oid collation, Datum arg1)
{
	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, NULL, 1, collation, NULL, NULL);
	fcinfo->args[0] = (NullableDatum){arg1, false};
	return func(fcinfo);
}

Datum
FunctionCall1Coll(FmgrInfo *flinfo, Oid collation, Datum arg1)
{
	return DirectFunctionCall1Coll(flinfo->fn_addr, collation, arg1);
}

Datum
FunctionCall2Coll(FmgrInfo *flinfo, Oid collation, Datum arg1, Datum arg2)
{
	LOCAL_FCINFO(fcinfo, 2);

	InitFunctionCallInfoData(*fcinfo, flinfo, 2, collation, NULL, NULL);
	fcinfo->args[0] = (NullableDatum){arg1, false};
	fcinfo->args[1] = (NullableDatum){arg2, false};
	return flinfo->fn_addr(fcinfo);
}

Oid
get_fn_expr_argtype(FmgrInfo *flinfo, int argnum)
{
	(void) flinfo;
	(void) argnum;
	return server_argument_type;
}

/* Types: int4, int8 and text in the order of their bytes */

static int
compare_text(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_TEXT_PP(0);
	struct varlena *b = PG_GETARG_TEXT_PP(1);
	int compared =
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(VARSIZE_ANY_EXHDR(a), VARSIZE_ANY_EXHDR(b)));

	return compared != 0 ? compared : (int) VARSIZE_ANY_EXHDR(a) - (int) VARSIZE_ANY_EXHDR(b);
}

Datum
bttextcmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_text(fcinfo));
}

Datum
texteq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_text(fcinfo) == 0);
}

Datum
hashtextextended(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_TEXT_PP(0);

	/* few values, so that some collide */
	PG_RETURN_UINT64(VARSIZE_ANY_EXHDR(a) == 0 ? 0 : VARDATA_ANY(a)[0] % 4);
}

Datum
btint4cmp(PG_FUNCTION_ARGS)
{
	int32 a = PG_GETARG_INT32(0);
	int32 b = PG_GETARG_INT32(1);

	PG_RETURN_INT32((a > b) - (a < b));
}

TypeCacheEntry *
lookup_type_cache(Oid type_id, int flags)
{
	static TypeCacheEntry text_type = {
		.type_id = TEXTOID,
		.typlen = -1,
		.typalign = TYPALIGN_INT,
		.eq_opr_finfo = {.fn_addr = texteq, .fn_oid = 1},
		.cmp_proc_finfo = {.fn_addr = bttextcmp, .fn_oid = 1},
		.hash_proc_finfo = {.fn_oid = 1},
		.hash_extended_proc_finfo = {.fn_addr = hashtextextended, .fn_oid = 1}};
	/* a type that has an order and no hash */
	static TypeCacheEntry varchar_type = {.type_id = VARCHAROID,
										  .typlen = -1,
										  .typalign = TYPALIGN_INT,
										  .eq_opr_finfo = {.fn_addr = texteq, .fn_oid = 1},
										  .cmp_proc_finfo = {.fn_addr = bttextcmp, .fn_oid = 1}};
	static TypeCacheEntry int_type = {.type_id = INT4OID,
									  .typlen = 4,
									  .typbyval = true,
									  .typalign = TYPALIGN_INT,
									  .cmp_proc_finfo = {.fn_addr = btint4cmp, .fn_oid = 1}};

	(void) flags;
	switch (type_id)
	{
		case TEXTOID:
			return &text_type;
		case VARCHAROID:
			return &varchar_type;
		case INT4OID:
			return &int_type;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("type %u does not exist", type_id)));
	}
}

Oid
getBaseType(Oid typid)
{
	return typid;
}

char *
format_type_be(Oid type)
{
	return psprintf("%u", type);
}

Datum
float8out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(psprintf("%g", PG_GETARG_FLOAT8(0)));
}

void
float_overflow_error(void)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("overflow")));
}

/* Data */

struct varlena *
server_varlena(const void *data, size_t size, bool packed)
{
	size_t header = packed && size + 1 <= VARATT_SHORT_MAX ? 1 : VARHDRSZ;
	struct varlena *value = palloc(header + size);

	if (header == 1)
		SET_VARSIZE_SHORT(value, 1 + size);
	else
		SET_VARSIZE(value, VARHDRSZ + size);
	if (size > 0)
		memcpy((char *) value + header, data, size);
	return value;
}

struct varlena *
pg_detoast_datum_packed(struct varlena *datum)
{
	REQUIRE(!VARATT_IS_EXTERNAL(datum) && !VARATT_IS_COMPRESSED(datum));
	return datum;
}

struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	if (VARATT_IS_SHORT(datum))
		return server_varlena(VARDATA_ANY(datum), VARSIZE_ANY_EXHDR(datum), false);
	return pg_detoast_datum_packed(datum);
}

struct varlena *
pg_detoast_datum_copy(struct varlena *datum)
{
	return server_varlena(VARDATA_ANY(datum), VARSIZE_ANY_EXHDR(datum), false);
}

Size
toast_raw_datum_size(Datum value)
{
	return VARSIZE_ANY_EXHDR(DatumGetPointer(value)) + VARHDRSZ;
}

Size
datumGetSize(Datum value, bool by_value, int length)
{
	if (by_value || length > 0)
		return length;
	return length == -1 ? VARSIZE_ANY(DatumGetPointer(value)) : strlen(DatumGetCString(value)) + 1;
}

Datum
datumCopy(Datum value, bool by_value, int length)
{
	Size size = datumGetSize(value, by_value, length);
	char *copy;

	if (by_value)
		return value;
	copy = palloc(size);
	memcpy(copy, DatumGetPointer(value), size);
	return PointerGetDatum(copy);
}

void
deconstruct_array(ArrayType *array, Oid type, int length, bool by_value, char align,
				  Datum **elements, bool **nulls, int *n)
{
	const char *at = ARR_DATA_PTR(array);

	REQUIRE(type == ARR_ELEMTYPE(array) && nulls == NULL && length == -1 && !by_value &&
			align == TYPALIGN_INT);
	*n = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	*elements = palloc(sizeof(Datum) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		at = (const char *) att_align_pointer(at, TYPALIGN_INT, -1, at);
		(*elements)[i] = PointerGetDatum(at);
		at += VARSIZE_ANY(at);
	}
}

ArrayType *
construct_empty_array(Oid type)
{
	ArrayType *array = palloc0(sizeof(ArrayType));

	SET_VARSIZE(array, sizeof(ArrayType));
	array->elemtype = type;
	return array;
}

/* Only whether it can be read: an array that nothing looks into. */
ArrayType *
construct_array(Datum *elements, int n, Oid type, int length, bool by_value, char align)
{
	uint64 sum = 0;

	(void) align;
	for (int i = 0; i < n; i++)
		if (by_value)
			sum += elements[i];
		else
		{
			const char *at = DatumGetPointer(elements[i]);
			Size size = datumGetSize(elements[i], false, length);

			for (Size k = 0; k < size; k++)
				sum += (unsigned char) at[k];
		}
	return construct_empty_array(type + (sum == 1));
}

bool
array_contains_nulls(ArrayType *array)
{
	const bits8 *bitmap = ARR_NULLBITMAP(array);

	for (int i = 0; bitmap && i < ARR_DIMS(array)[0]; i++)
		if ((bitmap[i / 8] & (1 << (i % 8))) == 0)
			return true;
	return false;
}

/* Messages */

const char *
pq_getmsgbytes(StringInfo msg, int datalen)
{
	const char *at = msg->data + msg->cursor;

	if (datalen < 0 || datalen > msg->len - msg->cursor)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("insufficient data")));
	msg->cursor += datalen;
	return at;
}

static uint64
get_number(StringInfo msg, int bytes)
{
	const unsigned char *at = (const unsigned char *) pq_getmsgbytes(msg, bytes);
	uint64 number = 0;

	for (int i = 0; i < bytes; i++)
		number = number << 8 | at[i];
	return number;
}

unsigned int
pq_getmsgint(StringInfo msg, int b)
{
	return (unsigned int) get_number(msg, b);
}

int64
pq_getmsgint64(StringInfo msg)
{
	return (int64) get_number(msg, 8);
}

float8
pq_getmsgfloat8(StringInfo msg)
{
	uint64 bits = get_number(msg, 8);
	float8 value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

void
pq_getmsgend(StringInfo msg)
{
	if (msg->cursor != msg->len)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("invalid message format")));
}

void
pq_begintypsend(StringInfo buf)
{
	initStringInfo(buf);
	appendStringInfoSpaces(buf, VARHDRSZ);
}

bytea *
pq_endtypsend(StringInfo buf)
{
	SET_VARSIZE(buf->data, buf->len);
	return (bytea *) buf->data;
}

void
pq_sendfloat8(StringInfo buf, float8 f)
{
	uint64 bits;

	memcpy(&bits, &f, sizeof(bits));
	pq_sendint64(buf, bits);
}

/* Files */

static int writing = -1;

int
OpenTransientFile(const char *path, int flags)
{
	int file = memfd_create("file", 0);

	(void) path;
	REQUIRE(file >= 0);
	if (flags & (O_WRONLY | O_RDWR))
		writing = file;
	else
		REQUIRE(write(file, server_file, server_file_size) == (ssize_t) server_file_size);
	return file;
}

int
CloseTransientFile(int file)
{
	if (file == writing)
	{
		server_written_size = (size_t) lseek(file, 0, SEEK_END);
		free(server_written);
		server_written = malloc(server_written_size);
		REQUIRE(server_written != NULL && pread(file, server_written, server_written_size, 0) ==
											  (ssize_t) server_written_size);
		writing = -1;
	}
	return close(file);
}

int
MakePGDirectory(const char *path)
{
	(void) path;
	return 0;
}

DIR *
AllocateDir(const char *path)
{
	(void) path;
	return NULL;
}
