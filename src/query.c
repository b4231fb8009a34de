/*-------------------------------------------------------------------------
 *
 * query.c
 *	  A query that a user gives as text: opened, run, closed.
 *
 * The query runs as if the caller had sent it: parsed with the caller's
 * search_path, planned and checked with the caller's rights and row security,
 * read with the snapshot of the calling statement from first to last row.  One
 * that may write also sees what the calling transaction has written meanwhile,
 * as in any volatile function.
 *
 * It has an executor of its own and no portal.  What it holds (snapshot,
 * buffer pins, locks) belongs to the resource owner of the calling query, as
 * for an SQL function that returns a set.  Therefore it lives exactly as long
 * as that query: in a cursor across savepoints, and when a holdable cursor
 * is completed at commit.  A portal would be closed by the commit first, and
 * by CLOSE ALL.
 *
 * A query that writes, or is a command of another kind, runs to its end at
 * once, however few rows are asked for, as it does in a portal of the server:
 * then its rows wait in a tuplestore.  Its triggers would otherwise be mixed up
 * with those of the calling query, too.
 *
 * After an error nothing is closed here: the end of the (sub)transaction
 * does it, with the calling query.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "query.h"

struct StashQuery
{
	StashQueryMode mode;
	bool		is_part;		/* of a command: not named in errors */
	const char *string;
	TupleDesc	columns;
	DestReceiver *asker;		/* wants the rows */
	DestReceiver *receiver;		/* gets them from the executor */
	QueryDesc  *desc;			/* NULL: a command, or one that is complete */
	PlannedStmt *utility;		/* the command, until it was run */
	ParamListInfo params;		/* of it */
	Snapshot	snapshot;		/* of it; registered */
	Tuplestorestate *rows;		/* that wait to be asked for; or NULL */
	TupleTableSlot *row;		/* of them */
};

/*
 * Name the query in errors, and point at the place where it cannot be parsed.
 */
static void
add_error_context(void *arg)
{
	const char *query = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(query);
	}
	else
		errcontext("SQL statement \"%s\"", query);
}

static void
push_error_context(ErrorContextCallback *callback, const char *query)
{
	callback->callback = add_error_context;
	callback->arg = unconstify(char *, query);
	callback->previous = error_context_stack;
	error_context_stack = callback;
}

