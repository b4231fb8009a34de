/*-------------------------------------------------------------------------
 *
 * store_append.c
 *	  Stashes of memoized functions: entries are appended, large ones in
 *	  parts, and take the place of older ones.
 *
 * Such a stash is bare: its index is not unique, so that writers never wait.
 * A value that is too large for one row is kept in parts.  Its entry, the
 * head, has as value a row that tells of them; each part is a row of its own:
 *
 *		key_hash	12 bytes of "@fill", which are chance, and the number of
 *					the part, from 0, most significant byte first
 *		key			key_hash of the head, as a variant
 *		value		the part
 *		version		-1, -2 and so on: no entry's is below zero
 *		created_at, expires_at	of the head
 *
 * One transaction writes parts and head, so whoever sees the head sees all
 * parts, unless somebody deleted some; nobody finds a part without its head.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "spi.h"
#include "store.h"
#include "variant.h"

PG_FUNCTION_INFO_V1(pg_hashstash_part_hashes);

#define FILL_BYTES		12		/* of a part's key_hash */
#define HEAD_MAX_BYTES	1024	/* no head's value is larger */

/* What a row is made of; see stash_store_append(). */
typedef struct NewRow
{
	StashHash128 key_hash;
	bytea	   *key;
	bytea	   *value;
	int64		version;
	TimestampTz created_at;
	TimestampTz expires_at;
	const Interval *cost;
	bytea	   *proof;
} NewRow;

/* ---- appending ---- */

static void
insert_row(StashStore *store, Relation rel, const NewRow *row)
{
	Relation	index = index_open(store->index, NoLock);
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
	SET_COLUMN(STASH_ENTRY_KEY_HASH, PointerGetDatum(row->key_hash.data));
	SET_COLUMN(STASH_ENTRY_KEY, PointerGetDatum(row->key));
	if (row->value != NULL)
		SET_COLUMN(STASH_ENTRY_VALUE, PointerGetDatum(row->value));
	SET_COLUMN(STASH_ENTRY_VERSION, Int64GetDatum(row->version));
	SET_COLUMN(STASH_ENTRY_CREATED_AT, TimestampTzGetDatum(row->created_at));
	if (!TIMESTAMP_IS_NOEND(row->expires_at))
		SET_COLUMN(STASH_ENTRY_EXPIRES_AT, TimestampTzGetDatum(row->expires_at));
	if (row->cost != NULL)
		SET_COLUMN(STASH_ENTRY_COST, IntervalPGetDatum(row->cost));
	if (row->proof != NULL)
		SET_COLUMN(STASH_ENTRY_PROOF, PointerGetDatum(row->proof));
#undef SET_COLUMN
	ExecStoreVirtualTuple(slot);

	table_tuple_insert(rel, slot, GetCurrentCommandId(true), 0, NULL);
	FormIndexDatum(info, slot, NULL, index_values, index_nulls);
	index_insert(index, index_values, index_nulls, &slot->tts_tid, rel,
				 UNIQUE_CHECK_NO, false, info);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
}

/*
 * Append an entry to a bare stash, without looking for one of the same key.
 *
 * Never waits for anybody and never conflicts.  The row is not visible to the
 * running statement.  The caller has checked rights, holds RowExclusiveLock, on
 * the index, too, and has made sure that the transaction may write.  'value' may be NULL.
 */
void
stash_store_append(StashStore *store, Relation rel, StashHash128 key_hash,
				   bytea *key, bytea *value, TimestampTz created_at,
				   TimestampTz expires_at, const Interval *cost, bytea *proof)
{
	NewRow		row = {key_hash, key, value, 1, created_at, expires_at, cost, proof};

	insert_row(store, rel, &row);
}

/* ---- parts ---- */

/* the type of a head's value, which is told by its descriptor */
static StashType *
head_type(void)
{
	static TupleDesc desc;		/* made once, lives as long as its typmod */

	if (desc == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
		TupleDesc	made = CreateTemplateTupleDesc(4);

		TupleDescInitEntry(made, 1, "@fill", UUIDOID, -1, 0);
		TupleDescInitEntry(made, 2, "parts", INT4OID, -1, 0);
		TupleDescInitEntry(made, 3, "rows", INT8OID, -1, 0);
		TupleDescInitEntry(made, 4, "bytes", INT8OID, -1, 0);
		TupleDescFinalize(made);
		desc = BlessTupleDesc(made);
		MemoryContextSwitchTo(old);
	}
	return stash_type_lookup(RECORDOID, desc->tdtypmod);
}

/*
 * Whether a stash is like those of memoized functions.
 */
bool
stash_store_may_have_parts(const StashStore *store)
{
	return !store->is_unique && !store->has_versions;
}

/*
 * Begin to keep a value in parts.
 */
void
stash_store_begin_parts(StashParts *parts)
{
	memset(parts, 0, sizeof(StashParts));
	if (!pg_strong_random(parts->fill.data, UUID_LEN))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random bytes")));
}

