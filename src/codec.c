/*-------------------------------------------------------------------------
 *
 * codec.c
 *	  Compression of byte strings.
 *
 * The only file that knows LZ4.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <limits.h>
#include <lz4.h>

#include "codec.h"

/* by codec number; NULL where this build lacks the library */
static const char *const codec_names[] = {
	"none",
	"lz4"
};

/*
 * The codec called 'name', or -1 where there is none in this build.
 */
int
stash_codec_by_name(const char *name)
{
	for (int codec = 0; codec < lengthof(codec_names); codec++)
	{
		if (strcmp(codec_names[codec], name) == 0)
			return codec;
	}
	return -1;
}

/*
 * The name of a codec, or NULL where this build does not know it.
 */
const char *
stash_codec_name(int codec)
{
	if (codec < 0 || codec >= lengthof(codec_names))
		return NULL;
	return codec_names[codec];
}

/*
 * Compress into at most 'cap' bytes.
 *
 * Returns the compressed size, or 0 when the result does not fit: give a
 * 'cap' below 'len' to learn that compression does not pay.
 */
Size
stash_codec_compress(int codec, const char *src, Size len, char *dst, Size cap)
{
	if (len > LZ4_MAX_INPUT_SIZE || cap > INT_MAX || codec != STASH_CODEC_LZ4)
		return 0;
	return (Size) LZ4_compress_default(src, dst, (int) len, (int) cap);
}

/*
 * Decompress to exactly 'rawlen' bytes; false for damaged input.
 *
 * Never reads outside [src, src + len), never writes outside
 * [dst, dst + rawlen).
 */
bool
stash_codec_decompress(int codec, const char *src, Size len, char *dst, Size rawlen)
{
	if (len > INT_MAX || rawlen > INT_MAX || codec != STASH_CODEC_LZ4)
		return false;
	return LZ4_decompress_safe(src, dst, (int) len, (int) rawlen) == (int) rawlen;
}
