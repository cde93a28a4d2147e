/*
 * origin.c
 *	  The tables that the users of a source come from.
 *
 * Where each row of a source is made of one row of a table, and has that row's user, whoever
 * changes rows of the table changes what those users have, and nobody else.  So it is of a table,
 * of a view or a query of one, grouped by the user or not, and of a UNION of such; not of a join,
 * whose rows come and go with those of a table that tells no user, and not where a row of one user
 * decides on those of others, as with DISTINCT ON or a window function.  What a condition asks
 * other tables is passed over.
 *
 * Cost: a walk over the query, and for each table one over the catalogs.
 */
#include "store/source/origin.h"

#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* Subqueries in one another that are followed. */
#define MOST_LEVELS 32

bool
reco_first_column(Query *query, RecoOrigin *origin)
{
	AttrNumber number = 1;

	for (;;)
	{
		TargetEntry *target = get_tle_by_resno(query->targetList, number);
		RangeTblEntry *entry;
		Var *var;

		if (query->setOperations || target == NULL)
			return false;
		var = (Var *) reco_without_groups(query, (Node *) target->expr);
		if (!IsA(var, Var) || var->varlevelsup > 0 || var->varattno <= 0)
			return false;
		entry = rt_fetch(var->varno, query->rtable);
		number = var->varattno;
		if (entry->rtekind == RTE_SUBQUERY)
			query = entry->subquery;
		else if (entry->rtekind == RTE_RELATION)
		{
			*origin = (RecoOrigin){entry->relid, number};
			return true;
		}
		else
			return false;
	}
}

typedef struct Walk
{
	List *origins;
	const char *why; /* not; NULL: nothing is in the way */
} Walk;

static void walk_query(Walk *walk, Query *query, AttrNumber number, int levels);

static void
add_table(Walk *walk, const RangeTblEntry *entry, AttrNumber number)
{
	RecoOrigin *origin;
	ListCell *cell;

	switch (entry->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			break;
		case RELKIND_FOREIGN_TABLE:
			walk->why = "reads a foreign table, whose rows others change";
			return;
		case RELKIND_MATVIEW:
			walk->why = "reads a materialized view, which has no triggers";
			return;
		default:
			walk->why = "reads what has no triggers";
			return;
	}
	if (get_rel_persistence(entry->relid) == RELPERSISTENCE_TEMP ||
		IsCatalogRelationOid(entry->relid))
	{
		walk->why = "reads a temporary table or one of the server's own";
		return;
	}
	foreach (cell, walk->origins)
	{
		origin = lfirst(cell);
		if (origin->table == entry->relid && origin->column != number)
			walk->why = "takes users from two columns of one table";
		if (origin->table == entry->relid)
			return;
	}
	origin = palloc(sizeof(RecoOrigin));
	*origin = (RecoOrigin){entry->relid, number};
	walk->origins = lappend(walk->origins, origin);
}

static void
walk_set(Walk *walk, Query *query, Node *node, AttrNumber number, int levels)
{
	if (IsA(node, SetOperationStmt))
	{
		walk_set(walk, query, ((SetOperationStmt *) node)->larg, number, levels);
		walk_set(walk, query, ((SetOperationStmt *) node)->rarg, number, levels);
	}
	else if (walk->why == NULL)
		walk_query(walk, rt_fetch(((RangeTblRef *) node)->rtindex, query->rtable)->subquery, number,
				   levels);
}

/* A query of WITH. */
static void
walk_with(Walk *walk, Query *query, const char *name, AttrNumber number, int levels)
{
	ListCell *cell;

	foreach (cell, query->cteList)
	{
		CommonTableExpr *with = lfirst_node(CommonTableExpr, cell);

		if (strcmp(with->ctename, name) != 0)
			continue;
		if (with->cterecursive)
			walk->why = "has a recursive query";
		else
			walk_query(walk, castNode(Query, with->ctequery), number, levels);
		return;
	}
}

/* What a query is made of, where it is one thing. */
static RangeTblEntry *
only_entry(const Query *query)
{
	Node *from;

	if (query->jointree == NULL || list_length(query->jointree->fromlist) != 1)
		return NULL;
	from = linitial(query->jointree->fromlist);
	return IsA(from, RangeTblRef) ? rt_fetch(((RangeTblRef *) from)->rtindex, query->rtable) : NULL;
}

/*
 * OFFSET 0, which keeps planners from looking inside, and LIMIT ALL leave nothing out.  What is
 * not written as a number is not made one here: its functions are of the query's owner, and this
 * runs as the caller.
 */
