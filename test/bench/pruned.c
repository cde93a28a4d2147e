/*
 * pruned.c
 *	  Median times of the n best items for one user: all scored, and pruned.
 *
 * usage: pruned [items [d [n [spread [bias [seen]]]]]]
 *        pruned ITEMS USERS [d [n [_ [bias [seen]]]]]    raw float32, row after row
 *
 * Build, after make:
 *	cc -O2 -Isrc -o build/pruned test/bench/pruned.c build/libreco_core.a -fopenmp -lm
 *
 *	items	41000, d 64, n 10
 *	spread	0.8		standard deviation of the logarithm of the items' norms
 *	bias	0		standard deviation of the items' biases
 *	seen	0		as many of a user's best items are skipped
 *
 * Made-up factors: 50 cluster centers with components that fall off as 1 / (k + 4),
 * items around one of them, users around two, norms log-normal.
 *
 * Each user is asked for three times, each time plain and then pruned.  "first" is
 * the first time, when the plain pass has just taken the caches; else the fastest
 * time counts.  Answers are compared, in every bit.  Set RECO_ISA for another
 * instruction set level.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#include "core/ranking/pruned.h"
#include "core/ranking/score.h"

#define CENTERS 50
#define USERS 200
#define MAX_N 10000

typedef struct data
{
	int32_t items;
	int32_t users;
	int d;
	int stride;
	int32_t n;
	int32_t seen;
	float *item;
	float *user;
	float *bias;
	float *score;
	uint64_t *skip;
	void *index;
} data;

static reco_env env;

static double
now_ms(void)
{
	return 1e3 * bench_now();
}

static double
normal(void)
{
	double u = (rand() + 1.0) / (RAND_MAX + 2.0);
	double v = rand() / (RAND_MAX + 1.0);

	return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
report(const char *name, double *ms)
{
	qsort(ms, USERS, sizeof(double), compare);
	printf("%-8smedian %.3f ms, 95 %% %.3f ms\n", name, ms[USERS / 2], ms[USERS * 95 / 100]);
}

static float *
rows_of(size_t rows, int stride)
{
	float *m = bench_take(NULL, (rows + 1) * (size_t) stride * sizeof(float));

	memset(m, 0, rows * (size_t) stride * sizeof(float));
	return m;
}

static float *
read_rows(const char *name, int d, int stride, int32_t *rows)
{
	FILE *f = fopen(name, "rb");
	float *m;
	long bytes;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (bytes = ftell(f)) < 0)
	{
		perror(name);
		exit(1);
	}
	rewind(f);
	*rows = (int32_t) ((size_t) bytes / sizeof(float) / (size_t) d);
	m = rows_of((size_t) *rows, stride);
	for (int32_t i = 0; i < *rows; i++)
		if (fread(m + (size_t) i * (size_t) stride, sizeof(float), (size_t) d, f) != (size_t) d)
			exit(1);
	fclose(f);
	return m;
}

static float *
make_rows(int32_t rows, int d, int stride, const float *center, int mix, double spread)
{
	float *m = rows_of((size_t) rows, stride);

	for (int32_t i = 0; i < rows; i++)
	{
		float *row = m + (size_t) i * (size_t) stride;
		double norm = 0;
		double length = exp(spread * normal());

		for (int c = 0; c < mix; c++)
		{
			const float *from = center + rand() % CENTERS * d;

			for (int k = 0; k < d; k++)
				row[k] += from[k];
		}
		for (int k = 0; k < d; k++)
		{
			row[k] += (float) (0.7 * normal() / (k + 4));
			norm += row[k] * row[k];
		}
		for (int k = 0; k < d; k++)
			row[k] *= (float) (length / sqrt(norm));
	}
	return m;
}

static void
make_factors(data *w, double spread)
{
	float *center = rows_of(CENTERS, w->d);

	for (int c = 0; c < CENTERS * w->d; c++)
		center[c] = (float) (normal() / (c % w->d + 4));
	w->item = make_rows(w->items, w->d, w->stride, center, 1, spread);
	w->user = make_rows(w->users, w->d, w->stride, center, 2, 0);
	free(center);
}

/* Times of one user; false when the answers differ. */
static bool
ask(const data *w, const float *p, double *plain, double *first, double *pruned)
{
	static reco_ranked a[MAX_N], b[MAX_N];
	int32_t x = 0;
	int32_t y = 0;

	reco_score(w->item, w->items, w->stride, p, w->bias, 0, w->score);
	memset(w->skip, 0, RECO_SET_BYTES(w->items));
	for (int32_t r = reco_top_n(NULL, w->score, w->items, NULL, w->seen, a) - 1; r >= 0; r--)
		reco_set_add(w->skip, a[r].item);
	*plain = *pruned = 1e9;
	for (int turn = 0; turn < 3; turn++)
	{
		double start = now_ms();

		reco_score(w->item, w->items, w->stride, p, w->bias, 0, w->score);
		x = reco_top_n(NULL, w->score, w->items, w->skip, w->n, a);
		*plain = fmin(*plain, now_ms() - start);
		for (int again = 0; again < 3; again++)
		{
			start = now_ms();
			y = reco_pruned_top(&env, w->index, w->item, w->stride, p, w->bias, 0, w->skip, w->n,
								b);
			*pruned = fmin(*pruned, now_ms() - start);
			if (turn == 0 && again == 0)
				*first = *pruned;
		}
		if (x != y || memcmp(a, b, (size_t) x * sizeof(a[0])) != 0)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	bool files = argc > 2 && !isdigit((unsigned char) argv[1][0]);
	/* the file of users stands where the number of items does */
	char **arg = argv + (files ? 2 : 1);
	int args = argc - (files ? 2 : 1);
	double spread = args > 3 ? atof(arg[3]) : 0.8;
	double bias_spread = args > 4 ? atof(arg[4]) : 0;
	static double plain[USERS], first[USERS], pruned[USERS];
	data w = {.items = args > 0 && !files ? atoi(arg[0]) : 41000,
			  .users = USERS,
			  .d = args > 1 ? atoi(arg[1]) : 64,
			  .n = args > 2 ? atoi(arg[2]) : 10,
			  .seen = args > 5 ? atoi(arg[5]) : 0};
	double start;

	env = bench_env(1);
	w.stride = (w.d + 15) / 16 * 16;
	if (w.items < 1 || w.d < 1 || w.n < 0 || w.n > MAX_N || w.seen < 0 || w.seen > MAX_N)
		return 1;
	if (files)
	{
		w.item = read_rows(argv[1], w.d, w.stride, &w.items);
		w.user = read_rows(argv[2], w.d, w.stride, &w.users);
	}
	else
		make_factors(&w, spread);
	if (bias_spread > 0)
	{
		w.bias = rows_of((size_t) w.items, 1);
		for (int32_t i = 0; i < w.items; i++)
			w.bias[i] = (float) (bias_spread * normal());
	}
	w.score = rows_of((size_t) w.items, 1);
	w.skip = bench_take(NULL, RECO_SET_BYTES(w.items));
	w.index = bench_take(NULL, reco_pruned_size(w.items, w.d));
	start = now_ms();
	if (reco_pruned_build(&env, w.item, w.items, w.d, w.stride, w.bias, w.index) != RECO_OK)
		return 1;
	printf("%d items, d %d, n %d, %d seen, bias %g: built in %.0f ms\n", w.items, w.d, w.n, w.seen,
		   bias_spread, now_ms() - start);
	for (int u = 0; u < USERS; u++)
	{
		/* users from a file: spread over all of them */
		const float *p = w.user + (size_t) ((int64_t) u * w.users / USERS) * (size_t) w.stride;

		if (!ask(&w, p, &plain[u], &first[u], &pruned[u]))
			return printf("user %d: the answers differ\n", u), 1;
	}
	report("plain:", plain);
	report("first:", first);
	report("pruned:", pruned);
	return 0;
}
