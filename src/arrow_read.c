/*-------------------------------------------------------------------------
 *
 * arrow_read.c
 *	  Arrow IPC streams and files as arrays, whoever wrote them.
 *
 * Nothing is believed: what a message says is checked against the bytes that
 * are there before anybody can use it.  Nothing is read outside of them, no
 * more than the bytes can stand for is allocated, and no walk is longer than
 * the schema, whose size is bounded.  Values are not looked at, but for the
 * offsets of texts, lists and views.
 *
 * A stream must have its end mark: without it nobody could know whether rows
 * are missing.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "arrow_array.h"
#include "arrow_fb.h"
#include "arrow_read.h"
#include "codec.h"

#define FILE_END			10	/* bytes of the footer's length and the magic */
#define OLDEST_VERSION		3	/* V4 of the metadata */
#define NEWEST_VERSION		4
#define NODE_SIZE			16
#define BUFFER_SIZE			16
#define MAX_ROWS			PG_INT32_MAX	/* of a batch */
#define MAX_RAW				((Size) 0x3fff0000) /* bytes of one buffer, below
												 * 1 GB */

/* A message, taken apart. */
typedef struct Message
{
	StashFb		fb;
	uint32		table;
	int			header;
	const uint8 *body;
	Size		body_len;
} Message;

/* A batch, while its arrays are made. */
typedef struct Batch
{
	StashArrowReader *reader;
	Message    *message;
	StashFbVector nodes;
	StashFbVector buffers;
	StashFbVector variadic;
	uint32		node;			/* the next one of each */
	uint32		buffer;
	uint32		block_count;
	int			codec;			/* STASH_CODEC_* */
	Size		packed;			/* bytes that were decompressed so far */
} Batch;

static StashArrowEvent
fail(StashArrowReader *reader, StashArrowEvent event, const char *problem)
{
	reader->problem = problem;
	return event;
}

#define DAMAGED(reader, problem) fail(reader, STASH_ARROW_DAMAGED, problem)
#define UNSUPPORTED(reader, problem) fail(reader, STASH_ARROW_UNSUPPORTED, problem)

/* ---- schema ---- */

/* One parameter of a type, by the field of its table. */
static int
get_parameter(Message *message, uint32 type, int field, int size, int absent)
{
	return (int) stash_fb_number(&message->fb, type, field, size, absent);
}

/*
 * Read the parameters of a type, and say whether we know what they mean.
 */
