/*-------------------------------------------------------------------------
 *
 * arrow_load.c
 *	  Values of Arrow arrays as values of the server's types.
 *
 * A value is first one of the type that is nearest to the field's.  When the
 * wanted type is another, it goes through its text, so what may become what is
 * decided by the types' own input functions; only the integers, between which
 * nothing can be lost but range, take a shorter way.  Text of dates and times
 * is ISO's, whatever the session's DateStyle.
 *
 * The reader has checked lengths and offsets; text, indexes of dictionaries,
 * and the values themselves are checked here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "arrow_load.h"
#include "arrow_value.h"
#include "catalog.h"
#include "compat.h"

#define MAX_VALUES	((int64) (MaxAllocSize / sizeof(Datum)))

typedef enum How
{
	HOW_NULL,					/* all are null */
	HOW_SAME,					/* the nearest type is the wanted one */
	HOW_INTEGER,				/* an int8 becomes int2, int4 or oid */
	HOW_TEXT,					/* by the wanted type's input function */
	HOW_UUID,
	HOW_LIST,
	HOW_STRUCT,
	HOW_DICTIONARY
} How;

struct StashArrowLoader
{
	How			how;
	const StashArrowField *field;
	Oid			typid;			/* that is wanted, maybe a domain */
	int32		typmod;
	Oid			base;			/* below the domain */
	int16		typlen;			/* of base */
	bool		typbyval;
	char		typalign;
	bool		is_domain;		/* that is still to be checked */
	void	   *domain;			/* what domain_check() keeps */
	Oid			nearest;
	FmgrInfo	output;			/* HOW_TEXT: of the nearest type */
	FmgrInfo	input;			/* HOW_TEXT */
	Oid			ioparam;
	MemoryContext context;
	int			ndim;			/* HOW_LIST: lists in lists */
	StashArrowLoader *inner;	/* of the elements, or of the dictionary */
	TupleDesc	desc;			/* HOW_STRUCT: of the wanted rows */
	StashArrowLoader **members; /* by attribute, NULL for a dropped one */
	int		   *children;		/* of the field, by attribute */
	Datum	   *values;			/* HOW_STRUCT: by attribute; else of the
								 * dictionary */
	bool	   *isnull;
	int64		nvalues;		/* of the dictionary */
	MemoryContext values_context;
};

/*
 * Throw what the reader has found: 22P03, or 0A000 for what it does not read.
 */
void
stash_arrow_throw(const StashArrowReader *reader, StashArrowEvent event)
{
	if (event == STASH_ARROW_UNSUPPORTED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("Arrow data cannot be read"),
				 errdetail("At byte %zu: %s.", reader->at, reader->problem)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid Arrow data"),
			 errdetail("At byte %zu: %s.", reader->at, reader->problem)));
}

pg_noreturn static void
throw_invalid(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid Arrow data"),
			 errdetail_internal("%s", detail)));
}

/* ---- making ---- */

/* The type of the server that has all values of a field, or most. */
static Oid
get_nearest(const StashArrowField *field)
{
	switch (field->type)
	{
		case STASH_ARROW_BOOL:
			return BOOLOID;
		case STASH_ARROW_INT:
			return field->width == 64 && !field->is_signed ? NUMERICOID : INT8OID;
		case STASH_ARROW_FLOAT:
			return field->unit == STASH_ARROW_DOUBLE ? FLOAT8OID : FLOAT4OID;
		case STASH_ARROW_DECIMAL:
			return NUMERICOID;
		case STASH_ARROW_DATE:
			return DATEOID;
		case STASH_ARROW_TIME:
			return TIMEOID;
		case STASH_ARROW_TIMESTAMP:
			return field->zone != NULL && field->zone[0] != '\0' ?
				TIMESTAMPTZOID : TIMESTAMPOID;
		case STASH_ARROW_INTERVAL:
		case STASH_ARROW_DURATION:
			return INTERVALOID;
		case STASH_ARROW_BINARY:
		case STASH_ARROW_LARGE_BINARY:
		case STASH_ARROW_BINARY_VIEW:
		case STASH_ARROW_FIXED_BINARY:
			return BYTEAOID;
		default:
			return TEXTOID;
	}
}

static bool
is_list(const StashArrowField *field)
{
	return !field->has_dictionary &&
		(field->type == STASH_ARROW_LIST || field->type == STASH_ARROW_LARGE_LIST ||
		 field->type == STASH_ARROW_FIXED_LIST || field->type == STASH_ARROW_MAP);
}

