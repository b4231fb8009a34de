/*-------------------------------------------------------------------------
 *
 * store_sweep.c
 *	  Stash tables within their bounds: expired entries go, and those beyond
 *	  max_entries and max_bytes.
 *
 * Two ways.  stash_store_sweep() is exact: SQL that looks at every entry, run
 * as the caller, on tables of any kind.  stash_store_sweep_some() is what each
 * put does a little of: it looks at a window of the table's blocks and deletes
 * there, for the owner, whose wish the bounds are, whoever puts.
 *
 * Neither waits for a row that somebody else holds, and neither deletes an
 * entry that was put anew after it had been looked at.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/detoast.h"
#include "access/heapam.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/pg_prng.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/freespace.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "spi.h"
#include "store.h"

#define WINDOW_BLOCKS	128		/* what one look reads at most */
#define LOOK_DELETES	1024	/* and deletes, beside two for each put */
#define WORKER_DELETES	8192	/* or for a worker */

/* What an entry takes beside its key and value: header, hash, version, times. */
#define ENTRY_OVERHEAD	80

/* the same, in SQL */
#define ENTRY_SIZE \
	"(" STRINGIFY(ENTRY_OVERHEAD) " OPERATOR(pg_catalog.+) pg_catalog.pg_column_size(key)" \
	" OPERATOR(pg_catalog.+) COALESCE(pg_catalog.pg_column_size(value), 0))"

#define STRINGIFY_(x)	#x
#define STRINGIFY(x)	STRINGIFY_(x)

/* The parts of an entry, and where they lead back to. */
typedef struct PartsOf
{
	StashHash128 head;
	StashParts	parts;
} PartsOf;

/* An entry that may have to go; sorted so that the first goes first. */
typedef struct Candidate
{
	double		rank;			/* by the way to evict */
	TimestampTz created_at;		/* where ranks are equal */
	ItemPointerData tid;		/* where that is equal, too */
	bool		is_expired;		/* goes before all others */
	int64		size;
	PartsOf    *parts;			/* NULL: it has none */
} Candidate;

/* What is seen in a window of blocks, and what is done there. */
typedef struct Look
{
	BlockNumber first;			/* of the window */
	BlockNumber end;			/* after its last one */
	BlockNumber nblocks;		/* of the table */
	uint32		window;			/* number of this one */
	uint32		nwindows;		/* of the table */
	int			nexpired;
	int			nlive;
	int64		bytes;			/* of those that have not expired */
	Candidate  *entries;		/* expired ones of the window, or live ones */
	int			allocated;
	int64		may_delete;		/* how many more */
} Look;

PG_FUNCTION_INFO_V1(pg_hashstash_sweep);

/* ---- the exact way ---- */

/* rows that are free, in CTE x, are deleted by this */
#define DELETE_LOCKED \
	"DELETE FROM %s AS d USING x " \
	"WHERE d.tableoid OPERATOR(pg_catalog.=) x.t AND d.ctid OPERATOR(pg_catalog.=) x.c"

/*
 * The newest version of a key stays as long as another one does, for it says
 * which number comes next.
 */
static int64
delete_expired(const char *name, bool has_versions)
{
	const char *except = " AND " STASH_ENTRY_IS_WHOLE;

	if (has_versions)
		except = psprintf(" AND (EXISTS (SELECT FROM %s AS n WHERE n.key_hash OPERATOR(pg_catalog.=) s.key_hash "
						  "AND n.version OPERATOR(pg_catalog.>) s.version) "
						  "OR NOT EXISTS (SELECT FROM %s AS n WHERE n.key_hash OPERATOR(pg_catalog.=) s.key_hash "
						  "AND n.version OPERATOR(pg_catalog.<) s.version AND " STASH_ENTRY_NOT_EXPIRED "))",
						  name, name);
	return stash_spi_run_bigint(psprintf("WITH x AS MATERIALIZED (SELECT tableoid AS t, ctid AS c FROM %s AS s "
										 "WHERE NOT " STASH_ENTRY_NOT_EXPIRED "%s"
										 " FOR UPDATE OF s SKIP LOCKED) " DELETE_LOCKED,
										 name, except, name), false);
}