static StashArrowEvent
read_type(StashArrowReader *reader, Message *message, StashArrowField *field,
		  uint32 type)
{
	bool		is_known = true;

	switch (field->type)
	{
		case STASH_ARROW_INT:
			field->width = get_parameter(message, type, 0, 4, 0);
			field->is_signed = get_parameter(message, type, 1, 1, 0) != 0;
			is_known = field->width == 8 || field->width == 16 ||
				field->width == 32 || field->width == 64;
			break;
		case STASH_ARROW_FLOAT:
			field->unit = get_parameter(message, type, 0, 2, STASH_ARROW_HALF);
			is_known = field->unit >= STASH_ARROW_HALF && field->unit <= STASH_ARROW_DOUBLE;
			break;
		case STASH_ARROW_DECIMAL:
			field->precision = get_parameter(message, type, 0, 4, 0);
			field->scale = get_parameter(message, type, 1, 4, 0);
			field->width = get_parameter(message, type, 2, 4, 128);
			is_known = (field->width == 32 || field->width == 64 ||
						field->width == 128 || field->width == 256) &&
				field->scale >= -1000 && field->scale <= 1000;
			break;
		case STASH_ARROW_DATE:
			field->unit = get_parameter(message, type, 0, 2, STASH_ARROW_MILLISECOND);
			is_known = field->unit == STASH_ARROW_DAY || field->unit == STASH_ARROW_MILLISECOND;
			break;
		case STASH_ARROW_TIME:
			field->unit = get_parameter(message, type, 0, 2, STASH_ARROW_MILLISECOND);
			field->width = get_parameter(message, type, 1, 4, 32);
			is_known = field->unit >= STASH_ARROW_SECOND && field->unit <= STASH_ARROW_NANOSECOND &&
				field->width == (field->unit <= STASH_ARROW_MILLISECOND ? 32 : 64);
			break;
		case STASH_ARROW_TIMESTAMP:
			field->zone = stash_fb_string(&message->fb, type, 1);
			field->unit = get_parameter(message, type, 0, 2, STASH_ARROW_SECOND);
			is_known = field->unit >= STASH_ARROW_SECOND && field->unit <= STASH_ARROW_NANOSECOND;
			break;
		case STASH_ARROW_DURATION:
			field->unit = get_parameter(message, type, 0, 2, STASH_ARROW_MILLISECOND);
			is_known = field->unit >= STASH_ARROW_SECOND && field->unit <= STASH_ARROW_NANOSECOND;
			break;
		case STASH_ARROW_INTERVAL:
			field->unit = get_parameter(message, type, 0, 2, STASH_ARROW_YEAR_MONTH);
			is_known = field->unit >= STASH_ARROW_YEAR_MONTH && field->unit <= STASH_ARROW_MONTH_DAY_NANO;
			break;
		case STASH_ARROW_FIXED_BINARY:
		case STASH_ARROW_FIXED_LIST:
			field->width = get_parameter(message, type, 0, 4, 0);
			is_known = field->width >= 0;
			break;
		case STASH_ARROW_NULL:
		case STASH_ARROW_BOOL:
		case STASH_ARROW_BINARY:
		case STASH_ARROW_UTF8:
		case STASH_ARROW_LARGE_BINARY:
		case STASH_ARROW_LARGE_UTF8:
		case STASH_ARROW_BINARY_VIEW:
		case STASH_ARROW_UTF8_VIEW:
		case STASH_ARROW_LIST:
		case STASH_ARROW_LARGE_LIST:
		case STASH_ARROW_MAP:
		case STASH_ARROW_STRUCT:
			break;
		default:
			is_known = false;
			break;
	}
	if (!is_known)
		return UNSUPPORTED(reader, "a column has a type that is not read");
	return STASH_ARROW_ROWS;
}

/* Read the reference to a dictionary, if there is one. */
static StashArrowEvent
read_dictionary_encoding(StashArrowReader *reader, Message *message,
						 StashArrowField *field, uint32 table)
{
	uint32		encoding = stash_fb_table(&message->fb, table, 4);
	uint32		index;

	if (encoding == 0)
		return STASH_ARROW_ROWS;
	index = stash_fb_table(&message->fb, encoding, 1);
	field->has_dictionary = true;
	field->dictionary = stash_fb_number(&message->fb, encoding, 0, 8, 0);
	field->is_ordered = stash_fb_number(&message->fb, encoding, 2, 1, 0) != 0;
	field->index_width = index == 0 ? 32 : get_parameter(message, index, 0, 4, 0);
	field->index_signed = index == 0 || get_parameter(message, index, 1, 1, 0) != 0;
	if (field->index_width != 8 && field->index_width != 16 &&
		field->index_width != 32 && field->index_width != 64)
		return UNSUPPORTED(reader, "a dictionary has indexes that are not read");
	return STASH_ARROW_ROWS;
}

static bool
has_right_children(const StashArrowField *field)
{
	switch (field->type)
	{
		case STASH_ARROW_LIST:
		case STASH_ARROW_LARGE_LIST:
		case STASH_ARROW_FIXED_LIST:
		case STASH_ARROW_MAP:
			return field->nchildren == 1;
		case STASH_ARROW_STRUCT:
			return true;
		default:
			return field->nchildren == 0;
	}
}

/*
 * Read a vector of fields.  'left' is how many more a schema may have.
 */
