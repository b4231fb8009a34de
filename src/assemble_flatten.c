/*-------------------------------------------------------------------------
 *
 * assemble_flatten.c
 *	  Nested objects as one flat object.
 *
 * Arrays are values: what is in them is not touched.  So are empty objects,
 * or they would vanish.  Two places with one joined name are an error: no
 * value wins over another.
 *
 * The object is put together here and not pushed piece by piece: its names
 * must be sorted to find clashes, and sorted is what the server wants.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "assemble.h"
#include "compat.h"

#define FIRST_PAIRS		16
#define SHOWN_NAME		200		/* bytes of a name in an error */
#define MAX_PAIRS		Min(MaxAllocSize / sizeof(JsonbPair), JB_CMASK)

PG_FUNCTION_INFO_V1(pg_hashstash_flatten);

typedef struct Flattener
{
	const char *separator;
	int			separatorlen;
	StringInfoData path;		/* the names on the way, separators included */
	JsonbPair  *pairs;			/* so far; values in arrays are not unpacked */
	int			npairs;
	int			room;
	Size		namebytes;		/* of all names together */
	bool		is_nested;		/* else the object was flat as it came */
} Flattener;

/* ---- building jsonb values ---- */

/*
 * Replace a container in binary form by the tree that the server's jsonb
 * writer wants.
 */
static void
unpack(JsonbValue *value)
{
	JsonbContainer *container;
	JsonbIterator *iterator;
	JsonbValue	item;
	JsonbIteratorToken token;
	int			n = 0;

	if (value->type != jbvBinary)
		return;
	check_stack_depth();
	container = value->val.binary.data;
	iterator = JsonbIteratorInit(container);
	token = JsonbIteratorNext(&iterator, &item, true);
	if (token == WJB_BEGIN_ARRAY)
	{
		value->type = jbvArray;
		value->val.array.rawScalar = false;
		value->val.array.nElems = JsonContainerSize(container);
		value->val.array.elems = palloc(sizeof(JsonbValue) *
										(value->val.array.nElems + 1));
	}
	else
	{
		value->type = jbvObject;
		value->val.object.nPairs = JsonContainerSize(container);
		value->val.object.pairs = palloc(sizeof(JsonbPair) *
										 (value->val.object.nPairs + 1));
	}
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (token == WJB_KEY)
			value->val.object.pairs[n].key = item;
		else if (token == WJB_VALUE)
		{
			unpack(&item);
			value->val.object.pairs[n++].value = item;
		}
		else if (token == WJB_ELEM)
		{
			unpack(&item);
			value->val.array.elems[n++] = item;
		}
	}
}

/*
 * The object {"value": x}.
 */
Jsonb *
stash_assemble_wrap(JsonbValue *value)
{
	JsonbValue	object;
	JsonbPair	pair;

	memset(&pair, 0, sizeof(pair));
	pair.key.type = jbvString;
	pair.key.val.string.val = "value";
	pair.key.val.string.len = strlen("value");
	pair.value = *value;
	unpack(&pair.value);

	object.type = jbvObject;
	object.val.object.nPairs = 1;
	object.val.object.pairs = &pair;
	return JsonbValueToJsonb(&object);
}

/* ---- flattening ---- */

static void
add_pair(Flattener *flat, const JsonbValue *key, const JsonbValue *value)
{
	JsonbPair  *pair;

	if (flat->npairs == flat->room)
	{
		if (flat->room >= MAX_PAIRS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("flattened object is too large"),
					 errdetail("An object can have at most %d names.",
							   (int) MAX_PAIRS)));
		flat->room = Min(flat->room * 2, MAX_PAIRS);
		flat->pairs = repalloc(flat->pairs, sizeof(JsonbPair) * flat->room);
	}
	pair = &flat->pairs[flat->npairs++];
	pair->key = *key;
	pair->value = *value;
	pair->order = 0;

	/* one long name over many others could take far more than it came in */
	flat->namebytes += flat->path.len + key->val.string.len;
	if (flat->namebytes > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("flattened object is too large"),
				 errdetail("The joined names of an object can take at most %d bytes.",
						   JENTRY_OFFLENMASK)));
	if (flat->path.len > 0)
	{
		int			len = flat->path.len + key->val.string.len;
		char	   *name = palloc(len + 1);

		memcpy(name, flat->path.data, flat->path.len);
		memcpy(name + flat->path.len, key->val.string.val,
			   key->val.string.len);
		pair->key.val.string.val = name;
		pair->key.val.string.len = len;
	}
}

