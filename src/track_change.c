/*-------------------------------------------------------------------------
 *
 * track_change.c
 *	  The table stash.change: which transactions changed tracked tables.
 *
 * Read and written as the server does its catalogs: no rights are needed, no
 * trigger fires, nobody waits.  Rows that came from another server, by logical
 * replication of all tables, are passed over: their identifiers mean nothing.
 *
 * A row is one transaction's note.  A table that is written often has slots
 * besides, rows that sessions write over: an update that finds room in its page
 * is one record in the log, while a note of its own takes one for the row, one
 * for the index, and a third when it is pruned.  What is written over is never
 * missed.  Only a transaction that has committed is, so whoever does not see
 * it does not see the later one that takes its place, either; and who does not
 * see the later one still finds the earlier version of the row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "storage/bufmgr.h"
#include "storage/proc.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "compat.h"
#include "place.h"
#include "track_change.h"

#define COLUMN_RELATION		1
#define COLUMN_PLACE		2
#define COLUMN_XID			3
#define COLUMN_IS_PRUNED	4
#define COLUMN_SYSTEM		5
#define COLUMNS				5

/* the columns of the index, the first two */
#define KEY_COLUMNS			2

/* a row without its header: all columns are of one size, and none is NULL */
typedef struct Change
{
	Oid			relation;
	FullTransactionId place;
	FullTransactionId xid;
	bool		is_pruned;
	int64		system;
} Change;

static void
insert(Relation change, Oid root, FullTransactionId place,
	   FullTransactionId xid, bool is_pruned)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};
	HeapTuple	tuple;

	values[COLUMN_RELATION - 1] = ObjectIdGetDatum(root);
	values[COLUMN_PLACE - 1] = FullTransactionIdGetDatum(place);
	values[COLUMN_XID - 1] = FullTransactionIdGetDatum(xid);
	values[COLUMN_IS_PRUNED - 1] = BoolGetDatum(is_pruned);
	values[COLUMN_SYSTEM - 1] = Int64GetDatum((int64) GetSystemIdentifier());
	tuple = heap_form_tuple(RelationGetDescr(change), values, nulls);
	CatalogTupleInsert(change, tuple);
	heap_freetuple(tuple);
}

/*
 * Note that a transaction changed a table; 'change' is open for writing.
 */
void
stash_change_insert(Relation change, Oid root, FullTransactionId xid,
					bool is_pruned)
{
	insert(change, root, xid, xid, is_pruned);
}

/* a scan whose keys are 'nkeys' of: relation, place */
static void
begin_scan(StashChangeScan *scan, Relation change, Snapshot snapshot,
		   ScanKey keys, int nkeys, ScanDirection direction)
{
	scan->index = index_open(stash_catalog_change_index(), AccessShareLock);
	scan->slot = table_slot_create(change, NULL);
	scan->scan = stash_compat_index_beginscan(change, scan->index, snapshot,
											  nkeys);
	scan->direction = direction;
	index_rescan(scan->scan, keys, nkeys, NULL, 0);
}

/*
 * Read the changes of a table by transactions from one on and before another,
 * which may be invalid for no end, as 'snapshot' sees them.  Slots stand behind
 * all transactions: without an end they are found, whatever is in them.
 */
void
stash_change_begin(StashChangeScan *scan, Relation change, Oid root,
				   FullTransactionId from, FullTransactionId before,
				   ScanDirection direction, Snapshot snapshot)
{
	ScanKeyData keys[3];
	int			nkeys = 2;

	ScanKeyInit(&keys[0], COLUMN_RELATION, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(root));
	ScanKeyInit(&keys[1], COLUMN_PLACE, BTGreaterEqualStrategyNumber, F_XID8GE,
				FullTransactionIdGetDatum(from));
	if (FullTransactionIdIsValid(before))
		ScanKeyInit(&keys[nkeys++], COLUMN_PLACE, BTLessStrategyNumber, F_XID8LT,
					FullTransactionIdGetDatum(before));
	begin_scan(scan, change, snapshot, keys, nkeys, direction);
}

/*
 * Find the next change; false when there is none.
 */
