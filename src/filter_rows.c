/*-------------------------------------------------------------------------
 *
 * filter_rows.c
 *	  Images of row sets, laid out column by column.
 *
 * The values of a column are alike, and compress better side by side than
 * each within its row.  This moves the bytes of an array of rows, and adds
 * none: what begins the array stays where it is, then come the bitmaps of all
 * rows, then the values of each column, one column after the other.  Columns
 * of numbers are laid out by a filter of their own (filter.c).  What is needed
 * to undo it is the "layout", which stands before the compressed bytes:
 *
 *		varint	bytes before the first row
 *		varint	rows
 *		varint	columns
 *		of each column:
 *			byte	width of a value, or 0: a length as a varint, and as many bytes
 *			byte	filter, 0 to 7 but 4; of the column's own width
 *			varint	bytes of all values
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "codec.h"
#include "filter.h"
#include "frame.h"

static int
bitmap_size(int ncolumns)
{
	return Max((ncolumns + 7) / 8, 1);
}

/* bytes of the value at 'at', or 0 where it does not end before 'end' */
static inline Size
value_size(const StashColumn *column, const char *at, const char *end)
{
	const char *content = at;
	uint64		len;

	if (column->width > 0)
		return end - at >= column->width ? column->width : 0;
	if (!stash_frame_get_varint(&content, end, &len) ||
		len > (uint64) (end - content))
		return 0;
	return (Size) (content - at) + (Size) len;
}

/*
 * Learn how many bytes each column has in the rows of an image; false when it
 * is none of these columns.  The counts and widths in 'rows' are given.
 */
bool
stash_rows_measure(StashRows *rows, const char *image, Size len)
{
	const char *at = image + rows->prologue;
	const char *end = image + len;
	int			nbytes = bitmap_size(rows->ncolumns);

	for (int i = 0; i < rows->ncolumns; i++)
		rows->columns[i].len = 0;
	for (uint64 row = 0; row < rows->nrows; row++)
	{
		const uint8 *bitmap = (const uint8 *) at;

		if (end - at < nbytes)
			return false;
		at += nbytes;
		for (int i = 0; i < rows->ncolumns; i++)
		{
			Size		size;

			if ((bitmap[i / 8] & (1 << (i % 8))) == 0)
				continue;
			size = value_size(&rows->columns[i], at, end);
			if (size == 0)
				return false;
			rows->columns[i].len += size;
			at += size;
		}
	}
	return at == end;
}

/* set the place of each column in laid out bytes */
static void
place_columns(StashRows *rows)
{
	uint64		at = rows->prologue + rows->nrows * bitmap_size(rows->ncolumns);

	for (int i = 0; i < rows->ncolumns; i++)
	{
		rows->columns[i].at = at;
		at += rows->columns[i].len;
	}
}

/*
 * Lay out the image of a row set, which stash_rows_measure() has seen, and
 * choose a filter for each column.  'dst' has 'len' bytes, as has 'scratch'.
 */
void
stash_rows_apply(StashRows *rows, int codec, const char *image, Size len,
				 char *dst, char *scratch)
{
	const char *at = image + rows->prologue;
	const char *end = image + len;
	int			nbytes = bitmap_size(rows->ncolumns);
	char	   *bitmaps = dst + rows->prologue;

	place_columns(rows);
	memcpy(dst, image, rows->prologue);
	for (uint64 row = 0; row < rows->nrows; row++)
	{
		const uint8 *bitmap = (const uint8 *) at;

		memcpy(bitmaps, at, nbytes);
		bitmaps += nbytes;
		at += nbytes;
		for (int i = 0; i < rows->ncolumns; i++)
		{
			StashColumn *column = &rows->columns[i];
			Size		size;

			if ((bitmap[i / 8] & (1 << (i % 8))) == 0)
				continue;
			size = value_size(column, at, end);
			memcpy(dst + column->at, at, size);
			column->at += size;
			at += size;
		}
	}
	place_columns(rows);
	for (int i = 0; i < rows->ncolumns; i++)
	{
		StashColumn *column = &rows->columns[i];
		char	   *values = dst + column->at;

		column->filter = stash_filter_choose(codec, column->width, values,
											 column->len);
		if (column->filter == STASH_FILTER_NONE)
			continue;
		stash_filter_apply(column->filter, values, column->len, scratch);
		memcpy(values, scratch, column->len);
	}
}

