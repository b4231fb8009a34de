/*-------------------------------------------------------------------------
 *
 * hash_rows.c
 *	  Content hashes of many values, and the aggregates that give them.
 *
 * An item is one byte that is 1 and the image of a value, or 0 for NULL.  A
 * list is all items, streamed; a set is the number of items and the sum of
 * their hashes, so that workers can add in any order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"

#include "hash.h"
#include "hash_datum.h"
#include "hash_rows.h"
#include "image.h"
#include "typeio.h"

PG_FUNCTION_INFO_V1(pg_hashstash_hash_list_add);
PG_FUNCTION_INFO_V1(pg_hashstash_hash_list_final);
PG_FUNCTION_INFO_V1(pg_hashstash_hash_set_add);
PG_FUNCTION_INFO_V1(pg_hashstash_hash_set_combine);
PG_FUNCTION_INFO_V1(pg_hashstash_hash_set_serialize);
PG_FUNCTION_INFO_V1(pg_hashstash_hash_set_deserialize);
PG_FUNCTION_INFO_V1(pg_hashstash_hash_set_final);

/* ---- forms ---- */

/*
 * Start a hasher for a form, with the descriptor of its items.
 */
void
stash_rows_start(StashHasher *hasher, StashRowsForm form, StashType *type)
{
	stash_hash_init(hasher, 128);
	stash_sink_put_u8(&hasher->sink, form);
	stash_sink_put(&hasher->sink, type->hash_id, type->hash_idlen);
}

static void
put_item(StashSink *sink, StashType *type, Datum value, bool isnull)
{
	StashImageWriter writer = {sink, false, NULL};

	stash_sink_put_u8(sink, !isnull);
	if (!isnull)
		stash_image_write(&writer, type, value);
}

/*
 * Put a row as an item; 'type' is its row type.
 */
void
stash_rows_put(StashSink *sink, StashType *type, TupleTableSlot *row)
{
	StashImageWriter writer = {sink, false, NULL};

	slot_getallattrs(row);
	if (type->strategy != NULL)
	{
		HeapTuple	tuple = heap_form_tuple(type->desc, row->tts_values,
											row->tts_isnull);

		put_item(sink, type, heap_copy_tuple_as_datum(tuple, type->desc), false);
		return;
	}
	stash_sink_put_u8(sink, true);
	stash_image_write_row(&writer, type, row->tts_values, row->tts_isnull);
}

/*
 * Put the hash of an item, where a form has hashes instead of items.
 */
void
stash_rows_put_hash(StashSink *sink, StashHash128 hash)
{
	stash_sink_put(sink, hash.data, sizeof(hash.data));
}

/*
 * The hash of a row as an item.
 */
StashHash128
stash_rows_hash(StashType *type, TupleTableSlot *row)
{
	StashHasher hasher;

	stash_hash_init(&hasher, 128);
	stash_rows_put(&hasher.sink, type, row);
	return stash_hash_digest128(&hasher);
}

static void
add_to_sum(StashHashSet *set, uint64 high, uint64 low)
{
	set->low += low;
	set->high += high + (set->low < low);
}

/*
 * Add an item, by its hash.
 */
void
stash_set_add(StashHashSet *set, StashHash128 hash)
{
	uint64		high;
	uint64		low;

	memcpy(&high, hash.data, 8);
	memcpy(&low, hash.data + 8, 8);
	add_to_sum(set, pg_ntoh64(high), pg_ntoh64(low));
	set->count++;
}

/*
 * The hash of a set of items of one type, or of tables with such rows.
 */
StashHash128
stash_set_digest(const StashHashSet *set, StashRowsForm form, StashType *type)
{
	StashHasher hasher;

	stash_rows_start(&hasher, form, type);
	stash_sink_put_u64(&hasher.sink, set->count);
	stash_sink_put_u64(&hasher.sink, set->low);
	stash_sink_put_u64(&hasher.sink, set->high);
	return stash_hash_digest128(&hasher);
}

/* ---- aggregates ---- */

/* a new state, which lives as long as its group */
static void *
make_state(FunctionCallInfo fcinfo, Size size)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return MemoryContextAllocZero(context, size);
}

/*
 * Transition of stash.hash_agg(value any): the state is a hasher.
 *
 * Parallel safe, immutable, called on NULL; there is no combine function,
 * because a list has an order.
 */
