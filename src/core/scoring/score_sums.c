/*
 * score_sums.c
 *	  Scores that are sums over neighbors: from sums to scores and lists.
 *
 * A user's sums are gathered once, into an array with a place for each item and a mark for each
 * cache line of it that got anything.  A list looks at those only, unless there are biases, which
 * give every item a score; closing zeroes those only.
 *
 * Cost besides the gathering: of a list, the lines that got anything, and a mark of every other;
 * of all scores, all items.  A few scores are looked for without gathering.
 */
#include "core/scoring/score_sums.h"

#include "core/base/dispatch.h"
#include "core/data/baseline.h"
#include "core/data/sorting.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define HEAP_ENTRY reco_ranked
#define HEAP_WORSE(a, b) reco_ranked_after(a, b)
#include "core/base/heap.h"

/* So few items are looked for one by one in any case. */
#define FEW_ITEMS 4
/* What a look for an item in a row takes, and an item of whom nothing was added up, in additions.
 */
#define SEARCH_COST 10
#define ITEM_COST (1 / 32.0)
/* Lines between two polls when all are taken. */
#define TAKE_LINES 16384
/* What a search in lists takes, in steps of a plain loop. */
#define SEARCH_STEPS 64

static const reco_sum_scorer *
sums_of(const reco_seat *seat)
{
	return (const reco_sum_scorer *) seat->scorer;
}

/* Large values of a basket times large similarities: no infinite score. */
static inline double
within_float(double sum)
{
	return sum > FLT_MAX ? FLT_MAX : sum < -FLT_MAX ? -FLT_MAX : sum;
}

float
reco_sum_final(const reco_sum_scorer *s, double user_bias, int32_t item, double sum, double weight)
{
	if (s->item_bias)
		return (float) (reco_sum_baseline(s, user_bias, item) + (weight > 0 ? sum / weight : 0));
	if (s->averaged)
		return weight > 0 ? (float) (sum / weight) : -INFINITY;
	return sum != 0 ? (float) within_float(sum) : -INFINITY;
}

#define GROUP RECO_LINE_GROUP

static size_t
groups_of(const reco_scorer *scorer)
{
	return reco_line_groups(scorer->items);
}

/* The head: a flag, and the lines' marks; then sums begin on a cache line. */
static size_t
head_bytes(const reco_scorer *scorer)
{
	return ((groups_of(scorer) + 1) * sizeof(uint64_t) + RECO_ALIGN - 1) / RECO_ALIGN * RECO_ALIGN;
}

static size_t
sum_bytes(const reco_scorer *scorer)
{
	return groups_of(scorer) * GROUP * RECO_LINE * sizeof(double);
}

size_t
reco_sum_scratch_bytes(const reco_scorer *scorer)
{
	const reco_sum_scorer *s = (const reco_sum_scorer *) scorer;

	return head_bytes(scorer) + sum_bytes(scorer) * (s->averaged || s->item_bias ? 2 : 1);
}

static reco_sum_scratch
scratch_of(const reco_seat *seat)
{
	const reco_sum_scorer *s = sums_of(seat);
	char *at = seat->scratch;
	char *sum = at + head_bytes(&s->head);

	return (reco_sum_scratch){
		*(uint64_t *) at != 0, (uint16_t *) (at + sizeof(uint64_t)), (double *) sum,
		s->averaged || s->item_bias ? (double *) (sum + sum_bytes(&s->head)) : NULL};
}

bool
reco_sum_gathered(const reco_seat *seat)
{
	return scratch_of(seat).gathered;
}

/* Whether any of a group's lines was added to. */
static inline bool
any_line(const reco_sum_scratch *t, size_t group)
{
	uint64_t marks;

	memcpy(&marks, t->line + group * GROUP, sizeof(marks));
	return marks != 0;
}

