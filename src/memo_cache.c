/*-------------------------------------------------------------------------
 *
 * memo_cache.c
 *	  Results in the memory of the session, in front of the stash.
 *
 * Bounded by pg_hashstash.local_cache_size; the least recently used go first.
 * An entry made in a transaction or subtransaction that is rolled back goes
 * with it; when it commits, what it computed goes to shared memory, too.
 * Entries go, too, when their stash changes as a relation, which is
 * how stash.forget() of one session reaches the others.
 *
 * A result is copied out before it is returned: an entry may go at any time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "compat.h"
#include "memo.h"

/* a slot of the hash table; the entry itself never moves */
typedef struct CacheSlot
{
	StashHash128 hash;
	StashMemoEntry *entry;
	char		status;			/* of simplehash.h */
} CacheSlot;

static inline uint32
hash_of_key(StashHash128 hash)
{
	uint32		word;

	memcpy(&word, hash.data, sizeof(word));
	return word;
}

#define SH_PREFIX			slots
#define SH_ELEMENT_TYPE		CacheSlot
#define SH_KEY_TYPE			StashHash128
#define SH_KEY				hash
#define SH_HASH_KEY(tb, key)	hash_of_key(key)
#define SH_EQUAL(tb, a, b)	(memcmp((a).data, (b).data, sizeof((a).data)) == 0)
#define SH_SCOPE			static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* What shared memory is to know of an entry, besides what that has. */
typedef struct StashMemoShare
{
	Size		size;			/* of this, with what it points to */
	TransactionId stash_version;
	Size		valuelen;
	bytea	   *proof;			/* or NULL */
	Size		identitylen;
	char	   *identity;
} StashMemoShare;

#define MAX_CHANCES		8		/* entries that making room moves to the head */
#define ENTRY_LINES		5		/* lines of cache that a small entry has */
#define SLOT_BYTES		64		/* of the hash table, which is half full or
								 * more */

static MemoryContext cache_context;
static slots_hash *cache;		/* made at the first put */
static dlist_head entries = DLIST_STATIC_INIT(entries); /* a clock's; the hand
														 * is at the tail */
static dlist_head pending = DLIST_STATIC_INIT(pending); /* not committed */
static Size cache_bytes;
static List *stashes;			/* OIDs that entries have ever had */

/*
 * stash.entry's own relation stands for all memos without a stash: they have
 * no relation whose news could reach other sessions (stash.forget()).
 */
static Oid	broadcast_relation;

/*
 * Set when news of a stash has come, or may have come unnoticed, to the end
 * of the transaction: its snapshot may be older than the news.
 */
static bool has_news;

static int	local_cache_size = 16384;	/* kB */

/* the entry that is being proved: it must not go before that is done */
static StashMemoEntry *busy;

static void
free_share(StashMemoEntry *entry)
{
	entry->size -= entry->share->size;
	cache_bytes -= entry->share->size;
	pfree(entry->share);
	entry->share = NULL;
}

static void
free_entry(StashMemoEntry *entry)
{
	if (entry->result.rows != NULL)
		pfree(entry->result.rows);
	if (entry->result.proof != NULL)
		pfree(entry->result.proof);
	pfree(entry);
}

static void
drop_entry(StashMemoEntry *entry)
{
	slots_delete(cache, entry->hash);
	dlist_delete(&entry->node);
	if (entry->subid != InvalidSubTransactionId)
		dlist_delete(&entry->pending);
	if (entry->share != NULL)
		free_share(entry);
	cache_bytes -= entry->size;
	if (entry == busy)
		entry->is_dropped = true;
	else
		free_entry(entry);
}

/*
 * Whether what an entry was made of is still the same, and this call may have
 * it; looking may let in news that drop entries, this one among them.
 */
static bool
is_proved(StashMemoEntry *entry, StashMemoCall *call)
{
	uint64		moment;
	bool		holds;
	StashMemoReason reason = STASH_MEMO_FINE;
	Oid			culprit;

	if (entry->result.proof == NULL &&
		TIMESTAMP_IS_NOEND(entry->result.expires_at))
		return true;
	/* an error may have left one */
	if (busy != NULL && busy->is_dropped)
		free_entry(busy);
	busy = entry;
	moment = stash_track_moment();
	if (entry->result.proof != NULL && (moment == 0 || moment != entry->proved))
		reason = stash_memo_proof_judge(entry->result.proof, call->has_ttl,
										&culprit);
	if (reason == STASH_MEMO_FINE &&
		!stash_memo_allows(call, entry->result.proof, entry->result.created_at,
						   &entry->result.expires_at, &entry->allowed))
		reason = STASH_MEMO_NOT_ALLOWED;
	holds = reason == STASH_MEMO_FINE;
	if (!holds)
		call->stale = reason;
	busy = NULL;
	if (entry->is_dropped)
	{
		free_entry(entry);
		return false;
	}
	/* what was read for the proof may have moved time on */
	entry->proved = holds && moment == stash_track_moment() ? moment : 0;
	return holds;
}

