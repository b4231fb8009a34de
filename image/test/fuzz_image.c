/*-------------------------------------------------------------------------
 *
 * fuzz_image.c
 *	  The decoders of images under damaged files, outside the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <zlib.h>

#include "fuzz.h"
#include "image_form.h"

typedef struct Watcher
{
	StashImageHasher hasher;	/* first, for the callbacks of image_form.c */
	StashImageDecoder decoder;
	uint64		rows;
	int			looks;			/* go_on() stops the decoding after so many; 0
								 * never */
} Watcher;

static unsigned char last_byte; /* makes each row be read whole */
static unsigned long n_run;
static unsigned long n_status[STASH_IMAGE_NO_MEMORY + 1];

static bool
watch_begin(void *arg, const StashImageHeader *header)
{
	CHECK(header->width > 0 && header->height > 0 && header->frames > 0);
	CHECK(header->bits == 8 || header->bits == 16);
	CHECK(header->mode >= STASH_IMAGE_GRAY && header->mode <= STASH_IMAGE_CMYK);
	return stash_image_hash_begin(arg, header);
}

static bool
watch_row(void *arg, const unsigned char *row)
{
	Watcher    *watcher = arg;

	watcher->rows++;
	last_byte ^= row[stash_image_row_size(&watcher->decoder.header) - 1];
	return stash_image_hash_row(arg, row);
}

static bool
watch_go_on(void *arg)
{
	Watcher    *watcher = arg;

	return watcher->looks == 0 || --watcher->looks > 0;
}

/* Decode once; true when there is a hash. */
static bool
decode_once(const unsigned char *data, size_t len, bool is_sampled, int looks, StashHash128 *hash)
{
	static Watcher watcher;
	StashImageConsumer consumer = {watch_begin, watch_row, watch_go_on, &watcher, 4000000, 64 << 20};
	const StashImageHeader *header = &watcher.decoder.header;
	StashImageStatus status;

	memset(&watcher, 0, sizeof(watcher));
	watcher.hasher.is_sampled = is_sampled;
	watcher.looks = looks;
	watcher.decoder.data = data;
	watcher.decoder.len = len;
	watcher.decoder.consumer = &consumer;
	status = stash_image_decode(&watcher.decoder);
	n_run++;
	n_status[status]++;
	CHECK(watcher.decoder.buffer == NULL);
	if (status == STASH_IMAGE_OK)
		CHECK(watcher.rows == (uint64) header->height * header->frames);
	if (status == STASH_IMAGE_DAMAGED || status == STASH_IMAGE_UNSUPPORTED)
		CHECK(watcher.decoder.message[0] != '\0');
	if (!stash_image_hash_is_complete(&watcher.hasher, status))
		return false;
	CHECK(watcher.rows >= header->height);
	*hash = stash_image_hash_finish(&watcher.hasher);
	return true;
}

/* Make the checksums of a PNG's chunks right, or libpng would not look any further. */
static void
mend_png(unsigned char *data, size_t len)
{
	size_t		at = 8;

	if (len < 8 || memcmp(data, "\x89PNG", 4) != 0)
		return;
	while (len - at >= 12)
	{
		size_t		size = (size_t) data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3];
		uLong		crc;

		if (size > len - at - 12)
			break;
		crc = crc32(0, data + at + 4, size + 4);
		for (int i = 0; i < 4; i++)
			data[at + 8 + size + i] = (unsigned char) (crc >> (24 - 8 * i));
		at += size + 12;
	}
}

static void
report(void)
{
	printf("# %lu decodings: %lu complete, %lu stopped, %lu unknown, %lu damaged, %lu unsupported, %lu too large, %lu too costly, %lu without memory\n",
		   n_run, n_status[0], n_status[1], n_status[2], n_status[3], n_status[4], n_status[5], n_status[6], n_status[7]);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	atexit(report);
	return 0;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	/* of the exact size, so that reading behind it is seen */
	unsigned char *copy = malloc(len ? len : 1);
	StashHash128 hash[2];
	bool		is_complete;

	memcpy(copy, data, len);
	mend_png(copy, len);
	is_complete = decode_once(copy, len, false, 0, &hash[0]);
	if (is_complete)
	{
		CHECK(decode_once(copy, len, false, 0, &hash[1]));
		CHECK(memcmp(&hash[0], &hash[1], sizeof(hash[0])) == 0);
	}
	/* what is right as a whole is right in part */
	CHECK(decode_once(copy, len, true, 0, &hash[1]) || !is_complete);
	/* an interrupt at some place */
	decode_once(copy, len, false, (int) (1 + n_run % 50), &hash[1]);
	free(copy);
	return 0;
}
