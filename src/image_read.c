/*-------------------------------------------------------------------------
 *
 * image_read.c
 *	  From bytes to a value.
 *
 * The bytes may come from anywhere.  Every length is checked against what is
 * left before it is used, nothing is allocated that the bytes do not pay for,
 * and every value is one that the server's own input would have accepted; only
 * of xml no more is asked than to be text.  Each value has one image: another
 * spelling of it is refused, unless the type's own input function accepts it.
 * All failures are 22P03, or what that function throws.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"
#include "frame.h"
#include "image.h"
#include "typeio.h"

#define RANGE_FLAGS \
	(RANGE_EMPTY | RANGE_LB_INC | RANGE_UB_INC | RANGE_LB_INF | RANGE_UB_INF)

/*
 * Throw 22P03: bytes are none of the type's images.
 */
void
stash_image_refuse(StashType *type)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("stash frame holds no valid value of type %s",
					stash_type_to_text(type))));
}

/* ---- pieces ---- */

static const char *
take(StashImageReader *reader, StashType *type, uint64 len)
{
	const char *at = reader->at;

	if (len > (uint64) (reader->end - at))
		stash_image_refuse(type);
	reader->at += len;
	return at;
}

static uint64
take_varint(StashImageReader *reader, StashType *type)
{
	uint64		value;

	if (!stash_frame_get_varint(&reader->at, reader->end, &value))
		stash_image_refuse(type);
	return value;
}

static uint8
take_u8(StashImageReader *reader, StashType *type)
{
	return (uint8) *take(reader, type, 1);
}

static int32
take_i32(StashImageReader *reader, StashType *type)
{
	const unsigned char *at =
	(const unsigned char *) take(reader, type, 4);

	return (int32) ((uint32) at[0] | (uint32) at[1] << 8 |
					(uint32) at[2] << 16 | (uint32) at[3] << 24);
}

/* a length and that many bytes */
static const char *
take_bytes(StashImageReader *reader, StashType *type, Size *len)
{
	uint64		stored = take_varint(reader, type);

	*len = (Size) stored;
	return take(reader, type, stored);
}

/* true when the bits of a bitmap behind its first 'nbits' are zero */
static bool
is_zero_behind(const uint8 *bitmap, int nbits, Size nbytes)
{
	return nbits == (int) nbytes * 8 ||
		(bitmap[nbytes - 1] >> (nbits % 8)) == 0;
}

/* ---- base types ---- */

/* true where every pattern of bits is a value */
static bool
is_any_fixed(StashType *type)
{
	switch (type->oid)
	{
		case BOOLOID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return false;
		default:
			return true;
	}
}

static void
check_fixed(StashType *type, Datum value)
{
	bool		is_valid = true;

	if (type->oid == BOOLOID)
		is_valid = (DatumGetUInt8(value) <= 1);
	else if (type->oid == DATEOID)
		is_valid = DATE_NOT_FINITE(DatumGetDateADT(value)) ||
			IS_VALID_DATE(DatumGetDateADT(value));
	else if (type->oid == TIMEOID)
		is_valid = DatumGetTimeADT(value) >= 0 &&
			DatumGetTimeADT(value) <= USECS_PER_DAY;
	else if (type->oid == TIMESTAMPOID || type->oid == TIMESTAMPTZOID)
		is_valid = TIMESTAMP_NOT_FINITE(DatumGetTimestamp(value)) ||
			IS_VALID_TIMESTAMP(DatumGetTimestamp(value));
	if (!is_valid)
		stash_image_refuse(type);
}

static Datum
read_fixed(StashImageReader *reader, StashType *type)
{
	const char *at = take(reader, type, type->typlen);
	char	   *native = palloc(Max(type->typlen, (int) sizeof(Datum)));
	Datum		value;

#ifdef WORDS_BIGENDIAN
	for (int i = 0; i < type->typlen; i++)
		native[i] = type->typlen <= 8 && type->oid != MACADDROID &&
			type->oid != MACADDR8OID ? at[type->typlen - 1 - i] : at[i];
#else
	memcpy(native, at, type->typlen);
#endif
	value = fetch_att(native, type->typbyval, type->typlen);
	if (!is_any_fixed(type))
		check_fixed(type, value);
	return value;
}

