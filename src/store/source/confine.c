/*
 * confine.c
 *	  What a query of an owner's could find in the session of whoever calls.
 *
 * The text of a query names everything by its schema, but a function that it calls looks
 * its own names up when it runs.  pg_temp cannot be taken out of a search_path: a name
 * that is found nowhere else, or under a SET search_path that does not put pg_temp last,
 * is that of a temporary view of the caller's, which would run as the owner.  A function
 * that is compiled once a session keeps the types that it found then: those of a caller who
 * called it before.
 *
 * Not seen from here: what such functions call in turn.
 */
#include "store/source/confine.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static bool find_code(Node *node, void *context);
static bool code_of_function(Oid function, void *context);

static void
code_of_aggregate(Oid aggregate, RecoCode *code)
{
	HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Form_pg_aggregate form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	(void) code_of_function(form->aggtransfn, code);
	(void) code_of_function(form->aggfinalfn, code);
	(void) code_of_function(form->aggcombinefn, code);
	(void) code_of_function(form->aggserialfn, code);
	(void) code_of_function(form->aggdeserialfn, code);
	(void) code_of_function(form->aggmtransfn, code);
	(void) code_of_function(form->aggminvtransfn, code);
	(void) code_of_function(form->aggmfinalfn, code);
	ReleaseSysCache(tuple);
}

/* Whether a function has a search_path of its own. */
static bool
has_path(HeapTuple tuple)
{
	bool isnull;
	Datum value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	Datum *setting;
	int n;

	if (isnull)
		return false;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &setting, NULL,
					  &n);
	for (int i = 0; i < n; i++)
		if (strncmp(TextDatumGetCString(setting[i]), "search_path=", 12) == 0)
			return true;
	return false;
}

static bool
code_of_function(Oid function, void *context)
{
	RecoCode *code = context;
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	/* these run a query that they are given */
	if (function == F_QUERY_TO_XML || function == F_QUERY_TO_XML_AND_XMLSCHEMA ||
		function == F_QUERY_TO_XMLSCHEMA || function == F_TS_STAT_TEXT ||
		function == F_TS_STAT_TEXT_TEXT || function == F_TS_REWRITE_TSQUERY_TEXT)
		code->any = true;
	else if (form->pronamespace == PG_CATALOG_NAMESPACE)
		/* PostgreSQL's own */;
	else if (form->prokind == PROKIND_AGGREGATE)
		code_of_aggregate(function, code);
	else if (form->prolang != INTERNALlanguageId && form->prolang != ClanguageId)
	{
		code->any = true;
		/* what is compiled once a session keeps the names that it found then */
		if (form->prolang != SQLlanguageId && !has_path(tuple))
			code->unset = function;
	}
	ReleaseSysCache(tuple);
	return false;
}

/*
 * By the catalog: the type cache would plan the checks, which calls what is immutable in
 * them as whoever is asking.
 */
static void
code_of_domain(Oid domain, RecoCode *code)
{
	Relation constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(domain));
	scan = systable_beginscan(constraints, ConstraintTypidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;
		Datum check =
			heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(constraints), &isnull);

		if (!isnull)
			(void) find_code(stringToNode(TextDatumGetCString(check)), code);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
}

/* What is called where a value of a type is made: the checks of domains in it. */
static void
code_of_type(Oid type, RecoCode *code)
{
	TupleDesc columns;

	check_stack_depth();
	reco_poll();
	if (type < FirstNormalObjectId)
		return;
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			code_of_domain(type, code);
			code_of_type(getBaseType(type), code);
			break;
		case TYPTYPE_COMPOSITE:
			columns = lookup_rowtype_tupdesc_copy(type, -1);
			for (int c = 0; c < columns->natts; c++)
				if (!TupleDescAttr(columns, c)->attisdropped)
					code_of_type(TupleDescAttr(columns, c)->atttypid, code);
			break;
		case TYPTYPE_RANGE:
			code_of_type(get_range_subtype(type), code);
			break;
		case TYPTYPE_MULTIRANGE:
			code_of_type(get_multirange_range(type), code);
			break;
		default:
			if (OidIsValid(get_element_type(type)))
				code_of_type(get_element_type(type), code);
			break;
	}
}

