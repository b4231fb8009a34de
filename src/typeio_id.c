/*-------------------------------------------------------------------------
 *
 * typeio_id.c
 *	  The name of a type that means the same in every database.
 *
 * typeio.h has the format.  The text form is the same information for
 * people: int4, public.mood, int4[], (a int4,b text)[], record.
 *
 * Descriptors and texts come from outside: nothing in them is believed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "frame.h"
#include "hash.h"
#include "typeio.h"

#define RECENT_TYPES	16		/* a power of 2 */

#define TAG_BUILTIN		0x01
#define TAG_BASE		0x02
#define TAG_ENUM		0x03
#define TAG_RANGE		0x04
#define TAG_MULTIRANGE	0x05
#define TAG_DOMAIN		0x06
#define TAG_ARRAY		0x07
#define TAG_ROW			0x08
#define TAG_RECORD		0x09
#define TAG_STRATEGY	0x0a

/* A text or descriptor being read. */
typedef struct Cursor
{
	const char *at;
	const char *end;
	bool		missing_ok;		/* an unknown type gives NULL, no error */
} Cursor;

/* A type whose descriptor was read of late: to find it by its names is slow. */
typedef struct RecentType
{
	uint64		generation;		/* in which 'type' is good; 0: none */
	StashType  *type;
} RecentType;

static RecentType recent_types[RECENT_TYPES];	/* by a hash of the descriptor */

/* ---- writing descriptors ---- */

static void
put_varint(StringInfo out, uint64 value)
{
	while (value >= 0x80)
	{
		appendStringInfoCharMacro(out, (char) (value | 0x80));
		value >>= 7;
	}
	appendStringInfoCharMacro(out, (char) value);
}

static void
put_name(StringInfo out, const char *name)
{
	char	   *utf8 = pg_server_to_any(name, strlen(name), PG_UTF8);

	put_varint(out, strlen(utf8));
	appendStringInfoString(out, utf8);
}

static void
put_qualified_name(StringInfo out, Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));
	Form_pg_type form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", oid);
	form = (Form_pg_type) GETSTRUCT(tuple);
	put_name(out, get_namespace_name(form->typnamespace));
	put_name(out, NameStr(form->typname));
	ReleaseSysCache(tuple);
}

static void
put_row(StringInfo out, StashType *type, bool for_frame)
{
	appendStringInfoCharMacro(out, TAG_ROW);
	if (for_frame && type->oid != RECORDOID)
		put_qualified_name(out, type->oid);
	else
	{
		put_name(out, "");
		put_name(out, "");
	}
	put_varint(out, type->nfields);
	for (int i = 0; i < type->nfields; i++)
	{
		StashType  *field = type->fields[i].type;

		put_name(out, type->fields[i].name);
		if (for_frame)
			appendBinaryStringInfo(out, field->frame_id, field->frame_idlen);
		else
			appendBinaryStringInfo(out, field->hash_id, field->hash_idlen);
	}
}

static void
put_inner(StringInfo out, StashType *type, bool for_frame)
{
	if (for_frame)
		appendBinaryStringInfo(out, type->inner->frame_id,
							   type->inner->frame_idlen);
	else
		appendBinaryStringInfo(out, type->inner->hash_id,
							   type->inner->hash_idlen);
}

static void
put_type(StringInfo out, StashType *type, bool for_frame)
{
	if (type->strategy != NULL && !for_frame)
	{
		appendStringInfoCharMacro(out, TAG_STRATEGY);
		put_qualified_name(out, type->oid);
	}
	else if (type->kind == STASH_KIND_RECORD)
		appendStringInfoCharMacro(out, TAG_RECORD);
	else if (type->kind == STASH_KIND_ROW)
		put_row(out, type, for_frame);
	else if (type->kind == STASH_KIND_ARRAY)
	{
		appendStringInfoCharMacro(out, TAG_ARRAY);
		put_inner(out, type, for_frame);
	}
	else if (type->kind == STASH_KIND_DOMAIN)
	{
		if (for_frame)
		{
			appendStringInfoCharMacro(out, TAG_DOMAIN);
			put_qualified_name(out, type->oid);
		}
		put_inner(out, type, for_frame);
	}
	else if (type->oid < FirstGenbkiObjectId)
	{
		Oid			oid = type->oid == UNKNOWNOID ? TEXTOID : type->oid;

		appendStringInfoCharMacro(out, TAG_BUILTIN);
		appendStringInfoCharMacro(out, (char) (oid & 0xff));
		appendStringInfoCharMacro(out, (char) (oid >> 8));
	}
	else if (type->kind == STASH_KIND_BASE)
	{
		appendStringInfoCharMacro(out, type->image == STASH_IMAGE_LABEL ?
								  TAG_ENUM : TAG_BASE);
		put_qualified_name(out, type->oid);
	}
	else
	{
		appendStringInfoCharMacro(out, type->kind == STASH_KIND_RANGE ?
								  TAG_RANGE : TAG_MULTIRANGE);
		put_qualified_name(out, type->oid);
		put_inner(out, type, for_frame);
	}
}

