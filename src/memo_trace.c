/*-------------------------------------------------------------------------
 *
 * memo_trace.c
 *	  What a target reads, runs and does while it computes an answer.
 *
 * Each query that the executor starts tells the relations that its plan
 * depends on, views, partitions and all; each function that is run for users
 * passes the server's check of the right to execute it.  Both are noted in the
 * innermost trace; when that ends, what it noted goes to the one around it.
 *
 * The only unit that sets the planner's, the executor's, the utility and the
 * object access hook.  They do nothing while no target runs.  What PL/pgSQL
 * evaluates without them memo_plpgsql.c shows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"
#include "utility.h"

static planner_hook_type next_planner;
static ExecutorStart_hook_type next_executor_start;
static object_access_hook_type next_object_access;

/* the innermost; ended on errors, too, so that it never points to nowhere */
static StashMemoTrace *current;

/* a query that is starting, and what was on the stack before */
static bool is_starting;
static ErrorContextCallback *starting_stack;

/* ---- expressions ---- */

static bool
note_called(Oid function, void *context)
{
	stash_memo_note_function(current, function);
	return false;
}

static bool
note_calls(Node *node, void *context)
{
	if (node == NULL)
		return false;
	/* those that a cast by the text of a value calls the plan tells */
	if (!IsA(node, CoerceViaIO))
		(void) check_functions_in_node(node, note_called, context);
	return expression_tree_walker(node, note_calls, context);
}

/*
 * A plan that stands for an expression, which is evaluated without a hook.
 * Returns the numbers of its parameters that become times or name something.
 */
List *
stash_memo_trace_expression(PlannedStmt *plan)
{
	Plan	   *tree = plan->planTree;

	/* it may have been told to be run by a worker */
	while (outerPlan(tree) != NULL)
		tree = outerPlan(tree);
	stash_memo_note_inlined(current, plan->invalItems);
	(void) note_calls((Node *) tree->targetlist, NULL);
	return stash_memo_note_facts(current, plan);
}

/*
 * A text that may be a word such as 'today' becomes a time.
 */
void
stash_memo_trace_word(void)
{
	stash_memo_trace_reason(STASH_MEMO_RELATIVE_TIME, InvalidOid);
}

/*
 * How much functions had prepared when the innermost trace began, or when one
 * within it has ended.
 */
uint64
stash_memo_trace_began(void)
{
	return current->began;
}

/*
 * The target that runs asks for what a hook has not seen.
 */
void
stash_memo_trace_reason(StashMemoReason reason, Oid culprit)
{
	if (current != NULL)
		stash_memo_note_reason(current, reason, culprit);
}

/*
 * A value of a type is used, which may be the row type of a relation, or have
 * checks.
 */
void
stash_memo_trace_type(Oid type)
{
	StashMemoPlan facts = {0};

	if (current == NULL)
		return;
	stash_memo_plan_type(&facts, type);
	(void) stash_memo_note_known(current, &facts);
}

/*
 * A value is used that becomes a time or names something.
 */
void
stash_memo_trace_value(Oid type, Datum value)
{
	if (current != NULL)
		stash_memo_note_value(current, type, value);
}

/*
 * An expression is evaluated of which this is known.
 */
void
stash_memo_trace_facts(const StashMemoPlan *facts, ParamListInfo params)
{
	if (current != NULL)
		stash_memo_note_params(current, list_copy(stash_memo_note_known(current, facts)), params);
}

/* whether a plan may stand for an expression, which need not name relations */
static bool
may_be_expression(const PlannedStmt *plan)
{
	return plan->commandType == CMD_SELECT &&
		(plan->relationOids == NIL ||
		 (IsA(plan->planTree, Result) && outerPlan(plan->planTree) == NULL &&
		  plan->subplans == NIL));
}

/* one that may be evaluated without a hook, right after it was planned */
static void
note_planned(StashMemoTrace *trace, PlannedStmt *plan, const char *text)
{
	stash_memo_note_inlined(trace, plan->invalItems);
	if (may_be_expression(plan))
		stash_memo_plpgsql_words(stash_memo_note_facts(trace, plan), &trace->errors);
	if (text !=NULL && stash_memo_has_relative_string(text) &&
		stash_memo_plan_has_time(plan))
		stash_memo_note_reason(trace, STASH_MEMO_RELATIVE_TIME, InvalidOid);
}

/*
 * Whether the innermost trace meets a statement for the first time: from then
 * on the hooks see what its expressions call.
 */