pg_noreturn static void
throw_no_way(const StashArrowField *field, Oid typid)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("%s of Arrow cannot become %s",
					is_list(field) ? "a list" : "a struct", format_type_be(typid)),
			 errhint("A list becomes an array, a struct a named composite type.")));
}

static void
make_list(StashArrowLoader *loader)
{
	const StashArrowField *field = loader->field;
	Oid			element = get_element_type(loader->base);

	/* the elements of these two are counted from zero, and have no nulls */
	if (!OidIsValid(element) || loader->base == INT2VECTOROID ||
		loader->base == OIDVECTOROID)
		throw_no_way(field, loader->typid);
	loader->how = HOW_LIST;

	/*
	 * lists in lists are dimensions, unless the elements are arrays
	 * themselves
	 */
	do
	{
		field = &field->children[0];
		loader->ndim++;
	} while (is_list(field) && loader->ndim < MAXDIM &&
			 !OidIsValid(get_element_type(getBaseType(element))));
	loader->inner = stash_arrow_make_loader(field, element, loader->typmod);
	get_typlenbyvalalign(element, &loader->typlen, &loader->typbyval,
						 &loader->typalign);
}

static void
make_struct(StashArrowLoader *loader)
{
	const StashArrowField *field = loader->field;
	TupleDesc	desc;

	if (!type_is_rowtype(loader->base) || loader->base == RECORDOID)
		throw_no_way(field, loader->typid);
	loader->how = HOW_STRUCT;
	desc = lookup_rowtype_tupdesc_copy(loader->base, -1);
	loader->desc = desc;
	loader->members = palloc0(desc->natts * sizeof(StashArrowLoader *));
	loader->children = palloc0(desc->natts * sizeof(int));
	loader->values = palloc0(desc->natts * sizeof(Datum));
	loader->isnull = palloc0(desc->natts * sizeof(bool));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		loader->isnull[i] = true;
		if (attr->attisdropped)
			continue;
		loader->children[i] = stash_arrow_find_field(field->children, field->nchildren,
													 NameStr(attr->attname));
		loader->members[i] =
			stash_arrow_make_loader(&field->children[loader->children[i]],
									attr->atttypid, attr->atttypmod);
	}
}

/* Decide how a value of its own becomes one of the wanted type. */
static void
make_scalar(StashArrowLoader *loader)
{
	const StashArrowField *field = loader->field;
	Oid			function;
	bool		is_varlena;

	loader->nearest = get_nearest(field);
	/* any float is one of these, exactly */
	if (loader->nearest == FLOAT4OID && loader->base == FLOAT8OID)
		loader->nearest = FLOAT8OID;
	if (loader->typmod == -1)
	{
		if (loader->base == loader->nearest ||
			(loader->nearest == TEXTOID && loader->base == VARCHAROID) ||
			(loader->nearest == TEXTOID && loader->base == BPCHAROID))
		{
			loader->how = HOW_SAME;
			return;
		}
		if (loader->nearest == INT8OID &&
			(loader->base == INT2OID || loader->base == INT4OID ||
			 loader->base == OIDOID))
		{
			loader->how = HOW_INTEGER;
			return;
		}
	}
	if (field->type == STASH_ARROW_FIXED_BINARY && field->width == UUID_LEN &&
		loader->base == UUIDOID)
	{
		loader->how = HOW_UUID;
		return;
	}

	/* which checks a domain, too */
	loader->how = HOW_TEXT;
	loader->is_domain = false;
	getTypeInputInfo(loader->typid, &function, &loader->ioparam);
	fmgr_info_cxt(function, &loader->input, loader->context);
	getTypeOutputInfo(loader->nearest, &function, &is_varlena);
	fmgr_info_cxt(function, &loader->output, loader->context);
}

/*
 * Make a loader.
 *
 * Errors: 42804 for a list that is to become no array, or a struct no row;
 * 42703, 42702 for a row whose columns the struct lacks or has twice; 42883
 * for a type that has no input function.
 */
