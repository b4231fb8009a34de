/*-------------------------------------------------------------------------
 *
 * image_webp.c
 *	  Pixels of WebP images, by libwebp.
 *
 * One thread, no dithering, upsampling as the library does it: frozen.
 *
 *-------------------------------------------------------------------------
 */
#include <webp/decode.h>
#include <webp/demux.h>

#include "image_decode.h"

#define SLICE	65536			/* bytes decoded between two looks around */

static bool
fail_with(StashImageDecoder *decoder, VP8StatusCode code)
{
	switch (code)
	{
		case VP8_STATUS_OUT_OF_MEMORY:
			return stash_image_fail(decoder, STASH_IMAGE_NO_MEMORY, "");
		case VP8_STATUS_UNSUPPORTED_FEATURE:
			return stash_image_fail(decoder, STASH_IMAGE_DAMAGED, "unsupported feature");
		case VP8_STATUS_SUSPENDED:
		case VP8_STATUS_NOT_ENOUGH_DATA:
			return stash_image_fail(decoder, STASH_IMAGE_DAMAGED, "unexpected end of data");
		default:
			return stash_image_fail(decoder, STASH_IMAGE_DAMAGED, "bitstream error");
	}
}

static bool
put_rows(StashImageDecoder *decoder, const unsigned char *pixels)
{
	uint64_t	size = stash_image_row_size(&decoder->header);

	for (uint32_t y = 0; y < decoder->header.height; y++)
	{
		if (!stash_image_put_row(decoder, pixels + y * size))
			return false;
	}
	return true;
}

/* Decode a still image slice by slice, so that it can be interrupted. */
static bool
read_still(StashImageDecoder *decoder)
{
	const StashImageHeader *header = &decoder->header;
	uint64_t	size = stash_image_row_size(header);
	WebPDecoderConfig config;
	WebPIDecoder *webp;
	VP8StatusCode code;

	/* our pixels, and the 4 bytes a pixel that a lossless image takes inside */
	if (!stash_image_begin(decoder, header->height * (size + 4 * (uint64_t) header->width)))
		return false;
	if (!stash_image_allocate(decoder, header->height * size))
		return false;
	if (!WebPInitDecoderConfig(&config))
		return stash_image_fail(decoder, STASH_IMAGE_DAMAGED, "another version of the library");
	config.output.colorspace = header->mode == STASH_IMAGE_RGBA ? MODE_RGBA : MODE_RGB;
	config.output.is_external_memory = 1;
	config.output.u.RGBA.rgba = decoder->buffer;
	config.output.u.RGBA.stride = (int) size;
	config.output.u.RGBA.size = header->height * size;
	webp = WebPIDecode(NULL, 0, &config);
	if (webp == NULL)
		return stash_image_fail(decoder, STASH_IMAGE_NO_MEMORY, "");

	do
	{
		size_t		rest = decoder->len - decoder->at;

		decoder->at += rest < SLICE ? rest : SLICE;
		code = WebPIUpdate(webp, decoder->data, decoder->at);
	} while (code == VP8_STATUS_SUSPENDED && decoder->at < decoder->len && stash_image_go_on(decoder));

	WebPIDelete(webp);
	if (decoder->status != STASH_IMAGE_OK)
		return false;
	if (code != VP8_STATUS_OK)
		return fail_with(decoder, code);
	return put_rows(decoder, decoder->buffer);
}

static bool
read_frames(StashImageDecoder *decoder, const WebPData *data)
{
	WebPAnimDecoderOptions options;
	WebPAnimDecoder *webp;
	uint8_t    *pixels;
	int			timestamp;
	bool		result = true;

	if (!WebPAnimDecoderOptionsInit(&options))
		return stash_image_fail(decoder, STASH_IMAGE_DAMAGED, "another version of the library");
	options.color_mode = MODE_RGBA;
	options.use_threads = 0;
	webp = WebPAnimDecoderNew(data, &options);
	if (webp == NULL)
		return stash_image_fail(decoder, STASH_IMAGE_NO_MEMORY, "");
	for (uint32_t frame = 0; result && frame < decoder->header.frames; frame++)
	{
		if (!WebPAnimDecoderGetNext(webp, &pixels, &timestamp))
			result = stash_image_fail(decoder, STASH_IMAGE_DAMAGED, "bitstream error in a frame");
		else
			result = put_rows(decoder, pixels);
	}
	WebPAnimDecoderDelete(webp);
	return result;
}

static bool
read_animation(StashImageDecoder *decoder)
{
	StashImageHeader *header = &decoder->header;
	WebPData	data = {decoder->data, decoder->len};
	WebPDemuxer *demuxer = WebPDemux(&data);

	if (demuxer == NULL)
		return stash_image_fail(decoder, STASH_IMAGE_DAMAGED, "damaged or incomplete container");
	header->width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
	header->height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
	header->frames = WebPDemuxGetI(demuxer, WEBP_FF_FRAME_COUNT);
	header->mode = STASH_IMAGE_RGBA;
	WebPDemuxDelete(demuxer);
	if (header->frames == 0)
		return stash_image_fail(decoder, STASH_IMAGE_DAMAGED, "no frame");
	/* two canvases, and a frame that is decoded without loss */
	return stash_image_begin(decoder, 3 * 4 * (uint64_t) header->width * header->height) &&
		read_frames(decoder, &data);
}

void
stash_image_decode_webp(StashImageDecoder *decoder)
{
	StashImageHeader *header = &decoder->header;
	WebPBitstreamFeatures features;
	VP8StatusCode code = WebPGetFeatures(decoder->data, decoder->len, &features);

	if (code != VP8_STATUS_OK)
		fail_with(decoder, code);
	else
	{
		header->mode = features.has_alpha ? STASH_IMAGE_RGBA : STASH_IMAGE_RGB;
		header->bits = 8;
		header->width = features.width;
		header->height = features.height;
		header->frames = 1;
		if (features.has_animation)
			read_animation(decoder);
		else
			read_still(decoder);
	}
}
