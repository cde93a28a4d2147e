/*
 * pg.h
 *	  What every file outside the kernels shares: settings, errors and the
 *	  kernels' surroundings inside a backend.
 */
#ifndef RECO_PG_PG_H
#define RECO_PG_PG_H

#include "pg/compat.h"
#include "core/base/env.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/memutils.h"
#include "pg/fault.h"

/*
 * The one way to look for what is asked of this process: to end, to cancel, or to take
 * note of what others did.  Does not return when the query is to end.
 */
static inline void
reco_poll(void)
{
	RECO_FAULT_POLL();
	CHECK_FOR_INTERRUPTS();
}

/* In a loop: polls every `each` rounds, a power of two. */
#define RECO_POLL_EACH(i, each)                                                                    \
	do                                                                                             \
	{                                                                                              \
		if (((i) & ((each) -1)) == 0)                                                              \
			reco_poll();                                                                           \
	} while (0)

/* Over many cheap things; over searches, conversions and the like. */
#define RECO_POLL_AT(i) RECO_POLL_EACH(i, 1048576)
#define RECO_SEARCHES 16384

/* As memcpy, of any length. */
static inline void
reco_copy(void *to, const void *from, Size bytes)
{
	while (bytes > 0)
	{
		Size piece = bytes < 8 * 1024 * 1024 ? bytes : 8 * 1024 * 1024;

		memcpy(to, from, piece);
		to = (char *) to + piece;
		from = (const char *) from + piece;
		bytes -= piece;
		reco_poll();
	}
}

/* An error where an argument is null; name: as messages have it (calls.c). */
extern void reco_require_argument(FunctionCallInfo fcinfo, int number, const char *name);
extern char *reco_text_of(FunctionCallInfo fcinfo, int number, const char *name);
/* One that may be null. */
extern char *reco_text_or_null(FunctionCallInfo fcinfo, int number);

/* Makes a receiver of rows; startup is told their columns, each time. */
extern void reco_receiver_init(DestReceiver *receiver,
							   void (*startup)(DestReceiver *, int, TupleDesc),
							   bool (*receive)(TupleTableSlot *, DestReceiver *));

/* Settings (settings.c). */
extern void reco_settings_init(void);
extern int reco_threads_setting;
extern int reco_max_memory_setting;

extern int reco_threads(void);
extern size_t reco_max_memory(void);
/* What only a superuser may raise that above. */
extern size_t reco_max_memory_limit(void);

/* The memory of the machine, or of the control group that this process is in (machine.c). */
extern size_t reco_machine_memory(void);

/* version.c: the version of the extension in this database, palloc'd; NULL: there is none. */
extern char *reco_installed_version(void);

/* An error when the library is of another version than the extension in this database. */
extern void reco_check_version(void);

/*
 * Memory that is counted against a limit before it is taken.  Everything comes
 * from one memory context, so that an error frees it.
 */
typedef struct RecoBudget
{
	reco_env env;
	MemoryContext context;
	size_t limit;
	size_t used;
	size_t peak;
	size_t refused; /* what would have been held when the limit was met, else 0 */
	bool held;      /* used is all that the context and its children hold, whoever took it */
} RecoBudget;

/* The surroundings of a kernel that allocates nothing: interrupts only. */
extern const reco_env reco_poll_env;

extern void reco_budget_init(RecoBudget *budget, MemoryContext context);
/*
 * Before a training or another long computation: as many threads as reco.threads says and
 * the system allows, with a WARNING when those are fewer.  Without it there is one.
 */
extern void reco_budget_threads(RecoBudget *budget);
/*
 * Zeroed memory for a call that serves, in its memory context: at least one element, and an
 * error when it holds more than reco.max_memory with it.
 */
extern void *reco_call_alloc(Size count, Size size);
/* The same in another memory context. */
extern void *reco_serving_alloc(MemoryContext context, Size count, Size size);
/* For a kernel that such a call runs: memory is counted, and refused, in the same way. */
extern void reco_call_budget(RecoBudget *budget);
extern void reco_call_check(RecoBudget *budget, reco_status status);
extern void *reco_budget_alloc(RecoBudget *budget, size_t bytes);
extern void reco_budget_free(RecoBudget *budget, void *memory);
/* Error when `bytes` more would pass the limit; what: "training", "reading the source". */
extern void reco_budget_require(RecoBudget *budget, size_t bytes, const char *what);
/*
 * Error when so many bytes more than what is held would pass the limit; advice: what else can
 * be done than to raise it, "ask for fewer rows".
 */
extern void reco_context_require(Size held, Size bytes, const char *what, const char *advice);
/* Raises the error that a kernel reported; returns when there is none. */
extern void reco_budget_check(RecoBudget *budget, reco_status status, const char *what);

#endif /* RECO_PG_PG_H */
