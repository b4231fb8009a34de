/*-------------------------------------------------------------------------
 *
 * codec_test.c
 *	  What was compressed comes back, and damage never writes outside.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <limits.h>

#include "codec.h"
#include "unit.h"

/* Some bytes of a kind: 0 all alike, 1 words, 2 noise. */
static char *
sample(int kind, Size len)
{
	char	   *data = unit_noise(len);

	for (Size i = 0; i < len && kind < 2; i++)
		data[i] = kind == 0 ? 'x' : "the same dozen words again "[(i + i / 1000) % 27];
	return data;
}

/* the codec that is tested */
static int	codec;

/* Room in which neither LZ4 nor zstd can fail. */
static Size
bound(Size len)
{
	return len + len / 255 + 512;
}

/* Compress to a block of its own; the result is exactly as large as it says. */
static char *
compress(const char *data, Size len, Size *stored)
{
	char	   *room = malloc(bound(len));
	char	   *block;

	*stored = stash_codec_compress(codec, data, len, room, bound(len));
	block = unit_copy(room, *stored);
	free(room);
	return block;
}

/* Decompress into exactly 'rawlen' bytes, and compare when it worked. */
static bool
gives_back(const char *block, Size stored, const char *data, Size rawlen)
{
	char	   *room = malloc(rawlen);
	bool		result = stash_codec_decompress(codec, block, stored, room, rawlen);

	if (result)
		result = memcmp(room, data, rawlen) == 0;
	free(room);
	return result;
}

static void
test_names(void)
{
	CHECK(stash_codec_by_name("none", 4) == STASH_CODEC_NONE);
	CHECK(stash_codec_by_name("lz4", 3) == STASH_CODEC_LZ4);
	CHECK(stash_codec_by_name("LZ4", 3) == -1);
	CHECK(stash_codec_by_name("", 0) == -1);
	CHECK(strcmp(stash_codec_name(STASH_CODEC_NONE), "none") == 0);
	CHECK(strcmp(stash_codec_name(STASH_CODEC_LZ4), "lz4") == 0);
#ifdef STASH_HAVE_ZSTD
	CHECK(stash_codec_by_name("zstd", 4) == STASH_CODEC_ZSTD);
	CHECK(strcmp(stash_codec_name(STASH_CODEC_ZSTD), "zstd") == 0);
#else
	CHECK(stash_codec_by_name("zstd", 4) == -1);
	CHECK(stash_codec_name(STASH_CODEC_ZSTD) == NULL);
#endif
	CHECK(stash_codec_name(-1) == NULL);
	CHECK(stash_codec_name(15) == NULL);
}

/* The numbers stand in frames that users have stored. */
static void
test_numbers_are_frozen(void)
{
	CHECK(STASH_CODEC_NONE == 0);
	CHECK(STASH_CODEC_LZ4 == 1);
	CHECK(STASH_CODEC_ZSTD == 2);
}

static void
test_round_trips(void)
{
	static const Size lengths[] = {0, 1, 2, 5, 12, 13, 64, 255, 256, 1000, 65535, 65537, 1000000};

	for (int kind = 0; kind < 3; kind++)
	{
		for (int i = 0; i < lengthof(lengths); i++)
		{
			char	   *data = sample(kind, lengths[i]);
			Size		stored;
			char	   *block = compress(data, lengths[i], &stored);

			CHECK(stored > 0 && gives_back(block, stored, data, lengths[i]));
			free(block);
			free(data);
		}
	}
}

/* A result that does not fit is reported, and nothing is written behind 'cap'. */
static void
test_small_room(void)
{
	char	   *words = sample(1, 10000);
	char	   *noise = sample(2, 10000);
	char	   *room;
	Size		stored;
	int			wrong = 0;

	free(compress(words, 10000, &stored));
	for (Size cap = 0; cap < stored + 100; cap++)
	{
		Size		n;

		room = malloc(cap);
		n = stash_codec_compress(codec, words, 10000, room, cap);
		if (n > cap || (cap < stored && n != 0) ||
			(n != 0 && !gives_back(room, n, words, 10000)))
			wrong++;
		free(room);
	}
	CHECK(wrong == 0);

	room = malloc(9999);
	CHECK(stash_codec_compress(codec, noise, 10000, room, 9999) == 0);
	free(room);
	free(words);
	free(noise);
}

