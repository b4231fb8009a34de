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

#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#endif

#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "datatype/timestamp.h"
#include "executor/executor.h"
#include "nodes/plannodes.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "parser/parse_type.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc_tables.h"
#include "utils/regproc.h"
#include "utils/rel.h"

/* before 18 the attribute had another name and another place */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/*
 * From 17 on utils/pg_locale.h wants the headers of ICU, which the server's
 * own -dev package does not bring along.
 */
extern PGDLLIMPORT char *locale_monetary;

/*
 * The variable of a setting whose value is a string, or one of an int or a
 * bool; 'name' as the server writes it.  All are NULL where there is none of
 * that name, or one that nothing has defined.  Some variables have no name of
 * their own, or one in a header that cannot be had.
 */
typedef struct StashCompatSetting
{
	char	  **text;
	int		   *number;
	bool	   *truth;
} StashCompatSetting;

static inline StashCompatSetting
stash_compat_setting(const char *name)
{
	StashCompatSetting found = {0};
	struct config_generic *setting = NULL;
#if PG_VERSION_NUM >= 160000

	setting = find_option(name, false, true, 0);
#else
	struct config_generic **settings = get_guc_variables();

	for (int i = 0; i < GetNumConfigOptions() && setting == NULL; i++)
	{
		if (strcmp(settings[i]->name, name) == 0)
			setting = settings[i];
	}
#endif
	if (setting == NULL || (setting->flags & GUC_CUSTOM_PLACEHOLDER) != 0)
		return found;
#if PG_VERSION_NUM >= 190000
	if (setting->vartype == PGC_STRING)
		found.text = setting->_string.variable;
	else if (setting->vartype == PGC_BOOL)
		found.truth = setting->_bool.variable;
	else if (setting->vartype == PGC_INT)
		found.number = setting->_int.variable;
	else if (setting->vartype == PGC_ENUM)
		found.number = setting->_enum.variable;
#else
	if (setting->vartype == PGC_STRING)
		found.text = ((struct config_string *) setting)->variable;
	else if (setting->vartype == PGC_BOOL)
		found.truth = ((struct config_bool *) setting)->variable;
	else if (setting->vartype == PGC_INT)
		found.number = ((struct config_int *) setting)->variable;
	else if (setting->vartype == PGC_ENUM)
		found.number = ((struct config_enum *) setting)->variable;
#endif
	return found;
}

/* from 19 on they cannot be switched off */
#if PG_VERSION_NUM >= 190000
#define stash_compat_conforming_strings() true
#else
#define stash_compat_conforming_strings() standard_conforming_strings
#endif

/* the search_path as it is found, without making a schema for temporary tables */
#if PG_VERSION_NUM >= 170000
#define StashCompatPath SearchPathMatcher
#define stash_compat_path() GetSearchPathMatcher(CurrentMemoryContext)
#else
#define StashCompatPath OverrideSearchPath
#define stash_compat_path() GetOverrideSearchPath(CurrentMemoryContext)
#endif

/* 18 shares its cache of compiled functions with SQL's */
#if PG_VERSION_NUM >= 180000
#define stash_compat_plpgsql_xmin(function) ((function)->cfunc.fn_xmin)
#define stash_compat_plpgsql_tid(function) ((function)->cfunc.fn_tid)
#define stash_compat_plpgsql_uses(function) ((function)->cfunc.use_count)
#else
#define stash_compat_plpgsql_xmin(function) ((function)->fn_xmin)
#define stash_compat_plpgsql_tid(function) ((function)->fn_tid)
#define stash_compat_plpgsql_uses(function) ((function)->use_count)
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
#define stash_compat_type_ownercheck(oid, role) \
	object_ownercheck(TypeRelationId, oid, role)
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
#define stash_compat_type_ownercheck(oid, role) \
	pg_type_ownercheck(oid, role)
#define stash_compat_class_ownercheck(oid, role) \
	pg_class_ownercheck(oid, role)