/* the order in which entries stay, last ones first to go; before created_at */
static const char *
stay_order(const StashOptions *options, Oid relid)
{
	switch (options->evict)
	{
		case STASH_EVICT_OLDEST:
			return "";
		case STASH_EVICT_LRU:
			return psprintf("GREATEST(created_at, stash.used_at(%u::pg_catalog.oid::pg_catalog.regclass, key_hash)) DESC NULLS LAST, ",
							relid);
		case STASH_EVICT_COST:
			return "cost DESC NULLS LAST, ";
	}
	pg_unreachable();
}

/* entries with what they take, and with what their parts take where it has such */
static const char *
sized_entries(const char *name, bool has_parts)
{
	if (!has_parts)
		return psprintf("SELECT tableoid AS t, ctid AS c, key_hash, created_at, cost, "
						ENTRY_SIZE " AS size FROM %s", name);
	return psprintf("SELECT * FROM (SELECT tableoid AS t, ctid AS c, key_hash, version, created_at, cost, "
					"pg_catalog.sum(" ENTRY_SIZE ") OVER (PARTITION BY created_at, CASE WHEN "
					STASH_ENTRY_IS_WHOLE " THEN key_hash ELSE key::pg_catalog.uuid END) AS size "
					"FROM %s) AS r WHERE " STASH_ENTRY_IS_WHOLE, name);
}

/* delete what is beyond the bounds, counted and summed from the end */
static int64
delete_beyond(const char *name, const StashOptions *options, Oid relid,
			  bool has_parts)
{
	int64		nentries = options->max_entries > 0 ? options->max_entries : PG_INT64_MAX;
	int64		bytes = options->max_bytes > 0 ? options->max_bytes : PG_INT64_MAX;

	return stash_spi_run_bigint(psprintf("WITH sized AS (%s), ranked AS (SELECT t, c, "
										 "pg_catalog.count(*) OVER w AS n, "
										 "pg_catalog.sum(size) OVER w AS bytes "
										 "FROM sized WINDOW w AS (ORDER BY size"
										 " OPERATOR(pg_catalog.<=) " INT64_FORMAT " DESC, "
										 "%screated_at DESC NULLS LAST, t DESC, c DESC "
										 "ROWS UNBOUNDED PRECEDING)), "
										 "x AS MATERIALIZED (SELECT l.tableoid AS t, l.ctid AS c FROM %s AS l, ranked AS r "
										 "WHERE l.tableoid OPERATOR(pg_catalog.=) r.t AND l.ctid OPERATOR(pg_catalog.=) r.c "
										 "AND (r.n OPERATOR(pg_catalog.>) " INT64_FORMAT
										 " OR r.bytes OPERATOR(pg_catalog.>) " INT64_FORMAT
										 ") FOR UPDATE OF l SKIP LOCKED) " DELETE_LOCKED,
										 sized_entries(name, has_parts), bytes,
										 stay_order(options, relid), name,
										 nentries, bytes, name), false);
}

static bool
has_limits(const StashOptions *options)
{
	return options->max_entries > 0 || options->max_bytes > 0;
}

/*
 * Delete what has expired, then what is beyond the bounds, as the current
 * user, and parts that are nobody's; say how many entries of each.
 *
 * Needs SELECT, DELETE, and UPDATE, which the server asks of those who lock
 * rows.  Throws 42809 for a table that is no stash, 42501, and all that a
 * DELETE may throw.
 */
void
stash_store_sweep(Oid relid, int64 *expired, int64 *evicted)
{
	Relation	rel;
	StashStore *store = stash_store_open(relid, &rel, AccessShareLock);
	char	   *name = pstrdup(store->name);
	StashOptions options = store->options;
	bool		has_versions = store->has_versions;
	bool		has_parts = stash_store_may_have_parts(store);

	/* the lock stays, so that all statements find the same table */
	relation_close(rel, NoLock);
	*expired = delete_expired(name, has_versions);
	*evicted = has_limits(&options) ?
		delete_beyond(name, &options, relid, has_parts) : 0;
	if (has_parts)
		stash_store_delete_orphans(name);
}

/* ---- the way of puts ---- */

