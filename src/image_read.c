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
#include "image_read.h"
#include "typeio.h"
#include "utf8.h"

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

/* ---- base types ---- */

/*
 * Throw 22P03 unless a value is one of its type.
 */
void
stash_image_check_fixed(StashType *type, Datum value)
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
	const char *at = stash_image_take(reader, type, type->typlen);
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
	if (!type->is_any_value)
		stash_image_check_fixed(type, value);
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
 * Throw 22P03 unless it is a stored numeric: a header of one or two 16-bit
 * words, then digits.  False for the longer header where the shorter would do.
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

/*
 * Throw 22021 unless it is text of the server's encoding, UTF-8.
 */
void
stash_image_check_utf8(const char *data, Size len)
{
	if (!stash_utf8_is_valid(data, len))
		(void) pg_verify_mbstr(PG_UTF8, data, (int) len, false);
}

static Datum
read_varlena(StashImageReader *reader, StashType *type)
{
	Size		len;
	const char *data = stash_image_take_payload(reader, type, &len);
	char	   *result = reader->chunk;

	if (result != NULL && data == result + VARHDRSZ)
	{
		SET_VARSIZE(result, len + VARHDRSZ);
		return PointerGetDatum(result);
	}
	result = palloc(len + VARHDRSZ);
	SET_VARSIZE(result, len + VARHDRSZ);
	stash_image_put_payload(result + VARHDRSZ, type, data, len, data);
	return PointerGetDatum(result);
}

/* a value from its text: enum labels, names of objects, user types */
static Datum
read_text(StashImageReader *reader, StashType *type)
{
	Size		len;
	const char *data = stash_image_take_bytes(reader, type, &len);
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
			data = stash_image_take_bytes(reader, type, &len);
			/* variants in variants go on from here */
			CHECK_FOR_INTERRUPTS();
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
	uint8		flags = stash_image_take_u8(reader, type);
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
	uint64		nranges = stash_image_take_varint(reader, type);
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

	if (reader->trusts_domains)
		return value;

	/*
	 * domain_check() wants a receive function of the base type, but not to
	 * call it
	 */
	if (OidIsValid(stash_type_without_domains(type)->receive.fn_oid))
		domain_check(value, false, type->oid, NULL, NULL);
	else
		(void) stash_type_input(type, stash_type_output(type->inner, value));
	return value;
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
			return stash_image_read_array(reader, type);
		case STASH_KIND_ROW:
			return stash_image_read_tuple(reader, type);
		case STASH_KIND_RECORD:
			return stash_image_read_record(reader, type);
	}
	stash_image_refuse(type);
}
