/*-------------------------------------------------------------------------
 *
 * assemble_infer.c
 *	  Which columns values have, and of which types.
 *
 * A column is a name that leads to something in at least one element.  Its type
 * is the narrowest that all of them have a place in; doc/assemble.md has the
 * rules as a user reads them, resolve() and what it calls as they are.
 *
 * Names are kept, not values: memory depends on how many different names there
 * are, which MAX_NAMES bounds, and not on the number of entries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "assemble.h"
#include "catalog.h"
#include "compat.h"
#include "variant.h"

#define MAX_NAMES		100000
#define MAX_SAMPLES		3
#define MAX_TRIES		20		/* values looked at for samples */
#define SAMPLE_BYTES	60

/* What a scalar was found to be; from SEEN_INT4 on each has room for those before, up to SEEN_FLOAT8. */
#define SEEN_BOOL			0x001
#define SEEN_INT4			0x002
#define SEEN_INT8			0x004
#define SEEN_NUMERIC		0x008
#define SEEN_FLOAT8			0x010
#define SEEN_NUMBER			(SEEN_INT4 | SEEN_INT8 | SEEN_NUMERIC | SEEN_FLOAT8)
#define SEEN_DATE			0x020
#define SEEN_TIMESTAMP		0x040
#define SEEN_TIMESTAMPTZ	0x080
#define SEEN_TEXT			0x100
#define SEEN_OTHER			0x200	/* a type that only itself has room for */

/* What a name was found to lead to. */
#define SHAPE_SCALAR		0x01
#define SHAPE_ARRAY			0x02	/* of scalars, or without elements */
#define SHAPE_JSON			0x04	/* any other array, or too deep */
#define SHAPE_EMPTY			0x08	/* an object without members */
#define SHAPE_OBJECT		0x10	/* names that go on */

/* The scalars that were seen in one place. */
typedef struct Scalars
{
	uint32		seen;			/* SEEN_... */
	Oid			type;			/* of all so far; JSON's scalars have none */
	bool		has_begun;
} Scalars;

/* A name; columns are made of those that have values. */
typedef struct Leaf
{
	const char *text;			/* must be first; the key of the table */
	bool		is_key;			/* leads into the entry's key */
	uint32		shapes;			/* SHAPE_... */
	Scalars		scalars;
	Scalars		elements;		/* of arrays */
	int64		nvalues;		/* that are not NULL */
	int64		nobjects;		/* likewise */
	int64		last_value;		/* the element in which it had one, and ... */
	int64		last_object;	/* ... in which it was an object */
	struct Leaf *parent;		/* the object through which it was found */
	bool		has_parents;	/* more than that one */
	int			ntries;
	int			nsamples;
	char	   *samples[MAX_SAMPLES];
} Leaf;

/* A run over the elements. */
typedef struct Inference
{
	StashReading reading;		/* must be first */
	HTAB	   *table;			/* text to Leaf */
	MemoryContext context;		/* of the names */
	Leaf	  **names;			/* in the order in which they were first seen */
	int			nnames;
	int			room;
	int			depth;			/* of names, or INT_MAX */
	int64		nelements;
	bool		is_key;			/* looking into a key now */
	StringInfoData path;
	Leaf		whole_key;		/* the key as one column */
} Inference;

/* ---- names ---- */

static uint32
hash_name(const void *key, Size size)
{
	const char *text = *(const char *const *) key;

	return hash_bytes((const unsigned char *) text, (int) strlen(text));
}

static int
compare_names(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static Leaf *
add_name(Inference *in, Leaf *name, Leaf *parent)
{
	MemoryContext old = MemoryContextSwitchTo(in->context);
	char	   *text = pstrdup(in->path.data);

	if (in->nnames >= MAX_NAMES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("values have more than %d different names", MAX_NAMES),
				 errhint("Give a depth: what lies deeper becomes a jsonb column.")));
	memset(name, 0, sizeof(Leaf));
	name->text = text;
	name->is_key = in->is_key;
	name->parent = parent;
	if (in->nnames == in->room)
	{
		in->room *= 2;
		in->names = repalloc(in->names, sizeof(Leaf *) * in->room);
	}
	in->names[in->nnames++] = name;
	MemoryContextSwitchTo(old);
	return name;
}

/* the name in in->path, which was reached through 'parent' */
static Leaf *
find_name(Inference *in, Leaf *parent)
{
	const char *text = in->path.data;
	bool		found;
	Leaf	   *name = hash_search(in->table, &text, HASH_ENTER, &found);

	if (!found)
		return add_name(in, name, parent);
	if (name->parent != parent)
		name->has_parents = true;
	return name;
}

