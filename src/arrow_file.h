/*-------------------------------------------------------------------------
 *
 * arrow_file.h
 *	  What an Arrow file has around its stream: see arrow.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ARROW_FILE_H
#define STASH_ARROW_FILE_H

#include "arrow.h"

/* Where the messages of a file are, as its footer will say. */
typedef struct StashArrowBlocks
{
	int64		at;				/* where the next message begins */
	StringInfoData dictionaries;	/* StashArrowBlock each */
	StringInfoData batches;
} StashArrowBlocks;

extern void stash_arrow_begin_file(StashArrowBlocks *blocks, StringInfo buf);
extern void stash_arrow_note_messages(StashArrowBlocks *blocks,
									  StringInfo buf, int from);
extern void stash_arrow_end_file(StashArrowBlocks *blocks, StringInfo buf,
								 int nfields, const StashArrowField *fields);

#endif							/* STASH_ARROW_FILE_H */
