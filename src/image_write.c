/*-------------------------------------------------------------------------
 *
 * image_write.c
 *	  From a value to its bytes.
 *
 * image.h says what an image is; doc/image.md is the format.  What is written
 * here depends on the value alone: not on how it is stored (TOAST, short
 * headers, a null bitmap without nulls), and on no setting of the session.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "catalog/pg_enum.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "hash_strategy.h"
#include "image.h"
#include "sink.h"
#include "typeio.h"

#define FEW_FIELDS		64		/* columns of a row that need no palloc */
#define SAMPLED_ARRAY	0x7f	/* stands where the dimensions would */
#define SAMPLED_BYTES	UINT64CONST(0xffffffff) /* where the length would */
#define SAMPLE_ENDS		4096	/* bytes read at the head and at the tail */
#define SAMPLE_BLOCK	1024	/* bytes in each block between */
#define SAMPLE_ROWS		500		/* elements read at each end */

/* what numeric.c keeps to itself: the header word of a stored numeric */
#define NUMERIC_KIND(h)			((h) & 0xC000)
#define NUMERIC_SHORT_FORM		0x8000
#define NUMERIC_SPECIAL_FORM	0xC000
#define NUMERIC_NEGATIVE		0x4000
#define NUMERIC_LONG_SCALE(h)	((h) & 0x3FFF)
#define NUMERIC_SHORT_NEGATIVE	0x2000

/* ---- a sink that keeps everything ---- */

static void
overflow_buffer(StashSink *sink, const void *data, Size len)
{
	Size		need = sink->used + len;
	Size		cap = Max(sink->cap * 2, need + 64);

	if (need > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value is too large to be stored"),
				 errdetail("Its bytes exceed the limit of %zu.",
						   (Size) MaxAllocSize)));
	cap = Min(cap, MaxAllocSize);
	sink->buf = repalloc(sink->buf, cap);
	sink->cap = cap;
	memcpy(sink->buf + sink->used, data, len);
	sink->used = need;
}

/*
 * Start a sink that keeps all bytes in 'buf', allocated and grown in the
 * current memory context, with 'reserve' bytes left free at its start.
 */
void
stash_buffer_init(StashSink *sink, Size reserve)
{
	sink->cap = reserve + 240;
	sink->buf = palloc(sink->cap);
	sink->used = reserve;
	sink->overflow = overflow_buffer;
}

/* ---- base types ---- */

/* turn a native number into one with the least significant byte first */
static void
put_number(StashSink *sink, const char *native, int len)
{
#ifdef WORDS_BIGENDIAN
	char		swapped[8];

	for (int i = 0; i < len; i++)
		swapped[i] = native[len - 1 - i];
	stash_sink_put(sink, swapped, len);
#else
	stash_sink_put(sink, native, len);
#endif
}

static bool
is_number(StashType *type)
{
	return type->typlen <= 8 && type->oid != MACADDROID &&
		type->oid != MACADDR8OID;
}

static void
write_fixed(StashSink *sink, StashType *type, Datum value)
{
	if (type->typbyval)
	{
		char		native[sizeof(Datum)];

		store_att_byval(native, value, type->typlen);
		put_number(sink, native, type->typlen);
	}
	else if (is_number(type))
		put_number(sink, DatumGetPointer(value), type->typlen);
	else
		stash_sink_put(sink, DatumGetPointer(value), type->typlen);
}

static void
put_bytes(StashSink *sink, const char *data, Size len)
{
	stash_sink_put_varint(sink, len);
	stash_sink_put(sink, data, len);
}

/*
 * A stored numeric is a row of 16-bit words: header, digits.  Values that an
 * old server left in the long header form are written in the short one.
 */
static void
write_numeric(StashSink *sink, const char *data, Size len)
{
	uint16		header;
	int16		weight;
	uint16		scale;

	memcpy(&header, data, sizeof(header));
	if (NUMERIC_KIND(header) != NUMERIC_SHORT_FORM &&
		NUMERIC_KIND(header) != NUMERIC_SPECIAL_FORM)
	{
		memcpy(&weight, data + 2, sizeof(weight));
		scale = NUMERIC_LONG_SCALE(header);
		if (scale <= 0x3f && weight >= -64 && weight <= 63)
		{
			header = NUMERIC_SHORT_FORM | (scale << 7) | (weight & 0x7f) |
				(NUMERIC_KIND(header) == NUMERIC_NEGATIVE ?
				 NUMERIC_SHORT_NEGATIVE : 0);
			data += 2;
			len -= 2;
		}
	}
	stash_sink_put_varint(sink, len);
	put_number(sink, (char *) &header, sizeof(header));
#ifdef WORDS_BIGENDIAN
	for (Size i = 2; i < len; i += 2)
		put_number(sink, data + i, 2);
#else
	stash_sink_put(sink, data + 2, len - 2);
#endif
}

