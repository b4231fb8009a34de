/*-------------------------------------------------------------------------
 *
 * json_test.c
 *	  JSON text writer, outside the server: src/json.c against slow and
 *	  simple versions of itself, and against the server's shortest floats.
 *
 * Prints TAP.  Built with -DFRONTEND and linked with libpgcommon.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <math.h>

#include "common/shortest_dec.h"

#include "json.h"

#define NRANDOM		2000000

static int	ntests = 0;
static int	nfailed = 0;
static uint64 seed = UINT64CONST(0x9E3779B97F4A7C15);

static void
ok(bool is_ok, const char *name)
{
	ntests++;
	if (!is_ok)
		nfailed++;
	printf("%sok %d - %s\n", is_ok ? "" : "not ", ntests, name);
}

static uint64
random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Is that what was written?  Says so if not, and empties the buffer. */
static bool
has_text(StringInfo buf, const char *want)
{
	bool		is_same = buf->len == (int) strlen(want) &&
	memcmp(buf->data, want, buf->len) == 0;

	if (!is_same)
		printf("# got %.*s, want %s\n", buf->len, buf->data, want);
	buf->len = 0;
	return is_same;
}

/* The rules of JSON strings, byte by byte. */
static void
escape_slowly(StringInfo buf, const unsigned char *text, Size len)
{
	resetStringInfo(buf);
	appendStringInfoChar(buf, '"');
	for (Size i = 0; i < len; i++)
	{
		const char *short_forms = "\b\f\n\r\t\"\\";
		const char *letters = "bfnrt\"\\";
		const char *found = text[i] ? strchr(short_forms, text[i]) : NULL;

		if (found)
			appendStringInfo(buf, "\\%c", letters[found - short_forms]);
		else if (text[i] < 0x20)
			appendStringInfo(buf, "\\u%04x", text[i]);
		else
			appendStringInfoChar(buf, (char) text[i]);
	}
	appendStringInfoChar(buf, '"');
}

static void
test_strings(StringInfo buf)
{
	StringInfoData slow;
	bool		is_same = true;

	initStringInfo(&slow);

	/* each byte at each place of strings of each length; exact allocations */
	for (int len = 0; len <= 20; len++)
	{
		for (int c = 0; c < 256; c++)
		{
			for (int at = 0; at < len; at++)
			{
				unsigned char *text = malloc(len);

				memset(text, 'x', len);
				text[at] = (unsigned char) c;
				buf->len = 0;
				stash_json_put_text(buf, (char *) text, len);
				escape_slowly(&slow, text, len);
				is_same = is_same && has_text(buf, slow.data);
				free(text);
			}
		}
	}
	ok(is_same, "every byte, at every place of a short string");

	is_same = true;
	for (int i = 0; i < 2000; i++)
	{
		Size		len = random64() % 40000;
		unsigned char *text = malloc(len + 1);
		int			rare = 1 << random64() % 12;

		for (Size at = 0; at < len; at++)
			text[at] = random64() % rare == 0 ? random64() % 128 : 'a';
		buf->len = 0;
		stash_json_put_text(buf, (char *) text, len);
		escape_slowly(&slow, text, len);
		is_same = is_same && has_text(buf, slow.data);
		free(text);
	}
	ok(is_same, "long strings, from none to all of them to be escaped");

	buf->len = 0;
	stash_json_put_text(buf, "", 0);
	ok(has_text(buf, "\"\""), "the empty string");
	stash_json_put_line(buf, "[1,\n\r\n 2]\n", 10);
	ok(has_text(buf, "[1,    2] "), "finished JSON stays on one line");
	pfree(slow.data);
}

static void
test_whole_numbers(StringInfo buf)
{
	bool		is_same = true;
	char		want[32];
	uint64		power = 1;

	for (int digits = 1; digits <= 20; digits++)
	{
		for (int i = -2; i <= 2; i++)
		{
			uint64		value = power + i;
			char	   *end = stash_json_format_uint64(buf->data, value);

			buf->len = end - buf->data;
			snprintf(want, sizeof(want), UINT64_FORMAT, value);
			is_same = is_same && has_text(buf, want);
		}
		power *= 10;
	}
	ok(is_same, "numbers around the powers of ten");

	is_same = true;
	for (int i = 0; i < NRANDOM; i++)
	{
		int64		value = (int64) random64() >> random64() % 64;

		stash_json_put_int64(buf, value);
		snprintf(want, sizeof(want), INT64_FORMAT, value);
		is_same = is_same && has_text(buf, want);
	}
	ok(is_same, "numbers of every size");

	stash_json_put_int64(buf, PG_INT64_MIN);
	ok(has_text(buf, "-9223372036854775808"), "the lowest number");
}

static bool
same_float8(StringInfo buf, double value)
{
	char		want[32];

	stash_json_put_float8(buf, value);
	double_to_shortest_decimal_buf(value, want);
	return has_text(buf, want);
}

