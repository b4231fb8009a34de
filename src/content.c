/*-------------------------------------------------------------------------
 *
 * content.c
 *	  The bytes of a varlena, in memory or still in TOAST.
 *
 * Chunks of a stored value go from the buffer page straight to where they are
 * wanted.  One index scan serves all pieces of a value: to open the table
 * anew for each costs more than to read a block (test/bench/hash.sh).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heaptoast.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/toast_internals.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "content.h"

#define LEAST_STORED	(32 * 1024) /* bytes; smaller ones are read at once */
#define WINDOW_SIZE		(256 * 1024)

/* columns of every TOAST table, and of its index */
#define CHUNK_ID		1
#define CHUNK_SEQ		2
#define CHUNK_DATA		3

/* A value in TOAST that is being read. */
struct StashStored
{
	Oid			valueid;
	Size		len;
	Relation	toast;
	Relation   *indexes;
	int			nindexes;
	IndexScanDesc scan;
	TupleTableSlot *slot;		/* the chunk of the last step; pins its page */
	SnapshotData snapshot;
	char	   *buffer;			/* for windows, or NULL; of 'room' bytes */
	Size		room;
};

/* A sink into memory that has room for all that comes. */
static void
overflow_window(StashSink *sink, const void *data, Size len)
{
	elog(ERROR, "window of stored value is too small by %zu bytes", len);
}

/* ---- opening and closing ---- */

/*
 * True for a value that stash_content_open() leaves in TOAST.
 */
bool
stash_content_stays_stored(Datum value)
{
	struct varlena *attr = (struct varlena *) DatumGetPointer(value);
	struct varatt_external pointer;

	if (!VARATT_IS_EXTERNAL_ONDISK(attr))
		return false;
	VARATT_EXTERNAL_GET_POINTER(pointer, attr);
	return !VARATT_EXTERNAL_IS_COMPRESSED(pointer) &&
		VARATT_EXTERNAL_GET_EXTSIZE(pointer) >= LEAST_STORED;
}

static StashStored *
open_stored(Datum value)
{
	StashStored *stored = palloc0(sizeof(StashStored));
	struct varatt_external pointer;
	int			valid;

	VARATT_EXTERNAL_GET_POINTER(pointer, DatumGetPointer(value));
	stored->valueid = pointer.va_valueid;
	stored->len = VARATT_EXTERNAL_GET_EXTSIZE(pointer);
	stored->toast = table_open(pointer.va_toastrelid, AccessShareLock);
	valid = toast_open_indexes(stored->toast, AccessShareLock,
							   &stored->indexes, &stored->nindexes);
	stored->slot = table_slot_create(stored->toast, NULL);
	stored->scan =
		stash_compat_index_beginscan(stored->toast, stored->indexes[valid],
									 stash_compat_toast_snapshot(&stored->snapshot),
									 3);
	return stored;
}

/*
 * Open a value for reading, of any type that is a varlena.
 *
 * The value must outlive it.  Close it again; after an error the end of the
 * (sub)transaction does.
 */
void
stash_content_open(StashContent *content, Datum value)
{
	if (!stash_content_stays_stored(value))
	{
		struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);

		stash_content_open_memory(content, VARDATA_ANY(packed),
								  VARSIZE_ANY_EXHDR(packed));
		if ((Pointer) packed != DatumGetPointer(value))
			content->copy = packed;
		return;
	}
	memset(content, 0, sizeof(*content));
	content->stored = open_stored(value);
	content->len = content->stored->len;
}

/*
 * Open 'len' bytes that are in memory, and stay there.
 */
void
stash_content_open_memory(StashContent *content, const char *data, Size len)
{
	content->data = data;
	content->len = len;
	content->copy = NULL;
	content->stored = NULL;
}

/*
 * Close what was opened, and free what it holds.
 */
void
stash_content_close(StashContent *content)
{
	StashStored *stored = content->stored;

	if (content->copy != NULL)
		pfree(content->copy);
	if (stored == NULL)
		return;
	index_endscan(stored->scan);
	ExecDropSingleTupleTableSlot(stored->slot);
	toast_close_indexes(stored->indexes, stored->nindexes, AccessShareLock);
	table_close(stored->toast, AccessShareLock);
	if (stored->buffer != NULL)
		pfree(stored->buffer);
	pfree(stored);
}

