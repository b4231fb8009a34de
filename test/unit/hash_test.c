/*-------------------------------------------------------------------------
 *
 * hash_test.c
 *	  Hashes equal the reference, however the bytes arrive.
 *
 * The expected values come from xxhsum 0.8.1 (-H2 and -H3) and from its
 * library over the bytes of unit_noise().  They are stored in users' keys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "hash.h"
#include "unit.h"

#define NOISE_SIZE		100000
#define SEED			UINT64CONST(11400714785074694797)

typedef struct Reference64
{
	Size		len;
	uint64		unseeded;
	uint64		seeded;			/* with SEED */
} Reference64;

typedef struct Reference128
{
	Size		len;
	const char *hex;			/* as xxhsum prints it */
} Reference128;

static const Reference64 references64[] = {
	{0, UINT64CONST(0x2D06800538D394C2), UINT64CONST(0xA8A6B918B2F0364A)},
	{1, UINT64CONST(0xC44BDFF4074EECDB), UINT64CONST(0x032BE332DD766EF8)},
	{6, UINT64CONST(0x27B56A84CD2D7325), UINT64CONST(0x84589C116AB59AB9)},
	{12, UINT64CONST(0xA713DAF0DFBB77E7), UINT64CONST(0xE7303E1B2336DE0E)},
	{24, UINT64CONST(0xA3FE70BF9D3510EB), UINT64CONST(0x850E80FC35BDD690)},
	{48, UINT64CONST(0x397DA259ECBA1F11), UINT64CONST(0xADC2CBAA44ACC616)},
	{80, UINT64CONST(0xBCDEFBBB2C47C90A), UINT64CONST(0xC6DD0CB699532E73)},
	{195, UINT64CONST(0xCD94217EE362EC3A), UINT64CONST(0xBA68003D370CB3D9)},
	{240, UINT64CONST(0x81C3C2B67F568CCF), UINT64CONST(0xCC0F58C27EF3D8EE)},
	{241, UINT64CONST(0xC5A639ECD2030E5E), UINT64CONST(0xDDA9B0A161D4829A)},
	{403, UINT64CONST(0xCDEB804D65C6DEA4), UINT64CONST(0x6259F6ECFD6443FD)},
	{512, UINT64CONST(0x617E49599013CB6B), UINT64CONST(0x3CE457DE14C27708)},
	{1025, UINT64CONST(0xD870C0FA13211C6A), UINT64CONST(0x96792BCF9AF88519)},
	{2048, UINT64CONST(0xDD59E2C3A5F038E0), UINT64CONST(0x66F81670669ABABC)},
	{2367, UINT64CONST(0xCB37AEB9E5D361ED), UINT64CONST(0xD2DB3415B942B42A)},
	{100000, UINT64CONST(0x34D658192A014311), UINT64CONST(0x0682260A8A5AFE82)}
};

static const Reference128 references128[] = {
	{0, "99aa06d3014798d86001c324468d497f"},
	{1, "a6cd5e9392000f6ac44bdff4074eecdb"},
	{3, "20efc49ff02422ea54247382a8d6b94d"},
	{6, "082afe0b8162d12a3e7039bdda43cfc6"},
	{8, "47a7f080d82bb45664c69cab4bb21dc5"},
	{12, "6e3efd8fc7802b18061a192713f69ad9"},
	{16, "c68c368ecf8a9c05562980258a998629"},
	{17, "955fa78643ed3669abbc12d11973d7db"},
	{81, "4952f58181ab00425e8bafb9f95fb803"},
	{128, "39992220e045260aebb15e34a7fb5ab1"},
	{129, "03815fc91f1b30b686c9e3bc8f0a3b5c"},
	{240, "aa4202daa2769dc85c9aae94c8ebe5a0"},
	{241, "99a80ecf0ecfc647c5a639ecd2030e5e"},
	{512, "18d2d110dcc9bca1617e49599013cb6b"},
	{1024, "0d30d24071c64c57dd85c9b5c1109c5c"},
	{1025, "fd3ee4fe7f2954c6d870c0fa13211c6a"},
	{2240, "ccb134fbfa7ce49d6e73a90539cf2948"},
	{100000, "351330331bc078fb34d658192a014311"}
};

static char *noise;

static bool
is_equal(StashHash128 a, StashHash128 b)
{
	return memcmp(a.data, b.data, sizeof(a.data)) == 0;
}

