/*-------------------------------------------------------------------------
 *
 * export_chunks.c
 *	  One large array or JSON value, in pieces.
 *
 * A piece is copied out of the value as bytes, whatever the elements are, when
 * it is asked for.  The value itself is read once, and walked through once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupmacs.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(pg_hashstash_chunks_array);
PG_FUNCTION_INFO_V1(pg_hashstash_chunks_jsonb);

/* An array of which pieces are taken. */
typedef struct ArrayChunks
{
	ArrayType  *array;
	int			size;			/* of a piece */
	int			row_items;		/* items of one element of the first dimension */
	int			nrows_left;		/* elements of the first dimension */
	int			item;			/* the next one */
	const char *at;				/* where it is */
	int16		typlen;
	bool		typbyval;
	char		typalign;
} ArrayChunks;

/* A JSON array or object of which pieces are taken. */
typedef struct JsonbChunks
{
	Jsonb	   *jsonb;
	int			size;			/* of a piece */
	int			at;				/* the next element or pair */
	uint32		key_offset;		/* where its data begin */
	uint32		value_offset;
} JsonbChunks;

/* the second argument of both functions */
static int
get_size(FunctionCallInfo fcinfo)
{
	int			size;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("size must not be null")));
	size = PG_GETARG_INT32(1);
	if (size < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for size: %d", size),
				 errdetail("A chunk has at least one element."),
				 errhint("Use a size of 1 or more.")));
	return size;
}

static ArrayChunks *
open_array(ArrayType *array, int size)
{
	ArrayChunks *chunks = palloc0(sizeof(ArrayChunks));

	chunks->array = array;
	chunks->size = size;
	chunks->at = ARR_DATA_PTR(array);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &chunks->typlen,
						 &chunks->typbyval, &chunks->typalign);
	/* an empty array has no dimension */
	if (ARR_NDIM(array) > 0)
	{
		chunks->nrows_left = ARR_DIMS(array)[0];
		chunks->row_items = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) /
			chunks->nrows_left;
	}
	return chunks;
}

/*
 * Go over some items; says whether one of them is null.
 */
static bool
skip_items(ArrayChunks *chunks, int nitems)
{
	const uint8 *bitmap = ARR_NULLBITMAP(chunks->array);
	const char *at = chunks->at;
	bool		has_null = false;

	if (bitmap == NULL && chunks->typlen > 0)
		at += (Size) nitems * att_align_nominal(chunks->typlen,
												chunks->typalign);
	else
	{
		for (int i = chunks->item; i < chunks->item + nitems; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if (bitmap != NULL && (bitmap[i / 8] & (1 << (i % 8))) == 0)
				has_null = true;
			else
			{
				at = att_addlength_pointer(at, chunks->typlen, at);
				at = (const char *) att_align_nominal(at, chunks->typalign);
			}
		}
	}
	chunks->at = at;
	return has_null;
}

/*
 * The next piece, in the current memory context.
 */
static ArrayType *
next_array(ArrayChunks *chunks)
{
	ArrayType  *array = chunks->array;
	int			ndim = ARR_NDIM(array);
	int			nrows = Min(chunks->size, chunks->nrows_left);
	int			nitems = nrows * chunks->row_items;
	const char *data = chunks->at;
	bool		has_null = skip_items(chunks, nitems);
	Size		len = chunks->at - data;
	Size		overhead = has_null ? ARR_OVERHEAD_WITHNULLS(ndim, nitems) :
	ARR_OVERHEAD_NONULLS(ndim);
	ArrayType  *piece = palloc0(overhead + len);

	SET_VARSIZE(piece, overhead + len);
	piece->ndim = ndim;
	piece->dataoffset = has_null ? (int32) overhead : 0;
	piece->elemtype = ARR_ELEMTYPE(array);
	memcpy(ARR_DIMS(piece), ARR_DIMS(array), ndim * sizeof(int));
	ARR_DIMS(piece)[0] = nrows;
	for (int i = 0; i < ndim; i++)
		ARR_LBOUND(piece)[i] = 1;
	if (has_null)
		array_bitmap_copy(ARR_NULLBITMAP(piece), 0, ARR_NULLBITMAP(array),
						  chunks->item, nitems);
	/* items keep their places relative to the first one, which is aligned */
	memcpy(ARR_DATA_PTR(piece), data, len);

	chunks->item += nitems;
	chunks->nrows_left -= nrows;
	return piece;
}

/*
 * stash.chunks(elements anyarray, size int4) returns setof anyarray
 *
 * Args:    elements  any array; null and empty ones have no chunks
 *          size      elements of a chunk, 1 or more
 * Returns: arrays of that many elements in their order, the last one with what
 *          is left; of an array of several dimensions slices of the first one,
 *          a[1:size], a[size+1:2*size], ...; subscripts begin with 1, as
 *          those of slices do
 * Errors:  22004 when size is null, 22023 when it is less than 1
 *
 * Not strict.  Immutable, parallel safe.
 */
Datum
pg_hashstash_chunks_array(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	ArrayChunks *chunks;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		int			size = get_size(fcinfo);

		call = SRF_FIRSTCALL_INIT();
		if (!PG_ARGISNULL(0))
		{
			old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
			call->user_fctx = open_array(PG_GETARG_ARRAYTYPE_P(0), size);
			MemoryContextSwitchTo(old);
		}
	}

	call = SRF_PERCALL_SETUP();
	chunks = call->user_fctx;
	if (chunks == NULL || chunks->nrows_left == 0)
		SRF_RETURN_DONE(call);
	SRF_RETURN_NEXT(call, PointerGetDatum(next_array(chunks)));
}