static StashArrowEvent
read_fields(StashArrowReader *reader, Message *message, StashFbVector vector,
			int depth, int *left, StashArrowField **result)
{
	StashArrowField *fields;

	if (depth > STASH_ARROW_MAX_DEPTH || vector.n > *left)
		return UNSUPPORTED(reader, "the schema has too many fields");
	*left -= vector.n;
	fields = palloc0(Max(vector.n, 1) * sizeof(StashArrowField));
	*result = fields;

	for (uint32 i = 0; i < vector.n; i++)
	{
		StashArrowField *field = &fields[i];
		uint32		table = stash_fb_element(&message->fb, vector, i);
		StashFbVector children = stash_fb_vector(&message->fb, table, 5, 4);
		StashArrowEvent event;

		if (table == 0)
			return DAMAGED(reader, "the schema is damaged");
		field->name = stash_fb_string(&message->fb, table, 0);
		if (field->name == NULL)
			field->name = "";
		field->type = (StashArrowType) (uint8) stash_fb_number(&message->fb, table, 2, 1, 0);
		event = read_type(reader, message, field,
						  stash_fb_table(&message->fb, table, 3));
		if (event == STASH_ARROW_ROWS)
			event = read_dictionary_encoding(reader, message, field, table);
		field->nchildren = children.n;
		if (event == STASH_ARROW_ROWS)
			event = read_fields(reader, message, children, depth + 1, left,
								&field->children);
		if (event != STASH_ARROW_ROWS)
			return event;
		if (message->fb.failed || !has_right_children(field))
			return DAMAGED(reader, "the schema is damaged");
	}
	return STASH_ARROW_ROWS;
}

static StashArrowEvent
read_schema(StashArrowReader *reader, Message *message, uint32 schema)
{
	StashFbVector vector = stash_fb_vector(&message->fb, schema, 1, 4);
	int			left = STASH_ARROW_MAX_FIELDS;
	StashArrowEvent event;

	if (schema == 0 || message->fb.failed)
		return DAMAGED(reader, "the schema is damaged");
	if (stash_fb_number(&message->fb, schema, 0, 2, 0) != 0)
		return UNSUPPORTED(reader, "the data are big-endian");
	event = read_fields(reader, message, vector, 1, &left, &reader->fields);
	reader->nfields = vector.n;
	return event;
}

/* ---- messages ---- */

/*
 * Let 'data' be 'len' bytes at 'at', until others are asked for; false if the
 * data end before, or at 'end'.
 */
static bool
get_bytes(StashArrowReader *reader, Size at, Size end, Size len,
		  const uint8 **data)
{
	if (at > end || len > end - at)
		return false;
	if (reader->fetch != NULL)
		return reader->fetch(reader->source, at, len, data);
	*data = reader->data + at;
	return true;
}

/*
 * Take the message at 'at' apart, which ends before 'end'; 'next' gets where
 * it does.  STASH_ARROW_END for the end mark.
 */
