/*-------------------------------------------------------------------------
 *
 * track_proof.c
 *	  Whether what an answer was made of is still what one would read now.
 *
 * A transaction is seen by an answer's snapshot when it had committed before
 * it.  The own transaction of whoever made the answer never counts as seen,
 * though the server leaves it out of the list of running ones: it may go on
 * to change what it has read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_event_trigger.h"
#include "commands/trigger.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "hash.h"
#include "track.h"
#include "track_change.h"

/*
 * The full identifier of a transaction that has begun already.
 */
FullTransactionId
stash_track_widen(TransactionId xid)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint32		epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return FullTransactionIdFromEpochAndXid(epoch, xid);
}

static void
add_running(StashTrackSnapshot *copy, const TransactionId *xids, int nxids)
{
	for (int i = 0; i < nxids; i++)
		copy->xip[copy->nxip++] = stash_track_widen(xids[i]);
}

/*
 * A copy of a snapshot, to be kept with an answer; in the current context.
 * NULL when the snapshot does not know all transactions that were running.
 *
 * Subtransactions count as transactions: rows of catalogs are theirs.
 */
StashTrackSnapshot *
stash_track_snapshot(Snapshot snapshot)
{
	FullTransactionId own = GetTopFullTransactionIdIfAny();
	int			nown = MyProc->subxidStatus.count;
	StashTrackSnapshot *copy;

	if (snapshot->suboverflowed || MyProc->subxidStatus.overflowed)
		return NULL;
	copy = palloc(STASH_TRACK_SNAPSHOT_SIZE(snapshot->xcnt + snapshot->subxcnt +
											nown + 1));
	copy->xmin = stash_track_widen(snapshot->xmin);
	copy->xmax = stash_track_widen(snapshot->xmax);
	copy->nxip = 0;
	/* in recovery all of them are in the second list */
	if (!snapshot->takenDuringRecovery)
		add_running(copy, snapshot->xip, snapshot->xcnt);
	add_running(copy, snapshot->subxip, snapshot->subxcnt);
	add_running(copy, MyProc->subxids.xids, nown);
	if (FullTransactionIdIsValid(own))
	{
		copy->xip[copy->nxip++] = own;
		if (FullTransactionIdPrecedes(own, copy->xmin))
			copy->xmin = own;
	}
	return copy;
}

/* ---- rows of catalogs ---- */

/*
 * Whether a transaction that has committed has yet to send word of what it has
 * changed in the catalogs: that comes after its commit can be seen, and before
 * it gives up its locks.  Those of a standby's primary are not known.
 */
static bool
is_telling(TransactionId xid)
{
	static TransactionId told;
	LOCKTAG		tag;

	if (xid == told || RecoveryInProgress())
		return false;
	SET_LOCKTAG_TRANSACTION(tag, xid);
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ShareLock, false);
	told = xid;
	return false;
}

/*
 * Take account of a row from the server's caches: word of another has not come.
 */
void
stash_track_see_cached(StashTrackRows *rows, HeapTuple tuple)
{
	TransactionId xid = HeapTupleHeaderGetRawXmin(tuple->t_data);
	FullTransactionId full;

	if (!TransactionIdIsNormal(xid))
		return;
	full = stash_track_widen(xid);
	if (FullTransactionIdPrecedes(rows->newest, full))
		rows->newest = full;
	rows->digest += stash_hash_bytes64(&full, sizeof(full), 0);
}

/*
 * The same of a row read from its catalog, which caches may not know yet.
 */
void
stash_track_see_scanned(StashTrackRows *rows, HeapTuple tuple)
{
	TransactionId xid = HeapTupleHeaderGetRawXmin(tuple->t_data);

	stash_track_see_cached(rows, tuple);
	if (TransactionIdIsNormal(xid) &&
		!HeapTupleHeaderXminFrozen(tuple->t_data) && is_telling(xid))
		rows->is_untold = true;
}

/*
 * Take account of rows that somebody has taken account of.
 */
