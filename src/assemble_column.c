/*-------------------------------------------------------------------------
 *
 * assemble_column.c
 *	  What a column's name leads to in a value, and the value it makes.
 *
 * A name is looked for in all the ways in which its dots can be read, for
 * keys may hold dots.  A field of a row whose name no other reading touches
 * is found once for the row type, and its datum taken as it is.
 *
 * Conversion is the server's own explicit cast, planned once for each pair of
 * types; where there is none, through text.
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
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "assemble.h"
#include "catalog.h"
#include "codec.h"
#include "compat.h"
#include "frame_datum.h"
#include "typeio.h"

/* ---- parts ---- */

/*
 * Look into a value that is JSON, as an iterator or a look-up gave it.
 */
void
stash_assemble_open_json(StashPart *part, const JsonbValue *json)
{
	part->kind = json->type == jbvNull ? STASH_PART_NULL : STASH_PART_JSON;
	part->json = *json;
}

static void
open_jsonb(StashPart *part, Datum value)
{
	Jsonb	   *jsonb = DatumGetJsonbP(value);
	JsonbValue	json;

	if (!JB_ROOT_IS_SCALAR(jsonb) ||
		!JsonbExtractScalar(&jsonb->root, &json))
	{
		json.type = jbvBinary;
		json.val.binary.data = &jsonb->root;
		json.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	}
	stash_assemble_open_json(part, &json);
}

static void
open_row(StashPart *part, StashType *type, Datum row)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(row);
	HeapTupleData tuple;
	int			natts = type->desc->natts;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	part->kind = STASH_PART_ROW;
	part->values = palloc(sizeof(Datum) * (natts + 1));
	part->nulls = palloc(sizeof(bool) * (natts + 1));
	heap_deform_tuple(&tuple, type->desc, part->values, part->nulls);
}

/*
 * Look into a value: see it as JSON, as a row, or as a value without parts.
 *
 * Allocates in the current memory context, and points into the value.
 */
void
stash_assemble_open(StashPart *part, StashType *type, Datum value, bool isnull)
{
	part->kind = STASH_PART_NULL;
	if (isnull)
		return;
	while (type->kind == STASH_KIND_DOMAIN)
		type = type->inner;
	if (type->kind == STASH_KIND_RECORD)
		type = stash_type_of_row(value);
	part->type = type;
	part->value = value;
	if (type->kind == STASH_KIND_ROW)
		open_row(part, type, value);
	else if (type->oid == JSONBOID)
		open_jsonb(part, value);
	else if (type->oid == JSONOID)
		open_jsonb(part, stash_type_to_jsonb(type, value));
	else
		part->kind = STASH_PART_DATUM;
}

static bool
has_names(const StashPart *part)
{
	return part->kind == STASH_PART_ROW ||
		(part->kind == STASH_PART_JSON && part->json.type == jbvBinary &&
		 JsonContainerIsObject(part->json.val.binary.data));
}

/* the member of an object or row that has exactly this name */
static bool
get_member(const StashPart *part, const char *name, int len, StashPart *member)
{
	JsonbValue	json;

	if (part->kind == STASH_PART_JSON)
	{
		if (getKeyJsonValueFromContainer(part->json.val.binary.data,
										 name, len, &json) == NULL)
			return false;
		stash_assemble_open_json(member, &json);
		return true;
	}
	for (int i = 0; i < part->type->nfields; i++)
	{
		StashField *field = &part->type->fields[i];

		if (strncmp(field->name, name, len) == 0 && field->name[len] == '\0')
		{
			stash_assemble_open(member, field->type,
								part->values[field->attno - 1],
								part->nulls[field->attno - 1]);
			return true;
		}
	}
	return false;
}

/*
 * Find the places a name leads to: their number, 2 standing for all above
 * one, and the part at one of them.
 */
static int
find_places(const StashPart *part, const char *name, int len, StashPart *found)
{
	int			places = 0;
	int			from = 0;

	check_stack_depth();
	while (places < 2)
	{
		const char *dot = memchr(name + from, '.', len - from);
		int			first = dot == NULL ? len : dot - name;
		StashPart	member;

		if (get_member(part, name, first, &member))
		{
			if (dot == NULL)
			{
				*found = member;
				places++;
			}
			else if (has_names(&member))
				places += find_places(&member, dot + 1, len - first - 1,
									  found);
		}
		if (dot == NULL)
			break;
		from = first + 1;
	}
	return Min(places, 2);
}

/* the part that a column's name leads to, or false; throws for two of them */
static bool
find_part(const StashColumn *column, const StashPart *value, StashPart *found)
{
	int			places;

	if (!has_names(value))
	{
		/* a value without names is called as stash.assemble_json() does */
		*found = *value;
		return strcmp(column->name, "value") == 0;
	}
	places = find_places(value, column->name, column->namelen, found);
	if (places > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE),
				 errmsg("two values have the flattened name \"%s\"",
						column->name),
				 errhint("Leave the column out, or use stash.flatten() with a separator that occurs in no key.")));
	return places == 1;
}

