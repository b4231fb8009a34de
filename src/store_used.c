/*-------------------------------------------------------------------------
 *
 * store_used.c
 *	  Stash tables: when entries were last used, for evict => 'lru'.
 *
 * Reading must not write a table, so times are kept in shared memory: an array
 * of clock values, one of which belongs to the hash of database, stash and
 * key.  Two keys may share one: then an entry looks younger than it is, never
 * older.  A restart forgets all; then it is the time of the put that counts.
 *
 * There are no locks: each value is one word, and the last one written is as
 * good as any.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "shmem.h"
#include "store.h"

#define SLOTS		(1 << 20)	/* a power of 2; 4 MB */
#define CLOCK_US	10000		/* a tick; the clock starts over after 497
								 * days */
#define CLOCK_LAG	360000		/* ticks, an hour, by which clocks may step
								 * back */

PG_FUNCTION_INFO_V1(pg_hashstash_used_at);

static pg_atomic_uint32 *slots; /* NULL: not wanted yet */

static void
init_slots(void *address)
{
	pg_atomic_uint32 *slot = address;

	for (int i = 0; i < SLOTS; i++)
		pg_atomic_init_u32(&slot[i], 0);
}

/* where memory cannot be shared the session knows its own reads */
static bool
have_slots(void)
{
	Size		size = SLOTS * sizeof(pg_atomic_uint32);

	if (slots != NULL)
		return true;
	if (IsInParallelMode())
		return false;
	slots = stash_shmem_segment("pg_hashstash used", size, init_slots);
	if (slots == NULL)
	{
		slots = MemoryContextAlloc(TopMemoryContext, size);
		init_slots(slots);
	}
	return true;
}

static pg_atomic_uint32 *
find_slot(Oid relid, const unsigned char *key_hash)
{
	uint32		hash;

	memcpy(&hash, key_hash, sizeof(hash));
	hash ^= murmurhash32(relid ^ murmurhash32(MyDatabaseId));
	return &slots[hash & (SLOTS - 1)];
}

/* ticks of the clock, never 0, which says that there was no use */
static uint32
clock_ticks(TimestampTz time)
{
	uint32		ticks = (uint32) (time / CLOCK_US);

	return Max(ticks, 1);
}

/*
 * Note that an entry is used now.
 */
void
stash_store_note_use(Oid relid, StashHash128 key_hash)
{
	if (have_slots())
		pg_atomic_write_u32(find_slot(relid, key_hash.data),
							clock_ticks(GetCurrentTimestamp()));
}

/*
 * When an entry was last used, by the clock of 'now'; DT_NOBEGIN: not known.
 */
TimestampTz
stash_store_used_at(Oid relid, const unsigned char *key_hash, TimestampTz now)
{
	uint32		ticks;
	uint32		age;

	if (!have_slots())
		return DT_NOBEGIN;
	ticks = pg_atomic_read_u32(find_slot(relid, key_hash));
	if (ticks == 0)
		return DT_NOBEGIN;
	age = clock_ticks(now) - ticks;
	/* not quite a round ago: in the future, by a clock that stepped back */
	if (age > PG_UINT32_MAX - CLOCK_LAG)
		age = 0;
	/* the end of the tick: the same for all who ask, and not older than it is */
	return (now / CLOCK_US - age + 1) * CLOCK_US - 1;
}

/*
 * stash.used_at(stash regclass, key_hash uuid) returns timestamptz
 *
 * Returns: about when an entry of a stash with evict => 'lru' was last got;
 *          NULL where that is not known
 * Errors:  42501 without SELECT on the stash, 42P01
 * Strict, volatile, parallel restricted.
 */
Datum
pg_hashstash_used_at(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	AclResult	acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	TimestampTz used_at;

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_TABLE, get_rel_name(relid));
	used_at = stash_store_used_at(relid, PG_GETARG_UUID_P(1)->data,
								  GetCurrentTimestamp());
	if (TIMESTAMP_IS_NOBEGIN(used_at))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(used_at);
}
