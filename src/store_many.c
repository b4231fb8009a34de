/*-------------------------------------------------------------------------
 *
 * store_many.c
 *	  Entries of a stash: many at once.
 *
 * Entries are written in batches.  Those of a table on which nothing hangs go
 * the direct way of store_upsert.c.  Of any other, one statement takes a batch
 * from a tuplestore that it knows as "stash_batch": triggers, row security,
 * partitions and rights are the executor's.  All rows go in the order of their
 * hashes, through all batches of a call: two calls that write the same keys
 * wait for each other, and never both ways; and the pages of the index are met
 * one after the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tupmacs.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "hash_datum.h"
#include "spi.h"
#include "store.h"
#include "variant.h"

#define BATCH_BYTES	(1024 * 1024)	/* of keys and values; one entry may have
									 * more */

/* One for each key, in place of the entry there; %s is the stash. */
static const char upsert_statement[] =
"INSERT INTO %s AS s "
"(key_hash, key, value, version, created_at, expires_at, cost) "
"SELECT b.key_hash, b.key, b.value, 1, b.created_at, b.expires_at, b.cost "
"FROM stash_batch b "
"ON CONFLICT (key_hash) DO UPDATE SET value = excluded.value, "
"version = " STASH_NEXT_VERSION ", "
"created_at = excluded.created_at, "
"expires_at = excluded.expires_at, cost = excluded.cost, proof = NULL "
"WHERE stash.same_key(s.key, excluded.key)";

/* A version more of each key; those that another session took are left out. */
static const char append_statement[] =
"INSERT INTO %1$s "
"(key_hash, key, value, version, created_at, expires_at, cost) "
"SELECT b.key_hash, b.key, b.value, "
"COALESCE(n.version, 0) OPERATOR(pg_catalog.+) 1, "
"b.created_at, b.expires_at, b.cost "
"FROM stash_batch b LEFT JOIN LATERAL (SELECT s.key, s.version FROM %1$s s "
"WHERE s.key_hash OPERATOR(pg_catalog.=) b.key_hash "
"ORDER BY s.version USING OPERATOR(pg_catalog.>) LIMIT 1) AS n ON true "
"WHERE n.version IS NULL OR stash.same_key(n.key, b.key) "
"ON CONFLICT (key_hash, version) DO NOTHING RETURNING key_hash, version";

/* What is not there yet, where there is no one index over all. */
static const char insert_statement[] =
"INSERT INTO %s "
"(key_hash, key, value, version, created_at, expires_at, cost) "
"SELECT b.key_hash, b.key, b.value, 1, b.created_at, b.expires_at, b.cost "
"FROM stash_batch b ON CONFLICT DO NOTHING RETURNING key_hash, version";

/* A key of which the transaction sees two rows. */
static const char doubled_query[] =
"SELECT FROM stash_batch b WHERE (SELECT pg_catalog.count(*) FROM %s s "
"WHERE s.key_hash OPERATOR(pg_catalog.=) b.key_hash) OPERATOR(pg_catalog.>) 1 LIMIT 1";

/* Entries on their way into a stash. */
typedef struct Batch
{
	StashStore *store;
	Relation	rel;			/* of the stash */
	StashUpsert *upsert;		/* NULL: a statement is needed */
	bool		has_ttl;		/* some of the entries expire */
	MemoryContext context;		/* of keys and values; emptied with the rows */
	EphemeralNamedRelationData relation;	/* what statements see of the rows */
	int64		nwritten;		/* in all batches so far */
	Size		bytes;			/* of keys and values */
	int			n;
	StashNewEntry entries[STASH_STORE_BATCH];
} Batch;

/* elements from the one at hand to the one that is fetched into the cache */
#define AHEAD		8

/*
 * Where the elements of an array argument are; of many, little memory is
 * taken.
 */
typedef struct Elements
{
	StashType  *type;			/* NULL for anonymous rows: each has its own */
	int			n;
	int16		typlen;
	bool		is_byval;
	const char *data;
	int			width;			/* bytes from one to the next, or ... */
	uint32	   *offsets;		/* in 'data', where 'width' does not tell */
} Elements;

