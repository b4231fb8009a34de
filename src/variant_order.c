/*-------------------------------------------------------------------------
 *
 * variant_order.c
 *	  Order, equality and hashes of variants: for sorts, joins and indexes.
 *
 * Order: by type, then NULL first, then the type's own btree order with "C"
 * as collation.  That is for built-in types, arrays and anonymous rows of
 * them; all others go by the bytes of their images.  For an index must not
 * depend on what a user may alter or drop, nor run a user's code.  Order and
 * hashes stand in indexes: frozen.
 *
 * Whoever compares calls very often and frees nothing in between.  So all that
 * is read or made on the way is in a context of our own, which is reset after
 * each call.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "port/pg_bitutils.h"
#include "port/pg_bswap.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"
#include "frame_datum.h"
#include "hash.h"
#include "image.h"
#include "typeio.h"

PG_FUNCTION_INFO_V1(pg_hashstash_variant_eq);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_ne);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_lt);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_le);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_gt);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_ge);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_cmp);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_sortsupport);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_hash);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_hash_extended);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_smaller);
PG_FUNCTION_INFO_V1(pg_hashstash_variant_larger);

/* How values of a type are ordered. */
typedef enum Order
{
	ORDER_UNKNOWN,				/* not asked yet */
	ORDER_BYTES,				/* the image, byte by byte */
	ORDER_PAYLOAD,				/* likewise, but behind the length in it */
	ORDER_TYPE					/* as the type's own operator class says */
} Order;

static MemoryContext scratch;	/* reset after each comparison */

/* ---- what is known of types ---- */

/* true when values can be compared by what no user can alter or drop */
static bool
find_order(StashType *type)
{
	switch (type->kind)
	{
		case STASH_KIND_BASE:
			return type->oid < FirstGenbkiObjectId &&
				type->image != STASH_IMAGE_OUTPUT &&
				OidIsValid(lookup_type_cache(type->oid,
											 TYPECACHE_CMP_PROC)->cmp_proc);
		case STASH_KIND_RANGE:
		case STASH_KIND_MULTIRANGE:
			return type->oid < FirstGenbkiObjectId;
		case STASH_KIND_ARRAY:
			/* the server compares text in rows by the database's collation */
			return type->inner->kind != STASH_KIND_ROW && find_order(type->inner);
		case STASH_KIND_ROW:
			for (int i = 0; i < type->nfields; i++)
			{
				if (!find_order(type->fields[i].type))
					return false;
			}
			return type->oid == RECORDOID;
		case STASH_KIND_DOMAIN:
		case STASH_KIND_RECORD:
			break;
	}
	return false;
}

/* true for types that "C" orders as memcmp() does the bytes of their images */
static bool
is_ordered_by_payload(StashType *type)
{
	return type->oid == BYTEAOID ||
		((type->oid == TEXTOID || type->oid == VARCHAROID) &&
		 GetDatabaseEncoding() == PG_UTF8);
}

static Order
find_out_order(StashType *type)
{
	if (is_ordered_by_payload(type))
		return ORDER_PAYLOAD;
	return find_order(type) ? ORDER_TYPE : ORDER_BYTES;
}

/*
 * The type that a frame names, or NULL where it is missing; *order is how its
 * values are ordered.
 */
static StashType *
know_type(const StashFrameReader *reader, Order *order)
{
	StashType  *type = stash_type_by_descriptor(reader->type, reader->typelen,
												true);

	if (type != NULL && type->order == ORDER_UNKNOWN)
		type->order = find_out_order(type);
	*order = type == NULL ? ORDER_BYTES : type->order;
	return type;
}

/* ---- reading ---- */

static MemoryContext
enter_scratch(void)
{
	if (unlikely(scratch == NULL))
		scratch = AllocSetContextCreate(TopMemoryContext,
										"pg_hashstash comparison",
										ALLOCSET_DEFAULT_SIZES);
	/* no comparison runs another one, which would end with a reset */
	Assert(CurrentMemoryContext != scratch);
	return MemoryContextSwitchTo(scratch);
}

static void
leave_scratch(MemoryContext caller)
{
	MemoryContextSwitchTo(caller);
	MemoryContextReset(scratch);
}

