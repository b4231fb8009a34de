/*-------------------------------------------------------------------------
 *
 * store_hint.c
 *	  Stash tables: where entries were found, so that the next look-up saves
 *	  the way through the index.
 *
 * A hint is one word, which tells of a key in which buffer its entry was, and
 * where in that:
 *
 *		24 bits		number of the buffer
 *		11 bits		number of the line pointer, never 0
 *		12 bits		where the line pointer led to, in eights of bytes
 *		17 bits		tag, of the hash of database, stash and key
 *
 * The same hash tells which line of a processor's cache, eight words, has the
 * hint.  Hints lie in memory that all sessions share; those of temporary
 * stashes, whose buffers are the session's own, and all where memory cannot
 * be shared, in the session's.
 *
 * There are no locks, and no change of a stash ends a hint: what it leads to is
 * looked at before it is believed.  So it may well be of a stash that was
 * dropped.
 *
 * Whom the index has led to a row gives hints to those beside it in the page,
 * too: so a stash is known after about as many look-ups as it has pages.  Not
 * in one for which there is no room: few of them would be met again.
 *
 * In a table larger than the caches, what costs time is waiting for memory,
 * and less what is done.  All that will be read is in one word: so it is asked
 * for at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "port/pg_bitutils.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "place.h"
#include "shmem.h"
#include "store.h"

#define BUFFER_BITS		24
#define OFFSET_BITS		11
#define PLACE_BITS		12
#define TAG_SHIFT		(BUFFER_BITS + OFFSET_BITS + PLACE_BITS)

#define LINE_BYTES		64
#define LINE_HINTS		(LINE_BYTES / sizeof(uint64))

#define ROW_LINES		3		/* of a row that are asked for at once */
#define LOOK_AHEAD		8		/* hints that are asked for at once */

/* of all sessions: for each buffer two lines, 1/64 of shared_buffers */
#define LINES_PER_BUFFER	2
#define MAX_LINES		(256 * 1024)	/* 16 MB */
#define OWN_LINES		(4 * 1024)	/* 256 kB */

typedef struct HintTable
{
	pg_atomic_uint64 *hints;	/* NULL: not wanted yet, or not to be had */
	uint32		nlines;			/* a power of 2 */
} HintTable;

static HintTable shared;
static HintTable own;

StaticAssertDecl(MaxHeapTuplesPerPage < (1 << OFFSET_BITS),
				 "line pointers do not fit into hints");
StaticAssertDecl(BLCKSZ / 8 <= (1 << PLACE_BITS),
				 "places in pages do not fit into hints");

/* ---- the tables ---- */

static uint32
shared_lines(void)
{
	return Min(pg_nextpower2_32((uint32) NBuffers) * LINES_PER_BUFFER,
			   MAX_LINES);
}

static void
init_table(HintTable *table, void *memory, uint32 nlines)
{
	table->hints = (pg_atomic_uint64 *) TYPEALIGN(LINE_BYTES, memory);
	table->nlines = nlines;
}

static void
clear_hints(void *memory, uint32 nlines)
{
	HintTable	table;

	init_table(&table, memory, nlines);
	for (uint32 i = 0; i < nlines * LINE_HINTS; i++)
		pg_atomic_init_u64(&table.hints[i], 0);
}

static void
clear_shared(void *memory)
{
	clear_hints(memory, shared_lines());
}

static void
find_shared(void)
{
	static bool tried;
	void	   *memory;

	if (tried || IsInParallelMode())
		return;
	tried = true;
	memory = stash_shmem_segment("pg_hashstash hints",
								 shared_lines() * LINE_BYTES + LINE_BYTES,
								 clear_shared);
	if (memory == NULL)
		return;
	init_table(&shared, memory, shared_lines());
	stash_shmem_map(shared.hints, shared_lines() * LINE_BYTES);
}

static void
make_own(void)
{
	void	   *memory = MemoryContextAlloc(TopMemoryContext,
											OWN_LINES * LINE_BYTES + LINE_BYTES);

	clear_hints(memory, OWN_LINES);
	init_table(&own, memory, OWN_LINES);
}

static const HintTable *
table_of(Relation rel)
{
	if (!RelationUsesLocalBuffers(rel))
	{
		if (unlikely(shared.hints == NULL))
			find_shared();
		if (likely(shared.hints != NULL))
			return &shared;
	}
	if (own.hints == NULL)
		make_own();
	return &own;
}

