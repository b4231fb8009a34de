/*-------------------------------------------------------------------------
 *
 * json_datum.c
 *	  Values of any type as JSON text: what to_json writes, made to repeat.
 *
 * How a type is written is decided as json_categorize_type() of the server
 * decides it, unless the profile has its own way.  A difference is a bug: test sql/export_json.sql compares
 * every type that has a literal with row_to_json.
 *
 * What is read or made on the way to a value's text is left in the current
 * memory context, which the caller resets after each row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "compat.h"
#include "json.h"
#include "json_datum.h"
#include "json_value.h"

#define NAME_STEP	16			/* bytes of a column's name, copied at once */
#define ENUM_SLOTS	64			/* labels kept for a type */

typedef enum Kind
{
	KIND_BOOL,
	KIND_INT2,
	KIND_INT4,
	KIND_INT8,
	KIND_FLOAT4,
	KIND_FLOAT8,
	KIND_NUMERIC,
	KIND_TEXT,
	KIND_NAME,
	KIND_JSON,
	KIND_JSONB,
	KIND_DATE,
	KIND_TIMESTAMP,
	KIND_TIMESTAMPTZ,
	KIND_UUID,
	KIND_ENUM,
	KIND_ARRAY,
	KIND_COMPOSITE,
	KIND_CAST,					/* a user's type with a cast to json */
	KIND_PROFILE,				/* what the profile writes in its own way */
	KIND_OUTPUT					/* anything else: its text as a string */
} Kind;

/* An enum label, quoted and escaped; at most ENUM_SLOTS of a type are kept. */
typedef struct EnumLabel
{
	Oid			oid;			/* of pg_enum; invalid in a free slot */
	int			len;
	char	   *json;
} EnumLabel;

struct StashJsonWriter
{
	Kind		kind;
	StashJsonProfile profile;	/* also of all that is inside */
	StashJsonPut put;			/* KIND_PROFILE */
	Oid			declared;		/* maybe a domain */
	Oid			typid;			/* never one: the type below it */
	int16		typlen;
	bool		typbyval;
	char		typalign;
	FmgrInfo	output;			/* KIND_ENUM, _CAST and _OUTPUT only */
	MemoryContext context;		/* in which all of this lives */
	EnumLabel  *labels;			/* KIND_ENUM: ENUM_SLOTS of them */
	StashJsonZoneSpan *spans;	/* KIND_TIMESTAMPTZ: a cache of them */
	StashJsonWriter *elements;	/* KIND_ARRAY: one for each element type met */
	StashJsonRow *rows;			/* KIND_COMPOSITE: one for each row type met */
	StashJsonWriter *next;		/* in 'elements' of another */
};

typedef struct Column
{
	StashJsonWriter writer;
	int			attno;			/* in the values, from 0 */
	int			namelen;
	char	   *name;			/* all that stands before the value; padded */
} Column;

struct StashJsonRow
{
	StashJsonRow *next;			/* in 'rows' of a writer; else all is unset */
	Oid			typid;			/* what the rows themselves say they are */
	int32		typmod;
	TupleDesc	desc;			/* of typid and typmod, our own copy */
	Datum	   *values;			/* of the row being written */
	bool	   *isnull;
	int			ncolumns;
	Column		columns[FLEXIBLE_ARRAY_MEMBER];
};

/* An array while its elements are written. */
typedef struct Elements
{
	StashJsonWriter *writer;
	char	   *at;				/* the next element that is not null */
	uint8	   *nulls;			/* the bitmap, or NULL */
	int			index;			/* of the next element */
	const int  *dims;
	int			ndim;
} Elements;

static void put_value(StashJsonWriter *writer, StringInfo buf, Datum value);

/*
 * Decide how a type is written, for one that has no kind of its own.
 */
static Kind
categorize_other(Oid typid, FmgrInfo *output, MemoryContext context)
{
	Oid			function;
	bool		is_varlena;

	if (OidIsValid(get_element_type(typid)) || typid == ANYARRAYOID ||
		typid == RECORDARRAYOID)
		return KIND_ARRAY;
	if (type_is_rowtype(typid))
		return KIND_COMPOSITE;

	if (typid >= FirstNormalObjectId &&
		find_coercion_pathway(JSONOID, typid, COERCION_EXPLICIT,
							  &function) == COERCION_PATH_FUNC &&
		OidIsValid(function))
	{
		/* a writer is made for one query: what it calls is told here */
		stash_catalog_note_call(function);
		fmgr_info_cxt(function, output, context);
		return KIND_CAST;
	}

	getTypeOutputInfo(typid, &function, &is_varlena);
	fmgr_info_cxt(function, output, context);
	return type_is_enum(typid) ? KIND_ENUM : KIND_OUTPUT;
}

