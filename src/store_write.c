/*-------------------------------------------------------------------------
 *
 * store_write.c
 *	  Entries of a stash: put, get_or_put, remove and pop.
 *
 * Where a key has one entry, a put is an upsert: the server makes sessions
 * that put one key wait for each other.  Where a key has versions, a lock of
 * the key does, and a put inserts the number after the newest.  All goes
 * through the executor but what store_upsert.c takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "frame_datum.h"
#include "spi.h"
#include "store.h"
#include "variant.h"

/*
 * A row that is not there, though another is in its way, can be one of a
 * session that is faster, time and again.  Or it is hidden for good.
 */
#define MAX_ATTEMPTS	100

/* PostgreSQL's own advisory locks have 1 and 2 in this field */
#define LOCK_OF_KEY		3
#define LOCK_OF_STASH	4

#define MAX_KEY_LOCKS	256		/* of a transaction, before it wants the stash */

PG_FUNCTION_INFO_V1(pg_hashstash_put);
PG_FUNCTION_INFO_V1(pg_hashstash_get_or_put);
PG_FUNCTION_INFO_V1(pg_hashstash_remove);
PG_FUNCTION_INFO_V1(pg_hashstash_pop);
PG_FUNCTION_INFO_V1(pg_hashstash_pop_like);

/* ---- one writer of a key ---- */

static void
forget_old_locks(StashStore *store)
{
	if (store->locks_since != GetCurrentTransactionStartTimestamp())
	{
		store->locks_since = GetCurrentTransactionStartTimestamp();
		store->nlocks = 0;
	}
}

/*
 * Let nobody else change a key that has versions until the transaction ends.
 *
 * No row stands for all versions of a key, as one does where a key has one
 * entry: without this, two sessions could put one number when old versions are
 * deleted, delete around a version that another one adds, or lock versions in
 * different orders.  Call before the statement takes its snapshot.
 *
 * A transaction that changes many keys would fill the server's table of locks.
 * It takes the whole stash instead, as soon as nobody else is changing it.
 */
void
stash_store_lock_key(StashStore *store, const StashKey *key)
{
	LOCKTAG		stash_tag;
	LOCKTAG		key_tag;
	uint32		bits;

	if (!store->has_versions)
		return;
	forget_old_locks(store);
	SET_LOCKTAG_ADVISORY(stash_tag, MyDatabaseId, store->relid, 0, LOCK_OF_STASH);
	if (++store->nlocks > MAX_KEY_LOCKS &&
		LockAcquire(&stash_tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	memcpy(&bits, key->hash.data, sizeof(bits));
	SET_LOCKTAG_ADVISORY(key_tag, MyDatabaseId, store->relid, bits, LOCK_OF_KEY);
	(void) LockAcquire(&stash_tag, ShareLock, false, false);
	(void) LockAcquire(&key_tag, ExclusiveLock, false, false);
}

/*
 * Do the same for many keys at once: wait for the whole stash, unless the
 * transaction has locked keys of it before, so that two could wait both ways.
 */
void
stash_store_lock_many(StashStore *store, int nkeys)
{
	LOCKTAG		tag;

	if (!store->has_versions || nkeys <= MAX_KEY_LOCKS)
		return;
	forget_old_locks(store);
	if (store->nlocks > 0)
		return;
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, store->relid, 0, LOCK_OF_STASH);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	/* what follows finds that we have it */
	store->nlocks = MAX_KEY_LOCKS;
}

/* ---- putting ---- */

pg_noreturn static void
refuse_entry(StashStore *store)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("could not put the key into stash \"%s\"", store->table),
			 errdetail("Another key has the same hash, row security hides the row that has the key, or a trigger suppressed the row.")));
}

