/*
 * evaluation.c
 *	  How well a scorer finds what was hidden from it.
 *
 * Each user's measures go to a place of the batch, and from there into the sums in the order of
 * users.  For coverage each thread keeps the best place that each item had in a list: an item
 * is shown in lists of k where that is below k.
 *
 * Rests on: engine.h.  Cost: a list a user, and the scores of what was hidden where values are
 * predicted.  Memory: an engine, 4 bytes an item and a list for each thread, and a batch.
 */
#include "core/scoring/evaluation.h"

#include "core/scoring/engine.h"
#include "core/data/sorting.h"

#include <math.h>
#include <string.h>

/* Users of a batch. */
#define BATCH_USERS 4096

/* What is measured of a user besides the lists. */
typedef struct result
{
	bool ranked; /* there was something to be found */
	int64_t predicted;
	double squared;
	double absolute;
} result;

typedef struct measuring
{
	const reco_evaluation *e;
	reco_judge judge;
	int64_t longest;       /* what was hidden of a user */
	result *result;        /* by place in the batch */
	reco_rank_metrics *at; /* cutoffs each */
	reco_evaluation_sums *sums;
} measuring;

/* What a worker owns. */
typedef struct own
{
	int32_t *place; /* items: one more than the best that it had; 0: none */
	reco_ranked *list;
	float *score;
	int32_t *wanted;
} own;

static size_t
rounded(size_t bytes)
{
	return (bytes + RECO_ALIGN - 1) / RECO_ALIGN * RECO_ALIGN;
}

static int32_t
list_length(const measuring *m)
{
	int32_t items = m->e->scorer->items;

	return m->judge.largest < items ? m->judge.largest : items;
}

static size_t
own_bytes(const measuring *m)
{
	return rounded((size_t) m->e->scorer->items * sizeof(int32_t)) +
		   rounded((size_t) list_length(m) * sizeof(reco_ranked)) +
		   rounded((size_t) m->longest * sizeof(float)) +
		   rounded((size_t) m->longest * sizeof(int32_t));
}

static own
own_of(const measuring *m, void *memory)
{
	char *at = memory;
	own o;

	o.place = (int32_t *) at;
	at += rounded((size_t) m->e->scorer->items * sizeof(int32_t));
	o.list = (reco_ranked *) at;
	at += rounded((size_t) list_length(m) * sizeof(reco_ranked));
	o.score = (float *) at;
	at += rounded((size_t) m->longest * sizeof(float));
	o.wanted = (int32_t *) at;
	return o;
}

static bool
profile_of(void *arg, int64_t user, reco_profile *profile)
{
	const reco_evaluation *e = ((const measuring *) arg)->e;

	if (e->hidden.start[user + 1] == e->hidden.start[user])
		return false;
	e->profile(e->arg, user, profile);
	return true;
}

/* How far off the predictions of a user's hidden values are. */
static reco_status
predict(const measuring *m, reco_worker *w, int64_t user, float *score, result *r)
{
	const reco_evaluation *e = m->e;
	int64_t from = e->hidden.start[user];
	int32_t n = (int32_t) (e->hidden.start[user + 1] - from);
	reco_status status = reco_seat_some(w->seat, e->hidden.col + from, n, score);

	for (int32_t k = 0; k < n && status == RECO_OK; k++)
	{
		double truth = e->truth ? e->truth[from + k] : 1;
		double off = reco_scorer_predict(e->scorer, score[k]) - truth;

		if (score[k] == -INFINITY)
			continue;
		r->squared += off * off;
		r->absolute += fabs(off);
		r->predicted++;
	}
	return status;
}

/* Nobody wants to be shown what they are known to dislike. */
static int64_t
wanted_of(const measuring *m, int64_t user, int32_t *wanted)
{
	const reco_evaluation *e = m->e;
	int64_t n = 0;

	for (int64_t k = e->hidden.start[user]; k < e->hidden.start[user + 1]; k++)
		if (e->worth == NULL || e->worth[k] > 0)
			wanted[n++] = e->hidden.col[k];
	return n;
}

static reco_status
visit(void *arg, reco_worker *w, int64_t user)
{
	const measuring *m = arg;
	own o = own_of(m, w->own);
	result *r = &m->result[user - w->batch];
	int64_t relevant;
	int32_t by_score;
	int32_t n;

	*r = (result){0};
	if (m->e->predicts && predict(m, w, user, o.score, r) != RECO_OK)
		return RECO_STOPPED;
	relevant = wanted_of(m, user, o.wanted);
	if (relevant == 0)
		return RECO_OK;
	n = reco_worker_list(w, list_length(m), o.list, &by_score);
	if (n < 0)
		return RECO_STOPPED;
	r->ranked = true;
	reco_judge_list(&m->judge, o.list, n, o.wanted, relevant,
					m->at + (user - w->batch) * m->e->cutoffs);
	for (int32_t k = 0; k < n; k++)
	{
		int32_t *place = &o.place[o.list[k].item];

		if (*place == 0 || *place > k + 1)
			*place = k + 1;
	}
	return RECO_OK;
}

