/*
 * prefixes.c
 *	  Users as they were before what is to be found of them.
 *
 * Rests on: the rows of a user in the order of items and times, of which those before a time are
 * in that order, too (core/ranking/split.h); the rules of a user (core/data/row.h).
 *
 * Cost: a pass over a user's rows for each case, and the scorer's fold-in on the main thread.
 */
#include "core/scoring/prefixes.h"

#include "core/data/csr.h"
#include "core/data/sorting.h"

/* Rows that are known in the cases of a batch, altogether, unless there are few cases. */
#define BATCH_ROWS (1024 * 1024)
#define BATCH_MOST 4096
#define BATCH_FEWEST 4

static int64_t
most_known(const reco_cases *cases)
{
	int64_t most = 0;

	for (int32_t k = 0; k < cases->cases; k++)
		most = cases->known[k] > most ? cases->known[k] : most;
	return most;
}

int64_t
reco_prefixes_batch(const reco_cases *cases)
{
	int64_t batch = BATCH_ROWS / (most_known(cases) + 1);

	batch = batch > BATCH_MOST ? BATCH_MOST : batch;
	return batch < BATCH_FEWEST ? BATCH_FEWEST : batch;
}

/* What the scorers' fold-ins take is some kilobytes each. */
size_t
reco_prefixes_bytes(const reco_cases *cases)
{
	size_t known = (size_t) most_known(cases) + 1;

	return (size_t) reco_prefixes_batch(cases) *
			   (known * (sizeof(int32_t) + sizeof(float)) + sizeof(reco_profile) + 8 * RECO_ALIGN) +
		   known * (sizeof(reco_entry) + sizeof(int64_t) + sizeof(float));
}

/* What one case's rows are merged with. */
typedef struct merging
{
	reco_entry *entry;
	int64_t *time;
	float *latest;
} merging;

/* The rows before the case; -1 to stop. */
static int64_t
take_known(const reco_env *env, const reco_cases *cases, int32_t at, const merging *m)
{
	int32_t user = cases->user[at];
	int64_t n = 0;
	int64_t done = 0;

	for (int64_t k = cases->start[user]; k < cases->start[user + 1]; k++)
	{
		if (cases->time[k] < cases->at[at])
		{
			m->entry[n] = cases->row[k];
			m->time[n++] = cases->time[k];
		}
		if (stop_after(env, 1, &done))
			return -1;
	}
	return n;
}

static reco_status
make(const reco_env *env, const reco_prefixes *p, const merging *m, int32_t at, reco_profile *out)
{
	static const reco_row_rules none = {0};
	const reco_cases *cases = p->cases;
	int64_t from = cases->start[cases->user[at]];
	size_t n = (size_t) cases->known[at] + 1;
	int32_t *item = env->alloc(env->arg, n * sizeof(int32_t));
	float *value = env->alloc(env->arg, n * sizeof(float));
	reco_row row = {.item = item, .sum = p->latest ? m->latest : value};
	int64_t known;

	*out = (reco_profile){.item = item, .value = value};
	if (item == NULL || value == NULL)
		return RECO_NO_MEMORY;
	row.latest = p->latest ? value : NULL;
	known = take_known(env, cases, at, m);
	out->n = known < 0 ? -1 : reco_row_reduce(env, &none, m->entry, m->time, known, &row);
	if (out->n < 0 ||
		(p->rule.kind != RECO_VALUES_RAW && !reco_values_by(env, &p->rule, value, out->n, value)))
	{
		out->n = 0;
		return RECO_STOPPED;
	}
	out->events = known;
	out->event = cases->event + from;
	out->moment = cases->moment + from;
	return out->n > 0 ? reco_scorer_fold_in(env, p->scorer, out) : RECO_OK;
}

reco_status
reco_prefixes_open(const reco_env *env, reco_prefixes *p, const int32_t *user, int64_t n)
{
	size_t known = 1;
	merging m;
	reco_status status;

	reco_prefixes_close(env, p);
	for (int64_t k = 0; k < n; k++)
		known = (size_t) p->cases->known[user[k]] + 1 > known
					? (size_t) p->cases->known[user[k]] + 1
					: known;
	p->profile = zeroed(env, ((size_t) n + 1) * sizeof(reco_profile));
	m.entry = env->alloc(env->arg, known * sizeof(reco_entry));
	m.time = env->alloc(env->arg, known * sizeof(int64_t));
	m.latest = env->alloc(env->arg, known * sizeof(float));
	status = p->profile && m.entry && m.time && m.latest ? RECO_OK : RECO_NO_MEMORY;
	p->user = user;
	while (status == RECO_OK && p->n < n)
	{
		p->n++;
		status = make(env, p, &m, user[p->n - 1], &p->profile[p->n - 1]);
	}
	release(env, m.entry);
	release(env, m.time);
	release(env, m.latest);
	if (status != RECO_OK)
		reco_prefixes_close(env, p);
	return status;
}

void
reco_prefixes_profile(const reco_prefixes *p, int32_t user, reco_profile *profile)
{
	int64_t at = reco_find(p->user, 0, p->n, user);

	if (at >= 0)
		*profile = p->profile[at];
}

void
reco_prefixes_close(const reco_env *env, reco_prefixes *p)
{
	for (int64_t k = 0; k < p->n; k++)
	{
		reco_profile_free(env, &p->profile[k]);
		release(env, (void *) p->profile[k].item);
		release(env, (void *) p->profile[k].value);
	}
	release(env, p->profile);
	p->profile = NULL;
	p->n = 0;
}