/* read the arguments behind the key; the key is read already */
static void
read_entry(FunctionCallInfo fcinfo, StashStore *store, StashNewEntry *entry)
{
	Datum		value = PG_GETARG_DATUM(2);
	StashType  *type = stash_type_of_site_argument(fcinfo, 2, &value);

	entry->created_at = GetCurrentTimestamp();
	entry->expires_at = stash_store_expires_at(fcinfo, 3, store,
											   entry->created_at);
	stash_type_check_readable(type);
	entry->value = PG_ARGISNULL(2) ? NULL :
		stash_frame_make(type, value, false, store->options.codec);
	entry->cost = PG_NARGS() > 4 && !PG_ARGISNULL(4) ?
		PG_GETARG_INTERVAL_P(4) : NULL;
}

/* run a statement that inserts an entry; returns the number of rows */
static uint64
run_insert(StashStore *store, StashStatement statement, const StashNewEntry *entry)
{
	Oid			types[] = {stash_catalog_variant_type(false), TIMESTAMPTZOID, TIMESTAMPTZOID, INTERVALOID};
	Datum		values[] = {
		PointerGetDatum(entry->value),
		TimestampTzGetDatum(entry->created_at),
		TimestampTzGetDatum(entry->expires_at),
		IntervalPGetDatum(entry->cost)
	};
	char		nulls[] = {
		entry->value == NULL ? 'n' : ' ',
		' ',
		TIMESTAMP_IS_NOEND(entry->expires_at) ? 'n' : ' ',
		entry->cost == NULL ? 'n' : ' '
	};

	if (store->is_sharded && !store->has_versions)
	{
		/* no arbiter: an entry replaces what is there, or else is inserted */
		uint64		nrows = stash_store_run(store,
											statement == STASH_STATEMENT_PUT ?
											STASH_STATEMENT_REPLACE : STASH_STATEMENT_REPLACE_EXPIRED,
											&entry->key, lengthof(values),
											types, values, nulls);

		if (nrows > 0)
			return nrows;
		statement = STASH_STATEMENT_INSERT;
	}
	return stash_store_run(store, statement, &entry->key,
						   lengthof(values), types, values, nulls);
}

/* an int8 among the rows that the last statement returned */
static int64
fetch_int64(uint64 row, int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row],
									   SPI_tuptable->tupdesc, column, &isnull));
}

static bool
fetch_bool(uint64 row, int column)
{
	bool		isnull;

	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, column, &isnull));
}

/*
 * Delete what is beyond the number of versions that a stash keeps.  Call while
 * connected to SPI.
 */
void
stash_store_trim(StashStore *store, const StashKey *key, int64 newest)
{
	Oid			type = INT8OID;
	Datum		last;

	if (!store->has_versions || store->options.keep_versions == 0 ||
		newest <= store->options.keep_versions)
		return;
	last = Int64GetDatum(newest - store->options.keep_versions);
	stash_store_run(store, STASH_STATEMENT_TRIM, key, 1, &type, &last, NULL);
}

/*
 * Insert the version after the newest; returns its number.
 *
 * The number may have been taken by the time.  Then the newest of a fresh
 * snapshot is another one; if not, and again, something hides what is there.
 */
static int64
put_version(StashStore *store, const StashNewEntry *entry)
{
	int64		seen = -1;
	int			stalls = 0;

	while (run_insert(store, STASH_STATEMENT_PUT, entry) == 0)
	{
		int64		newest = 0;

		CHECK_FOR_INTERRUPTS();
		if (stash_store_run(store, STASH_STATEMENT_NEWEST, &entry->key,
							0, NULL, NULL, NULL) > 0)
		{
			if (!fetch_bool(0, 2))
				refuse_entry(store);
			newest = fetch_int64(0, 1);
		}
		if (newest == seen && ++stalls == MAX_ATTEMPTS)
			refuse_entry(store);
		seen = newest;
	}
	return fetch_int64(0, 1);
}

/*
 * Throw 40001 when a snapshot shows an older entry of a key that was inserted.
 *
 * That one was deleted by a session that the snapshot of the transaction does
 * not see: an UPDATE would fail, INSERT ... ON CONFLICT does not, and leaves a
 * transaction that sees two entries of a key.
 */
