/*
 * scorer.c
 *	  Fuzz target: profiles over lists of items and over lists of users, of any numbers that a
 *	  model may hold.
 *
 * Four bytes choose the shape: items, the family, its rule and whether there is an index, how full
 * lists are, the length of the list.  The rest is the bits of numbers, over and over: weights or
 * interactions, biases, the profile.  Scores of all, of some and of the best must agree bit for
 * bit, in any order of asking, and a closed seat must be as it was made.
 */
#include "fuzz.h"

#include "core/scoring/score_lists.h"
#include "core/scoring/score_users.h"

#include <math.h>
#include <string.h>

#define ROWS 24
#define LARGEST 1e17f

static void *
env_alloc(void *arg, size_t bytes)
{
	(void) arg;
	return aligned_alloc(RECO_ALIGN, (bytes + RECO_ALIGN - 1) / RECO_ALIGN * RECO_ALIGN);
}

static void
env_release(void *arg, void *memory)
{
	(void) arg;
	free(memory);
}

static bool
env_poll(void *arg)
{
	(void) arg;
	return false;
}

static reco_env env = {env_alloc, env_release, env_poll, env_poll, 1, NULL, NULL};

typedef struct input
{
	const uint8_t *data;
	size_t size;
	size_t at;
} input;

static uint8_t
byte(input *in)
{
	return in->size > 0 ? in->data[in->at++ % in->size] : 7;
}

/* The next number, within what loading lets through. */
static float
number(input *in)
{
	uint8_t bytes[4];
	float x;

	for (int b = 0; b < 4; b++)
		bytes[b] = byte(in);
	memcpy(&x, bytes, sizeof(x));
	return fabsf(x) <= LARGEST ? x : 1;
}

/* Rows of some columns each, by the bits of the input. */
static reco_csr
matrix(input *in, int32_t rows, int32_t cols, uint8_t full)
{
	reco_csr a = {rows, cols, malloc(((size_t) rows + 1) * sizeof(int64_t)),
				  malloc((size_t) rows * (size_t) cols * sizeof(int32_t)),
				  malloc((size_t) rows * (size_t) cols * sizeof(float))};
	int64_t n = 0;

	for (int32_t r = 0; r < rows; r++)
	{
		a.start[r] = n;
		for (int32_t c = 0; c < cols; c++)
			if (byte(in) <= full)
			{
				a.col[n] = c;
				a.value[n++] = number(in);
			}
	}
	a.start[rows] = n;
	return a;
}

static void
matrix_free(reco_csr *a)
{
	free(a->start);
	free(a->col);
	free(a->value);
}

static bool
is_clean(const reco_seat *seat)
{
	size_t bytes = seat->scorer->type->scratch(seat->scorer);

	for (size_t k = 0; k < bytes; k++)
		if (((const char *) seat->scratch)[k] != 0)
			return false;
	return true;
}

/* What a seat says of a profile, first by a few, then by the best, then by all. */
static void
check(const reco_scorer *scorer, const reco_profile *profile, const uint64_t *skip, int32_t n)
{
	int32_t items = scorer->items;
	float *one = malloc((size_t) items * sizeof(float));
	float *score = malloc((size_t) items * sizeof(float));
	double *part = malloc(((size_t) profile->n + 1) * sizeof(double));
	reco_ranked *best = malloc(((size_t) n + 1) * sizeof(reco_ranked));
	reco_ranked *wanted = malloc(((size_t) n + 1) * sizeof(reco_ranked));
	reco_seat *seat;
	int32_t found;
	double baseline;
	bool additive;

	REQUIRE(reco_seat_make(&env, scorer, &seat) == RECO_OK && is_clean(seat));
	REQUIRE(reco_seat_open(seat, profile) == RECO_OK);
	for (int32_t i = 0; i < items; i++)
		REQUIRE(reco_seat_some(seat, &i, 1, &one[i]) == RECO_OK);
	found = reco_seat_top(seat, skip, n, best);
	REQUIRE(reco_seat_score(seat, score) == RECO_OK);
	for (int32_t i = 0; i < items; i++)
	{
		REQUIRE(!isnan(score[i]) && memcmp(&one[i], &score[i], sizeof(float)) == 0);
		REQUIRE(reco_seat_some(seat, &i, 1, &one[i]) == RECO_OK);
		REQUIRE(memcmp(&one[i], &score[i], sizeof(float)) == 0);
	}
	REQUIRE(found == reco_top_n(NULL, score, items, skip, n, wanted));
	REQUIRE(found == 0 || memcmp(best, wanted, (size_t) found * sizeof(reco_ranked)) == 0);
	for (int32_t i = 0; i < items; i += 5)
	{
		REQUIRE(reco_seat_explain(seat, i, part, &baseline, &additive) == RECO_OK);
		(void) reco_scorer_alike(scorer, i, items - 1 - i);
	}
	(void) reco_seat_is_personal(seat);
	reco_seat_close(seat);
	REQUIRE(is_clean(seat));
	reco_seat_free(&env, seat);
	free(one);
	free(score);
	free(part);
	free(best);
	free(wanted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input in = {0};
	int32_t items;
	bool users;
	reco_csr rows;
	reco_csr own;
	float *bias;
	uint64_t *skip;
	int32_t neighbor[ROWS];
	double similarity[ROWS];
	reco_tiers *index = NULL;
	reco_list_scorer l;
	reco_user_scorer u;
	reco_sum_scorer head;
	reco_profile profile = {.neighbor = neighbor, .similarity = similarity};

	if (size < 4)
		return 0;
	in = (input){data + 4, size - 4, 0};
	items = 1 + data[0] % 150;
	users = data[1] & 1;
	rows = matrix(&in, users ? ROWS : items, items, data[2]);
	own = matrix(&in, 1, items, data[2] | 31);
	bias = malloc((size_t) items * sizeof(float));
	skip = calloc(1, RECO_SET_BYTES(items));
	for (int32_t i = 0; i < items; i++)
	{
		bias[i] = number(&in);
		if (byte(&in) & 1)
			reco_set_add(skip, i);
	}
	for (int k = 0; k < ROWS; k++)
	{
		neighbor[k] = byte(&in) % ROWS;
		similarity[k] = number(&in);
	}
	profile.bias = number(&in);
	profile.n = own.start[1];
	profile.item = own.col;
	profile.value = data[1] & 8 ? NULL : own.value;
	profile.neighbors = byte(&in) % ROWS;
	head = (reco_sum_scorer){
		.head = {users ? &reco_user_scorer_type : &reco_list_scorer_type, items, -INFINITY,
				 INFINITY},
		.averaged = data[1] & 2,
		.item_bias = data[1] & 4 ? bias : NULL,
		.mean = data[1] & 4 ? number(&in) : 0,
	};
	l = (reco_list_scorer){.sums = head, .followers = rows};
	u = (reco_user_scorer){.sums = head, .by_user = rows, .bias = bias};
	if (users && items < ROWS)
		u.bias = NULL;
	if (!users && (data[1] & 16))
		REQUIRE(reco_tiers_build(&env, &rows, &index) == RECO_OK);
	l.index = index;
	check(users ? &u.sums.head : &l.sums.head, &profile, skip, data[3] % 40);
	free(index);
	matrix_free(&rows);
	matrix_free(&own);
	free(bias);
	free(skip);
	return 0;
}
