/*-------------------------------------------------------------------------
 *
 * hash_datum.h
 *	  Content hashes of any value.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_HASH_DATUM_H
#define STASH_HASH_DATUM_H

#include "hash.h"
#include "image.h"
#include "typeio.h"

extern void stash_hash_put_value(StashSink *sink, StashType *type, Datum value,
								 bool isnull, const StashSampling *sampling);
extern StashHash128 stash_hash_value(StashType *type, Datum value, bool isnull);

#endif							/* STASH_HASH_DATUM_H */
