/*-------------------------------------------------------------------------
 *
 * store.c
 *	  Stash tables: what is known of one, its making and its options.
 *
 * Access to entries is in store_rw.c.  What a session knows of a stash is
 * kept until the relation changes; what was replaced is freed at the end of
 * the transaction, for its plans may be running further up the stack.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/readfuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "spi.h"
#include "store.h"

#define OPTIONS_CONSTRAINT	"stash_options"

PG_FUNCTION_INFO_V1(pg_hashstash_options);
PG_FUNCTION_INFO_V1(pg_hashstash_create);
PG_FUNCTION_INFO_V1(pg_hashstash_drop);
PG_FUNCTION_INFO_V1(pg_hashstash_count);
PG_FUNCTION_INFO_V1(pg_hashstash_clear);
PG_FUNCTION_INFO_V1(pg_hashstash_entries);

typedef struct StoreEntry
{
	Oid			relid;			/* must be first */
	StashStore *store;			/* NULL only while it is being built */
} StoreEntry;

static HTAB *stores;			/* relid to StoreEntry */
static MemoryContext stores_context;
static List *retired;			/* StashStore *, in stores_context */
static bool has_invalid;		/* a store in the table may be invalid */

/* ---- life of a StashStore ---- */

static void
forget_stores(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	StoreEntry *entry;

	if (stores == NULL)
		return;
	has_invalid = true;
	if (OidIsValid(relid))
	{
		entry = hash_search(stores, &relid, HASH_FIND, NULL);
		if (entry != NULL && entry->store != NULL)
			entry->store->is_valid = false;
		return;
	}
	hash_seq_init(&scan, stores);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->store != NULL)
			entry->store->is_valid = false;
	}
}

static void
free_store(StashStore *store)
{
	for (int i = 0; i < STASH_STATEMENTS; i++)
	{
		if (store->plans[i] != NULL)
			SPI_freeplan(store->plans[i]);
	}
	pfree(store->schema);
	pfree(store->table);
	pfree(store->name);
	pfree(store);
}

/* free what was replaced, and what is not valid: its table may be gone */
static void
free_retired(XactEvent event, void *arg)
{
	HASH_SEQ_STATUS scan;
	StoreEntry *entry;
	ListCell   *cell;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	foreach(cell, retired)
		free_store(lfirst(cell));
	list_free(retired);
	retired = NIL;
	if (!has_invalid)
		return;
	hash_seq_init(&scan, stores);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->store != NULL && entry->store->is_valid)
			continue;
		if (entry->store != NULL)
			free_store(entry->store);
		hash_search(stores, &entry->relid, HASH_REMOVE, NULL);
	}
	has_invalid = false;
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_store_init(void)
{
	HASHCTL		ctl = {0};

	stores_context = AllocSetContextCreate(TopMemoryContext,
										   "pg_hashstash stores",
										   ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(StoreEntry);
	ctl.hcxt = stores_context;
	stores = hash_create("pg_hashstash stores", 16, &ctl,
						 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	stash_catalog_listen(forget_stores);
	RegisterXactCallback(free_retired, NULL);
}

/* ---- reading what a relation says ---- */

/* one constant argument of stash.options() in the constraint's expression */
static void
read_option(StashStore *store, int argno, Node *arg)
{
	Const	   *constant = (Const *) eval_const_expressions(NULL, arg);

	if (!IsA(constant, Const) || constant->constisnull)
		return;
	if (argno == 0)
	{
		store->has_ttl = true;
		store->ttl = *DatumGetIntervalP(constant->constvalue);
	}
	else if (argno == 1)
		store->codec = stash_frame_codec(DatumGetTextPP(constant->constvalue));
}

static void
read_options(StashStore *store, Relation rel)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	store->codec = STASH_CODEC_LZ4;
	for (int i = 0; constr != NULL && i < constr->num_check; i++)
	{
		FuncExpr   *call;
		ListCell   *cell;
		int			argno = 0;

		if (strcmp(constr->check[i].ccname, OPTIONS_CONSTRAINT) != 0)
			continue;
		call = (FuncExpr *) stringToNode(constr->check[i].ccbin);
		if (!IsA(call, FuncExpr))
			continue;
		foreach(cell, call->args)
		{
			Node	   *arg = lfirst(cell);

			if (IsA(arg, NamedArgExpr))
				read_option(store, ((NamedArgExpr *) arg)->argnumber,
							(Node *) ((NamedArgExpr *) arg)->arg);
			else
				read_option(store, argno, arg);
			argno++;
		}
	}
}

/* find the index that look-ups use; returns the number of all indexes */
static int
read_indexes(StashStore *store, Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (form->indisvalid && form->indnatts == 1 &&
			form->indkey.values[0] == STASH_ENTRY_KEY_HASH &&
			index->rd_rel->relam == BTREE_AM_OID &&
			RelationGetIndexPredicate(index) == NIL &&
			(!OidIsValid(store->index) || form->indisunique))
		{
			store->index = RelationGetRelid(index);
			store->is_unique = form->indisunique && form->indimmediate;
		}
		index_close(index, AccessShareLock);
	}
	return list_length(indexes);
}

