/*-------------------------------------------------------------------------
 *
 * memo_stat.c
 *	  How often memoized functions were called, what came of it, and whether
 *	  it paid.
 *
 * A session counts in its StashMemo, which costs a call two additions; what it
 * has counted it hands on at the end of each transaction, and after many
 * calls.  The sums are in shared memory, or, where there is none, the
 * session's own.  There is no row that anybody updates.
 *
 * Of the calls one in STASH_MEMO_TIME_EVERY is timed, without what the target
 * takes: that is how it is known what hits and misses cost.
 *
 * A slot is given to a function under the mutex of the table, which is held
 * for some instructions; who looks for one does so without, and looks again
 * when the table has changed meanwhile.  Counts are added and read under the
 * mutex of the slot, which is taken after the other.  No slot is ever freed:
 * that of a function that is gone is given to another one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_proc.h"
#include "commands/proclang.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/spin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "memo.h"
#include "shmem.h"

#define SLOTS			1000	/* functions of all databases that are counted */
#define LOOK_EVERY		USECS_PER_MINUTE	/* for slots of what was dropped */
#define HAND_ON_EVERY	100000	/* counts, in a transaction that goes on */

PG_FUNCTION_INFO_V1(pg_hashstash_stat_memo);
PG_FUNCTION_INFO_V1(pg_hashstash_stat_memo_reasons);
PG_FUNCTION_INFO_V1(pg_hashstash_reset_stats);

/* The sums of a function. */
typedef struct StashMemoSlot
{
	slock_t		mutex;			/* protects all below, and its key */
	TimestampTz since;
	uint64		counts[STASH_MEMO_COUNTS];
} StashMemoSlot;

typedef struct Table
{
	slock_t		mutex;			/* to give a slot to a function */
	pg_atomic_uint32 nchanges;	/* times that was done */
	pg_atomic_uint32 nslots;	/* that have been given */
	pg_atomic_uint64 keys[SLOTS];	/* database and function; apart, for they
									 * are searched */
	StashMemoSlot slots[SLOTS];
} Table;

static Table *table;			/* NULL: not wanted yet */
static bool is_shared;			/* it is that of all sessions */
static dlist_head counted = DLIST_STATIC_INIT(counted); /* memos that have */
static TimestampTz full_since;	/* no slot was to be had; 0: one was */
static StashMemoTally *tally;	/* the innermost; NULL: none */

/* ---- the table ---- */

static void
init_table(void *address)
{
	Table	   *new = address;

	memset(new, 0, sizeof(Table));
	SpinLockInit(&new->mutex);
	pg_atomic_init_u32(&new->nchanges, 0);
	pg_atomic_init_u32(&new->nslots, 0);
	for (int i = 0; i < SLOTS; i++)
	{
		pg_atomic_init_u64(&new->keys[i], 0);
		SpinLockInit(&new->slots[i].mutex);
	}
}

/* false in parallel mode, unless the session has it already */
static bool
have_table(void)
{
	char		name[64];

	if (table != NULL)
		return true;
	if (IsInParallelMode() && !IsParallelWorker())
		return false;
	/* a library of another version may count other things */
	snprintf(name, sizeof(name), "pg_hashstash counters %zu", sizeof(Table));
	table = stash_shmem_segment(name, sizeof(Table), init_table);
	is_shared = table != NULL;
	if (table == NULL)
	{
		table = MemoryContextAlloc(TopMemoryContext, sizeof(Table));
		init_table(table);
	}
	return true;
}

static uint64
key_of(Oid function)
{
	return (uint64) MyDatabaseId << 32 | function;
}

static bool
is_of(const StashMemoSlot *slot, Oid function)
{
	return pg_atomic_read_u64(&table->keys[slot - table->slots]) == key_of(function);
}

/* the slot of a function, or NULL; by now it may be another's */
static StashMemoSlot *
find_slot(Oid function)
{
	uint32		nslots = pg_atomic_read_u32(&table->nslots);
	uint64		key = key_of(function);

	for (uint32 i = 0; i < nslots; i++)
	{
		if (pg_atomic_read_u64(&table->keys[i]) == key)
			return &table->slots[i];
	}
	return NULL;
}

