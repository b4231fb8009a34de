/*-------------------------------------------------------------------------
 *
 * arrow_test.c
 *	  What is written is read again, and damaged Arrow data are refused.
 *
 * That others read the same is test/tap/050_arrow.pl's to show.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "arrow_fb.h"
#include "arrow_file.h"
#include "arrow_forge.h"
#include "codec.h"
#include "unit.h"

#define NROWS	4
#define HEADER	8				/* bytes of a message before its metadata */

static const int32 numbers[NROWS] = {1, -2, 0, PG_INT32_MAX};
static const int32 offsets[NROWS + 1] = {0, 2, 2, 3, 40};
static const char words[] = "ab" "c" "0123456789012345678901234567890123456";
static const int32 list_offsets[NROWS + 1] = {0, 1, 1, 1, 2};
static const uint8 not_third[] = {0x0b};
static const uint8 bits[] = {0x05};
static const int32 label_offsets[3] = {0, 3, 5};

/* between data in memory and data that come in pieces */
static int	differences = 0;

static StashArrowField fields[5];

/* A schema of every layout that is written. */
static void
put_schema(StringInfo buf)
{
	static StashArrowField item;
	static StashArrowField member;

	memset(fields, 0, sizeof(fields));
	fields[0].name = "n";
	fields[0].type = STASH_ARROW_INT;
	fields[0].width = 32;
	fields[0].is_signed = true;
	fields[1].name = "t";
	fields[1].type = STASH_ARROW_UTF8;
	fields[1].extension = "arrow.json";
	fields[2].name = "l";
	fields[2].type = STASH_ARROW_LIST;
	fields[2].nchildren = 1;
	fields[2].children = &item;
	item.name = "item";
	item.type = STASH_ARROW_TIMESTAMP;
	item.unit = STASH_ARROW_MICROSECOND;
	item.zone = "UTC";
	fields[3].name = "s";
	fields[3].type = STASH_ARROW_STRUCT;
	fields[3].nchildren = 1;
	fields[3].children = &member;
	member.name = "m";
	member.type = STASH_ARROW_BOOL;
	fields[4].name = "e";
	fields[4].type = STASH_ARROW_UTF8;
	fields[4].has_dictionary = true;
	fields[4].is_ordered = true;
	fields[4].index_width = 32;
	fields[4].index_signed = true;
	fields[4].dictionary = 7;
	stash_arrow_put_schema(buf, lengthof(fields), fields);
}

static void
put_dictionary(StringInfo buf, int codec)
{
	static const StashArrowNode node = {2, 0};
	static const StashArrowBuffer buffers[] = {
		{NULL, 0}, {(const char *) label_offsets, sizeof(label_offsets)}, {"sadok", 5}
	};
	StashArrowBatch batch = {true, 7, 2, codec, 1, &node, lengthof(buffers), buffers};

	stash_arrow_put_batch(buf, &batch);
}

static void
put_rows(StringInfo buf, int codec)
{
	static const int64 times[2] = {0, -1};
	static const int32 indexes[NROWS] = {0, 1, 0, 1};
	static const StashArrowNode nodes[] = {
		{NROWS, 1}, {NROWS, 0}, {NROWS, 0}, {2, 0}, {NROWS, 0}, {NROWS, 0}, {NROWS, 0}
	};
	static const StashArrowBuffer buffers[] = {
		{(const char *) not_third, 1}, {(const char *) numbers, sizeof(numbers)},
		{NULL, 0}, {(const char *) offsets, sizeof(offsets)}, {words, 40},
		{NULL, 0}, {(const char *) list_offsets, sizeof(list_offsets)},
		{NULL, 0}, {(const char *) times, sizeof(times)},
		{NULL, 0},
		{NULL, 0}, {(const char *) bits, 1},
		{NULL, 0}, {(const char *) indexes, sizeof(indexes)}
	};
	StashArrowBatch batch = {false, 0, NROWS, codec, lengthof(nodes), nodes, lengthof(buffers), buffers};

	stash_arrow_put_batch(buf, &batch);
}

static void
make(StringInfo buf, int codec)
{
	initStringInfo(buf);
	put_schema(buf);
	put_dictionary(buf, codec);
	put_rows(buf, codec);
	put_rows(buf, codec);
	stash_arrow_put_end(buf);
}

/* The same as a file. */
static void
make_file(StringInfo buf, int codec)
{
	StashArrowBlocks blocks;
	StringInfoData stream;

	initStringInfo(buf);
	make(&stream, codec);
	stash_arrow_begin_file(&blocks, buf);
	appendBinaryStringInfo(buf, stream.data, stream.len);
	stash_arrow_note_messages(&blocks, buf, STASH_ARROW_FILE_START);
	/* the same fields, whatever they are called there */
	stash_arrow_end_file(&blocks, buf, lengthof(fields), fields);
}