static StashArrowEvent
read_message(StashArrowReader *reader, Size at, Size end, Message *message,
			 Size *next)
{
	const uint8 *data;
	Size		prefix = 4;
	int64		len;
	int64		body;
	int64		version;

	reader->at = at;
	if (!get_bytes(reader, at, end, prefix, &data))
		return DAMAGED(reader, get_bytes(reader, at, end, 1, &data) ?
					   "it ends within a message" :
					   "it ends without its end mark");
	len = stash_fb_load(data, 4);
	/* before 2019 the length came first */
	if (len == -1)
	{
		prefix = 8;
		if (!get_bytes(reader, at, end, prefix, &data))
			return DAMAGED(reader, "it ends within a message");
		len = stash_fb_load(data + 4, 4);
	}
	*next = at + prefix;
	if (len == 0)
		return STASH_ARROW_END;
	if (len < 0 || !get_bytes(reader, at, end, prefix + len, &data))
		return DAMAGED(reader, len < 0 ? "a message has no length" :
					   "it ends within a message");

	message->fb.data = data + prefix;
	message->fb.len = (uint32) len;
	message->fb.failed = false;
	message->table = stash_fb_root(&message->fb);
	version = stash_fb_number(&message->fb, message->table, 0, 2, 0);
	message->header = (int) stash_fb_number(&message->fb, message->table, 1, 1, 0);
	body = stash_fb_number(&message->fb, message->table, 3, 8, 0);
	if (message->table == 0 || message->fb.failed)
		return DAMAGED(reader, "the metadata of a message are damaged");
	if (version < OLDEST_VERSION || version > NEWEST_VERSION)
		return UNSUPPORTED(reader, "a message is of another version of the format");
	prefix += len;
	if (body < 0 || body > PG_INT64_MAX - prefix ||
		!get_bytes(reader, at, end, prefix + (Size) body, &data))
		return DAMAGED(reader, body < 0 ? "a message has no length" :
					   "it ends within a message");
	message->fb.data = data + prefix - len;
	message->body = data + prefix;
	message->body_len = (Size) body;
	*next = at + prefix + (Size) body;
	return STASH_ARROW_ROWS;
}

/*
 * Read a file's footer.
 */
static StashArrowEvent
open_file(StashArrowReader *reader)
{
	Message		footer = {{0}};
	int64		len;
	StashFbVector dictionaries;
	StashFbVector batches;
	StashArrowEvent event;
	const uint8 *data;
	uint8	   *blocks;

	reader->is_file = true;
	reader->at = reader->len;
	if (reader->len < STASH_ARROW_FILE_START + FILE_END ||
		!get_bytes(reader, reader->len - FILE_END, reader->len, FILE_END, &data) ||
		memcmp(data + FILE_END - STASH_ARROW_MAGIC_SIZE, STASH_ARROW_MAGIC,
			   STASH_ARROW_MAGIC_SIZE) != 0)
		return DAMAGED(reader, "the file ends without its footer");
	len = stash_fb_load(data, 4);
	if (len <= 0 || len > reader->len - STASH_ARROW_FILE_START - FILE_END)
		return DAMAGED(reader, "the footer of the file is damaged");
	reader->body_end = reader->len - FILE_END - (Size) len;
	reader->at = reader->body_end;

	if (!get_bytes(reader, reader->body_end, reader->len, (Size) len, &data))
		return DAMAGED(reader, "the file ends without its footer");
	footer.fb.data = data;
	footer.fb.len = (uint32) len;
	footer.table = stash_fb_root(&footer.fb);
	dictionaries = stash_fb_vector(&footer.fb, footer.table, 2, STASH_ARROW_BLOCK_SIZE);
	batches = stash_fb_vector(&footer.fb, footer.table, 3, STASH_ARROW_BLOCK_SIZE);
	event = read_schema(reader, &footer, stash_fb_table(&footer.fb, footer.table, 1));
	if (event != STASH_ARROW_ROWS)
		return event;
	if (footer.fb.failed)
		return DAMAGED(reader, "the footer of the file is damaged");

	reader->ndictionaries = dictionaries.n;
	reader->nblocks = (Size) dictionaries.n + batches.n;
	blocks = palloc(reader->nblocks * STASH_ARROW_BLOCK_SIZE + 1);
	memcpy(blocks, footer.fb.data + dictionaries.at, dictionaries.n * STASH_ARROW_BLOCK_SIZE);
	memcpy(blocks + dictionaries.n * STASH_ARROW_BLOCK_SIZE, footer.fb.data + batches.at,
		   batches.n * STASH_ARROW_BLOCK_SIZE);
	reader->blocks = blocks;
	return STASH_ARROW_ROWS;
}

/*
 * Do data begin as a file does?  Of less than STASH_ARROW_FILE_START bytes none
 * do.
 */
