/*-------------------------------------------------------------------------
 *
 * import_jsonl.c
 *	  Rows from JSON Lines: each line an object, each of its members a column.
 *
 * Values become what json_populate_record() makes of them: strings and
 * everything else that a type's input function reads go to it, as do the
 * elements of flat arrays; other arrays, and objects for rows, go to that
 * function itself.  A member that is no column is passed over, a column that is
 * no member is NULL, of two members of one name the last one counts, lines of
 * blanks are none.
 *
 * Columns mostly come in the order of the row type, so each is looked for
 * behind the last one found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "compat.h"
#include "import.h"
#include "import_copy.h"
#include "json_read.h"
#include "server_file.h"

PG_FUNCTION_INFO_V1(pg_hashstash_from_jsonl);
PG_FUNCTION_INFO_V1(pg_hashstash_read_jsonl);
PG_FUNCTION_INFO_V1(pg_hashstash_copied_lines);

/* The elements of an array, of a type that has no members of its own. */
typedef struct Elements
{
	Oid			type;			/* 0: other arrays, or none */
	int16		typlen;
	bool		typbyval;
	char		typalign;
	Oid			ioparam;
	FmgrInfo	input;
	int			room;			/* for so many, in what follows */
	Datum	   *values;
	bool	   *nulls;
} Elements;

typedef struct Column
{
	const char *name;			/* NULL: dropped */
	Size		namelen;
	Oid			type;
	int32		typmod;
	Oid			ioparam;
	FmgrInfo	input;
	bool		takes_json;		/* json or jsonb: input reads the text as it
								 * is */
	bool		is_vector;		/* int2vector or oidvector: begins at 0 */
	bool		is_nested;		/* another array or a row, or a domain over
								 * one */
	Elements	elements;		/* of an array, but of no domain over one */
	FmgrInfo	populate;		/* of nested ones; fn_oid is 0 before the
								 * first */
	Datum		base;			/* a row of one such column, for it */
} Column;

typedef struct Import
{
	TupleDesc	desc;
	Column	   *columns;
	int			next;			/* column that is expected */
	Oid			domain;			/* over the row type, or 0 */
	void	   *domain_cache;
	bool		skips;			/* bad lines */
	int64		nskipped;
	CopyFromState copy;			/* has the lines; NULL: no COPY runs */
	StashServerFile *file;		/* has them; NULL: all are in memory */
	StringInfoData lines;		/* that were read and not used yet */
	int			at;				/* in them */
	int64		line;			/* number of the last one, from 1 */
	int			column;			/* in characters, from 1; 0: not known */
	const char *member;			/* whose value is read; NULL: none */
	Datum	   *values;
	bool	   *nulls;
	MemoryContext context;		/* of all of this */
	MemoryContext row_context;	/* reset before each line */
} Import;

/* ---- values ---- */

/*
 * An array or object becomes an array or a row: json_populate_record() is told
 * to fill a row of that one column.
 */
static Datum
read_nested(Import *import, Column *column, const StashJsonPiece *piece,
			bool *isnull)
{
	LOCAL_FCINFO(call, 3);
	StringInfoData object;
	HeapTupleHeader row;

	if (!OidIsValid(column->populate.fn_oid))
	{
		MemoryContext old = MemoryContextSwitchTo(import->context);
		TupleDesc	desc = CreateTemplateTupleDesc(1);
		bool		null = true;
		Datum		value = (Datum) 0;

		TupleDescInitEntry(desc, 1, "v", column->type, column->typmod, 0);
		TupleDescFinalize(desc);
		desc = BlessTupleDesc(desc);
		column->base = HeapTupleGetDatum(heap_form_tuple(desc, &value, &null));
		fmgr_info(F_JSON_POPULATE_RECORD, &column->populate);
		column->populate.fn_expr = (Node *)
			makeFuncExpr(F_JSON_POPULATE_RECORD, RECORDOID,
						 list_make2(makeNullConst(RECORDOID, -1, InvalidOid),
									makeNullConst(JSONOID, -1, InvalidOid)),
						 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
		MemoryContextSwitchTo(old);
	}
	initStringInfo(&object);
	appendStringInfoString(&object, "{\"v\":");
	appendBinaryStringInfo(&object, piece->data, piece->len);
	appendStringInfoChar(&object, '}');
	stash_catalog_note_text(column->type, object.data);
	InitFunctionCallInfoData(*call, &column->populate, 3, InvalidOid, NULL, NULL);
	call->args[0].value = column->base;
	call->args[0].isnull = false;
	call->args[1].value = PointerGetDatum(cstring_to_text_with_len(object.data,
																   object.len));
	call->args[1].isnull = false;
	call->args[2].value = BoolGetDatum(false);
	call->args[2].isnull = false;
	row = DatumGetHeapTupleHeader(FunctionCallInvoke(call));
	return GetAttributeByNum(row, 1, isnull);
}

/*
 * The text of a piece, unescaped if it is a string: an escape becomes UTF-8, so
 * what is around it must be that too.
 */
static char *
piece_text(const StashJsonPiece *piece)
{
	bool		is_other = piece->is_escaped && GetDatabaseEncoding() != PG_UTF8;
	StashJsonPiece utf8 = *piece;
	char	   *text;
	Size		len;

	if (is_other)
	{
		utf8.data = pg_server_to_any(piece->data, (int) piece->len, PG_UTF8);
		if (utf8.data != piece->data)
			utf8.len = strlen(utf8.data);
	}
	len = utf8.len;
	text = palloc(len + 1);

	if (!piece->is_escaped)
		memcpy(text, utf8.data, len);
	else if (!stash_json_unescape(&utf8, text, &len))
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("unsupported Unicode escape sequence"),
				 errdetail("\\u0000 and half of a surrogate pair cannot be converted to text.")));
	text[		len] = '\0';
	return is_other ? pg_any_to_server(text, (int) len, PG_UTF8) : text;
}

