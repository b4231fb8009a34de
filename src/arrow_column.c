/*-------------------------------------------------------------------------
 *
 * arrow_column.c
 *	  Columns of Arrow for rows of any types, and their batches.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "arrow.h"
#include "arrow_column.h"
#include "arrow_value.h"
#include "compat.h"

#define FIRST_VALUES	64		/* that a builder has room for */
#define KEEP_BYTES		(1024 * 1024)	/* of values; more may be given back */
#define MESSAGE_BYTES	512		/* of a batch's metadata, at most, without: */
#define NODE_BYTES		16		/* for each node */
#define BUFFER_BYTES	32		/* for each buffer, with what pads it */

static void make_builder(StashArrowColumns *columns, StashArrowBuilder *builder,
						 StashArrowField *field, const char *name,
						 Oid typid, int32 typmod);

/* ---- what becomes of a type ---- */

static void
set_integer(StashArrowBuilder *builder, StashArrowKind kind, int width, bool is_signed)
{
	builder->kind = kind;
	builder->field->type = STASH_ARROW_INT;
	builder->field->width = width;
	builder->field->is_signed = is_signed;
}

static void
set_type(StashArrowBuilder *builder, StashArrowKind kind, StashArrowType type, int unit)
{
	builder->kind = kind;
	builder->field->type = type;
	builder->field->unit = unit;
}

/*
 * A numeric with a precision is a decimal, if Arrow has room; else its text
 * tells all of it.  A scale is never negative or more than the precision,
 * which some readers would not take.
 */
static void
set_numeric(StashArrowBuilder *builder, int32 typmod)
{
	StashArrowField *field = builder->field;
	int			precision;
	int			scale;

	set_type(builder, STASH_ARROW_KIND_NUMERIC, STASH_ARROW_UTF8, 0);
	if (typmod < (int32) VARHDRSZ)
		return;
	precision = (typmod - VARHDRSZ) >> 16 & 0xffff;
	/* 11 bits, the first one a sign */
	scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	if (scale < 0)
		precision -= scale;
	scale = Max(scale, 0);
	precision = Max(precision, scale);
	if (precision > STASH_ARROW_DECIMAL256)
		return;

	set_type(builder, STASH_ARROW_KIND_DECIMAL, STASH_ARROW_DECIMAL, 0);
	builder->scale = scale;
	field->precision = precision;
	field->scale = scale;
	field->width = precision <= STASH_ARROW_DECIMAL128 ? 128 : 256;
}

static int
compare_labels(const void *a, const void *b)
{
	Oid			left = ((const StashArrowLabel *) a)->oid;
	Oid			right = ((const StashArrowLabel *) b)->oid;

	return (left > right) - (left < right);
}

/*
 * Read all labels of an enum, which is what its dictionary has.
 */
static void
set_enum(StashArrowBuilder *builder)
{
	Relation	rel = table_open(EnumRelationId, AccessShareLock);
	Relation	index = index_open(EnumTypIdSortOrderIndexId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int			room = 8;

	set_type(builder, STASH_ARROW_KIND_ENUM, STASH_ARROW_UTF8, 0);
	builder->field->has_dictionary = true;
	builder->field->is_ordered = true;
	builder->field->index_width = 32;
	builder->field->index_signed = true;
	builder->field->dictionary = builder->columns->ndictionaries++;

	builder->labels = palloc(room * sizeof(StashArrowLabel));
	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(builder->typid));
	scan = systable_beginscan_ordered(rel, index, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		Form_pg_enum form = (Form_pg_enum) GETSTRUCT(tuple);
		StashArrowLabel *label;

		if (builder->nlabels == room)
			builder->labels = repalloc(builder->labels, (room *= 2) * sizeof(StashArrowLabel));
		label = &builder->labels[builder->nlabels];
		label->oid = form->oid;
		label->place = builder->nlabels++;
		label->text = pstrdup(pg_server_to_any(NameStr(form->enumlabel),
											   (int) strlen(NameStr(form->enumlabel)),
											   PG_UTF8));
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	qsort(builder->labels, builder->nlabels, sizeof(StashArrowLabel), compare_labels);
}

static void
set_children(StashArrowBuilder *builder, int n)
{
	builder->nchildren = n;
	builder->children = palloc0(Max(n, 1) * sizeof(StashArrowBuilder));
	builder->field->nchildren = n;
	builder->field->children = palloc0(Max(n, 1) * sizeof(StashArrowField));
}

static void
set_list(StashArrowBuilder *builder, Oid element, int32 typmod)
{
	set_type(builder, STASH_ARROW_KIND_LIST, STASH_ARROW_LIST, 0);
	set_children(builder, 1);
	make_builder(builder->columns, &builder->children[0],
				 &builder->field->children[0], "item", element, typmod);
}

/* The members of a struct are the columns that a row has. */
static void
set_struct(StashArrowBuilder *builder, TupleDesc desc)
{
	int			n = 0;

	set_type(builder, STASH_ARROW_KIND_STRUCT, STASH_ARROW_STRUCT, 0);
	for (int i = 0; i < desc->natts; i++)
		n += !TupleDescAttr(desc, i)->attisdropped;
	set_children(builder, n);

	n = 0;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		StashArrowBuilder *child = &builder->children[n];

		if (attr->attisdropped)
			continue;
		make_builder(builder->columns, child, &builder->field->children[n],
					 NameStr(attr->attname), attr->atttypid, attr->atttypmod);
		child->attno = i;
		builder->bits += child->bits;
		n++;
	}
}