static JsonbChunks *
open_jsonb(Jsonb *jsonb, int size)
{
	JsonbChunks *chunks = palloc0(sizeof(JsonbChunks));

	if (JB_ROOT_IS_SCALAR(jsonb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot take chunks of a JSON scalar"),
				 errdetail("Arrays have chunks of elements, objects of pairs."),
				 errhint("Use jsonb_build_array() to make it an element.")));
	chunks->jsonb = jsonb;
	chunks->size = size;
	/* values of an object stand behind all of its keys */
	if (JB_ROOT_IS_OBJECT(jsonb) && JB_ROOT_COUNT(jsonb) > 0)
		chunks->value_offset = getJsonbOffset(&jsonb->root,
											  JB_ROOT_COUNT(jsonb));
	return chunks;
}

/*
 * Copy some children of the value, which begin at '*offset' in its data, to the
 * children of a piece from 'to' on; '*len' is the length of the piece's data.
 * With 'data' NULL it is only counted.
 */
static void
copy_children(const JsonbContainer *from, int first, int n, uint32 *offset,
			  JsonbContainer *piece, int to, char *data, uint32 *len)
{
	int			nchildren = JsonContainerSize(from) *
	(JsonContainerIsObject(from) ? 2 : 1);
	const char *base = (const char *) &from->children[nchildren];

	for (int i = 0; i < n; i++)
	{
		JEntry		entry = from->children[first + i];
		uint32		begin = *offset;
		uint32		pad = 0;
		uint32		nbytes;

		CHECK_FOR_INTERRUPTS();
		JBE_ADVANCE_OFFSET(*offset, entry);
		/* numbers and containers are aligned, by bytes that count as theirs */
		if (JBE_ISNUMERIC(entry) || JBE_ISCONTAINER(entry))
		{
			begin = INTALIGN(begin);
			pad = INTALIGN(*len) - *len;
		}
		nbytes = *offset - begin;
		if (data != NULL)
		{
			memset(data + *len, 0, pad);
			memcpy(data + *len + pad, base + begin, nbytes);
			piece->children[to + i] = (entry & JENTRY_TYPEMASK) |
				((to + i) % JB_OFFSET_STRIDE == 0 ?
				 JENTRY_HAS_OFF | (*len + pad + nbytes) : pad + nbytes);
		}
		*len += pad + nbytes;
	}
}

/*
 * The same for a piece, keys before values.
 */
static uint32
copy_piece(const JsonbChunks *chunks, int n, uint32 *key_offset,
		   uint32 *value_offset, JsonbContainer *piece, char *data)
{
	const JsonbContainer *from = &chunks->jsonb->root;
	uint32		len = 0;

	copy_children(from, chunks->at, n, key_offset, piece, 0, data, &len);
	if (JsonContainerIsObject(from))
		copy_children(from, JsonContainerSize(from) + chunks->at, n,
					  value_offset, piece, n, data, &len);
	return len;
}

/*
 * The next piece, in the current memory context.
 */
static Jsonb *
next_jsonb(JsonbChunks *chunks)
{
	const JsonbContainer *from = &chunks->jsonb->root;
	int			n = Min(chunks->size, (int) JsonContainerSize(from) - chunks->at);
	int			nchildren = JsonContainerIsObject(from) ? 2 * n : n;
	uint32		key_offset = chunks->key_offset;
	uint32		value_offset = chunks->value_offset;
	Size		head = offsetof(Jsonb, root) +
	offsetof(JsonbContainer, children) + nchildren * sizeof(JEntry);
	uint32		len = copy_piece(chunks, n, &key_offset, &value_offset, NULL, NULL);
	Jsonb	   *piece = palloc(head + len);

	SET_VARSIZE(piece, head + len);
	piece->root.header = n | (from->header & (JB_FARRAY | JB_FOBJECT));
	(void) copy_piece(chunks, n, &chunks->key_offset, &chunks->value_offset,
					  &piece->root, (char *) piece + head);
	chunks->at += n;
	return piece;
}

/*
 * stash.chunks(elements jsonb, size int4) returns setof jsonb
 *
 * Args:    elements  a JSON array or object; null and empty ones have no chunks
 *          size      elements or pairs of a chunk, 1 or more
 * Returns: of an array arrays of that many elements in their order, of an
 *          object objects of that many pairs in the order of jsonb, the last
 *          one with what is left
 * Errors:  22004 when size is null; 22023 when it is less than 1, or elements
 *          is a scalar
 *
 * Not strict.  Immutable, parallel safe.
 */
Datum
pg_hashstash_chunks_jsonb(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	JsonbChunks *chunks;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		int			size = get_size(fcinfo);

		call = SRF_FIRSTCALL_INIT();
		if (!PG_ARGISNULL(0))
		{
			old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
			call->user_fctx = open_jsonb(PG_GETARG_JSONB_P(0), size);
			MemoryContextSwitchTo(old);
		}
	}

	call = SRF_PERCALL_SETUP();
	chunks = call->user_fctx;
	if (chunks == NULL || chunks->at >= JB_ROOT_COUNT(chunks->jsonb))
		SRF_RETURN_DONE(call);
	SRF_RETURN_NEXT(call, JsonbPGetDatum(next_jsonb(chunks)));
}