static bool
leaves_nothing_out(Node *node, bool is_offset)
{
	const Const *constant;

	if (node && IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == F_INT8_INT4)
		node = linitial(((FuncExpr *) node)->args);
	if (node == NULL)
		return true;
	constant = (Const *) node;
	if (!IsA(node, Const))
		return false;
	if (constant->constisnull)
		return true;
	return is_offset && (constant->consttype == INT4OID ? DatumGetInt32(constant->constvalue) == 0
														: DatumGetInt64(constant->constvalue) == 0);
}

/* Whether a user is one of the columns by which rows are put together. */
static bool
is_by_user(const TargetEntry *user, List *clauses, List *targets)
{
	ListCell *cell;

	foreach (cell, clauses)
		if (equal(get_sortgroupclause_expr(lfirst(cell), targets), user->expr))
			return true;
	return false;
}

/* Whether rows of one user decide on what rows of others are, or on whether they are there. */
static bool
mixes_users(const Query *query, const TargetEntry *user)
{
	ListCell *cell;

	if (query->hasDistinctOn && !is_by_user(user, query->distinctClause, query->targetList))
		return true;
	foreach (cell, query->windowClause)
		if (!is_by_user(user, lfirst_node(WindowClause, cell)->partitionClause, query->targetList))
			return true;
	return false;
}

static void
walk_query(Walk *walk, Query *query, AttrNumber number, int levels)
{
	TargetEntry *target = get_tle_by_resno(query->targetList, number);
	RangeTblEntry *entry = only_entry(query);
	Var *var;

	if (!leaves_nothing_out(query->limitOffset, true) ||
		!leaves_nothing_out(query->limitCount, false))
		walk->why = "has a LIMIT, so that the rows of some users decide on others";
	else if (levels == MOST_LEVELS)
		walk->why = "is made of too many queries in one another";
	else if (query->setOperations)
		walk_set(walk, query, query->setOperations, number, levels + 1);
	else if (entry == NULL)
		walk->why = "is a join, or reads no table: a row of one of its tables does not tell whose "
					"it is";
	if (walk->why || query->setOperations)
		return;
	var = target ? (Var *) reco_without_groups(query, (Node *) target->expr) : NULL;
	if (var == NULL || !IsA(var, Var) || var->varlevelsup > 0 || var->varattno <= 0)
		walk->why = "has an expression as the user, and no column of a table";
	else if (mixes_users(query, target))
		walk->why = "has DISTINCT ON or a window function, by which the rows of some users decide "
					"on others";
	else if (entry->tablesample)
		walk->why = "reads a sample of a table, which changes with where rows lie";
	else if (entry->rtekind == RTE_SUBQUERY)
		walk_query(walk, entry->subquery, var->varattno, levels + 1);
	else if (entry->rtekind == RTE_CTE && entry->ctelevelsup == 0)
		walk_with(walk, query, entry->ctename, var->varattno, levels + 1);
	else if (entry->rtekind == RTE_RELATION)
		add_table(walk, entry, var->varattno);
	else
		walk->why = "does not read a table";
}

/* A table with those whose rows are read with its own. */
static List *
with_children(const RecoOrigin *origin, List *all, const char **why)
{
	char *column = get_attname(origin->table, origin->column, false);
	List *tables = find_all_inheritors(origin->table, AccessShareLock, NULL);
	ListCell *cell;

	foreach (cell, tables)
	{
		RecoOrigin *child = palloc(sizeof(RecoOrigin));

		*child = (RecoOrigin){lfirst_oid(cell), get_attnum(lfirst_oid(cell), column),
							  lfirst_oid(cell) == origin->table ? list_length(tables) : 0};
		if (get_rel_relkind(child->table) == RELKIND_FOREIGN_TABLE)
			*why = "reads a foreign table, whose rows others change";
		if (child->column != InvalidAttrNumber)
			all = lappend(all, child);
	}
	return all;
}

static int
compare_origins(const ListCell *a, const ListCell *b)
{
	Oid x = ((const RecoOrigin *) lfirst(a))->table;
	Oid y = ((const RecoOrigin *) lfirst(b))->table;

	return (x > y) - (x < y);
}

List *
reco_origins(Query *query, const char **why)
{
	Walk walk = {NIL, NULL};
	List *all = NIL;
	List *each = NIL;
	ListCell *cell;

	walk_query(&walk, query, 1, 0);
	*why = walk.why;
	foreach (cell, walk.origins)
		if (*why == NULL)
			all = with_children(lfirst(cell), all, why);
	if (*why)
		return NIL;
	list_sort(all, compare_origins);
	foreach (cell, all)
		if (each == NIL ||
			((RecoOrigin *) llast(each))->table != ((RecoOrigin *) lfirst(cell))->table)
			each = lappend(each, lfirst(cell));
		else
			((RecoOrigin *) llast(each))->tables =
				Max(((RecoOrigin *) llast(each))->tables, ((RecoOrigin *) lfirst(cell))->tables);
	return each;
}
