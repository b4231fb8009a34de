/*-------------------------------------------------------------------------
 *
 * sink.h
 *	  Where bytes go: a buffer, and what to do when it is full.
 *
 * Whoever writes the bytes of a value need not know whether they are hashed
 * (hash.c) or kept (image_write.c).  The fast case is one comparison and one
 * memcpy; all else is the sink's own 'overflow'.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_SINK_H
#define STASH_SINK_H

#include "port/pg_bswap.h"

#define STASH_SINK_FEW	64		/* bytes; below 0x80 */
#define STASH_SINK_VARINT	10	/* bytes of a varint at most */

typedef struct StashSink StashSink;

struct StashSink
{
	char	   *buf;
	Size		used;			/* of 'buf' */
	Size		cap;			/* of 'buf' */
	/* take 'len' bytes that do not fit into 'buf' as it stands */
	void		(*overflow) (StashSink *sink, const void *data, Size len);
};

/* Append bytes. */
static inline void
stash_sink_put(StashSink *sink, const void *data, Size len)
{
	if (likely(len <= sink->cap - sink->used))
	{
		memcpy(sink->buf + sink->used, data, len);
		sink->used += len;
	}
	else
		sink->overflow(sink, data, len);
}

/* Append the first bytes of eight, all of which may be read: without a call. */
static inline void
stash_sink_put_of_eight(StashSink *sink, const void *eight, Size len)
{
	if (likely(sink->cap - sink->used >= 8))
	{
		memcpy(sink->buf + sink->used, eight, 8);
		sink->used += len;
	}
	else
		stash_sink_put(sink, eight, len);
}

/* Append one byte. */
static inline void
stash_sink_put_u8(StashSink *sink, uint8 value)
{
	stash_sink_put(sink, &value, 1);
}

/* Append four bytes, least significant first. */
static inline void
stash_sink_put_u32(StashSink *sink, uint32 value)
{
#ifdef WORDS_BIGENDIAN
	value = pg_bswap32(value);
#endif
	stash_sink_put(sink, &value, sizeof(value));
}

/* Append eight bytes, least significant first. */
static inline void
stash_sink_put_u64(StashSink *sink, uint64 value)
{
	stash_sink_put_u32(sink, (uint32) value);
	stash_sink_put_u32(sink, (uint32) (value >> 32));
}

/* Append an unsigned LEB128 number, 1 to 10 bytes. */
static inline void
stash_sink_put_varint(StashSink *sink, uint64 value)
{
	char		bytes[STASH_SINK_VARINT];
	int			n = 0;

	while (value >= 0x80)
	{
		bytes[n++] = (char) (value | 0x80);
		value >>= 7;
	}
	bytes[n++] = (char) value;
	stash_sink_put(sink, bytes, n);
}

/* Append a length as a varint, and that many bytes. */
static inline void
stash_sink_put_bytes(StashSink *sink, const void *data, Size len)
{
	if (likely(len < 0x80))
		stash_sink_put_u8(sink, (uint8) len);
	else
		stash_sink_put_varint(sink, len);
	stash_sink_put(sink, data, len);
}

/*
 * The same for bytes that often are few: they are copied together with what
 * stands behind them, which needs no call.  'end' is that of what may be read.
 */
static inline void
stash_sink_put_few_bytes(StashSink *sink, const char *data, Size len,
						 const char *end)
{
	if (likely(len <= STASH_SINK_FEW &&
			   end - data >= STASH_SINK_FEW &&
			   sink->cap - sink->used > STASH_SINK_FEW))
	{
		char	   *to = sink->buf + sink->used;

		to[0] = (char) len;
		memcpy(to + 1, data, STASH_SINK_FEW);
		sink->used += 1 + len;
	}
	else
		stash_sink_put_bytes(sink, data, len);
}

#endif							/* STASH_SINK_H */
