/*-------------------------------------------------------------------------
 *
 * variant.h
 *	  The type stash.variant: a value of any type in one column.
 *
 * A variant is a varlena whose payload is a frame (frame.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_VARIANT_H
#define STASH_VARIANT_H

#include "frame_datum.h"
#include "typeio.h"

extern void stash_variant_open(StashFrameReader *reader, Datum variant);
extern Datum stash_variant_value(Datum variant, StashType **type, bool *isnull);
extern Datum stash_variant_value_as(Datum variant, Oid wanted, bool *isnull);
extern bool stash_variant_identical(Datum a, Datum b);
extern bool stash_variant_same_key(Datum a, Datum b);

#endif							/* STASH_VARIANT_H */
