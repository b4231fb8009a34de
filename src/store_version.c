/*-------------------------------------------------------------------------
 *
 * store_version.c
 *	  Entries of a stash: the versions of a key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "catalog.h"
#include "spi.h"
#include "store.h"
#include "variant.h"

PG_FUNCTION_INFO_V1(pg_hashstash_get_version);
PG_FUNCTION_INFO_V1(pg_hashstash_versions);

/*
 * stash.get(stash regclass, key any, "like" anyelement, version int8)
 * returns anyelement
 *
 * Args:    like     any value of the wanted type; of stash.variant: the
 *                   variant as it is stored
 *          version  which one
 * Returns: its value; NULL where that version of the key is absent or expired,
 *          or 'version' or the value is NULL
 * Errors:  42804 when the value is of another type; else as stash.get()
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_get_version(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			wanted = get_fn_expr_rettype(fcinfo->flinfo);
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	Oid			type = INT8OID;
	Datum		version = PG_GETARG_DATUM(3);
	char		null = PG_ARGISNULL(3) ? 'n' : ' ';
	StashKey	key;
	StashEntry	entry = {.value_isnull = true};
	Datum		value;
	bool		isnull;

	stash_store_read_key(fcinfo, 1, &key);
	stash_spi_begin();
	if (stash_store_run(store, STASH_STATEMENT_GET_VERSION, &key,
						1, &type, &version, &null) > 0)
		stash_store_fetch_value(0, 1, caller, &entry);
	stash_spi_finish();
	relation_close(rel, AccessShareLock);
	if (entry.value_isnull)
		PG_RETURN_NULL();
	if (wanted == stash_catalog_variant_type(false))
		PG_RETURN_DATUM(entry.value);
	value = stash_variant_value_as(entry.value, wanted, &isnull);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}

/*
 * stash.versions(stash regclass, key any)
 * returns setof (version int8, created_at timestamptz, expires_at timestamptz,
 *                value stash.variant)
 *
 * Returns: the versions of a key that have not expired, newest first
 * Errors:  42809, 42501, 22004 NULL stash
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_versions(PG_FUNCTION_ARGS)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	Oid			types[2] = {UUIDOID, stash_catalog_variant_type(false)};
	Datum		values[2];
	StashKey	key;

	stash_store_read_key(fcinfo, 1, &key);
	values[0] = PointerGetDatum(key.hash.data);
	values[1] = PointerGetDatum(key.frame);
	stash_spi_materialize_with(fcinfo,
							   psprintf("SELECT version, created_at, expires_at, value FROM %s "
										"WHERE key_hash OPERATOR(pg_catalog.=) $1 "
										"AND stash.same_key(key, $2) AND " STASH_ENTRY_NOT_EXPIRED
										" ORDER BY version USING OPERATOR(pg_catalog.>), "
										"created_at USING OPERATOR(pg_catalog.>)",
										store->name),
							   lengthof(values), types, values);
	relation_close(rel, AccessShareLock);
	return (Datum) 0;
}
