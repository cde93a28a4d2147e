/*
 * section_worth.c
 *	  The head of a report with the figures that matter, and what the model is worth: over time,
 *	  and beside what else was tried.
 */
#include "report/chart.h"
#include "report/report.h"

#include "model/metric.h"
#include "pg/json.h"

#include <math.h>

#define MOST_TRIED 14 /* in the picture */
#define MOST_READ 200 /* whatever anybody has written there */
#define ROW_HEIGHT 34

static bool
more_is_better(const char *name)
{
	RecoMetric metric;

	return !reco_metric_scan(&name, &metric) || reco_metric_more_is_better(metric.kind);
}

/* A figure of the head; note may be NULL. */
static void
figure(StringInfo out, const char *name, const char *value, const char *note, bool is_main)
{
	html_put(out, "<div%m><dt>%t</dt><dd>%t", is_main ? " class=\"main\"" : "", name, value);
	if (note && note[0])
		html_put(out, "<small>%t</small>", note);
	html_put(out, "</dd></div>\n");
}

/* What it is compared with. */
static const char *
baseline_name(const ReportWorth *worth)
{
	if (worth->baseline == NULL || strcmp(worth->baseline, "popular") == 0)
		return "Popularity";
	return strcmp(worth->baseline, "biases") == 0 ? "Biases only" : worth->baseline;
}

/* "3.8 times popularity", in whichever direction is better. */
static char *
beside(const ReportWorth *worth)
{
	double times;

	if (worth->baseline == NULL || isnan(worth->baseline_value))
		return NULL;
	if (strcmp(worth->baseline, "popular") != 0)
		return psprintf("%s: %s", baseline_name(worth), html_figure(worth->baseline_value, 3));
	times = worth->value / worth->baseline_value;
	if (more_is_better(worth->metric) && isfinite(times) && times >= 1.1 && times < 1000)
		return psprintf("%s times popularity, which has %s", html_figure(times, 2),
						html_figure(worth->baseline_value, 2));
	return psprintf("popularity has %s", html_figure(worth->baseline_value, 3));
}

static double
seconds_of(const ReportVersion *version)
{
	if (TIMESTAMP_NOT_FINITE(version->finished_at) || TIMESTAMP_NOT_FINITE(version->started_at))
		return NAN;
	return (double) (version->finished_at - version->started_at) / USECS_PER_SEC;
}

static void
figures(StringInfo out, const ReportVersion *v)
{
	html_put(out, "<dl class=\"figures\">\n");
	if (v->worth.metric)
		figure(out, v->worth.metric, html_figure(v->worth.value, 3), beside(&v->worth), true);
	figure(out, "Users", html_count(v->users),
		   v->cold_users > 0
			   ? psprintf("%s of them without interactions", html_count(v->cold_users))
			   : NULL,
		   false);
	figure(out, "Items", html_count(v->items),
		   v->cold_items > 0
			   ? psprintf("%s of them without interactions", html_count(v->cold_items))
			   : NULL,
		   false);
	figure(out, "Interactions", html_count(v->interactions),
		   v->users > 0 ? psprintf("%s a user on average",
								   html_figure((double) v->interactions / v->users, 3))
						: NULL,
		   false);
	figure(out, "Trained in", html_seconds(seconds_of(v)),
		   v->bytes > 0 ? psprintf("%s in tables", html_bytes((double) v->bytes)) : NULL, false);
	if (!isnan(v->epsilon))
		figure(out, "Privacy spent", html_figure(v->epsilon, 3), "epsilon of this version", false);
	html_put(out, "</dl>\n");
}

void
report_head(Report *report)
{
	const ModelRow *model = &report->request.row;
	const ReportVersion *v = report->active;
	StringInfo out = report->out;

	html_put(out, "<header>\n<p class=\"eyebrow\">Model report</p>\n<h1><bdi>%t</bdi></h1>\n",
			 model->name);
	if (v == NULL)
	{
		html_put(out,
				 "<p class=\"lede\">No version of this model serves yet. "
				 "<code>CALL reco.refresh(&#39;%t&#39;)</code> trains one.</p>\n</header>\n",
				 model->name);
		return;
	}
	html_put(out,
			 "<p class=\"lede\">Learned from <strong>%c interactions</strong> of %c users with %c "
			 "items. Version %d serves, trained ",
			 v->interactions, (int64) v->users, (int64) v->items, v->version);
	html_time(out, v->finished_at);
	html_put(out, ".</p>\n");
	if (v->algorithm)
		html_put(out, "<pre><code>%t</code></pre>\n", v->algorithm);
	figures(out, v);
	html_put(out, "</header>\n");
}

