/*
 * generate.c
 *	  Made-up interactions in the shape of MovieLens 20M.
 *
 * usage: generate [users [items [order [seed]]]] | psql -c 'COPY ... FROM STDIN (FORMAT binary)'
 *
 *	users	138493		ids 1 .. users, each with at least one row
 *	items	26744		ids 1 .. items
 *	order	mixed		"mixed": rows in random order, as in a table that grew with
 *						time; "user": all rows of a user together
 *	seed	42
 *
 * Rows are (user int4, item int4, value float4) in PostgreSQL's binary COPY
 * format, every pair once.  A summary goes to stderr.
 *
 * Activity: the users are given the quantiles of a log-normal distribution, so
 * that median, maximum and total hardly depend on the seed.
 * Popularity: Zipf-Mandelbrot over the items.
 * Taste: every item belongs to one of GROUPS groups, every user to two.  A user
 * takes an item from the first with probability 0.4, from the second with 0.2,
 * from all items otherwise, always by popularity, until their number of
 * distinct items is reached.
 * Value: 1 .. 5, mostly 1, higher within the user's own groups.
 *
 * The same arguments give the same rows: each user draws from a generator of
 * their own.  (exp and pow may differ in a last bit between C libraries.)
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS 50
#define MEDIAN 73.0
#define SIGMA 1.1685
#define MAX_SHARE 0.35 /* of all items, for the most active user */
#define ZIPF_EXPONENT 1.9
#define ZIPF_SHIFT 0.0087 /* of the number of items */

typedef struct rng
{
	uint64_t state;
} rng;

/* Walker's alias table over n entries, which are items[0 .. n - 1]. */
typedef struct alias
{
	int n;
	double *keep;
	int *other;
	int *items;
	double weight;
} alias;

typedef struct row
{
	int32_t user;
	int32_t item;
	float value;
} row;

