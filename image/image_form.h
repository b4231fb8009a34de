/*-------------------------------------------------------------------------
 *
 * image_form.h
 *	  The canonical form of an image, and its hash.
 *
 * What is hashed, exact or sampled; all numbers are little-endian:
 *
 *		+------------------------+------+------+-------+--------+--------+--------+
 *		| "stash image 1" or     | mode | bits | width | height | frames | pixels |
 *		| "stash image sample 1" |  1   |  1   |   4   |   4    |   4    |        |
 *		+------------------------+------+------+-------+--------+--------+--------+
 *
 * Exact: the pixels of each frame, row by row.  Sampled: a thumbnail of the
 * first frame, STASH_IMAGE_THUMB pixels wide and high.  README.md says what
 * the values are.  Frozen.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_IMAGE_FORM_H
#define STASH_IMAGE_FORM_H

#include "hash.h"
#include "image_decode.h"

#define STASH_IMAGE_THUMB	32	/* pixels */

/* A consumer of pixels that hashes them; zero it before stash_image_hash_begin(). */
typedef struct StashImageHasher
{
	StashHasher hasher;
	StashImageHeader header;
	size_t		row_size;		/* bytes */
	bool		is_sampled;
	uint32_t	y;				/* the next row of the first frame; sampled
								 * only */
	uint32_t	n_columns[STASH_IMAGE_THUMB];	/* pixels of a row in each
												 * cell */
	uint32_t	n_rows[STASH_IMAGE_THUMB];	/* rows so far in each cell */
	uint64_t	sums[STASH_IMAGE_THUMB][STASH_IMAGE_THUMB][4];	/* of channels */
} StashImageHasher;

extern bool stash_image_hash_begin(void *arg, const StashImageHeader *header);
extern bool stash_image_hash_row(void *arg, const unsigned char *row);
extern bool stash_image_hash_is_complete(const StashImageHasher *hasher, StashImageStatus status);
extern StashHash128 stash_image_hash_finish(StashImageHasher *hasher);

#endif							/* STASH_IMAGE_FORM_H */
