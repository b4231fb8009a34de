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
#include "common/int.h"
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

/*
 * The same for a whole jsonb.
 */
void
stash_assemble_open_jsonb(StashPart *part, Jsonb *jsonb)
{
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
		stash_assemble_open_jsonb(part, DatumGetJsonbP(value));
	else if (type->oid == JSONOID)
		stash_assemble_open_jsonb(part,
								  DatumGetJsonbP(stash_type_to_jsonb(type, value)));
	else
		part->kind = STASH_PART_DATUM;
}

/*
 * A value as JSON; it may be allocated in the current memory context.
 */
void
stash_assemble_to_json(const StashPart *part, JsonbValue *json)
{
	Datum		value = part->value;
	StashPart	opened;

	switch (part->kind)
	{
		case STASH_PART_NULL:
			json->type = jbvNull;
			return;
		case STASH_PART_JSON:
			*json = part->json;
			return;
		case STASH_PART_ROW:
			value = HeapTupleHeaderGetDatum(heap_form_tuple(part->type->desc,
															part->values,
															part->nulls)->t_data);
			break;
		case STASH_PART_DATUM:
			break;
	}
	stash_assemble_open_jsonb(&opened,
							  DatumGetJsonbP(stash_type_to_jsonb(part->type, value)));
	if (opened.kind == STASH_PART_NULL)
		json->type = jbvNull;
	else
		*json = opened.json;
}

/*
 * True when a value has parts with names.
 */
bool
stash_assemble_has_names(const StashPart *part)
{
	return part->kind == STASH_PART_ROW ||
		(part->kind == STASH_PART_JSON && part->json.type == jbvBinary &&
		 JsonContainerIsObject(part->json.val.binary.data));
}

/* what a value's entry in a container says; 'offset' is that of its bytes */
static void
read_entry(const char *contents, JEntry entry, uint32 offset, uint32 len,
		   JsonbValue *value)
{
	uint32		aligned = INTALIGN(offset);

	switch (entry & JENTRY_TYPEMASK)
	{
		case JENTRY_ISSTRING:
			value->type = jbvString;
			value->val.string.val = unconstify(char *, contents + offset);
			value->val.string.len = (int) len;
			break;
		case JENTRY_ISNUMERIC:
			value->type = jbvNumeric;
			value->val.numeric = (Numeric) (contents + aligned);
			break;
		case JENTRY_ISBOOL_TRUE:
		case JENTRY_ISBOOL_FALSE:
			value->type = jbvBool;
			value->val.boolean = JBE_ISBOOL_TRUE(entry);
			break;
		case JENTRY_ISNULL:
			value->type = jbvNull;
			break;
		default:
			value->type = jbvBinary;
			value->val.binary.data = (JsonbContainer *) (contents + aligned);
			value->val.binary.len = (int) (len - (aligned - offset));
	}
}

/* the value that belongs to key 'at' of an object, whose bytes begin at 'offset' */
static void
read_value(JsonbContainer *object, uint32 at, uint32 offset, JsonbValue *value)
{
	uint32		nkeys = JsonContainerSize(object);
	const char *contents = (const char *) &object->children[nkeys * 2];
	uint32		before;

	/* the values lie behind the keys, in the same order */
	for (uint32 i = at; i < at + nkeys; i++)
	{
		JEntry		entry = object->children[i];

		offset = JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) :
			offset + JBE_OFFLENFLD(entry);
	}
	before = JBE_HAS_OFF(object->children[at + nkeys]) ? offset : 0;
	read_entry(contents, object->children[at + nkeys], offset,
			   JBE_OFFLENFLD(object->children[at + nkeys]) - before, value);
}

/* A key of an object that begins a name, or is all of it. */
typedef struct KeyMatch
{
	uint32		at;				/* number of the key; the next one to look at */
	uint32		offset;			/* of its bytes */
	int			len;
} KeyMatch;

/*
 * Find the next key from match->at on that ends where the name has a dot, or
 * ends; false for none.
 *
 * Keys are in the order of their lengths, so that none behind one that is
 * longer than the name can be meant.
 */
static inline bool
next_match(JsonbContainer *object, const char *name, int len, KeyMatch *match)
{
	uint32		nkeys = JsonContainerSize(object);
	const char *contents = (const char *) &object->children[nkeys * 2];

	for (; match->at < nkeys; match->at++, match->offset += match->len)
	{
		JEntry		entry = object->children[match->at];

		match->len = JBE_OFFLENFLD(entry) -
			(JBE_HAS_OFF(entry) ? match->offset : 0);
		if (match->len > len)
			return false;
		/* most names differ in their first byte, which costs no call */
		if ((match->len == len || name[match->len] == '.') &&
			(match->len == 0 ||
			 (contents[match->offset] == name[0] &&
			  memcmp(contents + match->offset, name, match->len) == 0)))
			return true;
	}
	return false;
}

