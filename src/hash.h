/*-------------------------------------------------------------------------
 *
 * hash.h
 *	  XXH3 of byte strings that arrive in pieces.
 *
 * A hasher collects what it is given in a small buffer.  What fits is hashed
 * in one call; what does not is streamed, or, for a collecting hasher, kept
 * in a growing buffer so that the caller can compare the bytes themselves.
 * All give the answer of XXH3 over the concatenation, with seed 0.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_HASH_H
#define STASH_HASH_H

#define STASH_HASH_BUFFER	1024	/* bytes hashed without streaming */
#define STASH_HASH_STATE	640 /* no less than sizeof(XXH3_state_t) */

/* 128 bits in the byte order in which xxHash prints them: big-endian */
typedef struct StashHash128
{
	unsigned char data[16];
} StashHash128;

typedef struct StashHasher
{
	char	   *buf;			/* bytes not yet streamed; first 'local' */
	Size		used;			/* of 'buf' */
	Size		cap;			/* of 'buf' */
	int			bits;			/* 64 or 128 */
	bool		is_collecting;	/* grow 'buf' with palloc, never stream */
	bool		is_streaming;	/* 'state' is live and has all but 'buf' */
	char		local[STASH_HASH_BUFFER];
	char		state[STASH_HASH_STATE + 64];	/* aligned to 64 inside */
} StashHasher;

extern uint64 stash_hash_bytes64(const void *data, Size len, uint64 seed);
extern StashHash128 stash_hash_bytes128(const void *data, Size len);

extern void stash_hash_init(StashHasher *hasher, int bits);
extern void stash_hash_init_collecting(StashHasher *hasher);
extern void stash_hash_overflow(StashHasher *hasher, const void *data, Size len);
extern uint64 stash_hash_digest64(StashHasher *hasher);
extern StashHash128 stash_hash_digest128(StashHasher *hasher);

/* Append bytes. */
static inline void
stash_hash_put(StashHasher *hasher, const void *data, Size len)
{
	if (likely(len <= hasher->cap - hasher->used))
	{
		memcpy(hasher->buf + hasher->used, data, len);
		hasher->used += len;
	}
	else
		stash_hash_overflow(hasher, data, len);
}

/* Append one byte. */
static inline void
stash_hash_put_u8(StashHasher *hasher, uint8 value)
{
	stash_hash_put(hasher, &value, 1);
}

/* Append eight bytes, least significant first. */
static inline void
stash_hash_put_u64(StashHasher *hasher, uint64 value)
{
#ifdef WORDS_BIGENDIAN
	value = pg_bswap64(value);
#endif
	stash_hash_put(hasher, &value, sizeof(value));
}

/* Append four bytes, least significant first. */
static inline void
stash_hash_put_u32(StashHasher *hasher, uint32 value)
{
#ifdef WORDS_BIGENDIAN
	value = pg_bswap32(value);
#endif
	stash_hash_put(hasher, &value, sizeof(value));
}

#endif							/* STASH_HASH_H */