/* ---- hints ---- */

/* Where the hint of a key may be. */
typedef struct HintLine
{
	pg_atomic_uint64 *hints;
	uint64		tag;			/* as it stands in a hint */
} HintLine;

static HintLine
line_of(Relation rel, StashHash128 key_hash)
{
	const HintTable *table = table_of(rel);
	uint64		stash = (uint64) MyDatabaseId << 32 | RelationGetRelid(rel);
	uint64		bits;
	HintLine	line;

	/* the end, in which the parts of a value differ */
	memcpy(&bits, key_hash.data + sizeof(key_hash.data) - sizeof(bits),
		   sizeof(bits));
	/* Fibonacci hashing, Knuth, TAOCP 3, 6.4 */
	bits ^= stash * UINT64CONST(0x9E3779B97F4A7C15);
	line.hints = &table->hints[(bits & (table->nlines - 1)) * LINE_HINTS];
	line.tag = bits >> TAG_SHIFT << TAG_SHIFT;
	return line;
}

/* the place of the hint with this tag, and the hint; NULL: there is none */
static pg_atomic_uint64 *
find_tag(HintLine line, uint64 *hint)
{
	for (int i = 0; i < LINE_HINTS; i++)
	{
		*hint = pg_atomic_read_u64(&line.hints[i]);
		if (*hint != 0 && *hint >> TAG_SHIFT == line.tag >> TAG_SHIFT)
			return &line.hints[i];
	}
	return NULL;
}

/* ask memory for what will be read: descriptor, line pointer, and the row */
static void
prefetch(Buffer buffer, OffsetNumber offset, Size place)
{
	const char *page = BufferGetPage(buffer);

	__builtin_prefetch(GetBufferDescriptor(buffer - 1), 1);
	__builtin_prefetch(page);
	__builtin_prefetch(page + SizeOfPageHeaderData + offset * sizeof(ItemIdData));
	for (int i = 0; i < ROW_LINES; i++)
		__builtin_prefetch(page + place + i * LINE_BYTES);
}

/*
 * Find the row where the entry of a key was, for the caller's snapshot.
 *
 * It may be that of another key.  When true, 'buffer' is pinned, and the row in
 * it.  Not in serializable transactions, whose conflicts are found by way of
 * the index.
 */
bool
stash_store_hint_find(Relation rel, StashHash128 key_hash, HeapTuple tuple,
					  Buffer *buffer)
{
	uint64		hint;
	OffsetNumber offset;
	BlockNumber block;

	if (find_tag(line_of(rel, key_hash), &hint) == NULL ||
		IsolationIsSerializable())
		return false;
	*buffer = (Buffer) (hint & ((1 << BUFFER_BITS) - 1));
	hint >>= BUFFER_BITS;
	offset = (OffsetNumber) (hint & ((1 << OFFSET_BITS) - 1));
	hint >>= OFFSET_BITS;
	if (RelationUsesLocalBuffers(rel))
		*buffer = -*buffer;
	else
		prefetch(*buffer, offset, (hint & ((1 << PLACE_BITS) - 1)) * 8);
	if (!stash_place_pin(rel, *buffer, &block))
		return false;
	ItemPointerSet(&tuple->t_self, block, offset);
	if (stash_place_see(rel, *buffer, GetActiveSnapshot(), tuple, InvalidTransactionId,
						InvalidOffsetNumber))
		return true;
	ReleaseBuffer(*buffer);
	return false;
}

/* a free place in a line; NULL: it is full */
static pg_atomic_uint64 *
find_free(HintLine line)
{
	for (int i = 0; i < LINE_HINTS; i++)
		if (pg_atomic_read_u64(&line.hints[i]) == 0)
			return &line.hints[i];
	return NULL;
}

static uint64
make_hint(HintLine line, Buffer buffer, OffsetNumber offset,
		  HeapTupleHeader row)
{
	uint64		place = ((char *) row - BufferGetPage(buffer)) / 8;

	return line.tag | place << (BUFFER_BITS + OFFSET_BITS) |
		(uint64) offset << BUFFER_BITS | (uint64) abs(buffer);
}