bool
stash_arrow_is_file(const void *data, Size len)
{
	return len >= STASH_ARROW_FILE_START &&
		memcmp(data, STASH_ARROW_MAGIC "\0\0", STASH_ARROW_FILE_START) == 0;
}

static StashArrowEvent
open_reader(StashArrowReader *reader)
{
	Message		message;
	StashArrowEvent event;
	const uint8 *data;
	Size		next;

	if (get_bytes(reader, 0, reader->len, STASH_ARROW_FILE_START, &data) &&
		stash_arrow_is_file(data, STASH_ARROW_FILE_START))
		return open_file(reader);

	event = read_message(reader, 0, reader->len, &message, &next);
	if (event == STASH_ARROW_END ||
		(event == STASH_ARROW_ROWS && message.header != STASH_ARROW_HEADER_SCHEMA))
		return DAMAGED(reader, "it does not begin with a schema");
	if (event != STASH_ARROW_ROWS)
		return event;
	event = read_schema(reader, &message,
						stash_fb_table(&message.fb, message.table, 2));
	if (event == STASH_ARROW_ROWS)
		reader->at = next;
	return event;
}

/*
 * Begin to read; STASH_ARROW_ROWS when the schema is known.
 *
 * 'data' is used as long as the reader is.  What the reader knows of the
 * schema lives in the current memory context.
 */
StashArrowEvent
stash_arrow_open(StashArrowReader *reader, const void *data, Size len)
{
	memset(reader, 0, sizeof(StashArrowReader));
	reader->data = data;
	reader->len = len;
	return open_reader(reader);
}

/*
 * The same of data that 'fetch' brings as they are needed, message by message.
 *
 * 'len' is how many they are, or SIZE_MAX for a stream whose length nobody
 * knows; of a file it must be known.
 */
StashArrowEvent
stash_arrow_open_source(StashArrowReader *reader, StashArrowFetch fetch,
						void *source, Size len)
{
	memset(reader, 0, sizeof(StashArrowReader));
	reader->fetch = fetch;
	reader->source = source;
	reader->len = len;
	return open_reader(reader);
}

/* ---- arrays ---- */

/*
 * Decompress a buffer, which begins with its raw size.
 */
static const uint8 *
unpack(Batch *batch, const uint8 *data, Size *len)
{
	int64		raw;
	uint8	   *result;

	if (*len < 8)
		return NULL;
	raw = stash_fb_load(data, 8);
	data += 8;
	*len -= 8;
	if (raw == -1)
		return data;
	/* the same bytes more than once could stand for anything */
	batch->packed += *len;
	if (raw < 0 || raw > MAX_RAW || batch->packed > batch->message->body_len ||
		raw > stash_codec_most(batch->codec, *len))
		return NULL;
	result = palloc(raw + 1);
	if (!stash_codec_unpack_buffer(batch->codec, (const char *) data, *len,
								   (char *) result, raw))
		return NULL;
	*len = raw;
	return result;
}

/*
 * The next buffer of the batch, of at least 'need' bytes; NULL if it has not
 * so many.  An empty one is never NULL.
 */
static const uint8 *
next_buffer(Batch *batch, uint64 need, Size *len)
{
	const uint8 *entry;
	const uint8 *data;
	int64		offset;
	int64		size;

	*len = 0;
	if (batch->buffer >= batch->buffers.n)
		return NULL;
	entry = batch->message->fb.data + batch->buffers.at + BUFFER_SIZE * (Size) batch->buffer++;
	offset = stash_fb_load(entry, 8);
	size = stash_fb_load(entry + 8, 8);
	if (offset < 0 || size < 0 || offset > batch->message->body_len ||
		size > batch->message->body_len - offset)
		return NULL;
	data = batch->message->body + offset;
	*len = (Size) size;
	if (batch->codec != STASH_CODEC_NONE && size > 0)
		data = unpack(batch, data, len);
	return data != NULL && *len >= need ? data : NULL;
}

/*
 * Read the offsets, which must not go back; 'last' gets the last one.
 */