static Kind
categorize(Oid typid, FmgrInfo *output, MemoryContext context)
{
	switch (typid)
	{
		case BOOLOID:
			return KIND_BOOL;
		case INT2OID:
			return KIND_INT2;
		case INT4OID:
			return KIND_INT4;
		case INT8OID:
			return KIND_INT8;
		case FLOAT4OID:
			return KIND_FLOAT4;
		case FLOAT8OID:
			return KIND_FLOAT8;
		case NUMERICOID:
			return KIND_NUMERIC;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return KIND_TEXT;
		case NAMEOID:
			return KIND_NAME;
		case JSONOID:
			return KIND_JSON;
		case JSONBOID:
			return KIND_JSONB;
		case DATEOID:
			return KIND_DATE;
		case TIMESTAMPOID:
			return KIND_TIMESTAMP;
		case TIMESTAMPTZOID:
			return KIND_TIMESTAMPTZ;
		case UUIDOID:
			return KIND_UUID;
		default:
			return categorize_other(typid, output, context);
	}
}

static void
init_writer(StashJsonWriter *writer, Oid typid, StashJsonProfile profile)
{
	memset(writer, 0, sizeof(StashJsonWriter));
	writer->profile = profile;
	writer->context = CurrentMemoryContext;
	writer->declared = typid;
	writer->typid = getBaseType(typid);
	writer->put = stash_json_profile_put(profile, writer->typid);
	writer->kind = writer->put != NULL ? KIND_PROFILE :
		categorize(writer->typid, &writer->output, writer->context);
	get_typlenbyvalalign(writer->typid, &writer->typlen, &writer->typbyval,
						 &writer->typalign);
	if (writer->kind == KIND_TIMESTAMPTZ)
		writer->spans = palloc0(STASH_JSON_ZONE_SLOTS *
								sizeof(StashJsonZoneSpan));
}

/*
 * Append a float, with fewer digits where the session asked for that.
 */
static void
put_float(StringInfo buf, Datum value, bool is_float4)
{
	if (unlikely(extra_float_digits <= 0))
	{
		double		number = is_float4 ? DatumGetFloat4(value) :
		DatumGetFloat8(value);
		PGFunction	output = is_float4 ? float4out : float8out;
		char	   *text;

		if (isfinite(number))
		{
			text = DatumGetCString(DirectFunctionCall1(output, value));
			stash_json_put_raw(buf, text, strlen(text));
			return;
		}
	}

	if (is_float4)
		stash_json_put_float4(buf, DatumGetFloat4(value));
	else
		stash_json_put_float8(buf, DatumGetFloat8(value));
}

/*
 * Append an enum label; each is looked up once, not once a row.
 *
 * A label that is renamed while a query runs keeps its old name there.
 */
static pg_noinline void
put_enum(StashJsonWriter *writer, StringInfo buf, Datum value)
{
	Oid			oid = DatumGetObjectId(value);
	EnumLabel  *label;

	if (writer->labels == NULL)
		writer->labels =
			MemoryContextAllocZero(writer->context,
								   ENUM_SLOTS * sizeof(EnumLabel));

	label = &writer->labels[oid % ENUM_SLOTS];
	if (label->oid != oid)
	{
		char	   *text = OutputFunctionCall(&writer->output, value);
		int			start = buf->len;

		stash_json_put_text(buf, text, strlen(text));
		if (label->json != NULL)
			pfree(label->json);
		label->len = buf->len - start;
		label->json = MemoryContextAlloc(writer->context, label->len);
		memcpy(label->json, buf->data + start, label->len);
		label->oid = oid;
		return;
	}
	stash_json_put_raw(buf, label->json, label->len);
}

/*
 * Append elements that are whole numbers, none of them null: they lie side by
 * side.
 */
static void
put_integers(Elements *elements, StringInfo buf, int count)
{
	int16		typlen = elements->writer->typlen;
	char	   *at = elements->at;

	for (int i = 0; i < count; i++, at += typlen)
	{
		CHECK_FOR_INTERRUPTS();

		if (i > 0)
			stash_json_put_char(buf, ',');
		stash_json_put_int64(buf, typlen == 4 ? *(int32 *) at :
							 typlen == 8 ? *(int64 *) at : *(int16 *) at);
	}
	elements->at = at;
	elements->index += count;
}

/*
 * Append one dimension of an array, with all that is inside.
 */
