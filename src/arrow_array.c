/*-------------------------------------------------------------------------
 *
 * arrow_array.c
 *	  Single values of Arrow arrays that were checked.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "arrow_array.h"
#include "arrow_fb.h"

/*
 * Bytes of a value where all have as many, else 0; those of an index where
 * there is a dictionary.
 */
int
stash_arrow_value_size(const StashArrowField *field)
{
	if (field->has_dictionary)
		return field->index_width / 8;
	switch (field->type)
	{
		case STASH_ARROW_INT:
		case STASH_ARROW_DECIMAL:
		case STASH_ARROW_TIME:
			return field->width / 8;
		case STASH_ARROW_FLOAT:
			return 2 << field->unit;
		case STASH_ARROW_DATE:
			return field->unit == STASH_ARROW_DAY ? 4 : 8;
		case STASH_ARROW_TIMESTAMP:
		case STASH_ARROW_DURATION:
			return 8;
		case STASH_ARROW_INTERVAL:
			return field->unit == STASH_ARROW_YEAR_MONTH ? 4 :
				field->unit == STASH_ARROW_DAY_TIME ? 8 : 16;
		case STASH_ARROW_FIXED_BINARY:
			return field->width;
		case STASH_ARROW_BINARY_VIEW:
		case STASH_ARROW_UTF8_VIEW:
			return STASH_ARROW_VIEW;
		default:
			return 0;
	}
}

/*
 * A value of at most 8 bytes as a number, or an index; its sign is extended
 * unless the field has none.
 */
int64
stash_arrow_get_int(const StashArrowArray *array, int64 i)
{
	const StashArrowField *field = array->field;
	int			size = stash_arrow_value_size(field);
	int64		value = stash_fb_load(array->values + i * size, size);
	bool		is_signed = field->has_dictionary ? field->index_signed :
	field->type != STASH_ARROW_INT || field->is_signed;

	if (!is_signed && size < 8)
		value &= (INT64CONST(1) << 8 * size) - 1;
	return value;
}

/*
 * The bytes of a value of text, binary or any fixed width.
 */
const char *
stash_arrow_get_bytes(const StashArrowArray *array, int64 i, Size *len)
{
	const StashArrowField *field = array->field;

	if (field->type == STASH_ARROW_UTF8_VIEW || field->type == STASH_ARROW_BINARY_VIEW)
	{
		const uint8 *view = array->values + i * STASH_ARROW_VIEW;

		*len = (Size) stash_fb_load(view, 4);
		if (*len <= STASH_ARROW_VIEW_INLINE)
			return (const char *) view + 4;
		return (const char *) array->blocks[stash_fb_load(view + 8, 4)] +
			stash_fb_load(view + 12, 4);
	}
	if (array->offsets != NULL)
	{
		int64		from = stash_arrow_get_offset(array, i);

		*len = (Size) (stash_arrow_get_offset(array, i + 1) - from);
		return (const char *) array->values + from;
	}
	*len = stash_arrow_value_size(field);
	return (const char *) array->values + i * *len;
}

/*
 * The number of elements of a list, and where in the child they begin.
 */
int64
stash_arrow_get_list(const StashArrowArray *array, int64 i, int64 *first)
{
	if (array->field->type == STASH_ARROW_FIXED_LIST)
	{
		*first = i * array->field->width;
		return array->field->width;
	}
	*first = stash_arrow_get_offset(array, i);
	return stash_arrow_get_offset(array, i + 1) - *first;
}