static bool
read_offsets(Batch *batch, StashArrowArray *array, int64 *last)
{
	int			size = stash_arrow_offset_size(array->field);
	int64		before;
	Size		len;

	array->offsets = next_buffer(batch, 0, &len);
	*last = 0;
	/* an empty array need not have the one offset that it should */
	if (array->offsets == NULL || (array->length == 0 && len == 0))
		return array->offsets != NULL;
	if (len / size < (uint64) array->length + 1)
		return false;
	before = stash_arrow_get_offset(array, 0);
	if (before < 0)
		return false;
	for (int64 i = 1; i <= array->length; i++)
	{
		int64		offset = stash_arrow_get_offset(array, i);

		if (offset < before)
			return false;
		before = offset;
	}
	*last = before;
	return true;
}

/* Read views, and the blocks that they are views of. */
static bool
read_views(Batch *batch, StashArrowArray *array)
{
	int64		nblocks;
	Size	   *lens;
	Size		len;

	array->values = next_buffer(batch, (uint64) array->length * STASH_ARROW_VIEW, &len);
	if (array->values == NULL || batch->block_count >= batch->variadic.n)
		return false;
	nblocks = stash_fb_load(batch->message->fb.data + batch->variadic.at +
							8 * (Size) batch->block_count++, 8);
	if (nblocks < 0 || nblocks > batch->buffers.n - batch->buffer)
		return false;
	array->blocks = palloc((nblocks + 1) * sizeof(uint8 *));
	lens = palloc((nblocks + 1) * sizeof(Size));
	for (int64 i = 0; i < nblocks; i++)
	{
		array->blocks[i] = next_buffer(batch, 0, &lens[i]);
		if (array->blocks[i] == NULL)
			return false;
	}
	for (int64 i = 0; i < array->length; i++)
	{
		const uint8 *view = array->values + i * STASH_ARROW_VIEW;
		int64		size = stash_fb_load(view, 4);
		int64		block = stash_fb_load(view + 8, 4);
		int64		offset = stash_fb_load(view + 12, 4);

		if (stash_arrow_is_null(array, i) || (size >= 0 && size <= STASH_ARROW_VIEW_INLINE))
			continue;
		if (size < 0 || block < 0 || block >= nblocks || offset < 0 ||
			offset > lens[block] || size > lens[block] - offset)
			return false;
	}
	return true;
}

/* Read the bits that say which values are null. */
static bool
read_validity(Batch *batch, StashArrowArray *array, int64 nulls)
{
	Size		len;
	const uint8 *bits = next_buffer(batch, 0, &len);

	if (bits == NULL || (len == 0 && nulls > 0 && array->length > 0))
		return false;
	if (len > 0)
	{
		if (len < ((uint64) array->length + 7) / 8)
			return false;
		array->validity = bits;
	}
	return true;
}

static bool read_array(Batch *batch, const StashArrowField *field, int64 least,
					   StashArrowArray *array);

static bool
read_children(Batch *batch, StashArrowArray *array, int64 least)
{
	const StashArrowField *field = array->field;

	array->children = palloc0(Max(field->nchildren, 1) * sizeof(StashArrowArray));
	for (int i = 0; i < field->nchildren; i++)
	{
		if (!read_array(batch, &field->children[i], least, &array->children[i]))
			return false;
	}
	return true;
}