/* a slot that nobody has had, or whose function or database is gone */
static StashMemoSlot *
spare_slot(void)
{
	uint32		nslots = pg_atomic_read_u32(&table->nslots);

	if (nslots < SLOTS)
		return &table->slots[nslots];
	for (int i = 0; i < SLOTS; i++)
	{
		uint64		key = pg_atomic_read_u64(&table->keys[i]);
		Oid			database = (Oid) (key >> 32);

		if (database == MyDatabaseId ?
			!SearchSysCacheExists1(PROCOID, ObjectIdGetDatum((Oid) key)) :
			!SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database)))
			return &table->slots[i];
	}
	return NULL;
}

/* unless somebody else has been given one since the table was looked at */
static bool
give_slot(StashMemoSlot *slot, Oid function, uint32 nchanges)
{
	TimestampTz now = GetCurrentTimestamp();
	uint32		i = slot - table->slots;
	bool		is_given;

	SpinLockAcquire(&table->mutex);
	is_given = pg_atomic_read_u32(&table->nchanges) == nchanges;
	if (is_given)
	{
		SpinLockAcquire(&slot->mutex);
		pg_atomic_write_u64(&table->keys[i], key_of(function));
		slot->since = now;
		memset(slot->counts, 0, sizeof(slot->counts));
		SpinLockRelease(&slot->mutex);
		if (i == pg_atomic_read_u32(&table->nslots))
			pg_atomic_write_u32(&table->nslots, i + 1);
		/* who sees the change sees the slot */
		pg_write_barrier();
		pg_atomic_write_u32(&table->nchanges, nchanges + 1);
	}
	SpinLockRelease(&table->mutex);
	return is_given;
}

/*
 * Find the slot of a function, or give it one; NULL where all are taken.  May
 * read the catalogs.
 */
static StashMemoSlot *
claim_slot(Oid function)
{
	for (;;)
	{
		uint32		nchanges = pg_atomic_read_u32(&table->nchanges);
		StashMemoSlot *slot;

		pg_read_barrier();
		slot = find_slot(function);
		if (slot != NULL)
			return slot;
		/* to look what has been dropped takes long: not for each transaction */
		if (full_since + LOOK_EVERY > GetCurrentTransactionStartTimestamp())
			return NULL;
		slot = spare_slot();
		if (slot == NULL)
			full_since = GetCurrentTransactionStartTimestamp();
		if (slot == NULL || give_slot(slot, function, nchanges))
			return slot;
	}
}

/* ---- counting ---- */

/* add what was counted of a function to a tally */
static void
add_to_tally(StashMemoTally *to, const StashMemo *memo)
{
	StashMemoTallied *one = NULL;
	ListCell   *cell;

	foreach(cell, to->functions)
	{
		one = lfirst(cell);
		if (one->function == memo->function)
			break;
	}
	if (cell == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(to->context);

		one = palloc0(sizeof(StashMemoTallied));
		one->function = memo->function;
		to->functions = lappend(to->functions, one);
		MemoryContextSwitchTo(old);
	}
	for (int i = 0; i < STASH_MEMO_COUNTS; i++)
		one->counts[i] += memo->stats.counts[i];
}

/*
 * Count apart, too, what is counted from now on, to the end of the tally.
 * They nest; who begins one ends it, also after an error.
 */
void
stash_memo_tally_begin(StashMemoTally *new)
{
	stash_memo_stat_settle();
	stash_memo_stat_flush();
	new->outer = tally;
	new->context = CurrentMemoryContext;
	new->functions = NIL;
	tally = new;
}

void
stash_memo_tally_end(StashMemoTally *old)
{
	tally = old->outer;
}

/* add what a session has counted of a function, and begin again with 0 */
static void
hand_on(StashMemo *memo)
{
	StashMemoStats *stats = &memo->stats;
	StashMemoSlot *slot = stats->slot;
	uint16		which[STASH_MEMO_COUNTS];
	int			n = 0;

	for (StashMemoTally *to = tally; to != NULL; to = to->outer)
		add_to_tally(to, memo);
	for (int i = 0; i < STASH_MEMO_COUNTS; i++)
	{
		if (stats->counts[i] != 0)
			which[n++] = i;
	}
	if (slot != NULL)
	{
		SpinLockAcquire(&slot->mutex);
		/* else the function has been dropped */
		if (is_of(slot, memo->function))
		{
			for (int i = 0; i < n; i++)
				slot->counts[which[i]] += stats->counts[which[i]];
		}
		SpinLockRelease(&slot->mutex);
	}
	for (int i = 0; i < n; i++)
		stats->counts[which[i]] = 0;
}

