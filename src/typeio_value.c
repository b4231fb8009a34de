/*-------------------------------------------------------------------------
 *
 * typeio_value.c
 *	  Values through their types' own functions, whatever the session.
 *
 * Send and receive functions see UTF-8 as the client's encoding, and text is
 * read and written under fixed settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "tsearch/ts_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/xml.h"

#include "catalog.h"
#include "compat.h"
#include "typeio.h"

/*
 * Make the client's encoding UTF-8 and return the old one, or -1 where that
 * is so already.
 */
static int
enter_utf8(void)
{
	int			old = pg_get_client_encoding();

	if (old == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return -1;
	if (PrepareClientEncoding(PG_UTF8) < 0 || SetClientEncoding(PG_UTF8) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("text of this database cannot be converted to UTF-8"),
				 errdetail("The encoding of the database is %s.",
						   GetDatabaseEncodingName())));
	return old;
}

static void
leave_utf8(int old)
{
	if (old >= 0 && SetClientEncoding(old) < 0)
		elog(FATAL, "could not restore client encoding %d", old);
}

/*
 * The binary form of a value, text in it as UTF-8 whatever the client speaks.
 */
bytea *
stash_type_send(StashType *type, Datum value)
{
	bytea	   *volatile result;
	volatile int old = enter_utf8();

	if (likely(old < 0))
		return SendFunctionCall(&type->send, value);
	PG_TRY();
	{
		result = SendFunctionCall(&type->send, value);
	}
	PG_FINALLY();
	{
		leave_utf8(old);
	}
	PG_END_TRY();
	return result;
}

/*
 * Throw 22P03 for an error of a receive function that speaks of the protocol
 * or of what cannot happen: these bytes come from no client.  Returns where
 * the error says itself what is wrong.
 */
static void
refuse_received(StashType *type, MemoryContext context)
{
	ErrorData  *error;
	const char *message;

	if (geterrcode() != ERRCODE_PROTOCOL_VIOLATION &&
		geterrcode() != ERRCODE_INTERNAL_ERROR)
		return;
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	message = error->message ? error->message : "";
	FlushErrorState();
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("incorrect binary data for type %s",
					format_type_be(type->oid)),
			 errdetail_internal("%s", message)));
}

/*
 * An empty tsquery, whose binary form, a count of zero, the server sends but
 * from 17 on refuses to receive.
 */
static Datum
empty_tsquery(void)
{
	TSQuery		query = palloc0(HDRSIZETQ);

	SET_VARSIZE(query, HDRSIZETQ);
	return TSQueryGetDatum(query);
}

/*
 * The value of a binary form.  Throws 22P03 when bytes are left over, and
 * whatever the type's receive function throws.
 */
