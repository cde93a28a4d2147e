/*
 * transaction.c
 *	  Procedures that commit on the way.
 */
#include "pg/transaction.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"

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
