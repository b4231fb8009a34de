/*-------------------------------------------------------------------------
 *
 * utf8.h
 *	  Is it text in UTF-8?
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_UTF8_H
#define STASH_UTF8_H

#define STASH_UTF8_LEAST	259 /* bytes; of fewer the server is asked */

extern bool stash_utf8_is_valid(const char *data, Size len);

#endif							/* STASH_UTF8_H */
