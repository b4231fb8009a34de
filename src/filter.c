/*-------------------------------------------------------------------------
 *
 * filter.c
 *	  Arrays of numbers, laid out anew so that they compress better.
 *
 * Neighbours in an array of numbers are alike in their high bytes, but these
 * stand apart, and LZ4 sees no repetition.  A filter puts the lowest bytes of
 * all elements first, then the next, and so on: byte planes, as Blosc and
 * Parquet's BYTE_STREAM_SPLIT have them.  Where elements grow steadily, their
 * differences are taken before, with the sign in the lowest bit ("zigzag", as
 * in Protocol Buffers), so that small ones of either sign have high bytes of
 * zero.
 *
 * The elements are the end of the bytes: what is left over when these are
 * divided by an element's width stands at the start, and stays as it is.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "port/pg_bswap.h"

#include "codec.h"
#include "filter.h"

#define LEAST_FILTERED	512		/* bytes; what is shorter stays as it is */
#define SAMPLE_BLOCKS	4
#define SAMPLE_BLOCK	2048	/* bytes, a multiple of each width */
#define SAMPLE_SIZE		(SAMPLE_BLOCKS * SAMPLE_BLOCK)
#define WORTHWHILE(n)	((n) - (n) / 16)	/* to undo a filter takes time */
#define STEP			256		/* elements taken at once */

/* numbers have their least significant byte first */
#ifdef WORDS_BIGENDIAN
#define TURN16(n)		pg_bswap16(n)
#define TURN32(n)		pg_bswap32(n)
#define TURN64(n)		pg_bswap64(n)
#else
#define TURN16(n)		(n)
#define TURN32(n)		(n)
#define TURN64(n)		(n)
#endif

/*
 * The loops for one width.  They go in steps that stay in the fastest cache,
 * and are simple enough for the compiler to do many elements at once.
 */
