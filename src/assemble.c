/*-------------------------------------------------------------------------
 *
 * assemble.c
 *	  The values of a stash as rows or flat objects.
 *
 * What becomes a row: each element of an array, of a JSON array and of a row
 * set; any other value as a whole, a NULL too.  An array without elements
 * gives none.  An object or row without fields is a row of NULLs.  A value
 * without names of its own is called "value".
 *
 * A column's name has at most 63 bytes, as all names in SQL: the server cuts
 * longer ones, with a notice.
 *
 * The values of a row's columns go to a tuplestore, which spills to disk.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "assemble.h"
#include "catalog.h"
#include "compat.h"
#include "variant.h"

PG_FUNCTION_INFO_V1(pg_hashstash_assemble);
PG_FUNCTION_INFO_V1(pg_hashstash_assemble_json);

/* A column of the result that is the entry's own and not from its value. */
typedef struct EntryColumn
{
	int			at;				/* in the result */
	int			source;			/* STASH_SOURCE_... */
} EntryColumn;

/* A column of the result that may be a part of the entry's key. */
typedef struct KeyColumn
{
	StashColumn column;			/* its name is without the prefix */
	bool		has_prefix;		/* else it cannot be one */
	bool		is_found;		/* in the key of this entry */
} KeyColumn;

/* A run of one of the functions. */
typedef struct Assembly
{
	StashReading reading;		/* must be first */
	StashSource source;
	ReturnSetInfo *result;
	int			ncolumns;		/* of assemble() only, as all below */
	StashColumn *columns;
	KeyColumn  *keys;			/* NULL: parts of keys are no columns */
	int			nentry_columns;
	EntryColumn *entry_columns;
	Datum	   *values;			/* of the row being made */
	bool	   *nulls;
} Assembly;

/* ---- elements as columns ---- */

/* the type of an entry's own column, as what the value is seen */
static StashType *
entry_column_type(const StashColumn *column, int source, Datum *value,
				  bool *isnull)
{
	StashType  *type;

	switch (source)
	{
		case STASH_SOURCE_VERSION:
			return stash_type_lookup(INT8OID, -1);
		case STASH_SOURCE_CREATED_AT:
			return stash_type_lookup(TIMESTAMPTZOID, -1);
		case STASH_SOURCE_KEY_HASH:
			return stash_type_lookup(UUIDOID, -1);
	}
	if (*isnull || column->is_variant)
		return stash_type_lookup(stash_catalog_variant_type(false), -1);
	*value = stash_variant_value(*value, &type, isnull);
	return type;
}

/* the columns that are the same for all elements of the entry */
static void
set_entry_columns(Assembly *assembly)
{
	for (int i = 0; i < assembly->nentry_columns; i++)
	{
		EntryColumn *entry = &assembly->entry_columns[i];
		StashColumn *column = &assembly->columns[entry->at];
		Datum		value = assembly->reading.values[entry->source];
		bool		isnull = assembly->reading.nulls[entry->source];
		StashPart	part;
		StashType  *type;

		assembly->reading.column = column->name;
		type = entry_column_type(column, entry->source, &value, &isnull);
		stash_assemble_open(&part, type, value, isnull);
		assembly->values[entry->at] =
			stash_assemble_convert(column, &part, &assembly->nulls[entry->at]);
	}
	assembly->reading.column = NULL;
}

/* the columns that are parts of the entry's key, where it has them */
static void
set_key_columns(Assembly *assembly)
{
	for (int i = 0; i < assembly->ncolumns; i++)
	{
		KeyColumn  *key = &assembly->keys[i];

		key->is_found = key->has_prefix &&
			(stash_assemble_has_names(&assembly->reading.key) ?
			 stash_assemble_has(&key->column, &assembly->reading.key) :
			 strcmp(key->column.name, "value") == 0);
		if (!key->is_found)
			continue;
		assembly->reading.column = assembly->columns[i].name;
		assembly->values[i] = stash_assemble_get(&key->column,
												 &assembly->reading.key,
												 &assembly->nulls[i]);
	}
	assembly->reading.column = NULL;
}

