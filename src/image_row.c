/*-------------------------------------------------------------------------
 *
 * image_row.c
 *	  From a row to its bytes.
 *
 * A tuple and the image of a row have nearly the same bytes: those of the
 * columns, one after the other, and a bitmap of those that are not NULL.
 * So most columns are copied from the tuple without making a Datum of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "miscadmin.h"

#include "compat.h"
#include "image.h"
#include "sink.h"
#include "typeio.h"

#define FEW_FIELDS		64		/* columns of a row that need no palloc */
#define FEW_BYTES		2048	/* of a tuple that is copied at once */
#define BLIND_COPY		32		/* bytes */

/* an image has no more bytes than its tuple, whose header has 23 */
StaticAssertDecl(FEW_BYTES < 1 << 14, "lengths have two digits at most");

/* ---- copying ---- */

/* sizes known when compiled need no call of memcpy() */
static inline void
put_fixed(StashSink *sink, const char *data, int len)
{
	switch (len)
	{
		case 1:
			stash_sink_put(sink, data, 1);
			break;
		case 2:
			stash_sink_put(sink, data, 2);
			break;
		case 4:
			stash_sink_put(sink, data, 4);
			break;
		case 8:
			stash_sink_put(sink, data, 8);
			break;
		case 16:
			stash_sink_put(sink, data, 16);
			break;
		default:
			stash_sink_put(sink, data, len);
	}
}

/* ---- from values ---- */

static inline void
write_column(StashImageWriter *writer, const StashTupleColumn *column,
			 Datum value)
{
	const char *data = DatumGetPointer(value);

	/*
	 * where numbers lie as they do in an image, so do the first bytes of a
	 * Datum
	 */
	if (column->copy == STASH_COPY_FIXED)
		put_fixed(writer->sink, column->byval ? (const char *) &value : data,
				  column->len);
	else if (column->copy != STASH_COPY_DATUM && writer->sampling == NULL &&
			 stash_image_lies_as_written(column->copy, data))
		stash_sink_put_bytes(writer->sink, VARDATA_ANY(data),
							 VARSIZE_ANY_EXHDR(data));
	else
		stash_image_write(writer, column->type, value);
}

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
			write_column(writer, &type->columns[at], values[at]);
	}
}

static void
write_deformed(StashImageWriter *writer, StashType *type,
			   HeapTupleHeader header)
{
	HeapTupleData tuple = {0};
	Datum		few_values[FEW_FIELDS];
	bool		few_nulls[FEW_FIELDS];
	Datum	   *values = few_values;
	bool	   *nulls = few_nulls;
	int			natts = type->desc->natts;

	if (natts > FEW_FIELDS)
	{
		values = palloc(sizeof(Datum) * natts);
		nulls = palloc(sizeof(bool) * natts);
	}
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	heap_deform_tuple(&tuple, type->desc, values, nulls);
	stash_image_write_row(writer, type, values, nulls);
	if (natts > FEW_FIELDS)
	{
		pfree(values);
		pfree(nulls);
	}
}

/* ---- from the tuple ---- */

/* the bitmap of a tuple without its dropped columns; 'bits' NULL: no NULLs */
static void
put_bitmap(StashSink *sink, StashType *type, const uint8 *bits)
{
	int			nbytes = Max((type->nfields + 7) / 8, 1);
	int			last = type->nfields - (nbytes - 1) * 8;

	for (int i = 0; i < nbytes; i++)
	{
		uint8		byte = 0xff;

		if (bits != NULL && type->nfields == type->desc->natts)
			byte = bits[i];
		else if (bits != NULL)
		{
			byte = 0;
			for (int j = i * 8; j < Min(i * 8 + 8, type->nfields); j++)
				byte |= !att_isnull(type->fields[j].attno - 1, bits) << (j % 8);
		}
		if (i == nbytes - 1)
			byte &= (1 << last) - 1;
		stash_sink_put_u8(sink, byte);
	}
}

/*
 * Copy a few bytes, and what stands behind them as far as that is cheaper: a
 * copy whose size is known when compiled needs no call.  'end' is that of what
 * may be read; what may be written has BLIND_COPY bytes more.
 */
static inline char *
copy_few(char *to, const char *data, int len, const char *end)
{
	if (likely(len <= BLIND_COPY && data + BLIND_COPY <= end))
		memcpy(to, data, BLIND_COPY);
	else
		memcpy(to, data, len);
	return to + len;
}

