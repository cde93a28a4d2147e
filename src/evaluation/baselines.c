/*
 * baselines.c
 *	  What values come to that are predicted without any taste: the mean of the training part, and
 *	  the mean with the biases of users and items (core/data/baseline.h).
 *
 * They are measured where an algorithm predicts values: one that is not better has learnt
 * nothing of who likes what.  Truth, users and the scale of predictions are as for algorithms.
 *
 * Cost: twenty passes over the training part, one over what is hidden.
 */
#include "evaluation/measure.h"

#include "core/data/baseline.h"

#include <math.h>

typedef struct Baseline
{
	double mean;
	float *user_bias;
	float *item_bias;
	double least;
	double most;
} Baseline;

static Baseline
fit(RecoMeasurement *e, const reco_csr *a)
{
	Baseline b = {.least = INFINITY, .most = -INFINITY};

	b.user_bias = reco_zeros(e->budget, a->rows);
	b.item_bias = reco_zeros(e->budget, a->cols);
	for (int64 k = 0; k < a->start[a->rows]; k++)
	{
		double value = a->value ? a->value[k] : 1;

		b.least = Min(b.least, value);
		b.most = Max(b.most, value);
		RECO_POLL_AT(k);
	}
	reco_budget_check(e->budget,
					  reco_baseline_fit(&e->budget->env, a, &b.mean, b.user_bias, b.item_bias),
					  "an evaluation");
	return b;
}

/* What is not known to the training part is not predicted. */
static void
measure_user(const RecoMeasurement *e, const Baseline *b, bool biases, const float *truth,
			 int32 user, double *row, int64 *unpredicted)
{
	const reco_csr *hidden = &e->hidden.by_user;
	const reco_csr *train = &e->train.by_user;
	/* whose users have no bias */
	bool cases = e->split->rule.kind == RECO_SPLIT_NEXT_ITEM;

	row[0] = row[1] = row[2] = 0;
	for (int64 k = hidden->start[user]; k < hidden->start[user + 1]; k++)
	{
		double guess = b->mean;
		double off;

		if ((!cases && user >= train->rows) || hidden->col[k] >= train->cols)
		{
			(*unpredicted)++;
			continue;
		}
		if (biases)
			guess += (cases ? 0 : b->user_bias[user]) + b->item_bias[hidden->col[k]];
		off = Max(b->least, Min(b->most, guess)) - (truth ? truth[k] : 1);
		row[0]++;
		row[1] += off * off;
		row[2] += fabs(off);
	}
	if (row[0] == 0)
		row[0] = row[1] = row[2] = (double) NAN;
}

static RecoScores *
measure(RecoMeasurement *e, const Baseline *b, bool biases)
{
	RecoScores *scores = reco_budget_alloc(e->budget, sizeof(RecoScores));
	const float *truth = e->hidden.latest ? e->hidden.latest : e->hidden.by_user.value;
	reco_columns columns;

	memset(scores, 0, sizeof(*scores));
	scores->label = biases ? "mean + biases" : "mean";
	reco_columns_of(e->metrics & RECO_METRICS_OF_VALUES, e->cutoff, e->cutoffs, &columns);
	reco_budget_require(e->budget, reco_scores_bytes(&columns, e->users), "an evaluation");
	reco_budget_check(
		e->budget,
		reco_scores_make(&e->budget->env, &columns, e->users, e->activity, &scores->kept),
		"an evaluation");
	for (int32 u = 0; u < e->users && columns.n > 0; u++)
	{
		double row[3];

		measure_user(e, b, biases, truth, e->user[u], row, &scores->kept.unpredicted);
		reco_scores_add(&scores->kept, u, row);
		RECO_POLL_EACH(u, RECO_SEARCHES);
	}
	return scores;
}

List *
reco_part_baselines(RecoMeasurement *e)
{
	reco_csr train = e->train.by_user;
	Baseline b;
	List *scores;

	train.value = e->train.latest ? e->train.latest : train.value;
	b = fit(e, &train);
	scores = list_make2(measure(e, &b, false), measure(e, &b, true));
	reco_budget_free(e->budget, b.user_bias);
	reco_budget_free(e->budget, b.item_bias);
	return scores;
}
