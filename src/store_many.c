/*-------------------------------------------------------------------------
 *
 * store_many.c
 *	  Entries of a stash: many at once.
 *
 * Entries are written in batches: one statement takes a batch from a
 * tuplestore that it knows as "stash_batch".  All rows go in the order of
 * their hashes, through all batches of a call: two calls that write the same
 * keys wait for each other, and never both ways; and the pages of the index
 * are met one after the other.  Triggers, row security, partitions and rights
 * are the executor's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
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

#include "catalog.h"
#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "hash_datum.h"
#include "spi.h"
#include "store.h"
#include "variant.h"

#define BATCH_ROWS	1000
#define BATCH_BYTES	(1024 * 1024)	/* of keys and values; one entry may have
									 * more */
#define DIRECT_ROWS	50			/* inserted before their keys are looked at */

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

/* A row of stash.entry, without its version and proof. */
typedef struct BatchRow
{
	Datum		values[STASH_ENTRY_COLUMNS];
	bool		nulls[STASH_ENTRY_COLUMNS];
} BatchRow;

/* Entries on their way into a stash. */
typedef struct Batch
{
	StashStore *store;
	Relation	rel;			/* of the stash */
	bool		is_direct;		/* no key was there yet; see may_insert() */
	bool		has_ttl;		/* some of the entries expire */
	MemoryContext context;		/* of keys and values; emptied with the rows */
	EphemeralNamedRelationData relation;	/* what statements see of the rows */
	int64		nwritten;		/* in all batches so far */
	Size		bytes;			/* of keys and values */
	int			nrows;
	BatchRow	rows[BATCH_ROWS];
} Batch;

/* An array argument, taken apart. */
typedef struct Elements
{
	Oid			type_oid;
	StashType  *type;			/* NULL for anonymous rows: each has its own */
	int			n;
	Datum	   *values;
	bool	   *nulls;
} Elements;

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
 * Whether rows may go around the executor: whoever inserts them could do all
 * that the statement may have to do, and nobody reads in the WAL of a row that
 * is inserted and taken back in one transaction.
 */
static bool
may_insert(StashStore *store, Relation rel)
{
	return stash_store_may_upsert(store, rel) &&
		!IsolationUsesXactSnapshot() && !RelationIsLogicallyLogged(rel);
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
	batch->is_direct = may_insert(store, rel);
	batch->context = AllocSetContextCreate(CurrentMemoryContext,
										   "pg_hashstash batch",
										   ALLOCSET_DEFAULT_SIZES);
	batch->relation.md.name = "stash_batch";
	batch->relation.md.tupdesc = CreateTupleDescCopy(desc);
	batch->relation.md.enrtype = ENR_NAMED_TUPLESTORE;
	batch->relation.md.enrtuples = BATCH_ROWS;
	ReleaseTupleDesc(desc);

	stash_spi_begin();
	code = SPI_register_relation(&batch->relation);
	if (code < 0)
		elog(ERROR, "could not register a batch: %s",
			 SPI_result_code_string(code));
	return batch;
}

/*
 * Insert the rows of a batch from 'first' on, as long as their keys are new;
 * returns at which row that ended.
 *
 * An index that is told to check in part inserts in any case, waits for
 * nobody, and says whether there may be another row of that key: the executor
 * asks the same for ON CONFLICT.  Then that row and those behind it are taken
 * back, and all that follow in this call are the statement's: none may be
 * written before one that has to wait.
 */