/*
 * Make room for counts: those that there are are handed on, the first of all
 * finds out where to.
 */
void
stash_memo_stat_pend(StashMemo *memo)
{
	StashMemoStats *stats = &memo->stats;

	if (stats->is_counted)
		hand_on(memo);
	if (have_table() && (stats->slot == NULL ||
						 !is_of(stats->slot, memo->function)))
		stats->slot = claim_slot(memo->function);
	if (!stats->is_counted)
		dlist_push_head(&counted, &stats->node);
	stats->is_counted = true;
	stats->room = HAND_ON_EVERY;
}

/*
 * Find out where counts go that began in parallel mode, when the table could
 * not be found; to be called before the transaction ends.
 */
void
stash_memo_stat_settle(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &counted)
	{
		StashMemo  *memo = dlist_container(StashMemo, stats.node, iter.cur);

		if (memo->stats.slot == NULL && have_table())
			memo->stats.slot = claim_slot(memo->function);
	}
}

/*
 * Hand on all that this session has counted; to be called before memos are
 * freed.  Throws nothing, unless there is a tally.
 */
void
stash_memo_stat_flush(void)
{
	while (!dlist_is_empty(&counted))
	{
		StashMemo  *memo = dlist_container(StashMemo, stats.node,
										   dlist_pop_head_node(&counted));

		memo->stats.is_counted = false;
		memo->stats.room = 0;
		hand_on(memo);
	}
}

/*
 * Note how long a call took that is timed, without computing.
 */
void
stash_memo_stat_clock(StashMemoCall *call, StashMemoCount end)
{
	uint64	   *counts = call->memo->stats.counts;
	instr_time	now;

	call->is_timed = false;
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, call->started);
	stash_memo_count(call->memo, STASH_MEMO_TIMED + end, 1);
	counts[STASH_MEMO_TIMED_NS + end] += (uint64) (INSTR_TIME_GET_DOUBLE(now) * 1e9);
}

/*
 * Count an entry that left the memory of this session for want of room.
 */
void
stash_memo_count_eviction(Oid function)
{
	StashMemoSlot *slot = table ? find_slot(function) : NULL;

	if (slot == NULL)
		return;
	SpinLockAcquire(&slot->mutex);
	if (is_of(slot, function))
		slot->counts[STASH_MEMO_EVICTION]++;
	SpinLockRelease(&slot->mutex);
}

/*
 * Count a reason, unless it is none; 'kind' is STASH_MEMO_BYPASS, NOT_KEPT,
 * NOT_STORED or STALE.
 */
void
stash_memo_count_reason(StashMemo *memo, StashMemoCount kind,
						StashMemoReason reason)
{
	if (reason != STASH_MEMO_FINE)
		stash_memo_count(memo, kind + reason, 1);
}

/*
 * Count an answer that is kept.
 */
void
stash_memo_count_fill(StashMemoCall *call, const StashMemoResult *result)
{
	Size		bytes = 0;

	if (result->rows != NULL)
		bytes = VARSIZE(result->rows);
	else if (result->parts != NULL)
		bytes = result->parts->nbytes;
	else if (!result->isnull)
		bytes = datumGetSize(result->value, call->rettypbyval, call->rettyplen);
	stash_memo_count(call->memo, STASH_MEMO_FILL, 1);
	stash_memo_count(call->memo, STASH_MEMO_FILL_BYTES, bytes);
}

/*
 * Count an answer that has been computed, and why one that was there did not
 * do.
 */
void
stash_memo_count_miss(StashMemoCall *call, instr_time computing)
{
	stash_memo_count(call->memo, STASH_MEMO_MISS, 1);
	stash_memo_count(call->memo, STASH_MEMO_COMPUTED,
					 INSTR_TIME_GET_MICROSEC(computing));
	stash_memo_count_reason(call->memo, STASH_MEMO_STALE, call->stale);
	if (call->is_timed)
		INSTR_TIME_ADD(call->started, computing);
}

/* ---- what has been counted ---- */