/*
 * Find the places a name leads to from an object, in all the ways in which its
 * dots can be read: their number, 2 standing for all above one, the value at
 * one of them, and, where 'keys' is not NULL, the keys to it, as texts.
 */
int
stash_assemble_find_json(JsonbContainer *object, const char *name, int len,
						 JsonbValue *value, List **keys)
{
	KeyMatch	match = {0};
	int			places = 0;

	while (places < 2 && next_match(object, name, len, &match))
	{
		KeyMatch	other = match;
		List	   *rest = NIL;
		JsonbValue	member;
		int			found = 0;

		read_value(object, match.at, match.offset, &member);
		other.at++;
		other.offset += other.len;
		if (match.len == len)
		{
			*value = member;
			found = 1;
		}
		else if (member.type == jbvBinary &&
				 JsonContainerIsObject(member.val.binary.data))
		{
			if (keys == NULL && places == 0 &&
				!next_match(object, name, len, &other))
			{
				/* the only way, as nearly always: go on down there */
				object = member.val.binary.data;
				name += match.len + 1;
				len -= match.len + 1;
				memset(&match, 0, sizeof(match));
				continue;
			}
			check_stack_depth();
			found = stash_assemble_find_json(member.val.binary.data,
											 name + match.len + 1,
											 len - match.len - 1, value,
											 keys == NULL ? NULL : &rest);
		}
		if (keys != NULL && found > 0)
			*keys = lcons(cstring_to_text_with_len(name, match.len), rest);
		places += found;
		match.at++;
		match.offset += match.len;
	}
	return Min(places, 2);
}

/* the member of a row that has exactly this name */
static bool
get_member(const StashPart *row, const char *name, int len, StashPart *member)
{
	for (int i = 0; i < row->type->nfields; i++)
	{
		StashField *field = &row->type->fields[i];

		if (strncmp(field->name, name, len) == 0 && field->name[len] == '\0')
		{
			stash_assemble_open(member, field->type,
								row->values[field->attno - 1],
								row->nulls[field->attno - 1]);
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
	if (part->kind == STASH_PART_JSON)
	{
		JsonbValue	json;

		places = stash_assemble_find_json(part->json.val.binary.data, name,
										  len, &json, NULL);
		if (places > 0)
			stash_assemble_open_json(found, &json);
		return places;
	}
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
			else if (stash_assemble_has_names(&member))
				places += find_places(&member, dot + 1, len - first - 1,
									  found);
		}
		if (dot == NULL)
			break;
		from = first + 1;
	}
	return Min(places, 2);
}

/*
 * Throw 22030: a name leads to two places.
 */
void
stash_assemble_refuse_name(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE),
			 errmsg("two values have the flattened name \"%s\"", name),
			 errhint("Leave the column out, or use stash.flatten() with a separator that occurs in no key.")));
}

