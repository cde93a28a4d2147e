/*
 * image.c
 *	  Versions in files that backends map.
 *
 * An image holds everything of a version that scoring looks at, as arrays at
 * places that its head names; nothing in it is a pointer.  It lies with the
 * server's temporary files (its name begins as theirs do, so the server removes
 * what is left at the next start), is written under another name and renamed when
 * it is whole, and is only ever read through the map: a full disk is a failed
 * write, not a signal.  Its name carries database, schema, version and nonce, so a
 * reused OID, a restore or a promoted standby never meets a wrong file; its head
 * carries them again, with the types of the ids and a hash of the algorithm, its parameters
 * and the fields: what an array means is told by a table whose owner may change it.  What
 * the algorithm needs must be there.  Numbers that say where to look carry a checksum;
 * scores of damaged factors are wrong, and no more.
 *
 * Which files there are, and when they go: image_files.c.
 *
 * Cost: writing, once a version; mapping, a few system calls and a pass over what has a
 * checksum.
 */
#include "store/image/image.h"

#include "core/ranking/pruned.h"
#include "common/file_perm.h"
#include "common/file_utils.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "utils/memutils.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x0008006f63657200) /* changes with the layout */
/* Bytes summed up between two polls. */
#define SUM_BYTES (16 * 1024 * 1024)

typedef enum SectionName
{
	SECTION_MATRIX,
	SECTION_BIAS,
	SECTION_INTERACTIONS,
	SECTION_TREND,
	SECTION_POPULAR,
	SECTION_IDS,
	SECTION_GRAM,
	SECTION_INDEX,
	SECTION_FOLLOWER_START,
	SECTION_FOLLOWER_ITEM,
	SECTION_FOLLOWER_WEIGHT,
	SECTION_SIMILAR_START,
	SECTION_SIMILAR_ITEM,
	SECTION_SIMILARITY,
	SECTION_NUMBERS,
	SECTION_ITEM_START,
	SECTION_ITEM_TERM,
	SECTION_ITEM_WEIGHT,
	SECTION_TERM_START,
	SECTION_TERM_ITEM,
	SECTION_TERM_WEIGHT,
	/* in the image of users */
	SECTION_USER_IDS,
	SECTION_USER_MATRIX,
	SECTION_USER_BIAS,
	SECTION_HISTORY_START,
	SECTION_HISTORY_ITEM,
	SECTION_HISTORY_VALUE,
	SECTION_INDEX_START,
	SECTION_INDEX_USER, /* no checksum: whoever looks there checks the numbers */
	SECTION_INDEX_VALUE,
	SECTION_INDEX_NUMBERS,
	SECTIONS
} SectionName;

typedef struct Section
{
	uint64 offset; /* a multiple of RECO_ALIGN; 0: the version has none */
	uint64 bytes;
	uint64 crc; /* of sections that say where to look; others may hold any numbers */
} Section;

typedef struct Head
{
	uint64 magic;
	uint64 bytes; /* of the file */
	Oid database;
	Oid schema;
	int64 nonce;
	int32 version;
	int32 items;
	int32 factors;
	int32 stride;
	int32 terms;
	int32 users;
	int32 kind;
	Oid id_type;
	Oid id_collation;
	uint64 hash; /* of what says what the sections mean */
	Section section[SECTIONS];
	pg_crc32c crc; /* of all before it */
} Head;

/* Numbers of items, terms and places, which must be within their bounds. */
static bool
points_somewhere(SectionName name)
{
	switch (name)
	{
		case SECTION_POPULAR:
		case SECTION_IDS:
		case SECTION_FOLLOWER_START:
		case SECTION_FOLLOWER_ITEM:
		case SECTION_SIMILAR_START:
		case SECTION_SIMILAR_ITEM:
		case SECTION_ITEM_START:
		case SECTION_ITEM_TERM:
		case SECTION_TERM_START:
		case SECTION_TERM_ITEM:
		case SECTION_USER_IDS:
		case SECTION_HISTORY_START:
		case SECTION_HISTORY_ITEM:
		case SECTION_INDEX_START:
			return true;
		default:
			return false;
	}
}

