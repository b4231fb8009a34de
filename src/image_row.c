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

/* ---- from values ---- */

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
put_bitmap(StashSink *sink, StashType *type, const bits8 *bits)
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

/* a varlena whose bytes are those of its image, if they are all here */
static inline bool
put_varlena(StashSink *sink, const StashTupleColumn *column, const char *data)
{
	if (VARATT_IS_EXTENDED(data) && !VARATT_IS_SHORT(data))
		return false;
	if (column->copy == STASH_COPY_NUMERIC &&
		!stash_image_is_short_numeric(VARDATA_ANY(data)))
		return false;
	stash_sink_put_bytes(sink, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
	return true;
}

/* write a tuple that has all columns of its type */
static void
write_tuple(StashImageWriter *writer, StashType *type, HeapTupleHeader header)
{
	const bits8 *bits = header->t_infomask & HEAP_HASNULL ? header->t_bits : NULL;
	const char *data = (char *) header + header->t_hoff;
	int			natts = type->desc->natts;

	put_bitmap(writer->sink, type, bits);
	for (int i = 0; i < natts; i++)
	{
		const StashTupleColumn *column = &type->columns[i];

		if (bits != NULL && att_isnull(i, bits))
			continue;
		/* a varlena with a short header is not aligned */
		if (column->len != -1 || *data == '\0')
			data = (const char *) TYPEALIGN(column->align, data);
		if (column->copy == STASH_COPY_FIXED)
			put_fixed(writer->sink, data, column->len);
		else if (column->copy == STASH_COPY_DATUM ||
				 (column->copy != STASH_COPY_NOTHING &&
				  !put_varlena(writer->sink, column, data)))
			stash_image_write(writer, column->type,
							  fetch_att(data, column->byval, column->len));
		data = att_addlength_pointer(data, column->len, data);
	}
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
		HeapTupleHeaderGetNatts(header) != type->desc->natts)
		write_deformed(writer, type, header);
	else
		write_tuple(writer, type, header);
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
