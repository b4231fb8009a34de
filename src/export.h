/*-------------------------------------------------------------------------
 *
 * export.h
 *	  The query whose rows are exported: opened, run in pieces, closed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_EXPORT_H
#define STASH_EXPORT_H

#include "executor/tuptable.h"
#include "fmgr.h"
#include "tcop/dest.h"

#define STASH_EXPORT_MAX_CHUNK	(256 * 1024 * 1024) /* of chunk_bytes */

typedef struct StashExportQuery StashExportQuery;

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

extern StashExportQuery *stash_export_open(const StashExportOptions *options,
										   DestReceiver *receiver,
										   MemoryContext context);
extern TupleDesc stash_export_desc(StashExportQuery *query);
extern void stash_export_run(StashExportQuery *query);
extern void stash_export_close(StashExportQuery *query);
extern void stash_export_check_memory(StashExportQuery *query, Size more);
extern void stash_export_check_row(StashExportQuery *query,
								   TupleTableSlot *slot);

#endif							/* STASH_EXPORT_H */