/* Versions that were measured by a metric, at[] of the report's; returns how many. */
static int
measured(const Report *report, const char *metric, int *at)
{
	int n = 0;

	for (int k = 0; k < report->versions; k++)
		if (report->version[k].worth.metric && strcmp(report->version[k].worth.metric, metric) == 0)
			at[n++] = k;
	return n;
}

static void
over_time_table(const Report *report, const int *at, int n)
{
	const char *columns[] = {"Version", "Trained", "-Value", "-Error", "-Baseline", "-Users"};
	StringInfo out = report->out;

	html_table_begin(out, "As a table", "What each version was worth when it was trained", columns,
					 lengthof(columns));
	for (int k = n - 1; k >= 0; k--)
	{
		const ReportVersion *v = &report->version[at[k]];

		html_put(out, "<tr><th scope=\"row\">%d</th><td>%t</td><td class=\"n\">%g</td>", v->version,
				 html_time_text(v->finished_at, false), v->worth.value);
		html_put(out,
				 "<td class=\"n\">%t</td><td class=\"n\">%t</td><td class=\"n\">%t</td></tr>\n",
				 html_figure(v->worth.error, 2), html_figure(v->worth.baseline_value, 4),
				 isnan(v->worth.users) ? "" : html_count((int64) v->worth.users));
	}
	html_table_end(out, true);
}

/* A value with its standard error, up and down. */
static void
whisker(Chart *chart, double x, double value, double error)
{
	if (isfinite(error) && error > 0)
		html_put(chart->out, "<path class=\"whisker\" d=\"M%f %fV%f\"/>", x,
				 chart_at(&chart->y, value - error), chart_at(&chart->y, value + error));
}

static void
draw_over_time(Report *report, const int *at, int n)
{
	const ReportWorth *last = &report->version[at[n - 1]].worth;
	double *x = palloc(n * sizeof(double));
	double *y = palloc(n * sizeof(double));
	double *base = palloc(n * sizeof(double));
	double low = INFINITY;
	double high = -INFINITY;
	int baselines = 0;
	double at_end;
	double base_at;
	double *base_x = palloc(n * sizeof(double));
	const char *title = psprintf("%s of each version", last->metric);
	Chart chart;

	for (int k = 0; k < n; k++)
	{
		const ReportWorth *worth = &report->version[at[k]].worth;
		double error = isnan(worth->error) ? 0 : worth->error;

		x[k] = k;
		y[k] = worth->value;
		low = Min(low, worth->value - error);
		high = Max(high, worth->value + error);
		if (!isfinite(worth->baseline_value))
			continue;
		base_x[baselines] = k;
		base[baselines++] = worth->baseline_value;
		low = Min(low, worth->baseline_value);
		high = Max(high, worth->baseline_value);
	}
	if (low > 0 && low < high * 0.6)
		low = 0;
	chart = chart_begin(report->out, "worth", 210, title,
						psprintf("A line from %s for version %d to %s for version %d.",
								 html_figure(y[0], 3), report->version[at[0]].version,
								 html_figure(y[n - 1], 3), report->version[at[n - 1]].version));
	chart.x = chart_scale_exact(n > 1 ? 0 : -1, n > 1 ? n - 1 : 1, 46, 268, 1);
	chart.y = chart_scale(low, high, 176, 12, 4);
	chart_y_axis(&chart, false);
	for (int k = 0; k < n; k++)
		if (n <= 8 || k == 0 || k == n - 1)
			chart_label(&chart, chart_at(&chart.x, k), 190, "middle", "tick",
						psprintf("%d", report->version[at[k]].version), CHART_WIDTH);
	chart_label(&chart, 157, 206, "middle", "what", "Version", CHART_WIDTH);
	/* labels of lines that meet are kept apart */
	at_end = chart_at(&chart.y, y[n - 1]);
	base_at = baselines > 0 ? chart_at(&chart.y, base[baselines - 1]) : at_end;
	if (baselines > 0 && fabs(base_at - at_end) < 14)
	{
		double between = (base_at + at_end) / 2;

		base_at = between + (base_at > at_end ? 7 : -7);
		at_end = between + (base_at > between ? -7 : 7);
	}
	if (baselines > 0)
	{
		chart_line(&chart, base_x, base, baselines, "second");
		if (baselines == 1)
			html_put(chart.out, "<circle class=\"dot warm\" r=\"4\" cx=\"%f\" cy=\"%f\"/>",
					 chart_at(&chart.x, base_x[0]), chart_at(&chart.y, base[0]));
		chart_label(&chart, 278, base_at + 4, "start", "warm", baseline_name(last), 80);
	}
	chart_line(&chart, x, y, n, "first");
	for (int k = 0; k < n; k++)
	{
		whisker(&chart, chart_at(&chart.x, k), y[k], report->version[at[k]].worth.error);
		html_put(chart.out, "<circle class=\"dot\" r=\"4\" cx=\"%f\" cy=\"%f\"/>",
				 chart_at(&chart.x, k), chart_at(&chart.y, y[k]));
	}
	chart_label(&chart, 278, at_end + 4, "start", "accent",
				psprintf("Model %s", html_figure(y[n - 1], 3)), CHART_WIDTH);
	chart_end(&chart);
}

