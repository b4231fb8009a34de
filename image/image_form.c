/*-------------------------------------------------------------------------
 *
 * image_form.c
 *	  The canonical form of an image, and its hash.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "image_form.h"

static const char exact_tag[] = "stash image 1";
static const char sampled_tag[] = "stash image sample 1";

/*
 * The pixels [*from, *to) of 'size' that make up cell 'cell' of the thumbnail:
 * each pixel is in one cell, or, below 32 pixels, each cell has one pixel.
 */
static void
cell_range(uint32_t cell, uint32_t size, uint32_t *from, uint32_t *to)
{
	*from = (uint32_t) ((uint64_t) cell * size / STASH_IMAGE_THUMB);
	*to = (uint32_t) ((uint64_t) (cell + 1) * size / STASH_IMAGE_THUMB);
	if (*to == *from)
		*to = *from + 1;
}

/*
 * Start to hash: the consumer's begin().
 */
bool
stash_image_hash_begin(void *arg, const StashImageHeader *header)
{
	StashImageHasher *hasher = arg;
	StashSink  *sink = &hasher->hasher.sink;

	hasher->header = *header;
	hasher->row_size = stash_image_row_size(header);
	stash_hash_init(&hasher->hasher, 128);
	if (hasher->is_sampled)
		stash_sink_put(sink, sampled_tag, strlen(sampled_tag));
	else
		stash_sink_put(sink, exact_tag, strlen(exact_tag));
	stash_sink_put_u8(sink, (uint8) header->mode);
	stash_sink_put_u8(sink, (uint8) header->bits);
	stash_sink_put_u32(sink, header->width);
	stash_sink_put_u32(sink, header->height);
	stash_sink_put_u32(sink, header->frames);
	return true;
}

/* Add the pixels of one row to the cells of row 'cell_y' of the thumbnail. */
static void
add_row(StashImageHasher *hasher, uint32_t cell_y, const unsigned char *row)
{
	int			channels = stash_image_channels(&hasher->header);
	int			size = hasher->header.bits / 8;
	int			step = channels * size;

	for (uint32_t cell_x = 0; cell_x < STASH_IMAGE_THUMB; cell_x++)
	{
		uint32_t	from;
		uint32_t	to;

		cell_range(cell_x, hasher->header.width, &from, &to);
		hasher->n_columns[cell_x] = to - from;
		for (int channel = 0; channel < channels; channel++)
		{
			const unsigned char *at = row + (size_t) from * step + channel * size;
			uint64_t	sum = 0;

			if (size == 1)
			{
				for (uint32_t x = from; x < to; x++, at += step)
					sum += *at;
			}
			else
			{
				for (uint32_t x = from; x < to; x++, at += step)
					sum += at[0] | (uint32_t) at[1] << 8;
			}
			hasher->sums[cell_y][cell_x][channel] += sum;
		}
	}
	hasher->n_rows[cell_y]++;
}

/*
 * Hash a row: the consumer's row().  A sampled hash wants no more than the
 * first frame of several.
 */
bool
stash_image_hash_row(void *arg, const unsigned char *row)
{
	StashImageHasher *hasher = arg;
	uint32_t	height = hasher->header.height;

	if (!hasher->is_sampled)
	{
		stash_sink_put(&hasher->hasher.sink, row, hasher->row_size);
		return true;
	}
	for (uint32_t cell = 0; cell < STASH_IMAGE_THUMB; cell++)
	{
		uint32_t	from;
		uint32_t	to;

		cell_range(cell, height, &from, &to);
		if (hasher->y >= from && hasher->y < to)
			add_row(hasher, cell, row);
	}
	hasher->y++;
	return hasher->y < height || hasher->header.frames == 1;
}

/*
 * Whether all that is hashed has been seen, with what the decoder says.
 */
bool
stash_image_hash_is_complete(const StashImageHasher *hasher, StashImageStatus status)
{
	return status == STASH_IMAGE_OK ||
		(status == STASH_IMAGE_STOPPED && hasher->is_sampled && hasher->y == hasher->header.height);
}

/* Put the mean of each cell, rounded half up. */
static void
put_thumbnail(StashImageHasher *hasher)
{
	StashSink  *sink = &hasher->hasher.sink;
	int			channels = stash_image_channels(&hasher->header);

	for (int y = 0; y < STASH_IMAGE_THUMB; y++)
	{
		for (int x = 0; x < STASH_IMAGE_THUMB; x++)
		{
			uint64_t	n = (uint64_t) hasher->n_rows[y] * hasher->n_columns[x];

			for (int channel = 0; channel < channels; channel++)
			{
				uint32_t	mean = (uint32_t) ((2 * hasher->sums[y][x][channel] + n) / (2 * n));

				stash_sink_put_u8(sink, (uint8) mean);
				if (hasher->header.bits == 16)
					stash_sink_put_u8(sink, (uint8) (mean >> 8));
			}
		}
	}
}

/*
 * The hash of an image that is complete.
 */
StashHash128
stash_image_hash_finish(StashImageHasher *hasher)
{
	if (hasher->is_sampled)
		put_thumbnail(hasher);
	return stash_hash_digest128(&hasher->hasher);
}
