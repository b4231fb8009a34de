/*-------------------------------------------------------------------------
 *
 * filter.h
 *	  Arrays of numbers and of rows, laid out anew so that they compress
 *	  better.
 *
 * A filter's number stands in frames, in three bits: it is frozen.  For arrays
 * of numbers (filter.c) its two low bits are the binary logarithm of the width
 * of an element, 1, 2 or 3 for 2, 4 or 8 bytes; its third bit says that
 * differences are stored.  The number that would be differences of bytes means
 * arrays of rows (filter_rows.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_FILTER_H
#define STASH_FILTER_H

#include "sink.h"

#define STASH_FILTER_NONE			0
#define STASH_FILTER_DIFFERENCES	4
#define STASH_FILTER_ROWS			4

#define STASH_MAX_COLUMNS			1664	/* of a row */

/* A column of a row set. */
typedef struct StashColumn
{
	int			width;			/* bytes of a value; 0: each has a length */
	int			filter;			/* of numbers */
	uint64		len;			/* bytes of all values, or of those left */
	uint64		at;				/* where they are */
} StashColumn;

/* A row set, and where its columns are when it is laid out. */
typedef struct StashRows
{
	uint64		prologue;		/* bytes before the first row */
	uint64		nrows;			/* that are not NULL as a whole */
	int			ncolumns;
	StashColumn columns[STASH_MAX_COLUMNS];
} StashRows;

extern void stash_filter_apply(int filter, const char *src, Size len,
							   char *dst);
extern void stash_filter_undo(int filter, const char *src, Size len,
							  char *dst);
extern bool stash_rows_measure(StashRows *rows, const char *image, Size len);
extern void stash_rows_apply(StashRows *rows, int codec, const char *image,
							 Size len, char *dst, char *scratch);
extern void stash_rows_put_layout(StashSink *sink, const StashRows *rows);
extern bool stash_rows_undo(StashRows *rows, const char *layout,
							Size layoutlen, char *laid, Size len, char *dst);
extern int	stash_filter_choose(int codec, int width, const char *src,
								Size len);

#endif							/* STASH_FILTER_H */
