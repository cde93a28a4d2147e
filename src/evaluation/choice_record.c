/*
 * choice_record.c
 *	  What versions record of a search: what was tried, what it came to, and what was taken.
 *
 * Cost: none to speak of.
 */
#include "evaluation/choice_search.h"

#include "pg/json.h"

#include <math.h>

static char *
record_tried(const RecoSearch *search)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, search->tried)
	{
		const RecoTried *tried = lfirst(cell);
		StringInfoData one;

		initStringInfo(&one);
		reco_json_add_text(&one, "algorithm", tried->call);
		reco_json_add_number(&one, "value", tried->own.value);
		reco_json_add_number(&one, "error", tried->own.error);
		reco_json_add_number(&one, "gain", tried->gain.value);
		reco_json_add_number(&one, "gain_error", tried->gain.error);
		reco_json_add_number(&one, "seconds", round(tried->seconds * 1000) / 1000);
		reco_json_add_text(&one, "message", tried->message);
		appendStringInfo(&text, "%s%s", cell == list_head(search->tried) ? "" : ", ",
						 reco_json_end(&one));
	}
	return psprintf("[%s]", text.data);
}

void
reco_search_record(const RecoSearch *search, const RecoSpec *chosen, StringInfo choices)
{
	StringInfoData text;

	initStringInfo(&text);
	reco_json_add_text(&text, "metric", reco_metric_text(&search->metric));
	reco_json_add_text(&text, "split", search->e.split ? reco_split_name(search->e.split) : NULL);
	reco_json_add_number(&text, "users", search->e.measured);
	reco_json_add_text(&text, "chosen", reco_spec_call(chosen));
	reco_json_add_text(&text, "why", search->why);
	reco_json_add(&text, "tried", record_tried(search));
	appendStringInfo(choices, "%s%s", choices->len > 0 ? ", " : "[", reco_json_end(&text));
}
