/*
 * calls.c
 *	  Arguments of functions, and receivers of a query's rows.
 */
#include "pg/pg.h"

#include "utils/builtins.h"

void
reco_require_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
}

char *
reco_text_of(FunctionCallInfo fcinfo, int number, const char *name)
{
	reco_require_argument(fcinfo, number, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

char *
reco_text_or_null(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

static void
nothing(DestReceiver *receiver)
{
}

void
reco_receiver_init(DestReceiver *receiver, void (*startup)(DestReceiver *, int, TupleDesc),
				   bool (*receive)(TupleTableSlot *, DestReceiver *))
{
	receiver->rStartup = startup;
	receiver->receiveSlot = receive;
	receiver->rShutdown = nothing;
	receiver->rDestroy = nothing;
	receiver->mydest = DestNone;
}
