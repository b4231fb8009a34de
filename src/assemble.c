/*-------------------------------------------------------------------------
 *
 * assemble.c
 *	  The values of a stash as rows or flat objects.
 *
 * What becomes a row: each element of an array, of a JSON array and of a row
 * set; any other value as a whole, a NULL too.  An array without elements
 * gives none.  An object or row without fields is a row of NULLs.  A value
 * without names of its own is called "value".
 *
 * Entries come oldest first, those of one instant by key_hash, elements in
 * their order.  Expired entries are left out, and all but the newest of those
 * that are doubles, as memoized functions may leave them.
 *
 * A column's name has at most 63 bytes, as all names in SQL: the server cuts
 * longer ones, with a notice.
 *
 * Memory.  The stash is read row by row, as the caller, so privileges and row
 * security are those of SELECT.  One entry is held at a time, a row set even
 * decoded row by row; results go to a tuplestore, which spills to disk.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "assemble.h"
#include "catalog.h"
#include "compat.h"
#include "spi.h"
#include "store.h"
#include "variant.h"

#define SHOWN_KEY		100		/* bytes of a key in an error */
#define LARGE_KEY		2000	/* bytes; larger ones are not decoded for it */

/* Columns of the query that reads a stash, from 0. */
enum
{
	SOURCE_KEY,
	SOURCE_VALUE,
	SOURCE_VERSION,
	SOURCE_CREATED_AT
};

PG_FUNCTION_INFO_V1(pg_hashstash_assemble);
PG_FUNCTION_INFO_V1(pg_hashstash_assemble_json);

typedef struct Assembly Assembly;

/* A column of the result that is the entry's own and not from its value. */
typedef struct EntryColumn
{
	int			at;				/* in the result */
	int			source;			/* SOURCE_... */
} EntryColumn;

/* A run of one of the functions; is the receiver of the entries it reads. */
struct Assembly
{
	DestReceiver receiver;		/* must be first */
	ReturnSetInfo *result;
	void		(*emit) (Assembly *assembly, const StashPart *element);
	const char *stash;			/* its name, for errors */
	Datum	   *source;			/* the entry being read; NULL: none */
	bool	   *source_nulls;
	StashColumn *current;		/* the column being made, for errors */
	ErrorContextCallback *caller;	/* error context outside the query */
	const char *explode;		/* NULL: nothing */
	int			ncolumns;		/* of assemble() only, as all below */
	StashColumn *columns;
	int			nentry_columns;
	EntryColumn *entry_columns;
	Datum	   *values;			/* of the row being made */
	bool	   *nulls;
	MemoryContext entry_context;	/* reset after each entry */
	ExprContext *econtext;		/* its own memory is reset after each row */
};

/* ---- errors ---- */

/* the entry's key as text, cut short, or why it is not shown */
static const char *
describe_key(Assembly *assembly, Datum key)
{
	StashFrameReader reader;
	StashType  *variant;
	char	   *text;

	if (assembly->source_nulls[SOURCE_KEY])
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
	Assembly   *assembly = arg;
	Datum	   *source = assembly->source;
	const char *key;

	if (source == NULL)
		return;
	/* should describing the key fail, then not again for that error */
	assembly->source = NULL;
	key = describe_key(assembly, source[SOURCE_KEY]);
	assembly->source = source;
	if (assembly->current != NULL)
		errcontext("column \"%s\" of the entry with key %s in stash %s",
				   assembly->current->name, key, assembly->stash);
	else
		errcontext("entry with key %s in stash %s", key, assembly->stash);
}

/* ---- from entries to elements ---- */

/* emit the elements of the entry's value; runs in the entry's memory */
static void
emit_value(Assembly *assembly)
{
	StashElements elements;
	StashPart	part;

	stash_assemble_begin(&elements, assembly->source[SOURCE_VALUE],
						 assembly->source_nulls[SOURCE_VALUE],
						 assembly->explode);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		/* the memory in which the next element is taken apart */
		ResetExprContext(assembly->econtext);
		MemoryContextSwitchTo(assembly->econtext->ecxt_per_tuple_memory);
		if (!stash_assemble_next(&elements, &part))
			break;
		assembly->emit(assembly, &part);
	}
}

