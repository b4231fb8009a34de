/*-------------------------------------------------------------------------
 *
 * store_upsert.c
 *	  Entries of a stash: the direct way of a put.
 *
 * What INSERT ... ON CONFLICT (key_hash) DO UPDATE does to a table on which
 * nothing hangs but its unique index and its options, without a plan, and
 * without the check of options that are known to be in order: half the price.
 * The steps, their order and their errors are those of the executor's
 * ExecInsert() and ExecOnConflictUpdate().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "store.h"
#include "variant.h"

typedef struct Upsert
{
	Relation	rel;
	Relation	index;
	IndexInfo  *info;
	const StashNewEntry *entry;
	CommandId	cid;
	TupleTableSlot *existing;
	TupleTableSlot *slot;		/* the row to be */
} Upsert;

/*
 * Whether a put may go this way: the stash is made so, and the caller may
 * write the whole table.  Else the executor takes it, or refuses it.
 *
 * The caller holds RowExclusiveLock, so that it stays so.
 */
bool
stash_store_may_upsert(StashStore *store, Relation rel)
{
	const AclMode needed = ACL_INSERT | ACL_UPDATE | ACL_SELECT;
	Oid			role = GetUserId();

	if (!store->is_simple || !store->is_unique || ExecutorCheckPerms_hook != NULL ||
		XactReadOnly || IsInParallelMode())
		return false;
	return pg_class_aclmask(RelationGetRelid(rel), role, needed,
							ACLMASK_ALL) == needed &&
		stash_compat_namespace_aclcheck(RelationGetNamespace(rel), role,
										ACL_USAGE) == ACLCHECK_OK;
}

/* ---- the steps ---- */

/*
 * Find the row of the key that is there, be it visible or not; waits for
 * transactions that insert or delete one.  False when there is none.
 */
static bool
find_conflict(Upsert *upsert, ItemPointer tid)
{
	SnapshotData dirty;
	ScanKeyData scankey;

	InitDirtySnapshot(dirty);
	ScanKeyInit(&scankey, 1, BTEqualStrategyNumber, F_UUID_EQ,
				PointerGetDatum(upsert->entry->key.hash.data));
	for (;;)
	{
		IndexScanDesc scan;
		TransactionId other = InvalidTransactionId;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		scan = stash_compat_index_beginscan(upsert->rel, upsert->index, &dirty, 1);
		index_rescan(scan, &scankey, 1, NULL, 0);
		found = index_getnext_slot(scan, ForwardScanDirection, upsert->existing);
		if (found)
		{
			*tid = upsert->existing->tts_tid;
			other = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;
		}
		index_endscan(scan);
		ExecClearTuple(upsert->existing);
		if (!TransactionIdIsValid(other))
			return found;
		if (dirty.speculativeToken != 0)
			SpeculativeInsertionWait(dirty.xmin, dirty.speculativeToken);
		else
			XactLockTableWait(other, upsert->rel, tid, XLTW_InsertIndex);
	}
}

/*
 * Throw 40001, as an UPDATE or DELETE under REPEATABLE READ would.
 */
pg_noreturn void
stash_store_refuse_concurrent_delete(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent delete")));
}

pg_noreturn static void
refuse_concurrent_update(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update")));
}

/* lock the row found into 'existing'; false when it is another one by now */
static bool
lock_row(Upsert *upsert, ItemPointer tid)
{
	TM_FailureData failure;
	TM_Result	result = table_tuple_lock(upsert->rel, tid, GetActiveSnapshot(),
										  upsert->existing, upsert->cid,
										  LockTupleNoKeyExclusive,
										  LockWaitBlock, 0, &failure);
	bool		isnull;

	switch (result)
	{
		case TM_Ok:
			break;
		case TM_Updated:
			if (IsolationUsesXactSnapshot())
				refuse_concurrent_update();
			return false;
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				stash_store_refuse_concurrent_delete();
			return false;
		default:
			elog(ERROR, "could not lock a row to update: %d", (int) result);
	}

	/* a snapshot must not overwrite what it does not see */
	if (IsolationUsesXactSnapshot() &&
		!table_tuple_satisfies_snapshot(upsert->rel, upsert->existing,
										GetActiveSnapshot()) &&
		!TransactionIdIsCurrentTransactionId(DatumGetTransactionId(slot_getsysattr(upsert->existing,
																				   MinTransactionIdAttributeNumber,
																				   &isnull))))
		refuse_concurrent_update();
	return true;
}

static void
set_column(TupleTableSlot *slot, int column, Datum datum, bool isnull)
{
	slot->tts_values[column - 1] = datum;
	slot->tts_isnull[column - 1] = isnull;
}

/* what a put changes; key and hash stay as they are */
static void
set_entry(TupleTableSlot *slot, const StashNewEntry *entry, Datum version)
{
	set_column(slot, STASH_ENTRY_VALUE, PointerGetDatum(entry->value),
			   entry->value == NULL);
	set_column(slot, STASH_ENTRY_VERSION, version, false);
	set_column(slot, STASH_ENTRY_CREATED_AT,
			   TimestampTzGetDatum(entry->created_at), false);
	set_column(slot, STASH_ENTRY_EXPIRES_AT,
			   TimestampTzGetDatum(entry->expires_at),
			   TIMESTAMP_IS_NOEND(entry->expires_at));
	set_column(slot, STASH_ENTRY_COST, IntervalPGetDatum(entry->cost),
			   entry->cost == NULL);
	set_column(slot, STASH_ENTRY_PROOF, (Datum) 0, true);
	ExecStoreVirtualTuple(slot);
}