Datum
pg_hashstash_hash_list_add(PG_FUNCTION_ARGS)
{
	StashType  *type = stash_type_of_column(fcinfo, 1);
	StashHasher *list;

	if (PG_ARGISNULL(0))
	{
		list = make_state(fcinfo, sizeof(StashHasher));
		stash_rows_start(list, STASH_ROWS_LIST, type);
	}
	else
		list = (StashHasher *) PG_GETARG_POINTER(0);
	put_item(&list->sink, type, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	PG_RETURN_POINTER(list);
}

/*
 * stash.hash_agg(value any) returns uuid
 *
 * Args:    value  of any type; an untyped literal is text
 * Returns: XXH3-128 of the list of all values in the order of their coming,
 *          NULLs among them; of an empty list, too; never NULL
 * Errors:  0A000 for types without any conversion to bytes
 *
 * The state is as good as before: a window may go on with it.
 */
Datum
pg_hashstash_hash_list_final(PG_FUNCTION_ARGS)
{
	StashHasher empty;
	StashHasher *list = &empty;

	if (PG_ARGISNULL(0))
		stash_rows_start(&empty, STASH_ROWS_LIST,
						 stash_type_of_column(fcinfo, 1));
	else
		list = (StashHasher *) PG_GETARG_POINTER(0);
	return stash_hash_to_uuid(stash_hash_digest128(list));
}

/*
 * Transition of stash.hash_set_agg(value any): the state is a StashHashSet.
 */
Datum
pg_hashstash_hash_set_add(PG_FUNCTION_ARGS)
{
	StashType  *type = stash_type_of_column(fcinfo, 1);
	StashHashSet *set = PG_ARGISNULL(0) ?
	make_state(fcinfo, sizeof(StashHashSet)) :
	(StashHashSet *) PG_GETARG_POINTER(0);
	StashHasher hasher;

	stash_hash_init(&hasher, 128);
	put_item(&hasher.sink, type, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	stash_set_add(set, stash_hash_digest128(&hasher));
	PG_RETURN_POINTER(set);
}

/*
 * Add the second state to the first.
 */
Datum
pg_hashstash_hash_set_combine(PG_FUNCTION_ARGS)
{
	StashHashSet *set;

	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	set = PG_ARGISNULL(0) ? make_state(fcinfo, sizeof(StashHashSet)) :
		(StashHashSet *) PG_GETARG_POINTER(0);
	if (!PG_ARGISNULL(1))
	{
		StashHashSet *more = (StashHashSet *) PG_GETARG_POINTER(1);

		add_to_sum(set, more->high, more->low);
		set->count += more->count;
	}
	PG_RETURN_POINTER(set);
}

/*
 * A state as bytes, which never leave this server.  Strict.
 */
Datum
pg_hashstash_hash_set_serialize(PG_FUNCTION_ARGS)
{
	StashHashSet *set = (StashHashSet *) PG_GETARG_POINTER(0);
	bytea	   *bytes = palloc(VARHDRSZ + sizeof(StashHashSet));

	SET_VARSIZE(bytes, VARHDRSZ + sizeof(StashHashSet));
	memcpy(VARDATA(bytes), set, sizeof(StashHashSet));
	PG_RETURN_BYTEA_P(bytes);
}

/*
 * The state again.  Strict, so that SQL cannot call it: it has no value for
 * the second argument.
 */
Datum
pg_hashstash_hash_set_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StashHashSet *set = palloc(sizeof(StashHashSet));

	if (VARSIZE_ANY_EXHDR(bytes) != sizeof(StashHashSet))
		elog(ERROR, "state of an aggregate has %zu bytes instead of %zu",
			 (Size) VARSIZE_ANY_EXHDR(bytes), sizeof(StashHashSet));
	memcpy(set, VARDATA_ANY(bytes), sizeof(StashHashSet));
	PG_RETURN_POINTER(set);
}

/*
 * stash.hash_set_agg(value any) returns uuid
 *
 * As hash_agg(), but for the order; duplicates count.
 */
Datum
pg_hashstash_hash_set_final(PG_FUNCTION_ARGS)
{
	StashType  *type = stash_type_of_column(fcinfo, 1);
	StashHashSet empty = {0};
	StashHashSet *set = PG_ARGISNULL(0) ? &empty :
	(StashHashSet *) PG_GETARG_POINTER(0);

	return stash_hash_to_uuid(stash_set_digest(set, STASH_ROWS_SET, type));
}