static void
put_dimension(Elements *elements, StringInfo buf, int dimension)
{
	StashJsonWriter *writer = elements->writer;

	check_stack_depth();

	stash_json_put_char(buf, '[');
	if (dimension + 1 == elements->ndim && elements->nulls == NULL &&
		(writer->kind == KIND_INT4 || writer->kind == KIND_INT8 ||
		 writer->kind == KIND_INT2))
	{
		put_integers(elements, buf, elements->dims[dimension]);
		stash_json_put_char(buf, ']');
		return;
	}
	for (int i = 0; i < elements->dims[dimension]; i++)
	{
		CHECK_FOR_INTERRUPTS();

		if (i > 0)
			stash_json_put_char(buf, ',');
		if (dimension + 1 < elements->ndim)
			put_dimension(elements, buf, dimension + 1);
		else if (elements->nulls != NULL &&
				 att_isnull(elements->index, elements->nulls))
		{
			stash_json_put_raw(buf, "null", 4);
			elements->index++;
		}
		else
		{
			put_value(writer, buf, fetch_att(elements->at, writer->typbyval,
											 writer->typlen));
			elements->at = att_addlength_pointer(elements->at, writer->typlen,
												 elements->at);
			elements->at = (char *) att_align_nominal(elements->at,
													  writer->typalign);
			elements->index++;
		}
	}
	stash_json_put_char(buf, ']');
}

static pg_noinline void
put_array(StashJsonWriter *writer, StringInfo buf, Datum value)
{
	StashJsonRoom room;
	ArrayType  *array = stash_json_detoast_to(&room, value);
	Oid			elemtype = ARR_ELEMTYPE(array);
	StashJsonWriter *element = writer->elements;
	Elements	elements;

	/* a column of anyarray has arrays of any type */
	while (element != NULL && element->declared != elemtype)
		element = element->next;
	if (element == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(writer->context);

		element = stash_json_make_writer(elemtype, writer->profile);
		MemoryContextSwitchTo(old);
		element->next = writer->elements;
		writer->elements = element;
	}

	elements.writer = element;
	elements.at = ARR_DATA_PTR(array);
	elements.nulls = ARR_NULLBITMAP(array);
	elements.index = 0;
	elements.dims = ARR_DIMS(array);
	elements.ndim = ARR_NDIM(array);

	if (ArrayGetNItems(elements.ndim, elements.dims) <= 0)
		stash_json_put_raw(buf, "[]", 2);
	else
		put_dimension(&elements, buf, 0);
}

/*
 * Append a row of a type that only the row itself names.
 */
static pg_noinline void
put_composite(StashJsonWriter *writer, StringInfo buf, Datum value)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	Oid			typid = HeapTupleHeaderGetTypeId(header);
	int32		typmod = HeapTupleHeaderGetTypMod(header);
	StashJsonRow *row = writer->rows;
	HeapTupleData tuple;

	check_stack_depth();

	while (row != NULL &&
		   (row->typid != typid || row->typmod != typmod))
		row = row->next;
	if (row == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(writer->context);
		TupleDesc	desc = lookup_rowtype_tupdesc(typid, typmod);

		row = stash_json_make_row(desc, writer->profile);
		row->typid = typid;
		row->typmod = typmod;
		row->values = palloc(desc->natts * sizeof(Datum));
		row->isnull = palloc(desc->natts * sizeof(bool));
		row->desc = CreateTupleDescCopy(desc);
		ReleaseTupleDesc(desc);
		MemoryContextSwitchTo(old);
		row->next = writer->rows;
		writer->rows = row;
	}

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, row->desc, row->values, row->isnull);
	stash_json_put_row(row, buf, row->values, row->isnull);
}

