/*
 * mimic_env.h
 *	  Surroundings for kernels under test: an allocator that counts and can fail,
 *	  a poll that can ask for an end, and random numbers for inputs.
 */
#ifndef RECO_MIMIC_ENV_H
#define RECO_MIMIC_ENV_H

#include "core/base/env.h"

typedef struct mimic_env
{
	reco_env env;
	long allocations; /* asked for */
	long live;        /* blocks not yet released */
	size_t bytes;     /* in live blocks */
	size_t peak;
	long fail_at; /* the number of the allocation that fails; 0: none */
	long polls;
	long looks;   /* whether a poll is due, by any thread */
	long stop_at; /* the number of the poll that asks for an end; 0: none */
} mimic_env;

extern void mimic_env_init(mimic_env *m);

/* For env.due: the main thread is wanted at every look. */
extern bool mimic_always_due(void *arg);

/* For progress: counts iterations in the int that arg points to, which are told in order. */
extern void mimic_count_progress(void *arg, int iteration);

/* The instruction set level that is asked for, and asks for it again. */
extern char *mimic_level(void);
extern void mimic_level_back(char *level);

/* splitmix64: the next 64 bits, a number below n, a number in [0, 1). */
extern uint64_t mimic_bits(uint64_t *state);
extern int64_t mimic_below(uint64_t *state, int64_t n);
extern double mimic_uniform(uint64_t *state);

/* Puts 0 .. n - 1 into a random order. */
extern void mimic_shuffle(uint64_t *state, int32_t *order, int32_t n);

#endif /* RECO_MIMIC_ENV_H */
