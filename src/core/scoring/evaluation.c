/*
 * evaluation.c
 *	  How well a scorer finds what was hidden from it.
 *
 * Each user's numbers and list go to a place of the batch, and from there into the scores and
 * the counts of what was shown in the order of users.
 *
 * Rests on: engine.h, and where users are cases prefixes.h.  Cost: a list a user, and the scores of
 * what was hidden where values are predicted; for auc the scores of all items for those who are
 * sampled, for diversity their lists once more.  Memory: an engine, what was hidden of the longest
 * user for each thread, a batch, counts of items where coverage or gini are asked for, and the
 * lists that are sampled.
 */
#include "core/scoring/evaluation.h"

#include "core/data/sorting.h"
#include "core/ranking/auc.h"
#include "core/ranking/diversity.h"
#include "core/ranking/shown.h"
#include "core/scoring/engine.h"

#include <math.h>
#include <string.h>

/* Users of a batch, fewer where their lists are long. */
#define BATCH_USERS 4096
#define BATCH_FEWEST 16
#define BATCH_PLACES (2 * 1024 * 1024)

typedef struct measuring
{
	const reco_evaluation *e;
	const reco_columns *columns;
	reco_judge judge;
	reco_shown shown; /* count NULL: not asked for */
	int64_t longest;  /* what was hidden of a user */
	int32_t length;   /* of lists; 0: none are wanted */
	int64_t batch;
	/* by place in the batch */
	double *row;
	reco_ranked *list;
	int32_t *listed; /* how many items are in the list; -1: there is none */
	int64_t *unpredicted;
	reco_scores *scores;
	/* for diversity: the lists of those who are sampled, and who they are */
	reco_lists lists;
	int32_t *lister;
	const reco_env *env;
	reco_engine *engine;
} measuring;

/* What a worker owns. */
typedef struct own
{
	float *score;
	int32_t *item;
	float *gain;
	reco_ranked *best;
	float *all; /* items */
} own;

static size_t
rounded(size_t bytes)
{
	return (bytes + RECO_ALIGN - 1) / RECO_ALIGN * RECO_ALIGN;
}

static size_t
best_gains(const measuring *m)
{
	if (m->columns->first[RECO_METRIC_NDCG_GRADED] < 0)
		return 0;
	return (size_t) (m->longest < m->columns->largest ? m->longest : m->columns->largest);
}

static size_t
all_scores(const measuring *m)
{
	return m->columns->first[RECO_METRIC_AUC] < 0 ? 0 : (size_t) m->e->scorer->items;
}

static size_t
own_bytes(const measuring *m)
{
	return 3 * rounded((size_t) m->longest * sizeof(float)) +
		   rounded(best_gains(m) * sizeof(reco_ranked)) + rounded(all_scores(m) * sizeof(float));
}

static own
own_of(const measuring *m, void *memory)
{
	char *at = memory;
	own o;

	o.score = (float *) at;
	at += rounded((size_t) m->longest * sizeof(float));
	o.item = (int32_t *) at;
	at += rounded((size_t) m->longest * sizeof(float));
	o.gain = (float *) at;
	at += rounded((size_t) m->longest * sizeof(float));
	o.best = (reco_ranked *) at;
	at += rounded(best_gains(m) * sizeof(reco_ranked));
	o.all = (float *) at;
	return o;
}

static inline bool
is_stranger(const reco_evaluation *e, int32_t user)
{
	return user >= e->hidden.rows - e->strangers ||
		   (e->prefixes && e->prefixes->cases->known[user] == 0);
}

static bool
profile_of(void *arg, int64_t at, reco_profile *profile)
{
	const reco_evaluation *e = ((const measuring *) arg)->e;

	if (is_stranger(e, e->user[at]))
		return false;
	if (e->prefixes)
		reco_prefixes_profile(e->prefixes, e->user[at], profile);
	else
		e->profile(e->arg, e->user[at], profile);
	return true;
}

