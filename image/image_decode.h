/*-------------------------------------------------------------------------
 *
 * image_decode.h
 *	  Pixels of PNG, JPEG, WebP and GIF images, row by row.
 *
 * Plain C: no server, no ereport, nothing thrown.  Whatever happens, a
 * decoding frees what it took and returns; callbacks must return, too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_IMAGE_DECODE_H
#define STASH_IMAGE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values are part of the canonical form (README.md): frozen. */
typedef enum StashImageMode
{
	STASH_IMAGE_GRAY = 1,		/* 1 channel */
	STASH_IMAGE_GRAY_ALPHA = 2, /* 2 channels */
	STASH_IMAGE_RGB = 3,		/* 3 channels */
	STASH_IMAGE_RGBA = 4,		/* 4 channels */
	STASH_IMAGE_CMYK = 5		/* 4 channels, as the file stores them */
} StashImageMode;

typedef enum StashImageStatus
{
	STASH_IMAGE_OK,				/* every row was delivered */
	STASH_IMAGE_STOPPED,		/* a callback wanted no more */
	STASH_IMAGE_UNKNOWN,		/* none of the four formats */
	STASH_IMAGE_DAMAGED,		/* 'message' says what is wrong */
	STASH_IMAGE_UNSUPPORTED,	/* 'message' says what */
	STASH_IMAGE_TOO_LARGE,		/* more pixels than 'max_pixels' */
	STASH_IMAGE_TOO_COSTLY,		/* more bytes than 'max_memory' */
	STASH_IMAGE_NO_MEMORY		/* malloc failed */
} StashImageStatus;

typedef struct StashImageHeader
{
	StashImageMode mode;
	int			bits;			/* of a channel: 8 or 16 */
	uint32_t	width;			/* pixels, 1 or more */
	uint32_t	height;			/* pixels, 1 or more */
	uint32_t	frames;			/* 1 or more */
} StashImageHeader;

/* Who wants the pixels.  A callback that returns false ends the decoding. */
typedef struct StashImageConsumer
{
	/* called once, before limits are checked and anything large is allocated */
	bool		(*begin) (void *arg, const StashImageHeader *header);
	/* called with each row of each frame, from the top; 16 bits: low first */
	bool		(*row) (void *arg, const unsigned char *row);
	/* called now and then, at least once a row; NULL to go on always */
	bool		(*go_on) (void *arg);
	void	   *arg;
	uint64_t	max_pixels;		/* of all frames together */
	uint64_t	max_memory;		/* bytes, while decoding */
} StashImageConsumer;

/* One decoding.  The caller sets 'data', 'len' and 'consumer', all else 0. */
typedef struct StashImageDecoder
{
	const unsigned char *data;
	size_t		len;
	const StashImageConsumer *consumer;

	const char *format;			/* "PNG", "JPEG", "WebP", "GIF" or NULL */
	const char *library;		/* that decodes it */
	StashImageHeader header;	/* valid after begin() was called */
	uint64_t	memory;			/* bytes that decoding takes, once known */
	StashImageStatus status;
	char		message[200];	/* when DAMAGED or UNSUPPORTED */

	/* for the formats alone */
	size_t		at;				/* bytes of 'data' already read */
	unsigned char *buffer;		/* one malloc, freed at the end */
} StashImageDecoder;

extern StashImageStatus stash_image_decode(StashImageDecoder *decoder);
extern uint64_t stash_image_row_size(const StashImageHeader *header);
extern int	stash_image_channels(const StashImageHeader *header);

/* The formats: each decodes all of 'data' and leaves its verdict in 'status'. */
extern void stash_image_decode_png(StashImageDecoder *decoder);
extern void stash_image_decode_jpeg(StashImageDecoder *decoder);
extern void stash_image_decode_webp(StashImageDecoder *decoder);
extern void stash_image_decode_gif(StashImageDecoder *decoder);

/* What they have in common.  False means: clean up and return. */
extern bool stash_image_fail(StashImageDecoder *decoder, StashImageStatus status, const char *message);
extern bool stash_image_begin(StashImageDecoder *decoder, uint64_t memory);
extern bool stash_image_allocate(StashImageDecoder *decoder, size_t size);
extern bool stash_image_go_on(StashImageDecoder *decoder);
extern bool stash_image_put_row(StashImageDecoder *decoder, const unsigned char *row);
extern size_t stash_image_read(StashImageDecoder *decoder, void *to, size_t size);

#endif							/* STASH_IMAGE_DECODE_H */
