/*-------------------------------------------------------------------------
 *
 * frame_test.c
 *	  A frame is whole and known, or it is refused; nothing is read outside.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "codec.h"
#include "filter.h"
#include "forge.h"
#include "frame.h"
#include "sink.h"
#include "unit.h"

#define MAX_VARINT	10			/* bytes */

/* Bytes of a frame being written, before they are copied to their exact size. */
static char room[4096];

/* Write a varint, and tell its size. */
static int
put_varint(char *at, uint64 value)
{
	StashSink	sink = {at, 0, MAX_VARINT, NULL};

	stash_sink_put_varint(&sink, value);
	return (int) sink.used;
}

/* A sealed frame in memory of exactly its size; rawlen is written where a codec wants it. */
static char *
make(Size typelen, Size bodylen, int codec, uint64 rawlen, bool is_null, Size *len)
{
	char	   *at = room + STASH_FRAME_FIXED;

	at += put_varint(at, typelen);
	memset(at, 't', typelen);
	at += typelen;
	if (codec != STASH_CODEC_NONE && !is_null)
		at += put_varint(at, rawlen);
	memset(at, 'b', bodylen);
	at += bodylen;
	*len = (Size) (at - room);
	stash_frame_seal(room, *len, codec, STASH_FILTER_NONE, is_null);
	return unit_copy(room, *len);
}

static StashFrameProblem
parse(const char *buf, Size len)
{
	StashFrameReader reader;

	return stash_frame_parse(&reader, buf, len);
}

static void
test_plain(void)
{
	StashFrameReader reader;
	Size		len;
	char	   *frame = make(5, 200, STASH_CODEC_NONE, 0, false, &len);

	CHECK(len == 12 + 1 + 5 + 200);
	CHECK(stash_frame_parse(&reader, frame, len) == STASH_FRAME_OK);
	CHECK(reader.version == 1);
	CHECK(reader.codec == STASH_CODEC_NONE);
	CHECK(!reader.is_null);
	CHECK(reader.is_checked);
	CHECK(reader.type == frame + 13);
	CHECK(reader.typelen == 5);
	CHECK(reader.body == frame + 18);
	CHECK(reader.bodylen == 200);
	CHECK(reader.rawlen == 200);
	free(frame);
}

static void
test_compressed(void)
{
	StashFrameReader reader;
	Size		len;
	char	   *frame = make(300, 70, STASH_CODEC_LZ4, UINT64CONST(1) << 40, false, &len);

	CHECK(stash_frame_parse(&reader, frame, len) == STASH_FRAME_OK);
	CHECK(reader.codec == STASH_CODEC_LZ4);
	CHECK(reader.typelen == 300);
	CHECK(reader.bodylen == 70);
	CHECK(reader.rawlen == UINT64CONST(1) << 40);
	CHECK(reader.body + reader.bodylen == frame + len);
	free(frame);
}

static void
test_null(void)
{
	StashFrameReader reader;
	Size		len;
	char	   *frame;

	frame = make(5, 0, STASH_CODEC_NONE, 0, true, &len);
	CHECK(stash_frame_parse(&reader, frame, len) == STASH_FRAME_OK);
	CHECK(reader.is_null);
	CHECK(reader.typelen == 5);
	CHECK(reader.bodylen == 0);
	free(frame);

	frame = make(5, 1, STASH_CODEC_NONE, 0, true, &len);
	CHECK(parse(frame, len) == STASH_FRAME_DAMAGED);
	free(frame);
}

static void
test_empty_parts(void)
{
	Size		len;
	char	   *frame = make(0, 0, STASH_CODEC_NONE, 0, false, &len);

	CHECK(len == 13);
	CHECK(parse(frame, len) == STASH_FRAME_OK);
	free(frame);
}

/* The bytes of version 1, for ever. */
static void
test_frozen_bytes(void)
{
	static const char golden[] =
	"\xF5S\x01\x00\x11\x8E\x5B\x4C\x18\xBE\x82\x5A" "\x03" "int" "\x2A\x00\x00\x00";
	char		frame[sizeof(golden) - 1];

	CHECK(parse(golden, sizeof(golden) - 1) == STASH_FRAME_OK);

	memcpy(frame, golden, sizeof(frame));
	memset(frame, 0, STASH_FRAME_FIXED);
	stash_frame_seal(frame, sizeof(frame), STASH_CODEC_NONE, STASH_FILTER_NONE, false);
	CHECK(memcmp(frame, golden, sizeof(frame)) == 0);
}

