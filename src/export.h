/*-------------------------------------------------------------------------
 *
 * export.h
 *	  What exports have in common: options, chunks, and the memory limit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_EXPORT_H
#define STASH_EXPORT_H

#include "access/htup_details.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

#include "query.h"

#define STASH_EXPORT_MAX_CHUNK	(256 * 1024 * 1024) /* of chunk_bytes */

/* What the caller of an export function asked for. */
typedef struct StashExportOptions
{
	char	   *query;
	int			chunk_rows;		/* 1 or more */
	int			chunk_bytes;	/* 1 .. STASH_EXPORT_MAX_CHUNK */
	int64		memory_limit;	/* bytes; 0: none */
} StashExportOptions;

typedef struct StashExport StashExport;

/* What a format has of its own. */
typedef struct StashExportFormat
{
	Size		size;			/* of its struct, which begins with
								 * StashExport */
	Oid			type;			/* of the column "data" */
	StashQueryReceive receive;
	/* after the query was opened; may read arguments of its own */
	void		(*open) (StashExport *export, FunctionCallInfo fcinfo);
	/* put the next chunk into 'buf'; false when there are no more */
	bool		(*fill) (StashExport *export);
} StashExportFormat;

/*
 * An export between two calls.  It is its own receiver, so that no row needs
 * another allocation or copy on its way.
 */
struct StashExport
{
	DestReceiver receiver;		/* must be first */
	const StashExportFormat *format;
	StashQuery *query;
	MemoryContext context;		/* of all of this; deleted with it */
	MemoryContext row_context;	/* reset after each row */
	StringInfoData buf;			/* the tuple that is returned; see
								 * STASH_EXPORT_DATA */
	int			chunk_end;		/* in buf; what follows is the next chunk's */
	int			nrows;			/* in the chunk */
	bool		is_full;		/* the chunk takes no more rows */
	bool		is_done;		/* the query has no more rows */
	int64		nchunks;		/* returned so far */
	StashExportOptions options;
};

/* The columns of the tuple that is returned, as they follow its header. */
typedef struct StashExportColumns
{
	int64		chunk;
	int32		row_count;
	int32		data_header;	/* of a varlena that is not toasted */
	char		data[FLEXIBLE_ARRAY_MEMBER];
} StashExportColumns;

/* where they and the chunk begin in the buffer, both at multiples of 8 */
#define STASH_EXPORT_COLUMNS	((int) MAXALIGN(SizeofHeapTupleHeader))
#define STASH_EXPORT_DATA \
	(STASH_EXPORT_COLUMNS + (int) offsetof(StashExportColumns, data))

extern void stash_export_get_options(FunctionCallInfo fcinfo,
									 StashExportOptions *options);

extern void stash_export_check_memory(MemoryContext context, int64 limit,
									  Size more);
extern void stash_export_check_row(MemoryContext context, int64 limit,
								   TupleTableSlot *slot);
extern void stash_export_shrink_buffer(StashExport *export);
extern Datum stash_export_next_chunk(FunctionCallInfo fcinfo,
									 const StashExportFormat *format);

#endif							/* STASH_EXPORT_H */