bool
stash_memo_trace_meets(const void *statement)
{
	bool		found;

	if (current == NULL)
		return false;
	if (current->statements == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(statement);
		ctl.entrysize = sizeof(statement);
		ctl.hcxt = current->context;
		current->statements = hash_create("pg_hashstash statements", 32, &ctl,
										  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(current->statements, &statement, HASH_ENTER, &found);
	return !found;
}

/*
 * A statement is to be met again.
 */
void
stash_memo_trace_meets_again(const void *statement)
{
	(void) hash_search(current->statements, &statement, HASH_REMOVE, NULL);
}

/* ---- cursors ---- */

/* a query that may be a cursor's: its rows go nowhere by themselves */
static void
note_cursor(StashMemoTrace *trace, QueryDesc *query)
{
	MemoryContext old;

	if (query->dest != None_Receiver)
		return;
	old = MemoryContextSwitchTo(trace->context);
	trace->cursors = lappend(trace->cursors, query);
	MemoryContextSwitchTo(old);
}

/*
 * A function is about to use a cursor, or ends and may leave it open: one that
 * the target has not opened, or that outlives what did, is no part of an
 * answer.
 */
void
stash_memo_trace_cursor(const char *name, bool is_end)
{
	Portal		portal = current != NULL ? GetPortalByName(name) : NULL;

	if (portal != NULL &&
		list_member_ptr(current->cursors, portal->queryDesc) == is_end)
		stash_memo_note_reason(current, STASH_MEMO_CURSOR, InvalidOid);
}

/* ---- hooks ---- */

/*
 * What was called to make a plan stays with it, and so for one around it; and
 * what the query names.
 */
static void
keep_called(PlannedStmt *plan, const StashMemoPlanning *planning,
			const StashMemoMentions *mentions)
{
	List	   *all = stash_memo_ran_all(planning->functions);

	stash_memo_plan_called(plan, all, mentions);
	list_free(all);
	if (planning->outer != NULL)
	{
		bool		unsure;
		List	   *inlined_here = stash_memo_ran_inlined(plan->invalItems, &unsure);
		ListCell   *cell;

		foreach(cell, inlined_here)
			stash_memo_ran_planned(lfirst_oid(cell));
		list_free(inlined_here);
	}
}

/*
 * Plan a query, and note in '*planning' which functions it names, and which are
 * called for that.
 */
static PlannedStmt *
plan_noting_calls(Query *query, const char *text, int options,
				  ParamListInfo params, StashMemoPlanning *planning,
				  const List *named STASH_COMPAT_EXPLAIN_PARAM)
{
	PlannedStmt *volatile plan = NULL;
	ListCell   *cell;

	stash_memo_ran_plan_begin(planning);
	PG_TRY();
	{
		foreach(cell, named)
			stash_memo_ran_planned(lfirst_oid(cell));
		if (next_planner != NULL)
			plan = next_planner(query, text, options, params STASH_COMPAT_EXPLAIN_ARG);
		else
			plan = standard_planner(query, text, options, params STASH_COMPAT_EXPLAIN_ARG);
	}
	PG_FINALLY();
	{
		stash_memo_ran_plan_end(planning);
	}
	PG_END_TRY();
	return plan;
}

static PlannedStmt *
trace_planner(Query *query, const char *text, int options,
			  ParamListInfo params STASH_COMPAT_EXPLAIN_PARAM)
{
	PlannedStmt *plan;
	StashMemoPlanning planning;
	StashMemoMentions mentions = {0};

	stash_memo_names_plan();
	stash_memo_replan_note();
	stash_memo_mention(&mentions, (Node *) query);
	if (current != NULL)
	{
		StashMemoPlan facts;

		stash_memo_plan_query(&facts, query);
		(void) stash_memo_note_known(current, &facts);
		stash_memo_note_names(current, params);
	}
	plan = plan_noting_calls(query, text, options, params, &planning,
							 mentions.functions STASH_COMPAT_EXPLAIN_ARG);
	keep_called(plan, &planning, &mentions);

	if (current != NULL)
		note_planned(current, plan, text);
	return plan;
}

/*
 * A function that a worker runs reads what we do not see: no workers, then.
 */
static void
run_without_workers(QueryDesc *query)
{
	PlannedStmt *plan = MemoryContextAlloc(query->estate->es_query_cxt,
										   sizeof(PlannedStmt));

	*plan = *query->plannedstmt;
	plan->parallelModeNeeded = false;
	query->plannedstmt = plan;
}

static void
trace_executor_start(QueryDesc *query, int eflags)
{
	StashMemoTrace *trace = current;
	bool		was_starting = is_starting;
	ErrorContextCallback *outer_stack = starting_stack;

	stash_memo_compiled_mark();
	if (trace != NULL)
	{
		trace->runs_functions = false;
		stash_memo_note_plan(trace, query->plannedstmt, query->params);
		if (query->plannedstmt->relationOids != NIL)
			stash_memo_note_snapshot(trace, query->snapshot);
		note_cursor(trace, query);
	}
	is_starting = true;
	starting_stack = error_context_stack;
	if (next_executor_start != NULL)
		next_executor_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	is_starting = was_starting;
	starting_stack = outer_stack;
	if (trace != NULL)
		stash_memo_plpgsql_query(query->tupDesc, &trace->errors);
	if (trace != NULL && trace->runs_functions && query->plannedstmt->parallelModeNeeded)
		run_without_workers(query);
}

static bool
trace_utility(const StashUtility *utility)
{
	stash_memo_compiled_mark();
	if (current != NULL)
		stash_memo_note_reason(current, STASH_MEMO_UTILITY, InvalidOid);
	return false;
}

static void
trace_object_access(ObjectAccessType access, Oid class, Oid object, int sub,
					void *arg)
{
	if (access == OAT_FUNCTION_EXECUTE)
	{
		/* functions that run while a query starts put something on the stack */
		bool		is_query = is_starting &&
		error_context_stack == starting_stack;

		if (!is_query)
			stash_memo_compiled_prepared();
		if (current == NULL)
		{
			stash_memo_ran_planned(object);
			stash_memo_ran_outside(object, is_query);
		}
		/* a cast is estimated; that the plan has it is read in its text */
		else if (is_query || !stash_memo_ran_is_planning() ||
				 !stash_memo_reads_text(object))
		{
			if (!is_query)
				stash_memo_ran_prepared(current->functions, object);
			stash_memo_note_function(current, object);
		}
	}
	else if (access == OAT_POST_CREATE && class == ProcedureRelationId)
		stash_memo_compiled_unmark();
	if (next_object_access != NULL)
		next_object_access(access, class, object, sub, arg);
}

/* our own code makes a value of a text, or a text of a value */
static void
note_text(Oid type, const char *text)
{
	if (text !=NULL && stash_memo_is_relative(type, text))
		stash_memo_note_reason(current, STASH_MEMO_RELATIVE_TIME, InvalidOid);
	if (stash_memo_holds_names(type))
		stash_memo_note_reason(current, STASH_MEMO_SESSION, InvalidOid);
}

/* a table that is read without a plan */
static void
note_read(Oid relid, bool expires)
{
	if (current == NULL)
		return;
	stash_memo_note_user(current, GetUserId());
	stash_memo_note_relation(current, relid);
	if (ActiveSnapshotSet())
		stash_memo_note_snapshot(current, GetActiveSnapshot());
	if (expires)
		stash_memo_note_reason(current, STASH_MEMO_EXPIRES, relid);
}

/* after an error no query is starting */
static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT)
		is_starting = false;
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId subid,
				   SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		is_starting = false;
}

