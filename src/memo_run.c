/*-------------------------------------------------------------------------
 *
 * memo_run.c
 *	  Calls of a function that is given by its OID: stash.run() and peek().
 *
 * A call goes the way of a memoized function's: the same key, proof, and
 * reasons not to remember.  Of a function that nobody has memoized the results
 * are in stash.run_result, for whoever ran it under the same settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "memo.h"
#include "memo_run.h"
#include "typeio.h"

PG_FUNCTION_INFO_V1(pg_hashstash_run);
PG_FUNCTION_INFO_V1(pg_hashstash_run_named);
PG_FUNCTION_INFO_V1(pg_hashstash_peek);

/* ---- calls that are put together ---- */

/*
 * Make a call of a function ready to be filled with arguments again and again;
 * it lives in 'context'.
 *
 * Errors as stash_memo_args_call().
 */
StashMemoRun *
stash_memo_run_make(Oid function, const StashMemoArgs *args, Oid collation,
					MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	StashMemoRun *run = palloc0(sizeof(StashMemoRun));
	FuncExpr   *expr;
	ListCell   *cell;
	List	   *planned = NIL;
	int			i = 0;

	run->context = context;
	run->function = function;
	run->args = *args;
	run->is_memoized = stash_memo_is_memoized(function);
	expr = stash_memo_args_call(function, args, collation);
	run->expr = expr;
	run->rettype = expr->funcresulttype;
	run->nargs = list_length(expr->args);
	run->states = palloc0(sizeof(ExprState *) * Max(run->nargs, 1));
	run->econtext = CreateStandaloneExprContext();
	run->params = makeParamList(args->n);
	run->econtext->ecxt_param_list_info = run->params;
	for (int j = 0; j < args->n; j++)
		run->params->params[j].ptype = args->types[j];
	run->casts = false;
	foreach(cell, expr->args)
	{
		Expr	   *arg = lfirst(cell);

		run->casts |= !IsA(arg, Param);
		arg = expression_planner(arg);
		planned = lappend(planned, arg);
		run->states[i++] = ExecInitExpr(arg, NULL);
	}
	if (run->casts)
		stash_memo_plan_expression(&run->facts, (Node *) planned);
	fmgr_info_cxt(function, &run->flinfo, context);
	fmgr_info_set_expr((Node *) expr, &run->flinfo);
	run->fcinfo = palloc0(SizeForFunctionCallInfo(run->nargs));
	InitFunctionCallInfoData(*run->fcinfo, &run->flinfo, run->nargs,
							 expr->inputcollid, NULL, NULL);
	MemoryContextSwitchTo(old);
	return run;
}

/*
 * Put the values of a call in; they are cast in the current memory context.
 */
void
stash_memo_run_fill(StashMemoRun *run, const NullableDatum *values)
{
	for (int i = 0; i < run->args.n; i++)
	{
		run->params->params[i].value = values[i].value;
		run->params->params[i].isnull = values[i].isnull;
	}
	if (run->casts)
		stash_memo_trace_facts(&run->facts, run->params);
	for (int i = 0; i < run->nargs; i++)
		run->fcinfo->args[i].value = ExecEvalExpr(run->states[i], run->econtext,
												  &run->fcinfo->args[i].isnull);
	run->fcinfo->isnull = false;
}

/*
 * What a call site of ours keeps of the call in flinfo->fn_extra, made anew
 * when the function or what is given to it changes.
 */
static StashMemoRun *
run_of_site(FunctionCallInfo fcinfo, Oid function, const StashMemoArgs *args,
			bool allow_sets)
{
	StashMemoRun *run = fcinfo->flinfo->fn_extra;
	MemoryContext context;
	StashMemoCall *call = run ? run->flinfo.fn_extra : NULL;

	if (run != NULL && run->function == function && call != NULL &&
		stash_memo_is_current(call) && run->args.n == args->n &&
		memcmp(run->args.types, args->types, sizeof(Oid) * args->n) == 0 &&
		memcmp(run->args.places, args->places, sizeof(int) * args->n) == 0)
		return run;
	stash_memo_args_check(function, allow_sets);
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash run",
									ALLOCSET_SMALL_SIZES);
	run = stash_memo_run_make(function, args, fcinfo->fncollation, context);
	if (fcinfo->flinfo->fn_extra != NULL)
	{
		StashMemoRun *old = fcinfo->flinfo->fn_extra;

		fcinfo->flinfo->fn_extra = NULL;
		FreeExprContext(old->econtext, true);
		MemoryContextDelete(old->context);
	}
	MemoryContextSetParent(context, fcinfo->flinfo->fn_mcxt);
	fcinfo->flinfo->fn_extra = run;
	return run;
}

static Oid
function_argument(FunctionCallInfo fcinfo, int argno)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("function must not be null")));
	return PG_GETARG_OID(argno);
}

/* the call that stands behind our own first arguments, by place */
static StashMemoRun *
run_of_arguments(FunctionCallInfo fcinfo, Oid function, int first,
				 bool allow_sets)
{
	StashMemoArgs args;
	StashMemoRun *run;

	args.n = PG_NARGS() - first;
	for (int i = 0; i < args.n; i++)
	{
		args.types[i] = get_fn_expr_argtype(fcinfo->flinfo, first + i);
		args.places[i] = i;
	}
	run = run_of_site(fcinfo, function, &args, allow_sets);
	stash_memo_run_fill(run, fcinfo->args + first);
	return run;
}

/* ---- run ---- */

/*
 * Throw 42P13 for a VOLATILE function that is not memoized.
 */
