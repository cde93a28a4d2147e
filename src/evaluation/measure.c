/*
 * measure.c
 *	  What an algorithm would have recommended, against what was hidden from it.
 *
 * Hides a part of every user's interactions, trains on the rest and measures, over all
 * items that the user does not have in the training part, what of the hidden part is
 * found; where an algorithm predicts values, also how far off they are.
 *
 * A repeated pair is one interaction before the split, so it is never in both parts.
 * Hidden interactions with a value of 0 or below count where values are predicted, but
 * are nothing that a list should find.  A user with a single interaction stays in
 * training and is not measured.
 *
 * Cost: a training, and the scores of all items for every user.
 */
#include "evaluation/measure.h"

#include "core/ranking/metrics.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include <math.h>

/* Sums over the measured users. */
typedef struct Sums
{
	reco_rank_metrics at[RECO_MAX_CUTOFFS];
	int32 users;
	int32 predicted_users;
	int64 predicted;
	double squared;
	double absolute;
	uint64 *shown[RECO_MAX_CUTOFFS]; /* items in anybody's first k */
} Sums;

static void *
take(RecoBudget *budget, Size count, Size size)
{
	return reco_budget_alloc(budget, (count + 1) * size);
}

static reco_csr
part_alloc(RecoBudget *budget, const reco_csr *a, int64 entries)
{
	return (reco_csr){a->rows, a->cols, take(budget, a->rows + 1, sizeof(int64)),
					  take(budget, entries, sizeof(int32)), NULL};
}

bool
reco_measure_split(RecoMeasurement *e, double fraction, uint64 seed)
{
	const reco_csr *a = &e->data->x.by_user;
	int64 entries = a->start[a->rows];
	int64 longest = 0;
	int64 train = 0;
	int64 test = 0;
	bool *held;
	uint64 *scratch;

	for (int32 u = 0; u < a->rows; u++)
	{
		RECO_POLL_AT(u);
		longest = Max(longest, a->start[u + 1] - a->start[u]);
	}
	held = take(e->budget, longest, sizeof(bool));
	scratch = take(e->budget, longest, sizeof(uint64));
	e->wanted = take(e->budget, longest, sizeof(int32));
	e->train = part_alloc(e->budget, a, entries);
	e->test = part_alloc(e->budget, a, entries);
	if (a->value)
	{
		e->train_sum = take(e->budget, entries, sizeof(float));
		e->test_sum = take(e->budget, entries, sizeof(float));
	}
	if (e->data->x.latest)
	{
		e->train_latest = take(e->budget, entries, sizeof(float));
		e->test_latest = take(e->budget, entries, sizeof(float));
	}
	for (int32 u = 0; u < a->rows; u++)
	{
		int64 from = a->start[u];
		int64 n = a->start[u + 1] - from;

		reco_poll();
		e->train.start[u] = train;
		e->test.start[u] = test;
		(void) reco_hold_out(&reco_poll_env, seed, u, a->col + from, n,
							 Min((int64) floor(fraction * n + 0.5), n - 1), scratch, held);
		for (int64 k = 0; k < n; k++)
		{
			reco_csr *part = held[k] ? &e->test : &e->train;
			float *sum = held[k] ? e->test_sum : e->train_sum;
			float *latest = held[k] ? e->test_latest : e->train_latest;
			int64 at = held[k] ? test++ : train++;

			RECO_POLL_AT(k);
			part->col[at] = a->col[from + k];
			if (sum)
				sum[at] = a->value[from + k];
			if (latest)
				latest[at] = e->data->x.latest[from + k];
		}
	}
	e->train.start[a->rows] = train;
	e->test.start[a->rows] = test;
	e->popularity = reco_zeros(e->budget, a->cols);
	for (int64 k = 0; k < train; k++)
	{
		if (e->train_sum == NULL || e->train_sum[k] > 0)
			e->popularity[e->train.col[k]]++;
		RECO_POLL_AT(k);
	}
	reco_budget_free(e->budget, held);
	reco_budget_free(e->budget, scratch);
	return test > 0;
}

/* The best of an open seat, as far as its user is known, and then what is popular. */
static int32
list_of(const RecoMeasurement *e, RecoSeat *seat, uint64 *skip, reco_ranked *list)
{
	int32 have =
		reco_seat_knows(seat->seat) ? reco_seat_top(seat->seat, skip, e->largest, list) : 0;

	if (have >= e->largest)
		return have;
	for (int32 r = 0; r < have; r++)
		reco_set_add(skip, list[r].item);
	return have + reco_top_n(&reco_poll_env, e->popularity, seat->seat->scorer->items, skip,
							 e->largest - have, list + have);
}

/*
 * One user's list against what was hidden.
 */