/* whether an INSERT would check or fill in more than key, hash and options */
static bool
has_constraints(TupleDesc desc)
{
	static const int nullable[] = {
		STASH_ENTRY_VALUE, STASH_ENTRY_EXPIRES_AT, STASH_ENTRY_COST
	};
	TupleConstr *constr = desc->constr;

	if (constr == NULL)
		return false;
	for (int i = 0; i < constr->num_check; i++)
	{
		if (strcmp(constr->check[i].ccname, OPTIONS_CONSTRAINT) != 0)
			return true;
	}
	for (int i = 0; i < lengthof(nullable); i++)
	{
		if (TupleDescAttr(desc, nullable[i] - 1)->attnotnull)
			return true;
	}
	return constr->has_generated_stored;
}

static StashStore *
build_store(Relation rel)
{
	MemoryContext old = MemoryContextSwitchTo(stores_context);
	StashStore *store = palloc0(sizeof(StashStore));
	int			nindexes;

	store->relid = RelationGetRelid(rel);
	store->schema = get_namespace_name(RelationGetNamespace(rel));
	store->table = pstrdup(RelationGetRelationName(rel));
	store->name = quote_qualified_identifier(store->schema, store->table);
	MemoryContextSwitchTo(old);

	nindexes = read_indexes(store, rel);
	read_options(store, rel);
	store->is_plain = rel->rd_rel->relkind == RELKIND_RELATION &&
		!rel->rd_rel->relrowsecurity && OidIsValid(store->index);
	store->is_bare = store->is_plain && nindexes == 1 && !store->is_unique &&
		rel->trigdesc == NULL && rel->rd_rules == NULL &&
		!has_constraints(RelationGetDescr(rel));
	store->is_valid = true;
	return store;
}

static void
refuse_relation(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("\"%s\" is not a stash", RelationGetRelationName(rel)),
			 errhint("Make one with stash.create(), or with CREATE TABLE ... OF stash.entry.")));
}

/*
 * Open a stash and say what is known of it.
 *
 * '*rel' is opened with 'lock'; the caller closes it.  Throws 42809 for a
 * relation that is no stash, 42P01 for none.
 */
StashStore *
stash_store_open(Oid relid, Relation *rel, LOCKMODE lock)
{
	StoreEntry *entry;
	bool		found;

	*rel = try_relation_open(relid, lock);
	if (*rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("stash with OID %u does not exist", relid)));
	if ((*rel)->rd_rel->reloftype != stash_catalog_entry_type())
		refuse_relation(*rel);

	entry = hash_search(stores, &relid, HASH_FIND, NULL);
	if (entry != NULL && entry->store != NULL)
	{
		StashStore *store = entry->store;

		/* a schema can be renamed without a word to its tables */
		if (store->is_valid &&
			strcmp(store->table, RelationGetRelationName(*rel)) == 0 &&
			strcmp(store->schema,
				   get_namespace_name(RelationGetNamespace(*rel))) == 0)
			return store;
	}

	{
		StashStore *store = build_store(*rel);
		MemoryContext old = MemoryContextSwitchTo(stores_context);

		entry = hash_search(stores, &relid, HASH_ENTER, &found);
		if (found && entry->store != NULL)
			retired = lappend(retired, entry->store);
		entry->store = store;
		MemoryContextSwitchTo(old);
		return store;
	}
}

/*
 * When an entry stored at 'from' expires.
 */
TimestampTz
stash_store_expiry(const Interval *ttl, TimestampTz from)
{
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(from),
												   IntervalPGetDatum(ttl)));
}

/*
 * Throw 22023 unless a time to live is positive.
 */
void
stash_store_check_ttl(const Interval *ttl)
{
	TimestampTz now = GetCurrentTimestamp();

	if (stash_store_expiry(ttl, now) <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid ttl: %s",
						DatumGetCString(DirectFunctionCall1(interval_out,
															IntervalPGetDatum(ttl)))),
				 errdetail("A time to live must be more than zero."),
				 errhint("Use NULL for entries that never expire.")));
}

/*
 * The stash given as an argument.  Throws 22004 for NULL.
 */
Oid
stash_store_argument(FunctionCallInfo fcinfo, int argno)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("stash must not be null"),
				 errhint("Name a table made by stash.create().")));
	return PG_GETARG_OID(argno);
}

/* ---- SQL ---- */