/* ---- noting what is seen ---- */

static void
note_scalar(Scalars *scalars, uint32 seen, Oid type)
{
	if (!scalars->has_begun)
		scalars->type = type;
	else if (scalars->type != type)
		scalars->type = InvalidOid;
	scalars->has_begun = true;
	scalars->seen |= seen;
}

static void
add_sample(Inference *in, Leaf *name, char *text)
{
	int			len = strlen(text);

	name->ntries++;
	if (len > SAMPLE_BYTES)
		text[pg_mbcliplen(text, len, SAMPLE_BYTES)] = '\0';
	for (int i = 0; i < name->nsamples; i++)
	{
		if (strcmp(name->samples[i], text) == 0)
			return;
	}
	name->samples[name->nsamples++] = MemoryContextStrdup(in->context, text);
}

static bool
wants_sample(const Leaf *name)
{
	return name->nsamples < MAX_SAMPLES && name->ntries < MAX_TRIES;
}

/* the name leads to a value here; NULL is one that has nothing to tell */
static Leaf *
note_value(Inference *in, Leaf *parent, bool isnull)
{
	Leaf	   *name = find_name(in, parent);

	if (name->is_key != in->is_key)
		stash_assemble_refuse_key_name(name->text);
	/* no element may have two values of one name: reading it would throw */
	if (name->last_value == in->nelements || name->last_object == in->nelements)
		stash_assemble_refuse_name(name->text);
	name->last_value = in->nelements;
	if (!isnull)
		name->nvalues++;
	return name;
}

static void
note_json_scalar(Scalars *scalars, const JsonbValue *json)
{
	uint32		seen = SEEN_OTHER;
	int64		integer;

	switch (json->type)
	{
		case jbvBool:
			seen = SEEN_BOOL;
			break;
		case jbvNumeric:
			if (!stash_assemble_is_integer(json->val.numeric, &integer))
				seen = SEEN_NUMERIC;
			else
				seen = integer == (int32) integer ? SEEN_INT4 : SEEN_INT8;
			break;
		case jbvString:
			switch (stash_assemble_time_type(json->val.string.val,
											 json->val.string.len))
			{
				case DATEOID:
					seen = SEEN_DATE;
					break;
				case TIMESTAMPOID:
					seen = SEEN_TIMESTAMP;
					break;
				case TIMESTAMPTZOID:
					seen = SEEN_TIMESTAMPTZ;
					break;
				default:
					seen = SEEN_TEXT;
			}
			break;
		default:
			break;
	}
	note_scalar(scalars, seen, InvalidOid);
}

static void
note_json_array(Leaf *name, JsonbContainer *array)
{
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbValue	item;

	(void) JsonbIteratorNext(&iterator, &item, true);
	while (JsonbIteratorNext(&iterator, &item, true) == WJB_ELEM)
	{
		CHECK_FOR_INTERRUPTS();
		if (item.type == jbvBinary)
		{
			name->shapes |= SHAPE_JSON;
			return;
		}
		if (item.type != jbvNull)
			note_json_scalar(&name->elements, &item);
	}
	name->shapes |= SHAPE_ARRAY;
}

static uint32
what_is(StashType *type)
{
	switch (stash_type_without_domains(type)->oid)
	{
		case BOOLOID:
			return SEEN_BOOL;
		case INT2OID:
		case INT4OID:
			return SEEN_INT4;
		case INT8OID:
			return SEEN_INT8;
		case NUMERICOID:
			return SEEN_NUMERIC;
		case FLOAT4OID:
		case FLOAT8OID:
			return SEEN_FLOAT8;
		case DATEOID:
			return SEEN_DATE;
		case TIMESTAMPOID:
			return SEEN_TIMESTAMP;
		case TIMESTAMPTZOID:
			return SEEN_TIMESTAMPTZ;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
			return SEEN_TEXT;
	}
	return SEEN_OTHER;
}

static void
note_datum(Inference *in, Leaf *name, StashType *type, Datum value,
		   bool isnull)
{
	if (type->kind == STASH_KIND_ARRAY && type->inner->kind != STASH_KIND_RECORD &&
		type->inner->kind != STASH_KIND_ROW)
	{
		name->shapes |= SHAPE_ARRAY;
		note_scalar(&name->elements, what_is(type->inner), type->inner->oid);
	}
	else
	{
		name->shapes |= SHAPE_SCALAR;
		note_scalar(&name->scalars, what_is(type), type->oid);
	}
	if (!isnull && wants_sample(name))
		add_sample(in, name, stash_type_output(type, value));
}

/* ---- walking through elements ---- */

