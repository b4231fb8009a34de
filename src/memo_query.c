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
is_name_start(char c)
{
	return isalpha((unsigned char) c) || c == '_' || IS_HIGHBIT_SET(c);
}

static bool
is_name_part(char c)
{
	return is_name_start(c) || isdigit((unsigned char) c) || c == '$';
}

/* behind a comment that begins here, or NULL when it has no end */
static const char *
skip_comment(const char *at)
{
	int			depth = 0;

	do
	{
		if (*at == '\0')
			return NULL;
		if (at[0] == '/' && at[1] == '*')
			depth++, at++;
		else if (at[0] == '*' && at[1] == '/')
			depth--, at++;
		at++;
	} while (depth > 0);
	return at;
}

/*
 * Behind white space and comments; says whether literals on both sides are one:
 * a line ends here, and what else there is are comments up to such ends.
 */
static const char *
skip_blanks(const char *at, bool *joins)
{
	bool		has_line = false;
	bool		has_block = false;

	for (;;)
	{
		if (scanner_isspace(*at))
		{
			has_line |= *at == '\n' || *at == '\r';
			at++;
		}
		else if (at[0] == '-' && at[1] == '-')
			at += strcspn(at, "\n\r");
		else if (at[0] == '/' && at[1] == '*' && skip_comment(at) != NULL)
		{
			has_block = true;
			at = skip_comment(at);
		}
		else
			break;
	}
	*joins = has_line && !has_block;
	return at;
}

/* behind a literal or quoted name that begins, or goes on, here */
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

/* behind a dollar-quoted literal or a parameter; a mere $ where that is all */
static const char *
skip_dollar(const char *at)
{
	const char *tag_end = at + 1;
	Size		len;
	const char *end;

	if (isdigit((unsigned char) *tag_end))
		return tag_end + strspn(tag_end, "0123456789");
	while (is_name_part(*tag_end) && *tag_end != '$')
		tag_end++;
	if (*tag_end != '$')
		return at + 1;
	len = tag_end + 1 - at;
	for (end = at + len; *end != '\0'; end++)
	{
		if (strncmp(end, at, len) == 0)
			return end + len;
	}
	return end;
}

/*
 * Behind what the server's scanner makes of the text here; of operators and
 * numbers single characters will do.
 *
 * '*has_escapes' says whether backslashes escape in a literal that begins here,
 * and is set for one that follows at once: its second half, if this is one.
 */
static const char *
skip_token(const char *at, bool *has_escapes)
{
	const char *end = at + 1;

	if (*at == '\'')
		return skip_quoted(at, *has_escapes);
	*has_escapes = false;
	if (*at == '"')
		return skip_quoted(at, false);
	if (*at == '$')
		return skip_dollar(at);
	/* one without an end: an error, and no comment */
	if (at[0] == '/' && at[1] == '*')
		return at + strlen(at);
	if (is_name_start(*at))
	{
		while (is_name_part(*end))
			end++;
		*has_escapes = end == at + 1 && (*at == 'e' || *at == 'E');
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
	bool		joins;
	bool		has_escapes = false;
	const char *setting = GetConfigOption("standard_conforming_strings", true,
										  false);

	if (setting != NULL && strcmp(setting, "on") != 0)
		return psprintf("\\%s", query);
	initStringInfo(&out);
	at = skip_blanks(query, &joins);
	while (*at != '\0')
	{
		const char *begin = at;
		const char *end;

		at = skip_token(at, &has_escapes);
		appendBinaryStringInfo(&out, begin, at - begin);
		end = skip_blanks(at, &joins);
		if (end == at)
			continue;
		joins &= at[-1] == '\'' && *end == '\'';
		has_escapes &= joins;
		if (*end != '\0')
			appendStringInfoChar(&out, joins ? '\n' : ' ');
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
