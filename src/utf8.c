/*-------------------------------------------------------------------------
 *
 * utf8.c
 *	  Is it text in UTF-8?  As the server says, at many times its speed.
 *
 * Whether a byte may stand where it stands is told by it and the three before
 * it.  So bytes are judged side by side, without branches, in loops that
 * compilers make vectors of.  Most text is plain, ASCII without a zero, and
 * that is seen much faster still.  On x86-64 the processor is asked whether it
 * has the larger vectors, unless it is built with -DSTASH_NO_DISPATCH.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "utf8.h"

#define STEP	256				/* bytes; few enough for are_plain() to be
								 * unrolled */
#define PIECE	128				/* bytes of a step that is not plain */

StaticAssertDecl(STASH_UTF8_LEAST == STEP + 3, "a step, and three bytes before it");

/* by how much a byte is above 'most' */
static pg_attribute_always_inline uint8
excess(uint8 byte, uint8 most)
{
	return Max(byte, most) - most;
}

/*
 * Not zero when 'byte' may not stand behind 'one', which stands behind 'two',
 * and that behind 'three'; of these no more is asked than what they want.
 *
 * Comparisons with a sign are those that most vectors have.  Only bytes with
 * the high bit need them; what they say of others does not matter, for those
 * are wanted behind none of the bytes that are asked of.
 */
static pg_attribute_always_inline uint8
is_misplaced(uint8 byte, uint8 one, uint8 two, uint8 three)
{
	int8		with_sign = (int8) byte;
	bool		is_continuation = with_sign <= (int8) 0xBF;
	bool		is_above_8f = with_sign > (int8) 0x8F;
	bool		is_above_9f = with_sign > (int8) 0x9F;
	bool		is_wanted = (excess(one, 0xBF) | excess(two, 0xDF) |
							 excess(three, 0xEF)) != 0;

	return (is_wanted ^ is_continuation) |
	/* a zero, which is the greatest when less one; beyond the last character */
		excess(byte - 1, 0xF3) |
		((one == 0xF4) & is_above_8f) |
	/* spelled longer than need be */
		((byte & 0xFE) == 0xC0) |
		((one == 0xE0) & !is_above_9f) |
		((one == 0xF0) & !is_above_8f) |
	/* a surrogate */
		((one == 0xED) & is_above_9f);
}

/* true for bytes that stand where they may; there are three before them */
static pg_attribute_always_inline bool
are_placed(const uint8 *data, int len)
{
	uint8		odd = 0;

	for (int i = 0; i < len; i++)
		odd |= is_misplaced(data[i], data[i - 1], data[i - 2], data[i - 3]);
	return odd == 0;
}

/* true for plain bytes; there is one before them, behind which nothing is wanted */
static pg_attribute_always_inline bool
are_plain(const uint8 *data, int len)
{
	uint8		most = 0;

	if (data[-1] >= 0x80)
		return false;
	for (int i = 0; i < len; i++)
		most = Max(most, (uint8) (data[i] - 1));
	return most < 0x7F;
}

static pg_attribute_always_inline bool
is_valid_step(const uint8 *data)
{
	if (are_plain(data, STEP))
		return true;
	for (int i = 0; i < STEP; i += PIECE)
	{
		if (!are_plain(data + i, PIECE) && !are_placed(data + i, PIECE))
			return false;
	}
	return true;
}

static pg_attribute_always_inline bool
is_valid(const uint8 *data, Size len)
{
	if (is_misplaced(data[0], 0, 0, 0) |
		is_misplaced(data[1], data[0], 0, 0) |
		is_misplaced(data[2], data[1], data[0], 0))
		return false;
	/* what is wanted behind the last byte is not there */
	if (data[len - 1] > 0xBF || data[len - 2] > 0xDF || data[len - 3] > 0xEF)
		return false;
	/* from the end: what was unpacked last is nearest to the processor */
	for (; len > STASH_UTF8_LEAST; len -= STEP)
	{
		if (!is_valid_step(data + len - STEP))
			return false;
	}
	return is_valid_step(data + 3);
}

#if defined(__x86_64__) && !defined(STASH_NO_DISPATCH)
#define STASH_HAVE_AVX2

/* the same with larger vectors, which not every processor has */
__attribute__((target("avx2")))
static bool
is_valid_avx2(const uint8 *data, Size len)
{
	return is_valid(data, len);
}
#endif

/*
 * True for bytes, STASH_UTF8_LEAST or more, that the server takes for text in
 * UTF-8: no zero, no byte out of place.
 */
bool
stash_utf8_is_valid(const char *data, Size len)
{
	Assert(len >= STASH_UTF8_LEAST);
#ifdef STASH_HAVE_AVX2
	if (__builtin_cpu_supports("avx2"))
		return is_valid_avx2((const uint8 *) data, len);
#endif
	return is_valid((const uint8 *) data, len);
}
