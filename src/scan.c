/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  Functions that return sets, streamed from FROM.
 *
 * In FROM the server runs a function to its end and keeps all rows before it
 * gives the first one.  Functions whose SUPPORT function is
 * stash.scan_support() are scanned by a node of our own instead: it calls
 * them as the select list does, for one row at a time, and hands each row on.
 * Nothing here knows what they do.  They must return one row per call.
 *
 * The planner calls the SUPPORT function before it makes paths.  So the library
 * is loaded and its hook set in time, without preloading.
 *
 * The function runs once for the same arguments, as it does for the server.
 * Where the plan may ask for its rows again (an inner side of a nested loop, a
 * subquery) they are kept while they are handed on.  WITH ORDINALITY, several
 * functions in ROWS FROM, column definition lists, and statements that lock or
 * change rows of a table beside it are left to the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "scan.h"

PG_FUNCTION_INFO_V1(pg_hashstash_scan_support);

#define NODE_NAME	"StashScan" /* as EXPLAIN shows it */

/* A scan that runs. */
typedef struct StreamScan
{
	CustomScanState base;		/* must be first */
	SetExprState *function;
	ExprContext *context;		/* of its calls, so that a rescan of the node
								 * does not end them */
	MemoryContext args;			/* of its arguments, while it returns rows */
	bool		gives_rows;		/* not single values */
	bool		is_done;		/* it has no more rows */
	Bitmapset  *params;			/* that its arguments depend on */
	bool		has_subplan;	/* and maybe on more */
	TupleDesc	row;			/* of the whole row; NULL: nobody wants it */
	Tuplestorestate *store;		/* of rows handed on; NULL: not kept */
	TupleTableSlot *stored;		/* a row of it */
} StreamScan;

static set_rel_pathlist_hook_type next_pathlist;

/*
 * stash.scan_support(request internal) returns internal
 *
 * To be called by the planner.  It has no answer: that it was called has
 * loaded the library.
 */
Datum
pg_hashstash_scan_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(NULL);
}

/* whether a function has the one above */
static bool
is_streamed(Oid function)
{
	Oid			support = get_func_support(function);
	FmgrInfo	info;

	if (!OidIsValid(support))
		return false;
	fmgr_info(support, &info);
	return info.fn_addr == pg_hashstash_scan_support;
}

/*
 * The columns of a function's rows, or NULL if a declared row type or the
 * call says which they are.
 */
static TupleDesc
get_columns(Node *call)
{
	TupleDesc	desc;
	Oid			type;

	switch (get_expr_result_type(call, &type, &desc))
	{
		case TYPEFUNC_COMPOSITE:
			return type == RECORDOID ? desc : NULL;
		case TYPEFUNC_SCALAR:
			desc = CreateTemplateTupleDesc(1);
			TupleDescInitEntry(desc, 1, "value", type, -1, 0);
			TupleDescInitEntryCollation(desc, 1, exprCollation(call));
			TupleDescFinalize(desc);
			return desc;
		default:
			return NULL;
	}
}

/* the call that FROM consists of there, if it is one to be streamed */
static Node *
streamed_call(RangeTblEntry *rte)
{
	RangeTblFunction *function;

	if (rte->rtekind != RTE_FUNCTION || rte->funcordinality ||
		list_length(rte->functions) != 1)
		return NULL;
	function = linitial(rte->functions);
	if (function->funccolnames != NIL || !IsA(function->funcexpr, FuncExpr) ||
		!((FuncExpr *) function->funcexpr)->funcretset ||
		!is_streamed(((FuncExpr *) function->funcexpr)->funcid) ||
		get_columns(function->funcexpr) == NULL)
		return NULL;
	return function->funcexpr;
}

/*
 * A scan of our own: columns from the call, and behind them the whole row, as
 * expressions may refer to it.
 */
static Plan *
plan_scan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
		  List *clauses, List *plans)
{
	CustomScan *scan = makeNode(CustomScan);
	RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);
	Node	   *call = linitial_node(RangeTblFunction, rte->functions)->funcexpr;
	TupleDesc	desc = get_columns(call);
	List	   *columns = NIL;
	Bitmapset  *used = NULL;
	Var		   *row = makeWholeRowVar(rte, rel->relid, 0, false);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		Var		   *var = makeVar(rel->relid, i + 1, column->atttypid,
								  column->atttypmod, column->attcollation, 0);

		columns = lappend(columns,
						  makeTargetEntry((Expr *) var, i + 1, NULL, false));
	}
	columns = lappend(columns,
					  makeTargetEntry((Expr *) row, desc->natts + 1, NULL, false));

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = extract_actual_clauses(clauses, false);
	/* there is no relation that the executor should open */
	scan->scan.scanrelid = 0;
	scan->flags = path->flags;
	scan->custom_scan_tlist = columns;
	scan->custom_exprs = list_make1(copyObject(call));
	/* names of the columns, if the whole row is wanted */
	pull_varattnos((Node *) tlist, rel->relid, &used);
	pull_varattnos((Node *) scan->scan.plan.qual, rel->relid, &used);
	if (bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber,
					  used))
		scan->custom_private = copyObject(rte->eref->colnames);
	scan->methods = GetCustomScanMethods(NODE_NAME, false);
	return &scan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = NODE_NAME,.PlanCustomPath = plan_scan
};

