/*-------------------------------------------------------------------------
 *
 * memo_note.c
 *	  What a trace notes of a target: reasons, roles, snapshots, functions,
 *	  relations, and what is known of plans.
 *
 * When and by whom it is told is memo_trace.c's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "memo.h"

/*
 * That something keeps the answer from being remembered, and what is to blame.
 */
void
stash_memo_note_reason(StashMemoTrace *trace, StashMemoReason reason, Oid culprit)
{
	if (trace->reasons & (UINT64CONST(1) << reason))
		return;
	trace->reasons |= UINT64CONST(1) << reason;
	trace->culprits[reason] = culprit;
}

/*
 * Add to one of a trace's lists what may be in it.
 */
void
stash_memo_note_oid(StashMemoTrace *trace, List **list, Oid oid)
{
	MemoryContext old = MemoryContextSwitchTo(trace->context);

	*list = list_append_unique_oid(*list, oid);
	MemoryContextSwitchTo(old);
}

static bool
has_met(List *sources, Oid oid)
{
	ListCell   *cell;

	foreach(cell, sources)
	{
		if (((StashMemoSource *) lfirst(cell))->oid == oid)
			return true;
	}
	return false;
}

/* what was known as 'digest' when it was met */
static void
add_source(StashMemoTrace *trace, List **sources, Oid oid, uint64 digest)
{
	MemoryContext old = MemoryContextSwitchTo(trace->context);
	StashMemoSource *source = palloc(sizeof(StashMemoSource));

	source->oid = oid;
	source->digest = digest;
	*sources = lappend(*sources, source);
	MemoryContextSwitchTo(old);
}

/* ---- roles ---- */

static void
note_role(StashMemoTrace *trace, Oid role)
{
	if (!has_met(trace->roles, role))
		add_source(trace, &trace->roles, role, stash_memo_role_digest(role));
}

/*
 * That rights of a role count, whoever calls; the caller is in the key, mostly.
 */
void
stash_memo_note_owner(StashMemoTrace *trace, Oid role)
{
	if (role != trace->caller || trace->is_shared)
		note_role(trace, role);
}

/*
 * That those of whoever runs something do; the caller's are in the key, or left
 * out.
 */
void
stash_memo_note_user(StashMemoTrace *trace, Oid role)
{
	if (role != trace->caller)
		note_role(trace, role);
}

/* ---- snapshots ---- */

/* that something is read which sees as much as 'snapshot', a copy */
static void
add_snapshot(StashMemoTrace *trace, const StashTrackSnapshot *snapshot)
{
	const StashTrackSnapshot *latest = trace->latest ? trace->latest : trace->snapshot;
	Size		size;

	/* without one nothing is kept */
	if (latest == NULL || stash_track_is_no_later(snapshot, latest))
		return;
	size = STASH_TRACK_SNAPSHOT_SIZE(snapshot->nxip);
	if (trace->latest != NULL)
		pfree(trace->latest);
	trace->latest = memcpy(MemoryContextAlloc(trace->context, size), snapshot,
						   size);
}

/*
 * Something is read with a snapshot, which sees more than that of the call
 * where a VOLATILE function reads.
 */
void
stash_memo_note_snapshot(StashMemoTrace *trace, Snapshot snapshot)
{
	StashTrackSnapshot *copy;
	uint32		running;

	if (snapshot == NULL || snapshot->snapshot_type != SNAPSHOT_MVCC)
		return;
	/* these tell snapshots apart: stash_track_moment() */
	running = snapshot->takenDuringRecovery ? snapshot->subxcnt : snapshot->xcnt;
	if (trace->noted_xmax == snapshot->xmax && trace->noted_running == running)
		return;
	trace->noted_xmax = snapshot->xmax;
	trace->noted_running = running;
	copy = stash_track_snapshot(snapshot);
	if (copy == NULL)
	{
		stash_memo_note_reason(trace, STASH_MEMO_NO_SNAPSHOT, InvalidOid);
		return;
	}
	add_snapshot(trace, copy);
	pfree(copy);
}

/* ---- functions ---- */

/*
 * A plan, or an expression, has a row type.  The server does not parse queries
 * anew that have it from a function, or from a cast, when it changes.
 */
static void
note_row(StashMemoTrace *trace, Oid relid)
{
	stash_memo_note_row(trace, relid);
	if (stash_memo_replan_is_news(stash_track_state(relid)->columns.newest))
		stash_memo_note_reason(trace, STASH_MEMO_OLD_PLANS, relid);
}

/*
 * That a function of users counts, though nothing of it but its row is looked at.
 */
void
stash_memo_note_dependency(StashMemoTrace *trace, Oid function)
{
	HeapTuple	tuple;
	List	   *returned;
	ListCell   *cell;

	if (list_member_oid(trace->functions, function))
		return;
	stash_memo_note_oid(trace, &trace->functions, function);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return;
	/* what an aggregate is made of is called in its owner's name */
	if (((Form_pg_proc) GETSTRUCT(tuple))->prosecdef ||
		((Form_pg_proc) GETSTRUCT(tuple))->prokind == PROKIND_AGGREGATE)
		stash_memo_note_owner(trace, ((Form_pg_proc) GETSTRUCT(tuple))->proowner);
	returned = stash_memo_plan_rows(((Form_pg_proc) GETSTRUCT(tuple))->prorettype);
	ReleaseSysCache(tuple);
	foreach(cell, returned)
		note_row(trace, lfirst_oid(cell));
}