static void
start_entry(StashReading *reading)
{
	Assembly   *assembly = (Assembly *) reading;

	if (assembly->keys != NULL)
		set_key_columns(assembly);
	set_entry_columns(assembly);
}

/* an element must not have a name that means a column of the entry */
static void
check_entry_columns(Assembly *assembly, const StashPart *element)
{
	for (int i = 0; i < assembly->nentry_columns; i++)
	{
		StashColumn *column = &assembly->columns[assembly->entry_columns[i].at];

		if (stash_assemble_has(column, element))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE),
					 errmsg("value has a field \"%s\" of its own",
							column->name),
					 errdetail("In stash.assemble() that name means the entry's own column."),
					 errhint("Leave the column out, or use stash.assemble_json().")));
	}
}

/*
 * Throw 22030: a part of the key has the name of a part of the value.
 */
void
stash_assemble_refuse_key_name(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE),
			 errmsg("key and value have a part \"%s\" both", name),
			 errhint("Give the parts of keys another prefix.")));
}

static void
emit_columns(StashReading *reading, const StashPart *element)
{
	Assembly   *assembly = (Assembly *) reading;
	int			next = 0;

	check_entry_columns(assembly, element);
	for (int i = 0; i < assembly->ncolumns; i++)
	{
		StashColumn *column = &assembly->columns[i];

		if (next < assembly->nentry_columns &&
			assembly->entry_columns[next].at == i)
		{
			next++;
			continue;
		}
		reading->column = column->name;
		if (assembly->keys != NULL && assembly->keys[i].is_found)
		{
			if (stash_assemble_has(column, element))
				stash_assemble_refuse_key_name(column->name);
		}
		else
			assembly->values[i] = stash_assemble_get(column, element,
													 &assembly->nulls[i]);
	}
	reading->column = NULL;
	tuplestore_putvalues(assembly->result->setResult,
						 assembly->result->setDesc,
						 assembly->values, assembly->nulls);
}

/*
 * What an entry's own column of this name has, as STASH_SOURCE_..., or -1.
 */
int
stash_assemble_entry_column(const char *name)
{
	if (strcmp(name, "_key") == 0)
		return STASH_SOURCE_KEY;
	if (strcmp(name, "_version") == 0)
		return STASH_SOURCE_VERSION;
	if (strcmp(name, "_created_at") == 0)
		return STASH_SOURCE_CREATED_AT;
	if (strcmp(name, "_key_hash") == 0)
		return STASH_SOURCE_KEY_HASH;
	return -1;
}

static void
prepare_key_column(KeyColumn *key, const char *prefix, Form_pg_attribute att,
				   ExprContext *econtext)
{
	Size		len = strlen(prefix);

	key->has_prefix = strncmp(NameStr(att->attname), prefix, len) == 0;
	if (key->has_prefix)
		stash_assemble_init_column(&key->column, NameStr(att->attname) + len,
								   att->atttypid, att->atttypmod, econtext);
}

static void
prepare_columns(Assembly *assembly)
{
	TupleDesc	desc = assembly->result->setDesc;
	int			n = desc->natts;
	const char *prefix = assembly->source.prefix;

	assembly->ncolumns = n;
	assembly->columns = palloc(sizeof(StashColumn) * n);
	if (prefix != NULL)
		assembly->keys = palloc0(sizeof(KeyColumn) * n);
	assembly->entry_columns = palloc(sizeof(EntryColumn) * n);
	assembly->values = palloc(sizeof(Datum) * n);
	assembly->nulls = palloc(sizeof(bool) * n);
	for (int i = 0; i < n; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		int			source = stash_assemble_entry_column(NameStr(att->attname));

		stash_assemble_init_column(&assembly->columns[i],
								   NameStr(att->attname), att->atttypid,
								   att->atttypmod, assembly->reading.econtext);
		if (prefix != NULL && source < 0)
			prepare_key_column(&assembly->keys[i], prefix, att,
							   assembly->reading.econtext);
		if (source >= 0)
		{
			EntryColumn *entry =
			&assembly->entry_columns[assembly->nentry_columns++];

			entry->at = i;
			entry->source = source;
		}
	}
	assembly->reading.entry = start_entry;
	assembly->reading.element = emit_columns;
}

