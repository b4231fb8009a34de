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
extern StashHash128 stash_hash_sampled_value(StashType *type, Datum value);
extern Datum stash_hash_to_uuid(StashHash128 hash);

#endif							/* STASH_HASH_DATUM_H */