/*
 * Put our scan in the place of the server's.
 */
static void
set_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	ListCell   *cell;

	if (next_pathlist != NULL)
		next_pathlist(root, rel, rti, rte);
	/* a row that is to be looked at once more comes as a datum */
	if (root->rowMarks != NIL || streamed_call(rte) == NULL)
		return;

	foreach(cell, rel->pathlist)
	{
		Path	   *theirs = lfirst(cell);
		CustomPath *ours;

		if (theirs->pathtype != T_FunctionScan)
			continue;
		ours = makeNode(CustomPath);
		ours->path = *theirs;
		ours->path.type = T_CustomPath;
		ours->path.pathtype = T_CustomScan;
		/* theirs has all rows then */
		ours->path.startup_cost = rel->baserestrictcost.startup +
			theirs->pathtarget->cost.startup;
		ours->flags = CUSTOMPATH_SUPPORT_PROJECTION;
		ours->methods = &path_methods;
		lfirst(cell) = ours;
	}
}

/* note what the value of an expression depends on */
static bool
find_params(Node *node, StreamScan *scan)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		scan->params = bms_add_member(scan->params, ((Param *) node)->paramid);
	else if (IsA(node, SubPlan))
		scan->has_subplan = true;
	return expression_tree_walker(node, find_params, scan);
}

static bool runs_once(const Plan *plan, const Plan *wanted,
					  const PlannedStmt *statement);

static bool
one_runs_once(List *plans, const Plan *wanted, const PlannedStmt *statement)
{
	ListCell   *cell;

	foreach(cell, plans)
	{
		if (runs_once(lfirst(cell), wanted, statement))
			return true;
	}
	return false;
}

/*
 * Whether 'wanted' is a part of 'plan' that is read once where that is: not
 * the inner side of a nested loop, and no subquery that is run again.
 */
static bool
runs_once(const Plan *plan, const Plan *wanted, const PlannedStmt *statement)
{
	bool		has_loop;
	ListCell   *cell;

	if (plan == NULL)
		return false;
	if (plan == wanted)
		return true;
	check_stack_depth();

	foreach(cell, plan->initPlan)
	{
		SubPlan    *subplan = lfirst_node(SubPlan, cell);

		if (runs_once(list_nth(statement->subplans, subplan->plan_id - 1),
					  wanted, statement))
			return true;
	}
	switch (nodeTag(plan))
	{
		case T_Append:
			return one_runs_once(((const Append *) plan)->appendplans, wanted,
								 statement);
		case T_MergeAppend:
			return one_runs_once(((const MergeAppend *) plan)->mergeplans,
								 wanted, statement);
		case T_SubqueryScan:
			return runs_once(((const SubqueryScan *) plan)->subplan, wanted,
							 statement);
		default:
			has_loop = IsA(plan, NestLoop) || IsA(plan, RecursiveUnion);
			return runs_once(plan->lefttree, wanted, statement) ||
				(!has_loop && runs_once(plan->righttree, wanted, statement));
	}
}

/* the type of whole rows, with the names that the query gives the columns */
static TupleDesc
make_row_desc(TupleDesc columns, List *names)
{
	TupleDesc	desc = CreateTemplateTupleDesc(columns->natts - 1);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		TupleDescInitEntry(desc, i + 1, strVal(list_nth(names, i)),
						   column->atttypid, column->atttypmod, 0);
		TupleDescInitEntryCollation(desc, i + 1, column->attcollation);
	}
	TupleDescFinalize(desc);
	return BlessTupleDesc(desc);
}