bool
stash_change_next(StashChangeScan *scan)
{
	bool		isnull;

	while (index_getnext_slot(scan->scan, scan->direction, scan->slot))
	{
		if (DatumGetInt64(slot_getattr(scan->slot, COLUMN_SYSTEM, &isnull)) !=
			(int64) GetSystemIdentifier())
			continue;
		scan->root = DatumGetObjectId(slot_getattr(scan->slot, COLUMN_RELATION,
												   &isnull));
		scan->xid = DatumGetFullTransactionId(slot_getattr(scan->slot, COLUMN_XID,
														   &isnull));
		scan->is_pruned = DatumGetBool(slot_getattr(scan->slot,
													COLUMN_IS_PRUNED, &isnull));
		scan->tid = scan->slot->tts_tid;
		return true;
	}
	return false;
}

/*
 * End a scan, found or not.
 */
void
stash_change_end(StashChangeScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
	index_close(scan->index, AccessShareLock);
}

/*
 * The first table after 'root', by OID, that has changes; 0 when there is none.
 */
Oid
stash_change_root_after(Relation change, Oid root, Snapshot snapshot)
{
	StashChangeScan scan;
	ScanKeyData key;
	Oid			found;

	ScanKeyInit(&key, COLUMN_RELATION, BTGreaterStrategyNumber, F_OIDGT,
				ObjectIdGetDatum(root));
	begin_scan(&scan, change, snapshot, &key, 1, ForwardScanDirection);
	found = stash_change_next(&scan) ? scan.root : InvalidOid;
	stash_change_end(&scan);
	return found;
}

/* ---- slots ---- */

/* where the slot with a number stands, from 0: behind all transactions */
static FullTransactionId
place_of_slot(int number)
{
	return FullTransactionIdFromU64(PG_UINT64_MAX - number);
}

/*
 * Where this session's slots of some tables are.  Every transaction leaves a
 * dead version of the row, and by way of the index they would all be passed
 * until the page is pruned.
 */
typedef struct Known
{
	Oid			root;			/* 0: nothing is known */
	Buffer		buffer;
	OffsetNumber offset;
	OffsetNumber before;		/* of the version that was written over */
} Known;

static Known known[16];

static Known *
known_of(Oid root)
{
	return &known[root % lengthof(known)];
}

/* whether a row is a slot that may be written over now */
static bool
may_overwrite(HeapTuple tuple, Oid root, FullTransactionId place)
{
	const Change *row = (Change *) GETSTRUCT(tuple);

	return row->relation == root &&
		FullTransactionIdEquals(row->place, place) &&
		row->system == (int64) GetSystemIdentifier() &&
	/* what this command has written it could not update */
		!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
}

/* the last transaction of this session that noted something and has committed */
static FullTransactionId committed;
static XLogRecPtr committed_at;

/*
 * This transaction, which has noted something, has committed.
 */
void
stash_change_committed(void)
{
	committed = GetTopFullTransactionIdIfAny();
	committed_at = XactLastCommitEnd;
}

/*
 * That transaction as rows have it, if whoever reads these may be told.  Else
 * each has to ask all that run, and the log of commits, where sessions that
 * write wait for each other.
 *
 * Identifiers in rows come again after four thousand million transactions.
 */
static TransactionId
known_to_have_committed(FullTransactionId now)
{
	if (!FullTransactionIdIsValid(committed) ||
		U64FromFullTransactionId(now) - U64FromFullTransactionId(committed) > PG_INT32_MAX ||
		XLogNeedsFlush(committed_at))
		return InvalidTransactionId;
	return XidFromFullTransactionId(committed);
}

/* find the slot where it was; its buffer stays pinned */
static bool
find_known(Relation change, Oid root, FullTransactionId place,
		   FullTransactionId xid, HeapTuple tuple, Buffer *buffer)
{
	Known	   *there = known_of(root);
	BlockNumber block;

	*buffer = there->buffer;
	if (there->root != root || !stash_place_pin(change, *buffer, &block))
		return false;
	stash_place_prune(change, *buffer);
	ItemPointerSet(&tuple->t_self, block, there->offset);
	if (stash_place_see(change, *buffer, SnapshotSelf, tuple,
						known_to_have_committed(xid), there->before) &&
		may_overwrite(tuple, root, place))
		return true;
	ReleaseBuffer(*buffer);
	return false;
}

