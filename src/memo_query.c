/*-------------------------------------------------------------------------
 *
 * memo_query.c
 *	  Remembered queries: what runs them, and when two are the same.
 *
 * stash.query() is a function in language stash, like any other that is
 * memoized; its target is below.  Two texts are the same query when they
 * differ in white space and comments outside of literals alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"
#include "query.h"
#include "typeio.h"

PG_FUNCTION_INFO_V1(pg_hashstash_run_query);
PG_FUNCTION_INFO_V1(pg_hashstash_run_query_json);

/* ---- when two texts are the same query ---- */

static bool
is_name_part(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/*
 * Behind white space and comments; says whether there was a line end, for
 * literals on two lines are one.
 */
static const char *
skip_blanks(const char *at, bool *has_line)
{
	*has_line = false;
	for (;;)
	{
		if (scanner_isspace(*at))
			*has_line |= *at == '\n' || *at == '\r';
		else if (at[0] == '-' && at[1] == '-')
		{
			while (at[1] != '\0' && at[1] != '\n' && at[1] != '\r')
				at++;
		}
		else if (at[0] == '/' && at[1] == '*')
		{
			int			depth = 1;

			at += 2;
			while (*at != '\0' && depth > 0)
			{
				if (at[0] == '/' && at[1] == '*')
					depth++, at++;
				else if (at[0] == '*' && at[1] == '/')
					depth--, at++;
				at++;
			}
			at--;
		}
		else
			return at;
		if (*at == '\0')
			return at;
		at++;
	}
}

/* behind a literal or quoted name that begins here */
static const char *
skip_quoted(const char *at, bool has_escapes)
{
	char		quote = *at++;

	while (*at != '\0')
	{
		if (has_escapes && *at == '\\' && at[1] != '\0')
			at++;
		else if (*at == quote)
			return at + 1;
		at++;
	}
	return at;
}

/* behind a dollar-quoted literal; NULL when none begins here */
static const char *
skip_dollar_quoted(const char *at)
{
	const char *tag_end = at + 1;
	Size		len;
	const char *end;

	while (is_name_part(*tag_end) && *tag_end != '$')
		tag_end++;
	if (*tag_end != '$' || isdigit((unsigned char) at[1]))
		return NULL;
	len = tag_end + 1 - at;
	for (end = at + len; *end != '\0'; end++)
	{
		if (strncmp(end, at, len) == 0)
			return end + len;
	}
	return end;
}

/*
 * A query as it stands in keys: one blank for white space and comments, a line
 * end where it joins two literals.
 *
 * As long as a backslash is no escape in plain literals, which the server
 * allows: else the text is left as it is, with a mark.
 */
char *
stash_memo_normal_query(const char *query)
{
	StringInfoData out;
	const char *at;
	bool		has_line;
	const char *setting = GetConfigOption("standard_conforming_strings", true,
										  false);

	if (setting != NULL && strcmp(setting, "on") != 0)
		return psprintf("\\%s", query);
	initStringInfo(&out);
	at = skip_blanks(query, &has_line);
	while (*at != '\0')
	{
		const char *begin = at;
		const char *end;

		if (*at == '\'' || *at == '"')
			at = skip_quoted(at, *at == '\'' && at > query &&
							 (at[-1] == 'e' || at[-1] == 'E') &&
							 (at - 1 == query || !is_name_part(at[-2])));
		else if (*at == '$' && (at == query || !is_name_part(at[-1])) &&
				 (end = skip_dollar_quoted(at)) != NULL)
			at = end;
		else
			at++;
		appendBinaryStringInfo(&out, begin, at - begin);

		end = skip_blanks(at, &has_line);
		if (end != at && *end != '\0')
			appendStringInfoChar(&out, has_line && at[-1] == '\'' && *end == '\'' ?
								 '\n' : ' ');
		at = end;
	}
	return out.data;
}

/* ---- running one ---- */

typedef struct RowKeeper
{
	DestReceiver receiver;		/* must be first */
	Tuplestorestate *rows;
	TupleDesc	desc;			/* of 'rows' */
	TupleDesc	columns;		/* of the query, when objects are wanted */
	FmgrInfo	to_jsonb;
	MemoryContext context;		/* of one row */
} RowKeeper;

static bool
keep_row(TupleTableSlot *row, DestReceiver *self)
{
	CHECK_FOR_INTERRUPTS();
	tuplestore_puttupleslot(((RowKeeper *) self)->rows, row);
	return true;
}

/* the same as an object */
static bool
keep_object(TupleTableSlot *row, DestReceiver *self)
{
	RowKeeper  *keeper = (RowKeeper *) self;
	MemoryContext old = MemoryContextSwitchTo(keeper->context);
	bool		isnull = false;
	HeapTuple	tuple;
	Datum		object;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(row);

	/*
	 * the columns as the query names them, which those of the slot need not
	 * be
	 */
	tuple = heap_form_tuple(keeper->columns, row->tts_values, row->tts_isnull);
	object = FunctionCall1(&keeper->to_jsonb, HeapTupleGetDatum(tuple));
	tuplestore_putvalues(keeper->rows, keeper->desc, &object, &isnull);
	MemoryContextSwitchTo(old);
	MemoryContextReset(keeper->context);
	return true;
}

/* rows become objects by the server's own to_jsonb(), which wants to know types */
static void
make_objects(RowKeeper *keeper, TupleDesc desc)
{
	stash_catalog_note_call(F_TO_JSONB);
	keeper->columns = BlessTupleDesc(CreateTupleDescCopy(desc));
	keeper->context = AllocSetContextCreate(CurrentMemoryContext,
											"pg_hashstash row",
											ALLOCSET_DEFAULT_SIZES);
	fmgr_info(F_TO_JSONB, &keeper->to_jsonb);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
											 list_make1(makeNullConst(RECORDOID, -1, InvalidOid)),
											 InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &keeper->to_jsonb);
}