/* Keeps some of the known hidden values of a user, from `from` on, with what is predicted. */
static void
keep_predictions(const measuring *m, int64_t at, int64_t from, int32_t known, const float *score)
{
	const reco_evaluation *e = m->e;
	int32_t n = known < RECO_SAID_EACH ? known : RECO_SAID_EACH;

	for (int32_t j = 0; j < n; j++)
	{
		int32_t k = (int32_t) ((int64_t) j * known / n);

		if (score[k] == -INFINITY)
			continue;
		m->scores->said[at * RECO_SAID_EACH + j] = reco_scorer_predict(e->scorer, score[k]);
		m->scores->seen[at * RECO_SAID_EACH + j] = e->truth ? e->truth[from + k] : 1;
	}
}

/* Keeps the scores of the first places of a list, with what was found there. */
static void
keep_places(const measuring *m, int64_t at, const reco_ranked *list, int32_t n,
			const reco_wanted *wanted)
{
	for (int32_t r = 0; r < n && r < RECO_SAID_EACH; r++)
	{
		m->scores->said[at * RECO_SAID_EACH + r] = list[r].score;
		m->scores->seen[at * RECO_SAID_EACH + r] =
			reco_find(wanted->item, 0, wanted->n, list[r].item) >= 0;
	}
}

static bool
predicts(const measuring *m)
{
	return m->e->predicts && (m->columns->metrics & RECO_METRICS_OF_VALUES);
}

/* How far off the predictions of a user's hidden values are. */
static reco_status
predict(const measuring *m, reco_worker *w, int64_t at, int32_t user, float *score)
{
	int64_t place = at - w->batch;
	const reco_evaluation *e = m->e;
	int64_t from = e->hidden.start[user];
	int32_t n = (int32_t) (e->hidden.start[user + 1] - from);
	double *row = m->row + place * m->columns->n;
	int first = m->columns->first[RECO_METRIC_RMSE] >= 0 ? m->columns->first[RECO_METRIC_RMSE]
														 : m->columns->first[RECO_METRIC_MAE];
	int32_t known = n;
	double squared = 0;
	double absolute = 0;
	int32_t predicted = 0;
	reco_status status;

	while (known > 0 && e->hidden.col[from + known - 1] >= e->scorer->items)
		known--;
	status = reco_seat_some(w->seat, e->hidden.col + from, known, score);
	for (int32_t k = 0; k < known && status == RECO_OK; k++)
	{
		double truth = e->truth ? e->truth[from + k] : 1;
		double off = reco_scorer_predict(e->scorer, score[k]) - truth;

		if (score[k] == -INFINITY)
			continue;
		squared += off * off;
		absolute += fabs(off);
		predicted++;
	}
	m->unpredicted[place] = n - predicted;
	if (predicted > 0)
	{
		row[first] = predicted;
		row[first + 1] = squared;
		row[first + 2] = absolute;
	}
	if (m->scores->said && status == RECO_OK)
		keep_predictions(m, at, from, known, score);
	return status;
}

/* Nobody wants to be shown what they are known to dislike.  seat NULL: they have nothing. */
static reco_wanted
wanted_of(const measuring *m, int32_t user, const own *o, const reco_seat *seat)
{
	const reco_evaluation *e = m->e;
	reco_wanted wanted = {.item = o->item, .gain = e->worth ? o->gain : NULL, .best = o->best};
	size_t best = best_gains(m);

	if (seat)
	{
		wanted.had = seat->profile->item;
		wanted.had_n = seat->profile->n;
	}
	for (int64_t k = e->hidden.start[user]; k < e->hidden.start[user + 1]; k++)
		if (e->worth == NULL || e->worth[k] > 0)
		{
			o->gain[wanted.n] = e->worth ? e->worth[k] : 1;
			o->item[wanted.n++] = e->hidden.col[k];
		}
	if (best > 0)
		(void) reco_top_n(NULL, o->gain, (int32_t) wanted.n, NULL, (int32_t) best, o->best);
	return wanted;
}

static bool
is_sampled(const measuring *m, int64_t at, int sample, reco_metric metric)
{
	return m->e->sampled && (m->e->sampled[at] & sample) && m->columns->first[metric] >= 0;
}