StashArrowLoader *
stash_arrow_make_loader(const StashArrowField *field, Oid typid, int32 typmod)
{
	StashArrowLoader *loader = palloc0(sizeof(StashArrowLoader));

	check_stack_depth();

	loader->context = CurrentMemoryContext;
	loader->field = field;
	loader->typid = typid;
	loader->typmod = typmod;
	loader->base = getBaseTypeAndTypmod(typid, &loader->typmod);
	loader->is_domain = loader->base != typid;
	get_typlenbyvalalign(loader->base, &loader->typlen, &loader->typbyval,
						 &loader->typalign);

	if (field->has_dictionary)
	{
		StashArrowField *values = palloc(sizeof(StashArrowField));

		*values = *field;
		values->has_dictionary = false;
		loader->how = HOW_DICTIONARY;
		/* a domain may refuse a value that nobody uses */
		loader->inner = stash_arrow_make_loader(values, loader->base, loader->typmod);
		loader->values_context = AllocSetContextCreate(loader->context,
													   "pg_hashstash dictionary",
													   ALLOCSET_DEFAULT_SIZES);
	}
	else if (is_list(field))
		make_list(loader);
	else if (field->type == STASH_ARROW_STRUCT)
		make_struct(loader);
	else if (field->type == STASH_ARROW_NULL)
		loader->how = HOW_NULL;
	else
		make_scalar(loader);
	return loader;
}

/*
 * The one field with a name of the server.  Errors: 42703 where there is none,
 * 42702 where there are more.
 */
int
stash_arrow_find_field(const StashArrowField *fields, int nfields, const char *name)
{
	const char *utf8 = pg_server_to_any(name, (int) strlen(name), PG_UTF8);
	int			found = -1;

	for (int i = 0; i < nfields; i++)
	{
		if (strcmp(fields[i].name, utf8) != 0)
			continue;
		if (found >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_COLUMN),
					 errmsg("Arrow data have more than one column \"%s\"", name)));
		found = i;
	}
	if (found < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("Arrow data have no column \"%s\"", name),
				 errhint("Columns are found by their names; those that are not asked for are left out.")));
	return found;
}

/* ---- values ---- */

/*
 * Text in the server's encoding, which is checked; maybe without a zero byte
 * behind it.
 */
static const char *
get_text(const StashArrowArray *array, int64 i, Size *len)
{
	const char *data = stash_arrow_get_bytes(array, i, len);
	const char *text;

	if (*len > MaxAllocSize - VARHDRSZ - 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text of Arrow data is too large")));
	text = pg_any_to_server(data, (int) *len, PG_UTF8);
	if (text != data)
		*len = strlen(text);
	return text;
}

static Datum
get_bytea(const StashArrowArray *array, int64 i)
{
	Size		len;
	const char *data = stash_arrow_get_bytes(array, i, &len);

	if (len > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("binary value of Arrow data is too large")));
	return PointerGetDatum(cstring_to_text_with_len(data, (int) len));
}

/* Half precision: 1 bit sign, 5 exponent, 10 fraction. */
static float4
widen_half(uint16 half)
{
	int			exponent = half >> 10 & 0x1f;
	uint32		fraction = half & 0x3ff;
	double		value;

	if (exponent == 0x1f)
		value = fraction != 0 ? get_float8_nan() : get_float8_infinity();
	else if (exponent == 0)
		value = ldexp(fraction, -24);
	else
		value = ldexp(fraction | 0x400, exponent - 25);
	return (float4) (half >> 15 ? -value : value);
}

static Datum
get_float(const StashArrowArray *array, int64 i, bool is_float8)
{
	int64		bits = stash_arrow_get_int(array, i);
	uint32		bits4 = (uint32) bits;
	float4		value4;
	float8		value8;

	if (array->field->unit == STASH_ARROW_DOUBLE)
	{
		memcpy(&value8, &bits, sizeof(value8));
		return Float8GetDatum(value8);
	}
	if (array->field->unit == STASH_ARROW_HALF)
		value4 = widen_half((uint16) bits);
	else
		memcpy(&value4, &bits4, sizeof(value4));
	return is_float8 ? Float8GetDatum((float8) value4) : Float4GetDatum(value4);
}

/* The text of a number that may have more digits than an int8. */
static char *
get_number_text(const StashArrowArray *array, int64 i)
{
	StringInfoData text;
	Size		len;
	const char *data;

	if (array->field->type == STASH_ARROW_INT)
		return psprintf(UINT64_FORMAT, (uint64) stash_arrow_get_int(array, i));
	data = stash_arrow_get_bytes(array, i, &len);
	initStringInfo(&text);
	stash_arrow_put_decimal_text(&text, (const uint8 *) data, (int) len,
								 array->field->scale);
	return text.data;
}

