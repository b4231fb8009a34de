/*-------------------------------------------------------------------------
 *
 * hash_strategy.h
 *	  Hash strategies: what a type's owner says a value's hash depends on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_HASH_STRATEGY_H
#define STASH_HASH_STRATEGY_H

#include "sink.h"
#include "typeio.h"

extern void stash_hash_put_by_strategy(StashSink *sink, StashType *type,
									   Datum value);

#endif							/* STASH_HASH_STRATEGY_H */