/*
 * Set the hooks; called once when the library is loaded.
 */
void
stash_memo_trace_init(void)
{
	next_planner = planner_hook;
	planner_hook = trace_planner;
	next_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = trace_executor_start;
	stash_utility_handle(trace_utility);
	next_object_access = object_access_hook;
	object_access_hook = trace_object_access;
	stash_catalog_read_note = note_read;
	stash_catalog_call_note = stash_memo_trace_skip;
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
	stash_memo_function_init();
	stash_memo_plan_init();
	stash_memo_compiled_init();
	stash_memo_replan_init();
	stash_memo_ran_init();
}

/* ---- errors ---- */

/*
 * Why an error keeps the answer of a target that goes on after it from being
 * remembered: what is not there, or not allowed, may come without a word, and a
 * timeout or a limit has nothing to do with what was asked.  What data cause,
 * and what users raise, they cause again.
 */
static StashMemoReason
reason_of_error(int code)
{
	/* these stand in classes of data */
	if (code == ERRCODE_NONSTANDARD_USE_OF_ESCAPE_CHARACTER ||
		code == ERRCODE_ASSERT_FAILURE)
		return STASH_MEMO_MISSING;
	switch (ERRCODE_TO_CATEGORY(code))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK):
		case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
		case ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED):
		case ERRCODE_TO_CATEGORY(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE):
		case ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION):
		case ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR):
		case ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR):
			return STASH_MEMO_INTERRUPTED;
		case ERRCODE_TO_CATEGORY(ERRCODE_CONNECTION_EXCEPTION):
		case ERRCODE_TO_CATEGORY(ERRCODE_FEATURE_NOT_SUPPORTED):
		case ERRCODE_TO_CATEGORY(ERRCODE_INVALID_CURSOR_STATE):
		case ERRCODE_TO_CATEGORY(ERRCODE_INVALID_TRANSACTION_STATE):
		case ERRCODE_TO_CATEGORY(ERRCODE_INVALID_SQL_STATEMENT_NAME):
		case ERRCODE_TO_CATEGORY(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION):
		case ERRCODE_TO_CATEGORY(ERRCODE_INVALID_CURSOR_NAME):
		case ERRCODE_TO_CATEGORY(ERRCODE_INVALID_CATALOG_NAME):
		case ERRCODE_TO_CATEGORY(ERRCODE_UNDEFINED_SCHEMA):
		case ERRCODE_TO_CATEGORY(ERRCODE_UNDEFINED_TABLE):
		case ERRCODE_TO_CATEGORY(ERRCODE_CONFIG_FILE_ERROR):
		case ERRCODE_TO_CATEGORY(ERRCODE_FDW_ERROR):
			return STASH_MEMO_MISSING;
		default:
			return STASH_MEMO_FINE;
	}
}