static bool
find_code(Node *node, void *context)
{
	ListCell *cell;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_code, context, 0);
	switch (nodeTag(node))
	{
		case T_RangeTblFunction:
			foreach (cell, ((RangeTblFunction *) node)->funccoltypes)
				code_of_type(lfirst_oid(cell), context);
			break;
		case T_TableFunc:
			foreach (cell, ((TableFunc *) node)->coltypes)
				code_of_type(lfirst_oid(cell), context);
			break;
			RECO_JSON_EXPR_CASE
		/* such as jsonb_populate_record(), and casts from text */
		case T_FuncExpr:
		case T_OpExpr:
		case T_CoerceViaIO:
		case T_CoerceToDomain:
			code_of_type(exprType(node), context);
			break;
		default:
			break;
	}
	(void) check_functions_in_node(node, code_of_function, context);
	return expression_tree_walker(node, find_code, context);
}

void
reco_code_add_function(RecoCode *code, Oid function)
{
	(void) code_of_function(function, code);
}

static void
code_in(int cache, HeapTuple tuple, AttrNumber attribute, RecoCode *code)
{
	bool isnull;
	Datum stored = SysCacheGetAttr(cache, tuple, attribute, &isnull);

	if (!isnull)
		(void) find_code(stringToNode(TextDatumGetCString(stored)), code);
}

static void
code_by_key(int cache, Oid key, AttrNumber attribute, AttrNumber also, RecoCode *code)
{
	HeapTuple tuple = SearchSysCache1(cache, ObjectIdGetDatum(key));

	if (!HeapTupleIsValid(tuple))
		return;
	code_in(cache, tuple, attribute, code);
	if (also != InvalidAttrNumber)
		code_in(cache, tuple, also, code);
	ReleaseSysCache(tuple);
}

void
reco_code_add_table(RecoCode *code, Oid table)
{
	Relation heap = relation_open(table, AccessShareLock);
	const TupleConstr *constraints = RelationGetDescr(heap)->constr;
	ListCell *cell;

	if (heap->rd_rel->relhasindex)
		foreach (cell, RelationGetIndexList(heap))
			code_by_key(INDEXRELID, lfirst_oid(cell), Anum_pg_index_indexprs, Anum_pg_index_indpred,
						code);
	foreach (cell, RelationGetStatExtList(heap))
		code_by_key(STATEXTOID, lfirst_oid(cell), Anum_pg_statistic_ext_stxexprs, InvalidAttrNumber,
					code);
	if (heap->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		code_by_key(PARTRELID, table, Anum_pg_partitioned_table_partexprs, InvalidAttrNumber, code);
	for (int c = 0; constraints && c < constraints->num_check; c++)
		if (constraints->check[c].ccbin)
			(void) find_code(stringToNode(constraints->check[c].ccbin), code);
	relation_close(heap, NoLock);
}

RecoCode
reco_code_of_type(Oid type)
{
	RecoCode code = {false, InvalidOid};

	code_of_type(type, &code);
	return code;
}

RecoCode
reco_code_of(Query *query)
{
	RecoCode code = {false, InvalidOid};

	(void) find_code((Node *) query, &code);
	return code;
}

/* Whether this session has a temporary schema with anything in it. */
static bool
has_temporary_objects(void)
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

bool
reco_is_owners_session(Oid owner, Oid caller)
{
	return has_privs_of_role(caller, owner) && has_privs_of_role(GetSessionUserId(), owner);
}

void
reco_confine(const char *what, const RecoCode *code, Oid owner, Oid caller)
{
	if (!code->any || reco_is_owners_session(owner, caller))
		return;
	if (OidIsValid(code->unset))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s calls function %s, which has no search_path of its own", what,
						format_procedure(code->unset)),
				 errdetail("In a session of another role it could find what that role made."),
				 errhint("ALTER FUNCTION ... SET search_path = ..., pg_temp.")));
	if (has_temporary_objects())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s calls functions, which is not done in a session of another role that "
						"has temporary objects",
						what),
				 errdetail("They could take a temporary object for one of the owner's."),
				 errhint("DISCARD TEMP removes the temporary objects of a session.")));
}
