/*-------------------------------------------------------------------------
 *
 * image_sent.c
 *	  Values whose image is what their send function gives, without it.
 *
 * A send function makes a buffer for each value, a receive function wants
 * one.  Where the layout of a type is known (typeio.c has the list), its
 * bytes are turned into those of the image, and back where that needs no
 * judgement of the type's own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/socket.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/geo_decls.h"
#include "utils/inet.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "image.h"
#include "sink.h"
#include "typeio.h"

#define MOST_FIELDS		32		/* bytes of a type with STASH_LAYOUT_FIELDS */
#define INET_HEAD		4		/* bytes before the address: family, bits, is
								 * it a cidr, bytes of address */
#define INET_ADDRESS	16		/* bytes at most */

/* the fields stand in the order in which they are sent */
StaticAssertDecl(offsetof(Interval, time) == 0 && offsetof(Interval, day) == 8 &&
				 offsetof(Interval, month) == 12, "layout of interval");
StaticAssertDecl(offsetof(BOX, high) == 0 && offsetof(BOX, low) == 16 &&
				 sizeof(BOX) == MOST_FIELDS, "layout of box");
StaticAssertDecl(offsetof(CIRCLE, center) == 0 && offsetof(CIRCLE, radius) == 16,
				 "layout of circle");

/* ---- writing ---- */

/* numbers into network order, or back */
static inline void
turn_fields(char *to, const char *from, StashType *type)
{
	int			at = 0;
	uint64		eight;
	uint32		four;

	for (; at < type->eights * 8; at += 8)
	{
		memcpy(&eight, from + at, 8);
		eight = pg_hton64(eight);
		memcpy(to + at, &eight, 8);
	}
	for (; at < type->typlen; at += 4)
	{
		memcpy(&four, from + at, 4);
		four = pg_hton32(four);
		memcpy(to + at, &four, 4);
	}
}

static void
write_fields(StashSink *sink, StashType *type, Datum value)
{
	char		image[1 + MOST_FIELDS];

	image[0] = (char) type->typlen;
	turn_fields(image + 1, DatumGetPointer(value), type);
	stash_sink_put(sink, image, 1 + type->typlen);
}

static void
write_inet(StashSink *sink, StashType *type, Datum value)
{
	inet	   *address = DatumGetInetPP(value);
	int			len = ip_addrsize(address);
	char		image[1 + INET_HEAD + INET_ADDRESS];

	image[0] = (char) (INET_HEAD + len);
	image[1] = (char) ip_family(address);
	image[2] = (char) ip_bits(address);
	image[3] = (char) (type->oid == CIDROID);
	image[4] = (char) len;
	memcpy(image + 1 + INET_HEAD, ip_addr(address), len);
	stash_sink_put(sink, image, 1 + INET_HEAD + len);
	if ((Pointer) address != DatumGetPointer(value))
		pfree(address);
}

/*
 * Write the image of a value of STASH_IMAGE_SEND; false when its layout is
 * not known here.
 */
bool
stash_image_write_sent(StashImageWriter *writer, StashType *type, Datum value)
{
	switch (type->layout)
	{
		case STASH_LAYOUT_FIELDS:
			write_fields(writer->sink, type, value);
			return true;
		case STASH_LAYOUT_INET:
			write_inet(writer->sink, type, value);
			return true;
		case STASH_LAYOUT_JSONB:
			return writer->for_frame && !writer->has_text &&
				stash_image_write_jsonb(writer, value);
		default:
			return false;
	}
}

/* ---- reading ---- */

/* true for the image of an inet that the server would write */
static bool
is_inet(const char *data, Size len)
{
	int			family;
	int			addrlen;

	if (len < INET_HEAD)
		return false;
	family = (unsigned char) data[0];
	addrlen = family == PGSQL_AF_INET ? 4 : 16;
	return (family == PGSQL_AF_INET || family == PGSQL_AF_INET6) &&
		(unsigned char) data[1] <= addrlen * 8 && data[2] == 0 &&
		data[3] == addrlen && len == INET_HEAD + addrlen;
}

/*
 * Bytes that a value takes in memory, told by its image.  0 when only the
 * type's receive function can make it, or refuse it.
 */
Size
stash_image_sent_size(StashType *type, const char *data, Size len)
{
	switch (type->layout)
	{
		case STASH_LAYOUT_FIELDS:
			return type->is_any_value && len == type->typlen ? len : 0;
		case STASH_LAYOUT_INET:
			return type->is_any_value && is_inet(data, len) ?
				VARHDRSZ + len - 2 : 0;
		case STASH_LAYOUT_NAME:
			return NAMEDATALEN;
		case STASH_LAYOUT_JSONB:
			return stash_image_jsonb_size(data, len);
		default:
			return 0;
	}
}

static void
put_inet(char *at, const char *data, Size len)
{
	SET_VARSIZE(at, VARHDRSZ + len - 2);
	at += VARHDRSZ;
	*at++ = data[0];
	*at++ = data[1];
	memcpy(at, data + INET_HEAD, len - INET_HEAD);
}

/* false for a name that is too long here */
static bool
put_name(char *at, const char *data, Size len)
{
	char	   *text = pg_any_to_server(data, (int) len, PG_UTF8);

	if (text != data)
		len = strlen(text);
	if (len >= NAMEDATALEN)
		return false;
	memcpy(at, text, len);
	memset(at + len, 0, NAMEDATALEN - len);
	if (text != data)
		pfree(text);
	return true;
}

/*
 * Make a value where there is room for the bytes that stash_image_sent_size()
 * told, which were not 0.  False, and nothing is made, when the type's receive
 * function must have a look at it.
 */
bool
stash_image_put_sent(char *at, StashType *type, const char *data, Size len)
{
	switch (type->layout)
	{
		case STASH_LAYOUT_FIELDS:
			turn_fields(at, data, type);
			return true;
		case STASH_LAYOUT_INET:
			put_inet(at, data, len);
			return true;
		case STASH_LAYOUT_NAME:
			return put_name(at, data, len);
		case STASH_LAYOUT_JSONB:
			return stash_image_put_jsonb(at, type, data, len);
		default:
			return false;
	}
}

/*
 * The value of an image of STASH_IMAGE_SEND.
 */
Datum
stash_image_read_sent(StashType *type, const char *data, Size len)
{
	Size		size = stash_image_sent_size(type, data, len);

	if (size > 0)
	{
		char	   *value = palloc(size);

		if (stash_image_put_sent(value, type, data, len))
			return PointerGetDatum(value);
		pfree(value);
	}
	if (type->layout == STASH_LAYOUT_JSONB && stash_image_is_tree(data, len))
		return stash_image_read_tree(type, data, len);
	return stash_type_receive(type, data, (int) len);
}
