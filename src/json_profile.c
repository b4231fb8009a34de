/*-------------------------------------------------------------------------
 *
 * json_profile.c
 *	  Profiles of JSON text: how numbers, times, binary data and what is no
 *	  number are written, where that is not to_json's way.
 *
 * A profile is a function for some types, which a writer looks up when it is
 * made; all other types are written as without a profile.  What each does to
 * which type is the table of doc/export.md.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "json.h"
#include "json_profile.h"
#include "json_value.h"

/* the largest whole number up to which a double has all of them */
#define MAX_SAFE		((INT64CONST(1) << 53) - 1)
/* digits and decimals of a number that a double always has room for */
#define SAFE_DIGITS		15
#define SAFE_SCALE		300

#define EPOCH_DAYS		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)

static const char *const names[] = {
	[STASH_JSON_DEFAULT] = "default",
	[STASH_JSON_LOSSLESS] = "lossless",
	[STASH_JSON_JAVASCRIPT] = "javascript",
	[STASH_JSON_EPOCH] = "epoch",
};

/* ---- numbers ---- */

static void
put_string_int8(StringInfo buf, Datum value)
{
	stash_json_put_char(buf, '"');
	stash_json_put_int64(buf, DatumGetInt64(value));
	stash_json_put_char(buf, '"');
}

static void
put_safe_int8(StringInfo buf, Datum value)
{
	int64		number = DatumGetInt64(value);

	if (number >= -MAX_SAFE && number <= MAX_SAFE)
		stash_json_put_int64(buf, number);
	else
		put_string_int8(buf, value);
}

static void
put_string_numeric(StringInfo buf, Datum value)
{
	int			start = buf->len;

	/* NaN and infinities are strings already */
	stash_json_put_char(buf, '"');
	stash_json_put_numeric(buf, value);
	if (buf->data[start + 1] == '"')
	{
		memmove(buf->data + start, buf->data + start + 1,
				buf->len - start - 1);
		buf->len--;
	}
	else
		stash_json_put_char(buf, '"');
}

/*
 * Does the double nearest to a number, which is given as text, read as it?
 *
 * A whole number must be within MAX_SAFE; of another one at most SAFE_DIGITS
 * digits may be significant: as many survive any double that is not too small.
 */
static bool
is_safe_number(const char *text, const char *end)
{
	const char *point = memchr(text, '.', end - text);
	const char *begin = text;
	uint64		whole = 0;
	int			ndigits;

	if (*begin == '-')
		begin++;
	if (point != NULL)
	{
		while (end[-1] == '0')
			end--;
		if (end - point > SAFE_SCALE)
			return false;
	}
	if (point == NULL || end == point + 1)
	{
		end = point != NULL ? point : end;
		if (end - begin > 16)
			return false;
		for (; begin < end; begin++)
			whole = whole * 10 + (*begin - '0');
		return whole <= MAX_SAFE;
	}
	while (*begin == '0' || *begin == '.')
		begin++;
	ndigits = end - begin - (begin < point);
	return ndigits <= SAFE_DIGITS;
}

static void
put_safe_numeric(StringInfo buf, Datum value)
{
	int			start = buf->len;
	int			len;

	stash_json_put_numeric(buf, value);
	if (buf->data[start] == '"')
	{
		/* no number */
		buf->len = start;
		stash_json_put_raw(buf, "null", 4);
		return;
	}
	if (is_safe_number(buf->data + start, buf->data + buf->len))
		return;
	len = buf->len - start;
	(void) stash_json_reserve(buf, 2);
	memmove(buf->data + start + 1, buf->data + start, len);
	buf->data[start] = '"';
	buf->len++;
	stash_json_put_char(buf, '"');
}

/* the shortest text, whatever the session's extra_float_digits */
static void
put_exact_float4(StringInfo buf, Datum value)
{
	stash_json_put_float4(buf, DatumGetFloat4(value));
}

static void
put_exact_float8(StringInfo buf, Datum value)
{
	stash_json_put_float8(buf, DatumGetFloat8(value));
}

static void
put_finite_float4(StringInfo buf, Datum value)
{
	if (isfinite(DatumGetFloat4(value)))
		put_exact_float4(buf, value);
	else
		stash_json_put_raw(buf, "null", 4);
}

static void
put_finite_float8(StringInfo buf, Datum value)
{
	if (isfinite(DatumGetFloat8(value)))
		put_exact_float8(buf, value);
	else
		stash_json_put_raw(buf, "null", 4);
}

/* ---- binary data ---- */

