/*
 * sets.c
 *	  Members of sets, sorted.
 *
 * A few members are sorted by insertion, more by a radix sort that begins with
 * the last byte of the key and leaves out bytes that are the same in all keys,
 * as most are when keys are small numbers.  Both are stable.
 *
 * Cost: n^2 / 4 moves up to RECO_SORT_SMALL members; else one pass to count and
 * one for each byte that differs, at most 9, and room for a copy.
 */
#include "core/similarity/sets.h"

#include <string.h>

/* Members between two polls: a few milliseconds. */
#define POLL_MEMBERS 262144

static inline bool
stop_at_member(const reco_env *env, int64_t i)
{
	return i % POLL_MEMBERS == POLL_MEMBERS - 1 && env->poll(env->arg);
}

static void
insertion_sort(reco_member *m, int64_t n)
{
	for (int64_t i = 1; i < n; i++)
	{
		reco_member entry = m[i];
		int64_t at = i;

		for (; at > 0 && m[at - 1].key > entry.key; at--)
			m[at] = m[at - 1];
		m[at] = entry;
	}
}

reco_status
reco_sort_members(reco_member *members, reco_member *scratch, int64_t n, const reco_env *env)
{
	int64_t count[8][256];
	reco_member *from = members;
	reco_member *to = scratch;

	if (n <= RECO_SORT_SMALL)
	{
		insertion_sort(members, n);
		return RECO_OK;
	}
	memset(count, 0, sizeof(count));
	for (int64_t i = 0; i < n; i++)
	{
		if (stop_at_member(env, i))
			return RECO_STOPPED;
		for (int byte = 0; byte < 8; byte++)
			count[byte][(members[i].key >> (8 * byte)) & 0xFF]++;
	}
	for (int byte = 0; byte < 8; byte++)
	{
		int64_t *place = count[byte];
		int64_t at = 0;
		reco_member *other = from;

		if (place[(members[0].key >> (8 * byte)) & 0xFF] == n)
			continue;
		for (int value = 0; value < 256; value++)
		{
			int64_t here = place[value];

			place[value] = at;
			at += here;
		}
		for (int64_t i = 0; i < n; i++)
		{
			if (stop_at_member(env, i))
				return RECO_STOPPED;
			to[place[(from[i].key >> (8 * byte)) & 0xFF]++] = from[i];
		}
		from = to;
		to = other;
	}
	for (int64_t i = 0; from != members && i < n; i += POLL_MEMBERS)
	{
		if (i > 0 && env->poll(env->arg))
			return RECO_STOPPED;
		memcpy(members + i, from + i,
			   (size_t) (n - i < POLL_MEMBERS ? n - i : POLL_MEMBERS) * sizeof(reco_member));
	}
	return RECO_OK;
}

/* The first member after those of i's key; -1 to stop. */
static inline int64_t
next_key(const reco_env *env, const reco_member *m, int64_t n, int64_t i)
{
	uint64_t key = m[i].key;

	while (++i < n && m[i].key == key)
		if (stop_at_member(env, i))
			return -1;
	return i;
}

reco_status
reco_overlap_count(const reco_member *a, int64_t n_a, const reco_member *b, int64_t n_b,
				   const reco_env *env, reco_overlap *overlap)
{
	int64_t i = 0;
	int64_t j = 0;

	*overlap = (reco_overlap){0, 0, 0};
	for (int64_t step = 0; i < n_a || j < n_b; step++)
	{
		bool in_a = j >= n_b || (i < n_a && a[i].key <= b[j].key);
		bool in_b = i >= n_a || (j < n_b && b[j].key <= a[i].key);

		if (stop_at_member(env, step))
			return RECO_STOPPED;
		overlap->a += in_a;
		overlap->b += in_b;
		overlap->both += in_a && in_b;
		if (in_a)
			i = next_key(env, a, n_a, i);
		if (in_b)
			j = next_key(env, b, n_b, j);
		if (i < 0 || j < 0)
			return RECO_STOPPED;
	}
	return RECO_OK;
}
