/*-------------------------------------------------------------------------
 *
 * arrow_file.c
 *	  What an Arrow file has around its stream: see arrow.h.
 *
 * The place of each message is read off the stream after it was written, so
 * that who writes streams need not know of files.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "arrow_fb.h"
#include "arrow_file.h"

#define PREFIX		8			/* bytes of a message before its metadata */

typedef struct Block
{
	int64		offset;
	int32		metadata;		/* bytes, with the prefix */
	int64		body;
} Block;

/*
 * Begin a file in an empty buffer, or at a multiple of 8 of it.
 *
 * What is noted lives in the current memory context.
 */
void
stash_arrow_begin_file(StashArrowBlocks *blocks, StringInfo buf)
{
	initStringInfo(&blocks->dictionaries);
	initStringInfo(&blocks->batches);
	appendBinaryStringInfo(buf, STASH_ARROW_MAGIC "\0\0", STASH_ARROW_FILE_START);
	blocks->at = STASH_ARROW_FILE_START;
}

/*
 * Note the messages that were written to a buffer from 'from' on: all that were
 * since the last call.
 */
void
stash_arrow_note_messages(StashArrowBlocks *blocks, StringInfo buf, int from)
{
	while (from < buf->len)
	{
		const uint8 *data = (const uint8 *) buf->data + from;
		int64		metadata = stash_fb_load(data + 4, 4);
		StashFb		fb = {data + PREFIX, (uint32) metadata, false};
		Block		block = {blocks->at, (int32) metadata + PREFIX, 0};

		/* the end mark has none */
		if (metadata > 0)
		{
			uint32		table = stash_fb_root(&fb);
			int64		header = stash_fb_number(&fb, table, 1, 1, 0);

			block.body = stash_fb_number(&fb, table, 3, 8, 0);
			if (header == STASH_ARROW_HEADER_DICTIONARY)
				appendBinaryStringInfo(&blocks->dictionaries, (char *) &block,
									   sizeof(Block));
			else if (header == STASH_ARROW_HEADER_BATCH)
				appendBinaryStringInfo(&blocks->batches, (char *) &block,
									   sizeof(Block));
		}
		blocks->at += block.metadata + block.body;
		from += block.metadata + (int) block.body;
	}
}

static void
put_blocks(StringInfo buf, int ref, const StringInfoData *noted)
{
	int			n = noted->len / (int) sizeof(Block);
	int			at = stash_fb_put_vector(buf, ref, n, STASH_ARROW_BLOCK_SIZE);

	for (int i = 0; i < n; i++)
	{
		const Block *block = (const Block *) noted->data + i;

		stash_fb_set(buf, at, 8, block->offset);
		stash_fb_set(buf, at + 8, 4, block->metadata);
		stash_fb_set(buf, at + 16, 8, block->body);
		at += STASH_ARROW_BLOCK_SIZE;
	}
}

/*
 * Append the footer, behind the end mark of the stream.
 */
void
stash_arrow_end_file(StashArrowBlocks *blocks, StringInfo buf, int nfields,
					 const StashArrowField *fields)
{
	static const uint8 sizes[] = {2, 4, 4, 4};
	int			at[lengthof(sizes)];
	int			start = buf->len;
	int			len;

	Assert(start % 8 == 0);
	stash_fb_put_table(buf, stash_fb_put_root(buf), lengthof(sizes), sizes, at);
	stash_fb_set(buf, at[0], 2, STASH_ARROW_VERSION);
	stash_arrow_put_schema_table(buf, at[1], nfields, fields);
	put_blocks(buf, at[2], &blocks->dictionaries);
	put_blocks(buf, at[3], &blocks->batches);
	len = buf->len - start;
	enlargeStringInfo(buf, 4);
	buf->len += 4;
	stash_fb_set(buf, buf->len - 4, 4, len);
	appendBinaryStringInfo(buf, STASH_ARROW_MAGIC, STASH_ARROW_MAGIC_SIZE);
}
