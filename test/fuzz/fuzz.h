/*
 * fuzz.h
 *	  What every fuzz target has.
 */
#ifndef RECO_FUZZ_H
#define RECO_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* A finding: ends the program. */
#define REQUIRE(condition)                                                                         \
	do                                                                                             \
	{                                                                                              \
		if (!(condition))                                                                          \
			abort();                                                                               \
	} while (0)

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* RECO_FUZZ_H */
