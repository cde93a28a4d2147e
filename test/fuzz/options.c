/*
 * options.c
 *	  Fuzz target: options by any name, with any value.
 *
 * Input: a byte that chooses the name (one of the table's, or any), a byte for
 * the kind of value, eight for a number, then the name and the string, each
 * with a zero behind it.  What is refused must leave the target as it was and
 * say why within its buffers; what is taken must be in range.
 */
#include "fuzz.h"

#include "core/base/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct params
{
	int count;
	int wide;
	uint64_t seed;
	double rate;
	bool flag;
	int choice;
} params;

static const char *const choices[] = {"auto", "cholesky", "cg", "-lu", NULL};

#define FIELD(name) offsetof(params, name)

static const reco_option table[] = {
	{"count", RECO_OPTION_INT, FIELD(count), 64, 1, 2048, NULL, false},
	{"wide", RECO_OPTION_INT, FIELD(wide), -5, INT32_MIN, INT32_MAX, NULL, false},
	{"seed", RECO_OPTION_SEED, FIELD(seed), 42, 0, 9007199254740992.0, NULL, false},
	{"rate", RECO_OPTION_REAL, FIELD(rate), 0.25, 1e-9, 1e9, NULL, false},
	{"flag", RECO_OPTION_BOOL, FIELD(flag), true, 0, 1, NULL, false},
	{"choice", RECO_OPTION_ENUM, FIELD(choice), 1, 0, 0, choices, false},
	{NULL, 0, 0, 0, 0, 0, NULL, false},
};

#define OPTIONS (sizeof(table) / sizeof(table[0]) - 1)

static void
check_ranges(const params *p)
{
	REQUIRE(p->count >= 1 && p->count <= 2048);
	REQUIRE(p->seed <= UINT64_C(1) << 53);
	REQUIRE(p->rate >= 1e-9 && p->rate <= 1e9);
	REQUIRE(p->choice >= 0 && p->choice <= 2);
}

/* A string up to the next zero or the end, malloc'd to the byte. */
static char *
take_string(const uint8_t **data, size_t *size)
{
	size_t length = 0;
	char *s;

	while (length < *size && (*data)[length])
		length++;
	s = malloc(length + 1);
	if (length > 0)
		memcpy(s, *data, length);
	s[length] = '\0';
	if (length < *size)
		length++;
	*data += length;
	*size -= length;
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char owner[] = "algorithm \"test\"";
	size_t choice;
	reco_value value;
	reco_option_error error;
	params before;
	params p;
	char *name;
	char *string;

	if (size < 10)
		return 0;
	memset(&before, 0, sizeof(before));
	reco_options_init(table, &before);
	p = before;
	choice = data[0];
	value.kind = (reco_value_kind) (data[1] % (RECO_VALUE_OTHER + 1));
	value.boolean = data[1] & 0x80;
	memcpy(&value.number, data + 2, sizeof(double));
	data += 10;
	size -= 10;
	name = take_string(&data, &size);
	string = take_string(&data, &size);
	value.string = string;
	memset(&error, 'x', sizeof(error));
	if (reco_options_set(table, &p, size ? string : owner,
						 choice < OPTIONS * 8 ? table[choice / 8].name : name, &value, &error))
	{
		check_ranges(&p);
		REQUIRE(value.kind != RECO_VALUE_OTHER);
	}
	else
	{
		REQUIRE(p.count == before.count && p.wide == before.wide && p.seed == before.seed);
		REQUIRE(p.rate == before.rate && p.flag == before.flag && p.choice == before.choice);
		REQUIRE(error.message[0] != '\0' && error.hint[0] != '\0');
	}
	REQUIRE(memchr(error.message, '\0', sizeof(error.message)));
	REQUIRE(memchr(error.hint, '\0', sizeof(error.hint)));
	free(name);
	free(string);
	return 0;
}
