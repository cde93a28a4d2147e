/*
 * scores.c
 *	  What was measured of users: means, how sure they are, and paired differences.
 *
 * Every estimate is, to first order, a sum over users of how much each moves it: of a mean,
 * (x - mean) / n; of a ratio of sums S / N, (s - ratio * n) / N; of its root, that / (2 root).
 * The standard error is the root of the sum of squares of these, times n / (n - 1), and that of
 * a difference the same of the differences user by user, which is what makes it a paired one.
 *
 * Cost: a pass or two over the users' numbers.  Memory: 4 bytes a number of a user.
 */
#include "core/ranking/scores.h"

#include "core/data/sorting.h"

#include <math.h>

size_t
reco_scores_bytes(const reco_columns *columns, int32_t users)
{
	return ((size_t) columns->n * (size_t) users + 1) * sizeof(float) +
		   ((size_t) columns->n + 1) * RECO_ACTIVITIES * (sizeof(double) + sizeof(int32_t)) +
		   2 * (size_t) columns->cutoffs * sizeof(double[RECO_SHOWN_GROUPS + 1]) + 4 * RECO_ALIGN;
}

reco_status
reco_scores_make(const reco_env *env, const reco_columns *columns, int32_t users,
				 const uint8_t *activity, reco_scores *scores)
{
	size_t n = (size_t) columns->n;

	*scores = (reco_scores){.columns = *columns, .users = users, .activity = activity};
	scores->value = env->alloc(env->arg, (n * (size_t) users + 1) * sizeof(float));
	scores->sum = zeroed(env, (n + 1) * RECO_ACTIVITIES * sizeof(double));
	scores->count = zeroed(env, (n + 1) * RECO_ACTIVITIES * sizeof(int32_t));
	scores->shown = zeroed(env, 2 * (size_t) columns->cutoffs * sizeof(*scores->shown) + 1);
	if (scores->value && scores->sum && scores->count && scores->shown)
		return RECO_OK;
	reco_scores_free(env, scores);
	return RECO_NO_MEMORY;
}

void
reco_scores_free(const reco_env *env, reco_scores *scores)
{
	release(env, scores->value);
	release(env, scores->times);
	release(env, scores->sum);
	release(env, scores->count);
	release(env, scores->shown);
	release(env, scores->said);
	release(env, scores->seen);
	scores->value = NULL;
	scores->times = NULL;
	scores->sum = NULL;
	scores->count = NULL;
	scores->shown = NULL;
	scores->said = NULL;
	scores->seen = NULL;
}

size_t
reco_scores_said_bytes(int64_t places)
{
	return 2 * ((size_t) places + 1) * sizeof(float) + 2 * RECO_ALIGN;
}

reco_status
reco_scores_keep_said(const reco_env *env, reco_scores *scores, int64_t places)
{
	scores->said = env->alloc(env->arg, ((size_t) places + 1) * sizeof(float));
	scores->seen = env->alloc(env->arg, ((size_t) places + 1) * sizeof(float));
	if (scores->said == NULL || scores->seen == NULL)
		return RECO_NO_MEMORY;
	for (int64_t k = 0; k < places; k++)
		scores->said[k] = scores->seen[k] = NAN;
	scores->places = places;
	return RECO_OK;
}

void
reco_scores_set(reco_scores *scores, int32_t user, int column, double value)
{
	int at = column * RECO_ACTIVITIES;
	int activity = scores->activity ? scores->activity[user] : RECO_ACTIVITY_ALL;

	scores->value[(size_t) column * (size_t) scores->users + (size_t) user] = (float) value;
	if (isnan(value))
		return;
	scores->sum[at] += value;
	scores->count[at]++;
	if (activity != RECO_ACTIVITY_ALL)
	{
		scores->sum[at + activity] += value;
		scores->count[at + activity]++;
	}
}

void
reco_scores_add(reco_scores *scores, int32_t user, const double *row)
{
	for (int c = 0; c < scores->columns.n; c++)
		reco_scores_set(scores, user, c, row[c]);
}

/* How the users of an activity move an estimate. */
typedef struct influence
{
	const reco_scores *scores;
	reco_activity activity;
	const float *over;  /* users: what is averaged */
	const float *under; /* users: by how much it counts; NULL: 1 */
	double ratio;       /* of the floats */
	double scale;
} influence;

/* False: the user has no number, and moves nothing. */
static inline bool
moves(const influence *i, int32_t user, double *by)
{
	*by = 0;
	if (isnan(i->over[user]) ||
		(i->activity != RECO_ACTIVITY_ALL &&
		 (i->scores->activity == NULL || i->scores->activity[user] != i->activity)))
		return false;
	*by = i->scale * (i->over[user] - i->ratio * (i->under ? (double) i->under[user] : 1));
	return true;
}

static int
cutoff_of(const reco_columns *columns, int32_t k)
{
	for (int c = 0; c < columns->cutoffs; c++)
		if (columns->cutoff[c] == k)
			return c;
	return -1;
}

/* How many numbers a mean is of. */
static double
numbers_of(const reco_scores *s, int column, int32_t users)
{
	const float *times = s->times + (size_t) column * (size_t) s->users;
	double sum = 0;

	if (s->times == NULL)
		return users;
	for (int32_t u = 0; u < s->users; u++)
		sum += (double) times[u];
	return sum;
}