/* drop the entries of a stash, of a function, or all: 0 stands for any */
static void
drop_entries(Oid stash, Oid function)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &entries)
	{
		StashMemoEntry *entry = dlist_container(StashMemoEntry, node, iter.cur);

		if ((!OidIsValid(stash) || entry->stash == stash) &&
			(!OidIsValid(function) || entry->function == function))
			drop_entry(entry);
	}
}

static void
forget_relation(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == broadcast_relation)
		drop_entries(InvalidOid, InvalidOid);
	else if (list_member_oid(stashes, relid))
		drop_entries(relid, InvalidOid);
	else
		return;
	has_news = true;
}

/* what has been committed is there for all */
static void
share(StashMemoEntry *entry)
{
	const StashMemoShare *more = entry->share;
	StashMemoAddress address = {
		.hash = entry->hash,
		.stash = entry->stash,
		.stash_version = more->stash_version,
		.rettype = entry->rettype,
		.identity = more->identity,
		.identitylen = more->identitylen,
		.key = entry->key,
		.keylen = entry->keylen
	};

	stash_memo_shared_put(&address, &entry->result, more->valuelen,
						  entry->result.rows, more->proof);
}

/* the end of a transaction: what it made is kept, or goes */
static void
end_transaction(XactEvent event, void *arg)
{
	bool		is_commit = event == XACT_EVENT_COMMIT ||
	event == XACT_EVENT_PARALLEL_COMMIT;

	if (!is_commit && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PARALLEL_ABORT && event != XACT_EVENT_PREPARE)
		return;
	has_news = false;
	/* left by an error: it is in no list any more, or in all */
	if (busy != NULL && busy->is_dropped)
		free_entry(busy);
	busy = NULL;
	while (!dlist_is_empty(&pending))
	{
		StashMemoEntry *entry = dlist_container(StashMemoEntry, pending,
												dlist_head_node(&pending));

		if (!is_commit)
			drop_entry(entry);
		else
		{
			dlist_delete(&entry->pending);
			entry->subid = InvalidSubTransactionId;
			/* of a parallel query the leader may still roll back */
			if (entry->share != NULL && event == XACT_EVENT_COMMIT)
				share(entry);
			if (entry->share != NULL)
				free_share(entry);
		}
	}
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId subid,
				   SubTransactionId parent, void *arg)
{
	dlist_mutable_iter iter;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	dlist_foreach_modify(iter, &pending)
	{
		StashMemoEntry *entry = dlist_container(StashMemoEntry, pending,
												iter.cur);

		if (entry->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			drop_entry(entry);
		else
			entry->subid = parent;
	}
}

/*
 * Drop entries until no more than 'limit' bytes are left: from the tail of the
 * list, but what was used since it came to the head gets another turn there.
 */
static void
shrink(Size limit)
{
	int			chances = MAX_CHANCES;

	while (cache_bytes > limit)
	{
		StashMemoEntry *entry = dlist_container(StashMemoEntry, node,
												dlist_tail_node(&entries));

		if (entry->is_used && chances-- > 0)
		{
			entry->is_used = false;
			dlist_move_head(&entries, &entry->node);
			continue;
		}
		stash_memo_count_eviction(entry->function);
		drop_entry(entry);
	}
}

static void
assign_local_cache_size(int newval, void *extra)
{
	shrink((Size) newval * 1024);
}

/*
 * Register the callbacks and the setting; called once at load.
 */
void
stash_memo_cache_init(void)
{
	cache_context = AllocSetContextCreate(TopMemoryContext,
										  "pg_hashstash memo cache",
										  ALLOCSET_DEFAULT_SIZES);
	stash_catalog_listen(forget_relation);
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);

	DefineCustomIntVariable("pg_hashstash.local_cache_size",
							"Memory of each session for remembered results.",
							"Zero leaves only the stash tables.",
							&local_cache_size, 16384, 0, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, assign_local_cache_size, NULL);
}

/* what a call's values are in memory: a type made again has its name alone */
static Oid
result_type(const StashMemoCall *call)
{
	return call->rettype ? call->rettype->oid : RECORDOID;
}

/*
 * The result kept for a key, or NULL.  Good until anything else is called.
 * Where there is one whose proof fails, call->stale says why.
 */