static int
insert_new_rows(Batch *batch, int first, int n, TupleTableSlot **slots,
				Relation index, IndexInfo *info)
{
	int			nnew = 0;

	for (int i = 0; i < n; i++)
	{
		BatchRow   *row = &batch->rows[first + i];

		ExecClearTuple(slots[i]);
		memset(slots[i]->tts_isnull, true,
			   slots[i]->tts_tupleDescriptor->natts * sizeof(bool));
		memcpy(slots[i]->tts_values, row->values, sizeof(row->values));
		memcpy(slots[i]->tts_isnull, row->nulls, sizeof(row->nulls));
		slots[i]->tts_values[STASH_ENTRY_VERSION - 1] = Int64GetDatum(1);
		slots[i]->tts_isnull[STASH_ENTRY_VERSION - 1] = false;
		ExecStoreVirtualTuple(slots[i]);
	}
	table_multi_insert(batch->rel, slots, n, GetCurrentCommandId(true), 0, NULL);
	while (nnew < n)
	{
		Datum		values[INDEX_MAX_KEYS];
		bool		nulls[INDEX_MAX_KEYS];

		FormIndexDatum(info, slots[nnew], NULL, values, nulls);
		if (!index_insert(index, values, nulls, &slots[nnew]->tts_tid,
						  batch->rel, UNIQUE_CHECK_PARTIAL, false, info))
			break;
		nnew++;
	}
	CommandCounterIncrement();
	for (int i = nnew; i < n; i++)
		simple_table_tuple_delete(batch->rel, &slots[i]->tts_tid, SnapshotAny);
	return nnew;
}

/* insert what of a batch can go around the executor; keep the rest */
static void
insert_directly(Batch *batch)
{
	MemoryContext old = MemoryContextSwitchTo(batch->context);
	Relation	index = index_open(batch->store->index, RowExclusiveLock);
	IndexInfo  *info = BuildIndexInfo(index);
	TupleTableSlot *slots[DIRECT_ROWS];
	int			done = 0;

	for (int i = 0; i < DIRECT_ROWS; i++)
		slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(batch->rel),
											&TTSOpsVirtual);
	while (done < batch->nrows && batch->is_direct)
	{
		int			n = Min(DIRECT_ROWS, batch->nrows - done);
		int			nnew = insert_new_rows(batch, done, n, slots, index, info);

		batch->is_direct = nnew == n;
		done += nnew;
	}
	for (int i = 0; i < DIRECT_ROWS; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	index_close(index, NoLock);
	MemoryContextSwitchTo(old);
	batch->nwritten += done;
	batch->nrows -= done;
	memmove(batch->rows, batch->rows + done, batch->nrows * sizeof(BatchRow));
}

/* let statements see the rows of a batch; the result is to be freed */
static Tuplestorestate *
show_batch(Batch *batch)
{
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);

	for (int i = 0; i < batch->nrows; i++)
		tuplestore_putvalues(rows, batch->relation.md.tupdesc,
							 batch->rows[i].values, batch->rows[i].nulls);
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

/* put the rows of a batch in the place of what is there */
static void
upsert_batch(Batch *batch)
{
	run_batch(batch, upsert_statement);
	if (SPI_processed != (uint64) batch->nrows)
		refuse_keys(batch->store);
	check_alone(batch);
	batch->nwritten += batch->nrows;
	batch->nrows = 0;
}

static void
row_key(const BatchRow *row, StashKey *key)
{
	memcpy(key->hash.data,
		   DatumGetPointer(row->values[STASH_ENTRY_KEY_HASH - 1]),
		   sizeof(key->hash.data));
	key->frame = (bytea *) DatumGetPointer(row->values[STASH_ENTRY_KEY - 1]);
}

/* insert rows of a batch as new entries or versions; keep those left out */
static void
insert_batch(Batch *batch)
{
	SPITupleTable *written;
	uint64		nwritten;
	uint64		at = 0;
	int			nleft = 0;

	for (int i = 0; i < batch->nrows; i++)
	{
		StashKey	key;

		row_key(&batch->rows[i], &key);
		stash_store_lock_key(batch->store, &key);
	}
	run_batch(batch, batch->store->has_versions ? append_statement :
			  insert_statement);
	written = SPI_tuptable;
	nwritten = SPI_processed;
	/* what was written comes in the order in which it was given */
	for (int i = 0; i < batch->nrows; i++)
	{
		BatchRow   *row = &batch->rows[i];
		StashKey	key;
		bool		isnull;

		row_key(row, &key);
		if (at < nwritten &&
			memcmp(DatumGetPointer(SPI_getbinval(written->vals[at], written->tupdesc, 1, &isnull)),
				   key.hash.data, sizeof(key.hash.data)) == 0)
			stash_store_trim(batch->store, &key,
							 DatumGetInt64(SPI_getbinval(written->vals[at++],
														 written->tupdesc, 2,
														 &isnull)));
		else
			batch->rows[nleft++] = *row;
	}
	SPI_freetuptable(written);
	batch->nwritten += nwritten;
	batch->nrows = nleft;
}