static void
make_room(Import *import, Elements *elements)
{
	int			room = Max(64, 2 * elements->room);

	if (room > MaxAllocSize / sizeof(Datum))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("array has too many elements")));
	if (elements->room == 0)
	{
		elements->values = MemoryContextAlloc(import->context,
											  room * sizeof(Datum));
		elements->nulls = MemoryContextAlloc(import->context, room);
	}
	else
	{
		elements->values = repalloc(elements->values, room * sizeof(Datum));
		elements->nulls = repalloc(elements->nulls, room);
	}
	elements->room = room;
}

/* the value of a piece, by a type's input function; NULL: of none */
static Datum
read_piece(FmgrInfo *input, Oid type, const StashJsonPiece *piece, Oid ioparam,
		   int32 typmod)
{
	char	   *text = piece != NULL ? piece_text(piece) : NULL;

	if (text !=NULL)
		stash_catalog_note_text(type, text);
	return InputFunctionCall(input, text, ioparam, typmod);
}

/*
 * Read an array of one dimension.  False, with nothing done that matters, where
 * an element is an array or an object.
 */
static bool
read_flat_array(Import *import, Column *column, const StashJsonPiece *piece,
				Datum *value)
{
	Elements   *elements = &column->elements;
	StashJsonReader reader;
	StashJsonPiece element;
	StashJsonKind kind;
	int			count = 0;
	int			first = 1;

	stash_json_open_array(&reader, piece);
	while (stash_json_next_element(&reader, &kind, &element))
	{
		CHECK_FOR_INTERRUPTS();

		if (kind == STASH_JSON_ARRAY || kind == STASH_JSON_OBJECT)
			return false;
		if (count == elements->room)
			make_room(import, elements);
		elements->nulls[count] = kind == STASH_JSON_NULL;
		elements->values[count] =
			read_piece(&elements->input, elements->type,
					   kind == STASH_JSON_NULL ? NULL : &element,
					   elements->ioparam, column->typmod);
		count++;
	}
	*value = PointerGetDatum(construct_md_array(elements->values,
												elements->nulls, 1, &count,
												&first, elements->type,
												elements->typlen,
												elements->typbyval,
												elements->typalign));
	return true;
}

/* what the input functions of int2vector and oidvector read: the numbers */
static char *
vector_text(const StashJsonPiece *piece)
{
	char	   *text = piece_text(piece);

	for (char *at = text; (at = strpbrk(at, "[],\"")) != NULL;)
		*at++ = ' ';
	return text;
}

static Datum
read_value(Import *import, Column *column, const StashJsonMember *member,
		   bool *isnull)
{
	StashJsonPiece piece = member->value;
	Datum		value;

	*isnull = member->kind == STASH_JSON_NULL;
	if (column->takes_json && member->kind == STASH_JSON_STRING)
	{
		/* with its quotes, as it stands */
		piece.data--;
		piece.len += 2;
		piece.is_escaped = false;
	}
	else if (OidIsValid(column->elements.type) &&
			 member->kind == STASH_JSON_ARRAY &&
			 read_flat_array(import, column, &piece, &value))
		return value;
	else if (column->is_nested && (member->kind == STASH_JSON_ARRAY ||
								   member->kind == STASH_JSON_OBJECT))
		return read_nested(import, column, &piece, isnull);
	else if (column->is_vector && member->kind == STASH_JSON_ARRAY)
		return InputFunctionCall(&column->input, vector_text(&piece),
								 column->ioparam, column->typmod);
	/* the input function of a domain judges NULL, too */
	return read_piece(&column->input, column->type, *isnull ? NULL : &piece,
					  column->ioparam, column->typmod);
}