static uint64
checksum_of(const void *data, Size bytes)
{
	const char *at = data;
	pg_crc32c crc;

	INIT_CRC32C(crc);
	while (bytes > 0)
	{
		Size piece = Min(bytes, SUM_BYTES);

		COMP_CRC32C(crc, at, piece);
		at += piece;
		bytes -= piece;
		reco_poll();
	}
	FIN_CRC32C(crc);
	return crc;
}

/* Whether what the head's sections point to is what was written. */
static bool
is_sound(const Head *head)
{
	for (int s = 0; s < SECTIONS; s++)
		if (points_somewhere(s) && head->section[s].offset != 0 &&
			head->section[s].crc !=
				checksum_of((const char *) head + head->section[s].offset, head->section[s].bytes))
			return false;
	return true;
}

static pg_crc32c
checksum(const Head *head)
{
	pg_crc32c crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, head, offsetof(Head, crc));
	FIN_CRC32C(crc);
	return crc;
}

static void
fill_head(const Serving *serving, RecoImageKind kind, Head *head)
{
	const RecoModel *model = &serving->model;
	const IdType *type = kind == RECO_IMAGE_ITEMS ? serving->item_type : serving->user_type;

	memset(head, 0, sizeof(Head));
	head->magic = MAGIC;
	head->database = MyDatabaseId;
	head->schema = serving->schema;
	head->nonce = serving->nonce;
	head->version = serving->version;
	head->items = model->items;
	head->factors = model->factors;
	head->stride = model->stride;
	head->terms = serving->features ? serving->features->terms : 0;
	head->users = serving->users;
	head->kind = kind;
	head->id_type = type->type;
	head->id_collation = type->collation;
	head->hash = serving->hash;
}

/* Whether a file's head is that of this version, and the file whole. */
static bool
fits(const Serving *serving, RecoImageKind kind, const Head *head, uint64 bytes)
{
	Head wanted;

	fill_head(serving, kind, &wanted);
	if (head->magic != wanted.magic || head->bytes != bytes || head->crc != checksum(head) ||
		head->database != wanted.database || head->schema != wanted.schema ||
		head->nonce != wanted.nonce || head->version != wanted.version ||
		head->items != wanted.items || head->factors != wanted.factors ||
		head->stride != wanted.stride || head->terms != wanted.terms ||
		head->users != wanted.users || head->kind != wanted.kind ||
		head->id_type != wanted.id_type || head->id_collation != wanted.id_collation ||
		head->hash != wanted.hash)
		return false;
	for (int s = 0; s < SECTIONS; s++)
		if (head->section[s].offset > bytes || head->section[s].offset % RECO_ALIGN != 0 ||
			head->section[s].bytes > bytes - head->section[s].offset)
			return false;
	return true;
}

static void *
section(const RecoImage *image, SectionName name)
{
	const Head *head = image->memory;

	if (head->section[name].offset == 0)
		return NULL;
	return (char *) image->memory + head->section[name].offset;
}

static bool
section_is(const RecoImage *image, SectionName name, Size bytes)
{
	const Head *head = image->memory;

	return head->section[name].offset == 0 || head->section[name].bytes == bytes;
}

/* The same of a section that every image has. */
static bool
section_there(const RecoImage *image, SectionName name, Size bytes)
{
	return section(image, name) && section_is(image, name, bytes);
}

/* A sparse matrix of three sections, or an index, which may have no values; whether it is whole. */
static bool
point_csr(const RecoImage *image, SectionName first, int32 rows, int32 cols, reco_csr *out)
{
	const Head *head = image->memory;

	*out = (reco_csr){rows, cols, section(image, first), section(image, first + 1),
					  section(image, first + 2)};
	return out->start && out->col && (out->value || first == SECTION_INDEX_START) &&
		   head->section[first].bytes == ((Size) rows + 1) * sizeof(int64) &&
		   head->section[first + 1].bytes == (Size) out->start[rows] * sizeof(int32) &&
		   section_is(image, first + 2, (Size) out->start[rows] * sizeof(float));
}

/* The same of lists of neighbors. */
static bool
point_lists(const RecoImage *image, SectionName first, int32 rows, reco_neighbors *out)
{
	const Head *head = image->memory;

	*out = (reco_neighbors){rows, section(image, first), section(image, first + 1),
							section(image, first + 2)};
	return out->start && out->row && out->similarity &&
		   head->section[first].bytes == ((Size) rows + 1) * sizeof(int64) &&
		   head->section[first + 1].bytes == (Size) out->start[rows] * sizeof(int32) &&
		   head->section[first + 2].bytes == (Size) out->start[rows] * sizeof(double);
}

