/*-------------------------------------------------------------------------
 *
 * memo_shared.c
 *	  Results in memory that all sessions share, between that of the session
 *	  and the stash.
 *
 * Why a hit here is a right answer:
 *
 * The value.  An entry carries the proof that the stash has with it, and is
 * judged by the same function under the reader's own snapshot: that sees all
 * that the entry was made of, and no change that the entry's snapshot does not
 * see.  So it does not matter that nothing here is versioned.
 *
 * The key.  Compared in full, with the text of the identity, for numbers of
 * identities and types hold for one session.  Databases are kept apart by OID
 * and by the transaction that wrote their row of pg_database, for an OID may
 * be given again, and proofs of another database's answers mean nothing.
 *
 * Commit.  What a transaction computed comes here when it has committed, out
 * of the session's memory, which drops what is rolled back or prepared.  What
 * it finds in a stash comes at once, if it cannot have written it itself.
 *
 * Forgetting.  An entry belongs to one version of its stash: the transaction
 * that wrote the stash's row of pg_class.  TRUNCATE, and whatever else alters
 * the stash, writes that row; so does stash.forget(), for that purpose alone.
 * A reader knows the version from the catalogs, as it knows that there is a
 * stash: by messages that come to it before anything that it could see of the
 * transaction that forgot, or by reading the row, if it came later.  Rollback,
 * savepoints, prepared transactions and standbys need nothing of ours.  What
 * was found, or computed, under a snapshot that does not see that transaction
 * may be what was forgotten: it does not come here.
 *
 * Rights.  EXECUTE is asked for at each call; rights to what was read are in
 * the proof; roles are in the key.
 *
 * Memory.  There are partitions, chosen by the hash of the key, each with a
 * lock, a hash table and a ring.  New entries go to the head of the ring; room
 * is made at its tail, where an entry that was used since it came gets another
 * turn.  Nothing that may throw happens under a lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/lmgr.h"
#include "storage/lwlock.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "memo.h"
#include "shmem.h"

#define PARTITIONS		32		/* a power of 2 */
#define LARGEST			8		/* an entry is at most that part of its ring */
#define BYTES_PER_BUCKET	256 /* of a ring */
#define FIRST			MAXALIGN(1) /* place in a ring; 0 is none */
#define DEAD			PG_UINT32_MAX
#define MAX_CHANCES		8		/* entries that one put moves to the head */

#define DEFAULT_KILOBYTES	32768
#define LEAST_KILOBYTES		1024
#define MOST_KILOBYTES		(64 * 1024 * 1024)	/* places have 32 bits */

/* What all sessions have to agree on. */
typedef struct Control
{
	int			kilobytes;
	int			tranche;
	bool		has_failed;		/* there is no memory of that size */
} Control;

/* How an entry has its value. */
typedef enum Form
{
	FORM_NULL,
	FORM_BY_VALUE,
	FORM_FLAT,					/* as it lies in any session's memory */
	FORM_FRAME
} Form;

/*
 * An entry, followed by its value, its proof, the text of its identity, and
 * what the sink of its key held.  What fills the end of a ring has only the
 * first two members.
 */
typedef struct SharedEntry
{
	uint32		size;			/* of all of it */
	uint32		next;			/* place of the next in its bucket, or DEAD */
	StashHash128 hash;
	Oid			database;
	TransactionId database_version;
	Oid			stash;
	TransactionId stash_version;
	Oid			rettype;
	uint32		valuelen;
	uint32		prooflen;
	uint32		identitylen;
	uint32		keylen;
	uint8		form;
	bool		is_used;		/* set by readers, without more than a shared
								 * lock */
	TimestampTz created_at;
	TimestampTz expires_at;
	int64		cost_us;
	Datum		value;			/* FORM_BY_VALUE */
} SharedEntry;

#define ENTRY_LINES		4		/* lines of cache that a small entry has */
#define ENTRY_HEADER	MAXALIGN(sizeof(SharedEntry))

/* All members need 'lock', as do the entries. */
typedef struct Partition
{
	LWLock		lock;
	uint32		used;			/* bytes of the ring, dead ones among them */
	uint32		head;			/* where the next entry goes */
	uint32		tail;			/* the oldest one, if any */
} Partition;

