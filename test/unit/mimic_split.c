/*
 * mimic_split.c
 *	  A split made the slow way, from the rows of a source.
 */
#include "mimic_split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A pair of a source: its rows, and what becomes of it. */
typedef struct whole
{
	int32_t user;
	int32_t item;
	const row *first;
	int64_t rows;
	bool hidden;
	bool cut; /* what is not before this time is no part of the training */
	int64_t at;
	int64_t later; /* rows that are not before it, and hidden all the same */
} whole;

typedef struct wholes
{
	row *rows;
	whole *pair;
	int64_t n;
} wholes;

static int
compare_rows(const void *a, const void *b)
{
	const row *x = a;
	const row *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	if (x->item != y->item)
		return x->item < y->item ? -1 : 1;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

row *
mimic_sorted(const source *s, const row *rows)
{
	row *sorted = malloc(((size_t) s->n + 1) * sizeof(row));

	memcpy(sorted, rows, (size_t) s->n * sizeof(row));
	for (int32_t r = 0; r < s->n; r++)
	{
		if (!s->has_value)
			sorted[r].value = 1;
		if (!s->has_time)
			sorted[r].time = 0;
	}
	qsort(sorted, (size_t) s->n, sizeof(row), compare_rows);
	return sorted;
}

static wholes
pairs_of(const source *s, const row *rows)
{
	wholes w = {mimic_sorted(s, rows), malloc(((size_t) s->n + 1) * sizeof(whole)), 0};

	for (int32_t r = 0; r < s->n; r++)
	{
		const row *at = &w.rows[r];

		if (r == 0 || at[-1].user != at->user || at[-1].item != at->item)
			w.pair[w.n++] = (whole){at->user, at->item, at, 0, false, false, 0, 0};
		w.pair[w.n - 1].rows++;
	}
	return w;
}

static void
wholes_free(wholes *w)
{
	free(w->rows);
	free(w->pair);
}

static split_pair
merge(const whole *p, int64_t n)
{
	split_pair out = {.time = p->first[n - 1].time, .rows = n};
	double sum = 0;
	double last = 0;
	int64_t lasts = 0;

	for (int64_t r = 0; r < n; r++)
	{
		sum += p->first[r].value;
		if (p->first[r].time == out.time)
		{
			last += p->first[r].value;
			lasts++;
		}
	}
	out.sum = (float) sum;
	out.latest = (float) (last / (double) lasts);
	return out;
}

/* What is hidden of a pair. */
static split_pair
merge_later(const whole *p)
{
	whole later = *p;

	if (p->later > 0)
	{
		later.first += p->rows - p->later;
		later.rows = p->later;
	}
	return merge(&later, later.rows);
}

static int64_t
rounded(double fraction, int64_t n)
{
	int64_t held = (int64_t) floor(fraction * (double) n + 0.5);

	return held > n - 1 ? n - 1 : held;
}

/* Whether pair a of a user comes before pair b. */
static bool
earlier(const whole *a, const whole *b)
{
	return a->first->time < b->first->time ||
		   (a->first->time == b->first->time && a->item < b->item);
}

static void
hide_of_user(mimic_env *m, const reco_split_rule *rule, whole *pair, int64_t n)
{
	int64_t held = rule->one ? n > 1 : rounded(rule->fraction, n);
	int32_t *col = malloc((size_t) n * sizeof(int32_t));
	uint64_t *scratch = malloc((size_t) n * sizeof(uint64_t));
	bool *out = malloc((size_t) n);
	int64_t cut = INT64_MAX;

	for (int64_t k = 0; k < n; k++)
		col[k] = pair[k].item;
	if (rule->kind == RECO_SPLIT_RANDOM &&
		reco_hold_out(&m->env, rule->seed, pair[0].user, col, n, held, scratch, out) != RECO_OK)
		abort();
	for (int64_t k = 0; k < n; k++)
	{
		int64_t later = 0;

		for (int64_t other = 0; other < n && rule->kind == RECO_SPLIT_LAST; other++)
			later += earlier(&pair[k], &pair[other]);
		pair[k].hidden = rule->kind == RECO_SPLIT_RANDOM ? out[k] : later < held;
		if (pair[k].hidden && pair[k].first->time < cut)
			cut = pair[k].first->time;
	}
	for (int64_t k = 0; k < n; k++)
	{
		pair[k].cut = held > 0 && rule->kind == RECO_SPLIT_LAST;
		pair[k].at = cut;
	}
	free(col);
	free(scratch);
	free(out);
}

/* Times of one basket have one number; one that is not known has its own. */
static bool
same_basket(int64_t a, int64_t b, int64_t basket)
{
	if (a == b || basket == 0 || a == INT64_MIN || b == INT64_MIN)
		return a == b;
	return floorl((long double) a / basket) == floorl((long double) b / basket);
}

static int
compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *) a;
	int64_t y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