void
reco_sum_close(reco_seat *seat)
{
	reco_sum_scratch t = scratch_of(seat);
	size_t groups = groups_of(seat->scorer);

	for (size_t g = 0; g < groups; g++)
		for (size_t line = g * GROUP; any_line(&t, g) && line < (g + 1) * GROUP; line++)
		{
			if (t.line[line] == 0)
				continue;
			memset(t.sum + line * RECO_LINE, 0, RECO_LINE * sizeof(double));
			if (t.weight)
				memset(t.weight + line * RECO_LINE, 0, RECO_LINE * sizeof(double));
		}
	memset(seat->scratch, 0, (groups + 1) * sizeof(uint64_t));
}

/* Once for a user. */
static reco_status
gather(reco_seat *seat, const reco_sum_methods *methods, reco_sum_scratch *t)
{
	reco_status status;

	*t = scratch_of(seat);
	if (t->gathered)
		return RECO_OK;
	status = methods->gather(seat, t);
	if (status == RECO_OK)
		*(uint64_t *) seat->scratch = 1;
	else
		reco_sum_close(seat);
	return status;
}

static inline float
final_of(const reco_seat *seat, const reco_sum_scratch *t, int32_t item)
{
	return reco_sum_final(sums_of(seat), seat->profile->bias, item, t->sum[item],
						  t->weight ? t->weight[item] : 0);
}

reco_status
reco_sum_score(reco_seat *seat, const reco_sum_methods *methods, float *score)
{
	reco_sum_scratch t;
	reco_status status = gather(seat, methods, &t);
	int64_t done = 0;

	for (int32_t i = 0; i < seat->scorer->items && status == RECO_OK; i++)
	{
		score[i] = final_of(seat, &t, i);
		if (stop_after(&seat->env, 1, &done))
			status = RECO_STOPPED;
	}
	return status;
}

/* Whether it takes less to look for n items in each row than to add up all rows. */
static bool
are_few(const reco_seat *seat, const reco_sum_methods *methods, int32_t n)
{
	int64_t rows;
	int64_t entries;

	if (methods->of_item == NULL || n < FEW_ITEMS)
		return methods->of_item != NULL;
	methods->rows(seat, &rows, &entries);
	return (double) n * (double) rows * SEARCH_COST <
		   (double) entries + seat->scorer->items * ITEM_COST;
}

reco_status
reco_sum_some(reco_seat *seat, const reco_sum_methods *methods, const int32_t *item, int32_t n,
			  float *score)
{
	const reco_sum_scorer *s = sums_of(seat);
	const reco_profile *profile = seat->profile;
	reco_sum_scratch t = scratch_of(seat);
	bool few = !t.gathered && are_few(seat, methods, n);
	int64_t done = 0;
	reco_status status = RECO_OK;

	if (!few)
		status = gather(seat, methods, &t);
	for (int32_t k = 0; k < n && status == RECO_OK; k++)
	{
		double sum = 0;
		double weight = 0;

		if (few)
			methods->of_item(seat, item[k], &sum, &weight);
		score[k] = few ? reco_sum_final(s, profile->bias, item[k], sum, weight)
					   : final_of(seat, &t, item[k]);
		if (stop_after(&seat->env, few ? (profile->n + profile->neighbors) * SEARCH_STEPS : 1,
					   &done))
			status = RECO_STOPPED;
	}
	return status;
}

/* Whether one of a line's sums may be in a full list; rounding to a score keeps their order. */
static inline bool
reaches(const double *sum, float floor)
{
	int any = 0;

	for (int k = 0; k < RECO_LINE; k++)
		any |= sum[k] > floor;
	return any;
}

/* Offers a line's items to the list. */
static void
offer_line(reco_seat *seat, const reco_sum_scratch *t, const uint64_t *skip, int32_t line,
		   int32_t n, reco_ranked *out, int32_t *have)
{
	int32_t end = seat->scorer->items - line * RECO_LINE;

	for (int32_t k = 0; k < RECO_LINE && k < end; k++)
	{
		int32_t item = line * RECO_LINE + k;
		float score = final_of(seat, t, item);

		/* items rise: one that ties with the worst comes after it */
		if (score == -INFINITY || (*have == n && !(score > out[0].score)) ||
			(skip && reco_set_has(skip, item)))
			continue;
		heap_offer(out, have, n, (reco_ranked){score, item});
	}
}