void
stash_track_see_all(StashTrackRows *rows, const StashTrackRows *more)
{
	if (FullTransactionIdPrecedes(rows->newest, more->newest))
		rows->newest = more->newest;
	rows->digest += more->digest;
	rows->is_untold |= more->is_untold;
}

/* ---- judging ---- */

/*
 * Whether a snapshot sees what a transaction did that has committed by now.
 */
bool
stash_track_sees(const StashTrackSnapshot *snapshot, FullTransactionId xid)
{
	if (FullTransactionIdPrecedes(xid, snapshot->xmin))
		return true;
	if (!FullTransactionIdPrecedes(xid, snapshot->xmax))
		return false;
	for (int i = 0; i < snapshot->nxip; i++)
	{
		if (FullTransactionIdEquals(xid, snapshot->xip[i]))
			return false;
	}
	return true;
}

/* whether a change that 'mine' sees came after the answer's snapshot */
static bool
has_changed(Relation change, Oid root, const StashTrackSnapshot *snapshot,
			Snapshot mine)
{
	StashChangeScan scan;
	bool		changed = false;

	/* newest first: what has changed has mostly done so at the end */
	stash_change_begin(&scan, change, root, snapshot->xmin,
					   InvalidFullTransactionId,
					   BackwardScanDirection, mine);
	while (!changed && stash_change_next(&scan))
		changed = scan.is_pruned || !stash_track_sees(snapshot, scan.xid);
	stash_change_end(&scan);
	return changed;
}

/*
 * Whether what the catalogs say of a relation, rights and policies among it,
 * was seen by the snapshot of an answer.
 */
StashTrackVerdict
stash_track_judge_definition(const StashTrackState *state,
							 const StashTrackSnapshot *snapshot)
{
	if (state->problem == STASH_TRACK_GONE ||
		!stash_track_sees(snapshot, state->rows.newest))
		return STASH_TRACK_REDEFINED;
	return STASH_TRACK_FRESH;
}

/*
 * Whether all that is known to have changed a relation, as the active snapshot
 * sees it, was seen by the snapshot of an answer.
 */
StashTrackVerdict
stash_track_judge(const StashTrackState *state,
				  const StashTrackSnapshot *snapshot)
{
	Relation	change;
	bool		fresh;

	if (state->problem != STASH_TRACK_FINE)
		return STASH_TRACK_UNKNOWN;
	if (stash_track_changed_here(state))
		return STASH_TRACK_CHANGED_HERE;
	if (stash_track_judge_definition(state, snapshot) != STASH_TRACK_FRESH)
		return STASH_TRACK_REDEFINED;
	if (state->nroots == 0)
		return STASH_TRACK_FRESH;
	change = table_open(stash_catalog_change_relation(), AccessShareLock);
	fresh = true;
	for (int i = 0; fresh && i < state->nroots; i++)
		fresh = !has_changed(change, state->roots[i], snapshot,
							 GetActiveSnapshot());
	table_close(change, AccessShareLock);
	return fresh ? STASH_TRACK_FRESH : STASH_TRACK_CHANGED;
}

/*
 * Whether the event trigger that tells of what may concern any answer does so,
 * and has since the snapshot of an answer: to switch it off writes its row, as
 * to switch it on again.
 */
static bool
is_watched(const StashTrackSnapshot *snapshot)
{
	HeapTuple	tuple = SearchSysCache1(EVENTTRIGGERNAME,
										CStringGetDatum("stash_note_definition"));
	StashTrackRows rows = {0};
	bool		is_on;

	if (!HeapTupleIsValid(tuple))
		return false;
	is_on = ((Form_pg_event_trigger) GETSTRUCT(tuple))->evtenabled ==
		TRIGGER_FIRES_ALWAYS;
	stash_track_see_cached(&rows, tuple);
	ReleaseSysCache(tuple);
	return is_on && (snapshot == NULL || stash_track_sees(snapshot, rows.newest));
}

/*
 * Whether a change that the active snapshot sees, and that of an answer does
 * not, may concern any table, or what any query means.
 *
 * 'snapshot' may be NULL, for no answer: then only whether nobody tells of such
 * changes.  '*untold': word of such a change has
 * yet to come, and this session goes on with what it knows.
 */
