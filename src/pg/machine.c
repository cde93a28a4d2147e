/*
 * machine.c
 *	  How much memory there is for this process.
 *
 * The machine's memory, or what a control group of this process allows where that is
 * less: in a container the kernel kills at the group's limit, and a killed backend
 * takes all sessions with it.  A group is bounded by all groups that it is in; both
 * hierarchies are looked at (cgroups(7): version 2 has lines "0::PATH" in
 * /proc/self/cgroup, version 1 a line "N:memory:PATH").  Files that are not there
 * bound nothing.
 *
 * Cost: some system calls, once a session.
 */
#include "pg/pg.h"

#include "storage/fd.h"

#include <unistd.h>

#define GROUPS "/sys/fs/cgroup"

/* The number that a file begins with, or SIZE_MAX: "max", or no such file. */
static size_t
read_limit(const char *path)
{
	FILE *file = AllocateFile(path, "r");
	unsigned long long limit;
	bool is_number;

	if (file == NULL)
		return SIZE_MAX;
	is_number = fscanf(file, "%llu", &limit) == 1;
	FreeFile(file);
	return is_number ? (size_t) limit : SIZE_MAX;
}

/* The least limit of a group and of those that it is in. */
static size_t
group_limit(const char *hierarchy, const char *group, const char *name)
{
	char *path = pstrdup(group);
	size_t least = SIZE_MAX;

	for (;;)
	{
		char *slash = strrchr(path, '/');
		char *file = psprintf("%s%s/%s", hierarchy, path, name);

		least = Min(least, read_limit(file));
		pfree(file);
		if (slash == NULL)
			break;
		*slash = '\0';
	}
	pfree(path);
	return least;
}

static size_t
groups_limit(void)
{
	FILE *file = AllocateFile("/proc/self/cgroup", "r");
	char line[MAXPGPATH];
	size_t least = SIZE_MAX;

	while (file && fgets(line, sizeof(line), file))
	{
		char *controllers = strchr(line, ':');
		char *group = controllers ? strchr(controllers + 1, ':') : NULL;

		if (group == NULL)
			continue;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		if (controllers[1] == '\0')
			least = Min(least, group_limit(GROUPS, group, "memory.max"));
		else if (strcmp(controllers + 1, "memory") == 0)
			least = Min(least, group_limit(GROUPS "/memory", group, "memory.limit_in_bytes"));
	}
	if (file)
		FreeFile(file);
	return least;
}

size_t
reco_machine_memory(void)
{
	static size_t memory = 0;

	if (memory == 0)
	{
		long pages = sysconf(_SC_PHYS_PAGES);
		long page = sysconf(_SC_PAGESIZE);
		size_t all = pages > 0 && page > 0 ? (size_t) pages * (size_t) page : (size_t) 1 << 30;

		memory = Min(all, groups_limit());
	}
	return memory;
}
