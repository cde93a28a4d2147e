/*
 * section_filters.c
 *	  What is filtered, and why: rows that were not learnt from, items and users that were left
 *	  out, and what lists never have.
 */
#include "report/chart.h"
#include "report/report.h"

#include "pg/json.h"
#include "utils/fmgrprotos.h"

#include <math.h>

/* Keys of rows_skipped, and what to say of them. */
static const struct
{
	const char *key;
	bool of_rows;
	const char *name;
	const char *why;
} counts[] = {
	{"no_user", true, "Without a user", "The column of users is NULL, as of guests."},
	{"no_item", true, "Without an item", "The column of items is NULL."},
	{"no_value", true, "Without a value", "The column of values is NULL."},
	{"no_kind", true, "Without a kind", "The column of kinds of events is NULL."},
	{"invalid", true, "Invalid values",
	 "Not finite, out of range, or an id that is too long; on_invalid is \"skip\"."},
	{"excluded", true, "Excluded items", "The option exclude_items names them."},
	{"unknown_kind", true, "Unknown kinds of events", "kind_weights gives them no weight."},
	{"weight_0", true, "Kinds of weight 0", "They may count as seen, and teach nothing."},
	{"outside_window", true, "Outside the window of time",
	 "Too early, too late or too old: since, until, max_age."},
	{"cancelled", true, "Cancelled", "Nothing is left of them: returns and the like."},
	{"cancelling", true, "That cancel others", "By cancel_kinds or cancel_negative."},
	{"cancelled_in_part", false, "Cancelled in part", "Something is left of them."},
	{"cancelling_unmatched", false, "That cancel more than there was",
	 "They found less than they take back."},
	{"users_dropped", false, "Users dropped", "They have too few interactions."},
	{"items_dropped", false, "Items dropped", "Too few users have them."},
	{"interactions_dropped", true, "Dropped with users and items",
	 "Interactions of those who have too few."},
	{"interactions_capped", true, "Interactions over the cap",
	 "max_user_interactions keeps the latest of a user."},
	{"users_capped", false, "Users capped", "They have more than max_user_interactions."},
	{"items_invalid", false, "Items with an id that is too long", "Of the query of items."},
	{"users_invalid", false, "Users with an id that is too long", "Of the query of users."},
};

typedef struct Bar
{
	const char *name;
	double value;
	bool kept;
} Bar;

static void
draw_rows(Report *report, const Bar *bar, int n)
{
	double most = 0;
	Chart chart;

	for (int k = 0; k < n; k++)
		most = Max(most, bar[k].value);
	chart = chart_begin(report->out, "rows", n * 32 + 4, "What became of the rows of the source",
						"A bar for what was read, what was learnt from, and each reason to leave a "
						"row out.");
	for (int k = 0; k < n; k++)
	{
		double part = most > 0 ? bar[k].value / most : 0;

		chart_label(&chart, 0, k * 32 + 11, "start", "soft", bar[k].name, CHART_WIDTH);
		html_put(chart.out,
				 "<rect class=\"bar%m\" x=\"0\" y=\"%f\" width=\"%f\" height=\"8\" rx=\"2\"/>",
				 bar[k].kept ? "" : " pale", k * 32 + 17.0, Max(276 * part, 1));
		chart_label(&chart, 360, k * 32 + 24.5, "end", "strong",
					html_count((int64) Min(bar[k].value, 1e15)), CHART_WIDTH);
	}
	chart_end(&chart);
}

static void
rows_table(StringInfo out, const Bar *bar, int n)
{
	const char *columns[] = {"Rows", "-How many"};

	html_table_begin(out, "As a table", "What became of the rows of the source", columns,
					 lengthof(columns));
	for (int k = 0; k < n; k++)
		html_put(out, "<tr><th scope=\"row\">%t</th><td class=\"n\">%c</td></tr>\n", bar[k].name,
				 (int64) Min(bar[k].value, 1e15));
	html_table_end(out, true);
}

static int
read_bars(const ReportVersion *v, Bar *bar)
{
	const JsonbContainer *skipped = v->rows_skipped ? &v->rows_skipped->root : NULL;
	double left = (double) v->rows_read - (double) v->interactions - (double) v->rows_merged;
	int n = 0;

	bar[n++] = (Bar){"Rows of the source", (double) v->rows_read, true};
	if (v->rows_merged > 0)
		bar[n++] = (Bar){"Repeats, merged into one", (double) v->rows_merged};
	for (int k = 0; k < lengthof(counts); k++)
	{
		double value = reco_json_number(skipped, counts[k].key);

		if (counts[k].of_rows && value > 0)
		{
			bar[n++] = (Bar){counts[k].name, value};
			left -= value;
		}
	}
	if (left > 0)
		bar[n++] = (Bar){"Left out for other reasons", left};
	bar[n++] = (Bar){"Interactions learnt from", (double) v->interactions, true};
	return n;
}

