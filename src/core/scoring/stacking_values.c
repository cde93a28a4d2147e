/*
 * stacking_values.c
 *	  Weights of predictions, by sums over what was hidden: the least squares of stacking.h.
 *
 * Cost: a pass over the users' sums, and M^3 an exchange of all pairs, of which there are a few
 * dozen.
 */
#include "core/scoring/stacking_values.h"

#include <math.h>
#include <string.h>

/* Of what members differ by. */
#define RIDGE 0.01

void
reco_stacking_round(double *weight, int members, bool largest)
{
	double most = 0;

	for (int m = 0; m < members; m++)
		most = weight[m] > most ? weight[m] : most;
	for (int m = 0; m < members; m++)
	{
		double w = largest ? weight[m] / most : weight[m];
		double digit = w > 0 ? pow(10, floor(log10(w)) - 1) : 1;

		/* by a whole number, which is read as it is written */
		weight[m] = w < 0.005 ? 0 : digit < 1 ? round(w / digit) / round(1 / digit) : round(w);
	}
}

/* Sums over all users. */
typedef struct values
{
	double gram[RECO_HYBRID_MEMBERS * RECO_HYBRID_MEMBERS];
	double with[RECO_HYBRID_MEMBERS];
	double squares;
	double n;
} values;

static void
sum_up(const double *sums, int32_t users, int M, values *v)
{
	memset(v, 0, sizeof(*v));
	for (int32_t u = 0; u < users; u++)
	{
		const double *gram = sums + (int64_t) u * reco_stacking_sums(M);

		for (int j = 0; j < M * M; j++)
			v->gram[j] += gram[j];
		for (int m = 0; m < M; m++)
			v->with[m] += gram[M * M + m];
		v->squares += gram[M * M + M];
		v->n += gram[M * M + M + 1];
	}
}

/* The sum of squared errors of a user, or of all. */
static double
squared(const double *gram, const double *with, double squares, int M, const double *weight)
{
	double sum = squares;

	for (int a = 0; a < M; a++)
	{
		sum -= 2 * weight[a] * with[a];
		for (int b = 0; b < M; b++)
			sum += weight[a] * weight[b] * gram[a * M + b];
	}
	return sum > 0 ? sum : 0;
}

/* Weight goes from one member to another as far as that is better, until none does. */
static void
exchange(const values *v, int M, double ridge, double *weight)
{
	for (int round = 0; round < 1000; round++)
	{
		double most = 0;

		for (int a = 0; a < M; a++)
			for (int b = 0; b < M; b++)
			{
				double slope = v->with[a] - v->with[b] - ridge * (weight[a] - weight[b]);
				double curve =
					v->gram[a * M + a] + v->gram[b * M + b] - 2 * v->gram[a * M + b] + 2 * ridge;
				double by;

				if (a == b)
					continue;
				for (int c = 0; c < M; c++)
					slope -= weight[c] * (v->gram[a * M + c] - v->gram[b * M + c]);
				by = curve > 0 ? slope / curve : 0;
				/* what b gives to a; the other way is b's turn */
				by = by < 0 ? 0 : by > weight[b] ? weight[b] : by;
				weight[a] += by;
				weight[b] -= by;
				most = by > most ? by : most;
			}
		if (most < 1e-9)
			break;
	}
}

void
reco_stacking_values(const double *sums, int32_t users, int M, reco_stacked *out)
{
	double equal[RECO_HYBRID_MEMBERS];
	double weight[RECO_HYBRID_MEMBERS];
	double differ = 0;
	double sum = 0;
	double squares = 0;
	values v;

	sum_up(sums, users, M, &v);
	for (int a = 0; a < M; a++)
	{
		equal[a] = weight[a] = 1.0 / M;
		for (int b = 0; b < M; b++)
			differ += v.gram[a * M + a] + v.gram[b * M + b] - 2 * v.gram[a * M + b];
	}
	exchange(&v, M, RIDGE * differ / (M * M), weight);
	reco_stacking_round(weight, M, false);
	for (int m = 0; m < M; m++)
		sum += weight[m];
	for (int m = 0; m < M; m++)
		weight[m] /= sum;
	if (v.n > 0)
	{
		out->equal = sqrt(squared(v.gram, v.with, v.squares, M, equal) / v.n);
		out->best = sqrt(squared(v.gram, v.with, v.squares, M, weight) / v.n);
	}
	sum = 0;
	for (int32_t u = 0; u < users; u++)
	{
		const double *gram = sums + (int64_t) u * reco_stacking_sums(M);
		const double *with = gram + M * M;
		double gain =
			squared(gram, with, with[M], M, equal) - squared(gram, with, with[M], M, weight);

		out->users += with[M + 1] > 0;
		sum += gain;
		squares += gain * gain;
	}
	/* more than rounding, too */
	out->found = sum > sqrt(squares) && sum > 1e-9 * v.squares;
	for (int m = 0; m < M; m++)
		out->weight[m] = out->found ? weight[m] : 1;
	reco_stacking_round(out->weight, M, true);
}