static void
open_variant(StashFrameReader *reader, struct varlena *packed)
{
	stash_frame_open(reader, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
}

/* the value of a frame that is not NULL, and whose type is there */
static Datum
read_value(const StashFrameReader *reader)
{
	StashType  *type;
	bool		isnull;

	return stash_frame_read(reader, &type, &isnull);
}

/* take a row apart; *values and *nulls are allocated */
static void
deform_row(StashType *type, Datum row, Datum **values, bool **nulls)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(row);
	HeapTupleData tuple = {0};

	*values = palloc(sizeof(Datum) * (type->desc->natts + 1));
	*nulls = palloc(sizeof(bool) * (type->desc->natts + 1));
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	heap_deform_tuple(&tuple, type->desc, *values, *nulls);
}

/* ---- order ---- */

static int
compare_bytes(const char *a, Size alen, const char *b, Size blen)
{
	int			order = memcmp(a, b, Min(alen, blen));

	if (order != 0)
		return order;
	return (alen > blen) - (alen < blen);
}

/* columns from left to right, NULL last, as the server orders rows */
static int
compare_values(StashType *type, Datum a, Datum b)
{
	Datum	   *avalues;
	Datum	   *bvalues;
	bool	   *anulls;
	bool	   *bnulls;
	int			order = 0;

	if (type->kind != STASH_KIND_ROW)
		return DatumGetInt32(FunctionCall2Coll(&lookup_type_cache(type->oid,
																  TYPECACHE_CMP_PROC_FINFO)->cmp_proc_finfo,
											   C_COLLATION_OID, a, b));
	deform_row(type, a, &avalues, &anulls);
	deform_row(type, b, &bvalues, &bnulls);
	for (int i = 0; i < type->nfields && order == 0; i++)
	{
		if (anulls[i] || bnulls[i])
			order = (int) anulls[i] - (int) bnulls[i];
		else
			order = compare_values(type->fields[i].type, avalues[i],
								   bvalues[i]);
	}
	return order;
}

/*
 * The payload of an image that is a length and that many bytes; false where
 * it is none.
 */
static bool
find_payload(const StashFrameReader *reader, const char **payload, Size *len)
{
	const char *at = stash_frame_body(reader);
	const char *end = at + reader->rawlen;
	uint64		stored;

	if (!stash_frame_get_varint(&at, end, &stored) ||
		stored != (uint64) (end - at))
		return false;
	*payload = at;
	*len = (Size) stored;
	return true;
}

static int
compare_opened(const StashFrameReader *one, const StashFrameReader *two)
{
	StashType  *type;
	Order		order;
	const char *a;
	const char *b;
	Size		alen;
	Size		blen;
	int			by_type = compare_bytes(one->type, one->typelen,
										two->type, two->typelen);

	if (by_type != 0)
		return by_type;
	if (one->is_null || two->is_null)
		return (int) two->is_null - (int) one->is_null;

	type = know_type(one, &order);
	if (order == ORDER_PAYLOAD &&
		find_payload(one, &a, &alen) && find_payload(two, &b, &blen))
		return compare_bytes(a, alen, b, blen);
	if (order == ORDER_BYTES)
		return compare_bytes(stash_frame_body(one), one->rawlen,
							 stash_frame_body(two), two->rawlen);
	return compare_values(type, read_value(one), read_value(two));
}

static int
compare_variants(Datum a, Datum b)
{
	MemoryContext caller = enter_scratch();
	struct varlena *packed_a = PG_DETOAST_DATUM_PACKED(a);
	struct varlena *packed_b = PG_DETOAST_DATUM_PACKED(b);
	StashFrameReader one;
	StashFrameReader two;
	int			order = 0;

	/* the same bytes are the same value, whatever they are */
	if (VARSIZE_ANY_EXHDR(packed_a) != VARSIZE_ANY_EXHDR(packed_b) ||
		memcmp(VARDATA_ANY(packed_a), VARDATA_ANY(packed_b),
			   VARSIZE_ANY_EXHDR(packed_a)) != 0)
	{
		open_variant(&one, packed_a);
		open_variant(&two, packed_b);
		order = compare_opened(&one, &two);
	}
	leave_scratch(caller);
	return order;
}

/* ---- hashes ---- */

