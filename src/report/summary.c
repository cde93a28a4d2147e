/*
 * summary.c
 *	  reco.summary(): a model in a few rows of text with bars, to be looked at again and again.
 *
 * Rows (topic, name, value, bar): the training that runs, the version that serves, what each
 * version was worth, whether what it says comes true, and the loss.  It reads rows of versions
 * only, and runs nothing that is stored.
 *
 * Cost: the rows of the latest versions.
 */
#include "report/report.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "pg/rows.h"
#include "store/tables/lock.h"
#include "store/tables/progress.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include <math.h>

RECO_FUNCTION(reco_summary);

#define BAR_WIDTH 24
#define MOST_VERSIONS 8
#define MOST_LOSSES 10

/* A bar of a share of its width, in eighths of a character where the encoding has such. */
static char *
bar(double share)
{
	StringInfoData out;
	int eighths;

	initStringInfo(&out);
	if (!isfinite(share))
		return out.data;
	eighths = (int) rint(Min(Max(share, 0), 1) * BAR_WIDTH * 8);
	if (GetDatabaseEncoding() != PG_UTF8)
	{
		for (int k = 0; k < (eighths + 4) / 8; k++)
			appendStringInfoChar(&out, '#');
		return out.data;
	}
	for (; eighths >= 8; eighths -= 8)
		appendStringInfoString(&out, "\xe2\x96\x88");
	if (eighths > 0)
		appendStringInfo(&out, "\xe2\x96%c", 0x90 - eighths);
	return out.data;
}

static void
tell(RecoRows *rows, const char *topic, const char *name, const char *value, const char *drawn)
{
	Datum values[4] = {CStringGetTextDatum(topic), CStringGetTextDatum(name),
					   CStringGetTextDatum(value), CStringGetTextDatum(drawn ? drawn : "")};
	bool nulls[4] = {false, false, false, drawn == NULL};

	reco_rows_add(rows, values, nulls);
}

/* The training that runs, as reco.progress has it. */
static void
tell_progress(RecoRows *rows, const ModelRow *model)
{
	RecoProgress p;
	TimestampTz now = GetCurrentTimestamp();
	double elapsed;
	double in_phase;
	double left;
	const char *name;

	if (!reco_training_runs(model->schema) || !reco_progress_read(model->schema, &p))
		return;
	elapsed = Max((double) (now - p.started_at) / USECS_PER_SEC, 0);
	in_phase = Max((double) (now - p.phase_started_at) / USECS_PER_SEC, 0);
	name = psprintf("version %d", p.version);
	tell(rows, "training", p.version > 0 ? name : "version",
		 psprintf("%s, for %s", p.phase, html_seconds(elapsed)), NULL);
	if (p.rows > 0)
		tell(rows, "training", "rows", html_count(p.rows), NULL);
	if (p.iterations <= 0)
		return;
	name = psprintf("iteration %d of %d", p.iteration, p.iterations);
	left = in_phase * (p.iterations - p.iteration) / Max(p.iteration, 1);
	tell(rows, "training", name, p.iteration > 0 ? psprintf("%s left", html_seconds(left)) : "",
		 bar((double) p.iteration / p.iterations));
	if (!isnan(p.loss))
		tell(rows, "training", "loss", html_figure(p.loss, 5), NULL);
}

static void
tell_model(RecoRows *rows, const Report *report)
{
	const ReportVersion *v = report->active;
	const char *name;

	tell(rows, "model", report->request.row.name,
		 v == NULL      ? "no version serves yet: CALL reco.refresh() trains one"
		 : v->algorithm ? v->algorithm
						: "",
		 NULL);
	if (v == NULL)
		return;
	name = psprintf("version %d", v->version);
	tell(rows, "model", name, psprintf("of %s", html_time_text(v->finished_at, true)), NULL);
	tell(rows, "model", "users", html_count(v->users), NULL);
	tell(rows, "model", "items", html_count(v->items), NULL);
	tell(rows, "model", "interactions", html_count(v->interactions), NULL);
}