/* When the last of n times, in order, began a basket: the index; 0: there is but one. */
static int64_t
last_basket_of(const int64_t *time, int64_t n, int64_t basket, int64_t gap)
{
	int64_t k = n - 1;

	while (k > 0 && same_basket(time[k - 1], time[k], basket) &&
		   !(gap > 0 && time[k] != time[k - 1] && (long double) time[k] - time[k - 1] >= gap))
		k--;
	return k;
}

static void
hide_last_basket(int64_t basket, int64_t gap, whole *pair, int64_t n)
{
	int64_t rows = 0;
	int64_t *time;
	int64_t begin;

	for (int64_t k = 0; k < n; k++)
		rows += pair[k].rows;
	time = malloc((size_t) rows * sizeof(int64_t));
	rows = 0;
	for (int64_t k = 0; k < n; k++)
		for (int64_t r = 0; r < pair[k].rows; r++)
			time[rows++] = pair[k].first[r].time;
	qsort(time, (size_t) rows, sizeof(int64_t), compare_times);
	begin = last_basket_of(time, rows, basket, gap);
	for (int64_t k = 0; k < n && begin > 0; k++)
	{
		pair[k].cut = true;
		for (int64_t r = 0; r < pair[k].rows; r++)
			pair[k].later += pair[k].first[r].time >= time[begin];
		pair[k].hidden = pair[k].later == pair[k].rows;
		pair[k].at = INT64_MAX;
		if (pair[k].later > 0)
			pair[k].at = pair[k].first[pair[k].rows - pair[k].later].time;
	}
	free(time);
}

static int64_t
cut_of(const wholes *w, double fraction)
{
	int64_t *time = malloc(((size_t) w->n + 1) * sizeof(int64_t));
	int64_t held = rounded(fraction, w->n);
	int64_t cut = INT64_MAX;
	int64_t from;

	for (int64_t p = 0; p < w->n; p++)
		time[p] = w->pair[p].first->time;
	qsort(time, (size_t) w->n, sizeof(int64_t), compare_times);
	from = w->n - (held < 1 ? 1 : held);
	while (from >= 0 && from < w->n && time[from] == INT64_MIN)
		from++;
	if (from >= 0 && from < w->n)
		cut = time[from];
	free(time);
	return cut;
}

static void
choose(mimic_env *m, wholes *w, const reco_split_rule *rule, int64_t basket, int64_t gap,
	   reco_split_counts *counts)
{
	if (rule->kind == RECO_SPLIT_TIME)
	{
		counts->has_cut = true;
		counts->cut = rule->has_cut ? rule->cut : cut_of(w, rule->fraction);
		counts->cut = counts->cut == INT64_MIN ? INT64_MIN + 1 : counts->cut;
		for (int64_t p = 0; p < w->n; p++)
		{
			w->pair[p].cut = true;
			w->pair[p].at = counts->cut;
			w->pair[p].hidden = w->pair[p].first->time >= counts->cut;
		}
		return;
	}
	for (int64_t p = 0, n; p < w->n && rule->kind != RECO_SPLIT_GIVEN; p += n)
	{
		n = 1;
		while (p + n < w->n && w->pair[p + n].user == w->pair[p].user)
			n++;
		if (rule->kind == RECO_SPLIT_LAST_BASKET)
			hide_last_basket(basket, gap, w->pair + p, n);
		else
			hide_of_user(m, rule, w->pair + p, n);
	}
}

static int
compare_pairs(const void *a, const void *b)
{
	const split_pair *x = a;
	const split_pair *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	return x->item < y->item ? -1 : 1;
}

/* What stays of the pairs of the training part. */
static void
train_on(const wholes *w, const int32_t *user, const int32_t *item, mimic_part *train,
		 reco_split_counts *counts)
{
	train->pair = malloc(((size_t) w->n + 1) * sizeof(split_pair));
	train->pairs = 0;
	for (int64_t p = 0; p < w->n; p++)
	{
		const whole *pair = &w->pair[p];
		int64_t rows = 0;

		if (pair->hidden)
			continue;
		while (rows < pair->rows && (!pair->cut || pair->first[rows].time < pair->at ||
									 pair->first[rows].time == pair->first->time))
			rows++;
		counts->rows_left_out += pair->rows - rows - pair->later;
		train->pair[train->pairs] = merge(pair, rows);
		train->pair[train->pairs].user = user[pair->user];
		train->pair[train->pairs++].item = item[pair->item];
	}
	counts->trained = train->pairs;
	qsort(train->pair, (size_t) train->pairs, sizeof(split_pair), compare_pairs);
}

/* Whose numbers are -1 get the next ones where they are wanted; how many are. */
static int32_t
number_rest(int32_t *number, const bool *wanted, int32_t n, int32_t next)
{
	int32_t count = 0;

	for (int32_t k = 0; k < n; k++)
		if (wanted[k] && number[k] < 0)
			number[k] = next + count++;
	return count;
}

typedef struct numbers
{
	int32_t *user;
	int32_t *item;
	bool *user_known;
	bool *item_known;
} numbers;