/* Data that come in pieces, each for as long as it may be used. */
typedef struct Pieces
{
	const char *data;
	Size		len;
	Size		last;			/* where the last one began */
	char	   *piece;
	bool		went_back;
} Pieces;

static bool
fetch_piece(void *source, Size at, Size len, const uint8 **data)
{
	Pieces	   *pieces = source;

	free(pieces->piece);
	pieces->piece = NULL;
	pieces->went_back |= at < pieces->last;
	pieces->last = at;
	if (at > pieces->len || len > pieces->len - at)
		return false;
	pieces->piece = unit_copy(pieces->data + at, len);
	*data = (const uint8 *) pieces->piece;
	return true;
}

/* How reading ends, from memory of exactly this size, and in pieces. */
static StashArrowEvent
read_copy(const char *data, Size len)
{
	char	   *copy = unit_copy(data, len);
	bool		is_file = stash_arrow_is_file(copy, len);
	int64		nrows[2];
	uint64		sum[2];
	StashArrowEvent event = forge_read_all(copy, len, &nrows[0], &sum[0]);
	StashArrowEvent second;
	Pieces		pieces = {copy, len};
	StashArrowReader reader;

	/* of a stream nobody knows how long it is */
	second = stash_arrow_open_source(&reader, fetch_piece, &pieces,
									 is_file ? len : SIZE_MAX);
	second = forge_read_rest(&reader, second, &nrows[1], &sum[1]);
	if (event != second || nrows[0] != nrows[1] || sum[0] != sum[1])
		differences++;
	if (pieces.went_back && !is_file)
		differences++;
	free(pieces.piece);
	free(copy);
	return event;
}

static void
test_schema(void (*make_it) (StringInfo buf, int codec))
{
	StringInfoData buf;
	StashArrowReader reader;
	const StashArrowField *found;

	make_it(&buf, STASH_CODEC_NONE);
	CHECK(stash_arrow_open(&reader, buf.data, buf.len) == STASH_ARROW_ROWS);
	found = reader.fields;
	CHECK(reader.nfields == 5 && strcmp(found[0].name, "n") == 0 && strcmp(found[4].name, "e") == 0);
	CHECK(found[0].type == STASH_ARROW_INT && found[0].width == 32 && found[0].is_signed);
	CHECK(found[2].type == STASH_ARROW_LIST && found[2].children[0].unit == STASH_ARROW_MICROSECOND);
	CHECK(strcmp(found[2].children[0].zone, "UTC") == 0);
	CHECK(found[3].nchildren == 1 && found[3].children[0].type == STASH_ARROW_BOOL);
	CHECK(found[4].has_dictionary && found[4].dictionary == 7 && found[4].is_ordered && found[4].index_width == 32);
}

static void
test_values(void (*make_it) (StringInfo buf, int codec), int codec)
{
	StringInfoData buf;
	StashArrowReader reader;
	int64		first;
	Size		len;

	make_it(&buf, codec);
	CHECK(stash_arrow_open(&reader, buf.data, buf.len) == STASH_ARROW_ROWS);
	CHECK(stash_arrow_next(&reader) == STASH_ARROW_VALUES);
	CHECK(reader.dictionary == 7 && reader.nrows == 2 && !reader.is_delta);
	CHECK(memcmp(stash_arrow_get_bytes(&reader.arrays[0], 1, &len), "ok", 2) == 0 && len == 2);
	CHECK(stash_arrow_next(&reader) == STASH_ARROW_ROWS);
	CHECK(reader.nrows == NROWS);
	CHECK(stash_arrow_get_int(&reader.arrays[0], 1) == -2 && stash_arrow_get_int(&reader.arrays[0], 3) == PG_INT32_MAX);
	CHECK(!stash_arrow_is_null(&reader.arrays[0], 1) && stash_arrow_is_null(&reader.arrays[0], 2));
	CHECK(memcmp(stash_arrow_get_bytes(&reader.arrays[1], 3, &len), words + 3, 37) == 0 && len == 37);
	stash_arrow_get_bytes(&reader.arrays[1], 1, &len);
	CHECK(len == 0);
	CHECK(stash_arrow_get_list(&reader.arrays[2], 3, &first) == 1 && first == 1);
	CHECK(stash_arrow_get_int(&reader.arrays[2].children[0], 1) == -1);
	CHECK(stash_arrow_get_list(&reader.arrays[2], 1, &first) == 0);
	CHECK(stash_arrow_get_int(&reader.arrays[4], 3) == 1);
	CHECK(stash_arrow_next(&reader) == STASH_ARROW_ROWS);
	CHECK(stash_arrow_next(&reader) == STASH_ARROW_END);
}

