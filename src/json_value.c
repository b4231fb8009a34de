/*-------------------------------------------------------------------------
 *
 * json_value.c
 *	  Values of built-in types as JSON text, from the bytes of their datums.
 *
 * What the server's output functions write, without their detours: numeric_out
 * and JsonbToCString() allocate for every number and key, and a timestamp with
 * time zone is looked up in the time zone's table each time.  Rare values are
 * left to the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "compat.h"
#include "json.h"
#include "json_value.h"

#define ZONE_SPAN		(INT64CONST(1) << 23)	/* seconds, about 97 days */
#define JSONB_DEPTH		64		/* levels; the server's writer does the rest */

/*
 * Append a numeric, from the bytes that stand in tables.
 *
 * They are base 10,000 digits, most significant first, behind one 16-bit
 * number or two; the first one's bits are:
 *
 *		1 0 s d d d d d | d w w w w w w w		s sign, d decimals, w weight
 *		0 s d d d d d d | d d d d d d d d		the second is the weight
 *		1 1 x x . . . .							NaN, Infinity, -Infinity
 *
 * The weight is the exponent, to base 10,000, of the first digit.
 */
void
stash_json_put_numeric(StringInfo buf, Datum value)
{
	struct varlena *number = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(number);
	int			ndigits = VARSIZE_ANY_EXHDR(number) / 2 - 1;
	uint16		header;
	int			weight;
	int			scale;
	int			place = 0;
	char	   *to;

	memcpy(&header, data, 2);
	data += 2;
	if ((header & 0xC000) == 0xC000)
	{
		const char *text = DatumGetCString(DirectFunctionCall1(numeric_out,
															   value));

		stash_json_put_text(buf, text, strlen(text));
		return;
	}
	if (header & 0x8000)
	{
		scale = (header & 0x1F80) >> 7;
		weight = (header & 0x003F) - (header & 0x0040);
		header = (header & 0x2000) << 1;
	}
	else
	{
		int16		word;

		memcpy(&word, data, 2);
		data += 2;
		ndigits--;
		weight = word;
		scale = header & 0x3FFF;
	}

	to = stash_json_reserve(buf, Max(weight + 1, 0) * 4 + scale + 8);
	if (header & 0x4000)
		*to++ = '-';

	if (weight < 0)
	{
		*to++ = '0';
		place = weight + 1;
	}
	for (; place <= weight; place++)
	{
		int16		digit = 0;

		if (place < ndigits)
			memcpy(&digit, data + place * 2, 2);
		if (place == 0)
			to = stash_json_format_uint64(to, digit);
		else
			to = stash_json_format_digits4(to, digit);
	}

	if (scale > 0)
	{
		char	   *end = to + 1 + scale;

		*to++ = '.';
		for (; to < end; place++)
		{
			int16		digit = 0;

			if (place >= 0 && place < ndigits)
				memcpy(&digit, data + place * 2, 2);
			to = stash_json_format_digits4(to, digit);
		}
		to = end;
	}
	buf->len = to - buf->data;
}

/*
 * Append one of the dates and times that are rare: infinite, BC, five digits.
 */
static void
put_rare_datetime(StringInfo buf, Datum value, Oid typid)
{
	char	   *to = stash_json_reserve(buf, MAXDATELEN + 3);

	to[0] = '"';
	JsonEncodeDateTime(to + 1, value, typid, NULL);
	buf->len += strlen(to);
	stash_json_put_char(buf, '"');
}

/*
 * Append a date, quoted.
 */
void
stash_json_put_any_date(StringInfo buf, DateADT date)
{
	if (date >= STASH_JSON_FIRST_DATE && date <= STASH_JSON_LAST_DATE)
		stash_json_put_date(buf, date);
	else
		put_rare_datetime(buf, DateADTGetDatum(date), DATEOID);
}

/*
 * Has a time four digits for its year, wherever on earth it is read?
 */
static inline bool
is_common_time(Timestamp time)
{
	return time >= (STASH_JSON_FIRST_DATE + 1) * USECS_PER_DAY &&
		time < STASH_JSON_LAST_DATE * USECS_PER_DAY;
}

/*
 * Append a timestamp, quoted.
 */
void
stash_json_put_any_timestamp(StringInfo buf, Timestamp time)
{
	if (is_common_time(time))
		stash_json_put_timestamp(buf, time);
	else
		put_rare_datetime(buf, TimestampGetDatum(time), TIMESTAMPOID);
}

/*
 * Find the span that a second of Unix time is in, and note it in 'span'.
 *
 * False when the server's two answers differ on what holds at that second:
 * then it is not for us to say.
 */
static bool
find_zone_span(StashJsonZoneSpan *span, pg_time_t second)
{
	struct pg_tm *local = pg_localtime(&second, session_timezone);
	long		offset = local == NULL ? 0 : local->tm_gmtoff;
	long		before;
	long		after;
	int			isdst;
	pg_time_t	until;
	int			found;

	span->zone = NULL;
	found = pg_next_dst_boundary(&second, &before, &isdst, &until, &after,
								 &isdst, session_timezone);
	if (local == NULL || found < 0 || before != offset)
		return false;

	span->zone = session_timezone;
	span->from = second;
	span->until = found == 0 ? PG_INT64_MAX : until;
	span->offset = (int32) offset;
	return true;
}

