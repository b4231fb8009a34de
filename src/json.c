/*-------------------------------------------------------------------------
 *
 * json.c
 *	  JSON text, appended to a StringInfo: strings, numbers, finished JSON.
 *
 * Bytes only, in the server's encoding: all of those keep the bytes below
 * 0x80 for ASCII, so that nothing here needs to know which one it is.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <math.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "common/shortest_dec.h"
#include "port/pg_bitutils.h"

#include "json.h"

#define BLOCK		8192		/* bytes of text that are escaped at once */
#define WORST_CASE	6			/* bytes of \u0001, for one of input */
#define WIDE		16			/* bytes of text that SSE2 looks at */

#define USECS_OF_DAY	INT64CONST(86400000000)

#define EACH_BYTE(b)	(UINT64CONST(0x0101010101010101) * (b))

static const char digit_pairs[] =
"00010203040506070809"
"10111213141516171819"
"20212223242526272829"
"30313233343536373839"
"40414243444546474849"
"50515253545556575859"
"60616263646566676869"
"70717273747576777879"
"80818283848586878889"
"90919293949596979899";

/*
 * Write one character that must not stand in a JSON string, escaped.
 */
static char *
put_escape(char *to, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char		letter;

	switch (c)
	{
		case '"':
		case '\\':
			letter = c;
			break;
		case '\b':
			letter = 'b';
			break;
		case '\f':
			letter = 'f';
			break;
		case '\n':
			letter = 'n';
			break;
		case '\r':
			letter = 'r';
			break;
		case '\t':
			letter = 't';
			break;
		default:
			memcpy(to, "\\u00", 4);
			to[4] = hex[c >> 4];
			to[5] = hex[c & 15];
			return to + 6;
	}
	to[0] = '\\';
	to[1] = letter;
	return to + 2;
}

#ifndef WORDS_BIGENDIAN

/*
 * Mark, by its top bit, the first byte of a word that must be escaped.
 *
 * Bytes after the first may be marked wrongly, by a borrow.  Zero: none.
 */
static inline uint64
find_escape(uint64 word)
{
	uint64		quote = word ^ EACH_BYTE('"');
	uint64		backslash = word ^ EACH_BYTE('\\');

	return (((word - EACH_BYTE(0x20)) & ~word) |
			((quote - EACH_BYTE(1)) & ~quote) |
			((backslash - EACH_BYTE(1)) & ~backslash)) & EACH_BYTE(0x80);
}

/*
 * Load 1 to 7 bytes without touching others; the rest of the word is spaces.
 */
static inline uint64
load_tail(const char *from, Size len)
{
	uint64		word;

	if (len >= 4)
	{
		uint32		low;
		uint32		high;

		memcpy(&low, from, 4);
		memcpy(&high, from + len - 4, 4);
		word = low | ((uint64) high << ((len - 4) * 8));
	}
	else
		word = (uint64) (unsigned char) from[0] |
			(uint64) (unsigned char) from[len / 2] << (len / 2 * 8) |
			(uint64) (unsigned char) from[len - 1] << ((len - 1) * 8);
	return word | (EACH_BYTE(' ') << (len * 8));
}

#ifdef __SSE2__

/*
 * Escape as much of a block as can be done sixteen bytes at a time.
 *
 * Moves 'from' and 'len' on; fewer than sixteen bytes are left.
 */
static inline char *
escape_wide(char *to, const char **from, Size *len)
{
	const __m128i quotes = _mm_set1_epi8('"');
	const __m128i backslashes = _mm_set1_epi8('\\');
	const __m128i last_control = _mm_set1_epi8(0x1f);

	while (*len >= WIDE)
	{
		__m128i		bytes = _mm_loadu_si128((const __m128i *) *from);
		__m128i		controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control),
											  bytes);
		__m128i		marks = _mm_or_si128(controls,
										 _mm_or_si128(_mm_cmpeq_epi8(bytes, quotes),
													  _mm_cmpeq_epi8(bytes, backslashes)));
		uint32		found = _mm_movemask_epi8(marks);
		Size		step = WIDE;

		_mm_storeu_si128((__m128i *) to, bytes);
		if (likely(found == 0))
			to += WIDE;
		else
		{
			step = pg_rightmost_one_pos32(found);
			to = put_escape(to + step, (*from)[step]);
			step++;
		}
		*from += step;
		*len -= step;
	}
	return to;
}

