/*-------------------------------------------------------------------------
 *
 * memo_ran.c
 *	  Functions whose calls are prepared once in a transaction, and run often.
 *
 * The right to execute a function is checked when a call of it is prepared.
 * For a query that is each time it starts; but PL/pgSQL prepares an expression
 * once in a transaction, so that a target that runs again, or calls what has
 * run before, would seem to call less than it does.
 *
 * Here is remembered, until the transaction ends, what was prepared apart from
 * queries while which functions may have been running: all that were noted for
 * the target that ran.  Whoever runs one of them may call what it prepared.
 *
 * And the planner calls IMMUTABLE functions, whose values then stand in plans that
 * are kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/proclang.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"

/* what was prepared while a function may have been running */
typedef struct Runner
{
	Oid			function;		/* must be first; 0: what ran outside of
								 * targets */
	bool		is_outside;		/* it was among that */
	List	   *prepared;
} Runner;

static HTAB *runners;			/* of this transaction; NULL: nothing yet */

/* we were loaded in the middle of it, and do not know all that ran outside */
static bool came_late;

/* whether a function may prepare calls, as long as no function changes */
typedef struct RunnerKnown
{
	Oid			function;		/* 0: nothing is known */
	bool		may_prepare;
} RunnerKnown;

static RunnerKnown runners_known[64];

static void
forget_known(Datum arg, int cacheid, uint32 hashvalue)
{
	memset(runners_known, 0, sizeof(runners_known));
}

/*
 * Whether a function of a user may prepare calls apart from queries, and do so
 * but once, by its language.  C functions have other ways to call others, and
 * no checks; ours are traced.
 */
static bool
may_prepare(Oid function)
{
	RunnerKnown *known = &runners_known[function % lengthof(runners_known)];
	Oid			ours;
	Oid			language;
	HeapTuple	tuple;

	if (known->function == function)
		return known->may_prepare;
	/* what is heard of changes is heard before the function is read */
	ours = get_language_oid("stash", true);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return true;
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	ReleaseSysCache(tuple);
	known->function = function;
	known->may_prepare = language != INTERNALlanguageId &&
		language != ClanguageId && language != SQLlanguageId &&
		language != ours;
	return known->may_prepare;
}

/* ---- while a query is planned ---- */

static StashMemoPlanning *planning_now; /* the innermost, or NULL */

/*
 * A query is about to be planned.  stash_memo_ran_plan_end() must follow, after
 * an error, too.
 */
void
stash_memo_ran_plan_begin(StashMemoPlanning *planning)
{
	planning->outer = planning_now;
	planning->context = CurrentMemoryContext;
	planning->functions = NIL;
	planning_now = planning;
}

void
stash_memo_ran_plan_end(StashMemoPlanning *planning)
{
	planning_now = planning->outer;
}

bool
stash_memo_ran_is_planning(void)
{
	return planning_now != NULL;
}

/*
 * A function is about to be called, maybe to plan a query, or by what is called
 * for that.
 */
void
stash_memo_ran_planned(Oid function)
{
	StashMemoPlanning *planning = planning_now;

	if (function < FirstNormalObjectId)
		return;
	for (; planning != NULL; planning = planning->outer)
	{
		MemoryContext old = MemoryContextSwitchTo(planning->context);

		planning->functions = list_append_unique_oid(planning->functions,
													 function);
		MemoryContextSwitchTo(old);
	}
}

/*
 * The functions whose bodies stand in a plan that has these 'items'; '*unsure':
 * there is one that cannot be told.
 */
List *
stash_memo_ran_inlined(List *items, bool *unsure)
{
	List	   *functions = NIL;
	ListCell   *cell;

	*unsure = false;
	foreach(cell, items)
	{
		const PlanInvalItem *item = lfirst(cell);
		Oid			function;

		if (item->cacheId != PROCOID ||
			!stash_memo_find_inlined(item->hashValue, &function))
			continue;
		if (OidIsValid(function))
			functions = lappend_oid(functions, function);
		else
			*unsure = true;
	}
	return functions;
}

/* ---- in a transaction ---- */

static Runner *
find_runner(Oid function)
{
	Runner	   *runner;
	bool		found;

	if (runners == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(Runner);
		ctl.hcxt = TopTransactionContext;
		runners = hash_create("pg_hashstash functions that ran", 32, &ctl,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	runner = hash_search(runners, &function, HASH_ENTER, &found);
	if (!found)
	{
		runner->is_outside = false;
		runner->prepared = NIL;
	}
	return runner;
}

static void
add_prepared(Oid function, Oid called)
{
	Runner	   *runner = find_runner(function);
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	runner->prepared = list_append_unique_oid(runner->prepared, called);
	MemoryContextSwitchTo(old);
}

/*
 * While a target ran for which 'running' were noted, a call was prepared that
 * is no part of a query.
 */
void
stash_memo_ran_prepared(List *running, Oid function)
{
	List	   *all = stash_memo_ran_all(running);
	ListCell   *cell;

	foreach(cell, all)
	{
		if (may_prepare(lfirst_oid(cell)))
			add_prepared(lfirst_oid(cell), function);
	}
	list_free(all);
}

/*
 * A call was prepared while no target ran, or a function of users was called
 * there; 'is_query': as part of a query.
 */
void
stash_memo_ran_outside(Oid function, bool is_query)
{
	if (function >= FirstNormalObjectId && may_prepare(function))
		find_runner(function)->is_outside = true;
	if (!is_query)
		add_prepared(InvalidOid, function);
}

/*
 * The functions given and all that these may have called, in a list of its
 * own in the current memory context.
 */
List *
stash_memo_ran_all(List *functions)
{
	List	   *all = list_copy(functions);
	Runner	   *outside = NULL;

	if (runners == NULL)
		return all;
	/* it grows while it is read */
	for (int i = 0; i < list_length(all); i++)
	{
		Oid			function = list_nth_oid(all, i);
		Runner	   *runner;

		if (function < FirstNormalObjectId || !may_prepare(function))
			continue;
		runner = find_runner(function);
		all = list_concat_unique_oid(all, runner->prepared);
		if (outside == NULL && (came_late || runner->is_outside))
		{
			outside = find_runner(InvalidOid);
			all = list_concat_unique_oid(all, outside->prepared);
		}
	}
	return all;
}

static void
end_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			return;
		default:
			/* it goes with its memory context */
			runners = NULL;
			came_late = false;
	}
}

/*
 * Register the callback; called once when the library is loaded.
 */
void
stash_memo_ran_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	stash_catalog_listen_cache(PROCOID, forget_known);
	came_late = IsTransactionState();
	/* what is prepared already is prepared again, and seen */
	if (came_late)
		ResetPlanCache();
}
