/*-------------------------------------------------------------------------
 *
 * memo_args.h
 *	  Arguments that are given to a function by its OID: by place or by name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_MEMO_ARGS_H
#define STASH_MEMO_ARGS_H

#include "nodes/params.h"
#include "nodes/primnodes.h"
#include "utils/jsonb.h"

/* Arguments as they were given. */
typedef struct StashMemoArgs
{
	int			n;
	Oid			types[FUNC_MAX_ARGS];	/* UNKNOWNOID: a C string */
	int			places[FUNC_MAX_ARGS];	/* parameter of each, from 0 */
} StashMemoArgs;

extern void stash_memo_args_check(Oid function, bool allow_sets);
extern FuncExpr *stash_memo_args_call(Oid function, const StashMemoArgs *args,
									  Oid collation);
extern int	stash_memo_args_free(Oid function, const StashMemoArgs *args,
								 int *places, Oid *types, int *needed);
extern void stash_memo_args_named(Oid function, const Jsonb *object,
								  StashMemoArgs *args, NullableDatum *values);

#endif							/* STASH_MEMO_ARGS_H */