#define NULL_ELEMENT	PG_UINT32_MAX	/* no offset: an array has less than a
										 * gigabyte */

/* Where an element stands among the hashes of all. */
typedef struct HashedElement
{
	StashHash128 hash;
	int32		at;
} HashedElement;

PG_FUNCTION_INFO_V1(pg_hashstash_put_many);
PG_FUNCTION_INFO_V1(pg_hashstash_get_many);
PG_FUNCTION_INFO_V1(pg_hashstash_merge);

static inline int
compare_hashed(const HashedElement *a, const HashedElement *b)
{
	uint64		one;
	uint64		other;
	int			order;

	/* in the order of uuid, most often told by the first half */
	memcpy(&one, a->hash.data, sizeof(one));
	memcpy(&other, b->hash.data, sizeof(other));
	if (likely(one != other))
		return pg_ntoh64(one) < pg_ntoh64(other) ? -1 : 1;
	order = memcmp(a->hash.data, b->hash.data, sizeof(a->hash.data));
	return order != 0 ? order : (a->at < b->at ? -1 : 1);
}

#define ST_SORT sort_hashed
#define ST_ELEMENT_TYPE HashedElement
#define ST_COMPARE(a, b) compare_hashed(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "lib/sort_template.h"

#define PLACES_BITS 12			/* of hashes, which places are told by */
#define PLACES	(1 << PLACES_BITS)
#define LEAST_DEALT PLACES		/* elements; fewer are just sorted */

/* ---- batches ---- */

/* throw: not every row of a statement was written */
pg_noreturn static void
refuse_keys(StashStore *store)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("could not put all keys into stash \"%s\"", store->table),
			 errdetail("Two keys have the same hash, or a trigger suppressed a row.")));
}

/*
 * Connect to SPI, and make an empty batch in the caller's memory context.
 * 'rel' stays open until finish_batch().
 */
static Batch *
begin_batch(StashStore *store, Relation rel)
{
	Batch	   *batch = palloc0(sizeof(Batch));
	TupleDesc	desc = lookup_rowtype_tupdesc(stash_catalog_entry_type(), -1);
	int			code;

	batch->store = store;
	batch->rel = rel;
	LockRelationOid(RelationGetRelid(rel), RowExclusiveLock);
	batch->context = AllocSetContextCreate(CurrentMemoryContext,
										   "pg_hashstash batch",
										   ALLOCSET_DEFAULT_SIZES);
	batch->relation.md.name = "stash_batch";
	batch->relation.md.tupdesc = CreateTupleDescCopy(desc);
	batch->relation.md.enrtype = ENR_NAMED_TUPLESTORE;
	batch->relation.md.enrtuples = STASH_STORE_BATCH;
	ReleaseTupleDesc(desc);

	stash_spi_begin();
	code = SPI_register_relation(&batch->relation);
	if (code < 0)
		elog(ERROR, "could not register a batch: %s",
			 SPI_result_code_string(code));
	/* what hangs on the table may have come while the lock was waited for */
	if (store->is_valid && stash_store_may_upsert(store, rel) &&
		!IsolationUsesXactSnapshot())
		batch->upsert = stash_upsert_begin(store, rel);
	return batch;
}

/* an entry as a row of stash.entry, without its version and proof */
static void
entry_row(const StashNewEntry *entry, Datum *values, bool *nulls)
{
	memset(values, 0, STASH_ENTRY_COLUMNS * sizeof(Datum));
	memset(nulls, true, STASH_ENTRY_COLUMNS * sizeof(bool));
#define SET_COLUMN(column, datum) \
	(values[(column) - 1] = (datum), nulls[(column) - 1] = false)
	SET_COLUMN(STASH_ENTRY_KEY_HASH, PointerGetDatum(entry->key.hash.data));
	SET_COLUMN(STASH_ENTRY_KEY, PointerGetDatum(entry->key.frame));
	if (entry->value != NULL)
		SET_COLUMN(STASH_ENTRY_VALUE, PointerGetDatum(entry->value));
	SET_COLUMN(STASH_ENTRY_CREATED_AT, TimestampTzGetDatum(entry->created_at));
	if (!TIMESTAMP_IS_NOEND(entry->expires_at))
		SET_COLUMN(STASH_ENTRY_EXPIRES_AT, TimestampTzGetDatum(entry->expires_at));
	if (entry->cost != NULL)
		SET_COLUMN(STASH_ENTRY_COST, IntervalPGetDatum(entry->cost));
#undef SET_COLUMN
}