void
stash_memo_run_check_volatile(Oid function)
{
	if (func_volatile(function) == PROVOLATILE_VOLATILE &&
		!stash_memo_is_memoized(function))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s is VOLATILE and cannot be remembered",
						format_procedure(function)),
				 errhint("Declare it STABLE if its result does not change within a statement, or use stash.memoize(), which takes volatile => true.")));
}

static void
check_run(FunctionCallInfo fcinfo, const StashMemoRun *run)
{
	Oid			wanted = get_fn_expr_argtype(fcinfo->flinfo, 0);

	if (run->rettype != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("function %s returns %s, not %s",
						format_procedure(run->function),
						format_type_be(run->rettype), format_type_be(wanted)),
				 errhint("Give NULL::%s as the first argument.",
						 format_type_be(run->rettype))));
	stash_memo_run_check_volatile(run->function);
}

static Datum
answer_run(FunctionCallInfo fcinfo, StashMemoRun *run)
{
	Datum		value;

	if (unlikely(!run->is_checked))
	{
		check_run(fcinfo, run);
		run->is_checked = true;
	}
	if (run->is_memoized)
	{
		if (run->checked_role != GetUserId())
		{
			stash_memo_args_check(run->function, false);
			run->checked_role = GetUserId();
		}
		value = FunctionCallInvoke(run->fcinfo);
	}
	else
		value = stash_memo_answer(run->fcinfo, run->function);
	fcinfo->isnull = run->fcinfo->isnull;
	return value;
}

/*
 * stash.run(like anyelement, function regprocedure, VARIADIC args any)
 * returns anyelement
 *
 * Args:    like      only its type counts: that of the result
 *          function  a plain function, memoized or not
 *          args      its arguments by place; implicit casts, defaults
 * Returns: what the function returns, or has returned
 * Errors:  the function's own; 22004 NULL function, 42883 arguments that do not
 *          fit, 42804 another result type, 42P13 VOLATILE, 42809 no plain
 *          function, 0A000 a set, 42501 no EXECUTE
 * Called on NULL, volatile, parallel restricted.
 */
Datum
pg_hashstash_run(PG_FUNCTION_ARGS)
{
	check_stack_depth();
	return answer_run(fcinfo, run_of_arguments(fcinfo, function_argument(fcinfo, 1),
											   2, false));
}

/*
 * stash.run_named(like anyelement, function regprocedure, args jsonb)
 * returns anyelement
 *
 * The same with arguments by name, from a JSON object.  Errors also: 22023 no
 * object, 42883 no such parameter, 0A000 one of any type.
 */
Datum
pg_hashstash_run_named(PG_FUNCTION_ARGS)
{
	Oid			function = function_argument(fcinfo, 1);
	StashMemoArgs args;
	NullableDatum values[FUNC_MAX_ARGS];
	StashMemoRun *run;

	check_stack_depth();
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("arguments must not be null"),
				 errhint("Write '{}' for none.")));
	stash_memo_args_named(function, PG_GETARG_JSONB_P(2), &args, values);
	run = run_of_site(fcinfo, function, &args, false);
	stash_memo_run_fill(run, values);
	return answer_run(fcinfo, run);
}

/* ---- peek ---- */

/*
 * Find what is remembered of a call that has been filled in, proved fresh.
 *
 * False where there is none, or the call would be computed for any reason.
 * '*variant' is the answer, of a set its rows as an array, or what tells of its
 * parts.
 */
bool
stash_memo_run_peek(StashMemoRun *run, bytea **variant, bool *isnull)
{
	StashMemoCall *call = stash_memo_call(run->fcinfo, run->function);
	StashMemoKey key;
	StashMemoResult result;
	StashType  *type;

	stash_memo_refresh(call, run->fcinfo);
	if (stash_memo_bypass(call->memo) != STASH_MEMO_FINE)
		return false;
	if (stash_memo_key(&key, call, run->fcinfo) != STASH_MEMO_FINE ||
		!stash_memo_find_fresh(call, &key, run->fcinfo, &result))
		return false;
	*isnull = result.isnull;
	if (result.rows != NULL)
	{
		*variant = result.rows;
		return true;
	}
	if (result.parts != NULL)
	{
		*variant = stash_store_parts_head(result.parts);
		return true;
	}
	type = call->rettype;
	if (type == NULL)
		type = result.isnull ? stash_type_lookup(TEXTOID, -1) :
			stash_type_of_row(result.value);
	*variant = stash_frame_make(type, result.value, result.isnull,
								STASH_CODEC_LZ4);
	return true;
}

/*
 * stash.peek(function regprocedure, VARIADIC args any) returns stash.variant
 *
 * Args:    as those of stash.run()
 * Returns: what a call would be answered with from memory or the stash, proved
 *          fresh; a remembered NULL as a variant of NULL, a set as an array of
 *          its rows, or as what tells of its parts; NULL where the function would be computed.  Computes and
 *          changes nothing.
 * Errors:  22004, 42883, 42809, 42501 as stash.run()
 * Called on NULL, stable, parallel restricted.
 */
Datum
pg_hashstash_peek(PG_FUNCTION_ARGS)
{
	Oid			function = function_argument(fcinfo, 0);
	StashMemoRun *run = run_of_arguments(fcinfo, function, 1, true);
	bytea	   *variant;
	bool		isnull;

	if (run->checked_role != GetUserId())
	{
		stash_memo_args_check(run->function, true);
		run->checked_role = GetUserId();
	}
	if (!stash_memo_run_peek(run, &variant, &isnull))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(variant);
}