static void walk_object(Inference *in, Leaf *parent, JsonbContainer *object,
						int depth);
static void walk_row(Inference *in, Leaf *parent, StashType *type,
					 const Datum *values, const bool *nulls, int depth);

/* lengthen the path by a name; returns its length before */
static int
go_down(Inference *in, const char *name, int len, bool is_first)
{
	int			before = in->path.len;

	if (!is_first)
		appendStringInfoChar(&in->path, '.');
	appendBinaryStringInfo(&in->path, name, len);
	return before;
}

static void
go_up(Inference *in, int before)
{
	in->path.len = before;
	in->path.data[before] = '\0';
}

/* the name in in->path is an object or a row, whose own names are walked through */
static Leaf *
note_object(Inference *in, Leaf *parent, bool isnull)
{
	Leaf	   *name = find_name(in, parent);

	if (name->last_value == in->nelements)
		stash_assemble_refuse_name(name->text);
	name->last_object = in->nelements;
	name->shapes |= SHAPE_OBJECT;
	if (!isnull)
		name->nobjects++;
	return name;
}

/* what in->path leads to, at this depth of names */
static void
walk_json(Inference *in, Leaf *parent, const JsonbValue *json, int depth)
{
	JsonbContainer *container = NULL;
	Leaf	   *name;

	if (json->type == jbvBinary)
		container = json->val.binary.data;
	if (container != NULL && JsonContainerIsObject(container) &&
		JsonContainerSize(container) > 0 && depth < in->depth)
	{
		walk_object(in, note_object(in, parent, false), container, depth);
		return;
	}
	name = note_value(in, parent, json->type == jbvNull);
	if (json->type == jbvNull)
		return;
	if (container == NULL)
	{
		name->shapes |= SHAPE_SCALAR;
		note_json_scalar(&name->scalars, json);
	}
	else if (JsonContainerIsArray(container))
		note_json_array(name, container);
	else
		name->shapes |= JsonContainerSize(container) == 0 ? SHAPE_EMPTY : SHAPE_JSON;
	if (wants_sample(name))
	{
		JsonbValue	copy = *json;

		if (json->type == jbvString)
			add_sample(in, name, pnstrdup(json->val.string.val,
										  json->val.string.len));
		else
		{
			Jsonb	   *jsonb = JsonbValueToJsonb(&copy);

			add_sample(in, name, JsonbToCString(NULL, &jsonb->root,
												VARSIZE(jsonb)));
		}
	}
}

static void
walk_object(Inference *in, Leaf *parent, JsonbContainer *object, int depth)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue	key;
	JsonbValue	value;

	check_stack_depth();
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		int			before = go_down(in, key.val.string.val, key.val.string.len,
									 depth == 0);

		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&iterator, &value, true);
		walk_json(in, parent, &value, depth + 1);
		go_up(in, before);
	}
}

/* a field of a row; NULL ones tell their types, too */
static void
walk_field(Inference *in, Leaf *parent, StashType *type, Datum value,
		   bool isnull, int depth)
{
	StashPart	part;

	type = stash_type_without_domains(type);
	if (type->kind == STASH_KIND_ROW && isnull && depth < in->depth)
	{
		walk_row(in, note_object(in, parent, true), type, NULL, NULL, depth);
		return;
	}
	stash_assemble_open(&part, type, value, isnull);
	if (part.kind == STASH_PART_JSON)
		walk_json(in, parent, &part.json, depth);
	else if (part.kind == STASH_PART_ROW && depth < in->depth)
		walk_row(in, note_object(in, parent, false), part.type, part.values,
				 part.nulls, depth);
	else if (part.kind == STASH_PART_ROW || type->kind == STASH_KIND_ROW)
		note_value(in, parent, isnull)->shapes |= SHAPE_JSON;
	else if (type->oid == JSONBOID || type->oid == JSONOID)
		(void) note_value(in, parent, true);
	else
		note_datum(in, note_value(in, parent, isnull), type, value, isnull);
}

/* the fields of a row; of one that is NULL as a whole when 'nulls' is NULL */
static void
walk_row(Inference *in, Leaf *parent, StashType *type, const Datum *values,
		 const bool *nulls, int depth)
{
	check_stack_depth();
	for (int i = 0; i < type->nfields; i++)
	{
		StashField *field = &type->fields[i];
		int			at = field->attno - 1;
		int			before = go_down(in, field->name, strlen(field->name),
									 depth == 0);

		walk_field(in, parent, field->type, nulls == NULL ? (Datum) 0 : values[at],
				   nulls == NULL || nulls[at], depth + 1);
		go_up(in, before);
	}
}

