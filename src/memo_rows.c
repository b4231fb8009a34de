/*-------------------------------------------------------------------------
 *
 * memo_rows.c
 *	  Remembered sets: from the rows of a target to frames, and back.
 *
 * A small set is one frame, an array of rows, which is also kept in the
 * session's memory.  A larger one stands in the stash in parts, each such a
 * frame; it is written and read part by part, so that no more than one is in
 * memory.  The rows themselves are in a tuplestore, which goes to disk beyond
 * work_mem.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "memo.h"
#include "store.h"
#include "typeio.h"

#define MAX_ROW_BYTES	(64 * 1024 * 1024)	/* sets with larger rows are not
											 * kept */

/*
 * The type of a set's rows.
 */
StashType *
stash_memo_rows_type(TupleDesc desc)
{
	/* a named row type keeps its name only while its shape is its own */
	if (desc->tdtypeid != RECORDOID)
		return stash_type_lookup(desc->tdtypeid, -1);
	BlessTupleDesc(desc);
	return stash_type_lookup(RECORDOID, desc->tdtypmod);
}

/* ---- keeping ---- */

/* whether a row in a slot of minimal tuples takes no more than so many bytes */
static bool
row_fits(TupleTableSlot *slot, int64 limit)
{
	MinimalTuple tuple = ((MinimalTupleTableSlot *) slot)->mintuple;
	TupleDesc	desc = slot->tts_tupleDescriptor;
	int64		size = tuple->t_len;

	if (unlikely((tuple->t_infomask & HEAP_HASEXTERNAL) != 0))
	{
		slot_getallattrs(slot);
		for (int i = 0; i < desc->natts; i++)
		{
			if (!slot->tts_isnull[i] && TupleDescAttr(desc, i)->attlen == -1 &&
				VARATT_IS_EXTERNAL(DatumGetPointer(slot->tts_values[i])))
				size += toast_raw_datum_size(slot->tts_values[i]);
		}
	}
	return size <= limit;
}

/*
 * Write the rows that are left, until the image has more than 'limit' bytes.
 * Says in *fits whether no row was too large to be kept; returns whether there
 * may be more.
 */
static bool
write_rows(StashFrameRows *writer, Tuplestorestate *rows, TupleTableSlot *slot,
		   int64 limit, bool *fits)
{
	*fits = true;
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		*fits = row_fits(slot, MAX_ROW_BYTES);
		if (!*fits)
			return true;
		stash_frame_rows_add(writer, slot);
		if (writer->sink.used > limit)
			return true;
	}
	return false;
}

/*
 * The frame of a set, or NULL where it has more than 'limit' bytes.
 */
bytea *
stash_memo_rows_frame(Tuplestorestate *rows, TupleDesc desc, int64 limit)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	StashFrameRows writer;
	bytea	   *frame = NULL;
	bool		fits;

	stash_frame_rows_begin(&writer, stash_memo_rows_type(desc));
	if (write_rows(&writer, rows, slot, limit, &fits))
		pfree(writer.sink.buf);
	else
		frame = stash_frame_rows_finish(&writer, STASH_CODEC_LZ4);
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_rescan(rows);
	return frame;
}

/* a set that is being kept in parts */
typedef struct RowsKeeping
{
	StashMemo  *memo;
	StashMemoKey *key;
	bytea	   *frame;			/* of the key */
	Tuplestorestate *rows;
	TupleDesc	desc;
	int64		limit;
	StashMemoResult *result;
	StashMemoReason reason;		/* why it is not kept */
	MemoryContext context;		/* of one part */
} RowsKeeping;

/*
 * Sets that this transaction keeps in parts already: the running statement
 * does not see them, and would keep them again and again.
 */
static struct
{
	FullTransactionId xid;
	int			n;				/* of all; the last ones are known */
	StashHash128 keys[64];
}			kept;

