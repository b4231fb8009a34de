/*-------------------------------------------------------------------------
 *
 * hash_datum.c
 *	  Content hashes of any value: the SQL functions of the hash area.
 *
 * The bytes hashed are the type's descriptor for hashes, one byte that is 1
 * (or 0 for NULL), and the value's image.  doc/hash.md is the specification;
 * test/golden/hash.tsv holds its examples.  Frozen.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "compat.h"
#include "hash.h"
#include "hash_datum.h"
#include "image.h"
#include "typeio.h"

PG_FUNCTION_INFO_V1(pg_hashstash_hash);
PG_FUNCTION_INFO_V1(pg_hashstash_hash64);
PG_FUNCTION_INFO_V1(pg_hashstash_hash_sampled);
PG_FUNCTION_INFO_V1(pg_hashstash_sample_plan);

/*
 * Put all that is hashed of a value into a sink.
 */
void
stash_hash_put_value(StashSink *sink, StashType *type, Datum value,
					 bool isnull, const StashSampling *sampling)
{
	StashImageWriter writer = {sink, false, sampling};

	if (likely(!isnull && type->hash_headlen > 0))
		stash_sink_put_of_eight(sink, type->hash_head, type->hash_headlen);
	else
	{
		stash_sink_put(sink, type->hash_id, type->hash_idlen);
		stash_sink_put_u8(sink, !isnull);
	}
	if (!isnull)
		stash_image_write(&writer, type, value);
}

/*
 * The exact 128-bit hash of a value, as stash.hash() gives it.
 */
StashHash128
stash_hash_value(StashType *type, Datum value, bool isnull)
{
	StashHasher hasher;

	stash_hash_init(&hasher, 128);
	stash_hash_put_value(&hasher.sink, type, value, isnull, NULL);
	return stash_hash_digest128(&hasher);
}

/*
 * A hash as SQL has it.
 */
Datum
stash_hash_to_uuid(StashHash128 hash)
{
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));

	memcpy(uuid->data, hash.data, UUID_LEN);
	return UUIDPGetDatum(uuid);
}

/*
 * What stash.hash_sampled() gives for a value with its own defaults.
 */
StashHash128
stash_hash_sampled_value(StashType *type, Datum value)
{
	static const StashSampling defaults = {.threshold = 10000,.samples = 64};
	StashHasher hasher;

	stash_hash_init(&hasher, 128);
	stash_hash_put_value(&hasher.sink, type, value, false, &defaults);
	return stash_hash_digest128(&hasher);
}

/*
 * stash.hash(value any) returns uuid
 *
 * Args:    value  any value or NULL; an untyped literal is taken as text
 * Returns: XXH3-128 of the canonical form, in xxHash's canonical byte order;
 *          the same on every server, platform and setting; never NULL
 * Errors:  0A000 for types without any conversion to bytes
 * Immutable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_hash(PG_FUNCTION_ARGS)
{
	Datum		value = PG_GETARG_DATUM(0);
	StashType  *type = stash_type_of_site_argument(fcinfo, 0, &value);

	return stash_hash_to_uuid(stash_hash_value(type, value, PG_ARGISNULL(0)));
}

/*
 * stash.hash64(value any) returns int8
 *
 * XXH3-64 of the same canonical form, as a signed number; all else as hash().
 */
Datum
pg_hashstash_hash64(PG_FUNCTION_ARGS)
{
	Datum		value = PG_GETARG_DATUM(0);
	StashType  *type = stash_type_of_site_argument(fcinfo, 0, &value);
	StashHasher hasher;

	stash_hash_init(&hasher, 64);
	stash_hash_put_value(&hasher.sink, type, value, PG_ARGISNULL(0), NULL);
	PG_RETURN_INT64((int64) stash_hash_digest64(&hasher));
}

/* read and check the arguments threshold and samples */
static void
get_sampling(FunctionCallInfo fcinfo, StashSampling *sampling)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("threshold and samples must not be null")));
	sampling->threshold = PG_GETARG_INT32(1);
	sampling->samples = PG_GETARG_INT32(2);
	if (sampling->threshold < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid sampling threshold: %d", sampling->threshold),
				 errdetail("The threshold must be 0 or more.")));
	if (sampling->samples < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid number of samples: %d", sampling->samples),
				 errdetail("The number of samples must be 1 or more."),
				 errhint("Use stash.hash() to read every byte.")));
}

/*
 * stash.hash_sampled(value any, threshold int4 DEFAULT 10000,
 *                    samples int4 DEFAULT 64) returns uuid
 *
 * Args:    value      any value or NULL
 *          threshold  elements of an array (a row counts as ten), or 8-byte
 *                     units of bytes and text, up to which all is read, 0 or
 *                     more
 *          samples    blocks (of 1,024 bytes) or elements between the head
 *                     and the tail, 1 or more
 * Returns: stash.hash(value) where nothing in it is large enough to sample;
 *          else a hash that no exact one equals
 * Errors:  22023 for a threshold or number of samples out of range, 22004
 *          for NULL ones
 * Immutable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_hash_sampled(PG_FUNCTION_ARGS)
{
	Datum		value = PG_GETARG_DATUM(0);
	StashType  *type = stash_type_of_site_argument(fcinfo, 0, &value);
	StashSampling sampling;
	StashHasher hasher;

	get_sampling(fcinfo, &sampling);
	stash_hash_init(&hasher, 128);
	stash_hash_put_value(&hasher.sink, type, value, PG_ARGISNULL(0), &sampling);
	return stash_hash_to_uuid(stash_hash_digest128(&hasher));
}

/*
 * stash.sample_plan(value any, threshold int4 DEFAULT 10000,
 *                   samples int4 DEFAULT 64)
 *		returns table (from_byte int8, bytes int8)
 *
 * Args:    as of hash_sampled()
 * Returns: which bytes of the value's image (doc/image.md), counted from 0,
 *          hash_sampled() reads, in order and apart from one another; one
 *          row for a value that is read as a whole, none for NULL
 * Errors:  as of hash_sampled()
 * Immutable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_sample_plan(PG_FUNCTION_ARGS)
{
	Datum		value = PG_GETARG_DATUM(0);
	StashType  *type = stash_type_of_argument(fcinfo, 0, &value);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	StashSampling sampling;
	StashPlan	plan;
	StashImageWriter writer = {&plan.sink, false, &sampling, &plan};

	get_sampling(fcinfo, &sampling);
	stash_compat_materialize(fcinfo);
	stash_plan_init(&plan);
	if (!PG_ARGISNULL(0))
		stash_image_write(&writer, type, value);
	for (int i = 0; i < plan.nranges; i++)
	{
		Datum		values[2] = {Int64GetDatum((int64) plan.ranges[i].from),
		Int64GetDatum((int64) plan.ranges[i].len)};
		bool		nulls[2] = {false, false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
