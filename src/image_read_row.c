/*-------------------------------------------------------------------------
 *
 * image_read_row.c
 *	  From the bytes of a row to its columns, or to a tuple.
 *
 * The head of image_read.c has the rules.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "compat.h"
#include "image.h"
#include "image_read.h"
#include "typeio.h"

#define FIXED_COPY		16
#define FEW_BYTES		2048	/* of a tuple that is built on the stack */
#define FEW_LEFT		1024	/* bytes; a tuple of them is built in its
								 * place */

/* ---- rows ---- */

/* the bitmap of the columns that are not NULL */
static const uint8 *
take_row_bitmap(StashImageReader *reader, StashType *type)
{
	Size		nbytes = Max((type->nfields + 7) / 8, 1);
	const uint8 *bitmap = (const uint8 *) stash_image_take(reader, type, nbytes);

	if (!stash_image_is_zero_behind(bitmap, type->nfields, nbytes))
		stash_image_refuse(type);
	return bitmap;
}

/*
 * Read the columns of a row into 'values' and 'nulls', which are indexed by
 * attribute number - 1 and have a place for each; dropped columns are NULL.
 */
void
stash_image_read_row(StashImageReader *reader, StashType *type,
					 Datum *values, bool *nulls)
{
	const uint8 *bitmap = take_row_bitmap(reader, type);

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

/* ---- rows as tuples ---- */

/*
 * Tuples in the making, one behind the other: as heap_form_tuple() lays them
 * out, byte for byte, but without a Datum for each column.
 *
 * How far it is written is in a variable of whoever writes: one in memory
 * would be the slowest part of a small column.
 */
typedef struct TupleBuffer
{
	char	   *data;			/* 'local', or allocated */
	char	   *end;			/* of 'data' */
				pg_attribute_aligned(MAXIMUM_ALIGNOF) char local[FEW_BYTES];
} TupleBuffer;

/* what make_place() asks for a column of FIXED_COPY bytes */
#define ROOM	(FIXED_COPY + STASH_IMAGE_SOME + MAXIMUM_ALIGNOF)

static char *
grow_tuples(TupleBuffer *out, StashType *type, char *to, Size len)
{
	Size		used = to - out->data;
	Size		cap = Min(Max(used * 2, used + len), MaxAllocSize);

	if (used + len > MaxAllocSize)
		stash_image_refuse(type);
	if (out->data == out->local)
	{
		out->data = palloc(cap);
		memcpy(out->data, out->local, used);
	}
	else
		out->data = repalloc(out->data, cap);
	out->end = out->data + cap;
	return out->data + used;
}

/*
 * The next multiple of 'align' with room for 'len' bytes and, to copy without
 * a call, STASH_IMAGE_SOME more; zeros before it.
 */
static inline char *
make_place(TupleBuffer *out, StashType *type, char *to, int align, Size len)
{
	if (unlikely((Size) (out->end - to) < len + STASH_IMAGE_SOME + MAXIMUM_ALIGNOF))
		to = grow_tuples(out, type, to, len + STASH_IMAGE_SOME + MAXIMUM_ALIGNOF);
	memset(to, 0, MAXIMUM_ALIGNOF);
	return (char *) TYPEALIGN(align, to);
}

/* a place for the payload of a varlena, behind its length */
static inline char *
make_payload_place(TupleBuffer *out, StashType *row, char *to, int at, Size len)
{
	/* a tuple keeps short ones with a length of one byte, not aligned */
	if (len + VARHDRSZ_SHORT <= VARATT_SHORT_MAX &&
		row->columns[at].may_be_short)
	{
		to = make_place(out, row, to, 1, len + VARHDRSZ_SHORT);
		SET_VARSIZE_SHORT(to, len + VARHDRSZ_SHORT);
		return to + VARHDRSZ_SHORT;
	}
	to = make_place(out, row, to, row->columns[at].align, len + VARHDRSZ);
	SET_VARSIZE(to, len + VARHDRSZ);
	return to + VARHDRSZ;
}

static char *
append_varlena(TupleBuffer *out, StashType *row, char *to, int at,
			   struct varlena *value)
{
	Size		len;

	/* only a user's own input function may give such values */
	if (VARATT_IS_EXTERNAL(value))
		value = PG_DETOAST_DATUM_PACKED(PointerGetDatum(value));
	if (VARATT_IS_4B_U(value))
	{
		len = VARSIZE(value) - VARHDRSZ;
		to = make_payload_place(out, row, to, at, len);
		memcpy(to, VARDATA(value), len);
	}
	else
	{
		len = VARSIZE_ANY(value);
		to = make_place(out, row, to,
						VARATT_IS_SHORT(value) ? 1 : row->columns[at].align,
						len);
		memcpy(to, value, len);
	}
	return to + len;
}

static char *
append_value(TupleBuffer *out, StashType *row, char *to, int at, Datum value)
{
	const StashTupleColumn *column = &row->columns[at];
	Size		len;

	if (column->len == -1)
		return append_varlena(out, row, to, at,
							  (struct varlena *) DatumGetPointer(value));
	len = att_addlength_datum(0, column->len, value);
	to = make_place(out, row, to, column->align, len);
	if (column->byval)
		store_att_byval(to, value, column->len);
	else
		memcpy(to, DatumGetPointer(value), len);
	return to + len;
}

static inline char *
append_fixed(TupleBuffer *out, StashImageReader *reader, StashType *row,
			 char *to, int at)
{
	const StashTupleColumn *column = &row->columns[at];
	const char *data = stash_image_take(reader, column->type, column->len);

	to = make_place(out, row, to, column->align, column->len);
	/* the widest type of the server has 16 bytes, or so many that it is rare */
	if (likely(column->len <= FIXED_COPY && reader->end - data >= FIXED_COPY))
		memcpy(to, data, FIXED_COPY);
	else
		memcpy(to, data, column->len);
	if (!column->type->is_any_value)
		stash_image_check_fixed(column->type, fetch_att(to, column->byval, column->len));
	return to + column->len;
}

static inline char *
append_column(TupleBuffer *out, StashImageReader *reader, StashType *row,
			  char *to, int at)
{
	const StashTupleColumn *column = &row->columns[at];
	const char *data;
	Size		len;

	if (column->copy == STASH_COPY_FIXED)
		return append_fixed(out, reader, row, to, at);
	data = stash_image_take_payload(reader, column->type, &len);
	to = make_payload_place(out, row, to, at, len);
	stash_image_put_payload(to, column->type, data, len, reader->end);
	return to + len;
}

/* make the bitmap of a tuple from that of an image, which has no dropped columns */
static void
set_tuple_bitmap(uint8 *bits, StashType *row, const uint8 *bitmap)
{
	if (row->nfields == row->desc->natts)
		memcpy(bits, bitmap, BITMAPLEN(row->nfields));
	else
	{
		for (int i = 0; i < row->nfields; i++)
		{
			int			at = row->fields[i].attno - 1;

			bits[at / 8] |= ((bitmap[i / 8] >> (i % 8)) & 1) << (at % 8);
		}
	}
}

/* dropped columns are NULL, and not in the bitmap of an image */
static bool
has_null_column(StashType *row, const uint8 *bitmap)
{
	int			last = row->nfields / 8;

	if (row->nfields < row->desc->natts)
		return true;
	for (int i = 0; i < last; i++)
	{
		if (bitmap[i] != 0xff)
			return true;
	}
	return row->nfields % 8 != 0 &&
		bitmap[last] != (1 << row->nfields % 8) - 1;
}

/*
 * Read a row as a tuple, at the next aligned place behind 'to'; the result is
 * its end.
 */
static char *
append_tuple(TupleBuffer *out, char *to, StashImageReader *reader,
			 StashType *row)
{
	StashImageReader in = *reader;
	const uint8 *bitmap = take_row_bitmap(&in, row);
	bool		has_nulls = has_null_column(row, bitmap);
	Size		hoff = MAXALIGN(SizeofHeapTupleHeader +
								(has_nulls ? BITMAPLEN(row->desc->natts) : 0));
	uint16		infomask = has_nulls ? HEAP_HASNULL : 0;
	uint32		nfields = row->nfields; /* a sign would cost in each column */
	HeapTupleHeader header;
	Size		start;

	to = make_place(out, row, to, MAXIMUM_ALIGNOF, hoff);
	start = to - out->data;
	header = (HeapTupleHeader) to;
	memset(header, 0, hoff);
	memcpy(header, row->empty, SizeofHeapTupleHeader);
	if (has_nulls)
		set_tuple_bitmap(header->t_bits, row, bitmap);
	to += hoff;
	for (uint32 i = 0; i < nfields; i++)
	{
		int			at = row->fields[i].attno - 1;
		const StashTupleColumn *column = &row->columns[at];

		if ((bitmap[i / 8] & (1 << (i % 8))) == 0)
			continue;
		/* most columns, and most of what they cost is what is asked of them */
		if (column->is_blind && column->len <= FIXED_COPY &&
			likely(in.end - in.at >= FIXED_COPY && out->end - to >= ROOM))
		{
			memset(to, 0, MAXIMUM_ALIGNOF);
			to = (char *) TYPEALIGN(column->align, to);
			memcpy(to, in.at, FIXED_COPY);
			to += column->len;
			in.at += column->len;
			continue;
		}
		if (column->len < 0)
			infomask |= HEAP_HASVARWIDTH;
		if (likely(column->is_copied_back))
			to = append_column(out, &in, row, to, at);
		else
		{
			reader->at = in.at;
			to = append_value(out, row, to, at,
							  stash_image_read(reader, column->type));
			in.at = reader->at;
		}
	}
	reader->at = in.at;
	header = (HeapTupleHeader) (out->data + start);
	HeapTupleHeaderSetDatumLength(header, to - (char *) header);
	header->t_infomask = (header->t_infomask & ~HEAP_HASNULL) | infomask;
	header->t_hoff = (uint8) hoff;
	return to;
}

/*
 * Read a row as a value of its type.
 */
Datum
stash_image_read_tuple(StashImageReader *reader, StashType *type)
{
	Size		left = reader->end - reader->at;
	TupleBuffer out;
	char	   *result;
	Size		len;

	/* where much is left, it is other rows', and would be allocated for each */
	if (left <= FEW_LEFT)
	{
		len = left + left / 2 + 2 * STASH_IMAGE_SOME;
		out.data = palloc(len);
		out.end = out.data + len;
		(void) append_tuple(&out, out.data, reader, type);
		return PointerGetDatum(out.data);
	}
	out.data = out.local;
	out.end = out.local + FEW_BYTES;
	len = append_tuple(&out, out.data, reader, type) - out.data;
	if (out.data != out.local)
		return PointerGetDatum(out.data);
	result = palloc(len);
	memcpy(result, out.local, len);
	return PointerGetDatum(result);
}

/*
 * Read a row that has its type before it.
 */
Datum
stash_image_read_record(StashImageReader *reader, StashType *type)
{
	Size		len;
	const char *id = stash_image_take_bytes(reader, type, &len);
	StashType  *row = stash_type_by_descriptor(id, len, false);

	if (row->kind != STASH_KIND_ROW)
		stash_image_refuse(type);
	return stash_image_read_tuple(reader, row);
}

/*
 * Read 'nrows' rows behind one another into an array that has its header, and
 * room for nothing else; the result is where it is then.
 */
ArrayType *
stash_image_read_rows(StashImageReader *reader, StashType *type, ArrayType *array,
					  int nrows)
{
	TupleBuffer out;
	char	   *to;
	Size		len;

	out.data = (char *) array;
	to = out.end = out.data + VARSIZE(array);
	for (int i = 0; i < nrows; i++)
	{
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		to = append_tuple(&out, to, reader, type);
	}
	to = make_place(&out, type, to, MAXIMUM_ALIGNOF, 0);
	len = to - out.data;
	array = repalloc(out.data, len);
	SET_VARSIZE(array, len);
	return array;
}
