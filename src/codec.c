/*-------------------------------------------------------------------------
 *
 * codec.c
 *	  Compression of byte strings.
 *
 * The only file that knows LZ4 and zstd.  Every build has the former; the
 * latter is there where the Makefile found its header.
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
#include <lz4frame.h>
#ifdef STASH_HAVE_ZSTD
#include <zstd.h>
#endif

#include "codec.h"

void		(*stash_codec_poll) (void);

typedef struct Codec
{
	const char *name;			/* NULL: this build lacks the library */
	uint64		most;			/* bytes that one stored byte may stand for */
	Size		(*compress) (const char *src, Size len, char *dst, Size cap);
	bool		(*decompress) (const char *src, Size len, char *dst,
							   Size rawlen);
} Codec;

static Size
lz4_compress(const char *src, Size len, char *dst, Size cap)
{
	if (len > LZ4_MAX_INPUT_SIZE || cap > INT_MAX)
		return 0;
	return (Size) LZ4_compress_default(src, dst, (int) len, (int) cap);
}

static bool
lz4_decompress(const char *src, Size len, char *dst, Size rawlen)
{
	if (len > INT_MAX || rawlen > INT_MAX)
		return false;
	return LZ4_decompress_safe(src, dst, (int) len, (int) rawlen) == (int) rawlen;
}

/* one frame, of which LZ4F_compressFrame() wants to know that it fits */
static Size
lz4_frame_compress(const char *src, Size len, char *dst, Size cap)
{
	size_t		size = LZ4F_compressFrame(dst, cap, src, len, NULL);

	return LZ4F_isError(size) ? 0 : size;
}

static bool
lz4_frame_decompress(const char *src, Size len, char *dst, Size rawlen)
{
	/* kept for the life of the process */
	static LZ4F_dctx *unpacker;
	size_t		taken = len;
	size_t		made = rawlen;
	size_t		left;

	if (unpacker == NULL &&
		LZ4F_isError(LZ4F_createDecompressionContext(&unpacker, LZ4F_VERSION)))
		return false;
	/* it may stop at the end of what it makes, with a mark left to read */
	left = LZ4F_decompress(unpacker, dst, &made, src, &taken, NULL);
	if (!LZ4F_isError(left) && left > 0 && taken < len && made == rawlen)
	{
		size_t		rest = len - taken;
		size_t		none = 0;

		left = LZ4F_decompress(unpacker, dst + rawlen, &none, src + taken,
							   &rest, NULL);
		taken += rest;
	}
	if (left == 0 && taken == len && made == rawlen)
		return true;
	LZ4F_resetDecompressionContext(unpacker);
	return false;
}

#ifdef STASH_HAVE_ZSTD
#define ZSTD_PIECE	((Size) 32 << 20)	/* bytes, a fifth of a second */

/* contexts are costly to make; kept for the life of the process */
static ZSTD_CCtx *zstd_packer;
static ZSTD_DCtx *zstd_unpacker;

/* the same in pieces, between which the caller may be told to stop */
static Size
zstd_compress_slowly(const char *src, Size len, char *dst, Size cap)
{
	ZSTD_inBuffer in = {src, 0, 0};
	ZSTD_outBuffer out = {dst, cap, 0};
	size_t		left;

	ZSTD_CCtx_reset(zstd_packer, ZSTD_reset_session_and_parameters);
	ZSTD_CCtx_setPledgedSrcSize(zstd_packer, len);
	do
	{
		if (stash_codec_poll != NULL)
			stash_codec_poll();
		in.size = Min(len, in.pos + ZSTD_PIECE);
		left = ZSTD_compressStream2(zstd_packer, &out, &in,
									in.size < len ? ZSTD_e_continue : ZSTD_e_end);
		if (ZSTD_isError(left) || (out.pos == cap && left > 0))
			return 0;
	} while (in.pos < len || left > 0);
	return out.pos;
}

static Size
zstd_compress(const char *src, Size len, char *dst, Size cap)
{
	size_t		size;

	if (zstd_packer == NULL)
		zstd_packer = ZSTD_createCCtx();
	if (zstd_packer == NULL)
		return 0;
	if (len > ZSTD_PIECE)
		return zstd_compress_slowly(src, len, dst, cap);
	size = ZSTD_compressCCtx(zstd_packer, dst, cap, src, len,
							 ZSTD_CLEVEL_DEFAULT);
	return ZSTD_isError(size) ? 0 : size;
}

/*
 * The library also takes several frames in a row, frames to be skipped, and,
 * as it is built by some, those of its first years, whose decoders nobody
 * looks after.
 */
static bool
is_one_zstd_frame(const char *src, Size len)
{
	return len >= 4 && memcmp(src, "\x28\xB5\x2F\xFD", 4) == 0 &&
		ZSTD_findFrameCompressedSize(src, len) == len;
}

static bool
zstd_decompress(const char *src, Size len, char *dst, Size rawlen)
{
	if (zstd_unpacker == NULL)
		zstd_unpacker = ZSTD_createDCtx();
	/* an error is larger than any size */
	return zstd_unpacker != NULL && is_one_zstd_frame(src, len) &&
		ZSTD_decompressDCtx(zstd_unpacker, dst, rawlen, src, len) == rawlen;
}

/* ---- streams ---- */

#define ZSTD_MAX_WINDOW	27		/* 128 MB: what the zstd program takes unasked */
#define ZSTD_MAGIC		0xFD2FB528
#define SKIPPED_MAGIC	0x184D2A50	/* and the 15 that follow */

