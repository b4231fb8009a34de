/*-------------------------------------------------------------------------
 *
 * export.c
 *	  What exports have in common: their options, and the memory limit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "export.h"

static void
check_not_null(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
}

/*
 * Read and check the arguments that all export functions begin with: query,
 * chunk_rows, chunk_bytes, memory_limit.
 *
 * The query is copied to the current memory context.  Errors: 22004 for a
 * null, 22023 for a number that is out of range.
 */
void
stash_export_get_options(FunctionCallInfo fcinfo, StashExportOptions *options)
{
	check_not_null(fcinfo, 0, "query");
	check_not_null(fcinfo, 1, "chunk_rows");
	check_not_null(fcinfo, 2, "chunk_bytes");

	options->query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	options->chunk_rows = PG_GETARG_INT32(1);
	options->chunk_bytes = PG_GETARG_INT32(2);
	options->memory_limit = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT64(3);

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
	if (!PG_ARGISNULL(3) && options->memory_limit < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for memory_limit: %lld",
						(long long) options->memory_limit),
				 errdetail("memory_limit is a positive number of bytes, or null for no limit."),
				 errhint("Leave memory_limit out to have no limit.")));
}

/*
 * Throw 53200 when 'context', which has all memory of an export and its query,
 * would hold more than 'limit' with 'more' bytes.  What the query itself uses
 * for sorting and the like is counted.  A limit of 0 is none.
 */
void
stash_export_check_memory(MemoryContext context, int64 limit, Size more)
{
	Size		held;

	if (limit == 0)
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

	if (limit == 0)
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
