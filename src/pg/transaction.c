/*
 * transaction.c
 *	  Procedures that commit on the way; work in subtransactions.
 */
#include "pg/transaction.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

bool
reco_is_atomic(FunctionCallInfo fcinfo)
{
	/* in a block with an exception handler a commit is not possible either */
	return !(fcinfo->context && IsA(fcinfo->context, CallContext) &&
			 !castNode(CallContext, fcinfo->context)->atomic) ||
		   IsSubTransaction();
}

void
reco_commit(void)
{
	SPI_commit();
	/* servers before 14.3 do not begin one by themselves */
	SPI_start_transaction();
}

static ErrorData *
try(void (*work)(void *arg), void *arg, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(arg);
		if (keep)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

ErrorData *
reco_try(void (*work)(void *arg), void *arg)
{
	return try(work, arg, true);
}

ErrorData *
reco_peek(void (*work)(void *arg), void *arg)
{
	return try(work, arg, false);
}
