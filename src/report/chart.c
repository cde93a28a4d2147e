/*
 * chart.c
 *	  What pictures are drawn with: scales, axes, marks and labels in SVG.
 */
#include "report/chart.h"

#include <math.h>

Chart
chart_begin(StringInfo out, const char *name, double height, const char *title,
			const char *description)
{
	Chart chart = {out, CHART_WIDTH, height};

	html_put(out,
			 "<svg class=\"chart\" viewBox=\"0 0 %f %f\" role=\"img\" "
			 "aria-labelledby=\"%m-title %m-desc\">\n<title id=\"%m-title\">%t</title>"
			 "<desc id=\"%m-desc\">%t</desc>\n",
			 chart.width, height, name, name, name, title, name, description);
	return chart;
}

void
chart_end(Chart *chart)
{
	html_put(chart->out, "</svg>\n");
}

ChartScale
chart_scale_exact(double low, double high, double from, double to, double step)
{
	return (ChartScale){low, high > low ? high : low + 1, from, to, step};
}

ChartScale
chart_scale(double low, double high, double from, double to, int ticks)
{
	static const double nice[] = {1, 2, 2.5, 5, 10};
	double range = high - low;
	double power;
	double step;

	if (!(isfinite(range) && fabs(low) < 1e300 && fabs(high) < 1e300))
		return chart_scale_exact(0, 1, from, to, 0.5);
	if (range <= fabs(high) * 1e-9)
		range = high != 0 ? fabs(high) * 0.1 : 1;
	power = pow(10, floor(log10(range / ticks)));
	step = power * 10;
	for (int k = 0; k < lengthof(nice); k++)
		if (range / (nice[k] * power) <= ticks + 0.001)
		{
			step = nice[k] * power;
			break;
		}
	low = floor(low / step + 1e-9) * step;
	high = ceil(high / step - 1e-9) * step;
	if (!(high > low))
		high = low + step;
	return (ChartScale){low, high, from, to, step};
}

double
chart_at(const ChartScale *scale, double value)
{
	double part = (value - scale->low) / (scale->high - scale->low);

	part = isfinite(part) ? Min(Max(part, -0.05), 1.05) : 0;
	return scale->from + part * (scale->to - scale->from);
}

static const char *
tick_text(const ChartScale *scale, double value, bool percent)
{
	double step = scale->step * (percent ? 100 : 1);
	int decimals = 0;

	value *= percent ? 100 : 1;
	if (fabs(value) < step * 1e-6)
		value = 0;
	if (fabs(value) >= 1e6)
		return html_figure(value, 3);
	while (decimals < 6 &&
		   fabs(step - rint(step * pow(10, decimals)) / pow(10, decimals)) > step * 1e-6)
		decimals++;
	if (decimals == 0)
		return psprintf("%s%s", html_count((int64) rint(value)), percent ? "%" : "");
	return psprintf("%.*f%s", decimals, value, percent ? "%" : "");
}

/* How many ticks a scale has, the first at low. */
static int
ticks_of(const ChartScale *scale)
{
	double n = floor((scale->high - scale->low) / scale->step + 1e-6);

	return isfinite(n) ? (int) Min(Max(n, 0), 20) : 0;
}

void
chart_y_axis(Chart *chart, bool percent)
{
	const ChartScale *y = &chart->y;

	for (int k = 0; k <= ticks_of(y); k++)
	{
		double value = y->low + k * y->step;
		double at = chart_at(y, value);

		html_put(chart->out, "<path class=\"%m\" d=\"M%f %fH%f\"/>", k == 0 ? "axis" : "grid",
				 chart->x.from, at, chart->x.to);
		chart_label(chart, chart->x.from - 6, at + 3.6, "end", "tick", tick_text(y, value, percent),
					CHART_WIDTH);
	}
	html_put(chart->out, "\n");
}

void
chart_x_axis(Chart *chart, const char *label, bool percent)
{
	const ChartScale *x = &chart->x;
	double bottom = chart->y.from;

	for (int k = 0; k <= ticks_of(x); k++)
	{
		double value = x->low + k * x->step;

		chart_label(chart, chart_at(x, value), bottom + 14, "middle", "tick",
					tick_text(x, value, percent), CHART_WIDTH);
	}
	chart_label(chart, (x->from + x->to) / 2, bottom + 29, "middle", "what", label, CHART_WIDTH);
	html_put(chart->out, "\n");
}

void
chart_label(Chart *chart, double x, double y, const char *anchor, const char *class,
			const char *text, double width)
{
	double ems;

	html_put(chart->out, "<text x=\"%f\" y=\"%f\" text-anchor=\"%m\" class=\"%m\">", x, y, anchor,
			 class);
	html_text(chart->out, text, html_fit(text, width / CHART_PHONE_EM, &ems));
	html_put(chart->out, "</text>");
}

void
chart_line(Chart *chart, const double *x, const double *y, int n, const char *class)
{
	html_put(chart->out, "<path class=\"%m\" d=\"", class);
	for (int k = 0; k < n; k++)
	{
		RECO_POLL_EACH(k, 1024);
		html_put(chart->out, "%m%f %f", k == 0 ? "M" : "L", chart_at(&chart->x, x[k]),
				 chart_at(&chart->y, y[k]));
	}
	html_put(chart->out, "\"/>\n");
}
