/*-------------------------------------------------------------------------
 *
 * kernel.h
 *	  The kernels of XXH3 that the compiler can make, one object each.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STASH_KERNEL_H
#define STASH_KERNEL_H

#include "hash.h"

typedef struct KernelHashes
{
	uint64		unseeded;
	uint64		seeded;
	StashHash128 wide;
} KernelHashes;

typedef struct Kernel
{
	const char *name;
	int			vector;			/* XXH_VECTOR as xxHash has it in the end */
	KernelHashes (*hash_whole) (const char *data, Size len, uint64 seed);
	KernelHashes (*hash_pieces) (const char *data, Size len, uint64 seed, Size piece);
} Kernel;

extern const Kernel kernel_scalar;
extern const Kernel kernel_sse2;
extern const Kernel kernel_avx2;
extern const Kernel kernel_avx512;
extern const Kernel kernel_neon;

#endif							/* STASH_KERNEL_H */
