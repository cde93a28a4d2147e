/*
 * fault.c
 *	  Faults made on purpose, for tests.
 */
#define RECO_FAULT_C
#include "pg/compat.h"
#include "pg/fault.h"

#ifdef RECO_FAULTS

int reco_fault_at;
int reco_polls;
int reco_fault_entries;
int reco_fault_ids;

void
reco_faults_init(void)
{
	DefineCustomIntVariable(
		"reco.fault_at", "Sets the interrupt check or allocation that fails; 0 for none.", NULL,
		&reco_fault_at, 0, 0, PG_INT32_MAX, PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomIntVariable("reco.polls", "Counts interrupt checks.", NULL, &reco_polls, 0, 0,
							PG_INT32_MAX, PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomIntVariable("reco.fault_entries",
							"Sets how many interactions or terms a stored value may hold; 0 for "
							"those that fit.",
							NULL, &reco_fault_entries, 0, 0, PG_INT32_MAX, PGC_SUSET,
							GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"reco.fault_ids",
		"Sets how many ids, sessions and the like are numbered; 0 for those that fit.", NULL,
		&reco_fault_ids, 0, 0, PG_INT32_MAX, PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
}

void
reco_fault_poll(void)
{
	ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("injected fault")));
}

void
reco_fault_alloc(void)
{
	ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("injected fault")));
}

#endif
