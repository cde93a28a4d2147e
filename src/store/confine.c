/*
 * confine.c
 *	  What a query of an owner's could find in the session of whoever calls.
 *
 * The text of a query names everything by its schema, but a function that it calls looks
 * its own names up when it runs.  pg_temp cannot be taken out of a search_path: a name
 * that is found nowhere else, or under a SET search_path that does not put pg_temp last,
 * is that of a temporary view of the caller's, which would run as the owner.
 */
#include "store/confine.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static bool
is_code(Oid function, void *context)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool code;

	/* these run a query that they are given */
	if (function == F_QUERY_TO_XML || function == F_QUERY_TO_XML_AND_XMLSCHEMA ||
		function == F_QUERY_TO_XMLSCHEMA || function == F_TS_STAT_TEXT ||
		function == F_TS_STAT_TEXT_TEXT || function == F_TS_REWRITE_TSQUERY_TEXT)
		code = true;
	else
	{
		form = HeapTupleIsValid(tuple) ? (Form_pg_proc) GETSTRUCT(tuple) : NULL;
		code = form == NULL ||
			   (form->pronamespace != PG_CATALOG_NAMESPACE &&
				(form->prokind == PROKIND_AGGREGATE ||
				 (form->prolang != INTERNALlanguageId && form->prolang != ClanguageId)));
	}
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return code;
}

static bool
runs_code(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, runs_code, context, 0);
	if (IsA(node, CoerceToDomain) && DomainHasConstraints(((CoerceToDomain *) node)->resulttype))
		return true;
	return check_functions_in_node(node, is_code, context) ||
		   expression_tree_walker(node, runs_code, context);
}

bool
reco_runs_code(Query *query)
{
	return runs_code((Node *) query, NULL);
}

bool
reco_has_temporary_objects(void)
{
	Oid schema = LookupNamespaceNoError("pg_temp");
	Relation depend;
	SysScanDesc scan;
	ScanKeyData key[2];
	bool found;

	if (!OidIsValid(schema))
		return false;
	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return found;
}
