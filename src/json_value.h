/*-------------------------------------------------------------------------
 *
 * json_value.h
 *	  Values of built-in types as JSON text, from the bytes of their datums.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_JSON_VALUE_H
#define STASH_JSON_VALUE_H

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "pgtime.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "compat.h"

#define STASH_JSON_ZONE_SLOTS	16	/* time spans that a cache of them has */

/* A span of time in which the session's time zone has one offset from UTC. */
typedef struct StashJsonZoneSpan
{
	const pg_tz *zone;			/* NULL where the slot is free */
	pg_time_t	from;
	pg_time_t	until;			/* the first second that is outside */
	int32		offset;			/* seconds; positive is east */
} StashJsonZoneSpan;

/* Room for a short varlena with the header and alignment of a long one. */
typedef union StashJsonRoom
{
	int64		force_align;
	char		data[VARHDRSZ + VARATT_SHORT_MAX];
} StashJsonRoom;

extern void stash_json_put_numeric(StringInfo buf, Datum value);
extern void stash_json_put_jsonb(StringInfo buf, Datum value);
extern void stash_json_put_uuid(StringInfo buf, Datum value);
extern void stash_json_put_any_date(StringInfo buf, DateADT date);
extern void stash_json_put_any_timestamp(StringInfo buf, Timestamp time);
extern void stash_json_put_any_timestamptz(StringInfo buf, TimestampTz time,
										   StashJsonZoneSpan *spans);

/*
 * memcpy for at most 128 bytes: the first and the last of them, overlapping.
 *
 * A memcpy, or a loop, is made a "rep movs" by a compiler that knows the
 * limit; with its start-up time it took 7 % of an export of short arrays.
 */
static inline void
stash_json_copy_short(char *to, const char *from, Size len)
{
#define COPY_ENDS(n) \
	(memcpy(to, from, n), memcpy(to + len - (n), from + len - (n), n))
	if (len >= 64)
		COPY_ENDS(64);
	else if (len >= 32)
		COPY_ENDS(32);
	else if (len >= 16)
		COPY_ENDS(16);
	else if (len >= 8)
		COPY_ENDS(8);
	else if (len >= 4)
		COPY_ENDS(4);
	else if (len > 0)
	{
		to[0] = from[0];
		to[len / 2] = from[len / 2];
		to[len - 1] = from[len - 1];
	}
#undef COPY_ENDS
}

/*
 * A varlena with a long header, detoasted; a short one is copied to 'room'.
 *
 * What PG_DETOAST_DATUM does, without an allocation for each small value.
 */
static inline void *
stash_json_detoast_to(StashJsonRoom *room, Datum value)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(value);

	/* a pointer to TOAST looks short too */
	if (VARATT_IS_SHORT(stored) && !VARATT_IS_EXTERNAL(stored))
	{
		Size		len = VARSIZE_SHORT(stored) - VARHDRSZ_SHORT;

		SET_VARSIZE(room->data, VARHDRSZ + len);
		stash_json_copy_short(room->data + VARHDRSZ, VARDATA_SHORT(stored),
							  len);
		return room->data;
	}
	return PG_DETOAST_DATUM(value);
}

#endif							/* STASH_JSON_VALUE_H */
