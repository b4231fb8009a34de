/*-------------------------------------------------------------------------
 *
 * arrow_datum.c
 *	  Rows of any types, put into columns of Arrow.
 *
 * A null costs a bit and a slot of zeros; a value that is not null does not
 * touch the bits, which are set beforehand.  What is read or made on the way
 * to a value is left in the current memory context, which the caller resets
 * after each row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "arrow_column.h"
#include "arrow_datum.h"
#include "arrow_value.h"
#include "compat.h"
#include "json.h"
#include "json_value.h"

#define SHORT_COPY		128		/* bytes, for stash_json_copy_short() */

static void put_value(StashArrowBuilder *builder, Datum value, bool isnull);

static inline void
set_int32(StashArrowBuilder *builder, int place, int32 value)
{
	value = stash_arrow_order32(value);
	memcpy(builder->values + (Size) place * 4, &value, 4);
}

static inline void
set_int64(StashArrowBuilder *builder, int place, int64 value)
{
	value = stash_arrow_order64(value);
	memcpy(builder->values + (Size) place * 8, &value, 8);
}

static void
put_null(StashArrowBuilder *builder)
{
	int			n = builder->n;

	builder->validity[n >> 3] &= ~(1 << (n & 7));
	builder->nulls++;
	if (STASH_ARROW_HAS_OFFSETS(builder->kind))
		set_int32(builder, n + 1, stash_arrow_builder_offset(builder, n));
	else if (builder->width > 0)
		memset(builder->values + (Size) n * builder->width, 0, builder->width);
	else if (builder->kind == STASH_ARROW_KIND_STRUCT)
	{
		for (int i = 0; i < builder->nchildren; i++)
			put_value(&builder->children[i], (Datum) 0, true);
	}
}

/* Count what was appended to the bytes of a text. */
static inline void
end_bytes(StashArrowBuilder *builder, int from)
{
	set_int32(builder, builder->n + 1, builder->bytes.len);
	builder->columns->varying += builder->bytes.len - from;
}

/* Append the bytes of a text, as UTF-8. */
static inline void
put_bytes(StashArrowBuilder *builder, const char *data, int len)
{
	char	   *to = stash_json_reserve(&builder->bytes, len);

	if (len <= SHORT_COPY)
		stash_json_copy_short(to, data, len);
	else
		memcpy(to, data, len);
	builder->bytes.len += len;
	end_bytes(builder, builder->bytes.len - len);
}

static void
put_text(StashArrowBuilder *builder, const char *data, int len)
{
	if (unlikely(!builder->columns->is_utf8))
	{
		const char *utf8 = pg_server_to_any(data, len, PG_UTF8);

		if (utf8 != data)
			len = (int) strlen(utf8);
		data = utf8;
	}
	put_bytes(builder, data, len);
}

static inline void
put_varlena(StashArrowBuilder *builder, Datum value, bool is_text)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(packed);
	int			len = (int) VARSIZE_ANY_EXHDR(packed);

	if (is_text)
		put_text(builder, data, len);
	else
		put_bytes(builder, data, len);
}

static void
put_jsonb(StashArrowBuilder *builder, Datum value)
{
	int			from = builder->bytes.len;

	if (builder->columns->is_utf8)
	{
		stash_json_put_jsonb(&builder->bytes, value);
		end_bytes(builder, from);
	}
	else
	{
		StringInfoData text;

		initStringInfo(&text);
		stash_json_put_jsonb(&text, value);
		put_text(builder, text.data, text.len);
	}
}

/* Can the elements of an array be copied as they are? */
static inline bool
is_plain(const StashArrowBuilder *child)
{
#ifdef WORDS_BIGENDIAN
	return false;
#else
	return child->kind >= STASH_ARROW_KIND_INT2 && child->kind <= STASH_ARROW_KIND_INT8;
#endif
}

static void
put_elements(StashArrowBuilder *child, ArrayType *array, int n)
{
	uint8	   *nulls = ARR_NULLBITMAP(array);
	char	   *at = ARR_DATA_PTR(array);

	if (nulls == NULL && is_plain(child))
	{
		while (child->cap - child->n < n)
			stash_arrow_grow(child);
		memcpy(child->values + (Size) child->n * child->width, at, (Size) n * child->width);
		child->n += n;
		return;
	}
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();

		if (nulls != NULL && (nulls[i >> 3] >> (i & 7) & 1) == 0)
		{
			put_value(child, (Datum) 0, true);
			continue;
		}
		put_value(child, fetch_att(at, child->typbyval, child->typlen), false);
		at = att_addlength_pointer(at, child->typlen, at);
		at = (char *) att_align_nominal(at, child->typalign);
	}
}

/*
 * Append an array.  Errors: 0A000 for one of more than one dimension.
 */
static pg_noinline void
put_array(StashArrowBuilder *builder, Datum value)
{
	StashJsonRoom room;
	ArrayType  *array = stash_json_detoast_to(&room, value);
	StashArrowBuilder *child = &builder->children[0];
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("array of %d dimensions has no place in a list of Arrow",
						ARR_NDIM(array)),
				 errhint("Cast the column to text, or use to_jsonb() on it.")));
	put_elements(child, array, n);
	set_int32(builder, builder->n + 1, child->n);
	builder->columns->varying += ((Size) n * child->bits + 7) / 8;
}

