/*-------------------------------------------------------------------------
 *
 * export_arrow.c
 *	  Query results as an Arrow IPC stream, in chunks.
 *
 * The chunks, one after the other, are the stream: the first one begins with
 * the schema and the dictionaries, each has one batch of rows, the last one
 * ends with the end mark.  There is always one chunk.
 *
 * In a file they have a beginning and a footer around them, which says where the
 * batches are.
 *
 * The row with which a batch would become too large is taken back and kept as
 * it came; it begins the next one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "arrow.h"
#include "arrow_datum.h"
#include "arrow_file.h"
#include "export.h"
#include "frame_datum.h"
#include "query.h"
#include "server_file.h"

PG_FUNCTION_INFO_V1(pg_hashstash_to_arrow);

typedef struct ArrowExport
{
	StashExport base;			/* must be first */
	StashArrowColumns *columns;
	TupleTableSlot *kept;		/* the row that begins the next batch; may be
								 * empty */
	bool		is_ended;		/* the end mark was written */
	StashArrowBlocks blocks;	/* of a file */
} ArrowExport;

/* Append a row to the columns, which may then be too large. */
static void
put_row(ArrowExport *export, TupleTableSlot *slot)
{
	StashExport *base = &export->base;
	int64		limit = base->options.memory_limit;
	MemoryContext old;

	stash_export_deform(slot);
	if (limit > 0)
		stash_export_check_row(base->context, limit, slot);

	old = MemoryContextSwitchTo(base->row_context);
	stash_arrow_put_row(export->columns, slot->tts_values, slot->tts_isnull);
	if (limit > 0)
		stash_export_check_memory(base->context, limit, 0);
	MemoryContextSwitchTo(old);
	MemoryContextReset(base->row_context);
}

/*
 * Decide whether the batch, of which the last row may be too much, is full.
 */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	ArrowExport *export = (ArrowExport *) self;
	StashExport *base = &export->base;
	Size		bytes;

	CHECK_FOR_INTERRUPTS();

	put_row(export, slot);
	bytes = base->buf.len - STASH_EXPORT_DATA + stash_arrow_size(export->columns);
	if (base->nrows > 0 && bytes > base->options.chunk_bytes)
	{
		stash_arrow_remove_last_row(export->columns);
		ExecCopySlot(export->kept, slot);
		base->is_full = true;
		return stash_export_end_row(base);
	}
	base->nrows++;
	base->is_full = bytes >= base->options.chunk_bytes ||
		base->nrows >= base->options.chunk_rows;
	return stash_export_end_row(base);
}

/* write messages, and note where they are if a footer has to say it */
static void
write_messages(ArrowExport *export,
			   void (*write) (StashArrowColumns *, StringInfo, int))
{
	StringInfo	buf = &export->base.buf;
	int			from = buf->len;

	write(export->columns, buf, export->base.options.codec);
	if (export->base.options.is_file)
		stash_arrow_note_messages(&export->blocks, buf, from);
}

static void
open_arrow(StashExport *base)
{
	ArrowExport *export = (ArrowExport *) base;
	TupleDesc	desc = stash_query_desc(base->query);

	export->columns = stash_arrow_make_columns(desc);
	export->kept = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	if (base->options.is_file)
		stash_arrow_begin_file(&export->blocks, &base->buf);
	write_messages(export, stash_arrow_write_schema);
}

/*
 * Begin a batch with the row that was too much for the last one, if any.
 */
static void
begin_batch(StashExport *base)
{
	ArrowExport *export = (ArrowExport *) base;

	base->nrows = 0;
	base->is_full = false;
	if (base->nchunks == 0)
		return;

	base->buf.len = STASH_EXPORT_DATA;
	stash_export_shrink_buffer(base);
	stash_arrow_clear(export->columns);
	if (!TTS_EMPTY(export->kept))
	{
		put_row(export, export->kept);
		ExecClearTuple(export->kept);
		base->nrows = 1;
		base->is_full = base->options.chunk_rows == 1 ||
			stash_arrow_size(export->columns) >= base->options.chunk_bytes;
	}
}

/*
 * Write the batch; false after the one with the end mark.
 */
static bool
finish_batch(StashExport *base)
{
	ArrowExport *export = (ArrowExport *) base;

	if (export->is_ended)
		return false;
	stash_export_check_memory(base->context, base->options.memory_limit,
							  stash_arrow_size(export->columns));
	if (base->nrows > 0)
		write_messages(export, stash_arrow_write_rows);
	if (base->is_done)
	{
		stash_arrow_put_end(&base->buf);
		if (base->options.is_file)
			stash_arrow_write_footer(export->columns, &export->blocks, &base->buf);
		export->is_ended = true;
	}
	base->chunk_end = base->buf.len;
	return true;
}

/*
 * Does the name of a file say that it has Arrow's format for files, not for
 * streams?
 */
bool
stash_export_is_arrow_file(const char *path)
{
	const char *ending = stash_server_file_ending(path);

	return ending != NULL &&
		(strcmp(ending, "arrow") == 0 || strcmp(ending, "feather") == 0);
}

const StashExportFormat stash_export_arrow = {
	.name = "arrow",.has_codec = true,.chunk_rows = 65536,
	.size = sizeof(ArrowExport),.receive = receive_row,.open = open_arrow,
	.begin = begin_batch,.finish = finish_batch
};

/*
 * stash.to_arrow(query text, chunk_rows int4 DEFAULT 65536,
 *				  chunk_bytes int4 DEFAULT 262144,
 *				  memory_limit int8 DEFAULT NULL, codec text DEFAULT 'none',
 *				  params record DEFAULT NULL)
 *		returns table (chunk int8, row_count int4, data bytea)
 *
 * Args:    query         as of to_jsonl()
 *          chunk_rows    rows of a chunk at most
 *          chunk_bytes   bytes of a chunk at most, before it is compressed; a
 *                        row that is larger by itself is a chunk by itself
 *          memory_limit  bytes that the export and its query may hold; null
 *                        for no limit
 *          codec         none, lz4 or zstd: of the buffers in a batch
 *          params        as of to_jsonl()
 * Returns: chunks numbered from 1 that together are one Arrow IPC stream; the
 *          last one may have no rows
 * Errors:  22004 null argument; 22023 number out of range, unknown codec;
 *          42601 not one statement; 0A000 one that returns no rows, or an array
 *          of several dimensions; 22003, 22008 values
 *          that Arrow has no place for; 53200 memory_limit; and what the query
 *          itself throws
 *
 * Not strict.  Volatile and parallel unsafe, because the query may call
 * functions that are.
 */
Datum
pg_hashstash_to_arrow(PG_FUNCTION_ARGS)
{
	return stash_export_next_chunk(fcinfo, &stash_export_arrow);
}