/* Every beginning of a frame is refused, and says whether it began like one. */
static void
test_truncation(void)
{
	for (int codec = STASH_CODEC_NONE; codec <= STASH_CODEC_LZ4; codec++)
	{
		for (int is_null = 0; is_null < 2; is_null++)
		{
			Size		len;
			char	   *frame = make(40, is_null ? 0 : 300, codec, 1000, is_null, &len);
			int			wrong = 0;

			for (Size cut = 0; cut < len; cut++)
			{
				char	   *copy = unit_copy(frame, cut);

				if (parse(copy, cut) != (cut < 4 ? STASH_FRAME_FOREIGN : STASH_FRAME_DAMAGED))
					wrong++;
				free(copy);
			}
			CHECK(wrong == 0);
			free(frame);
		}
	}
}

/* One flipped bit is foreign in the magic and damage anywhere else, never the future. */
static void
test_flipped_bits(void)
{
	for (int codec = STASH_CODEC_NONE; codec <= STASH_CODEC_LZ4; codec++)
	{
		for (int is_null = 0; is_null < 2; is_null++)
		{
			Size		len;
			char	   *frame = make(40, is_null ? 0 : 500, codec, 1000, is_null, &len);
			int			wrong = 0;

			for (Size bit = 0; bit < len * 8; bit++)
			{
				frame[bit / 8] ^= 1 << (bit % 8);
				if (parse(frame, len) != (bit < 16 ? STASH_FRAME_FOREIGN : STASH_FRAME_DAMAGED))
					wrong++;
				frame[bit / 8] ^= 1 << (bit % 8);
			}
			CHECK(wrong == 0);
			CHECK(parse(frame, len) == STASH_FRAME_OK);
			free(frame);
		}
	}
}

static void
test_trailing_bytes(void)
{
	Size		len;
	char	   *frame = make(5, 20, STASH_CODEC_NONE, 0, false, &len);
	int			taken = 0;

	for (Size more = 1; more < 40; more++)
	{
		char	   *longer = malloc(len + more);

		memcpy(longer, frame, len);
		memset(longer + len, 0, more);
		if (parse(longer, len + more) == STASH_FRAME_OK)
			taken++;
		free(longer);
	}
	CHECK(taken == 0);
	free(frame);
}

/* A frame that is whole but not of this version says so. */
static void
test_the_future(void)
{
	Size		len;
	char	   *frame = make(5, 20, STASH_CODEC_NONE, 0, false, &len);
	int			wrong = 0;

	for (int version = 0; version < 256; version++)
	{
		StashFrameReader reader;
		StashFrameProblem problem;

		forge(frame, len, version, STASH_CODEC_NONE);
		problem = stash_frame_parse(&reader, frame, len);
		if (problem != (version == 1 ? STASH_FRAME_OK : STASH_FRAME_NEWER) ||
			reader.version != version)
			wrong++;
	}
	CHECK(wrong == 0);

	free(frame);
}

/* Bits 4 to 6: a filter needs a codec and a value; that of rows has a layout, here of 'b', 98 bytes. */
static void
test_filters(void)
{
	Size		len;

	for (int filter = 0; filter < 8; filter++)
	{
		char	   *frame = make(5, 120, STASH_CODEC_LZ4, 100, false, &len);
		StashFrameReader reader;
		StashFrameProblem refused = filter == 0 ? STASH_FRAME_OK : STASH_FRAME_DAMAGED;
		Size		layoutlen = filter == STASH_FILTER_ROWS ? 98 : 0;

		stash_frame_seal(frame, len, STASH_CODEC_LZ4, filter, false);
		CHECK(frame[3] == (STASH_CODEC_LZ4 | filter << 4));
		CHECK(stash_frame_parse(&reader, frame, len) == STASH_FRAME_OK);
		CHECK(reader.filter == filter && reader.codec == STASH_CODEC_LZ4 && !reader.is_null);
		CHECK(reader.layoutlen == layoutlen);
		CHECK(reader.bodylen == (layoutlen > 0 ? 21 : 120) && reader.body + reader.bodylen == frame + len);
		stash_frame_seal(frame, len, STASH_CODEC_NONE, filter, false);
		CHECK(parse(frame, len) == refused);
		free(frame);
		frame = make(5, 0, STASH_CODEC_LZ4, 0, true, &len);
		stash_frame_seal(frame, len, STASH_CODEC_LZ4, filter, true);
		CHECK(parse(frame, len) == refused);
		free(frame);
		/* a layout longer than what is left */
		frame = make(5, 98, STASH_CODEC_LZ4, 100, false, &len);
		stash_frame_seal(frame, len, STASH_CODEC_LZ4, filter, false);
		CHECK(parse(frame, len) == (layoutlen > 0 ? STASH_FRAME_DAMAGED : STASH_FRAME_OK));
		free(frame);
	}
}

