/*-------------------------------------------------------------------------
 *
 * hash_kernels_test.c
 *	  Every kernel of XXH3 gives the hashes of hash.c.
 *
 * hash.c takes the kernel that the library finds best for the processor it
 * runs on, another one elsewhere: stored keys must not depend on it.  Here
 * each kernel is forced.  One that the processor cannot run is skipped, and
 * counted as skipped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "kernel.h"
#include "unit.h"

#define NOISE_SIZE		(1024 * 1024 + 64)
#define SEED			UINT64CONST(11400714785074694797)

typedef struct KernelCase
{
	const Kernel *kernel;
	int			vector;			/* the number by which it was asked for */
	bool		can_run;
} KernelCase;

static char *noise;
static int	skipped = 0;

static bool
is_equal(KernelHashes a, KernelHashes b)
{
	return a.unseeded == b.unseeded && a.seeded == b.seeded &&
		memcmp(a.wide.data, b.wide.data, sizeof(a.wide.data)) == 0;
}

/* What the extension computes, in one call. */
static KernelHashes
hash_whole(const char *data, Size len)
{
	return (KernelHashes)
	{
		stash_hash_bytes64(data, len, 0), stash_hash_bytes64(data, len, SEED),
			stash_hash_bytes128(data, len)
	};
}

/* The same of bytes that arrive in pieces; a hasher has no seed. */
static KernelHashes
hash_pieces(const char *data, Size len, Size piece)
{
	StashHasher *hasher = malloc(sizeof(StashHasher));
	KernelHashes hashes;

	hashes.seeded = stash_hash_bytes64(data, len, SEED);
	stash_hash_init(hasher, 64);
	for (Size at = 0; at < len; at += piece)
		stash_sink_put(&hasher->sink, data + at, Min(piece, len - at));
	hashes.unseeded = stash_hash_digest64(hasher);
	stash_hash_init(hasher, 128);
	for (Size at = 0; at < len; at += piece)
		stash_sink_put(&hasher->sink, data + at, Min(piece, len - at));
	hashes.wide = stash_hash_digest128(hasher);
	free(hasher);
	return hashes;
}

/* Every length up to some blocks of XXH3, at every alignment. */
static void
test_lengths(const Kernel *kernel)
{
	int			different = 0;

	for (Size len = 0; len <= 1100; len++)
	{
		Size		shift = len * 7 % 64;
		char	   *moved = malloc(shift + len);

		memcpy(moved + shift, noise, len);
		if (!is_equal(kernel->hash_whole(moved + shift, len, SEED),
					  hash_whole(noise, len)))
			different++;
		free(moved);
	}
	CHECK(different == 0);
}

static void
test_pieces(const Kernel *kernel)
{
	static const Size pieces[] = {1, 63, 65, 255, 257, 1023, 1025};
	int			different = 0;

	for (Size len = 0; len <= 1100; len += 11)
	{
		for (int i = 0; i < lengthof(pieces); i++)
		{
			KernelHashes whole = hash_whole(noise, len);

			if (!is_equal(kernel->hash_pieces(noise, len, SEED, pieces[i]), whole) ||
				!is_equal(hash_pieces(noise, len, pieces[i]), whole))
				different++;
		}
	}
	CHECK(different == 0);
}

static void
test_long(const Kernel *kernel)
{
	static const Size lengths[] = {2047, 4097, 16384, 65535, 65536, 100003, 524289, 1048576};
	static const Size pieces[] = {61, 1023, 4099, 65537};
	int			different = 0;

	for (int l = 0; l < lengthof(lengths); l++)
	{
		const char *data = noise + 2 * l + 1;
		KernelHashes whole = hash_whole(data, lengths[l]);

		if (!is_equal(kernel->hash_whole(data, lengths[l], SEED), whole))
			different++;
		for (int p = 0; p < lengthof(pieces); p++)
		{
			if (!is_equal(kernel->hash_pieces(data, lengths[l], SEED, pieces[p]), whole) ||
				!is_equal(hash_pieces(data, lengths[l], pieces[p]), whole))
				different++;
		}
	}
	CHECK(different == 0);
}

static void
test_kernel(const KernelCase *the)
{
	/* xxHash takes another one than it was asked for where flags are missing */
	CHECK(the->kernel->vector == the->vector);
	if (!the->can_run)
	{
		printf("skipped: %s, which this processor has not\n", the->kernel->name);
		skipped++;
		return;
	}
	test_lengths(the->kernel);
	test_pieces(the->kernel);
	test_long(the->kernel);
}

int
main(void)
{
	const KernelCase cases[] = {
		{&kernel_scalar, 0, true},
#if defined(__x86_64__)
		{&kernel_sse2, 1, true},
		{&kernel_avx2, 2, __builtin_cpu_supports("avx2") != 0},
		{&kernel_avx512, 3, __builtin_cpu_supports("avx512f") != 0},
#elif defined(__aarch64__)
		{&kernel_neon, 4, true},
#endif
	};

	noise = unit_noise(NOISE_SIZE);
	for (int i = 0; i < lengthof(cases); i++)
		test_kernel(&cases[i]);
	free(noise);
	printf("%d kernels, %d of them skipped\n", (int) lengthof(cases), skipped);
	return unit_report();
}
