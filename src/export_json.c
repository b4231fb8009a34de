/*-------------------------------------------------------------------------
 *
 * export_json.c
 *	  Query results as JSON Lines and as a JSON array, in chunks.
 *
 * A line is always one row, and a chunk ends where a row ends.  Rows are
 * written straight from the executor's slot to where they stay.  The row with
 * which the chunk would become too large stays behind in the buffer and begins
 * the next one.  Nothing else is carried from chunk to chunk.
 *
 * Of an array what separates two rows stands before the second of them, so that
 * no row needs to know whether another follows.  The end of the array stands
 * behind the rows of the last chunk, or is a chunk without rows where that one
 * was full before the query had come to its end.  So no chunk is larger for it
 * than chunk_bytes.
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
PG_FUNCTION_INFO_V1(pg_hashstash_to_json);

typedef struct JsonExport
{
	StashExport base;			/* must be first */
	StashJsonRow *row;
	bool		is_begun;		/* of an array: has its bracket */
	bool		is_ended;		/* and the other one */
} JsonExport;

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

/* append what separates a row of an array from what stands before */
static inline void
put_separator(JsonExport *export)
{
	StringInfo	buf = &export->base.buf;

	if (export->is_begun)
		stash_json_put_raw(buf, ",\n", 2);
	else
		stash_json_put_char(buf, '[');
	export->is_begun = true;
}

static inline bool
receive_row(TupleTableSlot *slot, DestReceiver *self, bool is_array)
{
	StashExport *export = (StashExport *) self;
	int64		limit = export->options.memory_limit;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();

	stash_export_deform(slot);
	stash_export_check_row(export->context, limit, slot);

	old = MemoryContextSwitchTo(export->row_context);
	if (is_array)
		put_separator((JsonExport *) export);
	stash_json_put_row(((JsonExport *) export)->row, &export->buf,
					   slot->tts_values, slot->tts_isnull);
	if (!is_array)
		stash_json_put_char(&export->buf, '\n');
	stash_export_check_memory(export->context, limit, 0);
	MemoryContextSwitchTo(old);
	MemoryContextReset(export->row_context);

	end_row(export);
	return stash_export_end_row(export);
}

static bool
receive_line(TupleTableSlot *slot, DestReceiver *self)
{
	return receive_row(slot, self, false);
}

static bool
receive_element(TupleTableSlot *slot, DestReceiver *self)
{
	return receive_row(slot, self, true);
}

static void
open_rows(StashExport *export)
{
	((JsonExport *) export)->row =
		stash_json_make_row(stash_query_desc(export->query),
							export->options.profile);
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
finish_lines(StashExport *export)
{
	return export->nrows > 0;
}

/*
 * Finish a chunk of an array; the last one ends it.
 */
static bool
finish_elements(StashExport *base)
{
	JsonExport *export = (JsonExport *) base;

	if (export->is_ended)
		return false;
	if (!base->is_done)
		return true;
	if (!export->is_begun)
		put_separator(export);
	stash_json_put_char(&base->buf, ']');
	base->chunk_end = base->buf.len;
	export->is_ended = true;
	return true;
}

const StashExportFormat stash_export_jsonl = {
	.name = "jsonl",.is_text = true,.has_profile = true,.chunk_rows = 10000,
	.size = sizeof(JsonExport),.receive = receive_line,.open = open_rows,
	.begin = begin_chunk,.finish = finish_lines
};

const StashExportFormat stash_export_json = {
	.name = "json",.is_text = true,.has_profile = true,.chunk_rows = 10000,
	.size = sizeof(JsonExport),.receive = receive_element,.open = open_rows,
	.begin = begin_chunk,.finish = finish_elements
};

/*
 * stash.to_jsonl(query text, chunk_rows int4 DEFAULT 10000,
 *				  chunk_bytes int4 DEFAULT 1048576,
 *				  memory_limit int8 DEFAULT NULL,
 *				  profile text DEFAULT 'default', params record DEFAULT NULL)
 *		returns table (chunk int8, row_count int4, data text)
 *
 * Args:    query         one statement that returns rows; one that writes runs
 *                        to its end, whatever is read of its rows
 *          chunk_rows    rows of a chunk at most
 *          chunk_bytes   bytes of a chunk at most; a row that is larger by
 *                        itself is a chunk by itself
 *          memory_limit  bytes that the export and its query may hold; null
 *                        for no limit
 *          profile       default, lossless, javascript or epoch
 *          params        a row with the values of $1 to $n
 * Returns: chunks numbered from 1, each of whole lines, each line one row as
 *          row_to_json writes it, but for the profile, and a line feed; no
 *          chunk for no rows
 * Errors:  22004 null argument; 22023 number out of range, unknown profile;
 *          42601 not one statement; 0A000 one that returns no rows; 42P02 no
 *          such parameter; 53200 memory_limit; and what the query itself throws
 *
 * Not strict.  Volatile and parallel unsafe, because the query may call
 * functions that are.
 */
Datum
pg_hashstash_to_jsonl(PG_FUNCTION_ARGS)
{
	return stash_export_next_chunk(fcinfo, &stash_export_jsonl);
}

/*
 * stash.to_json(query text, chunk_rows int4 DEFAULT 10000,
 *				 chunk_bytes int4 DEFAULT 1048576,
 *				 memory_limit int8 DEFAULT NULL,
 *				 profile text DEFAULT 'default', params record DEFAULT NULL)
 *		returns table (chunk int8, row_count int4, data text)
 *
 * Args:    as of to_jsonl()
 * Returns: chunks numbered from 1 that together are one JSON array of the rows;
 *          [] for no rows.  The end of the array stands in the last chunk that
 *          has rows, or in one without where that one was full.
 * Errors:  as of to_jsonl()
 *
 * Not strict.  Volatile and parallel unsafe, as to_jsonl().
 */
Datum
pg_hashstash_to_json(PG_FUNCTION_ARGS)
{
	return stash_export_next_chunk(fcinfo, &stash_export_json);
}
