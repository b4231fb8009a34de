/*-------------------------------------------------------------------------
 *
 * store.h
 *	  Stash tables: what is known of one, and access to its entries.
 *
 * A stash is a table OF stash.entry; reloftype is the only mark.  Options
 * stand as constant arguments of stash.options() in a CHECK constraint, so
 * that dump, restore, rename and upgrade carry them along.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_STORE_H
#define STASH_STORE_H

#include "compat.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "hash.h"
#include "typeio.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

/* Columns of stash.entry, from 1. */
#define STASH_ENTRY_KEY_HASH	1
#define STASH_ENTRY_KEY			2
#define STASH_ENTRY_VALUE		3
#define STASH_ENTRY_VERSION		4
#define STASH_ENTRY_CREATED_AT	5
#define STASH_ENTRY_EXPIRES_AT	6
#define STASH_ENTRY_COST		7
#define STASH_ENTRY_PROOF		8
#define STASH_ENTRY_COLUMNS		8

/*
 * The version of an entry that takes the place of s: one that has expired is as
 * good as none, be it swept already or not.
 */
#define STASH_NEXT_VERSION \
	"CASE WHEN s.expires_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() " \
	"THEN 1 ELSE s.version OPERATOR(pg_catalog.+) 1 END"

/* What every query of entries asks; qualified, for search_path is anybody's. */
#define STASH_ENTRY_NOT_EXPIRED \
	"(expires_at IS NULL OR expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp())"

/* Rows that are entries, and no parts of one; see store_append.c. */
#define STASH_ENTRY_IS_WHOLE	"(version IS NULL OR version OPERATOR(pg_catalog.>=) 0)"
#define STASH_ENTRY_IS_LISTED	STASH_ENTRY_NOT_EXPIRED " AND " STASH_ENTRY_IS_WHOLE

/* Statements that are kept prepared for each stash. */
typedef enum StashStatement
{
	STASH_STATEMENT_PUT,
	STASH_STATEMENT_PUT_ABSENT, /* unless a live one is there */
	STASH_STATEMENT_REPLACE,	/* the one that is there */
	STASH_STATEMENT_REPLACE_EXPIRED,
	STASH_STATEMENT_INSERT,		/* where none is there */
	STASH_STATEMENT_TRIM,		/* old versions */
	STASH_STATEMENT_NEWEST,		/* version, live or not */
	STASH_STATEMENT_COUNT,		/* rows of the key */
	STASH_STATEMENT_GET,
	STASH_STATEMENT_GET_NOW,	/* what is there by now */
	STASH_STATEMENT_GET_VERSION,
	STASH_STATEMENT_REMOVE,
	STASH_STATEMENT_POP,
	STASH_STATEMENT_PUT_MANY
} StashStatement;

#define STASH_STATEMENTS	(STASH_STATEMENT_PUT_MANY + 1)

/* Which entries go first when a stash has more than it may hold. */
typedef enum StashEvict
{
	STASH_EVICT_OLDEST,
	STASH_EVICT_LRU,
	STASH_EVICT_COST
} StashEvict;

/* Options of a stash, as its CHECK constraint carries them. */
typedef struct StashOptions
{
	bool		has_ttl;
	Interval	ttl;			/* of entries that are put without one */
	int			codec;
	int			keep_versions;	/* of each key; 0: all */
	int64		max_entries;	/* 0: no limit */
	int64		max_bytes;		/* 0: no limit */
	StashEvict	evict;
} StashOptions;

#define STASH_OPTIONS_CONSTRAINT	"stash_options"

/* What was left in a window of blocks when this session last swept it. */
typedef struct StashWindow
{
	uint32		nblocks;		/* 0: not seen yet */
	uint32		nentries;
	int64		bytes;
} StashWindow;

#define STASH_WINDOWS	64

/* How far this session is with sweeping a stash while it puts. */
typedef struct StashSweep
{
	bool		has_ttl;		/* an entry that expires has been put */
	bool		has_begun;		/* 'window' is known */
	uint32		window;			/* the next to look at */
	int64		nputs;			/* since the last look */
	int64		due;			/* puts until the next; 0: not known */
	int64		owed;			/* puts for which nothing was evicted yet */
	StashWindow seen[STASH_WINDOWS];	/* window modulo that number */
} StashSweep;