#define stash_compat_namespace_aclcheck(oid, role, mode) \
	pg_namespace_aclcheck(oid, role, mode)
#define stash_compat_name_list(string) stringToQualifiedNameList(string)
#define stash_compat_parse_type(string, oid, typmod) \
	parseTypeString(string, oid, typmod, false)
#endif

/*
 * Minor releases of late 2026 note in a row value with which version of its
 * type it was made, and refuse to take it apart after a change.
 */
#ifdef HEAP_IS_DATUM
#define stash_compat_check_row(header, desc) \
	(HeapTupleHeaderIsVersionedDatum(header) ? \
	 heap_datum_check(header, desc) : (void) 0)
#else
#define stash_compat_check_row(header, desc) ((void) 0)
#endif

/* the name changed with 16 */
#if PG_VERSION_NUM >= 160000
#define stash_compat_materialize(fcinfo) InitMaterializedSRF(fcinfo, 0)
#define stash_compat_materialize_expected(fcinfo) \
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC)
#else
#define stash_compat_materialize(fcinfo) SetSingleFuncCall(fcinfo, 0)
#define stash_compat_materialize_expected(fcinfo) \
	SetSingleFuncCall(fcinfo, SRF_SINGLE_USE_EXPECTED)
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

/* 19 made flags of the boolean arguments, and added some */
#if PG_VERSION_NUM >= 190000
#define stash_compat_beginscan_tidrange(rel, snapshot, first, last) \
	table_beginscan_tidrange(rel, snapshot, first, last, SO_NONE)
#define stash_compat_tuple_delete(rel, tid, cid, snapshot, failure) \
	table_tuple_delete(rel, tid, cid, 0, snapshot, InvalidSnapshot, false, failure)
#else
#define stash_compat_beginscan_tidrange(rel, snapshot, first, last) \
	table_beginscan_tidrange(rel, snapshot, first, last)
#define stash_compat_tuple_delete(rel, tid, cid, snapshot, failure) \
	table_tuple_delete(rel, tid, cid, snapshot, InvalidSnapshot, false, failure, false)
#endif

/* the number of this session's transaction */
#if PG_VERSION_NUM >= 170000
#define stash_compat_local_xid()	(MyProc->vxid.lxid)
#else
#define stash_compat_local_xid()	(MyProc->lxid)
#endif

/* segments of shared memory with names came with 17; 19 hands an argument on */
#if PG_VERSION_NUM >= 170000
#define STASH_COMPAT_HAS_SEGMENTS
#endif
#if PG_VERSION_NUM >= 190000
static inline void
stash_compat_init_segment(void *address, void *init)
{
	((void (*) (void *)) init) (address);
}

#define stash_compat_segment(name, size, init, found) \
	GetNamedDSMSegment(name, size, stash_compat_init_segment, found, (void *) (init))
#elif PG_VERSION_NUM >= 170000
#define stash_compat_segment(name, size, init, found) \
	GetNamedDSMSegment(name, size, init, found)
#endif

/* kinds of locks that have a name; from 19 on that is shared, too */
#if PG_VERSION_NUM >= 190000
#define stash_compat_new_tranche(name) LWLockNewTrancheId(name)
#define stash_compat_register_tranche(tranche, name) ((void) (tranche))
#else
#define stash_compat_new_tranche(name) LWLockNewTrancheId()
#define stash_compat_register_tranche(tranche, name) \
	LWLockRegisterTranche(tranche, name)
#endif

/* whether 'buffer' still holds this block of a table: then it is pinned */
#if PG_VERSION_NUM >= 160000
#define stash_compat_read_recent_buffer(rel, block, buffer) \
	ReadRecentBuffer((rel)->rd_locator, MAIN_FORKNUM, block, buffer)
#else
#define stash_compat_read_recent_buffer(rel, block, buffer) \
	ReadRecentBuffer((rel)->rd_node, MAIN_FORKNUM, block, buffer)
#endif

