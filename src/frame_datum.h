/*-------------------------------------------------------------------------
 *
 * frame_datum.h
 *	  Frames of any value: make, open, read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_FRAME_DATUM_H
#define STASH_FRAME_DATUM_H

#include "executor/tuptable.h"
#include "frame_open.h"
#include "image.h"
#include "sink.h"
#include "typeio.h"

/* A frame of a row set in the making: an array of rows, written row by row. */
typedef struct StashFrameRows
{
	StashType  *row;
	StashSink	sink;			/* the frame so far */
	Size		body;			/* where its body begins */
	uint32		nrows;
} StashFrameRows;

/* A row set being read back, row by row. */
typedef struct StashFrameRowsReader
{
	StashType  *row;
	StashImageReader in;
	uint32		nrows;			/* still to come */
} StashFrameRowsReader;

extern bytea *stash_frame_make(StashType *type, Datum value, bool isnull,
							   int codec);
extern bytea *stash_frame_make_row(StashType *row, const Datum *values,
								   const bool *nulls, int codec);
extern Datum stash_frame_read(const StashFrameReader *reader, StashType **type,
							  bool *isnull);
extern Datum stash_frame_read_to_show(const StashFrameReader *reader,
									  StashType **type, bool *isnull);
extern void stash_frame_check_type(StashType *type, Oid wanted);
extern bool stash_frame_identical(const char *a, Size alen,
								  const char *b, Size blen);

extern void stash_frame_rows_begin(StashFrameRows *rows, StashType *row);
extern void stash_frame_rows_add(StashFrameRows *rows, TupleTableSlot *slot);
extern bytea *stash_frame_rows_finish(StashFrameRows *rows, int codec);

extern bool stash_frame_rows_open(StashFrameRowsReader *rows,
								  const StashFrameReader *frame);
extern bool stash_frame_rows_next(StashFrameRowsReader *rows,
								  Datum *values, bool *nulls);

extern int	stash_frame_codec(const text *name);

#endif							/* STASH_FRAME_DATUM_H */
