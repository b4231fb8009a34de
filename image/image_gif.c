/*-------------------------------------------------------------------------
 *
 * image_gif.c
 *	  Pixels of GIF images, by giflib.
 *
 * The file is read twice.  The first time no pixel is decoded: it counts the
 * frames and finds whether any pixel can stay transparent.  The second time
 * each frame is drawn onto the canvas, and the canvas is what counts.
 *
 *-------------------------------------------------------------------------
 */
#include <gif_lib.h>
#include <string.h>

#include "image_decode.h"

#define LIBRARY_MEMORY	65536	/* bytes; giflib's tables and colour maps */

typedef struct GifReader
{
	StashImageDecoder *decoder;
	GifFileType *gif;
	GraphicsControlBlock control;	/* of the current frame */
	bool		needs_backup;	/* some frame is undone after it was shown */
	int			channels;		/* of the canvas */
	unsigned char *canvas;
	unsigned char *backup;		/* the canvas before the current frame */
	unsigned char *line;		/* colour indexes of a row */
} GifReader;

static int
read_bytes(GifFileType *gif, GifByteType *to, int size)
{
	return (int) stash_image_read(gif->UserData, to, (size_t) size);
}

static bool
fail_with(StashImageDecoder *decoder, int code)
{
	const char *message = GifErrorString(code);

	if (code == D_GIF_ERR_NOT_ENOUGH_MEM)
		return stash_image_fail(decoder, STASH_IMAGE_NO_MEMORY, "");
	return stash_image_fail(decoder, STASH_IMAGE_DAMAGED, message ? message : "unknown error");
}

static bool
open_file(GifReader *reader)
{
	int			code = D_GIF_ERR_NOT_GIF_FILE;

	reader->decoder->at = 0;
	reader->gif = DGifOpen(reader->decoder, read_bytes, &code);
	return reader->gif != NULL || fail_with(reader->decoder, code);
}

static void
close_file(GifReader *reader)
{
	int			code;

	if (reader->gif != NULL)
		DGifCloseFile(reader->gif, &code);
	reader->gif = NULL;
}

/* Read an extension; keep what a graphics control block says of the next frame. */
static bool
read_extension(GifReader *reader)
{
	int			function;
	GifByteType *block;

	if (DGifGetExtension(reader->gif, &function, &block) == GIF_ERROR)
		return false;
	if (function == GRAPHICS_EXT_FUNC_CODE && block != NULL &&
		DGifExtensionToGCB(block[0], block + 1, &reader->control) == GIF_ERROR)
		return stash_image_fail(reader->decoder, STASH_IMAGE_DAMAGED, "wrong graphics control block");
	while (block != NULL)
	{
		if (DGifGetExtensionNext(reader->gif, &block) == GIF_ERROR)
			return false;
	}
	return true;
}

/* Check what giflib does not. */
static bool
check_frame(GifReader *reader)
{
	const GifFileType *gif = reader->gif;
	const GifImageDesc *frame = &gif->Image;

	if (frame->Width < 1 || frame->Height < 1)
		return stash_image_fail(reader->decoder, STASH_IMAGE_DAMAGED, "empty frame");
	if (frame->Left < 0 || frame->Width > gif->SWidth - frame->Left ||
		frame->Top < 0 || frame->Height > gif->SHeight - frame->Top)
		return stash_image_fail(reader->decoder, STASH_IMAGE_DAMAGED, "frame outside of the canvas");
	if (frame->ColorMap == NULL && gif->SColorMap == NULL)
		return stash_image_fail(reader->decoder, STASH_IMAGE_DAMAGED, "no color map");
	return true;
}

/*
 * Go to the next frame and read its description.
 *
 * Returns false at the end of the file, and on failure, which is noted.
 */
static bool
next_frame(GifReader *reader)
{
	GifRecordType record;

	reader->control.DisposalMode = DISPOSAL_UNSPECIFIED;
	reader->control.TransparentColor = NO_TRANSPARENT_COLOR;
	while (DGifGetRecordType(reader->gif, &record) != GIF_ERROR)
	{
		if (record == TERMINATE_RECORD_TYPE)
			return false;
		if (record == IMAGE_DESC_RECORD_TYPE)
		{
			if (DGifGetImageHeader(reader->gif) == GIF_ERROR)
				break;
			return check_frame(reader);
		}
		if (record != EXTENSION_RECORD_TYPE || !read_extension(reader))
			break;
	}
	return fail_with(reader->decoder, reader->gif->Error);
}

/* Pass over the compressed pixels of a frame. */
static bool
skip_pixels(GifReader *reader)
{
	GifByteType *block;
	int			code_size;

	if (DGifGetCode(reader->gif, &code_size, &block) == GIF_ERROR)
		return fail_with(reader->decoder, reader->gif->Error);
	while (block != NULL)
	{
		if (DGifGetCodeNext(reader->gif, &block) == GIF_ERROR)
			return fail_with(reader->decoder, reader->gif->Error);
	}
	return true;
}

/*
 * The first reading: fill the header.
 *
 * The canvas begins transparent.  It never is when the first frame covers it,
 * no frame has a transparent colour, and none but the last is wiped off down
 * to nothing.
 */
