/*-------------------------------------------------------------------------
 *
 * export.c
 *	  What exports have in common: options, chunks, and the memory limit.
 *
 * A chunk is written where it stays: the buffer of an export is the tuple that
 * the function returns, with the chunk as its last column.  So a tuple is
 * overwritten by the next call.  That is as long as a value of the calling
 * query's per-tuple memory lives.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "export.h"
#include "frame_datum.h"

#define FIRST_BUFFER	8192	/* bytes; doubled as rows need it */
#define KEEP_BUFFER		(1024 * 1024)	/* a larger one may be given back */

StaticAssertDecl(offsetof(StashExportColumns, data_header) + VARHDRSZ ==
				 offsetof(StashExportColumns, data),
				 "nothing may be between the header and the chunk");

/*
 * A format by its name; NULL where there is none, or no name.
 */
const StashExportFormat *
stash_export_format(const char *name)
{
	const StashExportFormat *const formats[] = {
		&stash_export_jsonl, &stash_export_json, &stash_export_arrow
	};

	for (int i = 0; name != NULL && i < lengthof(formats); i++)
	{
		if (strcmp(name, formats[i]->name) == 0)
			return formats[i];
	}
	return NULL;
}

static void
check_not_null(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
}

/*
 * Throw 22023 for a number among the options that is out of range.
 */
void
stash_export_check_options(const StashExportOptions *options)
{
	if (options->chunk_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for chunk_rows: %d",
						options->chunk_rows),
				 errdetail("A chunk has at least one row."),
				 errhint("Leave chunk_rows out to get the default.")));
	if (options->chunk_bytes < 1 ||
		options->chunk_bytes > STASH_EXPORT_MAX_CHUNK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for chunk_bytes: %d",
						options->chunk_bytes),
				 errdetail("chunk_bytes must be between %d and %d.",
						   1, STASH_EXPORT_MAX_CHUNK),
				 errhint("Leave chunk_bytes out to get the default.")));
	if (options->memory_limit < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for memory_limit: %lld",
						(long long) options->memory_limit),
				 errdetail("memory_limit is a positive number of bytes, or null for no limit."),
				 errhint("Leave memory_limit out to have no limit.")));
}

/*
 * Read and check the arguments that export functions have: query comes first,
 * 'args' says where the others are.
 *
 * The query and its parameters are copied to the current memory context.
 * Errors: 22004 for a null, 22023 for a number that is out of range, an unknown
 * codec or profile.
 */
void
stash_export_get_options(FunctionCallInfo fcinfo, const StashExportArgs *args,
						 StashExportOptions *options)
{
	int			argno = args->chunk_rows;

	check_not_null(fcinfo, 0, "query");
	check_not_null(fcinfo, argno, "chunk_rows");
	check_not_null(fcinfo, argno + 1, "chunk_bytes");

	memset(options, 0, sizeof(*options));
	options->query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	options->chunk_rows = PG_GETARG_INT32(argno);
	options->chunk_bytes = PG_GETARG_INT32(argno + 1);
	options->memory_limit = PG_ARGISNULL(argno + 2) ? PG_INT64_MAX :
		PG_GETARG_INT64(argno + 2);
	stash_export_check_options(options);
	if (args->codec > 0)
	{
		check_not_null(fcinfo, args->codec, "codec");
		options->codec = stash_frame_codec(PG_GETARG_TEXT_PP(args->codec));
	}
	if (args->profile > 0)
	{
		check_not_null(fcinfo, args->profile, "profile");
		options->profile =
			stash_json_profile(text_to_cstring(PG_GETARG_TEXT_PP(args->profile)));
	}
	if (!PG_ARGISNULL(args->params))
		options->params =
			stash_query_read_params(PG_GETARG_DATUM(args->params));
}

/*
 * Throw 53200 when 'context', which has all memory of an export and its query,
 * would hold more than 'limit' with 'more' bytes.  What the query itself uses
 * for sorting and the like is counted.
 */
void
stash_export_check_memory(MemoryContext context, int64 limit, Size more)
{
	Size		held;

	if (limit == PG_INT64_MAX)
		return;

	held = MemoryContextMemAllocated(context, true) + more;
	if (held > (uint64) limit)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("export needs more memory than its limit allows"),
				 errdetail("It needs %llu bytes; memory_limit is %lld.",
						   (unsigned long long) held, (long long) limit),
				 errhint("Raise memory_limit, or make chunk_bytes smaller.")));
}

