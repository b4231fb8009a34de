/*-------------------------------------------------------------------------
 *
 * typeio.c
 *	  What must be known of a type to turn its values into bytes and back.
 *
 * Everything known of types is dropped together when any type or row type
 * changes: that is rare, and building one costs microseconds.  What was
 * dropped is freed at the end of the transaction, for a caller further up
 * the stack may still hold it.
 *
 * Binary and text conversion never depend on the session: send and receive
 * functions see UTF-8 as the client's encoding, and text is read and written
 * under fixed settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/xml.h"

#include "compat.h"
#include "typeio.h"

typedef struct TypeKey
{
	Oid			oid;
	int32		typmod;			/* -1 but for anonymous rows */
} TypeKey;

typedef struct TypeEntry
{
	TypeKey		key;			/* must be first */
	StashType  *type;
} TypeEntry;

/* What a function call site remembers of its first argument's type. */
typedef struct TypeCall
{
	uint64		generation;
	StashType  *type;
} TypeCall;

static MemoryContext types_context; /* all of the current generation */
static MemoryContext retired_context;	/* parent of older generations */
static HTAB *types;				/* TypeKey to TypeEntry */
static uint64 generation = 1;
static bool is_stale;			/* build a new generation at the next look-up */

/* ---- life of a generation ---- */

static void
forget_types(Datum arg, int cacheid, uint32 hashvalue)
{
	is_stale = true;
	generation++;
}

static void
forget_row_type(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	TypeEntry  *entry;

	if (is_stale || types == NULL)
		return;
	if (!OidIsValid(relid))
	{
		forget_types((Datum) 0, 0, 0);
		return;
	}
	hash_seq_init(&scan, types);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->type != NULL && entry->type->kind == STASH_KIND_ROW &&
			entry->type->relid == relid)
		{
			hash_seq_term(&scan);
			forget_types((Datum) 0, 0, 0);
			return;
		}
	}
}

static void
free_retired(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE ||
		event == XACT_EVENT_PARALLEL_COMMIT ||
		event == XACT_EVENT_PARALLEL_ABORT)
		MemoryContextDeleteChildren(retired_context);
}

static void
start_generation(void)
{
	HASHCTL		ctl = {0};

	if (types_context != NULL)
		MemoryContextSetParent(types_context, retired_context);
	types = NULL;
	types_context = AllocSetContextCreate(TopMemoryContext,
										  "pg_hashstash types",
										  ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(TypeKey);
	ctl.entrysize = sizeof(TypeEntry);
	ctl.hcxt = types_context;
	types = hash_create("pg_hashstash types", 64, &ctl,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	is_stale = false;
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_typeio_init(void)
{
	retired_context = AllocSetContextCreate(TopMemoryContext,
											"pg_hashstash retired types",
											ALLOCSET_START_SMALL_SIZES);
	is_stale = true;
	CacheRegisterSyscacheCallback(TYPEOID, forget_types, (Datum) 0);
	CacheRegisterRelcacheCallback(forget_row_type, (Datum) 0);
	RegisterXactCallback(free_retired, NULL);
}

/*
 * A number that changes whenever a StashType may have become outdated.
 */
uint64
stash_type_generation(void)
{
	return generation;
}

/* ---- building ---- */

pg_noreturn static void
refuse_type(Oid oid)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("values of type %s can be neither hashed nor stored",
					format_type_be(oid))));
}

/* the image of a built-in type, or STASH_IMAGE_SEND where it has no own one */
static StashImage
builtin_image(Oid oid)
{
	switch (oid)
	{
		case BOOLOID:
		case CHAROID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case XIDOID:
		case CIDOID:
		case XID8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case MONEYOID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case LSNOID:
		case UUIDOID:
		case MACADDROID:
		case MACADDR8OID:
			return STASH_IMAGE_FIXED;
		case BYTEAOID:
			return STASH_IMAGE_BYTES;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return STASH_IMAGE_TEXT;
		case NUMERICOID:
			return STASH_IMAGE_NUMERIC;
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGTYPEOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGCOLLATIONOID:
			return STASH_IMAGE_OUTPUT;
		default:
			return STASH_IMAGE_SEND;
	}
}

