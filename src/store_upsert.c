/*-------------------------------------------------------------------------
 *
 * store_upsert.c
 *	  Entries of a stash: the direct way of a put, of one and of many.
 *
 * What INSERT ... ON CONFLICT (key_hash) DO UPDATE does to a table on which
 * nothing hangs but its unique index and its options, without a plan, and
 * without the check of options that are known to be in order: half the price.
 * The steps, their order and their errors are those of the executor's
 * ExecInsert() and ExecOnConflictUpdate(); only that a row is not locked before
 * it is updated, since nothing is computed from it that another session could
 * change meanwhile without the update saying so.
 *
 * Of many entries, those whose keys the index does not have go into the table
 * page by page, and then into the index one by one.  Keys are claimed in the
 * order of their hashes, of whichever kind they are: what is in the table, but
 * not in the index yet, nobody waits for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "store.h"
#include "variant.h"

/*
 * Keys that one look into the index must pass over, or it is worth less than
 * a look for each: between two of them the index may have pages of others.
 */
#define LEAST_LEAP	16

/* Puts entries into a stash that stash_store_may_upsert(). */
struct StashUpsert
{
	Relation	rel;
	Relation	index;
	IndexInfo  *info;
	SnapshotData dirty;			/* shows what is there, and what may be soon */
	IndexScanDesc scan;			/* of the index, under 'dirty' */
	ScanKeyData bounds[2];		/* of 'scan', both inclusive */
	CommandId	cid;
	TupleTableSlot *existing;	/* found last, or empty */
	TupleTableSlot *slot;		/* the row to be */
	TupleTableSlot **slots;		/* STASH_STORE_BATCH of them, as far as they
								 * were needed; NULL for one entry */
	TupleDesc	desc;			/* of 'slots' */
	int			nreplaced;		/* of the batch at hand */
	bool		expects_rows;	/* half of the last batch's were there */
	bool		appends;		/* the index has no key behind the batch's
								 * first */
};

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

/* ---- finding ---- */

/*
 * Find the first row from one hash to another, be it visible or not; 'dirty'
 * tells whether it is there for good, 'existing' holds it.
 */
static bool
find_first(StashUpsert *upsert, const StashHash128 *from, const StashHash128 *to)
{
	bool		found;

	upsert->bounds[0].sk_argument = PointerGetDatum(from->data);
	upsert->bounds[1].sk_argument = PointerGetDatum(to->data);
	index_rescan(upsert->scan, upsert->bounds, lengthof(upsert->bounds), NULL, 0);
	found = index_getnext_slot(upsert->scan, ForwardScanDirection,
							   upsert->existing);
	/* to begin again lets go of the page of the index */
	if (found)
		index_rescan(upsert->scan, upsert->bounds, lengthof(upsert->bounds),
					 NULL, 0);
	return found;
}

/*
 * Find the row of a key that is there, be it visible or not; waits for
 * transactions that insert or delete one.  False when there is none.
 */
static bool
find_conflict(StashUpsert *upsert, const StashHash128 *hash)
{
	for (;;)
	{
		SnapshotData *dirty = &upsert->dirty;
		TransactionId other;
		ItemPointerData tid;

		CHECK_FOR_INTERRUPTS();
		if (!find_first(upsert, hash, hash))
			return false;
		other = TransactionIdIsValid(dirty->xmin) ? dirty->xmin : dirty->xmax;
		if (!TransactionIdIsValid(other))
			return true;
		tid = upsert->existing->tts_tid;
		ExecClearTuple(upsert->existing);
		if (dirty->speculativeToken != 0)
			SpeculativeInsertionWait(dirty->xmin, dirty->speculativeToken);
		else
			XactLockTableWait(other, upsert->rel, &tid, XLTW_InsertIndex);
	}
}

/*
 * Which of some entries, in the order of their hashes, may be there.
 *
 * Where the index has little between them, one look passes over many.
 */