/*
 * What becomes of a type that is not one of the server's own.
 */
static void
set_other(StashArrowBuilder *builder, int32 typmod)
{
	Oid			element = get_element_type(builder->typid);
	Oid			function;
	bool		is_varlena;

	/* the elements of these two are counted from zero, which lists are not */
	if (OidIsValid(element) && builder->typid != INT2VECTOROID &&
		builder->typid != OIDVECTOROID)
	{
		set_list(builder, element, typmod);
		return;
	}
	if (type_is_enum(builder->typid))
	{
		set_enum(builder);
		return;
	}
	/* a row of type record may be of any shape */
	if (type_is_rowtype(builder->typid) && builder->typid != RECORDOID)
	{
		TupleDesc	desc = lookup_rowtype_tupdesc_copy(builder->typid, -1);

		builder->desc = desc;
		builder->row = palloc(desc->natts * sizeof(Datum));
		builder->row_isnull = palloc(desc->natts * sizeof(bool));
		set_struct(builder, desc);
		return;
	}
	set_type(builder, STASH_ARROW_KIND_OUTPUT, STASH_ARROW_UTF8, 0);
	getTypeOutputInfo(builder->typid, &function, &is_varlena);
	fmgr_info_cxt(function, &builder->output, builder->columns->context);
}

static void
categorize(StashArrowBuilder *builder, int32 typmod)
{
	StashArrowField *field = builder->field;

	switch (builder->typid)
	{
		case BOOLOID:
			set_type(builder, STASH_ARROW_KIND_BOOL, STASH_ARROW_BOOL, 0);
			break;
		case INT2OID:
			set_integer(builder, STASH_ARROW_KIND_INT2, 16, true);
			break;
		case INT4OID:
			set_integer(builder, STASH_ARROW_KIND_INT4, 32, true);
			break;
		case OIDOID:
			set_integer(builder, STASH_ARROW_KIND_INT4, 32, false);
			break;
		case INT8OID:
			set_integer(builder, STASH_ARROW_KIND_INT8, 64, true);
			break;
		case FLOAT4OID:
			set_type(builder, STASH_ARROW_KIND_INT4, STASH_ARROW_FLOAT, STASH_ARROW_SINGLE);
			break;
		case FLOAT8OID:
			set_type(builder, STASH_ARROW_KIND_INT8, STASH_ARROW_FLOAT, STASH_ARROW_DOUBLE);
			break;
		case NUMERICOID:
			set_numeric(builder, typmod);
			break;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			set_type(builder, STASH_ARROW_KIND_TEXT, STASH_ARROW_UTF8, 0);
			break;
		case NAMEOID:
			set_type(builder, STASH_ARROW_KIND_NAME, STASH_ARROW_UTF8, 0);
			break;
		case JSONOID:
			set_type(builder, STASH_ARROW_KIND_TEXT, STASH_ARROW_UTF8, 0);
			field->extension = "arrow.json";
			break;
		case JSONBOID:
			set_type(builder, STASH_ARROW_KIND_JSONB, STASH_ARROW_UTF8, 0);
			field->extension = "arrow.json";
			break;
		case BYTEAOID:
			set_type(builder, STASH_ARROW_KIND_BYTEA, STASH_ARROW_BINARY, 0);
			break;
		case DATEOID:
			set_type(builder, STASH_ARROW_KIND_DATE, STASH_ARROW_DATE, STASH_ARROW_DAY);
			break;
		case TIMEOID:
			set_type(builder, STASH_ARROW_KIND_INT8, STASH_ARROW_TIME, STASH_ARROW_MICROSECOND);
			field->width = 64;
			break;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			set_type(builder, STASH_ARROW_KIND_TIMESTAMP, STASH_ARROW_TIMESTAMP, STASH_ARROW_MICROSECOND);
			field->zone = builder->typid == TIMESTAMPTZOID ? "UTC" : NULL;
			break;
		case INTERVALOID:
			set_type(builder, STASH_ARROW_KIND_INTERVAL, STASH_ARROW_INTERVAL, STASH_ARROW_MONTH_DAY_NANO);
			break;
		case UUIDOID:
			set_type(builder, STASH_ARROW_KIND_UUID, STASH_ARROW_FIXED_BINARY, 0);
			field->width = UUID_LEN;
			field->extension = "arrow.uuid";
			break;
		default:
			set_other(builder, typmod);
			break;
	}
}

