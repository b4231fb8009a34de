/*-------------------------------------------------------------------------
 *
 * arrow_fb.h
 *	  Flatbuffers, as far as the messages of Arrow need them: written and read.
 *
 * All numbers are little-endian.  A position is an offset in the buffer:
 *
 *		root       u32 offset of the root table
 *		vtable     u16 its own bytes, u16 bytes of the table, u16 for each field:
 *		           where it stands in the table, 0: absent, so it has its default
 *		table      i32 how far before it its vtable stands, then the fields
 *		vector     u32 number of elements, then the elements
 *		string     a vector of bytes, and a zero byte behind it
 *		reference  u32 offset from where it stands to the table or vector
 *
 * Written is from front to back: a parent first, whose references are filled
 * in when the child follows.  What is read may be anything: a position is
 * checked when it is followed, and whatever is wrong makes 'failed' true and
 * the answer an absent one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_ARROW_FB_H
#define STASH_ARROW_FB_H

#include "lib/stringinfo.h"

#define STASH_FB_MAX_FIELDS	8	/* of a table that is written */

/* ---- writing; a position in 'buf' must be a multiple of 8 where it begins ---- */

extern int	stash_fb_put_root(StringInfo buf);
extern void stash_fb_put_table(StringInfo buf, int ref, int nfields,
							   const uint8 *sizes, int *at);
extern int	stash_fb_put_vector(StringInfo buf, int ref, uint32 n, int size);
extern void stash_fb_put_string(StringInfo buf, int ref, const char *text);
extern void stash_fb_pad(StringInfo buf, int alignment);
extern void stash_fb_set(StringInfo buf, int at, int size, int64 value);

/* ---- reading ---- */

typedef struct StashFb
{
	const uint8 *data;
	uint32		len;
	bool		failed;			/* something was not as it must be */
} StashFb;

/* A vector of the buffer; 'n' is 0 where it is absent. */
typedef struct StashFbVector
{
	uint32		at;				/* of the first element */
	uint32		n;
} StashFbVector;

extern int64 stash_fb_load(const uint8 *data, int size);
extern uint32 stash_fb_root(StashFb *fb);
extern int64 stash_fb_number(StashFb *fb, uint32 table, int field, int size,
							 int64 absent);
extern uint32 stash_fb_table(StashFb *fb, uint32 table, int field);
extern StashFbVector stash_fb_vector(StashFb *fb, uint32 table, int field,
									 int size);
extern uint32 stash_fb_element(StashFb *fb, StashFbVector vector, uint32 i);
extern char *stash_fb_string(StashFb *fb, uint32 table, int field);

#endif							/* STASH_ARROW_FB_H */