static void
find_present(StashUpsert *upsert, const StashNewEntry *entries, int n,
			 bool *is_present)
{
	StashHash128 last;
	bool		leaps = true;

	memset(&last, 0xff, sizeof(last));
	for (int at = 0; at < n;)
	{
		const StashHash128 *from = &entries[at].key.hash;
		int			end = leaps ? n : at + 1;
		int			next = at;
		int			order = -1;

		CHECK_FOR_INTERRUPTS();
		if (find_first(upsert, from, leaps ? &last : from))
		{
			bool		isnull;
			Datum		hash = slot_getattr(upsert->existing,
											STASH_ENTRY_KEY_HASH, &isnull);

			while (next < end &&
				   (order = memcmp(entries[next].key.hash.data,
								   DatumGetUUIDP(hash)->data, UUID_LEN)) < 0)
				is_present[next++] = false;
			ExecClearTuple(upsert->existing);
		}
		else
		{
			upsert->appends = at == 0 && leaps;
			while (next < end)
				is_present[next++] = false;
		}
		leaps = leaps && next - at >= LEAST_LEAP;
		if (order == 0)
			is_present[next++] = true;
		at = next;
	}
}

/* ---- replacing ---- */

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

/* a snapshot must not overwrite what it does not see */
static void
check_seen(StashUpsert *upsert)
{
	bool		isnull;

	if (IsolationUsesXactSnapshot() &&
		!table_tuple_satisfies_snapshot(upsert->rel, upsert->existing,
										GetActiveSnapshot()) &&
		!TransactionIdIsCurrentTransactionId(DatumGetTransactionId(slot_getsysattr(upsert->existing,
																				   MinTransactionIdAttributeNumber,
																				   &isnull))))
		refuse_concurrent_update();
}

static void
set_column(TupleTableSlot *slot, int column, Datum datum, bool isnull)
{
	slot->tts_values[column - 1] = datum;
	slot->tts_isnull[column - 1] = isnull;
}

/* what a put changes; key and hash stay as they are */
static void
set_entry(TupleTableSlot *slot, const StashNewEntry *entry, int64 version)
{
	set_column(slot, STASH_ENTRY_VALUE, PointerGetDatum(entry->value),
			   entry->value == NULL);
	set_column(slot, STASH_ENTRY_VERSION, Int64GetDatum(version), false);
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

/* add a new row to the index; false when another one is there */
static bool
insert_into_index(StashUpsert *upsert, const StashNewEntry *entry,
				  TupleTableSlot *slot, IndexUniqueCheck check, bool is_update)
{
	Datum		hash = PointerGetDatum(entry->key.hash.data);
	bool		isnull = false;

	return index_insert(upsert->index, &hash, &isnull, &slot->tts_tid,
						upsert->rel, check, is_update, upsert->info);
}

/* the version that follows the row in 'existing', or 1 after one that expired */
static int64
next_version(TupleTableSlot *existing)
{
	const int	version = STASH_ENTRY_VERSION - 1;
	const int	expires_at = STASH_ENTRY_EXPIRES_AT - 1;

	if (existing->tts_isnull[version] ||
		(!existing->tts_isnull[expires_at] &&
		 DatumGetTimestampTz(existing->tts_values[expires_at]) <=
		 GetCurrentTimestamp()))
		return 1;
	return DatumGetInt64(DirectFunctionCall2(int8pl,
											 existing->tts_values[version],
											 Int64GetDatum(1)));
}

/*
 * Replace the row in 'existing'.  Its version is 0 for another key of the same
 * hash.  False when it is not the newest row by now.
 */
static bool
update_row(StashUpsert *upsert, const StashNewEntry *entry, int64 *version)
{
	TupleTableSlot *existing = upsert->existing;
	TupleTableSlot *slot = upsert->slot;
	int			natts = slot->tts_tupleDescriptor->natts;
	bool		wants_index;

	*version = 0;
	check_seen(upsert);
	slot_getallattrs(existing);
	if (existing->tts_isnull[STASH_ENTRY_KEY - 1] ||
		!stash_variant_same_key(existing->tts_values[STASH_ENTRY_KEY - 1],
								PointerGetDatum(entry->key.frame)))
		return true;
	*version = next_version(existing);
	CheckCmdReplicaIdentity(upsert->rel, CMD_UPDATE);

	ExecClearTuple(slot);
	memcpy(slot->tts_values, existing->tts_values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, existing->tts_isnull, natts * sizeof(bool));
	set_entry(slot, entry, *version);
	switch (stash_compat_tuple_update(upsert->rel, &existing->tts_tid, slot,
									  upsert->cid, GetActiveSnapshot(),
									  &wants_index))
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
			elog(ERROR, "could not update a row of a stash");
	}
	if (wants_index)
		insert_into_index(upsert, entry, slot, UNIQUE_CHECK_YES, true);
	upsert->nreplaced++;
	return true;
}