typedef union PaddedPartition
{
	Partition	partition;
	char		pad[PG_CACHE_LINE_SIZE];
} PaddedPartition;

static int	shared_cache_size = DEFAULT_KILOBYTES;
static bool shared_cache = true;

static Control *control;
static char *memory;			/* NULL: not wanted yet, or not to be had */
static uint32 nbuckets;			/* of each partition; a power of 2 */
static uint32 ring_size;
static TransactionId database_version;

/* ---- where things are ---- */

static Partition *
partition_at(int i)
{
	return &((PaddedPartition *) memory)[i].partition;
}

static uint32 *
buckets_of(const Partition *partition)
{
	int			i = (const PaddedPartition *) partition - (PaddedPartition *) memory;

	return (uint32 *) (memory + PARTITIONS * sizeof(PaddedPartition)) +
		(Size) i * nbuckets;
}

static char *
ring_of(const Partition *partition)
{
	int			i = (const PaddedPartition *) partition - (PaddedPartition *) memory;

	return (char *) (buckets_of(partition_at(0)) + (Size) PARTITIONS * nbuckets) +
		(Size) i * ring_size;
}

static SharedEntry *
entry_at(const Partition *partition, uint32 place)
{
	return (SharedEntry *) (ring_of(partition) + place);
}

static Partition *
partition_for(const StashHash128 *hash)
{
	return partition_at(hash->data[sizeof(hash->data) - 1] & (PARTITIONS - 1));
}

static uint32 *
bucket_for(const Partition *partition, const StashHash128 *hash)
{
	uint32		word;

	memcpy(&word, hash->data, sizeof(word));
	return &buckets_of(partition)[word & (nbuckets - 1)];
}

static char *
value_of(const SharedEntry *entry)
{
	return (char *) entry + ENTRY_HEADER;
}

static char *
identity_of(const SharedEntry *entry)
{
	return value_of(entry) + MAXALIGN(entry->valuelen) + entry->prooflen;
}

/* ---- making and finding the memory ---- */

static void
init_control(void *address)
{
	control = address;
	control->kilobytes = shared_cache_size;
	control->tranche = stash_compat_new_tranche("pg_hashstash shared cache");
	control->has_failed = false;
}

/* divide so many kilobytes; the bytes that it takes in the end */
static Size
divide(int kilobytes)
{
	Size		each = (Size) kilobytes * 1024 / PARTITIONS - sizeof(PaddedPartition);

	nbuckets = pg_nextpower2_32(Max(each / BYTES_PER_BUCKET, 1)) / 2;
	nbuckets = Max(nbuckets, 2);
	ring_size = MAXALIGN_DOWN(each - nbuckets * sizeof(uint32));
	return PARTITIONS * (sizeof(PaddedPartition) + nbuckets * sizeof(uint32) +
						 (Size) ring_size);
}

static void
init_memory(void *address)
{
	memory = address;
	memset(memory, 0, PARTITIONS * (sizeof(PaddedPartition) + nbuckets * sizeof(uint32)));
	for (int i = 0; i < PARTITIONS; i++)
	{
		LWLockInitialize(&partition_at(i)->lock, control->tranche);
		partition_at(i)->head = partition_at(i)->tail = FIRST;
	}
}

static void
find_database_version(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	database_version = HeapTupleHeaderGetRawXmin(tuple->t_data);
	ReleaseSysCache(tuple);
}

/* attach at the first use; in parallel mode only what is attached can be used */
static bool
have_memory(void)
{
	static bool tried;
	char		name[64];
	char	   *address;
	Size		size;

	if (!shared_cache || shared_cache_size == 0)
		return false;
	if (likely(memory != NULL))
		return true;
	if (tried || IsInParallelMode())
		return false;
	find_database_version();
	tried = true;
	control = stash_shmem_segment("pg_hashstash shared cache", sizeof(Control),
								  init_control);
	if (control == NULL || control->has_failed)
		return false;
	size = divide(control->kilobytes);
	snprintf(name, sizeof(name), "pg_hashstash shared cache of %d kB",
			 control->kilobytes);
	/* 'memory' is set when its names are known, not by who makes it alone */
	address = stash_shmem_segment(name, size, init_memory);
	memory = address;
	if (memory == NULL)
		control->has_failed = true; /* others need not try, nor log it */
	else
		stash_compat_register_tranche(control->tranche, "pg_hashstash shared cache");
	return memory != NULL;
}

