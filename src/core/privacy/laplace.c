/*
 * laplace.c
 *	  Noise of a discrete Laplace distribution, exactly.
 */
#include "core/privacy/laplace.h"

static uint64_t
next_word(reco_random *random)
{
	if (random->failed)
		return 0;
	if (random->left == 0)
	{
		if (!random->fill(random->arg, random->word, sizeof(random->word)))
		{
			random->failed = true;
			return 0;
		}
		random->left = RECO_RANDOM_WORDS;
	}
	return random->word[--random->left];
}

uint64_t
reco_random_below(reco_random *random, uint64_t n)
{
	/* the words above the last multiple of n are drawn again */
	uint64_t limit = UINT64_MAX - UINT64_MAX % n;
	uint64_t word;

	do
		word = next_word(random);
	while (word >= limit && !random->failed);
	return word % n;
}

/* The same of n that take more than one word. */
static reco_wide
wide_below(reco_random *random, reco_wide n)
{
	const reco_wide most = ~(reco_wide) 0;
	reco_wide limit = most - most % n;
	reco_wide words;

	if (n <= UINT64_MAX)
		return reco_random_below(random, (uint64_t) n);
	do
	{
		words = (reco_wide) next_word(random) << 64;
		words |= next_word(random);
	} while (words >= limit && !random->failed);
	return words % n;
}

bool
reco_random_exp(reco_random *random, reco_wide n, reco_wide d)
{
	unsigned k = 1;

	/* the k-th of these has probability n / (d k) */
	while (wide_below(random, d * k) < n && !random->failed)
		k++;
	return k % 2 == 1;
}

int64_t
reco_discrete_laplace(reco_random *random, uint64_t s, uint64_t t)
{
	while (!random->failed)
	{
		uint64_t u = reco_random_below(random, t);
		uint64_t v = 0;
		uint64_t y;
		bool negative;

		if (!reco_random_exp(random, u, t))
			continue;
		while (reco_random_exp(random, 1, 1) && !random->failed)
			v++;
		y = (u + t * v) / s;
		negative = reco_random_below(random, 2) == 1;
		if (negative && y == 0)
			continue;
		return negative ? -(int64_t) y : (int64_t) y;
	}
	return 0;
}
