/*-------------------------------------------------------------------------
 *
 * export.c
 *	  The query whose rows are exported: opened, run in pieces, closed.
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

#include "access/detoast.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "export.h"

struct StashExportQuery
{
	QueryDesc  *desc;
	int64		memory_limit;	/* bytes; 0: none */
	MemoryContext context;		/* all memory of the export and its query */
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
		errcontext("export of \"%s\"", query);
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
throw_not_exportable(const char *command)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot export the result of %s", command),
			 errdetail("Only a query that returns rows and changes nothing can be exported."),
			 errhint("Use SELECT, VALUES, TABLE or WITH ... SELECT.")));
}

/*
 * Parse and plan the one SELECT that 'string' must be.
 *
 * Freshly planned under the locks of the parser, so it needs no check whether
 * it is still valid.
 */
static PlannedStmt *
plan_query(const char *string)
{
	List	   *statements = pg_parse_query(string);
	RawStmt    *statement;
	List	   *queries;
	Query	   *query;
	PlannedStmt *plan;

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
				 errhint("Export each of them by itself.")));

	statement = linitial_node(RawStmt, statements);
	if (!IsA(statement->stmt, SelectStmt))
		throw_not_exportable(CreateCommandName(statement->stmt));

	queries = pg_analyze_and_rewrite_fixedparams(statement, string,
												 NULL, 0, NULL);
	if (list_length(queries) != 1)
		elog(ERROR, "a SELECT became %d queries", list_length(queries));
	query = linitial_node(Query, queries);
	if (query->commandType != CMD_SELECT)
		throw_not_exportable(CreateCommandName((Node *) query));
	if (query->hasModifyingCTE)
		throw_not_exportable("a data-modifying WITH");

	/* no parallel plan: workers cannot wait between two chunks */
	plan = stash_compat_plan_query(query, string, 0);
	if (!CommandIsReadOnly(plan))
		throw_not_exportable(CreateCommandName((Node *) plan));
	return plan;
}

static void
check_not_null(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
}

/*
 * Read and check the arguments that all export functions begin with: query,
 * chunk_rows, chunk_bytes, memory_limit.
 *
 * The query is copied to the current memory context.  Errors: 22004 for a
 * null, 22023 for a number that is out of range.
 */
void
stash_export_get_options(FunctionCallInfo fcinfo, StashExportOptions *options)
{
	check_not_null(fcinfo, 0, "query");
	check_not_null(fcinfo, 1, "chunk_rows");
	check_not_null(fcinfo, 2, "chunk_bytes");

	options->query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	options->chunk_rows = PG_GETARG_INT32(1);
	options->chunk_bytes = PG_GETARG_INT32(2);
	options->memory_limit = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT64(3);

	if (options->chunk_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for chunk_rows: %d",
						options->chunk_rows),
				 errdetail("A chunk has at least one row."),
				 errhint("Leave chunk_rows out to get the default.")));
	if (options->chunk_bytes < 1 ||
		options->chunk_bytes > STASH_EXPORT_MAX_CHUNK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for chunk_bytes: %d",
						options->chunk_bytes),
				 errdetail("chunk_bytes must be between %d and %d.",
						   1, STASH_EXPORT_MAX_CHUNK),
				 errhint("Leave chunk_bytes out to get the default.")));
	if (!PG_ARGISNULL(3) && options->memory_limit < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for memory_limit: %lld",
						(long long) options->memory_limit),
				 errdetail("memory_limit is a positive number of bytes, or null for no limit."),
				 errhint("Leave memory_limit out to have no limit.")));
}

/*
 * Parse, plan and start a query; no row is read yet.
 *
 * The query and all its memory live in 'context', which must be fresh; its
 * rows go to 'receiver'.  Errors: the query's own; 42601 when it is not one
 * statement, 0A000 when it is no SELECT or would write or lock rows.
 */
StashExportQuery *
stash_export_open(const StashExportOptions *options, DestReceiver *receiver,
				  MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	StashExportQuery *query = palloc0(sizeof(StashExportQuery));
	ErrorContextCallback callback;
	PlannedStmt *plan;

	push_error_context(&callback, options->query);
	plan = plan_query(options->query);
	query->context = context;
	query->memory_limit = options->memory_limit;
	query->desc = CreateQueryDesc(plan, pstrdup(options->query),
								  GetActiveSnapshot(), InvalidSnapshot,
								  receiver, NULL, NULL, 0);
	ExecutorStart(query->desc, 0);
	error_context_stack = callback.previous;

	MemoryContextSwitchTo(old);
	return query;
}

/*
 * The columns of the rows; lives as long as the query.
 */
TupleDesc
stash_export_desc(StashExportQuery *query)
{
	return query->desc->tupDesc;
}

/*
 * Run until the receiver has said that it takes no more rows for now.
 *
 * The caller knows from its receiver whether it did; if not, the rows are at
 * their end, and the query must not be run again.
 */
void
stash_export_run(StashExportQuery *query)
{
	ErrorContextCallback callback;

	push_error_context(&callback, query->desc->sourceText);
	PushActiveSnapshot(query->desc->snapshot);
	stash_compat_executor_run(query->desc);
	PopActiveSnapshot();
	error_context_stack = callback.previous;
}

/*
 * End the query, at its end or before.  What 'context' has is left to it.
 */
void
stash_export_close(StashExportQuery *query)
{
	PushActiveSnapshot(query->desc->snapshot);
	ExecutorFinish(query->desc);
	ExecutorEnd(query->desc);
	PopActiveSnapshot();
	FreeQueryDesc(query->desc);
}

/*
 * Throw 53200 when the export would hold more than its limit with 'more'
 * bytes.  What the query itself uses for sorting and the like is counted.
 */
void
stash_export_check_memory(StashExportQuery *query, Size more)
{
	Size		held;

	if (query->memory_limit == 0)
		return;

	held = MemoryContextMemAllocated(query->context, true) + more;
	if (held > (uint64) query->memory_limit)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("export needs more memory than its limit allows"),
				 errdetail("It needs %llu bytes; memory_limit is %lld.",
						   (unsigned long long) held,
						   (long long) query->memory_limit),
				 errhint("Raise memory_limit, or make chunk_bytes smaller.")));
}

/*
 * The same before a row is written: what it takes to read its toasted values.
 */
void
stash_export_check_row(StashExportQuery *query, TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;
	Size		more = 0;

	if (query->memory_limit == 0)
		return;

	for (int i = 0; i < desc->natts; i++)
	{
		Datum		value = slot->tts_values[i];

		/* once as they are and once as text */
		if (!slot->tts_isnull[i] && TupleDescAttr(desc, i)->attlen == -1 &&
			VARATT_IS_EXTENDED(DatumGetPointer(value)))
			more += 2 * toast_raw_datum_size(value);
	}
	stash_export_check_memory(query, more);
}
