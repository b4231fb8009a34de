/*-------------------------------------------------------------------------
 *
 * arrow_value.c
 *	  Single values as Arrow has them: numbers, dates and times.
 *
 * What has no place in Arrow's type is an error, never another value.  The
 * infinities of dates and times are the least and the greatest number, as they
 * are in the server and in its binary format.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "arrow.h"
#include "arrow_value.h"
#include "json.h"
#include "json_value.h"

#define MAX_LIMBS		8		/* of 32 bits: 256 of them */
#define LIMB_DIGITS		9		/* decimal digits that any limb has room for */
#define LIMB_POWER		1000000000
#define NUMERIC_SPECIAL	0xC000	/* both bits: NaN or an infinity */

static const int powers[] = {1, 10, 100, 1000, 10000};

/* ---- numeric ---- */

/* A numeric, taken apart: json_value.c has the picture. */
typedef struct Number
{
	bool		is_special;
	bool		is_negative;
	int			weight;
	int			ndigits;
	const char *digits;			/* 16-bit numbers of any alignment */
} Number;

static Number
open_numeric(Datum value)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(packed);
	Number		number = {0};
	uint16		header;

	number.ndigits = (int) VARSIZE_ANY_EXHDR(packed) / 2 - 1;
	number.digits = data + 2;
	memcpy(&header, data, 2);
	if ((header & NUMERIC_SPECIAL) == NUMERIC_SPECIAL)
		number.is_special = true;
	else if (header & 0x8000)
	{
		number.weight = (header & 0x003F) - (header & 0x0040);
		number.is_negative = (header & 0x2000) != 0;
	}
	else
	{
		int16		weight;

		memcpy(&weight, data + 2, 2);
		number.weight = weight;
		number.is_negative = (header & 0x4000) != 0;
		number.digits += 2;
		number.ndigits--;
	}
	return number;
}

pg_noreturn static void
throw_no_decimal(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%s has no place in a decimal of Arrow", what),
			 errhint("Cast the column to numeric without precision, or to text.")));
}

/* Multiply by a power of ten up to 10,000, and add. */
static void
multiply_add(uint32 *limbs, int nlimbs, uint32 factor, uint32 addend)
{
	uint64		carry = addend;

	for (int i = 0; i < nlimbs; i++)
	{
		carry += (uint64) limbs[i] * factor;
		limbs[i] = (uint32) carry;
		carry >>= 32;
	}
	if (carry > 0)
		throw_no_decimal("a number of so many digits");
}

/*
 * Write a numeric as a decimal of 'width' bits, its value times 10 ^ 'scale'.
 *
 * Errors: 22003 for what is no such number.
 */
void
stash_arrow_put_decimal(char *to, int width, int scale, Datum value)
{
	Number		number = open_numeric(value);
	int			nlimbs = width / 32;
	int			last = (scale + 3) / 4; /* groups of digits behind the point */
	uint32		limbs[MAX_LIMBS] = {0};

	if (number.is_special)
		throw_no_decimal("NaN or infinity");
	if (number.ndigits - number.weight - 1 > last)
		throw_no_decimal("a number of so many decimals");

	for (int place = 0; place <= number.weight + last; place++)
	{
		bool		is_last = place == number.weight + last;
		int			dropped = is_last ? last * 4 - scale : 0;
		int16		digit = 0;

		if (place < number.ndigits)
			memcpy(&digit, number.digits + place * 2, 2);
		if (digit % powers[dropped] != 0)
			throw_no_decimal("a number of so many decimals");
		multiply_add(limbs, nlimbs, powers[4 - dropped], digit / powers[dropped]);
	}
	if (limbs[nlimbs - 1] >> 31 != 0)
		throw_no_decimal("a number of so many digits");

	if (number.is_negative)
	{
		uint64		carry = 1;

		for (int i = 0; i < nlimbs; i++)
		{
			carry += (uint32) ~limbs[i];
			limbs[i] = (uint32) carry;
			carry >>= 32;
		}
	}
	for (int i = 0; i < nlimbs; i++)
	{
		uint32		limb = stash_arrow_order32(limbs[i]);

		memcpy(to + i * 4, &limb, 4);
	}
}

/*
 * Append a numeric as text, as its output function writes it.
 */
void
stash_arrow_put_numeric(StringInfo buf, Datum value)
{
	if (open_numeric(value).is_special)
	{
		const char *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));

		stash_json_put_raw(buf, text, (int) strlen(text));
	}
	else
		stash_json_put_numeric(buf, value);
}

/* Divide by a limb's worth of digits; the result is the remainder. */
static uint32
divide(uint32 *limbs, int nlimbs)
{
	uint64		rest = 0;

	for (int i = nlimbs - 1; i >= 0; i--)
	{
		rest = rest << 32 | limbs[i];
		limbs[i] = (uint32) (rest / LIMB_POWER);
		rest %= LIMB_POWER;
	}
	return (uint32) rest;
}

/*
 * Append a decimal of Arrow of 'size' bytes as text that numeric_in() takes.
 */