/* equal values hash alike; a type without a hash function adds nothing */
static uint64
hash_value(StashType *type, Datum value, uint64 seed)
{
	TypeCacheEntry *cache;
	Datum	   *values;
	bool	   *nulls;
	uint64		hash = seed;

	if (type->kind != STASH_KIND_ROW)
	{
		cache = lookup_type_cache(type->oid, TYPECACHE_HASH_EXTENDED_PROC_FINFO);
		if (!OidIsValid(cache->hash_extended_proc_finfo.fn_oid))
			return seed;
		return DatumGetUInt64(FunctionCall2Coll(&cache->hash_extended_proc_finfo,
												C_COLLATION_OID, value,
												UInt64GetDatum(seed)));
	}
	deform_row(type, value, &values, &nulls);
	for (int i = 0; i < type->nfields; i++)
		hash = hash_combine64(hash, nulls[i] ? 1 :
							  hash_value(type->fields[i].type, values[i], seed));
	return hash;
}

static uint64
hash_opened(const StashFrameReader *reader, uint64 seed)
{
	uint64		hash = stash_hash_bytes64(reader->type, reader->typelen, seed);
	StashType  *type;
	Order		order;

	if (reader->is_null)
		return hash;
	type = know_type(reader, &order);
	if (order == ORDER_BYTES)
		return hash_combine64(hash,
							  stash_hash_bytes64(stash_frame_body(reader),
												 reader->rawlen, seed));
	return hash_combine64(hash,
						  hash_value(type, read_value(reader), seed));
}

static uint64
hash_variant(Datum variant, uint64 seed)
{
	MemoryContext caller = enter_scratch();
	StashFrameReader reader;
	uint64		hash;

	open_variant(&reader, PG_DETOAST_DATUM_PACKED(variant));
	hash = hash_opened(&reader, seed);
	leave_scratch(caller);
	return hash;
}

/* ---- abbreviated keys ---- */

/*
 * The first three bytes of the type's descriptor, which for built-in types are
 * all of it, one bit for "not NULL", and 39 bits of the value.  What is not
 * larger in a variant is not larger in its key, so that ties alone are left to
 * compare_variants().
 *
 *		63        40   39   38                    0
 *		+-----------+------+------------------------+
 *		| type      | set  | fold_...() of value    |
 *		+-----------+------+------------------------+
 */
#define TYPE_BYTES		3
#define VALUE_BITS		39
#define VALUE_SET		(UINT64CONST(1) << VALUE_BITS)
#define EXACT_BITS		33		/* of an integer; of larger ones the first */

/* what a sort knows of its keys */
typedef struct AbbreviationState
{
	int64		ntold;			/* keys that tell something of their value */
} AbbreviationState;

#if SIZEOF_DATUM == 8

static uint64
fold_int(int64 number)
{
	uint64		size = (uint64) (number < 0 ? ~number : number);
	int			shift = 0;
	uint64		folded;

	if (size >> EXACT_BITS != 0)
		shift = pg_leftmost_one_pos64(size) + 1 - EXACT_BITS;
	folded = ((uint64) shift << EXACT_BITS) + (size >> shift);
	return number < 0 ? VALUE_SET / 2 - 1 - folded : VALUE_SET / 2 + folded;
}

static uint64
fold_float(double number)
{
	uint64		bits;

	/* larger than all others, and equal to one another */
	if (isnan(number))
		return VALUE_SET - 1;
	/* zero has two signs */
	if (number == 0)
		number = 0;
	memcpy(&bits, &number, sizeof(bits));
	bits = (bits >> 63) != 0 ? ~bits : bits | UINT64CONST(1) << 63;
	return bits >> (64 - VALUE_BITS);
}

static uint64
fold_bytes(const char *data, Size len)
{
	uint64		head = 0;

	memcpy(&head, data, Min(len, sizeof(head)));
	return pg_ntoh64(head) >> (64 - VALUE_BITS);
}