static bool
is_hex(StashHash128 hash, const char *hex)
{
	char		text[33];

	for (int i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", hash.data[i]);
	return strcmp(text, hex) == 0;
}

static void
test_references(void)
{
	for (int i = 0; i < lengthof(references64); i++)
	{
		const Reference64 *ref = &references64[i];
		char	   *copy = unit_copy(noise, ref->len);

		CHECK(stash_hash_bytes64(copy, ref->len, 0) == ref->unseeded);
		CHECK(stash_hash_bytes64(copy, ref->len, SEED) == ref->seeded);
		free(copy);
	}
	for (int i = 0; i < lengthof(references128); i++)
	{
		const Reference128 *ref = &references128[i];
		char	   *copy = unit_copy(noise, ref->len);

		CHECK(is_hex(stash_hash_bytes128(copy, ref->len), ref->hex));
		free(copy);
	}
}

/* The server hands out values at any address. */
static void
test_alignment(void)
{
	int			different = 0;

	for (Size shift = 1; shift < 64; shift++)
	{
		for (Size len = 0; len < 1100; len += 100)
		{
			char	   *moved = malloc(shift + len);

			memcpy(moved + shift, noise, len);
			if (!is_equal(stash_hash_bytes128(moved + shift, len),
						  stash_hash_bytes128(noise, len)) ||
				stash_hash_bytes64(moved + shift, len, SEED) !=
				stash_hash_bytes64(noise, len, SEED))
				different++;
			free(moved);
		}
	}
	CHECK(different == 0);
}

/* Put the first 'len' bytes of the noise, 'piece' at a time. */
static void
put_pieces(StashHasher *hasher, Size len, Size piece)
{
	for (Size at = 0; at < len; at += piece)
		stash_sink_put(&hasher->sink, noise + at, Min(piece, len - at));
}

static bool
is_same_in_pieces(StashHasher *hasher, Size len, Size piece)
{
	uint64		digest64;
	StashHash128 digest128;

	stash_hash_init(hasher, 64);
	put_pieces(hasher, len, piece);
	digest64 = stash_hash_digest64(hasher);

	stash_hash_init(hasher, 128);
	put_pieces(hasher, len, piece);
	digest128 = stash_hash_digest128(hasher);

	return digest64 == stash_hash_bytes64(noise, len, 0) &&
		is_equal(digest128, stash_hash_bytes128(noise, len));
}

/* Around every size at which XXH3 or the hasher changes its way. */
static void
test_pieces(void)
{
	static const Size borders[] = {0, 16, 128, 240, 256, 512, 1024, 2048, 4096, 70000};
	static const Size pieces[] = {1, 3, 7, 63, 64, 65, 239, 240, 241, 256, 1000,
	1023, 1024, 1025, 2047, 2049, NOISE_SIZE};
	StashHasher *hasher = malloc(sizeof(StashHasher));

	for (int b = 0; b < lengthof(borders); b++)
	{
		int			different = 0;

		for (int p = 0; p < lengthof(pieces); p++)
		{
			for (Size len = borders[b] < 20 ? 0 : borders[b] - 20; len < borders[b] + 20; len++)
			{
				if (!is_same_in_pieces(hasher, len, pieces[p]))
					different++;
			}
		}
		CHECK(different == 0);
	}
	free(hasher);
}

/* Pieces of random sizes, empty ones among them. */
static void
test_random_pieces(void)
{
	StashHasher *hasher = malloc(sizeof(StashHasher));
	int			different = 0;

	srand(1);
	for (int round = 0; round < 500; round++)
	{
		Size		len = 0;

		stash_hash_init(hasher, 128);
		for (int i = rand() % 20; i > 0; i--)
		{
			Size		piece = (Size) (rand() % (i % 3 == 0 ? 2500 : 40));

			stash_sink_put(&hasher->sink, noise + len, piece);
			len += piece;
		}
		if (!is_equal(stash_hash_digest128(hasher), stash_hash_bytes128(noise, len)))
			different++;
	}
	CHECK(different == 0);
	free(hasher);
}

/* A digest in between does no harm. */
static void
test_digest_in_between(void)
{
	StashHasher *hasher = malloc(sizeof(StashHasher));
	int			different = 0;

	stash_hash_init(hasher, 128);
	for (Size len = 0; len < 5000; len += 7)
	{
		if (!is_equal(stash_hash_digest128(hasher), stash_hash_bytes128(noise, len)) ||
			!is_equal(stash_hash_digest128(hasher), stash_hash_bytes128(noise, len)))
			different++;
		stash_sink_put(&hasher->sink, noise + len, 7);
	}
	CHECK(different == 0);
	free(hasher);
}

/* No bit of the input is left out. */
static void
test_every_bit_counts(void)
{
	static const Size lengths[] = {1, 3, 8, 16, 17, 128, 129, 240, 241, 1024, 1025, 2000};

	for (int i = 0; i < lengthof(lengths); i++)
	{
		Size		len = lengths[i];
		char	   *copy = unit_copy(noise, len);
		int			blind = 0;

		for (Size bit = 0; bit < len * 8; bit++)
		{
			copy[bit / 8] ^= 1 << (bit % 8);
			if (is_equal(stash_hash_bytes128(copy, len), stash_hash_bytes128(noise, len)) ||
				stash_hash_bytes64(copy, len, 0) == stash_hash_bytes64(noise, len, 0))
				blind++;
			copy[bit / 8] ^= 1 << (bit % 8);
		}
		CHECK(blind == 0);
		free(copy);
	}
}

int
main(void)
{
	noise = unit_noise(NOISE_SIZE);
	test_references();
	test_alignment();
	test_pieces();
	test_random_pieces();
	test_digest_in_between();
	test_every_bit_counts();
	free(noise);
	return unit_report();
}