/* Read what depends on the type: all but the validity. */
static bool
read_values(Batch *batch, StashArrowArray *array)
{
	const StashArrowField *field = array->field;
	uint64		length = array->length;
	int64		last;
	Size		len;

	if (field->has_dictionary)
	{
		array->values = next_buffer(batch, length * (field->index_width / 8), &len);
		return array->values != NULL;
	}
	switch (field->type)
	{
		case STASH_ARROW_NULL:
			return true;
		case STASH_ARROW_BOOL:
			array->values = next_buffer(batch, (length + 7) / 8, &len);
			return array->values != NULL;
		case STASH_ARROW_UTF8:
		case STASH_ARROW_BINARY:
		case STASH_ARROW_LARGE_UTF8:
		case STASH_ARROW_LARGE_BINARY:
			if (!read_offsets(batch, array, &last))
				return false;
			array->values = next_buffer(batch, last, &len);
			return array->values != NULL;
		case STASH_ARROW_UTF8_VIEW:
		case STASH_ARROW_BINARY_VIEW:
			return read_views(batch, array);
		case STASH_ARROW_LIST:
		case STASH_ARROW_LARGE_LIST:
		case STASH_ARROW_MAP:
			return read_offsets(batch, array, &last) &&
				read_children(batch, array, last);
		case STASH_ARROW_FIXED_LIST:
			return read_children(batch, array, length * field->width);
		case STASH_ARROW_STRUCT:
			return read_children(batch, array, length);
		default:
			array->values = next_buffer(batch, length * stash_arrow_value_size(field), &len);
			return array->values != NULL;
	}
}

/*
 * Read the next array of a batch, which must have 'least' values.
 */
static bool
read_array(Batch *batch, const StashArrowField *field, int64 least,
		   StashArrowArray *array)
{
	const uint8 *node;
	int64		nulls;

	if (batch->node >= batch->nodes.n)
		return false;
	node = batch->message->fb.data + batch->nodes.at + NODE_SIZE * (Size) batch->node++;
	array->field = field;
	array->length = stash_fb_load(node, 8);
	nulls = stash_fb_load(node + 8, 8);
	if (array->length < least || array->length > MAX_ROWS ||
		nulls < 0 || nulls > array->length)
		return false;
	if ((field->has_dictionary || field->type != STASH_ARROW_NULL) &&
		!read_validity(batch, array, nulls))
		return false;
	return read_values(batch, array);
}

/* Which codec the buffers of a batch have; -1 for one we lack. */
static int
read_codec(Message *message, uint32 table)
{
	uint32		compression = stash_fb_table(&message->fb, table, 3);

	if (compression == 0)
		return STASH_CODEC_NONE;
	if (stash_fb_number(&message->fb, compression, 1, 1, 0) != 0)
		return -1;
	switch (stash_fb_number(&message->fb, compression, 0, 1, 0))
	{
		case 0:
			return STASH_CODEC_LZ4;
		case 1:
			return stash_codec_name(STASH_CODEC_ZSTD) != NULL ? STASH_CODEC_ZSTD : -1;
		default:
			return -1;
	}
}

/*
 * Read the arrays of a batch.
 */
static StashArrowEvent
read_batch(StashArrowReader *reader, Message *message, uint32 table,
		   int nfields, const StashArrowField *fields)
{
	Batch		batch = {reader, message};

	batch.nodes = stash_fb_vector(&message->fb, table, 1, NODE_SIZE);
	batch.buffers = stash_fb_vector(&message->fb, table, 2, BUFFER_SIZE);
	batch.variadic = stash_fb_vector(&message->fb, table, 4, 8);
	batch.codec = read_codec(message, table);
	reader->nrows = stash_fb_number(&message->fb, table, 0, 8, 0);
	if (table == 0 || message->fb.failed)
		return DAMAGED(reader, "the metadata of a batch are damaged");
	if (batch.codec < 0)
		return UNSUPPORTED(reader, "a batch is compressed in a way that is not read");
	if (reader->nrows < 0)
		return DAMAGED(reader, "a batch has no length");
	if (reader->nrows > MAX_ROWS)
		return UNSUPPORTED(reader, "a batch has too many rows");

	reader->arrays = palloc0(Max(nfields, 1) * sizeof(StashArrowArray));
	for (int i = 0; i < nfields; i++)
	{
		if (!read_array(&batch, &fields[i], reader->nrows, &reader->arrays[i]))
			return DAMAGED(reader, "a batch has not the values that it should");
	}
	return STASH_ARROW_ROWS;
}

