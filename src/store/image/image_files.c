/*
 * image_files.c
 *	  Which files of versions there are, what writes to them, and when they go.
 *
 * A file's name carries database, schema, version, nonce, epoch and kind, so a reused OID, a
 * restore or a promoted standby never meets a wrong one.  Files that no version needs
 * are removed by whoever writes one, and those of a dropped model at the commit of the
 * drop, where that session has the library; the server removes the rest at its start.
 *
 * Cost: a look into the folder of temporary files, once a version.
 */
#include "store/image/image.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include <unistd.h>

/* Bytes written between two polls. */
#define WRITE_BYTES (1024 * 1024)

static char *
path_of(Oid schema, int32 version, int64 nonce, int64 epoch, RecoImageKind kind)
{
	return psprintf(RECO_IMAGE_DIRECTORY "/" RECO_IMAGE_PREFIX ".%u.%u.%d." UINT64_FORMAT
										 "." INT64_FORMAT ".%s",
					MyDatabaseId, schema, version, (uint64) nonce, epoch,
					kind == RECO_IMAGE_ITEMS ? "items" : "users");
}

char *
reco_image_path(const Serving *serving, RecoImageKind kind)
{
	return path_of(serving->schema, serving->version, serving->nonce,
				   reco_image_epoch(serving, kind), kind);
}

bool
reco_image_exists(Oid schema, int32 version, int64 nonce)
{
	char *path = path_of(schema, version, nonce, 0, RECO_IMAGE_ITEMS);
	bool exists = access(path, R_OK) == 0;

	pfree(path);
	return exists;
}

bool
reco_image_write_bytes(int file, const void *data, Size bytes)
{
	while (bytes > 0)
	{
		ssize_t written;

		reco_poll();
		errno = 0;
		written = write(file, data, Min(bytes, WRITE_BYTES));
		if (written <= 0)
		{
			if (errno == EINTR)
				continue;
			if (errno == 0)
				errno = ENOSPC;
			return false;
		}
		data = (const char *) data + written;
		bytes -= written;
	}
	return true;
}

void
reco_image_remove_old(const Serving *serving)
{
	DIR *dir = AllocateDir(RECO_IMAGE_DIRECTORY);
	struct dirent *entry;

	while (dir && (entry = ReadDirExtended(dir, RECO_IMAGE_DIRECTORY, DEBUG1)) != NULL)
	{
		Oid database;
		Oid of;
		int32 number;
		uint64 nonce;
		int64 layer;
		char kind;
		bool old;

		if (sscanf(entry->d_name,
				   RECO_IMAGE_PREFIX ".%u.%u.%d." UINT64_FORMAT "." INT64_FORMAT ".%c", &database,
				   &of, &number, &nonce, &layer, &kind) != 6)
			continue;
		if (database != MyDatabaseId)
			old = get_database_name(database) == NULL;
		else if (of == serving->schema)
			old = number < serving->version ||
				  (number == serving->version &&
				   (nonce != (uint64) serving->nonce || (kind == 'u' && layer < serving->epoch)));
		else
			old = !SearchSysCacheExists1(NAMESPACEOID, ObjectIdGetDatum(of));
		if (old)
			(void) unlink(psprintf(RECO_IMAGE_DIRECTORY "/%s", entry->d_name));
	}
	if (dir)
		FreeDir(dir);
}

/*
 * Schemas dropped by the current transaction, or by a part of it that was rolled back, and,
 * from just before its commit on, the files of those that are gone: after the commit there
 * may be no error any more.
 */
static List *dropped = NIL;
static List *doomed = NIL;
static object_access_hook_type previous_hook;

static void
note_drop(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (previous_hook)
		previous_hook(access, class_id, object_id, sub_id, arg);
	if (access == OAT_DROP && class_id == NamespaceRelationId)
	{
		MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

		dropped = lappend_oid(dropped, object_id);
		MemoryContextSwitchTo(old);
	}
}

static void
find_doomed(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	DIR *dir = AllocateDir(RECO_IMAGE_DIRECTORY);
	struct dirent *entry;

	while (dir && (entry = ReadDirExtended(dir, RECO_IMAGE_DIRECTORY, DEBUG1)) != NULL)
	{
		Oid database;
		Oid schema;

		if (sscanf(entry->d_name, RECO_IMAGE_PREFIX ".%u.%u.", &database, &schema) == 2 &&
			database == MyDatabaseId && list_member_oid(dropped, schema) &&
			!SearchSysCacheExists1(NAMESPACEOID, ObjectIdGetDatum(schema)))
			doomed = lappend(doomed, psprintf(RECO_IMAGE_DIRECTORY "/%s", entry->d_name));
	}
	if (dir)
		FreeDir(dir);
	MemoryContextSwitchTo(old);
}

static void
at_end(XactEvent event, void *arg)
{
	ListCell *cell;

	if (event == XACT_EVENT_PRE_COMMIT && dropped != NIL)
		find_doomed();
	if (event == XACT_EVENT_COMMIT)
		foreach (cell, doomed)
			(void) unlink(lfirst(cell));
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		dropped = doomed = NIL; /* their memory goes with the transaction */
}

void
reco_image_init(void)
{
	previous_hook = object_access_hook;
	object_access_hook = note_drop;
	RegisterXactCallback(at_end, NULL);
}