/*
 * The digits of a numeric, to the base 10,000: none of them zero at either
 * end, and none hidden behind the last decimal place that the scale shows.
 */
static void
check_digits(StashType *type, const unsigned char *data, int ndigits,
			 int weight, int scale)
{
	static const int powers[] = {1, 10, 100, 1000};
	int			hidden = (ndigits - 1 - weight) * 4 - scale;
	int			digit = 0;

	for (int i = 0; i < ndigits; i++)
	{
		digit = data[2 * i] | data[2 * i + 1] << 8;
		if (digit > 9999 || (digit == 0 && (i == 0 || i == ndigits - 1)))
			stash_image_refuse(type);
	}
	if (ndigits > 0 && (hidden > 3 || (hidden > 0 && digit % powers[hidden] != 0)))
		stash_image_refuse(type);
}

/*
 * A stored numeric: a header of one or two 16-bit words, then digits.  False
 * for the longer header where the shorter would do.
 */
bool
stash_image_check_numeric(StashType *type, const char *data, Size len)
{
	const unsigned char *word = (const unsigned char *) data;
	int			header;
	int			ndigits;
	int			weight;
	int			scale;
	bool		is_short;
	bool		is_canonical = true;

	if (len < 2 || len % 2 != 0)
		stash_image_refuse(type);
	header = word[0] | word[1] << 8;
	if ((header & 0xC000) == 0xC000)
	{
		/* NaN, Infinity, -Infinity: the header is all there is */
		if (len != 2 ||
			(header != 0xC000 && header != 0xD000 && header != 0xF000))
			stash_image_refuse(type);
		return true;
	}

	is_short = (header & 0x8000) != 0;
	if (is_short)
	{
		scale = (header & 0x1F80) >> 7;
		weight = (header & 0x3F) - (header & 0x40);
	}
	else
	{
		if (len < 4)
			stash_image_refuse(type);
		scale = header & 0x3FFF;
		weight = (int16) (word[2] | word[3] << 8);
		is_canonical = scale > 0x3F || weight < -64 || weight > 63;
	}
	ndigits = (int) (len / 2) - (is_short ? 1 : 2);
	/* zero has neither sign nor weight */
	if (ndigits == 0 &&
		(weight != 0 || (header & (is_short ? 0x2000 : 0x4000)) != 0))
		stash_image_refuse(type);
	check_digits(type, word + (is_short ? 2 : 4), ndigits, weight, scale);
	return is_canonical;
}

/* the payload of a varlena, judged; text comes back in the server's encoding */
static const char *
take_payload(StashImageReader *reader, StashType *type, Size *len)
{
	const char *data = take_bytes(reader, type, len);

	if (type->image == STASH_IMAGE_TEXT)
	{
		char	   *text = pg_any_to_server(data, (int) *len, PG_UTF8);

		if (text != data)
			*len = strlen(text);
		return text;
	}
	if (type->image == STASH_IMAGE_NUMERIC &&
		!stash_image_check_numeric(type, data, *len))
		stash_image_refuse(type);
	return data;
}

static void
put_payload(char *at, StashType *type, const char *data, Size len)
{
	SET_VARSIZE(at, len + VARHDRSZ);
#ifdef WORDS_BIGENDIAN
	if (type->image == STASH_IMAGE_NUMERIC)
	{
		for (Size i = 0; i < len; i += 2)
		{
			at[VARHDRSZ + i] = data[i + 1];
			at[VARHDRSZ + i + 1] = data[i];
		}
		return;
	}
#endif
	memcpy(at + VARHDRSZ, data, len);
}

