/*-------------------------------------------------------------------------
 *
 * store.c
 *	  Stash tables: what is known of one.
 *
 * Making one is in store_define.c, access to entries in store_rw.c.  What a
 * session knows of a stash is kept until the relation changes; what was replaced is freed at the end of
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
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "spi.h"
#include "store.h"

/* Arguments of stash.options(), from 0. */
enum
{
	OPTION_TTL,
	OPTION_CODEC,
	OPTION_KEEP_VERSIONS,
	OPTION_MAX_ENTRIES,
	OPTION_MAX_BYTES,
	OPTION_EVICT
};

typedef struct StoreEntry
{
	Oid			relid;			/* must be first */
	StashStore *store;			/* NULL only while it is being built */
} StoreEntry;

/* by StashEvict */
static const char *const evict_names[] = {"oldest", "lru", "cost"};

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

/* names, who may use a schema, and who is a member of whom: known by all */
static void
forget_all_stores(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_stores((Datum) 0, InvalidOid);
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
	stash_catalog_listen_cache(NAMESPACEOID, forget_all_stores);
	stash_catalog_listen_cache(AUTHOID, forget_all_stores);
	stash_catalog_listen_cache(AUTHMEMROLEMEM, forget_all_stores);
	/* who owns the database is a member of pg_database_owner */
	stash_catalog_listen_cache(DATABASEOID, forget_all_stores);
	RegisterXactCallback(free_retired, NULL);
}

/* ---- reading what a relation says ---- */

/*
 * What holds where nothing else is said.
 */
void
stash_store_default_options(StashOptions *options)
{
	memset(options, 0, sizeof(StashOptions));
	options->codec = STASH_CODEC_LZ4;
	options->keep_versions = 1;
	options->evict = STASH_EVICT_OLDEST;
}

/*
 * The way to evict that is called 'name'.  Throws 22023 for none.
 */
StashEvict
stash_store_evict(const char *name)
{
	for (int i = 0; i < lengthof(evict_names); i++)
	{
		if (strcmp(name, evict_names[i]) == 0)
			return (StashEvict) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown way to evict: \"%s\"", name),
			 errhint("Use \"oldest\", \"lru\" or \"cost\".")));
}

/*
 * The name of a way to evict.
 */
const char *
stash_store_evict_name(StashEvict evict)
{
	return evict_names[evict];
}

/* one constant argument of stash.options() in the constraint's expression */
static void
read_option(StashOptions *options, int argno, Node *arg)
{
	Const	   *constant = (Const *) eval_const_expressions(NULL, arg);

	if (!IsA(constant, Const) || constant->constisnull)
		return;
	switch (argno)
	{
		case OPTION_TTL:
			options->has_ttl = true;
			options->ttl = *DatumGetIntervalP(constant->constvalue);
			break;
		case OPTION_CODEC:
			options->codec = stash_frame_codec(DatumGetTextPP(constant->constvalue));
			break;
		case OPTION_KEEP_VERSIONS:
			options->keep_versions = DatumGetInt32(constant->constvalue);
			break;
		case OPTION_MAX_ENTRIES:
			options->max_entries = DatumGetInt64(constant->constvalue);
			break;
		case OPTION_MAX_BYTES:
			options->max_bytes = DatumGetInt64(constant->constvalue);
			break;
		case OPTION_EVICT:
			options->evict = stash_store_evict(TextDatumGetCString(constant->constvalue));
			break;
	}
}

/* 'has_versions': what is not said, a table that takes versions keeps */
static void
read_options(StashOptions *options, Relation rel, bool has_versions)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	stash_store_default_options(options);
	if (has_versions)
		options->keep_versions = 0;
	for (int i = 0; constr != NULL && i < constr->num_check; i++)
	{
		FuncExpr   *call;
		ListCell   *cell;
		int			argno = 0;

		if (strcmp(constr->check[i].ccname, STASH_OPTIONS_CONSTRAINT) != 0)
			continue;
		call = (FuncExpr *) stringToNode(constr->check[i].ccbin);
		if (!IsA(call, FuncExpr))
			continue;
		foreach(cell, call->args)
		{
			Node	   *arg = lfirst(cell);

			if (IsA(arg, NamedArgExpr))
				read_option(options, ((NamedArgExpr *) arg)->argnumber,
							(Node *) ((NamedArgExpr *) arg)->arg);
			else
				read_option(options, argno, arg);
			argno++;
		}
	}
}

/*
 * Whether look-ups of keys can use an index, and which promises it makes: 1
 * for none, 2 for one entry of a key and version, 3 for one entry of a key.
 */
static int
rank_index(Relation index)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisvalid || index->rd_rel->relam != BTREE_AM_OID ||
		form->indkey.values[0] != STASH_ENTRY_KEY_HASH ||
		RelationGetIndexPredicate(index) != NIL)
		return 0;
	if (form->indnatts == 1)
		return form->indisunique && form->indimmediate ? 3 : 1;
	if (form->indnatts == 2 && form->indnkeyatts == 2 &&
		form->indkey.values[1] == STASH_ENTRY_VERSION &&
		form->indisunique && form->indimmediate)
		return 2;
	return 0;
}

/* find the index that look-ups use; returns the number of all indexes */
static int
read_indexes(StashStore *store, Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	int			best = 0;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		int			rank = rank_index(index);

		if (rank > best)
		{
			best = rank;
			store->index = RelationGetRelid(index);
		}
		index_close(index, AccessShareLock);
	}
	store->is_unique = best == 3;
	store->has_versions = best == 2;
	return list_length(indexes);
}