/* the columns that are the same for all elements of the entry */
static void
set_entry_columns(Assembly *assembly)
{
	for (int i = 0; i < assembly->nentry_columns; i++)
	{
		EntryColumn *entry = &assembly->entry_columns[i];
		Datum		value = assembly->source[entry->source];
		bool		isnull = assembly->source_nulls[entry->source];
		StashType  *type;
		StashPart	part;

		assembly->current = &assembly->columns[entry->at];
		if (entry->source == SOURCE_VERSION)
			type = stash_type_lookup(INT8OID, -1);
		else if (entry->source == SOURCE_CREATED_AT)
			type = stash_type_lookup(TIMESTAMPTZOID, -1);
		else if (isnull ||
				 assembly->current->type == stash_catalog_variant_type(false))
			type = stash_type_lookup(stash_catalog_variant_type(false), -1);
		else
			value = stash_variant_value(value, &type, &isnull);
		stash_assemble_open(&part, type, value, isnull);
		assembly->values[entry->at] =
			stash_assemble_convert(assembly->current, &part,
								   &assembly->nulls[entry->at]);
	}
	assembly->current = NULL;
}

static bool
receive_entry(TupleTableSlot *slot, DestReceiver *self)
{
	Assembly   *assembly = (Assembly *) self;
	MemoryContext old = MemoryContextSwitchTo(assembly->entry_context);
	ErrorContextCallback *query = error_context_stack;
	ErrorContextCallback callback;

	CHECK_FOR_INTERRUPTS();
	/* what goes wrong here is no fault of the query */
	callback.callback = add_error_context;
	callback.arg = assembly;
	callback.previous = assembly->caller;
	error_context_stack = &callback;

	slot_getallattrs(slot);
	assembly->source = slot->tts_values;
	assembly->source_nulls = slot->tts_isnull;
	set_entry_columns(assembly);
	emit_value(assembly);
	assembly->source = NULL;
	error_context_stack = query;
	MemoryContextSwitchTo(old);
	MemoryContextReset(assembly->entry_context);
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

/* ---- elements as columns ---- */

/* an element must not have a name that means a column of the entry */
static void
check_entry_columns(Assembly *assembly, const StashPart *element)
{
	for (int i = 0; i < assembly->nentry_columns; i++)
	{
		StashColumn *column = &assembly->columns[assembly->entry_columns[i].at];

		if (stash_assemble_has(column, element))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE),
					 errmsg("value has a field \"%s\" of its own",
							column->name),
					 errdetail("In stash.assemble() that name means the entry's own column."),
					 errhint("Leave the column out, or use stash.assemble_json().")));
	}
}

static void
emit_columns(Assembly *assembly, const StashPart *element)
{
	int			next = 0;

	check_entry_columns(assembly, element);
	for (int i = 0; i < assembly->ncolumns; i++)
	{
		if (next < assembly->nentry_columns &&
			assembly->entry_columns[next].at == i)
		{
			next++;
			continue;
		}
		assembly->current = &assembly->columns[i];
		assembly->values[i] = stash_assemble_get(assembly->current, element,
												 &assembly->nulls[i]);
	}
	assembly->current = NULL;
	tuplestore_putvalues(assembly->result->setResult,
						 assembly->result->setDesc,
						 assembly->values, assembly->nulls);
}

static int
entry_column_source(const char *name)
{
	if (strcmp(name, "_key") == 0)
		return SOURCE_KEY;
	if (strcmp(name, "_version") == 0)
		return SOURCE_VERSION;
	if (strcmp(name, "_created_at") == 0)
		return SOURCE_CREATED_AT;
	return -1;
}

static void
prepare_columns(Assembly *assembly)
{
	TupleDesc	desc = assembly->result->setDesc;
	int			n = desc->natts;

	assembly->ncolumns = n;
	assembly->columns = palloc(sizeof(StashColumn) * n);
	assembly->entry_columns = palloc(sizeof(EntryColumn) * n);
	assembly->values = palloc(sizeof(Datum) * n);
	assembly->nulls = palloc(sizeof(bool) * n);
	for (int i = 0; i < n; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		int			source = entry_column_source(NameStr(att->attname));

		stash_assemble_init_column(&assembly->columns[i],
								   NameStr(att->attname), att->atttypid,
								   att->atttypmod, assembly->econtext);
		if (source >= 0)
		{
			EntryColumn *entry =
			&assembly->entry_columns[assembly->nentry_columns++];

			entry->at = i;
			entry->source = source;
		}
	}
	assembly->emit = emit_columns;
}

