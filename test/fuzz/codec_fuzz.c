/*-------------------------------------------------------------------------
 *
 * codec_fuzz.c
 *	  Any bytes to a codec, outside the server.
 *
 * FUZZ_CODEC names the codec; with --names the program prints all there are.
 * The first four bytes of an input say what is done with the others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "codec.h"
#include "fuzz.h"

#define LAST_CODEC	15			/* that a frame has room for */
#define PREFIX		4			/* bytes of an input that are no data */
#define MAX_REPEAT	64

static int	codec = -1;
static unsigned long n_packed;
static unsigned long n_too_long;
static unsigned long n_unpacked;
static unsigned long n_refused;

/* Room in which no codec may fail. */
static Size
bound(Size len)
{
	return len + len / 128 + 1024;
}

/*
 * Decompress twice into memory that was full of different bytes, so that what
 * is not written differs.
 */
static bool
decompress(const char *packed, Size len, Size rawlen, const char **raw)
{
	static FuzzRoom rooms[2];
	bool		result[2];

	for (int i = 0; i < 2; i++)
	{
		char	   *room = fuzz_room_take(&rooms[i], rawlen);

		memset(room, i == 0 ? 0 : 0xff, rawlen);
		result[i] = stash_codec_decompress(codec, packed, len, room, rawlen);
		CHECK(fuzz_room_is_whole(&rooms[i]));
	}
	CHECK(result[0] == result[1]);
	CHECK(!result[0] || memcmp(rooms[0].at, rooms[1].at, rawlen) == 0);
	*raw = rooms[0].at;
	return result[0];
}

/* There and back is the same, in whatever room. */
static void
check_there_and_back(const char *data, Size len, Size cap)
{
	static FuzzRoom room;
	static FuzzRoom exact;
	char	   *packed = fuzz_room_take(&room, cap);
	Size		stored = stash_codec_compress(codec, data, len, packed, cap);
	const char *raw;

	CHECK(stored <= cap && fuzz_room_is_whole(&room));
	CHECK(stored > 0 || cap < bound(len));
	if (stored == 0)
	{
		n_too_long++;
		return;
	}
	n_packed++;
	CHECK(len <= stash_codec_most(codec, stored));
	packed = fuzz_room_copy(&exact, packed, stored);
	CHECK(decompress(packed, stored, len, &raw));
	CHECK(memcmp(raw, data, len) == 0);
	CHECK(!decompress(packed, stored, len + 1, &raw));
	CHECK(len == 0 || !decompress(packed, stored, len - 1, &raw));
}

/*
 * What was compressed and then damaged: nearer to the truth than what anybody
 * would guess.  'number' says where.
 */
static void
check_damaged(const char *data, Size len, Size number, uint8 change)
{
	static FuzzRoom room;
	static FuzzRoom exact;
	char	   *packed = fuzz_room_take(&room, bound(len));
	Size		stored = stash_codec_compress(codec, data, len, packed, bound(len));
	const char *raw;

	CHECK(stored > 0);
	for (Size at = number % stored; at < stored; at += 1 + number)
		packed[at] ^= change;

	/*
	 * the right number of bytes, or cut somewhere, to the right size or
	 * nearly
	 */
	if ((number & 1) != 0)
		stored -= number / 2 % stored;
	packed = fuzz_room_copy(&exact, packed, stored);
	if (decompress(packed, stored, len + (number & 2), &raw))
		n_unpacked++;
	else
		n_refused++;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static FuzzRoom room;
	Size		number;
	Size		rest;
	const char *bytes;
	const char *raw;

	if (len < PREFIX)
		return 0;
	number = data[1] | data[2] << 8 | (data[0] & 0x0f) << 16;
	bytes = fuzz_stretch(&room, data + PREFIX, len - PREFIX,
						 (data[0] & 0x40) != 0 ? 1 + data[3] % MAX_REPEAT : 1, &rest);
	if ((data[0] & 0x80) == 0)
		check_there_and_back(bytes, rest, (data[0] & 0x20) != 0 ? number : bound(rest));
	else if ((data[0] & 0x20) != 0)
		check_damaged(bytes, rest, number, data[3]);
	else if (decompress(bytes, rest, number, &raw))
		n_unpacked++;
	else
		n_refused++;
	return 0;
}

/* ---- start ---- */

static void
report(void)
{
	printf("# %lu there and back, %lu without room; bytes of an enemy: %lu decompressed, %lu refused\n",
		   n_packed, n_too_long, n_unpacked, n_refused);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("FUZZ_CODEC");

	if (*argc == 2 && strcmp((*argv)[1], "--names") == 0)
	{
		for (int i = STASH_CODEC_NONE + 1; i <= LAST_CODEC; i++)
		{
			if (stash_codec_name(i) != NULL)
				puts(stash_codec_name(i));
		}
		exit(0);
	}
	if (name != NULL)
		codec = stash_codec_by_name(name, strlen(name));
	CHECK(codec > STASH_CODEC_NONE);
	atexit(report);
	return 0;
}
