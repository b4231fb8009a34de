/*-------------------------------------------------------------------------
 *
 * frame_datum.c
 *	  Frames of any value: make, open, read; the SQL functions of the area.
 *
 * A frame is the header of frame.h, the type's descriptor of typeio.h and the
 * value's image of image.h.  What floor 1 only reports is thrown here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "codec.h"
#include "compat.h"
#include "filter.h"
#include "frame.h"
#include "frame_datum.h"
#include "image.h"
#include "typeio.h"

#define LEAST_ROWS			1024	/* bytes; smaller row sets stay as they
									 * are */
#define LEAST_COMPRESSED	64	/* bytes; smaller bodies are stored as they
								 * are */
#define ROWS_PROLOGUE		16	/* ndim, dim, lower bound, no nulls: 11 or
								 * less */

PG_FUNCTION_INFO_V1(pg_hashstash_serialize);
PG_FUNCTION_INFO_V1(pg_hashstash_deserialize);
PG_FUNCTION_INFO_V1(pg_hashstash_frame_info);
PG_FUNCTION_INFO_V1(pg_hashstash_encode);
PG_FUNCTION_INFO_V1(pg_hashstash_decode);

/* ---- making ---- */

/*
 * The codec called 'name'.  Throws 22023 for an unknown one.
 */
int
stash_frame_codec(const text *name)
{
	int			codec = stash_codec_by_name(VARDATA_ANY(name),
											VARSIZE_ANY_EXHDR(name));

	if (codec < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown codec \"%s\"", text_to_cstring(name)),
				 errhint("The codecs are \"none\", \"lz4\" and, where this build has it, \"zstd\".")));
	return codec;
}

/*
 * Room for the image of a value, so that the buffer of its frame need not
 * grow, and is no larger than need be: many frames are made one after the
 * other.
 */