#endif

/*
 * Escape a block, eight bytes at a time, or sixteen where that is sure to be
 * had.
 *
 * May write, though not use, up to 8 bytes more than it says.
 */
static char *
escape_block(char *to, const char *from, Size len)
{
#ifdef __SSE2__
	to = escape_wide(to, &from, &len);
#endif
	while (len > 0)
	{
		uint64		word;
		uint64		found;
		Size		step = Min(len, 8);

		if (likely(len >= 8))
			memcpy(&word, from, 8);
		else
			word = load_tail(from, len);
		memcpy(to, &word, 8);

		found = find_escape(word);
		if (likely(found == 0))
			to += step;
		else
		{
			step = pg_rightmost_one_pos64(found) / 8;
			to = put_escape(to + step, from[step]);
			step++;
		}
		from += step;
		len -= step;
	}
	return to;
}

#else

static inline bool
must_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

static char *
escape_block(char *to, const char *from, Size len)
{
	for (; len > 0; len--, from++)
	{
		if (must_escape(*from))
			to = put_escape(to, *from);
		else
			*to++ = *from;
	}
	return to;
}

#endif

/*
 * Append a JSON string, quoted and escaped.
 */
void
stash_json_put_text(StringInfo buf, const char *text, Size len)
{
	Size		block = Min(len, BLOCK);
	char	   *to;

	/* two quotes, and what escape_block() writes too much */
	to = stash_json_reserve(buf, WORST_CASE * (int) block + 10);
	*to++ = '"';
	to = escape_block(to, text, block);
	while (unlikely(len > block))
	{
		text += block;
		len -= block;
		block = Min(len, BLOCK);
		buf->len = to - buf->data;
		to = stash_json_reserve(buf, WORST_CASE * (int) block + 9);
		to = escape_block(to, text, block);
	}
	*to++ = '"';
	buf->len = to - buf->data;
}

/*
 * Append JSON text that is finished, on one line.
 *
 * Line ends can stand only between the tokens of valid JSON, where a space
 * means the same.
 */
void
stash_json_put_line(StringInfo buf, const char *json, Size len)
{
	char	   *line;
	char	   *at;

	/* let the buffer's own limit catch what does not fit an int */
	line = stash_json_reserve(buf, (int) Min(len, PG_INT32_MAX / 2));
	memcpy(line, json, len);
	buf->len += (int) len;

	for (at = line; (at = memchr(at, '\n', line + len - at)) != NULL; at++)
		*at = ' ';
	for (at = line; (at = memchr(at, '\r', line + len - at)) != NULL; at++)
		*at = ' ';
}

/*
 * How many decimal digits a number has.
 */
static inline int
count_digits(uint64 value)
{
	static const uint64 powers[] = {
		UINT64CONST(1), UINT64CONST(10), UINT64CONST(100),
		UINT64CONST(1000), UINT64CONST(10000), UINT64CONST(100000),
		UINT64CONST(1000000), UINT64CONST(10000000),
		UINT64CONST(100000000), UINT64CONST(1000000000),
		UINT64CONST(10000000000), UINT64CONST(100000000000),
		UINT64CONST(1000000000000), UINT64CONST(10000000000000),
		UINT64CONST(100000000000000), UINT64CONST(1000000000000000),
		UINT64CONST(10000000000000000), UINT64CONST(100000000000000000),
		UINT64CONST(1000000000000000000), UINT64CONST(10000000000000000000)
	};
	int			guess;

	if (value < 10)
		return 1;

	/* bits times log10(2), rounded down: right, or one too few */
	guess = (pg_leftmost_one_pos64(value) + 1) * 1233 / 4096;
	return guess + (value >= powers[guess]);
}