static void
test_wrong_lengths(void)
{
	char	   *data = sample(1, 3000);
	Size		stored;
	char	   *block = compress(data, 3000, &stored);
	int			taken = 0;

	CHECK(!gives_back(block, stored, data, 2999));
	CHECK(!gives_back(block, stored, data, 0));
	{
		char	   *room = malloc(3001);

		CHECK(!stash_codec_decompress(codec, block, stored, room, 3001));
		free(room);
	}
	for (Size len = 0; len < stored; len++)
	{
		char	   *cut = unit_copy(block, len);

		if (gives_back(cut, len, data, 3000))
			taken++;
		free(cut);
	}
	CHECK(taken == 0);
	free(block);
	free(data);
}

/*
 * Neither has a checksum, so a flipped bit may give other bytes of the right
 * number; what counts is that the sanitizer stays silent.
 */
static void
test_damage(void)
{
	char	   *data = sample(1, 3000);
	Size		stored;
	char	   *block = compress(data, 3000, &stored);
	int			unharmed = 0;

	for (Size bit = 0; bit < stored * 8; bit++)
	{
		block[bit / 8] ^= 1 << (bit % 8);
		if (gives_back(block, stored, data, 3000))
			unharmed++;
		block[bit / 8] ^= 1 << (bit % 8);
	}
	/* nearly every bit matters; a match may point at an equal word elsewhere */
	CHECK(unharmed < stored);
	CHECK(gives_back(block, stored, data, 3000));

	srand(1);
	for (int round = 0; round < 20000; round++)
	{
		Size		len = (Size) (rand() % 100);
		char	   *junk = malloc(len);

		for (Size i = 0; i < len; i++)
			junk[i] = (char) rand();
		gives_back(junk, len, data, (Size) (rand() % 3000));
		free(junk);
	}
	free(block);
	free(data);
}

/* Numbers from a frame's header are not trusted, and of nothing nothing can be made. */
static void
test_refusals(void)
{
	char		room[16] = {0};

	CHECK(!stash_codec_decompress(codec, room, 0, room, 1));
	for (int unknown = -1; unknown < 16; unknown++)
	{
		if (unknown > STASH_CODEC_NONE && stash_codec_name(unknown) != NULL)
			continue;
		CHECK(!stash_codec_decompress(unknown, "\0", 1, room, 0));
		CHECK(stash_codec_compress(unknown, "abc", 3, room, sizeof(room)) == 0);
	}
}

/* One frame of today's format is a body, and nothing else that the library takes. */
static void
test_one_zstd_frame(void)
{
	static const char old[] = "\x27\xB5\x2F\xFD\x20\x05\x40\x00\x05" "hello\xC0\x00\x00";	/* of version 0.7 */
	static const char skipped[] = "\x50\x2A\x4D\x18\x03\x00\x00\x00" "abc";
	char		frames[200];
	char		room[10];
	Size		one;
	Size		two;

	codec = stash_codec_by_name("zstd", 4);
	if (codec < 0)
		return;
	one = stash_codec_compress(codec, "hello", 5, frames, 100);
	two = one + stash_codec_compress(codec, "world", 5, frames + one, 100);
	CHECK(stash_codec_decompress(codec, frames, one, room, 5));
	CHECK(stash_codec_decompress(codec, frames + one, two - one, room, 5));
	CHECK(!stash_codec_decompress(codec, frames, two, room, 10));
	CHECK(!stash_codec_decompress(codec, frames, 0, room, 0));
	CHECK(!stash_codec_decompress(codec, old, sizeof(old) - 1, room, 5));
	memmove(frames + sizeof(skipped) - 1, frames, one);
	memcpy(frames, skipped, sizeof(skipped) - 1);
	CHECK(!stash_codec_decompress(codec, frames, sizeof(skipped) - 1 + one, room, 5));
}