static void
test_floats(StringInfo buf)
{
	bool		is_same = true;
	char		want[32];

	/* numbers of few decimals, and their neighbours */
	for (int i = 0; i < NRANDOM; i++)
	{
		double		power = pow(10, (double) (random64() % 10));
		double		value = (double) (random64() >> random64() % 64) / power;

		if (random64() % 2)
			value = -value;
		is_same = is_same && same_float8(buf, value);
		is_same = is_same && same_float8(buf, nextafter(value, HUGE_VAL));
		is_same = is_same && same_float8(buf, nextafter(value, -HUGE_VAL));
	}
	ok(is_same, "float8 of few decimals");

	is_same = true;
	for (int i = 0; i < NRANDOM; i++)
	{
		uint64		bits = random64();
		double		value;
		float		value4;

		memcpy(&value, &bits, 8);
		if (isfinite(value))
			is_same = is_same && same_float8(buf, value);

		memcpy(&value4, &bits, 4);
		if (isfinite(value4))
		{
			stash_json_put_float4(buf, value4);
			float_to_shortest_decimal_buf(value4, want);
			is_same = is_same && has_text(buf, want);
		}
	}
	ok(is_same, "float8 and float4 of any bits");

	/* where the fast way begins and ends */
	is_same = true;
	for (int i = -300; i <= 300; i++)
	{
		is_same = is_same && same_float8(buf, 1e-4 + i * 1e-6);
		is_same = is_same && same_float8(buf, 1e9 + i * 1e-6);
		is_same = is_same && same_float8(buf, 1e9 - 1 + i * 1e-7);
		is_same = is_same && same_float8(buf, i / 1e6);
		is_same = is_same && same_float8(buf, i / 1e7);
	}
	is_same = is_same && same_float8(buf, 0.0) && same_float8(buf, -0.0);
	ok(is_same, "float8 near the limits of the fast way");

	stash_json_put_float8(buf, NAN);
	stash_json_put_float8(buf, HUGE_VAL);
	stash_json_put_float8(buf, -HUGE_VAL);
	stash_json_put_float4(buf, (float) -HUGE_VAL);
	ok(has_text(buf, "\"NaN\"\"Infinity\"\"-Infinity\"\"-Infinity\""),
	   "what is no JSON number is a string");
}

static int
days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		is_leap = year % 4 == 0 &&
	(year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && is_leap);
}

static void
test_dates(StringInfo buf)
{
	bool		is_same = true;
	char		want[64];
	int			days = STASH_JSON_FIRST_DATE;

	for (int year = 1; year <= 9999; year++)
	{
		for (int month = 1; month <= 12; month++)
		{
			for (int day = 1; day <= days_of_month(year, month); day++)
			{
				stash_json_put_date(buf, days++);
				snprintf(want, sizeof(want), "\"%04d-%02d-%02d\"",
						 year, month, day);
				is_same = is_same && has_text(buf, want);
			}
		}
	}
	ok(is_same, "every date");
	ok(days == STASH_JSON_LAST_DATE + 1, "as many dates as there are");

	is_same = true;
	for (int64 i = 0; i < 86400; i++)
	{
		int			usec = (int) (i * 11 % 1000000);
		int			len;

		/* days before and after 2000 */
		stash_json_put_timestamp(buf, (i - 86400 * (i % 2)) * 1000000 + usec);
		len = snprintf(want, sizeof(want), "\"%s-%s-%sT%02d:%02d:%02d.%06d",
					   i % 2 ? "1999" : "2000", i % 2 ? "12" : "01",
					   i % 2 ? "31" : "01",
					   (int) (i / 3600), (int) (i / 60 % 60), (int) (i % 60),
					   usec);
		while (want[len - 1] == '0')
			len--;
		if (want[len - 1] == '.')
			len--;
		snprintf(want + len, sizeof(want) - len, "\"");
		is_same = is_same && has_text(buf, want);
	}
	ok(is_same, "every second of a day, with fractions");

	stash_json_put_timestamptz(buf, 0, 0);
	ok(has_text(buf, "\"2000-01-01T00:00:00+00:00\""), "no offset");
	stash_json_put_timestamptz(buf, -1, -12600);
	ok(has_text(buf, "\"1999-12-31T23:59:59.999999-03:30\""),
	   "an offset to the west, with minutes");
	stash_json_put_timestamptz(buf, INT64CONST(5445000000), 1172);
	ok(has_text(buf, "\"2000-01-01T01:30:45+00:19:32\""),
	   "an offset to the east, with seconds");
}

int
main(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	test_strings(&buf);
	test_whole_numbers(&buf);
	test_floats(&buf);
	test_dates(&buf);
	pfree(buf.data);
	printf("1..%d\n", ntests);
	return nfailed != 0;
}
