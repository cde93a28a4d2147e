/*
 * env.c
 *	  A kernel's surroundings inside a backend: memory and interrupts.
 *
 * Memory comes from one context, counted against reco.max_memory before it is
 * taken: an answer over the limit is an error with the number and the setting,
 * never the kernel's OOM killer.  Each block carries its size in front, so that
 * releasing it gives the budget back.
 */
#include "pg/pg.h"

#include "core/base/team.h"
#include "miscadmin.h"
#include "utils/memutils.h"

typedef struct BlockHead
{
	void *chunk; /* as palloc gave it */
	size_t bytes;
} BlockHead;

/* Where others fill the context as well, what it holds is what counts. */
static void
look_at_context(RecoBudget *budget)
{
	if (budget->held)
		budget->used = MemoryContextMemAllocated(budget->context, true);
}

static void *
env_alloc(void *arg, size_t bytes)
{
	RecoBudget *budget = arg;
	size_t total = bytes + RECO_ALIGN + sizeof(BlockHead);
	char *chunk;
	char *memory;

	if (RECO_FAULT_NOW())
		return NULL;
	look_at_context(budget);
	if (total < bytes || total > budget->limit - Min(budget->used, budget->limit))
	{
		budget->refused = total < bytes ? SIZE_MAX : budget->used + total;
		return NULL;
	}
	chunk = MemoryContextAllocExtended(budget->context, total, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	if (chunk == NULL)
		return NULL;
	memory = (char *) TYPEALIGN(RECO_ALIGN, chunk + sizeof(BlockHead));
	((BlockHead *) memory)[-1] = (BlockHead){chunk, total};
	budget->used += total;
	budget->peak = Max(budget->peak, budget->used);
	return memory;
}

static void
env_release(void *arg, void *memory)
{
	RecoBudget *budget = arg;
	BlockHead *head = (BlockHead *) memory - 1;

	budget->used -= Min(head->bytes, budget->used);
	pfree(head->chunk);
}

static bool
env_poll(void *arg)
{
	reco_poll();
	return false;
}

/* Any thread: reads the flags that the main thread's signal handlers set. */
static bool
env_stopping(void *arg)
{
	return QueryCancelPending || ProcDiePending;
}

/* Any thread: whatever is asked of this process, the main thread sees to it at its poll. */
static bool
env_due(void *arg)
{
	return InterruptPending;
}

static bool
never_stopping(void *arg)
{
	return false;
}

const reco_env reco_poll_env = {
	.poll = env_poll,
	.stopping = never_stopping,
	.threads = 1,
};

void
reco_budget_init(RecoBudget *budget, MemoryContext context)
{
	memset(budget, 0, sizeof(*budget));
	budget->context = context;
	budget->limit = reco_max_memory();
	budget->env.alloc = env_alloc;
	budget->env.release = env_release;
	budget->env.poll = env_poll;
	budget->env.stopping = env_stopping;
	budget->env.due = env_due;
	budget->env.threads = 1;
	budget->env.arg = budget;
}

void
reco_budget_threads(RecoBudget *budget)
{
	int wanted = reco_threads();

	budget->env.threads = reco_team_start(wanted);
	if (budget->env.threads < wanted)
		ereport(WARNING,
				(errmsg("only %d of %d threads could be started", budget->env.threads, wanted),
				 errdetail("The system allows the server no more processes or no more memory."),
				 errhint("Raise its limits (TasksMax of the service, ulimit -u), or lower "
						 "\"reco.threads\".")));
}

/* Which setting is in the way: where it is the ceiling, only a superuser may raise it. */
static const char *
setting_to_raise(void)
{
	return reco_max_memory() < reco_max_memory_limit()
			   ? "Raise \"reco.max_memory\""
			   : "Have a superuser raise \"reco.max_memory_limit\", and raise \"reco.max_memory\"";
}

static pg_attribute_noreturn() void refuse(size_t bytes, const char *what, const char *advice)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("%s needs an estimated %zu kB of memory, more than \"reco.max_memory\" allows",
					what, bytes / 1024 + 1),
			 errdetail("The limit is %zu kB.", reco_max_memory() / 1024),
			 errhint("%s, or %s.", setting_to_raise(), advice)));
}

void
reco_budget_require(RecoBudget *budget, size_t bytes, const char *what)
{
	look_at_context(budget);
	if (bytes > budget->limit - Min(budget->used, budget->limit))
		refuse(budget->used + bytes, what, "train on fewer rows or items, or with fewer factors");
}

void
reco_context_require(Size held, Size bytes, const char *what, const char *advice)
{
	Size limit = reco_max_memory();

	if (bytes > limit - Min(held, limit))
		refuse(held + bytes, what, advice);
}

void *
reco_serving_alloc(MemoryContext context, Size count, Size size)
{
	Size bytes = Max(count, 1) * size;

	reco_context_require(MemoryContextMemAllocated(context, true), bytes, "serving",
						 "ask for fewer rows");
	return MemoryContextAllocExtended(context, bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

void *
reco_call_alloc(Size count, Size size)
{
	return reco_serving_alloc(CurrentMemoryContext, count, size);
}

void
reco_call_budget(RecoBudget *budget)
{
	reco_budget_init(budget, CurrentMemoryContext);
	budget->held = true;
}

void
reco_call_check(RecoBudget *budget, reco_status status)
{
	if (status == RECO_NO_MEMORY && budget->refused > 0)
		refuse(budget->refused, "serving", "ask for fewer rows");
	reco_budget_check(budget, status, "the model");
}

void *
reco_budget_alloc(RecoBudget *budget, size_t bytes)
{
	void *memory = env_alloc(budget, bytes);

	if (memory == NULL)
		reco_budget_check(budget, RECO_NO_MEMORY, "the model");
	return memory;
}

void
reco_budget_free(RecoBudget *budget, void *memory)
{
	if (memory != NULL)
		env_release(budget, memory);
}

void
reco_budget_check(RecoBudget *budget, reco_status status, const char *what)
{
	switch (status)
	{
		case RECO_OK:
			return;
		case RECO_NO_MEMORY:
			if (budget->refused > 0)
				refuse(budget->refused, what, "train on fewer rows or items, or with fewer factors");
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
							errdetail("%s holds %zu MB.", what, budget->used / (1024 * 1024))));
			break;
		case RECO_STOPPED:
			reco_poll();
			ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
							errmsg("canceling statement due to user request")));
			break;
		case RECO_SINGULAR:
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("%s has no finite solution", what),
							errhint("Raise the algorithm's regularization.")));
			break;
		case RECO_INVALID:
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s was given a parameter that is out of range", what)));
			break;
	}
}