/* an element, or a key */
static void
walk(Inference *in, const StashPart *part)
{
	int			before;

	if (part->kind == STASH_PART_ROW)
		walk_row(in, NULL, part->type, part->values, part->nulls, 0);
	else if (stash_assemble_has_names(part))
		walk_object(in, NULL, part->json.val.binary.data, 0);
	else
	{
		before = go_down(in, "value", strlen("value"), true);
		if (part->kind == STASH_PART_JSON)
			walk_json(in, NULL, &part->json, 1);
		else if (part->kind == STASH_PART_DATUM)
			walk_field(in, NULL, part->type, part->value, false, 1);
		else
			(void) note_value(in, NULL, true);
		go_up(in, before);
	}
}

static void
receive_element(StashReading *reading, const StashPart *element)
{
	Inference  *in = (Inference *) reading;

	in->nelements++;
	if (reading->source->prefix != NULL)
	{
		in->is_key = true;
		appendStringInfoString(&in->path, reading->source->prefix);
		walk(in, &reading->key);
		go_up(in, 0);
		in->is_key = false;
	}
	walk(in, element);
}

/* what the keys are as a whole */
static void
receive_entry(StashReading *reading)
{
	Inference  *in = (Inference *) reading;
	StashPart	part;
	StashType  *type;
	Datum		value;
	bool		isnull;

	if (reading->nulls[STASH_SOURCE_KEY])
		return;
	value = stash_variant_value(reading->values[STASH_SOURCE_KEY], &type,
								&isnull);
	stash_assemble_open(&part, type, value, isnull);
	note_scalar(&in->whole_key.scalars, 0,
				part.kind == STASH_PART_DATUM ? part.type->oid : InvalidOid);
}

/* ---- types ---- */

/* the narrowest type for all scalars that were seen */
static Oid
resolve_scalars(const Scalars *scalars)
{
	uint32		seen = scalars->seen;

	if (OidIsValid(scalars->type))
		return scalars->type;
	if (seen == SEEN_BOOL)
		return BOOLOID;
	if ((seen & ~SEEN_NUMBER) == 0)
		return seen & SEEN_FLOAT8 ? FLOAT8OID :
			seen & SEEN_NUMERIC ? NUMERICOID :
			seen & SEEN_INT8 ? INT8OID : INT4OID;
	if (seen == SEEN_DATE)
		return DATEOID;
	if ((seen & ~(SEEN_DATE | SEEN_TIMESTAMP)) == 0)
		return TIMESTAMPOID;
	if (seen == SEEN_TIMESTAMPTZ)
		return TIMESTAMPTZOID;
	return TEXTOID;
}

static Oid
resolve(const Leaf *name)
{
	uint32		shapes = name->shapes;
	Oid			array;

	if (shapes == SHAPE_SCALAR)
		return resolve_scalars(&name->scalars);
	if (shapes == SHAPE_ARRAY && name->elements.has_begun)
	{
		array = get_array_type(resolve_scalars(&name->elements));
		if (OidIsValid(array))
			return array;
	}
	return JSONBOID;
}

/* the narrowest type that has room for all of two types */
static Oid
widen(Oid one, Oid two)
{
	Oid			element = get_element_type(one);
	Oid			other = get_element_type(two);
	Scalars		scalars = {0};

	if (one == two)
		return one;
	if (OidIsValid(element) && OidIsValid(other))
	{
		Oid			array = get_array_type(widen(element, other));

		return OidIsValid(array) ? array : JSONBOID;
	}
	if (one == JSONBOID || two == JSONBOID || OidIsValid(element) ||
		OidIsValid(other))
		return JSONBOID;
	note_scalar(&scalars, what_is(stash_type_lookup(one, -1)), one);
	note_scalar(&scalars, what_is(stash_type_lookup(two, -1)), two);
	return resolve_scalars(&scalars);
}

/*
 * The type of a column that has this one and is to have room for what was
 * found, too.
 */
Oid
stash_assemble_widen(Oid type, const StashFound *found)
{
	return found->is_unknown ? type : widen(type, found->type);
}

/* true where objects and something else have this name: then it is one column */
static bool
is_clash(const Leaf *name)
{
	return (name->shapes & SHAPE_OBJECT) != 0 &&
		(name->shapes & ~(SHAPE_OBJECT | SHAPE_EMPTY)) != 0;
}

/* true where the name is a column of its own */
static bool
is_column(const Leaf *name)
{
	if ((name->shapes & SHAPE_OBJECT) != 0 && !is_clash(name))
		return false;
	/* what is in an object that is one column with all in it is none */
	for (; name->parent != NULL && !name->has_parents; name = name->parent)
	{
		if (is_clash(name->parent))
			return false;
	}
	return true;
}