static reco_status
add_batch(void *arg, int64_t from, int64_t to)
{
	const measuring *m = arg;
	reco_evaluation_sums *sums = m->sums;
	const int64_t *start = m->e->hidden.start;

	for (int64_t user = from; user < to; user++)
	{
		const result *r = &m->result[user - from];
		const reco_rank_metrics *at = m->at + (user - from) * m->e->cutoffs;

		if (start[user + 1] == start[user])
			continue;
		sums->squared += r->squared;
		sums->absolute += r->absolute;
		sums->predicted += r->predicted;
		sums->predicted_users += r->predicted > 0;
		sums->users += r->ranked;
		for (int c = 0; c < m->e->cutoffs && r->ranked; c++)
		{
			sums->at[c].precision += at[c].precision;
			sums->at[c].recall += at[c].recall;
			sums->at[c].ndcg += at[c].ndcg;
			sums->at[c].hit += at[c].hit;
		}
	}
	return RECO_OK;
}

/* The items that were in anybody's list. */
static reco_status
count_shown(const measuring *m, const reco_env *env, reco_engine *engine)
{
	const reco_evaluation *e = m->e;

	for (int32_t i = 0; i < e->scorer->items; i++)
	{
		int32_t best = 0;

		for (int t = 0; t < reco_engine_threads(engine); t++)
		{
			int32_t place = own_of(m, reco_engine_worker(engine, t)->own).place[i];

			if (place > 0 && (best == 0 || place < best))
				best = place;
		}
		for (int c = 0; c < e->cutoffs; c++)
			m->sums->shown[c] += best > 0 && best <= e->cutoff[c];
		if (i % 65536 == 65535 && env->poll(env->arg))
			return RECO_STOPPED;
	}
	return RECO_OK;
}

/* All but memory. */
static void
measuring_of(const reco_evaluation *e, measuring *m)
{
	*m = (measuring){.e = e};
	for (int c = 0; c < e->cutoffs; c++)
		if (e->cutoff[c] > m->judge.largest)
			m->judge.largest = e->cutoff[c];
	for (int32_t u = 0; u < e->hidden.rows; u++)
		if (e->hidden.start[u + 1] - e->hidden.start[u] > m->longest)
			m->longest = e->hidden.start[u + 1] - e->hidden.start[u];
}

static reco_engine_options
options_of(const measuring *m)
{
	return (reco_engine_options){m->e->scorer, NULL, m->e->filler, m->e->fillers, own_bytes(m)};
}

static size_t
batch_users(const reco_evaluation *e)
{
	return e->hidden.rows < BATCH_USERS ? (size_t) e->hidden.rows : BATCH_USERS;
}

size_t
reco_evaluation_bytes(const reco_evaluation *e, int threads)
{
	measuring m;
	reco_engine_options options;

	measuring_of(e, &m);
	options = options_of(&m);
	return reco_engine_bytes(&options, threads) + ((size_t) m.judge.largest + 1) * 16 +
		   (batch_users(e) + 1) *
			   (sizeof(result) + ((size_t) e->cutoffs + 1) * sizeof(reco_rank_metrics)) +
		   4 * RECO_ALIGN;
}

reco_status
reco_evaluation_run(const reco_env *env, const reco_evaluation *e, reco_evaluation_sums *sums)
{
	size_t batch = batch_users(e);
	reco_engine *engine = NULL;
	reco_engine_options options;
	reco_pass pass = {e->hidden.rows, profile_of, visit, add_batch, BATCH_USERS, NULL};
	measuring m;
	reco_status status;

	memset(sums, 0, sizeof(*sums));
	measuring_of(e, &m);
	m.sums = sums;
	pass.arg = &m;
	status = reco_judge_make(env, e->cutoff, e->cutoffs, &m.judge);
	m.result = env->alloc(env->arg, (batch + 1) * sizeof(result));
	m.at = env->alloc(env->arg, (batch * (size_t) e->cutoffs + 1) * sizeof(reco_rank_metrics));
	if (m.result == NULL || m.at == NULL)
		status = RECO_NO_MEMORY;
	options = options_of(&m);
	if (status == RECO_OK)
		status = reco_engine_make(env, &options, &engine);
	if (status == RECO_OK)
		status = reco_engine_run(engine, &pass);
	if (status == RECO_OK)
		status = count_shown(&m, env, engine);
	reco_engine_free(engine);
	release(env, m.at);
	release(env, m.result);
	reco_judge_free(env, &m.judge);
	return status;
}
