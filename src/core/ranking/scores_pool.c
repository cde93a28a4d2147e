/*
 * scores_pool.c
 *	  Measurements of the same algorithm on several parts as one.
 *
 * Each part counts by the users that it has, but a user is one user on however many parts: what
 * is found of one on two of them goes together more than what is found of two users, so that
 * errors are told from the users' sums.  So it is with several cases of one user in a part.
 *
 * Cost: a pass over the users of all parts.
 */
#include "core/ranking/scores.h"

#include "core/data/sorting.h"

#include <math.h>

/* Where a pass over the parts, in the order of users, is. */
typedef struct pass
{
	const reco_scores *const *part;
	const int32_t *const *user;
	int parts;
	int32_t *at; /* by part */
} pass;

/* The next user of all; -1: there is none. */
static int32_t
next_user(const pass *s)
{
	int32_t user = -1;

	for (int p = 0; p < s->parts; p++)
		if (s->at[p] < s->part[p]->users && (user < 0 || s->user[p][s->at[p]] < user))
			user = s->user[p][s->at[p]];
	return user;
}

static bool
has(const pass *s, int p, int32_t user)
{
	return s->at[p] < s->part[p]->users && s->user[p][s->at[p]] == user;
}

static void
go_on(const pass *s, int32_t user)
{
	for (int p = 0; p < s->parts; p++)
		while (has(s, p, user))
			s->at[p]++;
}

static int32_t
count_users(const pass *s)
{
	int32_t users = 0;

	for (int32_t user = next_user(s); user >= 0; user = next_user(s))
	{
		go_on(s, user);
		users++;
	}
	for (int p = 0; p < s->parts; p++)
		s->at[p] = 0;
	return users;
}

/* The sum of a user's numbers, NAN where there is none; *n: how many there are. */
static double
pooled(const pass *s, int32_t user, int column, int *n)
{
	double sum = 0;

	*n = 0;
	for (int p = 0; p < s->parts; p++)
	{
		const reco_scores *part = s->part[p];
		const float *value = part->value + (size_t) column * (size_t) part->users;

		for (int32_t at = s->at[p]; at < part->users && s->user[p][at] == user; at++)
			if (!isnan(value[at]))
			{
				sum += value[at];
				(*n)++;
			}
	}
	return *n > 0 ? sum : (double) NAN;
}

/* Coverage and gini. */
static void
pool_shown(const pass *s, reco_scores *out)
{
	int listed = 0;

	out->groups = s->part[0]->groups;
	for (int p = 0; p < s->parts; p++)
	{
		out->groups = s->part[p]->groups < out->groups ? s->part[p]->groups : out->groups;
		listed += s->part[p]->listed > 0;
	}
	for (int c = 0; c < 2 * out->columns.cutoffs; c++)
		for (int g = 0; g <= RECO_SHOWN_GROUPS; g++)
			for (int p = 0; p < s->parts; p++)
				if (s->part[p]->listed > 0)
					out->shown[c][g] += s->part[p]->shown[c][g] / listed;
}

/* What was said, one part after the other. */
static reco_status
pool_said(const reco_env *env, const pass *s, reco_scores *out)
{
	int64_t places = 0;
	int64_t at = 0;

	for (int p = 0; p < s->parts; p++)
	{
		if (s->part[p]->said == NULL)
			return RECO_OK;
		places += s->part[p]->places;
	}
	if (reco_scores_keep_said(env, out, places) != RECO_OK)
		return RECO_NO_MEMORY;
	for (int p = 0; p < s->parts; p++)
	{
		const reco_scores *part = s->part[p];

		memcpy(out->said + at, part->said, (size_t) part->places * sizeof(float));
		memcpy(out->seen + at, part->seen, (size_t) part->places * sizeof(float));
		at += part->places;
	}
	return RECO_OK;
}

reco_status
reco_scores_pool(const reco_env *env, const reco_scores *const *part, const int32_t *const *user,
				 int parts, reco_scores *scores)
{
	pass s = {part, user, parts, zeroed(env, (size_t) parts * sizeof(int32_t))};
	reco_status status = RECO_NO_MEMORY;

	if (s.at)
		status = reco_scores_make(env, &part[0]->columns, count_users(&s), NULL, scores);
	if (status == RECO_OK)
	{
		scores->times = env->alloc(
			env->arg, ((size_t) scores->columns.n * (size_t) scores->users + 1) * sizeof(float));
		status = scores->times ? pool_said(env, &s, scores) : RECO_NO_MEMORY;
		if (status != RECO_OK)
			reco_scores_free(env, scores);
	}
	for (int32_t u = 0; status == RECO_OK && u < scores->users; u++)
	{
		int32_t number = next_user(&s);

		for (int c = 0; c < scores->columns.n; c++)
		{
			int n;

			reco_scores_set(scores, u, c, pooled(&s, number, c, &n));
			scores->times[(size_t) c * (size_t) scores->users + (size_t) u] = (float) n;
		}
		go_on(&s, number);
	}
	for (int p = 0; p < parts && status == RECO_OK; p++)
	{
		scores->listed += part[p]->listed;
		scores->unpredicted += part[p]->unpredicted;
	}
	if (status == RECO_OK)
		pool_shown(&s, scores);
	release(env, s.at);
	return status;
}