static Size
room_for(StashType *type, Datum value)
{
	/* a copy without a call writes more than it keeps */
	const Size	slack = STASH_SINK_FEW + sizeof(int64);
	Size		size;

	if (type->kind == STASH_KIND_BASE && type->typlen > 0)
		return type->typlen + sizeof(int64);
	if (type->typlen != -1 ||
		VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return STASH_BUFFER_ROOM;
	size = Min(toast_raw_datum_size(value), MaxAllocSize / 2);
	return size + (type->kind == STASH_KIND_BASE ? slack : STASH_BUFFER_ROOM);
}

/* start a frame whose body will have room */
static void
begin_frame(StashSink *sink, StashType *type, Size room)
{
	stash_buffer_init(sink, VARHDRSZ + STASH_FRAME_FIXED,
					  STASH_SINK_VARINT + type->frame_idlen + room);
	stash_sink_put_bytes(sink, type->frame_id, type->frame_idlen);
}

/* bytes of an element, where the image ends with an array of numbers; else 0 */
static int
element_width(StashType *type)
{
	StashType  *element;

	type = stash_type_without_domains(type);
	if (type->kind != STASH_KIND_ARRAY)
		return 0;
	element = stash_type_without_domains(type->inner);
	return stash_image_is_plain(element) ? element->typlen : 0;
}

/* bytes of a column's values, 0 where each has a length, -1: others */
static int
column_width(StashType *type)
{
	type = stash_type_without_domains(type);
	if (type->kind != STASH_KIND_BASE)
		return -1;
	return type->image == STASH_IMAGE_FIXED ? type->typlen : 0;
}

/* the number of rows in an array's image, and what stands before the first */
static void
count_rows(StashRows *rows, const char *image, Size len)
{
	const char *at = image;
	const char *end = image + len;
	uint64		ndim = 0;
	uint64		nitems = 1;
	uint64		dim = 0;

	(void) stash_frame_get_varint(&at, end, &ndim);
	for (uint64 i = 0; i < ndim; i++)
	{
		(void) stash_frame_get_varint(&at, end, &dim);
		nitems *= dim;
		at += sizeof(int32);	/* lower bound */
	}
	rows->nrows = ndim > 0 ? nitems : 0;
	if (*at++ != 0)
	{
		rows->nrows = pg_popcount(at, (int) ((nitems + 7) / 8));
		at += (nitems + 7) / 8;
	}
	rows->prologue = at - image;
}

/* false where some column has parts */
static bool
set_widths(StashRows *rows, StashType *row)
{
	rows->ncolumns = row->nfields;
	for (int i = 0; i < rows->ncolumns; i++)
	{
		rows->columns[i].width = column_width(row->fields[i].type);
		if (rows->columns[i].width < 0)
			return false;
	}
	return rows->ncolumns > 0;
}

/*
 * The columns of a value that is a row set of some size, all of them without
 * parts; else NULL.
 */
static StashRows *
find_rows(StashType *type, const char *image, Size len)
{
	StashRows  *rows;

	type = stash_type_without_domains(type);
	if (type->kind != STASH_KIND_ARRAY || type->inner->kind != STASH_KIND_ROW ||
		len < LEAST_ROWS)
		return NULL;
	rows = palloc(sizeof(StashRows));
	if (set_widths(rows, type->inner))
	{
		count_rows(rows, image, len);
		if (stash_rows_measure(rows, image, len))
			return rows;
	}
	pfree(rows);
	return NULL;
}

/*
 * Lay the image out anew where that helps: the result is allocated, or the
 * image itself; *filter says how, and the layout is put into 'packed'.
 */
static const char *
lay_out(StashSink *packed, StashType *type, const char *image, Size len,
		int codec, int *filter)
{
	StashRows  *rows = find_rows(type, image, len);
	char	   *laid;

	*filter = rows != NULL ? STASH_FILTER_ROWS :
		stash_filter_choose(codec, element_width(type), image, len);
	if (*filter == STASH_FILTER_NONE)
		return image;
	laid = palloc(len);
	if (rows != NULL)
	{
		char	   *scratch = palloc(len);
		StashSink	layout;

		stash_rows_apply(rows, codec, image, len, laid, scratch);
		stash_buffer_init(&layout, 0, STASH_BUFFER_ROOM);
		stash_rows_put_layout(&layout, rows);
		stash_sink_put_bytes(packed, layout.buf, layout.used);
		pfree(layout.buf);
		pfree(scratch);
		pfree(rows);
	}
	else
		stash_filter_apply(*filter, image, len, laid);
	return laid;
}

/*
 * Compress what stands behind 'body', and put it into the sink's place; false
 * where it does not pay.
 */
static bool
compress_body(StashSink *sink, StashType *type, Size body, int codec,
			  int *filter)
{
	const char *image = sink->buf + body;
	Size		rawlen = sink->used - body;
	StashSink	packed;
	const char *laid;
	Size		len = 0;

	stash_buffer_init(&packed, sink->used, STASH_BUFFER_ROOM);
	memcpy(packed.buf, sink->buf, body);
	packed.used = body;
	stash_sink_put_varint(&packed, rawlen);
	laid = lay_out(&packed, type, image, rawlen, codec, filter);
	/* one byte less than what is there, or it does not pay */
	if (packed.used + 1 < sink->used)
		len = stash_codec_compress(codec, laid, rawlen,
								   packed.buf + packed.used,
								   sink->used - 1 - packed.used);
	if (laid != image)
		pfree((char *) laid);
	if (len == 0)
	{
		pfree(packed.buf);
		return false;
	}
	packed.used += len;
	pfree(sink->buf);
	*sink = packed;
	return true;
}

/*
 * Compress the body if that pays, and seal the frame.
 */
static bytea *
finish_frame(StashSink *sink, StashType *type, Size body, int codec,
			 bool isnull)
{
	int			filter;

	if (codec == STASH_CODEC_NONE || sink->used - body < LEAST_COMPRESSED ||
		!compress_body(sink, type, body, codec, &filter))
	{
		codec = STASH_CODEC_NONE;
		filter = STASH_FILTER_NONE;
	}
	SET_VARSIZE(sink->buf, sink->used);
	stash_frame_seal(sink->buf + VARHDRSZ, sink->used - VARHDRSZ, codec, filter,
					 isnull);
	return (bytea *) sink->buf;
}

/*
 * The frame of a value, in the current memory context.
 *
 * Throws 54000 when it would exceed one gigabyte.
 */
bytea *
stash_frame_make(StashType *type, Datum value, bool isnull, int codec)
{
	StashSink	sink;
	StashImageWriter writer = {&sink, true, NULL};
	Size		body;

	begin_frame(&sink, type, isnull ? 0 : room_for(type, value));
	body = sink.used;
	if (!isnull)
		stash_image_write(&writer, type, value);
	return finish_frame(&sink, type, body, codec, isnull);
}

/*
 * The frame of a row given by its columns, indexed by attribute number - 1.
 */
bytea *
stash_frame_make_row(StashType *row, const Datum *values, const bool *nulls,
					 int codec)
{
	StashSink	sink;
	StashImageWriter writer = {&sink, true, NULL};
	Size		body;

	begin_frame(&sink, row, STASH_BUFFER_ROOM);
	body = sink.used;
	stash_image_write_row(&writer, row, values, nulls);
	return finish_frame(&sink, row, body, codec, false);
}

/*
 * Start the frame of an array of rows whose number is not known yet.
 */
void
stash_frame_rows_begin(StashFrameRows *rows, StashType *row)
{
	rows->row = row;
	rows->nrows = 0;
	stash_buffer_init(&rows->sink, ROWS_PROLOGUE, STASH_BUFFER_ROOM);
}

/*
 * Add a row; the slot's columns are those of the row type.
 */
void
stash_frame_rows_add(StashFrameRows *rows, TupleTableSlot *slot)
{
	StashImageWriter writer = {&rows->sink, true, NULL};

	slot_getallattrs(slot);
	stash_image_write_row(&writer, rows->row, slot->tts_values,
						  slot->tts_isnull);
	rows->nrows++;
}

/*
 * The finished frame: the same bytes as of an array of these rows.
 */
bytea *
stash_frame_rows_finish(StashFrameRows *rows, int codec)
{
	StashType  *type = stash_type_of_rows(rows->row);
	StashSink	sink;
	Size		body;

	begin_frame(&sink, type, rows->sink.used + STASH_BUFFER_ROOM);
	body = sink.used;
	if (rows->nrows > 0)
	{
		stash_sink_put_varint(&sink, 1);	/* dimensions */
		stash_sink_put_varint(&sink, rows->nrows);
		stash_sink_put_u32(&sink, 1);	/* lower bound */
	}
	else
		stash_sink_put_varint(&sink, 0);
	stash_sink_put_u8(&sink, 0);	/* no row is NULL */
	stash_sink_put(&sink, rows->sink.buf + ROWS_PROLOGUE,
				   rows->sink.used - ROWS_PROLOGUE);
	pfree(rows->sink.buf);
	return finish_frame(&sink, type, body, codec, false);
}

/* ---- reading ---- */

/*
 * How many bytes before an image of 'len' bytes make it a varlena, when the
 * length at its begin is written over; 0 where that cannot be.
 */
static Size
varlena_lead(StashType *type, uint64 len)
{
	if (stash_type_copy(type) != STASH_COPY_VARLENA)
		return 0;
	/* one digit less than a length word has bytes, at most */
	for (int digits = 1; digits < VARHDRSZ; digits++)
	{
		if (len >= (uint64) digits &&
			(len - digits) >> (7 * digits) == 0)
			return VARHDRSZ - digits;
	}
	return 0;
}

/* the value in an open frame that is not NULL, of a type that is known */
static Datum
read_body(const StashFrameReader *reader, StashType *type, bool trusts_domains)
{
	StashImageReader in = {0};
	const char *body = reader->body;
	char	   *chunk = NULL;
	Size		lead;
	Datum		value;

	if (reader->codec != STASH_CODEC_NONE)
	{
		lead = varlena_lead(type, reader->rawlen);
		chunk = stash_frame_unpack(reader, lead);
		body = chunk + lead;
		in.chunk = lead > 0 ? chunk : NULL;
	}
	in.at = body;
	in.end = body + reader->rawlen;
	in.trusts_domains = trusts_domains;
	value = stash_image_read(&in, type);
	if (in.at != in.end)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("stash frame has %zu bytes too many",
						(Size) (in.end - in.at))));
	if (chunk != NULL && chunk != DatumGetPointer(value))
		pfree(chunk);
	return value;
}