static void *
allocate(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
	{
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

/* splitmix64 */
static uint64_t
next(rng *r)
{
	uint64_t z = (r->state += 0x9E3779B97F4A7C15u);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

/* [0, 1) */
static double
uniform(rng *r)
{
	return (double) (next(r) >> 11) * 0x1p-53;
}

static uint64_t
below(rng *r, uint64_t n)
{
	return (uint64_t) (((unsigned __int128) next(r) * n) >> 64);
}

static void
shuffle_ints(rng *r, int *a, int n)
{
	for (int i = n - 1; i > 0; i--)
	{
		int j = (int) below(r, (uint64_t) i + 1);
		int t = a[i];

		a[i] = a[j];
		a[j] = t;
	}
}

/* The number whose normal distribution function is p, by bisection. */
static double
normal_quantile(double p)
{
	double low = -9;
	double high = 9;

	for (int i = 0; i < 60; i++)
	{
		double mid = (low + high) / 2;

		if (0.5 * erfc(-mid / sqrt(2)) < p)
			low = mid;
		else
			high = mid;
	}
	return (low + high) / 2;
}

static alias
make_alias(int n, int *items, const double *weight)
{
	alias a = {.n = n, .items = items};
	int *small = allocate((size_t) n, sizeof(int));
	int *large = allocate((size_t) n, sizeof(int));
	int smalls = 0;
	int larges = 0;

	a.keep = allocate((size_t) n, sizeof(double));
	a.other = allocate((size_t) n, sizeof(int));
	for (int i = 0; i < n; i++)
		a.weight += weight[items[i]];
	for (int i = 0; i < n; i++)
	{
		a.keep[i] = weight[items[i]] * n / a.weight;
		a.other[i] = i;
		if (a.keep[i] < 1)
			small[smalls++] = i;
		else
			large[larges++] = i;
	}
	while (smalls > 0 && larges > 0)
	{
		int s = small[--smalls];
		int l = large[larges - 1];

		a.other[s] = l;
		a.keep[l] -= 1 - a.keep[s];
		if (a.keep[l] < 1)
		{
			larges--;
			small[smalls++] = l;
		}
	}
	free(small);
	free(large);
	return a;
}

static int
draw(const alias *a, rng *r)
{
	int i = (int) below(r, (uint64_t) a->n);

	return a->items[uniform(r) < a->keep[i] ? i : a->other[i]];
}

static float
draw_value(rng *r, bool own)
{
	static const double above[2][4] = {{.22, .08, .03, .01}, {.32, .14, .06, .02}};
	double u = uniform(r);
	float value = 1;

	for (int i = 0; i < 4; i++)
		value += u < above[own][i];
	return value;
}

static void
put32(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char) (v >> 24);
	p[1] = (unsigned char) (v >> 16);
	p[2] = (unsigned char) (v >> 8);
	p[3] = (unsigned char) v;
}

static void
put(const void *p, size_t n)
{
	if (fwrite(p, 1, n, stdout) != n)
	{
		perror("generate: could not write");
		exit(1);
	}
}

static void
write_rows(const row *rows, size_t n)
{
	static const unsigned char header[19] = "PGCOPY\n\377\r\n\0";
	static const unsigned char trailer[2] = {0xff, 0xff};
	unsigned char buf[26] = {0, 3};

	put(header, sizeof(header));
	put32(buf + 2, 4);
	put32(buf + 10, 4);
	put32(buf + 18, 4);
	for (size_t i = 0; i < n; i++)
	{
		uint32_t bits;

		memcpy(&bits, &rows[i].value, sizeof(bits));
		put32(buf + 6, (uint32_t) rows[i].user);
		put32(buf + 14, (uint32_t) rows[i].item);
		put32(buf + 22, bits);
		put(buf, sizeof(buf));
	}
	put(trailer, sizeof(trailer));
	if (fflush(stdout) != 0)
	{
		perror("generate: could not write");
		exit(1);
	}
}

static int
descending(const void *a, const void *b)
{
	int x = *(const int *) a;
	int y = *(const int *) b;

	return (x < y) - (x > y);
}

static void
summarize(const int *user_rows, int users, int *item_rows, int items, size_t n)
{
	int *u = allocate((size_t) users, sizeof(int));
	size_t head = 0;
	int seen = 0;

	memcpy(u, user_rows, (size_t) users * sizeof(int));
	qsort(u, (size_t) users, sizeof(int), descending);
	qsort(item_rows, (size_t) items, sizeof(int), descending);
	for (int i = 0; i < items; i++)
	{
		seen += item_rows[i] > 0;
		if (i < (items + 99) / 100)
			head += (size_t) item_rows[i];
	}
	fprintf(stderr,
			"%zu rows, %d users, %d items of %d; rows of a user: median %d, most %d; "
			"of an item: median %d, most %d; top 1 %% of items: %.1f %% of rows\n",
			n, users, seen, items, u[users / 2], u[0], item_rows[items / 2], item_rows[0],
			100.0 * (double) head / (double) n);
	free(u);
}

int
main(int argc, char **argv)
{
	int users = argc > 1 ? atoi(argv[1]) : 138493;
	int items = argc > 2 ? atoi(argv[2]) : 26744;
	bool mixed = argc <= 3 || strcmp(argv[3], "user") != 0;
	uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 42;
	rng r = {seed};

	if (users < 1 || items < 2 * GROUPS)
	{
		fprintf(stderr, "generate: at least 1 user and %d items are needed\n", 2 * GROUPS);
		return 1;
	}

	/* Item ids say nothing about popularity, which says nothing about groups. */
	int *ranked = allocate((size_t) items, sizeof(int));
	int *group = allocate((size_t) items, sizeof(int));
	double *weight = allocate((size_t) items, sizeof(double));
	int *member[GROUPS];
	int members[GROUPS] = {0};
	alias everything;
	alias own[GROUPS];

	for (int i = 0; i < items; i++)
		ranked[i] = i;
	shuffle_ints(&r, ranked, items);
	for (int g = 0; g < GROUPS; g++)
		member[g] = allocate((size_t) items, sizeof(int));
	for (int k = 0; k < items; k++)
	{
		int i = ranked[k];
		/* the first few make sure that no group is empty */
		int g = k < GROUPS ? k : (int) below(&r, GROUPS);

		weight[i] = pow(k + 1 + ZIPF_SHIFT * items, -ZIPF_EXPONENT);
		group[i] = g;
		member[g][members[g]++] = i;
	}
	everything = make_alias(items, ranked, weight);
	for (int g = 0; g < GROUPS; g++)
		own[g] = make_alias(members[g], member[g], weight);

	int *activity = allocate((size_t) users, sizeof(int));
	size_t n = 0;

	for (int u = 0; u < users; u++)
	{
		double a = MEDIAN * exp(SIGMA * normal_quantile((u + 0.5) / users));

		a = fmin(a, MAX_SHARE * items);
		activity[u] = a < 1 ? 1 : (int) lround(a);
		n += (size_t) activity[u];
	}
	shuffle_ints(&r, activity, users);

	row *rows = allocate(n, sizeof(row));
	int *taken = allocate((size_t) items, sizeof(int)); /* by which user, last */
	int *item_rows = allocate((size_t) items, sizeof(int));
	size_t at = 0;

	for (int u = 1; u <= users; u++)
	{
		rng mine = {seed ^ ((uint64_t) u << 32)};
		int first;
		int second;

		next(&mine);
		first = group[draw(&everything, &mine)];
		second = group[draw(&everything, &mine)];
		for (int left = activity[u - 1]; left > 0;)
		{
			double where = uniform(&mine);
			const alias *from = where < 0.4   ? &own[first]
								: where < 0.6 ? &own[second]
											  : &everything;
			int i = draw(from, &mine);

			if (taken[i] == u)
				continue;
			taken[i] = u;
			item_rows[i]++;
			rows[at++] =
				(row){u, i + 1, draw_value(&mine, group[i] == first || group[i] == second)};
			left--;
		}
	}
	if (mixed)
		for (size_t i = n - 1; i > 0; i--)
		{
			size_t j = below(&r, i + 1);
			row t = rows[i];

			rows[i] = rows[j];
			rows[j] = t;
		}
	write_rows(rows, n);
	summarize(activity, users, item_rows, items, n);
	return 0;
}
