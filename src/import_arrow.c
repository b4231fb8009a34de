/*-------------------------------------------------------------------------
 *
 * import_arrow.c
 *	  Rows from Arrow IPC streams and files.
 *
 * Columns are found by name.  The rows are collected before the first one is
 * returned, so damaged data return none.
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

PG_FUNCTION_INFO_V1(pg_hashstash_from_arrow);

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
	int64		row;			/* that is read, from 1; 0: none */
	int			attno;			/* of the wanted column, from 0 */
} Import;

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

static void
put_row(Import *import, int64 i, Tuplestorestate *store)
{
	MemoryContext old = MemoryContextSwitchTo(import->row_context);

	import->row++;
	for (int k = 0; k < import->desc->natts; k++)
	{
		import->attno = k;
		if (import->loaders[k] != NULL)
			import->values[k] =
				stash_arrow_load(import->loaders[k],
								 &import->reader.arrays[import->columns[k]], i,
								 &import->isnull[k]);
	}
	if (OidIsValid(import->domain))
	{
		HeapTuple	tuple = heap_form_tuple(import->desc, import->values, import->isnull);

		domain_check(HeapTupleGetDatum(tuple), false, import->domain,
					 &import->domain_cache, import->context);
	}
	tuplestore_putvalues(store, import->desc, import->values, import->isnull);
	MemoryContextSwitchTo(old);
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
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Import		import = {.domain = InvalidOid};
	ErrorContextCallback callback;
	StashArrowEvent event;
	TypeFuncClass class;
	Oid			type;
	bytea	   *data;

	if (result != NULL && IsA(result, ReturnSetInfo) && result->expectedDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a column definition list or a row type is required for stash.from_arrow()"),
				 errhint("Write SELECT * FROM stash.from_arrow(data) AS t(a_column text), or name a row type.")));
	stash_compat_materialize_expected(fcinfo);
	if (PG_ARGISNULL(0))
		return (Datum) 0;

	class = get_call_result_type(fcinfo, &type, NULL);
	if (class == TYPEFUNC_COMPOSITE_DOMAIN)
		import.domain = type;
	data = PG_GETARG_BYTEA_PP(0);
	import.desc = result->setDesc;
	import.context = CurrentMemoryContext;
	import.batch_context = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash arrow batch",
												 ALLOCSET_DEFAULT_SIZES);
	import.row_context = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash arrow row",
											   ALLOCSET_DEFAULT_SIZES);
	event = stash_arrow_open(&import.reader, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
	if (event != STASH_ARROW_ROWS)
		stash_arrow_throw(&import.reader, event);
	prepare_columns(&import, class != TYPEFUNC_SCALAR);

	callback.callback = add_error_context;
	callback.arg = &import;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	read_all(&import, result->setResult);
	error_context_stack = callback.previous;

	MemoryContextDelete(import.row_context);
	MemoryContextDelete(import.batch_context);
	return (Datum) 0;
}
