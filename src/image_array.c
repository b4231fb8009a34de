/*-------------------------------------------------------------------------
 *
 * image_array.c
 *	  From an array to its bytes.
 *
 * An array may lie flat in memory, flat in TOAST, or expanded as PL/pgSQL
 * keeps it.  All three give one image, and none is copied as a whole where
 * its elements can be read as they lie.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupmacs.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/expandeddatum.h"

#include "compat.h"
#include "content.h"
#include "image.h"
#include "sink.h"
#include "typeio.h"

#define SAMPLED_ARRAY	0x7f	/* stands where the dimensions would */
#define SAMPLE_ROWS		500		/* elements read at each end */
#define ROW_WEIGHT		10		/* elements that a row counts as */

/* An array and where its elements are. */
typedef struct ArrayView
{
	int			ndim;
	int			dims[MAXDIM];
	int			lbounds[MAXDIM];
	int			nitems;
	int			nelements;		/* items that are not NULL */
	const uint8 *bitmap;		/* NULL: no item is NULL */
	StashContent content;		/* flat, or packed for the image */
	Size		data;			/* first element, in 'content' */
	const Datum *values;		/* expanded; NULL: flat */
	const bool *nulls;			/* expanded; NULL: none is */
	void	   *copy;			/* to be freed, or NULL */
	uint8	   *made_bitmap;	/* likewise */
} ArrayView;

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
	return type->kind == STASH_KIND_BASE && type->strategy == NULL &&
		type->image == STASH_IMAGE_FIXED &&
		att_align_nominal(type->typlen, type->typalign) == type->typlen;
#endif
}

/* ---- opening ---- */

static void
set_shape(ArrayView *view, int ndim, const int *dims, const int *lbounds)
{
	view->ndim = ndim;
	memcpy(view->dims, dims, ndim * sizeof(int));
	memcpy(view->lbounds, lbounds, ndim * sizeof(int));
	view->nitems = ArrayGetNItems(ndim, dims);
	view->nelements = view->nitems;
}

/* take a bitmap, unless it says of no item that it is NULL */
static void
set_bitmap(ArrayView *view, const uint8 *bitmap)
{
	int			count = 0;

	for (int i = 0; i < view->nitems / 8; i++)
		count += pg_number_of_ones[bitmap[i]];
	for (int i = view->nitems / 8 * 8; i < view->nitems; i++)
		count += (bitmap[i / 8] >> (i % 8)) & 1;
	if (count < view->nitems)
	{
		view->bitmap = bitmap;
		view->nelements = count;
	}
}

/* the offset, in the content of an array, of something in the array */
#define CONTENT_OFFSET(array, pointer) \
	((const char *) (pointer) - VARDATA(array))

static void
open_flat(ArrayView *view, ArrayType *array)
{
	stash_content_open_memory(&view->content, VARDATA(array),
							  ARR_SIZE(array) - VARHDRSZ);
	set_shape(view, ARR_NDIM(array), ARR_DIMS(array), ARR_LBOUND(array));
	if (ARR_HASNULL(array))
		set_bitmap(view, ARR_NULLBITMAP(array));
	view->data = CONTENT_OFFSET(array, ARR_DATA_PTR(array));
}

/* the same for an array in TOAST, of which only the bitmap comes to memory */
static void
open_stored(ArrayView *view, Datum value)
{
	struct
	{
		ArrayType	head;
		int			shape[2 * MAXDIM];
	}			start;
	StashSink	sink;

	stash_content_open(&view->content, value);
	/* no window for this: a sample may want next to nothing from here */
	stash_buffer_init(&sink, 0, STASH_BUFFER_ROOM);
	stash_content_put(&view->content, 0, sizeof(start) - VARHDRSZ, &sink);
	memcpy(VARDATA(&start), sink.buf, sink.used);
	pfree(sink.buf);
	if (ARR_NDIM(&start.head) < 0 || ARR_NDIM(&start.head) > MAXDIM)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored array has %d dimensions",
						ARR_NDIM(&start.head))));
	set_shape(view, ARR_NDIM(&start.head), ARR_DIMS(&start.head),
			  ARR_LBOUND(&start.head));
	view->data = ARR_DATA_OFFSET(&start.head) - VARHDRSZ;
	if (ARR_HASNULL(&start.head))
	{
		stash_buffer_init(&sink, 0, STASH_BUFFER_ROOM);
		stash_content_put(&view->content,
						  CONTENT_OFFSET(&start.head, ARR_NULLBITMAP(&start.head)),
						  (view->nitems + 7) / 8, &sink);
		view->made_bitmap = (uint8 *) sink.buf;
		set_bitmap(view, view->made_bitmap);
	}
}