static bool
scan_file(GifReader *reader)
{
	StashImageDecoder *decoder = reader->decoder;
	StashImageHeader *header = &decoder->header;
	bool		has_alpha = false;
	bool		is_wiped = false;	/* the frame before this one */

	header->bits = 8;
	header->width = (uint32_t) reader->gif->SWidth;
	header->height = (uint32_t) reader->gif->SHeight;
	for (header->frames = 0; next_frame(reader); header->frames++)
	{
		const GifImageDesc *frame = &reader->gif->Image;
		int			disposal = reader->control.DisposalMode;
		bool		is_first = header->frames == 0;

		if (is_first && (frame->Width < reader->gif->SWidth || frame->Height < reader->gif->SHeight))
			has_alpha = true;
		if (is_wiped || reader->control.TransparentColor != NO_TRANSPARENT_COLOR)
			has_alpha = true;
		is_wiped = disposal == DISPOSE_BACKGROUND || (disposal == DISPOSE_PREVIOUS && is_first);
		if (disposal == DISPOSE_PREVIOUS)
			reader->needs_backup = true;
		if (!stash_image_go_on(decoder) || !skip_pixels(reader))
			return false;
	}
	if (decoder->status != STASH_IMAGE_OK)
		return false;
	if (header->frames == 0)
		return stash_image_fail(decoder, STASH_IMAGE_DAMAGED, "no frame");
	header->mode = has_alpha ? STASH_IMAGE_RGBA : STASH_IMAGE_RGB;
	return true;
}

/* Draw the next row of the current frame onto row 'y' of the canvas. */
static bool
draw_row(GifReader *reader, int y)
{
	const GifFileType *gif = reader->gif;
	const GifImageDesc *frame = &gif->Image;
	const ColorMapObject *colors = frame->ColorMap ? frame->ColorMap : gif->SColorMap;
	unsigned char *to = reader->canvas + ((size_t) y * gif->SWidth + frame->Left) * reader->channels;

	if (DGifGetLine(reader->gif, reader->line, frame->Width) == GIF_ERROR)
		return fail_with(reader->decoder, gif->Error);
	for (int x = 0; x < frame->Width; x++, to += reader->channels)
	{
		int			index = reader->line[x];

		if (index == reader->control.TransparentColor)
			continue;
		if (index >= colors->ColorCount)
			return stash_image_fail(reader->decoder, STASH_IMAGE_DAMAGED, "color outside of the color map");
		to[0] = colors->Colors[index].Red;
		to[1] = colors->Colors[index].Green;
		to[2] = colors->Colors[index].Blue;
		if (reader->channels == 4)
			to[3] = 255;
	}
	return stash_image_go_on(reader->decoder);
}

/* Draw the current frame onto the canvas. */
static bool
draw_frame(GifReader *reader)
{
	static const int starts[] = {0, 4, 2, 1};
	static const int steps[] = {8, 8, 4, 2};
	const GifImageDesc *frame = &reader->gif->Image;
	int			passes = frame->Interlace ? 4 : 1;

	for (int pass = 0; pass < passes; pass++)
	{
		int			step = frame->Interlace ? steps[pass] : 1;

		for (int y = starts[pass]; y < frame->Height; y += step)
		{
			if (!draw_row(reader, frame->Top + y))
				return false;
		}
	}
	return true;
}

/* Undo the current frame as far as it wants to be undone. */
static void
dispose_frame(GifReader *reader, uint64_t canvas_size)
{
	const GifImageDesc *frame = &reader->gif->Image;

	if (reader->control.DisposalMode == DISPOSE_PREVIOUS)
		memcpy(reader->canvas, reader->backup, canvas_size);
	else if (reader->control.DisposalMode == DISPOSE_BACKGROUND)
	{
		/* to nothing, as browsers do, and not to the background colour */
		for (int y = 0; y < frame->Height; y++)
			memset(reader->canvas + ((size_t) (frame->Top + y) * reader->gif->SWidth + frame->Left) * reader->channels,
				   0, (size_t) frame->Width * reader->channels);
	}
}

/* The second reading: show one canvas after the other. */
static bool
show_frames(GifReader *reader)
{
	StashImageDecoder *decoder = reader->decoder;
	uint64_t	row_size = stash_image_row_size(&decoder->header);
	uint64_t	canvas_size = row_size * decoder->header.height;

	while (next_frame(reader))
	{
		if (reader->control.DisposalMode == DISPOSE_PREVIOUS)
			memcpy(reader->backup, reader->canvas, canvas_size);
		if (!draw_frame(reader))
			return false;
		for (uint32_t y = 0; y < decoder->header.height; y++)
		{
			if (!stash_image_put_row(decoder, reader->canvas + y * row_size))
				return false;
		}
		dispose_frame(reader, canvas_size);
	}
	return decoder->status == STASH_IMAGE_OK;
}

static bool
read_image(GifReader *reader)
{
	StashImageDecoder *decoder = reader->decoder;
	uint64_t	canvas_size;
	uint64_t	canvases;

	if (!open_file(reader) || !scan_file(reader))
		return false;
	close_file(reader);

	reader->channels = stash_image_channels(&decoder->header);
	canvas_size = stash_image_row_size(&decoder->header) * decoder->header.height;
	canvases = reader->needs_backup ? 2 : 1;
	if (!stash_image_begin(decoder, canvases * canvas_size + decoder->header.width + LIBRARY_MEMORY))
		return false;
	if (!stash_image_allocate(decoder, canvases * canvas_size + decoder->header.width))
		return false;
	reader->canvas = decoder->buffer;
	reader->backup = decoder->buffer + (canvases - 1) * canvas_size;
	reader->line = decoder->buffer + canvases * canvas_size;
	return open_file(reader) && show_frames(reader);
}

void
stash_image_decode_gif(StashImageDecoder *decoder)
{
	GifReader	reader = {.decoder = decoder};

	read_image(&reader);
	close_file(&reader);
}
