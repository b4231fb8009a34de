/*-------------------------------------------------------------------------
 *
 * arrow.c
 *	  The messages of an Arrow IPC stream, appended to a StringInfo.
 *
 * Nothing but what an export needs: no delta dictionaries, no big-endian
 * bodies.  A message must begin at a multiple of 8 of the buffer.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "arrow.h"
#include "arrow_fb.h"
#include "codec.h"

#define CONTINUATION		(-1)
#define LITTLE_ENDIAN_BODY	0
#define NODE_SIZE			16
#define BUFFER_SIZE			16
#define NOT_COMPRESSED		(-1)	/* in the place of a buffer's raw size */
#define BODY_LENGTH			3	/* field of a message */

/* The table of a type, if it has fields. */
static void
put_type(StringInfo buf, int ref, const StashArrowField *field)
{
	uint8		sizes[3] = {0, 0, 0};
	int			at[3];
	int			n = 0;

	switch (field->type)
	{
		case STASH_ARROW_INT:
			sizes[0] = 4;
			sizes[1] = 1;
			n = 2;
			break;
		case STASH_ARROW_DECIMAL:
			sizes[0] = sizes[1] = sizes[2] = 4;
			n = 3;
			break;
		case STASH_ARROW_TIME:
			sizes[0] = 2;
			sizes[1] = 4;
			n = 2;
			break;
		case STASH_ARROW_TIMESTAMP:
			sizes[0] = 2;
			sizes[1] = field->zone != NULL ? 4 : 0;
			n = 2;
			break;
		case STASH_ARROW_FLOAT:
		case STASH_ARROW_DATE:
		case STASH_ARROW_INTERVAL:
			sizes[0] = 2;
			n = 1;
			break;
		case STASH_ARROW_FIXED_BINARY:
			sizes[0] = 4;
			n = 1;
			break;
		default:
			break;
	}
	stash_fb_put_table(buf, ref, n, sizes, at);

	if (field->type == STASH_ARROW_INT)
	{
		stash_fb_set(buf, at[0], 4, field->width);
		stash_fb_set(buf, at[1], 1, field->is_signed);
	}
	else if (field->type == STASH_ARROW_DECIMAL)
	{
		stash_fb_set(buf, at[0], 4, field->precision);
		stash_fb_set(buf, at[1], 4, field->scale);
		stash_fb_set(buf, at[2], 4, field->width);
	}
	else if (field->type == STASH_ARROW_FIXED_BINARY)
		stash_fb_set(buf, at[0], 4, field->width);
	else if (n > 0)
		stash_fb_set(buf, at[0], 2, field->unit);
	if (field->type == STASH_ARROW_TIME)
		stash_fb_set(buf, at[1], 4, field->width);
	if (field->type == STASH_ARROW_TIMESTAMP && field->zone != NULL)
		stash_fb_put_string(buf, at[1], field->zone);
}

/* How a field's dictionary is referred to. */
static void
put_dictionary(StringInfo buf, int ref, const StashArrowField *field)
{
	static const uint8 sizes[] = {8, 4, 1};
	StashArrowField index = {.type = STASH_ARROW_INT};
	int			at[3];

	index.width = field->index_width;
	index.is_signed = field->index_signed;
	stash_fb_put_table(buf, ref, lengthof(sizes), sizes, at);
	stash_fb_set(buf, at[0], 8, field->dictionary);
	stash_fb_set(buf, at[2], 1, field->is_ordered);
	put_type(buf, at[1], &index);
}

/* What tells readers that a type is more than its bytes. */
static void
put_extension(StringInfo buf, int ref, const char *name)
{
	static const uint8 sizes[] = {4, 4};
	const char *const pairs[][2] = {
		{"ARROW:extension:name", name},
		{"ARROW:extension:metadata", ""},
	};
	int			element = stash_fb_put_vector(buf, ref, lengthof(pairs), 4);

	for (int i = 0; i < lengthof(pairs); i++)
	{
		int			at[2];

		stash_fb_put_table(buf, element + 4 * i, lengthof(sizes), sizes, at);
		stash_fb_put_string(buf, at[0], pairs[i][0]);
		stash_fb_put_string(buf, at[1], pairs[i][1]);
	}
}

/* A vector of fields; as deep as types are nested. */
static void
put_fields(StringInfo buf, int ref, int nfields, const StashArrowField *fields)
{
	int			element = stash_fb_put_vector(buf, ref, nfields, 4);

	for (int i = 0; i < nfields; i++)
	{
		const StashArrowField *field = &fields[i];
		uint8		sizes[] = {4, 1, 1, 4, 0, 4, 0};
		int			at[lengthof(sizes)];

		if (field->has_dictionary)
			sizes[4] = 4;
		if (field->extension != NULL)
			sizes[6] = 4;
		stash_fb_put_table(buf, element + 4 * i, lengthof(sizes), sizes, at);
		stash_fb_put_string(buf, at[0], field->name);
		stash_fb_set(buf, at[1], 1, true);
		stash_fb_set(buf, at[2], 1, field->type);
		put_type(buf, at[3], field);
		if (field->has_dictionary)
			put_dictionary(buf, at[4], field);
		put_fields(buf, at[5], field->nchildren, field->children);
		if (field->extension != NULL)
			put_extension(buf, at[6], field->extension);
	}
}