/* ---- lines ---- */

static Column *
find_column(Import *import, const StashJsonPiece *key)
{
	int			natts = import->desc->natts;
	StashJsonPiece name = *key;

	if (key->is_escaped)
	{
		name.data = piece_text(key);
		name.len = strlen(name.data);
	}
	for (int i = 0; i < natts; i++)
	{
		Column	   *column = &import->columns[import->next];

		import->next = import->next + 1 < natts ? import->next + 1 : 0;
		if (column->name != NULL && column->namelen == name.len &&
			memcmp(column->name, name.data, name.len) == 0)
			return column;
	}
	return NULL;
}

pg_noreturn static void
throw_json(Import *import, const StashJsonReader *reader, const char *line)
{
	import->column = pg_mbstrlen_with_len(line, reader->at - line) + 1;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid JSON: %s", reader->error)));
}

/* a column that no member names: NULL, if its type is a domain that allows it */
static void
fill_missing(Import *import)
{
	StashJsonMember member = {.kind = STASH_JSON_NULL};

	for (int i = 0; i < import->desc->natts; i++)
	{
		Column	   *column = &import->columns[i];

		if (import->nulls[i] && column->name != NULL)
			import->values[i] = read_value(import, column, &member,
										   &import->nulls[i]);
	}
}

static HeapTuple
read_line(Import *import, const char *line, Size len)
{
	StashJsonReader reader;
	StashJsonMember member;
	HeapTuple	tuple;

	import->next = 0;
	import->column = 0;
	memset(import->nulls, true, import->desc->natts);
	if (!stash_json_open(&reader, line, len))
		throw_json(import, &reader, line);
	while (stash_json_next(&reader, &member))
	{
		Column	   *column = find_column(import, &member.key);

		if (column == NULL)
			continue;
		import->member = column->name;
		import->values[column - import->columns] =
			read_value(import, column, &member,
					   &import->nulls[column - import->columns]);
		import->member = NULL;
	}
	if (reader.error != NULL)
		throw_json(import, &reader, line);
	fill_missing(import);
	tuple = heap_form_tuple(import->desc, import->values, import->nulls);
	if (OidIsValid(import->domain))
		domain_check(HeapTupleGetDatum(tuple), false, import->domain,
					 &import->domain_cache, import->context);
	return tuple;
}

typedef struct Attempt
{
	Import	   *import;
	const char *line;
	Size		len;
	HeapTuple	tuple;			/* the result */
} Attempt;

static void
attempt_line(void *arg)
{
	Attempt    *attempt = arg;

	attempt->tuple = read_line(attempt->import, attempt->line, attempt->len);
}

/*
 * The same in a subtransaction; NULL where the line is bad.
 */
static HeapTuple
try_line(Import *import, const char *line, Size len)
{
	Attempt		attempt = {import, line, len, NULL};

	if (!stash_import_try(attempt_line, &attempt))
	{
		import->nskipped++;
		import->member = NULL;
	}
	return attempt.tuple;
}

static bool
is_blank(const char *line, Size len)
{
	for (Size i = 0; i < len; i++)
	{
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	}
	return true;
}

/* the next line that COPY reads */
static bool
next_copied_line(Import *import, const char **line, Size *len)
{
	char	  **fields;
	int			nfields;

	if (!NextCopyFromRawFields(import->copy, &fields, &nfields))
		return false;
	if (nfields != 1)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("control character in JSON")));
	import->line++;
	*line = fields[0] != NULL ? fields[0] : "";
	*len = strlen(*line);
	return true;
}

/*
 * Find the next line, without its end; false when there is none.
 */
static bool
next_line(Import *import, const char **line, Size *len)
{
	StringInfo	lines = &import->lines;
	Size		seen = 0;

	if (import->copy != NULL)
		return next_copied_line(import, line, len);
	for (;;)
	{
		char	   *begin = lines->data + import->at;
		Size		left = lines->len - import->at;
		char	   *end = memchr(begin + seen, '\n', left - seen);

		if (end == NULL && import->file != NULL &&
			stash_server_file_read(import->file, lines, &import->at))
		{
			seen = left;
			continue;
		}
		if (end == NULL && left == 0)
			return false;
		*line = begin;
		*len = end != NULL ? end - begin : left;
		import->at += *len + (end != NULL);
		import->line++;
		if (import->line == 1 && *len >= 3 &&
			memcmp(begin, "\xEF\xBB\xBF", 3) == 0)
		{
			/* byte order mark */
			*line += 3;
			*len -= 3;
		}
		return true;
	}
}