static Datum
read_frame(const StashFrameReader *reader, StashType **type, bool *isnull,
		   bool trusts_domains)
{
	*type = stash_type_by_descriptor(reader->type, reader->typelen, false);
	*isnull = reader->is_null;
	return reader->is_null ? (Datum) 0 : read_body(reader, *type, trusts_domains);
}

/*
 * The value in an open frame; *type is set to its type.
 */
Datum
stash_frame_read(const StashFrameReader *reader, StashType **type, bool *isnull)
{
	return read_frame(reader, type, isnull, false);
}

/*
 * The same for a value that is only to be shown: conditions of domains are
 * not asked again, for they may be anybody's code, and who looks at a table
 * must not run it.
 */
Datum
stash_frame_read_to_show(const StashFrameReader *reader, StashType **type,
						 bool *isnull)
{
	return read_frame(reader, type, isnull, true);
}

/*
 * Throw 42804 unless a value read from a frame is of type 'wanted'.
 */
void
stash_frame_check_type(StashType *type, Oid wanted)
{
	if (type->oid != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("stash frame holds a value of type %s, not %s",
						stash_type_to_text(type),
						stash_type_to_text(stash_type_lookup(wanted, -1))),
				 errhint("Name the type that the value was stored with, and cast the result.")));
}