/* *len bytes, allocated in 'context' */
static const char *
make_descriptor(StashType *type, bool for_frame, MemoryContext context, int *len)
{
	StringInfoData out;
	char	   *result;

	initStringInfo(&out);
	put_type(&out, type, for_frame);
	result = MemoryContextAlloc(context, out.len);
	memcpy(result, out.data, out.len);
	*len = out.len;
	pfree(out.data);
	return result;
}

/*
 * Fill in the descriptors of a type whose parts have theirs already: that of
 * frames keeps the names of rows and domains, which hashes leave out.
 */
void
stash_type_describe(StashType *type, MemoryContext context)
{
	type->hash_id = make_descriptor(type, false, context, &type->hash_idlen);
	if (type->hash_idlen < sizeof(type->hash_head))
	{
		memcpy(type->hash_head, type->hash_id, type->hash_idlen);
		type->hash_head[type->hash_idlen] = 1;
		type->hash_headlen = type->hash_idlen + 1;
	}
	type->frame_id = make_descriptor(type, true, context, &type->frame_idlen);
}

/* ---- reading descriptors ---- */

pg_noreturn static void
refuse_descriptor(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid type descriptor in stash frame")));
}

static uint8
get_byte(Cursor *in)
{
	if (in->at >= in->end)
		refuse_descriptor();
	return (uint8) *in->at++;
}

static uint64
get_count(Cursor *in)
{
	uint64		value;

	if (!stash_frame_get_varint(&in->at, in->end, &value))
		refuse_descriptor();
	return value;
}

static char *
get_name(Cursor *in)
{
	uint64		len = get_count(in);
	char	   *name;

	if (len > (uint64) (in->end - in->at) || len > 4 * NAMEDATALEN ||
		!pg_verify_mbstr(PG_UTF8, in->at, (int) len, true))
		refuse_descriptor();
	name = pnstrdup(in->at, len);
	in->at += len;
	return pg_any_to_server(name, len, PG_UTF8);
}

static Oid
find_type(const char *schema, const char *name, bool missing_ok)
{
	Oid			nsp = get_namespace_oid(schema, true);
	Oid			oid = InvalidOid;

	if (OidIsValid(nsp))
		oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
							  CStringGetDatum(name), ObjectIdGetDatum(nsp));
	if (!OidIsValid(oid) && !missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type %s does not exist",
						quote_qualified_identifier(schema, name)),
				 errdetail("A stash frame holds a value of this type.")));
	return oid;
}

static StashType *get_type(Cursor *in);

/* an array has another descriptor, and of some types there are no values */
static void
check_has_descriptor(Oid oid)
{
	Oid			element = get_element_type(oid);

	/* a shell looks like one of them, but may become something else */
	if (!get_typisdefined(oid))
		return;
	if (get_typtype(oid) == TYPTYPE_PSEUDO || oid == GTSVECTOROID ||
		(OidIsValid(element) && get_array_type(element) == oid))
		refuse_descriptor();
}

static StashType *
lookup_named(Cursor *in, const char *schema, const char *name)
{
	Oid			oid = find_type(schema, name, in->missing_ok);

	/* a shell is a type that is still, or again, missing */
	if (!OidIsValid(oid) || (in->missing_ok && !get_typisdefined(oid)))
		return NULL;
	check_has_descriptor(oid);
	return stash_type_lookup(oid, -1);
}

/* a built-in type, which an older server than the writer's may not have */
static StashType *
lookup_builtin(Cursor *in, Oid oid)
{
	if (SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(oid)))
	{
		check_has_descriptor(oid);
		return stash_type_lookup(oid, -1);
	}
	if (!in->missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("built-in type with OID %u does not exist", oid),
				 errdetail("A stash frame holds a value of this type.")));
	return NULL;
}

/* an anonymous row: register its shape with the server */
static StashType *
lookup_shape(int nfields, char **names, StashType **types)
{
	TupleDesc	desc = CreateTemplateTupleDesc(nfields);

	for (int i = 0; i < nfields; i++)
	{
		/* the server would cut it too, but through a character */
		names[i][pg_mbcliplen(names[i], strlen(names[i]), NAMEDATALEN - 1)] = '\0';
		TupleDescInitEntry(desc, (AttrNumber) (i + 1), names[i],
						   types[i]->oid, -1, 0);
	}
	TupleDescFinalize(desc);
	BlessTupleDesc(desc);
	return stash_type_lookup(RECORDOID, desc->tdtypmod);
}

