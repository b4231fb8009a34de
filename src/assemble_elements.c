/*-------------------------------------------------------------------------
 *
 * assemble_elements.c
 *	  The elements of a value, one after the other, and their parts.
 *
 * What is an element stands at the head of assemble.c.
 *
 * stash.elements() gives them as variants, stash.part() takes a column's value
 * from one: with both, a view over a stash needs no function that reads the
 * table, and the planner sees all of the query.
 *
 * An element goes from one function to the other opened, as an expanded object
 * (utils/expandeddatum.h), so that it is decoded once, whatever is asked of
 * it.  It becomes the frame of a variant when somebody wants to keep it.  Only
 * read-only pointers are handed out; so nobody takes over its memory, which is
 * that of the value it was taken from.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#include "assemble.h"
#include "catalog.h"
#include "codec.h"
#include "variant.h"

PG_FUNCTION_INFO_V1(pg_hashstash_elements);
PG_FUNCTION_INFO_V1(pg_hashstash_part);
PG_FUNCTION_INFO_V1(pg_hashstash_part_jsonb);

/* An element on its way from one function to another. */
typedef struct OpenElement
{
	ExpandedObjectHeader header;
	StashPart	part;
	bytea	   *frame;			/* NULL: nobody wanted it yet */
} OpenElement;

/* What a call site of stash.elements() keeps. */
typedef struct ElementsCall
{
	MemoryContext context;		/* of the value being read */
	StashElements elements;
	bool		is_active;		/* more elements are to come */
} ElementsCall;

/* What a call site of stash.part() keeps. */
typedef struct PartCall
{
	bool		is_fixed;		/* the name is the same in all calls */
	StashColumn column;
} PartCall;

/* ---- elements ---- */

/* the value of an entry in parts is no element; see store_append.c */
static void
check_no_head(Datum variant)
{
	StashParts	parts;

	if (stash_store_is_head(variant, &parts))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("value only tells of the parts in which a large result is kept"),
				 errdetail("Its %lld rows are in %d other rows of the stash.",
						   (long long) parts.nrows, parts.nparts),
				 errhint("stash.assemble() and views of stash.create_view() read them. Where these fail, one was deleted: forget the call with stash.forget().")));
}

/*
 * Start on the elements of a stash's value.
 *
 * 'explode' is NULL, or the name of an array: of an element that has it there
 * is one for each of its items, which takes the array's place.  What is needed
 * for all elements is allocated in the current memory context, and points into
 * the variant.  Throws 55000 for the value of an entry in parts: each of these
 * is a value of its own.
 */
void
stash_assemble_begin(StashElements *elements, Datum variant, bool isnull,
					 const char *explode)
{
	StashFrameReader reader;
	StashPart  *part = &elements->whole;
	StashType  *type;
	Datum		value;

	elements->kind = STASH_ELEMENTS_WHOLE;
	elements->explode = explode;
	elements->exploded = NULL;
	elements->context = explode == NULL ? NULL :
		AllocSetContextCreate(CurrentMemoryContext, "pg_hashstash explode",
							  ALLOCSET_DEFAULT_SIZES);
	part->kind = STASH_PART_NULL;
	if (isnull)
		return;
	stash_variant_open(&reader, variant);
	if (stash_frame_rows_open(&elements->rows, &reader))
	{
		elements->kind = STASH_ELEMENTS_ROWS;
		elements->type = elements->rows.row;
		elements->values = palloc(sizeof(Datum) * (elements->type->desc->natts + 1));
		elements->nulls = palloc(sizeof(bool) * (elements->type->desc->natts + 1));
		return;
	}
	value = stash_frame_read(&reader, &type, &isnull);
	type = stash_type_without_domains(type);
	if (type->kind == STASH_KIND_ROW)
		check_no_head(variant);
	if (!isnull && type->kind == STASH_KIND_ARRAY)
	{
		ArrayType  *array = DatumGetArrayTypeP(value);
		int			ndim = ARR_NDIM(array);

		/* of an array with several dimensions, its slices */
		elements->kind = ndim == 0 ? STASH_ELEMENTS_NONE : STASH_ELEMENTS_ARRAY;
		elements->type = ndim > 1 ? type : type->inner;
		if (ndim > 0)
			elements->array = array_create_iterator(array, ndim - 1, NULL);
		return;
	}
	stash_assemble_open(part, type, value, isnull);
	if (part->kind == STASH_PART_JSON && part->json.type == jbvBinary &&
		JsonContainerIsArray(part->json.val.binary.data))
	{
		JsonbValue	item;

		elements->kind = STASH_ELEMENTS_JSON;
		elements->json = JsonbIteratorInit(part->json.val.binary.data);
		(void) JsonbIteratorNext(&elements->json, &item, true);
	}
}

