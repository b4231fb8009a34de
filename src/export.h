/*-------------------------------------------------------------------------
 *
 * export.h
 *	  What exports have in common: their options, and the memory limit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_EXPORT_H
#define STASH_EXPORT_H

#include "executor/tuptable.h"
#include "fmgr.h"

#define STASH_EXPORT_MAX_CHUNK	(256 * 1024 * 1024) /* of chunk_bytes */

/* What the caller of an export function asked for. */
typedef struct StashExportOptions
{
	char	   *query;
	int			chunk_rows;		/* 1 or more */
	int			chunk_bytes;	/* 1 .. STASH_EXPORT_MAX_CHUNK */
	int64		memory_limit;	/* bytes; 0: none */
} StashExportOptions;

extern void stash_export_get_options(FunctionCallInfo fcinfo,
									 StashExportOptions *options);

extern void stash_export_check_memory(MemoryContext context, int64 limit,
									  Size more);
extern void stash_export_check_row(MemoryContext context, int64 limit,
								   TupleTableSlot *slot);

#endif							/* STASH_EXPORT_H */
