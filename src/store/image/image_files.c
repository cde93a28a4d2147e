/*
 * image_files.c
 *	  Which files of versions there are, what writes to them, and when they go.
 *
 * A file's name carries database, schema, version, nonce, epoch and kind, so a reused OID, a
 * restore or a promoted standby never meets a wrong one.  Files that no version needs
 * are removed by whoever writes one or is the first of a session to map one, those of a dropped
 * model at the commit of the drop, where that session has the library, and those of users at the
 * commit of reco.forget_user(); the server removes the rest at its start.
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

#include <signal.h>
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

/* Whether a file is one that a process which is gone was writing. */
static bool
is_abandoned(const char *name)
{
	int pid;

	return sscanf(name, RECO_IMAGE_PREFIX "_new.%d", &pid) == 1 && pid > 0 && kill(pid, 0) != 0 &&
		   errno == ESRCH;
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

		if (is_abandoned(entry->d_name))
			(void) unlink(psprintf(RECO_IMAGE_DIRECTORY "/%s", entry->d_name));
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

void
reco_image_remove_stale(const Serving *serving)
{
	if (reco_version_epoch_now(serving->schema, serving->version, serving->nonce) != serving->epoch)
		(void) unlink(reco_image_path(serving, RECO_IMAGE_USERS));
}

/*
 * Schemas dropped by the current transaction, or by a part of it that was rolled back, and,
 * from just before its commit on, the files of those that are gone: after the commit there
 * may be no error any more.
 */
static List *dropped = NIL;
static List *doomed = NIL;

/* Schemas whose files of users go when the current transaction commits. */
static List *forgotten = NIL;

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

void
reco_image_forget_users(Oid schema)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	forgotten = lappend_oid(forgotten, schema);
	MemoryContextSwitchTo(old);
}

/*
 * Once all others see what was committed: whoever makes such a file by what they saw before
 * removes it again (cache.c).  There may be no error any more.
 */
static void
remove_users(void)
{
	DIR *dir = opendir(RECO_IMAGE_DIRECTORY);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
	{
		char path[MAXPGPATH];
		Oid database;
		Oid schema;
		int32 number;
		uint64 nonce;
		int64 layer;
		char kind;

		if (!is_abandoned(entry->d_name) &&
			(sscanf(entry->d_name,
					RECO_IMAGE_PREFIX ".%u.%u.%d." UINT64_FORMAT "." INT64_FORMAT ".%c", &database,
					&schema, &number, &nonce, &layer, &kind) != 6 ||
			 database != MyDatabaseId || kind != 'u' || !list_member_oid(forgotten, schema)))
			continue;
		snprintf(path, sizeof(path), RECO_IMAGE_DIRECTORY "/%s", entry->d_name);
		(void) unlink(path);
	}
	if (dir)
		closedir(dir);
}

static void
at_end(XactEvent event, void *arg)
{
	ListCell *cell;

	/* who commits it later knows nothing of files */
	if (event == XACT_EVENT_PRE_PREPARE && forgotten != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has called reco.forget_user()"),
				 errdetail("Files that have the user go when it commits."),
				 errhint("Call it in a transaction that is committed without being prepared.")));
	if (event == XACT_EVENT_PRE_COMMIT && dropped != NIL)
		find_doomed();
	if (event == XACT_EVENT_COMMIT)
		foreach (cell, doomed)
			(void) unlink(lfirst(cell));
	if (event == XACT_EVENT_COMMIT && forgotten != NIL)
		remove_users();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		dropped = doomed = forgotten = NIL; /* their memory goes with the transaction */
}

void
reco_image_init(void)
{
	previous_hook = object_access_hook;
	object_access_hook = note_drop;
	RegisterXactCallback(at_end, NULL);
}
