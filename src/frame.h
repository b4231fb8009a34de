/*-------------------------------------------------------------------------
 *
 * frame.h
 *	  Self-describing frames: the bytes of one value of any type.
 *
 * Layout, version 1.  Integers are little-endian; a varint is an unsigned
 * LEB128 of as few bytes as will do, at most 10; offsets count bytes from the
 * start.
 *
 *		0    2    3    4           12         12+v       12+v+d
 *		+----+----+----+-----------+----------+----------+----------+------+
 *		|F5 S| v  | c  | checksum  | v: varint| d bytes  | raw size | body |
 *		|    |    |    |           | d        | type     | varint   |      |
 *		+----+----+----+-----------+----------+----------+----------+------+
 *
 * v is the version, 1.  c is the codec in bits 0 to 3, the filter of filter.h
 * in bits 4 to 6, which needs a codec but "none"; bit 7 says that the value is
 * NULL, and then the frame ends with the type.  The layout of a row set, if
 * that is the filter, stands with its length between raw size and body.
 * The checksum is XXH3-64 of everything from offset 12 to the end, seeded
 * with bytes 0 to 3 read as an integer.  The raw size stands there only when
 * the codec is not "none".  0xF5 cannot occur in UTF-8, so no text starts
 * like a frame.  The type and the body are described in doc/frame.md.
 *
 * Frozen: every version ever released stays readable.  To change the layout,
 * raise STASH_FRAME_VERSION and keep the old branch in stash_frame_parse().
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_FRAME_H
#define STASH_FRAME_H

#define STASH_FRAME_VERSION		1
#define STASH_FRAME_OLDEST		1
#define STASH_FRAME_FIXED		12	/* bytes before the type */

/* What is wrong with some bytes that should be a frame. */
typedef enum StashFrameProblem
{
	STASH_FRAME_OK,
	STASH_FRAME_FOREIGN,		/* other magic, or too short for one */
	STASH_FRAME_NEWER,			/* a version or flag that is not known here */
	STASH_FRAME_DAMAGED			/* checksum or lengths do not fit */
} StashFrameProblem;

/* A frame being read.  Points into the caller's buffer; owns nothing. */
typedef struct StashFrameReader
{
	const char *type;			/* type descriptor */
	Size		typelen;
	const char *body;			/* stored body, maybe compressed */
	Size		bodylen;
	uint64		rawlen;			/* bytes of the body after decompression */
	uint8		version;
	uint8		codec;
	uint8		filter;			/* to be undone after decompression */
	const char *layout;			/* of STASH_FILTER_ROWS */
	Size		layoutlen;
	bool		is_null;
	bool		is_checked;		/* the checksum holds */
} StashFrameReader;

extern StashFrameProblem stash_frame_parse(StashFrameReader *reader,
										   const char *buf, Size len);
extern void stash_frame_seal(char *frame, Size len, int codec, int filter,
							 bool is_null);

/*
 * Read a varint at *at, not beyond 'end', and step over it; false when it is
 * cut off, longer than 64 bits, or longer than it need be.
 */
static inline bool
stash_frame_get_varint(const char **at, const char *end, uint64 *value)
{
	*value = 0;
	for (int shift = 0; shift < 70 && *at < end; shift += 7)
	{
		uint8		byte = (uint8) *(*at)++;

		if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0))
			return false;
		*value |= (uint64) (byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

#endif							/* STASH_FRAME_H */
