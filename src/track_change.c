/*-------------------------------------------------------------------------
 *
 * track_change.c
 *	  The table stash.change: which transactions changed tracked tables.
 *
 * Read and written as the server does its catalogs: no rights are needed, no
 * trigger fires, nobody waits.  Rows that came from another server, by logical
 * replication of all tables, are passed over: their identifiers mean nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "utils/fmgroids.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "compat.h"
#include "track_change.h"

#define COLUMN_RELATION		1
#define COLUMN_XID			2
#define COLUMN_IS_PRUNED	3
#define COLUMN_SYSTEM		4
#define COLUMNS				4

/*
 * Note that a transaction changed a table; 'change' is open for writing.
 */
void
stash_change_insert(Relation change, Oid root, FullTransactionId xid,
					bool is_pruned)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};
	HeapTuple	tuple;

	values[COLUMN_RELATION - 1] = ObjectIdGetDatum(root);
	values[COLUMN_XID - 1] = FullTransactionIdGetDatum(xid);
	values[COLUMN_IS_PRUNED - 1] = BoolGetDatum(is_pruned);
	values[COLUMN_SYSTEM - 1] = Int64GetDatum((int64) GetSystemIdentifier());
	tuple = heap_form_tuple(RelationGetDescr(change), values, nulls);
	CatalogTupleInsert(change, tuple);
	heap_freetuple(tuple);
}

/* a scan whose keys are 'nkeys' of: relation, transaction */
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
 * which may be invalid for no end, as 'snapshot' sees them.
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
	ScanKeyInit(&keys[1], COLUMN_XID, BTGreaterEqualStrategyNumber, F_XID8GE,
				FullTransactionIdGetDatum(from));
	if (FullTransactionIdIsValid(before))
		ScanKeyInit(&keys[nkeys++], COLUMN_XID, BTLessStrategyNumber, F_XID8LT,
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
