/*
 * compat.h
 *	  PostgreSQL 14 to 18 under one set of names.
 *
 * The only file with conditions on the server's version.
 */
#ifndef RECO_PG_COMPAT_H
#define RECO_PG_COMPAT_H

/* Everything is hidden but what SQL calls; before version 16 the server's own
 * macro is empty. */
#ifndef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "parser/analyze.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#if PG_VERSION_NUM < 140000
#error "reco needs PostgreSQL 14 or later"
#endif

#if PG_VERSION_NUM >= 180000
#include "commands/explain_state.h"
#endif

/* Spelled otherwise from version 18 on. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

#include "fmgr.h"

/* Declares a function that SQL calls. */
#define RECO_FUNCTION(name)                                                                        \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                               \
	PG_FUNCTION_INFO_V1(name)

/* A node with a type of its own that comes with version 17, as a case of a switch. */
#if PG_VERSION_NUM < 170000
#define RECO_JSON_EXPR_CASE
#else
#define RECO_JSON_EXPR_CASE case T_JsonExpr:
#endif

/* An expression over what is grouped, without the range table entry that 18 puts between. */
#if PG_VERSION_NUM < 180000
#define reco_without_groups(query, node) (node)
#else
#include "optimizer/optimizer.h"
#define reco_without_groups(query, node)                                                           \
	((query)->hasGroupRTE ? flatten_group_exprs(NULL, (Query *) (query), node) : (node))
#endif

/* Intervals that never end come with version 17. */
#ifndef INTERVAL_NOT_FINITE
#define INTERVAL_NOT_FINITE(interval) false
#endif

#ifndef strtoi64
#define strtoi64(text, end, base) ((int64) strtoll(text, end, base))
#endif

/* Views ask for the rights of whoever reads them, where there is such a thing. */
#if PG_VERSION_NUM < 150000
#define RECO_VIEW_OPTIONS ""
#else
#define RECO_VIEW_OPTIONS "WITH (security_invoker = true)"
#endif

#if PG_VERSION_NUM < 160000
#define reco_schema_owned(oid, role) pg_namespace_ownercheck(oid, role)
#define reco_table_owned(oid, role) pg_class_ownercheck(oid, role)
#else
#define reco_schema_owned(oid, role) object_ownercheck(NamespaceRelationId, oid, role)
#define reco_table_owned(oid, role) object_ownercheck(RelationRelationId, oid, role)
#endif

#if PG_VERSION_NUM < 160000
#define reco_function_aclcheck(oid, role, mode) pg_proc_aclcheck(oid, role, mode)
#define reco_schema_aclcheck(oid, role, mode) pg_namespace_aclcheck(oid, role, mode)
#define reco_database_aclcheck(oid, role, mode) pg_database_aclcheck(oid, role, mode)
#else
#define reco_function_aclcheck(oid, role, mode)                                                    \
	object_aclcheck(ProcedureRelationId, oid, role, mode)
#define reco_database_aclcheck(oid, role, mode) object_aclcheck(DatabaseRelationId, oid, role, mode)
#define reco_schema_aclcheck(oid, role, mode) object_aclcheck(NamespaceRelationId, oid, role, mode)
#endif

#if PG_VERSION_NUM < 160000
#define reco_insert_index_tuples(relinfo, slot, estate)                                            \
	ExecInsertIndexTuples(relinfo, slot, estate, false, false, NULL, NIL)
#else
#define reco_insert_index_tuples(relinfo, slot, estate)                                            \
	ExecInsertIndexTuples(relinfo, slot, estate, false, false, NULL, NIL, false)
#endif

#if PG_VERSION_NUM < 160000
#define reco_name_list(text) stringToQualifiedNameList(text)
#else
#define reco_name_list(text) stringToQualifiedNameList(text, NULL)
#endif

#if PG_VERSION_NUM < 150000
#define reco_parse_analyze(statement, text) parse_analyze(statement, text, NULL, 0, NULL)
#else
#define reco_parse_analyze(statement, text)                                                        \
	parse_analyze_fixedparams(statement, text, NULL, 0, NULL)
#endif

#if PG_VERSION_NUM < 180000
#define reco_index_beginscan(table, index, snapshot, keys)                                         \
	index_beginscan(table, index, snapshot, keys, 0)
#else
#define reco_index_beginscan(table, index, snapshot, keys)                                         \
	index_beginscan(table, index, snapshot, NULL, keys, 0)
#endif

#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

#endif /* RECO_PG_COMPAT_H */