/* Bytes that a value, or its offset, has in the one buffer of fixed width. */
static int
get_width(const StashArrowBuilder *builder)
{
	switch (builder->kind)
	{
		case STASH_ARROW_KIND_BOOL:
		case STASH_ARROW_KIND_STRUCT:
			return 0;
		case STASH_ARROW_KIND_INT2:
			return 2;
		case STASH_ARROW_KIND_INT8:
		case STASH_ARROW_KIND_TIMESTAMP:
			return 8;
		case STASH_ARROW_KIND_INTERVAL:
		case STASH_ARROW_KIND_UUID:
			return 16;
		case STASH_ARROW_KIND_DECIMAL:
			return builder->field->width / 8;
		default:
			return 4;
	}
}

static void
make_builder(StashArrowColumns *columns, StashArrowBuilder *builder,
			 StashArrowField *field, const char *name, Oid typid, int32 typmod)
{
	int			nbuffers;

	check_stack_depth();

	builder->columns = columns;
	builder->field = field;
	builder->typid = getBaseTypeAndTypmod(typid, &typmod);
	get_typlenbyvalalign(builder->typid, &builder->typlen, &builder->typbyval,
						 &builder->typalign);
	field->name = pstrdup(pg_server_to_any(name, (int) strlen(name), PG_UTF8));
	categorize(builder, typmod);

	builder->width = get_width(builder);
	/* of validity, and of the value itself */
	builder->bits += 1 + (builder->kind == STASH_ARROW_KIND_BOOL ? 1 : 8 * builder->width);
	if (STASH_ARROW_HAS_BYTES(builder->kind))
		initStringInfo(&builder->bytes);
	nbuffers = 1 + (builder->kind != STASH_ARROW_KIND_STRUCT) + STASH_ARROW_HAS_BYTES(builder->kind);
	columns->nnodes++;
	columns->nbuffers += nbuffers;
	columns->overhead += NODE_BYTES + nbuffers * BUFFER_BYTES;
}

/*
 * Make columns for rows of a descriptor, which need not outlive the call.
 */
StashArrowColumns *
stash_arrow_make_columns(TupleDesc desc)
{
	StashArrowColumns *columns = palloc0(sizeof(StashArrowColumns));

	columns->context = CurrentMemoryContext;
	columns->is_utf8 = GetDatabaseEncoding() == PG_UTF8;
	columns->overhead = MESSAGE_BYTES;
	columns->root.columns = columns;
	columns->root.field = &columns->root_field;
	set_struct(&columns->root, desc);
	return columns;
}

/*
 * Make room for more values.  Errors: 54000 when there can be none.
 */
void
stash_arrow_grow(StashArrowBuilder *builder)
{
	int			max = builder->width == 0 ? PG_INT32_MAX / 2 :
	(int) (MaxAllocSize / builder->width) - 1;
	int			cap = Max(FIRST_VALUES, (int) Min((int64) builder->cap * 2, max));
	int			before = (builder->cap + 7) / 8;
	int			after = (cap + 7) / 8;
	MemoryContext context = builder->columns->context;

	if (cap <= builder->cap)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("row is too large for a batch of Arrow"),
				 errdetail("A column of a batch has at most %d values of this type.",
						   max)));
	if (builder->cap == 0)
	{
		builder->validity = MemoryContextAlloc(context, after);
		if (builder->width > 0)
			builder->values = MemoryContextAllocZero(context, (Size) (cap + 1) * builder->width);
		else if (builder->kind == STASH_ARROW_KIND_BOOL)
			builder->values = MemoryContextAlloc(context, after);
	}
	else
	{
		builder->validity = repalloc(builder->validity, after);
		if (builder->width > 0)
			builder->values = repalloc(builder->values, (Size) (cap + 1) * builder->width);
		else if (builder->kind == STASH_ARROW_KIND_BOOL)
			builder->values = repalloc(builder->values, after);
	}
	memset(builder->validity + before, 0xff, after - before);
	if (builder->kind == STASH_ARROW_KIND_BOOL)
		memset(builder->values + before, 0, after - before);
	builder->cap = cap;
}