static void
open_expanded(ArrayView *view, ExpandedArrayHeader *expanded)
{
	if (expanded->fvalue != NULL)
	{
		open_flat(view, expanded->fvalue);
		return;
	}
	set_shape(view, expanded->ndims, expanded->dims, expanded->lbound);
	view->values = expanded->dvalues;
	view->nulls = expanded->dnulls;
	if (view->nulls != NULL)
	{
		view->made_bitmap = palloc0((view->nitems + 7) / 8 + 1);
		for (int i = 0; i < view->nitems; i++)
			view->made_bitmap[i / 8] |= !view->nulls[i] << (i % 8);
		set_bitmap(view, view->made_bitmap);
	}
}

static void
open_array(ArrayView *view, StashType *element, Datum value)
{
	ArrayType  *array;

	memset(view, 0, offsetof(ArrayView, content));
	view->data = 0;
	view->values = NULL;
	view->nulls = NULL;
	view->copy = NULL;
	view->made_bitmap = NULL;
	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
	{
		stash_content_open_memory(&view->content, NULL, 0);
		open_expanded(view, (ExpandedArrayHeader *) DatumGetEOHP(value));
	}
	/* the length of a cstring is not known before its end */
	else if (stash_content_stays_stored(value) && element->typlen != -2)
		open_stored(view, value);
	else
	{
		array = DatumGetArrayTypeP(value);
		open_flat(view, array);
		if ((Pointer) array != DatumGetPointer(value))
			view->copy = array;
	}
}

static void
close_array(ArrayView *view)
{
	stash_content_close(&view->content);
	if (view->copy != NULL)
		pfree(view->copy);
	if (view->made_bitmap != NULL)
		pfree(view->made_bitmap);
}

/*
 * Lay elements of an expanded array side by side, as a flat one has them.
 */
static void
pack_values(ArrayView *view, StashType *type)
{
	const Datum *values = view->values;
	int			typlen = type->typlen;
	char	   *packed;
	char	   *to;

	if (typlen == sizeof(Datum) && type->typbyval && view->bitmap == NULL)
	{
		stash_content_open_memory(&view->content, (const char *) values,
								  (Size) view->nitems * sizeof(Datum));
		return;
	}
	to = packed = palloc((Size) view->nelements * typlen + 1);
	if (typlen == sizeof(int32) && type->typbyval && view->bitmap == NULL)
	{
		for (int i = 0; i < view->nitems; i++)
			((int32 *) packed)[i] = (int32) values[i];
	}
	else
	{
		for (int i = 0; i < view->nitems; i++)
		{
			if (view->nulls != NULL && view->nulls[i])
				continue;
			if (type->typbyval)
				store_att_byval(to, values[i], typlen);
			else
				memcpy(to, DatumGetPointer(values[i]), typlen);
			to += typlen;
		}
	}
	stash_content_open_memory(&view->content, packed,
							  (Size) view->nelements * typlen);
	view->content.copy = packed;
}

/* ---- sampling ---- */

/*
 * Whether only some elements are read.  Of those that lie side by side, that
 * is a matter of bytes.
 */
