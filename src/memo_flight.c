/*-------------------------------------------------------------------------
 *
 * memo_flight.c
 *	  One session computes an answer, the others wait for it.
 *
 * Shared memory has some places; the key of a call leads to one of them.  Who
 * finds it free holds it while it computes; who finds it held for the same key
 * waits, no longer than it was told to, then looks for the answer.  A place
 * held for another key is no matter: then both compute.
 *
 * Nobody waits who holds a place, so that sessions never wait in a circle, nor
 * for one who waits for a lock, or for its client, for that might be us.  No
 * lock of the server is involved, so its detector of deadlocks has no part in
 * this.  A place is given up when the transaction ends, for before that nobody
 * else sees the answer; in a transaction block when it is computed, for the
 * end may be far.  So may that of a statement, which goes on to other calls:
 * nobody waits for it longer than computing took, or PATIENCE_MS.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/spin.h"
#include "utils/backend_status.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "memo.h"
#include "shmem.h"

#define PLACES			512		/* a power of 2 */
#define LOOK_EVERY_MS	50		/* after the one that is waited for */
#define PATIENCE_MS		50		/* at least, for the commit of what is
								 * computed */

/* How the last one who held a place gave it up. */
typedef enum Outcome
{
	OUTCOME_FAILED,				/* or was rolled back: somebody may try again */
	OUTCOME_KEPT,				/* the answer can be found */
	OUTCOME_NOT_KEPT			/* all have to compute */
} Outcome;

/* All but the last member are read and written under the spinlock. */
typedef struct Place
{
	slock_t		mutex;
	int			holder;			/* process id; 0: free */
	Oid			database;
	StashHash128 hash;
	uint64		turn;			/* counts its holders */
	TimestampTz patience;		/* how long to wait for the transaction to
								 * end; DT_NOEND while it computes */
	Outcome		outcome;		/* of the last turn that is over */
	ConditionVariable over;		/* woken when a turn is */
} Place;

/* A place that this session holds. */
typedef struct Held
{
	dlist_node	node;			/* in 'held', the latest first */
	Place	   *place;
	SubTransactionId subid;
	Outcome		outcome;		/* when the transaction commits */
} Held;

static Place *places;			/* NULL: not wanted yet, or not to be had */
static dlist_head held = DLIST_STATIC_INIT(held);

static void
init_places(void *address)
{
	Place	   *place = address;

	memset(address, 0, PLACES * sizeof(Place));
	for (int i = 0; i < PLACES; i++)
	{
		SpinLockInit(&place[i].mutex);
		ConditionVariableInit(&place[i].over);
	}
}

static Place *
find_place(const StashMemoKey *key)
{
	static bool tried;
	uint32		word;

	if (places == NULL && !tried && !IsInParallelMode())
	{
		places = stash_shmem_segment("pg_hashstash flights",
									 PLACES * sizeof(Place), init_places);
		tried = true;
	}
	if (places == NULL)
		return NULL;
	memcpy(&word, key->hash.data, sizeof(word));
	return &places[(word ^ MyDatabaseId) & (PLACES - 1)];
}

static bool
is_for(const Place *place, const StashMemoKey *key)
{
	return place->database == MyDatabaseId &&
		memcmp(place->hash.data, key->hash.data, sizeof(key->hash.data)) == 0;
}

/* ---- holding a place ---- */

static void
give_up(Held *one, Outcome outcome)
{
	Place	   *place = one->place;

	dlist_delete(&one->node);
	pfree(one);
	SpinLockAcquire(&place->mutex);
	place->holder = 0;
	place->outcome = outcome;
	SpinLockRelease(&place->mutex);
	ConditionVariableBroadcast(&place->over);
}