/*
 * The value of the head of these parts, a variant.
 */
bytea *
stash_store_parts_head(const StashParts *parts)
{
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};

	values[0] = UUIDPGetDatum(&parts->fill);
	values[1] = Int32GetDatum(parts->nparts);
	values[2] = Int64GetDatum(parts->nrows);
	values[3] = Int64GetDatum(parts->nbytes);
	return stash_frame_make_row(head_type(), values, nulls, STASH_CODEC_NONE);
}

/*
 * Whether a variant, maybe as it is stored, is the value of a head; then tell
 * of its parts.
 */
bool
stash_store_is_head(Datum variant, StashParts *parts)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(variant);
	StashFrameReader reader;
	StashType  *type;
	HeapTupleData tuple = {0};
	Datum		values[4];
	bool		nulls[4];
	bool		isnull;

	if (VARATT_IS_EXTENDED(value) && !VARATT_IS_SHORT(value))
		return false;
	if (VARSIZE_ANY_EXHDR(value) > HEAD_MAX_BYTES ||
		stash_frame_parse(&reader, VARDATA_ANY(value),
						  VARSIZE_ANY_EXHDR(value)) != STASH_FRAME_OK ||
		reader.is_null ||
		!stash_type_has_descriptor(head_type(), reader.type, reader.typelen))
		return false;
	tuple.t_data = DatumGetHeapTupleHeader(stash_frame_read(&reader, &type,
															&isnull));
	tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
	heap_deform_tuple(&tuple, type->desc, values, nulls);
	if (nulls[0] || nulls[1] || nulls[2] || nulls[3])
		return false;
	parts->fill = *DatumGetUUIDP(values[0]);
	parts->nparts = DatumGetInt32(values[1]);
	parts->nrows = DatumGetInt64(values[2]);
	parts->nbytes = DatumGetInt64(values[3]);
	return true;
}

static StashHash128
part_hash(const StashParts *parts, uint32 number)
{
	StashHash128 hash;

	StaticAssertStmt(FILL_BYTES + sizeof(number) == sizeof(hash.data),
					 "number of a part does not fill its hash");
	number = pg_hton32(number);
	memcpy(hash.data, parts->fill.data, FILL_BYTES);
	memcpy(hash.data + FILL_BYTES, &number, sizeof(number));
	return hash;
}

/* what stands as key in the parts of a head */
static bytea *
part_key(StashHash128 head)
{
	return stash_frame_make(stash_type_lookup(UUIDOID, -1),
							PointerGetDatum(head.data), false, STASH_CODEC_NONE);
}

/*
 * Append the next part of what will be kept under the key hash 'head'.
 */
