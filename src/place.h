/*-------------------------------------------------------------------------
 *
 * place.h
 *	  Rows of tables at places that are known from before.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_PLACE_H
#define STASH_PLACE_H

#include "access/htup.h"
#include "storage/block.h"
#include "storage/buf.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

extern bool stash_place_pin(Relation rel, Buffer buffer, BlockNumber *block);
extern void stash_place_prune(Relation rel, Buffer buffer);
extern bool stash_place_see(Relation rel, Buffer buffer, Snapshot snapshot,
							HeapTuple tuple, TransactionId committed,
							OffsetNumber before);

#endif							/* STASH_PLACE_H */
