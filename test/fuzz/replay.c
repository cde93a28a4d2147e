/*
 * replay.c
 *	  Feeds stored inputs to a fuzz target: a main() in place of libFuzzer's.
 *
 * usage: TARGET FILE-OR-FOLDER...
 * Says "N inputs replayed"; a fault ends the program, after the name of the
 * input at hand has gone to standard error.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static long replayed = 0;

static int
replay_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(size); /* exactly, so that a read past the end shows */

	if (file == NULL || (data == NULL && size > 0) || fread(data, 1, size, file) != size)
	{
		fprintf(stderr, "could not read \"%s\"\n", path);
		return 1;
	}
	fclose(file);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	replayed++;
	return 0;
}

static int
replay(const char *path)
{
	struct stat status;
	struct dirent **entries;
	int count, failed = 0;

	if (stat(path, &status) != 0)
	{
		fprintf(stderr, "could not find \"%s\"\n", path);
		return 1;
	}
	if (!S_ISDIR(status.st_mode))
		return replay_file(path, (size_t) status.st_size);

	count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++)
	{
		const char *name = entries[i]->d_name;
		char inner[4096];

		if (name[0] != '.')
		{
			snprintf(inner, sizeof(inner), "%s/%s", path, name);
			failed |= replay(inner);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return failed;
}

int
main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	printf("%ld inputs replayed\n", replayed);
	return failed;
}