static void
put_hex(StringInfo buf, Datum value)
{
	struct varlena *data = PG_DETOAST_DATUM_PACKED(value);
	Size		len = VARSIZE_ANY_EXHDR(data);
	char	   *to;

	if (len > (MaxAllocSize - 8) / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("binary value of %llu bytes is too large for JSON",
						(unsigned long long) len)));
	to = stash_json_reserve(buf, 2 * len + 5);
	memcpy(to, "\"\\\\x", 4);
	(void) hex_encode(VARDATA_ANY(data), len, to + 4);
	to[4 + 2 * len] = '"';
	buf->len += 2 * len + 5;
}

static void
put_base64(StringInfo buf, Datum value)
{
	static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct varlena *data = PG_DETOAST_DATUM_PACKED(value);
	const unsigned char *from = (const unsigned char *) VARDATA_ANY(data);
	Size		len = VARSIZE_ANY_EXHDR(data);
	char	   *to;

	if (len > MaxAllocSize / 4 * 3 - 8)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("binary value of %llu bytes is too large for JSON",
						(unsigned long long) len)));
	to = stash_json_reserve(buf, (len + 2) / 3 * 4 + 2);
	*to++ = '"';
	for (; len >= 3; len -= 3, from += 3)
	{
		uint32		three = from[0] << 16 | from[1] << 8 | from[2];

		*to++ = digits[three >> 18];
		*to++ = digits[three >> 12 & 63];
		*to++ = digits[three >> 6 & 63];
		*to++ = digits[three & 63];
	}
	if (len > 0)
	{
		uint32		three = from[0] << 16 | (len == 2 ? from[1] << 8 : 0);

		*to++ = digits[three >> 18];
		*to++ = digits[three >> 12 & 63];
		*to++ = len == 2 ? digits[three >> 6 & 63] : '=';
		*to++ = '=';
	}
	*to++ = '"';
	buf->len = to - buf->data;
}

/* ---- times ---- */

/* what the server's setting IntervalStyle has no say in */
static void
put_iso_interval(StringInfo buf, Datum value)
{
	char		text[MAXDATELEN + 1];
	struct pg_itm parts;

	if (stash_compat_interval_is_infinite(DatumGetIntervalP(value)))
		strcpy(text, DatumGetIntervalP(value)->month < 0 ? "-infinity" : "infinity");
	else
	{
		interval2itm(*DatumGetIntervalP(value), &parts);
		EncodeInterval(&parts, INTSTYLE_ISO_8601, text);
	}
	stash_json_put_text(buf, text, strlen(text));
}

/* days, and what is left of a day */
static int32
split_time(Timestamp time, int64 *rest)
{
	int64		days = time / USECS_PER_DAY;

	*rest = time % USECS_PER_DAY;
	if (*rest < 0)
	{
		*rest += USECS_PER_DAY;
		days--;
	}
	return (int32) days;
}

/* with up to six decimals, as many as are not 0 */
static void
put_fraction(StringInfo buf, uint32 usecs)
{
	char	   *to;

	if (usecs == 0)
		return;
	to = stash_json_reserve(buf, 9);
	*to++ = '.';
	to = stash_json_format_digits4(to, usecs / 100);
	to = stash_json_format_digits4(to, usecs % 100 * 100);
	while (to[-1] == '0')
		to--;
	buf->len = to - buf->data;
}

/*
 * Append an opening quote and a day as JavaScript has those of years that have
 * not four digits: with a sign and six of them, and the year 0 before 1.
 */
