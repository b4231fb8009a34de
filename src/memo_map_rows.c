/*-------------------------------------------------------------------------
 *
 * memo_map_rows.c
 *	  SQL functions of maps: rows as they come, and maps that go on while the
 *	  session does other things.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "memo_map.h"
#include "typeio.h"

PG_FUNCTION_INFO_V1(pg_hashstash_map);
PG_FUNCTION_INFO_V1(pg_hashstash_map_async);
PG_FUNCTION_INFO_V1(pg_hashstash_map_results);
PG_FUNCTION_INFO_V1(pg_hashstash_map_cancel);

/* A map that goes on by itself. */
typedef struct Handle
{
	int64		number;
	Oid			role;			/* that began it */
	MemoryContext context;
	StashMap   *map;
} Handle;

static List *handles;			/* of this session */
static int64 last_handle;

/* ---- arguments ---- */

static bool
read_on_error(const text *on_error)
{
	char	   *word = text_to_cstring(on_error);

	if (strcmp(word, "stop") == 0)
		return true;
	if (strcmp(word, "continue") == 0)
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid on_error: \"%s\"", word),
			 errhint("Use \"continue\" or \"stop\".")));
}

/* (function, inputs, workers, options, ordered, on_error, remember) */
static void
read_request(FunctionCallInfo fcinfo, StashMapRequest *request)
{
	static const char *const names[] = {
		"function", NULL, "workers", NULL, "ordered", "on_error", "remember"
	};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (names[i] != NULL && PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", names[i])));
	}
	memset(request, 0, sizeof(*request));
	request->function = PG_GETARG_OID(0);
	request->collation = PG_GET_COLLATION();
	request->workers = PG_GETARG_INT32(2);
	if (request->workers < 0 || request->workers > STASH_MAP_MAX_WORKERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid number of workers: %d", request->workers),
				 errdetail("The number of workers must be between 0 and %d.",
						   STASH_MAP_MAX_WORKERS)));
	request->options = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P_COPY(3);
	request->is_ordered = PG_GETARG_BOOL(4);
	request->stops = read_on_error(PG_GETARG_TEXT_PP(5));
	request->remember = PG_GETARG_BOOL(6);
}

/* ---- rows ---- */

static Datum
make_row(TupleDesc desc, const StashMapRow *row, Datum input)
{
	Datum		values[6];
	bool		nulls[6] = {false};
	Interval   *elapsed = palloc0(sizeof(Interval));

	elapsed->time = row->elapsed_us;
	values[0] = Int64GetDatum(row->ord);
	values[1] = input;
	nulls[1] = row->input_isnull;
	values[2] = PointerGetDatum(row->result);
	nulls[2] = row->result == NULL;
	values[3] = BoolGetDatum(row->is_hit);
	values[4] = row->error ? CStringGetTextDatum(row->error) : (Datum) 0;
	nulls[4] = row->error == NULL;
	values[5] = IntervalPGetDatum(elapsed);
	nulls[5] = row->is_hit;
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/* the executor wants no more rows, be it that there are none */
static void
end_map(Datum arg)
{
	stash_memo_map_end((StashMap *) DatumGetPointer(arg));
}

static TupleDesc
result_descriptor(FunctionCallInfo fcinfo)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return BlessTupleDesc(desc);
}

/*
 * stash.map(function regprocedure, inputs anyarray, workers int4 DEFAULT 2,
 *     options jsonb DEFAULT NULL, ordered bool DEFAULT false,
 *     on_error text DEFAULT 'continue', remember bool DEFAULT false)
 * returns setof (ord int8, input anyelement, result stash.variant, hit bool,
 *     error text, elapsed interval)
 *
 * Args:    function  a plain function, memoized or not
 *          inputs    one for each call; a row may be all its arguments
 *          workers   background workers, 0 .. 1024; 0 computes in the session
 *          options   arguments by name: an object, or an array of objects
 *          ordered   rows in the order of the inputs
 *          on_error  continue, or stop at the first
 *          remember  keep results as stash.run() does
 * Returns: a row for each input, as they come
 * Errors:  22023, 42883, 42804, 42501, 42809, 0A000, 42P13; with on_error
 *          stop what the function throws
 * Called on NULL, volatile, parallel unsafe.
 */