/* ---- elements as JSON ---- */

/* a value as an object in binary form */
static void
open_object(const StashPart *value, JsonbValue *object)
{
	Jsonb	   *wrapped;

	stash_assemble_to_json(value, object);
	if (stash_assemble_has_names(value))
		return;
	wrapped = stash_assemble_wrap(object);
	object->type = jbvBinary;
	object->val.binary.data = &wrapped->root;
	object->val.binary.len = VARSIZE(wrapped) - VARHDRSZ;
}

static void
emit_json(StashReading *reading, const StashPart *element)
{
	Assembly   *assembly = (Assembly *) reading;
	JsonbValue	object;
	JsonbValue	key;
	Datum		value;
	bool		isnull = false;

	open_object(element, &object);
	if (assembly->source.prefix != NULL)
		open_object(&reading->key, &key);
	value = JsonbPGetDatum(stash_assemble_flatten(&object, ".", 1,
												  assembly->source.prefix != NULL ? &key : NULL,
												  assembly->source.prefix));
	tuplestore_putvalues(assembly->result->setResult,
						 assembly->result->setDesc, &value, &isnull);
}

/* ---- SQL ---- */

/*
 * stash.assemble(stash regclass DEFAULT NULL,
 *                function regprocedure DEFAULT NULL,
 *                prefix text DEFAULT NULL, explode text DEFAULT NULL)
 * returns setof record
 *
 * Args:    stash     either this,
 *          function  or a memoized function, whose arguments are columns, too
 *          prefix    of the names of the arguments, or of the parts of keys,
 *                    which for a stash are columns only with it
 *          explode   the name of an array in the values: there is a row for
 *                    each of its items
 * Returns: one row for each value or element, with the columns named at the
 *          call.  A column is looked up by its name, nested ones with dots;
 *          NULL where there is none.  _key, _key_hash, _version and
 *          _created_at are the entry's own.
 * Errors:  42809 no stash, 22004 neither stash nor function, 22023 both,
 *          55000 function without stash, 42501; 22030 when a name leads to
 *          two values; what the casts to the columns' types throw; 55000 when
 *          a part of an entry in parts is missing
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_assemble(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Assembly	assembly = {0};

	stash_assemble_read_source(&assembly.source, fcinfo, 0, 1);
	if (result != NULL && IsA(result, ReturnSetInfo) &&
		result->expectedDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a column definition list is required for stash.assemble()"),
				 errhint("Write SELECT * FROM stash.assemble('a_stash') AS t(a_column text).")));
	stash_compat_materialize_expected(fcinfo);
	assembly.result = result;
	assembly.reading.econtext = CreateStandaloneExprContext();
	prepare_columns(&assembly);
	stash_assemble_read(&assembly.reading, &assembly.source);
	return (Datum) 0;
}

/*
 * stash.assemble_json(...) returns setof jsonb, with the same arguments
 *
 * Returns: one flat object for each value or element; what is no object is
 *          {"value": x}
 * Errors:  the same, without those of casts
 * Stable, parallel restricted, called on NULL.
 */
Datum
pg_hashstash_assemble_json(PG_FUNCTION_ARGS)
{
	Assembly	assembly = {0};

	stash_assemble_read_source(&assembly.source, fcinfo, 0, 1);
	stash_compat_materialize_expected(fcinfo);
	assembly.result = (ReturnSetInfo *) fcinfo->resultinfo;
	assembly.reading.econtext = CreateStandaloneExprContext();
	assembly.reading.element = emit_json;
	stash_assemble_read(&assembly.reading, &assembly.source);
	return (Datum) 0;
}
