/*
 * map.c
 *	  Items as points on a plane.
 *
 * The most popular items are placed by the first two principal components of their vectors: the
 * factors of the first member of the model that has such; of another model singular vectors of
 * what some users have, each entry divided by the root of how many its row and its column have, as
 * in Dhillon 2001, without the first, which says how popular an item is.  Either way a vector is
 * scaled to length 1: the direction is what an item is like.
 *
 * Points have the color of their category, where the query of items has such; else of a cluster of
 * these vectors.
 *
 * Cost: of REPORT_MAP_ITEMS vectors, their covariance and a few iterations of clustering; of
 * histories those of REPORT_MAP_USERS users besides.
 */
#include "report/report.h"

#include "core/cluster/kmeans.h"
#include "core/linear/pca.h"
#include "core/svd/svd.h"
#include "store/image/users.h"

#include <math.h>

#define HISTORY_FACTORS 24

typedef struct Vectors
{
	float *x; /* a row for each point */
	int d;
	int stride;
} Vectors;

/* The items that most users have, and that anybody has. */
static void
choose_items(Report *report)
{
	const Serving *serving = report->request.serving;
	ReportMap *map = &report->map;
	int32 most = Min(serving->model.items, REPORT_MAP_ITEMS);

	map->point = palloc((most + 1) * sizeof(ReportPoint));
	for (int32 k = 0; k < most && serving->interactions[serving->popular[k]] > 0; k++)
		map->point[map->points++] = (ReportPoint){serving->popular[k], 0, 0, -1};
}

static Vectors
make_vectors(const ReportMap *map, int d)
{
	Vectors v = {NULL, d, (int) TYPEALIGN(16, d)};
	Size bytes = ((Size) map->points + 1) * v.stride * sizeof(float);

	v.x = (float *) TYPEALIGN(RECO_ALIGN, reco_call_alloc(bytes + RECO_ALIGN, 1));
	return v;
}

/* A vector, scaled to length 1; zeros stay. */
static void
take_direction(float *to, const float *from, int d)
{
	double squares = 0;

	for (int f = 0; f < d; f++)
		squares += (double) from[f] * from[f];
	for (int f = 0; f < d; f++)
		to[f] = squares > 0 ? (float) (from[f] / sqrt(squares)) : 0;
}

/* The factors of items of the first member that has such; false: none has. */
static bool
take_factors(Report *report, Vectors *v)
{
	const RecoModel *model = &report->request.serving->model;
	ReportMap *map = &report->map;

	for (int m = 0; m < model->members; m++)
	{
		const RecoMember *member = &model->member[m];

		for (int p = 0; p < member->parts; p++)
		{
			const RecoPartType *type = &member->type[p];

			if (type->side != RECO_OF_ITEMS || type->shape != RECO_VECTOR || type->width < 2 ||
				type->element != RECO_FLOAT4 || strcmp(type->name, "factors") != 0 ||
				member->part[p].data == NULL)
				continue;
			*v = make_vectors(map, type->width);
			for (int32 k = 0; k < map->points; k++)
			{
				RECO_POLL_EACH(k, 1024);
				take_direction(v->x + (Size) k * v->stride,
							   reco_part_floats(&member->part[p], map->point[k].item), v->d);
			}
			map->made_of =
				psprintf("the %d factors of %s", type->width, member->spec->algorithm->name);
			return true;
		}
	}
	return false;
}

/* Items in the order of their numbers, with their places among the points. */
typedef struct Column
{
	int32 item;
	int32 point;
} Column;

static int
compare_columns(const void *a, const void *b)
{
	int32 x = ((const Column *) a)->item;
	int32 y = ((const Column *) b)->item;

	return (x > y) - (x < y);
}

/* What of a user's items has a column, appended to a row of the matrix. */
static void
add_row(reco_csr *a, const Column *column, const reco_profile *profile, int64 *room)
{
	int64 at = a->start[a->rows];
	int32 c = 0;

	if (at + a->cols > *room)
	{
		*room = 2 * (at + a->cols);
		if (a->col)
			a->col = repalloc_huge(a->col, *room * sizeof(int32));
		else
			a->col = reco_call_alloc(*room, sizeof(int32));
	}
	for (int64 j = 0; j < profile->n; j++)
	{
		while (c < a->cols && column[c].item < profile->item[j])
			c++;
		if (c < a->cols && column[c].item == profile->item[j])
			a->col[at++] = c;
	}
	a->rows++;
	a->start[a->rows] = at;
}

/* The histories of some users, over the items of the map. */
static reco_csr
read_histories(Report *report, const Column *column)
{
	Serving *serving = report->request.serving;
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "reco history", ALLOCSET_DEFAULT_SIZES);
	reco_csr a = {0, report->map.points};
	int64 room = 0;
	int32 n;
	Datum *id = report_user_ids(report, REPORT_MAP_USERS, &n);

	a.start = palloc0((n + 1) * sizeof(int64));
	for (int32 k = 0; k < n; k++)
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);
		reco_profile profile = {0};
		bool known = reco_serving_user(serving, id[k], &profile) && profile.n > 0;

		reco_poll();
		MemoryContextSwitchTo(old);
		if (known)
			add_row(&a, column, &profile, &room);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
	return a;
}