void
stash_store_append_part(StashStore *store, Relation rel, StashParts *parts,
						StashHash128 head, bytea *value,
						TimestampTz created_at, TimestampTz expires_at)
{
	NewRow		row = {part_hash(parts, parts->nparts), part_key(head), value,
	-1 - (int64) parts->nparts, created_at, expires_at, NULL, NULL};

	if (parts->nparts == PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value has too many parts")));
	insert_row(store, rel, &row);
	parts->nparts++;
	parts->nbytes += VARSIZE(value);
}

/*
 * Find a part under the active snapshot; false when it is not there.
 */
bool
stash_store_find_part(StashStore *store, Relation rel, const StashParts *parts,
					  StashHash128 head, int32 number, StashEntry *entry)
{
	return stash_store_find(store, rel, part_hash(parts, number),
							part_key(head), entry, true) &&
		!entry->value_isnull;
}

/*
 * Delete a row that 'latest' sees, taken in this command, unless somebody else
 * holds it or was faster.
 *
 * The snapshot under which it was found may be older: that of a statement in
 * which a call, or a function between two, ran commands.  To delete what an
 * earlier command of this very transaction has deleted is an error.
 */
static bool
delete_row(Relation rel, TupleTableSlot *slot, Snapshot latest)
{
	TM_FailureData failure;

	Assert(latest->curcid == GetCurrentCommandId(false));
	return table_tuple_satisfies_snapshot(rel, slot, latest) &&
		stash_compat_tuple_delete(rel, &slot->tts_tid,
								  GetCurrentCommandId(true),
								  GetActiveSnapshot(), &failure) == TM_Ok;
}

/*
 * Count the parts that the active snapshot sees; delete them, too, where
 * 'latest' is not NULL: see delete_row().
 */
static int64
scan_parts(StashStore *store, Relation rel, const StashParts *parts,
		   StashHash128 head, Snapshot latest)
{
	StashHash128 first = part_hash(parts, 0);
	StashHash128 last = part_hash(parts, PG_UINT32_MAX);
	bytea	   *key = part_key(head);
	Relation	index = index_open(store->index, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	ScanKeyData keys[2];
	IndexScanDesc scan;
	int64		n = 0;

	ScanKeyInit(&keys[0], 1, BTGreaterEqualStrategyNumber, F_UUID_GE,
				PointerGetDatum(first.data));
	ScanKeyInit(&keys[1], 1, BTLessEqualStrategyNumber, F_UUID_LE,
				PointerGetDatum(last.data));
	scan = stash_compat_index_beginscan(rel, index, GetActiveSnapshot(), 2);
	index_rescan(scan, keys, 2, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		found = slot_getattr(slot, STASH_ENTRY_KEY, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (isnull || !stash_variant_same_key(found, PointerGetDatum(key)))
			continue;
		if (latest != NULL)
			(void) delete_row(rel, slot, latest);
		n++;
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	return n;
}

/*
 * Whether the active snapshot sees all parts of a head.
 */
bool
stash_store_has_parts(StashStore *store, Relation rel, const StashParts *parts,
					  StashHash128 head)
{
	return scan_parts(store, rel, parts, head, NULL) == parts->nparts;
}

/*
 * Delete the parts of a head that has been deleted, as far as the active
 * snapshot sees them, and 'latest', which was taken in this command and is
 * registered; RowExclusiveLock is held.
 */
void
stash_store_delete_parts(StashStore *store, Relation rel,
						 const StashParts *parts, StashHash128 head,
						 Snapshot latest)
{
	(void) scan_parts(store, rel, parts, head, latest);
}

/*
 * Delete parts whose head is gone, from a stash of this name, as the caller.
 */
void
stash_store_delete_orphans(const char *name)
{
	stash_spi_run(psprintf("DELETE FROM %s AS p WHERE NOT " STASH_ENTRY_IS_WHOLE
						   " AND NOT EXISTS (SELECT FROM %s AS h "
						   "WHERE h.key_hash OPERATOR(pg_catalog.=) p.key::pg_catalog.uuid "
						   "AND h.created_at OPERATOR(pg_catalog.=) p.created_at)",
						   name, name));
}

/* ---- taking the place of others ---- */

/*
 * Delete the entries of a key that the active snapshot sees, and their parts:
 * a newer one is about to be appended.  Waits for nobody; RowExclusiveLock is
 * held.  Does nothing in transactions whose snapshot may be old: others may
 * have a newer entry, and need the ones that it does not replace.  What has
 * been deleted since that snapshot, by this transaction, too, is passed over.
 */
void
stash_store_supersede(StashStore *store, Relation rel, StashHash128 key_hash,
					  bytea *key)
{
	Relation	index;
	TupleTableSlot *slot;
	ScanKeyData scankey;
	IndexScanDesc scan;
	Snapshot	latest;

	if (IsolationUsesXactSnapshot())
		return;
	latest = RegisterSnapshot(GetLatestSnapshot());
	index = index_open(store->index, AccessShareLock);
	slot = table_slot_create(rel, NULL);
	ScanKeyInit(&scankey, 1, BTEqualStrategyNumber, F_UUID_EQ,
				PointerGetDatum(key_hash.data));
	scan = stash_compat_index_beginscan(rel, index, GetActiveSnapshot(), 1);
	index_rescan(scan, &scankey, 1, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		StashParts	parts;
		Datum		value;
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		isnull = slot->tts_isnull[STASH_ENTRY_VALUE - 1];
		value = slot->tts_values[STASH_ENTRY_VALUE - 1];
		if (slot->tts_isnull[STASH_ENTRY_KEY - 1] ||
			!stash_variant_same_key(slot->tts_values[STASH_ENTRY_KEY - 1],
									PointerGetDatum(key)) ||
			!delete_row(rel, slot, latest))
			continue;
		if (!isnull && stash_store_is_head(value, &parts))
			stash_store_delete_parts(store, rel, &parts, key_hash, latest);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	UnregisterSnapshot(latest);
}

/* ---- SQL ---- */

/*
 * stash.part_hashes(value stash.variant) returns setof uuid
 *
 * What queries of entries join with, to have a value in parts.
 *
 * Returns: of the value of a head the key hashes of its parts, in their order;
 *          of any other value one NULL
 * Stable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_part_hashes(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	StashParts	parts;
	StashHash128 *hash;

	if (SRF_IS_FIRSTCALL())
	{
		if (PG_ARGISNULL(0) || !stash_store_is_head(PG_GETARG_DATUM(0), &parts))
			PG_RETURN_NULL();
		call = SRF_FIRSTCALL_INIT();
		call->user_fctx = MemoryContextAlloc(call->multi_call_memory_ctx,
											 sizeof(StashParts));
		*(StashParts *) call->user_fctx = parts;
		call->max_calls = Max(parts.nparts, 0);
	}
	call = SRF_PERCALL_SETUP();
	if (call->call_cntr >= call->max_calls)
		SRF_RETURN_DONE(call);
	hash = palloc(sizeof(StashHash128));
	*hash = part_hash(call->user_fctx, (uint32) call->call_cntr);
	SRF_RETURN_NEXT(call, PointerGetDatum(hash->data));
}