static inline char *
put_digits2(char *to, uint32 value)
{
	memcpy(to, digit_pairs + value * 2, 2);
	return to + 2;
}

/*
 * Write a number below 10,000 with its leading zeros.
 */
char *
stash_json_format_digits4(char *to, uint32 value)
{
	to = put_digits2(to, value / 100);
	return put_digits2(to, value % 100);
}

/*
 * Write a whole number of at most 20 digits at 'to'; returns where it ends.
 */
char *
stash_json_format_uint64(char *to, uint64 value)
{
	char	   *end = to + count_digits(value);
	char	   *at = end;
	uint32		rest;

	while (value > PG_UINT32_MAX)
	{
		at -= 4;
		(void) stash_json_format_digits4(at, value % 10000);
		value /= 10000;
	}

	/* what is left divides faster in 32 bits */
	for (rest = (uint32) value; rest >= 10000; rest /= 10000)
	{
		at -= 4;
		(void) stash_json_format_digits4(at, rest % 10000);
	}
	if (rest >= 100)
	{
		at -= 2;
		(void) put_digits2(at, rest % 100);
		rest /= 100;
	}
	if (rest >= 10)
		(void) put_digits2(at - 2, rest);
	else
		at[-1] = '0' + rest;
	return end;
}

/*
 * Append a number that is not finite as a string, which is what to_json does.
 */
static void
put_special(StringInfo buf, double value)
{
	if (isnan(value))
		stash_json_put_raw(buf, "\"NaN\"", 5);
	else if (value > 0)
		stash_json_put_raw(buf, "\"Infinity\"", 10);
	else
		stash_json_put_raw(buf, "\"-Infinity\"", 11);
}

/*
 * Append the shortest text that reads back as the same float4.
 */
void
stash_json_put_float4(StringInfo buf, float value)
{
	if (unlikely(!isfinite(value)))
		put_special(buf, value);
	else
	{
		char	   *to = stash_json_reserve(buf, STASH_JSON_NUMBER);

		buf->len += float_to_shortest_decimal_bufn(value, to);
	}
}

/*
 * Append a float8 if it is the one nearest to a number of up to six decimals.
 *
 * Most measured data is like that, and it is four times as fast as the search
 * for the shortest text.  It gives the same text: below 1e9 two float8 are
 * less than a millionth apart, so that one such number at most reads back as
 * 'value', and a shorter one would be such a number too.  Below 1e-4 the text
 * would need an exponent.
 */
static inline bool
put_decimal(StringInfo buf, double value)
{
	double		magnitude = fabs(value);
	uint64		millionths;
	uint32		fraction;
	char	   *to;

	if (!(magnitude >= 1e-4 && magnitude < 1e9))
		return false;
	millionths = (uint64) (magnitude * 1e6 + 0.5);
	if ((double) millionths / 1e6 != magnitude)
		return false;

	to = stash_json_reserve(buf, STASH_JSON_NUMBER);
	if (value < 0)
		*to++ = '-';
	to = stash_json_format_uint64(to, millionths / 1000000);
	fraction = (uint32) (millionths % 1000000);
	if (fraction != 0)
	{
		*to++ = '.';
		to = put_digits2(to, fraction / 10000);
		to = stash_json_format_digits4(to, fraction % 10000);
		while (to[-1] == '0')
			to--;
	}
	buf->len = to - buf->data;
	return true;
}

/*
 * Append the shortest text that reads back as the same float8.
 */