/* What a session knows of a stash; valid until the relation changes. */
typedef struct StashStore
{
	Oid			relid;
	bool		is_valid;
	char	   *schema;			/* names as they were when this was built */
	char	   *table;
	char	   *name;			/* both, quoted, for use in statements */
	Oid			reader;			/* a role that may read it; 0: not known */
	Oid			index;			/* btree that look-ups use; 0: none */
	bool		is_unique;		/* one row of a key, as 'index' or shards have
								 * it */
	bool		has_versions;	/* one row of a key and version, likewise */
	bool		is_plain;		/* ordinary heap without row security */
	bool		is_simple;		/* plain, and 'index' is all that hangs on it */
	bool		is_bare;		/* likewise, and 'index' is not unique */
	bool		is_partitioned; /* without row security */
	bool		is_sharded;		/* 'index' is 0: each partition has its own */
	StashOptions options;
	TimestampTz locks_since;	/* start of the transaction that 'nlocks' is
								 * of */
	int			nlocks;			/* times it has locked a key */
	StashSweep	sweep;
	SPIPlanPtr	plans[STASH_STATEMENTS];	/* NULL: not prepared yet */
} StashStore;

/* A key: its hash, and its frame, without compression. */
typedef struct StashKey
{
	StashHash128 hash;
	bytea	   *frame;			/* of a row that was read: as it is stored */
} StashKey;

/* An entry found; 'value' is allocated in the caller's memory context. */
typedef struct StashEntry
{
	Datum		value;			/* a variant */
	bool		value_isnull;
	int64		version;
	TimestampTz created_at;
	TimestampTz expires_at;		/* DT_NOEND: never */
	int64		cost_us;		/* microseconds; 0: not known */
	bytea	   *proof;			/* of a remembered result, or NULL */
	bool		is_there;		/* the key is, though it may have expired;
								 * told for stashes without a unique index */
} StashEntry;

/* What the value of an entry tells that is kept in parts; see store_append.c. */
typedef struct StashParts
{
	pg_uuid_t	fill;			/* by chance: what its parts are found by */
	int32		nparts;
	int64		nrows;			/* of the row set that is kept */
	int64		nbytes;			/* of all parts, as they were stored */
} StashParts;

/* An entry to be put. */
typedef struct StashNewEntry
{
	StashKey	key;
	bytea	   *value;			/* NULL: a NULL */
	TimestampTz created_at;
	TimestampTz expires_at;		/* DT_NOEND: never */
	Interval   *cost;			/* NULL: not known */
} StashNewEntry;

/* Writes entries directly; see store_upsert.c. */
typedef struct StashUpsert StashUpsert;

#define STASH_STORE_BATCH	1000	/* entries that are written together */

extern void stash_store_init(void);
extern StashStore *stash_store_open(Oid relid, Relation *rel, LOCKMODE lock);
extern StashStore *stash_store_open_partition(Oid relid, Relation *rel,
											  LOCKMODE lock);
extern char *stash_store_name_argument(FunctionCallInfo fcinfo);
extern void stash_store_default_options(StashOptions *options);
extern StashEvict stash_store_evict(const char *name);
extern const char *stash_store_evict_name(StashEvict evict);
extern const char *stash_store_primary_key(const StashOptions *options);
extern char *stash_store_constraint(const StashOptions *options);
extern TimestampTz stash_store_expiry(const Interval *ttl, TimestampTz from);
extern void stash_store_check_ttl(const Interval *ttl);
extern TimestampTz stash_store_expires_at(FunctionCallInfo fcinfo, int argno,
										  StashStore *store, TimestampTz now);
extern void stash_store_check_writable(StashStore *store);
extern Oid	stash_store_argument(FunctionCallInfo fcinfo, int argno);

extern void stash_store_make_key(StashType *type, Datum value, bool isnull,
								 StashKey *key);
extern void stash_store_read_key(FunctionCallInfo fcinfo, int argno,
								 StashKey *key);
