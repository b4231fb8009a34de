/*-------------------------------------------------------------------------
 *
 * arrow_value.h
 *	  Single values as Arrow has them: numbers, dates and times.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ARROW_VALUE_H
#define STASH_ARROW_VALUE_H

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "port/pg_bswap.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* days and microseconds from Arrow's epoch, 1970, to the server's, 2000 */
#define STASH_ARROW_EPOCH_DAYS	(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define STASH_ARROW_EPOCH_USECS	(STASH_ARROW_EPOCH_DAYS * USECS_PER_DAY)

#define STASH_ARROW_DECIMAL128	38	/* digits that 128 bits have room for */
#define STASH_ARROW_DECIMAL256	76

/* numbers in the byte order of the format */
#ifdef WORDS_BIGENDIAN
#define stash_arrow_order16(value)	pg_bswap16(value)
#define stash_arrow_order32(value)	pg_bswap32(value)
#define stash_arrow_order64(value)	pg_bswap64(value)
#else
#define stash_arrow_order16(value)	(value)
#define stash_arrow_order32(value)	(value)
#define stash_arrow_order64(value)	(value)
#endif

extern void stash_arrow_put_decimal(char *to, int width, int scale,
									Datum value);
extern void stash_arrow_put_numeric(StringInfo buf, Datum value);
extern void stash_arrow_put_decimal_text(StringInfo buf, const uint8 *data,
										 int size, int scale);
extern int32 stash_arrow_from_date(DateADT date);
extern int64 stash_arrow_from_timestamp(Timestamp time);
extern int64 stash_arrow_from_interval(const Interval *interval);
extern DateADT stash_arrow_to_date(int64 days);
extern Timestamp stash_arrow_to_timestamp(int64 value, int unit);
extern int64 stash_arrow_to_usecs(int64 value, int unit);

#endif							/* STASH_ARROW_VALUE_H */
