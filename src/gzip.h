/*-------------------------------------------------------------------------
 *
 * gzip.h
 *	  Streams of gzip.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_GZIP_H
#define STASH_GZIP_H

#include "stream.h"

extern const StashStreamCodec stash_gzip_stream;

#endif							/* STASH_GZIP_H */