/* let statements see the rows of a batch; the result is to be freed */
static Tuplestorestate *
show_batch(Batch *batch)
{
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);

	for (int i = 0; i < batch->n; i++)
	{
		Datum		values[STASH_ENTRY_COLUMNS];
		bool		nulls[STASH_ENTRY_COLUMNS];

		entry_row(&batch->entries[i], values, nulls);
		tuplestore_putvalues(rows, batch->relation.md.tupdesc, values, nulls);
	}
	batch->relation.reldata = rows;
	return rows;
}

/* run the statement that writes the rows of a batch */
static void
run_batch(Batch *batch, const char *statement)
{
	SPIPlanPtr *plan = &batch->store->plans[STASH_STATEMENT_PUT_MANY];
	Tuplestorestate *rows = show_batch(batch);
	int			code;

	if (*plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(psprintf(statement, batch->store->name),
									   0, NULL);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare a statement: %s",
				 SPI_result_code_string(SPI_result));
		*plan = made;
	}
	code = SPI_execute_plan(*plan, NULL, NULL, false, 0);
	if (code < 0)
		elog(ERROR, "could not run a statement: %s",
			 SPI_result_code_string(code));
	tuplestore_end(rows);
}

/*
 * Throw 40001 when a snapshot shows older entries of keys that were inserted;
 * stash.put() has the same check.
 */
static void
check_alone(Batch *batch)
{
	Tuplestorestate *rows;

	if (!IsolationUsesXactSnapshot())
		return;
	rows = show_batch(batch);
	if (SPI_execute(psprintf(doubled_query, batch->store->name), false, 1) < 0)
		elog(ERROR, "could not look for doubles");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent delete")));
	tuplestore_end(rows);
}

/* put the entries of a batch in the place of what is there */
static void
upsert_batch(Batch *batch)
{
	if (batch->upsert != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(batch->context);

		if (!stash_upsert_many(batch->upsert, batch->entries, batch->n))
			refuse_keys(batch->store);
		MemoryContextSwitchTo(old);
	}
	else
	{
		run_batch(batch, upsert_statement);
		if (SPI_processed != (uint64) batch->n)
			refuse_keys(batch->store);
		check_alone(batch);
	}
	batch->nwritten += batch->n;
	batch->n = 0;
}

/* insert a batch as new entries or versions; keep those left out */
static void
insert_batch(Batch *batch)
{
	SPITupleTable *written;
	uint64		nwritten;
	uint64		at = 0;
	int			nleft = 0;

	for (int i = 0; i < batch->n; i++)
		stash_store_lock_key(batch->store, &batch->entries[i].key);
	run_batch(batch, batch->store->has_versions ? append_statement :
			  insert_statement);
	written = SPI_tuptable;
	nwritten = SPI_processed;
	/* what was written comes in the order in which it was given */
	for (int i = 0; i < batch->n; i++)
	{
		StashKey   *key = &batch->entries[i].key;
		bool		isnull;

		if (at < nwritten &&
			memcmp(DatumGetPointer(SPI_getbinval(written->vals[at], written->tupdesc, 1, &isnull)),
				   key->hash.data, sizeof(key->hash.data)) == 0)
			stash_store_trim(batch->store, key,
							 DatumGetInt64(SPI_getbinval(written->vals[at++],
														 written->tupdesc, 2,
														 &isnull)));
		else
			batch->entries[nleft++] = batch->entries[i];
	}
	SPI_freetuptable(written);
	batch->nwritten += nwritten;
	batch->n = nleft;
}

