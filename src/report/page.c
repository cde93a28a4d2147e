/*
 * page.c
 *	  reco.report(): a model as one page that needs nothing else.
 *
 * HTML that is well-formed XML: a document with its style and its pictures in it, without scripts.
 * The same model and data give the same page but for the time it was made.
 *
 * Cost: lists of REPORT_USERS users and histories of some thousands at most; of the items, of which
 * there may be any number, one pass.  The page has some hundred kilobytes at most.
 */
#include "report/report.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

RECO_FUNCTION(reco_report_page);

static void
put_top(Report *report)
{
	html_put(report->out,
			 "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\" "
			 "xml:lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
			 "content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"robots\" "
			 "content=\"noindex\"/>\n<title>%t: model report</title>\n<style>\n%m</style>\n"
			 "</head>\n<body>\n",
			 report->request.row.name, report_style);
}

static void
put_end(Report *report)
{
	html_put(report->out, "<footer><p>Made ");
	html_time(report->out, GetCurrentTimestamp());
	html_put(report->out,
			 " by <code>SELECT reco.report(&#39;%t&#39;)</code>.</p></footer>\n"
			 "</body>\n</html>\n",
			 report->request.row.name);
}

Datum
reco_report_page(PG_FUNCTION_ARGS)
{
	Report report = {.context = CurrentMemoryContext};
	StringInfoData out;

	initStringInfo(&out);
	report.out = &out;
	report_open(&report, text_to_cstring(PG_GETARG_TEXT_PP(0)), true);
	report_read_users(&report);
	report_place_items(&report);
	report_read_labels(&report);
	report_group_items(&report);
	put_top(&report);
	report_head(&report);
	html_put(&out, "<main>\n");
	report_section_worth(&report);
	report_section_users(&report);
	report_section_map(&report);
	report_section_catalog(&report);
	report_section_filters(&report);
	report_section_training(&report);
	report_section_versions(&report);
	html_put(&out, "</main>\n");
	put_end(&report);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
