/*
 * als_loss.c
 *	  The objective of als.h, row by row, for trainings whose rows are not in memory.
 *
 * See als_loss.h.  The implicit model counts all cells, by
 *	 sum_all c (p - s)^2 = sum_stored [c (p - s)^2 - s^2] + sum_u x_u' Y'Y x_u
 */
#include "core/als/als_loss.h"

#include <string.h>

reco_status
reco_als_loss_init(const reco_env *env, reco_als_loss *loss)
{
	size_t bytes = ((size_t) loss->items + 1) * sizeof(double);

	loss->users = loss->sum = 0;
	loss->entries = env->alloc(env->arg, 2 * bytes);
	if (loss->entries == NULL)
		return RECO_NO_MEMORY;
	memset(loss->entries, 0, 2 * bytes);
	loss->weight = loss->entries + loss->items + 1;
	return RECO_OK;
}

void
reco_als_loss_release(const reco_env *env, reco_als_loss *loss)
{
	if (loss->entries)
		env->release(env->arg, loss->entries);
	loss->entries = loss->weight = NULL;
}

/* lambda_r of a row with so many entries and so much weight, beside so many columns. */
static double
lambda_of(const reco_als_params *p, double entries, double weight, double columns)
{
	if (!p->implicit)
		return p->regularization * entries;
	return p->regularization * (p->weighted_regularization ? columns + weight : 1);
}

static double
dot(const float *x, const float *y, int d)
{
	double sum = 0;

	for (int c = 0; c < d; c++)
		sum += (double) x[c] * y[c];
	return sum;
}

/* x' G x */
static double
quadratic(const double *gram, const float *x, int d)
{
	double sum = 0;

	for (int i = 0; i < d; i++)
	{
		double row = 0;

		for (int j = 0; j < d; j++)
			row += gram[(size_t) i * d + j] * x[j];
		sum += row * x[i];
	}
	return sum;
}

void
reco_als_loss_add(reco_als_loss *loss, int64_t n, const int32_t *idx, const float *value,
				  const float *x, float bias)
{
	const reco_als_params *p = loss->params;
	int d = p->factors;
	double weight = 0;
	double sum = 0;

	for (int64_t k = 0; k < n; k++)
	{
		double score = dot(x, loss->item + (size_t) idx[k] * loss->stride, d);
		double v = value ? value[k] : 1;
		double a = p->implicit ? p->alpha * (v < 0 ? -v : v) : 1;
		double missed = (p->implicit ? v > 0 : v) - score;

		if (!p->implicit)
			missed -= loss->mean + bias + (loss->item_bias ? loss->item_bias[idx[k]] : 0);
		sum += p->implicit ? (1 + a) * missed * missed - score * score : missed * missed;
		weight += a;
		loss->entries[idx[k]] += 1;
		loss->weight[idx[k]] += a;
	}
	if (loss->gram)
		sum += quadratic(loss->gram, x, d);
	sum += lambda_of(p, (double) n, weight, loss->items) * (dot(x, x, d) + (double) bias * bias);
	loss->sum += sum;
	loss->users++;
}

double
reco_als_loss_total(const reco_als_loss *loss)
{
	int d = loss->params->factors;
	double sum = loss->sum;

	for (int32_t i = 0; i < loss->items; i++)
	{
		const float *y = loss->item + (size_t) i * loss->stride;
		double bias = loss->item_bias ? loss->item_bias[i] : 0;

		sum += lambda_of(loss->params, loss->entries[i], loss->weight[i], loss->users) *
			   (dot(y, y, d) + bias * bias);
	}
	return sum;
}