/* text in UTF-8: a copy only where the database has another encoding */
static void
write_text(StashImageWriter *writer, StashType *type, const char *data, Size len)
{
	char	   *utf8 = (char *) data;

	if (unlikely(GetDatabaseEncoding() != PG_UTF8))
	{
		utf8 = pg_server_to_any(data, (int) len, PG_UTF8);
		if (utf8 != data)
			len = strlen(utf8);
	}
	if (!stash_image_sample(writer, type, utf8, len))
		put_bytes(writer->sink, utf8, len);
	if (utf8 != data)
		pfree(utf8);
}

static void
write_varlena(StashImageWriter *writer, StashType *type, Datum value)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(packed);
	Size		len = VARSIZE_ANY_EXHDR(packed);

	if (type->image == STASH_IMAGE_TEXT)
		write_text(writer, type, data, len);
	else if (type->image == STASH_IMAGE_NUMERIC)
		write_numeric(writer->sink, data, len);
	else if (!stash_image_sample(writer, type, data, len))
		put_bytes(writer->sink, data, len);
	if ((Pointer) packed != DatumGetPointer(value))
		pfree(packed);
}

static void
write_label(StashSink *sink, Oid member)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(member));
	char	   *label;
	char	   *utf8;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid internal value for enum: %u", member)));
	label = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	utf8 = pg_server_to_any(label, strlen(label), PG_UTF8);
	put_bytes(sink, utf8, strlen(utf8));
	ReleaseSysCache(tuple);
}

static void
write_output(StashSink *sink, StashType *type, Datum value)
{
	StashType  *by = type->inner ? type->inner : type;
	StashSettings saved;
	char	   *text;

	stash_type_fix_settings(&saved, type, true);
	text = stash_type_output(by, value);
	stash_type_restore_settings(&saved);
	text = pg_server_to_any(text, strlen(text), PG_UTF8);
	put_bytes(sink, text, strlen(text));
}

static void
write_base(StashImageWriter *writer, StashType *type, Datum value)
{
	bytea	   *sent;

	switch (type->image)
	{
		case STASH_IMAGE_FIXED:
			write_fixed(writer->sink, type, value);
			break;
		case STASH_IMAGE_BYTES:
		case STASH_IMAGE_TEXT:
		case STASH_IMAGE_NUMERIC:
			/* only a literal without a type is no varlena */
			if (type->typlen == -2)
				write_text(writer, type, DatumGetCString(value),
						   strlen(DatumGetCString(value)));
			else
				write_varlena(writer, type, value);
			break;
		case STASH_IMAGE_LABEL:
			write_label(writer->sink, DatumGetObjectId(value));
			break;
		case STASH_IMAGE_OUTPUT:
			write_output(writer->sink, type, value);
			break;
		case STASH_IMAGE_SEND:
			sent = stash_type_send(type, value);
			if (!stash_image_sample(writer, type, VARDATA(sent),
									VARSIZE(sent) - VARHDRSZ))
				put_bytes(writer->sink, VARDATA(sent),
						  VARSIZE(sent) - VARHDRSZ);
			pfree(sent);
			break;
	}
}

/* ---- ranges ---- */

static void
write_range(StashImageWriter *writer, StashType *type, const RangeType *range)
{
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(type->range, range, &lower, &upper, &empty);
	stash_sink_put_u8(writer->sink,
					  empty ? RANGE_EMPTY :
					  (lower.inclusive ? RANGE_LB_INC : 0) |
					  (upper.inclusive ? RANGE_UB_INC : 0) |
					  (lower.infinite ? RANGE_LB_INF : 0) |
					  (upper.infinite ? RANGE_UB_INF : 0));
	if (!empty && !lower.infinite)
		stash_image_write(writer, type->inner, lower.val);
	if (!empty && !upper.infinite)
		stash_image_write(writer, type->inner, upper.val);
}

static void
write_multirange(StashImageWriter *writer, StashType *type, Datum value)
{
	MultirangeType *multirange = DatumGetMultirangeTypeP(value);
	RangeType **ranges;
	int32		nranges;

	multirange_deserialize(type->range, multirange, &nranges, &ranges);
	stash_sink_put_varint(writer->sink, nranges);
	for (int i = 0; i < nranges; i++)
		stash_image_write(writer, type->inner, RangeTypePGetDatum(ranges[i]));
}

/* ---- rows ---- */

/*
 * Write the columns of a row: a bitmap of those that are not NULL, then their
 * images.  'values' and 'nulls' are indexed by attribute number - 1.
 */
