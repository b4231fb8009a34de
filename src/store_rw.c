/*-------------------------------------------------------------------------
 *
 * store_rw.c
 *	  Entries of a stash: find them; keys, as writers need them, too.
 *
 * Finding in a plain table goes straight to index and heap under the active
 * snapshot: as isolated as SELECT, at half its price.  Where the entry was last
 * time is looked at first, which is a third of that.  All else takes the
 * executor's path, where triggers, row security and partitions are honoured.
 * Whoever goes around the executor checks rights itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/relation.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
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

/* true when these columns are the entry of 'key' */
static bool
is_of_key(const Datum *values, const bool *nulls, bytea *key)
{
	const int	column = STASH_ENTRY_KEY - 1;

	return !nulls[column] &&
		stash_variant_same_key(values[column], PointerGetDatum(key));
}

/* and of that hash, as the index would say: parts of a value have one key */
static bool
has_hash(const Datum *values, const bool *nulls, StashHash128 key_hash)
{
	const int	column = STASH_ENTRY_KEY_HASH - 1;

	return !nulls[column] &&
		memcmp(DatumGetUUIDP(values[column])->data, key_hash.data,
			   sizeof(key_hash.data)) == 0;
}

static bool
has_expired(const Datum *values, const bool *nulls)
{
	const int	column = STASH_ENTRY_EXPIRES_AT - 1;

	return !nulls[column] &&
		DatumGetTimestampTz(values[column]) <= GetCurrentTimestamp();
}

/* when the entry in these columns was stored */
static TimestampTz
created_at(const Datum *values, const bool *nulls)
{
	const int	column = STASH_ENTRY_CREATED_AT - 1;

	return nulls[column] ? DT_NOBEGIN : DatumGetTimestampTz(values[column]);
}

static void
copy_entry(const Datum *values, const bool *nulls, StashEntry *entry,
		   bool wants_value)
{
	const int	value_column = STASH_ENTRY_VALUE - 1;
	const int	version_column = STASH_ENTRY_VERSION - 1;
	const int	expires_column = STASH_ENTRY_EXPIRES_AT - 1;
	const int	cost_column = STASH_ENTRY_COST - 1;
	const int	proof_column = STASH_ENTRY_PROOF - 1;

	entry->value_isnull = nulls[value_column];
	entry->value = (Datum) 0;
	if (!entry->value_isnull && wants_value)
		entry->value = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[value_column]));
	entry->version = nulls[version_column] ? 0 :
		DatumGetInt64(values[version_column]);
	entry->expires_at = nulls[expires_column] ? DT_NOEND :
		DatumGetTimestampTz(values[expires_column]);
	entry->created_at = created_at(values, nulls);
	/* who measures it writes no days */
	entry->cost_us = nulls[cost_column] ? 0 :
		Max(DatumGetIntervalP(values[cost_column])->time, 0);
	entry->proof = nulls[proof_column] ? NULL :
		DatumGetByteaPCopy(values[proof_column]);
}

/*
 * Look where the entry was found last; false when it must be looked for.
 *
 * What is visible there and has the key is what a unique index would lead to.
 * Of a memo's stash, whose index is not unique, it may be an older entry of
 * two that were made at once: as good while its proof holds.
 */
static bool
find_by_hint(Relation rel, StashHash128 key_hash, bytea *key,
			 StashEntry *entry, bool wants_value)
{
	Datum		values[STASH_ENTRY_COLUMNS];
	bool		nulls[STASH_ENTRY_COLUMNS];
	HeapTupleData tuple;
	Buffer		buffer;
	bool		found;

	if (!stash_store_hint_find(rel, key_hash, &tuple, &buffer))
		return false;
	heap_deform_tuple(&tuple, RelationGetDescr(rel), values, nulls);
	found = has_hash(values, nulls, key_hash) &&
		is_of_key(values, nulls, key) && !has_expired(values, nulls);
	if (found)
	{
		entry->is_there = true;
		copy_entry(values, nulls, entry, wants_value);
	}
	ReleaseBuffer(buffer);
	return found;
}

