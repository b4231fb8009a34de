/*-------------------------------------------------------------------------
 *
 * image_png.c
 *	  Pixels of PNG images, by libpng.
 *
 * Chunks that say nothing about pixels are skipped unread, and whatever
 * libpng would only complain about is an error: a file has one meaning or
 * none.  Of an animation the first image counts, as libpng sees it.
 *
 *-------------------------------------------------------------------------
 */
#include <png.h>
#include <stdlib.h>

#include "image_decode.h"

/* the jump stays within this unit; png_read_... never return after an error */
static void
on_error(png_structp png, png_const_charp message)
{
	stash_image_fail(png_get_error_ptr(png), STASH_IMAGE_DAMAGED, message);
	png_longjmp(png, 1);
}

static void
on_warning(png_structp png, png_const_charp message)
{
	(void) png;
	(void) message;
}

static png_voidp
allocate(png_structp png, png_alloc_size_t size)
{
	void	   *memory = malloc(size);

	if (memory == NULL)
		stash_image_fail(png_get_mem_ptr(png), STASH_IMAGE_NO_MEMORY, "");
	return memory;
}

static void
release(png_structp png, png_voidp memory)
{
	(void) png;
	free(memory);
}

static void
read_bytes(png_structp png, png_bytep to, size_t size)
{
	if (stash_image_read(png_get_io_ptr(png), to, size) < size)
		png_error(png, "unexpected end of data");
}

/* Read the header, and have pixels made 8 or 16 bits, without a palette. */
static void
read_header(StashImageDecoder *decoder, png_structp png, png_infop info)
{
	StashImageHeader *header = &decoder->header;
	int			color;
	bool		has_alpha;

	png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
	png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	/* chunks that are skipped may have any size; none of them is kept */
	png_set_chunk_cache_max(png, 1);
	png_set_chunk_malloc_max(png, 0);
	png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
	png_set_benign_errors(png, 0);
	png_read_info(png, info);

	color = png_get_color_type(png, info);
	has_alpha = (color & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, info, PNG_INFO_tRNS);
	if (color & PNG_COLOR_MASK_COLOR)
		header->mode = has_alpha ? STASH_IMAGE_RGBA : STASH_IMAGE_RGB;
	else
		header->mode = has_alpha ? STASH_IMAGE_GRAY_ALPHA : STASH_IMAGE_GRAY;
	header->bits = png_get_bit_depth(png, info) == 16 ? 16 : 8;
	header->width = png_get_image_width(png, info);
	header->height = png_get_image_height(png, info);
	header->frames = 1;

	/* palette to RGB, fewer than 8 bits to 8, tRNS to alpha */
	png_set_expand(png);
	png_set_swap(png);
}

static void
read_image(StashImageDecoder *decoder, png_structp png, png_infop info)
{
	const StashImageHeader *header = &decoder->header;
	int			passes;
	uint64_t	size;
	uint64_t	kept;			/* rows in our buffer */

	read_header(decoder, png, info);
	passes = png_set_interlace_handling(png);
	size = stash_image_row_size(header);
	kept = passes > 1 ? header->height : 1;
	/* libpng has three rows of its own, none wider than 8 bytes a pixel */
	if (!stash_image_begin(decoder, kept * size + 3 * 8 * (uint64_t) header->width))
		return;
	png_read_update_info(png, info);
	if (png_get_rowbytes(png, info) != size)
		png_error(png, "rows of an unexpected size");
	if (!stash_image_allocate(decoder, kept * size))
		return;

	for (int pass = 1; pass <= passes; pass++)
	{
		for (uint32_t y = 0; y < header->height; y++)
		{
			unsigned char *row = decoder->buffer + (passes > 1 ? y * size : 0);

			png_read_row(png, row, NULL);
			/* only the last pass completes rows */
			if (pass == passes ? !stash_image_put_row(decoder, row) : !stash_image_go_on(decoder))
				return;
		}
	}
	png_read_end(png, NULL);
}

void
stash_image_decode_png(StashImageDecoder *decoder)
{
	png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning,
											   decoder, allocate, release);
	png_infop	info = png == NULL ? NULL : png_create_info_struct(png);

	if (info == NULL)
		stash_image_fail(decoder, STASH_IMAGE_NO_MEMORY, "");
	else if (setjmp(png_jmpbuf(png)) == 0)
	{
		png_set_read_fn(png, decoder, read_bytes);
		read_image(decoder, png, info);
	}
	png_destroy_read_struct(&png, &info, NULL);
}