/* LZ4 counts in int: more is refused unread. */
static void
test_large_lengths(void)
{
	char		room[16] = {0};
	Size		huge = (Size) INT_MAX + 1;

	CHECK(!stash_codec_decompress(STASH_CODEC_LZ4, room, 0, room, 0));
	CHECK(!stash_codec_decompress(STASH_CODEC_LZ4, room, huge, room, 1));
	CHECK(!stash_codec_decompress(STASH_CODEC_LZ4, "\0", 1, room, huge));
	CHECK(!stash_codec_decompress(STASH_CODEC_LZ4, "\0", 1, room, SIZE_MAX));
	CHECK(stash_codec_compress(STASH_CODEC_LZ4, room, huge, room, 16) == 0);
	CHECK(stash_codec_compress(STASH_CODEC_LZ4, room, SIZE_MAX, room, 16) == 0);
}

/* Nothing that was compressed is taken for a lie: the most that can be is enough. */
static void
test_most(void)
{
	for (Size len = 1; len < 100000000; len *= 7)
	{
		char	   *data = malloc(len);
		char	   *block;
		Size		stored;

		memset(data, 'x', len);
		block = compress(data, len, &stored);
		CHECK(len <= stash_codec_most(codec, stored));
		CHECK(gives_back(block, stored, data, len));
		free(block);
		free(data);
	}
	CHECK(stash_codec_most(STASH_CODEC_LZ4, 1000) < 1000000);
	CHECK(stash_codec_most(codec, (Size) 1 << 40) > (uint64) 1 << 40);
}

/* A buffer of Arrow is one frame, and comes back to its one length. */
static void
test_buffers(void)
{
	const Size	lens[] = {1, 7, 1000, 65536, 65537, 300000};
	int			wrong = 0;

	for (int i = 0; i < lengthof(lens); i++)
	{
		Size		len = lens[i];
		Size		room = stash_codec_buffer_room(len);
		char	   *data = unit_noise(len);
		char	   *packed = malloc(room);
		char	   *back = malloc(len + 1);
		char	   *exact;
		Size		stored;

		/* half of it can be compressed */
		memset(data, 'x', len / 2);
		stored = stash_codec_pack_buffer(codec, data, len, packed, room);
		exact = unit_copy(packed, stored);
		CHECK(stored > 0 && len <= stash_codec_most(codec, stored));
		CHECK(stash_codec_unpack_buffer(codec, exact, stored, back, len) && memcmp(back, data, len) == 0);
		wrong += stash_codec_unpack_buffer(codec, exact, stored, back, len + 1);
		wrong += stash_codec_unpack_buffer(codec, exact, stored, back, len - 1);
		wrong += stash_codec_unpack_buffer(codec, exact, stored - 1, back, len);
		wrong += stash_codec_unpack_buffer(codec, exact, 0, back, len);
		free(exact);
		/* a byte behind it, or a second frame, is one too many */
		exact = malloc(2 * stored);
		memcpy(exact, packed, stored);
		memcpy(exact + stored, packed, stored);
		wrong += stash_codec_unpack_buffer(codec, exact, stored + 1, back, len);
		wrong += stash_codec_unpack_buffer(codec, exact, 2 * stored, back, len);
		/* after all that the next one is read as ever */
		CHECK(stash_codec_unpack_buffer(codec, exact, stored, back, len) && memcmp(back, data, len) == 0);
		free(exact);
		free(back);
		free(packed);
		free(data);
	}
	CHECK(wrong == 0);
}

int
main(void)
{
	test_names();
	test_numbers_are_frozen();
	test_large_lengths();
	test_one_zstd_frame();
	for (codec = STASH_CODEC_LZ4; stash_codec_name(codec) != NULL; codec++)
	{
		test_round_trips();
		test_small_room();
		test_wrong_lengths();
		test_damage();
		test_refusals();
		test_most();
		test_buffers();
	}
	return unit_report();
}
