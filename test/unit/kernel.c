/*-------------------------------------------------------------------------
 *
 * kernel.c
 *	  XXH3 by one kernel, whatever the processor would choose.
 *
 * run.sh compiles it once for each kernel: NAME is the kernel's, KERNEL the
 * number that xxHash gives it.  hash_kernels_test.c calls them all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#define XXH_STATIC_LINKING_ONLY
#define XXH_INLINE_ALL
#define XXH_VECTOR KERNEL
#include <xxhash.h>

#include "kernel.h"

static StashHash128
to_canonical(XXH128_hash_t hash)
{
	XXH128_canonical_t canonical;
	StashHash128 result;

	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(result.data, canonical.digest, sizeof(result.data));
	return result;
}

static KernelHashes
hash_whole(const char *data, Size len, uint64 seed)
{
	return (KernelHashes)
	{
		XXH3_64bits(data, len), XXH3_64bits_withSeed(data, len, seed),
			to_canonical(XXH3_128bits(data, len))
	};
}

static KernelHashes
hash_pieces(const char *data, Size len, uint64 seed, Size piece)
{
	XXH3_state_t *states[3];
	KernelHashes hashes;

	for (int i = 0; i < 3; i++)
		states[i] = XXH3_createState();
	XXH3_64bits_reset(states[0]);
	XXH3_64bits_reset_withSeed(states[1], seed);
	XXH3_128bits_reset(states[2]);
	for (Size at = 0; at < len; at += piece)
	{
		XXH3_64bits_update(states[0], data + at, Min(piece, len - at));
		XXH3_64bits_update(states[1], data + at, Min(piece, len - at));
		XXH3_128bits_update(states[2], data + at, Min(piece, len - at));
	}
	hashes.unseeded = XXH3_64bits_digest(states[0]);
	hashes.seeded = XXH3_64bits_digest(states[1]);
	hashes.wide = to_canonical(XXH3_128bits_digest(states[2]));
	for (int i = 0; i < 3; i++)
		XXH3_freeState(states[i]);
	return hashes;
}

const Kernel NAME = {CppAsString2(NAME), XXH_VECTOR, hash_whole, hash_pieces};