/*
 * Append a timestamp with time zone, quoted, in the session's time zone.
 *
 * 'spans' are STASH_JSON_ZONE_SLOTS of them, all zero at first, and kept from
 * call to call.
 */
void
stash_json_put_any_timestamptz(StringInfo buf, TimestampTz time,
							   StashJsonZoneSpan *spans)
{
	pg_time_t	second;
	StashJsonZoneSpan *span;

	if (!is_common_time(time))
	{
		put_rare_datetime(buf, TimestampTzGetDatum(time), TIMESTAMPTZOID);
		return;
	}

	/* no fraction of a second before the epoch may be rounded up into it */
	second = time / USECS_PER_SEC - (time % USECS_PER_SEC < 0) +
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	span = &spans[(uint64) (second / ZONE_SPAN) % STASH_JSON_ZONE_SLOTS];
	if (span->zone != session_timezone ||
		second < span->from || second >= span->until)
	{
		if (!find_zone_span(span, second))
		{
			put_rare_datetime(buf, TimestampTzGetDatum(time), TIMESTAMPTZOID);
			return;
		}
	}
	stash_json_put_timestamptz(buf, time + span->offset * USECS_PER_SEC,
							   span->offset);
}

/*
 * Append a UUID, quoted.
 */
void
stash_json_put_uuid(StringInfo buf, Datum value)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *data = DatumGetUUIDP(value)->data;
	char	   *to = stash_json_reserve(buf, 38);

	*to++ = '"';
	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = hex[data[i] >> 4];
		*to++ = hex[data[i] & 15];
	}
	*to = '"';
	buf->len += 38;
}

static void put_jsonb_container(StringInfo buf, JsonbContainer *container,
								int depth);

/*
 * Append the member or element of a jsonb that 'entry' describes; 'base' is
 * where its container's data begins, 'offset' where its own does.
 */
static void
put_jsonb_entry(StringInfo buf, char *base, uint32 offset, JEntry entry,
				int depth)
{
	uint32		len = JBE_OFFLENFLD(entry);

	if (JBE_HAS_OFF(entry))
		len -= offset;

	if (JBE_ISSTRING(entry))
		stash_json_put_text(buf, base + offset, len);
	else if (JBE_ISNUMERIC(entry))
		stash_json_put_numeric(buf, PointerGetDatum(base + INTALIGN(offset)));
	else if (JBE_ISCONTAINER(entry))
		put_jsonb_container(buf, (JsonbContainer *) (base + INTALIGN(offset)),
							depth);
	else if (JBE_ISBOOL_TRUE(entry))
		stash_json_put_raw(buf, "true", 4);
	else if (JBE_ISBOOL_FALSE(entry))
		stash_json_put_raw(buf, "false", 5);
	else
		stash_json_put_raw(buf, "null", 4);
}

/*
 * Append a jsonb array or object, with a space after each comma and colon.
 *
 * Deeper ones go to JsonbToCString(), which needs no stack.
 */
static void
put_jsonb_container(StringInfo buf, JsonbContainer *container, int depth)
{
	int			count = JsonContainerSize(container);
	bool		is_object = JsonContainerIsObject(container);
	bool		is_scalar = JsonContainerIsScalar(container);
	JEntry	   *entries = container->children;
	char	   *base = (char *) (entries + (is_object ? 2 * count : count));
	uint32		key_offset = 0;
	uint32		offset = is_object ? getJsonbOffset(container, count) : 0;

	if (depth == JSONB_DEPTH)
	{
		(void) JsonbToCString(buf, container, 0);
		return;
	}

	if (!is_scalar)
		stash_json_put_char(buf, is_object ? '{' : '[');
	for (int i = 0; i < count; i++)
	{
		JEntry		entry = entries[is_object ? count + i : i];

		CHECK_FOR_INTERRUPTS();

		if (i > 0)
			stash_json_put_raw(buf, ", ", 2);
		if (is_object)
		{
			put_jsonb_entry(buf, base, key_offset, entries[i], depth);
			stash_json_put_raw(buf, ": ", 2);
			JBE_ADVANCE_OFFSET(key_offset, entries[i]);
		}
		put_jsonb_entry(buf, base, offset, entry, depth + 1);
		JBE_ADVANCE_OFFSET(offset, entry);
	}
	if (!is_scalar)
		stash_json_put_char(buf, is_object ? '}' : ']');
}

/*
 * Append a jsonb as its output function writes it.
 */
void
stash_json_put_jsonb(StringInfo buf, Datum value)
{
	StashJsonRoom room;
	Jsonb	   *jsonb = stash_json_detoast_to(&room, value);

	put_jsonb_container(buf, &jsonb->root, 0);
}