static void
check_alone(StashStore *store, const StashKey *key, int64 version)
{
	if (version > 1 || store->has_versions || !IsolationUsesXactSnapshot())
		return;
	stash_spi_begin();
	stash_store_run(store, STASH_STATEMENT_COUNT, key, 0, NULL, NULL, NULL);
	if (fetch_int64(0, 1) > 1)
		stash_store_refuse_concurrent_delete();
	stash_spi_finish();
}

/*
 * Put an entry; returns its version.  Call while connected to SPI.
 *
 * Errors: 23505 another key of the same hash; all that an INSERT, UPDATE or
 * DELETE may throw.
 */
int64
stash_store_put_entry(StashStore *store, const StashNewEntry *entry)
{
	int64		version;
	int			attempts = 0;

	if (store->has_versions)
	{
		stash_store_lock_key(store, &entry->key);
		version = put_version(store, entry);
		stash_store_trim(store, &entry->key, version);
		return version;
	}
	while (run_insert(store, STASH_STATEMENT_PUT, entry) != 1)
	{
		/* a shard may have got the key between the two statements */
		CHECK_FOR_INTERRUPTS();
		if (!store->is_sharded || ++attempts == MAX_ATTEMPTS)
			refuse_entry(store);
	}
	version = fetch_int64(0, 1);
	check_alone(store, &entry->key, version);
	return version;
}

/* the same by the shortest way */
static int64
put_entry(StashStore *store, Relation rel, const StashNewEntry *entry)
{
	int64		version;

	if (!stash_store_may_upsert(store, rel))
	{
		stash_spi_begin();
		version = stash_store_put_entry(store, entry);
		stash_spi_finish();
		return version;
	}
	version = stash_store_upsert(store, rel, entry);
	if (version == 0)
		refuse_entry(store);
	check_alone(store, &entry->key, version);
	return version;
}

/* ---- putting what is absent ---- */

/*
 * Put an entry unless there is one, and fill '*there' with the value that is
 * there then, allocated in 'context'.  Call while connected to SPI.
 */
static void
put_absent(StashStore *store, const StashNewEntry *entry, MemoryContext context,
		   StashEntry *there)
{
	stash_store_lock_key(store, &entry->key);
	for (int i = 0; i < MAX_ATTEMPTS; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (run_insert(store, STASH_STATEMENT_PUT_ABSENT, entry) > 0)
		{
			int64		version = fetch_int64(0, 1);

			stash_store_fetch_value(0, 2, context, there);
			stash_store_trim(store, &entry->key, version);
			check_alone(store, &entry->key, version);
			return;
		}
		/* a live one was there, or has come meanwhile */
		if (stash_store_run(store, STASH_STATEMENT_GET_NOW, &entry->key,
							0, NULL, NULL, NULL) > 0)
		{
			stash_store_fetch_value(0, 1, context, there);
			return;
		}
	}
	refuse_entry(store);
}

/* ---- deleting ---- */

/* delete a key; false when it was not there, or expired */
static bool
pop_entry(FunctionCallInfo fcinfo, StashEntry *entry)
{
	MemoryContext caller = CurrentMemoryContext;
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	StashKey	key;
	uint64		nrows;
	uint64		newest = 0;
	bool		found = false;

	stash_store_read_key(fcinfo, 1, &key);
	stash_store_lock_key(store, &key);
	stash_spi_begin();
	nrows = stash_store_run(store, STASH_STATEMENT_POP, &key,
							0, NULL, NULL, NULL);
	for (uint64 i = 0; i < nrows; i++)
	{
		if (!fetch_bool(i, 1))
			continue;
		if (!found || fetch_int64(i, 3) > fetch_int64(newest, 3))
			newest = i;
		found = true;
	}
	if (found)
		stash_store_fetch_value(newest, 2, caller, entry);
	stash_spi_finish();
	relation_close(rel, NoLock);
	return found;
}

/* ---- SQL ---- */

