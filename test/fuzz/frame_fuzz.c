/*-------------------------------------------------------------------------
 *
 * frame_fuzz.c
 *	  Frames that an enemy made, outside the server.
 *
 * What is accepted must be the one spelling of what it says, and its body
 * must decompress in the memory that it claims.  The mutator knows the parts
 * of a frame and makes the checksum right again, or nothing behind it would
 * ever be reached.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "codec.h"
#include "filter.h"
#include "forge.h"
#include "frame.h"
#include "fuzz.h"
#include "sink.h"

#define LAST_CODEC	15			/* that the header has room for */
#define MAX_PART	65536		/* bytes of a type or a body */

static unsigned long n_run;
static unsigned long n_problem[STASH_FRAME_DAMAGED + 1];
static unsigned long n_unpacked;
static unsigned long n_refused;
static unsigned long n_rows;

/* ---- what must hold ---- */

static bool
is_same(const StashFrameReader *a, const StashFrameReader *b)
{
	return a->type == b->type && a->typelen == b->typelen &&
		a->body == b->body && a->bodylen == b->bodylen &&
		a->layout == b->layout && a->layoutlen == b->layoutlen &&
		a->rawlen == b->rawlen && a->version == b->version &&
		a->codec == b->codec && a->filter == b->filter && a->is_null == b->is_null &&
		a->is_checked == b->is_checked;
}

/* Written again from its fields, a frame is the same bytes. */
static void
check_respelling(const StashFrameReader *reader, char *frame, Size len)
{
	StashSink	sink = {malloc(len), STASH_FRAME_FIXED, len, NULL};
	StashFrameReader again;

	stash_sink_put_varint(&sink, reader->typelen);
	stash_sink_put(&sink, reader->type, reader->typelen);
	if (reader->codec != STASH_CODEC_NONE && !reader->is_null)
		stash_sink_put_varint(&sink, reader->rawlen);
	if (reader->layout != NULL)
		stash_sink_put_bytes(&sink, reader->layout, reader->layoutlen);
	stash_sink_put(&sink, reader->body, reader->bodylen);
	CHECK(sink.used == len);
	stash_frame_seal(sink.buf, len, reader->codec, reader->filter, reader->is_null);
	CHECK(memcmp(sink.buf, frame, len) == 0);
	free(sink.buf);

	memset(frame, 0, STASH_FRAME_FIXED);
	stash_frame_seal(frame, len, reader->codec, reader->filter, reader->is_null);
	CHECK(stash_frame_parse(&again, frame, len) == STASH_FRAME_OK);
	CHECK(is_same(reader, &again));
}

/* Decompress into memory that was full of 'fill'. */
static const char *
unpack(FuzzRoom *room, const StashFrameReader *reader, const char *body, int fill)
{
	char	   *raw = fuzz_room_take(room, reader->rawlen);
	bool		result;

	memset(raw, fill, reader->rawlen);
	result = stash_codec_decompress(reader->codec, body, reader->bodylen, raw, reader->rawlen);
	CHECK(fuzz_room_is_whole(room));
	return result ? raw : NULL;
}

/* A filter only puts bytes elsewhere, so it can be applied again. */
static void
check_filter(int filter, const char *laid, Size len)
{
	char	   *raw = malloc(len);
	char	   *again = malloc(len);

	stash_filter_undo(filter, laid, len, raw);
	stash_filter_apply(filter, raw, len, again);
	CHECK(memcmp(again, laid, len) == 0);
	free(raw);
	free(again);
}

/* Rows that are taken are rows: they can be measured, and are as many bytes. */
static void
check_rows(const StashFrameReader *reader, const char *body)
{
	static StashRows rows;
	char	   *layout = malloc(reader->layoutlen);
	char	   *laid = malloc(reader->rawlen);
	char	   *image = malloc(reader->rawlen);

	memcpy(layout, reader->layout, reader->layoutlen);
	memcpy(laid, body, reader->rawlen);
	if (stash_rows_undo(&rows, layout, reader->layoutlen, laid, reader->rawlen, image))
	{
		n_rows++;
		CHECK(stash_rows_measure(&rows, image, reader->rawlen));
	}
	free(layout);
	free(laid);
	free(image);
}