static Datum
read_varlena(StashImageReader *reader, StashType *type)
{
	Size		len;
	const char *data = take_payload(reader, type, &len);
	char	   *result = palloc(len + VARHDRSZ);

	put_payload(result, type, data, len);
	return PointerGetDatum(result);
}

/* a value from its text: enum labels, names of objects, user types */
static Datum
read_text(StashImageReader *reader, StashType *type)
{
	Size		len;
	const char *data = take_bytes(reader, type, &len);
	char	   *text;
	StashSettings saved;
	Datum		value;

	if (memchr(data, '\0', len) != NULL)
		stash_image_refuse(type);
	text = pnstrdup(data, len);
	text = pg_any_to_server(text, (int) len, PG_UTF8);
	stash_type_fix_settings(&saved, type, true);
	value = stash_type_input(type->inner ? type->inner : type, text);
	stash_type_restore_settings(&saved);
	return value;
}

static Datum
read_base(StashImageReader *reader, StashType *type)
{
	Size		len;
	const char *data;

	switch (type->image)
	{
		case STASH_IMAGE_FIXED:
			return read_fixed(reader, type);
		case STASH_IMAGE_BYTES:
		case STASH_IMAGE_TEXT:
		case STASH_IMAGE_NUMERIC:
			return read_varlena(reader, type);
		case STASH_IMAGE_LABEL:
		case STASH_IMAGE_OUTPUT:
			return read_text(reader, type);
		case STASH_IMAGE_SEND:
		case STASH_IMAGE_FRAME:
			data = take_bytes(reader, type, &len);
			return stash_image_read_sent(type, data, len);
	}
	stash_image_refuse(type);
}

/* ---- ranges and domains ---- */

/* true where the server took the bounds as they are, and made no others of them */
static bool
is_canonical(StashType *type, const RangeType *range, uint8 flags,
			 const RangeBound *lower, const RangeBound *upper)
{
	RangeBound	new_lower;
	RangeBound	new_upper;
	bool		empty;

	if ((range_get_flags(range) & RANGE_FLAGS) != flags)
		return false;
	if (!OidIsValid(type->range->rng_canonical_finfo.fn_oid))
		return true;
	range_deserialize(type->range, range, &new_lower, &new_upper, &empty);
	return empty ||
		((lower->infinite ||
		  datum_image_eq(lower->val, new_lower.val, type->inner->typbyval,
						 type->inner->typlen)) &&
		 (upper->infinite ||
		  datum_image_eq(upper->val, new_upper.val, type->inner->typbyval,
						 type->inner->typlen)));
}

static RangeType *
read_range(StashImageReader *reader, StashType *type)
{
	uint8		flags = take_u8(reader, type);
	RangeBound	lower = {0};
	RangeBound	upper = {0};
	bool		empty = (flags & RANGE_EMPTY) != 0;
	RangeType  *range;

	if ((flags & ~RANGE_FLAGS) != 0 || (empty && flags != RANGE_EMPTY))
		stash_image_refuse(type);
	lower.lower = true;
	lower.inclusive = (flags & RANGE_LB_INC) != 0;
	lower.infinite = (flags & RANGE_LB_INF) != 0;
	upper.inclusive = (flags & RANGE_UB_INC) != 0;
	upper.infinite = (flags & RANGE_UB_INF) != 0;
	if (!empty && !lower.infinite)
		lower.val = stash_image_read(reader, type->inner);
	if (!empty && !upper.infinite)
		upper.val = stash_image_read(reader, type->inner);
	range = stash_compat_make_range(type->range, &lower, &upper, empty);
	if (!is_canonical(type, range, flags, &lower, &upper))
		stash_image_refuse(type);
	return range;
}

