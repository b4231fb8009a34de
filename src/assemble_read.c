/*-------------------------------------------------------------------------
 *
 * assemble_read.c
 *	  The entries of a stash, read one after the other.
 *
 * Entries come oldest first, those of one instant by key_hash, elements in
 * their order.  Expired entries are left out, and all but the newest of those
 * that are doubles, as memoized functions may leave them.
 *
 * Memory.  The stash is read row by row, as the caller, so privileges and row
 * security are those of SELECT.  One entry is held at a time, of one in parts
 * one part, a row set even decoded row by row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/regproc.h"

#include "assemble.h"
#include "catalog.h"
#include "spi.h"
#include "store.h"
#include "variant.h"

#define SHOWN_KEY		100		/* bytes of a key in an error */
#define LARGE_KEY		2000	/* bytes; larger ones are not decoded for it */

/* ---- errors ---- */

/* the entry's key as text, cut short, or why it is not shown */
static const char *
describe_key(const bool *nulls, Datum key)
{
	StashFrameReader reader;
	StashType  *variant;
	char	   *text;

	if (nulls[STASH_SOURCE_KEY])
		return "(null)";
	if (VARATT_IS_EXTERNAL(DatumGetPointer(key)) ||
		VARSIZE_ANY(DatumGetPointer(key)) > LARGE_KEY)
		return "(large)";
	key = PointerGetDatum(PG_DETOAST_DATUM_PACKED(key));
	if (stash_frame_parse(&reader, VARDATA_ANY(DatumGetPointer(key)),
						  VARSIZE_ANY_EXHDR(DatumGetPointer(key))) != STASH_FRAME_OK)
		return "(damaged)";
	variant = stash_type_lookup(stash_catalog_variant_type(false), -1);
	text = stash_type_output(variant, key);
	text[pg_mbcliplen(text, strlen(text), SHOWN_KEY)] = '\0';
	return text;
}

static void
add_error_context(void *arg)
{
	StashReading *reading = arg;
	Datum	   *values = reading->values;
	const char *key;

	if (values == NULL)
		return;
	/* should describing the key fail, then not again for that error */
	reading->values = NULL;
	key = describe_key(reading->nulls, values[STASH_SOURCE_KEY]);
	reading->values = values;
	if (reading->column != NULL)
		errcontext("column \"%s\" of the entry with key %s in stash %s",
				   reading->column, key, reading->stash);
	else
		errcontext("entry with key %s in stash %s", key, reading->stash);
}

/* ---- from entries to elements ---- */

/* hand on the elements of the entry's value; runs in the entry's memory */
static void
read_elements(StashReading *reading)
{
	StashElements elements;
	StashPart	part;

	stash_assemble_begin(&elements, reading->values[STASH_SOURCE_VALUE],
						 reading->nulls[STASH_SOURCE_VALUE],
						 reading->source->explode);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		/* the memory in which the next element is taken apart */
		ResetExprContext(reading->econtext);
		MemoryContextSwitchTo(reading->econtext->ecxt_per_tuple_memory);
		if (!stash_assemble_next(&elements, &part))
			break;
		reading->element(reading, &part);
	}
}

/* look into the entry's key, where its parts are asked for */
static void
read_key(StashReading *reading)
{
	StashType  *type;
	Datum		value;
	bool		isnull;

	reading->key.kind = STASH_PART_NULL;
	if (reading->source->prefix == NULL || reading->nulls[STASH_SOURCE_KEY])
		return;
	value = stash_variant_value(reading->values[STASH_SOURCE_KEY], &type,
								&isnull);
	stash_assemble_open(&reading->key, type, value, isnull);
}

static bool
receive_entry(TupleTableSlot *slot, DestReceiver *self)
{
	StashReading *reading = (StashReading *) self;
	MemoryContext old = MemoryContextSwitchTo(reading->entry_context);
	ErrorContextCallback *query = error_context_stack;
	ErrorContextCallback callback;

	CHECK_FOR_INTERRUPTS();
	/* what goes wrong here is no fault of the query */
	callback.callback = add_error_context;
	callback.arg = reading;
	callback.previous = reading->caller;
	error_context_stack = &callback;

	slot_getallattrs(slot);
	reading->values = slot->tts_values;
	reading->nulls = slot->tts_isnull;
	read_key(reading);
	if (reading->entry != NULL)
		reading->entry(reading);
	read_elements(reading);
	reading->values = NULL;
	error_context_stack = query;
	MemoryContextSwitchTo(old);
	MemoryContextReset(reading->entry_context);
	return true;
}