Datum
pg_hashstash_map(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	StashMap   *map;
	StashMapRow row;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		StashMapRequest request;

		context = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(context->multi_call_memory_ctx);
		context->tuple_desc = result_descriptor(fcinfo);
		read_request(fcinfo, &request);
		map = stash_memo_map_begin(&request, PG_ARGISNULL(1) ? NULL :
								   PG_GETARG_ARRAYTYPE_P_COPY(1));
		context->user_fctx = map;
		RegisterExprContextCallback(rsinfo->econtext, end_map,
									PointerGetDatum(map));
		MemoryContextSwitchTo(old);
	}
	context = SRF_PERCALL_SETUP();
	map = context->user_fctx;
	if (stash_memo_map_next(map, &row))
		SRF_RETURN_NEXT(context, make_row(context->tuple_desc, &row, row.input));
	UnregisterExprContextCallback(rsinfo->econtext, end_map,
								  PointerGetDatum(map));
	stash_memo_map_end(map);
	SRF_RETURN_DONE(context);
}

/* ---- maps that go on ---- */

/* the handle of that number; 'is_ours': if its answers are our role's to see */
static Handle *
find_handle(int64 number, bool is_ours)
{
	ListCell   *cell;

	foreach(cell, handles)
	{
		Handle	   *handle = lfirst(cell);

		if (handle->number == number)
			return !is_ours || has_privs_of_role(GetUserId(), handle->role) ?
				handle : NULL;
	}
	return NULL;
}

static void
close_handle(Handle *handle)
{
	handles = list_delete_ptr(handles, handle);
	stash_memo_map_end(handle->map);
	MemoryContextDelete(handle->context);
}

/*
 * stash.map_async(function regprocedure, inputs anyarray, workers int4
 *     DEFAULT 2, options jsonb DEFAULT NULL, ordered bool DEFAULT false,
 *     on_error text DEFAULT 'continue', remember bool DEFAULT false)
 * returns int8
 *
 * The same without waiting: returns a handle for stash.map_results().
 */
Datum
pg_hashstash_map_async(PG_FUNCTION_ARGS)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_hashstash map",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	StashMapRequest request;
	Handle	   *handle = palloc(sizeof(Handle));

	read_request(fcinfo, &request);
	request.is_async = true;
	handle->context = context;
	handle->map = stash_memo_map_begin(&request, PG_ARGISNULL(1) ? NULL :
									   PG_GETARG_ARRAYTYPE_P_COPY(1));
	MemoryContextSwitchTo(TopMemoryContext);
	handles = lappend(handles, handle);
	MemoryContextSetParent(context, TopMemoryContext);
	handle->number = ++last_handle;
	handle->role = GetUserId();
	MemoryContextSwitchTo(old);
	PG_RETURN_INT64(handle->number);
}

/* the input as a variant, for the type is not known when the query is planned */
static Datum
variant_of_input(StashMap *map, const StashMapRow *row)
{
	Oid			oid = stash_memo_map_element(map);

	if (row->input_isnull)
		return (Datum) 0;
	return PointerGetDatum(stash_frame_make(oid == RECORDOID ?
											stash_type_of_row(row->input) :
											stash_type_lookup(oid, -1),
											row->input, false, STASH_CODEC_LZ4));
}

/*
 * stash.map_results(handle int8) returns setof (ord int8, input stash.variant,
 *     result stash.variant, hit bool, error text, elapsed interval)
 *
 * The rows that have not been read, waiting for them.  One that reads only
 * some leaves the others to the next.  Errors: 42704 no such handle of this
 * role; those of a map that stops.  Strict, volatile, parallel unsafe.
 */
Datum
pg_hashstash_map_results(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	Handle	   *handle;
	StashMapRow row;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		context = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(context->multi_call_memory_ctx);
		context->tuple_desc = result_descriptor(fcinfo);
		MemoryContextSwitchTo(old);
		if (find_handle(PG_GETARG_INT64(0), true) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("there is no map with handle " INT64_FORMAT,
							PG_GETARG_INT64(0)),
					 errdetail("A handle ends when all rows have been read, and with the session; it is for the role that began the map.")));
	}
	context = SRF_PERCALL_SETUP();
	/* another call may have read the last rows */
	handle = find_handle(PG_GETARG_INT64(0), false);
	if (handle == NULL)
		SRF_RETURN_DONE(context);
	if (stash_memo_map_next(handle->map, &row))
		SRF_RETURN_NEXT(context, make_row(context->tuple_desc, &row,
										  variant_of_input(handle->map, &row)));
	close_handle(handle);
	SRF_RETURN_DONE(context);
}

/*
 * stash.map_cancel(handle int8) returns bool
 *
 * End a map before its rows were read; false when there is none.  Strict,
 * volatile, parallel unsafe.
 */
Datum
pg_hashstash_map_cancel(PG_FUNCTION_ARGS)
{
	Handle	   *handle = find_handle(PG_GETARG_INT64(0), true);

	if (handle == NULL)
		PG_RETURN_BOOL(false);
	close_handle(handle);
	PG_RETURN_BOOL(true);
}
