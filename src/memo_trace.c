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

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/proclang.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
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
static bool runs_functions;		/* of users: set by note_function() */

/* a query that is starting, and what was on the stack before */
static bool is_starting;
static ErrorContextCallback *starting_stack;

static void
note_reason(StashMemoTrace *trace, StashMemoReason reason, Oid culprit)
{
	if (trace->reasons & (UINT64CONST(1) << reason))
		return;
	trace->reasons |= UINT64CONST(1) << reason;
	trace->culprits[reason] = culprit;
}

/* ---- functions ---- */

/*
 * Beginnings of names of the server's STABLE functions whose answers do not
 * depend on tables alone: time, settings, the connection, catalogs.
 */
static const char *const session_functions[] = {
	"now", "transaction_timestamp", "statement_timestamp", "age",
	"inet_", "txid_", "pg_", "has_", "row_security_active",
	"to_reg", "regclass", "obj_description", "col_description",
	"shobj_description", "getdatabaseencoding", "current_database", "version",
	"mxid_age", "lastval", "currval", "database_to_", "schema_to_",
	"table_to_", "query_to_", "cursor_to_", "format_type", "ts_debug"
};

static bool
depends_on_session(Oid function)
{
	char		volatility = func_volatile(function);
	char	   *name;
	bool		depends = false;

	if (volatility == PROVOLATILE_VOLATILE)
		return true;
	if (volatility == PROVOLATILE_IMMUTABLE)
		return false;
	name = get_func_name(function);
	for (int i = 0; !depends && i < lengthof(session_functions); i++)
	{
		const char *begin = session_functions[i];
		Size		len = strlen(begin);

		depends = strncmp(name, begin, len) == 0 &&
			(begin[len - 1] == '_' || name[len] == '\0' ||
			 strcmp(begin, "to_reg") == 0);
	}
	pfree(name);
	return depends;
}

/* words that are calls though they do not look like it; strings that are */
static const char *const call_words[] = {
	"current_date", "current_time", "current_timestamp", "localtime",
	"localtimestamp", "current_catalog", "'now'", "'today'", "'tomorrow'",
	"'yesterday'"
};

static bool
is_word_part(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' ||
		IS_HIGHBIT_SET(c);
}

/* functions whose bodies were read of late */
typedef struct FunctionKnown
{
	Oid			function;		/* 0: none */
	StashMemoReason reason;
} FunctionKnown;

static FunctionKnown functions_known[256];
static uint64 function_changes; /* counted */

/* what follows a word, where it is first found; NULL: nowhere */
static const char *
has_word(const char *source, const char *word)
{
	Size		len = strlen(word);

	for (const char *at = source; *at != '\0'; at++)
	{
		if (pg_strncasecmp(at, word, len) == 0 &&
			(at == source || !is_word_part(at[-1])) && !is_word_part(at[len]))
			return at + len;
	}
	return NULL;
}

/* age() of one argument, which is replaced when it is planned */
static bool
asks_for_age(const char *source)
{
	while ((source = has_word(source, "age")) != NULL)
	{
		const char *at = source + strspn(source, " \t\r\n");
		int			depth = 0;

		if (*at != '(')
			continue;
		/* to where it ends, or the second argument begins */
		for (; *at != '\0'; at++)
		{
			if (*at == '(')
				depth++;
			else if (*at == ')' && --depth == 0)
				return true;
			else if (*at == ',' && depth == 1)
				break;
		}
	}
	return false;
}

/*
 * Whether the body of a function asks for the time or the database by a word
 * that no hook sees.  Words in comments and strings count, too: rather once
 * too often.
 */
static bool
has_call_word(HeapTuple tuple)
{
	bool		found = false;
	bool		isnull;
	Datum		datum;

	datum = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &isnull);
	if (!isnull)
		found = stash_catalog_asks_for_time(TextDatumGetCString(datum));
	datum = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	for (int i = 0; !isnull && !found && i < lengthof(call_words); i++)
		found = has_word(TextDatumGetCString(datum), call_words[i]) != NULL;
	if (!isnull && !found)
		found = asks_for_age(TextDatumGetCString(datum));
	return found;
}

/*
 * Whether a function keeps, or asks for, what is not seen: those in C may, and
 * those in languages that have a memory of their own, unless they promise that
 * they do not.  Ours are traced.
 */
