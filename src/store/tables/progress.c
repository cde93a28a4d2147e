/*
 * progress.c
 *	  How far a training of this session is, for other sessions to see.
 *
 * A small file among the server's temporary files, written anew as the training goes
 * on: nothing is committed for it, so it works inside a transaction block as well,
 * holds no snapshot, and leaves no dead rows.  It says something only as long as
 * somebody trains the model (lock.h); what a killed session left is removed by the
 * server when it starts, by the next training, or with the model (image_files.c).
 *
 * Writing is a courtesy: a full disk is no error of the training.
 *
 * Cost: an open, a write and a close, a few times a second.
 */
#include "store/tables/progress.h"

#include "common/file_perm.h"
#include "common/file_utils.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

/* No more often than this, but at the beginning of a phase. */
#define INTERVAL_MS 200

typedef struct Record
{
	RecoProgress progress;
	pg_crc32c crc;
} Record;

static Record current;
static char path[MAXPGPATH]; /* empty: nothing is told */
static TimestampTz told_at;

static void
path_of(Oid schema, char *out)
{
	snprintf(out, MAXPGPATH,
			 "base/" PG_TEMP_FILES_DIR "/" PG_TEMP_FILE_PREFIX "_reco.%u.%u.progress", MyDatabaseId,
			 schema);
}

static pg_crc32c
checksum(const Record *file)
{
	pg_crc32c crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, &file->progress, sizeof(RecoProgress));
	FIN_CRC32C(crc);
	return crc;
}

static void
tell(TimestampTz now)
{
	int file;

	current.crc = checksum(&current);
	told_at = now;
	file = BasicOpenFile(path, O_WRONLY | O_CREAT | PG_BINARY);
	if (file < 0)
		return;
	/* one write: a reader finds the old content, the new one, or a wrong checksum */
	if (write(file, &current, sizeof(Record)) < 0)
		told_at = 0;
	(void) close(file);
}

static void
tell_now_and_then(void)
{
	TimestampTz now;

	if (path[0] == '\0')
		return;
	now = GetCurrentTimestamp();
	if (told_at == 0 || TimestampDifferenceExceeds(told_at, now, INTERVAL_MS))
		tell(now);
}

void
reco_progress_begin(Oid schema)
{
	reco_progress_end();
	memset(&current, 0, sizeof(current));
	current.progress.pid = MyProcPid;
	current.progress.started_at = GetCurrentTimestamp();
	(void) MakePGDirectory("base/" PG_TEMP_FILES_DIR);
	path_of(schema, path);
}

void
reco_progress_phase(int32 version, const char *phase)
{
	if (path[0] == '\0')
		return;
	current.progress.version = version;
	strlcpy(current.progress.phase, phase, sizeof(current.progress.phase));
	current.progress.iteration = current.progress.iterations = 0;
	current.progress.loss = NAN;
	current.progress.phase_started_at = GetCurrentTimestamp();
	tell(current.progress.phase_started_at);
}

void
reco_progress_rows(int64 rows)
{
	current.progress.rows = rows;
	tell_now_and_then();
}

void
reco_progress_iteration(int32 iteration, int32 iterations, double loss)
{
	current.progress.iteration = iteration;
	current.progress.iterations = iterations;
	current.progress.loss = loss;
	tell_now_and_then();
}

void
reco_progress_end(void)
{
	if (path[0] != '\0')
		(void) unlink(path);
	path[0] = '\0';
}

bool
reco_progress_read(Oid schema, RecoProgress *out)
{
	char name[MAXPGPATH];
	Record read_file;
	int file;
	bool whole;

	path_of(schema, name);
	file = BasicOpenFile(name, O_RDONLY | PG_BINARY);
	if (file < 0)
		return false;
	whole = read(file, &read_file, sizeof(Record)) == sizeof(Record);
	(void) close(file);
	if (!whole || read_file.crc != checksum(&read_file))
		return false;
	*out = read_file.progress;
	out->phase[sizeof(out->phase) - 1] = '\0';
	return true;
}