/* ---- inserting ---- */

/* the first row of a key */
static void
set_new_row(TupleTableSlot *slot, const StashNewEntry *entry)
{
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true,
		   slot->tts_tupleDescriptor->natts * sizeof(bool));
	set_column(slot, STASH_ENTRY_KEY_HASH,
			   PointerGetDatum(entry->key.hash.data), false);
	set_column(slot, STASH_ENTRY_KEY, PointerGetDatum(entry->key.frame), false);
	set_entry(slot, entry, 1);
}

/* insert the first row of a key; false when another session was faster */
static bool
insert_row(StashUpsert *upsert, const StashNewEntry *entry)
{
	TupleTableSlot *slot = upsert->slot;
	TransactionId xid = GetCurrentTransactionId();
	uint32		token;
	bool		is_alone;

	set_new_row(slot, entry);
	/* who finds the row while its place in the index is not certain, waits */
	token = SpeculativeInsertionLockAcquire(xid);
	table_tuple_insert_speculative(upsert->rel, slot, upsert->cid, 0, NULL, token);
	is_alone = insert_into_index(upsert, entry, slot, UNIQUE_CHECK_PARTIAL, false);
	table_tuple_complete_speculative(upsert->rel, slot, token, is_alone);
	SpeculativeInsertionLockRelease(xid);
	return is_alone;
}

/* put an entry; returns its version, or 0 when another key has the same hash */
static int64
put_row(StashUpsert *upsert, const StashNewEntry *entry)
{
	int64		version;
	bool		is_done = false;

	while (!is_done)
	{
		version = 1;
		is_done = find_conflict(upsert, &entry->key.hash) ?
			update_row(upsert, entry, &version) : insert_row(upsert, entry);
		ExecClearTuple(upsert->existing);
	}
	return version;
}

/* one for 'slots', which live longer than a batch */
static TupleTableSlot *
make_slot(StashUpsert *upsert)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(upsert));
	TupleTableSlot *slot = MakeSingleTupleTableSlot(upsert->desc, &TTSOpsHeapTuple);

	MemoryContextSwitchTo(old);
	return slot;
}

/* the bit that says that a row has a column, in the first byte of its bitmap */
#define HAS(column)		(1 << (STASH_ENTRY_##column - 1))

/*
 * Form the first row of a small entry in a slot; false when it takes
 * heap_form_tuple(), which asks of each column what is known here, and took a
 * tenth of the time of stash.put_many().
 *
 * First comes the hash, then key and value, short enough to need no alignment,
 * and then what has eight bytes; the other columns are NULL.
 */