static StashType *
get_row(Cursor *in)
{
	char	   *schema = get_name(in);
	char	   *name = get_name(in);
	uint64		nfields = get_count(in);
	char	  **names;
	StashType **types;

	if (nfields > MaxTupleAttributeNumber)
		refuse_descriptor();
	names = palloc(sizeof(char *) * (nfields + 1));
	types = palloc(sizeof(StashType *) * (nfields + 1));
	for (int i = 0; i < nfields; i++)
	{
		names[i] = get_name(in);
		types[i] = get_type(in);
		if (types[i] == NULL)
			return NULL;
	}
	if (schema[0] != '\0' || name[0] != '\0')
		return lookup_named(in, schema, name);
	return lookup_shape((int) nfields, names, types);
}

static StashType *
array_over(Cursor *in, StashType *element)
{
	Oid			oid;

	if (element == NULL)
		return NULL;
	if (element->kind == STASH_KIND_ARRAY)
		refuse_descriptor();
	if (element->oid == RECORDOID)
		return stash_type_lookup(RECORDARRAYOID, element->typmod);
	oid = get_array_type(element->oid);
	if (!OidIsValid(oid) && in->missing_ok)
		return NULL;
	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type %s has no array type",
						format_type_be(element->oid))));
	return stash_type_lookup(oid, -1);
}

static StashType *
get_type(Cursor *in)
{
	uint8		tag = get_byte(in);
	char	   *schema;
	char	   *name;
	Oid			oid;

	check_stack_depth();
	switch (tag)
	{
		case TAG_BUILTIN:
			oid = get_byte(in);
			oid |= (Oid) get_byte(in) << 8;
			if (oid >= FirstGenbkiObjectId || oid == RECORDOID ||
				oid == UNKNOWNOID)
				refuse_descriptor();
			return lookup_builtin(in, oid);
		case TAG_BASE:
		case TAG_ENUM:
			schema = get_name(in);
			name = get_name(in);
			return lookup_named(in, schema, name);
		case TAG_RANGE:
		case TAG_MULTIRANGE:
		case TAG_DOMAIN:
			schema = get_name(in);
			name = get_name(in);
			(void) get_type(in);
			return lookup_named(in, schema, name);
		case TAG_ARRAY:
			return array_over(in, get_type(in));
		case TAG_ROW:
			return get_row(in);
		case TAG_RECORD:
			return stash_type_lookup(RECORDOID, -1);
		default:
			refuse_descriptor();
	}
}

/*
 * True for the type whose descriptor in frames is 'id'.
 */
bool
stash_type_has_descriptor(StashType *type, const char *id, Size idlen)
{
	return type->frame_idlen == idlen && memcmp(type->frame_id, id, idlen) == 0;
}

/*
 * The type that a frame's descriptor names in this database.
 *
 * Throws 22P03 for bytes that are no descriptor, 42704 where the type is
 * missing, 42804 where it is not made as it was when the frame was written;
 * 'missing_ok' gives NULL in the latter two cases.
 */
StashType *
stash_type_by_descriptor(const char *id, Size idlen, bool missing_ok)
{
	RecentType *recent = &recent_types[stash_hash_bytes64(id, idlen, 0) % RECENT_TYPES];
	Cursor		in = {id, id + idlen, missing_ok};
	StashType  *type;

	if (likely(recent->generation == stash_type_generation() &&
			   stash_type_has_descriptor(recent->type, id, idlen)))
		return recent->type;

	type = get_type(&in);
	if (in.at != in.end && type != NULL)
		refuse_descriptor();
	if (type == NULL)
		return NULL;
	if (stash_type_has_descriptor(type, id, idlen))
	{
		/* 0 when it is outdated already */
		recent->generation = type->generation == stash_type_generation() ?
			type->generation : 0;
		recent->type = type;
		return type;
	}
	if (missing_ok)
		return NULL;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("type %s has changed since the stash frame was written",
					stash_type_to_text(type)),
			 errhint("Compute and store the value again.")));
}

/* ---- text ---- */

static void
put_text(StringInfo out, StashType *type)
{
	if (type->kind == STASH_KIND_ARRAY)
	{
		put_text(out, type->inner);
		appendStringInfoString(out, "[]");
	}
	else if (type->kind == STASH_KIND_ROW && type->oid == RECORDOID)
	{
		appendStringInfoChar(out, '(');
		for (int i = 0; i < type->nfields; i++)
		{
			appendStringInfo(out, "%s%s ", i > 0 ? "," : "",
							 quote_identifier(type->fields[i].name));
			put_text(out, type->fields[i].type);
		}
		appendStringInfoChar(out, ')');
	}
	else
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID,
											ObjectIdGetDatum(type->oid));
		Form_pg_type form;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for type %u", type->oid);
		form = (Form_pg_type) GETSTRUCT(tuple);
		if (form->typnamespace != PG_CATALOG_NAMESPACE)
			appendStringInfo(out, "%s.%s",
							 quote_identifier(get_namespace_name(form->typnamespace)),
							 quote_identifier(NameStr(form->typname)));
		else if (type->oid == CHAROID)
			appendStringInfoString(out, "\"char\"");
		else
			appendStringInfoString(out, NameStr(form->typname));
		ReleaseSysCache(tuple);
	}
}