/* make the next window the one to look at */
static void
begin_look(Look *look, StashSweep *sweep, Relation rel)
{
	memset(look, 0, sizeof(Look));
	look->nblocks = RelationGetNumberOfBlocks(rel);
	look->nwindows = Max(1, (look->nblocks + WINDOW_BLOCKS - 1) / WINDOW_BLOCKS);
	if (!sweep->has_begun)
		sweep->window = pg_prng_uint64_range(&pg_global_prng_state, 0,
											 look->nwindows - 1);
	sweep->has_begun = true;
	/* the table may have become smaller */
	if (sweep->window >= look->nwindows)
		sweep->window = 0;
	look->window = sweep->window++;
	look->first = look->window * WINDOW_BLOCKS;
	look->end = Min(look->first + WINDOW_BLOCKS, look->nblocks);
}

static double
interval_us(const Interval *span)
{
	return span->time + span->day * (double) USECS_PER_DAY +
		span->month * (DAYS_PER_MONTH * (double) USECS_PER_DAY);
}

static int32
stored_size(TupleTableSlot *slot, int column)
{
	bool		isnull;
	Datum		datum = slot_getattr(slot, column, &isnull);

	return isnull ? 0 : (int32) toast_datum_size(datum);
}

static const unsigned char *
key_hash(TupleTableSlot *slot)
{
	static const pg_uuid_t none;
	bool		isnull;
	Datum		datum = slot_getattr(slot, STASH_ENTRY_KEY_HASH, &isnull);

	return isnull ? none.data : DatumGetUUIDP(datum)->data;
}

/* a part goes with its head, and counts there */
static bool
is_part(TupleTableSlot *slot)
{
	bool		isnull;
	Datum		datum = slot_getattr(slot, STASH_ENTRY_VERSION, &isnull);

	return !isnull && DatumGetInt64(datum) < 0;
}

static PartsOf *
parts_of(TupleTableSlot *slot)
{
	StashParts	parts;
	PartsOf    *of;
	bool		isnull;
	Datum		value = slot_getattr(slot, STASH_ENTRY_VALUE, &isnull);

	if (isnull || !stash_store_is_head(value, &parts))
		return NULL;
	of = palloc(sizeof(PartsOf));
	of->parts = parts;
	memcpy(of->head.data, key_hash(slot), UUID_LEN);
	return of;
}

static Candidate *
add_entry(Look *look)
{
	int			n = look->nexpired + look->nlive;

	if (n >= look->allocated)
	{
		look->allocated = Max(256, 2 * look->allocated);
		look->entries = look->entries == NULL ?
			palloc(look->allocated * sizeof(Candidate)) :
			repalloc(look->entries, look->allocated * sizeof(Candidate));
	}
	return &look->entries[n];
}

/* take an entry's measure */
static void
read_entry(Look *look, const StashStore *store, TupleTableSlot *slot,
		   TimestampTz now)
{
	const StashOptions *options = &store->options;
	Candidate  *entry = add_entry(look);
	bool		isnull;
	Datum		datum;

	entry->tid = slot->tts_tid;
	entry->parts = stash_store_may_have_parts(store) ? parts_of(slot) : NULL;
	datum = slot_getattr(slot, STASH_ENTRY_CREATED_AT, &isnull);
	entry->created_at = isnull ? DT_NOBEGIN : DatumGetTimestampTz(datum);
	entry->rank = 0;
	datum = slot_getattr(slot, STASH_ENTRY_EXPIRES_AT, &isnull);
	entry->is_expired = !isnull && DatumGetTimestampTz(datum) <= now;
	if (entry->is_expired)
	{
		look->nexpired++;
		return;
	}
	if (options->evict == STASH_EVICT_COST)
	{
		datum = slot_getattr(slot, STASH_ENTRY_COST, &isnull);
		entry->rank = isnull ? -DBL_MAX : interval_us(DatumGetIntervalP(datum));
	}
	else if (options->evict == STASH_EVICT_LRU)
		entry->rank = Max(entry->created_at,
						  stash_store_used_at(slot->tts_tableOid,
											  key_hash(slot), now));
	entry->size = ENTRY_OVERHEAD + stored_size(slot, STASH_ENTRY_KEY) +
		stored_size(slot, STASH_ENTRY_VALUE);
	if (entry->parts != NULL)
		entry->size += Max(entry->parts->parts.nbytes, 0);
	if (options->max_bytes > 0 && entry->size > options->max_bytes)
		entry->rank = -INFINITY;
	look->bytes += entry->size;
	look->nlive++;
}