/* the same for a varlena that lies as it is written, with its length before it */
/* a varlena with a length of one byte whose image is one such, too */
static inline bool
is_short_as_written(const StashTupleColumn *column, const char *data)
{
	/* all of its bytes but the first are payload, less than 128 */
	return column->len == -1 && VARATT_IS_SHORT(data) &&
		!VARATT_IS_EXTERNAL(data) && column->copy != STASH_COPY_DATUM &&
		column->copy != STASH_COPY_NOTHING &&
		(column->copy != STASH_COPY_NUMERIC ||
		 stash_image_is_short_numeric(VARDATA_SHORT(data)));
}

static inline char *
copy_varlena(char *to, const char *data, const char *end)
{
	int			len = VARSIZE_ANY_EXHDR(data);

	if (likely(len < 0x80))
		*to++ = (char) len;
	else
	{
		/* FEW_BYTES has no third digit */
		*to++ = (char) (len | 0x80);
		*to++ = (char) (len >> 7);
	}
	return copy_few(to, VARDATA_ANY(data), len, end);
}

/*
 * Write a tuple of FEW_BYTES or less that has all columns of its type.  What
 * is copied gathers in 'bytes', without a look at the sink for each column.
 */
static void
write_tuple(StashImageWriter *writer, StashType *type, HeapTupleHeader header)
{
	const uint8 *bits = header->t_infomask & HEAP_HASNULL ? header->t_bits : NULL;
	const char *data = (char *) header + header->t_hoff;
	const char *end = (char *) header + HeapTupleHeaderGetDatumLength(header);
	int			natts = type->desc->natts;
	char		bytes[FEW_BYTES + BLIND_COPY];
	char	   *to = bytes;

	put_bitmap(writer->sink, type, bits);
	for (int i = 0; i < natts; i++)
	{
		const StashTupleColumn *column = &type->columns[i];

		if (bits != NULL && att_isnull(i, bits))
			continue;
		/* most columns are of these two kinds */
		if (column->copy == STASH_COPY_FIXED)
		{
			data = (const char *) TYPEALIGN(column->align, data);
			to = copy_few(to, data, column->len, end);
			data += column->len;
			continue;
		}
		if (is_short_as_written(column, data))
		{
			int			len = VARSIZE_SHORT(data) - VARHDRSZ_SHORT;

			*to++ = (char) len;
			to = copy_few(to, VARDATA_SHORT(data), len, end);
			data += VARHDRSZ_SHORT + len;
			continue;
		}
		/* a varlena with a short header is not aligned */
		if (column->len != -1 || *data == '\0')
			data = (const char *) TYPEALIGN(column->align, data);
		if (column->copy == STASH_COPY_DATUM ||
			(column->copy != STASH_COPY_NOTHING &&
			 !stash_image_lies_as_written(column->copy, data)))
		{
			stash_sink_put(writer->sink, bytes, to - bytes);
			to = bytes;
			stash_image_write(writer, column->type,
							  fetch_att(data, column->byval, column->len));
		}
		else if (column->copy != STASH_COPY_NOTHING)
			to = copy_varlena(to, data, end);
		data = att_addlength_pointer(data, column->len, data);
	}
	stash_sink_put(writer->sink, bytes, to - bytes);
}

/*
 * Write the image of a row value, whose type is known.
 */
void
stash_image_write_composite(StashImageWriter *writer, StashType *type,
							Datum value)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);

	/* shapes that are written alike may be laid out in different ways */
	if (type->oid == RECORDOID &&
		HeapTupleHeaderGetTypMod(header) != type->typmod)
		type = stash_type_of_row(PointerGetDatum(header));
	/* columns added since have values that are not in the tuple */
	if (writer->sampling != NULL || writer->plan != NULL ||
		HeapTupleHeaderGetDatumLength(header) > FEW_BYTES ||
		HeapTupleHeaderGetNatts(header) != type->desc->natts)
		write_deformed(writer, type, header);
	else
	{
		/* else the columns may be of other types than the tuple's */
		stash_compat_check_row(header, type->desc);
		write_tuple(writer, type, header);
	}
	if ((Pointer) header != DatumGetPointer(value))
		pfree(header);
}

/*
 * Write a value of type record: its own descriptor, then its image.
 */
void
stash_image_write_record(StashImageWriter *writer, Datum value)
{
	StashType  *type = stash_type_of_row(value);

	if (writer->for_frame)
		stash_sink_put_bytes(writer->sink, type->frame_id, type->frame_idlen);
	else
		stash_sink_put_bytes(writer->sink, type->hash_id, type->hash_idlen);
	stash_image_write(writer, type, value);
}