/*
 * The same before a row is written: what it takes to read its toasted values.
 */
void
stash_export_check_row(MemoryContext context, int64 limit,
					   TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;
	Size		more = 0;

	if (limit == PG_INT64_MAX)
		return;

	for (int i = 0; i < desc->natts; i++)
	{
		Datum		value = slot->tts_values[i];

		/* once as they are and once as text */
		if (!slot->tts_isnull[i] && TupleDescAttr(desc, i)->attlen == -1 &&
			VARATT_IS_EXTENDED(DatumGetPointer(value)))
			more += 2 * toast_raw_datum_size(value);
	}
	stash_export_check_memory(context, limit, more);
}

/*
 * Start an export.  All of it lives in a child of 'parent'; it is its own
 * receiver.  Errors: those of the query and of the format.
 */
StashExport *
stash_export_open(const StashExportOptions *options,
				  const StashExportFormat *format, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent,
												  "pg_hashstash export",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	StashExport *export = palloc0(format->size);
	DestReceiver *receiver = &export->receiver;
	StashQuerySource source = {
		.string = options->query,.statement = options->statement,
		.params = options->params,.order = options->order,.takes_any = true
	};

	export->options = *options;
	stash_query_init_receiver(receiver, format->receive, NULL);
	export->format = format;
	export->context = context;
	export->row_context = AllocSetContextCreate(context,
												"pg_hashstash export row",
												ALLOCSET_DEFAULT_SIZES);
	export->buf.data = palloc(FIRST_BUFFER);
	export->buf.maxlen = FIRST_BUFFER;
	export->buf.len = STASH_EXPORT_DATA;
	export->chunk_end = STASH_EXPORT_DATA;
	export->query = stash_query_open_source(&source,
											options->deliver != NULL ?
											STASH_QUERY_ONCE :
											STASH_QUERY_IN_PIECES, receiver);
	format->open(export);

	MemoryContextSwitchTo(old);
	return export;
}

static bool
finish_chunk(StashExport *export)
{
	if (!export->format->finish(export))
		return false;
	export->nchunks++;
	export->total += export->nrows;
	return true;
}

/*
 * Fill the next chunk; false when there are no more.
 */
bool
stash_export_next(StashExport *export)
{
	export->format->begin(export);
	if (!export->is_full && !export->is_done)
	{
		stash_query_run(export->query);
		export->is_done = !export->is_full;
	}
	return finish_chunk(export);
}

/*
 * Deliver all chunks; returns the number of rows.
 */
int64
stash_export_run(StashExport *export)
{
	export->format->begin(export);
	stash_query_run(export->query);
	export->is_done = true;
	if (finish_chunk(export))
		export->options.deliver(export, export->options.arg);
	return export->total;
}

/*
 * What a format's receiver ends with: deliver the chunk if it is full.  Says
 * whether more rows are wanted.
 */
bool
stash_export_end_row(StashExport *export)
{
	if (export->options.deliver == NULL)
		return !export->is_full;
	/* the row that is left over may be a chunk by itself */
	while (export->is_full)
	{
		(void) finish_chunk(export);
		export->options.deliver(export, export->options.arg);
		export->format->begin(export);
	}
	return true;
}

/*
 * The bytes of a chunk that is delivered, if they are text in an encoding, until
 * the next one begins.
 */
char *
stash_export_chunk(StashExport *export, int encoding, Size *len)
{
	char	   *data = export->buf.data + STASH_EXPORT_DATA;
	char	   *converted = data;

	*len = export->chunk_end - STASH_EXPORT_DATA;
	if (export->format->is_text)
	{
		MemoryContext old;

		MemoryContextReset(export->row_context);
		old = MemoryContextSwitchTo(export->row_context);
		converted = pg_server_to_any(data, (int) *len, encoding);
		if (converted != data)
			*len = strlen(converted);
		MemoryContextSwitchTo(old);
	}
	return converted;
}

/*
 * End an export, at its end or before.
 */
void
stash_export_close(StashExport *export)
{
	stash_query_close(export->query);
	MemoryContextDelete(export->context);
}