/* Cut anywhere, it is never taken for whole, not even between two messages. */
static void
test_cuts(void (*make_it) (StringInfo buf, int codec), int codec)
{
	StringInfoData buf;
	int			wrong = 0;

	make_it(&buf, codec);
	for (int len = 0; len < buf.len; len++)
		wrong += read_copy(buf.data, len) != STASH_ARROW_DAMAGED;
	CHECK(wrong == 0);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_END);
	appendStringInfoChar(&buf, '\0');
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_DAMAGED);
}

/* Whatever a byte is changed to, nothing is read outside. */
static void
test_changes(void (*make_it) (StringInfo buf, int codec), int codec)
{
	StringInfoData buf;
	int			refused = 0;

	make_it(&buf, codec);
	for (int at = 0; at < buf.len; at++)
	{
		for (int bit = 0; bit < 9; bit++)
		{
			uint8		mask = bit == 8 ? 0xff : 1 << bit;

			buf.data[at] ^= mask;
			refused += read_copy(buf.data, buf.len) != STASH_ARROW_END;
			buf.data[at] ^= mask;
		}
	}
	CHECK(refused > buf.len);
}

/* Lengths came without a mark before them until 2019. */
static void
test_old_framing(void)
{
	StringInfoData buf;
	StringInfoData old;
	int			at = 0;

	make(&buf, STASH_CODEC_NONE);
	initStringInfo(&old);
	while (at < buf.len)
	{
		StashFb		fb;
		int			len = (int) stash_fb_load((uint8 *) buf.data + at + 4, 4);

		appendBinaryStringInfo(&old, buf.data + at + 4, 4);
		at += HEADER;
		fb.data = (uint8 *) buf.data + at;
		fb.len = len;
		fb.failed = false;
		if (len > 0)
			len += (int) stash_fb_number(&fb, stash_fb_root(&fb), 3, 8, 0);
		appendBinaryStringInfo(&old, buf.data + at, len);
		at += len;
	}
	CHECK(read_copy(old.data, old.len) == STASH_ARROW_END);
}

/* A dictionary that no column has, rows without a schema. */
static void
test_order(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	put_rows(&buf, STASH_CODEC_NONE);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_DAMAGED);
	resetStringInfo(&buf);
	stash_arrow_put_end(&buf);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_DAMAGED);
	resetStringInfo(&buf);
	put_schema(&buf);
	put_schema(&buf);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_DAMAGED);
}

/*
 * Fields may be shared in a flatbuffer: two children that are both the same
 * one, to a depth of forty, are a schema of a few hundred bytes and 2^40
 * fields.
 */
static void
test_shared_fields(void)
{
	static const uint8 message_sizes[] = {2, 1, 4, 8};
	static const uint8 schema_sizes[] = {2, 4};
	static const uint8 field_sizes[] = {0, 0, 1, 0, 0, 4};
	StringInfoData buf;
	int			at[lengthof(field_sizes)];
	int			refs[2];

	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, "\xff\xff\xff\xff\0\0\0\0", HEADER);
	stash_fb_put_table(&buf, stash_fb_put_root(&buf), lengthof(message_sizes), message_sizes, at);
	stash_fb_set(&buf, at[0], 2, 4);
	stash_fb_set(&buf, at[1], 1, 1);
	stash_fb_put_table(&buf, at[2], lengthof(schema_sizes), schema_sizes, at);
	refs[0] = stash_fb_put_vector(&buf, at[1], 1, 4);
	refs[1] = -1;
	for (int depth = 0; depth < 40; depth++)
	{
		stash_fb_put_table(&buf, refs[0], lengthof(field_sizes), field_sizes, at);
		if (refs[1] >= 0)
			stash_fb_set(&buf, refs[1], 4, stash_fb_load((uint8 *) buf.data + refs[0], 4) - 4);
		stash_fb_set(&buf, at[2], 1, STASH_ARROW_STRUCT);
		refs[0] = stash_fb_put_vector(&buf, at[5], 2, 4);
		refs[1] = refs[0] + 4;
	}
	stash_fb_put_table(&buf, refs[0], lengthof(field_sizes), field_sizes, at);
	stash_fb_set(&buf, refs[1], 4, stash_fb_load((uint8 *) buf.data + refs[0], 4) - 4);
	stash_fb_set(&buf, at[2], 1, STASH_ARROW_BOOL);
	stash_fb_pad(&buf, 8);
	stash_fb_set(&buf, 4, 4, buf.len - HEADER);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_UNSUPPORTED);
}