static void
add_error_context(void *arg)
{
	Import	   *import = arg;

	if (import->member != NULL)
		errcontext("JSON line %lld, column \"%s\"", (long long) import->line,
				   import->member);
	else if (import->column > 0)
		errcontext("JSON line %lld, character %d", (long long) import->line,
				   import->column);
	else if (import->line > 0)
		errcontext("JSON line %lld", (long long) import->line);
}

/*
 * The next row; NULL at the end.
 */
static HeapTuple
next_row(Import *import)
{
	ErrorContextCallback callback = {error_context_stack, add_error_context, import};
	HeapTuple	tuple = NULL;
	const char *line;
	Size		len;

	error_context_stack = &callback;
	while (tuple == NULL && next_line(import, &line, &len))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(import->row_context);
		if (is_blank(line, len))
			continue;
		if (import->file != NULL)
		{
			/* where the encodings differ it is converted, else it is checked */
			char	   *converted;

			if (len > MaxAllocSize / 4)
				ereport(ERROR,
						(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						 errmsg("line is too long")));
			converted = pg_any_to_server(line, (int) len, PG_UTF8);
			len = converted == line ? len : strlen(converted);
			line = converted;
		}
		tuple = import->skips ? try_line(import, line, len) :
			read_line(import, line, len);
	}
	error_context_stack = callback.previous;
	return tuple;
}

/* ---- the functions ---- */

static bool
is_nested(Oid type)
{
	Oid			base = getBaseType(type);

	return type_is_rowtype(base) || OidIsValid(get_element_type(base));
}

/* for an array whose elements are neither arrays, rows nor JSON */
static void
prepare_elements(Elements *elements, Oid array)
{
	Oid			type = get_element_type(array);
	Oid			base = OidIsValid(type) ? getBaseType(type) : InvalidOid;
	Oid			input;

	if (!OidIsValid(type) || base == JSONOID || base == JSONBOID ||
		is_nested(type))
		return;
	elements->type = type;
	get_typlenbyvalalign(type, &elements->typlen, &elements->typbyval,
						 &elements->typalign);
	getTypeInputInfo(type, &input, &elements->ioparam);
	fmgr_info(input, &elements->input);
}

static void
prepare_columns(Import *import)
{
	int			natts = import->desc->natts;

	import->columns = palloc0(natts * sizeof(Column));
	import->values = palloc0(natts * sizeof(Datum));
	import->nulls = palloc0(natts * sizeof(bool));
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(import->desc, i);
		Column	   *column = &import->columns[i];
		Oid			base;
		Oid			input;

		if (attribute->attisdropped)
			continue;
		base = getBaseType(attribute->atttypid);
		column->name = NameStr(attribute->attname);
		column->namelen = strlen(column->name);
		column->type = attribute->atttypid;
		column->typmod = attribute->atttypmod;
		column->takes_json = base == JSONOID || base == JSONBOID;
		column->is_vector = base == INT2VECTOROID || base == OIDVECTOROID;
		column->is_nested = !column->is_vector && is_nested(column->type);
		if (column->is_nested)
			prepare_elements(&column->elements, column->type);
		getTypeInputInfo(column->type, &input, &column->ioparam);
		fmgr_info(input, &column->input);
	}
}

/* begins an import in a context of its own, a child of the current one */
static Import *
open_import(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_hashstash import",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Import	   *import = palloc0(sizeof(Import));
	TupleDesc	desc = NULL;
	Oid			type;
	TypeFuncClass class = get_call_result_type(fcinfo, &type, &desc);

	if (class == TYPEFUNC_RECORD)
		desc = result->expectedDesc;
	if (class == TYPEFUNC_SCALAR || desc == NULL)
		ereport(ERROR,
				(errcode(class == TYPEFUNC_SCALAR ? ERRCODE_DATATYPE_MISMATCH :
						 ERRCODE_SYNTAX_ERROR),
				 errmsg("a column definition list or a row type is required for rows from JSON"),
				 errhint("Write SELECT * FROM stash.from_jsonl(data) AS t(a_column text), or name a row type, as in NULL::a_table.")));
	if (class == TYPEFUNC_COMPOSITE_DOMAIN)
		import->domain = type;
	import->desc = BlessTupleDesc(CreateTupleDescCopy(desc));
	import->skips = stash_import_skips(fcinfo, PG_NARGS() - 1);
	import->context = context;
	import->row_context = AllocSetContextCreate(context,
												"pg_hashstash import line",
												ALLOCSET_DEFAULT_SIZES);
	prepare_columns(import);
	MemoryContextSwitchTo(old);
	return import;
}

