/*
 * chart.h
 *	  What pictures are drawn with: scales, axes, marks and labels in SVG.
 *
 * Pictures are as wide as a phone, in units of its pixels, so that their words can be read there;
 * what is wider than that enlarges them.  Colors and fonts are those of the page (style.c).  Each
 * says in words what it shows: in <title> and <desc>.
 */
#ifndef RECO_REPORT_CHART_H
#define RECO_REPORT_CHART_H

#include "report/html.h"

typedef struct ChartScale
{
	double low; /* values from low to high */
	double high;
	double from; /* are drawn from here */
	double to;
	double step; /* between ticks */
} ChartScale;

typedef struct Chart
{
	StringInfo out;
	double width;
	double height;
	ChartScale x;
	ChartScale y;
} Chart;

#define CHART_WIDTH 360.0

/*
 * Begins a picture; name: of its place in the page, a literal; title and description as text.
 * The room of its axes is what the margins leave.
 */
extern Chart chart_begin(StringInfo out, const char *name, double height, const char *title,
						 const char *description);
extern void chart_end(Chart *chart);

/* A scale over at least low to high, its ends on ticks, of which there are about so many. */
extern ChartScale chart_scale(double low, double high, double from, double to, int ticks);
/* One that ends where it is said. */
extern ChartScale chart_scale_exact(double low, double high, double from, double to, double step);
extern double chart_at(const ChartScale *scale, double value);

/* Lines across at the ticks of y, with their figures; those of x, and what it is of. */
extern void chart_y_axis(Chart *chart, bool percent);
extern void chart_x_axis(Chart *chart, const char *label, bool percent);

/* Sizes of words in units of a picture: on a phone they are larger. */
#define CHART_EM 11.0
#define CHART_PHONE_EM 13.0

/*
 * A text at a place, cut to a width as it is on a phone; anchor: "start", "middle" or "end"; class:
 * literals.
 */
extern void chart_label(Chart *chart, double x, double y, const char *anchor, const char *class,
						const char *text, double width);

/* A line through n points, given as values; class: a literal. */
extern void chart_line(Chart *chart, const double *x, const double *y, int n, const char *class);

#endif /* RECO_REPORT_CHART_H */