/* What was tried for the choice of an algorithm, best first. */
typedef struct Tried
{
	char *algorithm;
	double value;
	double error;
	double seconds;
	bool pale; /* a baseline */
} Tried;

static int
falling(const void *a, const void *b)
{
	const Tried *x = a;
	const Tried *y = b;

	return x->value != y->value ? (x->value < y->value ? 1 : -1)
								: strcmp(x->algorithm, y->algorithm);
}

/* Those of the first choice that told a value; *metric is what that is. */
static Tried *
read_tried(const ReportVersion *v, int *n, char **metric)
{
	List *choices =
		v && v->choice ? reco_json_objects(reco_json_container(&v->choice->root, "choices")) : NIL;
	JsonbContainer *choice = choices ? linitial(choices) : NULL;
	List *objects = reco_json_objects(reco_json_container(choice, "tried"));
	Tried *tried = palloc(MOST_READ * sizeof(Tried));
	ListCell *cell;

	*n = 0;
	*metric = reco_json_text(choice, "metric");
	if (*metric == NULL)
		*metric = v && v->worth.metric ? v->worth.metric : "value";
	foreach (cell, objects)
	{
		const JsonbContainer *one = lfirst(cell);
		Tried t = {reco_json_text(one, "algorithm"), reco_json_number(one, "value"),
				   reco_json_number(one, "error"), reco_json_number(one, "seconds")};

		reco_poll();
		if (*n == MOST_READ)
			break;
		t.pale = t.algorithm && strncmp(t.algorithm, "reco.popular", 12) == 0;
		if (t.algorithm && isfinite(t.value))
			tried[(*n)++] = t;
	}
	qsort(tried, *n, sizeof(Tried), falling);
	if (!more_is_better(*metric))
		for (int k = 0; k < *n / 2; k++)
		{
			Tried t = tried[k];

			tried[k] = tried[*n - 1 - k];
			tried[*n - 1 - k] = t;
		}
	return tried;
}

static void
draw_bars(Report *report, const char *place, const Tried *tried, int n, const char *title)
{
	int rows = Min(n, MOST_TRIED);
	double high = 0;
	Chart chart;

	for (int k = 0; k < rows; k++)
		high = Max(high, tried[k].value + (isnan(tried[k].error) ? 0 : tried[k].error));
	chart = chart_begin(report->out, place, rows * ROW_HEIGHT + 6, title,
						psprintf("Bars, the best first: %s with %s.", tried[0].algorithm,
								 html_figure(tried[0].value, 3)));
	chart.x = chart_scale_exact(0, high, 0, 306, high > 0 ? high : 1);
	for (int k = 0; k < rows; k++)
	{
		double top = k * ROW_HEIGHT;
		const char *name = tried[k].algorithm;
		double to = chart_at(&chart.x, tried[k].value);

		chart_label(&chart, 0, top + 11, "start", k == 0 ? "strong" : "soft",
					strncmp(name, "reco.", 5) == 0 ? name + 5 : name, 345);
		html_put(chart.out,
				 "<rect class=\"track\" x=\"0\" y=\"%f\" width=\"306\" height=\"6\" rx=\"3\"/>"
				 "<rect class=\"bar%m\" x=\"0\" y=\"%f\" width=\"%f\" height=\"6\" rx=\"3\"/>",
				 top + 18, tried[k].pale ? " pale" : "", top + 18, to);
		if (isfinite(tried[k].error))
			html_put(chart.out, "<path class=\"whisker soft\" d=\"M%f %fH%f\"/>",
					 chart_at(&chart.x, tried[k].value - tried[k].error), top + 21,
					 chart_at(&chart.x, tried[k].value + tried[k].error));
		chart_label(&chart, 360, top + 25, "end", k == 0 ? "accent" : "soft",
					html_figure(tried[k].value, 3), CHART_WIDTH);
		html_put(chart.out, "\n");
	}
	chart_end(&chart);
}

