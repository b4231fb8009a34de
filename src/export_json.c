/*-------------------------------------------------------------------------
 *
 * export_json.c
 *	  Query results as JSON Lines, in chunks.
 *
 * A line is always one row, and a chunk ends where a line ends.  Rows are
 * written straight from the executor's slot to where they stay.  The row with
 * which the chunk would become too large stays behind in the buffer and begins
 * the next one.  Nothing else is carried from chunk to chunk.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "export.h"
#include "json.h"
#include "json_datum.h"
#include "query.h"

PG_FUNCTION_INFO_V1(pg_hashstash_to_jsonl);

typedef struct JsonlExport
{
	StashExport base;			/* must be first */
	StashJsonRow *row;
} JsonlExport;

/*
 * Decide whether the chunk, of which the last row may be too much, is full.
 */
static void
end_row(StashExport *export)
{
	int			bytes = export->buf.len - STASH_EXPORT_DATA;

	if (export->nrows == 0 || bytes <= export->options.chunk_bytes)
	{
		export->chunk_end = export->buf.len;
		export->nrows++;
		export->is_full = bytes >= export->options.chunk_bytes ||
			export->nrows >= export->options.chunk_rows;
	}
	else
		export->is_full = true;
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	StashExport *export = (StashExport *) self;
	int64		limit = export->options.memory_limit;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();

	slot_getallattrs(slot);
	stash_export_check_row(export->context, limit, slot);

	old = MemoryContextSwitchTo(export->row_context);
	stash_json_put_row(((JsonlExport *) export)->row, &export->buf,
					   slot->tts_values, slot->tts_isnull);
	stash_json_put_char(&export->buf, '\n');
	stash_export_check_memory(export->context, limit, 0);
	MemoryContextSwitchTo(old);
	MemoryContextReset(export->row_context);

	end_row(export);
	return stash_export_end_row(export);
}

static void
open_jsonl(StashExport *export)
{
	((JsonlExport *) export)->row =
		stash_json_make_row(stash_query_desc(export->query));
}

/*
 * Begin a chunk with the row that was too much for the last one, if any.
 */
static void
begin_chunk(StashExport *export)
{
	StringInfo	buf = &export->buf;
	int			surplus = buf->len - export->chunk_end;

	memmove(buf->data + STASH_EXPORT_DATA, buf->data + export->chunk_end,
			surplus);
	buf->len = STASH_EXPORT_DATA + surplus;
	export->chunk_end = STASH_EXPORT_DATA;
	export->nrows = 0;
	export->is_full = false;
	stash_export_shrink_buffer(export);

	if (surplus > 0)
		end_row(export);
}

static bool
finish_chunk(StashExport *export)
{
	return export->nrows > 0;
}

const StashExportFormat stash_export_jsonl = {
	.name = "jsonl",.is_text = true,.chunk_rows = 10000,
	.size = sizeof(JsonlExport),.receive = receive_row,.open = open_jsonl,
	.begin = begin_chunk,.finish = finish_chunk
};

/*
 * stash.to_jsonl(query text, chunk_rows int4 DEFAULT 10000,
 *				  chunk_bytes int4 DEFAULT 1048576,
 *				  memory_limit int8 DEFAULT NULL)
 *		returns table (chunk int8, row_count int4, data text)
 *
 * Args:    query         one SELECT, VALUES, TABLE or WITH ... SELECT
 *          chunk_rows    rows of a chunk at most
 *          chunk_bytes   bytes of a chunk at most; a row that is larger by
 *                        itself is a chunk by itself
 *          memory_limit  bytes that the export and its query may hold; null
 *                        for no limit
 * Returns: chunks numbered from 1, each of whole lines, each line one row as
 *          row_to_json writes it and a line feed; no chunk for no rows
 * Errors:  22004 null argument; 22023 number out of range; 42601 not one
 *          statement; 0A000 not a SELECT, or one that writes or locks rows;
 *          53200 memory_limit; and what the query itself throws
 *
 * Not strict.  Volatile and parallel unsafe, because the query may call
 * functions that are.
 */
Datum
pg_hashstash_to_jsonl(PG_FUNCTION_ARGS)
{
	return stash_export_next_chunk(fcinfo, &stash_export_jsonl);
}
