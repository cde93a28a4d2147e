/*
 * campaigns.c
 *	  reco.allocate(), a window function: which users a campaign is to reach.
 *
 * Each row of the partition is a candidate.  The first call reads them all, numbers users and
 * campaigns in the order of their ids, and solves the problem (core/allocation/allocate.h); the
 * answer, a bit for each row, is kept for the calls of the other rows.
 *
 * Cost: that of the kernel.  Memory: 24 bytes a row while it is solved, counted against
 * reco.max_memory, beside the kernel's and the server's own copy of the partition, which goes to
 * disk where it is larger than work_mem.
 */
#include "pg/pg.h"
#include "store/ids/ident.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "core/allocation/allocate.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "windowapi.h"

#include <math.h>

RECO_FUNCTION(reco_allocate_users);

typedef enum Argument
{
	USER,
	CAMPAIGN,
	VALUE,
	BUDGET
} Argument;

typedef struct Answer
{
	bool known;
	uint8 chosen[FLEXIBLE_ARRAY_MEMBER]; /* a bit for each row of the partition */
} Answer;

typedef struct Rows
{
	WindowObject window;
	RecoBudget budget;
	IdType type[2]; /* of users, of campaigns */
	IdDict *ids[2];
	int64 n;
	int32 *number[2]; /* by row */
	double *value;
	bool numeric;                             /* values are */
	int64 limit[RECO_ALLOCATE_MAX_CAMPAIGNS]; /* by campaign */
} Rows;

/* Where a budget is NULL: as many users as there are. */
#define NO_LIMIT PG_INT64_MAX

static void
check(Rows *rows, reco_status status)
{
	if (status == RECO_NO_MEMORY)
		reco_context_require(0, rows->budget.refused, "the allocation", "give fewer candidates");
	reco_budget_check(&rows->budget, status, "the allocation");
}

static void *
take(Rows *rows, Size bytes)
{
	void *memory = rows->budget.env.alloc(rows->budget.env.arg, Max(bytes, 1));

	if (!memory)
		check(rows, RECO_NO_MEMORY);
	return memory;
}

static Datum
argument(Rows *rows, Argument which, int64 row, bool *isnull)
{
	bool outside;

	return WinGetFuncArgInPartition(rows->window, which, (int) row, WINDOW_SEEK_HEAD, false, isnull,
									&outside);
}

static void
find_type(FunctionCallInfo fcinfo, Rows *rows, Argument which, const char *role)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, which);
	Oid collation = PG_GET_COLLATION();

	if (!OidIsValid(type) ||
		!id_type_find(&rows->type[which], type, -1,
					  OidIsValid(collation) ? collation : DEFAULT_COLLATION_OID))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("type %s cannot identify %ss",
							   OidIsValid(type) ? format_type_be(type) : "unknown", role),
						errhint("Ids may be integers, numeric, uuid, text, date and the like.")));
	rows->ids[which] = id_dict_create(CurrentMemoryContext, &rows->type[which]);
}

static void
note_budget(Rows *rows, int32 campaign, bool is_new, int64 row)
{
	bool isnull;
	int64 budget = DatumGetInt64(argument(rows, BUDGET, row, &isnull));
	/* not as the row has it, which the budget's look at the row may have moved */
	Datum id = id_dict_id(rows->ids[CAMPAIGN], campaign);

	if (isnull)
		budget = NO_LIMIT;
	if (budget < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("budget of campaign %s must not be negative: " INT64_FORMAT,
							   id_to_message(&rows->type[CAMPAIGN], id), budget),
						errhint("A budget is how many users a campaign may reach.")));
	if (is_new)
		rows->limit[campaign] = budget;
	else if (rows->limit[campaign] != budget)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("campaign %s has more than one budget",
						id_to_message(&rows->type[CAMPAIGN], id)),
				 errhint("All rows of a campaign must have the same budget, how many users it may "
						 "reach; NULL is no limit.")));
}

/* What a candidate is worth; one that lacks anything is worth nothing. */
static double
value_of(Rows *rows, int64 row)
{
	bool isnull;
	Datum given = argument(rows, VALUE, row, &isnull);
	double value;

	if (isnull)
		return 0;
	value = DatumGetFloat8(rows->numeric ? DirectFunctionCall1(numeric_float8_no_overflow, given)
										 : given);
	if (!isfinite(value))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("value of a candidate is not finite"),
						errhint("Leave such rows out of the query, or use NULL.")));
	return value;
}