/* look for the newest visible entry with the index */
static bool
find_by_index(StashStore *store, Relation rel, StashHash128 key_hash,
			  bytea *key, StashEntry *entry, bool wants_value)
{
	Relation	index = index_open(store->index, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TimestampTz newest = DT_NOBEGIN;
	ScanKeyData scankey;
	IndexScanDesc scan;
	bool		found = false;

	/* versions are found newest first */
	ScanDirection direction = store->has_versions ?
	BackwardScanDirection : ForwardScanDirection;

	ScanKeyInit(&scankey, 1, BTEqualStrategyNumber, F_UUID_EQ,
				PointerGetDatum(key_hash.data));
	entry->is_there = false;
	scan = stash_compat_index_beginscan(rel, index, GetActiveSnapshot(), 1);
	index_rescan(scan, &scankey, 1, NULL, 0);
	while (index_getnext_slot(scan, direction, slot))
	{
		slot_getallattrs(slot);
		if (!is_of_key(slot->tts_values, slot->tts_isnull, key))
			continue;
		entry->is_there = true;
		if (has_expired(slot->tts_values, slot->tts_isnull) ||
			(found && created_at(slot->tts_values, slot->tts_isnull) < newest))
			continue;
		newest = created_at(slot->tts_values, slot->tts_isnull);
		found = true;
		copy_entry(slot->tts_values, slot->tts_isnull, entry, wants_value);
		if (!store->has_versions)
			stash_store_hint_set(rel, key_hash, slot);
		if (store->is_unique || store->has_versions)
			break;
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	return found;
}

/*
 * Find the newest visible entry of a key in a plain stash; where there may be
 * several, as in that of a memo, one of them.
 *
 * The caller has checked rights, and holds a lock on the relation; the index
 * stays locked too.  'key' is the frame of the key.  Without 'wants_value'
 * entry->value is not read.  False when there is no entry, or an expired one.
 */
bool
stash_store_find(StashStore *store, Relation rel, StashHash128 key_hash,
				 bytea *key, StashEntry *entry, bool wants_value)
{
	Assert(store->is_plain);
	return (!store->has_versions &&
			find_by_hint(rel, key_hash, key, entry, wants_value)) ||
		find_by_index(store, rel, key_hash, key, entry, wants_value);
}

/* ---- what the SQL functions share ---- */

/*
 * Make the key that a value is; the frame is in the current memory context.
 */
void
stash_store_make_key(StashType *type, Datum value, bool isnull, StashKey *key)
{
	key->hash = stash_hash_value(type, value, isnull);
	/* keys are compared byte by byte: one codec for all */
	key->frame = stash_frame_make(type, value, isnull, STASH_CODEC_NONE);
}

/*
 * Read the argument that is a key.
 */
void
stash_store_read_key(FunctionCallInfo fcinfo, int argno, StashKey *key)
{
	Datum		value = PG_GETARG_DATUM(argno);
	StashType  *type = stash_type_of_site_argument(fcinfo, argno, &value);

	stash_store_make_key(type, value, PG_ARGISNULL(argno), key);
}

static bool
find_by_statement(StashStore *store, const StashKey *key, StashEntry *entry,
				  bool wants_value)
{
	MemoryContext caller = CurrentMemoryContext;
	bool		found;

	stash_spi_begin();
	found = stash_store_run(store, STASH_STATEMENT_GET, key,
							0, NULL, NULL, NULL) > 0;
	if (found && wants_value)
		stash_store_fetch_value(0, 1, caller, entry);
	stash_spi_finish();
	return found;
}

/* whether the executor would let the caller read the whole table by name */
static bool
may_read(StashStore *store, Relation rel)
{
	Oid			role = GetUserId();

	/* what is not logged is not there before the end of recovery */
	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT &&
		RecoveryInProgress())
		return false;
	/* what is known of the stash is forgotten when rights change */
	if (store->reader == role)
		return true;
	if (pg_class_aclcheck(RelationGetRelid(rel), role,
						  ACL_SELECT) != ACLCHECK_OK ||
		stash_compat_namespace_aclcheck(RelationGetNamespace(rel), role,
										ACL_USAGE) != ACLCHECK_OK)
		return false;
	store->reader = role;
	return true;
}

/*
 * Look a key up as the caller, whatever kind of table the stash is.
 *
 * The caller holds a lock on the relation.  Fills only 'value' and
 * 'value_isnull' of the entry where a statement has to look; 'entry' may be
 * NULL.
 */
bool
stash_store_look_up(StashStore *store, Relation rel, const StashKey *key,
					StashEntry *entry, bool wants_value)
{
	bool		found = false;
	bool		is_direct = false;

	/* what may not be read directly is refused, or granted, by the executor */
	if (store->is_plain && ActiveSnapshotSet() && may_read(store, rel))
	{
		/* a hint may lead to any of several rows, and the newest counts */
		found = store->is_unique ?
			stash_store_find(store, rel, key->hash, key->frame, entry,
							 wants_value) :
			find_by_index(store, rel, key->hash, key->frame, entry,
						  wants_value);
		is_direct = true;
	}
	else if (store->is_partitioned && ActiveSnapshotSet() &&
			 may_read(store, rel))
		is_direct = stash_shard_find(rel, key, entry, wants_value, &found);
	if (!is_direct)
		found = find_by_statement(store, key, entry, wants_value);
	else if (stash_catalog_read_note != NULL)
		stash_catalog_read_note(store->relid, found &&
								!TIMESTAMP_IS_NOEND(entry->expires_at));
	if (found && store->options.evict == STASH_EVICT_LRU)
		stash_store_note_use(store->relid, key->hash);
	return found;
}

/* the lock is kept to the end of the transaction, as that of SELECT */
static bool
find_entry(FunctionCallInfo fcinfo, StashEntry *entry, bool wants_value)
{
	Oid			relid = stash_store_argument(fcinfo, 0);
	Relation	rel;
	StashStore *store = stash_store_open(relid, &rel, AccessShareLock);
	StashKey	key;
	bool		found;

	stash_store_read_key(fcinfo, 1, &key);
	found = stash_store_look_up(store, rel, &key, entry, wants_value);
	relation_close(rel, NoLock);
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

	if (!find_entry(fcinfo, &entry, true) || entry.value_isnull)
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

	if (!find_entry(fcinfo, &entry, true) || entry.value_isnull)
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

	PG_RETURN_BOOL(find_entry(fcinfo, &entry, false));
}