/*
 * stash.options(ttl interval DEFAULT NULL, codec text DEFAULT 'lz4')
 * returns bool
 *
 * Always true, so that a CHECK constraint can carry its arguments.
 * Errors: 22023 for values that are no options.
 * Immutable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_options(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0))
		stash_store_check_ttl(PG_GETARG_INTERVAL_P(0));
	if (!PG_ARGISNULL(1))
		(void) stash_frame_codec(PG_GETARG_TEXT_PP(1));
	PG_RETURN_BOOL(true);
}

/* the beginning of the CREATE statement; says in *relation what it makes */
static const char *
create_words(const char *persistence, RangeVar *relation)
{
	if (strcmp(persistence, "logged") == 0)
		return "CREATE TABLE";
	if (strcmp(persistence, "unlogged") == 0)
		return "CREATE UNLOGGED TABLE";
	if (strcmp(persistence, "temp") == 0)
	{
		relation->relpersistence = RELPERSISTENCE_TEMP;
		return "CREATE TEMPORARY TABLE";
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown persistence \"%s\"", persistence),
			 errhint("Use \"logged\", \"unlogged\" or \"temp\".")));
}

static char *
options_clause(FunctionCallInfo fcinfo)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "stash.options(");
	if (!PG_ARGISNULL(2))
	{
		Interval   *ttl = PG_GETARG_INTERVAL_P(2);

		stash_store_check_ttl(ttl);
		appendStringInfo(&sql, "ttl => %s::pg_catalog.interval, ",
						 quote_literal_cstr(DatumGetCString(DirectFunctionCall1(interval_out,
																				IntervalPGetDatum(ttl)))));
	}
	appendStringInfo(&sql, "codec => %s)",
					 quote_literal_cstr(stash_codec_name(stash_frame_codec(PG_GETARG_TEXT_PP(3)))));
	return sql.data;
}

/*
 * stash.create(name text, persistence text DEFAULT 'logged',
 *              ttl interval DEFAULT NULL, codec text DEFAULT 'lz4')
 * returns regclass
 *
 * Args:    name         of the table, as in SQL: schema and quotes allowed
 *          persistence  logged, unlogged or temp
 *          ttl          for entries that are put without one
 *          codec        none, lz4 or zstd
 * Errors:  42P07 table exists, 22023 bad option, 22004 NULL name, 42501
 * Volatile, parallel unsafe.
 */
Datum
pg_hashstash_create(PG_FUNCTION_ARGS)
{
	List	   *names;
	RangeVar   *relation;
	char	   *name;
	const char *words;
	Oid			nsp;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("name, persistence and codec must not be null")));
	names = stash_compat_name_list(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	relation = makeRangeVarFromNameList(names);
	name = quote_qualified_identifier(relation->schemaname, relation->relname);
	words = create_words(text_to_cstring(PG_GETARG_TEXT_PP(1)), relation);
	/* a temporary table of that name would stand before the one made */
	nsp = RangeVarGetCreationNamespace(relation);

	stash_spi_run(psprintf("%s %s OF stash.entry ("
						   "PRIMARY KEY (key_hash), "
						   "key WITH OPTIONS NOT NULL, "
						   "version WITH OPTIONS NOT NULL DEFAULT 1, "
						   "created_at WITH OPTIONS NOT NULL DEFAULT pg_catalog.clock_timestamp(), "
						   "CONSTRAINT " OPTIONS_CONSTRAINT " CHECK (%s))",
						   words, name, options_clause(fcinfo)));
	PG_RETURN_OID(get_relname_relid(relation->relname, nsp));
}

/*
 * stash.drop(stash regclass) returns void
 *
 * Errors: 42809 for a table that is no stash, 42501, 2BP01 when something
 * depends on it.  Volatile, parallel unsafe.
 */
Datum
pg_hashstash_drop(PG_FUNCTION_ARGS)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	char	   *sql = psprintf("DROP TABLE %s", store->name);

	relation_close(rel, AccessShareLock);
	stash_spi_run(sql);
	PG_RETURN_VOID();
}

static char *
name_of_argument(FunctionCallInfo fcinfo)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	char	   *name = pstrdup(store->name);

	relation_close(rel, AccessShareLock);
	return name;
}

/*
 * stash.count(stash regclass) returns int8: entries that have not expired.
 *
 * Errors: 42809, 42501.  Stable, parallel restricted.
 */
Datum
pg_hashstash_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(stash_spi_run_bigint(psprintf("SELECT pg_catalog.count(*) FROM %s "
												  "WHERE " STASH_ENTRY_NOT_EXPIRED,
												  name_of_argument(fcinfo)), true));
}

/*
 * stash.clear(stash regclass) returns int8: the number of rows deleted.
 *
 * Errors: 42809, 42501.  Volatile, parallel unsafe.
 */
Datum
pg_hashstash_clear(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(stash_spi_run_bigint(psprintf("DELETE FROM %s",
												  name_of_argument(fcinfo)), false));
}

/*
 * stash.entries(stash regclass) returns setof record
 *
 * Errors: 42809, 42501.  Stable, parallel restricted.
 */
Datum
pg_hashstash_entries(PG_FUNCTION_ARGS)
{
	stash_spi_materialize(fcinfo,
						  psprintf("SELECT key, value, version, created_at, expires_at FROM %s "
								   "WHERE " STASH_ENTRY_NOT_EXPIRED
								   " ORDER BY created_at USING OPERATOR(pg_catalog.<), key_hash USING OPERATOR(pg_catalog.<)",
								   name_of_argument(fcinfo)));
	return (Datum) 0;
}
