/*
 * mimic_env.c
 *	  Surroundings for kernels under test.
 *
 * Every block is malloc'd by itself, filled with a pattern that no kernel can
 * take for zeros, so ASan sees what a kernel does to it.
 */
#include "mimic_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In front of a block, a cache line that keeps its size. */
static void *
count_alloc(void *arg, size_t bytes)
{
	mimic_env *m = arg;
	size_t total = (RECO_ALIGN + bytes + RECO_ALIGN - 1) / RECO_ALIGN * RECO_ALIGN;
	char *block;

	m->allocations++;
	if (m->allocations == m->fail_at || total < bytes)
		return NULL;
	block = aligned_alloc(RECO_ALIGN, total);
	if (block == NULL)
		return NULL;
	memset(block, 0xa5, total);
	memcpy(block, &bytes, sizeof(bytes));
	m->live++;
	m->bytes += bytes;
	if (m->bytes > m->peak)
		m->peak = m->bytes;
	return block + RECO_ALIGN;
}

static void
count_release(void *arg, void *memory)
{
	mimic_env *m = arg;
	char *block = (char *) memory - RECO_ALIGN;
	size_t bytes;

	memcpy(&bytes, block, sizeof(bytes));
	m->live--;
	m->bytes -= bytes;
	free(block);
}

static bool
count_poll(void *arg)
{
	mimic_env *m = arg;

	return ++m->polls == m->stop_at;
}

static bool
never_stopping(void *arg)
{
	(void) arg;
	return false;
}

/* Every fifth time, so that a region is left and entered again at many places. */
static bool
count_due(void *arg)
{
	mimic_env *m = arg;

	return __atomic_add_fetch(&m->looks, 1, __ATOMIC_RELAXED) % 5 == 0;
}

void
mimic_env_init(mimic_env *m)
{
	memset(m, 0, sizeof(*m));
	m->env = (reco_env){count_alloc, count_release, count_poll, never_stopping, 1, m, count_due};
}

bool
mimic_always_due(void *arg)
{
	(void) arg;
	return true;
}

void
mimic_count_progress(void *arg, int iteration)
{
	int *count = arg;

	assert_int_equal(iteration, ++*count);
}

char *
mimic_level(void)
{
	const char *level = getenv("RECO_ISA");

	return level ? strdup(level) : NULL;
}

void
mimic_level_back(char *level)
{
	if (level)
		setenv("RECO_ISA", level, 1);
	else
		unsetenv("RECO_ISA");
	free(level);
}

uint64_t
mimic_bits(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int64_t
mimic_below(uint64_t *state, int64_t n)
{
	return (int64_t) (mimic_bits(state) % (uint64_t) n);
}

double
mimic_uniform(uint64_t *state)
{
	return (double) (mimic_bits(state) >> 11) * 0x1p-53;
}

void
mimic_shuffle(uint64_t *state, int32_t *order, int32_t n)
{
	for (int32_t i = 0; i < n; i++)
	{
		int32_t j = (int32_t) mimic_below(state, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}