static void
check_call(FunctionCallInfo fcinfo)
{
	stash_memo_check_set_context(fcinfo);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("query must not be null")));
}

static void
run_query(FunctionCallInfo fcinfo, bool as_objects)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context;
	MemoryContext old;
	RowKeeper	keeper = {0};
	StashQuerySource source = {0};
	StashQuery *query;

	check_call(fcinfo);
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash query",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	source.string = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(1))
		source.params = stash_query_read_params(PG_GETARG_DATUM(1));
	stash_query_init_receiver(&keeper.receiver,
							  as_objects ? keep_object : keep_row, NULL);
	query = stash_query_open_source(&source, STASH_QUERY_ONCE, &keeper.receiver);
	if (as_objects)
		make_objects(&keeper, stash_query_desc(query));

	MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	keeper.rows = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
										false, work_mem);
	if (as_objects)
	{
		keeper.desc = CreateTemplateTupleDesc(1);
		TupleDescInitEntry(keeper.desc, 1, "query_json", JSONBOID, -1, 0);
		TupleDescFinalize(keeper.desc);
	}
	else
		keeper.desc = CreateTupleDescCopy(stash_query_desc(query));
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = keeper.rows;
	rsinfo->setDesc = keeper.desc;
	MemoryContextSwitchTo(context);
	stash_query_run(query);
	stash_query_close(query);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * stash.run_query(query text, params record DEFAULT NULL,
 *                 ttl interval DEFAULT NULL) returns setof record
 *
 * Args:    query   one SELECT, VALUES or TABLE that writes and locks nothing
 *          params  a row with the values of $1 to $n
 *          ttl     taken by stash.query() alone
 * Errors:  the query's own; 22004 NULL query, 42601 more than one statement,
 *          0A000 no query
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_run_query(PG_FUNCTION_ARGS)
{
	run_query(fcinfo, false);
	return (Datum) 0;
}

/*
 * stash.run_query_json(query text, params record DEFAULT NULL,
 *                      ttl interval DEFAULT NULL) returns setof jsonb
 *
 * The same, each row as an object.
 */
Datum
pg_hashstash_run_query_json(PG_FUNCTION_ARGS)
{
	run_query(fcinfo, true);
	return (Datum) 0;
}