static void
note_error(void *arg)
{
	StashMemoReason reason = reason_of_error(geterrcode());

	if (reason != STASH_MEMO_FINE)
		stash_memo_note_reason(arg, reason, InvalidOid);
}

/* ---- traces ---- */

/*
 * Note from now on what the target of a call does.  The snapshot is the one
 * under which it was called: what it reads with later ones makes the answer no
 * older, but it is none for who does not see as much.
 */
void
stash_memo_trace_begin(StashMemoTrace *trace, const StashMemoCall *call,
					   FunctionCallInfo fcinfo)
{
	const ListCell *cell;

	memset(trace, 0, sizeof(*trace));
	trace->context = CurrentMemoryContext;

	/*
	 * whoever reads the log of changes there is in the way of all who write
	 * it
	 */
	if (IsolationIsSerializable())
		stash_memo_note_reason(trace, STASH_MEMO_SERIALIZABLE, InvalidOid);
	else if (ActiveSnapshotSet())
	{
		bool		untold;
		bool		unwatched;

		trace->snapshot = stash_memo_replan(&untold, &unwatched);
		/* what the snapshot sees, and we go on without having heard of it */
		if (untold)
			stash_memo_note_reason(trace, STASH_MEMO_BEING_COMMITTED, InvalidOid);
		if (unwatched)
			stash_memo_note_reason(trace, STASH_MEMO_ANYTHING, InvalidOid);
		AcceptInvalidationMessages();
		stash_memo_read_domains_anew();
		stash_memo_note_snapshot(trace, GetActiveSnapshot());
	}
	trace->began = stash_memo_compiled_prepared_so_far();
	trace->command = GetCurrentCommandId(false);
	trace->xid = GetTopFullTransactionIdIfAny();
	trace->outer = current;
	trace->caller = GetUserId();
	trace->is_shared = call->memo->body.is_shared;
	if (current != NULL)
		stash_memo_note_user(current, trace->caller);
	stash_memo_note_function(trace, call->memo->target);
	/* which of them are called when values are compared nothing tells */
	foreach(cell, stash_memo_comparers())
		stash_memo_note_dependency(trace, lfirst_oid(cell));
	if (stash_memo_has_relative_time(call, fcinfo))
		stash_memo_note_reason(trace, STASH_MEMO_RELATIVE_TIME, InvalidOid);
	if (current == NULL)
		stash_memo_plpgsql_begin();
	trace->errors.callback = note_error;
	trace->errors.arg = trace;
	trace->errors.previous = error_context_stack;
	error_context_stack = &trace->errors;
	current = trace;
	stash_catalog_text_note = note_text;
}

/* what ran without being prepared anew */
static void
note_prepared(StashMemoTrace *trace)
{
	List	   *all = stash_memo_ran_all(trace->functions);
	ListCell   *cell;

	for_each_from(cell, all, list_length(trace->functions))
		stash_memo_note_function(trace, lfirst_oid(cell));
	list_free(all);
}