/* find the slot by the index; its buffer stays pinned */
static bool
find_slot(Relation change, Oid root, FullTransactionId place,
		  HeapTuple tuple, Buffer *buffer)
{
	StashChangeScan scan;
	ScanKeyData keys[KEY_COLUMNS];
	bool		found = false;

	ScanKeyInit(&keys[0], COLUMN_RELATION, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(root));
	ScanKeyInit(&keys[1], COLUMN_PLACE, BTEqualStrategyNumber, F_XID8EQ,
				FullTransactionIdGetDatum(place));
	begin_scan(&scan, change, SnapshotSelf, keys, KEY_COLUMNS,
			   ForwardScanDirection);
	if (stash_change_next(&scan) && TTS_IS_BUFFERTUPLE(scan.slot))
	{
		BufferHeapTupleTableSlot *slot = (BufferHeapTupleTableSlot *) scan.slot;

		*tuple = *slot->base.tuple;
		*buffer = slot->buffer;
		found = may_overwrite(tuple, root, place);
		if (found)
			IncrBufferRefCount(*buffer);
	}
	stash_change_end(&scan);
	return found;
}

/* replace a row; false when somebody else is about to */
static bool
overwrite_row(Relation change, HeapTuple tuple, Buffer buffer, Oid root,
			  FullTransactionId place, FullTransactionId xid)
{
	HeapTuple	new = heap_copytuple(tuple);
	Known	   *there = known_of(root);
	bool		wants_index;
	bool		done;

	((Change *) GETSTRUCT(new))->xid = xid;
	done = stash_compat_heap_update(change, &tuple->t_self, new,
									GetCurrentCommandId(true),
									&wants_index) == TM_Ok;
	there->root = done && !wants_index ? root : InvalidOid;
	there->buffer = buffer;
	there->offset = ItemPointerGetOffsetNumber(&new->t_self);
	there->before = ItemPointerGetOffsetNumber(&tuple->t_self);
	if (done && wants_index)
	{
		Relation	index = index_open(stash_catalog_change_index(), RowExclusiveLock);
		Datum		keys[] = {ObjectIdGetDatum(root), FullTransactionIdGetDatum(place)};
		bool		nulls[KEY_COLUMNS] = {false};

		index_insert(index, keys, nulls, &new->t_self, change, UNIQUE_CHECK_NO,
					 false, BuildIndexInfo(index));
		index_close(index, NoLock);
	}
	heap_freetuple(new);
	return done;
}

/*
 * Note that a transaction changed a table in this session's slot; false when
 * the table has none, or the slot is in use by a transaction that runs.
 */
bool
stash_change_overwrite(Relation change, Oid root, FullTransactionId xid)
{
	FullTransactionId place =
	place_of_slot((MyProc - ProcGlobal->allProcs) % STASH_CHANGE_SLOTS);
	HeapTupleData tuple;
	Buffer		buffer;
	bool		done;

	if (!find_known(change, root, place, xid, &tuple, &buffer) &&
		!find_slot(change, root, place, &tuple, &buffer))
		return false;
	done = overwrite_row(change, &tuple, buffer, root, place, xid);
	ReleaseBuffer(buffer);
	return done;
}

/*
 * Give a table its slots, unless 'snapshot' sees some.  Two sessions that do so
 * at a time leave twice as many; of two at one place one is not used.
 */
void
stash_change_make_slots(Relation change, Oid root, FullTransactionId xid,
						Snapshot snapshot)
{
	StashChangeScan scan;
	bool		found;

	stash_change_begin(&scan, change, root,
					   place_of_slot(STASH_CHANGE_SLOTS - 1),
					   InvalidFullTransactionId, ForwardScanDirection, snapshot);
	found = stash_change_next(&scan);
	stash_change_end(&scan);
	for (int i = 0; !found && i < STASH_CHANGE_SLOTS; i++)
		insert(change, root, place_of_slot(i), xid, false);
}