static Datum
get_date(const StashArrowArray *array, int64 i)
{
	int64		value = stash_arrow_get_int(array, i);

	if (array->field->unit == STASH_ARROW_MILLISECOND)
	{
		int64		msecs = SECS_PER_DAY * INT64CONST(1000);

		value = value / msecs - (value % msecs < 0);
		/* else the infinities of the other unit would be met */
		if (value == PG_INT32_MIN || value == PG_INT32_MAX)
			value = PG_INT64_MAX;
	}
	return DateADTGetDatum(stash_arrow_to_date(value));
}

static Datum
get_time(const StashArrowArray *array, int64 i)
{
	int64		usecs = stash_arrow_to_usecs(stash_arrow_get_int(array, i),
											 array->field->unit);

	if (usecs < 0 || usecs > USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("time of Arrow data out of range")));
	return TimeADTGetDatum(usecs);
}

static int32
load_int32(const char *data)
{
	int32		value;

	memcpy(&value, data, 4);
	return stash_arrow_order32(value);
}

static int64
load_int64(const char *data)
{
	int64		value;

	memcpy(&value, data, 8);
	return stash_arrow_order64(value);
}

static Datum
get_interval(const StashArrowArray *array, int64 i)
{
	Interval   *interval = palloc0(sizeof(Interval));
	const StashArrowField *field = array->field;
	Size		len;
	const char *data = stash_arrow_get_bytes(array, i, &len);

	if (field->type == STASH_ARROW_DURATION)
		interval->time = stash_arrow_to_usecs(load_int64(data), field->unit);
	else if (field->unit == STASH_ARROW_YEAR_MONTH)
		interval->month = load_int32(data);
	else if (field->unit == STASH_ARROW_DAY_TIME)
	{
		interval->day = load_int32(data);
		interval->time = load_int32(data + 4) * INT64CONST(1000);
	}
	else
	{
		int64		nsecs = load_int64(data + 8);

		interval->month = load_int32(data);
		interval->day = load_int32(data + 4);
		interval->time = stash_arrow_to_usecs(nsecs, STASH_ARROW_NANOSECOND);
		/* infinite ones, from 17 on */
		if ((nsecs == PG_INT64_MAX && interval->day == PG_INT32_MAX &&
			 interval->month == PG_INT32_MAX) ||
			(nsecs == PG_INT64_MIN && interval->day == PG_INT32_MIN &&
			 interval->month == PG_INT32_MIN))
			interval->time = nsecs;
	}
	return IntervalPGetDatum(interval);
}

/* A value as one of the nearest type. */
static Datum
get_nearest_value(StashArrowLoader *loader, const StashArrowArray *array, int64 i)
{
	const char *text;
	Size		len;

	switch (loader->nearest)
	{
		case BOOLOID:
			return BoolGetDatum(array->values[i >> 3] >> (i & 7) & 1);
		case INT8OID:
			return Int64GetDatum(stash_arrow_get_int(array, i));
		case FLOAT4OID:
		case FLOAT8OID:
			return get_float(array, i, loader->nearest == FLOAT8OID);
		case NUMERICOID:
			return DirectFunctionCall3(numeric_in,
									   CStringGetDatum(get_number_text(array, i)),
									   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
		case DATEOID:
			return get_date(array, i);
		case TIMEOID:
			return get_time(array, i);
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return TimestampGetDatum(stash_arrow_to_timestamp(stash_arrow_get_int(array, i),
															  array->field->unit));
		case INTERVALOID:
			return get_interval(array, i);
		case BYTEAOID:
			return get_bytea(array, i);
		default:
			text = get_text(array, i, &len);
			return PointerGetDatum(cstring_to_text_with_len(text, (int) len));
	}
}

/* A value as text, for the input function of another type. */
static char *
get_value_text(StashArrowLoader *loader, const StashArrowArray *array, int64 i)
{
	char	   *buf;
	const char *text;
	Size		len;

	switch (loader->nearest)
	{
		case TEXTOID:
			text = get_text(array, i, &len);
			return pnstrdup(text, len);
		case NUMERICOID:
			return get_number_text(array, i);
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			buf = palloc(MAXDATELEN + 1);
			return JsonEncodeDateTime(buf, get_nearest_value(loader, array, i),
									  loader->nearest, NULL);
		default:
			return OutputFunctionCall(&loader->output,
									  get_nearest_value(loader, array, i));
	}
}

static Datum
get_integer(StashArrowLoader *loader, const StashArrowArray *array, int64 i)
{
	int64		value = stash_arrow_get_int(array, i);

	if (loader->base == INT4OID && value >= PG_INT32_MIN && value <= PG_INT32_MAX)
		return Int32GetDatum((int32) value);
	if (loader->base == INT2OID && value >= PG_INT16_MIN && value <= PG_INT16_MAX)
		return Int16GetDatum((int16) value);
	if (loader->base == OIDOID && value >= 0 && value <= PG_UINT32_MAX)
		return ObjectIdGetDatum((Oid) value);
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%lld is out of range for type %s", (long long) value,
					format_type_be(loader->base))));
}

