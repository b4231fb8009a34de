/*-------------------------------------------------------------------------
 *
 * frame.c
 *	  Frame headers: sealing and parsing.
 *
 * Bytes only: what a type descriptor or a body means is known to typeio.c
 * and frame_datum.c.  Nothing here trusts a length before it is checked.
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
#include "hash.h"

#define MAGIC_0		'\xF5'
#define MAGIC_1		'S'
#define CODEC_MASK	0x0f
#define FILTER_MASK	0x70
#define FILTER_SHIFT 4
#define NULL_FLAG	0x80

static uint64
checksum_of(const char *frame, Size len)
{
	uint64		seed = 0;

	for (int i = 0; i < 4; i++)
		seed |= (uint64) (uint8) frame[i] << (8 * i);
	return stash_hash_bytes64(frame + STASH_FRAME_FIXED,
							  len - STASH_FRAME_FIXED, seed);
}

/*
 * Fill in the first STASH_FRAME_FIXED bytes of a frame whose rest is there.
 */
void
stash_frame_seal(char *frame, Size len, int codec, int filter, bool is_null)
{
	uint64		checksum;

	Assert(len > STASH_FRAME_FIXED);
	frame[0] = MAGIC_0;
	frame[1] = MAGIC_1;
	frame[2] = STASH_FRAME_VERSION;
	frame[3] = (char) (codec | filter << FILTER_SHIFT |
					   (is_null ? NULL_FLAG : 0));
	checksum = checksum_of(frame, len);
	for (int i = 0; i < 8; i++)
		frame[4 + i] = (char) (checksum >> (8 * i));
}

/*
 * Open a frame for reading; never throws, never reads outside [buf, buf+len).
 *
 * On STASH_FRAME_OK all of 'reader' is set.  On STASH_FRAME_DAMAGED the
 * version and codec are those that the bytes claim, so that they can be shown.
 */
StashFrameProblem
stash_frame_parse(StashFrameReader *reader, const char *buf, Size len)
{
	const char *at = buf + STASH_FRAME_FIXED;
	const char *end = buf + len;
	uint64		stored = 0;
	uint64		typelen;

	memset(reader, 0, sizeof(*reader));
	if (len < 4 || buf[0] != MAGIC_0 || buf[1] != MAGIC_1)
		return STASH_FRAME_FOREIGN;
	reader->version = (uint8) buf[2];
	reader->codec = (uint8) buf[3] & CODEC_MASK;
	reader->filter = ((uint8) buf[3] & FILTER_MASK) >> FILTER_SHIFT;
	reader->is_null = ((uint8) buf[3] & NULL_FLAG) != 0;
	if (len <= STASH_FRAME_FIXED)
		return STASH_FRAME_DAMAGED;

	for (int i = 0; i < 8; i++)
		stored |= (uint64) (uint8) buf[4 + i] << (8 * i);
	if (stored != checksum_of(buf, len))
		return STASH_FRAME_DAMAGED;
	reader->is_checked = true;

	/* judged after the checksum, so that damage is not taken for the future */
	if (reader->version < STASH_FRAME_OLDEST ||
		reader->version > STASH_FRAME_VERSION)
		return STASH_FRAME_NEWER;

	if (!stash_frame_get_varint(&at, end, &typelen) ||
		typelen > (uint64) (end - at))
		return STASH_FRAME_DAMAGED;
	reader->type = at;
	reader->typelen = (Size) typelen;
	at += typelen;

	if (reader->codec != STASH_CODEC_NONE && !reader->is_null &&
		!stash_frame_get_varint(&at, end, &reader->rawlen))
		return STASH_FRAME_DAMAGED;
	if (reader->filter == STASH_FILTER_ROWS && !reader->is_null)
	{
		uint64		layoutlen;

		if (!stash_frame_get_varint(&at, end, &layoutlen) ||
			layoutlen > (uint64) (end - at))
			return STASH_FRAME_DAMAGED;
		reader->layout = at;
		reader->layoutlen = (Size) layoutlen;
		at += layoutlen;
	}
	reader->body = at;
	reader->bodylen = (Size) (end - at);
	if (reader->codec == STASH_CODEC_NONE)
		reader->rawlen = reader->bodylen;
	if (reader->is_null && reader->bodylen != 0)
		return STASH_FRAME_DAMAGED;
	if (reader->filter != STASH_FILTER_NONE &&
		(reader->is_null || reader->codec == STASH_CODEC_NONE))
		return STASH_FRAME_DAMAGED;
	return STASH_FRAME_OK;
}
