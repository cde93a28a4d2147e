/*
 * section_map.c
 *	  The map of items, with its groups named where they are.
 *
 * Cost: of each group the middle of its points; of each label a look at those before it.
 */
#include "report/chart.h"
#include "report/report.h"

#include <math.h>

#define WIDTH 720.0
#define HEIGHT 480.0
#define MARGIN 26.0
#define NAMED_ITEMS 14

/* Labels are kept apart as they are on a phone, where they are larger. */
#define LABEL_HEIGHT 30.0
#define LABEL_EM 14.0
#define LABEL_PHONE_EM 28.0 /* and bold */
#define LABEL_WIDTH 300.0
#define MINOR_HEIGHT 15.0
#define MINOR_EM 11.5
#define MINOR_WIDTH 150.0

typedef struct Box
{
	double left;
	double top;
	double right;
	double bottom;
} Box;

typedef struct Drawing
{
	const ReportMap *map;
	double *x; /* of each point, in the picture */
	double *y;
	Box box[REPORT_GROUPS + NAMED_ITEMS];
	int boxes;
} Drawing;

static int
rising(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Places within the picture: a few far points do not push the others together. */
static double *
scale_places(const ReportMap *map, bool across)
{
	int32 n = map->points;
	double *sorted = palloc(n * sizeof(double));
	double *place = palloc(n * sizeof(double));
	double room = (across ? WIDTH : HEIGHT) - 2 * MARGIN;
	double low;
	double high;
	double room_beyond;

	for (int32 k = 0; k < n; k++)
		sorted[k] = across ? map->point[k].x : map->point[k].y;
	qsort(sorted, n, sizeof(double), rising);
	low = sorted[n / 100];
	high = sorted[n - 1 - n / 100];
	room_beyond = 0.25 * (high - low);
	low = Max(sorted[0], low - room_beyond);
	high = Min(sorted[n - 1], high + room_beyond);
	for (int32 k = 0; k < n; k++)
	{
		double value = across ? map->point[k].x : map->point[k].y;
		double part = high > low ? (value - low) / (high - low) : 0.5;

		part = isfinite(part) ? Min(Max(part, 0), 1) : 0.5;
		place[k] = MARGIN + room * (across ? part : 1 - part);
	}
	pfree(sorted);
	return place;
}

static bool
is_free(const Drawing *drawing, const Box *box)
{
	if (box->left < 2 || box->right > WIDTH - 2 || box->top < 2 || box->bottom > HEIGHT - 2)
		return false;
	for (int k = 0; k < drawing->boxes; k++)
	{
		const Box *other = &drawing->box[k];

		if (box->left < other->right && other->left < box->right && box->top < other->bottom &&
			other->top < box->bottom)
			return false;
	}
	return true;
}

/* Where a label of this size is free near a place, rings further and further out; false: nowhere.
 */
static bool
find_room(Drawing *drawing, double *x, double *y, double width, double height, int rings)
{
	for (int ring = 0; ring <= rings; ring++)
		for (int turn = 0; turn < (ring == 0 ? 1 : 12); turn++)
		{
			double angle = turn * M_PI / 6;
			double cx = *x + ring * 14 * cos(angle);
			double cy = *y + ring * 12 * sin(angle);
			Box box;

			cx = Min(Max(cx, width / 2 + 4), WIDTH - width / 2 - 4);
			cy = Min(Max(cy, height / 2 + 4), HEIGHT - height / 2 - 4);
			box = (Box){cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2};
			if (!is_free(drawing, &box))
				continue;
			drawing->box[drawing->boxes++] = box;
			*x = cx;
			*y = cy;
			return true;
		}
	return false;
}

/* Above the middle of most points of a group. */
static void
middle(const Drawing *drawing, int group, double *x, double *y)
{
	const ReportMap *map = drawing->map;
	double *a = palloc((map->size[group] + 1) * sizeof(double));
	double *b = palloc((map->size[group] + 1) * sizeof(double));
	int n = 0;

	for (int32 k = 0; k < map->points; k++)
		if (map->point[k].group == group)
		{
			a[n] = drawing->x[k];
			b[n++] = drawing->y[k];
		}
	qsort(a, n, sizeof(double), rising);
	qsort(b, n, sizeof(double), rising);
	*x = n > 0 ? a[n / 2] : WIDTH / 2;
	*y = n > 0 ? b[n / 8] - 12 : HEIGHT / 2;
	pfree(a);
	pfree(b);
}

static const char *
group_class(int group)
{
	if (group < 0)
		return "rest";
	return psprintf("g%d%s", group % REPORT_COLORS, group >= REPORT_COLORS ? " ring" : "");
}

static void
draw_points(Report *report, Drawing *drawing)
{
	const ReportMap *map = drawing->map;
	const Serving *serving = report->request.serving;
	double most = serving->interactions[map->point[0].item];

	/* the least popular ones below */
	for (int32 k = map->points - 1; k >= 0; k--)
	{
		const ReportPoint *point = &map->point[k];
		double part = most > 0 ? serving->interactions[point->item] / most : 0;
		double radius = (map->points > 600 ? 1.6 : 2.6) + (map->points > 600 ? 7 : 9) * sqrt(part);

		RECO_POLL_EACH(k, 256);
		html_put(report->out, "<circle class=\"point %m\" cx=\"%f\" cy=\"%f\" r=\"%f\"/>\n",
				 group_class(point->group), drawing->x[k], drawing->y[k], radius);
	}
}

static void
draw_labels(Report *report, Drawing *drawing)
{
	const ReportMap *map = drawing->map;
	StringInfo out = report->out;

	for (int g = 0; g < map->groups; g++)
	{
		double ems;
		int most = html_fit(map->group[g], LABEL_WIDTH / LABEL_PHONE_EM, &ems);
		double width = ems * LABEL_PHONE_EM + 30;
		double on_screen = ems * LABEL_EM + 12;
		double x;
		double y;

		/* the box has room for the word as it is on a phone, to the right of its middle */
		middle(drawing, g, &x, &y);
		x += (width - on_screen) / 2;
		if (!find_room(drawing, &x, &y, width, LABEL_HEIGHT, 16))
			continue;
		x -= width / 2 - 8;
		html_put(out, "<circle class=\"%m\" cx=\"%f\" cy=\"%f\" r=\"5\"/>", group_class(g), x, y);
		html_put(out, "<text x=\"%f\" y=\"%f\">", x + 10, y + 5);
		html_text(out, map->group[g], most);
		html_put(out, "</text>\n");
	}
	for (int32 k = 0, named = 0; k < map->points && k < 60 && named < NAMED_ITEMS; k++)
	{
		const char *text = report_item_text(report, map->point[k].item);
		double ems;
		int most = html_fit(text, MINOR_WIDTH / MINOR_EM, &ems);
		double x = drawing->x[k];
		double y = drawing->y[k] - 15;

		if (!find_room(drawing, &x, &y, ems * MINOR_EM + 8, MINOR_HEIGHT, 2))
			continue;
		named++;
		html_put(out, "<text class=\"minor\" x=\"%f\" y=\"%f\" text-anchor=\"middle\">", x, y + 4);
		html_text(out, text, most);
		html_put(out, "</text>\n");
	}
}

static void
group_table(Report *report)
{
	const ReportMap *map = &report->map;
	const char *columns[] = {map->by_category ? "Category" : "Group", "-Items", "Most popular"};
	StringInfo out = report->out;
	int32 rest = map->points;

	html_table_begin(out, "As a table", "The groups of the map", columns, lengthof(columns));
	for (int g = 0; g <= map->groups; g++)
	{
		int group = g < map->groups ? g : -1;
		int named = 0;

		if (group >= 0)
			rest -= map->size[group];
		else if (rest == 0)
			break;
		html_put(out,
				 "<tr><th scope=\"row\"><bdi>%t</bdi></th><td class=\"n\">%c</td>"
				 "<td class=\"words\">",
				 group >= 0 ? map->group[group] : "Others",
				 (int64) (group >= 0 ? map->size[group] : rest));
		for (int32 k = 0; k < map->points && named < 6; k++)
			if (map->point[k].group == group)
			{
				html_put(out, "%m<bdi>", named++ ? ", " : "");
				html_text(out, report_item_text(report, map->point[k].item), 60);
				html_put(out, "</bdi>");
			}
		html_put(out, "</td></tr>\n");
	}
	html_table_end(out, true);
}

static void
draw_map(Report *report)
{
	const ReportMap *map = &report->map;
	Drawing drawing = {map, scale_places(map, true), scale_places(map, false)};

	html_put(
		report->out,
		"<svg class=\"map\" viewBox=\"0 0 %f %f\" role=\"img\" "
		"aria-labelledby=\"map-title map-desc\">\n<title id=\"map-title\">Map of the "
		"items</title><desc id=\"map-desc\">%c points: near ones are alike to the model, large "
		"ones are popular.</desc>\n",
		WIDTH, HEIGHT, (int64) map->points);
	draw_points(report, &drawing);
	draw_labels(report, &drawing);
	html_put(report->out, "</svg>\n");
}

void
report_section_map(Report *report)
{
	const ReportMap *map = &report->map;
	StringInfo out = report->out;

	if (report->request.serving == NULL)
		return;
	html_put(out,
			 "<section aria-labelledby=\"map-h\">\n<h2 id=\"map-h\">A map of the items</h2>\n");
	if (map->made_of == NULL)
	{
		html_put(out, "<p class=\"none\">%m</p>\n</section>\n",
				 report->may_users || map->points < 3
					 ? "There are too few items and users for a map."
					 : "Its places would follow from what users have, which you have no right to "
					   "read.");
		return;
	}
	html_put(
		out,
		"<p class=\"lead\">What is near is alike to the model; larger points are more popular. "
		"Places are the first two principal components of %t, which hold %p of their "
		"variance. ",
		map->made_of, map->share[0] + map->share[1]);
	if (map->by_category)
		html_put(out, "Colors are those of <strong>%t</strong>%m.</p>\n", report->category_column,
				 report->categories > map->groups ? ", the others are gray" : "");
	else
		html_put(out, "Colors are clusters, named by their most popular item.</p>\n");
	html_put(out, "<figure class=\"wide\">\n");
	draw_map(report);
	group_table(report);
	html_put(out, "</figure>\n</section>\n");
}