static void
start_entries(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
end_entries(DestReceiver *self)
{
}

/* ---- what is read ---- */

/*
 * Read the arguments that say what is assembled: a stash, and from 'function'
 * on a memoized function, prefix and explode.
 *
 * Throws 22004 when there is neither, 22023 when there are both, 55000 for a
 * function that is not memoized or has no stash.
 */
void
stash_assemble_read_source(StashSource *source, FunctionCallInfo fcinfo,
						   int stash, int function)
{
	memset(source, 0, sizeof(StashSource));
	source->prefix = PG_ARGISNULL(function + 1) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(function + 1));
	source->explode = PG_ARGISNULL(function + 2) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(function + 2));
	if (PG_ARGISNULL(function))
	{
		source->relid = stash_store_argument(fcinfo, stash);
		return;
	}
	if (!PG_ARGISNULL(stash))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("either a stash or a function can be assembled, not both")));
	source->function = PG_GETARG_OID(function);
	source->relid = (Oid) stash_spi_run_bigint(psprintf("SELECT stash.stash_of(%s::pg_catalog.regprocedure)::pg_catalog.oid::pg_catalog.int8",
														quote_literal_cstr(format_procedure_extended(source->function,
																									 FORMAT_PROC_FORCE_QUALIFY))),
											   true);
	if (!OidIsValid(source->relid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("function %s has no stash",
						format_procedure(source->function)),
				 errdetail("Its results are remembered in the memory of sessions only.")));
	if (source->prefix == NULL)
		source->prefix = "";
}

/*
 * The FROM clause of the entries of a stash, and those that have not expired:
 * columns key_hash, key, value, version and created_at.
 *
 * Where no index forbids it, as in the stash of a memoized function, a key may
 * stand there more than once: the newest entry counts, as for stash.get().
 * There an entry in parts is a row for each of them, and "part" orders them;
 * where one is missing, the entry's own value stands, and stash.elements()
 * refuses it.
 * 'condition' is NULL or another one.
 */
char *
stash_assemble_from(const StashSource *source, const StashStore *store,
					const char *condition)
{
	const char *key = OidIsValid(source->function) ? "stash.call_args(s.key)" : "s.key";
	const char *where = condition == NULL ? STASH_ENTRY_NOT_EXPIRED :
	psprintf("%s AND " STASH_ENTRY_NOT_EXPIRED, condition);

	if (!stash_store_may_have_parts(store))
		return psprintf("(SELECT s.key_hash, %s AS key, s.value, s.version, s.created_at FROM %s AS s WHERE %s) AS e",
						key, store->name, where);
	return psprintf("(SELECT s.key_hash, %s AS key, COALESCE(p.value, s.value) AS value, "
					"s.version, s.created_at, s.part FROM "
					"(SELECT n.*, stash.part_hashes(n.value) AS part FROM "
					"(SELECT DISTINCT ON (key_hash, version, key) "
					"key_hash, key, value, version, created_at FROM %s WHERE %s AND " STASH_ENTRY_IS_WHOLE " "
					"ORDER BY key_hash, version, key, "
					"created_at DESC NULLS LAST) AS n) AS s "
					"LEFT JOIN %s AS p ON p.key_hash OPERATOR(pg_catalog.=) s.part "
					"AND p.version OPERATOR(pg_catalog.<) 0) AS e",
					key, store->name, where, store->name);
}

/*
 * Read a stash and hand on all there is; 'reading' knows to whom.
 */
void
stash_assemble_read(StashReading *reading, const StashSource *source)
{
	Relation	rel;
	StashStore *store = stash_store_open(source->relid, &rel, AccessShareLock);
	char	   *sql = psprintf("SELECT key, value, version, created_at, key_hash FROM %s "
							   "ORDER BY created_at, key_hash, version%s",
							   stash_assemble_from(source, store, NULL),
							   stash_store_may_have_parts(store) ? ", part" : "");

	reading->source = source;
	reading->stash = pstrdup(store->name);
	reading->receiver.receiveSlot = receive_entry;
	reading->receiver.rStartup = start_entries;
	reading->receiver.rShutdown = end_entries;
	reading->receiver.rDestroy = end_entries;
	reading->receiver.mydest = DestTuplestore;
	reading->entry_context = AllocSetContextCreate(CurrentMemoryContext,
												   "pg_hashstash entry",
												   ALLOCSET_DEFAULT_SIZES);

	reading->caller = error_context_stack;
	stash_spi_stream(sql, &reading->receiver);

	MemoryContextDelete(reading->entry_context);
	FreeExprContext(reading->econtext, true);
	/* the lock stays, as that of any query */
	relation_close(rel, NoLock);
}
