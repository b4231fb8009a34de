/*-------------------------------------------------------------------------
 *
 * image_decode.c
 *	  Pixels of an image: which format it is, and what all formats share.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_decode.h"

typedef struct Format
{
	const char *name;
	const char *library;
	const char *magic;
	size_t		magic_len;
	void		(*decode) (StashImageDecoder *decoder);
} Format;

static const Format formats[] = {
	{"PNG", "libpng", "\x89PNG\r\n\x1a\n", 8, stash_image_decode_png},
	{"JPEG", "libjpeg", "\xff\xd8\xff", 3, stash_image_decode_jpeg},
	{"WebP", "libwebp", "RIFF", 4, stash_image_decode_webp},
	{"GIF", "giflib", "GIF8", 4, stash_image_decode_gif},
};

static const Format *
find_format(const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
	{
		const Format *format = &formats[i];

		if (len < format->magic_len || memcmp(data, format->magic, format->magic_len) != 0)
			continue;
		/* sounds and films are RIFF as well */
		if (format->decode == stash_image_decode_webp && (len < 12 || memcmp(data + 8, "WEBP", 4) != 0))
			continue;
		return format;
	}
	return NULL;
}

/*
 * Hand all rows of an image to the consumer.
 *
 * Returns OK when the whole file was read and nothing in it was wrong.  After
 * anything else the consumer may have got a part of the rows.
 */
StashImageStatus
stash_image_decode(StashImageDecoder *decoder)
{
	const Format *format = find_format(decoder->data, decoder->len);

	if (format == NULL)
		return decoder->status = STASH_IMAGE_UNKNOWN;
	decoder->format = format->name;
	decoder->library = format->library;
	decoder->status = STASH_IMAGE_OK;
	format->decode(decoder);
	free(decoder->buffer);
	decoder->buffer = NULL;
	return decoder->status;
}

/*
 * Channels of a pixel.
 */
int
stash_image_channels(const StashImageHeader *header)
{
	return header->mode == STASH_IMAGE_CMYK ? 4 : (int) header->mode;
}

/*
 * Bytes of a row.
 */
uint64_t
stash_image_row_size(const StashImageHeader *header)
{
	return (uint64_t) header->width * stash_image_channels(header) * (header->bits / 8);
}

/*
 * Note why the decoding ends.  The first reason stands.
 */
bool
stash_image_fail(StashImageDecoder *decoder, StashImageStatus status, const char *message)
{
	if (decoder->status == STASH_IMAGE_OK)
	{
		decoder->status = status;
		snprintf(decoder->message, sizeof(decoder->message), "%s", message);
	}
	return false;
}

/*
 * The header is known: tell the consumer, then check the limits.
 *
 * 'memory' is what decoding will allocate, in bytes; it includes the buffer,
 * whose size therefore fits into size_t afterwards.
 */
bool
stash_image_begin(StashImageDecoder *decoder, uint64_t memory)
{
	const StashImageHeader *header = &decoder->header;
	const StashImageConsumer *consumer = decoder->consumer;
	uint64_t	pixels = (uint64_t) header->width * header->height;

	decoder->memory = memory;
	if (!consumer->begin(consumer->arg, header))
		return stash_image_fail(decoder, STASH_IMAGE_STOPPED, "");
	/* by division: the product may not fit */
	if (pixels > consumer->max_pixels / header->frames)
		return stash_image_fail(decoder, STASH_IMAGE_TOO_LARGE, "");
	if (memory > consumer->max_memory || memory > SIZE_MAX / 2)
		return stash_image_fail(decoder, STASH_IMAGE_TOO_COSTLY, "");
	return true;
}

/*
 * Allocate the decoder's buffer, zeroed.
 */
bool
stash_image_allocate(StashImageDecoder *decoder, size_t size)
{
	decoder->buffer = calloc(1, size);
	if (decoder->buffer == NULL)
		return stash_image_fail(decoder, STASH_IMAGE_NO_MEMORY, "");
	return true;
}

/*
 * Ask whether to go on.
 */
bool
stash_image_go_on(StashImageDecoder *decoder)
{
	const StashImageConsumer *consumer = decoder->consumer;

	if (consumer->go_on != NULL && !consumer->go_on(consumer->arg))
		return stash_image_fail(decoder, STASH_IMAGE_STOPPED, "");
	return true;
}

/*
 * Hand one row to the consumer.
 */
bool
stash_image_put_row(StashImageDecoder *decoder, const unsigned char *row)
{
	const StashImageConsumer *consumer = decoder->consumer;

	if (!stash_image_go_on(decoder))
		return false;
	if (!consumer->row(consumer->arg, row))
		return stash_image_fail(decoder, STASH_IMAGE_STOPPED, "");
	return true;
}

/*
 * The next bytes of the file; fewer than asked for at its end.
 */
size_t
stash_image_read(StashImageDecoder *decoder, void *to, size_t size)
{
	size_t		rest = decoder->len - decoder->at;

	if (size > rest)
		size = rest;
	memcpy(to, decoder->data + decoder->at, size);
	decoder->at += size;
	return size;
}