/*
 * The text of a type, the same whatever the search_path: built-in types by
 * their bare name, all others with their schema.
 */
char *
stash_type_to_text(StashType *type)
{
	StringInfoData out;

	initStringInfo(&out);
	put_text(&out, type);
	return out.data;
}

pg_noreturn static void
refuse_text(Cursor *in)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid type name in stash variant, at \"%s\"",
					pnstrdup(in->at, pg_mbcliplen(in->at, strlen(in->at), 20))),
			 errhint("Write a variant as type:value, for example int4:42 or int4[]:{1,2,3}.")));
}

/* step over a character that must stand here */
static void
scan_character(Cursor *in, char wanted)
{
	if (*in->at != wanted)
		refuse_text(in);
	in->at++;
}

/* one identifier, quoted or not */
static char *
scan_identifier(Cursor *in)
{
	StringInfoData name;

	initStringInfo(&name);
	if (*in->at == '"')
	{
		for (in->at++;; in->at++)
		{
			if (*in->at == '\0')
				refuse_text(in);
			if (*in->at == '"' && *++in->at != '"')
				break;
			appendStringInfoChar(&name, *in->at);
		}
	}
	else
	{
		while (*in->at != '\0' && strchr(".:[](), \"", *in->at) == NULL)
			appendStringInfoChar(&name, pg_tolower((unsigned char) *in->at++));
	}
	if (name.len == 0)
		refuse_text(in);
	return name.data;
}

static StashType *scan_type(Cursor *in);

static StashType *
scan_row(Cursor *in)
{
	char	   *names[MaxTupleAttributeNumber];
	StashType  *types[MaxTupleAttributeNumber];
	int			nfields = 0;

	in->at++;
	while (*in->at != ')')
	{
		if (nfields >= MaxTupleAttributeNumber)
			refuse_text(in);
		if (nfields > 0)
			scan_character(in, ',');
		names[nfields] = scan_identifier(in);
		scan_character(in, ' ');
		types[nfields++] = scan_type(in);
	}
	in->at++;
	return lookup_shape(nfields, names, types);
}

static StashType *
scan_named(Cursor *in)
{
	const char *start = in->at;
	char	   *schema = NULL;
	char	   *name = scan_identifier(in);
	Oid			oid;

	if (*in->at == '.')
	{
		in->at++;
		schema = name;
		name = scan_identifier(in);
	}
	if (schema == NULL && strcmp(name, "record") == 0)
		return stash_type_lookup(RECORDOID, -1);
	if (schema != NULL)
	{
		oid = find_type(schema, name, true);
		if (!OidIsValid(oid))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("type %s does not exist",
							quote_qualified_identifier(schema, name)),
					 errhint("Names are written as in SQL: with a schema, and in quotes unless they are in lower case.")));
	}
	else
	{
		/* built-in ones first: a name must not change its meaning */
		if (strcmp(name, "char") == 0 && *start != '"')
			oid = BPCHAROID;
		else
			oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
								  CStringGetDatum(name),
								  ObjectIdGetDatum(PG_CATALOG_NAMESPACE));
		if (!OidIsValid(oid))
			oid = TypenameGetTypid(name);
		/* as people write them: integer, text, timestamp */
		if (!OidIsValid(oid))
		{
			int32		typmod;

			stash_compat_parse_type(pnstrdup(start, in->at - start),
									&oid, &typmod);
		}
	}
	return stash_type_lookup(oid, -1);
}

static StashType *
scan_type(Cursor *in)
{
	StashType  *type;

	check_stack_depth();
	type = (*in->at == '(') ? scan_row(in) : scan_named(in);
	if (in->at[0] == '[' && in->at[1] == ']')
	{
		if (type->kind == STASH_KIND_ARRAY)
			refuse_text(in);
		in->at += 2;
		type = array_over(in, type);
	}
	return type;
}

/*
 * The type at the start of 'text', which is stepped over.
 *
 * Throws 22P02 for a text that names no type, 42704 for an unknown type.
 */
StashType *
stash_type_by_text(const char **text)
{
	Cursor		in = {*text, NULL, false};
	StashType  *type = scan_type(&in);

	*text = in.at;
	return type;
}