/* JSON is made, of values of any type */
static void
note_json(StashMemoTrace *trace)
{
	const ListCell *cell;

	if (trace->makes_json)
		return;
	trace->makes_json = true;
	foreach(cell, stash_memo_json_casts())
		stash_memo_note_function(trace, lfirst_oid(cell));
}

/*
 * That a function runs, or may.
 */
void
stash_memo_note_function(StashMemoTrace *trace, Oid function)
{
	bool		is_users = function >= FirstNormalObjectId;
	StashMemoReason reason;

	stash_memo_ran_planned(function);
	/* such as row_to_json() call what casts and domains of users call */
	trace->runs_functions |= is_users || func_volatile(function) != PROVOLATILE_IMMUTABLE;
	if (is_users && list_member_oid(trace->ran, function))
		return;
	if (is_users)
	{
		stash_memo_note_oid(trace, &trace->ran, function);
		stash_memo_note_dependency(trace, function);
	}
	else if (stash_memo_makes_json(function))
		note_json(trace);
	reason = stash_memo_function_reason(function);
	if (reason != STASH_MEMO_FINE)
		stash_memo_note_reason(trace, reason, function);
}

/* ---- queries ---- */

/* what the body of a function in SQL names, which the plan need not have */
static void
note_body(StashMemoTrace *trace, Oid function)
{
	StashMemoMentions mentions = {0};
	ListCell   *cell;

	StashMemoPlan facts = {0};

	if (!stash_memo_mention_body(&mentions, function) || mentions.asks_session)
		stash_memo_note_reason(trace, STASH_MEMO_SESSION, function);
	foreach(cell, mentions.types)
		stash_memo_plan_type(&facts, lfirst_oid(cell));
	(void) stash_memo_note_known(trace, &facts);
	foreach(cell, mentions.functions)
		stash_memo_note_dependency(trace, lfirst_oid(cell));
	foreach(cell, mentions.relations)
		stash_memo_note_row(trace, lfirst_oid(cell));
}

/*
 * Functions whose bodies stand in a plan that has these items.
 */
void
stash_memo_note_inlined(StashMemoTrace *trace, List *items)
{
	bool		unsure;
	List	   *functions = stash_memo_ran_inlined(items, &unsure);
	MemoryContext context = NULL;
	ListCell   *cell;

	foreach(cell, functions)
	{
		if (!list_member_oid(trace->ran, lfirst_oid(cell)))
		{
			MemoryContext old = CurrentMemoryContext;

			/* a query may start in memory that stays */
			if (context == NULL)
				context = AllocSetContextCreate(old, "pg_hashstash bodies",
												ALLOCSET_SMALL_SIZES);
			MemoryContextSwitchTo(context);
			note_body(trace, lfirst_oid(cell));
			MemoryContextSwitchTo(old);
		}
		stash_memo_note_function(trace, lfirst_oid(cell));
	}
	if (context != NULL)
		MemoryContextDelete(context);
	list_free(functions);
	if (unsure)
		stash_memo_note_reason(trace, STASH_MEMO_SESSION, InvalidOid);
}

static bool
writes(PlannedStmt *plan)
{
	ListCell   *cell;

	if (plan->commandType != CMD_SELECT || plan->hasModifyingCTE)
		return true;
	foreach(cell, plan->rowMarks)
	{
		if (RowMarkRequiresRowShareLock(((PlanRowMark *) lfirst(cell))->markType))
			return true;
	}
	return false;
}

/*
 * That a relation is read.
 */
void
stash_memo_note_relation(StashMemoTrace *trace, Oid relid)
{
	if (!has_met(trace->relations, relid))
		add_source(trace, &trace->relations, relid, stash_track_state(relid)->digest);
}

/*
 * That the row type of a relation is used.
 */
void
stash_memo_note_row(StashMemoTrace *trace, Oid relid)
{
	if (!has_met(trace->rows, relid))
		add_source(trace, &trace->rows, relid, stash_track_state(relid)->digest);
}

/*
 * What was found out of a plan; returns the numbers of parameters that are to be
 * looked at.
 */
List *
stash_memo_note_known(StashMemoTrace *trace, const StashMemoPlan *facts)
{
	ListCell   *cell;

	if (facts->reads_time)
		stash_memo_note_reason(trace, STASH_MEMO_RELATIVE_TIME, InvalidOid);
	if (facts->asks_session)
		stash_memo_note_reason(trace, STASH_MEMO_SESSION, InvalidOid);
	if (facts->makes_json)
		note_json(trace);
	foreach(cell, facts->rows)
		note_row(trace, lfirst_oid(cell));
	foreach(cell, facts->named)
		stash_memo_note_row(trace, lfirst_oid(cell));
	foreach(cell, facts->functions)
		stash_memo_note_dependency(trace, lfirst_oid(cell));
	foreach(cell, facts->collations)
		stash_memo_note_oid(trace, &trace->collations, lfirst_oid(cell));
	return facts->params;
}