Datum
stash_type_receive(StashType *type, const char *buf, int len)
{
	MemoryContext context = CurrentMemoryContext;
	StringInfoData msg;
	volatile Datum result;
	volatile int old;

	if (type->oid == TSQUERYOID && len == 4 && memcmp(buf, "\0\0\0", 4) == 0)
		return empty_tsquery();

	/* the receive protocol wants a terminating zero that it may rely on */
	initStringInfo(&msg);
	appendBinaryStringInfo(&msg, buf, len);
	old = enter_utf8();
	PG_TRY();
	{
		result = ReceiveFunctionCall(&type->receive, &msg, type->ioparam, -1);
	}
	PG_CATCH();
	{
		leave_utf8(old);
		refuse_received(type, context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	leave_utf8(old);
	if (msg.cursor != msg.len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("incorrect binary data for type %s",
						format_type_be(type->oid)),
				 errdetail("%d bytes are left over.", msg.len - msg.cursor)));
	pfree(msg.data);
	return result;
}

/*
 * The text of a value.  Call between stash_type_fix_settings() and
 * stash_type_restore_settings().
 */
char *
stash_type_output(StashType *type, Datum value)
{
	if (type->names_objects)
		stash_catalog_note_text(type->oid, NULL);
	return OutputFunctionCall(&type->output, value);
}

/*
 * The value of a text, under the same condition.
 */
Datum
stash_type_input(StashType *type, char *text)
{
	stash_catalog_note_text(type->oid, text);

	/*
	 * a hook tells what conditions call when a call of the function begins
	 * anew
	 */
	if (!type->is_domain_free)
	{
		FmgrInfo	input;

		fmgr_info_copy(&input, &type->input, CurrentMemoryContext);
		return InputFunctionCall(&input, text, type->ioparam, type->typmod);
	}
	return InputFunctionCall(&type->input, text, type->ioparam, type->typmod);
}

/*
 * Call to_json() or to_jsonb(), which want to be told the type of their
 * argument; *function is looked up at the first call.
 */
static Datum
call_json_function(StashType *type, FmgrInfo **function, Oid oid, Oid result,
				   Datum value)
{
	if (*function == NULL)
	{
		MemoryContext context = GetMemoryChunkContext(type);
		MemoryContext old = MemoryContextSwitchTo(context);
		Const	   *arg = makeNullConst(type->oid, type->typmod, InvalidOid);
		FmgrInfo   *found = palloc(sizeof(FmgrInfo));

		fmgr_info_cxt(oid, found, context);
		fmgr_info_set_expr((Node *) makeFuncExpr(oid, result, list_make1(arg),
												 InvalidOid, InvalidOid,
												 COERCE_EXPLICIT_CALL),
						   found);
		*function = found;
		MemoryContextSwitchTo(old);
	}
	stash_catalog_note_call(oid);
	return FunctionCall1(*function, value);
}

/*
 * to_json() of a value, under the settings of the session.
 */
Datum
stash_type_to_json(StashType *type, Datum value)
{
	return call_json_function(type, &type->to_json, F_TO_JSON, JSONOID, value);
}

/*
 * to_jsonb() of a value, under the settings of the session.
 */
Datum
stash_type_to_jsonb(StashType *type, Datum value)
{
	return call_json_function(type, &type->to_jsonb, F_TO_JSONB, JSONBOID,
							  value);
}

static void
set_locally(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* whether no setting has a say in the text of a type */
static bool
has_one_text(const StashType *type)
{
	switch (type->oid)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case UUIDOID:
		case JSONOID:
		case JSONBOID:
			return true;
		default:
			return false;
	}
}

/*
 * Make text conversion of 'type' independent of the session's settings.
 *
 * 'timezone_too' also pins TimeZone, which text for people need not do: the
 * offset is part of such text.  Costs nothing where the settings are already
 * those wanted.  After an error the transaction's end restores them.
 */
void
stash_type_fix_settings(StashSettings *saved, StashType *type,
						bool timezone_too)
{
	bool		fix_timezone;
	bool		fix_money;

	saved->nestlevel = 0;
	if (has_one_text(type))
		return;
	fix_timezone = timezone_too &&
		strcmp(pg_get_timezone_name(session_timezone), "GMT") != 0;
	fix_money = strcmp(locale_monetary, "C") != 0;
	if (DateStyle == USE_ISO_DATES && IntervalStyle == INTSTYLE_POSTGRES &&
		extra_float_digits >= 1 && bytea_output == BYTEA_OUTPUT_HEX &&
		xmloption == XMLOPTION_CONTENT && Array_nulls && !type->names_objects &&
		!fix_timezone && !fix_money)
		return;

	saved->nestlevel = NewGUCNestLevel();
	if (DateStyle != USE_ISO_DATES)
		set_locally("datestyle", "ISO");
	if (IntervalStyle != INTSTYLE_POSTGRES)
		set_locally("intervalstyle", "postgres");
	if (extra_float_digits < 1)
		set_locally("extra_float_digits", "1");
	if (bytea_output != BYTEA_OUTPUT_HEX)
		set_locally("bytea_output", "hex");
	if (xmloption != XMLOPTION_CONTENT)
		set_locally("xmloption", "content");
	if (!Array_nulls)
		set_locally("array_nulls", "on");
	if (quote_all_identifiers)
		set_locally("quote_all_identifiers", "off");
	if (fix_money)
		set_locally("lc_monetary", "C");
	if (fix_timezone)
		set_locally("timezone", "GMT");
	/* pg_temp last: unnamed it would come first, and shadow built-in names */
	if (type->names_objects)
		set_locally("search_path", "pg_catalog, pg_temp");
}

/*
 * Undo stash_type_fix_settings().
 */
void
stash_type_restore_settings(StashSettings *saved)
{
	if (saved->nestlevel > 0)
		AtEOXact_GUC(true, saved->nestlevel);
}

/*
 * A value cast to another type: by the server's own explicit cast, or through
 * text where the server would do so.
 *
 * Throws 42846 where there is no such cast, and what the cast throws.
 */
Datum
stash_type_cast(StashType *type, Datum value, StashType *wanted)
{
	Oid			function;

	if (type->oid == wanted->oid)
		return value;
	switch (find_coercion_pathway(wanted->oid, type->oid, COERCION_EXPLICIT,
								  &function))
	{
		case COERCION_PATH_RELABELTYPE:
			return value;
		case COERCION_PATH_FUNC:
			stash_catalog_note_call(function);
			/* such functions may also take a type modifier, here none */
			switch (get_func_nargs(function))
			{
				case 1:
					return OidFunctionCall1(function, value);
				case 2:
					return OidFunctionCall2(function, value, Int32GetDatum(-1));
				default:
					return OidFunctionCall3(function, value, Int32GetDatum(-1),
											BoolGetDatum(true));
			}
		case COERCION_PATH_COERCEVIAIO:
			return stash_type_input(wanted, stash_type_output(type, value));
		default:
			ereport(ERROR,
					(errcode(ERRCODE_CANNOT_COERCE),
					 errmsg("cannot cast a value of type %s to %s",
							stash_type_to_text(type),
							stash_type_to_text(wanted)),
					 errhint("Every value can be cast to text, and text to %s where it reads as one.",
							 stash_type_to_text(wanted))));
	}
	return (Datum) 0;
}