/* The lists of items, both ways. */
static bool
point_items(const RecoImage *image, RecoModel *model)
{
	return point_csr(image, SECTION_FOLLOWER_START, model->items, model->items,
					 &model->followers) &&
		   point_lists(image, SECTION_SIMILAR_START, model->items, &model->similar);
}

/* The arrays of a serving, in the map. */
static bool
point(Serving *serving, const RecoImage *image)
{
	const Head *head = image->memory;
	RecoModel *model = &serving->model;
	Size items = model->items;

	model->item = section(image, SECTION_MATRIX);
	model->item_bias = section(image, SECTION_BIAS);
	serving->interactions = section(image, SECTION_INTERACTIONS);
	serving->trend = section(image, SECTION_TREND);
	serving->popular = section(image, SECTION_POPULAR);
	model->gram = section(image, SECTION_GRAM);
	model->index = section(image, SECTION_INDEX);
	serving->items = id_dict_frozen(serving->context, serving->item_type,
									section(image, SECTION_IDS), head->section[SECTION_IDS].bytes);
	if (serving->items == NULL || id_dict_count(serving->items) != model->items ||
		!section_there(image, SECTION_MATRIX, items * model->stride * sizeof(float)) ||
		!section_there(image, SECTION_BIAS, items * sizeof(float)) ||
		!section_there(image, SECTION_INTERACTIONS, items * sizeof(float)) ||
		!section_there(image, SECTION_TREND, items * sizeof(float)) ||
		!section_there(image, SECTION_POPULAR, items * sizeof(int32)) ||
		!section_is(image, SECTION_GRAM, (Size) model->factors * model->factors * sizeof(double)) ||
		(reco_spec_needs(model->spec, RECO_NEEDS_GRAM) && model->gram == NULL) ||
		(model->index && !reco_pruned_valid(model->index, head->section[SECTION_INDEX].bytes,
											model->items, model->factors)) ||
		(reco_spec_needs(model->spec, RECO_NEEDS_LISTS) && !point_items(image, model)))
		return false;
	if (serving->features)
	{
		reco_content *content = &serving->features->content;

		content->items = model->items;
		content->dense = section(image, SECTION_NUMBERS);
		return content->dense &&
			   section_is(image, SECTION_NUMBERS, items * content->stride * sizeof(float)) &&
			   point_csr(image, SECTION_ITEM_START, model->items, head->terms, &content->by_item) &&
			   point_csr(image, SECTION_TERM_START, head->terms, model->items, &content->by_term);
	}
	return !reco_spec_needs(model->spec, RECO_NEEDS_CONTENT);
}

/* The index of users; it may have no values. */
static bool
point_index(const Serving *serving, const RecoImage *image, reco_row_index *out)
{
	out->numbers = section(image, SECTION_INDEX_NUMBERS);
	return out->numbers &&
		   section_is(image, SECTION_INDEX_NUMBERS,
					  reco_row_index_numbers(serving->users, serving->model.items) *
						  sizeof(double)) &&
		   point_csr(image, SECTION_INDEX_START, serving->model.items, serving->users,
					 &out->by_column);
}

/* All users in the map, in a context of their own; NULL when they do not fit. */
static ServingUsers *
point_users(const Serving *serving, const RecoImage *image, MemoryContext context)
{
	const Head *head = image->memory;
	Size users = serving->users;
	ServingUsers *all = MemoryContextAllocZero(context, sizeof(ServingUsers));

	all->ids = id_dict_frozen(context, serving->user_type, section(image, SECTION_USER_IDS),
							  head->section[SECTION_USER_IDS].bytes);
	all->factors = section(image, SECTION_USER_MATRIX);
	all->bias = section(image, SECTION_USER_BIAS);
	if (all->ids && id_dict_count(all->ids) == serving->users &&
		section_there(image, SECTION_USER_MATRIX, users * serving->model.stride * sizeof(float)) &&
		section_there(image, SECTION_USER_BIAS, users * sizeof(float)) &&
		point_csr(image, SECTION_HISTORY_START, serving->users, serving->model.items,
				  &all->histories) &&
		(!reco_spec_needs(serving->model.spec, RECO_NEEDS_USERS) ||
		 point_index(serving, image, &all->index)))
		return all;
	return NULL;
}

