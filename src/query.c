/*-------------------------------------------------------------------------
 *
 * query.c
 *	  A query that a user gives as text: opened, run, closed.
 *
 * The query runs as if the caller had sent it: parsed with the caller's
 * search_path, planned and checked with the caller's rights and row security,
 * read with the snapshot of the calling statement from first to last row.
 *
 * It has an executor of its own and no portal.  What it holds (snapshot,
 * buffer pins, locks) belongs to the resource owner of the calling query, as
 * for an SQL function that returns a set.  Therefore it lives exactly as long
 * as that query: in a cursor across savepoints, and when a holdable cursor
 * is completed at commit.  A portal would be closed by the commit first, and
 * by CLOSE ALL.
 *
 * After an error nothing is closed here: the end of the (sub)transaction
 * does it, with the calling query.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/execdesc.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "query.h"

struct StashQuery
{
	QueryDesc  *desc;
	StashQueryMode mode;
	bool		is_part;		/* of a command: not named in errors */
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
throw_no_query(const char *command)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot use %s as a query", command),
			 errdetail("The query must return rows and change nothing."),
			 errhint("Use SELECT, VALUES, TABLE or WITH ... SELECT.")));
}

/* the one statement that 'string' must be */
static RawStmt *
parse_query(const char *string)
{
	List	   *statements = pg_parse_query(string);

	if (statements == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("query is empty"),
				 errhint("Use SELECT, VALUES, TABLE or WITH ... SELECT.")));
	if (list_length(statements) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("query has more than one statement"),
				 errdetail("It has %d statements.", list_length(statements)),
				 errhint("Use one call for each of them.")));
	return linitial_node(RawStmt, statements);
}

/*
 * Plan a statement, which must be a SELECT.
 *
 * Freshly planned under the locks of the parser, so it needs no check whether
 * it is still valid.
 */
static PlannedStmt *
plan_query(RawStmt *statement, const char *string, StashQueryMode mode,
		   int nparams, const Oid *types)
{
	List	   *queries;
	Query	   *query;
	PlannedStmt *plan;

	if (!IsA(statement->stmt, SelectStmt))
		throw_no_query(CreateCommandName(statement->stmt));

	queries = pg_analyze_and_rewrite_fixedparams(statement, string,
												 types, nparams, NULL);
	if (list_length(queries) != 1)
		elog(ERROR, "a SELECT became %d queries", list_length(queries));
	query = linitial_node(Query, queries);
	if (query->commandType != CMD_SELECT)
		throw_no_query(CreateCommandName((Node *) query));
	if (query->hasModifyingCTE)
		throw_no_query("a data-modifying WITH");

	/* workers could not wait between two pieces */
	plan = stash_compat_plan_query(query, string,
								   mode == STASH_QUERY_ONCE ?
								   CURSOR_OPT_PARALLEL_OK : 0);
	if (!CommandIsReadOnly(plan))
		throw_no_query(CreateCommandName((Node *) plan));
	return plan;
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
 * Parse, plan and start a query; no row is read yet.
 *
 * The query and all its memory live in the current memory context, which
 * should be one of its own; its rows go to 'receiver'.  Errors: the query's
 * own; 42601 when it is not one statement, 0A000 when it is no SELECT or would
 * write or lock rows.
 */
StashQuery *
stash_query_open(const char *string, StashQueryMode mode,
				 DestReceiver *receiver)
{
	return stash_query_open_with(string, mode, receiver, 0, NULL, NULL);
}

static StashQuery *
start_query(PlannedStmt *plan, const char *string, StashQueryMode mode,
			DestReceiver *receiver, ParamListInfo params)
{
	StashQuery *query = palloc0(sizeof(StashQuery));

	query->mode = mode;
	query->desc = CreateQueryDesc(plan, pstrdup(string),
								  GetActiveSnapshot(), InvalidSnapshot,
								  receiver, params, NULL, 0);
	ExecutorStart(query->desc, 0);
	return query;
}

/*
 * The same for a query with parameters $1 to $n of the types given.
 */
StashQuery *
stash_query_open_with(const char *string, StashQueryMode mode,
					  DestReceiver *receiver, int nparams, const Oid *types,
					  ParamListInfo params)
{
	ErrorContextCallback callback;
	StashQuery *query;
	PlannedStmt *plan;

	push_error_context(&callback, string);
	plan = plan_query(parse_query(string), string, mode, nparams, types);
	query = start_query(plan, string, mode, receiver, params);
	error_context_stack = callback.previous;
	return query;
}

/*
 * The same for a statement that is a part of the command 'string', which the
 * server itself names in errors.
 */
StashQuery *
stash_query_open_part(RawStmt *statement, const char *string,
					  StashQueryMode mode, DestReceiver *receiver)
{
	PlannedStmt *plan = plan_query(statement, string, mode, 0, NULL);
	StashQuery *query = start_query(plan, string, mode, receiver, NULL);

	query->is_part = true;
	return query;
}

/*
 * The columns of the rows; lives as long as the query.
 */
TupleDesc
stash_query_desc(StashQuery *query)
{
	return query->desc->tupDesc;
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

	if (!query->is_part)
		push_error_context(&callback, query->desc->sourceText);
	PushActiveSnapshot(query->desc->snapshot);
	stash_compat_executor_run(query->desc, query->mode == STASH_QUERY_ONCE);
	PopActiveSnapshot();
	if (!query->is_part)
		error_context_stack = callback.previous;
}

/*
 * End the query, at its end or before.  Its memory is left to the context in
 * which it was opened.
 */
void
stash_query_close(StashQuery *query)
{
	PushActiveSnapshot(query->desc->snapshot);
	ExecutorFinish(query->desc);
	ExecutorEnd(query->desc);
	PopActiveSnapshot();
	FreeQueryDesc(query->desc);
}