static bool
array_is_sampled(const StashSampling *sampling, StashType *element,
				 int nelements)
{
	bool		has_rows = element->kind == STASH_KIND_ROW ||
	element->kind == STASH_KIND_RECORD;

	if (sampling == NULL)
		return false;
	if (stash_image_is_plain(element))
		return stash_image_is_sampled(sampling,
									  (Size) nelements * element->typlen,
									  element->typlen);
	/* never more than the exact hash would read */
	return (int64) nelements * (has_rows ? ROW_WEIGHT : 1) > sampling->threshold &&
		nelements - 2 * SAMPLE_ROWS > sampling->samples;
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

/* ---- writing ---- */

/* the array's own bitmap, without whatever stands behind its last bit */
static void
put_bitmap(StashSink *sink, const uint8 *bitmap, int nitems)
{
	stash_sink_put(sink, bitmap, nitems / 8);
	if (nitems % 8 != 0)
		stash_sink_put_u8(sink, bitmap[nitems / 8] & ((1 << nitems % 8) - 1));
}

/* write an element, unless it is left out of a sample: then a plan counts it */
static void
write_element(StashImageWriter *writer, StashType *type, Datum value,
			  bool is_read)
{
	if (is_read)
		stash_image_write(writer, type, value);
	else
	{
		StashImageWriter counter = {writer->sink, false, NULL, writer->plan};
		bool		was_skipping = writer->plan->is_skipping;

		writer->plan->is_skipping = true;
		stash_image_write(&counter, type, value);
		writer->plan->is_skipping = was_skipping;
	}
}

/* bytes of the element at 'at' of a flat array, which lies there aligned */
static Size
element_length(ArrayView *view, StashType *type, Size at)
{
	const char *data;

	if (type->typlen > 0)
		return type->typlen;
	/* a length word, or what is left */
	data = stash_content_at(&view->content, at,
							Min(VARHDRSZ, view->content.len - at));
	return att_addlength_pointer(0, type->typlen, data);
}

static void
write_flat_elements(StashImageWriter *writer, StashType *type, ArrayView *view,
					bool sampled)
{
	Size		at = view->data;
	int			nth = 0;

	for (int i = 0; i < view->nitems; i++)
	{
		bool		is_read;
		Size		len;

		if (view->bitmap != NULL && !(view->bitmap[i / 8] & (1 << (i % 8))))
			continue;
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		is_read = !sampled || is_sampled(writer->sampling, nth, view->nelements);
		nth++;
		len = element_length(view, type, at);
		if (is_read || writer->plan != NULL)
			write_element(writer, type,
						  fetch_att(stash_content_at(&view->content, at, len),
									type->typbyval, type->typlen),
						  is_read);
		/* alignment counts from the length word of the array */
		at = att_align_nominal(at + len + VARHDRSZ, type->typalign) - VARHDRSZ;
	}
}

/* the same for varlenas in memory that are copied, all of them */
static void
write_varlenas(StashImageWriter *writer, StashType *type, StashCopy copy,
			   ArrayView *view)
{
	const char *content = view->content.data;
	const char *end = content + view->content.len;
	Size		at = view->data;

	for (int i = 0; i < view->nelements; i++)
	{
		const char *data = content + at;

		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (likely(stash_image_lies_as_written(copy, data)))
			stash_sink_put_few_bytes(writer->sink, VARDATA_ANY(data),
									 VARSIZE_ANY_EXHDR(data), end);
		else
			stash_image_write(writer, type, PointerGetDatum(data));
		at = att_align_nominal(at + VARSIZE_ANY(data) + VARHDRSZ,
							   type->typalign) - VARHDRSZ;
	}
}

static void
write_expanded_elements(StashImageWriter *writer, StashType *type,
						ArrayView *view, bool sampled)
{
	int			nth = 0;

	for (int i = 0; i < view->nitems; i++)
	{
		bool		is_read;

		if (view->nulls != NULL && view->nulls[i])
			continue;
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		is_read = !sampled || is_sampled(writer->sampling, nth, view->nelements);
		nth++;
		if (is_read || writer->plan != NULL)
			write_element(writer, type, view->values[i], is_read);
	}
}

static void
write_shape(StashImageWriter *writer, ArrayView *view)
{
	stash_sink_put_varint(writer->sink, view->ndim);
	for (int i = 0; i < view->ndim; i++)
	{
		stash_sink_put_varint(writer->sink, view->dims[i]);
		stash_sink_put_u32(writer->sink, (uint32) view->lbounds[i]);
	}
	stash_sink_put_u8(writer->sink, view->bitmap != NULL);
	if (view->bitmap != NULL)
		put_bitmap(writer->sink, view->bitmap, view->nitems);
}

/*
 * Write the image of an array.
 */
void
stash_image_write_array(StashImageWriter *writer, StashType *type, Datum value)
{
	StashType  *element = type->inner;
	StashCopy	copy = stash_type_copy(element);
	ArrayView	view;
	bool		sampled;

	open_array(&view, element, value);
	sampled = array_is_sampled(writer->sampling, element, view.nelements);
	if (sampled && writer->plan == NULL)
		stash_sink_put_u8(writer->sink, SAMPLED_ARRAY);
	write_shape(writer, &view);

	if (stash_image_is_plain(element))
	{
		Size		len = (Size) view.nelements * element->typlen;

		if (view.values != NULL)
			pack_values(&view, element);
		if (view.data + len > view.content.len)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("array is shorter than it says")));
		if (sampled)
			stash_image_put_sample(writer, &view.content, view.data, len);
		else
			stash_image_put_content(writer, &view.content, view.data, len);
	}
	else
	{
		if (sampled && writer->plan == NULL)
			stash_sink_put_varint(writer->sink, writer->sampling->samples);
		if (view.values != NULL)
			write_expanded_elements(writer, element, &view, sampled);
		else if (writer->sampling == NULL && writer->plan == NULL &&
				 view.content.data != NULL &&
				 (copy == STASH_COPY_VARLENA || copy == STASH_COPY_NUMERIC))
			write_varlenas(writer, element, copy, &view);
		else
			write_flat_elements(writer, element, &view, sampled);
	}
	close_array(&view);
}