/* a copy of what has been counted of a function that the caller may see */
typedef struct Seen
{
	Oid			function;
	TimestampTz since;
	uint64		counts[STASH_MEMO_COUNTS];
} Seen;

/* whether a function is there and memoized, and the caller may see its counts */
static bool
may_see(Oid function, bool as_owner)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		is_memo;
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return false;
	is_memo = ((Form_pg_proc) GETSTRUCT(tuple))->prolang ==
		get_language_oid("stash", true);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return is_memo &&
		(has_privs_of_role(GetUserId(), owner) ||
		 (!as_owner &&
		  has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS)));
}

/* whether slot 'i' is of this database, and of which function */
static bool
slot_is_ours(uint32 i, Oid *function)
{
	uint64		key = pg_atomic_read_u64(&table->keys[i]);

	*function = (Oid) key;
	return (Oid) (key >> 32) == MyDatabaseId;
}

/* read slot 'i'; false when it is nothing for the caller */
static bool
read_slot(uint32 i, Seen *seen)
{
	StashMemoSlot *slot = &table->slots[i];
	bool		is_same;

	if (!slot_is_ours(i, &seen->function) || !may_see(seen->function, false))
		return false;
	SpinLockAcquire(&slot->mutex);
	is_same = is_of(slot, seen->function);
	seen->since = slot->since;
	memcpy(seen->counts, slot->counts, sizeof(seen->counts));
	SpinLockRelease(&slot->mutex);
	return is_same;
}

/*
 * The sum of all reasons of a kind.
 */
uint64
stash_memo_count_sum(const uint64 *counts, StashMemoCount kind)
{
	uint64		sum = 0;

	for (int i = 0; i < STASH_MEMO_REASONS; i++)
		sum += counts[kind + i];
	return sum;
}

static Datum
microseconds(double us)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = (TimeOffset) Min(us, (double) PG_INT64_MAX / 2);
	return IntervalPGetDatum(interval);
}

/*
 * Microseconds that hits, and misses without computing, have taken, by those
 * that were timed; false when none was.
 */
static bool
estimate_overhead(const Seen *seen, double *us)
{
	bool		is_known = false;

	*us = 0;
	for (int end = STASH_MEMO_HIT_LOCAL; end <= STASH_MEMO_MISS; end++)
	{
		uint64		timed = seen->counts[STASH_MEMO_TIMED + end];

		if (timed == 0)
			continue;
		is_known = true;
		*us += (double) seen->counts[end] / timed *
			seen->counts[STASH_MEMO_TIMED_NS + end] / 1000.0;
	}
	return is_known;
}

