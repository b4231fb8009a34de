/*-------------------------------------------------------------------------
 *
 * store_rw.c
 *	  Entries of a stash: find and append; keys, as writers need them, too.
 *
 * Finding in a plain table goes straight to index and heap under the active
 * snapshot: as isolated as SELECT, at half its price.  All else takes the
 * executor's path, where triggers, row security and partitions are honoured.
 * Whoever goes around the executor checks rights itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "hash_datum.h"
#include "spi.h"
#include "store.h"
#include "variant.h"

PG_FUNCTION_INFO_V1(pg_hashstash_get);
PG_FUNCTION_INFO_V1(pg_hashstash_get_like);
PG_FUNCTION_INFO_V1(pg_hashstash_has);

/* ---- the direct path ---- */

/* true when the entry in 'slot' is that of 'key' and has not expired */
static bool
slot_is_hit(TupleTableSlot *slot, bytea *key)
{
	bool		isnull;
	Datum		stored = slot_getattr(slot, STASH_ENTRY_KEY, &isnull);
	Datum		expires;

	if (isnull || !stash_variant_same_key(stored, PointerGetDatum(key)))
		return false;
	expires = slot_getattr(slot, STASH_ENTRY_EXPIRES_AT, &isnull);
	return isnull || DatumGetTimestampTz(expires) > GetCurrentTimestamp();
}

static void
copy_entry(TupleTableSlot *slot, StashEntry *entry)
{
	bool		isnull;
	Datum		datum;

	datum = slot_getattr(slot, STASH_ENTRY_VALUE, &entry->value_isnull);
	entry->value = (Datum) 0;
	if (!entry->value_isnull)
		entry->value = PointerGetDatum(PG_DETOAST_DATUM_COPY(datum));
	datum = slot_getattr(slot, STASH_ENTRY_VERSION, &isnull);
	entry->version = isnull ? 0 : DatumGetInt64(datum);
	datum = slot_getattr(slot, STASH_ENTRY_EXPIRES_AT, &isnull);
	entry->expires_at = isnull ? DT_NOEND : DatumGetTimestampTz(datum);
	datum = slot_getattr(slot, STASH_ENTRY_CREATED_AT, &isnull);
	entry->created_at = isnull ? DT_NOBEGIN : DatumGetTimestampTz(datum);
	datum = slot_getattr(slot, STASH_ENTRY_PROOF, &isnull);
	entry->proof = isnull ? NULL : DatumGetByteaPCopy(datum);
}

/*
 * Find the newest visible entry of a key in a plain stash.
 *
 * The caller has checked rights, and holds a lock on the relation.  'key' is
 * the frame of the key; false when there is no entry, or an expired one.
 */
