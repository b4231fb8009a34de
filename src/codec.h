/*-------------------------------------------------------------------------
 *
 * codec.h
 *	  Compression of byte strings.
 *
 * Codec numbers stand in frames: they are frozen.  A build may lack zstd.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_CODEC_H
#define STASH_CODEC_H

#include "stream.h"

#define STASH_CODEC_NONE	0	/* stored as they are */
#define STASH_CODEC_LZ4		1	/* one LZ4 block, no LZ4 frame around it */
#define STASH_CODEC_ZSTD	2	/* one zstd frame */

/* called now and then while much is compressed, and may leave for good */
extern void (*stash_codec_poll) (void);

extern int	stash_codec_by_name(const char *name, Size len);
extern const char *stash_codec_name(int codec);
extern uint64 stash_codec_most(int codec, Size len);
extern Size stash_codec_compress(int codec, const char *src, Size len,
								 char *dst, Size cap);
extern bool stash_codec_decompress(int codec, const char *src, Size len,
								   char *dst, Size rawlen);

/* Room in which a buffer of 'len' bytes can be packed, however it looks. */
static inline Size
stash_codec_buffer_room(Size len)
{
	return len + len / 128 + 1024;
}

extern Size stash_codec_pack_buffer(int codec, const char *src, Size len,
									char *dst, Size cap);
extern bool stash_codec_unpack_buffer(int codec, const char *src, Size len,
									  char *dst, Size rawlen);

extern const StashStreamCodec stash_zstd_stream;

#endif							/* STASH_CODEC_H */
