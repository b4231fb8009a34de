/*-------------------------------------------------------------------------
 *
 * stream_test.c
 *	  Streams give back what they took, in whatever pieces, and tell damage.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "codec.h"
#include "gzip.h"
#include "unit.h"

#define ROOM	(1024 * 1024)	/* more than any of these streams makes */

typedef enum Outcome
{
	COMPLETE,
	INCOMPLETE,
	DAMAGED
} Outcome;

/* the library that is tested */
static const StashStreamCodec *codec;

static Size
pack(const char *data, Size len, char *packed, Size piece)
{
	StashStream stream = {.packs = true};
	Size		at = 0;
	Size		made = 0;
	bool		is_done = false;

	CHECK(codec->open(&stream));
	while (!is_done)
	{
		Size		more = Min(piece, len - at);
		char	   *room = malloc(piece);

		if (stream.in_len == 0)
		{
			stream.in = data + at;
			stream.in_len = more;
			at += more;
		}
		stream.out = room;
		stream.out_room = piece;
		is_done = codec->pack(&stream, at == len) && at == len;
		memcpy(packed + made, room, piece - stream.out_room);
		made += piece - stream.out_room;
		free(room);
	}
	codec->close(&stream);
	return made;
}

/* Unpack from and to memory of exactly this size. */
static Outcome
unpack(const char *packed, Size len, Size piece, char *data, Size *made)
{
	StashStream stream = {.packs = false};
	const char *problem = NULL;
	char	   *in = NULL;
	Size		at = 0;
	Outcome		outcome;

	*made = 0;
	(void) codec->open(&stream);
	for (;;)
	{
		char	   *room = malloc(piece);
		Size		n;

		if (stream.in_len == 0 && at < len)
		{
			free(in);
			stream.in_len = Min(piece, len - at);
			stream.in = in = unit_copy(packed + at, stream.in_len);
			at += stream.in_len;
		}
		stream.out = room;
		stream.out_room = piece;
		problem = codec->unpack(&stream);
		n = piece - stream.out_room;
		if (*made + n <= ROOM)
			memcpy(data + *made, room, n);
		*made += n;
		free(room);
		if (problem != NULL || (n == 0 && stream.in_len == 0 && at == len))
			break;
	}
	outcome = problem != NULL ? DAMAGED : stream.is_complete ? COMPLETE : INCOMPLETE;
	codec->close(&stream);
	free(in);
	return outcome;
}

static void
test_pieces(void)
{
	static const Size pieces[] = {1, 2, 3, 100, 65536, ROOM};
	static const Size lens[] = {0, 1, 1000, 200000};
	char	   *noise = unit_noise(lens[3]);
	char	   *packed = malloc(ROOM);
	char	   *data = malloc(ROOM);
	int			wrong = 0;

	/* half of it can be packed */
	memset(noise, 'x', lens[3] / 2);
	for (int l = 0; l < lengthof(lens); l++)
	{
		for (int p = 0; p < lengthof(pieces); p++)
		{
			Size		made;
			Size		len = pack(noise, lens[l], packed, pieces[p]);

			wrong += unpack(packed, len, pieces[lengthof(pieces) - 1 - p], data, &made) != COMPLETE;
			wrong += made != lens[l] || memcmp(data, noise, made) != 0;
		}
	}
	CHECK(wrong == 0);
	free(noise);
	free(packed);
	free(data);
}

/* Cut anywhere it is not complete; whatever a bit is, wrong data are found out. */
static void
test_damage(void)
{
	static const char text[] = "one line of text and one line of text\nand another that is quite unlike it\n";
	char	   *packed = malloc(ROOM);
	char	   *data = malloc(ROOM);
	Size		made;
	Size		len = pack(text, sizeof(text), packed, 100);
	int			wrong = 0;
	int			refused = 0;

	for (Size cut = 0; cut < len; cut++)
		wrong += unpack(packed, cut, 7, data, &made) != INCOMPLETE;
	CHECK(wrong == 0);
	for (Size bit = 0; bit < len * 8; bit++)
	{
		Outcome		outcome;

		packed[bit / 8] ^= 1 << bit % 8;
		outcome = unpack(packed, len, 64, data, &made);
		packed[bit / 8] ^= 1 << bit % 8;
		refused += outcome != COMPLETE;
		/* a bit of a header may mean nothing to us */
		if (outcome == COMPLETE)
			wrong += made != sizeof(text) || memcmp(data, text, made) != 0;
	}
	CHECK(wrong == 0);
	CHECK(refused > (len - 10) * 8);
	free(packed);
	free(data);
}

/* One behind the other is one; anything else behind is damage. */
static void
test_rows_of_them(void)
{
	char	   *packed = malloc(ROOM);
	char	   *data = malloc(ROOM);
	Size		made;
	Size		len = pack("ab", 2, packed, 100);

	len += pack("", 0, packed + len, 100);
	len += pack("c", 1, packed + len, 1);
	CHECK(unpack(packed, len, 1, data, &made) == COMPLETE && made == 3 && memcmp(data, "abc", 3) == 0);
	CHECK(unpack(packed, len, 1000, data, &made) == COMPLETE && made == 3 && memcmp(data, "abc", 3) == 0);
	CHECK(unpack(packed, len - 1, 1000, data, &made) == INCOMPLETE);
	memset(packed + len, 0, 8);
	CHECK(unpack(packed, len + 8, 1000, data, &made) == DAMAGED);
	CHECK(unpack(packed, len + 8, 1, data, &made) == DAMAGED);
	CHECK(unpack("{\"a\":1}\n{\"a\":2}\n", 16, 1000, data, &made) == DAMAGED);
	free(packed);
	free(data);
}

/* Of zstd's formats only the last one, and what is to be skipped, is unpacked. */
static void
test_zstd_frames(void)
{
	char		packed[200];
	char	   *data = malloc(ROOM);
	Size		made;
	Size		len;

	memcpy(packed, "\x5A\x2A\x4D\x18\3\0\0\0abc", 11);
	len = 11 + pack("ab", 2, packed + 11, 100);
	CHECK(unpack(packed, len, 1, data, &made) == COMPLETE && made == 2);
	for (int version = 0x1E; version < 0x28; version++)
	{
		packed[11] = version;
		/* a library that knows it would wait for more */
		CHECK(unpack(packed, 11 + 4, 1, data, &made) == DAMAGED);
	}
	free(data);
}

int
main(void)
{
	const StashStreamCodec *const codecs[] = {&stash_gzip_stream, &stash_zstd_stream};

	for (int i = 0; i < lengthof(codecs); i++)
	{
		codec = codecs[i];
		if (codec->open == NULL)
			continue;
		test_pieces();
		test_damage();
		test_rows_of_them();
	}
	if (codec->open != NULL)
		test_zstd_frames();
	return unit_report();
}