/* Lengths that lie, below a checksum that holds: whoever can seal can do this. */
static void
test_lying_lengths(void)
{
	static const struct
	{
		const char *bytes;		/* after the fixed part */
		Size		len;
		int			codec_byte;
	}			lies[] = {
		{"\x06type", 5, 0x00},	/* type longer than the frame */
		{"\x05type", 5, 0x00},
		{"\x05type", 5, 0x80},
		{"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01" "type", 14, 0x00},	/* 2^64 - 1 */
		{"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F" "type", 13, 0x00},	/* 2^63 - 1 */
		{"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02" "type", 14, 0x00},	/* over 64 bits */
		{"\x80", 1, 0x00},		/* cut off */
		{"\xFF\xFF\xFF", 3, 0x00},
		{"\x04type", 5, 0x01},	/* no raw size */
		{"\x04type\x80", 6, 0x01},	/* raw size cut off */
		{"\x04type\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 15, 0x01},
		{"\x04type\x01", 6, 0x80},	/* NULL with a body */
		{"\x04type\x01", 6, 0x81}
	};

	for (int i = 0; i < lengthof(lies); i++)
	{
		Size		len = STASH_FRAME_FIXED + lies[i].len;
		char	   *frame = malloc(len);

		memcpy(frame + STASH_FRAME_FIXED, lies[i].bytes, lies[i].len);
		forge(frame, len, 1, lies[i].codec_byte);
		CHECK(parse(frame, len) == STASH_FRAME_DAMAGED);
		free(frame);
	}
}

static void
test_foreign(void)
{
	int			taken = 0;

	CHECK(parse("", 0) == STASH_FRAME_FOREIGN);
	CHECK(parse("SELECT 1, and no frame", 22) == STASH_FRAME_FOREIGN);
	CHECK(parse("\x53\xF5\x01\x00\0\0\0\0\0\0\0\0\0\0", 14) == STASH_FRAME_FOREIGN);

	srand(1);
	for (int round = 0; round < 100000; round++)
	{
		Size		len = (Size) (rand() % 40);
		char	   *junk = malloc(len);

		for (Size i = 0; i < len; i++)
			junk[i] = (char) rand();
		if (len >= 4)
			memcpy(junk, "\xF5S\x01\x00", 4);
		if (parse(junk, len) == STASH_FRAME_OK)
			taken++;
		free(junk);
	}
	CHECK(taken == 0);
}

/* Write and read one number, and every cut of it. */
static bool
is_sound_varint(uint64 value, int expected)
{
	char		bytes[MAX_VARINT];
	int			n = put_varint(bytes, value);
	bool		result = n == expected;

	for (int len = 0; len <= n; len++)
	{
		char	   *copy = unit_copy(bytes, (Size) len);
		const char *at = copy;
		uint64		back = 0;
		bool		is_read = stash_frame_get_varint(&at, copy + len, &back);

		if (is_read != (len == n) || (is_read && (back != value || at != copy + n)))
			result = false;
		free(copy);
	}
	return result;
}

static void
test_varints(void)
{
	static const char too_large[] = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02";
	static const char too_long[] = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01";
	const char *at;
	uint64		value;

	CHECK(is_sound_varint(0, 1));
	CHECK(is_sound_varint(UINT64CONST(0xFFFFFFFFFFFFFFFF), 10));
	/* both sides of each size; 63 bits need nine bytes, 64 need ten */
	for (int bytes = 1; bytes <= 9; bytes++)
	{
		CHECK(is_sound_varint((UINT64CONST(1) << (7 * bytes)) - 1, bytes));
		CHECK(is_sound_varint(UINT64CONST(1) << (7 * bytes), bytes + 1));
	}

	at = too_large;
	CHECK(!stash_frame_get_varint(&at, too_large + 10, &value));
	at = too_long;
	CHECK(!stash_frame_get_varint(&at, too_long + 11, &value));
	at = too_long;
	CHECK(!stash_frame_get_varint(&at, too_long, &value));
	CHECK(at == too_long);
}

int
main(void)
{
	test_plain();
	test_compressed();
	test_null();
	test_empty_parts();
	test_frozen_bytes();
	test_truncation();
	test_flipped_bits();
	test_trailing_bytes();
	test_the_future();
	test_filters();
	test_lying_lengths();
	test_foreign();
	test_varints();
	return unit_report();
}
