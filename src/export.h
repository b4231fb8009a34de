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

#include "json_profile.h"
#include "query.h"

#define STASH_EXPORT_MAX_CHUNK	(256 * 1024 * 1024) /* of chunk_bytes */

typedef struct StashExport StashExport;

/* Takes a chunk: what stands in 'buf' from STASH_EXPORT_DATA to 'chunk_end'. */
typedef void (*StashExportDeliver) (StashExport *export, void *arg);

/* What is asked for, and where it goes. */
typedef struct StashExportOptions
{
	char	   *query;
	RawStmt    *statement;		/* of it, where it is a part of a command */
	int			chunk_rows;		/* 1 or more */
	int			chunk_bytes;	/* 1 .. STASH_EXPORT_MAX_CHUNK */
	int64		memory_limit;	/* bytes; PG_INT64_MAX: none */
	int			codec;			/* of formats that compress */
	bool		is_file;		/* of formats that have one for files, too */
	StashJsonProfile profile;	/* of formats that have them */
	StashQueryParams *params;	/* NULL: none; must live as long as the export */
	const StashQueryOrder *order;	/* NULL: as the query has its rows */
	StashExportDeliver deliver; /* NULL: chunks are asked for one by one */
	void	   *arg;			/* of it */
} StashExportOptions;

/* Where the arguments of an export function stand; 0: it has none such. */
typedef struct StashExportArgs
{
	int			chunk_rows;		/* chunk_bytes and memory_limit follow it */
	int			codec;
	int			profile;
	int			params;
} StashExportArgs;

/* What a format has of its own. */
typedef struct StashExportFormat
{
	const char *name;
	bool		is_text;
	bool		has_codec;		/* takes the option "codec" */
	bool		has_profile;	/* takes the option "profile" */
	int			chunk_rows;		/* unless said */
	Size		size;			/* of its struct, which begins with
								 * StashExport */
	StashQueryReceive receive;
	/* after the query was opened */
	void		(*open) (StashExport *export);
	/* begin a chunk, with the row that was too much for the last one */
	void		(*begin) (StashExport *export);
	/* complete it; false when there is none, for there are no more rows */
	bool		(*finish) (StashExport *export);
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
	int64		nchunks;		/* completed so far */
	int64		total;			/* rows in them */
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

extern const StashExportFormat stash_export_jsonl;
extern const StashExportFormat stash_export_json;
extern const StashExportFormat stash_export_arrow;

#define STASH_EXPORT_AHEAD	1024	/* bytes of the next row to ask for at
									 * most */

/*
 * Have all columns of a row at hand.
 *
 * Pages of a table fill from their end, so the row that comes next stands
 * before this one, and is mostly as long.  Where nobody has looked at it yet,
 * as in a page whose rows are visible to all, it is still on its way from
 * memory when it is read, unless it was asked for a row before.
 */
static inline void
stash_export_deform(TupleTableSlot *slot)
{
	if (TTS_IS_BUFFERTUPLE(slot))
	{
		HeapTuple	tuple = ((HeapTupleTableSlot *) slot)->tuple;
		const char *row = (const char *) tuple->t_data;
		Size		ahead = Min(tuple->t_len + 64, STASH_EXPORT_AHEAD);

		/* a hint, which may lead anywhere; 64 is a line of the cache */
		for (Size back = 64; back <= ahead; back += 64)
			__builtin_prefetch(row - back);
	}
	slot_getallattrs(slot);
}

extern void stash_export_init(void);
extern bool stash_export_is_arrow_file(const char *path);
extern const StashExportFormat *stash_export_format(const char *name);
extern void stash_export_get_options(FunctionCallInfo fcinfo,
									 const StashExportArgs *args,
									 StashExportOptions *options);
extern void stash_export_check_options(const StashExportOptions *options);
extern StashExport *stash_export_open(const StashExportOptions *options,
									  const StashExportFormat *format,
									  MemoryContext parent);
extern bool stash_export_next(StashExport *export);
extern int64 stash_export_run(StashExport *export);
extern bool stash_export_end_row(StashExport *export);
extern char *stash_export_chunk(StashExport *export, int encoding, Size *len);
extern void stash_export_close(StashExport *export);
extern int64 stash_export_resume(StashExportOptions *options, const char *path,
								 const char *key);
extern void stash_export_check_memory(MemoryContext context, int64 limit,
									  Size more);
extern void stash_export_check_row(MemoryContext context, int64 limit,
								   TupleTableSlot *slot);
extern void stash_export_shrink_buffer(StashExport *export);
extern Datum stash_export_next_chunk(FunctionCallInfo fcinfo,
									 const StashExportFormat *format);

#endif							/* STASH_EXPORT_H */