/* The field of a dictionary, at any depth. */
static const StashArrowField *
find_dictionary(int nfields, const StashArrowField *fields, int64 dictionary)
{
	for (int i = 0; i < nfields; i++)
	{
		const StashArrowField *found;

		if (fields[i].has_dictionary && fields[i].dictionary == dictionary)
			return &fields[i];
		found = find_dictionary(fields[i].nchildren, fields[i].children, dictionary);
		if (found != NULL)
			return found;
	}
	return NULL;
}

static StashArrowEvent
read_dictionary(StashArrowReader *reader, Message *message, uint32 table)
{
	const StashArrowField *field;
	StashArrowField *values = palloc(sizeof(StashArrowField));
	StashArrowEvent event;

	reader->dictionary = stash_fb_number(&message->fb, table, 0, 8, 0);
	reader->is_delta = stash_fb_number(&message->fb, table, 2, 1, 0) != 0;
	field = find_dictionary(reader->nfields, reader->fields, reader->dictionary);
	if (field == NULL || table == 0)
		return DAMAGED(reader, "a dictionary belongs to no column");
	*values = *field;
	values->has_dictionary = false;
	event = read_batch(reader, message, stash_fb_table(&message->fb, table, 1),
					   1, values);
	return event == STASH_ARROW_ROWS ? STASH_ARROW_VALUES : event;
}

/* Find the next message of a file by its footer. */
static StashArrowEvent
next_block(StashArrowReader *reader, Message *message)
{
	const uint8 *block = reader->blocks + reader->block * STASH_ARROW_BLOCK_SIZE;
	int64		offset;
	bool		is_dictionary = reader->block < reader->ndictionaries;
	StashArrowEvent event;
	Size		next;

	if (reader->block == reader->nblocks)
		return STASH_ARROW_END;
	reader->block++;
	offset = stash_fb_load(block, 8);
	if (offset < STASH_ARROW_FILE_START || offset > reader->body_end)
		return DAMAGED(reader, "the footer of the file is damaged");
	event = read_message(reader, (Size) offset, reader->body_end, message, &next);
	if (event == STASH_ARROW_END ||
		(event == STASH_ARROW_ROWS &&
		 message->header != (is_dictionary ? STASH_ARROW_HEADER_DICTIONARY : STASH_ARROW_HEADER_BATCH)))
		return DAMAGED(reader, "the footer of the file is damaged");
	return event;
}

/* Find the next message of a stream. */
static StashArrowEvent
next_in_stream(StashArrowReader *reader, Message *message)
{
	Size		next;
	StashArrowEvent event = read_message(reader, reader->at, reader->len,
										 message, &next);

	if (event == STASH_ARROW_END)
	{
		const uint8 *data;

		reader->at = next;
		if (get_bytes(reader, next, reader->len, 1, &data))
			return DAMAGED(reader, "something follows its end mark");
	}
	else if (event == STASH_ARROW_ROWS)
		reader->at = next;
	return event;
}

/*
 * Read the next batch of rows or dictionary.
 *
 * Its arrays point into the data, as far as they are there until the next call,
 * or to what was allocated in the current memory context.
 */
StashArrowEvent
stash_arrow_next(StashArrowReader *reader)
{
	Message		message;
	StashArrowEvent event = reader->is_file ? next_block(reader, &message) :
	next_in_stream(reader, &message);
	uint32		table;

	if (event != STASH_ARROW_ROWS)
		return event;
	table = stash_fb_table(&message.fb, message.table, 2);
	if (message.header == STASH_ARROW_HEADER_BATCH)
		return read_batch(reader, &message, table, reader->nfields, reader->fields);
	if (message.header == STASH_ARROW_HEADER_DICTIONARY)
		return read_dictionary(reader, &message, table);
	return DAMAGED(reader, "a message is neither rows nor a dictionary");
}