void
stash_json_put_float8(StringInfo buf, double value)
{
	if (put_decimal(buf, value))
		return;
	if (unlikely(!isfinite(value)))
		put_special(buf, value);
	else
	{
		char	   *to = stash_json_reserve(buf, STASH_JSON_NUMBER);

		buf->len += double_to_shortest_decimal_bufn(value, to);
	}
}

/*
 * Write a day of the proleptic Gregorian calendar as YYYY-MM-DD.
 *
 * Years are taken to begin in March, so that the leap day is their last; 400
 * of them are an era of 146,097 days.
 */
static char *
put_day(char *to, int32 days)
{
	uint32		day = days + 730425;	/* since 0000-03-01 */
	uint32		era = day / 146097;
	uint32		of_era = day % 146097;
	uint32		year_of_era = (of_era - of_era / 1460 + of_era / 36524 -
							   of_era / 146096) / 365;
	uint32		of_year = of_era - (365 * year_of_era + year_of_era / 4 -
									year_of_era / 100);
	uint32		month = (5 * of_year + 2) / 153;	/* March is 0 */
	uint32		of_month = of_year - (153 * month + 2) / 5;
	uint32		year = era * 400 + year_of_era + (month >= 10);

	to = stash_json_format_digits4(to, year);
	*to++ = '-';
	to = put_digits2(to, month >= 10 ? month - 9 : month + 3);
	*to++ = '-';
	return put_digits2(to, of_month + 1);
}

/*
 * Write date, T, and time of day, with as much of the fraction as is not 0.
 */
static char *
put_day_and_time(char *to, int64 usecs)
{
	int64		days = usecs / USECS_OF_DAY;
	int64		rest = usecs % USECS_OF_DAY;
	uint32		seconds;
	uint32		fraction;

	if (rest < 0)
	{
		rest += USECS_OF_DAY;
		days--;
	}
	seconds = (uint32) (rest / 1000000);
	fraction = (uint32) (rest % 1000000);

	to = put_day(to, (int32) days);
	*to++ = 'T';
	to = put_digits2(to, seconds / 3600);
	*to++ = ':';
	to = put_digits2(to, seconds / 60 % 60);
	*to++ = ':';
	to = put_digits2(to, seconds % 60);
	if (fraction != 0)
	{
		*to++ = '.';
		to = put_digits2(to, fraction / 10000);
		to = stash_json_format_digits4(to, fraction % 10000);
		while (to[-1] == '0')
			to--;
	}
	return to;
}

/*
 * Append a date, quoted: days since 2000-01-01, in the range of json.h.
 */
void
stash_json_put_date(StringInfo buf, int32 days)
{
	char	   *to = stash_json_reserve(buf, STASH_JSON_NUMBER);

	*to++ = '"';
	to = put_day(to, days);
	*to++ = '"';
	buf->len = to - buf->data;
}

/*
 * Append a timestamp, quoted: microseconds since 2000-01-01, on a day in the
 * range of json.h.
 */
void
stash_json_put_timestamp(StringInfo buf, int64 usecs)
{
	char	   *to = stash_json_reserve(buf, STASH_JSON_NUMBER);

	*to++ = '"';
	to = put_day_and_time(to, usecs);
	*to++ = '"';
	buf->len = to - buf->data;
}

/*
 * The same with an offset from UTC in seconds, which the time has in it.
 */
void
stash_json_put_timestamptz(StringInfo buf, int64 usecs, int32 offset)
{
	char	   *to = stash_json_reserve(buf, 2 * STASH_JSON_NUMBER);
	uint32		east = offset < 0 ? -offset : offset;

	*to++ = '"';
	to = put_day_and_time(to, usecs);
	*to++ = offset < 0 ? '-' : '+';
	to = put_digits2(to, east / 3600);
	*to++ = ':';
	to = put_digits2(to, east / 60 % 60);
	if (east % 60 != 0)
	{
		*to++ = ':';
		to = put_digits2(to, east % 60);
	}
	*to++ = '"';
	buf->len = to - buf->data;
}