static void
tried_table(StringInfo out, const Tried *tried, int n)
{
	const char *columns[] = {"Algorithm", "-Value", "-Error", "-Seconds"};

	html_table_begin(out, "As a table", "What was tried, the best first", columns,
					 lengthof(columns));
	for (int k = 0; k < n; k++)
		html_put(out,
				 "<tr><th scope=\"row\" class=\"words\"><code>%t</code></th><td class=\"n\">%g</td>"
				 "<td class=\"n\">%t</td><td class=\"n\">%t</td></tr>\n",
				 tried[k].algorithm, tried[k].value, html_figure(tried[k].error, 2),
				 html_figure(tried[k].seconds, 2));
	html_table_end(out, true);
}

/* The only version that was measured, beside what it is compared with. */
static void
draw_one(Report *report)
{
	const ReportVersion *v = report->active;
	const ReportWorth *worth = &v->worth;
	Tried bar[] = {{psprintf("Version %d", v->version), worth->value, worth->error},
				   {(char *) baseline_name(worth), worth->baseline_value, NAN, NAN, true}};

	draw_bars(report, "worth", bar, isfinite(worth->baseline_value) ? 2 : 1,
			  psprintf("%s of this version", worth->metric));
}

static void
say_how(Report *report, const ReportWorth *worth)
{
	const char *how = "";

	if (worth->split && strcmp(worth->split, "time") == 0)
		how = "What users did last was hidden, and looked for.";
	else if (worth->split)
		how = "A part of what users did was hidden, and looked for.";
	html_put(report->out, "<p class=\"lead\">%m ", how);
	if (isfinite(worth->users))
		html_put(report->out, "Measured on <strong>%c users</strong>; ", (int64) worth->users);
	html_put(report->out, "%m values are better. Lines across are standard errors.</p>\n",
			 more_is_better(worth->metric) ? "higher" : "lower");
}

void
report_section_worth(Report *report)
{
	StringInfo out = report->out;
	const ReportVersion *v = report->active;
	int *at = palloc((report->versions + 1) * sizeof(int));
	int n = v && v->worth.metric ? measured(report, v->worth.metric, at) : 0;
	bool compared = false;
	char *metric;
	int trials;
	Tried *tried = read_tried(v, &trials, &metric);

	html_put(out,
			 "<section aria-labelledby=\"worth-h\">\n<h2 id=\"worth-h\">Is it any good?</h2>\n");
	if (n == 0)
		html_put(out, "<p class=\"none\">This version was not measured.</p>\n");
	else
		say_how(report, &v->worth);
	if (n == 0 && trials == 0)
	{
		html_put(out, "</section>\n");
		return;
	}
	html_put(out, "<div class=\"pair\">\n");
	if (n > 0)
	{
		html_put(out, "<figure><figcaption><h3>%t%m</h3><p>%m</p></figcaption>\n", v->worth.metric,
				 n > 1 ? ", version by version" : " of this version",
				 v->worth.baseline && strcmp(v->worth.baseline, "biases") == 0
					 ? "Beside the mean with the biases of users and items: no taste."
					 : "Beside the most popular items, the same for everybody.");
		if (n > 1)
			draw_over_time(report, at, n);
		else
			draw_one(report);
		over_time_table(report, at, n);
		html_put(out, "</figure>\n");
		compared = report_part_calibration(report);
	}
	if (trials > 0)
	{
		html_put(out,
				 "<figure><figcaption><h3>What was tried</h3><p>%t of each algorithm, when the "
				 "best one was chosen.</p></figcaption>\n",
				 metric);
		draw_bars(report, "tried", tried, trials, psprintf("%s of what was tried", metric));
		tried_table(out, tried, trials);
		html_put(out, "</figure>\n");
	}
	html_put(out, "</div>\n");
	if (n > 0 && !compared)
		html_put(out, "<p class=\"none\">Whether what this version says comes true was not "
					  "measured: it was made before that was kept, or too little was "
					  "hidden.</p>\n");
	html_put(out, "</section>\n");
}