static void
put_text(StringInfo buf, Datum value)
{
	struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

	stash_json_put_text(buf, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

static void
put_line(StringInfo buf, Datum value)
{
	struct varlena *json = PG_DETOAST_DATUM_PACKED(value);

	stash_json_put_line(buf, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
}

static void
put_value(StashJsonWriter *writer, StringInfo buf, Datum value)
{
	const char *text;

	switch (writer->kind)
	{
		case KIND_BOOL:
			text = DatumGetBool(value) ? "true" : "false";
			stash_json_put_raw(buf, text, strlen(text));
			break;
		case KIND_INT2:
			stash_json_put_int64(buf, DatumGetInt16(value));
			break;
		case KIND_INT4:
			stash_json_put_int64(buf, DatumGetInt32(value));
			break;
		case KIND_INT8:
			stash_json_put_int64(buf, DatumGetInt64(value));
			break;
		case KIND_FLOAT4:
			put_float(buf, value, true);
			break;
		case KIND_FLOAT8:
			put_float(buf, value, false);
			break;
		case KIND_NUMERIC:
			stash_json_put_numeric(buf, value);
			break;
		case KIND_TEXT:
			put_text(buf, value);
			break;
		case KIND_NAME:
			text = NameStr(*DatumGetName(value));
			stash_json_put_text(buf, text, strnlen(text, NAMEDATALEN));
			break;
		case KIND_JSON:
			put_line(buf, value);
			break;
		case KIND_JSONB:
			stash_json_put_jsonb(buf, value);
			break;
		case KIND_DATE:
			stash_json_put_any_date(buf, DatumGetDateADT(value));
			break;
		case KIND_TIMESTAMP:
			stash_json_put_any_timestamp(buf, DatumGetTimestamp(value));
			break;
		case KIND_TIMESTAMPTZ:
			stash_json_put_any_timestamptz(buf, DatumGetTimestampTz(value),
										   writer->spans);
			break;
		case KIND_UUID:
			stash_json_put_uuid(buf, value);
			break;
		case KIND_ENUM:
			put_enum(writer, buf, value);
			break;
		case KIND_ARRAY:
			put_array(writer, buf, value);
			break;
		case KIND_COMPOSITE:
			put_composite(writer, buf, value);
			break;
		case KIND_CAST:
			put_line(buf, FunctionCall1(&writer->output, value));
			break;
		case KIND_PROFILE:
			writer->put(buf, value);
			break;
		case KIND_OUTPUT:
			text = OutputFunctionCall(&writer->output, value);
			stash_json_put_text(buf, text, strlen(text));
			break;
	}
}

/*
 * Does the input function of a type give every value back, but for its scale,
 * from what is written of it: a number, true or false, or what a string has?
 */
bool
stash_json_reads_back(Oid typid, StashJsonProfile profile)
{
	StashJsonWriter writer;

	init_writer(&writer, typid, profile);
	switch (writer.kind)
	{
		case KIND_JSON:
		case KIND_JSONB:
		case KIND_ARRAY:
		case KIND_COMPOSITE:
		case KIND_CAST:
			return false;
		case KIND_FLOAT4:
		case KIND_FLOAT8:
			return extra_float_digits > 0;
		case KIND_PROFILE:
			return profile == STASH_JSON_LOSSLESS || writer.typid == INT8OID;
		default:
			return true;
	}
}

/*
 * Make a writer for one type.
 */
StashJsonWriter *
stash_json_make_writer(Oid typid, StashJsonProfile profile)
{
	StashJsonWriter *writer = palloc(sizeof(StashJsonWriter));

	init_writer(writer, typid, profile);
	return writer;
}

/*
 * Append one value, which must not be null.
 */
void
stash_json_put_datum(StashJsonWriter *writer, StringInfo buf, Datum value)
{
	put_value(writer, buf, value);
}

/*
 * Make a writer for rows: an object with one member a column.
 *
 * Columns of one name are all written.  'desc' need not outlive the call.
 */
StashJsonRow *
stash_json_make_row(TupleDesc desc, StashJsonProfile profile)
{
	StashJsonRow *row = palloc0(offsetof(StashJsonRow, columns) +
								desc->natts * sizeof(Column));
	StringInfoData name;

	initStringInfo(&name);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		Column	   *column = &row->columns[row->ncolumns];

		if (attr->attisdropped)
			continue;

		resetStringInfo(&name);
		stash_json_put_char(&name, row->ncolumns == 0 ? '{' : ',');
		stash_json_put_text(&name, NameStr(attr->attname),
							strlen(NameStr(attr->attname)));
		stash_json_put_char(&name, ':');

		init_writer(&column->writer, attr->atttypid, profile);
		column->attno = i;
		column->namelen = name.len;
		column->name = palloc0(TYPEALIGN(NAME_STEP, name.len));
		memcpy(column->name, name.data, name.len);
		row->ncolumns++;
	}
	pfree(name.data);
	return row;
}

static inline void
put_name(StringInfo buf, const Column *column)
{
	char	   *to = stash_json_reserve(buf, column->namelen + NAME_STEP);

	/* copies of a fixed length need no call */
	for (int i = 0; i < column->namelen; i += NAME_STEP)
		memcpy(to + i, column->name + i, NAME_STEP);
	buf->len += column->namelen;
}

/*
 * Append one row.
 *
 * 'values' and 'isnull' have all columns of the descriptor, dropped ones too.
 */
void
stash_json_put_row(StashJsonRow *row, StringInfo buf, const Datum *values,
				   const bool *isnull)
{
	if (row->ncolumns == 0)
		stash_json_put_char(buf, '{');

	for (int i = 0; i < row->ncolumns; i++)
	{
		Column	   *column = &row->columns[i];

		put_name(buf, column);
		if (isnull[column->attno])
			stash_json_put_raw(buf, "null", 4);
		else
			put_value(&column->writer, buf, values[column->attno]);
	}
	stash_json_put_char(buf, '}');
}