/* seat NULL, or who is not known to the scorer: what is popular. */
static reco_status
measure_auc(const measuring *m, const reco_env *env, reco_seat *seat, const own *o,
			const reco_wanted *wanted, double *auc)
{
	bool personal = seat && reco_seat_is_personal(seat);
	bool own = seat && !m->e->repeats;
	const float *score = personal ? o->all : m->e->fallback;
	const int32_t *seen = NULL;
	int64_t n = 0;

	if (personal && reco_seat_score(seat, o->all) != RECO_OK)
		return RECO_STOPPED;
	if (own)
		seen = reco_profile_seen(seat->profile, &n);
	return reco_auc(env, score, m->e->scorer->items, seen, n, wanted->item, wanted->n, o->score,
					auc);
}

/* The places of a user in the batch, with nothing in them. */
static double *
clear(const measuring *m, int64_t place)
{
	double *row = m->row + place * m->columns->n;

	for (int c = 0; c < m->columns->n; c++)
		row[c] = (double) NAN;
	m->listed[place] = -1;
	m->unpredicted[place] = 0;
	return row;
}

static reco_status
visit(void *arg, reco_worker *w, int64_t at)
{
	const measuring *m = arg;
	own o = own_of(m, w->own);
	int64_t place = at - w->batch;
	int32_t user = m->e->user[at];
	double *row = clear(m, place);
	reco_ranked *list = m->list + place * m->length;
	reco_wanted wanted;
	int32_t by_score;

	if (predicts(m) && predict(m, w, at, user, o.score) != RECO_OK)
		return RECO_STOPPED;
	wanted = wanted_of(m, user, &o, w->seat);
	if (wanted.n == 0)
		return RECO_OK;
	if (is_sampled(m, at, RECO_SAMPLED_AUC, RECO_METRIC_AUC) &&
		measure_auc(m, &w->seat->env, w->seat, &o, &wanted,
					row + m->columns->first[RECO_METRIC_AUC]) != RECO_OK)
		return RECO_STOPPED;
	if (!(m->columns->metrics & RECO_METRICS_OF_LISTS))
		return RECO_OK;
	m->listed[place] = reco_worker_list(w, m->length, list, &by_score);
	if (m->listed[place] < 0)
		return RECO_STOPPED;
	if (m->scores->said && !predicts(m))
		keep_places(m, at, list, by_score, &wanted);
	reco_judge_list(&m->judge, list, m->listed[place], &wanted, row);
	return RECO_OK;
}

/* A user whom the scorer does not know, on the main thread: there is no profile to open. */
static reco_status
judge_stranger(const measuring *m, int64_t at, int64_t place)
{
	const reco_evaluation *e = m->e;
	int32_t user = e->user[at];
	own o = own_of(m, reco_engine_worker(m->engine, 0)->own);
	double *row = clear(m, place);
	reco_ranked *list = m->list + place * m->length;
	reco_wanted wanted = wanted_of(m, user, &o, NULL);
	int32_t n = e->misses ? 0 : e->fillers < m->length ? e->fillers : m->length;

	if (predicts(m))
		m->unpredicted[place] = e->hidden.start[user + 1] - e->hidden.start[user];
	if (wanted.n == 0)
		return RECO_OK;
	if (is_sampled(m, at, RECO_SAMPLED_AUC, RECO_METRIC_AUC))
	{
		double *auc = row + m->columns->first[RECO_METRIC_AUC];

		*auc = 0;
		if (!e->misses && measure_auc(m, m->env, NULL, &o, &wanted, auc) != RECO_OK)
			return RECO_STOPPED;
	}
	if (!(m->columns->metrics & RECO_METRICS_OF_LISTS))
		return RECO_OK;
	if (n > 0)
		memcpy(list, e->filler, (size_t) n * sizeof(reco_ranked));
	m->listed[place] = n;
	reco_judge_list(&m->judge, list, n, &wanted, row);
	return RECO_OK;
}

/* A list that is sampled is kept until all are there. */
static void
keep_list(measuring *m, int64_t at, const reco_ranked *list, int32_t n)
{
	reco_lists *lists = &m->lists;
	int32_t *item = lists->item + (int64_t) lists->lists * lists->length;

	n = n < lists->length ? n : lists->length;
	for (int32_t r = 0; r < n; r++)
		item[r] = list[r].item;
	lists->n[lists->lists] = n;
	m->lister[lists->lists++] = (int32_t) at;
}

/* Makes ready what the batch from `from` on is asked with. */
static reco_status
open_prefixes(const measuring *m, int64_t from)
{
	const reco_evaluation *e = m->e;
	int64_t n = e->users - from < m->batch ? e->users - from : m->batch;

	return e->prefixes ? reco_prefixes_open(m->env, e->prefixes, e->user + from, n) : RECO_OK;
}

