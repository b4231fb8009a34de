/*-------------------------------------------------------------------------
 *
 * stream.h
 *	  Compression of bytes that come and go in pieces, as those of files do.
 *
 * Packed are one gzip member or one zstd frame, with a checksum; unpacked are
 * any number of them in a row, as cat makes of files.  What a library holds is
 * not in a memory context: whoever opens a stream must close it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_STREAM_H
#define STASH_STREAM_H

typedef struct StashStream
{
	const char *in;				/* what is left to take */
	Size		in_len;
	char	   *out;			/* where the next byte goes */
	Size		out_room;		/* bytes that fit there */
	void	   *state;			/* of the library; NULL: closed */
	bool		packs;
	bool		is_complete;	/* unpacking: a member or frame has ended, and
								 * no other begun */
	uint32		magic;			/* of zstd: the bytes a frame begins with */
	int			nmagic;			/* how many of them were seen */
} StashStream;

/* What a library can do; a build that lacks it has NULL for 'open'. */
typedef struct StashStreamCodec
{
	const char *name;
	const char *ending;			/* of a file's name, with the dot */
	/* begin, with all but 'packs' zero; false: no memory */
	bool		(*open) (StashStream *stream);

	/*
	 * Take input and make output as room allows.  False: there is more to
	 * make, call again with room.  With 'is_last' true means that the end was
	 * made, too.
	 */
	bool		(*pack) (StashStream *stream, bool is_last);

	/*
	 * The same; NULL, or what is wrong with the input.  Without input and
	 * with room left over nothing more can be made.
	 */
	const char *(*unpack) (StashStream *stream);
	void		(*close) (StashStream *stream);
} StashStreamCodec;

#endif							/* STASH_STREAM_H */