/* the snapshot of TOAST tables; 'space' is a SnapshotData where it needs one */
#if PG_VERSION_NUM >= 180000
#define stash_compat_toast_snapshot(space) ((void) (space), get_toast_snapshot())
#else
#define stash_compat_toast_snapshot(space) (init_toast_snapshot(space), (space))
#endif

#if PG_VERSION_NUM >= 190000
#define stash_compat_plan_query(query, string, options, params) \
	pg_plan_query(query, string, options, params, NULL)
#else
#define stash_compat_plan_query(query, string, options, params) \
	pg_plan_query(query, string, options, params)
#endif

/* what a planner is told of EXPLAIN came with 19 */
#if PG_VERSION_NUM >= 190000
#define STASH_COMPAT_EXPLAIN_PARAM , struct ExplainState *explain
#define STASH_COMPAT_EXPLAIN_ARG , explain
#else
#define STASH_COMPAT_EXPLAIN_PARAM
#define STASH_COMPAT_EXPLAIN_ARG
#endif

/* before 17 who has the hook has to do all the work */
#if PG_VERSION_NUM >= 170000
#define stash_compat_explain_query standard_ExplainOneQuery
#else
static inline void
stash_compat_explain_query(Query *query, int options, IntoClause *into,
						   ExplainState *es, const char *string,
						   ParamListInfo params, QueryEnvironment *environment)
{
	BufferUsage before = pgBufferUsage;
	BufferUsage buffers = {0};
	instr_time	start;
	instr_time	planning;
	PlannedStmt *plan;

	INSTR_TIME_SET_CURRENT(start);
	plan = pg_plan_query(query, string, options, params);
	INSTR_TIME_SET_CURRENT(planning);
	INSTR_TIME_SUBTRACT(planning, start);
	BufferUsageAccumDiff(&buffers, &pgBufferUsage, &before);
	ExplainOnePlan(plan, into, es, string, params, environment, &planning,
				   es->buffers ? &buffers : NULL);
}
#endif

/* a role that may not log in any more could still be asked to before 17 */
#ifdef BGWORKER_BYPASS_ROLELOGINCHECK
#define stash_compat_connect_as(database, role) \
	BackgroundWorkerInitializeConnectionByOid(database, role, \
											  BGWORKER_BYPASS_ALLOWCONN | BGWORKER_BYPASS_ROLELOGINCHECK)
#else
#define stash_compat_connect_as(database, role) \
	BackgroundWorkerInitializeConnectionByOid(database, role, \
											  BGWORKER_BYPASS_ALLOWCONN)
#endif

/*
 * Run until the receiver stops it.  Not 'once': may be called again to go on,
 * and uses no workers, which could not wait in between.
 */
#if PG_VERSION_NUM >= 180000
#define stash_compat_executor_run(desc, once) \
	ExecutorRun(desc, ForwardScanDirection, 0)
#else
#define stash_compat_executor_run(desc, once) \
	ExecutorRun(desc, ForwardScanDirection, 0, once)
#endif

/* infinite intervals came with 17 */
#ifdef INTERVAL_NOT_FINITE
#define stash_compat_interval_is_infinite(span) INTERVAL_NOT_FINITE(span)
#else
#define stash_compat_interval_is_infinite(span) ((void) (span), false)
#endif

/* the server has a COPY ... TO with FORMAT json of its own from 19 on */
#if PG_VERSION_NUM >= 190000
#define stash_compat_has_copy_json() true
#else
#define stash_compat_has_copy_json() false
#endif

/* virtual generated columns, which no scan returns, came with 18 */
#if PG_VERSION_NUM >= 180000
#define stash_compat_has_virtual(desc) \
	((desc)->constr != NULL && (desc)->constr->has_generated_virtual)
#else
#define stash_compat_has_virtual(desc) false
#endif