static reco_status
add_batch(void *arg, int64_t from, int64_t to)
{
	measuring *m = arg;
	int64_t done = 0;

	for (int64_t at = from; at < to; at++)
	{
		int64_t place = at - from;
		const reco_ranked *list = m->list + place * m->length;

		if (is_stranger(m->e, m->e->user[at]) && judge_stranger(m, at, place) != RECO_OK)
			return RECO_STOPPED;
		reco_scores_add(m->scores, (int32_t) at, m->row + place * m->columns->n);
		m->scores->unpredicted += m->unpredicted[place];
		if (m->listed[place] < 0)
			continue;
		m->scores->listed++;
		if (m->shown.count)
			reco_shown_add(&m->shown, m->e->user[at], list, m->listed[place]);
		if (is_sampled(m, at, RECO_SAMPLED_LIST, RECO_METRIC_DIVERSITY))
			keep_list(m, at, list, m->listed[place]);
		if (stop_after(m->env, (int64_t) m->listed[place] * m->columns->cutoffs, &done))
			return RECO_STOPPED;
	}
	return open_prefixes(m, to);
}

/* Of the lists that were kept. */
static reco_status
measure_diversity(const measuring *m)
{
	const reco_lists *lists = &m->lists;
	int cutoffs = m->columns->cutoffs;
	double *out =
		m->env->alloc(m->env->arg, ((size_t) lists->lists * (size_t) cutoffs + 1) * sizeof(double));
	reco_status status =
		out ? reco_diversity(m->env, m->e->train, m->e->have, lists, m->columns, out)
			: RECO_NO_MEMORY;

	for (int32_t l = 0; l < lists->lists && status == RECO_OK; l++)
		for (int c = 0; c < cutoffs; c++)
			reco_scores_set(m->scores, m->lister[l], m->columns->first[RECO_METRIC_DIVERSITY] + c,
							out[(int64_t) l * cutoffs + c]);
	release(m->env, out);
	return status;
}

/* All but memory. */
static void
measuring_of(const reco_evaluation *e, const reco_columns *columns, measuring *m)
{
	*m = (measuring){.e = e, .columns = columns};
	if (columns->metrics & RECO_METRICS_OF_LISTS)
		m->length = columns->largest < e->scorer->items ? columns->largest : e->scorer->items;
	for (int32_t at = 0; at < e->users; at++)
	{
		int64_t n = e->hidden.start[e->user[at] + 1] - e->hidden.start[e->user[at]];

		m->longest = n > m->longest ? n : m->longest;
	}
	m->batch = BATCH_PLACES / (m->length + 1);
	m->batch = m->batch > BATCH_USERS ? BATCH_USERS : m->batch;
	m->batch = m->batch < BATCH_FEWEST ? BATCH_FEWEST : m->batch;
	if (e->prefixes && m->batch > reco_prefixes_batch(e->prefixes->cases))
		m->batch = reco_prefixes_batch(e->prefixes->cases);
	m->batch = m->batch > e->users ? e->users : m->batch;
}

static reco_engine_options
options_of(const measuring *m)
{
	return (reco_engine_options){.scorer = m->e->scorer,
								 .filler = m->e->filler,
								 .fillers = m->e->fillers,
								 .own = own_bytes(m),
								 .repeats = m->e->repeats};
}

/* Lists that are kept for diversity. */
static size_t
kept_lists(const measuring *m)
{
	size_t lists = 0;

	if (m->e->sampled == NULL || m->columns->first[RECO_METRIC_DIVERSITY] < 0)
		return 0;
	for (int32_t at = 0; at < m->e->users; at++)
		lists += (m->e->sampled[at] & RECO_SAMPLED_LIST) != 0;
	return lists;
}

static int32_t
kept_length(const measuring *m)
{
	return m->length < RECO_DIVERSITY_MOST ? m->length : RECO_DIVERSITY_MOST;
}

