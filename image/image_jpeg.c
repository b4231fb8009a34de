/*-------------------------------------------------------------------------
 *
 * image_jpeg.c
 *	  Pixels of JPEG images, by libjpeg-turbo.
 *
 * Everything that has a say in the pixels is set here, and not left to the
 * library's defaults: they are frozen.  Warnings are errors: after one the
 * library goes on with guesses.
 *
 *-------------------------------------------------------------------------
 */
#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

#include "image_decode.h"

#define MAX_SCANS	500			/* a progressive image needs about 10 */
#define STRIP_ROWS	160			/* rows that a sequential decoder holds, at
								 * most */

typedef struct JpegReader
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_progress_mgr progress;
	StashImageDecoder *decoder;
	jmp_buf		escape;			/* only ever taken within this unit */
} JpegReader;

static void
on_error(j_common_ptr jpeg)
{
	JpegReader *reader = jpeg->client_data;
	StashImageStatus status = STASH_IMAGE_DAMAGED;
	char		message[JMSG_LENGTH_MAX];

	switch (jpeg->err->msg_code)
	{
		case JERR_OUT_OF_MEMORY:
			status = STASH_IMAGE_NO_MEMORY;
			break;
		case JERR_NO_BACKING_STORE:
			status = STASH_IMAGE_TOO_COSTLY;
			break;
		case JERR_BAD_PRECISION:
		case JERR_SOF_UNSUPPORTED:
			status = STASH_IMAGE_UNSUPPORTED;
			break;
	}
	jpeg->err->format_message(jpeg, message);
	stash_image_fail(reader->decoder, status, message);
	longjmp(reader->escape, 1);
}

static void
on_message(j_common_ptr jpeg, int level)
{
	if (level < 0)
		on_error(jpeg);
}

/* called for each row of blocks, in each scan */
static void
on_progress(j_common_ptr jpeg)
{
	JpegReader *reader = jpeg->client_data;

	if (reader->jpeg.input_scan_number > MAX_SCANS)
		stash_image_fail(reader->decoder, STASH_IMAGE_DAMAGED, "too many scans");
	else if (stash_image_go_on(reader->decoder))
		return;
	longjmp(reader->escape, 1);
}

/* Choose the colours of the output; false where there are none. */
static bool
choose_mode(struct jpeg_decompress_struct *jpeg, StashImageHeader *header)
{
	switch (jpeg->jpeg_color_space)
	{
		case JCS_GRAYSCALE:
			jpeg->out_color_space = JCS_GRAYSCALE;
			header->mode = STASH_IMAGE_GRAY;
			return true;
		case JCS_RGB:
		case JCS_YCbCr:
			jpeg->out_color_space = JCS_RGB;
			header->mode = STASH_IMAGE_RGB;
			return true;
		case JCS_CMYK:
		case JCS_YCCK:
			jpeg->out_color_space = JCS_CMYK;
			header->mode = STASH_IMAGE_CMYK;
			return true;
		default:
			return false;
	}
}

/* Bytes that decoding takes: some rows, or all coefficients of an image that comes in several scans. */
static uint64_t
memory_needed(struct jpeg_decompress_struct *jpeg)
{
	uint64_t	memory = (uint64_t) jpeg->image_width * jpeg->num_components * STRIP_ROWS;

	if (!jpeg_has_multiple_scans(jpeg))
		return memory;
	for (int i = 0; i < jpeg->num_components; i++)
		memory += (uint64_t) (jpeg->comp_info[i].width_in_blocks + 4) *
			(jpeg->comp_info[i].height_in_blocks + 4) * sizeof(JBLOCK);
	return memory;
}

/* Read all; on_error() and on_progress() may leave it by a jump. */
static void
read_image(JpegReader *reader)
{
	StashImageDecoder *decoder = reader->decoder;
	StashImageHeader *header = &decoder->header;
	struct jpeg_decompress_struct *jpeg = &reader->jpeg;

	jpeg_create_decompress(jpeg);
	jpeg->client_data = reader;
	reader->progress.progress_monitor = on_progress;
	jpeg->progress = &reader->progress;
	jpeg_mem_src(jpeg, decoder->data, decoder->len);
	jpeg_read_header(jpeg, TRUE);

	header->bits = 8;
	header->width = jpeg->image_width;
	header->height = jpeg->image_height;
	header->frames = 1;
	if (jpeg->data_precision != 8)
	{
		stash_image_fail(decoder, STASH_IMAGE_UNSUPPORTED, "Only 8 bits per channel are supported.");
		return;
	}
	if (!choose_mode(jpeg, header))
	{
		stash_image_fail(decoder, STASH_IMAGE_UNSUPPORTED, "Only gray, RGB, YCbCr, CMYK and YCCK are supported.");
		return;
	}
	if (!stash_image_begin(decoder, memory_needed(jpeg)))
		return;

	jpeg->dct_method = JDCT_ISLOW;
	jpeg->do_fancy_upsampling = TRUE;
	jpeg->do_block_smoothing = FALSE;
	jpeg->scale_num = jpeg->scale_denom = 1;
	jpeg->mem->max_memory_to_use = decoder->consumer->max_memory < LONG_MAX ?
		(long) decoder->consumer->max_memory : LONG_MAX;
	jpeg_start_decompress(jpeg);
	if (!stash_image_allocate(decoder, stash_image_row_size(header)))
		return;
	while (jpeg->output_scanline < jpeg->output_height)
	{
		JSAMPROW	row = decoder->buffer;

		jpeg_read_scanlines(jpeg, &row, 1);
		if (!stash_image_put_row(decoder, row))
			return;
	}
	jpeg_finish_decompress(jpeg);
}

/* a function of its own, so that no variable changes between setjmp and longjmp */
static void
read_guarded(JpegReader *reader)
{
	if (setjmp(reader->escape) == 0)
		read_image(reader);
}

void
stash_image_decode_jpeg(StashImageDecoder *decoder)
{
	JpegReader	reader = {.decoder = decoder};

	reader.jpeg.client_data = &reader;
	reader.jpeg.err = jpeg_std_error(&reader.errors);
	reader.errors.error_exit = on_error;
	reader.errors.emit_message = on_message;
	read_guarded(&reader);
	jpeg_destroy_decompress(&reader.jpeg);
}
