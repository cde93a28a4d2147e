/*
 * settings.c
 *	  The settings, and what they come to on this machine.
 */
#include "pg/pg.h"

#include "optimizer/optimizer.h"
#include "postmaster/bgworker_internals.h"
#include "utils/guc.h"

#include <unistd.h>

int reco_threads_setting;
int reco_max_memory_setting;
static int max_threads_setting;
static int max_memory_limit_setting;

void
reco_settings_init(void)
{
	DefineCustomIntVariable("reco.threads", "Sets the number of threads that train, measure and rank for all users.",
							"0 means one more than max_parallel_maintenance_workers, at most the "
							"number of processors.",
							&reco_threads_setting, 0, 0, 1024, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("reco.max_threads",
							"Sets the most threads that reco.threads may ask for.",
							"0 means the number of processors.", &max_threads_setting, 0, 0, 1024,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"reco.max_memory", "Sets the most memory that training a model may use.",
		"0 means a third of the memory that there is for the server beside shared_buffers.",
		&reco_max_memory_setting, 0, 0, MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"reco.max_memory_limit", "Sets the most that reco.max_memory may allow.",
		"0 means a third of the memory that there is for the server beside shared_buffers.",
		&max_memory_limit_setting, 0, 0, MAX_KILOBYTES, PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
}

/*
 * The number of threads that a kernel may use now.
 */
int
reco_threads(void)
{
	int processors = (int) Max(sysconf(_SC_NPROCESSORS_ONLN), 1);
	int most = max_threads_setting > 0 ? max_threads_setting : processors;
	int threads = reco_threads_setting;

	if (threads == 0)
		threads = Min(max_parallel_maintenance_workers + 1, processors);
	return Max(Min(threads, most), 1);
}

/*
 * A third of what shared_buffers leaves: two trainings at once fit, and the rest of the
 * server beside them.
 */
static size_t
memory_share(void)
{
	size_t memory = reco_machine_memory();
	size_t shared = (size_t) NBuffers * BLCKSZ;

	return Max(memory > shared ? memory - shared : 0, memory / 4) / 3;
}

size_t
reco_max_memory_limit(void)
{
	return max_memory_limit_setting > 0 ? (size_t) max_memory_limit_setting * 1024 : memory_share();
}

/*
 * The memory that one training may use, in bytes.
 */
size_t
reco_max_memory(void)
{
	size_t memory =
		reco_max_memory_setting > 0 ? (size_t) reco_max_memory_setting * 1024 : memory_share();

	return Min(memory, reco_max_memory_limit());
}