/* whether an INSERT would check or fill in more than key, hash and options */
static bool
has_constraints(TupleDesc desc)
{
	static const int nullable[] = {
		STASH_ENTRY_VALUE, STASH_ENTRY_EXPIRES_AT, STASH_ENTRY_COST,
		STASH_ENTRY_PROOF
	};
	TupleConstr *constr = desc->constr;

	if (constr == NULL)
		return false;
	for (int i = 0; i < constr->num_check; i++)
	{
		if (strcmp(constr->check[i].ccname, STASH_OPTIONS_CONSTRAINT) != 0)
			return true;
	}
	for (int i = 0; i < lengthof(nullable); i++)
	{
		if (TupleDescAttr(desc, nullable[i] - 1)->attnotnull)
			return true;
	}
	return constr->has_generated_stored;
}

/* whether the columns are those of stash.entry; all but partitions have them */
static bool
has_columns(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	TupleDesc	entry;
	bool		same = true;

	if (rel->rd_rel->reloftype == stash_catalog_entry_type())
		return true;
	entry = lookup_rowtype_tupdesc(stash_catalog_entry_type(), -1);
	for (int i = 0; same && i < entry->natts; i++)
		same = i < desc->natts && !TupleDescAttr(desc, i)->attisdropped &&
			TupleDescAttr(desc, i)->atttypid == TupleDescAttr(entry, i)->atttypid &&
			strcmp(NameStr(TupleDescAttr(desc, i)->attname),
				   NameStr(TupleDescAttr(entry, i)->attname)) == 0;
	ReleaseTupleDesc(entry);
	return same;
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
	read_options(&store->options, rel, store->has_versions);
	store->is_plain = rel->rd_rel->relkind == RELKIND_RELATION &&
		!rel->rd_rel->relrowsecurity && OidIsValid(store->index) &&
		RelationGetNumberOfAttributes(rel) == STASH_ENTRY_COLUMNS &&
		has_columns(rel);
	store->is_partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		!rel->rd_rel->relrowsecurity;
	if (!store->is_unique && !store->has_versions &&
		stash_shard_is_sharded(rel, &store->options))
	{
		store->is_sharded = true;
		store->is_unique = store->options.keep_versions == 1;
		store->has_versions = !store->is_unique;
	}
	store->is_simple = store->is_plain && nindexes == 1 &&
		rel->trigdesc == NULL && rel->rd_rules == NULL &&
		!has_constraints(RelationGetDescr(rel));
	store->is_bare = store->is_simple &&
		!store->is_unique && !store->has_versions;
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

/* lock and open a relation; returns what is known of it, or NULL */
static StashStore *
open_relation(Oid relid, Relation *rel, LOCKMODE lock)
{
	StoreEntry *entry;

	if (lock != NoLock)
	{
		LockRelationOid(relid, lock);
		/* a lock that is held already lets in no news, as of a REVOKE */
		AcceptInvalidationMessages();
	}
	entry = hash_search(stores, &relid, HASH_FIND, NULL);
	if (entry != NULL && entry->store != NULL && entry->store->is_valid)
	{
		*rel = relation_open(relid, NoLock);
		return entry->store;
	}
	*rel = try_relation_open(relid, NoLock);
	if (*rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("stash with OID %u does not exist", relid)));
	return NULL;
}

/* get to know an open relation, which is a stash or a partition of one */
static StashStore *
learn_store(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	StashStore *store = build_store(rel);
	MemoryContext old = MemoryContextSwitchTo(stores_context);
	bool		found;
	StoreEntry *entry = hash_search(stores, &relid, HASH_ENTER, &found);

	if (found && entry->store != NULL)
		retired = lappend(retired, entry->store);
	entry->store = store;
	MemoryContextSwitchTo(old);
	return store;
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
	StashStore *store = open_relation(relid, rel, lock);

	/* a partition may be known, and is no stash */
	if ((*rel)->rd_rel->reloftype != stash_catalog_entry_type())
		refuse_relation(*rel);
	return store != NULL ? store : learn_store(*rel);
}

/*
 * The same for a partition of a stash, which is no table OF stash.entry.
 */
StashStore *
stash_store_open_partition(Oid relid, Relation *rel, LOCKMODE lock)
{
	StashStore *store = open_relation(relid, rel, lock);

	return store != NULL ? store : learn_store(*rel);
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
 * When an entry that is put at 'now' expires: after the ttl that is argument
 * 'argno', or else the stash's own; DT_NOEND for never.  Throws 22023 for one
 * that is not positive.
 */
TimestampTz
stash_store_expires_at(FunctionCallInfo fcinfo, int argno, StashStore *store,
					   TimestampTz now)
{
	if (!PG_ARGISNULL(argno))
	{
		stash_store_check_ttl(PG_GETARG_INTERVAL_P(argno));
		return stash_store_expiry(PG_GETARG_INTERVAL_P(argno), now);
	}
	return store->options.has_ttl ?
		stash_store_expiry(&store->options.ttl, now) : DT_NOEND;
}

/*
 * Throw 55000 unless entries can be put into a stash.
 */
void
stash_store_check_writable(StashStore *store)
{
	if (!store->is_unique && !store->has_versions)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("stash \"%s\" has no unique index on key_hash",
						store->table),
				 errhint("SELECT stash.adopt(%s) gives it one.  The stash of a memoized function is written by its calls only.",
						 quote_literal_cstr(store->name))));
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

/*
 * The name of the stash that is the first argument, quoted, for statements.
 */
char *
stash_store_name_argument(FunctionCallInfo fcinfo)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	char	   *name = pstrdup(store->name);

	relation_close(rel, AccessShareLock);
	return name;
}
