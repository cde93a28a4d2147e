/*
 * mimic_noise.c
 *	  Sources of random words for tests of noise.
 */
#include "mimic_noise.h"

#include "core/base/rng.h"

static uint64_t drawn;

bool
mimic_noise(void *arg, void *to, size_t bytes)
{
	uint64_t *word = to;

	(void) arg;
	for (size_t k = 0; k < bytes / sizeof(uint64_t); k++)
		word[k] = reco_rng_bits(reco_rng_row(7, 11), drawn++);
	return true;
}

bool
mimic_no_noise(void *arg, void *to, size_t bytes)
{
	(void) arg;
	(void) to;
	(void) bytes;
	return false;
}