/* LIMIT and the like end the calls early: shut down with the calling query. */
static void
shutdown_export(Datum arg)
{
	stash_export_close((StashExport *) DatumGetPointer(arg));
}

/*
 * Give memory back that a large row took: it must not be paid for to the end.
 */
void
stash_export_shrink_buffer(StashExport *export)
{
	StringInfo	buf = &export->buf;

	if (buf->maxlen > KEEP_BUFFER &&
		buf->maxlen / 4 > Max(export->options.chunk_bytes, buf->len))
	{
		buf->maxlen = Max(FIRST_BUFFER, 2 * buf->len);
		buf->data = repalloc(buf->data, buf->maxlen);
	}
}

/*
 * Finish the tuple around the chunk.
 */
static Datum
make_tuple(StashExport *export, TupleDesc desc)
{
	HeapTupleHeader header = (HeapTupleHeader) export->buf.data;
	StashExportColumns *columns =
	(StashExportColumns *) (export->buf.data + STASH_EXPORT_COLUMNS);

	MemSet(header, 0, STASH_EXPORT_COLUMNS);
	HeapTupleHeaderSetDatumLength(header, export->chunk_end);
	HeapTupleHeaderSetTypeId(header, desc->tdtypeid);
	HeapTupleHeaderSetTypMod(header, desc->tdtypmod);
	ItemPointerSetInvalid(&header->t_ctid);
	HeapTupleHeaderSetNatts(header, desc->natts);
	header->t_infomask |= HEAP_HASVARWIDTH;
	header->t_hoff = STASH_EXPORT_COLUMNS;
	columns->chunk = export->nchunks;
	columns->row_count = export->nrows;
	SET_VARSIZE(&columns->data_header,
				export->chunk_end - STASH_EXPORT_DATA + VARHDRSZ);
	return PointerGetDatum(header);
}

/*
 * The descriptor of the tuples, if it is what the SQL declaration promises.
 */
static TupleDesc
get_result_desc(FunctionCallInfo fcinfo, Oid type)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != 3 ||
		TupleDescAttr(desc, 0)->atttypid != INT8OID ||
		TupleDescAttr(desc, 1)->atttypid != INT4OID ||
		TupleDescAttr(desc, 2)->atttypid != type)
		elog(ERROR, "function returns another type than it should");
	return BlessTupleDesc(desc);
}

/* as all functions have them that return chunks */
static StashExportArgs
args_of_chunks(const StashExportFormat *format)
{
	StashExportArgs args = {.chunk_rows = 1,.params = 5};

	if (format->has_codec)
		args.codec = 4;
	else
		args.profile = 4;
	return args;
}

/*
 * The body of a function that returns chunks: (int8, int4, the format's type).
 *
 * Its arguments are query, chunk_rows, chunk_bytes, memory_limit, the codec or
 * the profile, params.  Errors: those of the options, of the query, and of the
 * format.
 */
Datum
stash_export_next_chunk(FunctionCallInfo fcinfo, const StashExportFormat *format)
{
	FuncCallContext *call;
	ExprContext *econtext;
	StashExport *export;

	if (SRF_IS_FIRSTCALL())
	{
		StashExportArgs args = args_of_chunks(format);
		StashExportOptions options;
		MemoryContext old;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		stash_export_get_options(fcinfo, &args, &options);
		call->tuple_desc = get_result_desc(fcinfo,
										   format->is_text ? TEXTOID : BYTEAOID);
		export = stash_export_open(&options, format,
								   call->multi_call_memory_ctx);
		call->user_fctx = export;
		MemoryContextSwitchTo(old);

		econtext = ((ReturnSetInfo *) fcinfo->resultinfo)->econtext;
		RegisterExprContextCallback(econtext, shutdown_export,
									PointerGetDatum(export));
	}

	call = SRF_PERCALL_SETUP();
	export = call->user_fctx;

	if (!stash_export_next(export))
	{
		econtext = ((ReturnSetInfo *) fcinfo->resultinfo)->econtext;
		UnregisterExprContextCallback(econtext, shutdown_export,
									  PointerGetDatum(export));
		stash_export_close(export);
		SRF_RETURN_DONE(call);
	}

	SRF_RETURN_NEXT(call, make_tuple(export, call->tuple_desc));
}