static void
start_nothing(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
stop_nothing(DestReceiver *self)
{
}

/*
 * Fill in a receiver of rows; 'start' may be NULL.
 */
void
stash_query_init_receiver(DestReceiver *receiver, StashQueryReceive receive,
						  StashQueryStart start)
{
	receiver->receiveSlot = receive;
	receiver->rStartup = start != NULL ? start : start_nothing;
	receiver->rShutdown = stop_nothing;
	receiver->rDestroy = stop_nothing;
	receiver->mydest = DestNone;
}

/*
 * The snapshot in which a query runs, registered.
 */
static Snapshot
take_snapshot(PlannedStmt *plan)
{
	Snapshot	snapshot;

	if (CommandIsReadOnly(plan))
		return RegisterSnapshot(GetActiveSnapshot());
	PushCopiedSnapshot(GetActiveSnapshot());
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
	snapshot = RegisterSnapshot(GetActiveSnapshot());
	PopActiveSnapshot();
	return snapshot;
}

/* whether a query must run to its end at once */
static bool
is_whole(const PlannedStmt *plan)
{
	return plan->commandType != CMD_SELECT || plan->hasModifyingCTE;
}

/* where rows go that wait to be asked for */
static DestReceiver *
keep_rows(StashQuery *query)
{
	DestReceiver *keeper = CreateDestReceiver(DestTuplestore);

	query->rows = tuplestore_begin_heap(false, false, work_mem);
	SetTuplestoreDestReceiverParams(keeper, query->rows, CurrentMemoryContext,
									false, NULL, NULL);
	return keeper;
}

static void
start_executor(StashQuery *query, PlannedStmt *plan,
			   const StashQuerySource *source)
{
	ParamListInfo params = source->params != NULL ? source->params->values : NULL;
	Snapshot	snapshot = take_snapshot(plan);

	if (plan->commandType == CMD_UTILITY)
	{
		query->columns = UtilityTupleDescriptor(plan->utilityStmt);
		query->utility = plan;
		query->params = params;
		query->snapshot = snapshot;
		return;
	}
	query->desc = CreateQueryDesc(plan, query->string, snapshot,
								  InvalidSnapshot, query->receiver, params,
								  NULL, 0);
	UnregisterSnapshot(snapshot);
	PushActiveSnapshot(query->desc->snapshot);
	ExecutorStart(query->desc,
				  query->mode == STASH_QUERY_NEVER ? EXEC_FLAG_EXPLAIN_ONLY : 0);
	PopActiveSnapshot();
	query->columns = query->desc->tupDesc;
}

static void
open_query(StashQuery *query, const StashQuerySource *source)
{
	/* workers could not wait between two pieces */
	PlannedStmt *plan = stash_query_plan(source,
										 query->mode == STASH_QUERY_ONCE ?
										 CURSOR_OPT_PARALLEL_OK : 0);

	if (query->mode == STASH_QUERY_IN_PIECES && is_whole(plan))
		query->receiver = keep_rows(query);
	start_executor(query, plan, source);
	if (query->rows != NULL)
	{
		/* a descriptor that outlives the executor */
		query->columns = CreateTupleDescCopy(query->columns);
		query->row = MakeSingleTupleTableSlot(query->columns,
											  &TTSOpsMinimalTuple);
	}
}

/*
 * Parse, plan and start a query; no row is read yet, and nothing is changed.
 *
 * The query and all its memory live in the current memory context, which
 * should be one of its own; its rows go to 'receiver'.  Errors: the query's
 * own, and those of stash_query_plan().  A statement that is a part of a
 * command is not named in errors: the server names the command.
 */
StashQuery *
stash_query_open_source(const StashQuerySource *source, StashQueryMode mode,
						DestReceiver *receiver)
{
	ErrorContextCallback callback;
	StashQuery *query = palloc0(sizeof(StashQuery));

	query->mode = mode;
	query->is_part = source->statement != NULL;
	query->string = pstrdup(source->string);
	query->asker = query->receiver = receiver;
	if (query->is_part)
	{
		open_query(query, source);
		return query;
	}
	push_error_context(&callback, query->string);
	open_query(query, source);
	error_context_stack = callback.previous;
	return query;
}

/*
 * The same for a text that must be a SELECT without parameters which neither
 * writes nor locks.
 */
StashQuery *
stash_query_open(const char *string, StashQueryMode mode,
				 DestReceiver *receiver)
{
	StashQuerySource source = {.string = string};

	return stash_query_open_source(&source, mode, receiver);
}

/*
 * The columns of the rows; lives as long as the query.
 */
TupleDesc
stash_query_desc(StashQuery *query)
{
	return query->columns;
}

/* end the executor, if there still is one */
static void
end_executor(StashQuery *query)
{
	if (query->desc == NULL)
		return;
	PushActiveSnapshot(query->desc->snapshot);
	if (query->mode != STASH_QUERY_NEVER)
		ExecutorFinish(query->desc);
	ExecutorEnd(query->desc);
	PopActiveSnapshot();
	FreeQueryDesc(query->desc);
	query->desc = NULL;
}

static void
run_utility(StashQuery *query)
{
	PlannedStmt *utility = query->utility;
	QueryCompletion completion;

	/* once, whatever comes of it */
	query->utility = NULL;
	InitializeQueryCompletion(&completion);
	PushActiveSnapshot(query->snapshot);
	ProcessUtility(utility, query->string, false, PROCESS_UTILITY_QUERY,
				   query->params, NULL, query->receiver, &completion);
	PopActiveSnapshot();
	UnregisterSnapshot(query->snapshot);
}

/* hand on rows that wait, until the receiver has enough of them */
static void
hand_on(StashQuery *query)
{
	while (tuplestore_gettupleslot(query->rows, true, false, query->row))
	{
		if (!query->asker->receiveSlot(query->row, query->asker))
		{
			/* it may be in memory that is gone by the next run */
			ExecClearTuple(query->row);
			return;
		}
	}
}

static void
run(StashQuery *query)
{
	if (query->utility != NULL)
		run_utility(query);
	else if (query->desc != NULL)
	{
		PushActiveSnapshot(query->desc->snapshot);
		stash_compat_executor_run(query->desc,
								  query->mode == STASH_QUERY_ONCE);
		PopActiveSnapshot();
	}
	if (query->rows != NULL)
	{
		end_executor(query);
		hand_on(query);
	}
}

/*
 * The topmost node of the plan: the planner's estimates, and the columns.
 */
const Plan *
stash_query_top(StashQuery *query)
{
	return query->desc->plannedstmt->planTree;
}

/*
 * Run to the end, or until the receiver has said that it takes no more rows
 * for now.
 *
 * The caller knows from its receiver whether it did; if not, the rows are at
 * their end, and the query must not be run again.
 */
void
stash_query_run(StashQuery *query)
{
	ErrorContextCallback callback;

	if (query->is_part)
	{
		run(query);
		return;
	}
	push_error_context(&callback, query->string);
	run(query);
	error_context_stack = callback.previous;
}

/*
 * End the query, at its end or before.  Its memory is left to the context in
 * which it was opened.
 */
void
stash_query_close(StashQuery *query)
{
	end_executor(query);
	if (query->utility != NULL)
		UnregisterSnapshot(query->snapshot);
	if (query->rows != NULL)
	{
		ExecDropSingleTupleTableSlot(query->row);
		tuplestore_end(query->rows);
	}
}