const StashMemoResult *
stash_memo_cache_find(const StashMemoKey *key, StashMemoCall *call)
{
	CacheSlot  *slot;
	StashMemoEntry *entry;

	if (cache == NULL)
		return NULL;
	slot = slots_lookup(cache, key->hash);
	if (slot == NULL)
		return NULL;
	entry = slot->entry;
	/* of many entries none is in the caches of a processor */
	for (int line = 1; line < ENTRY_LINES; line++)
		__builtin_prefetch((const char *) entry + line * 64);
	if (entry->identity != key->identity->id ||
		entry->rettype != result_type(call) ||
		entry->keylen != key->sink.used ||
		memcmp(entry->key, key->sink.buf, entry->keylen) != 0)
		return NULL;
	if ((!TIMESTAMP_IS_NOEND(entry->result.expires_at) &&
		 entry->result.expires_at <= GetCurrentTimestamp()) ||
		(entry->types_generation != 0 &&
		 entry->types_generation != stash_type_generation()))
	{
		drop_entry(entry);
		return NULL;
	}
	if (!is_proved(entry, call))
		return NULL;
	entry->is_used = true;
	return &entry->result;
}

/*
 * The bytes that one result may take at most.
 */
int64
stash_memo_cache_share(void)
{
	return (int64) local_cache_size * 1024 / 4;
}

/* make room; false when so much will never fit */
static bool
make_room(Size size)
{
	if (size > stash_memo_cache_share())
		return false;
	shrink((Size) local_cache_size * 1024 - size);
	return true;
}

/*
 * Know a stash again when the server tells of a change to it; to be called
 * before it is read.
 */
void
stash_memo_cache_watch(Oid stash)
{
	/* the extension may have been made again */
	broadcast_relation = stash_catalog_entry_relation();
	if (OidIsValid(stash) && !list_member_oid(stashes, stash))
	{
		MemoryContext old = MemoryContextSwitchTo(cache_context);

		stashes = lappend_oid(stashes, stash);
		MemoryContextSwitchTo(old);
		has_news = true;
	}
}

/*
 * True when what is found in a stash now may have been forgotten already, by
 * a transaction that our snapshot does not see.
 */
bool
stash_memo_cache_has_news(void)
{
	return has_news;
}

/*
 * What an entry that is to come to shared memory needs for that; NULL when it
 * is not to.
 */
static StashMemoShare *
make_share(const StashMemoKey *key, const StashMemoCall *call,
		   const StashMemoResult *result, Size valuelen)
{
	StashMemoAddress address;
	StashMemoShare *made;
	bytea	   *proof = NULL;
	Size		prooflen;
	Size		size;

	if (!stash_memo_shared_address(&address, call, key) ||
		!stash_memo_shared_is_recent(call))
		return NULL;
	/* what depends on what types are like by then others find in the stash */
	if (result->rows == NULL && !result->isnull && call->follows_types)
	{
		stash_memo_shared_remove(&address);
		return NULL;
	}
	if (result->proof != NULL)
		proof = stash_memo_proof_write(result->proof);
	prooflen = proof ? MAXALIGN(VARSIZE(proof)) : 0;
	size = MAXALIGN(sizeof(StashMemoShare)) + prooflen + address.identitylen;
	made = MemoryContextAlloc(cache_context, size);
	made->size = GetMemoryChunkSpace(made);
	made->stash_version = address.stash_version;
	made->valuelen = valuelen;
	made->proof = NULL;
	if (proof != NULL)
	{
		made->proof = (bytea *) ((char *) made + MAXALIGN(sizeof(StashMemoShare)));
		memcpy(made->proof, proof, VARSIZE(proof));
		pfree(proof);
	}
	made->identity = (char *) made + size - address.identitylen;
	made->identitylen = address.identitylen;
	memcpy(made->identity, address.identity, address.identitylen);
	return made;
}

/* what is in shared memory is not the newest any more */
static void
leave_to_stash(const StashMemoKey *key, const StashMemoCall *call)
{
	StashMemoAddress address;

	if (stash_memo_shared_address(&address, call, key))
		stash_memo_shared_remove(&address);
}

static void
drop_key(const StashMemoKey *key)
{
	CacheSlot  *slot = cache != NULL ? slots_lookup(cache, key->hash) : NULL;

	if (slot != NULL)
		drop_entry(slot->entry);
}

/*
 * Drop what is kept for a key, in shared memory, too: a newer answer stands in
 * the stash alone.
 */
void
stash_memo_cache_drop(const StashMemoKey *key, const StashMemoCall *call)
{
	drop_key(key);
	leave_to_stash(key, call);
}