/* the server sorts and joins ranges: here they must stand as it leaves them */
static Datum
read_multirange(StashImageReader *reader, StashType *type)
{
	uint64		nranges = take_varint(reader, type);
	RangeType **ranges;
	RangeType **sorted;
	MultirangeType *result;
	Size		size;

	/* each range has at least its flags */
	if (nranges > (uint64) (reader->end - reader->at) ||
		nranges >= MaxAllocSize / sizeof(RangeType *))
		stash_image_refuse(type);
	size = sizeof(RangeType *) * ((Size) nranges + 1);
	ranges = palloc(size);
	sorted = palloc(size);
	for (uint64 i = 0; i < nranges; i++)
	{
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		ranges[i] = read_range(reader, type->inner);
	}
	size = sizeof(RangeType *) * (Size) nranges;
	memcpy(sorted, ranges, size);
	result = make_multirange(type->oid, type->range, (int32) nranges, sorted);
	if (result->rangeCount != nranges || memcmp(ranges, sorted, size) != 0)
		stash_image_refuse(type);
	pfree(ranges);
	pfree(sorted);
	return MultirangeTypePGetDatum(result);
}

static Datum
read_domain(StashImageReader *reader, StashType *type)
{
	Datum		value = stash_image_read(reader, type->inner);

	if (!reader->trusts_domains)
		domain_check(value, false, type->oid, NULL, NULL);
	return value;
}

/* ---- rows ---- */

/*
 * Read the columns of a row into 'values' and 'nulls', which are indexed by
 * attribute number - 1 and have a place for each; dropped columns are NULL.
 */
void
stash_image_read_row(StashImageReader *reader, StashType *type,
					 Datum *values, bool *nulls)
{
	Size		nbytes = Max((type->nfields + 7) / 8, 1);
	const uint8 *bitmap = (const uint8 *) take(reader, type, nbytes);

	if (!is_zero_behind(bitmap, type->nfields, nbytes))
		stash_image_refuse(type);
	memset(nulls, true, type->desc->natts);
	for (int i = 0; i < type->nfields; i++)
	{
		int			at = type->fields[i].attno - 1;

		values[at] = (Datum) 0;
		if ((bitmap[i / 8] & (1 << (i % 8))) == 0)
			continue;
		values[at] = stash_image_read(reader, type->fields[i].type);
		nulls[at] = false;
	}
}

static Datum
read_row(StashImageReader *reader, StashType *type)
{
	int			natts = type->desc->natts;
	Datum	   *values = palloc0(sizeof(Datum) * (natts + 1));
	bool	   *nulls = palloc(sizeof(bool) * (natts + 1));
	HeapTuple	tuple;

	stash_image_read_row(reader, type, values, nulls);
	tuple = heap_form_tuple(type->desc, values, nulls);
	return HeapTupleHeaderGetDatum(tuple->t_data);
}

static Datum
read_record(StashImageReader *reader, StashType *type)
{
	Size		len;
	const char *id = take_bytes(reader, type, &len);
	StashType  *row = stash_type_by_descriptor(id, len, false);

	if (row->kind != STASH_KIND_ROW)
		stash_image_refuse(type);
	return read_row(reader, row);
}

/* ---- arrays ---- */

/* an array as its image begins */
typedef struct ArrayShape
{
	int			ndim;
	int			dims[MAXDIM];
	int			lbounds[MAXDIM];
	int			nitems;
	int			nelements;		/* that are not NULL */
	const uint8 *bitmap;		/* NULL where no element is NULL */
} ArrayShape;

