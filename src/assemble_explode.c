/*-------------------------------------------------------------------------
 *
 * assemble_explode.c
 *	  One element for each item of an array inside it.
 *
 * {"a": 1, "tags": ["x", "y"]} exploded by "tags" is {"a": 1, "tags": "x"} and
 * {"a": 1, "tags": "y"}.  An empty array leaves a null, so that nothing is
 * lost.  What has no array of that name stays as it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "assemble.h"

struct StashExploded
{
	Datum		object;			/* with a null in the array's place */
	Datum		path;			/* text[]: the keys that lead to the array */
	JsonbIterator *items;
	bool		is_empty;		/* its null was not given yet */
};

static Datum
make_path(List *keys)
{
	Datum	   *elements = palloc(sizeof(Datum) * list_length(keys));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, keys)
		elements[n++] = PointerGetDatum(lfirst(cell));
	return PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/* an object with another value in this place */
static Datum
replace(Datum object, Datum path, JsonbValue *value)
{
	return DirectFunctionCall4(jsonb_set, object, path,
							   JsonbPGetDatum(JsonbValueToJsonb(value)),
							   BoolGetDatum(false));
}

/*
 * Start on the items of the array called 'name' in an element; NULL where
 * there is no such array.
 *
 * The result is allocated in the current memory context, and points into the
 * element.  Throws 22030 when the name leads to two places.
 */
StashExploded *
stash_assemble_explode(const StashPart *element, const char *name)
{
	StashExploded *exploded;
	JsonbValue	json;
	JsonbValue	array;
	JsonbValue	null = {.type = jbvNull};
	List	   *keys = NIL;
	int			places;

	if (element->kind != STASH_PART_ROW && element->kind != STASH_PART_JSON)
		return NULL;
	stash_assemble_to_json(element, &json);
	if (json.type != jbvBinary || !JsonContainerIsObject(json.val.binary.data))
		return NULL;
	places = stash_assemble_find_json(json.val.binary.data, name, strlen(name),
									  &array, &keys);
	if (places > 1)
		stash_assemble_refuse_name(name);
	if (places == 0 || array.type != jbvBinary ||
		!JsonContainerIsArray(array.val.binary.data))
		return NULL;
	exploded = palloc(sizeof(StashExploded));
	exploded->path = make_path(keys);
	/* all items at once would be copied for each of them */
	exploded->object = replace(JsonbPGetDatum(JsonbValueToJsonb(&json)),
							   exploded->path, &null);
	exploded->items = JsonbIteratorInit(array.val.binary.data);
	exploded->is_empty = JsonContainerSize(array.val.binary.data) == 0;
	(void) JsonbIteratorNext(&exploded->items, &array, true);
	return exploded;
}

/*
 * The next item, in its element; false when there is none left.
 *
 * Allocated in the current memory context.
 */
bool
stash_assemble_explode_next(StashExploded *exploded, StashPart *part)
{
	JsonbValue	item;

	if (exploded->is_empty)
	{
		item.type = jbvNull;
		exploded->is_empty = false;
	}
	else if (JsonbIteratorNext(&exploded->items, &item, true) != WJB_ELEM)
		return false;
	stash_assemble_open(part, stash_type_lookup(JSONBOID, -1),
						replace(exploded->object, exploded->path, &item),
						false);
	return true;
}