static void
close_import(Import *import)
{
	if (import->file != NULL)
		stash_server_file_close(import->file);
	if (import->nskipped > 0)
		ereport(NOTICE,
				(errmsg_plural("%lld line was skipped", "%lld lines were skipped",
							   import->nskipped, (long long) import->nskipped)));
	MemoryContextDelete(import->context);
}

/* LIMIT and the like end the calls early */
static void
shutdown_import(Datum arg)
{
	close_import((Import *) DatumGetPointer(arg));
}

/* where lines come from */
typedef enum Source
{
	FROM_TEXT,
	FROM_FILE,
	FROM_COPY
} Source;

/* returns one row after the other */
static Datum
next_call(FunctionCallInfo fcinfo, Source source)
{
	ExprContext *econtext = ((ReturnSetInfo *) fcinfo->resultinfo)->econtext;
	FuncCallContext *call;
	Import	   *import;
	HeapTuple	tuple;
	MemoryContext old;

	if (SRF_IS_FIRSTCALL())
	{
		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		import = open_import(fcinfo);
		call->user_fctx = import;
		MemoryContextSwitchTo(import->context);
		initStringInfo(&import->lines);
		if (source == FROM_COPY)
			import->copy = stash_import_copying;
		else if (PG_ARGISNULL(0))
			import->lines.len = 0;
		else if (source == FROM_FILE)
			import->file = stash_server_file_open(text_to_cstring(PG_GETARG_TEXT_PP(0)));
		else
		{
			text	   *data = PG_GETARG_TEXT_P_COPY(0);

			import->lines.data = VARDATA(data);
			import->lines.len = VARSIZE(data) - VARHDRSZ;
		}
		MemoryContextSwitchTo(old);
		RegisterExprContextCallback(econtext, shutdown_import,
									PointerGetDatum(import));
	}

	call = SRF_PERCALL_SETUP();
	import = call->user_fctx;
	old = MemoryContextSwitchTo(import->row_context);
	tuple = next_row(import);
	MemoryContextSwitchTo(old);
	if (tuple == NULL)
	{
		UnregisterExprContextCallback(econtext, shutdown_import,
									  PointerGetDatum(import));
		close_import(import);
		SRF_RETURN_DONE(call);
	}
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(tuple));
}

/*
 * stash.from_jsonl(data text, like anyelement, on_error text DEFAULT 'stop')
 *		returns setof anyelement
 * stash.from_jsonl(data text, on_error text DEFAULT 'stop')
 *		returns setof record
 *
 * Args:    data      JSON Lines, such as the chunks of stash.to_jsonl()
 *          like      names the row type
 *          on_error  stop: a bad line ends the query; skip: it is left out, and
 *                    counted in a NOTICE
 * Returns: a row for each line; none for null data
 * Errors:  22P02 no JSON object, 22P05 an escape that is no text, with line and
 *          character; what the types' input functions throw, with line and
 *          column; 42601, 42804 no row type; 22023 unknown on_error
 *
 * Stable, parallel restricted, for it may use subtransactions.  Called on null.
 */
Datum
pg_hashstash_from_jsonl(PG_FUNCTION_ARGS)
{
	return next_call(fcinfo, FROM_TEXT);
}

/*
 * stash.read_jsonl(path text, like anyelement, on_error text DEFAULT 'stop')
 *		returns setof anyelement
 * stash.read_jsonl(path text, on_error text DEFAULT 'stop')
 *		returns setof record
 *
 * The same from a file of the server, in UTF-8, of which a line at a time is in
 * memory.  Errors: also 42501 without the rights of pg_read_server_files, 42602
 * for a relative path, and those of the file system.  Volatile.
 */
Datum
pg_hashstash_read_jsonl(PG_FUNCTION_ARGS)
{
	return next_call(fcinfo, FROM_FILE);
}

/*
 * stash.copied_lines(like anyelement, on_error text) returns setof anyelement
 *
 * The rows of the COPY ... FROM that runs.  Errors: 55000 where none does; as
 * of from_jsonl().  Volatile, parallel unsafe.
 */
Datum
pg_hashstash_copied_lines(PG_FUNCTION_ARGS)
{
	if (stash_import_copying == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("stash.copied_lines() is called by COPY only"),
				 errhint("Use COPY ... FROM ... WITH (FORMAT jsonl).")));
	return next_call(fcinfo, FROM_COPY);
}
