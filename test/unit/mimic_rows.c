/*
 * mimic_rows.c
 *	  Rows of users as a source has them, with their times.
 */
#include "mimic_rows.h"

#include <stdlib.h>

static int
by_item(const void *a, const void *b)
{
	const mimic_row *x = a, *y = b;

	if (x->item != y->item)
		return x->item < y->item ? -1 : 1;
	return x->time < y->time ? -1 : x->time > y->time;
}

mimic_rows *
mimic_rows_new(int32_t users, int32_t items, int64_t n)
{
	mimic_rows *e = calloc(1, sizeof(mimic_rows));

	e->start = calloc((size_t) users + 1, sizeof(int64_t));
	e->rows = calloc((size_t) users + 1, sizeof(int64_t));
	e->item = malloc((size_t) (n + 1) * sizeof(int32_t));
	e->sum = malloc((size_t) (n + 1) * sizeof(float));
	e->row = malloc((size_t) (n + 1) * sizeof(reco_entry));
	e->time = malloc((size_t) (n + 1) * sizeof(int64_t));
	e->latest = malloc((size_t) (n + 1) * sizeof(int64_t));
	e->x = (reco_interactions){
		.by_user =
			{.rows = users, .cols = items, .start = e->start, .col = e->item, .value = e->sum},
		.time = e->latest,
		.repeats = {e->rows, e->row, e->time},
	};
	return e;
}

void
mimic_rows_user(mimic_rows *e, mimic_row *of, int64_t n)
{
	int32_t u = e->users++;
	int64_t pair = e->start[u], row = e->rows[u];

	qsort(of, (size_t) n, sizeof(mimic_row), by_item);
	for (int64_t k = 0, to; k < n; k = to)
	{
		e->item[pair] = of[k].item;
		e->sum[pair] = 0;
		for (to = k; to < n && of[to].item == of[k].item; to++)
		{
			e->sum[pair] += of[to].value;
			e->latest[pair] = of[to].time;
		}
		for (int64_t r = k; r < to && (to > k + 1 || u % 2); r++)
		{
			e->row[row] = (reco_entry){.item = of[r].item, .value = of[r].value};
			e->time[row++] = of[r].time;
		}
		pair++;
	}
	e->start[u + 1] = pair;
	e->rows[u + 1] = row;
}

void
mimic_rows_free(mimic_rows *e)
{
	free(e->start);
	free(e->rows);
	free(e->item);
	free(e->sum);
	free(e->row);
	free(e->time);
	free(e->latest);
	free(e);
}

bool
mimic_rows_has(const mimic_rows *e, int32_t user, int32_t item, int64_t from, int64_t to)
{
	for (int64_t k = e->start[user]; k < e->start[user + 1]; k++)
	{
		int repeats = 0;

		if (item >= 0 && e->item[k] != item)
			continue;
		for (int64_t r = e->rows[user]; r < e->rows[user + 1]; r++)
		{
			if (e->row[r].item != e->item[k])
				continue;
			repeats++;
			if (e->row[r].value > 0 && e->time[r] != INT64_MIN && e->time[r] > from &&
				e->time[r] <= to)
				return true;
		}
		if (repeats == 0 && e->sum[k] > 0 && e->latest[k] != INT64_MIN && e->latest[k] > from &&
			e->latest[k] <= to)
			return true;
	}
	return false;
}