static numbers
numbers_alloc(const source *s)
{
	return (numbers){malloc(((size_t) s->users + 1) * sizeof(int32_t)),
					 malloc(((size_t) s->items + 1) * sizeof(int32_t)),
					 calloc((size_t) s->users + 1, 1), calloc((size_t) s->items + 1, 1)};
}

static void
numbers_free(numbers *n)
{
	free(n->user);
	free(n->item);
	free(n->user_known);
	free(n->item_known);
}

/* What of the hidden pairs stays, h, under the numbers of the training part, x. */
static void
hide(const source *s, const wholes *w, const numbers *x, const reco_split_rule *rule,
	 const wholes *source_pairs, mimic_part *train, mimic_part *hidden, reco_split_counts *counts)
{
	numbers h = numbers_alloc(s);
	bool given = rule->kind == RECO_SPLIT_GIVEN;
	bool *drop = calloc((size_t) w->n + 1, 1);
	int32_t last = -1;

	for (int32_t u = 0; u < s->users; u++)
	{
		int32_t in_x = given ? rule->test_user[u] : u;

		h.user[u] = in_x >= 0 ? x->user[in_x] : -1;
	}
	for (int32_t i = 0; i < s->items; i++)
	{
		int32_t in_x = given ? rule->test_item[i] : i;

		h.item[i] = in_x >= 0 ? x->item[in_x] : -1;
	}
	for (int64_t p = 0; p < w->n; p++)
	{
		int32_t user = given ? rule->test_user[w->pair[p].user] : w->pair[p].user;
		int32_t item = given ? rule->test_item[w->pair[p].item] : w->pair[p].item;
		bool user_known = user >= 0 && x->user_known[user];
		bool item_known = item >= 0 && x->item_known[item];

		drop[p] = !w->pair[p].hidden && w->pair[p].later == 0;
		for (int64_t q = 0; given && q < source_pairs->n && !drop[p]; q++)
			drop[p] = source_pairs->pair[q].user == user && source_pairs->pair[q].item == item;
		counts->in_both += given && drop[p];
		if (drop[p] || (user_known && item_known))
			continue;
		counts->unknown++;
		drop[p] = !rule->keep_unknown;
		h.user_known[w->pair[p].user] |= !user_known; /* here: to be numbered */
		h.item_known[w->pair[p].item] |= !item_known;
	}
	for (int32_t u = 0; u < s->users; u++)
		counts->unknown_users += h.user_known[u];
	for (int32_t i = 0; i < s->items; i++)
		counts->unknown_items += h.item_known[i];
	hidden->users = train->users + number_rest(h.user, h.user_known, s->users, train->users);
	hidden->items = train->items + number_rest(h.item, h.item_known, s->items, train->items);
	if (!rule->keep_unknown)
	{
		hidden->users = train->users;
		hidden->items = train->items;
	}
	hidden->pair = malloc(((size_t) w->n + 1) * sizeof(split_pair));
	hidden->pairs = 0;
	for (int64_t p = 0; p < w->n; p++)
	{
		split_pair *out = &hidden->pair[hidden->pairs];

		if (drop[p])
			continue;
		*out = merge_later(&w->pair[p]);
		out->user = h.user[w->pair[p].user];
		out->item = h.item[w->pair[p].item];
		hidden->pairs++;
	}
	counts->hidden = hidden->pairs;
	qsort(hidden->pair, (size_t) hidden->pairs, sizeof(split_pair), compare_pairs);
	for (int64_t p = 0; p < hidden->pairs; p++)
		if (hidden->pair[p].sum > 0 && hidden->pair[p].user != last)
		{
			last = hidden->pair[p].user;
			counts->users++;
		}
	free(drop);
	numbers_free(&h);
}

void
mimic_split(mimic_env *m, const source *s, const row *rows, const source *test,
			const row *test_rows, const reco_split_rule *rule, int64_t basket, int64_t gap,
			mimic_part *train, mimic_part *hidden, reco_split_counts *counts)
{
	wholes w = pairs_of(s, rows);
	wholes t = {0};
	numbers x = numbers_alloc(s);

	memset(counts, 0, sizeof(*counts));
	choose(m, &w, rule, basket, gap, counts);
	for (int64_t p = 0; p < w.n; p++)
		if (!w.pair[p].hidden)
		{
			x.user_known[w.pair[p].user] = true;
			x.item_known[w.pair[p].item] = true;
		}
	train->users = train->items = 0;
	for (int32_t u = 0; u < s->users; u++)
		x.user[u] = x.user_known[u] ? train->users++ : -1;
	for (int32_t i = 0; i < s->items; i++)
		x.item[i] = x.item_known[i] || rule->keep_items ? train->items++ : -1;
	train_on(&w, x.user, x.item, train, counts);
	if (test)
	{
		t = pairs_of(test, test_rows);
		for (int64_t p = 0; p < t.n; p++)
			t.pair[p].hidden = true;
	}
	hide(test ? test : s, test ? &t : &w, &x, rule, &w, train, hidden, counts);
	wholes_free(&w);
	wholes_free(&t);
	numbers_free(&x);
}