/* whether it has written anything since we looked last */
static void
note_writes(StashMemoTrace *trace)
{
	if (trace->command != GetCurrentCommandId(false) ||
		!FullTransactionIdEquals(trace->xid, GetTopFullTransactionIdIfAny()))
		stash_memo_note_reason(trace, STASH_MEMO_SIDE_EFFECTS, InvalidOid);
}

static void
leave(StashMemoTrace *trace)
{
	error_context_stack = trace->errors.previous;
	current = trace->outer;
	if (current == NULL)
	{
		stash_memo_plpgsql_end();
		stash_catalog_text_note = NULL;
	}
	else
		/* without the target within it other things would have been prepared */
		current->began = stash_memo_compiled_prepared_so_far();
	if (trace->statements != NULL)
		hash_destroy(trace->statements);
	stash_memo_note_outer(trace);
}

/*
 * The target has come to its end.
 */
void
stash_memo_trace_end(StashMemoTrace *trace)
{
	Assert(current == trace);
	note_writes(trace);
	PG_TRY();
	{
		note_prepared(trace);
	}
	PG_CATCH();
	{
		leave(trace);
		PG_RE_THROW();
	}
	PG_END_TRY();
	leave(trace);
}

/*
 * The target has failed.
 */
void
stash_memo_trace_drop(StashMemoTrace *trace)
{
	leave(trace);
}

/*
 * A function is about to run of which no hook tells: a target of which no
 * answer is to be kept, or what our own code calls.
 */
void
stash_memo_trace_skip(Oid function)
{
	if (current != NULL)
		stash_memo_note_function(current, function);
	else
		stash_memo_ran_outside(function, true);
}

/*
 * Whether what happens now is noted for anybody.
 */
bool
stash_memo_is_traced(void)
{
	return current != NULL;
}

/*
 * An answer that was remembered stands for reading what it was made of.
 */
void
stash_memo_trace_hit(const StashMemo *memo, const StashMemoResult *result)
{
	if (current == NULL)
		return;
	stash_memo_note_function(current, memo->target);
	if (!TIMESTAMP_IS_NOEND(result->expires_at))
		stash_memo_note_reason(current, STASH_MEMO_NESTED_TTL, memo->function);
	if (result->proof == NULL)
		return;
	/* it is no later than ours */
	if (ActiveSnapshotSet())
		stash_memo_note_snapshot(current, GetActiveSnapshot());
	for (int i = 0; i < STASH_MEMO_REASONS; i++)
	{
		if (result->proof->excused & (UINT64CONST(1) << i))
			stash_memo_note_reason(current, (StashMemoReason) i, memo->function);
	}
	for (int i = 0; i < result->proof->nsources; i++)
		stash_memo_note_relation(current, result->proof->sources[i].oid);
	for (int i = 0; i < result->proof->nrows; i++)
		stash_memo_note_row(current, result->proof->rows[i].oid);
	for (int i = 0; i < result->proof->ncollations; i++)
		stash_memo_note_oid(current, &current->collations, result->proof->collations[i].oid);
	stash_memo_note_user(current, GetUserId());
	for (int i = 0; i < result->proof->nroles; i++)
		stash_memo_note_owner(current, result->proof->roles[i].oid);
	for (int i = 0; i < result->proof->nfunctions; i++)
	{
		if (OidIsValid(result->proof->functions[i].oid))
			stash_memo_note_oid(current, &current->functions,
								result->proof->functions[i].oid);
	}
}

/*
 * We are going to write into a stash ourselves.
 */
void
stash_memo_trace_before_write(void)
{
	for (StashMemoTrace *trace = current; trace != NULL; trace = trace->outer)
		note_writes(trace);
}

/*
 * We have: that is no side effect of a target, nor is what the next
 * subtransaction would do otherwise, which is to count a command.
 */
void
stash_memo_trace_after_write(void)
{
	CommandCounterIncrement();
	stash_memo_trace_go_on();
}

/*
 * The same after a subtransaction, which may have counted a command.
 */
void
stash_memo_trace_go_on(void)
{
	for (StashMemoTrace *trace = current; trace != NULL; trace = trace->outer)
	{
		trace->command = GetCurrentCommandId(false);
		trace->xid = GetTopFullTransactionIdIfAny();
	}
}