static bool
set_small_row(TupleTableSlot *slot, const StashNewEntry *entry)
{
	const int	natts = slot->tts_tupleDescriptor->natts;
	struct varlena *parts[] = {entry->key.frame, entry->value};
	const int	nparts = entry->value == NULL ? 1 : 2;
	const int64 ends[] = {1, entry->created_at, entry->expires_at};
	const int	nends = TIMESTAMP_IS_NOEND(entry->expires_at) ? 2 : 3;
	const Size	start = MAXALIGN(SizeofHeapTupleHeader + BITMAPLEN(natts));
	Size		size = start + UUID_LEN;
	HeapTuple	tuple;
	HeapTupleHeader row;
	char	   *place;

	for (int i = 0; i < nparts; i++)
	{
		if (!VARATT_CAN_MAKE_SHORT(parts[i]))
			return false;
		size += VARATT_CONVERTED_SHORT_SIZE(parts[i]);
	}
	if (entry->cost != NULL)
		return false;
	size = att_align_nominal(size, TYPALIGN_DOUBLE) + nends * sizeof(int64);
	tuple = MemoryContextAllocZero(slot->tts_mcxt, HEAPTUPLESIZE + size);
	row = tuple->t_data = (HeapTupleHeader) ((char *) tuple + HEAPTUPLESIZE);
	tuple->t_len = size;
	HeapTupleHeaderSetNatts(row, natts);
	row->t_hoff = start;
	row->t_infomask = HEAP_HASNULL | HEAP_HASVARWIDTH;
	row->t_bits[0] = HAS(KEY_HASH) | HAS(KEY) | HAS(VERSION) | HAS(CREATED_AT) |
		(nparts == 2 ? HAS(VALUE) : 0) | (nends == 3 ? HAS(EXPIRES_AT) : 0);
	place = (char *) row + start;
	memcpy(place, entry->key.hash.data, UUID_LEN);
	place += UUID_LEN;
	for (int i = 0; i < nparts; i++)
	{
		const Size	length = VARATT_CONVERTED_SHORT_SIZE(parts[i]);

		SET_VARSIZE_SHORT(place, length);
		memcpy(place + VARHDRSZ_SHORT, VARDATA(parts[i]), length - VARHDRSZ_SHORT);
		place += length;
	}
	memcpy((char *) row + size - nends * sizeof(int64), ends, nends * sizeof(int64));
	ExecStoreHeapTuple(tuple, slot, true);
	return true;
}

/* put those entries that are not marked into the table, and into 'slots' */
static void
insert_unindexed(StashUpsert *upsert, const StashNewEntry *entries, int n,
				 const bool *is_present)
{
	int			nnew = 0;

	for (int i = 0; i < n; i++)
	{
		TupleTableSlot **slot = &upsert->slots[nnew];

		if (is_present[i])
			continue;
		if (*slot == NULL)
			*slot = make_slot(upsert);
		if (!set_small_row(*slot, &entries[i]))
			set_new_row(*slot, &entries[i]);
		nnew++;
	}
	if (nnew > 0)
		table_multi_insert(upsert->rel, upsert->slots, nnew, upsert->cid, 0, NULL);
}

/*
 * Where keys come in order behind all others, tell the index in which page the
 * next one belongs: the one that it made last.
 *
 * A btree of three levels and more knows by itself where it has inserted at its
 * end, and begins there, not at its root, the next time.  It only takes the
 * block for likely: that it is the last leaf, and has room, it sees for itself.
 */
static void
expect_rightmost(StashUpsert *upsert)
{
	Relation	index = upsert->index;

	if (upsert->appends && RelationGetTargetBlock(index) == InvalidBlockNumber)
		RelationSetTargetBlock(index, RelationGetNumberOfBlocks(index) - 1);
}

/*
 * Add a row to the index that is in the table; false when its key has come
 * since it was looked for, and the row is taken back.
 *
 * An index that is told to check in part inserts in any case, waits for
 * nobody, and says whether there may be another row of that key: the executor
 * asks the same for ON CONFLICT.
 */
static bool
index_row(StashUpsert *upsert, const StashNewEntry *entry, TupleTableSlot *slot)
{
	if (insert_into_index(upsert, entry, slot, UNIQUE_CHECK_PARTIAL, false))
	{
		expect_rightmost(upsert);
		return true;
	}
	CommandCounterIncrement();
	upsert->cid = GetCurrentCommandId(true);
	simple_table_tuple_delete(upsert->rel, &slot->tts_tid, SnapshotAny);
	return false;
}

/* ---- what others call ---- */

