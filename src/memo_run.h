/*-------------------------------------------------------------------------
 *
 * memo_run.h
 *	  Calls of a function that is given by its OID.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_MEMO_RUN_H
#define STASH_MEMO_RUN_H

#include "memo.h"
#include "memo_args.h"
#include "nodes/execnodes.h"

/* A call that is filled with arguments again and again. */
typedef struct StashMemoRun
{
	MemoryContext context;		/* of all of it */
	Oid			function;
	StashMemoArgs args;			/* as given */
	bool		is_memoized;	/* a function in language stash */
	bool		casts;			/* some argument is no value as given */
	bool		is_checked;		/* stash.run() may call it */
	Oid			checked_role;	/* has EXECUTE on a memoized function */
	FuncExpr   *expr;
	StashMemoPlan facts;		/* of the arguments, where they are cast */
	Oid			rettype;
	int			nargs;
	ExprState **states;			/* of the arguments */
	ExprContext *econtext;
	ParamListInfo params;
	FmgrInfo	flinfo;
	FunctionCallInfo fcinfo;
} StashMemoRun;

extern StashMemoRun *stash_memo_run_make(Oid function, const StashMemoArgs *args,
										 Oid collation, MemoryContext context);
extern void stash_memo_run_check_volatile(Oid function);
extern void stash_memo_run_fill(StashMemoRun *run, const NullableDatum *values);
extern bool stash_memo_run_peek(StashMemoRun *run, bytea **variant, bool *isnull);

#endif							/* STASH_MEMO_RUN_H */