bool
stash_track_anything_changed(const StashTrackSnapshot *snapshot, bool *untold)
{
	static FullTransactionId told;	/* all before it are */
	FullTransactionId xmin = stash_track_widen(GetActiveSnapshot()->xmin);
	FullTransactionId from = told;
	Relation	change;
	StashChangeScan scan;
	Snapshot	latest = GetActiveSnapshot();
	bool		changed = false;

	*untold = false;
	if (!is_watched(snapshot))
		return true;

	/*
	 * whoever rewrites the log is not waited for: the call needs no such
	 * table
	 */
	if (!ConditionalLockRelationOid(stash_catalog_change_relation(), AccessShareLock))
	{
		*untold = true;
		return false;
	}
	change = table_open(stash_catalog_change_relation(), NoLock);
	if (snapshot != NULL && FullTransactionIdPrecedes(snapshot->xmin, from))
		from = snapshot->xmin;
	/* what catalogs say of it counts at once, whatever the snapshot */
	if (IsolationUsesXactSnapshot() && !IsInParallelMode())
		latest = GetLatestSnapshot();
	stash_change_begin(&scan, change, InvalidOid, from,
					   InvalidFullTransactionId, BackwardScanDirection,
					   latest);
	while (!changed && !*untold && stash_change_next(&scan))
	{
		changed = snapshot != NULL &&
			!FullTransactionIdPrecedes(scan.xid, snapshot->xmin) &&
			(scan.is_pruned || !stash_track_sees(snapshot, scan.xid));
		*untold = is_telling(XidFromFullTransactionId(scan.xid));
	}
	stash_change_end(&scan);
	table_close(change, AccessShareLock);
	if (!changed && !*untold && FullTransactionIdPrecedes(told, xmin))
		told = xmin;
	return changed;
}

/*
 * Whether all that the snapshot of an answer sees is seen by 'than', too.
 */
bool
stash_track_is_not_newer(const StashTrackSnapshot *snapshot, Snapshot than)
{
	bool		in_recovery = than->takenDuringRecovery;
	TransactionId *running = in_recovery ? than->subxip : than->xip;
	int			nrunning = in_recovery ? than->subxcnt : than->xcnt;

	if (FullTransactionIdPrecedes(stash_track_widen(than->xmax), snapshot->xmax))
		return false;
	for (int i = 0; i < nrunning; i++)
	{
		if (stash_track_sees(snapshot, stash_track_widen(running[i])))
			return false;
	}
	return true;
}

/*
 * The same of another copy: whether 'snapshot' sees nothing that 'than' does not.
 */
bool
stash_track_is_no_later(const StashTrackSnapshot *snapshot,
						const StashTrackSnapshot *than)
{
	if (FullTransactionIdPrecedes(than->xmax, snapshot->xmax))
		return false;
	for (int i = 0; i < than->nxip; i++)
	{
		if (stash_track_sees(snapshot, than->xip[i]))
			return false;
	}
	return true;
}

/*
 * A number that stays the same while everything that was proved still is: the
 * snapshot sees the same, and neither the catalogs nor this transaction have
 * changed anything.  0 when that cannot be told.
 *
 * Two snapshots with the same end and as many running transactions know the
 * same ones: below the end none is added, and those that are over go.  But the
 * own is never among them, and goes on running when it is prepared.
 */
uint64
stash_track_moment(void)
{
	static uint64 moment = 1;
	static uint64 last[6];
	Snapshot	mine;
	uint64		now[6];

	if (!ActiveSnapshotSet())
		return 0;
	AcceptInvalidationMessages();
	mine = GetActiveSnapshot();
	now[0] = mine->takenDuringRecovery ? mine->subxcnt : mine->xcnt;
	now[1] = mine->xmin;
	now[2] = mine->xmax;
	now[3] = GetTopTransactionIdIfAny();
	now[4] = stash_catalog_news();
	now[5] = stash_track_marks();
	if (memcmp(now, last, sizeof(now)) != 0)
	{
		memcpy(last, now, sizeof(now));
		moment++;
	}
	return moment;
}
