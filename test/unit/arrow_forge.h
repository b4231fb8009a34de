/*-------------------------------------------------------------------------
 *
 * arrow_forge.h
 *	  An Arrow stream of every kind of array, and a walk through all values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ARROW_FORGE_H
#define STASH_ARROW_FORGE_H

#include "arrow_read.h"

/*
 * Read all that a value has, which the sanitizers watch; the result depends
 * on each byte.
 */
static inline uint64
forge_read_value(const StashArrowArray *array, int64 i)
{
	const StashArrowField *field = array->field;
	uint64		sum = 17;
	int64		first;
	Size		len;
	const char *data;

	if (stash_arrow_is_null(array, i))
		return sum;
	if (field->has_dictionary)
		return sum + stash_arrow_get_int(array, i);
	switch (field->type)
	{
		case STASH_ARROW_BOOL:
			return sum + (array->values[i >> 3] >> (i & 7) & 1);
		case STASH_ARROW_LIST:
		case STASH_ARROW_LARGE_LIST:
		case STASH_ARROW_FIXED_LIST:
		case STASH_ARROW_MAP:
			len = stash_arrow_get_list(array, i, &first);
			/* of a type without bytes there may be any number */
			for (Size k = 0; k < len && k < 1000; k++)
				sum = sum * 31 + forge_read_value(&array->children[0], first + k);
			return sum;
		case STASH_ARROW_STRUCT:
			for (int k = 0; k < field->nchildren; k++)
				sum = sum * 31 + forge_read_value(&array->children[k], i);
			return sum;
		default:
			data = stash_arrow_get_bytes(array, i, &len);
			for (Size k = 0; k < len; k++)
				sum = sum * 31 + (uint8) data[k];
			return sum;
	}
}

/* Read all there is behind the schema, with which 'event' was; how it ended. */
static inline StashArrowEvent
forge_read_rest(StashArrowReader *reader, StashArrowEvent event, int64 *nrows,
				uint64 *sum)
{
	*nrows = 0;
	*sum = 0;
	while (event <= STASH_ARROW_VALUES && event != STASH_ARROW_END)
	{
		event = stash_arrow_next(reader);
		if (event == STASH_ARROW_ROWS)
			*nrows += reader->nrows;
		if (event != STASH_ARROW_ROWS && event != STASH_ARROW_VALUES)
			break;
		for (int k = 0; k < (event == STASH_ARROW_ROWS ? reader->nfields : 1); k++)
		{
			/* as above */
			for (int64 i = 0; i < reader->nrows && i < 1000; i++)
				*sum = *sum * 31 + forge_read_value(&reader->arrays[k], i);
		}
	}
	return event;
}

/* The same of all that is in memory. */
static inline StashArrowEvent
forge_read_all(const void *data, Size len, int64 *nrows, uint64 *sum)
{
	StashArrowReader reader;
	StashArrowEvent event = stash_arrow_open(&reader, data, len);

	return forge_read_rest(&reader, event, nrows, sum);
}

#endif							/* STASH_ARROW_FORGE_H */