/* Values by which no row and no column decides. */
static void
balance(reco_csr *a)
{
	int32 *have = reco_call_alloc(a->cols + 1, sizeof(int32));

	a->value = reco_call_alloc(a->start[a->rows] + 1, sizeof(float));
	for (int64 e = 0; e < a->start[a->rows]; e++)
	{
		RECO_POLL_AT(e);
		have[a->col[e]]++;
	}
	for (int32 u = 0; u < a->rows; u++)
		for (int64 e = a->start[u]; e < a->start[u + 1]; e++)
			a->value[e] =
				(float) (1 / sqrt((double) (a->start[u + 1] - a->start[u]) * have[a->col[e]]));
}

static bool
take_singular(Report *report, Vectors *v, const Column *column, reco_csr *a)
{
	ReportMap *map = &report->map;
	reco_svd_params params = {0, 10, 4, 1};
	float row[HISTORY_FACTORS];
	RecoBudget budget;
	reco_csr by_item;
	reco_svd svd;

	params.factors = Min(HISTORY_FACTORS + 1, Min(a->rows, a->cols));
	reco_call_budget(&budget);
	reco_call_check(&budget, reco_csr_transpose(&budget.env, a, a->value, &by_item));
	reco_call_check(&budget, reco_svd_fit(&budget.env, &params, a, &by_item, NULL, NULL, &svd));
	*v = make_vectors(map, params.factors - 1);
	for (int32 c = 0; c < a->cols; c++)
	{
		for (int f = 0; f < v->d; f++)
			row[f] = (float) (svd.item[(Size) c * svd.stride + f + 1] * svd.singular[f + 1]);
		take_direction(v->x + (Size) column[c].point * v->stride, row, v->d);
	}
	map->made_of = psprintf("%d singular vectors of what %s users have", v->d, html_count(a->rows));
	reco_csr_free(&budget.env, &by_item);
	reco_svd_free(&budget.env, &svd);
	return true;
}

static bool
take_histories(Report *report, Vectors *v)
{
	ReportMap *map = &report->map;
	Column *column = palloc((map->points + 1) * sizeof(Column));
	reco_csr a;

	for (int32 k = 0; k < map->points; k++)
		column[k] = (Column){map->point[k].item, k};
	qsort(column, map->points, sizeof(Column), compare_columns);
	a = read_histories(report, column);
	/* the first singular vector is left out, and two are needed */
	if (Min(a.rows, a.cols) < 3 || a.start[a.rows] == 0)
		return false;
	balance(&a);
	return take_singular(report, v, column, &a);
}

static void
find_clusters(Report *report, const Vectors *v)
{
	ReportMap *map = &report->map;
	reco_kmeans_params params = {Min(6, map->points), 3, 50, 1, NULL};
	reco_kmeans_rows rows = {v->x, map->points, v->d, v->stride};
	reco_kmeans made;
	RecoBudget budget;

	reco_call_budget(&budget);
	reco_call_check(&budget, reco_kmeans_fit(&budget.env, &params, &rows, &made));
	for (int32 k = 0; k < map->points; k++)
		map->point[k].group = made.cluster[k];
	map->groups = made.clusters;
	reco_kmeans_free(&budget.env, &made);
}

void
report_place_items(Report *report)
{
	ReportMap *map = &report->map;
	Vectors v;
	double *place;
	RecoBudget budget;

	if (report->request.serving == NULL)
		return;
	choose_items(report);
	if (map->points < 3 ||
		(!take_factors(report, &v) && (!report->may_users || !take_histories(report, &v))))
	{
		map->made_of = NULL;
		return;
	}
	place = reco_call_alloc((Size) map->points * 2, sizeof(double));
	reco_call_budget(&budget);
	reco_call_check(&budget,
					reco_pca(&budget.env, v.x, map->points, v.d, v.stride, 2, place, map->share));
	for (int32 k = 0; k < map->points; k++)
	{
		map->point[k].x = place[2 * k];
		map->point[k].y = place[2 * k + 1];
	}
	find_clusters(report, &v);
}

/* The categories that most points have get a color each, the others none. */
static void
group_by_category(Report *report)
{
	ReportMap *map = &report->map;
	int32 *points = palloc0((report->categories + 1) * sizeof(int32));
	int *group = palloc((report->categories + 1) * sizeof(int));
	/* where there is no mark for each, many would be as confusing */
	int most = report->categories <= REPORT_GROUPS ? REPORT_GROUPS : REPORT_COLORS;

	for (int32 k = 0; k < map->points; k++)
	{
		const ReportLabel *label = report_label(report, map->point[k].item);

		if (label && label->category >= 0)
			points[label->category]++;
	}
	for (int32 c = 0; c < report->categories; c++)
		group[c] = -1;
	for (map->groups = 0; map->groups < most; map->groups++)
	{
		int32 best = -1;

		for (int32 c = 0; c < report->categories; c++)
			if (group[c] < 0 && points[c] > 0 && (best < 0 || points[c] > points[best]))
				best = c;
		if (best < 0)
			break;
		group[best] = map->groups;
		map->group[map->groups] = report->category[best];
	}
	for (int32 k = 0; k < map->points; k++)
	{
		const ReportLabel *label = report_label(report, map->point[k].item);

		map->point[k].group = label && label->category >= 0 ? group[label->category] : -1;
	}
	map->by_category = true;
}

void
report_group_items(Report *report)
{
	ReportMap *map = &report->map;

	if (map->made_of == NULL)
		return;
	if (report->categories > 0)
		group_by_category(report);
	for (int32 k = 0; k < map->points; k++)
	{
		int group = map->point[k].group;

		if (group < 0)
			continue;
		/* the most popular item comes first, and gives its name to a cluster */
		if (map->size[group]++ == 0 && !map->by_category)
			map->group[group] = report_item_text(report, map->point[k].item);
	}
}