/*
 * The row of a line pointer, and where the hint of its key may be; NULL when
 * there is none, or somebody has deleted or locked it.
 */
static HeapTupleHeader
row_at(Relation rel, Page page, OffsetNumber offset, HintLine *line)
{
	ItemId		item = PageGetItemId(page, offset);
	HeapTupleData tuple;
	StashHash128 key_hash;
	Datum		value;
	bool		isnull;

	if (!ItemIdIsNormal(item))
		return NULL;
	tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
	if ((tuple.t_data->t_infomask & HEAP_XMAX_INVALID) == 0)
		return NULL;
	value = heap_getattr(&tuple, STASH_ENTRY_KEY_HASH, RelationGetDescr(rel),
						 &isnull);
	if (isnull)
		return NULL;
	memcpy(key_hash.data, DatumGetUUIDP(value)->data, sizeof(key_hash.data));
	*line = line_of(rel, key_hash);
	return tuple.t_data;
}

/* whether there would be room for all rows of a stash, by the last ANALYZE */
static bool
would_fit(Relation rel)
{
	return rel->rd_rel->reltuples <= table_of(rel)->nlines * LINE_HINTS;
}

/*
 * Remember the rows on one side of a row in a page, which is pinned and locked:
 * up to one that is known.  No hint makes way for theirs.
 *
 * Whether a row is visible is not asked, for that is seen when its hint is
 * believed.
 */
static void
set_beside(Relation rel, Buffer buffer, OffsetNumber offset, int step)
{
	Page		page = BufferGetPage(buffer);
	int			end = step > 0 ? PageGetMaxOffsetNumber(page) + 1 : 0;
	int			next = offset + step;

	while (next != end)
	{
		HintLine	lines[LOOK_AHEAD];
		uint64		hints[LOOK_AHEAD];
		int			nhints = 0;

		for (; next != end && nhints < LOOK_AHEAD; next += step)
		{
			HeapTupleHeader row = row_at(rel, page, next, &lines[nhints]);

			if (row == NULL)
				continue;
			__builtin_prefetch(lines[nhints].hints, 1);
			hints[nhints] = make_hint(lines[nhints], buffer, next, row);
			nhints++;
		}
		for (int i = 0; i < nhints; i++)
		{
			uint64		hint;
			pg_atomic_uint64 *place = find_free(lines[i]);

			if (find_tag(lines[i], &hint) != NULL)
				return;
			if (place != NULL)
				pg_atomic_write_u64(place, hints[i]);
		}
	}
}

/*
 * Remember where the entry of a key is: in this slot, as a scan filled it; and
 * where those beside it are that nobody has looked for yet.
 */
void
stash_store_hint_set(Relation rel, StashHash128 key_hash, TupleTableSlot *slot)
{
	static uint32 next;			/* of a full line, which to replace */
	BufferHeapTupleTableSlot *there = (BufferHeapTupleTableSlot *) slot;
	OffsetNumber offset = ItemPointerGetOffsetNumber(&slot->tts_tid);
	HintLine	line;
	pg_atomic_uint64 *place;
	uint64		hint;
	bool		has_room = false;

	if (!TTS_IS_BUFFERTUPLE(slot) || !BufferIsValid(there->buffer) ||
		abs(there->buffer) >= 1 << BUFFER_BITS)
		return;
	line = line_of(rel, key_hash);
	place = find_tag(line, &hint);
	if (place == NULL)
	{
		place = find_free(line);
		has_room = place != NULL;
	}
	if (place == NULL)
		place = &line.hints[next++ % LINE_HINTS];
	pg_atomic_write_u64(place, make_hint(line, there->buffer, offset,
										 there->base.tuple->t_data));
	if (has_room && would_fit(rel))
	{
		LockBuffer(there->buffer, BUFFER_LOCK_SHARE);
		set_beside(rel, there->buffer, offset, -1);
		set_beside(rel, there->buffer, offset, 1);
		LockBuffer(there->buffer, BUFFER_LOCK_UNLOCK);
	}
}

/*
 * Forget where the entry of a key was.
 */
void
stash_store_hint_drop(Relation rel, StashHash128 key_hash)
{
	uint64		hint;
	pg_atomic_uint64 *place = find_tag(line_of(rel, key_hash), &hint);

	if (place != NULL)
		pg_atomic_write_u64(place, 0);
}