/* The value and its users, and where they are; false: there are none. */
static bool
sum_up(const reco_scores *s, reco_metric metric, int32_t k, reco_activity activity,
	   reco_estimate *out, int *column)
{
	bool of_values = RECO_METRIC_BIT(metric) & RECO_METRICS_OF_VALUES;
	int first = s->columns.first[metric];
	int c = metric == RECO_METRIC_AUC ? 0 : cutoff_of(&s->columns, k);

	*column = of_values ? first + (metric == RECO_METRIC_RMSE ? 1 : 2) : first + c;
	if (first < 0 || (!of_values && c < 0) ||
		s->count[*column * RECO_ACTIVITIES + (int) activity] == 0)
		return false;
	out->users = s->count[*column * RECO_ACTIVITIES + (int) activity];
	out->value = s->sum[*column * RECO_ACTIVITIES + (int) activity];
	out->value /= of_values ? s->sum[first * RECO_ACTIVITIES + (int) activity]
							: numbers_of(s, *column, out->users);
	if (metric == RECO_METRIC_RMSE)
		out->value = sqrt(out->value);
	return true;
}

/* And how the users move it. */
static bool
influence_of(const reco_scores *s, reco_metric metric, int32_t k, reco_activity activity,
			 influence *i, reco_estimate *out)
{
	int column;
	double over = 0;
	double under = 0;

	if (!sum_up(s, metric, k, activity, out, &column))
		return false;
	*i = (influence){s, activity, s->value + (size_t) column * (size_t) s->users, NULL, 0, 1};
	if (s->times)
		i->under = s->times + (size_t) column * (size_t) s->users;
	if (RECO_METRIC_BIT(metric) & RECO_METRICS_OF_VALUES)
		i->under = s->value + (size_t) s->columns.first[metric] * (size_t) s->users;
	for (int32_t u = 0; u < s->users; u++)
	{
		double by;

		if (!moves(i, u, &by))
			continue;
		over += i->over[u];
		under += i->under ? (double) i->under[u] : 1;
	}
	i->ratio = over / under;
	i->scale = 1 / under;
	if (metric == RECO_METRIC_RMSE)
		i->scale *= out->value > 0 ? 1 / (2 * out->value) : 0;
	return true;
}

/* b NULL: of a alone. */
static double
error_of(const influence *a, const influence *b)
{
	double squares = 0;
	int32_t n = 0;

	for (int32_t u = 0; u < a->scores->users; u++)
	{
		double by = 0;
		double other = 0;
		bool counts = moves(a, u, &by);

		if (b)
			counts = moves(b, u, &other) || counts;
		n += counts;
		squares += (by - other) * (by - other);
	}
	return n > 1 ? sqrt(squares * n / (n - 1)) : (double) NAN;
}

/* Of coverage or gini, b NULL: of a alone. */
static bool
shown_estimate(const reco_scores *a, const reco_scores *b, reco_metric metric, int32_t k,
			   reco_activity activity, reco_estimate *out)
{
	int at = cutoff_of(&a->columns, k);
	int at_b = b ? cutoff_of(&b->columns, k) : 0;
	double mean = 0;
	double squares = 0;

	if (at < 0 || at_b < 0 || activity != RECO_ACTIVITY_ALL || a->listed == 0 ||
		!(a->columns.metrics & RECO_METRIC_BIT(metric)) ||
		(b && !(b->columns.metrics & RECO_METRIC_BIT(metric))))
		return false;
	at += metric == RECO_METRIC_GINI ? a->columns.cutoffs : 0;
	at_b += metric == RECO_METRIC_GINI && b ? b->columns.cutoffs : 0;
	out->value = a->shown[at][0] - (b ? b->shown[at_b][0] : 0);
	out->users = a->listed;
	for (int g = 1; g <= a->groups; g++)
		mean += (a->shown[at][g] - (b ? b->shown[at_b][g] : 0)) / a->groups;
	for (int g = 1; g <= a->groups; g++)
	{
		double off = a->shown[at][g] - (b ? b->shown[at_b][g] : 0) - mean;

		squares += off * off;
	}
	/* a group without users leaves out nothing */
	out->error = a->listed >= a->groups && a->groups > 1
					 ? sqrt(squares * (a->groups - 1) / a->groups)
					 : (double) NAN;
	return true;
}

bool
reco_scores_estimate(const reco_scores *scores, reco_metric metric, int32_t k,
					 reco_activity activity, reco_estimate *out)
{
	influence i;

	if (metric == RECO_METRIC_COVERAGE || metric == RECO_METRIC_GINI)
		return shown_estimate(scores, NULL, metric, k, activity, out);
	if (!influence_of(scores, metric, k, activity, &i, out))
		return false;
	out->error = error_of(&i, NULL);
	return true;
}

bool
reco_scores_value(const reco_scores *scores, reco_metric metric, int32_t k, reco_activity activity,
				  double *value)
{
	reco_estimate estimate;
	int column;

	if (metric == RECO_METRIC_COVERAGE || metric == RECO_METRIC_GINI)
	{
		if (!shown_estimate(scores, NULL, metric, k, activity, &estimate))
			return false;
	}
	else if (!sum_up(scores, metric, k, activity, &estimate, &column))
		return false;
	*value = estimate.value;
	return true;
}

bool
reco_scores_difference(const reco_scores *a, const reco_scores *b, reco_metric metric, int32_t k,
					   reco_activity activity, reco_estimate *out)
{
	influence i;
	influence j;
	reco_estimate other;

	if (metric == RECO_METRIC_COVERAGE || metric == RECO_METRIC_GINI)
		return shown_estimate(a, b, metric, k, activity, out);
	if (!influence_of(a, metric, k, activity, &i, out) ||
		!influence_of(b, metric, k, activity, &j, &other))
		return false;
	out->value -= other.value;
	out->error = error_of(&i, &j);
	return true;
}