/*
 * No fewer bytes than what stash_arrow_write_rows() would append.
 */
Size
stash_arrow_size(const StashArrowColumns *columns)
{
	return columns->overhead + columns->varying +
		((Size) columns->nrows * columns->root.bits + 7) / 8;
}

/*
 * The place of an enum's label in its dictionary.  Errors: 55000 for one that
 * has come since the columns were made.
 */
int32
stash_arrow_find_label(const StashArrowBuilder *builder, Oid oid)
{
	StashArrowLabel key = {.oid = oid};
	const StashArrowLabel *label = bsearch(&key, builder->labels, builder->nlabels,
										   sizeof(StashArrowLabel), compare_labels);

	if (label == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("type %s has got a label since the export began",
						format_type_be(builder->typid))));
	return label->place;
}

/* ---- batches ---- */

/*
 * Remove all values from the n-th on.
 */
static void
cut(StashArrowBuilder *builder, int n)
{
	for (int i = n; i < builder->n; i++)
	{
		uint8		bit = 1 << (i & 7);

		if ((builder->validity[i >> 3] & bit) == 0)
			builder->nulls--;
		builder->validity[i >> 3] |= bit;
		if (builder->kind == STASH_ARROW_KIND_BOOL)
			builder->values[i >> 3] &= ~bit;
	}
	if (builder->n > n)
	{
		if (builder->kind == STASH_ARROW_KIND_LIST)
			cut(&builder->children[0], stash_arrow_builder_offset(builder, n));
		else if (STASH_ARROW_HAS_BYTES(builder->kind))
			builder->bytes.len = stash_arrow_builder_offset(builder, n);
		for (int i = 0; builder->kind == STASH_ARROW_KIND_STRUCT && i < builder->nchildren; i++)
			cut(&builder->children[i], n);
	}
	builder->n = n;
}

/*
 * Take back what the last stash_arrow_put_row() did; stash_arrow_size() goes
 * on to count it.
 */
void
stash_arrow_remove_last_row(StashArrowColumns *columns)
{
	columns->nrows--;
	for (int i = 0; i < columns->root.nchildren; i++)
		cut(&columns->root.children[i], columns->nrows);
}

/* Forget all values, and give back what few of them will need again. */
static void
clear(StashArrowBuilder *builder)
{
	Size		room = (Size) builder->cap * Max(builder->width, 1);

	if (room > KEEP_BYTES && builder->n < builder->cap / 4)
	{
		pfree(builder->validity);
		if (builder->values != NULL)
			pfree(builder->values);
		builder->validity = NULL;
		builder->values = NULL;
		builder->cap = 0;
	}
	else if (builder->cap > 0)
	{
		memset(builder->validity, 0xff, (builder->n + 7) / 8);
		if (builder->kind == STASH_ARROW_KIND_BOOL)
			memset(builder->values, 0, (builder->n + 7) / 8);
	}
	if (STASH_ARROW_HAS_BYTES(builder->kind))
	{
		if (builder->bytes.maxlen > KEEP_BYTES &&
			builder->bytes.len < builder->bytes.maxlen / 4)
		{
			MemoryContext old = MemoryContextSwitchTo(builder->columns->context);

			pfree(builder->bytes.data);
			initStringInfo(&builder->bytes);
			MemoryContextSwitchTo(old);
		}
		builder->bytes.len = 0;
	}
	builder->n = 0;
	builder->nulls = 0;
	for (int i = 0; i < builder->nchildren; i++)
		clear(&builder->children[i]);
}

/*
 * Begin a new batch.
 */
void
stash_arrow_clear(StashArrowColumns *columns)
{
	clear(&columns->root);
	columns->nrows = 0;
	columns->varying = 0;
}

/* The nodes and buffers of a batch, while they are collected. */
typedef struct Parts
{
	StashArrowNode *nodes;
	StashArrowBuffer *buffers;
	int			nnodes;
	int			nbuffers;
} Parts;

static void
add_buffer(Parts *parts, const void *data, Size len)
{
	parts->buffers[parts->nbuffers].data = data;
	parts->buffers[parts->nbuffers].len = (int) len;
	parts->nbuffers++;
}

