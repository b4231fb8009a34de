/*-------------------------------------------------------------------------
 *
 * import_file.c
 *	  Files of the server into tables.
 *
 * The rows are those that stash.read_jsonl() or stash.read_arrow() returns; an
 * INSERT takes them, with all that belongs to it: rights, row security, triggers,
 * partitions, defaults of columns that are not read.  It is run as the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "copy.h"
#include "import_file.h"
#include "server_file.h"
#include "spi.h"

PG_FUNCTION_INFO_V1(pg_hashstash_import_file);

/* the column of a name, which must be one of the table's own */
static Form_pg_attribute
find_column(Relation rel, const char *name)
{
	AttrNumber	number = get_attnum(RelationGetRelid(rel), name);

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						name, RelationGetRelationName(rel))));
	return TupleDescAttr(RelationGetDescr(rel), number - 1);
}

/*
 * Insert the rows of a file into a table that is open.
 *
 * 'columns' is a list of names, 'format' jsonl or arrow, 'on_error' stop or skip.
 * Returns how many rows were inserted.  Errors: those of read_jsonl() and
 * read_arrow(), and of the INSERT; 42703 for a column that the table has not;
 * 0A000 for none at all.
 */
uint64
stash_import_file(Relation rel, List *columns, const char *path,
				  const char *format, const char *on_error)
{
	char	   *table = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												   RelationGetRelationName(rel));
	StringInfoData names;
	StringInfoData types;
	ListCell   *cell;

	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" has no columns to be read",
						RelationGetRelationName(rel))));
	initStringInfo(&names);
	initStringInfo(&types);
	foreach(cell, columns)
	{
		const char *name = strVal(lfirst(cell));
		Form_pg_attribute column = find_column(rel, name);
		const char *comma = names.len > 0 ? ", " : "";

		appendStringInfo(&names, "%s%s", comma, quote_identifier(name));
		appendStringInfo(&types, "%s%s %s", comma, quote_identifier(name),
						 format_type_extended(column->atttypid, column->atttypmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
	}
	return stash_spi_run_bigint(psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM stash.read_%s(%s, %s::pg_catalog.text) AS rows_of_file(%s)",
										 table, names.data, names.data, format,
										 quote_literal_cstr(path),
										 quote_literal_cstr(on_error), types.data),
								false);
}

/* the format that is named, or that the end of a path tells */
static const char *
find_format(const char *name, const char *path)
{
	const char *format = name != NULL ? name : stash_server_file_format(path);

	if (format != NULL &&
		(strcmp(format, "jsonl") == 0 || strcmp(format, "arrow") == 0))
		return format;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 name != NULL ? errmsg("unknown format \"%s\"", name) :
			 errmsg("the name of file \"%s\" tells no format", path),
			 errhint("Formats are jsonl and arrow.")));
}

/* an array of names as a list of them */
static List *
read_names(ArrayType *array)
{
	List	   *names = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the name of a column must not be null")));
		names = lappend(names, makeString(TextDatumGetCString(elements[i])));
	}
	return names;
}

static char *
get_text(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(argno));
}

/*
 * stash.import_file(path text, table regclass, format text DEFAULT NULL,
 *					 columns text[] DEFAULT NULL, on_error text DEFAULT 'stop')
 *		returns int8
 *
 * Args:    path      absolute; .gz or .zst at its end unpacks it
 *          table     what an INSERT can name
 *          format    jsonl or arrow; null: what the end of the path says
 *          columns   that are read, all others get their defaults; null: all
 *                    that are not generated, GENERATED ALWAYS AS IDENTITY
 *                    neither.  A line of JSON may lack some, which are NULL
 *                    then; Arrow data must have all
 *          on_error  stop: a bad row ends the import; skip: it is left out, and
 *                    counted in a NOTICE.  What breaks a constraint of the table
 *                    or is damage of the file always ends it
 * Returns: the number of rows that were inserted
 * Errors:  22004 null argument; 22023 unknown format or on_error; 42703 no such
 *          column; those of read_jsonl() and read_arrow(), with line or row and
 *          column; those of an INSERT of the caller's
 *
 * Not strict.  Volatile and parallel unsafe.
 */
Datum
pg_hashstash_import_file(PG_FUNCTION_ARGS)
{
	char	   *path = get_text(fcinfo, 0, "path");
	char	   *on_error = get_text(fcinfo, 4, "on_error");
	List	   *columns = NIL;
	const char *format;
	Relation	rel;
	uint64		nrows;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table must not be null")));
	format = find_format(PG_ARGISNULL(2) ? NULL : get_text(fcinfo, 2, "format"), path);
	rel = table_open(PG_GETARG_OID(1), RowExclusiveLock);
	if (!PG_ARGISNULL(3))
		columns = read_names(PG_GETARG_ARRAYTYPE_P(3));
	if (columns == NIL)
		columns = stash_copy_all_columns(rel, false);
	nrows = stash_import_file(rel, columns, path, format, on_error);
	table_close(rel, NoLock);
	PG_RETURN_INT64((int64) nrows);
}