static bool
is_unseen(HeapTuple tuple)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	bool		isnull;
	Datum		source;

	if (form->provolatile == PROVOLATILE_IMMUTABLE ||
		form->prolang == SQLlanguageId ||
		form->prolang == get_language_oid("plpgsql", true) ||
		form->prolang == get_language_oid("stash", true))
		return false;
	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	return form->prolang != ClanguageId ||
		strncmp(TextDatumGetCString(source), "pg_hashstash_", 13) != 0;
}

/* why a function by itself keeps its callers' answers from being remembered */
static StashMemoReason
read_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	StashMemoReason reason = STASH_MEMO_FINE;

	if (!HeapTupleIsValid(tuple))
		return STASH_MEMO_SESSION;
	if (is_unseen(tuple))
		reason = STASH_MEMO_LANGUAGE;
	else if (has_call_word(tuple))
		reason = STASH_MEMO_SESSION;
	ReleaseSysCache(tuple);
	return reason;
}

/* the same, as long as no function changes */
static StashMemoReason
reason_of(Oid function)
{
	FunctionKnown *known = &functions_known[function % lengthof(functions_known)];
	uint64		before = function_changes;
	StashMemoReason reason;

	if (known->function == function)
		return known->reason;
	reason = read_function(function);
	if (before == function_changes)
	{
		known->function = function;
		known->reason = reason;
	}
	return reason;
}

static void
note_function(StashMemoTrace *trace, Oid function)
{
	StashMemoReason reason;
	MemoryContext old;

	if (function < FirstNormalObjectId)
	{
		if (function == F_CURRENT_SETTING_TEXT ||
			function == F_CURRENT_SETTING_TEXT_BOOL)
			note_reason(trace, STASH_MEMO_SETTING, function);
		else if (depends_on_session(function))
			note_reason(trace, STASH_MEMO_SESSION, function);
		return;
	}
	runs_functions = true;
	if (list_member_oid(trace->functions, function))
		return;
	old = MemoryContextSwitchTo(trace->context);
	trace->functions = lappend_oid(trace->functions, function);
	MemoryContextSwitchTo(old);
	reason = reason_of(function);
	if (reason != STASH_MEMO_FINE)
		note_reason(trace, reason, function);
}

/* ---- queries ---- */

/* a function in SQL that may have been put into a plan in place of its call */
typedef struct Inlined
{
	uint32		hash;			/* must be first; as plans have it */
	Oid			function;		/* 0: more than one */
} Inlined;

static HTAB *inlined;			/* NULL: not read yet */

static void
forget_functions(Datum arg, int cacheid, uint32 hashvalue)
{
	if (inlined != NULL)
		hash_destroy(inlined);
	inlined = NULL;
	memset(functions_known, 0, sizeof(functions_known));
	function_changes++;
}

static HTAB *
read_inlined(void)
{
	HASHCTL		ctl = {0};
	HTAB	   *table;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	ctl.keysize = sizeof(uint32);
	ctl.entrysize = sizeof(Inlined);
	table = hash_create("pg_hashstash functions in SQL", 64, &ctl,
						HASH_ELEM | HASH_BLOBS);
	rel = table_open(ProcedureRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
		uint32		hash;
		Inlined    *entry;
		bool		found;

		if (form->prolang != SQLlanguageId || form->oid < FirstNormalObjectId)
			continue;
		hash = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(form->oid));
		entry = hash_search(table, &hash, HASH_ENTER, &found);
		entry->function = found ? InvalidOid : form->oid;
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	return table;
}

