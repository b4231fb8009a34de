/*-------------------------------------------------------------------------
 *
 * export_json.c
 *	  Query results as JSON Lines, in chunks.
 *
 * A line is always one row, and a chunk ends where a line ends.  Rows are
 * written straight from the executor's slot to where they stay: the buffer is
 * the tuple that the function returns, with the chunk as its last column.
 * The row with which the chunk would become too large stays behind in the
 * buffer and begins the next one.  Nothing else is carried from chunk to
 * chunk.
 *
 * So a tuple is overwritten by the next call.  That is as long as a value of
 * the calling query's per-tuple memory lives.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "export.h"
#include "json.h"
#include "json_datum.h"
#include "query.h"

#define FIRST_BUFFER	8192	/* bytes; doubled as rows need it */
#define KEEP_BUFFER		(1024 * 1024)	/* a larger one may be given back */

/* The columns of the tuple that is returned, as they follow its header. */
typedef struct ChunkColumns
{
	int64		chunk;
	int32		row_count;
	int32		data_header;	/* of a varlena that is not toasted */
	char		data[FLEXIBLE_ARRAY_MEMBER];
} ChunkColumns;

/* where they and the lines begin in the buffer */
#define COLUMNS		((int) MAXALIGN(SizeofHeapTupleHeader))
#define DATA		(COLUMNS + (int) offsetof(ChunkColumns, data))

StaticAssertDecl(offsetof(ChunkColumns, data_header) + VARHDRSZ ==
				 offsetof(ChunkColumns, data),
				 "nothing may be between the header and the text");

PG_FUNCTION_INFO_V1(pg_hashstash_to_jsonl);

/*
 * An export between two calls.  It is its own receiver, so that no row needs
 * another allocation or copy on its way.
 */
typedef struct JsonlExport
{
	DestReceiver receiver;		/* must be first */
	StashQuery *query;
	StashJsonRow *row;
	MemoryContext context;		/* of all of this; deleted with it */
	MemoryContext row_context;	/* reset after each row */
	StringInfoData buf;			/* a tuple: header, ChunkColumns */
	int			chunk_end;		/* in buf; what follows is the next chunk's */
	int			nrows;			/* in the chunk */
	bool		is_full;		/* the chunk takes no more rows */
	bool		is_done;		/* the query has no more rows */
	int64		nchunks;		/* returned so far */
	int			chunk_rows;
	int			chunk_bytes;
	int64		memory_limit;	/* bytes; 0: none */
} JsonlExport;

/*
 * Decide whether the chunk, of which the last row may be too much, is full.
 */
static void
end_row(JsonlExport *export)
{
	int			bytes = export->buf.len - DATA;

	if (export->nrows == 0 || bytes <= export->chunk_bytes)
	{
		export->chunk_end = export->buf.len;
		export->nrows++;
		export->is_full = bytes >= export->chunk_bytes ||
			export->nrows >= export->chunk_rows;
	}
	else
		export->is_full = true;
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	JsonlExport *export = (JsonlExport *) self;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();

	slot_getallattrs(slot);
	stash_export_check_row(export->context, export->memory_limit, slot);

	old = MemoryContextSwitchTo(export->row_context);
	stash_json_put_row(export->row, &export->buf,
					   slot->tts_values, slot->tts_isnull);
	stash_json_put_char(&export->buf, '\n');
	stash_export_check_memory(export->context, export->memory_limit, 0);
	MemoryContextSwitchTo(old);
	MemoryContextReset(export->row_context);

	end_row(export);
	return !export->is_full;
}

static JsonlExport *
open_export(const StashExportOptions *options, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent,
												  "pg_hashstash export",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	JsonlExport *export = palloc0(sizeof(JsonlExport));

	stash_query_init_receiver(&export->receiver, receive_row, NULL);
	export->context = context;
	export->row_context = AllocSetContextCreate(context,
												"pg_hashstash export row",
												ALLOCSET_DEFAULT_SIZES);
	export->chunk_rows = options->chunk_rows;
	export->chunk_bytes = options->chunk_bytes;
	export->memory_limit = options->memory_limit;
	export->buf.data = palloc(FIRST_BUFFER);
	export->buf.maxlen = FIRST_BUFFER;
	export->buf.len = DATA;
	export->chunk_end = DATA;
	export->query = stash_query_open(options->query, STASH_QUERY_IN_PIECES,
									 &export->receiver);
	export->row = stash_json_make_row(stash_query_desc(export->query));

	MemoryContextSwitchTo(old);
	return export;
}

