/*-------------------------------------------------------------------------
 *
 * place.c
 *	  Rows of tables at places that are known from before.
 *
 * A place is a buffer and a line pointer in its page.  Whatever is known may be
 * over: the buffer may have another block by now, of another table, and the
 * line pointer another row.  What is found is to be looked at before it is
 * believed; that it is found in the right table is all that is promised.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"

#include "compat.h"
#include "place.h"

/*
 * Pin a buffer when it has a block of a table, and tell which; false when it
 * has none, or the table is no heap.
 */
bool
stash_place_pin(Relation rel, Buffer buffer, BlockNumber *block)
{
	if (rel->rd_tableam != GetHeapamTableAmRoutine())
		return false;
	if (!BufferIsLocal(buffer))
		*block = GetBufferDescriptor(buffer - 1)->tag.blockNum;
	else if (-buffer <= NLocBuffer)
		*block = GetLocalBufferDescriptor(-buffer - 1)->tag.blockNum;
	else
		return false;
	/* which may have changed by now */
	return stash_compat_read_recent_buffer(rel, *block, buffer);
}

/*
 * Take out of a page what nobody sees any more, should it need room, as a scan
 * does that comes by.
 */
void
stash_place_prune(Relation rel, Buffer buffer)
{
	Page		page = BufferGetPage(buffer);
	Size		least = Max(RelationGetTargetPageFreeSpace(rel, HEAP_DEFAULT_FILLFACTOR),
							BLCKSZ / 10);
	Buffer		map = InvalidBuffer;

	/*
	 * The server asks the same, but only after whether there is something to
	 * take out, for which it looks at all sessions.
	 */
	if (!PageIsFull(page) && PageGetHeapFreeSpace(page) >= least)
		return;
	stash_compat_prune_page(rel, buffer, &map);
	if (BufferIsValid(map))
		ReleaseBuffer(map);
}

/* write down, on the page itself, that who made or removed a row has committed */
static void
hint(Buffer buffer, OffsetNumber offset, TransactionId committed)
{
	Page		page = BufferGetPage(buffer);
	HeapTupleHeader row;

	if (offset > PageGetMaxOffsetNumber(page) ||
		!ItemIdIsNormal(PageGetItemId(page, offset)))
		return;
	row = (HeapTupleHeader) PageGetItem(page, PageGetItemId(page, offset));
	if ((row->t_infomask & (HEAP_XMIN_COMMITTED | HEAP_XMIN_INVALID)) == 0 &&
		TransactionIdEquals(HeapTupleHeaderGetRawXmin(row), committed))
		HeapTupleSetHintBits(row, buffer, HEAP_XMIN_COMMITTED,
							 InvalidTransactionId);
	if ((row->t_infomask & (HEAP_XMAX_COMMITTED | HEAP_XMAX_INVALID |
							HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY)) == 0 &&
		TransactionIdEquals(HeapTupleHeaderGetRawXmax(row), committed))
		HeapTupleSetHintBits(row, buffer, HEAP_XMAX_COMMITTED,
							 InvalidTransactionId);
}

/*
 * Find the row at tuple->t_self in a buffer that is pinned; false when there is
 * none that the snapshot sees.  It is good while the buffer is pinned.
 *
 * 'committed': a transaction of which the caller knows that it has committed and
 * that this is on the disk, or invalid.  Should it have made the row, or replaced
 * another at 'before', that is written down there, so that nobody has to find
 * it out.
 *
 * Tells nobody of reading, as a serializable transaction would have to.
 */
bool
stash_place_see(Relation rel, Buffer buffer, Snapshot snapshot, HeapTuple tuple,
				TransactionId committed, OffsetNumber before)
{
	Page		page = BufferGetPage(buffer);
	OffsetNumber offset = ItemPointerGetOffsetNumber(&tuple->t_self);
	bool		is_visible = false;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (TransactionIdIsValid(committed))
	{
		hint(buffer, offset, committed);
		hint(buffer, before, committed);
	}
	if (offset <= PageGetMaxOffsetNumber(page) &&
		ItemIdIsNormal(PageGetItemId(page, offset)))
	{
		ItemId		item = PageGetItemId(page, offset);

		tuple->t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple->t_len = ItemIdGetLength(item);
		tuple->t_tableOid = RelationGetRelid(rel);
		is_visible = HeapTupleSatisfiesVisibility(tuple, snapshot, buffer);
	}
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	return is_visible;
}