/*
 * True when two frames hold the same value of the same type, bit for bit,
 * whatever their codecs.
 */
bool
stash_frame_identical(const char *a, Size alen, const char *b, Size blen)
{
	StashFrameReader one;
	StashFrameReader two;

	if (alen == blen && memcmp(a, b, alen) == 0)
		return true;
	stash_frame_open(&one, a, alen);
	stash_frame_open(&two, b, blen);
	return one.typelen == two.typelen &&
		memcmp(one.type, two.type, one.typelen) == 0 &&
		one.is_null == two.is_null &&
		one.rawlen == two.rawlen &&
		memcmp(stash_frame_body(&one), stash_frame_body(&two), one.rawlen) == 0;
}

/*
 * Start reading a frame as a row set; false when it holds something else.
 */
bool
stash_frame_rows_open(StashFrameRowsReader *rows, const StashFrameReader *frame)
{
	StashType  *type = stash_type_by_descriptor(frame->type, frame->typelen,
												false);
	const char *body;
	uint64		ndim;
	uint64		nrows = 0;

	if (frame->is_null || type->kind != STASH_KIND_ARRAY ||
		type->inner->kind != STASH_KIND_ROW)
		return false;
	body = stash_frame_body(frame);
	rows->row = type->inner;
	rows->in.at = body;
	rows->in.end = body + frame->rawlen;
	rows->in.trusts_domains = false;
	rows->in.chunk = NULL;
	if (!stash_frame_get_varint(&rows->in.at, rows->in.end, &ndim) || ndim > 1)
		return false;
	if (ndim == 1)
	{
		if (!stash_frame_get_varint(&rows->in.at, rows->in.end, &nrows) ||
			nrows > (uint64) (rows->in.end - rows->in.at) ||
			rows->in.end - rows->in.at < 5)
			return false;
		rows->in.at += 4;		/* lower bound */
	}
	else if (rows->in.end - rows->in.at < 1)
		return false;
	rows->nrows = (uint32) nrows;
	/* rows that are NULL as a whole stand in no row set */
	return *rows->in.at++ == 0;
}

/*
 * Read the next row; false when there is none left.
 */
bool
stash_frame_rows_next(StashFrameRowsReader *rows, Datum *values, bool *nulls)
{
	if (rows->nrows == 0)
		return false;
	rows->nrows--;
	stash_image_read_row(&rows->in, rows->row, values, nulls);
	return true;
}

/* ---- SQL ---- */

static int
codec_argument(FunctionCallInfo fcinfo, int argno)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("codec must not be null")));
	return stash_frame_codec(PG_GETARG_TEXT_PP(argno));
}