static void
add_object(Flattener *flat, JsonbContainer *object)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue	key;
	JsonbValue	value;

	check_stack_depth();
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (value.type == jbvBinary &&
			JsonContainerIsObject(value.val.binary.data) &&
			JsonContainerSize(value.val.binary.data) > 0)
		{
			int			pathlen = flat->path.len;

			flat->is_nested = true;
			appendBinaryStringInfo(&flat->path, key.val.string.val,
								   key.val.string.len);
			appendBinaryStringInfo(&flat->path, flat->separator,
								   flat->separatorlen);
			add_object(flat, value.val.binary.data);
			flat->path.len = pathlen;
			flat->path.data[pathlen] = '\0';
		}
		else
			add_pair(flat, &key, &value);
	}
}

/* the order of keys in a jsonb object: shorter first, then by bytes */
static int
compare_keys(const void *a, const void *b)
{
	const JsonbValue *one = &((const JsonbPair *) a)->key;
	const JsonbValue *two = &((const JsonbPair *) b)->key;

	if (one->val.string.len != two->val.string.len)
		return one->val.string.len > two->val.string.len ? 1 : -1;
	return memcmp(one->val.string.val, two->val.string.val,
				  one->val.string.len);
}

static void
check_clashes(const Flattener *flat)
{
	for (int i = 1; i < flat->npairs; i++)
	{
		const JsonbValue *key = &flat->pairs[i].key;

		if (compare_keys(&flat->pairs[i - 1], &flat->pairs[i]) != 0)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE),
				 errmsg("two values have the flattened name \"%.*s\"",
						pg_mbcliplen(key->val.string.val, key->val.string.len,
									 SHOWN_NAME),
						key->val.string.val),
				 errhint("Use stash.flatten() with a separator that occurs in no key.")));
	}
}

/*
 * The flat form of an object, in the current memory context.
 *
 * 'object' is in binary form, and so is 'more', another object that comes into
 * the same one with a prefix before its names, or NULL.  Throws 22030 when two places have one joined
 * name, 54000 when the names grow too large.
 */
Jsonb *
stash_assemble_flatten(JsonbValue *object, const char *separator,
					   int separatorlen, JsonbValue *more, const char *prefix)
{
	Flattener	flat = {0};
	JsonbValue	result;

	Assert(object->type == jbvBinary &&
		   JsonContainerIsObject(object->val.binary.data));
	flat.separator = separator;
	flat.separatorlen = separatorlen;
	flat.room = FIRST_PAIRS;
	flat.pairs = palloc(sizeof(JsonbPair) * flat.room);
	initStringInfo(&flat.path);
	add_object(&flat, object->val.binary.data);
	if (more != NULL)
	{
		flat.is_nested = true;
		appendStringInfoString(&flat.path, prefix);
		add_object(&flat, more->val.binary.data);
	}
	if (!flat.is_nested)
		return JsonbValueToJsonb(object);

	qsort(flat.pairs, flat.npairs, sizeof(JsonbPair), compare_keys);
	check_clashes(&flat);
	for (int i = 0; i < flat.npairs; i++)
		unpack(&flat.pairs[i].value);
	result.type = jbvObject;
	result.val.object.nPairs = flat.npairs;
	result.val.object.pairs = flat.pairs;
	return JsonbValueToJsonb(&result);
}

/* ---- SQL ---- */

/*
 * stash.flatten(value jsonb, separator text DEFAULT '.') returns jsonb
 *
 * Args:    separator  joins the names; may be empty
 * Returns: one object without nested ones, but for empty objects and what is
 *          in arrays; a value that is no object comes back as it is
 * Errors:  22030 when two places have one joined name; 54000 when the joined
 *          names take more than a jsonb object can hold
 * Strict, immutable, parallel safe.
 */
Datum
pg_hashstash_flatten(PG_FUNCTION_ARGS)
{
	Jsonb	   *value = PG_GETARG_JSONB_P(0);
	text	   *separator = PG_GETARG_TEXT_PP(1);
	JsonbValue	object;

	if (!JB_ROOT_IS_OBJECT(value))
		PG_RETURN_JSONB_P(value);
	object.type = jbvBinary;
	object.val.binary.data = &value->root;
	object.val.binary.len = VARSIZE(value) - VARHDRSZ;
	PG_RETURN_JSONB_P(stash_assemble_flatten(&object, VARDATA_ANY(separator),
											 VARSIZE_ANY_EXHDR(separator),
											 NULL, NULL));
}