/* Store a value of the kinds that are first in StashArrowKind; there must be room. */
static inline void
put_fixed(StashArrowBuilder *builder, int n, Datum value)
{
	int16		small;

	switch (builder->kind)
	{
		case STASH_ARROW_KIND_BOOL:
			builder->values[n >> 3] |= DatumGetBool(value) << (n & 7);
			break;
		case STASH_ARROW_KIND_INT2:
			small = stash_arrow_order16(DatumGetInt16(value));
			memcpy(builder->values + (Size) n * 2, &small, 2);
			break;
		case STASH_ARROW_KIND_INT4:
			set_int32(builder, n, DatumGetInt32(value));
			break;
		default:
			set_int64(builder, n, DatumGetInt64(value));
			break;
	}
}

static void
put_members(StashArrowBuilder *builder, const Datum *values, const bool *isnull)
{
	StashArrowBuilder *end = builder->children + builder->nchildren;

	for (StashArrowBuilder *child = builder->children; child < end; child++)
	{
		Datum		value = values[child->attno];

		/* what most columns are needs no call */
		if (isnull[child->attno] || child->n == child->cap || child->kind > STASH_ARROW_KIND_INT8)
			put_value(child, value, isnull[child->attno]);
		else
			put_fixed(child, child->n++, value);
	}
}

static pg_noinline void
put_composite(StashArrowBuilder *builder, Datum value)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	HeapTupleData tuple;

	check_stack_depth();
	stash_compat_check_row(header, builder->desc);

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, builder->desc, builder->row, builder->row_isnull);
	put_members(builder, builder->row, builder->row_isnull);
}

static void
put_interval(StashArrowBuilder *builder, const Interval *interval)
{
	char	   *to = builder->values + (Size) builder->n * sizeof(Interval);
	int32		months = stash_arrow_order32(interval->month);
	int32		days = stash_arrow_order32(interval->day);
	int64		nsecs = stash_arrow_order64(stash_arrow_from_interval(interval));

	memcpy(to, &months, 4);
	memcpy(to + 4, &days, 4);
	memcpy(to + 8, &nsecs, 8);
}

/* What is less common, and not worth to be inlined. */
static pg_noinline void
put_rare(StashArrowBuilder *builder, Datum value)
{
	const char *text;
	int			from = builder->bytes.len;

	switch (builder->kind)
	{
		case STASH_ARROW_KIND_INTERVAL:
			put_interval(builder, DatumGetIntervalP(value));
			break;
		case STASH_ARROW_KIND_NAME:
			text = NameStr(*DatumGetName(value));
			put_text(builder, text, (int) strnlen(text, NAMEDATALEN));
			break;
		case STASH_ARROW_KIND_NUMERIC:
			stash_arrow_put_numeric(&builder->bytes, value);
			end_bytes(builder, from);
			break;
		case STASH_ARROW_KIND_JSONB:
			put_jsonb(builder, value);
			break;
		default:
			text = OutputFunctionCall(&builder->output, value);
			put_text(builder, text, (int) strlen(text));
			break;
	}
}

/*
 * Append a value.
 */
static void
put_value(StashArrowBuilder *builder, Datum value, bool isnull)
{
	int			n = builder->n;

	if (unlikely(n == builder->cap))
		stash_arrow_grow(builder);
	if (isnull)
	{
		put_null(builder);
		builder->n++;
		return;
	}

	switch (builder->kind)
	{
		case STASH_ARROW_KIND_BOOL:
		case STASH_ARROW_KIND_INT2:
		case STASH_ARROW_KIND_INT4:
		case STASH_ARROW_KIND_INT8:
			put_fixed(builder, n, value);
			break;
		case STASH_ARROW_KIND_DATE:
			set_int32(builder, n, stash_arrow_from_date(DatumGetDateADT(value)));
			break;
		case STASH_ARROW_KIND_TIMESTAMP:
			set_int64(builder, n, stash_arrow_from_timestamp(DatumGetTimestamp(value)));
			break;
		case STASH_ARROW_KIND_UUID:
			memcpy(builder->values + (Size) n * UUID_LEN, DatumGetUUIDP(value)->data, UUID_LEN);
			break;
		case STASH_ARROW_KIND_DECIMAL:
			stash_arrow_put_decimal(builder->values + (Size) n * builder->width,
									builder->field->width, builder->scale, value);
			break;
		case STASH_ARROW_KIND_ENUM:
			set_int32(builder, n, stash_arrow_find_label(builder, DatumGetObjectId(value)));
			break;
		case STASH_ARROW_KIND_TEXT:
			put_varlena(builder, value, true);
			break;
		case STASH_ARROW_KIND_BYTEA:
			put_varlena(builder, value, false);
			break;
		case STASH_ARROW_KIND_LIST:
			put_array(builder, value);
			break;
		case STASH_ARROW_KIND_STRUCT:
			put_composite(builder, value);
			break;
		default:
			put_rare(builder, value);
			break;
	}
	builder->n++;
}

/*
 * Append one row.
 *
 * 'values' and 'isnull' have all columns of the descriptor, dropped ones too.
 * Errors: 22003, 22008 and 0A000 for values that Arrow's types have no room
 * for, 22021 for text that is none, 54000 for a row that is too large.
 */
void
stash_arrow_put_row(StashArrowColumns *columns, const Datum *values,
					const bool *isnull)
{
	put_members(&columns->root, values, isnull);
	columns->nrows++;
}