/* false, and nothing, for types that have no cheap one */
static bool
fold_value(const StashFrameReader *reader, uint64 *folded)
{
	Order		order;
	StashType  *type = know_type(reader, &order);
	const char *payload = stash_frame_body(reader);
	Size		len = reader->rawlen;

	*folded = 0;
	if (type == NULL)
		return false;
	switch (type->oid)
	{
		case INT2OID:
			*folded = fold_int(DatumGetInt16(read_value(reader)));
			break;
		case INT4OID:
		case DATEOID:
			*folded = fold_int(DatumGetInt32(read_value(reader)));
			break;
		case INT8OID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			*folded = fold_int(DatumGetInt64(read_value(reader)));
			break;
		case FLOAT4OID:
			*folded = fold_float(DatumGetFloat4(read_value(reader)));
			break;
		case FLOAT8OID:
			*folded = fold_float(DatumGetFloat8(read_value(reader)));
			break;
		case UUIDOID:
			*folded = fold_bytes(payload, len);
			break;
		default:
			if (order != ORDER_PAYLOAD || !find_payload(reader, &payload, &len))
				return false;
			*folded = fold_bytes(payload, len);
	}
	return true;
}

static Datum
abbreviate(Datum original, SortSupport ssup)
{
	MemoryContext caller = enter_scratch();
	AbbreviationState *state = ssup->ssup_extra;
	StashFrameReader reader;
	uint64		key = 0;
	uint64		folded;

	open_variant(&reader, PG_DETOAST_DATUM_PACKED(original));
	for (int i = 0; i < TYPE_BYTES; i++)
		key = key << 8 | (i < reader.typelen ? (uint8) reader.type[i] : 0);
	key <<= VALUE_BITS + 1;
	if (reader.typelen > TYPE_BYTES)
		key |= VALUE_SET | (VALUE_SET - 1);
	else if (reader.typelen == TYPE_BYTES && !reader.is_null)
	{
		if (fold_value(&reader, &folded))
			state->ntold++;
		key |= VALUE_SET | folded;
	}
	leave_scratch(caller);
	return UInt64GetDatum(key);
}

/* give up when most keys say nothing that tells values apart */
static bool
is_abbreviation_useless(int ntuples, SortSupport ssup)
{
	AbbreviationState *state = ssup->ssup_extra;

	return ntuples > 1000 && state->ntold < ntuples / 16;
}

#endif

static int
compare_for_sort(Datum a, Datum b, SortSupport ssup)
{
	return compare_variants(a, b);
}

static void
prepare_sort(SortSupport ssup)
{
	ssup->comparator = compare_for_sort;
#if SIZEOF_DATUM == 8
	if (ssup->abbreviate)
	{
		ssup->ssup_extra = MemoryContextAllocZero(ssup->ssup_cxt,
												  sizeof(AbbreviationState));
		ssup->comparator = ssup_datum_unsigned_cmp;
		ssup->abbrev_converter = abbreviate;
		ssup->abbrev_abort = is_abbreviation_useless;
		ssup->abbrev_full_comparator = compare_for_sort;
	}
#endif
}

/* ---- SQL ---- */

Datum
pg_hashstash_variant_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_variants(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) == 0);
}

Datum
pg_hashstash_variant_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_variants(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) != 0);
}

Datum
pg_hashstash_variant_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_variants(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) < 0);
}

Datum
pg_hashstash_variant_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_variants(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) <= 0);
}

Datum
pg_hashstash_variant_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_variants(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) > 0);
}

Datum
pg_hashstash_variant_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_variants(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) >= 0);
}

/* btree support: negative, 0 or positive */
Datum
pg_hashstash_variant_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_variants(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

/* btree support */
Datum
pg_hashstash_variant_sortsupport(PG_FUNCTION_ARGS)
{
	prepare_sort((SortSupport) PG_GETARG_POINTER(0));
	PG_RETURN_VOID();
}

/* hash support */
Datum
pg_hashstash_variant_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) hash_variant(PG_GETARG_DATUM(0), 0));
}

Datum
pg_hashstash_variant_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) hash_variant(PG_GETARG_DATUM(0),
										 (uint64) PG_GETARG_INT64(1)));
}

/* the two of stash.min() and stash.max() */
Datum
pg_hashstash_variant_smaller(PG_FUNCTION_ARGS)
{
	Datum		a = PG_GETARG_DATUM(0);
	Datum		b = PG_GETARG_DATUM(1);

	PG_RETURN_DATUM(compare_variants(a, b) <= 0 ? a : b);
}

Datum
pg_hashstash_variant_larger(PG_FUNCTION_ARGS)
{
	Datum		a = PG_GETARG_DATUM(0);
	Datum		b = PG_GETARG_DATUM(1);

	PG_RETURN_DATUM(compare_variants(a, b) >= 0 ? a : b);
}
