/*
 * image.c
 *	  Versions in files that backends map.
 *
 * An image holds everything of a version that scoring looks at, as arrays at
 * places that its head names; nothing in it is a pointer.  It lies with the
 * server's temporary files (its name begins as theirs do, so the server removes
 * what is left at the next start), is written under another name and renamed when
 * it is whole, and is only ever read through the map: a full disk is a failed
 * write, not a signal.  Its name carries database, schema, version, nonce and, of users, the
 * epoch of the layer over them, so a reused OID, a restore, a promoted standby or a layer that
 * was rolled back never meets a wrong file; its head
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

#include "store/image/sections.h"
#include "common/file_perm.h"
#include "common/file_utils.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "utils/memutils.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x000d006f63657200) /* changes with the layout */
/* Bytes summed up between two polls. */
#define SUM_BYTES (16 * 1024 * 1024)

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
	int64 epoch;
	int32 version;
	int32 items;
	int32 terms;
	int32 users; /* 0 in the image of items, which is that of any layer */
	int32 kind;
	Oid id_type;
	Oid id_collation;
	uint64 hash; /* of what says what the sections mean */
	int32 sections;
	Section section[RECO_MOST_SECTIONS];
	pg_crc32c crc; /* of all before it */
} Head;

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
	head->epoch = reco_image_epoch(serving, kind);
	head->version = serving->version;
	head->items = model->items;
	head->terms = model->terms;
	head->users = kind == RECO_IMAGE_USERS ? serving->users : 0;
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
	wanted.bytes = bytes;
	if (memcmp(head, &wanted, offsetof(Head, sections)) != 0 || head->crc != checksum(head) ||
		head->sections < 0 || head->sections > RECO_MOST_SECTIONS)
		return false;
	for (int s = 0; s < head->sections; s++)
		if (head->section[s].offset > bytes || head->section[s].offset % RECO_ALIGN != 0 ||
			head->section[s].bytes > bytes - head->section[s].offset)
			return false;
	return true;
}

/* Gives a section its place in the map; whether it is there and whole. */
static bool
point(const RecoSection *section, const RecoImage *image, int number)
{
	const Section *at = &((const Head *) image->memory)->section[number];
	char *data = (char *) image->memory + at->offset;

	if (at->offset == 0)
		return section->optional;
	if (section->size)
		*section->size = at->bytes;
	else if (at->bytes != reco_section_bytes(section))
		return false;
	/* before what follows from it is looked at */
	if (section->checked && at->crc != checksum_of(data, at->bytes))
		return false;
	*section->place = data;
	return true;
}

static bool
point_all(const RecoSections *sections, const RecoImage *image)
{
	if (((const Head *) image->memory)->sections != sections->n)
		return false;
	for (int s = 0; s < sections->n; s++)
		if (!point(&sections->section[s], image, s))
			return false;
	return true;
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
	RecoSections sections;

	if (!fits(serving, kind, image->memory, image->bytes))
		return false;
	if (kind == RECO_IMAGE_ITEMS)
	{
		reco_sections_items(serving, &sections);
		if (!point_all(&sections, image) || !reco_sections_take_items(serving, &sections))
			return false;
		serving->image[kind] = *image;
		return true;
	}
	context = AllocSetContextCreate(CurrentMemoryContext, "reco users", ALLOCSET_SMALL_SIZES);
	users = reco_users_make(serving, context);
	reco_sections_users(serving, users, &sections);
	if (!point_all(&sections, image) ||
		!reco_sections_take_users(serving, users, &sections, context))
	{
		MemoryContextDelete(context);
		return false;
	}
	MemoryContextSetParent(context, serving->context);
	serving->image[kind] = *image;
	serving->all = users;
	reco_users_give(&serving->model, users);
	return true;
}

bool
reco_image_map(Serving *serving, RecoImageKind kind)
{
	char *path = reco_image_path(serving, kind);
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

static bool
write_sections(int file, Head *head, const RecoSections *sections)
{
	static const char padding[RECO_ALIGN] = {0};
	uint64 at = TYPEALIGN(RECO_ALIGN, sizeof(Head));

	head->sections = sections->n;
	for (int s = 0; s < sections->n; s++)
	{
		const RecoSection *section = &sections->section[s];
		const void *data = *section->place;
		Size bytes = data ? reco_section_bytes(section) : 0;

		if (data == NULL)
			continue;
		head->section[s] = (Section){at, bytes, section->checked ? checksum_of(data, bytes) : 0};
		at = TYPEALIGN(RECO_ALIGN, at + bytes);
	}
	head->bytes = at;
	head->crc = checksum(head);
	if (!reco_image_write_bytes(file, head, sizeof(Head)) ||
		!reco_image_write_bytes(file, padding, TYPEALIGN(RECO_ALIGN, sizeof(Head)) - sizeof(Head)))
		return false;
	for (int s = 0; s < sections->n; s++)
	{
		Size bytes = head->section[s].bytes;

		if (head->section[s].offset != 0 &&
			(!reco_image_write_bytes(file, *sections->section[s].place, bytes) ||
			 !reco_image_write_bytes(file, padding, TYPEALIGN(RECO_ALIGN, bytes) - bytes)))
			return false;
	}
	return true;
}

/* Writes under the name `path`; errors of the system are no errors of the query. */
static bool
write_file(const char *path, Head *head, const RecoSections *sections)
{
	int file;
	bool written = false;

	(void) MakePGDirectory(RECO_IMAGE_DIRECTORY);
	file = OpenTransientFile(path, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY);
	if (file < 0)
		return false;
	PG_TRY();
	{
		written = write_sections(file, head, sections);
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
	char *path = reco_image_path(serving, kind);
	char *unfinished = psprintf(RECO_IMAGE_DIRECTORY "/" RECO_IMAGE_PREFIX "_new.%d", MyProcPid);
	RecoSections sections;
	RecoBudget budget;
	Head head;
	bool done;

	reco_budget_init(&budget, held);
	budget.held = true;

	fill_head(serving, kind, &head);
	if (kind == RECO_IMAGE_ITEMS)
	{
		reco_sections_items(unconstify(Serving *, serving), &sections);
		sections.ids = (void *) id_dict_freeze(serving->items, &budget, &sections.ids_size);
	}
	else
	{
		reco_sections_users(serving, unconstify(ServingUsers *, users), &sections);
		sections.ids = (void *) id_dict_freeze(users->ids, &budget, &sections.ids_size);
	}
	done = write_file(unfinished, &head, &sections) && rename(unfinished, path) == 0;
	if (done)
		reco_image_remove_old(serving);
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
