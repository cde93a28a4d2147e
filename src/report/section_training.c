/*
 * section_training.c
 *	  How the version that serves was trained: its loss, iteration by iteration, and the time.
 */
#include "report/chart.h"
#include "report/report.h"

#include "pg/json.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include <math.h>

/* Points of a curve; members of a composite that have one. */
#define MOST_POINTS 200
#define MOST_CURVES 4

typedef struct Curve
{
	const char *name; /* NULL: of the model itself */
	double *loss;
	int n;
} Curve;

/* Every so manyth of a long curve, and its last point. */
static void
thin(Curve *curve, const double *loss, int n)
{
	int each = n / MOST_POINTS + 1;

	curve->loss = palloc((n / each + 2) * sizeof(double));
	curve->n = 0;
	for (int k = 0; k < n; k += each)
		curve->loss[curve->n++] = loss[k];
	if (n > 0 && (n - 1) % each != 0)
		curve->loss[curve->n++] = loss[n - 1];
}

/* The numbers of an array of JSON. */
static double *
numbers_of(JsonbContainer *array, int *n)
{
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue value;
	int64 looked = 0;
	double *number = palloc((JsonContainerSize(array) + 1) * sizeof(double));

	*n = 0;
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		double one;

		RECO_POLL_EACH(looked++, 4096);
		if (token != WJB_ELEM || value.type != jbvNumeric)
			continue;
		one = DatumGetFloat8(
			DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value.val.numeric)));
		if (isfinite(one))
			number[(*n)++] = one;
	}
	return number;
}

static int
read_curves(const ReportVersion *v, Curve *curve)
{
	int curves = 0;

	if (v->losses > 0)
	{
		double *loss = palloc(v->losses * sizeof(double));

		for (int k = 0; k < v->losses; k++)
		{
			RECO_POLL_AT(k);
			loss[k] = v->loss[k];
		}
		thin(&curve[curves++], loss, v->losses);
	}
	for (int m = 1; v->member_loss && m <= RECO_MAX_MEMBERS && curves < MOST_CURVES; m++)
	{
		JsonbContainer *array = reco_json_container(&v->member_loss->root, psprintf("%d", m));
		double *loss;
		int n;

		if (array == NULL || !JsonContainerIsArray(array))
			continue;
		loss = numbers_of(array, &n);
		if (n == 0)
			continue;
		curve[curves].name = psprintf("Member %d", m);
		thin(&curve[curves++], loss, n);
	}
	return curves;
}

/* Iterations from 1 to n; the loss from the least to the largest, each curve by its own. */
static void
draw_curve(Report *report, const Curve *curve, int place)
{
	double low = INFINITY;
	double high = -INFINITY;
	double *x = palloc(curve->n * sizeof(double));
	const ReportVersion *v = report->active;
	int iterations = curve->name ? curve->n : v->losses;
	const char *name = psprintf("loss%d", place);
	Chart chart;

	for (int k = 0; k < curve->n; k++)
	{
		low = Min(low, curve->loss[k]);
		high = Max(high, curve->loss[k]);
		x[k] = curve->n > 1 ? 1 + (double) k * (iterations - 1) / (curve->n - 1) : 1;
	}
	chart = chart_begin(report->out, name, 210, "Loss of the training",
						psprintf("A line from %s after the first iteration to %s after %d.",
								 html_figure(curve->loss[0], 4),
								 html_figure(curve->loss[curve->n - 1], 4), iterations));
	chart.x = chart_scale(iterations > 1 ? 1 : 0, iterations, 58, 326, 5);
	chart.x.low = iterations > 1 ? 1 : 0;
	chart.x.step = Max(rint(chart.x.step), 1);
	chart.x.high = Max(iterations, chart.x.low + 1);
	chart.y = chart_scale(low, high, 176, 14, 4);
	chart_y_axis(&chart, false);
	chart_label(&chart, chart_at(&chart.x, chart.x.low), 190, "middle", "tick", "1", CHART_WIDTH);
	chart_label(&chart, chart_at(&chart.x, iterations), 190, "middle", "tick",
				psprintf("%d", iterations), CHART_WIDTH);
	chart_label(&chart, 192, 206, "middle", "what", "Iteration", CHART_WIDTH);
	chart_line(&chart, x, curve->loss, curve->n, "first");
	html_put(chart.out, "<circle class=\"dot\" r=\"4\" cx=\"%f\" cy=\"%f\"/>",
			 chart_at(&chart.x, iterations), chart_at(&chart.y, curve->loss[curve->n - 1]));
	chart_label(&chart, 320, chart_at(&chart.y, curve->loss[curve->n - 1]) - 9, "end", "accent",
				html_figure(curve->loss[curve->n - 1], 4), CHART_WIDTH);
	chart_end(&chart);
}