/*
 * A copy of a result under its key, in memory of the cache, known to nobody yet.
 */
static StashMemoEntry *
make_entry(const StashMemoKey *key, const StashMemoCall *call,
		   const StashMemoResult *result, Size valuelen)
{
	Size		fixed = MAXALIGN(sizeof(StashMemoEntry));
	StashMemoEntry *entry;

	/* one block: entry, value, key; row sets apart, for they may be large */
	entry = MemoryContextAllocZero(cache_context, fixed + MAXALIGN(valuelen) +
								   key->sink.used);
	entry->function = call->memo->function;
	entry->rettype = result_type(call);
	entry->stash = call->memo->stash;
	entry->identity = key->identity->id;
	entry->hash = key->hash;
	entry->keylen = key->sink.used;
	entry->key = (char *) entry + fixed + MAXALIGN(valuelen);
	memcpy(entry->key, key->sink.buf, entry->keylen);

	/*
	 * A row is kept as it is in memory, which ALTER TYPE changes; a domain
	 * may get conditions that the value does not hold; and what a key means
	 * may change with the strategies of its types.
	 */
	if ((result->rows == NULL && call->follows_types) ||
		call->keytype->has_strategy)
		entry->types_generation = call->types_generation;
	entry->result = *result;
	if (result->proof != NULL)
		entry->result.proof = stash_memo_proof_copy(result->proof,
													cache_context);
	if (result->rows != NULL)
	{
		entry->result.rows = MemoryContextAlloc(cache_context,
												VARSIZE(result->rows));
		memcpy(entry->result.rows, result->rows, VARSIZE(result->rows));
	}
	else if (valuelen > 0)
	{
		memcpy((char *) entry + fixed, DatumGetPointer(result->value), valuelen);
		entry->result.value = PointerGetDatum((char *) entry + fixed);
	}
	return entry;
}

/* the memory that an entry has, with what the server's allocator adds */
static Size
space_of(StashMemoEntry *entry)
{
	Size		space = GetMemoryChunkSpace(entry) + SLOT_BYTES;

	if (entry->result.rows != NULL)
		space += GetMemoryChunkSpace(entry->result.rows);
	if (entry->result.proof != NULL)
		space += GetMemoryChunkSpace(entry->result.proof);
	return space;
}

/*
 * Keep a copy of a result in place of what is kept for its key, unless the
 * cache is off or the result too large.
 *
 * A value must be flat: no TOAST pointer, no expanded object.  'is_for_all':
 * when the transaction commits it goes to shared memory, too.  Nothing is kept
 * when news of the memo or its stash have come since the call began.
 */
void
stash_memo_cache_put(const StashMemoKey *key, const StashMemoCall *call,
					 const StashMemoResult *result, bool is_for_all)
{
	Size		valuelen = 0;	/* bytes of a value by reference */
	Size		bytes;			/* of all that is kept, about */
	StashMemoShare *entry_share = NULL;
	StashMemoEntry *entry;
	CacheSlot  *slot;
	bool		found;

	if (result->rows == NULL && !result->isnull && !call->rettypbyval)
		valuelen = datumGetSize(result->value, false, call->rettyplen);
	drop_key(key);
	bytes = MAXALIGN(sizeof(StashMemoEntry)) + MAXALIGN(valuelen) +
		key->sink.used + (result->rows ? VARSIZE(result->rows) : 0) +
		(result->proof ? stash_memo_proof_size(result->proof) : 0) + SLOT_BYTES;
	if (!make_room(bytes))
	{
		if (is_for_all)
			leave_to_stash(key, call);
		return;
	}

	if (is_for_all)
		entry_share = make_share(key, call, result, valuelen);
	if (!stash_memo_still_holds(call))
	{
		if (entry_share != NULL)
			pfree(entry_share);
		return;
	}
	stash_memo_cache_watch(call->memo->stash);
	entry = make_entry(key, call, result, valuelen);
	entry->size = space_of(entry);
	if (cache == NULL)
		cache = slots_create(cache_context, 256, NULL);
	slot = slots_insert(cache, key->hash, &found);
	slot->entry = entry;
	dlist_push_head(&entries, &entry->node);
	entry->subid = GetCurrentSubTransactionId();
	dlist_push_head(&pending, &entry->pending);
	if (entry_share != NULL)
	{
		entry->share = entry_share;
		entry->size += entry_share->size;
	}
	cache_bytes += entry->size;
}

/*
 * Drop all entries of a function in this session.
 */
void
stash_memo_cache_forget(Oid function)
{
	drop_entries(InvalidOid, function);
}
