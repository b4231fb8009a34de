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

#include "sink.h"
#include "typeio.h"

/* Read only parts of big values; doc/hash.md has the positions. */
typedef struct StashSampling
{
	int			threshold;		/* elements, or 8-byte units, read in full */
	int			samples;		/* blocks or rows between head and tail */
} StashSampling;

typedef struct StashImageWriter
{
	StashSink  *sink;
	bool		for_frame;		/* nested records name their types */
	const StashSampling *sampling;	/* NULL: every byte; hashes only */
} StashImageWriter;

typedef struct StashImageReader
{
	const char *at;
	const char *end;
	bool		trusts_domains; /* their conditions are not asked again */
} StashImageReader;

extern bool stash_image_is_plain(StashType *type);
extern void stash_buffer_init(StashSink *sink, Size reserve);

extern void stash_image_write(StashImageWriter *writer, StashType *type,
							  Datum value);
extern void stash_image_write_row(StashImageWriter *writer, StashType *type,
								  const Datum *values, const bool *nulls);
extern bool stash_image_sample(StashImageWriter *writer, StashType *type,
							   const char *data, Size len);

extern Datum stash_image_read(StashImageReader *reader, StashType *type);
extern void stash_image_read_row(StashImageReader *reader, StashType *type,
								 Datum *values, bool *nulls);

#endif							/* STASH_IMAGE_H */
