/*-------------------------------------------------------------------------
 *
 * memo_explain.c
 *	  A line for each memoized function below EXPLAIN ANALYZE.
 *
 * It tells what this session counts while the statement runs; parallel workers
 * count for themselves.  In text only: the other formats are lists of plans,
 * where those who read them expect nothing else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/regproc.h"

#include "compat.h"
#include "memo.h"

static ExplainOneQuery_hook_type next_explain;

static int
compare_names(const ListCell *a, const ListCell *b)
{
	const StashMemoTallied *one = lfirst(a);
	const StashMemoTallied *two = lfirst(b);

	return strcmp(one->name, two->name);
}

/* a line of what was counted of a function that the caller may call */
static void
put_line(ExplainState *es, const StashMemoTallied *one)
{
	const uint64 *counts = one->counts;
	uint64		bypasses = stash_memo_count_sum(counts, STASH_MEMO_BYPASS);

	appendStringInfoSpaces(es->str, es->indent * 2);
	appendStringInfo(es->str, "Memo of %s: local=" UINT64_FORMAT " shared=" UINT64_FORMAT
					 " table=" UINT64_FORMAT " computed=" UINT64_FORMAT,
					 one->name, counts[STASH_MEMO_HIT_LOCAL],
					 counts[STASH_MEMO_HIT_SHARED], counts[STASH_MEMO_HIT_TABLE],
					 counts[STASH_MEMO_MISS]);
	if (es->timing && counts[STASH_MEMO_MISS] > 0)
		appendStringInfo(es->str, " in %.3f ms",
						 counts[STASH_MEMO_COMPUTED] / 1000.0);
	if (bypasses > 0)
		appendStringInfo(es->str, " bypassed=" UINT64_FORMAT, bypasses);
	appendStringInfoChar(es->str, '\n');
}

static void
put_lines(ExplainState *es, StashMemoTally *tally)
{
	List	   *lines = NIL;
	ListCell   *cell;

	foreach(cell, tally->functions)
	{
		StashMemoTallied *one = lfirst(cell);

		/* one that runs inside another may be nothing for the caller */
		if (stash_compat_proc_aclcheck(one->function, GetUserId(),
									   ACL_EXECUTE) != ACLCHECK_OK)
			continue;
		one->name = es->verbose ?
			format_procedure_extended(one->function, FORMAT_PROC_FORCE_QUALIFY) :
			format_procedure(one->function);
		lines = lappend(lines, one);
	}
	list_sort(lines, compare_names);
	foreach(cell, lines)
		put_line(es, lfirst(cell));
}

/* what would be done without us */
static void
explain_as_ever(Query *query, int options, IntoClause *into, ExplainState *es,
				const char *string, ParamListInfo params,
				QueryEnvironment *environment)
{
	if (next_explain != NULL)
		next_explain(query, options, into, es, string, params, environment);
	else
		stash_compat_explain_query(query, options, into, es, string, params,
								   environment);
}

static void
explain_query(Query *query, int options, IntoClause *into, ExplainState *es,
			  const char *string, ParamListInfo params,
			  QueryEnvironment *environment)
{
	StashMemoTally tally;

	if (!es->analyze || es->format != EXPLAIN_FORMAT_TEXT)
	{
		explain_as_ever(query, options, into, es, string, params, environment);
		return;
	}
	stash_memo_tally_begin(&tally);
	PG_TRY();
	{
		explain_as_ever(query, options, into, es, string, params, environment);
		stash_memo_stat_flush();
	}
	PG_FINALLY();
	{
		stash_memo_tally_end(&tally);
	}
	PG_END_TRY();
	put_lines(es, &tally);
}

/*
 * Take the hook; called once when the library is loaded.
 */
void
stash_memo_explain_init(void)
{
	next_explain = ExplainOneQuery_hook;
	ExplainOneQuery_hook = explain_query;
}