static void
read_shape(StashImageReader *reader, StashType *type, ArrayShape *shape)
{
	uint64		ndim = take_varint(reader, type);
	uint8		has_nulls;

	if (ndim > MAXDIM)
		stash_image_refuse(type);
	shape->ndim = (int) ndim;
	for (int i = 0; i < shape->ndim; i++)
	{
		uint64		dim = take_varint(reader, type);

		if (dim == 0 || dim > MaxArraySize)
			stash_image_refuse(type);
		shape->dims[i] = (int) dim;
		shape->lbounds[i] = take_i32(reader, type);
	}
	shape->nitems = ArrayGetNItems(shape->ndim, shape->dims);
	ArrayCheckBounds(shape->ndim, shape->dims, shape->lbounds);
	shape->nelements = shape->nitems;
	shape->bitmap = NULL;

	has_nulls = take_u8(reader, type);
	if (has_nulls > 1)
		stash_image_refuse(type);
	if (has_nulls == 1)
	{
		Size		nbytes = ((Size) shape->nitems + 7) / 8;

		shape->bitmap = (const uint8 *) take(reader, type, nbytes);
		shape->nelements = 0;
		for (int i = 0; i < shape->nitems; i++)
			shape->nelements += (shape->bitmap[i / 8] >> (i % 8)) & 1;
		/* a bitmap stands there only where some element is NULL */
		if (shape->nelements == shape->nitems ||
			!is_zero_behind(shape->bitmap, shape->nitems, nbytes))
			stash_image_refuse(type);
	}
	/* every element has at least one byte */
	if ((uint64) shape->nelements > (uint64) (reader->end - reader->at))
		stash_image_refuse(type);
}

/* allocate an array of that shape with 'datalen' bytes for its elements */
static ArrayType *
start_array(StashType *type, const ArrayShape *shape, Size datalen)
{
	Size		overhead = shape->bitmap ?
	ARR_OVERHEAD_WITHNULLS(shape->ndim, shape->nitems) :
	ARR_OVERHEAD_NONULLS(shape->ndim);
	Size		len = overhead + datalen;
	ArrayType  *array;
	uint8	   *bitmap;

	if (len > MaxAllocSize)
		stash_image_refuse(type);
	array = palloc(len);
	memset(array, 0, overhead);
	SET_VARSIZE(array, len);
	array->ndim = shape->ndim;
	array->dataoffset = shape->bitmap ? (int32) overhead : 0;
	array->elemtype = type->inner->oid;
	memcpy(ARR_DIMS(array), shape->dims, shape->ndim * sizeof(int));
	memcpy(ARR_LBOUND(array), shape->lbounds, shape->ndim * sizeof(int));
	bitmap = ARR_NULLBITMAP(array);
	if (bitmap != NULL)
		memcpy(bitmap, shape->bitmap, (shape->nitems + 7) / 8);
	return array;
}

static Datum
read_plain_array(StashImageReader *reader, StashType *type,
				 const ArrayShape *shape)
{
	StashType  *element = type->inner;
	Size		len = (Size) shape->nelements * element->typlen;
	const char *data = take(reader, type, len);
	ArrayType  *array = start_array(type, shape, len);

	memcpy(ARR_DATA_PTR(array), data, len);
	if (!is_any_fixed(element))
	{
		for (int i = 0; i < shape->nelements; i++)
			check_fixed(element,
						fetch_att(ARR_DATA_PTR(array) + (Size) i * element->typlen,
								  element->typbyval, element->typlen));
	}
	return PointerGetDatum(array);
}

/* text, bytea and numeric: measure first, then build the array in place */
static Datum
read_varlena_array(StashImageReader *reader, StashType *type,
				   const ArrayShape *shape)
{
	StashImageReader measure = *reader;
	Size		datalen = 0;
	Size		len;
	ArrayType  *array;
	char	   *at;

	for (int i = 0; i < shape->nelements; i++)
	{
		(void) take_bytes(&measure, type, &len);
		datalen += INTALIGN(len + VARHDRSZ);
	}
	array = start_array(type, shape, datalen);
	at = ARR_DATA_PTR(array);
	for (int i = 0; i < shape->nelements; i++)
	{
		const char *data = take_payload(reader, type->inner, &len);

		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		/* zero first: it may hold the padding behind the value */
		memset(at + INTALIGN(len + VARHDRSZ) - sizeof(int32), 0, sizeof(int32));
		put_payload(at, type->inner, data, len);
		at += INTALIGN(len + VARHDRSZ);
	}
	return PointerGetDatum(array);
}