/*
 * Write what is needed to undo it.
 */
void
stash_rows_put_layout(StashSink *sink, const StashRows *rows)
{
	stash_sink_put_varint(sink, rows->prologue);
	stash_sink_put_varint(sink, rows->nrows);
	stash_sink_put_varint(sink, rows->ncolumns);
	for (int i = 0; i < rows->ncolumns; i++)
	{
		stash_sink_put_u8(sink, (uint8) rows->columns[i].width);
		stash_sink_put_u8(sink, (uint8) rows->columns[i].filter);
		stash_sink_put_varint(sink, rows->columns[i].len);
	}
}

/* read the layout of laid out bytes; false where it is none */
static bool
read_layout(StashRows *rows, const char *layout, Size layoutlen, Size len)
{
	const char *end = layout + layoutlen;
	uint64		left = len;
	uint64		ncolumns;

	if (!stash_frame_get_varint(&layout, end, &rows->prologue) ||
		!stash_frame_get_varint(&layout, end, &rows->nrows) ||
		!stash_frame_get_varint(&layout, end, &ncolumns) ||
		ncolumns == 0 || ncolumns > STASH_MAX_COLUMNS || rows->prologue > len)
		return false;
	rows->ncolumns = (int) ncolumns;
	left -= rows->prologue;
	if (rows->nrows > left / bitmap_size(rows->ncolumns))
		return false;
	left -= rows->nrows * bitmap_size(rows->ncolumns);
	for (int i = 0; i < rows->ncolumns; i++)
	{
		StashColumn *column = &rows->columns[i];

		if (end - layout < 2)
			return false;
		column->width = (uint8) *layout++;
		column->filter = (uint8) *layout++;
		if (!stash_frame_get_varint(&layout, end, &column->len) ||
			column->len > left ||
			column->filter > 7 || column->filter == STASH_FILTER_ROWS ||
			(column->filter != STASH_FILTER_NONE &&
			 column->width != 1 << (column->filter & 3)))
			return false;
		left -= column->len;
	}
	return layout == end && left == 0;
}

/*
 * The opposite of stash_rows_apply(): from 'len' bytes at 'laid', which are
 * written over, to as many at 'dst'.  False when the layout does not fit.
 * Never reads or writes outside, whatever the bytes are.
 */
bool
stash_rows_undo(StashRows *rows, const char *layout, Size layoutlen,
				char *laid, Size len, char *dst)
{
	int			nbytes;
	const char *bitmaps;
	char	   *to = dst;

	if (!read_layout(rows, layout, layoutlen, len))
		return false;
	place_columns(rows);
	for (int i = 0; i < rows->ncolumns; i++)
	{
		StashColumn *column = &rows->columns[i];
		char	   *values = laid + column->at;

		if (column->filter == STASH_FILTER_NONE)
			continue;
		stash_filter_undo(column->filter, values, column->len,
						  dst + column->at);
		memcpy(values, dst + column->at, column->len);
	}

	nbytes = bitmap_size(rows->ncolumns);
	bitmaps = laid + rows->prologue;
	memcpy(to, laid, rows->prologue);
	to += rows->prologue;
	for (uint64 row = 0; row < rows->nrows; row++)
	{
		const uint8 *bitmap = (const uint8 *) bitmaps;

		memcpy(to, bitmaps, nbytes);
		to += nbytes;
		bitmaps += nbytes;
		for (int i = 0; i < rows->ncolumns; i++)
		{
			StashColumn *column = &rows->columns[i];
			Size		size;

			if ((bitmap[i / 8] & (1 << (i % 8))) == 0)
				continue;
			size = value_size(column, laid + column->at,
							  laid + column->at + column->len);
			if (size == 0)
				return false;
			memcpy(to, laid + column->at, size);
			to += size;
			column->at += size;
			column->len -= size;
		}
	}
	/* all has been taken from each column: then all is written, too */
	return to == dst + len;
}
