/*
 * mimic_csr.c
 *	  Interactions for tests.
 */
#include "mimic_csr.h"

#include "core/data/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const source sources[SOURCES] = {
	{"empty", 0, 0, 0, true, true, 1, false, 1},
	{"no rows", 5, 7, 0, true, true, 1, false, 1},
	{"one row", 1, 1, 1, true, true, 1, false, 1},
	{"two rows", 2, 2, 2, true, false, 1, false, 1},
	{"one pair many times", 1, 1, 5000, true, true, 3, false, 1},
	{"one pair without values", 1, 1, 700, false, true, 3, false, 1},
	{"one user", 1, 300, 2000, true, true, 50, false, 1},
	{"one item", 300, 1, 2000, true, true, 50, false, 1},
	{"sparse", 400, 300, 3000, true, true, 1000, false, 1},
	{"sparse without times", 400, 300, 3000, true, false, 1, false, 1},
	{"sparse without values", 400, 300, 3000, false, false, 1, false, 1},
	{"sparse ones", 400, 300, 900, true, false, 1, true, 1},
	{"dense", 30, 20, 9000, true, true, 5, false, 1},
	{"dense, all at one time", 30, 20, 9000, true, true, 1, false, 1},
	{"skewed", 500, 200, 8000, true, true, 40, false, 4},
	{"skewed ones", 500, 200, 8000, true, true, 40, true, 4},
	{"one short of a chunk", 900, 70, RECO_CHUNK_ROWS - 1, true, true, 9, false, 2},
	{"a chunk", 900, 70, RECO_CHUNK_ROWS, false, true, 9, false, 2},
	{"a chunk and one", 900, 70, RECO_CHUNK_ROWS + 1, true, false, 9, false, 2},
	{"chunks", 1500, 300, 5 * RECO_CHUNK_ROWS + 17, true, true, 100, false, 3},
};

row *
make_rows(const source *s, uint64_t seed)
{
	row *rows = calloc((size_t) s->n + 1, sizeof(row));

	for (int32_t r = 0; r < s->n; r++)
	{
		rows[r].user = (int32_t) (pow(mimic_uniform(&seed), s->skew) * s->users);
		rows[r].item = (int32_t) (pow(mimic_uniform(&seed), s->skew) * s->items);
		rows[r].value = 1;
		if (s->has_value && !s->ones)
			switch (mimic_below(&seed, 5))
			{
				case 0:
					rows[r].value = (float) mimic_below(&seed, 5);
					break;
				case 1:
					rows[r].value = -(float) mimic_below(&seed, 3);
					break;
				case 2:
					rows[r].value = (float) (1e18 * (mimic_uniform(&seed) - 0.5));
					break;
				default:
					rows[r].value = (float) mimic_uniform(&seed);
			}
		rows[r].value += 0.0f; /* -0 is 0, as the ingest has it */
		rows[r].time = mimic_below(&seed, s->distinct_times) - s->distinct_times / 2;
		if (rows[r].time == 0)
			rows[r].time = INT64_MIN;
	}
	return rows;
}

reco_status
build_matrix(mimic_env *m, const source *s, const row *rows, const int32_t *order,
			 reco_interactions *out)
{
	building plain = {0};

	return build_matrix_with(m, s, rows, order, &plain, out);
}

reco_status
build_matrix_with(mimic_env *m, const source *s, const row *rows, const int32_t *order, building *b,
				  reco_interactions *out)
{
	int32_t *number[2];
	int32_t *rank[2];
	int32_t given[2] = {0, 0};
	int32_t size[2] = {s->users, s->items};
	reco_triples t;
	reco_status status = RECO_OK;

	for (int side = 0; side < 2; side++)
	{
		number[side] = malloc(((size_t) size[side] + 1) * sizeof(int32_t));
		rank[side] = malloc(((size_t) size[side] + 1) * sizeof(int32_t));
		memset(number[side], -1, ((size_t) size[side] + 1) * sizeof(int32_t));
	}
	reco_triples_init(&t, &m->env, s->has_value, s->has_time);
	t.rules.max = b->max_row;
	t.keep_time = b->keep_time;
	t.keep_repeats = b->keep_repeats;
	t.trend = b->trend;
	for (int32_t r = 0; r < s->n && status == RECO_OK; r++)
	{
		const row *from = &rows[order ? order[r] : r];
		int32_t id[2] = {from->user, from->item};

		for (int side = 0; side < 2; side++)
			if (number[side][id[side]] < 0)
			{
				rank[side][given[side]] = id[side];
				number[side][id[side]] = given[side]++;
			}
		if (!reco_triples_add(&t, number[0][id[0]], number[1][id[1]], from->value, from->time))
			status = RECO_NO_MEMORY;
	}
	for (int side = 0; side < 2; side++)
		for (int32_t k = 0; k < size[side]; k++)
			if (number[side][k] < 0)
				rank[side][given[side]++] = k;
	memset(out, 0, sizeof(*out));
	if (status == RECO_OK)
	{
		if (reco_triples_rows(&t) != s->n)
			abort();
		b->memory = reco_triples_build_memory(&t, s->users, s->items);
		if (b->trend)
			status = reco_trend_periods(&t, b->period, b->now, b->trend);
	}
	if (status == RECO_OK)
		status = reco_triples_build(&t, s->users, s->items, rank[0], rank[1], out);
	else
		reco_triples_free(&t);
	for (int side = 0; side < 2; side++)
	{
		free(number[side]);
		free(rank[side]);
	}
	return status;
}

void
free_matrix(mimic_env *m, reco_interactions *x)
{
	reco_interactions_free(&m->env, x);
}
