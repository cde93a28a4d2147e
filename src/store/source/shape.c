/*
 * shape.c
 *	  Whether a source's first column can be that of its users.
 *
 * Columns are taken by position, so a table whose first column is a key of its own is
 * read with a user for each row, and nothing tells.  What can be told from the catalogs:
 * where every row of the source is a row of one table, and its first column is unique
 * there by itself, nobody would have two items.
 *
 * Cost: a look at the indexes of one table.
 */
#include "store/source/shape.h"

#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

/*
 * Follows the first column of a query to the table whose rows are its rows, each at most
 * once; false where there is none.
 */
static bool
column_of_rows(const Query *query, Oid *table, AttrNumber *column)
{
	AttrNumber number = 1;

	for (;;)
	{
		TargetEntry *target = get_tle_by_resno(query->targetList, number);
		RangeTblEntry *entry;
		Node *expression;
		Var *var;
		Node *from;

		if (query->setOperations || query->hasTargetSRFs || query->groupingSets || target == NULL ||
			list_length(query->jointree->fromlist) != 1)
			return false;
		expression = reco_without_groups(query, (Node *) target->expr);
		if (!IsA(expression, Var))
			return false;
		var = (Var *) expression;
		from = linitial(query->jointree->fromlist);
		if (!IsA(from, RangeTblRef) || var->varlevelsup > 0 || var->varattno <= 0 ||
			var->varno != ((RangeTblRef *) from)->rtindex)
			return false;
		entry = rt_fetch(var->varno, query->rtable);
		number = var->varattno;
		if (entry->rtekind == RTE_SUBQUERY)
			query = entry->subquery;
		else if (entry->rtekind == RTE_RELATION)
		{
			*table = entry->relid;
			*column = number;
			return entry->relkind == RELKIND_PARTITIONED_TABLE || !entry->inh ||
				   !has_subclass(entry->relid);
		}
		else
			return false;
	}
}

/* Whether an index says that a column is unique by itself. */
static bool
is_unique_on(Oid index, AttrNumber column)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	bool unique;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	unique = form->indisunique && form->indisvalid && form->indnkeyatts == 1 &&
			 form->indkey.values[0] == column && heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return unique;
}

static bool
is_unique(Oid table, AttrNumber column)
{
	Relation relation = table_open(table, AccessShareLock);
	List *indexes = RelationGetIndexList(relation);
	ListCell *cell;
	bool unique = false;

	foreach (cell, indexes)
		unique = unique || is_unique_on(lfirst_oid(cell), column);
	list_free(indexes);
	table_close(relation, AccessShareLock);
	return unique;
}

void
reco_shape_check(const Query *query)
{
	Oid table;
	AttrNumber column;

	if (column_of_rows(query, &table, &column) && is_unique(table, column))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table \"%s\" cannot be that of the users, for it is "
						"unique there",
						get_attname(table, column, false), get_rel_name(table)),
				 errdetail("Every user would have one item."),
				 errhint("The source's columns are taken by their places: user, item [, value [, "
						 "time]]. Name them in a SELECT.")));
}