static void
collect(StashArrowBuilder *builder, Parts *parts)
{
	int			n = builder->n;

	/* offsets need one more than there are values, and one of none at all */
	if (STASH_ARROW_HAS_OFFSETS(builder->kind) && builder->cap == 0)
		stash_arrow_grow(builder);
	if ((n & 7) != 0)
		builder->validity[n >> 3] &= (1 << (n & 7)) - 1;

	parts->nodes[parts->nnodes].length = n;
	parts->nodes[parts->nnodes].nulls = builder->nulls;
	parts->nnodes++;
	add_buffer(parts, builder->validity, builder->nulls > 0 ? (n + 7) / 8 : 0);
	if (builder->kind == STASH_ARROW_KIND_BOOL)
		add_buffer(parts, builder->values, (n + 7) / 8);
	else if (builder->kind != STASH_ARROW_KIND_STRUCT)
		add_buffer(parts, builder->values,
				   (Size) (n + STASH_ARROW_HAS_OFFSETS(builder->kind)) * builder->width);
	if (STASH_ARROW_HAS_BYTES(builder->kind))
		add_buffer(parts, builder->bytes.data, builder->bytes.len);
	for (int i = 0; i < builder->nchildren; i++)
		collect(&builder->children[i], parts);
}

/*
 * Append the rows as one message; the columns must be cleared after that.
 */
void
stash_arrow_write_rows(StashArrowColumns *columns, StringInfo buf, int codec)
{
	StashArrowBatch batch = {.nrows = columns->nrows,.codec = codec};
	Parts		parts = {0};

	parts.nodes = palloc((columns->nnodes + 1) * sizeof(StashArrowNode));
	parts.buffers = palloc((columns->nbuffers + 1) * sizeof(StashArrowBuffer));
	for (int i = 0; i < columns->root.nchildren; i++)
		collect(&columns->root.children[i], &parts);
	batch.nodes = parts.nodes;
	batch.nnodes = parts.nnodes;
	batch.buffers = parts.buffers;
	batch.nbuffers = parts.nbuffers;
	stash_arrow_put_batch(buf, &batch);
	pfree(parts.nodes);
	pfree(parts.buffers);
}

static int
compare_places(const void *a, const void *b)
{
	int32		left = ((const StashArrowLabel *) a)->place;
	int32		right = ((const StashArrowLabel *) b)->place;

	return (left > right) - (left < right);
}

/* Append the labels of an enum as the values of a dictionary. */
static void
write_labels(StashArrowBuilder *builder, StringInfo buf, int codec)
{
	StashArrowNode node = {.length = builder->nlabels};
	StashArrowBuffer buffers[3] = {{NULL, 0}};
	StashArrowBatch batch = {
		.is_dictionary = true,.dictionary = builder->field->dictionary,
		.nrows = builder->nlabels,.codec = codec,
		.nnodes = 1,.nodes = &node,.nbuffers = lengthof(buffers),.buffers = buffers
	};
	StringInfoData offsets;
	StringInfoData text;
	int32		offset = 0;

	initStringInfo(&offsets);
	initStringInfo(&text);
	appendBinaryStringInfo(&offsets, (char *) &offset, 4);
	qsort(builder->labels, builder->nlabels, sizeof(StashArrowLabel), compare_places);
	for (int i = 0; i < builder->nlabels; i++)
	{
		appendStringInfoString(&text, builder->labels[i].text);
		offset = stash_arrow_order32(text.len);
		appendBinaryStringInfo(&offsets, (char *) &offset, 4);
	}
	qsort(builder->labels, builder->nlabels, sizeof(StashArrowLabel), compare_labels);
	buffers[1].data = offsets.data;
	buffers[1].len = offsets.len;
	buffers[2].data = text.data;
	buffers[2].len = text.len;
	stash_arrow_put_batch(buf, &batch);
	pfree(offsets.data);
	pfree(text.data);
}

static void
write_dictionaries(StashArrowBuilder *builder, StringInfo buf, int codec)
{
	if (builder->kind == STASH_ARROW_KIND_ENUM)
		write_labels(builder, buf, codec);
	for (int i = 0; i < builder->nchildren; i++)
		write_dictionaries(&builder->children[i], buf, codec);
}

/*
 * Append the messages with which a stream begins: columns and dictionaries.
 */
void
stash_arrow_write_schema(StashArrowColumns *columns, StringInfo buf, int codec)
{
	stash_arrow_put_schema(buf, columns->root.nchildren, columns->root_field.children);
	write_dictionaries(&columns->root, buf, codec);
}

/*
 * Append what a file has behind the end mark.
 */
void
stash_arrow_write_footer(StashArrowColumns *columns, StashArrowBlocks *blocks,
						 StringInfo buf)
{
	stash_arrow_end_file(blocks, buf, columns->root.nchildren,
						 columns->root_field.children);
}