static Datum
get_uuid(const StashArrowArray *array, int64 i)
{
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));
	Size		len;

	memcpy(uuid->data, stash_arrow_get_bytes(array, i, &len), UUID_LEN);
	return UUIDPGetDatum(uuid);
}

/* The elements of an array while they are collected. */
typedef struct Elements
{
	StashArrowLoader *loader;
	int			dims[MAXDIM];	/* -1 where none was seen yet */
	Datum	   *values;
	bool	   *isnull;
	int64		n;
	int64		room;
} Elements;

static void
add_element(Elements *elements, const StashArrowArray *array, int64 i)
{
	if (elements->n == elements->room)
	{
		elements->room *= 2;
		if (elements->room > MAX_VALUES)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("list of Arrow data is too long for an array")));
		elements->values = repalloc(elements->values, elements->room * sizeof(Datum));
		elements->isnull = repalloc(elements->isnull, elements->room * sizeof(bool));
	}
	elements->values[elements->n] =
		stash_arrow_load(elements->loader->inner, array, i,
						 &elements->isnull[elements->n]);
	elements->n++;
}

/* Collect a list, whose lists must all have one length. */
static void
add_list(Elements *elements, const StashArrowArray *array, int64 i, int dimension)
{
	const StashArrowArray *child = &array->children[0];
	int64		first;
	int64		n = stash_arrow_get_list(array, i, &first);

	if (elements->dims[dimension] >= 0 && elements->dims[dimension] != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("lists of Arrow data have different lengths"),
				 errdetail("The dimensions of an array have one length each.")));
	if (n > MAX_VALUES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("list of Arrow data is too long for an array")));
	elements->dims[dimension] = (int) n;
	for (int64 k = first; k < first + n; k++)
	{
		CHECK_FOR_INTERRUPTS();

		if (dimension + 1 == elements->loader->ndim)
			add_element(elements, child, k);
		else if (stash_arrow_is_null(child, k))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("list of Arrow data has a null in the place of a list"),
					 errdetail("An array has values or nulls, but no missing parts.")));
		else
			add_list(elements, child, k, dimension + 1);
	}
}

static Datum
get_array(StashArrowLoader *loader, const StashArrowArray *array, int64 i)
{
	Elements	elements = {.loader = loader,.room = 16};
	Oid			type = loader->inner->typid;
	int			bounds[MAXDIM];

	for (int d = 0; d < MAXDIM; d++)
	{
		elements.dims[d] = -1;
		bounds[d] = 1;
	}
	elements.values = palloc(elements.room * sizeof(Datum));
	elements.isnull = palloc(elements.room * sizeof(bool));
	add_list(&elements, array, i, 0);
	if (elements.n == 0)
		return PointerGetDatum(construct_empty_array(type));
	return PointerGetDatum(construct_md_array(elements.values, elements.isnull,
											  loader->ndim, elements.dims, bounds, type,
											  loader->typlen, loader->typbyval,
											  loader->typalign));
}

static Datum
get_row(StashArrowLoader *loader, const StashArrowArray *array, int64 i)
{
	for (int k = 0; k < loader->desc->natts; k++)
	{
		if (loader->members[k] != NULL)
			loader->values[k] = stash_arrow_load(loader->members[k],
												 &array->children[loader->children[k]],
												 i, &loader->isnull[k]);
	}
	return HeapTupleGetDatum(heap_form_tuple(loader->desc, loader->values, loader->isnull));
}

static Datum
get_from_dictionary(StashArrowLoader *loader, const StashArrowArray *array, int64 i,
					bool *isnull)
{
	int64		index = stash_arrow_get_int(array, i);

	if (index < 0 || index >= loader->nvalues)
		throw_invalid("A value is not in its dictionary.");
	*isnull = loader->isnull[index];
	return loader->values[index];
}