/* Begin a message; the result is where it begins, 'at' its table's fields. */
static int
start_message(StringInfo buf, int header, int *at)
{
	static const uint8 sizes[] = {2, 1, 4, 8};
	int			start = buf->len;

	Assert(start % 8 == 0);
	enlargeStringInfo(buf, 8);
	buf->len += 8;
	stash_fb_set(buf, start, 4, CONTINUATION);
	stash_fb_put_table(buf, stash_fb_put_root(buf), lengthof(sizes), sizes, at);
	stash_fb_set(buf, at[0], 2, STASH_ARROW_VERSION);
	stash_fb_set(buf, at[1], 1, header);
	return start;
}

/* End the metadata of a message. */
static void
end_metadata(StringInfo buf, int start)
{
	stash_fb_pad(buf, 8);
	stash_fb_set(buf, start + 4, 4, buf->len - start - 8);
}

/*
 * Append the table that describes the columns, referred to at 'ref'.
 */
void
stash_arrow_put_schema_table(StringInfo buf, int ref, int nfields,
							 const StashArrowField *fields)
{
	static const uint8 sizes[] = {2, 4};
	int			schema[2];

	stash_fb_put_table(buf, ref, lengthof(sizes), sizes, schema);
	stash_fb_set(buf, schema[0], 2, LITTLE_ENDIAN_BODY);
	put_fields(buf, schema[1], nfields, fields);
}

/*
 * Append the message that describes the columns.
 */
void
stash_arrow_put_schema(StringInfo buf, int nfields, const StashArrowField *fields)
{
	int			message[4];
	int			start = start_message(buf, STASH_ARROW_HEADER_SCHEMA, message);

	stash_arrow_put_schema_table(buf, message[2], nfields, fields);
	end_metadata(buf, start);
}

/* Append a buffer to the body, compressed if that makes it shorter. */
static void
put_buffer(StringInfo buf, const StashArrowBuffer *buffer, int codec)
{
	int			start = buf->len;
	Size		room = stash_codec_buffer_room(buffer->len);
	Size		packed = 0;

	if (buffer->len == 0)
		return;
	if (codec != STASH_CODEC_NONE)
	{
		enlargeStringInfo(buf, (int) room + 8);
		buf->len += 8;
		packed = stash_codec_pack_buffer(codec, buffer->data, buffer->len,
										 buf->data + buf->len, room);
		if (packed >= buffer->len)
			packed = 0;
		stash_fb_set(buf, start, 8, packed > 0 ? buffer->len : NOT_COMPRESSED);
		buf->len += packed;
	}
	if (packed == 0)
	{
		enlargeStringInfo(buf, buffer->len);
		memcpy(buf->data + buf->len, buffer->data, buffer->len);
		buf->len += buffer->len;
	}
}

/* The table of a record batch; the result is where its buffers are listed. */
static int
put_batch_table(StringInfo buf, int ref, const StashArrowBatch *batch)
{
	static const uint8 compression_sizes[] = {1, 1};
	uint8		sizes[] = {8, 4, 4, 0};
	int			at[lengthof(sizes)];
	int			compression[2];
	int			node;
	int			buffers;

	if (batch->codec != STASH_CODEC_NONE)
		sizes[3] = 4;
	stash_fb_put_table(buf, ref, lengthof(sizes), sizes, at);
	stash_fb_set(buf, at[0], 8, batch->nrows);
	node = stash_fb_put_vector(buf, at[1], batch->nnodes, NODE_SIZE);
	for (int i = 0; i < batch->nnodes; i++)
	{
		stash_fb_set(buf, node + NODE_SIZE * i, 8, batch->nodes[i].length);
		stash_fb_set(buf, node + NODE_SIZE * i + 8, 8, batch->nodes[i].nulls);
	}
	buffers = stash_fb_put_vector(buf, at[2], batch->nbuffers, BUFFER_SIZE);
	if (batch->codec != STASH_CODEC_NONE)
	{
		stash_fb_put_table(buf, at[3], lengthof(compression_sizes),
						   compression_sizes, compression);
		stash_fb_set(buf, compression[0], 1,
					 batch->codec == STASH_CODEC_LZ4 ? 0 : 1);
	}
	return buffers;
}

/*
 * Append a batch of rows, or the values of a dictionary.
 */
void
stash_arrow_put_batch(StringInfo buf, const StashArrowBatch *batch)
{
	static const uint8 dictionary_sizes[] = {8, 4};
	int			message[4];
	int			dictionary[2];
	int			buffers;
	int			body;
	int			start = start_message(buf, batch->is_dictionary ?
									  STASH_ARROW_HEADER_DICTIONARY : STASH_ARROW_HEADER_BATCH, message);
	int			ref = message[2];

	if (batch->is_dictionary)
	{
		stash_fb_put_table(buf, ref, lengthof(dictionary_sizes),
						   dictionary_sizes, dictionary);
		stash_fb_set(buf, dictionary[0], 8, batch->dictionary);
		ref = dictionary[1];
	}
	buffers = put_batch_table(buf, ref, batch);
	end_metadata(buf, start);

	body = buf->len;
	for (int i = 0; i < batch->nbuffers; i++)
	{
		int			from = buf->len;

		put_buffer(buf, &batch->buffers[i], batch->codec);
		stash_fb_set(buf, buffers + BUFFER_SIZE * i, 8, from - body);
		stash_fb_set(buf, buffers + BUFFER_SIZE * i + 8, 8, buf->len - from);
		stash_fb_pad(buf, 8);
	}
	stash_fb_set(buf, message[BODY_LENGTH], 8, buf->len - body);
}

/*
 * Append the mark of the stream's end.
 */
void
stash_arrow_put_end(StringInfo buf)
{
	int			start = buf->len;

	enlargeStringInfo(buf, 8);
	buf->len += 8;
	stash_fb_set(buf, start, 4, CONTINUATION);
	stash_fb_set(buf, start + 4, 4, 0);
}
