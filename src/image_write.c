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
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "codec.h"
#include "compat.h"
#include "content.h"
#include "filter.h"
#include "frame_open.h"
#include "hash_strategy.h"
#include "image.h"
#include "sink.h"
#include "typeio.h"


/* what numeric.c keeps to itself: the header word of a stored numeric */
#define NUMERIC_KIND(h)			((h) & 0xC000)
#define NUMERIC_SHORT_FORM		0x8000	/* set in special values too */
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
 * current memory context, with 'reserve' bytes left free at its start, and
 * 'room' for so many more until it grows.
 */
void
stash_buffer_init(StashSink *sink, Size reserve, Size room)
{
	sink->cap = reserve + room;
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
#ifdef WORDS_BIGENDIAN
		char		native[sizeof(Datum)];

		store_att_byval(native, value, type->typlen);
		put_number(sink, native, type->typlen);
#else
		uint64		native = value;

		stash_sink_put_of_eight(sink, &native, type->typlen);
#endif
	}
	else if (is_number(type))
		put_number(sink, DatumGetPointer(value), type->typlen);
	else
		stash_sink_put(sink, DatumGetPointer(value), type->typlen);
}

/*
 * True for the content of a numeric that is its image: not in the long form.
 */
bool
stash_image_is_short_numeric(const char *data)
{
	uint16		header;

	memcpy(&header, data, sizeof(header));
	return (header & NUMERIC_SHORT_FORM) != 0;
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
	if (!stash_image_is_short_numeric(data))
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
write_text(StashImageWriter *writer, StashContent *content)
{
	StashContent utf8;
	char	   *converted;

	if (likely(GetDatabaseEncoding() == PG_UTF8))
	{
		stash_image_write_bytes(writer, content);
		return;
	}
	converted = pg_server_to_any(stash_content_at(content, 0, content->len),
								 (int) content->len, PG_UTF8);
	if (converted == content->data || converted == content->window)
		stash_content_open_memory(&utf8, converted, content->len);
	else
		stash_content_open_memory(&utf8, converted, strlen(converted));
	stash_image_write_bytes(writer, &utf8);
	if (utf8.data != content->data && utf8.data != content->window)
		pfree(converted);
}

static void
write_cstring(StashImageWriter *writer, const char *text)
{
	StashContent content;

	stash_content_open_memory(&content, text, strlen(text));
	write_text(writer, &content);
}

static void
write_varlena(StashImageWriter *writer, StashImage image, Datum value)
{
	struct varlena *attr = (struct varlena *) DatumGetPointer(value);
	StashContent content;

	/* mostly the image is what lies there */
	if (likely((image == STASH_IMAGE_BYTES ||
				(image == STASH_IMAGE_TEXT && GetDatabaseEncoding() == PG_UTF8)) &&
			   !VARATT_IS_EXTERNAL(attr) && !VARATT_IS_COMPRESSED(attr) &&
			   writer->sampling == NULL && writer->plan == NULL))
	{
		stash_sink_put_bytes(writer->sink, VARDATA_ANY(attr),
							 VARSIZE_ANY_EXHDR(attr));
		return;
	}
	stash_content_open(&content, value);
	if (image == STASH_IMAGE_TEXT)
		write_text(writer, &content);
	else if (image == STASH_IMAGE_NUMERIC)
		write_numeric(writer->sink, stash_content_at(&content, 0, content.len),
					  content.len);
	else
		stash_image_write_bytes(writer, &content);
	stash_content_close(&content);
}

/* a value that is an OID, or has some in it */
static void
append_oids(StringInfo out, StashType *type, Datum value)
{
	if (type->typbyval)
	{
		appendStringInfo(out, "%u ", DatumGetObjectId(value));
		return;
	}
	for (int i = 0; i < type->typlen; i++)
		appendStringInfo(out, "%02x", ((uint8 *) DatumGetPointer(value))[i]);
	appendStringInfoChar(out, ' ');
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
	stash_sink_put_bytes(sink, utf8, strlen(utf8));
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
	stash_sink_put_bytes(sink, text, strlen(text));
}

static void
write_sent(StashImageWriter *writer, StashType *type, Datum value)
{
	bytea	   *sent;
	StashContent content;

	if (type->layout == STASH_LAYOUT_TEXT)
	{
		write_varlena(writer, STASH_IMAGE_TEXT, value);
		return;
	}
	if (type->layout == STASH_LAYOUT_NAME)
	{
		write_cstring(writer, NameStr(*DatumGetName(value)));
		return;
	}
	if (stash_image_write_sent(writer, type, value))
		return;
	sent = stash_type_send(type, value);
	stash_content_open_memory(&content, VARDATA(sent), VARSIZE(sent) - VARHDRSZ);
	stash_image_write_bytes(writer, &content);
	pfree(sent);
}

/*
 * A frame as hashes have it: jsonb in it as text, so that it is the same
 * whatever server wrote it.  NULL where no jsonb is in it, or where reading
 * it may fail: then it is taken as it is.
 */
static char *
frame_for_hash(const char *plain, Size *len)
{
	StashSink	sink;
	StashImageWriter writer = {&sink, true,.has_text = true};
	StashFrameReader frame;
	StashImageReader in = {.trusts_domains = true};
	StashType  *type;
	Size		head;

	if (stash_frame_parse(&frame, plain, *len) != STASH_FRAME_OK || frame.is_null)
		return NULL;
	type = stash_type_by_descriptor(frame.type, frame.typelen, true);
	if (type == NULL || !type->has_jsonb || !type->always_reads)
		return NULL;
	in.at = frame.body;
	in.end = frame.body + frame.rawlen;
	head = frame.body - plain;
	stash_buffer_init(&sink, head, STASH_BUFFER_ROOM);
	memcpy(sink.buf, plain, head);
	stash_image_write(&writer, type, stash_image_read(&in, type));
	stash_frame_seal(sink.buf, sink.used, STASH_CODEC_NONE, STASH_FILTER_NONE,
					 false);
	*len = sink.used;
	return sink.buf;
}

/* a variant: how it is compressed is no part of its value */
static void
write_frame(StashImageWriter *writer, Datum value)
{
	struct varlena *frame = PG_DETOAST_DATUM_PACKED(value);
	Size		len = VARSIZE_ANY_EXHDR(frame);
	const char *plain = stash_frame_plain(VARDATA_ANY(frame), &len);
	char	   *made = writer->for_frame ? NULL : frame_for_hash(plain, &len);
	StashContent content;

	stash_content_open_memory(&content, made ? made : plain, len);
	stash_image_write_bytes(writer, &content);
	if (made != NULL)
		pfree(made);
	if (plain != VARDATA_ANY(frame))
		pfree((char *) plain);
	if ((Pointer) frame != DatumGetPointer(value))
		pfree(frame);
}

static void
write_base(StashImageWriter *writer, StashType *type, Datum value)
{
	if (unlikely(writer->oids != NULL))
	{
		if (type->has_oids || type->image == STASH_IMAGE_LABEL)
			append_oids(writer->oids, type, value);
		return;
	}
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
				write_cstring(writer, DatumGetCString(value));
			else
				write_varlena(writer, type->image, value);
			break;
		case STASH_IMAGE_LABEL:
			write_label(writer->sink, DatumGetObjectId(value));
			break;
		case STASH_IMAGE_OUTPUT:
			write_output(writer->sink, type, value);
			break;
		case STASH_IMAGE_FRAME:
			write_frame(writer, value);
			break;
		case STASH_IMAGE_SEND:
			write_sent(writer, type, value);
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

/* ---- any value ---- */

/*
 * Write the image of a value that is not NULL.
 */
void
stash_image_write(StashImageWriter *writer, StashType *type, Datum value)
{
	if (unlikely(type->strategy != NULL) && !writer->for_frame)
	{
		/* what it makes of a value is all that counts */
		if (writer->oids == NULL)
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
			stash_image_write_array(writer, type, value);
			break;
		case STASH_KIND_ROW:
			check_stack_depth();
			stash_image_write_composite(writer, type, value);
			break;
		case STASH_KIND_RECORD:
			check_stack_depth();
			stash_image_write_record(writer, value);
			break;
		case STASH_KIND_RANGE:
			write_range(writer, type, DatumGetRangeTypeP(value));
			break;
		case STASH_KIND_MULTIRANGE:
			write_multirange(writer, type, value);
			break;
	}
}

static void
overflow_nothing(StashSink *sink, const void *data, Size len)
{
	sink->used = 0;
}

/*
 * What a hash of a value that is not NULL has by name alone, enum labels among
 * it, as a text of OIDs: two values of one hash mean the same only when these
 * are equal, too.  "" where there is nothing of the kind.
 */
char *
stash_image_oids(StashType *type, Datum value)
{
	char		nothing[64];
	StashSink	sink = {nothing, 0, sizeof(nothing), overflow_nothing};
	StringInfoData oids;
	StashImageWriter writer = {&sink,.oids = &oids};

	initStringInfo(&oids);
	stash_image_write(&writer, type, value);
	return oids.data;
}
