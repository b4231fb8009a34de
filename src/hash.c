/*-------------------------------------------------------------------------
 *
 * hash.c
 *	  XXH3 of byte strings that arrive in pieces.
 *
 * The only file that knows xxHash.  Results are part of stored keys: seeds
 * and byte order are frozen.  A change needs a new function, never a new
 * answer from an old one.
 *
 * Up to 240 bytes XXH3 has its own short code, best inlined.  Above, on
 * x86-64, the library's run-time dispatch to AVX2 or AVX-512 is up to
 * twenty times faster than the plain symbol (test/bench/run.sh).  Where the
 * library has no dispatch, or with -DSTASH_NO_DISPATCH, the plain symbol is
 * used; test/unit/hash_kernels_test.c shows that all give the same hashes.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#define XXH_STATIC_LINKING_ONLY
#if defined(__x86_64__) && defined(__has_include) && !defined(STASH_NO_DISPATCH)
#if __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#endif
#endif
#include <xxhash.h>

#include "hash.h"

#define SHORT_INPUT		240		/* bytes; XXH3_MIDSIZE_MAX of xxHash */

StaticAssertDecl(sizeof(XXH3_state_t) <= STASH_HASH_STATE,
				 "STASH_HASH_STATE is too small");

static XXH3_state_t *
hasher_state(StashHasher *hasher)
{
	return (XXH3_state_t *) TYPEALIGN(64, hasher->state);
}

static uint64
hash_long64(const void *data, Size len, uint64 seed)
{
	return XXH3_64bits_withSeed(data, len, seed);
}

static XXH128_hash_t
hash_long128(const void *data, Size len)
{
	return XXH3_128bits(data, len);
}

static void
stream_bytes(StashHasher *hasher, const void *data, Size len)
{
	XXH3_state_t *state = hasher_state(hasher);

	if (!hasher->is_streaming)
	{
		XXH3_INITSTATE(state);
		if (hasher->bits == 64)
			XXH3_64bits_reset(state);
		else
			XXH3_128bits_reset(state);
		hasher->is_streaming = true;
	}
	if (hasher->bits == 64)
		XXH3_64bits_update(state, data, len);
	else
		XXH3_128bits_update(state, data, len);
}

static uint64
finish_stream64(StashHasher *hasher)
{
	return XXH3_64bits_digest(hasher_state(hasher));
}

static XXH128_hash_t
finish_stream128(StashHasher *hasher)
{
	return XXH3_128bits_digest(hasher_state(hasher));
}

static StashHash128
to_canonical(uint64 high, uint64 low)
{
	StashHash128 result;

	high = pg_hton64(high);
	low = pg_hton64(low);
	memcpy(result.data, &high, 8);
	memcpy(result.data + 8, &low, 8);
	return result;
}

/* from here on XXH names mean the inlined copies, used for short inputs only */
#undef XXH3_64bits_withSeed
#undef XXH3_128bits
#define XXH_INLINE_ALL
#include <xxhash.h>

/*
 * XXH3-64 of 'len' bytes.
 */
uint64
stash_hash_bytes64(const void *data, Size len, uint64 seed)
{
	if (len <= SHORT_INPUT)
		return XXH3_64bits_withSeed(data, len, seed);
	return hash_long64(data, len, seed);
}

/*
 * XXH3-128 of 'len' bytes, seed 0, as "xxhsum -H2" prints it.
 */
StashHash128
stash_hash_bytes128(const void *data, Size len)
{
	if (len <= SHORT_INPUT)
	{
		XXH128_hash_t hash = XXH3_128bits(data, len);

		return to_canonical(hash.high64, hash.low64);
	}
	else
	{
		/* the library's type, under whatever name the second include gave it */
		__typeof__(hash_long128(data, len)) hash = hash_long128(data, len);

		return to_canonical(hash.high64, hash.low64);
	}
}

/* move what is in the small buffer to where the rest is */
static void
flush_hasher(StashHasher *hasher)
{
	stream_bytes(hasher, hasher->sink.buf, hasher->sink.used);
	hasher->sink.used = 0;
}

/* take bytes that do not fit into the small buffer */
static void
overflow_hasher(StashSink *sink, const void *data, Size len)
{
	StashHasher *hasher = (StashHasher *) sink;

	flush_hasher(hasher);
	if (len < sink->cap)
	{
		memcpy(sink->buf, data, len);
		sink->used = len;
	}
	else
		stream_bytes(hasher, data, len);
}

/*
 * Start a hasher for a digest of 64 or 128 bits.  Needs no clean-up.
 */
void
stash_hash_init(StashHasher *hasher, int bits)
{
	hasher->sink.buf = hasher->local;
	hasher->sink.used = 0;
	hasher->sink.cap = STASH_HASH_BUFFER;
	hasher->sink.overflow = overflow_hasher;
	hasher->bits = bits;
	hasher->is_streaming = false;
}

/*
 * The 64-bit hash of all bytes put so far; more may be put afterwards.
 */
uint64
stash_hash_digest64(StashHasher *hasher)
{
	Assert(hasher->bits == 64);
	if (!hasher->is_streaming)
		return stash_hash_bytes64(hasher->sink.buf, hasher->sink.used, 0);
	flush_hasher(hasher);
	return finish_stream64(hasher);
}

/*
 * The 128-bit hash of all bytes put so far; more may be put afterwards.
 */
StashHash128
stash_hash_digest128(StashHasher *hasher)
{
	Assert(hasher->bits == 128);
	if (!hasher->is_streaming)
		return stash_hash_bytes128(hasher->sink.buf, hasher->sink.used);
	flush_hasher(hasher);
	{
		__typeof__(finish_stream128(hasher)) hash = finish_stream128(hasher);

		return to_canonical(hash.high64, hash.low64);
	}
}