/* the part that a column's name leads to, or false; throws for two of them */
static bool
find_part(const StashColumn *column, const StashPart *value, StashPart *found)
{
	int			places;

	if (!stash_assemble_has_names(value))
	{
		/* a value without names is called as stash.assemble_json() does */
		*found = *value;
		return strcmp(column->name, "value") == 0;
	}
	places = find_places(value, column->name, column->namelen, found);
	if (places > 1)
		stash_assemble_refuse_name(column->name);
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
	column->is_variant = type == stash_catalog_variant_type(false);
	column->is_direct = type == column->base && typmod < 0;
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

/* whoever traces wants to know which texts become times */
static void
note_cast(Oid type, Oid source, Datum value)
{
	char		category;
	bool		is_preferred;
	Oid			output;
	bool		is_varlena;

	get_type_category_preferred(source, &category, &is_preferred);
	if (category == TYPCATEGORY_NUMERIC || category == TYPCATEGORY_BOOLEAN)
		return;
	getTypeOutputInfo(source, &output, &is_varlena);
	stash_catalog_note_text(type, OidOutputFunctionCall(output, value));
}

static Datum
apply_cast(StashColumn *column, Oid source, Datum value, bool *isnull)
{
	StashCast  *cast = find_cast(column, source);

	if (cast->state == NULL)
		return value;
	if (stash_catalog_text_note != NULL && !*isnull)
		note_cast(column->type, source, value);
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
	if (stash_catalog_text_note != NULL)
		stash_catalog_note_text(column->type,
								JsonbToCString(NULL, &object->root,
											   VARSIZE(object)));
	row = FunctionCall2(column->populate, column->populate_row,
						JsonbPGetDatum(object));
	return GetAttributeByNum(DatumGetHeapTupleHeader(row), 1, isnull);
}

/*
 * The digits of a stored number, without what stands before and behind them:
 * the number is '*digits' times 10 ^ '*power', false where they are too many
 * for that.  Only the short form is known, which nearly all numbers have
 * (utils/adt/numeric.c of the server; doc/image.md has the layout, too).
 */
static bool
get_digits(Numeric number, int64 *digits, int *power)
{
	const uint16 *words = (const uint16 *) VARDATA(number);
	int			n = (int) (VARSIZE(number) - VARHDRSZ) / (int) sizeof(uint16) - 1;
	int			weight = words[0] & 0x3F;

	if ((words[0] & 0xC000) != 0x8000 || n > 5)
		return false;
	if (words[0] & 0x40)
		weight -= 0x40;
	*digits = 0;
	/* below zero there is room for one more */
	for (int i = 1; i <= n; i++)
	{
		if (pg_mul_s64_overflow(*digits, 10000, digits) ||
			pg_sub_s64_overflow(*digits, words[i], digits))
			return false;
	}
	if ((words[0] & 0x2000) == 0)
	{
		if (*digits == PG_INT64_MIN)
			return false;
		*digits = -*digits;
	}
	*power = n == 0 ? 0 : 4 * (weight + 1 - n);
	return true;
}

/*
 * What a cast of the server makes of a number, where that is simple: exact
 * integers, and floats of which both parts are exact, so that one division or
 * multiplication rounds as reading all the digits does.
 */
static bool
convert_number(Oid type, Numeric number, Datum *value)
{
	static const double powers[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
	};
	int64		digits;
	int			power;

	if (!get_digits(number, &digits, &power))
		return false;
	if (type == FLOAT8OID)
	{
		if (digits > (INT64CONST(1) << 53) || digits < -(INT64CONST(1) << 53) ||
			power >= (int) lengthof(powers) || power <= -(int) lengthof(powers))
			return false;
		*value = Float8GetDatum(power < 0 ? digits / powers[-power] :
								digits * powers[power]);
		return true;
	}
	for (; power > 0; power -= 4)
	{
		if (pg_mul_s64_overflow(digits, 10000, &digits))
			return false;
	}
	if (power < 0 || (type == INT4OID && digits != (int32) digits))
		return false;
	*value = type == INT4OID ? Int32GetDatum((int32) digits) : Int64GetDatum(digits);
	return true;
}

/*
 * True for a whole number that bigint has room for, written without a point.
 */
bool
stash_assemble_is_integer(Numeric number, int64 *value)
{
	Datum		integer;

	/* its scale */
	if ((*(const uint16 *) VARDATA(number) & 0x1F80) != 0 ||
		!convert_number(INT8OID, number, &integer))
		return false;
	*value = DatumGetInt64(integer);
	return true;
}

/* what needs no cast, or only a simple one */
static bool
convert_directly(StashColumn *column, const JsonbValue *json, Datum *value)
{
	switch (json->type)
	{
		case jbvString:
			if (column->type != TEXTOID)
				return false;
			*value = PointerGetDatum(cstring_to_text_with_len(json->val.string.val,
															  json->val.string.len));
			return true;
		case jbvBool:
			*value = BoolGetDatum(json->val.boolean);
			return column->type == BOOLOID;
		case jbvNumeric:
			*value = NumericGetDatum(json->val.numeric);
			if (column->type == NUMERICOID)
				return true;
			return (column->type == INT4OID || column->type == INT8OID ||
					column->type == FLOAT8OID) &&
				convert_number(column->type, json->val.numeric, value);
		default:
			return false;
	}
}

static Datum
convert_json(StashColumn *column, const JsonbValue *json, bool *isnull)
{
	JsonbValue	copy;
	Datum		value;

	*isnull = false;
	if (column->is_direct && convert_directly(column, json, &value))
		return value;
	copy = *json;
	if (column->base != JSONBOID && column->base != JSONOID &&
		!column->is_variant)
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
	if (column->is_variant)
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
	if (column->is_variant)
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
	return stash_assemble_has_names(value) && find_part(column, value, &part);
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

	if (value->kind == STASH_PART_JSON && stash_assemble_has_names(value))
	{
		JsonbValue	json;
		int			places = stash_assemble_find_json(value->json.val.binary.data,
													  column->name,
													  column->namelen, &json,
													  NULL);

		if (places > 1)
			stash_assemble_refuse_name(column->name);
		if (places == 0 || json.type == jbvNull)
			return convert_null(column, isnull);
		return convert_json(column, &json, isnull);
	}
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
