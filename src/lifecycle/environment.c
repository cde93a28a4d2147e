/*
 * environment.c
 *	  reco.environment(): what this session computes with.
 *
 * Settings of 0 stand for what the machine allows; here is what that comes to, and
 * which libraries and instructions are used: what a report of a fault should hold.
 */
#include "pg/rows.h"

#include "catalog/pg_type.h"
#include "core/base/dispatch.h"
#include "core/linear/selftest.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include <unistd.h>

RECO_FUNCTION(reco_environment);

static void
add(RecoRows *rows, const char *name, const char *value)
{
	Datum values[2] = {CStringGetTextDatum(name), value ? CStringGetTextDatum(value) : (Datum) 0};
	bool nulls[2] = {false, value == NULL};

	reco_rows_add(rows, values, nulls);
}

static char *
pretty(size_t bytes)
{
	return TextDatumGetCString(DirectFunctionCall1(pg_size_pretty, Int64GetDatum((int64) bytes)));
}

Datum
reco_environment(PG_FUNCTION_ARGS)
{
	RecoRows rows = reco_rows_begin(fcinfo, (Oid[]){TEXTOID, TEXTOID}, 2);

	add(&rows, "library version", RECO_VERSION);
	add(&rows, "extension version", reco_installed_version());
	add(&rows, "memory", pretty(reco_machine_memory()));
	add(&rows, "memory of a training", pretty(reco_max_memory()));
	add(&rows, "processors", psprintf("%ld", Max(sysconf(_SC_NPROCESSORS_ONLN), 1)));
	add(&rows, "threads of a training", psprintf("%d", reco_threads()));
	add(&rows, "instruction set", reco_kernels_best()->name);
	add(&rows, "linear algebra", reco_linear_algebra());
	return (Datum) 0;
}
