/*-------------------------------------------------------------------------
 *
 * import_arrow.c
 *	  Rows from Arrow IPC streams and files.
 *
 * Columns are found by name.  The rows are collected before the first one is
 * returned, so damaged data return none.  Of a file no more than a message at a
 * time is in memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "arrow_load.h"
#include "compat.h"
#include "import.h"
#include "server_file.h"

PG_FUNCTION_INFO_V1(pg_hashstash_from_arrow);
PG_FUNCTION_INFO_V1(pg_hashstash_read_arrow);

#define MAX_MESSAGE	(1000 * 1024 * 1024)	/* bytes; a buffer has 1 GB */

/* A file, of which a part is in memory. */
typedef struct Source
{
	StashServerFile *file;
	StringInfoData window;
	Size		base;			/* where the window begins */
} Source;

typedef struct Import
{
	StashArrowReader reader;
	TupleDesc	desc;			/* of the wanted rows */
	StashArrowLoader **loaders; /* by attribute, NULL for a dropped one */
	int		   *columns;		/* of the data, by attribute */
	Datum	   *values;
	bool	   *isnull;
	Oid			domain;			/* over the wanted rows, if valid */
	void	   *domain_cache;
	MemoryContext context;		/* of all of this */
	MemoryContext batch_context;	/* reset after each message */
	MemoryContext row_context;	/* reset after each row */
	bool		skips;			/* bad rows */
	int64		nskipped;
	int64		row;			/* that is read, from 1; 0: none */
	int64		place;			/* of it in its batch, from 0 */
	int			attno;			/* of the wanted column, from 0 */
} Import;

/* ---- files ---- */

/*
 * A StashArrowFetch.  Errors: 54000 for more than fits into memory, and those of
 * the file.
 */
static bool
fetch(void *arg, Size at, Size len, const uint8 **data)
{
	Source	   *source = arg;
	StringInfo	window = &source->window;
	int			used;

	if (at < source->base || at > source->base + window->len)
	{
		stash_server_file_seek(source->file, at);
		source->base = at;
		window->len = 0;
	}
	used = (int) (at - source->base);
	while (window->len - used < len)
	{
		/* not before that much is there: the length may be damage */
		if (window->len - used > MAX_MESSAGE)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("message of Arrow data is too large"),
					 errdetail("It has %llu bytes, at most %llu can be read.",
							   (unsigned long long) len,
							   (unsigned long long) MAX_MESSAGE),
					 errhint("Write the data in smaller batches.")));
		source->base += used;
		if (!stash_server_file_read(source->file, window, &used))
			return false;
	}
	*data = (const uint8 *) window->data + used;
	return true;
}

/*
 * Open a file, which is read as a stream unless it begins as an Arrow file.
 */
static StashArrowEvent
open_file(Import *import, Source *source, const char *path)
{
	const uint8 *data;
	Size		len = SIZE_MAX;

	source->file = stash_server_file_open(path);
	source->base = 0;
	initStringInfo(&source->window);
	if (fetch(source, 0, STASH_ARROW_FILE_START, &data) &&
		stash_arrow_is_file(data, STASH_ARROW_FILE_START))
	{
		len = stash_server_file_size(source->file);
		stash_server_file_seek(source->file, 0);
		source->window.len = 0;
	}
	return stash_arrow_open_source(&import->reader, fetch, source, len);
}

/* ---- rows ---- */

/* Say where in the data an error was met. */
static void
add_error_context(void *arg)
{
	Import	   *import = arg;
	const char *name = import->desc->natts == 0 ? "" :
	NameStr(TupleDescAttr(import->desc, import->attno)->attname);

	/* a value that is no row has no name */
	if (import->row > 0 && name[0] != '\0')
		errcontext("column \"%s\", row %lld of Arrow data", name,
				   (long long) import->row);
	else if (import->row > 0)
		errcontext("row %lld of Arrow data", (long long) import->row);
}

/*
 * Find the columns, and make their loaders.
 */
static void
prepare_columns(Import *import, bool is_row)
{
	TupleDesc	desc = import->desc;
	const StashArrowReader *reader = &import->reader;

	if (!is_row && reader->nfields != 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("Arrow data have %d columns", reader->nfields),
				 errdetail("Values of type %s can come from one column only.",
						   format_type_be(TupleDescAttr(desc, 0)->atttypid)),
				 errhint("Name a row type, as in NULL::a_table, or a column definition list.")));

	import->loaders = palloc0(desc->natts * sizeof(StashArrowLoader *));
	import->columns = palloc0(desc->natts * sizeof(int));
	import->values = palloc0(desc->natts * sizeof(Datum));
	import->isnull = palloc(desc->natts * sizeof(bool));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		import->isnull[i] = true;
		if (attr->attisdropped)
			continue;
		if (is_row)
			import->columns[i] = stash_arrow_find_field(reader->fields, reader->nfields,
														NameStr(attr->attname));
		import->loaders[i] = stash_arrow_make_loader(&reader->fields[import->columns[i]],
													 attr->atttypid, attr->atttypmod);
	}
}

/* Make the values of a row. */
static void
load_row(void *arg)
{
	Import	   *import = arg;
	MemoryContext old = MemoryContextSwitchTo(import->row_context);

	for (int k = 0; k < import->desc->natts; k++)
	{
		import->attno = k;
		if (import->loaders[k] != NULL)
			import->values[k] =
				stash_arrow_load(import->loaders[k],
								 &import->reader.arrays[import->columns[k]],
								 import->place, &import->isnull[k]);
	}
	if (OidIsValid(import->domain))
	{
		HeapTuple	tuple = heap_form_tuple(import->desc, import->values, import->isnull);

		domain_check(HeapTupleGetDatum(tuple), false, import->domain,
					 &import->domain_cache, import->context);
	}
	MemoryContextSwitchTo(old);
}

