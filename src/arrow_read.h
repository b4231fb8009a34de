/*-------------------------------------------------------------------------
 *
 * arrow_read.h
 *	  Arrow IPC streams and files as arrays, whoever wrote them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ARROW_READ_H
#define STASH_ARROW_READ_H

#include "arrow_array.h"

#define STASH_ARROW_MAX_DEPTH	64	/* of types within types */
#define STASH_ARROW_MAX_FIELDS	65536	/* of a schema, at all depths */

typedef enum StashArrowEvent
{
	STASH_ARROW_END,			/* no more */
	STASH_ARROW_ROWS,			/* 'arrays' are the columns of 'nrows' rows */
	STASH_ARROW_VALUES,			/* 'arrays' is one, the values of 'dictionary' */
	STASH_ARROW_DAMAGED,		/* 'problem' at byte 'at' */
	STASH_ARROW_UNSUPPORTED		/* the same, but that of the reader */
} StashArrowEvent;

/*
 * Let 'data' be 'len' bytes at 'at', until it is called again; false if the data
 * end before.  Of a stream 'at' never goes back behind where it was.
 */
typedef bool (*StashArrowFetch) (void *source, Size at, Size len,
								 const uint8 **data);

typedef struct StashArrowReader
{
	const uint8 *data;			/* all of them, or NULL */
	StashArrowFetch fetch;		/* brings them, or NULL */
	void	   *source;			/* of it */
	Size		len;
	Size		at;				/* of the next message, or of the problem */
	StashArrowField *fields;
	int			nfields;
	const uint8 *blocks;		/* of a file: where its messages are */
	Size		ndictionaries;	/* of its blocks, the first ones */
	Size		nblocks;
	Size		block;			/* the next one */
	Size		body_end;		/* of a file: where its footer begins */
	bool		is_file;
	/* the last message */
	int64		nrows;
	StashArrowArray *arrays;
	int64		dictionary;
	bool		is_delta;		/* its values are added to those there are */
	const char *problem;
} StashArrowReader;

extern StashArrowEvent stash_arrow_open(StashArrowReader *reader,
										const void *data, Size len);
extern StashArrowEvent stash_arrow_open_source(StashArrowReader *reader,
											   StashArrowFetch fetch,
											   void *source, Size len);
extern bool stash_arrow_is_file(const void *data, Size len);
extern StashArrowEvent stash_arrow_next(StashArrowReader *reader);

#endif							/* STASH_ARROW_READ_H */