/* ---- elements as JSON ---- */

static void
emit_json(Assembly *assembly, const StashPart *element)
{
	JsonbValue	json;
	Jsonb	   *object;
	Datum		value;
	bool		isnull = false;

	stash_assemble_to_json(element, &json);
	if (stash_assemble_has_names(element))
		object = stash_assemble_flatten(&json, ".", 1);
	else
		object = stash_assemble_wrap(&json);
	value = JsonbPGetDatum(object);
	tuplestore_putvalues(assembly->result->setResult,
						 assembly->result->setDesc, &value, &isnull);
}

/* ---- SQL ---- */

/*
 * The query that reads a stash.
 *
 * Where no index forbids it, as in the stash of a memoized function, a key may
 * stand there more than once: the newest entry counts, as for stash.get().
 */
static char *
source_query(const StashStore *store)
{
	const char *source = psprintf("%s WHERE " STASH_ENTRY_NOT_EXPIRED,
								  store->name);

	if (!store->is_unique)
		source = psprintf("(SELECT DISTINCT ON (key_hash, version, key) "
						  "key_hash, key, value, version, created_at FROM %s "
						  "ORDER BY key_hash, version, key, "
						  "created_at DESC NULLS LAST) AS newest", source);
	return psprintf("SELECT key, value, version, created_at FROM %s "
					"ORDER BY created_at, key_hash, version", source);
}

/* read the stash and emit all there is; 'assembly' knows where to */
static void
run(Assembly *assembly, Oid relid)
{
	Relation	rel;
	StashStore *store = stash_store_open(relid, &rel, AccessShareLock);
	char	   *sql = source_query(store);

	assembly->stash = pstrdup(store->name);
	assembly->receiver.receiveSlot = receive_entry;
	assembly->receiver.rStartup = start_entries;
	assembly->receiver.rShutdown = end_entries;
	assembly->receiver.rDestroy = end_entries;
	assembly->receiver.mydest = DestTuplestore;
	assembly->entry_context = AllocSetContextCreate(CurrentMemoryContext,
													"pg_hashstash entry",
													ALLOCSET_DEFAULT_SIZES);

	assembly->caller = error_context_stack;
	stash_spi_stream(sql, &assembly->receiver);

	MemoryContextDelete(assembly->entry_context);
	FreeExprContext(assembly->econtext, true);
	/* the lock stays, as that of any query */
	relation_close(rel, NoLock);
}

/*
 * stash.assemble(stash regclass) returns setof record
 *
 * Returns: one row for each value or element, with the columns named at the
 *          call.  A column is looked up by its name, nested ones with dots;
 *          NULL where there is none.  _key, _version and _created_at are the
 *          entry's own.
 * Errors:  42809 no stash, 22004 NULL stash, 42501; 22030 when a name leads
 *          to two values; what the casts to the columns' types throw
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_assemble(PG_FUNCTION_ARGS)
{
	Oid			relid = stash_store_argument(fcinfo, 0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Assembly	assembly = {0};

	if (result != NULL && IsA(result, ReturnSetInfo) &&
		result->expectedDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a column definition list is required for stash.assemble()"),
				 errhint("Write SELECT * FROM stash.assemble('a_stash') AS t(a_column text).")));
	stash_compat_materialize_expected(fcinfo);
	assembly.result = result;
	assembly.econtext = CreateStandaloneExprContext();
	prepare_columns(&assembly);
	run(&assembly, relid);
	return (Datum) 0;
}

/*
 * stash.assemble_json(stash regclass) returns setof jsonb
 *
 * Returns: one flat object for each value or element; what is no object is
 *          {"value": x}
 * Errors:  42809 no stash, 22004 NULL stash, 42501; 22030 when two values of
 *          one object have one joined name
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_assemble_json(PG_FUNCTION_ARGS)
{
	Oid			relid = stash_store_argument(fcinfo, 0);
	Assembly	assembly = {0};

	stash_compat_materialize_expected(fcinfo);
	assembly.result = (ReturnSetInfo *) fcinfo->resultinfo;
	assembly.econtext = CreateStandaloneExprContext();
	assembly.emit = emit_json;
	run(&assembly, relid);
	return (Datum) 0;
}
