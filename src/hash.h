/*-------------------------------------------------------------------------
 *
 * hash.h
 *	  XXH3 of byte strings that arrive in pieces.
 *
 * A hasher is a sink.  What fits into its small buffer is hashed in one call;
 * what does not is streamed.  Both give XXH3 of the concatenation, seed 0.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_HASH_H
#define STASH_HASH_H

#include "sink.h"

#define STASH_HASH_BUFFER	1024	/* bytes hashed without streaming */
#define STASH_HASH_STATE	640 /* no less than sizeof(XXH3_state_t) */

/* 128 bits in the byte order in which xxHash prints them: big-endian */
typedef struct StashHash128
{
	unsigned char data[16];
} StashHash128;

typedef struct StashHasher
{
	StashSink	sink;			/* 'buf' is 'local': bytes not yet streamed */
	int			bits;			/* 64 or 128 */
	bool		is_streaming;	/* 'state' is live and has all but 'buf' */
	char		local[STASH_HASH_BUFFER];
	char		state[STASH_HASH_STATE + 64];	/* aligned to 64 inside */
} StashHasher;

extern uint64 stash_hash_bytes64(const void *data, Size len, uint64 seed);
extern StashHash128 stash_hash_bytes128(const void *data, Size len);

extern void stash_hash_init(StashHasher *hasher, int bits);
extern uint64 stash_hash_digest64(StashHasher *hasher);
extern StashHash128 stash_hash_digest128(StashHasher *hasher);

#endif							/* STASH_HASH_H */