static size_t
diversity_bytes(const measuring *m)
{
	size_t lists = kept_lists(m) + 1;

	if (lists == 1)
		return 0;
	return reco_diversity_bytes(m->e->train) + 4 * RECO_ALIGN +
		   lists * ((size_t) m->columns->cutoffs * sizeof(double) +
					((size_t) kept_length(m) + 2) * sizeof(int32_t));
}

static bool
counts_shown(const reco_columns *columns)
{
	return columns->metrics &
		   (RECO_METRIC_BIT(RECO_METRIC_COVERAGE) | RECO_METRIC_BIT(RECO_METRIC_GINI));
}

size_t
reco_evaluation_bytes(const reco_evaluation *e, const reco_columns *columns, int threads)
{
	measuring m;
	reco_engine_options options;
	size_t bytes = 8 * RECO_ALIGN;

	measuring_of(e, columns, &m);
	options = options_of(&m);
	if (counts_shown(columns))
		bytes += reco_shown_bytes(e->scorer->items, columns->cutoffs, e->users);
	if (e->prefixes)
		bytes += reco_prefixes_bytes(e->prefixes->cases);
	return bytes + diversity_bytes(&m) + reco_engine_bytes(&options, threads) +
		   ((size_t) columns->largest + 1) * 16 +
		   ((size_t) m.batch + 1) *
			   (((size_t) columns->n + 1) * sizeof(double) +
				(size_t) m.length * sizeof(reco_ranked) + sizeof(int32_t) + sizeof(int64_t));
}

static reco_status
make(const reco_env *env, measuring *m)
{
	size_t batch = (size_t) m->batch + 1;
	reco_status status = reco_judge_make(env, m->columns, &m->judge);

	m->judge.have = m->e->have;
	m->judge.information = m->e->information;
	m->judge.users = m->e->have_users;
	if (status == RECO_OK && counts_shown(m->columns))
		status = reco_shown_make(env, m->columns, m->e->scorer->items, &m->shown);
	if (status != RECO_OK)
		return status;
	if (kept_lists(m) > 0)
	{
		size_t lists = kept_lists(m);

		m->lists.length = kept_length(m);
		m->lists.n = env->alloc(env->arg, lists * sizeof(int32_t));
		m->lister = env->alloc(env->arg, lists * sizeof(int32_t));
		m->lists.item =
			env->alloc(env->arg, (lists * (size_t) m->lists.length + 1) * sizeof(int32_t));
		if (m->lists.n == NULL || m->lister == NULL || m->lists.item == NULL)
			return RECO_NO_MEMORY;
	}
	m->row = env->alloc(env->arg, batch * ((size_t) m->columns->n + 1) * sizeof(double));
	m->list = env->alloc(env->arg, (batch * (size_t) m->length + 1) * sizeof(reco_ranked));
	m->listed = env->alloc(env->arg, batch * sizeof(int32_t));
	m->unpredicted = env->alloc(env->arg, batch * sizeof(int64_t));
	return m->row && m->list && m->listed && m->unpredicted ? RECO_OK : RECO_NO_MEMORY;
}

reco_status
reco_evaluation_run(const reco_env *env, const reco_evaluation *e, reco_scores *scores)
{
	reco_engine_options options;
	reco_pass pass = {e->users, profile_of, visit, add_batch, 0, NULL};
	measuring m;
	reco_status status;

	measuring_of(e, &scores->columns, &m);
	m.scores = scores;
	m.env = env;
	pass.arg = &m;
	pass.batch = m.batch;
	status = make(env, &m);
	options = options_of(&m);
	if (status == RECO_OK)
		status = reco_engine_make(env, &options, &m.engine);
	if (status == RECO_OK)
		status = open_prefixes(&m, 0);
	if (status == RECO_OK)
		status = reco_engine_run(m.engine, &pass);
	if (status == RECO_OK && m.shown.count)
		status = reco_shown_finish(env, &m.shown, scores);
	if (status == RECO_OK && m.lister)
		status = measure_diversity(&m);
	reco_engine_free(m.engine);
	if (e->prefixes)
		reco_prefixes_close(env, e->prefixes);
	release(env, m.lists.item);
	release(env, m.lists.n);
	release(env, m.lister);
	release(env, m.unpredicted);
	release(env, m.listed);
	release(env, m.list);
	release(env, m.row);
	reco_shown_free(env, &m.shown);
	reco_judge_free(env, &m.judge);
	return status;
}