/*
 * The columns of all that is assembled, as StashFound in a list, in the order
 * in which they were first seen, those of keys first.
 *
 * 'depth' is of names, 0 for any; '*nelements' is set to the number of
 * elements, '*key_type' to the one type that all keys have, or stash.variant.
 * Throws what stash_assemble_read() throws; 22030 when an element has two
 * values of one name, 54000 when there are more than 100,000 names.
 */
List *
stash_assemble_infer(const StashSource *source, int depth, int64 *nelements,
					 Oid *key_type)
{
	Inference	in = {0};
	HASHCTL		ctl = {0};
	List	   *keys = NIL;
	List	   *columns = NIL;

	in.context = CurrentMemoryContext;
	ctl.keysize = sizeof(char *);
	ctl.entrysize = sizeof(Leaf);
	ctl.hash = hash_name;
	ctl.match = compare_names;
	ctl.hcxt = CurrentMemoryContext;
	in.table = hash_create("pg_hashstash names", 64, &ctl,
						   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	in.room = 64;
	in.names = palloc(sizeof(Leaf *) * in.room);
	in.depth = depth > 0 ? depth : INT_MAX;
	initStringInfo(&in.path);
	in.reading.econtext = CreateStandaloneExprContext();
	in.reading.entry = receive_entry;
	in.reading.element = receive_element;
	stash_assemble_read(&in.reading, source);

	for (int i = 0; i < in.nnames; i++)
	{
		Leaf	   *name = in.names[i];
		StashFound *found;

		if (!is_column(name))
			continue;
		found = palloc0(sizeof(StashFound));
		found->name = name->text;
		found->is_key = name->is_key;
		found->type = resolve(name);
		found->is_unknown = (name->shapes & ~SHAPE_EMPTY) == 0 ||
			(name->shapes == SHAPE_ARRAY && !name->elements.has_begun);
		found->nulls = in.nelements - name->nvalues -
			(is_clash(name) ? name->nobjects : 0);
		found->nsamples = name->nsamples;
		found->samples = name->samples;
		if (name->is_key)
			keys = lappend(keys, found);
		else
			columns = lappend(columns, found);
	}
	*nelements = in.nelements;
	*key_type = OidIsValid(in.whole_key.scalars.type) ?
		in.whole_key.scalars.type : stash_catalog_variant_type(false);
	return list_concat(keys, columns);
}

/* ---- SQL ---- */

/*
 * The depth that is argument 'argno', 0 for none.  Throws 22023.
 */
int
stash_assemble_depth(FunctionCallInfo fcinfo, int argno)
{
	int			depth;

	if (PG_ARGISNULL(argno))
		return 0;
	depth = PG_GETARG_INT32(argno);
	if (depth < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid depth: %d", depth),
				 errdetail("The depth must be at least 1."),
				 errhint("Use NULL for names of any depth.")));
	return depth;
}

PG_FUNCTION_INFO_V1(pg_hashstash_columns);

/*
 * stash.columns(stash regclass DEFAULT NULL, function regprocedure DEFAULT
 *               NULL, prefix text DEFAULT NULL, explode text DEFAULT NULL,
 *               depth int DEFAULT NULL)
 * returns setof (name text, type regtype, nulls int8, samples text[])
 *
 * Args:    those of stash.assemble(), and
 *          depth  of names: what lies deeper is jsonb
 * Returns: the columns that stash.assemble() would find something for, those
 *          of keys first, then in the order in which they are first seen; how
 *          many rows have a NULL there, or nothing; up to three values
 * Errors:  those of stash.assemble() without those of casts; 54000
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_columns(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	StashSource source;
	int64		nelements;
	Oid			key_type;
	List	   *columns;
	ListCell   *cell;

	stash_assemble_read_source(&source, fcinfo, 0, 1);
	stash_compat_materialize(fcinfo);
	columns = stash_assemble_infer(&source, stash_assemble_depth(fcinfo, 4),
								   &nelements, &key_type);
	foreach(cell, columns)
	{
		StashFound *found = lfirst(cell);
		Datum		samples[MAX_SAMPLES];
		Datum		values[4];
		bool		nulls[4] = {false};

		for (int i = 0; i < found->nsamples; i++)
			samples[i] = CStringGetTextDatum(found->samples[i]);
		values[0] = CStringGetTextDatum(found->name);
		values[1] = ObjectIdGetDatum(found->type);
		values[2] = Int64GetDatum(found->nulls);
		values[3] = PointerGetDatum(construct_array(samples, found->nsamples,
													TEXTOID, -1, false,
													TYPALIGN_INT));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