static void
close_export(JsonlExport *export)
{
	stash_query_close(export->query);
	MemoryContextDelete(export->context);
}

/* LIMIT and the like end the calls early: shut down with the calling query. */
static void
shutdown_export(Datum arg)
{
	close_export((JsonlExport *) DatumGetPointer(arg));
}

/*
 * Begin a chunk with the row that was too much for the last one, if any.
 */
static void
start_chunk(JsonlExport *export)
{
	StringInfo	buf = &export->buf;
	int			surplus = buf->len - export->chunk_end;

	memmove(buf->data + DATA, buf->data + export->chunk_end, surplus);
	buf->len = DATA + surplus;
	export->chunk_end = DATA;
	export->nrows = 0;
	export->is_full = false;

	/* one large row must not be paid for to the end */
	if (buf->maxlen > KEEP_BUFFER &&
		buf->maxlen / 4 > Max(export->chunk_bytes, buf->len))
	{
		buf->maxlen = Max(FIRST_BUFFER, 2 * buf->len);
		buf->data = repalloc(buf->data, buf->maxlen);
	}

	if (surplus > 0)
		end_row(export);
}

/*
 * Fill the next chunk; false when there are no more rows.
 */
static bool
fill_chunk(JsonlExport *export)
{
	start_chunk(export);
	if (!export->is_full && !export->is_done)
	{
		stash_query_run(export->query);
		export->is_done = !export->is_full;
	}
	return export->nrows > 0;
}

/*
 * Finish the tuple around the chunk.
 */
static Datum
make_tuple(JsonlExport *export, TupleDesc desc)
{
	HeapTupleHeader header = (HeapTupleHeader) export->buf.data;
	ChunkColumns *columns = (ChunkColumns *) (export->buf.data + COLUMNS);

	MemSet(header, 0, COLUMNS);
	HeapTupleHeaderSetDatumLength(header, export->chunk_end);
	HeapTupleHeaderSetTypeId(header, desc->tdtypeid);
	HeapTupleHeaderSetTypMod(header, desc->tdtypmod);
	ItemPointerSetInvalid(&header->t_ctid);
	HeapTupleHeaderSetNatts(header, desc->natts);
	header->t_infomask |= HEAP_HASVARWIDTH;
	header->t_hoff = COLUMNS;
	columns->chunk = ++export->nchunks;
	columns->row_count = export->nrows;
	SET_VARSIZE(&columns->data_header, export->chunk_end - DATA + VARHDRSZ);
	return PointerGetDatum(header);
}

/*
 * The descriptor of the tuples, if it is what the SQL declaration promises.
 */
static TupleDesc
get_result_desc(FunctionCallInfo fcinfo)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != 3 ||
		TupleDescAttr(desc, 0)->atttypid != INT8OID ||
		TupleDescAttr(desc, 1)->atttypid != INT4OID ||
		TupleDescAttr(desc, 2)->atttypid != TEXTOID)
		elog(ERROR, "function returns another type than (int8, int4, text)");
	return BlessTupleDesc(desc);
}

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
	FuncCallContext *call;
	ExprContext *econtext;
	JsonlExport *export;

	if (SRF_IS_FIRSTCALL())
	{
		StashExportOptions options;
		MemoryContext old;

		call = SRF_FIRSTCALL_INIT();
		stash_export_get_options(fcinfo, &options);

		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		call->tuple_desc = get_result_desc(fcinfo);
		export = open_export(&options, call->multi_call_memory_ctx);
		call->user_fctx = export;
		MemoryContextSwitchTo(old);

		econtext = ((ReturnSetInfo *) fcinfo->resultinfo)->econtext;
		RegisterExprContextCallback(econtext, shutdown_export,
									PointerGetDatum(export));
	}

	call = SRF_PERCALL_SETUP();
	export = call->user_fctx;

	if (!fill_chunk(export))
	{
		econtext = ((ReturnSetInfo *) fcinfo->resultinfo)->econtext;
		UnregisterExprContextCallback(econtext, shutdown_export,
									  PointerGetDatum(export));
		close_export(export);
		SRF_RETURN_DONE(call);
	}

	SRF_RETURN_NEXT(call, make_tuple(export, call->tuple_desc));
}
