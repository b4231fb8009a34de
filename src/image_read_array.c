/*-------------------------------------------------------------------------
 *
 * image_read_array.c
 *	  From the bytes of an array to a flat array.
 *
 * The head of image_read.c has the rules.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupmacs.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "image.h"
#include "image_read.h"
#include "typeio.h"

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
	uint64		ndim = stash_image_take_varint(reader, type);
	uint8		has_nulls;

	if (ndim > MAXDIM)
		stash_image_refuse(type);
	shape->ndim = (int) ndim;
	for (int i = 0; i < shape->ndim; i++)
	{
		uint64		dim = stash_image_take_varint(reader, type);

		if (dim == 0 || dim > MaxArraySize)
			stash_image_refuse(type);
		shape->dims[i] = (int) dim;
		shape->lbounds[i] = stash_image_take_i32(reader, type);
	}
	shape->nitems = ArrayGetNItems(shape->ndim, shape->dims);
	ArrayCheckBounds(shape->ndim, shape->dims, shape->lbounds);
	shape->nelements = shape->nitems;
	shape->bitmap = NULL;

	has_nulls = stash_image_take_u8(reader, type);
	if (has_nulls > 1)
		stash_image_refuse(type);
	if (has_nulls == 1)
	{
		Size		nbytes = ((Size) shape->nitems + 7) / 8;

		shape->bitmap = (const uint8 *) stash_image_take(reader, type, nbytes);
		shape->nelements = 0;
		for (int i = 0; i < shape->nitems; i++)
			shape->nelements += (shape->bitmap[i / 8] >> (i % 8)) & 1;
		/* a bitmap stands there only where some element is NULL */
		if (shape->nelements == shape->nitems ||
			!stash_image_is_zero_behind(shape->bitmap, shape->nitems, nbytes))
			stash_image_refuse(type);
	}
	/* every element has at least one byte */
	if ((uint64) shape->nelements > (uint64) (reader->end - reader->at))
		stash_image_refuse(type);
}

/*
 * Allocate an array of that shape with 'datalen' bytes for its elements, and
 * STASH_IMAGE_SOME more.
 */
static ArrayType *
start_array(StashType *type, const ArrayShape *shape, Size datalen)
{
	Size		overhead = shape->bitmap ?
	ARR_OVERHEAD_WITHNULLS(shape->ndim, shape->nitems) :
	ARR_OVERHEAD_NONULLS(shape->ndim);
	Size		len = overhead + datalen;
	ArrayType  *array;
	uint8	   *bitmap;

	if (len > MaxAllocSize - STASH_IMAGE_SOME)
		stash_image_refuse(type);
	array = palloc(len + STASH_IMAGE_SOME);
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

/* most arrays of types that have other patterns of bits are of times */
static bool
are_timestamps(const char *data, int n)
{
	bool		are_valid = true;

	for (int i = 0; i < n; i++)
	{
		Timestamp	value;

		memcpy(&value, data + (Size) i * sizeof(value), sizeof(value));
		are_valid &= TIMESTAMP_NOT_FINITE(value) | IS_VALID_TIMESTAMP(value);
	}
	return are_valid;
}

static void
check_elements(StashType *element, const char *data, int n)
{
	if ((element->oid == TIMESTAMPOID || element->oid == TIMESTAMPTZOID) &&
		are_timestamps(data, n))
		return;
	for (int i = 0; i < n; i++)
		stash_image_check_fixed(element,
								fetch_att(data + (Size) i * element->typlen,
										  element->typbyval, element->typlen));
}

static Datum
read_plain_array(StashImageReader *reader, StashType *type,
				 const ArrayShape *shape)
{
	StashType  *element = type->inner;
	Size		len = (Size) shape->nelements * element->typlen;
	const char *data = stash_image_take(reader, type, len);
	ArrayType  *array = start_array(type, shape, len);

	memcpy(ARR_DATA_PTR(array), data, len);
	if (!element->is_any_value)
		check_elements(element, ARR_DATA_PTR(array), shape->nelements);
	return PointerGetDatum(array);
}

/* text, bytea and numeric: measure first, then build the array in place */
static Datum
read_varlena_array(StashImageReader *reader, StashType *type,
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
		(void) stash_image_take_bytes(&measure, type, &len);
		datalen += INTALIGN(len + VARHDRSZ);
	}
	array = start_array(type, shape, datalen);
	at = ARR_DATA_PTR(array);
	for (int i = 0; i < shape->nelements; i++)
	{
		const char *data = stash_image_take_payload(&in, element, &len);

		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		SET_VARSIZE(at, len + VARHDRSZ);
		stash_image_put_payload(at + VARHDRSZ, element, data, len, in.end);
		/* padding, and what will be written over */
		memset(at + VARHDRSZ + len, 0, sizeof(int32));
		at += INTALIGN(len + VARHDRSZ);
	}
	reader->at = in.at;
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
		const char *data = stash_image_take_bytes(&measure, type, &len);
		Size		size = stash_image_sent_size(element, data, len);

		if (size == 0)
			return NULL;
		datalen += att_align_nominal(size, element->typalign);
	}
	array = start_array(type, shape, datalen);
	at = ARR_DATA_PTR(array);
	for (int i = 0; i < shape->nelements; i++)
	{
		const char *data = stash_image_take_bytes(&in, type, &len);
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
	reader->at = in.at;
	return array;
}

/*
 * Read an array.
 */
Datum
stash_image_read_array(StashImageReader *reader, StashType *type)
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
	if (element->kind == STASH_KIND_ROW)
		return PointerGetDatum(stash_image_read_rows(reader, element,
													 start_array(type, &shape, 0),
													 shape.nelements));

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
