/*-------------------------------------------------------------------------
 *
 * json.h
 *	  JSON text, appended to a StringInfo: strings, numbers, finished JSON.
 *
 * The bytes are those of the server's own to_json.  A StringInfo is used for
 * its growth and its limit of 1 GB; the zero byte that it usually ends with
 * is not kept up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_JSON_H
#define STASH_JSON_H

#include "lib/stringinfo.h"

#define STASH_JSON_NUMBER	32	/* bytes that any number below may need */

/*
 * The dates that have four digits and no era, 0001-01-01 to 9999-12-31, in
 * days since 2000-01-01.  Others are the caller's to write.
 */
#define STASH_JSON_FIRST_DATE	(-730119)
#define STASH_JSON_LAST_DATE	2921939

extern void stash_json_put_text(StringInfo buf, const char *text, Size len);
extern void stash_json_put_line(StringInfo buf, const char *json, Size len);
extern void stash_json_put_float4(StringInfo buf, float value);
extern void stash_json_put_float8(StringInfo buf, double value);
extern void stash_json_put_date(StringInfo buf, int32 days);
extern void stash_json_put_timestamp(StringInfo buf, int64 usecs);
extern void stash_json_put_timestamptz(StringInfo buf, int64 usecs,
									   int32 offset);
extern char *stash_json_format_uint64(char *to, uint64 value);
extern char *stash_json_format_digits4(char *to, uint32 value);

/*
 * Make room for 'need' bytes, and say where they go.
 */
static inline char *
stash_json_reserve(StringInfo buf, int need)
{
	if (unlikely(buf->maxlen - buf->len <= need))
		enlargeStringInfo(buf, need);
	return buf->data + buf->len;
}

/* Append bytes as they are. */
static inline void
stash_json_put_raw(StringInfo buf, const char *data, int len)
{
	memcpy(stash_json_reserve(buf, len), data, len);
	buf->len += len;
}

/* Append one byte as it is. */
static inline void
stash_json_put_char(StringInfo buf, char c)
{
	*stash_json_reserve(buf, 1) = c;
	buf->len++;
}

/* Append a whole number. */
static inline void
stash_json_put_int64(StringInfo buf, int64 value)
{
	char	   *to = stash_json_reserve(buf, STASH_JSON_NUMBER);
	uint64		magnitude = (uint64) value;

	if (value < 0)
	{
		*to++ = '-';
		magnitude = 0 - magnitude;
	}
	buf->len = stash_json_format_uint64(to, magnitude) - buf->data;
}

#endif							/* STASH_JSON_H */