/* put the rows of a batch one by one */
static void
put_batch(Batch *batch)
{
	for (int i = 0; i < batch->nrows; i++)
	{
		BatchRow   *row = &batch->rows[i];
		StashNewEntry entry = {
			.created_at = DatumGetTimestampTz(row->values[STASH_ENTRY_CREATED_AT - 1]),
			.expires_at = DT_NOEND
		};

		CHECK_FOR_INTERRUPTS();
		row_key(row, &entry.key);
		if (!row->nulls[STASH_ENTRY_VALUE - 1])
			entry.value = (bytea *) DatumGetPointer(row->values[STASH_ENTRY_VALUE - 1]);
		if (!row->nulls[STASH_ENTRY_EXPIRES_AT - 1])
			entry.expires_at = DatumGetTimestampTz(row->values[STASH_ENTRY_EXPIRES_AT - 1]);
		if (!row->nulls[STASH_ENTRY_COST - 1])
			entry.cost = DatumGetIntervalP(row->values[STASH_ENTRY_COST - 1]);
		(void) stash_store_put_entry(batch->store, &entry);
	}
	batch->nwritten += batch->nrows;
	batch->nrows = 0;
}

/* write what is in a batch, and empty it */
static void
flush_batch(Batch *batch)
{
	StashStore *store = batch->store;

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < batch->nrows; i++)
		batch->has_ttl |= !batch->rows[i].nulls[STASH_ENTRY_EXPIRES_AT - 1];
	if (batch->is_direct && batch->nrows >= DIRECT_ROWS)
		insert_directly(batch);
	if (batch->nrows > 0 && store->is_unique && !store->is_sharded)
		upsert_batch(batch);
	/* a plan for all keys would look for versions on all servers */
	if (batch->nrows > 0 && !(store->has_versions && store->is_sharded))
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
	if (batch->nrows == BATCH_ROWS || batch->bytes >= BATCH_BYTES)
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
	stash_store_sweep_some(batch->store, batch->rel, nwritten, batch->has_ttl);
	relation_close(batch->rel, NoLock);
	stash_spi_finish();
	pfree(batch);
	return nwritten;
}

/* ---- arrays ---- */

/* take an array argument apart, in storage order; throws 22004 for NULL */
static void
read_elements(FunctionCallInfo fcinfo, int argno, const char *name,
			  Elements *elements)
{
	ArrayType  *array;
	int16		typlen;
	bool		typbyval;
	char		typalign;

	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name),
				 errhint("Give an empty array for none.")));
	array = PG_GETARG_ARRAYTYPE_P(argno);
	elements->type_oid = ARR_ELEMTYPE(array);
	elements->type = elements->type_oid == RECORDOID ? NULL :
		stash_type_lookup(elements->type_oid, -1);
	get_typlenbyvalalign(elements->type_oid, &typlen, &typbyval, &typalign);
	deconstruct_array(array, elements->type_oid, typlen, typbyval, typalign,
					  &elements->values, &elements->nulls, &elements->n);
}

/* the type of one element */
static StashType *
type_of_element(const Elements *elements, int at)
{
	if (elements->type != NULL)
		return elements->type;
	return elements->nulls[at] ? stash_type_lookup(RECORDOID, -1) :
		stash_type_of_row(elements->values[at]);
}

/* the frame of one element */
static bytea *
frame_of_element(const Elements *elements, int at, int codec)
{
	return stash_frame_make(type_of_element(elements, at),
							elements->values[at], elements->nulls[at], codec);
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
										  elements->values[i],
										  elements->nulls[i]);
		hashed[i].at = i;
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	sort_hashed(hashed, elements->n);
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