/* A domain may refuse nulls. */
static Datum
get_null(StashArrowLoader *loader)
{
	if (loader->how == HOW_TEXT)
		(void) InputFunctionCall(&loader->input, NULL, loader->ioparam, loader->typmod);
	else if (loader->is_domain)
		domain_check((Datum) 0, true, loader->typid, &loader->domain, loader->context);
	return (Datum) 0;
}

/*
 * A value of an array that the loader's field has; it may point into the
 * array's bytes nowhere, but into the dictionary's.
 *
 * Errors: 22P03, 22021 for what is damaged; 22003, 22008 and others of the
 * types for what the wanted type has no place for; 23514 of domains.
 */
Datum
stash_arrow_load(StashArrowLoader *loader, const StashArrowArray *array, int64 i,
				 bool *isnull)
{
	Datum		value;
	char	   *text;

	check_stack_depth();

	*isnull = stash_arrow_is_null(array, i);
	if (*isnull)
		return get_null(loader);
	switch (loader->how)
	{
		case HOW_SAME:
			value = get_nearest_value(loader, array, i);
			break;
		case HOW_INTEGER:
			value = get_integer(loader, array, i);
			break;
		case HOW_TEXT:
			text = get_value_text(loader, array, i);
			stash_catalog_note_text(loader->typid, text);
			return InputFunctionCall(&loader->input, text, loader->ioparam,
									 loader->typmod);
		case HOW_UUID:
			value = get_uuid(array, i);
			break;
		case HOW_LIST:
			value = get_array(loader, array, i);
			break;
		case HOW_STRUCT:
			value = get_row(loader, array, i);
			break;
		case HOW_DICTIONARY:
			value = get_from_dictionary(loader, array, i, isnull);
			break;
		default:
			*isnull = true;
			return get_null(loader);
	}
	if (loader->is_domain)
		domain_check(value, *isnull, loader->typid, &loader->domain, loader->context);
	return value;
}

/* ---- dictionaries ---- */

/* Take the values of a dictionary, which come instead of, or after, others. */
static void
take_values(StashArrowLoader *loader, const StashArrowReader *reader,
			MemoryContext scratch)
{
	const StashArrowArray *array = &reader->arrays[0];
	int64		before = reader->is_delta ? loader->nvalues : 0;
	int64		n = before + reader->nrows;
	int64		room;

	if (n > MAX_VALUES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("dictionary of Arrow data is too large")));
	room = Max(n, 1);
	if (before == 0)
	{
		MemoryContextReset(loader->values_context);
		loader->values = MemoryContextAlloc(loader->values_context, room * sizeof(Datum));
		loader->isnull = MemoryContextAlloc(loader->values_context, room * sizeof(bool));
	}
	else
	{
		loader->values = repalloc(loader->values, room * sizeof(Datum));
		loader->isnull = repalloc(loader->isnull, room * sizeof(bool));
	}
	/* nothing but what is there may be found if an error comes between */
	loader->nvalues = before;
	for (int64 i = before; i < n; i++)
	{
		MemoryContext old;
		Datum		value;

		CHECK_FOR_INTERRUPTS();

		old = MemoryContextSwitchTo(scratch);
		value = stash_arrow_load(loader->inner, array, i - before, &loader->isnull[i]);
		MemoryContextSwitchTo(loader->values_context);
		loader->values[i] = loader->isnull[i] ? (Datum) 0 :
			datumCopy(value, loader->typbyval, loader->typlen);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	loader->nvalues = n;
}

/*
 * Take the dictionary that the reader has just read, wherever the loader uses
 * it.  'scratch' is reset.  Errors: those of stash_arrow_load().
 */
void
stash_arrow_load_dictionary(StashArrowLoader *loader, const StashArrowReader *reader,
							MemoryContext scratch)
{
	if (loader->how == HOW_DICTIONARY &&
		loader->field->dictionary == reader->dictionary)
		take_values(loader, reader, scratch);
	if (loader->inner != NULL)
		stash_arrow_load_dictionary(loader->inner, reader, scratch);
	for (int i = 0; loader->members != NULL && i < loader->desc->natts; i++)
	{
		if (loader->members[i] != NULL)
			stash_arrow_load_dictionary(loader->members[i], reader, scratch);
	}
}
