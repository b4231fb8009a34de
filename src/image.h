/*-------------------------------------------------------------------------
 *
 * image.h
 *	  The bytes of a value: what is hashed, and what a frame holds.
 *
 * doc/image.md has the format.  An image says nothing of its own type: the
 * type's descriptor (typeio.h) stands before it.  Images are injective: for
 * one type, two values have the same image only when they are the same value,
 * bit for bit.  Frozen, like hashes and frames.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_IMAGE_H
#define STASH_IMAGE_H

#include "compat.h"
#include "content.h"
#include "lib/stringinfo.h"
#include "sink.h"
#include "typeio.h"

/* Read only parts of big values; doc/hash.md has the positions. */
typedef struct StashSampling
{
	int			threshold;		/* elements, or 8-byte units, read in full */
	int			samples;		/* blocks or rows between head and tail */
} StashSampling;

/* Bytes of an exact image. */
typedef struct StashRange
{
	uint64		from;
	uint64		len;
} StashRange;

/*
 * Which bytes of the exact image a sampled hash reads.  Nothing is hashed or
 * kept when a writer has one: its sink is the plan's, which counts.
 */
typedef struct StashPlan
{
	StashSink	sink;			/* must be first; has no room in 'nothing' */
	char		nothing[1];
	uint64		at;				/* bytes of the exact image so far */
	bool		is_skipping;	/* what is put now is not read */
	StashRange *ranges;			/* ordered, apart from one another */
	int			nranges;
	int			room;			/* of 'ranges' */
} StashPlan;

typedef struct StashImageWriter
{
	StashSink  *sink;
	bool		for_frame;		/* nested records name their types */
	const StashSampling *sampling;	/* NULL: every byte; hashes only */
	StashPlan  *plan;			/* NULL: write */
	bool		has_text;		/* jsonb as in hashes, though in a frame */
	StringInfo	oids;			/* takes what names in the image mean; NULL:
								 * not asked for */
} StashImageWriter;

typedef struct StashImageReader
{
	const char *at;
	const char *end;
	bool		trusts_domains; /* their conditions are not asked again */
	char	   *chunk;			/* the one value, a varlena whose bytes lie
								 * behind the room for its length here, may
								 * take it; or NULL */
} StashImageReader;

/* room of a buffer for what is not known to be large */
#define STASH_BUFFER_ROOM	240

extern bool stash_image_is_plain(StashType *type);
extern bool stash_image_is_short_numeric(const char *data);

extern void stash_buffer_init(StashSink *sink, Size reserve, Size room);

extern void stash_image_write(StashImageWriter *writer, StashType *type,
							  Datum value);
extern char *stash_image_oids(StashType *type, Datum value);
extern void stash_image_write_row(StashImageWriter *writer, StashType *type,
								  const Datum *values, const bool *nulls);
extern void stash_image_write_composite(StashImageWriter *writer,
										StashType *type, Datum value);
extern void stash_image_write_record(StashImageWriter *writer, Datum value);
extern void stash_image_write_array(StashImageWriter *writer, StashType *type,
									Datum value);
extern void stash_image_write_bytes(StashImageWriter *writer,
									StashContent *content);
extern void stash_image_put_content(StashImageWriter *writer,
									StashContent *content, Size at, Size len);
extern bool stash_image_is_sampled(const StashSampling *sampling, Size len,
								   int unit);
extern void stash_image_put_sample(StashImageWriter *writer,
								   StashContent *content, Size at, Size len);
extern void stash_plan_init(StashPlan *plan);

extern bool stash_image_write_sent(StashImageWriter *writer, StashType *type,
								   Datum value);
extern bool stash_image_write_jsonb(StashImageWriter *writer, Datum value);

extern Datum stash_image_read(StashImageReader *reader, StashType *type);
extern void stash_image_read_row(StashImageReader *reader, StashType *type,
								 Datum *values, bool *nulls);
extern Datum stash_image_read_sent(StashType *type, const char *data, Size len);
extern Size stash_image_sent_size(StashType *type, const char *data, Size len);
extern bool stash_image_put_sent(char *at, StashType *type, const char *data,
								 Size len);
extern bool stash_image_is_tree(const char *data, Size len);
extern Size stash_image_jsonb_size(const char *data, Size len);
extern bool stash_image_put_jsonb(char *at, StashType *type, const char *data,
								  Size len);
extern Datum stash_image_read_tree(StashType *type, const char *data, Size len);
extern bool stash_image_check_numeric(StashType *type, const char *data,
									  Size len);
pg_noreturn extern void stash_image_refuse(StashType *type);

/* True for a varlena whose bytes, but for the length, are here and are its image. */
static inline bool
stash_image_lies_as_written(StashCopy copy, const char *data)
{
	if (VARATT_IS_EXTERNAL(data) || VARATT_IS_COMPRESSED(data))
		return false;
	return copy != STASH_COPY_NUMERIC ||
		stash_image_is_short_numeric(VARDATA_ANY(data));
}

#endif							/* STASH_IMAGE_H */