/* The body as frame_open.c opens it. */
static void
check_body(const StashFrameReader *reader)
{
	static FuzzRoom body_room;
	static FuzzRoom rooms[2];
	const char *body;
	const char *one;
	const char *two;

	if (reader->is_null || reader->codec == STASH_CODEC_NONE)
	{
		CHECK(reader->rawlen == reader->bodylen && reader->filter == STASH_FILTER_NONE);
		return;
	}
	if (reader->rawlen > FUZZ_ROOM_SIZE ||
		reader->rawlen > stash_codec_most(reader->codec, reader->bodylen))
		return;
	body = fuzz_room_copy(&body_room, reader->body, reader->bodylen);
	one = unpack(&rooms[0], reader, body, 0);
	two = unpack(&rooms[1], reader, body, 0xff);
	CHECK((one == NULL) == (two == NULL));
	/* what is not written differs */
	CHECK(one == NULL || memcmp(one, two, reader->rawlen) == 0);
	CHECK(one == NULL || stash_codec_name(reader->codec) != NULL);
	if (one == NULL)
	{
		n_refused++;
		return;
	}
	n_unpacked++;
	if (reader->filter == STASH_FILTER_ROWS)
		check_rows(reader, one);
	else if (reader->filter != STASH_FILTER_NONE)
		check_filter(reader->filter, one, reader->rawlen);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	/* of the exact size, so that reading behind it is seen */
	char	   *frame = malloc(len);
	StashFrameReader reader;
	StashFrameProblem problem;

	memcpy(frame, data, len);
	problem = stash_frame_parse(&reader, frame, len);
	n_run++;
	n_problem[problem]++;
	CHECK((problem == STASH_FRAME_FOREIGN) == (len < 4 || memcmp(data, "\xF5S", 2) != 0));
	if (problem == STASH_FRAME_NEWER)
		CHECK(reader.is_checked && data[2] != STASH_FRAME_VERSION);
	if (problem == STASH_FRAME_OK)
	{
		CHECK(reader.is_checked && reader.version == STASH_FRAME_VERSION);
		CHECK(reader.type > frame + STASH_FRAME_FIXED && reader.body >= reader.type + reader.typelen);
		CHECK(reader.body + reader.bodylen == frame + len);
		check_body(&reader);
		check_respelling(&reader, frame, len);
	}
	free(frame);
	return 0;
}

/* ---- the mutator ---- */

typedef struct Part
{
	char		data[MAX_PART];
	Size		len;
	uint64		claimed;		/* the number that stands in the frame */
	int			padding;		/* bytes that this number has too many */
} Part;

/* A frame in parts.  The raw size is what the body claims. */
typedef struct Parts
{
	int			version;
	int			codec_byte;
	Part		type;
	Part		body;
} Parts;

static uint64 dice;

static int
throw_dice(int sides)
{
	return (int) (fuzz_random(&dice) % sides);
}

static void
fill_part(Part *part, const char *data, Size len)
{
	part->len = Min(len, MAX_PART);
	memcpy(part->data, data, part->len);
	part->claimed = part->len;
	part->padding = 0;
}

static bool
has_raw_size(const Parts *parts)
{
	return parts->codec_byte != STASH_CODEC_NONE && (parts->codec_byte & 0x80) == 0;
}

/* Take bytes apart as far as they are a frame, whether or not they are a good one. */
static void
split(Parts *parts, const unsigned char *data, size_t len)
{
	const char *at = (const char *) data + STASH_FRAME_FIXED;
	const char *end = (const char *) data + len;
	uint64		typelen;
	uint64		rawlen;

	parts->version = STASH_FRAME_VERSION;
	parts->codec_byte = STASH_CODEC_NONE;
	fill_part(&parts->type, "\x01\x11", 3); /* bytea */
	if (len <= STASH_FRAME_FIXED)
	{
		fill_part(&parts->body, (const char *) data, len);
		return;
	}
	parts->version = data[2];
	parts->codec_byte = data[3];
	if (!stash_frame_get_varint(&at, end, &typelen))
		at = (const char *) data + STASH_FRAME_FIXED;
	else
	{
		fill_part(&parts->type, at, Min(typelen, (uint64) (end - at)));
		parts->type.claimed = typelen;
		at += parts->type.len;
	}
	rawlen = (uint64) (end - at);
	if (has_raw_size(parts) && !stash_frame_get_varint(&at, end, &rawlen))
		at = end;
	fill_part(&parts->body, at, (Size) (end - at));
	parts->body.claimed = rawlen;
}

static void
put_number(StashSink *sink, const Part *part)
{
	stash_sink_put_varint(sink, part->claimed);
	for (int i = 0; i < part->padding; i++)
	{
		sink->buf[sink->used - 1] |= '\x80';
		stash_sink_put_u8(sink, 0);
	}
}