static void
put_counts(ReturnSetInfo *rsinfo, const Seen *seen)
{
	static const StashMemoCount shown[] = {
		STASH_MEMO_FILL, STASH_MEMO_FILL_BYTES, STASH_MEMO_WAIT,
		STASH_MEMO_EVICTION
	};
	const uint64 *counts = seen->counts;
	uint64		hits = counts[STASH_MEMO_HIT_LOCAL] +
	counts[STASH_MEMO_HIT_SHARED] + counts[STASH_MEMO_HIT_TABLE];
	uint64		misses = counts[STASH_MEMO_MISS];
	uint64		bypasses = stash_memo_count_sum(counts, STASH_MEMO_BYPASS);
	double		overhead;
	bool		is_known = estimate_overhead(seen, &overhead);
	Datum		values[19];
	bool		nulls[19] = {false};
	int			n = 0;

	values[n++] = ObjectIdGetDatum(seen->function);
	values[n++] = Int64GetDatum(hits + misses + bypasses);
	for (int end = STASH_MEMO_HIT_LOCAL; end <= STASH_MEMO_MISS; end++)
		values[n++] = Int64GetDatum(counts[end]);
	values[n++] = Int64GetDatum(bypasses);
	nulls[n] = hits + misses == 0;
	values[n++] = Float8GetDatum((double) hits / Max(hits + misses, 1));
	for (int i = 0; i < lengthof(shown); i++)
		values[n++] = Int64GetDatum(counts[shown[i]]);
	values[n++] = Int64GetDatum(stash_memo_count_sum(counts, STASH_MEMO_STALE));
	values[n++] = microseconds(counts[STASH_MEMO_COMPUTED]);
	values[n++] = microseconds(counts[STASH_MEMO_SAVED]);
	nulls[n] = !is_known;
	values[n++] = microseconds(overhead);
	nulls[n] = !is_known;
	values[n++] = BoolGetDatum(counts[STASH_MEMO_SAVED] >= overhead);
	values[n++] = CStringGetTextDatum(is_shared ? "server" : "session");
	values[n++] = TimestampTzGetDatum(seen->since);
	Assert(n == lengthof(values));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
put_reasons(ReturnSetInfo *rsinfo, const Seen *seen)
{
	static const struct
	{
		StashMemoCount first;
		const char *name;
	}			kinds[] = {
		{STASH_MEMO_BYPASS, "bypass"},
		{STASH_MEMO_NOT_KEPT, "not kept"},
		{STASH_MEMO_NOT_STORED, "not stored"},
		{STASH_MEMO_STALE, "invalidation"}
	};

	for (int i = 0; i < lengthof(kinds) * STASH_MEMO_REASONS; i++)
	{
		int			kind = i / STASH_MEMO_REASONS;
		StashMemoReason reason = i % STASH_MEMO_REASONS;
		uint64		count = seen->counts[kinds[kind].first + reason];
		Datum		values[5];
		bool		nulls[5] = {false};

		if (count == 0)
			continue;
		values[0] = ObjectIdGetDatum(seen->function);
		values[1] = CStringGetTextDatum(kinds[kind].name);
		values[2] = CStringGetTextDatum(stash_memo_reason_name(reason));
		values[3] = Int64GetDatum(count);
		values[4] = CStringGetTextDatum(stash_memo_reason_text(reason));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/* rows of all functions that the caller may see */
static Datum
show(FunctionCallInfo fcinfo, void (*put) (ReturnSetInfo *, const Seen *))
{
	Seen		seen;

	stash_compat_materialize(fcinfo);
	stash_memo_stat_settle();
	stash_memo_stat_flush();
	if (!have_table())
		return (Datum) 0;
	for (uint32 i = 0; i < pg_atomic_read_u32(&table->nslots); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (read_slot(i, &seen))
			put((ReturnSetInfo *) fcinfo->resultinfo, &seen);
	}
	return (Datum) 0;
}

/*
 * stash.stat_memo() returns setof record
 *
 * Returns: what view stash.stat_memo shows: of each memoized function of this
 *          database that the caller owns, or of all for pg_read_all_stats
 * Volatile, parallel restricted.
 */
Datum
pg_hashstash_stat_memo(PG_FUNCTION_ARGS)
{
	return show(fcinfo, put_counts);
}

/*
 * stash.stat_memo_reasons() returns setof record
 *
 * The same by reason.  Volatile, parallel restricted.
 */
Datum
pg_hashstash_stat_memo_reasons(PG_FUNCTION_ARGS)
{
	return show(fcinfo, put_reasons);
}

static void
reset_slot(StashMemoSlot *slot, Oid function)
{
	TimestampTz now = GetCurrentTimestamp();

	SpinLockAcquire(&slot->mutex);
	if (is_of(slot, function))
	{
		memset(slot->counts, 0, sizeof(slot->counts));
		slot->since = now;
	}
	SpinLockRelease(&slot->mutex);
}

/*
 * stash.reset_stats(function regprocedure DEFAULT NULL) returns void
 *
 * Args:    function  NULL: all of this database that the caller owns
 * Errors:  42501 not the owner, 55000 not memoized, 42883 no such function
 * Not rolled back.  Volatile, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_reset_stats(PG_FUNCTION_ARGS)
{
	Oid			wanted = InvalidOid;
	Oid			function;

	if (!PG_ARGISNULL(0))
	{
		wanted = stash_memo_argument(fcinfo);
		if (!stash_compat_proc_ownercheck(wanted, GetUserId()))
			aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION,
						   get_func_name(wanted));
	}
	stash_memo_stat_settle();
	stash_memo_stat_flush();
	if (!have_table())
		PG_RETURN_VOID();
	for (uint32 i = 0; i < pg_atomic_read_u32(&table->nslots); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (slot_is_ours(i, &function) &&
			(OidIsValid(wanted) ? function == wanted : may_see(function, true)))
			reset_slot(&table->slots[i], function);
	}
	PG_RETURN_VOID();
}