/* look up the I/O functions of a type that is written as a whole */
static void
build_base(StashType *type, Form_pg_type form)
{
	if (form->typtype == TYPTYPE_ENUM)
		type->image = STASH_IMAGE_LABEL;
	else if (type->oid < FirstGenbkiObjectId)
		type->image = builtin_image(type->oid);
	else
		type->image = STASH_IMAGE_SEND;

	if (type->image == STASH_IMAGE_SEND &&
		(!OidIsValid(form->typsend) || !OidIsValid(form->typreceive)))
		type->image = STASH_IMAGE_OUTPUT;
	if (type->image == STASH_IMAGE_OUTPUT &&
		(!OidIsValid(form->typoutput) || !OidIsValid(form->typinput)))
		refuse_type(type->oid);

	type->names_objects = type->image == STASH_IMAGE_OUTPUT ||
		type->oid >= FirstGenbkiObjectId;
}

static void
build_row(StashType *type)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type->oid, type->typmod);
	MemoryContext old = MemoryContextSwitchTo(types_context);

	type->desc = CreateTupleDescCopy(desc);
	type->fields = palloc(sizeof(StashField) * Max(desc->natts, 1));
	MemoryContextSwitchTo(old);
	ReleaseTupleDesc(desc);

	for (int i = 0; i < type->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(type->desc, i);
		StashField *field = &type->fields[type->nfields];

		if (att->attisdropped)
			continue;
		field->attno = i + 1;
		field->name = NameStr(att->attname);
		field->type = stash_type_lookup(att->atttypid, -1);
		type->names_objects |= field->type->names_objects;
		type->has_record |= field->type->has_record;
		type->nfields++;
	}
}

static void
build_inner(StashType *type, Oid inner, int32 typmod)
{
	type->inner = stash_type_lookup(inner, typmod);
	type->names_objects |= type->inner->names_objects;
	type->has_record |= type->inner->has_record;
}

/* decide what a type is made of, and build its parts first */
static void
build_kind(StashType *type, Form_pg_type form)
{
	if (type->oid == RECORDOID)
	{
		type->kind = type->typmod < 0 ? STASH_KIND_RECORD : STASH_KIND_ROW;
		type->has_record = type->kind == STASH_KIND_RECORD;
	}
	else if (form->typtype == TYPTYPE_COMPOSITE)
		type->kind = STASH_KIND_ROW;
	else if (form->typtype == TYPTYPE_DOMAIN)
		type->kind = STASH_KIND_DOMAIN;
	else if (form->typtype == TYPTYPE_RANGE)
		type->kind = STASH_KIND_RANGE;
	else if (form->typtype == TYPTYPE_MULTIRANGE)
		type->kind = STASH_KIND_MULTIRANGE;
	else if (OidIsValid(form->typelem) &&
			 (type->oid == RECORDARRAYOID ||
			  get_array_type(form->typelem) == type->oid))
		type->kind = STASH_KIND_ARRAY;
	else if (form->typtype == TYPTYPE_PSEUDO)
		refuse_type(type->oid);

	switch (type->kind)
	{
		case STASH_KIND_BASE:
			build_base(type, form);
			break;
		case STASH_KIND_ROW:
			build_row(type);
			break;
		case STASH_KIND_DOMAIN:
			build_inner(type, form->typbasetype, -1);
			break;
		case STASH_KIND_ARRAY:
			build_inner(type, form->typelem, type->typmod);
			break;
		case STASH_KIND_RANGE:
			type->range = lookup_type_cache(type->oid, TYPECACHE_RANGE_INFO);
			build_inner(type, type->range->rngelemtype->type_id, -1);
			break;
		case STASH_KIND_MULTIRANGE:
			type->range = lookup_type_cache(type->oid,
											TYPECACHE_MULTIRANGE_INFO);
			type->range = type->range->rngtype;
			build_inner(type, type->range->type_id, -1);
			break;
		case STASH_KIND_RECORD:
			break;
	}
}

static void
build_functions(StashType *type, Form_pg_type form)
{
	fmgr_info_cxt(form->typoutput, &type->output, types_context);
	fmgr_info_cxt(form->typinput, &type->input, types_context);
	if (OidIsValid(form->typsend))
		fmgr_info_cxt(form->typsend, &type->send, types_context);
	if (OidIsValid(form->typreceive))
		fmgr_info_cxt(form->typreceive, &type->receive, types_context);
}

