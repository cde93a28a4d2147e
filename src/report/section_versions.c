/*
 * section_versions.c
 *	  All versions in a table, and what the model is made from.
 */
#include "report/report.h"

static void
put_version(StringInfo out, const ReportVersion *v, bool serves)
{
	bool trained = v->users > 0 || v->items > 0;

	html_put(out, "<tr><th scope=\"row\">%d%m</th><td>%t</td><td>", v->version,
			 serves ? "<span class=\"tag\">serves</span>" : "", v->status);
	html_time(out, TIMESTAMP_NOT_FINITE(v->finished_at) ? v->started_at : v->finished_at);
	html_put(out, "</td><td class=\"n\">%t</td><td class=\"n\">%t</td><td class=\"n\">%t</td>",
			 trained ? html_count(v->users) : "", trained ? html_count(v->items) : "",
			 trained ? html_count(v->interactions) : "");
	html_put(out, "<td class=\"n\">%t</td><td class=\"n\">%t</td>",
			 v->worth.metric ? psprintf("%s %s", v->worth.metric, html_figure(v->worth.value, 3))
							 : "",
			 v->bytes > 0 ? html_bytes((double) v->bytes) : "");
	html_put(out, "<td class=\"words\">%t</td></tr>\n",
			 v->message     ? v->message
			 : v->algorithm ? v->algorithm
							: "");
}

static void
put_query(StringInfo out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	html_put(out, "<h3>%t</h3><pre><code>", name);
	html_text(out, text, 4000);
	html_put(out, "</code></pre>\n");
}

void
report_section_versions(Report *report)
{
	const char *columns[] = {"Version", "Status", "When",
							 "-Users",  "-Items", "-Interactions",
							 "-Worth",  "-Size",  "Algorithm, or message"};
	const ModelRow *model = &report->request.row;
	StringInfo out = report->out;

	html_put(out, "<section aria-labelledby=\"versions-h\">\n"
				  "<h2 id=\"versions-h\">Versions and definition</h2>\n");
	if (report->versions == 0)
		html_put(out, "<p class=\"none\">There is no version yet.</p>\n");
	else
	{
		html_table_begin(out, NULL, "The latest versions, the last one first", columns,
						 lengthof(columns));
		for (int k = report->versions - 1; k >= 0; k--)
			put_version(out, &report->version[k], &report->version[k] == report->active);
		html_table_end(out, false);
	}
	html_put(out, "<details><summary>Its queries</summary>\n");
	put_query(out, "source", model->source);
	put_query(out, "items", model->items);
	put_query(out, "users", model->users);
	html_put(out, "</details>\n</section>\n");
}
