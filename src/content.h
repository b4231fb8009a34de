/*-------------------------------------------------------------------------
 *
 * content.h
 *	  The bytes of a varlena, in memory or still in TOAST.
 *
 * A large value that is stored out of line and not compressed stays where it
 * is: its bytes are read in pieces, as they are wanted, in constant memory.
 * All others are brought into memory once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_CONTENT_H
#define STASH_CONTENT_H

#include "sink.h"

typedef struct StashStored StashStored;

/* The content of a varlena: what stands behind its length word. */
typedef struct StashContent
{
	const char *data;			/* all of it; NULL: still stored */
	Size		len;
	void	   *copy;			/* what closing frees, or NULL */
	StashStored *stored;		/* where it is read, or NULL */
	const char *window;			/* of a stored one, the bytes in memory: */
	Size		from;			/* from here */
	Size		to;				/* to here */
} StashContent;

extern bool stash_content_stays_stored(Datum value);
extern void stash_content_open(StashContent *content, Datum value);
extern void stash_content_open_memory(StashContent *content, const char *data,
									  Size len);
extern void stash_content_close(StashContent *content);
extern void stash_content_put(StashContent *content, Size at, Size len,
							  StashSink *sink);
extern const char *stash_content_fetch(StashContent *content, Size at,
									   Size len);

/*
 * The bytes 'at' to 'at' + 'len', side by side in memory, and aligned as they
 * would be in a whole varlena.  Good until the next call.
 */
static inline const char *
stash_content_at(StashContent *content, Size at, Size len)
{
	if (likely(content->data != NULL))
		return content->data + at;
	if (likely(at >= content->from && at + len <= content->to))
		return content->window + (at - content->from);
	return stash_content_fetch(content, at, len);
}

#endif							/* STASH_CONTENT_H */
