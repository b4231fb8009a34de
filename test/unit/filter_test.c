/*-------------------------------------------------------------------------
 *
 * filter_test.c
 *	  What a filter laid out anew comes back; the layout is that of the document.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "codec.h"
#include "filter.h"
#include "unit.h"

static const int known[] = {1, 2, 3, 5, 6, 7};

/* The layout, a byte at a time: doc/frame.md. */
static void
lay_out_slowly(int filter, const char *src, Size len, char *dst)
{
	int			width = 1 << (filter & 3);
	Size		head = len % width;
	Size		n = len / width;
	uint64		mask = width == 8 ? ~UINT64CONST(0) : (UINT64CONST(1) << (8 * width)) - 1;
	uint64		before = 0;

	memcpy(dst, src, head);
	for (Size i = 0; i < n; i++)
	{
		uint64		value = 0;
		uint64		put;

		for (int k = 0; k < width; k++)
			value |= (uint64) (uint8) src[head + i * width + k] << (8 * k);
		put = value;
		if (filter & STASH_FILTER_DIFFERENCES)
		{
			uint64		step = (value - before) & mask;

			put = (step << 1) & mask;
			if (step >> (8 * width - 1))
				put = ~put & mask;
			before = value;
		}
		for (int k = 0; k < width; k++)
			dst[head + k * n + i] = (char) (put >> (8 * k));
	}
}

/* Each length up to some steps of the loop; source and result have their exact size. */
static void
test_layout(void)
{
	for (int i = 0; i < lengthof(known); i++)
	{
		int			wrong = 0;

		for (Size len = 0; len < 6000; len += len < 80 ? 1 : 61)
		{
			char	   *data = unit_noise(len);
			char	   *slow = malloc(len);
			char	   *laid = malloc(len);
			char	   *back = malloc(len);

			lay_out_slowly(known[i], data, len, slow);
			stash_filter_apply(known[i], data, len, laid);
			stash_filter_undo(known[i], laid, len, back);
			wrong += memcmp(slow, laid, len) != 0 || memcmp(back, data, len) != 0;
			free(data);
			free(slow);
			free(laid);
			free(back);
		}
		CHECK(wrong == 0);
	}
}

/* Frozen: -1, 1, 300 with a byte before them, as bytes and as differences. */
static void
test_frozen_bytes(void)
{
	static const char src[] = "\x07" "\xff\xff\xff\xff" "\x01\0\0\0" "\x2c\x01\0\0";
	static const char planes[] = "\x07" "\xff\x01\x2c" "\xff\0\x01" "\xff\0\0" "\xff\0\0";
	static const char differences[] = "\x07" "\x01\x04\x56" "\0\0\x02" "\0\0\0" "\0\0\0";
	char		room[sizeof(src) - 1];

	stash_filter_apply(2, src, sizeof(room), room);
	CHECK(memcmp(room, planes, sizeof(room)) == 0);
	stash_filter_apply(6, src, sizeof(room), room);
	CHECK(memcmp(room, differences, sizeof(room)) == 0);
}

/* A filter is chosen where it pays, and only there. */
static void
test_choice(void)
{
	int			n = 20000;
	int32	   *ints = malloc(n * sizeof(int32));
	double	   *floats = malloc(n * sizeof(double));
	char	   *noise = unit_noise(n);

	for (int i = 0; i < n; i++)
		ints[i] = 1000000 + i * 3;
	CHECK(stash_filter_choose(STASH_CODEC_LZ4, 4, (char *) ints, n * 4) == (2 | STASH_FILTER_DIFFERENCES));
	CHECK(stash_filter_choose(STASH_CODEC_LZ4, 4, (char *) ints, 511) == STASH_FILTER_NONE);
	CHECK(stash_filter_choose(STASH_CODEC_LZ4, 4, (char *) ints, 513) != STASH_FILTER_NONE);
	CHECK(stash_filter_choose(STASH_CODEC_LZ4, 0, (char *) ints, n * 4) == STASH_FILTER_NONE);
	CHECK(stash_filter_choose(STASH_CODEC_LZ4, 16, (char *) ints, n * 4) == STASH_FILTER_NONE);
	CHECK(stash_filter_choose(STASH_CODEC_LZ4, 4, noise, n) == STASH_FILTER_NONE);
	for (int i = 0; i < n; i++)
		ints[i] = rand() % 1000;
	CHECK(stash_filter_choose(STASH_CODEC_LZ4, 4, (char *) ints, n * 4) == 2);
	for (int i = 0; i < n; i++)
		floats[i] = (rand() % 100000) / 100.0;
	CHECK(stash_filter_choose(STASH_CODEC_LZ4, 8, (char *) floats, n * 8) == STASH_FILTER_NONE);
	free(ints);
	free(floats);
	free(noise);
}

/* Samples of each length are read within it. */
static void
test_choice_of_each_length(void)
{
	int			unknown = 0;

	for (Size len = 0; len < 40000; len += len % 7 + 1)
	{
		char	   *data = unit_noise(len);
		int			filter = stash_filter_choose(STASH_CODEC_LZ4, 2 << len % 3, data, len);

		unknown += filter != STASH_FILTER_NONE && (filter & 3) != (int) (len % 3) + 1;
		free(data);
	}
	CHECK(unknown == 0);
}

int
main(void)
{
	test_layout();
	test_frozen_bytes();
	test_choice();
	test_choice_of_each_length();
	return unit_report();
}
