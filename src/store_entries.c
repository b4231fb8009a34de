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

#include "access/relation.h"
#include "fmgr.h"

#include "spi.h"
#include "store.h"

PG_FUNCTION_INFO_V1(pg_hashstash_count);
PG_FUNCTION_INFO_V1(pg_hashstash_clear);
PG_FUNCTION_INFO_V1(pg_hashstash_entries);
PG_FUNCTION_INFO_V1(pg_hashstash_keys);
PG_FUNCTION_INFO_V1(pg_hashstash_values);

/*
 * stash.count(stash regclass) returns int8: keys that have not expired.
 *
 * Errors: 42809, 42501.  Stable, parallel restricted.
 */
Datum
pg_hashstash_count(PG_FUNCTION_ARGS)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	char	   *sql = psprintf("SELECT pg_catalog.count(%s) FROM %s WHERE %s",
							   store->has_versions ? "DISTINCT key_hash" : "*",
							   store->name,
							   stash_store_may_have_parts(store) ?
							   STASH_ENTRY_IS_LISTED : STASH_ENTRY_NOT_EXPIRED);

	relation_close(rel, AccessShareLock);
	PG_RETURN_INT64(stash_spi_run_bigint(sql, true));
}

/*
 * stash.clear(stash regclass) returns int8: the number of entries deleted.
 *
 * Errors: 42809, 42501.  Volatile, parallel unsafe.
 */
Datum
pg_hashstash_clear(PG_FUNCTION_ARGS)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	char	   *sql = psprintf("DELETE FROM %s", store->name);

	/* parts go along, and are no entries */
	if (stash_store_may_have_parts(store))
		sql = psprintf("WITH gone AS (%s RETURNING version) "
					   "SELECT pg_catalog.count(*) FROM gone WHERE " STASH_ENTRY_IS_WHOLE,
					   sql);
	relation_close(rel, AccessShareLock);
	PG_RETURN_INT64(stash_spi_run_bigint(sql, false));
}

/*
 * Return columns of the entries that have not expired, oldest first; of each
 * key the newest version.  The stash of a memoized function may have two rows
 * of a key: 'is_distinct' asks for one.
 */
static Datum
list_entries(FunctionCallInfo fcinfo, const char *columns, bool is_distinct)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	char	   *sql;

	is_distinct = store->has_versions || (is_distinct && !store->is_unique);
	sql = psprintf("SELECT %s FROM (SELECT %s * FROM %s WHERE " STASH_ENTRY_IS_LISTED
				   "%s) AS newest "
				   "ORDER BY created_at USING OPERATOR(pg_catalog.<), key_hash USING OPERATOR(pg_catalog.<)",
				   columns, is_distinct ? "DISTINCT ON (key_hash)" : "",
				   store->name, !is_distinct ? "" :
				   " ORDER BY key_hash USING OPERATOR(pg_catalog.<), "
				   "version USING OPERATOR(pg_catalog.>), "
				   "created_at USING OPERATOR(pg_catalog.>)");
	relation_close(rel, AccessShareLock);
	stash_spi_materialize(fcinfo, sql);
	return (Datum) 0;
}

/*
 * stash.entries(stash regclass) returns setof record
 *
 * Errors: 42809, 42501.  Stable, parallel restricted.
 */
Datum
pg_hashstash_entries(PG_FUNCTION_ARGS)
{
	return list_entries(fcinfo, "key, value, version, created_at, expires_at",
						false);
}

/*
 * stash.keys(stash regclass) returns setof stash.variant
 *
 * The keys that stash.get() finds, each once, in the order of the newest
 * entries.  Errors: 42809, 42501.  Stable, parallel restricted.
 */
Datum
pg_hashstash_keys(PG_FUNCTION_ARGS)
{
	return list_entries(fcinfo, "key", true);
}

/*
 * stash.values(stash regclass) returns setof stash.variant
 *
 * What stash.get() returns for each of stash.keys(), in their order.  Errors:
 * 42809, 42501.  Stable, parallel restricted.
 */
Datum
pg_hashstash_values(PG_FUNCTION_ARGS)
{
	return list_entries(fcinfo, "value", true);
}