void
stash_image_write_row(StashImageWriter *writer, StashType *type,
					  const Datum *values, const bool *nulls)
{
	uint8		bits = 0;

	for (int i = 0; i < type->nfields; i++)
	{
		if (!nulls[type->fields[i].attno - 1])
			bits |= 1 << (i % 8);
		if (i % 8 == 7)
		{
			stash_sink_put_u8(writer->sink, bits);
			bits = 0;
		}
	}
	/* a row without columns has a byte too, so that rows cost something */
	if (type->nfields % 8 != 0 || type->nfields == 0)
		stash_sink_put_u8(writer->sink, bits);

	for (int i = 0; i < type->nfields; i++)
	{
		int			at = type->fields[i].attno - 1;

		if (!nulls[at])
			stash_image_write(writer, type->fields[i].type, values[at]);
	}
}

static void
write_row(StashImageWriter *writer, StashType *type, Datum value)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	HeapTupleData tuple;
	Datum		few_values[FEW_FIELDS];
	bool		few_nulls[FEW_FIELDS];
	Datum	   *values = few_values;
	bool	   *nulls = few_nulls;
	int			natts;

	/* shapes that are written alike may be laid out in different ways */
	if (type->oid == RECORDOID &&
		HeapTupleHeaderGetTypMod(header) != type->typmod)
		type = stash_type_of_row(PointerGetDatum(header));
	natts = type->desc->natts;
	if (natts > FEW_FIELDS)
	{
		values = palloc(sizeof(Datum) * natts);
		nulls = palloc(sizeof(bool) * natts);
	}
	memset(&tuple, 0, sizeof(tuple));
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	heap_deform_tuple(&tuple, type->desc, values, nulls);
	stash_image_write_row(writer, type, values, nulls);
	if (natts > FEW_FIELDS)
	{
		pfree(values);
		pfree(nulls);
	}
	if ((Pointer) header != DatumGetPointer(value))
		pfree(header);
}

static void
write_record(StashImageWriter *writer, Datum value)
{
	StashType  *type = stash_type_of_row(value);

	if (writer->for_frame)
		put_bytes(writer->sink, type->frame_id, type->frame_idlen);
	else
		put_bytes(writer->sink, type->hash_id, type->hash_idlen);
	stash_image_write(writer, type, value);
}

/* ---- arrays ---- */

/* the array's own bitmap, without whatever stands behind its last bit */
static void
put_bitmap(StashSink *sink, const uint8 *bitmap, int nitems)
{
	stash_sink_put(sink, bitmap, nitems / 8);
	if (nitems % 8 != 0)
		stash_sink_put_u8(sink, bitmap[nitems / 8] & ((1 << nitems % 8) - 1));
}

static int
count_elements(const uint8 *bitmap, int nitems)
{
	int			count = 0;

	if (bitmap == NULL)
		return nitems;
	for (int i = 0; i < nitems; i++)
		count += (bitmap[i / 8] >> (i % 8)) & 1;
	return count;
}

/*
 * True where elements of a type stand side by side in memory just as they do
 * in an image.
 */
bool
stash_image_is_plain(StashType *type)
{
#ifdef WORDS_BIGENDIAN
	return false;
#else
	return type->kind == STASH_KIND_BASE &&
		type->image == STASH_IMAGE_FIXED &&
		att_align_nominal(type->typlen, type->typalign) == type->typlen;
#endif
}

/* true for the elements that a sampled hash reads */
static bool
is_sampled(const StashSampling *sampling, int i, int n)
{
	int			between = n - 2 * SAMPLE_ROWS;
	int64		slot;

	if (i < SAMPLE_ROWS || i >= n - SAMPLE_ROWS)
		return true;
	/* the element at each of 'samples' evenly spaced places between the ends */
	slot = ((int64) (i - SAMPLE_ROWS) * sampling->samples + between - 1) / between;
	return slot < sampling->samples &&
		slot * between / sampling->samples == i - SAMPLE_ROWS;
}

/* write elements one by one; 'nsampled', unless 0, is their number for sampling */
static void
write_elements(StashImageWriter *writer, StashType *type, const char *data,
			   const uint8 *bitmap, int nitems, int nsampled)
{
	int			nth = 0;

	for (int i = 0; i < nitems; i++)
	{
		if (bitmap != NULL && (bitmap[i / 8] & (1 << (i % 8))) == 0)
			continue;
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (nsampled == 0 || is_sampled(writer->sampling, nth, nsampled))
			stash_image_write(writer, type,
							  fetch_att(data, type->typbyval, type->typlen));
		nth++;
		data = att_addlength_pointer(data, type->typlen, data);
		data = (const char *) att_align_nominal(data, type->typalign);
	}
}