bool
stash_store_find(StashStore *store, Relation rel, StashHash128 key_hash,
				 bytea *key, StashEntry *entry)
{
	Relation	index = index_open(store->index, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	ScanKeyData scankey;
	IndexScanDesc scan;
	bool		found = false;

	/* versions are found newest first */
	ScanDirection direction = store->has_versions ?
	BackwardScanDirection : ForwardScanDirection;

	Assert(store->is_plain);
	ScanKeyInit(&scankey, 1, BTEqualStrategyNumber, F_UUID_EQ,
				PointerGetDatum(key_hash.data));
	scan = stash_compat_index_beginscan(rel, index, GetActiveSnapshot(), 1);
	index_rescan(scan, &scankey, 1, NULL, 0);
	while (index_getnext_slot(scan, direction, slot))
	{
		StashEntry	candidate;

		if (!slot_is_hit(slot, key))
			continue;
		copy_entry(slot, &candidate);
		if (!found || candidate.created_at >= entry->created_at)
			*entry = candidate;
		found = true;
		if (store->is_unique || store->has_versions)
			break;
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, AccessShareLock);
	return found;
}

/*
 * Append an entry to a bare stash, without looking for one of the same key.
 *
 * Never waits for anybody and never conflicts.  The row is not visible to the
 * running statement.  The caller has checked rights, holds RowExclusiveLock,
 * and has made sure that the transaction may write.  'value' may be NULL.
 */
void
stash_store_append(StashStore *store, Relation rel, StashHash128 key_hash,
				   bytea *key, bytea *value, TimestampTz created_at,
				   TimestampTz expires_at, const Interval *cost, bytea *proof)
{
	Relation	index = index_open(store->index, RowExclusiveLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Datum		index_values[INDEX_MAX_KEYS];
	bool		index_nulls[INDEX_MAX_KEYS];
	IndexInfo  *info = BuildIndexInfo(index);

	Assert(store->is_bare);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true,
		   slot->tts_tupleDescriptor->natts * sizeof(bool));
#define SET_COLUMN(column, datum) \
	(slot->tts_values[(column) - 1] = (datum), \
	 slot->tts_isnull[(column) - 1] = false)
	SET_COLUMN(STASH_ENTRY_KEY_HASH, PointerGetDatum(key_hash.data));
	SET_COLUMN(STASH_ENTRY_KEY, PointerGetDatum(key));
	if (value != NULL)
		SET_COLUMN(STASH_ENTRY_VALUE, PointerGetDatum(value));
	SET_COLUMN(STASH_ENTRY_VERSION, Int64GetDatum(1));
	SET_COLUMN(STASH_ENTRY_CREATED_AT, TimestampTzGetDatum(created_at));
	if (!TIMESTAMP_IS_NOEND(expires_at))
		SET_COLUMN(STASH_ENTRY_EXPIRES_AT, TimestampTzGetDatum(expires_at));
	if (cost != NULL)
		SET_COLUMN(STASH_ENTRY_COST, IntervalPGetDatum(cost));
	if (proof != NULL)
		SET_COLUMN(STASH_ENTRY_PROOF, PointerGetDatum(proof));
#undef SET_COLUMN
	ExecStoreVirtualTuple(slot);

	table_tuple_insert(rel, slot, GetCurrentCommandId(true), 0, NULL);
	FormIndexDatum(info, slot, NULL, index_values, index_nulls);
	index_insert(index, index_values, index_nulls, &slot->tts_tid, rel,
				 UNIQUE_CHECK_NO, false, info);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
}

/* ---- what the SQL functions share ---- */

/*
 * Read the argument that is a key.
 */
void
stash_store_read_key(FunctionCallInfo fcinfo, int argno, StashKey *key)
{
	Datum		value = PG_GETARG_DATUM(argno);
	bool		isnull = PG_ARGISNULL(argno);
	StashType  *type = stash_type_of_argument(fcinfo, argno, &value);

	key->hash = stash_hash_value(type, value, isnull);
	/* keys are compared byte by byte: one codec for all */
	key->frame = stash_frame_make(type, value, isnull, STASH_CODEC_NONE);
}

static bool
find_by_statement(StashStore *store, const StashKey *key, StashEntry *entry)
{
	MemoryContext caller = CurrentMemoryContext;
	bool		found;

	stash_spi_begin();
	found = stash_store_run(store, STASH_STATEMENT_GET, key,
							0, NULL, NULL, NULL) > 0;
	if (found)
		stash_store_fetch_value(0, 1, caller, entry);
	stash_spi_finish();
	return found;
}

/* whether the executor would let the caller read the whole table by name */
static bool
may_read(Relation rel)
{
	Oid			role = GetUserId();

	/* what is not logged is not there before the end of recovery */
	if (RecoveryInProgress() &&
		rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		return false;
	return pg_class_aclcheck(RelationGetRelid(rel), role,
							 ACL_SELECT) == ACLCHECK_OK &&
		stash_compat_namespace_aclcheck(RelationGetNamespace(rel), role,
										ACL_USAGE) == ACLCHECK_OK;
}

/*
 * Look a key up as the caller, whatever kind of table the stash is.
 *
 * The caller holds a lock on the relation.  Fills only 'value' and
 * 'value_isnull' of the entry where a statement has to look.
 */
bool
stash_store_look_up(StashStore *store, Relation rel, const StashKey *key,
					StashEntry *entry)
{
	/* what may not be read directly is refused, or granted, by the executor */
	if (store->is_plain && ActiveSnapshotSet() && may_read(rel))
		return stash_store_find(store, rel, key->hash, key->frame, entry);
	return find_by_statement(store, key, entry);
}

static bool
find_entry(FunctionCallInfo fcinfo, StashEntry *entry)
{
	Oid			relid = stash_store_argument(fcinfo, 0);
	Relation	rel;
	StashStore *store = stash_store_open(relid, &rel, AccessShareLock);
	StashKey	key;
	bool		found;

	stash_store_read_key(fcinfo, 1, &key);
	found = stash_store_look_up(store, rel, &key, entry);
	relation_close(rel, AccessShareLock);
	return found;
}

/* ---- SQL ---- */

/*
 * stash.get(stash regclass, key any) returns stash.variant
 *
 * Args:    key  any value; a NULL is a key of its own for each type
 * Returns: the value; NULL where the key is absent or expired, or the value
 *          is NULL
 * Errors:  42809 no stash, 42501, 22004 NULL stash
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_get(PG_FUNCTION_ARGS)
{
	StashEntry	entry;

	if (!find_entry(fcinfo, &entry) || entry.value_isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(entry.value);
}

/*
 * stash.get(stash regclass, key any, "like" anyelement) returns anyelement
 *
 * Args:    like  any value of the wanted type, such as NULL::int[]
 * Errors:  42804 when the value is of another type; else as above
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_get_like(PG_FUNCTION_ARGS)
{
	StashEntry	entry;
	Datum		value;
	bool		isnull;

	if (!find_entry(fcinfo, &entry) || entry.value_isnull)
		PG_RETURN_NULL();
	value = stash_variant_value_as(entry.value,
								   get_fn_expr_rettype(fcinfo->flinfo),
								   &isnull);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}

/*
 * stash.has(stash regclass, key any) returns bool
 *
 * Errors as stash.get().  Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_has(PG_FUNCTION_ARGS)
{
	StashEntry	entry;

	PG_RETURN_BOOL(find_entry(fcinfo, &entry));
}