#define DEFINE_FILTER(BITS) \
static void \
apply_##BITS(const char *src, Size n, char *dst, bool differences) \
{ \
	uint##BITS	values[STEP + 1] = {0}; \
	uint##BITS	taken[STEP]; \
\
	for (Size at = 0; at < n; at += STEP) \
	{ \
		int			count = (int) Min(STEP, n - at); \
\
		memcpy(values + 1, src + at * (BITS / 8), count * (BITS / 8)); \
		for (int i = 1; i <= count; i++) \
			values[i] = TURN##BITS(values[i]); \
		for (int i = 0; i < count; i++) \
		{ \
			uint##BITS	step = values[i + 1] - values[i]; \
\
			taken[i] = (uint##BITS) (step << 1) ^ \
				(uint##BITS) -(step >> (BITS - 1)); \
		} \
		if (!differences) \
			memcpy(taken, values + 1, sizeof(taken)); \
		for (int plane = 0; plane < BITS / 8; plane++) \
		{ \
			char	   *to = dst + plane * n + at; \
\
			for (int i = 0; i < count; i++) \
				to[i] = (char) (taken[i] >> (8 * plane)); \
		} \
		values[0] = values[count]; \
	} \
} \
\
static void \
undo_##BITS(const char *src, Size n, char *dst, bool differences) \
{ \
	uint##BITS	values[STEP]; \
	uint##BITS	before = 0; \
\
	for (Size at = 0; at < n; at += STEP) \
	{ \
		int			count = (int) Min(STEP, n - at); \
\
		memset(values, 0, sizeof(values)); \
		for (int plane = 0; plane < BITS / 8; plane++) \
		{ \
			const uint8 *from = (const uint8 *) src + plane * n + at; \
\
			for (int i = 0; i < count; i++) \
				values[i] |= (uint##BITS) ((uint##BITS) from[i] << (8 * plane)); \
		} \
		for (int i = 0; i < count && differences; i++) \
		{ \
			before += (uint##BITS) (values[i] >> 1) ^ \
				(uint##BITS) -(values[i] & 1); \
			values[i] = before; \
		} \
		for (int i = 0; i < count; i++) \
			values[i] = TURN##BITS(values[i]); \
		memcpy(dst + at * (BITS / 8), values, count * (BITS / 8)); \
	} \
}

DEFINE_FILTER(16)
DEFINE_FILTER(32)
DEFINE_FILTER(64)

typedef void (*FilterLoop) (const char *src, Size n, char *dst,
							bool differences);

static void
run(FilterLoop loop, int filter, const char *src, Size len, char *dst)
{
	int			shift = filter & 3;
	Size		head = len & (((Size) 1 << shift) - 1);

	memcpy(dst, src, head);
	loop(src + head, len >> shift, dst + head,
		 (filter & STASH_FILTER_DIFFERENCES) != 0);
}

/*
 * Lay out 'len' bytes at 'src' anew, at 'dst', which has as many.
 */
void
stash_filter_apply(int filter, const char *src, Size len, char *dst)
{
	static const FilterLoop loops[] = {NULL, apply_16, apply_32, apply_64};

	Assert((filter & 3) != 0 && filter <= 7);
	run(loops[filter & 3], filter, src, len, dst);
}

/*
 * The opposite: any bytes are taken.
 */
void
stash_filter_undo(int filter, const char *src, Size len, char *dst)
{
	static const FilterLoop loops[] = {NULL, undo_16, undo_32, undo_64};

	Assert((filter & 3) != 0 && filter <= 7);
	run(loops[filter & 3], filter, src, len, dst);
}

/* what a sample of some blocks takes when compressed, or 'limit' if not less */
static Size
packed_size(int codec, int filter, const char *sample, Size len, Size limit)
{
	char		laid[SAMPLE_SIZE];
	char		packed[SAMPLE_SIZE];
	Size		size;

	if (filter != STASH_FILTER_NONE)
	{
		for (Size at = 0; at < len; at += SAMPLE_BLOCK)
			stash_filter_apply(filter, sample + at,
							   Min(SAMPLE_BLOCK, len - at), laid + at);
		sample = laid;
	}
	size = stash_codec_compress(codec, sample, len, packed, limit - 1);
	return size > 0 ? size : limit;
}

/*
 * The filter that makes the elements at the end of 'src' smallest, judged by
 * a sample of evenly spaced blocks; none where that is no great matter.
 * 'width' is that of an element in bytes; any but 2, 4 and 8 means none.
 */
int
stash_filter_choose(int codec, int width, const char *src, Size len)
{
	int			shift = width == 2 ? 1 : width == 4 ? 2 : width == 8 ? 3 : 0;
	char		sample[SAMPLE_SIZE];
	Size		taken = Min(len, SAMPLE_SIZE);
	Size		best;
	int			choice = STASH_FILTER_NONE;

	if (shift == 0 || len < LEAST_FILTERED)
		return STASH_FILTER_NONE;
	if (len <= SAMPLE_SIZE)
		memcpy(sample, src, len);
	else
	{
		/* counted from the end, where elements have whole places */
		Size		gap = (len - SAMPLE_SIZE) / (SAMPLE_BLOCKS - 1) / 8 * 8;

		for (int i = 0; i < SAMPLE_BLOCKS; i++)
			memcpy(sample + i * SAMPLE_BLOCK,
				   src + len - SAMPLE_SIZE + i * SAMPLE_BLOCK -
				   (SAMPLE_BLOCKS - 1 - i) * gap, SAMPLE_BLOCK);
	}
	best = packed_size(codec, STASH_FILTER_NONE, sample, taken, taken);
	best = WORTHWHILE(best);
	for (int filter = shift; filter <= 7; filter += STASH_FILTER_DIFFERENCES)
	{
		Size		size = packed_size(codec, filter, sample, taken, best);

		if (size < best)
		{
			best = size;
			choice = filter;
		}
	}
	return choice;
}
