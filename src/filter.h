/*-------------------------------------------------------------------------
 *
 * filter.h
 *	  Arrays of numbers, laid out anew so that they compress better.
 *
 * A filter's number stands in frames, in three bits: it is frozen.  Its two
 * low bits are the binary logarithm of the width of an element, 1, 2 or 3 for
 * 2, 4 or 8 bytes; its third bit says that differences are stored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_FILTER_H
#define STASH_FILTER_H

#define STASH_FILTER_NONE			0
#define STASH_FILTER_DIFFERENCES	4

/* True for a filter that stash_filter_undo() knows, none among them. */
static inline bool
stash_filter_is_known(int filter)
{
	return filter >= 0 && filter <= 7 && filter != STASH_FILTER_DIFFERENCES;
}

extern void stash_filter_apply(int filter, const char *src, Size len,
							   char *dst);
extern void stash_filter_undo(int filter, const char *src, Size len,
							  char *dst);
extern int	stash_filter_choose(int codec, int width, const char *src,
								Size len);

#endif							/* STASH_FILTER_H */