/* options came with 19; before 16 an update needed all indexes or none */
#if PG_VERSION_NUM >= 190000
#define stash_compat_tuple_update_cid(cid) (cid), 0
#else
#define stash_compat_tuple_update_cid(cid) (cid)
#endif
#if PG_VERSION_NUM >= 160000
#define StashCompatIndexes TU_UpdateIndexes
#define stash_compat_needs_index(indexes) ((indexes) == TU_All)
#else
#define StashCompatIndexes bool
#define stash_compat_needs_index(indexes) (indexes)
#endif

/* 19 may look into the visibility map for it; 'map' is released by the caller */
#if PG_VERSION_NUM >= 190000
#define stash_compat_prune_page(rel, buffer, map) \
	heap_page_prune_opt(rel, buffer, map, false)
#else
#define stash_compat_prune_page(rel, buffer, map) \
	((void) (map), heap_page_prune_opt(rel, buffer))
#endif

/*
 * Update a row, and wait for who else does so; '*wants_index' tells whether the
 * new version needs a place of its own in the btree indexes.
 */
static inline TM_Result
stash_compat_tuple_update(Relation rel, ItemPointer tid, TupleTableSlot *slot,
						  CommandId cid, Snapshot snapshot, bool *wants_index)
{
	TM_FailureData failure;
	LockTupleMode mode;
	StashCompatIndexes indexes;
	TM_Result	result = table_tuple_update(rel, tid, slot,
											stash_compat_tuple_update_cid(cid),
											snapshot, InvalidSnapshot, true,
											&failure, &mode, &indexes);

	*wants_index = stash_compat_needs_index(indexes);
	return result;
}

/*
 * The same of a table that is a heap, with a row that is made already, and
 * without waiting.
 */
static inline TM_Result
stash_compat_heap_update(Relation rel, ItemPointer tid, HeapTuple row,
						 CommandId cid, bool *wants_index)
{
	TM_FailureData failure;
	LockTupleMode mode;
	TM_Result	result;
#if PG_VERSION_NUM >= 160000
	StashCompatIndexes indexes;

	result = heap_update(rel, tid, row, stash_compat_tuple_update_cid(cid),
						 InvalidSnapshot, false, &failure, &mode, &indexes);
	*wants_index = stash_compat_needs_index(indexes);
#else
	result = heap_update(rel, tid, row, cid, InvalidSnapshot, false, &failure,
						 &mode);
	*wants_index = !HeapTupleIsHeapOnly(row);
#endif
	return result;
}

/* the roles for which rights to relations are checked; 0: who runs the plan */
static inline List *
stash_compat_plan_roles(const PlannedStmt *plan)
{
	List	   *roles = NIL;
	ListCell   *cell;

#if PG_VERSION_NUM >= 160000
	foreach(cell, plan->permInfos)
		roles = list_append_unique_oid(roles, lfirst_node(RTEPermissionInfo, cell)->checkAsUser);
#else
	foreach(cell, plan->rtable)
		roles = list_append_unique_oid(roles, lfirst_node(RangeTblEntry, cell)->checkAsUser);
#endif
	return roles;
}

/*
 * Throw unless the current user may read all columns of a relation, as the
 * executor would for a whole-row reference, hook included.
 */
static inline void
stash_compat_check_select(Relation rel)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	Bitmapset  *columns = bms_make_singleton(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber);
#if PG_VERSION_NUM >= 160000
	List	   *permissions = NIL;
	RTEPermissionInfo *permission;
#endif

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(rel);
	rte->relkind = rel->rd_rel->relkind;
	rte->rellockmode = AccessShareLock;
#if PG_VERSION_NUM >= 160000
	permission = addRTEPermissionInfo(&permissions, rte);
	permission->requiredPerms = ACL_SELECT;
	permission->selectedCols = columns;
	ExecCheckPermissions(list_make1(rte), permissions, true);
#else
	rte->requiredPerms = ACL_SELECT;
	rte->selectedCols = columns;
	ExecCheckRTPerms(list_make1(rte), true);
#endif
}

#endif							/* STASH_COMPAT_H */