/*
 * The same for types whose layout is known: built in place, or NULL, and
 * nothing is read, when an element needs its receive function.
 */
static ArrayType *
read_sent_array(StashImageReader *reader, StashType *type,
				const ArrayShape *shape)
{
	StashType  *element = type->inner;
	StashImageReader measure = *reader;
	StashImageReader in = *reader;
	Size		datalen = 0;
	Size		len;
	ArrayType  *array;
	char	   *at;

	for (int i = 0; i < shape->nelements; i++)
	{
		const char *data = take_bytes(&measure, type, &len);
		Size		size = stash_image_sent_size(element, data, len);

		if (size == 0)
			return NULL;
		datalen += att_align_nominal(size, element->typalign);
	}
	array = start_array(type, shape, datalen);
	at = ARR_DATA_PTR(array);
	for (int i = 0; i < shape->nelements; i++)
	{
		const char *data = take_bytes(&in, type, &len);
		Size		size = stash_image_sent_size(element, data, len);
		Size		room = att_align_nominal(size, element->typalign);

		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (!stash_image_put_sent(at, element, data, len))
		{
			pfree(array);
			return NULL;
		}
		memset(at + size, 0, room - size);
		at += room;
	}
	*reader = in;
	return array;
}

static Datum
read_array(StashImageReader *reader, StashType *type)
{
	StashType  *element = type->inner;
	ArrayShape	shape;
	Datum	   *values;
	bool	   *nulls;

	read_shape(reader, type, &shape);
	if (shape.nitems == 0)
		return PointerGetDatum(construct_empty_array(element->oid));
	if (stash_image_is_plain(element))
		return read_plain_array(reader, type, &shape);
	/* text may change its length on the way to another encoding */
	if (element->kind == STASH_KIND_BASE &&
		(element->image == STASH_IMAGE_BYTES ||
		 element->image == STASH_IMAGE_NUMERIC ||
		 (element->image == STASH_IMAGE_TEXT &&
		  GetDatabaseEncoding() == PG_UTF8)))
		return read_varlena_array(reader, type, &shape);
	if (element->kind == STASH_KIND_BASE && element->layout != STASH_LAYOUT_OTHER)
	{
		ArrayType  *array = read_sent_array(reader, type, &shape);

		if (array != NULL)
			return PointerGetDatum(array);
	}

	values = palloc(sizeof(Datum) * shape.nitems);
	nulls = palloc(sizeof(bool) * shape.nitems);
	for (int i = 0; i < shape.nitems; i++)
	{
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		nulls[i] = shape.bitmap != NULL &&
			(shape.bitmap[i / 8] & (1 << (i % 8))) == 0;
		values[i] = nulls[i] ? (Datum) 0 : stash_image_read(reader, element);
	}
	return PointerGetDatum(construct_md_array(values, nulls, shape.ndim,
											  shape.dims, shape.lbounds,
											  element->oid, element->typlen,
											  element->typbyval,
											  element->typalign));
}

/* ---- any value ---- */

/*
 * Read the value whose image begins at reader->at, and step over it.
 *
 * The result is allocated in the current memory context and shares nothing
 * with the bytes read.
 */
Datum
stash_image_read(StashImageReader *reader, StashType *type)
{
	check_stack_depth();
	switch (type->kind)
	{
		case STASH_KIND_BASE:
			return read_base(reader, type);
		case STASH_KIND_RANGE:
			return RangeTypePGetDatum(read_range(reader, type));
		case STASH_KIND_MULTIRANGE:
			return read_multirange(reader, type);
		case STASH_KIND_DOMAIN:
			return read_domain(reader, type);
		case STASH_KIND_ARRAY:
			return read_array(reader, type);
		case STASH_KIND_ROW:
			return read_row(reader, type);
		case STASH_KIND_RECORD:
			return read_record(reader, type);
	}
	stash_image_refuse(type);
}
