/*
 * section_catalog.c
 *	  The catalog: how far popularity goes, how much of it lists reach, and whether lists have
 *	  the mix of categories that their users have.
 *
 * Cost: a pass over the items.
 */
#include "report/chart.h"
#include "report/report.h"

#include <math.h>

#define CURVE_POINTS 100
#define MIX_ROWS 10

/* How unequally a thing is shared out among items: of the most to the least popular ones. */
typedef struct Shares
{
	double part[CURVE_POINTS + 1]; /* that the most popular k % of items have together */
	double total;
	double gini;
	double top;  /* the most popular tenth has so much */
	int64 items; /* that have any */
} Shares;

/* What an item has in the order of a curve; those past the last have nothing. */
typedef struct Falling
{
	const float *of;
	const int32 *order; /* NULL: of is in order */
	int32 last;
} Falling;

static double
at_place(const Falling *falling, int32 k)
{
	if (k >= falling->last)
		return 0;
	return falling->of[falling->order ? falling->order[k] : k];
}

static void
share_out(Shares *shares, const Falling *falling, int32 n)
{
	double sum = 0;
	double area = 0;
	int next = 0;

	*shares = (Shares){{0}};
	for (int32 k = 0; k < n; k++)
	{
		double of = at_place(falling, k);

		RECO_POLL_AT(k);
		for (; next <= CURVE_POINTS && (double) next * n <= (double) k * CURVE_POINTS; next++)
			shares->part[next] = sum;
		sum += of;
		area += sum - of / 2;
		shares->items += of > 0;
	}
	for (; next <= CURVE_POINTS; next++)
		shares->part[next] = sum;
	for (int p = 0; p <= CURVE_POINTS; p++)
		shares->part[p] = sum > 0 ? shares->part[p] / sum : 0;
	shares->total = sum;
	shares->gini = sum > 0 && n > 0 ? 2 * area / (sum * n) - 1 : 0;
	shares->top = shares->part[CURVE_POINTS / 10];
}

static int
compare_items(const void *a, const void *b)
{
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;

	return (x > y) - (x < y);
}

static int
falling_times(const void *a, const void *b)
{
	float x = *(const float *) a;
	float y = *(const float *) b;

	return (x < y) - (x > y);
}

/* How often each item is in the lists of the sample. */
static void
count_listed(Report *report, Shares *shares)
{
	int32 *item = palloc((Size) REPORT_USERS * REPORT_PLACES * sizeof(int32) + 8);
	float *times = palloc((Size) REPORT_USERS * REPORT_PLACES * sizeof(float) + 8);
	int32 n = 0;
	int32 found = 0;

	for (int32 u = 0; u < report->users; u++)
		for (int32 k = 0; k < report->user[u].places; k++)
			item[n++] = report->user[u].listed[k];
	qsort(item, n, sizeof(int32), compare_items);
	for (int32 k = 0; k < n; k++)
	{
		if (k == 0 || item[k] != item[k - 1])
			times[found++] = 0;
		times[found - 1] += 1;
	}
	qsort(times, found, sizeof(float), falling_times);
	share_out(shares, &(Falling){times, NULL, found}, report->request.serving->model.items);
}

static void
draw_lorenz(Report *report, const Shares *have, const Shares *listed)
{
	double x[CURVE_POINTS + 1];
	Chart chart;

	for (int p = 0; p <= CURVE_POINTS; p++)
		x[p] = (double) p / CURVE_POINTS;
	chart = chart_begin(
		report->out, "lorenz", 262, "How unequal popularity is",
		psprintf("The most popular tenth of the items has %s of the interactions%s.",
				 html_percent(have->top),
				 listed ? psprintf(", and %s of the places in lists", html_percent(listed->top))
						: ""));
	chart.x = chart_scale_exact(0, 1, 42, 344, 0.25);
	chart.y = chart_scale_exact(0, 1, 226, 12, 0.25);
	chart_y_axis(&chart, true);
	chart_x_axis(&chart, "Share of the items, the most popular first", true);
	html_put(chart.out, "<path class=\"plain\" d=\"M42 226L344 12\"/>");
	chart_line(&chart, x, have->part, CURVE_POINTS + 1, "first");
	if (listed)
		chart_line(&chart, x, listed->part, CURVE_POINTS + 1, "second");
	/* below the diagonal, where no curve comes */
	html_put(chart.out, "<path class=\"first\" d=\"M186 176h20\"/>");
	chart_label(&chart, 214, 180, "start", "accent", "what users have", CHART_WIDTH);
	if (listed)
	{
		html_put(chart.out, "<path class=\"second\" d=\"M186 193h20\"/>");
		chart_label(&chart, 214, 197, "start", "warm", "what they are shown", CHART_WIDTH);
	}
	html_put(chart.out, "<path class=\"plain\" d=\"M186 210h20\"/>");
	chart_label(&chart, 214, 214, "start", "soft", "if all were alike", CHART_WIDTH);
	chart_end(&chart);
}

