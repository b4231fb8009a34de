/*-------------------------------------------------------------------------
 *
 * arrow_array.h
 *	  Arrays of Arrow in memory, and single values of theirs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ARROW_ARRAY_H
#define STASH_ARROW_ARRAY_H

#include "arrow.h"
#include "arrow_fb.h"

#define STASH_ARROW_VIEW		16	/* bytes of a view */
#define STASH_ARROW_VIEW_INLINE	12	/* of a value that has no block */

typedef struct StashArrowArray StashArrowArray;

/*
 * Values of a field.  All that offsets and lengths say was checked, so that
 * values 0 to length - 1 can be read; an index into a dictionary was not.
 */
struct StashArrowArray
{
	const StashArrowField *field;
	int64		length;
	const uint8 *validity;		/* a bit for each value; NULL: no nulls */
	const uint8 *values;		/* of fixed width, indexes, views or bytes */
	const uint8 *offsets;
	const uint8 **blocks;		/* of views */
	StashArrowArray *children;
};

extern int	stash_arrow_value_size(const StashArrowField *field);
extern int64 stash_arrow_get_int(const StashArrowArray *array, int64 i);
extern const char *stash_arrow_get_bytes(const StashArrowArray *array, int64 i,
										 Size *len);
extern int64 stash_arrow_get_list(const StashArrowArray *array, int64 i,
								  int64 *first);

/* Is a value null?  Of a field without validity the children may be. */
static inline bool
stash_arrow_is_null(const StashArrowArray *array, int64 i)
{
	return (array->validity != NULL &&
			(array->validity[i >> 3] >> (i & 7) & 1) == 0) ||
		(array->field->type == STASH_ARROW_NULL && !array->field->has_dictionary);
}

/* Bytes of an offset. */
static inline int
stash_arrow_offset_size(const StashArrowField *field)
{
	return field->type == STASH_ARROW_LARGE_BINARY ||
		field->type == STASH_ARROW_LARGE_UTF8 ||
		field->type == STASH_ARROW_LARGE_LIST ? 8 : 4;
}

/* The i-th offset, of which there is one more than values. */
static inline int64
stash_arrow_get_offset(const StashArrowArray *array, int64 i)
{
	int			size = stash_arrow_offset_size(array->field);

	return stash_fb_load(array->offsets + i * size, size);
}

#endif							/* STASH_ARROW_ARRAY_H */