static void
note_inlined(StashMemoTrace *trace, List *items)
{
	ListCell   *cell;

	foreach(cell, items)
	{
		PlanInvalItem *item = lfirst(cell);
		Inlined    *entry;

		if (item->cacheId != PROCOID)
			continue;
		if (inlined == NULL)
		{
			HTAB	   *table = read_inlined();

			/* reading may have let in news, which would have found nothing */
			inlined = table;
		}
		entry = hash_search(inlined, &item->hashValue, HASH_FIND, NULL);
		if (entry != NULL && OidIsValid(entry->function))
			note_function(trace, entry->function);
		else if (entry != NULL)
			note_reason(trace, STASH_MEMO_SESSION, InvalidOid);
	}
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

static bool
has_met(const StashMemoTrace *trace, Oid relid)
{
	ListCell   *cell;

	foreach(cell, trace->relations)
	{
		if (((StashMemoSource *) lfirst(cell))->oid == relid)
			return true;
	}
	return false;
}

/* that a relation is read, which was known as 'digest' when it was met */
static void
add_relation(StashMemoTrace *trace, Oid relid, uint64 digest)
{
	MemoryContext old = MemoryContextSwitchTo(trace->context);
	StashMemoSource *source = palloc(sizeof(StashMemoSource));

	source->oid = relid;
	source->digest = digest;
	trace->relations = lappend(trace->relations, source);
	MemoryContextSwitchTo(old);
}

static void
note_relation(StashMemoTrace *trace, Oid relid)
{
	if (!has_met(trace, relid))
		add_relation(trace, relid, stash_track_state(relid)->digest);
}

static void
note_plan(StashMemoTrace *trace, PlannedStmt *plan)
{
	ListCell   *cell;

	if (writes(plan))
		note_reason(trace, STASH_MEMO_SIDE_EFFECTS, InvalidOid);
	note_inlined(trace, plan->invalItems);
	/* as they are when the rights to them are checked, which comes next */
	foreach(cell, plan->relationOids)
		note_relation(trace, lfirst_oid(cell));
}

/* ---- expressions ---- */

static bool
note_called(Oid function, void *context)
{
	note_function(current, function);
	return false;
}

static bool
note_calls(Node *node, void *context)
{
	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, note_called, context);
	return expression_tree_walker(node, note_calls, context);
}

/*
 * A plan that stands for an expression, which is evaluated without a hook.
 */
void
stash_memo_trace_expression(const PlannedStmt *plan)
{
	Plan	   *tree = plan->planTree;

	/* it may have been told to be run by a worker */
	while (outerPlan(tree) != NULL)
		tree = outerPlan(tree);
	note_inlined(current, plan->invalItems);
	(void) note_calls((Node *) tree->targetlist, NULL);
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
		note_reason(current, STASH_MEMO_CURSOR, InvalidOid);
}

/* ---- hooks ---- */

static PlannedStmt *
trace_planner(Query *query, const char *text, int options,
			  ParamListInfo params STASH_COMPAT_EXPLAIN_PARAM)
{
	planner_hook_type plan_it = next_planner != NULL ? next_planner : standard_planner;
	PlannedStmt *plan;

	stash_memo_names_plan();
	plan = plan_it(query, text, options, params STASH_COMPAT_EXPLAIN_ARG);

	if (current != NULL)
		note_inlined(current, plan->invalItems);
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

	runs_functions = false;
	if (trace != NULL)
	{
		note_plan(trace, query->plannedstmt);
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
	if (trace != NULL && runs_functions && query->plannedstmt->parallelModeNeeded)
		run_without_workers(query);
}

static bool
trace_utility(const StashUtility *utility)
{
	if (current != NULL)
		note_reason(current, STASH_MEMO_UTILITY, InvalidOid);
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

		if (current == NULL)
			stash_memo_ran_outside(object, is_query);
		else
		{
			if (!is_query)
				stash_memo_ran_prepared(current->functions, object);
			note_function(current, object);
		}
	}
	if (next_object_access != NULL)
		next_object_access(access, class, object, sub, arg);
}

/* a stash that is read without a plan */
static void
note_stash(Oid relid, bool expires)
{
	if (current == NULL)
		return;
	note_relation(current, relid);
	if (expires)
		note_reason(current, STASH_MEMO_EXPIRES, relid);
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
	stash_store_read_note = note_stash;
	CacheRegisterSyscacheCallback(PROCOID, forget_functions, (Datum) 0);
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
	stash_memo_ran_init();
}

/* ---- errors ---- */

/*
 * Something is not there, or not allowed.  Where the target goes on all the
 * same, its answer depends on that, and nobody tells when it comes.
 */
static void
note_error(void *arg)
{
	int			category = ERRCODE_TO_CATEGORY(geterrcode());

	if (category == ERRCODE_TO_CATEGORY(ERRCODE_UNDEFINED_TABLE) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_UNDEFINED_SCHEMA))
		note_reason(arg, STASH_MEMO_MISSING, InvalidOid);
}

/* ---- traces ---- */

/*
 * Note from now on what the target of a call does.  The snapshot is the one
 * under which it was called: what it reads with later ones makes the answer no
 * older.
 */