static void
lorenz_table(StringInfo out, const Shares *have, const Shares *listed)
{
	const char *columns[] = {"-Most popular items", "-Of the interactions", "-Of the places"};
	static const int rows[] = {1, 2, 5, 10, 20, 30, 50, 75, 100};

	html_table_begin(out, "As a table", "What the most popular items have", columns,
					 listed ? 3 : 2);
	for (int k = 0; k < lengthof(rows); k++)
	{
		html_put(out, "<tr><th scope=\"row\" class=\"n\">%d%%</th><td class=\"n\">%p</td>", rows[k],
				 have->part[rows[k]]);
		if (listed)
			html_put(out, "<td class=\"n\">%p</td>", listed->part[rows[k]]);
		html_put(out, "</tr>\n");
	}
	html_table_end(out, true);
}

/* The mix of a user, averaged over users, so that nobody counts more than once. */
static void
add_mix(const Report *report, const int32 *item, int32 n, double *mix, double *users)
{
	int32 known = 0;

	for (int32 k = 0; k < n; k++)
	{
		const ReportLabel *label = report_label(report, item[k]);

		known += label && label->category >= 0;
	}
	if (known == 0)
		return;
	for (int32 k = 0; k < n; k++)
	{
		const ReportLabel *label = report_label(report, item[k]);

		if (label && label->category >= 0)
			mix[label->category] += 1.0 / known;
	}
	*users += 1;
}

static void
draw_mix(Report *report, const double *has, const double *gets, const int32 *order, int rows)
{
	double high = 0;
	Chart chart;

	for (int r = 0; r < rows; r++)
		high = Max(high, Max(has[order[r]], gets[order[r]]));
	chart = chart_begin(report->out, "mix", rows * 26 + 44,
						"Categories in what users have and in what they are shown",
						psprintf("Two dots for each category: %s has %s of what users have and %s "
								 "of their lists.",
								 report->category[order[0]], html_percent(has[order[0]]),
								 html_percent(gets[order[0]])));
	chart.x = chart_scale(0, high, 124, 338, 4);
	chart.x.low = 0;
	chart.y = chart_scale_exact(0, rows, rows * 26 + 14, 14, rows);
	for (int r = 0; r < rows; r++)
	{
		double y = 27 + r * 26;
		double a = chart_at(&chart.x, has[order[r]]);
		double b = chart_at(&chart.x, gets[order[r]]);

		reco_poll();
		chart_label(&chart, 114, y + 4, "end", "", report->category[order[r]], 112);
		html_put(chart.out,
				 "<path class=\"grid\" d=\"M124 %fH338\"/>"
				 "<path class=\"whisker soft\" d=\"M%f %fH%f\"/>"
				 "<circle class=\"dot\" r=\"4.5\" cx=\"%f\" cy=\"%f\"/>"
				 "<circle class=\"dot warm\" r=\"4.5\" cx=\"%f\" cy=\"%f\"/>\n",
				 y, a, y, b, a, y, b, y);
	}
	chart_x_axis(&chart, "", true);
	chart_label(&chart, 124, 10, "start", "accent", "have", CHART_WIDTH);
	chart_label(&chart, 164, 10, "start", "warm", "are shown", CHART_WIDTH);
	chart_end(&chart);
}

