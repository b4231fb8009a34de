/*-------------------------------------------------------------------------
 *
 * memo_table.c
 *	  Results in a memo's own stash.
 *
 * Nothing here waits for a lock, and nothing may make a call fail that would
 * succeed without us: where the stash cannot be used, the reason is returned
 * and the call is computed.  The stash belongs to the owner of the function;
 * it is read and written on that owner's behalf, whoever calls.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/relation.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"
#include "store.h"

/*
 * What a target finds under a name is another table where there is a
 * temporary one: such answers are nobody else's, nor others' ours.
 */
static bool
may_see_temporary(StashMemo *memo)
{
	return memo->volatility != PROVOLATILE_IMMUTABLE &&
		stash_catalog_has_temporary();
}

/*
 * Whether the stash of a memo may be read now: STASH_MEMO_FINE or why not.
 */
StashMemoReason
stash_memo_may_read(StashMemo *memo)
{
	if (!OidIsValid(memo->stash))
		return memo->stash_reason;
	if (!ActiveSnapshotSet())
		return STASH_MEMO_NO_SNAPSHOT;
	if (IsolationIsSerializable())
		return STASH_MEMO_SERIALIZABLE;
	if (may_see_temporary(memo))
		return STASH_MEMO_TEMPORARY;
	return STASH_MEMO_FINE;
}

/*
 * Whether it may be written now.
 */
StashMemoReason
stash_memo_may_write(StashMemo *memo)
{
	if (!OidIsValid(memo->stash))
		return memo->stash_reason;
	if (stash_memo_mode == STASH_MEMO_MODE_READONLY)
		return STASH_MEMO_READONLY_MODE;
	if (RecoveryInProgress())
		return STASH_MEMO_RECOVERY;
	if (XactReadOnly)
		return STASH_MEMO_READ_ONLY;
	if (IsolationIsSerializable())
		return STASH_MEMO_SERIALIZABLE;
	if (IsInParallelMode())
		return STASH_MEMO_PARALLEL;
	if (may_see_temporary(memo))
		return STASH_MEMO_TEMPORARY;
	return STASH_MEMO_FINE;
}

/* lock the indexes too, for REINDEX locks them apart from their table */
static bool
lock_indexes(Oid stash, LOCKMODE lock)
{
	Relation	rel = relation_open(stash, NoLock);
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *cell;
	bool		locked = true;

	foreach(cell, indexes)
		locked = locked && ConditionalLockRelationOid(lfirst_oid(cell), lock);
	list_free(indexes);
	relation_close(rel, NoLock);
	return locked;
}

/* what the catalog says against the use of a stash that is locked */
static StashMemoReason
check_catalog(StashMemo *memo)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(memo->stash));
	Form_pg_class form;
	StashMemoReason reason = STASH_MEMO_FINE;

	if (!HeapTupleIsValid(tuple))
		return STASH_MEMO_STASH_MISSING;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->reloftype != stash_catalog_entry_type())
		reason = STASH_MEMO_STASH_ALTERED;
	else if (form->relowner != memo->owner)
		reason = STASH_MEMO_STASH_FOREIGN;
	else if (IsParallelWorker() &&
			 form->relpersistence == RELPERSISTENCE_TEMP)
		reason = STASH_MEMO_PARALLEL;
	else if (RecoveryInProgress() &&
			 form->relpersistence != RELPERSISTENCE_PERMANENT)
		reason = STASH_MEMO_RECOVERY;
	ReleaseSysCache(tuple);
	return reason;
}

/*
 * Whether the stash has been locked and looked at before, so that nobody else
 * can have changed it since; what we change ourselves makes the memo new.
 */
static bool
is_locked(const StashMemo *memo, LOCKMODE lock)
{
	return memo->lock >= lock &&
		memo->lock_xact == stash_compat_local_xid() &&
		memo->lock_subid == GetCurrentSubTransactionId();
}

/* lock the stash without waiting; STASH_MEMO_FINE, or why that fails */
static StashMemoReason
lock_stash(StashMemo *memo, LOCKMODE lock)
{
	StashMemoReason reason;

	if (is_locked(memo, lock))
		return STASH_MEMO_FINE;
	stash_memo_cache_watch(memo->stash);
	if (!ConditionalLockRelationOid(memo->stash, lock))
		return STASH_MEMO_STASH_LOCKED;
	reason = check_catalog(memo);
	if (reason != STASH_MEMO_FINE)
		return reason;
	if (!lock_indexes(memo->stash, lock))
		return STASH_MEMO_STASH_LOCKED;
	memo->lock = lock;
	memo->lock_xact = stash_compat_local_xid();
	memo->lock_subid = GetCurrentSubTransactionId();
	return STASH_MEMO_FINE;
}

/* open the stash without waiting; NULL, and the reason, where that fails */
static StashStore *
open_stash(StashMemo *memo, LOCKMODE lock, Relation *rel,
		   StashMemoReason *reason)
{
	StashStore *store;

	*reason = lock_stash(memo, lock);
	if (*reason != STASH_MEMO_FINE)
		return NULL;
	store = stash_store_open(memo->stash, rel, NoLock);
	if (store->is_bare && !RELATION_IS_OTHER_TEMP(*rel))
	{
		memo->notes_use = store->options.evict == STASH_EVICT_LRU;
		return store;
	}
	*reason = STASH_MEMO_STASH_ALTERED;
	relation_close(*rel, NoLock);
	return NULL;
}

/*
 * Find the newest visible result of a key; 'frame' is the key in full.
 *
 * *found tells whether there is one; it is never set where the stash cannot
 * be read, and then the result says why.  A result of which a part is missing
 * is none.
 */