static void
end_transaction(XactEvent event, void *arg)
{
	bool		is_commit = event == XACT_EVENT_COMMIT;
	dlist_mutable_iter iter;

	if (!is_commit && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	dlist_foreach_modify(iter, &held)
	{
		Held	   *one = dlist_container(Held, node, iter.cur);

		give_up(one, is_commit ? one->outcome : OUTCOME_FAILED);
	}
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId subid,
				   SubTransactionId parent, void *arg)
{
	dlist_mutable_iter iter;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	dlist_foreach_modify(iter, &held)
	{
		Held	   *one = dlist_container(Held, node, iter.cur);

		if (one->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			one->subid = parent;
		else
			give_up(one, OUTCOME_FAILED);
	}
}

/*
 * Register the callbacks; called once when the library is loaded.
 */
void
stash_memo_flight_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}

/* take a place; false when it is held, with '*turn' that of the same key */
static bool
take(Place *place, const StashMemoKey *key, uint64 *turn)
{
	bool		taken;

	*turn = 0;
	SpinLockAcquire(&place->mutex);
	taken = place->holder == 0;
	if (taken)
	{
		place->holder = MyProcPid;
		place->database = MyDatabaseId;
		place->hash = key->hash;
		place->turn++;
		place->patience = DT_NOEND;
	}
	else if (is_for(place, key))
		*turn = place->turn;
	SpinLockRelease(&place->mutex);
	return taken;
}

/* remember that it is ours; the memory is there before the place is taken */
static void
hold(Held *one, Place *place)
{
	one->place = place;
	one->subid = GetCurrentSubTransactionId();
	one->outcome = OUTCOME_FAILED;
	dlist_push_head(&held, &one->node);
}

/* ---- waiting ---- */

/* whether a session waits for a lock, or for its client in a transaction */
static bool
is_stuck(int pid)
{
	PGPROC	   *proc = BackendPidGetProc(pid);
	uint32		wait = proc ? proc->wait_event_info : 0;

	if (proc == NULL)
		return true;
	return (wait & 0xFF000000) == PG_WAIT_LOCK ||
		(wait & 0xFF000000) == PG_WAIT_CLIENT;
}

/*
 * Wait until a turn is over, 'until', or the place's patience.  Says how it
 * ended.
 */
static Outcome
wait_for(Place *place, uint64 turn, TimestampTz until)
{
	Outcome		outcome = OUTCOME_NOT_KEPT;

	ConditionVariablePrepareToSleep(&place->over);
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		bool		is_over;
		int			holder;
		TimestampTz patience;

		SpinLockAcquire(&place->mutex);
		is_over = place->holder == 0 || place->turn != turn;
		holder = place->holder;
		patience = place->patience;
		if (is_over && place->turn == turn)
			outcome = place->outcome;
		else if (is_over)
			outcome = OUTCOME_FAILED;	/* long over: look, and try again */
		SpinLockRelease(&place->mutex);
		if (is_over || now >= Min(until, patience) || is_stuck(holder))
			break;
		(void) ConditionVariableTimedSleep(&place->over,
										   Min(LOOK_EVERY_MS,
											   (Min(until, patience) - now) / 1000 + 1),
										   PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return outcome;
}

/*
 * Begin to compute the answer to a call, or wait for who does.
 *
 * STASH_FLIGHT_OURS: compute; stash_memo_flight_end() says how it went.
 * STASH_FLIGHT_OVER: somebody else has just kept the answer: look for it.
 * STASH_FLIGHT_NONE: compute, whatever others do.
 * STASH_FLIGHT_THEIRS: somebody computes, and 'until' is over.
 *
 * '*waited' tells whether we waited for somebody, however that ended.
 */
StashFlight
stash_memo_flight_begin(const StashMemoKey *key, TimestampTz until,
						bool *waited)
{
	Place	   *place = find_place(key);

	*waited = false;
	if (place == NULL)
		return STASH_FLIGHT_NONE;
	for (;;)
	{
		Held	   *one = MemoryContextAlloc(TopMemoryContext, sizeof(Held));
		uint64		turn;

		if (take(place, key, &turn))
		{
			hold(one, place);
			return STASH_FLIGHT_OURS;
		}
		pfree(one);
		if (turn == 0)
			return STASH_FLIGHT_NONE;
		if (GetCurrentTimestamp() >= until)
			return STASH_FLIGHT_THEIRS;
		if (!dlist_is_empty(&held))
			return STASH_FLIGHT_NONE;
		*waited = true;
		switch (wait_for(place, turn, until))
		{
			case OUTCOME_KEPT:
				return STASH_FLIGHT_OVER;
			case OUTCOME_NOT_KEPT:
				return STASH_FLIGHT_NONE;
			case OUTCOME_FAILED:
				break;
		}
	}
}

/*
 * The answer has been computed; where that was a flight, it is over, or will be
 * when others see it.  'kept_us': what computing took, in microseconds, where the
 * answer is kept, else -1.
 */
void
stash_memo_flight_end(const StashMemoKey *key, int64 kept_us)
{
	Place	   *place;
	dlist_iter	iter;

	/* there may be many, held to the end of the transaction */
	if (!key->flies)
		return;
	place = find_place(key);
	dlist_foreach(iter, &held)
	{
		Held	   *one = dlist_container(Held, node, iter.cur);

		if (one->place != place)
			continue;
		/* nobody sees it before the end of a transaction that may be far */
		if (kept_us < 0 || IsTransactionBlock())
			give_up(one, OUTCOME_NOT_KEPT);
		else
		{
			TimestampTz patience = GetCurrentTimestamp() +
			Max(kept_us, PATIENCE_MS * 1000);

			one->outcome = OUTCOME_KEPT;
			SpinLockAcquire(&place->mutex);
			place->patience = patience;
			SpinLockRelease(&place->mutex);
		}
		return;
	}
}