/* find out once for a row type where a column's value is */
static void
route_row(StashColumn *column, StashType *row)
{
	if (column->row == row)
		return;
	column->row = row;
	column->field = NULL;
	column->is_ambiguous = false;
	for (int i = 0; i < row->nfields; i++)
	{
		StashField *field = &row->fields[i];
		size_t		len = strlen(field->name);

		if (strncmp(field->name, column->name, len) != 0)
			continue;
		if (column->name[len] == '\0')
			column->field = field;
		else if (column->name[len] == '.')
			column->is_ambiguous = true;
	}
}

/* ---- casts ---- */

/*
 * Make a column for values of 'type'; what it will need lives in the current
 * memory context.
 */
void
stash_assemble_init_column(StashColumn *column, const char *name, Oid type,
						   int32 typmod, ExprContext *econtext)
{
	memset(column, 0, sizeof(StashColumn));
	column->name = name;
	column->namelen = strlen(name);
	column->type = type;
	column->typmod = typmod;
	column->base = getBaseType(type);
	column->has_parts = OidIsValid(get_element_type(column->base)) ||
		type_is_rowtype(column->base);
	column->econtext = econtext;
	column->context = CurrentMemoryContext;
}

/* the expression that casts a value of type 'source' to the column's */
static Expr *
plan_cast(StashColumn *column, Oid source)
{
	CaseTestExpr *input = makeNode(CaseTestExpr);
	Node	   *cast = NULL;

	input->typeId = source;
	input->typeMod = -1;
	input->collation = get_typcollation(source);
	/* of a record the server would want to see the columns right here */
	if (source != RECORDOID)
		cast = coerce_to_target_type(NULL, (Node *) input, source,
									 column->type, column->typmod,
									 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST,
									 -1);
	if (cast == NULL)
	{
		CoerceViaIO *via_text = makeNode(CoerceViaIO);

		via_text->arg = (Expr *) input;
		via_text->resulttype = column->type;
		via_text->resultcollid = get_typcollation(column->type);
		via_text->coerceformat = COERCE_EXPLICIT_CAST;
		via_text->location = -1;
		cast = coerce_to_target_type(NULL, (Node *) via_text, column->type,
									 column->type, column->typmod,
									 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST,
									 -1);
	}
	return expression_planner((Expr *) cast);
}

static StashCast *
find_cast(StashColumn *column, Oid source)
{
	StashCast  *cast;
	MemoryContext old;

	for (cast = column->casts; cast != NULL; cast = cast->next)
	{
		if (cast->source == source)
			return cast;
	}
	old = MemoryContextSwitchTo(column->context);
	cast = palloc0(sizeof(StashCast));
	cast->source = source;
	if (source != column->type || column->typmod >= 0)
		cast->state = ExecInitExpr(plan_cast(column, source), NULL);
	cast->next = column->casts;
	column->casts = cast;
	MemoryContextSwitchTo(old);
	return cast;
}

static Datum
apply_cast(StashColumn *column, Oid source, Datum value, bool *isnull)
{
	StashCast  *cast = find_cast(column, source);

	if (cast->state == NULL)
		return value;
	column->econtext->caseValue_datum = value;
	column->econtext->caseValue_isNull = *isnull;
	return ExecEvalExpr(cast->state, column->econtext, isnull);
}

static Datum
convert_null(StashColumn *column, bool *isnull)
{
	*isnull = true;
	/* a domain may forbid it */
	if (column->base != column->type)
		return apply_cast(column, column->base, (Datum) 0, isnull);
	return (Datum) 0;
}

/* make ready to fill a row of one column, called "value" and of our type */
static void
prepare_populate(StashColumn *column)
{
	MemoryContext old = MemoryContextSwitchTo(column->context);
	FmgrInfo   *function = palloc(sizeof(FmgrInfo));
	TupleDesc	desc = CreateTemplateTupleDesc(1);
	Datum		value = (Datum) 0;
	bool		isnull = true;
	List	   *args = list_make2(makeNullConst(RECORDOID, -1, InvalidOid),
								  makeNullConst(JSONBOID, -1, InvalidOid));

	TupleDescInitEntry(desc, 1, "value", column->type, column->typmod, 0);
	TupleDescFinalize(desc);
	desc = BlessTupleDesc(desc);
	column->populate_row =
		HeapTupleHeaderGetDatum(heap_form_tuple(desc, &value, &isnull)->t_data);
	fmgr_info_cxt(F_JSONB_POPULATE_RECORD, function, column->context);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSONB_POPULATE_RECORD,
											 RECORDOID, args, InvalidOid,
											 InvalidOid, COERCE_EXPLICIT_CALL),
					   function);
	column->populate = function;
	MemoryContextSwitchTo(old);
}