StashMemoReason
stash_memo_table_find(StashMemo *memo, StashMemoKey *key, bytea *frame,
					  bool *found, StashEntry *entry)
{
	StashMemoReason reason = stash_memo_may_read(memo);
	Relation	rel;
	StashStore *store;
	StashParts	parts;

	*found = false;
	if (reason != STASH_MEMO_FINE)
		return reason;
	store = open_stash(memo, AccessShareLock, &rel, &reason);
	if (store == NULL)
		return reason;
	*found = stash_store_find(store, rel, key->hash, frame, entry, true);
	key->replaces |= entry->is_there;
	if (*found && memo->retset && !entry->value_isnull &&
		stash_store_is_head(entry->value, &parts))
		*found = stash_store_has_parts(store, rel, &parts, key->hash);
	if (*found && memo->notes_use)
		stash_store_note_use(memo->stash, key->hash);
	relation_close(rel, NoLock);
	return STASH_MEMO_FINE;
}

/*
 * The same for what has been committed by now, be it visible or not.
 */
bool
stash_memo_table_find_latest(StashMemo *memo, StashMemoKey *key,
							 bytea *frame, StashEntry *entry)
{
	bool		found;

	/* parallel workers cannot take a snapshot of their own */
	if (IsInParallelMode())
		return false;
	PushActiveSnapshot(GetLatestSnapshot());
	(void) stash_memo_table_find(memo, key, frame, &found, entry);
	PopActiveSnapshot();
	return found;
}

/*
 * What was found is no answer: next time look in the index, where there may be
 * a newer one that nobody could put in its place.
 */
void
stash_memo_table_doubt(StashMemo *memo, const StashMemoKey *key)
{
	StashMemoReason reason;
	Relation	rel;

	if (open_stash(memo, AccessShareLock, &rel, &reason) == NULL)
		return;
	stash_store_hint_drop(rel, key->hash);
	relation_close(rel, NoLock);
}

/*
 * Whether an entry just found is the newest one for everybody: it is not when
 * it was forgotten or replaced by a transaction that our snapshot does not
 * see.  Then it serves this call, and must not be kept in memory.
 */
bool
stash_memo_table_is_current(StashMemo *memo, StashMemoKey *key,
							bytea *frame, const StashEntry *entry)
{
	StashEntry	newest;

	if (!stash_memo_cache_has_news())
		return true;
	return stash_memo_table_find_latest(memo, key, frame, &newest) &&
		newest.created_at == entry->created_at;
}

/*
 * Find a part of a result under the active snapshot; false when it is gone,
 * or the stash cannot be read any more.
 */
bool
stash_memo_table_find_part(StashMemo *memo, const StashMemoKey *key,
						   const StashParts *parts, int32 number,
						   StashEntry *entry)
{
	StashMemoReason reason;
	Relation	rel;
	StashStore *store = open_stash(memo, AccessShareLock, &rel, &reason);
	bool		found;

	if (store == NULL)
		return false;
	found = stash_store_find_part(store, rel, parts, key->hash, number, entry);
	relation_close(rel, NoLock);
	return found;
}

/*
 * Keep a result in the stash; 'value' is a variant or NULL.  It takes the
 * place of those that were found and would not do, and does a put's part in
 * keeping the stash within its bounds.
 *
 * Returns STASH_MEMO_FINE, or why it was not kept.
 */
StashMemoReason
stash_memo_table_append(StashMemo *memo, const StashMemoKey *key, bytea *frame,
						bytea *value, const StashMemoResult *result)
{
	StashMemoReason reason = stash_memo_may_write(memo);
	Interval	cost = {0};
	Relation	rel;
	StashStore *store;

	if (reason != STASH_MEMO_FINE)
		return reason;
	store = open_stash(memo, RowExclusiveLock, &rel, &reason);
	if (store == NULL)
		return reason;
	cost.time = result->cost_us;
	stash_memo_trace_before_write();
	if (key->replaces)
		stash_store_supersede(store, rel, key->hash, frame);
	stash_store_append(store, rel, key->hash, frame, value,
					   result->created_at, result->expires_at, &cost,
					   result->proof ? stash_memo_proof_write(result->proof) : NULL);
	stash_memo_trace_after_write();
	stash_store_sweep_some(store, rel, 1,
						   !TIMESTAMP_IS_NOEND(result->expires_at));
	stash_memo_trace_after_write();
	relation_close(rel, NoLock);
	return STASH_MEMO_FINE;
}

/*
 * Begin to keep a result in parts: stash_memo_table_append_part() for each of
 * them, then stash_memo_table_append() for its head, whose value is
 * stash_store_parts_head(), in one subtransaction.
 *
 * Returns STASH_MEMO_FINE, or why it cannot be kept.
 */
StashMemoReason
stash_memo_table_begin_parts(StashMemo *memo, StashMemoFilling *filling)
{
	StashMemoReason reason = stash_memo_may_write(memo);

	if (reason != STASH_MEMO_FINE)
		return reason;
	filling->store = open_stash(memo, RowExclusiveLock, &filling->rel, &reason);
	if (filling->store != NULL)
		stash_store_begin_parts(&filling->parts);
	return reason;
}

/*
 * Keep the next part of a result.
 */
void
stash_memo_table_append_part(StashMemoFilling *filling,
							 const StashMemoKey *key, bytea *part,
							 const StashMemoResult *result)
{
	stash_memo_trace_before_write();
	stash_store_append_part(filling->store, filling->rel, &filling->parts,
							key->hash, part, result->created_at,
							result->expires_at);
	stash_memo_trace_after_write();
}