static StashType *
build_type(Oid oid, int32 typmod)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));
	Form_pg_type form;
	StashType  *type;

	check_stack_depth();
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", oid);
	form = (Form_pg_type) GETSTRUCT(tuple);
	if (!form->typisdefined)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type %s is only a shell", format_type_be(oid))));

	type = MemoryContextAllocZero(types_context, sizeof(StashType));
	type->generation = generation;
	type->oid = oid;
	type->relid = form->typrelid;
	type->typmod = typmod;
	type->typlen = form->typlen;
	type->typbyval = form->typbyval;
	type->typalign = form->typalign;
	type->ioparam = getTypeIOParam(tuple);
	build_kind(type, form);
	build_functions(type, form);
	type->hash_id = stash_type_describe(type, false, types_context,
										&type->hash_idlen);
	type->frame_id = stash_type_describe(type, true, types_context,
										 &type->frame_idlen);
	ReleaseSysCache(tuple);
	return type;
}

/* ---- look-up ---- */

/*
 * The StashType of a type.
 *
 * 'typmod' names the registered shape of an anonymous row (RECORDOID), or of
 * the elements of an array of such rows (RECORDARRAYOID), and is -1 else.
 * Throws 0A000 for pseudo-types and types without any conversion.
 */
StashType *
stash_type_lookup(Oid oid, int32 typmod)
{
	TypeKey		key = {oid, -1};
	TypeEntry  *entry;
	StashType  *type;

	if (oid == RECORDOID || oid == RECORDARRAYOID)
		key.typmod = typmod;
	if (unlikely(is_stale))
		start_generation();
	entry = hash_search(types, &key, HASH_FIND, NULL);
	if (likely(entry != NULL))
		return entry->type;

	type = build_type(key.oid, key.typmod);
	/* building reads catalogs, which may let in news: then it serves once */
	if (type->generation == generation)
	{
		entry = hash_search(types, &key, HASH_ENTER, NULL);
		entry->type = type;
	}
	return type;
}

/*
 * The StashType of a composite value's own row type.
 */
StashType *
stash_type_of_row(Datum row)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(row);

	return stash_type_lookup(HeapTupleHeaderGetTypeId(header),
							 HeapTupleHeaderGetTypMod(header));
}

/* the typmod that all rows of an array of anonymous rows share, or -1 */
static int32
common_shape(Datum array)
{
	ArrayIterator rows = array_create_iterator(DatumGetArrayTypeP(array), 0,
											   NULL);
	int32		shape = -1;
	Datum		row;
	bool		isnull;

	while (array_iterate(rows, &row, &isnull))
	{
		HeapTupleHeader header;

		if (isnull)
			continue;
		header = DatumGetHeapTupleHeader(row);
		if (HeapTupleHeaderGetTypeId(header) != RECORDOID ||
			(shape >= 0 && HeapTupleHeaderGetTypMod(header) != shape))
			return -1;
		shape = HeapTupleHeaderGetTypMod(header);
	}
	array_free_iterator(rows);
	return shape;
}

/*
 * The type of an argument declared "any", with literals of unknown type taken
 * as text: *value is then replaced.
 *
 * Throws 42804 when the call does not tell the type.
 */
StashType *
stash_type_of_argument(FunctionCallInfo fcinfo, int argno, Datum *value)
{
	Oid			oid = get_fn_expr_argtype(fcinfo->flinfo, argno);

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("could not determine the type of argument %d",
						argno + 1),
				 errhint("Add an explicit type cast.")));
	if (oid == UNKNOWNOID)
	{
		if (!fcinfo->args[argno].isnull)
			*value = CStringGetTextDatum(DatumGetCString(*value));
		oid = TEXTOID;
	}
	else if (oid == RECORDOID && !fcinfo->args[argno].isnull)
		return stash_type_of_row(*value);
	else if (oid == RECORDARRAYOID && !fcinfo->args[argno].isnull)
		return stash_type_lookup(oid, common_shape(*value));
	return stash_type_lookup(oid, -1);
}