/* The versions that were measured by what the one that serves was, beside its baseline. */
static void
tell_worth(RecoRows *rows, const Report *report)
{
	const ReportWorth *worth = report->active ? &report->active->worth : NULL;
	double most = 0;
	int skip = 0;

	if (worth == NULL || worth->metric == NULL)
		return;
	for (int k = 0; k < report->versions; k++)
	{
		const ReportWorth *one = &report->version[k].worth;

		if (one->metric == NULL || strcmp(one->metric, worth->metric) != 0)
			continue;
		most = Max(most, one->value);
		skip++;
	}
	if (isfinite(worth->baseline_value))
		most = Max(most, worth->baseline_value);
	skip -= MOST_VERSIONS;
	for (int k = 0; k < report->versions; k++)
	{
		const ReportWorth *one = &report->version[k].worth;

		if (one->metric == NULL || strcmp(one->metric, worth->metric) != 0 || skip-- > 0)
			continue;
		tell(rows, worth->metric, psprintf("version %d", report->version[k].version),
			 html_figure(one->value, 4), bar(most > 0 ? one->value / most : 0));
	}
	if (worth->baseline && isfinite(worth->baseline_value))
		tell(rows, worth->metric, worth->baseline, html_figure(worth->baseline_value, 4),
			 bar(most > 0 ? worth->baseline_value / most : 0));
}

/* Whether what it says comes true, by how much was said. */
static void
tell_calibration(RecoRows *rows, const Report *report)
{
	ReportCalibration c = report_calibration(report->active ? report->active->calibration : NULL);
	double most = 0;

	for (int k = 0; k < c.bins; k++)
		most = Max(most, c.bin[k].seen);
	for (int k = 0; k < c.bins; k++)
		tell(rows, c.of_values ? "predicted" : "found",
			 psprintf("%s %s", c.of_values ? "value" : "score", html_figure(c.bin[k].said, 4)),
			 c.of_values ? html_figure(c.bin[k].seen, 4) : html_percent(c.bin[k].seen),
			 bar(most > 0 ? c.bin[k].seen / most : 0));
}

/* The objective from iteration to iteration: bars of what is above its least, and a bit. */
static void
tell_loss(RecoRows *rows, const Report *report)
{
	const ReportVersion *v = report->active;
	double low = INFINITY;
	double high = -INFINITY;
	int each;

	if (v == NULL || v->losses == 0)
		return;
	for (int k = 0; k < v->losses; k++)
	{
		RECO_POLL_AT(k);
		low = Min(low, v->loss[k]);
		high = Max(high, v->loss[k]);
	}
	each = (v->losses - 1) / (MOST_LOSSES - 1) + 1;
	for (int k = 0; k < v->losses; k += each)
	{
		int at = k + each >= v->losses ? v->losses - 1 : k;
		double part = high > low ? (v->loss[at] - low) / (high - low) : 0;

		tell(rows, "loss", psprintf("iteration %d", at + 1), html_figure(v->loss[at], 5),
			 bar(0.04 + 0.96 * part));
	}
}

static void
tell_last(RecoRows *rows, const Report *report)
{
	const ReportVersion *last =
		report->versions > 0 ? &report->version[report->versions - 1] : NULL;

	const char *name;

	if (last == NULL || last == report->active)
		return;
	name = psprintf("version %d", last->version);
	tell(rows, "last", name,
		 last->message ? psprintf("%s: %s", last->status, last->message) : last->status, NULL);
}

Datum
reco_summary(PG_FUNCTION_ARGS)
{
	Report report = {.context = CurrentMemoryContext};
	RecoRows rows;

	report_open(&report, text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	rows = reco_rows_begin(fcinfo, (Oid[]){TEXTOID, TEXTOID, TEXTOID, TEXTOID}, 4);
	tell_model(&rows, &report);
	tell_progress(&rows, &report.request.row);
	tell_last(&rows, &report);
	tell_worth(&rows, &report);
	tell_calibration(&rows, &report);
	tell_loss(&rows, &report);
	return (Datum) 0;
}