static size_t
join(const Parts *parts, unsigned char *data, size_t max)
{
	static char room[2 * MAX_PART + 256];
	StashSink	sink = {room, STASH_FRAME_FIXED, sizeof(room), NULL};
	Size		len;

	put_number(&sink, &parts->type);
	stash_sink_put(&sink, parts->type.data, parts->type.len);
	if (has_raw_size(parts))
		put_number(&sink, &parts->body);
	stash_sink_put(&sink, parts->body.data, parts->body.len);
	len = Min(sink.used, max);
	if (len <= STASH_FRAME_FIXED)
		return 0;
	forge(room, len, parts->version, parts->codec_byte);
	memcpy(data, room, len);
	return len;
}

/* Another number than the one that fits, near a limit. */
static void
lie(Part *part, int codec)
{
	static const uint64 limits[] = {
		0, 127, 128, 16383, 16384, 0x3fffffff, UINT64CONST(0xffffffff),
		UINT64CONST(0x7fffffffffffffff), UINT64CONST(0xffffffffffffffff)
	};

	switch (throw_dice(4))
	{
		case 0:
			part->claimed += throw_dice(2) ? 1 : -1;
			break;
		case 1:
			part->claimed = limits[throw_dice(lengthof(limits))] + throw_dice(3) - 1;
			break;
		case 2:
			part->claimed = stash_codec_most(codec, part->len) + throw_dice(3) - 1;
			break;
		case 3:
			part->padding = throw_dice(11);
			break;
	}
}

static void
damage(Part *part)
{
	bool		is_honest = part->claimed == part->len;

	part->len = LLVMFuzzerMutate((unsigned char *) part->data, part->len, MAX_PART / 16);
	if (is_honest && throw_dice(8) != 0)
		part->claimed = part->len;
}

/* Compress a body that is not, and the other way round. */
static void
recode(Parts *parts)
{
	static char room[MAX_PART];
	Part	   *body = &parts->body;
	int			codec = parts->codec_byte & LAST_CODEC;
	Size		len;

	if (codec == STASH_CODEC_NONE)
	{
		codec = 1 + throw_dice(LAST_CODEC);
		if (stash_codec_name(codec) == NULL)
			codec = STASH_CODEC_LZ4;
		len = stash_codec_compress(codec, body->data, body->len, room, sizeof(room));
		if (len == 0)
			return;
		body->claimed = body->len;
		memcpy(body->data, room, len);
		body->len = len;
		parts->codec_byte = codec;
	}
	else if (body->claimed <= sizeof(room) &&
			 stash_codec_decompress(codec, body->data, body->len, room, body->claimed))
	{
		fill_part(body, room, body->claimed);
		parts->codec_byte = STASH_CODEC_NONE;
	}
}

static void
change(Parts *parts)
{
	static const int codec_bytes[] = {0, 1, 2, 3, 15, 0x80, 0x81, 0x10, 0x40};

	switch (throw_dice(13))
	{
		case 0:
			parts->version = throw_dice(2) ? STASH_FRAME_VERSION : throw_dice(256);
			break;
		case 1:
			parts->codec_byte = codec_bytes[throw_dice(lengthof(codec_bytes))];
			break;
		case 2:
			lie(&parts->type, STASH_CODEC_NONE);
			break;
		case 3:
			lie(&parts->body, parts->codec_byte & LAST_CODEC);
			break;
		case 4:
		case 5:
			damage(&parts->type);
			break;
		case 6:
		case 7:
			recode(parts);
			break;
		case 8:
			parts->codec_byte ^= throw_dice(8) << 4;	/* the filter */
			break;
		default:
			damage(&parts->body);
			break;
	}
}

size_t
LLVMFuzzerCustomMutator(unsigned char *data, size_t len, size_t max, unsigned int seed)
{
	static Parts parts;
	size_t		made;

	dice = UINT64CONST(0x9E3779B97F4A7C15) ^ seed;
	if (throw_dice(16) == 0)
		return LLVMFuzzerMutate(data, len, max);	/* and leave the checksum */
	split(&parts, data, len);
	for (int n = 1 + throw_dice(3); n > 0; n--)
		change(&parts);
	made = join(&parts, data, max);
	return made > 0 ? made : LLVMFuzzerMutate(data, len, max);
}

/* ---- start ---- */

static void
report(void)
{
	printf("# %lu frames: %lu good, %lu foreign, %lu newer, %lu damaged; bodies: %lu decompressed, %lu refused; %lu row sets\n",
		   n_run, n_problem[STASH_FRAME_OK], n_problem[STASH_FRAME_FOREIGN], n_problem[STASH_FRAME_NEWER],
		   n_problem[STASH_FRAME_DAMAGED], n_unpacked, n_refused, n_rows);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	atexit(report);
	return 0;
}