/*
 * What only the text of a plan tells.  Returns the numbers of its parameters
 * that become times or name something: what they are the caller knows.
 */
List *
stash_memo_note_facts(StashMemoTrace *trace, PlannedStmt *plan)
{
	StashMemoPlan facts;

	stash_memo_plan_read(&facts, plan);
	return stash_memo_note_known(trace, &facts);
}

/*
 * A value that becomes a time or names something.
 */
void
stash_memo_note_value(StashMemoTrace *trace, Oid type, Datum value)
{
	StashMemoPlan facts = {0};

	if (stash_memo_is_word(type, value))
		stash_memo_note_reason(trace, STASH_MEMO_RELATIVE_TIME, InvalidOid);
	if (stash_memo_holds_names(type))
		stash_memo_plan_name(&facts, type, value);
	(void) stash_memo_note_known(trace, &facts);
}

/*
 * Parameters of a query that become times or name something.  Frees the list.
 */
void
stash_memo_note_params(StashMemoTrace *trace, List *numbers, ParamListInfo params)
{
	ListCell   *cell;

	foreach(cell, numbers)
	{
		int			number = lfirst_int(cell);
		ParamExternData space;
		ParamExternData *param = NULL;

		if (params != NULL && number > 0 && number <= params->numParams)
			param = params->paramFetch != NULL ?
				params->paramFetch(params, number, false, &space) :
				&params->params[number - 1];
		if (param == NULL || !OidIsValid(param->ptype))
			stash_memo_note_reason(trace, STASH_MEMO_RELATIVE_TIME, InvalidOid);
		else if (!param->isnull)
			stash_memo_note_value(trace, param->ptype, param->value);
	}
	list_free(numbers);
}

/*
 * Parameters that the planner may compute with, so that nothing is left of them.
 */
void
stash_memo_note_names(StashMemoTrace *trace, ParamListInfo params)
{
	if (params == NULL || params->paramFetch != NULL)
		return;
	for (int i = 0; i < params->numParams; i++)
	{
		const ParamExternData *param = &params->params[i];

		if (!param->isnull && OidIsValid(param->ptype) &&
			stash_memo_holds_names(param->ptype))
			stash_memo_note_value(trace, param->ptype, param->value);
	}
}

static void
note_plan_roles(StashMemoTrace *trace, PlannedStmt *plan)
{
	List	   *roles = stash_compat_plan_roles(plan);
	ListCell   *cell;

	stash_memo_note_user(trace, GetUserId());
	foreach(cell, roles)
	{
		if (OidIsValid(lfirst_oid(cell)))
			stash_memo_note_owner(trace, lfirst_oid(cell));
	}
	list_free(roles);
}

/*
 * A query that starts.
 */
void
stash_memo_note_plan(StashMemoTrace *trace, PlannedStmt *plan, ParamListInfo params)
{
	ListCell   *cell;

	if (writes(plan))
		stash_memo_note_reason(trace, STASH_MEMO_SIDE_EFFECTS, InvalidOid);
	stash_memo_note_inlined(trace, plan->invalItems);
	/* as they are when the rights to them are checked, which comes next */
	foreach(cell, plan->relationOids)
		stash_memo_note_relation(trace, lfirst_oid(cell));
	note_plan_roles(trace, plan);
	stash_memo_note_params(trace, stash_memo_note_facts(trace, plan), params);
}

/* ---- traces within traces ---- */

static void
tell_sources(StashMemoTrace *outer, List **to, List *from)
{
	ListCell   *cell;

	foreach(cell, from)
	{
		const StashMemoSource *source = lfirst(cell);

		if (!has_met(*to, source->oid))
			add_source(outer, to, source->oid, source->digest);
	}
}

/*
 * What a trace has noted counts for the one around it, too.
 */
void
stash_memo_note_outer(StashMemoTrace *trace)
{
	StashMemoTrace *outer = trace->outer;
	MemoryContext old;

	if (outer == NULL)
		return;
	for (int i = 0; i < STASH_MEMO_REASONS; i++)
	{
		if (trace->reasons & (UINT64CONST(1) << i))
			stash_memo_note_reason(outer, (StashMemoReason) i, trace->culprits[i]);
	}
	old = MemoryContextSwitchTo(outer->context);
	outer->functions = list_concat_unique_oid(outer->functions,
											  trace->functions);
	outer->collations = list_concat_unique_oid(outer->collations,
											   trace->collations);
	outer->cursors = list_concat(outer->cursors, trace->cursors);
	MemoryContextSwitchTo(old);
	if (trace->snapshot != NULL)
		add_snapshot(outer, trace->latest ? trace->latest : trace->snapshot);
	tell_sources(outer, &outer->relations, trace->relations);
	tell_sources(outer, &outer->rows, trace->rows);
	tell_sources(outer, &outer->roles, trace->roles);
}