static bool
is_kept(const StashMemoKey *key)
{
	if (!FullTransactionIdEquals(kept.xid, GetTopFullTransactionIdIfAny()))
		return false;
	for (int i = 0; i < Min(kept.n, lengthof(kept.keys)); i++)
	{
		if (memcmp(&kept.keys[i], &key->hash, sizeof(key->hash)) == 0)
			return true;
	}
	return false;
}

static void
note_kept(const StashMemoKey *key)
{
	FullTransactionId xid = GetTopFullTransactionIdIfAny();

	if (!FullTransactionIdEquals(kept.xid, xid))
		kept.n = 0;
	kept.xid = xid;
	kept.keys[kept.n++ % lengthof(kept.keys)] = key->hash;
}

/* the errors of a set that is too large to be kept; nobody sees them */
pg_noreturn static void
refuse_size(RowsKeeping *keeping)
{
	keeping->reason = STASH_MEMO_TOO_LARGE;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("result is too large to be remembered")));
}

static void
keep_parts(RowsKeeping *keeping, StashMemoFilling *filling)
{
	StashType  *type = stash_memo_rows_type(keeping->desc);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(keeping->desc,
													&TTSOpsMinimalTuple);
	MemoryContext old = MemoryContextSwitchTo(keeping->context);
	int64		size = 0;
	bool		has_more = true;

	while (has_more)
	{
		StashFrameRows writer;
		bool		fits;

		stash_frame_rows_begin(&writer, type);
		has_more = write_rows(&writer, keeping->rows, slot,
							  STASH_MEMO_PART_BYTES, &fits);
		size += writer.sink.used;
		if (!fits || size > keeping->limit)
			refuse_size(keeping);
		filling->parts.nrows += writer.nrows;
		if (writer.nrows > 0)
			stash_memo_table_append_part(filling, keeping->key,
										 stash_frame_rows_finish(&writer, STASH_CODEC_LZ4),
										 keeping->result);
		/* a row that was on disk is in this memory */
		ExecClearTuple(slot);
		MemoryContextReset(keeping->context);
	}
	MemoryContextSwitchTo(old);
	ExecDropSingleTupleTableSlot(slot);
}

static void
keep_set(void *arg)
{
	RowsKeeping *keeping = arg;
	StashMemoFilling filling;

	keeping->reason = stash_memo_table_begin_parts(keeping->memo, &filling);
	if (keeping->reason != STASH_MEMO_FINE)
		return;
	keep_parts(keeping, &filling);
	keeping->reason = stash_memo_table_append(keeping->memo, keeping->key,
											  keeping->frame,
											  stash_store_parts_head(&filling.parts),
											  keeping->result);
	*keeping->result->parts = filling.parts;
	relation_close(filling.rel, NoLock);
}

/*
 * Keep a set in parts, or nothing of it: where it has more than about 'limit'
 * bytes, or cannot be written.  'frame' is the key in full; result->parts tells
 * of what was written, nothing where it was there before.
 *
 * Returns STASH_MEMO_FINE, or why it was not kept.
 */
StashMemoReason
stash_memo_rows_keep(StashMemo *memo, StashMemoKey *key, bytea *frame,
					 Tuplestorestate *rows, TupleDesc desc, int64 limit,
					 StashMemoResult *result)
{
	RowsKeeping keeping = {.memo = memo,.key = key,.frame = frame,.rows = rows,
	.desc = desc,.limit = limit,.result = result};

	result->parts = palloc0(sizeof(StashParts));
	/* unless it was seen, and does not do any more */
	if (!key->replaces && is_kept(key))
		return STASH_MEMO_FINE;
	keeping.context = AllocSetContextCreate(CurrentMemoryContext,
											"pg_hashstash part",
											ALLOCSET_DEFAULT_SIZES);
	if (!stash_memo_try(keep_set, &keeping))
	{
		/* what was written is gone, and was no side effect of a target */
		stash_memo_trace_after_write();
		if (keeping.reason == STASH_MEMO_FINE)
			keeping.reason = STASH_MEMO_NOT_WRITTEN;
	}
	else if (keeping.reason == STASH_MEMO_FINE)
		note_kept(key);
	MemoryContextDelete(keeping.context);
	tuplestore_rescan(rows);
	return keeping.reason;
}