static void
judge_user(const RecoMeasurement *e, const RecoModel *model, RecoSeat *seat,
		   const reco_profile *profile, int32 u, const float *test_value, uint64 *skip,
		   reco_ranked *list, Sums *sums)
{
	const reco_scorer *scorer = seat->seat->scorer;
	const float *score = seat->seat->score;
	const int32 *hidden = e->test.col + e->test.start[u];
	int64 hidden_count = e->test.start[u + 1] - e->test.start[u];
	int32 *wanted = e->wanted;
	int64 relevant = 0;
	int32 n;

	reco_model_seat_user(seat, profile);
	reco_model_seat_check(seat, reco_seat_score_all(seat->seat));
	if (model->spec->predicts_value)
	{
		int64 before = sums->predicted;

		for (int64 k = 0; k < hidden_count; k++)
		{
			double truth = test_value ? test_value[e->test.start[u] + k] : 1;
			double off = reco_scorer_predict(scorer, score[hidden[k]]) - truth;

			RECO_POLL_AT(k);
			if (score[hidden[k]] == -INFINITY)
				continue;

			sums->squared += off * off;
			sums->absolute += fabs(off);
			sums->predicted++;
		}
		sums->predicted_users += sums->predicted > before;
	}
	/* nobody wants to be shown what they are known to dislike */
	for (int64 k = 0; k < hidden_count; k++)
	{
		RECO_POLL_AT(k);
		if (e->test_sum == NULL || e->test_sum[e->test.start[u] + k] > 0)
			wanted[relevant++] = hidden[k];
	}
	if (relevant == 0)
		return;
	memset(skip, 0, RECO_SET_BYTES(model->items));
	for (int64 k = 0; k < profile->n; k++)
	{
		RECO_POLL_AT(k);
		reco_set_add(skip, profile->item[k]);
	}
	n = list_of(e, seat, skip, list);
	for (int c = 0; c < e->cutoffs; c++)
	{
		reco_rank_metrics m = reco_rank_judge(list, n, e->cutoff[c], wanted, relevant);

		sums->at[c].precision += m.precision;
		sums->at[c].recall += m.recall;
		sums->at[c].ndcg += m.ndcg;
		sums->at[c].hit += m.hit;
		for (int32 r = 0; r < n && r < e->cutoff[c]; r++)
			reco_set_add(sums->shown[c], list[r].item);
	}
	sums->users++;
}

static double
share_shown(const uint64 *set, int32 items)
{
	int32 shown = 0;

	for (int32 i = 0; i < items; i++)
	{
		RECO_POLL_AT(i);
		shown += reco_set_has(set, i);
	}
	return (double) shown / items;
}

static void
report_all(RecoMeasurement *e, const char *name, const Sums *sums, int32 items)
{
	int32 n = sums->users;

	if (sums->predicted > 0)
	{
		e->report(e->report_arg, name, "rmse", 0, sqrt(sums->squared / sums->predicted),
				  sums->predicted_users);
		e->report(e->report_arg, name, "mae", 0, sums->absolute / sums->predicted,
				  sums->predicted_users);
	}
	for (int c = 0; c < e->cutoffs && n > 0; c++)
	{
		e->report(e->report_arg, name, "precision", e->cutoff[c], sums->at[c].precision / n, n);
		e->report(e->report_arg, name, "recall", e->cutoff[c], sums->at[c].recall / n, n);
		e->report(e->report_arg, name, "ndcg", e->cutoff[c], sums->at[c].ndcg / n, n);
		e->report(e->report_arg, name, "hit_rate", e->cutoff[c], sums->at[c].hit / n, n);
		e->report(e->report_arg, name, "coverage", e->cutoff[c], share_shown(sums->shown[c], items),
				  n);
	}
}

/* Users of a model that is not in tables. */
typedef struct TrainingUsers
{
	const reco_csr *by_user;
	float *value;
	RecoTrained *trained;
} TrainingUsers;

static reco_profile
training_user(const TrainingUsers *users, int32 u)
{
	const reco_csr *a = users->by_user;
	RecoTrained *trained = users->trained;
	const reco_neighbors *lists = &trained->user_neighbors;
	reco_profile profile = {
		.factors = trained->user ? trained->user + (Size) u * trained->model.stride : NULL,
		.bias = trained->user_bias[u],
		.n = a->start[u + 1] - a->start[u],
		.item = a->col + a->start[u],
		.value = users->value ? users->value + a->start[u] : NULL,
	};
	if (lists->start)
	{
		profile.neighbors = (int32) (lists->start[u + 1] - lists->start[u]);
		profile.neighbor = lists->row + lists->start[u];
		profile.similarity = lists->similarity + lists->start[u];
	}
	return profile;
}

/* Its memory goes with its context. */
void
reco_measure_one(RecoMeasurement *e, const RecoSpec *spec)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco evaluation", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool latest = spec->predicts_value && e->train_latest;
	const float *test_value = latest ? e->test_latest : e->test_sum;
	RecoBudget budget;
	RecoTraining training = {spec, &budget, e->train, e->data->features};
	RecoTrained trained;
	Sums sums = {0};
	TrainingUsers users;
	reco_profile profile;
	RecoModel *model = &trained.model;
	RecoSeat *seat;
	uint64 *skip;
	reco_ranked *list;

	reco_budget_init(&budget, context);
	budget.limit -= Min(budget.limit, e->budget->used);
	training.by_user.value = latest ? e->train_latest : e->train_sum;
	reco_training_threads(&training);
	reco_budget_require(&budget, spec->algorithm->memory(&training), "training");
	reco_training_fit(&training, &trained);
	if (spec->algorithm->prepare)
		spec->algorithm->prepare(model, &budget);
	users = (TrainingUsers){&e->train, training.by_user.value, &trained};
	model->by_user = training.by_user;
	model->user_bias = trained.user_bias;
	seat = reco_model_seat(spec->algorithm->scorer(model));
	skip = take(&budget, 1, RECO_SET_BYTES(model->items));
	list = take(&budget, e->largest, sizeof(reco_ranked));
	for (int c = 0; c < e->cutoffs; c++)
	{
		sums.shown[c] = take(&budget, 1, RECO_SET_BYTES(model->items));
		memset(sums.shown[c], 0, RECO_SET_BYTES(model->items));
	}
	for (int32 u = 0; u < trained.users; u++)
	{
		reco_poll();
		if (e->test.start[u + 1] == e->test.start[u])
			continue;
		profile = training_user(&users, u);
		judge_user(e, model, seat, &profile, u, test_value, skip, list, &sums);
	}
	report_all(e, reco_spec_describe(spec), &sums, model->items);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