static void
set_column(BatchRow *row, int column, Datum value)
{
	row->values[column - 1] = value;
	row->nulls[column - 1] = false;
}

/* put an entry whose key and value are in the batch's context, or NULL */
static void
add_entry(Batch *batch, const StashHash128 *hash, bytea *key, bytea *value,
		  TimestampTz now, TimestampTz expires_at)
{
	BatchRow   *row = &batch->rows[batch->nrows++];

	memset(row, 0, sizeof(BatchRow));
	memset(row->nulls, true, sizeof(row->nulls));
	set_column(row, STASH_ENTRY_KEY_HASH, PointerGetDatum(hash->data));
	set_column(row, STASH_ENTRY_KEY, PointerGetDatum(key));
	if (value != NULL)
		set_column(row, STASH_ENTRY_VALUE, PointerGetDatum(value));
	set_column(row, STASH_ENTRY_CREATED_AT, TimestampTzGetDatum(now));
	if (!TIMESTAMP_IS_NOEND(expires_at))
		set_column(row, STASH_ENTRY_EXPIRES_AT, TimestampTzGetDatum(expires_at));
	batch->bytes += VARSIZE(key) + (value == NULL ? 0 : VARSIZE(value));
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
		bytea	   *key;
		bytea	   *value = NULL;
		int			last;

		CHECK_FOR_INTERRUPTS();
		make_room(batch);
		old = MemoryContextSwitchTo(batch->context);
		/* of one key's, the last wins */
		i += count_same(store, keys, &hashed[i], keys->n - i);
		last = hashed[i - 1].at;
		key = frame_of_element(keys, last, STASH_CODEC_NONE);
		if (!values->nulls[last])
			value = frame_of_element(values, last, store->options.codec);
		MemoryContextSwitchTo(old);
		add_entry(batch, &hashed[i - 1].hash, key, value, now, expires_at);
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
		stash_store_make_key(type_of_element(&keys, i), keys.values[i],
							 keys.nulls[i], &key);
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

/* a row of "from", whose values live as long as it does, becomes one of ours */
static void
add_tuple(Batch *batch, HeapTuple tuple, TupleDesc desc)
{
	BatchRow   *row = &batch->rows[batch->nrows++];

	/* the first columns of stash.entry in their order; the version is our own */
	memset(row, 0, sizeof(BatchRow));
	memset(row->nulls, true, sizeof(row->nulls));
	Assert(desc->natts <= STASH_ENTRY_COLUMNS);
	heap_deform_tuple(tuple, desc, row->values, row->nulls);
}

/*
 * stash.merge("into" regclass, "from" regclass) returns int8
 *
 * Puts the entries of "from" that have not expired into "into", with the
 * times at which they were stored and expire, and what they cost; versions are
 * counted in "into".  Of a key that has several versions in "from", the newest
 * that has not expired is put.
 * Returns: the number of entries put
 * Errors:  42809, 42501, 22004, 55000 no unique index on "into"; all that an
 *          INSERT or UPDATE may throw
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
									   psprintf("SELECT DISTINCT ON (key_hash) key_hash, key, value, NULL::int8, created_at, expires_at, cost "
												"FROM %s WHERE " STASH_ENTRY_NOT_EXPIRED
												" ORDER BY key_hash USING OPERATOR(pg_catalog.<), "
												"version USING OPERATOR(pg_catalog.>), "
												"created_at USING OPERATOR(pg_catalog.>)",
												source->name),
									   0, NULL, NULL, NULL, false, 0);
	for (;;)
	{
		SPITupleTable *rows;

		SPI_cursor_fetch(portal, true, BATCH_ROWS);
		rows = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < rows->numvals; i++)
			add_tuple(batch, rows->vals[i], rows->tupdesc);
		flush_batch(batch);
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
	PG_RETURN_INT64(finish_batch(batch));
}