static bool
check_shared_cache_size(int *newval, void **extra, GucSource source)
{
	if (*newval == 0 || *newval >= LEAST_KILOBYTES)
		return true;
	GUC_check_errdetail("The least size is %d kB; 0 switches the shared cache off.",
						LEAST_KILOBYTES);
	return false;
}

/*
 * Register the settings; called once when the library is loaded.
 */
void
stash_memo_shared_init(void)
{
	DefineCustomIntVariable("pg_hashstash.shared_cache_size",
							"Memory of the server for remembered results that all sessions share.",
							"What counts is its value at the first use after the server has started; zero switches it off at any time.",
							&shared_cache_size, DEFAULT_KILOBYTES, 0,
							MOST_KILOBYTES, PGC_SIGHUP, GUC_UNIT_KB,
							check_shared_cache_size, NULL, NULL);
	DefineCustomBoolVariable("pg_hashstash.shared_cache",
							 "Whether this session uses the results that all sessions share.",
							 NULL, &shared_cache, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
}

/* ---- rings ---- */

/* the link that leads to a place */
static uint32 *
link_to(const Partition *partition, uint32 place)
{
	uint32	   *link = bucket_for(partition, &entry_at(partition, place)->hash);

	while (*link != place)
		link = &entry_at(partition, *link)->next;
	return link;
}

/* what is dead stays where it is until the tail comes along */
static void
kill_entry(const Partition *partition, uint32 place)
{
	SharedEntry *entry = entry_at(partition, place);

	*link_to(partition, place) = entry->next;
	entry->next = DEAD;
}

/* give the oldest entry up, or, while there are chances, move it to the head */
static void
pass_tail(Partition *partition, int *chances)
{
	uint32		place = partition->tail;
	SharedEntry *entry = entry_at(partition, place);
	uint32		size = entry->size;

	if (entry->next != DEAD && entry->is_used && *chances > 0)
	{
		uint32	   *link = link_to(partition, place);

		(*chances)--;
		entry->is_used = false;
		*link = partition->head;
		memmove(entry_at(partition, partition->head), entry, size);
		partition->head += size;
	}
	else
	{
		if (entry->next != DEAD)
			kill_entry(partition, place);
		partition->used -= size;
	}
	partition->tail += size;
	if (partition->tail == ring_size)
		partition->tail = FIRST;
}

/*
 * Room for an entry at the head.
 *
 * What is in use goes from the tail up to the head, or, when that has begun
 * anew, up to the end of the ring and from its beginning up to the head.
 */
static SharedEntry *
make_room(Partition *partition, uint32 size)
{
	int			chances = MAX_CHANCES;

	for (;;)
	{
		SharedEntry *entry;

		if (partition->used == 0)
			partition->head = partition->tail = FIRST;
		entry = entry_at(partition, partition->head);
		if (partition->used > 0 && partition->head <= partition->tail)
		{
			if (partition->tail - partition->head >= size)
				return entry;
			pass_tail(partition, &chances);
		}
		else if (ring_size - partition->head >= size)
			return entry;
		else
		{
			uint32		rest = ring_size - partition->head;

			if (rest > 0)
			{
				entry->size = rest;
				entry->next = DEAD;
			}
			partition->used += rest;
			partition->head = FIRST;
		}
	}
}

/* ---- entries ---- */

static bool
is_at(const SharedEntry *entry, const StashMemoAddress *address)
{
	const char *identity = identity_of(entry);

	return memcmp(entry->hash.data, address->hash.data,
				  sizeof(entry->hash.data)) == 0 &&
		entry->database == MyDatabaseId &&
		entry->stash == address->stash &&
		entry->rettype == address->rettype &&
		entry->keylen == address->keylen &&
		entry->identitylen == address->identitylen &&
		memcmp(identity, address->identity, entry->identitylen) == 0 &&
		memcmp(identity + entry->identitylen, address->key, entry->keylen) == 0;
}

static bool
is_of_version(const SharedEntry *entry, const StashMemoAddress *address)
{
	return entry->stash_version == address->stash_version &&
		entry->database_version == database_version;
}

/* the place of the entry at an address, or 0 */
static uint32
find_place(const Partition *partition, const StashMemoAddress *address)
{
	uint32		place = *bucket_for(partition, &address->hash);

	while (place != 0)
	{
		const char *entry = (const char *) entry_at(partition, place);

		/* what will be read of it all at once */
		for (int line = 1; line < ENTRY_LINES; line++)
			__builtin_prefetch(entry + line * 64);
		if (is_at((const SharedEntry *) entry, address))
			break;
		place = ((const SharedEntry *) entry)->next;
	}
	return place;
}

/*
 * Where in shared memory the answer to a call would be; false when it cannot
 * be there.
 */
bool
stash_memo_shared_address(StashMemoAddress *address, const StashMemoCall *call,
						  const StashMemoKey *key)
{
	const StashMemo *memo = call->memo;

	if (!TransactionIdIsValid(memo->stash_version) ||
		call->keytype->has_strategy || !have_memory() ||
		stash_memo_may_read(call->memo) != STASH_MEMO_FINE)
		return false;
	address->hash = key->hash;
	address->stash = memo->stash;
	address->stash_version = memo->stash_version;
	address->rettype = call->rettype ? call->rettype->oid : RECORDOID;
	address->identity = key->identity->text;
	address->identitylen = strlen(key->identity->text);
	address->key = key->sink.buf;
	address->keylen = key->sink.used;
	return true;
}

/*
 * Whether what is found or computed under the active snapshot may come to
 * shared memory: not when the stash has a version that it does not see.
 */
bool
stash_memo_shared_is_recent(const StashMemoCall *call)
{
	TransactionId version = call->memo->stash_version;

	return !call->memo->stash_is_recent ||
		TransactionIdIsCurrentTransactionId(version) ||
		!XidInMVCCSnapshot(version, GetActiveSnapshot());
}

/* copy an entry out; false where there is no memory for it: nothing is thrown */
static bool
copy_parts(const SharedEntry *entry, StashEntry *copy)
{
	Size		valuelen = MAXALIGN(entry->valuelen);
	char	   *parts = NULL;

	if (valuelen + entry->prooflen > 0)
	{
		parts = palloc_extended(valuelen + entry->prooflen, MCXT_ALLOC_NO_OOM);
		if (parts == NULL)
			return false;
		memcpy(parts, value_of(entry), valuelen + entry->prooflen);
	}
	copy->value = entry->form == FORM_BY_VALUE ? entry->value :
		PointerGetDatum(parts);
	copy->value_isnull = entry->form == FORM_NULL;
	copy->version = 1;
	copy->created_at = entry->created_at;
	copy->expires_at = entry->expires_at;
	copy->cost_us = entry->cost_us;
	copy->proof = entry->prooflen > 0 ? (bytea *) (parts + valuelen) : NULL;
	return true;
}

/*
 * Find an entry; its parts are in the current memory context.  '*is_flat': its
 * value is one of the call's type, else a frame as the stash has it.
 *
 * It is yet to be judged, as one of the stash.
 */
bool
stash_memo_shared_find(const StashMemoAddress *address, StashEntry *copy,
					   bool *is_flat)
{
	Partition  *partition = partition_for(&address->hash);
	bool		found = false;
	uint32		place;

	/* of many entries none is in the caches of a processor */
	__builtin_prefetch(bucket_for(partition, &address->hash));
	LWLockAcquire(&partition->lock, LW_SHARED);
	place = find_place(partition, address);
	if (place != 0)
	{
		SharedEntry *entry = entry_at(partition, place);

		found = is_of_version(entry, address) && copy_parts(entry, copy);
		*is_flat = entry->form != FORM_FRAME;
		/* written once in a while: others have the line in their caches */
		if (found && !entry->is_used)
			entry->is_used = true;
	}
	LWLockRelease(&partition->lock);
	return found && (TIMESTAMP_IS_NOEND(copy->expires_at) ||
					 copy->expires_at > GetCurrentTimestamp());
}

/*
 * Put a result in its place; 'valuelen' is 0 for one by value or NULL.
 *
 * 'frame', if any, takes the place of the value.  An answer that was found, not
 * computed, does not replace a newer one.  Throws nothing: it is called when a
 * transaction has committed.
 */
void
stash_memo_shared_put(const StashMemoAddress *address,
					  const StashMemoResult *result, Size valuelen,
					  const bytea *frame, const bytea *proof)
{
	Partition  *partition = partition_for(&address->hash);
	Size		prooflen = proof ? VARSIZE_ANY(proof) : 0;
	Size		size;
	uint32		place;
	SharedEntry *entry;
	uint32	   *bucket;
	char	   *at;

	if (frame != NULL)
		valuelen = VARSIZE_ANY(frame);
	size = ENTRY_HEADER + MAXALIGN(valuelen) + prooflen +
		address->identitylen + address->keylen;
	size = MAXALIGN(size);
	if (size > ring_size / LARGEST)
		return;

	LWLockAcquire(&partition->lock, LW_EXCLUSIVE);
	place = find_place(partition, address);
	if (place != 0)
	{
		entry = entry_at(partition, place);
		if (result->found_in != STASH_MEMO_MISS &&
			is_of_version(entry, address) &&
			entry->created_at >= result->created_at)
		{
			LWLockRelease(&partition->lock);
			return;
		}
		kill_entry(partition, place);
	}
	entry = make_room(partition, (uint32) size);
	bucket = bucket_for(partition, &address->hash);
	entry->size = (uint32) size;
	entry->next = *bucket;
	entry->hash = address->hash;
	entry->database = MyDatabaseId;
	entry->database_version = database_version;
	entry->stash = address->stash;
	entry->stash_version = address->stash_version;
	entry->rettype = address->rettype;
	entry->valuelen = (uint32) valuelen;
	entry->prooflen = (uint32) prooflen;
	entry->identitylen = (uint32) address->identitylen;
	entry->keylen = (uint32) address->keylen;
	entry->form = frame ? FORM_FRAME : result->isnull ? FORM_NULL :
		valuelen > 0 ? FORM_FLAT : FORM_BY_VALUE;
	entry->is_used = false;
	entry->created_at = result->created_at;
	entry->expires_at = result->expires_at;
	entry->cost_us = result->cost_us;
	entry->value = valuelen > 0 || result->isnull ? (Datum) 0 : result->value;
	at = value_of(entry);
	if (valuelen > 0)
		memcpy(at, frame ? (const char *) frame : DatumGetPointer(result->value),
			   valuelen);
	at += MAXALIGN(valuelen);
	if (prooflen > 0)
		memcpy(at, proof, prooflen);
	memcpy(identity_of(entry), address->identity, address->identitylen);
	memcpy(identity_of(entry) + address->identitylen, address->key,
		   address->keylen);
	*bucket = partition->head;
	partition->head += (uint32) size;
	partition->used += (uint32) size;
	LWLockRelease(&partition->lock);
}

/*
 * Remove what is in a place, if anything: others have to look in the stash.
 */
void
stash_memo_shared_remove(const StashMemoAddress *address)
{
	Partition  *partition = partition_for(&address->hash);
	uint32		place;

	LWLockAcquire(&partition->lock, LW_EXCLUSIVE);
	place = find_place(partition, address);
	if (place != 0)
		kill_entry(partition, place);
	LWLockRelease(&partition->lock);
}

/*
 * Give a stash another version, which is seen by whoever sees this transaction:
 * what was remembered of it is of no use to them.
 *
 * Waits for others who do that, or alter the stash.  Does nothing where nothing
 * can be written: forgetting fails then.
 */
void
stash_memo_shared_forget(Oid stash)
{
	Relation	pg_class;
	HeapTuple	tuple;

	if (XactReadOnly)
		return;
	LockRelationOid(stash, ShareUpdateExclusiveLock);
	pg_class = table_open(RelationRelationId, RowExclusiveLock);
	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(stash));
	/* dropped while we waited: then so is what was remembered */
	if (HeapTupleIsValid(tuple))
		CatalogTupleUpdate(pg_class, &tuple->t_self, tuple);
	table_close(pg_class, RowExclusiveLock);
}