int32_t
reco_sum_top(reco_seat *seat, const reco_sum_methods *methods, const uint64_t *skip, int32_t n,
			 reco_ranked *out)
{
	reco_sum_scratch t;
	size_t groups = groups_of(seat->scorer);
	int32_t have = 0;
	int64_t done = 0;

	/* with biases, items without neighbors have scores as well */
	if (sums_of(seat)->item_bias)
	{
		if (reco_seat_score_all(seat) != RECO_OK)
			return -1;
		return reco_top_n(&seat->env, seat->score, seat->scorer->items, skip, n, out);
	}
	if (n <= 0)
		return 0;
	if (gather(seat, methods, &t) != RECO_OK)
		return -1;
	for (size_t g = 0; g < groups; g++)
	{
		for (size_t line = g * GROUP; any_line(&t, g) && line < (g + 1) * GROUP; line++)
			if (t.line[line] != 0 &&
				(have < n || t.weight || reaches(t.sum + line * RECO_LINE, out[0].score)))
				offer_line(seat, &t, skip, (int32_t) line, n, out, &have);
		if (stop_after(&seat->env, GROUP * RECO_LINE, &done))
			return -1;
	}
	return heap_sort(&seat->env, out, have) ? have : -1;
}

bool
reco_sum_is_sparse(const reco_scorer *scorer)
{
	return ((const reco_sum_scorer *) scorer)->item_bias == NULL;
}

reco_status
reco_sum_mark(reco_seat *seat, const reco_sum_methods *methods, uint16_t *line)
{
	size_t groups = groups_of(seat->scorer);
	reco_sum_scratch t;
	int64_t done = 0;
	reco_status status = gather(seat, methods, &t);

	for (size_t g = 0; g < groups && status == RECO_OK; g++)
	{
		uint64_t marks[2];

		memcpy(&marks[0], line + g * GROUP, sizeof(marks[0]));
		memcpy(&marks[1], t.line + g * GROUP, sizeof(marks[1]));
		marks[0] |= marks[1];
		memcpy(line + g * GROUP, &marks[0], sizeof(marks[0]));
		if (stop_after(&seat->env, 1, &done))
			status = RECO_STOPPED;
	}
	return status;
}

/* Of sums that are not the scores themselves. */
static void
take_finals(const reco_seat *seat, const reco_sum_scratch *t, int32_t line, float *score)
{
	int32_t from = line * RECO_LINE;

	for (int32_t k = 0; k < RECO_LINE; k++)
	{
		score[k] = from + k < seat->scorer->items ? final_of(seat, t, from + k) : -INFINITY;
		t->sum[from + k] = 0;
		if (t->weight)
			t->weight[from + k] = 0;
	}
}

reco_status
reco_sum_take(reco_seat *seat, const int32_t *line, int32_t n, float *score)
{
	const reco_sum_scorer *s = sums_of(seat);
	const reco_kernels *kernels = reco_kernels_best();
	reco_sum_scratch t = scratch_of(seat);
	bool plain = !s->averaged && s->item_bias == NULL;

	for (int32_t from = 0; from < n; from += TAKE_LINES)
	{
		int32_t some = n - from < TAKE_LINES ? n - from : TAKE_LINES;

		if (plain)
			kernels->lines_take(t.sum, line + from, some, score + (size_t) from * RECO_LINE);
		for (int32_t l = from; l < from + some && !plain; l++)
			take_finals(seat, &t, line[l], score + (size_t) l * RECO_LINE);
		if (some == TAKE_LINES && seat->env.poll(seat->env.arg))
			return RECO_STOPPED;
	}
	memset(seat->scratch, 0, (groups_of(seat->scorer) + 1) * sizeof(uint64_t));
	return RECO_OK;
}

reco_status
reco_sum_fold_in(const reco_env *env, const reco_scorer *scorer, reco_profile *profile)
{
	const reco_sum_scorer *s = (const reco_sum_scorer *) scorer;

	if (s->item_bias)
		return reco_baseline_user(env, s->mean, s->item_bias, profile->n, profile->item,
								  profile->value, &profile->bias);
	return RECO_OK;
}