extern bool stash_store_look_up(StashStore *store, Relation rel,
								const StashKey *key, StashEntry *entry,
								bool wants_value);
extern uint64 stash_store_run(StashStore *store, StashStatement statement,
							  const StashKey *key, int nmore,
							  const Oid *types, const Datum *values,
							  const char *nulls);
extern void stash_store_lock_key(StashStore *store, const StashKey *key);
extern void stash_store_lock_many(StashStore *store, int nkeys);
extern int64 stash_store_put_entry(StashStore *store,
								   const StashNewEntry *entry);
extern void stash_store_trim(StashStore *store, const StashKey *key,
							 int64 newest);
extern void stash_store_fetch_value(uint64 row, int column,
									MemoryContext context, StashEntry *entry);
extern bool stash_store_find(StashStore *store, Relation rel,
							 StashHash128 key_hash, bytea *key,
							 StashEntry *entry, bool wants_value);

extern bool stash_store_hint_find(Relation rel, StashHash128 key_hash,
								  HeapTuple tuple, Buffer *buffer);
extern void stash_store_hint_set(Relation rel, StashHash128 key_hash,
								 TupleTableSlot *slot);
extern void stash_store_hint_drop(Relation rel, StashHash128 key_hash);

extern void stash_store_append(StashStore *store, Relation rel,
							   StashHash128 key_hash, bytea *key,
							   bytea *value, TimestampTz created_at,
							   TimestampTz expires_at, const Interval *cost,
							   bytea *proof);
extern void stash_store_supersede(StashStore *store, Relation rel,
								  StashHash128 key_hash, bytea *key);
extern bool stash_store_may_have_parts(const StashStore *store);
extern void stash_store_begin_parts(StashParts *parts);
extern void stash_store_append_part(StashStore *store, Relation rel,
									StashParts *parts, StashHash128 head,
									bytea *value, TimestampTz created_at,
									TimestampTz expires_at);
extern bytea *stash_store_parts_head(const StashParts *parts);
extern bool stash_store_is_head(Datum variant, StashParts *parts);
extern bool stash_store_has_parts(StashStore *store, Relation rel,
								  const StashParts *parts, StashHash128 head);
extern bool stash_store_find_part(StashStore *store, Relation rel,
								  const StashParts *parts, StashHash128 head,
								  int32 number, StashEntry *entry);
extern void stash_store_delete_parts(StashStore *store, Relation rel,
									 const StashParts *parts,
									 StashHash128 head, Snapshot latest);
extern void stash_store_delete_orphans(const char *name);

extern void stash_shard_check_number(int npartitions);
extern const char *stash_shard_parent_words(const char *words);
extern void stash_shard_create(Oid relid, const char *words, int npartitions);
extern bool stash_shard_is_sharded(Relation rel, const StashOptions *options);
extern bool stash_shard_find(Relation rel, const StashKey *key,
							 StashEntry *entry, bool wants_value, bool *found);
extern void stash_store_note_use(Oid relid, StashHash128 key_hash);
extern TimestampTz stash_store_used_at(Oid relid,
									   const unsigned char *key_hash,
									   TimestampTz now);
extern void stash_store_sweep(Oid relid, int64 *expired, int64 *evicted);
extern bool stash_store_has_bounds(StashStore *store);
extern void stash_store_sweep_blocks(StashStore *store, Relation rel,
									 int64 *expired, int64 *evicted);
extern void stash_store_worker_init(void);
extern void stash_store_sweep_some(StashStore *store, Relation rel,
								   int64 nputs, bool has_ttl);
extern bool stash_store_may_upsert(StashStore *store, Relation rel);
extern int64 stash_store_upsert(StashStore *store, Relation rel,
								const StashNewEntry *entry);
extern StashUpsert *stash_upsert_begin(StashStore *store, Relation rel);
extern bool stash_upsert_many(StashUpsert *upsert,
							  const StashNewEntry *entries, int n);
extern void stash_upsert_end(StashUpsert *upsert);
pg_noreturn extern void stash_store_refuse_concurrent_delete(void);

#endif							/* STASH_STORE_H */