static bool
array_is_sampled(StashImageWriter *writer, StashType *element, int nelements)
{
	const StashSampling *sampling = writer->sampling;

	if (sampling == NULL || nelements <= sampling->threshold)
		return false;
	/* never more than the exact hash would read */
	if (stash_image_is_plain(element))
		return (Size) nelements * element->typlen >
			2 * SAMPLE_ENDS + (Size) sampling->samples * SAMPLE_BLOCK;
	return nelements - 2 * SAMPLE_ROWS > sampling->samples;
}

static void
write_array(StashImageWriter *writer, StashType *type, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	int			ndim = ARR_NDIM(array);
	int			nitems = ArrayGetNItems(ndim, ARR_DIMS(array));
	uint8	   *bitmap = array_contains_nulls(array) ? ARR_NULLBITMAP(array) : NULL;
	int			nelements = count_elements(bitmap, nitems);
	bool		sampled = array_is_sampled(writer, type->inner, nelements);
	Size		len;

	if (sampled)
		stash_sink_put_u8(writer->sink, SAMPLED_ARRAY);
	stash_sink_put_varint(writer->sink, ndim);
	for (int i = 0; i < ndim; i++)
	{
		stash_sink_put_varint(writer->sink, ARR_DIMS(array)[i]);
		stash_sink_put_u32(writer->sink, (uint32) ARR_LBOUND(array)[i]);
	}
	stash_sink_put_u8(writer->sink, bitmap != NULL);
	if (bitmap != NULL)
		put_bitmap(writer->sink, bitmap, nitems);

	len = (Size) nelements * type->inner->typlen;
	if (sampled && !stash_image_is_plain(type->inner))
		stash_sink_put_varint(writer->sink, writer->sampling->samples);
	if (!stash_image_is_plain(type->inner))
		write_elements(writer, type->inner, ARR_DATA_PTR(array), bitmap,
					   nitems, sampled ? nelements : 0);
	else if (!sampled ||
			 !stash_image_sample(writer, type->inner, ARR_DATA_PTR(array), len))
		stash_sink_put(writer->sink, ARR_DATA_PTR(array), len);
	if ((Pointer) array != DatumGetPointer(value))
		pfree(array);
}

/*
 * Write a sample of 'len' bytes instead of all of them: a mark that no exact
 * image has, the length, the head, the tail, and evenly spaced blocks between.
 * Returns false, having written nothing, where all bytes are to be written.
 */
bool
stash_image_sample(StashImageWriter *writer, StashType *type,
				   const char *data, Size len)
{
	const StashSampling *sampling = writer->sampling;
	Size		unit = type->image == STASH_IMAGE_FIXED ? type->typlen : 8;

	if (likely(sampling == NULL))
		return false;
	if (len <= (Size) sampling->threshold * unit ||
		len <= 2 * SAMPLE_ENDS + (Size) sampling->samples * SAMPLE_BLOCK)
		return false;

	stash_sink_put_varint(writer->sink, SAMPLED_BYTES);
	stash_sink_put_varint(writer->sink, len);
	stash_sink_put_varint(writer->sink, sampling->samples);
	stash_sink_put(writer->sink, data, SAMPLE_ENDS);
	for (int i = 0; i < sampling->samples; i++)
		stash_sink_put(writer->sink,
					   data + SAMPLE_ENDS +
					   (uint64) (len - 2 * SAMPLE_ENDS - SAMPLE_BLOCK) *
					   (i + 1) / ((uint64) sampling->samples + 1),
					   SAMPLE_BLOCK);
	stash_sink_put(writer->sink, data + len - SAMPLE_ENDS, SAMPLE_ENDS);
	return true;
}

/* ---- any value ---- */

/*
 * Write the image of a value that is not NULL.
 */
void
stash_image_write(StashImageWriter *writer, StashType *type, Datum value)
{
	if (unlikely(type->strategy != NULL) && !writer->for_frame)
	{
		stash_hash_put_by_strategy(writer->sink, type, value);
		return;
	}
	switch (type->kind)
	{
		case STASH_KIND_BASE:
			write_base(writer, type, value);
			break;
		case STASH_KIND_DOMAIN:
			stash_image_write(writer, type->inner, value);
			break;
		case STASH_KIND_ARRAY:
			check_stack_depth();
			write_array(writer, type, value);
			break;
		case STASH_KIND_ROW:
			check_stack_depth();
			write_row(writer, type, value);
			break;
		case STASH_KIND_RECORD:
			check_stack_depth();
			write_record(writer, value);
			break;
		case STASH_KIND_RANGE:
			write_range(writer, type, DatumGetRangeTypeP(value));
			break;
		case STASH_KIND_MULTIRANGE:
			write_multirange(writer, type, value);
			break;
	}
}
