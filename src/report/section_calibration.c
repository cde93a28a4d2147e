/*
 * section_calibration.c
 *	  Whether what the version says comes true, in the section of what it is worth.
 *
 * Values that it predicted beside those that were hidden; or how many of the items in the lists
 * were found, by their scores, which order items and are no probabilities.
 */
#include "report/chart.h"
#include "report/report.h"

#include "pg/json.h"

#include <math.h>

/* Whoever owns the model may have written more of them. */
#define MOST_BINS 12

ReportCalibration
report_calibration(const Jsonb *record)
{
	const JsonbContainer *of = record ? &record->root : NULL;
	List *objects = reco_json_objects(reco_json_container(of, "bins"));
	char *what = reco_json_text(of, "of");
	ReportCalibration c = {.of_values = what && strcmp(what, "values") == 0};
	ListCell *cell;

	c.bin = palloc((MOST_BINS + 1) * sizeof(ReportBin));
	foreach (cell, objects)
	{
		const JsonbContainer *one = lfirst(cell);
		ReportBin bin = {reco_json_number(one, "said"), reco_json_number(one, "seen"),
						 reco_json_number(one, "count")};

		if (c.bins == MOST_BINS)
			break;
		if (isfinite(bin.said) && isfinite(bin.seen) && bin.count >= 0 && bin.count < 1e15 &&
			(c.of_values || (bin.seen >= 0 && bin.seen <= 1)))
			c.bin[c.bins++] = bin;
	}
	return c;
}

static void
table(StringInfo out, const ReportCalibration *c)
{
	const char *values[] = {"-Predicted", "-Seen", "-Interactions"};
	const char *scores[] = {"-Score", "-Found", "-Places"};

	html_table_begin(out, "As a table",
					 c->of_values ? "Values that were predicted, and those that were hidden"
								  : "How many of the items in lists were found, by their scores",
					 c->of_values ? values : scores, 3);
	for (int k = 0; k < c->bins; k++)
		html_put(out,
				 "<tr><th scope=\"row\" class=\"n\">%g</th><td class=\"n\">%t</td>"
				 "<td class=\"n\">%c</td></tr>\n",
				 c->bin[k].said,
				 c->of_values ? html_figure(c->bin[k].seen, 4) : html_percent(c->bin[k].seen),
				 (int64) c->bin[k].count);
	html_table_end(out, true);
}

/* Points beside the line on which what is predicted is what is seen. */
static void
draw_values(StringInfo out, const ReportCalibration *c)
{
	const ReportBin *first = &c->bin[0];
	const ReportBin *last = &c->bin[c->bins - 1];
	double x[MOST_BINS];
	double y[MOST_BINS];
	double low = INFINITY;
	double high = -INFINITY;
	double ends[2];
	Chart chart;

	for (int k = 0; k < c->bins; k++)
	{
		x[k] = c->bin[k].said;
		y[k] = c->bin[k].seen;
		low = Min(low, Min(x[k], y[k]));
		high = Max(high, Max(x[k], y[k]));
	}
	chart = chart_begin(
		out, "calibration", 300, "Predicted values and those that were seen",
		psprintf("Points from %s where %s was predicted to %s where %s was predicted; where "
				 "predictions are right on average, they lie on the line.",
				 html_figure(first->seen, 3), html_figure(first->said, 3),
				 html_figure(last->seen, 3), html_figure(last->said, 3)));
	chart.x = chart_scale(low, high, 46, 346, 5);
	chart.y = chart_scale(low, high, 262, 12, 5);
	chart_y_axis(&chart, false);
	chart_x_axis(&chart, "Predicted", false);
	ends[0] = chart.x.low;
	ends[1] = chart.x.high;
	chart_line(&chart, ends, ends, 2, "second");
	chart_line(&chart, x, y, c->bins, "first");
	for (int k = 0; k < c->bins; k++)
		html_put(out, "<circle class=\"dot\" r=\"4\" cx=\"%f\" cy=\"%f\"/>",
				 chart_at(&chart.x, x[k]), chart_at(&chart.y, y[k]));
	chart_label(&chart, 52, 22, "start", "soft", "Seen", CHART_WIDTH);
	chart_end(&chart);
}

/* A column for each group of scores. */
static void
draw_scores(StringInfo out, const ReportCalibration *c)
{
	const ReportBin *first = &c->bin[0];
	const ReportBin *last = &c->bin[c->bins - 1];
	double width = 300.0 / c->bins;
	double high = 0;
	Chart chart;

	for (int k = 0; k < c->bins; k++)
		high = Max(high, c->bin[k].seen);
	chart =
		chart_begin(out, "calibration", 220, "How many items of lists were found, by their scores",
					psprintf("Columns from %s of the items with the lowest scores to %s of "
							 "those with the highest.",
							 html_percent(first->seen), html_percent(last->seen)));
	chart.x = chart_scale_exact(0, c->bins, 46, 346, 1);
	chart.y = chart_scale(0, high, 176, 12, 4);
	chart_y_axis(&chart, true);
	for (int k = 0; k < c->bins; k++)
	{
		double top = chart_at(&chart.y, c->bin[k].seen);

		html_put(out, "<rect class=\"bar\" x=\"%f\" y=\"%f\" width=\"%f\" height=\"%f\"/>",
				 46 + k * width + 2, top, width - 4, 176 - top);
	}
	html_put(out, "\n");
	chart_label(&chart, 46, 192, "start", "tick", html_figure(first->said, 2), 80);
	chart_label(&chart, 346, 192, "end", "tick", html_figure(last->said, 2), 80);
	chart_label(&chart, 196, 208, "middle", "what", "Mean score, lowest to highest", CHART_WIDTH);
	chart_end(&chart);
}

bool
report_part_calibration(Report *report)
{
	StringInfo out = report->out;
	ReportCalibration c = report_calibration(report->active->calibration);

	if (c.bins == 0)
		return false;
	html_put(out, "<figure><figcaption><h3>Does it come true?</h3><p>%m</p></figcaption>\n",
			 c.of_values ? "Hidden values by what was predicted of them, in groups of equal size: "
						   "the mean of what was seen. On the broken line predictions are right "
						   "on average."
						 : "The first places of the lists by their scores, in groups of equal "
						   "size: how many of the items were found among what was hidden. A score "
						   "orders items, and is no probability; where the columns rise, a higher "
						   "score means more of any user.");
	if (c.of_values)
		draw_values(out, &c);
	else
		draw_scores(out, &c);
	table(out, &c);
	html_put(out, "</figure>\n");
	return true;
}