static void
put_extended_day(StringInfo buf, int32 days)
{
	int			year;
	int			month;
	int			day;

	j2date(days + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	buf->len += sprintf(stash_json_reserve(buf, MAXDATELEN),
						"\"%c%06d-%02d-%02d", year < 0 ? '-' : '+', abs(year),
						month, day);
}

static void
put_extended_time(StringInfo buf, Timestamp time, const char *zone)
{
	int64		rest;
	int32		seconds;

	put_extended_day(buf, split_time(time, &rest));
	seconds = (int32) (rest / USECS_PER_SEC);
	buf->len += sprintf(stash_json_reserve(buf, MAXDATELEN),
						"T%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
						seconds % 60);
	put_fraction(buf, (uint32) (rest % USECS_PER_SEC));
	stash_json_put_raw(buf, zone, strlen(zone));
	stash_json_put_char(buf, '"');
}

static inline bool
has_four_digits(Timestamp time)
{
	return time >= STASH_JSON_FIRST_DATE * USECS_PER_DAY &&
		time < (STASH_JSON_LAST_DATE + 1) * USECS_PER_DAY;
}

static void
put_js_date(StringInfo buf, Datum value)
{
	DateADT		date = DatumGetDateADT(value);

	if (DATE_NOT_FINITE(date))
		stash_json_put_raw(buf, "null", 4);
	else if (date >= STASH_JSON_FIRST_DATE && date <= STASH_JSON_LAST_DATE)
		stash_json_put_date(buf, date);
	else
	{
		put_extended_day(buf, date);
		stash_json_put_char(buf, '"');
	}
}

static void
put_js_timestamp(StringInfo buf, Datum value)
{
	Timestamp	time = DatumGetTimestamp(value);

	if (TIMESTAMP_NOT_FINITE(time))
		stash_json_put_raw(buf, "null", 4);
	else if (has_four_digits(time))
		stash_json_put_timestamp(buf, time);
	else
		put_extended_time(buf, time, "");
}

static void
put_js_timestamptz(StringInfo buf, Datum value)
{
	TimestampTz time = DatumGetTimestampTz(value);

	if (TIMESTAMP_NOT_FINITE(time))
		stash_json_put_raw(buf, "null", 4);
	else if (has_four_digits(time))
		stash_json_put_timestamptz(buf, time, 0);
	else
		put_extended_time(buf, time, "+00:00");
}

/* seconds and millionths of one, which count upwards from them */
static void
put_seconds(StringInfo buf, int64 seconds, int32 usecs)
{
	if (seconds < 0 && usecs > 0)
	{
		/* "-0" would be no whole number */
		seconds++;
		usecs = USECS_PER_SEC - usecs;
		if (seconds == 0)
			stash_json_put_char(buf, '-');
	}
	stash_json_put_int64(buf, seconds);
	put_fraction(buf, usecs);
}

static void
put_epoch_date(StringInfo buf, Datum value)
{
	DateADT		date = DatumGetDateADT(value);

	if (DATE_NOT_FINITE(date))
		stash_json_put_any_date(buf, date);
	else
		put_seconds(buf, (date + (int64) EPOCH_DAYS) * SECS_PER_DAY, 0);
}

static void
put_epoch_time(StringInfo buf, Datum value)
{
	TimeADT		time = DatumGetTimeADT(value);

	put_seconds(buf, time / USECS_PER_SEC, time % USECS_PER_SEC);
}

/* with and without time zone: one without it is taken to be in UTC */
static void
put_epoch_timestamp(StringInfo buf, Datum value)
{
	Timestamp	time = DatumGetTimestamp(value);
	int64		rest;
	int64		days;

	if (TIMESTAMP_NOT_FINITE(time))
	{
		stash_json_put_any_timestamp(buf, time);
		return;
	}
	/* in microseconds the last of them would overflow */
	days = split_time(time, &rest) + (int64) EPOCH_DAYS;
	put_seconds(buf, days * SECS_PER_DAY + rest / USECS_PER_SEC,
				rest % USECS_PER_SEC);
}

/* ---- which type is written by what ---- */

static StashJsonPut
find_lossless(Oid typid)
{
	switch (typid)
	{
		case INT8OID:
			return put_string_int8;
		case NUMERICOID:
			return put_string_numeric;
		case FLOAT4OID:
			return put_exact_float4;
		case FLOAT8OID:
			return put_exact_float8;
		case BYTEAOID:
			return put_hex;
		case INTERVALOID:
			return put_iso_interval;
		default:
			return NULL;
	}
}

static StashJsonPut
find_javascript(Oid typid)
{
	switch (typid)
	{
		case INT8OID:
			return put_safe_int8;
		case NUMERICOID:
			return put_safe_numeric;
		case FLOAT4OID:
			return put_finite_float4;
		case FLOAT8OID:
			return put_finite_float8;
		case BYTEAOID:
			return put_base64;
		case INTERVALOID:
			return put_iso_interval;
		case DATEOID:
			return put_js_date;
		case TIMESTAMPOID:
			return put_js_timestamp;
		case TIMESTAMPTZOID:
			return put_js_timestamptz;
		default:
			return NULL;
	}
}

static StashJsonPut
find_epoch(Oid typid)
{
	switch (typid)
	{
		case DATEOID:
			return put_epoch_date;
		case TIMEOID:
			return put_epoch_time;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return put_epoch_timestamp;
		default:
			return NULL;
	}
}

/*
 * What writes values of a type, which is no domain, in a profile; NULL where
 * they are written as without one.
 */
StashJsonPut
stash_json_profile_put(StashJsonProfile profile, Oid typid)
{
	switch (profile)
	{
		case STASH_JSON_DEFAULT:
			break;
		case STASH_JSON_LOSSLESS:
			return find_lossless(typid);
		case STASH_JSON_JAVASCRIPT:
			return find_javascript(typid);
		case STASH_JSON_EPOCH:
			return find_epoch(typid);
	}
	return NULL;
}

/*
 * A profile by its name.  Errors: 22023 for an unknown one.
 */
StashJsonProfile
stash_json_profile(const char *name)
{
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(name, names[i]) == 0)
			return (StashJsonProfile) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown profile \"%s\"", name),
			 errhint("Profiles are default, lossless, javascript and epoch.")));
}