/* read the entries of the window that 'snapshot' sees */
static void
read_window(Look *look, StashStore *store, Relation rel, Snapshot snapshot)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TimestampTz now = GetCurrentTimestamp();
	ItemPointerData first;
	ItemPointerData last;
	TableScanDesc scan;

	ItemPointerSet(&first, look->first, 0);
	ItemPointerSet(&last, look->end - 1, MaxOffsetNumber);
	scan = stash_compat_beginscan_tidrange(rel, snapshot, &first, &last);
	while (table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
	{
		if (!is_part(slot))
			read_entry(look, store, slot, now);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

static int
compare_candidates(const void *a, const void *b)
{
	const Candidate *l = a;
	const Candidate *r = b;

	if (l->is_expired != r->is_expired)
		return l->is_expired ? -1 : 1;
	if (l->rank != r->rank)
		return l->rank < r->rank ? -1 : 1;
	if (l->created_at != r->created_at)
		return l->created_at < r->created_at ? -1 : 1;
	return ItemPointerCompare((ItemPointer) &l->tid, (ItemPointer) &r->tid);
}

/*
 * What the table holds, by what was seen of it: all of it when it has no more
 * than STASH_WINDOWS windows and we have been everywhere.  Where we have not
 * been, it is as dense as VACUUM found it, or as what we know.  Returns
 * whether we have been where we could.
 */
static bool
estimate(const Look *look, const StashSweep *sweep, Relation rel,
		 double *nentries, double *bytes)
{
	uint32		n = Min(look->nwindows, STASH_WINDOWS);
	double		nblocks = 0;
	double		density;
	double		size;
	bool		is_complete = true;

	*nentries = *bytes = 0;
	for (uint32 i = 0; i < n; i++)
	{
		const StashWindow *seen = &sweep->seen[i];

		is_complete &= seen->nblocks > 0;
		nblocks += seen->nblocks;
		*nentries += seen->nentries;
		*bytes += seen->bytes;
	}
	density = *nentries / nblocks;
	size = *bytes / Max(*nentries, 1);
	if (!is_complete && rel->rd_rel->relpages > 0)
		density = rel->rd_rel->reltuples / rel->rd_rel->relpages;
	*nentries += density * Max(look->nblocks - nblocks, 0);
	*bytes = *nentries * size;
	return is_complete;
}

/*
 * How much of a window must go so that the table, of which it is 'share',
 * gets within a limit: its part of what is too much, and what puts have
 * brought since, so that they do not outrun us.  An estimate by few windows is
 * trusted to say whether too much is there, not how much.
 */
static double
quota(double total, int64 limit, double brought, double share,
	  bool is_complete)
{
	double		excess = total - limit;

	if (limit == 0 || excess <= 0)
		return 0;
	if (share == 1)
		return excess;
	return Min(excess, brought + (is_complete ? excess * share : 0));
}

/* delete an entry unless somebody else holds it or was faster */
static bool
delete_entry(Look *look, StashStore *store, Relation rel, Snapshot snapshot,
			 Candidate *entry)
{
	TM_FailureData failure;

	if (look->may_delete <= 0)
		return false;
	if (stash_compat_tuple_delete(rel, &entry->tid, GetCurrentCommandId(true),
								  snapshot, &failure) != TM_Ok)
		return false;
	if (entry->parts != NULL)
		stash_store_delete_parts(store, rel, &entry->parts->parts,
								 entry->parts->head, snapshot);
	look->may_delete--;
	return true;
}

/* delete the first of a window until so much has gone */
static void
delete_first(Look *look, StashWindow *seen, StashStore *store, Relation rel,
			 Snapshot snapshot, double nentries, double bytes,
			 int64 *expired, int64 *evicted)
{
	int			n = look->nexpired + look->nlive;
	int			i = 0;

	if (look->nexpired == 0 && nentries <= 0 && bytes <= 0)
		return;
	qsort(look->entries, n, sizeof(Candidate), compare_candidates);
	for (; i < look->nexpired && look->may_delete > 0; i++)
		*expired += delete_entry(look, store, rel, snapshot, &look->entries[i]);
	for (i = look->nexpired;
		 i < n && (nentries > 0 || bytes > 0) && look->may_delete > 0; i++)
	{
		if (!delete_entry(look, store, rel, snapshot, &look->entries[i]))
			continue;
		(*evicted)++;
		nentries -= 1;
		bytes -= look->entries[i].size;
		seen->nentries--;
		seen->bytes -= look->entries[i].size;
	}
	/* let the next command of this transaction see it */
	CommandCounterIncrement();
}

/*
 * After how many puts to look again.  Looking at so many blocks must not cost
 * the puts much, half a block each, or less where nothing but space hangs on
 * it; and a stash must not outgrow its limit by more than an eighth meanwhile.
 */
static int64
puts_until_look(const StashOptions *options, BlockNumber nblocks,
				double entry_size)
{
	int64		n = 4 * (int64) nblocks;

	if (has_limits(options))
		n = 2 * (int64) nblocks - 1;
	if (options->max_entries > 0)
		n = Min(n, options->max_entries / 8);
	if (options->max_bytes > 0)
		n = Min(n, options->max_bytes / Max(entry_size, ENTRY_OVERHEAD) / 8);
	return Max(n, 1);
}

/*
 * Delete from the window what has to go, and say when to look again.
 *
 * What puts have brought is owed until it was evicted somewhere, or until we
 * have seen that there is room for it.
 */
static void
clean_window(Look *look, StashStore *store, Relation rel, Snapshot snapshot,
			 int64 *expired, int64 *evicted)
{
	StashSweep *sweep = &store->sweep;
	StashWindow *seen = &sweep->seen[look->window % STASH_WINDOWS];
	const StashOptions *options = &store->options;
	double		share = (look->end - look->first) / (double) look->nblocks;
	int64		before = *evicted;
	double		nentries;
	double		bytes;
	double		size;
	bool		is_complete;

	seen->nblocks = look->end - look->first;
	seen->nentries = look->nlive;
	seen->bytes = look->bytes;
	is_complete = estimate(look, sweep, rel, &nentries, &bytes);
	size = bytes / Max(nentries, 1);
	sweep->due = puts_until_look(options, seen->nblocks, size);
	nentries = quota(nentries, options->max_entries, sweep->owed, share, is_complete);
	bytes = quota(bytes, options->max_bytes, sweep->owed * size, share, is_complete);
	delete_first(look, seen, store, rel, snapshot, nentries, bytes, expired, evicted);
	sweep->owed = Max(sweep->owed - (*evicted - before), 0);
	if (is_complete && nentries <= 0 && bytes <= 0)
		sweep->owed = 0;
}

/*
 * Offer the window's free space to inserts, as VACUUM would, which may be
 * minutes away: reading a full page has pruned what nobody sees any more.
 */
static void
offer_space(Look *look, Relation rel)
{
	for (BlockNumber block = look->first; block < look->end; block++)
	{
		Buffer		buffer = ReadBuffer(rel, block);
		Size		space;

		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		space = PageGetHeapFreeSpace(BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
		if (space >= BLCKSZ / 16)
			RecordPageWithFreeSpace(rel, block, space);
	}
	FreeSpaceMapVacuumRange(rel, look->first, look->end);
}

/* look at one window, and clean it; returns how many the table has */
static uint32
sweep_window(StashStore *store, Relation rel, int64 may_delete,
			 int64 *expired, int64 *evicted)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_hashstash sweep",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Look		look;

	begin_look(&look, &store->sweep, rel);
	if (look.nblocks > 0)
	{
		Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

		look.may_delete = may_delete;
		PushActiveSnapshot(snapshot);
		read_window(&look, store, rel, snapshot);
		offer_space(&look, rel);
		clean_window(&look, store, rel, snapshot, expired, evicted);
		PopActiveSnapshot();
		UnregisterSnapshot(snapshot);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return look.nwindows;
}

/*
 * Whether entries may be deleted without the executor, which nobody misses,
 * and one by one, which versions of a key may not.
 */
static bool
may_sweep(StashStore *store, Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;

	return store->is_plain && !store->has_versions &&
		rel->rd_tableam == GetHeapamTableAmRoutine() &&
		rel->rd_rules == NULL &&
		(triggers == NULL ||
		 !(triggers->trig_delete_before_row || triggers->trig_delete_after_row ||
		   triggers->trig_delete_before_statement ||
		   triggers->trig_delete_after_statement)) &&
		!IsolationUsesXactSnapshot() && !IsInParallelMode();
}

/*
 * Do a put's part in keeping a stash within its bounds.
 *
 * Call after 'nputs' entries have been put, with RowExclusiveLock held; say
 * whether one of them got a time to live of its own.  Every now and then a session
 * looks at the next window: see puts_until_look().  Throws only what reading and deleting may throw;
 * quietly does nothing where the executor would have more to do, and in
 * transactions that must not see what came after their snapshot.
 */
void
stash_store_sweep_some(StashStore *store, Relation rel, int64 nputs,
					   bool has_ttl)
{
	StashSweep *sweep = &store->sweep;
	int64		expired = 0;
	int64		evicted = 0;

	sweep->has_ttl |= has_ttl || store->options.has_ttl;
	if (!sweep->has_ttl && !has_limits(&store->options))
		return;
	sweep->nputs += nputs;
	if (sweep->nputs < sweep->due || !may_sweep(store, rel))
		return;
	if (sweep->due == 0)
	{
		/* chance, so that sessions of few puts do their part, too */
		int64		due = puts_until_look(&store->options,
										  Min(RelationGetNumberOfBlocks(rel), WINDOW_BLOCKS),
										  0);

		sweep->due = pg_prng_uint64_range(&pg_global_prng_state, 1, due);
		if (sweep->nputs < sweep->due)
			return;
		/* the others' puts, too */
		sweep->nputs = Max(sweep->nputs, due);
	}
	sweep->owed += sweep->nputs;
	sweep->nputs = 0;
	(void) sweep_window(store, rel, LOOK_DELETES + 2 * sweep->owed,
						&expired, &evicted);
}

/*
 * Whether entries of a stash go without having expired, or expire by its own
 * option.
 */
bool
stash_store_has_bounds(StashStore *store)
{
	return store->options.has_ttl || has_limits(&store->options);
}

/*
 * Sweep as puts do, but up to STASH_WINDOWS windows, twice where there are
 * limits: to see what is there, then to evict.  A stash that puts may not
 * sweep is swept exactly, as by stash_store_sweep().
 *
 * RowExclusiveLock is held.  Throws what a DELETE may throw.
 */
void
stash_store_sweep_blocks(StashStore *store, Relation rel,
						 int64 *expired, int64 *evicted)
{
	uint32		n;
	int			rounds = has_limits(&store->options) ? 2 : 1;

	*expired = *evicted = 0;
	if (!may_sweep(store, rel))
	{
		stash_store_sweep(RelationGetRelid(rel), expired, evicted);
		return;
	}
	n = sweep_window(store, rel, WORKER_DELETES, expired, evicted);
	n = rounds * Min(n, STASH_WINDOWS);
	for (uint32 i = 1; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		(void) sweep_window(store, rel, WORKER_DELETES, expired, evicted);
	}
}

/* ---- SQL ---- */

/*
 * stash.sweep(stash regclass, OUT expired int8, OUT evicted int8)
 *
 * Returns: entries deleted for their age, and for the bounds of the stash
 * Errors:  42809 no stash, 42501, 22004 NULL stash; all that a DELETE may
 *          throw
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_sweep(PG_FUNCTION_ARGS)
{
	Datum		values[2];
	bool		nulls[2] = {false, false};
	TupleDesc	desc;
	int64		expired;
	int64		evicted;

	stash_store_sweep(stash_store_argument(fcinfo, 0), &expired, &evicted);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(expired);
	values[1] = Int64GetDatum(evicted);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
