/*-------------------------------------------------------------------------
 *
 * gzip.c
 *	  Streams of gzip.
 *
 * The only file that knows zlib, which a build may lack.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <limits.h>
#ifdef STASH_HAVE_ZLIB
#include <zlib.h>
#endif

#include "gzip.h"

#ifdef STASH_HAVE_ZLIB
#define WINDOW_BITS	(15 + 16)	/* the largest window; 16: gzip, not zlib */
#define MEMORY_LEVEL	8		/* zlib's own choice */

static bool
gzip_open(StashStream *stream)
{
	z_stream   *z = calloc(1, sizeof(z_stream));
	int			code;

	if (z == NULL)
		return false;
	code = stream->packs ?
		deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS,
					 MEMORY_LEVEL, Z_DEFAULT_STRATEGY) :
		inflateInit2(z, WINDOW_BITS);
	if (code != Z_OK)
	{
		free(z);
		return false;
	}
	stream->state = z;
	return true;
}

/* tell zlib where the input and the output are, and back */
static void
lend(StashStream *stream, z_stream *z)
{
	z->next_in = (Bytef *) stream->in;
	z->avail_in = (uInt) Min(stream->in_len, UINT_MAX);
	z->next_out = (Bytef *) stream->out;
	z->avail_out = (uInt) Min(stream->out_room, UINT_MAX);
}

static void
take_back(StashStream *stream, const z_stream *z)
{
	stream->in_len -= (const char *) z->next_in - stream->in;
	stream->in = (const char *) z->next_in;
	stream->out_room -= (char *) z->next_out - stream->out;
	stream->out = (char *) z->next_out;
}

static bool
gzip_pack(StashStream *stream, bool is_last)
{
	z_stream   *z = stream->state;
	int			code;

	lend(stream, z);
	code = deflate(z, is_last && stream->in_len == z->avail_in ? Z_FINISH :
				   Z_NO_FLUSH);
	take_back(stream, z);
	return is_last ? code == Z_STREAM_END :
		stream->in_len == 0 && stream->out_room > 0;
}

static const char *
gzip_unpack(StashStream *stream)
{
	z_stream   *z = stream->state;

	while (stream->out_room > 0 && !(stream->is_complete && stream->in_len == 0))
	{
		int			code;

		if (stream->is_complete && inflateReset(z) != Z_OK)
			return "zlib cannot begin anew";
		stream->is_complete = false;
		lend(stream, z);
		code = inflate(z, Z_NO_FLUSH);
		take_back(stream, z);
		if (code == Z_BUF_ERROR)
			break;
		if (code == Z_MEM_ERROR)
			return "there is no memory to unpack it";
		if (code != Z_OK && code != Z_STREAM_END)
			return z->msg != NULL ? z->msg : "it is damaged";
		stream->is_complete = code == Z_STREAM_END;
	}
	return NULL;
}

static void
gzip_close(StashStream *stream)
{
	if (stream->state == NULL)
		return;
	if (stream->packs)
		(void) deflateEnd(stream->state);
	else
		(void) inflateEnd(stream->state);
	free(stream->state);
	stream->state = NULL;
}
#endif

const StashStreamCodec stash_gzip_stream = {
	.name = "gzip",.ending = ".gz",
#ifdef STASH_HAVE_ZLIB
	.open = gzip_open,.pack = gzip_pack,.unpack = gzip_unpack,.close = gzip_close
#endif
};