static void
put_row(Import *import, int64 place, Tuplestorestate *store)
{
	import->row++;
	import->place = place;
	if (!import->skips)
		load_row(import);
	else if (!stash_import_try(load_row, import))
	{
		import->nskipped++;
		MemoryContextReset(import->row_context);
		return;
	}
	tuplestore_putvalues(store, import->desc, import->values, import->isnull);
	MemoryContextReset(import->row_context);
}

/*
 * Read one message after the other, to the end.
 */
static void
read_all(Import *import, Tuplestorestate *store)
{
	for (;;)
	{
		MemoryContext old = MemoryContextSwitchTo(import->batch_context);
		StashArrowEvent event = stash_arrow_next(&import->reader);
		int64		before = import->row;

		MemoryContextSwitchTo(old);
		if (event == STASH_ARROW_END)
			return;
		if (event == STASH_ARROW_VALUES)
		{
			import->row = 0;
			for (int k = 0; k < import->desc->natts; k++)
			{
				if (import->loaders[k] != NULL)
					stash_arrow_load_dictionary(import->loaders[k], &import->reader,
												import->row_context);
			}
			import->row = before;
		}
		else if (event != STASH_ARROW_ROWS)
		{
			import->row = 0;
			stash_arrow_throw(&import->reader, event);
		}
		for (int64 i = 0; event == STASH_ARROW_ROWS && i < import->reader.nrows; i++)
		{
			CHECK_FOR_INTERRUPTS();
			put_row(import, i, store);
		}
		MemoryContextReset(import->batch_context);
	}
}

/* ---- the functions ---- */

/* Throw 42601 where nothing says which columns are wanted. */
static void
check_columns(FunctionCallInfo fcinfo, const char *name)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	if (result != NULL && IsA(result, ReturnSetInfo) && result->expectedDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a column definition list or a row type is required for stash.%s", name),
				 errhint("Write SELECT * FROM stash.%s AS t(a_column text), or name a row type.", name)));
}

/* Read what is open, and return it. */
static void
return_rows(Import *import, StashArrowEvent event, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ErrorContextCallback callback = {error_context_stack, add_error_context, import};
	Oid			type;
	TypeFuncClass class = get_call_result_type(fcinfo, &type, NULL);

	if (event != STASH_ARROW_ROWS)
		stash_arrow_throw(&import->reader, event);
	if (class == TYPEFUNC_COMPOSITE_DOMAIN)
		import->domain = type;
	import->desc = result->setDesc;
	import->context = CurrentMemoryContext;
	import->batch_context = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash arrow batch",
												  ALLOCSET_DEFAULT_SIZES);
	import->row_context = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash arrow row",
												ALLOCSET_DEFAULT_SIZES);
	prepare_columns(import, class != TYPEFUNC_SCALAR);
	error_context_stack = &callback;
	read_all(import, result->setResult);
	error_context_stack = callback.previous;
	MemoryContextDelete(import->row_context);
	MemoryContextDelete(import->batch_context);
}

/*
 * stash.from_arrow(data bytea, like anyelement) returns setof anyelement
 * stash.from_arrow(data bytea) returns setof record
 *
 * Args:    data  an Arrow IPC stream, such as the chunks of stash.to_arrow
 *                joined, or a file
 *          like  names the type: a row type, or that of the only column
 * Returns: the rows; columns that are not asked for are left out.  No rows for
 *          null data
 * Errors:  22P03 damaged data; 0A000 what is not read; 42703, 42702 a column
 *          that is missing or there twice; 42804, 22003, 22008 and what the
 *          types' input functions throw for values that do not fit; 42601 no
 *          column definition list where there must be one
 *
 * Stable, parallel safe, called on null.
 */
Datum
pg_hashstash_from_arrow(PG_FUNCTION_ARGS)
{
	Import		import = {.domain = InvalidOid};
	StashArrowEvent event;
	bytea	   *data;

	check_columns(fcinfo, "from_arrow(data)");
	stash_compat_materialize_expected(fcinfo);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	data = PG_GETARG_BYTEA_PP(0);
	event = stash_arrow_open(&import.reader, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
	return_rows(&import, event, fcinfo);
	return (Datum) 0;
}

/*
 * stash.read_arrow(path text, like anyelement, on_error text DEFAULT 'stop')
 *		returns setof anyelement
 * stash.read_arrow(path text, on_error text DEFAULT 'stop')
 *		returns setof record
 *
 * The same from a file of the server, of which a message at a time is in memory.
 *
 * Args:    on_error  stop: a value that does not fit ends the query; skip: its
 *                    row is left out, and counted in a NOTICE
 * Errors:  also 22023 unknown on_error, 42501 without the rights of
 *          pg_read_server_files, 42602 for a relative path, 54000 for a batch of
 *          1 GB, and those of the file system.  Damage is never skipped
 *
 * Volatile and parallel unsafe, called on null.
 */
Datum
pg_hashstash_read_arrow(PG_FUNCTION_ARGS)
{
	Import		import = {.domain = InvalidOid};
	StashArrowEvent event;
	Source		source;

	check_columns(fcinfo, "read_arrow(path)");
	stash_compat_materialize_expected(fcinfo);
	import.skips = stash_import_skips(fcinfo, PG_NARGS() - 1);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	event = open_file(&import, &source, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	return_rows(&import, event, fcinfo);
	stash_server_file_close(source.file);
	if (import.nskipped > 0)
		ereport(NOTICE,
				(errmsg_plural("%lld row was skipped", "%lld rows were skipped",
							   import.nskipped, (long long) import.nskipped)));
	return (Datum) 0;
}