/* put the entries of a batch one by one */
static void
put_batch(Batch *batch)
{
	for (int i = 0; i < batch->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		(void) stash_store_put_entry(batch->store, &batch->entries[i]);
	}
	batch->nwritten += batch->n;
	batch->n = 0;
}

/* write what is in a batch, and empty it */
static void
flush_batch(Batch *batch)
{
	StashStore *store = batch->store;

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < batch->n; i++)
		batch->has_ttl |= !TIMESTAMP_IS_NOEND(batch->entries[i].expires_at);
	if (batch->n > 0 && store->is_unique && !store->is_sharded)
		upsert_batch(batch);
	/* a plan for all keys would look for versions on all servers */
	if (batch->n > 0 && !(store->has_versions && store->is_sharded))
		insert_batch(batch);
	/* of the others, some other session has put one */
	put_batch(batch);
	batch->bytes = 0;
	MemoryContextReset(batch->context);
}

/* make room for a row: what is in the batch's context may go */
static void
make_room(Batch *batch)
{
	if (batch->n == STASH_STORE_BATCH || batch->bytes >= BATCH_BYTES)
		flush_batch(batch);
}

/* write the rest; disconnect; returns the number of rows written */
static int64
finish_batch(Batch *batch)
{
	int64		nwritten;

	flush_batch(batch);
	nwritten = batch->nwritten;
	MemoryContextDelete(batch->context);
	if (batch->upsert != NULL)
		stash_upsert_end(batch->upsert);
	stash_store_sweep_some(batch->store, batch->rel, nwritten, batch->has_ttl);
	relation_close(batch->rel, NoLock);
	stash_spi_finish();
	pfree(batch);
	return nwritten;
}

/* ---- arrays ---- */

/* find elements that have lengths of their own, or may be NULL */
static uint32 *
find_offsets(ArrayType *array, int n, int16 typlen, char typalign)
{
	uint32	   *offsets = palloc_extended(Max(n, 1) * sizeof(uint32),
										  MCXT_ALLOC_HUGE);
	const uint8 *bitmap = ARR_NULLBITMAP(array);
	const char *data = ARR_DATA_PTR(array);
	const char *at = data;

	for (int i = 0; i < n; i++)
	{
		if (bitmap != NULL && (bitmap[i / 8] & (1 << i % 8)) == 0)
		{
			offsets[i] = NULL_ELEMENT;
			continue;
		}
		offsets[i] = at - data;
		at = att_addlength_pointer(at, typlen, at);
		at = (const char *) att_align_nominal(at, typalign);
	}
	return offsets;
}

/* find the elements of an array argument; throws 22004 for NULL */
static void
read_elements(FunctionCallInfo fcinfo, int argno, const char *name,
			  Elements *elements)
{
	ArrayType  *array;
	Oid			type_oid;
	char		typalign;

	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name),
				 errhint("Give an empty array for none.")));
	array = PG_GETARG_ARRAYTYPE_P(argno);
	type_oid = ARR_ELEMTYPE(array);
	elements->type = type_oid == RECORDOID ? NULL :
		stash_type_lookup(type_oid, -1);
	get_typlenbyvalalign(type_oid, &elements->typlen, &elements->is_byval,
						 &typalign);
	elements->n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	elements->data = ARR_DATA_PTR(array);
	elements->width = elements->typlen > 0 ?
		att_align_nominal(elements->typlen, typalign) : 0;
	elements->offsets = elements->typlen > 0 && !ARR_HASNULL(array) ? NULL :
		find_offsets(array, elements->n, elements->typlen, typalign);
}

static inline bool
is_null_element(const Elements *elements, int at)
{
	return elements->offsets != NULL && elements->offsets[at] == NULL_ELEMENT;
}

static inline const char *
address_of_element(const Elements *elements, int at)
{
	return elements->data + (elements->offsets == NULL ?
							 (Size) at * elements->width : elements->offsets[at]);
}