static void
curve_table(StringInfo out, const Curve *curve)
{
	const char *columns[] = {"-Point", "-Loss"};

	html_table_begin(out, "As a table", "Loss along the curve", columns, lengthof(columns));
	for (int k = 0; k < curve->n; k++)
		html_put(out, "<tr><th scope=\"row\" class=\"n\">%d</th><td class=\"n\">%t</td></tr>\n",
				 k + 1, html_figure(curve->loss[k], 6));
	html_table_end(out, true);
}

/* Phases of a training in the order in which they come, as a bar of their shares. */
static void
draw_phases(Report *report)
{
	static const char *const key[] = {"read", "train", "write"};
	static const char *const name[] = {"Reading the source", "Training", "Writing the version"};
	const char *columns[] = {"Phase", "-Time"};
	const JsonbContainer *of = report->active->timings ? &report->active->timings->root : NULL;
	double seconds[lengthof(key)];
	double longest = 0;
	Chart chart;

	for (int k = 0; k < lengthof(key); k++)
	{
		seconds[k] = reco_json_number(of, key[k]);
		if (isfinite(seconds[k]))
			longest = Max(longest, seconds[k]);
	}
	if (of == NULL || longest == 0)
		return;
	html_put(report->out, "<figure><figcaption><h3>Where the time went</h3><p>Without measuring "
						  "and choosing.</p></figcaption>\n");
	chart = chart_begin(report->out, "phases", 96, "Time of each phase",
						"A bar for reading, training and writing.");
	for (int k = 0; k < lengthof(key); k++)
	{
		double part = isfinite(seconds[k]) ? Max(seconds[k], 0) / longest : 0;

		chart_label(&chart, 0, k * 32 + 11, "start", "soft", name[k], CHART_WIDTH);
		html_put(chart.out,
				 "<rect class=\"bar\" x=\"0\" y=\"%f\" width=\"%f\" height=\"8\" rx=\"2\"/>",
				 k * 32 + 17.0, Max(300 * part, 1));
		chart_label(&chart, 360, k * 32 + 24.5, "end", "strong", html_seconds(seconds[k]),
					CHART_WIDTH);
	}
	chart_end(&chart);
	html_table_begin(report->out, "As a table", "Time of each phase", columns, lengthof(columns));
	for (int k = 0; k < lengthof(key); k++)
		html_put(report->out, "<tr><th scope=\"row\">%t</th><td class=\"n\">%t</td></tr>\n",
				 name[k], html_seconds(seconds[k]));
	html_table_end(report->out, true);
	html_put(report->out, "</figure>\n");
}

void
report_section_training(Report *report)
{
	StringInfo out = report->out;
	Curve curve[MOST_CURVES] = {{0}};
	int curves;

	if (report->active == NULL)
		return;
	curves = read_curves(report->active, curve);
	html_put(out, "<section aria-labelledby=\"training-h\">\n"
				  "<h2 id=\"training-h\">How it was trained</h2>\n");
	if (curves == 0)
		html_put(out, "<p class=\"lead\">This algorithm tells no loss step by step: it counts, or "
					  "is solved as a whole.</p>\n");
	else
		html_put(out, "<p class=\"lead\">The objective falls with each iteration; where the line "
					  "is flat, more iterations would gain little.</p>\n");
	html_put(out, "<div class=\"pair\">\n");
	for (int c = 0; c < curves; c++)
	{
		html_put(out, "<figure><figcaption><h3>Loss%m%t</h3></figcaption>\n",
				 curve[c].name ? " of " : "", curve[c].name);
		draw_curve(report, &curve[c], c + 1);
		curve_table(out, &curve[c]);
		html_put(out, "</figure>\n");
	}
	draw_phases(report);
	html_put(out, "</div>\n</section>\n");
}