/* an array or row from JSON, by the rules of jsonb_populate_record() */
static Datum
populate(StashColumn *column, JsonbValue *json, bool *isnull)
{
	Jsonb	   *object = stash_assemble_wrap(json);
	Datum		row;

	if (column->populate == NULL)
		prepare_populate(column);
	row = FunctionCall2(column->populate, column->populate_row,
						JsonbPGetDatum(object));
	return GetAttributeByNum(DatumGetHeapTupleHeader(row), 1, isnull);
}

static Datum
convert_json(StashColumn *column, const JsonbValue *json, bool *isnull)
{
	JsonbValue	copy = *json;

	*isnull = false;
	if (column->base != JSONBOID && column->base != JSONOID &&
		column->type != stash_catalog_variant_type(false))
	{
		if (copy.type == jbvNumeric)
			return apply_cast(column, NUMERICOID,
							  NumericGetDatum(copy.val.numeric), isnull);
		if (copy.type == jbvBool)
			return apply_cast(column, BOOLOID,
							  BoolGetDatum(copy.val.boolean), isnull);
		if (copy.type == jbvString)
			return apply_cast(column, TEXTOID,
							  PointerGetDatum(cstring_to_text_with_len(copy.val.string.val,
																	   copy.val.string.len)),
							  isnull);
		if (column->has_parts)
			return populate(column, &copy, isnull);
	}
	if (column->type == stash_catalog_variant_type(false))
		return PointerGetDatum(stash_frame_make(stash_type_lookup(JSONBOID, -1),
												JsonbPGetDatum(JsonbValueToJsonb(&copy)),
												false, STASH_CODEC_LZ4));
	return apply_cast(column, JSONBOID,
					  JsonbPGetDatum(JsonbValueToJsonb(&copy)), isnull);
}

static Datum
convert_datum(StashColumn *column, StashType *type, Datum value, bool *isnull)
{
	Oid			source = type->oid;

	*isnull = false;
	if (source == column->type)
		return apply_cast(column, source, value, isnull);
	while (type->kind == STASH_KIND_DOMAIN)
		type = type->inner;
	if (type->oid == JSONBOID || type->oid == JSONOID)
	{
		StashPart	part;

		stash_assemble_open(&part, type, value, false);
		return stash_assemble_convert(column, &part, isnull);
	}
	if (column->type == stash_catalog_variant_type(false))
		return PointerGetDatum(stash_frame_make(type, value, false,
												STASH_CODEC_LZ4));
	if (column->base == JSONBOID || column->base == JSONOID)
		return apply_cast(column, JSONBOID, stash_type_to_jsonb(type, value),
						  isnull);
	return apply_cast(column, source, value, isnull);
}

/* ---- for the callers ---- */

/*
 * The value of a column's type that a part makes.
 *
 * The result is allocated in the current memory context, or points into what
 * the part points into.  Throws what the cast throws.
 */
Datum
stash_assemble_convert(StashColumn *column, const StashPart *part,
					   bool *isnull)
{
	switch (part->kind)
	{
		case STASH_PART_NULL:
			return convert_null(column, isnull);
		case STASH_PART_JSON:
			return convert_json(column, &part->json, isnull);
		case STASH_PART_ROW:
		case STASH_PART_DATUM:
			return convert_datum(column, part->type, part->value, isnull);
	}
	pg_unreachable();
}

/*
 * True when a value has a part with the column's name, be it a NULL.
 */
bool
stash_assemble_has(StashColumn *column, const StashPart *value)
{
	StashPart	part;

	if (value->kind == STASH_PART_ROW)
	{
		route_row(column, value->type);
		if (!column->is_ambiguous)
			return column->field != NULL;
	}
	return has_names(value) && find_part(column, value, &part);
}

/*
 * The column's value in a value: NULL where there is none.
 *
 * Throws 22030 when the name leads to two places, and what the cast throws.
 */
Datum
stash_assemble_get(StashColumn *column, const StashPart *value, bool *isnull)
{
	StashPart	part;

	if (value->kind == STASH_PART_ROW)
	{
		route_row(column, value->type);
		if (!column->is_ambiguous)
		{
			int			at;

			if (column->field == NULL)
				return convert_null(column, isnull);
			at = column->field->attno - 1;
			if (value->nulls[at])
				return convert_null(column, isnull);
			return convert_datum(column, column->field->type,
								 value->values[at], isnull);
		}
	}
	if (!find_part(column, value, &part))
		return convert_null(column, isnull);
	return stash_assemble_convert(column, &part, isnull);
}