/* an element, or 0 for NULL */
static inline Datum
element(const Elements *elements, int at)
{
	return is_null_element(elements, at) ? (Datum) 0 :
		fetch_att(address_of_element(elements, at), elements->is_byval,
				  elements->typlen);
}

/* the type of one element */
static StashType *
type_of_element(const Elements *elements, int at)
{
	if (elements->type != NULL)
		return elements->type;
	return is_null_element(elements, at) ? stash_type_lookup(RECORDOID, -1) :
		stash_type_of_row(element(elements, at));
}

/* the frame of one element */
static bytea *
frame_of_element(const Elements *elements, int at, int codec)
{
	return stash_frame_make(type_of_element(elements, at), element(elements, at),
							is_null_element(elements, at), codec);
}

static inline int
place_of(const HashedElement *hashed)
{
	return (hashed->hash.data[0] << 8 | hashed->hash.data[1]) >> (16 - PLACES_BITS);
}

/*
 * Sort by hash.
 *
 * Hashes are spread evenly: dealt out by their first bits, few come into a
 * place, and those few lie together.  What lies in the way of one that is
 * dealt is dealt next: American flag sort, McIlroy, Bostic and McIlroy,
 * "Engineering Radix Sort", Computing Systems 6 (1993).
 */
static void
sort_elements(HashedElement *hashed, int n)
{
	int			next[PLACES];
	int			ends[PLACES] = {0};

	if (n < LEAST_DEALT)
	{
		sort_hashed(hashed, n);
		return;
	}
	for (int i = 0; i < n; i++)
		ends[place_of(&hashed[i])]++;
	next[0] = 0;
	for (int i = 1; i < PLACES; i++)
	{
		next[i] = ends[i - 1];
		ends[i] += ends[i - 1];
	}
	for (int i = 0; i < PLACES; i++)
	{
		int			begin = i > 0 ? ends[i - 1] : 0;

		while (next[i] < ends[i])
		{
			HashedElement dealt = hashed[next[i]];
			int			place;

			while ((place = place_of(&dealt)) != i)
			{
				HashedElement in_the_way = hashed[next[place]];

				hashed[next[place]++] = dealt;
				dealt = in_the_way;
			}
			hashed[next[i]++] = dealt;
		}
		sort_hashed(hashed + begin, ends[i] - begin);
	}
}

