/*-------------------------------------------------------------------------
 *
 * image_read.h
 *	  The pieces of an image, for those who read one.
 *
 * The head of image_read.c has the rules.  Small and inlined, for they are
 * most of what reading a small value is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_IMAGE_READ_H
#define STASH_IMAGE_READ_H

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"

#include "compat.h"
#include "frame.h"
#include "image.h"
#include "typeio.h"
#include "utf8.h"

#define STASH_IMAGE_SOME		64	/* that are copied or looked at at once */
#define STASH_IMAGE_HIGH_BITS \
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, \
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80

extern Datum stash_image_read_tuple(StashImageReader *reader, StashType *type);
extern Datum stash_image_read_record(StashImageReader *reader, StashType *type);
extern ArrayType *stash_image_read_rows(StashImageReader *reader, StashType *type,
										ArrayType *array, int nrows);
extern Datum stash_image_read_array(StashImageReader *reader, StashType *type);
extern void stash_image_check_fixed(StashType *type, Datum value);
extern void stash_image_check_utf8(const char *data, Size len);

static inline const char *
stash_image_take(StashImageReader *reader, StashType *type, uint64 len)
{
	const char *at = reader->at;

	if (len > (uint64) (reader->end - at))
		stash_image_refuse(type);
	reader->at += len;
	return at;
}

static inline uint64
stash_image_take_varint(StashImageReader *reader, StashType *type)
{
	uint64		value;

	/* most have one byte */
	if (likely(reader->at < reader->end && (uint8) *reader->at < 0x80))
		return (uint8) *reader->at++;
	if (!stash_frame_get_varint(&reader->at, reader->end, &value))
		stash_image_refuse(type);
	return value;
}

static inline uint8
stash_image_take_u8(StashImageReader *reader, StashType *type)
{
	return (uint8) *stash_image_take(reader, type, 1);
}

static inline int32
stash_image_take_i32(StashImageReader *reader, StashType *type)
{
	const unsigned char *at =
	(const unsigned char *) stash_image_take(reader, type, 4);

	return (int32) ((uint32) at[0] | (uint32) at[1] << 8 |
					(uint32) at[2] << 16 | (uint32) at[3] << 24);
}

/* a length and that many bytes */
static inline const char *
stash_image_take_bytes(StashImageReader *reader, StashType *type, Size *len)
{
	uint64		stored = stash_image_take_varint(reader, type);

	*len = (Size) stored;
	return stash_image_take(reader, type, stored);
}

/* true when the bits of a bitmap behind its first 'nbits' are zero */
static inline bool
stash_image_is_zero_behind(const uint8 *bitmap, int nbits, Size nbytes)
{
	return nbits == (int) nbytes * 8 ||
		(bitmap[nbytes - 1] >> (nbits % 8)) == 0;
}

/* Bytes of text that processors have vectors for; compilers do without them. */
typedef uint8 StashTextBlock __attribute__((vector_size(16)));

/* the high bit shows bytes that are no ASCII, or become so when 1 is taken from a zero */
static inline StashTextBlock
stash_image_odd_bytes(const char *data)
{
	StashTextBlock block;

	memcpy(&block, data, sizeof(block));
	return block | (block - 1);
}

/*
 * True for bytes of ASCII without a zero, which are text in every encoding.
 * 'end' is that of what may be read.
 */
static inline bool
stash_image_is_plain_text(const char *data, Size len, const char *end)
{
	static const uint8 masks[2 * STASH_IMAGE_SOME] = {
		STASH_IMAGE_HIGH_BITS, STASH_IMAGE_HIGH_BITS, STASH_IMAGE_HIGH_BITS, STASH_IMAGE_HIGH_BITS
	};
	StashTextBlock odd = {0};
	StashTextBlock mask;
	uint64		halves[2];

	for (; len > STASH_IMAGE_SOME; len -= STASH_IMAGE_SOME, data += STASH_IMAGE_SOME)
	{
		for (int i = 0; i < STASH_IMAGE_SOME; i += sizeof(StashTextBlock))
			odd |= stash_image_odd_bytes(data + i);
	}
	if (likely(end - data >= STASH_IMAGE_SOME))
	{
		/* what stands behind the bytes is read, but not looked at */
		for (int i = 0; i < STASH_IMAGE_SOME; i += sizeof(StashTextBlock))
		{
			memcpy(&mask, masks + STASH_IMAGE_SOME - len + i, sizeof(mask));
			odd |= stash_image_odd_bytes(data + i) & mask;
		}
	}
	else
	{
		for (Size i = 0; i < len; i++)
			odd[0] |= (uint8) (data[i] | (data[i] - 1));
	}
	memcpy(halves, &odd, sizeof(halves));
	return ((halves[0] | halves[1]) & UINT64CONST(0x8080808080808080)) == 0;
}

/* the payload of a varlena, judged; text comes back in the server's encoding */
static inline const char *
stash_image_take_payload(StashImageReader *reader, StashType *type, Size *len)
{
	const char *data = stash_image_take_bytes(reader, type, len);

	if (type->image == STASH_IMAGE_TEXT && *len >= STASH_UTF8_LEAST &&
		GetDatabaseEncoding() == PG_UTF8)
		stash_image_check_utf8(data, *len);
	else if (type->image == STASH_IMAGE_TEXT && !stash_image_is_plain_text(data, *len, reader->end))
	{
		char	   *text = pg_any_to_server(data, (int) *len, PG_UTF8);

		if (text != data)
			*len = strlen(text);
		return text;
	}
	else if (type->image == STASH_IMAGE_NUMERIC &&
			 !stash_image_check_numeric(type, data, *len))
		stash_image_refuse(type);
	return data;
}

/*
 * Copy bytes, and what stands behind them as far as that is cheaper: a copy
 * whose size is known when compiled needs no call.  'end' is that of what may
 * be read; what may be written has STASH_IMAGE_SOME more.
 */
static inline void
stash_image_copy_few(char *to, const char *data, Size len, const char *end)
{
	if (likely(len <= STASH_IMAGE_SOME && end - data >= STASH_IMAGE_SOME))
		memcpy(to, data, STASH_IMAGE_SOME);
	else
		memcpy(to, data, len);
}

/* write the payload of a varlena behind its length; see stash_image_copy_few() */
static inline void
stash_image_put_payload(char *at, StashType *type, const char *data, Size len,
						const char *end)
{
#ifdef WORDS_BIGENDIAN
	if (type->image == STASH_IMAGE_NUMERIC)
	{
		for (Size i = 0; i < len; i += 2)
		{
			at[i] = data[i + 1];
			at[i + 1] = data[i];
		}
		return;
	}
#endif
	stash_image_copy_few(at, data, len, end);
}

#endif							/* STASH_IMAGE_READ_H */