/* A batch of one column of views, which is not what we write; 'block' is what the long one claims. */
static void
put_views(StringInfo buf, int block, int offset, int size)
{
	static const uint8 message_sizes[] = {2, 1, 4, 8};
	static const uint8 batch_sizes[] = {8, 4, 4, 0, 4};
	static const int lens[] = {0, 3 * 16, 20};
	StashArrowField field = {.name = "v",.type = STASH_ARROW_UTF8_VIEW};
	int			message[lengthof(message_sizes)];
	int			batch[lengthof(batch_sizes)];
	int			start;
	int			at;
	int			body = 0;

	initStringInfo(buf);
	stash_arrow_put_schema(buf, 1, &field);
	start = buf->len;
	appendBinaryStringInfo(buf, "\xff\xff\xff\xff\0\0\0\0", HEADER);
	stash_fb_put_table(buf, stash_fb_put_root(buf), lengthof(message_sizes), message_sizes, message);
	stash_fb_set(buf, message[0], 2, 4);
	stash_fb_set(buf, message[1], 1, 3);
	stash_fb_put_table(buf, message[2], lengthof(batch_sizes), batch_sizes, batch);
	stash_fb_set(buf, batch[0], 8, 3);
	stash_fb_set(buf, stash_fb_put_vector(buf, batch[1], 1, 16), 8, 3);
	at = stash_fb_put_vector(buf, batch[2], lengthof(lens), 16);
	for (int i = 0; i < lengthof(lens); i++)
	{
		stash_fb_set(buf, at + 16 * i, 8, body);
		stash_fb_set(buf, at + 16 * i + 8, 8, lens[i]);
		body += lens[i];
	}
	stash_fb_set(buf, stash_fb_put_vector(buf, batch[4], 1, 8), 8, 1);
	stash_fb_pad(buf, 8);
	stash_fb_set(buf, start + 4, 4, buf->len - start - HEADER);
	stash_fb_set(buf, message[3], 8, 72);

	/* three views: inline, of the block, empty; then the block, padded */
	at = buf->len;
	appendBinaryStringInfo(buf, "\5\0\0\0short\0\0\0\0\0\0\0", 16);
	appendBinaryStringInfo(buf, "\0\0\0\0more", 8);
	stash_fb_set(buf, at + 16, 4, size);
	appendBinaryStringInfo(buf, "\0\0\0\0\0\0\0\0", 8);
	stash_fb_set(buf, at + 24, 4, block);
	stash_fb_set(buf, at + 28, 4, offset);
	appendBinaryStringInfo(buf, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	appendBinaryStringInfo(buf, "ab" "more than twelve ch" "\0\0\0", 24);
	stash_arrow_put_end(buf);
}

static void
test_views(void)
{
	StringInfoData buf;
	StashArrowReader reader;
	Size		len;

	put_views(&buf, 0, 2, 18);
	CHECK(stash_arrow_open(&reader, buf.data, buf.len) == STASH_ARROW_ROWS);
	CHECK(stash_arrow_next(&reader) == STASH_ARROW_ROWS && reader.nrows == 3);
	CHECK(memcmp(stash_arrow_get_bytes(&reader.arrays[0], 0, &len), "short", 5) == 0 && len == 5);
	CHECK(memcmp(stash_arrow_get_bytes(&reader.arrays[0], 1, &len), "more than twelve c", 18) == 0 && len == 18);
	stash_arrow_get_bytes(&reader.arrays[0], 2, &len);
	CHECK(len == 0);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_END);
	/* past the block, before it, in one that is not there, of no length */
	put_views(&buf, 0, 2, 19);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_DAMAGED);
	put_views(&buf, 0, -1, 18);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_DAMAGED);
	put_views(&buf, 1, 0, 18);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_DAMAGED);
	put_views(&buf, -1, 0, 18);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_DAMAGED);
	put_views(&buf, 0, 2, -1);
	CHECK(read_copy(buf.data, buf.len) == STASH_ARROW_DAMAGED);
}

int
main(void)
{
	test_schema(make);
	test_schema(make_file);
	for (int codec = STASH_CODEC_NONE; stash_codec_name(codec) != NULL; codec++)
	{
		test_values(make, codec);
		test_values(make_file, codec);
		test_cuts(make, codec);
		test_cuts(make_file, codec);
		test_changes(make, codec);
		test_changes(make_file, codec);
	}
	test_old_framing();
	test_order();
	test_shared_fields();
	test_views();
	CHECK(differences == 0);
	return unit_report();
}