/* the hashes of all elements, sorted */
static HashedElement *
sort_by_hash(const Elements *elements)
{
	HashedElement *hashed = palloc_extended(Max(elements->n, 1) * sizeof(HashedElement),
											MCXT_ALLOC_HUGE);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_hashstash hashes",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);

	for (int i = 0; i < elements->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		hashed[i].hash = stash_hash_value(type_of_element(elements, i),
										  element(elements, i),
										  is_null_element(elements, i));
		hashed[i].at = i;
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	sort_elements(hashed, elements->n);
	return hashed;
}

/* ---- SQL ---- */

/*
 * How many elements from hashed[0] on are one key.  Throws 23505 when another
 * key has the same hash.
 */
static int
count_same(StashStore *store, const Elements *keys,
		   const HashedElement *hashed, int n)
{
	int			same = 1;

	while (same < n &&
		   memcmp(&hashed[same].hash, &hashed[0].hash, sizeof(StashHash128)) == 0)
	{
		bytea	   *one = frame_of_element(keys, hashed[0].at, STASH_CODEC_NONE);
		bytea	   *other = frame_of_element(keys, hashed[same].at, STASH_CODEC_NONE);

		CHECK_FOR_INTERRUPTS();
		if (!stash_variant_same_key(PointerGetDatum(one), PointerGetDatum(other)))
			refuse_keys(store);
		pfree(one);
		pfree(other);
		same++;
	}
	return same;
}

/*
 * In the order of hashes elements lie anywhere: fetch those that come after
 * hashed[0], first what tells where each is.  Inlined, for compilers drop
 * calls of what only prefetches.
 */
static pg_attribute_always_inline void
fetch_ahead(const Elements *elements, const HashedElement *hashed, int n)
{
	if (n > 2 * AHEAD && elements->offsets != NULL)
		__builtin_prefetch(&elements->offsets[hashed[2 * AHEAD].at]);
	if (n > AHEAD && !is_null_element(elements, hashed[AHEAD].at))
		__builtin_prefetch(address_of_element(elements, hashed[AHEAD].at));
}

/* write all elements as entries; returns how many keys they are */
static int64
put_elements(StashStore *store, Relation rel, const Elements *keys,
			 const Elements *values, TimestampTz now, TimestampTz expires_at)
{
	HashedElement *hashed = sort_by_hash(keys);
	Batch	   *batch = begin_batch(store, rel);

	stash_store_lock_many(store, keys->n);

	for (int i = 0; i < keys->n;)
	{
		MemoryContext old;
		StashNewEntry *entry;
		int			last;

		CHECK_FOR_INTERRUPTS();
		make_room(batch);
		fetch_ahead(keys, &hashed[i], keys->n - i);
		fetch_ahead(values, &hashed[i], keys->n - i);
		entry = &batch->entries[batch->n++];
		old = MemoryContextSwitchTo(batch->context);
		/* of one key's, the last wins */
		i += count_same(store, keys, &hashed[i], keys->n - i);
		last = hashed[i - 1].at;
		entry->key.hash = hashed[i - 1].hash;
		entry->key.frame = frame_of_element(keys, last, STASH_CODEC_NONE);
		entry->value = is_null_element(values, last) ? NULL :
			frame_of_element(values, last, store->options.codec);
		entry->created_at = now;
		entry->expires_at = expires_at;
		MemoryContextSwitchTo(old);
		batch->bytes += VARSIZE(entry->key.frame) +
			(entry->value == NULL ? 0 : VARSIZE(entry->value));
	}
	return finish_batch(batch);
}

/*
 * stash.put_many(stash regclass, keys anyarray,
 *                "values" anycompatiblearray, ttl interval DEFAULT NULL)
 * returns int8
 *
 * Args:    keys    elements in storage order; a NULL is a key as any other
 *          values  as many; NULLs are remembered
 *          ttl     as of stash.put()
 * Returns: the number of entries written.  Of a key that comes twice, the
 *          last value is written, once.
 * Errors:  2202E arrays of different lengths; 22004 NULL stash or array; as
 *          stash.put()
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_put_many(PG_FUNCTION_ARGS)
{
	Relation	rel;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
										 AccessShareLock);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz expires_at = stash_store_expires_at(fcinfo, 3, store, now);
	Elements	keys;
	Elements	values;

	stash_store_check_writable(store);
	read_elements(fcinfo, 1, "keys", &keys);
	read_elements(fcinfo, 2, "values", &values);
	if (keys.n != values.n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("keys and values are not equally many"),
				 errdetail("There are %d keys and %d values.", keys.n, values.n),
				 errhint("Give one value for each key; NULL is a value.")));
	if (values.type != NULL)
		stash_type_check_readable(values.type);
	PG_RETURN_INT64(put_elements(store, rel, &keys, &values, now, expires_at));
}

/*
 * stash.get_many(stash regclass, keys anyarray)
 * returns setof (ord int8, key stash.variant, value stash.variant)
 *
 * Returns: a row for each element, in storage order, numbered from 1; the
 *          value is NULL where stash.get() would return NULL
 * Errors:  as stash.get(); 22004 NULL array
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_get_many(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	rel;
	StashStore *store;
	Elements	keys;
	MemoryContext scratch;
	MemoryContext old;

	stash_compat_materialize(fcinfo);
	store = stash_store_open(stash_store_argument(fcinfo, 0), &rel,
							 AccessShareLock);
	read_elements(fcinfo, 1, "keys", &keys);
	scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash get",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	for (int i = 0; i < keys.n; i++)
	{
		StashKey	key;
		StashEntry	entry;
		Datum		row[3];
		bool		nulls[3] = {false, false, true};

		CHECK_FOR_INTERRUPTS();
		stash_store_make_key(type_of_element(&keys, i), element(&keys, i),
							 is_null_element(&keys, i), &key);
		row[0] = Int64GetDatum((int64) i + 1);
		row[1] = PointerGetDatum(key.frame);
		if (stash_store_look_up(store, rel, &key, &entry, true))
		{
			row[2] = entry.value;
			nulls[2] = entry.value_isnull;
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	relation_close(rel, AccessShareLock);
	return (Datum) 0;
}

/* stashes that entries can be put into have no place for parts */
static void
check_value(const StashStore *source, Datum value)
{
	StashParts	parts;

	if (stash_store_may_have_parts(source) &&
		stash_store_is_head(value, &parts))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a result that is kept in parts cannot be merged"),
				 errdetail("Stash %s has one of %lld rows.", source->name,
						   (long long) parts.nrows),
				 errhint("stash.assemble() reads such rows from the stash.")));
}

