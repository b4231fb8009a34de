/*-------------------------------------------------------------------------
 *
 * track_change.h
 *	  The table stash.change: which transactions changed tracked tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_TRACK_CHANGE_H
#define STASH_TRACK_CHANGE_H

#include "access/genam.h"
#include "access/transam.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#define STASH_CHANGE_SLOTS	16	/* of a table that is written often */

/* A scan in the order of places; the last five are what was found. */
typedef struct StashChangeScan
{
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ScanDirection direction;
	Oid			root;
	FullTransactionId xid;
	bool		is_pruned;		/* all changes before it may be meant */
	ItemPointerData tid;
} StashChangeScan;

extern void stash_change_insert(Relation change, Oid root,
								FullTransactionId xid, bool is_pruned);
extern bool stash_change_overwrite(Relation change, Oid root,
								   FullTransactionId xid);
extern void stash_change_committed(void);
extern void stash_change_make_slots(Relation change, Oid root,
									FullTransactionId xid, Snapshot snapshot);
extern void stash_change_begin(StashChangeScan *scan, Relation change,
							   Oid root, FullTransactionId from,
							   FullTransactionId before,
							   ScanDirection direction, Snapshot snapshot);
extern bool stash_change_next(StashChangeScan *scan);
extern void stash_change_end(StashChangeScan *scan);
extern Oid	stash_change_root_after(Relation change, Oid root,
									Snapshot snapshot);

#endif							/* STASH_TRACK_CHANGE_H */