/* the next element as it stands in the value; false when there is none left */
static bool
next_element(StashElements *elements, StashPart *part)
{
	Datum		value;
	JsonbValue	item;
	bool		isnull;

	switch (elements->kind)
	{
		case STASH_ELEMENTS_NONE:
			return false;
		case STASH_ELEMENTS_WHOLE:
			*part = elements->whole;
			elements->kind = STASH_ELEMENTS_NONE;
			return true;
		case STASH_ELEMENTS_ROWS:
			part->kind = STASH_PART_ROW;
			part->type = elements->type;
			part->value = (Datum) 0;
			part->values = elements->values;
			part->nulls = elements->nulls;
			return stash_frame_rows_next(&elements->rows, part->values,
										 part->nulls);
		case STASH_ELEMENTS_ARRAY:
			if (!array_iterate(elements->array, &value, &isnull))
				return false;
			stash_assemble_open(part, elements->type, value, isnull);
			return true;
		case STASH_ELEMENTS_JSON:
			if (JsonbIteratorNext(&elements->json, &item, true) != WJB_ELEM)
				return false;
			stash_assemble_open_json(part, &item);
			return true;
	}
	pg_unreachable();
}

/*
 * The next element, or false.
 *
 * The part may be allocated in the current memory context, and is good until
 * the next call.
 */
bool
stash_assemble_next(StashElements *elements, StashPart *part)
{
	if (elements->explode == NULL)
		return next_element(elements, part);
	while (elements->exploded == NULL ||
		   !stash_assemble_explode_next(elements->exploded, part))
	{
		MemoryContext old;
		bool		found;

		MemoryContextReset(elements->context);
		elements->exploded = NULL;
		old = MemoryContextSwitchTo(elements->context);
		found = next_element(elements, part);
		if (found)
			elements->exploded = stash_assemble_explode(part, elements->explode);
		MemoryContextSwitchTo(old);
		if (elements->exploded == NULL)
			return found;
	}
	return true;
}

/* ---- elements as variants ---- */

static bytea *
make_frame(const StashPart *part)
{
	if (part->kind == STASH_PART_JSON)
	{
		JsonbValue	json = part->json;

		return stash_frame_make(stash_type_lookup(JSONBOID, -1),
								JsonbPGetDatum(JsonbValueToJsonb(&json)),
								false, STASH_CODEC_NONE);
	}
	if (part->kind == STASH_PART_ROW)
		return stash_frame_make_row(part->type, part->values, part->nulls,
									STASH_CODEC_NONE);
	return stash_frame_make(part->type, part->value, false, STASH_CODEC_NONE);
}

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	OpenElement *element = (OpenElement *) header;

	if (element->frame == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(header->eoh_context);

		element->frame = make_frame(&element->part);
		MemoryContextSwitchTo(old);
	}
	return VARSIZE(element->frame);
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size size)
{
	OpenElement *element = (OpenElement *) header;

	Assert(element->frame != NULL && VARSIZE(element->frame) == size);
	memcpy(result, element->frame, size);
}

static const ExpandedObjectMethods element_methods = {
	get_flat_size,
	flatten_into
};

/* what a variant is to stash.part(): opened already, or opened now */
static const StashPart *
open_element(Datum variant, StashPart *part)
{
	StashType  *type;
	Datum		value;
	bool		isnull;

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(variant)) &&
		DatumGetEOHP(variant)->eoh_methods == &element_methods)
		return &((OpenElement *) DatumGetEOHP(variant))->part;
	value = stash_variant_value(variant, &type, &isnull);
	stash_assemble_open(part, type, value, isnull);
	return part;
}

/* ---- SQL ---- */

/* the query ends or starts over before all elements were asked for */
static void
stop_elements(Datum arg)
{
	((ElementsCall *) DatumGetPointer(arg))->is_active = false;
}

static ElementsCall *
begin_elements(FunctionCallInfo fcinfo, ReturnSetInfo *result)
{
	ElementsCall *call = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (result == NULL || !IsA(result, ReturnSetInfo) ||
		(result->allowedModes & SFRM_ValuePerCall) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	if (call == NULL)
	{
		call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
									  sizeof(ElementsCall));
		call->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt,
											  "pg_hashstash elements",
											  ALLOCSET_DEFAULT_SIZES);
		fcinfo->flinfo->fn_extra = call;
	}
	if (call->is_active)
		return call;
	MemoryContextReset(call->context);
	old = MemoryContextSwitchTo(call->context);
	stash_assemble_begin(&call->elements, PG_GETARG_DATUM(0), PG_ARGISNULL(0),
						 PG_ARGISNULL(1) ? NULL :
						 text_to_cstring(PG_GETARG_TEXT_PP(1)));
	MemoryContextSwitchTo(old);
	if (call->elements.kind != STASH_ELEMENTS_WHOLE ||
		call->elements.explode != NULL)
	{
		RegisterExprContextCallback(result->econtext, stop_elements,
									PointerGetDatum(call));
		call->is_active = true;
	}
	return call;
}

