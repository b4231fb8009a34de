/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  What differs between the supported server versions, 15 to 19.
 *
 * The only file in which PG_VERSION_NUM may appear.  Needs postgres.h first.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_COMPAT_H
#define STASH_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "pg_hashstash needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "access/genam.h"
#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/regproc.h"

/* before 18 the attribute had another name and another place */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/* 19 wants a hand-made descriptor to be finished before use */
#if PG_VERSION_NUM < 190000
#define TupleDescFinalize(desc) ((void) (desc))
#endif

/* one check per kind of object became one for all in 16 */
#if PG_VERSION_NUM >= 160000
#define stash_compat_proc_aclcheck(oid, role, mode) \
	object_aclcheck(ProcedureRelationId, oid, role, mode)
#define stash_compat_proc_ownercheck(oid, role) \
	object_ownercheck(ProcedureRelationId, oid, role)
#define stash_compat_class_ownercheck(oid, role) \
	object_ownercheck(RelationRelationId, oid, role)
#define stash_compat_namespace_aclcheck(oid, role, mode) \
	object_aclcheck(NamespaceRelationId, oid, role, mode)
#define stash_compat_name_list(string) stringToQualifiedNameList(string, NULL)
#define stash_compat_parse_type(string, oid, typmod) \
	((void) parseTypeString(string, oid, typmod, NULL))
#else
#define stash_compat_proc_aclcheck(oid, role, mode) \
	pg_proc_aclcheck(oid, role, mode)
#define stash_compat_proc_ownercheck(oid, role) \
	pg_proc_ownercheck(oid, role)
#define stash_compat_class_ownercheck(oid, role) \
	pg_class_ownercheck(oid, role)
#define stash_compat_namespace_aclcheck(oid, role, mode) \
	pg_namespace_aclcheck(oid, role, mode)
#define stash_compat_name_list(string) stringToQualifiedNameList(string)
#define stash_compat_parse_type(string, oid, typmod) \
	parseTypeString(string, oid, typmod, false)
#endif

/* the name changed with 16 */
#if PG_VERSION_NUM >= 160000
#define stash_compat_materialize(fcinfo) InitMaterializedSRF(fcinfo, 0)
#else
#define stash_compat_materialize(fcinfo) SetSingleFuncCall(fcinfo, 0)
#endif

/* soft errors came with 16 */
#if PG_VERSION_NUM >= 160000
#define stash_compat_make_range(cache, lower, upper, empty) \
	make_range(cache, lower, upper, empty, NULL)
#else
#define stash_compat_make_range(cache, lower, upper, empty) \
	make_range(cache, lower, upper, empty)
#endif

#if PG_VERSION_NUM >= 190000
#define stash_compat_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0, 0)
#elif PG_VERSION_NUM >= 180000
#define stash_compat_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define stash_compat_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#endif

#endif							/* STASH_COMPAT_H */
