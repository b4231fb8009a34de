/*-------------------------------------------------------------------------
 *
 * filter_rows_test.c
 *	  Row sets that were laid out by columns come back; what is no layout is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "codec.h"
#include "filter.h"
#include "unit.h"

static StashRows rows;

static void
refuse_more(StashSink *sink, const void *data, Size len)
{
	abort();
}

static void
start_sink(StashSink *sink, char *room, Size cap)
{
	sink->buf = room;
	sink->used = 0;
	sink->cap = cap;
	sink->overflow = refuse_more;
}

/* The image of rows (int4, text, int8, bool), some NULL, as doc/image.md has it. */
static Size
make_image(char *room, Size cap, int nrows)
{
	StashSink	sink;
	static const char words[] = "some words of different length";

	start_sink(&sink, room, cap);
	stash_sink_put(&sink, "begin", 5);
	for (int i = 0; i < nrows; i++)
	{
		uint8		bitmap = (i % 7 > 0) | (i % 3 > 0) << 1 | (i % 11 > 0) << 2 | 1 << 3;

		stash_sink_put_u8(&sink, bitmap);
		if (bitmap & 1)
			stash_sink_put_u32(&sink, i * 5);
		if (bitmap & 2)
			stash_sink_put_bytes(&sink, words, i % sizeof(words));
		if (bitmap & 4)
			stash_sink_put_u64(&sink, UINT64CONST(1000000007) * i);
		stash_sink_put_u8(&sink, i % 2);
	}
	rows.prologue = 5;
	rows.nrows = nrows;
	rows.ncolumns = 4;
	rows.columns[0].width = 4;
	rows.columns[1].width = 0;
	rows.columns[2].width = 8;
	rows.columns[3].width = 1;
	return sink.used;
}

/* Undo in memory of the exact size. */
static bool
comes_back(const char *layout, Size layoutlen, const char *laid, Size len, const char *image)
{
	char	   *layout_copy = unit_copy(layout, layoutlen);
	char	   *laid_copy = unit_copy(laid, len);
	char	   *back = malloc(len);
	bool		result = stash_rows_undo(&rows, layout_copy, layoutlen, laid_copy, len, back) &&
	memcmp(back, image, len) == 0;

	free(layout_copy);
	free(laid_copy);
	free(back);
	return result;
}

static char image[200000];
static char laid[200000];
static char scratch[200000];
static char layout[200];

/* Lay out 'nrows' rows; the result is the length of the layout, *len that of the image. */
static Size
lay_out(int nrows, Size *len)
{
	StashSink	sink;

	*len = make_image(image, sizeof(image), nrows);
	CHECK(stash_rows_measure(&rows, image, *len));
	stash_rows_apply(&rows, STASH_CODEC_LZ4, image, *len, laid, scratch);
	start_sink(&sink, layout, sizeof(layout));
	stash_rows_put_layout(&sink, &rows);
	return sink.used;
}

static void
test_there_and_back(void)
{
	for (int nrows = 0; nrows < 5000; nrows = nrows * 3 + 1)
	{
		Size		len;
		Size		layoutlen = lay_out(nrows, &len);

		CHECK(comes_back(layout, layoutlen, laid, len, image));
	}
	CHECK(rows.columns[0].filter == 6 && rows.columns[1].filter == 0 && rows.columns[2].filter == 7);
}

/* Frozen: three rows of two columns. */
static void
test_frozen_bytes(void)
{
	static const char src[] = "B" "\x03" "\x0a\x0b" "\x01x" "\x02" "\x00" "\x01" "\x0c\x0d";
	static const char wanted[] = "B" "\x03\x02\x01" "\x0a\x0b\x0c\x0d" "\x01x\x00";
	static const char wanted_layout[] = "\x01\x03\x02" "\x02\x00\x04" "\x00\x00\x03";
	Size		len = sizeof(src) - 1;
	StashSink	sink;

	rows.prologue = 1;
	rows.nrows = 3;
	rows.ncolumns = 2;
	rows.columns[0].width = 2;
	rows.columns[1].width = 0;
	CHECK(stash_rows_measure(&rows, src, len));
	stash_rows_apply(&rows, STASH_CODEC_LZ4, src, len, laid, scratch);
	CHECK(memcmp(laid, wanted, len) == 0);
	start_sink(&sink, layout, sizeof(layout));
	stash_rows_put_layout(&sink, &rows);
	CHECK(sink.used == sizeof(wanted_layout) - 1 && memcmp(layout, wanted_layout, sink.used) == 0);
	CHECK(comes_back(layout, sink.used, laid, len, src));
}

/* An image that is cut, or of other columns. */
static void
test_measure(void)
{
	Size		len = make_image(image, sizeof(image), 30);
	int			taken = 0;

	for (Size cut = 5; cut < len; cut++)
	{
		char	   *copy = unit_copy(image, cut);

		taken += stash_rows_measure(&rows, copy, cut);
		free(copy);
	}
	CHECK(taken == 0);
	rows.nrows = 29;
	CHECK(!stash_rows_measure(&rows, image, len));
	rows.nrows = 30;
	rows.columns[0].width = 8;
	CHECK(!stash_rows_measure(&rows, image, len));
}

/* Layouts that lie are refused, or stay within their memory: the sanitizer looks. */
static void
test_lies(void)
{
	Size		len;
	Size		layoutlen = lay_out(300, &len);
	int			taken = 0;

	for (Size cut = 0; cut < layoutlen; cut++)
		taken += comes_back(layout, cut, laid, len, image);
	for (Size shorter = 0; shorter < len; shorter += 7)
		taken += comes_back(layout, layoutlen, laid, shorter, image);
	CHECK(taken == 0);
	for (Size at = 0; at < layoutlen; at++)
	{
		for (int byte = 0; byte < 256; byte++)
		{
			char		before = layout[at];

			layout[at] = (char) byte;
			taken += (char) byte != before && comes_back(layout, layoutlen, laid, len, image);
			layout[at] = before;
		}
	}

	/*
	 * the width of the bools may be called a length: 0 and 1 are lengths,
	 * too, but others
	 */
	CHECK(taken == 0);
	srand(1);
	for (int round = 0; round < 20000; round++)
	{
		Size		at = rand() % len;
		char		before = laid[at];

		laid[at] = (char) rand();
		(void) comes_back(layout, layoutlen, laid, len, image);
		laid[at] = before;
	}
	CHECK(comes_back(layout, layoutlen, laid, len, image));
}

int
main(void)
{
	test_there_and_back();
	test_frozen_bytes();
	test_measure();
	test_lies();
	return unit_report();
}