/* add the new row to the index; false when another one is there */
static bool
insert_into_index(Upsert *upsert, IndexUniqueCheck check, bool is_update)
{
	Datum		hash = PointerGetDatum(upsert->entry->key.hash.data);
	bool		isnull = false;

	return index_insert(upsert->index, &hash, &isnull, &upsert->slot->tts_tid,
						upsert->rel, check, is_update, upsert->info);
}

static bool
has_expired(TupleTableSlot *slot)
{
	return !slot->tts_isnull[STASH_ENTRY_EXPIRES_AT - 1] &&
		DatumGetTimestampTz(slot->tts_values[STASH_ENTRY_EXPIRES_AT - 1]) <=
		GetCurrentTimestamp();
}

/*
 * Replace the row that is locked in 'existing'.  False for another key of the
 * same hash.
 */
static bool
update_row(Upsert *upsert, ItemPointer tid, int64 *version)
{
	TupleTableSlot *existing = upsert->existing;
	TupleTableSlot *slot = upsert->slot;
	int			natts = slot->tts_tupleDescriptor->natts;
	bool		wants_index;
	Datum		next;
	TM_Result	result;

	slot_getallattrs(existing);
	if (existing->tts_isnull[STASH_ENTRY_KEY - 1] ||
		!stash_variant_same_key(existing->tts_values[STASH_ENTRY_KEY - 1],
								PointerGetDatum(upsert->entry->key.frame)))
		return false;
	next = existing->tts_isnull[STASH_ENTRY_VERSION - 1] ||
		has_expired(existing) ? Int64GetDatum(1) :
		DirectFunctionCall2(int8pl, existing->tts_values[STASH_ENTRY_VERSION - 1],
							Int64GetDatum(1));
	CheckCmdReplicaIdentity(upsert->rel, CMD_UPDATE);

	ExecClearTuple(slot);
	memcpy(slot->tts_values, existing->tts_values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, existing->tts_isnull, natts * sizeof(bool));
	set_entry(slot, upsert->entry, next);
	result = stash_compat_tuple_update(upsert->rel, tid, slot, upsert->cid,
									   GetActiveSnapshot(), &wants_index);
	if (result != TM_Ok)
		elog(ERROR, "could not update a locked row: %d", (int) result);
	if (wants_index)
		insert_into_index(upsert, UNIQUE_CHECK_YES, true);
	*version = DatumGetInt64(next);
	return true;
}

/* insert the first row of a key; false when another session was faster */
static bool
insert_row(Upsert *upsert)
{
	TupleTableSlot *slot = upsert->slot;
	TransactionId xid = GetCurrentTransactionId();
	uint32		token;
	bool		is_alone;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true,
		   slot->tts_tupleDescriptor->natts * sizeof(bool));
	set_column(slot, STASH_ENTRY_KEY_HASH,
			   PointerGetDatum(upsert->entry->key.hash.data), false);
	set_column(slot, STASH_ENTRY_KEY,
			   PointerGetDatum(upsert->entry->key.frame), false);
	set_entry(slot, upsert->entry, Int64GetDatum(1));

	/* who finds the row while its place in the index is not certain, waits */
	token = SpeculativeInsertionLockAcquire(xid);
	table_tuple_insert_speculative(upsert->rel, slot, upsert->cid, 0, NULL, token);
	is_alone = insert_into_index(upsert, UNIQUE_CHECK_PARTIAL, false);
	table_tuple_complete_speculative(upsert->rel, slot, token, is_alone);
	SpeculativeInsertionLockRelease(xid);
	return is_alone;
}

/*
 * Put an entry into a stash that stash_store_may_upsert().
 *
 * Returns its version, or 0 when another key has the same hash.  Throws 40001
 * where an INSERT ... ON CONFLICT DO UPDATE would.
 */
int64
stash_store_upsert(StashStore *store, Relation rel, const StashNewEntry *entry)
{
	Upsert		upsert = {.rel = rel,.entry = entry};
	ItemPointerData tid;
	int64		version = 0;

	/* as for a statement: see what came before, be seen by what comes after */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	upsert.cid = GetCurrentCommandId(true);
	upsert.index = index_open(store->index, RowExclusiveLock);
	upsert.info = BuildIndexInfo(upsert.index);
	upsert.existing = table_slot_create(rel, NULL);
	upsert.slot = table_slot_create(rel, NULL);
	for (;;)
	{
		if (find_conflict(&upsert, &tid))
		{
			if (!lock_row(&upsert, &tid))
				continue;
			(void) update_row(&upsert, &tid, &version);
			break;
		}
		if (insert_row(&upsert))
		{
			version = 1;
			break;
		}
	}
	ExecDropSingleTupleTableSlot(upsert.slot);
	ExecDropSingleTupleTableSlot(upsert.existing);
	index_close(upsert.index, NoLock);
	PopActiveSnapshot();
	CommandCounterIncrement();
	return version;
}