/*
 * The same for the first argument, remembered in flinfo->fn_extra: for
 * functions that are called once a row and use fn_extra for nothing else.
 */
StashType *
stash_type_of_first_argument(FunctionCallInfo fcinfo, Datum *value)
{
	StashType  *type;
	TypeCall   *call = fcinfo->flinfo->fn_extra;

	if (likely(call != NULL && call->generation == generation))
		return call->type;

	type = stash_type_of_argument(fcinfo, 0, value);
	if (get_fn_expr_argtype(fcinfo->flinfo, 0) == type->oid &&
		type->oid != RECORDOID && type->oid != RECORDARRAYOID)
	{
		if (call == NULL)
			call = fcinfo->flinfo->fn_extra =
				MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(TypeCall));
		call->generation = type->generation;
		call->type = type;
	}
	return type;
}

/*
 * The type of an array whose elements are rows of type 'row'.
 */
StashType *
stash_type_of_rows(StashType *row)
{
	Oid			oid;

	Assert(row->kind == STASH_KIND_ROW);
	if (row->oid == RECORDOID)
		return stash_type_lookup(RECORDARRAYOID, row->typmod);
	oid = get_array_type(row->oid);
	if (!OidIsValid(oid))
		refuse_type(row->oid);
	return stash_type_lookup(oid, -1);
}

/* ---- conversion that does not depend on the session ---- */

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
 * The value of a binary form.  Throws 22P03 when bytes are left over, and
 * whatever the type's receive function throws.
 */
Datum
stash_type_receive(StashType *type, const char *buf, int len)
{
	StringInfoData msg;
	volatile Datum result;
	volatile int old;

	/* the receive protocol wants a terminating zero that it may rely on */
	initStringInfo(&msg);
	appendBinaryStringInfo(&msg, buf, len);
	old = enter_utf8();
	PG_TRY();
	{
		result = ReceiveFunctionCall(&type->receive, &msg, type->ioparam, -1);
	}
	PG_FINALLY();
	{
		leave_utf8(old);
	}
	PG_END_TRY();
	if (msg.cursor != msg.len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("incorrect binary data for type %s",
						format_type_be(type->oid))));
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
	return OutputFunctionCall(&type->output, value);
}

/*
 * The value of a text, under the same condition.
 */
Datum
stash_type_input(StashType *type, char *text)
{
	return InputFunctionCall(&type->input, text, type->ioparam, type->typmod);
}

/*
 * to_jsonb() of a value, under the settings of the session.
 */
Datum
stash_type_to_jsonb(StashType *type, Datum value)
{
	if (type->to_jsonb == NULL)
	{
		/* the function wants to be told the type of its argument */
		MemoryContext context = GetMemoryChunkContext(type);
		MemoryContext old = MemoryContextSwitchTo(context);
		Const	   *arg = makeNullConst(type->oid, type->typmod, InvalidOid);
		FmgrInfo   *function = palloc(sizeof(FmgrInfo));

		fmgr_info_cxt(F_TO_JSONB, function, context);
		fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
												 list_make1(arg), InvalidOid,
												 InvalidOid,
												 COERCE_EXPLICIT_CALL),
						   function);
		type->to_jsonb = function;
		MemoryContextSwitchTo(old);
	}
	return FunctionCall1(type->to_jsonb, value);
}

static void
set_locally(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
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
	bool		fix_timezone = timezone_too &&
	strcmp(pg_get_timezone_name(session_timezone), "GMT") != 0;
	bool		fix_money = strcmp(locale_monetary, "C") != 0;

	saved->nestlevel = 0;
	if (DateStyle == USE_ISO_DATES && IntervalStyle == INTSTYLE_POSTGRES &&
		extra_float_digits >= 1 && bytea_output == BYTEA_OUTPUT_HEX &&
		xmloption == XMLOPTION_CONTENT && !type->names_objects &&
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
	if (fix_money)
		set_locally("lc_monetary", "C");
	if (fix_timezone)
		set_locally("timezone", "GMT");
	if (type->names_objects)
		set_locally("search_path", "pg_catalog");
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
							stash_type_to_text(wanted))));
	}
	return (Datum) 0;
}