/* ---- reading ---- */

/* a set that is read back */
typedef struct RowsReading
{
	StashMemo  *memo;
	const StashMemoKey *key;
	const StashMemoResult *result;
	StashType  *row;			/* that is expected */
	Tuplestorestate *store;
	TupleDesc	desc;
	bool		fits;			/* it is what is expected */
	MemoryContext context;		/* of one frame */
} RowsReading;

/* false when a frame holds no rows of the type that is expected */
static bool
open_frame(RowsReading *reading, const bytea *frame, StashFrameRowsReader *rows)
{
	StashFrameReader reader;

	stash_frame_open(&reader, VARDATA_ANY(frame), VARSIZE_ANY_EXHDR(frame));
	/* what came out of memory may be older than the type */
	return stash_type_by_descriptor(reader.type, reader.typelen, true) != NULL &&
		stash_frame_rows_open(rows, &reader) &&
		rows->row->oid == reading->row->oid &&
		rows->row->typmod == reading->row->typmod;
}

static bool
read_frame(RowsReading *reading, const bytea *frame)
{
	StashFrameRowsReader rows;
	int			natts = reading->row->desc->natts;
	Datum	   *values = palloc(sizeof(Datum) * Max(natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(natts, 1));
	MemoryContext context;
	MemoryContext old;

	if (!open_frame(reading, frame, &rows))
		return false;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash row",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	while (stash_frame_rows_next(&rows, values, nulls))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(reading->store, reading->desc, values, nulls);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return true;
}

static bool
read_parts(RowsReading *reading)
{
	const StashParts *parts = reading->result->parts;
	bool		fits = true;

	/* the one under which the head was found may be gone */
	if (reading->result->is_latest)
		PushActiveSnapshot(GetLatestSnapshot());
	for (int32 i = 0; fits && i < parts->nparts; i++)
	{
		StashEntry	entry;

		CHECK_FOR_INTERRUPTS();
		fits = stash_memo_table_find_part(reading->memo, reading->key, parts,
										  i, &entry) &&
			read_frame(reading, (bytea *) DatumGetPointer(entry.value));
		MemoryContextReset(reading->context);
	}
	if (reading->result->is_latest)
		PopActiveSnapshot();
	return fits && tuplestore_tuple_count(reading->store) == parts->nrows;
}

static void
read_set(void *arg)
{
	RowsReading *reading = arg;
	MemoryContext old = MemoryContextSwitchTo(reading->context);

	reading->fits = reading->result->parts != NULL ? read_parts(reading) :
		read_frame(reading, reading->result->rows);
	MemoryContextSwitchTo(old);
}

/*
 * The rows of a remembered set, or NULL when they are not what is expected, or
 * parts of them are gone.
 */
Tuplestorestate *
stash_memo_rows_read(StashMemo *memo, const StashMemoKey *key,
					 const StashMemoResult *result, TupleDesc desc, bool random)
{
	RowsReading reading = {.memo = memo,.key = key,.result = result,
	.row = stash_memo_rows_type(desc),.desc = desc};

	reading.store = tuplestore_begin_heap(random, false, work_mem);
	reading.context = AllocSetContextCreate(CurrentMemoryContext,
											"pg_hashstash part",
											ALLOCSET_DEFAULT_SIZES);
	if (reading.row->always_reads)
		read_set(&reading);
	else if (!stash_memo_try(read_set, &reading))
		reading.fits = false;
	MemoryContextDelete(reading.context);
	if (reading.fits)
		return reading.store;
	tuplestore_end(reading.store);
	return NULL;
}