static void
read_row(Rows *rows, int64 row)
{
	bool no_user, no_campaign;
	int32 campaigns = id_dict_count(rows->ids[CAMPAIGN]);
	int32 campaign;
	Datum id = argument(rows, CAMPAIGN, row, &no_campaign);

	rows->number[USER][row] = 0;
	rows->number[CAMPAIGN][row] = 0;
	rows->value[row] = 0;
	if (no_campaign)
		return;
	campaign = id_dict_add(rows->ids[CAMPAIGN], id);
	if (campaign >= RECO_ALLOCATE_MAX_CAMPAIGNS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many campaigns: the most are %d", RECO_ALLOCATE_MAX_CAMPAIGNS),
				 errhint("Check the order of the arguments: user, campaign, value, budget.")));
	note_budget(rows, campaign, campaign == campaigns, row);
	rows->number[CAMPAIGN][row] = campaign;
	id = argument(rows, USER, row, &no_user);
	if (no_user)
		return;
	rows->number[USER][row] = id_dict_add(rows->ids[USER], id);
	rows->value[row] = value_of(rows, row);
}

/* Numbers in the order of the ids. */
static void
renumber(Rows *rows, Argument which)
{
	int32 n = id_dict_count(rows->ids[which]);
	int32 *rank = take(rows, Max(n, 1) * sizeof(int32));

	if (n > 0)
		id_dict_sort(rows->ids[which], rank);
	for (int64 r = 0; r < rows->n && n > 0; r++)
	{
		RECO_POLL_AT(r);
		rows->number[which][r] = rank[rows->number[which][r]];
	}
	if (which == CAMPAIGN)
	{
		int64 *limit = palloc(sizeof(rows->limit));

		memcpy(limit, rows->limit, sizeof(rows->limit));
		for (int32 k = 0; k < n; k++)
			rows->limit[rank[k]] = limit[k];
	}
	reco_budget_free(&rows->budget, rank);
}

static void
solve(Rows *rows, Answer *answer)
{
	reco_candidates candidates = {
		.n = rows->n,
		.user = rows->number[USER],
		.campaign = rows->number[CAMPAIGN],
		.value = rows->value,
		.users = id_dict_count(rows->ids[USER]),
		.campaigns = id_dict_count(rows->ids[CAMPAIGN]),
		.budget = rows->limit,
	};
	int64 *chosen;

	if (candidates.users == 0)
		return;
	chosen = take(rows, (Size) candidates.users * sizeof(int64));
	reco_budget_check(&rows->budget, reco_allocate(&rows->budget.env, &candidates, chosen, NULL),
					  "the allocation");
	for (int32 u = 0; u < candidates.users; u++)
	{
		RECO_POLL_AT(u);
		if (chosen[u] >= 0)
			answer->chosen[chosen[u] / 8] |= 1 << (chosen[u] % 8);
	}
}

static void
answer_all(FunctionCallInfo fcinfo, WindowObject window, int64 n, Answer *answer)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "reco allocation", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Rows *rows = palloc0(sizeof(Rows));

	if (n > RECO_FAULT_IDS(PG_INT32_MAX))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many candidates: the most are %d", RECO_FAULT_IDS(PG_INT32_MAX)),
						errhint("Give each user their best campaigns only.")));
	reco_call_budget(&rows->budget);
	rows->window = window;
	rows->n = n;
	rows->numeric = get_fn_expr_argtype(fcinfo->flinfo, VALUE) == NUMERICOID;
	find_type(fcinfo, rows, USER, "user");
	find_type(fcinfo, rows, CAMPAIGN, "campaign");
	rows->number[USER] = take(rows, n * sizeof(int32));
	rows->number[CAMPAIGN] = take(rows, n * sizeof(int32));
	rows->value = take(rows, n * sizeof(double));
	for (int64 r = 0; r < n; r++)
	{
		/* a look at a row may be one at a disk */
		RECO_POLL_EACH(r, 256);
		read_row(rows, r);
	}
	renumber(rows, USER);
	renumber(rows, CAMPAIGN);
	solve(rows, answer);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	answer->known = true;
}

Datum
reco_allocate_users(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	int64 rows;
	int64 row;
	Answer *answer;

	if (!WindowObjectIsValid(window))
		elog(ERROR, "reco.allocate is a window function");
	rows = WinGetPartitionRowCount(window);
	answer = WinGetPartitionLocalMemory(window, offsetof(Answer, chosen) + (rows + 7) / 8);
	if (!answer->known)
		answer_all(fcinfo, window, rows, answer);
	row = WinGetCurrentPosition(window);
	PG_RETURN_BOOL((answer->chosen[row / 8] >> (row % 8)) & 1);
}
