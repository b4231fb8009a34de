/*-------------------------------------------------------------------------
 *
 * hash_rows.h
 *	  Content hashes of many values: in order, or as a set.
 *
 * doc/hash.md has the forms.  Each begins with a byte with which no descriptor
 * begins, so that no set of rows has the form of a value.  Frozen.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_HASH_ROWS_H
#define STASH_HASH_ROWS_H

#include "executor/tuptable.h"
#include "hash.h"
#include "typeio.h"

/* The first byte of a form, and what follows the descriptor. */
typedef enum StashRowsForm
{
	STASH_ROWS_LIST = 0x0b,		/* items */
	STASH_ROWS_SET = 0x0c,		/* their number, the sum of their hashes */
	STASH_ROWS_SAMPLED_LIST = 0x0d, /* number of rows, hashes of some */
	STASH_ROWS_SAMPLED_TABLE = 0x0e,	/* bytes of the file, hashes of some */
	STASH_ROWS_SAMPLED_TREE = 0x0f	/* as of a set, of tables */
} StashRowsForm;

/* What does not depend on order; all zeros when empty. */
typedef struct StashHashSet
{
	uint64		count;
	uint64		low;			/* of the sum of the hashes, modulo 2^128 */
	uint64		high;
} StashHashSet;

extern void stash_rows_start(StashHasher *hasher, StashRowsForm form,
							 StashType *type);
extern void stash_rows_put(StashSink *sink, StashType *type,
						   TupleTableSlot *row);
extern void stash_rows_put_hash(StashSink *sink, StashHash128 hash);
extern StashHash128 stash_rows_hash(StashType *type, TupleTableSlot *row);

extern void stash_set_add(StashHashSet *set, StashHash128 hash);
extern StashHash128 stash_set_digest(const StashHashSet *set,
									 StashRowsForm form, StashType *type);

#endif							/* STASH_HASH_ROWS_H */