void
stash_memo_trace_begin(StashMemoTrace *trace, const StashMemoCall *call,
					   FunctionCallInfo fcinfo)
{
	memset(trace, 0, sizeof(*trace));
	trace->context = CurrentMemoryContext;
	if (ActiveSnapshotSet())
	{
		bool		untold;

		trace->snapshot = stash_track_snapshot(GetActiveSnapshot());
		/* what the snapshot sees, and we go on without having heard of it */
		(void) stash_track_anything_changed(NULL, &untold);
		if (untold)
			note_reason(trace, STASH_MEMO_BEING_COMMITTED, InvalidOid);
		AcceptInvalidationMessages();
	}
	trace->command = GetCurrentCommandId(false);
	trace->xid = GetTopFullTransactionIdIfAny();
	trace->outer = current;
	note_function(trace, call->memo->target);
	if (stash_memo_has_relative_time(call, fcinfo))
		note_reason(trace, STASH_MEMO_RELATIVE_TIME, InvalidOid);
	if (current == NULL)
		stash_memo_plpgsql_begin();
	trace->errors.callback = note_error;
	trace->errors.arg = trace;
	trace->errors.previous = error_context_stack;
	error_context_stack = &trace->errors;
	current = trace;
}

/* what ran without being prepared anew */
static void
note_prepared(StashMemoTrace *trace)
{
	List	   *all = stash_memo_ran_all(trace->functions);
	ListCell   *cell;

	for_each_from(cell, all, list_length(trace->functions))
		note_function(trace, lfirst_oid(cell));
	list_free(all);
}

/* the same for what is around: whatever happens within happens there, too */
static void
tell_outer(StashMemoTrace *trace)
{
	StashMemoTrace *outer = trace->outer;
	MemoryContext old;
	ListCell   *cell;

	if (outer == NULL)
		return;
	for (int i = 0; i < STASH_MEMO_REASONS; i++)
	{
		if (trace->reasons & (UINT64CONST(1) << i))
			note_reason(outer, (StashMemoReason) i, trace->culprits[i]);
	}
	old = MemoryContextSwitchTo(outer->context);
	outer->functions = list_concat_unique_oid(outer->functions,
											  trace->functions);
	outer->cursors = list_concat(outer->cursors, trace->cursors);
	MemoryContextSwitchTo(old);
	foreach(cell, trace->relations)
	{
		const StashMemoSource *source = lfirst(cell);

		if (!has_met(outer, source->oid))
			add_relation(outer, source->oid, source->digest);
	}
}

/* whether it has written anything since we looked last */
static void
note_writes(StashMemoTrace *trace)
{
	if (trace->command != GetCurrentCommandId(false) ||
		!FullTransactionIdEquals(trace->xid, GetTopFullTransactionIdIfAny()))
		note_reason(trace, STASH_MEMO_SIDE_EFFECTS, InvalidOid);
}

static void
leave(StashMemoTrace *trace)
{
	error_context_stack = trace->errors.previous;
	current = trace->outer;
	if (current == NULL)
		stash_memo_plpgsql_end();
	if (trace->statements != NULL)
		hash_destroy(trace->statements);
	tell_outer(trace);
}

/*
 * The target has come to its end.
 */
void
stash_memo_trace_end(StashMemoTrace *trace)
{
	Assert(current == trace);
	note_writes(trace);
	note_prepared(trace);
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
 * A target is about to run of which no answer is to be kept.
 */
void
stash_memo_trace_skip(Oid target)
{
	if (current != NULL)
		note_function(current, target);
	else
		stash_memo_ran_outside(target, true);
}

/*
 * An answer that was remembered stands for reading what it was made of.
 */
void
stash_memo_trace_hit(const StashMemo *memo, const StashMemoResult *result)
{
	MemoryContext old;

	if (current == NULL)
		return;
	if (!TIMESTAMP_IS_NOEND(result->expires_at))
		note_reason(current, STASH_MEMO_NESTED_TTL, memo->function);
	if (result->proof == NULL)
		return;
	for (int i = 0; i < STASH_MEMO_REASONS; i++)
	{
		if (result->proof->excused & (UINT64CONST(1) << i))
			note_reason(current, (StashMemoReason) i, memo->function);
	}
	for (int i = 0; i < result->proof->nsources; i++)
		note_relation(current, result->proof->sources[i].oid);
	old = MemoryContextSwitchTo(current->context);
	for (int i = 0; i < result->proof->nfunctions; i++)
	{
		Oid			function = result->proof->functions[i].oid;

		if (OidIsValid(function))
			current->functions = list_append_unique_oid(current->functions,
														function);
	}
	MemoryContextSwitchTo(old);
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
	for (StashMemoTrace *trace = current; trace != NULL; trace = trace->outer)
	{
		trace->command = GetCurrentCommandId(false);
		trace->xid = GetTopFullTransactionIdIfAny();
	}
}