/*
 * stash.elements(value stash.variant, explode text DEFAULT NULL)
 * returns setof stash.variant
 *
 * Args:    explode  name of an array in the elements, nested ones with dots:
 *                   an element is repeated for each of its items
 * Returns: the elements of an array, JSON array or row set; any other value as
 *          it is, and a NULL as one NULL
 * Errors:  as stash_frame_open() has them; 22030 when 'explode' leads to two
 *          places; 55000 for the value of an entry in parts
 * Stable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_elements(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ElementsCall *call = begin_elements(fcinfo, result);
	OpenElement *element;

	CHECK_FOR_INTERRUPTS();
	element = palloc(sizeof(OpenElement));
	if (!stash_assemble_next(&call->elements, &element->part))
	{
		UnregisterExprContextCallback(result->econtext, stop_elements,
									  PointerGetDatum(call));
		call->is_active = false;
		result->isDone = ExprEndResult;
		PG_RETURN_NULL();
	}
	result->isDone = call->is_active ? ExprMultipleResult : ExprSingleResult;
	if (element->part.kind == STASH_PART_NULL)
		PG_RETURN_NULL();
	EOH_init_header(&element->header, &element_methods, CurrentMemoryContext);
	element->frame = NULL;
	PG_RETURN_DATUM(EOHPGetRODatum(&element->header));
}

/* what the call site keeps for a name, made anew when another one is asked for */
static PartCall *
prepare_part(FunctionCallInfo fcinfo)
{
	PartCall   *call = fcinfo->flinfo->fn_extra;
	text	   *name;
	MemoryContext context;
	MemoryContext old;

	if (likely(call != NULL && call->is_fixed))
		return call;
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("name must not be null")));
	name = PG_GETARG_TEXT_PP(1);
	if (call != NULL &&
		VARSIZE_ANY_EXHDR(name) == call->column.namelen &&
		memcmp(VARDATA_ANY(name), call->column.name,
			   call->column.namelen) == 0)
		return call;
	if (call != NULL)
		MemoryContextDelete(call->column.context);
	fcinfo->flinfo->fn_extra = NULL;
	context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt,
									"pg_hashstash part",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	call = palloc(sizeof(PartCall));
	call->is_fixed = get_fn_expr_arg_stable(fcinfo->flinfo, 1);
	stash_assemble_init_column(&call->column, text_to_cstring(name),
							   get_fn_expr_argtype(fcinfo->flinfo, 2), -1,
							   CreateStandaloneExprContext());
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = call;
	return call;
}

static void
add_error_context(void *arg)
{
	errcontext("part \"%s\" of a value", ((PartCall *) arg)->column.name);
}

static Datum
get_part(FunctionCallInfo fcinfo, PartCall *call, const StashPart *element)
{
	ErrorContextCallback callback = {error_context_stack, add_error_context, call};
	Datum		value;
	bool		isnull;

	error_context_stack = &callback;
	value = stash_assemble_get(&call->column, element, &isnull);
	error_context_stack = callback.previous;
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}

/*
 * stash.part(element stash.variant, name text, "like" anyelement)
 * returns anyelement
 *
 * Args:    element  a value, best one of stash.elements()
 *          name     keys or fields joined with dots; "value" where it has none
 *          like     any value of the wanted type, such as NULL::int
 * Returns: what the name leads to, cast to that type; NULL where there is none
 * Errors:  22004 NULL name; 22030 when the name leads to two values; what the
 *          cast throws
 * Stable, parallel safe, called on NULL.
 */
Datum
pg_hashstash_part(PG_FUNCTION_ARGS)
{
	PartCall   *call = prepare_part(fcinfo);
	StashPart	part = {STASH_PART_NULL};
	const StashPart *element = &part;

	if (!PG_ARGISNULL(0))
		element = open_element(PG_GETARG_DATUM(0), &part);
	return get_part(fcinfo, call, element);
}

/*
 * stash.part(document jsonb, name text, "like" anyelement) returns anyelement
 *
 * The same for a document that is in no stash.
 */
Datum
pg_hashstash_part_jsonb(PG_FUNCTION_ARGS)
{
	PartCall   *call = prepare_part(fcinfo);
	StashPart	part = {STASH_PART_NULL};

	if (!PG_ARGISNULL(0))
		stash_assemble_open_jsonb(&part, PG_GETARG_JSONB_P(0));
	return get_part(fcinfo, call, &part);
}