/* a row of "from", whose values live as long as it does, becomes one of ours */
static void
add_tuple(Batch *batch, const StashStore *source, HeapTuple tuple,
		  TupleDesc desc)
{
	StashNewEntry *entry = &batch->entries[batch->n++];
	Datum		values[6];
	bool		nulls[6];

	Assert(desc->natts == lengthof(values));
	heap_deform_tuple(tuple, desc, values, nulls);
	memcpy(entry->key.hash.data, DatumGetUUIDP(values[0])->data, UUID_LEN);
	entry->key.frame = (bytea *) DatumGetPointer(values[1]);
	if (!nulls[2])
		check_value(source, values[2]);
	entry->value = nulls[2] ? NULL : (bytea *) DatumGetPointer(values[2]);
	entry->created_at = nulls[3] ? DT_NOBEGIN : DatumGetTimestampTz(values[3]);
	entry->expires_at = nulls[4] ? DT_NOEND : DatumGetTimestampTz(values[4]);
	entry->cost = nulls[5] ? NULL : DatumGetIntervalP(values[5]);
}

/*
 * stash.merge("into" regclass, "from" regclass) returns int8
 *
 * Puts the entries of "from" that have not expired into "into", with the
 * times at which they were stored and expire, and what they cost; versions are
 * counted in "into".  Of a key that has several versions in "from", the newest
 * that has not expired is put.
 * Returns: the number of entries put
 * Errors:  42809, 42501, 22004, 55000 no unique index on "into"; 0A000 an entry
 *          in parts; all that an INSERT or UPDATE may throw
 * Volatile, parallel unsafe, called on NULL.
 */
Datum
pg_hashstash_merge(PG_FUNCTION_ARGS)
{
	Relation	into;
	Relation	from;
	StashStore *store = stash_store_open(stash_store_argument(fcinfo, 0), &into,
										 AccessShareLock);
	StashStore *source = stash_store_open(stash_store_argument(fcinfo, 1), &from,
										  AccessShareLock);
	Batch	   *batch;
	Portal		portal;

	stash_store_check_writable(store);
	relation_close(from, NoLock);
	batch = begin_batch(store, into);
	stash_store_lock_many(store, PG_INT32_MAX);
	portal = SPI_cursor_open_with_args(NULL,
									   psprintf("SELECT DISTINCT ON (key_hash) key_hash, key, value, created_at, expires_at, cost "
												"FROM %s WHERE key_hash IS NOT NULL AND key IS NOT NULL AND " STASH_ENTRY_IS_LISTED
												" ORDER BY key_hash USING OPERATOR(pg_catalog.<), "
												"version USING OPERATOR(pg_catalog.>), "
												"created_at USING OPERATOR(pg_catalog.>)",
												source->name),
									   0, NULL, NULL, NULL, false, 0);
	for (;;)
	{
		SPITupleTable *rows;

		SPI_cursor_fetch(portal, true, STASH_STORE_BATCH);
		rows = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < rows->numvals; i++)
			add_tuple(batch, source, rows->vals[i], rows->tupdesc);
		flush_batch(batch);
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
	PG_RETURN_INT64(finish_batch(batch));
}
