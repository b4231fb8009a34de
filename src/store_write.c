/*-------------------------------------------------------------------------
 *
 * store_write.c
 *	  Entries of a stash: put and remove.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "frame_datum.h"
#include "spi.h"
#include "store.h"

PG_FUNCTION_INFO_V1(pg_hashstash_put);
PG_FUNCTION_INFO_V1(pg_hashstash_remove);

static void
require_unique_index(StashStore *store, Relation rel)
{
	if (!store->is_unique)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("stash \"%s\" has no unique index on key_hash",
						RelationGetRelationName(rel)),
				 errhint("SELECT stash.adopt(%s) gives it one.  The stash of a memoized function is written by its calls only.",
						 quote_literal_cstr(store->name))));
}

static int64
put_entry(StashStore *store, const StashKey *key, bytea *value,
		  TimestampTz now, TimestampTz expires_at)
{
	Oid			types[3] = {stash_catalog_variant_type(false), TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[3];
	char		nulls[3];
	bool		isnull;

	values[0] = PointerGetDatum(value);
	nulls[0] = value == NULL ? 'n' : ' ';
	values[1] = TimestampTzGetDatum(now);
	nulls[1] = ' ';
	values[2] = TimestampTzGetDatum(expires_at);
	nulls[2] = TIMESTAMP_IS_NOEND(expires_at) ? 'n' : ' ';
	if (stash_store_run(store, STASH_STATEMENT_PUT, key,
						3, types, values, nulls) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("could not put the key into stash \"%s\"", store->table),
				 errdetail("Another key has the same hash, or a trigger suppressed the row.")));
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
}

/*
 * stash.put(stash regclass, key any, value any, ttl interval DEFAULT NULL)
 * returns int8
 *
 * Args:    key    any value; a NULL is a key of its own for each type
 *          value  any value; NULL is remembered
 *          ttl    time until the entry expires; NULL: the stash's own option
 * Returns: the version: how many times the key has been put
 * Errors:  42809 no stash, 42501, 22004 NULL stash, 22023 ttl not positive,
 *          55000 no unique index; all that an INSERT or UPDATE may throw
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_put(PG_FUNCTION_ARGS)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz expires_at = DT_NOEND;
	Datum		value = PG_GETARG_DATUM(2);
	StashType  *type = stash_type_of_argument(fcinfo, 2, &value);
	bytea	   *frame = NULL;
	StashKey	key;
	int64		version;

	require_unique_index(store, rel);
	if (!PG_ARGISNULL(3))
	{
		stash_store_check_ttl(PG_GETARG_INTERVAL_P(3));
		expires_at = stash_store_expiry(PG_GETARG_INTERVAL_P(3), now);
	}
	else if (store->options.has_ttl)
		expires_at = stash_store_expiry(&store->options.ttl, now);

	stash_store_read_key(fcinfo, 1, &key);
	stash_type_check_readable(type);
	if (!PG_ARGISNULL(2))
		frame = stash_frame_make(type, value, false, store->options.codec);
	stash_spi_begin();
	version = put_entry(store, &key, frame, now, expires_at);
	stash_spi_finish();
	relation_close(rel, NoLock);
	PG_RETURN_INT64(version);
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
	bool		isnull;
	uint64		nrows;

	stash_store_read_key(fcinfo, 1, &key);
	stash_spi_begin();
	nrows = stash_store_run(store, STASH_STATEMENT_REMOVE, &key,
							0, NULL, NULL, NULL);
	for (uint64 i = 0; i < nrows; i++)
		was_there |= DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i],
												SPI_tuptable->tupdesc, 1,
												&isnull));
	stash_spi_finish();
	relation_close(rel, NoLock);
	PG_RETURN_BOOL(was_there);
}