static void
row(StringInfo out, const char *rule, const char *what, const char *amount)
{
	html_put(
		out,
		"<tr><th scope=\"row\">%t</th><td class=\"words\">%t</td><td class=\"n\">%t</td></tr>\n",
		rule, what, amount);
}

static void
put_counts(StringInfo out, const ReportVersion *v)
{
	const JsonbContainer *skipped = v->rows_skipped ? &v->rows_skipped->root : NULL;

	for (int k = 0; k < lengthof(counts); k++)
	{
		double value = reco_json_number(skipped, counts[k].key);

		if (value > 0)
			row(out, counts[k].name, counts[k].why, html_count((int64) Min(value, 1e15)));
	}
	if (v->rows_merged > 0)
		row(out, "Repeats", "Rows of one user and one item count as one interaction.",
			html_count(v->rows_merged));
}

static void
put_text(StringInfo out, const JsonbContainer *options, const char *key, const char *rule,
		 const char *what)
{
	const char *text = reco_json_text(options, key);

	if (text && text[0])
		row(out, rule, what, text);
}

/* Minimums and the like that the version was read with, where they do something. */
static void
put_options(StringInfo out, const ReportVersion *v)
{
	static const struct
	{
		const char *key;
		double nothing;
		const char *rule;
		const char *what;
	} options[] = {
		{"min_user_interactions", 1, "Minimum of a user", "Users need so many interactions."},
		{"min_item_interactions", 1, "Minimum of an item", "Items need so many interactions."},
		{"min_users_per_item", 0, "Minimum of users of an item",
		 "Nobody is recognized by a rare item."},
		{"max_user_interactions", 0, "Most of a user", "The latest ones are kept."},
	};
	const JsonbContainer *of = v->options ? &v->options->root : NULL;
	JsonbContainer *excluded = reco_json_container(of, "exclude_items");

	for (int k = 0; k < lengthof(options); k++)
	{
		double value = reco_json_number(of, options[k].key);

		if (isfinite(value) && value > options[k].nothing)
			row(out, options[k].rule, options[k].what, html_count((int64) Min(value, 1e15)));
	}
	if (excluded)
		row(out, "Excluded items", "exclude_items names ids that are no products.",
			JsonContainerIsArray(excluded) ? psprintf("%d", (int) JsonContainerSize(excluded))
										   : "");
	put_text(out, of, "since", "From", "Rows before this do not count.");
	put_text(out, of, "until", "Until", "Rows from this on do not count.");
	put_text(out, of, "max_age", "Oldest", "Older rows do not count.");
	put_text(out, of, "half_life", "Fading", "After so long a row counts half.");
}

static void
put_serving(Report *report)
{
	StringInfo out = report->out;
	const Serving *serving = report->request.serving;
	double has = 0;

	if (serving == NULL)
		return;
	for (int32 u = 0; u < report->users; u++)
		has += (double) report->user[u].has;
	row(out, "Seen", "Lists leave out what a user has, unless include_seen is asked for.",
		report->users > 0 ? psprintf("%s a user", html_figure(has / report->users, 3)) : "");
	if (reco_live_filters(reco_live_open(serving, &report->request.row), serving))
		row(out, "Availability",
			"The column \"available\" of the query of items is asked for each "
			"list.",
			"now");
}

void
report_section_filters(Report *report)
{
	const ReportVersion *v = report->active;
	const char *columns[] = {"Rule", "What it does", "-How much"};
	Bar bar[lengthof(counts) + 4];
	StringInfo out = report->out;
	int n;

	if (v == NULL)
		return;
	n = read_bars(v, bar);
	html_put(out, "<section aria-labelledby=\"filters-h\">\n"
				  "<h2 id=\"filters-h\">What is filtered, and why</h2>\n"
				  "<p class=\"lead\">From the rows of the source to what was learnt from, and from "
				  "there to what is shown.</p>\n<div class=\"pair\">\n"
				  "<figure><figcaption><h3>The rows</h3></figcaption>\n");
	draw_rows(report, bar, n);
	rows_table(out, bar, n);
	html_put(out, "</figure>\n<figure><figcaption><h3>The rules</h3></figcaption>\n");
	html_table_begin(out, NULL, "Rules that this version was read and serves by", columns,
					 lengthof(columns));
	put_counts(out, v);
	put_options(out, v);
	put_serving(report);
	html_table_end(out, false);
	html_put(out, "</figure>\n</div>\n</section>\n");
}