static void
mix_table(Report *report, const double *has, const double *gets, const int32 *order, int n)
{
	const char *columns[] = {"Category", "-Have", "-Are shown"};

	html_table_begin(report->out, "As a table", "The mean mix of a user, and of a list", columns,
					 lengthof(columns));
	for (int r = 0; r < n; r++)
		html_put(report->out,
				 "<tr><th scope=\"row\"><bdi>%t</bdi></th><td class=\"n\">%p</td>"
				 "<td class=\"n\">%p</td></tr>\n",
				 report->category[order[r]], has[order[r]], gets[order[r]]);
	html_table_end(report->out, true);
}

static void
mix(Report *report)
{
	int32 n = report->categories;
	double *has = palloc0((n + 1) * sizeof(double));
	double *gets = palloc0((n + 1) * sizeof(double));
	int32 *order = palloc((n + 1) * sizeof(int32));
	double have = 0;
	double got = 0;
	double apart = 0;
	int rows;

	for (int32 u = 0; u < report->users; u++)
	{
		reco_poll();
		add_mix(report, report->user[u].item, report->user[u].n, has, &have);
		add_mix(report, report->user[u].listed, report->user[u].places, gets, &got);
	}
	if (have == 0 || got == 0)
		return;
	for (int32 c = 0; c < n; c++)
	{
		int32 at = c;

		has[c] /= have;
		gets[c] /= got;
		apart += fabs(has[c] - gets[c]) / 2;
		for (; at > 0 && has[order[at - 1]] < has[c]; at--)
			order[at] = order[at - 1];
		order[at] = c;
	}
	rows = Min(n, MIX_ROWS);
	html_put(report->out,
			 "<figure><figcaption><h3>Is the mix kept?</h3><p>By %t, of %d users. %p of the "
			 "places would have to change for lists to have the mix of what users have.</p>"
			 "</figcaption>\n",
			 report->category_column, report->users, apart);
	draw_mix(report, has, gets, order, rows);
	mix_table(report, has, gets, order, n);
	html_put(report->out, "</figure>\n");
}

static void
coverage(Report *report, const Shares *listed)
{
	int64 places = (int64) listed->total;
	double items = report->request.serving->model.items;

	html_put(report->out,
			 "<p class=\"lead\">Lists of %d users, %c places altogether, have <strong>%c different "
			 "items</strong>, %p of the catalog%m.</p>\n",
			 report->users, places, listed->items, listed->items / Max(items, 1),
			 places < items ? " (more users would see more of it)" : "");
}

void
report_section_catalog(Report *report)
{
	StringInfo out = report->out;
	const Serving *serving = report->request.serving;
	Shares have;
	Shares listed;
	Falling popular;
	bool lists = report->users > 0;

	if (report->active == NULL)
		return;
	html_put(out, "<section aria-labelledby=\"catalog-h\">\n"
				  "<h2 id=\"catalog-h\">The catalog, and how much of it is shown</h2>\n");
	if (serving == NULL)
	{
		html_put(out, "<p class=\"none\">You have no right to read the items of this model.</p>\n"
					  "</section>\n");
		return;
	}
	popular = (Falling){serving->interactions, serving->popular, serving->model.items};
	share_out(&have, &popular, serving->model.items);
	html_put(out,
			 "<p class=\"lead\">The most popular tenth of the items has <strong>%p of the "
			 "interactions</strong>",
			 have.top);
	if (lists)
	{
		count_listed(report, &listed);
		html_put(out, "; the tenth that is shown most has %p of the places in lists", listed.top);
	}
	html_put(out, ".</p>\n");
	if (lists)
		coverage(report, &listed);
	html_put(out,
			 "<div class=\"pair\">\n<figure><figcaption><h3>The long tail</h3><p>The higher the "
			 "line, the fewer items have most: Gini coefficient %t%m%t.</p></figcaption>\n",
			 html_figure(have.gini, 2), lists ? ", of lists " : "",
			 lists ? html_figure(listed.gini, 2) : "");
	draw_lorenz(report, &have, lists ? &listed : NULL);
	lorenz_table(out, &have, lists ? &listed : NULL);
	html_put(out, "</figure>\n");
	if (lists && report->categories > 0)
		mix(report);
	html_put(out, "</div>\n</section>\n");
}