/*
 * stash.serialize(value any, codec text DEFAULT 'lz4') returns bytea
 *
 * Args:    value  any value; a NULL is kept as a NULL of its type
 *          codec  none, lz4 or zstd; a body that does not shrink is stored as it is
 * Returns: a frame
 * Errors:  22023 unknown codec, 0A000 type without conversion, 54000 too large
 * Stable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_serialize(PG_FUNCTION_ARGS)
{
	Datum		value = PG_GETARG_DATUM(0);
	StashType  *type = stash_type_of_site_argument(fcinfo, 0, &value);
	int			codec = codec_argument(fcinfo, 1);

	stash_type_check_readable(type);
	PG_RETURN_BYTEA_P(stash_frame_make(type, value, PG_ARGISNULL(0), codec));
}

/*
 * stash.deserialize(frame bytea, "like" anyelement) returns anyelement
 *
 * Args:    frame  a frame; NULL gives NULL
 *          like   any value of the wanted type, such as NULL::int[]
 * Returns: the value
 * Errors:  42804 when the frame holds another type; see stash_frame_open()
 * Stable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *frame;
	StashFrameReader reader;
	StashType  *type;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	frame = PG_GETARG_BYTEA_PP(0);
	stash_frame_open(&reader, VARDATA_ANY(frame), VARSIZE_ANY_EXHDR(frame));
	/* the type that is wanted is the one to be expected */
	type = stash_type_of_column(fcinfo, 1);
	if (!stash_type_has_descriptor(type, reader.type, reader.typelen))
	{
		type = stash_type_by_descriptor(reader.type, reader.typelen, false);
		stash_frame_check_type(type, get_fn_expr_rettype(fcinfo->flinfo));
	}
	if (reader.is_null)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(read_body(&reader, type, false));
}

/*
 * stash.frame_info(frame bytea) returns record
 *
 * Args:    frame  bytes that begin like a frame, maybe damaged
 * Returns: version, type, codec, raw_bytes, stored_bytes, checksum_ok; what
 *          cannot be read of a damaged frame is NULL
 * Errors:  22P03 for bytes that are no frame
 * Strict, stable, parallel safe.
 */
Datum
pg_hashstash_frame_info(PG_FUNCTION_ARGS)
{
	bytea	   *frame = PG_GETARG_BYTEA_PP(0);
	StashFrameReader reader;
	StashFrameProblem problem;
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {false, true, false, true, false, false};
	const char *codec;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	problem = stash_frame_parse(&reader, VARDATA_ANY(frame),
								VARSIZE_ANY_EXHDR(frame));
	if (problem == STASH_FRAME_FOREIGN)
		stash_frame_open(&reader, VARDATA_ANY(frame), VARSIZE_ANY_EXHDR(frame));

	codec = stash_codec_name(reader.codec);
	values[0] = Int32GetDatum(reader.version);
	values[2] = CStringGetTextDatum(codec ? codec :
									psprintf("%d", reader.codec));
	values[4] = Int64GetDatum(VARSIZE_ANY_EXHDR(frame));
	values[5] = BoolGetDatum(reader.is_checked);
	if (problem == STASH_FRAME_OK)
	{
		StashType  *type = stash_type_by_descriptor(reader.type, reader.typelen,
													true);

		if (type != NULL)
		{
			values[1] = CStringGetTextDatum(stash_type_to_text(type));
			nulls[1] = false;
		}
		values[3] = Int64GetDatum((int64) reader.rawlen);
		nulls[3] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/*
 * stash.encode(data bytea, codec text DEFAULT 'lz4') returns bytea
 *
 * The frame of a bytea: compressed bytes that know their codec and have a
 * checksum.  Errors: 22023 unknown codec.  Strict, immutable, parallel safe.
 */
Datum
pg_hashstash_encode(PG_FUNCTION_ARGS)
{
	int			codec = codec_argument(fcinfo, 1);

	PG_RETURN_BYTEA_P(stash_frame_make(stash_type_lookup(BYTEAOID, -1),
									   PG_GETARG_DATUM(0), false, codec));
}

/*
 * stash.decode(data bytea) returns bytea
 *
 * What stash.encode() was given.  Errors: 42804 for a frame of another type;
 * see stash_frame_open().  Strict, immutable, parallel safe.
 */
Datum
pg_hashstash_decode(PG_FUNCTION_ARGS)
{
	bytea	   *frame = PG_GETARG_BYTEA_PP(0);
	StashFrameReader reader;
	StashType  *type;
	Datum		value;
	bool		isnull;

	stash_frame_open(&reader, VARDATA_ANY(frame), VARSIZE_ANY_EXHDR(frame));
	value = stash_frame_read(&reader, &type, &isnull);
	stash_frame_check_type(type, BYTEAOID);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}