/*
 * stash.put(stash regclass, key any, value any, ttl interval DEFAULT NULL,
 *           cost interval DEFAULT NULL)
 * returns int8
 *
 * Args:    key    any value; a NULL is a key of its own for each type
 *          value  any value; NULL is remembered
 *          ttl    time until the entry expires; NULL: the stash's own option
 *          cost   time that computing the value took; NULL: not known
 * Returns: the version: how many times the key has been put since it was
 *          absent or expired
 * Errors:  42809 no stash, 42501, 22004 NULL stash, 22023 ttl not positive,
 *          55000 no unique index, 23505 another key of the same hash; all that
 *          an INSERT, UPDATE or DELETE may throw
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_put(PG_FUNCTION_ARGS)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 RowExclusiveLock);
	StashNewEntry entry;
	int64		version;

	stash_store_check_writable(store);
	stash_store_read_key(fcinfo, 1, &entry.key);
	read_entry(fcinfo, store, &entry);
	version = put_entry(store, rel, &entry);
	stash_store_sweep_some(store, rel, 1, !PG_ARGISNULL(3));
	relation_close(rel, NoLock);
	PG_RETURN_INT64(version);
}

/*
 * stash.get_or_put(stash regclass, key any, "default" any,
 *                  ttl interval DEFAULT NULL)
 * returns stash.variant
 *
 * Args:    default  any value; put when the key is absent or expired
 *          ttl      of the default
 * Returns: the value there, or the default; NULL for a NULL value
 * Errors:  those of stash.get(); those of stash.put(), when it has to put
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_get_or_put(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	StashNewEntry entry;
	StashEntry	there;
	bool		found;

	stash_store_check_writable(store);
	stash_store_read_key(fcinfo, 1, &entry.key);
	/* as put and pop do, see what this statement did before */
	PushActiveSnapshot(GetTransactionSnapshot());
	found = stash_store_look_up(store, rel, &entry.key, &there, true);
	PopActiveSnapshot();
	if (!found)
	{
		read_entry(fcinfo, store, &entry);
		stash_spi_begin();
		put_absent(store, &entry, caller, &there);
		stash_spi_finish();
		stash_store_sweep_some(store, rel, 1, !PG_ARGISNULL(3));
	}
	relation_close(rel, NoLock);
	if (there.value_isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(there.value);
}

/*
 * stash.remove(stash regclass, key any) returns bool
 *
 * Returns: true when the key was there and had not expired
 * Errors:  42809 no stash, 42501, 22004 NULL stash
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_remove(PG_FUNCTION_ARGS)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	StashKey	key;
	bool		was_there = false;
	uint64		nrows;

	stash_store_read_key(fcinfo, 1, &key);
	stash_store_lock_key(store, &key);
	stash_spi_begin();
	nrows = stash_store_run(store, STASH_STATEMENT_REMOVE, &key,
							0, NULL, NULL, NULL);
	for (uint64 i = 0; i < nrows; i++)
		was_there |= fetch_bool(i, 1);
	stash_spi_finish();
	relation_close(rel, NoLock);
	PG_RETURN_BOOL(was_there);
}

/*
 * stash.pop(stash regclass, key any) returns stash.variant
 *
 * Returns: the value of the key, which is deleted with all its versions; NULL
 *          where it is absent or expired, or the value is NULL
 * Errors:  42809 no stash, 42501, 22004 NULL stash
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_pop(PG_FUNCTION_ARGS)
{
	StashEntry	entry;

	if (!pop_entry(fcinfo, &entry) || entry.value_isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(entry.value);
}

/*
 * stash.pop(stash regclass, key any, "like" anyelement) returns anyelement
 *
 * Args:    like  any value of the wanted type, such as NULL::int[]
 * Errors:  42804 when the value is of another type; else as above
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_pop_like(PG_FUNCTION_ARGS)
{
	StashEntry	entry;
	Datum		value;
	bool		isnull;

	if (!pop_entry(fcinfo, &entry) || entry.value_isnull)
		PG_RETURN_NULL();
	value = stash_variant_value_as(entry.value,
								   get_fn_expr_rettype(fcinfo->flinfo),
								   &isnull);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}
