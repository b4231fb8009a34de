/*-------------------------------------------------------------------------
 *
 * store_entries.c
 *	  Stash tables as wholes: their entries, counted, listed, deleted.
 *
 * All of it is SQL on an ordinary table, run as the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "spi.h"
#include "store.h"

PG_FUNCTION_INFO_V1(pg_hashstash_count);
PG_FUNCTION_INFO_V1(pg_hashstash_clear);
PG_FUNCTION_INFO_V1(pg_hashstash_entries);

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
												  stash_store_name_argument(fcinfo)), true));
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
												  stash_store_name_argument(fcinfo)), false));
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
								   stash_store_name_argument(fcinfo)));
	return (Datum) 0;
}