void
stash_arrow_put_decimal_text(StringInfo buf, const uint8 *data, int size, int scale)
{
	int			nlimbs = size / 4;
	bool		is_negative = data[size - 1] >> 7 != 0;
	uint64		carry = is_negative ? 1 : 0;
	uint32		limbs[MAX_LIMBS];
	char		digits[(MAX_LIMBS + 1) * LIMB_DIGITS];
	char	   *end = digits + sizeof(digits);
	char	   *at = end;

	for (int i = 0; i < nlimbs; i++)
	{
		memcpy(&limbs[i], data + i * 4, 4);
		limbs[i] = stash_arrow_order32(limbs[i]);
		carry += is_negative ? (uint32) ~limbs[i] : limbs[i];
		limbs[i] = (uint32) carry;
		carry >>= 32;
	}
	for (int n = 0; n < MAX_LIMBS + 1; n++)
	{
		uint32		group = divide(limbs, nlimbs);

		for (int i = 0; i < LIMB_DIGITS; i++, group /= 10)
			*--at = (char) ('0' + group % 10);
	}
	if (is_negative)
		stash_json_put_char(buf, '-');
	while (at < end - 1 && *at == '0')
		at++;
	if (scale > 0)
	{
		int			whole = (int) (end - at) - scale;

		stash_json_put_raw(buf, at, Max(whole, 0));
		if (whole <= 0)
			stash_json_put_char(buf, '0');
		stash_json_put_char(buf, '.');
		for (; whole < 0; whole++)
			stash_json_put_char(buf, '0');
		at += whole;
		stash_json_put_raw(buf, at, (int) (end - at));
	}
	else
	{
		stash_json_put_raw(buf, at, (int) (end - at));
		for (; scale < 0; scale++)
			stash_json_put_char(buf, '0');
	}
	*stash_json_reserve(buf, 1) = '\0';
}

/* ---- dates and times ---- */

pg_noreturn static void
throw_out_of_range(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("%s out of range for Arrow", what),
			 errhint("Cast the column to text.")));
}

/*
 * Days since 1970; all dates of the server have room.
 */
int32
stash_arrow_from_date(DateADT date)
{
	return DATE_NOT_FINITE(date) ? date : date + STASH_ARROW_EPOCH_DAYS;
}

/*
 * Microseconds since 1970.  Errors: 22008 for the last thirty years of the
 * server's range, from 294247 on.
 */
int64
stash_arrow_from_timestamp(Timestamp time)
{
	int64		result;

	if (TIMESTAMP_NOT_FINITE(time))
		return time;
	if (pg_add_s64_overflow(time, STASH_ARROW_EPOCH_USECS, &result) ||
		result == PG_INT64_MAX)
		throw_out_of_range("timestamp");
	return result;
}

/*
 * The nanoseconds of an interval.  Errors: 22008 for more than 292 years of
 * hours, minutes and seconds.
 */
int64
stash_arrow_from_interval(const Interval *interval)
{
	int64		result;

	/* infinite ones, from 17 on */
	if (interval->time == PG_INT64_MAX && interval->day == PG_INT32_MAX &&
		interval->month == PG_INT32_MAX)
		return PG_INT64_MAX;
	if (interval->time == PG_INT64_MIN && interval->day == PG_INT32_MIN &&
		interval->month == PG_INT32_MIN)
		return PG_INT64_MIN;
	if (pg_mul_s64_overflow(interval->time, 1000, &result))
		throw_out_of_range("interval");
	return result;
}

pg_noreturn static void
throw_no_date(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("%s of Arrow data out of range", what)));
}

/*
 * A date from days since 1970.  Errors: 22008.
 */
DateADT
stash_arrow_to_date(int64 days)
{
	if (days == PG_INT32_MIN || days == PG_INT32_MAX)
		return (DateADT) days;
	days -= STASH_ARROW_EPOCH_DAYS;
	if (days < PG_INT32_MIN || days > PG_INT32_MAX || !IS_VALID_DATE((DateADT) days))
		throw_no_date("date");
	return (DateADT) days;
}

/*
 * Microseconds from a number in Arrow's unit, rounded.  Errors: 22008.
 */
int64
stash_arrow_to_usecs(int64 value, int unit)
{
	static const int64 factors[] = {USECS_PER_SEC, 1000, 1};
	int64		result;

	if (unit == STASH_ARROW_NANOSECOND)
		return value / 1000 + (value % 1000 >= 500) - (value % 1000 <= -500);
	if (pg_mul_s64_overflow(value, factors[unit], &result))
		throw_no_date("time");
	return result;
}

/*
 * A timestamp from a number in Arrow's unit since 1970.  Errors: 22008.
 */
Timestamp
stash_arrow_to_timestamp(int64 value, int unit)
{
	int64		result;

	if (value == PG_INT64_MIN || value == PG_INT64_MAX)
		return value;
	if (pg_sub_s64_overflow(stash_arrow_to_usecs(value, unit),
							STASH_ARROW_EPOCH_USECS, &result) ||
		!IS_VALID_TIMESTAMP(result))
		throw_no_date("timestamp");
	return result;
}