/* ---- reading ---- */

pg_noreturn static void
refuse_chunks(StashStored *stored, int32 expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("chunk %d of stored value %u in \"%s\" is missing or damaged",
					expected, stored->valueid,
					RelationGetRelationName(stored->toast))));
}

/* the bytes of a chunk; its page stays pinned until the next step */
static const char *
get_chunk(StashStored *stored, int32 expected)
{
	bool		isnull[2];
	Datum		seq = slot_getattr(stored->slot, CHUNK_SEQ, &isnull[0]);
	Datum		data = slot_getattr(stored->slot, CHUNK_DATA, &isnull[1]);
	Size		rest = stored->len - (Size) expected * TOAST_MAX_CHUNK_SIZE;

	if (isnull[0] || isnull[1] || DatumGetInt32(seq) != expected ||
		VARATT_IS_EXTERNAL(DatumGetPointer(data)) ||
		VARATT_IS_COMPRESSED(DatumGetPointer(data)) ||
		VARSIZE_ANY_EXHDR(DatumGetPointer(data)) != Min(rest, TOAST_MAX_CHUNK_SIZE))
		refuse_chunks(stored, expected);
	return VARDATA_ANY(DatumGetPointer(data));
}

/* put the bytes 'at' to 'at' + 'len', which must not be 0, into a sink */
static void
put_chunks(StashStored *stored, Size at, Size len, StashSink *sink)
{
	int32		chunk = (int32) (at / TOAST_MAX_CHUNK_SIZE);
	int32		last = (int32) ((at + len - 1) / TOAST_MAX_CHUNK_SIZE);
	Size		skip = at % TOAST_MAX_CHUNK_SIZE;
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], CHUNK_ID, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(stored->valueid));
	ScanKeyInit(&keys[1], CHUNK_SEQ, BTGreaterEqualStrategyNumber, F_INT4GE,
				Int32GetDatum(chunk));
	ScanKeyInit(&keys[2], CHUNK_SEQ, BTLessEqualStrategyNumber, F_INT4LE,
				Int32GetDatum(last));
	index_rescan(stored->scan, keys, lengthof(keys), NULL, 0);
	for (; chunk <= last; chunk++)
	{
		const char *data;
		Size		size;

		CHECK_FOR_INTERRUPTS();
		if (!index_getnext_slot(stored->scan, ForwardScanDirection, stored->slot))
			refuse_chunks(stored, chunk);
		data = get_chunk(stored, chunk);
		size = Min(len, TOAST_MAX_CHUNK_SIZE - skip);
		stash_sink_put(sink, data + skip, size);
		len -= size;
		skip = 0;
	}
}

/*
 * Bring bytes of a stored value into memory, and as many behind them as fit;
 * stash_content_at() calls it.
 */
const char *
stash_content_fetch(StashContent *content, Size at, Size len)
{
	StashStored *stored = content->stored;
	Size		size = Min(Max(len, WINDOW_SIZE), content->len - at);
	StashSink	sink = {0};

	if (at > content->len || len > content->len - at)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored value is shorter than it says")));
	if (stored->room < size)
	{
		if (stored->buffer != NULL)
			pfree(stored->buffer);
		stored->buffer = NULL;
		stored->room = Max(size, WINDOW_SIZE);
		stored->buffer = palloc(stored->room + MAXIMUM_ALIGNOF);
	}
	/* in a whole varlena the content stands behind the length word */
	sink.buf = stored->buffer + (at + VARHDRSZ) % MAXIMUM_ALIGNOF;
	sink.cap = size;
	sink.overflow = overflow_window;
	if (size > 0)
		put_chunks(stored, at, size, &sink);
	content->window = sink.buf;
	content->from = at;
	content->to = at + size;
	return content->window;
}

/*
 * Put the bytes 'at' to 'at' + 'len' into a sink.
 */
void
stash_content_put(StashContent *content, Size at, Size len, StashSink *sink)
{
	if (content->data != NULL)
		stash_sink_put(sink, content->data + at, len);
	else if (len > 0)
		put_chunks(content->stored, at, len, sink);
}