/*
 * Takes a map that fits.  The users are published when they are whole; the items' arrays
 * are those of a serving that nobody has yet.
 */
static bool
take(Serving *serving, RecoImageKind kind, const RecoImage *image)
{
	MemoryContext context;
	ServingUsers *users;

	if (!fits(serving, kind, image->memory, image->bytes) || !is_sound(image->memory))
		return false;
	if (kind == RECO_IMAGE_ITEMS)
	{
		if (!point(serving, image))
			return false;
		serving->image[kind] = *image;
		return true;
	}
	context = AllocSetContextCreate(CurrentMemoryContext, "reco users", ALLOCSET_SMALL_SIZES);
	users = point_users(serving, image, context);
	if (users == NULL)
	{
		MemoryContextDelete(context);
		return false;
	}
	MemoryContextSetParent(context, serving->context);
	serving->image[kind] = *image;
	serving->all = users;
	return true;
}

bool
reco_image_map(Serving *serving, RecoImageKind kind)
{
	char *path = reco_image_path(serving->schema, serving->version, serving->nonce, kind);
	int file = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	RecoImage image;
	struct stat status;
	void *memory = MAP_FAILED;
	bool usable = false;

	if (file < 0)
		return false;
	if (fstat(file, &status) == 0 && (uint64) status.st_size >= sizeof(Head))
		memory = mmap(NULL, status.st_size, PROT_READ, MAP_SHARED, file, 0);
	CloseTransientFile(file);
	if (memory == MAP_FAILED)
		return false;
	image = (RecoImage){memory, status.st_size};
	PG_TRY();
	{
		usable = take(serving, kind, &image);
	}
	PG_CATCH();
	{
		reco_image_unmap(&image);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (usable)
		return true;
	/* cut short, of another layout or meaning: the next one to look makes it anew */
	reco_image_unmap(&image);
	(void) unlink(path);
	return false;
}

void
reco_image_unmap(RecoImage *image)
{
	if (image->memory)
		(void) munmap(image->memory, image->bytes);
	image->memory = NULL;
}

/* What goes into a section. */
typedef struct Piece
{
	const void *data;
	Size bytes;
} Piece;

static void
csr_pieces(const reco_csr *a, Piece *piece)
{
	if (a->start == NULL)
		return;
	piece[0] = (Piece){a->start, ((Size) a->rows + 1) * sizeof(int64)};
	piece[1] = (Piece){a->col, a->start[a->rows] * sizeof(int32)};
	piece[2] = (Piece){a->value, a->start[a->rows] * sizeof(float)};
}

static void
list_pieces(const reco_neighbors *lists, Piece *piece)
{
	if (lists->start == NULL)
		return;
	piece[0] = (Piece){lists->start, ((Size) lists->rows + 1) * sizeof(int64)};
	piece[1] = (Piece){lists->row, lists->start[lists->rows] * sizeof(int32)};
	piece[2] = (Piece){lists->similarity, lists->start[lists->rows] * sizeof(double)};
}

static void
collect(const Serving *serving, RecoBudget *budget, Piece *piece)
{
	const RecoModel *model = &serving->model;
	Size items = model->items;

	memset(piece, 0, SECTIONS * sizeof(Piece));
	piece[SECTION_MATRIX] = (Piece){model->item, items * model->stride * sizeof(float)};
	piece[SECTION_BIAS] = (Piece){model->item_bias, items * sizeof(float)};
	piece[SECTION_INTERACTIONS] = (Piece){serving->interactions, items * sizeof(float)};
	piece[SECTION_TREND] = (Piece){serving->trend, items * sizeof(float)};
	piece[SECTION_POPULAR] = (Piece){serving->popular, items * sizeof(int32)};
	piece[SECTION_IDS].data = id_dict_freeze(serving->items, budget, &piece[SECTION_IDS].bytes);
	if (model->gram)
		piece[SECTION_GRAM] =
			(Piece){model->gram, (Size) model->factors * model->factors * sizeof(double)};
	if (model->index)
		piece[SECTION_INDEX] =
			(Piece){model->index, reco_pruned_size(model->items, model->factors)};
	csr_pieces(&model->followers, &piece[SECTION_FOLLOWER_START]);
	list_pieces(&model->similar, &piece[SECTION_SIMILAR_START]);
	if (serving->features)
	{
		const reco_content *content = &serving->features->content;

		piece[SECTION_NUMBERS] = (Piece){content->dense, items * content->stride * sizeof(float)};
		csr_pieces(&content->by_item, &piece[SECTION_ITEM_START]);
		csr_pieces(&content->by_term, &piece[SECTION_TERM_START]);
	}
}

static void
collect_users(const Serving *serving, const ServingUsers *all, RecoBudget *budget, Piece *piece)
{
	Size users = serving->users;

	memset(piece, 0, SECTIONS * sizeof(Piece));
	piece[SECTION_USER_IDS].data = id_dict_freeze(all->ids, budget, &piece[SECTION_USER_IDS].bytes);
	piece[SECTION_USER_MATRIX] =
		(Piece){all->factors, users * serving->model.stride * sizeof(float)};
	piece[SECTION_USER_BIAS] = (Piece){all->bias, users * sizeof(float)};
	csr_pieces(&all->histories, &piece[SECTION_HISTORY_START]);
	csr_pieces(&all->index.by_column, &piece[SECTION_INDEX_START]);
	if (all->index.numbers)
		piece[SECTION_INDEX_NUMBERS] =
			(Piece){all->index.numbers,
					reco_row_index_numbers(serving->users, serving->model.items) * sizeof(double)};
}

static bool
write_pieces(int file, Head *head, const Piece *piece)
{
	static const char padding[RECO_ALIGN] = {0};
	uint64 at = TYPEALIGN(RECO_ALIGN, sizeof(Head));

	for (int s = 0; s < SECTIONS; s++)
		if (piece[s].data)
		{
			head->section[s] =
				(Section){at, piece[s].bytes,
						  points_somewhere(s) ? checksum_of(piece[s].data, piece[s].bytes) : 0};
			at = TYPEALIGN(RECO_ALIGN, at + piece[s].bytes);
		}
	head->bytes = at;
	head->crc = checksum(head);
	if (!reco_image_write_bytes(file, head, sizeof(Head)) ||
		!reco_image_write_bytes(file, padding, TYPEALIGN(RECO_ALIGN, sizeof(Head)) - sizeof(Head)))
		return false;
	for (int s = 0; s < SECTIONS; s++)
		if (piece[s].data &&
			(!reco_image_write_bytes(file, piece[s].data, piece[s].bytes) ||
			 !reco_image_write_bytes(file, padding,
									 TYPEALIGN(RECO_ALIGN, piece[s].bytes) - piece[s].bytes)))
			return false;
	return true;
}

/* Writes under the name `path`; errors of the system are no errors of the query. */
static bool
write_file(const char *path, Head *head, const Piece *piece)
{
	int file;
	bool written = false;

	(void) MakePGDirectory(RECO_IMAGE_DIRECTORY);
	file = OpenTransientFile(path, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY);
	if (file < 0)
		return false;
	PG_TRY();
	{
		written = write_pieces(file, head, piece);
	}
	PG_CATCH();
	{
		(void) unlink(path);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (CloseTransientFile(file) != 0)
		written = false;
	return written;
}

bool
reco_image_write(const Serving *serving, const ServingUsers *users, MemoryContext held)
{
	RecoImageKind kind = users ? RECO_IMAGE_USERS : RECO_IMAGE_ITEMS;
	MemoryContext context = AllocSetContextCreate(held, "reco image", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	char *path = reco_image_path(serving->schema, serving->version, serving->nonce, kind);
	char *unfinished = psprintf(RECO_IMAGE_DIRECTORY "/" RECO_IMAGE_PREFIX "_new.%d", MyProcPid);
	Piece piece[SECTIONS];
	RecoBudget budget;
	Head head;
	bool done;

	reco_budget_init(&budget, held);
	budget.held = true;

	fill_head(serving, kind, &head);
	if (kind == RECO_IMAGE_ITEMS)
		collect(serving, &budget, piece);
	else
		collect_users(serving, users, &budget, piece);
	done = write_file(unfinished, &head, piece) && rename(unfinished, path) == 0;
	if (done)
		reco_image_remove_old(serving->schema, serving->version, serving->nonce);
	else
	{
		ereport(LOG, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", path),
					  errdetail("Each session keeps a copy of the model of its own.")));
		(void) unlink(unfinished);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return done;
}
