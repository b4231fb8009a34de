/*-------------------------------------------------------------------------
 *
 * frame_open.h
 *	  Frames in the server: open one and unpack its body, or throw.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_FRAME_OPEN_H
#define STASH_FRAME_OPEN_H

#include "frame.h"

extern void stash_frame_init(void);
extern void stash_frame_open(StashFrameReader *reader, const char *buf,
							 Size len);
extern char *stash_frame_unpack(const StashFrameReader *reader, Size lead);
extern const char *stash_frame_body(const StashFrameReader *reader);
extern const char *stash_frame_plain(const char *buf, Size *len);

#endif							/* STASH_FRAME_OPEN_H */