/* as for a statement: see what came before, be seen by what comes after */
static void
begin_command(StashUpsert *upsert)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	upsert->cid = GetCurrentCommandId(true);
	upsert->nreplaced = 0;
	upsert->appends = false;
	/* in the current memory context, as all that the scan will allocate */
	upsert->scan = stash_compat_index_beginscan(upsert->rel, upsert->index,
												&upsert->dirty,
												lengthof(upsert->bounds));
}

static void
end_command(StashUpsert *upsert)
{
	index_endscan(upsert->scan);
	PopActiveSnapshot();
	CommandCounterIncrement();
}

static void
open_upsert(StashUpsert *upsert, StashStore *store, Relation rel)
{
	upsert->rel = rel;
	upsert->index = index_open(store->index, RowExclusiveLock);
	upsert->info = BuildIndexInfo(upsert->index);
	upsert->existing = table_slot_create(rel, NULL);
	upsert->slot = table_slot_create(rel, NULL);
	InitDirtySnapshot(upsert->dirty);
	ScanKeyInit(&upsert->bounds[0], 1, BTGreaterEqualStrategyNumber,
				F_UUID_GE, (Datum) 0);
	ScanKeyInit(&upsert->bounds[1], 1, BTLessEqualStrategyNumber,
				F_UUID_LE, (Datum) 0);
}

static void
close_upsert(StashUpsert *upsert)
{
	ExecDropSingleTupleTableSlot(upsert->slot);
	ExecDropSingleTupleTableSlot(upsert->existing);
	index_close(upsert->index, NoLock);
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
	StashUpsert upsert;
	int64		version;

	open_upsert(&upsert, store, rel);
	begin_command(&upsert);
	version = put_row(&upsert, entry);
	end_command(&upsert);
	close_upsert(&upsert);
	return version;
}

/*
 * Begin to put many entries into a stash that stash_store_may_upsert().
 *
 * The result is in the current memory context, and to be given to
 * stash_upsert_end() before 'rel' is closed.
 */
StashUpsert *
stash_upsert_begin(StashStore *store, Relation rel)
{
	StashUpsert *upsert = palloc0(sizeof(StashUpsert));

	open_upsert(upsert, store, rel);
	upsert->slots = palloc0(STASH_STORE_BATCH * sizeof(TupleTableSlot *));
	/* a copy, for each slot would count a reference to the relation's own */
	upsert->desc = CreateTupleDescCopy(RelationGetDescr(rel));
	return upsert;
}

/*
 * Put up to STASH_STORE_BATCH entries of different keys, in the order of their
 * hashes.  Allocates in the current memory context what its caller may reset.
 *
 * False when another key has the same hash as one of them; then the caller has
 * to throw.  Call under READ COMMITTED only: where a snapshot shows an older
 * row of a key that is inserted, nothing is thrown.
 */
bool
stash_upsert_many(StashUpsert *upsert, const StashNewEntry *entries, int n)
{
	bool		is_present[STASH_STORE_BATCH];
	int			nnew = 0;

	Assert(n <= STASH_STORE_BATCH && !IsolationUsesXactSnapshot());
	begin_command(upsert);

	/*
	 * What is there is found when it is replaced.  And who reads the WAL must
	 * not meet a row that is taken back.
	 */
	if (upsert->expects_rows || RelationIsLogicallyLogged(upsert->rel))
		memset(is_present, true, n);
	else
		find_present(upsert, entries, n, is_present);
	insert_unindexed(upsert, entries, n, is_present);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_present[i] &&
			index_row(upsert, &entries[i], upsert->slots[nnew++]))
			continue;
		if (put_row(upsert, &entries[i]) == 0)
			return false;
	}
	upsert->expects_rows = upsert->nreplaced > n / 2;
	end_command(upsert);
	return true;
}

/*
 * End what stash_upsert_begin() began.
 */
void
stash_upsert_end(StashUpsert *upsert)
{
	for (int i = 0; i < STASH_STORE_BATCH && upsert->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(upsert->slots[i]);
	close_upsert(upsert);
	pfree(upsert->slots);
	pfree(upsert);
}