static void
begin_scan(CustomScanState *node, EState *estate, int eflags)
{
	StreamScan *scan = (StreamScan *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	Expr	   *call = linitial(plan->custom_exprs);
	TupleDesc	columns = node->ss.ss_ScanTupleSlot->tts_tupleDescriptor;

	scan->context = CreateExprContext(estate);
	scan->args = AllocSetContextCreate(estate->es_query_cxt,
									   "pg_hashstash stream arguments",
									   ALLOCSET_DEFAULT_SIZES);
	/* checks the right to call it, too */
	scan->function = ExecInitFunctionResultSet(call, scan->context,
											   &node->ss.ps);
	(void) find_params((Node *) call, scan);
	scan->gives_rows = type_is_rowtype(exprType((Node *) call));
	if (plan->custom_private != NIL)
		scan->row = make_row_desc(columns, plan->custom_private);

	if ((eflags & EXEC_FLAG_REWIND) != 0 ||
		!runs_once(estate->es_plannedstmt->planTree, &plan->scan.plan,
				   estate->es_plannedstmt))
	{
		scan->store = tuplestore_begin_heap(false, false, work_mem);
		tuplestore_set_eflags(scan->store, EXEC_FLAG_REWIND);
		scan->stored = ExecInitExtraTupleSlot(estate, columns,
											  &TTSOpsMinimalTuple);
	}
}

/*
 * Call the function for its next row, which is valid until it is called again;
 * false when there is none.
 */
static bool
call_function(StreamScan *scan, TupleTableSlot *slot)
{
	int			ncolumns = slot->tts_tupleDescriptor->natts - 1;
	MemoryContext old;
	ExprDoneCond done;
	Datum		value;
	bool		isnull;

	CHECK_FOR_INTERRUPTS();
	ResetExprContext(scan->context);
	old = MemoryContextSwitchTo(scan->context->ecxt_per_tuple_memory);
	value = ExecMakeFunctionResultSet(scan->function, scan->context, scan->args,
									  &isnull, &done);
	if (done == ExprEndResult)
	{
		MemoryContextReset(scan->args);
		MemoryContextSwitchTo(old);
		return false;
	}

	if (!scan->gives_rows)
	{
		slot->tts_values[0] = value;
		slot->tts_isnull[0] = isnull;
	}
	else if (isnull)
		memset(slot->tts_isnull, true, ncolumns * sizeof(bool));
	else
	{
		HeapTupleHeader header = DatumGetHeapTupleHeader(value);
		HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header),.t_data = header};

		Assert(HeapTupleHeaderGetNatts(header) == ncolumns);
		heap_deform_tuple(&tuple, slot->tts_tupleDescriptor, slot->tts_values,
						  slot->tts_isnull);
	}
	slot->tts_isnull[ncolumns] = scan->row == NULL;
	if (scan->row != NULL)
		slot->tts_values[ncolumns] =
			HeapTupleGetDatum(heap_form_tuple(scan->row, slot->tts_values,
											  slot->tts_isnull));
	ExecStoreVirtualTuple(slot);
	MemoryContextSwitchTo(old);
	return true;
}

static TupleTableSlot *
fetch(ScanState *node)
{
	StreamScan *scan = (StreamScan *) node;
	TupleTableSlot *slot = ExecClearTuple(node->ss_ScanTupleSlot);

	if (scan->store != NULL &&
		tuplestore_gettupleslot(scan->store, true, false, scan->stored))
		return ExecCopySlot(slot, scan->stored);
	if (scan->is_done)
		return slot;
	if (!call_function(scan, slot))
		scan->is_done = true;
	else if (scan->store != NULL)
		tuplestore_puttupleslot(scan->store, slot);
	return slot;
}

/*
 * Called in place of fetch() when a row of another table is looked at once
 * more, as for a scan that stands for a join.  This one is then a part of a
 * subquery, and nothing in it differs.
 */
static bool
recheck(ScanState *node, TupleTableSlot *slot)
{
	return !TupIsNull(fetch(node));
}

static TupleTableSlot *
exec_scan(CustomScanState *node)
{
	return ExecScan(&node->ss, fetch, recheck);
}

static void
rescan(CustomScanState *node)
{
	StreamScan *scan = (StreamScan *) node;
	Bitmapset  *changed = node->ss.ps.chgParam;

	ExecScanReScan(&node->ss);
	if (scan->store != NULL &&
		(changed == NULL ||
		 (!scan->has_subplan && !bms_overlap(changed, scan->params))))
		tuplestore_rescan(scan->store);
	else
	{
		/* ends the calls */
		ReScanExprContext(scan->context);
		MemoryContextReset(scan->args);
		if (scan->store != NULL)
			tuplestore_clear(scan->store);
		scan->is_done = false;
	}
}

static void
end_scan(CustomScanState *node)
{
	StreamScan *scan = (StreamScan *) node;

	FreeExprContext(scan->context, true);
	if (scan->store != NULL)
		tuplestore_end(scan->store);
}

/*
 * Show the call as the server does.
 */
static void
explain_scan(CustomScanState *node, List *ancestors, ExplainState *es)
{
	Plan	   *plan = node->ss.ps.plan;
	FuncExpr   *call = linitial(((CustomScan *) plan)->custom_exprs);
	List	   *context;

	if (!es->verbose)
	{
		ExplainPropertyText("Function", get_func_name(call->funcid), es);
		return;
	}
	context = set_deparse_context_plan(es->deparse_cxt, plan, ancestors);
	ExplainPropertyText("Function Call",
						deparse_expression((Node *) call, context, true, false),
						es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = NODE_NAME,.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan,.ExplainCustomScan = explain_scan
};

static Node *
create_state(CustomScan *plan)
{
	StreamScan *scan = (StreamScan *) newNode(sizeof(StreamScan),
											  T_CustomScanState);

	scan->base.methods = &exec_methods;
	return (Node *) scan;
}

static const CustomScanMethods scan_methods = {
	.CustomName = NODE_NAME,.CreateCustomScanState = create_state
};

/*
 * Take the hook; called once when the library is loaded.
 */
void
stash_scan_init(void)
{
	RegisterCustomScanMethods(&scan_methods);
	next_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = set_pathlist;
}