static bool
zstd_stream_open(StashStream *stream)
{
	size_t		code = 0;

	if (stream->packs)
	{
		stream->state = ZSTD_createCCtx();
		if (stream->state != NULL)
			code = ZSTD_CCtx_setParameter(stream->state, ZSTD_c_checksumFlag, 1);
	}
	else
	{
		stream->state = ZSTD_createDCtx();
		if (stream->state != NULL)
			code = ZSTD_DCtx_setParameter(stream->state, ZSTD_d_windowLogMax,
										  ZSTD_MAX_WINDOW);
	}
	return stream->state != NULL && !ZSTD_isError(code);
}

static bool
zstd_stream_pack(StashStream *stream, bool is_last)
{
	ZSTD_inBuffer in = {stream->in, stream->in_len, 0};
	ZSTD_outBuffer out = {stream->out, stream->out_room, 0};
	size_t		left = ZSTD_compressStream2(stream->state, &out, &in,
											is_last ? ZSTD_e_end : ZSTD_e_continue);

	stream->in += in.pos;
	stream->in_len -= in.pos;
	stream->out += out.pos;
	stream->out_room -= out.pos;
	return is_last ? left == 0 : stream->in_len == 0;
}

/*
 * Look at the next bytes that a frame begins with, before the library sees
 * them: see is_one_zstd_frame().
 */
static bool
begins_zstd_frame(StashStream *stream)
{
	for (Size i = 0; i < stream->in_len && stream->nmagic < 4; i++)
	{
		stream->magic |= (uint32) (uint8) stream->in[i] << 8 * stream->nmagic++;
		if (stream->nmagic == 4 && stream->magic != ZSTD_MAGIC &&
			(stream->magic & 0xFFFFFFF0) != SKIPPED_MAGIC)
			return false;
	}
	return true;
}

static const char *
zstd_stream_unpack(StashStream *stream)
{
	while (stream->out_room > 0 && !(stream->is_complete && stream->in_len == 0))
	{
		ZSTD_inBuffer in = {stream->in, stream->in_len, 0};
		ZSTD_outBuffer out = {stream->out, stream->out_room, 0};
		size_t		left;

		if (!begins_zstd_frame(stream))
			return "no frame of zstd begins here";
		left = ZSTD_decompressStream(stream->state, &out, &in);
		if (ZSTD_isError(left))
			return ZSTD_getErrorName(left);
		stream->in += in.pos;
		stream->in_len -= in.pos;
		stream->out += out.pos;
		stream->out_room -= out.pos;
		stream->is_complete = left == 0;
		if (stream->is_complete)
			stream->nmagic = stream->magic = 0;
		else if (in.pos == 0 && out.pos == 0)
			break;
	}
	return NULL;
}

static void
zstd_stream_close(StashStream *stream)
{
	if (stream->packs)
		ZSTD_freeCCtx(stream->state);
	else
		ZSTD_freeDCtx(stream->state);
	stream->state = NULL;
}
#endif

const StashStreamCodec stash_zstd_stream = {
	.name = "zstd",.ending = ".zst",
#ifdef STASH_HAVE_ZSTD
	.open = zstd_stream_open,.pack = zstd_stream_pack,
	.unpack = zstd_stream_unpack,.close = zstd_stream_close
#endif
};

/*
 * By codec number.  An LZ4 sequence makes 255 bytes of its last one; a zstd
 * block of four bytes repeats one of them up to 128 kB.
 */
static const Codec codecs[] = {
	{"none", 1, NULL, NULL},
	{"lz4", 255, lz4_compress, lz4_decompress},
#ifdef STASH_HAVE_ZSTD
	{"zstd", 128 * 1024 / 4, zstd_compress, zstd_decompress},
#endif
};

/* a codec that compresses, or NULL */
static const Codec *
find_codec(int codec)
{
	return codec > STASH_CODEC_NONE && codec < lengthof(codecs) ?
		&codecs[codec] : NULL;
}

/*
 * The codec called 'name', of 'len' bytes, or -1 where there is none in this build.
 */
int
stash_codec_by_name(const char *name, Size len)
{
	for (int codec = 0; codec < lengthof(codecs); codec++)
	{
		if (strlen(codecs[codec].name) == len &&
			memcmp(codecs[codec].name, name, len) == 0)
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
	return codec < 0 || codec >= lengthof(codecs) ? NULL : codecs[codec].name;
}

/*
 * The most bytes that 'len' compressed ones can stand for.  To ask before one
 * allocates what a header claims.
 */
uint64
stash_codec_most(int codec, Size len)
{
	const Codec *found = find_codec(codec);

	/* the one more: what is in a header does not count here */
	return ((uint64) len + 1) * (found ? found->most : 1);
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
	const Codec *found = find_codec(codec);

	return found ? found->compress(src, len, dst, cap) : 0;
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
	const Codec *found = find_codec(codec);

	return found && found->decompress(src, len, dst, rawlen);
}

/*
 * Compress a buffer of an Arrow batch: the same, but LZ4 has its frame format.
 *
 * 'cap' must be stash_codec_buffer_room() at least.
 */
Size
stash_codec_pack_buffer(int codec, const char *src, Size len, char *dst, Size cap)
{
	Assert(cap >= stash_codec_buffer_room(len));
	return codec == STASH_CODEC_LZ4 ? lz4_frame_compress(src, len, dst, cap) :
		stash_codec_compress(codec, src, len, dst, cap);
}

/*
 * Decompress one to exactly 'rawlen' bytes; false for damaged input.
 */
bool
stash_codec_unpack_buffer(int codec, const char *src, Size len, char *dst,
						  Size rawlen)
{
	return codec == STASH_CODEC_LZ4 ? lz4_frame_decompress(src, len, dst, rawlen) :
		stash_codec_decompress(codec, src, len, dst, rawlen);
}
